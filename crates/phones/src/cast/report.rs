//! What the play says while it goes on, and at its end.

use super::plan::Script;
use super::why::Why;
use serde::Serialize;

/// One step of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Number of the call, from 1.
    pub call: usize,
    /// The caller's number, masked.
    pub caller: String,
    /// What happened.
    pub step: Step,
}

/// What happened in a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The INVITE was sent.
    Waiting {
        /// The number dialled.
        dialled: String,
    },
    /// A seat rings for it.
    Ringing {
        /// Name of the seat.
        seat: String,
    },
    /// A seat was told to refuse it.
    Refused {
        /// Name of the seat.
        seat: String,
        /// SIP status.
        status: u16,
    },
    /// Caller and counsellor are connected.
    Talking {
        /// Name of the seat.
        seat: String,
        /// From the INVITE to the seat's 200, milliseconds.
        answer_time_ms: u64,
    },
    /// The counsellor used the key.
    KeyPressed {
        /// The key.
        key: String,
        /// The place that the counsellor named.
        city: String,
    },
    /// The telephone of the police rings.
    PoliceRing {
        /// The number that was dialled.
        dialled: String,
    },
    /// The police answered.
    PoliceAnswered {
        /// The number that was dialled.
        dialled: String,
    },
    /// Each of the three heard both others for a second.
    ThreeTalk,
    /// The police have taken the caller over.
    Confirmed,
    /// The counsellor left, and caller and police hear each other.
    CounsellorLeft,
    /// It is over.
    Ended(Box<CallResult>),
}

/// What became of one call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallResult {
    /// Number of the call, from 1.
    pub call: usize,
    /// What it had to come to.
    pub script: Script,
    /// Call-ID of the caller's INVITE, to find the call's record.
    pub sip_call_id: String,
    /// True if it ended as its script says.
    pub ok: bool,
    /// Why not.
    pub why_not: Option<Why>,
    /// A counsellor answered.
    pub answered: bool,
    /// Name of the seat that answered.
    pub seat: Option<String>,
    /// From the INVITE to the seat's 200, milliseconds.
    pub answer_time_ms: Option<u64>,
    /// Music or prompts that the caller heard before the counsellor, milliseconds.
    pub waiting_sound_ms: u64,
    /// The shorter of the times for which each heard the other's tone, milliseconds; 0 if not answered.
    pub both_ways_ms: u64,
    /// The police were joined to the call and all three heard each other.
    pub transferred: bool,
    /// The counsellor left after that, and caller and police heard each other.
    pub handed_over: bool,
}

/// What became of the play.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Calls played.
    pub calls: usize,
    /// Calls that a counsellor answered.
    pub answered: usize,
    /// Calls that the caller gave up before an answer, as the script says.
    pub abandoned: usize,
    /// Calls that did not end as their script says.
    pub failed: usize,
    /// Calls in which the police were joined.
    pub transfers: usize,
    /// Calls in which the counsellor left the caller with the police.
    pub handed_over: usize,
    /// In every answered call each phone heard the other's own tone for at least a second.
    pub rtp_packets_each_way_ok: bool,
    /// Every call, by number.
    pub results: Vec<CallResult>,
}

/// How long each must hear the other, milliseconds.
pub(crate) const LEAST_HEARD_MS: u64 = 1_000;

impl Report {
    pub(crate) fn new(mut results: Vec<CallResult>) -> Self {
        results.sort_by_key(|r| r.call);
        let count = |f: fn(&CallResult) -> bool| results.iter().filter(|r| f(r)).count();
        Self {
            calls: results.len(),
            answered: count(|r| r.answered),
            abandoned: count(|r| r.ok && !r.script.answered()),
            failed: count(|r| !r.ok),
            transfers: count(|r| r.transferred),
            handed_over: count(|r| r.handed_over),
            rtp_packets_each_way_ok: results
                .iter()
                .all(|r| !r.answered || r.both_ways_ms >= LEAST_HEARD_MS),
            results,
        }
    }

    /// This play and one that went on after it, as one.
    #[must_use]
    pub fn and(mut self, later: Report) -> Report {
        self.results.extend(later.results);
        Report::new(self.results)
    }

    /// True if every call ended as its script says.
    #[must_use]
    pub fn as_scripted(&self) -> bool {
        self.failed == 0
    }
}

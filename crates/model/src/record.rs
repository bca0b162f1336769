//! The record that every call leaves exactly once.
//!
//! Names are copied in (not indices), so that a record can be read after the configuration changed.

use crate::{CallId, DialString, Outcome, RecordingRecord, ReleasedBy, Wall};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One finished call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// Name of the trunk it came in on.
    pub trunk: String,
    /// Caller's number as it arrived; empty if withheld.
    pub caller: DialString,
    /// Number that was dialled, as it arrived.
    pub called: DialString,
    /// SIP Call-ID of the caller's leg, to find the call in the carrier's traces.
    pub sip_call_id: String,
    /// When the INVITE arrived.
    pub arrived: Wall,
    /// When a counsellor answered.
    pub answered: Option<Wall>,
    /// When the caller's leg ended.
    pub ended: Wall,
    /// Milliseconds from INVITE to answer or end, by the monotonic clock.
    pub waited_ms: u64,
    /// Milliseconds of talk, by the monotonic clock; 0 if never answered.
    pub talked_ms: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Who released it.
    pub released_by: ReleasedBy,
    /// SIP status that ended the caller's leg before an answer, or 0.
    pub status: u16,
    /// Why the caller's side says that it ended its leg: causes of Reason (RFC 3326), such as
    /// `Q.850;cause=16`; empty if it said nothing.
    #[serde(default)]
    pub cause: String,
    /// The same of the last seat that was in the conversation.
    #[serde(default)]
    pub seat_cause: String,
    /// Pool that answered, by name.
    pub pool: Option<String>,
    /// Line within that pool, from 0.
    pub line: Option<u16>,
    /// Seat (telephone) that answered, by name.
    pub seat: Option<String>,
    /// Counsellor (person) who answered, by name of account.
    pub counsellor: Option<String>,
    /// Pools that the routing named, in order, with the wait in seconds after which each opened.
    pub route: Vec<(String, u32)>,
    /// Why that route: one short sentence a rule.
    pub route_reason: String,
    /// Version of the routing table that decided last: 16 hex digits; empty in older records.
    #[serde(default)]
    pub table: String,
    /// Rules that the route rests on, by name.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Whether the caller was flagged as at risk, at the end.
    #[serde(default)]
    pub risk: bool,
    /// Whether the caller was held or marked for nuisance.
    #[serde(default)]
    pub nuisance: bool,
    /// Every offer that was made, in order.
    pub offers: Vec<OfferRecord>,
    /// Every use of the transfer key, in order.
    pub transfers: Vec<TransferRecord>,
    /// Packets from the caller.
    pub rtp_caller: RtpStats,
    /// Packets from the last seat.
    pub rtp_seat: RtpStats,
    /// What was recorded, and on what ground; `None` if nobody was to be recorded.
    #[serde(default)]
    pub recording: Option<Box<RecordingRecord>>,
    /// What the caller said of being called back, and whether that is still to be done; `None` if nothing
    /// was said and nobody hung up while help was on the way.
    #[serde(default)]
    pub call_back: Option<Box<CallBackRecord>>,
}

/// What stands in the record of calling the caller back.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBackRecord {
    /// When the caller's consent was written down; `None` without any.
    pub consent: Option<Wall>,
    /// The caller's own safe hours, `HH:MM-HH:MM` of Beijing time; empty if none were given.
    pub hours: String,
    /// For whom to ask, who else may answer. Personal data.
    pub note: String,
    /// The number is one that can be called back.
    pub number: bool,
    /// When the caller hung up while help was on the way or there.
    pub since: Option<Wall>,
    /// A counsellor has said that it was the caller who answered.
    pub reached: bool,
}

impl CallBackRecord {
    /// Somebody is still to call back, and may: the caller hung up, agreed, and was not reached.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        self.since.is_some() && self.consent.is_some() && self.number && !self.reached
    }
}

impl fmt::Debug for CallBackRecord {
    /// Without the note.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallBackRecord")
            .field("consent", &self.consent)
            .field("since", &self.since)
            .field("reached", &self.reached)
            .finish_non_exhaustive()
    }
}

/// What a person said of a number, to be kept until it ends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberMark {
    /// The number in normal form.
    pub number: DialString,
    /// What was said.
    pub kind: MarkKind,
    /// When.
    pub at: Wall,
    /// From when on it does not hold any more.
    pub until: Wall,
    /// Why; empty if nobody said. May hold personal data.
    pub reason: String,
    /// Account of the counsellor, if one said it.
    pub by: Option<String>,
    /// The call in which it was said.
    pub call: CallId,
}

impl fmt::Debug for NumberMark {
    /// Without the reason, in which people may write anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberMark")
            .field("number", &self.number)
            .field("kind", &self.kind)
            .field("at", &self.at)
            .field("until", &self.until)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// What a person says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// At risk.
    Risk,
    /// Nuisance; to be reviewed.
    Nuisance,
}

impl MarkKind {
    /// The name used in the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::Nuisance => "nuisance",
        }
    }
}

/// One offer of a call to a seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferRecord {
    /// Seat by name.
    pub seat: String,
    /// Counsellor by name of account.
    pub counsellor: String,
    /// Pool by name.
    pub pool: String,
    /// When the seat's INVITE left.
    pub at: Wall,
    /// How long it rang, milliseconds.
    pub rang_ms: u64,
    /// What came of it.
    pub outcome: OfferOutcome,
    /// SIP status of the seat, or 0.
    pub status: u16,
    /// Causes that its refusal gave (RFC 3326); empty if none.
    #[serde(default)]
    pub cause: String,
}

/// How an offer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferOutcome {
    /// The seat answered.
    Answered,
    /// The ring limit passed.
    NoAnswer,
    /// The seat said busy (486, 600) or refused (480, 603 and other final responses).
    Refused,
    /// No contact, no response, or a transport error.
    Unreachable,
    /// The caller hung up while it rang.
    CallerGone,
    /// The offer was taken back (seat paused by a supervisor, shutdown).
    Withdrawn,
}

impl OfferOutcome {
    /// The name used in metrics and the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoAnswer => "no_answer",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::CallerGone => "caller_gone",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// One use of the transfer key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferRecord {
    /// Key, such as `110`.
    pub key: String,
    /// City the counsellor named.
    pub city: String,
    /// Number that was dialled, area code first.
    pub dialled: String,
    /// Why that number.
    pub reason: String,
    /// When the key was pressed.
    pub at: Wall,
    /// When the target answered.
    pub answered: Option<Wall>,
    /// What came of it.
    pub outcome: TransferOutcome,
    /// SIP status of the target, or 0.
    pub status: u16,
    /// Causes that its refusal, or its BYE, gave (RFC 3326); empty if none.
    #[serde(default)]
    pub cause: String,
    /// Peers that were asked, in order.
    #[serde(default)]
    pub tried: Vec<PeerTried>,
    /// What happened when, in order; at most 256 lines.
    #[serde(default)]
    pub events: Vec<TransferEvent>,
}

impl TransferRecord {
    /// A use of this key that begins now; so long nothing has come of it.
    #[must_use]
    pub fn begun(key: &str, at: Wall) -> Self {
        Self {
            key: key.to_owned(),
            city: String::new(),
            dialled: String::new(),
            reason: String::new(),
            at,
            answered: None,
            outcome: TransferOutcome::Failed,
            status: 0,
            cause: String::new(),
            tried: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// One line of the time line of a use of the transfer key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferEvent {
    /// When.
    pub at: Wall,
    /// What: `asking`, `dialling`, `ringing`, `briefing`, `apart`, `joined`, `confirmed`, `failed`,
    /// `no_answer`, `cancelled`, `target_left`, `counsellor_left`, `caller_left`; of a seat that is
    /// called in `seat_offered`, `seat_missed`; `mode` when it begins to take part in another way,
    /// or caller or counsellor does (`detail` names which);
    /// `no_desk` when police were to be quiet and nobody of the second line was there;
    /// `call_back_refused` when the caller was not called back, with the reason.
    pub what: String,
    /// Which number, which status; empty if there is nothing more to say.
    #[serde(default)]
    pub detail: String,
}

impl TransferEvent {
    /// A line.
    #[must_use]
    pub fn new(at: Wall, what: &str, detail: String) -> Self {
        Self {
            at,
            what: what.to_owned(),
            detail,
        }
    }
}

/// A peer of a trunk that was asked for a call out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerTried {
    /// Trunk by name.
    pub trunk: String,
    /// Address and port.
    pub peer: String,
    /// Its final SIP status; 408 also if it never responded, 503 also if it could not be reached, 0 if
    /// the call ended before it said either.
    pub status: u16,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferOutcome {
    /// The target answered and was joined to the conversation.
    Joined,
    /// Busy, refused or failed.
    Failed,
    /// Nobody answered in time.
    NoAnswer,
    /// The call ended or the counsellor took the key back first.
    Cancelled,
}

impl TransferOutcome {
    /// The name used in metrics and the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Failed => "failed",
            Self::NoAnswer => "no_answer",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Counts of RTP packets from one party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtpStats {
    /// Packets accepted from the party.
    pub received: u64,
    /// Packets sent to the party.
    pub sent: u64,
    /// Packets dropped because their source was not negotiated.
    pub wrong_source: u64,
    /// Packets dropped because they were not RTP of a negotiated payload type.
    pub malformed: u64,
    /// Packets dropped because they were not made with the party's key, or had come before (SRTP).
    #[serde(default)]
    pub unauthentic: u64,
    /// True if all media of the party was SRTP, from first to last.
    #[serde(default)]
    pub secured: bool,
    /// Packets of the party that did not arrive (RFC 3550 appendix A.3).
    #[serde(default)]
    pub lost: u64,
    /// The greatest jitter of the party's packets, in microseconds (RFC 3550 appendix A.8).
    #[serde(default)]
    pub jitter_us: u32,
    /// Reports of the party about what it received (RTCP); without any, what follows is 0.
    #[serde(default)]
    pub reports: u32,
    /// Packets to the party that did not arrive there, or had not arrived here from the one that it
    /// heard, as its last report says.
    #[serde(default)]
    pub peer_lost: u64,
    /// The greatest jitter that the party reported, in microseconds.
    #[serde(default)]
    pub peer_jitter_us: u32,
    /// The last round trip to the party and back that was measured, in microseconds; 0 if none was.
    #[serde(default)]
    pub round_trip_us: u32,
}

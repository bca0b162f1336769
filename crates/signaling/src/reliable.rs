//! Provisional responses that are sent until their PRACK comes (RFC 3262 §3).

use crate::timers::{Repeat, Timers, earlier, rebase};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the reliable provisional responses to one INVITE stand. One is under way at a time: §3
/// demands it of the first and recommends it of the others.
///
/// ```text
///               on_send: RSeq + 1
///   ┌──────┐ ─────────────────────▶ ┌─────────┐ T1, 2·T1, 4·T1 …: again (§3)
///   │ Idle │                        │ Waiting │◀──┐
///   │      │ ◀───────────────────── │         │───┘
///   └──┬───┘   its PRACK            └─┬─────┬─┘
///      │                   on_final:  │     │ 64·T1 without PRACK:
///      │                not sent again│     │ the INVITE is to be refused (§3)
///      │ on_final                     ▼     │ (be_patient: again every T2)
///      │                    ┌───────────┐   │
///      │                    │ Overtaken │   │
///      │                    └─────┬─────┘   │
///      │                     PRACK│         │
///      ▼                          ▼         ▼
///   ┌───────────────────────────────────────────┐
///   │ Closed: no PRACK fits any more (481)      │
///   └───────────────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReliableState {
    /// All that were sent are acknowledged; another may be sent.
    Idle,
    /// One was sent and has no PRACK yet.
    Waiting,
    /// The final response went before the PRACK, which is to be answered still (§3).
    Overtaken,
    /// Nothing is sent and nothing fits any more.
    Closed,
}

/// What the owner of the machine has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReliableAction {
    /// Nothing.
    Nothing,
    /// Send the response again.
    Resend,
    /// Refuse the INVITE with a 5xx: nobody acknowledged the response.
    GiveUp,
}

/// What RAck says (RFC 3262 §7.2): which response it acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rack<'a> {
    /// The RSeq of the response.
    pub rseq: u32,
    /// The CSeq number of the INVITE.
    pub cseq: u32,
    /// The method that the response was for.
    pub method: &'a str,
}

impl<'a> Rack<'a> {
    /// Reads a RAck value; `None` if it is none.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let (rseq, cseq) = (words.next()?, words.next()?);
        let method = words.next()?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if words.next().is_some() || !digits(rseq) || !digits(cseq) {
            return None;
        }
        Some(Self {
            rseq: rseq.parse().ok()?,
            cseq: cseq.parse().ok()?,
            method,
        })
    }
}

/// The reliable provisional responses to one INVITE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reliable {
    state: ReliableState,
    /// RSeq of the last one that was sent.
    rseq: u32,
    /// CSeq number of the INVITE.
    cseq: u32,
    /// The one under way holds a session description.
    with_sdp: bool,
    repeat: Repeat,
    end: Option<Mono>,
    /// Want of a PRACK is no reason to refuse the INVITE.
    #[serde(default)]
    patient: bool,
    /// T2 as it was when the last one was sent.
    #[serde(default)]
    slow: Duration,
}

impl Reliable {
    /// None sent yet. `seed` is any number: the first RSeq is 1 to 2^31 − 1, not to be guessed (§3).
    #[must_use]
    pub fn new(seed: u64, cseq: u32) -> Self {
        // Kept so low that no call of any length comes to the end of the numbers.
        let first = (seed % 0x3fff_ffff) as u32;
        Self {
            state: ReliableState::Idle,
            rseq: first,
            cseq,
            with_sdp: false,
            repeat: Repeat::off(),
            end: None,
            patient: false,
            slow: Duration::ZERO,
        }
    }

    /// From now on the INVITE is not given up for want of a PRACK. That it be refused after 64·T1 is a
    /// SHOULD (§3); that no 2xx overtakes a session description without PRACK is a MUST, and holds on.
    /// So the response is sent on, every T2, until its PRACK or a final response.
    pub fn be_patient(&mut self) {
        self.patient = true;
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> ReliableState {
        self.state
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        earlier(self.repeat.at(), self.end)
    }

    /// Moves its timers to another clock (see [`rebase`]).
    pub fn rebase(&mut self, taken: Mono, now: Mono) {
        self.repeat.rebase(taken, now);
        rebase(&mut self.end, taken, now);
    }

    /// A response is sent; its RSeq. `None` if one is under way or the INVITE is answered.
    pub fn on_send(&mut self, now: Mono, timers: &Timers, with_sdp: bool) -> Option<u32> {
        if self.state != ReliableState::Idle {
            return None;
        }
        self.state = ReliableState::Waiting;
        self.rseq += 1;
        self.with_sdp = with_sdp;
        self.repeat = Repeat::start(now, timers.t1);
        self.end = Some(now + timers.timeout());
        self.slow = timers.t2;
        Some(self.rseq)
    }

    /// A PRACK came. True if it acknowledges the response under way; else it gets 481 (§3).
    pub fn on_prack(&mut self, rack: Rack<'_>) -> bool {
        let fits = rack.rseq == self.rseq && rack.cseq == self.cseq && rack.method == "INVITE";
        let next = match self.state {
            ReliableState::Waiting if fits => ReliableState::Idle,
            ReliableState::Overtaken if fits => ReliableState::Closed,
            _ => return false,
        };
        self.rest(next);
        true
    }

    /// True while a 2xx has to wait: a response with a session description has no PRACK (§3).
    #[must_use]
    pub fn holds_answer(&self) -> bool {
        self.state == ReliableState::Waiting && self.with_sdp
    }

    /// The final response is sent: what is under way is not sent again, its PRACK still answered.
    pub fn on_final(&mut self) {
        self.rest(match self.state {
            ReliableState::Waiting | ReliableState::Overtaken => ReliableState::Overtaken,
            ReliableState::Idle | ReliableState::Closed => ReliableState::Closed,
        });
    }

    /// A timer may be due. The interval doubles without a limit (§3).
    pub fn on_timeout(&mut self, now: Mono) -> ReliableAction {
        if self.end.is_some_and(|end| end <= now) {
            if !self.patient || self.slow.is_zero() {
                self.rest(ReliableState::Closed);
                return ReliableAction::GiveUp;
            }
            self.end = None;
            self.repeat = Repeat::start(now, self.slow);
            return ReliableAction::Resend;
        }
        match self
            .repeat
            .fire(now, self.end.is_none().then_some(self.slow))
        {
            true => ReliableAction::Resend,
            false => ReliableAction::Nothing,
        }
    }

    fn rest(&mut self, state: ReliableState) {
        self.state = state;
        self.repeat = Repeat::off();
        self.end = None;
    }
}

//! Reliable provisional responses of a leg, both ways (RFC 3262): ours until their PRACK, and the
//! PRACK of those that come to us.

use crate::body;
use crate::defect::Defect;
use crate::dialog::Dialog;
use crate::early::{Early, Heard, MOST_EARLY};
use crate::event::{EndCause, Event, LegError};
use crate::keys::{Purpose, ServerKey};
use crate::leg::{Context, Leg, LegState};
use crate::leg_timer;
use crate::lex;
use crate::message::{HeaderName, Message};
use crate::reliable::{Rack, Reliable, ReliableAction, ReliableState};
use crate::session_timer::Claimed;
use crate::terms::Reliability;
use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The option tag of RFC 3262 §8.1.
pub(crate) const TAG: &str = "100rel";

/// A ringing response without PRACK for a minute is repeated every minute, a reliable one is followed
/// by another after two and a half (RFC 3262 §3 beside RFC 3261 §13.3.1.1).
const REFRESHES: (u32, u32) = (5, 2);

/// What the other side of a leg can, as its INVITE said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    /// Whether it takes reliable responses, or insists on them.
    pub reliable: Reliability,
    /// Its INVITE held no offer: ours goes first (RFC 3261 §13.2.1).
    pub late: bool,
    /// What its INVITE said of the session's time.
    pub session: Claimed,
}

impl Default for Peer {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Peer {
    /// Nothing is known of it.
    pub(crate) const UNKNOWN: Self = Self {
        reliable: Reliability::Off,
        late: false,
        session: Claimed {
            expires: None,
            refresher: None,
            least: Duration::ZERO,
            supports: false,
        },
    };

    /// What an INVITE says of its sender.
    pub(crate) fn of_invite(invite: &Message) -> Self {
        let reliable = match (
            names(invite, HeaderName::Require, TAG),
            names(invite, HeaderName::Supported, TAG),
        ) {
            (true, _) => Reliability::Required,
            (false, true) => Reliability::Supported,
            (false, false) => Reliability::Off,
        };
        Self {
            reliable,
            late: body::sdp(invite).is_none(),
            session: leg_timer::claimed(invite),
        }
    }
}

/// True if a header lists this option tag (RFC 3261 §7.1: without case).
pub(crate) fn names(message: &Message, header: HeaderName, tag: &str) -> bool {
    message
        .values(header)
        .any(|value| lex::trim(value).eq_ignore_ascii_case(tag))
}

/// Our reliable provisional responses to an INVITE, and what waits for their PRACK.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Provisionals {
    pub machine: Reliable,
    /// Status of the last one.
    status: u16,
    /// The next one, asked for while one was under way.
    next: Option<(u16, Option<Box<[u8]>>)>,
    /// The session description of our 200, which waits.
    held: Option<Box<[u8]>>,
    /// Our session description went in a reliable response: none follows in the 200 (RFC 3261
    /// §13.2.1).
    described: bool,
}

impl Provisionals {
    /// Moves its timers to another clock.
    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        self.machine.rebase(taken, now);
    }
}

impl Leg {
    /// The option tags of our INVITE: values of Supported and Require (RFC 3261 §20.37, §20.32).
    pub(crate) fn option_tags(&self, supported: &[String]) -> (String, String) {
        let terms = self.terms.reliable;
        let named = supported.iter().map(String::as_str);
        let named: Vec<&str> = named
            .filter(|tag| !tag.eq_ignore_ascii_case(TAG) || terms == Reliability::Supported)
            .collect();
        let required = if terms == Reliability::Required {
            TAG
        } else {
            ""
        };
        (named.join(", "), required.to_owned())
    }

    /// True if this ringing response is to be sent reliably (§3). With an INVITE without offer that
    /// is where ours can stand in it: a first reliable response must hold it (§5).
    pub(crate) fn rings_reliably(&self, with_sdp: bool) -> bool {
        let agreed = self.terms.reliable != Reliability::Off;
        match self.peer.reliable {
            Reliability::Off => false,
            // §3: none of it may go unreliably, whatever we would like.
            Reliability::Required => true,
            Reliability::Supported => agreed && (with_sdp || !self.peer.late),
        }
    }

    /// Sends a ringing response reliably, or as soon as the one before is acknowledged.
    pub(crate) fn ring_reliably(
        &mut self,
        cx: &mut Context<'_>,
        key: ServerKey,
        status: u16,
        sdp: Option<&[u8]>,
    ) -> Result<(), LegError> {
        let invite = self.invite_seq;
        let provisionals = self.provisionals.get_or_insert_with(|| {
            Box::new(Provisionals {
                machine: Reliable::new(cx.names.word(), invite),
                status,
                next: None,
                held: None,
                described: false,
            })
        });
        if self.patient {
            provisionals.machine.be_patient();
        }
        // A second description is none of an answer's business (RFC 3261 §13.2.1).
        let sdp = sdp.filter(|_| !provisionals.described);
        let Some(rseq) = provisionals
            .machine
            .on_send(cx.now, &cx.config.timers, sdp.is_some())
        else {
            provisionals.next = Some((status, sdp.map(Into::into)));
            return Ok(());
        };
        provisionals.status = status;
        provisionals.described |= sdp.is_some();
        let rseq = rseq.to_string();
        let headers = [("Require", TAG), ("RSeq", rseq.as_str())];
        let bytes = self
            .response(cx, key, status, &headers, sdp)
            .ok_or(LegError::State)?;
        if !cx.tx.respond(cx.now, key, status, bytes) {
            return Err(LegError::State);
        }
        if let Some(sdp) = sdp {
            self.note_description(sdp);
        }
        self.state = LegState::Ringing;
        self.refresh = Some(cx.now + cx.config.timers.refresh * REFRESHES.0 / REFRESHES.1);
        Ok(())
    }

    /// The call rings still: proxies on the way are to hear of it (RFC 3261 §13.3.1.1).
    pub(crate) fn refresh_ringing(&mut self, cx: &mut Context<'_>) {
        let Some(key) = self.arrived else { return };
        self.refresh = Some(cx.now + cx.config.timers.refresh);
        match &self.provisionals {
            None => cx.tx.resend(key),
            Some(it) if it.machine.state() == ReliableState::Idle => {
                let status = it.status;
                // The transaction may have ended; then so has the call.
                let _ = self.ring_reliably(cx, key, status, None);
            }
            Some(_) => {}
        }
    }

    /// The session description for our 200: none if it went before. `None` if the 200 has to wait.
    pub(crate) fn answer_now<'s>(&mut self, sdp: &'s [u8]) -> Option<&'s [u8]> {
        let asked = self.asked.is_some();
        let Some(it) = &mut self.provisionals else {
            return Some(sdp);
        };
        if asked || it.machine.holds_answer() {
            it.held = Some(sdp.into());
            return None;
        }
        it.machine.on_final();
        it.next = None;
        Some(if it.described { &[] } else { sdp })
    }

    /// A final response other than 2xx goes out.
    pub(crate) fn close_provisionals(&mut self) {
        if let Some(it) = &mut self.provisionals {
            it.machine.on_final();
            it.next = None;
            it.held = None;
        }
    }

    /// Want of a PRACK is no reason to refuse the call.
    pub(crate) fn be_patient(&mut self) {
        self.patient = true;
        if let Some(it) = &mut self.provisionals {
            it.machine.be_patient();
        }
    }

    /// True once our answer was acknowledged before the 200: either side may offer anew (RFC 3311
    /// §5.1).
    pub(crate) fn is_settled_early(&self) -> bool {
        matches!(self.state, LegState::Ringing)
            && self
                .provisionals
                .as_ref()
                .is_some_and(|it| it.described && !it.machine.holds_answer())
    }

    /// PRACK (§3): 200 if it acknowledges what is under way, else 481. It may hold an answer to our
    /// offer, or an offer (§5).
    pub(crate) fn on_prack(&mut self, cx: &mut Context<'_>, key: ServerKey, prack: &Message) {
        let rack = prack.header(HeaderName::RAck).and_then(Rack::parse);
        let fits = match (&mut self.provisionals, rack) {
            (Some(it), Some(rack)) => it.machine.on_prack(rack),
            _ => false,
        };
        if !fits {
            return self.reply(cx, key, 481, &[]);
        }
        let sdp = body::sdp(prack);
        let (described, ringing) = (
            self.provisionals.as_ref().is_some_and(|it| it.described),
            self.state == LegState::Ringing,
        );
        if let (Some(answer), true, true) = (sdp, self.peer.late, described) {
            // The answer to our offer; what is described next is a change.
            self.peer.late = false;
            self.reply(cx, key, 200, &[]);
            self.ack_sdp = Some(answer.into());
            cx.events.push_back(Event::OfferAnswered { leg: self.id });
        } else if sdp.is_some() && ringing && self.is_settled_early() && self.asked.is_none() {
            self.ask_user(cx, key, false, prack);
        } else {
            self.reply(cx, key, 200, &[]);
        }
        self.go_on(cx);
    }

    /// Sends what waited for a PRACK, or for our answer to a change: the 200, or the next response.
    pub(crate) fn go_on(&mut self, cx: &mut Context<'_>) {
        let Some(key) = self.arrived.filter(|_| self.state == LegState::Ringing) else {
            return;
        };
        let Some(it) = &mut self.provisionals else {
            return;
        };
        // The transaction may have ended in the same moment; then the leg ends by itself.
        if let Some(sdp) = it.held.take() {
            let _ = self.answer(cx, &sdp);
        } else if let Some((status, sdp)) = it.next.take() {
            let _ = self.ring_reliably(cx, key, status, sdp.as_deref());
        }
    }

    /// A timer of a reliable response may be due.
    pub(crate) fn on_reliable_timer(&mut self, cx: &mut Context<'_>) {
        let Some(it) = &mut self.provisionals else {
            return;
        };
        match (it.machine.on_timeout(cx.now), self.arrived) {
            (ReliableAction::Resend, Some(key)) => cx.tx.resend(key),
            (ReliableAction::GiveUp, _) => {
                // §3: a 5xx; 504 says that somebody did not answer in time (RFC 3261 §21.5.5).
                self.refuse(cx, 504, &[]);
                self.tell_ended(cx, EndCause::NoPrack, None);
            }
            _ => {}
        }
    }

    /// A provisional response above 100 came. If it is reliable it is acknowledged (§4); false if it
    /// is not to be looked at: it came before, or one before it is missing.
    pub(crate) fn hear_provisional(&mut self, cx: &mut Context<'_>, response: &Message) -> bool {
        if !names(response, HeaderName::Require, TAG) {
            return true;
        }
        let rseq = response.header(HeaderName::RSeq).and_then(lex::number);
        let rseq = rseq.filter(|n| *n > 0);
        let (Some(rseq), Some(tag)) = (rseq, response.to_tag()) else {
            return false;
        };
        let known = self
            .early
            .iter()
            .position(|early| *early.dialog.remote_tag == *tag);
        let at = match known {
            Some(at) => match self.early.get_mut(at).map(|early| early.hear(rseq)) {
                Some(Heard::Next) => at,
                Some(Heard::Again) => {
                    cx.tx.counters.retransmissions_received += 1;
                    return false;
                }
                Some(Heard::OutOfOrder) | None => return false,
            },
            None if self.early.len() < MOST_EARLY => {
                let Ok(dialog) = Dialog::of_response(response, &self.dialog.target) else {
                    return false;
                };
                self.early.push(Early::new(dialog, rseq));
                self.early.len() - 1
            }
            None => return false,
        };
        self.acknowledge_provisional(cx, at, response);
        true
    }

    fn acknowledge_provisional(&mut self, cx: &mut Context<'_>, at: usize, response: &Message) {
        let Some(early) = self.early.get_mut(at) else {
            return;
        };
        if early.answer.is_none() {
            early.answer = body::sdp(response).map(Into::into);
        }
        let rack = early.rack(response.cseq().0);
        // The request belongs to the early dialog: its route, target and numbers (§4, RFC 3261
        // §12.2.1.1).
        std::mem::swap(&mut self.dialog, &mut early.dialog);
        let times = match (
            cx.broken.is(Defect::PrackForgotten),
            cx.broken.is(Defect::PrackTwice),
        ) {
            (true, _) => 0,
            (_, twice) => 1 + usize::from(twice),
        };
        for _ in 0..times {
            self.send(cx, Purpose::Prack, &[("RAck", &rack)], None);
        }
        if let Some(early) = self.early.get_mut(at) {
            std::mem::swap(&mut self.dialog, &mut early.dialog);
        }
    }

    /// The early dialog of this tag becomes the call's: its numbers go on in `dialog`. The answer that
    /// it settled, if there is one.
    pub(crate) fn take_early(&mut self, dialog: &mut Dialog) -> Option<Box<[u8]>> {
        let early = std::mem::take(&mut self.early)
            .into_iter()
            .find(|early| early.dialog.remote_tag == dialog.remote_tag)?;
        dialog.local_seq = dialog.local_seq.max(early.dialog.local_seq);
        dialog.remote_seq = early.dialog.remote_seq;
        if early.described.is_some() {
            self.described = early.described;
        }
        early.answer
    }

    /// The early dialog that a request belongs to.
    pub(crate) fn early_of(&mut self, request: &Message) -> Option<&mut Early> {
        self.early
            .iter_mut()
            .find(|early| early.dialog.owns_request(request))
    }

    /// True if a request belongs to the dialog of this leg, or to an early one of it.
    pub(crate) fn owns_request(&self, request: &Message) -> bool {
        self.dialog.owns_request(request)
            || self.early.iter().any(|e| e.dialog.owns_request(request))
    }

    /// When a reliable response is due to be sent again.
    pub(crate) fn next_reliable(&self) -> Option<Mono> {
        self.provisionals.as_ref()?.machine.deadline()
    }
}

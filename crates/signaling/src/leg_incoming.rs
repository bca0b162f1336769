//! A leg whose INVITE came to us: ringing, answering, refusing, CANCEL and ACK.

use crate::body;
use crate::defect::{Defect, other_tag};
use crate::event::{EndCause, Event, LegError};
use crate::keys::ServerKey;
use crate::leg::{Context, Leg, LegState, Unacknowledged, reason_of};
use crate::message::Message;
use crate::session_timer::Claimed;
use crate::timers::Repeat;
use crate::write;

impl Leg {
    /// Sends 180 to 183.
    pub(crate) fn ring(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        sdp: Option<&[u8]>,
    ) -> Result<(), LegError> {
        if !(180..=183).contains(&status) {
            return Err(LegError::Status);
        }
        let key = self.unanswered()?;
        if self.rings_reliably(sdp.is_some()) {
            return self.ring_reliably(cx, key, status, sdp);
        }
        // An offer of ours cannot stand in a response that may get lost (RFC 3261 §13.2.1).
        let sdp = sdp.filter(|_| !self.peer.late);
        let bytes = self
            .response(cx, key, status, &[], sdp)
            .ok_or(LegError::State)?;
        if !cx.tx.respond(cx.now, key, status, bytes) {
            return Err(LegError::State);
        }
        self.state = LegState::Ringing;
        self.refresh = Some(cx.now + cx.config.timers.refresh);
        Ok(())
    }

    /// Sends 200 and repeats it until the ACK comes (§13.3.1.4).
    pub(crate) fn answer(&mut self, cx: &mut Context<'_>, sdp: &[u8]) -> Result<(), LegError> {
        let key = self.unanswered()?;
        let Some(sdp) = self.answer_now(sdp) else {
            return Ok(());
        };
        let session = self.peer.session;
        self.send_ok(cx, key, (self.invite_seq, self.late), sdp, session)?;
        self.note_answered(sdp);
        self.state = LegState::Answered;
        self.arrived = None;
        self.refresh = None;
        Ok(())
    }

    /// Sends a final response of 300 or above; the user did it, so nothing but Gone follows.
    pub(crate) fn reject(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        if !(300..=699).contains(&status) {
            return Err(LegError::Status);
        }
        self.unanswered()?;
        self.quiet = true;
        self.refuse(cx, status, headers);
        Ok(())
    }

    /// Sends a failure and waits for its ACK.
    pub(crate) fn refuse(&mut self, cx: &mut Context<'_>, status: u16, headers: &[(&str, &str)]) {
        self.state = LegState::Ending;
        self.refresh = None;
        self.refuse_asked(cx, 487, &[]);
        self.close_provisionals();
        let sent =
            self.arrived
                .is_some_and(|key| match self.response(cx, key, status, headers, None) {
                    Some(bytes) => cx.tx.respond(cx.now, key, status, bytes),
                    None => false,
                });
        if !sent {
            self.finish();
        }
    }

    /// The caller took the INVITE `key` back (§9.2). The CANCEL itself was answered already.
    pub(crate) fn on_cancel(&mut self, cx: &mut Context<'_>, key: ServerKey, cancel: &Message) {
        if self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.invite && asked.key == key)
        {
            // A re-INVITE taken back: the session stays as it was.
            self.refuse_asked(cx, 487, &[]);
            return;
        }
        if self.arrived == Some(key) && matches!(self.state, LegState::Arrived | LegState::Ringing)
        {
            self.refuse(cx, 487, &[]);
            self.tell_ended(cx, EndCause::Cancelled, reason_of(cancel));
        }
        // §9.2: after a final response CANCEL has no effect.
    }

    /// The ACK of a failure of ours came, or will not come any more.
    pub(crate) fn on_acknowledged(&mut self, key: ServerKey) {
        if self.arrived == Some(key) {
            self.arrived = None;
            if self.state == LegState::Ending {
                self.finish();
            }
        }
    }

    /// An ACK within the dialog came: for the 200 with its number, else for one long acknowledged.
    pub(crate) fn on_ack(&mut self, cx: &mut Context<'_>, ack: &Message) {
        let number = ack.cseq().0;
        if self
            .unacknowledged
            .as_ref()
            .is_none_or(|ok| ok.cseq != number)
        {
            cx.tx.counters.retransmissions_received += 1;
            return;
        }
        self.settle(cx, body::sdp(ack).map(Into::into));
    }

    /// Our 200 has come: its ACK says so, with the answer if the 200 held the offer, or a request does
    /// that only who has it may send.
    pub(crate) fn settle(&mut self, cx: &mut Context<'_>, answer: Option<Box<[u8]>>) {
        if self.unacknowledged.take().is_none() {
            return;
        }
        match self.state {
            LegState::Answered => {
                self.state = LegState::Confirmed;
                self.ack_sdp = answer;
                cx.events.push_back(Event::Confirmed { leg: self.id });
            }
            // Hung up before the ACK: the BYE that had to wait (§15).
            LegState::Ending => self.send_bye(cx),
            _ => {
                self.ack_sdp = answer;
                if self.ack_sdp.is_some() {
                    cx.events.push_back(Event::OfferAnswered { leg: self.id });
                }
            }
        }
    }

    /// No ACK came for 64·T1: the session ends with BYE (§13.3.1.4).
    pub(crate) fn on_no_ack(&mut self, cx: &mut Context<'_>) {
        self.send_bye(cx);
        self.tell_ended(cx, EndCause::NoAck, None);
    }

    /// Sends the 200 to an INVITE or re-INVITE, of the number `cseq` and whether the 200 holds the
    /// offer, and keeps it until its ACK.
    pub(crate) fn send_ok(
        &mut self,
        cx: &mut Context<'_>,
        key: ServerKey,
        (cseq, offers): (u32, bool),
        sdp: &[u8],
        session: Claimed,
    ) -> Result<(), LegError> {
        let headers = self.session_answer(cx, session);
        let headers: Vec<(&str, &str)> = headers.iter().map(|h| (h.0, &*h.1)).collect();
        let bytes = self
            .response(cx, key, 200, &headers, Some(sdp))
            .ok_or(LegError::State)?;
        if !cx.tx.respond(cx.now, key, 200, bytes.clone()) {
            return Err(LegError::State);
        }
        if cx.broken.is(Defect::SecondAnswer) {
            let other = other_tag(&bytes, &self.dialog.local_tag);
            cx.tx.send_response(200, self.flow, other);
        }
        let bytes = match cx.broken.is(Defect::AnswerAgainDiffers) {
            true => other_tag(&bytes, &self.dialog.local_tag),
            false => bytes,
        };
        let timers = &cx.config.timers;
        self.unacknowledged = Some(Box::new(Unacknowledged {
            bytes,
            cseq,
            offers,
            repeat: Repeat::start(cx.now, timers.t1),
            end: Some(cx.now + timers.timeout()),
        }));
        Ok(())
    }

    /// Writes a response to a request of the dialog, with Contact where it makes or refreshes the
    /// dialog (§12.1.1, §8.1.1.8).
    pub(crate) fn response(
        &self,
        cx: &Context<'_>,
        key: ServerKey,
        status: u16,
        headers: &[(&str, &str)],
        sdp: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        let mut out = write::response(cx.tx.head(key).filter(|h| !h.is_empty())?, status);
        if status < 300 {
            out = out.header_with("Contact", |out| {
                write::contact(out, &self.contact_user, &self.flow)
            });
        }
        if (200..300).contains(&status) {
            out = out.header("Allow", write::ALLOW);
            if !cx.config.supported.is_empty() {
                out = out.header("Supported", &cx.config.supported.join(", "));
            }
        }
        out = out.header("Server", &cx.config.user_agent);
        for (name, value) in headers {
            out = out.header(name, value);
        }
        Some(match sdp.filter(|sdp| !sdp.is_empty()) {
            Some(sdp) => out.body("application/sdp", sdp).finish(),
            None => out.finish(),
        })
    }

    /// The INVITE, if it came to us and has had no final response.
    fn unanswered(&self) -> Result<ServerKey, LegError> {
        match (self.state, self.arrived) {
            (LegState::Arrived | LegState::Ringing, Some(key)) => Ok(key),
            _ => Err(LegError::State),
        }
    }
}

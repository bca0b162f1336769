//! The called side: INVITE server transactions, and the 2xx that is sent until its ACK comes.

use super::AgentEvent;
use super::call::{Call, Phase};
use super::desk::Context;
use super::lasting::Lasting;
use super::reliable::{Reliable, Unheard};
use super::sdp::Description;
use super::text::{Message, Writer};
use super::timers::{LONG, Repeat, T2, T4, earlier};
use meishier_model::Mono;
use std::net::SocketAddr;
use std::time::Duration;

/// Where an INVITE server transaction stands (RFC 3261 §17.2.1), together with the sending of the
/// 2xx (§13.3.1.4, RFC 6026 §7.1).
///
/// ```text
///                   INVITE
///                     ▼
///              ┌────────────┐ INVITE again: last provisional again,
///              │ Proceeding │◀─┐ 100 if there was none
///              └─┬────────┬─┴──┘
///            2xx │        │ 300–699: timers G (UDP), H
///                ▼        ▼
///  T1 … T2: ┌──────────┐ ┌───────────┐ INVITE again, G:
///  2xx again│ Accepted │ │ Completed │ response again
///           └┬────────┬┘ └─┬───────┬─┘
///        ACK │  64·T1:│    │ACK    │ H
///            ▼  no ACK│    ▼       │
///  ┌──────────────┐   │  ┌───────────┐
///  │ Acknowledged │   │  │ Confirmed │ ACK again: nothing
///  └──────┬───────┘   │  └──┬────────┘
///         │ L (64·T1) │     │ I (T4; 0 over TCP)
///         ▼           ▼     ▼
///        Terminated (BYE if no ACK came)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Proceeding,
    Accepted,
    Acknowledged,
    Completed,
    Confirmed,
    Terminated,
}

/// One INVITE that came.
#[derive(Debug)]
pub(crate) struct InviteIn {
    state: State,
    cseq: u32,
    branch: Box<str>,
    /// The request, for its responses are written later.
    request: Box<[u8]>,
    from: SocketAddr,
    tag: u64,
    /// It opened the call; else it is a re-INVITE.
    opens: bool,
    /// Our SDP for the 2xx: an answer, or if the INVITE had none, an offer.
    sdp: String,
    /// The INVITE had no offer: ours is answered in the ACK.
    offers: bool,
    last: Vec<u8>,
    /// Timer G, or the repetition of a 2xx.
    repeat: Repeat,
    /// Timer H, I or L.
    end: Option<Mono>,
    /// Its ringing, if that is to be acknowledged.
    ringing: Option<Reliable>,
    /// What the 200 to an opening INVITE says of the session's time.
    timed: Option<String>,
}

/// What time brought.
enum Due {
    Nothing,
    Again,
    NoAck,
    NoPrack,
}

impl InviteIn {
    pub(crate) fn new(request: &Message<'_>, bytes: &[u8], from: SocketAddr, tag: u64) -> Self {
        Self {
            state: State::Proceeding,
            cseq: request.cseq.0,
            branch: request.branch().into(),
            request: bytes.into(),
            from,
            tag,
            opens: false,
            sdp: String::new(),
            offers: false,
            last: Vec::new(),
            repeat: Repeat::off(),
            end: None,
            ringing: None,
            timed: None,
        }
    }

    pub(crate) fn opening(mut self) -> Self {
        self.opens = true;
        self
    }

    /// The SDP that its 2xx will hold; false if no codec is common.
    pub(crate) fn prepare(
        &mut self,
        cx: &Context<'_>,
        session: &mut super::sdp::Session,
        offer: &str,
    ) -> bool {
        self.offers = offer.is_empty();
        let sdp = if self.offers {
            let held = session.held;
            Some(session.offer(cx.desk.codecs(), held))
        } else {
            Description::read(offer).and_then(|o| session.answer(cx.desk.codecs(), &o))
        };
        let found = sdp.is_some();
        self.sdp = sdp.unwrap_or_default();
        found
    }

    /// Sends a response.
    pub(crate) fn respond(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        contact: &str,
        with_sdp: bool,
    ) {
        let Some(request) = Message::read(&self.request) else {
            return; // It was read when it came.
        };
        let mut writer = Writer::response(&request, status, self.tag, self.from);
        if (101..300).contains(&status) {
            writer = writer.header("Contact", contact);
        }
        if status == 200 {
            writer = match (&self.timed, self.opens) {
                (Some(value), _) => writer
                    .header("Require", "timer")
                    .header("Session-Expires", value),
                (None, true) => writer,
                (None, false) => Lasting::repeat(&request, writer),
            };
        }
        if status == 180 && !with_sdp && self.rings_reliably(cx, &request) {
            let number = cx.desk.dice.roll(1 << 30) as u32 + 1;
            writer = writer
                .header("Require", "100rel")
                .format("RSeq", format_args!("{number}"));
            self.ringing = Some(Reliable::new(cx.now, number));
            cx.desk.fired.reliable_rings += 1;
        }
        if let Some(ringing) = self.ringing.as_mut().filter(|_| status >= 200) {
            ringing.rest();
        }
        self.last = writer.finish(with_sdp.then_some(&self.sdp));
        let reliable = cx.desk.is_reliable();
        match status {
            ..200 => {}
            200..300 => {
                self.state = State::Accepted;
                // From end to end, so over TCP as well.
                self.repeat = Repeat::from(cx.now);
                self.end = Some(cx.now + LONG);
            }
            _ => {
                self.state = State::Completed;
                self.end = Some(cx.now + LONG);
                if !reliable {
                    self.repeat = Repeat::from(cx.now);
                }
            }
        }
        cx.send(self.last.clone());
    }

    /// Once an INVITE that opens a call and whose sender can take it (RFC 3262 §3).
    fn rings_reliably(&self, cx: &mut Context<'_>, request: &Message<'_>) -> bool {
        let can = |name| {
            request
                .headers(name)
                .flat_map(|value| value.split(','))
                .any(|tag| tag.trim() == "100rel")
        };
        self.opens
            && self.ringing.is_none()
            && (can("Supported") || can("Require"))
            && cx.roll(cx.quirks.ring_reliably)
    }

    /// Whether the session is to be refreshed, and by whom, if its INVITE allows (RFC 4028 §9): how long it
    /// lasts, and true if this end refreshes.
    fn times_session(&mut self, cx: &mut Context<'_>) -> Option<(u32, bool)> {
        let request = Message::read(&self.request)?;
        let value = request.header("Session-Expires")?;
        let seconds = value.split(';').next()?.trim().parse().ok()?;
        if !cx.roll(cx.quirks.time_sessions) {
            return None;
        }
        let ours = cx.roll(0.5);
        let who = if ours { "uas" } else { "uac" };
        self.timed = Some(format!("{seconds};refresher={who}"));
        Some((seconds, ours))
    }

    /// A PRACK came: true if it acknowledges our ringing (RFC 3262 §3).
    pub(crate) fn hear_prack(&mut self, rack: &str) -> bool {
        let cseq = self.cseq;
        let named = self.ringing.take_if(|it| it.is_named(rack, cseq));
        named.is_some()
    }

    /// The INVITE came again. In Accepted and after it is absorbed (RFC 6026 §7.1): the 2xx comes
    /// again by itself.
    pub(crate) fn handle_again(&mut self, cx: &mut Context<'_>) {
        match self.state {
            // §17.2.1: 100 unless something else is said within 200 ms; the first repetition comes
            // after 500.
            State::Proceeding if self.last.is_empty() => self.respond(cx, 100, "", false),
            State::Proceeding | State::Completed => cx.send(self.last.clone()),
            _ => {}
        }
    }

    /// Waits no longer for the ACK: the call is over.
    pub(crate) fn give_up_ack(&mut self) {
        if self.state == State::Accepted {
            self.state = State::Acknowledged;
            self.repeat = Repeat::off();
        }
    }

    /// True while it has no final response, or its 2xx no ACK.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Accepted)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Terminated
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        if self.is_over() {
            return None;
        }
        let ringing = self.ringing.as_ref().and_then(Reliable::poll_timeout);
        earlier(earlier(self.repeat.at(), self.end), ringing)
    }

    fn handle_timeout(&mut self, now: Mono) -> Due {
        if self.is_over() {
            return Due::Nothing;
        }
        match self.ringing.as_mut().map(|it| it.handle_timeout(now)) {
            Some(Unheard::Again) => return Due::Again,
            Some(Unheard::Never) => return Due::NoPrack,
            Some(Unheard::Nothing) | None => {}
        }
        if self.end.is_some_and(|end| end <= now) {
            let accepted = self.state == State::Accepted;
            self.state = State::Terminated;
            return if accepted { Due::NoAck } else { Due::Nothing };
        }
        // §17.2.1 and §13.3.1.4: up to T2.
        if self.repeat.is_due(now, T2) {
            Due::Again
        } else {
            Due::Nothing
        }
    }
}

impl Call {
    /// True if this INVITE or CANCEL belongs to a transaction of this call (§17.2.3).
    pub(crate) fn invite_in(&mut self, request: &Message<'_>) -> Option<&mut InviteIn> {
        let branch = request.branch();
        self.invites_in
            .iter_mut()
            .find(|i| *i.branch == *branch && i.cseq == request.cseq.0)
    }

    fn ringing(&mut self) -> Option<&mut InviteIn> {
        let open = self.phase == Phase::Ringing;
        self.invites_in.first_mut().filter(|_| open)
    }

    /// A provisional response: 183 with SDP if the INVITE had an offer.
    pub(crate) fn ring(&mut self, cx: &mut Context<'_>, status: u16) -> bool {
        let contact = self.dialog.contact.clone();
        let Some(invite) = self.ringing() else {
            return false;
        };
        let early = status == 183 && !invite.offers;
        invite.respond(cx, status.clamp(101, 199), &contact, early);
        self.session.settled |= early;
        true
    }

    /// 200 (§13.3.1.4).
    pub(crate) fn answer(&mut self, cx: &mut Context<'_>) -> bool {
        let contact = self.dialog.contact.clone();
        let Some(invite) = self.ringing() else {
            return false;
        };
        let timed = invite.times_session(cx);
        invite.respond(cx, 200, &contact, true);
        self.session.settled |= !invite.offers;
        if let Some((seconds, ours)) = timed {
            self.lasting.begin(cx.now, seconds, ours);
        }
        self.phase = Phase::Answered;
        true
    }

    /// A refusal of our own.
    pub(crate) fn reject(&mut self, cx: &mut Context<'_>, status: u16) -> bool {
        if self.phase != Phase::Ringing {
            return false;
        }
        self.refuse_invite(cx, status.clamp(300, 699));
        self.told = true;
        self.phase = Phase::Over;
        true
    }

    pub(crate) fn refuse_invite(&mut self, cx: &mut Context<'_>, status: u16) {
        if let Some(invite) = self.ringing() {
            invite.respond(cx, status, "", false);
        }
    }

    /// CANCEL (§9.2), which was answered already.
    pub(crate) fn on_cancel(&mut self, cx: &mut Context<'_>) {
        if self.phase != Phase::Ringing {
            return;
        }
        let key = self.key;
        if cx.roll(cx.quirks.late_answer) {
            cx.desk.fired.late_answers += 1;
            // Whoever took the call up hears that nobody is there, and waits for BYE.
            self.answer(cx);
            self.tell_end(cx, AgentEvent::Cancelled { key });
        } else {
            self.refuse_invite(cx, 487);
            self.end(cx, AgentEvent::Cancelled { key });
        }
    }

    /// An ACK, to a 2xx or to a failure.
    pub(crate) fn on_ack(&mut self, cx: &mut Context<'_>, ack: &Message<'_>) {
        let of = |i: &&mut InviteIn| i.cseq == ack.cseq.0;
        let Some(invite) = self.invites_in.iter_mut().find(of) else {
            return;
        };
        match invite.state {
            State::Completed => {
                let wait = if cx.desk.is_reliable() {
                    Duration::ZERO
                } else {
                    T4
                };
                invite.state = State::Confirmed;
                invite.repeat = Repeat::off();
                invite.end = Some(cx.now + wait);
            }
            State::Accepted => {
                invite.give_up_ack();
                let (offers, opens) = (invite.offers, invite.opens);
                if offers {
                    let held = self.session.held;
                    self.session.accept(cx.desk.codecs(), held, ack.body);
                }
                if opens && self.phase == Phase::Answered {
                    self.on_confirmed(cx);
                }
            }
            _ => {}
        }
    }

    fn on_confirmed(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Standing;
        let key = self.key;
        if self.leaving {
            self.say_bye(cx);
        } else if self.told {
            // Answered too late, and the BYE does not come either: somebody puts the receiver down.
            self.give_up = Some(cx.now + LONG);
        } else {
            cx.tell(AgentEvent::Confirmed { key });
        }
    }

    /// A re-INVITE (§14.2): taken at once, with 491 against one of ours.
    pub(crate) fn on_reinvite(
        &mut self,
        cx: &mut Context<'_>,
        request: &Message<'_>,
        bytes: &[u8],
        from: SocketAddr,
    ) {
        let mut invite = InviteIn::new(request, bytes, from, 0);
        let in_order = self.dialog.take_seq(request.cseq.0);
        let status = match self.phase {
            Phase::Over | Phase::Leaving => 481,
            _ if !in_order => 500,
            // §14.2, and RFC 5407 §3.1.4 while our own 2xx has no ACK.
            Phase::Standing if !self.is_asking() && !self.awaits_ack() => {
                match invite.prepare(cx, &mut self.session, request.body) {
                    true => 200,
                    false => 488,
                }
            }
            _ => 491,
        };
        if status == 200 {
            self.dialog.refresh(request);
            if request.header("Session-Expires").is_some() {
                cx.desk.fired.refreshed += 1;
            }
            self.lasting.hear(cx.now, request, false);
        }
        invite.respond(cx, status, &self.dialog.contact, status == 200);
        self.invites_in.push(invite);
    }

    fn awaits_ack(&self) -> bool {
        self.invites_in.iter().any(InviteIn::is_open)
    }

    pub(crate) fn on_invite_in_timeout(&mut self, cx: &mut Context<'_>, at: usize) {
        let Some(invite) = self.invites_in.get_mut(at) else {
            return;
        };
        match invite.handle_timeout(cx.now) {
            Due::Nothing => {}
            Due::Again => {
                let packet = invite.last.clone();
                cx.send(packet);
            }
            Due::NoPrack => {
                cx.desk.fired.unheard_rings += 1;
                let key = self.key;
                self.refuse_invite(cx, 504);
                self.end(cx, AgentEvent::Failed { key });
            }
            // §13.3.1.4: without the ACK the session is to be ended by BYE.
            Due::NoAck => {
                if matches!(self.phase, Phase::Answered | Phase::Standing) {
                    let key = self.key;
                    self.say_bye(cx);
                    if !self.leaving {
                        self.tell_end(cx, AgentEvent::Failed { key });
                    }
                }
            }
        }
    }
}

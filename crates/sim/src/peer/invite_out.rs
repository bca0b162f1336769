//! The calling side: INVITE client transactions, ACK and CANCEL.

use super::call::{Call, Phase};
use super::desk::{ALLOW, Context};
use super::digest::{Account, Challenge};
use super::other_out::Method;
use super::sdp::Description;
use super::text::{Message, Start, Writer};
use super::timers::{LONG, Repeat, earlier};
use super::{AgentEvent, NewCall};
use meishier_model::Mono;
use std::time::Duration;

/// Where an INVITE client transaction stands (RFC 3261 §17.1.1, with Accepted of RFC 6026 §7.2).
///
/// ```text
///             INVITE sent: timers A (UDP), B
///                  ▼
///           ┌───────────┐ A: INVITE again, each time after twice as long
///           │  Calling  │◀─┐
///           └─┬──┬──┬─┬─┴──┘
///         1xx │  │  │ └─ B (64·T1): nobody answered ──────────┐
///             ▼  │  │                                         │
///  ┌────────────┐│  │ 300–699: ACK                            │
///  │ Proceeding ││  │                                         │
///  └─┬────────┬─┘│  │  CANCELled and 64·T1 silent (§9.1) ─────┤
///    │2xx     │  │  ▼                                         │
///    │        │ ┌┼─────────────┐ 300–699 again: ACK again     │
///    │        └▶││  Completed  │◀──┐                          │
///    ▼          │└─────────┬───┴───┘                          │
///  ┌──────────┐◀┘          │ D (32 s; 0 over TCP)             │
///  │ Accepted │ 2xx again: │                                  │
///  └────┬─────┘ ACK again  ▼                                  ▼
///       │            ┌──────────────────────────────────────────┐
///       └─ M (64·T1)▶│                Terminated                │
///                    └──────────────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    Accepted,
    Completed,
    Terminated,
}

/// What an INVITE is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new call.
    Open,
    /// Hold or resume (§14.1).
    Change,
}

/// One INVITE on its way.
#[derive(Debug)]
pub(crate) struct InviteOut {
    pub branch: u64,
    pub purpose: Purpose,
    cseq: u32,
    state: State,
    packet: Vec<u8>,
    ack: Vec<u8>,
    /// Timer A.
    repeat: Repeat,
    /// Timer B, D or M, or the limit after a CANCEL.
    end: Option<Mono>,
}

/// What a response is to its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Provisional,
    Final,
    /// The final response came again.
    Again,
}

impl InviteOut {
    pub(crate) fn new(
        cx: &Context<'_>,
        purpose: Purpose,
        cseq: u32,
        branch: u64,
        packet: Vec<u8>,
    ) -> Self {
        let repeat = match cx.desk.is_reliable() {
            true => Repeat::off(),
            false => Repeat::from(cx.now),
        };
        Self {
            branch,
            purpose,
            cseq,
            state: State::Calling,
            packet,
            ack: Vec::new(),
            repeat,
            end: Some(cx.now + LONG),
        }
    }

    fn handle_response(&mut self, now: Mono, reliable: bool, status: u16) -> Heard {
        match (self.state, status) {
            (State::Calling | State::Proceeding, ..200) => {
                if self.state == State::Calling && self.purpose == Purpose::Open {
                    // §17.1.1.2: from now on the callee may take all the time it wants. A change of
                    // a call has no person to wait for, and keeps its limit.
                    self.end = None;
                }
                self.state = State::Proceeding;
                self.repeat = Repeat::off();
                Heard::Provisional
            }
            (State::Calling | State::Proceeding, 200..300) => {
                self.finish(State::Accepted, now + LONG);
                Heard::Final
            }
            (State::Calling | State::Proceeding, _) => {
                let wait = if reliable { Duration::ZERO } else { LONG };
                self.finish(State::Completed, now + wait);
                Heard::Final
            }
            (State::Accepted, 200..300) | (State::Completed, 300..) => Heard::Again,
            _ => Heard::Nothing,
        }
    }

    fn finish(&mut self, state: State, end: Mono) {
        self.state = state;
        self.repeat = Repeat::off();
        self.end = Some(end);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        if self.is_over() {
            return None;
        }
        earlier(self.repeat.at(), self.end)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Terminated
    }

    /// True while no final response came.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    /// ACK to a failure (§17.1.1.3) or CANCEL (§9.1): both are made of the INVITE, with its branch,
    /// Request-URI and CSeq number; `to` is the response's for the ACK.
    fn echo(&self, cx: &Context<'_>, method: &str, to: Option<&str>) -> Vec<u8> {
        let invite = Message::read(&self.packet);
        let Some((invite, Start::Request { uri, .. })) = invite.map(|i| (i, i.start)) else {
            return Vec::new(); // The INVITE is our own text.
        };
        let settings = &cx.desk.settings;
        Writer::request(
            method,
            uri,
            cx.desk.transport(),
            settings.address,
            self.branch,
        )
        .header("From", invite.from)
        .header("To", to.unwrap_or(invite.to))
        .header("Call-ID", invite.call_id)
        .format("CSeq", format_args!("{} {method}", self.cseq))
        .header("Max-Forwards", "70")
        .finish(None)
    }
}

impl Call {
    /// Sends the INVITE of a new call (§13.2.1), the second time with credentials (§22.2).
    pub(crate) fn dial(
        &mut self,
        cx: &mut Context<'_>,
        call: &NewCall,
        authorization: Option<&str>,
    ) {
        let (branch, mut writer) = self.dialog.request(cx, "INVITE");
        writer = writer.header("Allow", ALLOW);
        if let Some(value) = authorization {
            writer = writer.header("Authorization", value);
        }
        if !call.no_100rel {
            writer = writer.header("Supported", "100rel");
        }
        if let Some(seconds) = call.session {
            let who = if call.refreshes { "uac" } else { "uas" };
            writer = writer
                .header("Supported", "timer")
                .format("Session-Expires", format_args!("{seconds};refresher={who}"));
        }
        if let Some(number) = &call.asserted {
            let engine = cx.desk.settings.engine;
            writer = writer.format(
                "P-Asserted-Identity",
                format_args!("<sip:{number}@{engine}>"),
            );
            if call.caller == "anonymous" {
                writer = writer.header("Privacy", "id");
            }
        }
        if !call.cell.is_empty() {
            writer = writer.format(
                "P-Access-Network-Info",
                format_args!("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp={}", call.cell),
            );
        }
        let sdp = (!call.late_offer).then(|| self.session.offer(cx.desk.codecs(), false));
        self.send_invite(cx, Purpose::Open, branch, writer.finish(sdp.as_deref()));
    }

    pub(crate) fn send_invite(
        &mut self,
        cx: &mut Context<'_>,
        purpose: Purpose,
        branch: u64,
        packet: Vec<u8>,
    ) {
        cx.send(packet.clone());
        let invite = InviteOut::new(cx, purpose, self.dialog.seq, branch, packet);
        self.invites_out.push(invite);
    }

    /// Takes the call back. CANCEL has to wait for the first provisional response (§9.1).
    pub(crate) fn withdraw(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Withdrawn;
        let proceeding = |i: &InviteOut| i.state == State::Proceeding;
        if let Some(at) = self.invites_out.iter().position(proceeding) {
            self.send_cancel(cx, at);
        }
    }

    fn send_cancel(&mut self, cx: &mut Context<'_>, at: usize) {
        let Some(invite) = self.invites_out.get_mut(at) else {
            return;
        };
        // §9.1: no final response within 64·T1 after it, and the INVITE counts as cancelled.
        invite.end = Some(cx.now + LONG);
        let (branch, packet) = (invite.branch, invite.echo(cx, "CANCEL", None));
        self.ask(cx, Method::Cancel, branch, packet);
    }

    /// A response to the INVITE at this index.
    pub(crate) fn on_invite_response(
        &mut self,
        cx: &mut Context<'_>,
        at: usize,
        response: &Message<'_>,
        status: u16,
    ) {
        let reliable = cx.desk.is_reliable();
        let Some(invite) = self.invites_out.get_mut(at) else {
            return;
        };
        let heard = invite.handle_response(cx.now, reliable, status);
        let open = invite.purpose == Purpose::Open;
        match heard {
            Heard::Nothing => {}
            Heard::Again => self.acknowledge(cx, at, status),
            Heard::Provisional if open => self.on_progress(cx, at, response, status),
            Heard::Provisional => {}
            Heard::Final if status < 300 => self.on_accepted(cx, at, response, open),
            Heard::Final => {
                invite.ack = invite.echo(cx, "ACK", Some(response.to));
                self.acknowledge(cx, at, status);
                match open {
                    true => self.on_refused(cx, response, status),
                    false => self.on_change_done(cx, status, ""),
                }
            }
        }
    }

    /// Sends the ACK again, or for the first time. One to a 2xx may get lost by quirk.
    fn acknowledge(&mut self, cx: &mut Context<'_>, at: usize, status: u16) {
        let Some(ack) = self.invites_out.get(at).map(|i| i.ack.clone()) else {
            return;
        };
        if status < 300 && cx.roll(cx.quirks.lose_ack) {
            cx.desk.fired.lost_acks += 1;
        } else {
            cx.send(ack);
        }
    }

    fn on_progress(
        &mut self,
        cx: &mut Context<'_>,
        at: usize,
        response: &Message<'_>,
        status: u16,
    ) {
        if self.phase == Phase::Withdrawn {
            let sent = self.others.iter().any(|o| o.method == Method::Cancel);
            let limited = self.invites_out.get(at).is_some_and(|i| i.end.is_some());
            if !sent && !limited {
                self.send_cancel(cx, at);
            }
            return;
        }
        if status == 100 || self.phase != Phase::Dialling {
            return;
        }
        // RFC 3262 §4: one that comes again is dropped, one after a gap waits for what is missing.
        let number = response.header("RSeq").and_then(|n| n.trim().parse().ok());
        if number.is_some_and(|n: u64| self.rseq.is_some_and(|last| n != last + 1)) {
            return;
        }
        let early_media = !response.body.is_empty();
        let late = self.dialled.as_ref().is_some_and(|d| d.late_offer);
        let mut answer = None;
        if early_media && !late {
            self.session.accept(cx.desk.codecs(), false, response.body);
        } else if early_media && number.is_some() && !self.described {
            // RFC 3262 §5: the engine's offer, to be answered in the PRACK.
            let offer = Description::read(response.body);
            answer = offer.and_then(|offer| self.session.answer(cx.desk.codecs(), &offer));
            self.described = answer.is_some();
            self.session.settled |= self.described;
        }
        if let Some(number) = number {
            self.rseq = Some(number);
            self.dialog.establish(response);
            let (branch, writer) = self.dialog.request(cx, Method::Prack.as_str());
            let (seq, method) = response.cseq;
            let writer = writer.format("RAck", format_args!("{number} {seq} {method}"));
            self.ask(cx, Method::Prack, branch, writer.finish(answer.as_deref()));
        }
        if self.progress != (status, early_media) {
            self.progress = (status, early_media);
            let key = self.key;
            cx.tell(AgentEvent::Progress {
                key,
                status,
                early_media,
            });
        }
    }

    /// The first 2xx (§13.2.2.4).
    fn on_accepted(&mut self, cx: &mut Context<'_>, at: usize, response: &Message<'_>, open: bool) {
        if open {
            self.dialog.establish(response);
        } else {
            self.dialog.refresh(response);
        }
        if !open {
            self.lasting.hear(cx.now, response, true);
        }
        let late = open && self.dialled.as_ref().is_some_and(|d| d.late_offer);
        let late = late && !self.described;
        let answer = late.then(|| {
            let offer = Description::read(response.body)?;
            self.session.settled = true;
            self.session.answer(cx.desk.codecs(), &offer)
        });
        let answer = answer.flatten();
        let Some(cseq) = self.invites_out.get(at).map(|i| i.cseq) else {
            return;
        };
        let (_, writer) = self.dialog.write(cx, "ACK", cseq);
        let ack = writer.finish(answer.as_deref());
        if let Some(invite) = self.invites_out.get_mut(at) {
            invite.ack = ack;
        }
        self.acknowledge(cx, at, 200);
        if !open {
            return self.on_change_done(cx, 200, response.body);
        }
        let agreed = match late {
            true => answer.is_some(),
            false if self.described => true,
            // RFC 3261 §13.2.1: the answer came in a reliable response, and what follows is not looked at.
            false if self.rseq.is_some() && self.session.is_agreed() => true,
            false => self.session.accept(cx.desk.codecs(), false, response.body),
        };
        let key = self.key;
        match self.phase {
            Phase::Dialling if agreed => {
                self.phase = Phase::Standing;
                self.lasting.hear(cx.now, response, true);
                cx.tell(AgentEvent::Answered { key });
            }
            Phase::Dialling => {
                self.say_bye(cx);
                self.tell_end(cx, AgentEvent::Refused { key, status: 488 });
            }
            // The 200 crossed the CANCEL.
            Phase::Withdrawn => {
                self.say_bye(cx);
                self.tell_end(cx, AgentEvent::Ended { key });
            }
            _ => {}
        }
    }

    fn on_refused(&mut self, cx: &mut Context<'_>, response: &Message<'_>, status: u16) {
        if status == 401 && self.phase == Phase::Dialling && self.dial_again(cx, response) {
            return;
        }
        let key = self.key;
        self.end(cx, AgentEvent::Refused { key, status });
    }

    /// Takes up a challenge, once a call (§22.2). False if there are no credentials.
    fn dial_again(&mut self, cx: &mut Context<'_>, response: &Message<'_>) -> bool {
        let (Some(account), Some(dialled)) = (cx.desk.account.clone(), self.dialled.take()) else {
            return false;
        };
        let value = self.authorization(cx, &account, response);
        if let Some(value) = &value {
            self.challenged = true;
            self.dial(cx, &dialled, Some(value));
        }
        self.dialled = Some(dialled);
        value.is_some()
    }

    fn authorization(
        &self,
        cx: &mut Context<'_>,
        account: &Account,
        response: &Message<'_>,
    ) -> Option<String> {
        if self.challenged {
            return None;
        }
        let mut challenge = Challenge::choose(response.headers("WWW-Authenticate"), account)?;
        let cnonce = cx.desk.dice.bits();
        Some(challenge.authorize(account, "INVITE", &self.dialog.target, cnonce))
    }

    pub(crate) fn on_invite_out_timeout(&mut self, cx: &mut Context<'_>, at: usize) {
        let Some(invite) = self.invites_out.get_mut(at) else {
            return;
        };
        if invite.is_over() {
            return;
        }
        if invite.end.is_some_and(|end| end <= cx.now) {
            let (open, unanswered) = (invite.purpose == Purpose::Open, invite.is_open());
            invite.state = State::Terminated;
            let key = self.key;
            match (unanswered, open) {
                (true, true) => self.end(cx, AgentEvent::Failed { key }),
                (true, false) => self.on_change_done(cx, 408, ""),
                (false, _) => {}
            }
        } else if invite.repeat.is_due(cx.now, Duration::MAX) {
            let packet = invite.packet.clone();
            cx.send(packet);
        }
    }
}

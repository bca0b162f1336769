//! One call of a far end: its dialog, and the transactions within it.

use super::desk::Context;
use super::dialog::Dialog;
use super::hold::Change;
use super::invite_in::InviteIn;
use super::invite_out::InviteOut;
use super::lasting::Lasting;
use super::other_out::{Due, Method, OtherOut};
use super::sdp::{Description, Session};
use super::text::Message;
use super::timers::earlier;
use super::{AgentEvent, CallKey, NewCall};
use meishier_model::Mono;
use std::net::SocketAddr;

/// Where a call stands (RFC 3261 §12, §13, §15). The transactions below may outlast it.
///
/// ```text
///        outgoing                                      incoming
///      ┌───────────┐ 2xx: ACK      ACK (§13.3.1.4) ┌──────────┐ answer ┌─────────┐
///      │ Dialling  │──────────┐     ┌──────────────│ Answered │◀───────│ Ringing │
///      └──┬─────┬──┘          ▼     ▼              └────┬─────┘        └─┬───┬───┘
///   cancel│     │≥300     ┌───────────┐  64·T1: no ACK  │ BYE            │   │
///   (§9.1)│     │timer B  │ Standing  │                 │ comes          │   │
///         ▼     │         └─┬───────┬─┘                 │                │   │
///  ┌───────────┐│    hang up│       │BYE comes (§15.1.2)│     CANCEL, BYE│   │ late answer:
///  │ Withdrawn ││    (§15.1.1)      │                   │     or reject  │   │ 200 (§9.2)
///  └──┬─────┬──┘│           ▼       │                   │                │   ▼
///     │2xx: │   │   ┌─────────┐     │                   │                │ Answered
///     │ACK, │   └──▶│         │◀────┘                   │                │
///     │BYE  │≥300   │         │                         │                │
///     ▼     └──────▶│  Over   │◀────────────────────────┴────────────────┘
///  Leaving ────────▶│         │
///     final or      └─────────┘
///     timer F
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// INVITE sent, no final response.
    Dialling,
    /// Taken back, no final response.
    Withdrawn,
    /// INVITE came, not answered.
    Ringing,
    /// 200 sent, no ACK.
    Answered,
    /// Established.
    Standing,
    /// BYE sent.
    Leaving,
    /// There is no dialog any more.
    Over,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub key: CallKey,
    pub phase: Phase,
    pub dialog: Dialog,
    pub session: Session,
    pub invites_out: Vec<InviteOut>,
    pub invites_in: Vec<InviteIn>,
    pub others: Vec<OtherOut>,
    /// Hold or resume under way.
    pub change: Option<Change>,
    /// What was dialled; `None` if the call is incoming.
    pub dialled: Option<Box<NewCall>>,
    /// A challenge to the INVITE was taken up.
    pub challenged: bool,
    /// How it ended was told, or is nobody's business.
    pub told: bool,
    /// Hang up as soon as the ACK is there: before it, a callee may not (§15).
    pub leaving: bool,
    /// When a call that nobody wants any more hangs up by itself.
    pub give_up: Option<Mono>,
    /// The last provisional response that was told.
    pub progress: (u16, bool),
    /// How long the session lasts.
    pub lasting: Lasting,
    /// A refresh of the session by UPDATE waits for its response.
    pub refreshing: bool,
    /// The engine's offer was answered in a PRACK (RFC 3262 §5).
    pub described: bool,
    /// RSeq of the last reliable response that was acknowledged (RFC 3262 §4).
    pub rseq: Option<u64>,
    /// Its entry in the agent's agenda.
    pub entry: Option<Mono>,
}

impl Call {
    pub(crate) fn new(key: CallKey, phase: Phase, dialog: Dialog, session: Session) -> Self {
        Self {
            key,
            phase,
            dialog,
            session,
            invites_out: Vec::new(),
            invites_in: Vec::new(),
            others: Vec::new(),
            change: None,
            dialled: None,
            challenged: false,
            told: false,
            leaving: false,
            give_up: None,
            progress: (0, false),
            lasting: Lasting::default(),
            refreshing: false,
            described: false,
            rseq: None,
            entry: None,
        }
    }

    /// Hangs up, however far the call has come. False if it is over or was hung up before.
    pub(crate) fn hang_up(&mut self, cx: &mut Context<'_>) -> bool {
        match self.phase {
            Phase::Dialling => self.withdraw(cx),
            Phase::Ringing => return self.reject(cx, 480),
            Phase::Answered if self.leaving => return false,
            Phase::Answered => self.leaving = true,
            Phase::Standing => self.say_bye(cx),
            Phase::Withdrawn | Phase::Leaving | Phase::Over => return false,
        }
        true
    }

    /// BYE (§15.1.1). A change under way is given up; its final response still gets its ACK.
    pub(crate) fn say_bye(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Leaving;
        self.change = None;
        self.give_up = None;
        self.lasting.stop();
        let times = if cx.roll(cx.quirks.duplicate_bye) {
            cx.desk.fired.doubled_byes += 1;
            2
        } else {
            1
        };
        for _ in 0..times {
            let (branch, writer) = self.dialog.request(cx, Method::Bye.as_str());
            self.ask(cx, Method::Bye, branch, writer.finish(None));
        }
    }

    /// Sends a request in a transaction of its own.
    pub(crate) fn ask(
        &mut self,
        cx: &mut Context<'_>,
        method: Method,
        branch: u64,
        packet: Vec<u8>,
    ) {
        cx.send(packet.clone());
        let reliable = cx.desk.is_reliable();
        self.others
            .push(OtherOut::new(cx.now, reliable, method, branch, packet));
    }

    /// The call has ended by somebody else's doing.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>, event: AgentEvent) {
        self.phase = Phase::Over;
        self.change = None;
        self.give_up = None;
        self.lasting.stop();
        self.tell_end(cx, event);
    }

    /// Tells how it ended, once.
    pub(crate) fn tell_end(&mut self, cx: &mut Context<'_>, event: AgentEvent) {
        if !self.told {
            self.told = true;
            cx.tell(event);
        }
    }

    /// A request within the dialog, neither INVITE, ACK nor CANCEL (§12.2.2).
    pub(crate) fn handle_request(
        &mut self,
        cx: &mut Context<'_>,
        request: &Message<'_>,
        from: SocketAddr,
    ) {
        let (seq, method) = request.cseq;
        if self.phase == Phase::Over {
            return cx.reply(request, from, 481, None);
        }
        if !self.dialog.take_seq(seq) {
            return cx.reply(request, from, 500, None);
        }
        match method {
            "BYE" => self.on_bye(cx, request, from),
            "UPDATE" => self.on_update(cx, request, from),
            "OPTIONS" | "INFO" => cx.reply(request, from, 200, None),
            "PRACK" => self.on_prack(cx, request, from),
            _ => cx.reply(request, from, 501, None),
        }
    }

    /// PRACK (RFC 3262 §3): 481 unless it acknowledges our ringing.
    fn on_prack(&mut self, cx: &mut Context<'_>, prack: &Message<'_>, from: SocketAddr) {
        let rack = prack.header("RAck").unwrap_or_default();
        let heard = self.invites_in.iter_mut().any(|i| i.hear_prack(rack));
        cx.desk.fired.pracks += u64::from(heard);
        cx.reply(prack, from, if heard { 200 } else { 481 }, None);
    }

    fn on_bye(&mut self, cx: &mut Context<'_>, bye: &Message<'_>, from: SocketAddr) {
        if matches!(self.phase, Phase::Dialling | Phase::Withdrawn) {
            // §15: a callee does not say BYE before its answer.
            return cx.reply(bye, from, 481, None);
        }
        cx.reply(bye, from, 200, None);
        let key = self.key;
        match self.phase {
            // §15.1.2: what waits for an answer gets 487.
            Phase::Ringing => {
                self.refuse_invite(cx, 487);
                self.end(cx, AgentEvent::Cancelled { key });
            }
            // Our own BYE crossed this one; the answer to ours ends the call.
            Phase::Leaving => {}
            _ => {
                self.invites_in.iter_mut().for_each(InviteIn::give_up_ack);
                self.end(cx, AgentEvent::Ended { key });
            }
        }
    }

    /// UPDATE (RFC 3311 §5.2).
    fn on_update(&mut self, cx: &mut Context<'_>, update: &Message<'_>, from: SocketAddr) {
        if update.body.is_empty() {
            self.dialog.refresh(update);
            if update.header("Session-Expires").is_some() {
                cx.desk.fired.refreshed += 1;
                self.lasting.hear(cx.now, update, false);
            }
            return cx.reply_lasting(update, from);
        }
        if self.is_asking() || !matches!(self.phase, Phase::Standing | Phase::Answered) {
            return cx.reply(update, from, 491, None);
        }
        let offer = Description::read(update.body);
        let answer = offer.and_then(|offer| self.session.answer(cx.desk.codecs(), &offer));
        match answer {
            Some(sdp) => {
                self.dialog.refresh(update);
                cx.reply(update, from, 200, Some((&self.dialog.contact, &sdp)));
            }
            None => cx.reply(update, from, 488, None),
        }
    }

    /// A response to one of this call's requests.
    pub(crate) fn handle_response(
        &mut self,
        cx: &mut Context<'_>,
        response: &Message<'_>,
        status: u16,
    ) {
        let (branch, method) = (response.own_branch(), response.cseq.1);
        if method == "INVITE" {
            if let Some(at) = self
                .invites_out
                .iter()
                .position(|i| Some(i.branch) == branch)
            {
                self.on_invite_response(cx, at, response, status);
            }
            return;
        }
        let found = self.others.iter_mut().find(|o| o.owns(branch, method));
        if let Some(other) = found
            && other.handle_response(status)
        {
            let method = other.method;
            if method == Method::Update && (200..300).contains(&status) {
                // Every change refreshes (RFC 4028 §7.4), and says for how long.
                self.lasting.hear(cx.now, response, true);
            }
            self.on_other_final(cx, method, status, response.body);
        }
    }

    /// Half of the time that a session lasts without a refresh of this end has passed.
    fn refresh_session(&mut self, cx: &mut Context<'_>) {
        if self.change.is_some() || self.refreshing || !self.is_settled() {
            return self.lasting.retry(cx.now);
        }
        if cx.roll(cx.quirks.refresh_by_invite) {
            // The same description once more.
            let held = self.session.held;
            if !self.hold(cx, held) {
                self.lasting.retry(cx.now);
            }
            return;
        }
        self.refreshing = true;
        let (branch, writer) = self.dialog.request(cx, Method::Update.as_str());
        let packet = self.lasting.claim(writer).finish(None);
        self.ask(cx, Method::Update, branch, packet);
    }

    fn on_refreshed(&mut self, cx: &mut Context<'_>, status: u16) {
        self.refreshing = false;
        match status {
            ..300 => cx.desk.fired.refreshes += 1,
            // RFC 3261 §12.2.1.2
            408 | 481 => {
                let key = self.key;
                self.say_bye(cx);
                self.tell_end(cx, AgentEvent::Failed { key });
            }
            _ => self.lasting.retry(cx.now),
        }
    }

    fn on_other_final(&mut self, cx: &mut Context<'_>, method: Method, status: u16, body: &str) {
        match method {
            // §15.1.1: whatever the answer, or without one, the session is over. After a second BYE
            // by quirk, both must have been answered.
            Method::Bye if self.phase == Phase::Leaving => {
                let waits = |o: &OtherOut| o.method == Method::Bye && !o.is_over();
                if !self.others.iter().any(waits) {
                    self.phase = Phase::Over;
                }
            }
            Method::Update if self.phase != Phase::Standing => {}
            Method::Update if self.refreshing => self.on_refreshed(cx, status),
            Method::Update => self.on_change_done(cx, status, body),
            _ => {}
        }
    }

    /// Time has come for some of its timers.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.invites_out.len() {
            self.on_invite_out_timeout(cx, index);
        }
        for index in 0..self.invites_in.len() {
            self.on_invite_in_timeout(cx, index);
        }
        for index in 0..self.others.len() {
            let Some(other) = self.others.get_mut(index) else {
                break;
            };
            match other.handle_timeout(cx.now) {
                Due::Nothing => {}
                Due::Again => {
                    let packet = other.packet();
                    cx.send(packet);
                }
                Due::Unanswered => {
                    let method = other.method;
                    let key = self.key;
                    if method == Method::Bye && self.phase == Phase::Leaving {
                        self.tell_end(cx, AgentEvent::Failed { key });
                    }
                    self.on_other_final(cx, method, 408, "");
                }
            }
        }
        self.on_change_timeout(cx);
        if self.lasting.is_due(cx.now) && self.phase == Phase::Standing {
            self.refresh_session(cx);
        }
        if self.lasting.is_over(cx.now) && self.phase == Phase::Standing {
            cx.desk.fired.expired += 1;
            let key = self.key;
            self.say_bye(cx);
            self.tell_end(cx, AgentEvent::Failed { key });
        }
        if self.give_up.is_some_and(|at| at <= cx.now) {
            self.say_bye(cx);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        let times = (self.invites_out.iter().map(InviteOut::poll_timeout))
            .chain(self.invites_in.iter().map(InviteIn::poll_timeout))
            .chain(self.others.iter().map(OtherOut::poll_timeout))
            .chain([self.change.as_ref().and_then(|c| c.again), self.give_up])
            .chain([self.lasting.poll_timeout()]);
        times.fold(None, earlier)
    }

    /// Drops what is over; true if nothing is left.
    pub(crate) fn tidy(&mut self) -> bool {
        self.invites_out.retain(|i| !i.is_over());
        self.invites_in.retain(|i| !i.is_over());
        self.others.retain(|o| !o.is_over());
        self.live() == 0
    }

    /// Dialog and transactions that are not over.
    pub(crate) fn live(&self) -> usize {
        usize::from(self.phase != Phase::Over)
            + self.invites_out.len()
            + self.invites_in.len()
            + self.others.len()
    }
}

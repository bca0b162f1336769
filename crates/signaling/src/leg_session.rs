//! Requests within the dialog (RFC 3261 §11, §12.2, §14, §15; RFC 3311; RFC 6086).

use crate::body;
use crate::dialog::target_of;
use crate::early::Early;
use crate::event::{EndCause, Event, LegError, Probed};
use crate::keys::{ClientKey, Purpose, ServerKey};
use crate::leg::{Asked, Asking, Context, Leg, LegState, reason_of};
use crate::leg_timer::{self, claimed};
use crate::message::{HeaderName, Message, Method};
use crate::terms::LEAST;
use crate::transactions::Failure;
use crate::write;
use std::time::Duration;

/// How often a re-INVITE is sent that meets the peer's own (491).
const GLARE_TRIES: u8 = 4;

impl From<Failure> for Probed {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::TimedOut => Self::NoAnswer,
            Failure::Flow => Self::FlowFailed,
        }
    }
}

impl Leg {
    /// A request of the dialog came, in a server transaction of its own.
    pub(crate) fn on_request(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        if !self.dialog.owns_request(request) {
            return self.on_early_request(cx, key, request);
        }
        let (seq, _) = request.cseq();
        if !self.dialog.take_seq(seq) {
            // §12.2.2: out of order.
            self.reply(cx, key, 500, &[("Retry-After", "1")]);
            return;
        }
        let method = request.method().unwrap_or(Method::Other);
        let closing = matches!(method, Method::Bye | Method::Prack);
        if !closing && self.state == LegState::Ending {
            self.reply(cx, key, 481, &[]);
            return;
        }
        match method {
            Method::Bye => self.on_bye(cx, key, request),
            Method::Invite => self.on_reinvite(cx, key, request),
            Method::Update => self.on_update(cx, key, request),
            Method::Info => self.on_info(cx, key, request),
            Method::Options => self.reply(cx, key, 200, &[("Accept", write::ACCEPT)]),
            Method::Prack => self.on_prack(cx, key, request),
            Method::Refer => self.on_refer(cx, key, request),
            _ => self.reply(cx, key, 405, &[("Allow", write::ALLOW)]),
        }
    }

    /// A request of an early dialog of our call: its callee has not answered yet.
    fn on_early_request(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        let (busy, leaving) = (self.asked.is_some(), self.state == LegState::Cancelling);
        let Some(early) = self.early_of(request) else {
            return self.reply(cx, key, 481, &[]);
        };
        if !early.dialog.take_seq(request.cseq().0) {
            return self.reply(cx, key, 500, &[("Retry-After", "1")]);
        }
        let answered = early.answer.is_some();
        match request.method() {
            Some(Method::Update) if body::sdp(request).is_none() => {
                early.dialog.refresh_target(target_of(request));
                self.reply(cx, key, 200, &[]);
            }
            // RFC 3311 §5.2: our offer has no answer yet, or theirs has none.
            Some(Method::Update) if !answered => self.reply(cx, key, 491, &[]),
            Some(Method::Update) if busy => self.reply(cx, key, 500, &[("Retry-After", "1")]),
            Some(Method::Update) if leaving => self.reply(cx, key, 488, &[]),
            Some(Method::Update) => self.ask_user(cx, key, false, request),
            Some(Method::Info) => self.reply(cx, key, 200, &[]),
            Some(Method::Options) => self.reply(cx, key, 200, &[("Accept", write::ACCEPT)]),
            // §14.2: our own INVITE has no final response yet.
            Some(Method::Invite) => self.reply(cx, key, 491, &[]),
            // §15: who is called does not say BYE before the answer.
            Some(Method::Bye) => self.reply(cx, key, 481, &[]),
            _ => self.reply(cx, key, 405, &[("Allow", write::ALLOW)]),
        }
    }

    /// The peer hangs up (§15.1.2): requests that wait for an answer get 487 (§15.1.2).
    fn on_bye(&mut self, cx: &mut Context<'_>, key: ServerKey, bye: &Message) {
        self.reply(cx, key, 200, &[]);
        if self.state == LegState::Ending {
            // Our BYE crossed the peer's; ours ends the leg when it is answered. A BYE that still
            // waits for an ACK need not be sent any more.
            if self.bye.is_none() && self.unacknowledged.take().is_some() {
                self.finish();
            }
            return;
        }
        self.refuse_asked(cx, 487, &[]);
        self.end_refers(cx);
        self.tell_ended(cx, EndCause::Bye, reason_of(bye));
        self.unacknowledged = None;
        if let Some(key) = self.asking.take().and_then(|a| a.key) {
            cx.tx.disown(cx.now, key);
        }
        self.forget_probe(cx);
        if self.arrived.is_some() {
            self.refuse(cx, 487, &[]);
        } else {
            self.finish();
        }
    }

    fn on_reinvite(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        if self.asked.is_some() || self.arrived.is_some() {
            // §14.2: the one before has no final response yet.
            self.reply(cx, key, 500, &[("Retry-After", "1")]);
        } else if self.asks_too_short(request) {
            self.reply(cx, key, 422, &[("Min-SE", LEAST)]);
        } else if self.is_asking() || self.unacknowledged.as_ref().is_some_and(|ok| ok.offers) {
            // §14.2: ours is under way, or the offer of our 200 has no answer yet (RFC 5407 §3.1.5).
            self.reply(cx, key, 491, &[]);
        } else {
            // RFC 5407 §3.1.4: an ACK that is late, or was overtaken, leaves nothing open.
            self.settle(cx, None);
            self.ask_user(cx, key, true, request);
        }
    }

    /// UPDATE (RFC 3311 §5.2): without an offer it refreshes the target only.
    fn on_update(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        // Who sends it takes it, whether or not Allow named it.
        self.takes_update = true;
        if self.asks_too_short(request) {
            self.reply(cx, key, 422, &[("Min-SE", LEAST)]);
        } else if body::sdp(request).is_none() {
            self.dialog.refresh_target(target_of(request));
            self.refreshed(cx, key, request);
        } else if self.asked.is_some() {
            self.reply(cx, key, 500, &[("Retry-After", "1")]);
        } else if self.is_asking()
            || !(self.state == LegState::Confirmed || self.is_settled_early())
        {
            // RFC 3311 §5.2: an offer of either side has no answer yet.
            self.reply(cx, key, 491, &[]);
        } else {
            self.ask_user(cx, key, false, request);
        }
    }

    /// 200 to an UPDATE without offer: in a call that is up it refreshes the session (RFC 4028 §9).
    fn refreshed(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        let headers = match self.state {
            LegState::Confirmed => self.session_answer(cx, claimed(request)),
            _ => Vec::new(),
        };
        let headers: Vec<(&str, &str)> = headers.iter().map(|h| (h.0, &*h.1)).collect();
        self.reply(cx, key, 200, &headers);
    }

    /// Asks our user for the answer to a change.
    pub(crate) fn ask_user(
        &mut self,
        cx: &mut Context<'_>,
        key: ServerKey,
        invite: bool,
        request: &Message,
    ) {
        if invite && let Some(bytes) = self.response(cx, key, 100, &[], None) {
            cx.tx.respond(cx.now, key, 100, bytes);
        }
        let sdp = body::sdp(request).map(<[u8]>::to_vec);
        self.asked = Some(Box::new(Asked {
            key,
            invite,
            cseq: request.cseq().0,
            target: target_of(request),
            session: claimed(request),
            early: self
                .early_of(request)
                .map(|it| it.dialog.remote_tag.clone()),
            offer: sdp.as_deref().map(Into::into),
        }));
        cx.events.push_back(Event::Reinvite { leg: self.id, sdp });
    }

    /// INFO (RFC 6086 §4.2.2): answered, and its body handed up.
    fn on_info(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        self.reply(cx, key, 200, &[]);
        if !request.body().is_empty() && !self.quiet {
            cx.events.push_back(Event::Info {
                leg: self.id,
                content_type: request
                    .header(HeaderName::ContentType)
                    .unwrap_or("")
                    .to_owned(),
                body: request.body().to_vec(),
            });
        }
    }

    /// Answers the change that the peer asked for.
    pub(crate) fn answer_reinvite(
        &mut self,
        cx: &mut Context<'_>,
        sdp: &[u8],
    ) -> Result<(), LegError> {
        let asked = self.asked.take().ok_or(LegError::State)?;
        if let Some(early) = self.early_asked(&asked) {
            // RFC 3311 §5.2: in this early dialog alone; it may be the one that is answered.
            early.dialog.refresh_target(asked.target);
            early.answer = asked.offer;
            early.described = Some(sdp.into());
            return self.answer_update(cx, asked.key, &[], sdp);
        }
        // §12.2.2: a target refresh takes effect with the 2xx.
        self.dialog.refresh_target(asked.target.clone());
        if asked.invite {
            let number = (asked.cseq, asked.offer.is_none());
            self.send_ok(cx, asked.key, number, sdp, asked.session)?;
            self.note_description(sdp);
            return Ok(());
        }
        // Before the call is up there is no session to be refreshed.
        let headers = match self.state {
            LegState::Confirmed => self.session_answer(cx, asked.session),
            _ => Vec::new(),
        };
        self.note_description(sdp);
        let headers: Vec<(&str, &str)> = headers.iter().map(|h| (h.0, &*h.1)).collect();
        let sent = self.answer_update(cx, asked.key, &headers, sdp);
        self.go_on(cx);
        sent
    }

    /// The 200 to an UPDATE or PRACK that held an offer.
    fn answer_update(
        &self,
        cx: &mut Context<'_>,
        key: ServerKey,
        headers: &[(&str, &str)],
        sdp: &[u8],
    ) -> Result<(), LegError> {
        let bytes = self.response(cx, key, 200, headers, Some(sdp));
        match cx
            .tx
            .respond(cx.now, key, 200, bytes.ok_or(LegError::State)?)
        {
            true => Ok(()),
            false => Err(LegError::State),
        }
    }

    /// The early dialog of a call of ours that a change was asked for in.
    fn early_asked(&mut self, asked: &Asked) -> Option<&mut Early> {
        let tag = asked.early.as_ref()?;
        self.early
            .iter_mut()
            .find(|early| early.dialog.remote_tag == *tag)
    }

    /// Refuses the change that the peer asked for; the session stays as it was (§14.2).
    pub(crate) fn reject_reinvite(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        if !(300..=699).contains(&status) {
            return Err(LegError::Status);
        }
        if self.refuse_asked(cx, status, headers) {
            self.go_on(cx);
            Ok(())
        } else {
            Err(LegError::State)
        }
    }

    /// Refuses the change that waits for our user's answer, if there is one.
    pub(crate) fn refuse_asked(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        headers: &[(&str, &str)],
    ) -> bool {
        let Some(asked) = self.asked.take() else {
            return false;
        };
        self.reply(cx, asked.key, status, headers);
        true
    }

    /// Asks the peer for a change of the session (§14.1).
    pub(crate) fn reinvite(&mut self, cx: &mut Context<'_>, sdp: &[u8]) -> Result<(), LegError> {
        if self.state != LegState::Confirmed {
            return Err(LegError::State);
        }
        // §14.1: not while another INVITE is under way in either direction.
        if self.asked.is_some() || self.asking.is_some() || self.unacknowledged.is_some() {
            return Err(LegError::Busy);
        }
        self.asking = Some(Box::new(Asking {
            key: None,
            sdp: sdp.to_vec(),
            again: None,
            tries: 0,
            refresh: false,
        }));
        self.ask_again(cx);
        Ok(())
    }

    /// Sends our re-INVITE, for the first time or after a 491; waits while the peer's is under way.
    pub(crate) fn ask_again(&mut self, cx: &mut Context<'_>) {
        let Some(mut asking) = self.asking.take() else {
            return;
        };
        if self.asked.is_some() || self.unacknowledged.is_some() {
            asking.again = Some(cx.now + cx.config.timers.t1);
        } else {
            asking.again = None;
            asking.tries += 1;
            // Every re-INVITE refreshes the session (RFC 4028 §7.4).
            let mut headers = self.session_refresh();
            if !headers.is_empty() {
                headers.push(("Supported", leg_timer::TAG.to_owned()));
            }
            let headers: Vec<(&str, &str)> = headers.iter().map(|h| (h.0, &*h.1)).collect();
            let key = self.send(cx, Purpose::Reinvite, &headers, Some(&asking.sdp));
            asking.key = Some(key);
        }
        self.asking = Some(asking);
    }

    /// The final response to our re-INVITE came.
    pub(crate) fn on_reinvite_response(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        response: &Message,
    ) {
        let status = response.status().unwrap_or_default();
        let current = self.asking.as_ref().is_some_and(|a| a.key == Some(key));
        if status < 200 || !current {
            return;
        }
        if status < 300 {
            let asking = self.asking.take();
            self.dialog.refresh_target(target_of(response));
            self.acknowledge(cx, key, response.cseq().0);
            self.session_agreed(cx, response);
            if let Some(asking) = &asking {
                self.note_description(&asking.sdp);
            }
            let sdp = body::sdp(response).map(<[u8]>::to_vec);
            if asking.is_some_and(|asking| asking.refresh) {
                // RFC 4028 §7.4: the description is an offer like any other; what it is answered
                // with holds from now on.
                if let Some(sdp) = sdp {
                    self.ack_sdp = Some(sdp.into());
                    cx.events.push_back(Event::OfferAnswered { leg: self.id });
                }
                return;
            }
            cx.events.push_back(Event::ReinviteDone {
                leg: self.id,
                status,
                sdp,
            });
        } else if status == 491 && self.wait_for_glare(cx) {
            // Tried again later.
        } else if self.asking.as_ref().is_some_and(|a| a.refresh) {
            self.asking = None;
            self.on_refresh_refused(cx, status, Some(response));
        } else {
            self.on_reinvite_failed(cx, status);
        }
    }

    /// Our re-INVITE got no response.
    pub(crate) fn on_reinvite_failure(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        failure: Failure,
    ) {
        if self.asking.as_ref().is_some_and(|a| a.key == Some(key)) {
            self.on_reinvite_failed(cx, failure.status());
        }
    }

    fn on_reinvite_failed(&mut self, cx: &mut Context<'_>, status: u16) {
        if self.asking.take().is_some_and(|asking| asking.refresh) {
            return self.on_refresh_refused(cx, status, None);
        }
        cx.events.push_back(Event::ReinviteDone {
            leg: self.id,
            status,
            sdp: None,
        });
        if matches!(status, 408 | 481) {
            // §12.2.1.2: the peer has no such dialog any more.
            self.send_bye(cx);
            self.tell_ended(cx, EndCause::Lost, None);
        }
    }

    /// Sets the time of the next try after a 491 (§14.1): who made the Call-ID waits 2.1 to 4 s,
    /// the other up to 2 s, in steps of 10 ms.
    fn wait_for_glare(&mut self, cx: &mut Context<'_>) -> bool {
        let ours = self.dialog.call_id.starts_with('~');
        let Some(asking) = self.asking.as_mut().filter(|a| a.tries < GLARE_TRIES) else {
            return false;
        };
        let word = cx.names.word();
        let steps = if ours { 210 + word % 191 } else { word % 201 };
        asking.key = None;
        asking.again = Some(cx.now + Duration::from_millis(steps * 10));
        true
    }

    /// Asks the peer within the dialog for a sign of life: OPTIONS (§11, §12.2.1).
    pub(crate) fn probe(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        if self.state != LegState::Confirmed {
            return Err(LegError::State);
        }
        if self.probing.is_some() {
            return Err(LegError::Busy);
        }
        let headers = [("Accept", write::ACCEPT)];
        self.probing = Some(self.send(cx, Purpose::Options, &headers, None));
        Ok(())
    }

    /// The final response to our OPTIONS came, or none will.
    pub(crate) fn on_probed(&mut self, cx: &mut Context<'_>, key: ClientKey, result: Probed) {
        if self.probing == Some(key) {
            self.probing = None;
            let leg = self.id;
            cx.events.push_back(Event::Probed { leg, result });
        }
    }

    /// The leg ends: what comes of its probe is of no interest any more.
    pub(crate) fn forget_probe(&mut self, cx: &mut Context<'_>) {
        if let Some(key) = self.probing.take() {
            cx.tx.disown(cx.now, key);
        }
    }

    /// The final response to our BYE came, or none will.
    pub(crate) fn on_bye_done(&mut self, key: ClientKey) {
        if self.bye == Some(key) {
            self.finish();
        }
    }

    /// True while a re-INVITE of ours waits for its final response.
    fn is_asking(&self) -> bool {
        self.asking.as_ref().is_some_and(|a| a.key.is_some())
    }

    /// Answers a request of the dialog without a session description.
    pub(crate) fn reply(
        &self,
        cx: &mut Context<'_>,
        key: ServerKey,
        status: u16,
        headers: &[(&str, &str)],
    ) {
        if let Some(bytes) = self.response(cx, key, status, headers, None) {
            cx.tx.respond(cx.now, key, status, bytes);
        }
    }
}

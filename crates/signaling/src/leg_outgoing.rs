//! A leg that we started: the responses to our INVITE, CANCEL, and the ACK of every 2xx.

use crate::body;
use crate::client_auth::Attempts;
use crate::defect::Defect;
use crate::dialog::{self, Dialog};
use crate::event::Event;
use crate::flow::Flow;
use crate::keys::{ClientKey, Owner, Purpose};
use crate::leg::{Context, Leg, LegState, reason_of};
use crate::leg_timer::{Draft, takes_update};
use crate::lex;
use crate::message::{HeaderName, Message, Method};
use crate::names::branch;
use crate::transactions::Failure;
use meishier_model::LegId;

impl Leg {
    /// Sends our INVITE, with the headers that our user gave it.
    pub(crate) fn send_invite(&mut self, cx: &mut Context<'_>, draft: &Draft) {
        let (supported, required) = self.option_tags(&cx.config.supported);
        let mut own = self.session_wish();
        own.extend([("Supported", supported), ("Require", required)]);
        let own = own.iter().map(|(name, value)| (*name, &**value));
        let beside = draft.attached.iter().flat_map(|it| &it.headers);
        let given = draft.headers.iter().chain(beside);
        let given = given.map(|(n, v)| (n.as_str(), v.as_str()));
        let all: Vec<(&str, &str)> = own.filter(|h| !h.1.is_empty()).chain(given).collect();
        let body = match &draft.attached {
            Some(it) => Some((it.content_type.as_str(), it.body.as_slice())),
            None => draft.sdp.as_deref().map(|sdp| (body::SDP, sdp)),
        };
        self.calling = Some(self.send_with(cx, Purpose::Invite, &all, body));
    }

    /// A response to our INVITE came.
    pub(crate) fn on_invite_response(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        response: &Message,
    ) {
        match response.status().unwrap_or_default() {
            ..200 => self.on_progress(cx, response),
            200..300 => self.on_success(cx, key, response),
            422 if self.invite_longer(cx, response) => {}
            status if self.invite_bare(cx, status) => {}
            status => {
                let retry = response.header(HeaderName::RetryAfter).and_then(seconds);
                self.on_refused(cx, status, (reason_of(response), retry));
            }
        }
    }

    fn on_progress(&mut self, cx: &mut Context<'_>, response: &Message) {
        let status = response.status().unwrap_or_default();
        if status > 100 && !self.hear_provisional(cx, response) {
            match self.state {
                // §9.1: even so it is one that a CANCEL had to wait for.
                LegState::Cancelling => self.try_cancel(cx),
                // Who says something is there, whatever is wrong with it.
                LegState::Calling => self.state = LegState::Proceeding,
                _ => {}
            }
            return;
        }
        match self.state {
            LegState::Calling | LegState::Proceeding => {
                self.state = LegState::Proceeding;
                if status > 100 {
                    let sdp = body::sdp(response).map(<[u8]>::to_vec);
                    cx.events.push_back(Event::Progress {
                        leg: self.id,
                        status,
                        sdp,
                    });
                }
            }
            // §9.1: CANCEL had to wait for a provisional response.
            LegState::Cancelling => self.try_cancel(cx),
            _ => {}
        }
    }

    /// Sends the CANCEL as soon as it may be sent (§9.1), and once only.
    pub(crate) fn try_cancel(&mut self, cx: &mut Context<'_>) {
        let Some(key) = self.calling else { return };
        let cancel = ClientKey {
            cancel: true,
            ..key
        };
        if self.clients.contains(&cancel) || cx.broken.is(Defect::CancelForgotten) {
            return;
        }
        let reason = self.farewell.clone();
        if cx.tx.cancel(cx.now, key, reason.as_deref()) {
            self.note_client(cx, cancel);
        }
    }

    /// A 2xx came that had no ACK yet (§13.2.2.4).
    fn on_success(&mut self, cx: &mut Context<'_>, key: ClientKey, response: &Message) {
        if self.calling.take().is_none() {
            // Another fork answered: we have a call already.
            release_fork(cx, key, self.flow, response);
            return;
        }
        let Ok(mut dialog) = Dialog::of_response(response, &self.dialog.target) else {
            // A route that cannot be followed: no ACK can reach the peer, and no BYE.
            self.on_refused(cx, 502, (None, None));
            return;
        };
        let agreed = self.take_early(&mut dialog);
        self.dialog = dialog;
        self.draft = None;
        self.takes_update = takes_update(response);
        self.acknowledge(cx, key, response.cseq().0);
        if self.state == LegState::Cancelling {
            // §9.1: the 2xx crossed our CANCEL.
            self.send_bye(cx);
            return;
        }
        self.state = LegState::Confirmed;
        self.session_agreed(cx, response);
        // §13.2.1: the first description that came reliably is the answer.
        let sdp = agreed.map_or_else(
            || body::sdp(response).map(<[u8]>::to_vec),
            |a| Some(a.into()),
        );
        cx.events.push_back(Event::Answered { leg: self.id, sdp });
    }

    /// Sends the ACK of the 2xx to our INVITE of number `cseq` (§13.2.2.4: other requests may have
    /// been sent since) and keeps it for when the 2xx comes again.
    pub(crate) fn acknowledge(&mut self, cx: &mut Context<'_>, key: ClientKey, cseq: u32) {
        if cx.broken.is(Defect::AckForgotten) {
            return;
        }
        let word = cx.names.word();
        // §22.1: what the INVITE showed; an ACK cannot be challenged.
        let (account, shown) = cx.tx.shown(key);
        let bytes = self.request(cx, Method::Ack, cseq, &branch(word), &shown, None);
        self.account = self.account.or(account);
        cx.tx.keep_ack(key, &self.dialog.remote_tag, &bytes);
        cx.tx.send_request(Method::Ack, self.flow, bytes);
    }

    /// Our INVITE came to nothing without a response.
    pub(crate) fn on_invite_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        self.on_refused(cx, failure.status(), (None, None));
    }

    fn on_refused(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        (reason, retry_after): (Option<String>, Option<u32>),
    ) {
        if matches!(self.state, LegState::Calling | LegState::Proceeding) {
            cx.events.push_back(Event::Failed {
                leg: self.id,
                status,
                reason,
                retry_after,
            });
        }
        if matches!(
            self.state,
            LegState::Calling | LegState::Proceeding | LegState::Cancelling
        ) {
            self.finish();
        }
    }
}

/// Retry-After: seconds, perhaps with a comment and parameters behind them (RFC 3261 §20.33).
fn seconds(value: &str) -> Option<u32> {
    let end = value.find(|c: char| !c.is_ascii_digit());
    lex::number(end.and_then(|end| value.get(..end)).unwrap_or(value))
}

impl Failure {
    /// The status that stands for it (§8.1.3.1).
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::TimedOut => 408,
            Self::Flow => 503,
        }
    }
}

/// ACK and BYE for a 2xx of a fork that nobody wants (§13.2.2.4), or of a leg that is gone.
pub(crate) fn release_fork(cx: &mut Context<'_>, key: ClientKey, flow: Flow, response: &Message) {
    let Some(mut fork) = acknowledge_orphan(cx, key, flow, response) else {
        return;
    };
    let bye = ClientKey {
        word: cx.names.word(),
        cancel: false,
    };
    let seq = fork.dialog.next_seq();
    let shown = fork.credentials(cx, Method::Bye);
    let shown: Vec<(&str, &str)> = shown.iter().map(|(n, v)| (*n, &**v)).collect();
    let bytes = fork.request(cx, Method::Bye, seq, &branch(bye.word), &shown, None);
    cx.tx
        .start(cx.now, bye, Purpose::Bye, Owner::Nobody, flow, bytes);
    cx.tx.attribute(bye, Attempts::of(fork.account));
}

/// The ACK of a 2xx whose dialog is known only from it: a fork, or a re-INVITE of a leg that has
/// hung up since. `None` if the response does not say where the ACK goes.
pub(crate) fn acknowledge_orphan(
    cx: &mut Context<'_>,
    key: ClientKey,
    flow: Flow,
    response: &Message,
) -> Option<Leg> {
    let target = response.to_addr().map_or("", |to| to.uri);
    let target = dialog::usable(target)?;
    let dialog = Dialog::of_response(response, target).ok()?;
    let mut fork = Leg::new(LegId(0), LegState::Confirmed, flow, dialog, "");
    fork.acknowledge(cx, key, response.cseq().0);
    Some(fork)
}

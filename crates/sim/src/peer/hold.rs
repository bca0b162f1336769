//! Hold and resume: our own change of an established session (RFC 3261 §14, RFC 3311).
//!
//! ```text
//!            re-INVITE or UPDATE                2xx: as offered
//!   Idle ───────────────────────► Asking ─────────────────────────► Idle
//!                                 ▲    │  3xx–6xx: as before
//!         2.1–4 s, or 0–2 s if the│    │491, the first time
//!         call is not ours (§14.1)│    ▼
//!                                Waiting        408, 481: BYE (§12.2.1.2)
//! ```

use super::AgentEvent;
use super::call::{Call, Phase};
use super::desk::Context;
use super::invite_in::InviteIn;
use super::invite_out::{InviteOut, Purpose};
use super::other_out::Method;
use super::timers::T1;
use meishier_model::Mono;
use std::time::Duration;

/// A change under way.
#[derive(Debug)]
pub(crate) struct Change {
    hold: bool,
    by_update: bool,
    tries: u8,
    /// When it is asked again; `None` while it is being asked.
    pub again: Option<Mono>,
}

impl Call {
    /// Begins a change. False if the call is not established or a change is under way.
    pub(crate) fn hold(&mut self, cx: &mut Context<'_>, on: bool) -> bool {
        let busy = self.change.is_some() || self.refreshing;
        if self.phase != Phase::Standing || busy || !self.is_settled() {
            return false;
        }
        let by_update = cx.roll(cx.quirks.hold_by_update);
        self.change = Some(Change {
            hold: on,
            by_update,
            tries: 0,
            again: None,
        });
        self.ask_change(cx);
        true
    }

    /// True while a change of ours waits for its response.
    pub(crate) fn is_asking(&self) -> bool {
        self.change.as_ref().is_some_and(|c| c.again.is_none())
    }

    /// True if no INVITE of either side is open (§14.1).
    pub(crate) fn is_settled(&self) -> bool {
        !self.invites_out.iter().any(InviteOut::is_open)
            && !self.invites_in.iter().any(InviteIn::is_open)
    }

    fn ask_change(&mut self, cx: &mut Context<'_>) {
        let Some(change) = &mut self.change else {
            return;
        };
        change.again = None;
        change.tries += 1;
        let (hold, by_update) = (change.hold, change.by_update);
        let sdp = self.session.offer(cx.desk.codecs(), hold);
        if by_update {
            let (branch, writer) = self.dialog.request(cx, Method::Update.as_str());
            let writer = self.lasting.claim(writer);
            self.ask(cx, Method::Update, branch, writer.finish(Some(&sdp)));
        } else {
            let (branch, writer) = self.dialog.request(cx, "INVITE");
            let writer = self.lasting.claim(writer);
            self.send_invite(cx, Purpose::Change, branch, writer.finish(Some(&sdp)));
        }
    }

    /// The final response to our change came, or 408 for none.
    pub(crate) fn on_change_done(&mut self, cx: &mut Context<'_>, status: u16, body: &str) {
        // Without one, the call was hung up meanwhile.
        let Some(change) = &mut self.change else {
            return;
        };
        let key = self.key;
        if status == 491 && change.tries == 1 {
            let (least, most) = match self.dialled.is_some() {
                true => (2_100, 4_000),
                false => (0, 2_000),
            };
            let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
            let wait = cx.desk.dice.between(least, most);
            if let Some(change) = &mut self.change {
                change.again = Some(cx.now + wait);
            }
            return;
        }
        let hold = change.hold;
        self.change = None;
        if status >= 300 {
            self.lasting.retry_if_due(cx.now);
        }
        if (200..300).contains(&status) {
            self.session.accept(cx.desk.codecs(), hold, body);
        }
        cx.tell(AgentEvent::HoldDone { key, status });
        if matches!(status, 408 | 481) {
            self.say_bye(cx);
            self.tell_end(cx, AgentEvent::Failed { key });
        }
    }

    pub(crate) fn on_change_timeout(&mut self, cx: &mut Context<'_>) {
        let due = |change: &Change| change.again.is_some_and(|at| at <= cx.now);
        if !self.change.as_ref().is_some_and(due) {
            return;
        }
        if self.is_settled() {
            self.ask_change(cx);
        } else if let Some(change) = &mut self.change {
            change.again = Some(cx.now + T1);
        }
    }
}

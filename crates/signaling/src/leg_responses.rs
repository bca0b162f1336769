//! Whose response or failure it is: what a leg asked for, and what came of it.

use crate::event::Probed;
use crate::keys::{ClientKey, Purpose};
use crate::leg::{Context, Leg};
use crate::message::Message;
use crate::transactions::Failure;

impl Leg {
    /// A response to a request of ours came.
    pub(crate) fn on_response(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        purpose: Purpose,
        response: &Message,
    ) {
        let status = response.status().unwrap_or_default();
        match purpose {
            Purpose::Invite => self.on_invite_response(cx, key, response),
            Purpose::Reinvite => self.on_reinvite_response(cx, key, response),
            Purpose::Bye if status >= 200 => self.on_bye_done(key),
            Purpose::Update if status >= 200 => self.on_update_response(cx, key, response),
            Purpose::Options if status >= 200 => {
                self.on_probed(cx, key, Probed::Answered(status));
            }
            Purpose::Notify if status >= 200 => self.on_notified(cx, key, status),
            // RFC 3262 §4: whatever becomes of a PRACK, the callee ends a call that lacks it.
            Purpose::Bye
            | Purpose::Options
            | Purpose::Update
            | Purpose::Cancel
            | Purpose::Register
            | Purpose::Notify
            | Purpose::Prack => {}
        }
    }

    /// A request of ours got no final response.
    pub(crate) fn on_failure(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        purpose: Purpose,
        failure: Failure,
    ) {
        match purpose {
            Purpose::Invite => self.on_invite_failure(cx, failure),
            Purpose::Reinvite => self.on_reinvite_failure(cx, key, failure),
            Purpose::Bye => self.on_bye_done(key),
            Purpose::Options => self.on_probed(cx, key, failure.into()),
            Purpose::Update => self.on_update_failure(cx, key, failure),
            Purpose::Notify => self.on_notified(cx, key, failure.status()),
            Purpose::Cancel | Purpose::Prack | Purpose::Register => {}
        }
    }
}

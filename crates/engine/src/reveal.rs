//! The caller's number in full, for whoever must call back. Everywhere else it is masked.

use crate::api::{CommandError, Reply};
use crate::call::Call;
use crate::shard::Shard;
use meishier_model::{CallId, DialString};

impl Shard {
    pub(crate) fn on_reveal(&mut self, token: u64, id: CallId) {
        let call = self.calls.get(&id).ok_or(CommandError::UnknownCall);
        let reply = call.and_then(|it| number_of(it));
        self.reply(token, Reply::Revealed(reply));
    }
}

/// A number that is withheld is shown only where a life is in danger: an emergency was dialled.
fn number_of(call: &Call) -> Result<DialString, CommandError> {
    let shown = !call.caller.is_empty() && (!call.withheld || call.emergency);
    let number = shown.then(|| call.caller.clone());
    number.ok_or(CommandError::NumberWithheld)
}

//! A counsellor marks a caller for nuisance, and may end the conversation with a prompt that says
//! where to turn to. Refused while the caller is at risk.
//!
//! ```text
//!   Talking ── Nuisance{end} ──► Parting: the caller hears the prompt ── played, BYE, limit ──► WrappingUp
//! ```

use crate::api::{CommandError, Reply};
use crate::call::{Call, State};
use crate::defect::Defect;
use crate::known::later;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_media::{PromptId, Source};
use meishier_model::{CallId, MarkKind, Now, Outcome, ReleasedBy};
use meishier_routing::Fact;
use std::time::Duration;

/// How long a mark lasts where neither the counsellor nor the policy says.
const MARK: Duration = Duration::from_secs(30 * 24 * 3600);
/// Longest a mark may last: a year; then people look again.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// The call ends after this even if media never says that the prompt was played.
const PARTING_LIMIT: Duration = Duration::from_secs(30);
/// The reason of a mark by key, for people.
const PRESSED: &str = "话机按键";
/// Longest reason that is kept, characters.
const REASON_LIMIT: usize = 200;

impl Shard {
    pub(crate) fn on_nuisance(
        &mut self,
        now: Now,
        token: u64,
        id: CallId,
        (lasts, reason, end): (Option<Duration>, String, bool),
    ) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            result = shard.mark(now, call, lasts, &reason);
            if end && matches!(result, Ok(()) | Err(CommandError::NumberWithheld)) {
                call.nuisance = true;
                shard.part(now, call);
                result = Ok(());
            }
        });
        self.reply(token, Reply::Done(result));
    }

    fn mark(
        &mut self,
        now: Now,
        call: &mut Call,
        lasts: Option<Duration>,
        reason: &str,
    ) -> Result<(), CommandError> {
        let risk = call.entry.risk || call.known.risk.is_some();
        if risk && !self.broken.is(Defect::MarkedAtRisk) {
            return Err(CommandError::AtRisk);
        }
        if call.pair().is_none() {
            return Err(CommandError::NotTalking);
        }
        let policy = self.config.routing.policies().nuisance.marked_for;
        let standard = if policy.is_zero() { MARK } else { policy };
        let until = later(now.wall, lasts.unwrap_or(standard).min(LONGEST));
        if call.caller.is_empty() || call.switchboard {
            return Err(CommandError::NumberWithheld);
        }
        call.nuisance = true;
        self.note_call(call, now.wall, Fact::Marked { until });
        let reason = reason.chars().take(REASON_LIMIT).collect();
        self.keep_mark(now, call, MarkKind::Nuisance, until, reason);
        Ok(())
    }

    /// The counsellor has pressed the key for nuisance on the telephone: it marks the caller as the
    /// console does; refused likewise, while the caller is at risk too.
    pub(crate) fn mark_by_key(&mut self, now: Now, call: &mut Call) {
        // Nobody waits for an answer: the call is marked or it is not.
        let _ = self.mark(now, call, None, PRESSED);
    }

    /// The counsellor is free; the caller hears the prompt to its end.
    fn part(&mut self, now: Now, call: &mut Call) {
        self.drop_thirds(now, call);
        self.release_seat(now, call, true);
        let token = self.token();
        let side = &call.side;
        if !side.voice.open || side.gone {
            return self.finish(now, call, Outcome::Answered, ReleasedBy::Engine, 0);
        }
        self.hear(
            &call.side.voice,
            Source::Playlist {
                prompts: vec![PromptId::Guidance],
                then_music: false,
                token,
            },
        );
        call.state = State::Parting(token);
        self.set_call_timer(call, now.mono + PARTING_LIMIT, Timer::Parting(call.id));
    }

    /// True while this call plays its last prompt.
    pub(crate) fn parts(&self, id: CallId) -> bool {
        self.calls
            .get(&id)
            .is_some_and(|call| matches!(call.state, State::Parting(_)))
    }

    /// The prompt was played, or its time is up.
    pub(crate) fn end_parting(&mut self, now: Now, call: &mut Call, played: Option<u64>) {
        let State::Parting(token) = call.state else {
            return;
        };
        if played.is_none_or(|played| played == token) {
            self.finish(now, call, Outcome::Answered, ReleasedBy::Engine, 0);
        }
    }
}

//! What a caller is told of the recording, while waiting and over the conversation, and the key by which it
//! refuses. The states stand in `recording.rs`.

use crate::api::Output;
use crate::call::{Call, State};
use crate::ports::PortOwner;
use crate::recording::talks;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_config::Recording;
use meishier_media::{MediaCommand, PromptId, Source, prompts};
use meishier_model::{CallId, Consent, PortId, RecordingRecord};
use std::time::Duration;

/// How long a caller who was told by which key to refuse has for it before anything is recorded: time to
/// take the telephone from the ear and press.
pub(crate) const TO_ANSWER: Duration = Duration::from_secs(5);

/// What is still to be said before a conversation is recorded on this ground.
fn unsaid(record: &RecordingRecord, consent: Consent, refuse_key: char) -> Vec<PromptId> {
    match consent {
        _ if record.refused.is_some() => Vec::new(),
        Consent::Announced if record.told.is_none() => vec![PromptId::RecordingTold],
        Consent::Asked if record.asked.is_none() => {
            let key = prompts::digit_of(refuse_key);
            let asked = [
                Some(PromptId::RecordingAsked),
                key,
                Some(PromptId::DangerAfter),
            ];
            asked.into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

impl Shard {
    /// On what ground a waiting caller will be recorded, if that is the same whoever picks up; else
    /// [`Consent::Off`].
    fn ground_ahead(&self, call: &Call) -> Consent {
        let Some(recording) = &self.config.recording else {
            return Consent::Off;
        };
        let pools = match &call.state {
            State::Offered(side) => std::slice::from_ref(&side.line.pool),
            State::Queued => call.entry.open_rings(),
            _ => &[],
        };
        let mut grounds = pools.iter().map(|pool| recording.consent(*pool));
        let first = grounds.next().unwrap_or_default();
        match grounds.all(|ground| ground == first) {
            true => first,
            false => Consent::Off,
        }
    }

    /// What a waiting caller is to be told, and on what ground. What is said before the call is answered
    /// does not count: not every network lets it through. Nor is anybody asked to press the key by which
    /// a waiting caller says that life is in danger.
    fn unsaid_ahead(&self, call: &Call) -> Option<(Consent, Vec<PromptId>)> {
        let refuse_key = self.config.recording.as_ref()?.refuse_key;
        let side = &call.side;
        let hears = side.answered && !side.gone && side.voice.agreed.is_some();
        if !call.is_waiting() || call.ending.is_some() || !hears {
            return None;
        }
        let consent = self.ground_ahead(call);
        if consent == Consent::Asked && self.is_danger_key(refuse_key) {
            return None;
        }
        let prompts = unsaid(&call.taping.record, consent, refuse_key);
        (!prompts.is_empty()).then_some((consent, prompts))
    }

    fn is_danger_key(&self, digit: char) -> bool {
        let danger = self.config.routing.policies().risk.danger_key;
        danger.map(char::from) == Some(digit)
    }

    /// Adds to what a waiting caller is about to hear what is to be said of the recording, behind all
    /// that helps; gives the token for all of it.
    pub(crate) fn add_unsaid(&mut self, call: &mut Call, prompts: &mut Vec<PromptId>) -> u64 {
        let mut token = None;
        if let Some((consent, unsaid)) = self.unsaid_ahead(call) {
            self.open_voice(&mut call.side.voice);
            if call.side.voice.open {
                prompts.extend(unsaid);
                token = Some(self.begin_telling(call, consent));
            }
        }
        let token = token.unwrap_or_else(|| self.token());
        let heard = call.side.voice.open && !prompts.is_empty();
        call.taping.playing = heard.then_some(token);
        token
    }

    /// Tells a waiting caller who hears nothing but music.
    pub(crate) fn tell_ahead(&mut self, call: &mut Call) {
        if call.taping.playing.is_none() && self.unsaid_ahead(call).is_some() {
            self.say_in_line(call, Vec::new());
        }
    }

    /// The token of what the caller is being told. The end of another sentence is not the end of this one.
    fn begin_telling(&mut self, call: &mut Call, consent: Consent) -> u64 {
        let same = call.taping.telling.filter(|(_, of)| *of == consent);
        let token = same.map_or_else(|| self.token(), |(token, _)| token);
        call.taping.telling = Some((token, consent));
        token
    }

    /// Whenever what the caller hears is arranged anew, what it is to be told is said over it. Nothing is
    /// said to a caller who hears nobody: there is no conversation then.
    pub(crate) fn tell_of_tape(&mut self, call: &mut Call, recording: &Recording) {
        let record = &call.taping.record;
        let consent = record.consent;
        let prompts = unsaid(record, consent, recording.refuse_key);
        if prompts.is_empty() {
            return;
        }
        let before = call.taping.telling;
        let token = self.begin_telling(call, consent);
        if !self.say_over_what_is_heard(call.side.voice.port, prompts, token) {
            call.taping.telling = before;
        }
    }

    /// Turns the conversation that a party was just told to hear into the same with prompts over it; false
    /// if it was told nothing of the kind.
    fn say_over_what_is_heard(&mut self, at: PortId, prompts: Vec<PromptId>, token: u64) -> bool {
        let heard = self
            .outputs
            .iter_mut()
            .rev()
            .find_map(|output| match output {
                Output::Media(MediaCommand::Hear { port, source }) if *port == at => Some(source),
                _ => None,
            });
        let Some(heard) = heard else { return false };
        let parties = match heard {
            Source::Peer(peer) => vec![*peer],
            Source::Mix(parties) => std::mem::take(parties),
            _ => return false,
        };
        *heard = Source::Over {
            parties,
            prompts,
            token,
        };
        true
    }

    /// Something was said to the caller to its end.
    pub(crate) fn on_tape_told(&mut self, port: PortId, token: u64) {
        let Some(PortOwner::Caller(id)) = self.ports.owner(port) else {
            return;
        };
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        if call.taping.playing == Some(token) {
            call.taping.playing = None;
        }
        if let Some((_, consent)) = call.taping.telling.filter(|(of, _)| *of == token) {
            call.taping.telling = None;
            let now = self.wall_in(&call);
            let record = &mut call.taping.record;
            record.told.get_or_insert(now);
            if consent == Consent::Asked && record.asked.is_none() {
                record.asked = Some(now);
                let at = self.now + TO_ANSWER;
                self.set_call_timer(&mut call, at, Timer::ToAnswer(id));
            }
        }
        self.calls.insert(id, call);
    }

    /// A key of the caller's telephone: it may refuse to be recorded, while waiting for a pool that asks,
    /// before and while it is recorded, and also after another pool has taken over whoever was told the key.
    pub(crate) fn on_refuse_key(&mut self, id: CallId, digit: char) {
        let key = self.config.recording.as_ref().map(|it| it.refuse_key);
        if key != Some(digit) {
            return;
        }
        let danger = self.is_danger_key(digit);
        self.with_call(id, |shard, call| {
            let waits = call.is_waiting() && !danger;
            let record = &call.taping.record;
            let ground = match waits {
                true => shard.ground_ahead(call),
                false => record.consent,
            };
            let asked = ground == Consent::Asked || record.asked.is_some();
            if !asked || record.refused.is_some() || !(waits || talks(call)) {
                return;
            }
            call.taping.record.refused = Some(shard.wall_in(call));
            call.taping.telling = None;
            shard.unmake_tapes(call);
            let prompts = vec![PromptId::RecordingRefused];
            if waits {
                return shard.say_in_line(call, prompts);
            }
            shard.arrange(call);
            let token = shard.token();
            shard.say_over_what_is_heard(call.side.voice.port, prompts, token);
        });
    }
}

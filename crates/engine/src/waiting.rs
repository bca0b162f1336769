//! What a caller hears while waiting, and how the wait widens the search.
//!
//! Nothing here delays an offer: prompts are cut the instant a counsellor answers.

use crate::call::{Call, State, Voice};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_media::{MediaCommand, PromptId, Source, prompts};
use meishier_model::{CallId, Mono, Now};
use meishier_queue::Widening;
use std::time::Duration;

/// How old a copy of everybody's position may be that is told to callers.
const POSITIONS_HOLD: Duration = Duration::from_millis(100);

impl Shard {
    /// Tells the media thread of a party whose media is agreed.
    pub(crate) fn open_voice(&mut self, voice: &mut Voice) {
        if voice.open {
            return;
        }
        if let Some((media, accept)) = voice.resumed(self.now) {
            voice.open = true;
            self.media(MediaCommand::Open {
                port: voice.port,
                media,
                accept,
            });
        }
    }

    pub(crate) fn hear(&mut self, voice: &Voice, source: Source) {
        if voice.open {
            self.media(MediaCommand::Hear {
                port: voice.port,
                source,
            });
        }
    }

    /// Greeting (and that everybody is busy, if no seat rings yet), then music, for a caller who can
    /// hear.
    pub(crate) fn start_waiting_audio(&mut self, now: Now, call: &mut Call) {
        let waiting = &self.config.waiting;
        let (greeting, music, every) = (waiting.greeting, waiting.music, waiting.announce_every);
        if greeting || music || every.is_some() {
            self.open_voice(&mut call.side.voice);
        }
        let mut prompts = Vec::new();
        if greeting {
            prompts.push(PromptId::Greeting);
            if matches!(call.state, State::Queued) {
                prompts.push(PromptId::AllBusy);
                prompts.extend(self.danger_prompts());
            }
        } else if music {
            self.hear(&call.side.voice, Source::Music);
        }
        self.say_in_line(call, prompts);
        if let Some(every) = every {
            self.set_call_timer(call, now.mono + every, Timer::Announce(call.id));
        }
    }

    /// Says something to a waiting caller, and what it is to know of the recording; then music. Without
    /// anything to say what the caller hears goes on.
    pub(crate) fn say_in_line(&mut self, call: &mut Call, mut prompts: Vec<PromptId>) {
        let token = self.add_unsaid(call, &mut prompts);
        if prompts.is_empty() {
            return;
        }
        let source = Source::Playlist {
            prompts,
            then_music: self.config.waiting.music,
            token,
        };
        self.hear(&call.side.voice, source);
    }

    /// By which key a waiting caller can say that life is in danger.
    fn danger_prompts(&self) -> Vec<PromptId> {
        let key = self.config.routing.policies().risk.danger_key;
        let Some(digit) = key.map(char::from).and_then(prompts::digit_of) else {
            return Vec::new();
        };
        vec![PromptId::DangerBefore, digit, PromptId::DangerAfter]
    }

    /// Tells a waiting caller that the danger key was heard.
    pub(crate) fn hear_that_heard(&mut self, call: &mut Call) {
        self.say_in_line(call, vec![PromptId::DangerHeard]);
    }

    /// Music again, without the greeting, for a caller who is back in the queue.
    pub(crate) fn resume_waiting_audio(&mut self, now: Now, call: &mut Call) {
        let source = if self.config.waiting.music {
            Source::Music
        } else {
            Source::Comfort
        };
        self.hear(&call.side.voice, source);
        self.say_in_line(call, Vec::new());
        if let Some(every) = self.config.waiting.announce_every {
            self.set_call_timer(call, now.mono + every, Timer::Announce(call.id));
        }
    }

    /// A caller's position, from a copy at most [`POSITIONS_HOLD`] old; of who came since, from the
    /// queue itself.
    fn position(&mut self, now: Now, call: CallId) -> Option<u32> {
        let old = |taken: Mono| now.mono.since(taken) > POSITIONS_HOLD;
        if self.positions.as_ref().is_none_or(|(taken, _)| old(*taken)) {
            self.positions = Some((now.mono, self.queue.positions()));
        }
        let copy = self.positions.as_ref();
        let known = copy.and_then(|(_, all)| all.get(&call).copied());
        known.or_else(|| self.queue.position(call))
    }

    fn announce(&mut self, now: Now, call: &mut Call) {
        if let Some(ahead) = self.position(now, call.id) {
            self.say_in_line(call, prompts::position(ahead));
        }
        if let Some(every) = self.config.waiting.announce_every {
            self.set_call_timer(call, now.mono + every, Timer::Announce(call.id));
        }
    }

    fn open_ring(&mut self, now: Now, call: &mut Call) {
        while let Some((_, at)) = call.closed_rings.first().copied() {
            if at > now.mono {
                self.set_call_timer(call, at, Timer::OpenRing(call.id));
                return;
            }
            call.closed_rings.remove(0);
            call.entry.open = call.entry.open.saturating_add(1);
            if matches!(call.state, State::Queued) {
                let wakes = self.queue.widen(now.mono, call.id, Widening::OpenRing);
                self.wake(now, &wakes);
            }
        }
    }

    fn drop_preferences(&mut self, now: Now, call: &mut Call) {
        for preference in &mut call.entry.preferred {
            preference.dropped = true;
            if matches!(call.state, State::Queued) {
                let step = Widening::DropPreference(preference.skill);
                let wakes = self.queue.widen(now.mono, call.id, step);
                self.wake(now, &wakes);
            }
        }
    }

    pub(crate) fn on_call_timer(&mut self, now: Now, call: &mut Call, timer: Timer) {
        match timer {
            Timer::AnswerAfter(_) => self.answer_caller(now, call),
            Timer::Announce(_) if call.is_waiting() => self.announce(now, call),
            Timer::OpenRing(_) => self.open_ring(now, call),
            Timer::DropPreferences(_) => self.drop_preferences(now, call),
            Timer::OfferRing(_, offer) => self.on_ring_limit(now, call, offer),
            Timer::NoSign(_, offer) => self.on_no_sign(now, call, offer),
            Timer::TransferRing(_, third) => self.on_target_timer(now, call, third),
            Timer::PeerTry(_, third) => self.on_peer_timer(now, call, third),
            Timer::Probe(_, port) => self.on_probe_timer(now, call, port),
            Timer::OneWay(_) => self.look_at_speech(now, call),
            Timer::CloseGuard(_) => self.give_up_closing(call),
            Timer::LetIn(_) => self.let_in_again(now, call),
            Timer::Typed(_) => self.on_typed(now, call),
            Timer::Parting(_) => self.end_parting(now, call, None),
            Timer::Announce(_)
            // Whether a tape begins is looked at after every change.
            | Timer::ToAnswer(_)
            | Timer::Seat(_)
            | Timer::KeepAlive(_)
            | Timer::Register(_)
            | Timer::Leave
            | Timer::Lines
            | Timer::SeatAgain(_)
            | Timer::Watch
            | Timer::KeepOpen
            | Timer::Hands
            | Timer::FullPools
            | Timer::Service(_) => {}
        }
    }
}

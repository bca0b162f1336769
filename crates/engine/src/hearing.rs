//! Who hears whom, arranged anew from scratch after every change; and what is said over it.

use crate::api::{CommandError, Reply, Who};
use crate::call::{Call, State, ThirdSide, Voice};
use crate::conference::{note_all, standing};
use crate::defect::Defect;
use crate::ports::PortOwner;
use crate::quiet::{at_the_keys, is_attended, stands_in, wanted_mode};
use crate::shard::Shard;
use meishier_media::{PromptId, Source};
use meishier_model::{CallId, Now, PortId};
use meishier_transfer::{Mode, Role, Third, ThirdId, hears};
use smallvec::SmallVec;

/// How often a target may be told once more what is known; the caller waits for it meanwhile.
const MOST_REPEATS: u8 = 2;

/// One who may be heard.
#[derive(Clone, Copy)]
struct Ear {
    who: Who,
    part: (Role, Mode),
    port: PortId,
}

fn voice_of(call: &mut Call, who: Who) -> Option<&mut Voice> {
    match who {
        Who::Caller => Some(&mut call.side.voice),
        Who::Counsellor => call.seat_side_mut()?.voice.as_mut(),
        Who::Third(third) => call.third_mut(third)?.voice.as_mut(),
    }
}

/// Everybody who takes part, with what each is; opened or not.
fn parts(call: &Call) -> SmallVec<[(Who, (Role, Mode)); 8]> {
    let mut parts = SmallVec::new();
    if !call.side.closed {
        parts.push((Who::Caller, (Role::Caller, call.modes.0)));
    }
    if matches!(call.state, State::Talking(_) | State::Transferring(Some(_))) {
        parts.push((Who::Counsellor, (Role::Counsellor, call.modes.1)));
    }
    let there = call.thirds.iter().filter(|it| it.present);
    parts.extend(there.map(|it| (Who::Third(it.id), (it.role, it.mode))));
    parts
}

/// Everybody else, whatever their parts.
fn others(ears: &[Ear], listener: Ear) -> Vec<PortId> {
    let others = ears.iter().map(|it| it.port);
    others.filter(|port| *port != listener.port).collect()
}

fn heard_by(ears: &[Ear], listener: Ear) -> Vec<PortId> {
    let others = ears.iter().filter(|it| it.port != listener.port);
    let heard = others.filter(|it| hears(listener.part, it.part));
    heard.map(|it| it.port).collect()
}

/// The port of whoever has begun a sequence of keys.
fn typing(call: &Call) -> Option<PortId> {
    if let Some(third) = at_the_keys(call).and_then(|it| call.third(it)) {
        let seat = third.seat.as_ref().filter(|it| it.typed.is_typing());
        return seat.and(third.voice.as_ref()).map(|voice| voice.port);
    }
    let side = call.seat_side().filter(|side| side.typed.is_typing());
    side.and_then(|side| Some(side.voice.as_ref()?.port))
}

fn set_mode(call: &mut Call, who: Who, mode: Mode) {
    match who {
        Who::Caller => call.modes.0 = mode,
        Who::Counsellor => call.modes.1 = mode,
        Who::Third(third) => {
            let _ = call.third_mut(third).map(|it| it.mode = mode);
        }
    }
}

/// True if the caller is there and no counsellor is.
fn alone(call: &Call) -> bool {
    !is_attended(call) && !call.side.gone
}

/// True if a caller whose counsellor has left has somebody to talk with.
fn has_company(call: &Call) -> bool {
    let caller = (Role::Caller, call.modes.0);
    let both = |it: &ThirdSide| {
        let (part, wanted) = ((it.role, it.mode), wanted_mode(call, it.id));
        let part = (part.0, wanted.unwrap_or(part.1));
        hears(caller, part) && hears(part, caller)
    };
    call.thirds.iter().any(|it| it.present && both(it))
}

impl Shard {
    /// Opens the ports of everybody who takes part.
    fn ears(&mut self, call: &mut Call) -> SmallVec<[Ear; 8]> {
        let mut ears = SmallVec::new();
        let stand_in = stands_in(call).map(Who::Third);
        for (who, (role, mode)) in parts(call) {
            // Who has taken the counsellor's place hears what the counsellor would.
            let role = if stand_in == Some(who) {
                Role::Counsellor
            } else {
                role
            };
            let part = (role, mode);
            if let Some(voice) = voice_of(call, who) {
                self.open_voice(voice);
                if voice.open {
                    let port = voice.port;
                    ears.push(Ear { who, part, port });
                }
            }
        }
        ears
    }

    pub(crate) fn arrange(&mut self, call: &mut Call) {
        let ears = self.ears(call);
        let dialling =
            |it: &ThirdSide| it.leg.is_some() && it.machine.is_pending() && !it.is_named();
        let dialling = call.thirds.iter().any(dialling);
        let music = self.config.waiting.music;
        let apart = call.modes.1 == Mode::Aside;
        let typing = typing(call);
        for ear in &ears {
            let heard = match self.broken.is(Defect::WrongEar) {
                true => others(&ears, *ear),
                false => heard_by(&ears, *ear),
            };
            let waits = ear.part.1 == Mode::Held || (ear.who == Who::Caller && apart);
            let source = match heard.as_slice() {
                [] if waits && music => Source::Music,
                [] if dialling && !waits => Source::Ringback,
                [] => Source::Comfort,
                // The sound without the events: keys of the counsellor's telephone are for us.
                [other] if typing == Some(*other) => Source::Mix(heard),
                [other] => Source::Peer(*other),
                _ => Source::Mix(heard),
            };
            self.hear_at(ear.port, source);
        }
    }

    /// Says something to the counsellor, and to the caller if `both`, over the conversation that goes
    /// on.
    pub(crate) fn say_over(&mut self, call: &mut Call, prompt: PromptId, both: bool) {
        let ears = self.ears(call);
        let desk = stands_in(call).map_or(Who::Counsellor, Who::Third);
        if !ears.iter().any(|ear| ear.who == desk) {
            return;
        }
        for ear in &ears {
            let told = ear.who == desk || (both && ear.who == Who::Caller);
            if told {
                let token = self.token();
                let source = Source::Over {
                    parties: heard_by(&ears, *ear),
                    prompts: vec![prompt],
                    token,
                };
                self.hear_at(ear.port, source);
            }
        }
    }

    fn hear_at(&mut self, port: PortId, source: Source) {
        self.media(meishier_media::MediaCommand::Hear { port, source });
    }

    /// What was said over a conversation is over.
    pub(crate) fn on_said(&mut self, port: PortId) {
        let id = match self.ports.owner(port) {
            Some(PortOwner::Caller(id) | PortOwner::Seat(id) | PortOwner::Target(id, _)) => id,
            _ => return,
        };
        self.with_call(id, |shard, call| {
            if matches!(call.state, State::Talking(_) | State::Transferring(_)) {
                shard.arrange(call);
            }
        });
    }

    /// A party is to take part in another way.
    pub(crate) fn on_hear(&mut self, now: Now, token: u64, id: CallId, (who, mode): (Who, Mode)) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            if !matches!(call.state, State::Talking(_) | State::Transferring(_)) {
                result = Err(CommandError::NotTalking);
                return;
            }
            let part = parts(call).into_iter().find(|(it, _)| *it == who);
            result = match part {
                None => Err(CommandError::NoTransfer),
                Some((_, (role, _))) if !mode.fits(role) => Err(CommandError::ModeNotAllowed),
                Some((_, (role, before))) => {
                    let company = has_company(call);
                    set_mode(call, who, mode);
                    if company && alone(call) && !has_company(call) {
                        // Nobody is left who could undo it.
                        set_mode(call, who, before);
                        result = Err(CommandError::ModeNotAllowed);
                        return;
                    }
                    if let Who::Third(third) = who {
                        shard.note_part(now, call, third);
                    }
                    if !matches!(who, Who::Third(_)) {
                        let detail = format!("{} {}", role.as_str(), mode.as_str());
                        note_all(call, now, "mode", &detail);
                        shard.tell_part(call, who, role, mode);
                    }
                    shard.settle_conference(now, call);
                    Ok(())
                }
            };
        });
        self.reply(token, Reply::Done(result));
    }

    /// Tells the target what is known, before it joins.
    pub(crate) fn brief(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_briefing(now.mono);
            side.told = 0;
        }
        self.tell(now, call, third);
    }

    fn tell(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let again = call.third(third).is_some_and(|it| it.told > 0);
        let prompts = self.briefing(now, call, third, again);
        let token = self.token();
        let Some(voice) = call.third_mut(third).and_then(|it| it.voice.as_mut()) else {
            return;
        };
        self.open_voice(voice);
        let port = voice.port;
        if prompts.is_empty() || !voice.open {
            return self.briefed(now, call, third);
        }
        let source = Source::Playlist {
            prompts,
            then_music: false,
            token,
        };
        self.hear_at(port, source);
    }

    /// The target has heard all of it, or presses a key to hear no more.
    pub(crate) fn on_told(&mut self, now: Now, id: CallId, third: ThirdId) {
        self.with_call(id, |shard, call| match call.third(third) {
            Some(side) if side.machine.is_present() => shard.arrange(call),
            Some(_) => shard.briefed(now, call, third),
            None => {}
        });
    }

    /// 1 from the target: it has heard enough, or it takes the caller over. 2: it is told once more.
    pub(crate) fn on_target_digit(&mut self, now: Now, id: CallId, third: ThirdId, digit: char) {
        if !matches!(digit, '1' | '2') {
            return;
        }
        self.with_call(id, |shard, call| {
            if digit == '2' {
                return shard.tell_once_more(now, call, third);
            }
            let Some(side) = call.third_mut(third) else {
                return;
            };
            if standing(side) == Third::Bystander {
                return;
            }
            if side.machine.is_present() {
                // An error: it talks with the counsellor apart.
                let _ = side.machine.handle_confirm();
            } else {
                side.machine.handle_briefed();
            }
            shard.run_third(now, call, third);
        });
    }

    fn tell_once_more(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let hears = side.machine.state() == meishier_transfer::State::Briefing;
        if hears && side.told < MOST_REPEATS {
            side.told += 1;
            self.tell(now, call, third);
        }
    }

    fn briefed(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_briefed();
            self.run_third(now, call, third);
        }
    }

    /// A target that was being told something when the process ended is not told it again.
    pub(crate) fn brief_again(&mut self, now: Now, call: &mut Call) {
        let ids: SmallVec<[ThirdId; 8]> = call.thirds.iter().map(|it| it.id).collect();
        for third in ids {
            self.briefed(now, call, third);
        }
    }
}

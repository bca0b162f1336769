//! What a counsellor does by the keys of the telephone while talking.
//!
//! | keys | what they do |
//! | --- | --- |
//! | `*` and a key's `star` | press that key; the place is that of the call |
//! | `*0` | take back the key that was pressed last, as long as it has not joined |
//! | `*8` | whom the counsellor talks with apart joins |
//! | `*9` | whoever joined last has taken the caller over: the counsellor may hang up |
//! | `care.nuisance_key` | mark the caller for nuisance |
//!
//! The caller's own keys are never looked at here, and neither are those of the target. Events
//! (RFC 4733) are passed on between two who talk; from the first key of a sequence on the others are
//! not, for then the counsellor's sound is mixed, and events are not part of it. So the caller may hear
//! that one key. A telephone that sends keys in its sound alone is heard pressing all of them: the
//! sound has left before the tone is known.

use crate::api::{ByTelephone, CommandError, Notice, Press, ShardMessage, ThirdWish, home_of_seat};
use crate::call::{Call, State, ThirdSide};
use crate::conference::standing;
use crate::quiet::at_the_keys;
use crate::shard::Shard;
use crate::timers::Timer;
use crate::typed::{Code, Step as Typed, Typed as Typing};
use meishier_config::Config;
use meishier_media::PromptId;
use meishier_model::{CallId, Now, SeatId, ShardId};
use meishier_transfer::{Manner, State as Step, Third, ThirdId};
use serde::{Deserialize, Serialize};

/// Between the shards that a key pressed on another line of a seat's telephone concerns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyLetter {
    /// It was dialled: to the seat's home.
    Dialled {
        /// Shard that waits for the answer.
        from: ShardId,
        /// Its token.
        token: u64,
        /// The seat.
        seat: SeatId,
        /// The key's name.
        key: String,
    },
    /// The seat's home to the shard of the call that it is in: press that key.
    Press {
        /// Shard that waits for the answer.
        from: ShardId,
        /// Its token.
        token: u64,
        /// The seat.
        seat: SeatId,
        /// The call.
        call: CallId,
        /// The key's name.
        key: String,
    },
    /// The answer to the shard that waits.
    Pressed {
        /// The asker's token.
        token: u64,
        /// The target is being called.
        done: bool,
    },
}

/// What a sequence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// A key of the desk, by its place in the configuration.
    Key(usize),
    /// Something of a third party.
    Wish(Wish),
    Nuisance,
}

/// What a counsellor may wish of a third party without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Cancel,
    Join,
    Confirm,
}

impl Wish {
    fn how(self) -> ByTelephone {
        match self {
            Self::Cancel => ByTelephone::Cancel,
            Self::Join => ByTelephone::Join,
            Self::Confirm => ByTelephone::Confirm,
        }
    }

    /// The last third party that it can be meant of, and what it is to the machine.
    fn of(self, call: &Call) -> Option<(ThirdId, ThirdWish)> {
        let fits = |step: Step| match self {
            Self::Cancel => !matches!(step, Step::Joined | Step::Confirmed | Step::Over),
            Self::Join => step == Step::Apart,
            Self::Confirm => step == Step::Joined,
        };
        // Not a supervisor, nor who only listens, nor who presses the keys.
        let own = at_the_keys(call);
        let meant = |it: &&ThirdSide| {
            let helps = !it.is_named() && standing(it) != Third::Bystander && Some(it.id) != own;
            // Police take over; that it is the caller who was called back is said at the desk.
            helps && !(self == Self::Confirm && it.is_call_back())
        };
        let mut thirds = call.thirds.iter().rev().filter(meant);
        let third = thirds.find(|it| fits(it.machine.state()))?.id;
        let wish = match self {
            Self::Cancel => ThirdWish::Cancel,
            Self::Join => ThirdWish::Join,
            Self::Confirm => ThirdWish::Confirm,
        };
        Some((third, wish))
    }
}

/// Sequences that are there in every installation. They come before those of the configuration.
const FIXED: [(&str, Pressed); 3] = [
    ("*0", Pressed::Wish(Wish::Cancel)),
    ("*8", Pressed::Wish(Wish::Join)),
    ("*9", Pressed::Wish(Wish::Confirm)),
];

/// All sequences that mean something.
fn codes(config: &Config) -> Vec<Code<Pressed>> {
    let fixed = FIXED.iter().map(|(keys, what)| ((*keys).to_owned(), *what));
    let star = |(at, key): (usize, &meishier_transfer::Key)| {
        let star = &key.star;
        (!star.is_empty()).then(|| (format!("*{star}"), Pressed::Key(at)))
    };
    let keys = config.transfer.keys.iter().enumerate().filter_map(star);
    let nuisance = config.care.nuisance_key.iter().map(|key| {
        let keys = (0..).map_while(|at| key.after(at)).collect();
        (keys, Pressed::Nuisance)
    });
    let all = fixed.chain(keys).chain(nuisance);
    all.map(|(keys, what)| Code { keys, what }).collect()
}

/// What was typed by the counsellor, or by who stands in.
fn typed_mut(call: &mut Call) -> Option<&mut Typing> {
    match at_the_keys(call) {
        Some(third) => Some(&mut call.third_mut(third)?.seat.as_mut()?.typed),
        None => call.seat_side_mut().map(|side| &mut side.typed),
    }
}

/// The seat whose telephone has the keys.
pub(crate) fn seat_at_the_keys(call: &Call) -> Option<SeatId> {
    match at_the_keys(call) {
        Some(third) => call.third(third)?.seat.as_ref()?.seat(),
        None => call.seat_side().map(|side| side.seat),
    }
}

impl Shard {
    /// A key of the counsellor's telephone.
    pub(crate) fn on_seat_digit(&mut self, now: Now, id: CallId, digit: char) {
        let codes = codes(&self.config);
        self.with_call(id, |shard, call| {
            if !matches!(call.state, State::Talking(_) | State::Transferring(..)) {
                return;
            }
            let Some(typed) = typed_mut(call) else {
                return;
            };
            let typing = typed.is_typing();
            let step = typed.press(now.mono, digit, &codes);
            let (deadline, changed) = (typed.deadline(), typed.is_typing() != typing);
            shard.cancel_call_timers(call, |t| matches!(t, Timer::Typed(_)));
            if let Some(at) = deadline {
                shard.set_call_timer(call, at, Timer::Typed(call.id));
            }
            if changed {
                shard.arrange(call);
            }
            shard.carry_out(now, call, step);
        });
    }

    /// True if this third party presses keys in the counsellor's place.
    pub(crate) fn has_keys(&self, id: CallId, third: ThirdId) -> bool {
        let call = self.calls.get(&id);
        call.and_then(|call| at_the_keys(call)) == Some(third)
    }

    /// No further key came.
    pub(crate) fn on_typed(&mut self, now: Now, call: &mut Call) {
        let codes = codes(&self.config);
        if let Some(typed) = typed_mut(call) {
            let step = typed.timeout(now.mono, &codes);
            self.arrange(call);
            self.carry_out(now, call, step);
        }
    }

    fn carry_out(&mut self, now: Now, call: &mut Call, step: Typed<Pressed>) {
        let done = match step {
            Typed::Nothing => return,
            Typed::Unknown => return self.say_over(call, PromptId::CodeUnknown, false),
            // Nobody hears of a mark: the caller sits beside the loudspeaker.
            Typed::Found(Pressed::Nuisance) => return self.mark_by_key(now, call),
            Typed::Found(Pressed::Wish(wish)) => match wish.of(call) {
                Some((third, wished)) => {
                    let done = self.wish(now, call, third, &wished);
                    self.tell_key(call, wish.how(), done.is_ok().then_some(third));
                    done
                }
                None => Err(CommandError::NoTransfer),
            },
            Typed::Found(Pressed::Key(at)) => {
                let keys = &self.config.transfer.keys;
                let name = keys.get(at).map(|key| key.name.clone());
                let name = name.unwrap_or_default();
                self.press_from_seat(now, call, (&name, ByTelephone::Star))
                    .map(drop)
            }
        };
        if done.is_err() {
            self.say_over(call, PromptId::TransferFailed, false);
        }
    }

    /// Presses a key for the counsellor of this call, for whom nobody names a place: that of the call
    /// counts. Nobody is let go at once, if the key has another way: a telephone leaves by itself.
    pub(crate) fn press_from_seat(
        &mut self,
        now: Now,
        call: &mut Call,
        (key, how): (&str, ByTelephone),
    ) -> Result<ThirdId, CommandError> {
        let named = |it: &&meishier_transfer::Key| it.name == key;
        let found = self.config.transfer.keys.iter().find(named);
        let mut manners = found.map(|it| it.manners.iter()).unwrap_or_default();
        let press = Press {
            key: key.to_owned(),
            place: String::new(),
            manner: manners.find(|it| **it != Manner::Blind).copied(),
        };
        let pressed = self.press(now, call, &press).map(|started| started.third);
        self.tell_key(call, how, pressed.as_ref().ok().copied());
        pressed
    }

    /// Tells what was done by the telephone.
    fn tell_key(&mut self, call: &Call, how: ByTelephone, third: Option<ThirdId>) {
        self.notice(Notice::KeyByTelephone {
            call: call.id,
            counsellor: call.answer.map(|answer| answer.counsellor),
            how,
            third,
        });
    }

    pub(crate) fn on_key_letter(&mut self, now: Now, letter: KeyLetter) {
        match letter {
            KeyLetter::Dialled {
                from,
                token,
                seat,
                key,
            } => self.on_press_asked((from, token), seat, key),
            KeyLetter::Press {
                from,
                token,
                seat,
                call,
                key,
            } => self.on_press(now, (from, token), (seat, call), &key),
            KeyLetter::Pressed { token, done } => self.on_star_done(now, token, done),
        }
    }

    /// A star code for a key was dialled on this seat's telephone, on another line than the one that
    /// it talks on: whoever knows its call presses it.
    fn on_press_asked(&mut self, (from, token): (ShardId, u64), seat: SeatId, key: String) {
        let call = self.seats.get(&seat).and_then(|machine| machine.call());
        match call {
            Some(call) => {
                let message = ShardMessage::Key(KeyLetter::Press {
                    from,
                    token,
                    seat,
                    call,
                    key,
                });
                self.send(call.shard(), message);
            }
            None => self.send(
                from,
                ShardMessage::Key(KeyLetter::Pressed { token, done: false }),
            ),
        }
    }

    /// Presses a key in the conversation that this seat is in, if it still is.
    fn on_press(
        &mut self,
        now: Now,
        (from, token): (ShardId, u64),
        (seat, id): (SeatId, CallId),
        key: &str,
    ) {
        let mut done = false;
        self.with_call(id, |shard, call| {
            if seat_at_the_keys(call) == Some(seat) {
                done = shard
                    .press_from_seat(now, call, (key, ByTelephone::Star))
                    .is_ok();
            }
        });
        self.send(from, ShardMessage::Key(KeyLetter::Pressed { token, done }));
    }

    /// Sends a star code's key to the home of its seat.
    pub(crate) fn ask_to_press(&mut self, token: u64, seat: SeatId, key: String) {
        let from = self.id;
        let message = ShardMessage::Key(KeyLetter::Dialled {
            from,
            token,
            seat,
            key,
        });
        self.send(home_of_seat(seat, self.shards), message);
    }
}

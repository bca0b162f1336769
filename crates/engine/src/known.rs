//! What is remembered of callers: each shard writes its book and tells the others.
//!
//! | when | what is noted |
//! | --- | --- |
//! | a call arrives | that it did; the place that was kept is taken |
//! | it ends without an answer | its place in line, for whoever calls again |
//! | it ends after a conversation | with whom, how long, whether it broke off |
//! | a person or the caller flags it | at risk until …; kept beyond a restart |
//! | a counsellor marks it | nuisance until …; kept beyond a restart |

use crate::api::{CommandError, Notice, Output, Reply, ShardMessage};
use crate::call::{Call, State};
use crate::defect::Defect;
use crate::ports::PortOwner;
use crate::shard::Shard;
use meishier_model::{CallId, DialString, MarkKind, Now, NumberMark, PortId, ReleasedBy, Wall};
use meishier_routing::{Fact, KeptPlace, Note, RiskWhy};
use std::time::Duration;

/// So long after its first call arrived, a place is kept by a redial no more.
const CHAIN: Duration = Duration::from_secs(2 * 3600);
/// When a place was left that no call takes.
const LONG_AGO: Wall = Wall(i64::MIN);

/// The moment so long after `wall`.
pub(crate) fn later(wall: Wall, by: Duration) -> Wall {
    let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Wall(wall.0.saturating_add(ms))
}

impl Shard {
    /// Writes into every shard's book; nothing of a number that is withheld.
    pub(crate) fn note(&mut self, caller: &DialString, at: Wall, fact: Fact) {
        if let Some(note) = Note::new(caller, at, fact) {
            self.send_others(&ShardMessage::Noted(note.clone()));
            self.on_noted(&note);
        }
    }

    pub(crate) fn on_noted(&mut self, note: &Note) {
        self.book.write(note, self.config.routing.policies());
    }

    /// What a call leaves in the book when it ends.
    pub(crate) fn note_end(&mut self, now: Now, call: &Call, by: ReleasedBy) {
        let at = now.wall;
        let Some(answer) = &call.answer else {
            let place = KeptPlace {
                arrived: call.entry.stamp.at,
                tie: call.entry.stamp.tie,
                left: if self.ends_chain(now, call) {
                    LONG_AGO
                } else {
                    at
                },
            };
            self.note_call(call, at, Fact::GaveUp(place));
            return self.note_flag(now, call, false);
        };
        let fact = Fact::Talked {
            talked: Duration::from_millis(call.talked_ms),
            counsellor: answer.counsellor,
            // A caller at risk who hangs up may not have meant to, or may have given up.
            broke_off: match by {
                ReleasedBy::Seat => false,
                ReleasedBy::Caller => call.entry.risk || call.cut_off,
                ReleasedBy::Engine => !call.nuisance,
            },
        };
        self.note_call(call, at, fact);
        self.note_flag(now, call, false);
    }

    /// True if a place that was kept before is not kept again. Whoever is cut off time and again keeps
    /// it, and so does who was cut off after the longest first wait; but nobody keeps it for ever.
    fn ends_chain(&self, now: Now, call: &Call) -> bool {
        let lasts = now.mono.since(call.entry.stamp.at);
        call.known.redial && lasts > CHAIN && !self.broken.is(Defect::PlaceKeptForEver)
    }

    /// The same of a call; nothing of one whose number leads to a switchboard, behind which many sit.
    pub(crate) fn note_call(&mut self, call: &Call, at: Wall, fact: Fact) {
        if !call.switchboard {
            self.note(&call.caller, at, fact);
        }
    }

    /// What was said of a caller counts at once, whether or not anybody can answer, and for as long
    /// after the call as the policy says.
    fn note_flag(&mut self, now: Now, call: &Call, first: bool) {
        let said = matches!(call.known.risk, Some(RiskWhy::Key | RiskWhy::Person));
        if said && !self.broken.is(Defect::FlagForgotten) {
            self.remember_risk(now, call, first);
        }
    }

    /// The number stays flagged after the call, if the policy says so.
    fn remember_risk(&mut self, now: Now, call: &Call, first: bool) {
        let lasts = self.config.routing.policies().risk.flagged_for;
        if lasts.is_zero() {
            if first {
                self.take_mark_back(now, call);
            }
            return;
        }
        let until = later(now.wall, lasts);
        let counsellor = call.answer.as_ref().map(|answer| answer.counsellor);
        let fact = Fact::Flagged { until, counsellor };
        self.note_call(call, now.wall, fact);
        if first {
            self.keep_mark(now, call, MarkKind::Risk, until, String::new());
        }
    }

    /// No mark for nuisance outlives a flag.
    fn take_mark_back(&mut self, now: Now, call: &Call) {
        let until = now.wall;
        self.note_call(call, now.wall, Fact::Marked { until });
        self.keep_mark(now, call, MarkKind::Nuisance, until, String::new());
    }

    pub(crate) fn keep_mark(
        &mut self,
        now: Now,
        call: &Call,
        kind: MarkKind,
        until: Wall,
        reason: String,
    ) {
        let fact = Fact::Marked { until };
        let note = Note::new(&call.caller, now.wall, fact);
        let Some(note) = note.filter(|_| !call.switchboard) else {
            return;
        };
        let counsellor = call.answer.as_ref().map(|answer| answer.counsellor);
        let by = counsellor.and_then(|who| self.config.counsellors.get(who.0 as usize));
        self.outputs.push_back(Output::Keep(Box::new(NumberMark {
            number: note.number,
            kind,
            at: now.wall,
            until,
            reason,
            by: by.map(|it| it.account.clone()),
            call: call.id,
        })));
    }

    pub(crate) fn on_flag(&mut self, now: Now, token: u64, id: CallId) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            if call.ending.is_none() {
                shard.flag(now, call, RiskWhy::Person);
                result = Ok(());
            }
        });
        self.reply(token, Reply::Done(result));
    }

    /// From now on this caller is at risk, wherever the call stands. No mark for nuisance holds.
    pub(crate) fn flag(&mut self, now: Now, call: &mut Call, why: RiskWhy) {
        let first = !matches!(call.known.risk, Some(RiskWhy::Key | RiskWhy::Person));
        let marked = call.known.nuisance.is_some();
        call.known.risk = Some(why);
        if first {
            self.note_flag(now, call, marked || !self.flags_end_with_calls());
        }
        call.known.nuisance = None;
        call.nuisance = false;
        call.entry.risk = true;
        self.stay_with(now, call.side.leg);
        if first {
            self.notice(Notice::Flagged { call: call.id, why });
        }
        if matches!(call.state, State::Queued) {
            let wakes = self.queue.raise(now.mono, call.id, None, true);
            self.wake(now, &wakes);
        }
        self.raise_seconds(now, call);
        self.reconsider(now, call);
    }

    /// True if no flag outlives its call.
    fn flags_end_with_calls(&self) -> bool {
        self.config.routing.policies().risk.flagged_for.is_zero()
    }

    /// A key pressed by somebody in a call: the danger key counts at every moment of the wait, the
    /// counsellor's key for nuisance while they talk.
    pub(crate) fn on_digit(&mut self, now: Now, port: PortId, digit: char) {
        let danger = self.config.routing.policies().risk.danger_key;
        let id = match self.ports.owner(port) {
            Some(PortOwner::Caller(id)) => id,
            Some(PortOwner::Seat(id)) => return self.on_seat_digit(now, id, digit),
            Some(PortOwner::Target(id, third)) if self.has_keys(id, third) => {
                return self.on_seat_digit(now, id, digit);
            }
            Some(PortOwner::Target(id, third)) => {
                return self.on_target_digit(now, id, third, digit);
            }
            _ => return,
        };
        self.on_refuse_key(id, digit);
        if danger.map(char::from) != Some(digit) || self.broken.is(Defect::DangerKeyUnheard) {
            return;
        }
        self.with_call(id, |shard, call| {
            if call.is_waiting() {
                shard.flag(now, call, RiskWhy::Key);
                shard.hear_that_heard(call);
            }
        });
    }
}

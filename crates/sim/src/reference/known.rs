//! What the judges know of numbers: calls of a day, places given up, flags and marks.

use super::place::is_local;
use super::policy::Policies;
use meishier_model::{Mono, Now, Wall};
use std::collections::BTreeMap;
use std::time::Duration;

/// A day, milliseconds.
const DAY: i64 = 86_400_000;
/// Most moments that the engine keeps of one number.
const MOST: usize = 64;
/// How long after its first call arrived a place is still kept by who redials.
const CHAIN: Duration = Duration::from_secs(2 * 3600);
/// How long before its record comes a call may have been over.
const ENDING: Duration = Duration::from_secs(5);
/// A conversation so near to what counts as short may be taken for either.
const ROUNDING: Duration = Duration::from_millis(20);

/// One number.
#[derive(Clone, Debug, Default)]
pub struct Number {
    /// The place given up, and when.
    pub place: Option<(Mono, Wall)>,
    /// At risk until.
    pub flagged: Option<Wall>,
    /// Nuisance until.
    pub marked: Option<Wall>,
    broke_off: Option<Wall>,
    last: Option<u32>,
    calls: Vec<Wall>,
    short: Vec<Wall>,
    /// When the last of it was noted.
    changed: Mono,
    /// From then on nothing of it counts.
    pub end: Wall,
    /// Places that calls of it have taken, by the arrival that they stand for.
    taken: Vec<Mono>,
    /// It cannot be told what the engine knows of it.
    doubtful: bool,
}

/// What is known of a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// At risk.
    pub risk: bool,
    /// Nuisance.
    pub nuisance: bool,
    /// Whom the caller talked with, if it matters.
    pub last: Option<u32>,
    /// The place that is kept.
    pub place: Option<Mono>,
    /// Some shard may know otherwise.
    pub vague: bool,
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
pub struct Over {
    /// Its place in line.
    pub stamp: Mono,
    /// When it ended.
    pub at: Wall,
    /// Conversation: how long, with whom, whether it broke off; `None` if nobody answered.
    pub talk: Option<(Duration, Option<u32>, bool)>,
    /// The caller, or a person, had said that it is at risk.
    pub said: bool,
}

/// All numbers.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    of: BTreeMap<String, Number>,
    /// The moment of the last note.
    pub last_note: Wall,
}

/// True if nothing is remembered of it: nobody says who calls, or digits without area code, which are
/// other people's in every other city.
fn is_nobodys(number: &str) -> bool {
    number.is_empty() || is_local(number)
}

fn within(at: Wall, now: Wall, within: Duration) -> bool {
    !within.is_zero() && now.0 - at.0 <= i64::try_from(within.as_millis()).unwrap_or(i64::MAX)
}

fn push(list: &mut Vec<Wall>, at: Wall) {
    list.retain(|it| at.0 - it.0 < DAY);
    if list.len() >= MOST {
        list.remove(0);
    }
    list.push(at);
}

fn after(at: Wall, by: Duration) -> Wall {
    Wall(at.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

impl Number {
    fn noted(&mut self, now: Now) {
        let held = self.flagged.max(self.marked).unwrap_or(Wall(0));
        self.end = Wall(now.wall.0.saturating_add(DAY)).max(held);
        self.changed = now.mono;
    }
}

impl Numbers {
    fn entry(&mut self, number: &str, now: Now) -> Option<&mut Number> {
        if is_nobodys(number) {
            return None;
        }
        self.last_note = self.last_note.max(now.wall);
        let known = self.of.entry(number.to_owned()).or_default();
        if known.end <= now.wall && !known.doubtful {
            *known = Number::default();
        }
        Some(known)
    }

    /// What is known of a caller at this moment, the present call counted in.
    #[must_use]
    pub fn known(&self, number: &str, now: Now, policies: &Policies, window: Duration) -> Known {
        let Some(it) = self.of.get(number) else {
            return Known {
                nuisance: policies.calls_a_day == 1 && !is_nobodys(number),
                ..Known::default()
            };
        };
        if it.end <= now.wall {
            return Known {
                nuisance: policies.calls_a_day == 1,
                vague: it.doubtful,
                ..Known::default()
            };
        }
        let wall = now.wall;
        let broke = it
            .broke_off
            .is_some_and(|at| within(at, wall, policies.dropped_within));
        let risk = it.flagged.is_some_and(|until| until > wall) || broke;
        let of_day = |list: &[Wall]| list.iter().filter(|at| wall.0 - at.0 < DAY).count();
        let reaches = |count: usize, limit: usize| limit > 0 && count >= limit;
        let nuisance = it.marked.is_some_and(|until| until > wall)
            || reaches(of_day(&it.calls) + 1, policies.calls_a_day)
            || reaches(of_day(&it.short), policies.short_calls);
        let place = it
            .place
            .filter(|(_, left)| within(*left, wall, policies.redial_within));
        Known {
            risk,
            nuisance,
            last: it.last,
            place: place.map(|place| place.0),
            vague: it.doubtful || now.mono.since(it.changed) <= window,
        }
    }

    /// A call of this number was taken.
    pub fn arrived(&mut self, number: &str, now: Now) {
        if let Some(it) = self.entry(number, now) {
            if let Some((place, _)) = it.place.take() {
                if it.taken.len() >= MOST {
                    it.taken.remove(0);
                }
                it.taken.push(place);
            }
            push(&mut it.calls, now.wall);
            it.noted(now);
        }
    }

    /// A call of this number is over.
    pub fn over(&mut self, number: &str, now: Now, over: &Over, policies: &Policies) {
        let Some(it) = self.entry(number, now) else {
            return;
        };
        match over.talk {
            None => {
                let before = it.taken.iter().position(|place| *place == over.stamp);
                let again = before.map(|at| it.taken.remove(at)).is_some();
                let lasts = now.mono.since(over.stamp);
                it.doubtful |= again && (CHAIN..CHAIN + ENDING).contains(&lasts);
                it.place = (!again || lasts <= CHAIN).then_some((over.stamp, over.at));
                it.calls.pop();
            }
            Some((talked, who, broke_off)) => {
                it.place = None;
                it.last = who;
                it.broke_off = broke_off.then_some(over.at);
                let (least, most) = (talked.saturating_sub(ROUNDING), talked + ROUNDING);
                if broke_off {
                    // What broke off was not meant to be short.
                } else if most < policies.short {
                    push(&mut it.short, over.at);
                } else if least < policies.short {
                    it.doubtful = true;
                }
            }
        }
        if over.said && !policies.flagged_for.is_zero() {
            it.flagged = it.flagged.max(Some(after(over.at, policies.flagged_for)));
            it.marked = None;
            it.last = over.talk.map_or(it.last, |talk| talk.1);
        }
        it.noted(now);
    }

    /// A person, or the caller by key, says that the caller is at risk.
    pub fn flagged(&mut self, number: &str, now: Now, policies: &Policies) {
        let lasts = policies.flagged_for;
        if let Some(it) = self.entry(number, now) {
            it.marked = None;
            if !lasts.is_zero() {
                it.flagged = it.flagged.max(Some(after(now.wall, lasts)));
            }
            it.noted(now);
        }
    }

    /// A counsellor marked the number.
    pub fn marked(&mut self, number: &str, now: Now, lasts: Duration) {
        if let Some(it) = self.entry(number, now) {
            it.marked = Some(after(now.wall, lasts));
            it.noted(now);
        }
    }

    /// The clock was set: what is said of moments does not hold for sure.
    pub fn clock_set(&mut self) {
        self.of.values_mut().for_each(|it| it.doubtful = true);
    }

    /// It cannot be told what every shard knows from now on.
    pub fn doubt(&mut self, number: &str) {
        if let Some(it) = self.of.get_mut(number) {
            it.doubtful = true;
        }
    }

    /// Numbers of which something may still be remembered after the last note.
    #[must_use]
    pub fn remembered(&self) -> usize {
        let kept = |it: &&Number| it.doubtful || it.end > self.last_note;
        self.of.values().filter(kept).count()
    }
}

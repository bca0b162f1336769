//! What is remembered of a number between its calls, and for how long.
//!
//! Every shard keeps a book of its own and tells the others what it writes, so that a caller who
//! calls again is known on whichever shard the call lands. Nobody who withholds the number is in it;
//! a number that the carrier asserts is, whether or not people may see it.
//!
//! ```text
//!   Fact: arrived ─────► calls of 24 h ──► nuisance: calls a day
//!         gave up ─────► place in line ──► redial keeps the place, once
//!         talked ──────► short talks, counsellor, broken off ──► nuisance, risk, same counsellor
//!         flagged ─────► risk until … (not beyond the call if the policy says so)
//!         cleared ─────► no flag any more
//!         marked ──────► nuisance until …
//! ```
//!
//! What is in it ends: a day after the last note, or with the flag or mark. A flood of numbers pushes
//! out what would end soonest, and numbers with a flag or mark only when no other is left.

use meishier_model::{CounsellorId, DialString, MarkKind, Mono, Now, NumberMark, Wall};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::number::Number;
use crate::policy::{Known, NuisanceWhy, Policies, RiskWhy};

/// How long calls count, milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Most moments that are kept of one number: no policy may ask for more in a day.
pub const MOST_COUNTED: usize = 64;
/// Most numbers in a book.
pub const MOST_NUMBERS: usize = 65_536;

/// A place in line that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPlace {
    /// When its caller had arrived, by the clock that orders the queue.
    pub arrived: Mono,
    /// Order among callers of one microsecond.
    pub tie: u32,
    /// When it was given up.
    pub left: Wall,
}

/// Something that happened to a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A call arrived; the place that was kept is taken.
    Arrived,
    /// The caller left, or was cut off, before anybody answered: the call does not count.
    GaveUp(KeptPlace),
    /// A conversation is over.
    Talked {
        /// How long it was.
        talked: Duration,
        /// With whom.
        counsellor: CounsellorId,
        /// It ended without the counsellor's doing while it should have gone on.
        broke_off: bool,
    },
    /// A person, or the caller by key, flagged the number as at risk. Lifts a mark for nuisance.
    Flagged {
        /// Until when.
        until: Wall,
        /// Who knows the caller.
        counsellor: Option<CounsellorId>,
    },
    /// A supervisor took the flag for risk back. A conversation that broke off a moment ago counts
    /// as before.
    Cleared,
    /// A counsellor marked the number for nuisance, or took the mark back (a moment in the past).
    Marked {
        /// Until when.
        until: Wall,
    },
}

/// A fact of a number, as shards tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The number in normal form; never empty.
    pub number: DialString,
    /// When it happened.
    pub at: Wall,
    /// What.
    pub fact: Fact,
}

impl Note {
    /// A note of a caller; `None` if the number is withheld.
    #[must_use]
    pub fn new(caller: &DialString, at: Wall, fact: Fact) -> Option<Self> {
        let number = normal(caller)?;
        Some(Self { number, at, fact })
    }

    /// What a mark that was kept tells; `None` if it names no number.
    #[must_use]
    pub fn from_mark(mark: &NumberMark) -> Option<Self> {
        let until = mark.until;
        let fact = match mark.kind {
            MarkKind::Risk => Fact::Flagged {
                until,
                counsellor: None,
            },
            MarkKind::Nuisance => Fact::Marked { until },
        };
        Self::new(&mark.number, mark.at, fact)
    }
}

fn normal(caller: &DialString) -> Option<DialString> {
    let number = Number::new(caller.reveal());
    let text = std::str::from_utf8(number.as_bytes()).ok()?;
    (!text.is_empty()).then(|| DialString::new(text))
}

/// What is known of one number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Entry {
    calls: SmallVec<[Wall; 4]>,
    short: SmallVec<[Wall; 2]>,
    place: Option<KeptPlace>,
    last: Option<CounsellorId>,
    broke_off: Option<Wall>,
    flagged: Option<Wall>,
    marked: Option<Wall>,
    /// From when on nothing of it counts.
    end: Wall,
}

/// What is remembered of numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    entries: BTreeMap<DialString, Entry>,
    /// When the entries of numbers end that are neither flagged nor marked, the next one first.
    ends: BTreeSet<(Wall, DialString)>,
    /// The same of those that are.
    held: BTreeSet<(Wall, DialString)>,
}

impl Book {
    /// How many numbers are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known of a caller at this moment, the call that is about to be noted as
    /// [`Fact::Arrived`] counted in, and the place that is kept.
    #[must_use]
    pub fn known(
        &self,
        caller: &DialString,
        now: Now,
        policies: &Policies,
    ) -> (Known, Option<KeptPlace>) {
        let number = normal(caller);
        let entry = number.as_ref().and_then(|number| self.entries.get(number));
        let Some(entry) = entry else {
            let nuisance = (policies.nuisance.calls_a_day == 1).then_some(NuisanceWhy::CallsADay);
            let nuisance = nuisance.filter(|_| number.is_some());
            return (
                Known {
                    nuisance,
                    ..Known::default()
                },
                None,
            );
        };
        let place = entry.place.filter(|place| {
            let within = policies.redial.within;
            !within.is_zero() && recent(place.left, now.wall, within)
        });
        let risk = entry.risk(now.wall, policies);
        let known = Known {
            risk,
            nuisance: entry.nuisance(now.wall, policies),
            planned: None,
            last: entry.last,
            redial: place.is_some(),
            tags: Default::default(),
        };
        (known, place)
    }

    /// Writes a note. `policies` say what a short conversation is.
    pub fn write(&mut self, note: &Note, policies: &Policies) {
        self.forget(note.at);
        let mut entry = self.entries.remove(&note.number).unwrap_or_default();
        for ends in [&mut self.ends, &mut self.held] {
            ends.remove(&(entry.end, note.number.clone()));
        }
        entry.take(note, policies);
        let day = Wall(note.at.0.saturating_add(DAY));
        let holds = entry.flagged.max(entry.marked);
        entry.end = holds.unwrap_or(day).max(day);
        let ends = match holds.is_some_and(|until| until > note.at) {
            true => &mut self.held,
            false => &mut self.ends,
        };
        ends.insert((entry.end, note.number.clone()));
        self.entries.insert(note.number.clone(), entry);
        if self.entries.len() > MOST_NUMBERS
            && let Some((_, soonest)) = self.ends.pop_first().or_else(|| self.held.pop_first())
        {
            self.entries.remove(&soonest);
        }
    }

    /// Drops what has ended.
    fn forget(&mut self, now: Wall) {
        for ends in [&mut self.ends, &mut self.held] {
            while let Some((end, _)) = ends.first()
                && *end <= now
                && let Some((_, number)) = ends.pop_first()
            {
                self.entries.remove(&number);
            }
        }
    }
}

impl Entry {
    fn take(&mut self, note: &Note, policies: &Policies) {
        let old = |at: &mut Wall| note.at.0.saturating_sub(at.0) < DAY;
        match &note.fact {
            Fact::Arrived => {
                self.place = None;
                self.calls.retain(old);
                keep(&mut self.calls, note.at);
            }
            Fact::GaveUp(place) => {
                self.place = Some(*place);
                // Who finds everybody busy and tries again is no nuisance.
                self.calls.pop();
            }
            Fact::Talked {
                talked,
                counsellor,
                broke_off,
            } => {
                self.place = None;
                self.last = Some(*counsellor);
                self.broke_off = broke_off.then_some(note.at);
                self.short.retain(old);
                // What broke off was not meant to be short.
                if !broke_off && *talked < policies.nuisance.short {
                    keep(&mut self.short, note.at);
                }
            }
            Fact::Flagged { until, counsellor } => {
                self.flagged = self.flagged.max(Some(*until));
                self.marked = None;
                self.last = counsellor.or(self.last);
            }
            Fact::Cleared => self.flagged = None,
            Fact::Marked { until } => self.marked = Some(*until),
        }
    }

    fn risk(&self, now: Wall, policies: &Policies) -> Option<RiskWhy> {
        if self.flagged.is_some_and(|until| until > now) {
            return Some(RiskWhy::Flagged);
        }
        let within = policies.risk.dropped_within;
        let dropped = self.broke_off.is_some_and(|at| recent(at, now, within));
        (dropped && !within.is_zero()).then_some(RiskWhy::Dropped)
    }

    fn nuisance(&self, now: Wall, policies: &Policies) -> Option<NuisanceWhy> {
        let policy = &policies.nuisance;
        if self.marked.is_some_and(|until| until > now) {
            return Some(NuisanceWhy::Marked);
        }
        let of_day = |list: &[Wall]| {
            let day = list.iter().filter(|at| now.0.saturating_sub(at.0) < DAY);
            day.count()
        };
        let reaches = |count: usize, limit: u16| limit != 0 && count >= usize::from(limit);
        if reaches(of_day(&self.calls) + 1, policy.calls_a_day) {
            return Some(NuisanceWhy::CallsADay);
        }
        reaches(of_day(&self.short), policy.short_calls).then_some(NuisanceWhy::ShortCalls)
    }
}

/// True if `at` lies at most `within` before `now`. A moment in the future, after the clock was set
/// back, counts as just now.
fn recent(at: Wall, now: Wall, within: Duration) -> bool {
    let ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    now.0.saturating_sub(at.0) <= ms
}

fn keep<const N: usize>(list: &mut SmallVec<[Wall; N]>, at: Wall) {
    if list.len() >= MOST_COUNTED {
        list.remove(0);
    }
    list.push(at);
}

//! How many lines a pool has at which hours.

use crate::calendar::{Day, DayKind, WEEK, kinds};
use crate::hours::{DAY, Days, Hours};

/// One shift: so many lines at these hours on days of this set.
///
/// A shift belongs to the day on which it begins: Friday's 18:00-08:00 lasts into Saturday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shift {
    /// Days on which it begins.
    pub days: Days,
    /// From when to when.
    pub hours: Hours,
    /// Lines, at least 1.
    pub lines: u16,
}

/// The shifts of one pool. No two of them may be open at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The shifts in the file's order.
    pub shifts: Vec<Shift>,
}

/// A moment of the week at which something is amiss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day.
    pub day: Day,
    /// First minute of the day that is amiss.
    pub from: u16,
    /// Minute after the last.
    pub to: u16,
}

/// Two shifts of one pool that are open at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Index of the one that begins first.
    pub first: usize,
    /// Index of the other.
    pub second: usize,
    /// When.
    pub at: Moment,
}

impl Schedule {
    /// Lines at a minute of a day that follows `before`; 0 when closed.
    #[must_use]
    pub fn lines(&self, before: Day, day: Day, minute: u16) -> u16 {
        let open = |shift: &&Shift| {
            let (from, to) = shift.hours.first_day();
            if shift.days.contains(day) && (from..to).contains(&minute) {
                return true;
            }
            let spill = shift.hours.second_day();
            spill.is_some_and(|(_, to)| minute < to) && shift.days.contains(before)
        };
        self.shifts.iter().find(open).map_or(0, |shift| shift.lines)
    }

    /// The first two shifts that are open at one moment of any possible week.
    #[must_use]
    pub fn clash(&self) -> Option<Clash> {
        let mut open = Vec::with_capacity(self.shifts.len() * 2);
        for (before, day) in pairs_of_days() {
            open.clear();
            self.open(before, day, &mut open);
            open.sort_unstable();
            let mut latest: Option<(u16, u16, usize)> = None;
            for &(from, to, index) in &open {
                if let Some((_, end, first)) = latest
                    && from < end
                {
                    let at = Moment {
                        day,
                        from,
                        to: to.min(end),
                    };
                    return Some(Clash {
                        first,
                        second: index,
                        at,
                    });
                }
                latest = Some((from, to, index));
            }
        }
        None
    }

    /// The largest number of lines that any shift has; 0 without shifts.
    #[must_use]
    pub fn most_lines(&self) -> u16 {
        self.shifts
            .iter()
            .map(|shift| shift.lines)
            .max()
            .unwrap_or(0)
    }

    /// True if some shift depends on the calendar of holidays.
    #[must_use]
    pub fn asks_calendar(&self) -> bool {
        self.shifts.iter().any(|shift| shift.days.asks_calendar())
    }

    /// Adds the open parts of `day` as minute from, minute to, index of the shift.
    pub(crate) fn open(&self, before: Day, day: Day, into: &mut Vec<(u16, u16, usize)>) {
        for (index, shift) in self.shifts.iter().enumerate() {
            if shift.days.contains(day) {
                let (from, to) = shift.hours.first_day();
                into.push((from, to, index));
            }
            if let Some((from, to)) = shift.hours.second_day()
                && shift.days.contains(before)
            {
                into.push((from, to, index));
            }
        }
    }
}

/// From this minute of the day on, until the next step, so many lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Minute of the day, 0 to 1439.
    pub from: u16,
    /// Lines; 0 when closed.
    pub lines: u16,
}

/// Weekdays times kinds of the day before times kinds of the day.
const SLOTS: usize = 7 * 3 * 3;

/// A [`Schedule`] compiled for looking up.
///
/// ```text
///   (weekday, kind of the day before, kind of the day) ──► slots: 63 bytes, one cache line
///                                                            │ which list of steps
///                     starts:  [ 0, 3, 4 … ]  ◄──────────────┘ where each list begins
///                       steps: [ 00:00 2 │ 08:00 9 │ 18:00 2 ║ 00:00 0 ║ … ]
/// ```
///
/// Days that are alike share a list, so a pool's plan is a few hundred bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekPlan {
    slots: [u8; SLOTS],
    starts: Box<[u32]>,
    steps: Box<[Step]>,
    most: u16,
}

impl Default for WeekPlan {
    /// The plan of a pool that never opens.
    fn default() -> Self {
        Self::compile(&Schedule::default())
    }
}

impl WeekPlan {
    /// Compiles a schedule. Where shifts clash, the first in the file counts, as in
    /// [`Schedule::lines`].
    #[must_use]
    pub fn compile(schedule: &Schedule) -> Self {
        const KINDS: [DayKind; 3] = [DayKind::Workday, DayKind::Restday, DayKind::Holiday];
        let mut lists: Vec<Vec<Step>> = Vec::new();
        let mut slots = [0; SLOTS];
        for (at, &weekday) in WEEK.iter().enumerate() {
            for (kind_before, kind) in KINDS.iter().flat_map(|a| KINDS.map(|b| (*a, b))) {
                let before = Day {
                    weekday: WEEK[(at + 6) % 7],
                    kind: kind_before,
                };
                let day = Day { weekday, kind };
                let list = steps_of(schedule, before, day);
                let index = lists.iter().position(|known| *known == list);
                let index = index.unwrap_or_else(|| {
                    lists.push(list);
                    lists.len() - 1
                });
                // There are no more lists than slots.
                slots[slot(before, day)] = u8::try_from(index).unwrap_or(0);
            }
        }
        let mut starts = vec![0];
        for list in &lists {
            let start = starts.last().copied().unwrap_or(0);
            starts.push(start + u32::try_from(list.len()).unwrap_or(0));
        }
        Self {
            slots,
            starts: starts.into(),
            steps: lists.concat().into(),
            most: schedule.most_lines(),
        }
    }

    /// Lines at a minute of a day that follows `before`, like [`Schedule::lines`]; 0 when closed,
    /// and at minutes of 1440 and above.
    #[must_use]
    pub fn lines(&self, before: Day, day: Day, minute: u16) -> u16 {
        self.lines_in(slot(before, day), minute)
    }

    /// The same of a day and the one before as [`slot`] numbers them.
    pub(crate) fn lines_in(&self, slot: usize, minute: u16) -> u16 {
        let mut lines = 0;
        for step in self.steps_in(slot) {
            if step.from > minute {
                break;
            }
            lines = step.lines;
        }
        if minute < DAY { lines } else { 0 }
    }

    /// The steps of a day that follows `before`: the first at minute 0, ascending, neighbours
    /// with different lines.
    #[must_use]
    pub fn steps(&self, before: Day, day: Day) -> &[Step] {
        self.steps_in(slot(before, day))
    }

    fn steps_in(&self, slot: usize) -> &[Step] {
        let list = self.slots.get(slot).copied().map_or(0, usize::from);
        match (self.starts.get(list), self.starts.get(list + 1)) {
            (Some(&from), Some(&to)) => {
                let steps = self.steps.get(from as usize..to as usize);
                steps.unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// The largest number of lines that any shift has; 0 for a pool without shifts.
    #[must_use]
    pub fn most_lines(&self) -> u16 {
        self.most
    }

    /// True if the lines are the same at every minute of every week.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.steps.len() == 1
    }
}

/// The number of a day and the kind of the one before, below [`SLOTS`].
pub(crate) fn slot(before: Day, day: Day) -> usize {
    let kind = |kind| match kind {
        DayKind::Workday => 0,
        DayKind::Restday => 1,
        DayKind::Holiday => 2,
    };
    usize::from(day.weekday.to_monday_zero_offset().unsigned_abs()) * 9
        + kind(before.kind) * 3
        + kind(day.kind)
}

fn steps_of(schedule: &Schedule, before: Day, day: Day) -> Vec<Step> {
    let mut open = Vec::with_capacity(schedule.shifts.len() * 2);
    schedule.open(before, day, &mut open);
    let mut minutes: Vec<_> = open.iter().flat_map(|&(from, to, _)| [from, to]).collect();
    minutes.push(0);
    minutes.sort_unstable();
    minutes.dedup();
    let mut steps: Vec<Step> = Vec::with_capacity(minutes.len());
    for from in minutes.into_iter().filter(|&minute| minute < DAY) {
        let lines = schedule.lines(before, day, from);
        if steps.last().is_none_or(|last| last.lines != lines) {
            steps.push(Step { from, lines });
        }
    }
    steps
}

/// The first part of any possible week at which none of the schedules has a line.
#[must_use]
pub fn hole(schedules: &[&Schedule]) -> Option<Moment> {
    let mut open = Vec::new();
    for (before, day) in pairs_of_days() {
        open.clear();
        for schedule in schedules {
            schedule.open(before, day, &mut open);
        }
        open.sort_unstable();
        let mut reached = 0;
        for &(from, to, _) in &open {
            if from > reached {
                return Some(Moment {
                    day,
                    from: reached,
                    to: from,
                });
            }
            reached = reached.max(to);
        }
        if reached < DAY {
            return Some(Moment {
                day,
                from: reached,
                to: DAY,
            });
        }
    }
    None
}

/// Every day of a week as every kind it can be, with every kind the day before can be; the
/// ordinary week first.
pub(crate) fn pairs_of_days() -> impl Iterator<Item = (Day, Day)> {
    (0..9).flat_map(|round| {
        WEEK.iter().enumerate().filter_map(move |(at, &weekday)| {
            let before = WEEK[(at + 6) % 7];
            let kind = *kinds(weekday).get(round % 3)?;
            let kind_before = *kinds(before).get(round / 3)?;
            Some((
                Day {
                    weekday: before,
                    kind: kind_before,
                },
                Day { weekday, kind },
            ))
        })
    })
}

//! How many lines a pool has at which hours.

use crate::calendar::{Day, WEEK, kinds};
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

    /// True if some shift depends on the calendar of holidays.
    #[must_use]
    pub fn asks_calendar(&self) -> bool {
        self.shifts.iter().any(|shift| shift.days.asks_calendar())
    }

    /// Adds the open parts of `day` as minute from, minute to, index of the shift.
    fn open(&self, before: Day, day: Day, into: &mut Vec<(u16, u16, usize)>) {
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
fn pairs_of_days() -> impl Iterator<Item = (Day, Day)> {
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

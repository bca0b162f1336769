//! How much of the week the pools of a city cover, held against the national notice.
//!
//! The notice of the National Health Commission of December 2024 asks of every city at least one
//! line, at least 18 hours a day.

use jiff::civil::Weekday;

use crate::calendar::{Day, DayKind};
use crate::hours::DAY;
use crate::schedule::{Moment, Schedule, pairs_of_days};

/// Minutes a day that the national notice asks for.
pub const NOTICE_MINUTES: u16 = 18 * 60;

/// Lines that the national notice asks of a city.
pub const NOTICE_LINES: u32 = 1;

/// The first day of [`pairs_of_days`] and the one before it: the worst day where none is worse.
const MONDAY: Day = Day {
    weekday: Weekday::Monday,
    kind: DayKind::Workday,
};
const SUNDAY: Day = Day {
    weekday: Weekday::Sunday,
    kind: DayKind::Restday,
};

/// What pools offer together in any possible week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Minutes with at least one line on the worst day, 0 to 1440.
    pub least_minutes: u16,
    /// The worst day, the first of them in the ordinary week if it has one.
    pub worst: Day,
    /// The day before it, whose night may reach into it.
    pub worst_after: Day,
    /// When nobody is there, without repetition, the ordinary week first, at most
    /// [`Coverage::MOST_HOLES`].
    pub holes: Vec<Moment>,
    /// Largest number of lines at one moment.
    pub most_lines: u32,
    /// Smallest number of lines at any minute at which there is one; 0 if there never is.
    pub fewest_lines: u32,
}

impl Coverage {
    /// Most holes that are kept: more help nobody.
    pub const MOST_HOLES: usize = 32;

    /// True if every possible day has a line for as long as the national notice asks.
    #[must_use]
    pub fn meets_notice(&self) -> bool {
        self.most_lines >= NOTICE_LINES && self.least_minutes >= NOTICE_MINUTES
    }
}

/// Lines of all these schedules together over every possible week. Exceptional days do not count.
#[must_use]
pub fn coverage(schedules: &[&Schedule]) -> Coverage {
    let mut all = Coverage {
        least_minutes: DAY,
        worst: MONDAY,
        worst_after: SUNDAY,
        holes: Vec::new(),
        most_lines: 0,
        fewest_lines: u32::MAX,
    };
    for (before, day) in pairs_of_days() {
        let mut minutes = 0;
        for (from, to, lines) in spans(schedules, before, day) {
            if lines > 0 {
                minutes += to - from;
                all.most_lines = all.most_lines.max(lines);
                all.fewest_lines = all.fewest_lines.min(lines);
                continue;
            }
            let hole = Moment { day, from, to };
            if all.holes.len() < Coverage::MOST_HOLES && !all.holes.contains(&hole) {
                all.holes.push(hole);
            }
        }
        if minutes < all.least_minutes {
            (all.least_minutes, all.worst, all.worst_after) = (minutes, day, before);
        }
    }
    all.fewest_lines = all.fewest_lines.min(all.most_lines);
    all
}

/// Minute from, minute to, lines: the whole day without gaps, neighbours with different lines.
fn spans(schedules: &[&Schedule], before: Day, day: Day) -> Vec<(u16, u16, u32)> {
    let mut changes: Vec<(u16, i64)> = vec![(0, 0)];
    let mut open = Vec::new();
    for schedule in schedules {
        open.clear();
        schedule.open(before, day, &mut open);
        for &(from, to, shift) in &open {
            let lines = schedule.shifts.get(shift).map_or(0, |shift| shift.lines);
            changes.push((from, i64::from(lines)));
            changes.push((to, -i64::from(lines)));
        }
    }
    changes.sort_unstable();
    let mut spans: Vec<(u16, u16, u32)> = Vec::new();
    let mut lines = 0i64;
    for (at, &(from, change)) in changes.iter().enumerate() {
        lines += change;
        let to = changes.get(at + 1).map_or(DAY, |next| next.0);
        if to <= from {
            continue;
        }
        let now = u32::try_from(lines).unwrap_or(0);
        match spans.last_mut() {
            Some(last) if last.2 == now => last.1 = to,
            _ => spans.push((from, to, now)),
        }
    }
    spans
}

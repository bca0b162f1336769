//! Plans, calendar, zone and exceptional days put together: lines at a moment, the next change,
//! and the week of a date as people see it.
//!
//! ```text
//!   WeekPlan of a pool ─┐
//!   Calendar, zone ─────┼─► Timetable ─┬─ lines(pool, wall), next_change, closes_in, opens
//!   ExceptionalDays ────┘              └─ week(pools, date) ─► Week ─ draw ─► text
//! ```

mod draw;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use meishier_model::{PoolId, Wall};
use std::time::Duration;

use crate::calendar::{Calendar, Day};
use crate::exceptional::ExceptionalDays;
use crate::hours::DAY;
use crate::schedule::WeekPlan;

/// How far [`Timetable::next_change`] looks: a year and a month, so past any holiday.
const SEARCHED_DAYS: u16 = 400;

/// How far [`Timetable::closes_in`] looks at most.
const CLOSES_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the lines of every pool follow from, besides its own plan.
#[derive(Clone, Copy, Debug)]
pub struct Timetable<'a> {
    /// Zone in which schedules count.
    pub zone: &'a TimeZone,
    /// Holidays and make-up workdays.
    pub calendar: &'a Calendar,
    /// What counts instead of schedules for a while.
    pub exceptional: &'a ExceptionalDays,
}

/// A part of a day with the same number of lines throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First minute of the day.
    pub from: u16,
    /// Minute after the last, up to 1440.
    pub to: u16,
    /// Lines of all the pools together; 0 is a hole.
    pub lines: u32,
    /// True if an exceptional entry counts for one of the pools.
    pub exceptional: bool,
}

/// One day of a [`Week`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekDay {
    /// The date.
    pub date: Date,
    /// Weekday and kind.
    pub day: Day,
    /// Name of the holiday, or of the holiday a make-up workday is worked for, in Chinese and in
    /// English.
    pub name: Option<(String, String)>,
    /// The whole day without gaps, neighbours differing.
    pub spans: Vec<Stretch>,
    /// Minutes with at least one line, by the clock on the wall: 0 to 1440 even where clocks change.
    pub open: u16,
    /// Reasons of the exceptional entries that count for one of the pools, without repetition.
    pub reasons: Vec<String>,
}

/// A time without any line, possibly across midnights, within the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Day on which it begins.
    pub from: Date,
    /// Minute of that day, 0 to 1439.
    pub from_minute: u16,
    /// Day on which it ends.
    pub to: Date,
    /// Minute of that day after the last, 1 to 1440.
    pub to_minute: u16,
    /// Its minutes.
    pub minutes: u16,
}

/// The lines of some pools in the week of a date. [`Week::draw`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Monday to Sunday; fewer only at the end of all dates.
    pub days: Vec<WeekDay>,
    /// When no line is open, in order.
    pub holes: Vec<Hole>,
    /// Minutes of the week with at least one line.
    pub open: u16,
    /// Largest number of lines at one moment.
    pub most_lines: u32,
}

impl Timetable<'_> {
    /// Lines of a pool at a moment; 0 when closed.
    #[must_use]
    pub fn lines(&self, pool: PoolId, plan: &WeekPlan, wall: Wall) -> u16 {
        let shown = self.zone.to_datetime(timestamp(wall));
        let (before, day) = self.days(shown.date());
        let lines = plan.lines(before, day, minute_of(shown));
        self.exceptional.lines(pool, lines, plan.most_lines(), wall)
    }

    /// The next moment after `after`, up to `until` and 400 days, at which a pool's lines are not
    /// what they are at `after`. Exact across changes of clocks, forward and back.
    #[must_use]
    pub fn next_change(
        &self,
        pool: PoolId,
        plan: &WeekPlan,
        after: Wall,
        until: Wall,
    ) -> Option<Wall> {
        let now = self.lines(pool, plan, after);
        let changes = |at: &Wall| *at > after && self.lines(pool, plan, *at) != now;
        if plan.is_constant() {
            let mut at = after;
            while let Some(next) = self.exceptional.next_change(at).filter(|&n| n <= until) {
                if changes(&next) {
                    return Some(next);
                }
                at = next;
            }
            return None;
        }
        let mut date = self.zone.to_datetime(timestamp(after)).date();
        let mut candidates = Vec::new();
        for _ in 0..SEARCHED_DAYS {
            candidates.clear();
            let (begin, next) = self.candidates(plan, date, &mut candidates)?;
            candidates.sort_unstable();
            if let Some(found) = candidates.iter().copied().find(changes) {
                return (found <= until).then_some(found);
            }
            if begin > until {
                return None;
            }
            date = next;
        }
        None
    }

    /// How long after `wall` a pool that is open has no line any more, if that is within `within`
    /// (a week at most counts); `None` if it is closed already.
    #[must_use]
    pub fn closes_in(
        &self,
        pool: PoolId,
        plan: &WeekPlan,
        wall: Wall,
        within: Duration,
    ) -> Option<Duration> {
        if self.lines(pool, plan, wall) == 0 {
            return None;
        }
        let within = within.min(CLOSES_WITHIN).as_millis();
        let until = Wall(wall.0.saturating_add(i64::try_from(within).ok()?));
        let mut at = wall;
        loop {
            at = self.next_change(pool, plan, at, until)?;
            if self.lines(pool, plan, at) == 0 {
                let millis = at.0.saturating_sub(wall.0);
                return Some(Duration::from_millis(millis.unsigned_abs()));
            }
        }
    }

    /// The first moment from `wall` on at which a pool has a line; `None` if not within 400 days.
    #[must_use]
    pub fn opens(&self, pool: PoolId, plan: &WeekPlan, wall: Wall) -> Option<Wall> {
        if self.lines(pool, plan, wall) > 0 {
            return Some(wall);
        }
        self.next_change(pool, plan, wall, Wall(i64::MAX))
    }

    /// The week, Monday to Sunday, that a date lies in, for these pools together. A minute that a
    /// change of clocks skips is shown as the schedule has it.
    #[must_use]
    pub fn week(&self, pools: &[(PoolId, &WeekPlan)], date: Date) -> Week {
        let back = i64::from(date.weekday().to_monday_zero_offset());
        let mut next = date.checked_sub(jiff::Span::new().days(back)).ok();
        let mut days = Vec::with_capacity(7);
        while let Some(date) = next.filter(|_| days.len() < 7) {
            days.push(self.week_day(pools, date));
            next = date.tomorrow().ok();
        }
        let spans = days.iter().flat_map(|day: &WeekDay| &day.spans);
        Week {
            holes: holes(&days),
            open: days.iter().map(|day| day.open).sum(),
            most_lines: spans.map(|span| span.lines).max().unwrap_or(0),
            days,
        }
    }

    fn week_day(&self, pools: &[(PoolId, &WeekPlan)], date: Date) -> WeekDay {
        let (before, day) = self.days(date);
        let steps = pools
            .iter()
            .flat_map(|(_, plan)| plan.steps(before, day))
            .map(|step| step.from);
        let mut minutes: Vec<u16> = steps.chain([0]).collect();
        self.exceptional_minutes(date, &mut minutes);
        minutes.sort_unstable();
        minutes.dedup();
        let mut spans: Vec<Stretch> = Vec::with_capacity(minutes.len());
        let mut reasons: Vec<String> = Vec::new();
        for (at, &from) in minutes.iter().enumerate() {
            let to = minutes.get(at + 1).copied().unwrap_or(DAY);
            let wall = self
                .occurrences(date, from)
                .map_or(Wall(0), |(first, _)| first);
            let (mut lines, mut exceptional) = (0u32, false);
            for &(pool, plan) in pools {
                let planned = plan.lines(before, day, from);
                let counted = self
                    .exceptional
                    .lines(pool, planned, plan.most_lines(), wall);
                lines = lines.saturating_add(u32::from(counted));
                if let Some(entry) = self.exceptional.in_force(pool, wall) {
                    exceptional = true;
                    if !reasons.contains(&entry.reason) {
                        reasons.push(entry.reason.clone());
                    }
                }
            }
            match spans.last_mut() {
                Some(last) if last.lines == lines && last.exceptional == exceptional => {
                    last.to = to;
                }
                _ => spans.push(Stretch {
                    from,
                    to,
                    lines,
                    exceptional,
                }),
            }
        }
        let open = spans.iter().filter(|span| span.lines > 0);
        WeekDay {
            date,
            day,
            name: self
                .calendar
                .name(date)
                .map(|(zh, en)| (zh.to_owned(), en.to_owned())),
            open: open.map(|span| span.to - span.from).sum(),
            spans,
            reasons,
        }
    }

    /// Adds the minutes of a date at which exceptional entries change; a change within a minute
    /// shows from the next one on.
    fn exceptional_minutes(&self, date: Date, into: &mut Vec<u16>) {
        let Some((begin, _)) = self.occurrences(date, 0) else {
            return;
        };
        let mut at = Wall(begin.0.saturating_sub(1));
        while let Some(next) = self.exceptional.next_change(at) {
            let shown = self.zone.to_datetime(timestamp(next));
            if shown.date() > date {
                break;
            }
            if shown.date() == date {
                let minute = minute_of(shown);
                into.extend([minute, minute + 1].into_iter().filter(|&m| m < DAY));
            }
            at = next;
        }
    }

    /// Adds every moment of a date at which lines can change. The date's begin, and the next date.
    fn candidates(
        &self,
        plan: &WeekPlan,
        date: Date,
        into: &mut Vec<Wall>,
    ) -> Option<(Wall, Date)> {
        let (before, day) = self.days(date);
        for step in plan.steps(before, day) {
            let (first, second) = self.occurrences(date, step.from)?;
            into.push(first);
            into.push(second);
        }
        let tomorrow = date.tomorrow().ok()?;
        let (begin, _) = self.occurrences(date, 0)?;
        let (end, _) = self.occurrences(tomorrow, 0)?;
        let mut at = Wall(begin.0.saturating_sub(1));
        while let Some(next) = self.exceptional.next_change(at).filter(|&next| next < end) {
            into.push(next);
            at = next;
        }
        let clocks = self.zone.following(timestamp(begin));
        let clocks = clocks.map(|change| Wall(change.timestamp().as_millisecond()));
        into.extend(clocks.take_while(|&change| change < end));
        Some((begin, tomorrow))
    }

    /// The moments at which the zone shows this date and minute: two where clocks are set back;
    /// the ones around the gap where the minute is skipped; else twice the same.
    fn occurrences(&self, date: Date, minute: u16) -> Option<(Wall, Wall)> {
        let hour = i8::try_from(minute / 60).ok()?;
        let time = Time::new(hour, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
        let shown = DateTime::from_parts(date, time);
        let moment = self.zone.to_ambiguous_timestamp(shown);
        let wall = |t: Timestamp| Wall(t.as_millisecond());
        Some((wall(moment.earlier().ok()?), wall(moment.later().ok()?)))
    }

    fn days(&self, date: Date) -> (Day, Day) {
        let before = date.yesterday().unwrap_or(date);
        (self.calendar.day(before), self.calendar.day(date))
    }
}

/// The spans without lines, joined across midnight.
fn holes(days: &[WeekDay]) -> Vec<Hole> {
    let mut holes: Vec<Hole> = Vec::new();
    for day in days {
        for span in day.spans.iter().filter(|span| span.lines == 0) {
            let minutes = span.to - span.from;
            let touches = |last: &Hole| {
                let across = span.from == 0
                    && last.to_minute == DAY
                    && last.to.tomorrow().is_ok_and(|next| next == day.date);
                across || (last.to == day.date && last.to_minute == span.from)
            };
            match holes.last_mut() {
                Some(last) if touches(last) => {
                    (last.to, last.to_minute) = (day.date, span.to);
                    last.minutes += minutes;
                }
                _ => holes.push(Hole {
                    from: day.date,
                    from_minute: span.from,
                    to: day.date,
                    to_minute: span.to,
                    minutes,
                }),
            }
        }
    }
    holes
}

/// The moment for jiff; one outside its 20,000 years counts as their end.
pub(crate) fn timestamp(wall: Wall) -> Timestamp {
    let end = if wall.0 < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(wall.0).unwrap_or(end)
}

pub(crate) fn minute_of(shown: DateTime) -> u16 {
    // Hour and minute are never negative.
    u16::from(shown.hour().unsigned_abs()) * 60 + u16::from(shown.minute().unsigned_abs())
}

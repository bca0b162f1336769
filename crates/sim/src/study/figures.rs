//! What is counted of a study.

use super::people::Person;
use super::seats::Seat;
use meishier_model::Mono;
use std::time::Duration;

/// In time, by the standard for government hotlines: 15 s from dialling.
const IN_TIME: Duration = Duration::from_secs(15);

/// Where a counsellor sits who answers, seen from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the caller's city.
    City,
    /// Elsewhere in the province.
    Province,
    /// In another province.
    Elsewhere,
}

/// Counts of one run, or of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// People who called.
    pub callers: u64,
    /// Attempts, first ones and others; so of the next three.
    pub attempts: u64,
    /// Answered within 15 s of dialling.
    pub in_time: u64,
    /// Found everybody busy, or everything closed, and heard so.
    pub busy: u64,
    /// Hung up while they waited.
    pub gave_up: u64,
    /// Attempts by callers whom routing knows as at risk, and those answered within 15 s.
    pub flagged: (u64, u64),
    /// The same of first attempts alone: all callers, then flagged ones.
    pub first: (u64, u64),
    /// First attempts by flagged callers, and those answered within 15 s.
    pub first_flagged: (u64, u64),
    /// First attempts that the caller ended within 15 s, unanswered; flagged ones among them.
    pub hasty: (u64, u64),
    /// First attempts by hours of the scenario: all, in time, flagged, flagged in time.
    pub by_hours: Vec<[u64; 4]>,
    /// Callers whom nobody answered in the end, and flagged ones among them.
    pub never: (u64, u64),
    /// Answered by place: city, province, elsewhere.
    pub places: [u64; 3],
    /// Waits of answered attempts, milliseconds.
    pub waits: Vec<u32>,
    /// Longest time from the first dialling to the answer, and to the last hanging up.
    pub longest: (Duration, Duration),
    /// Time on duty and in talk of each seat, milliseconds.
    pub load: Vec<(u64, u64)>,
}

impl Figures {
    /// An attempt begins.
    pub(super) fn began(&mut self, person: &Person, hours: usize) {
        self.attempts += 1;
        let flagged = person.plan.flagged;
        self.flagged.0 += u64::from(flagged);
        if person.attempts == 1 {
            self.callers += 1;
            self.first.0 += 1;
            self.first_flagged.0 += u64::from(flagged);
            let row = self.row(hours);
            row[0] += 1;
            row[2] += u64::from(flagged);
        }
    }

    fn row(&mut self, hours: usize) -> &mut [u64; 4] {
        if self.by_hours.len() <= hours {
            self.by_hours.resize(hours + 1, [0; 4]);
        }
        &mut self.by_hours[hours]
    }

    /// A counsellor answers.
    pub(super) fn answered(&mut self, now: Mono, person: &Person, place: Place, hours: usize) {
        let waited = now.since(person.began);
        self.waits.push(waited.as_millis() as u32);
        self.places[place as usize] += 1;
        let all = now.since(person.first);
        self.longest.0 = self.longest.0.max(all);
        self.longest.1 = self.longest.1.max(all);
        if waited > IN_TIME {
            return;
        }
        let flagged = u64::from(person.plan.flagged);
        self.in_time += 1;
        self.flagged.1 += flagged;
        if person.attempts == 1 {
            self.first.1 += 1;
            self.first_flagged.1 += flagged;
            let row = self.row(hours);
            row[1] += 1;
            row[3] += flagged;
        }
    }

    /// A caller hangs up while waiting.
    pub(super) fn gave_up(&mut self, now: Mono, person: &Person) {
        self.gave_up += 1;
        if person.attempts == 1 && now.since(person.began) <= IN_TIME {
            self.hasty.0 += 1;
            self.hasty.1 += u64::from(person.plan.flagged);
        }
    }

    /// First attempts without those that the caller ended within 15 s: how many, and how many were
    /// answered in time.
    #[must_use]
    pub fn stayed(&self) -> (u64, u64) {
        (self.first.0 - self.hasty.0, self.first.1)
    }

    /// The same of flagged callers.
    #[must_use]
    pub fn stayed_flagged(&self) -> (u64, u64) {
        (self.first_flagged.0 - self.hasty.1, self.first_flagged.1)
    }

    /// A caller hangs up for good.
    pub(super) fn left(&mut self, now: Mono, person: &Person) {
        self.never.0 += 1;
        self.never.1 += u64::from(person.plan.flagged);
        self.longest.1 = self.longest.1.max(now.since(person.first));
    }

    pub(super) fn seats(&mut self, seats: &[Seat]) {
        self.load = seats
            .iter()
            .map(|seat| (seat.duty_ms, seat.all_talk_ms))
            .collect();
    }

    /// Adds another run of the same setting.
    pub fn add(&mut self, other: &Self) {
        self.callers += other.callers;
        self.attempts += other.attempts;
        self.in_time += other.in_time;
        self.busy += other.busy;
        self.gave_up += other.gave_up;
        let pairs = [
            (&mut self.flagged, other.flagged),
            (&mut self.first, other.first),
            (&mut self.first_flagged, other.first_flagged),
            (&mut self.never, other.never),
            (&mut self.hasty, other.hasty),
        ];
        for (sum, more) in pairs {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
        for (hours, more) in other.by_hours.iter().enumerate() {
            let row = self.row(hours);
            row.iter_mut()
                .zip(more)
                .for_each(|(sum, more)| *sum += more);
        }
        self.places
            .iter_mut()
            .zip(other.places)
            .for_each(|(sum, more)| *sum += more);
        self.waits.extend_from_slice(&other.waits);
        self.longest.0 = self.longest.0.max(other.longest.0);
        self.longest.1 = self.longest.1.max(other.longest.1);
        self.load
            .resize(self.load.len().max(other.load.len()), (0, 0));
        for (sum, more) in self.load.iter_mut().zip(&other.load) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
    }

    /// The wait that this share (0 to 1) of the answered attempts did not exceed; zero if there are
    /// none.
    #[must_use]
    pub fn wait(&self, share: f64) -> Duration {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let at = (waits.len() as f64 * share) as usize;
        let found = waits.get(at.min(waits.len().saturating_sub(1)));
        Duration::from_millis(u64::from(found.copied().unwrap_or(0)))
    }

    /// Share of the time on duty in talk: of all seats, and of the tenth with the most.
    #[must_use]
    pub fn talk(&self) -> (f64, f64) {
        let share = |list: &[(u64, u64)]| {
            let sum = list
                .iter()
                .fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
            sum.1 as f64 / (sum.0.max(1)) as f64
        };
        let mut list: Vec<_> = self.load.iter().copied().filter(|it| it.0 > 0).collect();
        // The most loaded first, compared without division.
        list.sort_by_key(|it| std::cmp::Reverse(it.1 * 1_000_000 / it.0));
        let tenth = list.len().div_ceil(10);
        (share(&list), share(&list[..tenth]))
    }
}

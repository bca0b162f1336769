//! Who sits at which seat when: as many as the shift has lines and one more, in turn.
//!
//! Every counsellor has one seat of their own among those where they may sign on, so that nobody
//! can be at two at once, however much the shifts overlap.

use crate::dice::Dice;
use crate::people::Counsellor;
use crate::scenario::{Roster, Scenario};
use meishier_model::Wall;
use std::time::Duration;

/// Minutes of a day.
const DAY: i64 = 1440;

/// The plan of all shifts.
#[derive(Clone, Debug)]
pub struct Duties {
    roster: Roster,
    /// Per seat, who shares it, as indices.
    sharing: Vec<Vec<usize>>,
    /// Per pool, its seats.
    members: Vec<Vec<usize>>,
    stretch: i64,
    stagger: Duration,
    seed: u64,
}

/// What a seat's clock on the wall says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Who is to sit there now.
    pub counsellor: Option<Counsellor>,
    /// Until when this holds, from now.
    pub lasts: Duration,
}

/// A stretch of work, in civil milliseconds.
#[derive(Clone, Copy)]
struct Work {
    begins: i64,
    ends: i64,
    person: usize,
}

impl Duties {
    /// The plan of a scenario; two streams of numbers give two plans.
    ///
    /// # Errors
    /// What of the configuration could not be read.
    pub fn new(scenario: &Scenario, dice: &Dice) -> Result<Self, String> {
        let roster = scenario.roster()?;
        let members = (0..roster.pools.len())
            .map(|pool| {
                let in_pool = |seat: &usize| roster.seats[*seat].pools.contains(&pool);
                (0..roster.seats.len()).filter(in_pool).collect()
            })
            .collect();
        Ok(Self {
            sharing: share_seats(&roster),
            members,
            roster,
            stretch: (scenario.seats.stretch.as_secs() / 60).max(60) as i64,
            stagger: scenario.seats.stagger,
            seed: dice.branch("duties").bits(),
        })
    }

    /// Pools, seats and counsellors.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who is to be at a seat at a civil time.
    #[must_use]
    pub fn at(&self, seat: usize, wall: Wall) -> Duty {
        let (minute, above) = self.roster.civil(wall);
        let now = minute * 60_000 + above;
        let today = minute.div_euclid(DAY);
        let mut on: Option<Work> = None;
        let mut next = (today + 1) * DAY * 60_000;
        // A stretch of yesterday may last until tomorrow's day begins.
        for day in today - 2..=today + 1 {
            self.each(seat, day, &mut |work| {
                for edge in [work.begins, work.ends] {
                    if edge > now {
                        next = next.min(edge);
                    }
                }
                // Who comes later takes the seat over.
                let later = on.is_none_or(|other| other.begins <= work.begins);
                if (work.begins..work.ends).contains(&now) && later {
                    on = Some(work);
                }
            });
        }
        Duty {
            counsellor: on.map(|work| self.counsellor(work.person)),
            lasts: Duration::from_millis((next - now).max(1).unsigned_abs()),
        }
    }

    fn counsellor(&self, person: usize) -> Counsellor {
        let facts = &self.roster.people[person];
        Counsellor {
            index: person as u32,
            account: facts.account.clone(),
            pin: facts.pin.clone(),
        }
    }

    /// All stretches of a seat that begin on a day.
    fn each(&self, seat: usize, day: i64, see: &mut impl FnMut(Work)) {
        let Some(facts) = self.roster.seats.get(seat) else {
            return;
        };
        let people = &self.sharing[seat];
        if people.is_empty() {
            return;
        }
        for &pool in &facts.pools {
            let shifts = &self.roster.pools[pool].shifts;
            let parts_of = |from: u16, to: u16| {
                (i64::from(to) - i64::from(from) + self.stretch - 1) / self.stretch
            };
            let in_a_day: i64 = shifts.iter().map(|s| parts_of(s.from, s.to)).sum();
            let mut before = 0;
            for (number, shift) in shifts.iter().enumerate() {
                let parts = parts_of(shift.from, shift.to);
                let first = day * in_a_day + before;
                before += parts;
                let lines = self.roster.lines(pool, number, day);
                if !self.chosen(pool, seat, day, number, lines) {
                    continue;
                }
                let (from, to) = (i64::from(shift.from), i64::from(shift.to));
                for part in 0..parts {
                    let turn = (first + part).rem_euclid(people.len() as i64);
                    let edge = |n: i64| day * DAY + from + (to - from) * n / parts;
                    see(Work {
                        begins: edge(part) * 60_000 - self.early(seat, edge(part)),
                        ends: edge(part + 1) * 60_000 + self.late(seat, edge(part + 1)),
                        person: people[turn as usize],
                    });
                }
            }
        }
    }

    /// Whether a seat is among the lines and one more that are to be staffed; the seats of a pool
    /// take turns from shift to shift.
    fn chosen(&self, pool: usize, seat: usize, day: i64, shift: usize, lines: u16) -> bool {
        let members = &self.members[pool];
        let wanted = i64::from(lines) + 1;
        let count = members.len() as i64;
        let Some(place) = members.iter().position(|&member| member == seat) else {
            return false;
        };
        if lines == 0 || count == 0 {
            return false;
        }
        let first = (self.seed % 1024) as i64 + day * 5 + shift as i64 * 7;
        (place as i64 - first).rem_euclid(count) < wanted
    }

    /// Milliseconds by which somebody comes before the hour.
    fn early(&self, seat: usize, edge: i64) -> i64 {
        self.offset(seat, edge, "early")
    }

    /// Milliseconds by which somebody leaves after the hour.
    fn late(&self, seat: usize, edge: i64) -> i64 {
        self.offset(seat, edge, "late")
    }

    /// From a fifth of the stagger up to all of it: the same each time it is asked for.
    fn offset(&self, seat: usize, edge: i64, what: &str) -> i64 {
        let seed = self.seed ^ (seat as u64).rotate_left(40) ^ edge.unsigned_abs();
        let shortest = self.stagger / 5;
        let offset = Dice::new(seed).branch(what).between(shortest, self.stagger);
        offset.as_millis() as i64
    }
}

/// Gives every counsellor a seat of their own: those with the fewest to choose from first, each to
/// the seat with the fewest people. Who lacks a skill that the seat's callers are routed by (the
/// second line) takes no turn there, unless nobody else would.
fn share_seats(roster: &Roster) -> Vec<Vec<usize>> {
    let able = |person: usize, seat: usize| {
        let has = |skill| roster.people[person].skills.contains(skill);
        let pools = &roster.seats[seat].pools;
        pools
            .iter()
            .any(|&pool| roster.pools[pool].skills.iter().all(has))
    };
    let mut order: Vec<usize> = (0..roster.people.len()).collect();
    order.sort_by_key(|&person| roster.people[person].seats.len());
    let mut sharing = vec![Vec::new(); roster.seats.len()];
    let mut left_out = Vec::new();
    for person in order {
        let seats = roster.people[person].seats.iter().copied();
        let fewest = seats
            .filter(|&seat| able(person, seat))
            .min_by_key(|&seat| sharing[seat].len());
        match fewest {
            Some(seat) => sharing[seat].push(person),
            None => left_out.push(person),
        }
    }
    for person in left_out {
        let mut seats = roster.people[person].seats.iter().copied();
        if let Some(seat) = seats.find(|&seat| sharing[seat].is_empty()) {
            sharing[seat].push(person);
        }
    }
    sharing
}

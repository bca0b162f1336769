//! Who sits where by the clock on the wall.

use crate::{S, at};
use meishier_model::{Mono, Now, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::people::{Asked, Duties, Happening, SeatMind, Wish};
use meishier_sim::scenario::Scenario;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Plays ten days of shifts with an engine that does everything, and looks every ten minutes.
fn shifts(name: &str, look: impl Fn(i64, &BTreeMap<usize, String>)) {
    let scenario = Scenario::named(name).unwrap();
    let duties = Arc::new(Duties::new(&scenario, &Dice::new(11)).unwrap());
    let start = scenario.start_wall().unwrap();
    let seats = duties.roster().seats.len();
    let mut minds: Vec<_> = (0..seats)
        .map(|seat| {
            let dice = Dice::new(12).branch(&format!("seat {seat}"));
            SeatMind::new(seat, Arc::clone(&duties), scenario.seats, dice)
        })
        .collect();
    for minute in (0..10 * 1440).step_by(10) {
        let end = Mono(minute * 60_000_000);
        for mind in &mut minds {
            while let Some(due) = mind.poll_timeout().filter(|due| *due <= end) {
                let wall = Wall(start.0 + (due.0 / 1000) as i64);
                let now = Now { mono: due, wall };
                mind.handle_timeout(now);
                while let Some(wish) = mind.poll_wish() {
                    if let Some(asked) = wish.asked() {
                        let result = Ok(());
                        mind.handle_event(now, &Happening::CommandDone { asked, result });
                    }
                }
            }
        }
        let who =
            |(seat, mind): (usize, &SeatMind)| Some((seat, mind.counsellor()?.account.clone()));
        let there: BTreeMap<_, _> = minds.iter().enumerate().filter_map(who).collect();
        look((minute % 1440) as i64, &there);
    }
}

#[test]
fn seats_are_staffed_by_the_hours_of_their_pools() {
    for name in ["guizhou", "beijing"] {
        let scenario = Scenario::named(name).unwrap();
        let roster = scenario.roster().unwrap();
        shifts(name, |minute, there| {
            let people: BTreeSet<_> = there.values().collect();
            assert_eq!(people.len(), there.len(), "somebody is at two seats");
            for (seat, account) in there {
                let person = roster.people.iter().find(|one| &one.account == account);
                assert!(person.unwrap().seats.contains(seat), "{account} at {seat}");
            }
            for (pool, facts) in roster.pools.iter().enumerate() {
                let members = roster
                    .seats
                    .iter()
                    .filter(|seat| seat.pools.contains(&pool));
                let members = members.count();
                let count = there.keys();
                let count = count.filter(|seat| roster.seats[**seat].pools.contains(&pool));
                let count = count.count();
                let lines = |at: i64| {
                    let at = at.rem_euclid(1440) as u16;
                    let open = |from: u16, to: u16| {
                        (from..to).contains(&at) || (from..to).contains(&(at + 1440))
                    };
                    let shift = facts.shifts.iter().find(|s| open(s.from, s.to));
                    shift.map_or(0, |shift| usize::from(shift.lines))
                };
                let (before, now, after) = (lines(minute - 11), lines(minute), lines(minute + 11));
                let wanted = |lines: usize| {
                    if lines == 0 {
                        0
                    } else {
                        (lines + 1).min(members)
                    }
                };
                if before == now && now == after {
                    assert_eq!(count, wanted(now), "{name} {} at {minute}", facts.name);
                } else {
                    let least = wanted(before).min(wanted(now)).min(wanted(after));
                    assert!(count >= least, "{name} {} at {minute}", facts.name);
                }
            }
        });
    }
}

#[test]
fn everybody_has_a_turn() {
    let seen = std::cell::RefCell::new(BTreeSet::new());
    shifts("beijing", |_, there| {
        seen.borrow_mut().extend(there.values().cloned());
    });
    let seen = seen.into_inner();
    // Ten days of some ten by day in two parts and three by night in two.
    assert!(seen.len() > 150, "{}", seen.len());
    // The second line judges danger and takes no calls.
    assert!(!seen.contains("ad01"));
}

#[test]
fn a_clock_that_was_set_changes_the_shift_and_nothing_else() {
    let mut scenario = Scenario::named("guizhou").unwrap();
    scenario.seats.pause_every = S(864_000);
    let duties = Arc::new(Duties::new(&scenario, &Dice::new(1)).unwrap());
    let qiannan = duties
        .roster()
        .seats
        .iter()
        .position(|seat| seat.name == "qn01");
    let mut mind = SeatMind::new(qiannan.unwrap(), duties, scenario.seats, Dice::new(2));
    let midnight = scenario.start_wall().unwrap().0;
    let now = |seconds: u64, hour: i64| Now {
        mono: at(seconds).mono,
        wall: Wall(midnight + hour * 3_600_000),
    };
    mind.handle_timeout(now(0, 10));
    assert!(matches!(mind.poll_wish(), Some(Wish::SignOn { .. })));
    let told = |mind: &mut SeatMind, now, asked| {
        let result = Ok(());
        mind.handle_event(now, &Happening::CommandDone { asked, result });
    };
    told(&mut mind, now(1, 10), Asked::SignOn);
    // Set to the night: qiannan is closed.
    mind.handle_event(now(2, 23), &Happening::ShiftTick);
    assert_eq!(mind.poll_wish(), Some(Wish::SignOff));
    told(&mut mind, now(3, 23), Asked::SignOff);
    assert_eq!(mind.poll_wish(), None);
    mind.handle_event(now(4, 11), &Happening::ShiftTick);
    assert!(matches!(mind.poll_wish(), Some(Wish::SignOn { .. })));
}

#[test]
fn the_same_numbers_make_the_same_person() {
    let scenario = Scenario::named("beijing").unwrap();
    let duties = |seed| Duties::new(&scenario, &Dice::new(seed)).unwrap();
    let wall = scenario.start_wall().unwrap();
    let night = |duties: &Duties| -> Vec<_> {
        (0..17)
            .map(|seat| duties.at(seat, wall).counsellor.is_some())
            .collect()
    };
    assert_eq!(night(&duties(1)), night(&duties(1)));
    assert!(night(&duties(1)) != night(&duties(2)));
}

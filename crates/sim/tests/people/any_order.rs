//! Whatever happens in whatever order: no mind runs hot, and all come to rest.

use crate::plan;
use meishier_model::{Mono, Now, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::people::{
    Asked, CallerMind, Duties, Fault, Happening, SeatMind, TargetMind, Token, Wish,
};
use meishier_sim::scenario::Scenario;
use meishier_sim::traffic::Traffic;
use std::sync::Arc;
use std::time::Duration;

/// Any happening about one of the last calls.
fn anything(dice: &mut Dice, last: u64) -> Happening {
    let call = Token(last.saturating_sub(dice.roll(3)));
    let result = match dice.roll(6) {
        0 => Err(Fault::SeatTaken),
        1 => Err(Fault::Elsewhere),
        2 => Err(Fault::NobodySignedOn),
        3 => Err(Fault::Busy),
        4 => Err(Fault::Other),
        _ => Ok(()),
    };
    let asked = [
        Asked::SignOn,
        Asked::SignOff,
        Asked::Pause,
        Asked::Ready,
        Asked::Key,
    ][dice.index(5)];
    let mut talk = plan().talk;
    talk.crisis = dice.chance(0.5);
    talk.caller_ends = dice.chance(0.5);
    let plan = dice.chance(0.8).then_some(talk);
    let person = dice.chance(0.5);
    let early_media = dice.chance(0.5);
    match dice.roll(14) {
        0 => Happening::CallProgress { call, early_media },
        1 => Happening::CallAnswered { call },
        2 => Happening::CallRefused { call, status: 503 },
        3 => Happening::CallFailed { call },
        4 => Happening::CallEnded { call },
        5 | 6 => Happening::Hears { call, person },
        7 => Happening::Rings { call },
        8 => Happening::RingingStopped { call },
        9 => Happening::Talks { call, plan },
        10 => Happening::CommandDone { asked, result },
        11 => Happening::PausedByEngine,
        12 => Happening::Forgotten,
        _ if dice.chance(0.2) => Happening::PhoneDied,
        _ => Happening::ShiftTick,
    }
}

/// Plays happenings to a mind, then leaves it alone for a day.
macro_rules! play {
    ($mind:expr, $dice:expr, $start:expr, $wish:expr) => {{
        let (mind, mut now) = (&mut $mind, Mono(0));
        for step in 0..80u64 {
            let quiet = step >= 60;
            let pause = match quiet {
                true => Duration::from_secs(4320),
                false => $dice.exponential(Duration::from_secs(40)),
            };
            let end = now + pause;
            let moment = |mono: Mono| Now {
                mono,
                wall: Wall($start.0 + (mono.0 / 1000) as i64),
            };
            while let Some(due) = mind.poll_timeout().filter(|due| *due <= end) {
                now = now.max(due);
                mind.handle_timeout(moment(now));
                let next = mind.poll_timeout();
                assert!(next.is_none_or(|next| next > now), "runs hot at {now:?}");
                while let Some(wish) = mind.poll_wish() {
                    $wish(wish);
                }
            }
            now = end;
            if !quiet {
                let last = step / 10;
                mind.handle_event(moment(now), &anything(&mut $dice, last));
            }
            while let Some(wish) = mind.poll_wish() {
                $wish(wish);
            }
        }
    }};
}

#[test]
fn callers_come_to_an_end() {
    let scenario = Scenario::named("beijing").unwrap();
    let traffic = Traffic::new(&scenario, Dice::new(5));
    for (seed, arrival) in (0..1500).zip(traffic) {
        let mut dice = Dice::new(seed);
        let (mut dialled, mut done) = (0, 0);
        let mut mind = CallerMind::new(arrival.plan, dice.branch("mind"));
        play!(mind, dice, Wall(0), |wish| match wish {
            Wish::Dial(_) => dialled += 1,
            Wish::Done { .. } => done += 1,
            _ => assert_eq!(done, 0, "wishes after the end"),
        });
        assert_eq!(done, 1, "{seed}");
        assert!((1..=6).contains(&dialled), "{seed}: {dialled}");
        assert_eq!(mind.poll_timeout(), None);
    }
}

#[test]
fn telephones_at_seats_fall_silent() {
    let scenario = Scenario::named("guizhou").unwrap();
    let duties = Arc::new(Duties::new(&scenario, &Dice::new(2)).unwrap());
    let start = Wall(scenario.start_wall().unwrap().0 + 9 * 3_600_000);
    for seed in 0..600 {
        let mut dice = Dice::new(seed);
        let seat = dice.index(duties.roster().seats.len());
        let habits = scenario.seats;
        let mut mind = SeatMind::new(seat, Arc::clone(&duties), habits, dice.branch("mind"));
        let mut signed_on = 0;
        play!(mind, dice, start, |wish| {
            signed_on += u32::from(matches!(wish, Wish::SignOn { .. }));
        });
        assert!(signed_on > 0, "{seed}");
        assert_eq!(mind.call(), None, "{seed}");
    }
}

#[test]
fn targets_come_to_rest() {
    let scenario = Scenario::named("beijing").unwrap();
    for seed in 0..500 {
        let mut dice = Dice::new(seed);
        let mut mind = TargetMind::new(scenario.targets, dice.branch("mind"));
        play!(mind, dice, Wall(0), |_| ());
        assert_eq!(mind.poll_timeout(), None);
    }
}

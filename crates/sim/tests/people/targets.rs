//! Police, ambulance and other hotlines.

use crate::S;
use meishier_model::{Mono, Now, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::people::{Happening, TargetMind, Token, Wish};
use meishier_sim::scenario::Scenario;
use std::collections::BTreeMap;

#[test]
fn targets_answer_are_busy_or_not_there() {
    let scenario = Scenario::named("beijing").unwrap();
    let mut mind = TargetMind::new(scenario.targets, Dice::new(8));
    let mut seen = BTreeMap::new();
    let (mut now, mut begun, mut ended) = (Mono(0), 0, 0);
    for call in 0..2000 {
        let call = Token(call);
        let wall = Wall(0);
        mind.handle_event(Now { mono: now, wall }, &Happening::Rings { call });
        let end = now + S(20);
        while let Some(due) = mind.poll_timeout().filter(|due| *due <= end) {
            mind.handle_timeout(Now { mono: due, wall });
            while let Some(wish) = mind.poll_wish() {
                match wish {
                    Wish::Answer { call } => {
                        begun += 1;
                        *seen.entry("answer").or_insert(0) += 1;
                        let talks = Happening::Talks { call, plan: None };
                        mind.handle_event(Now { mono: due, wall }, &talks);
                    }
                    Wish::Bye { .. } => ended += 1,
                    Wish::Reject { status: 486, .. } => *seen.entry("busy").or_insert(0) += 1,
                    Wish::Reject { .. } => *seen.entry("nobody").or_insert(0) += 1,
                    Wish::Ring { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        while let Some(wish) = mind.poll_wish() {
            if let Wish::Reject { status: 486, .. } = wish {
                *seen.entry("busy").or_insert(0) += 1;
            }
        }
        now = end;
    }
    assert!((1750..1850).contains(&seen["answer"]), "{seen:?}");
    assert!((70..130).contains(&seen["busy"]), "{seen:?}");
    assert!((70..130).contains(&seen["nobody"]), "{seen:?}");
    assert!(ended > begun * 9 / 10, "{ended} of {begun}");
}

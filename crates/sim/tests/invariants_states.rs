//! States that people set of pools, before judges who are told of another end.

mod invariants_world;

use invariants_world::Forge;
use invariants_world::forge::quiet;
use invariants_world::scene::Scene;
use meishier_engine::Command;
use meishier_model::{PoolId, Wall};
use meishier_routing::{Hand, Service};
use meishier_sim::invariants::{Invariant, Seen};

/// The city is in order by hand for so long, milliseconds.
fn in_order(scene: &Scene, ms: i64) -> Command {
    let until = Some(Wall(scene.rig.now.wall.0 + ms));
    let (state, reason) = (Service::Normal, String::new());
    let hand = Some(Hand {
        state,
        until,
        reason,
    });
    let pool = PoolId(0);
    Command::PoolState { pool, hand }
}

/// Nobody is signed on in the city; somebody waits for it, and for the province after ten seconds.
fn waits_for_nobody(scene: &mut Scene) {
    for seat in 0..3 {
        scene.seat(seat, meishier_engine::SeatChange::SignOff);
    }
    let command = in_order(scene, 5000);
    scene.rig.command_all(&command);
    scene.rig.read_all();
    scene.call("133", "12356");
}

#[test]
fn an_end_that_is_kept_is_not_complained_of() {
    let mut scene = quiet();
    waits_for_nobody(&mut scene);
    let open = |scene: &Scene| scene.rig.queue.waiting_list()[0].open;
    scene.pass(4900);
    assert_eq!(open(&scene), 1);
    scene.pass(200);
    assert_eq!(open(&scene), 2, "by the rules again");
    scene.pass(20_000);
    assert_eq!(scene.rig.found, None);
}

#[test]
fn an_end_that_comes_late_is_noticed() {
    let mut scene = quiet();
    let sooner = in_order(&scene, 2000);
    scene.rig.forger = Some(Box::new(move |_, seen| match seen {
        Seen::Command {
            token,
            command: Command::PoolState { .. },
        } => {
            let (token, command) = (*token, sooner.clone());
            Forge::Instead(Box::new(move |checker, now| {
                let command = &command;
                checker.see(now, &Seen::Command { token, command });
            }))
        }
        _ => Forge::Pass,
    }));
    waits_for_nobody(&mut scene);
    scene.pass(1900);
    assert_eq!(scene.rig.found, None);
    scene.pass(2500);
    assert_eq!(scene.rig.broken(), Some(Invariant::Ladder));
}

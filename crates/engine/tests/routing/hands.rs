//! States that people set of a pool, and their ends.

use crate::opening::{dial, everybody, world};
use crate::world::scene::{S2, SECOND, offer_at, sign_on, talking};
use crate::world::{World, addr};
use meishier_engine::{Command, Notice};
use meishier_model::{PoolId, Wall};
use meishier_routing::{Hand, Service};

fn set(world: &mut World, pool: u16, state: Service, ms: i64) {
    let until = Some(Wall(world.now.wall.0 + ms));
    let reason = String::new();
    let hand = Some(Hand {
        state,
        until,
        reason,
    });
    let pool = PoolId(pool);
    everybody(world, &Command::PoolState { pool, hand });
}

#[test]
fn a_state_ends_at_its_moment_on_every_shard_though_nothing_else_happens() {
    let mut world = world();
    // What looks once after the start is over.
    world.pass(SECOND);
    set(&mut world, 0, Service::Overloaded, 90_000);
    set(&mut world, 1, Service::Overloaded, 60_000);
    let at = world.now.mono + 60 * SECOND;
    for shard in &world.shards {
        assert_eq!(shard.poll_timeout(), Some(at));
    }
    world.notices.clear();
    world.pass(61 * SECOND);
    let services: Vec<&Notice> = (world.notices.iter())
        .filter(|it| matches!(it, Notice::Pool { .. }))
        .collect();
    assert_eq!(services.len(), 1, "{services:?}");
    assert!(matches!(
        services[0],
        Notice::Pool {
            pool: PoolId(1),
            ..
        }
    ));
    let at = at + 30 * SECOND;
    for shard in &world.shards {
        assert_eq!(shard.poll_timeout(), Some(at));
    }
}

#[test]
fn who_waits_goes_by_the_rules_again_when_it_ends() {
    let mut world = world();
    let (_caller, _seat) = talking(&mut world);
    sign_on(&mut world, 2, 2);
    // Nobody is there in the city but by hand it is in order.
    set(&mut world, 0, Service::Normal, 5000);
    let change = meishier_engine::SeatChange::Pause {
        reason: String::new(),
    };
    world.command(Command::Seat {
        seat: meishier_model::SeatId(0),
        change,
    });
    dial(&mut world, "b", "13300000002");
    world.pass(4 * SECOND);
    world.none(addr(S2), "INVITE");
    world.pass(2 * SECOND);
    offer_at(&mut world, S2);
}

//! Where calls go as pools close, empty and fill while callers wait.

use crate::opening::{config, dial, everybody, newest, world};
use crate::world::scene::{S0, S2, SECOND, offer_at, sign_on, talking};
use crate::world::{TEN_O_CLOCK, World, addr, reply};
use meishier_engine::{Command, CommandError, Notice, Reply, SeatChange};
use meishier_model::{SeatId, Wall};
use meishier_routing::{Hand, Service};

#[test]
fn a_pool_that_goes_down_by_hand_opens_the_next_at_once() {
    let mut world = world();
    talking(&mut world);
    sign_on(&mut world, 2, 2);
    dial(&mut world, "b", "13300000002");
    world.none(addr(S2), "INVITE");
    let hand = Hand {
        state: Service::Down,
        until: None,
        reason: "停电".into(),
    };
    let pool = meishier_model::PoolId(0);
    world.notices.clear();
    everybody(
        &mut world,
        &Command::PoolState {
            pool,
            hand: Some(hand),
        },
    );
    offer_at(&mut world, S2);
    let told = |service| Notice::Pool { pool, service };
    assert_eq!(
        world
            .notices
            .iter()
            .filter(|it| **it == told(Service::Down))
            .count(),
        1
    );
    everybody(&mut world, &Command::PoolState { pool, hand: None });
    assert!(world.notices.contains(&told(Service::Normal)));
    let unknown = Command::PoolState {
        pool: meishier_model::PoolId(77),
        hand: None,
    };
    assert_eq!(
        world.command(unknown),
        Reply::Done(Err(CommandError::UnknownPool))
    );
}

#[test]
fn the_last_counsellor_who_pauses_opens_the_next_pool_for_who_waits() {
    let mut world = world();
    let (_, seat) = talking(&mut world);
    sign_on(&mut world, 2, 2);
    dial(&mut world, "b", "13300000002");
    world.none(addr(S2), "INVITE");
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Pause {
            reason: "餐".into(),
        },
    });
    offer_at(&mut world, S2);
    drop(seat);
}

#[test]
fn the_record_names_the_table_and_the_rules() {
    let mut world = world();
    let caller = dial(&mut world, "a", "13300000001");
    caller.cancel(&mut world);
    let record = &world.records[0];
    assert_eq!(record.table, world.config.table_hash);
    assert_eq!(record.table.len(), 16);
    assert_eq!(record.rules, ["route:all"]);
}

#[test]
fn why_says_what_the_caller_waits_for() {
    let mut world = world();
    talking(&mut world);
    dial(&mut world, "b", "13300000002");
    let call = newest(&world);
    let Reply::Why(Ok(why)) = world.command(Command::Why { call }) else {
        panic!("no answer")
    };
    assert_eq!(why.ahead, Some(0));
    let pools: Vec<_> = why
        .pools
        .iter()
        .map(|it| (it.pool.as_str(), it.open, it.opens_in_ms))
        .collect();
    assert_eq!(
        pools,
        [("city", true, None), ("province", false, Some(10_000))]
    );
    let kinds: Vec<_> = why
        .reasons
        .iter()
        .map(|it| (it.pool.as_deref(), it.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (Some("province"), "ring_not_open"),
            (Some("city"), "no_seat_ready")
        ]
    );
}

#[test]
fn a_pool_that_closes_opens_the_next_for_who_waits() {
    let text = config().replace("08:00-18:00", "08:00-10:00");
    let mut world = World::with(&text, Wall(TEN_O_CLOCK.0 - 4000));
    sign_on(&mut world, 2, 2);
    sign_on(&mut world, 0, 0);
    dial(&mut world, "a", "13300000001");
    let seat = offer_at(&mut world, S0);
    reply(&mut world, &seat, "486 Busy Here", "seat", "");
    world.pass(3 * SECOND);
    world.none(addr(S2), "INVITE");
    world.pass(SECOND);
    offer_at(&mut world, S2);
}

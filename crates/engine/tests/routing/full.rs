//! Pools that fill while callers wait for them.

use crate::opening::{call_of, config, dial, from_of, newest, open_pools, world};
use crate::world::scene::{S1, S2, SECOND, offer_at, sign_on, talking};
use crate::world::{TEN_O_CLOCK, World, addr, answer, reply};
use meishier_engine::Command;
use meishier_model::{PoolId, Wall};
use meishier_routing::{Hand, Service};
use std::time::Duration;

/// One talks at s0; s1 has just refused "b", who waits for the city's second line; s2 of the province
/// is free and is asked after 10 s.
fn one_line_left(world: &mut World) {
    talking(world);
    sign_on(world, 1, 1);
    dial(world, "b", "13300000002");
    let seat = offer_at(world, S1);
    reply(world, &seat, "486 Busy Here", "seat", "");
    world.clear();
    sign_on(world, 2, 2);
    // Somebody at risk goes first when s1 comes back from its rest of 5 s.
    dial(world, "c", "13300000003");
    let call = newest(world);
    world.command(Command::Flag { call });
    world.none(addr(S2), "INVITE");
}

#[test]
fn who_waits_is_open_to_the_next_pool_once_its_own_stays_full() {
    let mut world = world();
    one_line_left(&mut world);
    world.pass(5 * SECOND);
    let seat = offer_at(&mut world, S1);
    assert!(from_of(&seat).contains("sip:c@"), "the city is full now");
    answer(&mut world, &seat);
    world.pass(SECOND);
    world.none(addr(S2), "INVITE");
    world.pass(2 * SECOND);
    assert!(from_of(&offer_at(&mut world, S2)).contains("sip:b@"));
}

#[test]
fn a_pool_that_is_full_for_a_moment_sends_nobody_elsewhere() {
    let mut world = world();
    one_line_left(&mut world);
    world.pass(5 * SECOND);
    let seat = offer_at(&mut world, S1);
    world.pass(Duration::from_millis(1400));
    reply(&mut world, &seat, "486 Busy Here", "seat", "");
    world.clear();
    world.pass(Duration::from_millis(3500));
    world.none(addr(S2), "INVITE");
    world.pass(SECOND);
    offer_at(&mut world, S2);
}

#[test]
fn who_is_sent_elsewhere_keeps_the_place_in_the_full_pool() {
    let mut world = world();
    one_line_left(&mut world);
    world.pass(5 * SECOND);
    let seat = offer_at(&mut world, S1);
    answer(&mut world, &seat);
    world.pass(3 * SECOND);
    let seat = offer_at(&mut world, S2);
    reply(&mut world, &seat, "486 Busy Here", "seat", "");
    dial(&mut world, "d", "13300000004");
    let list = world.queue.waiting_list();
    let open: Vec<u16> = list[0].rings.iter().map(|pool| pool.0).collect();
    assert_eq!((open, list[0].open), (vec![0, 1], 2));
    assert!(list[0].stamp.at < list[1].stamp.at);
}

#[test]
fn fewer_lines_make_a_pool_full_for_who_waits() {
    let shifts = "shifts = [{ hours = \"08:00-18:00\", lines = 2 }]";
    let fewer =
        "shifts = [{ hours = \"08:00-10:00\", lines = 2 }, { hours = \"10:00-18:00\", lines = 1 }]";
    let text = config().replace(shifts, fewer);
    assert!(text.contains(fewer));
    let mut world = World::with(&text, Wall(TEN_O_CLOCK.0 - 4000));
    talking(&mut world);
    sign_on(&mut world, 2, 2);
    dial(&mut world, "b", "13300000002");
    world.pass(5 * SECOND);
    world.none(addr(S2), "INVITE");
    world.pass(2 * SECOND);
    offer_at(&mut world, S2);
}

#[test]
fn a_callers_own_line_makes_no_pool_full_for_it() {
    let text = config().replacen("lines = 2", "lines = 1", 1);
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 1, 1);
    sign_on(&mut world, 2, 2);
    dial(&mut world, "b", "13300000002");
    offer_at(&mut world, S1);
    // Somebody else waits, so that the pools are looked at.
    dial(&mut world, "c", "13300000003");
    offer_at(&mut world, S2);
    dial(&mut world, "d", "13300000004");
    world.pass(4 * SECOND);
    let ringing = call_of(&world);
    for state in [Service::Overloaded, Service::Normal] {
        let (until, reason) = (None, String::new());
        let hand = Some(Hand {
            state,
            until,
            reason,
        });
        let pool = PoolId(1);
        crate::opening::everybody(&mut world, &Command::PoolState { pool, hand });
    }
    assert_eq!(
        open_pools(&mut world, ringing),
        [("city".to_owned(), true), ("province".to_owned(), false)]
    );
}

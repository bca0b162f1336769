//! How long a place is kept by one redial after another.

use crate::opening::{config, dial};
use crate::world::scene::SECOND;
use crate::world::{TEN_O_CLOCK, World};
use meishier_model::Mono;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Places are kept for half an hour after a hang-up.
fn world() -> World {
    let text = config().replace(
        "within = \"5min\"\n\n[care]",
        "within = \"30min\"\n\n[care]",
    );
    World::with(&text, TEN_O_CLOCK)
}

/// Where whoever came last stands, after a wait of a second that the caller ends.
fn calls_in_vain(world: &mut World, name: &str) -> Mono {
    let caller = dial(world, name, "13300000001");
    let stamp = world.queue.waiting_list()[0].stamp.at;
    world.pass(SECOND);
    caller.cancel(world);
    stamp
}

#[test]
fn who_is_cut_off_four_times_in_an_hour_keeps_the_place() {
    let mut world = world();
    let first = calls_in_vain(&mut world, "a0");
    for name in ["a1", "a2", "a3", "a4"] {
        world.pass(14 * MINUTE);
        assert_eq!(calls_in_vain(&mut world, name), first);
    }
}

#[test]
fn nobody_keeps_a_place_for_ever() {
    let mut world = world();
    let first = calls_in_vain(&mut world, "a0");
    for name in ["a1", "a2", "a3", "a4", "a5"] {
        world.pass(25 * MINUTE);
        assert_eq!(calls_in_vain(&mut world, name), first);
    }
    // The last of them ended 125 minutes after the first arrived.
    world.pass(MINUTE);
    let anew = world.now.mono;
    assert_eq!(calls_in_vain(&mut world, "a6"), anew);
    world.pass(MINUTE);
    assert_eq!(calls_in_vain(&mut world, "a7"), anew, "another chain");
}

#[test]
fn who_waited_longer_than_a_chain_may_last_is_cut_off_once() {
    let mut world = world();
    let mut caller = dial(&mut world, "a0", "13300000001");
    let first = world.queue.waiting_list()[0].stamp.at;
    world.clear();
    world.pass(31 * SECOND);
    caller.answered(&mut world);
    world.pass(180 * MINUTE);
    caller.bye(&mut world);
    world.pass(MINUTE);
    assert_eq!(calls_in_vain(&mut world, "a1"), first);
    world.pass(MINUTE);
    let anew = world.now.mono;
    assert_eq!(calls_in_vain(&mut world, "a2"), anew);
}

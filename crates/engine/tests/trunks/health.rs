//! OPTIONS to every peer, each with its own machine.

use crate::world::scene::{SECOND, talking};
use crate::world::{World, addr, reply};
use crate::{A, B, only_call, press, world};
use meishier_engine::Notice;

const ASKED: &str = "to = [\"10.0.1.1\", \"10.0.1.5\"]\noptions_every = \"40s\"\ndown_after = 1";

fn trunk(world: &mut World) -> Vec<bool> {
    let told = world.notices.drain(..).filter_map(|it| match it {
        Notice::Trunk { up, .. } => Some(up),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_trunk_is_up_while_one_peer_answers_and_who_is_down_is_asked_last() {
    let mut world = world(ASKED);
    world.pass(SECOND);
    world.take(addr(A), "OPTIONS sip:10.0.1.1:5060");
    let second = world.take(addr(B), "OPTIONS sip:10.0.1.5:5060");
    reply(&mut world, &second, "200 OK", "x", "");
    // Timer F of the first ends before the next round.
    world.pass(33 * SECOND);
    assert_eq!(trunk(&mut world), [true]);
    // Every shard knows it: the one that carries the call asks the second first.
    let _ = talking(&mut world);
    let call = only_call(&world);
    press(&mut world, call, "110");
    world.none(addr(A), "INVITE sip:0851110");
    let invite = world.take(addr(B), "INVITE sip:0851110");
    reply(&mut world, &invite, "486 Busy Here", "x", "");
    // Both are silent.
    world.clear();
    world.pass(80 * SECOND);
    assert_eq!(trunk(&mut world), [false]);
    // One answers again.
    world.clear();
    world.pass(10 * SECOND);
    let first = world.take(addr(A), "OPTIONS");
    reply(&mut world, &first, "404 Not Found", "x", "");
    assert_eq!(trunk(&mut world), [true]);
}

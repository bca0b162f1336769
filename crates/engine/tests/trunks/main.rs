//! Trunks with several peers: who is asked, how many calls they carry, what calls out say.

#[path = "../world/mod.rs"]
mod world;

mod channels;
mod failover;
mod health;
mod identity;
mod numbers;
mod told;

use meishier_engine::{Command, Reply};
use meishier_model::CallId;
use world::scene::talking;
use world::{Caller, Sent, World};

pub(crate) const A: &str = "10.0.1.1:5060";
pub(crate) const B: &str = "10.0.1.5:5060";
pub(crate) const C: &str = "10.0.1.6:5060";
/// The peer of the second trunk.
pub(crate) const OTHER: &str = "10.0.1.2:5060";

/// The usual configuration, the carrier with other keys, and three keys more.
pub(crate) fn config(carrier: &str) -> String {
    let keys = "\n[[transfer.keys]]\nname = \"120\"\nkind = \"emergency\"\ntrunk = \"carrier\"\n\
                backup = [\"at-once\"]\n\
                \n[[transfer.keys]]\nname = \"12345\"\nkind = \"hotline\"\ntrunk = \"carrier\"\n\
                \n[[transfer.keys]]\nname = \"12348\"\nkind = \"hotline\"\ntrunk = \"carrier\"\n\
                backup = [\"at-once\"]\n\n[routing]\n";
    world::CONFIG
        .replace("out = \"10.0.1.1:5060\"\n", &format!("{carrier}\n"))
        .replace(
            "peers = [\"10.0.1.2\"]",
            "peers = [\"10.0.1.2\"]\nto = [\"10.0.1.2\"]",
        )
        .replace("\n[routing]\n", keys)
}

pub(crate) fn world(carrier: &str) -> World {
    World::with(&config(carrier), world::TEN_O_CLOCK)
}

pub(crate) fn only_call(world: &World) -> CallId {
    world.shards.iter().flat_map(|s| s.calls()).next().unwrap()
}

pub(crate) fn press(world: &mut World, call: CallId, key: &str) {
    let reply = world.command(Command::press(call, key, "贵阳"));
    assert!(matches!(reply, Reply::Transfer(Ok(_))), "{reply:?}");
}

/// A caller and seat 0 talk, and the counsellor has pressed this key.
pub(crate) fn pressed(carrier: &str, key: &str) -> (World, (Caller, Sent), CallId) {
    let mut world = world(carrier);
    let parties = talking(&mut world);
    let call = only_call(&world);
    press(&mut world, call, key);
    (world, parties, call)
}

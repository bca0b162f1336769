//! What tests of routing begin with: a hotline with all policies, and callers by number.

use crate::world::scene::{S0, offer_at};
use crate::world::{CARRIER, CONFIG, Caller, Sent, TEN_O_CLOCK, World, answer, sdp};
use meishier_engine::{Command, Reply};
use meishier_model::CallId;

const POLICIES: &str = r#"
[risk]
dropped_within = "10min"
flagged_for = "24h"
own_hold = "5s"
danger_key = "9"

[nuisance]
calls_a_day = 3
class = 6

[redial]
within = "5min"

[care]
risk_calls_per_shift = 1
talk_per_shift = "1h"
recovery = { risk = "10min", emergency = "20min", long = "5min", long_from = "40min" }
"#;

pub fn config() -> String {
    format!("{CONFIG}{POLICIES}")
}

pub fn world() -> World {
    World::with(&config(), TEN_O_CLOCK)
}

/// A call of this number; `name` tells apart the calls of one number.
pub fn dial(world: &mut World, name: &str, number: &str) -> Caller {
    let caller = Caller::new(CARRIER, name);
    let header = format!("P-Asserted-Identity: <tel:{number}>\r\nMax-Forwards");
    let invite = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
    world.arrive(caller.from, &invite.replace("Max-Forwards", &header));
    caller
}

/// A caller of this number talks with the counsellor at seat 0; the caller, and the seat's INVITE.
pub fn talks(world: &mut World, name: &str, number: &str) -> (Caller, Sent) {
    let mut caller = dial(world, name, number);
    let offer = offer_at(world, S0);
    answer(world, &offer);
    caller.answered(world);
    (caller, offer)
}

pub fn call_of(world: &World) -> CallId {
    let mut calls = world.shards.iter().flat_map(|shard| shard.calls());
    calls.next().expect("a call")
}

pub fn newest(world: &World) -> CallId {
    let list = world.queue.waiting_list();
    list.iter()
        .max_by_key(|it| it.enqueued)
        .expect("somebody waits")
        .call
}

pub fn is_risk(world: &World, call: CallId) -> bool {
    let list = world.queue.waiting_list();
    list.iter().any(|it| it.call == call && it.risk)
}

pub fn everybody(world: &mut World, command: &Command) {
    for shard in 0..world.shards.len() {
        world.handle(
            shard,
            meishier_engine::Input::Command {
                token: 900,
                command: command.clone(),
            },
        );
    }
}

pub fn from_of(invite: &Sent) -> String {
    invite.header("From").to_owned()
}

/// Pools of a caller by name, and whether each is open.
pub fn open_pools(world: &mut World, call: CallId) -> Vec<(String, bool)> {
    let Reply::Why(Ok(why)) = world.command(Command::Why { call }) else {
        panic!("no answer")
    };
    let pools = why.pools.into_iter();
    pools.map(|it| (it.pool, it.open)).collect()
}

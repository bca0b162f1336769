//! People at seats and calls that have come some way, for tests that begin there.

use super::{CARRIER, Caller, Sent, World, addr, answer, reply, sdp};
use meishier_engine::{Command, Reply, SeatChange, SeatState};
use meishier_model::{CounsellorId, SeatId};
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const S0: &str = "10.0.2.0:5060";
pub const S1: &str = "10.0.2.1:5060";
pub const S2: &str = "10.0.2.2:5060";

pub fn sign_on(world: &mut World, seat: u32, counsellor: u32) {
    let pin = Some(format!("123{counsellor}"));
    let change = SeatChange::SignOn {
        counsellor: CounsellorId(counsellor),
        pin,
    };
    let reply = world.command(Command::Seat {
        seat: SeatId(seat),
        change,
    });
    let Reply::Seat(Ok(status)) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(status.state, SeatState::Ready);
}

pub fn seat_state(world: &mut World, seat: u32) -> SeatState {
    // Pausing a seat would change it; the view does not.
    let mut found = None;
    for shard in 0..world.shards.len() {
        let view = world.shards[shard].view(world.now);
        found = found.or(view
            .seats
            .iter()
            .find(|s| s.seat == SeatId(seat))
            .map(|s| s.state));
    }
    found.unwrap()
}

pub fn offer_at(world: &mut World, seat: &str) -> Sent {
    world.take(addr(seat), "INVITE")
}

/// One caller and one seat in conversation.
pub fn talking(world: &mut World) -> (Caller, Sent) {
    sign_on(world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(world);
    let invite = offer_at(world, S0);
    answer(world, &invite);
    caller.answered(world);
    (caller, invite)
}

/// Whom a key has called answers; gives the ACK.
pub fn police_answer(world: &mut World, invite: &Sent) -> Sent {
    reply(world, invite, "200 OK", "police", &sdp(invite.to, 7000));
    world.take(invite.to, "ACK")
}

pub fn baseline(world: &mut World, before: meishier_engine::Gauges) {
    // Transactions linger for 64*T1 (RFC 3261 §17); after that nothing may be left.
    world.pass(40 * SECOND);
    let after = world.gauges();
    assert_eq!(
        (after.calls, after.legs, after.ports),
        (before.calls, before.legs, before.ports)
    );
    assert_eq!(after.transactions, before.transactions);
    assert_eq!(after.timers, before.timers);
}

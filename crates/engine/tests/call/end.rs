//! The end of a call in every state, shutdown, and restarts in between.

use crate::world::scene::{
    S0, SECOND, baseline, offer_at, police_answer, seat_state, sign_on, talking,
};
use crate::world::{CARRIER, Caller, World, addr, answer, reply, sdp, seat_bye};
use meishier_engine::{Command, Input, SeatState};
use meishier_model::{OfferOutcome, Outcome, ReleasedBy, TransferOutcome};

#[test]
fn a_caller_who_hangs_up_while_queued_leaves_nothing() {
    let mut world = World::new();
    let before = world.gauges();
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    caller.cancel(&mut world);
    let end = world.take(caller.from, "SIP/2.0 487");
    world.take(caller.from, "SIP/2.0 200");
    assert!(end.header("To").contains(";tag="));
    let ack = caller.request("ACK", 1, "i", "");
    world.arrive(caller.from, &ack);
    assert_eq!(world.records[0].outcome, Outcome::Abandoned);
    assert_eq!(world.queue.counts().waiting, 0);
    baseline(&mut world, before);
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_leaves_no_ringing_phone() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let before = world.gauges();
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    reply(&mut world, &invite, "180 Ringing", "seat", "");
    caller.cancel(&mut world);
    let cancel = world.take(addr(S0), "CANCEL");
    reply(&mut world, &cancel, "200 OK", "seat", "");
    reply(&mut world, &invite, "487 Request Terminated", "seat", "");
    world.take(addr(S0), "ACK");
    let ack = caller.request("ACK", 1, "i", "");
    world.arrive(caller.from, &ack);
    assert_eq!(world.records[0].offers[0].outcome, OfferOutcome::CallerGone);
    assert_eq!(
        seat_state(&mut world, 0),
        SeatState::Ready,
        "no back-off for what the caller did"
    );
    baseline(&mut world, before);
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    reply(&mut world, &invite, "180 Ringing", "seat", "");
    caller.cancel(&mut world);
    reply(&mut world, &invite, "200 OK", "seat", &sdp(invite.to, 6000));
    world.take(addr(S0), "ACK");
    let bye = world.take(addr(S0), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    assert_eq!(world.records.len(), 1);
    assert_eq!(world.records[0].outcome, Outcome::Abandoned);
}

#[test]
fn the_seat_hangs_up_and_rests() {
    let mut world = World::new();
    let (caller, invite) = talking(&mut world);
    seat_bye(&mut world, &invite);
    world.take(addr(S0), "SIP/2.0 200");
    world.take(caller.from, "BYE");
    assert_eq!(world.records[0].released_by, ReleasedBy::Seat);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
}

#[test]
fn draining_refuses_new_calls_and_keeps_running_ones() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    for shard in 0..4 {
        world.handle(shard, Input::Drain);
    }
    let late = Caller::new(CARRIER, "2");
    late.invite(&mut world);
    let refused = world.take(late.from, "SIP/2.0 503");
    assert!(refused.find("Retry-After").is_some());
    caller.bye(&mut world);
    assert_eq!(world.records.len(), 1);
}

#[test]
fn the_second_signal_ends_every_call_with_its_record() {
    let mut world = World::new();
    let (talker, _) = talking(&mut world);
    let waiting = Caller::new(CARRIER, "2");
    waiting.invite(&mut world);
    for shard in 0..4 {
        world.handle(shard, Input::HangUpAll);
    }
    world.take(talker.from, "BYE");
    world.take(addr(S0), "BYE");
    world.take(waiting.from, "SIP/2.0 4");
    assert_eq!(world.records.len(), 2);
    assert_eq!(world.queue.counts().waiting, 0);
}

#[test]
fn an_ack_that_never_comes_ends_the_call_with_a_record() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    world.pass(40 * SECOND);
    world.take(addr(S0), "BYE");
    assert_eq!(world.records.len(), 1);
}

#[test]
fn snapshots_at_every_state_go_on_as_if_nothing_had_been() {
    // 0: queued, 1: offered, 2: talking, 3: key pressed, 4: three-way
    for stop in 0..6 {
        let mut world = World::new();
        let mut caller = Caller::new(CARRIER, "1");
        caller.invite(&mut world);
        let checkpoint = |world: &mut World, at: usize| {
            if at == stop {
                world.replace_by_snapshots();
            }
        };
        checkpoint(&mut world, 0);
        sign_on(&mut world, 0, 0);
        let invite = offer_at(&mut world, S0);
        checkpoint(&mut world, 1);
        answer(&mut world, &invite);
        caller.answered(&mut world);
        checkpoint(&mut world, 2);
        let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
        world.command(Command::press(call, "110", "贵阳"));
        let police = world.take(addr(CARRIER), "INVITE");
        checkpoint(&mut world, 3);
        police_answer(&mut world, &police);
        checkpoint(&mut world, 4);
        world.pass(SECOND);
        caller.bye(&mut world);
        world.take(caller.from, "SIP/2.0 200");
        checkpoint(&mut world, 5);
        seat_bye(&mut world, &invite);
        let bye = world.take(addr(CARRIER), "BYE");
        reply(&mut world, &bye, "200 OK", "", "");
        assert_eq!(world.records.len(), 1, "stop {stop}");
        assert_eq!(world.records[0].outcome, Outcome::Answered);
        assert_eq!(
            world.records[0].transfers[0].outcome,
            TransferOutcome::Joined
        );
        world.pass(60 * SECOND);
        let gauges = world.gauges();
        assert_eq!(
            (gauges.calls, gauges.legs, gauges.ports),
            (0, 0, 0),
            "stop {stop}"
        );
        assert_eq!(seat_state(&mut world, 0), SeatState::Ready, "stop {stop}");
    }
}

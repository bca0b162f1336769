//! The process ends in the middle of a call and another one goes on from what was written.

use crate::world::scene::{S0, S1, S2, SECOND, offer_at, seat_state, sign_on, talking};
use crate::world::{
    CARRIER, CONFIG, Caller, Post, Sent, World, addr, answer, read, reply, sdp, seat_bye,
};
use meishier_engine::{Command, Notice, SeatChange, SeatState, dispatch};
use meishier_model::{
    CallId, CounsellorId, OfferOutcome, Outcome, ReleasedBy, SeatId, ShardId, TransferOutcome,
};

/// How far the call has come when the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    Queued,
    Offered,
    Ringing,
    Talking,
    KeyPressed,
    TargetRings,
    ThreeWay,
    CounsellorGone,
    Never,
}

const STOPS: [Stop; 9] = [
    Stop::Queued,
    Stop::Offered,
    Stop::Ringing,
    Stop::Talking,
    Stop::KeyPressed,
    Stop::TargetRings,
    Stop::ThreeWay,
    Stop::CounsellorGone,
    Stop::Never,
];

fn the_call(world: &World) -> CallId {
    let mut calls = world.shards.iter().flat_map(|s| s.calls());
    calls.next().unwrap()
}

fn press(world: &mut World) -> Sent {
    let call = the_call(world);
    world.command(Command::press(call, "110", "贵阳"));
    world.take(addr(CARRIER), "INVITE")
}

#[test]
fn a_call_goes_on_from_wherever_it_stood() {
    for stop in STOPS {
        let mut world = World::new();
        let before = world.gauges();
        let end_here = |world: &mut World, at: Stop| {
            if at == stop {
                world.restart();
            }
        };
        let mut caller = Caller::new(CARRIER, "1");
        caller.invite(&mut world);
        end_here(&mut world, Stop::Queued);
        sign_on(&mut world, 0, 0);
        let seat = offer_at(&mut world, S0);
        end_here(&mut world, Stop::Offered);
        reply(&mut world, &seat, "180 Ringing", "seat", "");
        end_here(&mut world, Stop::Ringing);
        world.pass(SECOND);
        answer(&mut world, &seat);
        caller.answered(&mut world);
        end_here(&mut world, Stop::Talking);
        world.pass(5 * SECOND);
        let police = press(&mut world);
        end_here(&mut world, Stop::KeyPressed);
        reply(&mut world, &police, "180 Ringing", "police", "");
        end_here(&mut world, Stop::TargetRings);
        let body = sdp(police.to, 7000);
        reply(&mut world, &police, "200 OK", "police", &body);
        world.take(police.to, "ACK");
        end_here(&mut world, Stop::ThreeWay);
        world.pass(SECOND);
        seat_bye(&mut world, &seat);
        world.take(addr(S0), "SIP/2.0 200");
        end_here(&mut world, Stop::CounsellorGone);
        assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup, "{stop:?}");
        world.pass(10 * SECOND);
        assert_eq!(seat_state(&mut world, 0), SeatState::Ready, "{stop:?}");
        caller.bye(&mut world);
        world.take(caller.from, "SIP/2.0 200");
        let bye = world.take(addr(CARRIER), "BYE");
        reply(&mut world, &bye, "200 OK", "", "");
        let [record] = &world.records[..] else {
            panic!("one record, {stop:?}");
        };
        assert_eq!(record.outcome, Outcome::Answered, "{stop:?}");
        assert_eq!(record.released_by, ReleasedBy::Caller, "{stop:?}");
        assert_eq!(record.talked_ms, 6000, "{stop:?}");
        assert_eq!(record.offers.len(), 1, "{stop:?}");
        assert_eq!(record.transfers[0].outcome, TransferOutcome::Joined);
        world.pass(60 * SECOND);
        let after = world.gauges();
        assert_eq!(
            (after.calls, after.legs, after.ports, after.transactions),
            (before.calls, before.legs, before.ports, before.transactions),
            "{stop:?}"
        );
        assert_eq!(world.queue.counts().lines_used, [0, 0], "{stop:?}");
        let odd = |n: &&Notice| matches!(n, Notice::Unexpected(_));
        assert_eq!(world.notices.iter().find(odd), None, "{stop:?}");
    }
}

#[test]
fn callers_keep_their_order_and_what_was_opened_for_them() {
    let mut world = World::new();
    let (talker, _) = talking(&mut world);
    let first = Caller::new(CARRIER, "1");
    first.invite(&mut world);
    world.pass(6 * SECOND);
    let second = Caller::new(CARRIER, "2");
    second.invite(&mut world);
    world.restart();
    // The province opens for the first caller when it would have, and for nobody sooner.
    sign_on(&mut world, 2, 2);
    world.none(addr(S2), "INVITE");
    world.pass(5 * SECOND);
    let seat = offer_at(&mut world, S2);
    assert!(seat.header("From").contains("sip:1@"));
    reply(&mut world, &seat, "486 Busy Here", "seat", "");
    world.restart();
    // Put back, in its place, with the province open.
    talker.bye(&mut world);
    world.ask(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Ready,
    });
    let seat = offer_at(&mut world, S0);
    assert!(seat.header("From").contains("sip:1@"));
    world.clear();
    world.pass(5 * SECOND);
    let seat = offer_at(&mut world, S2);
    assert!(seat.header("From").contains("sip:2@"), "back-off over");
}

#[test]
fn a_seat_rests_as_long_as_it_had_left_to() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let seat = offer_at(&mut world, S0);
    reply(&mut world, &seat, "486 Busy Here", "seat", "");
    world.clear();
    world.pass(3 * SECOND);
    world.restart();
    assert_eq!(seat_state(&mut world, 0), SeatState::Backoff);
    world.pass(SECOND);
    world.none(addr(S0), "INVITE");
    world.pass(SECOND);
    offer_at(&mut world, S0);
    // And the ring limit, which the first engine had set.
    world.restart();
    world.pass(19 * SECOND);
    world.none(addr(S0), "CANCEL");
    reply(&mut world, &seat, "180 Ringing", "seat", "");
    world.pass(2 * SECOND);
    assert_eq!(seat_state(&mut world, 0), SeatState::Backoff);
    caller.cancel(&mut world);
    let outcomes: Vec<_> = world.records[0].offers.iter().map(|o| o.outcome).collect();
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0], OfferOutcome::Refused);
}

#[test]
fn lines_of_calls_that_go_on_are_taken() {
    let mut world = World::new();
    let (_caller, _seat) = talking(&mut world);
    world.restart();
    assert_eq!(world.queue.counts().lines_used, [1, 0]);
    assert_eq!(world.queue.counts().matches, 1, "offers go on counting");
    sign_on(&mut world, 1, 1);
    let next = Caller::new(CARRIER, "2");
    next.invite(&mut world);
    offer_at(&mut world, S1);
    assert_eq!(world.queue.counts().matches, 2);
}

/// Whose call lives on another shard than seat s0.
fn stranger(world: &World) -> Caller {
    let callers = (0..).map(|n| Caller::new(CARRIER, &format!("{n}")));
    let elsewhere = |caller: &Caller| {
        let text = caller.request("INVITE", 1, "i", "");
        dispatch(text.as_bytes(), &world.config, 4) != ShardId(0)
    };
    callers.into_iter().find(elsewhere).unwrap()
}

#[test]
fn a_match_that_a_shard_has_not_read_is_read_afterwards() {
    for seat_first in [true, false] {
        let mut world = World::new();
        if seat_first {
            sign_on(&mut world, 0, 0);
        }
        world.post = Some(Post::default());
        let caller = stranger(&world);
        caller.invite(&mut world);
        if !seat_first {
            let (counsellor, pin) = (CounsellorId(0), None);
            let change = SeatChange::SignOn { counsellor, pin };
            let seat = SeatId(0);
            world.ask(Command::Seat { seat, change });
        }
        // The one shard has read it, the other has not.
        let states = [SeatState::Ready, SeatState::Offered];
        assert_eq!(seat_state(&mut world, 0), states[usize::from(!seat_first)]);
        world.restart();
        assert_eq!(world.queue.counts().lines_used, [1, 0]);
        assert_eq!(
            (world.queue.counts().waiting, world.queue.counts().ready),
            (0, 0)
        );
        world.deliver_all();
        offer_at(&mut world, S0);
        assert_eq!(seat_state(&mut world, 0), SeatState::Offered);
        assert_eq!(world.queue.counts().matches, 1);
    }
}

#[test]
fn what_shards_had_written_to_each_other_arrives_afterwards() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    world.post = Some(Post::default());
    let mut caller = stranger(&world);
    caller.invite(&mut world);
    world.deliver_all();
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    caller.answered(&mut world);
    caller.bye(&mut world);
    assert_eq!(
        seat_state(&mut world, 0),
        SeatState::Offered,
        "knows nothing"
    );
    world.restart();
    world.deliver_all();
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    assert_eq!(world.records.len(), 1);
}

#[test]
fn a_call_that_cannot_be_taken_in_leaves_a_record_and_its_seat_and_line() {
    let mut world = World::new();
    let (_talker, _seat) = talking(&mut world);
    let shard_of = |caller: &Caller| {
        let text = caller.request("INVITE", 1, "i", "");
        dispatch(text.as_bytes(), &read(CONFIG), 4)
    };
    let home = ShardId(the_call(&world).shard().0);
    let callers = (0..).map(|n| Caller::new(CARRIER, &format!("{n}")));
    let mut beside = callers.filter(|caller| shard_of(caller) == home);
    let waits = beside.next().unwrap();
    waits.invite(&mut world);
    let shard = usize::from(shard_of(&waits).0);
    // The conversation's legs are said to be the waiting caller's.
    world.restart_from(|written| {
        let calls = written["shards"][shard]["calls"].as_array_mut().unwrap();
        calls.reverse();
        calls[1]["legs"] = calls[0]["legs"].clone();
    });
    let [record] = &world.records[..] else {
        panic!("one record")
    };
    assert_eq!(
        (record.outcome, record.released_by),
        (Outcome::Failed, ReleasedBy::Engine)
    );
    assert_eq!(world.queue.counts().lines_used, [0, 0]);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    world.pass(10 * SECOND);
    let seat = offer_at(&mut world, S0);
    assert!(
        seat.header("From")
            .contains(&format!("sip:{}@", waits.name))
    );
}

//! Calls from INVITE to record, told as a person would.

mod world;

use meishier_engine::media::{MediaCommand, PromptId, Source};
use meishier_engine::{
    Command, CommandError, Input, Notice, Refusal, Reply, SeatChange, SeatState,
};
use meishier_model::{
    CounsellorId, OfferOutcome, Outcome, ReleasedBy, SeatId, TransferOutcome, Wall,
};
use std::time::Duration;
use world::{
    CARRIER, CONFIG, Caller, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp, seat_bye,
};

const SECOND: Duration = Duration::from_secs(1);
const S0: &str = "10.0.2.0:5060";
const S1: &str = "10.0.2.1:5060";
const S2: &str = "10.0.2.2:5060";

fn sign_on(world: &mut World, seat: u32, counsellor: u32) {
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

fn seat_state(world: &mut World, seat: u32) -> SeatState {
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

fn offer_at(world: &mut World, seat: &str) -> Sent {
    world.take(addr(seat), "INVITE")
}

/// One caller and one seat in conversation.
fn talking(world: &mut World) -> (Caller, Sent) {
    sign_on(world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(world);
    let invite = offer_at(world, S0);
    answer(world, &invite);
    caller.answered(world);
    (caller, invite)
}

fn baseline(world: &mut World, before: meishier_engine::Gauges) {
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

#[test]
fn a_free_seat_is_offered_at_once_and_the_call_leaves_one_record() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let before = world.gauges();
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    world.take(caller.from, "SIP/2.0 100");
    world.take(caller.from, "SIP/2.0 180");
    let invite = offer_at(&mut world, S0);
    assert!(
        invite.header("From").contains("sip:13300000001@"),
        "the caller's user is kept"
    );
    assert!(invite.find("X-Meishier-Call").is_some());
    reply(&mut world, &invite, "180 Ringing", "seat", "");
    world.none(caller.from, "SIP/2.0 200");
    answer(&mut world, &invite);
    caller.answered(&mut world);
    assert!(caller.answer.as_ref().unwrap().body().contains("m=audio 2"));
    world.pass(3 * SECOND);
    caller.bye(&mut world);
    world.take(caller.from, "SIP/2.0 200");
    let bye = world.take(addr(S0), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    let record = &world.records[0];
    assert_eq!(world.records.len(), 1);
    assert_eq!(
        (record.outcome, record.released_by),
        (Outcome::Answered, ReleasedBy::Caller)
    );
    assert_eq!(record.talked_ms, 3000);
    assert_eq!(record.seat.as_deref(), Some("s0"));
    assert_eq!(record.counsellor.as_deref(), Some("100"));
    assert_eq!(record.pool.as_deref(), Some("city"));
    assert_eq!(record.offers.len(), 1);
    assert_eq!(record.rtp_caller.received, 7);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    world.pass(10 * SECOND);
    assert_eq!(seat_state(&mut world, 0), SeatState::Ready);
    baseline(&mut world, before);
}

#[test]
fn speech_goes_both_ways_and_nothing_else_is_heard() {
    let mut world = World::new();
    let _ = talking(&mut world);
    let last: Vec<_> = world
        .media
        .iter()
        .filter_map(|c| match c {
            MediaCommand::Hear { port, source } => Some((*port, source.clone())),
            _ => None,
        })
        .collect();
    let (caller_port, caller_hears) = last[last.len() - 2].clone();
    let (seat_port, seat_hears) = last[last.len() - 1].clone();
    assert_eq!(caller_hears, Source::Peer(seat_port));
    assert_eq!(seat_hears, Source::Peer(caller_port));
}

#[test]
fn nobody_free_the_caller_waits_with_music_after_the_200_and_gets_the_next_seat() {
    let mut world = World::new();
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    world.take(caller.from, "SIP/2.0 180");
    world.pass(29 * SECOND);
    world.none(caller.from, "SIP/2.0 200");
    world.pass(2 * SECOND);
    caller.answered(&mut world);
    let greeted = world.media.iter().any(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Playlist { prompts, then_music: true, .. }, .. }
            if prompts == &[PromptId::Greeting, PromptId::AllBusy])
    });
    assert!(greeted);
    world.pass(31 * SECOND);
    let told = world.media.iter().any(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Playlist { prompts, .. }, .. }
            if prompts.contains(&PromptId::NextInLine))
    });
    assert!(told, "the position is said");
    sign_on(&mut world, 0, 0);
    let invite = offer_at(&mut world, S0);
    world.clear();
    reply(&mut world, &invite, "200 OK", "seat", &sdp(invite.to, 6000));
    let Some(Notice::Offered {
        ready_to_invite: Some(time),
        ..
    }) = world
        .notices
        .iter()
        .find(|n| matches!(n, Notice::Offered { .. }))
    else {
        panic!("measured from the seat's readiness")
    };
    assert_eq!(*time, Duration::ZERO);
    world.none(caller.from, "SIP/2.0 200");
}

#[test]
fn an_at_once_trunk_is_answered_before_a_seat_is_found() {
    let mut world = World::new();
    let mut caller = Caller::new("10.0.1.2:5060", "13300000009");
    caller.invite(&mut world);
    caller.answered(&mut world);
    assert!(world.records.is_empty());
}

#[test]
fn a_busy_seat_passes_the_caller_on_and_is_kept_out() {
    for status in [
        "486 Busy Here",
        "480 Temporarily Unavailable",
        "603 Decline",
    ] {
        let mut world = World::new();
        sign_on(&mut world, 0, 0);
        sign_on(&mut world, 1, 1);
        let caller = Caller::new(CARRIER, "13300000001");
        caller.invite(&mut world);
        let invite = offer_at(&mut world, S0);
        reply(&mut world, &invite, status, "seat", "");
        world.take(addr(S0), "ACK");
        let next = offer_at(&mut world, S1);
        assert_eq!(seat_state(&mut world, 0), SeatState::Backoff);
        reply(&mut world, &next, status, "seat", "");
        assert_eq!(seat_state(&mut world, 1), SeatState::Backoff);
        world.clear();
        world.pass(Duration::from_millis(4900));
        world.none(addr(S0), "INVITE");
        world.pass(SECOND);
        offer_at(&mut world, S0);
    }
}

#[test]
fn no_answer_is_cancelled_at_the_ring_limit_and_the_third_pauses_the_seat() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    for round in 1..=3 {
        let invite = offer_at(&mut world, S0);
        reply(&mut world, &invite, "180 Ringing", "seat", "");
        world.pass(20 * SECOND);
        if round == 2 {
            caller.answered(&mut world);
        }
        let cancel = world.take(addr(S0), "CANCEL");
        reply(&mut world, &cancel, "200 OK", "seat", "");
        reply(&mut world, &invite, "487 Request Terminated", "seat", "");
        let expected = if round == 3 {
            SeatState::Paused
        } else {
            SeatState::Backoff
        };
        assert_eq!(seat_state(&mut world, 0), expected);
        world.clear();
        world.pass(6 * SECOND);
    }
    assert!(world.notices.iter().any(|n| matches!(
        n,
        Notice::Seat {
            by_engine: true,
            to: SeatState::Paused,
            ..
        }
    )));
    world.none(addr(S0), "INVITE");
}

#[test]
fn a_put_back_caller_keeps_its_place() {
    let mut world = World::new();
    let first = Caller::new(CARRIER, "1");
    first.invite(&mut world);
    world.pass(SECOND);
    let second = Caller::new(CARRIER, "2");
    second.invite(&mut world);
    sign_on(&mut world, 0, 0);
    let invite = offer_at(&mut world, S0);
    assert!(invite.header("From").contains("sip:1@"));
    reply(&mut world, &invite, "486 Busy Here", "seat", "");
    world.clear();
    sign_on(&mut world, 1, 1);
    let invite = offer_at(&mut world, S1);
    assert!(
        invite.header("From").contains("sip:1@"),
        "not overtaken by the later caller"
    );
}

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
fn a_seat_that_never_answers_the_invite_is_unreachable_and_the_caller_goes_on() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    offer_at(&mut world, S0);
    world.pass(21 * SECOND);
    assert_ne!(seat_state(&mut world, 0), SeatState::Offered);
    assert_eq!(world.queue.counts().waiting, 1);
}

#[test]
fn the_province_opens_after_its_wait() {
    let mut world = World::new();
    sign_on(&mut world, 2, 2);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    world.none(addr(S2), "INVITE");
    world.pass(10 * SECOND);
    offer_at(&mut world, S2);
}

#[test]
fn a_pool_closed_by_night_does_not_delay_the_next() {
    // 23:00: the city's lines are closed, the province is open.
    let mut world = World::with(CONFIG, Wall(TEN_O_CLOCK.0 + 13 * 3_600_000));
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 2, 2);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    offer_at(&mut world, S2);
    world.none(addr(S0), "INVITE");
}

#[test]
fn lines_limit_calls_in_ring_and_talk_and_follow_the_clock() {
    let mut world = World::new();
    for (seat, who) in [(0, 0), (1, 1)] {
        sign_on(&mut world, seat, who);
    }
    // Not before 18:00 do the city's lines close; nothing else asks the engine meanwhile.
    world.pass(Duration::from_secs(8 * 3600 + 1));
    assert!(
        world
            .notices
            .iter()
            .any(|n| matches!(n, Notice::Lines { lines: 0, .. }))
    );
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    world.none(addr(S0), "INVITE");
    world.none(addr(S1), "INVITE");
}

#[test]
fn strangers_are_refused_and_counted() {
    let mut world = World::new();
    let caller = Caller::new("10.9.9.9:5060", "1");
    caller.invite(&mut world);
    world.take(caller.from, "SIP/2.0 403");
    assert!(
        world
            .notices
            .contains(&Notice::Refused(Refusal::UnknownSource))
    );
    assert_eq!(world.gauges().calls, 0);
}

#[test]
fn no_media_in_common_is_488() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "1");
    let body = sdp(caller.from, 4000)
        .replace("RTP/AVP 8 101", "RTP/AVP 96")
        .replace("8 PCMA/8000", "96 AMR/8000");
    let text = caller.request("INVITE", 1, "i", &body);
    world.arrive(caller.from, &text);
    world.take(caller.from, "SIP/2.0 488");
    assert_eq!(world.gauges().ports, 0);
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
fn sign_on_holds_pin_seat_qualification_and_uniqueness() {
    let mut world = World::new();
    let mut try_on = |seat: u32, who: u32, pin: &str| {
        let change = SeatChange::SignOn {
            counsellor: CounsellorId(who),
            pin: Some(pin.to_owned()),
        };
        match world.command(Command::Seat {
            seat: SeatId(seat),
            change,
        }) {
            Reply::Seat(result) => result.map(|s| s.state),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(try_on(0, 0, "9999"), Err(CommandError::NotAdmitted));
    assert_eq!(try_on(0, 77, "1230"), Err(CommandError::NotAdmitted));
    assert_eq!(try_on(1, 3, "2000"), Err(CommandError::SeatNotPermitted));
    assert_eq!(
        try_on(0, 3, "2000"),
        Err(CommandError::QualificationExpired)
    );
    assert_eq!(try_on(0, 0, "1230"), Ok(SeatState::Ready));
    assert_eq!(
        try_on(1, 0, "1230"),
        Err(CommandError::SignedOnElsewhere("s0".into()))
    );
    assert_eq!(
        try_on(0, 1, "1231"),
        Err(CommandError::SeatTaken("100".into()))
    );
    assert_eq!(try_on(1, 1, "1231"), Ok(SeatState::Ready));
    let off = world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::SignOff,
    });
    assert!(matches!(off, Reply::Seat(Ok(status)) if status.state == SeatState::SignedOff));
    sign_on(&mut world, 2, 0);
}

#[test]
fn a_pause_while_it_rings_takes_the_offer_back() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    reply(&mut world, &invite, "180 Ringing", "seat", "");
    let change = SeatChange::Pause {
        reason: "rest".into(),
    };
    world.command(Command::Seat {
        seat: SeatId(0),
        change,
    });
    world.take(addr(S0), "CANCEL");
    assert_eq!(seat_state(&mut world, 0), SeatState::Paused);
    assert_eq!(world.queue.counts().waiting, 1);
}

#[test]
fn the_key_brings_the_police_in_and_three_hear_each_other() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    let press = |world: &mut World, key: &str, city: &str| match world.command(Command::Transfer {
        call,
        key: key.into(),
        city: city.into(),
    }) {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        press(&mut world, "999", "贵阳"),
        Err(CommandError::UnknownKey)
    );
    assert_eq!(
        press(&mut world, "110", "某地"),
        Err(CommandError::UnknownCity)
    );
    let started = press(&mut world, "110", "贵阳").unwrap();
    assert_eq!(started.dialled, "0851110");
    assert_eq!(
        press(&mut world, "110", "贵阳"),
        Err(CommandError::TransferRunning)
    );
    let invite = world.take(addr(CARRIER), "INVITE sip:0851110@");
    reply(&mut world, &invite, "180 Ringing", "police", "");
    reply(
        &mut world,
        &invite,
        "200 OK",
        "police",
        &sdp(invite.to, 7000),
    );
    world.take(addr(CARRIER), "ACK");
    let mixes = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Mix(parties), .. } if parties.len() == 2)
    });
    assert_eq!(mixes.count(), 3);
    caller.bye(&mut world);
    world.take(addr(S0), "BYE");
    world.take(addr(CARRIER), "BYE");
    let record = &world.records[0];
    assert_eq!(record.transfers.len(), 1);
    assert_eq!(record.transfers[0].outcome, TransferOutcome::Joined);
    assert!(record.transfers[0].answered.is_some());
}

#[test]
fn a_transfer_that_fails_leaves_the_conversation_alone_and_is_heard() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    for status in ["486 Busy Here", "404 Not Found", "503 Service Unavailable"] {
        world.command(Command::Transfer {
            call,
            key: "110".into(),
            city: "贵阳".into(),
        });
        let invite = world.take(addr(CARRIER), "INVITE");
        reply(&mut world, &invite, status, "police", "");
        world.none(caller.from, "BYE");
        world.none(addr(S0), "BYE");
    }
    let told = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. }
            if prompts == &[PromptId::TransferFailed])
    });
    assert_eq!(told.count(), 6, "both, each time");
    // Nobody answers: the ring limit ends it.
    world.command(Command::Transfer {
        call,
        key: "110".into(),
        city: "0851".into(),
    });
    world.command(Command::Transfer {
        call,
        key: "110".into(),
        city: "520100".into(),
    });
    let invite = world.take(addr(CARRIER), "INVITE");
    reply(&mut world, &invite, "180 Ringing", "police", "");
    world.pass(31 * SECOND);
    world.take(addr(CARRIER), "CANCEL");
    caller.bye(&mut world);
    let outcomes: Vec<_> = world.records[0]
        .transfers
        .iter()
        .map(|t| t.outcome)
        .collect();
    assert_eq!(outcomes[3], TransferOutcome::NoAnswer);
    assert!(outcomes[..3].iter().all(|o| *o == TransferOutcome::Failed));
}

#[test]
fn the_counsellor_leaves_and_the_caller_stays_with_the_police() {
    let mut world = World::new();
    let (caller, seat) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    world.command(Command::Transfer {
        call,
        key: "110".into(),
        city: "贵阳".into(),
    });
    let invite = world.take(addr(CARRIER), "INVITE");
    reply(
        &mut world,
        &invite,
        "200 OK",
        "police",
        &sdp(invite.to, 7000),
    );
    seat_bye(&mut world, &seat);
    world.none(caller.from, "BYE");
    world.none(addr(CARRIER), "BYE");
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    caller.bye(&mut world);
    world.take(addr(CARRIER), "BYE");
    assert_eq!(world.records.len(), 1);
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
    for stop in 0..5 {
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
        world.command(Command::Transfer {
            call,
            key: "110".into(),
            city: "贵阳".into(),
        });
        let police = world.take(addr(CARRIER), "INVITE");
        checkpoint(&mut world, 3);
        reply(
            &mut world,
            &police,
            "200 OK",
            "police",
            &sdp(police.to, 7000),
        );
        world.take(addr(CARRIER), "ACK");
        checkpoint(&mut world, 4);
        world.pass(SECOND);
        caller.bye(&mut world);
        world.take(caller.from, "SIP/2.0 200");
        for at in [S0, CARRIER] {
            let bye = world.take(addr(at), "BYE");
            reply(&mut world, &bye, "200 OK", "", "");
        }
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

#[test]
fn a_call_is_let_in_only_while_a_port_is_left_for_its_seat() {
    let mut world = World::with_ports(CONFIG, TEN_O_CLOCK, 5);
    // All callers on one shard: Call-IDs are tried until they fall there.
    let mut callers = Vec::new();
    for n in 0..400 {
        let caller = Caller::new(CARRIER, &format!("{n}"));
        let text = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
        if meishier_engine::dispatch(text.as_bytes(), &world.config, 4).0 == 0 {
            callers.push(caller);
        }
    }
    for caller in &callers[..5] {
        caller.invite(&mut world);
    }
    // Five ports: two callers and their two seats; the third would leave its seat without one.
    assert_eq!(world.gauges().calls, 2);
    world.take(addr(CARRIER), "SIP/2.0 503");
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 1, 1);
    offer_at(&mut world, S0);
    offer_at(&mut world, S1);
    assert_eq!(seat_state(&mut world, 0), SeatState::Offered);
}

//! A seat is found: at once, after a refusal, after a ring limit.

use crate::world::scene::{S0, S1, SECOND, baseline, offer_at, seat_state, sign_on, talking};
use crate::world::{CARRIER, CONFIG, Caller, TEN_O_CLOCK, World, addr, answer, reply, sdp};
use meishier_engine::media::{MediaCommand, Source};
use meishier_engine::{Command, Notice, Refusal, SeatChange, SeatState};
use meishier_model::{Outcome, ReleasedBy, SeatId};
use std::time::Duration;

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

/// Callers of numbers that begin with `first`, all on one shard: Call-IDs are tried until they fall
/// there.
fn callers_on_one_shard(world: &World, first: char, count: usize) -> Vec<Caller> {
    let numbers = (0..2_000).map(|n| format!("{first}{n}"));
    let callers = numbers.map(|number| Caller::new(CARRIER, &number));
    let here = callers.filter(|caller| {
        let text = caller.request("INVITE", 1, "i", "");
        meishier_engine::dispatch(text.as_bytes(), &world.config, 4).0 == 0
    });
    here.take(count).collect()
}

/// The configuration with a route by which callers of 7… are at risk.
fn with_risk_route(text: &str) -> String {
    let risk = "[[routes]]\nname = \"known\"\ncallers = [\"7\"]\nrisk = true\nrings = [\"city\"]\n\n[[routes]]";
    text.replacen("[[routes]]", risk, 1)
}

#[test]
fn callers_at_risk_have_ports_of_their_own() {
    // 24 ports: two callers at risk and their seats find room when nobody else does.
    let mut world = World::with_ports(&with_risk_route(CONFIG), TEN_O_CLOCK, 24);
    for caller in callers_on_one_shard(&world, '1', 40) {
        caller.invite(&mut world);
    }
    let ordinary = world.gauges().calls;
    let risk = callers_on_one_shard(&world, '7', 40);
    for caller in &risk[..2] {
        caller.invite(&mut world);
    }
    assert_eq!(world.gauges().calls, ordinary + 2);
    assert_eq!(refused_at_risk(&world), 0);
    // Nobody is thrown out when even that is used up; it is told.
    for caller in &risk[2..] {
        caller.invite(&mut world);
    }
    let all = world.gauges().calls;
    assert!(all >= ordinary + 2 && refused_at_risk(&world) as u64 == 40 - (all - ordinary));
    assert_eq!(world.records.len(), 0);
    // And each of them has a port for the seat.
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 1, 1);
    offer_at(&mut world, S0);
    offer_at(&mut world, S1);
}

#[test]
fn callers_at_risk_have_places_of_their_own() {
    let few = with_risk_route(CONFIG).replacen("max_calls = 100", "max_calls = 40", 1);
    let mut world = World::with_ports(&few, TEN_O_CLOCK, 200);
    for caller in callers_on_one_shard(&world, '1', 40) {
        caller.invite(&mut world);
    }
    // Twice the even share of forty among four shards is twenty; a sixth of it is kept.
    assert_eq!(world.gauges().calls, 17);
    for caller in callers_on_one_shard(&world, '7', 4) {
        caller.invite(&mut world);
    }
    assert_eq!((world.gauges().calls, refused_at_risk(&world)), (20, 1));
}

fn refused_at_risk(world: &World) -> usize {
    let told = |notice: &&Notice| matches!(notice, Notice::Refused(Refusal::RiskOverload));
    world.notices.iter().filter(told).count()
}

#[test]
fn a_telephone_that_refuses_at_once_is_not_called_without_end() {
    let text = CONFIG.replace("backoff = \"5s\"", "backoff = \"0s\"");
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    for _ in 0..3 {
        let invite = offer_at(&mut world, S0);
        reply(&mut world, &invite, "486 Busy Here", "seat", "");
        world.take(addr(S0), "ACK");
        world.none(addr(S0), "INVITE");
        assert_eq!(seat_state(&mut world, 0), SeatState::Backoff);
        world.pass(SECOND);
    }
}

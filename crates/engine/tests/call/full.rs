//! A queue without room: whom it costs a place, and whom it may not.

use crate::world::scene::{S0, SECOND, baseline, offer_at, sign_on};
use crate::world::{CARRIER, CONFIG, Caller, TEN_O_CLOCK, World, addr, answer, reply};
use meishier_engine::media::{MediaCommand, Source};
use meishier_engine::{Notice, Refusal};
use meishier_model::Outcome;
use std::time::Duration;

/// Longer than a caller who was refused waits to ask again.
const SOON: Duration = Duration::from_millis(250);

/// Two shards' worth of calls and a queue for one caller; callers of 7… are at risk.
fn small() -> World {
    let risk = "[[routes]]\nname = \"known\"\ncallers = [\"7\"]\nrisk = true\nrings = [\"city\"]\n\n[[routes]]";
    let text = CONFIG.replacen("[[routes]]", risk, 1);
    World::with_rules(&text, TEN_O_CLOCK, 200, |rules| {
        rules.max_callers = 1;
        rules.capacity = 1;
    })
}

fn outside(world: &World) -> Vec<bool> {
    let told = world.notices.iter().filter_map(|notice| match notice {
        Notice::KeptOutside { risk, .. } => Some(*risk),
        _ => None,
    });
    told.collect()
}

#[test]
fn an_ordinary_caller_is_told_when_to_call_again() {
    let mut world = small();
    Caller::new(CARRIER, "1").invite(&mut world);
    let second = Caller::new(CARRIER, "2");
    world.clear();
    second.invite(&mut world);
    let refused = world.take(second.from, "SIP/2.0 503");
    assert_eq!(refused.header("Retry-After"), "5");
    assert!(world.notices.contains(&Notice::Refused(Refusal::Overload)));
    assert_eq!(world.gauges().calls, 1);
    assert!(outside(&world).is_empty());
}

#[test]
fn a_caller_at_risk_stays_on_the_line_and_is_let_in_by_the_first_place_that_comes_free() {
    let mut world = small();
    let before = world.gauges();
    let mut first = Caller::new("10.0.1.1:5070", "1");
    first.invite(&mut world);
    world.clear();
    let mut risk = Caller::new(CARRIER, "71");
    risk.invite(&mut world);
    world.none(risk.from, "SIP/2.0 503");
    world.take(risk.from, "SIP/2.0 180");
    assert_eq!(outside(&world), [true], "told");
    assert_eq!((world.gauges().calls, world.queue.counts().waiting), (2, 1));
    // It hears what all hear who wait.
    world.pass(31 * SECOND);
    risk.answered(&mut world);
    first.answered(&mut world);
    let hears = |c: &&MediaCommand| {
        matches!(
            c,
            MediaCommand::Hear {
                source: Source::Playlist {
                    then_music: true,
                    ..
                },
                ..
            }
        )
    };
    assert!(world.media.iter().filter(hears).count() >= 2);
    assert_eq!(outside(&world), [true], "once, however often it asked");

    first.bye(&mut world);
    world.pass(SOON);
    let waiting = world.queue.waiting_list();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].risk);
    assert_eq!(waiting[0].stamp.at, world_start(), "its arrival's place");
    sign_on(&mut world, 0, 0);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    risk.bye(&mut world);
    let bye = world.take(addr(S0), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.pass(11 * SECOND);
    let record = world
        .records
        .iter()
        .find(|r| r.outcome == Outcome::Answered);
    assert!(record.is_some());
    baseline(&mut world, before);
}

/// When the world began, and everybody called.
fn world_start() -> meishier_model::Mono {
    meishier_model::Mono(1_000_000)
}

#[test]
fn who_was_let_in_before_and_finds_no_place_is_not_lost() {
    let mut world = small();
    sign_on(&mut world, 0, 0);
    let first = Caller::new(CARRIER, "1");
    first.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    // While it rings for the first, a second takes the only place.
    let second = Caller::new(CARRIER, "2");
    second.invite(&mut world);
    reply(&mut world, &invite, "486 Busy Here", "seat", "");
    assert_eq!(outside(&world), [false]);
    assert_eq!((world.gauges().calls, world.queue.counts().waiting), (2, 1));
    second.cancel(&mut world);
    world.pass(SOON);
    assert_eq!(world.queue.counts().waiting, 1);
    world.clear();
    world.pass(5 * SECOND);
    offer_at(&mut world, S0);
}

#[test]
fn who_hangs_up_outside_leaves_nothing() {
    let mut world = small();
    let before = world.gauges();
    let first = Caller::new(CARRIER, "1");
    first.invite(&mut world);
    let risk = Caller::new(CARRIER, "71");
    risk.invite(&mut world);
    risk.cancel(&mut world);
    risk.ack(&mut world);
    assert_eq!(world.records.len(), 1);
    first.cancel(&mut world);
    first.ack(&mut world);
    assert_eq!(world.records.len(), 2);
    assert_eq!(world.queue.counts().waiting, 0);
    baseline(&mut world, before);
}

#[test]
fn a_snapshot_loses_nobody_who_is_outside() {
    for whole in [false, true] {
        let mut world = small();
        let first = Caller::new(CARRIER, "1");
        first.invite(&mut world);
        let risk = Caller::new(CARRIER, "71");
        risk.invite(&mut world);
        if whole {
            // The new queue is as large as the configuration makes it.
            world.restart();
            assert_eq!(world.queue.counts().waiting, 2);
            world.pass(SOON);
        } else {
            world.replace_by_snapshots();
            first.cancel(&mut world);
            world.pass(SOON);
            assert_eq!(world.queue.counts().waiting, 1);
        }
        assert!(
            !world
                .notices
                .iter()
                .any(|n| matches!(n, Notice::Unexpected(_)))
        );
        sign_on(&mut world, 0, 0);
        offer_at(&mut world, S0);
        let offered = world.queue.waiting_list();
        assert!(offered.iter().all(|it| !it.risk), "risk goes first");
    }
}

#[test]
fn a_match_that_nobody_told_of_is_found_when_the_shard_looks_for_itself() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let shard = meishier_model::ShardId(
        (0..4)
            .find(|shard| world.shards[usize::from(*shard)].gauges().calls == 1)
            .unwrap(),
    );
    world.post = Some(Default::default());
    // A seat at home on another shard; what its shard tells the caller's never arrives.
    let seat = if shard.0 == 0 { 1 } else { 0 };
    let change = meishier_engine::SeatChange::SignOn {
        counsellor: meishier_model::CounsellorId(seat),
        pin: None,
    };
    let seat = meishier_model::SeatId(seat);
    world.ask(meishier_engine::Command::Seat { seat, change });
    assert!(world.queue.has_match(shard));
    world.lose_wakes();
    world.replace_by_snapshots();
    assert!(!world.queue.has_match(shard));
    let to = format!("10.0.2.{}:5060", seat.0);
    world.take(addr(&to), "INVITE");
}

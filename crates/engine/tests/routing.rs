//! Where calls go and what is remembered of callers, told as a person would.

#[path = "world/mod.rs"]
mod world;

use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::{Command, CommandError, Notice, Reply, SeatChange, SeatState};
use meishier_model::{CallId, MarkKind, SeatId};
use meishier_routing::{Hand, RiskWhy, Service};
use std::time::Duration;
use world::scene::{S0, S1, S2, SECOND, offer_at, seat_state, sign_on, talking};
use world::{
    CARRIER, CONFIG, Caller, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp, seat_bye,
};

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

fn config() -> String {
    format!("{CONFIG}{POLICIES}")
}

fn world() -> World {
    World::with(&config(), TEN_O_CLOCK)
}

/// A call of this number; `name` tells apart the calls of one number.
fn dial(world: &mut World, name: &str, number: &str) -> Caller {
    let caller = Caller::new(CARRIER, name);
    let header = format!("P-Asserted-Identity: <tel:{number}>\r\nMax-Forwards");
    let invite = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
    world.arrive(caller.from, &invite.replace("Max-Forwards", &header));
    caller
}

fn call_of(world: &World) -> CallId {
    let mut calls = world.shards.iter().flat_map(|shard| shard.calls());
    calls.next().expect("a call")
}

fn newest(world: &World) -> CallId {
    let list = world.queue.waiting_list();
    list.iter()
        .max_by_key(|it| it.enqueued)
        .expect("somebody waits")
        .call
}

fn is_risk(world: &World, call: CallId) -> bool {
    let list = world.queue.waiting_list();
    list.iter().any(|it| it.call == call && it.risk)
}

fn everybody(world: &mut World, command: &Command) {
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

fn from_of(invite: &Sent) -> String {
    invite.header("From").to_owned()
}

#[test]
fn who_calls_again_keeps_the_place() {
    let mut world = world();
    let first = dial(&mut world, "a", "13300000001");
    world.pass(SECOND);
    dial(&mut world, "b", "13300000002");
    world.pass(SECOND);
    first.cancel(&mut world);
    world.pass(60 * SECOND);
    dial(&mut world, "a2", "13300000001");
    sign_on(&mut world, 0, 0);
    assert!(
        from_of(&offer_at(&mut world, S0)).contains("sip:a2@"),
        "before who came second"
    );
}

#[test]
fn the_place_is_kept_once_and_not_for_ever() {
    let mut world = world();
    let first = dial(&mut world, "a", "13300000001");
    let mut second = dial(&mut world, "b", "13300000002");
    first.cancel(&mut world);
    world.clear();
    world.pass(31 * SECOND);
    second.answered(&mut world);
    world.pass(270 * SECOND);
    let late = dial(&mut world, "a2", "13300000001");
    sign_on(&mut world, 0, 0);
    assert!(
        from_of(&offer_at(&mut world, S0)).contains("sip:b@"),
        "the window is over"
    );
    drop(late);
}

#[test]
fn nobody_takes_the_place_of_a_stranger_who_withholds_the_number() {
    let mut world = world();
    let anonymous = |world: &mut World, name: &str| {
        let caller = Caller::new(CARRIER, name);
        let invite = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
        let from = format!("<sip:{name}@");
        let invite = invite.replacen(&format!("From: {from}"), "From: <sip:anonymous@", 1);
        world.arrive(caller.from, &invite);
        caller
    };
    let first = anonymous(&mut world, "x");
    world.pass(SECOND);
    anonymous(&mut world, "y");
    first.cancel(&mut world);
    world.pass(SECOND);
    anonymous(&mut world, "z");
    let stamps: Vec<_> = world
        .queue
        .waiting_list()
        .iter()
        .map(|it| it.stamp.at)
        .collect();
    assert_eq!(stamps.len(), 2);
    assert!(
        stamps[0] < stamps[1],
        "each in the place of its own arrival"
    );
    assert_eq!(stamps[1], world.now.mono);
}

#[test]
fn the_danger_key_counts_at_every_moment_of_the_wait() {
    let mut world = World::with(
        &config().replace("early = \"ringing\"", "early = \"progress\""),
        TEN_O_CLOCK,
    );
    dial(&mut world, "a", "13300000001");
    world.pass(SECOND);
    dial(&mut world, "b", "13300000002");
    let call = newest(&world);
    let opened = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Open { port, .. } => Some(*port),
        _ => None,
    });
    let port = opened.expect("hears music");
    world.media_event(port, MediaEvent::Digit { port, digit: '5' });
    assert!(!is_risk(&world, call), "another key says nothing");
    world.media.clear();
    world.media_event(port, MediaEvent::Digit { port, digit: '9' });
    assert!(is_risk(&world, call));
    assert!(world.media.iter().any(|command| matches!(
        command,
        MediaCommand::Hear { source: Source::Playlist { prompts, .. }, .. }
            if prompts == &[PromptId::DangerHeard]
    )));
    let told = |notice: &Notice| {
        matches!(
            notice,
            Notice::Flagged {
                why: RiskWhy::Key,
                ..
            }
        )
    };
    assert_eq!(world.notices.iter().filter(|it| told(it)).count(), 1);
    sign_on(&mut world, 0, 0);
    assert!(from_of(&offer_at(&mut world, S0)).contains("sip:b@"));
}

#[test]
fn a_flag_outlives_the_call_and_brings_the_same_counsellor() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let mut first = dial(&mut world, "a", "13300000001");
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    first.answered(&mut world);
    let call = call_of(&world);
    assert_eq!(world.command(Command::Flag { call }), Reply::Done(Ok(())));
    seat_bye(&mut world, &seat);
    assert_eq!(world.marks.len(), 1);
    assert_eq!(world.marks[0].kind, MarkKind::Risk);
    assert!(world.records[0].risk);
    // The counsellor comes back; another one is free as well, and has been for longer.
    sign_on(&mut world, 1, 1);
    world.pass(SECOND);
    let seat_0 = SeatId(0);
    world.command(Command::Seat {
        seat: seat_0,
        change: SeatChange::Ready,
    });
    dial(&mut world, "a2", "13300000001");
    assert!(from_of(&offer_at(&mut world, S0)).contains("sip:a2@"));
    world.none(addr(S1), "INVITE");
}

#[test]
fn the_same_counsellor_is_waited_for_only_as_long_as_the_policy_says() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let mut first = dial(&mut world, "a", "13300000001");
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    first.answered(&mut world);
    let call = call_of(&world);
    world.command(Command::Flag { call });
    // The caller hangs up; the counsellor rests.
    first.bye(&mut world);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    sign_on(&mut world, 1, 1);
    dial(&mut world, "a2", "13300000001");
    world.none(addr(S1), "INVITE");
    world.pass(5 * SECOND);
    offer_at(&mut world, S1);
}

#[test]
fn a_conversation_that_breaks_off_puts_the_next_call_first() {
    let mut world = world();
    let (_, seat) = talking(&mut world);
    drop(seat);
    // The engine ends everything; the caller calls again.
    for shard in 0..world.shards.len() {
        world.handle(shard, meishier_engine::Input::HangUpAll);
    }
    let ends: Vec<_> = world
        .media
        .iter()
        .filter_map(|command| match command {
            MediaCommand::Close { port } => Some(*port),
            _ => None,
        })
        .collect();
    assert!(!ends.is_empty());
    dial(&mut world, "again", "13300000001");
    let call = newest(&world);
    assert!(is_risk(&world, call));
}

#[test]
fn a_mark_for_nuisance_lowers_and_never_rejects_and_a_flag_lifts_it() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let mut first = dial(&mut world, "a", "13300000001");
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    first.answered(&mut world);
    let call = call_of(&world);
    let mark = |end| Command::Nuisance {
        call,
        lasts: None,
        reason: "辱骂".into(),
        end,
    };
    assert_eq!(world.command(mark(true)), Reply::Done(Ok(())));
    assert_eq!(world.marks[0].kind, MarkKind::Nuisance);
    assert_eq!(world.marks[0].reason, "辱骂");
    // The counsellor is free, the caller hears where to turn to, and then the call ends.
    world.take(addr(S0), "BYE");
    let token = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Hear {
            port,
            source: Source::Playlist { prompts, token, .. },
        } if prompts == &[PromptId::Guidance] => Some((*port, *token)),
        _ => None,
    });
    let (port, token) = token.expect("a prompt");
    world.none(addr(CARRIER), "BYE");
    world.media_event(port, MediaEvent::PlaylistDone { port, token });
    world.take(addr(CARRIER), "BYE");
    assert!(world.records[0].nuisance);
    // The next call of the number waits behind others, and is let in.
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Pause {
            reason: String::new(),
        },
    });
    dial(&mut world, "a2", "13300000001");
    let call = newest(&world);
    let class = |world: &World| world.queue.waiting_list()[0].class.number();
    assert_eq!(class(&world), 6);
    assert_eq!(world.command(Command::Flag { call }), Reply::Done(Ok(())));
    assert_eq!(class(&world), 4);
    assert!(is_risk(&world, call));
}

#[test]
fn no_mark_while_the_caller_is_at_risk_or_nobody_talks() {
    let mut world = world();
    dial(&mut world, "a", "13300000001");
    let call = call_of(&world);
    let mark = Command::Nuisance {
        call,
        lasts: None,
        reason: String::new(),
        end: true,
    };
    assert_eq!(
        world.command(mark.clone()),
        Reply::Done(Err(CommandError::NotTalking))
    );
    world.command(Command::Flag { call });
    assert_eq!(world.command(mark), Reply::Done(Err(CommandError::AtRisk)));
    assert!(world.marks.iter().all(|mark| mark.kind == MarkKind::Risk));
}

#[test]
fn many_calls_of_a_day_lower_the_priority() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let seat_0 = SeatId(0);
    for name in ["a", "b"] {
        let mut caller = dial(&mut world, name, "13300000001");
        let seat = offer_at(&mut world, S0);
        answer(&mut world, &seat);
        caller.answered(&mut world);
        seat_bye(&mut world, &seat);
        world.clear();
        let change = SeatChange::Ready;
        world.command(Command::Seat {
            seat: seat_0,
            change,
        });
    }
    let change = SeatChange::SignOff;
    world.command(Command::Seat {
        seat: seat_0,
        change,
    });
    // Who finds nobody and tries again is no nuisance for that.
    dial(&mut world, "c0", "13300000003").cancel(&mut world);
    dial(&mut world, "c1", "13300000003").cancel(&mut world);
    dial(&mut world, "c2", "13300000003").cancel(&mut world);
    assert!(!world.records[4].nuisance);
    dial(&mut world, "c", "13300000001");
    assert_eq!(world.queue.waiting_list()[0].class.number(), 6, "the third");
    dial(&mut world, "d", "13300000002");
    let list = world.queue.waiting_list();
    assert_eq!(list.len(), 2, "nobody is rejected");
    assert_eq!(list[0].class.number(), 4, "others go first");
}

#[test]
fn a_pool_that_goes_down_by_hand_opens_the_next_at_once() {
    let mut world = world();
    talking(&mut world);
    sign_on(&mut world, 2, 2);
    dial(&mut world, "b", "13300000002");
    world.none(addr(S2), "INVITE");
    let hand = Hand {
        state: Service::Down,
        until: None,
        reason: "停电".into(),
    };
    let pool = meishier_model::PoolId(0);
    world.notices.clear();
    everybody(
        &mut world,
        &Command::PoolState {
            pool,
            hand: Some(hand),
        },
    );
    offer_at(&mut world, S2);
    let told = |service| Notice::Pool { pool, service };
    assert_eq!(
        world
            .notices
            .iter()
            .filter(|it| **it == told(Service::Down))
            .count(),
        1
    );
    everybody(&mut world, &Command::PoolState { pool, hand: None });
    assert!(world.notices.contains(&told(Service::Normal)));
    let unknown = Command::PoolState {
        pool: meishier_model::PoolId(77),
        hand: None,
    };
    assert_eq!(
        world.command(unknown),
        Reply::Done(Err(CommandError::UnknownPool))
    );
}

#[test]
fn the_last_counsellor_who_pauses_opens_the_next_pool_for_who_waits() {
    let mut world = world();
    let (_, seat) = talking(&mut world);
    sign_on(&mut world, 2, 2);
    dial(&mut world, "b", "13300000002");
    world.none(addr(S2), "INVITE");
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Pause {
            reason: "餐".into(),
        },
    });
    offer_at(&mut world, S2);
    drop(seat);
}

#[test]
fn rests_follow_the_weight_and_a_cap_yields_for_risk() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let mut first = dial(&mut world, "a", "13300000001");
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    first.answered(&mut world);
    let call = call_of(&world);
    world.command(Command::Flag { call });
    seat_bye(&mut world, &seat);
    world.pass(599 * SECOND);
    assert_eq!(
        seat_state(&mut world, 0),
        SeatState::Wrapup,
        "ten minutes after a call at risk"
    );
    world.pass(SECOND);
    assert_eq!(seat_state(&mut world, 0), SeatState::Ready);
    // One call at risk is the cap: the next one waits for somebody fresh, but not for ever.
    let invite = dial(&mut world, "b", "13300000002");
    let seat = offer_at(&mut world, S0);
    reply(&mut world, &seat, "486 Busy Here", "seat", "");
    let call = newest(&world);
    world.command(Command::Flag { call });
    world.clear();
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Ready,
    });
    assert_eq!(seat_state(&mut world, 0), SeatState::Ready);
    world.pass(4 * SECOND);
    world.none(addr(S0), "INVITE");
    world.pass(2 * SECOND);
    offer_at(&mut world, S0);
    drop(invite);
}

#[test]
fn who_has_talked_for_a_whole_shift_is_paused() {
    let mut world = world();
    let (_, seat) = talking(&mut world);
    world.pass(Duration::from_secs(3600));
    seat_bye(&mut world, &seat);
    assert_eq!(seat_state(&mut world, 0), SeatState::Paused);
}

#[test]
fn a_withheld_number_reaches_neither_seat_nor_view_nor_record() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "13300000009");
    let headers = "P-Asserted-Identity: <tel:+8613300000009>\r\nPrivacy: id\r\nMax-Forwards";
    let invite = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
    world.arrive(caller.from, &invite.replace("Max-Forwards", headers));
    let seat = offer_at(&mut world, S0);
    assert!(
        seat.header("From").contains("sip:12356@"),
        "{}",
        seat.header("From")
    );
    let views = world.shards.iter().map(|shard| shard.view(world.now));
    assert!(
        views
            .flat_map(|view| view.calls)
            .all(|call| call.caller.is_empty())
    );
    caller.cancel(&mut world);
    assert!(world.records[0].caller.is_empty());
}

#[test]
fn the_record_names_the_table_and_the_rules() {
    let mut world = world();
    let caller = dial(&mut world, "a", "13300000001");
    caller.cancel(&mut world);
    let record = &world.records[0];
    assert_eq!(record.table, world.config.table_hash);
    assert_eq!(record.table.len(), 16);
    assert_eq!(record.rules, ["route:all"]);
}

#[test]
fn why_says_what_the_caller_waits_for() {
    let mut world = world();
    talking(&mut world);
    dial(&mut world, "b", "13300000002");
    let call = newest(&world);
    let Reply::Why(Ok(why)) = world.command(Command::Why { call }) else {
        panic!("no answer")
    };
    assert_eq!(why.ahead, Some(0));
    let pools: Vec<_> = why
        .pools
        .iter()
        .map(|it| (it.pool.as_str(), it.open, it.opens_in_ms))
        .collect();
    assert_eq!(
        pools,
        [("city", true, None), ("province", false, Some(10_000))]
    );
    let kinds: Vec<_> = why
        .reasons
        .iter()
        .map(|it| (it.pool.as_deref(), it.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (Some("province"), "ring_not_open"),
            (Some("city"), "no_seat_ready")
        ]
    );
}

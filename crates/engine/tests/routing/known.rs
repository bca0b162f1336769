//! What is remembered of callers: places, flags, and numbers that are withheld.

use crate::opening::{call_of, config, dial, from_of, is_risk, newest, talks, world};
use crate::world::scene::{S0, S1, SECOND, offer_at, seat_state, sign_on, talking};
use crate::world::{CARRIER, Caller, TEN_O_CLOCK, World, addr, sdp, seat_bye};
use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::{Command, Notice, Reply, SeatChange, SeatState};
use meishier_model::{MarkKind, SeatId};
use meishier_routing::RiskWhy;

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
fn a_flag_outlives_the_call_and_brings_the_same_counsellor() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let (_, seat) = talks(&mut world, "a", "13300000001");
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

/// A caller whom counsellor 0 flagged has hung up; the counsellor rests, and another one is free.
fn counsellor_rests(config: &str) -> World {
    let mut world = World::with(config, TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let (first, _) = talks(&mut world, "a", "13300000001");
    let call = call_of(&world);
    world.command(Command::Flag { call });
    first.bye(&mut world);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    sign_on(&mut world, 1, 1);
    world
}

/// Without longer rests after calls that weigh: all rest for 10 s.
fn short_rests() -> String {
    let text = config();
    let recovery = text.lines().find(|line| line.starts_with("recovery"));
    let recovery = recovery.expect("there is one").to_owned();
    text.replace(&recovery, "")
}

#[test]
fn the_same_counsellor_is_waited_for_if_a_rest_ends_in_time() {
    let mut world = counsellor_rests(&short_rests());
    // own_hold is 5 s, and 4 s are left of the rest.
    world.pass(6 * SECOND);
    dial(&mut world, "a2", "13300000001");
    world.none(addr(S1), "INVITE");
    world.pass(4 * SECOND);
    assert!(from_of(&offer_at(&mut world, S0)).contains("sip:a2@"));
    world.none(addr(S1), "INVITE");
}

#[test]
fn the_same_counsellor_is_waited_for_only_as_long_as_the_policy_says() {
    let mut world = counsellor_rests(&short_rests());
    world.pass(6 * SECOND);
    dial(&mut world, "a2", "13300000001");
    world.none(addr(S1), "INVITE");
    // Nobody comes back to that seat.
    let reason = "break".to_owned();
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Pause { reason },
    });
    world.pass(5 * SECOND);
    offer_at(&mut world, S1);
}

#[test]
fn a_seat_is_ones_own_counsellors_only_while_they_sit_there() {
    let mut world = counsellor_rests(&short_rests());
    world.pass(6 * SECOND);
    dial(&mut world, "a2", "13300000001");
    world.none(addr(S1), "INVITE");
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::SignOff,
    });
    assert!(from_of(&offer_at(&mut world, S1)).contains("sip:a2@"));
}

#[test]
fn nobody_waits_for_a_counsellor_who_rests_for_long() {
    let mut world = counsellor_rests(&config());
    dial(&mut world, "a2", "13300000001");
    assert!(from_of(&offer_at(&mut world, S1)).contains("sip:a2@"));
}

/// A conversation that the caller's side ends with this header; true if the next call of the number
/// is at risk.
fn next_is_at_risk(header: &str) -> bool {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let (first, _) = talks(&mut world, "a", "13300000001");
    let bye = first.request("BYE", 2, "b", "");
    let bye = bye.replace("Max-Forwards", &format!("{header}Max-Forwards"));
    world.arrive(first.from, &bye);
    dial(&mut world, "a2", "13300000001");
    let call = newest(&world);
    is_risk(&world, call)
}

#[test]
fn who_is_cut_off_by_the_network_is_first_at_the_next_call() {
    assert!(next_is_at_risk("Reason: Q.850;cause=41\r\n"));
    assert!(next_is_at_risk("Reason: SIP;cause=503\r\n"));
    assert!(!next_is_at_risk("Reason: Q.850;cause=16\r\n"));
    assert!(!next_is_at_risk(""));
}

#[test]
fn digits_without_area_code_are_many_peoples() {
    for (number, kept) in [("62345678", false), ("01062345678", true)] {
        let mut world = world();
        let first = dial(&mut world, "a", number);
        world.pass(SECOND);
        dial(&mut world, "b", "13300000002");
        first.cancel(&mut world);
        world.pass(SECOND);
        dial(&mut world, "a2", number);
        sign_on(&mut world, 0, 0);
        let first_of_all = from_of(&offer_at(&mut world, S0));
        assert_eq!(first_of_all.contains("sip:a2@"), kept, "{number}");
    }
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

//! What fails, and what becomes of the caller: never released first, never in silence.

use crate::desk::{
    L0, all_over, answers_at, dialled, done, ears, leave, pair, press, press_as, second_at, staff,
    state_of, story, the_call, thirds, wish, world_where,
};
use crate::world::scene::{S0, SECOND, offer_at, talking};
use crate::world::{CARRIER, Sent, World, addr, answer, reply, sdp, seat_bye, seat_request};
use meishier_engine::media::{MediaCommand, PromptId, Source};
use meishier_engine::transfer::{Manner, ThirdId};
use meishier_engine::{
    AlarmView, Command, CommandError, Notice, Press, Reply, SeatState, ThirdWish,
};
use meishier_model::TransferOutcome;

fn alarms(world: &World) -> Vec<AlarmView> {
    let views = world.shards.iter().map(|s| s.view(world.now));
    views.flat_map(|v| v.calls).flat_map(|c| c.alarms).collect()
}

fn refuse(world: &mut World, invite: &Sent) {
    reply(world, invite, "486 Busy Here", "police", "");
}

#[test]
fn an_emergency_that_reaches_nobody_is_an_alarm_with_the_number_until_somebody_has_seen_to_it() {
    let (mut world, caller, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    refuse(&mut world, &police);
    let alarm = AlarmView {
        third: ThirdId(1),
        key: "110".to_owned(),
        number: "0851110".to_owned(),
    };
    assert_eq!(alarms(&world), [alarm]);
    let told = |n: &&Notice| matches!(n, Notice::TransferAlarm { .. });
    assert_eq!(world.notices.iter().filter(told).count(), 1);
    assert_eq!(ears(&world), "C:K K:C");
    // Another key that fails stands beside it; the same does not stand there twice.
    press(&mut world, "120");
    let ambulance = dialled(&mut world);
    refuse(&mut world, &ambulance);
    press(&mut world, "110");
    let police = dialled(&mut world);
    refuse(&mut world, &police);
    assert_eq!(alarms(&world).len(), 2);
    // Reached at last: that alarm is over.
    press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    assert_eq!(alarms(&world).len(), 1);
    assert_eq!(alarms(&world)[0].key, "120");
    let call = the_call(&world);
    let thirds = Vec::new();
    done(&mut world, Command::AlarmSeen { call, thirds }).unwrap();
    assert_eq!(alarms(&world), []);
    caller.bye(&mut world);
}

#[test]
fn nobody_answers_within_the_keys_limit_and_the_alarm_comes_at_once() {
    let (mut world, caller, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    reply(&mut world, &police, "180 Ringing", "police", "");
    world.pass(29 * SECOND);
    assert_eq!(alarms(&world), []);
    world.pass(SECOND);
    assert_eq!(alarms(&world).len(), 1);
    world.take(addr(CARRIER), "CANCEL");
    reply(&mut world, &police, "487 Request Terminated", "police", "");
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    assert_eq!(transfers[0].outcome, TransferOutcome::NoAnswer);
}

#[test]
fn other_keys_that_fail_are_heard_and_are_no_alarm() {
    let (mut world, caller, _) = pair();
    press(&mut world, "12345");
    let invite = dialled(&mut world);
    refuse(&mut world, &invite);
    assert_eq!(alarms(&world), []);
    let told = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. }
            if prompts == &[PromptId::TransferFailed])
    });
    assert_eq!(told.count(), 2);
    caller.bye(&mut world);
}

#[test]
fn a_blind_transfer_frees_the_counsellor_at_once_and_brings_the_caller_back_if_it_fails() {
    for status in ["486 Busy Here", "404 Not Found", "nobody answers"] {
        let (mut world, caller, _) = pair();
        press_as(&mut world, "12345", Manner::Blind).unwrap();
        world.take(addr(S0), "BYE");
        assert_eq!(state_of(&mut world, 0), SeatState::Wrapup);
        let invite = dialled(&mut world);
        reply(&mut world, &invite, "180 Ringing", "city", "");
        assert_eq!(ears(&world), "C:ring");
        if status == "nobody answers" {
            world.pass(20 * SECOND);
            world.take(addr(CARRIER), "CANCEL");
            reply(&mut world, &invite, "487 Request Terminated", "city", "");
        } else {
            reply(&mut world, &invite, status, "city", "");
            world.pass(10 * SECOND);
        }
        world.none(caller.from, "BYE");
        let again = offer_at(&mut world, S0);
        answer(&mut world, &again);
        assert_eq!(ears(&world), "C:K K:C", "{status}");
        caller.bye(&mut world);
        all_over(&mut world);
        assert!(world.records[0].risk);
    }
}

#[test]
fn a_blind_transfer_that_succeeds_leaves_the_two_alone_and_no_emergency_is_ever_blind() {
    let (mut world, caller, _) = pair();
    let police = press_as(&mut world, "110", Manner::Blind);
    assert_eq!(police.map(drop), Err(CommandError::MannerNotAllowed));
    press_as(&mut world, "12345", Manner::Blind).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    assert_eq!(ears(&world), "C:P P:C");
    seat_bye(&mut world, &invite);
    world.take(caller.from, "BYE");
    let transfers = all_over(&mut world);
    assert_eq!(transfers[0].outcome, TransferOutcome::Joined);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up_again() {
    let (mut world, caller, _) = pair();
    let third = press(&mut world, "110");
    let police = dialled(&mut world);
    reply(&mut world, &police, "180 Ringing", "police", "");
    wish(&mut world, third, ThirdWish::Cancel).unwrap();
    let cancel = world.take(addr(CARRIER), "CANCEL");
    // RFC 3261 §9.1: the 200 was on its way.
    answers_at(&mut world, &police, 7000);
    reply(&mut world, &cancel, "200 OK", "police", "");
    let bye = world.take(addr(CARRIER), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    assert_eq!(ears(&world), "C:K K:C");
    assert_eq!(thirds(&world), []);
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    assert_eq!(transfers[0].outcome, TransferOutcome::Cancelled);
    assert_eq!(story(&transfers[0]), ["dialling", "ringing", "cancelled"]);
}

#[test]
fn a_counsellor_whose_telephone_dies_while_police_ring_leaves_a_caller_who_waits_for_them() {
    let (mut world, caller, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    reply(&mut world, &police, "180 Ringing", "police", "");
    let port = world.port_of("10.0.2.0:6000");
    world.silent(port);
    // Its dialog does not answer by timer F.
    let probe = world.take(addr(S0), "OPTIONS");
    reply(&mut world, &probe, "481 Call Does Not Exist", "", "");
    assert_eq!(ears(&world), "C:ring");
    world.none(caller.from, "BYE");
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "C:P P:C");
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn a_trunk_that_dies_in_mid_conversation_takes_nobody_else_along() {
    let (mut world, caller, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    let port = world.port_of("10.0.1.1:7000");
    world.silent(port);
    let probe = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &probe, "481 Call Does Not Exist", "", "");
    assert_eq!(ears(&world), "C:K K:C");
    world.none(addr(S0), "BYE");
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn a_caller_alone_with_police_whose_trunk_dies_goes_back_to_the_head_of_the_queue() {
    let (mut world, caller, _) = pair();
    let third = press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    wish(&mut world, third, ThirdWish::Confirm).unwrap();
    leave(&mut world).unwrap();
    world.take(addr(S0), "BYE");
    let port = world.port_of("10.0.1.1:7000");
    world.silent(port);
    let probe = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &probe, "481 Call Does Not Exist", "", "");
    let bye = world.take(addr(CARRIER), "BYE");
    assert_eq!(bye.header("Call-ID"), police.header("Call-ID"));
    world.none(caller.from, "BYE");
    assert_eq!(ears(&world), "C:music");
    world.pass(10 * SECOND);
    let again = offer_at(&mut world, S0);
    answer(&mut world, &again);
    assert_eq!(ears(&world), "C:K K:C");
    caller.bye(&mut world);
}

#[test]
fn two_who_change_their_sessions_at_once_are_both_answered() {
    let (mut world, caller, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    // Police hold, and the caller moves, in the same moment.
    let hold = sdp(police.to, 7000).replace("\r\nm=audio", "\r\na=sendonly\r\nm=audio");
    let held = seat_request(&police, "INVITE", 0x6fff_0001, &hold);
    let moved = caller.request("INVITE", 2, "again", &sdp(caller.from, 4000));
    world.arrive(police.to, &held);
    world.arrive(caller.from, &moved);
    world.take(police.to, "SIP/2.0 200");
    world.take(caller.from, "SIP/2.0 200");
    assert_eq!(ears(&world), "C:KP K:CP P:CK");
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "C:K K:C");
}

#[test]
fn a_caller_who_hangs_up_as_police_answer_finds_both_together() {
    let (mut world, caller, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    caller.bye(&mut world);
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "K:P P:K");
    let second = world
        .notices
        .iter()
        .filter(|n| matches!(n, Notice::CallBackDue { .. }));
    assert_eq!(second.count(), 1);
    seat_bye(&mut world, &police);
    world.take(addr(S0), "BYE");
    all_over(&mut world);
}

#[test]
fn a_change_of_a_seat_that_meets_our_own_is_refused_and_made_later() {
    let refreshed = ("[offer]", "[offer]\nsession_expires = \"2min\"");
    let mut world = world_where(refreshed);
    let (_, _) = talking(&mut world);
    staff(&mut world);
    let (_, officer) = second_at(&mut world, "2", L0);
    world.pass(60 * SECOND);
    let ours = world.take(addr(L0), "INVITE");
    let body = sdp(officer.to, 6000);
    // RFC 3261 §14.2: who has one of its own under way refuses the other's.
    let theirs = seat_request(&officer, "INVITE", 7, &body);
    world.arrive(officer.to, &theirs);
    let refused = world.take(addr(L0), "SIP/2.0 491");
    let mut ack = seat_request(&officer, "ACK", 7, "");
    let branch = refused.header("Via").to_owned();
    let made = ack
        .lines()
        .find(|l| l.starts_with("Via:"))
        .unwrap()
        .to_owned();
    ack = ack.replace(&made, &format!("Via: {branch}"));
    world.arrive(officer.to, &ack);
    reply(&mut world, &ours, "491 Request Pending", "seat", "");
    world.take(addr(L0), "ACK");
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
    // Ours comes again within four seconds (§14.1), as we made the Call-ID.
    world.pass(4 * SECOND);
    let again = world.take(addr(L0), "INVITE");
    reply(&mut world, &again, "200 OK", "seat", &body);
    world.take(addr(L0), "ACK");
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
}

#[test]
fn a_blind_transfer_whose_place_is_asked_for_keeps_the_counsellor_until_it_is_dialled() {
    let (mut world, caller, _) = pair();
    let call = the_call(&world);
    let press = Press {
        key: "12345".to_owned(),
        place: "鼓楼区".to_owned(),
        manner: Some(Manner::Blind),
    };
    let started = match world.command(Command::Transfer { call, press }) {
        Reply::Transfer(result) => result.unwrap(),
        other => panic!("{other:?}"),
    };
    let asks = started.asks.expect("there are several");
    world.none(addr(S0), "BYE");
    let settled = asks.cities[1].clone();
    wish(&mut world, started.third, ThirdWish::Settle(settled)).unwrap();
    world.take(addr(S0), "BYE");
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    assert_eq!(ears(&world), "C:P P:C");
    caller.bye(&mut world);
}

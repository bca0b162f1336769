//! Lines break while police are on the way: nobody waits in silence, no emergency is given up without
//! a word, and who stands in for the counsellor can do what the counsellor could.

use crate::desk::{
    L0, all_over, answers_at, counsellor_hangs_up, dialled, done, ears, hear, leave, pair, press,
    press_as, second_at, staff, the_call, thirds, wish, world_where,
};
use crate::world::scene::{S0, SECOND, offer_at, talking};
use crate::world::{CARRIER, Sent, World, addr, answer, reply, seat_bye, seat_request};
use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::transfer::{Manner, Mode, State, ThirdId};
use meishier_engine::{Command, CommandError, Input, LateAlarm, Notice, ThirdWish, Who};

/// The counsellor's telephone vanishes.
fn telephone_dies(world: &mut World) {
    let port = world.port_of("10.0.2.0:6000");
    world.silent(port);
    let probe = world.take(addr(S0), "OPTIONS");
    reply(world, &probe, "481 Call Does Not Exist", "", "");
}

/// The trunk's side of a conversation vanishes.
fn police_vanish(world: &mut World) {
    let port = world.port_of("10.0.1.1:7000");
    world.silent(port);
    let probe = world.take(addr(CARRIER), "OPTIONS");
    reply(world, &probe, "481 Call Does Not Exist", "", "");
}

fn police_ring(world: &mut World, manner: Manner) -> Sent {
    press_as(world, "110", manner).unwrap();
    let police = dialled(world);
    reply(world, &police, "180 Ringing", "police", "");
    police
}

fn alarms(world: &World) -> usize {
    let alarm = |n: &&Notice| matches!(n, Notice::TransferAlarm { .. });
    world.notices.iter().filter(alarm).count()
}

fn late_alarms(world: &World) -> Vec<LateAlarm> {
    let views = world.shards.iter().map(|it| it.view(world.now));
    views.flat_map(|it| it.alarms).collect()
}

/// How often it was said that a transfer failed.
fn failures_said(world: &World) -> usize {
    let said = |c: &&MediaCommand| {
        matches!(c, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. }
            if prompts == &[PromptId::TransferFailed])
    };
    world.media.iter().filter(said).count()
}

#[test]
fn whoever_was_to_be_consulted_first_joins_at_once_if_nobody_is_there_for_that() {
    let (mut world, caller, _) = pair();
    let police = police_ring(&mut world, Manner::Consult);
    telephone_dies(&mut world);
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "C:P P:C");
    assert_eq!(thirds(&world)[0], (Mode::Full, State::Joined));
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn the_second_line_that_is_called_by_itself_is_not_to_be_consulted_first() {
    let usual = "kind = \"second_line\"\npool = \"second\"\n";
    let consult = format!("{usual}manner = [\"consult\"]\n");
    let mut world = world_where((usual, &consult));
    let (caller, seat) = talking(&mut world);
    staff(&mut world);
    press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    counsellor_hangs_up(&mut world, &seat);
    let officer = offer_at(&mut world, L0);
    answer(&mut world, &officer);
    assert_eq!(ears(&world), "C:LP L:CP P:CL");
    caller.bye(&mut world);
    assert_eq!(
        ears(&world),
        "L:P P:L",
        "they are not cut off from each other"
    );
    seat_bye(&mut world, &police);
    world.take(addr(L0), "BYE");
    assert_eq!(alarms(&world), 0);
    all_over(&mut world);
}

#[test]
fn police_that_ring_meet_the_second_line_whichever_line_broke_first() {
    for caller_first in [true, false] {
        let (mut world, caller, _) = pair();
        staff(&mut world);
        let police = police_ring(&mut world, Manner::Warm);
        if caller_first {
            caller.bye(&mut world);
            telephone_dies(&mut world);
        } else {
            telephone_dies(&mut world);
            caller.bye(&mut world);
        }
        world.none(addr(CARRIER), "CANCEL");
        let officer = offer_at(&mut world, L0);
        answer(&mut world, &officer);
        answers_at(&mut world, &police, 7000);
        assert_eq!(ears(&world), "L:P P:L", "{caller_first}");
        seat_bye(&mut world, &police);
        world.take(addr(L0), "BYE");
        assert_eq!(alarms(&world), 0);
        all_over(&mut world);
    }
}

#[test]
fn police_who_come_for_nobody_are_an_alarm_that_outlives_the_call_and_a_restart() {
    let (mut world, caller, _) = pair();
    let police = police_ring(&mut world, Manner::Warm);
    let call = the_call(&world);
    caller.bye(&mut world);
    telephone_dies(&mut world);
    answers_at(&mut world, &police, 7000);
    seat_bye(&mut world, &police);
    assert_eq!(alarms(&world), 1);
    all_over(&mut world);
    let alarm = LateAlarm {
        call,
        third: ThirdId(1),
        key: "110".to_owned(),
        number: "0851110".to_owned(),
    };
    assert_eq!(late_alarms(&world), std::slice::from_ref(&alarm));
    world.restart();
    assert_eq!(late_alarms(&world), [alarm]);
    assert_eq!(world.gauges().alarms, 1);
    let seen = |thirds: &[ThirdId]| Command::AlarmSeen {
        call,
        thirds: thirds.to_vec(),
    };
    done(&mut world, seen(&[ThirdId(2)])).unwrap();
    assert_eq!(late_alarms(&world).len(), 1, "another was seen to");
    done(&mut world, seen(&[ThirdId(1)])).unwrap();
    assert_eq!(late_alarms(&world), []);
    let again = done(&mut world, seen(&[]));
    assert_eq!(again, Err(CommandError::UnknownCall));
}

#[test]
fn an_emergency_that_rings_when_everything_ends_is_an_alarm_and_one_taken_back_is_none() {
    for taken_back in [true, false] {
        let (mut world, _, _) = pair();
        let third = press(&mut world, "110");
        if taken_back {
            wish(&mut world, third, ThirdWish::Cancel).unwrap();
        }
        for shard in 0..world.shards.len() {
            world.handle(shard, Input::HangUpAll);
        }
        assert_eq!(alarms(&world), usize::from(!taken_back));
    }
}

#[test]
fn police_who_vanish_before_they_take_over_are_an_alarm_and_the_counsellor_hears_of_it() {
    for confirmed in [false, true] {
        let (mut world, caller, _) = pair();
        let third = press(&mut world, "110");
        let police = dialled(&mut world);
        answers_at(&mut world, &police, 7000);
        if confirmed {
            wish(&mut world, third, ThirdWish::Confirm).unwrap();
        }
        police_vanish(&mut world);
        assert_eq!(ears(&world), "C:K K:C");
        assert_eq!(alarms(&world), usize::from(!confirmed));
        assert_eq!(failures_said(&world), usize::from(!confirmed));
        caller.bye(&mut world);
        all_over(&mut world);
    }
}

#[test]
fn a_caller_does_not_hear_that_an_emergency_failed() {
    for manner in [Manner::Warm, Manner::Quiet] {
        let (mut world, caller, _) = pair();
        let police = police_ring(&mut world, manner);
        reply(&mut world, &police, "486 Busy Here", "police", "");
        assert_eq!(failures_said(&world), 1, "the counsellor alone");
        caller.bye(&mut world);
        all_over(&mut world);
    }
}

#[test]
fn nobody_is_left_on_hold_by_a_counsellor_who_leaves() {
    let (mut world, caller, seat) = pair();
    let third = press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    hear(&mut world, Who::Third(third), Mode::Held).unwrap();
    assert_eq!(ears(&world), "C:K K:C P:music");
    counsellor_hangs_up(&mut world, &seat);
    assert_eq!(ears(&world), "C:P P:C");
    // Nor by anybody who comes after.
    for (who, mode) in [(Who::Third(third), Mode::Held), (Who::Caller, Mode::Held)] {
        let refused = hear(&mut world, who, mode);
        assert_eq!(refused, Err(CommandError::ModeNotAllowed));
        assert_eq!(ears(&world), "C:P P:C");
    }
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn a_second_line_that_only_listened_speaks_when_it_stands_in() {
    let (mut world, caller, seat) = pair();
    staff(&mut world);
    let (second, _) = second_at(&mut world, "2", L0);
    hear(&mut world, Who::Third(second), Mode::Listen).unwrap();
    assert_eq!(ears(&world), "C:K K:C L:CK");
    counsellor_hangs_up(&mut world, &seat);
    assert_eq!(ears(&world), "C:L L:C");
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn without_the_caller_police_talk_with_everybody() {
    let (mut world, caller, _) = pair();
    staff(&mut world);
    second_at(&mut world, "2", L0);
    let police = police_ring(&mut world, Manner::Quiet);
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "C:K K:C L:CKP P:L");
    caller.bye(&mut world);
    assert_eq!(ears(&world), "K:LP L:KP P:KL");
}

fn type_at(world: &mut World, remote: &str, keys: &str) {
    let port = world.port_of(remote);
    for digit in keys.chars() {
        world.media_event(port, MediaEvent::Digit { port, digit });
    }
}

#[test]
fn who_stands_in_has_the_keys_of_the_telephone() {
    let usual = "title = \"government\"\n";
    let star = format!("{usual}star = \"45\"\nto = [\"085112345\"]\n");
    let mut world = world_where((usual, &star));
    let (caller, _) = talking(&mut world);
    staff(&mut world);
    let (_, officer) = second_at(&mut world, "2", L0);
    leave(&mut world).unwrap();
    assert_eq!(ears(&world), "C:L L:C");
    let views = world.shards.iter().map(|it| it.view(world.now));
    let seats: Vec<_> = views.flat_map(|it| it.calls).map(|it| it.seat).collect();
    assert_eq!(seats, [Some("l0".to_owned())]);
    type_at(&mut world, "10.0.2.10:6000", "*45");
    let invite = dialled(&mut world);
    // Taken back by its own key, which does not mean the second line itself.
    type_at(&mut world, "10.0.2.10:6000", "*0");
    reply(&mut world, &invite, "180 Ringing", "city", "");
    world.take(addr(CARRIER), "CANCEL");
    reply(&mut world, &invite, "487 Request Terminated", "city", "");
    assert_eq!(thirds(&world), [(Mode::Full, State::Joined)]);
    // The same by REFER.
    let refer = seat_request(&officer, "REFER", 5, "").replacen(
        "Max-Forwards",
        "Refer-To: <sip:085112345@test.invalid>\r\nMax-Forwards",
        1,
    );
    world.arrive(officer.to, &refer);
    world.take(officer.to, "SIP/2.0 200");
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    assert_eq!(ears(&world), "C:LP L:CP P:CL");
    let told = world.take(officer.to, "NOTIFY");
    reply(&mut world, &told, "200 OK", "", "");
    world.pass(SECOND);
    caller.bye(&mut world);
}

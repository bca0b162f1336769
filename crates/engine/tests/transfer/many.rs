//! Several third parties at once, and how they come and go.

use crate::desk::{
    L0, SEAT_V, V, all_over, answers_at, dialled, done, ears, hear, leave, pair, press, press_as,
    second_at, staff, state_of, supervise, the_call, thirds, wish,
};
use crate::world::scene::{S0, SECOND, offer_at};
use crate::world::{CARRIER, Sent, World, addr, answer, reply, seat_bye};
use meishier_engine::media::{MediaCommand, MediaEvent, Source};
use meishier_engine::transfer::{Manner, Mode, State, ThirdId};
use meishier_engine::{Command, CommandError, Notice, Reply, SeatState, ThirdWish, Who};
use meishier_model::TransferOutcome;

/// The police of a city are called.
fn police_of(world: &mut World, city: &str) -> Result<ThirdId, CommandError> {
    let call = the_call(world);
    match world.command(Command::press(call, "110", city)) {
        Reply::Transfer(result) => result.map(|it| it.third),
        other => panic!("{other:?}"),
    }
}

#[test]
fn eight_hear_each_other_and_a_ninth_is_refused() {
    let (mut world, caller, _) = pair();
    let cities = ["贵阳", "北京", "上海", "广州", "成都", "武汉"];
    let mut police: Vec<Sent> = Vec::new();
    for (at, city) in (0u16..).zip(cities) {
        police_of(&mut world, city).unwrap();
        let invite = dialled(&mut world);
        answers_at(&mut world, &invite, 7100 + 2 * at);
        police.push(invite);
    }
    let mut last = std::collections::BTreeMap::new();
    for command in &world.media {
        if let MediaCommand::Hear { port, source } = command {
            last.insert(*port, source.clone());
        }
    }
    assert_eq!(last.len(), 8);
    for (port, source) in &last {
        let Source::Mix(heard) = source else {
            panic!("{source:?}");
        };
        assert_eq!(heard.len(), 7);
        assert!(!heard.contains(port), "nobody hears itself");
    }
    let full = Err(CommandError::ConferenceFull);
    assert_eq!(police_of(&mut world, "西安"), full);
    assert_eq!(supervise(&mut world, SEAT_V, Mode::Listen), full);
    // One leaves; there is room again.
    seat_bye(&mut world, &police[0]);
    police_of(&mut world, "西安").unwrap();
    dialled(&mut world);
    caller.bye(&mut world);
}

#[test]
fn another_emergency_key_works_while_one_runs() {
    let (mut world, caller, seat) = pair();
    press(&mut world, "110");
    press(&mut world, "120");
    let police = dialled(&mut world);
    let ambulance = dialled(&mut world);
    assert!(police.is("INVITE sip:0851110@"));
    assert!(ambulance.is("INVITE sip:0851120@"));
    // Two people press the same key at once: one call goes out.
    let again = press_as(&mut world, "110", Manner::Warm);
    assert_eq!(again.map(drop), Err(CommandError::TransferRunning));
    world.none(addr(CARRIER), "INVITE");
    answers_at(&mut world, &ambulance, 7002);
    assert_eq!(ears(&world), "C:KQ K:CQ Q:CK");
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "C:KPQ K:CPQ P:CKQ Q:CKP");
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "C:KQ K:CQ Q:CK");
    seat_bye(&mut world, &seat);
    assert_eq!(ears(&world), "C:Q Q:C");
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    let outcomes: Vec<_> = transfers.iter().map(|it| it.outcome).collect();
    // The last is of the second line's key, which the engine pressed when the counsellor dropped out.
    use TransferOutcome::{Cancelled, Joined};
    assert_eq!(outcomes, [Joined, Joined, Cancelled]);
}

#[test]
fn the_counsellor_may_leave_an_emergency_only_when_it_was_taken_over() {
    for by_key in [false, true] {
        let (mut world, caller, _) = pair();
        assert_eq!(leave(&mut world), Err(CommandError::NoTransfer));
        let third = press(&mut world, "110");
        assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
        let police = dialled(&mut world);
        let early = wish(&mut world, third, ThirdWish::Confirm);
        assert_eq!(early, Err(CommandError::TransferElsewhere));
        answers_at(&mut world, &police, 7000);
        assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
        if by_key {
            // Police press 1.
            let port = world.port_of("10.0.1.1:7000");
            world.media_event(port, MediaEvent::Digit { port, digit: '1' });
        } else {
            wish(&mut world, third, ThirdWish::Confirm).unwrap();
        }
        assert_eq!(thirds(&world), [(Mode::Full, State::Confirmed)]);
        staff(&mut world);
        leave(&mut world).unwrap();
        world.take(addr(S0), "BYE");
        assert_eq!(state_of(&mut world, 0), SeatState::Wrapup);
        assert_eq!(ears(&world), "C:P P:C");
        // Planned: nobody of the second line is called in.
        world.none(addr(L0), "INVITE");
        seat_bye(&mut world, &police);
        world.take(caller.from, "BYE");
        all_over(&mut world);
    }
}

#[test]
fn counsellor_and_target_talk_apart_and_then_all_join() {
    let (mut world, caller, _) = pair();
    let third = press_as(&mut world, "12345", Manner::Consult)
        .unwrap()
        .third;
    let invite = dialled(&mut world);
    let early = wish(&mut world, third, ThirdWish::Join);
    assert_eq!(early, Err(CommandError::TransferElsewhere));
    answers_at(&mut world, &invite, 7000);
    assert_eq!(ears(&world), "C:music K:P P:K");
    wish(&mut world, third, ThirdWish::Join).unwrap();
    assert_eq!(ears(&world), "C:KP K:CP P:CK");
    // No emergency: the counsellor may leave.
    leave(&mut world).unwrap();
    assert_eq!(ears(&world), "C:P P:C");
    caller.bye(&mut world);
    world.take(addr(CARRIER), "BYE");
    all_over(&mut world);
}

#[test]
fn a_consultation_may_come_to_nothing() {
    // The counsellor ends it.
    let (mut world, caller, _) = pair();
    let third = press_as(&mut world, "12345", Manner::Consult)
        .unwrap()
        .third;
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    wish(&mut world, third, ThirdWish::Cancel).unwrap();
    world.take(addr(CARRIER), "BYE");
    assert_eq!(ears(&world), "C:K K:C");
    // The target hangs up.
    press_as(&mut world, "12345", Manner::Consult).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    seat_bye(&mut world, &invite);
    assert_eq!(ears(&world), "C:K K:C");
    // The counsellor's telephone hangs up: the caller does not hear music for ever.
    press_as(&mut world, "12345", Manner::Consult).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    let call = the_call(&world);
    let seat = world.port_of("10.0.2.0:6000");
    assert_eq!(ears(&world), "C:music K:P P:K");
    world.silent(seat);
    world.pass(40 * SECOND);
    assert_eq!(ears(&world), "C:P P:C");
    assert_eq!(the_call(&world), call);
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    let outcomes: Vec<_> = transfers.iter().map(|it| it.outcome).collect();
    use TransferOutcome::{Cancelled, Failed, Joined};
    // The last is of the key of the second line, which the engine pressed.
    assert_eq!(outcomes, [Cancelled, Failed, Joined, Cancelled]);
}

#[test]
fn whoever_is_held_hears_music_and_is_heard_by_nobody() {
    let (mut world, _, _) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    hear(&mut world, Who::Caller, Mode::Held).unwrap();
    assert_eq!(ears(&world), "C:music K:P P:K");
    hear(&mut world, Who::Caller, Mode::Full).unwrap();
    hear(&mut world, Who::Counsellor, Mode::Held).unwrap();
    assert_eq!(ears(&world), "C:P K:music P:C");
    // Who hangs up while on hold leaves the others as they are.
    hear(&mut world, Who::Counsellor, Mode::Full).unwrap();
    assert_eq!(ears(&world), "C:KP K:CP P:CK");
}

#[test]
fn a_caller_who_hangs_up_while_police_ring_is_called_back_by_them_and_the_counsellor() {
    let (mut world, caller, seat) = pair();
    press(&mut world, "110");
    let police = dialled(&mut world);
    reply(&mut world, &police, "180 Ringing", "police", "");
    caller.bye(&mut world);
    world.none(addr(S0), "BYE");
    world.none(addr(CARRIER), "CANCEL");
    let due = |n: &&Notice| matches!(n, Notice::CallBackDue { .. });
    assert_eq!(world.notices.iter().filter(due).count(), 1);
    assert_eq!(ears(&world), "K:ring");
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "K:P P:K");
    seat_bye(&mut world, &seat);
    world.take(addr(CARRIER), "BYE");
    all_over(&mut world);
}

#[test]
fn a_caller_who_hangs_up_while_another_hotline_rings_is_let_go() {
    let (mut world, caller, _) = pair();
    press(&mut world, "12345");
    let invite = dialled(&mut world);
    reply(&mut world, &invite, "180 Ringing", "city", "");
    caller.bye(&mut world);
    world.take(addr(S0), "BYE");
    world.take(addr(CARRIER), "CANCEL");
    reply(&mut world, &invite, "487 Request Terminated", "city", "");
    all_over(&mut world);
}

#[test]
fn a_supervisor_who_speaks_stays_with_the_caller_when_the_counsellor_drops_out() {
    let (mut world, caller, seat) = pair();
    staff(&mut world);
    supervise(&mut world, SEAT_V, Mode::Full).unwrap();
    let invite = offer_at(&mut world, V);
    answer(&mut world, &invite);
    seat_bye(&mut world, &seat);
    assert_eq!(ears(&world), "C:V V:C");
    let second = offer_at(&mut world, L0);
    answer(&mut world, &second);
    assert_eq!(ears(&world), "C:LV L:CV V:CL");
    // Listening again, the supervisor is nobody's help: who is left with the caller is the second line.
    let call = the_call(&world);
    let who = Who::Third(ThirdId(1));
    let mode = Mode::Whisper;
    done(&mut world, Command::Hear { call, who, mode }).unwrap();
    assert_eq!(ears(&world), "C:L L:CV V:CL");
    seat_bye(&mut world, &second);
    world.take(caller.from, "BYE");
    world.take(addr(V), "BYE");
    all_over(&mut world);
}

#[test]
fn who_hangs_up_in_any_order_leaves_nothing_behind() {
    // Caller, counsellor, second line, police, supervisor: each order of the first three to go.
    for first in 0..5 {
        for second in 0..5 {
            for third in 0..5 {
                if first == second || second == third || first == third {
                    continue;
                }
                let (mut world, caller, seat) = pair();
                staff(&mut world);
                let (_, officer) = second_at(&mut world, "2", L0);
                press(&mut world, "110");
                let police = dialled(&mut world);
                answers_at(&mut world, &police, 7000);
                supervise(&mut world, SEAT_V, Mode::Listen).unwrap();
                let listener = offer_at(&mut world, V);
                answer(&mut world, &listener);
                for who in [first, second, third] {
                    match who {
                        0 => caller.bye(&mut world),
                        1 => seat_bye(&mut world, &seat),
                        2 => seat_bye(&mut world, &officer),
                        3 => seat_bye(&mut world, &police),
                        _ => seat_bye(&mut world, &listener),
                    }
                    heard_by_somebody(&world, (first, second, third));
                }
                caller.bye(&mut world);
                for invite in [&seat, &officer, &police, &listener] {
                    seat_bye(&mut world, invite);
                }
                // A second line that was called in for who dropped out.
                world.pass(90 * SECOND);
                all_over(&mut world);
            }
        }
    }
}

/// While the caller is there, it hears somebody, or a tone, or music.
fn heard_by_somebody(world: &World, order: (u8, u8, u8)) {
    let ears = ears(world);
    let caller = ears.split(' ').find(|it| it.starts_with("C:"));
    assert!(
        caller.is_none_or(|it| it != "C:nothing" && it.len() > 2),
        "{order:?}: {ears}"
    );
}

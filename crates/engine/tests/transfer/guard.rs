//! While an emergency is open somebody answers for it: nobody leaves too soon, no caller is let go
//! unserved, and people hear of whoever was not reached.

use crate::desk::{
    L0, SEAT_V, V, all_over, answers_at, counsellor_hangs_up, dialled, done, ears, leave, pair,
    press, press_as, second_at, staff, supervise, the_call, thirds, wish,
};
use crate::world::scene::{S0, SECOND, offer_at, sign_on};
use crate::world::{CARRIER, Caller, Sent, World, addr, answer, reply, seat_bye};
use meishier_engine::transfer::{Manner, Mode, State, ThirdId};
use meishier_engine::{AlarmView, Command, CommandError, Notice, Reply, ThirdWish};
use meishier_model::PoolId;
use std::sync::Arc;

fn telephone_dies(world: &mut World) {
    let port = world.port_of("10.0.2.0:6000");
    world.silent(port);
    let probe = world.take(addr(S0), "OPTIONS");
    reply(world, &probe, "481 Call Does Not Exist", "", "");
}

/// Third parties of this key are called and answer with their media at this port.
fn comes(world: &mut World, key: &str, port: u16) -> (ThirdId, Sent) {
    let third = press(world, key);
    let invite = dialled(world);
    answers_at(world, &invite, port);
    (third, invite)
}

fn police_of(world: &mut World, city: &str) -> Result<ThirdId, CommandError> {
    let call = the_call(world);
    match world.command(Command::press(call, "110", city)) {
        Reply::Transfer(result) => result.map(|it| it.third),
        other => panic!("{other:?}"),
    }
}

fn alarms(world: &World) -> Vec<AlarmView> {
    let views = world.shards.iter().map(|s| s.view(world.now));
    views.flat_map(|v| v.calls).flat_map(|c| c.alarms).collect()
}

fn keys(world: &World) -> Vec<String> {
    alarms(world).into_iter().map(|it| it.key).collect()
}

fn told(world: &World) -> usize {
    let alarm = |n: &&Notice| matches!(n, Notice::TransferAlarm { .. });
    world.notices.iter().filter(alarm).count()
}

#[test]
fn the_counsellor_does_not_leave_while_an_emergency_rings_or_has_not_taken_over() {
    let (mut world, caller, _) = pair();
    comes(&mut world, "12345", 7000);
    let third = press(&mut world, "110");
    assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7002);
    assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
    wish(&mut world, third, ThirdWish::Confirm).unwrap();
    leave(&mut world).unwrap();
    world.take(addr(S0), "BYE");
    assert_eq!(ears(&world), "C:PQ P:CQ Q:CP");
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn the_counsellor_may_leave_police_who_ring_to_somebody_of_this_house() {
    let (mut world, _, _) = pair();
    staff(&mut world);
    second_at(&mut world, "2", L0);
    press(&mut world, "110");
    dialled(&mut world);
    leave(&mut world).unwrap();
    world.take(addr(S0), "BYE");
}

#[test]
fn a_target_that_was_reached_does_not_make_a_loss_planned_while_police_ring() {
    for lost in [true, false] {
        let (mut world, _, seat) = pair();
        staff(&mut world);
        let (third, _) = comes(&mut world, "120", 7000);
        wish(&mut world, third, ThirdWish::Confirm).unwrap();
        if !lost {
            press(&mut world, "110");
            dialled(&mut world);
            counsellor_hangs_up(&mut world, &seat);
        } else {
            // A telephone that vanishes has planned nothing, whoever has taken over.
            telephone_dies(&mut world);
        }
        offer_at(&mut world, L0);
    }
}

#[test]
fn nobody_is_passed_on_blind_while_police_ring() {
    let (mut world, _, _) = pair();
    press(&mut world, "110");
    dialled(&mut world);
    press_as(&mut world, "12345", Manner::Blind).unwrap();
    world.none(addr(S0), "BYE");
    let city = dialled(&mut world);
    answers_at(&mut world, &city, 7000);
    assert_eq!(ears(&world), "C:KP K:CP P:CK");
}

#[test]
fn a_caller_whom_police_left_unconfirmed_goes_to_the_head_of_the_queue_with_an_alarm() {
    for confirmed in [false, true] {
        let (mut world, caller, _) = pair();
        let (third, police) = comes(&mut world, "110", 7000);
        telephone_dies(&mut world);
        // Nobody of the second line is there, and its limit passes.
        world.pass(61 * SECOND);
        let before = told(&world);
        if confirmed {
            wish(&mut world, third, ThirdWish::Confirm).unwrap();
        }
        seat_bye(&mut world, &police);
        if confirmed {
            world.take(caller.from, "BYE");
            assert_eq!(told(&world), before);
            continue;
        }
        world.none(caller.from, "BYE");
        assert_eq!(told(&world), before + 1);
        assert_eq!(keys(&world), ["110"]);
        let again = offer_at(&mut world, S0);
        answer(&mut world, &again);
        caller.bye(&mut world);
        all_over(&mut world);
        assert!(world.records[0].risk);
    }
}

#[test]
fn a_caller_alone_with_police_is_an_alarm_once_no_second_line_comes() {
    let (mut world, caller, _) = pair();
    comes(&mut world, "110", 7000);
    telephone_dies(&mut world);
    world.pass(58 * SECOND);
    assert_eq!((told(&world), keys(&world)), (0, vec![]));
    world.pass(3 * SECOND);
    assert_eq!(told(&world), 1);
    let [alarm] = &alarms(&world)[..] else {
        panic!("{:?}", alarms(&world));
    };
    assert_eq!((alarm.key.as_str(), alarm.number.as_str()), ("2", ""));
    // A supervisor takes the caller on.
    supervise(&mut world, SEAT_V, Mode::Full).unwrap();
    let invite = offer_at(&mut world, V);
    answer(&mut world, &invite);
    assert_eq!(ears(&world), "C:PV P:CV V:CP");
    assert_eq!(alarms(&world), []);
    caller.bye(&mut world);
}

#[test]
fn who_stands_in_and_leaves_a_caller_with_police_who_have_not_taken_over_is_an_alarm() {
    for confirmed in [false, true] {
        let (mut world, _, seat) = pair();
        staff(&mut world);
        let (third, _) = comes(&mut world, "110", 7000);
        counsellor_hangs_up(&mut world, &seat);
        let officer = offer_at(&mut world, L0);
        answer(&mut world, &officer);
        if confirmed {
            wish(&mut world, third, ThirdWish::Confirm).unwrap();
        }
        seat_bye(&mut world, &officer);
        assert_eq!(ears(&world), "C:P P:C");
        assert_eq!(told(&world), usize::from(!confirmed));
    }
}

#[test]
fn a_second_line_that_there_is_no_room_for_is_an_alarm_and_who_listens_makes_room() {
    let cities = ["贵阳", "北京", "上海", "广州", "成都", "武汉"];
    for listener in [true, false] {
        let (mut world, _, _) = pair();
        staff(&mut world);
        for (at, city) in (0u16..).zip(&cities[usize::from(listener)..]) {
            police_of(&mut world, city).unwrap();
            let invite = dialled(&mut world);
            answers_at(&mut world, &invite, 7100 + 2 * at);
        }
        if listener {
            supervise(&mut world, SEAT_V, Mode::Listen).unwrap();
            let invite = offer_at(&mut world, V);
            answer(&mut world, &invite);
        }
        telephone_dies(&mut world);
        if listener {
            world.take(addr(V), "BYE");
            offer_at(&mut world, L0);
            assert_eq!((told(&world), alarms(&world)), (0, vec![]));
        } else {
            world.none(addr(L0), "INVITE");
            assert_eq!((told(&world), keys(&world)), (1, vec!["2".to_owned()]));
        }
    }
}

/// A caller whose number is withheld talks with s0; its number may be seen.
fn withheld() -> (World, Caller, impl Fn(&mut World) -> bool) {
    let mut world = crate::desk::world();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let private = "Privacy: id\r\nP-Asserted-Identity: <tel:+8613300000001>\r\n";
    caller.invite_with(&mut world, private);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    caller.answered(&mut world);
    let seen = |world: &mut World| {
        let call = the_call(world);
        match world.command(Command::Reveal { call }) {
            Reply::Revealed(result) => result.is_ok(),
            other => panic!("{other:?}"),
        }
    };
    (world, caller, seen)
}

#[test]
fn an_emergency_is_one_from_the_first_number_dialled_and_stays_one() {
    let (mut world, _, seen) = withheld();
    assert!(!seen(&mut world));
    // The place is asked for, and the key is taken back: nobody was called.
    let third = police_of(&mut world, "鼓楼区").unwrap();
    assert_eq!(thirds(&world)[0].1, State::Asking);
    wish(&mut world, third, ThirdWish::Cancel).unwrap();
    assert!(!seen(&mut world));
    let third = press(&mut world, "110");
    dialled(&mut world);
    assert!(seen(&mut world));
    wish(&mut world, third, ThirdWish::Cancel).unwrap();
    // Another configuration has no such key.
    let mut config = meishier_engine::config::Config::clone(&world.config);
    config.transfer.keys.retain(|it| it.name != "110");
    world.configure_with(Arc::new(config));
    assert!(seen(&mut world));
}

#[test]
fn who_is_asked_for_stands_at_the_head_once_the_place_of_an_emergency_is_settled() {
    let (mut world, _, _) = pair();
    let third = police_of(&mut world, "鼓楼区").unwrap();
    press(&mut world, "2");
    let at_the_head = |world: &World| world.queue.waiting(PoolId(2)).risk;
    assert_eq!(at_the_head(&world), 0);
    wish(&mut world, third, ThirdWish::Settle("南京".to_owned())).unwrap();
    dialled(&mut world);
    assert_eq!(at_the_head(&world), 1);
}

#[test]
fn what_becomes_of_caller_and_counsellor_is_in_the_time_line() {
    let (mut world, caller, seat) = pair();
    comes(&mut world, "12345", 7000);
    let call = the_call(&world);
    for (who, mode) in [
        (meishier_engine::Who::Caller, Mode::Held),
        (meishier_engine::Who::Caller, Mode::Full),
        (meishier_engine::Who::Counsellor, Mode::Held),
    ] {
        done(&mut world, Command::Hear { call, who, mode }).unwrap();
    }
    caller.bye(&mut world);
    counsellor_hangs_up(&mut world, &seat);
    let transfers = all_over(&mut world);
    let of = |what: &str| -> Vec<String> {
        let events = transfers[0].events.iter().filter(|it| it.what == what);
        events.map(|it| it.detail.clone()).collect()
    };
    let wanted = ["caller held", "caller full", "counsellor held"];
    assert_eq!(of("mode"), wanted);
}

fn refuse(world: &mut World, invite: &Sent) {
    reply(world, invite, "486 Busy Here", "police", "");
}

fn numbers(world: &World) -> Vec<String> {
    alarms(world).into_iter().map(|it| it.number).collect()
}

#[test]
fn only_the_alarms_that_somebody_saw_are_seen_to() {
    let (mut world, _, _) = pair();
    let first = press(&mut world, "110");
    let invite = dialled(&mut world);
    refuse(&mut world, &invite);
    // This one is raised after the page was drawn.
    press(&mut world, "120");
    let invite = dialled(&mut world);
    refuse(&mut world, &invite);
    let (call, thirds) = (the_call(&world), vec![first]);
    done(&mut world, Command::AlarmSeen { call, thirds }).unwrap();
    assert_eq!(keys(&world), ["120"]);
}

#[test]
fn police_of_one_place_do_not_see_to_the_alarm_of_another() {
    let (mut world, _, _) = pair();
    for city in ["贵阳", "北京"] {
        police_of(&mut world, city).unwrap();
        let invite = dialled(&mut world);
        refuse(&mut world, &invite);
    }
    assert_eq!(numbers(&world), ["0851110", "010110"]);
    police_of(&mut world, "北京").unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7000);
    assert_eq!(numbers(&world), ["0851110"]);
}

/// Where these lines stand in the table of places.
fn world_with_places(lines: &str) -> World {
    let text = "name = \"120\"\n".to_owned();
    let more = format!("{lines}\n[[transfer.keys]]\n{text}");
    crate::desk::world_where((&format!("[[transfer.keys]]\n{text}"), &more))
}

#[test]
fn one_dispatch_centre_for_two_keys_has_two_alarms() {
    let mut world = world_with_places(
        "[[transfer.places]]\ncity = \"贵阳\"\nkey = \"110\"\nto = [\"085199999\"]\n\
         [[transfer.places]]\ncity = \"贵阳\"\nkey = \"120\"\nto = [\"085199999\"]\n",
    );
    crate::world::scene::talking(&mut world);
    for key in ["110", "120"] {
        press(&mut world, key);
        for _ in 0..2 {
            let invite = dialled(&mut world);
            refuse(&mut world, &invite);
        }
    }
    assert_eq!(keys(&world), ["110", "120"]);
}

#[test]
fn a_person_is_told_a_number_and_no_address() {
    let mut world = world_with_places(
        "[[transfer.places]]\ncity = \"贵阳\"\nkey = \"110\"\nto = [\"sip:110@10.0.1.1\"]\n",
    );
    crate::world::scene::talking(&mut world);
    press(&mut world, "110");
    for _ in 0..2 {
        let invite = dialled(&mut world);
        refuse(&mut world, &invite);
    }
    assert_eq!(numbers(&world), ["0851110"]);
}

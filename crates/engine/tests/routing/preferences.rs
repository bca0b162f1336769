//! Preferences bind while somebody is there who has what is preferred.

use crate::opening::{call_of, config, dial, from_of, talks};
use crate::world::scene::{S0, S1, S2, SECOND, offer_at, seat_state, sign_on};
use crate::world::{TEN_O_CLOCK, World, addr, answer, seat_bye};
use meishier_engine::{Command, Reply, SeatChange, SeatState};
use meishier_model::{CounsellorId, SeatId};

const SKILLED: &str = r#"
[[preferences]]
name = "everybody"
prefer = { crisis = 300 }

[[counsellors]]
account = "300"
pin = "3000"
seats = ["s1", "s2"]
skills = { crisis = 3 }
"#;

fn world() -> World {
    World::with(&format!("{}{SKILLED}", config()), TEN_O_CLOCK)
}

fn change(world: &mut World, seat: u32, change: SeatChange) {
    let seat = SeatId(seat);
    let reply = world.command(Command::Seat { seat, change });
    assert!(matches!(reply, Reply::Seat(Ok(_))), "{reply:?}");
}

/// Who has the skill signs on.
fn skilled_at(world: &mut World, seat: u32) {
    let sign_on = SeatChange::SignOn {
        counsellor: CounsellorId(4),
        pin: Some("3000".into()),
    };
    change(world, seat, sign_on);
}

/// Who has the skill talks at s1, somebody else is ready at s0, "b" waits.
fn held(world: &mut World) {
    skilled_at(world, 1);
    let mut first = dial(world, "a", "13300000001");
    let seat = offer_at(world, S1);
    answer(world, &seat);
    first.answered(world);
    sign_on(world, 0, 0);
    dial(world, "b", "13300000002");
    world.pass(SECOND);
    world.none(addr(S0), "INVITE");
}

#[test]
fn what_nobody_has_holds_nobody_back() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    dial(&mut world, "a", "13300000001");
    offer_at(&mut world, S0);
}

#[test]
fn what_somebody_has_holds_for_its_time() {
    let mut world = world();
    held(&mut world);
    world.pass(18 * SECOND);
    world.none(addr(S0), "INVITE");
    world.pass(SECOND);
    assert!(from_of(&offer_at(&mut world, S0)).contains("sip:b@"));
}

#[test]
fn it_falls_when_the_last_one_who_has_it_pauses() {
    let mut world = world();
    held(&mut world);
    let reason = String::new();
    change(&mut world, 1, SeatChange::Pause { reason });
    assert!(from_of(&offer_at(&mut world, S0)).contains("sip:b@"));
}

#[test]
fn it_falls_when_the_last_one_who_has_it_signs_off() {
    let mut world = world();
    held(&mut world);
    change(&mut world, 1, SeatChange::SignOff);
    assert!(from_of(&offer_at(&mut world, S0)).contains("sip:b@"));
}

#[test]
fn who_has_it_in_a_pool_that_is_asked_soon_is_waited_for() {
    let mut world = world();
    skilled_at(&mut world, 2);
    sign_on(&mut world, 0, 0);
    dial(&mut world, "a", "13300000001");
    world.pass(9 * SECOND);
    world.none(addr(S0), "INVITE");
    world.pass(SECOND);
    offer_at(&mut world, S2);
}

#[test]
fn who_has_it_in_a_pool_that_is_asked_too_late_is_not() {
    let text = format!("{}{SKILLED}", config()).replace("after = \"10s\"", "after = \"25s\"");
    let mut world = World::with(&text, TEN_O_CLOCK);
    skilled_at(&mut world, 2);
    sign_on(&mut world, 0, 0);
    dial(&mut world, "a", "13300000001");
    offer_at(&mut world, S0);
}

#[test]
fn a_counsellor_who_talks_with_somebody_else_takes_no_skill_from_those_who_are_asked() {
    let text = format!("{}{SKILLED}", config());
    let text = text.replace("pools = [\"province\"]", "pools = [\"city\"]");
    let text = text.replace("lines = 2", "lines = 3");
    let mut world = World::with(&text, TEN_O_CLOCK);
    // Whom the flagged caller knows has not the skill either, and talks with somebody else.
    sign_on(&mut world, 0, 0);
    let (_, seat) = talks(&mut world, "a", "13300000001");
    let call = call_of(&world);
    assert_eq!(world.command(Command::Flag { call }), Reply::Done(Ok(())));
    seat_bye(&mut world, &seat);
    change(&mut world, 0, SeatChange::Ready);
    let _other = talks(&mut world, "b", "13300000002");
    // Who has the skill talks as well, and who lacks it is free: the caller is held for the skill.
    skilled_at(&mut world, 2);
    let mut third = dial(&mut world, "c", "13300000003");
    let seat = offer_at(&mut world, S2);
    answer(&mut world, &seat);
    third.answered(&mut world);
    sign_on(&mut world, 1, 1);
    dial(&mut world, "a2", "13300000001");
    world.none(addr(S1), "INVITE");
    seat_bye(&mut world, &seat);
    change(&mut world, 2, SeatChange::Ready);
    assert!(from_of(&offer_at(&mut world, S2)).contains("sip:a2@"));
    world.none(addr(S1), "INVITE");
    assert_eq!(seat_state(&mut world, 0), SeatState::Talking);
}

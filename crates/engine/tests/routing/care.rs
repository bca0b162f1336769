//! What counsellors are spared.

use crate::opening::{call_of, dial, newest, talks, world};
use crate::world::scene::{S0, SECOND, offer_at, seat_state, sign_on, talking};
use crate::world::{addr, reply, seat_bye};
use meishier_engine::{Command, SeatChange, SeatState};
use meishier_model::SeatId;
use std::time::Duration;

#[test]
fn rests_follow_the_weight_and_a_cap_yields_for_risk() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let (_, seat) = talks(&mut world, "a", "13300000001");
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

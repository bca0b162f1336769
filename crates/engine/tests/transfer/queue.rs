//! Requests for the second line beside callers who wait: one order for all, and no line too many.

use crate::desk::{L0, L1, SEAT_L0, all_over, ears, pair, press, staff, state_of, the_call};
use crate::world::scene::{S1, SECOND, offer_at, sign_on};
use crate::world::{CARRIER, Caller, World, addr, answer, seat_bye};
use meishier_engine::transfer::{Mode, Reach};
use meishier_engine::{Command, Reply, SeatChange, SeatState};
use meishier_model::{PoolId, SeatId, SkillSet};
use std::sync::Arc;

/// Key 2 reaches the pool of the callers.
fn of_the_city(world: &mut World) {
    let mut config = (*world.config).clone();
    for key in &mut config.transfer.keys {
        if key.name == "2" {
            let skills = SkillSet::default();
            key.reach = Reach::Seats {
                pool: PoolId(0),
                skills,
            };
        }
    }
    world.configure_with(Arc::new(config));
}

fn waiting(world: &World) -> usize {
    world.queue.waiting_list().len()
}

#[test]
fn a_request_takes_its_turn_behind_whoever_came_before() {
    let (mut world, _, _) = pair();
    of_the_city(&mut world);
    let mine = the_call(&world);
    Caller::new(CARRIER, "13300000002").invite(&mut world);
    world.pass(SECOND);
    world.command(Command::press(mine, "2", ""));
    world.pass(SECOND);
    Caller::new(CARRIER, "13300000003").invite(&mut world);
    assert_eq!(waiting(&world), 3);
    // A request is nobody's call: people see two who wait beside the conversation.
    let views = world.shards.iter().map(|s| s.view(world.now));
    assert_eq!(views.flat_map(|v| v.calls).count(), 3);
    sign_on(&mut world, 1, 1);
    let first = offer_at(&mut world, S1);
    assert_ne!(first.header("X-Meishier-Call"), mine.to_string());
    answer(&mut world, &first);
    seat_bye(&mut world, &first);
    world.pass(10 * SECOND);
    let second = offer_at(&mut world, S1);
    let rings_for = second.header("X-Meishier-Call");
    assert_eq!(rings_for, mine.to_string(), "then the request");
}

#[test]
fn at_risk_or_with_an_emergency_it_stands_at_the_head() {
    for emergency in [false, true] {
        let (mut world, _, _) = pair();
        of_the_city(&mut world);
        let call = the_call(&world);
        Caller::new(CARRIER, "13300000002").invite(&mut world);
        world.pass(SECOND);
        if emergency {
            world.command(Command::press(call, "110", "贵阳"));
            world.command(Command::press(call, "2", ""));
        } else {
            world.command(Command::press(call, "2", ""));
            // Flagged while the request waits.
            assert_eq!(world.command(Command::Flag { call }), Reply::Done(Ok(())));
        }
        sign_on(&mut world, 1, 1);
        let first = offer_at(&mut world, S1);
        assert_eq!(first.header("X-Meishier-Call"), call.to_string());
    }
}

#[test]
fn an_emergency_lifts_a_request_that_waits_already() {
    let (mut world, _, _) = pair();
    of_the_city(&mut world);
    let call = the_call(&world);
    Caller::new(CARRIER, "13300000002").invite(&mut world);
    world.pass(SECOND);
    world.command(Command::press(call, "2", ""));
    world.pass(SECOND);
    world.command(Command::press(call, "110", "贵阳"));
    sign_on(&mut world, 1, 1);
    let first = offer_at(&mut world, S1);
    assert_eq!(first.header("X-Meishier-Call"), call.to_string());
}

#[test]
fn a_request_needs_a_line_of_its_pool_and_gives_it_back_once() {
    let (mut world, caller, _) = pair();
    of_the_city(&mut world);
    // The city has two lines, of which the conversation holds one and the request the other.
    press(&mut world, "2");
    sign_on(&mut world, 1, 1);
    let invite = offer_at(&mut world, S1);
    assert_eq!(world.queue.counts().lines_used, [2, 0, 0]);
    answer(&mut world, &invite);
    assert_eq!(world.queue.counts().lines_used, [2, 0, 0]);
    seat_bye(&mut world, &invite);
    assert_eq!(world.queue.counts().lines_used, [1, 0, 0]);
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn a_seat_that_pauses_while_it_rings_is_taken_back_and_another_rings() {
    let (mut world, _, _) = pair();
    staff(&mut world);
    press(&mut world, "2");
    let first = offer_at(&mut world, L0);
    let change = SeatChange::Pause {
        reason: String::new(),
    };
    let seat = SeatId(SEAT_L0);
    world.command(Command::Seat { seat, change });
    crate::world::reply(&mut world, &first, "180 Ringing", "seat", "");
    world.take(addr(L0), "CANCEL");
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Paused);
    let second = offer_at(&mut world, L1);
    answer(&mut world, &second);
    assert_eq!(ears(&world), "C:KM K:CM M:CK");
    assert_eq!(world.queue.counts().lines_used, [1, 0, 1]);
}

#[test]
fn a_second_request_waits_until_the_first_is_answered() {
    use meishier_engine::CommandError;
    use meishier_engine::transfer::Manner;
    let (mut world, _, _) = pair();
    press(&mut world, "2");
    let again = crate::desk::press_as(&mut world, "3", Manner::Warm);
    assert_eq!(again.map(drop), Err(CommandError::TransferRunning));
    staff(&mut world);
    let first = offer_at(&mut world, L0);
    answer(&mut world, &first);
    press(&mut world, "2");
    let second = offer_at(&mut world, L1);
    answer(&mut world, &second);
    assert_eq!(ears(&world), "C:KLM K:CLM L:CKM M:CKL");
    let modes = crate::desk::thirds(&world);
    assert!(modes.iter().all(|(mode, _)| *mode == Mode::Full));
}

#[test]
fn everything_ends_at_once_when_the_engine_is_told_so() {
    for rings in [false, true] {
        let (mut world, caller, _) = pair();
        press(&mut world, "2");
        if rings {
            staff(&mut world);
            let invite = offer_at(&mut world, L0);
            crate::world::reply(&mut world, &invite, "180 Ringing", "seat", "");
        }
        for shard in 0..world.shards.len() {
            world.handle(shard, meishier_engine::Input::HangUpAll);
        }
        world.take(caller.from, "BYE");
        if rings {
            world.take(addr(L0), "CANCEL");
        }
        world.pass(70 * SECOND);
        let counts = world.queue.counts();
        assert_eq!((counts.lines_used, counts.waiting), (vec![0, 0, 0], 0));
        assert_eq!(world.gauges().calls, 0);
    }
}

#[test]
fn who_drains_lets_a_request_be_served() {
    let (mut world, _, _) = pair();
    press(&mut world, "2");
    for shard in 0..world.shards.len() {
        world.handle(shard, meishier_engine::Input::Drain);
    }
    staff(&mut world);
    let invite = offer_at(&mut world, L0);
    answer(&mut world, &invite);
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
}

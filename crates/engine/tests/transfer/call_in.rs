//! Somebody of the second line comes into the conversation.

use crate::desk::{
    L0, L1, OF_L1, SEAT_L0, SEAT_L1, all_over, counsellor_hangs_up, ears, leave, pair, press,
    second_at, staff, state_of, story, the_call, thirds, wish,
};
use crate::world::scene::{S0, S1, SECOND, offer_at, sign_on};
use crate::world::{CARRIER, Caller, addr, answer, reply, seat_bye};
use meishier_engine::transfer::{Mode, State};
use meishier_engine::{CommandError, SeatState, ThirdWish};
use meishier_model::{OfferOutcome, TransferOutcome};

#[test]
fn the_second_line_comes_in_while_the_caller_stays_in_conversation() {
    let (mut world, caller, seat) = pair();
    staff(&mut world);
    assert_eq!(ears(&world), "C:K K:C");
    let third = press(&mut world, "2");
    let invite = offer_at(&mut world, L0);
    let call = the_call(&world);
    assert_eq!(invite.header("X-Meishier-Call"), call.to_string());
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Offered);
    assert_eq!(ears(&world), "C:K K:C", "two go on talking while it rings");
    reply(&mut world, &invite, "180 Ringing", "seat", "");
    answer(&mut world, &invite);
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Talking);
    assert_eq!(world.queue.counts().lines_used, [1, 0, 1]);
    // The desk of the second line finds the conversation.
    let home = world
        .shards
        .iter()
        .find_map(|s| s.seat_standing(meishier_model::SeatId(SEAT_L0)));
    assert_eq!(home.unwrap().call, Some(call));
    // A service in the conversation leaves by its own will only.
    assert_eq!(
        wish(&mut world, third, ThirdWish::Cancel),
        Err(CommandError::TransferElsewhere)
    );
    world.pass(5 * SECOND);
    seat_bye(&mut world, &invite);
    assert_eq!(ears(&world), "C:K K:C");
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Wrapup);
    assert_eq!(world.queue.counts().lines_used, [1, 0, 0]);
    world.pass(10 * SECOND);
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Ready);
    counsellor_hangs_up(&mut world, &seat);
    world.take(caller.from, "BYE");
    let transfers = all_over(&mut world);
    assert_eq!(transfers[0].outcome, TransferOutcome::Joined);
    assert_eq!(transfers[0].dialled, "l0");
    assert_eq!(
        story(&transfers[0]),
        [
            "dialling",
            "seat_offered",
            "ringing",
            "joined",
            "target_left"
        ]
    );
}

#[test]
fn only_a_seat_with_the_skill_is_called() {
    let (mut world, caller, _) = pair();
    sign_on(&mut world, SEAT_L1, OF_L1);
    press(&mut world, "3");
    world.none(addr(L1), "INVITE");
    sign_on(&mut world, SEAT_L0, 4);
    let invite = offer_at(&mut world, L0);
    answer(&mut world, &invite);
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
    caller.bye(&mut world);
    // Who was called for the caller stays with the counsellor; who is not there hears nothing.
    assert_eq!(ears(&world), "K:L L:K");
    seat_bye(&mut world, &invite);
    world.take(addr(S0), "BYE");
    all_over(&mut world);
}

#[test]
fn a_seat_that_refuses_rings_out_or_is_away_makes_room_for_another() {
    let (mut world, caller, _) = pair();
    staff(&mut world);
    press(&mut world, "2");
    let first = offer_at(&mut world, L0);
    reply(&mut world, &first, "486 Busy Here", "seat", "");
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Backoff);
    let second = offer_at(&mut world, L1);
    assert_eq!(world.queue.counts().lines_used, [1, 0, 1]);
    // Nobody answers for as long as a seat may ring; by then the first is back.
    reply(&mut world, &second, "180 Ringing", "seat", "");
    world.pass(20 * SECOND);
    world.take(addr(L1), "CANCEL");
    assert_eq!(state_of(&mut world, SEAT_L1), SeatState::Backoff);
    let third = offer_at(&mut world, L0);
    reply(&mut world, &third, "503 Service Unavailable", "seat", "");
    assert_eq!(world.queue.counts().lines_used, [1, 0, 0]);
    assert_eq!(world.queue.counts().waiting, 1);
    assert_eq!(ears(&world), "C:K K:C");
    world.pass(5 * SECOND);
    // Both are back: the one of the two who comes first.
    let last = offer_at(&mut world, L0);
    answer(&mut world, &last);
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
    caller.bye(&mut world);
    seat_bye(&mut world, &last);
    let transfers = all_over(&mut world);
    let missed: Vec<&str> = transfers[0]
        .events
        .iter()
        .filter(|it| it.what == "seat_missed")
        .map(|it| it.detail.as_str())
        .collect();
    let outcome = |seat: &str, it: OfferOutcome| format!("{seat} {}", it.as_str());
    assert_eq!(
        missed,
        [
            outcome("l0", OfferOutcome::Refused),
            outcome("l1", OfferOutcome::NoAnswer),
            outcome("l0", OfferOutcome::Unreachable)
        ]
    );
}

#[test]
fn the_keys_limit_ends_the_search_wherever_it_stands() {
    for rings in [false, true] {
        let (mut world, caller, _) = pair();
        if rings {
            sign_on(&mut world, SEAT_L0, 4);
        }
        press(&mut world, "2");
        // Each seat rings for 20 s and then rests for 5; at 60 s one rings again.
        world.pass(59 * SECOND);
        assert_eq!(thirds(&world), [(Mode::Full, State::Dialling)]);
        assert_eq!(state_of(&mut world, SEAT_L0) == SeatState::Offered, rings);
        world.pass(SECOND);
        assert_eq!(thirds(&world), []);
        assert_eq!(ears(&world), "C:K K:C");
        let counts = world.queue.counts();
        assert_eq!((counts.lines_used, counts.waiting), (vec![1, 0, 0], 0));
        if rings {
            assert_eq!(
                state_of(&mut world, SEAT_L0),
                SeatState::Ready,
                "it was not its doing"
            );
        }
        caller.bye(&mut world);
        let transfers = all_over(&mut world);
        assert_eq!(transfers[0].outcome, TransferOutcome::NoAnswer);
    }
}

#[test]
fn a_key_taken_back_leaves_nobody_ringing_and_nobody_waiting() {
    for rings in [false, true] {
        let (mut world, caller, _) = pair();
        if rings {
            sign_on(&mut world, SEAT_L0, 4);
        }
        let third = press(&mut world, "2");
        wish(&mut world, third, ThirdWish::Cancel).unwrap();
        assert_eq!(world.queue.counts().waiting, 0);
        if rings {
            let invite = offer_at(&mut world, L0);
            // The answer crosses the CANCEL: the telephone is hung up again.
            answer(&mut world, &invite);
            world.take(addr(L0), "BYE");
            assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Ready);
        }
        assert_eq!(ears(&world), "C:K K:C");
        // A seat that comes free finds nobody.
        sign_on(&mut world, SEAT_L1, OF_L1);
        world.none(addr(L1), "INVITE");
        caller.bye(&mut world);
        let transfers = all_over(&mut world);
        assert_eq!(transfers[0].outcome, TransferOutcome::Cancelled);
    }
}

#[test]
fn a_caller_who_hangs_up_takes_the_request_out_of_the_queue() {
    for rings in [false, true] {
        let (mut world, caller, _) = pair();
        if rings {
            sign_on(&mut world, SEAT_L0, 4);
        }
        press(&mut world, "2");
        caller.bye(&mut world);
        world.take(addr(S0), "BYE");
        if rings {
            let invite = offer_at(&mut world, L0);
            reply(&mut world, &invite, "180 Ringing", "seat", "");
            world.take(addr(L0), "CANCEL");
            reply(&mut world, &invite, "487 Request Terminated", "seat", "");
            assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Ready);
        }
        let transfers = all_over(&mut world);
        assert_eq!(transfers[0].outcome, TransferOutcome::Cancelled);
    }
}

#[test]
fn a_counsellor_whose_telephone_dies_leaves_the_caller_with_the_second_line() {
    let (mut world, caller, _) = pair();
    staff(&mut world);
    second_at(&mut world, "2", L0);
    let port = world.port_of("10.0.2.0:6000");
    world.silent(port);
    world.pass(40 * SECOND);
    // 481 would do as well; nobody answers at all.
    assert_eq!(ears(&world), "C:L L:C");
    world.none(caller.from, "BYE");
    assert_eq!(world.queue.counts().lines_used, [0, 0, 1]);
    caller.bye(&mut world);
    world.take(addr(L0), "BYE");
    assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Wrapup);
    all_over(&mut world);
}

#[test]
fn a_counsellor_who_drops_out_beside_police_is_replaced_by_the_second_line() {
    let (mut world, caller, seat) = pair();
    staff(&mut world);
    press(&mut world, "110");
    let police = crate::desk::dialled(&mut world);
    crate::desk::answers_at(&mut world, &police, 7000);
    counsellor_hangs_up(&mut world, &seat);
    assert_eq!(ears(&world), "C:P P:C");
    let invite = offer_at(&mut world, L0);
    answer(&mut world, &invite);
    assert_eq!(ears(&world), "C:LP L:CP P:CL");
    // Police have seen to it; the second line stays with the caller.
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "C:L L:C");
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    assert_eq!(transfers.len(), 2);
}

#[test]
fn a_caller_left_with_nobody_but_a_request_that_fails_goes_to_the_head_of_the_queue() {
    let (mut world, caller, seat) = pair();
    press(&mut world, "2");
    counsellor_hangs_up(&mut world, &seat);
    world.none(caller.from, "BYE");
    assert_eq!(ears(&world), "C:~");
    world.pass(60 * SECOND);
    world.none(caller.from, "BYE");
    // s0 is back from its wrap-up by then, and rings at once.
    let again = offer_at(&mut world, S0);
    answer(&mut world, &again);
    assert_eq!(ears(&world), "C:K K:C");
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    assert_eq!(transfers[0].outcome, TransferOutcome::NoAnswer);
    assert!(world.records[0].risk);
}

#[test]
fn the_second_line_takes_over_and_the_counsellor_leaves() {
    let (mut world, caller, _) = pair();
    staff(&mut world);
    press(&mut world, "2");
    assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
    let invite = offer_at(&mut world, L0);
    answer(&mut world, &invite);
    leave(&mut world).unwrap();
    world.take(addr(S0), "BYE");
    assert_eq!(ears(&world), "C:L L:C");
    // The counsellor's seat wraps up and takes the next caller.
    sign_on(&mut world, 1, 1);
    Caller::new(CARRIER, "other").invite(&mut world);
    offer_at(&mut world, S1);
    caller.bye(&mut world);
    world.take(addr(L0), "BYE");
}

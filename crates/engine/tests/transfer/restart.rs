//! The process ends in the middle of it, or a shard is replaced.

use crate::desk::{
    L0, L1, SEAT_L0, SEAT_V, V, all_over, answers_at, dialled, ears, pair, press, press_as,
    second_at, staff, state_of, supervise, thirds,
};
use crate::world::scene::{S0, SECOND, offer_at, sign_on};
use crate::world::{World, addr, answer, reply, seat_bye};
use meishier_engine::SeatState;
use meishier_engine::transfer::{Manner, Mode};

/// How one process follows another.
#[derive(Clone, Copy, Debug)]
enum How {
    Snapshots,
    Restart,
}

const BOTH: [How; 2] = [How::Snapshots, How::Restart];

fn go_on(world: &mut World, how: How) {
    world.media.clear();
    match how {
        How::Snapshots => world.replace_by_snapshots(),
        How::Restart => world.restart(),
    }
}

#[test]
fn a_request_goes_on_from_wherever_it_stood() {
    for how in BOTH {
        for stop in 0..5 {
            let (mut world, caller, _) = pair();
            let end_here = |world: &mut World, at: usize| {
                if at == stop {
                    go_on(world, how);
                }
            };
            press(&mut world, "2");
            end_here(&mut world, 0);
            assert_eq!(world.queue.counts().waiting, 1, "{how:?} {stop}");
            sign_on(&mut world, SEAT_L0, 4);
            let invite = offer_at(&mut world, L0);
            end_here(&mut world, 1);
            assert_eq!(world.queue.counts().lines_used, [1, 0, 1], "{how:?} {stop}");
            assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Offered);
            reply(&mut world, &invite, "180 Ringing", "seat", "");
            end_here(&mut world, 2);
            world.pass(SECOND);
            answer(&mut world, &invite);
            end_here(&mut world, 3);
            assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Talking);
            world.pass(SECOND);
            if stop == 3 {
                assert_eq!(ears(&world), "C:KL K:CL L:CK", "{how:?}");
            }
            seat_bye(&mut world, &invite);
            end_here(&mut world, 4);
            assert_eq!(world.queue.counts().lines_used, [1, 0, 0], "{how:?} {stop}");
            assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Wrapup);
            world.pass(10 * SECOND);
            assert_eq!(state_of(&mut world, SEAT_L0), SeatState::Ready);
            caller.bye(&mut world);
            all_over(&mut world);
        }
    }
}

#[test]
fn the_limits_go_on_and_so_do_the_numbers_of_requests() {
    for how in BOTH {
        let (mut world, caller, _) = pair();
        staff(&mut world);
        press(&mut world, "2");
        let first = offer_at(&mut world, L0);
        reply(&mut world, &first, "180 Ringing", "seat", "");
        world.pass(10 * SECOND);
        go_on(&mut world, how);
        // What was left of the seat's twenty seconds.
        world.pass(10 * SECOND);
        world.take(addr(L0), "CANCEL");
        let second = offer_at(&mut world, L1);
        answer(&mut world, &second);
        assert_eq!(ears(&world), "C:KM K:CM M:CK", "{how:?}");
        // The next request has a number of its own.
        press(&mut world, "2");
        world.pass(5 * SECOND);
        let third = offer_at(&mut world, L0);
        answer(&mut world, &third);
        assert_eq!(ears(&world), "C:KLM K:CLM L:CKM M:CKL", "{how:?}");
        caller.bye(&mut world);
        assert_eq!(ears(&world), "K:LM L:KM M:KL", "{how:?}");
    }
}

#[test]
fn who_hears_whom_is_the_same_afterwards() {
    for how in BOTH {
        let (mut world, _, _) = pair();
        staff(&mut world);
        second_at(&mut world, "2", L0);
        press_as(&mut world, "110", Manner::Quiet).unwrap();
        let police = dialled(&mut world);
        answers_at(&mut world, &police, 7000);
        supervise(&mut world, SEAT_V, Mode::Whisper).unwrap();
        let invite = offer_at(&mut world, V);
        answer(&mut world, &invite);
        let before = ears(&world);
        assert_eq!(before, "C:K K:CV L:CKP P:L V:CK");
        go_on(&mut world, how);
        assert_eq!(ears(&world), before, "{how:?}");
        // And goes on as if nothing had been.
        seat_bye(&mut world, &police);
        assert_eq!(ears(&world), "C:KL K:CLV L:CK V:CKL", "{how:?}");
        seat_bye(&mut world, &invite);
        assert_eq!(thirds(&world).len(), 1);
    }
}

#[test]
fn a_supervisors_telephone_that_rang_goes_on_ringing() {
    for how in BOTH {
        let (mut world, caller, _) = pair();
        supervise(&mut world, SEAT_V, Mode::Listen).unwrap();
        let invite = offer_at(&mut world, V);
        reply(&mut world, &invite, "180 Ringing", "seat", "");
        go_on(&mut world, how);
        answer(&mut world, &invite);
        assert_eq!(ears(&world), "C:K K:C V:CK", "{how:?}");
        caller.bye(&mut world);
        world.take(addr(S0), "BYE");
        all_over(&mut world);
    }
}

#[test]
fn a_call_that_cannot_be_taken_in_leaves_nobody_waiting_and_no_seat_ringing() {
    for talks in [false, true] {
        let (mut world, _, _) = pair();
        sign_on(&mut world, SEAT_L0, 4);
        press(&mut world, "2");
        let invite = offer_at(&mut world, L0);
        if talks {
            answer(&mut world, &invite);
        }
        world.restart_from(|written| {
            for shard in written["shards"].as_array_mut().unwrap() {
                for call in shard["calls"].as_array_mut().unwrap() {
                    let legs = call["legs"].as_array_mut().unwrap();
                    let twice = legs[0].clone();
                    legs.push(twice);
                }
            }
        });
        assert_eq!(world.records.len(), 1, "{talks}");
        let state = state_of(&mut world, SEAT_L0);
        let rests = if talks {
            SeatState::Wrapup
        } else {
            SeatState::Ready
        };
        assert_eq!(state, rests);
        let counts = world.queue.counts();
        assert_eq!((counts.lines_used, counts.waiting), (vec![0, 0, 0], 0));
    }
}

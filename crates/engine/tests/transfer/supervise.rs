//! Supervisors listen, whisper and speak; nobody hears them come.

use crate::desk::{
    L0, OF_L1, SEAT_L1, SEAT_V, SEAT_W, V, all_over, answers_at, counsellor_hangs_up, dialled,
    ears, hear, leave, nothing_unexpected, pair, press, register, second_at, staff, story,
    supervise, the_call, thirds, wish,
};
use crate::world::scene::{S0, SECOND, offer_at, sign_on};
use crate::world::{CARRIER, Sent, World, addr, answer, reply, seat_bye};
use meishier_engine::media::{MediaCommand, Source};
use meishier_engine::transfer::{Mode, Role, State, ThirdId};
use meishier_engine::{Command, CommandError, Notice, Reply, ThirdWish, Who};
use meishier_model::{Outcome, ReleasedBy};

/// A supervisor's telephone is in the conversation.
fn with_supervisor(mode: Mode) -> (World, crate::world::Caller, Sent, ThirdId, Sent) {
    let (mut world, caller, seat) = pair();
    let third = supervise(&mut world, SEAT_V, mode).unwrap();
    let invite = offer_at(&mut world, V);
    answer(&mut world, &invite);
    (world, caller, seat, third, invite)
}

fn parts(world: &World) -> Vec<(Who, Role, Mode)> {
    let part = |notice: &Notice| match notice {
        Notice::TakesPart {
            who, role, mode, ..
        } => Some((*who, *role, *mode)),
        _ => None,
    };
    world.notices.iter().filter_map(part).collect()
}

#[test]
fn in_each_mode_they_hear_and_are_heard_by_whom_they_should() {
    let ears_in = [
        (Mode::Listen, "C:K K:C V:CK"),
        (Mode::Whisper, "C:K K:CV V:CK"),
        (Mode::Full, "C:KV K:CV V:CK"),
    ];
    for (mode, expected) in ears_in {
        let (mut world, _, _, third, _) = with_supervisor(mode);
        assert_eq!(ears(&world), expected, "{mode:?}");
        assert_eq!(thirds(&world), [(mode, State::Joined)]);
        let who = Who::Third(third);
        assert!(parts(&world).contains(&(who, Role::Supervisor, mode)));
        // Any other mode later on.
        for (mode, expected) in ears_in {
            hear(&mut world, who, mode).unwrap();
            assert_eq!(ears(&world), expected, "{mode:?} later");
            assert_eq!(parts(&world).last(), Some(&(who, Role::Supervisor, mode)));
        }
        assert_eq!(
            hear(&mut world, who, Mode::Back),
            Err(CommandError::ModeNotAllowed)
        );
        assert_eq!(
            hear(&mut world, Who::Caller, Mode::Listen),
            Err(CommandError::ModeNotAllowed)
        );
    }
}

#[test]
fn neither_caller_nor_counsellor_hears_the_telephone_ring_or_fail() {
    for status in ["200", "486 Busy Here", "408 Request Timeout"] {
        let (mut world, caller, _) = pair();
        world.media.clear();
        supervise(&mut world, SEAT_V, Mode::Listen).unwrap();
        let invite = offer_at(&mut world, V);
        reply(&mut world, &invite, "180 Ringing", "seat", "");
        if status == "200" {
            answer(&mut world, &invite);
        } else {
            reply(&mut world, &invite, status, "seat", "");
            assert_eq!(thirds(&world), []);
        }
        let odd = |command: &&MediaCommand| match command {
            MediaCommand::Hear { source, .. } => {
                !matches!(source, Source::Peer(_) | Source::Mix(_))
            }
            _ => false,
        };
        assert_eq!(world.media.iter().find(odd), None, "{status}");
        caller.bye(&mut world);
        world.take(addr(S0), "BYE");
        all_over(&mut world);
    }
}

#[test]
fn a_telephone_that_nobody_answers_is_given_up() {
    let (mut world, caller, _) = pair();
    supervise(&mut world, SEAT_V, Mode::Whisper).unwrap();
    let invite = offer_at(&mut world, V);
    reply(&mut world, &invite, "180 Ringing", "seat", "");
    world.pass(20 * SECOND);
    world.take(addr(V), "CANCEL");
    reply(&mut world, &invite, "487 Request Terminated", "seat", "");
    assert_eq!(
        (thirds(&world), ears(&world)),
        (vec![], "C:K K:C".to_owned())
    );
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    assert_eq!(transfers[0].key, "supervise");
    assert_eq!(story(&transfers[0]), ["dialling", "ringing", "no_answer"]);
}

#[test]
fn it_is_refused_where_calls_are_taken_or_the_mode_does_not_fit() {
    let (mut world, _, _) = pair();
    for mode in [Mode::Aside, Mode::Desk, Mode::Back, Mode::Held] {
        let result = supervise(&mut world, SEAT_V, mode);
        assert_eq!(result, Err(CommandError::ModeNotAllowed));
    }
    // The counsellor's own seat, and one that is ready.
    sign_on(&mut world, SEAT_L1, OF_L1);
    for seat in [0, SEAT_L1] {
        let result = supervise(&mut world, seat, Mode::Listen);
        assert_eq!(result, Err(CommandError::SeatTakesCalls));
    }
    assert_eq!(
        supervise(&mut world, 99, Mode::Listen),
        Err(CommandError::UnknownSeat)
    );
    supervise(&mut world, SEAT_V, Mode::Listen).unwrap();
    assert_eq!(
        supervise(&mut world, SEAT_V, Mode::Full),
        Err(CommandError::TransferRunning)
    );
    let nobody = Command::Supervise {
        call: meishier_model::CallId(77),
        seat: meishier_model::SeatId(SEAT_V),
        mode: Mode::Listen,
    };
    assert_eq!(
        world.command(nobody),
        Reply::Transfer(Err(CommandError::UnknownCall))
    );
}

#[test]
fn who_only_listens_keeps_no_call_alive_and_may_be_sent_away() {
    for mode in [Mode::Listen, Mode::Whisper] {
        // Sent away.
        let (mut world, caller, _, third, _) = with_supervisor(mode);
        wish(&mut world, third, ThirdWish::Cancel).unwrap();
        world.take(addr(V), "BYE");
        assert_eq!(ears(&world), "C:K K:C");
        caller.bye(&mut world);
        all_over(&mut world);
        // Hangs up.
        let (mut world, caller, _, _, invite) = with_supervisor(mode);
        seat_bye(&mut world, &invite);
        assert_eq!(ears(&world), "C:K K:C");
        caller.bye(&mut world);
        all_over(&mut world);
        // The caller hangs up.
        let (mut world, caller, _, _, _) = with_supervisor(mode);
        caller.bye(&mut world);
        world.take(addr(S0), "BYE");
        world.take(addr(V), "BYE");
        all_over(&mut world);
        assert_eq!(world.records[0].released_by, ReleasedBy::Caller);
        // The counsellor hangs up.
        let (mut world, caller, seat, _, _) = with_supervisor(mode);
        counsellor_hangs_up(&mut world, &seat);
        world.take(caller.from, "BYE");
        world.take(addr(V), "BYE");
        all_over(&mut world);
        assert_eq!(world.records[0].released_by, ReleasedBy::Seat);
        assert_eq!(world.records[0].outcome, Outcome::Answered);
    }
}

#[test]
fn one_who_still_rings_keeps_no_call_alive_either() {
    for mode in [Mode::Listen, Mode::Full] {
        let (mut world, caller, seat) = pair();
        supervise(&mut world, SEAT_V, mode).unwrap();
        let invite = offer_at(&mut world, V);
        reply(&mut world, &invite, "180 Ringing", "seat", "");
        assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
        counsellor_hangs_up(&mut world, &seat);
        world.take(caller.from, "BYE");
        world.take(addr(V), "CANCEL");
        reply(&mut world, &invite, "487 Request Terminated", "seat", "");
        all_over(&mut world);
    }
}

#[test]
fn a_counsellor_does_not_leave_a_caller_to_somebody_who_only_listens() {
    let (mut world, _, _, third, invite) = with_supervisor(Mode::Listen);
    assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
    assert_eq!(
        wish(&mut world, third, ThirdWish::Confirm),
        Err(CommandError::TransferElsewhere)
    );
    // Nor by a key of the supervisor's telephone.
    let port = invite.rtp_port().unwrap();
    let event = meishier_engine::media::MediaEvent::Digit { port, digit: '1' };
    world.media_event(port, event);
    assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
    // Who speaks with everybody may take over.
    hear(&mut world, Who::Third(third), Mode::Full).unwrap();
    leave(&mut world).unwrap();
    assert_eq!(ears(&world), "C:V V:C");
}

#[test]
fn a_counsellor_whose_telephone_vanishes_is_not_replaced_by_somebody_who_listens() {
    let (mut world, caller, _, _, _) = with_supervisor(Mode::Listen);
    staff(&mut world);
    let port = world.port_of("10.0.2.0:6000");
    world.silent(port);
    world.pass(40 * SECOND);
    // Back at the head of the queue; the seat that vanished is let alone.
    world.take(addr(V), "BYE");
    world.none(caller.from, "BYE");
    let views = world.shards.iter().map(|s| s.view(world.now));
    let call = views.flat_map(|v| v.calls).next().unwrap();
    assert_eq!(call.thirds, []);
    nothing_unexpected(&world);
}

#[test]
fn a_registered_telephone_is_looked_for_wherever_it_is() {
    let (mut world, caller, _) = pair();
    // Not registered: nobody is called.
    supervise(&mut world, SEAT_W, Mode::Listen).unwrap();
    assert_eq!(thirds(&world), []);
    // At one place nothing answers at all, at the next it is.
    let places = ["10.0.2.31:5060", "10.0.2.21:5060"];
    register(&mut world, "w", &places);
    supervise(&mut world, SEAT_W, Mode::Listen).unwrap();
    let lost = world.take(addr(places[0]), "INVITE");
    world.none(addr(places[1]), "INVITE");
    world.pass(4 * SECOND);
    let found = world.take(addr(places[1]), "INVITE");
    answer(&mut world, &found);
    assert_eq!(ears(&world), "C:K K:C W:CK");
    // Should it answer there after all, it is hung up.
    reply(&mut world, &lost, "180 Ringing", "seat", "");
    world.take(addr(places[0]), "CANCEL");
    caller.bye(&mut world);
    world.take(addr(places[1]), "BYE");
}

#[test]
fn a_caller_may_be_marked_for_nuisance_while_somebody_listens() {
    let (mut world, caller, _, _, _) = with_supervisor(Mode::Listen);
    let call = the_call(&world);
    let mark = Command::Nuisance {
        call,
        lasts: None,
        reason: String::new(),
        end: true,
    };
    assert_eq!(world.command(mark), Reply::Done(Ok(())));
    world.take(addr(S0), "BYE");
    world.take(addr(V), "BYE");
    caller.bye(&mut world);
    all_over(&mut world);
}

#[test]
fn with_police_and_second_line_a_supervisor_hears_all_that_is_said_to_the_caller() {
    let (mut world, _, _, _, _) = with_supervisor(Mode::Whisper);
    staff(&mut world);
    second_at(&mut world, "2", L0);
    press(&mut world, "110");
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "C:KLP K:CLPV L:CKP P:CKL V:CKLP");
    world.none(addr(CARRIER), "BYE");
}

//! Marks for nuisance: a lower priority, never a rejection.

use crate::opening::{call_of, config, dial, is_risk, newest, talks, world};
use crate::world::scene::{S0, SECOND, sign_on, talking};
use crate::world::{CARRIER, TEN_O_CLOCK, World, addr, seat_bye};
use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::{Command, CommandError, Reply, SeatChange};
use meishier_model::{CallId, MarkKind, PortId, SeatId};

#[test]
fn a_mark_for_nuisance_lowers_and_never_rejects_and_a_flag_lifts_it() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    talks(&mut world, "a", "13300000001");
    let call = call_of(&world);
    let mark = |end| Command::Nuisance {
        call,
        lasts: None,
        reason: "辱骂".into(),
        end,
    };
    assert_eq!(world.command(mark(true)), Reply::Done(Ok(())));
    assert_eq!(world.marks[0].kind, MarkKind::Nuisance);
    assert_eq!(world.marks[0].reason, "辱骂");
    // The counsellor is free, the caller hears where to turn to, and then the call ends.
    world.take(addr(S0), "BYE");
    let token = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Hear {
            port,
            source: Source::Playlist { prompts, token, .. },
        } if prompts == &[PromptId::Guidance] => Some((*port, *token)),
        _ => None,
    });
    let (port, token) = token.expect("a prompt");
    world.none(addr(CARRIER), "BYE");
    world.media_event(port, MediaEvent::PlaylistDone { port, token });
    world.take(addr(CARRIER), "BYE");
    assert!(world.records[0].nuisance);
    // The next call of the number waits behind others, and is let in.
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::Pause {
            reason: String::new(),
        },
    });
    dial(&mut world, "a2", "13300000001");
    let call = newest(&world);
    let class = |world: &World| world.queue.waiting_list()[0].class.number();
    assert_eq!(class(&world), 6);
    assert_eq!(world.command(Command::Flag { call }), Reply::Done(Ok(())));
    assert_eq!(class(&world), 4);
    assert!(is_risk(&world, call));
}

#[test]
fn no_mark_while_the_caller_is_at_risk_or_nobody_talks() {
    let mut world = world();
    dial(&mut world, "a", "13300000001");
    let call = call_of(&world);
    let mark = Command::Nuisance {
        call,
        lasts: None,
        reason: String::new(),
        end: true,
    };
    assert_eq!(
        world.command(mark.clone()),
        Reply::Done(Err(CommandError::NotTalking))
    );
    world.command(Command::Flag { call });
    assert_eq!(world.command(mark), Reply::Done(Err(CommandError::AtRisk)));
    assert!(world.marks.iter().all(|mark| mark.kind == MarkKind::Risk));
}

#[test]
fn many_calls_of_a_day_lower_the_priority() {
    let mut world = world();
    sign_on(&mut world, 0, 0);
    let seat_0 = SeatId(0);
    for name in ["a", "b"] {
        let (_, seat) = talks(&mut world, name, "13300000001");
        seat_bye(&mut world, &seat);
        world.clear();
        let change = SeatChange::Ready;
        world.command(Command::Seat {
            seat: seat_0,
            change,
        });
    }
    let change = SeatChange::SignOff;
    world.command(Command::Seat {
        seat: seat_0,
        change,
    });
    // Who finds nobody and tries again is no nuisance for that.
    dial(&mut world, "c0", "13300000003").cancel(&mut world);
    dial(&mut world, "c1", "13300000003").cancel(&mut world);
    dial(&mut world, "c2", "13300000003").cancel(&mut world);
    assert!(!world.records[4].nuisance);
    dial(&mut world, "c", "13300000001");
    assert_eq!(world.queue.waiting_list()[0].class.number(), 6, "the third");
    dial(&mut world, "d", "13300000002");
    let list = world.queue.waiting_list();
    assert_eq!(list.len(), 2, "nobody is rejected");
    assert_eq!(list[0].class.number(), 4, "others go first");
}

/// One talks at s0, whose counsellor marks by `*7`; the port that the seat uses.
fn talking_with_key() -> (World, CallId, PortId) {
    let key = "[care]\nnuisance_key = \"*7\"";
    let mut world = World::with(&config().replace("[care]", key), TEN_O_CLOCK);
    talking(&mut world);
    let call = call_of(&world);
    let of_seat = |command: &MediaCommand| match command {
        MediaCommand::Open { port, media, .. } => {
            (media.remote.ip() == addr(S0).ip()).then_some(*port)
        }
        _ => None,
    };
    let port = world
        .media
        .iter()
        .find_map(of_seat)
        .expect("the seat talks");
    (world, call, port)
}

fn press(world: &mut World, port: PortId, keys: &str) {
    for digit in keys.chars() {
        world.media_event(port, MediaEvent::Digit { port, digit });
    }
}

#[test]
fn a_key_of_the_counsellors_telephone_marks() {
    let (mut world, _, port) = talking_with_key();
    press(&mut world, port, "7*8*");
    world.pass(4 * SECOND);
    press(&mut world, port, "7");
    assert!(world.marks.is_empty(), "other keys, or too slow");
    press(&mut world, port, "**7");
    assert_eq!(world.marks.len(), 1);
    assert_eq!(world.marks[0].kind, MarkKind::Nuisance);
    assert_eq!(world.marks[0].by.as_deref(), Some("100"));
}

#[test]
fn no_key_marks_who_is_at_risk() {
    let (mut world, call, port) = talking_with_key();
    world.command(Command::Flag { call });
    world.marks.clear();
    press(&mut world, port, "*7");
    assert!(world.marks.is_empty());
}

#[test]
fn no_key_marks_unless_the_file_names_one() {
    let mut world = world();
    talking(&mut world);
    let ports: Vec<PortId> = (world.media.iter())
        .filter_map(|command| match command {
            MediaCommand::Open { port, .. } => Some(*port),
            _ => None,
        })
        .collect();
    assert_eq!(ports.len(), 2);
    for port in ports {
        press(&mut world, port, "*7");
    }
    assert!(world.marks.is_empty());
}

#[test]
fn a_callers_keys_mark_nobody() {
    let (mut world, _, seat) = talking_with_key();
    let of_caller = |command: &MediaCommand| match command {
        MediaCommand::Open { port, .. } => (*port != seat).then_some(*port),
        _ => None,
    };
    let port = world.media.iter().find_map(of_caller).expect("talks");
    press(&mut world, port, "*7");
    assert!(world.marks.is_empty());
}

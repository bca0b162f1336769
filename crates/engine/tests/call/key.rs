//! The key: police in the conversation, and every way in which that fails.

use crate::world::scene::{S0, SECOND, police_answer, seat_state, talking};
use crate::world::{CARRIER, World, addr, reply, seat_bye};
use meishier_engine::media::{MediaCommand, PromptId, Source};
use meishier_engine::{Command, CommandError, Reply, SeatState};
use meishier_model::TransferOutcome;

#[test]
fn the_key_brings_the_police_in_and_three_hear_each_other() {
    let mut world = World::new();
    let (caller, seat) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    let press = |world: &mut World, key: &str, city: &str| match world
        .command(Command::press(call, key, city))
    {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        press(&mut world, "999", "贵阳"),
        Err(CommandError::UnknownKey)
    );
    // Nobody knows that place: the counsellor is asked, and nobody is dialled meanwhile.
    let asked = press(&mut world, "110", "某地").unwrap();
    let asks = asked.asks.unwrap();
    assert_eq!(
        (asks.cities, asks.within_ms),
        (vec!["广西南宁".to_owned()], 15_000)
    );
    assert_eq!(
        press(&mut world, "110", "某地"),
        Err(CommandError::TransferRunning)
    );
    world.none(addr(CARRIER), "INVITE");
    // The key again with a place settles it.
    let started = press(&mut world, "110", "贵阳").unwrap();
    assert_eq!(started.dialled, "0851110");
    assert_eq!(
        press(&mut world, "110", "贵阳"),
        Err(CommandError::TransferRunning)
    );
    let invite = world.take(addr(CARRIER), "INVITE sip:0851110@");
    reply(&mut world, &invite, "180 Ringing", "police", "");
    police_answer(&mut world, &invite);
    let mixes = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Mix(parties), .. } if parties.len() == 2)
    });
    assert_eq!(mixes.count(), 3);
    // Counsellor and police stay together when the caller hangs up.
    caller.bye(&mut world);
    world.none(addr(S0), "BYE");
    world.none(addr(CARRIER), "BYE");
    let two = world.media.iter().rev().take(4).filter(|c| {
        matches!(
            c,
            MediaCommand::Hear {
                source: Source::Peer(_),
                ..
            }
        )
    });
    assert_eq!(two.count(), 2);
    seat_bye(&mut world, &seat);
    world.take(addr(CARRIER), "BYE");
    let record = &world.records[0];
    assert_eq!(record.transfers.len(), 1);
    assert_eq!(record.transfers[0].outcome, TransferOutcome::Joined);
    assert!(record.transfers[0].answered.is_some());
    let events = record.transfers[0].events.iter().map(|it| it.what.as_str());
    let events: Vec<_> = events.collect();
    let line = [
        "asking",
        "dialling",
        "ringing",
        "joined",
        "caller_left",
        "counsellor_left",
    ];
    assert_eq!(events, line);
}

#[test]
fn a_transfer_that_fails_leaves_the_conversation_alone_and_is_heard() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    for status in ["486 Busy Here", "404 Not Found", "503 Service Unavailable"] {
        world.command(Command::press(call, "110", "贵阳"));
        let invite = world.take(addr(CARRIER), "INVITE");
        reply(&mut world, &invite, status, "police", "");
        world.none(caller.from, "BYE");
        world.none(addr(S0), "BYE");
    }
    let told = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. }
            if prompts == &[PromptId::TransferFailed])
    });
    assert_eq!(told.count(), 3, "the counsellor alone, each time");
    // Nobody answers: the ring limit ends it.
    world.command(Command::press(call, "110", "0851"));
    world.command(Command::press(call, "110", "520100"));
    let invite = world.take(addr(CARRIER), "INVITE");
    reply(&mut world, &invite, "180 Ringing", "police", "");
    world.pass(31 * SECOND);
    world.take(addr(CARRIER), "CANCEL");
    caller.bye(&mut world);
    let outcomes: Vec<_> = world.records[0]
        .transfers
        .iter()
        .map(|t| t.outcome)
        .collect();
    assert_eq!(outcomes[3], TransferOutcome::NoAnswer);
    assert!(outcomes[..3].iter().all(|o| *o == TransferOutcome::Failed));
}

#[test]
fn the_counsellor_leaves_and_the_caller_stays_with_the_police() {
    let mut world = World::new();
    let (caller, seat) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    world.command(Command::press(call, "110", "贵阳"));
    let invite = world.take(addr(CARRIER), "INVITE");
    police_answer(&mut world, &invite);
    seat_bye(&mut world, &seat);
    world.none(caller.from, "BYE");
    world.none(addr(CARRIER), "BYE");
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    caller.bye(&mut world);
    world.take(addr(CARRIER), "BYE");
    assert_eq!(world.records.len(), 1);
}

//! The key: police in the conversation, and every way in which that fails.

use crate::world::scene::{S0, SECOND, seat_state, talking};
use crate::world::{CARRIER, World, addr, reply, sdp, seat_bye};
use meishier_engine::media::{MediaCommand, PromptId, Source};
use meishier_engine::{Command, CommandError, Reply, SeatState};
use meishier_model::TransferOutcome;

#[test]
fn the_key_brings_the_police_in_and_three_hear_each_other() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    let press = |world: &mut World, key: &str, city: &str| match world.command(Command::Transfer {
        call,
        key: key.into(),
        city: city.into(),
    }) {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        press(&mut world, "999", "贵阳"),
        Err(CommandError::UnknownKey)
    );
    assert_eq!(
        press(&mut world, "110", "某地"),
        Err(CommandError::UnknownCity)
    );
    let started = press(&mut world, "110", "贵阳").unwrap();
    assert_eq!(started.dialled, "0851110");
    assert_eq!(
        press(&mut world, "110", "贵阳"),
        Err(CommandError::TransferRunning)
    );
    let invite = world.take(addr(CARRIER), "INVITE sip:0851110@");
    reply(&mut world, &invite, "180 Ringing", "police", "");
    reply(
        &mut world,
        &invite,
        "200 OK",
        "police",
        &sdp(invite.to, 7000),
    );
    world.take(addr(CARRIER), "ACK");
    let mixes = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Mix(parties), .. } if parties.len() == 2)
    });
    assert_eq!(mixes.count(), 3);
    caller.bye(&mut world);
    world.take(addr(S0), "BYE");
    world.take(addr(CARRIER), "BYE");
    let record = &world.records[0];
    assert_eq!(record.transfers.len(), 1);
    assert_eq!(record.transfers[0].outcome, TransferOutcome::Joined);
    assert!(record.transfers[0].answered.is_some());
}

#[test]
fn a_transfer_that_fails_leaves_the_conversation_alone_and_is_heard() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    for status in ["486 Busy Here", "404 Not Found", "503 Service Unavailable"] {
        world.command(Command::Transfer {
            call,
            key: "110".into(),
            city: "贵阳".into(),
        });
        let invite = world.take(addr(CARRIER), "INVITE");
        reply(&mut world, &invite, status, "police", "");
        world.none(caller.from, "BYE");
        world.none(addr(S0), "BYE");
    }
    let told = world.media.iter().filter(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. }
            if prompts == &[PromptId::TransferFailed])
    });
    assert_eq!(told.count(), 6, "both, each time");
    // Nobody answers: the ring limit ends it.
    world.command(Command::Transfer {
        call,
        key: "110".into(),
        city: "0851".into(),
    });
    world.command(Command::Transfer {
        call,
        key: "110".into(),
        city: "520100".into(),
    });
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
    world.command(Command::Transfer {
        call,
        key: "110".into(),
        city: "贵阳".into(),
    });
    let invite = world.take(addr(CARRIER), "INVITE");
    reply(
        &mut world,
        &invite,
        "200 OK",
        "police",
        &sdp(invite.to, 7000),
    );
    seat_bye(&mut world, &seat);
    world.none(caller.from, "BYE");
    world.none(addr(CARRIER), "BYE");
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    caller.bye(&mut world);
    world.take(addr(CARRIER), "BYE");
    assert_eq!(world.records.len(), 1);
}

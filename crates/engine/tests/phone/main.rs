//! Keys of the desk pressed on the seat's telephone: by REFER, by its keys in the conversation, by a
//! star code on another line.

mod keys;
mod refer;
#[path = "../world/mod.rs"]
mod world;

use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::transfer::ThirdId;
use meishier_engine::{ByTelephone, LegParty, Notice, ReferWhy, Refusal};
use meishier_model::{CallId, CounsellorId, PortId, TransferOutcome};
use world::scene::{S0, SECOND, baseline, offer_at, sign_on};
use world::{
    CARRIER, CONFIG, Caller, ENGINE, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp, seat_bye,
    seat_request,
};

/// Beside the police: by the place of the call, too.
const KEYS: &str = r#"
[[transfer.keys]]
name = "120"
title = "ambulance"
kind = "emergency"
ring = "30s"
trunk = "carrier"
star = "22"

[[transfer.keys]]
name = "119"
title = "fire"
kind = "emergency"
ring = "30s"
trunk = "carrier"
star = "23"

[[transfer.keys]]
name = "clinic"
title = "clinic"
kind = "clinic"
to = ["02087654321", "02087654322"]
manner = ["consult"]
trunk = "carrier"
star = "24"

[[transfer.keys]]
name = "12345"
title = "city hotline"
kind = "hotline"
trunk = "carrier"
star = "25"

[[transfer.keys]]
name = "second"
title = "second line"
kind = "second_line"
to = ["02080000002"]
trunk = "carrier"

[routing]
"#;

fn config() -> String {
    let star = "trunk = \"carrier\"\nstar = \"21\"\n";
    let text = CONFIG.replacen("trunk = \"carrier\"\n", star, 1);
    let text = text.replace("[routing]\n", KEYS);
    text.replace("[offer]", "[care]\nnuisance_key = \"#7\"\n\n[offer]")
}

/// Somebody calls from a landline in Guangzhou and talks with s0.
fn talking_in(text: &str) -> (World, Caller, Sent) {
    talking_at(World::with(text, TEN_O_CLOCK))
}

fn talking_at(mut world: World) -> (World, Caller, Sent) {
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "02085550001");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    caller.answered(&mut world);
    (world, caller, invite)
}

fn talking() -> (World, Caller, Sent) {
    talking_in(&config())
}

fn call_of(world: &World) -> CallId {
    world.shards.iter().flat_map(|s| s.calls()).next().unwrap()
}

/// The port that the seat uses.
fn seat_port(world: &World) -> PortId {
    let of_seat = |command: &MediaCommand| match command {
        MediaCommand::Open { port, media, .. } => {
            (media.remote.ip() == addr(S0).ip()).then_some(*port)
        }
        _ => None,
    };
    world
        .media
        .iter()
        .find_map(of_seat)
        .expect("the seat talks")
}

fn press(world: &mut World, keys: &str) {
    let port = seat_port(world);
    for digit in keys.chars() {
        world.media_event(port, MediaEvent::Digit { port, digit });
    }
}

/// What the audit is told of the telephone of the counsellor 100.
fn by_telephone(world: &World) -> Vec<(ByTelephone, Option<ThirdId>)> {
    let told = world.notices.iter().filter_map(|notice| match notice {
        Notice::KeyByTelephone {
            counsellor,
            how,
            third,
            ..
        } => {
            assert_eq!(*counsellor, Some(CounsellorId(0)));
            Some((*how, *third))
        }
        _ => None,
    });
    told.collect()
}

/// How often the seat was told this.
fn told(world: &World, prompt: PromptId) -> usize {
    let said = world.media.iter().filter(|command| {
        matches!(command, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. } if prompts == &[prompt])
    });
    said.count()
}

/// The target of the last INVITE at the carrier answers.
fn target_answers(world: &mut World, start: &str) -> Sent {
    let invite = world.take(addr(CARRIER), start);
    let media = sdp(invite.to, 7000);
    reply(world, &invite, "200 OK", "target", &media);
    invite
}

//! The dialogs of callers and telephones as the engine keeps them: what a trunk's terms change.

mod world;

use meishier_engine::{Notice, Refusal};
use meishier_model::Outcome;
use std::time::Duration;
use world::scene::*;
use world::{CARRIER, Caller, Sent, World, addr, answer, sdp};

const SECOND: Duration = Duration::from_secs(1);
const S0: &str = "10.0.2.0:5060";

fn with_trunk(line: &str) -> World {
    let text = world::CONFIG.replacen(
        "answer = \"on_seat\"",
        &format!("answer = \"on_seat\"\n{line}"),
        1,
    );
    World::with(&text, world::TEN_O_CLOCK)
}

fn invite(world: &mut World, caller: &Caller, header: &str) {
    let text = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
    let text = text.replacen("Max-Forwards", &format!("{header}Max-Forwards"), 1);
    world.arrive(caller.from, &text);
}

/// Acknowledges a reliable provisional response; what the engine says to it.
fn prack(world: &mut World, caller: &mut Caller, ringing: &Sent, cseq: u32) -> Sent {
    caller.answer = Some(ringing.clone());
    let rack = format!("RAck: {} 1 INVITE\r\nMax-Forwards", ringing.header("RSeq"));
    let text = caller.request("PRACK", cseq, &format!("p{cseq}"), "");
    world.arrive(caller.from, &text.replacen("Max-Forwards", &rack, 1));
    world.take(caller.from, "SIP/2.0 200")
}

fn refusals(world: &World) -> Vec<Refusal> {
    let refused = world.notices.iter().filter_map(|n| match n {
        Notice::Refused(why) => Some(*why),
        _ => None,
    });
    refused.collect()
}

#[test]
fn a_caller_that_can_hears_reliable_ringing() {
    let mut world = World::new();
    let before = world.gauges();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    invite(&mut world, &caller, "Supported: 100rel, timer\r\n");
    let ringing = world.take(caller.from, "SIP/2.0 180");
    assert_eq!(ringing.header("Require"), "100rel");
    assert!(
        prack(&mut world, &mut caller, &ringing, 2)
            .header("CSeq")
            .ends_with("PRACK")
    );
    let offer = offer_at(&mut world, S0);
    assert!(
        offer.header("Supported").contains("100rel"),
        "telephones may as well"
    );
    answer(&mut world, &offer);
    caller.answered(&mut world);
    let text = caller.request("BYE", 3, "b", "");
    world.arrive(caller.from, &text);
    baseline(&mut world, before);
    assert_eq!(world.records[0].outcome, Outcome::Answered);
}

#[test]
fn early_media_is_the_answer_and_an_answered_call_waits_for_its_prack() {
    let text = world::CONFIG.replacen("early = \"ringing\"", "early = \"progress\"", 1);
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    invite(&mut world, &caller, "Require: 100rel\r\n");
    let early = world.take(caller.from, "SIP/2.0 183");
    assert!(early.rtp_port().is_some());
    let offer = offer_at(&mut world, S0);
    answer(&mut world, &offer);
    world.none(caller.from, "SIP/2.0 200");
    prack(&mut world, &mut caller, &early, 2);
    let ok = world.take(caller.from, "SIP/2.0 200");
    assert!(ok.body().is_empty(), "described once (RFC 3261 §13.2.1)");
    assert!(ok.header("CSeq").ends_with("INVITE"));
}

#[test]
fn a_caller_that_never_acknowledges_is_refused_with_504_and_its_seat_is_free_again() {
    let text = world::CONFIG.replacen("early = \"ringing\"", "early = \"progress\"", 1);
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    let before = world.gauges();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "13300000001");
    invite(&mut world, &caller, "Supported: 100rel\r\n");
    let offer = offer_at(&mut world, S0);
    world::reply(&mut world, &offer, "180 Ringing", "seat", "");
    // The telephone rings 20 s, then the caller waits on; its 200 of 30 s waits for the PRACK.
    world.pass(32 * SECOND);
    let refused = world.take(caller.from, "SIP/2.0 504");
    let ack = caller.request("ACK", 1, "i", "");
    world.arrive(
        caller.from,
        &ack.replace(
            &format!("To: <sip:12356@{}>", world::ENGINE),
            &format!("To: {}", refused.header("To")),
        ),
    );
    world.take(addr(S0), "CANCEL");
    world::reply(&mut world, &offer, "487 Request Terminated", "seat", "");
    baseline(&mut world, before);
    let record = &world.records[0];
    assert_eq!((record.status, record.outcome), (504, Outcome::Failed));
}

#[test]
fn a_trunks_terms_are_kept() {
    for (line, header, expected) in [
        ("reliable = \"off\"", "Supported: 100rel\r\n", None),
        (
            "reliable = \"off\"",
            "Require: 100rel\r\n",
            Some(("SIP/2.0 420", "Unsupported")),
        ),
        (
            "reliable = \"required\"",
            "",
            Some(("SIP/2.0 421", "Require")),
        ),
        ("reliable = \"required\"", "Supported: 100rel\r\n", None),
        ("reliable = \"supported\"", "", None),
    ] {
        let mut world = with_trunk(line);
        let caller = Caller::new(CARRIER, "13300000001");
        invite(&mut world, &caller, header);
        match expected {
            Some((start, name)) => {
                assert_eq!(world.take(caller.from, start).header(name), "100rel");
                assert_eq!(refusals(&world), [Refusal::NotAgreed]);
            }
            None => {
                let ringing = world.take(caller.from, "SIP/2.0 180");
                let reliable = line.contains("required");
                assert_eq!(ringing.find("RSeq").is_some(), reliable, "{line} {header}");
            }
        }
    }
}

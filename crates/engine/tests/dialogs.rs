//! The dialogs of callers and telephones as the engine keeps them: what a trunk's terms change.

mod world;

use meishier_engine::{Notice, Refusal};
use meishier_model::Outcome;
use world::scene::*;
use world::{CARRIER, Caller, Sent, World, addr, answer, sdp};

fn with_trunk(line: &str) -> World {
    let text = world::CONFIG.replacen(
        "answer = \"on_seat\"",
        &format!("answer = \"on_seat\"\n{line}"),
        1,
    );
    World::with(&text, world::TEN_O_CLOCK)
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
    caller.invite_with(&mut world, "Supported: 100rel, timer\r\n");
    let ringing = world.take(caller.from, "SIP/2.0 180");
    assert_eq!(ringing.header("Require"), "100rel");
    caller.prack(&mut world, &ringing, 2);
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
    caller.invite_with(&mut world, "Require: 100rel\r\n");
    let early = world.take(caller.from, "SIP/2.0 183");
    assert!(early.rtp_port().is_some());
    let offer = offer_at(&mut world, S0);
    answer(&mut world, &offer);
    world.none(caller.from, "SIP/2.0 200");
    caller.prack(&mut world, &early, 2);
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
    caller.invite_with(&mut world, "Supported: 100rel\r\n");
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
        caller.invite_with(&mut world, header);
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

/// The caller's INVITE is answered by s0; its 200.
fn answered(world: &mut World, caller: &mut Caller, header: &str) -> Sent {
    sign_on(world, 0, 0);
    caller.invite_with(world, header);
    let offer = offer_at(world, S0);
    answer(world, &offer);
    caller.answered(world);
    caller.answer.clone().unwrap()
}

#[test]
fn a_session_that_its_caller_does_not_refresh_ends_and_its_seat_is_free() {
    let mut world = World::new();
    let before = world.gauges();
    let mut caller = Caller::new(CARRIER, "13300000001");
    let ok = answered(
        &mut world,
        &mut caller,
        "Supported: timer\r\nSession-Expires: 90\r\n",
    );
    assert_eq!(ok.header("Session-Expires"), "90;refresher=uac");
    world.pass(59 * SECOND);
    world.none(caller.from, "BYE");
    world.pass(SECOND);
    let bye = world.take(caller.from, "BYE");
    world::reply(&mut world, &bye, "481 Gone", "", "");
    let bye = world.take(addr(S0), "BYE");
    world::reply(&mut world, &bye, "200 OK", "", "");
    baseline(&mut world, before);
    let record = &world.records[0];
    assert_eq!((record.outcome, record.status), (Outcome::Answered, 0));
    assert_eq!(record.released_by, meishier_model::ReleasedBy::Engine);
}

#[test]
fn a_trunk_that_asks_for_a_session_timer_refreshes_it_also_after_a_restart() {
    let mut world = with_trunk("session_expires = \"10min\"");
    let mut caller = Caller::new(CARRIER, "13300000001");
    let ok = answered(&mut world, &mut caller, "Allow: INVITE, BYE, UPDATE\r\n");
    assert_eq!(ok.header("Session-Expires"), "600;refresher=uas");
    world.pass(300 * SECOND);
    let update = world.take(caller.from, "UPDATE");
    assert_eq!(update.header("Session-Expires"), "600;refresher=uac");
    world::reply(&mut world, &update, "200 OK", "", "");
    world.pass(100 * SECOND);
    world.restart();
    world.clear();
    world.pass(199 * SECOND);
    world.none(caller.from, "UPDATE");
    world.pass(2 * SECOND);
    world.take(caller.from, "UPDATE");
    // Nobody answers it: the caller is gone, and so is the call.
    world.pass(33 * SECOND);
    world.take(caller.from, "BYE");
}

#[test]
fn a_session_timer_below_90_s_is_422() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "13300000001");
    caller.invite_with(&mut world, "Supported: timer\r\nSession-Expires: 60\r\n");
    assert_eq!(
        world.take(caller.from, "SIP/2.0 422").header("Min-SE"),
        "90"
    );
    assert_eq!(refusals(&world), [Refusal::NotAgreed]);
}

#[test]
fn a_telephone_that_vanishes_under_a_session_timer_gives_its_caller_back() {
    let text = world::CONFIG.replacen("[offer]", "[offer]\nsession_expires = \"2min\"", 1);
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    let mut caller = Caller::new(CARRIER, "13300000001");
    sign_on(&mut world, 0, 0);
    caller.invite_with(&mut world, "");
    let offer = offer_at(&mut world, S0);
    assert_eq!(offer.header("Session-Expires"), "120");
    answer(&mut world, &offer);
    caller.answered(&mut world);
    // It names no UPDATE in Allow: a re-INVITE with the same description.
    world.pass(60 * SECOND);
    let again = world.take(addr(S0), "INVITE");
    assert_eq!(again.body(), offer.body());
    world.pass(33 * SECOND);
    world.take(addr(S0), "BYE");
    world.none(caller.from, "BYE");
    assert!(world.records.is_empty(), "the caller waits again");
}

#[test]
fn a_caller_without_an_offer_gets_ours_and_is_heard_from_its_answer_on() {
    use meishier_engine::media::MediaCommand;
    for mode in ["on_seat", "at_once"] {
        let text = world::CONFIG.replacen("\"on_seat\"", &format!("\"{mode}\""), 1);
        let mut world = World::with(&text, world::TEN_O_CLOCK);
        let before = world.gauges();
        sign_on(&mut world, 0, 0);
        let mut caller = Caller::new(CARRIER, "13300000001");
        let text = caller.request("INVITE", 1, "i", "");
        world.arrive(caller.from, &text);
        let offer = offer_at(&mut world, S0);
        answer(&mut world, &offer);
        let ok = world.take(caller.from, "SIP/2.0 200");
        assert!(ok.rtp_port().is_some(), "our offer");
        let opened = |world: &World| {
            let is = |c: &&MediaCommand| matches!(c, MediaCommand::Open { .. });
            world.media.iter().filter(is).count()
        };
        assert_eq!(
            opened(&world),
            1,
            "the seat's alone: the caller has not said where it is"
        );
        caller.answer = Some(ok);
        let ack = caller.request("ACK", 1, "a", &sdp(caller.from, 4000));
        world.arrive(caller.from, &ack);
        assert_eq!(opened(&world), 2, "{mode}");
        // A re-INVITE without an offer asks for ours again.
        let again = caller.request("INVITE", 2, "r", "");
        world.arrive(caller.from, &again);
        assert!(world.take(caller.from, "SIP/2.0 200").rtp_port().is_some());
        world.media.clear();
        let ack = caller.request("ACK", 2, "ra", &sdp(caller.from, 4400));
        world.arrive(caller.from, &ack);
        let moved = world.media.iter().any(
            |c| matches!(c, MediaCommand::Update { media, .. } if media.remote.port() == 4400),
        );
        assert!(moved, "its new address");
        world.arrive(caller.from, &caller.request("BYE", 3, "b", ""));
        let bye = world.take(addr(S0), "BYE");
        world::reply(&mut world, &bye, "200 OK", "", "");
        baseline(&mut world, before);
    }
}

#[test]
fn a_caller_whose_ack_holds_no_answer_is_hung_up() {
    let mut world = World::new();
    let before = world.gauges();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let text = caller.request("INVITE", 1, "i", "");
    world.arrive(caller.from, &text);
    let offer = offer_at(&mut world, S0);
    answer(&mut world, &offer);
    caller.answered(&mut world);
    let bye = world.take(caller.from, "BYE");
    world::reply(&mut world, &bye, "200 OK", "", "");
    let bye = world.take(addr(S0), "BYE");
    world::reply(&mut world, &bye, "200 OK", "", "");
    baseline(&mut world, before);
}

#[test]
fn our_offer_in_a_reliable_response_is_answered_by_its_prack() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let text = caller.request("INVITE", 1, "i", "");
    let text = text.replacen("Max-Forwards", "Require: 100rel\r\nMax-Forwards", 1);
    world.arrive(caller.from, &text);
    let ringing = world.take(caller.from, "SIP/2.0 180");
    assert!(
        ringing.rtp_port().is_some(),
        "RFC 3262 §5: the first one holds the offer"
    );
    caller.answer = Some(ringing.clone());
    let rack = format!("RAck: {} 1 INVITE\r\nMax-Forwards", ringing.header("RSeq"));
    let prack = caller.request("PRACK", 2, "p", &sdp(caller.from, 4000));
    world.arrive(caller.from, &prack.replacen("Max-Forwards", &rack, 1));
    world.take(caller.from, "SIP/2.0 200");
    let offer = offer_at(&mut world, S0);
    answer(&mut world, &offer);
    let ok = world.take(caller.from, "SIP/2.0 200");
    assert!(ok.body().is_empty());
    caller.ack(&mut world);
    world.none(caller.from, "BYE");
}

#[test]
fn a_telephone_that_points_elsewhere_has_refused_and_is_not_followed() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = offer_at(&mut world, S0);
    world::reply(&mut world, &offer, "302 Moved Temporarily", "seat", "");
    world.take(addr(S0), "ACK");
    let invites = world.sent.iter().filter(|s| s.is("INVITE")).count();
    assert_eq!(
        invites, 0,
        "nobody else is called (RFC 3261 §8.1.3.4 is a matter of choice)"
    );
    let received: u64 = world
        .shards
        .iter()
        .map(|s| s.counters().received_responses[302])
        .sum();
    assert_eq!(received, 1, "it is counted");
    let refused = world.notices.iter().any(|n| {
        matches!(n, Notice::OfferEnded { outcome, .. } if *outcome == meishier_model::OfferOutcome::Refused)
    });
    assert!(refused);
}

#[test]
fn a_trunk_goes_down_and_up_after_as_many_results_as_it_says() {
    let line = "options_every = \"60s\"\ndown_after = 3\nup_after = 2";
    let mut world = with_trunk(line);
    let carrier = addr(CARRIER);
    // y: 200, b: 503 (it takes no calls now), n: nobody answers.
    for (answers, expected) in [
        ("y", vec![true]),
        ("nnynn", vec![]),
        ("b", vec![false]),
        ("ynynnny", vec![]),
        ("y", vec![true]),
    ] {
        world.notices.clear();
        for kind in answers.chars() {
            world.clear();
            // The shard asks when it starts, then every 60 s.
            world.pass(10 * SECOND);
            let ping = world
                .sent
                .iter()
                .find(|s| s.to == carrier && s.is("OPTIONS"))
                .cloned();
            match (kind, ping) {
                ('y', Some(ping)) => world::reply(&mut world, &ping, "200 OK", "c", ""),
                ('b', Some(ping)) => world::reply(&mut world, &ping, "503 Busy", "c", ""),
                (_, ping) => assert!(ping.is_some(), "asked every minute"),
            }
            world.pass(50 * SECOND);
        }
        let told: Vec<bool> = world
            .notices
            .iter()
            .filter_map(|n| match n {
                Notice::Trunk { up, .. } => Some(*up),
                _ => None,
            })
            .collect();
        assert_eq!(told, expected, "{answers}");
    }
}

#[test]
fn a_charging_vector_goes_back_to_its_own_trusted_trunk_alone() {
    use meishier_engine::{Command, Reply};
    const VECTOR: &str = "icid-value=\"f00d\";icid-generated-at=10.0.1.1;orig-ioi=carrier";
    let long = format!("icid-value=\"{}\"", "f".repeat(600));
    for (line, vector, carried) in [
        ("", VECTOR, true),
        ("trust = []", VECTOR, false),
        ("", long.as_str(), false),
    ] {
        let mut world = with_trunk(line);
        let mut caller = Caller::new(CARRIER, "13300000001");
        answered(
            &mut world,
            &mut caller,
            &format!("P-Charging-Vector: {vector}\r\n"),
        );
        let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
        let (key, city) = ("110", "贵阳");
        let Reply::Transfer(Ok(_)) = world.command(Command::press(call, key, city)) else {
            panic!("the key is there");
        };
        let out = world.take(addr(CARRIER), "INVITE sip:0851110@");
        assert_eq!(
            out.find("P-Charging-Vector"),
            carried.then_some(vector),
            "{line}"
        );
    }
}

#[test]
fn nobody_at_risk_is_lost_for_want_of_a_prack() {
    let text = world::CONFIG.replacen("name = \"all\"", "name = \"all\"\nrisk = true", 1);
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    let caller = Caller::new(CARRIER, "13300000001");
    caller.invite_with(&mut world, "Supported: 100rel\r\n");
    let ringing = world.take(caller.from, "SIP/2.0 180");
    assert_eq!(ringing.find("RSeq"), None);
    // Who insists gets it (RFC 3262 §3).
    let caller = Caller::new(CARRIER, "13300000002");
    caller.invite_with(&mut world, "Require: 100rel\r\n");
    let ringing = world.take(caller.from, "SIP/2.0 180");
    assert!(ringing.find("RSeq").is_some());
}

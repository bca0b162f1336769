//! What goes along with a caller who is handed over: to whom, when, and what stands in it.

use crate::world::scene::{S0, offer_at, sign_on, talking};
use crate::world::{self, CARRIER, Sent, TEN_O_CLOCK, World, addr, reply, sdp};
use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::transfer::dossier::{Facts, FactsError, Hazard, Level, Sure, Told, Via};
use meishier_engine::{Command, CommandError, Input, Reply};
use meishier_model::CallId;
use std::time::Duration;

const RECEIVERS: &str = "\n[[dossier.receivers]]\nname = \"police\"\nurl = \"http://127.0.0.1:9/x\"\n\
                         secret_file = \"x\"\nemergencies = true\n";

fn world() -> World {
    World::with(&format!("{}{RECEIVERS}", world::CONFIG), TEN_O_CLOCK)
}

fn only_call(world: &World) -> CallId {
    world.shards.iter().flat_map(|s| s.calls()).next().unwrap()
}

fn press(world: &mut World, call: CallId) {
    let reply = world.command(Command::press(call, "110", "贵阳"));
    assert!(matches!(reply, Reply::Transfer(Ok(_))), "{reply:?}");
}

fn facts() -> Facts {
    Facts {
        level: Some(Level::Acting),
        place: Some("中华北路1号楼顶".into()),
        hazards: vec![Hazard::Height],
        battery: Some(15),
        ..Facts::default()
    }
}

fn write(world: &mut World, call: CallId, facts: Facts) -> Result<(), CommandError> {
    let facts = Box::new(facts);
    match world.command(Command::Facts { call, facts }) {
        Reply::Done(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_sends_what_is_known_and_what_is_written_later_follows() {
    let mut world = world();
    talking(&mut world);
    let call = only_call(&world);
    write(&mut world, call, facts()).unwrap();
    assert!(world.dossiers.is_empty(), "nobody was called yet");
    press(&mut world, call);
    world.take(addr(CARRIER), "INVITE sip:0851110@");
    let [first] = &world.dossiers[..] else {
        panic!("{:?}", world.dossiers)
    };
    assert_eq!((first.call, first.count), (call, 1));
    assert_eq!(first.via, Via::Https);
    assert_eq!((first.key.as_str(), first.emergency), ("110", true));
    assert_eq!(first.caller.number.reveal(), "13300000001");
    assert_eq!(first.caller.sure, Sure::Claimed);
    assert_eq!(first.desk.seat, "s0");
    assert_eq!(
        (first.desk.pool.as_str(), first.desk.line),
        ("city", Some(0))
    );
    let place = &first.places[0];
    assert_eq!((place.by, place.city.as_str()), (Told::Counsellor, "贵阳"));
    assert_eq!(place.area_code, "0851");
    assert_eq!(place.words.as_deref(), Some("中华北路1号楼顶"));
    assert_eq!(first.facts, facts());
    assert!(first.answered.is_some());
    let done: Vec<&str> = first.done.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(done[..2], ["来电进入热线", "咨询员接听"]);
    assert!(done[2].contains("110"), "{done:?}");

    // The same once more is nothing new.
    write(&mut world, call, facts()).unwrap();
    assert_eq!(world.dossiers.len(), 1);
    let more = Facts {
        battery: Some(9),
        ..facts()
    };
    write(&mut world, call, more).unwrap();
    assert_eq!(world.dossiers[1].count, 2);
    assert_eq!(world.dossiers[1].facts.battery, Some(9));
}

#[test]
fn nobody_gets_what_nobody_asked_for_and_limits_are_kept() {
    let mut world = World::new();
    talking(&mut world);
    let call = only_call(&world);
    press(&mut world, call);
    write(&mut world, call, facts()).unwrap();
    assert!(world.dossiers.is_empty(), "there is no receiver");
    let long = Facts {
        why: Some("长".repeat(201)),
        ..Facts::default()
    };
    assert_eq!(
        write(&mut world, call, long),
        Err(CommandError::UnfitFacts(FactsError::TooLong))
    );
    assert_eq!(
        write(&mut world, CallId(7), Facts::default()),
        Err(CommandError::UnknownCall)
    );
}

#[test]
fn one_call_sends_only_so_many() {
    let mut world = world();
    talking(&mut world);
    let call = only_call(&world);
    press(&mut world, call);
    for battery in 0..=100 {
        let battery = Some(battery);
        let facts = Facts { battery, ..facts() };
        write(&mut world, call, facts).unwrap();
    }
    assert_eq!(world.dossiers.len(), 64);
    assert_eq!(world.dossiers.last().unwrap().count, 64);
}

#[test]
fn every_word_of_the_whisper_has_a_recording() {
    let mut world = world();
    talking(&mut world);
    let call = only_call(&world);
    let everything = Facts {
        level: Some(Level::High),
        hazards: Hazard::ALL.to_vec(),
        battery: Some(100),
        callback: Some("0851-1234 567890".into()),
        ..Facts::default()
    };
    write(&mut world, call, everything).unwrap();
    press(&mut world, call);
    let mut dossier = world.dossiers.pop().unwrap();
    for hazard in Hazard::ALL {
        dossier.facts.hazards = vec![hazard];
        let spoken = dossier.spoken();
        let names: Vec<&str> = spoken.iter().map(|it| it.name()).collect();
        let prompts = meishier_engine::media::prompts::playlist(names.iter().copied());
        let found: Vec<&str> = prompts.iter().map(|it| it.name()).collect();
        assert_eq!(found, names, "no word is without a recording");
    }
}

/// The key 110 with more of its own, by a trunk with more of its own.
fn with(trunk: &str, key: &str) -> (World, CallId) {
    let config = world::CONFIG
        .replace(
            "out = \"10.0.1.1:5060\"\n",
            &format!("out = \"10.0.1.1:5060\"\n{trunk}\n"),
        )
        .replace("name = \"110\"\n", &format!("name = \"110\"\n{key}\n"));
    let mut world = World::with(&config, TEN_O_CLOCK);
    talking(&mut world);
    let call = only_call(&world);
    write(&mut world, call, facts()).unwrap();
    press(&mut world, call);
    (world, call)
}

fn invite(world: &mut World) -> Sent {
    world.take(addr(CARRIER), "INVITE sip:0851110@")
}

#[test]
fn an_invite_carries_what_its_trunk_tells_and_the_key_sends() {
    let both = "tells = [\"location\", \"dossier\"]";
    for (trunk, key, place, data) in [
        (both, "dossier = true", true, true),
        ("tells = [\"location\"]", "dossier = true", true, false),
        ("tells = [\"dossier\"]", "dossier = true", false, true),
        ("", "dossier = true", false, false),
        (both, "", false, false),
    ] {
        let (mut world, call) = with(trunk, key);
        let sent = invite(&mut world).text;
        let multipart = place || data;
        assert_eq!(
            sent.contains("multipart/mixed;boundary="),
            multipart,
            "{trunk} {key}"
        );
        assert_eq!(sent.contains("\r\nGeolocation: <cid:place1."), place);
        assert_eq!(sent.contains("<ca:LOC>中华北路1号楼顶</ca:LOC>"), place);
        assert_eq!(sent.contains(";purpose=EmergencyCallData.Comment"), data);
        assert_eq!(sent.contains("正在实施"), data);
        let urn = format!("Call-Info: <urn:emergency:uid:incidentid:{call}:");
        assert_eq!(sent.contains(&urn), data);
        assert!(
            sent.contains("m=audio "),
            "the session goes along in any case"
        );
    }
}

#[test]
fn a_peer_that_does_not_take_it_is_called_without() {
    let (mut world, _) = with("tells = [\"location\"]", "dossier = true");
    let first = invite(&mut world);
    reply(
        &mut world,
        &first,
        "415 Unsupported Media Type",
        "police",
        "",
    );
    world.take(addr(CARRIER), "ACK");
    let second = invite(&mut world);
    assert!(second.text.contains("Content-Type: application/sdp"));
    assert!(!second.text.contains("Geolocation"));
    reply(
        &mut world,
        &second,
        "200 OK",
        "police",
        &sdp(second.to, 7000),
    );
    world.take(addr(CARRIER), "ACK");
}

#[test]
fn whoever_answers_is_told_first_and_once_more_if_they_want() {
    let (mut world, _) = with("", "brief = true");
    let sent = invite(&mut world);
    world.media.clear();
    reply(&mut world, &sent, "200 OK", "police", &sdp(sent.to, 7000));
    let told = |world: &World| {
        let mut all = world.media.iter().filter_map(|it| match it {
            MediaCommand::Hear {
                port,
                source: Source::Playlist { prompts, .. },
            } if prompts.contains(&PromptId::BriefDanger) => Some((*port, prompts.clone())),
            _ => None,
        });
        let first = all.next();
        assert!(all.next().is_none(), "told once");
        first
    };
    let (port, prompts) = told(&world).unwrap();
    assert_eq!(world.dossiers[0].via, Via::Voice);
    use PromptId::*;
    assert_eq!(prompts[..2], [BriefDanger, BriefActing]);
    assert_eq!(
        prompts[2..8],
        [BriefPlace, Zero, Eight, Five, Yao, BriefPlaceTold]
    );
    assert!(prompts.ends_with(&[BriefBattery, Ten, Five, BriefStays, BriefConfirm]));
    let press = |world: &mut World, digit| {
        world.media.clear();
        let event = MediaEvent::Digit { port, digit };
        let shard = world
            .shards
            .iter()
            .position(|it| it.calls().next().is_some());
        world.handle(shard.unwrap(), Input::Media(event));
    };
    press(&mut world, '2');
    assert_eq!(told(&world), Some((port, prompts)));
    press(&mut world, '1');
    assert_eq!(told(&world), None);
    let joined = world.media.iter().any(
        |it| matches!(it, MediaCommand::Hear { port: at, source: Source::Mix(_) } if *at == port),
    );
    assert!(joined, "{:?}", world.media);
}

/// Calls with a number that is withheld; a key 12345 and one receiver get all that there is.
fn withheld() -> (World, CallId) {
    let key = "\n[[transfer.keys]]\nname = \"12345\"\nkind = \"hotline\"\ntrunk = \"carrier\"\n\
               brief = true\ndossier = true\nconsent = true\n";
    let keys = RECEIVERS.replace("emergencies = true", "keys = [\"110\", \"12345\"]");
    let mut world = World::with(&format!("{}{key}{keys}", world::CONFIG), TEN_O_CLOCK);
    let (call, _) = talks_withheld(&mut world);
    (world, call)
}

/// A counsellor talks with somebody whose carrier asserts the number and who asks that it be not shown.
fn talks_withheld(world: &mut World) -> (CallId, world::Caller) {
    sign_on(world, 0, 0);
    let mut caller = world::Caller::new(CARRIER, "13300000001");
    let private = "Privacy: id\r\nP-Asserted-Identity: <tel:+8613300000001>\r\n";
    caller.invite_with(world, private);
    let invite = offer_at(world, S0);
    world::answer(world, &invite);
    caller.answered(world);
    (only_call(world), caller)
}

#[test]
fn a_withheld_number_goes_to_those_alone_who_come_to_save_a_life() {
    let (mut world, call) = withheld();
    let json = |dossier: &meishier_engine::transfer::Dossier| {
        serde_json::to_string(&dossier.incident()).unwrap()
    };
    let reply_of = world.command(Command::press(call, "12345", "贵阳"));
    assert!(matches!(reply_of, Reply::Transfer(Ok(_))), "{reply_of:?}");
    let sent = world.take(addr(CARRIER), "INVITE sip:085112345@");
    reply(&mut world, &sent, "200 OK", "help", &sdp(sent.to, 7000));
    let vias: Vec<&Via> = world.dossiers.iter().map(|it| &it.via).collect();
    assert_eq!(vias, [&Via::Https, &Via::Voice]);
    for dossier in &world.dossiers {
        assert!(dossier.caller.withheld && dossier.caller.number.is_empty());
        assert_eq!(
            (dossier.caller.sure, dossier.callback()),
            (Sure::Unknown, None)
        );
        assert!(!json(dossier).contains("13300000001"), "{}", json(dossier));
        assert!(json(dossier).contains("\"legalGround\":\"PIPL Art.13(1)(1)\""));
        assert!(!dossier.contents().contains(&"number"));
        let spoken = dossier.spoken();
        assert!(spoken.iter().any(|it| it.name() == "brief_no_number"));
    }
    world.dossiers.clear();
    press(&mut world, call);
    let [police] = &world.dossiers[..] else {
        panic!("{:?}", world.dossiers)
    };
    assert!(json(police).contains("13300000001"));
    assert!(json(police).contains("\"legalGround\":\"PIPL Art.13(1)(4)\""));
}

#[test]
fn police_and_ambulance_are_sent_the_asserted_number_of_who_withholds_it_and_no_hotline_is() {
    // RFC 3325 §9.3: `id` keeps the asserted number among those who are trusted; whom an emergency key
    // reaches is, to save a life (PIPL article 13 (1) no. 4).
    let key = |name: &str, kind: &str| {
        format!(
            "\n[[transfer.keys]]\nname = \"{name}\"\nkind = \"{kind}\"\ntrunk = \"carrier\"\n\
             dossier = true\nconsent = true\n"
        )
    };
    let config = world::CONFIG
        .replace(
            "out = \"10.0.1.1:5060\"\n",
            "out = \"10.0.1.1:5060\"\ntells = [\"location\", \"dossier\"]\n",
        )
        .replace("name = \"110\"\n", "name = \"110\"\ndossier = true\n");
    let emergency = key("120", "emergency").replace("consent = true\n", "");
    let config = format!("{config}{emergency}{}", key("12345", "hotline"));
    let mut world = World::with(&config, TEN_O_CLOCK);
    let (call, caller) = talks_withheld(&mut world);
    for (key, digits, told) in [
        ("12345", "085112345", false),
        ("120", "0851120", true),
        ("110", "0851110", true),
        ("12345", "085112345", false),
    ] {
        let pressed = world.command(Command::press(call, key, "贵阳"));
        assert!(matches!(pressed, Reply::Transfer(Ok(_))), "{pressed:?}");
        let sent = world.take(addr(CARRIER), &format!("INVITE sip:{digits}@"));
        assert_eq!(sent.text.contains("13300000001"), told, "{key}");
        let subscriber = "<uri>tel:+8613300000001</uri>";
        assert_eq!(sent.text.contains(subscriber), told, "{key}");
        let asks = "privacyRequested=\"true\"";
        assert_eq!(
            sent.text.contains(asks),
            told,
            "{key}: who gets it is told of the wish"
        );
        assert_eq!(sent.find("Privacy").is_none(), told, "{key}");
        reply(&mut world, &sent, "486 Busy Here", "busy", "");
    }
    // Each of them is written down with its law; nothing was sent to the hotline.
    let grounds: Vec<(&str, &str)> = world
        .dossiers
        .iter()
        .map(|it| (it.key.as_str(), it.ground().0))
        .collect();
    assert_eq!(
        grounds,
        [("120", "PIPL Art.13(1)(4)"), ("110", "PIPL Art.13(1)(4)")]
    );
    assert!(
        world
            .dossiers
            .iter()
            .all(|it| it.contents().contains(&"number"))
    );
    // When the call is over nothing of it stays here.
    caller.bye(&mut world);
    world.pass(Duration::from_secs(120));
    assert!(
        world
            .records
            .iter()
            .any(|it| it.call == call && it.caller.is_empty())
    );
}

#[test]
fn a_withheld_number_is_revealed_only_after_an_emergency_key() {
    let reveal = |world: &mut World, call| match world.command(Command::Reveal { call }) {
        Reply::Revealed(result) => result.map(|number| number.reveal().to_owned()),
        other => panic!("{other:?}"),
    };
    let (mut world, call) = withheld();
    let number = "13300000001".to_owned();
    let refused = Err(CommandError::NumberWithheld);
    assert_eq!(reveal(&mut world, call), refused);
    world.command(Command::press(call, "12345", "贵阳"));
    assert_eq!(reveal(&mut world, call), refused);
    press(&mut world, call);
    assert_eq!(reveal(&mut world, call), Ok(format!("+86{number}")));
    assert_eq!(
        reveal(&mut world, CallId(7)),
        Err(CommandError::UnknownCall)
    );
    let mut world = World::new();
    talking(&mut world);
    let call = only_call(&world);
    assert_eq!(reveal(&mut world, call), Ok(number));
}

//! Recording: when a tape begins and ends, who is on it, and what the caller was told before.

use crate::world::scene::{S0, SECOND, offer_at, sign_on, talking};
use crate::world::{
    CARRIER, CONFIG, Caller, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp, seat_bye,
};
use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::{Command, CommandError, Input, Reply, Who};
use meishier_model::{CallId, Consent, PortId, RecordingRecord};
use meishier_transfer::Mode;
use std::time::Duration;

/// Who is asked has so long for the answer.
const TO_ANSWER: Duration = Duration::from_secs(5);

pub(crate) fn recorded(consent: &str) -> World {
    let mut text = CONFIG.to_owned();
    text.push_str(&format!(
        "\n[recording]\nfolder = \"tapes\"\nkey_files = [\"elsewhere/one.key\"]\n\
         mode = \"both\"\nconsent = \"{consent}\"\n"
    ));
    World::with(&text, TEN_O_CLOCK)
}

pub(crate) fn the_call(world: &World) -> CallId {
    let mut calls = world.shards.iter().flat_map(|s| s.calls());
    calls.next().unwrap()
}

/// What was ordered of tapes, in words, and forgotten.
pub(crate) fn tapes(world: &mut World) -> Vec<String> {
    let word = |command: &MediaCommand| match command {
        MediaCommand::StartTape { tape, about, .. } => {
            Some(format!("start {} {about}", tape.segment))
        }
        MediaCommand::Tape {
            tape, track, label, ..
        } => Some(format!("{} +{track} {label}", tape.segment)),
        MediaCommand::Untape { tape, .. } => Some(format!("{} -", tape.segment)),
        MediaCommand::NoteTape { tape, note } => Some(format!("{} note {note}", tape.segment)),
        MediaCommand::EndTape { tape, keep } => Some(format!("end {} {keep}", tape.segment)),
        _ => None,
    };
    let out = world.media.iter().filter_map(word).collect();
    world.media.retain(|command| word(command).is_none());
    out
}

/// The last thing that the caller was told to hear.
pub(crate) fn heard(world: &World, at: PortId) -> Source {
    let hear = |command: &MediaCommand| match command {
        MediaCommand::Hear { port, source } if *port == at => Some(source.clone()),
        _ => None,
    };
    world.media.iter().rev().find_map(hear).unwrap()
}

/// What the caller is told now was played to its end.
pub(crate) fn told(world: &mut World, at: PortId) -> Vec<PromptId> {
    let Source::Over {
        prompts,
        token,
        parties,
    } = heard(world, at)
    else {
        panic!("the caller is told nothing: {:?}", heard(world, at))
    };
    assert!(!parties.is_empty(), "the conversation goes on under it");
    let shard = usize::from(the_call(world).shard().0);
    let event = MediaEvent::PlaylistDone { port: at, token };
    world.handle(shard, Input::Media(event));
    prompts
}

pub(crate) fn caller_port(world: &World) -> PortId {
    let first = world.media.iter().find_map(|command| match command {
        MediaCommand::Open { port, .. } => Some(*port),
        _ => None,
    });
    first.unwrap()
}

pub(crate) fn press(world: &mut World, digit: char) {
    let (shard, port) = (usize::from(the_call(world).shard().0), caller_port(world));
    world.handle(shard, Input::Media(MediaEvent::Digit { port, digit }));
}

fn police(world: &mut World) -> Sent {
    let call = the_call(world);
    world.command(Command::press(call, "110", "贵阳"));
    world.take(addr(CARRIER), "INVITE")
}

fn join(world: &mut World, police: &Sent) {
    reply(world, police, "180 Ringing", "police", "");
    let body = sdp(police.to, 7000);
    reply(world, police, "200 OK", "police", &body);
    world.take(addr(CARRIER), "ACK");
}

pub(crate) fn of_record(world: &World) -> RecordingRecord {
    *world.records[0].recording.clone().unwrap()
}

#[test]
fn the_caller_is_told_over_the_conversation_and_is_recorded_after_that() {
    let mut world = recorded("announced");
    let (caller, _) = talking(&mut world);
    assert!(
        tapes(&mut world).is_empty(),
        "nothing before the caller knows"
    );
    let at = caller_port(&world);
    world.pass(4 * SECOND);
    assert_eq!(told(&mut world, at), [PromptId::RecordingTold]);
    let wanted = [
        "start 0 pool=city consent=announced",
        "0 +0 caller",
        "0 +1 seat s0",
    ];
    assert_eq!(tapes(&mut world), wanted);
    assert!(
        matches!(heard(&world, at), Source::Peer(_)),
        "the prompt is over"
    );
    world.pass(10 * SECOND);
    assert!(tapes(&mut world).is_empty());
    caller.bye(&mut world);
    assert_eq!(tapes(&mut world).last().unwrap(), "end 0 true");
    let record = of_record(&world);
    assert_eq!((record.consent, record.refused), (Consent::Announced, None));
    let answered = world.records[0].answered.unwrap();
    assert_eq!(record.told.unwrap().0 - answered.0, 4000);
    let tape = &record.tapes[0];
    assert_eq!(tape.begun, record.told.unwrap());
    assert_eq!(tape.ended.unwrap().0 - tape.begun.0, 10_000);
    let parties: Vec<&str> = tape.tracks.iter().map(|it| &*it.party).collect();
    assert_eq!(parties, ["caller", "seat s0"]);
}

#[test]
fn a_caller_who_refuses_is_not_recorded_before_and_not_after() {
    for after in [false, true] {
        let mut world = recorded("asked");
        let (caller, _) = talking(&mut world);
        let at = caller_port(&world);
        if after {
            let prompts = told(&mut world, at);
            let asked = [
                PromptId::RecordingAsked,
                PromptId::Nine,
                PromptId::DangerAfter,
            ];
            assert_eq!(prompts, asked);
            world.pass(TO_ANSWER);
            assert_eq!(tapes(&mut world).len(), 3);
        }
        press(&mut world, '8');
        assert!(tapes(&mut world).is_empty(), "another key means nothing");
        press(&mut world, '9');
        let ends: &[&str] = if after { &["end 0 false"] } else { &[] };
        assert_eq!(tapes(&mut world), ends, "what there is of it is not kept");
        assert_eq!(told(&mut world, at), [PromptId::RecordingRefused]);
        press(&mut world, '9');
        let police = police(&mut world);
        join(&mut world, &police);
        assert!(tapes(&mut world).is_empty(), "it stays refused");
        assert!(matches!(heard(&world, at), Source::Mix(_)));
        caller.bye(&mut world);
        world.pass(SECOND);
        let shard = the_call(&world).shard();
        world.handle(usize::from(shard.0), Input::HangUpAll);
        let record = of_record(&world);
        assert!(record.refused.is_some() && record.tapes.is_empty());
    }
}

#[test]
fn a_prompt_that_is_cut_off_is_said_again_and_nothing_is_recorded_until_it_was_heard() {
    let mut world = recorded("announced");
    let (_caller, _) = talking(&mut world);
    let at = caller_port(&world);
    let Source::Over { token, .. } = heard(&world, at) else {
        panic!("told at once")
    };
    // The key rearranges everybody, twice.
    let police = police(&mut world);
    join(&mut world, &police);
    assert!(tapes(&mut world).is_empty());
    let Source::Over {
        token: again,
        parties,
        ..
    } = heard(&world, at)
    else {
        panic!("told again")
    };
    assert_eq!((token, parties.len()), (again, 2));
    told(&mut world, at);
    let wanted = [
        "start 0 pool=city consent=announced",
        "0 +0 caller",
        "0 +1 seat s0",
        "0 +2 target 110",
    ];
    assert_eq!(tapes(&mut world), wanted);
}

#[test]
fn in_an_emergency_pool_recording_begins_with_the_key_and_third_parties_are_on_the_same_tape() {
    let mut world = recorded("emergency_only");
    let (caller, seat) = talking(&mut world);
    assert!(matches!(
        heard(&world, caller_port(&world)),
        Source::Peer(_)
    ));
    let police = police(&mut world);
    let wanted = [
        "start 0 pool=city consent=emergency_only",
        "0 +0 caller",
        "0 +1 seat s0",
    ];
    assert_eq!(tapes(&mut world), wanted);
    join(&mut world, &police);
    assert_eq!(tapes(&mut world), ["0 +2 target 110"]);
    // The caller hangs up; counsellor and police talk on, on the same tape.
    caller.bye(&mut world);
    assert_eq!(tapes(&mut world), ["0 -"]);
    seat_bye(&mut world, &seat);
    assert_eq!(tapes(&mut world).last().unwrap(), "end 0 true");
    let record = of_record(&world);
    assert_eq!((record.tapes.len(), record.told), (1, None));
    assert_eq!(record.tapes[0].tracks.len(), 3);
}

#[test]
fn a_person_stops_it_and_lets_it_go_on_with_a_reason() {
    let mut world = recorded("announced");
    let (caller, _) = talking(&mut world);
    let call = the_call(&world);
    let at = caller_port(&world);
    told(&mut world, at);
    tapes(&mut world);
    let order = |world: &mut World, on: bool| {
        let reason = "card number".into();
        match world.command(Command::Record { call, on, reason }) {
            Reply::Done(result) => result,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(order(&mut world, true), Ok(()));
    assert!(tapes(&mut world).is_empty(), "it goes on already");
    assert_eq!(order(&mut world, false), Ok(()));
    assert_eq!(
        tapes(&mut world),
        ["0 note paused: card number", "0 -", "0 -"]
    );
    world.pass(SECOND);
    assert_eq!(order(&mut world, true), Ok(()));
    let on = ["0 note resumed: card number", "0 +2 caller", "0 +3 seat s0"];
    assert_eq!(tapes(&mut world), on);
    caller.bye(&mut world);
    assert_eq!(order(&mut world, true), Err(CommandError::UnknownCall));
    let pauses: Vec<bool> = of_record(&world).pauses.iter().map(|it| it.on).collect();
    assert_eq!(pauses, [false, true]);
}

#[test]
fn a_call_that_outlives_the_process_goes_on_on_another_tape() {
    let mut world = recorded("announced");
    let (caller, _) = talking(&mut world);
    let at = caller_port(&world);
    told(&mut world, at);
    tapes(&mut world);
    world.restart();
    let wanted = [
        "end 0 true",
        "start 1 pool=city consent=announced",
        "1 +0 caller",
        "1 +1 seat s0",
    ];
    assert_eq!(tapes(&mut world), wanted, "the caller is not told twice");
    caller.bye(&mut world);
    let record = of_record(&world);
    assert_eq!(record.tapes.len(), 2);
    assert!(record.tapes[0].ended.is_none() && record.tapes[1].ended.is_some());
}

#[test]
fn a_caller_back_in_the_queue_is_on_no_tape_until_somebody_answers() {
    let mut world = recorded("announced");
    let (caller, _) = talking(&mut world);
    let at = caller_port(&world);
    told(&mut world, at);
    tapes(&mut world);
    // The telephone vanishes without a word.
    let seat = world.port_of("10.0.2.0:6000");
    world.silent(seat);
    world.pass(33 * SECOND);
    assert_eq!(tapes(&mut world), ["end 0 true"]);
    assert_eq!(heard(&world, at), Source::Music);
    sign_on(&mut world, 1, 1);
    let invite = offer_at(&mut world, crate::world::scene::S1);
    answer(&mut world, &invite);
    let wanted = [
        "start 1 pool=city consent=announced",
        "1 +0 caller",
        "1 +1 seat s1",
    ];
    assert_eq!(tapes(&mut world), wanted, "the caller is not told twice");
    caller.bye(&mut world);
    assert_eq!(of_record(&world).tapes.len(), 2);
}

/// City on the first ground, province on the second; the caller was told in the city, and is answered in
/// the province after the city's telephone vanished. Gives the caller's port as well.
fn from_city_to_province(city: &str, province: &str) -> (World, Caller, PortId) {
    let mut text = CONFIG.replace(
        "name = \"province\"",
        &format!("name = \"province\"\nrecording = \"{province}\""),
    );
    text.push_str(&format!(
        "\n[recording]\nfolder = \"tapes\"\nkey_files = [\"k/one.key\"]\nconsent = \"{city}\"\n"
    ));
    let mut world = World::with(&text, TEN_O_CLOCK);
    let (caller, _) = talking(&mut world);
    let at = caller_port(&world);
    told(&mut world, at);
    world.pass(TO_ANSWER);
    assert_eq!(tapes(&mut world).len(), 3);
    let seat = world.port_of("10.0.2.0:6000");
    world.silent(seat);
    world.pass(33 * SECOND);
    assert_eq!(tapes(&mut world), ["end 0 true"]);
    sign_on(&mut world, 2, 2);
    world.pass(11 * SECOND);
    let invite = offer_at(&mut world, crate::world::scene::S2);
    answer(&mut world, &invite);
    (world, caller, at)
}

#[test]
fn who_was_told_in_one_pool_is_asked_in_another_that_asks() {
    let (mut world, caller, at) = from_city_to_province("announced", "asked");
    assert!(
        tapes(&mut world).is_empty(),
        "nothing before the caller knows the key"
    );
    let asked = [
        PromptId::RecordingAsked,
        PromptId::Nine,
        PromptId::DangerAfter,
    ];
    assert_eq!(told(&mut world, at), asked);
    world.pass(TO_ANSWER);
    let wanted = [
        "start 1 pool=province consent=asked",
        "1 +0 caller",
        "1 +1 seat s2",
    ];
    assert_eq!(tapes(&mut world), wanted);
    caller.bye(&mut world);
    let record = of_record(&world);
    let grounds: Vec<Consent> = record.tapes.iter().map(|it| it.consent).collect();
    assert_eq!(grounds, [Consent::Announced, Consent::Asked]);
    assert!(record.asked.unwrap() > record.told.unwrap());
    assert_eq!(record.asked.unwrap().0 + 5000, record.tapes[1].begun.0);
}

#[test]
fn who_was_asked_in_one_pool_is_told_and_may_refuse_in_another_that_only_tells() {
    let (mut world, caller, _) = from_city_to_province("asked", "announced");
    let wanted = [
        "start 1 pool=province consent=announced",
        "1 +0 caller",
        "1 +1 seat s2",
    ];
    assert_eq!(tapes(&mut world), wanted, "the caller is not told twice");
    press(&mut world, '9');
    assert_eq!(tapes(&mut world), ["end 0 false", "end 1 false"]);
    caller.bye(&mut world);
    assert!(of_record(&world).tapes.is_empty());
}

#[test]
fn who_refuses_leaves_no_tape_of_the_whole_call() {
    let (mut world, caller, at) = from_city_to_province("announced", "asked");
    press(&mut world, '9');
    assert_eq!(tapes(&mut world), ["end 0 false"], "it had ended before");
    assert_eq!(told(&mut world, at), [PromptId::RecordingRefused]);
    assert!(tapes(&mut world).is_empty());
    press(&mut world, '9');
    caller.bye(&mut world);
    assert!(tapes(&mut world).is_empty());
    let record = of_record(&world);
    assert!(record.refused.is_some() && record.tapes.is_empty());
}

#[test]
fn the_end_of_another_sentence_does_not_count_for_the_key() {
    let mut text = CONFIG.to_owned();
    text.push_str(
        "\n[recording]\nfolder = \"tapes\"\nkey_files = [\"k/one.key\"]\nconsent = \"announced\"\n",
    );
    let mut world = World::with(&text, TEN_O_CLOCK);
    let (_caller, _) = talking(&mut world);
    let at = caller_port(&world);
    let Source::Over { token, .. } = heard(&world, at) else {
        panic!("told at once")
    };
    // The pool asks from now on; the sentence that was under way ends after that.
    world.configure(&text.replace("\"announced\"", "\"asked\""));
    let police = police(&mut world);
    join(&mut world, &police);
    let shard = usize::from(the_call(&world).shard().0);
    let event = MediaEvent::PlaylistDone { port: at, token };
    world.handle(shard, Input::Media(event));
    assert!(tapes(&mut world).is_empty());
    assert_eq!(told(&mut world, at).len(), 3);
    world.pass(TO_ANSWER);
    assert_eq!(tapes(&mut world)[0], "start 0 pool=city consent=asked");
}

#[test]
fn who_comes_back_more_often_than_a_tape_has_tracks_is_on_the_next_tape() {
    let mut world = recorded("announced");
    let (caller, _) = talking(&mut world);
    let at = caller_port(&world);
    told(&mut world, at);
    let call = the_call(&world);
    for _ in 0..300 {
        for mode in [Mode::Held, Mode::Full] {
            let who = Who::Caller;
            let order = Command::Hear { call, who, mode };
            assert_eq!(world.command(order), Reply::Done(Ok(())));
        }
    }
    caller.bye(&mut world);
    let orders = tapes(&mut world);
    let back = orders.iter().filter(|it| it.ends_with(" caller")).count();
    assert_eq!(back, 301, "nobody is left out");
    let tapes = of_record(&world).tapes;
    assert_eq!(tapes.len(), 2);
    assert!(tapes.iter().all(|it| it.ended.is_some()));
}

#[test]
fn stopping_always_works() {
    let mut world = recorded("announced");
    let (caller, _) = talking(&mut world);
    let call = the_call(&world);
    let mut order = |on: bool| {
        let reason = "card number".into();
        world.command(Command::Record { call, on, reason })
    };
    for _ in 0..32 {
        assert_eq!(order(false), Reply::Done(Ok(())));
        assert_eq!(order(true), Reply::Done(Ok(())));
    }
    assert_eq!(order(false), Reply::Done(Ok(())), "however often before");
    assert_eq!(order(true), Reply::Done(Err(CommandError::Busy)));
    caller.bye(&mut world);
    assert!(!of_record(&world).pauses.last().unwrap().on);
}

#[test]
fn nobody_is_recorded_unless_it_is_said_so() {
    for mut world in [World::new(), recorded("off")] {
        let (caller, _) = talking(&mut world);
        let police = police(&mut world);
        join(&mut world, &police);
        assert!(tapes(&mut world).is_empty());
        let call = the_call(&world);
        let order = Command::Record {
            call,
            on: false,
            reason: String::new(),
        };
        assert_eq!(
            world.command(order),
            Reply::Done(Err(CommandError::NotTalking))
        );
        caller.bye(&mut world);
        world.handle(usize::from(call.shard().0), Input::HangUpAll);
        assert!(world.records[0].recording.is_none());
    }
}

#[test]
fn a_pool_says_for_itself_on_what_ground() {
    let mut text = CONFIG.replace(
        "name = \"province\"",
        "name = \"province\"\nrecording = \"emergency_only\"",
    );
    text.push_str(
        "\n[recording]\nfolder = \"tapes\"\nkey_files = [\"k/one.key\"]\nconsent = \"announced\"\n",
    );
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 2, 2);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    world.pass(11 * SECOND);
    let invite = offer_at(&mut world, crate::world::scene::S2);
    answer(&mut world, &invite);
    caller.answered(&mut world);
    world.none(addr(S0), "INVITE");
    assert!(matches!(
        heard(&world, caller_port(&world)),
        Source::Peer(_)
    ));
    caller.bye(&mut world);
    assert_eq!(of_record(&world).consent, Consent::EmergencyOnly);
}

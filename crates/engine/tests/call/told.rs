//! What a waiting caller is told of the recording, so that the conversation is recorded from its first
//! word, and how long one who is asked has to refuse.

use crate::tape::{caller_port, heard, of_record, press, recorded, tapes, the_call, told};
use crate::world::scene::{S0, S2, SECOND, offer_at, sign_on, talking};
use crate::world::{CONFIG, Caller, TEN_O_CLOCK, World, answer};
use meishier_engine::Input;
use meishier_engine::media::{MediaEvent, PromptId, Source};
use meishier_model::PortId;

const AT_ONCE: &str = "10.0.1.2:5060";
const ASKED: [PromptId; 3] = [
    PromptId::RecordingAsked,
    PromptId::Nine,
    PromptId::DangerAfter,
];

/// A caller whose call is answered and who waits.
fn waiting(world: &mut World) -> (Caller, PortId) {
    let mut caller = Caller::new(AT_ONCE, "13300000001");
    caller.invite(world);
    caller.answered(world);
    let at = caller_port(world);
    (caller, at)
}

/// What the waiting caller is told before the music, and its token.
fn said(world: &World, at: PortId) -> (Vec<PromptId>, u64) {
    match heard(world, at) {
        Source::Playlist { prompts, token, .. } => (prompts, token),
        other => panic!("nothing is said: {other:?}"),
    }
}

/// What the waiting caller is told is played to its end.
fn played(world: &mut World, at: PortId) {
    let (_, token) = said(world, at);
    let shard = usize::from(the_call(world).shard().0);
    let event = MediaEvent::PlaylistDone { port: at, token };
    world.handle(shard, Input::Media(event));
}

fn pick_up(world: &mut World) {
    sign_on(world, 0, 0);
    let invite = offer_at(world, S0);
    answer(world, &invite);
}

fn on_two_grounds(city: &str, province: &str) -> World {
    let text = CONFIG.replace(
        "name = \"province\"",
        &format!("name = \"province\"\nrecording = \"{province}\""),
    );
    let text = format!(
        "{text}\n[recording]\nfolder = \"tapes\"\nkey_files = [\"k/one.key\"]\nconsent = \"{city}\"\n"
    );
    World::with(&text, TEN_O_CLOCK)
}

#[test]
fn who_was_told_while_waiting_is_recorded_from_the_first_word() {
    let mut world = recorded("announced");
    let (caller, at) = waiting(&mut world);
    let prompts = [
        PromptId::Greeting,
        PromptId::AllBusy,
        PromptId::RecordingTold,
    ];
    assert_eq!(said(&world, at).0, prompts, "behind all that helps");
    world.pass(9 * SECOND);
    played(&mut world, at);
    assert!(tapes(&mut world).is_empty(), "nobody talks yet");
    world.pass(SECOND);
    pick_up(&mut world);
    let wanted = [
        "start 0 pool=city consent=announced",
        "0 +0 caller",
        "0 +1 seat s0",
    ];
    assert_eq!(tapes(&mut world), wanted);
    assert!(
        matches!(heard(&world, at), Source::Peer(_)),
        "nothing is said over the conversation"
    );
    caller.bye(&mut world);
    let record = of_record(&world);
    let answered = world.records[0].answered.unwrap();
    assert!(record.told.unwrap() < answered);
    assert_eq!(record.tapes[0].begun, answered);
}

#[test]
fn who_is_told_while_it_rings_and_not_to_the_end_is_told_over_the_conversation() {
    let mut world = recorded("announced");
    sign_on(&mut world, 0, 0);
    let (_caller, at) = waiting(&mut world);
    let (prompts, token) = said(&world, at);
    assert_eq!(prompts, [PromptId::Greeting, PromptId::RecordingTold]);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    assert!(tapes(&mut world).is_empty());
    let Source::Over { token: again, .. } = heard(&world, at) else {
        panic!("said again: {:?}", heard(&world, at))
    };
    assert_eq!(token, again);
    assert_eq!(told(&mut world, at), [PromptId::RecordingTold]);
    assert_eq!(tapes(&mut world).len(), 3);
}

#[test]
fn a_position_that_cuts_the_sentence_off_is_followed_by_it() {
    let mut world = recorded("announced");
    let (_caller, at) = waiting(&mut world);
    let (_, token) = said(&world, at);
    world.pass(31 * SECOND);
    let (prompts, again) = said(&world, at);
    assert_eq!(prompts[..], [PromptId::NextInLine, PromptId::RecordingTold]);
    assert_eq!(token, again);
    played(&mut world, at);
    world.pass(30 * SECOND);
    let (prompts, other) = said(&world, at);
    assert_eq!(prompts[..], [PromptId::NextInLine], "it is said once");
    assert_ne!(token, other);
}

#[test]
fn who_was_asked_while_waiting_and_answers_nothing_is_recorded_from_the_first_word() {
    let mut world = recorded("asked");
    let (_caller, at) = waiting(&mut world);
    assert_eq!(said(&world, at).0[2..], ASKED);
    played(&mut world, at);
    world.pass(5 * SECOND);
    pick_up(&mut world);
    assert_eq!(tapes(&mut world).len(), 3);
    press(&mut world, '9');
    assert_eq!(tapes(&mut world), ["end 0 false"], "the key goes on");
}

#[test]
fn who_is_asked_has_time_to_answer_before_anything_is_recorded() {
    for refuses in [false, true] {
        let mut world = recorded("asked");
        let (caller, _) = talking(&mut world);
        let at = caller_port(&world);
        assert_eq!(told(&mut world, at), ASKED);
        world.pass(4 * SECOND);
        assert!(tapes(&mut world).is_empty(), "the answer is waited for");
        if refuses {
            press(&mut world, '9');
        }
        world.pass(2 * SECOND);
        let orders = tapes(&mut world);
        assert_eq!(orders.is_empty(), refuses, "{orders:?}");
        caller.bye(&mut world);
        let record = of_record(&world);
        assert_eq!(record.tapes.is_empty(), refuses);
        if let [tape] = &record.tapes[..] {
            assert_eq!(tape.begun.0 - record.asked.unwrap().0, 5000);
        }
    }
}

#[test]
fn time_to_answer_goes_on_over_a_restart() {
    let mut world = recorded("asked");
    let (_caller, _) = talking(&mut world);
    let at = caller_port(&world);
    told(&mut world, at);
    world.pass(2 * SECOND);
    world.restart();
    assert!(tapes(&mut world).is_empty());
    world.pass(3 * SECOND);
    assert_eq!(tapes(&mut world)[0], "start 0 pool=city consent=asked");
}

#[test]
fn who_refuses_while_waiting_is_never_recorded() {
    for to_the_end in [false, true] {
        let mut world = recorded("asked");
        let (caller, at) = waiting(&mut world);
        if to_the_end {
            played(&mut world, at);
        }
        press(&mut world, '9');
        assert_eq!(said(&world, at).0, [PromptId::RecordingRefused]);
        played(&mut world, at);
        world.pass(SECOND);
        pick_up(&mut world);
        world.pass(10 * SECOND);
        assert!(tapes(&mut world).is_empty());
        assert!(matches!(heard(&world, at), Source::Peer(_)));
        caller.bye(&mut world);
        let record = of_record(&world);
        assert!(record.refused.unwrap() < world.records[0].answered.unwrap());
        assert!(record.tapes.is_empty());
    }
}

#[test]
fn who_refuses_and_hangs_up_while_waiting_has_it_on_record() {
    let mut world = recorded("asked");
    let (caller, _) = waiting(&mut world);
    press(&mut world, '9');
    caller.bye(&mut world);
    assert!(of_record(&world).refused.is_some());
}

#[test]
fn nobody_is_told_in_the_queue_what_the_pool_that_answers_may_not_do() {
    let mut world = on_two_grounds("announced", "off");
    let (_caller, at) = waiting(&mut world);
    world.pass(11 * SECOND);
    // Both are open; the position is said, and nothing of a recording that may never be.
    world.pass(20 * SECOND);
    assert_eq!(said(&world, at).0, [PromptId::NextInLine]);
    played(&mut world, at);
    sign_on(&mut world, 2, 2);
    let invite = offer_at(&mut world, S2);
    answer(&mut world, &invite);
    assert!(matches!(heard(&world, at), Source::Peer(_)));
    assert!(tapes(&mut world).is_empty());
}

#[test]
fn what_a_pool_asks_is_said_when_it_rings_and_cuts_nothing_off() {
    let mut world = on_two_grounds("off", "asked");
    let (_caller, at) = waiting(&mut world);
    let greeted = [PromptId::Greeting, PromptId::AllBusy];
    assert_eq!(said(&world, at).0, greeted);
    world.pass(11 * SECOND);
    sign_on(&mut world, 2, 2);
    let invite = offer_at(&mut world, S2);
    assert_eq!(said(&world, at).0, greeted, "it is heard to its end");
    played(&mut world, at);
    assert_eq!(said(&world, at).0, ASKED);
    played(&mut world, at);
    world.pass(5 * SECOND);
    answer(&mut world, &invite);
    assert_eq!(tapes(&mut world)[0], "start 0 pool=province consent=asked");
}

#[test]
fn what_is_said_before_the_call_is_answered_does_not_count() {
    let mut text = CONFIG.replace("early = \"ringing\"", "early = \"progress\"");
    text.push_str(
        "\n[recording]\nfolder = \"tapes\"\nkey_files = [\"k/one.key\"]\nconsent = \"announced\"\n",
    );
    let mut world = World::with(&text, TEN_O_CLOCK);
    let mut caller = Caller::new(crate::world::CARRIER, "13300000001");
    caller.invite(&mut world);
    let at = caller_port(&world);
    let greeted = [PromptId::Greeting, PromptId::AllBusy];
    assert_eq!(said(&world, at).0, greeted);
    played(&mut world, at);
    world.pass(29 * SECOND);
    assert_eq!(said(&world, at).0, greeted);
    world.pass(SECOND);
    caller.answered(&mut world);
    assert!(said(&world, at).0.contains(&PromptId::RecordingTold));
}

#[test]
fn the_key_of_those_in_danger_refuses_nothing_while_they_wait() {
    let mut text = CONFIG.to_owned();
    text.push_str(
        "\n[recording]\nfolder = \"tapes\"\nkey_files = [\"k/one.key\"]\nconsent = \"asked\"\n\
         \n[risk]\ndanger_key = \"9\"\n",
    );
    let mut world = World::with(&text, TEN_O_CLOCK);
    let (caller, at) = waiting(&mut world);
    let (prompts, _) = said(&world, at);
    assert!(!prompts.contains(&PromptId::RecordingAsked), "{prompts:?}");
    press(&mut world, '9');
    assert_eq!(said(&world, at).0, [PromptId::DangerHeard]);
    pick_up(&mut world);
    assert_eq!(told(&mut world, at), ASKED);
    press(&mut world, '9');
    caller.bye(&mut world);
    let refused = of_record(&world).refused.unwrap();
    assert!(refused >= world.records[0].answered.unwrap());
}

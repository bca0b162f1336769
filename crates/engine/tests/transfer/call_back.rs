//! A caller who hung up while help was on the way or there is called back: only with consent, in safe
//! hours, and into the same conversation.

use crate::desk::{
    all_over, answers_at, dialled, done, ears, leave, pair, press, press_as, second_at, staff,
    story, the_call, thirds, wish, world_where,
};
use crate::world::scene::{S0, SECOND, talking};
use crate::world::{CARRIER, Caller, Sent, TEN_O_CLOCK, World, addr, reply, seat_bye};
use meishier_engine::api::CallBackView;
use meishier_engine::transfer::call_back::{CallBack, Refused};
use meishier_engine::transfer::{Facts, Manner, ThirdId};
use meishier_engine::{Command, CommandError, Notice, Reply, ThirdWish, TransferStarted};
use meishier_model::{CallBackRecord, TransferOutcome, Wall};

const HOUR: i64 = 3_600_000;

/// The caller agrees, or not; with hours of its own, or without.
fn says(consent: bool, hours: Option<(&str, &str)>) -> Facts {
    Facts {
        call_back: Some(CallBack {
            consent,
            from: hours.map(|it| it.0.to_owned()),
            until: hours.map(|it| it.1.to_owned()),
            note: Some("只找小王".to_owned()),
        }),
        ..Facts::default()
    }
}

fn write(world: &mut World, facts: Facts) {
    let (call, facts) = (the_call(world), Box::new(facts));
    done(world, Command::Facts { call, facts }).unwrap();
}

fn call_back(world: &mut World) -> Result<TransferStarted, CommandError> {
    let call = the_call(world);
    match world.command(Command::CallBack { call }) {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    }
}

fn seen(world: &World) -> Option<CallBackView> {
    let views = world.shards.iter().map(|it| it.view(world.now));
    let mut calls = views.flat_map(|it| it.calls);
    calls.next().unwrap().call_back
}

fn results(world: &World) -> Vec<&'static str> {
    let result = |n: &Notice| match n {
        Notice::CallBack { result, .. } => Some(result.as_str()),
        _ => None,
    };
    world.notices.iter().filter_map(result).collect()
}

/// The caller hangs up while police are there, having said that; gives the police's INVITE.
fn alone_with_police(world: &mut World, caller: &Caller, facts: Option<Facts>) -> Sent {
    press(world, "110");
    let police = dialled(world);
    answers_at(world, &police, 7000);
    if let Some(facts) = facts {
        write(world, facts);
    }
    caller.bye(world);
    assert_eq!(ears(world), "K:P P:K");
    police
}

/// The conversation of counsellor and police after a caller who agreed.
fn agreed() -> (World, Caller, Sent) {
    let (mut world, caller, _) = pair();
    let police = alone_with_police(&mut world, &caller, Some(says(true, None)));
    (world, caller, police)
}

fn nothing_dialled(world: &mut World) {
    world.none(addr(CARRIER), "INVITE");
    world.pass(5 * SECOND);
    world.none(addr(CARRIER), "INVITE");
}

#[test]
fn the_caller_is_dialled_and_comes_back_into_the_conversation() {
    let (mut world, caller, police) = agreed();
    assert_eq!(seen(&world), Some(CallBackView::Allowed));
    let before = world.media.len();
    let started = call_back(&mut world).unwrap();
    assert_eq!(started.dialled, "133****0001");
    let invite = dialled(&mut world);
    assert!(
        invite
            .text
            .starts_with("INVITE sip:13300000001@10.0.1.1:5060 ")
    );
    assert_eq!(seen(&world), Some(CallBackView::Running));
    reply(&mut world, &invite, "180 Ringing", "mobile", "");
    answers_at(&mut world, &invite, 7002);
    assert_eq!(ears(&world), "K:PQ P:KQ Q:KP");
    // Whoever answers hears those who are there, and nothing else.
    use meishier_engine::media::{MediaCommand, Source};
    let played = world.media[before..]
        .iter()
        .filter_map(|command| match command {
            MediaCommand::Hear { port, source } => Some((*port, source)),
            _ => None,
        });
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Open { port, media, .. } if media.remote == addr("10.0.1.1:7002") => {
            Some(*port)
        }
        _ => None,
    });
    let theirs = played.filter(|it| Some(it.0) == last).map(|it| it.1);
    assert!(theirs.clone().count() > 0);
    for source in theirs {
        assert!(
            matches!(source, Source::Mix(_) | Source::Peer(_)),
            "{source:?}"
        );
    }
    wish(&mut world, started.third, ThirdWish::Confirm).unwrap();
    seat_bye(&mut world, &invite);
    assert_eq!(ears(&world), "K:P P:K");
    seat_bye(&mut world, &police);
    world.take(addr(S0), "BYE");
    let transfers = all_over(&mut world);
    let back = &transfers[1];
    assert_eq!(
        (back.key.as_str(), back.dialled.as_str()),
        ("call_back", "133****0001")
    );
    assert_eq!(back.outcome, TransferOutcome::Joined);
    assert_eq!(
        story(back),
        ["dialling", "ringing", "joined", "confirmed", "target_left"]
    );
    assert!(
        back.events
            .iter()
            .all(|it| !it.detail.contains("13300000001"))
    );
    assert_eq!(results(&world), ["dialled", "joined"]);
    assert!(
        world
            .notices
            .iter()
            .all(|n| !format!("{n:?}").contains("0000001"))
    );
    let said = world.records[0].call_back.clone().unwrap();
    assert!(said.reached && !said.is_owed());
    assert_eq!(caller.from, addr(CARRIER));
}

#[test]
fn whoever_answers_sees_the_trunks_number_and_is_told_nothing_of_the_call_before() {
    // A trunk that shows callers' numbers, and tells that the hotline forwards.
    let telling = (
        "codecs = [\"pcma\", \"pcmu\"]\noutgoing_number = \"12356\"",
        "codecs = [\"pcma\", \"pcmu\"]\noutgoing_number = \"085112356\"\nkeep_caller_user = true\n\
         tells = [\"diversion\", \"history\", \"asserted\", \"location\", \"dossier\"]",
    );
    let mut world = world_where(telling);
    let (caller, _) = talking(&mut world);
    let police = alone_with_police(&mut world, &caller, Some(says(true, None)));
    assert!(
        police.header("From").contains("sip:13300000001@"),
        "police see who calls"
    );
    assert!(police.text.contains("Diversion:"));
    call_back(&mut world).unwrap();
    let invite = dialled(&mut world);
    assert!(invite.header("From").contains("sip:085112356@test.invalid"));
    assert!(
        invite
            .header("P-Asserted-Identity")
            .contains("sip:085112356@")
    );
    assert_eq!(invite.header("Content-Type"), "application/sdp");
    for told in [
        "Diversion:",
        "History-Info:",
        "Geolocation:",
        "Call-Info:",
        "Privacy:",
    ] {
        assert!(!invite.text.contains(told), "{told}");
    }
    let own: Vec<&str> = invite
        .text
        .match_indices("13300000001")
        .map(|it| it.1)
        .collect();
    assert_eq!(own.len(), 2, "request line and To alone: {}", invite.text);
}

#[test]
fn nobody_is_dialled_without_consent_in_the_record() {
    for facts in [
        None,
        Some(Facts::default()),
        Some(says(false, Some(("00:00", "24:00")))),
    ] {
        let (mut world, caller, _) = pair();
        let police = alone_with_police(&mut world, &caller, facts);
        let refused = CommandError::CallBack(Refused::NoConsent);
        assert_eq!(call_back(&mut world), Err(refused));
        assert_eq!(
            seen(&world),
            Some(CallBackView::Refused(Refused::NoConsent))
        );
        nothing_dialled(&mut world);
        assert_eq!(ears(&world), "K:P P:K");
        seat_bye(&mut world, &police);
        world.take(addr(S0), "BYE");
        let transfers = all_over(&mut world);
        let last = transfers[0]
            .events
            .iter()
            .find(|it| it.what == "call_back_refused");
        assert_eq!(last.unwrap().detail, "no_consent");
        assert_eq!(results(&world), ["no_consent"]);
        let said = world.records[0].call_back.clone().unwrap();
        assert!(said.since.is_some() && said.consent.is_none() && !said.is_owed());
    }
}

#[test]
fn a_consent_that_is_taken_back_holds_no_more() {
    let (mut world, _, _) = agreed();
    write(&mut world, says(false, None));
    let refused = CommandError::CallBack(Refused::NoConsent);
    assert_eq!(call_back(&mut world), Err(refused));
    write(&mut world, says(true, None));
    call_back(&mut world).unwrap();
}

#[test]
fn nobody_is_dialled_in_unsafe_hours_and_the_next_safe_moment_is_told() {
    // It is ten in the morning: the house begins at noon, or the caller is alone from 22 to 1.
    let noon = Wall(TEN_O_CLOCK.0 + 2 * HOUR);
    let night = Wall(TEN_O_CLOCK.0 + 12 * HOUR);
    let late = (
        "[offer]",
        "[care]\ncall_back_hours = \"12:00-14:00\"\n[offer]",
    );
    for (config, hours, next) in [
        (late, None, noon),
        (("", ""), Some(("22:00", "01:00")), night),
    ] {
        let mut world = world_where(config);
        let (caller, _) = talking(&mut world);
        alone_with_police(&mut world, &caller, Some(says(true, hours)));
        let refused = Refused::UnsafeHours { next };
        assert_eq!(call_back(&mut world), Err(CommandError::CallBack(refused)));
        assert_eq!(seen(&world), Some(CallBackView::Refused(refused)));
        nothing_dialled(&mut world);
        assert_eq!(results(&world), ["unsafe_hours"]);
        // The caller's own hours hold before those of the house.
        write(&mut world, says(true, Some(("09:30", "10:30"))));
        call_back(&mut world).unwrap();
        dialled(&mut world);
    }
}

#[test]
fn nobody_is_dialled_who_withholds_the_number_or_has_none_of_a_subscriber() {
    let cases = [
        ("anonymous", "anonymous"),
        ("+85221234567", "another country"),
        ("0851110", "a service"),
        ("88888888", "without its area code"),
    ];
    for (number, why) in cases {
        let mut world = world_where(("", ""));
        crate::world::scene::sign_on(&mut world, 0, 0);
        let mut caller = Caller::new(CARRIER, number);
        caller.invite(&mut world);
        let seat = world.take(addr(S0), "INVITE");
        crate::world::answer(&mut world, &seat);
        caller.answered(&mut world);
        alone_with_police(&mut world, &caller, Some(says(true, None)));
        let refused = CommandError::CallBack(Refused::NoNumber);
        assert_eq!(call_back(&mut world), Err(refused), "{why}");
        nothing_dialled(&mut world);
        assert_eq!(results(&world), ["no_number"]);
    }
}

#[test]
fn nobody_is_called_back_who_is_there_or_never_talked() {
    let (mut world, caller, _) = pair();
    write(&mut world, says(true, None));
    assert_eq!(call_back(&mut world), Err(CommandError::CallerThere));
    press(&mut world, "110");
    dialled(&mut world);
    assert_eq!(call_back(&mut world), Err(CommandError::CallerThere));
    assert_eq!(seen(&world), None);
    world.none(addr(CARRIER), "INVITE");
    caller.bye(&mut world);
    let mut world = World::new();
    let waits = Caller::new(CARRIER, "13300000001");
    waits.invite(&mut world);
    assert_eq!(call_back(&mut world), Err(CommandError::NotTalking));
}

#[test]
fn two_who_ask_at_once_bring_about_one_call_and_the_fourth_is_refused() {
    let (mut world, _, police) = agreed();
    for _ in 0..3 {
        call_back(&mut world).unwrap();
        let invite = dialled(&mut world);
        assert_eq!(call_back(&mut world), Err(CommandError::CallBackRunning));
        world.none(addr(CARRIER), "INVITE");
        reply(&mut world, &invite, "486 Busy Here", "mobile", "");
        assert_eq!(ears(&world), "K:P P:K");
    }
    assert_eq!(call_back(&mut world), Err(CommandError::CallBackSpent));
    assert_eq!(seen(&world), Some(CallBackView::Spent));
    nothing_dialled(&mut world);
    seat_bye(&mut world, &police);
    world.take(addr(S0), "BYE");
    assert_eq!(all_over(&mut world).len(), 4);
}

#[test]
fn a_call_back_that_fails_is_heard_at_the_desk_and_is_no_alarm() {
    use meishier_engine::media::{MediaCommand, PromptId, Source};
    for status in ["486 Busy Here", "603 Decline", "nobody answers"] {
        let (mut world, _, police) = agreed();
        call_back(&mut world).unwrap();
        let invite = dialled(&mut world);
        reply(&mut world, &invite, "180 Ringing", "mobile", "");
        if status == "nobody answers" {
            world.pass(25 * SECOND);
            world.take(addr(CARRIER), "CANCEL");
            reply(&mut world, &invite, "487 Request Terminated", "mobile", "");
        } else {
            reply(&mut world, &invite, status, "mobile", "");
        }
        let told = world.media.iter().filter(|c| {
            matches!(c, MediaCommand::Hear { source: Source::Over { prompts, .. }, .. }
                if prompts == &[PromptId::TransferFailed])
        });
        assert_eq!(told.count(), 1, "{status}: the counsellor alone");
        let alarm = |n: &&Notice| matches!(n, Notice::TransferAlarm { .. });
        assert_eq!(world.notices.iter().filter(alarm).count(), 0);
        assert_eq!(ears(&world), "K:P P:K");
        assert_eq!(
            seen(&world),
            Some(CallBackView::Allowed),
            "it may be tried again"
        );
        seat_bye(&mut world, &police);
        world.take(addr(S0), "BYE");
        let outcome = all_over(&mut world)[1].outcome;
        assert_ne!(outcome, TransferOutcome::Joined);
        // The house still owes it, and the record knows by which consent.
        let said = world.records[0].call_back.clone().unwrap();
        assert!(said.is_owed());
        assert_eq!(said.note, "只找小王");
    }
}

#[test]
fn another_who_answers_is_no_caller_who_was_reached() {
    let (mut world, _, police) = agreed();
    call_back(&mut world).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7002);
    // Nobody leaves because somebody answered there: that is no help.
    assert_eq!(leave(&mut world), Err(CommandError::NotConfirmed));
    seat_bye(&mut world, &invite);
    seat_bye(&mut world, &police);
    world.take(addr(S0), "BYE");
    assert_eq!(all_over(&mut world)[1].outcome, TransferOutcome::Joined);
    assert!(world.records[0].call_back.clone().unwrap().is_owed());
}

#[test]
fn a_caller_who_calls_again_meanwhile_is_a_call_of_its_own() {
    let (mut world, _, _) = agreed();
    call_back(&mut world).unwrap();
    let invite = dialled(&mut world);
    let first = the_call(&world);
    // The same number in another form, for the name makes the Call-ID.
    let again = Caller::new(CARRIER, "+8613300000001");
    again.invite(&mut world);
    let calls = world.shards.iter().flat_map(|s| s.calls()).count();
    assert_eq!(calls, 2);
    reply(&mut world, &invite, "486 Busy Here", "mobile", "");
    assert_eq!(results(&world), ["dialled", "failed"]);
    assert_eq!(ears(&world).matches("K:P").count(), 1, "{}", ears(&world));
    // Its own call waits, and nobody can call it back.
    let second = world
        .shards
        .iter()
        .flat_map(|s| s.calls())
        .find(|it| *it != first);
    let command = Command::CallBack {
        call: second.unwrap(),
    };
    let Reply::Transfer(result) = world.command(command) else {
        panic!()
    };
    assert_eq!(result, Err(CommandError::NotTalking));
}

#[test]
fn police_of_a_quiet_key_are_not_heard_by_whoever_answers() {
    let (mut world, caller, _) = pair();
    press_as(&mut world, "110", Manner::Quiet).unwrap();
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    assert_eq!(ears(&world), "C:K K:CP P:CK");
    write(&mut world, says(true, None));
    caller.bye(&mut world);
    assert_eq!(ears(&world), "K:P P:K");
    call_back(&mut world).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7002);
    assert_eq!(ears(&world), "K:PQ P:KQ Q:K");
    seat_bye(&mut world, &invite);
    assert_eq!(ears(&world), "K:P P:K");
}

#[test]
fn who_was_called_back_stays_with_police_when_the_counsellor_leaves() {
    let (mut world, _, police) = agreed();
    call_back(&mut world).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7002);
    wish(&mut world, ThirdId(1), ThirdWish::Confirm).unwrap();
    leave(&mut world).unwrap();
    world.take(addr(S0), "BYE");
    assert_eq!(ears(&world), "P:Q Q:P");
    world.none(addr(CARRIER), "BYE");
    seat_bye(&mut world, &police);
    // Nobody is left for who was called back.
    let bye = world.take(addr(CARRIER), "BYE");
    assert_eq!(bye.header("Call-ID"), invite.header("Call-ID"));
    all_over(&mut world);
}

#[test]
fn the_second_line_calls_back_where_the_counsellor_has_left() {
    let (mut world, caller, seat) = pair();
    staff(&mut world);
    let (_, _) = second_at(&mut world, "2", crate::desk::L0);
    let police = {
        press(&mut world, "110");
        let police = dialled(&mut world);
        answers_at(&mut world, &police, 7000);
        police
    };
    write(&mut world, says(true, None));
    seat_bye(&mut world, &seat);
    caller.bye(&mut world);
    assert_eq!(ears(&world), "L:P P:L");
    call_back(&mut world).unwrap();
    let invite = dialled(&mut world);
    answers_at(&mut world, &invite, 7002);
    assert_eq!(ears(&world), "L:PQ P:LQ Q:LP");
    assert_eq!(thirds(&world).len(), 3);
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "L:Q Q:L");
}

#[test]
fn the_record_says_when_the_caller_agreed() {
    let (mut world, caller, _) = pair();
    write(&mut world, says(true, Some(("22:00", "23:00"))));
    let agreed = world.now.wall;
    world.pass(7 * SECOND);
    // The same consent with other words keeps its moment.
    let mut facts = says(true, Some(("21:00", "23:00")));
    facts.call_back.as_mut().unwrap().note = Some("更正".to_owned());
    write(&mut world, facts);
    caller.bye(&mut world);
    all_over(&mut world);
    let said = *world.records[0].call_back.clone().unwrap();
    let expected = CallBackRecord {
        consent: Some(agreed),
        hours: "21:00-23:00".to_owned(),
        note: "更正".to_owned(),
        number: true,
        since: None,
        reached: false,
    };
    assert_eq!(said, expected);
    assert!(
        !said.is_owed(),
        "the caller ended the conversation as others do"
    );
}

#[test]
fn what_is_said_of_calling_back_goes_along_to_nobody() {
    let receiver = (
        "[offer]",
        "[[dossier.receivers]]\nname = \"police\"\nurl = \"http://127.0.0.1:9/x\"\n\
         secret_file = \"x\"\nemergencies = true\n[offer]",
    );
    let mut world = world_where(receiver);
    let (_, _) = talking(&mut world);
    press(&mut world, "110");
    let sent = world.dossiers.len();
    assert_eq!(sent, 1);
    write(&mut world, says(true, None));
    assert_eq!(world.dossiers.len(), sent, "nothing new for police");
    let facts = Facts {
        battery: Some(5),
        ..says(true, None)
    };
    write(&mut world, facts);
    assert_eq!(world.dossiers.len(), sent + 1);
    assert!(world.dossiers.iter().all(|it| it.facts.call_back.is_none()));
}

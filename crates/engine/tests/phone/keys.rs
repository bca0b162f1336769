//! Sequences of keys in the conversation, and star codes on another line.

use crate::*;

#[test]
fn a_sequence_of_keys_presses_a_key_and_another_takes_it_back() {
    let (mut world, caller, _) = talking();
    press(&mut world, "21");
    world.none(addr(CARRIER), "INVITE");
    press(&mut world, "*21");
    let invite = world.take(addr(CARRIER), "INVITE sip:020110@");
    assert_eq!(told(&world, PromptId::TransferDialling), 1);
    reply(&mut world, &invite, "180 Ringing", "police", "");
    press(&mut world, "*0");
    world.take(addr(CARRIER), "CANCEL");
    press(&mut world, "*0");
    assert_eq!(told(&world, PromptId::TransferFailed), 1, "nothing runs");
    press(&mut world, "*55");
    assert_eq!(told(&world, PromptId::CodeUnknown), 1);
    let first = Some(ThirdId(1));
    let by_keys = [(ByTelephone::Star, first), (ByTelephone::Cancel, first)];
    assert_eq!(by_telephone(&world), by_keys, "for the audit");
    world.none(caller.from, "BYE");
    caller.bye(&mut world);
    assert_eq!(
        world.records[0].transfers[0].outcome,
        TransferOutcome::Cancelled
    );
}

#[test]
fn whom_the_counsellor_talks_with_apart_joins_by_keys() {
    let (mut world, ..) = talking();
    press(&mut world, "*8");
    assert_eq!(told(&world, PromptId::TransferFailed), 1, "nobody is apart");
    press(&mut world, "*24");
    target_answers(&mut world, "INVITE sip:02087654321@");
    assert_eq!(hears(&world, CARRIER), Source::Music);
    press(&mut world, "*8");
    assert!(matches!(hears(&world, CARRIER), Source::Mix(parties) if parties.len() == 2));
    press(&mut world, "*0");
    assert_eq!(told(&world, PromptId::TransferFailed), 2, "it has joined");
}

/// What this party hears now.
fn hears(world: &World, of: &str) -> Source {
    let theirs = |command: &MediaCommand| match command {
        MediaCommand::Open { port, media, .. } => {
            (media.remote.ip() == addr(of).ip()).then_some(*port)
        }
        _ => None,
    };
    let port = world.media.iter().find_map(theirs).expect("it talks");
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Hear { port: at, source } if *at == port => Some(source.clone()),
        _ => None,
    });
    last.expect("it hears")
}

#[test]
fn the_keys_of_a_sequence_are_not_passed_on_to_the_caller() {
    for (keys, pause) in [("*21", 0), ("*5", 0), ("*", 4), ("*2", 4)] {
        let (mut world, ..) = talking();
        let seat = seat_port(&world);
        assert_eq!(
            hears(&world, CARRIER),
            Source::Peer(seat),
            "keys of no sequence are"
        );
        press(&mut world, &keys[..1]);
        assert_eq!(
            hears(&world, CARRIER),
            Source::Mix(vec![seat]),
            "sound alone"
        );
        press(&mut world, &keys[1..]);
        world.pass(pause * SECOND);
        assert_eq!(hears(&world, CARRIER), Source::Peer(seat), "{keys}");
    }
}

#[test]
fn nothing_of_a_sequence_outlives_its_call() {
    let mut world = World::with(&config(), TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let before = world.gauges();
    let mut caller = Caller::new(CARRIER, "02085550001");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    caller.answered(&mut world);
    press(&mut world, "*2");
    caller.bye(&mut world);
    let bye = world.take(addr(S0), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.none(addr(CARRIER), "INVITE");
    baseline(&mut world, before);
}

#[test]
fn a_sequence_that_has_begun_survives_a_restart() {
    let (mut world, ..) = talking();
    press(&mut world, "*2");
    world.restart();
    press(&mut world, "2");
    world.take(addr(CARRIER), "INVITE sip:020120@");
}

/// The seat's telephone dials a star code on another line; what is said there.
fn dial_star(world: &mut World, code: &str, n: u32) -> PromptId {
    let body = sdp(addr(S0), 6100);
    let text = |method: &str, to: &str, body: &str| {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:{code}@{ENGINE} SIP/2.0\r\nVia: SIP/2.0/UDP {S0};branch=z9hG4bKstar{method}{n}\r\n\
             From: <sip:s0@test.invalid>;tag=star\r\nTo: {to}\r\nCall-ID: star{n}@phone\r\n\
             CSeq: 1 {method}\r\nContact: <sip:s0@{S0}>\r\nMax-Forwards: 70\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let to = format!("<sip:{code}@test.invalid>");
    world.arrive(addr(S0), &text("INVITE", &to, &body));
    let ok = world.take(addr(S0), "SIP/2.0 200");
    let to = ok.header("To").to_owned();
    world.arrive(addr(S0), &text("ACK", &to, ""));
    let spoken = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Hear {
            source: Source::Playlist { prompts, .. },
            ..
        } => prompts.first(),
        _ => None,
    });
    *spoken.expect("something is said")
}

#[test]
fn a_star_code_on_another_line_presses_a_key_in_the_call_of_the_seat() {
    for (n, code) in (0..).zip(["*20*110", "*20*22", "*23#"]) {
        let (mut world, ..) = talking();
        assert_eq!(dial_star(&mut world, code, n), PromptId::TransferDialling);
        let reached = ["020110", "020120", "020119"][n as usize];
        world.take(addr(CARRIER), &format!("INVITE sip:{reached}@"));
        let failed = dial_star(&mut world, code, n + 10);
        assert_eq!(failed, PromptId::TransferFailed, "it runs already");
        let told = by_telephone(&world);
        assert_eq!(told[1], (ByTelephone::Star, None), "what is refused too");
    }
}

#[test]
fn a_star_code_without_a_call_or_a_key_does_nothing() {
    let mut world = World::with(&config(), TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let failed = dial_star(&mut world, "*20*110", 1);
    assert_eq!(failed, PromptId::TransferFailed);
    world.none(addr(CARRIER), "INVITE");
    let (mut world, ..) = talking();
    for code in ["*20*999", "*20*0016505550100", "*20*", "*20", "*110", "*"] {
        let text = format!(
            "INVITE sip:{code}@{ENGINE} SIP/2.0\r\nVia: SIP/2.0/UDP {S0};branch=z9hG4bKx{}\r\n\
             From: <sip:s0@test.invalid>;tag=x\r\nTo: <sip:{code}@test.invalid>\r\nCall-ID: x{code}@phone\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:s0@{S0}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            code.len()
        );
        world.arrive(addr(S0), &text);
        world.take(addr(S0), "SIP/2.0 404");
        world.none(addr(CARRIER), "INVITE");
    }
}

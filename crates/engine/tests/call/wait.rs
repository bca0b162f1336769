//! The wait: music, place, pools that open, lines, who is not let in.

use crate::world::scene::{S0, S1, S2, SECOND, offer_at, sign_on, talking};
use crate::world::{CARRIER, CONFIG, Caller, TEN_O_CLOCK, World, addr, reply, sdp};
use meishier_engine::media::{MediaCommand, PromptId, Source};
use meishier_engine::{Command, CommandError, Notice, Refusal, Reply, SeatChange, SeatState};
use meishier_model::{CounsellorId, SeatId, Wall};
use std::time::Duration;

#[test]
fn nobody_free_the_caller_waits_with_music_after_the_200_and_gets_the_next_seat() {
    let mut world = World::new();
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    world.take(caller.from, "SIP/2.0 180");
    world.pass(29 * SECOND);
    world.none(caller.from, "SIP/2.0 200");
    world.pass(2 * SECOND);
    caller.answered(&mut world);
    let greeted = world.media.iter().any(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Playlist { prompts, then_music: true, .. }, .. }
            if prompts == &[PromptId::Greeting, PromptId::AllBusy])
    });
    assert!(greeted);
    world.pass(31 * SECOND);
    let told = world.media.iter().any(|c| {
        matches!(c, MediaCommand::Hear { source: Source::Playlist { prompts, .. }, .. }
            if prompts.contains(&PromptId::NextInLine))
    });
    assert!(told, "the position is said");
    sign_on(&mut world, 0, 0);
    let invite = offer_at(&mut world, S0);
    world.clear();
    reply(&mut world, &invite, "200 OK", "seat", &sdp(invite.to, 6000));
    let Some(Notice::Offered {
        ready_to_invite: Some(time),
        ..
    }) = world
        .notices
        .iter()
        .find(|n| matches!(n, Notice::Offered { .. }))
    else {
        panic!("measured from the seat's readiness")
    };
    assert_eq!(*time, Duration::ZERO);
    world.none(caller.from, "SIP/2.0 200");
}

#[test]
fn an_at_once_trunk_is_answered_before_a_seat_is_found() {
    let mut world = World::new();
    let mut caller = Caller::new("10.0.1.2:5060", "13300000009");
    caller.invite(&mut world);
    caller.answered(&mut world);
    assert!(world.records.is_empty());
}

#[test]
fn the_province_opens_after_its_wait() {
    let mut world = World::new();
    // The city is staffed: its one counsellor talks.
    talking(&mut world);
    sign_on(&mut world, 2, 2);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    world.none(addr(S2), "INVITE");
    world.pass(10 * SECOND);
    offer_at(&mut world, S2);
}

#[test]
fn a_city_that_nobody_staffs_does_not_delay_the_province() {
    let mut world = World::new();
    sign_on(&mut world, 2, 2);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    offer_at(&mut world, S2);
}

#[test]
fn a_pool_closed_by_night_does_not_delay_the_next() {
    // 23:00: the city's lines are closed, the province is open.
    let mut world = World::with(CONFIG, Wall(TEN_O_CLOCK.0 + 13 * 3_600_000));
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 2, 2);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    offer_at(&mut world, S2);
    world.none(addr(S0), "INVITE");
}

#[test]
fn lines_limit_calls_in_ring_and_talk_and_follow_the_clock() {
    let mut world = World::new();
    for (seat, who) in [(0, 0), (1, 1)] {
        sign_on(&mut world, seat, who);
    }
    // Not before 18:00 do the city's lines close; nothing else asks the engine meanwhile.
    world.pass(Duration::from_secs(8 * 3600 + 1));
    assert!(
        world
            .notices
            .iter()
            .any(|n| matches!(n, Notice::Lines { lines: 0, .. }))
    );
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    world.none(addr(S0), "INVITE");
    world.none(addr(S1), "INVITE");
}

#[test]
fn strangers_are_refused_and_counted() {
    let mut world = World::new();
    let caller = Caller::new("10.9.9.9:5060", "1");
    caller.invite(&mut world);
    world.take(caller.from, "SIP/2.0 403");
    assert!(
        world
            .notices
            .contains(&Notice::Refused(Refusal::UnknownSource))
    );
    assert_eq!(world.gauges().calls, 0);
}

#[test]
fn no_media_in_common_is_488() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "1");
    let body = sdp(caller.from, 4000)
        .replace("RTP/AVP 8 101", "RTP/AVP 96")
        .replace("8 PCMA/8000", "96 AMR/8000");
    let text = caller.request("INVITE", 1, "i", &body);
    world.arrive(caller.from, &text);
    let refusal = world.take(caller.from, "SIP/2.0 488");
    assert!(
        refusal.text.contains(
            "\r\nWarning: 305 meishier \"Incompatible media format: AMR offered, G.711 wanted\"\r\n"
        ),
        "{}",
        refusal.text
    );
    let offered = meishier_engine::media::Foreign::Amr;
    let trunk = meishier_model::TrunkId(0);
    for notice in [
        Notice::Refused(Refusal::NoCommonMedia),
        Notice::ForeignCodec { trunk, offered },
    ] {
        assert!(world.notices.contains(&notice), "{notice:?}");
    }
    assert_eq!(world.gauges().ports, 0);
}

#[test]
fn sign_on_holds_pin_seat_qualification_and_uniqueness() {
    let mut world = World::new();
    let mut try_on = |seat: u32, who: u32, pin: &str| {
        let change = SeatChange::SignOn {
            counsellor: CounsellorId(who),
            pin: Some(pin.to_owned()),
        };
        match world.command(Command::Seat {
            seat: SeatId(seat),
            change,
        }) {
            Reply::Seat(result) => result.map(|s| s.state),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(try_on(0, 0, "9999"), Err(CommandError::NotAdmitted));
    assert_eq!(try_on(0, 77, "1230"), Err(CommandError::NotAdmitted));
    assert_eq!(try_on(1, 3, "2000"), Err(CommandError::SeatNotPermitted));
    assert_eq!(
        try_on(0, 3, "2000"),
        Err(CommandError::QualificationExpired)
    );
    assert_eq!(try_on(0, 0, "1230"), Ok(SeatState::Ready));
    assert_eq!(
        try_on(1, 0, "1230"),
        Err(CommandError::SignedOnElsewhere("s0".into()))
    );
    assert_eq!(
        try_on(0, 1, "1231"),
        Err(CommandError::SeatTaken("100".into()))
    );
    assert_eq!(try_on(1, 1, "1231"), Ok(SeatState::Ready));
    let off = world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::SignOff,
    });
    assert!(matches!(off, Reply::Seat(Ok(status)) if status.state == SeatState::SignedOff));
    sign_on(&mut world, 2, 0);
}

//! Another configuration in the middle of everything: what follows it at once, and what was promised.

mod world;

use meishier_engine::config::{Config, Lang};
use meishier_engine::{Command, CommandError, Notice, Reply, SeatChange, SeatState};
use meishier_model::{CounsellorId, SeatId};
use std::sync::Arc;
use world::scene::{S0, S1, S2, SECOND, offer_at, seat_state, sign_on, talking};
use world::{
    CARRIER, CONFIG, Caller, TEN_O_CLOCK, World, addr, answer, read, reply, sdp, seat_bye,
    seat_request,
};

fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(CONFIG.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn caller(world: &mut World, name: &str) -> Caller {
    let caller = Caller::new(CARRIER, name);
    caller.invite(world);
    caller
}

fn key(world: &World, key: &str) -> Command {
    let mut calls = world.shards.iter().flat_map(|s| s.calls());
    Command::press(calls.next().unwrap(), key, "贵阳")
}

#[test]
fn what_takes_a_restart_is_named_and_ignored() {
    let old = read(CONFIG);
    let differences = |text: &str| match old.same_identity(&read(text)) {
        Ok(()) => Vec::new(),
        Err(list) => list,
    };
    for (from, to, key) in [
        ("shards = 4", "shards = 3", "shards"),
        ("udp:10.0.0.1:5060", "udp:10.0.0.1:5062", "sip.listen"),
        ("test.invalid", "other.invalid", "sip.domain"),
        ("max_calls = 100", "max_calls = 101", "sip.max_calls"),
        ("last_port = 21999", "last_port = 21997", "rtp"),
        ("127.0.0.1:0", "127.0.0.1:1", "http"),
        ("none.db", "other.db", "records.path"),
        ("[\"crisis\"]", "[\"other\"]", "skills"),
        ("name = \"at-once\"", "name = \"second\"", "trunks"),
        ("name = \"s2\"", "name = \"s3\"", "seats"),
        (
            "account = \"10{0..2}\"",
            "account = \"10{0..1}\"",
            "counsellors",
        ),
    ] {
        let text = changed(&[(from, to)]);
        let text = text.replace(
            "\"s2\", \"r0\"",
            if to == "name = \"s3\"" {
                "\"s3\", \"r0\""
            } else {
                "\"s2\", \"r0\""
            },
        );
        let found = differences(&text);
        assert_eq!(found.len(), 1, "{from}");
        assert_eq!(found[0].key, key);
        assert!(!found[0].message(Lang::Zh).is_ascii());
        assert!(found[0].message(Lang::En).is_ascii());
        let mut world = World::new();
        world.configure(&text);
        let odd = |n: &&Notice| matches!(n, Notice::Unexpected(_));
        assert_eq!(world.notices.iter().filter(odd).count(), 4, "{from}");
    }
    let all = changed(&[("shards = 4", "shards = 2"), ("none.db", "x.db")]);
    assert_eq!(differences(&all).len(), 2);
    let message = differences(&changed(&[(
        "account = \"10{0..2}\"",
        "account = \"10{0..1}\"",
    )]));
    assert_eq!(
        message[0].message(Lang::En),
        "counsellors: number 3 was \"102\" and is \"200\"; names and their order take a restart"
    );
}

#[test]
fn lines_follow_the_new_schedule_at_once_and_cut_nobody() {
    let mut world = World::new();
    let (_talker, _) = talking(&mut world);
    sign_on(&mut world, 1, 1);
    world.configure(&changed(&[("lines = 2", "lines = 1")]));
    caller(&mut world, "2");
    world.none(addr(S1), "INVITE");
    world.none(addr(CARRIER), "BYE");
    world.configure(&changed(&[("lines = 2", "lines = 3")]));
    offer_at(&mut world, S1);
}

#[test]
fn a_waiting_caller_is_decided_anew_and_keeps_its_place() {
    let mut world = World::new();
    talking(&mut world);
    caller(&mut world, "1");
    world.pass(SECOND);
    caller(&mut world, "2");
    sign_on(&mut world, 2, 2);
    world.none(addr(S2), "INVITE");
    let stamps = |world: &World| -> Vec<_> {
        let list = world.queue.waiting_list();
        list.iter().map(|it| (it.call, it.stamp)).collect()
    };
    let before = stamps(&world);
    // Told at first: the city for ten seconds. The new table: the province at once.
    world.configure(&changed(&[(
        "[\"city\", { pool = \"province\", after = \"10s\" }]",
        "[\"province\"]",
    )]));
    offer_at(&mut world, S2);
    assert_eq!(world.queue.counts().lines_used, [1, 1]);
    let after = stamps(&world);
    assert_eq!(after.len(), 1, "one rings, the other waits");
    assert!(before.contains(&after[0]), "in the old place");
}

#[test]
fn a_signed_on_seat_stands_in_its_new_pools() {
    let mut world = World::new();
    talking(&mut world);
    sign_on(&mut world, 2, 2);
    caller(&mut world, "1");
    world.none(addr(S2), "INVITE");
    // The seat of the province serves the city as well.
    let pools = "pools = [\"province\"]";
    world.configure(&changed(&[(pools, "pools = [\"province\", \"city\"]")]));
    let seat = offer_at(&mut world, S2);
    assert!(seat.header("From").contains("sip:1@"));
    assert_eq!(world.queue.counts().lines_used, [2, 0]);
}

#[test]
fn new_skills_count_for_who_is_ready() {
    let route = "rings = [\"city\", { pool = \"province\", after = \"10s\" }]";
    let needs = format!("{route}\nskills = [\"crisis\"]");
    let mut world = World::with(&changed(&[(route, &needs)]), TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    caller(&mut world, "1");
    world.none(addr(S0), "INVITE");
    let skilled = changed(&[
        (route, &needs),
        (
            "pin = \"123{n}\"",
            "pin = \"123{n}\"\nskills = { crisis = 3 }",
        ),
    ]);
    world.configure(&skilled);
    offer_at(&mut world, S0);
}

#[test]
fn who_is_no_longer_permitted_leaves_after_the_conversation() {
    let elsewhere = changed(&[("[\"s0\", \"s1\", \"s2\", \"r0\"]", "[\"s1\"]")]);
    let mut world = World::new();
    let (talker, seat) = talking(&mut world);
    sign_on(&mut world, 2, 2);
    world.configure(&elsewhere);
    assert_eq!(seat_state(&mut world, 2), SeatState::SignedOff, "at once");
    assert_eq!(seat_state(&mut world, 0), SeatState::Talking);
    world.none(talker.from, "BYE");
    seat_bye(&mut world, &seat);
    assert_eq!(seat_state(&mut world, 0), SeatState::SignedOff);
    assert_eq!(world.records[0].counsellor.as_deref(), Some("100"));
    // Free to sign on where it is permitted.
    sign_on(&mut world, 1, 0);
    let change = SeatChange::SignOn {
        counsellor: CounsellorId(1),
        pin: None,
    };
    let seat = SeatId(0);
    let reply = world.command(Command::Seat { seat, change });
    assert_eq!(reply, Reply::Seat(Err(CommandError::SeatNotPermitted)));
}

#[test]
fn a_licence_that_the_file_takes_away_ends_the_work_and_a_ringing_offer_goes_on_to_others() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 1, 1);
    caller(&mut world, "1");
    offer_at(&mut world, S0);
    let one = "[[counsellors]]\naccount = \"100\"\npin = \"1230\"\nqualification = { name = \"licence\", expires = 2026-01-31 }\nseats = [\"s0\"]\n\n[[counsellors]]\naccount = \"10{1..2}\"";
    world.configure(&changed(&[(
        "[[counsellors]]\naccount = \"10{0..2}\"",
        one,
    )]));
    assert_eq!(seat_state(&mut world, 0), SeatState::SignedOff);
    offer_at(&mut world, S1);
}

#[test]
fn a_new_pin_holds_at_once() {
    let mut world = World::new();
    world.configure(&changed(&[("pin = \"123{n}\"", "pin = \"999{n}\"")]));
    let change = |pin: &str| Command::Seat {
        seat: SeatId(0),
        change: SeatChange::SignOn {
            counsellor: CounsellorId(0),
            pin: Some(pin.into()),
        },
    };
    let refused = world.command(change("1230"));
    assert_eq!(refused, Reply::Seat(Err(CommandError::NotAdmitted)));
    let Reply::Seat(Ok(_)) = world.command(change("9990")) else {
        panic!("the new one")
    };
}

#[test]
fn a_call_keeps_its_trunk_and_codecs_when_peers_and_codecs_change() {
    let text = changed(&[
        (
            "peers = [\"10.0.1.1\"]\nout = \"10.0.1.1:5060\"",
            "peers = [\"10.0.1.9\"]\nout = \"10.0.1.9:5060\"",
        ),
        ("[\"pcma\", \"pcmu\"]", "[\"pcmu\"]"),
    ]);
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut talker = caller(&mut world, "1");
    let seat = offer_at(&mut world, S0);
    world.configure(&text);
    // The seat answers what it was offered before, and both change the session afterwards.
    answer(&mut world, &seat);
    talker.answered(&mut world);
    let hold = sdp(seat.to, 6000).replace("sendrecv", "sendonly");
    world.arrive(seat.to, &seat_request(&seat, "INVITE", 9, &hold));
    world.take(seat.to, "SIP/2.0 200");
    let hold = talker.request("INVITE", 2, "h", &sdp(talker.from, 4002));
    world.arrive(talker.from, &hold);
    world.take(talker.from, "SIP/2.0 200");
    // A key goes out by the new way, and a stranger is a stranger now.
    let call = key(&world, "110");
    world.command(call);
    world.take(addr("10.0.1.9:5060"), "INVITE");
    caller(&mut world, "2");
    world.take(addr(CARRIER), "SIP/2.0 403");
    let bye = talker.request("BYE", 3, "b", "");
    world.arrive(talker.from, &bye);
    world.take(talker.from, "SIP/2.0 200");
    // The key is at work still; the counsellor ends it.
    assert_eq!(world.records.len(), 0);
    seat_bye(&mut world, &seat);
    assert_eq!(world.records.len(), 1);
    assert_eq!(world.records[0].trunk, "carrier");
}

#[test]
fn timers_that_are_set_stay_and_the_next_ones_follow() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    caller(&mut world, "1");
    let seat = offer_at(&mut world, S0);
    reply(&mut world, &seat, "180 Ringing", "seat", "");
    world.configure(&changed(&[
        ("ring = \"20s\"", "ring = \"10s\""),
        ("backoff = \"5s\"", "backoff = \"2s\""),
    ]));
    world.pass(19 * SECOND);
    world.none(addr(S0), "CANCEL");
    world.pass(SECOND);
    let cancel = world.take(addr(S0), "CANCEL");
    reply(&mut world, &cancel, "200 OK", "seat", "");
    reply(&mut world, &seat, "487 Request Terminated", "seat", "");
    world.clear();
    world.pass(2 * SECOND);
    let seat = offer_at(&mut world, S0);
    reply(&mut world, &seat, "180 Ringing", "seat", "");
    world.pass(10 * SECOND);
    world.take(addr(S0), "CANCEL");
}

#[test]
fn fewer_may_wait_and_nobody_who_waits_is_sent_away() {
    let mut world = World::new();
    for n in 0..3 {
        caller(&mut world, &format!("{n}"));
    }
    world.configure(&changed(&[("max_waiting = 50", "max_waiting = 2")]));
    assert_eq!(world.queue.counts().waiting, 3);
    world.clear();
    caller(&mut world, "late");
    world.take(addr(CARRIER), "SIP/2.0 503");
}

#[test]
fn a_seat_that_gets_an_address_is_reachable_and_one_that_loses_it_is_not() {
    let fixed = changed(&[(
        "password = \"secret-r0\"",
        "contact = \"sip:r0@10.0.3.9:5060\"",
    )]);
    let mut world = World::new();
    let change = SeatChange::SignOn {
        counsellor: CounsellorId(0),
        pin: None,
    };
    let seat = SeatId(3);
    world.command(Command::Seat { seat, change });
    assert_eq!(seat_state(&mut world, 3), SeatState::Unreachable);
    caller(&mut world, "1");
    world.configure(&fixed);
    let invite = world.take(addr("10.0.3.9:5060"), "INVITE sip:r0@");
    reply(&mut world, &invite, "486 Busy Here", "seat", "");
    world.configure(CONFIG);
    world.pass(6 * SECOND);
    assert_eq!(seat_state(&mut world, 3), SeatState::Unreachable);
}

#[test]
fn a_trunk_is_asked_once_in_its_time_however_often_the_file_changes() {
    let asks = changed(&[(
        "outgoing_number",
        "options_every = \"30s\"\noutgoing_number",
    )]);
    let mut world = World::new();
    for _ in 0..3 {
        world.configure(&asks);
        world.configure(CONFIG);
    }
    world.configure(&asks);
    world.pass(SECOND / 10);
    let first = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &first, "200 OK", "t", "");
    world.none(addr(CARRIER), "OPTIONS");
    world.pass(30 * SECOND);
    let next = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &next, "200 OK", "t", "");
    world.none(addr(CARRIER), "OPTIONS");
}

#[test]
fn a_restart_with_another_file_follows_it() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 2, 2);
    world.config = Arc::<Config>::clone(&read(&changed(&[
        ("[\"s0\", \"s1\", \"s2\", \"r0\"]", "[\"s2\"]"),
        ("pools = [\"province\"]", "pools = [\"city\"]"),
    ])));
    world.restart();
    assert_eq!(seat_state(&mut world, 0), SeatState::SignedOff);
    assert_eq!(world.queue.counts().ready, 1);
    caller(&mut world, "1");
    offer_at(&mut world, S2);
    assert_eq!(world.queue.counts().lines_used, [1, 0]);
}

/// Whether holidays are missing, as it was told last.
fn calendar_missing(world: &World) -> Option<bool> {
    let told = world.notices.iter().rev();
    told.filter_map(|notice| match notice {
        Notice::CalendarMissing(missing) => Some(*missing),
        _ => None,
    })
    .next()
}

#[test]
fn a_year_without_holidays_is_told_where_schedules_ask_for_them() {
    let workdays = changed(&[(
        "hours = \"08:00-18:00\"",
        "days = [\"workday\"], hours = \"08:00-18:00\"",
    )]);
    let mut world = World::new();
    assert_eq!(calendar_missing(&world), Some(false));
    world.configure(&workdays);
    assert_eq!(calendar_missing(&world), Some(false), "2026 is built in");
    // 30 years on, by a clock that was set.
    world.now.wall.0 += 30 * 365 * 24 * 3_600_000;
    world.command(Command::Reschedule);
    assert_eq!(calendar_missing(&world), Some(true));
    world.configure(CONFIG);
    assert_eq!(calendar_missing(&world), Some(false), "nobody asks");
}

#[test]
fn pools_are_shown_with_the_state_that_people_set() {
    use meishier_engine::routing::{Hand, Service};
    let mut world = World::new();
    sign_on(&mut world, 2, 2);
    let pool = meishier_model::PoolId(1);
    let hand = Hand {
        state: Service::Overloaded,
        until: Some(meishier_model::Wall(world.now.wall.0 + 60_000)),
        reason: "演习".into(),
    };
    for shard in 0..4 {
        let hand = Some(hand.clone());
        world.handle(
            shard,
            meishier_engine::Input::Command {
                token: 9_000,
                command: Command::PoolState { pool, hand },
            },
        );
    }
    let shown = |world: &World| world.shards[0].view(world.now).pools;
    let pools = shown(&world);
    assert_eq!(
        (pools[0].name.as_str(), pools[0].service),
        ("city", Service::Down)
    );
    assert_eq!(pools[1].service, Service::Overloaded);
    assert_eq!((pools[1].lines, pools[1].used, pools[1].staffed), (2, 0, 1));
    assert_eq!(pools[1].hand.as_ref(), Some(&hand));
    assert!(
        world.shards[1].view(world.now).pools.is_empty(),
        "the first shard tells"
    );
    world.pass(60 * SECOND);
    let pools = shown(&world);
    assert_eq!(
        (pools[1].service, pools[1].hand.as_ref()),
        (Service::Normal, None)
    );
}

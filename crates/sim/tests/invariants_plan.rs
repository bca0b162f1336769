//! The judges read the shipped configurations as the engine does, by code of their own.

mod invariants_world;

use invariants_world::{ENGINE, Rig, sdp};
use meishier_engine::config;
use meishier_model::{PoolId, SeatId, Wall};
use meishier_sim::Scenario;
use meishier_sim::reference::Plan;
use meishier_sim::reference::decide::{Ask, climb};
use meishier_sim::reference::number::plain;
use meishier_sim::reference::place::is_local;
use std::collections::BTreeMap;
use std::net::SocketAddr;

const GUIZHOU: &str = include_str!("../../../deploy/guizhou.toml");
const BEIJING: &str = include_str!("../../../deploy/beijing.toml");
const SHANGHAI: &str = include_str!("../../../deploy/shanghai.toml");
const GUANGZHOU: &str = include_str!("../../../deploy/guangzhou.toml");
const ZHUZHOU: &str = include_str!("../../../deploy/zhuzhou.toml");
const REFERRAL: &str = include_str!("../../../deploy/referral.toml");
const BENCH: &str = include_str!("../../../deploy/bench.toml");
const SMALL: &str = include_str!("invariants_world/small.toml");

fn both(text: &str) -> (config::Config, Plan) {
    let (read, _) = config::parse(text, None).unwrap_or_else(|_| panic!("a bad file"));
    (read, Plan::read(text))
}

#[test]
fn seats_and_people() {
    let nation = Scenario::named("nation").expect("shipped").config_text;
    let tables = [SHANGHAI, GUANGZHOU, ZHUZHOU, REFERRAL, &nation];
    for text in tables.into_iter().chain([GUIZHOU, BEIJING, BENCH, SMALL]) {
        let (read, plan) = both(text);
        assert_eq!(plan.broken, None);
        assert_eq!(plan.shards, read.shards);
        assert_eq!(plan.t1, read.sip.t1);
        assert_eq!(plan.domain, read.sip.domain);
        let offer = (plan.ring, plan.backoff, plan.wrapup, plan.pause_after);
        let read_offer = &read.offer;
        let (ring, backoff, wrapup) = (read_offer.ring, read_offer.backoff, read_offer.wrapup);
        assert_eq!(offer, (ring, backoff, wrapup, read_offer.pause_after));
        assert_eq!(plan.ageing, read.waiting.ageing_step);
        assert_eq!(plan.max_waiting, read.waiting.max_waiting);
        assert_eq!(plan.seats.len(), read.seats.len());
        for (mine, seat) in plan.seats.iter().zip(&read.seats) {
            let pools: Vec<u16> = seat.pools.iter().map(|pool| pool.0).collect();
            let fixed = matches!(seat.contact, config::SeatContact::Static { .. });
            assert_eq!(
                (&mine.name, &mine.pools, mine.fixed),
                (&seat.name, &pools, fixed)
            );
        }
        assert_eq!(plan.counsellors.len(), read.counsellors.len());
        // What no file names stands above, in an order of each reader's own.
        let implied = [config::FEMALE, config::MALE, config::FRESH];
        let names = read.skills.iter();
        let named = names.filter(|name| !implied.contains(&name.as_str()));
        let named = (1u64 << named.count()) - 1;
        for (mine, person) in plan.counsellors.iter().zip(&read.counsellors) {
            let skills = person
                .skills
                .iter()
                .fold(0, |set, (skill, _)| set | 1 << skill.index());
            let expires = person.qualification.as_ref().map(|q| q.expires);
            assert_eq!((&mine.account, &mine.pin), (&person.account, &person.pin));
            let found = (mine.skills & named, mine.expires);
            assert_eq!(found, (skills & named, expires));
            for seat in 0..read.seats.len() as u32 {
                let may = mine
                    .seats
                    .as_ref()
                    .is_none_or(|seats| seats.contains(&seat));
                assert_eq!(may, person.seats.contains(&SeatId(seat)));
            }
        }
        let keys = read
            .transfer
            .keys
            .iter()
            .map(|key| (key.name.clone(), (key.ring, key.limit.max(key.ring))))
            .collect::<BTreeMap<_, _>>();
        let mine = plan.keys.iter();
        let mine = mine.map(|(name, key)| (name.clone(), (key.ring, key.limit)));
        assert_eq!(mine.collect::<BTreeMap<_, _>>(), keys);
    }
}

#[test]
fn lines_of_two_years() {
    let tables = [SHANGHAI, GUANGZHOU, ZHUZHOU, REFERRAL];
    for text in tables.into_iter().chain([GUIZHOU, BEIJING, SMALL]) {
        let (read, plan) = both(text);
        // From 2025-01-01 in Shanghai on, every 23 minutes.
        let start = 1_735_660_800_000_i64;
        for beat in 0..(730 * 24 * 60 / 23) {
            let wall = Wall(start + beat * 23 * 60_000);
            let lines: Vec<u16> = (0..plan.pools.len())
                .map(|p| read.routing.lines(PoolId(p as u16), wall))
                .collect();
            assert_eq!(plan.lines(wall), lines, "at {}", wall.0);
        }
    }
}

/// INVITE and CANCEL of a caller; the route of its record.
fn route_of(
    rig: &mut Rig,
    count: usize,
    from: SocketAddr,
    (caller, called): (&str, &str),
) -> Vec<String> {
    for method in ["INVITE", "CANCEL"] {
        let body = if method == "INVITE" {
            sdp(4000)
        } else {
            String::new()
        };
        let text = format!(
            "{method} sip:{called}@{ENGINE} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {from};branch=z9hG4bK{count}\r\n\
             From: <sip:{caller}@{from}>;tag=f\r\nTo: <sip:{called}@{ENGINE}>\r\n\
             Call-ID: {count}@caller\r\nCSeq: 1 {method}\r\nContact: <sip:x@{from}>\r\n\
             Content-Type: application/sdp\r\nMax-Forwards: 70\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        rig.arrive(from, &text);
    }
    rig.pass(std::time::Duration::from_secs(40));
    assert_eq!(rig.found, None, "{caller} to {called}");
    rig.records
        .last()
        .unwrap()
        .route
        .iter()
        .map(|(pool, _)| pool.clone())
        .collect()
}

/// Each of these callers dials each of these numbers over every trunk of the table: judges and engine
/// lead them to the same pools.
fn led_alike(text: &str, callers: &[&str], numbers: &[&str], trunks: usize) {
    let (mut rig, plan) = (Rig::with(text, 1), Plan::read(text));
    let mut count = 0;
    for trunk in 0..plan.trunks.len().min(trunks) {
        let from = SocketAddr::new(plan.trunks[trunk].peers[0].0, 5080);
        for (caller, called) in callers
            .iter()
            .flat_map(|c| numbers.iter().map(move |n| (c, n)))
        {
            let local = plain(caller);
            let whole = match is_local(&local) {
                true => format!("{}{local}", plan.trunks[trunk].area_code),
                false => local,
            };
            let ask = Ask {
                trunk: trunk as u16,
                caller: whole,
                called: plain(called),
                ..Ask::default()
            };
            let verdict = plan.verdict(&ask, Wall(0));
            assert!(!verdict.unlisted, "{caller} to {called}");
            let mine: Vec<String> = climb(&verdict.tiers, |_| true)
                .iter()
                .map(|r| plan.pools[usize::from(r.0)].name.clone())
                .collect();
            let engines = route_of(&mut rig, count, from, (caller, called));
            assert_eq!(mine, engines, "{caller} to {called} over {trunk}");
            count += 1;
        }
    }
    assert_eq!(rig.records.len(), count);
}

#[test]
fn routes_of_callers() {
    let numbers = [
        "12356",
        "+8612356",
        "085412356",
        "+8685412356",
        "01012356",
        "0851-12356",
        "x",
    ];
    // Of 1390851 the judges know the segment: it settles the code that three cities share.
    let callers = [
        "13908511234",
        "085412345678",
        "+8685112345678",
        "0085612345678",
        "mo",
    ];
    for text in [GUIZHOU, BEIJING] {
        led_alike(text, &callers, &numbers, 1);
    }
}

#[test]
fn routes_of_callers_where_codes_are_shared() {
    let numbers = [
        "12356",
        "073112356",
        "02812356",
        "043312356",
        "962525",
        "073312356",
    ];
    let callers = [
        "13907331234",
        "13907311234",
        "13900131234",
        "13900201234",
        "13900001234",
        "073128765432",
        "073188765432",
        "073148765432",
        "073125765432",
        "02088765432",
        "0433876543",
        "28765432",
        "88765432",
        "95588",
        "95555555",
        "1008611",
        "0731110",
        "07331234567",
        "mo",
    ];
    for text in [SHANGHAI, GUANGZHOU, ZHUZHOU, REFERRAL] {
        led_alike(text, &callers, &numbers, 3);
    }
}

#[test]
fn routes_of_callers_of_the_nation() {
    let nation = Scenario::named("nation").expect("shipped").config_text;
    let callers = [
        "13907331234",
        "13904321234",
        "089812345678",
        "02788765432",
        "073188765432",
        "mo",
    ];
    led_alike(&nation, &callers, &["12356", "073112356", "043212356"], 4);
}

/// What the judges have no reading of, they refuse by name.
#[test]
fn what_is_not_read_is_refused() {
    let cases = [
        ("area_code = \"0731\"", "area_code = \"0732\"", "0732"),
        ("city = \"湘潭\"", "city = \"相潭\"", "相潭"),
        ("\n    \"@city\",", "\n    \"@other_city\",", "@other_city"),
        ("[risk]", "[[exceptional]]\n[risk]", "exceptional"),
        ("[risk]", "[risk]\ngentle = true", "gentle"),
        ("callers = [\"073127\"]", "weather = [\"rain\"]", "weather"),
        (
            "trust = [\"asserted\"",
            "trust = [\"from\", \"asserted\"",
            "from",
        ),
    ];
    assert_eq!(Plan::read(ZHUZHOU).broken, None);
    for (what, instead, word) in cases {
        assert!(ZHUZHOU.contains(what), "{what}");
        let broken = Plan::read(&ZHUZHOU.replacen(what, instead, 1)).broken;
        assert!(
            broken.as_ref().is_some_and(|it| it.contains(word)),
            "{word}: {broken:?}"
        );
    }
    let states = "states = { specialist = [\"overloaded\"";
    for (instead, word) in [
        ("states = { specialist = [\"sleepy\"", "sleepy"),
        ("states = { nobody = [\"overloaded\"", "nobody"),
    ] {
        assert!(REFERRAL.contains(states));
        let broken = Plan::read(&REFERRAL.replacen(states, instead, 1)).broken;
        assert!(
            broken.as_ref().is_some_and(|it| it.contains(word)),
            "{word}: {broken:?}"
        );
    }
}

#[test]
fn numbers_in_one_form() {
    let pairs = [
        ("+8612356", "12356"),
        ("+8685412356", "085412356"),
        ("0085412356", "0085412356"),
        ("013912345678", "13912345678"),
        ("+8613912345678", "13912345678"),
        ("0851-1234 5678", "085112345678"),
        ("alice", "alice"),
    ];
    for (dialled, form) in pairs {
        assert_eq!(plain(dialled), form);
    }
}

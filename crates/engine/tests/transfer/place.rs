//! Which service a key reaches: after another configuration, at the second press, and where the place
//! is in doubt.

use crate::desk::{
    SEAT_V, V, answers_at, dialled, done, pair, press, staff, supervise, the_call, thirds, wish,
    world_where,
};
use crate::world::scene::{SECOND, offer_at, talking};
use crate::world::{World, addr, answer, reply};
use meishier_engine::signaling::Transport;
use meishier_engine::transfer::{Facts, Mode, State, ThirdId};
use meishier_engine::{
    Command, CommandError, Input, Notice, Press, Reply, ThirdWish, TransferStarted,
};
use std::sync::Arc;

fn press_at(world: &mut World, key: &str, place: &str) -> Result<TransferStarted, CommandError> {
    let call = the_call(world);
    let press = Press {
        key: key.to_owned(),
        place: place.to_owned(),
        manner: None,
    };
    match world.command(Command::Transfer { call, press }) {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    }
}

fn settle(world: &mut World, third: ThirdId, city: &str) -> Result<(), CommandError> {
    wish(world, third, ThirdWish::Settle(city.to_owned()))
}

/// A key before all others, and no key of this name any more.
fn reload(world: &mut World, without: Option<&str>) {
    let mut config = config_of(world);
    let keys = &mut config.transfer.keys;
    let mut first = keys[0].clone();
    "12348".clone_into(&mut first.name);
    first.kind = meishier_engine::transfer::KeyKind::Hotline;
    keys.retain(|it| Some(it.name.as_str()) != without);
    keys.insert(0, first);
    world.configure_with(Arc::new(config));
}

fn config_of(world: &World) -> meishier_engine::config::Config {
    meishier_engine::config::Config::clone(&world.config)
}

#[test]
fn a_key_that_asks_is_the_same_after_another_configuration() {
    for without in [None, Some("110")] {
        let (mut world, _, _) = pair();
        let started = press_at(&mut world, "110", "鼓楼区").unwrap();
        assert!(started.asks.is_some());
        reload(&mut world, without);
        if without.is_none() {
            settle(&mut world, started.third, "南京").unwrap();
            let police = dialled(&mut world);
            assert!(police.start().contains("sip:025110@"), "{}", police.start());
        } else {
            // Nobody settles it: the likeliest is dialled, by what the key was.
            world.pass(15 * SECOND);
            let police = dialled(&mut world);
            assert!(police.start().contains("sip:025110@"), "{}", police.start());
        }
    }
}

#[test]
fn what_was_settled_counts_for_the_next_key() {
    let (mut world, _, _) = pair();
    let started = press_at(&mut world, "110", "鼓楼区").unwrap();
    settle(&mut world, started.third, "南京").unwrap();
    assert!(dialled(&mut world).start().contains("sip:025110@"));
    let ambulance = press_at(&mut world, "120", "").unwrap();
    assert_eq!(
        (ambulance.dialled.as_str(), ambulance.asks),
        ("025120", None)
    );
    // The counsellor's word of another place counts more.
    let other = press_at(&mut world, "110", "贵阳").unwrap();
    assert_eq!(other.dialled, "0851110");
}

#[test]
fn words_that_name_no_place_are_of_the_one_that_was_settled() {
    let (mut world, _, _) = pair();
    press_at(&mut world, "110", "南京").unwrap();
    let ambulance = press_at(&mut world, "120", "中华北路1号楼顶").unwrap();
    assert_eq!(
        (ambulance.dialled.as_str(), ambulance.asks),
        ("025120", None)
    );
    // A hint that fits it is enough, one that does not is asked about.
    let hint = press_at(&mut world, "12345", "鼓楼医院旁边").unwrap();
    assert_eq!((hint.dialled.as_str(), hint.asks), ("02512345", None));
    let (mut world, _, _) = pair();
    press_at(&mut world, "110", "南京").unwrap();
    let elsewhere = press_at(&mut world, "120", "上海宾馆").unwrap();
    assert_eq!(elsewhere.asks.unwrap().cities, ["江苏南京", "上海"]);
    // The police of the settled place are called already: another's are meant, or nobody's.
    let police = press_at(&mut world, "110", "上海宾馆").unwrap();
    assert_eq!(police.asks.unwrap().cities, ["上海"]);
    let street = press_at(&mut world, "110", "中华北路1号楼顶").map(drop);
    assert_eq!(street, Err(CommandError::TransferRunning));
}

#[test]
fn a_place_that_is_denied_is_not_the_settled_one() {
    let (mut world, _, _) = pair();
    press_at(&mut world, "110", "南京").unwrap();
    let ambulance = press_at(&mut world, "120", "不在南京").unwrap();
    let cities = ambulance.asks.unwrap().cities;
    assert_ne!(cities[0], "江苏南京");
}

/// A line of the table for a district of 北京, and one who gets the dossiers.
fn of_districts() -> World {
    let more = "\n[[transfer.places]]\ncity = \"北京\"\ndistrict = \"朝阳区\"\nkey = \"110\"\n\
                to = [\"01085110110\"]\n\n[[dossier.receivers]]\nname = \"police\"\n\
                url = \"http://127.0.0.1:9/x\"\nsecret_file = \"x\"\nemergencies = true\n\n[routing]\n";
    let mut world = world_where(("[routing]\n", more));
    talking(&mut world);
    world
}

#[test]
fn what_was_said_goes_along_when_the_place_is_settled_afterwards() {
    const SAID: &str = "朝阳区三里屯路19号";
    for at_desk in [true, false] {
        let mut world = of_districts();
        let started = press_at(&mut world, "110", SAID).unwrap();
        assert!(started.asks.is_some());
        if at_desk {
            settle(&mut world, started.third, "北京").unwrap();
        } else {
            press_at(&mut world, "110", "北京").unwrap();
        }
        let police = dialled(&mut world);
        assert!(
            police.start().contains("sip:01085110110@"),
            "{}",
            police.start()
        );
        press_at(&mut world, "120", "").unwrap();
        let ambulance = dialled(&mut world);
        assert!(
            ambulance.start().contains("sip:010120@"),
            "{}",
            ambulance.start()
        );
        assert_eq!(world.dossiers.len(), 3);
        for dossier in &world.dossiers[1..] {
            let place = &dossier.places[0];
            let of = (place.city.as_str(), place.area_code.as_str());
            assert_eq!((of, place.words.as_deref()), (("北京", "010"), Some(SAID)));
        }
    }
    // An answer that says more than the place goes along as well.
    let mut world = of_districts();
    let started = press_at(&mut world, "110", SAID).unwrap();
    settle(&mut world, started.third, "北京市朝阳区，红色大楼").unwrap();
    let words = world.dossiers[1].places[0].words.clone().unwrap();
    assert!(
        words.contains(SAID) && words.contains("红色大楼"),
        "{words}"
    );
}

#[test]
fn what_was_written_down_counts_where_nothing_is_said() {
    let (mut world, _, _) = pair();
    let call = the_call(&world);
    for (words, number) in [
        ("三楼天台", None),
        ("贵阳市云岩区三楼天台", Some("0851110")),
    ] {
        let facts = Facts {
            place: Some(words.to_owned()),
            ..Facts::default()
        };
        done(
            &mut world,
            Command::Facts {
                call,
                facts: Box::new(facts),
            },
        )
        .unwrap();
        let started = press_at(&mut world, "110", "");
        let dialled = started.ok().filter(|it| it.asks.is_none());
        let dialled = dialled.map(|it| it.dialled);
        if let Some(number) = number {
            assert_eq!(dialled.as_deref(), Some(number));
        } else {
            assert_ne!(dialled.as_deref(), Some("0851110"));
        }
    }
}

#[test]
fn the_same_police_are_not_called_twice() {
    let rule = "\n[[transfer.places]]\ncity = \"贵阳\"\ndistrict = \"云岩区\"\nkey = \"110\"\nto = [\"085186110110\"]\n\n[routing]\n";
    let mut world = world_where(("[routing]\n", rule));
    talking(&mut world);
    assert_eq!(
        press_at(&mut world, "110", "贵阳市").unwrap().dialled,
        "0851110"
    );
    let again = press_at(&mut world, "110", "贵阳市云岩区").map(drop);
    assert_eq!(again, Err(CommandError::TransferRunning));
    // Nor by settling another press there.
    let asks = press_at(&mut world, "110", "鼓楼区").unwrap();
    let twice = settle(&mut world, asks.third, "贵阳市云岩区");
    assert_eq!(twice, Err(CommandError::TransferRunning));
    let twice = press_at(&mut world, "110", "贵阳市云岩区").map(drop);
    assert_eq!(twice, Err(CommandError::TransferRunning));
    settle(&mut world, asks.third, "南京").unwrap();
}

#[test]
fn whoever_is_sent_to_a_place_that_is_not_certain_is_told_so_first() {
    let (mut world, _, _) = pair();
    press_at(&mut world, "110", "鼓楼区").unwrap();
    world.pass(15 * SECOND);
    let police = dialled(&mut world);
    answers_at(&mut world, &police, 7000);
    assert_eq!(thirds(&world), [(Mode::Full, State::Briefing)]);
    // Settled before it was dialled: there is nothing to be said.
    let started = press_at(&mut world, "120", "鼓楼区").unwrap();
    settle(&mut world, started.third, "南京").unwrap();
    let ambulance = dialled(&mut world);
    answers_at(&mut world, &ambulance, 7002);
    assert_eq!(thirds(&world)[1], (Mode::Full, State::Joined));
}

#[test]
fn keys_without_a_number_do_not_mean_a_supervisor() {
    let (mut world, _, _) = pair();
    let third = press(&mut world, "110");
    let police = dialled(&mut world);
    supervise(&mut world, SEAT_V, Mode::Full).unwrap();
    let invite = offer_at(&mut world, V);
    answer(&mut world, &invite);
    answers_at(&mut world, &police, 7000);
    let port = world.port_of("10.0.2.0:6000");
    for digit in "*9".chars() {
        let event = meishier_engine::media::MediaEvent::Digit { port, digit };
        world.media_event(port, event);
    }
    let confirmed = [State::Confirmed, State::Joined];
    let states: Vec<State> = thirds(&world).into_iter().map(|it| it.1).collect();
    assert_eq!(states, confirmed, "{third:?}");
    let call = the_call(&world);
    let last = Command::Third {
        call,
        third: None,
        wish: ThirdWish::Confirm,
    };
    done(&mut world, last).unwrap();
    let states: Vec<State> = thirds(&world).into_iter().map(|it| it.1).collect();
    assert_eq!(states, confirmed);
}

#[test]
fn whoever_only_listens_makes_room_for_an_emergency() {
    let (mut world, _, _) = pair();
    staff(&mut world);
    supervise(&mut world, SEAT_V, Mode::Listen).unwrap();
    let invite = offer_at(&mut world, V);
    answer(&mut world, &invite);
    for place in ["贵阳", "南京", "上海", "北京", "广州"] {
        press_at(&mut world, "120", place).unwrap();
        dialled(&mut world);
    }
    assert_eq!(thirds(&world).len(), 6);
    let hotline = press_at(&mut world, "12345", "贵阳").map(drop);
    assert_eq!(hotline, Err(CommandError::ConferenceFull));
    press_at(&mut world, "110", "贵阳").unwrap();
    world.take(addr(V), "BYE");
    dialled(&mut world);
    let full = press_at(&mut world, "110", "南京").map(drop);
    assert_eq!(full, Err(CommandError::ConferenceFull), "all are needed");
}

#[test]
fn however_many_ways_there_are_nobody_rings_beyond_the_limit_and_fifteen_seconds() {
    let mut world = world_where(("", ""));
    talking(&mut world);
    let target = |it: u8| meishier_engine::Target {
        address: ([10, 0, 3, it], 5060).into(),
        transport: Transport::Udp,
        tls_name: None,
        priority: 0,
        weight: 0,
    };
    let (trunk, targets) = (meishier_model::TrunkId(0), (0..60).map(target));
    let targets: Vec<_> = targets.collect();
    for shard in 0..world.shards.len() {
        let targets = targets.clone();
        world.handle(shard, Input::Peers { trunk, targets });
    }
    press(&mut world, "110");
    let begun = world.now.mono;
    let told = |world: &World| {
        let alarm = |n: &&Notice| matches!(n, Notice::TransferAlarm { .. });
        world.notices.iter().any(|n| alarm(&n))
    };
    let over = |world: &World| {
        let over = |n: &Notice| matches!(n, Notice::Transfer { .. });
        world.notices.iter().any(over)
    };
    let mut alarmed = None;
    while !over(&world) {
        // Whoever is asked takes three seconds to say no.
        world.pass(3 * SECOND);
        let next = world.sent.iter().position(|it| it.is("INVITE sip:0851110"));
        if let Some(invite) = next.and_then(|at| world.sent.remove(at)) {
            reply(&mut world, &invite, "503 Service Unavailable", "police", "");
        }
        assert!(world.now.mono.since(begun) < 200 * SECOND);
        if told(&world) {
            alarmed.get_or_insert(world.now.mono.since(begun));
        }
    }
    let took = world.now.mono.since(begun);
    let keys = &world.config.transfer.keys;
    let limit = keys.iter().find(|it| it.name == "110").unwrap().limit;
    assert!(took <= limit + 15 * SECOND, "{took:?}");
    assert!(took > limit, "{took:?}");
    // People hear of it at the limit, as exactly as is looked here.
    assert!(alarmed.is_some_and(|it| it <= limit + 3 * SECOND));
}

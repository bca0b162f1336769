//! Every shipped file loads without a doubt and says what it is meant to say.

use meishier_config::{AnswerMode, Config, Gender, Lang, SeatContact, StartState, parse, render};
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::{Date, Decision, Query};

fn text(file: &str) -> String {
    std::fs::read_to_string(format!(
        "{}/../../deploy/{file}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn load(file: &str) -> Config {
    let text = text(file);
    let config = match parse(&text, None) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", render(&errors, file, &text, Lang::En)),
    };
    // A workday of a year whose holidays are known.
    let (config, warnings) = parse(&text, Some(at(&config, 2026, 6, 1, 10 * 60))).unwrap();
    assert!(
        warnings.is_empty(),
        "{}",
        render(&warnings, file, &text, Lang::En)
    );
    config
}

fn at(config: &Config, year: i16, month: i8, day: i8, minute: u16) -> Wall {
    config
        .routing
        .wall_on(Date::new(year, month, day).unwrap(), minute)
        .unwrap()
}

fn pool(config: &Config, name: &str) -> PoolId {
    PoolId(u16::try_from(config.pools.iter().position(|p| p.name == name).unwrap()).unwrap())
}

fn lines(config: &Config, name: &str, minute: u16) -> u16 {
    config
        .routing
        .lines(pool(config, name), at(config, 2026, 6, 1, minute))
}

fn decide(config: &Config, caller: &str, called: &str, minute: u16) -> Decision {
    config.routing.decide(&Query::new(
        at(config, 2026, 6, 1, minute),
        TrunkId(0),
        &DialString::new(caller),
        &DialString::new(called),
    ))
}

fn rings(config: &Config, decision: &Decision) -> Vec<(String, u64)> {
    let name = |pool: PoolId| config.pools[usize::from(pool.0)].name.clone();
    decision
        .rings
        .iter()
        .map(|ring| (name(ring.pool), ring.after.as_secs()))
        .collect()
}

#[test]
fn every_file_in_deploy_is_tested() {
    let folder = format!("{}/../../deploy", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "beijing.toml",
            "bench-paused.toml",
            "bench.toml",
            "guizhou.toml"
        ]
    );
}

#[test]
fn guizhou_has_its_seats() {
    let config = load("guizhou.toml");
    assert_eq!(config.seats.len(), 23);
    let seats = |name: &str| {
        let pool = pool(&config, name);
        config
            .seats
            .iter()
            .filter(|seat| seat.pools.contains(&pool))
            .count()
    };
    let counts = ["qiannan", "anshun", "tongren", "bijie"].map(seats);
    assert_eq!(counts, [5, 3, 2, 2]);
    assert!(config.seats.iter().all(
        |seat| matches!(&seat.contact, SeatContact::Register { password } if !password.is_empty())
    ));
    for city in ["qiannan", "anshun", "tongren", "bijie"] {
        assert_eq!(
            lines(&config, city, 23 * 60),
            0,
            "{city} is closed by night"
        );
    }
    for city in ["guiyang", "liupanshui"] {
        assert!(
            (0..24).all(|hour| lines(&config, city, hour * 60) > 0),
            "{city} is always open"
        );
    }
    let keys: Vec<&str> = config
        .transfer
        .keys
        .iter()
        .map(|key| key.name.as_str())
        .collect();
    assert_eq!(keys[..3], ["110", "120", "119"]);
    assert!(
        config
            .counsellors
            .iter()
            .all(|c| c.start.is_none() && c.qualification.is_some())
    );
    assert!(
        config
            .counsellors
            .iter()
            .any(|c| c.gender == Some(Gender::Male))
    );
    let listen = config.sip.listen.iter().map(|listen| listen.address.ip());
    assert!(
        listen
            .chain([config.http.listen.ip(), config.rtp.address])
            .all(|ip| ip.is_loopback())
    );
}

#[test]
fn guizhou_falls_back_by_night() {
    let config = load("guizhou.toml");
    let day = decide(&config, "13312345678", "085412356", 600);
    let expected = [
        ("qiannan", 0),
        ("province", 15),
        ("guiyang", 30),
        ("liupanshui", 30),
    ];
    assert_eq!(
        rings(&config, &day),
        expected.map(|(name, after)| (name.to_owned(), after))
    );
    let night = decide(&config, "08543456789", "12356", 23 * 60);
    let expected = [
        ("qiannan", 0),
        ("province", 0),
        ("guiyang", 15),
        ("liupanshui", 15),
    ];
    assert_eq!(
        rings(&config, &night),
        expected.map(|(name, after)| (name.to_owned(), after))
    );
    let late = decide(&config, "13312345678", "12356", 3 * 60);
    let expected = [("province", 0), ("guiyang", 0), ("liupanshui", 0)];
    assert_eq!(
        rings(&config, &late),
        expected.map(|(name, after)| (name.to_owned(), after))
    );
    let unknown = decide(&config, "", "12365", 600);
    assert_eq!(rings(&config, &unknown)[0].0, "province");
    assert!(config.routing.reason(&unknown).contains("默认"));
}

#[test]
fn beijing_has_nine_lines_by_day_and_two_by_night() {
    let config = load("beijing.toml");
    assert_eq!((config.seats.len(), config.counsellors.len()), (17, 327));
    let mut titles: Vec<&str> = config
        .seats
        .iter()
        .map(|seat| seat.title.as_str())
        .collect();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), 17);
    let of_hour = |hour: u16| lines(&config, "beijing", hour * 60);
    assert_eq!([8, 17, 18, 23, 0, 7].map(of_hour), [9, 9, 2, 2, 2, 2]);
    let decision = decide(&config, "13312345678", "01012356", 600);
    let (first, second) = (&config.counsellors[10], &config.counsellors[0]);
    let covers = |c: &meishier_config::Counsellor| {
        let set = c
            .skills
            .iter()
            .fold(meishier_model::SkillSet::EMPTY, |set, s| set.with(s.0));
        set.covers(decision.required)
    };
    assert!(
        covers(first) && !covers(second),
        "the second line is not given callers"
    );
}

#[test]
fn bench_is_what_a_measurement_needs() {
    let config = load("bench.toml");
    let contact = |n: usize| match &config.seats[n].contact {
        SeatContact::Static { uri, address, .. } => (uri.clone(), *address),
        SeatContact::Register { .. } => panic!("static contacts only"),
    };
    assert_eq!(
        contact(1),
        (
            "sip:a0001@127.0.0.1:6100".into(),
            "127.0.0.1:6100".parse().unwrap()
        )
    );
    assert_eq!(config.seats[999].name, "a0999");
    assert_eq!(config.offer.wrapup, std::time::Duration::ZERO);
    assert!(config.offer.keep_caller_user && !config.waiting.music);
    assert!(config.waiting.max_waiting >= 10_000);
    assert!(matches!(config.trunks[0].answer, AnswerMode::OnSeat { .. }));
    assert_eq!(config.trunks[0].peers, ["127.0.0.1:0".parse().unwrap()]);
    for (n, counsellor) in config.counsellors.iter().enumerate() {
        let start = counsellor.start.unwrap();
        assert_eq!((start.seat.0 as usize, start.state), (n, StartState::Ready));
        assert_eq!(counsellor.seats[..], [start.seat]);
    }
    assert_eq!(
        rings(&config, &decide(&config, "c1", "queue", 600)),
        [("all".to_owned(), 0)]
    );
}

#[test]
fn paused_bench_differs_in_one_word() {
    let config = load("bench-paused.toml");
    let paused = |c: &meishier_config::Counsellor| c.start.unwrap().state == StartState::Paused;
    assert!(config.counsellors.iter().all(paused));
    let body = |file: &str| {
        let text = text(file);
        text[text.find("\nname = ").unwrap()..].to_owned()
    };
    let changed = body("bench.toml").replace("state = \"ready\"", "state = \"paused\"");
    assert_eq!(changed, body("bench-paused.toml"));
}

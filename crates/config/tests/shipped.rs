//! Every shipped file loads without a doubt and keeps the promises of its table.
//!
//! A table: moment | trunk | caller (无 withheld; 高危 at risk, 骚扰 nuisance) | dialled | pools, with
//! the seconds after which each takes part | route and remarks.

mod deploy;

use deploy::{at, decide, lines, load, load_with_doubts, pool, promises, rings, text};
use meishier_config::{AnswerMode, Gender, SeatContact, StartState};
use std::collections::BTreeSet;

#[test]
fn every_file_in_deploy_is_tested() {
    let mut names: Vec<String> = std::fs::read_dir(deploy::FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            let main = entry.path().join("main.toml");
            main.exists() || entry.path().extension().is_some_and(|it| it == "toml")
        })
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "beijing.toml",
            "bench-paused.toml",
            "bench.toml",
            "guangzhou.toml",
            "guizhou.toml",
            "nation",
            "referral.toml",
            "shanghai.toml",
            "zhuzhou.toml"
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
fn guizhou_keeps_its_promises() {
    promises(
        &load("guizhou.toml"),
        "
        2026-06-01 10:00 | carrier | 13312345678 | 085412356 | qiannan，province 15秒，guiyang 30秒，liupanshui 30秒 | city
        2026-06-01 23:00 | carrier | 08543456789 | 12356     | qiannan，province，guiyang 15秒，liupanshui 15秒 | city
        2026-06-01 03:00 | carrier | 08543456789 | 12356     | qiannan，province，guiyang，liupanshui | city
        2026-06-01 10:00 | carrier | 08583456789 | 12356     | liupanshui，guiyang 15秒，province 15秒 | city
        2026-06-01 03:00 | carrier | 08583456789 | 12356     | liupanshui，guiyang 15秒，province 15秒 | city
        2026-06-01 10:00 | carrier | 08553456789 | 12356     | province，guiyang 15秒，liupanshui 15秒 | city
        2026-06-01 10:00 | carrier | 13985000000 | 12356     | province，guiyang 15秒，liupanshui 15秒 | province
        2026-06-01 03:00 | carrier | 13312345678 | 12356     | province，guiyang，liupanshui | province
        2026-10-01 10:00 | carrier | 08563456789 | 12356     | tongren，province 15秒，guiyang 30秒，liupanshui 30秒 | city
        2026-06-01 10:00 | carrier | 无          | 085112356 | guiyang，anshun，province 15秒，liupanshui 30秒 | city，区号不明
        2026-06-01 10:00 | carrier | 085123456789 | 12356    | guiyang，anshun，province 15秒，liupanshui 30秒 | city，区号不明
        2026-06-01 10:00 | carrier | 13007890000 | 085112356 | anshun，guiyang 15秒，province 15秒，liupanshui 30秒 | city
        2026-06-01 10:00 | carrier | 13007800000 | 085112356 | guiyang，anshun 15秒，province 15秒，liupanshui 30秒 | city
        2026-06-01 10:00 | carrier | 01034567890 | 12356     | province，guiyang 15秒，liupanshui 15秒 | province
        2026-06-01 10:00 | carrier | 无          | 85412356  | qiannan，province 15秒，guiyang 30秒，liupanshui 30秒 | city
        2026-06-01 10:00 | carrier | 无          | 17951085412356 | qiannan，province 15秒，guiyang 30秒，liupanshui 30秒 | city
        2026-06-01 10:00 | carrier | 无          | 84312356  | province，guiyang 15秒，liupanshui 15秒 | province
        2026-06-01 10:00 | carrier | 85412356    | 12356     | province，guiyang 15秒，liupanshui 15秒 | province
        2026-06-01 10:00 | carrier | 无          | 12365     | province，guiyang 15秒，liupanshui 15秒 | province
        2026-06-01 10:00 | carrier | 13985000000 高危 | 12356 | province，guiyang 15秒，liupanshui 15秒 | province，高危
        2026-06-01 10:00 | carrier | 13985000000 骚扰 | 12356 | province，guiyang 15秒，liupanshui 15秒 | province，6级
        2026-06-01 10:00 | carrier | 13985000000 高危又骚扰 | 12356 | province，guiyang 15秒，liupanshui 15秒 | province，高危
        ",
    );
}

#[test]
fn beijing_keeps_its_promises() {
    promises(
        &load("beijing.toml"),
        "
        2026-06-01 10:00 | carrier | 13000010000 | 12356    | beijing | beijing
        2026-06-01 23:00 | carrier | 13001490000 | 12356    | beijing | beijing
        2026-06-01 23:00 | carrier | 031134567890 | 01012356 | beijing | beijing
        2026-10-01 03:00 | carrier | 无          | 12356    | beijing | beijing
        2026-06-01 10:00 | carrier | 88908001    | 12356    | beijing | beijing
        2026-06-01 10:00 | carrier | 13000010000 高危 | 12356 | beijing | danger，高危
        2026-06-01 10:00 | carrier | 13000010000 骚扰 | 12356 | beijing | beijing，6级
        ",
    );
}

/// Who dials 12356 in Beijing is there, whatever the number's home is.
#[test]
fn beijing_looks_at_the_place_of_the_call_first() {
    let config = load("beijing.toml");
    let city = |caller: &str, called: &str| {
        let place = decide(&config, caller, called, 600).place;
        let atlas = config.routing.gazetteer().atlas();
        place
            .city
            .and_then(|city| atlas.city(city))
            .map(|city| city.name)
    };
    assert_eq!(
        city("13001490000", "12356"),
        Some("北京"),
        "a mobile of 石家庄"
    );
    assert_eq!(
        city("031134567890", "12356"),
        Some("石家庄"),
        "a landline elsewhere"
    );
    assert_eq!(city("031134567890", "01012356"), Some("北京"));
    assert_eq!(city("", "12356"), Some("北京"));
}

#[test]
fn shanghai_keeps_its_promises() {
    let config = load("shanghai.toml");
    assert_eq!(
        [9, 17, 18, 23, 3]
            .map(|hour| { lines(&config, "day", hour * 60) + lines(&config, "night", hour * 60) }),
        [6, 6, 8, 10, 4]
    );
    promises(
        &config,
        "
        2026-06-01 10:00 | carrier | 13000200000 | 12356    | day，night，second 10秒 | shanghai
        2026-06-01 23:00 | carrier | 13000200000 | 12356    | day，night，second 10秒 | shanghai
        2026-06-01 10:00 | carrier | 13001490000 | 02112356 | day，night，second 10秒 | shanghai
        2026-06-01 10:00 | old     | 13000200000 | 962525   | day，night，second 10秒 | shanghai，老号码
        2026-06-01 10:00 | old     | 无          | 021962525 | day，night，second 10秒 | shanghai，老号码
        2026-10-01 10:00 | carrier | 无          | 12356    | day，night，second 10秒 | shanghai
        2026-06-01 10:00 | carrier | 13000200000 高危 | 12356 | day，night，second | danger，高危
        2026-06-01 10:00 | carrier | 13000200000 骚扰 | 12356 | day，night，second 10秒 | shanghai，6级
        ",
    );
}

#[test]
fn guangzhou_keeps_its_promises() {
    let config = load("guangzhou.toml");
    let holiday = at(&config, 2026, 10, 1, 600);
    let open = |wall| config.routing.lines(pool(&config, "guangzhou"), wall);
    assert_eq!((open(at(&config, 2026, 6, 1, 600)), open(holiday)), (6, 8));
    promises(
        &config,
        "
        2026-06-01 10:00 | carrier | 13000400000 | 12356    | guangzhou，guangdong 10秒 | guangdong
        2026-06-01 10:00 | carrier | 13005400000 | 12356    | guangdong，guangzhou 10秒 | guangdong
        2026-06-01 23:00 | carrier | 13000400000 | 02012356 | guangzhou，guangdong 10秒 | guangdong
        2026-10-01 10:00 | carrier | 13005400000 | 02012356 | guangzhou，guangdong 10秒 | guangdong
        2026-06-01 10:00 | carrier | 13001490000 | 12356    | guangzhou，guangdong 10秒 | guangzhou
        2026-06-01 10:00 | carrier | 无          | 12356    | guangzhou，guangdong 10秒 | guangzhou
        2026-06-01 10:00 | carrier | 13000400000 高危 | 12356 | crisis，guangzhou 5秒，guangdong 15秒 | guangdong，高危
        2026-06-01 10:00 | carrier | 13000400000 骚扰 | 12356 | slow | guangdong，6级
        2026-06-01 10:00 | carrier | 13000400000 高危又骚扰 | 12356 | crisis，guangzhou 5秒，guangdong 15秒 | guangdong，高危
        ",
    );
}

#[test]
fn zhuzhou_keeps_its_promises() {
    promises(
        &load("zhuzhou.toml"),
        "
        2026-06-01 10:00 | carrier | 073128345678 | 12356     | tianyuan，lusong，hetang，shifeng，duty 15秒 | zhuzhou
        2026-06-01 23:00 | carrier | 073128345678 | 12356     | tianyuan，lusong，hetang，shifeng，duty | zhuzhou
        2026-06-01 10:00 | carrier | 13007330000  | 073112356 | tianyuan，lusong，hetang，shifeng，duty 15秒 | zhuzhou
        2026-06-01 10:00 | carrier | 28345678     | 12356     | tianyuan，lusong，hetang，shifeng，duty 15秒 | zhuzhou
        2026-06-01 10:00 | carrier | 073125345678 | 12356     | chaling，shifeng 15秒，duty 30秒 | chaling
        2026-06-01 19:00 | carrier | 073125345678 | 12356     | chaling，shifeng，duty 15秒 | chaling
        2026-06-01 23:00 | carrier | 073125345678 | 12356     | chaling，shifeng，duty | chaling
        2026-06-01 10:00 | carrier | 073126345678 | 12356     | yanling，tianyuan 15秒，duty 30秒 | yanling
        2026-06-01 10:00 | carrier | 073123345678 | 12356     | liling，lusong 15秒，duty 30秒 | liling
        2026-06-01 10:00 | carrier | 无           | 073112356 | duty，tianyuan 30秒，lusong 30秒，hetang 30秒，shifeng 30秒 | zhuzhou，区号不明
        2026-06-01 10:00 | carrier | 13001490000  | 073112356 | duty，tianyuan 30秒，lusong 30秒，hetang 30秒，shifeng 30秒 | zhuzhou，区号不明
        2026-06-01 10:00 | carrier | 073184345678 | 073112356 | duty，tianyuan 15秒，lusong 15秒，hetang 15秒，shifeng 15秒 | zhuzhou
        2026-10-01 10:00 | carrier | 073128345678 | 12356     | tianyuan，lusong，hetang，shifeng，duty 15秒 | zhuzhou
        2026-06-01 10:00 | carrier | 073125345678 高危 | 12356 | duty，tianyuan 5秒，lusong 5秒，hetang 5秒，shifeng 5秒 | chaling，高危
        2026-06-01 10:00 | carrier | 073128345678 骚扰 | 12356 | tianyuan，lusong，hetang，shifeng，duty 15秒 | zhuzhou，6级
        ",
    );
}

#[test]
fn referral_keeps_its_promises() {
    let config = load("referral.toml");
    promises(
        &config,
        "
        2026-06-01 10:00 | carrier    | 13007800000 | 12356 | grassroots，specialist 20秒，second 40秒 | screen
        2026-06-01 23:00 | carrier    | 13007800000 | 12356 | grassroots，specialist，second 20秒 | screen
        2026-06-01 10:00 | carrier    | 无          | 12356 | grassroots，specialist 20秒，second 40秒 | screen
        2026-06-01 10:00 | grassroots | 085112345678 | 12356 | specialist，second 30秒 | up，区号不明，5级
        2026-06-01 10:00 | hospital   | 085187654321 | 12356 | grassroots，second 30秒 | down，区号不明，5级
        2026-06-01 23:00 | hospital   | 085187654321 | 12356 | grassroots，second | down，区号不明，5级
        2026-06-01 10:00 | carrier    | 13007800000 高危 | 12356 | specialist，second 5秒，grassroots 10秒 | danger，高危
        2026-06-01 10:00 | carrier    | 13007800000 骚扰 | 12356 | grassroots，specialist 20秒，second 40秒 | screen，6级
        ",
    );
    let keys: Vec<&str> = config
        .transfer
        .keys
        .iter()
        .map(|key| key.title.as_str())
        .collect();
    for key in ["公安", "精神科门诊", "青少年服务", "卫生", "法律服务"] {
        assert!(keys.contains(&key), "{key}");
    }
}

#[test]
fn nation_keeps_its_promises() {
    let (config, doubts) = load_with_doubts("nation/main.toml");
    assert!(
        doubts.is_empty(),
        "{}",
        deploy::sources("nation/main.toml").render_warnings(&doubts, meishier_config::Lang::En)
    );
    promises(
        &config,
        "
        2026-06-01 10:00 | guizhou  | 13017020000 | 12356     | 522700，520000 3秒，520100 6秒，nation 12秒 | guizhou
        2026-06-01 23:00 | guizhou  | 13017020000 | 12356     | 522700，520000，520100 3秒，nation 9秒 | guizhou
        2026-06-01 03:00 | guizhou  | 13017020000 | 12356     | 522700，520000，520100，nation 6秒 | guizhou
        2026-06-01 10:00 | guizhou  | 13001490000 | 12356     | 520000，nation 12秒 | guizhou-here
        2026-06-01 10:00 | guizhou  | 无          | 12356     | 520000，nation 12秒 | guizhou-here
        2026-06-01 10:00 | guizhou  | 无          | 085112356 | 520100，520000，520400，nation 6秒 | guizhou，区号不明
        2026-06-01 10:00 | guizhou  | 13001490000 | 01012356  | 110000，nation 6秒 | place
        2026-06-01 10:00 | beijing  | 13001490000 | 12356     | 110000，nation 12秒 | beijing-here
        2026-06-01 10:00 | beijing  | 62345678    | 12356     | 110000，nation 6秒 | beijing
        2026-06-01 23:00 | xizang   | 13228920000 | 12356     | 540000，nation 3秒 | xizang
        2026-06-01 10:00 | hunan    | 无          | 073112356 | 430100，430200，430300，430000 3秒，nation 6秒 | hunan，区号不明
        2026-06-01 10:00 | hunan    | 13007330000 | 12356     | 430200，430000 3秒，430100 6秒，nation 12秒 | hunan
        2026-06-01 10:00 | shandong | 13906340000 | 12356     | 370100，370000 3秒，nation 6秒 | shandong
        2026-06-01 10:00 | shandong | 无          | 053112356 | 370100，370000 3秒，nation 6秒 | shandong
        2026-10-01 10:00 | shanghai | 13000200000 | 02112356  | 310000，nation 6秒 | shanghai
        2026-06-01 10:00 | shanghai | 13001490000 | 962525    | 310000，nation 6秒 | shanghai，老号码
        2026-06-01 10:00 | shanghai | 无          | 962525    | 310000，nation 6秒 | shanghai，老号码
        2026-06-01 10:00 | jiangsu  | 13001490000 | 021962525 | 310000，nation 6秒 | place，老号码
        2026-06-01 10:00 | beijing  | 无          | 800-810-1117 | 110000，nation 6秒 | beijing，老号码
        2026-06-01 10:00 | beijing  | 13000200000 | 82951332  | 110000，nation 6秒 | beijing，老号码
        2026-06-01 10:00 | guangdong | 无         | 0760-88884120 | 442000，440000 3秒，440100 6秒，nation 12秒 | guangdong，老号码
        2026-06-01 10:00 | henan    | 无          | 03948368120 | 411600，410000 3秒，410100 6秒，nation 12秒 | henan，老号码
        2026-06-01 10:00 | gansu    | 无          | 09388221199 | 620500，620000 3秒，620100 6秒，nation 12秒 | gansu，老号码
        2026-06-01 10:00 | shanghai | 13000200000 骚扰 | 02112356  | 310000，nation 6秒 | shanghai，6级
        2026-06-01 10:00 | shanghai | 13000200000 高危 | 02112356  | 310000，nation 6秒 | shanghai，高危
        ",
    );
}

/// Every city of the country is answered around the clock, and the figures are those of the facts.
#[test]
fn nation_serves_every_city_at_every_hour() {
    let (config, _) = load_with_doubts("nation/main.toml");
    let seats = |name: &str| {
        let pool = pool(&config, name);
        config
            .seats
            .iter()
            .filter(|seat| seat.pools.contains(&pool))
            .count()
    };
    assert_eq!(config.seats.len(), 1000);
    assert_eq!(
        (config.trunks.len(), seats("110000"), seats("310000")),
        (31, 17, 12)
    );
    let day: u16 = config
        .pools
        .iter()
        .map(|pool| lines(&config, &pool.name, 600))
        .sum();
    assert!(day > 500, "{day}");
    let atlas = config.routing.gazetteer().atlas().clone();
    let codes: BTreeSet<&str> = atlas.cities().iter().map(|city| city.area_code).collect();
    assert_eq!(codes.len(), 320);
    for code in codes {
        for hour in 0..24 {
            let decision = decide(&config, "", &format!("{code}12356"), hour * 60);
            let open = |ring: &meishier_routing::Ring| {
                let wall = at(&config, 2026, 6, 1, hour * 60);
                config.routing.lines(ring.pool, wall) > 0
            };
            // Open at once, and somebody of the province before the nation.
            let first = decision.rings.iter().find(|ring| open(ring)).unwrap();
            assert!(first.after.is_zero(), "{code} at {hour}");
            assert!(
                config.pools[usize::from(first.pool.0)].name != "nation" || hour < 8,
                "{code} at {hour}"
            );
        }
    }
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

//! The sections of routing: what they say is in the table, and each mistake is told in both
//! languages.

use meishier_config::{Config, FEMALE, FRESH, Lang, MALE, Trust, parse};
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::{Date, Decision, ExceptionalLines, NuisanceWhy, Query, RiskWhy, Rule, Tags};
use std::time::Duration;

const GOOD: &str = include_str!("data/areas.toml");

fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?} must be there once");
    GOOD.replacen(from, to, 1)
}

fn load(text: &str) -> Config {
    match parse(text, None) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", meishier_config::render(&errors, "f", text, Lang::En)),
    }
}

fn at(config: &Config, day: i8, minute: u16) -> Wall {
    let date = Date::new(2026, 11, day).unwrap();
    config.routing.wall_on(date, minute).unwrap()
}

fn decide(config: &Config, wall: Wall, caller: &str, called: &str) -> Decision {
    config.routing.decide(&Query::new(
        wall,
        TrunkId(0),
        &DialString::new(caller),
        &DialString::new(called),
    ))
}

fn rings(config: &Config, decision: &Decision) -> Vec<(String, u64)> {
    let name = |pool: PoolId| config.pools[usize::from(pool.0)].name.clone();
    let rings = decision.rings.iter();
    rings
        .map(|ring| (name(ring.pool), ring.after.as_secs()))
        .collect()
}

fn named(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter()
        .map(|(name, after)| ((*name).to_owned(), *after))
        .collect()
}

#[test]
fn the_file_has_no_doubt() {
    let today = load(GOOD)
        .routing
        .wall_on(Date::new(2026, 6, 1).unwrap(), 600);
    let (_, warnings) = parse(GOOD, today).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn places_lead_to_their_pools() {
    let config = load(GOOD);
    let day = at(&config, 10, 600);
    // A number block of 遵义, a shared code of which nothing more is known, an old number.
    let zunyi = decide(&config, day, "085128123456", "12356");
    let expected = [("zunyi", 0), ("province", 15), ("nation", 30)];
    assert_eq!(rings(&config, &zunyi), named(&expected));
    let shared = decide(&config, day, "", "085112356");
    let expected = [
        ("guiyang", 0),
        ("zunyi", 0),
        ("province", 15),
        ("nation", 30),
    ];
    assert_eq!(rings(&config, &shared), named(&expected));
    assert!(shared.ambiguous());
    let old = decide(&config, day, "", "96077");
    let expected = [("guiyang", 0), ("province", 15), ("nation", 30)];
    assert_eq!(rings(&config, &old), named(&expected));
    assert_eq!(
        config.routing.alias_names().collect::<Vec<_>>(),
        ["guiyang-old"]
    );
    let unknown = decide(&config, day, "", "12356");
    assert_eq!(rings(&config, &unknown), named(&[("nation", 0)]));
    // A local number is of the trunk's area code.
    let local = decide(&config, day, "28123456", "12356");
    assert_eq!(rings(&config, &local)[0].0, "zunyi");
    let cell = DialString::new("");
    let (called, mut query) = (DialString::new("12356"), None);
    let query = query.insert(Query::new(day, TrunkId(0), &cell, &called));
    query.cell = Some("46000AB77");
    assert_eq!(
        rings(&config, &config.routing.decide(query))[0].0,
        "guiyang"
    );
}

#[test]
fn policies_are_as_written() {
    let config = load(GOOD);
    let policies = config.routing.policies();
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(policies.risk.dropped_within, minutes(10));
    assert_eq!(policies.risk.flagged_for, minutes(24 * 60));
    assert_eq!(policies.risk.danger_key, Some(b'9'));
    assert_eq!(policies.nuisance.class.unwrap().number(), 6);
    assert_eq!(
        (policies.nuisance.calls_a_day, policies.nuisance.short_calls),
        (20, 6)
    );
    assert_eq!(
        policies.nuisance.marked_for,
        minutes(30 * 24 * 60),
        "unless the file says"
    );
    assert_eq!(policies.redial.within, minutes(10));
    let rules = config.routing.service_rules(PoolId(0)).unwrap();
    assert_eq!(rules.overloaded_waiting, Some(10));
    assert_eq!(
        (rules.overloaded_wait, rules.going_down),
        (Some(minutes(2)), Some(minutes(15)))
    );
    let trunk = &config.trunks[0];
    assert_eq!(trunk.trust, Trust::ASSERTED | Trust::ACCESS);
    assert_eq!(trunk.area_code.as_deref(), Some("0851"));
    assert_eq!(
        load(&changed("trust = [\"asserted\", \"cell\"]\n", "")).trunks[0].trust,
        Trust::ASSERTED
    );
    let care = &config.care;
    assert_eq!((care.risk_calls, care.talk), (4, Some(minutes(300))));
    assert_eq!(
        (care.recovery.emergency, care.recovery.long_from),
        (minutes(20), minutes(40))
    );
}

#[test]
fn lists_hold_until_the_end_of_their_last_day() {
    let config = load(GOOD);
    let risk = decide(&config, at(&config, 10, 600), "13312345678", "12356");
    assert!(risk.risk && risk.rules.contains(&Rule::Risk(RiskWhy::Listed)));
    assert_eq!(
        config.counsellors[risk.own.unwrap().0 as usize].account,
        "wang"
    );
    let nuisance = |date: (i16, i8, i8), minute| {
        let wall = config
            .routing
            .wall_on(Date::new(date.0, date.1, date.2).unwrap(), minute);
        let decision = decide(&config, wall.unwrap(), "13400000000", "12356");
        decision
            .rules
            .contains(&Rule::Nuisance(NuisanceWhy::Listed))
    };
    assert!(nuisance((2027, 1, 1), 1439), "the day itself is in it");
    assert!(!nuisance((2027, 1, 2), 0));
    assert_eq!(config.tags, ["儿童", "女性"]);
    assert_eq!(
        config.routing.policies().listed[0].tags,
        Tags::default().with(1)
    );
}

#[test]
fn exceptional_times_are_of_the_zone() {
    let config = load(GOOD);
    let entry = &config.routing.exceptional().entries()[0];
    assert_eq!(
        (entry.from, entry.to),
        (at(&config, 22, 480), at(&config, 24, 480))
    );
    assert_eq!(
        entry.lines,
        ExceptionalLines::AllLines,
        "unless the file says"
    );
    let closed = load(&changed(
        "reason = \"地震\"",
        "reason = \"地震\"\nlines = 0",
    ));
    assert_eq!(closed.routing.lines(PoolId(0), at(&closed, 23, 600)), 0);
    let days = load(&changed(
        "from = \"2026-11-22 08:00\"\nto = 2026-11-24T08:00:00",
        "from = 2026-11-22\nto = 2026-11-24",
    ));
    let entry = &days.routing.exceptional().entries()[0];
    assert_eq!((entry.from, entry.to), (at(&days, 22, 0), at(&days, 25, 0)));
}

#[test]
fn implied_skills_stand_behind_those_of_the_file() {
    let config = load(GOOD);
    assert_eq!(config.skills, ["未成年人", "危机", FEMALE, FRESH]);
    let skill = |name: &str| {
        let at = config.skills.iter().position(|it| it == name).unwrap();
        meishier_model::SkillId::new(u8::try_from(at).unwrap()).unwrap()
    };
    assert_eq!(config.care.fresh, Some(skill(FRESH)));
    let (chen, wang) = (&config.counsellors[0].skills, &config.counsellors[1].skills);
    assert!(chen.contains(&(skill(FEMALE), 5)) && chen.contains(&(skill(FRESH), 1)));
    assert_eq!(wang[..], [(skill(FRESH), 1)]);
    let first = config.routing.policies().risk.prefer[0];
    assert_eq!((first.skill, first.weight), (skill(FRESH), 1000));
    assert_eq!(
        config.routing.policies().preferences[1].prefer[0].skill,
        skill(FEMALE)
    );
    let men = load(&changed("counsellor = \"female\"", "counsellor = \"male\""));
    assert_eq!(men.skills[2], MALE);
}

#[test]
fn rules_are_found_in_the_file() {
    let config = load(GOOD);
    let text = |rule| config.rule_places.of(rule).map(|span| &GOOD[span]);
    assert_eq!(text(Rule::Route(0)), Some("\"night\""));
    assert_eq!(text(Rule::Default(1)), Some("\"rest\""));
    assert_eq!(text(Rule::Area(3)), Some("\"贵州省\""));
    assert_eq!(text(Rule::Area(4)), Some("true"));
    assert_eq!(text(Rule::Alias(0)), Some("\"96077\""));
    assert_eq!(text(Rule::Preference(1)), Some("\"women\""));
    assert_eq!(text(Rule::Listed(2)), Some("\"13400000000\""));
    let risk = text(Rule::Risk(RiskWhy::Listed)).unwrap();
    assert!(risk.starts_with("[risk]"), "{risk}");
    assert!(
        text(Rule::Nuisance(NuisanceWhy::Listed))
            .unwrap()
            .starts_with("[nuisance]")
    );
    assert!(text(Rule::Redial).unwrap().starts_with("[redial]"));
    assert_eq!((text(Rule::Ambiguous), text(Rule::Route(9))), (None, None));
}

#[test]
fn what_may_change_while_the_engine_runs() {
    let old = load(GOOD);
    let free = [
        ("pools = [\"guiyang\", \"zunyi\"]", "pools = [\"zunyi\"]"),
        ("prefix = \"46000ab\"", "prefix = \"46000cd\""),
        (
            "callers = [\"0851-28\", \"085127\"]",
            "callers = [\"085127\"]",
        ),
        ("class = 6", "class = 7"),
        (
            "[redial]\nwithin = \"10min\"",
            "[redial]\nwithin = \"5min\"",
        ),
        ("number = \"13312345678\"", "number = \"13312345679\""),
        ("to = 2026-11-24T08:00:00", "to = 2026-11-25T08:00:00"),
        ("name = \"night\"", "name = \"evening\""),
        ("trust = [\"asserted\", \"cell\"]", "trust = []"),
        ("risk_calls_per_shift = 4", "risk_calls_per_shift = 5"),
        (
            "tags = [\"儿童\", \"女性\"]",
            "tags = [\"儿童\", \"女性\", \"苗语\"]",
        ),
        // The last implied skill comes and goes; the others stay where they are.
        ("risk_calls_per_shift = 4\n", ""),
    ];
    for (from, to) in free {
        let new = load(&changed(from, to));
        assert_eq!(old.same_identity(&new), Ok(()), "{to}");
    }
    let restart = [
        (
            "tags = [\"儿童\", \"女性\"]",
            "tags = [\"女性\", \"儿童\"]",
            "tags",
        ),
        (
            "counsellor = \"female\"",
            "counsellor = \"male\"",
            "preferences, care",
        ),
        (
            "counsellor = \"female\"",
            "prefer = { \"危机\" = 1 }",
            "preferences, care",
        ),
        (
            "skills = [\"未成年人\", \"危机\"]",
            "skills = [\"未成年人\", \"危机\", \"方言\"]",
            "skills",
        ),
    ];
    for (from, to, key) in restart {
        let new = load(&changed(from, to));
        let found = old.same_identity(&new).unwrap_err();
        assert_eq!(
            found.iter().map(|it| it.key).collect::<Vec<_>>(),
            [key],
            "{to}"
        );
    }
    let more = load(&changed(
        "tags = [\"儿童\", \"女性\"]",
        "tags = [\"儿童\", \"女性\", \"苗语\"]",
    ));
    assert!(
        more.same_identity(&old).is_err(),
        "a tag that is gone takes a restart"
    );
}

/// Change, message in Chinese, message in English.
type Broken = (&'static str, &'static str, &'static str, &'static str);

fn refuses(table: &[Broken]) {
    for (from, to, zh, en) in table {
        let errors = parse(&changed(from, to), None).map(|_| ()).unwrap_err();
        let told: Vec<_> = errors
            .iter()
            .map(|it| (it.message_zh.as_str(), it.message_en.as_str()))
            .collect();
        assert_eq!(told, [(*zh, *en)], "{to}");
    }
}

#[test]
fn wrong_places_are_refused() {
    refuses(&[
        (
            "city = \"贵阳\"\npools",
            "city = \"贵杨\"\npools",
            "没有城市 \"贵杨\"",
            "there is no city \"贵杨\"",
        ),
        (
            "city = \"贵阳\"\npools",
            "city = \"吉林省\"\npools",
            "\"吉林省\" 不止一个城市",
            "\"吉林省\" may be several cities",
        ),
        (
            "city = \"贵阳\"\npools",
            "city = \"0851\"\npools",
            "\"0851\" 不止一个城市",
            "\"0851\" may be several cities",
        ),
        (
            "\"贵州省\"",
            "\"贵洲\"",
            "没有省份 \"贵洲\"",
            "there is no province \"贵洲\"",
        ),
        (
            "[[areas]]\ncode = \"0851\"",
            "[[areas]]\ncode = \"0854\"",
            "区号 \"0854\" 只属于 黔南",
            "area code \"0854\" is of 黔南 alone",
        ),
        (
            "[[areas]]\ncode = \"0851\"",
            "[[areas]]\ncode = \"0850\"",
            "没有区号 \"0850\"",
            "there is no area code \"0850\"",
        ),
        (
            "area_code = \"0851\"",
            "area_code = \"851\"",
            "没有区号 \"851\"",
            "there is no area code \"851\"",
        ),
        (
            "city = \"贵阳\"\npools",
            "city = \"遵义\"\npools",
            "同一个地方有两段 [[areas]]",
            "two [[areas]] of one place",
        ),
        (
            "nation = true",
            "nation = false",
            "[[areas]] 没有写地方",
            "[[areas]] names no place",
        ),
        (
            "nation = true",
            "nation = true\nprovince = \"云南\"",
            "[[areas]] 写了不止一个地方",
            "[[areas]] names more than one place",
        ),
        (
            "paired = [\"贵阳\"]",
            "paired = [\"遵义\"]",
            "遵义 不能与自己结对",
            "遵义 cannot be paired with itself",
        ),
        (
            "nation = true",
            "nation = true\npaired = [\"贵阳\"]",
            "只有城市可以结对",
            "only a city can be paired",
        ),
        (
            "pools = [\"guiyang\", \"zunyi\"]",
            "pools = [\"guiyang\", \"zunyj\"]",
            "没有名为 \"zunyj\" 的坐席组",
            "there is no pool named \"zunyj\"",
        ),
        (
            "trunks = [\"one\"]\n",
            "trunks = [\"on\"]\n",
            "没有名为 \"on\" 的中继",
            "there is no trunk named \"on\"",
        ),
        (
            "trunks = [\"one\"]\ncallers = [\"0851-28\", \"085127\"]",
            "",
            "[[blocks]] 没有写中继或号码",
            "[[blocks]] names neither trunk nor numbers",
        ),
        (
            "[[cells]]",
            "[[blocks]]\ncity = \"贵阳\"\ntrunks = [\"one\"]\ncallers = [\"085128\"]\n[[cells]]",
            "已写明属于 遵义",
            "is of 遵义 already",
        ),
        (
            "[[cells]]",
            "[[cells]]\nprefix = \"46000AB\"\ncity = \"遵义\"\n[[cells]]",
            "已写明属于 遵义",
            "is of 遵义 already",
        ),
        (
            "number = \"96077\"",
            "number = \"085112356\"",
            "\"085112356\" 不是老号码",
            "\"085112356\" is no old number",
        ),
        (
            "\"cell\"]",
            "\"cells\"]",
            "trust 的值 \"cells\" 不认识",
            "trust does not know \"cells\"",
        ),
    ]);
}

#[test]
fn candidates_are_named() {
    let help = |from, to| {
        let errors = parse(&changed(from, to), None).map(|_| ()).unwrap_err();
        (errors[0].help_zh.clone(), errors[0].help_en.clone())
    };
    let (zh, en) = help("city = \"贵阳\"\npools", "city = \"贵杨\"\npools");
    assert!(
        zh.contains("是否想写") && zh.contains("贵阳") && en.contains("贵阳"),
        "{zh} {en}"
    );
    let (zh, en) = help("city = \"贵阳\"\npools", "city = \"海南\"\npools");
    assert!(
        zh.contains("青海海南") && en.contains("青海海南"),
        "{zh} {en}"
    );
    let (zh, en) = help("[\"@paired\",", "[\"@piared\",");
    assert!(
        zh.contains("\"@paired\"") && en.contains("did you mean \"@paired\""),
        "{zh} {en}"
    );
    let (_, en) = help("counsellor = \"wang\"", "counsellor = \"wng\"");
    assert_eq!(en, "did you mean \"wang\"?");
    let (_, en) = help("tags = [\"儿童\"]", "tags = [\"儿重\"]");
    assert_eq!(en, "did you mean \"儿童\"?");
}

#[test]
fn both_places_of_a_mistake_are_told() {
    let text = changed("city = \"遵义\"\npools", "city = \"贵阳市\"\npools");
    let errors = parse(&text, None).map(|_| ()).unwrap_err();
    let error = errors
        .iter()
        .find(|it| it.message_en == "two [[areas]] of one place")
        .unwrap();
    assert_eq!(&text[error.span.clone()], "\"贵阳市\"");
    assert_eq!(&text[error.also.clone().unwrap()], "\"贵阳\"");
}

#[test]
fn wrong_routes_are_refused() {
    refuses(&[
        (
            "then = \"rest\"",
            "then = \"nowhere\"",
            "没有名为 \"nowhere\" 的路由",
            "there is no route named \"nowhere\"",
        ),
        (
            "then = \"rest\"",
            "then = \"night\"",
            "then 绕成一圈：night → night",
            "then goes in a circle: night → night",
        ),
        (
            "name = \"rest\"\n",
            "name = \"rest\"\nthen = \"night\"\n",
            "then 绕成一圈：night → rest → night",
            "then goes in a circle: night → rest → night",
        ),
        (
            "then = \"rest\"\n",
            "",
            "then_after 没有 then",
            "then_after without then",
        ),
        (
            "\"@paired\", {",
            "\"@pared\", {",
            "rings 的值 \"@pared\" 不认识",
            "rings does not know \"@pared\"",
        ),
        (
            "\"@paired\", {",
            "\"@other_city\", {",
            "rings 中 \"@other_city\" 重复",
            "rings has \"@other_city\" twice",
        ),
        (
            "rings = [\"@paired\", { pool = \"@other_city\", after = \"5s\" }]\n",
            "",
            "前面没有坐席组，不能让来电者空等",
            "no pool comes before: the caller must not wait for nobody",
        ),
        (
            "[\"unstaffed\", \"down\"]",
            "[\"unstaffed\", \"dwn\"]",
            "states 的值 \"dwn\" 不认识",
            "states does not know \"dwn\"",
        ),
        (
            "hours = [\"18:00-08:00\"]",
            "hours = [\"18-08\"]",
            "hours 看不懂：\"18-08\"",
            "hours makes no sense: \"18-08\"",
        ),
        (
            "first = [\"here\", \"called\", \"home\"]",
            "first = [\"here\", \"here\"]",
            "first 中 \"here\" 重复",
            "first has \"here\" twice",
        ),
        (
            "first = [\"here\", \"called\", \"home\"]",
            "first = [\"caled\"]",
            "first 的值 \"caled\" 不认识",
            "first does not know \"caled\"",
        ),
        (
            "[\"@city\", { pool = \"@province\", after = \"15s\" }, { pool = \"@nation\", after = \"30s\" }]",
            "[\"@city\", \"@province\"]",
            "默认路由对地区不明的来电没有坐席组",
            "the default route has no pool for callers of whom no place is known",
        ),
    ]);
}

#[test]
fn long_ways_and_full_ladders_are_refused() {
    let mut text = GOOD.to_owned();
    for n in 0..8 {
        let then = if n < 7 {
            format!("r{}", n + 1)
        } else {
            "night".to_owned()
        };
        text +=
            &format!("\n[[routes]]\nname = \"r{n}\"\ncalled = [\"9600{n}\"]\nthen = \"{then}\"\n");
    }
    let errors = parse(&text, None).map(|_| ()).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        errors[0].message_en,
        "then goes on too long: r0 → r1 → r2 → r3 → r4 → r5 → r6 → r7 → night → rest"
    );
    let one_less = text.replacen("then = \"r1\"", "rings = [\"slow\"]", 1);
    load(&one_less);

    let mut text = changed(
        "pools = [\"zunyi\"]\npaired",
        "pools = [\"zunyi\", \"x0\", \"x1\", \"x2\", \"x3\", \"x4\", \"x5\"]\npaired",
    );
    for n in 0..6 {
        text += &format!(
            "\n[[pools]]\nname = \"x{n}\"\nshifts = [{{ hours = \"00:00-24:00\", lines = 1 }}]\n"
        );
    }
    let errors = parse(&text, None).map(|_| ()).unwrap_err();
    let told: Vec<_> = errors.iter().map(|it| it.message_en.as_str()).collect();
    assert_eq!(
        told,
        [
            "route \"night\" has 10 pools for callers of 遵义",
            "route \"rest\" has 9 pools for callers of 遵义",
        ]
    );
    assert_eq!(
        errors[1].message_zh,
        "路由 \"rest\" 对 遵义 的来电有 9 个坐席组"
    );
}

#[test]
fn wrong_policies_and_lists_are_refused() {
    refuses(&[
        (
            "danger_key = \"9\"",
            "danger_key = \"A\"",
            "danger_key 不是话机上的一个键：\"A\"",
            "danger_key is not one key of a telephone: \"A\"",
        ),
        (
            "class = 6",
            "class = 8",
            "class 超出范围：8",
            "class is out of range: 8",
        ),
        (
            "calls_a_day = 20",
            "calls_a_day = 65",
            "calls_a_day 超出范围：65",
            "calls_a_day is out of range: 65",
        ),
        (
            "short = \"20s\"\n",
            "",
            "[nuisance] 缺少 short",
            "[nuisance] lacks short",
        ),
        (
            "[redial]\nwithin = \"10min\"",
            "[redial]",
            "[redial] 缺少 within",
            "[redial] lacks within",
        ),
        (
            "flagged_for = \"24h\"",
            "flagged_for = \"400d\"",
            "flagged_for 超出范围：400d",
            "flagged_for is out of range: 400d",
        ),
        (
            "prefer = { \"未成年人\" = 300 }\n",
            "",
            "偏好没有写要什么",
            "the preference asks for nothing",
        ),
        (
            "counsellor = \"female\"",
            "counsellor = \"women\"",
            "counsellor 的值 \"women\" 不认识",
            "counsellor does not know \"women\"",
        ),
        (
            "name = \"women\"",
            "name = \"minors\"",
            "偏好 \"minors\" 重名",
            "preference \"minors\" is there twice",
        ),
        (
            "until = 2027-01-01\n",
            "",
            "骚扰号码没有写期限",
            "a nuisance number has no end",
        ),
        (
            "until = 2027-01-01\n",
            "until = \"明年\"\n",
            "until 应为日期或时刻",
            "until must be a date or a moment",
        ),
        (
            "reason = \"多次谩骂\"\n",
            "",
            "[[numbers]] 缺少 reason",
            "[[numbers]] lacks reason",
        ),
        (
            "number = \"13312345678\"",
            "number = \"小王\"",
            "这不是电话号码",
            "this is not a telephone number",
        ),
        (
            "counsellor = \"wang\"",
            "counsellor = \"li\"",
            "没有名为 \"li\" 的咨询员账号",
            "there is no counsellor's account named \"li\"",
        ),
        (
            "to = 2026-11-24T08:00:00",
            "to = 2026-11-20T08:00:00",
            "to 不晚于 from",
            "to is not after from",
        ),
        (
            "to = 2026-11-24T08:00:00",
            "to = \"2026-11-24 25:00\"",
            "to 应为日期或时刻",
            "to must be a date or a moment",
        ),
        (
            "reason = \"地震\"",
            "reason = \"地震\"\nlines = \"none\"",
            "lines 的值 \"none\" 不认识",
            "lines does not know \"none\"",
        ),
        (
            "long = \"5min\", long_from = \"40min\"",
            "long = \"5min\"",
            "long 须与 long_from 同写",
            "long needs long_from",
        ),
        (
            "skills = [\"未成年人\", \"危机\"]",
            "skills = [\"未成年人\", \"危机\", \"可接高危\"]",
            "技能 \"可接高危\" 由程序自己加上",
            "skill \"可接高危\" is added by the program",
        ),
    ]);
}

#[test]
fn no_message_shows_a_listed_number() {
    let text = changed("number = \"13312345678\"", "number = \"小王13312345678\"");
    let errors = parse(&text, None).map(|_| ()).unwrap_err();
    assert!(!format!("{errors:?}").contains("133123"), "{errors:?}");
}

/// A nation of 31 provinces and 340 cities, each with its pool, 1,000 seats and 4,000 counsellors.
fn nation() -> String {
    let atlas = meishier_routing::Atlas::builtin();
    let mut out = String::from(
        "name = \"全国\"\n[sip]\nmax_calls = 5000\n[rtp]\nfirst_port = 20000\nlast_port = 39999\n[routing]\ndefault = \"all\"\n\
         [[trunks]]\nname = \"one\"\npeers = [\"10.0.0.1\"]\noutgoing_number = \"12356\"\n\
         [[pools]]\nname = \"nation\"\nshifts = [{ hours = \"00:00-24:00\", lines = 9 }]\n\
         [[areas]]\nnation = true\npools = [\"nation\"]\n\
         [[seats]]\nname = \"n{1..9}\"\npassword = \"n{n}\"\npools = [\"nation\"]\n\
         [[counsellors]]\naccount = \"n{0001..4000}\"\npin = \"77{n}\"\nseats = \"any\"\n\
         [[routes]]\nname = \"all\"\nrings = [\"@city\", { pool = \"@province\", after = \"15s\" }, { pool = \"@nation\", after = \"60s\" }]\n",
    );
    let mut pool = |name: &str, area: &str, hours: &str| {
        out += &format!(
            "[[pools]]\nname = \"{name}\"\nshifts = [{{ hours = \"{hours}\", lines = 2 }}]\n\
             [[seats]]\nname = \"{name}-{{1..3}}\"\npassword = \"{name}-{{n}}\"\npools = [\"{name}\"]\n\
             [[areas]]\n{area}\npools = [\"{name}\"]\n"
        );
    };
    for (n, province) in atlas.provinces().iter().enumerate() {
        pool(
            &format!("p{n}"),
            &format!("province = \"{}\"", province.name),
            "00:00-24:00",
        );
    }
    for (n, city) in atlas.cities().iter().take(300).enumerate() {
        pool(
            &format!("c{n}"),
            &format!("city = \"{}\"", city.full_name()),
            "08:00-18:00",
        );
    }
    out
}

#[test]
fn a_nation_is_read() {
    let text = nation();
    let (config, warnings) = parse(&text, None).unwrap();
    assert_eq!((config.pools.len(), config.seats.len()), (332, 1002));
    assert_eq!(config.counsellors.len(), 4000);
    // Nobody says who serves the codes that cities share; all else is in order.
    let other = warnings
        .iter()
        .find(|it| !it.message_en.starts_with("area code "));
    assert_eq!(other, None);
    let decision = decide(&config, Wall(0), "", "01012356");
    assert_eq!(rings(&config, &decision).len(), 3);
}

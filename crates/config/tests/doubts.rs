//! What is legal but odd is told once, in both languages, and the file is taken.

use meishier_config::{Lang, Warning, parse, render};
use meishier_model::Wall;
use meishier_routing::Date;

const GOOD: &str = include_str!("data/areas.toml");

fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?} must be there once");
    GOOD.replacen(from, to, 1)
}

fn day(year: i16, month: i8, day: i8) -> Option<Wall> {
    let (config, _) = parse(GOOD, None).unwrap();
    let date = Date::new(year, month, day).unwrap();
    config.routing.wall_on(date, 0)
}

fn warnings(text: &str, today: Option<Wall>) -> Vec<Warning> {
    match parse(text, today) {
        Ok((_, warnings)) => warnings,
        Err(errors) => panic!("{}", render(&errors, "f", text, Lang::En)),
    }
}

/// Exactly this one doubt, at this text.
fn doubts(text: &str, at: &str, zh: &str, en: &str) {
    let found = warnings(text, None);
    let told: Vec<_> = found
        .iter()
        .map(|it| {
            (
                &text[it.span.clone()],
                it.message_zh.as_str(),
                it.message_en.as_str(),
            )
        })
        .collect();
    assert_eq!(told, [(at, zh, en)]);
    assert!(!found[0].help_zh.is_empty() && !found[0].help_en.is_empty());
}

const LADDER: &str = "rings = [\"@city\", { pool = \"@province\", after = \"15s\" }, { pool = \"@nation\", after = \"30s\" }]";

/// The file with a ladder of the default route that the province does not stand behind.
fn alone(rings: &str) -> String {
    // The pools that nobody reaches then have other routes.
    changed(LADDER, &format!("rings = {rings}"))
        + "\n[[routes]]\nname = \"others\"\ncalled = [\"96099\"]\nrings = [\"province\", \"nation\", \"guiyang\"]\n"
}

#[test]
fn a_city_that_its_province_stands_behind_is_in_order() {
    // 遵义 has one seat and ten hours; its whole ladder has what is asked.
    assert_eq!(warnings(GOOD, None), []);
}

#[test]
fn a_city_below_the_notice_alone_is_a_doubt() {
    let told = |hours: &str| -> Vec<(String, String)> {
        let slow = "name = \"slow\"\nshifts = [{ hours = \"";
        let text = alone("[\"@city\", \"slow\"]");
        let text = text.replace(&format!("{slow}00:00-24:00"), &format!("{slow}{hours}"));
        let found = warnings(&text, None).into_iter();
        let found = found.map(|it| (it.message_zh, it.message_en));
        found.filter(|it| it.1.contains("notice")).collect()
    };
    assert_eq!(told("18:00-02:00"), [], "eighteen hours together suffice");
    let zh = "遵义 周一（工作日） 只有 17 小时 0 分有人接听，国家要求每天至少 18 小时";
    let en = "遵义 is answered for 17 h 0 min on Monday (workday), the national notice asks for 18 hours a day";
    assert_eq!(told("18:00-01:00"), [(zh.to_owned(), en.to_owned())]);
}

#[test]
fn holes_name_the_places_for_which_they_are() {
    let text = alone("[\"@city\", \"slow\"]").replace(
        "name = \"slow\"\nshifts = [{ hours = \"00:00-24:00\"",
        "name = \"slow\"\nshifts = [{ hours = \"01:00-24:00\"",
    );
    let found = warnings(&text, None);
    let hole = found
        .iter()
        .find(|it| it.message_en.starts_with("a hole"))
        .unwrap();
    assert_eq!(
        hole.message_en,
        "a hole in the week for an unknown place, 遵义, 贵州 and others (4), no line: every day 00:00-01:00"
    );
    assert_eq!(
        hole.message_zh,
        "有时无人接听（未知地区、遵义、贵州 等 4 地）：每天 00:00-01:00 没有一条线路"
    );
}

#[test]
fn a_city_with_one_seat_alone_is_a_doubt() {
    let text = changed(
        "name = \"zunyi\"\nshifts = [{ hours = \"08:00-18:00\"",
        "name = \"zunyi\"\nshifts = [{ hours = \"00:00-24:00\"",
    );
    let text = text.replace(LADDER, "rings = [\"@city\"]\nprovinces = [\"贵州\"]")
        + "\n[[routes]]\nname = \"others\"\nrings = [\"@province\", \"@nation\"]\n";
    let text = text.replace("default = \"rest\"", "default = \"others\"");
    doubts(
        &text,
        "\"遵义\"",
        "遵义 只有 1 个坐席，国家要求至少 2 个",
        "遵义 has 1 of the 2 seats that the national notice asks for",
    );
}

#[test]
fn pools_that_nothing_leads_to_are_doubts() {
    let pool = "\n[[pools]]\nname = \"lone\"\nshifts = [{ hours = \"00:00-24:00\", lines = 1 }]\n\n[[seats]]\nname = \"l1\"\npassword = \"l1\"\npools = [\"lone\"]\n";
    let text = GOOD.to_owned() + pool;
    doubts(
        &text,
        "\"lone\"",
        "没有路由用到坐席组 \"lone\"",
        "no route leads to pool \"lone\"",
    );
    let text = text.replace("rings = [\"slow\"]", "rings = [\"slow\", \"lone\"]");
    doubts(
        &text,
        "\"lone\"",
        "坐席组 \"lone\" 只接骚扰电话，它的坐席别处也不接",
        "pool \"lone\" is for nuisance callers alone, and so are its seats",
    );
    // No rings say @nation, so the area leads to nobody.
    let text = changed(LADDER, "rings = [\"@city\", \"@province\", \"guiyang\"]");
    doubts(
        &text,
        "\"nation\"",
        "没有路由用到坐席组 \"nation\"",
        "no route leads to pool \"nation\"",
    );
}

#[test]
fn more_lines_than_seats_are_a_doubt() {
    doubts(
        &changed(
            "name = \"zunyi\"\nshifts = [{ hours = \"08:00-18:00\", lines = 1 }]",
            "name = \"zunyi\"\nshifts = [{ hours = \"08:00-18:00\", lines = 2 }]",
        ),
        "\"zunyi\"",
        "坐席组 \"zunyi\" 有 2 条线路，但只有 1 个坐席",
        "pool \"zunyi\" has more lines (2) than seats (1)",
    );
}

#[test]
fn skills_that_nobody_who_could_answer_has_are_doubts() {
    // 王 alone has it, and sits where the route does not lead.
    let text = changed(
        "account = \"wang\"",
        "account = \"wang\"\nskills = { \"方言\" = 2 }",
    )
    .replace(
        "skills = [\"未成年人\", \"危机\"]",
        "skills = [\"未成年人\", \"危机\", \"方言\"]",
    );
    let route = |key: &str| {
        let calm = format!(
            "[[routes]]\nname = \"calm\"\ncalled = [\"96088\"]\n{key}\nrings = [\"guiyang\"]\n\n"
        );
        let rest = "[[routes]]\nname = \"rest\"";
        text.replace(rest, &format!("{calm}{rest}"))
    };
    doubts(
        &route("skills = [\"方言\"]"),
        "\"calm\"",
        "这些坐席组里没有咨询员具备技能 \"方言\"，来电者会一直等",
        "no counsellor of these pools has skill \"方言\": callers would wait for ever",
    );
    doubts(
        &route("prefer = { \"方言\" = 2 }"),
        "\"calm\"",
        "优先要技能 \"方言\"，但能接听的咨询员都没有",
        "skill \"方言\" is preferred, but no counsellor who could answer has it",
    );
    doubts(
        &changed("gender = \"female\"", "gender = \"male\""),
        "\"women\"",
        "优先要技能 \"女咨询员\"，但能接听的咨询员都没有",
        "skill \"女咨询员\" is preferred, but no counsellor who could answer has it",
    );
}

#[test]
fn a_shared_code_without_an_area_is_a_doubt() {
    doubts(
        &changed(
            "[[areas]]\ncode = \"0851\"\npools = [\"guiyang\", \"zunyi\"]\n",
            "",
        ),
        "\"贵阳\"",
        "区号 0851 由 贵阳、遵义、安顺 共用，各市坐席组不同，却没有写该区号找谁",
        "area code 0851 is shared by 贵阳, 遵义, 安顺 with different pools, and nothing says who serves the code",
    );
}

#[test]
fn a_paired_city_without_pools_is_a_doubt() {
    doubts(
        &changed("paired = [\"贵阳\"]", "paired = [\"贵阳\", \"毕节\"]"),
        "\"毕节\"",
        "结对的 毕节 没有坐席组",
        "毕节, which is paired, has no pool",
    );
}

#[test]
fn routes_that_are_never_taken_are_doubts() {
    let add = |conditions: &str| {
        let route =
            format!("[[routes]]\nname = \"late\"\n{conditions}\nrings = [\"guiyang\"]\n\n[risk]");
        changed("[risk]", &route)
    };
    let zh = "路由 \"late\" 永远轮不到：前面的 \"rest\" 已接走它的所有来电";
    let en = "route \"late\" is never taken: \"rest\" before it takes all its callers";
    doubts(&add("callers = [\"0851\"]"), "\"late\"", zh, en);
    let first = |text: String, conditions: &str| {
        text.replace("name = \"rest\"", &format!("name = \"rest\"\n{conditions}"))
    };
    doubts(
        &first(add("cities = [\"贵阳\"]"), "provinces = [\"贵州\"]"),
        "\"late\"",
        zh,
        en,
    );
    doubts(
        &first(add("callers = [\"08517\"]"), "callers = [\"0851\"]"),
        "\"late\"",
        zh,
        en,
    );
    doubts(
        &first(
            add("tags = [\"儿童\"]\nat_risk = true"),
            "tags = [\"儿童\", \"女性\"]",
        ),
        "\"late\"",
        zh,
        en,
    );
    for (outer, inner) in [
        ("cities = [\"遵义\"]", "cities = [\"贵阳\"]"),
        ("provinces = [\"云南\"]", "cities = [\"贵阳\"]"),
        ("nuisance = true", "callers = [\"0851\"]"),
        ("hours = [\"08:00-18:00\"]", "callers = [\"0851\"]"),
        ("tags = [\"女性\"]", "tags = [\"女性\", \"儿童\"]"),
    ] {
        let found = warnings(&first(add(inner), outer), None);
        assert!(
            !found.iter().any(|it| it.message_en == en),
            "{outer} {inner}: {found:?}"
        );
    }
}

#[test]
fn a_hole_counts_within_the_hours_of_its_route_only() {
    let route = |hours: &str| {
        let route = format!(
            "[[routes]]\nname = \"z\"\ncalled = [\"96066\"]\n{hours}\nrings = [\"zunyi\"]\n\n[risk]"
        );
        changed("[risk]", &route)
    };
    // Before the route that takes everybody, so that it is reached.
    let early = |hours: &str| {
        let text = route(hours);
        let rest = text.find("[[routes]]\nname = \"rest\"").unwrap();
        let z = text.find("[[routes]]\nname = \"z\"").unwrap();
        let risk = text.find("[risk]").unwrap();
        format!(
            "{}{}{}{}",
            &text[..rest],
            &text[z..risk],
            &text[rest..z],
            &text[risk..]
        )
    };
    assert_eq!(warnings(&early("hours = [\"08:00-18:00\"]"), None), []);
    doubts(
        &early("hours = [\"22:00-09:00\"]"),
        "\"z\"",
        "有时无人接听：每天 22:00-08:00 没有一条线路",
        "a hole in the week, no line: every day 22:00-08:00",
    );
    doubts(
        &early("days = [\"workday\"]"),
        "\"z\"",
        "有时无人接听：工作日 00:00-08:00，工作日 18:00-24:00 没有一条线路",
        "a hole in the week, no line: workdays 00:00-08:00, workdays 18:00-24:00",
    );
}

#[test]
fn all_holes_of_a_week_are_told_the_same_hours_together() {
    let told = |shifts: &str| -> (String, String) {
        let text = alone("[\"slow\"]").replace(
            "name = \"slow\"\nshifts = [{ hours = \"00:00-24:00\", lines = 1 }]",
            &format!("name = \"slow\"\nshifts = [{shifts}]"),
        );
        let mut found = warnings(&text, None).into_iter();
        let hole = found.find(|it| it.message_en.starts_with("a hole"));
        let hole = hole.unwrap_or_else(|| panic!("{shifts}"));
        assert!(hole.help_zh.contains("meishier week") && hole.help_en.contains("meishier week"));
        let (_, zh) = hole.message_zh.split_once('：').unwrap();
        let (_, en) = hole.message_en.split_once("no line: ").unwrap();
        (zh.replace(" 没有一条线路", ""), en.to_owned())
    };
    let shift = |hours: &str, days: &str| {
        let days: Vec<String> = days.split(' ').map(|it| format!("{it:?}")).collect();
        let days = days.join(", ");
        format!("{{ hours = \"{hours}\", lines = 1, days = [{days}] }}")
    };
    for (shifts, zh, en) in [
        (
            "{ hours = \"20:00-18:00\", lines = 1 }".to_owned(),
            "每天 18:00-20:00",
            "every day 18:00-20:00",
        ),
        (
            [
                shift("00:00-24:00", "workday"),
                shift("10:00-24:00", "restday holiday"),
            ]
            .join(", "),
            "周末、节假日 00:00-10:00",
            "weekends, public holidays 00:00-10:00",
        ),
        (
            [
                shift("00:00-18:00", "workday"),
                shift("00:00-24:00", "restday holiday"),
            ]
            .join(", "),
            "工作日 18:00-24:00",
            "workdays 18:00-24:00",
        ),
        (
            shift("00:00-24:00", "mon tue wed thu fri"),
            "周六周日 00:00-24:00",
            "Sat and Sun 00:00-24:00",
        ),
        (
            shift("00:00-24:00", "mon wed thu fri sat sun"),
            "周二 00:00-24:00",
            "Tuesday 00:00-24:00",
        ),
        (
            [
                "00:00-01:00",
                "02:00-03:00",
                "04:00-05:00",
                "06:00-07:00",
                "08:00-24:00",
            ]
            .map(|hours| format!("{{ hours = {hours:?}, lines = 1 }}"))
            .join(", "),
            "每天 01:00-02:00，每天 03:00-04:00，每天 05:00-06:00，另有 1 处",
            "every day 01:00-02:00, every day 03:00-04:00, every day 05:00-06:00 and 1 more",
        ),
    ] {
        assert_eq!(told(&shifts), (zh.to_owned(), en.to_owned()), "{shifts}");
    }
}

#[test]
fn lists_without_effect_or_run_out_are_doubts() {
    let text = changed(
        "risk = true\ncounsellor = \"wang\"\ntags = [\"女性\"]\n",
        "",
    );
    let found = warnings(&text, None);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].message_zh, "这条号码没有任何作用");
    assert_eq!(found[0].message_en, "this entry has no effect");
    let told = |today| -> Vec<String> {
        let found = warnings(GOOD, today).into_iter();
        found
            .map(|it| it.message_en)
            .filter(|it| it.contains("run out"))
            .collect()
    };
    assert!(told(day(2027, 1, 1)).is_empty(), "the day itself is in it");
    assert_eq!(
        told(day(2027, 1, 2)),
        ["this has run out and no longer holds"]
    );
}

#[test]
fn marks_against_each_other_or_for_longer_than_a_year_are_doubts() {
    let entry = |until: &str| {
        format!(
            "{GOOD}\n[[numbers]]\nnumber = \"13500000000\"\nnuisance = true\nuntil = {until}\nreason = \"多次谩骂\"\n"
        )
    };
    doubts(
        &entry("2027-01-01").replace("\"13500000000\"", "\"13500000000\"\nrisk = true"),
        "[[numbers]]",
        "这条号码既是高危又是骚扰：高危优先，骚扰不起作用",
        "this entry is both risk and nuisance: risk goes first, nuisance has no effect",
    );
    let told = |until: &str| {
        let found = warnings(&entry(until), day(2026, 9, 1)).into_iter();
        found.map(|it| it.message_en).collect::<Vec<_>>()
    };
    assert_eq!(told("2027-09-01"), [] as [String; 0], "a year is in order");
    assert_eq!(
        told("2027-09-03"),
        ["a mark for nuisance of more than a year (366 days)"]
    );
}

#[test]
fn years_ahead_without_holidays_are_told() {
    let text = changed("days = [\"all\"]", "days = [\"workday\"]");
    let told = |today| -> Vec<String> {
        warnings(&text, today)
            .into_iter()
            .map(|it| it.message_en)
            .collect()
    };
    assert_eq!(told(day(2026, 6, 1)), [""; 0]);
    let year = "no holidays of 2027 are known: workdays and holidays of shifts go by weekday alone";
    assert_eq!(told(day(2026, 12, 1)), [year]);
    assert_eq!(
        warnings(GOOD, day(2026, 12, 1)),
        [],
        "nothing of it asks for workdays"
    );
}

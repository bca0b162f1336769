//! Each mistake in a section of routing, and what is said of it in both languages.

use super::{GOOD, changed, load};
use meishier_config::parse;

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
fn listed_numbers_that_nobody_calls_from_are_refused() {
    refuses(&[
        (
            "number = \"13312345678\"",
            "number = \"28881234\"",
            "固定电话没有写区号，永远对不上来电",
            "a landline without its area code: no caller would ever match it",
        ),
        (
            "number = \"13312345678\"",
            "number = \"12356\"",
            "这是热线自己的号码，不是来电者的",
            "this is the hotline's own number, not a caller's",
        ),
        (
            "number = \"13312345678\"",
            "number = \"+8685112356\"",
            "这是热线自己的号码，不是来电者的",
            "this is the hotline's own number, not a caller's",
        ),
        (
            "number = \"13312345678\"",
            "number = \"110\"",
            "这是紧急号码，不是来电者的",
            "this is an emergency number, not a caller's",
        ),
        (
            "number = \"13312345678\"",
            "number = \"0731-120\"",
            "这是紧急号码，不是来电者的",
            "this is an emergency number, not a caller's",
        ),
        (
            "number = \"13312345678\"",
            "number = \"12345\"",
            "号码太短，不是用户的号码",
            "this number is too short to be a subscriber's",
        ),
        (
            "number = \"13312345678\"",
            "number = \"0851-888\"",
            "号码太短，不是用户的号码",
            "this number is too short to be a subscriber's",
        ),
    ]);
}

#[test]
fn no_message_shows_a_listed_number() {
    let text = changed("number = \"13312345678\"", "number = \"小王13312345678\"");
    let errors = parse(&text, None).map(|_| ()).unwrap_err();
    assert!(!format!("{errors:?}").contains("133123"), "{errors:?}");
}

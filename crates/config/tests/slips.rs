//! Characters of a Chinese keyboard where TOML wants half-width ones are named, with what to type.

use meishier_config::{ConfigError, parse};

const GOOD: &str = include_str!("data/areas.toml");

fn mistakes(from: &str, to: &str) -> (String, Vec<ConfigError>) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    let found = parse(&text, None).map(|_| ()).unwrap_err();
    (text, found)
}

#[test]
fn each_full_width_character_is_named_with_its_remedy() {
    let slips = [
        ("risk = true", "risk ＝ true", '＝', '='),
        ("risk = true", "risk：true", '：', '='),
        ("risk = true", "risk　= true", '　', ' '),
        ("tags = [\"女性\"]", "tags = ［\"女性\"]", '［', '['),
        ("tags = [\"女性\"]", "tags = [\"女性\"］", '］', ']'),
        ("tags = [\"女性\"]", "tags = 【\"女性\"]", '【', '['),
        ("reason = \"在访\"", "reason = “在访”", '“', '"'),
        ("reason = \"在访\"", "reason = \"在访，再访”", '”', '"'),
        ("reason = \"在访\"", "reason = \"在访\"；", '；', ','),
        (
            "[\"085112345678\", \"13400000000\"]",
            "[\"085112345678\"，\"13400000000\"]",
            '，',
            ',',
        ),
        (
            "[\"085112345678\", \"13400000000\"]",
            "[\n\"085112345678\"、\n\"13400000000\"]",
            '、',
            ',',
        ),
        (
            "risk_calls_per_shift = 4",
            "risk_calls_per_shift = ４",
            '４',
            '4',
        ),
        (
            "until = 2027-01-01",
            "until = 2027-01-01T08：00:00",
            '：',
            ':',
        ),
        ("[care]", "［care]", '［', '['),
    ];
    for (from, to, typed, meant) in slips {
        let (text, found) = mistakes(from, to);
        let named = |it: &ConfigError| text[it.span.clone()].to_owned();
        let all: String = found.iter().map(named).collect();
        let quoted = if all == "“”" { "“" } else { &all };
        assert_eq!(quoted, typed.to_string(), "{to}: {found:?}");
        let (zh, en) = (&found[0].help_zh, &found[0].help_en);
        if meant == ' ' {
            assert_eq!(
                (zh.as_str(), en.as_str()),
                ("改成半角空格", "type an ordinary space")
            );
            continue;
        }
        assert!(found[0].message_zh.contains(typed), "{to}");
        assert!(found[0].message_en.contains(typed), "{to}");
        assert!(zh.ends_with(&format!("半角的 {meant}")), "{to}: {zh}");
        assert!(
            en.starts_with(&format!("type the half-width {meant},")),
            "{to}: {en}"
        );
    }
}

#[test]
fn full_width_characters_in_texts_and_comments_are_no_slips() {
    let text = GOOD.replacen(
        "reason = \"在访\"",
        "reason = \"“在访”，［每周］：是；\" # 说明：“随便”，写",
        1,
    );
    parse(&text, None).unwrap();
    let (_, found) = mistakes("risk = true", "risk = # 说明：“随便”，写");
    assert_eq!(
        found[0].message_zh, "TOML 语法错误：等号后面没有值，或文字没有放在引号里",
        "{found:?}"
    );
    assert!(found[0].help_zh.is_empty());
}

#[test]
fn the_commonest_words_of_the_parser_are_told_in_chinese() {
    let words = [
        ("tags = [\"女性\"]", "tags = [\"女性\""),
        ("tags = [\"女性\"]", "tags = [\"女性\" \"儿童\"]"),
        ("reason = \"在访\"", "reason = \"在访"),
        ("reason = \"在访\"", "reason = 在访"),
        ("reason = \"在访\"", "reason = \"在访\"\nreason = \"再访\""),
        ("reason = \"在访\"", "reason"),
        ("reason = \"在访\"", "= \"在访\""),
        ("reason = \"在访\"", "原因 = \"在访\""),
        ("reason = \"在访\"", "reason = "),
        ("[care]", "[care"),
        ("risk_calls_per_shift = 4", "risk_calls_per_shift = 04"),
        ("risk_calls_per_shift = 4", "risk_calls_per_shift = 4 5"),
    ];
    for (from, to) in words {
        let (_, found) = mistakes(from, to);
        for mistake in found {
            let said = mistake.message_zh.strip_prefix("TOML 语法错误：").unwrap();
            assert!(!said.is_ascii(), "{to}: {said}");
            assert!(mistake.message_en.starts_with("not TOML: "));
        }
    }
}

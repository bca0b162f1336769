//! The picture of a mistake: columns, long lines, secrets, letters that steer a terminal.

use meishier_config::{ConfigError, Lang, Sources};

/// The picture of a mistake about a part of a text.
fn drawn(text: &str, part: &str) -> String {
    let at = text.find(part).unwrap();
    let mistake = ConfigError {
        message_zh: String::new(),
        message_en: String::new(),
        help_zh: String::new(),
        help_en: String::new(),
        span: at..at + part.len(),
        also: None,
    };
    let out = Sources::one("f", text).render(&[mistake], Lang::En);
    let (_, picture) = out.split_once('\n').unwrap();
    picture.to_owned()
}

#[test]
fn full_width_letters_take_two_columns() {
    assert_eq!(
        drawn("a\ntitle = \"贵州（一）\" x", "（一）"),
        "  2 | title = \"贵州（一）\" x\n    |              ^^^^^^\n"
    );
    assert_eq!(drawn("贵\t= 1\r\n", "1"), "  1 | 贵 = 1\n    |      ^\n");
}

#[test]
fn what_steers_a_terminal_is_not_passed_on() {
    let out = drawn("a = \"\u{1b}[2J\u{202e}x\"", "x");
    assert_eq!(
        out,
        "  1 | a = \"\u{fffd}[2J\u{fffd}x\"\n    |           ^\n"
    );
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text = format!(
        "a = [{}\"here\"{}]",
        "\"贵\", ".repeat(300),
        ", 1".repeat(300)
    );
    let out = drawn(&text, "\"here\"");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].chars().count() < 120, "{out}");
    assert!(
        lines[0].contains("...") && lines[0].ends_with("..."),
        "{out}"
    );
    let before: String = lines[0].split("\"here\"").next().unwrap().to_owned();
    let columns = before.chars().count() + before.matches('贵').count();
    assert_eq!(lines[1].find('^'), Some(columns), "{out}");
    assert_eq!(lines[1].matches('^').count(), 6);
}

#[test]
fn secrets_are_masked_however_they_are_written() {
    for (text, part) in [
        ("password = \"geheim\"", "\"geheim\""),
        ("pasword = \"geheim\"", "pasword"),
        ("passwort = \"geheim\"", "passwort"),
        ("\"pin\" = \"geheim\"", "\"pin\""),
        ("http.token=\"geheim\"", "http"),
        ("x = { account = \"a\", pin = \"geheim\", b = 1 }", "b = 1"),
        ("密码 = \"geheim\"", "密码"),
        ("password = \"\"\"\ngeheim\n\"\"\"", "geheim"),
        ("pin = [\n  \"geheim\",\n]", "\"geheim\""),
        ("password =\n\n'geheim'", "'geheim'"),
    ] {
        let out = drawn(text, part);
        assert!(
            !out.contains("geheim") && out.contains("***"),
            "{text}\n{out}"
        );
    }
    let out = drawn("password = \"a\"\n[[seats]]\nname = \"b\"", "[[seats]]");
    assert!(out.contains("| [[seats]]"), "a header holds none: {out}");
}

#[test]
fn the_length_of_a_secret_is_not_shown() {
    let out = drawn("pin = \"12345678901234\"", "\"12345678901234\"");
    assert_eq!(out, "  1 | pin = ***\n    |       ^^^\n");
}

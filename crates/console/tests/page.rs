//! The desk in the browser: nothing from elsewhere, both languages, every word there.
#![allow(missing_docs)]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use support::{Answer, Mood, console, console_with};

fn words(page: &Answer) -> serde_json::Map<String, Value> {
    let (_, rest) = page
        .text
        .split_once(r#"<script type="application/json" id="words">"#)
        .unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str::<Value>(json)
        .unwrap()
        .as_object()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn the_desk_needs_no_token_loads_nothing_from_elsewhere_and_is_framed_by_nobody() {
    let console = console_with(Mood::Away, |app| app.token = Some("secret".into()));
    let page = console.get("/desk").await;
    assert_eq!(page.status.as_u16(), 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(
        page.text.contains("贵州 &lt;12356&gt;"),
        "names are escaped"
    );
    let script = console.get("/desk.js").await;
    let clock = console.get("/desk-clock.js").await;
    for it in [&script, &clock] {
        let kind = Some("text/javascript; charset=utf-8");
        assert_eq!(it.header("content-type"), kind);
    }
    let style = console.get("/desk.css").await;
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    for text in [&page.text, &script.text, &clock.text, &style.text] {
        for elsewhere in ["http://", "https://", "//cdn", "@import", "url("] {
            assert!(!text.contains(elsewhere), "{elsewhere}");
        }
        // Text of the API is never taken for markup.
        for markup in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!text.contains(markup), "{markup}");
        }
    }
}

#[tokio::test]
async fn every_word_is_there_in_both_languages() {
    let console = console(Mood::Fine);
    let (zh, en) = (
        console.get("/desk").await,
        console.get("/desk?lang=en").await,
    );
    assert!(zh.text.contains("lang=\"zh-CN\"") && en.text.contains("lang=\"en\""));
    let (zh_words, en_words) = (words(&zh), words(&en));
    assert!(zh_words.keys().eq(en_words.keys()));
    for (id, word) in &en_words {
        assert!(
            word.as_str()
                .is_some_and(|it| !it.is_empty() && it.is_ascii()),
            "{id}"
        );
        let chinese = zh_words[id].as_str().unwrap();
        assert!(!chinese.is_ascii(), "{id}: {chinese}");
        let holes = |text: &str| -> BTreeSet<String> {
            let parts = text.split('{').skip(1);
            parts.map(|it| it.chars().take(1).collect()).collect()
        };
        assert_eq!(holes(chinese), holes(word.as_str().unwrap()), "{id}");
    }
    // No place of the page is left unfilled.
    for page in [&zh, &en] {
        let (page, _) = page.text.split_once("<script type=").unwrap();
        assert!(!page.contains('{'), "{page}");
    }
}

/// What stands in quotes behind `before` in the script.
fn asked_for<'a>(script: &'a str, before: &str) -> BTreeSet<&'a str> {
    let parts = script.split(before).skip(1);
    parts.filter_map(|it| it.split('"').next()).collect()
}

#[tokio::test]
async fn the_script_asks_for_words_and_places_that_there_are() {
    let console = console(Mood::Fine);
    let page = console.get("/desk").await;
    let script = console.get("/desk.js").await.text;
    assert!(!script.contains("place="), "no place stands in an address");
    let words = words(&page);
    let used = asked_for(&script, " w(\"");
    assert!(used.len() > 10, "{used:?}");
    for id in used {
        assert!(words.contains_key(id), "{id}");
    }
    let places = asked_for(&script, "at(\"");
    for id in places.iter().filter(|id| !id.ends_with('-')) {
        let made = script.contains(&format!("{{ id: \"{id}\""));
        assert!(made || page.text.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

/// Every value that the API can show has a word, and every fact a field.
#[tokio::test]
async fn every_state_mode_manner_role_and_fact_has_a_word() {
    use meishier_engine::api::{Phase, RecordingState, SeatState};
    use meishier_engine::transfer::dossier::{Facts, Hazard, Level};
    use meishier_engine::transfer::{Manner, Mode, Role, State};
    let page = console(Mood::Fine).get("/desk").await;
    let words = words(&page);
    let name = |value: Value| value.as_str().unwrap().to_owned();
    let states = [
        State::Asking,
        State::Dialling,
        State::Briefing,
        State::Apart,
        State::Joined,
        State::Confirmed,
        State::Over,
    ];
    let manners = [Manner::Warm, Manner::Consult, Manner::Quiet, Manner::Blind];
    let modes = [
        Mode::Full,
        Mode::Aside,
        Mode::Listen,
        Mode::Whisper,
        Mode::Desk,
        Mode::Back,
        Mode::Held,
    ];
    let roles = [
        Role::Target,
        Role::SecondLine,
        Role::Supervisor,
        Role::Caller,
    ];
    let mut wanted: Vec<String> = Vec::new();
    wanted.extend(states.map(|it| format!("state_{}", name(serde_json::to_value(it).unwrap()))));
    wanted.extend(manners.map(|it| format!("manner_{}", name(serde_json::to_value(it).unwrap()))));
    wanted.extend(modes.map(|it| format!("mode_{}", it.as_str())));
    wanted.extend(roles.map(|it| format!("role_{}", it.as_str())));
    let levels = [Level::Low, Level::Medium, Level::High, Level::Acting];
    wanted.extend(levels.map(|it| format!("level_{}", name(serde_json::to_value(it).unwrap()))));
    let hazards = Hazard::ALL.map(|it| name(serde_json::to_value(it).unwrap()));
    wanted.extend(hazards.iter().map(|it| format!("hazards_{it}")));
    wanted.extend(RecordingState::ALL.map(|it| format!("recording_{}", it.as_str())));
    wanted.extend(SeatState::ALL.map(|it| format!("seat_{}", it.as_str())));
    let facts = serde_json::to_value(Facts::default()).unwrap();
    let script = console(Mood::Fine).get("/desk.js").await.text;
    for field in facts.as_object().unwrap().keys() {
        assert!(script.contains(&format!("[\"{field}\", \"")), "{field}");
        wanted.push(format!("fact_{field}"));
    }
    for hazard in hazards {
        assert!(script.contains(&format!("\"{hazard}\"")), "{hazard}");
    }
    wanted.extend(Phase::ALL.map(|it| format!("phase_{}", it.as_str())));
    for id in wanted {
        assert!(words.contains_key(&id), "{id}");
    }
}

#[tokio::test]
async fn alarms_speak_up_and_the_place_says_what_it_was_taken_for() {
    let page = console(Mood::Fine).get("/desk").await.text;
    assert!(page.contains(r#"<div id="alarms" role="alert" aria-live="assertive">"#));
    assert!(page.contains(r#"<div id="gone" role="alert">"#));
    assert!(page.contains(r#"<div id="link" role="alert">"#));
    assert!(page.contains(r#"<label for="place">"#));
    assert!(page.contains(r#"aria-describedby="settled""#));
}

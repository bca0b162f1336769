//! Third parties of a call: keys, wishes, who hears whom; and what of it is written down.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use meishier_console::{KeyInfo, NotReloaded, Reachable, Reached, Reloaded, TableInfo, Tables};
use meishier_engine::api::{Command, CommandError, Press, ThirdWish, Who};
use meishier_engine::routing::Hours;
use meishier_engine::transfer::{KeyKind, Manner, Mode, ThirdId};
use meishier_model::SeatId;
use meishier_records::Store;
use serde_json::json;
use std::sync::Arc;
use support::{Console, JSON, Mood, call_id, console, console_with};

fn path(rest: &str) -> String {
    format!("/api/v1/calls/{}/{rest}", call_id())
}

/// A store of its own for each test; the folder lasts as long as the value.
async fn audited(mood: Mood) -> (Console, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records")).await.unwrap();
    let console = console_with(mood, |app| app.store = Some(store));
    (console, folder)
}

#[tokio::test]
async fn a_key_is_pressed_for_a_place_in_a_manner() {
    let console = console(Mood::Fine);
    for body in [
        r#"{"key":"12345","place":"贵阳","manner":"consult"}"#,
        r#"{"key":"12345","city":"贵阳","manner":"consult"}"#,
    ] {
        let answer = console.post(&path("transfer"), body).await;
        assert_eq!(answer.status, S::ACCEPTED, "{}", answer.text);
        let press = Press {
            key: "12345".into(),
            place: "贵阳".into(),
            manner: Some(Manner::Consult),
        };
        let call = call_id();
        assert_eq!(console.asked(), [Command::Transfer { call, press }]);
    }
    console.post(&path("transfer"), r#"{"key":"110"}"#).await;
    assert_eq!(console.asked(), [Command::press(call_id(), "110", "")]);
}

#[tokio::test]
async fn each_wish_reaches_its_third_party() {
    let console = console(Mood::Fine);
    let cases = [
        (r#"{"wish":"cancel"}"#, ThirdWish::Cancel),
        (r#"{"wish":"join"}"#, ThirdWish::Join),
        (r#"{"wish":"confirm"}"#, ThirdWish::Confirm),
        (
            r#"{"wish":"settle","city":"贵州贵阳"}"#,
            ThirdWish::Settle("贵州贵阳".into()),
        ),
    ];
    for (body, wish) in cases {
        let answer = console.post(&path("thirds/2"), body).await;
        assert_eq!(answer.status, S::NO_CONTENT, "{body}: {}", answer.text);
        let command = Command::Third {
            call: call_id(),
            third: Some(ThirdId(2)),
            wish,
        };
        assert_eq!(console.asked(), [command]);
    }
    for body in [
        r#"{"wish":"settle"}"#,
        r#"{"wish":"settle","city":" "}"#,
        r#"{"wish":"join","city":"贵阳"}"#,
        r#"{"wish":"dance"}"#,
        r#"{}"#,
    ] {
        let answer = console.post(&path("thirds/2"), body).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
    }
    for number in ["256", "-1", "x"] {
        let path = path(&format!("thirds/{number}"));
        let answer = console.post(&path, r#"{"wish":"join"}"#).await;
        assert_eq!(answer.code(), "no_transfer", "{number}");
    }
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn who_hears_whom_is_changed_and_the_counsellor_leaves() {
    let (console, _folder) = audited(Mood::Fine).await;
    let call = call_id();
    let seen = |thirds: &[u8]| Command::AlarmSeen {
        call,
        thirds: thirds.iter().copied().map(ThirdId).collect(),
    };
    let cases = [
        ("caller", "held", Who::Caller, Mode::Held),
        ("counsellor", "full", Who::Counsellor, Mode::Full),
        ("3", "back", Who::Third(ThirdId(3)), Mode::Back),
        ("3", "listen", Who::Third(ThirdId(3)), Mode::Listen),
    ];
    for (name, word, who, mode) in cases {
        let body = format!(r#"{{"mode":"{word}"}}"#);
        let answer = console
            .post(&path(&format!("parties/{name}/mode")), &body)
            .await;
        assert_eq!(answer.status, S::NO_CONTENT, "{}", answer.text);
        assert_eq!(console.asked(), [Command::Hear { call, who, mode }]);
    }
    for (rest, command) in [
        ("leave", Command::Leave { call }),
        ("alarms/seen", seen(&[])),
    ] {
        let answer = console.ask("POST", &path(rest), &[], "").await;
        assert_eq!(answer.status, S::NO_CONTENT, "{rest}: {}", answer.text);
        assert_eq!(console.asked(), [command]);
    }
    for (body, thirds) in [("{}", &[][..]), (r#"{"thirds":[2,3]}"#, &[2, 3])] {
        let answer = console.post(&path("alarms/seen"), body).await;
        assert_eq!(answer.status, S::NO_CONTENT, "{body}: {}", answer.text);
        assert_eq!(console.asked(), [seen(thirds)]);
    }
    // What is not understood is not taken for all of them.
    let answer = console.post(&path("alarms/seen"), r#"{"third":2}"#).await;
    assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY);
    assert!(console.asked().is_empty());
    let answer = console
        .post(&path("parties/3/mode"), r#"{"mode":"loud"}"#)
        .await;
    assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY);
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn a_recording_is_stopped_with_a_reason() {
    let (console, _folder) = audited(Mood::Fine).await;
    let body = r#"{"on":false,"reason":" 来电者要求不录音 "}"#;
    let answer = console.post(&path("recording"), body).await;
    assert_eq!(answer.status, S::NO_CONTENT, "{}", answer.text);
    let command = Command::Record {
        call: call_id(),
        on: false,
        reason: "来电者要求不录音".into(),
    };
    assert_eq!(console.asked(), [command]);
    let entry = console.get("/api/v1/audit").await.json()["entries"][0].clone();
    assert_eq!(
        (&entry["what"], &entry["detail"]),
        (&json!("recording"), &json!({"on": false}))
    );
    for body in [
        r#"{"on":false,"reason":" "}"#,
        r#"{"on":false}"#,
        r#"{"reason":"x"}"#,
    ] {
        let answer = console.post(&path("recording"), body).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn a_supervisor_is_called_in_once_it_is_written_down() {
    let (console, _folder) = audited(Mood::Fine).await;
    for (word, mode) in [
        ("listen", Mode::Listen),
        ("whisper", Mode::Whisper),
        ("full", Mode::Full),
    ] {
        let body = format!(r#"{{"seat":"gy02","mode":"{word}"}}"#);
        let answer = console.post(&path("supervise"), &body).await;
        assert_eq!(answer.status, S::ACCEPTED, "{}", answer.text);
        assert_eq!(answer.json()["third"], 1);
        let (call, seat) = (call_id(), SeatId(2));
        assert_eq!(console.asked(), [Command::Supervise { call, seat, mode }]);
        let entry = console.get("/api/v1/audit").await.json()["entries"][0].clone();
        assert_eq!(entry["what"], "supervise");
        assert_eq!(entry["detail"], json!({"seat": "gy02", "mode": word}));
    }
    let nowhere = r#"{"seat":"nowhere","mode":"listen"}"#;
    let answer = console.post(&path("supervise"), nowhere).await;
    assert_eq!(answer.code(), "unknown_seat");
    console.app.store.as_ref().unwrap().close().await;
    let barge = r#"{"seat":"gy02","mode":"full"}"#;
    let answer = console.post(&path("supervise"), barge).await;
    assert_eq!(answer.code(), "records_unavailable");
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn refusals_have_words_in_both_languages() {
    let cases = [
        (CommandError::TransferElsewhere, 409, "transfer_elsewhere"),
        (CommandError::MannerNotAllowed, 422, "manner_not_allowed"),
        (CommandError::ModeNotAllowed, 422, "mode_not_allowed"),
        (CommandError::ConferenceFull, 409, "conference_full"),
        (CommandError::NotConfirmed, 409, "not_confirmed"),
        (CommandError::SeatTakesCalls, 409, "seat_takes_calls"),
    ];
    for (error, status, code) in cases {
        let console = console(Mood::Refuses(error));
        let zh = console.post(&path("leave"), "").await;
        assert_eq!((zh.status.as_u16(), zh.code().as_str()), (status, code));
        assert!(!zh.message().is_ascii(), "{}", zh.message());
        let en = console.post(&path("leave?lang=en"), "").await;
        assert!(en.message().is_ascii(), "{}", en.message());
    }
}

#[tokio::test]
async fn what_is_done_in_a_call_is_written_down() {
    let (console, _folder) = audited(Mood::Fine).await;
    let as_account = [JSON[0], ("x-meishier-account", "c001")];
    let press = r#"{"key":"110","place":"贵阳市观山湖区某小区"}"#;
    console
        .ask("POST", &path("transfer"), &as_account, press)
        .await;
    // Whoever nobody knows is not written down as somebody.
    let stranger = [JSON[0], ("x-meishier-account", "nobody")];
    let listen = r#"{"mode":"listen"}"#;
    console
        .ask("POST", &path("parties/2/mode"), &stranger, listen)
        .await;
    let answer = console.get("/api/v1/audit").await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    assert!(!answer.text.contains("小区"), "{}", answer.text);
    let entries = answer.json()["entries"].clone();
    let call = call_id().to_string();
    assert_eq!(entries[0]["what"], "mode");
    assert_eq!(entries[0]["by"], json!(null));
    assert_eq!(
        entries[0]["detail"],
        json!({"party": "2", "mode": "listen"})
    );
    assert_eq!(entries[1]["what"], "key");
    assert_eq!(
        (&entries[1]["by"], &entries[1]["call"]),
        (&json!("c001"), &json!(call))
    );
    assert_eq!(entries[1]["at_ms"], support::NOW.0);
    assert_eq!(
        entries[1]["detail"],
        json!({"key": "110", "third": 1, "dialled": "0851110"})
    );
    let of_other = console.get("/api/v1/audit?call=0000000000000001").await;
    assert_eq!(of_other.json()["entries"], json!([]));
    let one = console
        .get(&format!("/api/v1/audit?call={call}&limit=1&offset=1"))
        .await;
    assert_eq!(one.json()["entries"][0], entries[1]);
    for query in ["limit=0", "limit=501", "offset=-1", "page=1"] {
        let answer = console.get(&format!("/api/v1/audit?{query}")).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test]
async fn a_refused_attempt_is_written_down_as_well() {
    let (console, _folder) = audited(Mood::Refuses(CommandError::NotConfirmed)).await;
    console.post(&path("leave"), "").await;
    console
        .post(&path("parties/2/mode"), r#"{"mode":"whisper"}"#)
        .await;
    let entries = console.get("/api/v1/audit").await.json()["entries"].clone();
    let refused = "not_confirmed";
    assert_eq!(entries[2]["detail"], json!({ "refused": refused }));
    assert_eq!(
        entries[0]["detail"],
        json!({"party": "2", "mode": "whisper", "refused": refused})
    );
    assert_eq!(entries.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn nobody_listens_unless_it_can_be_written_down_and_help_is_called_all_the_same() {
    let (console, _folder) = audited(Mood::Fine).await;
    console.app.store.as_ref().unwrap().close().await;
    for mode in ["listen", "whisper", "desk"] {
        let body = format!(r#"{{"mode":"{mode}"}}"#);
        let answer = console.post(&path("parties/2/mode"), &body).await;
        assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
        assert_eq!(answer.code(), "records_unavailable");
    }
    assert!(console.asked().is_empty());
    let answer = console.post(&path("transfer"), r#"{"key":"110"}"#).await;
    assert_eq!(answer.status, S::ACCEPTED);
}

/// A configuration with two keys.
struct Two;

impl Tables for Two {
    fn current(&self) -> TableInfo {
        TableInfo::default()
    }

    fn reload(&self) -> Reachable<'_, Result<Reloaded, NotReloaded>> {
        Box::pin(async { Err(NotReloaded::NoFiles) })
    }

    fn keys(&self) -> Vec<KeyInfo> {
        let key = |name: &str, kind, manners: &[Manner]| KeyInfo {
            name: name.into(),
            title: "公安报警".into(),
            kind,
            emergency: kind == KeyKind::Emergency,
            manners: manners.to_vec(),
            by_place: kind == KeyKind::Emergency,
            star: if name == "110" { "110" } else { "" }.into(),
        };
        vec![
            key("110", KeyKind::Emergency, &[Manner::Warm, Manner::Quiet]),
            key("second", KeyKind::SecondLine, &[Manner::Consult]),
        ]
    }

    fn reach(&self, key: &str, place: &str) -> Result<Reached, CommandError> {
        match (key, place) {
            ("110", "贵阳") => Ok(Reached {
                dialled: "0851110".into(),
                city: "贵州贵阳".into(),
                reason: "按事发地".into(),
            }),
            ("110", _) => Err(CommandError::AmbiguousCity(vec!["甲".into(), "乙".into()])),
            _ => Err(CommandError::UnknownKey),
        }
    }

    fn call_back_hours(&self) -> Hours {
        Hours::ALL_DAY
    }
}

#[tokio::test]
async fn desks_learn_the_keys_and_whom_they_would_reach() {
    let console = console_with(Mood::Fine, |app| app.tables = Some(Arc::new(Two)));
    let keys = console.get("/api/v1/keys").await.json()["keys"].clone();
    assert_eq!(
        keys[0],
        json!({"name":"110","title":"公安报警","kind":"emergency","emergency":true,
            "manners":["warm","quiet"],"by_place":true,"star":"110"})
    );
    assert_eq!(keys[1]["kind"], "second_line");
    let target = "/api/v1/keys/110/target";
    let at = |place: &str| json!({ "place": place }).to_string();
    let found = console
        .post(&format!("{target}?lang=zh"), &at("贵阳"))
        .await;
    assert_eq!(found.status, S::OK, "{}", found.text);
    assert_eq!(found.json()["dialled"], "0851110");
    assert_eq!(found.json()["city"], "贵州贵阳");
    let several = console.post(target, &at("x")).await;
    assert_eq!(several.code(), "ambiguous_city");
    assert_eq!(several.json()["error"]["candidates"], json!(["甲", "乙"]));
    let none = console.post("/api/v1/keys/999/target", &at("x")).await;
    assert_eq!(none.code(), "unknown_key");
    let long = at(&"x".repeat(257));
    assert_eq!(console.post(target, &long).await.code(), "invalid");
    assert_eq!(console.post(target, "{}").await.code(), "invalid");
    // No address has a place in it.
    let asked = console.get(&format!("{target}?place=x")).await;
    assert_eq!(asked.code(), "method_not_allowed");
    let without = support::console(Mood::Fine);
    assert_eq!(
        without.get("/api/v1/keys").await.status,
        S::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn all_of_it_needs_the_token() {
    let console = console_with(Mood::Fine, |app| app.token = Some("secret".into()));
    for (method, path) in [
        ("POST", path("thirds/1").as_str()),
        ("POST", &path("parties/1/mode")),
        ("POST", &path("leave")),
        ("POST", &path("alarms/seen")),
        ("POST", &path("recording")),
        ("POST", &path("supervise")),
        ("GET", "/api/v1/keys"),
        ("POST", "/api/v1/keys/110/target"),
        ("POST", &path("reveal")),
        ("POST", "/api/v1/records/0000000000000001/reveal"),
        ("GET", "/api/v1/audit"),
    ] {
        let answer = console.ask(method, path, JSON, "{}").await;
        assert_eq!(answer.status, S::UNAUTHORIZED, "{method} {path}");
    }
    assert!(console.asked().is_empty());
}

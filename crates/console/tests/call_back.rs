//! Calling back who hung up: asked for, written down, refused in words, and never with the number where
//! that may not be.
#![allow(missing_docs)]

mod support;
#[path = "../../records/tests/support/mod.rs"]
mod written;

use axum::http::StatusCode as S;
use meishier_console::{KeyInfo, NotReloaded, Reachable, Reached, Reloaded, TableInfo, Tables};
use meishier_engine::api::{Command, CommandError};
use meishier_engine::routing::Hours;
use meishier_engine::transfer::call_back::Refused;
use meishier_model::{CallBackRecord, CallId, CallRecord, DialString, Wall};
use meishier_records::{Store, Writer};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Console, JSON, Mood, call_id, console_with};

const REASON: &str = r#"{"reason":"按同意回拨"}"#;
/// The engine's time is 06:03 in Beijing; 09:00 of that day.
const NINE: i64 = 1_763_773_200_000;

/// A configuration with these hours.
struct House(&'static str);

impl Tables for House {
    fn current(&self) -> TableInfo {
        TableInfo::default()
    }

    fn reload(&self) -> Reachable<'_, Result<Reloaded, NotReloaded>> {
        Box::pin(async { Err(NotReloaded::NoFiles) })
    }

    fn keys(&self) -> Vec<KeyInfo> {
        Vec::new()
    }

    fn reach(&self, _: &str, _: &str) -> Result<Reached, CommandError> {
        Err(CommandError::UnknownKey)
    }

    fn call_back_hours(&self) -> Hours {
        Hours::parse(self.0).unwrap()
    }
}

async fn house(mood: Mood, hours: &'static str) -> (Console, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records")).await.unwrap();
    let console = console_with(mood, |app| {
        app.store = Some(store);
        app.tables = Some(Arc::new(House(hours)));
    });
    (console, folder)
}

fn path() -> String {
    format!("/api/v1/calls/{}/call-back", call_id())
}

async fn entries(console: &Console) -> Value {
    console.get("/api/v1/audit").await.json()["entries"].clone()
}

/// The record of a call that is over, of which this was said.
async fn over(console: &Console, said: CallBackRecord) -> Value {
    let record = CallRecord {
        call: CallId(9),
        caller: DialString::new("13900006666"),
        call_back: Some(Box::new(said)),
        ..written::bare(9)
    };
    let writer = Writer::start(console.app.store.clone().unwrap(), 4);
    writer.try_write(Box::new(record)).unwrap();
    writer.flush().await.unwrap();
    console.get("/api/v1/tasks").await.json()["tasks"].clone()
}

fn owed() -> CallBackRecord {
    CallBackRecord {
        consent: Some(Wall(7)),
        note: "只找小王".into(),
        number: true,
        since: Some(Wall(8)),
        ..CallBackRecord::default()
    }
}

#[tokio::test]
async fn the_caller_is_called_back_with_the_words_for_whoever_answers() {
    let (console, _folder) = house(Mood::Fine, "09:00-21:00").await;
    let headers = [("x-meishier-account", "c001")];
    let answer = console.ask("POST", &path(), &headers, "").await;
    assert_eq!(answer.status, S::ACCEPTED, "{}", answer.text);
    let body = answer.json();
    assert_eq!(
        (&body["third"], &body["dialled"]),
        (&json!(2), &json!("139****6666"))
    );
    assert_eq!(console.asked(), [Command::CallBack { call: call_id() }]);
    let words = body["words"].as_array().unwrap();
    let ids: Vec<&str> = words.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "listen", "ask", "person", "another", "pressed", "mailbox", "confirm"
        ]
    );
    assert!(words[3]["text"].as_str().unwrap().contains("他人接听"));
    let entries = entries(&console).await;
    assert_eq!(
        (&entries[0]["what"], &entries[0]["by"]),
        (&json!("call_back"), &json!("c001"))
    );
}

#[tokio::test]
async fn the_words_name_no_service_and_are_there_in_both_languages() {
    let (console, _folder) = house(Mood::Fine, "09:00-21:00").await;
    let zh = console.get("/api/v1/call-back/words").await.json()["words"].clone();
    let en = console.get("/api/v1/call-back/words?lang=en").await.json()["words"].clone();
    assert_eq!(zh.as_array().unwrap().len(), en.as_array().unwrap().len());
    for (zh, en) in zh.as_array().unwrap().iter().zip(en.as_array().unwrap()) {
        assert_eq!(zh["id"], en["id"]);
        let (zh, en) = (zh["text"].as_str().unwrap(), en["text"].as_str().unwrap());
        assert!(!zh.is_ascii() && en.is_ascii(), "{zh} {en}");
        // What is to be said stands between quotation marks.
        for said in [zh.split(['“', '”']).nth(1), en.split('"').nth(1)]
            .into_iter()
            .flatten()
        {
            for told in [
                "12356", "热线", "心理", "咨询", "自杀", "hotline", "counsel", "suicide",
            ] {
                assert!(!said.to_lowercase().contains(told), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_called_back_without_an_entry_in_the_audit() {
    let (console, _folder) = house(Mood::Fine, "00:00-24:00").await;
    console.app.store.as_ref().unwrap().close().await;
    let answer = console.ask("POST", &path(), &[], "").await;
    assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn each_refusal_says_why_and_from_when_on_it_may_be() {
    let next = Wall(NINE);
    let cases = [
        (
            CommandError::CallBack(Refused::NoConsent),
            S::FORBIDDEN,
            "no_consent",
            "同意",
            "consent",
        ),
        (
            CommandError::CallBack(Refused::NoNumber),
            S::CONFLICT,
            "no_number",
            "号码",
            "number",
        ),
        (
            CommandError::CallBack(Refused::UnsafeHours { next }),
            S::CONFLICT,
            "unsafe_hours",
            "09:00",
            "09:00",
        ),
        (
            CommandError::CallerThere,
            S::CONFLICT,
            "caller_there",
            "通话中",
            "still there",
        ),
        (
            CommandError::CallBackRunning,
            S::CONFLICT,
            "call_back_running",
            "回拨",
            "being called",
        ),
        (
            CommandError::CallBackSpent,
            S::CONFLICT,
            "call_back_spent",
            "次数",
            "as often",
        ),
        (
            CommandError::UnknownCall,
            S::NOT_FOUND,
            "unknown_call",
            "没有",
            "no such call",
        ),
    ];
    for (error, status, code, zh, en) in cases {
        let (console, _folder) = house(Mood::Refuses(error), "09:00-21:00").await;
        let answer = console.ask("POST", &path(), &[], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert!(answer.message().contains(zh), "{}", answer.message());
        let wanted = (code == "unsafe_hours").then_some(NINE);
        assert_eq!(answer.json()["error"]["next_ms"].as_i64(), wanted);
        let english = console
            .ask("POST", &format!("{}?lang=en", path()), &[], "")
            .await;
        assert!(english.message().contains(en), "{}", english.message());
        assert_eq!(entries(&console).await[0]["detail"]["refused"], code);
    }
}

#[tokio::test]
async fn who_was_not_reached_is_a_task_whose_number_is_shown_in_safe_hours() {
    let (console, _folder) = house(Mood::Fine, "06:00-21:00").await;
    let tasks = over(&console, owed()).await;
    assert_eq!(
        (&tasks[0]["kind"], tasks.as_array().unwrap().len()),
        (&json!("call_back"), 1)
    );
    assert!(!tasks.to_string().contains("13900006666"));
    let of = format!("/api/v1/tasks/{}/call-back", tasks[0]["id"]);
    let headers = [JSON[0], ("x-meishier-account", "c001")];
    let answer = console.ask("POST", &of, &headers, REASON).await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["caller"], "13900006666");
    assert_eq!(body["note"], "只找小王");
    assert_eq!(body["words"].as_array().unwrap().len(), 7);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let entry = entries(&console).await[0].clone();
    assert_eq!(
        (&entry["what"], &entry["by"]),
        (&json!("call_back_number"), &json!("c001"))
    );
    assert_eq!(entry["call"], CallId(9).to_string());
    // The record says when the caller agreed, and not for whom to ask.
    let record = console.get(&format!("/api/v1/records/{}", CallId(9))).await;
    let said = json!({"consent_ms":7,"hours":"","since_ms":8,"reached":false});
    assert_eq!(record.json()["call_back"], said);
    assert!(!record.text.contains("小王"));
    for body in ["{}", r#"{"reason":" "}"#] {
        assert_eq!(
            console.post(&of, body).await.status,
            S::UNPROCESSABLE_ENTITY
        );
    }
    // Done is done.
    let done = console
        .ask(
            "POST",
            &format!("/api/v1/tasks/{}/done", tasks[0]["id"]),
            &[],
            "",
        )
        .await;
    assert_eq!(done.status, S::NO_CONTENT);
    assert_eq!(console.post(&of, REASON).await.code(), "unknown_task");
    assert_eq!(
        console
            .post("/api/v1/tasks/77/call-back", REASON)
            .await
            .code(),
        "unknown_task"
    );
    assert!(
        console.asked().is_empty(),
        "the engine has nothing to do with it"
    );
}

#[tokio::test]
async fn the_number_of_a_task_is_not_shown_in_unsafe_hours() {
    let own = CallBackRecord {
        hours: "22:00-23:00".into(),
        ..owed()
    };
    // 06:03 in Beijing; the caller's own hours are those of the evening before and after.
    let evening = NINE + 13 * 3_600_000;
    for (said, hours, next) in [(owed(), "09:00-21:00", NINE), (own, "00:00-24:00", evening)] {
        let (console, _folder) = house(Mood::Fine, hours).await;
        let tasks = over(&console, said).await;
        let of = format!("/api/v1/tasks/{}/call-back", tasks[0]["id"]);
        let answer = console.post(&of, REASON).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (S::CONFLICT, "unsafe_hours")
        );
        assert_eq!(answer.json()["error"]["next_ms"], next);
        assert!(!answer.text.contains("13900006666"));
        let entry = entries(&console).await[0].clone();
        assert_eq!(entry["detail"]["refused"], "unsafe_hours");
    }
}

#[tokio::test]
async fn without_consent_there_is_no_task_and_no_number() {
    let (console, _folder) = house(Mood::Fine, "00:00-24:00").await;
    let said = CallBackRecord {
        consent: None,
        ..owed()
    };
    assert_eq!(over(&console, said).await, json!([]));
    let answer = console.post("/api/v1/tasks/1/call-back", REASON).await;
    assert_eq!(answer.code(), "unknown_task");
}

//! The caller's number in full: only for a reason, and written down before.
#![allow(missing_docs)]

mod support;
#[path = "../../records/tests/support/mod.rs"]
mod written;

use axum::http::StatusCode as S;
use meishier_engine::api::{Command, CommandError};
use meishier_model::{CallId, CallRecord, DialString};
use meishier_records::{Store, Writer};
use serde_json::json;
use support::{Console, JSON, Mood, call_id, console_with};

const REASON: &str = r#"{"reason":" 来电中断，按同意回拨 "}"#;

async fn audited(mood: Mood) -> (Console, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records")).await.unwrap();
    let console = console_with(mood, |app| app.store = Some(store));
    (console, folder)
}

fn path(of: &str) -> String {
    format!("/api/v1/{of}/{}/reveal", call_id())
}

async fn entries(console: &Console) -> serde_json::Value {
    console.get("/api/v1/audit").await.json()["entries"].clone()
}

#[tokio::test]
async fn a_number_is_shown_for_a_reason_that_is_written_down() {
    let (console, _folder) = audited(Mood::Fine).await;
    let headers = [JSON[0], ("x-meishier-account", "c001")];
    let answer = console.ask("POST", &path("calls"), &headers, REASON).await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    assert_eq!(answer.json(), json!({ "caller": "13900006666" }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(console.asked(), [Command::Reveal { call: call_id() }]);
    let entries = entries(&console).await;
    assert_eq!(entries.as_array().unwrap().len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (&entry["what"], &entry["by"]),
        (&json!("reveal"), &json!("c001"))
    );
    assert_eq!(entry["detail"], json!({"reason": "来电中断，按同意回拨"}));
    let long = json!({ "reason": "长".repeat(201) }).to_string();
    for body in ["{}", r#"{"reason":" "}"#, &long] {
        for of in ["calls", "records"] {
            let answer = console.post(&path(of), body).await;
            assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
        }
    }
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn without_an_entry_nothing_is_shown() {
    let (console, _folder) = audited(Mood::Fine).await;
    console.app.store.as_ref().unwrap().close().await;
    for of in ["calls", "records"] {
        let answer = console.post(&path(of), REASON).await;
        assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
        assert!(!answer.text.contains("13900006666"));
    }
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn a_withheld_number_is_refused_and_that_is_written_down() {
    let (console, _folder) = audited(Mood::Refuses(CommandError::NumberWithheld)).await;
    let zh = console.post(&path("calls"), REASON).await;
    assert_eq!(
        (zh.status, zh.code().as_str()),
        (S::CONFLICT, "number_withheld")
    );
    assert!(zh.message().contains("紧急转接键"), "{}", zh.message());
    let en = console
        .post(&format!("{}?lang=en", path("calls")), REASON)
        .await;
    assert!(en.message().contains("emergency key"), "{}", en.message());
    let refused = entries(&console).await[0]["detail"]["refused"].clone();
    assert_eq!(refused, "number_withheld");
}

#[tokio::test]
async fn the_record_of_a_finished_call_has_it_too() {
    let (console, _folder) = audited(Mood::Fine).await;
    let writer = Writer::start(console.app.store.clone().unwrap(), 4);
    for (n, caller) in [(1, "13900006666"), (2, "")] {
        let record = CallRecord {
            call: CallId(n),
            caller: DialString::new(caller),
            ..written::bare(n)
        };
        writer.try_write(Box::new(record)).unwrap();
    }
    writer.flush().await.unwrap();
    let of = |n: u64| format!("/api/v1/records/{}/reveal", CallId(n));
    let shown = console.post(&of(1), REASON).await;
    assert_eq!(
        shown.json(),
        json!({ "caller": "13900006666" }),
        "{}",
        shown.text
    );
    assert_eq!(console.post(&of(2), REASON).await.code(), "number_withheld");
    assert_eq!(console.post(&of(3), REASON).await.code(), "unknown_call");
    let entries = entries(&console).await;
    assert_eq!(entries.as_array().unwrap().len(), 3, "every attempt");
    assert_eq!(entries[2]["what"], "reveal_record");
    assert!(console.asked().is_empty());
}

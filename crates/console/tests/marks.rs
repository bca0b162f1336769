//! Marks of numbers: added, reviewed, taken back; never a whole number on the way out.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use meishier_engine::routing::{Fact, Note};
use meishier_model::{CallId, DialString, MarkKind, NumberMark, Wall};
use meishier_records::Store;
use serde_json::json;
use support::{Answer, Console, JSON, Mood, NOW, call_id, console, console_with};
use tempfile::TempDir;

const MARKS: &str = "/api/v1/marks";
const LATER: i64 = NOW.0 + 86_400_000;

async fn kept(mood: Mood) -> (Console, Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records.db")).await.unwrap();
    let console = console_with(mood, |app| app.store = Some(store.clone()));
    (console, store, folder)
}

async fn put(console: &Console, number: &str, kind: &str, until: i64) -> Answer {
    let body =
        json!({"number":number,"kind":kind,"until_ms":until,"reason":"家属来电","by":"督导"});
    console.ask("PUT", MARKS, JSON, body.to_string()).await
}

fn remembered(console: &Console) -> Vec<Note> {
    console.engine.remembered.lock().unwrap().clone()
}

#[tokio::test]
async fn a_mark_by_hand_counts_at_once_and_is_kept() {
    let (console, store, _folder) = kept(Mood::Fine).await;
    let answer = put(&console, "+86 139-0000-1234", "risk", LATER).await;
    assert_eq!(answer.status, S::CREATED, "{}", answer.text);
    let mark = answer.json();
    assert_eq!(mark["number"], DialString::new("13900001234").masked());
    assert_eq!(
        (&mark["kind"], &mark["until_ms"]),
        (&json!("risk"), &json!(LATER))
    );
    assert!(mark["call"].is_null());
    let kept = store.marks(NOW).await.unwrap();
    // As the engine writes numbers.
    assert_eq!(kept[0].mark.number.reveal(), "13900001234");
    let fact = Fact::Flagged {
        until: Wall(LATER),
        counsellor: None,
    };
    let number = DialString::new("13900001234");
    assert_eq!(
        remembered(&console),
        [Note::new(&number, NOW, fact).unwrap()]
    );
}

#[tokio::test]
async fn days_say_the_end_as_well() {
    let (console, _store, _folder) = kept(Mood::Fine).await;
    let mark = |end: serde_json::Value| {
        let mut body = json!({"number":"138","kind":"nuisance","reason":"x","by":"y"});
        body.as_object_mut()
            .unwrap()
            .extend(end.as_object().unwrap().clone());
        body.to_string()
    };
    let answer = console
        .ask("PUT", MARKS, JSON, mark(json!({"days":366})))
        .await;
    assert_eq!(answer.json()["until_ms"], NOW.0 + 366 * 86_400_000);
    for end in [
        json!({"days":367}),
        json!({"days":0}),
        json!({"days":i64::MAX}),
        json!({"days":1,"until_ms":LATER}),
        json!({"until_ms":i64::MIN}),
    ] {
        let answer = console.ask("PUT", MARKS, JSON, mark(end.clone())).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{end}");
    }
}

#[tokio::test]
async fn the_list_is_masked_and_leaves_out_what_has_ended() {
    let (console, store, _folder) = kept(Mood::Fine).await;
    let mark = |number: &str, until: i64| NumberMark {
        number: DialString::new(number),
        kind: MarkKind::Nuisance,
        at: Wall(NOW.0 - 7),
        until: Wall(until),
        reason: "反复拨打".into(),
        by: Some("c001".into()),
        call: call_id(),
    };
    store.put_mark(&mark("13955556666", LATER)).await.unwrap();
    store.put_mark(&mark("13977778888", NOW.0)).await.unwrap();
    let answer = console.get(MARKS).await;
    assert_eq!(answer.status, S::OK);
    let expected = json!({"marks":[{"id":1,"number":"139****6666","kind":"nuisance",
        "at_ms":NOW.0 - 7,"until_ms":LATER,"reason":"反复拨打","by":"c001",
        "call":call_id().to_string()}]});
    assert_eq!(answer.json(), expected);
    assert!(!answer.text.contains("5555"));
}

#[tokio::test]
async fn taking_back_counts_at_once_for_either_kind() {
    let (console, store, _folder) = kept(Mood::Fine).await;
    for (kind, fact) in [
        ("risk", Fact::Cleared),
        ("nuisance", Fact::Marked { until: NOW }),
    ] {
        let id = put(&console, "13900001234", kind, LATER).await.json()["id"].clone();
        let path = format!("{MARKS}/{id}");
        assert_eq!(
            console.ask("DELETE", &path, &[], "").await.status,
            S::NO_CONTENT
        );
        let last = remembered(&console).pop().unwrap();
        assert_eq!((last.at, last.fact), (NOW, fact));
        assert_eq!(store.marks(NOW).await.unwrap(), []);
        let again = console.ask("DELETE", &path, &[], "").await;
        assert_eq!(
            (again.status, again.code().as_str()),
            (S::NOT_FOUND, "unknown_mark")
        );
    }
    assert_eq!(
        console
            .ask("DELETE", "/api/v1/marks/x", &[], "")
            .await
            .status,
        S::NOT_FOUND
    );
}

#[tokio::test]
async fn what_the_engine_was_not_told_stays_in_the_list() {
    let (console, store, _folder) = kept(Mood::Away).await;
    let mark = NumberMark {
        number: DialString::new("13955556666"),
        kind: MarkKind::Risk,
        at: NOW,
        until: Wall(LATER),
        reason: String::new(),
        by: None,
        call: CallId(0),
    };
    let id = store.put_mark(&mark).await.unwrap().id;
    let answer = console
        .ask("DELETE", &format!("{MARKS}/{id}"), &[], "")
        .await;
    assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
    assert_eq!(store.mark(id).await.unwrap(), Some(mark));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let (console, store, _folder) = kept(Mood::Fine).await;
    let year = 366 * 86_400_000;
    for (number, kind, until) in [
        ("", "risk", LATER),
        ("无", "risk", LATER),
        ("13900001234", "boring", LATER),
        ("13900001234", "risk", NOW.0),
        ("13900001234", "nuisance", NOW.0 + year + 1),
    ] {
        let answer = put(&console, number, kind, until).await;
        assert_eq!(
            answer.status,
            S::UNPROCESSABLE_ENTITY,
            "{number} {kind} {until}"
        );
    }
    for body in [
        json!({"number":"1","kind":"risk","until_ms":LATER,"reason":"","by":"x"}),
        json!({"number":"1","kind":"risk","until_ms":LATER,"reason":"x","by":" "}),
        json!({"number":"1","kind":"risk","reason":"x","by":"x"}),
        json!({"number":"1","kind":"risk","until_ms":LATER,"reason":"长".repeat(201),"by":"x"}),
    ] {
        let answer = console.ask("PUT", MARKS, JSON, body.to_string()).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(store.marks(Wall(0)).await.unwrap(), []);
    assert_eq!(remembered(&console), []);
}

#[tokio::test]
async fn without_records_there_are_no_marks() {
    let console = console(Mood::Fine);
    assert_eq!(console.get(MARKS).await.status, S::SERVICE_UNAVAILABLE);
    let answer = put(&console, "13900001234", "risk", LATER).await;
    assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
    assert_eq!(remembered(&console), []);
}

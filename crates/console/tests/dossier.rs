//! What the counsellor writes down, what became of it, and what people owe for it.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use meishier_engine::api::{Command, CommandError};
use meishier_engine::transfer::dossier::{FactsError, Hazard, Level};
use meishier_model::{CallId, Wall};
use meishier_records::{Parcel, Standing, Store, Task, TaskKind};
use serde_json::json;
use support::{Console, JSON, Mood, NOW, console, console_with};
use tempfile::TempDir;

const CALL: &str = "0000000000000007";

async fn kept() -> (Console, Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records.db")).await.unwrap();
    let parcel = Parcel {
        call: CallId(7),
        mark: format!("{CALL}-1"),
        document: String::new(),
        made: Wall(1000),
        receivers: vec!["police".into(), "overseer".into()],
        told: Vec::new(),
        contents: "number,places".into(),
        ground: "PIPL Art.13(1)(4)".into(),
        task: Some(Task {
            kind: TaskKind::Tell,
            due: Wall(9000),
        }),
        body: b"13300000001".to_vec(),
    };
    assert_eq!(store.post(&parcel).await.unwrap(), 0);
    let console = console_with(Mood::Fine, |app| app.store = Some(store.clone()));
    (console, store, folder)
}

async fn write(console: &Console, body: &str) -> support::Answer {
    let path = format!("/api/v1/calls/{CALL}/facts");
    console.ask("PUT", &path, JSON, body.to_owned()).await
}

#[tokio::test]
async fn what_is_written_down_goes_to_the_call() {
    let console = console(Mood::Fine);
    let body = json!({"level":"acting","place":"楼顶","hazards":["height"],"battery":15});
    let answer = write(&console, &body.to_string()).await;
    assert_eq!(answer.status, S::NO_CONTENT, "{}", answer.text);
    let asked = console.engine.asked.lock().unwrap().clone();
    let [Command::Facts { call, facts }] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((*call, facts.level), (CallId(7), Some(Level::Acting)));
    assert_eq!(
        (facts.battery, &facts.hazards[..]),
        (Some(15), &[Hazard::Height][..])
    );
    assert_eq!(facts.place.as_deref(), Some("楼顶"));
    assert!(!format!("{asked:?}").contains("楼顶"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let fine = console(Mood::Fine);
    for body in [
        "{\"battery\":-1}",
        "{\"level\":\"awful\"}",
        "{\"phone\":\"1\"}",
    ] {
        assert_eq!(
            write(&fine, body).await.status,
            S::UNPROCESSABLE_ENTITY,
            "{body}"
        );
    }
    assert!(fine.engine.asked.lock().unwrap().is_empty());
    let strict = console(Mood::Refuses(CommandError::UnfitFacts(FactsError::TooLong)));
    let answer = write(&strict, "{}").await;
    assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["error"]["code"], "unfit_facts");
}

#[tokio::test]
async fn each_field_that_does_not_fit_is_named_and_nothing_of_it_is_repeated() {
    let fine = console(Mood::Fine);
    let long = "长".repeat(201);
    let body =
        json!({"place":"楼顶","why":long,"battery":300,"callback":"twelve","hazards":"height"});
    let answer = write(&fine, &body.to_string()).await;
    assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{}", answer.text);
    assert_eq!(answer.code(), "unfit_facts");
    let fields = answer.json()["error"]["fields"].clone();
    let fault = |field: &str| {
        let mut list = fields.as_array().unwrap().iter();
        list.find(|it| it["field"] == field)
            .map(|it| it["message"].clone())
    };
    assert_eq!(fault("place"), None);
    assert_eq!(fault("why").unwrap(), "每项最多 200 字");
    assert_eq!(fault("battery").unwrap(), "电量须为 0 到 100");
    assert!(fault("callback").unwrap().as_str().unwrap().contains("32"));
    assert_eq!(fault("hazards").unwrap(), "此项填写有误");
    assert!(!answer.text.contains("twelve") && !answer.text.contains("楼顶"));
    assert!(fine.engine.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_written_down_is_read_by_whoever_goes_on_and_the_audit_has_it() {
    let (console, _store, _folder) = kept().await;
    let path = format!("/api/v1/calls/{CALL}/facts");
    let answer = console.get(&path).await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let facts = answer.json();
    assert_eq!(
        (&facts["place"], &facts["battery"]),
        (&json!("楼顶"), &json!(15))
    );
    let audit = console.get("/api/v1/audit").await.json();
    assert_eq!(audit["entries"][0]["what"], "facts_read", "{audit}");
    assert!(!audit.to_string().contains("楼顶"));
    let gone = support::console(Mood::Refuses(CommandError::UnknownCall));
    assert_eq!(gone.get(&path).await.status, S::NOT_FOUND);
}

#[tokio::test]
async fn what_became_of_a_dossier_is_shown_without_what_stood_in_it() {
    let (console, store, _folder) = kept().await;
    let first = store.next_delivery("police").await.unwrap().unwrap();
    let end = (Standing::Sent, Wall(2000));
    store.conclude(first.id, end, (202, "")).await.unwrap();
    let answer = console.get(&format!("/api/v1/calls/{CALL}/dossier")).await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    assert!(!answer.text.contains("13300000001"));
    let body = answer.json();
    assert_eq!(
        body["deliveries"],
        json!([
            {"receiver":"police","state":"sent","attempts":1,"status":202,"fault":"","done_ms":2000},
            {"receiver":"overseer","state":"pending","attempts":0,"status":0,"fault":"","done_ms":null},
        ])
    );
    assert_eq!(
        body["uses"][0],
        json!({"at_ms":1000,"receiver":"police","what":"number,places","ground":"PIPL Art.13(1)(4)"})
    );
    let unknown = console.get("/api/v1/calls/none/dossier").await;
    assert_eq!(unknown.status, S::NOT_FOUND);
}

#[tokio::test]
async fn a_task_is_listed_until_somebody_has_done_it() {
    let (console, store, _folder) = kept().await;
    let list = console.get("/api/v1/tasks").await.json();
    let [task] = &list["tasks"].as_array().unwrap()[..] else {
        panic!("{list}")
    };
    assert_eq!(task["kind"], "tell_person");
    assert_eq!(
        (&task["call"], &task["due_ms"]),
        (&json!(CALL), &json!(9000))
    );
    let path = format!("/api/v1/tasks/{}/done", task["id"]);
    let as_account = [("x-meishier-account", "c001")];
    let done = console.ask("POST", &path, &as_account, "").await;
    assert_eq!(done.status, S::NO_CONTENT, "{}", done.text);
    let again = console.ask("POST", &path, &as_account, "").await;
    assert_eq!(again.status, S::NOT_FOUND);
    assert_eq!(
        console.get("/api/v1/tasks").await.json()["tasks"],
        json!([])
    );
    let all = console.get("/api/v1/tasks?all=true&lang=en").await.json();
    assert_eq!(all["tasks"][0]["by"], "c001");
    assert_eq!(all["tasks"][0]["done_ms"], NOW.0);
    let odd = console.post("/api/v1/tasks/x/done", "").await;
    assert_eq!(odd.json()["error"]["code"], "unknown_task");
    assert_eq!(store.tasks(false).await.unwrap(), []);
}

#[tokio::test]
async fn the_audit_keeps_which_facts_were_written_and_not_what_they_say() {
    let (console, _store, _folder) = kept().await;
    let body = json!({"place":"楼顶","battery":15}).to_string();
    let path = format!("/api/v1/calls/{CALL}/facts");
    let headers = [JSON[0], ("x-meishier-account", "c001")];
    let answer = console.ask("PUT", &path, &headers, body).await;
    assert_eq!(answer.status, S::NO_CONTENT, "{}", answer.text);
    let audit = console.get("/api/v1/audit").await;
    let entry = audit.json()["entries"][0].clone();
    assert_eq!(
        (&entry["what"], &entry["by"]),
        (&json!("facts"), &json!("c001"))
    );
    assert_eq!(entry["call"], CALL);
    let mut fields: Vec<String> =
        serde_json::from_value(entry["detail"]["fields"].clone()).unwrap();
    fields.sort();
    assert_eq!(fields, ["battery", "place"]);
    assert!(!audit.text.contains("楼顶") && !audit.text.contains("15"));
}

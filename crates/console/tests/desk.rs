//! What a desk does beyond seats and transfers: risk, nuisance, why; pools by hand; the table.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use meishier_console::{
    KeyInfo, Mistake, NotReloaded, Reachable, Reached, Reloaded, TableInfo, Tables,
};
use meishier_engine::api::{Command, CommandError};
use meishier_engine::routing::{Hand, Hours, Service};
use meishier_model::{PoolId, Wall};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::{JSON, Mood, NOW, call_id, console, console_with};

fn path(what: &str) -> String {
    format!("/api/v1/calls/{}/{what}", call_id())
}

#[tokio::test]
async fn a_caller_is_flagged_and_marked() {
    let console = console(Mood::Fine);
    let flagged = console.ask("POST", &path("risk"), &[], "").await;
    assert_eq!((flagged.status, flagged.text.as_str()), (S::NO_CONTENT, ""));
    let bodies = [
        (r#"{"reason":"辱骂"}"#, None, false),
        (r#"{"reason":" x ","days":7,"end":true}"#, Some(7), true),
        (r#"{"reason":"x","days":366}"#, Some(366), false),
    ];
    for (body, _, _) in bodies {
        let answer = console.post(&path("nuisance"), body).await;
        assert_eq!(answer.status, S::NO_CONTENT, "{}", answer.text);
    }
    let call = call_id();
    let mut expected = vec![Command::Flag { call }];
    let reasons = ["辱骂", "x", "x"];
    expected.extend(
        bodies
            .iter()
            .zip(reasons)
            .map(|((_, days, end), reason)| Command::Nuisance {
                call,
                lasts: days.map(|days| Duration::from_secs(days * 86_400)),
                reason: reason.into(),
                end: *end,
            }),
    );
    assert_eq!(*console.engine.asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_recording_is_stopped_and_goes_on_with_a_reason() {
    let console = console(Mood::Fine);
    for (on, body) in [
        (false, r#"{"on":false,"reason":" 银行卡号 "}"#),
        (true, r#"{"on":true,"reason":"银行卡号"}"#),
    ] {
        let answer = console.post(&path("recording"), body).await;
        assert_eq!(answer.status, S::NO_CONTENT, "{}", answer.text);
        let expected = Command::Record {
            call: call_id(),
            on,
            reason: "银行卡号".into(),
        };
        assert_eq!(console.engine.asked.lock().unwrap().last(), Some(&expected));
    }
    for body in ["{}", r#"{"on":true}"#, r#"{"on":true,"reason":" "}"#] {
        let answer = console.post(&path("recording"), body).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(console.engine.asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_makes_no_sense_never_reaches_the_engine() {
    let console = console(Mood::Fine);
    let long = format!(r#"{{"reason":"{}"}}"#, "长".repeat(201));
    for body in [
        "{}",
        r#"{"reason":""}"#,
        r#"{"reason":"  "}"#,
        r#"{"reason":"x","days":0}"#,
        r#"{"reason":"x","days":367}"#,
        r#"{"reason":"x","hours":1}"#,
        &long,
    ] {
        let answer = console.post(&path("nuisance"), body).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
    }
    for (method, path) in [
        ("POST", "/api/v1/calls/xyz/risk"),
        ("GET", "/api/v1/calls/0/0/why"),
    ] {
        assert_eq!(
            console.ask(method, path, &[], "").await.status,
            S::NOT_FOUND
        );
    }
    assert!(console.engine.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn each_refusal_has_its_status_and_words() {
    let cases = [
        (CommandError::AtRisk, S::CONFLICT, "at_risk", "风险"),
        (
            CommandError::NumberWithheld,
            S::CONFLICT,
            "number_withheld",
            "未显示号码",
        ),
        (CommandError::NotTalking, S::CONFLICT, "not_talking", "通话"),
        (
            CommandError::UnknownCall,
            S::NOT_FOUND,
            "unknown_call",
            "通话",
        ),
        (
            CommandError::UnknownPool,
            S::NOT_FOUND,
            "unknown_pool",
            "坐席组",
        ),
    ];
    for (error, status, code, word) in cases {
        let console = console(Mood::Refuses(error));
        let body = r#"{"reason":"x"}"#;
        let zh = console.post(&path("nuisance"), body).await;
        assert_eq!((zh.status, zh.code().as_str()), (status, code));
        assert!(zh.message().contains(word), "{}", zh.message());
        let en = format!("{}?lang=en", path("nuisance"));
        let en = console.post(&en, body).await;
        assert!(en.message().is_ascii(), "{}", en.message());
    }
}

#[tokio::test]
async fn why_a_caller_waits_is_told() {
    let console = console(Mood::Fine);
    let answer = console.get(&path("why")).await;
    assert_eq!(answer.status, S::OK);
    let why = answer.json();
    assert_eq!(why["id"], call_id().to_string());
    assert_eq!(
        (&why["ahead"], &why["expected_ms"]),
        (&json!(2), &json!(90_000))
    );
    assert_eq!(why["pools"][1]["opens_in_ms"], 8000);
    assert_eq!(why["pools"][0]["open"], true);
    assert_eq!(why["reasons"][0]["missing"], json!(["苗语"]));
    assert_eq!(why["risk"], true);
    for (mood, status) in [
        (Mood::Refuses(CommandError::UnknownCall), S::NOT_FOUND),
        (Mood::Away, S::SERVICE_UNAVAILABLE),
        (Mood::Confused, S::SERVICE_UNAVAILABLE),
    ] {
        assert_eq!(
            support::console(mood).get(&path("why")).await.status,
            status
        );
    }
}

#[tokio::test]
async fn trunks_tell_whether_they_answer_and_whether_we_are_registered() {
    let console = console(Mood::Fine);
    let trunks = console.get("/api/v1/trunks").await.json()["trunks"].clone();
    let registration = json!({"registered":true,"state":"overdue","status":503});
    let refused = json!({"registered":false,"state":"refused","status":403});
    assert_eq!(
        trunks,
        json!([
            {"id":0,"name":"trunk0","up":null,"registration":null},
            {"id":1,"name":"trunk1","up":true,"registration":registration},
            {"id":2,"name":"trunk2","up":false,"registration":refused}
        ])
    );
}

#[tokio::test]
async fn pools_are_listed_and_set_by_hand_at_every_shard() {
    let console = console(Mood::Fine);
    let pools = console.get("/api/v1/pools").await.json()["pools"].clone();
    assert_eq!(
        pools[0],
        json!({"id":0,"name":"city","state":"Normal","lines":3,"used":1,"staffed":2,"hand":null})
    );
    let until = NOW.0 + 60_000;
    let hand = json!({"state":"GoingDown","until_ms":until,"reason":"检修"});
    assert_eq!(pools[1]["hand"], hand);
    console.engine.asked.lock().unwrap().clear();
    let set = "/api/v1/pools/province/state";
    let body = format!(r#"{{"state":"going_down","until_ms":{until},"reason":"检修"}}"#);
    let answer = console.ask("PUT", set, JSON, body).await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    assert_eq!(answer.json()["name"], "province");
    let answer = console.ask("DELETE", set, &[], "").await;
    assert_eq!(answer.status, S::OK);
    let asked = console.engine.asked.lock().unwrap();
    let pool = PoolId(1);
    let hand = Some(Hand {
        state: Service::GoingDown,
        until: Some(Wall(until)),
        reason: "检修".into(),
    });
    let states: Vec<&Command> = asked.iter().filter(|it| **it != Command::View).collect();
    let by_rule = Command::PoolState { pool, hand: None };
    assert_eq!(states, [&Command::PoolState { pool, hand }, &by_rule]);
}

#[tokio::test]
async fn a_state_by_hand_needs_a_reason_a_known_state_and_a_moment_to_come() {
    let console = console(Mood::Fine);
    let past = format!(r#"{{"state":"Down","reason":"x","until_ms":{}}}"#, NOW.0);
    for body in [
        r#"{"state":"Down"}"#,
        r#"{"state":"Down","reason":" "}"#,
        r#"{"state":"Resting","reason":"x"}"#,
        &past,
    ] {
        let answer = console
            .ask("PUT", "/api/v1/pools/city/state", JSON, body.to_owned())
            .await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{body}");
    }
    let body = r#"{"state":"Down","reason":"x"}"#;
    let answer = console
        .ask("PUT", "/api/v1/pools/nowhere/state", JSON, body)
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (S::NOT_FOUND, "unknown_pool")
    );
    assert!(console.engine.asked.lock().unwrap().is_empty());
    let away = support::console(Mood::Away);
    let answer = away
        .ask("PUT", "/api/v1/pools/city/state", JSON, body)
        .await;
    assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
}

/// Files that are read again with this result.
struct Files(Result<Reloaded, NotReloaded>);

impl Tables for Files {
    fn current(&self) -> TableInfo {
        TableInfo {
            hash: "0011223344556677".into(),
            files: vec!["main.toml".into(), "city.toml".into()],
            loaded: Wall(77),
        }
    }

    fn reload(&self) -> Reachable<'_, Result<Reloaded, NotReloaded>> {
        Box::pin(async move { self.0.clone() })
    }

    fn keys(&self) -> Vec<KeyInfo> {
        Vec::new()
    }

    fn reach(&self, _: &str, _: &str) -> Result<Reached, CommandError> {
        Err(CommandError::UnknownKey)
    }

    fn call_back_hours(&self) -> Hours {
        Hours::ALL_DAY
    }
}

fn with_files(result: Result<Reloaded, NotReloaded>) -> support::Console {
    console_with(Mood::Fine, |app| app.tables = Some(Arc::new(Files(result))))
}

#[tokio::test]
async fn the_table_in_force_is_shown_and_read_again() {
    let console = with_files(Ok(Reloaded {
        before: "aa".into(),
        after: "bb".into(),
        changed_files: vec!["city.toml".into()],
        changed_sections: vec!["pools"],
        warnings: vec![Mistake {
            place: String::new(),
            zh: "提醒".into(),
            en: "doubt".into(),
        }],
    }));
    let table = console.get("/api/v1/table").await.json();
    let files = json!(["main.toml", "city.toml"]);
    let expected = json!({"hash":"0011223344556677","loaded_ms":77,"files":files});
    assert_eq!(table, expected);
    let answer = console.ask("POST", "/api/v1/reload?lang=en", &[], "").await;
    assert_eq!(answer.status, S::OK);
    let expected = json!({"before":"aa","after":"bb","changed_files":["city.toml"],
        "changed_sections":["pools"],"warnings":["doubt"]});
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place() {
    let mistake = |place: &str| Mistake {
        place: place.into(),
        zh: "没有这个坐席组".into(),
        en: "no such pool".into(),
    };
    let two = vec![mistake("city.toml:3:7"), mistake("main.toml:9:1")];
    let cases = [
        (
            NotReloaded::Mistakes(two.clone()),
            S::UNPROCESSABLE_ENTITY,
            "configuration_wrong",
        ),
        (NotReloaded::TakesRestart(two), S::CONFLICT, "takes_restart"),
    ];
    for (refused, status, code) in cases {
        let answer = with_files(Err(refused))
            .ask("POST", "/api/v1/reload", &[], "")
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        let list = answer.json()["error"]["mistakes"].clone();
        assert_eq!(
            list[0],
            json!({"place":"city.toml:3:7","message":"没有这个坐席组"})
        );
        assert_eq!(list[1]["place"], "main.toml:9:1");
        assert!(answer.message().contains("2"), "{}", answer.message());
    }
    let answer = with_files(Err(NotReloaded::NoFiles))
        .ask("POST", "/api/v1/reload", &[], "")
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (S::CONFLICT, "no_files")
    );
    let answer = console(Mood::Fine)
        .ask("POST", "/api/v1/reload", &[], "")
        .await;
    assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn all_of_it_needs_the_token() {
    let console = console_with(Mood::Fine, |app| app.token = Some("secret".into()));
    let state = "/api/v1/pools/city/state";
    let (risk, nuisance, why) = (path("risk"), path("nuisance"), path("why"));
    for (method, path) in [
        ("POST", risk.as_str()),
        ("POST", &nuisance),
        ("GET", &why),
        ("GET", "/api/v1/pools"),
        ("PUT", state),
        ("DELETE", state),
        ("GET", "/api/v1/marks"),
        ("PUT", "/api/v1/marks"),
        ("DELETE", "/api/v1/marks/1"),
        ("GET", "/api/v1/table"),
        ("POST", "/api/v1/reload"),
    ] {
        let answer = console.ask(method, path, JSON, "{}").await;
        assert_eq!(answer.status, S::UNAUTHORIZED, "{method} {path}");
    }
    assert!(console.engine.asked.lock().unwrap().is_empty());
}

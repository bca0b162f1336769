//! Running calls, the transfer key, and records.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use meishier_engine::api::{Command, CommandError};
use meishier_model::{
    CallId, CallRecord, DialString, OfferOutcome, OfferRecord, Outcome, PeerTried, ReleasedBy,
    RtpStats, TransferEvent, TransferOutcome, TransferRecord, Wall,
};
use meishier_records::{Store, Writer};
use support::{Mood, call_id, console, console_with};

const BODY: &str = r#"{"key":"110","city":"贵阳"}"#;

fn transfer_path() -> String {
    format!("/api/v1/calls/{}/transfer", call_id())
}

#[tokio::test]
async fn running_calls_come_oldest_first_with_hexadecimal_ids() {
    let console = console(Mood::Fine);
    let answer = console.get("/api/v1/calls").await;
    assert_eq!(answer.status, S::OK);
    let calls = answer.json()["calls"].clone();
    assert_eq!(calls[0]["id"], "0001000000000001");
    assert_eq!(calls[1]["id"], "0000000000000001");
    assert_eq!(calls[0]["phase"], "queued");
    assert_eq!(calls[0]["caller"], "139****6666");
    assert_eq!(calls[0]["ahead"], 2);
    assert_eq!(console.asked(), [Command::View]);
}

#[tokio::test]
async fn the_key_is_pressed_and_taken_back() {
    let console = console(Mood::Fine);
    let answer = console.post(&transfer_path(), BODY).await;
    assert_eq!(answer.status, S::ACCEPTED);
    let told = serde_json::json!({"third": 1, "dialled": "0851110", "reason": "贵阳"});
    assert_eq!(answer.json(), told);
    let answer = console.ask("DELETE", &transfer_path(), &[], "").await;
    assert_eq!((answer.status, answer.text.as_str()), (S::NO_CONTENT, ""));
    let call = call_id();
    assert_eq!(
        console.asked(),
        [
            Command::press(call, "110", "贵阳"),
            Command::take_back(call),
        ]
    );
}

#[tokio::test]
async fn what_is_no_transfer_never_reaches_the_engine() {
    let console = console(Mood::Fine);
    let long = format!(r#"{{"key":"110","city":"{}"}}"#, "x".repeat(257));
    for body in [
        r#"{"city":"贵阳"}"#,
        r#"{"key":"110","city":"贵阳","place":"贵阳"}"#,
        r#"{"key":"110","manner":"loud"}"#,
        r#"{"key":"","city":"贵阳"}"#,
        r#"{"key":"110","city":"贵阳","force":true}"#,
        r#"{"key":110,"city":"贵阳"}"#,
        long.as_str(),
    ] {
        let answer = console.post(&transfer_path(), body).await;
        assert_eq!(
            answer.status,
            S::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            answer.text
        );
    }
    for id in [
        "1",
        "zzzz",
        "000300680000000",
        "00030068000000011",
        "000300680000000G",
    ] {
        let path = format!("/api/v1/calls/{id}/transfer");
        let answer = console.post(&path, BODY).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (S::NOT_FOUND, "unknown_call")
        );
        let answer = console.ask("DELETE", &path, &[], "").await;
        assert_eq!(answer.status, S::NOT_FOUND);
    }
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn each_refusal_of_a_transfer_has_its_status() {
    let cases = [
        (CommandError::UnknownCall, 404, "unknown_call"),
        (CommandError::NotTalking, 409, "not_talking"),
        (CommandError::TransferRunning, 409, "transfer_running"),
        (CommandError::NoTransfer, 409, "no_transfer"),
        (CommandError::UnknownKey, 422, "unknown_key"),
        (CommandError::UnknownCity, 422, "unknown_city"),
        (CommandError::Busy, 503, "busy"),
    ];
    for (error, status, code) in cases {
        let console = console(Mood::Refuses(error));
        let path = format!("{}?lang=en", transfer_path());
        for answer in [
            console.post(&path, BODY).await,
            console.ask("DELETE", &path, &[], "").await,
        ] {
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (status, code)
            );
            assert!(answer.message().is_ascii());
        }
    }
    let several = CommandError::AmbiguousCity(vec!["贵阳市".into(), "贵港市".into()]);
    let console = console(Mood::Refuses(several));
    let answer = console
        .post(&transfer_path(), r#"{"key":"110","city":"贵"}"#)
        .await;
    assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.code(), "ambiguous_city");
    assert_eq!(
        answer.json()["error"]["candidates"],
        serde_json::json!(["贵阳市", "贵港市"])
    );
}

fn record(n: u64) -> CallRecord {
    CallRecord {
        call: CallId(n),
        trunk: "telecom".into(),
        caller: DialString::new("13955556666"),
        called: DialString::new("085112356777"),
        sip_call_id: "0139-5555-6666@carrier".into(),
        arrived: Wall(n as i64),
        answered: Some(Wall(5)),
        ended: Wall(6),
        waited_ms: 1,
        talked_ms: 2,
        outcome: Outcome::Answered,
        released_by: ReleasedBy::Caller,
        status: 0,
        cause: "Q.850;cause=16".into(),
        seat_cause: String::new(),
        pool: Some("city".into()),
        line: Some(3),
        seat: Some("gy01".into()),
        counsellor: Some("c001".into()),
        route: vec![("city".into(), 20)],
        route_reason: "rule".into(),
        table: "0123456789abcdef".into(),
        rules: vec!["guiyang".into()],
        risk: true,
        nuisance: false,
        offers: vec![OfferRecord {
            seat: "gy01".into(),
            counsellor: "c001".into(),
            pool: "city".into(),
            at: Wall(4),
            rang_ms: 9,
            outcome: OfferOutcome::Answered,
            status: 200,
            cause: String::new(),
        }],
        transfers: vec![TransferRecord {
            key: "110".into(),
            city: "贵阳".into(),
            dialled: "0851110".into(),
            reason: "place".into(),
            at: Wall(5),
            answered: None,
            outcome: TransferOutcome::NoAnswer,
            status: 408,
            cause: "Q.850;cause=102".into(),
            tried: vec![PeerTried {
                trunk: "telecom".into(),
                peer: "192.0.2.10:5060".into(),
                status: 408,
            }],
            events: vec![TransferEvent::new(Wall(6), "ringing", "0851110".into())],
        }],
        rtp_caller: RtpStats::default(),
        rtp_seat: RtpStats::default(),
        recording: None,
        call_back: None,
    }
}

#[tokio::test]
async fn records_come_in_pages_with_masked_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records.sqlite"))
        .await
        .unwrap();
    let writer = Writer::start(store.clone(), 100);
    for n in 1..=60 {
        writer.try_write(Box::new(record(n))).unwrap();
    }
    writer.flush().await.unwrap();
    let console = console_with(Mood::Fine, |app| app.store = Some(store.clone()));
    let answer = console.get("/api/v1/records").await;
    assert_eq!(answer.status, S::OK, "{}", answer.text);
    for number in ["13955556666", "5555", "085112356777"] {
        assert!(!answer.text.contains(number), "{number}");
    }
    let page = answer.json();
    assert_eq!(
        (page["total"].as_u64(), page["limit"].as_u64()),
        (Some(60), Some(50))
    );
    assert_eq!(page["records"].as_array().unwrap().len(), 50);
    let first = &page["records"][0];
    assert_eq!(first["id"], "000000000000003c");
    assert_eq!(first["caller"], "139****6666");
    assert_eq!(first["outcome"], "answered");
    assert_eq!(first["route"][0]["after_s"], 20);
    assert_eq!(first["offers"][0]["rang_ms"], 9);
    assert_eq!(first["transfers"][0]["outcome"], "no_answer");
    let line = serde_json::json!([{"at_ms": 6, "what": "ringing", "detail": "0851110"}]);
    assert_eq!(first["transfers"][0]["events"], line);
    let rest = console
        .get("/api/v1/records?limit=500&offset=50&lang=en")
        .await
        .json();
    assert_eq!(rest["records"].as_array().unwrap().len(), 10);
    let one = console.get("/api/v1/records/0000000000000007").await;
    assert_eq!(
        (one.status, one.json()["arrived_ms"].as_i64()),
        (S::OK, Some(7))
    );
    let none = console.get("/api/v1/records/0000000000000fff").await;
    assert_eq!(
        (none.status, none.code().as_str()),
        (S::NOT_FOUND, "unknown_call")
    );
    for query in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "offset=-1",
        "page=2",
    ] {
        let answer = console.get(&format!("/api/v1/records?{query}")).await;
        assert_eq!(answer.status, S::UNPROCESSABLE_ENTITY, "{query}");
    }
    store.close().await;
    let answer = console.get("/api/v1/records").await;
    assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "records_unavailable");
}

#[tokio::test]
async fn without_a_store_there_are_no_records_to_show() {
    let answer = console(Mood::Fine).get("/api/v1/records").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (S::SERVICE_UNAVAILABLE, "unavailable")
    );
}

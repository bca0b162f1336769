//! Seats: reading and changing them, and every way of being refused.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use meishier_engine::api::{Command, CommandError, SeatChange};
use meishier_model::{CounsellorId, SeatId};
use support::{JSON, Mood, console};

const STATE: &str = "/api/v1/seats/gy01/state";

#[tokio::test]
async fn seats_of_all_shards_come_in_order() {
    let console = console(Mood::Fine);
    let answer = console.get("/api/v1/seats").await;
    assert_eq!(answer.status, S::OK);
    let seats = answer.json()["seats"].clone();
    let names: Vec<&str> = seats
        .as_array()
        .unwrap()
        .iter()
        .map(|seat| seat["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["gy00", "gy01", "gy02"]);
    assert_eq!(seats[1]["state"], "paused");
    assert_eq!(seats[1]["reason"], "茶歇");
    assert_eq!(seats[1]["counsellor"], "c001");
    assert_eq!(seats[1]["since_ms"], 1500);
    assert_eq!(seats[2]["state"], "signed_off");
    assert!(seats[2]["counsellor"].is_null());
}

#[tokio::test]
async fn a_seat_is_found_by_name_and_by_number() {
    let console = console(Mood::Fine);
    for path in ["/api/v1/seats/gy01", "/api/v1/seats/1"] {
        let answer = console.get(path).await;
        assert_eq!(answer.status, S::OK);
        assert_eq!(answer.json()["id"], 1);
    }
    for path in [
        "/api/v1/seats/nobody",
        "/api/v1/seats/3",
        "/api/v1/seats/-1",
    ] {
        let answer = console.get(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (S::NOT_FOUND, "unknown_seat")
        );
    }
}

#[tokio::test]
async fn each_state_becomes_its_change() {
    let console = console(Mood::Fine);
    let sign_on = |pin: Option<&str>| SeatChange::SignOn {
        counsellor: CounsellorId(1),
        pin: pin.map(str::to_owned),
    };
    let cases = [
        (r#"{"state":"ready"}"#, SeatChange::Ready),
        (
            r#"{"state":"ready","counsellor":"c001","pin":"0426"}"#,
            sign_on(Some("0426")),
        ),
        (
            r#"{"state":"paused"}"#,
            SeatChange::Pause {
                reason: String::new(),
            },
        ),
        (
            r#"{"state":"paused","reason":"茶歇"}"#,
            SeatChange::Pause {
                reason: "茶歇".to_owned(),
            },
        ),
        (r#"{"state":"signed_off"}"#, SeatChange::SignOff),
        (
            r#"{"state":"signed_off","reason":null}"#,
            SeatChange::SignOff,
        ),
    ];
    for (body, change) in cases {
        let answer = console.post(STATE, body).await;
        assert_eq!(answer.status, S::OK, "{body}: {}", answer.text);
        assert_eq!(answer.json()["name"], "gy01");
        assert_eq!(
            console.asked(),
            [Command::Seat {
                seat: SeatId(1),
                change
            }],
            "{body}"
        );
    }
    console
        .post("/api/v1/seats/2/state", r#"{"state":"ready"}"#)
        .await;
    assert_eq!(
        console.asked(),
        [Command::Seat {
            seat: SeatId(2),
            change: SeatChange::Ready
        }]
    );
}

#[tokio::test]
async fn what_makes_no_sense_never_reaches_the_engine() {
    let console = console(Mood::Fine);
    let long = format!(r#"{{"state":"paused","reason":"{}"}}"#, "x".repeat(257));
    let invalid = [
        r#"{}"#,
        r#"{"state":"asleep"}"#,
        r#"{"state":"ready","colour":"red"}"#,
        r#"{"state":"ready","reason":"why"}"#,
        r#"{"state":"ready","pin":"1234"}"#,
        r#"{"state":"ready","counsellor":"c001","pin":1234}"#,
        r#"{"state":"paused","counsellor":"c001"}"#,
        r#"{"state":"signed_off","pin":"1"}"#,
        r#"["ready"]"#,
        r#""ready""#,
        long.as_str(),
    ];
    for body in invalid {
        let answer = console.post(STATE, body).await;
        assert_eq!(
            answer.status,
            S::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            answer.text
        );
        assert_eq!(answer.code(), "invalid");
    }
    for body in ["", "{", "ready", r#"{"state":"ready"} x"#, "\u{0}"] {
        let answer = console.post(STATE, body).await;
        assert_eq!(answer.status, S::BAD_REQUEST, "{body}: {}", answer.text);
        assert_eq!(answer.code(), "malformed");
    }
    let answer = console.post(STATE, &" ".repeat(20_000)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (S::PAYLOAD_TOO_LARGE, "too_large")
    );
    for headers in [
        &[][..],
        &[("content-type", "application/x-www-form-urlencoded")],
    ] {
        let answer = console
            .ask("POST", STATE, headers, r#"{"state":"ready"}"#)
            .await;
        assert_eq!(answer.status, S::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(answer.code(), "not_json");
    }
    let answer = console
        .post("/api/v1/seats/nobody/state", r#"{"state":"ready"}"#)
        .await;
    assert_eq!(answer.status, S::NOT_FOUND);
    assert!(console.asked().is_empty());
    let charset = [("content-type", "Application/JSON; charset=utf-8")];
    let answer = console
        .ask("POST", STATE, &charset, r#"{"state":"ready"}"#)
        .await;
    assert_eq!(answer.status, S::OK);
}

#[tokio::test]
async fn without_a_token_nobody_signs_on_without_the_pin() {
    let console = console(Mood::Fine);
    let body = r#"{"state":"ready","counsellor":"c001"}"#;
    let answer = console.post(STATE, body).await;
    assert_eq!(answer.status, S::FORBIDDEN, "{}", answer.text);
    assert!(console.asked().is_empty());
}

#[tokio::test]
async fn an_unknown_account_looks_like_a_wrong_pin() {
    let fine = console(Mood::Fine);
    let unknown = fine
        .post(
            STATE,
            r#"{"state":"ready","counsellor":"nobody","pin":"1"}"#,
        )
        .await;
    assert!(fine.asked().is_empty());
    let refusing = console(Mood::Refuses(CommandError::NotAdmitted));
    let wrong = refusing
        .post(STATE, r#"{"state":"ready","counsellor":"c001","pin":"1"}"#)
        .await;
    assert_eq!(unknown.status, S::FORBIDDEN);
    assert_eq!((unknown.status, &unknown.text), (wrong.status, &wrong.text));
}

#[tokio::test]
async fn each_refusal_of_the_engine_has_its_status() {
    let cases = [
        (CommandError::UnknownSeat, 404, "unknown_seat"),
        (CommandError::NotAdmitted, 403, "not_admitted"),
        (CommandError::SeatNotPermitted, 403, "seat_not_permitted"),
        (
            CommandError::QualificationExpired,
            403,
            "qualification_expired",
        ),
        (
            CommandError::SignedOnElsewhere("gy07".into()),
            409,
            "signed_on_elsewhere",
        ),
        (CommandError::SeatTaken("c009".into()), 409, "seat_taken"),
        (CommandError::NobodySignedOn, 409, "nobody_signed_on"),
        (CommandError::Busy, 503, "busy"),
    ];
    for (error, status, code) in cases {
        let console = console(Mood::Refuses(error));
        let zh = console.post(STATE, r#"{"state":"ready"}"#).await;
        assert_eq!((zh.status.as_u16(), zh.code().as_str()), (status, code));
        assert!(
            !zh.message().is_ascii(),
            "Chinese unless asked otherwise: {}",
            zh.message()
        );
        let path = format!("{STATE}?lang=en");
        let en = console.post(&path, r#"{"state":"ready"}"#).await;
        assert_eq!((en.status.as_u16(), en.code().as_str()), (status, code));
        assert!(en.message().is_ascii(), "{}", en.message());
    }
}

#[tokio::test]
async fn an_engine_that_cannot_be_asked_is_503() {
    for mood in [Mood::Away, Mood::Confused] {
        let console = console(mood);
        for answer in [
            console.post(STATE, r#"{"state":"ready"}"#).await,
            console.get("/api/v1/seats").await,
            console.get("/api/v1/seats/gy01").await,
        ] {
            assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
            assert_eq!(answer.code(), "unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_is_not_waited_for() {
    let console = console(Mood::Silent);
    for answer in [
        console.post(STATE, r#"{"state":"ready"}"#).await,
        console.get("/api/v1/seats").await,
    ] {
        assert_eq!(answer.status, S::SERVICE_UNAVAILABLE);
        assert_eq!(answer.code(), "timed_out");
    }
}

#[tokio::test]
async fn only_the_methods_that_a_path_has() {
    let console = console(Mood::Fine);
    for (method, path) in [
        ("GET", STATE),
        ("PUT", STATE),
        ("POST", "/api/v1/seats"),
        ("DELETE", "/healthz"),
    ] {
        let answer = console.ask(method, path, JSON, "").await;
        assert_eq!(answer.status, S::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(answer.code(), "method_not_allowed");
        assert!(answer.header("allow").is_some());
    }
    let answer = console.get("/api/v2/seats").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (S::NOT_FOUND, "unknown_path")
    );
}

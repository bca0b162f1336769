//! Who may ask, in which language, and what is open to all.
#![allow(missing_docs)]

mod support;

use axum::http::StatusCode as S;
use std::sync::atomic::Ordering::Release;
use support::{Mood, console, console_with};

#[tokio::test]
async fn probes_and_metrics_need_no_token() {
    let console = console_with(Mood::Away, |app| app.token = Some("geheim".into()));
    assert_eq!(console.get("/healthz").await.text, "ok\n");
    assert_eq!(console.get("/readyz").await.status, S::OK);
    let metrics = console.get("/metrics").await;
    assert_eq!(metrics.text, "meishier_calls 1\n");
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    console.app.ready.store(false, Release);
    assert_eq!(console.get("/readyz").await.status, S::SERVICE_UNAVAILABLE);
    assert_eq!(console.get("/healthz").await.status, S::OK);
    assert_eq!(console.get("/").await.status, S::OK);
}

#[tokio::test]
async fn the_api_needs_the_token_and_nothing_like_it() {
    let console = console_with(Mood::Fine, |app| app.token = Some("geheim".into()));
    let wrong = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer gehei",
        "Bearer geheimX",
        "Bearer geheimgeheim",
        "Bearer GEHEIM",
        "Basic geheim",
        "geheim",
    ];
    for value in wrong {
        let answer = console
            .ask("GET", "/api/v1/seats", &[("authorization", value)], "")
            .await;
        assert_eq!(answer.status, S::UNAUTHORIZED, "{value}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.code(), "unauthorised");
    }
    for value in ["Bearer geheim", "bearer geheim"] {
        let answer = console
            .ask("GET", "/api/v1/seats", &[("authorization", value)], "")
            .await;
        assert_eq!(answer.status, S::OK, "{value}");
    }
    // The token comes before all else: nothing can be learnt without it.
    for (method, path) in [
        ("GET", "/api/v1/seats/nobody"),
        ("POST", "/api/v1/seats/nobody/state"),
        ("GET", "/api/v1/calls"),
        ("POST", "/api/v1/calls/x/transfer"),
        ("DELETE", "/api/v1/calls/x/transfer"),
        ("GET", "/api/v1/records?limit=x"),
        ("GET", "/api/v1/records/x"),
    ] {
        assert_eq!(
            console.ask(method, path, &[], "x").await.status,
            S::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_empty_token_admits_nobody() {
    let console = console_with(Mood::Fine, |app| app.token = Some(String::new()));
    let answer = console
        .ask("GET", "/api/v1/seats", &[("authorization", "Bearer ")], "")
        .await;
    assert_eq!(answer.status, S::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_through_a_browser() {
    let console = console(Mood::Fine);
    let ask = async |origin: &str| {
        let headers = [("host", "127.0.0.1:8080"), ("origin", origin)];
        console.ask("GET", "/api/v1/seats", &headers, "").await
    };
    assert_eq!(ask("http://127.0.0.1:8080").await.status, S::OK);
    for origin in ["http://evil.example", "null", "http://127.0.0.1:8081"] {
        let answer = ask(origin).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (S::FORBIDDEN, "foreign_origin")
        );
    }
}

#[tokio::test]
async fn a_site_whose_name_points_here_is_another_site_unless_it_knows_the_token() {
    let open = console(Mood::Fine);
    let guarded = console_with(Mood::Fine, |app| app.token = Some("geheim".into()));
    let path = "/api/v1/seats";
    for host in [
        "127.0.0.1:8080",
        "localhost:9000",
        "[::1]:8080",
        "engine.localhost",
        "engine",
    ] {
        let answer = open.ask("GET", path, &[("host", host)], "").await;
        assert_eq!(answer.status, S::OK, "{host}");
    }
    for host in ["evil.example:8080", "evil.example.", "1.2.3.4.evil.example"] {
        let answer = open.ask("GET", path, &[("host", host)], "").await;
        assert_eq!(answer.code(), "foreign_origin", "{host}");
        let origin = format!("http://{host}");
        let same = [("host", host), ("origin", origin.as_str())];
        let answer = open.ask("GET", path, &same, "").await;
        assert_eq!(answer.status, S::FORBIDDEN, "{host}");
        let known = [("host", host), ("authorization", "Bearer geheim")];
        let answer = guarded.ask("GET", path, &known, "").await;
        assert_eq!(answer.status, S::OK, "{host}");
    }
}

#[tokio::test]
async fn messages_are_chinese_unless_english_is_preferred() {
    let console = console(Mood::Fine);
    let ascii = async |path: &str, accept: &str| {
        let answer = console
            .ask("GET", path, &[("accept-language", accept)], "")
            .await;
        assert_eq!(answer.status, S::NOT_FOUND);
        answer.message().is_ascii()
    };
    let path = "/api/v1/seats/nobody";
    for accept in [
        "",
        "zh-CN,zh;q=0.9,en;q=0.8",
        "de",
        "zh, en",
        "en;q=0.1,zh;q=0.2",
        "english",
    ] {
        assert!(!ascii(path, accept).await, "{accept}");
    }
    for accept in [
        "en",
        "en-GB,en;q=0.9",
        "zh;q=0.1, en;q=0.2",
        "EN",
        "de, en;q=0.5",
    ] {
        assert!(ascii(path, accept).await, "{accept}");
    }
    assert!(ascii("/api/v1/seats/nobody?lang=en", "zh").await);
    assert!(!ascii("/api/v1/seats/nobody?lang=zh", "en").await);
    assert!(ascii("/nowhere?x=1&lang=en", "").await);
}

#[tokio::test]
async fn the_page_for_people_speaks_both_languages() {
    let console = console(Mood::Fine);
    let zh = console.get("/").await;
    assert!(zh.text.contains("正在接听来电") && zh.text.contains("lang=\"zh-CN\""));
    assert!(zh.text.contains("贵州 &lt;12356&gt;"), "names are escaped");
    let en = console.get("/?lang=en").await;
    assert!(en.text.contains("taking calls") && en.text.contains("lang=\"en\""));
    assert_eq!(en.header("content-language"), Some("en"));
    for page in [zh, en] {
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .contains("default-src 'none'")
        );
        for path in ["/healthz", "/readyz", "/metrics", "/api/v1/seats"] {
            assert!(page.text.contains(&format!("href=\"{path}\"")));
        }
    }
}

#[test]
fn the_token_is_not_in_debug_output() {
    let console = console_with(Mood::Fine, |app| app.token = Some("geheim".into()));
    assert!(!format!("{:?}", console.app).contains("geheim"));
}

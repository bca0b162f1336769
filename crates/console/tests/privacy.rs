//! What people send to the API is not written to the log.
//!
//! Alone in its file: the log is the process's.
#![allow(missing_docs)]

mod support;

use meishier_engine::api::CommandError;
use std::io::Write;
use std::sync::{Arc, Mutex};
use support::{Mood, console, console_with};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn pins_accounts_cities_and_tokens_stay_out_of_the_log() {
    let log = Log::default();
    let out = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || out.clone())
        .init();
    let folder = tempfile::tempdir().unwrap();
    let store = meishier_records::Store::open(folder.path().join("r"))
        .await
        .unwrap();
    store.close().await;
    let state = "/api/v1/seats/gy01/state";
    let transfer = "/api/v1/calls/0000000000000001/transfer";
    for mood in [
        Mood::Fine,
        Mood::Refuses(CommandError::NotAdmitted),
        Mood::Away,
    ] {
        let console = console(mood);
        let body = r#"{"state":"ready","counsellor":"c001","pin":"marker-pin"}"#;
        console.post(state, body).await;
        console
            .post(state, &body.replace("c001", "marker-account"))
            .await;
        console
            .post(state, &body.replace("\"pin\"", "\"marker\""))
            .await;
        console
            .post(transfer, r#"{"key":"marker-key","city":"marker-city"}"#)
            .await;
    }
    let console = console_with(Mood::Fine, |app| {
        app.token = Some("marker-token".into());
        app.store = Some(store);
    });
    let shown = [("authorization", "Bearer marker-token")];
    console.ask("GET", "/api/v1/records", &shown, "").await;
    console
        .ask(
            "GET",
            "/api/v1/calls",
            &[("authorization", "Bearer marker-wrong")],
            "",
        )
        .await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("records cannot be read"), "{text}");
    assert!(!text.contains("marker"), "{text}");
}

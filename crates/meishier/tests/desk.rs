//! What people do beside a running `meishier serve`: read the files again, mark numbers, ask why.
#![allow(missing_docs)]

mod served;

use meishier_records::Store;
use served::{Served, answer_to_invite, command, phone, serve, started};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

fn table(served: &Served) -> serde_json::Value {
    let (status, table) = served.json("GET", "/api/v1/table", "");
    assert_eq!(status, 200);
    table
}

#[test]
fn the_api_and_the_signal_read_the_files_again_the_same_way() {
    let mut served = serve(4);
    let file = served.folder.path().join("test.toml");
    let first = std::fs::read_to_string(&file).unwrap();
    let began = table(&served);
    assert_eq!(began["files"][0], file.to_str().unwrap());
    let phone = phone();
    let early = first.replace("early = \"ringing\"", "early = \"progress\"");
    std::fs::write(&file, &early).unwrap();
    let (status, done) = served.json("POST", "/api/v1/reload", "");
    assert_eq!((status, &done["before"]), (200, &began["hash"]), "{done}");
    assert_eq!(done["changed_files"][0], file.to_str().unwrap());
    assert_eq!(done["changed_sections"], serde_json::json!(["trunks"]));
    let now = table(&served);
    assert_eq!(now["hash"], done["after"]);
    assert_ne!(now["hash"], began["hash"]);
    assert_eq!(answer_to_invite(&phone, served.sip, 1), "183");
    // Every mistake with its place, and nothing is taken.
    std::fs::write(&file, early.replace("[offer]", "[offerr]")).unwrap();
    let (status, refused) = served.json("POST", "/api/v1/reload?lang=en", "");
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &"configuration_wrong".into())
    );
    let place = refused["error"]["mistakes"][0]["place"].as_str().unwrap();
    assert!(place.contains("test.toml:"), "{refused}");
    assert_eq!(table(&served), now);
    // What takes a restart is told apart.
    std::fs::write(&file, early.replace("max_calls = 16", "max_calls = 17")).unwrap();
    let (status, refused) = served.json("POST", "/api/v1/reload", "");
    assert_eq!(
        (status, &refused["error"]["code"]),
        (409, &"takes_restart".into())
    );
    assert_eq!(table(&served), now);
    assert_eq!(answer_to_invite(&phone, served.sip, 2), "183");
    // The signal takes the first one again, and the API shows it.
    std::fs::write(&file, &first).unwrap();
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("configured anew"));
    assert_eq!(table(&served)["hash"], began["hash"]);
    assert_eq!(answer_to_invite(&phone, served.sip, 3), "180");
    served.stop();
}

/// Whether the last call's record says that its caller was at risk.
fn at_risk(folder: &tempfile::TempDir) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let store = Store::open(folder.path().join("records.db")).await.unwrap();
        let records = store.recent(1, 0).await.unwrap();
        store.close().await;
        records[0].risk
    })
}

#[test]
fn a_mark_counts_at_once_outlives_a_restart_and_can_be_taken_back() {
    let again = |folder: tempfile::TempDir| {
        let command = command(folder.path(), "127.0.0.1:0", 2);
        started(command, folder)
    };
    let phone = phone();
    let served = serve(2);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let until = now.as_millis() + 3_600_000;
    let body = format!(
        r#"{{"number":"+8613800000000","kind":"risk","until_ms":{until},"reason":"家属来电","by":"督导"}}"#
    );
    let (status, mark) = served.json("PUT", "/api/v1/marks", &body);
    assert_eq!(
        (status, &mark["number"]),
        (201, &"138****0000".into()),
        "{mark}"
    );
    answer_to_invite(&phone, served.sip, 1);
    let folder = served.stop();
    assert!(at_risk(&folder), "marked a moment ago");
    let served = again(folder);
    answer_to_invite(&phone, served.sip, 2);
    let folder = served.stop();
    assert!(at_risk(&folder), "marked before the start");
    let served = again(folder);
    let (status, list) = served.json("GET", "/api/v1/marks", "");
    assert_eq!((status, &list["marks"][0]["id"]), (200, &mark["id"]));
    let path = format!("/api/v1/marks/{}", mark["id"]);
    assert_eq!(served.json("DELETE", &path, "").0, 204);
    answer_to_invite(&phone, served.sip, 3);
    let folder = served.stop();
    assert!(!at_risk(&folder), "taken back a moment ago");
    let served = again(folder);
    answer_to_invite(&phone, served.sip, 4);
    assert!(!at_risk(&served.stop()), "taken back before the start");
}

#[test]
fn pools_are_set_by_hand_and_left_to_the_rules_again() {
    let served = serve(4);
    let (_, pools) = served.json("GET", "/api/v1/pools", "");
    let name = pools["pools"][0]["name"].as_str().unwrap();
    let path = format!("/api/v1/pools/{name}/state");
    let (status, pool) = served.json("PUT", &path, r#"{"state":"Down","reason":"停电"}"#);
    assert_eq!((status, &pool["state"]), (200, &"Down".into()), "{pool}");
    assert_eq!(pool["hand"]["reason"], "停电");
    let page = served.get("/metrics");
    let series = format!("meishier_pool_service{{pool=\"{name}\",state=\"Down\"}} 1");
    assert!(page.contains(&series), "{page}");
    let (status, pool) = served.json("DELETE", &path, "");
    assert_eq!((status, &pool["hand"]), (200, &serde_json::Value::Null));
    served.stop();
}

fn why(served: &Served, call: &str, extra: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_meishier"))
        .args(["why", call, "--http", &served.http.to_string()])
        .args(extra)
        .env_remove("MEISHIER_TOKEN")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn why_a_caller_waits_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let command = command(folder.path(), "127.0.0.1:0", 4);
    let file = folder.path().join("test.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("state = \"ready\"", "state = \"paused\""),
    )
    .unwrap();
    let served = started(command, folder);
    let phone = phone();
    answer_to_invite(&phone, served.sip, 1);
    let (_, calls) = served.json("GET", "/api/v1/calls", "");
    let call = calls["calls"][0]["id"].as_str().unwrap();
    // Everybody is paused: the caller waits.
    let (code, zh, _) = why(&served, call, &[]);
    assert_eq!(code, Some(0));
    for part in [
        "排队",
        "前面还有 0 人",
        "坐席组",
        "没有空闲的坐席",
        "路由：",
    ] {
        assert!(zh.contains(part), "{part} in {zh}");
    }
    let (_, en, _) = why(&served, call, &["--lang", "en"]);
    assert!(
        en.contains("0 callers are ahead") && en.contains("no seat is ready"),
        "{en}"
    );
    assert!(
        en.lines()
            .filter(|line| !line.starts_with("route:"))
            .all(str::is_ascii),
        "{en}"
    );
    let (_, json, _) = why(&served, call, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["id"], &json["ahead"]), (&call.into(), &0.into()));
    for text in [&zh, &en] {
        assert!(!text.contains("13800000000"));
    }
    let (code, out, said) = why(&served, "0123456789abcdef", &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(said.contains("没有这个通话"), "{said}");
    assert_eq!(why(&served, "../seats", &[]).0, Some(1));
    served.stop();
}

#[test]
fn an_engine_that_is_not_there_is_a_clear_error() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let output = Command::new(env!("CARGO_BIN_EXE_meishier"))
        .args(["why", "1", "--http", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&address) && said.contains("没有应答"),
        "{said}"
    );
}

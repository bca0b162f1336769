//! Nothing about people in the log, whatever happens to their records.
//!
//! Alone in its file: the log is the process's, so that the threads of the data base are heard too.
#![allow(missing_docs)]

mod support;

use meishier_model::{CallBackRecord, CallId, CallRecord, DialString, MarkKind, NumberMark, Wall};
use meishier_records::Writer;
use sqlx::{Connection, SqliteConnection};
use std::io::Write;
use std::sync::{Arc, Mutex};
use support::{call_back, full, impatient, place};

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
async fn the_log_names_nobody() {
    let log = Log::default();
    let out = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || out.clone())
        .init();
    let said = CallBackRecord {
        note: "marker-note".into(),
        ..call_back(false)
    };
    assert!(!format!("{said:?}").contains("marker"), "{said:?}");
    let marked = CallRecord {
        caller: DialString::new("13955556666"),
        called: DialString::new("08517777"),
        sip_call_id: "marker-call-id".into(),
        counsellor: Some("marker-counsellor".into()),
        call_back: Some(Box::new(said)),
        ..full(1)
    };
    let place = place();
    let store = impatient(&place).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&place.path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let writer = Writer::start(store.clone(), 10);
    writer.try_write(Box::new(marked.clone())).unwrap();
    writer.try_write(Box::new(marked)).unwrap();
    let mark = NumberMark {
        number: DialString::new("13955556666"),
        kind: MarkKind::Risk,
        at: Wall(1),
        until: Wall(9),
        reason: "marker-reason".into(),
        by: Some("marker-counsellor".into()),
        call: CallId(1),
    };
    let shown = format!("{mark:?}");
    assert!(
        !shown.contains("marker") && !shown.contains("5555"),
        "{shown}"
    );
    writer.try_keep(Box::new(mark.clone())).unwrap();
    writer.flush().await.unwrap_err();
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    writer.flush().await.unwrap();
    store.recent(10, 0).await.unwrap();
    let kept = store.put_mark(&mark).await.unwrap();
    store.marks(Wall(2)).await.unwrap();
    store.take_mark_back(kept.id).await.unwrap();
    store.forget_marks(Wall(99)).await.unwrap();
    writer.close().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("records not written, kept"), "{text}");
    assert!(text.contains("calls that had a record already"), "{text}");
    for marker in [
        "13955556666",
        "5555",
        "08517777",
        "marker",
        "遵义",
        "0852110",
    ] {
        assert!(!text.contains(marker), "{marker} in the log:\n{text}");
    }
}

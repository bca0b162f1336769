//! Entries of the audit are added, and never changed.
#![allow(missing_docs)]

use meishier_model::{CallId, Wall};
use meishier_records::{AuditEntry, Store, Writer};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::time::Duration;

fn entry(at: i64, what: &str, call: u64) -> AuditEntry {
    AuditEntry {
        at: Wall(at),
        what: what.to_owned(),
        call: CallId(call),
        by: (at % 2 == 1).then(|| "gy01".to_owned()),
        detail: r#"{"mode":"listen"}"#.to_owned(),
    }
}

#[tokio::test]
async fn entries_come_back_the_latest_first_and_by_call() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records")).await.unwrap();
    // A call's id may use all 64 bits.
    let entries = [
        entry(1, "supervise", u64::MAX),
        entry(2, "key", 7),
        entry(3, "leave", u64::MAX),
    ];
    let mut ids = Vec::new();
    for entry in &entries {
        ids.push(store.audit(entry).await.unwrap());
    }
    assert!(ids[0] < ids[1] && ids[1] < ids[2]);
    let all = store.audited(None, 10, 0).await.unwrap();
    let found: Vec<_> = all.iter().rev().map(|it| it.entry.clone()).collect();
    assert_eq!(found, entries);
    let of_call = store.audited(Some(CallId(u64::MAX)), 10, 0).await.unwrap();
    let what: Vec<_> = of_call.iter().map(|it| it.entry.what.as_str()).collect();
    assert_eq!(what, ["leave", "supervise"]);
    let second = store.audited(None, 1, 1).await.unwrap();
    assert_eq!((second.len(), second[0].id), (1, ids[1]));
    store.close().await;
    assert!(store.audit(&entry(4, "key", 1)).await.is_err());
}

#[tokio::test]
async fn nobody_changes_or_deletes_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let store = Store::open(&path).await.unwrap();
    store.audit(&entry(1, "supervise", 7)).await.unwrap();
    let mut other = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    for attempt in [
        "DELETE FROM audit",
        "UPDATE audit SET what = 'nothing'",
        "INSERT OR REPLACE INTO audit (id, at, what, call, detail) VALUES (1, 0, '', 0, '')",
    ] {
        let done = sqlx::raw_sql(attempt).execute(&mut other).await;
        assert!(done.is_err(), "{attempt}");
    }
    other.close().await.unwrap();
    let kept = store.audited(None, 10, 0).await.unwrap();
    assert_eq!(kept[0].entry, entry(1, "supervise", 7));
}

#[tokio::test]
async fn what_has_happened_is_written_by_the_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records")).await.unwrap();
    let writer = Writer::start(store.clone(), 2);
    let first = entry(1, "takes_part", 7);
    writer.try_note(Box::new(first.clone())).unwrap();
    writer.flush().await.unwrap();
    let found = store.audited(None, 10, 0).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].entry, first);
    // Nothing is lost without a word if the store is gone.
    store.close().await;
    let second = entry(2, "key_by_telephone", 7);
    writer.try_note(Box::new(second.clone())).unwrap();
    let left = writer.close_within(Duration::ZERO).await;
    assert_eq!(left.entries, std::slice::from_ref(&second));
    assert!(!left.is_empty());
    assert_eq!(
        *writer.try_note(Box::new(second.clone())).unwrap_err(),
        second
    );
}

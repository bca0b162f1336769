//! A store that refuses loses no record.
#![allow(missing_docs)]

mod support;

use meishier_model::CallRecord;
use meishier_records::{Counts, Store, Writer};
use sqlx::{Connection, SqliteConnection};
use std::time::Duration;
use support::{Place, full, impatient, place};

async fn other_process(place: &Place) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&place.path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

fn put(writer: &Writer, range: std::ops::Range<u64>) {
    for n in range {
        writer.try_write(Box::new(full(n))).unwrap();
    }
}

#[tokio::test]
async fn a_locked_file_keeps_records_until_the_lock_is_gone() {
    let place = place();
    let store = impatient(&place).await;
    let mut other = other_process(&place).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let writer = Writer::start(store.clone(), 1000);
    put(&writer, 0..300);
    assert!(writer.flush().await.is_err());
    let counts = writer.counts();
    assert_eq!((counts.written, counts.pending, counts.failed), (0, 300, 1));
    run(&mut other, "COMMIT").await;
    writer.flush().await.unwrap();
    assert_eq!(
        writer.counts(),
        Counts {
            written: 300,
            failed: 1,
            ..Counts::default()
        }
    );
    assert_eq!(store.count().await.unwrap(), 300);
    assert_eq!(store.get(full(299).call).await.unwrap(), Some(full(299)));
}

#[tokio::test]
async fn a_refused_batch_leaves_nothing_half_written() {
    let place = place();
    let store = impatient(&place).await;
    let mut other = other_process(&place).await;
    // Calls are taken, transfers are not: the whole batch must come back.
    run(
        &mut other,
        "CREATE TRIGGER no BEFORE INSERT ON transfers BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let writer = Writer::start(store.clone(), 1000);
    put(&writer, 0..10);
    assert!(writer.flush().await.is_err());
    assert!(writer.flush().await.is_err());
    assert_eq!(store.count().await.unwrap(), 0);
    run(&mut other, "DROP TRIGGER no").await;
    writer.flush().await.unwrap();
    assert_eq!(
        writer.counts(),
        Counts {
            written: 10,
            failed: 2,
            ..Counts::default()
        }
    );
    assert_eq!(store.get(full(9).call).await.unwrap(), Some(full(9)));
}

#[tokio::test]
async fn the_writer_tries_again_by_itself_with_growing_pauses() {
    let place = place();
    let store = impatient(&place).await;
    store.close().await;
    tokio::time::pause();
    let writer = Writer::start(store, 10);
    put(&writer, 0..3);
    // Attempts after 0.1 s of gathering and pauses of 0.1, 0.2, 0.4 … s, at last 10 s each.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let counts = writer.counts();
    assert_eq!((counts.written, counts.pending), (0, 3));
    assert!((8..=13).contains(&counts.failed), "{counts:?}");
}

#[tokio::test]
async fn closing_gives_back_what_could_not_be_written() {
    let place = place();
    let store = impatient(&place).await;
    store.close().await;
    tokio::time::pause();
    let writer = Writer::start(store, 500);
    put(&writer, 0..450);
    let left: Vec<CallRecord> = writer.close().await.records;
    assert_eq!(left, (0..450).map(full).collect::<Vec<_>>());
    assert!(writer.try_write(Box::new(full(451))).is_err());
    assert!(writer.flush().await.is_err());
    assert!(writer.close().await.is_empty());
}

#[tokio::test]
async fn a_full_buffer_hands_the_record_back() {
    let place = place();
    let store = impatient(&place).await;
    let writer = Writer::start(store.clone(), 4);
    // The task cannot run between these: the test has one thread and does not wait.
    put(&writer, 0..4);
    let back = writer.try_write(Box::new(full(4))).unwrap_err();
    assert_eq!(*back, full(4));
    assert_eq!((writer.counts().refused, writer.counts().pending), (1, 4));
    writer.flush().await.unwrap();
    writer.try_write(back).unwrap();
    assert!(writer.close().await.is_empty());
    assert_eq!(
        writer.counts(),
        Counts {
            written: 5,
            refused: 1,
            ..Counts::default()
        }
    );
    assert_eq!(store.count().await.unwrap(), 5);
}

#[tokio::test]
async fn records_are_written_without_being_asked_to() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let writer = Writer::start(store.clone(), 10);
    put(&writer, 0..2);
    while writer.counts().pending > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.count().await.unwrap(), 2);
}

#[tokio::test]
async fn dropping_the_writer_writes_what_is_left() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let writer = Writer::start(store.clone(), 10);
    put(&writer, 0..2);
    drop(writer);
    while store.count().await.unwrap() < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn records_from_many_threads_are_all_written() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let writer = Writer::start(store.clone(), 4000);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let writer = &writer;
            scope.spawn(move || put(writer, thread * 1000..thread * 1000 + 1000));
        }
    });
    writer.flush().await.unwrap();
    assert_eq!(writer.counts().written, 4000);
    assert_eq!(store.count().await.unwrap(), 4000);
}

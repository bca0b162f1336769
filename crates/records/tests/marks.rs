//! What people said of numbers: kept until it ends, replaced, taken back; and files of the former
//! version.
#![allow(missing_docs)]

mod support;

use meishier_model::{CallId, DialString, MarkKind, NumberMark, ShardId, Wall};
use meishier_records::{Store, StoreError, Writer};
use sqlx::{Connection, SqliteConnection};
use std::time::Duration;
use support::{bare, full, impatient, place};

const NOW: Wall = Wall(1_000_000);

fn mark(number: &str, kind: MarkKind, until: i64) -> NumberMark {
    NumberMark {
        number: DialString::new(number),
        kind,
        at: Wall(NOW.0 - 5),
        until: Wall(until),
        reason: "自述要跳楼 \0'\"--".into(),
        by: Some("c042".into()),
        call: CallId::new(ShardId(63), 7),
    }
}

#[tokio::test]
async fn marks_come_back_until_they_end() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let risk = mark("13900001111", MarkKind::Risk, NOW.0 + 10);
    let nuisance = NumberMark {
        by: None,
        at: Wall(NOW.0 - 9),
        ..mark("13900002222", MarkKind::Nuisance, NOW.0 + 1)
    };
    store.put_mark(&risk).await.unwrap();
    store.put_mark(&nuisance).await.unwrap();
    let read = |now: i64| {
        let store = store.clone();
        async move {
            let kept = store.marks(Wall(now)).await.unwrap();
            kept.into_iter().map(|it| it.mark).collect::<Vec<_>>()
        }
    };
    // In the order in which they were said.
    assert_eq!(read(NOW.0).await, vec![nuisance.clone(), risk.clone()]);
    assert_eq!(read(NOW.0 + 1).await, vec![risk.clone()]);
    assert_eq!(store.forget_marks(Wall(NOW.0 + 1)).await.unwrap(), 1);
    // It is gone, not hidden.
    assert_eq!(read(NOW.0).await, vec![risk.clone()]);
    assert_eq!(store.forget_marks(Wall(NOW.0 + 10)).await.unwrap(), 1);
    assert_eq!(read(0).await, vec![]);
}

#[tokio::test]
async fn a_later_mark_takes_the_place_of_the_one_before_under_another_id() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let first = mark("139", MarkKind::Nuisance, NOW.0 + 10);
    let sooner = mark("139", MarkKind::Nuisance, NOW.0 + 5);
    let one = store.put_mark(&first).await.unwrap();
    let two = store.put_mark(&sooner).await.unwrap();
    assert_eq!(store.mark(one.id).await.unwrap(), None);
    assert_eq!(store.mark(two.id).await.unwrap(), Some(sooner));
    // Whoever looked before the second was said takes nothing back.
    assert_eq!(store.take_mark_back(one.id).await.unwrap(), None);
    assert_eq!(store.marks(NOW).await.unwrap(), vec![two.clone()]);
    assert!(store.take_mark_back(two.id).await.unwrap().is_some());
    assert_eq!(store.marks(NOW).await.unwrap(), vec![]);
    let three = store.put_mark(&first).await.unwrap();
    assert!(three.id > two.id, "an id is never used again");
}

#[tokio::test]
async fn a_risk_lifts_the_nuisance_of_its_number_and_never_ends_sooner() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let nuisance = mark("139", MarkKind::Nuisance, NOW.0 + 99);
    let other = mark("138", MarkKind::Nuisance, NOW.0 + 99);
    store.put_mark(&nuisance).await.unwrap();
    let other = store.put_mark(&other).await.unwrap();
    let long = mark("139", MarkKind::Risk, NOW.0 + 50);
    store.put_mark(&long).await.unwrap();
    let short = mark("139", MarkKind::Risk, NOW.0 + 20);
    let kept = store.put_mark(&short).await.unwrap();
    assert_eq!(kept.mark.until, Wall(NOW.0 + 50));
    let all = store.marks(NOW).await.unwrap();
    assert_eq!(all, vec![other, kept]);
}

#[tokio::test]
async fn the_writer_keeps_marks_among_records_and_gives_back_what_it_cannot_write() {
    let place = place();
    let store = impatient(&place).await;
    let writer = Writer::start(store.clone(), 8);
    let risk = mark("13900001111", MarkKind::Risk, NOW.0 + 10);
    writer.try_keep(Box::new(risk.clone())).unwrap();
    writer.try_write(Box::new(full(1))).unwrap();
    writer.flush().await.unwrap();
    let kept = store.marks(NOW).await.unwrap();
    assert_eq!(kept[0].mark, risk);
    assert_eq!(writer.counts().written, 1);
    store.close().await;
    let nuisance = mark("138", MarkKind::Nuisance, NOW.0 + 10);
    writer.try_keep(Box::new(nuisance.clone())).unwrap();
    writer.try_write(Box::new(bare(2))).unwrap();
    let left = writer.close_within(Duration::ZERO).await;
    assert_eq!(
        (left.marks, left.records),
        (vec![nuisance.clone()], vec![bare(2)])
    );
    assert_eq!(
        writer.try_keep(Box::new(nuisance.clone())),
        Err(Box::new(nuisance))
    );
}

/// The tables as the first version made them.
const FIRST: &str = "
CREATE TABLE calls (
    call INTEGER PRIMARY KEY, trunk TEXT NOT NULL, caller TEXT NOT NULL, called TEXT NOT NULL,
    sip_call_id TEXT NOT NULL, arrived INTEGER NOT NULL, answered INTEGER, ended INTEGER NOT NULL,
    waited_ms INTEGER NOT NULL, talked_ms INTEGER NOT NULL, outcome TEXT NOT NULL,
    released_by TEXT NOT NULL, status INTEGER NOT NULL, pool TEXT, line INTEGER, seat TEXT,
    counsellor TEXT, route TEXT NOT NULL, route_reason TEXT NOT NULL,
    caller_received INTEGER NOT NULL, caller_sent INTEGER NOT NULL,
    caller_wrong_source INTEGER NOT NULL, caller_malformed INTEGER NOT NULL,
    seat_received INTEGER NOT NULL, seat_sent INTEGER NOT NULL,
    seat_wrong_source INTEGER NOT NULL, seat_malformed INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_by_arrival ON calls (arrived);
CREATE TABLE offers (
    call INTEGER NOT NULL, position INTEGER NOT NULL, seat TEXT NOT NULL, counsellor TEXT NOT NULL,
    pool TEXT NOT NULL, at INTEGER NOT NULL, rang_ms INTEGER NOT NULL, outcome TEXT NOT NULL,
    status INTEGER NOT NULL, PRIMARY KEY (call, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE transfers (
    call INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, city TEXT NOT NULL,
    dialled TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL, answered INTEGER,
    outcome TEXT NOT NULL, status INTEGER NOT NULL, PRIMARY KEY (call, position)
) STRICT, WITHOUT ROWID;
INSERT INTO calls VALUES (7, 'telecom', '13900001111', '12356', 'a@b', 5, NULL, 9, 4, 0,
    'abandoned', 'caller', 487, NULL, NULL, NULL, NULL, '[[\"city\",0]]', 'why', 1, 2, 3, 4, 5, 6, 7, 8);
PRAGMA application_id = 1297302866; PRAGMA user_version = 1;
";

#[tokio::test]
async fn a_file_of_the_first_version_goes_on_and_its_rows_read_as_empty() {
    let place = place();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&place.path)
        .create_if_missing(true);
    let mut old = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(FIRST).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    for _ in 0..2 {
        // The second time there is nothing left to do.
        let store = Store::open(&place.path).await.unwrap();
        let record = store.get(CallId(7)).await.unwrap().unwrap();
        assert_eq!(record.caller.reveal(), "13900001111");
        assert_eq!(record.route, [("city".to_owned(), 0)]);
        assert_eq!((record.table.as_str(), record.rules.len()), ("", 0));
        assert!(!record.risk && !record.nuisance);
        assert_eq!((&record.recording, &record.call_back), (&None, &None));
        let (caller, seat) = (record.rtp_caller, record.rtp_seat);
        assert_eq!((caller.malformed, caller.lost, caller.reports), (4, 0, 0));
        assert_eq!(
            (seat.malformed, seat.peer_lost, seat.round_trip_us),
            (8, 0, 0)
        );
        assert_eq!(store.marks(NOW).await.unwrap(), vec![]);
        store.close().await;
    }
    let store = Store::open(&place.path).await.unwrap();
    let writer = Writer::start(store.clone(), 2);
    writer.try_write(Box::new(full(1))).unwrap();
    assert!(writer.close().await.is_empty());
    assert_eq!(store.get(full(1).call).await.unwrap(), Some(full(1)));
    assert_eq!(store.count().await.unwrap(), 2);
}

#[tokio::test]
async fn a_kind_that_nobody_writes_is_told() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let kept = mark("139", MarkKind::Risk, NOW.0 + 9);
    let kept = store.put_mark(&kept).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&place.path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("UPDATE number_marks SET kind = 'bored'")
        .execute(&mut other)
        .await
        .unwrap();
    assert!(matches!(
        store.mark(kept.id).await,
        Err(StoreError::Damaged {
            column: "number_marks.kind"
        })
    ));
}

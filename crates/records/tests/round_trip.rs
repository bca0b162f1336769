//! What is written is what is read.
#![allow(missing_docs)]

mod support;

use meishier_model::{
    CallId, CallRecord, OfferOutcome, Outcome, RecordingRecord, ReleasedBy, TapeId,
    TransferOutcome, Wall,
};
use meishier_records::{Counts, Store, StoreError, Writer};
use std::os::unix::fs::PermissionsExt;
use support::{bare, full, offer, place, recording, transfer};

async fn written(store: &Store, records: &[CallRecord]) -> Counts {
    let writer = Writer::start(store.clone(), records.len().max(1));
    for record in records {
        writer.try_write(Box::new(record.clone())).unwrap();
    }
    writer.flush().await.unwrap();
    let counts = writer.counts();
    assert!(writer.close().await.is_empty());
    counts
}

#[tokio::test]
async fn every_field_comes_back() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let (one, two) = (full(1), bare(2));
    let counts = written(&store, &[one.clone(), two.clone()]).await;
    assert_eq!(
        counts,
        Counts {
            written: 2,
            ..Counts::default()
        }
    );
    assert_eq!(store.get(one.call).await.unwrap(), Some(one.clone()));
    assert_eq!(store.get(two.call).await.unwrap(), Some(two.clone()));
    assert_eq!(store.recent(10, 0).await.unwrap(), vec![two, one]);
    assert_eq!(store.get(CallId(7)).await.unwrap(), None);
    assert_eq!(store.count().await.unwrap(), 2);
}

#[tokio::test]
async fn what_was_recorded_comes_back_of_each_call_that_was() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let of = |n: u64| CallRecord {
        recording: n.is_multiple_of(2).then(|| Box::new(recording())),
        ..bare(n)
    };
    // More than a page of them.
    let records: Vec<CallRecord> = (0..2_500).map(of).collect();
    written(&store, &records).await;
    let mut found = Vec::new();
    let each = |call, said| found.push((call, said));
    store.recordings(each).await.unwrap();
    let wanted: Vec<_> = records
        .iter()
        .filter_map(|it| Some((it.call, *it.recording.clone()?)))
        .collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn what_a_recording_lacks_is_noted_in_the_record_of_its_call() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let tape = |call, segment| TapeId {
        call: bare(call).call,
        segment,
    };
    let lacks = (150, true);
    assert!(
        !store.tape_lacks(tape(1, 1), lacks).await.unwrap(),
        "not yet"
    );
    let with = |n| CallRecord {
        recording: Some(Box::new(recording())),
        ..bare(n)
    };
    written(&store, &[with(1), with(2), bare(3)]).await;
    assert!(store.tape_lacks(tape(1, 1), lacks).await.unwrap());
    // Of a recording that is on no record nothing is said.
    assert!(store.tape_lacks(tape(2, 7), lacks).await.unwrap());
    assert!(store.tape_lacks(tape(3, 1), lacks).await.unwrap());
    let mut noted = recording();
    (noted.tapes[0].lost, noted.tapes[0].given_up) = lacks;
    let said = |n| {
        let store = store.clone();
        async move { store.get(bare(n).call).await.unwrap().unwrap().recording }
    };
    assert_eq!(said(1).await.as_deref(), Some(&noted));
    assert_eq!(said(2).await.as_deref(), Some(&recording()));
    assert_eq!(said(3).await, None);
}

#[tokio::test]
async fn calls_that_refused_are_found_in_the_last_week_that_had_calls() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let day = 86_400_000;
    let with = |n: u64, days: i64, refused: bool| CallRecord {
        arrived: Wall(1_000_000_000_000 + days * day),
        recording: Some(Box::new(RecordingRecord {
            refused: refused.then_some(Wall(1_000_000_000_000 + days * day)),
            tapes: Vec::new(),
            ..recording()
        })),
        ..bare(n)
    };
    assert_eq!(store.refused_lately().await.unwrap(), []);
    let records = [
        with(1, 1, true),
        with(2, 5, true),
        with(3, 6, false),
        with(4, 11, true),
        bare(5),
    ];
    let records = records.map(|it| CallRecord {
        arrived: it.arrived.min(Wall(1_000_000_000_000 + 12 * day)),
        ..it
    });
    written(&store, &records).await;
    let found = store.refused_lately().await.unwrap();
    let wanted = [2, 4].map(|n| (bare(n).call, records[n as usize - 1].arrived));
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn every_outcome_comes_back() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let mut records = Vec::new();
    for outcome in [Outcome::Answered, Outcome::Abandoned, Outcome::Failed] {
        for released_by in [ReleasedBy::Caller, ReleasedBy::Seat, ReleasedBy::Engine] {
            records.push(CallRecord {
                outcome,
                released_by,
                ..bare(records.len() as u64)
            });
        }
    }
    let offers = [
        OfferOutcome::Answered,
        OfferOutcome::NoAnswer,
        OfferOutcome::Refused,
        OfferOutcome::Unreachable,
        OfferOutcome::CallerGone,
        OfferOutcome::Withdrawn,
    ];
    let transfers = [
        TransferOutcome::Joined,
        TransferOutcome::Failed,
        TransferOutcome::NoAnswer,
        TransferOutcome::Cancelled,
    ];
    records.push(CallRecord {
        offers: offers.into_iter().map(|it| offer("a", it, 0)).collect(),
        transfers: transfers.into_iter().map(|it| transfer(it, None)).collect(),
        ..bare(99)
    });
    written(&store, &records).await;
    for record in records {
        assert_eq!(store.get(record.call).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn pages_are_the_latest_first_and_never_overlap() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    // Two at each instant: the call's id then decides.
    let records: Vec<CallRecord> = (0..50)
        .map(|n| CallRecord {
            arrived: Wall(n as i64 / 2),
            ..full(n)
        })
        .collect();
    written(&store, &records).await;
    let mut read = Vec::new();
    for page in 0..6 {
        read.extend(store.recent(9, page * 9).await.unwrap());
    }
    let newest_first: Vec<CallRecord> = records.into_iter().rev().collect();
    assert_eq!(read, newest_first);
    assert!(store.recent(9, u64::MAX).await.unwrap().is_empty());
    assert!(store.recent(0, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn ten_thousand_records_are_all_there_once() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let records: Vec<CallRecord> = (0..10_000).map(full).collect();
    let counts = written(&store, &records).await;
    assert_eq!(
        counts,
        Counts {
            written: 10_000,
            ..Counts::default()
        }
    );
    assert_eq!(store.count().await.unwrap(), 10_000);
    for n in [0, 1, 199, 200, 201, 9_999] {
        assert_eq!(store.get(full(n).call).await.unwrap(), Some(full(n)));
    }
}

#[tokio::test]
async fn the_second_record_of_a_call_changes_nothing() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let second = CallRecord {
        offers: vec![offer("x", OfferOutcome::Refused, 486); 5],
        ..full(3)
    };
    // Once within a batch, once in a later one.
    let counts = written(&store, &[full(3), second.clone(), full(4)]).await;
    assert_eq!(
        counts,
        Counts {
            written: 2,
            duplicates: 1,
            ..Counts::default()
        }
    );
    let counts = written(&store, &[full(5), second]).await;
    assert_eq!(
        counts,
        Counts {
            written: 1,
            duplicates: 1,
            ..Counts::default()
        }
    );
    assert_eq!(store.get(full(3).call).await.unwrap(), Some(full(3)));
    assert_eq!(store.count().await.unwrap(), 3);
}

#[tokio::test]
async fn records_outlive_the_process() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    written(&store, &[full(1)]).await;
    store.close().await;
    let store = Store::open(&place.path).await.unwrap();
    assert_eq!(store.get(full(1).call).await.unwrap(), Some(full(1)));
}

#[tokio::test]
async fn nobody_but_the_owner_reads_the_files() {
    let place = place();
    std::fs::write(&place.path, b"").unwrap();
    std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&place.path).await.unwrap();
    written(&store, &[full(1)]).await;
    let mut files = 0;
    for entry in std::fs::read_dir(place.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        files += 1;
    }
    assert_eq!(files, 3, "the data base, its log, its index");
}

#[tokio::test]
async fn files_that_are_not_ours_are_left_alone() {
    let place = place();
    assert!(matches!(
        Store::open(place.folder.path()).await,
        Err(StoreError::File { .. })
    ));
    assert!(matches!(
        Store::open(place.folder.path().join("no/folder")).await,
        Err(StoreError::File { .. })
    ));
    let other = place.folder.path().join("text");
    std::fs::write(
        &other,
        "no data base at all, but long enough to have a header",
    )
    .unwrap();
    assert!(matches!(
        Store::open(&other).await,
        Err(StoreError::Database(_))
    ));
    let foreign = place.folder.path().join("foreign");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&foreign)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE guests (name TEXT)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    assert!(matches!(
        Store::open(&foreign).await,
        Err(StoreError::Foreign { .. })
    ));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let place = place();
    Store::open(&place.path).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&place.path);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql("PRAGMA user_version = 99")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let error = Store::open(&place.path).await.unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, .. }),
        "{error}"
    );
}

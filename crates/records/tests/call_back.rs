//! Who is still to be called back: what a record leaves to be done.

mod support;

use meishier_model::{CallBackRecord, CallRecord, Wall};
use meishier_records::{Store, TaskKind, Writer};
use support::{Place, bare, call_back, full, place};

/// A store with these records, and the folder that it needs.
async fn kept(records: Vec<CallRecord>) -> (Place, Store) {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let writer = Writer::start(store.clone(), 10);
    for record in records {
        writer.try_write(Box::new(record)).unwrap();
    }
    assert!(writer.close().await.is_empty());
    (place, store)
}

fn with(n: u64, call_back: CallBackRecord) -> CallRecord {
    CallRecord {
        call_back: Some(Box::new(call_back)),
        ..full(n)
    }
}

#[tokio::test]
async fn a_caller_who_agreed_and_was_not_reached_is_a_task_until_the_next_day() {
    let (_place, store) = kept(vec![with(1, call_back(false)), bare(2)]).await;
    let tasks = store.tasks(false).await.unwrap();
    let [task] = &tasks[..] else {
        panic!("{tasks:?}");
    };
    let ended = 1_700_000_002_000;
    assert_eq!(task.task.kind, TaskKind::CallBack);
    assert_eq!(task.task.kind.as_str(), "call_back");
    assert_eq!((task.call, task.made), (full(1).call, Wall(ended)));
    assert_eq!(task.task.due, Wall(ended + 86_400_000));
    assert_eq!(store.task(task.id).await.unwrap().as_ref(), Some(task));
    assert_eq!(store.task(task.id + 1).await.unwrap(), None);
    assert!(store.task_done(task.id, Wall(9), None).await.unwrap());
    assert_eq!(
        store.task(task.id).await.unwrap().unwrap().done,
        Some(Wall(9))
    );
    let record = store.get(full(1).call).await.unwrap().unwrap();
    assert_eq!(record.call_back.as_deref(), Some(&call_back(false)));
}

#[tokio::test]
async fn nobody_is_to_be_called_back_without_consent_or_number_or_need() {
    let owed = || call_back(false);
    let cases = [
        call_back(true),
        CallBackRecord {
            consent: None,
            ..owed()
        },
        CallBackRecord {
            number: false,
            ..owed()
        },
        CallBackRecord {
            since: None,
            ..owed()
        },
        CallBackRecord::default(),
    ];
    let records = (1..).zip(cases).map(|(n, it)| with(n, it)).collect();
    let (_place, store) = kept(records).await;
    assert_eq!(store.count().await.unwrap(), 5);
    assert_eq!(store.tasks(true).await.unwrap(), []);
}

#[tokio::test]
async fn a_record_that_is_written_twice_makes_one_task() {
    let record = with(1, call_back(false));
    let (_place, store) = kept(vec![record.clone(), record.clone(), record]).await;
    assert_eq!(store.count().await.unwrap(), 1);
    assert_eq!(store.tasks(true).await.unwrap().len(), 1);
}

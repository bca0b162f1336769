//! The outbox: nothing is lost, nothing goes twice, nothing is tried for ever.

mod support;

use meishier_model::{CallId, Wall};
use meishier_records::{
    Carried, Carrier, Carrying, Courier, CourierOptions, Delivery, LARGEST_BODY, Parcel, Route,
    Standing, Store, Task, TaskKind,
};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::place;
use tokio::sync::mpsc;

const CALL: CallId = CallId(9);
/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

fn parcel(count: u32, receivers: &[&str]) -> Parcel {
    Parcel {
        call: CALL,
        mark: format!("{CALL}-{count}"),
        document: String::new(),
        made: Wall(1000),
        receivers: receivers.iter().map(|it| (*it).to_owned()).collect(),
        told: Vec::new(),
        contents: "number,battery".into(),
        ground: "law".into(),
        task: Some(Task {
            kind: TaskKind::Tell,
            due: Wall(5000),
        }),
        body: b"13300000001".to_vec(),
    }
}

/// Says what it is told to, then 200; tells of each attempt.
struct Script {
    answers: Mutex<VecDeque<Carried>>,
    told: mpsc::UnboundedSender<Delivery>,
}

impl Carrier for Script {
    fn carry<'a>(&'a self, delivery: &'a Delivery) -> Carrying<'a> {
        Box::pin(async {
            let answer = self.answers.lock().unwrap().pop_front();
            self.told.send(delivery.clone()).unwrap();
            answer.unwrap_or(Carried::Answered(200))
        })
    }
}

struct Scene {
    courier: Courier,
    attempts: mpsc::UnboundedReceiver<Delivery>,
    now: Arc<AtomicI64>,
}

/// A courier whose clock stands at `now` until the test moves it.
fn scene(store: &Store, now: i64, receivers: &[&str], answers: &[Carried]) -> Scene {
    let (told, attempts) = mpsc::unbounded_channel();
    let route = |name: &&str| {
        let script = Script {
            answers: Mutex::new(answers.iter().copied().collect()),
            told: told.clone(),
        };
        let carrier: Arc<dyn Carrier> = Arc::new(script);
        ((*name).to_owned(), carrier)
    };
    let routes: Vec<Route> = receivers.iter().map(route).collect();
    let options = CourierOptions {
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        give_up: Duration::from_secs(60),
        ..CourierOptions::default()
    };
    let now = Arc::new(AtomicI64::new(now));
    let clock = now.clone();
    let clock = Arc::new(move || Wall(clock.load(Relaxed)));
    Scene {
        courier: Courier::start(store.clone(), routes, clock, options),
        attempts,
        now,
    }
}

async fn attempt(scene: &mut Scene) -> Delivery {
    let next = tokio::time::timeout(PATIENCE, scene.attempts.recv()).await;
    next.unwrap().unwrap()
}

async fn quiet(store: &Store) {
    let all = async { while store.pending(Wall(0)).await.unwrap().count > 0 {} };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
}

#[tokio::test]
async fn a_parcel_is_kept_with_what_it_makes_us_owe_and_once_only() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    assert_eq!(store.post(&parcel(1, &["a", "b"])).await.unwrap(), 0);
    assert_eq!(store.post(&parcel(1, &["a", "b"])).await.unwrap(), 0);
    assert_eq!(store.post(&parcel(2, &["a"])).await.unwrap(), 0);
    let pending = store.pending(Wall(999)).await.unwrap();
    assert_eq!((pending.count, pending.late), (3, 0));
    assert_eq!(pending.oldest, Some(Wall(1000)));
    assert_eq!(store.pending(Wall(1000)).await.unwrap().late, 3);
    let uses = store.uses(CALL).await.unwrap();
    let to: Vec<&str> = uses.iter().map(|it| it.receiver.as_str()).collect();
    assert_eq!(to, ["a", "b", "a"]);
    assert_eq!(
        (uses[0].what.as_str(), uses[0].ground.as_str()),
        ("number,battery", "law")
    );
    let tasks = store.tasks(false).await.unwrap();
    assert_eq!(tasks.len(), 1, "one task a call");
    assert_eq!((tasks[0].call, tasks[0].task.due), (CALL, Wall(5000)));
    // Over a restart.
    store.close().await;
    let store = Store::open(&place.path).await.unwrap();
    let next = store.next_delivery("b").await.unwrap().unwrap();
    assert_eq!(
        (next.mark.as_str(), next.body.as_slice()),
        ("0000000000000009-1", &b"13300000001"[..])
    );
    assert!(!format!("{next:?} {:?}", parcel(1, &["a"])).contains("13300000001"));
}

#[tokio::test]
async fn what_went_by_another_way_is_in_the_audit_and_makes_the_task() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let told = Parcel {
        told: vec!["trunk telecom".into()],
        ..parcel(1, &[])
    };
    store.post(&told).await.unwrap();
    assert_eq!(store.pending(Wall(0)).await.unwrap().count, 0);
    assert_eq!(store.uses(CALL).await.unwrap()[0].receiver, "trunk telecom");
    assert_eq!(store.tasks(false).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_task_is_done_once() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    store.post(&parcel(1, &["a"])).await.unwrap();
    let id = store.tasks(false).await.unwrap()[0].id;
    assert!(store.task_done(id, Wall(7), Some("100")).await.unwrap());
    assert!(!store.task_done(id, Wall(8), Some("101")).await.unwrap());
    assert!(!store.task_done(id + 1, Wall(8), Some("101")).await.unwrap());
    assert!(store.tasks(false).await.unwrap().is_empty());
    let done = &store.tasks(true).await.unwrap()[0];
    assert_eq!(
        (done.done, done.by.as_deref()),
        (Some(Wall(7)), Some("100"))
    );
}

#[tokio::test]
async fn each_receiver_gets_it_though_another_fails() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let failing = [Carried::Failed("unreachable"), Carried::Answered(503)];
    let mut scene = scene(&store, 1000, &["a", "b"], &failing);
    scene
        .courier
        .try_post(Box::new(parcel(1, &["a", "b"])))
        .unwrap();
    let mut seen: Vec<(String, u32)> = Vec::new();
    for _ in 0..6 {
        let delivery = attempt(&mut scene).await;
        seen.push((delivery.receiver, delivery.attempts));
    }
    seen.sort();
    let each = |name: &str| (0..3).map(|n| (name.to_owned(), n)).collect::<Vec<_>>();
    assert_eq!(seen, [each("a"), each("b")].concat());
    quiet(&store).await;
    let receipts = store.receipts(CALL).await.unwrap();
    assert!(
        receipts
            .iter()
            .all(|it| it.standing == Standing::Sent && it.attempts == 3)
    );
    // A receipt is all that stays.
    assert_eq!(store.next_delivery("a").await.unwrap(), None);
    let counts = scene.courier.counts().await.unwrap();
    assert_eq!((counts.sent, counts.failed), (2, 4));
}

#[tokio::test]
async fn what_fails_for_too_long_is_given_up() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let failing = [Carried::Failed("tls"); 3];
    let mut scene = scene(&store, 1000, &["a"], &failing);
    scene.courier.try_post(Box::new(parcel(1, &["a"]))).unwrap();
    attempt(&mut scene).await;
    scene.now.store(1000 + 60_000, Relaxed);
    quiet(&store).await;
    let receipts = store.receipts(CALL).await.unwrap();
    assert_eq!(
        (receipts[0].standing, receipts[0].fault.as_str()),
        (Standing::GivenUp, "tls")
    );
    let counts = scene.courier.counts().await.unwrap();
    assert_eq!((counts.sent, counts.given_up), (0, 1));
}

#[tokio::test]
async fn what_is_for_a_receiver_that_is_not_named_waits_until_it_is() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    store.post(&parcel(1, &["a", "renamed"])).await.unwrap();
    let mut first = scene(&store, 2000, &["a"], &[]);
    assert_eq!(attempt(&mut first).await.receiver, "a");
    let taken = async { while store.receipts(CALL).await.unwrap()[0].done.is_none() {} };
    tokio::time::timeout(PATIENCE, taken).await.unwrap();
    first.courier.close(PATIENCE).await;
    assert_eq!(store.pending(Wall(0)).await.unwrap().count, 1, "it stays");
    let mut second = scene(&store, 3000, &["renamed"], &[]);
    assert_eq!(attempt(&mut second).await.body, b"13300000001");
    quiet(&store).await;
    let receipts = store.receipts(CALL).await.unwrap();
    assert!(receipts.iter().all(|it| it.standing == Standing::Sent));
}

#[tokio::test]
async fn what_is_for_a_receiver_that_is_never_named_again_is_given_up_in_its_time() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    store.post(&parcel(1, &["gone"])).await.unwrap();
    let late = Parcel {
        made: Wall(1001),
        ..parcel(2, &["gone"])
    };
    store.post(&late).await.unwrap();
    let found = store.unclaimed(&["a".into()], (Wall(9), Wall(999))).await;
    let found = found.unwrap();
    assert_eq!(
        (found.receivers, found.waiting),
        (vec!["gone".to_owned()], 2)
    );
    // 60 s after the first was made.
    let scene = scene(&store, 1000 + 60_000, &["a"], &[]);
    let one = async { while store.pending(Wall(0)).await.unwrap().count > 1 {} };
    tokio::time::timeout(PATIENCE, one).await.unwrap();
    let receipts = store.receipts(CALL).await.unwrap();
    let stands = |at: usize| (receipts[at].standing, receipts[at].fault.as_str());
    assert_eq!(stands(0), (Standing::GivenUp, "receiver_gone"));
    assert_eq!(stands(1), (Standing::Pending, ""));
    scene.courier.close(PATIENCE).await;
}

#[tokio::test]
async fn what_was_never_tried_goes_first_and_the_newest_of_it() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    for count in 1..=4 {
        store.post(&parcel(count, &["a"])).await.unwrap();
    }
    for count in [1, 2] {
        // Both failed once, and are due again.
        store
            .put_off(count, Wall(1), (503, "refused"))
            .await
            .unwrap();
    }
    let mut scene = scene(&store, 1000, &["a"], &[]);
    let mut marks = Vec::new();
    for _ in 0..4 {
        marks.push(attempt(&mut scene).await.mark);
    }
    assert_eq!(marks, [4, 3, 1, 2].map(|count| format!("{CALL}-{count}")));
}

#[tokio::test]
async fn a_later_dossier_takes_the_place_of_what_the_receiver_has_not_taken() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let of = |count: u32, document: &str, made: i64| Parcel {
        document: document.to_owned(),
        made: Wall(made),
        ..parcel(count, &["a", "b"])
    };
    store.post(&of(1, "police", 1000)).await.unwrap();
    let carried = store.next_delivery("b").await.unwrap().unwrap();
    store.post(&of(2, "ambulance", 1500)).await.unwrap();
    store.post(&of(3, "police", 2000)).await.unwrap();
    // It was on its way, and arrived.
    let end = (Standing::Sent, Wall(2100));
    store.conclude(carried.id, end, (202, "")).await.unwrap();
    let receipts = store.receipts(CALL).await.unwrap();
    let stands: Vec<(&str, Standing)> = receipts
        .iter()
        .map(|it| (it.receiver.as_str(), it.standing))
        .collect();
    use Standing::{Pending, Sent, Superseded};
    let expected = [
        ("a", Superseded),
        ("b", Sent),
        ("a", Pending),
        ("b", Pending),
        ("a", Pending),
        ("b", Pending),
    ];
    assert_eq!(stands, expected);
    // The receiver lacks it since the first was made: whoever watches is to know.
    let next = store.next_delivery("a").await.unwrap().unwrap();
    assert_eq!((next.mark, next.made), (format!("{CALL}-3"), Wall(1000)));
    // Nothing but the latest is tried.
    let mut scene = scene(&store, 3000, &["a"], &[]);
    let tried = [
        attempt(&mut scene).await.mark,
        attempt(&mut scene).await.mark,
    ];
    assert_eq!(tried, [3, 2].map(|count| format!("{CALL}-{count}")));
}

#[tokio::test]
async fn too_much_is_refused_and_counted() {
    let place = place();
    let store = Store::open(&place.path).await.unwrap();
    let scene = scene(&store, 1000, &["a"], &[]);
    let large = Parcel {
        body: vec![0; LARGEST_BODY + 1],
        ..parcel(1, &["a", "b"])
    };
    assert!(scene.courier.try_post(Box::new(large)).is_err());
    assert_eq!(scene.courier.counts().await.unwrap().lost, 2);
    scene.courier.close(PATIENCE).await;
    assert!(scene.courier.try_post(Box::new(parcel(1, &["a"]))).is_err());
}

#[tokio::test]
async fn nothing_of_a_delivered_body_stays_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let store = Store::open(&path).await.unwrap();
    let secret = b"clothing of somebody on a roof;";
    // One that fits into a page, and one over several.
    for (count, times) in [(1, 3), (2, 2000)] {
        let body = secret.repeat(times);
        store
            .post(&Parcel {
                body,
                ..parcel(count, &["a"])
            })
            .await
            .unwrap();
    }
    let mut other = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    let files = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut files = files.map(|it| std::fs::read(it.unwrap().path()).unwrap());
        let found = |bytes: Vec<u8>| bytes.windows(secret.len()).any(|it| it == secret);
        files.any(found)
    };
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    sqlx::query(checkpoint).execute(&mut other).await.unwrap();
    assert!(files(), "it is there as long as it is to be delivered");
    while let Some(next) = store.next_delivery("a").await.unwrap() {
        let end = (Standing::Sent, Wall(2));
        store.conclude(next.id, end, (202, "")).await.unwrap();
    }
    sqlx::query(checkpoint).execute(&mut other).await.unwrap();
    assert!(!files());
}

#[tokio::test]
async fn uses_of_data_are_neither_changed_nor_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let store = Store::open(&path).await.unwrap();
    store.post(&parcel(1, &["a"])).await.unwrap();
    let before = store.uses(CALL).await.unwrap();
    let mut other = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    for attempt in [
        "DELETE FROM data_uses",
        "UPDATE data_uses SET ground = ''",
        "INSERT OR REPLACE INTO data_uses (id, call, at, receiver, what, ground) VALUES (1, 0, 0, '', '', '')",
    ] {
        let refused = sqlx::query(attempt).execute(&mut other).await.unwrap_err();
        assert!(
            refused.to_string().contains("uses of personal data"),
            "{refused}"
        );
    }
    assert_eq!(store.uses(CALL).await.unwrap(), before);
}

#[tokio::test]
async fn what_was_told_by_telephone_and_cannot_be_written_down_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("records")).await.unwrap();
    let clock = Arc::new(|| Wall(1));
    let courier = Courier::start(store, Vec::new(), clock, CourierOptions::default());
    courier.close(PATIENCE).await;
    let told = Parcel {
        told: vec!["110 (voice)".into()],
        ..parcel(1, &[])
    };
    assert!(courier.try_post(Box::new(told)).is_err());
    assert_eq!(courier.counts().await.unwrap().lost, 1);
}

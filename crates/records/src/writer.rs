//! The writer: a bounded buffer in front of the store, and the task that empties it.
//!
//! ```text
//!            first record                 linger over, or batch full
//!   Idle ───────────────────► Collecting ───────────────────────────► Writing
//!    ▲                                                                 │   │
//!    │                 written (or a duplicate, counted)               │   │ refused
//!    └─────────────────────────────────────────────────────────────────┘   ▼
//!                                         Writing ◄──── pause over ──── Pausing 0.1 s … 10 s
//! ```
//! A batch leaves the task only when the store took it; what waits behind it stays in the buffer.

use crate::{Store, StoreError, write};
use meishier_model::CallRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Records in one transaction at most.
const BATCH: usize = 200;
/// How long the first record of a batch waits for company. A batch costs a wait for the disk
/// whatever its size; at 100 calls a second this makes 20 µs of CPU a record, 100 ms made 33.
const LINGER: Duration = Duration::from_millis(500);
/// The first pause after a refusal; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long [`Writer::close`] goes on trying.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Takes records from any thread without blocking and writes them in batches.
#[derive(Clone, Debug)]
pub struct Writer {
    records: mpsc::Sender<Box<CallRecord>>,
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// What the writer did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are in the store by this writer's doing.
    pub written: u64,
    /// Records whose call was in the store already; the first one stays.
    pub duplicates: u64,
    /// Attempts to write a batch that the store refused.
    pub failed: u64,
    /// Records handed back because the buffer was full or the writer closed.
    pub refused: u64,
    /// Records taken and not yet in the store.
    pub pending: u64,
}

#[derive(Debug, Default)]
struct Shared {
    accepted: AtomicU64,
    written: AtomicU64,
    duplicates: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
}

enum Order {
    Flush(oneshot::Sender<Result<(), StoreError>>),
    Close {
        until: Instant,
        done: oneshot::Sender<Vec<CallRecord>>,
    },
}

impl Writer {
    /// Starts the task that writes. Must be called within a tokio runtime, which is to live until
    /// [`Self::close`] has returned. `capacity` (at least 1) bounds the records in the buffer.
    #[must_use]
    pub fn start(store: Store, capacity: usize) -> Self {
        let (records, incoming) = mpsc::channel(capacity.max(1));
        let (orders, ordered) = mpsc::channel(8);
        let shared = Arc::new(Shared::default());
        let task = Task {
            store,
            records: incoming,
            shared: Arc::clone(&shared),
            batch: Vec::with_capacity(BATCH),
            due: Instant::now(),
            pause: FIRST_PAUSE,
        };
        drop(tokio::spawn(task.run(ordered)));
        Self {
            records,
            orders,
            shared,
        }
    }

    /// Takes a record from any thread, without blocking.
    ///
    /// # Errors
    /// Hands the record back if the buffer is full or the writer is closed.
    pub fn try_write(&self, record: Box<CallRecord>) -> Result<(), Box<CallRecord>> {
        // Before the record goes, so that `pending` never falls below zero.
        self.shared.accepted.fetch_add(1, Relaxed);
        match self.records.try_send(record) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(record) | TrySendError::Closed(record)) => {
                self.shared.accepted.fetch_sub(1, Relaxed);
                self.shared.refused.fetch_add(1, Relaxed);
                Err(record)
            }
        }
    }

    /// Writes at once what was taken before this call, without waiting for a batch to fill.
    ///
    /// # Errors
    /// What the store said; the records stay in the buffer and are tried again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        if self.orders.send(Order::Flush(done)).await.is_err() {
            return Err(StoreError::Database(sqlx::Error::WorkerCrashed));
        }
        answer
            .await
            .unwrap_or(Err(StoreError::Database(sqlx::Error::WorkerCrashed)))
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let shared = &self.shared;
        let (written, duplicates) = (
            shared.written.load(Relaxed),
            shared.duplicates.load(Relaxed),
        );
        Counts {
            written,
            duplicates,
            failed: shared.failed.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            pending: shared
                .accepted
                .load(Relaxed)
                .saturating_sub(written + duplicates),
        }
    }

    /// Takes no more records and writes all that are left, for up to 10 s if the store refuses.
    /// Gives back those that could not be written (empty when all went well), for the caller to
    /// keep elsewhere.
    pub async fn close(&self) -> Vec<CallRecord> {
        self.close_within(CLOSE_LIMIT).await
    }

    /// [`Self::close`] with a limit of one's own; at least one attempt is made.
    pub async fn close_within(&self, limit: Duration) -> Vec<CallRecord> {
        let (done, answer) = oneshot::channel();
        let order = Order::Close {
            until: Instant::now() + limit,
            done,
        };
        if self.orders.send(order).await.is_err() {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }
}

struct Task {
    store: Store,
    records: mpsc::Receiver<Box<CallRecord>>,
    shared: Arc<Shared>,
    /// What is written next; not empty while a batch is collected or refused.
    batch: Vec<CallRecord>,
    /// When the batch is written; means nothing while it is empty.
    due: Instant,
    pause: Duration,
}

impl Task {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Flush(done)) => {
                        // The asker may have gone; the records are written all the same.
                        let _ = done.send(self.write_all().await);
                    }
                    Some(Order::Close { until, done }) => {
                        let _ = done.send(self.finish(until).await);
                        return;
                    }
                    None => {
                        self.finish(Instant::now() + CLOSE_LIMIT).await;
                        return;
                    }
                },
                Some(record) = self.records.recv(), if self.batch.is_empty() => {
                    self.batch.push(*record);
                    self.due = Instant::now() + LINGER;
                }
                () = sleep_until(self.due), if !self.batch.is_empty() => {
                    // A refusal has set the next attempt's time and was counted.
                    let _ = self.write_all().await;
                }
            }
        }
    }

    /// Writes batch after batch until the buffer is empty or the store refuses.
    async fn write_all(&mut self) -> Result<(), StoreError> {
        loop {
            while self.batch.len() < BATCH
                && let Ok(record) = self.records.try_recv()
            {
                self.batch.push(*record);
            }
            if self.batch.is_empty() {
                return Ok(());
            }
            match write::batch(&self.store, &self.batch).await {
                Ok(duplicates) => self.on_written(duplicates),
                Err(error) => {
                    self.on_refused(&error);
                    return Err(error);
                }
            }
        }
    }

    fn on_written(&mut self, duplicates: u64) {
        if duplicates > 0 {
            tracing::error!(duplicates, "calls that had a record already");
        }
        let written = self.batch.len() as u64 - duplicates;
        self.shared.written.fetch_add(written, Relaxed);
        self.shared.duplicates.fetch_add(duplicates, Relaxed);
        self.batch.clear();
        self.pause = FIRST_PAUSE;
    }

    fn on_refused(&mut self, error: &StoreError) {
        self.shared.failed.fetch_add(1, Relaxed);
        let pause_ms = self.pause.as_millis() as u64;
        tracing::error!(%error, kept = self.batch.len(), pause_ms, "records not written, kept");
        self.due = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Writes what is left until `until`; gives back what the store would not take.
    async fn finish(&mut self, until: Instant) -> Vec<CallRecord> {
        self.records.close();
        while self.write_all().await.is_err() {
            if self.due >= until {
                break;
            }
            sleep_until(self.due).await;
        }
        let mut left = std::mem::take(&mut self.batch);
        while let Some(record) = self.records.recv().await {
            left.push(*record);
        }
        if !left.is_empty() {
            tracing::error!(
                left = left.len(),
                "records could not be written before the end"
            );
        }
        left
    }
}

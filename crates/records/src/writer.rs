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

use crate::{AuditEntry, Store, StoreError, audit, marks, write};
use meishier_model::{CallRecord, NumberMark};
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
    records: mpsc::Sender<Kept>,
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// What waits to be written.
#[derive(Debug)]
enum Kept {
    Record(Box<CallRecord>),
    Mark(Box<NumberMark>),
    Entry(Box<AuditEntry>),
}

/// What could not be written before the end, to be kept elsewhere.
#[derive(Debug, Default, PartialEq)]
pub struct Left {
    /// Records of calls.
    pub records: Vec<CallRecord>,
    /// Marks of numbers.
    pub marks: Vec<NumberMark>,
    /// Entries of the audit.
    pub entries: Vec<AuditEntry>,
}

impl Left {
    /// True if everything was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.marks.is_empty() && self.entries.is_empty()
    }
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
        done: oneshot::Sender<Left>,
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
            marks: Vec::new(),
            entries: Vec::new(),
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
        match self.records.try_send(Kept::Record(record)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(kept) | TrySendError::Closed(kept)) => {
                self.shared.accepted.fetch_sub(1, Relaxed);
                self.shared.refused.fetch_add(1, Relaxed);
                match kept {
                    Kept::Record(record) => Err(record),
                    // What is given back is what was given.
                    Kept::Mark(_) | Kept::Entry(_) => Ok(()),
                }
            }
        }
    }

    /// Takes a mark of a number from any thread, without blocking; it is written with the next
    /// batch of records.
    ///
    /// # Errors
    /// Hands the mark back if the buffer is full or the writer is closed.
    pub fn try_keep(&self, mark: Box<NumberMark>) -> Result<(), Box<NumberMark>> {
        match self.records.try_send(Kept::Mark(mark)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(kept) | TrySendError::Closed(kept)) => match kept {
                Kept::Mark(mark) => Err(mark),
                // What is given back is what was given.
                Kept::Record(_) | Kept::Entry(_) => Ok(()),
            },
        }
    }

    /// Takes an entry of the audit from any thread, without blocking; it is written with the next
    /// batch of records. For what has happened already: what may not happen without an entry waits for
    /// [`Store::audit`].
    ///
    /// # Errors
    /// Hands the entry back if the buffer is full or the writer is closed.
    pub fn try_note(&self, entry: Box<AuditEntry>) -> Result<(), Box<AuditEntry>> {
        match self.records.try_send(Kept::Entry(entry)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(kept) | TrySendError::Closed(kept)) => match kept {
                Kept::Entry(entry) => Err(entry),
                // What is given back is what was given.
                Kept::Record(_) | Kept::Mark(_) => Ok(()),
            },
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
    pub async fn close(&self) -> Left {
        self.close_within(CLOSE_LIMIT).await
    }

    /// [`Self::close`] with a limit of one's own; at least one attempt is made.
    pub async fn close_within(&self, limit: Duration) -> Left {
        let (done, answer) = oneshot::channel();
        let order = Order::Close {
            until: Instant::now() + limit,
            done,
        };
        if self.orders.send(order).await.is_err() {
            return Left::default();
        }
        answer.await.unwrap_or_default()
    }
}

struct Task {
    store: Store,
    records: mpsc::Receiver<Kept>,
    shared: Arc<Shared>,
    /// What is written next; not empty while a batch is collected or refused.
    batch: Vec<CallRecord>,
    /// Marks that are written before the batch.
    marks: Vec<NumberMark>,
    /// Entries of the audit that are written before the batch.
    entries: Vec<AuditEntry>,
    /// When batch, marks and entries are written; means nothing while there are none.
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
                Some(kept) = self.records.recv(), if self.is_idle() => {
                    self.take(kept);
                    self.due = Instant::now() + LINGER;
                }
                () = sleep_until(self.due), if !self.is_idle() => {
                    // A refusal has set the next attempt's time and was counted.
                    let _ = self.write_all().await;
                }
            }
        }
    }

    /// Writes batch after batch until the buffer is empty or the store refuses.
    async fn write_all(&mut self) -> Result<(), StoreError> {
        loop {
            while self.taken() < BATCH
                && let Ok(kept) = self.records.try_recv()
            {
                self.take(kept);
            }
            if self.is_idle() {
                return Ok(());
            }
            match self.write().await {
                Ok(duplicates) => self.on_written(duplicates),
                Err(error) => {
                    self.on_refused(&error);
                    return Err(error);
                }
            }
        }
    }

    /// How much is to be written next.
    fn taken(&self) -> usize {
        self.batch.len() + self.marks.len() + self.entries.len()
    }

    fn is_idle(&self) -> bool {
        self.taken() == 0
    }

    fn take(&mut self, kept: Kept) {
        match kept {
            Kept::Record(record) => self.batch.push(*record),
            Kept::Mark(mark) => self.marks.push(*mark),
            Kept::Entry(entry) => self.entries.push(*entry),
        }
    }

    /// Gives how many calls had a record already.
    async fn write(&mut self) -> Result<u64, StoreError> {
        if !self.marks.is_empty() {
            marks::batch(&self.store, &self.marks).await?;
            self.marks.clear();
        }
        if !self.entries.is_empty() {
            audit::batch(&self.store, &self.entries).await?;
            self.entries.clear();
        }
        if self.batch.is_empty() {
            return Ok(0);
        }
        write::batch(&self.store, &self.batch).await
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
        let kept = self.taken();
        tracing::error!(%error, kept, pause_ms, "records not written, kept");
        self.due = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Writes what is left until `until`; gives back what the store would not take.
    async fn finish(&mut self, until: Instant) -> Left {
        self.records.close();
        while self.write_all().await.is_err() {
            if self.due >= until {
                break;
            }
            sleep_until(self.due).await;
        }
        while let Some(kept) = self.records.recv().await {
            self.take(kept);
        }
        let left = Left {
            records: std::mem::take(&mut self.batch),
            marks: std::mem::take(&mut self.marks),
            entries: std::mem::take(&mut self.entries),
        };
        if !left.is_empty() {
            tracing::error!(
                left = left.records.len(),
                marks = left.marks.len(),
                entries = left.entries.len(),
                "records could not be written before the end"
            );
        }
        left
    }
}

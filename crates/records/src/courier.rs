//! The courier: takes parcels from any thread, keeps them, and carries each to its receivers until it is
//! taken. How a parcel is carried is the [`Carrier`]'s.
//!
//! ```text
//!   try_post ──► bounded buffer ──► kept in the store ──► one task a receiver:
//!
//!            due                    taken (2xx, 409)
//!   Waiting ─────► carried by the Carrier ─────────────► sent: the receipt stays, the body does not
//!      ▲                │       │
//!      │ 1 s, 2 s … 5 min       │ refused for good (400, 410, 413, 422), or failing for too long
//!      └────────────────┘       ▼
//!        anything else       given up, and told
//! ```
//! What was never tried goes before what failed, the newest first; of one document only the latest is
//! tried. What was kept and not taken is carried by the next process; what is for a receiver that the
//! configuration does not name waits until it does, and is given up as anything else that fails for too long.

use crate::outbox::{Delivery, LARGEST_BODY, Parcel, Pending, Standing};
use crate::{Store, StoreError};
use meishier_model::Wall;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Parcels that wait for the store.
const BUFFER: usize = 1024;
/// How long to wait when the store refuses.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked whether something waits for a receiver that is not named.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// What came of carrying something once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The receiver answered with this HTTP status.
    Answered(u16),
    /// It could not be reached, or did not answer; one word for people and programs.
    Failed(&'static str),
}

/// A future that a [`Carrier`] gives out.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Carried> + Send + 'a>>;

/// The way to one receiver.
pub trait Carrier: Send + Sync + 'static {
    /// Carries it there once.
    fn carry<'a>(&'a self, delivery: &'a Delivery) -> Carrying<'a>;
}

/// One receiver: its name in parcels, and the way there.
pub type Route = (String, Arc<dyn Carrier>);

/// Civil time.
pub type Clock = Arc<dyn Fn() -> Wall + Send + Sync>;

/// Limits of a courier.
#[derive(Clone, Copy, Debug)]
pub struct CourierOptions {
    /// The pause after the first failure; doubled up to the longest, a quarter more or less.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long one attempt may take.
    pub attempt: Duration,
    /// After failing for so long a delivery raises an alert.
    pub alert_after: Duration,
    /// After failing for so long it is given up.
    pub give_up: Duration,
}

impl Default for CourierOptions {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
            attempt: Duration::from_secs(15),
            alert_after: Duration::from_secs(300),
            give_up: Duration::from_secs(86_400),
        }
    }
}

/// What a courier did since it was started, and what it has still to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CourierCounts {
    /// Deliveries that were taken.
    pub sent: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries that were given up.
    pub given_up: u64,
    /// Deliveries, and entries of what was told by telephone, lost because the buffer or the outbox was
    /// full.
    pub lost: u64,
    /// What is not over yet.
    pub pending: Pending,
}

#[derive(Default)]
struct Shared {
    sent: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
    lost: AtomicU64,
}

struct Inner {
    store: Store,
    clock: Clock,
    options: CourierOptions,
    shared: Shared,
    /// Rung when something was kept, one bell a receiver.
    bells: Vec<(String, Arc<Notify>)>,
}

/// Takes parcels and sees to it that they arrive. Clones share everything.
#[derive(Clone)]
pub struct Courier {
    inner: Arc<Inner>,
    parcels: mpsc::Sender<Box<Parcel>>,
    stop: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>>,
    flush: mpsc::Sender<oneshot::Sender<()>>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

impl Courier {
    /// Starts the tasks, within a tokio runtime. What an earlier process left is carried from now on;
    /// what it left for receivers that are not named stays until they are, or it fails for too long.
    #[must_use]
    pub fn start(store: Store, routes: Vec<Route>, clock: Clock, options: CourierOptions) -> Self {
        let bell = |(name, _): &Route| (name.clone(), Arc::new(Notify::new()));
        let inner = Arc::new(Inner {
            store,
            clock,
            options,
            shared: Shared::default(),
            bells: routes.iter().map(bell).collect(),
        });
        let (parcels, incoming) = mpsc::channel(BUFFER);
        let (flush, flushes) = mpsc::channel(4);
        let mut tasks = vec![tokio::spawn(take_in(inner.clone(), incoming, flushes))];
        for ((name, carrier), (_, bell)) in routes.into_iter().zip(&inner.bells) {
            let task = carry_all(inner.clone(), name, carrier, bell.clone());
            tasks.push(tokio::spawn(task));
        }
        Self {
            inner,
            parcels,
            stop: Arc::new(std::sync::Mutex::new(tasks)),
            flush,
        }
    }

    /// Takes a parcel from any thread, without blocking.
    ///
    /// # Errors
    /// Hands it back if the buffer is full, the courier stopped, or the body is larger than
    /// [`LARGEST_BODY`]; it is counted as lost.
    pub fn try_post(&self, parcel: Box<Parcel>) -> Result<(), Box<Parcel>> {
        let fits = parcel.body.len() <= LARGEST_BODY;
        let concerned = (parcel.receivers.len() + parcel.told.len()) as u64;
        let refused = match fits {
            true => {
                self.parcels
                    .try_send(parcel)
                    .err()
                    .map(|error| match error {
                        mpsc::error::TrySendError::Full(it)
                        | mpsc::error::TrySendError::Closed(it) => it,
                    })
            }
            false => Some(parcel),
        };
        match refused {
            None => Ok(()),
            Some(parcel) => {
                self.inner.shared.lost.fetch_add(concerned, Relaxed);
                Err(parcel)
            }
        }
    }

    /// What was done so far and what is left.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn counts(&self) -> Result<CourierCounts, StoreError> {
        let inner = &self.inner;
        let late = earlier((inner.clock)(), inner.options.alert_after);
        let pending = inner.store.pending(late).await?;
        let shared = &inner.shared;
        Ok(CourierCounts {
            sent: shared.sent.load(Relaxed),
            failed: shared.failed.load(Relaxed),
            given_up: shared.given_up.load(Relaxed),
            lost: shared.lost.load(Relaxed),
            pending,
        })
    }

    /// Keeps what was taken and stops; what was not delivered stays in the store. Waits no longer than
    /// `limit` for the store.
    pub async fn close(&self, limit: Duration) {
        let (done, kept) = oneshot::channel();
        if self.flush.send(done).await.is_ok() && timeout(limit, kept).await.is_err() {
            tracing::error!("dossiers could not be kept before the end");
        }
        let tasks = std::mem::take(&mut *self.stop.lock().unwrap_or_else(|it| it.into_inner()));
        for task in tasks {
            task.abort();
            // It is cancelled, or had ended.
            let _ = task.await;
        }
    }
}

fn earlier(at: Wall, by: Duration) -> Wall {
    let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Wall(at.0.saturating_sub(ms))
}

/// Keeps parcel after parcel; one that the store refuses is tried until it takes it.
async fn take_in(
    inner: Arc<Inner>,
    mut parcels: mpsc::Receiver<Box<Parcel>>,
    mut flushes: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    loop {
        tokio::select! {
            biased;
            parcel = parcels.recv() => match parcel {
                Some(parcel) => keep(&inner, &parcel).await,
                None => return,
            },
            Some(done) = flushes.recv() => {
                parcels.close();
                while let Some(parcel) = parcels.recv().await {
                    keep(&inner, &parcel).await;
                }
                // Nobody may wait for it any more.
                let _ = done.send(());
                return;
            }
            _ = looks.tick() => look_for_unclaimed(&inner).await,
        }
    }
}

/// Tells what waits for a receiver that nobody carries to, and gives up what has waited for too long.
async fn look_for_unclaimed(inner: &Inner) {
    let known: Vec<String> = inner.bells.iter().map(|it| it.0.clone()).collect();
    let now = (inner.clock)();
    let until = earlier(now, inner.options.give_up);
    let found = match inner.store.unclaimed(&known, (now, until)).await {
        Ok(found) => found,
        Err(error) => return tracing::error!(%error, "the outbox cannot be read"),
    };
    let (receivers, waiting, gone) = (&found.receivers, found.waiting, found.given_up);
    if waiting > 0 {
        tracing::error!(
            ?receivers,
            waiting,
            "dossiers wait for receivers that the configuration does not name: name them again, or tell them by word"
        );
    }
    if gone > 0 {
        inner.shared.given_up.fetch_add(gone, Relaxed);
        tracing::error!(
            ?receivers,
            gone,
            "dossiers for receivers that the configuration does not name were given up"
        );
    }
}

async fn keep(inner: &Inner, parcel: &Parcel) {
    loop {
        match inner.store.post(parcel).await {
            Ok(left_out) => {
                if left_out > 0 {
                    inner.shared.lost.fetch_add(left_out as u64, Relaxed);
                    tracing::error!(call = %parcel.call, left_out, "the outbox is full: dossiers were lost");
                }
                let concerned = inner.bells.iter();
                for (_, bell) in concerned.filter(|it| parcel.receivers.contains(&it.0)) {
                    bell.notify_one();
                }
                return;
            }
            Err(error) => {
                tracing::error!(%error, call = %parcel.call, "a dossier was not kept yet, trying again");
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

/// Carries what is for one receiver, one after the other.
async fn carry_all(inner: Arc<Inner>, name: String, carrier: Arc<dyn Carrier>, bell: Arc<Notify>) {
    loop {
        let next = match inner.store.next_delivery(&name).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                sleep(STORE_PAUSE).await;
                continue;
            }
        };
        let Some(delivery) = next else {
            bell.notified().await;
            continue;
        };
        // What was never tried is due, whatever the clock has been set to since.
        let wait = match delivery.attempts {
            0 => 0,
            _ => delivery.due.0.saturating_sub((inner.clock)().0),
        };
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            // Something newer may be due before it; a clock that is set must not hold anything up.
            let most = inner.options.longest_pause + inner.options.longest_pause;
            let wait = Duration::from_millis(wait).min(most);
            let _ = timeout(wait, bell.notified()).await;
            if (inner.clock)() < delivery.due {
                continue;
            }
        }
        let carried = timeout(inner.options.attempt, carrier.carry(&delivery)).await;
        let carried = carried.unwrap_or(Carried::Failed("timeout"));
        while let Err(error) = settle(&inner, &delivery, carried).await {
            tracing::error!(%error, "the outbox cannot be written");
            sleep(STORE_PAUSE).await;
        }
    }
}

/// Writes down what came of an attempt.
async fn settle(inner: &Inner, delivery: &Delivery, carried: Carried) -> Result<(), StoreError> {
    let now = (inner.clock)();
    let (status, fault) = match carried {
        Carried::Answered(status @ (200..=299 | 409)) => {
            let end = (Standing::Sent, now);
            inner.store.conclude(delivery.id, end, (status, "")).await?;
            inner.shared.sent.fetch_add(1, Relaxed);
            tracing::info!(receiver = delivery.receiver, call = %delivery.call, status, "a dossier was delivered");
            return Ok(());
        }
        Carried::Answered(status) => (status, "refused"),
        Carried::Failed(fault) => (0, fault),
    };
    let age = Duration::from_millis(u64::try_from(now.0 - delivery.made.0).unwrap_or(0));
    let (receiver, attempts) = (delivery.receiver.as_str(), delivery.attempts + 1);
    if matches!(status, 400 | 410 | 413 | 422) || age >= inner.options.give_up {
        let end = (Standing::GivenUp, now);
        inner
            .store
            .conclude(delivery.id, end, (status, fault))
            .await?;
        inner.shared.given_up.fetch_add(1, Relaxed);
        tracing::error!(receiver, call = %delivery.call, status, fault, attempts, "a dossier was given up");
    } else {
        let due = Wall(now.0.saturating_add(pause_ms(&inner.options, delivery)));
        inner
            .store
            .put_off(delivery.id, due, (status, fault))
            .await?;
        if age >= inner.options.alert_after {
            tracing::error!(receiver, call = %delivery.call, status, fault, attempts, "a dossier cannot be delivered");
        } else {
            tracing::warn!(receiver, call = %delivery.call, status, fault, attempts, "a dossier was not delivered, trying again");
        }
    }
    inner.shared.failed.fetch_add(1, Relaxed);
    Ok(())
}

/// The pause after this delivery's next failure: doubled each time, and a quarter more or less, so that
/// what failed together is not tried together.
fn pause_ms(options: &CourierOptions, delivery: &Delivery) -> i64 {
    let doubled = options
        .first_pause
        .saturating_mul(1 << delivery.attempts.min(20));
    let pause = doubled.min(options.longest_pause).as_millis() as u64;
    // FNV-1a of what is this attempt's alone.
    let seed = delivery.mark.bytes().chain(delivery.attempts.to_le_bytes());
    let hash = seed.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let span = pause / 2;
    let off = if span == 0 { 0 } else { (hash >> 16) % span };
    i64::try_from(pause - pause / 4 + off).unwrap_or(i64::MAX)
}

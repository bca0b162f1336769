//! Names of trunks: looked up in the background, on a thread of their own, told to every worker.
//!
//! ```text
//!   configuration ─► thread "dns": plan ─► up to 16 searches at a time ─► letters to all workers
//!                          ▲                        │
//!                          └────────────────────────┘  again when the answer runs out
//! ```
//!
//! No call waits for DNS: shards hear where a trunk is before they are asked, and keep what they heard
//! when DNS is dead.

mod locate;
mod plan;
mod records;
#[cfg(test)]
mod tests;

use crate::certificates::Keyring;
use crate::inbox::{Inbox, Letter};
use hickory_resolver::net::NetError;
use locate::{Located, NoAnswer, Wanted, Way, locate};
use meishier_engine::config::{self, Config};
use meishier_model::TrunkId;
pub(crate) use plan::{BOUNDS, Bounds, Outcome};
use plan::{Plan, by, has_names};
use records::Records;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Searches under way at a time.
const SEARCHES: usize = 16;
/// How soon a full inbox is tried again.
const RETRY: Duration = Duration::from_millis(1);

/// What came of looking names up. All only grow, except [`DnsCounts::stale`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsCounts {
    /// Searches that found somebody.
    pub found: u64,
    /// Searches after which DNS says that there is nobody.
    pub nothing: u64,
    /// Searches without an answer.
    pub failed: u64,
    /// Names of which the last search found nobody: what was found before holds.
    pub stale: u64,
}

#[derive(Default)]
struct Counts {
    found: AtomicU64,
    nothing: AtomicU64,
    failed: AtomicU64,
    stale: AtomicU64,
}

/// Whom the results are for.
pub(crate) struct Readers {
    pub inboxes: Vec<Arc<Inbox>>,
    pub keyring: Arc<Keyring>,
}

impl Readers {
    async fn tell(&self, trunk: TrunkId, outcome: Outcome) {
        self.keyring.expect(trunk, &outcome.targets);
        let outcome = Arc::new(outcome);
        for inbox in &self.inboxes {
            let mut letter = Letter::Named(trunk, Arc::clone(&outcome));
            while let Err(back) = inbox.letter(letter) {
                if inbox.is_closed() {
                    break;
                }
                letter = back;
                // The worker is emptying its inbox at this moment.
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// The thread that looks names up; there is one from the first name on.
pub(crate) struct Names {
    readers: Arc<Readers>,
    bounds: Bounds,
    counts: Arc<Counts>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    config: watch::Sender<Arc<Config>>,
    handle: JoinHandle<()>,
}

impl Names {
    pub(crate) fn new(readers: Readers, bounds: Bounds) -> Self {
        Self {
            readers: Arc::new(readers),
            bounds,
            counts: Arc::default(),
            thread: Mutex::new(None),
        }
    }

    /// Looks up what this configuration names from now on.
    ///
    /// # Errors
    /// The thread could not be started.
    pub(crate) fn follow(&self, config: &Arc<Config>) -> std::io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = &*thread {
            thread.config.send_replace(Arc::clone(config));
            return Ok(());
        }
        if !has_names(config) {
            return Ok(());
        }
        let (sender, receiver) = watch::channel(Arc::clone(config));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (readers, counts) = (self.readers.clone(), self.counts.clone());
        let bounds = self.bounds;
        let builder = std::thread::Builder::new().name("dns".into());
        let handle = builder.spawn(move || {
            let seeker = Seeker {
                readers,
                counts,
                plan: Plan::new(bounds),
                ways: Vec::new(),
                records: None,
            };
            runtime.block_on(seeker.run(receiver));
        })?;
        *thread = Some(Thread {
            config: sender,
            handle,
        });
        Ok(())
    }

    pub(crate) fn counts(&self) -> DnsCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DnsCounts {
            found: of(&self.counts.found),
            nothing: of(&self.counts.nothing),
            failed: of(&self.counts.failed),
            stale: of(&self.counts.stale),
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = { thread }.take();
        if let Some(Thread { config, handle }) = thread {
            drop(config);
            if handle.join().is_err() {
                tracing::error!("the thread that looks names up had panicked");
            }
        }
    }
}

/// What a search brings back.
type Found = (Wanted, Result<Located, NoAnswer>);

/// The thread's own.
struct Seeker {
    readers: Arc<Readers>,
    counts: Arc<Counts>,
    plan: Plan,
    /// What we can speak.
    ways: Vec<Way>,
    /// With the servers that are asked; `None` if the machine does not say which.
    records: Option<(config::Dns, Records)>,
}

impl Seeker {
    async fn run(mut self, mut config: watch::Receiver<Arc<Config>>) {
        let mut searches: JoinSet<Found> = JoinSet::new();
        let first = config.borrow_and_update().clone();
        self.follow(&first);
        loop {
            self.begin(&mut searches);
            for (trunk, outcome) in self.plan.news() {
                self.readers.tell(trunk, outcome).await;
            }
            let room = searches.len() < SEARCHES;
            let due = self.plan.due().filter(|_| room).map(Into::into);
            tokio::select! {
                changed = config.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = config.borrow_and_update().clone();
                    self.follow(&now);
                }
                Some(done) = searches.join_next(), if !searches.is_empty() => {
                    if let Ok((wanted, answer)) = done {
                        self.take(&wanted, answer);
                    }
                }
                () = sleep_until(due) => {}
            }
        }
    }

    fn follow(&mut self, config: &Config) {
        let listen = config.sip.listen.iter();
        let way = |it: &config::Listen| (by(it.transport), it.address.is_ipv4());
        self.ways = listen.map(way).collect();
        let same = self
            .records
            .as_ref()
            .is_some_and(|(dns, _)| *dns == config.dns);
        if !same {
            self.records = match Records::new(&config.dns) {
                Ok(records) => Some((config.dns.clone(), records)),
                Err(error) => {
                    complain_of_servers(&error);
                    None
                }
            };
        }
        self.plan.follow(config, Instant::now());
    }

    fn begin(&mut self, searches: &mut JoinSet<Found>) {
        let room = SEARCHES.saturating_sub(searches.len());
        for wanted in self.plan.take_due(Instant::now(), room) {
            let records = self.records.as_ref().map(|(_, records)| records.clone());
            let ways = self.ways.clone();
            let what = wanted.clone();
            let search = async move {
                match &records {
                    Some(records) => locate(records, &what, &ways).await,
                    None => Err(NoAnswer),
                }
            };
            searches.spawn(async move { (wanted, guarded(search).await) });
        }
    }

    fn take(&mut self, wanted: &Wanted, answer: Result<Located, NoAnswer>) {
        let count = match &answer {
            Ok(located) if located.places.is_empty() => &self.counts.nothing,
            Ok(_) => &self.counts.found,
            Err(NoAnswer) => &self.counts.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let host = &wanted.host;
        if self.plan.answer(Instant::now(), wanted, answer) {
            match self.plan.is_stale(wanted) {
                true => tracing::warn!(host, "DNS finds nobody: what was known before is kept"),
                false => tracing::info!(host, "DNS finds the name again"),
            }
        }
        self.counts
            .stale
            .store(self.plan.stale(), Ordering::Relaxed);
    }
}

/// A search that panics has found nothing, and its name is asked for again like any other.
async fn guarded(
    search: impl Future<Output = Result<Located, NoAnswer>> + Send + 'static,
) -> Result<Located, NoAnswer> {
    let done = tokio::spawn(search).await;
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "a search for a name had panicked");
        Err(NoAnswer)
    })
}

fn complain_of_servers(error: &NetError) {
    tracing::error!(%error, "nobody knows which DNS server to ask; name one in [dns] servers");
}

async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

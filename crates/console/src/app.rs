//! What the routes need of the rest of the program.

use meishier_engine::api::{Command, Reply};
use meishier_records::Store;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A future that a [`Control`] gives out.
pub type Reachable<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The shards cannot be asked now: starting, ending, or overloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine cannot be asked now")
    }
}

impl std::error::Error for Unavailable {}

/// The way to the shards.
pub trait Control: Send + Sync + 'static {
    /// Asks the shard that [`Command::shard`] names.
    fn command(&self, command: Command) -> Reachable<'_, Result<Reply, Unavailable>>;

    /// Asks every shard; one answer each, those that cannot be asked left out.
    fn command_all(&self, command: Command) -> Reachable<'_, Vec<Reply>>;
}

/// Names of the configuration, by index.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// The system's name, shown on the page for people.
    pub name: String,
    /// Seats, in the order of the configuration.
    pub seats: Vec<String>,
    /// Accounts of counsellors, in the order of the configuration.
    pub counsellors: Vec<String>,
}

/// Everything that the routes use. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The way to the shards.
    pub control: Arc<dyn Control>,
    /// Names of the configuration.
    pub directory: Directory,
    /// Makes the metrics page.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// True while new calls are taken; `/readyz` says it.
    pub ready: Arc<AtomicBool>,
    /// The records; without it `/api/v1/records` answers 503.
    pub store: Option<Store>,
    /// What `Authorization: Bearer …` must hold for `/api`; without it the API is open to
    /// whoever reaches the address.
    pub token: Option<String>,
}

impl fmt::Debug for App {
    /// The token stays out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("seats", &self.directory.seats.len())
            .field("counsellors", &self.directory.counsellors.len())
            .field("token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

//! What the routes need of the rest of the program.

use meishier_engine::api::{Command, CommandError, Reply};
use meishier_engine::routing::{Hours, Note};
use meishier_engine::transfer::{Key, KeyKind, Manner, Reach, Target};
use meishier_model::Wall;
use meishier_records::Store;
use serde::Serialize;
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

    /// Tells every shard what people say of numbers; all of them know it afterwards.
    fn remember(&self, notes: Vec<Note>) -> Reachable<'_, Result<(), Unavailable>>;

    /// Civil time as the shards see it.
    fn wall(&self) -> Wall;
}

/// The configuration in force and the way to another one.
pub trait Tables: Send + Sync + 'static {
    /// What is in force.
    fn current(&self) -> TableInfo;

    /// Reads the files again and lets the engine follow them, all of it or nothing. One at a time:
    /// who comes second waits.
    fn reload(&self) -> Reachable<'_, Result<Reloaded, NotReloaded>>;

    /// The keys, in the order of the desk.
    fn keys(&self) -> Vec<KeyInfo>;

    /// Whom a key would reach for a place, as far as the place alone tells.
    ///
    /// # Errors
    /// That there is no such key or city, or that several cities fit.
    fn reach(&self, key: &str, place: &str) -> Result<Reached, CommandError>;

    /// Hours of the day, Beijing time, in which callers who named none themselves are called back.
    fn call_back_hours(&self) -> Hours;
}

/// A transfer key as desks are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// What it is pressed by.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it reaches.
    pub kind: KeyKind,
    /// Police, ambulance, fire, traffic police.
    pub emergency: bool,
    /// Manners that may be used; the first is the usual one.
    pub manners: Vec<Manner>,
    /// Its target depends on the place.
    pub by_place: bool,
    /// What the seat's telephone presses after `*` for it; empty if nothing does.
    pub star: String,
}

impl From<&Key> for KeyInfo {
    fn from(key: &Key) -> Self {
        Self {
            name: key.name.clone(),
            title: key.title.clone(),
            kind: key.kind,
            emergency: key.is_emergency(),
            manners: key.manners.to_vec(),
            by_place: key.reach == Reach::Place,
            star: key.star.clone(),
        }
    }
}

/// Whom a key would reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The number that would be dialled first; empty if a seat is looked for.
    pub dialled: String,
    /// The city that the place was taken for, province first.
    pub city: String,
    /// Why that number, in Chinese.
    pub reason: String,
}

impl From<Target> for Reached {
    fn from(target: Target) -> Self {
        Self {
            dialled: target.first().to_owned(),
            city: target.city,
            reason: target.reason,
        }
    }
}

/// The configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableInfo {
    /// Which version it is: 16 hexadecimal digits.
    pub hash: String,
    /// Names of its files, in order.
    pub files: Vec<String>,
    /// Since when the engine follows it.
    pub loaded: Wall,
}

/// What reading the files again has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// The version before.
    pub before: String,
    /// The version in force now.
    pub after: String,
    /// Files that are new, gone or different, by name.
    pub changed_files: Vec<String>,
    /// Sections of the configuration that differ, by key.
    pub changed_sections: Vec<&'static str>,
    /// What is doubtful about the new one.
    pub warnings: Vec<Mistake>,
}

/// Something wrong or doubtful, without what stands in the file there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistake {
    /// Where, as `file:line:column`; empty if it is at no place of a file.
    pub place: String,
    /// What, in Chinese.
    pub zh: String,
    /// What, in English.
    pub en: String,
}

/// Why the engine goes on with the configuration that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReloaded {
    /// The files cannot be read, or are wrong: everything that is. Never empty.
    Mistakes(Vec<Mistake>),
    /// It differs in what takes a restart: everything that does. Never empty.
    TakesRestart(Vec<Mistake>),
    /// There are no files: the engine runs on something built in.
    NoFiles,
    /// The engine does not answer.
    Unavailable,
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
    /// Pools, in the order of the configuration.
    pub pools: Vec<String>,
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
    /// The configuration in force; without it `/api/v1/table` and `/api/v1/reload` answer 503.
    pub tables: Option<Arc<dyn Tables>>,
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

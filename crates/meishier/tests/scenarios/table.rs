//! The table of a scenario.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One file of `deploy/scenarios`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The configuration, below `deploy`.
    pub config: String,
    /// Seats with a telephone, and who signs on there.
    pub seats: BTreeMap<String, String>,
    pub calls: Vec<Call>,
}

/// What becomes of a call once it is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is answered; the caller hangs up.
    #[default]
    HangsUp,
    /// It is answered and goes on.
    Stays,
    /// The caller hangs up before anybody answers.
    GivesUp,
    /// The caller waits; who answers is looked at when the call is to end.
    Waits,
}

/// What a counsellor says of the number.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Nuisance,
}

/// One call, and what is to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub name: String,
    /// `2026-06-01 10:00` in the configuration's zone; as before if none.
    pub at: Option<String>,
    /// Seats at which somebody is signed on; as before if none.
    pub staff: Option<Vec<String>>,
    /// The first one if none.
    pub trunk: Option<String>,
    pub from: String,
    #[serde(default)]
    pub headers: Vec<String>,
    pub dial: String,
    /// A key that is pressed while waiting.
    pub press: Option<String>,
    /// An earlier call that ends once this one is there.
    pub ends: Option<String>,
    #[serde(default)]
    pub then: Then,
    pub mark: Option<Mark>,
    pub seat: Option<String>,
    pub pool: Option<String>,
    /// Rules that the record names, among others.
    #[serde(default)]
    pub rules: Vec<String>,
    pub caller: Option<String>,
    /// The least wait, whole seconds such as `10s`.
    pub waited: Option<String>,
    #[serde(default)]
    pub risk: bool,
    #[serde(default)]
    pub nuisance: bool,
}

pub fn read(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

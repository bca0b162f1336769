//! The keys a counsellor may press, and the number that a key stands for in a city.

use meishier_model::TrunkId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::city::{CityError, CityTable};

/// What a key reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Police, ambulance, fire, traffic police.
    Emergency,
    /// Another public line.
    Hotline,
}

/// One key of the seat's desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Digits of the service, such as `110`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it reaches.
    pub kind: KeyKind,
    /// Longest time from the press to the target's answer.
    pub ring: Duration,
    /// Trunk by which the target is dialled.
    pub trunk: TrunkId,
}

/// Keys and cities of one installation.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The keys, in the order of the desk.
    pub keys: Vec<Key>,
    /// The cities.
    pub cities: CityTable,
}

/// Whom to dial, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Area code and key, such as `0851110`.
    pub dial: String,
    /// City, province first.
    pub city: String,
    /// Index into [`Plan::keys`].
    pub key: usize,
    /// One sentence for the record, in Chinese.
    pub reason: String,
}

/// Why there is no number. The counsellor's input is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// No such key.
    UnknownKey,
    /// No such city.
    UnknownCity,
    /// Several cities answer to that; they are named, province first.
    Ambiguous(Vec<String>),
}

impl Plan {
    /// The number of `key` in `city` (see [`CityTable::find`] for how a city may be named).
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn target(&self, key: &str, city: &str) -> Result<Target, TargetError> {
        let index = self
            .keys
            .iter()
            .position(|k| k.name == key)
            .ok_or(TargetError::UnknownKey)?;
        let found = self.cities.find(city).map_err(|error| match error {
            CityError::Unknown => TargetError::UnknownCity,
            CityError::Ambiguous(names) => TargetError::Ambiguous(names),
        })?;
        Ok(Target {
            dial: format!("{}{key}", found.area_code),
            city: format!("{}{}", found.province, found.name),
            key: index,
            reason: String::new(),
        })
    }
}

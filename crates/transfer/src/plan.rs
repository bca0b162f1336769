//! The keys a counsellor may press, and the number that a key stands for in a city.

use meishier_model::TrunkId;
use meishier_routing::{CityError, CityTable};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a key reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Police, ambulance, fire, traffic police.
    Emergency,
    /// Another public line.
    Hotline,
}

/// A public service that a key may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its digits.
    pub name: &'static str,
    /// What people call it, in Chinese.
    pub title: &'static str,
    /// What it is.
    pub kind: KeyKind,
}

/// The services that the hotline works with, so that a configuration need only name their digits.
pub const SERVICES: [Service; 10] = [
    Service {
        name: "110",
        title: "公安报警",
        kind: KeyKind::Emergency,
    },
    Service {
        name: "120",
        title: "医疗急救",
        kind: KeyKind::Emergency,
    },
    Service {
        name: "119",
        title: "消防救援",
        kind: KeyKind::Emergency,
    },
    Service {
        name: "122",
        title: "交通事故报警",
        kind: KeyKind::Emergency,
    },
    Service {
        name: "12345",
        title: "政务服务便民热线",
        kind: KeyKind::Hotline,
    },
    Service {
        name: "12355",
        title: "青少年服务热线",
        kind: KeyKind::Hotline,
    },
    Service {
        name: "12338",
        title: "妇女维权服务热线",
        kind: KeyKind::Hotline,
    },
    Service {
        name: "12320",
        title: "卫生热线",
        kind: KeyKind::Hotline,
    },
    Service {
        name: "12348",
        title: "公共法律服务热线",
        kind: KeyKind::Hotline,
    },
    Service {
        name: "12356",
        title: "心理援助热线",
        kind: KeyKind::Hotline,
    },
];

/// The service with these digits, if it is one of [`SERVICES`].
#[must_use]
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
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
    /// Trunks that are tried in this order if that one has no channel left or no peer that answers.
    pub backup: Vec<TrunkId>,
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

/// Why there is no number. The counsellor's input is at fault, and nothing is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// No such key.
    UnknownKey,
    /// No such city.
    UnknownCity,
    /// Several cities answer to that; they are named, province first.
    Ambiguous(Vec<String>),
}

impl TargetError {
    /// For the counsellor, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::UnknownKey => "没有这个转接键".to_owned(),
            Self::UnknownCity => "找不到这个城市，请写明省和市".to_owned(),
            Self::Ambiguous(names) => format!("不能确定是哪个城市，请选定：{}", names.join("、")),
        }
    }

    /// For the counsellor, in English.
    #[must_use]
    pub fn message_en(&self) -> String {
        match self {
            Self::UnknownKey => "there is no such transfer key".to_owned(),
            Self::UnknownCity => "no such city; name province and city".to_owned(),
            Self::Ambiguous(names) => format!(
                "several cities answer to that, choose one: {}",
                names.join(", ")
            ),
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_en())
    }
}

impl std::error::Error for TargetError {}

impl Plan {
    /// The number of `key` in `city` (see [`CityTable::find`] for how a city may be named): the
    /// service of the place of the event is reached from everywhere by its area code and digits.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn target(&self, key: &str, city: &str) -> Result<Target, TargetError> {
        let mut keys = self.keys.iter().enumerate();
        let (index, key) = keys
            .find(|(_, k)| k.name == key)
            .ok_or(TargetError::UnknownKey)?;
        let found = self.cities.find(city).map_err(|error| match error {
            CityError::Unknown => TargetError::UnknownCity,
            CityError::Ambiguous(names) => TargetError::Ambiguous(names),
        })?;
        let name = found.full_name();
        let reason = format!(
            "{}（{}）在{name}（{}），按事发地区号{}拨打",
            key.title, key.name, found.adcode, found.area_code
        );
        Ok(Target {
            dial: format!("{}{}", found.area_code, key.name),
            city: name,
            key: index,
            reason,
        })
    }
}

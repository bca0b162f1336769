//! The keys of the desk: what each reaches, how, and by which trunk.

use meishier_model::{PoolId, SkillSet, TrunkId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

/// What a key reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Police, ambulance, fire, traffic police.
    Emergency,
    /// Another public line, a 12356 centre elsewhere among them.
    Hotline,
    /// Another counsellor, found through the queue (二线).
    SecondLine,
    /// Whoever supervises the shift (督导).
    Supervisor,
    /// A hospital's outpatient clinic (门诊).
    Clinic,
    /// Any other number that the list allows.
    Number,
}

impl KeyKind {
    /// All of them, in a fixed order (for metrics).
    pub const ALL: [KeyKind; 6] = [
        Self::Emergency,
        Self::Hotline,
        Self::SecondLine,
        Self::Supervisor,
        Self::Clinic,
        Self::Number,
    ];

    /// The name used in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Hotline => "hotline",
            Self::SecondLine => "second_line",
            Self::Supervisor => "supervisor",
            Self::Clinic => "clinic",
            Self::Number => "number",
        }
    }
}

/// Where a call out goes: digits as people in the trunk's place would dial them, or a SIP URI that is
/// put into the request line as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dial {
    /// Digits, area code first where one is needed.
    Number(String),
    /// A SIP URI, such as that of a dispatch centre.
    Uri(String),
    /// The caller's own number, which stands with the call and is not repeated here.
    Caller,
}

impl Dial {
    /// For the record and for people; nothing of the caller's number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::Uri(text) => text,
            Self::Caller => "",
        }
    }
}

/// How the target of a key is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// By the place of the event: area code and the key's digits, unless the table says otherwise.
    Place,
    /// Always these, in order.
    Fixed(Vec<Dial>),
    /// A seat of this pool with these skills, through the queue.
    Seats {
        /// The pool.
        pool: PoolId,
        /// What the counsellor there must have.
        skills: SkillSet,
    },
}

/// How caller, counsellor and target come together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// Caller and counsellor go on talking while the target rings; on answer all three talk.
    #[default]
    Warm,
    /// Counsellor and target talk first, while the caller hears music; then they join.
    Consult,
    /// The target talks with the second line alone, which hears the caller; the caller hears only
    /// the counsellor. While nobody of the second line is there the target hears the conversation, and
    /// the counsellor alone hears the target ([`crate::Mode::Whisper`]).
    Quiet,
    /// The counsellor is free at once; the caller comes back if the target fails. Never in an emergency.
    Blind,
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
    /// How the target is found.
    pub reach: Reach,
    /// Manners that may be used; the first is the usual one. Never empty.
    pub manners: SmallVec<[Manner; 2]>,
    /// Longest time that each of the targets may ring.
    pub ring: Duration,
    /// Longest time from the press to the answer of one of them; at least `ring`.
    pub limit: Duration,
    /// The target is told what is known before it joins.
    pub brief: bool,
    /// The dossier goes along with the call.
    pub dossier: bool,
    /// The hotline tells only of callers who agreed to it: without that nothing goes to a key that is no
    /// emergency's.
    #[serde(default)]
    pub consent: bool,
    /// Trunk by which the target is dialled.
    pub trunk: TrunkId,
    /// Trunks that are tried in this order if that one has no channel left or no peer that answers.
    pub backup: Vec<TrunkId>,
    /// What the seat's telephone presses after `*` for this key, one to five digits; none if empty.
    #[serde(default)]
    pub star: String,
    /// How long the counsellor may take to say which of several places is meant before the most
    /// probable one is dialled.
    #[serde(default = "ask_within")]
    pub ask_within: Duration,
}

/// How long a question about the place stands, if the configuration says nothing.
fn ask_within() -> Duration {
    Duration::from_secs(15)
}

impl Key {
    /// A key whose target is found by the place of the event or, for the hotlines of [`SERVICES`], by
    /// the same rule: warm, 30 s each, 90 s in all.
    #[must_use]
    pub fn usual(name: &str, title: &str, kind: KeyKind, trunk: TrunkId) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            kind,
            reach: Reach::Place,
            manners: SmallVec::from_slice(&[Manner::Warm]),
            ring: Duration::from_secs(30),
            limit: Duration::from_secs(90),
            brief: false,
            dossier: false,
            consent: false,
            trunk,
            backup: Vec::new(),
            star: String::new(),
            ask_within: ask_within(),
        }
    }

    /// True if the target depends on the place of the event.
    #[must_use]
    pub fn by_place(&self) -> bool {
        self.reach == Reach::Place
    }

    /// True for police, ambulance, fire, traffic police.
    #[must_use]
    pub fn is_emergency(&self) -> bool {
        self.kind == KeyKind::Emergency
    }
}

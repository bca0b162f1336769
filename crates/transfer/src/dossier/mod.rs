//! What goes along with a caller who is handed over, so that nobody must tell the story twice.
//!
//! What lives here: the dossier, made from what is known of a call and what the counsellor wrote
//! down, and its forms. What may not: how it is carried; logs and `Debug` of it.
//!
//! ```text
//!   call, places, risk ┐               ┌─► spoken()    prompts and digits, before the target joins
//!                      ├─► Dossier ────┼─► incident()  JSON after NENA's EIDO, for a webhook
//!   Facts (counsellor) ┘               └─► sip()       PIDF-LO, Additional-Data, Call-Info
//! ```

mod additional;
mod facts;
mod incident;
mod moment;
mod pidf;
mod sip;
mod spoken;
mod xml;

pub use facts::{Facts, FactsError, Hazard, LONGEST_FACT, Level, MOST_FACTS};
pub use incident::Incident;
pub use sip::{Along, SipParts};
pub use spoken::Spoken;

use crate::ThirdId;
use meishier_model::{CallId, DialString, Wall};
use meishier_routing::Confidence;
use std::fmt;

/// The law that lets personal data go along without consent: to protect life and health in an
/// emergency (Personal Information Protection Law of the PRC, article 13 (1) no. 4).
pub const GROUND: &str = "PIPL Art.13(1)(4)";
/// The same, in Chinese.
pub const GROUND_ZH: &str = "《个人信息保护法》第十三条第一款第四项";
/// The law that lets them go along where no life is in danger: the person agreed (the same, article 13 (1)
/// no. 1).
pub const CONSENT: &str = "PIPL Art.13(1)(1)";
/// The same, in Chinese.
pub const CONSENT_ZH: &str = "《个人信息保护法》第十三条第一款第一项";

/// How sure the caller's number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sure {
    /// A network that is trusted vouches for it (RFC 3325).
    Asserted,
    /// The caller's own telephone says so.
    Claimed,
    /// It is a number behind which many sit, or one that forwarded the call.
    Switchboard,
    /// Nobody says.
    Unknown,
}

impl Sure {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Claimed => "claimed",
            Self::Switchboard => "switchboard",
            Self::Unknown => "unknown",
        }
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The number; empty if nobody says, or if it is withheld and no life is in danger.
    pub number: DialString,
    /// How sure it is.
    pub sure: Sure,
    /// The caller asked that it be not shown. It goes along nevertheless where a life is in danger.
    pub withheld: bool,
}

/// What says where the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The counsellor, as the caller said.
    Counsellor,
    /// The mobile network's cell.
    Cell,
    /// A configured block of numbers, or a trunk.
    Block,
    /// The area code of the caller's fixed line.
    AreaCode,
    /// The area code that the caller dialled.
    Dialled,
    /// The segment of the caller's mobile number: where it was bought.
    Segment,
}

impl Told {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counsellor => "counsellor",
            Self::Cell => "cell",
            Self::Block => "number_block",
            Self::AreaCode => "area_code",
            Self::Dialled => "dialled_area_code",
            Self::Segment => "mobile_segment",
        }
    }
}

/// Where the caller may be. `Debug` shows no more than what says so.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// What says so.
    pub by: Told,
    /// How much it is worth.
    pub sure: Confidence,
    /// The province, such as 贵州省; empty if it is not known.
    pub province: String,
    /// The city, such as 贵阳市; empty if it is not known.
    pub city: String,
    /// Its area code with the 0; empty if it is not known.
    pub area_code: String,
    /// The district or county.
    pub district: Option<String>,
    /// The rest, in words.
    pub words: Option<String>,
    /// The cell as the network named it.
    pub cell: Option<DialString>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place(by {:?}, {:?})", self.by, self.sure)
    }
}

impl Place {
    /// In one line, in Chinese.
    #[must_use]
    pub fn line(&self) -> String {
        // 北京市 is province and city.
        let city = (self.city != self.province).then_some(self.city.as_str());
        let words = [self.district.as_deref(), self.words.as_deref()];
        let parts = [Some(self.province.as_str()), city];
        parts.into_iter().chain(words).flatten().collect()
    }
}

/// Why and how much the caller is in danger.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Risk {
    /// The call is flagged as at risk.
    pub flagged: bool,
    /// What flagged it, in words without personal data; empty if nothing did.
    pub by: String,
}

/// Something that was done, and when.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Wall,
    /// What, in Chinese.
    pub what: String,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({:?})", self.at)
    }
}

/// The hotline, and who of it is on the line.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Desk {
    /// The hotline's name.
    pub agency: String,
    /// Its domain, by which its identifiers are unique.
    pub domain: String,
    /// The number under which it can be called.
    pub number: String,
    /// The pool that answered.
    pub pool: String,
    /// The line within the pool, from 0.
    pub line: Option<u16>,
    /// The seat.
    pub seat: String,
    /// The counsellor's account.
    pub counsellor: String,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("pool", &self.pool)
            .field("seat", &self.seat)
            .finish_non_exhaustive()
    }
}

/// By which way a dossier goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By HTTPS, to those who get it of this key.
    Https,
    /// Within an INVITE, over the trunk of this name: it has gone, and is to be written down.
    Invite(String),
    /// The number alone, in From of an INVITE over the trunk of this name: it has gone, and is to be written
    /// down.
    From(String),
    /// Spoken to whoever answered: it has gone, and is to be written down.
    Voice,
}

/// How a use of a key stands that a dossier is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It goes on: more may follow.
    Active,
    /// The call is over, or who came has left: nothing more follows. The danger may not be over.
    Closed,
    /// It was taken back, or came to nothing: nothing of the person is told, and nothing more follows.
    Cancelled,
}

impl Status {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Closed => "Closed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// What goes along with one caller to one target. `Debug` shows the call and the key alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The call.
    pub call: CallId,
    /// Which use of a key.
    pub third: ThirdId,
    /// By which way it goes.
    pub via: Via,
    /// How that use of the key stands.
    pub status: Status,
    /// Which dossier of this call, from 1; a later one of the same use of a key holds in place of all before.
    pub count: u32,
    /// When it was made.
    pub made: Wall,
    /// When the call arrived.
    pub arrived: Wall,
    /// When a counsellor answered.
    pub answered: Option<Wall>,
    /// The key, such as `110`.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// The key is an emergency's.
    pub emergency: bool,
    /// Who is handed over by whom.
    pub desk: Desk,
    /// Who calls.
    pub caller: Caller,
    /// Where the caller may be, the most likely place first.
    pub places: Vec<Place>,
    /// What is not certain of the place, in Chinese; empty if nothing.
    pub doubt: String,
    /// Why and how much the caller is in danger.
    pub risk: Risk,
    /// What the counsellor wrote down.
    pub facts: Facts,
    /// What was done, in order.
    pub done: Vec<Step>,
}

impl fmt::Debug for Dossier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dossier")
            .field("call", &self.call)
            .field("count", &self.count)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Dossier {
    /// That the key was taken back: nothing of the person, nor of what was done.
    #[must_use]
    pub fn taken_back(self) -> Self {
        Self {
            status: Status::Cancelled,
            caller: Caller {
                number: DialString::default(),
                sure: Sure::Unknown,
                withheld: self.caller.withheld,
            },
            places: Vec::new(),
            doubt: String::new(),
            risk: Risk::default(),
            facts: Facts::default(),
            done: Vec::new(),
            ..self
        }
    }

    /// How great the danger is: as the counsellor judges; who is only flagged is in high danger.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        let flagged = self.risk.flagged.then_some(Level::High);
        self.facts.level.or(flagged)
    }

    /// The law that it goes by: its short name, and in Chinese.
    #[must_use]
    pub fn ground(&self) -> (&'static str, &'static str) {
        match self.emergency {
            true => (GROUND, GROUND_ZH),
            false => (CONSENT, CONSENT_ZH),
        }
    }

    /// Where to call back: what the counsellor wrote down, else the caller's own number.
    #[must_use]
    pub fn callback(&self) -> Option<&str> {
        let own = Some(self.caller.number.reveal());
        let own = own.filter(|number| {
            self.caller.sure != Sure::Switchboard && number.bytes().any(|b| b.is_ascii_digit())
        });
        self.facts.callback.as_deref().or(own)
    }

    /// True if whoever goes there cannot rely on the place.
    #[must_use]
    pub fn is_place_unsure(&self) -> bool {
        // Words without a city are of whichever is named after them.
        let city = self.located();
        !self.doubt.is_empty() || city.is_none_or(|place| place.sure < Confidence::High)
    }

    /// The most likely place of which the city is known: what can be said over the telephone.
    pub(crate) fn located(&self) -> Option<&Place> {
        self.places.iter().find(|it| !it.area_code.is_empty())
    }

    /// `urn:emergency:uid:incidentid:…` (NENA-STA-010, the form of incident tracking identifiers).
    #[must_use]
    pub fn incident_urn(&self) -> String {
        self.urn("incidentid")
    }

    /// The same for all dossiers of one use of a key, and no other: the call, a full stop, and which use.
    #[must_use]
    pub fn document_urn(&self) -> String {
        format!(
            "urn:emergency:uid:dossierid:{}.{}:{}",
            self.call, self.third.0, self.desk.domain
        )
    }

    /// `urn:emergency:uid:callid:…` (NENA-STA-010, the form of call identifiers).
    #[must_use]
    pub fn call_urn(&self) -> String {
        self.urn("callid")
    }

    fn urn(&self, kind: &str) -> String {
        format!(
            "urn:emergency:uid:{kind}:{}:{}",
            self.call, self.desk.domain
        )
    }

    /// What goes, by name, for the audit: never what it says. Over the telephone only some of it is said.
    #[must_use]
    pub fn contents(&self) -> Vec<&'static str> {
        const SAID: [&str; 6] = [
            "number", "places", "level", "hazards", "battery", "callback",
        ];
        let all = self.all_contents().into_iter();
        let goes = |name: &&str| match self.via {
            Via::Https | Via::Invite(_) => true,
            Via::From(_) => *name == "number",
            Via::Voice => SAID.contains(name),
        };
        all.filter(goes).collect()
    }

    fn all_contents(&self) -> Vec<&'static str> {
        let there = [
            ("number", !self.caller.number.is_empty()),
            ("places", !self.places.is_empty()),
            ("risk", self.risk.flagged),
        ];
        let own = there.into_iter().filter(|it| it.1).map(|it| it.0);
        own.chain(self.facts.names()).collect()
    }

    /// The story in a few lines of Chinese, for receivers that take a text alone.
    #[must_use]
    pub fn story(&self) -> String {
        let facts = &self.facts;
        let mut out = Vec::new();
        let mut say = |name: &str, text: Option<&str>| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                out.push(format!("{name}：{text}"));
            }
        };
        say("风险", self.level().map(Level::zh));
        say("依据", facts.why.as_deref().or(Some(&self.risk.by)));
        say("地点", self.places.first().map(Place::line).as_deref());
        say("疑点", Some(&self.doubt));
        let hazards: Vec<&str> = facts.hazards.iter().map(|it| it.zh()).collect();
        let safety = facts.safety.iter().map(String::as_str);
        let safety: Vec<&str> = hazards.into_iter().chain(safety).collect();
        say("现场安全", Some(&safety.join("；")));
        say("当事人", facts.person.as_deref());
        say("衣着", facts.clothing.as_deref());
        say("外貌", facts.appearance.as_deref());
        let battery = facts.battery.map(|percent| format!("{percent}%"));
        say("手机电量", battery.as_deref());
        say("回拨号码", self.callback());
        say("已采取措施", Some(&facts.done.join("；")));
        say("备注", facts.note.as_deref());
        out.join("\n")
    }
}

//! What only the counsellor knows: bounded texts, all of them optional.

use crate::call_back::CallBack;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest text, in characters.
pub const LONGEST_FACT: usize = 200;
/// Most safety facts, and most things done, that a counsellor may list.
pub const MOST_FACTS: usize = 16;
/// Longest number to call back, in characters.
const LONGEST_NUMBER: usize = 32;

/// How great the danger is, as the counsellor judges it; the later the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Thoughts without a plan.
    Low,
    /// A plan, not for the next days.
    Medium,
    /// A plan for the next days, or an attempt that was just made.
    High,
    /// An attempt is under way.
    Acting,
}

impl Level {
    /// For people, in Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Low => "低",
            Self::Medium => "中等",
            Self::High => "高",
            Self::Acting => "正在实施",
        }
    }
}

/// What is dangerous where the caller is, for whoever goes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hazard {
    /// A roof, a bridge, a window.
    Height,
    /// Knives and the like.
    Blade,
    /// Medicine or poison, taken or at hand.
    Poison,
    /// Gas or burning charcoal.
    Gas,
    /// A river, the sea, a well.
    Water,
    /// Open fire.
    Fire,
    /// Ropes.
    Rope,
    /// Rails or a road.
    Traffic,
    /// Somebody does violence.
    Violence,
    /// Others are in danger as well.
    Others,
}

impl Hazard {
    /// All of them.
    pub const ALL: [Hazard; 10] = [
        Self::Height,
        Self::Blade,
        Self::Poison,
        Self::Gas,
        Self::Water,
        Self::Fire,
        Self::Rope,
        Self::Traffic,
        Self::Violence,
        Self::Others,
    ];

    /// For people, in Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Height => "人在高处",
            Self::Blade => "有刀具",
            Self::Poison => "有药物或毒物",
            Self::Gas => "有煤气",
            Self::Water => "人在水边",
            Self::Fire => "有明火",
            Self::Rope => "有绳索",
            Self::Traffic => "人在铁路或公路上",
            Self::Violence => "有人施暴",
            Self::Others => "他人也有危险",
        }
    }

    /// The prompt that says it.
    #[must_use]
    pub(crate) fn prompt(self) -> &'static str {
        match self {
            Self::Height => "hazard_height",
            Self::Blade => "hazard_blade",
            Self::Poison => "hazard_poison",
            Self::Gas => "hazard_gas",
            Self::Water => "hazard_water",
            Self::Fire => "hazard_fire",
            Self::Rope => "hazard_rope",
            Self::Traffic => "hazard_traffic",
            Self::Violence => "hazard_violence",
            Self::Others => "hazard_others",
        }
    }
}

/// What the counsellor has written down so far. Everything may be left out; the latest that was
/// written holds. `Debug` shows nothing of it but how much there is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// How great the danger is.
    pub level: Option<Level>,
    /// Why: what the caller said or did.
    pub why: Option<String>,
    /// The place in words: street, number, floor, landmark.
    pub place: Option<String>,
    /// The district or county of it.
    pub district: Option<String>,
    /// Who the caller is: sex, age, name as far as they are known.
    pub person: Option<String>,
    /// What the caller wears.
    pub clothing: Option<String>,
    /// What the caller looks like.
    pub appearance: Option<String>,
    /// What is dangerous there.
    pub hazards: Vec<Hazard>,
    /// What else those who go there must know.
    pub safety: Vec<String>,
    /// What is left in the caller's telephone, 0 to 100 percent.
    pub battery: Option<u8>,
    /// Where the caller, or who is with the caller, can be called back.
    pub callback: Option<String>,
    /// What the caller said of being called back. It goes to nobody outside.
    pub call_back: Option<CallBack>,
    /// What was done so far.
    pub done: Vec<String>,
    /// Anything else.
    pub note: Option<String>,
}

/// Why facts are not taken. Whoever wrote them is at fault; nothing of them is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactsError {
    /// A text of more than [`LONGEST_FACT`] characters.
    TooLong,
    /// A list of more than [`MOST_FACTS`] entries.
    TooMany,
    /// More than 100 percent.
    Battery,
    /// The number to call back is none: digits, `+`, `-`, `*`, `#` and spaces, at most 32.
    Callback,
    /// What is said of calling back: `from` and `until` together, `HH:MM`, not the same; a note of more
    /// than 200 characters.
    CallBack,
    /// A control character.
    Control,
}

impl FactsError {
    /// For the counsellor, in Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::TooLong => "每项最多 200 字",
            Self::TooMany => "每个列表最多 16 项",
            Self::Battery => "电量须为 0 到 100",
            Self::Callback => "回拨号码只能有数字、+、-、*、# 和空格，最多 32 位",
            Self::CallBack => "回拨时段须同时写 from 和 until（HH:MM，不能相同），备注最多 200 字",
            Self::Control => "不能含控制字符",
        }
    }
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "a text has at most 200 characters",
            Self::TooMany => "a list has at most 16 entries",
            Self::Battery => "battery is 0 to 100",
            Self::Callback => "callback is digits, +, -, *, # and spaces, at most 32",
            Self::CallBack => {
                "call_back takes from and until together, HH:MM, not the same, and a note of 200 characters at most"
            }
            Self::Control => "control characters are not possible",
        })
    }
}

impl std::error::Error for FactsError {}

impl Facts {
    /// Looks whether all of it keeps to the limits.
    ///
    /// # Errors
    /// See [`FactsError`]; the first that is wrong.
    pub fn check(&self) -> Result<(), FactsError> {
        if self
            .safety
            .len()
            .max(self.done.len())
            .max(self.hazards.len())
            > MOST_FACTS
        {
            return Err(FactsError::TooMany);
        }
        for text in self.texts() {
            if text.chars().count() > LONGEST_FACT {
                return Err(FactsError::TooLong);
            }
            if text.chars().any(|c| c.is_control()) {
                return Err(FactsError::Control);
            }
        }
        if self.battery.is_some_and(|percent| percent > 100) {
            return Err(FactsError::Battery);
        }
        if self.call_back.as_ref().is_some_and(|it| !it.is_fit()) {
            return Err(FactsError::CallBack);
        }
        match self.callback.as_deref() {
            Some(number) if !is_number(number) => Err(FactsError::Callback),
            _ => Ok(()),
        }
    }

    /// True if nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of what was written, for the audit: never what it says.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let there = [
            ("level", self.level.is_some()),
            ("why", self.why.is_some()),
            ("place", self.place.is_some()),
            ("district", self.district.is_some()),
            ("person", self.person.is_some()),
            ("clothing", self.clothing.is_some()),
            ("appearance", self.appearance.is_some()),
            ("hazards", !self.hazards.is_empty()),
            ("safety", !self.safety.is_empty()),
            ("battery", self.battery.is_some()),
            ("callback", self.callback.is_some()),
            ("call_back", self.call_back.is_some()),
            ("done", !self.done.is_empty()),
            ("note", self.note.is_some()),
        ];
        let named = there.into_iter().filter(|it| it.1);
        named.map(|it| it.0).collect()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let single = [
            &self.why,
            &self.place,
            &self.district,
            &self.person,
            &self.clothing,
            &self.appearance,
            &self.note,
        ];
        let single = single.into_iter().flatten();
        let all = single.chain(&self.safety).chain(&self.done);
        all.map(String::as_str)
    }
}

fn is_number(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_digit() || b"+-*# ".contains(&b);
    text.len() <= LONGEST_NUMBER
        && text.bytes().all(fits)
        && text.bytes().any(|b| b.is_ascii_digit())
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts({} written)", self.names().len())
    }
}

//! The callers by whom two configurations are held against each other: one of every sort that their
//! rules could tell apart.

use super::named::{Asked, Named};
use crate::land::{AreaCodes, Mobiles};
use crate::wording::say;
use meishier_config::{Config, Lang};
use meishier_model::{DialString, TrunkId};
use meishier_routing::CityId;
use std::collections::BTreeSet;

/// Subscriber's digits of a landline that stands for all of its area.
const LINE: &str = "88880000";
/// A mobile number, a foreign one.
const MOBILE: &str = "13300000000";
const FOREIGN: &str = "+85221234567";

/// Who a sampled caller is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Nobody knows the number.
    Withheld,
    /// A landline of this area code.
    Landline(String),
    /// A mobile number of a city.
    Mobile(CityId),
    /// A mobile number of which no city is known.
    AnyMobile,
    /// Another country's number.
    Foreign,
    /// A number that begins so.
    Begins(String),
    /// A caller in a cell that begins so.
    Cell(String),
}

/// What is known of the caller besides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Nothing.
    None,
    /// At risk.
    Risk,
    /// Held for nuisance.
    Nuisance,
    /// This tag.
    Tag(String),
}

/// One sort of call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    /// Over which trunk; the first one if none is named.
    pub trunk: Option<String>,
    /// What is known of the caller.
    pub mark: Mark,
    /// The number dialled.
    pub called: String,
    /// Who calls.
    pub who: Who,
}

impl Scenario {
    /// The number from which the call comes.
    pub fn caller(&self, mobiles: &Mobiles) -> DialString {
        DialString::new(&match &self.who {
            Who::Withheld | Who::Cell(_) => String::new(),
            Who::Landline(code) => format!("{code}{LINE}"),
            Who::Mobile(city) => mobiles.get(city).cloned().unwrap_or_default(),
            Who::AnyMobile => MOBILE.to_owned(),
            Who::Foreign => FOREIGN.to_owned(),
            Who::Begins(prefix) => whole(prefix),
        })
    }

    /// The cell.
    pub fn cell(&self) -> Option<&str> {
        match &self.who {
            Who::Cell(prefix) => Some(prefix),
            _ => None,
        }
    }

    /// Which trunk that is in a configuration; `None` if it has none of the name.
    pub fn trunk_in(&self, config: &Config) -> Option<TrunkId> {
        let Some(name) = &self.trunk else {
            return Some(TrunkId(0));
        };
        let at = config.trunks.iter().position(|it| it.name == *name)?;
        Some(TrunkId(u16::try_from(at).ok()?))
    }

    /// What it is besides who calls and what is dialled.
    pub fn besides(&self, lang: Lang) -> String {
        let mark = match &self.mark {
            Mark::None => String::new(),
            Mark::Risk => say(lang, "高危", "at risk").to_owned(),
            Mark::Nuisance => say(lang, "骚扰", "nuisance").to_owned(),
            Mark::Tag(tag) => format!("{} {tag}", say(lang, "标签", "tag")),
        };
        let trunk = self
            .trunk
            .as_ref()
            .map(|name| format!("{} {name}", say(lang, "中继", "trunk")));
        let parts: Vec<String> = trunk
            .into_iter()
            .chain([mark])
            .filter(|it| !it.is_empty())
            .collect();
        parts.join(say(lang, "，", ", "))
    }
}

/// A prefix as a whole number.
fn whole(prefix: &str) -> String {
    let digits: String = prefix.chars().filter(|it| *it != '-').collect();
    let length = match digits.as_bytes().first() {
        Some(b'0') if matches!(digits.as_bytes().get(1), Some(b'1' | b'2')) => 11,
        Some(b'0') => 12,
        Some(b'1') => 11,
        // A subscriber's number without an area code.
        Some(b'2'..=b'8') => 8,
        _ => digits.len(),
    };
    format!("{digits:0<length$}")
}

/// Every sort of call, each once.
pub fn scenarios(named: &Named, codes: &AreaCodes, mobiles: &Mobiles) -> Vec<Scenario> {
    let mut out = BTreeSet::new();
    let mut add = |trunk: Option<&String>, mark: Mark, called: &str, who: Who| {
        out.insert(Scenario {
            trunk: trunk.cloned(),
            mark,
            called: called.to_owned(),
            who,
        });
    };
    let hotline = "12356";
    let common = [Who::Withheld, Who::AnyMobile, Who::Foreign];
    let landlines = codes.keys().map(|code| Who::Landline((*code).to_owned()));
    let mobiles = mobiles.keys().map(|city| Who::Mobile(*city));
    let everybody: Vec<Who> = common
        .clone()
        .into_iter()
        .chain(landlines)
        .chain(mobiles)
        .collect();
    for who in everybody {
        for mark in [Mark::None, Mark::Risk, Mark::Nuisance] {
            add(None, mark, hotline, who.clone());
        }
    }
    for code in codes.keys() {
        let called = format!("{code}{hotline}");
        add(None, Mark::None, &called, Who::Withheld);
        add(None, Mark::None, &called, Who::Landline((*code).to_owned()));
    }
    for tag in &named.tags {
        add(None, Mark::Tag(tag.clone()), hotline, Who::Withheld);
    }
    for trunk in &named.trunks {
        let local = Who::Begins(LINE.to_owned());
        for who in common.clone().into_iter().chain([local]) {
            add(Some(trunk), Mark::None, hotline, who);
        }
    }
    for (trunk, local) in named.locals() {
        add(Some(trunk), Mark::None, hotline, Who::Begins(local));
    }
    for asked in &named.asked {
        let (called, who) = (
            asked.called.as_deref().unwrap_or(hotline),
            who_of(asked, codes),
        );
        add(asked.trunk.as_ref(), Mark::None, called, who.clone());
        add(None, Mark::None, called, who);
    }
    out.into_iter().collect()
}

fn who_of(asked: &Asked, codes: &AreaCodes) -> Who {
    match (&asked.caller, &asked.cell) {
        (Some(prefix), _) if codes.contains_key(prefix.as_str()) => Who::Landline(prefix.clone()),
        (Some(prefix), _) => Who::Begins(prefix.clone()),
        (None, Some(cell)) => Who::Cell(cell.clone()),
        (None, None) => Who::Withheld,
    }
}

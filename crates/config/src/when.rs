//! Conditions of `[[routes]]` and `[[preferences]]`: whom a rule is for.

use crate::limits::MOST_PREFERENCES;
use crate::names::Known;
use crate::places::Places;
use crate::pools::{days, hours_of};
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::trunks::check_number;
use meishier_model::{PoolId, SkillId, TrunkId};
use meishier_routing::{Preference, Service, Services, Tags, When};
use smallvec::SmallVec;
use toml::Spanned;
use toml::de::DeValue;

/// What rules refer to.
pub(crate) struct Names<'k> {
    pub pools: &'k Known,
    pub trunks: &'k Known,
    pub skills: &'k Known,
    pub tags: &'k Known,
    pub accounts: &'k Known,
    pub places: &'k Places,
}

/// Words for the states of a pool.
const STATES: [(&str, Service); 5] = [
    ("normal", Service::Normal),
    ("unstaffed", Service::Unstaffed),
    ("overloaded", Service::Overloaded),
    ("going_down", Service::GoingDown),
    ("down", Service::Down),
];

/// Reads every condition of a rule.
pub(crate) fn when(section: &Section<'_>, names: &Names<'_>) -> When {
    let sink = section.sink();
    let called = section.texts("called", 256);
    for text in &called {
        if text.value.is_empty() || text.value.len() > 64 {
            check_number(sink, "called", text);
        }
    }
    let callers = section.texts("callers", 256);
    callers
        .iter()
        .for_each(|prefix| check_number(sink, "callers", prefix));
    let trunks = section.texts("trunks", 256);
    let cities = section.texts("cities", 400);
    let provinces = section.texts("provinces", 64);
    let hours = section.texts("hours", 16);
    let owned = |texts: Vec<At<&str>>| texts.iter().map(|text| text.value.to_owned()).collect();
    When {
        called: owned(called),
        callers: owned(callers),
        trunks: trunks
            .iter()
            .filter_map(|text| trunk(sink, text, names))
            .collect(),
        cities: cities
            .iter()
            .filter_map(|text| names.places.city(sink, text))
            .collect(),
        provinces: provinces
            .iter()
            .filter_map(|text| names.places.province(sink, text))
            .collect(),
        days: days(section),
        hours: hours
            .iter()
            .filter_map(|text| hours_of(section, text))
            .collect(),
        states: states(section, names.pools),
        risk: section.flag("at_risk"),
        nuisance: section.flag("nuisance"),
        tags: tags(section, names.tags),
    }
}

/// The trunk of a name, or a note.
pub(crate) fn trunk(sink: &Sink, text: &At<&str>, names: &Names<'_>) -> Option<TrunkId> {
    let id = names.trunks.find(sink, text)?;
    u16::try_from(id).ok().map(TrunkId)
}

/// The pool of a name, or a note.
pub(crate) fn pool(sink: &Sink, text: &At<&str>, pools: &Known) -> Option<PoolId> {
    let id = pools.find(sink, text)?;
    u16::try_from(id).ok().map(PoolId)
}

/// The tags of a list.
pub(crate) fn tags(section: &Section<'_>, known: &Known) -> Tags {
    let texts = section.texts("tags", Tags::LIMIT);
    let found = texts
        .iter()
        .filter_map(|text| known.find(section.sink(), text));
    found.fold(Tags::default(), |tags, id| tags.with(id as usize))
}

fn states(section: &Section<'_>, pools: &Known) -> Vec<(PoolId, Services)> {
    let Some(value) = section.raw("states") else {
        return Vec::new();
    };
    let example = "{ \"guiyang\" = [\"unstaffed\", \"down\"] }";
    let DeValue::Table(table) = value.get_ref() else {
        let (zh, en) = both!("表，如 {example}", "a table such as {example}");
        section.wrong::<()>("states", value, (&zh, &en));
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in table {
        let name = At {
            value: key.get_ref().as_ref(),
            span: key.span(),
        };
        let states = states_of(section, value);
        let pool = pool(section.sink(), &name, pools);
        out.extend(pool.zip(states));
    }
    out
}

/// One state, or a list of them.
fn states_of(section: &Section<'_>, value: &Spanned<DeValue<'_>>) -> Option<Services> {
    let words = match value.get_ref() {
        DeValue::Array(words) if !words.is_empty() => words.iter().collect(),
        _ => vec![value],
    };
    let mut states = Services::default();
    for word in words {
        let DeValue::String(text) = word.get_ref() else {
            let expected = ("状态，如 [\"unstaffed\"]", "states such as [\"unstaffed\"]");
            return section.wrong("states", word, expected);
        };
        let found = STATES.iter().find(|(known, _)| *known == text.as_ref());
        let Some((_, state)) = found else {
            let text = At {
                value: text.as_ref(),
                span: word.span(),
            };
            let list = STATES.map(|(word, _)| format!("{word:?}"));
            section.unknown_word("states", &text, &list, STATES.map(|(word, _)| word));
            return None;
        };
        states = states.with(*state);
    }
    Some(states)
}

/// Reads `prefer`: skills with their weights.
pub(crate) fn prefer(section: &Section<'_>, skills: &Known) -> SmallVec<[Preference; 2]> {
    let mut preferred = SmallVec::new();
    let prefer = section.numbers("prefer", &(1..=1000));
    section.at_most("prefer", prefer.len(), MOST_PREFERENCES);
    for (text, weight) in prefer {
        let id = skills.find(section.sink(), &text).and_then(skill);
        if let (Some(skill), Ok(weight)) = (id, u16::try_from(weight)) {
            preferred.push(Preference { skill, weight });
        }
    }
    preferred
}

/// The skill of an index.
pub(crate) fn skill(index: u32) -> Option<SkillId> {
    SkillId::new(u8::try_from(index).ok()?)
}

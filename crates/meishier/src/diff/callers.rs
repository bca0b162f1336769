//! Callers of one change in as few words as they need.

use super::Lands;
use super::sample::{Mark, Scenario, Who};
use crate::wording::{join, say};
use meishier_config::Lang;
use meishier_model::DialString;
use std::collections::{BTreeMap, BTreeSet};

/// Callers of one change in as few words as they need.
pub fn callers(scenarios: &[&Scenario], lands: &Lands, lang: Lang) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        // What holds for a caller whatever is known of them is told once.
        let mut plain = (*scenario).clone();
        plain.mark = Mark::None;
        if scenario.mark != Mark::None && scenarios.contains(&&plain) {
            continue;
        }
        groups
            .entry(scenario.besides(lang))
            .or_default()
            .push(scenario);
    }
    let mut out = Vec::new();
    for (besides, group) in groups {
        let labels = labels(&group, lands, lang).into_iter();
        out.extend(labels.map(|label| match besides.is_empty() {
            true => label,
            false => format!("{label}{}{besides}", say(lang, "，", ", ")),
        }));
    }
    out
}

/// Area codes and cities of a group, by what is dialled.
fn labels(group: &[&Scenario], lands: &Lands, lang: Lang) -> Vec<String> {
    let (mut out, mut dialled) = (Vec::new(), BTreeMap::<&str, Vec<&Who>>::new());
    for scenario in group {
        dialled
            .entry(&scenario.called)
            .or_default()
            .push(&scenario.who);
    }
    // Area code + 12356, whether dialled from there or from elsewhere.
    let mut codes = BTreeSet::new();
    let all = &lands.codes;
    dialled.retain(|called, who| {
        let code = called
            .strip_suffix("12356")
            .and_then(|code| all.get_key_value(code));
        let plain = who.iter().any(|it| **it == Who::Withheld);
        match code {
            Some((code, _)) if plain => codes.insert(code.to_string()),
            _ => return true,
        };
        false
    });
    let at_home = dialled
        .get("12356")
        .map(|who| landlines(who))
        .unwrap_or_default();
    for (called, who) in dialled {
        let to = match called {
            "12356" => String::new(),
            other => format!("{} {other}", say(lang, " 拨", " dialling")),
        };
        let both = to.is_empty() && at_home == codes;
        out.extend(
            people(&who, both, lands, lang)
                .into_iter()
                .map(|it| format!("{it}{to}")),
        );
    }
    if !codes.is_empty() && at_home != codes {
        let places = fold(&codes, &codes_by_province(lands), lang, &code_words(lands));
        out.push(match lang {
            Lang::Zh => format!("拨 {places} 区号加 12356"),
            Lang::En => format!("dialling the area code of {places} and 12356"),
        });
    }
    out
}

fn landlines(who: &[&Who]) -> BTreeSet<String> {
    let code = |who: &&Who| match who {
        Who::Landline(code) => Some(code.clone()),
        _ => None,
    };
    who.iter().filter_map(code).collect()
}

/// Everybody of a list; `dialled` says that those who dial the area codes of its landlines belong to it.
fn people(who: &[&Who], dialled: bool, lands: &Lands, lang: Lang) -> Vec<String> {
    let (mut cities, mut out) = (BTreeSet::new(), Vec::new());
    let codes = landlines(who);
    for who in who {
        match who {
            Who::Landline(_) => {}
            Who::Mobile(city) => {
                cities.extend(lands.cities.get(city).map(|(_, name)| name.clone()));
            }
            Who::Withheld => out.push(say(lang, "号码不明", "withheld numbers").to_owned()),
            Who::AnyMobile => {
                out.push(say(lang, "归属不明的手机", "mobiles of unknown home").to_owned())
            }
            Who::Foreign => out.push(say(lang, "境外号码", "foreign numbers").to_owned()),
            Who::Begins(prefix) => out.push(begins(prefix, lang)),
            Who::Cell(prefix) => out.push(format!("{} {prefix}…", say(lang, "基站", "cells"))),
        }
    }
    if !cities.is_empty() {
        let places = fold(&cities, &cities_by_province(lands), lang, &str::to_owned);
        out.insert(0, format!("{places}{}", say(lang, " 手机", " mobiles")));
    }
    if !codes.is_empty() {
        let places = fold(&codes, &codes_by_province(lands), lang, &code_words(lands));
        let what = match dialled {
            true => say(
                lang,
                " 固话和拨其区号者",
                " landlines and who dials their area codes",
            ),
            false => say(lang, " 固话", " landlines"),
        };
        out.insert(0, format!("{places}{what}"));
    }
    out
}

/// A prefix that is nearly a whole number may be somebody's, and is masked.
fn begins(prefix: &str, lang: Lang) -> String {
    // A number without an area code is whole with seven or eight digits.
    let most = match prefix.as_bytes().first() {
        Some(b'2'..=b'8') => 5,
        _ => 8,
    };
    let shown = match prefix.len() <= most {
        true => prefix.to_owned(),
        false => DialString::new(prefix).masked(),
    };
    format!("{} {shown}…", say(lang, "号码", "numbers"))
}

/// What belongs together, by province.
type Wholes<'l> = BTreeMap<&'l str, BTreeSet<String>>;

fn codes_by_province(lands: &Lands) -> Wholes<'_> {
    let mut out = Wholes::new();
    for (code, cities) in &lands.codes {
        let province = cities.first().map_or("", |it| it.1);
        out.entry(province).or_default().insert((*code).to_owned());
    }
    out
}

fn cities_by_province(lands: &Lands) -> Wholes<'_> {
    let mut out = Wholes::new();
    for (province, name) in lands.cities.values() {
        out.entry(province).or_default().insert(name.clone());
    }
    out
}

/// `0851（贵阳、遵义、安顺）`
fn code_words(lands: &Lands) -> impl Fn(&str) -> String {
    |code| {
        let cities = lands.codes.get(code).into_iter().flatten();
        let cities: Vec<&str> = cities.map(|it| it.0).collect();
        format!("{code}（{}）", cities.join("、"))
    }
}

/// A set of places: everywhere, everywhere but a few, whole provinces, the rest one by one.
fn fold(
    set: &BTreeSet<String>,
    wholes: &Wholes<'_>,
    lang: Lang,
    words: &dyn Fn(&str) -> String,
) -> String {
    let missing: BTreeSet<String> = wholes
        .values()
        .flatten()
        .filter(|it| !set.contains(*it))
        .cloned()
        .collect();
    if missing.is_empty() {
        return say(lang, "各地", "everywhere").to_owned();
    }
    if missing.len() * 2 < set.len() {
        // What is missing is less than half, so this ends.
        let missing = fold(&missing, wholes, lang, words);
        return match lang {
            Lang::Zh => format!("除 {missing} 外各地"),
            Lang::En => format!("everywhere but {missing}"),
        };
    }
    let mut left = set.clone();
    let mut out = Vec::new();
    for (province, all) in wholes {
        if all.len() > 1 && all.is_subset(&left) {
            left = left.difference(all).cloned().collect();
            out.push((*province).to_owned());
        }
    }
    out.extend(left.iter().map(|it| words(it)));
    join(&out, lang)
}

//! `[risk]`, `[nuisance]`, `[redial]`, `[[preferences]]`: what holds across all routes.

use crate::names::{Known, check_plain};
use crate::rings::rings;
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::types::Gender;
use crate::when::{Names, prefer, when};
use meishier_model::Class;
use meishier_routing::{MOST_COUNTED, NuisancePolicy, PreferenceRule, RedialPolicy, RiskPolicy};
use std::ops::Range;
use std::time::Duration;

/// Most preferences.
pub(crate) const MAX_PREFERENCES: usize = 1024;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// What is remembered of a number beyond a day ends with a flag or mark; a year is for ever.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// How long a counsellor's mark lasts if neither the file nor the counsellor says.
const MARKED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

fn duration(section: &Section<'_>, key: &'static str, most: Duration) -> Option<Duration> {
    let found = section.duration(key, Duration::ZERO..=most)?;
    Some(found.value)
}

/// Reads `[risk]` with its place.
pub(crate) fn risk(top: &Section<'_>, names: &Names<'_>) -> (RiskPolicy, Option<Range<usize>>) {
    let Some(section) = top.table("risk", "[risk]") else {
        return (RiskPolicy::default(), None);
    };
    let policy = RiskPolicy {
        dropped_within: duration(&section, "dropped_within", DAY).unwrap_or_default(),
        flagged_for: duration(&section, "flagged_for", LONGEST).unwrap_or_default(),
        own_hold: duration(&section, "own_hold", HOUR / 12).unwrap_or_default(),
        prefer: prefer(&section, names.skills),
        steps: rings(&section, names.pools),
        danger_key: danger_key(&section),
    };
    let span = section.span.clone();
    section.finish();
    (policy, Some(span))
}

fn danger_key(section: &Section<'_>) -> Option<u8> {
    let text = section.text("danger_key")?;
    let parsed = match text.value.as_bytes() {
        [key] if key.is_ascii_digit() || b"*#".contains(key) => Some(*key),
        _ => None,
    };
    let what = ("话机上的一个键", "one key of a telephone");
    section.parsed("danger_key", &text, parsed, what, "\"9\"")
}

/// Reads `[nuisance]` with its place.
pub(crate) fn nuisance(
    top: &Section<'_>,
    names: &Names<'_>,
) -> (NuisancePolicy, Option<Range<usize>>) {
    let Some(section) = top.table("nuisance", "[nuisance]") else {
        return (NuisancePolicy::default(), None);
    };
    let most = MOST_COUNTED as i64;
    let number = |key| {
        let found = section.number(key, 0..=most);
        found
            .and_then(|at| u16::try_from(at.value).ok())
            .unwrap_or(0)
    };
    let class = section.number("class", 0..=i64::from(Class::LOWEST.number()));
    let policy = NuisancePolicy {
        calls_a_day: number("calls_a_day"),
        short_calls: number("short_calls"),
        short: duration(&section, "short", HOUR).unwrap_or_default(),
        class: class.and_then(|at| Class::new(u8::try_from(at.value).ok()?)),
        steps: rings(&section, names.pools),
        marked_for: duration(&section, "marked_for", LONGEST).unwrap_or(MARKED_FOR),
    };
    if policy.short_calls > 0 && section.raw("short").is_none() {
        section.missing("short", "\"20s\"");
    }
    let span = section.span.clone();
    section.finish();
    (policy, Some(span))
}

/// Reads `[redial]` with its place.
pub(crate) fn redial(top: &Section<'_>) -> (RedialPolicy, Option<Range<usize>>) {
    let Some(section) = top.table("redial", "[redial]") else {
        return (RedialPolicy::default(), None);
    };
    let within = duration(&section, "within", HOUR);
    if section.raw("within").is_none() {
        section.missing("within", "\"10min\"");
    }
    let span = section.span.clone();
    section.finish();
    let within = within.unwrap_or_default();
    (RedialPolicy { within }, Some(span))
}

/// Preferences, their places, and which of them ask for a woman or a man.
#[derive(Default)]
pub(crate) struct Preferences {
    pub rules: Vec<PreferenceRule>,
    pub spans: Vec<Range<usize>>,
    pub genders: Vec<(usize, Gender, Range<usize>)>,
}

/// Reads `[[preferences]]`.
pub(crate) fn preferences(sections: Vec<Section<'_>>, names: &Names<'_>) -> Preferences {
    let mut known = Known::new("偏好", "preference");
    let mut out = Preferences::default();
    let words = [("female", Gender::Female), ("male", Gender::Male)];
    for section in sections {
        let sink = section.sink();
        let name = section.need_text("name", "\"minors\"");
        if let Some(name) = &name {
            check_plain(sink, "name", name.value, &name.span);
            known.add(sink, name.value, &name.span);
        }
        let gender = section.choice("counsellor", &words);
        let _ = section.text("title");
        let rule = PreferenceRule {
            name: name
                .as_ref()
                .map_or_else(String::new, |name| name.value.to_owned()),
            when: when(&section, names),
            prefer: prefer(&section, names.skills),
        };
        if section.raw("prefer").is_none() && section.raw("counsellor").is_none() {
            no_effect(sink, &section);
        }
        if let (Some(gender), Some(value)) = (gender, section.raw("counsellor")) {
            out.genders.push((out.rules.len(), gender, value.span()));
        }
        out.spans
            .push(name.map_or(section.span.clone(), |At { span, .. }| span));
        out.rules.push(rule);
        section.finish();
    }
    out
}

fn no_effect(sink: &Sink, section: &Section<'_>) {
    sink.error(
        &section.span,
        both!("偏好没有写要什么", "the preference asks for nothing"),
        both!(
            "加上 prefer = {{ \"危机\" = 300 }}，或 counsellor = \"female\"",
            "add prefer = {{ \"危机\" = 300 }}, or counsellor = \"female\""
        ),
    );
}

//! `[care]`: what counsellors are spared, and when callers who hung up are called back.

use crate::directory::Directory;
use crate::pools::hours_of;
use crate::section::Section;
use crate::sink::both;
use crate::trunks::{MAX_TRUNKS, leading_out};
use crate::types::{CallBacks, Care, NuisanceKey, Recovery};
use meishier_routing::Hours;
use std::ops::Range;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Hours in which callers are called back if the file says nothing.
const CALL_BACK: &str = "09:00-21:00";

/// Reads `[care]` with its place; the trunks of the directory are known.
pub(crate) fn care(top: &Section<'_>, directory: &Directory) -> (Care, CallBacks, Range<usize>) {
    let Some(section) = top.table("care", "[care]") else {
        return (Care::default(), CallBacks::default(), 0..0);
    };
    let calls = section.number("risk_calls_per_shift", 0..=1000);
    let talk = section.duration("talk_per_shift", HOUR / 6..=HOUR * 24);
    let recovery = section.table("recovery", "recovery");
    let span = section
        .raw("risk_calls_per_shift")
        .map_or(0..0, |value| value.span());
    let care = Care {
        risk_calls: calls
            .and_then(|at| u16::try_from(at.value).ok())
            .unwrap_or(0),
        talk: talk.map(|at| at.value),
        fresh: None,
        recovery: recovery.map_or_else(Recovery::default, self::recovery),
        nuisance_key: nuisance_key(&section),
    };
    let call_backs = call_backs(&section, directory);
    section.finish();
    (care, call_backs, span)
}

impl Default for CallBacks {
    fn default() -> Self {
        Self {
            hours: Hours::parse(CALL_BACK).unwrap_or(Hours::ALL_DAY),
            trunks: Vec::new(),
        }
    }
}

fn call_backs(section: &Section<'_>, directory: &Directory) -> CallBacks {
    let usual = CallBacks::default();
    let hours = section.text("call_back_hours");
    let mut trunks = Vec::new();
    for named in section.texts("call_back_trunks", MAX_TRUNKS) {
        let known = directory.names().trunks;
        let found = leading_out(section.sink(), &named, &directory.trunks, known);
        trunks.extend(found.filter(|it| !trunks.contains(it)));
    }
    CallBacks {
        hours: hours
            .and_then(|text| hours_of(section, &text))
            .unwrap_or(usual.hours),
        trunks,
    }
}

fn nuisance_key(section: &Section<'_>) -> Option<NuisanceKey> {
    let text = section.text("nuisance_key")?;
    let parsed = NuisanceKey::new(text.value);
    let what = ("* 或 # 后面跟一到五个数字", "* or # and one to five digits");
    section.parsed("nuisance_key", &text, parsed, what, "\"*7\"")
}

fn recovery(section: Section<'_>) -> Recovery {
    let duration = |key| {
        let found = section.duration(key, Duration::ZERO..=HOUR * 4);
        found.map_or(Duration::ZERO, |at| at.value)
    };
    let out = Recovery {
        risk: duration("risk"),
        emergency: duration("emergency"),
        long: duration("long"),
        long_from: duration("long_from"),
    };
    for (key, other) in [("long", "long_from"), ("long_from", "long")] {
        if let (Some(value), None) = (section.raw(key), section.raw(other)) {
            section.sink().error(
                &value.span(),
                both!("{key} 须与 {other} 同写", "{key} needs {other}"),
                both!(
                    "例如 long = \"5min\", long_from = \"40min\"",
                    "such as long = \"5min\", long_from = \"40min\""
                ),
            );
        }
    }
    section.finish();
    out
}

#[cfg(test)]
mod tests {
    use crate::NuisanceKey;

    #[test]
    fn a_key_is_a_star_or_hash_and_one_to_five_digits() {
        for text in ["*7", "#12345", "*00000"] {
            let key = NuisanceKey::new(text);
            let keys = key.map(|key| (0..9).map_while(|at| key.after(at)).collect::<String>());
            assert_eq!(keys.as_deref(), Some(text));
        }
        for text in ["", "*", "7", "77", "**7", "*7#", "*123456", "*７"] {
            assert_eq!(NuisanceKey::new(text), None, "{text}");
        }
    }
}

//! `[care]`: what counsellors are spared.

use crate::section::Section;
use crate::sink::both;
use crate::types::{Care, NuisanceKey, Recovery};
use std::ops::Range;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Reads `[care]` with its place.
pub(crate) fn care(top: &Section<'_>) -> (Care, Range<usize>) {
    let Some(section) = top.table("care", "[care]") else {
        return (Care::default(), 0..0);
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
    section.finish();
    (care, span)
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

//! The document: what was played, and its figures in tables.

use super::{Figures, Nation, Setting, Way, play};
use std::fmt::Write as _;

/// The first and the last seed, and the counted days of each run of the document.
pub const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// Plays a setting with several seeds: each, and all together.
///
/// # Errors
/// See [`play`].
pub fn measure(
    nation: &Nation,
    setting: &Setting,
    days: u32,
) -> Result<(Vec<Figures>, Figures), String> {
    let mut sum = Figures::default();
    let mut each = Vec::new();
    for seed in SEEDS {
        let figures = play(nation, setting, seed, days)?;
        sum.add(&figures);
        each.push(figures);
    }
    Ok((each, sum))
}

/// The figures of one day in counts, for a test to run again and compare.
///
/// # Errors
/// See [`play`].
pub fn block(nation: &Nation) -> Result<String, String> {
    let mut out = String::new();
    for (name, way) in [("alone", Way::Alone), ("pooled", Way::Pooled)] {
        let it = play(nation, &Setting::of(way), 1, 1)?;
        let _ = writeln!(
            out,
            "{name} callers={} attempts={} in_time={} busy={} gave_up={} never={} flagged={}/{} \
             places={}/{}/{} wait_p95_ms={}",
            it.callers,
            it.attempts,
            it.in_time,
            it.busy,
            it.gave_up,
            it.never.0,
            it.flagged.1,
            it.flagged.0,
            it.places[0],
            it.places[1],
            it.places[2],
            it.wait(0.95).as_millis(),
        );
    }
    Ok(out)
}

/// The whole document.
///
/// # Errors
/// See [`play`].
pub fn document(nation: &Nation, days: u32) -> Result<String, String> {
    let mut out = String::new();
    let s = Setting::of;
    let secs = std::time::Duration::from_secs;
    let p = s(Way::Pooled);
    let list = [
        ("alone", s(Way::Alone)),
        ("alonewait", s(Way::AloneWaiting)),
        ("pooled", p),
        ("pooled ringout0", Setting { ring_out: Some(0.0), ..p }),
        ("pooled holds5", Setting { holds: secs(5), ..p }),
        ("pooled holds0", Setting { holds: secs(0), ..p }),
        ("pooled ring8 holds0", Setting { holds: secs(0), ring: Some(secs(8)), ..p }),
        ("pooled x2", Setting { calls_per_day: 3836.0, ..p }),
        ("pooled x3", Setting { calls_per_day: 5754.0, ..p }),
        ("pooled seats1.5", Setting { seats: 1.5, ..p }),
        ("pooled seats2", Setting { seats: 2.0, ..p }),
    ];
    for (name, setting) in list {
        let it = measure(nation, &setting, days)?.1;
        let f = |p: (u64, u64)| p.1 as f64 * 100.0 / p.0 as f64;
        let hours: Vec<_> = it.by_hours.iter().map(|r| format!("{:.2}/{:.2}", f((r[0], r[1])), f((r[2], r[3])))).collect();
        let _ = writeln!(out, "{name}: callers {} attempts {} in time {:.2}% first {:.2}% flagged {:.2}% first {:.2}% busy {} gave {} never {:?} places {:?} med {:?} p95 {:?} longest {:?} talk {:?} hours {hours:?}",
            it.callers, it.attempts, it.in_time as f64 * 100.0 / it.attempts as f64, f(it.first), f(it.flagged), f(it.first_flagged), it.busy, it.gave_up, it.never, it.places, it.wait(0.5), it.wait(0.95), it.longest, it.talk());
    }
    Ok(out)
}

//! The document: what was played, and its figures in tables.

use super::{CALLS_PER_DAY, Figures, HOLDS_AT_RISK, Nation, Setting, Way, play};
use std::fmt::Write as _;
use std::time::Duration;

/// The seeds of the document.
pub const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
/// Shares that are wanted in time: of all callers, and of those known as at risk.
const GOAL: (f64, f64) = (0.95, 0.999);
/// How many times the seats are tried.
const TIMES: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];
const HEAD: &str = include_str!("head.md.in");
const FOOT: &str = include_str!("foot.md.in");

/// One setting played with every seed.
struct Played {
    name: String,
    seats: f64,
    each: Vec<Figures>,
    sum: Figures,
}

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

/// The figures of one day in counts, for a test to play again and compare.
///
/// # Errors
/// See [`play`].
pub fn block(nation: &Nation) -> Result<String, String> {
    let mut out = format!("table={}\n", nation.table());
    for (name, way) in [("alone", Way::Alone), ("pooled", Way::Pooled)] {
        let it = play(nation, &Setting::of(way), SEEDS[0], 1)?;
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

fn share(of: (u64, u64)) -> f64 {
    of.1 as f64 / of.0.max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// Seconds, or minutes where that is more.
fn time(time: Duration) -> String {
    match time.as_secs() {
        0..=119 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

impl Played {
    fn new(nation: &Nation, name: &str, setting: &Setting, days: u32) -> Result<Self, String> {
        let (each, sum) = measure(nation, setting, days)?;
        Ok(Self {
            name: name.to_owned(),
            seats: setting.seats,
            each,
            sum,
        })
    }

    /// A share of all seeds, with twice the standard error of the mean over them.
    fn with_spread(&self, of: fn(&Figures) -> (u64, u64)) -> String {
        let shares: Vec<f64> = self.each.iter().map(|it| share(of(it))).collect();
        let many = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / many;
        let squares: f64 = shares.iter().map(|it| (it - mean).powi(2)).sum();
        let error = (squares / (many - 1.0) / many).sqrt();
        format!("{} ± {:.2}", percent(share(of(&self.sum))), error * 200.0)
    }

    fn reaches(&self) -> bool {
        share(self.sum.stayed()) >= GOAL.0 && share(self.sum.stayed_flagged()) >= GOAL.1
    }
}

type Row = (&'static str, fn(&Played) -> String);

/// Lines of the comparing tables.
const ROWS: [Row; 18] = [
    ("callers", |it| it.sum.callers.to_string()),
    ("attempts", |it| it.sum.attempts.to_string()),
    ("callers answered in 15 s", |it| it.with_spread(|f| f.first)),
    ("the same, flagged as at risk", |it| {
        it.with_spread(|f| f.first_flagged)
    }),
    ("callers answered in 15 s, of those who stayed", |it| {
        it.with_spread(Figures::stayed)
    }),
    ("the same, flagged as at risk", |it| {
        it.with_spread(Figures::stayed_flagged)
    }),
    ("attempts answered in 15 s", |it| {
        it.with_spread(|f| (f.attempts, f.in_time))
    }),
    ("the same, flagged as at risk", |it| {
        it.with_spread(|f| f.flagged)
    }),
    ("attempts that heard busy", |it| {
        it.with_spread(|f| (f.attempts, f.busy))
    }),
    ("attempts given up waiting", |it| {
        it.with_spread(|f| (f.attempts, f.gave_up))
    }),
    ("callers answered in the end", |it| {
        it.with_spread(|f| (f.callers, f.callers - f.never.0))
    }),
    ("flagged callers nobody answered", |it| {
        it.sum.never.1.to_string()
    }),
    ("wait of an answered attempt: median, 95%", |it| {
        format!("{}, {}", time(it.sum.wait(0.5)), time(it.sum.wait(0.95)))
    }),
    ("longest, from the first dialling to the answer", |it| {
        time(it.sum.longest.0)
    }),
    ("longest, from the first dialling to the end", |it| {
        time(it.sum.longest.1)
    }),
    ("answered outside the city", |it| {
        let sum: u64 = it.sum.places.iter().sum();
        percent(share((sum, it.sum.places[1] + it.sum.places[2])))
    }),
    ("answered outside the province", |it| {
        percent(share((it.sum.places.iter().sum(), it.sum.places[2])))
    }),
    (
        "talk, share of the time on duty: all seats, busiest tenth",
        |it| {
            let (all, tenth) = it.sum.talk();
            format!("{}, {}", percent(all), percent(tenth))
        },
    ),
];

fn table(out: &mut String, list: &[Played]) {
    let names: Vec<&str> = list.iter().map(|it| it.name.as_str()).collect();
    let _ = writeln!(out, "| | {} |", names.join(" | "));
    let _ = writeln!(out, "|---{}|", "|---:".repeat(list.len()));
    for (name, of) in ROWS {
        let cells: Vec<String> = list.iter().map(of).collect();
        let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn ways(nation: &Nation, out: &mut String, days: u32) -> Result<(), String> {
    for times in [1.0, 2.0, 3.0] {
        let _ = writeln!(out, "## Calls ×{times:.0}\n");
        let of = |name: &str, way| {
            let setting = Setting {
                calls_per_day: CALLS_PER_DAY * times,
                ..Setting::of(way)
            };
            Played::new(nation, name, &setting, days)
        };
        let list = [
            of("A: each city alone", Way::Alone)?,
            of("A2: alone, callers may wait", Way::AloneWaiting)?,
            of("B: pooled, as shipped", Way::Pooled)?,
        ];
        table(out, &list);
        if times == 1.0 {
            by_hours(out, &list);
        }
    }
    Ok(())
}

/// Shares in time by the hour of the first attempt.
fn by_hours(out: &mut String, list: &[Played]) {
    let _ = writeln!(
        out,
        "Callers answered in 15 s by hours, all / flagged as at risk:\n"
    );
    let _ = writeln!(
        out,
        "| | 08-18 | 18-22 | 22-02 | 02-08 |\n|---|---:|---:|---:|---:|"
    );
    for it in list {
        let cells = it.sum.by_hours.iter().map(|row| {
            let (all, flagged) = ((row[0], row[1]), (row[2], row[3]));
            format!("{} / {}", percent(share(all)), percent(share(flagged)))
        });
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(out, "| {} | {} |", it.name, cells.join(" | "));
    }
    out.push('\n');
}

/// Settings under which more seats are tried.
fn trials() -> [(&'static str, Setting); 5] {
    let shipped = Setting::of(Way::Pooled);
    let at_once = Setting {
        holds: Duration::ZERO,
        ..shipped
    };
    let sooner = Setting {
        waits: 0.0,
        ..at_once
    };
    let shorter = Setting {
        ring: Some(Duration::from_secs(8)),
        ..sooner
    };
    let taken_up = Setting {
        ring_out: Some(0.002),
        ..shorter
    };
    [
        ("as shipped", shipped),
        ("1: a skill that is liked never makes anybody wait", at_once),
        (
            "2: 1, and city, province, pairs and nation ring at once",
            sooner,
        ),
        (
            "3: 2, and a telephone rings 8 s before the next one does",
            shorter,
        ),
        (
            "4: 3, and 0.2% of the offers are missed instead of 2%",
            taken_up,
        ),
    ]
}

fn search(nation: &Nation, out: &mut String, days: u32) -> Result<(), String> {
    let _ = writeln!(out, "## What would reach 95% and 99.9%\n");
    let _ = writeln!(
        out,
        "Pooled, {CALLS_PER_DAY:.0} calls a day. Callers answered in 15 s of those who stayed, \
         all / flagged as at risk, with so many times the seats and lines:\n"
    );
    let head = TIMES.map(|it| format!("×{it}: {:.0}", nation.seats() as f64 * it));
    let _ = writeln!(
        out,
        "| | {} |\n|---{}|",
        head.join(" | "),
        "|---:".repeat(TIMES.len())
    );
    let mut said = String::new();
    for (name, setting) in trials() {
        let mut cells = Vec::new();
        let mut reached = None;
        for seats in TIMES {
            let it = Played::new(nation, name, &Setting { seats, ..setting }, days)?;
            let shares = (share(it.sum.stayed()), share(it.sum.stayed_flagged()));
            cells.push(format!("{} / {}", percent(shares.0), percent(shares.1)));
            // More seats must reach it as well, or it was chance.
            reached = it.reaches().then(|| reached.unwrap_or(it.seats));
        }
        let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        let _ = match reached {
            Some(times) => writeln!(
                said,
                "- {name}: reached from {:.0} seats (×{times}) on.",
                nation.seats() as f64 * times
            ),
            None => writeln!(
                said,
                "- {name}: not reached by any number of seats that was tried."
            ),
        };
    }
    let _ = writeln!(out, "\n{said}");
    Ok(())
}

/// The whole document, each run so many counted days.
///
/// # Errors
/// See [`play`].
pub fn document(nation: &Nation, days: u32) -> Result<String, String> {
    let mut out = HEAD
        .replace("{days}", &days.to_string())
        .replace("{seeds}", &SEEDS.len().to_string())
        .replace("{seats}", &nation.seats().to_string())
        .replace("{table}", nation.table())
        .replace("{holds}", &HOLDS_AT_RISK.as_secs().to_string());
    ways(nation, &mut out, days)?;
    search(nation, &mut out, days)?;
    let _ = write!(out, "{}", FOOT.replace("{block}", &block(nation)?));
    Ok(out)
}

//! Runs fresh seeds of the shipped scenarios for some minutes on every core.
//!
//! `soak --minutes M [--threads N] [--seed S] [--scenario NAME] [--faults LEVEL] [--days D]`; ends with 1 if a promise was broken. This is a
//! driver: the clock and the threads that the simulator itself must not have are here.

use meishier_sim::dice::Dice;
use meishier_sim::media_scenario::{self, MediaFaults};
use meishier_sim::scenario::NAMES;
use meishier_sim::{FaultLevel, QueueKind, RunOptions, RunReport, Scenario, run};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Scenarios that a soak does not play: they are for tests that do something else with them.
const NOT_PLAYED: &[&str] = &["tiny"];

/// One run in so many has one of the media scenario beside it.
const MEDIA_EVERY: u64 = 4;
/// How long one of these lasts, seconds.
const MEDIA_SECONDS: u64 = 30;

struct Wanted {
    minutes: f64,
    threads: usize,
    seed: u64,
    /// One scenario alone.
    only: Option<String>,
    faults: Option<FaultLevel>,
    days: Option<u32>,
}

fn wanted() -> Result<Wanted, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut wanted = Wanted {
        minutes: 1.0,
        threads: std::thread::available_parallelism().map_or(2, usize::from),
        seed: now.map_or(1, |since| since.as_micros() as u64),
        only: None,
        faults: None,
        days: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        let bad = || format!("{word}: not a number: {value:?}");
        match word.as_str() {
            "--minutes" => wanted.minutes = value.parse().map_err(|_| bad())?,
            "--threads" => wanted.threads = value.parse().map_err(|_| bad())?,
            "--seed" => wanted.seed = value.parse().map_err(|_| bad())?,
            "--days" => wanted.days = Some(value.parse().map_err(|_| bad())?),
            "--scenario" => wanted.only = Some(value),
            "--faults" => {
                let levels = [FaultLevel::None, FaultLevel::Light, FaultLevel::Swarm];
                let level = levels.into_iter().find(|level| level.as_str() == value);
                wanted.faults = Some(level.ok_or_else(|| format!("{word}: {value:?}"))?);
            }
            _ => return Err(format!("unknown: {word}")),
        }
    }
    Ok(wanted)
}

/// What run number `count` plays: mostly everything at once, now and then a quieter one.
fn options(wanted: &Wanted, count: u64) -> (&'static str, RunOptions) {
    let names: Vec<&'static str> = NAMES
        .iter()
        .copied()
        .filter(|name| match &wanted.only {
            Some(only) => name == only,
            None => !NOT_PLAYED.contains(name),
        })
        .collect();
    let usual = match count % 8 {
        3 => FaultLevel::Light,
        7 => FaultLevel::None,
        _ => FaultLevel::Swarm,
    };
    let options = RunOptions {
        seed: wanted.seed.wrapping_add(count),
        days: wanted.days.unwrap_or(1 + (count % 3) as u32),
        faults: wanted.faults.unwrap_or(usual),
        restore_at: None,
        queue: QueueKind::default(),
    };
    (
        names
            .get(count as usize % names.len().max(1))
            .copied()
            .unwrap_or(""),
        options,
    )
}

#[derive(Default)]
struct Sum {
    runs: u64,
    calls: u64,
    steps: u64,
    years: f64,
    broken: Vec<String>,
}

impl Sum {
    fn add(&mut self, report: &RunReport) {
        self.runs += 1;
        self.calls += report.served.attempts;
        self.steps += report.steps;
        self.years += report.province_years();
        if let Some(failure) = &report.failure {
            println!("{failure}\n{}\n", report.replay());
            self.broken
                .push(format!("{}: {}", report.replay(), failure.violation));
        }
    }
}

/// Single packets through the real hub, with everything that can go wrong with them.
fn play_media(seed: u64, sum: &Mutex<Sum>) {
    let faults = MediaFaults::swarm(&mut Dice::new(seed));
    if let Err(what) = media_scenario::run(seed, MEDIA_SECONDS, faults) {
        let mut sum = sum.lock().unwrap_or_else(|poison| poison.into_inner());
        sum.broken.push(format!(
            "media scenario, seed {seed}, {MEDIA_SECONDS} s: {what}"
        ));
    }
}

fn play(wanted: &Wanted, next: &AtomicU64, until: Instant, sum: &Mutex<Sum>) {
    while Instant::now() < until {
        let count = next.fetch_add(1, Ordering::Relaxed);
        let (name, options) = options(wanted, count);
        let Some(scenario) = Scenario::named(name) else {
            println!("no such scenario: {name:?}");
            return;
        };
        if count % MEDIA_EVERY == MEDIA_EVERY - 1 {
            play_media(options.seed, sum);
        }
        let report = std::panic::catch_unwind(|| run(&scenario, &options, None));
        let mut sum = sum.lock().unwrap_or_else(|poison| poison.into_inner());
        match report {
            Ok(Ok(report)) => sum.add(&report),
            Ok(Err(error)) => sum.broken.push(format!("{name}: {error}")),
            // What it said stands above.
            Err(_) => sum.broken.push(format!(
                "meishier sim --scenario {name} --seed {} --days {} --faults {}: panicked",
                options.seed,
                options.days,
                options.faults.as_str()
            )),
        }
    }
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!(
                "{error}\nsoak --minutes M [--threads N] [--seed S] [--scenario NAME] [--faults LEVEL] [--days D]"
            );
            return ExitCode::from(2);
        }
    };
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(wanted.minutes * 60.0);
    let (sum, next) = (Mutex::new(Sum::default()), AtomicU64::new(0));
    println!("first seed {}", wanted.seed);
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads.max(1) {
            scope.spawn(|| play(&wanted, &next, until, &sum));
        }
    });
    let sum = sum
        .into_inner()
        .unwrap_or_else(|poison| poison.into_inner());
    for broken in &sum.broken {
        println!("broken: {broken}");
    }
    let days = begun.elapsed().as_secs_f64() / 86_400.0;
    println!(
        "{} runs, {} calls, {} steps, {:.2} province-years, {:.0} province-years a day, {} violations",
        sum.runs,
        sum.calls,
        sum.steps,
        sum.years,
        sum.years / days,
        sum.broken.len()
    );
    if sum.broken.is_empty() && sum.runs > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

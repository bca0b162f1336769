//! The four measurements, one after the other, each on an engine started anew where it matters.

use crate::engine::{Engine, Seats};
use crate::figures::{Latency, Random};
use crate::floor::Floor;
use crate::http::Http;
use crate::options::Options;
use crate::process::{self, Cpu};
use crate::stage::{Manners, Stage};
use crate::tally::Tally;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

/// From the seat's 180 to its 200, and from the caller's ACK to its BYE.
const SHORT_CALLS: Manners = Manners {
    ring: Duration::from_millis(1),
    hold: Some(Duration::from_millis(100)),
};
/// Calls that stay.
const LONG_CALLS: Manners = Manners {
    ring: Duration::from_millis(1),
    hold: None,
};
/// Samples of the set-up time, and the mean gap between them.
const SETUPS: usize = 600;
const SETUP_GAP: Duration = Duration::from_millis(20);
/// Seats made ready, one after the other, for each number of waiting callers.
const READY: usize = 400;
const READY_GAP: Duration = Duration::from_millis(15);
/// How many wait while seats are made ready.
const WAITING: [usize; 2] = [1, 1_000];
/// How many wait when memory is looked at.
const HELD: [usize; 2] = [2_000, 5_000];
/// Gap between callers who fill the queue.
const FILL_GAP: Duration = Duration::from_millis(2);
/// How long what was sent last may take to be dealt with.
const LAST: Duration = Duration::from_secs(5);
/// Quiet time before CPU and memory are read: records are written, buffers come to rest.
const SETTLE: Duration = Duration::from_millis(1_500);

/// CPU of a program that was played against.
#[derive(Serialize)]
pub struct Load {
    /// Calls played.
    pub calls: u32,
    /// Calls that did not go as they should.
    pub failed: usize,
    /// CPU seconds for 1,000 calls.
    pub cpu_s_per_1000: f64,
    /// Of these in user mode.
    pub user_s_per_1000: f64,
    /// Of these in the kernel.
    pub system_s_per_1000: f64,
    /// CPU seconds for 1,000 calls of each of its threads, by name.
    pub threads_s_per_1000: BTreeMap<String, f64>,
    /// CPU seconds that the machine's host took away meanwhile; with more than a fraction of a
    /// second the figures say little about the program.
    pub stolen_s: f64,
    /// Datagrams it sent a call.
    pub sent_per_call: f64,
    /// Datagrams it got a call.
    pub received_per_call: f64,
    /// Bytes it sent a call.
    pub bytes_sent_per_call: f64,
    /// Bytes it got a call.
    pub bytes_received_per_call: f64,
    /// From the caller's INVITE to the seat's, at this load.
    pub setup: Option<Latency>,
}

/// From "this seat is ready" to its INVITE.
#[derive(Serialize)]
pub struct Ready {
    /// Callers who wait.
    pub waiting: usize,
    /// Seats for which no INVITE came.
    pub failed: usize,
    /// The times.
    pub latency: Option<Latency>,
}

/// Memory with callers in the queue.
#[derive(Serialize)]
pub struct Memory {
    /// Callers who wait.
    pub waiting: usize,
    /// Proportional set size of the process, KiB.
    pub pss_kib: f64,
    /// Growth since nobody waited, for each who waits, KiB.
    pub kib_per_waiting: f64,
}

/// Everything measured.
pub struct Results {
    /// The engine under load.
    pub engine: Load,
    /// The floor under the same load.
    pub floor: Load,
    /// Set-up on an idle engine.
    pub setup: Option<Latency>,
    /// Of these calls failed.
    pub setup_failed: usize,
    /// For each of the numbers of waiting callers.
    pub ready: Vec<Ready>,
    /// Proportional set size with nobody waiting, KiB.
    pub idle_pss_kib: f64,
    /// For each of the numbers of waiting callers.
    pub memory: Vec<Memory>,
}

impl Results {
    /// Calls that failed, the floor's included: its figure would be worth nothing else.
    pub fn failed(&self) -> usize {
        let ready: usize = self.ready.iter().map(|it| it.failed).sum();
        self.engine.failed + self.floor.failed + self.setup_failed + ready
    }
}

/// Runs all measurements; under three minutes with the usual number of calls.
///
/// # Errors
/// What kept it from measuring.
pub fn all(options: &Options) -> io::Result<Results> {
    let mut stage = Stage::new(SHORT_CALLS)?;
    let engine = Engine::start(&options.program, Seats::Ready, stage.seat_address())?;
    stage.play_against(engine.sip);
    let (setup, setup_failed) = setup(&mut stage)?;
    let (load, seen) = load(&mut stage, engine.pid(), options)?;
    drop(engine);
    let floor = floor(&seen, options)?;
    let mut ready = Vec::new();
    for waiting in WAITING {
        ready.push(ready_to_invite(options, waiting)?);
    }
    let (idle_pss_kib, memory) = memory(options)?;
    Ok(Results {
        engine: load,
        floor,
        setup,
        setup_failed,
        ready,
        idle_pss_kib,
        memory,
    })
}

/// Lets the stage's newest `calls` end, and counts those that did not.
fn finish(stage: &mut Stage, calls: usize, last: Instant) -> io::Result<usize> {
    let first = stage.calls().len() - calls;
    let before = stage.calls()[..first]
        .iter()
        .filter(|call| call.complete())
        .count();
    stage.play(last + LAST, |stage| stage.complete() >= before + calls)?;
    Ok(calls
        - stage.calls()[first..]
            .iter()
            .filter(|call| call.complete())
            .count())
}

fn setup_times(stage: &Stage, calls: usize) -> Option<Latency> {
    let newest = &stage.calls()[stage.calls().len() - calls..];
    let times = newest
        .iter()
        .filter_map(|call| Some(call.offered? - call.called?));
    Latency::of(times.collect())
}

fn setup(stage: &mut Stage) -> io::Result<(Option<Latency>, usize)> {
    let mut random = Random::new();
    let mut at = Instant::now() + SETTLE;
    for _ in 0..SETUPS {
        at += random.around(SETUP_GAP);
        stage.call_at(at);
    }
    let failed = finish(stage, SETUPS, at)?;
    Ok((setup_times(stage, SETUPS), failed))
}

/// Plays the short calls at an even rate against the process `pid`.
fn load(stage: &mut Stage, pid: u32, options: &Options) -> io::Result<(Load, Tally)> {
    let calls = options.calls as usize;
    let gap = Duration::from_secs_f64(1.0 / options.rate);
    stage.tally = Tally::default();
    let (before, threads_before) = (process::cpu(pid)?, process::threads(pid)?);
    let stolen = process::stolen()?;
    let mut at = Instant::now();
    for _ in 0..calls {
        stage.call_at(at);
        at += gap;
    }
    let failed = finish(stage, calls, at)?;
    stage.play(Instant::now() + SETTLE, |_| false)?;
    let used = process::cpu(pid)?.since(before);
    let mut threads = process::threads(pid)?;
    for (name, seconds) in &mut threads {
        *seconds -= threads_before.get(name).copied().unwrap_or(0.0);
        *seconds *= 1000.0 / f64::from(options.calls);
    }
    let seen = std::mem::take(&mut stage.tally);
    let mut load = summary(options.calls, failed, used, &seen);
    load.setup = setup_times(stage, calls);
    load.threads_s_per_1000 = threads;
    load.stolen_s = process::stolen()? - stolen;
    Ok((load, seen))
}

fn summary(calls: u32, failed: usize, used: Cpu, seen: &Tally) -> Load {
    let each = |value: u64| value as f64 / f64::from(calls);
    let thousand = |seconds: f64| seconds * 1000.0 / f64::from(calls);
    Load {
        calls,
        failed,
        cpu_s_per_1000: thousand(used.total()),
        user_s_per_1000: thousand(used.user),
        system_s_per_1000: thousand(used.system),
        sent_per_call: each(seen.got()),
        received_per_call: each(seen.sent),
        bytes_sent_per_call: each(seen.got_bytes()),
        bytes_received_per_call: each(seen.sent_bytes),
        setup: None,
        threads_s_per_1000: BTreeMap::new(),
        stolen_s: 0.0,
    }
}

fn floor(like: &Tally, options: &Options) -> io::Result<Load> {
    let mut stage = Stage::new(SHORT_CALLS)?;
    let (callers, seats) = (stage.caller_address(), stage.seat_address());
    let mut floor = Floor::start(callers, seats, like, u64::from(options.calls))?;
    let end = Instant::now() + LAST;
    while !floor.is_up()? {
        if Instant::now() > end {
            return Err(io::Error::other("the floor did not start"));
        }
        std::thread::yield_now();
    }
    stage.play_against(floor.address());
    Ok(load(&mut stage, floor.pid(), options)?.0)
}

/// Callers who wait: calls `more` of them and sees that each got a provisional response.
fn fill(stage: &mut Stage, more: usize) -> io::Result<()> {
    let mut at = Instant::now();
    for _ in 0..more {
        stage.call_at(at);
        at += FILL_GAP;
    }
    let first = stage.calls().len() - more;
    let all = stage.play(at + LAST, |stage| {
        stage.calls().last().is_none_or(|call| call.heard)
            && stage.calls()[first..].iter().all(|call| call.heard)
    })?;
    if all {
        Ok(())
    } else {
        Err(io::Error::other("callers did not come into the queue"))
    }
}

fn ready_to_invite(options: &Options, waiting: usize) -> io::Result<Ready> {
    let mut stage = Stage::new(LONG_CALLS)?;
    let engine = Engine::start(&options.program, Seats::Paused, stage.seat_address())?;
    stage.play_against(engine.sip);
    fill(&mut stage, waiting)?;
    let mut http = Http::connect(engine.http)?;
    let mut random = Random::new();
    let mut times = Vec::with_capacity(READY);
    stage.play(Instant::now() + SETTLE, |_| false)?;
    for number in 1..=READY {
        stage.play(Instant::now() + random.around(READY_GAP), |_| false)?;
        let seat = format!("a{number:04}");
        let request = http.post(
            &format!("/api/v1/seats/{seat}/state"),
            "{\"state\":\"ready\"}",
        );
        stage.last_offer = None;
        let said = Instant::now();
        http.send(&request)?;
        stage.play(said + LAST, |stage| stage.last_offer.is_some())?;
        if let Some((_, at)) = stage.last_offer.take_if(|(offered, _)| *offered == seat) {
            times.push(at - said);
        }
        let status = http.answer()?;
        if status != 200 {
            return Err(io::Error::other(format!(
                "HTTP {status} to `{seat} is ready`"
            )));
        }
        // One left the queue, one comes: the number of those who wait stays as it is.
        fill(&mut stage, 1)?;
    }
    Ok(Ready {
        waiting,
        failed: READY - times.len(),
        latency: Latency::of(times),
    })
}

fn memory(options: &Options) -> io::Result<(f64, Vec<Memory>)> {
    let mut stage = Stage::new(LONG_CALLS)?;
    let engine = Engine::start(&options.program, Seats::Paused, stage.seat_address())?;
    stage.play_against(engine.sip);
    stage.play(Instant::now() + SETTLE, |_| false)?;
    let idle = process::pss_kib(engine.pid())?;
    let mut found = Vec::new();
    for waiting in HELD {
        let more = waiting - stage.calls().len();
        fill(&mut stage, more)?;
        stage.play(Instant::now() + SETTLE, |_| false)?;
        let pss_kib = process::pss_kib(engine.pid())?;
        let kib_per_waiting = (pss_kib - idle) / waiting as f64;
        found.push(Memory {
            waiting,
            pss_kib,
            kib_per_waiting,
        });
    }
    Ok((idle, found))
}

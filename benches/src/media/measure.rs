//! The windows: program, rtpengine and floor by turns with the same streams, then the program with
//! more and more calls, then with callers who wait.
//!
//! ```text
//!   processor 0: this process (far ends)          last processor: whoever is measured, by turns
//! ```

use super::floor::Floor;
use super::generator::{Generator, Played, Stream};
use super::options::Options;
use super::rtpengine::Rtpengine;
use crate::engine::{Engine, Seats};
use crate::process;
use crate::stage::{Manners, Stage};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Calls that stay.
pub const LONG_CALLS: Manners = Manners {
    ring: Duration::from_millis(1),
    hold: None,
};
/// Gap between two calls that begin.
const GAP: Duration = Duration::from_millis(3);
/// How long the last of them may take.
const LAST: Duration = Duration::from_secs(10);
/// Speech before the first window: everybody learns where the others are; rtpengine takes 3 s.
const WARM: Duration = Duration::from_millis(3_500);
/// The same before a window, so that no cache is still another's.
const SETTLE: Duration = Duration::from_millis(300);
/// More loss than this ends the steps.
const MOST_LOSS: f64 = 0.001;
/// A round with more loss than this does not count.
const VOID_LOSS: f64 = 0.01;
/// Music that may be missing in a window, or come of the one before.
const MOST_MISSING: f64 = 0.03;
/// Most calls of the steps: the far ends have one processor.
const MOST_CALLS: usize = 3_000;
/// Tries of one step: a machine that stood still is no loss of the program's.
const TRIES: usize = 3;
/// Room for calls: more seats than deploy/bench.toml has, and ports that rtpengine leaves alone.
pub const ROOM: [(&str, &str); 5] = [
    ("last_port = 59999", "last_port = 49999"),
    ("lines = 1000", "lines = 3000"),
    ("name = \"a{0000..0999}\"", "name = \"a{0000..2999}\""),
    ("account = \"c{0000..0999}\"", "account = \"c{0000..2999}\""),
    ("max_calls = 15000", "max_calls = 7000"),
];
/// As in a hotline: the call is answered and the caller hears music.
const MUSIC: [(&str, &str); 4] = [
    ("answer = \"on_seat\"", "answer = \"at_once\""),
    ("music = false", "music = true"),
    ("last_port = 59999", "last_port = 49999"),
    ("max_calls = 15000", "max_calls = 7000"),
];

/// One side while calls are relayed.
#[derive(Clone, Debug, Serialize)]
pub struct Relay {
    /// CPU for one packet in and out, µs: the middle of the rounds that count; without one no number.
    pub us_per_packet: f64,
    /// Each round that counts.
    pub rounds_us: Vec<f64>,
    /// Rounds that do not: packets were lost or not sent in time, so the CPU is not that of the work.
    pub void: usize,
    /// The greatest share of packets that did not come through in a round.
    pub loss: f64,
}

/// One number of calls at which it was looked for loss.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Calls.
    pub calls: usize,
    /// Share of packets that did not come through.
    pub loss: f64,
    /// CPU for one packet sent, µs; with loss it says little.
    pub us_per_packet: f64,
    /// Share of one processor that was used.
    pub busy: f64,
    /// False if the far ends could not keep pace: the step says nothing.
    pub valid: bool,
}

/// Callers who wait.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// How many.
    pub callers: usize,
    /// Share of one processor that was used.
    pub busy: f64,
    /// Music that came, of what should have.
    pub heard: f64,
}

impl Waiting {
    /// Callers that one processor serves; no number if music was missing or came late.
    pub fn per_core(&self) -> f64 {
        if (self.heard - 1.0).abs() > MOST_MISSING {
            return f64::NAN;
        }
        self.callers as f64 / self.busy.max(1e-9)
    }
}

/// Everything measured.
pub struct Results {
    /// The program.
    pub program: Relay,
    /// rtpengine, if it is installed.
    pub rtpengine: Option<Relay>,
    /// The floor.
    pub floor: Relay,
    /// Calls during these.
    pub calls: usize,
    /// The program with more and more calls.
    pub steps: Vec<Step>,
    /// Callers who hear music and whose telephones send as well.
    pub waiting: Waiting,
    /// The same with telephones that send nothing.
    pub waiting_silent: Waiting,
    /// CPU seconds that the machine's host gave to others meanwhile.
    pub stolen_s: f64,
}

/// Runs all measurements.
///
/// # Errors
/// What kept it from measuring.
pub fn all(options: &Options) -> io::Result<Results> {
    let stolen = process::stolen()?;
    pin(false)?;
    let mut generator = Generator::new()?;
    let mut stage = Stage::new(LONG_CALLS)?;
    stage.speak_at(&generator.callers, &generator.seats);
    let seats_at = stage.seat_address();
    let engine = pinned(|| Engine::start_with(&options.program, Seats::Ready, seats_at, &ROOM))?;
    stage.play_against(engine.sip);
    connect(&mut stage, options.calls)?;
    let (program, rtpengine, floor) = compare(options, &mut generator, &mut stage, &engine)?;
    let steps = steps(options, &mut generator, &mut stage, &engine)?;
    drop((stage, engine));
    let (waiting, waiting_silent) = waiting(options, &mut generator)?;
    Ok(Results {
        program,
        rtpengine,
        floor,
        calls: options.calls,
        steps,
        waiting,
        waiting_silent,
        stolen_s: process::stolen()? - stolen,
    })
}

/// Puts this thread, and what it starts, on the processor of the far ends or on the one of the
/// programs under test.
pub fn pin(tested: bool) -> io::Result<()> {
    let last = std::thread::available_parallelism()?.get().max(2) - 1;
    let mut set = CpuSet::new();
    set.set(if tested { last } else { 0 });
    Ok(sched_setaffinity(None, &set)?)
}

/// Starts something on the other processor.
pub fn pinned<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    pin(true)?;
    let started = start();
    pin(false)?;
    started
}

/// Lets so many more callers call and be answered.
pub fn connect(stage: &mut Stage, more: usize) -> io::Result<()> {
    let first = stage.calls().len();
    let mut at = Instant::now();
    for _ in 0..more {
        stage.call_at(at);
        at += GAP;
    }
    let all = stage.play(at + LAST, |stage| {
        let new = &stage.calls()[first..];
        new.last().is_none_or(|call| call.answered) && new.iter().all(|call| call.answered)
    })?;
    if all {
        Ok(())
    } else {
        Err(io::Error::other("calls were not answered"))
    }
}

pub fn places(stage: &Stage) -> Vec<[Option<SocketAddr>; 2]> {
    let calls = stage.calls().iter();
    calls
        .map(|call| [call.caller_speech, call.seat_speech])
        .collect()
}

/// One window: what was played, and the CPU seconds of the process.
pub fn window(
    generator: &mut Generator,
    streams: &mut [Stream],
    pid: u32,
    length: Duration,
    meanwhile: &mut dyn FnMut() -> io::Result<()>,
) -> io::Result<(Played, f64)> {
    generator.play(streams, SETTLE, meanwhile, &mut || Ok(()))?;
    let used = || -> io::Result<f64> { Ok(process::threads(pid)?.values().sum()) };
    let before = used()?;
    let mut after = before;
    let played = generator.play(streams, length, meanwhile, &mut || {
        after = used()?;
        Ok(())
    })?;
    Ok((played, after - before))
}

type Compared = (Relay, Option<Relay>, Relay);

fn compare(
    options: &Options,
    generator: &mut Generator,
    stage: &mut Stage,
    engine: &Engine,
) -> io::Result<Compared> {
    let calls = options.calls;
    let floor = pinned(|| Floor::start(calls, &generator.callers, &generator.seats))?;
    let mut peer = pinned(Rtpengine::start)?;
    if let Some(peer) = &mut peer {
        for call in 0..calls {
            let callers = &generator.callers;
            let seats = &generator.seats;
            peer.call(callers[call % callers.len()], seats[call % seats.len()])?;
        }
    }
    let mut sides = vec![
        (engine.pid(), Generator::streams(&places(stage))),
        (floor.pid(), Generator::streams(&floor.calls)),
    ];
    if let Some(peer) = &peer {
        sides.push((peer.pid(), Generator::streams(&peer.calls)));
    }
    let mut attend = || stage.attend();
    for (_, streams) in &mut sides {
        generator.play(streams, WARM, &mut attend, &mut || Ok(()))?;
    }
    let mut rounds = vec![Vec::new(); sides.len()];
    let mut loss = vec![0.0_f64; sides.len()];
    let mut void = vec![0; sides.len()];
    for _ in 0..options.rounds {
        for (side, (pid, streams)) in sides.iter_mut().enumerate() {
            let length = options.window;
            let (played, used) = window(generator, streams, *pid, length, &mut attend)?;
            loss[side] = loss[side].max(played.loss());
            if played.loss() <= VOID_LOSS && played.kept_pace() {
                rounds[side].push(used * 1e6 / played.sent.max(1) as f64);
            } else {
                void[side] += 1;
            }
        }
    }
    let counts = rounds.into_iter().zip(void).zip(loss);
    let mut relays = counts.map(|((rounds_us, void), loss)| Relay {
        us_per_packet: median(&rounds_us),
        rounds_us,
        void,
        loss,
    });
    let lacking = || io::Error::other("nothing was measured");
    let program = relays.next().ok_or_else(lacking)?;
    let floor = relays.next().ok_or_else(lacking)?;
    Ok((program, relays.next(), floor))
}

/// More calls step by step until packets get lost or the far ends have no time left.
fn steps(
    options: &Options,
    generator: &mut Generator,
    stage: &mut Stage,
    engine: &Engine,
) -> io::Result<Vec<Step>> {
    let mut found = Vec::new();
    let (mut calls, more) = options.steps;
    while calls <= MOST_CALLS {
        connect(stage, calls - stage.calls().len())?;
        let mut streams = Generator::streams(&places(stage));
        let mut best: Option<Step> = None;
        for _ in 0..TRIES {
            let mut attend = || stage.attend();
            let length = options.window;
            let (played, used) =
                window(generator, &mut streams, engine.pid(), length, &mut attend)?;
            let step = Step {
                calls,
                loss: played.loss(),
                us_per_packet: used * 1e6 / played.sent.max(1) as f64,
                busy: used / played.length.as_secs_f64(),
                valid: played.kept_pace(),
            };
            if best.as_ref().is_none_or(|best| step.loss < best.loss) {
                best = Some(step);
            }
            if best.as_ref().is_some_and(|best| best.loss <= MOST_LOSS) {
                break;
            }
        }
        let failed = best
            .as_ref()
            .is_none_or(|step| step.loss > MOST_LOSS || !step.valid);
        found.extend(best);
        if failed {
            break;
        }
        calls += more;
    }
    Ok(found)
}

/// The greatest number of calls of which no packet was lost; `None` if no step says anything.
pub fn without_loss(steps: &[Step]) -> Option<usize> {
    let mut said = steps.iter().filter(|it| it.valid).peekable();
    said.peek()?;
    let held = said.filter(|it| it.loss <= MOST_LOSS);
    Some(held.map(|it| it.calls).max().unwrap_or(0))
}

fn waiting(options: &Options, generator: &mut Generator) -> io::Result<(Waiting, Waiting)> {
    let mut stage = Stage::new(LONG_CALLS)?;
    stage.speak_at(&generator.callers, &generator.seats);
    let seats_at = stage.seat_address();
    let engine = pinned(|| Engine::start_with(&options.program, Seats::Paused, seats_at, &MUSIC))?;
    stage.play_against(engine.sip);
    connect(&mut stage, options.waiting)?;
    let mut streams = Generator::streams(&places(&stage));
    let mut one = |streams: &mut [Stream]| -> io::Result<Waiting> {
        let length = options.window * 2;
        let mut attend = || stage.attend();
        let (played, used) = window(generator, streams, engine.pid(), length, &mut attend)?;
        let due = options.waiting as f64 * played.length.as_secs_f64() * 50.0;
        Ok(Waiting {
            callers: options.waiting,
            busy: used / played.length.as_secs_f64(),
            heard: played.heard as f64 / due,
        })
    };
    let speaking = one(&mut streams)?;
    let silent = one(&mut [])?;
    Ok((speaking, silent))
}

/// The middle one; of none, nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

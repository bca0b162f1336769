//! The figures of one run.

use meishier_routing::{Atlas, Segments, Table};
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};
use std::hint::black_box;
use std::time::Duration;

use crate::calls::{Call, Kind, Standing, calls};
use crate::clock::{median, timed};
use crate::dice::Dice;
use crate::files;
use crate::nation::Nation;
use crate::options::Options;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// What the table is made of.
    pub sizes: Sizes,
    /// ns for one decision by the compiled table, the mix of all calls.
    pub decision_ns: f64,
    /// The same in the fastest round, the one that other programs disturbed least.
    pub fastest_decision_ns: f64,
    /// ns for one decision that looks at every route in turn, in the same run.
    pub linear_ns: f64,
    /// The second over the first.
    pub linear_over_compiled: f64,
    /// Allocations in all compiled decisions of one round; `None` unless the program counts them.
    pub allocations: Option<u64>,
    /// ms from the shipped files of the nation on the disk to a configuration in force: text, checks
    /// and table, with the segments.
    pub load_ms: f64,
    /// ms to compile gazetteer and table from sources in memory.
    pub compile_ms: f64,
    /// ns to find the city of a mobile number.
    pub segment_ns: f64,
    /// ms to make the atlas and the table of segments from what is compiled in.
    pub segments_load_ms: f64,
    /// ns for one decision by the compiled table, calls of one kind alone.
    pub kinds: Vec<(Kind, f64)>,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sizes {
    /// Provinces of the atlas.
    pub provinces: usize,
    /// Cities of the atlas.
    pub cities: usize,
    /// Pools.
    pub pools: usize,
    /// Lines of all pools together at their fullest.
    pub lines: u32,
    /// Routes.
    pub routes: usize,
    /// Areas.
    pub areas: usize,
    /// Old numbers.
    pub aliases: usize,
    /// Listed numbers.
    pub listed: usize,
    /// Ranges of mobile segments.
    pub segment_ranges: u32,
}

impl Sizes {
    /// Of a nation.
    #[must_use]
    pub fn of(nation: &Nation) -> Self {
        let source = &nation.source;
        let most = source.pools.iter().map(|pool| {
            let lines = pool.schedule.shifts.iter().map(|shift| shift.lines);
            u32::from(lines.max().unwrap_or(0))
        });
        Self {
            provinces: nation.atlas.provinces().len(),
            cities: nation.atlas.cities().len(),
            pools: source.pools.len(),
            lines: most.sum(),
            routes: source.routes.len(),
            areas: source.areas.len(),
            aliases: source.aliases.len(),
            listed: source.policies.listed.len(),
            segment_ranges: nation.segments.ranges(),
        }
    }
}

impl Results {
    /// Measures everything. `counts`: this program's allocator is the one that counts.
    ///
    /// # Errors
    /// If the nation does not compile, or the two ways to a decision differ.
    pub fn measure(options: &Options, counts: bool) -> Result<Self, String> {
        let nation = Nation::new();
        let (compile_ms, table) = load(&nation, options.rounds)?;
        let segments_load_ms = load_segments(options.rounds);
        let calls = calls(&nation, options.calls);
        let pools = Standing::new(nation.source.pools.len());
        agree(&table, &calls, &pools)?;
        let allocations = counts.then(|| {
            let region = Region::new(&INSTRUMENTED_SYSTEM);
            compiled(&table, &calls, &pools);
            let change = region.change();
            (change.allocations + change.reallocations) as u64
        });
        let (decision_ns, fastest_decision_ns, linear_ns) =
            decisions(&table, &calls, &pools, options.rounds);
        let of_kind = |(kind, _)| {
            let of: Vec<Call> = calls.iter().filter(|it| it.kind == kind).cloned().collect();
            (
                kind,
                rounds(options.rounds, of.len(), || compiled(&table, &of, &pools)),
            )
        };
        Ok(Self {
            sizes: Sizes::of(&nation),
            decision_ns,
            fastest_decision_ns,
            linear_ns,
            linear_over_compiled: linear_ns / decision_ns,
            allocations,
            load_ms: files::load(options.rounds)? + segments_load_ms,
            compile_ms,
            segment_ns: segments(&nation, options),
            segments_load_ms,
            kinds: Kind::SHARES.map(of_kind).to_vec(),
        })
    }
}

/// Compiles the nation again and again.
fn load(nation: &Nation, rounds: usize) -> Result<(f64, Table), String> {
    let mut all = Vec::new();
    let mut last = None;
    for _ in 0..rounds.max(1) {
        let (took, gazetteer) = timed(|| nation.gazetteer());
        let source = nation.with(gazetteer.map_err(|error| format!("{error:?}"))?);
        let (then, table) = timed(|| Table::compile(source));
        last = Some(table.map_err(|error| error.to_string())?);
        all.push(ms(took + then));
    }
    let table = last.ok_or("no table")?;
    Ok((median(all), table))
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// A figure of two ways that differ would mean nothing.
fn agree(table: &Table, calls: &[Call], pools: &Standing) -> Result<(), String> {
    let differ = calls.iter().filter(|call| {
        let query = call.query();
        let decision = table.decide_among(&query, pools);
        decision != table.decide_linearly(&query, pools) || decision.rings.is_empty()
    });
    match differ.count() {
        0 => Ok(()),
        count => Err(format!("{count} decisions differ or lead nowhere")),
    }
}

fn compiled(table: &Table, calls: &[Call], pools: &Standing) {
    for call in calls {
        black_box(table.decide_among(&call.query(), pools));
    }
}

fn linear(table: &Table, calls: &[Call], pools: &Standing) {
    for call in calls {
        black_box(table.decide_linearly(&call.query(), pools));
    }
}

/// ns of each of `count` operations in a round of `work`.
fn per_operation(count: usize, work: impl FnOnce()) -> f64 {
    let (took, ()) = timed(work);
    took.as_secs_f64() * 1e9 / count.max(1) as f64
}

fn rounds(rounds: usize, count: usize, work: impl Fn()) -> f64 {
    median((0..rounds).map(|_| per_operation(count, &work)).collect())
}

/// Both ways by turns, so that a change of the machine's mood meets both.
/// Median and fastest of the compiled way, median of the other.
fn decisions(table: &Table, calls: &[Call], pools: &Standing, rounds: usize) -> (f64, f64, f64) {
    // The linear way takes many times as long; a part of the calls says as much.
    let part = &calls[..calls.len() / 10];
    let mut all = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        all.0
            .push(per_operation(calls.len(), || compiled(table, calls, pools)));
        all.1
            .push(per_operation(part.len(), || linear(table, part, pools)));
    }
    let fastest = all.0.iter().copied().fold(f64::INFINITY, f64::min);
    (median(all.0), fastest, median(all.1))
}

fn segments(nation: &Nation, options: &Options) -> f64 {
    let mut dice = Dice(3);
    let number = |_| format!("1{}", 3_000_000_000 + dice.below(7_000_000_000) as u64);
    let numbers: Vec<String> = (0..options.calls).map(number).collect();
    rounds(options.rounds, numbers.len(), || {
        for number in &numbers {
            black_box(nation.segments.find(number.as_bytes()));
        }
    })
}

fn load_segments(rounds: usize) -> f64 {
    let one = |_| {
        let (took, loaded) = timed(|| {
            let atlas = Atlas::builtin();
            Segments::builtin(&atlas)
        });
        black_box(loaded);
        ms(took)
    };
    median((0..rounds).map(one).collect())
}

//! The results for people and for programs.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::contender::Kind;
use crate::cycles::Row;
use crate::latency::Latency;
use crate::results::Results;
use crate::sizes::{Size, Stand};

/// The goals first, then what explains them.
#[must_use]
pub fn json(results: &Results) -> Value {
    let mut out = json!({
        "goals": results.goals(),
        "cores": results.cores,
        "cycles": results.cycles,
        "put_backs": results.put_backs,
        "threads": results.crowds,
        "stalled": results.stops.stalled,
        "allocations": results.stops.allocations,
    });
    for goal in results.goals() {
        out[goal.name] = goal.value.map(rounded).into();
    }
    out
}

/// Tables for people.
#[must_use]
pub fn table(results: &Results) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    goals(&mut out, results);
    cycles(&mut out, results);
    put_backs(&mut out, results);
    crowds(&mut out, results);
    stalled(&mut out, results);
    out
}

fn goals(out: &mut String, results: &Results) {
    for goal in results.goals() {
        let value = goal.value.map_or("-".to_owned(), |it| format!("{it:.2}"));
        let verdict = match (goal.value, goal.is_held()) {
            (None, _) => "NOT MEASURED: this build cannot stop the queue inside an operation",
            (_, true) => "held",
            (_, false) => "MISSED",
        };
        let bound = format!("{} {}", if goal.at_least { ">=" } else { "<=" }, goal.bound);
        let _ = writeln!(
            out,
            "{:<33}{value:>9}{bound:>8}  {verdict}\n    {}",
            goal.name, goal.what
        );
    }
    let all = results.cycles.iter();
    let all = all.filter(|row| row.contender == Kind::Queue);
    let ratio = |row: &&Row, other: &&Row| row.over_floor.total_cmp(&other.over_floor);
    if let (Some(least), Some(most)) = (all.clone().min_by(ratio), all.max_by(ratio)) {
        let _ = writeln!(
            out,
            "over all sizes a match takes {:.1} times the floor ({}) to {:.1} times ({})",
            least.over_floor,
            named(least.size),
            most.over_floor,
            named(most.size)
        );
    }
}

fn named(size: Size) -> String {
    let Size {
        stand,
        waiting,
        seats,
        lanes,
    } = size;
    match stand {
        Stand::Callers => format!("{waiting} waiting, {seats} seats, {lanes} lanes"),
        Stand::Seats => format!("nobody waiting, {seats} fitting seats, {lanes} lanes"),
    }
}

fn cycles(out: &mut String, results: &Results) {
    let _ = writeln!(
        out,
        "\none thread, ns: cycle (enqueue + ready + match), delivery (two takes + release), cycle over the floor"
    );
    for row in &results.cycles {
        if row.contender == Kind::Queue {
            let _ = writeln!(out, "  {}; floor {:.1}", named(row.size), row.floor_ns);
        }
        let _ = writeln!(
            out,
            "    {:<22}{:>9.0}{:>9.0}{:>9.1}",
            row.contender.name(),
            row.cycle_ns,
            row.delivery_ns,
            row.over_floor
        );
    }
}

fn put_backs(out: &mut String, results: &Results) {
    for it in &results.put_backs {
        if it.contender == Kind::Queue {
            let _ = writeln!(
                out,
                "  put back into the middle of {} in {} lanes: abandon + put back",
                it.waiting, it.lanes
            );
        }
        let _ = writeln!(
            out,
            "    {:<22}{:>9.0}",
            it.contender.name(),
            it.leave_and_return_ns
        );
    }
}

fn crowds(out: &mut String, results: &Results) {
    let _ = writeln!(
        out,
        "\nseveral threads on {} cores: cycles a second; p50 / p99 / p99.9 / max in us of enqueue, ready, all operations",
        results.cores
    );
    for it in &results.crowds {
        if it.contender == Kind::Floor {
            let _ = writeln!(out, "  {} threads; {}", it.threads, named(it.size));
        }
        let _ = write!(
            out,
            "    {:<22}{:>11.0}",
            it.contender.name(),
            it.cycles_per_s
        );
        for op in ["enqueue", "ready", "all"] {
            let _ = write!(out, "  {}", quantiles(&it.latency, op));
        }
        if it.refused > 0 {
            let _ = write!(out, "  (no room {} times)", it.refused);
        }
        let _ = writeln!(out);
    }
}

fn stalled(out: &mut String, results: &Results) {
    let _ = writeln!(
        out,
        "\none of 8 threads stopped inside an operation, the others' operations, us: p50 / p99 / p99.9 / max"
    );
    for it in &results.stops.stalled {
        let _ = writeln!(
            out,
            "    {:<22}{}  ({} stops)",
            it.contender.name(),
            quantiles(&it.latency, "all"),
            it.stops
        );
    }
    for it in &results.stops.allocations {
        let _ = writeln!(
            out,
            "allocations in {} measured cycles, {}: {}",
            it.cycles,
            it.contender.name(),
            it.allocations
        );
    }
}

fn quantiles(latency: &BTreeMap<String, Latency>, op: &str) -> String {
    let it = latency.get(op).copied().unwrap_or_default();
    let all = [it.p50_ns, it.p99_ns, it.p999_ns, it.max_ns];
    let all = all.map(|ns| format!("{:.1}", ns as f64 / 1_000.0));
    format!("{:>36}", all.join(" / "))
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

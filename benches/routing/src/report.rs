//! The results for people and for programs.

use serde_json::{Value, json};
use std::fmt::Write;

use crate::goals::goals;
use crate::measure::Results;

/// Every figure, and the goals.
#[must_use]
pub fn json(results: &Results) -> Value {
    let kinds = results.kinds.iter();
    let kinds = kinds.map(|(kind, ns)| json!({ "kind": kind, "decision_ns": rounded(*ns) }));
    json!({
        "decision_ns": rounded(results.decision_ns),
        "fastest_decision_ns": rounded(results.fastest_decision_ns),
        "linear_ns": rounded(results.linear_ns),
        "linear_over_compiled": rounded(results.linear_over_compiled),
        "allocations": results.allocations,
        "load_ms": rounded(results.load_ms),
        "compile_ms": rounded(results.compile_ms),
        "segment_ns": rounded(results.segment_ns),
        "segments_load_ms": rounded(results.segments_load_ms),
        "kinds": kinds.collect::<Vec<_>>(),
        "sizes": results.sizes,
        "goals": goals(results),
    })
}

/// Tables for people.
#[must_use]
pub fn table(results: &Results) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    for goal in goals(results) {
        let value = goal.value.map_or("-".to_owned(), |it| format!("{it:.1}"));
        let verdict = if goal.is_held() { "held" } else { "MISSED" };
        let (name, bound, what) = (goal.name, goal.bound, goal.what);
        let _ = writeln!(
            out,
            "{name:<22}{value:>10}  <= {bound:<7}{verdict:<8}{what}"
        );
    }
    let figures = [
        (
            "fastest_decision_ns",
            results.fastest_decision_ns,
            "a decision in the fastest round",
        ),
        (
            "linear_ns",
            results.linear_ns,
            "a decision that looks at every route",
        ),
        (
            "linear_over_compiled",
            results.linear_over_compiled,
            "over the compiled one",
        ),
        (
            "segment_ns",
            results.segment_ns,
            "the city of a mobile number",
        ),
        (
            "compile_ms",
            results.compile_ms,
            "a table as large, from memory",
        ),
        (
            "segments_load_ms",
            results.segments_load_ms,
            "atlas and segments",
        ),
    ];
    for (name, value, what) in figures {
        let _ = writeln!(out, "{name:<22}{value:>10.1}  {what}");
    }
    let _ = writeln!(out, "\na decision by kind of call, ns");
    for (kind, ns) in &results.kinds {
        let _ = writeln!(out, "  {:<12}{ns:>8.0}", format!("{kind:?}"));
    }
    let _ = writeln!(out, "\n{:?}", results.sizes);
    out
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

//! The results for people and for programs, beside the bars and the peers' figures.

use crate::figures::Latency;
use crate::measure::{Load, Results};
use serde_json::{Value, json};
use std::fmt::Write;

/// A figure, its bar and what the peers need, measured on two cores with the same call flow.
struct Line {
    what: &'static str,
    unit: &'static str,
    value: f64,
    bar: f64,
    peers: &'static str,
}

/// The fields that are promised first, then what explains them.
pub fn json(results: &Results) -> Value {
    let (p50, p99) = ready(results);
    json!({
        "cpu_s_per_1000": rounded(results.engine.cpu_s_per_1000),
        "floor_cpu_s_per_1000": rounded(results.floor.cpu_s_per_1000),
        "ready_to_invite_p50_ms": rounded(p50),
        "ready_to_invite_p99_ms": rounded(p99),
        "setup_p50_ms": rounded(setup(results, |it| it.p50_ms)),
        "kib_per_waiting": rounded(kib(results)),
        "failed": results.failed(),
        "setup_p99_ms": rounded(setup(results, |it| it.p99_ms)),
        "cpu_to_floor": rounded(ratio(results)),
        "ready_to_invite": results.ready,
        "setup": results.setup,
        "load": results.engine,
        "floor": results.floor,
        "idle_pss_kib": results.idle_pss_kib,
        "memory": results.memory,
    })
}

/// A table for people.
pub fn table(results: &Results) -> String {
    let (p50, p99) = ready(results);
    let lines = [
        Line {
            what: "CPU for 1,000 calls",
            unit: "s",
            value: results.engine.cpu_s_per_1000,
            bar: 0.4,
            peers: "OpenSIPS 0.43-0.48 (no media), Asterisk 4.0, FreeSWITCH 13.5",
        },
        Line {
            what: "ready -> INVITE, p50",
            unit: "ms",
            value: p50,
            bar: 1.0,
            peers: "FreeSWITCH 67-736, Asterisk 478-550, OpenSIPS 463-508",
        },
        Line {
            what: "ready -> INVITE, p99",
            unit: "ms",
            value: p99,
            bar: 1.0,
            peers: "FreeSWITCH 125-1,319, Asterisk 983-1,027, OpenSIPS 992-1,943",
        },
        Line {
            what: "caller's INVITE -> seat's, p50",
            unit: "ms",
            value: setup(results, |it| it.p50_ms),
            bar: 0.2,
            peers: "OpenSIPS 0.17-0.19, Asterisk 0.9-1.0, FreeSWITCH 57",
        },
        Line {
            what: "memory a waiting caller",
            unit: "KiB",
            value: kib(results),
            bar: 9.0,
            peers: "OpenSIPS 9-24 (no media), Asterisk 147-200, FreeSWITCH 370",
        },
    ];
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{:<32}{:>9}      {:>7}", "", "measured", "bar");
    for Line {
        what,
        unit,
        value,
        bar,
        peers,
    } in lines
    {
        let verdict = if value < bar { "held" } else { "MISSED" };
        let _ = writeln!(
            out,
            "{what:<32}{value:>9.3} {unit:<4}{:>8} {verdict:<8}{peers}",
            format!("< {bar}")
        );
    }
    let _ = writeln!(out, "\ncalls that failed: {}", results.failed());
    let _ = writeln!(
        out,
        "the floor, a bare UDP program: {:.3} s for 1,000 calls; the engine takes {:.1} times that",
        results.floor.cpu_s_per_1000,
        ratio(results)
    );
    detail(&mut out, results);
    out
}

fn detail(out: &mut String, results: &Results) {
    for (name, load) in [("engine", &results.engine), ("floor", &results.floor)] {
        let _ = writeln!(out, "  {}", of_load(name, load));
        let threads = load.threads_s_per_1000.iter();
        let threads: Vec<String> = threads.map(|(name, s)| format!("{name} {s:.3}")).collect();
        let _ = writeln!(out, "    of this by thread: {}", threads.join(", "));
        let _ = writeln!(
            out,
            "    CPU that the machine's host took away meanwhile: {:.2} s",
            load.stolen_s
        );
    }
    if let Some(setup) = &results.setup {
        let _ = writeln!(out, "  set-up, seats idle: {}", of_latency(setup));
    }
    for ready in &results.ready {
        if let Some(latency) = &ready.latency {
            let _ = writeln!(
                out,
                "  ready -> INVITE, {} waiting: {}",
                ready.waiting,
                of_latency(latency)
            );
        }
    }
    let _ = writeln!(
        out,
        "  memory with nobody waiting: {:.0} KiB PSS",
        results.idle_pss_kib
    );
    for it in &results.memory {
        let _ = writeln!(
            out,
            "  memory with {} waiting: {:.0} KiB PSS, {:.2} KiB each",
            it.waiting, it.pss_kib, it.kib_per_waiting
        );
    }
}

fn of_load(name: &str, load: &Load) -> String {
    format!(
        "{name}: user {:.3} s, kernel {:.3} s for 1,000 calls; a call: {:.2} datagrams in ({:.0} bytes), {:.2} out ({:.0} bytes)",
        load.user_s_per_1000,
        load.system_s_per_1000,
        load.received_per_call,
        load.bytes_received_per_call,
        load.sent_per_call,
        load.bytes_sent_per_call,
    )
}

fn of_latency(it: &Latency) -> String {
    format!(
        "min {:.3}, p50 {:.3}, p90 {:.3}, p99 {:.3}, max {:.3} ms of {}",
        it.min_ms, it.p50_ms, it.p90_ms, it.p99_ms, it.max_ms, it.samples
    )
}

/// The worse of the numbers of waiting callers; without a sample nothing is good.
fn ready(results: &Results) -> (f64, f64) {
    let worst = |of: fn(&Latency) -> f64| {
        let each = results.ready.iter();
        each.map(|it| it.latency.as_ref().map_or(f64::INFINITY, of))
            .fold(0.0, f64::max)
    };
    (worst(|it| it.p50_ms), worst(|it| it.p99_ms))
}

fn setup(results: &Results, of: fn(&Latency) -> f64) -> f64 {
    results.setup.as_ref().map_or(f64::INFINITY, of)
}

/// The worse of the numbers of waiting callers.
fn kib(results: &Results) -> f64 {
    results
        .memory
        .iter()
        .map(|it| it.kib_per_waiting)
        .fold(0.0, f64::max)
}

fn ratio(results: &Results) -> f64 {
    results.engine.cpu_s_per_1000 / results.floor.cpu_s_per_1000
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

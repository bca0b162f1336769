//! The results for people and for programs.

use super::measure::{Relay, Results, Waiting, without_loss};
use serde_json::{Value, json};
use std::fmt::Write;

/// Calls that one processor is to relay without loss.
const GOAL: usize = 1_500;
/// Packets a second that come in for one call.
const PACKETS: f64 = 100.0;

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Calls of which one processor would be full, by the CPU of a packet.
fn derived(relay: &Relay) -> f64 {
    (1e6 / relay.us_per_packet / PACKETS).round()
}

/// The fields that are promised first, then what explains them.
pub fn json(results: &Results) -> Value {
    let over = |other: &Relay| rounded(results.program.us_per_packet / other.us_per_packet);
    let peer = results.rtpengine.as_ref();
    json!({
        "relay_us_per_packet": rounded(results.program.us_per_packet),
        "relay_calls_per_core": without_loss(&results.steps),
        "moh_callers_per_core": results.waiting.per_core().round(),
        "rtpengine_us_per_packet": peer.map(|it| rounded(it.us_per_packet)),
        "floor_us_per_packet": rounded(results.floor.us_per_packet),
        "relay_over_floor": over(&results.floor),
        "relay_over_rtpengine": peer.map(over),
        "relay_calls_per_core_derived": derived(&results.program),
        "rtpengine_calls_per_core_derived": peer.map(derived),
        "moh_callers_per_core_silent": results.waiting_silent.per_core().round(),
        "relay_loss": results.program.loss,
        "calls": results.calls,
        "program": results.program,
        "rtpengine": results.rtpengine,
        "floor": results.floor,
        "steps": results.steps,
        "waiting": results.waiting,
        "waiting_silent": results.waiting_silent,
        "stolen_s": rounded(results.stolen_s),
    })
}

/// A table for people.
pub fn table(results: &Results) -> String {
    let mut out = String::new();
    let floor = results.floor.us_per_packet;
    let mut side = |name: &str, relay: &Relay| {
        let _ = writeln!(
            out,
            "{name:<12} {:6.2} µs a packet  {:5.2} floors  {:6.0} calls a core by that  loss {:.3} %  {} void",
            relay.us_per_packet,
            relay.us_per_packet / floor,
            derived(relay),
            relay.loss * 100.0,
            relay.void,
        );
    };
    side("meishier", &results.program);
    if let Some(peer) = &results.rtpengine {
        side("rtpengine", peer);
    }
    side("floor", &results.floor);
    if results.rtpengine.is_none() {
        out.push_str("rtpengine is not installed\n");
    }
    for step in &results.steps {
        let _ = writeln!(
            out,
            "{:>6} calls   {:6.2} µs a packet  {:3.0} % of a core  loss {:.3} %{}",
            step.calls,
            step.us_per_packet,
            step.busy * 100.0,
            step.loss * 100.0,
            if step.valid {
                ""
            } else {
                "  (far ends too slow)"
            },
        );
    }
    let _ = match without_loss(&results.steps) {
        Some(held) => {
            let verdict = if held >= GOAL { "held" } else { "missed" };
            writeln!(
                out,
                "relayed calls a core without loss: {held}; goal {GOAL}: {verdict}"
            )
        }
        None => writeln!(
            out,
            "relayed calls a core: not measured, the far ends had no time"
        ),
    };
    let mut waiting = |name: &str, it: &Waiting| {
        let _ = writeln!(
            out,
            "{name}: {} callers, {:.0} % of a core, {:.2} % of the music heard: {}",
            it.callers,
            it.busy * 100.0,
            it.heard * 100.0,
            match it.per_core() {
                each if each.is_nan() => "does not count".to_owned(),
                each => format!("{each:.0} callers a core"),
            },
        );
    };
    waiting("music, callers send", &results.waiting);
    waiting("music, callers silent", &results.waiting_silent);
    let _ = writeln!(out, "taken by the host: {:.2} s", results.stolen_s);
    out
}

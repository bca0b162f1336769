//! The results for people and for programs.

use super::mixing::Mixing;
use super::moments::Moments;
use crate::figures::Latency;
use serde_json::{Value, json};
use std::fmt::Write;

/// Goals: p99 from key to INVITE and from answer to speech, milliseconds.
const KEY_GOAL: f64 = 2.0;
const SPEECH_GOAL: f64 = 60.0;

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The fields that are promised first, then what explains them.
pub fn json(moments: &Moments, mixing: &Mixing) -> Value {
    let (relay, mixed) = mixing.medians();
    json!({
        "key_to_invite_p99_ms": moments.key_to_invite.p99_ms,
        "answer_to_speech_p99_ms": moments.answer_to_speech.p99_ms,
        "mix_over_relay": rounded(mixed / relay),
        "key_to_invite": moments.key_to_invite,
        "answer_to_speech": moments.answer_to_speech,
        "failed": moments.failed,
        "calls": mixing.calls,
        "relay_us_per_party_second": rounded(relay),
        "mixed_us_per_party_second": rounded(mixed),
        "relay_rounds": mixing.relay,
        "mixed_rounds": mixing.mixed,
        "void": mixing.void,
    })
}

/// A table for people.
pub fn table(moments: &Moments, mixing: &Mixing) -> String {
    let mut out = String::new();
    let mut line = |name: &str, it: &Latency, goal: f64| {
        let verdict = if it.p99_ms < goal { "held" } else { "missed" };
        let _ = writeln!(
            out,
            "{name:<26} p50 {:7.3}  p90 {:7.3}  p99 {:7.3}  max {:7.3} ms  of {}; goal p99 {goal}: {verdict}",
            it.p50_ms, it.p90_ms, it.p99_ms, it.max_ms, it.samples,
        );
    };
    line("key to INVITE", &moments.key_to_invite, KEY_GOAL);
    line(
        "answer to speech of three",
        &moments.answer_to_speech,
        SPEECH_GOAL,
    );
    let (relay, mixed) = mixing.medians();
    let _ = writeln!(
        out,
        "tries without speech: {}\n{} calls: relayed {relay:.0} µs, mixed {mixed:.0} µs CPU a party and second: {:.2} times; {} rounds void",
        moments.failed,
        mixing.calls,
        mixed / relay,
        mixing.void,
    );
    out
}

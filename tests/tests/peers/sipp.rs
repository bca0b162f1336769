//! SIPp callers and SIPp seats through a started engine. Each scenario is a file of
//! `tests/scenarios`; a SIPp that sees anything else than its scenario says fails the test.

use crate::stage::{self, offers};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport;
use meishier_tests::peers::Transport::{Tcp, Udp};
use meishier_tests::plan::Plan;
use serde_json::Value;

fn play(seats: &[&str], caller: &str, by: Transport) -> (Engine, Value) {
    stage::play(Plan::default(), seats, caller, by)
}

#[test]
fn a_call_is_answered_and_the_caller_hangs_up() {
    let (_, record) = play(&["seat"], "caller", Udp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["released_by"], "caller");
    assert_eq!(record["trunk"], "trunk");
    assert_eq!(
        (&record["seat"], &record["counsellor"]),
        (&"s0000".into(), &"c0000".into())
    );
    assert_eq!(offers(&record), [("s0000", "answered")]);
    assert!(record["talked_ms"].as_u64() >= Some(900), "{record}");
}

#[test]
fn a_call_is_answered_and_the_seat_hangs_up() {
    let (_, record) = play(&["seat_hangs_up"], "caller_waits", Udp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["released_by"], "seat");
}

#[test]
fn a_caller_gives_up_in_the_queue() {
    let (_, record) = play(&[], "caller_cancels", Udp);
    assert_eq!(record["outcome"], "abandoned");
    assert_eq!(record["released_by"], "caller");
    assert_eq!(record["status"], 487);
    assert_eq!(offers(&record), []);
}

#[test]
fn a_caller_gives_up_while_a_seat_rings() {
    let (_, record) = play(&["seat_rings"], "caller_cancels", Udp);
    assert_eq!(record["outcome"], "abandoned");
    assert_eq!(offers(&record), [("s0000", "caller_gone")]);
}

#[test]
fn a_busy_seat_is_passed_over() {
    let (engine, record) = play(&["seat_busy", "seat"], "caller", Udp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(
        offers(&record),
        [("s0000", "refused"), ("s0001", "answered")]
    );
    assert_eq!(record["offers"][0]["status"], 486);
    let seat = engine.get("/api/v1/seats/s0000").json();
    assert_eq!(seat["state"], "backoff", "it is left alone for a while");
}

#[test]
fn a_seat_that_does_not_answer_is_given_up_for_the_next() {
    let (_, record) = play(&["seat_rings", "seat"], "caller", Udp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(
        offers(&record),
        [("s0000", "no_answer"), ("s0001", "answered")]
    );
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let (_, record) = play(&["seat_crosses"], "caller_cancels", Udp);
    assert_eq!(record["outcome"], "abandoned");
    assert_eq!(offers(&record), [("s0000", "caller_gone")]);
}

#[test]
fn an_answer_that_crosses_the_ring_limit_is_ended_too() {
    let (_, record) = play(&["seat_crosses", "seat"], "caller", Udp);
    assert_eq!(
        offers(&record),
        [("s0000", "no_answer"), ("s0001", "answered")]
    );
}

#[test]
fn repeated_messages_make_one_call_and_one_record() {
    let (engine, record) = play(&["seat_slow"], "caller_repeats", Udp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(offers(&record), [("s0000", "answered")]);
    let page = engine.metrics();
    let received = [("direction", "received")];
    assert!(page.sum("meishier_sip_retransmissions_total", &received) >= 3.0);
    // Each of them had its last answer again.
    let sent = [("direction", "sent")];
    assert!(page.sum("meishier_sip_retransmissions_total", &sent) >= 3.0);
    assert_eq!(page.sum("meishier_calls_arrived_total", &[]), 1.0);
}

#[test]
fn a_call_goes_over_tcp_on_both_sides() {
    let (_, record) = play(&["seat"], "caller", Tcp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(offers(&record), [("s0000", "answered")]);
}

#[test]
fn a_caller_gives_up_over_tcp() {
    let (_, record) = play(&["seat_rings"], "caller_cancels", Tcp);
    assert_eq!(record["outcome"], "abandoned");
    assert_eq!(offers(&record), [("s0000", "caller_gone")]);
}

//! SIPp callers and SIPp seats through a started engine. Each scenario is a file of
//! `tests/scenarios`; a SIPp that sees anything else than its scenario says fails the test.

use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::{Tcp, Udp};
use meishier_tests::peers::{Peer, Transport, free_port};
use meishier_tests::plan::Plan;
use serde_json::Value;
use std::net::SocketAddr;

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// An engine with one seat a scenario, made ready in that order, so that the first is offered
/// first; and the seats' ports.
fn engine(scenarios: &[&str], by: Transport) -> (Engine, Vec<Peer>) {
    let ports: Vec<u16> = scenarios.iter().map(|_| free_port()).collect();
    let transport = if by == Udp { "udp" } else { "tcp" };
    let mut plan = Plan::default();
    for port in &ports {
        plan.add_seats(1, at(*port), transport, "paused");
    }
    if scenarios.is_empty() {
        // An engine without any seat is refused; this one's telephone never registers.
        plan.add_phone("nobody", "paused");
    }
    let engine = Engine::start(&plan);
    let mut seats = Vec::new();
    for (number, (scenario, port)) in scenarios.iter().zip(ports).enumerate() {
        seats.push(Peer::sipp_seats(&engine, scenario, port, 1, by));
        let path = format!("/api/v1/seats/s{number:04}/state");
        let answer = engine.post(&path, "{\"state\": \"ready\"}");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    (engine, seats)
}

/// Plays one call and gives its record. Nothing may be left of the call, at the engine or a peer.
fn play(seats: &[&str], caller: &str, by: Transport) -> (Engine, Value) {
    let (engine, seats) = engine(seats, by);
    let caller = Peer::sipp_callers(&engine, caller, 1, by);
    caller.succeeds(&engine);
    for seat in seats {
        seat.succeeds(&engine);
    }
    let records = engine.await_records(1);
    for gauge in [
        "meishier_dialogs",
        "meishier_rtp_ports_used",
        "meishier_lines_used",
    ] {
        engine.await_gauge(gauge, &[], 0.0);
    }
    engine.check_log();
    let record = records.into_iter().next().unwrap_or_default();
    (engine, record)
}

/// Seats and outcomes of a record's offers, in order.
fn offers(record: &Value) -> Vec<(&str, &str)> {
    let offers = record["offers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    offers
        .iter()
        .map(|offer| {
            let word = |key: &str| offer[key].as_str().unwrap_or_default();
            (word("seat"), word("outcome"))
        })
        .collect()
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

//! One call between SIPp callers and SIPp seats: started, played to its end, looked at.

use meishier_tests::engine::{Engine, LIMIT};
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, Transport, free_port, moment};
use meishier_tests::plan::Plan;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Instant;

/// A key that dials 110 by the trunk.
pub const KEYS: &str = "[[transfer.keys]]\nname = \"110\"\ntitle = \"110\"\nkind = \"emergency\"\n\
                        trunk = \"trunk\"\n";

/// An engine with one seat a scenario, made ready in that order, so that the first is offered
/// first; and the seats' SIPp.
pub fn engine(mut plan: Plan, scenarios: &[&str], by: Transport) -> (Engine, Vec<Peer>) {
    let ports: Vec<u16> = scenarios.iter().map(|_| free_port()).collect();
    let transport = if by == Udp { "udp" } else { "tcp" };
    for port in &ports {
        let host = plan.host.parse().unwrap();
        plan.add_seats(1, SocketAddr::new(host, *port), transport, "paused");
    }
    if scenarios.is_empty() {
        // An engine without any seat is refused; this one's telephone never registers.
        plan.add_phone("nobody", "paused");
    }
    let engine = Engine::start(&plan);
    let mut seats = Vec::new();
    for (number, (scenario, port)) in scenarios.iter().zip(ports).enumerate() {
        seats.push(Sipp::new(&engine, scenario, by).at(port).listen(&engine));
        let path = format!("/api/v1/seats/s{number:04}/state");
        let answer = engine.post(&path, "{\"state\": \"ready\"}");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    (engine, seats)
}

/// Plays one call and gives its record. Nothing may be left of the call, at the engine or a peer.
pub fn play(plan: Plan, seats: &[&str], caller: &str, by: Transport) -> (Engine, Value) {
    let (engine, seats) = engine(plan, seats, by);
    Sipp::new(&engine, caller, by)
        .start(&engine)
        .succeeds(&engine);
    let record = finish(&engine, seats, 1).remove(0);
    (engine, record)
}

/// Waits until the seats have played their scenarios and nothing of so many calls is left; their
/// records, newest first.
pub fn finish(engine: &Engine, seats: Vec<Peer>, calls: usize) -> Vec<Value> {
    for seat in seats {
        seat.succeeds(engine);
    }
    let records = records(engine, calls);
    engine.check_log();
    records
}

/// Waits until nothing of so many calls is left; their records, newest first.
fn records(engine: &Engine, calls: usize) -> Vec<Value> {
    let records = engine.await_records(calls);
    for gauge in [
        "meishier_dialogs",
        "meishier_rtp_ports_used",
        "meishier_lines_used",
    ] {
        engine.await_gauge(gauge, &[], 0.0);
    }
    records
}

/// Seats and outcomes of a record's offers, in order.
pub fn offers(record: &Value) -> Vec<(&str, &str)> {
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

/// Waits until nothing of a call is left in which an emergency key reached nobody: the one error in the
/// log. Its record.
pub fn alarmed(engine: &Engine) -> Value {
    let record = records(engine, 1).remove(0);
    let printed = engine.printed();
    let errors: Vec<&str> = printed.lines().filter(|it| it.contains("ERROR")).collect();
    let alarm = |it: &&str| it.contains("an emergency key reached nobody: dial by hand");
    assert!(errors.len() == 1 && errors.iter().all(alarm), "{errors:?}");
    record
}

/// Waits until the only third party of the only call has joined; its call's path in the API.
pub fn joined(engine: &Engine) -> String {
    let start = Instant::now();
    loop {
        let calls = engine.get("/api/v1/calls").json();
        let call = &calls["calls"][0];
        if call["thirds"][0]["state"] == "joined" {
            return format!("/api/v1/calls/{}", call["id"].as_str().unwrap());
        }
        assert!(start.elapsed() < LIMIT, "{calls}");
        moment();
    }
}

/// Waits until the third party has joined: it takes the caller over, and the counsellor leaves.
pub fn hand_over(engine: &Engine) {
    let call = joined(engine);
    for (path, wish) in [("thirds/1", "{\"wish\": \"confirm\"}"), ("leave", "")] {
        let answer = engine.post(&format!("{call}/{path}"), wish);
        assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    }
}

/// Waits until the only call talks, and presses a transfer key for it.
pub fn press(engine: &Engine, key: &str, city: &str) {
    engine.await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    let calls = engine.get("/api/v1/calls").json();
    let id = calls["calls"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/calls/{id}/transfer");
    let wish = format!("{{\"key\": \"{key}\", \"city\": \"{city}\"}}");
    let answer = engine.post(&path, &wish);
    assert_eq!(answer.status, 202, "{}", answer.body);
}

//! SIPp as a carrier's side and as a registering telephone: who calls, who may know it, whether the
//! engine is there.

use crate::stage::{self, finish, offers, play};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::free_port;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::plan::Plan;
use serde_json::Value;

#[test]
fn a_carrier_that_asks_is_answered_and_told_503_while_we_end() {
    let (mut engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let asks = |name: &str| {
        let carrier = Sipp::new(&engine, name, Udp).start(&engine);
        carrier.succeeds(&engine);
    };
    asks("carrier_asks");
    let caller = Sipp::new(&engine, "caller_stays", Udp).start(&engine);
    engine.await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    engine.terminate();
    engine.await_words("stopping: ");
    asks("carrier_asks_draining");
    // The call that runs goes on; its caller hangs up in order.
    caller.hangs_up(&engine);
    for seat in seats {
        seat.succeeds(&engine);
    }
    assert!(engine.await_exit().success());
}

#[test]
fn whom_the_carrier_asserts_is_the_caller() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_asserted", Udp);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["caller"], "+86****5678");
}

#[test]
fn a_withheld_number_reaches_no_seat() {
    let (_, record) = play(
        Plan::default(),
        &["seat_sees_nobody"],
        "caller_withheld",
        Udp,
    );
    assert_eq!(offers(&record), [("s0000", "answered")]);
    assert!(!record.to_string().contains("13912345678"), "{record}");
}

#[test]
fn a_reason_of_the_network_ends_a_call_like_any_other() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_says_why", Udp);
    assert_eq!(record["released_by"], "caller");
    assert_eq!(record["cause"], "Q.850;cause=31", "{record}");
}

#[test]
fn a_telephone_registers_and_leaves() {
    let mut plan = Plan::default();
    plan.digest = "md5";
    plan.add_phone("geheim-y", "ready");
    let engine = Engine::start(&plan);
    let phone = Sipp::new(&engine, "seat_registers", Udp);
    phone.start(&engine).succeeds(&engine);
    engine.await_gauge("meishier_registrations", &[], 0.0);
    let received = [("direction", "received"), ("method", "REGISTER")];
    let page = engine.metrics();
    assert!(page.sum("meishier_sip_requests_total", &received) >= 6.0);
    let _ = finish(&engine, Vec::new(), 0);
}

/// A trunk with two peers, of which the first is out of order or the number is busy.
fn a_key_at_two_peers(first: &str, second: Option<&str>) -> Value {
    let (one, two) = (free_port(), free_port());
    let mut plan = Plan::default();
    plan.trunk = format!("to = [\"127.0.0.1:{one}\", \"127.0.0.1:{two}\"]\n");
    plan.add_tables(stage::KEYS);
    let (engine, seats) = stage::engine(plan, &["seat"], Udp);
    let listen = |scenario: &str, port| {
        let peer = Sipp::new(&engine, scenario, Udp).at(port);
        peer.listen(&engine)
    };
    let first = listen(first, one);
    let second = second.map(|scenario| listen(scenario, two));
    let caller = Sipp::new(&engine, "caller_stays", Udp).start(&engine);
    stage::press(&engine, "110", "贵阳");
    let reached = second.is_some();
    if reached {
        stage::hand_over(&engine);
    } else {
        engine.await_words("an emergency key reached nobody");
    }
    caller.hangs_up(&engine);
    for peer in [first].into_iter().chain(second).chain(seats) {
        peer.succeeds(&engine);
    }
    let mut record = match reached {
        true => finish(&engine, Vec::new(), 1).remove(0),
        false => stage::alarmed(&engine),
    };
    record["transfers"][0].take()
}

#[test]
fn a_peer_that_is_out_of_order_is_left_for_the_next() {
    let transfer = a_key_at_two_peers("target_refuses", Some("seat"));
    assert_eq!(transfer["outcome"], "joined", "{transfer}");
    let tried = transfer["tried"].as_array().unwrap();
    let statuses: Vec<&Value> = tried.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [503, 200]);
}

#[test]
fn a_busy_number_is_busy_at_every_peer() {
    let transfer = a_key_at_two_peers("target_busy", None);
    assert_eq!(transfer["status"], 486, "{transfer}");
    assert_eq!(transfer["cause"], "Q.850;cause=17", "{transfer}");
}

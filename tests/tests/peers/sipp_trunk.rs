//! SIPp as a carrier's side and as a registering telephone: who calls, who may know it, whether the
//! engine is there.

use crate::stage::{self, finish, offers, play};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::plan::Plan;

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
    caller.succeeds(&engine);
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

//! SIPp's messages that few write, and those that nobody may: what the engine makes of them.

use crate::stage::{self, finish, offers, play};
use meishier_tests::peers::Transport::{Tcp, Udp};
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::plan::Plan;

#[test]
fn odd_but_right_headers_make_a_call() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let caller = Sipp::new(&engine, "caller_odd", Udp).with("fold", " ");
    caller.start(&engine).succeeds(&engine);
    let record = finish(&engine, seats, 1).remove(0);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn a_call_to_the_emergency_service_from_a_number_is_answered() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_sos", Udp);
    assert_eq!(record["outcome"], "answered");
}

#[test]
fn a_place_beside_the_session_is_no_hindrance() {
    for by in [Udp, Tcp] {
        let (_, record) = play(Plan::default(), &["seat"], "caller_located", by);
        assert_eq!(record["outcome"], "answered");
    }
}

#[test]
fn what_cannot_be_a_call_is_refused_with_its_own_status() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let refused = Sipp::new(&engine, "caller_refused", Udp).start(&engine);
    refused.succeeds(&engine);
    assert_eq!(
        engine.metrics().sum("meishier_calls_arrived_total", &[]),
        0.0
    );
    // And the next caller is served.
    let caller = Sipp::new(&engine, "caller", Udp).start(&engine);
    caller.succeeds(&engine);
    let records = finish(&engine, seats, 1);
    assert_eq!(offers(&records[0]), [("s0000", "answered")]);
}

#[test]
fn an_invite_that_came_two_ways_is_one_call() {
    let (engine, record) = play(Plan::default(), &[], "caller_merged", Udp);
    assert_eq!(record["outcome"], "abandoned");
    assert_eq!(
        engine.metrics().sum("meishier_calls_arrived_total", &[]),
        1.0
    );
}

#[test]
fn three_messages_in_one_piece_of_a_stream_are_three() {
    let (engine, record) = play(Plan::default(), &["seat"], "caller_at_once", Tcp);
    assert_eq!(record["outcome"], "answered");
    let labels = [("direction", "received"), ("method", "INFO")];
    let page = engine.metrics();
    assert_eq!(page.sum("meishier_sip_requests_total", &labels), 3.0);
}

#[test]
fn amr_alone_is_refused_with_a_warning() {
    let (engine, seats) = stage::engine(Plan::default(), &[], Udp);
    let caller = Sipp::new(&engine, "caller_amr", Udp).start(&engine);
    caller.succeeds(&engine);
    drop(seats);
    let page = engine.await_metrics("the codec is named", |page| {
        page.sum("meishier_foreign_codec_total", &[]) == 1.0
    });
    assert_eq!(page.sum("meishier_calls_arrived_total", &[]), 0.0);
}

#[test]
fn packets_of_every_length_are_answered() {
    for ptime in ["10", "20", "30", "40", "60"] {
        let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
        let caller = Sipp::new(&engine, "caller_paced", Udp).with("ptime", ptime);
        caller.start(&engine).succeeds(&engine);
        let records = finish(&engine, seats, 1);
        assert_eq!(records[0]["outcome"], "answered", "{ptime} ms");
    }
}

#[test]
fn of_five_streams_one_is_taken() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_many_streams", Udp);
    assert_eq!(record["outcome"], "answered");
}

#[test]
fn calls_go_by_ipv6() {
    for by in [Udp, Tcp] {
        let mut plan = Plan::default();
        plan.listen = ["udp:[::1]:0", "tcp:[::1]:0"].map(str::to_owned).to_vec();
        plan.host = "::1";
        let (_, record) = play(plan, &["seat"], "caller", by);
        assert_eq!(offers(&record), [("s0000", "answered")]);
    }
}

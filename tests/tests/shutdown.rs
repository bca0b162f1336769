//! SIGTERM lets calls finish and takes no new ones; a second one ends at once. Records are kept.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::plan::Plan;
use meishier_tests::sip::{Dialog, Sip, sdp};
use serde_json::Value;

/// An engine with one seat in a call.
fn in_talk() -> (Engine, Line, Line, Dialog) {
    let seat = Line::new();
    let engine = Engine::start(&Plan::with_seats(1, seat.address(), "udp"));
    let mut seat = seat.towards(engine.udp());
    let mut line = Line::new().towards(engine.udp());
    let mut dialog = line.invite("13800000001");
    seat.answer();
    line.confirm(&mut dialog);
    engine.await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    (engine, seat, line, dialog)
}

/// The records that the ended engine left, read by a new one with the same store.
fn records_after(engine: &Engine) -> Vec<Value> {
    let seat = Line::new();
    let again = Engine::start_in(&Plan::with_seats(1, seat.address(), "udp"), engine.folder());
    let answer = again.get("/api/v1/records").json();
    answer["records"].as_array().cloned().unwrap()
}

/// Calls until a call is refused by 503. Shards hear of the shutdown one after another, a moment
/// after it was announced; a call that comes in between is taken, and given up here.
fn refusal(line: &mut Line) -> Sip {
    for _ in 0..100 {
        let late = line.invite("13800000002");
        let answer = line.wait("180 or 503", |m| {
            m.call_id() == late.call_id && matches!(m.status(), Some(180 | 503))
        });
        if answer.status() == Some(503) {
            line.send(late.request("ACK", 1, "INVITE", ""));
            return answer;
        }
        line.send(late.request("CANCEL", 1, "INVITE", ""));
        line.response(&late, "INVITE", 487);
        line.send(late.request("ACK", 1, "INVITE", ""));
    }
    panic!("calls are taken after SIGTERM");
}

#[test]
fn a_running_call_finishes_and_new_ones_are_refused() {
    let (mut engine, mut seat, mut line, dialog) = in_talk();
    engine.terminate();
    engine.await_words("stopping");
    assert_eq!(engine.get("/readyz").status, 503);
    assert_eq!(engine.get("/healthz").status, 200);

    let refused = refusal(&mut line);
    assert!(refused.header("Retry-After").is_some(), "{}", refused.0);

    assert!(engine.runs(), "the call is not cut");
    line.hang_up(&dialog);
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");
    assert!(engine.await_exit().success(), "{}", engine.printed());
    engine.check_log();
    let mut records = records_after(&engine);
    records.retain(|record| record["outcome"] == "answered");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["released_by"], "caller");
}

#[test]
fn a_second_signal_ends_at_once_and_keeps_the_record() {
    let (mut engine, mut seat, mut line, dialog) = in_talk();
    engine.terminate();
    engine.await_words("stopping");
    engine.terminate();
    // Both sides are told; that they answer is not waited for beyond SIP's own timers.
    let bye = line.wait("BYE", |m| {
        m.method() == Some("BYE") && m.call_id() == dialog.call_id
    });
    line.reply(&bye, "200 OK", "");
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");
    assert!(engine.await_exit().success(), "{}", engine.printed());
    let records = records_after(&engine);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["outcome"], "answered");
    assert_eq!(records[0]["released_by"], "engine");
}

#[test]
fn parties_that_say_nothing_do_not_hold_the_end_up() {
    let (mut engine, _seat, _line, _dialog) = in_talk();
    engine.terminate();
    engine.await_words("stopping");
    engine.terminate();
    assert!(engine.await_exit().success(), "{}", engine.printed());
    assert_eq!(records_after(&engine).len(), 1);
}

#[test]
fn nobody_in_a_call_means_an_end_at_once() {
    let seat = Line::new();
    let mut engine = Engine::start(&Plan::with_seats(1, seat.address(), "udp"));
    engine.terminate();
    assert!(engine.await_exit().success());
    assert!(engine.printed().contains("stopped"), "{}", engine.printed());
    engine.check_log();
}

#[test]
fn a_waiting_caller_is_served_after_the_signal() {
    let seat = Line::new();
    let mut plan = Plan::default();
    plan.add_seats(1, seat.address(), "udp", "paused");
    let mut engine = Engine::start(&plan);
    let mut seat = seat.towards(engine.udp());
    let mut line = Line::new().towards(engine.udp());
    let mut dialog = line.invite("13800000003");
    line.response(&dialog, "INVITE", 180);
    engine.terminate();
    engine.await_words("stopping");
    let ready = engine.post("/api/v1/seats/s0000/state", "{\"state\": \"ready\"}");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let invite = seat.request("INVITE");
    seat.reply(&invite, "200 OK", &sdp(seat.address().port() ^ 1));
    line.confirm(&mut dialog);
    line.hang_up(&dialog);
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");
    assert!(engine.await_exit().success(), "{}", engine.printed());
}

//! SIPp's dialogs: reliable responses, changes of the session, its timer, order and glare.

use crate::stage::{self, offers, play};
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::free_port;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::plan::Plan;

/// A key with a number of its own: nobody is asked for the place.
const NUMBER: &str = "[[transfer.keys]]\nname = \"110\"\ntitle = \"110\"\nkind = \"number\"\n\
                      trunk = \"trunk\"\nto = [\"0851110\"]\n";

/// The trunk sends 183 with prompts.
fn early() -> Plan {
    let mut plan = Plan::default();
    plan.answer = "answer = \"on_seat\"\nearly = \"progress\"\nanswer_after = \"59s\"";
    plan
}

#[test]
fn a_caller_acknowledges_ringing() {
    let (_, record) = play(Plan::default(), &["seat_slow"], "caller_pracks", Udp);
    assert_eq!(offers(&record), [("s0000", "answered")]);
}

#[test]
fn a_prack_that_fits_nothing_is_481_and_the_right_one_counts() {
    let (_, record) = play(Plan::default(), &["seat_slow"], "caller_wrong_prack", Udp);
    assert_eq!(record["outcome"], "answered");
}

#[test]
fn early_media_is_acknowledged_and_changed_before_the_answer() {
    let (_, record) = play(early(), &["seat_slow"], "caller_hears_early", Udp);
    assert_eq!(record["outcome"], "answered");
}

#[test]
fn ringing_that_nobody_acknowledges_ends_in_504() {
    let (engine, record) = play(early(), &[], "caller_never_pracks", Udp);
    assert_eq!(record["status"], 504);
    let sent = [("direction", "sent")];
    let repeated = engine
        .metrics()
        .sum("meishier_sip_retransmissions_total", &sent);
    assert!(repeated >= 4.0, "T1 doubled: 100, 200, 400 ms and so on");
}

#[test]
fn a_seat_that_rings_reliably_gets_a_prack_for_each() {
    let (_, record) = play(Plan::default(), &["seat_reliable"], "caller", Udp);
    assert_eq!(offers(&record), [("s0000", "answered")]);
}

#[test]
fn of_several_early_dialogs_one_is_the_call() {
    let (_, record) = play(Plan::default(), &["seat_forks"], "caller", Udp);
    assert_eq!(offers(&record), [("s0000", "answered")]);
}

#[test]
fn a_seat_that_points_elsewhere_is_not_followed() {
    let (_, record) = play(Plan::default(), &["seat_redirects", "seat"], "caller", Udp);
    assert_eq!(
        offers(&record),
        [("s0000", "refused"), ("s0001", "answered")]
    );
    assert_eq!(record["offers"][0]["status"], 302);
}

#[test]
fn a_caller_holds_and_resumes() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_holds", Udp);
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn a_change_that_does_not_fit_leaves_the_call() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_unfit", Udp);
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn a_caller_without_an_offer_gets_ours() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_late", Udp);
    assert_eq!(record["outcome"], "answered");
}

#[test]
fn changes_that_cross_are_491_and_come_again() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_glare", Udp);
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn requests_out_of_order_change_nothing() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_out_of_order", Udp);
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn a_caller_hands_the_refreshing_over_and_takes_it_back() {
    let (_, record) = play(Plan::default(), &["seat"], "caller_timed", Udp);
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn we_refresh_when_asked_to_and_meet_glare() {
    let (_, record) = play(Plan::default(), &["seat_probed"], "caller_refreshed", Udp);
    assert_eq!(record["released_by"], "caller");
    assert!(record["talked_ms"].as_u64() >= Some(45_000), "{record}");
}

#[test]
fn a_seat_makes_the_session_longer_and_refreshes_it() {
    let mut plan = Plan::default();
    plan.offer = "session_expires = \"90s\"";
    let (_, record) = play(plan, &["seat_timed"], "caller", Udp);
    assert_eq!(offers(&record), [("s0000", "answered")]);
}

#[test]
fn a_seat_that_refers_to_a_key_is_told_how_it_goes_and_leaves_caller_and_police() {
    let target = free_port();
    let mut plan = Plan::default();
    plan.trunk = format!("to = [\"127.0.0.1:{target}\"]\n");
    plan.add_tables(NUMBER);
    let (engine, seats) = stage::engine(plan, &["seat_refers"], Udp);
    let police = Sipp::new(&engine, "seat_slow", Udp);
    let police = police.at(target).listen(&engine);
    let caller = Sipp::new(&engine, "caller_stays", Udp).start(&engine);
    for seat in seats {
        seat.succeeds(&engine);
    }
    caller.hangs_up(&engine);
    let record = stage::finish(&engine, vec![police], 1).remove(0);
    let transfer = &record["transfers"][0];
    assert_eq!(transfer["outcome"], "joined", "{transfer}");
    assert_eq!(transfer["dialled"], "0851110", "{transfer}");
    assert_eq!(record["released_by"], "caller");
}

#[test]
fn a_seat_that_refers_to_strangers_reaches_nobody() {
    let target = free_port();
    let mut plan = Plan::default();
    plan.trunk = format!("to = [\"127.0.0.1:{target}\"]\n");
    plan.add_tables(NUMBER);
    let (engine, seats) = stage::engine(plan, &["seat_refers_strangers"], Udp);
    let caller = Sipp::new(&engine, "caller_stays", Udp).start(&engine);
    // Each is counted.
    let refused = [("reason", "not_allowed")];
    engine.await_gauge("meishier_calls_refused_total", &refused, 7.0);
    caller.hangs_up(&engine);
    let record = stage::finish(&engine, seats, 1).remove(0);
    assert_eq!(record["transfers"], serde_json::json!([]), "{record}");
    let page = engine.metrics();
    let invites = [("direction", "sent"), ("method", "INVITE")];
    assert_eq!(
        page.sum("meishier_sip_requests_total", &invites),
        1.0,
        "the seat's own alone"
    );
}

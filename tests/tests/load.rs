//! 1,000 calls at 50 a second over 200 seats: none fails, and nothing of them stays behind.

use meishier_tests::crowd::{Crowd, Script};
use meishier_tests::engine::Engine;
use meishier_tests::metrics::Page;
use meishier_tests::plan::Plan;
use meishier_tests::process;
use std::time::Duration;

/// What must be as before once the calls are over.
const SIZES: &[&str] = &[
    "meishier_engine_calls",
    "meishier_dialogs",
    "meishier_transactions",
    "meishier_timers",
    "meishier_rtp_ports_used",
    "meishier_tasks",
    "meishier_waiting_callers",
    "meishier_lines_used",
    "meishier_records_pending",
    "meishier_registrations",
];
/// Memory that a thousand calls may leave behind: buffers of the allocator and of the metrics.
const MAY_GROW_KIB: u64 = 48 * 1024;

fn sizes(page: &Page) -> Vec<(&'static str, f64)> {
    SIZES
        .iter()
        .map(|name| (*name, page.sum(name, &[])))
        .collect()
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    process::raise_descriptors();
    let crowd = Crowd::new();
    let mut plan = Plan::with_seats(200, crowd.seats_address(), "udp");
    plan.max_calls = 600;
    let engine = Engine::start(&plan);
    // One scrape before, so that what the page itself needs is there already.
    let _ = engine.metrics();
    let before = engine.await_metrics("all seats ready", |page| {
        page.sum("meishier_seats", &[("state", "ready")]) == 200.0
    });
    let process_before = engine.sizes();

    let script = Script {
        calls: 1000,
        rate: 50,
        talk: Duration::from_millis(3500),
        limit: Duration::from_secs(180),
    };
    let tally = crowd.play(engine.udp(), script);
    assert_eq!(
        tally.faults,
        Vec::<String>::new(),
        "{}",
        engine.last_words()
    );
    assert_eq!(tally.complete, 1000);
    assert_eq!(tally.callers_heard, 1000, "callers heard their seats");
    assert_eq!(tally.seats_heard, 1000, "seats heard their callers");
    assert!(tally.peak >= 100, "many at once: {}", tally.peak);

    let what = format!("sizes as before, {:?}", sizes(&before));
    let after = engine.await_metrics(&what, |page| sizes(page) == sizes(&before));
    assert_eq!(
        after.sum("meishier_calls_ended_total", &[("outcome", "answered")]),
        1000.0
    );
    assert_eq!(after.sum("meishier_calls_ended_total", &[]), 1000.0);
    assert_eq!(after.sum("meishier_calls_arrived_total", &[]), 1000.0);
    assert_eq!(after.sum("meishier_records_written_total", &[]), 1000.0);
    assert_eq!(after.sum("meishier_records_duplicate_total", &[]), 0.0);
    assert_eq!(after.sum("meishier_unexpected_total", &[]), 0.0);
    assert_eq!(after.sum("meishier_seats", &[("state", "ready")]), 200.0);
    let answer = engine.get("/api/v1/records?limit=1").json();
    assert_eq!(answer["total"], 1000);

    let process_after = engine.sizes();
    // Threads that wait for the disk or for a scrape come and go.
    let grown = process_after.threads.saturating_sub(process_before.threads);
    assert!(grown <= 4, "threads: {process_before:?}, {process_after:?}");
    // The store may hold a file or two more open than at the start.
    let (before, after) = (process_before.descriptors, process_after.descriptors);
    assert!(after <= before + 4, "descriptors: {before}, {after}");
    let grown = process_after
        .proportional
        .saturating_sub(process_before.proportional);
    assert!(
        grown < MAY_GROW_KIB,
        "memory: {process_before:?} → {process_after:?}"
    );
    engine.check_log();
}

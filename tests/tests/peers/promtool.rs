//! The shipped Prometheus files, judged by Prometheus' own tool; and every metric that they name
//! exists.

use meishier_tests::engine::Engine;
use meishier_tests::peers::free_port;
use meishier_tests::plan::Plan;
use meishier_tests::tree;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn file(name: &str) -> PathBuf {
    tree::root().join("deploy/prometheus").join(name)
}

fn promtool(words: &[&str], file: &PathBuf) {
    let output = Command::new("promtool")
        .args(words)
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "promtool {words:?} {}: {}{}",
        tree::shown(file),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_rules_are_right() {
    promtool(&["check", "rules"], &file("alerts.yml"));
}

#[test]
fn the_rules_fire_when_they_should() {
    promtool(&["test", "rules"], &file("alerts_test.yml"));
}

#[test]
fn the_scrape_is_right() {
    promtool(&["check", "config"], &file("prometheus.yml"));
}

#[test]
fn every_metric_in_the_rules_exists() {
    let mut plan = Plan::default();
    plan.add_phone("nobody", "paused");
    // A peer is there as soon as it was asked, and nobody answers here.
    plan.trunk = format!(
        "out = \"127.0.0.1:{}\"\noptions_every = \"1s\"\n",
        free_port()
    );
    let engine = Engine::start(&plan);
    let page = engine.await_metrics("a peer was asked", |page| {
        page.has("meishier_trunk_peer_up")
    });
    let rules = fs::read_to_string(file("alerts.yml")).unwrap();
    let words = rules.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let named: BTreeSet<&str> = words
        .filter(|word| word.starts_with("meishier_") || word.starts_with("process_"))
        .collect();
    assert!(named.len() > 3, "{named:?}");
    for name in named {
        // A name may also be a family: SIP methods and statuses appear when they are first seen.
        let appears = [
            "meishier_sip_requests_total",
            "meishier_sip_responses_total",
        ];
        assert!(
            page.has(name) || appears.contains(&name),
            "no metric {name}"
        );
    }
}

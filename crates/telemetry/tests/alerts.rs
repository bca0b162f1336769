//! The shipped alerts ask for metrics that exist, and each has its tests.
//!
//! That the rules are right is promtool's to say; this keeps names from drifting apart.
#![allow(missing_docs)]

use meishier_engine::Notice;
use meishier_model::{PoolId, TrunkId};
use meishier_telemetry::{Sample, Telemetry, TelemetryNames};
use std::collections::BTreeSet;

fn deployed(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/");
    std::fs::read_to_string(format!("{path}{name}")).unwrap()
}

fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("meishier_") || word.starts_with("process_"))
        .map(|word| {
            word.trim_end_matches("_bucket")
                .trim_end_matches("_count")
                .to_owned()
        })
        .collect()
}

#[test]
fn alerts_and_their_tests_name_metrics_that_exist() {
    let telemetry = Telemetry::new(&TelemetryNames {
        trunks: vec!["telecom".into()],
        pools: vec!["city".into()],
        seats: vec![vec![PoolId(0)]],
        aliases: vec!["old".into()],
    })
    .unwrap();
    // Peers are there once they were asked.
    telemetry.notice(&Notice::Peer {
        trunk: TrunkId(0),
        address: "192.0.2.10:5060".parse().unwrap(),
        up: true,
    });
    telemetry.scrape(&Sample::default());
    let page = telemetry.render();
    for file in ["alerts.yml", "alerts_test.yml"] {
        let named = metrics_in(&deployed(file));
        assert!(named.len() > 10, "{file}");
        for metric in named {
            assert!(
                page.contains(&format!("# TYPE {metric} ")),
                "{file} asks for {metric}"
            );
        }
    }
}

#[test]
fn each_alert_is_shown_to_fire_and_to_hold_back() {
    let tests = deployed("alerts_test.yml");
    let rules = deployed("alerts.yml");
    let alerts: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() >= 8);
    for alert in alerts {
        let outcomes: Vec<&str> = tests
            .split(&format!("alertname: {alert}\n"))
            .skip(1)
            .map(|rest| rest.lines().next().unwrap().trim())
            .collect();
        assert!(
            outcomes.contains(&"exp_alerts:"),
            "{alert} is never shown to fire"
        );
        assert!(
            outcomes.contains(&"exp_alerts: []"),
            "{alert} is never shown to hold back"
        );
    }
}

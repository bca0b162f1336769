//! Both programs run together, and what they print has the keys that others read.

use serde_json::Value;
use std::process::Command;

#[test]
fn the_json_has_the_goals_and_the_tables() {
    // The second program stands beside the first.
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_meishier-queue-stalled")).is_file());
    let output = Command::new(env!("CARGO_BIN_EXE_meishier-queue-bench"))
        .args(["--json", "--least"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["match_over_floor_1t", "match_50k_over_10"] {
        assert!(found[name].as_f64().is_some_and(|it| it > 0.0), "{name}");
    }
    // Null where the queue was built without a hook.
    assert!(found.get("stalled_lock_over_lockfree_p999").is_some());
    for table in [
        "goals",
        "cycles",
        "put_backs",
        "threads",
        "stalled",
        "allocations",
    ] {
        let rows = found[table].as_array().unwrap();
        assert!(!rows.is_empty(), "{table}");
    }
    let latency = &found["threads"][1]["latency"]["all"];
    for key in ["p50_ns", "p99_ns", "p999_ns", "max_ns"] {
        assert!(latency[key].as_u64().is_some_and(|ns| ns > 0), "{key}");
    }
}

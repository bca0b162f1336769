//! The program runs, and what it prints has the keys that others read.

use serde_json::Value;
use std::process::Command;

#[test]
fn the_json_has_every_figure() {
    let output = Command::new(env!("CARGO_BIN_EXE_meishier-routing-bench"))
        .args(["--json", "--quick"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figures = [
        "decision_ns",
        "linear_ns",
        "linear_over_compiled",
        "load_ms",
        "segment_ns",
        "segments_load_ms",
    ];
    for name in figures {
        assert!(found[name].as_f64().is_some_and(|it| it > 0.0), "{name}");
    }
    assert_eq!(found["allocations"].as_u64(), Some(0));
    for table in ["kinds", "goals"] {
        let rows = found[table].as_array().unwrap();
        assert!(!rows.is_empty(), "{table}");
    }
    assert!(
        found["sizes"]["routes"]
            .as_u64()
            .is_some_and(|it| it > 1_000)
    );
}

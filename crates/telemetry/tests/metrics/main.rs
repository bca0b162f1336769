//! The page says what the notices and samples said.
#![allow(missing_docs)]

mod calls;
mod facts;
mod samples;

use meishier_model::{CallId, PoolId};
use meishier_telemetry::{Telemetry, TelemetryNames};
use std::sync::Arc;

const CALL: CallId = CallId(1);

fn telemetry() -> Arc<Telemetry> {
    Telemetry::new(&TelemetryNames {
        trunks: vec!["telecom".into(), "mobile".into()],
        pools: vec!["city".into(), "province".into()],
        seats: vec![vec![PoolId(0)], vec![PoolId(0), PoolId(1)], vec![PoolId(1)]],
        aliases: vec!["old".into()],
    })
    .unwrap()
}

/// The value of the line that begins with `series` (name and labels as rendered).
fn value(page: &str, series: &str) -> f64 {
    let line = page
        .lines()
        .find(|line| {
            line.strip_prefix(series)
                .is_some_and(|rest| rest.starts_with(' '))
        })
        .unwrap_or_else(|| panic!("no {series} in\n{page}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

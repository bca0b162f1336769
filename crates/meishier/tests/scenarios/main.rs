//! Every shipped configuration takes real calls: SIP and RTP on loopback, the engine on its own
//! threads, telephones of another implementation; tables in `deploy/scenarios`.
//!
//! ```text
//!   deploy/scenarios/NAME.toml ─► table ─► play: call by call ─► who rang, what the record says
//!   deploy/NAME.toml ─► hall: the engine, its trunks and its seats' telephones
//! ```

mod hall;
mod play;
mod table;

use std::path::{Path, PathBuf};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

async fn plays(name: &str) {
    let table = table::read(&deploy().join("scenarios").join(format!("{name}.toml")));
    let hall = hall::Hall::open(&deploy().join(&table.config), &table).await;
    play::all(hall, &table).await;
}

macro_rules! scenarios {
    ($($name:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                plays(stringify!($name)).await;
            }
        )*

        /// Files with a test of their own above.
        const PLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios!(
    beijing, guangzhou, guizhou, nation, referral, shanghai, zhuzhou
);

#[test]
fn every_scenario_is_played() {
    let mut names: Vec<String> = std::fs::read_dir(deploy().join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let played: Vec<String> = PLAYED.iter().map(|name| format!("{name}.toml")).collect();
    assert_eq!(names, played);
}

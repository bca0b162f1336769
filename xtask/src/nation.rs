//! `cargo xtask nation`: writes `deploy/nation/`, a configuration for 31 provinces with 1,000 seats.
//!
//! The same input gives the same files, byte for byte; a test holds the committed ones against it.
//!
//! ```text
//!   facts ──┐
//!           ├─► shares: seats by people ─► province: its own pool, its cities' ─► text ─► one file each
//!   regions ┘
//! ```

mod facts;
mod share;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Every file by its path below `deploy/nation`.
fn files() -> Vec<(String, String)> {
    let provinces = share::provinces();
    let mut out = vec![
        ("main.toml".to_owned(), text::main(&provinces)),
        ("default.toml".to_owned(), text::default().to_owned()),
    ];
    out.extend(provinces.iter().zip(1..).map(|(province, number)| {
        let facts = province.facts;
        let name = format!("provinces/{}-{}.toml", facts.adcode / 10_000, facts.label);
        (name, text::province(province, number))
    }));
    out
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nation")
}

/// Writes the files.
pub fn write() -> ExitCode {
    let folder = folder();
    for (name, text) in files() {
        let path = folder.join(&name);
        let parent = path.parent().unwrap_or(&folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    println!("{}", share::summary(&share::provinces()));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_committed_is_what_is_written() {
        let files = files();
        for (name, text) in &files {
            let committed = std::fs::read_to_string(folder().join(name)).unwrap_or_default();
            assert!(committed == *text, "{name}: run cargo xtask nation");
        }
        let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        for sub in ["", "provinces/"] {
            for entry in std::fs::read_dir(folder().join(sub)).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{sub}{}", entry.file_name().to_string_lossy());
                let known = entry.path().is_dir() || names.contains(name.as_str());
                assert!(known, "{name} is not written by cargo xtask nation");
            }
        }
    }

    #[test]
    fn the_nation_has_its_figures() {
        let provinces = share::provinces();
        let seats: u32 = provinces.iter().map(share::Province::seats).sum();
        assert_eq!((provinces.len(), seats), (31, facts::SEATS));
        let lines: u32 = provinces
            .iter()
            .flat_map(|it| &it.pools)
            .map(|it| it.most_lines())
            .sum();
        assert!(lines > 500, "{lines}");
        let people: u32 = provinces
            .iter()
            .flat_map(|it| &it.pools)
            .map(|it| it.people())
            .sum();
        assert!((7_500..8_000).contains(&people), "nearly 8,000: {people}");
        // Every city that is not within another one is of a province, and none has one seat.
        assert!(
            provinces
                .iter()
                .flat_map(|it| &it.pools)
                .all(|pool| pool.seats >= 2)
        );
    }
}

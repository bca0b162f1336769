//! Writes the document of callers who are answered: `study [--days D]`, to the standard output.

mod disk;

use disk::Disk;
use meishier_sim::study::{Nation, document};
use std::path::Path;
use std::process::ExitCode;

/// Counted days of each run.
const DAYS: u32 = 14;

fn wanted() -> Result<u32, String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => Ok(DAYS),
        ["--days", days] => days.parse().map_err(|_| format!("not a number: {days:?}")),
        _ => Err("study [--days D]".to_owned()),
    }
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nation");
    let text = wanted().and_then(|days| document(&Nation::read(&mut Disk(folder.clone()))?, days));
    match text {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

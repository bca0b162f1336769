//! The shipped nation, read from the disk as the program reads it.

use meishier_config::{Entry, Files, Lang, Source, Sources, Unreadable};
use std::hint::black_box;
use std::path::Path;

use crate::clock::{median, timed};
use crate::measure::ms;

const MAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/nation/main.toml");

struct Disk;

fn why(error: &std::io::Error) -> Unreadable {
    Unreadable {
        message_zh: error.to_string(),
        message_en: error.to_string(),
    }
}

impl Files for Disk {
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable> {
        let entries = std::fs::read_dir(folder).map_err(|error| why(&error))?;
        let entry = |it: std::io::Result<std::fs::DirEntry>| {
            let it = it.map_err(|error| why(&error))?;
            Ok(Entry {
                name: it.file_name().to_string_lossy().into_owned(),
                is_folder: it.path().is_dir(),
            })
        };
        entries.map(entry).collect()
    }

    fn text(&mut self, name: &str, _: usize) -> Result<String, Unreadable> {
        std::fs::read_to_string(Path::new(name)).map_err(|error| why(&error))
    }
}

/// ms from the files to a configuration, the median of some rounds.
///
/// # Errors
/// If the shipped files cannot be read or hold a mistake.
pub fn load(rounds: usize) -> Result<f64, String> {
    let mut all = Vec::new();
    for _ in 0..rounds.max(1) {
        let (took, read) = timed(|| {
            let name = MAIN.to_owned();
            let text = std::fs::read_to_string(&name).map_err(|error| error.to_string())?;
            let sources = Sources::gather(vec![Source { name, text }], &mut Disk);
            let read = sources.parse(None);
            read.map_err(|errors| sources.render(&errors, Lang::En))
        });
        black_box(read?);
        all.push(ms(took));
    }
    Ok(median(all))
}

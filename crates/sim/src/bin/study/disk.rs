//! Files of the shipped table as they lie on the disk; the library opens none.

use meishier_config::{Entry, Files, Unreadable};
use std::path::PathBuf;

/// Files below a folder.
pub struct Disk(pub PathBuf);

fn unreadable(error: &std::io::Error) -> Unreadable {
    Unreadable {
        message_zh: format!("{error}"),
        message_en: format!("{error}"),
    }
}

impl Files for Disk {
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable> {
        let list = std::fs::read_dir(self.0.join(folder)).map_err(|it| unreadable(&it))?;
        let mut out = Vec::new();
        for entry in list {
            let entry = entry.map_err(|it| unreadable(&it))?;
            out.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_folder: entry.path().is_dir(),
            });
        }
        Ok(out)
    }

    fn text(&mut self, name: &str, _: usize) -> Result<String, Unreadable> {
        std::fs::read_to_string(self.0.join(name)).map_err(|it| unreadable(&it))
    }
}

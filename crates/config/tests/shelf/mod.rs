//! Files of a configuration without a disk.
#![allow(dead_code, reason = "not every test uses all of it")]

use meishier_config::{Entry, Files, Source, Sources, Unreadable};
use std::collections::BTreeMap;

/// A configuration without mistakes.
pub const SMALL: &str = include_str!("../data/small.toml");

/// Files of a test, by their paths.
#[derive(Clone, Default)]
pub struct Shelf(pub BTreeMap<String, String>);

impl Shelf {
    pub fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Self(files.iter().map(owned).collect())
    }

    pub fn sources(mut self, main: &str) -> Sources {
        let text = self.0[main].clone();
        let name = main.to_owned();
        Sources::gather(vec![Source { name, text }], &mut self)
    }
}

fn not_there(name: &str) -> Unreadable {
    Unreadable {
        message_zh: format!("无法读取 {name}"),
        message_en: format!("{name} cannot be read"),
    }
}

impl Files for Shelf {
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable> {
        let start = if folder.is_empty() || folder.ends_with('/') {
            folder.to_owned()
        } else {
            format!("{folder}/")
        };
        let mut out = Vec::new();
        // Backwards: the order is not the shelf's to keep.
        for path in self.0.keys().rev().filter_map(|it| it.strip_prefix(&start)) {
            let (name, is_folder) = match path.split_once('/') {
                Some((name, _)) => (name, true),
                None => (path, false),
            };
            let name = name.to_owned();
            if !out.iter().any(|it: &Entry| it.name == name) {
                out.push(Entry { name, is_folder });
            }
        }
        if out.is_empty() {
            return Err(not_there(folder));
        }
        Ok(out)
    }

    fn text(&mut self, name: &str, most: usize) -> Result<String, Unreadable> {
        let text = self.0.get(name).ok_or_else(|| not_there(name))?;
        Ok(text.chars().take(most + 1).collect())
    }
}

/// A configuration of four files with mistakes in each.
pub fn wrong() -> Shelf {
    Shelf::of(&[
        ("main.toml", include_str!("../data/files/main.toml")),
        (
            "guizhou/a-pools.toml",
            include_str!("../data/files/guizhou/a-pools.toml"),
        ),
        (
            "guizhou/b-seats.toml",
            include_str!("../data/files/guizhou/b-seats.toml"),
        ),
        ("people.toml", include_str!("../data/files/people.toml")),
    ])
}

/// The small file cut into the main part and one file for each kind of section.
pub fn cut() -> Shelf {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    let mut now = "main";
    for line in SMALL.lines() {
        if let Some(kind) = line.strip_prefix("[[") {
            now = kind.split([']', '.']).next().unwrap();
        } else if line.starts_with('[') {
            now = "main";
        }
        *files.entry(now).or_default() += &format!("{line}\n");
    }
    let include = "include = [\"many/*.toml\"]\n";
    let path = |kind: &str| match kind {
        "main" => "conf/main.toml".to_owned(),
        kind => format!("conf/many/{kind}.toml"),
    };
    let files = files.iter().map(|(kind, text)| {
        let head = if *kind == "main" { include } else { "" };
        (path(kind), format!("{head}{text}"))
    });
    Shelf(files.collect())
}

//! A configuration for the tools that ask it questions, with where its rules stand.

use crate::files;
use meishier_config::{Config, Lang, Sources};
use meishier_routing::Rule;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A configuration and its files.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    sources: Sources,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

impl Loaded {
    /// Reads a configuration. What is wrong is told on standard error, and there is none; doubts are
    /// told by `meishier check` alone.
    pub fn read(path: &Path, lang: Option<Lang>) -> Option<Self> {
        // Files that cannot be read have no language of their own to go by.
        let lang = lang.unwrap_or_default();
        let sources = match files::read(path) {
            Ok(sources) => sources,
            Err(failures) => {
                for why in &failures {
                    eprintln!("{}", files::words(why, lang));
                }
                return None;
            }
        };
        let today = meishier_net::Clock::system().wall();
        match sources.parse(Some(today)) {
            Ok((config, _)) => Some(Self { config, sources }),
            Err(mistakes) => {
                eprint!("{}", sources.render(&mistakes, lang));
                None
            }
        }
    }

    /// Which version of the files this is.
    pub fn table(&self) -> &str {
        &self.config.table_hash
    }

    /// Texts of all files in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.sources.files().iter().map(|it| it.text.as_str())
    }

    /// Where a rule stands; `None` for what follows from the data alone.
    pub fn place(&self, rule: Rule) -> Option<Place> {
        let span = self.config.rule_places.of(rule)?;
        let place = self.sources.place(span.start);
        Some(Place {
            file: place.file.to_owned(),
            line: place.line,
        })
    }
}

/// The texts of a key: one, or a list.
pub fn strings<'t>(table: &'t DeTable<'_>, key: &str) -> Vec<&'t str> {
    let found = table.get(key).map(|it| it.get_ref());
    match found {
        Some(DeValue::String(text)) => vec![text],
        Some(DeValue::Array(list)) => list.iter().filter_map(|it| it.get_ref().as_str()).collect(),
        _ => Vec::new(),
    }
}

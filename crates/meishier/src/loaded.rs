//! A configuration for the tools that ask it questions, with where its rules stand.

use crate::check;
use meishier_config::{Config, Lang};
use meishier_routing::Rule;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A configuration and its text.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    name: String,
    text: String,
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
    /// Reads a configuration. What is wrong is drawn on standard error, and there is none.
    pub fn read(path: &Path, lang: Option<Lang>) -> Option<Self> {
        let (config, _) = check::load(path, lang)?;
        // The text that was just read; if it has gone in between, only places are unknown.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let name = path.display().to_string();
        Some(Self { config, name, text })
    }

    /// Which version of the files this is: the first 16 hexadecimal digits of their SHA-256.
    pub fn table(&self) -> String {
        let hash = Sha256::digest(self.text.as_bytes());
        hash.iter().take(8).fold(String::new(), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
    }

    /// Names of the tags that may be noted of callers, in order.
    pub fn tags(&self) -> Vec<String> {
        let document = DeTable::parse(&self.text);
        let names = document.iter().flat_map(|it| strings(it.get_ref(), "tags"));
        names.map(str::to_owned).collect()
    }

    /// Texts of all files in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str())
    }

    /// Where a rule stands; `None` for what follows from the data alone.
    pub fn place(&self, rule: Rule) -> Option<Place> {
        let span = span_of(&self.text, rule)?;
        let (line, _) = meishier_config::place(&self.text, span.start);
        let file = self.name.clone();
        Some(Place { file, line })
    }
}

fn span_of(text: &str, rule: Rule) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let top = document.get_ref();
    let entry = |key: &str, at: u16| {
        let list = top.get(key)?.get_ref().as_array()?;
        Some(list.get(usize::from(at))?.span())
    };
    match rule {
        Rule::Route(at) => entry("routes", at),
        Rule::Default(_) => {
            let routing = top.get("routing")?.get_ref().as_table()?;
            Some(routing.get("default")?.span())
        }
        Rule::Area(at) => entry("areas", at),
        Rule::Alias(at) => entry("aliases", at),
        Rule::Preference(at) => entry("preferences", at),
        Rule::Listed(at) => {
            let list = top.get("numbers")?.get_ref().as_array()?;
            let mut left = usize::from(at);
            let mut entries = list.iter().filter_map(|it| Some((it, it.get_ref().as_table()?)));
            let holds = |(_, it): &(_, &DeTable<'_>)| {
                let numbers = it.get("numbers").and_then(|it| it.get_ref().as_array());
                let count = numbers.map_or(1, |list| list.len());
                let here = left < count;
                left = left.saturating_sub(count);
                here
            };
            Some(entries.find(holds)?.0.span())
        }
        Rule::Risk(_) => Some(top.get("risk")?.span()),
        Rule::Nuisance(_) => Some(top.get("nuisance")?.span()),
        Rule::Redial => Some(top.get("redial")?.span()),
        Rule::Ambiguous => None,
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

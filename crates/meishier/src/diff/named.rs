//! Numbers, hours and trunks that either configuration names: where its decisions may turn.

use crate::loaded::{Loaded, strings};
use meishier_routing::Hours;
use std::collections::BTreeSet;
use toml::de::DeTable;

/// Most conditions that are taken from both files together.
const MOST: usize = 8192;

/// What one rule asks of a call, as the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// A number that is dialled.
    pub called: Option<String>,
    /// First digits of the caller's number.
    pub caller: Option<String>,
    /// First characters of a cell's identity.
    pub cell: Option<String>,
    /// A trunk.
    pub trunk: Option<String>,
}

/// Everything named.
#[derive(Debug, Default)]
pub struct Named {
    /// What rules ask of calls.
    pub asked: BTreeSet<Asked>,
    /// Trunks that some rule, block or area code tells apart.
    pub trunks: BTreeSet<String>,
    /// Trunks with the area codes of their local numbers.
    pub codes: BTreeSet<(String, String)>,
    /// Minutes of the day at which the hours of a rule begin or end.
    pub minutes: BTreeSet<u16>,
    /// True if some rule looks at days by itself.
    pub by_day: bool,
    /// Tags.
    pub tags: BTreeSet<String>,
}

impl Named {
    /// What both configurations name.
    pub fn of(both: [&Loaded; 2]) -> Self {
        let mut out = Self::default();
        for loaded in both {
            for text in loaded.texts() {
                // The file has been read without a mistake a moment ago.
                if let Ok(document) = DeTable::parse(text) {
                    out.read(document.get_ref());
                }
            }
        }
        out
    }

    fn read(&mut self, top: &DeTable<'_>) {
        for key in [
            "routes",
            "preferences",
            "blocks",
            "aliases",
            "cells",
            "trunks",
        ] {
            let list = top.get(key).and_then(|it| it.get_ref().as_array());
            for entry in list.into_iter().flatten() {
                if let Some(entry) = entry.get_ref().as_table() {
                    self.entry(key, entry);
                }
            }
        }
    }

    fn entry(&mut self, key: &str, entry: &DeTable<'_>) {
        match key {
            "aliases" => self.ask(&strings(entry, "number"), &[], &[], &[]),
            "cells" => self.ask(&[], &[], &strings(entry, "prefix"), &[]),
            "trunks" => {
                for code in strings(entry, "area_code") {
                    for name in strings(entry, "name") {
                        self.trunks.insert(name.to_owned());
                        self.codes.insert((name.to_owned(), code.to_owned()));
                    }
                }
            }
            _ => {
                let (called, callers) = (strings(entry, "called"), strings(entry, "callers"));
                self.ask(&called, &callers, &[], &strings(entry, "trunks"));
                self.tags
                    .extend(strings(entry, "tags").into_iter().map(str::to_owned));
                self.time(entry);
            }
        }
    }

    /// Each of the lists in turn with the first of the others, as the rule wants them together.
    fn ask(&mut self, called: &[&str], callers: &[&str], cells: &[&str], trunks: &[&str]) {
        self.trunks.extend(trunks.iter().map(|it| (*it).to_owned()));
        let longest = called
            .len()
            .max(callers.len())
            .max(cells.len())
            .max(trunks.len());
        let at = |list: &[&str], at: usize| {
            let found = list.get(at).or(list.first());
            found.map(|it| (*it).to_owned())
        };
        for place in 0..longest {
            if self.asked.len() < MOST {
                self.asked.insert(Asked {
                    called: at(called, place),
                    caller: at(callers, place),
                    cell: at(cells, place),
                    trunk: at(trunks, place),
                });
            }
        }
    }

    /// First digits of local numbers that are told apart on trunks with an area code.
    pub fn locals(&self) -> BTreeSet<(&String, String)> {
        let asked = self.asked.iter().filter_map(|it| it.caller.as_deref());
        let callers: Vec<String> = asked.map(|it| it.replace('-', "")).collect();
        let of_trunk = self.codes.iter().flat_map(|(trunk, code)| {
            let locals = callers
                .iter()
                .filter_map(|it| it.strip_prefix(code.as_str()));
            locals.map(move |local| (trunk, local.to_owned()))
        });
        of_trunk
            .filter(|(_, it)| !it.is_empty())
            .take(MOST)
            .collect()
    }

    fn time(&mut self, entry: &DeTable<'_>) {
        let hours = strings(entry, "hours");
        self.by_day |= entry.contains_key("days");
        for hours in hours.into_iter().filter_map(|it| Hours::parse(it).ok()) {
            self.minutes
                .extend([hours.start() % 1440, hours.end() % 1440]);
        }
    }
}

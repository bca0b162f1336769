//! Numbers of which people have said something, found by the caller's number.

use meishier_model::{CounsellorId, Wall};
use std::collections::BTreeMap;

use crate::number::Number;
use crate::place::prefixes::{Key, Prefixes};
use crate::policy::Listed;
use crate::source::Tags;

/// One entry without its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub risk: bool,
    pub nuisance: bool,
    pub counsellor: Option<CounsellorId>,
    pub tags: Tags,
    pub until: Option<Wall>,
}

/// All entries by number.
#[derive(Clone, Default)]
pub(crate) struct Lists {
    /// Numbers in normal form with the places of their entries, ascending.
    numbers: Prefixes<Box<[u16]>>,
    entries: Vec<Entry>,
}

impl std::fmt::Debug for Lists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lists")
            .field("entries", &self.entries.len())
            .finish()
    }
}

impl Lists {
    pub fn new(listed: &[Listed]) -> Self {
        let mut numbers = BTreeMap::<Box<[u8]>, Vec<u16>>::new();
        for (it, at) in listed.iter().zip(0..) {
            let number = Number::new(&it.number);
            // A number that is none says nothing of those who withhold theirs.
            if !number.as_bytes().is_empty() {
                numbers
                    .entry(number.as_bytes().into())
                    .or_default()
                    .push(at);
            }
        }
        let entries = listed.iter().map(|it| Entry {
            risk: it.risk,
            nuisance: it.nuisance,
            counsellor: it.counsellor,
            tags: it.tags,
            until: it.until,
        });
        let numbers = numbers.into_iter();
        Self {
            numbers: Prefixes::new(numbers.map(|(number, list)| (number, list.into()))),
            entries: entries.collect(),
        }
    }

    /// What is said of a number, in the file's order.
    pub fn of(&self, number: Key<'_>) -> impl Iterator<Item = (u16, &Entry)> {
        let list = self
            .numbers
            .get(number)
            .into_iter()
            .flat_map(|list| list.iter());
        list.filter_map(|at| Some((*at, self.entries.get(usize::from(*at))?)))
    }
}

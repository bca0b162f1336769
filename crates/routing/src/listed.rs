//! Numbers of which people have said something, found by the caller's number.

use meishier_model::{CounsellorId, Wall};

use crate::number::Number;
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
    /// Numbers in normal form with the place of their entry, ascending.
    numbers: Vec<(Box<[u8]>, u16)>,
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
        let normal = |it: &Listed| Box::<[u8]>::from(Number::new(&it.number).as_bytes());
        // A number that is none says nothing of those who withhold theirs.
        let mut numbers: Vec<_> = listed
            .iter()
            .map(normal)
            .zip(0..)
            .filter(|(number, _)| !number.is_empty())
            .collect();
        numbers.sort_unstable();
        let entries = listed.iter().map(|it| Entry {
            risk: it.risk,
            nuisance: it.nuisance,
            counsellor: it.counsellor,
            tags: it.tags,
            until: it.until,
        });
        Self {
            numbers,
            entries: entries.collect(),
        }
    }

    /// What is said of a number, in the file's order.
    pub fn of<'a>(&'a self, number: &'a [u8]) -> impl Iterator<Item = (u16, &'a Entry)> {
        let from = self.numbers.partition_point(|(it, _)| **it < *number);
        let rest = self.numbers.get(from..).unwrap_or_default().iter();
        rest.take_while(move |(it, _)| **it == *number)
            .filter_map(|(_, at)| Some((*at, self.entries.get(usize::from(*at))?)))
    }
}

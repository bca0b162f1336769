//! What is going to happen when: the virtual clock's calendar.

use meishier_model::Mono;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Events in the order of their moments; those of one moment in the order in which they were put
/// down.
#[derive(Debug)]
pub struct Agenda<T> {
    entries: BinaryHeap<Reverse<Entry<T>>>,
    count: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Mono,
    number: u64,
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            entries: BinaryHeap::new(),
            count: 0,
        }
    }
}

impl<T> Agenda<T> {
    /// Puts an event down.
    pub fn put(&mut self, at: Mono, what: T) {
        self.count += 1;
        let number = self.count;
        self.entries.push(Reverse(Entry { at, number, what }));
    }

    /// The moment of the next event.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes the next event.
    pub fn take(&mut self) -> Option<(Mono, T)> {
        self.entries
            .pop()
            .map(|Reverse(entry)| (entry.at, entry.what))
    }

    /// How many events are put down.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if nothing is going to happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

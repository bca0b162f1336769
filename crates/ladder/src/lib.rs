//! Draws the messages of one call as a ladder of text: parties as columns, messages as arrows.
//!
//! What lives here: the drawing, from plain data. What may not: knowledge of where the messages
//! come from (simulator, records, captures), files, clocks.
//!
//! ```text
//!              caller             engine               s01
//!                │                  │                  │
//!   +0.000       │── INVITE sdp ───►│                  │
//!   +0.002       │                  │── INVITE sdp ───►│
//!   +0.003       │◄─ 100 (INVITE) ──│                  │
//!   +0.500       │                  │ x- 180 (INVITE) -│
//!   +9.700       │                  │                  ◆ vanishes
//! ```

mod draw;
mod sip;

pub use sip::label_of_sip;

use std::time::Duration;

/// What happened between the parties, in the order of time; [`std::fmt::Display`] draws it.
///
/// Names and labels are shown as they are, control characters apart: whoever fills a ladder keeps
/// telephone numbers out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    parties: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    at: Duration,
    kind: Kind,
    text: String,
}

/// Numbers are indices of parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Message { from: usize, to: usize, lost: bool },
    Note { party: usize },
}

impl Ladder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a party its column, right of those that have one. Without this, columns stand in the
    /// order in which parties are first named.
    pub fn party(&mut self, name: &str) {
        self.column(name);
    }

    /// A message that arrived, or may yet. `at` counts from any beginning; the drawing shows the
    /// time since the first step. A message to its own sender is drawn as a note.
    pub fn message(&mut self, at: Duration, from: &str, to: &str, label: &str) {
        self.push(at, from, to, label, false);
    }

    /// A message that never arrived.
    pub fn lost(&mut self, at: Duration, from: &str, to: &str, label: &str) {
        self.push(at, from, to, label, true);
    }

    /// Something that happened at one party.
    pub fn note(&mut self, at: Duration, at_party: &str, text: &str) {
        let party = self.column(at_party);
        self.steps.push(Step {
            at,
            kind: Kind::Note { party },
            text: clean(text),
        });
    }

    /// How many messages and notes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// True if nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn push(&mut self, at: Duration, from: &str, to: &str, label: &str, lost: bool) {
        let (from, to) = (self.column(from), self.column(to));
        let kind = if from == to {
            Kind::Note { party: from }
        } else {
            Kind::Message { from, to, lost }
        };
        self.steps.push(Step {
            at,
            kind,
            text: clean(label),
        });
    }

    fn column(&mut self, name: &str) -> usize {
        let name = clean(name);
        let known = self.parties.iter().position(|p| *p == name);
        known.unwrap_or_else(|| {
            self.parties.push(name);
            self.parties.len() - 1
        })
    }
}

/// A label that came from a stranger must not steer the reader's terminal.
fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).collect()
}

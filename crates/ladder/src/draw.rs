//! The picture: a line a step, laid out in cells of one terminal column.

use crate::{Kind, Ladder, Step};
use std::fmt;
use std::time::Duration;

/// Cells left of the first column, for the time.
const MARGIN: usize = 18;
/// Cells from one column to the next.
const PITCH: std::ops::RangeInclusive<usize> = 18..=30;
/// Cells of an arrow that its label may not take: head, and a line at both ends.
const SHAFT: usize = 6;
/// Most cells of a note.
const NOTE: usize = 100;

/// Cells that a character takes in a terminal: two for those of East Asia (Unicode annex 11).
fn width_of(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// The text, cut to this many cells.
fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += width_of(c);
        if used > most {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// One line; a character of two cells leaves the next one empty.
struct Line(Vec<Option<char>>);

impl Line {
    fn new(length: usize) -> Self {
        Self(vec![Some(' '); length])
    }

    fn put(&mut self, at: usize, text: &str) {
        let mut at = at;
        for c in text.chars() {
            let cells = width_of(c);
            if self.0.len() < at + cells {
                self.0.resize(at + cells, Some(' '));
            }
            self.0[at] = Some(c);
            self.0[at + 1..at + cells].fill(None);
            at += cells;
        }
    }

    fn fill(&mut self, cells: std::ops::Range<usize>, c: char) {
        self.0[cells].fill(Some(c));
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.0.iter().flatten().collect();
        writeln!(f, "{}", text.trim_end())
    }
}

/// Where the columns stand.
struct Layout {
    pitch: usize,
    columns: usize,
}

impl Layout {
    fn of(ladder: &Ladder) -> Self {
        let label = |step: &Step| match step.kind {
            Kind::Message { from, to, .. } => (width(&step.text) + SHAFT) / from.abs_diff(to) + 1,
            Kind::Note { .. } => 0,
        };
        let widest = ladder.steps.iter().map(label).max().unwrap_or(0);
        let names = ladder.parties.iter().map(|name| width(name) + 2).max();
        let pitch = widest.max(names.unwrap_or(0));
        Self {
            pitch: pitch.clamp(*PITCH.start(), *PITCH.end()),
            columns: ladder.parties.len(),
        }
    }

    /// The cell of a column.
    fn at(&self, column: usize) -> usize {
        MARGIN + column * self.pitch
    }

    fn bare(&self) -> Line {
        let mut line = Line::new(self.at(self.columns.saturating_sub(1)) + 1);
        for column in 0..self.columns {
            line.put(self.at(column), "│");
        }
        line
    }

    fn heads(&self, parties: &[String]) -> Line {
        let mut line = Line::new(0);
        for (column, name) in parties.iter().enumerate() {
            let name = cut(name, self.pitch - 2);
            line.put(self.at(column).saturating_sub(width(&name) / 2), &name);
        }
        line
    }

    fn step(&self, step: &Step, since: Duration) -> Line {
        let mut line = self.bare();
        let time = format!("+{}.{:03}", since.as_secs(), since.subsec_millis());
        line.put(2, &cut(&time, MARGIN - 4));
        match step.kind {
            Kind::Note { party } => {
                line.put(self.at(party), &format!("◆ {}", cut(&step.text, NOTE)));
            }
            Kind::Message { from, to, lost } => self.arrow(&mut line, from, to, lost, &step.text),
        }
        line
    }

    /// The arrow between two columns. One that is lost ends before it gets there.
    fn arrow(&self, line: &mut Line, from: usize, to: usize, lost: bool, label: &str) {
        let (left, right) = (self.at(from.min(to)) + 1, self.at(from.max(to)));
        let rightward = from < to;
        line.fill(left..right, if lost { '-' } else { '─' });
        match (rightward, lost) {
            (true, false) => line.put(right - 1, "►"),
            (true, true) => line.put(right - 2, "x "),
            (false, false) => line.put(left, "◄"),
            (false, true) => line.put(left, " x"),
        }
        if label.is_empty() {
            return;
        }
        let label = format!(" {} ", cut(label, right - left - SHAFT));
        // The head takes one cell of its side.
        let free = right - left - width(&label) - 1;
        let start = if rightward { free / 2 } else { free / 2 + 1 };
        line.put(left + start, &label);
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Layout::of(self);
        layout.heads(&self.parties).write(f)?;
        layout.bare().write(f)?;
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by_key(|step| step.at);
        let first = steps.first().map_or(Duration::ZERO, |step| step.at);
        for step in steps {
            layout.step(step, step.at - first).write(f)?;
        }
        Ok(())
    }
}

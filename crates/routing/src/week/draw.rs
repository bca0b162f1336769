//! The week as text: a row for each day, a cell for each half hour, the holes below.

use jiff::civil::Date;
use std::fmt::Write;

use super::{Hole, Week, WeekDay};
use crate::calendar::short_weekday_names;
use crate::hours::DAY;

/// Minutes of a cell.
const CELL: u16 = 30;

#[derive(Clone, Copy)]
enum Tongue {
    Chinese,
    English,
}

impl Tongue {
    /// The one of both.
    fn of<'a>(self, (zh, en): (&'a str, &'a str)) -> &'a str {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }
}

impl Week {
    /// The drawing in Chinese and in English.
    #[must_use]
    pub fn draw(&self) -> (String, String) {
        (self.draw_zh(), self.draw_en())
    }

    /// The drawing in Chinese, several lines, the last with its line break.
    #[must_use]
    pub fn draw_zh(&self) -> String {
        self.drawn(Tongue::Chinese)
    }

    /// The drawing in English.
    #[must_use]
    pub fn draw_en(&self) -> String {
        self.drawn(Tongue::English)
    }

    fn drawn(&self, tongue: Tongue) -> String {
        let mut text = String::new();
        let labels: Vec<String> = self.days.iter().map(|day| label(day, tongue)).collect();
        let indent = labels.iter().map(|label| width(label)).max().unwrap_or(0) + 2;
        let cell = self.most_lines.to_string().len();
        text.push_str(&self.heading(cell, tongue));
        text.push('\n');
        text.push_str(&ruler(indent, cell));
        text.push('\n');
        for (day, label) in self.days.iter().zip(&labels) {
            let pad = indent.saturating_sub(width(label));
            let _ = write!(text, "{label}{:pad$}{}", "", cells(day, cell));
            let open = clock(day.open);
            let _ = match tongue {
                Tongue::Chinese => write!(text, "  开放 {open}"),
                Tongue::English => write!(text, "  open {open}"),
            };
            for reason in &day.reasons {
                let reason = reason.replace(char::is_control, " ");
                let reason = reason.trim();
                let _ = match tongue {
                    Tongue::Chinese => write!(text, "  ！特殊安排：{reason}"),
                    Tongue::English => write!(text, "  ! exceptional: {reason}"),
                };
            }
            text.push('\n');
        }
        self.footer(&mut text, tongue);
        text
    }

    fn heading(&self, cell: usize, tongue: Tongue) -> String {
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else {
            return String::new();
        };
        let (first, last) = (first.date, last.date);
        let wide = cell > 1;
        match (tongue, wide) {
            (Tongue::Chinese, false) => format!(
                "{first} 至 {last}（每格半小时，数字为线路数，· 为关闭；半小时内有变时取较少者）"
            ),
            (Tongue::Chinese, true) => format!(
                "{first} 至 {last}（每 {cell} 字为半小时，数字为线路数，- 为不变，· 为关闭；半小时内有变时取较少者）"
            ),
            (Tongue::English, false) => format!(
                "{first} to {last} (a cell is half an hour: number of lines, · closed; the fewest of the half hour)"
            ),
            (Tongue::English, true) => format!(
                "{first} to {last} ({cell} columns are half an hour: number of lines, - unchanged, · closed; the fewest of the half hour)"
            ),
        }
    }

    fn footer(&self, text: &mut String, tongue: Tongue) {
        let (open, lines) = (clock(self.open), self.most_lines);
        let count = self.holes.len();
        let _ = match tongue {
            Tongue::Chinese => writeln!(text, "全周开放 {open}，最多 {lines} 条线路"),
            Tongue::English => writeln!(text, "open {open} in the week, at most {lines} lines"),
        };
        let _ = match (tongue, count) {
            (Tongue::Chinese, 0) => writeln!(text, "没有空档"),
            (Tongue::English, 0) => writeln!(text, "no holes"),
            (Tongue::Chinese, _) => writeln!(text, "空档 {count} 处（没有一条线路开放）："),
            (Tongue::English, _) => writeln!(text, "holes without any line: {count}"),
        };
        for hole in &self.holes {
            let _ = writeln!(text, "  {}", self.hole(hole, tongue));
        }
    }

    /// `10-05 周一 节假日 国庆节 02:00 – 08:00（6:00）`
    fn hole(&self, hole: &Hole, tongue: Tongue) -> String {
        let day = |date: Date| {
            let day = self.days.iter().find(|day| day.date == date);
            day.map_or_else(String::new, |day| label(day, tongue))
        };
        let (from, to) = (clock(hole.from_minute), clock(hole.to_minute));
        let hours = clock(hole.minutes);
        let to = if hole.to == hole.from {
            to
        } else {
            format!("{} {to}", day(hole.to))
        };
        let from = format!("{} {from}", day(hole.from));
        match tongue {
            Tongue::Chinese => format!("{from} – {to}（共 {hours}）"),
            Tongue::English => format!("{from} – {to} ({hours} hours)"),
        }
    }
}

/// `10-05 周一 节假日 国庆节`
fn label(day: &WeekDay, tongue: Tongue) -> String {
    let (month, date) = (day.date.month(), day.date.day());
    let weekday = tongue.of(short_weekday_names(day.day.weekday));
    let kind = tongue.of(day.day.kind_names());
    let mut text = format!("{month:02}-{date:02} {weekday} {kind}");
    if let Some((zh, en)) = &day.name {
        let name = tongue.of((zh, en));
        text.push(' ');
        text.push_str(&name.replace(char::is_control, " "));
    }
    text
}

/// `00  02  04 …` above the cells.
fn ruler(indent: usize, cell: usize) -> String {
    let mut text = " ".repeat(indent);
    let columns = 2 * 60 / usize::from(CELL) * cell;
    for hour in (0..24).step_by(2) {
        let _ = write!(text, "{:<columns$}", format!("{hour:02}"));
    }
    text.push_str("24");
    text
}

/// The cells of a day, each `cell` columns. One column: the digit in each. More: the number where
/// it begins, then `-` while it stays, as digits side by side would run into one another.
fn cells(day: &WeekDay, cell: usize) -> String {
    let mut text = String::with_capacity(usize::from(DAY / CELL) * cell * 2);
    let mut shown = None;
    for from in (0..DAY).step_by(usize::from(CELL)) {
        let within = day.spans.iter();
        let within = within.filter(|span| span.from < from + CELL && from < span.to);
        let lines = within.map(|span| span.lines).min().unwrap_or(0);
        match lines {
            0 => text.push_str(&"·".repeat(cell)),
            _ if cell == 1 => {
                let _ = write!(text, "{lines}");
            }
            _ if shown == Some(lines) => text.push_str(&"-".repeat(cell)),
            _ => {
                let _ = write!(text, "{:-<cell$}", lines);
            }
        }
        shown = Some(lines);
    }
    text
}

/// `08:05`, above 24 hours too.
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Columns of a terminal: Chinese characters and full-width signs take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if c >= '\u{2e80}' { 2 } else { 1 })
        .sum()
}

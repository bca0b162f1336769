//! Texts of the file that mean something: durations, addresses, ranges of names, near misses.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Reads `500ms`, `20s`, `2min`, `12h`, `30d`; `None` if it is not one of these.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok().filter(|n| *n <= 10_000_000)?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "min" => Some(Duration::from_secs(number * 60)),
        "h" => Some(Duration::from_secs(number * 3600)),
        "d" => Some(Duration::from_secs(number * 86_400)),
        _ => None,
    }
}

/// Writes a duration the way [`duration`] reads it.
pub(crate) fn show(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms % 1000 != 0 => format!("{ms}ms"),
        // A day is mostly meant as 24 hours, and more of them as days.
        ms if ms % 86_400_000 == 0 && ms > 86_400_000 => format!("{}d", ms / 86_400_000),
        ms if ms % 3_600_000 == 0 && ms > 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 && ms > 0 => format!("{}min", ms / 60_000),
        ms => format!("{}s", ms / 1000),
    }
}

/// Reads `10.0.0.1:5060`, or `10.0.0.1` as port 0.
pub(crate) fn peer(text: &str) -> Option<SocketAddr> {
    let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    alone.or_else(|_| text.parse()).ok()
}

/// A name, or a range of names such as `a{0000..0999}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names<'a> {
    head: &'a str,
    tail: &'a str,
    /// First, last, digits; `None` for one name.
    range: Option<(u32, u32, usize)>,
}

/// What is wrong with a range of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamesError {
    /// Not of the form `{0000..0999}`.
    Form,
    /// Last before first.
    Falling,
}

impl<'a> Names<'a> {
    /// Reads a name or a range.
    pub fn parse(text: &'a str) -> Result<Self, NamesError> {
        let Some((head, rest)) = text.split_once('{') else {
            return if text.contains('}') {
                Err(NamesError::Form)
            } else {
                Ok(Self {
                    head: text,
                    tail: "",
                    range: None,
                })
            };
        };
        let (range, tail) = rest.split_once('}').ok_or(NamesError::Form)?;
        let (first, last) = range.split_once("..").ok_or(NamesError::Form)?;
        let digits = first.len();
        let number = |text: &str| {
            let fits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            if fits { text.parse::<u32>().ok() } else { None }
        };
        let (Some(a), Some(b)) = (number(first), number(last)) else {
            return Err(NamesError::Form);
        };
        if digits != last.len() || tail.contains(['{', '}']) {
            return Err(NamesError::Form);
        }
        if b < a {
            return Err(NamesError::Falling);
        }
        Ok(Self {
            head,
            tail,
            range: Some((a, b, digits)),
        })
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.range
            .map_or(1, |(first, last, _)| (last - first) as usize + 1)
    }

    /// Each name with its number, the number as it is written in place of `{n}`.
    pub fn iter(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let (first, last, digits) = self.range.unwrap_or((0, 0, 0));
        (first..=last).map(move |n| {
            let number = if digits == 0 {
                String::new()
            } else {
                format!("{n:0digits$}")
            };
            (format!("{}{number}{}", self.head, self.tail), number)
        })
    }

    /// True for a range.
    pub fn is_range(&self) -> bool {
        self.range.is_some()
    }
}

/// Digits that a telephone number with its area code has, or a mobile number: such runs are personal
/// data wherever they stand.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 11..=13;

/// The text with all but the first three digits of whatever may be a caller's number as `*`, as long
/// as it was.
pub(crate) fn without_numbers(mut text: String) -> String {
    let bytes = text.as_bytes();
    let (mut at, mut masked) = (0, Vec::new());
    while at < bytes.len() {
        let digits = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if NUMBER_DIGITS.contains(&digits) {
            masked.push(at + 3..at + digits);
        }
        at += digits.max(1);
    }
    for range in masked {
        let stars = "*".repeat(range.len());
        text.replace_range(range, &stars);
    }
    text
}

/// What stands in texts of a range for the number of each name.
pub(crate) const NUMBER: &str = "{n}";

/// The candidate that `text` is most likely a slip of; `None` if none is near.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if text.chars().count() > 40 {
        return None;
    }
    let near = |candidate: &str| {
        let edits = edits(text, candidate);
        let longest = text.chars().count().max(candidate.chars().count());
        (edits <= (longest / 3).max(1) && edits < longest).then_some(edits)
    };
    let scored = candidates
        .into_iter()
        .take(5000)
        .filter_map(|c| Some((near(c)?, c)));
    scored
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed, replaced or swapped with their neighbour.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 8 {
        return usize::MAX;
    }
    let width = b.len() + 1;
    let mut rows: Vec<usize> = (0..width).collect();
    rows.resize(width * (a.len() + 1), 0);
    for i in 1..=a.len() {
        rows[i * width] = i;
        for j in 1..=b.len() {
            let replaced = rows[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let moved = rows[(i - 1) * width + j].min(rows[i * width + j - 1]) + 1;
            let mut best = replaced.min(moved);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = best;
        }
    }
    rows[a.len() * width + b.len()]
}

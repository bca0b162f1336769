//! The line of a mistake with its place underlined, for terminals and logs.

use crate::value::{nearest, without_numbers};
use std::fmt::Write as _;
use std::ops::Range;

/// Most columns of a line that are shown.
const WIDTH: usize = 100;
/// Columns shown before the place if a line is longer.
const BEFORE: usize = 50;
/// What stands for a value that nobody may read over a shoulder.
const MASK: &str = "***";
/// Words in the names of keys whose values are secret; more than the file knows, for a key that is
/// a slip holds a secret too.
const SECRET: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "pin",
    "token",
    "secret",
    "口令",
    "密码",
    "签到码",
    "令牌",
];
/// Keys of callers' numbers: personal data, as secret as a password wherever people look on.
const PERSONAL: [&str; 2] = ["number", "numbers"];
/// How many lines above are searched for the key of a value that goes over several.
const LINES_ABOVE: usize = 64;

/// A letter as it is shown.
struct Cell {
    letter: char,
    /// Columns that it takes.
    width: usize,
    /// Where in the line it stands, bytes.
    at: usize,
}

/// Adds the line in which `span` begins, and a line that underlines it. Nothing for a mistake of
/// the file as a whole, which has no place of its own.
pub(crate) fn picture(out: &mut String, text: &str, span: Range<usize>) {
    if span == (0..0) || text.is_empty() {
        return;
    }
    let mut at = span.start.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length);
    let line = text[start..end].trim_end_matches('\r');
    let number = text[..start].matches('\n').count() + 1;

    let cells = cells(line, masked_from(text, start, line));
    let column = |offset: usize| -> usize {
        let before = cells.iter().take_while(|cell| cell.at < offset);
        before.map(|cell| cell.width).sum()
    };
    let total = column(usize::MAX);
    let from = column(at - start);
    let to = column(span.end.saturating_sub(start)).clamp(from, total);

    let (shown, left) = window(&cells, from, total);
    // What is underlined ends where the line is cut.
    let carets = (to - from).min((left + WIDTH).saturating_sub(from)).max(1);
    let lead = if left > 0 { 3 } else { 0 };
    let gutter = number.to_string();
    let blank = " ".repeat(gutter.len());
    let _ = writeln!(out, "  {gutter} | {shown}");
    let (space, carets) = (
        " ".repeat(lead + from.saturating_sub(left)),
        "^".repeat(carets),
    );
    let _ = writeln!(out, "  {blank} | {space}{carets}");
}

/// The part of a line around a column, and the column at which that part begins.
fn window(cells: &[Cell], from: usize, total: usize) -> (String, usize) {
    let wanted = if total <= WIDTH {
        0
    } else {
        from.saturating_sub(BEFORE)
    };
    let (mut shown, mut left, mut column) = (String::new(), None, 0);
    for cell in cells {
        if column >= wanted && column + cell.width <= wanted + WIDTH {
            left.get_or_insert(column);
            shown.push(cell.letter);
        }
        column += cell.width;
    }
    let left = left.unwrap_or(0);
    if left > 0 {
        shown.insert_str(0, "...");
    }
    if total > wanted + WIDTH {
        shown.push_str("...");
    }
    (shown, left)
}

/// The letters of a line, from `masked` on the mask alone.
fn cells(line: &str, masked: Option<usize>) -> Vec<Cell> {
    let kept = without_numbers(line[..masked.unwrap_or(line.len())].to_owned());
    let mut cells: Vec<Cell> = kept
        .char_indices()
        .map(|(at, letter)| cell(letter, at))
        .collect();
    if let Some(at) = masked {
        cells.extend(MASK.chars().map(|letter| cell(letter, at)));
    }
    cells
}

fn cell(letter: char, at: usize) -> Cell {
    let letter = match letter {
        '\t' => ' ',
        // What would move the cursor or turn the writing round.
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        c => c,
    };
    let width = width(letter);
    Cell { letter, width, at }
}

/// Columns of a letter in a terminal: 2 for those of East Asian width W or F (Unicode Standard
/// Annex 11), 0 for marks that combine, 1 for all others.
fn width(letter: char) -> usize {
    match u32::from(letter) {
        0x0300..=0x036f | 0x3099..=0x309a | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xa960..=0xa97f
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe10..=0xfe19
        | 0xfe30..=0xfe6f
        | 0xff01..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// From which byte of a line on nothing may be shown; `None` if all of it may.
fn masked_from(text: &str, start: usize, line: &str) -> Option<usize> {
    let above = &text[..start];
    let within = |quotes: &str| above.matches(quotes).count() % 2 == 1;
    // A text over several lines may be a password, and its key is far away.
    if within("\"\"\"") || within("'''") {
        return Some(0);
    }
    if let Some(at) = secret_in(line) {
        return Some(at);
    }
    if line.contains('=') || is_header(line) {
        return None;
    }
    let mut lines = above.lines().rev().take(LINES_ABOVE);
    let governing = lines.find(|line| line.contains('='))?;
    secret_in(governing).map(|_| 0)
}

/// Where the value of the first secret key of a line begins.
fn secret_in(line: &str) -> Option<usize> {
    let mut signs = line.match_indices('=');
    let (at, _) = signs.find(|(at, _)| is_secret(key_before(&line[..*at])))?;
    let value = &line[at + 1..];
    let spaces = value.len() - value.trim_start_matches([' ', '\t']).len();
    Some(at + 1 + spaces)
}

/// The last part of the key that ends a piece of a line.
fn key_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '\t', '"', '\'']);
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let kept = text.trim_end_matches(part).len();
    &text[kept..]
}

fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    PERSONAL.contains(&key.as_str())
        || SECRET.iter().any(|word| key.contains(word))
        || nearest(&key, SECRET).is_some()
}

/// A line such as `[[seats]]`.
fn is_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    let plain = |c: char| c.is_alphanumeric() || "_-. []".contains(c);
    line.starts_with('[') && line.ends_with(']') && line.chars().all(plain)
}

//! What is said of a file that is not TOML: the parser's word in both languages, and the character of a
//! Chinese keyboard that stands where TOML wants its half-width sister.

use crate::sink::{Both, Sink, both, no_help};
use std::collections::BTreeSet;
use std::ops::Range;

/// What a Chinese keyboard gives beside full-width letters, with what TOML means by it.
const KEYS: [(char, char); 13] = [
    ('“', '"'),
    ('”', '"'),
    ('„', '"'),
    ('‘', '\''),
    ('’', '\''),
    ('、', ','),
    ('；', ','),
    ('。', '.'),
    ('【', '['),
    ('】', ']'),
    ('〔', '['),
    ('〕', ']'),
    ('\u{3000}', ' '),
];

/// What the parser says most often (the beginning of it), and the same in Chinese. A table.
const WORDS: [(&str, &str); 38] = [
    (
        "missing comma between array elements",
        "列表的各项之间缺少逗号",
    ),
    (
        "missing comma between key-value pairs",
        "{ } 里的各项之间缺少逗号",
    ),
    ("missing assignment between key-value pairs", "缺少等号"),
    ("missing opening quote", "缺少开头的引号"),
    ("missing escaped value", "反斜杠后面缺少字符"),
    ("missing value", "等号后面没有值"),
    ("missing key", "缺少名字"),
    ("missing table open", "缺少 ["),
    ("missing array opening", "缺少 ["),
    ("missing inline table opening", "缺少 {"),
    ("key with no value", "这个名字没有等号和值"),
    ("unclosed array table", "[[ ]] 没有收口"),
    ("unclosed array", "列表的 [ 没有收口"),
    ("unclosed inline table", "{ 没有收口"),
    ("unclosed table", "[ ] 没有收口"),
    (
        "string values must be quoted",
        "等号后面没有值，或文字没有放在引号里",
    ),
    (
        "invalid basic string",
        "引号里的文字不合写法，或引号没有收口",
    ),
    (
        "invalid multi-line basic string",
        "\"\"\" 里的文字不合写法，或没有收口",
    ),
    (
        "invalid literal string",
        "单引号里的文字不合写法，或引号没有收口",
    ),
    ("invalid unquoted key", "这个名字要加引号"),
    ("unquoted keys cannot be empty", "名字不能是空的"),
    ("invalid key-value pair", "这一行不是“名字 = 值”"),
    (
        "invalid inline table element",
        "{ } 里的这一项不是“名字 = 值”",
    ),
    ("invalid value", "这个值不合写法"),
    ("invalid comment character", "说明里有不能用的字符"),
    ("duplicate key", "同一段里这个名字写了两次"),
    ("unexpected key or value", "这里多了东西，或上一行没有写完"),
    ("unexpected content", "这里多了东西"),
    ("unexpected leading zero", "数字前面不能写 0"),
    ("extra comma", "多了一个逗号"),
    ("extra assignment", "多了一个等号"),
    ("extra `=`", "多了一个等号"),
    ("invalid float", "这个值不合写法；文字要放在引号里"),
    ("invalid boolean", "这个值不合写法；文字要放在引号里"),
    ("invalid", "写法不对"),
    ("unexpected", "这里多了东西，或前面没有收口"),
    ("missing", "这里缺少一部分"),
    ("unclosed", "前面的没有收口"),
];

/// Most complaints of the parser whose places are looked at, and most bytes of a line.
const MOST: usize = 64;
const MOST_OF_LINE: usize = 4096;

/// A character that stands where another belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slip {
    at: usize,
    typed: char,
    meant: char,
}

/// Notes what the parser found wrong in one file that begins at `start`. Misplaced characters are told
/// alone: what else the parser says of the file mostly follows from them.
pub(crate) fn tell(sink: &Sink, text: &str, start: usize, found: &[(&str, Range<usize>)]) {
    let slips: BTreeSet<Slip> = found
        .iter()
        .take(MOST)
        .flat_map(|(_, span)| slips_near(text, span))
        .collect();
    for slip in &slips {
        let at = start + slip.at;
        let (message, help) = words(*slip);
        sink.error(&(at..at + slip.typed.len_utf8()), message, help);
    }
    for (what, span) in found.iter().filter(|_| slips.is_empty()) {
        let what = what.lines().next().unwrap_or_default();
        let words = WORDS.iter().find(|(en, _)| what.starts_with(en));
        let zh = words.map_or(what, |(_, zh)| zh);
        let message = both!("TOML 语法错误：{zh}", "not TOML: {what}");
        sink.error(&(span.start + start..span.end + start), message, no_help());
    }
}

fn words(Slip { typed, meant, .. }: Slip) -> (Both, Both) {
    if meant == ' ' {
        return (
            both!("这里有全角空格", "there is a full-width space here"),
            both!("改成半角空格", "type an ordinary space"),
        );
    }
    (
        both!(
            "TOML 语法错误：这里是中文（全角）字符 {typed}",
            "not TOML: {typed} here is a full-width character"
        ),
        both!(
            "切换到英文输入法，改成半角的 {meant}",
            "type the half-width {meant}, with the keyboard set to English"
        ),
    )
}

/// Slips on the line of the mistake, else on the line before it, which may go on there.
fn slips_near(text: &str, span: &Range<usize>) -> Vec<Slip> {
    let mut end = span.start.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let begin_of = |end| {
        let before: &str = text.get(..end).unwrap_or_default();
        before.rfind('\n').map_or(0, |at| at + 1)
    };
    let begin = begin_of(end);
    let found = slips_of_line(text, begin);
    if !found.is_empty() {
        return found;
    }
    let earlier = text.get(..begin).unwrap_or_default().trim_end();
    slips_of_line(text, begin_of(earlier.len()))
}

/// Characters outside of texts and comments that TOML has no use for, and the last curly quote in a
/// text that is not closed.
fn slips_of_line(text: &str, begin: usize) -> Vec<Slip> {
    let line = text.get(begin..).and_then(|it| it.lines().next());
    let mut out = Vec::new();
    // The quote that opened the text, and the last curly one within it.
    let mut quote: Option<(char, Option<Slip>)> = None;
    let (mut last, mut escaped) = (' ', false);
    for (at, typed) in line.unwrap_or_default().char_indices() {
        if at > MOST_OF_LINE {
            return out;
        }
        let at = begin + at;
        match &mut quote {
            Some(_) if escaped => escaped = false,
            Some(('"', _)) if typed == '\\' => escaped = true,
            Some((open, _)) if typed == *open => quote = None,
            Some((open, curly)) => {
                let meant = half(typed, ' ').filter(|it| it == open);
                *curly = meant.map(|meant| Slip { at, typed, meant }).or(*curly);
            }
            None if typed == '#' => return out,
            None if matches!(typed, '"' | '\'') => quote = Some((typed, None)),
            None => out.extend(half(typed, last).map(|meant| Slip { at, typed, meant })),
        }
        last = if typed == ' ' { last } else { typed };
    }
    out.extend(quote.and_then(|(_, curly)| curly));
    out
}

/// What is meant by a character of the Chinese keyboard after `last`.
fn half(typed: char, last: char) -> Option<char> {
    if let Some((_, meant)) = KEYS.iter().find(|(it, _)| *it == typed) {
        return Some(*meant);
    }
    match typed {
        // Between a name and its value; within a time of day it is the same sign.
        '：' if !last.is_ascii_digit() => Some('='),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(typed) - 0xfee0),
        _ => None,
    }
}

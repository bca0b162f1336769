//! `[[numbers]]`: what people say of numbers. Personal data: no message shows a number.

use crate::moments::{Bare, moment};
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::when::{Names, tags};
use meishier_model::{CounsellorId, Wall};
use meishier_routing::{Kind, Listed, Number, Table};
use std::ops::Range;

/// Most entries, and most numbers over all of them.
pub(crate) const MAX_NUMBERS: usize = 65_000;

/// What people say of numbers, with the place of each number.
#[derive(Default)]
pub(crate) struct Numbers {
    pub listed: Vec<Listed>,
    pub spans: Vec<Range<usize>>,
}

/// Reads `[[numbers]]`.
pub(crate) fn numbers(
    sections: Vec<Section<'_>>,
    names: &Names<'_>,
    clock: &Table,
    today: Option<Wall>,
) -> Numbers {
    let mut out = Numbers::default();
    for section in sections {
        let texts = texts(&section);
        let said = said(&section, names, clock, today);
        if out.listed.len() + texts.len() > MAX_NUMBERS {
            section.sink().error(
                &section.span,
                both!("[[numbers]] 的号码太多", "[[numbers]] has too many numbers"),
                both!("最多 {MAX_NUMBERS} 个", "at most {MAX_NUMBERS}"),
            );
            section.finish();
            return out;
        }
        for text in texts {
            out.listed.push(Listed {
                number: text.value.to_owned(),
                ..said.clone()
            });
            out.spans.push(text.span);
        }
        section.finish();
    }
    out
}

fn texts<'f>(section: &Section<'f>) -> Vec<At<&'f str>> {
    let one = section.full_text("number", "\"13312345678\"");
    let mut texts = section.texts("numbers", MAX_NUMBERS);
    texts.extend(one);
    if section.raw("number").is_none() && section.raw("numbers").is_none() {
        section.missing("number", "\"13312345678\"");
    }
    texts.retain(|text| check(section.sink(), text));
    texts
}

/// False, with a note, for what is no number.
fn check(sink: &Sink, text: &At<&str>) -> bool {
    let number = text.value.len() <= 64
        && !matches!(
            Number::new(text.value).kind(),
            Kind::Withheld | Kind::Name | Kind::Other
        );
    if !number {
        sink.error(
            &text.span,
            both!("这不是电话号码", "this is not a telephone number"),
            both!(
                "手机号，或带区号的固定电话，例如 \"085112345678\"",
                "a mobile number, or a landline with its area code, such as \"085112345678\""
            ),
        );
    }
    number
}

/// What an entry says, of whichever number.
fn said(section: &Section<'_>, names: &Names<'_>, clock: &Table, today: Option<Wall>) -> Listed {
    let sink = section.sink();
    let risk = section.flag("risk").unwrap_or(false);
    let nuisance = section.flag("nuisance").unwrap_or(false);
    let counsellor = section.full_text("counsellor", "\"v01\"");
    let counsellor = counsellor.and_then(|text| names.accounts.find(sink, &text));
    let tags = tags(section, names.tags);
    let until = moment(section, "until", clock, Bare::End);
    let _ = section.need_text("reason", "\"…\"");
    let _ = section.text("by");
    if nuisance && section.raw("until").is_none() {
        sink.error(
            &section.span,
            both!("骚扰号码没有写期限", "a nuisance number has no end"),
            both!(
                "加上 until = 2027-01-01，到期须重新判断",
                "add until = 2027-01-01: then it is to be judged anew"
            ),
        );
    }
    if let (Some(until), Some(today)) = (&until, today)
        && until.value <= today
    {
        sink.warn(
            &until.span,
            both!("已经到期，不再有效", "this has run out and no longer holds"),
            both!("改写日期，或删去", "write another date, or remove it"),
        );
    }
    if !risk && !nuisance && counsellor.is_none() && tags.is_empty() {
        sink.warn(
            &section.span,
            both!("这条号码没有任何作用", "this entry has no effect"),
            both!(
                "写 risk = true、nuisance = true、counsellor 或 tags",
                "write risk = true, nuisance = true, counsellor or tags"
            ),
        );
    }
    Listed {
        number: String::new(),
        risk,
        nuisance,
        counsellor: counsellor.map(CounsellorId),
        tags,
        until: until.map(|until| until.value),
    }
}

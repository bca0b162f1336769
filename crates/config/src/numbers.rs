//! `[[numbers]]`: what people say of numbers. Personal data: no message shows a number.

use crate::moments::{Bare, moment};
use crate::section::{At, Section};
use crate::sink::{Both, Sink, both};
use crate::when::{Names, tags};
use meishier_model::{CounsellorId, Wall};
use meishier_routing::{Called, Kind, Listed, Number, Table};

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

/// Digits of the shortest subscriber's number.
const SUBSCRIBER: usize = 7;
/// Police, fire brigade, ambulance, traffic police.
const EMERGENCY: [&str; 4] = ["110", "119", "120", "122"];

/// False, with a note, for what is nobody's number, or would never be met.
fn check(sink: &Sink, text: &At<&str>) -> bool {
    let complaint = complaint(text.value);
    let found = complaint.is_some();
    if let Some((message, help)) = complaint {
        sink.error(&text.span, message, help);
    }
    !found
}

/// What is wrong with a listed number, and what would be right.
fn complaint(text: &str) -> Option<(Both, Both)> {
    let example = both!(
        "手机号，或带区号的固定电话，例如 \"0851-12345678\"",
        "a mobile number, or a landline with its area code, such as \"0851-12345678\""
    );
    let no_number = both!("这不是电话号码", "this is not a telephone number");
    if text.len() > 64 {
        return Some((no_number, example));
    }
    let number = Number::new(text);
    if number.called() != Called::Other {
        let message = both!(
            "这是热线自己的号码，不是来电者的",
            "this is the hotline's own number, not a caller's"
        );
        return Some((message, example));
    }
    let subscriber = match number.kind() {
        Kind::Mobile | Kind::Foreign => return None,
        Kind::Withheld | Kind::Name | Kind::Other => return Some((no_number, example)),
        Kind::Local => {
            return Some((
                both!(
                    "固定电话没有写区号，永远对不上来电",
                    "a landline without its area code: no caller would ever match it"
                ),
                both!(
                    "写区号，例如株洲写成 \"0731-2888xxxx\"",
                    "write the area code, such as \"0731-2888xxxx\" in Zhuzhou"
                ),
            ));
        }
        Kind::Landline { code } => number.as_str().get(usize::from(code)..).unwrap_or_default(),
        Kind::Short => number.as_str(),
    };
    if EMERGENCY.contains(&subscriber) {
        let message = both!(
            "这是紧急号码，不是来电者的",
            "this is an emergency number, not a caller's"
        );
        return Some((message, example));
    }
    if subscriber.len() < SUBSCRIBER {
        let message = both!(
            "号码太短，不是用户的号码",
            "this number is too short to be a subscriber's"
        );
        return Some((message, example));
    }
    None
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
    if risk && nuisance {
        both_marks(section);
    }
    if let (true, Some(until), Some(today)) = (nuisance, &until, today)
        && until.value > Wall(today.0.saturating_add(FAR_AHEAD_MS))
    {
        far_ahead(sink, &until.span);
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

/// A mark for nuisance that lasts longer than a year is hardly judged anew: 366 days, milliseconds.
const FAR_AHEAD_MS: i64 = 366 * 24 * 3600 * 1000;

fn both_marks(section: &Section<'_>) {
    section.sink().warn(
        &section.span,
        both!(
            "这条号码既是高危又是骚扰：高危优先，骚扰不起作用",
            "this entry is both risk and nuisance: risk goes first, nuisance has no effect"
        ),
        both!(
            "删去 nuisance，或确定不是高危后删去 risk",
            "remove nuisance, or risk once it is certain that there is none"
        ),
    );
}

fn far_ahead(sink: &Sink, span: &Range<usize>) {
    sink.warn(
        span,
        both!(
            "骚扰的期限超过一年（366 天）",
            "a mark for nuisance of more than a year (366 days)"
        ),
        both!(
            "写近一些的日期，到期重新判断",
            "write a nearer date: then it is judged anew"
        ),
    );
}

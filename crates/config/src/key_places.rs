//! `[[transfer.places]]`: the numbers of places, and how numbers and addresses are written.

use crate::directory::Directory;
use crate::keys::is_digits;
use crate::names::Known;
use crate::places::Places;
use crate::section::Section;
use crate::sink::both;
use crate::trunks::leading_out;
use meishier_transfer::{Dial, Districts, Key, PlaceRule, RuleOf};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// Most lines of numbers of places.
const MAX_PLACES: usize = 4096;
/// Most numbers and addresses of a key or a place.
const MAX_DIALS: usize = 8;
/// Longest SIP URI, bytes.
const MAX_URI: usize = 128;

/// What is compiled in: made once, for a file is read again whenever it changes.
static DISTRICTS: LazyLock<Arc<Districts>> = LazyLock::new(|| Arc::new(Districts::builtin()));

/// Every name of a place.
pub(crate) fn districts() -> Arc<Districts> {
    DISTRICTS.clone()
}

/// Reads the lines of places; `keys` are known by name and by index.
pub(crate) fn places(
    section: &Section<'_>,
    keys: (&Known, &[Key]),
    directory: &Directory,
) -> Vec<PlaceRule> {
    let mut seen = Vec::new();
    for entry in section.tables("places", "[[transfer.places]]", MAX_PLACES) {
        let rule = place(&entry, keys, directory);
        entry.finish();
        let Some((rule, span)) = rule else { continue };
        let same = |(other, _): &&(PlaceRule, _)| {
            (other.of, &other.district, &other.key) == (rule.of, &rule.district, &rule.key)
        };
        if let Some((_, first)) = seen.iter().find(same) {
            let first: &Range<usize> = first;
            section.sink().error_also(
                &span,
                Some(first.clone()),
                both!(
                    "同一个地方、同一个键写了两次",
                    "this place and key are there twice"
                ),
                both!(
                    "合成一段，号码都写进 to",
                    "make one of them, with all numbers in to"
                ),
            );
        }
        seen.push((rule, span));
    }
    seen.into_iter().map(|(rule, _)| rule).collect()
}

/// One line of `[[transfer.places]]`, with where it stands.
fn place(
    section: &Section<'_>,
    (known, keys): (&Known, &[Key]),
    directory: &Directory,
) -> Option<(PlaceRule, Range<usize>)> {
    let sink = section.sink();
    let of = place_of(section, &directory.places);
    let district = section.full_text("district", "\"红花岗\"");
    let key = section.need_text("key", "\"110\"");
    let key = key.and_then(|key| {
        let found = known.find(sink, &key)? as usize;
        if keys.get(found).is_some_and(|it| !it.by_place()) {
            let name = key.value;
            sink.error(
                &key.span,
                both!(
                    "转接键 {name:?} 不按地点拨",
                    "transfer key {name:?} does not depend on the place"
                ),
                both!(
                    "只写紧急键和不写 to 的热线",
                    "write an emergency key, or a hotline without to"
                ),
            );
        }
        Some(key)
    });
    if section.raw("to").is_none() {
        section.missing("to", "[\"085112345\"]");
    }
    let to = dials(section);
    let trunk = section.full_text("trunk", "\"telecom\"");
    let trunk = trunk
        .and_then(|named| leading_out(sink, &named, &directory.trunks, directory.names().trunks));
    let rule = PlaceRule {
        of: of?,
        // White space in what a counsellor writes does not count.
        district: district.map_or_else(String::new, |at| {
            at.value.chars().filter(|c| !c.is_whitespace()).collect()
        }),
        key: key?.value.to_owned(),
        to,
        trunk,
    };
    Some((rule, section.span.clone()))
}

/// The place of a line: `city` or `province`.
fn place_of(section: &Section<'_>, places: &Places) -> Option<RuleOf> {
    let sink = section.sink();
    let (city, province) = (
        section.full_text("city", "\"贵阳\""),
        section.full_text("province", "\"贵州\""),
    );
    match (city, province) {
        (Some(city), None) => {
            // Counties that no region holds have services of their own.
            let own = DISTRICTS.settled(city.value).map(RuleOf::City);
            let atlas = places.atlas();
            let found = atlas.find(city.value).ok().or_else(|| match own {
                Some(_) => None,
                None => places.city(sink, &city),
            });
            let found = found.and_then(|id| atlas.city(id));
            found.map(|city| RuleOf::City(city.adcode)).or(own)
        }
        (None, Some(province)) => {
            let id = places.province(sink, &province)?;
            let atlas = places.atlas();
            atlas.province(id).map(|it| RuleOf::Province(it.code))
        }
        (Some(_), Some(province)) => {
            sink.error(
                &province.span,
                both!(
                    "city 和 province 只能写一个",
                    "city and province exclude each other"
                ),
                both!(
                    "分不清的城市写全，如 city = \"吉林省吉林市\"",
                    "write the whole name of a city, as city = \"吉林省吉林市\""
                ),
            );
            None
        }
        (None, None) => {
            if section.raw("city").is_none() && section.raw("province").is_none() {
                section.missing("city", "\"贵阳\"");
            }
            None
        }
    }
}

/// The numbers and addresses in `to`.
pub(crate) fn dials(section: &Section<'_>) -> Vec<Dial> {
    let sink = section.sink();
    let mut out = Vec::new();
    for text in section.texts("to", MAX_DIALS) {
        let value = text.value;
        let Some(dial) = dial(value) else {
            sink.error(
                &text.span,
                both!(
                    "to 不是号码或 SIP 地址：{value:?}",
                    "to is neither a number nor a SIP URI: {value:?}"
                ),
                both!(
                    "2 到 20 位数字，区号带 0，或 \"sip:110@192.0.2.10:5060\"",
                    "2 to 20 digits, area codes with their 0, or \"sip:110@192.0.2.10:5060\""
                ),
            );
            continue;
        };
        if out.contains(&dial) {
            sink.error(
                &text.span,
                both!("to 中 {value:?} 重复", "to has {value:?} twice"),
                both!("删去一个", "remove one"),
            );
        }
        out.push(dial);
    }
    if let Some(value) = section.raw("to")
        && value.get_ref().as_array().is_some_and(|it| it.is_empty())
    {
        sink.error(
            &value.span(),
            both!("to 不能为空", "to must not be empty"),
            both!("例如 [\"085112345\"]", "such as [\"085112345\"]"),
        );
    }
    out
}

/// A number, hyphens and spaces in it left out, or a SIP URI.
fn dial(text: &str) -> Option<Dial> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("sip:") || lower.starts_with("sips:") {
        let (_, rest) = text.split_once(':')?;
        let address = rest.split([';', '?']).next()?;
        let host = address.rsplit('@').next()?;
        let fits = text.len() <= MAX_URI
            && !host.is_empty()
            && address.matches('@').count() <= 1
            && !address.starts_with('@')
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"<>\"\\".contains(&b));
        return fits.then(|| Dial::Uri(text.to_owned()));
    }
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let fits = is_digits(&digits) && (2..=20).contains(&digits.len());
    fits.then_some(Dial::Number(digits))
}

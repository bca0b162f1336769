//! `[[areas]]`, `[[aliases]]`, `[[blocks]]`, `[[cells]]`: who serves a place, and where callers are.

use crate::limits::MOST_RINGS;
use crate::names::{Known, check_plain};
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::trunks::check_number;
use crate::when::{Names, pool, trunk};
use meishier_model::{PoolId, TrunkId};
use meishier_routing::{Alias, Area, AreaOf, Block, CityId, Number};
use std::collections::BTreeMap;
use std::ops::Range;

/// Most areas: every city, shared code and province, and the nation, with room to spare.
pub(crate) const MAX_AREAS: usize = 1024;
/// Most old numbers.
pub(crate) const MAX_ALIASES: usize = 1024;
/// Most number blocks.
pub(crate) const MAX_BLOCKS: usize = 20_000;
/// Most cells.
pub(crate) const MAX_CELLS: usize = 60_000;
/// Longest prefix of a cell.
const MAX_PREFIX: usize = 64;

/// Areas with their places in the file.
#[derive(Default)]
pub(crate) struct Areas {
    pub areas: Vec<Area>,
    pub spans: Vec<Range<usize>>,
    /// Where each city that stands in is named.
    pub paired: Vec<(CityId, Range<usize>)>,
}

/// Reads `[[areas]]`.
pub(crate) fn areas(sections: Vec<Section<'_>>, names: &Names<'_>) -> Areas {
    let mut out = Areas::default();
    let mut first: BTreeMap<AreaOf, Range<usize>> = BTreeMap::new();
    for section in sections {
        area(&section, names, &mut first, &mut out);
        section.finish();
    }
    out
}

fn area(
    section: &Section<'_>,
    names: &Names<'_>,
    first: &mut BTreeMap<AreaOf, Range<usize>>,
    out: &mut Areas,
) {
    let sink = section.sink();
    let of = place(section, names);
    let pools = pools(section, names.pools);
    let texts = section.texts("paired", 16);
    if pools.is_empty() && section.raw("pools").is_none() && texts.is_empty() {
        section.missing("pools", "[\"guiyang\"]");
    }
    let Some((of, span)) = of else { return };
    let mut paired: Vec<CityId> = Vec::new();
    for text in &texts {
        let value = text.value;
        match names.places.city(sink, text) {
            Some(city) if of == AreaOf::City(city) => sink.error(
                &text.span,
                both!(
                    "{value} 不能与自己结对",
                    "{value} cannot be paired with itself"
                ),
                both!("写另一个城市", "name another city"),
            ),
            Some(city) if paired.contains(&city) => sink.error(
                &text.span,
                both!("paired 中 {value:?} 重复", "paired has {value:?} twice"),
                both!("删去一个", "remove one"),
            ),
            Some(city) => {
                paired.push(city);
                out.paired.push((city, text.span.clone()));
            }
            None => {}
        }
    }
    if let (Some(text), false) = (texts.first(), matches!(of, AreaOf::City(_))) {
        sink.error(
            &text.span,
            both!("只有城市可以结对", "only a city can be paired"),
            both!(
                "写进该城市的 [[areas]]",
                "write it in that city's [[areas]]"
            ),
        );
    }
    if let Some(other) = first.get(&of) {
        sink.error_also(
            &span,
            Some(other.clone()),
            both!("同一个地方有两段 [[areas]]", "two [[areas]] of one place"),
            both!("合成一段", "make one of them"),
        );
    } else {
        first.insert(of, span.clone());
    }
    out.areas.push(Area { of, pools, paired });
    out.spans.push(span);
}

/// Exactly one of city, province, code and nation.
fn place(section: &Section<'_>, names: &Names<'_>) -> Option<(AreaOf, Range<usize>)> {
    let sink = section.sink();
    let city = section.full_text("city", "\"贵阳\"");
    let province = section.full_text("province", "\"贵州\"");
    let code = section.full_text("code", "\"0851\"");
    let nation = section.flag("nation").filter(|nation| *nation);
    let nation_span = section.raw("nation").map(|value| value.span());
    let mut given: Vec<Range<usize>> = [&city, &province, &code]
        .into_iter()
        .filter_map(|at| Some(at.as_ref()?.span.clone()))
        .collect();
    given.extend(nation.and(nation_span.clone()));
    let help = || {
        both!(
            "city、province、code、nation = true 中写一个",
            "one of city, province, code and nation = true"
        )
    };
    if given.is_empty() {
        let keys = ["city", "province", "code", "nation"];
        // Who wrote one that is not understood was told so.
        if keys.iter().all(|key| section.raw(key).is_none()) || nation_span.is_some() {
            let message = both!("[[areas]] 没有写地方", "[[areas]] names no place");
            sink.error(&section.span, message, help());
        }
        return None;
    }
    if let Some(second) = given.get(1) {
        let message = both!(
            "[[areas]] 写了不止一个地方",
            "[[areas]] names more than one place"
        );
        sink.error_also(second, given.first().cloned(), message, help());
        return None;
    }
    let span = given.first()?.clone();
    let of = if let Some(city) = city {
        AreaOf::City(names.places.city(sink, &city)?)
    } else if let Some(province) = province {
        AreaOf::Province(names.places.province(sink, &province)?)
    } else if let Some(code) = code {
        AreaOf::Code(names.places.shared_code(sink, &code)?)
    } else {
        AreaOf::Nation
    };
    Some((of, span))
}

fn pools(section: &Section<'_>, known: &Known) -> Vec<PoolId> {
    let sink = section.sink();
    let texts = section.texts("pools", MOST_RINGS);
    if let Some(given) = section.raw("pools")
        && texts.is_empty()
        && given.get_ref().is_array()
    {
        sink.error(
            &given.span(),
            both!("pools 不能为空", "pools must not be empty"),
            both!(
                "例如 [\"guiyang\"]；只由结对城市接听的，去掉 pools",
                "such as [\"guiyang\"]; leave pools out if paired cities answer alone"
            ),
        );
    }
    let mut out = Vec::new();
    for text in texts {
        let Some(id) = pool(sink, &text, known) else {
            continue;
        };
        let value = text.value;
        if out.contains(&id) {
            let message = both!("pools 中 {value:?} 重复", "pools has {value:?} twice");
            sink.error(&text.span, message, both!("删去一个", "remove one"));
        } else {
            out.push(id);
        }
    }
    out
}

/// Reads `[[aliases]]` with their places.
pub(crate) fn aliases(
    sections: Vec<Section<'_>>,
    names: &Names<'_>,
) -> (Vec<Alias>, Vec<Range<usize>>) {
    let mut labels = Known::new("老号码的名字", "old number's name");
    let mut first: BTreeMap<Vec<u8>, Range<usize>> = BTreeMap::new();
    let (mut out, mut spans) = (Vec::new(), Vec::new());
    for section in sections {
        let sink = section.sink();
        let number = section.need_text("number", "\"962525\"");
        let name = section.need_text("name", "\"shanghai-old\"");
        if let Some(name) = &name {
            check_plain(sink, "name", name.value, &name.span);
            labels.add(sink, name.value, &name.span);
        }
        let city = section.full_text("city", "\"上海\"");
        let city = city.and_then(|city| names.places.city(sink, &city));
        if let Some(number) = &number {
            check_alias(sink, number, &mut first);
            out.push(Alias {
                number: number.value.to_owned(),
                name: name.map_or_else(String::new, |name| name.value.to_owned()),
                city,
            });
            spans.push(number.span.clone());
        }
        section.finish();
    }
    (out, spans)
}

fn check_alias(sink: &Sink, number: &At<&str>, first: &mut BTreeMap<Vec<u8>, Range<usize>>) {
    check_number(sink, "number", number);
    let (value, form) = (number.value, Number::new(number.value));
    if form.as_bytes().ends_with(b"12356") {
        sink.error(
            &number.span,
            both!("{value:?} 不是老号码", "{value:?} is no old number"),
            both!(
                "12356 和区号加 12356 程序自己认得",
                "12356 and area code and 12356 are known without it"
            ),
        );
    }
    if let Some(other) = first.get(form.as_bytes()) {
        sink.error_also(
            &number.span,
            Some(other.clone()),
            both!(
                "老号码 {value:?} 重复",
                "old number {value:?} is there twice"
            ),
            both!("删去一个", "remove one"),
        );
    } else {
        first.insert(form.as_bytes().to_vec(), number.span.clone());
    }
}

/// Reads `[[blocks]]`; no prefix has two cities on one trunk.
pub(crate) fn blocks(sections: Vec<Section<'_>>, names: &Names<'_>) -> Vec<Block> {
    let mut said = BTreeMap::new();
    let mut out = Vec::new();
    for section in sections {
        out.extend(block(&section, names, &mut said));
        section.finish();
    }
    out
}

/// Cities by prefix and trunk, each with the place that said so.
type Said = BTreeMap<(String, Option<TrunkId>), (CityId, Range<usize>)>;

fn block(section: &Section<'_>, names: &Names<'_>, said: &mut Said) -> Option<Block> {
    let sink = section.sink();
    let city = section.need_text("city", "\"株洲\"");
    let texts = section.texts("trunks", 256);
    let trunks: Vec<TrunkId> = texts
        .iter()
        .filter_map(|text| trunk(sink, text, names))
        .collect();
    let prefixes = section.texts("callers", 4096);
    let mut callers = Vec::new();
    for prefix in &prefixes {
        let digits: String = prefix
            .value
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .collect();
        let bare = At {
            value: digits.as_str(),
            span: prefix.span.clone(),
        };
        check_number(sink, "callers", &bare);
        callers.push((digits, prefix.span.clone()));
    }
    if section.raw("trunks").is_none() && section.raw("callers").is_none() {
        sink.error(
            &section.span,
            both!(
                "[[blocks]] 没有写中继或号码",
                "[[blocks]] names neither trunk nor numbers"
            ),
            both!(
                "加上 callers = [\"0731-28\"]，或 trunks = [\"telecom\"]",
                "add callers = [\"0731-28\"], or trunks = [\"telecom\"]"
            ),
        );
    }
    let text = city?;
    let city = names.places.city(sink, &text)?;
    let mut keys: Vec<(String, Range<usize>)> = callers.clone();
    if keys.is_empty() {
        keys.push((String::new(), text.span.clone()));
    }
    for (prefix, span) in keys {
        let any = trunks.is_empty().then_some(None);
        for trunk in trunks.iter().copied().map(Some).chain(any) {
            let first = said.entry((prefix.clone(), trunk));
            let (other, place) = first.or_insert((city, span.clone()));
            if *other != city {
                two_cities(sink, &span, place, names.places.name(*other));
            }
        }
    }
    Some(Block {
        trunks,
        callers: callers.into_iter().map(|(digits, _)| digits).collect(),
        city,
    })
}

fn two_cities(sink: &Sink, span: &Range<usize>, first: &Range<usize>, other: String) {
    sink.error_also(
        span,
        Some(first.clone()),
        both!("已写明属于 {other}", "is of {other} already"),
        both!("只能属于一个城市", "it can be of one city only"),
    );
}

/// Reads `[[cells]]`; no prefix has two cities.
pub(crate) fn cells(sections: Vec<Section<'_>>, names: &Names<'_>) -> Vec<(String, CityId)> {
    let mut said: BTreeMap<String, (CityId, Range<usize>)> = BTreeMap::new();
    let mut out = Vec::new();
    for section in sections {
        let sink = section.sink();
        let prefix = section.need_text("prefix", "\"4600012\"");
        let city = section.need_text("city", "\"贵阳\"");
        let city = city.and_then(|city| names.places.city(sink, &city));
        section.finish();
        let (Some(prefix), Some(city)) = (prefix, city) else {
            continue;
        };
        if prefix.value.len() > MAX_PREFIX || !prefix.value.bytes().all(|b| b.is_ascii_graphic()) {
            let value = prefix.value;
            sink.error(
                &prefix.span,
                both!(
                    "prefix 不是小区标识的开头：{value:?}",
                    "prefix begins no cell's identity: {value:?}"
                ),
                both!(
                    "最多 64 个字母和数字，例如 \"4600012\"",
                    "at most 64 letters and digits, such as \"4600012\""
                ),
            );
            continue;
        }
        let first = said.entry(prefix.value.to_ascii_uppercase());
        let (other, place) = first.or_insert((city, prefix.span.clone()));
        if *other != city {
            two_cities(sink, &prefix.span, place, names.places.name(*other));
        }
        out.push((prefix.value.to_owned(), city));
    }
    out
}

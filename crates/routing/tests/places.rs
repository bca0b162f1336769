//! Cities, area codes, mobile segments, and the places that evidence gives.

use meishier_model::TrunkId;
use meishier_routing::Confidence::{High, Low, Middle};
use meishier_routing::{
    Atlas, Block, CityError, CityId, CodeId, Confidence, Evidence, Found, Gazetteer,
    GazetteerError, Number, Places, ProvinceId, Segments, SegmentsError, Source,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

static ATLAS: LazyLock<Arc<Atlas>> = LazyLock::new(|| Arc::new(Atlas::builtin()));
static SEGMENTS: LazyLock<Arc<Segments>> = LazyLock::new(|| Arc::new(Segments::builtin(&ATLAS)));

fn city(name: &str) -> CityId {
    ATLAS.find(name).unwrap()
}

fn name(id: CityId) -> &'static str {
    ATLAS.city(id).unwrap().name
}

fn names(cities: &[CityId]) -> Vec<&'static str> {
    cities.iter().map(|id| name(*id)).collect()
}

#[test]
fn the_atlas_agrees_with_itself() {
    assert_eq!(ATLAS.cities().len(), 361);
    assert_eq!(ATLAS.provinces().len(), 31);
    assert_eq!(ATLAS.codes().count(), 320);
    for (at, known) in (0..).zip(ATLAS.cities()) {
        let id = CityId(at);
        assert_eq!(ATLAS.city(id), Some(known));
        assert_eq!(ATLAS.find(&known.full_name()), Ok(id));
        let province = ATLAS.province_of(id).unwrap();
        assert_eq!(ATLAS.province(province).unwrap().name, known.province);
        assert_eq!(ATLAS.find_province(known.province), Ok(province));
        let code = ATLAS.code(ATLAS.code_of_city(id).unwrap()).unwrap();
        assert_eq!(code.text, known.area_code);
        assert!(code.cities.contains(&id));
        assert!(ATLAS.cities_of_code(known.area_code).contains(&id));
        let found = ATLAS.cities()[usize::from(ATLAS.city_of_adcode(known.adcode).unwrap().0)];
        assert_eq!(found.adcode, known.adcode);
    }
    assert_eq!(ATLAS.city(CityId(361)), None);
    assert_eq!(ATLAS.province(ProvinceId(31)), None);
    assert_eq!(ATLAS.code(CodeId(320)), None);
    assert_eq!(ATLAS.city_of_adcode(110_001), None);
}

#[test]
fn area_codes_know_their_cities() {
    assert_eq!(
        names(ATLAS.cities_of_code("0851")),
        ["贵阳", "遵义", "安顺"]
    );
    assert_eq!(
        names(ATLAS.cities_of_code("0731")),
        ["长沙", "株洲", "湘潭"]
    );
    assert_eq!(names(ATLAS.cities_of_code("010")), ["北京"]);
    assert_eq!(names(ATLAS.cities_of_code("0531")), ["济南", "莱芜"]);
    let jinan = ATLAS.find("济南").unwrap();
    let code = ATLAS.code(ATLAS.code_of_city(jinan).unwrap()).unwrap();
    assert_eq!(code.city, Some(jinan), "莱芜 lies within");
    assert!(ATLAS.cities_of_code("0634").is_empty());
    for none in [
        "", "0", "01", "011", "0100", "851", "08511", "0600", "085a", "+10", "０10",
    ] {
        assert!(ATLAS.cities_of_code(none).is_empty(), "{none}");
    }
    let shared = || ATLAS.codes().filter(|code| code.cities.len() > 1);
    assert_eq!(shared().count(), 32);
    let open: BTreeSet<&str> = shared()
        .filter(|c| c.city.is_none())
        .map(|c| c.text)
        .collect();
    #[rustfmt::skip]
    let expected = [
        "024", "028", "029", "0371", "0391", "0558", "0719", "0728", "0731", "0771", "0772",
        "0774", "0775", "0851", "0898", "0935", "0937",
    ];
    assert_eq!(open, BTreeSet::from(expected));
    let within: Vec<&str> = shared().filter_map(|code| Some(name(code.city?))).collect();
    assert!(
        ["重庆", "保定", "延边", "合肥", "凉山"]
            .iter()
            .all(|n| within.contains(n)),
        "{within:?}"
    );
    assert!(ATLAS.codes().all(|code| code.province.is_some()));
}

#[test]
fn a_number_begins_with_its_area_code() {
    let of = |number: &str| ATLAS.code_of(number.as_bytes()).map(|code| code.text);
    assert_eq!(of("085112345678"), Some("0851"));
    assert_eq!(of("01012345678"), Some("010"));
    assert_eq!(of("02112356"), Some("021"));
    assert_eq!(of("021"), Some("021"));
    for none in [
        "",
        "0",
        "01",
        "13360096745",
        "0600123",
        "+85221234567",
        "没事儿",
        "88908001",
    ] {
        assert_eq!(of(none), None, "{none}");
    }
}

#[test]
fn provinces_are_found_by_name() {
    let found = |text| {
        ATLAS
            .find_province(text)
            .map(|id| ATLAS.province(id).unwrap().name)
    };
    for (text, province) in [
        ("贵州", "贵州"),
        ("贵州省", "贵州"),
        ("广西壮族自治区", "广西"),
        ("新疆维吾尔自治区", "新疆"),
        ("内蒙古自治区", "内蒙古"),
        ("北京市", "北京"),
        ("吉林", "吉林"),
        ("海南", "海南"),
        (" 湖 南 省", "湖南"),
        ("520000", "贵州"),
        ("110000", "北京"),
    ] {
        assert_eq!(found(text), Ok(province), "{text}");
    }
    for text in [
        "",
        "贵阳",
        "贵州市",
        "北京省",
        "990000",
        "0000",
        "52",
        "贵州贵阳",
    ] {
        assert_eq!(found(text), Err(CityError::Unknown), "{text}");
    }
}

/// Segments and the codes of their cities, drawn from the table that the file was made of.
#[rustfmt::skip]
const DRAWN: [(u32, u32); 32] = [
    (1661888, 430_100), (1366742, 430_300), (1758502, 520_300), (1558536, 520_400),
    (1813976, 620_200), (1990504, 350_300), (1736568, 610_500), (1932980, 610_500),
    (1736576, 431_200), (1678693, 140_100), (1736575, 431_100), (1736583, 330_200),
    (1672685, 210_300), (1736544, 320_400), (1678687, 320_700), (1736555, 511_700),
    (1736573, 430_600), (1705104, 330_300), (1736557, 510_600), (1736543, 320_500),
    (1678692, 150_500), (1762722, 410_100), (1990483, 231_000), (1736545, 321_200),
    (1736532, 320_200), (1678686, 411_400), (1736567, 610_800), (1736525, 500_000),
    (1678689, 371_300), (1673833, 511_400), (1900061, 652_300), (1999979, 659_001),
];

#[test]
fn every_range_of_the_segments_is_there() {
    assert_eq!(SEGMENTS.ranges(), 136_121);
    assert_eq!(SEGMENTS.segments(), 499_527);
    let of = |segment: u32| SEGMENTS.find(format!("{segment}1234").as_bytes());
    let found = (1_300_000..2_000_000).filter(|segment| of(*segment).is_some());
    assert_eq!(found.count(), 499_527);
    for (segment, adcode) in DRAWN {
        let found = of(segment).and_then(|id| ATLAS.city(id));
        assert_eq!(found.map(|city| city.adcode), Some(adcode), "{segment}");
    }
    // The first and the last range, gaps, and the code that names a province elsewhere.
    assert_eq!(of(1_300_000), Some(city("济南")));
    assert_eq!(of(1_999_979), Some(city("石河子")));
    assert_eq!(of(1_300_915), Some(city("吉林市")));
    for none in [
        1_344_710, 1_344_712, 1_344_713, 1_400_000, 1_401_210, 1_999_980, 1_999_999,
    ] {
        assert_eq!(of(none), None, "{none}");
    }
    assert!(SEGMENTS.memory() < 500_000);
}

#[test]
fn only_mobile_numbers_have_a_segment() {
    for none in [
        "",
        "1300000",
        "130000012345",
        "12356",
        "12999991234",
        "20000001234",
        "1300000123a",
    ] {
        assert_eq!(SEGMENTS.find(none.as_bytes()), None, "{none}");
    }
    assert!(SEGMENTS.find(b"13000001234").is_some());
}

#[test]
fn broken_segments_are_refused() {
    let whole = include_bytes!("../data/segments.bin");
    let read = |bytes: &[u8]| Segments::read(bytes, &ATLAS).map(|s| s.ranges());
    assert_eq!(read(whole), Ok(136_121));
    assert_eq!(read(b""), Err(SegmentsError::Form));
    assert_eq!(read(b"SEG2"), Err(SegmentsError::Form));
    assert_eq!(
        read(&whole[..whole.len() - 1]),
        Err(SegmentsError::Checksum)
    );
    let mut bytes = whole.to_vec();
    bytes[5000] ^= 1;
    assert_eq!(read(&bytes), Err(SegmentsError::Checksum));
    // A sound checksum over unsound words.
    let made = |ranges: u32, segments: u32, adcode: u32, area: u16, words: &[u16]| {
        let mut body = 1_u16.to_le_bytes().to_vec();
        body.extend(adcode.to_le_bytes());
        body.extend(area.to_le_bytes());
        body.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let step = |hash: u32, b: &u8| (hash ^ u32::from(*b)).wrapping_mul(0x0100_0193);
        let sum = body.iter().fold(0x811c_9dc5, step);
        let mut bytes = b"SEG1".to_vec();
        bytes.extend([ranges, segments, sum].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(body);
        read(&bytes)
    };
    assert_eq!(made(1, 1, 520_100, 851, &[0]), Ok(1));
    assert_eq!(made(1, 2, 520_100, 851, &[0]), Err(SegmentsError::Count));
    assert_eq!(made(1, 1, 520_100, 851, &[0, 0]), Err(SegmentsError::Count));
    assert_eq!(made(2, 1, 520_100, 851, &[0]), Err(SegmentsError::Form));
    assert_eq!(made(1, 1, 520_100, 851, &[7]), Err(SegmentsError::Range));
    let long = [63 << 9, 60_000];
    assert_eq!(
        made(12, 720_000, 520_100, 851, &long.repeat(12)),
        Err(SegmentsError::Range)
    );
    let unknown = SegmentsError::UnknownPlace { adcode: 810_000 };
    assert_eq!(made(1, 1, 810_000, 851, &[0]), Err(unknown));
    assert_eq!(
        made(1, 1, 520_199, 999, &[0]),
        Ok(1),
        "a county counts as its city"
    );
}

fn block(trunks: &[u16], callers: &[&str], of: &str) -> Block {
    Block {
        trunks: trunks.iter().map(|id| TrunkId(*id)).collect(),
        callers: callers.iter().map(|text| (*text).to_owned()).collect(),
        city: city(of),
    }
}

/// Trunk 1 is Zhuzhou's, 2 Guiyang's; 0 and 3 are anybody's.
fn blocks() -> Vec<Block> {
    vec![
        block(&[1], &[], "株洲"),
        block(&[2], &[], "贵阳"),
        block(&[], &["0731222"], "株洲"),
        block(&[], &["07312225"], "湘潭"),
        block(&[3], &["0731222"], "长沙"),
        block(&[], &["1336009"], "遵义"),
        block(&[2], &["desk"], "安顺"),
    ]
}

fn cells() -> Vec<(String, CityId)> {
    vec![
        ("46000".to_owned(), city("贵阳")),
        ("4600012ab".to_owned(), city("遵义")),
        ("46001".to_owned(), city("湘潭")),
    ]
}

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
    let (atlas, segments) = (Arc::clone(&ATLAS), Arc::clone(&SEGMENTS));
    Gazetteer::new(atlas, segments, &blocks(), cells()).unwrap()
});

fn places(trunk: u16, caller: &str, called: &str, cell: Option<&str>) -> Places {
    GAZETTEER.places(&Evidence {
        trunk: TrunkId(trunk),
        caller: &Number::new(caller),
        called: &Number::new(called),
        cell,
    })
}

/// City or code, what says so, how sure: as the table below writes it.
type Said = Option<(&'static str, Source, Confidence)>;

fn said(found: Option<Found>) -> Said {
    found.map(|found| {
        let code = found.code.and_then(|id| ATLAS.code(id));
        let text = match found.city {
            Some(city) => name(city),
            None => code.unwrap().text,
        };
        (text, found.by, found.confidence)
    })
}

const CODE: Source = Source::AreaCode;
const DIALLED: Source = Source::CalledCode;
const BLOCK: Source = Source::Block;
const CELL: Source = Source::Cell;
const SEGMENT: Source = Source::Segment;

/// Trunk, caller, called, cell; called, here, home, ambiguous; remark.
type Row = (
    u16,
    &'static str,
    &'static str,
    Option<&'static str>,
    Said,
    Said,
    Said,
    Option<&'static str>,
    &'static str,
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (0, "", "12356", None, None, None, None, None, "nothing is known"),
    (0, "01088908001", "12356", None, None, Some(("北京", CODE, High)), Some(("北京", CODE, High)), None, "a landline is where it is"),
    (0, "01088908001", "02112356", None, Some(("上海", DIALLED, High)), Some(("北京", CODE, High)), Some(("北京", CODE, High)), None,
        "another city's hotline"),
    (0, "13000001234", "12356", None, None, None, Some(("济南", SEGMENT, Low)), None, "a segment is a home and no place"),
    (2, "13000001234", "12356", None, None, Some(("贵阳", BLOCK, Middle)), Some(("济南", SEGMENT, Low)), None,
        "12356 alone is dialled where the trunk is"),
    (2, "13000001234", "085112356", None, Some(("贵阳", BLOCK, Middle)), Some(("贵阳", BLOCK, Low)), Some(("济南", SEGMENT, Low)), None,
        "with an area code from anywhere; the trunk settles the code"),
    (2, "13000001234", "12356", Some("4600012AB01"), None, Some(("遵义", CELL, High)), Some(("济南", SEGMENT, Low)), None,
        "a cell goes before the trunk, the longest prefix before others"),
    (0, "13000001234", "12356", Some("46000ff"), None, Some(("贵阳", CELL, High)), Some(("济南", SEGMENT, Low)), None, "a shorter prefix"),
    (0, "13000001234", "12356", Some("46099"), None, None, Some(("济南", SEGMENT, Low)), None, "an unknown cell"),
    (0, "073128888888", "12356", None, None, Some(("0731", CODE, High)), Some(("0731", CODE, High)), Some("0731"), "a shared code"),
    (1, "073128888888", "12356", None, None, Some(("株洲", BLOCK, Middle)), Some(("株洲", BLOCK, Middle)), None, "the trunk settles it"),
    (2, "073128888888", "12356", None, None, Some(("0731", CODE, High)), Some(("0731", CODE, High)), Some("0731"),
        "a trunk elsewhere does not"),
    (2, "01088908001", "085112356", None, Some(("贵阳", BLOCK, Middle)), Some(("北京", CODE, High)), Some(("北京", CODE, High)), None,
        "a trunk goes not against a landline"),
    (0, "073122212345", "12356", None, None, Some(("株洲", BLOCK, High)), Some(("株洲", BLOCK, High)), None, "a number block"),
    (0, "073122251234", "12356", None, None, Some(("湘潭", BLOCK, High)), Some(("湘潭", BLOCK, High)), None, "the longer one"),
    (3, "073122212345", "12356", None, None, Some(("长沙", BLOCK, High)), Some(("长沙", BLOCK, High)), None, "the one of the trunk"),
    (3, "073122251234", "12356", None, None, Some(("湘潭", BLOCK, High)), Some(("湘潭", BLOCK, High)), None, "longer goes before trunk"),
    (1, "073122251234", "12356", Some("46000"), None, Some(("湘潭", BLOCK, High)), Some(("湘潭", BLOCK, High)), None,
        "a number block goes before trunk and cell"),
    (0, "073128888888", "12356", Some("46001"), None, Some(("湘潭", CELL, High)), Some(("湘潭", CELL, Middle)), None,
        "a cell within a shared code"),
    (0, "073128888888", "12356", Some("46000"), None, Some(("贵阳", CELL, High)), Some(("0731", CODE, High)), None,
        "a cell elsewhere does not settle the line's code"),
    (0, "13360096745", "12356", None, None, None, Some(("遵义", BLOCK, Middle)), None, "a block of mobile numbers is a home"),
    (0, "13360096745", "085112356", None, Some(("遵义", BLOCK, Middle)), None, Some(("遵义", BLOCK, Middle)), None,
        "and settles the code that was dialled"),
    (0, "16618881234", "073112356", None, Some(("长沙", SEGMENT, Low)), None, Some(("长沙", SEGMENT, Low)), None,
        "a segment settles a dialled code, barely"),
    (0, "13000001234", "073112356", None, Some(("0731", DIALLED, High)), None, Some(("济南", SEGMENT, Low)), Some("0731"),
        "a segment elsewhere does not"),
    (0, "13000001234", "085112356", Some("4600012abc"), Some(("遵义", CELL, Middle)), Some(("遵义", CELL, High)),
        Some(("济南", SEGMENT, Low)), None, "a cell settles it"),
    (0, "", "02812356", None, Some(("028", DIALLED, High)), None, None, Some("028"), "withheld, a shared code dialled"),
    (0, "", "043312356", None, Some(("延边", DIALLED, High)), None, None, None, "a city within a prefecture"),
    (0, "", "099912356", None, Some(("伊犁", DIALLED, High)), None, None, None, "an area code of four digits"),
    (0, "", "060012356", None, None, None, None, None, "no such area code"),
    (2, "", "12356", None, None, Some(("贵阳", BLOCK, Middle)), None, None, "withheld, over a trunk"),
    (2, "88908001", "12356", None, None, Some(("贵阳", BLOCK, Middle)), Some(("贵阳", BLOCK, Middle)), None, "local on a trunk"),
    (0, "88908001", "12356", None, None, None, None, None, "local of nowhere"),
    (2, "desk7", "12356", None, None, Some(("安顺", BLOCK, High)), None, None, "a name in a block"),
    (0, "desk7", "12356", None, None, None, None, None, "on another trunk"),
    (0, "+85221234567", "12356", None, None, None, None, None, "abroad"),
    (2, "+85221234567", "12356", None, None, Some(("贵阳", BLOCK, Middle)), None, None, "abroad, roaming here"),
    (0, "060088908001", "12356", None, None, None, None, None, "a landline of no city"),
    (2, "060088908001", "12356", None, None, Some(("贵阳", BLOCK, Middle)), None, None, "the same over a trunk"),
    (0, "01088908001", "02188908001", None, None, Some(("北京", CODE, High)), Some(("北京", CODE, High)), None,
        "a called number that is not the hotline names no city"),
];

#[test]
fn evidence_becomes_places() {
    for (trunk, caller, called, cell, of_called, here, home, ambiguous, remark) in ROWS {
        let found = places(*trunk, caller, called, *cell);
        assert_eq!(said(found.called), *of_called, "called: {remark}");
        assert_eq!(said(found.here), *here, "here: {remark}");
        assert_eq!(said(found.home), *home, "home: {remark}");
        let code = found
            .ambiguous
            .and_then(|id| ATLAS.code(id))
            .map(|code| code.text);
        assert_eq!(code, *ambiguous, "ambiguous: {remark}");
    }
}

#[test]
fn an_ambiguous_place_still_has_its_province() {
    let here = places(0, "073128888888", "12356", None).here.unwrap();
    assert!(here.is_ambiguous());
    assert_eq!(here.province, ATLAS.find_province("湖南").ok());
    assert!(Low < Middle && Middle < High);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let new = |blocks: &[Block], cells: Vec<(String, CityId)>| {
        let (atlas, segments) = (Arc::clone(&ATLAS), Arc::clone(&SEGMENTS));
        Gazetteer::new(atlas, segments, blocks, cells).map(|_| ())
    };
    let nowhere = CityId(361);
    let mut unknown = block(&[], &["0731"], "株洲");
    unknown.city = nowhere;
    let [a, b] = [
        block(&[1, 2], &["0731"], "株洲"),
        block(&[2], &["0731"], "湘潭"),
    ];
    assert_eq!(
        new(&[a.clone(), a.clone(), unknown], vec![]),
        Err(GazetteerError::UnknownCity(2))
    );
    assert_eq!(
        new(&[a.clone(), b.clone()], vec![]),
        Err(GazetteerError::TwoCities(0, 1))
    );
    assert_eq!(new(&[b, block(&[1], &["0731"], "株洲")], vec![]), Ok(()));
    assert_eq!(
        new(&[block(&[], &[""], "株洲")], vec![]),
        Err(GazetteerError::BadPrefix(0))
    );
    let long = "1".repeat(65);
    assert_eq!(
        new(&[a.clone(), block(&[], &[&long], "株洲")], vec![]),
        Err(GazetteerError::BadPrefix(1))
    );
    let cell = |text: &str, of: CityId| (text.to_owned(), of);
    let here = city("株洲");
    assert_eq!(
        new(&[a], vec![cell("46", nowhere)]),
        Err(GazetteerError::UnknownCellCity(0))
    );
    assert_eq!(
        new(&[], vec![cell("", here)]),
        Err(GazetteerError::BadCell(0))
    );
    assert_eq!(
        new(&[], vec![cell(&long, here)]),
        Err(GazetteerError::BadCell(0))
    );
    let two = vec![cell("46ab", here), cell("46AB", city("湘潭"))];
    assert_eq!(new(&[], two), Err(GazetteerError::TwoCellCities(0, 1)));
}

/// Prefixes that often extend each other, some longer than the search compares at once.
fn prefix() -> impl Strategy<Value = String> {
    prop_oneof!["[01]{1,5}", "0{14,18}1?", "[01]{15,18}"]
}

proptest! {
    /// The compiled tables against a plain look through the list.
    #[test]
    fn the_longest_prefix_wins(
        said in prop::collection::vec((prefix(), prop::option::of(0..3_u16)), 0..30),
        cells in prop::collection::vec(prefix(), 0..30),
        caller in prefix(), cell in prefix(), trunk in 0..3_u16,
    ) {
        // Each pair and each cell once, each with a city of its own.
        let unique: BTreeSet<_> = said.into_iter().collect();
        let said: Vec<(Block, CityId)> = unique.into_iter().zip(0..).map(|((prefix, trunk), n)| {
            let trunks = trunk.map(TrunkId).into_iter().collect();
            (Block { trunks, callers: vec![prefix], city: CityId(n) }, CityId(n))
        }).collect();
        let blocks: Vec<Block> = said.iter().map(|(block, _)| block.clone()).collect();
        let cells: BTreeSet<String> = cells.into_iter().collect();
        let cells: Vec<(String, CityId)> = cells.into_iter().zip((100..).map(CityId)).collect();
        let number = Number::new(&format!("x{caller}"));
        let blocks: Vec<Block> = blocks.into_iter().map(|mut block| {
            block.callers[0].insert(0, 'x');
            block
        }).collect();
        let fits = |block: &&Block| {
            number.as_str().starts_with(&block.callers[0])
                && (block.trunks.is_empty() || block.trunks.contains(&TrunkId(trunk)))
        };
        let plain = blocks.iter().filter(fits).max_by_key(|b| (b.callers[0].len(), b.trunks.len()));
        let of_cell = cells.iter().filter(|(p, _)| cell.starts_with(p)).max_by_key(|(p, _)| p.len());
        let expected = plain.map(|block| block.city).or(of_cell.map(|(_, city)| *city));
        let (atlas, segments) = (Arc::clone(&ATLAS), Arc::clone(&SEGMENTS));
        let gazetteer = Gazetteer::new(atlas, segments, &blocks, cells.clone()).unwrap();
        let found = gazetteer.places(&Evidence {
            trunk: TrunkId(trunk), caller: &number, called: &Number::new("12356"), cell: Some(&cell),
        });
        prop_assert_eq!(found.here.and_then(|here| here.city), expected);
    }

    #[test]
    fn no_evidence_is_too_odd(caller in ".{0,80}", called in ".{0,80}", cell in ".{0,80}", trunk: u16) {
        let found = places(trunk, &caller, &called, Some(&cell));
        for place in [found.called, found.here, found.home].into_iter().flatten() {
            prop_assert!(place.city.is_some() || place.code.is_some());
        }
    }
}

//! Whose hotline it is: areas, shared area codes, old numbers, and which city of a call counts.

mod town;

use meishier_model::{PoolId, TrunkId};
use meishier_routing::{
    Alias, Area, AreaOf, Atlas, Block, CityId, Decision, Dialled, Gazetteer, Looked, Miss, Route,
    RouteId, Rule, Segments, Table, TableError, TableSource, To, When, Which,
};
use std::sync::{Arc, LazyLock};
use town::*;

static ATLAS: LazyLock<Arc<Atlas>> = LazyLock::new(|| Arc::new(Atlas::builtin()));
static SEGMENTS: LazyLock<Arc<Segments>> = LazyLock::new(|| Arc::new(Segments::builtin(&ATLAS)));

const POOLS: [&str; 8] = [
    "贵阳", "遵义", "株洲", "0851", "0731", "贵州", "湖南", "nation",
];
const GUIYANG: u16 = 0;
const ZUNYI: u16 = 1;
const ZHUZHOU: u16 = 2;
const SHARED_GUIZHOU: u16 = 3;
const SHARED_HUNAN: u16 = 4;
const GUIZHOU: u16 = 5;
const HUNAN: u16 = 6;
const NATION: u16 = 7;

fn city(name: &str) -> CityId {
    ATLAS.find(name).unwrap()
}

fn area(of: AreaOf, pool: u16, paired: &[&str]) -> Area {
    Area {
        of,
        pools: vec![PoolId(pool)],
        paired: paired.iter().map(|it| city(it)).collect(),
    }
}

/// Guizhou and Hunan, of which Anshun, Changsha and Xiangtan have no line of their own. Trunk 1 is
/// Guiyang's, trunk 2 Zhuzhou's.
fn country(routes: Vec<Route>) -> TableSource {
    let province = |name: &str| AreaOf::Province(ATLAS.find_province(name).unwrap());
    let code = |text: &str| AreaOf::Code(ATLAS.find_code(text).unwrap().id);
    let of_trunk = |trunk, name| Block {
        trunks: vec![TrunkId(trunk)],
        callers: vec![],
        city: city(name),
    };
    let numbers = Block {
        trunks: vec![],
        callers: vec!["0851222".into()],
        city: city("遵义"),
    };
    let blocks = [of_trunk(1, "贵阳"), of_trunk(2, "株洲"), numbers];
    let cells = vec![("4600012".to_owned(), city("遵义"))];
    let gazetteer = Gazetteer::new(ATLAS.clone(), SEGMENTS.clone(), &blocks, cells);
    TableSource {
        pools: POOLS.map(always).to_vec(),
        gazetteer: Arc::new(gazetteer.unwrap()),
        areas: vec![
            area(AreaOf::City(city("贵阳")), GUIYANG, &["株洲", "遵义"]),
            area(AreaOf::City(city("遵义")), ZUNYI, &["贵阳", "长沙"]),
            area(AreaOf::City(city("株洲")), ZHUZHOU, &[]),
            area(code("0851"), SHARED_GUIZHOU, &["遵义"]),
            area(code("0731"), SHARED_HUNAN, &[]),
            area(province("贵州"), GUIZHOU, &[]),
            area(province("湖南"), HUNAN, &[]),
            area(AreaOf::Nation, NATION, &[]),
        ],
        ..source(routes)
    }
}

/// City, province, paired cities, nation, as a whole country would have it.
fn everyone() -> Route {
    let places = [
        (To::City, 0),
        (To::Province, 15),
        (To::Paired, 30),
        (To::Nation, 60),
    ];
    Route::new("everyone", steps(&places))
}

fn national() -> Table {
    compiled(country(vec![everyone()]))
}

fn call<'a>(trunk: u16, caller: &'a str, called: &'a str) -> Call<'a> {
    Call {
        trunk,
        caller,
        called,
        ..Call::default()
    }
}

fn asked(decision: &Decision) -> Vec<u16> {
    decision.rings.iter().map(|ring| ring.pool.0).collect()
}

#[test]
fn one_route_serves_every_city() {
    let table = national();
    let guiyang = call(1, "", "12356").on(&table);
    let expected = [
        (GUIYANG, 0),
        (GUIZHOU, 15),
        (ZHUZHOU, 30),
        (ZUNYI, 30),
        (NATION, 60),
    ];
    assert_eq!(rings(&guiyang), expected);
    assert_eq!(guiyang.place.city, Some(city("贵阳")));
    assert_eq!(guiyang.place.which, Some(Which::Here));
    let rules = [Rule::Route(0), Rule::Area(0), Rule::Area(5), Rule::Area(7)];
    assert_eq!(guiyang.rules.as_slice(), rules);
    assert_eq!(table.rule_name(Rule::Area(0)), "area:1");
    assert!(
        table
            .reason(&guiyang)
            .starts_with("来电所在城市 贵阳；符合路由 everyone")
    );
    // Changsha has no line to pair with.
    let zunyi = call(0, "085122212345", "12356").on(&table);
    assert_eq!(
        rings(&zunyi),
        [(ZUNYI, 0), (GUIZHOU, 15), (GUIYANG, 30), (NATION, 60)]
    );
    // Who is of no area goes to the nation at once; so does who is unknown.
    for caller in ["01088908001", "", "+85221234567"] {
        let decision = call(0, caller, "12356").on(&table);
        assert_eq!(rings(&decision), [(NATION, 0)], "{caller}");
    }
    // A city without lines falls to its province without waiting, and without partners to the
    // nation as soon as those would have been asked.
    let anshun = Alias {
        number: "962525".into(),
        name: "old".into(),
        city: Some(city("安顺")),
    };
    let mut source = country(vec![everyone()]);
    source.aliases = vec![anshun];
    let decision = call(0, "", "962525").on(&compiled(source));
    assert_eq!(rings(&decision), [(GUIZHOU, 0), (NATION, 15)]);
}

#[test]
fn a_shared_area_code_is_settled_by_other_evidence_of_it() {
    let table = national();
    let cases = [
        // trunk, caller, called; the city, the first pool
        (0, "085178901234", "12356", None, SHARED_GUIZHOU),
        (0, "", "085112356", None, SHARED_GUIZHOU),
        (0, "", "073112356", None, SHARED_HUNAN),
        (1, "085178901234", "12356", Some("贵阳"), GUIYANG),
        (1, "", "085112356", Some("贵阳"), GUIYANG),
        (0, "085122299999", "085112356", Some("遵义"), ZUNYI),
        (2, "", "073112356", Some("株洲"), ZHUZHOU),
        // Evidence of another code settles nothing.
        (2, "", "085112356", None, SHARED_GUIZHOU),
        (1, "073122212345", "12356", None, SHARED_HUNAN),
        (0, "01088908001", "085112356", None, SHARED_GUIZHOU),
    ];
    for (trunk, caller, called, name, pool) in cases {
        let decision = call(trunk, caller, called).on(&table);
        let what = format!("{trunk} {caller} {called}");
        assert_eq!(decision.place.city, name.map(city), "{what}");
        assert_eq!(decision.ambiguous(), name.is_none(), "{what}");
        assert_eq!(
            decision.rules.contains(&Rule::Ambiguous),
            name.is_none(),
            "{what}"
        );
        assert_eq!(asked(&decision)[0], pool, "{what}");
    }
    let cell = Call {
        cell: Some("460001234"),
        ..call(0, "", "085112356")
    };
    assert_eq!(asked(&cell.on(&table))[0], ZUNYI);
    // What several cities share has a province and may have partners all the same.
    let ambiguous = call(0, "", "085112356").on(&table);
    let expected = [
        (SHARED_GUIZHOU, 0),
        (GUIZHOU, 15),
        (ZUNYI, 30),
        (NATION, 60),
    ];
    assert_eq!(rings(&ambiguous), expected);
    assert!(
        table
            .reason(&ambiguous)
            .starts_with("拨打的区号 0851 由多个城市共用；")
    );
    assert_eq!(table.rule_names(&ambiguous)[0], "ambiguous");
}

#[test]
fn a_mobile_segment_settles_a_shared_code() {
    let table = national();
    // A segment of each city, as the table of segments has it.
    let of = |name: &str| {
        let mut all = (1_300_000..2_000_000).map(|it| format!("{it}0000"));
        all.find(|it| SEGMENTS.find(it.as_bytes()) == Some(city(name)))
            .unwrap()
    };
    let (guiyang, changsha) = (of("贵阳"), of("长沙"));
    let decision = call(0, &guiyang, "085112356").on(&table);
    assert_eq!(
        (decision.place.city, asked(&decision)[0]),
        (Some(city("贵阳")), GUIYANG)
    );
    let decision = call(0, &changsha, "085112356").on(&table);
    assert_eq!(
        (decision.place.city, asked(&decision)[0]),
        (None, SHARED_GUIZHOU)
    );
    let decision = call(0, &changsha, "12356").on(&table);
    assert_eq!(
        (decision.place.city, asked(&decision)[0]),
        (Some(city("长沙")), HUNAN)
    );
}

#[test]
fn the_policy_says_which_city_counts() {
    let places = [(To::City, 0), (To::OtherCity, 20)];
    let table = |first: &[Which]| {
        let mut source = country(vec![Route::new("two", steps(&places))]);
        source.policies.first = first.iter().copied().collect();
        compiled(source)
    };
    // Zunyi is dialled, the trunk is Guiyang's, the number Zhuzhou's.
    let mut everything = country(vec![Route::new("two", steps(&places))]);
    everything.aliases = vec![Alias {
        number: "962525".into(),
        name: "zunyi".into(),
        city: Some(city("遵义")),
    }];
    let numbers = Block {
        trunks: vec![],
        callers: vec!["133".into()],
        city: city("株洲"),
    };
    let trunk = Block {
        trunks: vec![TrunkId(1)],
        callers: vec![],
        city: city("贵阳"),
    };
    let gazetteer = Gazetteer::new(ATLAS.clone(), SEGMENTS.clone(), &[numbers, trunk], vec![]);
    everything.gazetteer = Arc::new(gazetteer.unwrap());
    let (called, here, home) = (Which::Called, Which::Here, Which::Home);
    let cases: [(&[Which], &[u16]); 8] = [
        (&[called, here, home], &[ZUNYI, GUIYANG]),
        (&[called, home, here], &[ZUNYI, ZHUZHOU]),
        (&[here, called, home], &[GUIYANG, ZUNYI]),
        (&[here, home, called], &[GUIYANG, ZHUZHOU]),
        (&[home, here, called], &[ZHUZHOU, GUIYANG]),
        (&[home, called, here], &[ZHUZHOU, ZUNYI]),
        // What is not named does not count at all.
        (&[home], &[ZHUZHOU]),
        (&[here, home], &[GUIYANG, ZHUZHOU]),
    ];
    for (first, expected) in cases {
        let mut source = everything.clone();
        source.policies.first = first.iter().copied().collect();
        let decision = call(1, "13312345678", "962525").on(&compiled(source));
        assert_eq!(asked(&decision), expected, "{first:?}");
        assert_eq!(decision.place.which, Some(first[0]));
    }
    // What is unknown is passed over, and one city is no other.
    let decision = call(1, "", "12356").on(&table(&[home, called, here]));
    assert_eq!(
        (asked(&decision), decision.place.other),
        (vec![GUIYANG], None)
    );
    assert_eq!(decision.place.which, Some(here));
    // A landline is from where it is.
    let decision = call(0, "085122212345", "12356").on(&table(&[here, home]));
    assert_eq!(
        (asked(&decision), decision.place.other),
        (vec![ZUNYI], None)
    );
}

#[test]
fn an_old_number_is_of_its_city() {
    let mut source = country(vec![everyone()]);
    let alias = |number: &str, name: &str, of: Option<&str>| Alias {
        number: number.into(),
        name: name.into(),
        city: of.map(city),
    };
    source.aliases = vec![
        alias("962525", "zunyi-old", Some("遵义")),
        alias("96525", "any", None),
    ];
    let table = compiled(source);
    let decision = call(1, "", "962525").on(&table);
    assert_eq!(decision.dialled, Dialled::Alias(0));
    assert_eq!(
        (decision.place.which, asked(&decision)[0]),
        (Some(Which::Called), ZUNYI)
    );
    assert_eq!(decision.place.other, Some(city("贵阳")));
    assert_eq!(
        table.rule_names(&decision)[..2],
        ["alias:zunyi-old", "route:everyone"]
    );
    assert!(table.reason(&decision).starts_with("拨打的城市 遵义；"));
    // One of no city is 12356 under another name.
    let decision = call(1, "", "96525").on(&table);
    assert_eq!(
        (decision.place.which, asked(&decision)[0]),
        (Some(Which::Here), GUIYANG)
    );
}

#[test]
fn routes_may_ask_for_cities_and_provinces() {
    let of = |when, pool| Route {
        when,
        ..route("of", &[(pool, 0)])
    };
    let cities = When {
        cities: vec![city("株洲"), city("贵阳")],
        ..When::default()
    };
    let provinces = When {
        provinces: vec![ATLAS.find_province("贵州").unwrap()],
        ..When::default()
    };
    let routes = vec![of(cities, 0), of(provinces, 1), route("rest", &[(2, 0)])];
    let table = compiled(country(routes));
    let (by_city, by_province) = (Rule::Route(0), Rule::Route(1));
    let cases = [
        // The city, the province, and the misses of both routes.
        (call(1, "", "12356"), 0, [None, Some(Miss::Later)]),
        (call(2, "", "12356"), 0, [None, Some(Miss::Later)]),
        (
            call(0, "085122212345", "12356"),
            1,
            [Some(Miss::Cities), None],
        ),
        // Several cities of one province.
        (call(0, "", "085112356"), 1, [Some(Miss::Cities), None]),
        (
            call(0, "01088908001", "12356"),
            2,
            [Some(Miss::Cities), Some(Miss::Provinces)],
        ),
        (
            call(0, "", "12356"),
            2,
            [Some(Miss::Cities), Some(Miss::Provinces)],
        ),
    ];
    for (call, expected, misses) in cases {
        assert_eq!(call.on(&table).route, RouteId(expected), "{call:?}");
        let looked = call.explain(&table, &States::default()).looked;
        for (rule, miss) in [by_city, by_province].into_iter().zip(misses) {
            assert!(looked.contains(&Looked { rule, miss }), "{call:?}");
        }
    }
}

#[test]
fn full_cities_fall_to_those_paired_with_them() {
    let steps = steps(&[(To::City, 0), (To::Paired, 20), (To::Nation, 50)]);
    let table = compiled(country(vec![Route::new("pairs", steps)]));
    let call = call(1, "", "12356");
    let waits = |states: States| rings(&call.among(&table, &states));
    let expected = [(GUIYANG, 0), (ZHUZHOU, 20), (ZUNYI, 20), (NATION, 50)];
    assert_eq!(waits(States::default()), expected);
    let full = States::default().full(GUIYANG);
    let expected = [(GUIYANG, 0), (ZHUZHOU, 0), (ZUNYI, 0), (NATION, 30)];
    assert_eq!(waits(full.clone()), expected);
    // One of two partners is enough to be waited for.
    assert_eq!(waits(full.clone().full(ZHUZHOU)), expected);
    let expected = [(GUIYANG, 0), (ZHUZHOU, 0), (ZUNYI, 0), (NATION, 0)];
    assert_eq!(waits(full.full(ZHUZHOU).full(ZUNYI)), expected);
}

#[test]
fn an_area_is_named_only_where_it_led() {
    // The pools of two areas, named as pools.
    let named = route("named", &[(GUIYANG, 0), (NATION, 30)]);
    let decision = call(1, "", "12356").on(&compiled(country(vec![named])));
    assert_eq!(decision.rules.as_slice(), [Rule::Route(0)]);
    let paired = Route::new("paired", steps(&[(To::Paired, 0)]));
    let decision = call(1, "", "12356").on(&compiled(country(vec![paired])));
    assert_eq!(decision.rules.as_slice(), [Rule::Route(0), Rule::Area(0)]);
}

#[test]
fn areas_that_cannot_be_are_refused() {
    let refused = |change: &dyn Fn(&mut TableSource)| {
        let mut source = country(vec![everyone(), route("rest", &[(NATION, 0)])]);
        change(&mut source);
        Table::compile(source).map(|_| ()).unwrap_err()
    };
    let again = |at: usize| {
        move |source: &mut TableSource| {
            let area = source.areas[at].clone();
            source.areas.push(area);
        }
    };
    for at in [0, 3, 5, 7] {
        assert_eq!(refused(&again(at)), TableError::AreaTwice(8), "{at}");
    }
    let nobody = PoolId(POOLS.len() as u16);
    let unknown = refused(&|source| source.areas[2].pools.push(nobody));
    assert_eq!(unknown, TableError::UnknownPool(None, nobody));
}

fn old(number: &str, name: &str) -> Alias {
    Alias {
        number: number.into(),
        name: name.into(),
        city: None,
    }
}

#[test]
fn old_numbers_are_known_in_every_form() {
    let mut source = source(vec![route("all", &[(PROVINCE, 0)])]);
    // The first of two with one number counts, and one without digits is nobody's.
    let aliases = [
        ("962525", "old"),
        ("+86 21 6438 7250", "older"),
        ("", "none"),
        ("962525", "twice"),
    ];
    source.aliases = aliases.map(|(number, name)| old(number, name)).to_vec();
    let table = compiled(source);
    let cases = [
        ("962525", Dialled::Alias(0)),
        ("sip:962525@10.0.0.1", Dialled::Alias(0)),
        ("02164387250", Dialled::Alias(1)),
        ("12356", Dialled::Short),
        ("+8612356", Dialled::Short),
        ("085412356", Dialled::Area),
        ("01012356", Dialled::Area),
        ("96252", Dialled::Other),
        ("13312312356", Dialled::Other),
        ("", Dialled::Other),
    ];
    for (called, dialled) in cases {
        let decision = Call {
            called,
            ..Call::default()
        }
        .on(&table);
        assert_eq!(decision.dialled, dialled, "{called}");
        let names = table.rule_names(&decision);
        match dialled {
            Dialled::Alias(at) => {
                let name = table.alias_names().nth(usize::from(at)).unwrap();
                assert_eq!(names[0], format!("alias:{name}"));
            }
            _ => assert!(!names[0].starts_with("alias"), "{called}"),
        }
    }
}

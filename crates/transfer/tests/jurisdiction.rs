//! Whose police it is: from every name of every region, from addresses, and from what the network tells.

use meishier_model::TrunkId;
use meishier_routing::{Atlas, CityId, Confidence, Found, Places, Source};
use meishier_transfer::{
    Choice, Dial, Heard, Key, KeyKind, PlaceRule, Plan, Reach, RuleOf, SERVICES, TargetError,
};
use std::sync::LazyLock;
use std::time::Duration;

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let keys = SERVICES
        .iter()
        .map(|it| Key::usual(it.name, it.title, it.kind, TrunkId(0)));
    Plan::new(keys.collect())
});

static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);

fn choose(given: &str) -> Result<Choice, TargetError> {
    PLAN.choose("110", &Heard::given(given))
}

/// The place that a text settles, and what is dialled; the places asked about, the likely one first.
fn read(given: &str) -> Result<(String, String), Vec<String>> {
    match choose(given) {
        Ok(Choice::Dials(target)) => Ok((target.city.clone(), target.first().to_owned())),
        Ok(Choice::Asks { likely, others, .. }) => {
            Err(std::iter::once(likely.city).chain(others).collect())
        }
        Err(error) => {
            assert_eq!(error, TargetError::UnknownCity, "{given}");
            Err(Vec::new())
        }
    }
}

/// Names that are also a province's, a district's or a county's elsewhere.
const ASKED: [&str; 8] = [
    "吉林", "海南", "朝阳", "兴安", "江汉", "资阳", "甘南", "巴州",
];

/// Expected numbers, written by hand: `(text, place, police)`.
#[rustfmt::skip]
const EXPECTED: [(&str, &str, &str); 51] = [
    ("北京", "北京", "010110"), ("天津市", "天津", "022110"), ("上海", "上海", "021110"),
    ("重庆市", "重庆", "023110"), ("贵阳", "贵州贵阳", "0851110"),
    ("遵义", "贵州遵义", "0851110"), ("安顺", "贵州安顺", "0851110"),
    ("毕节", "贵州毕节", "0857110"), ("长沙", "湖南长沙", "0731110"),
    ("株洲", "湖南株洲", "0731110"), ("湘潭", "湖南湘潭", "0731110"),
    ("成都", "四川成都", "028110"), ("眉山", "四川眉山", "028110"),
    ("资阳市", "四川资阳", "028110"), ("沈阳", "辽宁沈阳", "024110"),
    ("抚顺", "辽宁抚顺", "024110"), ("铁岭", "辽宁铁岭", "024110"),
    ("西安", "陕西西安", "029110"), ("咸阳", "陕西咸阳", "029110"),
    ("广州", "广东广州", "020110"), ("南京", "江苏南京", "025110"), ("武汉", "湖北武汉", "027110"),
    ("仙桃", "湖北仙桃", "0728110"), ("潜江", "湖北潜江", "0728110"),
    ("神农架林区", "湖北神农架", "0719110"), ("济源", "河南济源", "0391110"),
    ("海口", "海南海口", "0898110"), ("三亚", "海南三亚", "0898110"),
    ("海南省文昌市", "海南文昌", "0898110"), ("儋州市", "海南儋州", "0898110"),
    ("石河子", "新疆石河子", "0993110"), ("阿拉尔市", "新疆阿拉尔", "0997110"),
    ("五家渠市", "新疆五家渠", "0994110"), ("新疆胡杨河", "新疆胡杨河", "0992110"),
    ("乌鲁木齐", "新疆乌鲁木齐", "0991110"), ("奎屯市", "新疆奎屯", "0992110"),
    ("格尔木", "青海格尔木", "0979110"), ("德令哈市", "青海海西", "0977110"),
    ("贵港", "广西贵港", "0775110"), ("玉林", "广西玉林", "0775110"),
    ("嘉峪关", "甘肃嘉峪关", "0937110"), ("酒泉", "甘肃酒泉", "0937110"),
    ("阜阳", "安徽阜阳", "0558110"), ("亳州", "安徽亳州", "0558110"),
    ("吉林市", "吉林吉林", "0432110"), ("青海海南", "青海海南", "0974110"),
    // A city with 0634 until 2019, since then two districts of 济南.
    ("莱芜", "山东莱芜", "0531110"), ("莱芜市", "山东莱芜", "0531110"),
    ("济南市莱芜区", "山东莱芜", "0531110"), ("钢城区", "山东济南", "0531110"),
    ("济南", "山东济南", "0531110"),
];

#[test]
fn forty_places_have_the_numbers_that_people_know() {
    for (text, place, police) in EXPECTED {
        let expected = (place.to_owned(), police.to_owned());
        assert_eq!(read(text), Ok(expected), "{text}");
    }
}

#[test]
fn every_service_of_a_place_has_its_area_code() {
    #[rustfmt::skip]
    let cases = [
        ("110", "0859110"), ("120", "0859120"), ("119", "0859119"), ("122", "0859122"),
        ("12345", "085912345"), ("12356", "085912356"),
    ];
    for (key, number) in cases {
        let choice = PLAN.choose(key, &Heard::given("兴义市")).unwrap();
        let Choice::Dials(target) = choice else {
            panic!("{key} is asked about");
        };
        assert_eq!((target.first(), &*target.city), (number, "贵州黔西南"));
        assert_eq!(target.doubt, "");
    }
}

#[test]
fn every_region_is_found_by_each_of_its_names_and_by_no_other() {
    let atlas = &*ATLAS;
    assert_eq!(atlas.cities().len(), 361);
    let mut asked = Vec::new();
    for city in atlas.cities() {
        let number = format!("{}110", city.area_code);
        let own = Ok((city.full_name(), number));
        assert_eq!(read(&city.full_name()), own, "{city:?}");
        // It is a district of 武汉 too.
        if city.name != "江汉" {
            let text = format!("{}，{}", city.province, city.full_name());
            assert_eq!(read(&text), own, "{text}");
        }
        if read(city.name) != own {
            asked.push(city.name);
            let places = read(city.name).unwrap_err();
            assert!(places.contains(&city.full_name()), "{city:?}: {places:?}");
        }
        // Two names of the table have the code of another.
        if !["雄安", "江汉"].contains(&city.name) {
            assert_eq!(read(&city.adcode.to_string()), own, "{city:?}");
        }
    }
    asked.sort_unstable();
    let mut expected = ASKED;
    expected.sort_unstable();
    assert_eq!(asked, expected);
}

#[test]
fn what_is_asked_about_can_be_answered_with_what_is_proposed() {
    let atlas = &*ATLAS;
    let mut texts: Vec<String> = ASKED.map(str::to_owned).into();
    texts.extend(atlas.codes().map(|code| code.text.to_owned()));
    texts.extend(atlas.provinces().iter().map(|it| it.name.to_owned()));
    texts.extend(["鼓楼", "白云区", "城关区", "和平县，和平区"].map(str::to_owned));
    let mut several = 0;
    for text in texts {
        for place in read(&text).err().into_iter().flatten() {
            several += 1;
            assert_eq!(read(&place).map(|it| it.0), Ok(place.clone()), "{text}");
        }
    }
    assert!(several > 400, "{several}");
}

#[test]
fn addresses_are_understood() {
    #[rustfmt::skip]
    let cases = [
        ("贵州省遵义市红花岗区中华南路25号3楼", "贵州遵义"), ("在毕节七星关那边", "贵州毕节"),
        ("七星关区", "贵州毕节"), ("她在遵义的湘江边", "贵州遵义"), ("贵州白云区", "贵州贵阳"),
        ("广州白云山庄", "广东广州"), ("北京朝阳", "北京"), ("长春市朝阳区", "吉林长春"),
        ("朝阳县", "辽宁朝阳"), ("辽宁朝阳", "辽宁朝阳"), ("南京鼓楼", "江苏南京"),
        ("福州市鼓楼区软件园", "福建福州"), ("北京市西城区广安门内大街", "北京"),
        ("上海市黄浦区南京东路", "上海"), ("深圳市福田区上海宾馆", "广东深圳"),
        ("哈尔滨道里区", "黑龙江哈尔滨"), ("青岛市市南区香港中路", "山东青岛"),
        ("乌鲁木齐新市区", "新疆乌鲁木齐"), ("海南藏族自治州共和县", "青海海南"),
        ("海南省海口市龙华区", "海南海口"), ("琼中黎族苗族自治县", "海南琼中"),
        ("威宁县", "贵州毕节"), ("贵阳北站", "贵州贵阳"), ("贵州省 贵阳市 观山湖区", "贵州贵阳"),
        ("黔南布依族苗族自治州都匀市", "贵州黔南"), ("内蒙古呼伦贝尔市满洲里", "内蒙古呼伦贝尔"),
        ("吉林省吉林市船营区", "吉林吉林"), ("吉林长春", "吉林长春"), ("石家庄长安区", "河北石家庄"),
        ("延边珲春市", "吉林珲春"), ("克拉玛依", "新疆克拉玛依"), ("江苏昆山", "江苏苏州"),
        ("义乌市小商品市场", "浙江金华"), ("不在贵阳，在遵义", "贵州遵义"),
        ("贵阳人，现在在深圳", "广东深圳"), ("老家在遵义，人在东莞厂里", "广东东莞"),
        ("重庆市渝中区解放碑", "重庆"),
        ("现在在杭州文三路90号", "浙江杭州"), ("她在西安", "陕西西安"), ("大连中山", "辽宁大连"),
        ("牡丹江市西安区", "黑龙江牡丹江"),
        ("0760中山，", "广东中山"),
        ("在大理那边", "云南大理"),
        ("阿里地区噶尔县", "西藏阿里"),
        ("在海口美兰", "海南海口"),
        ("东莞厂里", "广东东莞"), ("湖北恩施土家族苗族自治州利川市", "湖北恩施"),
    ];
    for (text, place) in cases {
        assert_eq!(read(text).map(|it| it.0), Ok(place.to_owned()), "{text}");
    }
    let own_code = [
        ("独山子区", "新疆克拉玛依", "0992110"),
        ("新疆乌苏市", "新疆塔城", "0992110"),
        ("塔城", "新疆塔城", "0901110"),
    ];
    for (text, place, number) in own_code {
        assert_eq!(read(text), Ok((place.to_owned(), number.to_owned())));
    }
}

#[test]
fn what_settles_no_place_is_asked_about() {
    #[rustfmt::skip]
    let cases: [(&str, &[&str]); 22] = [
        ("鼓楼", &["江苏南京", "江苏徐州", "福建福州", "河南开封"]),
        ("鼓楼区", &["江苏南京", "江苏徐州", "福建福州", "河南开封"]),
        ("朝阳", &["辽宁朝阳", "北京", "吉林长春"]), ("朝阳区", &["北京", "吉林长春"]),
        ("0851", &["贵州贵阳", "贵州遵义", "贵州安顺"]),
        ("0731", &["湖南长沙", "湖南株洲", "湖南湘潭"]),
        ("028", &["四川成都", "四川眉山", "四川资阳"]),
        ("白云区", &["广东广州", "贵州贵阳"]), ("通州区", &["北京", "江苏南通"]),
        ("普陀区", &["上海", "浙江舟山"]), ("龙岗", &["广东深圳"]), ("在天门山顶上", &["湖北天门"]),
        ("在阿里上班", &["西藏阿里"]), ("在阿里", &["西藏阿里"]), ("在中山陵", &["广东中山"]),
        ("在卖大理石的店里", &["云南大理"]),
        ("刚开封的药", &["河南开封"]), ("上海宾馆", &["上海"]), ("从北京打来", &["北京"]),
        ("在贵阳，一会儿去遵义市", &["贵州贵阳", "贵州遵义"]),
        ("贵阳市南明区，遵义市", &["贵州遵义", "贵州贵阳"]),
        ("西安区", &["吉林辽源", "黑龙江牡丹江"]),
    ];
    for (text, places) in cases {
        let mut found = read(text).unwrap_err();
        let mut expected: Vec<String> = places.iter().map(|it| (*it).to_owned()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
    let jilin = read("吉林").unwrap_err();
    assert_eq!((jilin.len(), &*jilin[0]), (9, "吉林吉林"));
    let hainan = read("海南").unwrap_err();
    assert_eq!(hainan[0], "青海海南", "the one that has this very name");
    assert!(hainan.contains(&"海南海口".to_owned()) && hainan.contains(&"海南文昌".to_owned()));
    for text in [
        "",
        "巴黎",
        "南京路",
        "青岛啤酒",
        "上海中路",
        "兰州拉面",
        "贵阳人",
        "不在贵阳",
        "株洲县",
        "999999",
        "城区",
    ] {
        assert_eq!(read(text), Err(Vec::new()), "{text}");
    }
}

fn found(city: u16, by: Source, confidence: Confidence) -> Found {
    let atlas = &*ATLAS;
    Found {
        city: Some(CityId(city)),
        province: atlas.province_of(CityId(city)),
        code: atlas.code_of_city(CityId(city)),
        by,
        confidence,
    }
}

fn id(name: &str) -> u16 {
    ATLAS.find(name).unwrap().0
}

fn heard<'a>(
    given: &'a str,
    cell: Option<&str>,
    region: &[(&str, Source, Confidence)],
) -> Heard<'a> {
    Heard {
        given,
        cell: cell.map(|name| found(id(name), Source::Cell, Confidence::High)),
        region: region
            .iter()
            .map(|(name, by, worth)| found(id(name), *by, *worth))
            .collect(),
        own: None,
    }
}

const SEGMENT: (&str, Source, Confidence) = ("贵阳", Source::Segment, Confidence::Low);
const LINE: (&str, Source, Confidence) = ("贵阳", Source::AreaCode, Confidence::High);

#[test]
fn what_is_given_goes_before_the_cell_and_the_cell_before_the_number() {
    let cases = [
        (heard("遵义", Some("毕节"), &[LINE]), "贵州遵义"),
        (heard("", Some("毕节"), &[LINE]), "贵州毕节"),
        (heard("", None, &[LINE]), "贵州贵阳"),
        (heard("白云区", None, &[LINE]), "贵州贵阳"),
        (heard("鼓楼区", Some("徐州"), &[LINE]), "江苏徐州"),
        (heard("0851", Some("安顺"), &[]), "贵州安顺"),
    ];
    for (heard, place) in cases {
        let Choice::Dials(target) = PLAN.choose("120", &heard).unwrap() else {
            panic!("{heard:?}");
        };
        assert_eq!(target.city, place, "{heard:?}");
        assert_eq!(target.doubt, "");
    }
}

#[test]
fn what_is_only_likely_is_asked_about_and_the_doubt_is_said() {
    let trunk = ("遵义", Source::Block, Confidence::Middle);
    let cases: [(Heard<'_>, &str, &[&str], &str); 6] = [
        (heard("", None, &[SEGMENT]), "贵州贵阳", &[], "手机号段"),
        (
            heard("", None, &[trunk, SEGMENT]),
            "贵州遵义",
            &["贵州贵阳"],
            "来话中继或号段",
        ),
        (
            heard("白云区", None, &[SEGMENT]),
            "贵州贵阳",
            &["广东广州"],
            "手机号段",
        ),
        (
            heard("人民路5号", Some("毕节"), &[]),
            "贵州毕节",
            &[],
            "看不出城市",
        ),
        (
            heard("鼓楼", Some("徐州"), &[]),
            "江苏徐州",
            &["江苏南京", "福建福州", "河南开封"],
            "基站",
        ),
        (
            heard("鼓楼区", Some("贵阳"), &[]),
            "江苏南京",
            &["江苏徐州", "福建福州", "河南开封"],
            "鼓楼区",
        ),
    ];
    for (heard, place, rest, why) in cases {
        let choice = PLAN.choose("110", &heard).unwrap();
        let Choice::Asks {
            likely,
            others,
            within,
        } = choice
        else {
            panic!("{heard:?}");
        };
        assert_eq!((&*likely.city, within), (place, Duration::from_secs(15)));
        assert_eq!(others, rest, "{heard:?}");
        for part in [place, why, "未核实"]
            .into_iter()
            .chain(rest.iter().copied())
        {
            assert!(likely.doubt.contains(part), "{part}: {}", likely.doubt);
        }
        assert!(likely.reason.contains(why) && likely.reason.contains("未经核实"));
        assert!(likely.first().ends_with("110"));
    }
}

#[test]
fn every_region_is_found_from_what_the_network_tells() {
    let atlas = &*ATLAS;
    for (city, at) in atlas.cities().iter().zip(0..) {
        for (by, worth) in [
            (Source::Cell, Confidence::High),
            (Source::AreaCode, Confidence::High),
            (Source::Segment, Confidence::Low),
        ] {
            let places = Places {
                here: (by != Source::Segment).then(|| found(at, by, worth)),
                home: (by == Source::Segment).then(|| found(at, by, worth)),
                // Whose hotline was dialled says little of where somebody is.
                called: Some(found(0, Source::CalledCode, Confidence::High)),
                ambiguous: None,
            };
            let choice = PLAN.choose("119", &Heard::of("", &places, None)).unwrap();
            assert_eq!(choice.target().city, city.full_name());
            assert_eq!(choice.target().first(), format!("{}119", city.area_code));
            assert_eq!(
                matches!(choice, Choice::Dials(_)),
                worth == Confidence::High
            );
        }
    }
}

#[test]
fn a_shared_area_code_alone_is_asked_about() {
    let atlas = &*ATLAS;
    for code in atlas.codes().filter(|code| code.city.is_none()) {
        let line = Found {
            city: None,
            province: code.province,
            code: Some(code.id),
            by: Source::AreaCode,
            confidence: Confidence::High,
        };
        let places = Places {
            here: Some(line),
            ..Places::default()
        };
        let choice = PLAN
            .choose("110", &Heard::of("", &places, Some("010")))
            .unwrap();
        let Choice::Asks { likely, others, .. } = choice else {
            panic!("{} is settled", code.text);
        };
        assert_eq!(likely.first(), format!("{}110", code.text));
        assert!(others.len() >= 2, "{others:?}");
    }
    let own = Heard {
        own: Some("0851"),
        ..Heard::default()
    };
    let Choice::Asks { likely, .. } = PLAN.choose("110", &own).unwrap() else {
        panic!("the trunk settles nothing");
    };
    assert_eq!(likely.city, "贵州贵阳");
    assert_eq!(
        PLAN.choose("110", &Heard::default()),
        Err(TargetError::UnknownCity)
    );
}

#[test]
fn lines_of_the_table_go_before_area_code_and_key() {
    let rule = |of, district: &str, to: Dial, trunk| PlaceRule {
        of,
        district: district.to_owned(),
        key: "110".to_owned(),
        to: vec![to],
        trunk,
    };
    let number = |text: &str| Dial::Number(text.to_owned());
    let centre = Dial::Uri("sip:110@dispatch.example.cn".to_owned());
    let mut plan = PLAN.clone();
    plan.places = vec![
        rule(RuleOf::Province(52), "", number("085199999"), None),
        rule(RuleOf::City(520_300), "", centre.clone(), Some(TrunkId(3))),
        rule(RuleOf::City(520_300), "红花岗", number("085128888"), None),
    ];
    let dials = |key: &str, given: &str| {
        let choice = plan.choose(key, &Heard::given(given)).unwrap();
        let target = choice.into_target();
        let trunks = (0..target.dials.len()).map(|at| target.trunk(at));
        (
            target.dials.to_vec(),
            trunks.collect::<Vec<_>>(),
            target.reason,
        )
    };
    let (list, trunks, reason) = dials("110", "遵义市 红花 岗区");
    let expected = ["085128888", centre.as_str(), "085199999", "0851110"];
    assert_eq!(list.iter().map(Dial::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(trunks, [None, Some(TrunkId(3)), None, None]);
    assert!(
        reason.contains("先拨配置为该地指定的085128888，再按事发地区号0851拨打"),
        "{reason}"
    );
    let (list, ..) = dials("110", "遵义");
    let expected = [centre.as_str(), "085199999", "0851110"];
    assert_eq!(list.iter().map(Dial::as_str).collect::<Vec<_>>(), expected);
    let (list, ..) = dials("110", "毕节");
    assert_eq!(list, [number("085199999"), number("0857110")]);
    let (list, ..) = dials("120", "遵义");
    assert_eq!(list, [number("0851120")], "lines are of one key");
    let (list, ..) = dials("110", "长沙");
    assert_eq!(list, [number("0731110")]);
}

#[test]
fn keys_that_are_the_same_everywhere_need_no_place() {
    let clinic = Key {
        reach: Reach::Fixed(vec![Dial::Number("87654321".to_owned())]),
        ..Key::usual("clinic", "精神科门诊", KeyKind::Clinic, TrunkId(1))
    };
    let second = Key {
        reach: Reach::Seats {
            pool: meishier_model::PoolId(2),
            skills: meishier_model::SkillSet::EMPTY,
        },
        ..Key::usual("second", "二线", KeyKind::SecondLine, TrunkId(0))
    };
    let plan = Plan::new(vec![clinic, second]);
    for (given, city) in [("", ""), ("巴黎", ""), ("遵义", "贵州遵义")] {
        let target = plan.target("clinic", given).unwrap();
        assert_eq!((target.first(), &*target.city), ("87654321", city));
        assert!(plan.target("second", given).unwrap().dials.is_empty());
    }
}

#[test]
fn nothing_outside_the_list_is_dialled() {
    for key in [
        "",
        "1",
        "11",
        "1101",
        "911",
        "00441110",
        "clinic",
        "sip:110@example.cn",
        "１１０",
    ] {
        let choice = PLAN.choose(key, &heard("贵阳", Some("贵阳"), &[LINE]));
        assert_eq!(choice, Err(TargetError::UnknownKey), "{key}");
    }
}

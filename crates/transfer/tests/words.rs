//! What the words around a name say: where somebody is, and where they are not.

use meishier_model::TrunkId;
use meishier_routing::{Atlas, CityId, Confidence, Found, Source};
use meishier_transfer::{Choice, Dial, Heard, Key, PlaceRule, Plan, RuleOf, SERVICES, TargetError};
use std::sync::LazyLock;

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let keys = SERVICES
        .iter()
        .map(|it| Key::usual(it.name, it.title, it.kind, TrunkId(0)));
    Plan::new(keys.collect())
});

static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);

/// A cell in this city, which the network is sure of.
fn cell(name: &str) -> Option<Found> {
    let city = ATLAS.find(name).unwrap();
    Some(Found {
        city: Some(CityId(city.0)),
        province: ATLAS.province_of(city),
        code: ATLAS.code_of_city(city),
        by: Source::Cell,
        confidence: Confidence::High,
    })
}

fn in_cell<'a>(given: &'a str, city: &str) -> Heard<'a> {
    Heard {
        cell: cell(city),
        ..Heard::given(given)
    }
}

/// The place that is dialled at once; none if somebody is asked first, or nothing is known.
fn settled(given: &str) -> Option<String> {
    match PLAN.choose("110", &Heard::given(given)) {
        Ok(Choice::Dials(target)) => Some(target.city),
        Ok(Choice::Asks { .. }) => None,
        Err(error) => {
            assert_eq!(error, TargetError::UnknownCity, "{given}");
            None
        }
    }
}

#[test]
fn words_that_say_where_somebody_is_not_settle_nothing() {
    #[rustfmt::skip]
    let cases = [
        // Denied.
        "不住在贵阳", "没有在贵阳", "不在贵阳市云岩区", "他不是在贵阳市", "还没到贵阳市", "不在北京、上海",
        "人已经离开贵阳市了", "她不在老家贵阳市", "没有住贵阳市", "未在贵阳市", "不回贵阳市", "不再住在贵阳市",
        // Over.
        "以前在贵阳读书", "曾经住在贵阳市", "昨天还在贵阳市", "去年在贵阳", "在贵阳市长大", "在贵阳读过书",
        "之前在贵阳市打工", "小时候住贵阳市", "原来在贵阳市上班", "贵阳市出生", "上个月在贵阳市",
        // Where somebody comes from.
        "出生在贵阳", "老家是贵阳市", "户口是贵阳", "户籍是贵阳市", "身份证是贵阳市的", "贵阳市人", "贵阳市户口",
        "来自贵阳市", "手机号是贵阳的", "归属地贵阳市", "家乡是贵阳市", "贵阳市的号码", "车牌是贵阳市的",
        // Others.
        "男友在上海", "她妈妈在贵阳，她自己在外地", "我女儿在贵阳市读书", "前夫住在贵阳市", "父母在贵阳市",
        "她男朋友是贵阳市的", "我同学在贵阳市", "姐姐在贵阳市上班", "在贵阳市有个朋友", "她妈妈家在贵阳市",
        // On the way.
        "要去贵阳市跳河", "从贵阳市出来了", "在贵阳到广州的高铁上", "准备去贵阳市", "在去贵阳市的路上",
        "正在赶往贵阳市", "从贵阳市来的", "在开往贵阳市的火车上", "贵阳至广州的动车上", "路过贵阳市", "一会儿到贵阳市",
        "明天到贵阳市", "在贵阳飞北京的飞机上", "在贵阳市的火车上", "回贵阳市", "想跑到贵阳市", "刚从贵阳市出发",
        // Not certain.
        "可能在贵阳", "好像在贵阳市", "不确定是不是在贵阳", "在贵阳市吗", "大概在贵阳市", "应该是在贵阳", "听说在贵阳市",
        "也许在贵阳市", "在贵阳吧", "贵阳市？", "在贵阳市，不确定", "不太确定，在贵阳市", "在贵阳或者遵义", "会不会在贵阳市",
        "是在贵阳还是遵义", "估计在贵阳市", "在贵阳市（可能）", "在贵阳市，可能在遵义市", "如果在贵阳市", "有没有在贵阳市",
        // And more of each.
        "没在贵阳市", "并不在贵阳市", "不住贵阳", "没回贵阳市", "从没去过贵阳市", "不是贵阳", "不在贵阳市里", "从来不在贵阳市",
        "她说她不在贵阳市", "人没有在贵阳市", "他不可能在贵阳市", "已经不住在贵阳市了", "以前住贵阳", "早年在贵阳市",
        "贵阳是我老家", "贵阳市是我老家", "我是贵阳的", "他爸在贵阳市", "孩子在贵阳市", "贵阳是以前住的地方",
        "坐火车去贵阳市", "在去贵阳的路上", "快到贵阳市了", "还有一小时到贵阳市", "高铁马上到贵阳市", "从贵阳往北京走", "离贵阳市不远",
        "他要在贵阳市下车", "说不好，贵阳市吧", "贵阳市？不清楚", "我猜是贵阳市", "贵阳市还是遵义市", "在贵阳市附近吧",
        "她妈妈是贵阳市的", "前男友在贵阳市", "我在等从贵阳市来的人", "贵阳市打来的电话", "她的家人都在贵阳市",
    ];
    let wrong: Vec<_> = cases.iter().filter(|it| settled(it).is_some()).collect();
    assert_eq!(wrong, Vec::<&&str>::new());
}

#[test]
fn words_that_say_where_somebody_is_settle_it() {
    #[rustfmt::skip]
    let cases = [
        ("他在贵阳市云岩区", "贵州贵阳"), ("我现在在贵阳", "贵州贵阳"), ("贵阳", "贵州贵阳"),
        ("在贵阳", "贵州贵阳"), ("我在贵阳市", "贵州贵阳"), ("520100", "贵州贵阳"), ("贵州贵阳", "贵州贵阳"),
        ("她现在一个人在贵阳市南明区", "贵州贵阳"), ("他说他在贵阳", "贵州贵阳"),
        ("他妈妈说他在贵阳市", "贵州贵阳"), ("我和妈妈在贵阳市", "贵州贵阳"), ("我跟她男友在贵阳市", "贵州贵阳"),
        ("他不想活了，在贵阳市云岩区", "贵州贵阳"), ("他撑不住了在贵阳市云岩区", "贵州贵阳"),
        ("我不知道怎么办，在贵阳市", "贵州贵阳"), ("在贵阳市，不知道具体位置", "贵州贵阳"),
        ("在贵阳市云岩区，可能在三楼", "贵州贵阳"), ("在贵阳市，哪个区不确定", "贵州贵阳"),
        ("不在贵阳，在遵义", "贵州遵义"), ("不在贵阳在遵义市", "贵州遵义"), ("以前在贵阳，现在在遵义", "贵州遵义"),
        ("老家贵阳，人在遵义市", "贵州遵义"), ("男友在上海，她在贵阳市", "贵州贵阳"),
        ("我妈在贵阳我在遵义市", "贵州遵义"), ("出生在贵阳，住在遵义市", "贵州遵义"),
        ("从贵阳市出来了，现在在遵义市", "贵州遵义"), ("人在贵阳市高铁站", "贵州贵阳"),
        ("在贵阳市火车站", "贵州贵阳"), ("已经到贵阳市了", "贵州贵阳"), ("来到贵阳市", "贵州贵阳"),
        ("在贵阳市人民医院", "贵州贵阳"), ("在贵阳市人行天桥上", "贵州贵阳"), ("在贵阳市一家酒吧", "贵州贵阳"),
        ("贵阳市中山路上", "贵州贵阳"), ("住贵阳市花果园小区", "贵州贵阳"), ("贵阳市有人要跳楼", "贵州贵阳"),
        ("女，20岁，贵阳市云岩区中华北路1号楼顶，红衣服", "贵州贵阳"),
        ("他没有吃药，在贵阳市南明区", "贵州贵阳"), ("她没带手机，人在贵阳", "贵州贵阳"),
        ("住在贵阳市观山湖区", "贵州贵阳"), ("家在贵阳市", "贵州贵阳"), ("地址：贵阳市云岩区", "贵州贵阳"),
        ("目前在贵阳市某宾馆，不愿说房号", "贵州贵阳"), ("她本人在贵阳市", "贵州贵阳"),
        ("她老公不在，她在贵阳市家里", "贵州贵阳"), ("自称在贵阳市", "贵州贵阳"), ("不想活了在贵阳市", "贵州贵阳"),
        ("北京镇江路7号", "北京"), ("在贵阳读大学", "贵州贵阳"), ("人在贵阳市，手机号是遵义的", "贵州贵阳"),
    ];
    let found = cases.map(|(text, _)| (text, settled(text)));
    let expected = cases.map(|(text, place)| (text, Some(place.to_owned())));
    let wrong: Vec<_> = found.iter().filter(|it| !expected.contains(it)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_sentence_that_contradicts_a_sure_cell_is_asked_about_and_a_name_is_not() {
    for (given, city) in [
        ("遵义", "贵州遵义"),
        ("遵义市红花岗区", "贵州遵义"),
        ("贵州 遵义，", "贵州遵义"),
        ("520300", "贵州遵义"),
        ("人在毕节市七星关区", "贵州毕节"),
    ] {
        let choice = PLAN.choose("110", &in_cell(given, "毕节")).unwrap();
        let Choice::Dials(target) = choice else {
            panic!("{given}: {choice:?}");
        };
        assert_eq!(target.city, city, "{given}");
    }
    let choice = PLAN.choose("110", &in_cell("人在遵义市中华南路25号", "毕节"));
    let Choice::Asks { likely, others, .. } = choice.unwrap() else {
        panic!("nobody is asked");
    };
    assert_eq!(
        (&*likely.city, &*others),
        ("贵州遵义", &["贵州毕节".to_owned()][..])
    );
    assert!(
        likely.doubt.contains("基站则在贵州毕节"),
        "{}",
        likely.doubt
    );
}

#[test]
fn a_sure_cell_is_likelier_than_what_is_only_hinted() {
    for given in ["男友在上海", "不住在上海", "要去上海市", "上海宾馆"] {
        let choice = PLAN.choose("110", &in_cell(given, "毕节")).unwrap();
        let Choice::Asks { likely, .. } = choice else {
            panic!("{given}: {choice:?}");
        };
        assert_eq!(likely.city, "贵州毕节", "{given}");
    }
    // A cell that the words deny is the last to be thought of.
    let denied = PLAN.choose("110", &in_cell("不在毕节", "毕节")).unwrap();
    assert!(matches!(denied, Choice::Asks { .. }), "{denied:?}");
}

#[test]
fn what_was_settled_before_is_worth_more_than_the_cell_and_less_than_a_place_that_is_said() {
    let after = |given: &'static str, answer: &'static str| {
        let heard = Heard {
            before: "新疆独山子区",
            answer,
            ..in_cell(given, "毕节")
        };
        let choice = PLAN.choose("110", &heard).unwrap();
        let asked = matches!(choice, Choice::Asks { .. });
        let target = choice.into_target();
        (
            target.first().to_owned(),
            target.located.unwrap().told,
            asked,
        )
    };
    // 独山子区 has another area code than its city.
    for given in ["", "中华北路1号楼顶", "克拉玛依宾馆"] {
        assert_eq!(
            after(given, ""),
            ("0992110".to_owned(), true, false),
            "{given}"
        );
    }
    assert_eq!(after("遵义", ""), ("0851110".to_owned(), true, false));
    assert_eq!(after("鼓楼区", "南京"), ("025110".to_owned(), true, false));
    assert_eq!(after("上海宾馆", ""), ("0992110".to_owned(), false, true));
    assert_eq!(
        after("她不在克拉玛依市", ""),
        ("0857110".to_owned(), false, true)
    );
    // In a sentence, against both.
    assert_eq!(
        after("人在遵义市中华南路", ""),
        ("0851110".to_owned(), false, true)
    );
}

#[test]
fn a_line_for_a_district_holds_only_where_the_words_say_that_it_is_there() {
    let rule = |district: &str, to: &str| PlaceRule {
        of: RuleOf::City(110_000),
        district: district.to_owned(),
        key: "110".to_owned(),
        to: vec![Dial::Number(to.to_owned())],
        trunk: None,
    };
    let mut plan = PLAN.clone();
    plan.places = vec![
        rule("朝阳区", "01011"),
        rule("海淀区", "01022"),
        rule("三里屯", "01033"),
    ];
    #[rustfmt::skip]
    let cases: [(&str, &[&str]); 9] = [
        ("北京市朝阳区", &["01011"]), ("北京市，不在朝阳区，在海淀区", &["01022"]),
        ("北京市海淀区，不在朝阳区", &["01022"]), ("北京市海淀区，朝阳区", &["01022", "01011"]),
        ("北京市海淀区，以前住朝阳区", &["01022"]), ("北京市海淀区朝阳区路", &["01022", "01011"]),
        ("北京市三里屯那边", &["01033"]), ("北京市三里屯路", &[]), ("北京市，不在三里屯", &[]),
    ];
    for (given, first) in cases {
        let target = plan
            .choose("110", &Heard::given(given))
            .unwrap()
            .into_target();
        let dials: Vec<&str> = target.dials.iter().map(Dial::as_str).collect();
        let expected: Vec<&str> = first.iter().copied().chain(["010110"]).collect();
        assert_eq!(dials, expected, "{given}");
    }
}

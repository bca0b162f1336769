//! Cities and keys, as data.

use meishier_model::TrunkId;
use meishier_transfer::{CityError, CityTable, Key, KeyKind, Plan, SERVICES, TargetError, service};
use std::collections::BTreeSet;

fn plan() -> Plan {
    let keys = SERVICES
        .iter()
        .map(|service| Key::usual(service.name, service.title, service.kind, TrunkId(0)));
    Plan::new(keys.collect())
}

#[test]
fn every_line_of_the_table_is_read() {
    let table = CityTable::builtin();
    assert_eq!(table.cities().len(), 361);
    for city in table.cities() {
        assert!((110_000..660_000).contains(&city.adcode), "{city:?}");
        assert!(
            city.area_code.starts_with('0') && (3..=4).contains(&city.area_code.len()),
            "{city:?}"
        );
        assert!(
            city.area_code.bytes().all(|b| b.is_ascii_digit()),
            "{city:?}"
        );
        assert!(!city.name.is_empty() && !city.province.is_empty());
    }
    assert!(table.cities().is_sorted_by_key(|city| city.adcode));
    let provinces: BTreeSet<&str> = table.cities().iter().map(|city| city.province).collect();
    assert_eq!(provinces.len(), 31);
}

#[test]
fn every_city_answers_to_its_full_name_and_nearly_all_to_their_own() {
    let table = CityTable::builtin();
    for city in table.cities() {
        assert_eq!(table.find(&city.full_name()), Ok(*city));
        match table.find(city.name) {
            Ok(found) => assert_eq!(found, *city),
            Err(_) => assert!(["吉林", "海南"].contains(&city.name), "{city:?}"),
        }
    }
}

#[rustfmt::skip]
const NAMED: &[(&str, u32)] = &[
    ("贵阳", 520_100), ("贵阳市", 520_100), ("贵州贵阳", 520_100), ("贵州省贵阳市", 520_100),
    ("贵州省 贵阳市", 520_100), ("520100", 520_100), ("0871", 530_100), ("北京", 110_000),
    ("北京市", 110_000), ("北京市北京市", 110_000), ("010", 110_000), ("重庆", 500_000),
    ("重庆市", 500_000), ("重庆市万州区", 500_101), ("023", 500_000), ("吉林市", 220_200),
    ("吉林省吉林市", 220_200), ("吉林吉林", 220_200), ("海南州", 632_500),
    ("海南藏族自治州", 632_500), ("青海海南", 632_500), ("海南省海口市", 460_100),
    ("恩施土家族苗族自治州", 422_800), ("黔南布依族苗族自治州", 522_700), ("黔南州", 522_700),
    ("博尔塔拉蒙古自治州", 652_700), ("博州", 652_700), ("克孜勒苏柯尔克孜自治州", 653_000),
    ("新疆维吾尔自治区巴音郭楞蒙古自治州", 652_800), ("伊犁哈萨克自治州", 654_000),
    ("锡林郭勒盟", 152_500), ("内蒙古自治区兴安盟", 152_200), ("大兴安岭地区", 232_700),
    ("阿里地区", 542_500), ("那曲市", 542_400), ("大理市", 532_900), ("神农架林区", 429_021),
    ("广西壮族自治区南宁市", 450_100), ("杭州", 330_100), ("杭州市", 330_100),
    ("株洲", 430_200), ("石河子市", 659_001), ("0470", 150_700), ("0312", 130_600),
    ("130600", 130_600), ("雄安新区", 130_600), ("珲春市", 222_404), ("潢川县", 411_526),
];

#[test]
fn a_city_may_be_named_in_many_ways() {
    let table = CityTable::builtin();
    for (text, adcode) in NAMED {
        assert_eq!(
            table.find(text).map(|city| city.adcode),
            Ok(*adcode),
            "{text}"
        );
    }
    assert_eq!(table.find("雄安新区").unwrap().name, "雄安");
    assert_eq!(table.find("0312").unwrap().name, "保定");
}

#[test]
fn what_could_mean_two_cities_names_none() {
    let table = CityTable::builtin();
    let cases: [(&str, &[&str]); 7] = [
        ("0731", &["湖南长沙", "湖南株洲", "湖南湘潭"]),
        ("0851", &["贵州贵阳", "贵州遵义", "贵州安顺"]),
        ("028", &["四川成都", "四川眉山", "四川资阳"]),
        ("海南", &["海南海口", "海南三亚", "青海海南"]),
        ("海南省", &["海南海口", "海南三亚"]),
        ("0898", &["海南海口", "海南三亚"]),
        (
            "宁夏回族自治区",
            &["宁夏银川", "宁夏石嘴山", "宁夏吴忠", "宁夏固原", "宁夏中卫"],
        ),
    ];
    for (text, names) in cases {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(table.find(text), Err(CityError::Ambiguous(names)), "{text}");
    }
    assert!(matches!(table.find("吉林"), Err(CityError::Ambiguous(names)) if names.len() == 9));
}

#[test]
fn what_names_no_city_is_unknown() {
    let table = CityTable::builtin();
    let texts = [
        "",
        " ",
        "朝阳区",
        "杭",
        "州",
        "海南市",
        "贵阳县",
        "广东贵阳",
        "12356",
        "000000",
        "0999999",
        "999999",
        "贵阳贵州",
        "110",
    ];
    for text in texts {
        assert_eq!(table.find(text), Err(CityError::Unknown), "{text:?}");
    }
}

#[test]
fn a_target_is_area_code_and_key() {
    let plan = plan();
    let cases = [
        ("110", "贵阳", "0851110"),
        ("120", "北京市", "010120"),
        ("119", "广东深圳", "0755119"),
        ("12345", "上海", "02112345"),
    ];
    for (key, city, dial) in cases {
        let target = plan.target(key, city).unwrap();
        assert_eq!(target.first(), dial);
        assert_eq!(plan.keys[target.key].name, key);
    }
    let target = plan.target("110", "520300").unwrap();
    assert_eq!(target.city, "贵州遵义");
    assert_eq!(
        target.reason,
        "公安报警（110）在贵州遵义（520300，咨询员给出“520300”），按事发地区号0851拨打"
    );
    assert_eq!(plan.target("122", "重庆").unwrap().city, "重庆");
    let text = serde_json::to_string(&target).unwrap();
    assert_eq!(
        serde_json::from_str::<meishier_transfer::Target>(&text).unwrap(),
        target
    );
}

#[test]
fn a_target_that_is_not_certain_is_refused_with_its_choices() {
    let plan = plan();
    assert_eq!(plan.target("911", "贵阳"), Err(TargetError::UnknownKey));
    assert_eq!(
        plan.target("1", "贵阳"),
        Err(TargetError::UnknownKey),
        "no key by its beginning"
    );
    assert_eq!(plan.target("110", "巴黎"), Err(TargetError::UnknownCity));
    let several = plan.target("110", "0731").unwrap_err();
    assert!(several.message_zh().contains("湖南株洲"));
    assert!(several.to_string().contains("湖南株洲"));
}

#[test]
fn the_known_services_are_told_apart() {
    let emergencies: Vec<&str> = SERVICES
        .iter()
        .filter(|s| s.kind == KeyKind::Emergency)
        .map(|s| s.name)
        .collect();
    assert_eq!(emergencies, ["110", "120", "119", "122"]);
    assert_eq!(service("12355").unwrap().title, "青少年服务热线");
    assert_eq!(service("11"), None);
}

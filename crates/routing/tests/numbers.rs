//! Every shape in which a number arrives, as data.

use meishier_routing::Kind::{Foreign, Local, Mobile, Name, Other, Short, Withheld};
use meishier_routing::{Called, Kind, Number};
use proptest::prelude::*;

const BEIJING: Kind = Kind::Landline { code: 3 };
const LAND: Kind = Kind::Landline { code: 4 };

/// Text, form, kind, remark.
#[rustfmt::skip]
const FORMS: &[(&str, &str, Kind, &str)] = &[
    ("88908001", "88908001", Local, "a local number of eight digits"),
    ("8890800", "8890800", Local, "a local number of seven digits"),
    ("8612356", "8612356", Local, "86 begins a local number as well, so nothing falls away"),
    ("86123456", "86123456", Local, "the same with eight digits"),
    ("075588908001", "075588908001", LAND, "with its area code"),
    ("0755 8890 8001", "075588908001", LAND, "spaces"),
    ("0755-88908001", "075588908001", LAND, "a dash after the area code is no extension"),
    ("0755-8890-8001", "075588908001", LAND, "two dashes"),
    ("(0755)8890.8001", "075588908001", LAND, "all separators of RFC 3966 §5.1.1"),
    ("01088908001", "01088908001", BEIJING, "an area code of three digits"),
    ("02088908001", "02088908001", BEIJING, "another, not a mobile number"),
    ("+8675588908001", "075588908001", LAND, "E.164"),
    ("+86-755-88908001", "075588908001", LAND, "E.164 with dashes"),
    ("+86075588908001", "075588908001", LAND, "the 0 kept after the country code"),
    ("+86 (0)755 88908001", "075588908001", LAND, "the same as people write it"),
    ("008675588908001", "075588908001", LAND, "international prefix"),
    ("0086 0755 88908001", "075588908001", LAND, "international prefix and the 0"),
    ("8675588908001", "075588908001", LAND, "86 alone: thirteen digits are no local number"),
    ("86075588908001", "075588908001", LAND, "86 alone and the 0"),
    ("861088908001", "01088908001", BEIJING, "86 alone before Beijing"),
    ("+861088908001", "01088908001", BEIJING, "1 begins an area code"),
    ("13360096745", "13360096745", Mobile, "a mobile number"),
    ("013360096745", "13360096745", Mobile, "dialled as a trunk call"),
    ("+8613360096745", "13360096745", Mobile, "E.164"),
    ("+86013360096745", "13360096745", Mobile, "E.164 and the 0"),
    ("008613360096745", "13360096745", Mobile, "international prefix"),
    ("8613360096745", "13360096745", Mobile, "86 alone"),
    ("86-133-6009-6745", "13360096745", Mobile, "86 alone, dashes"),
    ("133-6009-6745", "13360096745", Mobile, "dashes that are no extension"),
    ("13360096745-1234", "13360096745", Mobile, "an extension of a privacy number"),
    ("１３３６００９６７４５", "13360096745", Mobile, "full-width digits"),
    ("＋８６　１３３　６００９　６７４５", "13360096745", Mobile, "full-width plus and spaces"),
    ("（０７５５）８８９０－８００１", "075588908001", LAND, "full-width brackets and dash"),
    ("0755–88908001", "075588908001", LAND, "a long dash"),
    ("sip:+8613360096745@ims.example.cn;user=phone", "13360096745", Mobile, "SIP URI"),
    ("SIPS:075588908001@10.0.0.1:5061", "075588908001", LAND, "SIPS URI with a port"),
    ("sip:%2B8613360096745@h", "13360096745", Mobile, "an escaped plus (RFC 3261 §19.1.2)"),
    ("sip:13360096745:secret@h", "13360096745", Mobile, "a password is not the number"),
    ("tel:+86-755-8890-8001", "075588908001", LAND, "tel URI"),
    ("tel:88908001;phone-context=+86755", "075588908001", LAND, "context: the area (RFC 3966 §5.1.5)"),
    ("tel:88908001;isub=12;phone-context=+86-755", "075588908001", LAND, "context after another parameter"),
    ("sip:88908001;phone-context=+8610@h;user=phone", "01088908001", BEIJING, "context in a SIP user part"),
    ("tel:21234567;phone-context=+852", "+85221234567", Foreign, "context of another region"),
    ("tel:88908001;phone-context=ims.example.cn", "88908001", Local, "a context that is a domain names no area"),
    ("tel:88908001;phone-context=+86", "88908001", Local, "the country alone names no area"),
    ("tel:12356;phone-context=+86851", "12356", Short, "a short number stays what was dialled"),
    ("tel:013360096745;phone-context=+86755", "13360096745", Mobile, "a mobile number needs no context"),
    ("tel:+8675588908001;isub=1411", "075588908001", LAND, "subaddress"),
    ("tel:+8675588908001;ext=8012", "075588908001", LAND, "extension by parameter (RFC 3966 §5.1.3)"),
    ("88908001-8012", "88908001", Local, "extension after a dash"),
    ("0755-88908001-8012", "075588908001", LAND, "area code, number, extension"),
    ("010-88908001-8", "01088908001", BEIJING, "an extension of one digit"),
    ("88908001,8012", "88908001", Local, "extension after a pause"),
    ("88908001,,8012", "88908001", Local, "two pauses"),
    ("88908001;ext=8012", "88908001", Local, "extension without a scheme"),
    ("88908001转8012", "88908001", Local, "extension in Chinese"),
    ("88908001 ext. 8012", "88908001", Local, "extension in English"),
    ("88908001x8012", "88908001", Local, "extension, short"),
    ("0755-88908001#12", "075588908001", LAND, "extension after a hash"),
    ("88908001#8012", "88908001", Local, "the same without an area code"),
    ("13360096745#", "13360096745", Mobile, "a hash that ends what was dialled"),
    ("sip:075588908001%2312@h", "075588908001", LAND, "an escaped hash"),
    ("88908001#12-3", "88908001", Local, "a dash behind the hash"),
    ("**21*13360096745#", "**21*13360096745#", Other, "a service code ends in a hash as well"),
    ("88908001#12,3", "88908001", Local, "a pause behind the hash"),
    ("12356#", "12356", Short, "the hotline, and a hash that ends it"),
    ("085412356#", "085412356", LAND, "the same of another area"),
    ("12356#1", "12356#1", Other, "a short number has no extension"),
    ("12593013360096745", "13360096745", Mobile, "a carrier's prefix and a 0"),
    ("17951013360096745", "13360096745", Mobile, "another carrier's"),
    ("1795113360096745", "13360096745", Mobile, "without the 0"),
    ("1791113360096745", "13360096745", Mobile, "17911"),
    ("17909075588908001", "075588908001", LAND, "17909 before an area code"),
    ("1019301088908001", "01088908001", BEIJING, "10193"),
    ("1180813360096745", "13360096745", Mobile, "11808"),
    ("12583113360096745", "13360096745", Mobile, "one of several numbers on a card"),
    ("+861795113360096745", "13360096745", Mobile, "behind the country's code"),
    ("17951-0755-88908001-12", "075588908001", LAND, "prefix, area code, number, extension"),
    ("179510085221234567", "+85221234567", Foreign, "prefix and another region"),
    ("17951085412356", "085412356", LAND, "prefix and another area's hotline"),
    ("17951133600", "17951133600", Mobile, "a mobile number that begins like a prefix"),
    ("1795188908001", "1795188908001", Other, "no whole number behind the prefix"),
    ("1795112356", "1795112356", Other, "a short number needs no carrier"),
    ("1234513360096745", "1234513360096745", Other, "no carrier's prefix"),
    ("\"x\" <sip:13360096745@h>", "13360096745", Mobile, "name-addr (RFC 3261 §20.10)"),
    ("<tel:+8613360096745>", "13360096745", Mobile, "name-addr without a name"),
    ("\"<a\\\" 110>\" <sip:075588908001@h;user=phone>;tag=1", "075588908001", LAND, "brackets and a quote in the name"),
    ("张三 <tel:88908001;phone-context=+86755>", "075588908001", LAND, "a context in brackets"),
    ("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "", Withheld, "withheld, in brackets"),
    ("tel:13360096745;phone-context=86", "13360096745", Mobile, "a context that lost its plus"),
    ("tel:13360096745;phone-context=+86", "13360096745", Mobile, "the country as context"),
    ("tel:75588908001;phone-context=+86", "075588908001", LAND, "area code without its 0 behind the country"),
    ("tel:1088908001;phone-context=86", "01088908001", BEIJING, "the same without the plus"),
    ("tel:88908001;phone-context=86755", "075588908001", LAND, "an area that lost its plus"),
    ("tel:88908001;phone-context=0755", "075588908001", LAND, "an area as dialled"),
    ("tel:88908001;phone-context=852", "88908001", Local, "digits that may be a country or an area"),
    ("8012", "8012", Short, "a switchboard's extension"),
    ("110", "110", Short, "police"),
    ("12356", "12356", Short, "the hotline"),
    ("+8612356", "12356", Short, "E.164 of a short number"),
    ("008612356", "12356", Short, "the same with an international prefix"),
    ("962525", "962525", Short, "an old hotline"),
    ("95013123", "95013123", Short, "a service number of eight digits"),
    ("400-800-1234", "4008001234", Short, "reached from everywhere"),
    ("+864008001234", "4008001234", Short, "no area code 0400"),
    ("085112356", "085112356", LAND, "another area's hotline"),
    ("0851-12356", "085112356", LAND, "with a dash"),
    ("+8685112356", "085112356", LAND, "E.164"),
    ("8685112356", "085112356", LAND, "86 alone before area code and hotline"),
    ("861012356", "01012356", BEIJING, "the same for Beijing"),
    ("01012356", "01012356", BEIJING, "Beijing's hotline from elsewhere"),
    ("0851110", "0851110", LAND, "another area's police"),
    ("+85221234567", "+85221234567", Foreign, "Hong Kong"),
    ("0085221234567", "+85221234567", Foreign, "international prefix becomes +"),
    ("+1 (212) 555-0100", "+12125550100", Foreign, "North America"),
    ("+0086 86 13360096745", "08613360096745", Other, "a country code twice is no number of any plan"),
    ("+861064812345678", "1064812345678", Other, "a machine's number of thirteen digits"),
    ("1234567890123456789", "1234567890123456789", Other, "no plan has such a number"),
    ("*99#", "*99#", Other, "a service code"),
    ("anonymous", "", Withheld, "RFC 3323 §4.1.1.3"),
    ("sip:Anonymous@anonymous.invalid", "", Withheld, "as a URI"),
    ("sip:c8oqz84zk7z@anonymous.invalid;x=1", "", Withheld, "the host says it"),
    ("unavailable", "", Withheld, "as switches write it"),
    ("Restricted", "", Withheld, "as switches write it"),
    ("sip:unknown@10.0.0.1", "", Withheld, "as switches write it"),
    ("匿名", "", Withheld, "in Chinese"),
    ("", "", Withheld, "nothing"),
    ("+86", "", Withheld, "a country and nothing else"),
    ("00000000", "", Withheld, "a field filled with zeros"),
    ("sip:10.0.0.1", "", Withheld, "a host without a user"),
    ("sip:@h", "", Withheld, "an empty user"),
    ("没事儿", "没事儿", Name, "a user name"),
    ("sip:zhang.san@example.cn", "zhang.san", Name, "a user name with a dot"),
    ("desk7", "desk7", Name, "letters and a digit"),
    ("7desk", "7desk", Name, "digits first"),
    ("88908001 of the desk", "88908001 of the desk", Name, "not an extension"),
];

#[test]
fn every_shape_has_one_form() {
    assert!(FORMS.len() >= 60);
    for (text, form, kind, remark) in FORMS {
        let number = Number::new(text);
        assert_eq!(number.as_str(), *form, "{text}: {remark}");
        assert_eq!(number.kind(), *kind, "{text}: {remark}");
        assert_eq!(number.as_bytes(), form.as_bytes(), "{text}");
    }
}

#[test]
fn a_trunk_gives_local_numbers_their_area() {
    #[rustfmt::skip]
    let cases = [
        ("88908001", Some("0755"), "075588908001", "with its 0"),
        ("88908001", Some("755"), "075588908001", "without it"),
        ("8890800", Some("0851"), "08518890800", "seven digits"),
        ("88908001", Some("010"), "01088908001", "three digits"),
        ("88908001-8012", Some("0755"), "075588908001", "an extension falls away before"),
        ("tel:88908001;phone-context=+8621", Some("0755"), "02188908001", "the context goes before the trunk"),
        ("tel:88908001;phone-context=h", Some("0755"), "075588908001", "unless it names no area"),
        ("tel:88908001;phone-context=+", Some("0755"), "075588908001", "a context without digits names none"),
        ("tel:61234567;phone-context=+8", Some("0755"), "1234567", "+8 and 6… are +86"),
        ("12356", Some("0755"), "12356", "a short number stays"),
        ("8012", Some("0755"), "8012", "an extension stays"),
        ("13360096745", Some("0755"), "13360096745", "a mobile number stays"),
        ("02088908001", Some("0755"), "02088908001", "a national number stays"),
        ("88908001", None, "88908001", "nothing is known"),
        ("88908001", Some("75"), "88908001", "no area code"),
        ("88908001", Some("07555"), "88908001", "no area code"),
        ("88908001", Some("广东"), "88908001", "no area code"),
        ("anonymous", Some("0755"), "", "withheld stays withheld"),
    ];
    for (text, area, form, remark) in cases {
        assert_eq!(
            Number::in_area(text, area).as_str(),
            form,
            "{text} {area:?}: {remark}"
        );
    }
}

#[test]
fn the_hotline_is_known_in_every_form() {
    #[rustfmt::skip]
    let cases = [
        ("12356", Called::Hotline), ("+8612356", Called::Hotline),
        ("sip:12356@10.0.0.1", Called::Hotline), ("tel:12356;phone-context=+86851", Called::Hotline),
        ("085112356", Called::HotlineOf("0851")), ("+8685112356", Called::HotlineOf("0851")),
        ("01012356", Called::HotlineOf("010")), ("+861012356", Called::HotlineOf("010")),
        ("02112356", Called::HotlineOf("021")), ("0999912356", Called::Other),
        ("88812356", Called::Other), ("02188812356", Called::Other), ("962525", Called::Other),
        ("12345", Called::Other), ("123567", Called::Other), ("", Called::Other),
        ("x12356", Called::Other), ("+85212356", Called::Other), ("0112356", Called::Other),
    ];
    for (text, called) in cases {
        assert_eq!(Number::new(text).called(), called, "{text}");
    }
}

#[test]
fn one_line_in_two_forms_is_the_same_line() {
    let same = |a: &str, b: &str| {
        let (a, b) = (Number::new(a), Number::new(b));
        assert_eq!(a.same_line(&b), b.same_line(&a));
        a.same_line(&b)
    };
    assert!(same("+862164387250", "021-64387250"));
    assert!(same("64387250", "02164387250"));
    assert!(!same("4387250", "02164387250"));
    assert!(!same("64387250", "64387251"));
    assert!(!same("", ""));
    assert!(!same("anonymous", "12356"));
}

#[test]
fn a_number_is_not_shown_in_debug_output() {
    assert_eq!(
        format!("{:?}", Number::new("+8613360096745")),
        "Number(Mobile)"
    );
}

/// Texts that look like numbers, more often than any text would.
fn numberlike() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        "[0-9]{1,9}",
        "(sip:|tel:|sips:|\\+|\\+86|0086|86|0|00|\\+852|400|1[3-9][0-9]{9})",
        "(-|,|转|x|ext|;ext=|;phone-context=\\+86755|;phone-context=\\+?86|;phone-context=\\+|@h|@anonymous.invalid)",
        "(<|>|\"|#|17951|12593|10193|\\\\)",
        "(12356|%2B|%30|:| |\\.|０|－|anonymous|\\*|#|é|é{30})",
        "[0-9]{60,75}",
    ];
    prop::collection::vec(parts, 0..7).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_form_is_its_own_form(text in prop_oneof![numberlike(), ".{0,120}"]) {
        let once = Number::new(&text);
        let twice = Number::new(once.as_str());
        prop_assert_eq!(once.as_str(), twice.as_str());
        prop_assert_eq!(once.as_str().len(), once.as_bytes().len());
        prop_assert!(once.as_bytes().len() <= 72);
        prop_assert_eq!(once.kind() == Withheld, once.as_bytes().is_empty());
    }

    #[test]
    fn a_form_in_an_area_is_its_own_form(
        text in numberlike(), area in prop_oneof!["0?[0-9]{1,4}", ".{0,90}"],
    ) {
        let once = Number::in_area(&text, Some(&area));
        let twice = Number::in_area(once.as_str(), Some(&area));
        prop_assert_eq!(once.as_str(), twice.as_str());
        prop_assert!(once.as_bytes().len() <= 72);
    }
}

//! URIs, taken apart and compared.

use meishier_signaling::lex::unescape;
use meishier_signaling::uri::{Uri, UriError};
use meishier_signaling::via::Via;

#[test]
fn sip_uris_come_apart() {
    let u = Uri::parse(
        "sips:+86-10;phone-context=x:pw@[2001:db8::1]:5061;transport=tcp;lr?Subject=a&b=c",
    )
    .unwrap();
    assert_eq!(
        (u.scheme, u.user, u.password),
        ("sips", Some("+86-10;phone-context=x"), Some("pw"))
    );
    assert_eq!((u.host, u.port), ("[2001:db8::1]", Some(5061)));
    assert_eq!(
        (u.params.value("transport"), u.params.get("LR"), u.headers),
        (Some("tcp"), Some(None), "Subject=a&b=c")
    );
    assert_eq!(u.dial_string(), "+86-10");
    let u = Uri::parse("SIP:example.com").unwrap();
    assert_eq!(
        (u.user, u.host, u.port, u.is_sip()),
        (None, "example.com", None, true)
    );
    let u = Uri::parse("sip:sips%3Auser%40example.com@example.net").unwrap();
    assert_eq!(
        (u.user_unescaped().as_ref(), u.host),
        ("sips:user@example.com", "example.net")
    );
}

#[test]
fn other_schemes_stay_opaque() {
    let tel = Uri::parse("tel:+86-(10)-1234.5678;phone-context=cn").unwrap();
    assert_eq!(
        (tel.opaque, tel.is_sip(), tel.user),
        ("+86-(10)-1234.5678", false, None)
    );
    assert_eq!(tel.dial_string(), "+861012345678");
    assert_eq!(tel.params.value("phone-context"), Some("cn"));
    let urn = Uri::parse("urn:service:sos.police").unwrap();
    assert_eq!(
        (urn.scheme, urn.opaque, urn.dial_string().as_ref()),
        ("urn", "service:sos.police", "")
    );
}

#[test]
fn an_ipv6_address_may_have_a_zone() {
    for (text, ip, zone) in [
        ("sip:a@[2001:db8::1]:5060", "2001:db8::1", None),
        ("sip:a@[fe80::1%25eth0];lr", "fe80::1", Some("eth0")),
        ("sip:[fe80::1%eth0.7]:5062", "fe80::1", Some("eth0.7")),
        ("sip:a@[fe80::1%25en%2D1]", "fe80::1", Some("en-1")),
        ("sip:a@192.0.2.1", "192.0.2.1", None),
    ] {
        let uri = Uri::parse(text).unwrap();
        let (address, found) = uri.address().unwrap();
        assert_eq!(
            (address.to_string().as_str(), found.as_deref()),
            (ip, zone),
            "{text}"
        );
    }
    assert_eq!(Uri::parse("sip:a@example.com").unwrap().address(), None);
    for bad in [
        "[fe80::1%]",
        "[fe80::1%25]",
        "[fe80::1%a/b]",
        "[%eth0]",
        "[192.0.2.1]",
        "[fe80::1%a]b]",
    ] {
        let text = format!("sip:a@{bad}");
        assert_eq!(Uri::parse(&text).unwrap_err(), UriError::Host, "{bad}");
        assert!(
            Via::parse(&format!("SIP/2.0/UDP {bad};branch=1")).is_err(),
            "{bad}"
        );
    }
    let via = Via::parse("SIP/2.0/UDP [fe80::1%25eth0]:5062 ;branch=z9hG4bK1").unwrap();
    assert_eq!((via.host, via.port), ("[fe80::1%25eth0]", Some(5062)));
}

#[test]
fn emergency_services_are_known() {
    for (text, is) in [
        ("urn:service:sos", true),
        ("URN:Service:SOS.police", true),
        ("urn:service:sos.", true),
        ("urn:service:sosx", false),
        ("urn:service:counseling.suicide", false),
        ("urn:isbn:0", false),
        ("service:sos", false),
        ("sip:sos@h", false),
    ] {
        assert_eq!(
            Uri::parse(text).unwrap().is_emergency_service(),
            is,
            "{text}"
        );
    }
}

#[test]
fn headers_of_a_uri_come_apart() {
    let uri = Uri::parse("sip:a@h;lr?Route=%3Csip:p%3Blr%3E&Subject=&&to=%E5%BC%A0&x").unwrap();
    let all: Vec<(String, String)> = uri
        .header_fields()
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        all,
        [
            ("Route", "<sip:p;lr>"),
            ("Subject", ""),
            ("to", "张"),
            ("x", "")
        ]
    );
    // A question mark in the user begins no headers (§25.1, user-unreserved).
    let uri = Uri::parse("sip:a?b=c@h").unwrap();
    assert_eq!((uri.user, uri.headers), (Some("a?b=c"), ""));
    assert_eq!(uri.header_fields().count(), 0);
}

#[test]
fn malformed_uris_are_named() {
    for (text, error) in [
        ("", UriError::Scheme),
        ("12356", UriError::Scheme),
        ("1sip:a@h", UriError::Scheme),
        (":a", UriError::Scheme),
        ("sip:", UriError::Host),
        ("sip:a@", UriError::Host),
        ("sip:a@h!;x", UriError::Host),
        ("sip:a@[::1", UriError::Host),
        ("sip:a@[::1]x", UriError::Host),
        ("sip:@h", UriError::User),
        ("sip:a@evil@h", UriError::User),
        ("sip:a@h:", UriError::Port),
        ("sip:a@h:0", UriError::Port),
        ("sip:a@h:65536", UriError::Port),
        ("sip:a b@h", UriError::Character),
        ("<sip:a@h>", UriError::Character),
        ("sip:a\u{1a}@h", UriError::Character),
        ("tel:", UriError::Host),
    ] {
        assert_eq!(Uri::parse(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn escapes_resolve_and_broken_ones_stay() {
    assert_eq!(unescape("%41%4a%e5%bc%A0"), "AJ张");
    assert_eq!(unescape("100%"), "100%");
    assert_eq!(unescape("%Z%4"), "%Z%4");
    assert_eq!(unescape("%00"), "\0");
    assert_eq!(unescape("%ff"), "\u{fffd}");
}

#[test]
fn comparison_follows_the_rfc() {
    let same = |a: &str, b: &str| Uri::parse(a).unwrap().equivalent(&Uri::parse(b).unwrap());
    // RFC 3261 §19.1.4
    assert!(same(
        "sip:%61lice@atlanta.com;transport=TCP",
        "sip:alice@AtLanTa.CoM;Transport=tcp"
    ));
    assert!(same(
        "sip:carol@chicago.com",
        "sip:carol@chicago.com;newparam=5"
    ));
    assert!(same(
        "sip:carol@chicago.com;security=on",
        "sip:carol@chicago.com;newparam=5"
    ));
    assert!(!same(
        "SIP:ALICE@AtLanTa.CoM;Transport=udp",
        "sip:alice@AtLanTa.CoM;Transport=UDP"
    ));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
    assert!(!same(
        "sip:bob@biloxi.com",
        "sip:bob@biloxi.com;transport=udp"
    ));
    assert!(!same(
        "sip:carol@chicago.com;newparam=5",
        "sip:carol@chicago.com;newparam=6"
    ));
    assert!(same(
        "sip:atlanta.com?subject=project%20x&priority=urgent",
        "sip:atlanta.com?priority=urgent&Subject=project%20x"
    ));
    assert!(!same(
        "sip:carol@chicago.com",
        "sip:carol@chicago.com?Subject=next%20meeting"
    ));
    assert!(!same("sip:a@h", "sips:a@h"));
    assert!(!same("sip:h", "sip:a@h"));
}

//! The parts of an INVITE, taken apart again.

use crate::made::{ALL, SDP, dossier};
use crate::xml::{Element, elements, text};
use meishier_transfer::dossier::{Along, SipParts};

/// One part of a body.
pub struct Part {
    pub content_type: String,
    pub id: String,
    pub disposition: String,
    pub content: Vec<u8>,
}

impl Part {
    /// What it holds, read as XML.
    pub fn elements(&self) -> Vec<Element> {
        elements(std::str::from_utf8(&self.content).unwrap())
    }
}

/// The parts, cut by hand.
pub fn parts(sip: &SipParts) -> Vec<Part> {
    let boundary = sip.content_type.strip_prefix("multipart/mixed;boundary=\"");
    let boundary = boundary.unwrap().strip_suffix('"').unwrap();
    let text = String::from_utf8(sip.body.clone()).unwrap();
    let text = text
        .strip_suffix(&format!("\r\n--{boundary}--\r\n"))
        .unwrap();
    let text = format!("\r\n{text}");
    let between = format!("\r\n--{boundary}\r\n");
    let cut = text.split(&between).skip(1);
    cut.map(|part| {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let field = |name: &str| {
            let found = head.lines().find_map(|it| it.strip_prefix(name));
            found.unwrap_or("").to_owned()
        };
        Part {
            content_type: field("Content-Type: "),
            id: field("Content-ID: "),
            disposition: field("Content-Disposition: "),
            content: content.as_bytes().to_vec(),
        }
    })
    .collect()
}

#[test]
fn an_invite_says_where_the_caller_is() {
    let dossier = dossier();
    let along = Along {
        location: true,
        data: false,
    };
    let sip = dossier.sip(SDP, along);
    let parts = parts(&sip);
    assert_eq!(parts[0].content_type, "application/sdp");
    assert_eq!((parts[0].id.as_str(), &*parts[0].content), ("", SDP));
    assert_eq!(parts.len(), 3);
    for (number, part) in (1..).zip(&parts[1..]) {
        let id = format!("place{number}.00000000000004d2.2@hotline.example");
        assert_eq!(part.content_type, "application/pidf+xml");
        assert_eq!(part.id, format!("<{id}>"));
        let header = ("Geolocation".to_owned(), format!("<cid:{id}>"));
        assert!(sip.headers.contains(&header));
    }
    let routing = ("Geolocation-Routing".to_owned(), "no".to_owned());
    assert_eq!(sip.headers.last(), Some(&routing));
    let first = parts[1].elements();
    let civic = |name: &str| {
        text(
            &first,
            &format!("gp:location-info/ca:civicAddress/ca:{name}"),
        )
    };
    assert_eq!(civic("country"), Some("CN"));
    assert_eq!((civic("A1"), civic("A2")), (Some("贵州"), Some("贵阳")));
    assert_eq!(civic("A3"), Some("云岩区"));
    assert_eq!(civic("LOC"), Some("中华北路<1>号 & 楼顶"));
    assert_eq!(text(&first, "gp:geopriv/gp:method"), Some("Manual"));
    assert_eq!(
        text(&first, "dm:timestamp"),
        Some("2025-11-22T09:59:24.123Z")
    );
    let kept = text(&first, "gp:usage-rules/gbp:retention-expiry");
    assert_eq!(kept, Some("2025-11-23T09:59:24.123Z"));
    let second = parts[2].elements();
    let cell = text(&second, "dm:person/dm:note");
    assert_eq!(cell, Some("基站 460-00-1234-5678"));
    assert_eq!(text(&second, "gp:method"), Some("Cell"));
}

#[test]
fn an_invite_carries_the_story_and_names_the_incident() {
    let dossier = dossier();
    let along = Along {
        location: false,
        data: true,
    };
    let sip = dossier.sip(SDP, along);
    let told: Vec<&str> = sip.headers.iter().map(|it| it.1.as_str()).collect();
    assert!(sip.headers.iter().all(|it| it.0 == "Call-Info"));
    let id = |name: &str| format!("{name}.00000000000004d2.2@hotline.example");
    let block = |name: &str| format!("<cid:{}>;purpose=EmergencyCallData.{name}", id(name));
    assert_eq!(
        told,
        [
            "<urn:emergency:uid:incidentid:00000000000004d2:hotline.example>;purpose=emergency-IncidentId",
            "<urn:emergency:uid:callid:00000000000004d2:hotline.example>;purpose=emergency-CallId",
            &block("ProviderInfo"),
            &block("SubscriberInfo"),
            &block("Comment"),
        ]
    );
    let parts = parts(&sip);
    assert_eq!(parts.len(), 4);
    let read = |at: usize| parts[at].elements();
    let provider = read(1);
    let kind = "application/EmergencyCallData.ProviderInfo+xml";
    assert_eq!(parts[1].content_type, kind);
    assert_eq!(text(&provider, "ad:DataProviderString"), Some("贵州 12356"));
    assert_eq!(
        text(&provider, "ad:ContactURI"),
        Some("tel:085112356;phone-context=+86")
    );
    let subscriber = read(2);
    let uris: Vec<&str> = subscriber
        .iter()
        .filter(|it| it.path.ends_with("vcard/tel/uri"))
        .map(|it| it.text.as_str())
        .collect();
    assert_eq!(uris, ["tel:+8613300000001", "tel:+868511234567"]);
    let comment = read(3);
    let story = text(&comment, "ad:Comment").unwrap();
    for word in [
        "正在实施",
        "贵州贵阳云岩区",
        "红色上衣",
        "15%",
        "人在高处；有刀具；家里有大狗",
    ] {
        assert!(story.contains(word), "{word} in {story}");
    }
}

#[test]
fn with_nothing_to_carry_the_body_is_the_session() {
    let dossier = dossier();
    let sip = dossier.sip(SDP, Along::default());
    assert_eq!(
        (sip.headers.len(), sip.content_type.as_str()),
        (0, "application/sdp")
    );
    assert_eq!(sip.body, SDP);
    // A session that holds the boundary cannot cut the body.
    let hostile = b"a=x\r\n--meishier-00000000000004d2\r\n".as_slice();
    let sip = dossier.sip(hostile, ALL);
    let parts = parts(&sip);
    assert_eq!(parts[0].content, hostile);
    assert_eq!(parts.len(), 6);
}

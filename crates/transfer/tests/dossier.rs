//! The dossier in its three forms: what is said, the JSON document against its schema, and the parts of an
//! INVITE taken apart again.

use meishier_model::{CallId, DialString, Wall};
use meishier_routing::Confidence;
use meishier_transfer::ThirdId;
use meishier_transfer::dossier::{
    Along, Caller, Desk, Dossier, Facts, FactsError, Hazard, Level, MOST_FACTS, Place, Risk,
    Spoken, Status, Step, Sure, Told, Via,
};
use serde_json::Value;

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n";
const NUMBER: &str = "13300000001";

fn place() -> Place {
    Place {
        by: Told::Counsellor,
        sure: Confidence::High,
        province: "贵州".into(),
        city: "贵阳".into(),
        area_code: "0851".into(),
        district: Some("云岩区".into()),
        words: Some("中华北路<1>号 & 楼顶".into()),
        cell: None,
    }
}

fn facts() -> Facts {
    Facts {
        level: Some(Level::Acting),
        why: Some("说已经站在楼边".into()),
        person: Some("女，约二十岁".into()),
        clothing: Some("红色上衣".into()),
        appearance: Some("短发".into()),
        hazards: vec![Hazard::Height, Hazard::Blade],
        safety: vec!["家里有大狗".into()],
        battery: Some(15),
        callback: Some("0851-1234567".into()),
        done: vec!["陪伴通话".into()],
        note: Some("怕警笛".into()),
        ..Facts::default()
    }
}

fn dossier() -> Dossier {
    Dossier {
        call: CallId(0x4d2),
        third: ThirdId(1),
        via: Via::Https,
        status: Status::Active,
        count: 2,
        made: Wall(1_763_805_564_123),
        arrived: Wall(1_763_805_000_000),
        answered: Some(Wall(1_763_805_010_000)),
        key: "110".into(),
        title: "公安报警".into(),
        emergency: true,
        desk: Desk {
            agency: "贵州 12356".into(),
            domain: "hotline.example".into(),
            number: "085112356".into(),
            pool: "city".into(),
            line: Some(3),
            seat: "gy01".into(),
            counsellor: "c042".into(),
        },
        caller: Caller {
            number: DialString::new(NUMBER),
            sure: Sure::Asserted,
            withheld: true,
        },
        places: vec![
            place(),
            Place {
                by: Told::Cell,
                cell: Some(DialString::new("460-00-1234-5678")),
                district: None,
                words: None,
                ..place()
            },
        ],
        doubt: String::new(),
        risk: Risk {
            flagged: true,
            by: "咨询员标记为高风险".into(),
        },
        facts: facts(),
        done: vec![Step {
            at: Wall(1_763_805_000_000),
            what: "来电进入热线".into(),
        }],
    }
}

fn said(dossier: &Dossier) -> String {
    let names: Vec<&str> = dossier.spoken().into_iter().map(Spoken::name).collect();
    names.join(" ")
}

#[test]
fn everything_is_said_in_the_order_in_which_it_is_needed() {
    assert_eq!(
        said(&dossier()),
        "brief_danger brief_acting \
         brief_place 0 8 5 yao brief_place_told \
         hazard_height hazard_blade \
         brief_number yao 3 3 0 0 0 0 0 0 0 yao \
         brief_callback 0 8 5 yao yao 2 3 4 5 6 7 \
         brief_battery 10 5 brief_stays brief_confirm"
    );
}

#[test]
fn what_is_not_known_is_said_to_be_so() {
    let mut nothing = Dossier {
        emergency: false,
        caller: Caller {
            number: DialString::default(),
            sure: Sure::Unknown,
            withheld: false,
        },
        places: Vec::new(),
        risk: Risk::default(),
        facts: Facts::default(),
        ..dossier()
    };
    assert_eq!(
        said(&nothing),
        "brief_help brief_place_unsure brief_no_number brief_stays brief_confirm"
    );
    assert_eq!(nothing.callback(), None);
    nothing.places = vec![Place {
        by: Told::Segment,
        sure: Confidence::Low,
        ..place()
    }];
    nothing.caller = Caller {
        number: DialString::new("085186000000"),
        sure: Sure::Switchboard,
        withheld: false,
    };
    nothing.risk.flagged = true;
    assert_eq!(
        said(&nothing),
        "brief_help brief_high brief_place 0 8 5 yao brief_place_number brief_place_unsure \
         brief_number 0 8 5 yao 8 6 0 0 0 0 0 0 brief_switchboard brief_stays brief_confirm"
    );
    assert_eq!(nothing.callback(), None, "many sit behind it");
    nothing.caller.sure = Sure::Claimed;
    assert!(said(&nothing).contains("brief_unproved"));
    assert_eq!(nothing.callback(), Some("085186000000"));
    // A place that the counsellor named, in doubt.
    let doubted = Dossier {
        doubt: "有两个同名的县".into(),
        ..dossier()
    };
    assert!(said(&doubted).contains("brief_place_told brief_place_unsure"));
}

#[test]
fn percentages_are_said_as_people_count() {
    for (percent, words) in [
        (0, "0"),
        (7, "7"),
        (10, "10"),
        (11, "10 1"),
        (20, "2 10"),
        (37, "3 10 7"),
        (100, "hundred"),
    ] {
        let mut dossier = dossier();
        dossier.facts.battery = Some(percent);
        let expected = format!("brief_battery {words} brief_stays");
        assert!(said(&dossier).contains(&expected), "{percent}");
    }
}

#[test]
fn a_number_of_any_length_is_read_out_to_a_limit() {
    let mut dossier = dossier();
    dossier.caller.number = DialString::new(&"9".repeat(64));
    let spoken = dossier.spoken();
    let nines = spoken.iter().filter(|it| **it == Spoken::Digit(9));
    assert_eq!(nines.count(), 20);
}

#[test]
fn facts_keep_to_their_limits() {
    let unfit = |change: &dyn Fn(&mut Facts)| {
        let mut facts = facts();
        change(&mut facts);
        facts.check().err()
    };
    assert_eq!(unfit(&|_| {}), None);
    assert_eq!(unfit(&|it| it.why = Some("字".repeat(200))), None);
    let long = Some("字".repeat(201));
    assert_eq!(
        unfit(&|it| it.note = long.clone()),
        Some(FactsError::TooLong)
    );
    let many = vec![String::new(); MOST_FACTS + 1];
    assert_eq!(
        unfit(&|it| it.done = many.clone()),
        Some(FactsError::TooMany)
    );
    assert_eq!(
        unfit(&|it| it.battery = Some(101)),
        Some(FactsError::Battery)
    );
    let line = Some("a\r\nb".to_owned());
    assert_eq!(
        unfit(&|it| it.place = line.clone()),
        Some(FactsError::Control)
    );
    for number in ["", "110;x=1", "call me", "-", &"1".repeat(33)] {
        let number = Some(number.to_owned());
        assert_eq!(
            unfit(&|it| it.callback = number.clone()),
            Some(FactsError::Callback)
        );
    }
    let read: Result<Facts, _> = serde_json::from_str("{\"battery\":5,\"hazards\":[\"gas\"]}");
    assert_eq!(read.unwrap().names(), ["hazards", "battery"]);
    assert!(serde_json::from_str::<Facts>("{\"phone\":1}").is_err());
}

#[test]
fn nothing_of_it_is_shown() {
    let dossier = dossier();
    let parts = dossier.sip(
        SDP,
        Along {
            location: true,
            data: true,
        },
    );
    let shown = format!(
        "{dossier:?} {:?} {:?} {parts:?}",
        dossier.facts, dossier.places
    );
    for text in [NUMBER, "中华", "贵阳", "红色", "5678", "1234567", "楼"] {
        assert!(!shown.contains(text), "{text} in {shown}");
    }
    let named = dossier.contents().join(",");
    assert_eq!(
        named,
        "number,places,risk,level,why,person,clothing,appearance,hazards,safety,battery,callback,done,note"
    );
    let spoken = Dossier {
        via: Via::Voice,
        ..dossier
    };
    let named = spoken.contents().join(",");
    assert_eq!(named, "number,places,level,hazards,battery,callback");
}

// ---- JSON

/// What of JSON Schema the shipped schema uses: type, required, properties, additionalProperties, items,
/// enum, const, minimum, maximum, pattern of a beginning (`^text`), $ref within the file.
fn fits(schema: &Value, root: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    const KNOWN: [&str; 16] = [
        "$schema",
        "$id",
        "title",
        "description",
        "type",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "minimum",
        "maximum",
        "pattern",
        "$ref",
        "$defs",
    ];
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(to) => root.pointer(to.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    for key in schema.as_object().unwrap().keys() {
        assert!(KNOWN.contains(&key.as_str()), "the check knows no {key}");
    }
    let right = match schema.get("type").and_then(Value::as_str) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        None => true,
        Some(other) => panic!("the check knows no type {other}"),
    };
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    let number = |key: &str| schema.get(key).and_then(Value::as_i64);
    let within = value.as_i64().is_none_or(|it| {
        number("minimum").is_none_or(|least| it >= least)
            && number("maximum").is_none_or(|most| it <= most)
    });
    let begins = schema
        .get("pattern")
        .and_then(Value::as_str)
        .is_none_or(|pattern| {
            let start = pattern.strip_prefix('^').unwrap();
            value.as_str().is_some_and(|text| text.starts_with(start))
        });
    let one_of = list("enum").is_none_or(|all| all.contains(value));
    let constant = schema.get("const").is_none_or(|it| it == value);
    if !(right && within && begins && one_of && constant) {
        wrong.push(format!("{at}: {value}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            fits(items, root, item, &format!("{at}[{index}]"), wrong);
        }
    }
    let Some(object) = value.as_object() else {
        return;
    };
    for key in list("required").into_iter().flatten() {
        if !object.contains_key(key.as_str().unwrap()) {
            wrong.push(format!("{at}: {key} is missing"));
        }
    }
    let empty = Value::Object(Default::default());
    let properties = schema.get("properties").unwrap_or(&empty);
    for (key, inner) in object {
        match properties.get(key) {
            Some(schema) => fits(schema, root, inner, &format!("{at}.{key}"), wrong),
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                wrong.push(format!("{at}: {key} is not in the schema"));
            }
            None => {}
        }
    }
}

fn mistakes(value: &Value) -> Vec<String> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/dossier.schema.json"
    );
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    fits(&schema, &schema, value, "$", &mut wrong);
    wrong
}

fn json(dossier: &Dossier) -> Value {
    serde_json::to_value(dossier.incident()).unwrap()
}

#[test]
fn the_document_keeps_to_its_schema() {
    assert_eq!(mistakes(&json(&dossier())), Vec::<String>::new());
    let least = Dossier {
        answered: None,
        caller: Caller {
            number: DialString::default(),
            sure: Sure::Unknown,
            withheld: false,
        },
        places: Vec::new(),
        risk: Risk::default(),
        facts: Facts::default(),
        done: Vec::new(),
        desk: Desk {
            domain: "x".into(),
            ..Desk::default()
        },
        ..dossier()
    };
    assert_eq!(mistakes(&json(&least)), Vec::<String>::new());
    // The check can fail.
    let mut bad = json(&dossier());
    bad["crisisComponent"]["phoneBatteryPercent"] = 101.into();
    bad["crisisComponent"]["riskLevel"] = "awful".into();
    bad["extra"] = true.into();
    bad["callComponent"][0]
        .as_object_mut()
        .unwrap()
        .remove("callerNumberCertainty");
    assert_eq!(mistakes(&bad).len(), 4);
}

#[test]
fn the_example_of_the_manual_is_what_the_program_writes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/dossier.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let mut written = json(&dossier());
    // An XML document of its own, shown elsewhere.
    for place in written["locationComponent"].as_array_mut().unwrap() {
        assert!(
            place["locationByValue"]
                .as_str()
                .unwrap()
                .starts_with("<?xml")
        );
        place["locationByValue"] = "<?xml …".into();
    }
    assert_eq!(example, written);
    assert_eq!(mistakes(&example), Vec::<String>::new());
}

// ---- SIP

/// A small reader of XML: elements with their attributes, and texts; everything closed in order.
fn elements(xml: &str) -> Vec<(String, String)> {
    let mut open: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut rest = xml
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        .unwrap();
    while let Some(start) = rest.strip_prefix('<') {
        let (tag, after) = start.split_once('>').unwrap();
        let (text, next) = after.split_at(after.find('<').unwrap_or(after.len()));
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None => {
                let name = tag.split(' ').next().unwrap().to_owned();
                open.push(name);
                let text = text
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&amp;", "&");
                found.push((open.join("/"), text));
            }
        }
        rest = next;
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
    found
}

fn text<'x>(all: &'x [(String, String)], ends: &str) -> Option<&'x str> {
    let mut found = all.iter().filter(|it| it.0.ends_with(ends));
    let first = found.next().map(|it| it.1.as_str());
    assert!(found.next().is_none(), "{ends} stands there twice");
    first
}

/// Type, id and content of each part, cut by hand.
fn parts(content_type: &str, body: &[u8]) -> Vec<(String, String, Vec<u8>)> {
    let boundary = content_type
        .strip_prefix("multipart/mixed;boundary=\"")
        .unwrap();
    let boundary = boundary.strip_suffix('"').unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
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
        let id = field("Content-ID: ");
        (field("Content-Type: "), id, content.as_bytes().to_vec())
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
    let parts = parts(&sip.content_type, &sip.body);
    assert_eq!(
        parts[0],
        ("application/sdp".into(), String::new(), SDP.to_vec())
    );
    assert_eq!(parts.len(), 3);
    for (number, part) in (1..).zip(&parts[1..]) {
        let id = format!("place{number}.00000000000004d2.2@hotline.example");
        assert_eq!(
            (part.0.as_str(), &part.1),
            ("application/pidf+xml", &format!("<{id}>"))
        );
        let header = ("Geolocation".to_owned(), format!("<cid:{id}>"));
        assert!(sip.headers.contains(&header));
    }
    let routing = ("Geolocation-Routing".to_owned(), "no".to_owned());
    assert_eq!(sip.headers.last(), Some(&routing));
    let first = elements(std::str::from_utf8(&parts[1].2).unwrap());
    let civic = |name: &str| {
        text(
            &first,
            &format!("gp:location-info/ca:civicAddress/ca:{name}"),
        )
    };
    assert_eq!(civic("country"), Some("CN"));
    assert_eq!((civic("A1"), civic("A2")), (Some("贵州"), Some("贵阳")));
    assert_eq!((civic("A3"), civic("ADDCODE")), (Some("云岩区"), None));
    assert_eq!(civic("LOC"), Some("中华北路<1>号 & 楼顶"));
    assert_eq!(text(&first, "gp:geopriv/gp:method"), Some("Manual"));
    assert_eq!(
        text(&first, "dm:timestamp"),
        Some("2025-11-22T09:59:24.123Z")
    );
    let kept = text(&first, "gp:usage-rules/gbp:retention-expiry");
    assert_eq!(kept, Some("2025-11-23T09:59:24.123Z"));
    let second = elements(std::str::from_utf8(&parts[2].2).unwrap());
    assert_eq!(text(&second, "ca:ADDCODE"), Some("460-00-1234-5678"));
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
    let parts = parts(&sip.content_type, &sip.body);
    assert_eq!(parts.len(), 4);
    let read = |at: usize| elements(std::str::from_utf8(&parts[at].2).unwrap());
    let provider = read(1);
    assert_eq!(parts[1].0, "application/EmergencyCallData.ProviderInfo+xml");
    assert_eq!(text(&provider, "ad:DataProviderString"), Some("贵州 12356"));
    assert_eq!(
        text(&provider, "ad:ContactURI"),
        Some("tel:085112356;phone-context=+86")
    );
    let subscriber = read(2);
    let uris: Vec<&str> = subscriber
        .iter()
        .filter(|it| it.0.ends_with("vcard/tel/uri"))
        .map(|it| it.1.as_str())
        .collect();
    assert_eq!(
        uris,
        [
            "tel:13300000001;phone-context=+86",
            "tel:08511234567;phone-context=+86"
        ]
    );
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
    let sip = dossier.sip(
        hostile,
        Along {
            location: true,
            data: true,
        },
    );
    let parts = parts(&sip.content_type, &sip.body);
    assert_eq!(parts[0].2, hostile);
    assert_eq!(parts.len(), 6);
}

#[test]
fn civil_time_is_right_about_leap_years() {
    for (ms, expected) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ] {
        let dossier = Dossier {
            made: Wall(ms),
            ..dossier()
        };
        assert_eq!(json(&dossier)["lastUpdateTimestamp"], expected);
    }
}

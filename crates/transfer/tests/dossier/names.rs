//! The names that are written, against the standards: what stands here is copied from them by hand, each
//! with its clause, and knows nothing of the code.

use crate::document::json;
use crate::invite::{Part, parts};
use crate::made::{ALL, SDP, dossier, nothing_known};
use meishier_transfer::dossier::{Dossier, Level};
use serde_json::Value;

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
const GEOPRIV: &str = "urn:ietf:params:xml:ns:pidf:geopriv10";
const POLICY: &str = "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy";
const CIVIC: &str = "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr";
const VCARD: &str = "urn:ietf:params:xml:ns:vcard-4.0";

fn body(of: &Dossier) -> Vec<Part> {
    parts(&of.sip(SDP, ALL))
}

fn named(part: &Part) -> Vec<(String, String)> {
    let all = part.elements();
    all.into_iter().map(|it| (it.namespace, it.name)).collect()
}

fn expected(names: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(namespace, name): &(&str, &str)| ((*namespace).to_owned(), (*name).to_owned());
    names.iter().map(owned).collect()
}

#[test]
fn a_place_has_the_names_order_and_namespaces_of_a_pidf_lo() {
    let parts = body(&dossier());
    #[rustfmt::skip]
    let told = [
        (PIDF, "presence"),                   // RFC 3863 §4.1.1
        (DATA_MODEL, "person"),               // RFC 4479 §4
        (GEOPRIV, "geopriv"),                 // RFC 4119 §2.2
        (GEOPRIV, "location-info"),           // RFC 4119 §2.2.1, required
        (CIVIC, "civicAddress"),              // RFC 5139 §4; what is within in the order of §3.1's table
        (CIVIC, "country"), (CIVIC, "A1"), (CIVIC, "A2"), (CIVIC, "A3"), (CIVIC, "LOC"),
        (GEOPRIV, "usage-rules"),             // RFC 4119 §2.2.2, required
        (POLICY, "retransmission-allowed"), (POLICY, "retention-expiry"),
        (GEOPRIV, "method"),                  // RFC 4119 §2.2.3, behind usage-rules
        (DATA_MODEL, "timestamp"),            // RFC 4479 §4, the last
    ];
    assert_eq!(named(&parts[1]), expected(&told));
    let of_the_network: Vec<(&str, &str)> = told
        .into_iter()
        .filter(|it| !["A3", "LOC"].contains(&it.1))
        .collect();
    // A note stands before the timestamp (RFC 4479 §4).
    let (last, before) = of_the_network.split_last().unwrap();
    let with_note = [before, &[(DATA_MODEL, "note"), *last]].concat();
    assert_eq!(named(&parts[2]), expected(&with_note));

    let all = parts[1].elements();
    let attribute = |name: &str, which: &str| {
        let element = all.iter().find(|it| it.name == name).unwrap();
        let found = element.attributes.iter().find(|it| it.0 == which);
        found.map(|it| it.1.clone()).unwrap()
    };
    // RFC 3863 §4.1.1: a pres: URI; RFC 4479 §4: id is required; RFC 5139 §4: the language of the words.
    let entity = attribute("presence", "entity");
    assert_eq!(entity, "pres:00000000000004d2@hotline.example");
    assert_eq!(attribute("person", "id"), "place1");
    assert_eq!(attribute("civicAddress", "xml:lang"), "zh");
    // xs:boolean in the schema of RFC 4119 §2.2.5.
    let retransmission = all.iter().find(|it| it.name == "retransmission-allowed");
    assert_eq!(retransmission.unwrap().text, "true");
}

#[test]
fn a_method_is_one_of_the_tokens_that_iana_lists() {
    // RFC 4119 §6.1 founds the registry; these two are of its first entries.
    let methods: Vec<String> = body(&dossier())[1..3]
        .iter()
        .flat_map(Part::elements)
        .filter(|it| it.name == "method")
        .map(|it| it.text)
        .collect();
    assert_eq!(methods, ["Manual", "Cell"]);
}

#[test]
fn additional_data_has_the_names_order_and_namespaces_of_rfc_7852() {
    let parts = body(&dossier());
    let space = |block: &str| format!("urn:ietf:params:xml:ns:EmergencyCallData:{block}");
    let (provider, subscriber) = (space("ProviderInfo"), space("SubscriberInfo"));
    let comment = space("Comment");
    let (p, s, c) = (&*provider, &*subscriber, &*comment);
    #[rustfmt::skip]
    let expected_names: [(&str, Vec<(&str, &str)>); 3] = [
        ("ProviderInfo", vec![
            (p, "EmergencyCallData.ProviderInfo"), // §4.1
            (p, "DataProviderReference"),          // §4.1.1, required
            (p, "DataProviderString"),             // §4.1.2, required
            (p, "ProviderID"),                     // §4.1.3
            (p, "ProviderIDSeries"),               // §4.1.4, required with an ID
            (p, "TypeOfProvider"),                 // §4.1.5, required
            (p, "ContactURI"),                     // §4.1.6, required
            (p, "Language"),                       // §4.1.7, required
        ]),
        ("SubscriberInfo", vec![
            (s, "EmergencyCallData.SubscriberInfo"), // §4.4
            (s, "DataProviderReference"),
            (s, "SubscriberData"),                   // §4.4.2, an xCard: RFC 6351
            (VCARD, "vcard"), (VCARD, "fn"), (VCARD, "text"),
            (VCARD, "tel"), (VCARD, "uri"), (VCARD, "tel"), (VCARD, "uri"),
        ]),
        ("Comment", vec![
            (c, "EmergencyCallData.Comment"), // §4.5
            (c, "DataProviderReference"),
            (c, "Comment"),                   // §4.5.1
        ]),
    ];
    for (part, (block, names)) in parts[3..].iter().zip(&expected_names) {
        // The media types of §11.
        let kind = format!("application/EmergencyCallData.{block}+xml");
        assert_eq!(part.content_type, kind);
        assert_eq!(named(part), expected(names), "{block}");
        // Blocks of one provider name it by the same reference (§4.1.1).
        let reference = &part.elements()[1];
        assert_eq!(reference.text, "00000000000004d2@hotline.example");
    }
    let text = |part: usize, name: &str| {
        let found = parts[part]
            .elements()
            .into_iter()
            .find(|it| it.name == name);
        found.unwrap().text
    };
    // Values of the registries of §11: Provider ID Series, Service Provider Type; ISO 639-1.
    assert_eq!(text(3, "ProviderIDSeries"), "domain");
    assert_eq!(text(3, "ProviderID"), "hotline.example");
    assert_eq!(text(3, "TypeOfProvider"), "Other");
    assert_eq!(text(3, "Language"), "zh");
    // §4.4.1: required, xs:boolean.
    let asks = |part: &Part| part.elements()[0].attributes.clone();
    let attribute = |value: &str| vec![("privacyRequested".to_owned(), value.to_owned())];
    assert_eq!(asks(&parts[4]), attribute("true"));
    assert_eq!(asks(&body(&nothing_known())[2]), attribute("false"));
}

#[test]
fn every_part_that_a_header_names_is_by_reference_and_optional() {
    // RFC 5621; the examples of RFC 7852 §6 write it so.
    let sip = dossier().sip(SDP, ALL);
    let parts = parts(&sip);
    assert_eq!(parts.len(), 6);
    for part in &parts[1..] {
        assert_eq!(part.disposition, "by-reference;handling=optional");
        let id = part.id.trim_matches(['<', '>']);
        let names = |it: &&(String, String)| it.1.starts_with(&format!("<cid:{id}>"));
        assert_eq!(sip.headers.iter().filter(names).count(), 1, "{id}");
    }
    // The session has the disposition that its type has without being told (RFC 3261 §20.11).
    assert_eq!(parts[0].disposition, "");
}

#[test]
fn a_telephone_number_of_china_is_a_global_uri_where_it_can_be_reached_from_everywhere() {
    #[rustfmt::skip]
    let cases = [
        // RFC 3966 §5.1.4
        ("13300000001", "tel:+8613300000001"), ("0851-1234567", "tel:+868511234567"),
        ("010 12345678", "tel:+861012345678"), ("075512345678", "tel:+8675512345678"),
        ("+85221234567", "tel:+85221234567"),
        // §5.1.5: short numbers, and what has no form that is known.
        ("12356", "tel:12356;phone-context=+86"), ("085112356", "tel:085112356;phone-context=+86"),
        ("12345678", "tel:12345678;phone-context=+86"), ("1330000000*", "tel:1330000000*;phone-context=+86"),
    ];
    for (number, uri) in cases {
        let mut dossier = dossier();
        dossier.facts.callback = Some(number.to_owned());
        let written = json(&dossier);
        let found = &written["callbackComponent"][0]["callBackInformationUri"];
        assert_eq!(found, &Value::from(vec![uri]), "{number}");
    }
}

/// A component: where it stands, the names of EIDO that it may have (the required ones first, up to `|`),
/// and ours. From `components/schemas` of NENA's openapi.yaml, version 1.0.0; every one of them takes
/// PrologueType in.
const COMPONENTS: [(&str, &str, &str); 9] = [
    (
        "",
        "eidoVersion issuingElementIdentification agencyComponent | incidentComponent callComponent \
         callbackComponent locationComponent personComponent agentComponent notesComponent",
        "messageNumber crisisComponent",
    ),
    (
        "/incidentComponent",
        "incidentTypeCommonRegistryText | incidentTypeInternalCode incidentTypeInternalText \
         incidentStatusInternalText internalIncidentId locationReference notesReference",
        "",
    ),
    (
        "/callComponent/0",
        "callStateRegistryText standardPrimaryCallType direction callStartTimestamp | answerDate \
         queueIdentifier callBackReference personReference agentReference locationReference",
        "callerNumber callerNumberCertainty callerNumberWithheld",
    ),
    ("/callbackComponent/0", "| callBackInformationUri", ""),
    (
        "/locationComponent/1",
        "locationTypeDescriptionRegistryText | locationByValue cellTowerSectorId",
        "civicAddress source confidence areaCode",
    ),
    (
        "/personComponent/0",
        "personIncidentRoleRegistryText | callIdentifier",
        "description clothing appearance",
    ),
    (
        "/agencyComponent/0",
        "agencyRoleDescriptionRegistryText agencyType |",
        "agencyName agencyNumber",
    ),
    (
        "/agentComponent/0",
        "agentRoleRegistryText agencyReference | agentWorkstationPositionIdentification",
        "agentIdentifier line",
    ),
    (
        "/notesComponent/0",
        "notesActionComments | agentReference",
        "",
    ),
];
const PROLOGUE: [&str; 3] = ["$id", "lastUpdateTimeStamp", "updatedByAgencyReference"];

#[test]
fn the_document_has_the_names_and_required_elements_of_eido_and_ours_are_marked() {
    let written = json(&dossier());
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/dossier.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, ours_there) = manual.split_once("Of our own are").unwrap();
    let (ours_there, _) = ours_there.split_once("The schema is").unwrap();
    for (at, eido, ours) in COMPONENTS {
        let object = written.pointer(at).unwrap().as_object().unwrap();
        let (required, optional) = eido.split_once('|').unwrap();
        let all = |names: &'static str| names.split_whitespace();
        for name in PROLOGUE.into_iter().chain(all(required)) {
            assert!(object.contains_key(name), "{at} has no {name}");
        }
        // Each is written here, so that none stands in the table alone.
        for name in all(optional).chain(all(ours)) {
            assert!(object.contains_key(name), "{at} shows no {name}");
        }
        for key in object.keys() {
            let mut known = PROLOGUE.into_iter().chain(all(required));
            let known = known.any(|it| it == key) || all(optional).any(|it| it == key);
            assert!(known || all(ours).any(|it| it == key), "{at}: {key}");
        }
        for name in all(ours) {
            let marked = format!("`{name}`");
            assert!(ours_there.contains(&marked), "{name} is not marked as ours");
        }
    }
    // Lists and single things as the schema has them.
    for list in [
        "call", "callback", "location", "person", "agency", "agent", "notes",
    ] {
        assert!(written[format!("{list}Component")].is_array(), "{list}");
    }
    assert!(written["callComponent"][0]["callBackReference"].is_object());
    assert_eq!(written["eidoVersion"], "1.0");
}

/// Every object within, the document itself among them.
fn objects<'v>(value: &'v Value, found: &mut Vec<&'v serde_json::Map<String, Value>>) {
    if let Some(object) = value.as_object() {
        found.push(object);
    }
    let within = value.as_object().into_iter().flat_map(|it| it.values());
    for inner in within.chain(value.as_array().into_iter().flatten()) {
        objects(inner, found);
    }
}

#[test]
fn every_reference_names_a_component_of_the_document_and_identifiers_are_of_this_call_alone() {
    let ids = |document: &Value| {
        let mut all = Vec::new();
        objects(document, &mut all);
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let ids: Vec<String> = all
            .iter()
            .filter_map(|it| it.get("$id"))
            .map(text)
            .collect();
        let to: Vec<String> = all
            .iter()
            .filter_map(|it| it.get("$ref"))
            .map(text)
            .collect();
        (ids, to)
    };
    let written = json(&dossier());
    let (first, references) = ids(&written);
    assert!(references.len() > 20, "{references:?}");
    for to in references {
        assert_eq!(first.iter().filter(|id| **id == to).count(), 1, "{to}");
    }
    // PrologueType: globally unique. Agency and agent are the same wherever they are named.
    let mut other = dossier();
    other.call = meishier_model::CallId(0x4d3);
    let (second, _) = ids(&json(&other));
    let shared: Vec<&String> = first.iter().filter(|id| second.contains(id)).collect();
    assert_eq!(shared, ["hotline.example", "c042@hotline.example"]);
    // Nobody's account is known: an identifier all the same.
    other.desk.counsellor.clear();
    let (without, _) = ids(&json(&other));
    assert!(without.contains(&"agent.00000000000004d3@hotline.example".to_owned()));
}

#[test]
fn an_incident_has_a_type_of_the_registry() {
    // APCO ANS 2.103, as NIEM lists it: suicide threat, welfare check, citizen assist.
    let kind = |emergency: bool, level: Option<Level>| {
        let mut dossier = nothing_known();
        (dossier.emergency, dossier.facts.level) = (emergency, level);
        let written = json(&dossier);
        let kind = &written["incidentComponent"]["incidentTypeCommonRegistryText"];
        kind.as_str().unwrap().to_owned()
    };
    assert_eq!(kind(true, Some(Level::Acting)), "SUICTHRT");
    assert_eq!(kind(true, Some(Level::Low)), "SUICTHRT");
    assert_eq!(kind(true, None), "WELFARE");
    assert_eq!(kind(false, Some(Level::High)), "CITASST");
}

#[test]
fn a_note_has_its_own_time_and_is_text_in_html() {
    let mut dossier = dossier();
    dossier.facts.note = Some("a<b & c".into());
    let written = json(&dossier);
    let notes = written["notesComponent"].as_array().unwrap();
    // What was done has its own time, what was written down the dossier's.
    assert_eq!(notes[0]["lastUpdateTimeStamp"], "2025-11-22T09:50:00.000Z");
    assert_eq!(notes[2]["lastUpdateTimeStamp"], "2025-11-22T09:59:24.123Z");
    // NotesType: "in HTML5 format".
    assert_eq!(notes[2]["notesActionComments"], "a&lt;b &amp; c");
}

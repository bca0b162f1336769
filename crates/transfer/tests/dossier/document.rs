//! The JSON document against its schema and the manual.

use crate::made::{dossier, nothing_known};
use meishier_model::Wall;
use meishier_transfer::dossier::{Desk, Dossier};
use serde_json::Value;

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

pub fn json(dossier: &Dossier) -> Value {
    serde_json::to_value(dossier.incident()).unwrap()
}

#[test]
fn the_document_keeps_to_its_schema() {
    assert_eq!(mistakes(&json(&dossier())), Vec::<String>::new());
    let least = Dossier {
        answered: None,
        done: Vec::new(),
        desk: Desk {
            domain: "x".into(),
            ..Desk::default()
        },
        ..nothing_known()
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
        assert_eq!(json(&dossier)["lastUpdateTimeStamp"], expected);
    }
}

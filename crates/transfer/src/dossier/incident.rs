//! The dossier as a JSON document modelled on NENA's Emergency Incident Data Object: names, forms and
//! required elements of the OpenAPI schema, version 1.0.0, that NENA publishes beside NENA-STA-021, and one
//! component of our own, `crisisComponent`, for what a suicide hotline knows and EIDO has no place for.
//! docs/dossier.md tells which keys are whose.

use super::additional::tel;
use super::moment::stamp;
use super::xml::escaped;
use super::{Dossier, Place, Told};
use meishier_model::Wall;
use meishier_routing::Confidence;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::ops::RangeInclusive;

/// A JSON value; maps keep their order.
enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// The document, to be serialised. It holds numbers in full, so there is no `Debug` of it.
pub struct Incident(Value);

impl Serialize for Incident {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

type Entries = Vec<(&'static str, Value)>;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn texts<'t>(all: impl IntoIterator<Item = &'t str>) -> Value {
    Value::List(all.into_iter().map(text).collect())
}

fn reference(to: &str) -> Value {
    Value::Map(vec![("$ref", text(to))])
}

/// Adds what there is; an absent or empty text has no key.
fn some(entries: &mut Entries, key: &'static str, found: Option<&str>) {
    if let Some(found) = found.filter(|found| !found.is_empty()) {
        entries.push((key, text(found)));
    }
}

impl Dossier {
    /// The document, numbers in full: for those who come to save a life, and for nobody's log.
    #[must_use]
    pub fn incident(&self) -> Incident {
        let mut entries = vec![
            ("$id", Value::Text(self.incident_urn())),
            ("eidoVersion", text("1.0")),
            ("issuingElementIdentification", text(&self.desk.domain)),
        ];
        self.stamped(&mut entries, self.made);
        let places = || (1..).zip(&self.places);
        let locations = places().map(|(at, place)| self.location(at, place));
        entries.extend([
            ("messageNumber", Value::Number(i64::from(self.count))),
            ("incidentComponent", self.incident_component()),
            ("callComponent", Value::List(vec![self.call_component()])),
            ("locationComponent", Value::List(locations.collect())),
            ("personComponent", Value::List(vec![self.person()])),
            ("agencyComponent", Value::List(vec![self.agency()])),
            ("agentComponent", Value::List(vec![self.agent()])),
            ("notesComponent", Value::List(self.notes())),
            ("crisisComponent", self.crisis()),
        ]);
        if let Some(number) = self.callback() {
            let component = self.component(&self.id("callback"), |out| {
                let uri = Value::List(vec![Value::Text(tel(number))]);
                out.push(("callBackInformationUri", uri));
            });
            entries.push(("callbackComponent", Value::List(vec![component])));
        }
        Incident(Value::Map(entries))
    }

    /// What EIDO's PrologueType asks of the document and of each component, beside `$id`.
    fn stamped(&self, entries: &mut Entries, at: Wall) {
        entries.extend([
            ("lastUpdateTimeStamp", Value::Text(stamp(at))),
            ("updatedByAgencyReference", reference(&self.desk.domain)),
        ]);
    }

    fn component(&self, id: &str, fill: impl FnOnce(&mut Entries)) -> Value {
        self.component_of(id, self.made, fill)
    }

    fn component_of(&self, id: &str, at: Wall, fill: impl FnOnce(&mut Entries)) -> Value {
        let mut entries = vec![("$id", text(id))];
        self.stamped(&mut entries, at);
        fill(&mut entries);
        Value::Map(entries)
    }

    /// An identifier that no component of another dossier has, as PrologueType asks.
    fn id(&self, name: &str) -> String {
        format!("{name}.{}@{}", self.call, self.desk.domain)
    }

    /// An agent's is a user of the agency's domain (NENA-STA-010).
    fn agent_id(&self) -> String {
        match self.desk.counsellor.as_str() {
            "" => self.id("agent"),
            counsellor => format!("{counsellor}@{}", self.desk.domain),
        }
    }

    /// Incident type of APCO ANS 2.103, from which EIDO's registry is filled: a threat of suicide, a look
    /// after somebody's well-being, help to a citizen.
    fn incident_type(&self) -> &'static str {
        match (self.emergency, self.level()) {
            (true, Some(_)) => "SUICTHRT",
            (true, None) => "WELFARE",
            (false, _) => "CITASST",
        }
    }

    fn incident_component(&self) -> Value {
        self.component(&self.id("incident"), |out| {
            let kind = text(self.incident_type());
            out.push(("incidentTypeCommonRegistryText", kind));
            out.push(("incidentTypeInternalCode", text(&self.key)));
            out.push(("incidentTypeInternalText", text(&self.title)));
            out.push(("incidentStatusInternalText", texts(["Active"])));
            out.push(("internalIncidentId", Value::Text(self.call.to_string())));
            out.push(("locationReference", self.location_references()));
            let notes = 1..=self.told().len();
            out.push(("notesReference", self.references("note", notes)));
        })
    }

    fn references(&self, name: &str, numbers: RangeInclusive<usize>) -> Value {
        let all = numbers.map(|at| reference(&self.id(&format!("{name}{at}"))));
        Value::List(all.collect())
    }

    fn location_references(&self) -> Value {
        self.references("location", 1..=self.places.len())
    }

    fn call_component(&self) -> Value {
        let id = self.call_urn();
        self.component(&id, |out| {
            out.push(("direction", text("incoming")));
            let kind = match self.emergency {
                true => "emergency",
                false => "nonEmergency",
            };
            out.push(("standardPrimaryCallType", text(kind)));
            out.push(("callStateRegistryText", text("callAnswered")));
            out.push(("callStartTimestamp", Value::Text(stamp(self.arrived))));
            if let Some(answered) = self.answered {
                out.push(("answerDate", Value::Text(stamp(answered))));
            }
            some(out, "queueIdentifier", Some(&self.desk.pool));
            let number = self.caller.number.reveal();
            if number.bytes().any(|b| b.is_ascii_digit()) {
                out.push(("callerNumber", text(number)));
            }
            let sure = self.caller.sure.as_str();
            out.push(("callerNumberCertainty", text(sure)));
            out.push(("callerNumberWithheld", Value::Flag(self.caller.withheld)));
            if self.callback().is_some() {
                out.push(("callBackReference", reference(&self.id("callback"))));
            }
            let caller = reference(&self.id("caller"));
            out.push(("personReference", Value::List(vec![caller])));
            let agent = reference(&self.agent_id());
            out.push(("agentReference", Value::List(vec![agent])));
            out.push(("locationReference", self.location_references()));
        })
    }

    fn location(&self, at: usize, place: &Place) -> Value {
        self.component(&self.id(&format!("location{at}")), |out| {
            out.push(("locationTypeDescriptionRegistryText", text("Caller")));
            out.push(("locationByValue", Value::Text(self.pidf(place, at))));
            let mut civic = vec![("country", text("CN"))];
            some(&mut civic, "A1", Some(&place.province));
            some(&mut civic, "A2", Some(&place.city));
            some(&mut civic, "A3", place.district.as_deref());
            some(&mut civic, "LOC", place.words.as_deref());
            out.push(("civicAddress", Value::Map(civic)));
            out.push(("source", text(place.by.as_str())));
            let sure = match place.sure {
                Confidence::Low => "low",
                Confidence::Middle => "middle",
                Confidence::High => "high",
            };
            out.push(("confidence", text(sure)));
            some(out, "areaCode", Some(&place.area_code));
            let cell = place.cell.as_ref().filter(|_| place.by == Told::Cell);
            some(out, "cellTowerSectorId", cell.map(|cell| cell.reveal()));
        })
    }

    fn person(&self) -> Value {
        self.component(&self.id("caller"), |out| {
            out.push(("personIncidentRoleRegistryText", texts(["Caller"])));
            out.push((
                "callIdentifier",
                Value::List(vec![Value::Text(self.call_urn())]),
            ));
            some(out, "description", self.facts.person.as_deref());
            some(out, "clothing", self.facts.clothing.as_deref());
            some(out, "appearance", self.facts.appearance.as_deref());
        })
    }

    fn agency(&self) -> Value {
        self.component(&self.desk.domain, |out| {
            out.push(("agencyName", text(&self.desk.agency)));
            let roles = texts(["CallReceiving"]);
            out.push(("agencyRoleDescriptionRegistryText", roles));
            out.push(("agencyType", texts(["crisisHotline"])));
            some(out, "agencyNumber", Some(&self.desk.number));
        })
    }

    fn agent(&self) -> Value {
        self.component(&self.agent_id(), |out| {
            out.push(("agentRoleRegistryText", texts(["Call Taking"])));
            some(out, "agentIdentifier", Some(&self.desk.counsellor));
            let seat = Some(self.desk.seat.as_str());
            some(out, "agentWorkstationPositionIdentification", seat);
            if let Some(line) = self.desk.line {
                out.push(("line", Value::Number(i64::from(line))));
            }
            out.push(("agencyReference", reference(&self.desk.domain)));
        })
    }

    /// What was done, and what the counsellor wrote down besides: when, and what.
    fn told(&self) -> Vec<(Wall, &str)> {
        let steps = self.done.iter().map(|step| (step.at, step.what.as_str()));
        let facts = self.facts.done.iter().chain(&self.facts.note);
        steps
            .chain(facts.map(|it| (self.made, it.as_str())))
            .collect()
    }

    /// EIDO takes a note's text for HTML.
    fn notes(&self) -> Vec<Value> {
        let numbered = (1..).zip(self.told());
        let note = |(number, (at, what)): (usize, (Wall, &str))| {
            self.component_of(&self.id(&format!("note{number}")), at, |out| {
                out.push(("notesActionComments", Value::Text(escaped(what))));
                out.push(("agentReference", reference(&self.agent_id())));
            })
        };
        numbered.map(note).collect()
    }

    fn crisis(&self) -> Value {
        let facts = &self.facts;
        self.component(&self.id("crisis"), |out| {
            if let Some(level) = self.level() {
                let word = match level {
                    super::Level::Low => "low",
                    super::Level::Medium => "medium",
                    super::Level::High => "high",
                    super::Level::Acting => "acting",
                };
                out.push(("riskLevel", text(word)));
            }
            some(out, "riskReason", facts.why.as_deref());
            out.push(("riskFlagged", Value::Flag(self.risk.flagged)));
            some(out, "riskFlaggedBy", Some(&self.risk.by));
            let hazards = facts.hazards.iter().map(|it| it.zh());
            out.push(("hazards", texts(hazards)));
            out.push(("safety", texts(facts.safety.iter().map(String::as_str))));
            if let Some(percent) = facts.battery {
                out.push(("phoneBatteryPercent", Value::Number(i64::from(percent))));
            }
            some(out, "locationDoubt", Some(&self.doubt));
            out.push(("locationUnsure", Value::Flag(self.is_place_unsure())));
            let (ground, in_chinese) = self.ground();
            out.push(("legalGround", text(ground)));
            out.push(("legalGroundText", text(in_chinese)));
        })
    }
}

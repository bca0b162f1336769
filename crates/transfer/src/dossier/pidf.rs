//! Where the caller may be, as a PIDF-LO document (RFC 4119, RFC 5491), in civic form (RFC 5139).
//!
//! | element | what |
//! | --- | --- |
//! | `country` | CN |
//! | `A1`, `A2`, `A3` | province, city, district: one level each, from the first down |
//! | `LOC` | the place in words |
//! | `method` (RFC 4119 §6.1) | `Manual` of what a person said, `Cell` of a cell; none of what a number tells |
//! | `note` of the person (RFC 4479) | the cell as the network named it: an address has no element for it (`ADDCODE` is a code of the address, RFC 4776 §3.4) |

use super::moment::stamp;
use super::xml::{Xml, escaped};
use super::{Dossier, Place, Told};
use meishier_model::Wall;

const NAMES: &str = "xmlns=\"urn:ietf:params:xml:ns:pidf\" \
xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\" \
xmlns:gbp=\"urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy\" \
xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\" \
xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"";
/// So long the place may be kept by whoever gets it: a day.
const KEPT_MS: i64 = 86_400_000;

impl Dossier {
    /// One place as a document; `number` tells those of a dossier apart.
    pub(super) fn pidf(&self, place: &Place, number: usize) -> String {
        let mut xml = Xml::new();
        let entity = format!("pres:{}@{}", self.call, self.desk.domain);
        let names = format!("{NAMES} entity=\"{}\"", escaped(&entity));
        xml.tag("presence", &names, |xml| {
            // A person's and not a device's (RFC 4479 §3.3): of the telephone there is no identifier.
            xml.tag("dm:person", &format!("id=\"place{number}\""), |xml| {
                // One place a `geopriv` (RFC 5491 §3).
                xml.tag("gp:geopriv", "", |xml| self.geopriv(xml, place));
                let cell = place.cell.as_ref().map(|cell| cell.reveal());
                let note = cell.filter(|cell| !cell.is_empty());
                xml.some(
                    "dm:note",
                    note.map(|cell| format!("基站 {cell}")).as_deref(),
                );
                xml.text("dm:timestamp", &stamp(self.made));
            });
        });
        xml.done()
    }

    fn geopriv(&self, xml: &mut Xml, place: &Place) {
        xml.tag("gp:location-info", "", |xml| {
            xml.tag("ca:civicAddress", "xml:lang=\"zh\"", |xml| {
                xml.text("ca:country", "CN");
                xml.some("ca:A1", Some(&place.province));
                xml.some("ca:A2", Some(&place.city));
                xml.some("ca:A3", place.district.as_deref());
                xml.some("ca:LOC", place.words.as_deref());
            });
        });
        xml.tag("gp:usage-rules", "", |xml| {
            // The schema says xs:boolean, though the text says yes and no (RFC 4119 §2.2.2, §2.2.5).
            xml.text("gbp:retransmission-allowed", "true");
            let until = Wall(self.made.0.saturating_add(KEPT_MS));
            xml.text("gbp:retention-expiry", &stamp(until));
        });
        let method = match place.by {
            Told::Counsellor => Some("Manual"),
            Told::Cell => Some("Cell"),
            Told::Block | Told::AreaCode | Told::Dialled | Told::Segment => None,
        };
        xml.some("gp:method", method);
    }
}

//! The dossier in an INVITE: headers and the body that takes the place of the session description.
//!
//! ```text
//!   Geolocation: <cid:place1.…>                                  RFC 6442 §4.1
//!   Geolocation-Routing: no                                      RFC 6442 §4.2
//!   Call-Info: <urn:…:incidentid:…>;purpose=emergency-IncidentId NENA-STA-010
//!   Call-Info: <urn:…:callid:…>;purpose=emergency-CallId         NENA-STA-010
//!   Call-Info: <cid:…>;purpose=EmergencyCallData.Comment         RFC 7852 §6
//!
//!   multipart/mixed ─┬─ application/sdp
//!                    ├─ application/pidf+xml, one a place
//!                    └─ application/EmergencyCallData.*+xml
//! ```
//!
//! Every part but the first is of the disposition `by-reference`: a header names it by its Content-ID and
//! says what it is for (RFC 5621, RFC 7852 §6); `handling=optional`, for the call does not depend on it.

use super::Dossier;

/// Most places that go along.
const MOST_PLACES: usize = 3;

/// What of the dossier goes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Along {
    /// Where the caller may be.
    pub location: bool,
    /// Everything else.
    pub data: bool,
}

/// Headers and body of an INVITE. `Debug` shows the sizes alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SipParts {
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Content-Type of the body.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for SipParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (headers, bytes) = (self.headers.len(), self.body.len());
        write!(f, "SipParts({headers} headers, {bytes} bytes)")
    }
}

struct Part {
    content_type: String,
    id: String,
    content: Vec<u8>,
}

impl Dossier {
    /// What an INVITE with this session description carries besides; nothing of the body but the
    /// session description if nothing goes along.
    #[must_use]
    pub fn sip(&self, sdp: &[u8], along: Along) -> SipParts {
        let mut headers = Vec::new();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        let mut parts = Vec::new();
        let places = self
            .places
            .iter()
            .take(MOST_PLACES)
            .filter(|_| along.location);
        for (number, place) in (1..).zip(places) {
            let id = self.content_id(&format!("place{number}"));
            add("Geolocation", format!("<cid:{id}>"));
            parts.push(Part {
                content_type: "application/pidf+xml".to_owned(),
                id,
                content: self.pidf(place, number).into_bytes(),
            });
        }
        if !parts.is_empty() {
            // The number that is dialled is of the place already.
            add("Geolocation-Routing", "no".to_owned());
        }
        if along.data {
            let urns = [
                (self.incident_urn(), "emergency-IncidentId"),
                (self.call_urn(), "emergency-CallId"),
            ];
            for (urn, purpose) in urns {
                add("Call-Info", format!("<{urn}>;purpose={purpose}"));
            }
            for block in self.additional() {
                let id = self.content_id(block.name);
                let value = format!("<cid:{id}>;purpose=EmergencyCallData.{}", block.name);
                add("Call-Info", value);
                parts.push(Part {
                    content_type: format!("application/EmergencyCallData.{}+xml", block.name),
                    id,
                    content: block.xml.into_bytes(),
                });
            }
        }
        if parts.is_empty() {
            return SipParts {
                headers,
                content_type: "application/sdp".to_owned(),
                body: sdp.to_vec(),
            };
        }
        let boundary = self.boundary(sdp, &parts);
        SipParts {
            headers,
            content_type: format!("multipart/mixed;boundary=\"{boundary}\""),
            body: multipart(&boundary, sdp, &parts),
        }
    }

    /// A Content-ID without its brackets (RFC 2392 §2).
    fn content_id(&self, name: &str) -> String {
        format!("{name}.{}.{}@{}", self.call, self.count, self.desk.domain)
    }

    /// A boundary that stands in none of the parts (RFC 2046 §5.1.1).
    fn boundary(&self, sdp: &[u8], parts: &[Part]) -> String {
        let mut boundary = format!("meishier-{}", self.call);
        let within = |content: &[u8], boundary: &str| {
            let boundary = boundary.as_bytes();
            content.windows(boundary.len()).any(|it| it == boundary)
        };
        while parts.iter().any(|it| within(&it.content, &boundary)) || within(sdp, &boundary) {
            boundary.push('x');
        }
        boundary
    }
}

fn multipart(boundary: &str, sdp: &[u8], parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    let mut part = |head: String, content: &[u8]| {
        out.extend_from_slice(format!("--{boundary}\r\n{head}\r\n").as_bytes());
        out.extend_from_slice(content);
        out.extend_from_slice(b"\r\n");
    };
    part("Content-Type: application/sdp\r\n".to_owned(), sdp);
    for it in parts {
        let head = format!(
            "Content-Type: {}\r\nContent-ID: <{}>\r\n\
             Content-Disposition: by-reference;handling=optional\r\n",
            it.content_type, it.id
        );
        part(head, &it.content);
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

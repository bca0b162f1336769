//! Additional data related to an emergency call, by value (RFC 7852): who hands over (ProviderInfo,
//! §4.1), whose telephone it is (SubscriberInfo, §4.4), and the story in words (Comment, §4.5).

use super::Dossier;
use super::xml::Xml;

/// One block.
pub(super) struct Block {
    /// Its name behind `EmergencyCallData.`.
    pub(super) name: &'static str,
    /// Its document.
    pub(super) xml: String,
}

impl Dossier {
    /// All blocks; those of one data provider name it by the same reference (§4.1.1).
    pub(super) fn additional(&self) -> [Block; 3] {
        let mut provider = Xml::new();
        block(&mut provider, "ProviderInfo", "", |xml| {
            self.reference(xml);
            xml.text("ad:DataProviderString", &self.desk.agency);
            xml.text("ad:ProviderID", &self.desk.domain);
            xml.text("ad:ProviderIDSeries", "domain");
            xml.text("ad:TypeOfProvider", "Other");
            xml.text("ad:ContactURI", &tel(&self.desk.number));
            xml.text("ad:Language", "zh");
        });
        let mut subscriber = Xml::new();
        let private = match self.caller.withheld {
            true => " privacyRequested=\"true\"",
            false => " privacyRequested=\"false\"",
        };
        block(&mut subscriber, "SubscriberInfo", private, |xml| {
            self.reference(xml);
            let names = "xmlns=\"urn:ietf:params:xml:ns:vcard-4.0\"";
            xml.tag("ad:SubscriberData", names, |xml| {
                xml.tag("vcard", "", |xml| self.card(xml));
            });
        });
        let mut comment = Xml::new();
        block(&mut comment, "Comment", "", |xml| {
            self.reference(xml);
            xml.tag("ad:Comment", "xml:lang=\"zh\"", |xml| {
                xml.words(&self.story());
            });
        });
        [
            ("ProviderInfo", provider),
            ("SubscriberInfo", subscriber),
            ("Comment", comment),
        ]
        .map(|(name, xml)| Block {
            name,
            xml: xml.done(),
        })
    }

    fn reference(&self, xml: &mut Xml) {
        let reference = format!("{}@{}", self.call, self.desk.domain);
        xml.text("ad:DataProviderReference", &reference);
    }

    /// xCard (RFC 6351): a name must be there (RFC 6350 §6.2.1).
    fn card(&self, xml: &mut Xml) {
        let person = self.facts.person.as_deref().unwrap_or("来电者");
        xml.tag("fn", "", |xml| xml.text("text", person));
        for number in [Some(self.caller.number.reveal()), self.callback()] {
            let number = number.filter(|it| it.bytes().any(|b| b.is_ascii_digit()));
            if let Some(number) = number {
                xml.tag("tel", "", |xml| xml.text("uri", &tel(number)));
            }
            if number == self.callback() {
                break;
            }
        }
    }
}

fn block(xml: &mut Xml, name: &str, attributes: &str, inner: impl FnOnce(&mut Xml)) {
    let names = format!("xmlns:ad=\"urn:ietf:params:xml:ns:EmergencyCallData:{name}\"{attributes}");
    xml.tag(&format!("ad:EmergencyCallData.{name}"), &names, inner);
}

/// A `tel:` URI (RFC 3966): global (§5.1.4) if it is a number of China that is reached from everywhere, a
/// mobile one or one with its area code; else local to China (§5.1.5), such as 12356 and 0851110.
pub(super) fn tel(number: &str) -> String {
    let digits: String = number
        .chars()
        .filter(|c| c.is_ascii_digit() || "+*#".contains(*c))
        .collect();
    let national = match digits.as_bytes() {
        [b'1', b'3'..=b'9', ..] if digits.len() == 11 => Some(digits.as_str()),
        // 0, an area code of two or three digits, seven or eight digits.
        [b'0', b'1'..=b'9', ..] if (11..=12).contains(&digits.len()) => Some(&digits[1..]),
        _ => None,
    };
    match national.filter(|it| it.bytes().all(|b| b.is_ascii_digit())) {
        Some(national) => format!("tel:+86{national}"),
        None if digits.starts_with('+') => format!("tel:{digits}"),
        None => format!("tel:{digits};phone-context=+86"),
    }
}

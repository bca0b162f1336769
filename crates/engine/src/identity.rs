//! Who calls, and what was dialled: the headers of an INVITE cut out, and weighed by what its trunk is
//! trusted for (meishier-routing knows how).

use crate::outgoing::priorities;
use crate::shard::Shard;
use meishier_model::{DialString, TrunkId};
use meishier_routing::{Claim, Claims, IdentitySource, Kind, Number, Trust, weigh};
use meishier_signaling::{HeaderName, Message, NameAddr, Uri};
use smallvec::SmallVec;

/// Most values of one header that are looked at.
const MOST: usize = 8;
/// Most bytes of a charging vector that are kept for a call.
const LONGEST_VECTOR: usize = 512;

/// Who calls whom, as the INVITE says.
pub(crate) struct Parties {
    /// The caller; empty if nobody says.
    pub(crate) caller: DialString,
    /// Not to be shown to people.
    pub(crate) withheld: bool,
    /// The caller is a number that forwarded the call, or one without its area code: nobody's own.
    pub(crate) switchboard: bool,
    /// A network that is trusted vouches for the caller (RFC 3325).
    pub(crate) asserted: bool,
    /// User part of From, for seats that are to see it; empty if withheld.
    pub(crate) from_user: DialString,
    /// What was dialled, before a forward.
    pub(crate) called: DialString,
    /// The cell that a trusted trunk names.
    pub(crate) cell: Option<DialString>,
    /// The resource priorities that a trusted trunk names (RFC 4412).
    pub(crate) priority: Option<Box<str>>,
    /// What a trusted trunk charges the call under (P-Charging-Vector, RFC 7315 §4.6).
    pub(crate) charging: Option<Box<str>>,
}

/// What was dialled, or who calls: of `tel:` URIs (RFC 3966) as well.
pub(crate) fn number_of(uri: &str) -> DialString {
    match Uri::parse(uri) {
        Ok(uri) => DialString::new(&uri.dial_string()),
        Err(_) => DialString::default(),
    }
}

fn user_of(uri: &str) -> DialString {
    match Uri::parse(uri) {
        Ok(uri) => DialString::new(uri.user.unwrap_or("")),
        Err(_) => DialString::default(),
    }
}

/// URI and parameters of each value that is an address.
fn claims<'m>(values: impl Iterator<Item = &'m str>) -> SmallVec<[Claim<'m>; 2]> {
    let parsed = values
        .take(MOST)
        .filter_map(|value| NameAddr::parse(value).ok());
    parsed
        .map(|address| Claim {
            uri: address.uri,
            params: address.params.as_str(),
        })
        .collect()
}

/// A number without its visual separators (RFC 3966 §5.1.1), a local one with the area code of the
/// trunk, so that it is nobody else's; a name as it is.
fn complete(number: &DialString, area_code: Option<&str>) -> DialString {
    let text = number.reveal();
    if Number::new(text).kind() == Kind::Local {
        return DialString::new(Number::in_area(text, area_code).as_str());
    }
    let dialled = |c: char| c.is_ascii_digit() || "+*#-.() ".contains(c);
    if text.chars().all(dialled) {
        let kept: String = text.chars().filter(|c| !"-.() ".contains(*c)).collect();
        return DialString::new(&kept);
    }
    number.clone()
}

/// The charging vector as it came, of a trunk within our trust domain (RFC 7315 §5.6: it is taken from
/// nobody else); what is longer than any carrier's is left out.
fn charging(request: &Message, trust: Trust) -> Option<Box<str>> {
    let value = request.header(HeaderName::PChargingVector)?;
    let fits = trust.contains(Trust::ASSERTED) && value.len() <= LONGEST_VECTOR;
    fits.then(|| value.into())
}

impl Shard {
    pub(crate) fn parties(&self, request: &Message, trunk: TrunkId) -> Parties {
        let trunk = self.config.trunk(trunk);
        let trust = trunk.map_or(Trust::NOTHING, |trunk| trunk.trust);
        let area_code = trunk.and_then(|trunk| trunk.area_code.as_deref());
        let from = request.from_addr().ok();
        let asserted: SmallVec<[&str; 2]> = claims(request.values(HeaderName::PAssertedIdentity))
            .iter()
            .map(|claim| claim.uri)
            .collect();
        let access: SmallVec<[&str; 2]> = request
            .values(HeaderName::PAccessNetworkInfo)
            .take(MOST)
            .collect();
        let privacy: SmallVec<[&str; 2]> =
            request.headers(HeaderName::Privacy).take(MOST).collect();
        let privacy = privacy.join(";");
        let identified = weigh(
            &Claims {
                from: from.map_or("", |it| it.uri),
                display: from
                    .and_then(|it| it.display)
                    .unwrap_or("")
                    .trim_matches('"'),
                asserted: &asserted,
                remote_party: &claims(request.values(HeaderName::RemotePartyId)),
                diversion: &claims(request.values(HeaderName::Diversion)),
                history: &claims(request.values(HeaderName::HistoryInfo)),
                privacy: &privacy,
                access: &access,
            },
            trust,
        );
        let shown = if identified.withheld {
            ""
        } else {
            from.map_or("", |it| it.uri)
        };
        let read = |number: DialString| match trunk.and_then(|it| it.numbers_in.as_ref()) {
            Some(format) => DialString::new(&format.read(number.reveal(), area_code)),
            None => number,
        };
        let before = identified.dialled_before.map(read);
        // Who forwards a number of its own to the hotline has dialled the hotline.
        let before = before.filter(|number| self.config.routing.is_hotline(number));
        let caller = complete(&read(identified.caller), area_code);
        Parties {
            // The same digits are other people's in every other city.
            switchboard: identified.switchboard
                || Number::new(caller.reveal()).kind() == Kind::Local,
            caller,
            withheld: identified.withheld,
            asserted: identified.source == IdentitySource::Asserted,
            from_user: read(user_of(shown)),
            called: before.unwrap_or_else(|| read(number_of(request.request_uri()))),
            priority: trust
                .contains(Trust::PRIORITY)
                .then(|| priorities(request))
                .flatten(),
            cell: identified.cell,
            charging: charging(request, trust),
        }
    }
}

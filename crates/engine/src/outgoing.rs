//! What a call out says of us and of the caller.
//!
//! | header | what it says | when |
//! | --- | --- | --- |
//! | From | the caller's number | the trunk has `keep_caller_user`, and it is not withheld or the key is an emergency's |
//! | From | the trunk's own number | else |
//! | P-Asserted-Identity (RFC 3325) | the trunk's own number | `tells` has `asserted` |
//! | Privacy: id (RFC 3323, 3325) | nobody is to be shown who calls | the number is withheld and not told |
//! | Diversion (RFC 5806), History-Info (RFC 7044) | the hotline forwards | `tells` has `diversion`, `history` |
//! | Resource-Priority (RFC 4412) | the trunk's `priority`; the caller's, if its trunk is trusted | emergency keys; `tells` has `priority` |
//! | Max-Forwards (RFC 3261 §16.6) | the caller's less one | always |
//! | X-Meishier-Call | the call | always |
//! | X-Meishier-Engine | whose call it is: an INVITE that comes back with it is a loop | always |
//! | P-Charging-Vector (RFC 7315) | the caller's | back by its own trunk |
//!
//! A caller who is called back is a call of its own: From and P-Asserted-Identity with the trunk's number,
//! Max-Forwards anew, X-Meishier-Call and X-Meishier-Engine, and none of the others.

use crate::call::{Call, most_hops};
use crate::offer::{CALL_HEADER, is_number};
use crate::shard::Shard;
use meishier_config::{Tells, Trunk};
use meishier_model::TrunkId;
use meishier_routing::Number;
use meishier_signaling::Message;
use std::net::SocketAddr;

/// Most priorities of a caller that are carried on, and most bytes of each.
const PRIORITIES: (usize, usize) = (4, 65);

/// Who calls, as a call out says it.
pub(crate) struct Identity {
    /// URI of From.
    pub(crate) from: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// Whose call it is: the same at all calls of one engine, and known to nobody else.
const ENGINE_HEADER: &str = "X-Meishier-Engine";

/// The resource priorities that a request names (RFC 4412 §3.1), in their one form; `None` without any.
pub(crate) fn priorities(request: &Message) -> Option<Box<str>> {
    let token = |text: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-!%*_+`'~".contains(&b);
        !text.is_empty() && text.bytes().all(fits)
    };
    let valid = |value: &&str| {
        let parts = value.split_once('.');
        value.len() <= PRIORITIES.1 && parts.is_some_and(|(a, b)| token(a) && token(b))
    };
    let values = request.values(meishier_signaling::HeaderName::ResourcePriority);
    let all: Vec<&str> = values.filter(valid).take(PRIORITIES.0).collect();
    (!all.is_empty()).then(|| all.join(", ").into())
}

/// True if one of these priorities is high enough for the channels kept for emergencies. RFC 7135 §3:
/// `esnet` is of emergency services alone, whatever the level. RFC 4412 §10: `dsn` and `drsn` from
/// `flash` on; `q735`, `ets` and `wps`, whose highest is 0, at 0 and 1. Any other namespace is not.
pub(crate) fn is_high(priorities: &str) -> bool {
    priorities.split(',').any(|value| {
        let value = value.trim().to_ascii_lowercase();
        matches!(
            value.split_once('.'),
            Some(
                ("esnet", "0" | "1" | "2" | "3" | "4")
                    | ("dsn" | "drsn", "flash" | "flash-override")
                    | ("drsn", "flash-override-override")
                    | ("q735" | "ets" | "wps", "0" | "1")
            )
        )
    })
}

impl Shard {
    /// Area code of a mobile number, as far as its segment is known.
    fn mobile_code(&self, number: &Number) -> Option<&str> {
        let places = self.config.routing.gazetteer();
        let city = places.segments().find(number.as_bytes())?;
        let atlas = places.atlas();
        let code = atlas.code(atlas.code_of_city(city)?)?;
        Some(code.text)
    }

    /// Where a number is dialled on a trunk.
    pub(crate) fn outgoing_uri(&self, trunk: &Trunk, dial: &str, peer: SocketAddr) -> String {
        let written = match &trunk.numbers_out {
            Some(format) => format.dial(dial, trunk.area_code.as_deref(), |n| self.mobile_code(n)),
            None => dial.to_owned(),
        };
        format!("sip:{written}@{peer}")
    }

    fn shown_number(&self, trunk: &Trunk, number: &str) -> String {
        match &trunk.numbers_out {
            Some(format) => {
                format.write(number, trunk.area_code.as_deref(), |n| self.mobile_code(n))
            }
            None => number.to_owned(),
        }
    }

    pub(crate) fn outgoing_identity(
        &self,
        call: &Call,
        (trunk_id, trunk): (TrunkId, &Trunk),
        (uri, emergency): (&str, bool),
    ) -> Identity {
        let domain = self.domain_shown(trunk);
        // Who withholds the number is named to those alone who come to save a life.
        let told = !call.withheld || emergency;
        let caller = call.caller.reveal();
        let own = self.own_uri(trunk);
        let from = if trunk.keep_caller_user && told && is_number(caller) {
            format!("sip:{}@{domain}", self.shown_number(trunk, caller))
        } else {
            own.clone()
        };
        let tells = |what: Tells| trunk.tells.contains(what);
        let mut headers = vec![
            (CALL_HEADER.to_owned(), call.id.to_string()),
            (ENGINE_HEADER.to_owned(), self.mark.to_string()),
            self.hops(call),
        ];
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        if tells(Tells::ASSERTED) {
            add("P-Asserted-Identity", format!("<{own}>"));
        }
        if !told {
            add("Privacy", "id".to_owned());
        }
        if tells(Tells::DIVERSION) {
            add(
                "Diversion",
                format!("<{own}>;reason=unconditional;counter=1"),
            );
        }
        if tells(Tells::HISTORY) {
            // RFC 7044 §10.1.1, RFC 4458 §2: 302 is "unconditional", as in Diversion (RFC 7544 §3.1).
            let entries = format!("<{own}>;index=1, <{uri};cause=302>;index=1.1;mp=1");
            add("History-Info", entries);
        }
        if tells(Tells::PRIORITY) {
            let ours = emergency.then_some(trunk.priority.as_str());
            let all: Vec<&str> = ours.into_iter().chain(call.priority.as_deref()).collect();
            if !all.is_empty() {
                add("Resource-Priority", all.join(", "));
            }
        }
        // RFC 7315 §5.6: it leaves the trust domain of its own carrier with nobody.
        let charging = call.charging.as_deref().filter(|_| trunk_id == call.trunk);
        if let Some(value) = charging {
            add("P-Charging-Vector", value.to_owned());
        }
        Identity { from, headers }
    }

    /// Who calls, as it is said to whoever is called back: the trunk's own number, and nothing that tells
    /// of the call before, of which this one is no part.
    pub(crate) fn own_identity(&self, call: &Call, trunk: &Trunk) -> Identity {
        let own = self.own_uri(trunk);
        let mut headers = vec![
            (CALL_HEADER.to_owned(), call.id.to_string()),
            (ENGINE_HEADER.to_owned(), self.mark.to_string()),
            ("Max-Forwards".to_owned(), most_hops().to_string()),
        ];
        if trunk.tells.contains(Tells::ASSERTED) {
            headers.push(("P-Asserted-Identity".to_owned(), format!("<{own}>")));
        }
        Identity { from: own, headers }
    }

    fn domain_shown<'a>(&'a self, trunk: &'a Trunk) -> &'a str {
        // A carrier that registers us knows us by its own domain.
        match &trunk.register {
            Some(register) => &register.domain,
            None => &self.config.sip.domain,
        }
    }

    fn own_uri(&self, trunk: &Trunk) -> String {
        format!("sip:{}@{}", trunk.outgoing_number, self.domain_shown(trunk))
    }

    /// Max-Forwards of what this call brings about: the caller's less one (RFC 3261 §16.6 step 3).
    pub(crate) fn hops(&self, call: &Call) -> (String, String) {
        let hops = call.hops.saturating_sub(1);
        ("Max-Forwards".to_owned(), hops.to_string())
    }

    /// True for an INVITE that a call of ours has brought about, whichever way it came back: a B2BUA
    /// hands a header on that it does not know, while Via, Call-ID and tags are its own.
    pub(crate) fn is_own_call(&self, request: &Message) -> bool {
        request.raw_header(ENGINE_HEADER) == Some(&*self.mark)
    }
}

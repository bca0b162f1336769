//! What rsip 0.4 misses, each kind with the clause that says what is right.

use crate::maker::{Made, Party, Target};

/// How rsip misses a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It reads something else.
    Other,
    /// It reads nothing, in a message that it can read.
    Nothing,
    /// It cannot read the message at all.
    Message,
}

/// A fault of rsip 0.4: what it misses, how, and where the RFC says what is right.
pub struct Fault {
    pub name: &'static str,
    pub clause: &'static str,
    pub explains: fn(&Made, &str, Miss) -> bool,
}

/// The URI that a fact is of; `None` for other facts.
fn target_of<'a>(made: &'a Made, fact: &str) -> Option<&'a Target> {
    match fact.split(' ').next()? {
        "uri" | "message" => made.start.1.is_none().then_some(&made.target),
        "from" => Some(&made.from.target),
        "to" => Some(&made.to.target),
        "contact" => made.contact.as_ref().map(|contact| &contact.target),
        _ => None,
    }
}

fn party_of<'a>(made: &'a Made, fact: &str) -> Option<&'a Party> {
    match fact.split(' ').next()? {
        "from" => Some(&made.from),
        "to" => Some(&made.to),
        "contact" => made.contact.as_ref(),
        _ => None,
    }
}

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "marks in a user (. - _) belong to the user, not to the host",
        clause: "RFC 3261 §25.1, user and mark",
        explains: |made, fact, miss| {
            let user = target_of(made, fact).and_then(|target| target.user);
            miss == Miss::Other && user.is_some_and(|user| user.contains(['.', '-', '_']))
        },
    },
    Fault {
        name: "tel: is a scheme, not a host",
        clause: "RFC 3966 §3",
        explains: |made, fact, miss| {
            miss == Miss::Other && target_of(made, fact).is_some_and(|t| t.scheme == "tel")
        },
    },
    Fault {
        name: "white space around the signs of a parameter means nothing",
        clause: "RFC 3261 §25.1, SEMI and EQUAL",
        explains: |made, fact, _| match fact {
            "via branch" | "via host" | "via port" | "via transport" => made.via.3.contains(' '),
            fact => party_of(made, fact).is_some_and(|party| party.params.contains(" ;")),
        },
    },
    Fault {
        name: "compact names",
        clause: "RFC 3261 §7.3.3",
        explains: |made, _, miss| miss != Miss::Message && made.names == 1,
    },
    Fault {
        name: "an IPv6 reference is a host",
        clause: "RFC 3261 §25.1, IPv6reference",
        explains: |made, fact, _| match fact {
            "via branch" | "via host" | "via port" | "via transport" => made.via.1.starts_with('['),
            fact => target_of(made, fact).is_some_and(|target| target.host.starts_with('[')),
        },
    },
    Fault {
        name: "a value may go on in the next line",
        clause: "RFC 3261 §7.3.1",
        explains: |made, _, miss| miss == Miss::Message && made.colon.contains('\n'),
    },
    Fault {
        name: "white space may stand before the colon",
        clause: "RFC 3261 §25.1, HCOLON",
        explains: |made, _, miss| miss == Miss::Message && made.colon.starts_with(' '),
    },
    Fault {
        name: "a URI of another scheme has no slashes",
        clause: "RFC 3261 §25.1, absoluteURI",
        explains: |made, fact, _| {
            target_of(made, fact).is_some_and(|target| ["tel", "urn"].contains(&target.scheme))
        },
    },
    Fault {
        name: "a quoted display name may hold anything",
        clause: "RFC 3261 §25.1, quoted-string",
        explains: |made, fact, _| {
            let display = party_of(made, fact).map_or("", |party| party.display);
            display.contains(['<', '\\'])
        },
    },
    Fault {
        name: "a quoted parameter may hold angle brackets and colons",
        clause: "RFC 3261 §25.1, gen-value; RFC 5626 §4.1",
        explains: |made, fact, miss| {
            let params = party_of(made, fact).map_or("", |party| party.params);
            miss == Miss::Nothing && params.contains("=\"<")
        },
    },
    Fault {
        name: "a method is any token",
        clause: "RFC 3261 §25.1, extension-method",
        explains: |made, _, miss| miss == Miss::Message && made.start.0 == "WORDS",
    },
];

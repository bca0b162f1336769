//! The maker: messages of every shape that people send, and what they mean, known beforehand.

use crate::Facts;
use proptest::prelude::*;
use proptest::sample::select;

/// A URI of the maker.
#[derive(Clone, Debug)]
pub struct Target {
    pub scheme: &'static str,
    pub user: Option<&'static str>,
    pub host: &'static str,
    pub port: Option<u16>,
    pub params: &'static str,
}

impl Target {
    pub fn text(&self) -> String {
        let user = self.user.map_or(String::new(), |user| format!("{user}@"));
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("{}:{user}{}{port}{}", self.scheme, self.host, self.params)
    }

    pub fn facts(&self, names: [&'static str; 3], out: &mut Facts) {
        // Behind tel: and urn: there is no host.
        if !self.scheme.starts_with("sip") {
            return;
        }
        out.insert(names[0], self.user.unwrap_or("").to_owned());
        out.insert(names[1], self.host.to_owned());
        out.insert(names[2], self.port.map_or(String::new(), |p| p.to_string()));
    }
}

/// From, To or Contact of the maker.
#[derive(Clone, Debug)]
pub struct Party {
    pub display: &'static str,
    pub target: Target,
    pub brackets: bool,
    pub params: &'static str,
}

impl Party {
    pub fn text(&self) -> String {
        let uri = self.target.text();
        match self.brackets {
            true => format!("{}<{uri}>{}", self.display, self.params),
            false => format!("{uri}{}", self.params),
        }
    }

    fn tag(&self) -> String {
        let tag = self
            .params
            .split(';')
            .find_map(|p| p.trim().strip_prefix("tag"));
        let tag = tag.map(|t| t.trim_start_matches([' ', '=']).to_owned());
        tag.unwrap_or_default()
    }
}

#[derive(Clone, Debug)]
pub struct Made {
    /// Method, or status and reason.
    pub start: (&'static str, Option<(u16, &'static str)>),
    pub target: Target,
    pub via: (&'static str, &'static str, Option<u16>, &'static str),
    pub vias: usize,
    pub from: Party,
    pub to: Party,
    pub contact: Option<Party>,
    pub cseq: u32,
    pub call_id: &'static str,
    pub forwards: Option<u32>,
    /// How names are written: 0 as in the RFC, 1 compact, 2 in capitals.
    pub names: usize,
    pub colon: &'static str,
    pub body: &'static str,
}

const NAMES: [[&str; 3]; 8] = [
    ["Via", "v", "VIA"],
    ["From", "f", "FROM"],
    ["To", "t", "TO"],
    ["Call-ID", "i", "CALL-ID"],
    ["CSeq", "CSeq", "CSEQ"],
    ["Contact", "m", "CONTACT"],
    ["Content-Length", "l", "CONTENT-LENGTH"],
    ["Max-Forwards", "Max-Forwards", "MAX-FORWARDS"],
];

impl Made {
    pub fn text(&self) -> String {
        let (transport, host, port, params) = self.via;
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let top = format!("SIP/2.0/{transport} {host}{port}{params}");
        let mut lines = vec![(0, top)];
        for n in 1..self.vias {
            lines.push((
                0,
                format!("SIP/2.0/TCP p{n}.example.net;branch=z9hG4bKp{n}"),
            ));
        }
        lines.push((1, self.from.text()));
        lines.push((2, self.to.text()));
        lines.push((3, self.call_id.to_owned()));
        lines.push((4, format!("{} {}", self.cseq, self.start.0)));
        lines.extend(self.contact.iter().map(|contact| (5, contact.text())));
        lines.extend(self.forwards.map(|n| (7, n.to_string())));
        lines.push((6, self.body.len().to_string()));
        let mut out = match self.start {
            (_, Some((status, reason))) => format!("SIP/2.0 {status} {reason}\r\n"),
            (method, None) => format!("{method} {} SIP/2.0\r\n", self.target.text()),
        };
        for (name, value) in lines {
            out += &format!("{}{}{value}\r\n", NAMES[name][self.names], self.colon);
        }
        out + "\r\n" + self.body
    }

    pub fn facts(&self) -> Facts {
        let mut out = Facts::new();
        match self.start.1 {
            Some((status, _)) => drop(out.insert("status", status.to_string())),
            None => {
                out.insert("method", self.start.0.to_owned());
                self.target
                    .facts(["uri user", "uri host", "uri port"], &mut out);
            }
        }
        let (transport, host, port, params) = self.via;
        out.insert("via transport", transport.to_owned());
        out.insert("via host", host.to_owned());
        out.insert("via port", port.map_or(String::new(), |p| p.to_string()));
        let branch = params
            .split(';')
            .find_map(|p| p.trim().strip_prefix("branch"));
        let branch = branch.unwrap_or("").trim_start_matches([' ', '=']);
        out.insert("via branch", branch.to_owned());
        out.insert("vias", self.vias.to_string());
        self.from
            .target
            .facts(["from user", "from host", "from port"], &mut out);
        self.to
            .target
            .facts(["to user", "to host", "to port"], &mut out);
        out.insert("from tag", self.from.tag());
        out.insert("to tag", self.to.tag());
        if let Some(contact) = &self.contact {
            contact
                .target
                .facts(["contact user", "contact host", "contact port"], &mut out);
        }
        out.insert("call-id", self.call_id.to_owned());
        out.insert("cseq", format!("{} {}", self.cseq, self.start.0));
        out.extend(self.forwards.map(|n| ("max-forwards", n.to_string())));
        out.insert("body", self.body.to_owned());
        out
    }
}

fn target() -> impl Strategy<Value = Target> {
    let sip = (
        select(vec!["sip", "sips"]),
        select(vec![
            None,
            Some("12356"),
            Some("+8613800000000"),
            Some("a.b-c_d"),
            Some("85112356;phone-context=+86"),
            Some("%E5%BC%A0"),
            Some("*12"),
        ]),
        select(vec![
            "192.0.2.7",
            "a.example.com",
            "b-1.example.com",
            "[2001:db8::7]",
        ]),
        prop::option::of(select(vec![5060, 5062, 65_535])),
        select(vec![
            "",
            ";transport=tcp",
            ";user=phone",
            ";lr;x-own=1",
            ";maddr=192.0.2.9",
        ]),
    );
    let sip = sip.prop_map(|(scheme, user, host, port, params)| Target {
        scheme,
        user,
        host,
        port,
        params,
    });
    let other = select(vec![
        ("tel", "+86-851-12356"),
        ("tel", "12356;phone-context=+86"),
        ("urn", "service:sos"),
    ]);
    let other = other.prop_map(|(scheme, host)| Target {
        scheme,
        user: None,
        host,
        port: None,
        params: "",
    });
    prop_oneof![6 => sip, 1 => other]
}

fn party(params: &'static [&'static str]) -> impl Strategy<Value = Party> {
    let display = select(vec![
        "",
        "Watson ",
        "\"Bell, Alexander\" ",
        "\"<sip:110@police.example>\" ",
        "\"a \\\" b\" ",
        "\"张三\"",
        "Two Words ",
    ]);
    (display, target(), any::<bool>(), select(params)).prop_map(
        |(display, target, bare, params)| {
            let text = target.text();
            let brackets = !bare || !display.is_empty() || text.contains([';', ',', '?']);
            Party {
                display,
                target,
                brackets,
                params,
            }
        },
    )
}

pub fn made() -> impl Strategy<Value = Made> {
    let start = prop_oneof![
        3 => select(vec!["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "UPDATE",
            "MESSAGE", "WORDS"]).prop_map(|m| (m, None)),
        1 => (select(vec!["INVITE", "BYE"]), select(vec![(100, "Trying"), (180, "Ringing"), (200, "OK"),
            (486, "忙"), (487, "Request Terminated"), (600, "")])).prop_map(|(m, s)| (m, Some(s))),
    ];
    let via = (
        select(vec!["UDP", "TCP", "TLS"]),
        select(vec!["192.0.2.9", "sbc.example.net", "[2001:db8::9]"]),
        prop::option::of(select(vec![5060, 5080])),
        select(vec![
            ";branch=z9hG4bK776a",
            ";rport;branch=z9hG4bK.-~",
            ";branch=z9hG4bK1;received=192.0.2.8;rport=5061",
            " ;branch = z9hG4bKs",
            ";branch=1",
            "",
        ]),
    );
    let rest = (
        any::<u32>(),
        select(vec![
            "1@h.example",
            "a-b.c!%*_+`'~(<>:\\\"/[]?{}@x",
            "~0001-ab",
        ]),
        prop::option::of(0..300_u32),
        prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2)],
        prop_oneof![6 => Just(": "), 1 => Just(":"), 1 => Just(" : "), 1 => Just(":\r\n ")],
        select(vec!["", "v=0\r\n", "v=0\r\n\r\nx"]),
    );
    let from = party(&[";tag=f1", "", ";x=1;tag=a-b.c", " ; tag = t2"]);
    let to = party(&["", ";tag=t1"]);
    let contact = party(&[
        "",
        ";expires=60",
        ";q=0.5;expires=0",
        ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
    ]);
    (
        start,
        target(),
        via,
        1..4_usize,
        (from, to, prop::option::of(contact)),
        rest,
    )
        .prop_map(|(start, target, via, vias, (from, to, contact), rest)| {
            let (cseq, call_id, forwards, names, colon, body) = rest;
            Made {
                start,
                target,
                via,
                vias,
                from,
                to,
                contact,
                cseq,
                call_id,
                forwards,
                names,
                colon,
                body,
            }
        })
}

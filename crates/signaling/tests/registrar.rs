//! The registrar as a phone sees it: every case authenticates first, as any phone has to.

use md5::{Digest, Md5};
use meishier_model::Mono;
use meishier_signaling::auth::AuthConfig;
use meishier_signaling::builder::Builder;
use meishier_signaling::flow::{Flow, Transport};
use meishier_signaling::message::Message;
use meishier_signaling::registrar::{
    Binding, BindingChange, RegisterReply, Registrar, RegistrarConfig,
};
use std::time::Duration;

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

fn flow(port: u16) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: std::net::SocketAddr::from(([198, 51, 100, 7], port)),
        connection: 0,
    }
}

fn passwords(user: &str) -> Option<String> {
    ["a1", "a2", "长"]
        .contains(&user)
        .then(|| format!("pw-{user}"))
}

/// A registrar and a phone that talks to it.
struct Bench {
    registrar: Registrar,
    cseq: u32,
}

/// One REGISTER.
#[derive(Clone, Copy)]
struct Register<'a> {
    login: &'a str,
    to: &'a str,
    call_id: &'a str,
    cseq: Option<u32>,
    port: u16,
    headers: &'a [(&'a str, &'a str)],
}

const PLAIN: Register<'static> = Register {
    login: "a1",
    to: "<sip:a1@d.test>",
    call_id: "c1",
    cseq: None,
    port: 4000,
    headers: &[],
};

impl Bench {
    fn new() -> Self {
        let auth = AuthConfig {
            realm: "d.test".into(),
            secret: [3; 32],
            nonce_ttl: Duration::from_secs(600),
            sha256: true,
        };
        let config = RegistrarConfig {
            auth,
            min_expires: Duration::from_secs(60),
            default_expires: Duration::from_secs(300),
            max_expires: Duration::from_secs(600),
            max_contacts: 2,
        };
        Self {
            registrar: Registrar::new(config),
            cseq: 0,
        }
    }

    fn send_raw(
        &mut self,
        now: Mono,
        r: Register<'_>,
        authorization: Option<&str>,
    ) -> RegisterReply {
        let cseq = r.cseq.unwrap_or(self.cseq);
        let mut b = Builder::request("REGISTER", "sip:d.test")
            .header("Via", "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK1;rport")
            .header("From", "<sip:a1@d.test>;tag=1")
            .header("To", r.to)
            .header("Call-ID", r.call_id)
            .header("CSeq", &format!("{cseq} REGISTER"));
        for (name, value) in r.headers {
            b = b.header(name, value);
        }
        if let Some(value) = authorization {
            b = b.header("Authorization", value);
        }
        let message = Message::parse(&b.finish()).unwrap();
        self.registrar
            .handle_register(now, flow(r.port), &message, &passwords)
    }

    /// Challenge, answer, and the reply to the answer; what is malformed is not even challenged.
    fn send(&mut self, now: Mono, r: Register<'_>) -> RegisterReply {
        self.cseq += 1;
        let challenge = self.send_raw(now, r, None);
        if challenge.status == 400 {
            return challenge;
        }
        assert_eq!((challenge.status, &challenge.change), (401, &None));
        let nonce = challenge.headers[1]
            .1
            .split("nonce=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let h = |text: String| {
            Md5::digest(text)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        };
        let a1 = h(format!("{0}:d.test:pw-{0}", r.login));
        let a2 = h("REGISTER:sip:d.test".into());
        let response = h(format!("{a1}:{nonce}:00000001:c:auth:{a2}"));
        let value = format!(
            "Digest username=\"{}\", realm=\"d.test\", nonce=\"{nonce}\", uri=\"sip:d.test\", \
             response=\"{response}\", qop=auth, nc=00000001, cnonce=\"c\"",
            r.login
        );
        self.cseq += 1;
        self.send_raw(now, r, Some(&value))
    }

    fn contact(&mut self, now: Mono, contact: &str) -> RegisterReply {
        self.send(
            now,
            Register {
                headers: &[("Contact", contact)],
                ..PLAIN
            },
        )
    }

    fn uris(&self, user: &str) -> Vec<String> {
        self.registrar
            .bindings(user)
            .into_iter()
            .map(|b| b.uri)
            .collect()
    }
}

fn contacts(reply: &RegisterReply) -> Vec<&str> {
    reply
        .headers
        .iter()
        .filter(|(n, _)| n == "Contact")
        .map(|(_, v)| v.as_str())
        .collect()
}

#[test]
fn a_phone_registers_and_is_reached_where_it_came_from() {
    let mut bench = Bench::new();
    let reply = bench.contact(
        at(10),
        "\"Desk\" <sip:a1@10.0.0.3:5060;transport=udp>;expires=120",
    );
    assert_eq!(reply.status, 200);
    assert_eq!(
        contacts(&reply),
        ["<sip:a1@10.0.0.3:5060;transport=udp>;expires=120"]
    );
    let binding = Binding {
        uri: "sip:a1@10.0.0.3:5060;transport=udp".into(),
        flow: flow(4000),
        expires: at(130),
        route: String::new(),
        flow_id: None,
        q: 1000,
    };
    let change = BindingChange {
        user: "a1".into(),
        contacts: vec![binding],
    };
    assert_eq!(reply.change, Some(change.clone()));
    assert_eq!(
        (bench.registrar.len(), bench.registrar.poll_timeout()),
        (1, Some(at(130)))
    );
    let json = serde_json::to_string(&change).unwrap();
    assert_eq!(
        serde_json::from_str::<BindingChange>(&json).unwrap(),
        change
    );
    assert!(!format!("{change:?} {reply:?}").contains("a1"));
}

#[test]
fn a_binding_is_renewed_queried_and_runs_out() {
    let mut bench = Bench::new();
    bench.contact(at(0), "<sip:a1@10.0.0.3>;expires=100");
    // The same contact by §19.1.4, from a port that NAT changed.
    let renewed = Register {
        headers: &[("Contact", "<SIP:%611@10.0.0.3>"), ("Expires", "200")],
        port: 4001,
        ..PLAIN
    };
    let reply = bench.send(at(50), renewed);
    assert_eq!(contacts(&reply), ["<SIP:%611@10.0.0.3>;expires=200"]);
    assert_eq!(bench.registrar.bindings("a1")[0].flow, flow(4001));
    let query = bench.send(at(60), PLAIN);
    assert_eq!((query.status, query.change.clone()), (200, None));
    assert_eq!(contacts(&query), ["<SIP:%611@10.0.0.3>;expires=190"]);
    bench.registrar.handle_timeout(at(249));
    assert_eq!(
        (bench.registrar.poll_change(), bench.registrar.len()),
        (None, 1)
    );
    bench.registrar.handle_timeout(at(250));
    assert_eq!(
        bench.registrar.poll_change(),
        Some(BindingChange {
            user: "a1".into(),
            contacts: vec![]
        })
    );
    assert_eq!(
        (bench.registrar.poll_change(), bench.registrar.len()),
        (None, 0)
    );
    assert_eq!(bench.registrar.poll_timeout(), None);
    assert!(bench.registrar.is_empty());
}

#[test]
fn lengths_are_kept_within_bounds() {
    let mut bench = Bench::new();
    for (contact, header, status, expires) in [
        ("<sip:a1@h>", None, 200, "300"),
        ("<sip:a1@h>", Some("100"), 200, "100"),
        ("<sip:a1@h>;expires=70", Some("100"), 200, "70"),
        ("<sip:a1@h>;expires=99999999999999999999", None, 200, "600"),
        ("<sip:a1@h>;expires=soon", None, 200, "300"),
        ("<sip:a1@h>;expires=60", None, 200, "60"),
        ("<sip:a1@h>;expires=59", None, 423, "60"),
        ("<sip:a1@h>", Some("1"), 423, "60"),
    ] {
        let mut headers = vec![("Contact", contact)];
        headers.extend(header.map(|value| ("Expires", value)));
        let reply = bench.send(
            at(0),
            Register {
                headers: &headers,
                ..PLAIN
            },
        );
        assert_eq!(reply.status, status, "{contact}");
        if status == 423 {
            assert_eq!(
                reply.headers,
                [("Min-Expires".to_owned(), expires.to_owned())]
            );
            assert_eq!(reply.change, None);
        } else {
            assert_eq!(contacts(&reply), [format!("<sip:a1@h>;expires={expires}")]);
        }
    }
}

#[test]
fn contacts_are_removed_one_by_one_or_all() {
    let mut bench = Bench::new();
    bench.contact(at(0), "<sip:a1@h>, <sip:a1@i>");
    assert_eq!(bench.uris("a1").len(), 2);
    let reply = bench.contact(at(1), "<sip:a1@h>;expires=0");
    assert_eq!(contacts(&reply), ["<sip:a1@i>;expires=299"]);
    let star = |headers| Register { headers, ..PLAIN };
    for bad in [
        &[("Contact", "*")][..],
        &[("Contact", "*"), ("Expires", "60")],
        &[("Contact", "*, <sip:a1@h>"), ("Expires", "0")],
        &[("Contact", "*"), ("Expires", "none")],
    ] {
        assert_eq!(bench.send(at(2), star(bad)).status, 400);
    }
    assert_eq!(bench.uris("a1"), ["sip:a1@i"]);
    let reply = bench.send(at(3), star(&[("Contact", "*"), ("Expires", "0")]));
    assert_eq!(
        (reply.status, contacts(&reply).len(), bench.registrar.len()),
        (200, 0, 0)
    );
    assert_eq!(
        reply.change,
        Some(BindingChange {
            user: "a1".into(),
            contacts: vec![]
        })
    );
    assert_eq!(bench.registrar.poll_timeout(), None);
    assert_eq!(
        bench
            .send(at(4), star(&[("Contact", "*"), ("Expires", "0")]))
            .change,
        None
    );
}

#[test]
fn an_older_request_of_the_same_call_changes_nothing() {
    let mut bench = Bench::new();
    let with = |cseq, call_id, contact| Register {
        cseq: Some(cseq),
        call_id,
        headers: Box::leak(Box::new([("Contact", contact), ("Expires", "0")])),
        ..PLAIN
    };
    let add = Register {
        cseq: Some(10),
        headers: &[("Contact", "<sip:a1@h>")],
        ..PLAIN
    };
    assert_eq!(bench.send(at(0), add).status, 200);
    assert_eq!(bench.send(at(1), with(10, "c1", "<sip:a1@h>")).status, 500);
    assert_eq!(bench.send(at(1), with(9, "c1", "*")).status, 500);
    // All or nothing: the first contact is new, the second out of order.
    let mixed = Register {
        cseq: Some(9),
        headers: &[("Contact", "<sip:a1@new>, <sip:a1@h>")],
        ..PLAIN
    };
    assert_eq!(
        (bench.send(at(1), mixed).status, bench.uris("a1")),
        (500, vec!["sip:a1@h".to_owned()])
    );
    // A phone that restarted has another Call-ID and may begin anew.
    assert_eq!(bench.send(at(2), with(1, "c2", "<sip:a1@h>")).status, 200);
    assert_eq!(bench.registrar.len(), 0);
}

#[test]
fn a_user_has_a_bounded_number_of_contacts() {
    let mut bench = Bench::new();
    for (second, contact) in ["<sip:a1@h:1>", "<sip:a1@h:2>", "<sip:a1@h:3>"]
        .iter()
        .enumerate()
    {
        assert_eq!(bench.contact(at(second as u64), contact).status, 200);
    }
    assert_eq!(bench.uris("a1"), ["sip:a1@h:3", "sip:a1@h:2"]);
    assert_eq!(
        bench
            .contact(at(5), "<sip:a1@a>, <sip:a1@b>, <sip:a1@c>")
            .status,
        403
    );
    assert_eq!(bench.uris("a1").len(), 2);
    let long = format!("<sip:{}@h>", "x".repeat(600));
    assert_eq!(bench.contact(at(5), &long).status, 400);
}

#[test]
fn nobody_registers_for_another() {
    let mut bench = Bench::new();
    let contact: &[(&str, &str)] = &[("Contact", "<sip:x@h>")];
    let r = Register {
        headers: contact,
        ..PLAIN
    };
    assert_eq!(
        bench
            .send(
                at(0),
                Register {
                    to: "<sip:a2@d.test>",
                    ..r
                }
            )
            .status,
        403
    );
    assert_eq!(
        bench
            .send(
                at(0),
                Register {
                    to: "\"<sip:a1@d.test>\" <sip:a2@d.test>",
                    ..r
                }
            )
            .status,
        403
    );
    assert_eq!(
        bench
            .send(
                at(0),
                Register {
                    to: "<tel:+8610>",
                    ..r
                }
            )
            .status,
        400,
        "an address-of-record is a SIP URI (RFC 3261 §10.2)"
    );
    assert_eq!(
        bench
            .send(
                at(0),
                Register {
                    to: "<sip:d.test>",
                    ..r
                }
            )
            .status,
        403
    );
    assert_eq!(
        bench
            .send(
                at(0),
                Register {
                    login: "nobody",
                    to: "<sip:nobody@d.test>",
                    ..r
                }
            )
            .status,
        403
    );
    assert_eq!(
        bench
            .send(
                at(0),
                Register {
                    to: "<sip:%61%31@d.test>",
                    ..r
                }
            )
            .status,
        200
    );
    let other = Register {
        login: "长",
        to: "<sip:%e9%95%bf@d.test>",
        ..r
    };
    assert_eq!(bench.send(at(0), other).status, 200);
    assert_eq!(bench.registrar.len(), 2);
    assert_eq!(bench.send_raw(at(0), r, Some("Digest x")).status, 400);
}

#[test]
fn what_is_unknown_in_a_contact_stays_where_it_was() {
    // RFC 4475 §3.3.12 to §3.3.14: of the URI it belongs to the binding, of the header it does not.
    for (contact, kept) in [
        ("sip:a1@h;unknownparam", "<sip:a1@h>"),
        ("<sip:a1@h;unknownparam>", "<sip:a1@h;unknownparam>"),
        (
            "<sip:a1@h?Route=%3Csip:p%3E>",
            "<sip:a1@h?Route=%3Csip:p%3E>",
        ),
    ] {
        let mut bench = Bench::new();
        for _ in 0..2 {
            let reply = bench.contact(at(0), contact);
            assert_eq!(reply.status, 200, "{contact}");
            let told: Vec<&str> = reply.headers.iter().map(|h| h.1.as_str()).collect();
            assert_eq!(told.len(), 1, "the same binding again: {told:?}");
            let (uri, _) = told[0].split_once(";expires=").unwrap();
            assert_eq!(uri, kept);
        }
    }
}

#[test]
fn malformed_contacts_are_refused() {
    let mut bench = Bench::new();
    for bad in [
        "sip:a1@h?Route=%3Csip:x%3E",
        "<tel:+8610>",
        "<sip:>",
        "<sip:a1@h>;;",
        "\"<sip:a1@h>",
    ] {
        assert_eq!(bench.contact(at(0), bad).status, 400, "{bad}");
    }
    assert_eq!(bench.registrar.len(), 0);
}

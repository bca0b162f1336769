//! Paths, flows of one instance, guesses of passwords, and signs of life: the registrar as phones behind
//! proxies and NAT see it, and as those who guess do.

use md5::{Digest, Md5};
use meishier_model::Mono;
use meishier_signaling::auth::AuthConfig;
use meishier_signaling::flow::{Flow, Transport};
use meishier_signaling::message::Message;
use meishier_signaling::registrar::{RegisterReply, Registrar, RegistrarConfig};
use meishier_signaling::slowdown::Slowdown;
use meishier_signaling::stun;
use std::net::SocketAddr;
use std::time::Duration;

const PHONE: &str = "198.51.100.7:4000";
const INSTANCE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\"";

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

fn flow(remote: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: remote.parse().unwrap(),
        connection: 0,
    }
}

/// A registrar, and who talks to it.
struct Bench {
    registrar: Registrar,
    count: u32,
}

/// Who registers how.
#[derive(Clone, Copy)]
struct Who<'a> {
    user: &'a str,
    password: &'a str,
    from: &'a str,
    via: &'a str,
}

const A1: Who<'static> = Who {
    user: "a1",
    password: "pw-a1",
    from: PHONE,
    via: "",
};

impl Bench {
    fn new() -> Self {
        let auth = AuthConfig {
            realm: "d.test".into(),
            secret: [3; 32],
            nonce_ttl: Duration::from_secs(6000),
            sha256: true,
        };
        let registrar = Registrar::new(RegistrarConfig {
            auth,
            min_expires: Duration::from_secs(60),
            default_expires: Duration::from_secs(300),
            max_expires: Duration::from_secs(6000),
            max_contacts: 4,
        });
        Self {
            registrar,
            count: 0,
        }
    }

    fn hand(&mut self, now: Mono, who: Who<'_>, headers: &str) -> RegisterReply {
        self.count += 1;
        let Who {
            user, from, via, ..
        } = who;
        let n = self.count;
        let text = format!(
            "REGISTER sip:d.test SIP/2.0\r\n{via}Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK{n}\r\n\
             From: <sip:{user}@d.test>;tag=1\r\nTo: <sip:{user}@d.test>\r\nCall-ID: c{from}\r\n\
             CSeq: {n} REGISTER\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        let passwords = |user: &str| (["a1", "a2"].contains(&user)).then(|| format!("pw-{user}"));
        self.registrar
            .handle_register(now, flow(from), &message, &passwords)
    }

    fn register(&mut self, now: Mono, who: Who<'_>, headers: &str) -> RegisterReply {
        let challenge = self.hand(now, who, headers);
        if challenge.status != 401 {
            return challenge;
        }
        let offered = challenge.headers.iter().find(|h| h.1.contains("MD5"));
        let nonce = offered.unwrap().1.split("nonce=\"").nth(1).unwrap();
        let nonce = nonce.split('"').next().unwrap();
        let credentials = credentials(who, nonce);
        self.hand(
            now,
            who,
            &format!("{headers}Authorization: {credentials}\r\n"),
        )
    }

    fn uris(&self) -> Vec<String> {
        let bindings = self.registrar.bindings("a1").into_iter();
        bindings.map(|b| b.uri).collect()
    }
}

fn credentials(who: Who<'_>, nonce: &str) -> String {
    let h = |text: String| -> String {
        let hash = Md5::digest(text);
        hash.iter().map(|b| format!("{b:02x}")).collect()
    };
    let Who { user, password, .. } = who;
    let a1 = h(format!("{user}:d.test:{password}"));
    let a2 = h("REGISTER:sip:d.test".into());
    let response = h(format!("{a1}:{nonce}:00000001:c:auth:{a2}"));
    format!(
        "Digest username=\"{user}\", realm=\"d.test\", nonce=\"{nonce}\", uri=\"sip:d.test\", \
         response=\"{response}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c\""
    )
}

fn header<'a>(reply: &'a RegisterReply, name: &str) -> Option<&'a str> {
    let found = reply.headers.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

// ---- Path

#[test]
fn a_path_is_kept_told_again_and_goes_with_the_binding() {
    let mut b = Bench::new();
    let headers = "Supported: path\r\nPath: <sip:p2.test;lr>, <sip:p1.test;lr;ob>\r\n\
                   Path: <sip:p0.test;lr>\r\nContact: <sip:a1@10.0.0.3>\r\n";
    let reply = b.register(at(0), A1, headers);
    let path = "<sip:p2.test;lr>, <sip:p1.test;lr;ob>, <sip:p0.test;lr>";
    assert_eq!((reply.status, header(&reply, "Path")), (200, Some(path)));
    assert_eq!(header(&reply, "Supported"), Some("path, outbound"));
    assert_eq!(header(&reply, "Require"), None);
    let binding = &b.registrar.bindings("a1")[0];
    assert_eq!(binding.route, path);
    assert!(!binding.behind_nat(), "the proxy keeps its own way open");
    // Registered directly, it has none any more.
    b.register(at(1), A1, "Contact: <sip:a1@10.0.0.3>\r\n");
    assert_eq!(b.registrar.bindings("a1")[0].route, "");
}

#[test]
fn a_path_that_cannot_be_followed_is_refused() {
    let long = format!("Path: <sip:{}.test;lr>\r\n", "p".repeat(600));
    let many = "Path: <sip:p.test;lr>\r\n".repeat(9);
    for path in [
        "Path: <sip:strict.test>\r\n",
        "Path: <tel:110>\r\n",
        "Path: <sip:\r\n",
        &long,
        &many,
    ] {
        let mut b = Bench::new();
        let reply = b.register(at(0), A1, &format!("{path}Contact: <sip:a1@h>\r\n"));
        assert_eq!((reply.status, reply.change), (400, None), "{path}");
    }
}

// ---- outbound

#[test]
fn a_newer_registration_of_a_flow_replaces_it_whatever_its_uri() {
    let mut b = Bench::new();
    let bind = |b: &mut Bench, n: u32, from: &str, port: u16| {
        let headers = format!(
            "Supported: path, outbound\r\nContact: <sip:a1@10.0.0.3:{port};ob>;{INSTANCE};reg-id={n}\r\n"
        );
        b.register(at(u64::from(port)), Who { from, ..A1 }, &headers)
    };
    let reply = bind(&mut b, 1, PHONE, 5060);
    assert_eq!(header(&reply, "Require"), Some("outbound"));
    assert_eq!(header(&reply, "Flow-Timer"), Some("30"));
    let contact = header(&reply, "Contact").unwrap();
    assert!(
        contact.ends_with(&format!(";{INSTANCE};reg-id=1")),
        "{contact}"
    );
    // The same contact by another way: another flow.
    bind(&mut b, 2, "198.51.100.7:4002", 5060);
    assert_eq!(b.registrar.bindings("a1").len(), 2);
    // The phone starts anew elsewhere, with another port and Call-ID: its old flows go.
    bind(&mut b, 1, "198.51.100.9:4000", 5071);
    bind(&mut b, 2, "198.51.100.9:4001", 5072);
    assert_eq!(
        b.uris(),
        ["sip:a1@10.0.0.3:5072;ob", "sip:a1@10.0.0.3:5071;ob"]
    );
    let flows: Vec<SocketAddr> = b
        .registrar
        .bindings("a1")
        .iter()
        .map(|b| b.flow.remote)
        .collect();
    assert!(
        flows
            .iter()
            .all(|remote| remote.ip().to_string() == "198.51.100.9")
    );
    // One goes without the other.
    let gone = format!(
        "Supported: outbound\r\nContact: <sip:any@where>;{INSTANCE};reg-id=2;expires=0\r\n"
    );
    let reply = b.register(at(5100), A1, &gone);
    assert_eq!((reply.status, b.uris().len()), (200, 1));
    // It is the phone's for ever: not for logs.
    assert!(!format!("{:?}", b.registrar.bindings("a1")).contains("urn"));
}

#[test]
fn what_is_no_flow_is_a_contact_like_any_other() {
    for contact in [
        "<sip:a1@h>;reg-id=1",
        "<sip:a1@h>;+sip.instance=\"<urn:x>\"",
        "<sip:a1@h>;+sip.instance=\"<urn:x>\";reg-id=0",
        "<sip:a1@h>;+sip.instance=\"<urn:x>\";reg-id=x",
        "<sip:a1@h>;+sip.instance=\"\";reg-id=1",
    ] {
        let mut b = Bench::new();
        let reply = b.register(
            at(0),
            A1,
            &format!("Supported: outbound\r\nContact: {contact}\r\n"),
        );
        assert_eq!(
            (reply.status, header(&reply, "Require")),
            (200, None),
            "{contact}"
        );
        assert_eq!(b.registrar.bindings("a1")[0].flow_id, None);
    }
    // Who does not speak of outbound has no flows.
    let mut b = Bench::new();
    let contact = format!("Contact: <sip:a1@h>;{INSTANCE};reg-id=1\r\n");
    assert_eq!(header(&b.register(at(0), A1, &contact), "Require"), None);
    assert_eq!(b.registrar.bindings("a1")[0].flow_id, None);
}

#[test]
fn two_contacts_at_once_are_no_flow() {
    let mut b = Bench::new();
    let two =
        format!("Supported: outbound\r\nContact: <sip:a1@h>;{INSTANCE};reg-id=1, <sip:a1@i>\r\n");
    assert_eq!(b.register(at(0), A1, &two).status, 400);
    let one_goes = format!(
        "Supported: outbound\r\nContact: <sip:a1@h>;{INSTANCE};reg-id=1, <sip:a1@i>;expires=0\r\n"
    );
    assert_eq!(b.register(at(0), A1, &one_goes).status, 200);
}

#[test]
fn behind_a_proxy_that_keeps_no_flow_it_is_439() {
    let via = "Via: SIP/2.0/UDP p1.test;branch=z9hG4bKp1\r\n";
    let behind = Who { via, ..A1 };
    let contact =
        format!("Supported: path, outbound\r\nContact: <sip:a1@h>;{INSTANCE};reg-id=1\r\n");
    let with = |path: &str| format!("{path}{contact}");
    for (path, status) in [
        ("", 439),
        ("Path: <sip:p1.test;lr>\r\n", 439),
        ("Path: <sip:p2.test;lr;ob>, <sip:p1.test;lr>\r\n", 439),
        ("Path: <sip:p2.test;lr>, <sip:p1.test;lr;ob>\r\n", 200),
    ] {
        let mut b = Bench::new();
        assert_eq!(
            b.register(at(0), behind, &with(path)).status,
            status,
            "{path}"
        );
        assert_eq!(b.register(at(0), A1, &contact).status, 200, "directly");
        // Without a flow nobody asks who stands between.
        let plain = format!("{path}Supported: outbound\r\nContact: <sip:a1@i>\r\n");
        assert_eq!(b.register(at(1), behind, &plain).status, 200);
    }
}

#[test]
fn preferences_are_kept() {
    for (q, kept) in [
        ("", 1000),
        (";q=1", 1000),
        (";q=1.000", 1000),
        (";q=0.5", 500),
        (";q=0.057", 57),
        (";q=.3", 300),
        (";q=0", 0),
        (";q=0.0001", 1000),
        (";q=much", 1000),
    ] {
        let mut b = Bench::new();
        let reply = b.register(at(0), A1, &format!("Contact: <sip:a1@h>{q}\r\n"));
        assert_eq!(b.registrar.bindings("a1")[0].q, kept, "{q}");
        let told = header(&reply, "Contact").unwrap();
        assert_eq!(told.contains(";q="), kept != 1000, "{told}");
    }
}

// ---- who exists, and who guesses

#[test]
fn an_unknown_user_looks_and_costs_the_same() {
    let mut seen = Vec::new();
    for user in ["a1", "a2", "nobody", "admin"] {
        let mut b = Bench::new();
        let who = Who {
            user,
            password: "guess",
            ..A1
        };
        let contact = "Contact: <sip:x@h>\r\n";
        let mut said = Vec::new();
        for _ in 0..8 {
            let before = b.registrar.auth().hashes();
            let challenge = b.hand(at(0), who, contact);
            said.push(format!("{} {:?}", challenge.status, challenge.headers));
            let nonce = challenge.headers[0].1.split('"').nth(3).unwrap();
            let authorization = format!("Authorization: {}\r\n", credentials(who, nonce));
            let refused = b.hand(at(0), who, &format!("{contact}{authorization}"));
            said.push(format!("{} {:?}", refused.status, refused.headers));
            said.push(format!("{} hashes", b.registrar.auth().hashes() - before));
        }
        seen.push(said);
    }
    assert!(seen[0].iter().any(|said| said.starts_with("403")));
    assert!(seen[0].iter().any(|said| said.starts_with("503")));
    // The nonces are the same: time, counter and secret are.
    for other in &seen[1..] {
        assert_eq!(*other, seen[0]);
    }
}

#[test]
fn who_guesses_waits_and_nobody_else_does() {
    let mut b = Bench::new();
    let contact = "Contact: <sip:a1@10.0.0.3>\r\n";
    assert_eq!(b.register(at(0), A1, contact).status, 200);
    let guess = Who {
        password: "guess",
        from: "198.51.100.7:4999",
        ..A1
    };
    for n in 0..6 {
        let reply = b.register(at(1), guess, contact);
        assert_eq!((reply.status, reply.guessed), (403, true), "{n}");
    }
    let later = b.register(at(1), guess, contact);
    assert_eq!(
        (later.status, header(&later, "Retry-After")),
        (503, Some("1"))
    );
    assert!(!later.guessed);
    // The right one is not looked at either.
    let right = Who {
        password: "pw-a1",
        ..guess
    };
    assert_eq!(b.register(at(1), right, contact).status, 503);
    // The phone itself, from where it is registered; another behind the same NAT; the user elsewhere.
    assert_eq!(b.register(at(1), A1, contact).status, 200);
    let neighbour = Who {
        user: "a2",
        password: "pw-a2",
        ..guess
    };
    assert_eq!(
        b.register(at(1), neighbour, "Contact: <sip:a2@h>\r\n")
            .status,
        200
    );
    let elsewhere = Who {
        from: "203.0.113.5:5060",
        ..A1
    };
    assert_eq!(b.register(at(1), elsewhere, contact).status, 200);
}

#[test]
fn waits_grow_end_and_are_forgotten() {
    let from = "198.51.100.7".parse().unwrap();
    let mut slow = Slowdown::default();
    let mut waits = Vec::new();
    let mut now = at(0);
    for _ in 0..16 {
        slow.failed(now, from, 7);
        let wait = slow.wait(now, from, 7).unwrap_or_default();
        waits.push(wait.as_secs());
        now = now + wait;
    }
    assert_eq!(
        waits,
        [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    );
    assert_eq!(slow.wait(now, from, 7), None, "over when it is over");
    assert_eq!(slow.len(), 2, "of the user and of the source");
    slow.passed(from, 7);
    assert_eq!(slow.len(), 1);
    slow.failed(
        now + Duration::from_secs(900),
        "192.0.2.200".parse().unwrap(),
        1,
    );
    assert_eq!(slow.len(), 2, "nothing for 15 min: forgotten");
}

#[test]
fn who_tries_many_users_waits_as_well() {
    let from = "2001:db8::1".parse().unwrap();
    let mut slow = Slowdown::default();
    for user in 0..52 {
        slow.failed(at(0), from, user);
    }
    // Anybody has a whole network of IPv6 addresses.
    let same_network = "2001:db8::ffff:1".parse().unwrap();
    assert_eq!(
        slow.wait(at(0), same_network, 999),
        Some(Duration::from_secs(2))
    );
    assert_eq!(
        slow.wait(at(0), "2001:db8:0:1::1".parse().unwrap(), 999),
        None
    );
}

#[test]
fn the_table_of_failures_is_bounded_and_keeps_the_newest() {
    let mut slow = Slowdown::default();
    let source = |n: u32| std::net::Ipv4Addr::from(0x0a00_0000 + n).into();
    for n in 0..20_000 {
        for _ in 0..7 {
            slow.failed(at(1), source(n), 1);
        }
    }
    assert!(slow.len() <= Slowdown::MOST);
    assert!(slow.wait(at(1), source(19_999), 1).is_some());
    assert!(slow.wait(at(1), source(0), 1).is_none());
}

// ---- signs of life

#[test]
fn who_is_behind_nat_is_known_by_its_address() {
    for (contact, from, hidden) in [
        ("sip:a1@10.0.0.3:5060", PHONE, true),
        ("sip:a1@198.51.100.7:5060", PHONE, false),
        ("sip:a1@phone.test", PHONE, true),
        ("sip:a1@[2001:db8::7]", "[2001:db8::7]:5060", false),
    ] {
        let mut b = Bench::new();
        let headers = format!("Contact: <{contact}>\r\n");
        assert_eq!(b.register(at(0), Who { from, ..A1 }, &headers).status, 200);
        assert_eq!(
            b.registrar.behind_nat().count(),
            usize::from(hidden),
            "{contact}"
        );
    }
}

/// A Binding request with these attributes.
fn binding(attributes: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 1];
    out.extend((attributes.len() as u16).to_be_bytes());
    out.extend([0x21, 0x12, 0xa4, 0x42]);
    out.extend(b"transaction!");
    out.extend(attributes);
    out
}

#[test]
fn a_binding_request_is_told_where_it_came_from() {
    // RFC 5769 §2.2: the address 192.0.2.1 and the port 32853, masked.
    let answer = stun::answer(&binding(&[]), "192.0.2.1:32853".parse().unwrap()).unwrap();
    assert_eq!(answer[..8], [1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42]);
    assert_eq!(answer[8..20], *b"transaction!");
    assert_eq!(
        answer[20..],
        [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]
    );
    // RFC 5769 §2.3 has the address 2001:db8:1234:5678:11:2233:4455:6677 so with its transaction.
    let mut request = binding(&[]);
    let transaction = [
        0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
    ];
    request[8..20].copy_from_slice(&transaction);
    let source = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
    let answer = stun::answer(&request, source.parse().unwrap()).unwrap();
    assert_eq!(
        answer[20..],
        [
            0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc,
            0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9
        ]
    );
    let named = binding(&[0x80, 0x22, 0, 4, b'm', b'e', b'i', b's']);
    assert!(stun::answer(&named, source.parse().unwrap()).is_some());
}

#[test]
fn nothing_but_a_binding_request_is_answered() {
    let source = "192.0.2.1:1".parse().unwrap();
    let good = binding(&[]);
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    for bad in [
        Vec::new(),
        good[..19].to_vec(),
        changed(0, 1),
        changed(1, 3),
        changed(3, 4),
        changed(4, 0),
        binding(&[0; 3]),
        binding(&[0; 1000]),
        b"OPTIONS sip:d.test SIP/2.0\r\n\r\n".to_vec(),
        [good.clone(), vec![0]].concat(),
    ] {
        assert_eq!(stun::answer(&bad, source), None, "{bad:?}");
    }
}

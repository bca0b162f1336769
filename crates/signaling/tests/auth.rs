//! Digest: RFC vectors, the whole exchange, replay, staleness, and what a stranger can learn.

use md5::{Digest, Md5};
use meishier_model::Mono;
use meishier_signaling::auth::{AuthConfig, AuthResult, Authenticator, Sender};
use meishier_signaling::builder::Builder;
use meishier_signaling::message::Message;
use sha2::Sha256;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const TTL: Duration = Duration::from_secs(300);

fn authenticator() -> Authenticator {
    Authenticator::new(AuthConfig {
        realm: "12356.test".into(),
        secret: [9; 32],
        nonce_ttl: TTL,
        sha256: true,
    })
}

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

fn passwords(user: &str) -> Option<String> {
    (user == "a1").then(|| "pw".to_owned())
}

fn request(authorization: &[&str]) -> Message {
    request_of(Some("Desk phone 3"), authorization)
}

fn request_of(agent: Option<&str>, authorization: &[&str]) -> Message {
    let mut builder = Builder::request("REGISTER", "sip:12356.test")
        .header("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")
        .header("From", "<sip:a1@12356.test>;tag=1")
        .header("To", "<sip:a1@12356.test>")
        .header("Call-ID", "c")
        .header("CSeq", "1 REGISTER");
    if let Some(agent) = agent {
        builder = builder.header("User-Agent", agent);
    }
    for value in authorization {
        builder = builder.header("Authorization", value);
    }
    Message::parse(&builder.finish()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn hash(algorithm: &str, text: &str) -> String {
    match algorithm {
        "MD5" => hex(&Md5::digest(text)),
        _ => hex(&Sha256::digest(text)),
    }
}

/// A client's side of it, written from the RFC and apart from ours.
struct Client {
    user: &'static str,
    password: &'static str,
    algorithm: &'static str,
    uri: &'static str,
    realm: &'static str,
}

const GOOD: Client = Client {
    user: "a1",
    password: "pw",
    algorithm: "SHA-256",
    uri: "sip:12356.test",
    realm: "12356.test",
};

impl Client {
    fn answer(&self, nonce: &str, count: u32) -> String {
        let h = |text: String| hash(self.algorithm, &text);
        let a1 = h(format!("{}:{}:{}", self.user, self.realm, self.password));
        let a2 = h(format!("REGISTER:{}", self.uri));
        let response = h(format!("{a1}:{nonce}:{count:08x}:xyz:auth:{a2}"));
        format!(
            "Digest username=\"{}\",realm=\"{}\", nonce=\"{nonce}\", uri=\"{}\", response=\"{response}\", \
             algorithm={}, cnonce=\"xyz\", qop=auth, nc={count:08x}",
            self.user, self.realm, self.uri, self.algorithm
        )
    }
}

/// The nonce of a challenge, and whether it says stale.
fn challenge(result: AuthResult) -> (String, bool) {
    let AuthResult::Challenge { headers } = result else {
        panic!("{result:?}")
    };
    assert_eq!(headers.len(), 2);
    assert!(headers.iter().all(|(name, _)| name == "WWW-Authenticate"));
    assert!(headers[0].1.contains("algorithm=SHA-256") && headers[1].1.contains("algorithm=MD5"));
    let value = &headers[0].1;
    assert!(value.starts_with("Digest realm=\"12356.test\"") && value.contains("qop=\"auth\""));
    let nonce = value
        .split("nonce=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    (nonce.to_owned(), value.contains("stale=true"))
}

fn ok() -> AuthResult {
    AuthResult::Ok { user: "a1".into() }
}

#[test]
fn the_vectors_of_rfc_7616_come_out() {
    // §3.9.1, both algorithms, computed by the client of this test: it has to be right itself.
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let h = |text: &str| hash(algorithm, text);
        let a1 = h("Mufasa:http-auth@example.org:Circle of Life");
        let a2 = h("GET:/dir/index.html");
        let middle = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth";
        assert_eq!(h(&format!("{a1}:{middle}:{a2}")), expected);
    }
}

#[test]
fn who_knows_the_password_gets_in() {
    for algorithm in ["MD5", "SHA-256"] {
        let mut auth = authenticator();
        let (nonce, stale) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
        assert!(!stale);
        let client = Client { algorithm, ..GOOD };
        assert_eq!(
            auth.check(
                at(2),
                HERE,
                &request(&[&client.answer(&nonce, 1)]),
                &passwords
            ),
            ok()
        );
        assert_eq!(
            auth.check(
                at(3),
                HERE,
                &request(&[&client.answer(&nonce, 2)]),
                &passwords
            ),
            ok()
        );
    }
}

#[test]
fn unknown_user_and_wrong_password_look_the_same() {
    let mut auth = authenticator();
    let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
    for client in [
        Client {
            password: "wrong",
            ..GOOD
        },
        Client {
            user: "nobody",
            ..GOOD
        },
        Client {
            user: "nobody",
            password: "",
            ..GOOD
        },
        Client { user: "", ..GOOD },
    ] {
        assert_eq!(
            auth.check(
                at(2),
                HERE,
                &request(&[&client.answer(&nonce, 1)]),
                &passwords
            ),
            AuthResult::Refused
        );
    }
    assert_eq!(auth.tracked_nonces(), 0);
    assert_eq!(
        auth.check(
            at(2),
            HERE,
            &request(&[&GOOD.answer(&nonce, 1)]),
            &passwords
        ),
        ok()
    );
}

#[test]
fn a_request_cannot_be_replayed() {
    let mut auth = authenticator();
    let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
    let mut send = |count| {
        auth.check(
            at(2),
            HERE,
            &request(&[&GOOD.answer(&nonce, count)]),
            &passwords,
        )
    };
    assert_eq!(send(5), ok());
    assert!(challenge(send(5)).1);
    // Out of order is no replay.
    assert_eq!(send(3), ok());
    assert!(challenge(send(3)).1);
    assert_eq!(send(1000), ok());
    // Too far behind to know.
    assert!(challenge(send(6)).1);
    assert_eq!(send(937), ok());
    assert!(challenge(send(936)).1);
    assert_eq!(send(u32::MAX), ok());
    assert!(challenge(send(u32::MAX)).1);
}

#[test]
fn old_and_foreign_nonces_are_stale_whatever_the_password() {
    let mut auth = authenticator();
    let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
    assert_eq!(
        auth.check(
            at(301),
            HERE,
            &request(&[&GOOD.answer(&nonce, 1)]),
            &passwords
        ),
        ok()
    );
    let (fresh, stale) = challenge(auth.check(
        at(302),
        HERE,
        &request(&[&GOOD.answer(&nonce, 2)]),
        &passwords,
    ));
    assert!(stale);
    assert_eq!(
        auth.check(
            at(302),
            HERE,
            &request(&[&GOOD.answer(&fresh, 1)]),
            &passwords
        ),
        ok()
    );
    let mut other = Authenticator::new(AuthConfig {
        realm: "12356.test".into(),
        secret: [8; 32],
        nonce_ttl: TTL,
        sha256: true,
    });
    assert!(
        challenge(other.check(
            at(302),
            HERE,
            &request(&[&GOOD.answer(&fresh, 2)]),
            &passwords
        ))
        .1
    );
    // From the future: a nonce of before a restart.
    assert!(
        challenge(auth.check(
            at(0),
            HERE,
            &request(&[&GOOD.answer(&fresh, 3)]),
            &passwords
        ))
        .1
    );
    let forged = nonce.replacen('0', "1", 1);
    assert!(
        challenge(auth.check(
            at(302),
            HERE,
            &request(&[&GOOD.answer(&forged, 1)]),
            &passwords
        ))
        .1
    );
    let wrong = Client {
        password: "wrong",
        ..GOOD
    };
    // What is said of a nonce that is not ours says nothing of the guess.
    for nonce in ["x", &nonce, &forged] {
        let request = request(&[&wrong.answer(nonce, 1)]);
        assert!(challenge(auth.check(at(302), HERE, &request, &passwords)).1);
    }
    assert_eq!(
        auth.check(
            at(302),
            HERE,
            &request(&[&wrong.answer(&fresh, 9)]),
            &passwords
        ),
        AuthResult::Refused
    );
}

#[test]
fn a_nonce_is_of_the_source_that_was_challenged() {
    let mut auth = authenticator();
    let of = |text: &str| text.parse::<IpAddr>().unwrap();
    let sources = ["198.51.100.8", "2001:db8:0:1::7", "::ffff:198.51.100.9"];
    for (from, near) in sources.into_iter().zip([
        "198.51.100.8",
        // A telephone takes another temporary address of its network at any time.
        "2001:db8:0:1::8",
        "198.51.100.9",
    ]) {
        let (nonce, _) = challenge(auth.check(at(1), of(from), &request(&[]), &passwords));
        let answer = |count| request(&[&GOOD.answer(&nonce, count)]);
        assert!(challenge(auth.check(at(2), HERE, &answer(1), &passwords)).1);
        assert_eq!(auth.check(at(2), of(near), &answer(1), &passwords), ok());
        assert_eq!(auth.check(at(2), of(from), &answer(2), &passwords), ok());
    }
}

#[test]
fn nobody_fails_in_the_name_of_an_address_that_is_not_its_own() {
    let mut auth = authenticator();
    let send = |auth: &mut Authenticator, from, password, nonce: &str| {
        let client = Client { password, ..GOOD };
        let request = request(&[&client.answer(nonce, 1)]);
        let is_home = &|_: &str| false;
        auth.check_from(at(2), Sender { from, is_home }, &request, &passwords)
    };
    let thief = "203.0.113.66".parse().unwrap();
    let (own, _) = challenge(auth.check(at(1), thief, &request(&[]), &passwords));
    // Its datagrams say that they come from the office; the challenges go there, not to it.
    for n in 0..200 {
        let nonce = if n % 2 == 0 { "x" } else { &own };
        assert!(challenge(send(&mut auth, HERE, "guess", nonce)).1);
    }
    assert!(auth.slowdown().is_empty());
    // Who has a nonce of its own is counted.
    for _ in 0..6 {
        assert_eq!(send(&mut auth, thief, "guess", &own), AuthResult::Refused);
    }
    assert!(matches!(
        send(&mut auth, thief, "pw", &own),
        AuthResult::Later { .. }
    ));
    let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
    assert_eq!(send(&mut auth, HERE, "pw", &nonce), ok());
}

#[test]
fn other_realms_schemes_and_old_digest_are_challenged() {
    let mut auth = authenticator();
    let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
    let good = GOOD.answer(&nonce, 1);
    let elsewhere = Client {
        realm: "elsewhere",
        ..GOOD
    }
    .answer(&nonce, 1);
    for value in [
        "Bearer abc".to_owned(),
        elsewhere.clone(),
        good.replace("qop=auth, ", ""),
        good.replace("qop=auth", "qop=auth-int"),
        good.replace("SHA-256", "SHA-512-256"),
        good.clone() + ", userhash=true",
    ] {
        assert!(
            !challenge(auth.check(at(2), HERE, &request(&[&value]), &passwords)).1,
            "{value}"
        );
    }
    // One header of several is for us.
    assert_eq!(
        auth.check(
            at(2),
            HERE,
            &request(&["Bearer abc", &elsewhere, &good]),
            &passwords
        ),
        ok()
    );
}

#[test]
fn unreadable_credentials_are_malformed() {
    let mut auth = authenticator();
    let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
    let good = GOOD.answer(&nonce, 1);
    for value in [
        "Digest".to_owned(),
        "Digest username".to_owned(),
        good.replace("username=", "name="),
        good.clone() + ", nonce=\"x\"",
        good.replace("nc=00000001", "nc=1"),
        good.replace("nc=00000001", "nc=00000000"),
        good.replace("nc=00000001", "nc=0000000g"),
        good.replace("cnonce=\"xyz\"", "cnonce=\"\""),
        good.replace("uri=\"sip:12356.test\"", "uri=\"sip:somebody@12356.test\""),
        good.clone() + &format!(", opaque=\"{}\"", "x".repeat(3000)),
        good.replace("realm=\"12356.test\"", "realm=\"12356.test"),
    ] {
        assert_eq!(
            auth.check(at(2), HERE, &request(&[&value]), &passwords),
            AuthResult::Malformed,
            "{value}"
        );
    }
}

#[test]
fn memory_for_counts_is_bounded_and_given_back() {
    let mut auth = authenticator();
    let client = Client {
        algorithm: "MD5",
        ..GOOD
    };
    let mut oldest = None;
    for _ in 0..Authenticator::MAX_NONCES + 10 {
        let (nonce, _) = challenge(auth.check(at(1), HERE, &request(&[]), &passwords));
        assert_eq!(
            auth.check(
                at(1),
                HERE,
                &request(&[&client.answer(&nonce, 1)]),
                &passwords
            ),
            ok()
        );
        oldest.get_or_insert(nonce);
    }
    assert_eq!(auth.tracked_nonces(), Authenticator::MAX_NONCES);
    // A nonce whose counts were forgotten must not come back to life.
    assert!(
        challenge(auth.check(
            at(1),
            HERE,
            &request(&[&client.answer(&oldest.unwrap(), 1)]),
            &passwords
        ))
        .1
    );
    let (nonce, _) = challenge(auth.check(at(400), HERE, &request(&[]), &passwords));
    assert_eq!(
        auth.check(
            at(400),
            HERE,
            &request(&[&client.answer(&nonce, 1)]),
            &passwords
        ),
        ok()
    );
    assert_eq!(auth.tracked_nonces(), 1);
}

#[test]
fn md5_can_be_offered_alone() {
    let mut auth = Authenticator::new(AuthConfig {
        realm: "12356.test".into(),
        secret: [9; 32],
        nonce_ttl: TTL,
        sha256: false,
    });
    let AuthResult::Challenge { headers } = auth.check(at(0), HERE, &request(&[]), &passwords)
    else {
        panic!("a challenge");
    };
    assert_eq!(headers.len(), 1);
    assert!(headers[0].1.contains("algorithm=MD5"));
}

#[test]
fn a_phone_may_name_the_address_that_it_sends_to() {
    let mut auth = authenticator();
    for uri in ["sip:12356.test:5060", "sip:192.0.2.7:5060;transport=udp"] {
        let (nonce, _) = challenge(auth.check(at(0), HERE, &request(&[]), &passwords));
        let answer = Client { uri, ..GOOD }.answer(&nonce, 1);
        assert_eq!(
            auth.check(at(0), HERE, &request(&[&answer]), &passwords),
            ok()
        );
    }
}

#[test]
fn a_phone_is_offered_what_it_can_bear() {
    let mut auth = authenticator();
    for (agent, expected) in [
        (Some("Desk phone 3"), &["SHA-256", "MD5"][..]),
        (Some("baresip v2.0.0 (x86_64/linux)"), &["SHA-256", "MD5"]),
        (Some("baresip v1.0.0 (x86_64/linux)"), &["MD5"]),
        (None, &["MD5", "SHA-256"]),
    ] {
        let result = auth.check(at(0), HERE, &request_of(agent, &[]), &passwords);
        let AuthResult::Challenge { headers } = result else {
            panic!("{result:?}")
        };
        assert_eq!(headers.len(), expected.len(), "{agent:?}");
        for ((_, value), algorithm) in headers.iter().zip(expected) {
            let said = format!("algorithm={algorithm},");
            assert!(value.contains(&said), "{agent:?}: {value}");
        }
    }
}

#[test]
fn nothing_secret_is_shown() {
    let text = format!("{:?}", authenticator()) + &format!("{:?}", ok());
    assert!(!text.contains("9, 9") && !text.contains("a1"), "{text}");
}

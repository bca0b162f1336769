//! One mistake or doubt at a time, against a small file that has none.

mod taken;

use meishier_config::{Config, Srtp, Transport, parse};

const GOOD: &str = include_str!("../data/small.toml");

fn changed(from: &str, to: &str) -> String {
    assert_eq!(
        GOOD.matches(from).count(),
        1,
        "{from:?} must be in the small file once"
    );
    GOOD.replacen(from, to, 1)
}

fn load(text: &str) -> (Config, Vec<String>) {
    let (config, warnings) = parse(text, None).unwrap();
    (
        config,
        warnings
            .into_iter()
            .map(|warning| warning.message_en)
            .collect(),
    )
}

/// Changes the small file and expects exactly this one mistake.
fn refuses(from: &str, to: &str, message: &str) {
    let errors = parse(&changed(from, to), None).map(|_| ()).unwrap_err();
    let messages: Vec<&str> = errors
        .iter()
        .map(|error| error.message_en.as_str())
        .collect();
    assert_eq!(messages, [message], "{to}");
}

/// Changes the small file and expects exactly this one doubt.
fn doubts(from: &str, to: &str, message: &str) {
    assert_eq!(load(&changed(from, to)).1, [message], "{to}");
}

#[test]
fn tls_takes_a_certificate_a_listener_and_trust() {
    let listen = |list: &str, tls: &str| {
        changed("max_calls = 100", &format!("max_calls = 100\n{tls}")).replacen(
            "\"udp:127.0.0.1:5060\"",
            list,
            1,
        )
    };
    let told = |text: &str| -> Vec<String> {
        let errors = parse(text, None).map(|_| ()).unwrap_err();
        errors.into_iter().map(|error| error.message_en).collect()
    };
    let both = "\"udp:127.0.0.1:5060\", \"tls:127.0.0.1:5061\"";
    let files = "[sip.tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
    let (config, _) = load(&listen(both, files));
    assert_eq!(config.sip.listen[1].transport, Transport::Tls);
    let tls = config.sip.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), ("a.pem".into(), "a.key".into()));
    assert_eq!((tls.client_ca, tls.trusted_ca), (None, None));
    assert_eq!(
        told(&listen(both, "")),
        ["TLS is listened on without a certificate"]
    );
    assert_eq!(
        told(&listen(both, "[sip.tls]\nkey = \"a.key\"\n")),
        ["[sip.tls] lacks certificate"]
    );
    let trunk = |text: String| {
        let name = "[[trunks]]\n";
        let tls = "[[trunks]]\ntransport = \"tls\"\ntls_name = \"sip.carrier.example\"\n";
        text.replacen(name, tls, 1)
    };
    assert_eq!(
        told(&trunk(listen("\"udp:127.0.0.1:5060\"", ""))),
        ["\"one\" is to use TLS, which is not listened on"]
    );
    assert_eq!(
        told(&trunk(listen(both, files))),
        ["\"one\" is to use TLS, but it is not said whose certificates are trusted"]
    );
    let trusted = format!("{files}trusted_ca = \"b.pem\"\n");
    let (config, _) = load(&trunk(listen(both, &trusted)));
    assert!(!config.trunks[0].udp_only && !config.trunks[1].udp_only);
    assert_eq!(
        config.trunks[0].to[0].tls_name.as_deref(),
        Some("sip.carrier.example")
    );
}

#[test]
fn wrong_services_are_refused() {
    refuses(
        "max_calls = 100",
        "max_calls = 0",
        "max_calls is out of range: 0",
    );
    refuses(
        "max_calls = 100",
        "max_calls = 1.5",
        "max_calls must be a whole number, but is a fraction",
    );
    refuses(
        "last_port = 20999",
        "last_port = 20100",
        "too few RTP ports: 20000-20100 has 51 even ones, max_calls = 100 needs 110",
    );
    refuses(
        "last_port = 20999",
        "last_port = 19999",
        "last_port 19999 is not above first_port 20000",
    );
    refuses(
        "last_port = 20999",
        "last_port = 99999",
        "last_port is out of range: 99999",
    );
    refuses(
        "\"udp:127.0.0.1:5060\"",
        "\"udp:127.0.0.1:20002\"",
        "SIP port 20002 lies within the RTP ports",
    );
    refuses(
        "\"udp:127.0.0.1:5060\"",
        "\"tcp:127.0.0.1:5060\"",
        "listen has \"tcp:127.0.0.1:5060\" twice",
    );
    refuses(
        "max_calls = 100",
        "max_calls = 100\nlisten_ = []",
        "[sip] has no key \"listen_\"",
    );
    refuses(
        "ring = \"20s\"",
        "ring = \"4s\"",
        "ring is out of range: 4s",
    );
    refuses(
        "ring = \"20s\"",
        "ring = \"121s\"",
        "ring is out of range: 121s",
    );
    refuses(
        "ring = \"20s\"",
        "ring = \"20\"",
        "ring is not a duration: \"20\"",
    );
    refuses(
        "announce_every = \"0s\"",
        "announce_every = \"5s\"",
        "announce_every is too often",
    );
    refuses(
        "zone = \"Asia/Shanghai\"",
        "zone = \"Shanghai\"",
        "zone is not the name of a time zone: \"Shanghai\"",
    );
    refuses(
        "domain = \"a.example\"",
        "domain = \"a b\"",
        "domain is not a host name: \"a b\"",
    );
    refuses(
        "domain = \"a.example\"",
        "domain = \"a.example\"\nt1 = \"1s\"\nt2 = \"500ms\"",
        "t2 is out of range: 500ms",
    );
    refuses(
        "[rtp]",
        "[http]\nlisten = \"0.0.0.0:80\"\ntoken = \"short\"\n[rtp]",
        "token is too short or has characters it may not have",
    );
    refuses(
        "[rtp]",
        "[http]\nlisten = \"0.0.0.0:80\"\n[rtp]",
        "HTTP is open to others without a token",
    );
}

#[test]
fn wrong_trunks_and_keys_are_refused() {
    refuses(
        "answer_after = \"40s\"",
        "answer_after = \"60s\"",
        "answer_after is out of range: 1min",
    );
    refuses(
        "[\"10.0.0.2:5060\"]",
        "[\"10.0.0.1:5060\"]",
        "\"10.0.0.1:5060\" belongs to trunk \"one\" already",
    );
    refuses(
        "[\"10.0.0.2:5060\"]",
        "[\"10.0.0.2\"]",
        "there is nowhere to send OPTIONS",
    );
    refuses(
        "[\"10.0.0.2:5060\"]",
        "[]\nout = \"10.0.0.2:5060\"",
        "peers must not be empty: nobody could call",
    );
    refuses("[\"pcmu\"]", "[\"g729\"]", "codecs does not know \"g729\"");
    refuses(
        "outgoing_number = \"12356\"",
        "outgoing_number = \"eins\"",
        "outgoing_number is not a telephone number: \"eins\"",
    );
    refuses(
        "kind = \"emergency\"",
        "kind = \"police\"",
        "kind does not know \"police\"",
    );
    refuses(
        "trunk = \"one\"",
        "trunk = \"three\"",
        "there is no trunk named \"three\"",
    );
    refuses(
        "ring = \"30s\"",
        "ring = \"3min\"",
        "ring is out of range: 3min",
    );
}

#[test]
fn wrong_pools_and_seats_are_refused() {
    refuses("lines = 2", "lines = 0", "lines is out of range: 0");
    refuses(
        "18:00-08:00",
        "17:59-08:00",
        "overlaps with another shift (of 5 lines): Monday (workday) 17:59-18:00",
    );
    refuses(
        "18:00-08:00",
        "18:00-18:00",
        "hours makes no sense: \"18:00-18:00\"",
    );
    refuses(
        "18:00-08:00",
        "18:00-24:30",
        "hours makes no sense: \"18:00-24:30\"",
    );
    refuses(
        "days = [\"all\"]",
        "days = [\"montag\"]",
        "days does not know \"montag\"",
    );
    refuses(
        "name = \"r{08..10}\"",
        "name = \"r{8..10}\"",
        "name has a bad range: \"r{8..10}\"",
    );
    refuses(
        "name = \"r{08..10}\"",
        "name = \"r{10..08}\"",
        "name has a bad range: \"r{10..08}\"",
    );
    refuses(
        "name = \"r{08..10}\"",
        "name = \"r{00000..99999}\"",
        "too many: 100002 up to here",
    );
    refuses(
        "contact = \"sip:s2@10.0.0.7;transport=tcp\"",
        "contact = \"sip:s2@phone.example\"",
        "contact is not a SIP address with an IP address: \"sip:s2@phone.example\"",
    );
    refuses(
        "password = \"s1\"",
        "password = \"s{n}\"",
        "password has {n}, but name is no range",
    );
    refuses(
        "password = \"s1\"",
        "contact = \"sip:s1@10.0.0.9\"\npassword = \"s1\"",
        "only one of password and contact is possible",
    );
    refuses(
        "password = \"s1\"",
        "title = \"一席\"",
        "[[seats]] lacks password",
    );
    refuses("name = \"s1\"", "name = \"s 1\"", "name cannot be \"s 1\"");
}

#[test]
fn wrong_counsellors_are_refused() {
    refuses("pin = \"1234\"", "pin = \"123\"", "pin will not do");
    refuses(
        "pin = \"1234\"",
        "pin = \"1234567890123\"",
        "pin will not do",
    );
    refuses(
        "pin = \"1234\"",
        "pin = \"9909\"",
        "another counsellor has the same pin",
    );
    refuses(
        "pin = \"1234\"",
        "pin = 1234",
        "pin must be a string, but is a whole number",
    );
    refuses(
        "account = \"chen\"",
        "account = \"r09\"",
        "counsellor's account \"r09\" is there twice",
    );
    refuses("\"危机\" = 5", "\"危机\" = 6", "危机 is out of range: 6");
    refuses(
        "seats = \"any\"",
        "seats = \"all\"",
        "seats does not know \"all\"",
    );
    refuses(
        "seats = \"any\"",
        "seats = [\"s{1..3}\"]",
        "there is no seat named \"s3\"",
    );
    refuses(
        "expires = 2028-12-31",
        "expires = 2028-12-31T00:00:00Z",
        "expires must be a date such as 2028-12-31, but is a date",
    );
    refuses(
        "start = { seat = \"r{n}\", state = \"ready\" }",
        "start = { seat = \"s1\", state = \"ready\" }",
        "r08 may not sign on at \"s1\"",
    );
    refuses(
        "gender = \"female\"",
        "gender = \"other\"",
        "gender does not know \"other\"",
    );
    refuses(
        "gender = \"female\"",
        "start = { seat = \"r09\" }",
        "chen is signed on at \"r09\" already",
    );
}

#[test]
fn wrong_routes_are_refused() {
    refuses("class = 2", "class = -1", "class is out of range: -1");
    refuses(
        "after = \"15s\"",
        "after = \"15s\", before = 1",
        "rings has no key \"before\"",
    );
    refuses(
        "rings = [\"day\", {",
        "rings = [{ pool = \"day\", after = \"1s\" }, {",
        "the first pool must not make the caller wait for nobody",
    );
    refuses(
        "pool = \"always\", after = \"15s\"",
        "pool = \"day\", after = \"15s\"",
        "rings has \"day\" twice",
    );
    refuses(
        "skills = [\"危机\"]\n",
        "skills = [\"危急\"]\n",
        "there is no skill named \"危急\"",
    );
    refuses(
        "trunks = [\"two\"]",
        "trunks = [\"tow\"]",
        "there is no trunk named \"tow\"",
    );
    refuses(
        "kind = \"holiday\"",
        "kind = \"party\"",
        "kind does not know \"party\"",
    );
    refuses(
        "date = 2027-01-01",
        "date = \"2027-01-01\"",
        "date must be a date",
    );
    refuses(
        "rings = [\"always\"]",
        "rings = [7]",
        "rings must be a pool's name or a table, but is a whole number",
    );
    refuses(
        "rings = [\"always\"]",
        "rings = []",
        "the route has no pool",
    );
}

#[test]
fn srtp_is_a_word_of_trunks_and_seats_and_its_keys_want_tls() {
    let (config, _) = load(GOOD);
    assert_eq!(config.trunks[0].srtp, Srtp::IfOffered);
    assert!(config.seats.iter().all(|s| s.srtp == Srtp::IfOffered));
    let message = "keys of SRTP go by plain SIP: whoever reads along can listen";
    let trunk = "name = \"one\"";
    for (word, meant) in [
        ("required", Srtp::Required),
        ("if_offered", Srtp::IfOffered),
    ] {
        let line = format!("{trunk}\nsrtp = \"{word}\"");
        doubts(trunk, &line, message);
        assert_eq!(load(&changed(trunk, &line)).0.trunks[0].srtp, meant);
    }
    let (config, warnings) = load(&changed(trunk, &format!("{trunk}\nsrtp = \"off\"")));
    assert_eq!(config.trunks[0].srtp, Srtp::Off);
    assert!(warnings.is_empty(), "{warnings:?}");
    let fixed = "contact = \"sip:s2@10.0.0.7;transport=tcp\"";
    doubts(fixed, &format!("{fixed}\nsrtp = \"required\""), message);
    // A telephone that registers comes by what it likes.
    let own = "password = \"s1\"";
    let (config, warnings) = load(&changed(own, &format!("{own}\nsrtp = \"required\"")));
    assert_eq!(config.seats[0].srtp, Srtp::Required);
    assert!(warnings.is_empty(), "{warnings:?}");
}

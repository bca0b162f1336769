//! A carrier's check of credentials, written from RFC 7616 §3.4 alone: it shares no code with what it
//! checks.
#![allow(dead_code)]

use md5::{Digest, Md5};
use meishier_signaling::message::Message;
use sha2::Sha256;
use std::collections::BTreeMap;

pub const USER: &str = "+8685112356";
pub const PASSWORD: &str = "correct horse";

pub fn hash(algorithm: &str, text: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match algorithm {
        "MD5" | "MD5-sess" => hex(&Md5::digest(text)),
        "SHA-256" | "SHA-256-sess" => hex(&Sha256::digest(text)),
        other => panic!("unknown algorithm {other}"),
    }
}

/// The parameters of a Digest value.
pub fn parameters(value: &str) -> BTreeMap<String, String> {
    let mut rest = value.strip_prefix("Digest ").expect("Digest");
    let mut out = BTreeMap::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').expect("name=value");
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').expect("a closing quote");
                (value, after.trim_start_matches(','))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        let before = out.insert(name.trim().to_owned(), value.to_owned());
        assert!(before.is_none(), "{name} twice");
        rest = after.trim_start();
    }
    out
}

/// Whether a value proves the password for this request.
pub fn proves(value: &str, method: &str, uri: &str, password: &str) -> bool {
    let p = parameters(value);
    let get = |name: &str| p.get(name).map_or("", String::as_str);
    let algorithm = p.get("algorithm").map_or("MD5", String::as_str);
    let h = |text: String| hash(algorithm, &text);
    let mut secret = h(format!("{}:{}:{password}", get("username"), get("realm")));
    if algorithm.ends_with("-sess") {
        secret = h(format!("{secret}:{}:{}", get("nonce"), get("cnonce")));
    }
    let request = h(format!("{method}:{}", get("uri")));
    let expected = match get("qop") {
        "" => h(format!("{secret}:{}:{request}", get("nonce"))),
        qop => h(format!(
            "{secret}:{}:{}:{}:{qop}:{request}",
            get("nonce"),
            get("nc"),
            get("cnonce")
        )),
    };
    get("uri") == uri && get("response") == expected
}

/// The values of Authorization and Proxy-Authorization in a request, each proved; realm, nonce, count.
pub fn shown(request: &Message, header: &str) -> Vec<(String, String, u32)> {
    let values = request.lines().filter(|line| line.0 == header);
    values
        .map(|(_, value)| {
            let (method, uri) = (request.method_str(), request.request_uri());
            // An ACK repeats what its INVITE showed (RFC 3261 §22.1).
            let method = if method == "ACK" { "INVITE" } else { method };
            assert!(proves(value, method, uri, PASSWORD), "{value}");
            let p = parameters(value);
            assert_eq!(p["username"], USER);
            let count = p.get("nc").map_or(0, |n| {
                assert_eq!(n.len(), 8, "eight digits");
                u32::from_str_radix(n, 16).unwrap()
            });
            (p["realm"].clone(), p["nonce"].clone(), count)
        })
        .collect()
}

//! `a=crypto` in offers and answers (RFC 4568): which line is taken, what is refused, which keys stay.

use meishier_media::sdp::{self, Guard, SdpError};
use meishier_media::srtp::{KeySeed, Master, Policy, Suite};
use meishier_media::{Codec, Negotiated, SessionId};
use std::net::SocketAddr;

const CODECS: &[Codec] = &[Codec::Pcma, Codec::Pcmu];
const SESSION: SessionId = SessionId { id: 42, version: 3 };
/// 30 bytes.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
/// 46 bytes, padded and not.
const LONG: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==";
/// 28 bytes.
const GCM: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";

fn local() -> SocketAddr {
    "192.0.2.1:20000".parse().unwrap()
}

fn seed(n: u64) -> KeySeed {
    KeySeed::derive(&[1; 32], &[n])
}

fn body(streams: &[(&str, &[String])]) -> String {
    let mut out = String::from(
        "v=0\r\no=- 1 1 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\n",
    );
    for (line, attributes) in streams {
        out.push_str(&format!("m={line}\r\n"));
        for attribute in *attributes {
            out.push_str(&format!("a={attribute}\r\n"));
        }
    }
    out
}

fn crypto(tag: u32, suite: &str, key: &str) -> String {
    format!("crypto:{tag} {suite} inline:{key}")
}

fn answer(offer: &str, policy: Policy) -> Result<(String, Negotiated), SdpError> {
    let seed = seed(1);
    let guard = Guard {
        policy,
        seed: Some(&seed),
        before: None,
    };
    sdp::answer_guarded(offer.as_bytes(), local(), SESSION, CODECS, guard)
        .map(|(body, media)| (String::from_utf8(body).unwrap(), media))
}

fn crypto_lines(body: &str) -> Vec<&str> {
    body.lines()
        .filter(|l| l.starts_with("a=crypto:"))
        .collect()
}

/// The line of our answer to one stream with these lines; `None` if it is refused for want of one.
fn taken(lines: &[String]) -> Option<String> {
    match answer(
        &body(&[("audio 4000 RTP/SAVP 8", lines)]),
        Policy::IfOffered,
    ) {
        Ok((body, media)) => {
            assert!(media.protection.is_some());
            let [line] = crypto_lines(&body)[..] else {
                panic!("exactly one: {body}");
            };
            let (start, key) = line.split_once(" inline:").unwrap();
            let ours = &media.protection.unwrap().ours;
            assert_eq!(ours.to_base64(), key);
            Some(start.to_owned())
        }
        Err(error) => {
            assert_eq!(error, SdpError::Crypto);
            assert_eq!(error.status(), 488);
            assert!(error.warning("x").unwrap().starts_with("306 x "));
            None
        }
    }
}

#[test]
fn the_first_line_that_is_understood_in_full_is_taken() {
    let good = "AES_CM_128_HMAC_SHA1_80";
    let line = |text: &str| format!("crypto:{text}");
    let table: Vec<(Vec<String>, Option<&str>)> = vec![
        (
            vec![crypto(1, good, KEY)],
            Some("a=crypto:1 AES_CM_128_HMAC_SHA1_80"),
        ),
        (
            vec![crypto(999_999_999, "AES_CM_128_HMAC_SHA1_32", KEY)],
            Some("a=crypto:999999999 AES_CM_128_HMAC_SHA1_32"),
        ),
        (
            vec![crypto(3, "AES_256_CM_HMAC_SHA1_80", LONG)],
            Some("a=crypto:3 AES_256_CM_HMAC_SHA1_80"),
        ),
        (
            vec![crypto(
                3,
                "AES_256_CM_HMAC_SHA1_32",
                LONG.trim_end_matches('='),
            )],
            Some("a=crypto:3 AES_256_CM_HMAC_SHA1_32"),
        ),
        (
            vec![crypto(3, "aead_aes_128_gcm", GCM)],
            Some("a=crypto:3 AEAD_AES_128_GCM"),
        ),
        // What is not known is passed over.
        (
            vec![crypto(1, "F8_128_HMAC_SHA1_80", KEY), crypto(2, good, KEY)],
            Some("a=crypto:2 AES_CM_128_HMAC_SHA1_80"),
        ),
        (
            vec![
                line("1 AES_CM_128_HMAC_SHA1_80 uri:https://key.invalid"),
                crypto(2, good, KEY),
            ],
            Some("a=crypto:2 AES_CM_128_HMAC_SHA1_80"),
        ),
        // Lifetimes, and parameters that change nothing.
        (
            vec![crypto(1, good, &format!("{KEY}|2^20"))],
            Some("a=crypto:1 AES_CM_128_HMAC_SHA1_80"),
        ),
        (
            vec![crypto(
                1,
                good,
                &format!("{KEY}|1048576 KDR=0 WSH=128 -unknown"),
            )],
            Some("a=crypto:1 AES_CM_128_HMAC_SHA1_80"),
        ),
        // Key identifiers, several keys, and parameters that change everything.
        (vec![crypto(1, good, &format!("{KEY}|2^20|1:4"))], None),
        (vec![crypto(1, good, &format!("{KEY}|1:4"))], None),
        (
            vec![crypto(
                1,
                good,
                &format!("{KEY}|2^20|1:4;inline:{KEY}|2^20|2:4"),
            )],
            None,
        ),
        (vec![crypto(1, good, &format!("{KEY} KDR=1"))], None),
        (
            vec![crypto(1, good, &format!("{KEY} UNENCRYPTED_SRTP"))],
            None,
        ),
        (
            vec![crypto(1, good, &format!("{KEY} UNENCRYPTED_SRTCP"))],
            None,
        ),
        (
            vec![crypto(1, good, &format!("{KEY} UNAUTHENTICATED_SRTP"))],
            None,
        ),
        (
            vec![crypto(1, good, &format!("{KEY} FEC_ORDER=FEC_SRTP"))],
            None,
        ),
        (vec![crypto(1, good, &format!("{KEY} unknown"))], None),
        // Lifetimes, tags and keys that are none.
        (vec![crypto(1, good, &format!("{KEY}|2^49"))], None),
        (vec![crypto(1, good, &format!("{KEY}|2^64"))], None),
        (vec![crypto(1, good, &format!("{KEY}|0"))], None),
        (vec![crypto(1, good, &format!("{KEY}|"))], None),
        (
            vec![crypto(0, good, KEY)]
                .into_iter()
                .map(|l| l.replace(":0 ", ":1234567890 "))
                .collect(),
            None,
        ),
        (vec![line(&format!("x {good} inline:{KEY}"))], None),
        (vec![crypto(1, good, LONG)], None),
        (vec![crypto(1, good, "not base64 at all")], None),
        (vec![crypto(1, good, "")], None),
        (vec![line("1")], None),
        (vec![line("")], None),
        (vec![], None),
    ];
    for (lines, expected) in table {
        assert_eq!(taken(&lines).as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn what_is_taken_follows_from_what_is_wanted() {
    use Policy::{IfOffered, Off, Required};
    let line = [crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY)];
    let plain = body(&[("audio 4000 RTP/AVP 8", &[])]);
    let both = body(&[("audio 4000 RTP/AVP 8", &line)]);
    let secret = body(&[("audio 4000 RTP/SAVPF 8", &line)]);
    let two = body(&[
        ("audio 4000 RTP/AVP 8", &[]),
        ("audio 4002 RTP/SAVP 8", &line),
        ("video 4004 RTP/SAVP 96", &line),
    ]);
    let dtls = body(&[("audio 4000 UDP/TLS/RTP/SAVP 8", &line)]);
    // Whether it is SRTP, and the profiles and ports of the answer.
    type Row<'a> = (&'a str, Policy, Result<(bool, &'a str), SdpError>);
    let table: &[Row<'_>] = &[
        (&plain, Off, Ok((false, "audio 20000 RTP/AVP"))),
        (&plain, IfOffered, Ok((false, "audio 20000 RTP/AVP"))),
        (&plain, Required, Err(SdpError::Unprotected)),
        (&both, Off, Ok((false, "audio 20000 RTP/AVP"))),
        (&both, IfOffered, Ok((true, "audio 20000 RTP/AVP"))),
        (&both, Required, Ok((true, "audio 20000 RTP/AVP"))),
        (&secret, Off, Err(SdpError::Transport)),
        (&secret, IfOffered, Ok((true, "audio 20000 RTP/SAVPF"))),
        (&secret, Required, Ok((true, "audio 20000 RTP/SAVPF"))),
        (
            &two,
            Off,
            Ok((
                false,
                "audio 20000 RTP/AVP|audio 0 RTP/SAVP|video 0 RTP/SAVP",
            )),
        ),
        (
            &two,
            IfOffered,
            Ok((
                true,
                "audio 0 RTP/AVP|audio 20000 RTP/SAVP|video 0 RTP/SAVP",
            )),
        ),
        (
            &two,
            Required,
            Ok((
                true,
                "audio 0 RTP/AVP|audio 20000 RTP/SAVP|video 0 RTP/SAVP",
            )),
        ),
        (&dtls, IfOffered, Err(SdpError::Transport)),
    ];
    for (offer, policy, expected) in table {
        let got = answer(offer, *policy).map(|(body, media)| {
            let streams: Vec<&str> = body.lines().filter_map(|l| l.strip_prefix("m=")).collect();
            let streams: Vec<&str> = streams
                .iter()
                .map(|l| l.rsplit_once(' ').unwrap().0)
                .collect();
            let secured = media.protection.is_some();
            assert_eq!(crypto_lines(&body).len(), usize::from(secured));
            (secured, streams.join("|"))
        });
        let got = got.as_ref().map(|(s, t)| (*s, t.as_str())).map_err(|e| *e);
        assert_eq!(got, *expected, "{policy:?} {offer}");
    }
    let warning = SdpError::Unprotected.warning("x").unwrap();
    assert!(warning.starts_with("302 x "), "{warning}");
    assert_eq!(SdpError::Unprotected.status(), 488);
}

#[test]
fn offers_name_each_suite_with_a_key_of_its_own_and_answers_take_one_up() {
    let seed = seed(2);
    let guard = Guard {
        policy: Policy::Required,
        seed: Some(&seed),
        before: None,
    };
    let offer = sdp::offer_guarded(local(), SESSION, CODECS, guard);
    let offer = String::from_utf8(offer).unwrap();
    assert!(
        offer.contains("m=audio 20000 RTP/SAVP 8 0 101\r\n"),
        "{offer}"
    );
    let expected: Vec<String> = (1..)
        .zip(Suite::OFFERED)
        .map(|(tag, suite)| {
            format!(
                "a={}",
                crypto(tag, suite.name(), &seed.master(suite).to_base64())
            )
        })
        .collect();
    assert_eq!(crypto_lines(&offer), expected);

    let accept = |profile: &str, lines: &[String]| {
        let line = format!("audio 4000 {profile} 8");
        sdp::accept_guarded(body(&[(&line, lines)]).as_bytes(), CODECS, guard)
    };
    let good = crypto(3, "AEAD_AES_128_GCM", GCM);
    let protection = accept("RTP/SAVP", std::slice::from_ref(&good))
        .unwrap()
        .protection
        .unwrap();
    assert_eq!(protection.ours, seed.master(Suite::AesGcm128));
    assert_eq!(
        Some(&protection.theirs),
        Master::from_base64(Suite::AesGcm128, GCM).as_ref()
    );
    for (lines, error) in [
        // Another suite under the tag, a tag of nobody, two lines, none.
        (vec![crypto(1, "AEAD_AES_128_GCM", GCM)], SdpError::Crypto),
        (vec![crypto(4, "AEAD_AES_128_GCM", GCM)], SdpError::Crypto),
        (
            vec![crypto(1, "AES_CM_128_HMAC_SHA1_32", KEY)],
            SdpError::Crypto,
        ),
        (vec![good.clone(), good.clone()], SdpError::Crypto),
        // Our own key, sent back.
        (
            vec![crypto(
                3,
                "AEAD_AES_128_GCM",
                &seed.master(Suite::AesGcm128).to_base64(),
            )],
            SdpError::Crypto,
        ),
        (vec![], SdpError::Unprotected),
    ] {
        assert_eq!(accept("RTP/SAVP", &lines).unwrap_err(), error, "{lines:?}");
    }
    assert_eq!(accept("RTP/AVP", &[]).unwrap_err(), SdpError::Unprotected);
    let again = |key: &Master| {
        let line = crypto(3, "AEAD_AES_128_GCM", &key.to_base64());
        let answer = body(&[("audio 4000 RTP/SAVP 8", &[line])]);
        sdp::accept_again(answer.as_bytes(), CODECS, Some(&protection))
    };
    assert_eq!(again(&protection.ours).unwrap_err(), SdpError::Crypto);
    let held = again(&protection.theirs).unwrap().protection;
    assert_eq!(held.as_deref(), Some(&*protection));
    // To a plain offer nobody may answer with SRTP; keys beside a plain answer mean nothing.
    let secret = body(&[("audio 4000 RTP/SAVP 8", std::slice::from_ref(&good))]);
    assert_eq!(
        sdp::accept(secret.as_bytes(), CODECS),
        Err(SdpError::Transport)
    );
    let plain = body(&[("audio 4000 RTP/AVP 8", std::slice::from_ref(&good))]);
    assert!(
        sdp::accept(plain.as_bytes(), CODECS)
            .unwrap()
            .protection
            .is_none()
    );
}

#[test]
fn a_party_that_keeps_its_key_keeps_ours_and_one_with_another_gets_another() {
    let offer = |key: &str| {
        body(&[(
            "audio 4000 RTP/SAVP 8",
            &[crypto(1, "AES_CM_128_HMAC_SHA1_80", key)],
        )])
    };
    let (_, first) = answer(&offer(KEY), Policy::IfOffered).unwrap();
    let before = first.protection.unwrap();
    let again = |key: &str| {
        let seed = seed(2);
        let guard = Guard {
            policy: Policy::IfOffered,
            seed: Some(&seed),
            before: Some(&before),
        };
        let got = sdp::answer_guarded(offer(key).as_bytes(), local(), SESSION, CODECS, guard);
        let (body, media) = got.unwrap();
        (String::from_utf8(body).unwrap(), *media.protection.unwrap())
    };
    let (body, kept) = again(KEY);
    assert_eq!(kept, *before);
    assert!(body.contains(&before.ours.to_base64()));
    let (body, new) = again(&KEY.replace('W', "X"));
    assert_ne!(new.theirs, before.theirs);
    assert_ne!(new.ours, before.ours);
    assert!(!body.contains(&before.ours.to_base64()));
}

#[test]
fn keys_show_up_in_no_debug_output() {
    let offer = body(&[(
        "audio 4000 RTP/SAVP 8",
        &[crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY)],
    )]);
    let (_, media) = answer(&offer, Policy::IfOffered).unwrap();
    let shown = format!("{media:?}");
    let secret = media.protection.as_ref().unwrap();
    for key in [&secret.ours, &secret.theirs] {
        assert!(!shown.contains(&key.to_base64()));
    }
    assert!(shown.contains("Master(AesCm128Sha1_80)"), "{shown}");
    let kept = serde_json::to_string(&media).unwrap();
    assert_eq!(serde_json::from_str::<Negotiated>(&kept).unwrap(), media);
}

//! SRTP and SRTCP against published vectors, and what a party and a stranger may do with them.

use meishier_media::srtp::{Inbound, KeySeed, MAX_TAG, Master, Outbound, Suite, Unsafe};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|d| (d[0] << 4 | d[1]) as u8).collect()
}

fn master(suite: Suite, text: &str) -> Master {
    Master::new(suite, hex(text)).expect("a key of the suite's length")
}

fn packet(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, 8];
    out.extend(sequence.to_be_bytes());
    out.extend(160u32.to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    out.extend(payload);
    out
}

fn sealed(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let sequence = u16::from_be_bytes([plain[2], plain[3]]);
    let index = outbound.number(sequence).expect("a number that is free");
    let mut out = plain.to_vec();
    let tag = outbound.seal_rtp(index, &mut out);
    out.extend(tag.as_bytes());
    out
}

fn opened(inbound: &mut Inbound, secret: &[u8]) -> Result<Vec<u8>, Unsafe> {
    let mut bytes = secret.to_vec();
    let length = inbound.open_rtp(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn sealed_report(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut out = plain.to_vec();
    let (trailer, length) = outbound.seal_rtcp(&mut out);
    out.extend(&trailer[..length]);
    out
}

fn opened_report(inbound: &mut Inbound, secret: &[u8]) -> Result<Vec<u8>, Unsafe> {
    let mut bytes = secret.to_vec();
    let length = inbound.open_rtcp(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

const RTP: &str = "800f1234 decafbad cafebabe abababab abababab abababab abababab";
const RTCP: &str = "81c8000b cafebabe abababab abababab abababab abababab";

/// Suite, master key and salt, [`RTP`] and [`RTCP`] under them. The keys are those of RFC 3711 B.3 and
/// RFC 6188 §7.2, whose session keys the packets confirm; packets as libsrtp's own tests know them.
const VECTORS: &[(Suite, &str, &str, &str)] = &[
    (
        Suite::AesCm128Sha1_80,
        "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
        "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb",
        "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798",
    ),
    (
        Suite::AesCm128Sha1_32,
        "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
        "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc",
        "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798",
    ),
    (
        Suite::AesCm256Sha1_80,
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 \
         3b04803de51ee7c96423ab5b78d2",
        "800f1234 decafbad cafebabe f1d9de17 ff251ff1 aa007774 b0b4b40d a08d9d9a 5b3a55d8 873b",
        "",
    ),
    (
        Suite::AesGcm128,
        "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
        "800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e d2976826 f796b201 df3131a1 \
         27e8a392",
        "81c8000b cafebabe c98b8b5d f0392a55 852b6c21 ac8e7025 c52c6fbe a2b3b446 ea31123b a88ce61e \
         80000001",
    ),
];

#[test]
fn packets_come_out_as_published() {
    for (suite, key, rtp, rtcp) in VECTORS {
        let key = master(*suite, key);
        let mut out = Outbound::new(&key);
        assert_eq!(sealed(&mut out, &hex(RTP)), hex(rtp), "{suite:?}");
        let report = sealed_report(&mut out, &hex(RTCP));
        if !rtcp.is_empty() {
            assert_eq!(report, hex(rtcp), "{suite:?}, RTCP");
        }
        let mut inbound = Inbound::new(&key, 0);
        assert_eq!(opened(&mut inbound, &hex(rtp)), Ok(hex(RTP)), "{suite:?}");
        let back = opened_report(&mut inbound, &report);
        assert_eq!(back, Ok(hex(RTCP)), "{suite:?}, RTCP");
    }
}

#[test]
fn csrc_and_extension_stay_readable_and_are_authenticated() {
    // One CSRC, an extension of one word.
    let plain = hex("91080001 00000000 0000abcd 11223344 bede0001 10aa0000 0102030405");
    for suite in Suite::ALL {
        let key = KeySeed::derive(&[7; 32], &[1]).master(suite);
        let secret = sealed(&mut Outbound::new(&key), &plain);
        assert_eq!(secret[..24], plain[..24]);
        assert_ne!(secret[24..29], plain[24..29]);
        assert_eq!(
            opened(&mut Inbound::new(&key, 0), &secret),
            Ok(plain.clone())
        );
        for at in 0..secret.len() {
            let mut changed = secret.clone();
            changed[at] ^= 1;
            let got = opened(&mut Inbound::new(&key, 0), &changed);
            assert!(
                got.is_err(),
                "{suite:?}: byte {at} changed and nobody saw it"
            );
        }
    }
}

#[test]
fn no_packet_is_taken_twice_and_none_that_is_older_than_the_window() {
    let key = KeySeed::derive(&[1; 32], &[]).master(Suite::AesCm128Sha1_80);
    let mut out = Outbound::new(&key);
    let all: Vec<Vec<u8>> = (0..300u16)
        .map(|n| sealed(&mut out, &packet(n, 1, b"speech")))
        .collect();
    let mut inbound = Inbound::new(&key, 0);
    for n in [0usize, 5, 3, 200, 100, 73] {
        assert!(opened(&mut inbound, &all[n]).is_ok(), "packet {n}");
        assert_eq!(opened(&mut inbound, &all[n]), Err(Unsafe::Replayed));
    }
    // 128 are remembered: 200 down to 73.
    assert_eq!(opened(&mut inbound, &all[72]), Err(Unsafe::Replayed));
    assert!(opened(&mut inbound, &all[299]).is_ok());
    assert_eq!(opened(&mut inbound, &all[171]), Err(Unsafe::Replayed));
    assert!(opened(&mut inbound, &all[172]).is_ok());
}

#[test]
fn a_report_is_taken_once() {
    let key = master(VECTORS[0].0, VECTORS[0].1);
    let mut out = Outbound::new(&key);
    let first = sealed_report(&mut out, &hex(RTCP));
    let second = sealed_report(&mut out, &hex(RTCP));
    assert_ne!(first, second);
    let mut inbound = Inbound::new(&key, 0);
    assert!(opened_report(&mut inbound, &second).is_ok());
    assert!(opened_report(&mut inbound, &first).is_ok());
    for report in [first, second] {
        assert_eq!(opened_report(&mut inbound, &report), Err(Unsafe::Replayed));
    }
}

#[test]
fn numbers_turn_over_on_both_sides_and_stragglers_of_before_are_known() {
    for suite in [Suite::AesCm128Sha1_32, Suite::AesGcm128] {
        let key = KeySeed::derive(&[2; 32], &[]).master(suite);
        let (mut out, mut inbound) = (Outbound::new(&key), Inbound::new(&key, 0));
        let mut straggler = None;
        for n in 0..200_000u32 {
            let plain = packet(n as u16, 9, &n.to_be_bytes());
            let secret = sealed(&mut out, &plain);
            if n == 65_530 {
                straggler = Some((plain, secret));
                continue;
            }
            // Every fortieth alone: the rest is lost on the way.
            if n % 40 == 0 || (65_500..65_600).contains(&n) {
                assert_eq!(opened(&mut inbound, &secret), Ok(plain), "packet {n}");
            }
            if n == 65_560 {
                let (plain, secret) = straggler.take().expect("kept above");
                assert_eq!(opened(&mut inbound, &secret), Ok(plain));
            }
        }
        assert_eq!(inbound.turns(), 3);
    }
}

#[test]
fn a_party_that_has_talked_for_hours_is_found_by_who_knows_how_long() {
    for suite in [Suite::AesCm128Sha1_80, Suite::AesGcm128] {
        let key = KeySeed::derive(&[3; 32], &[]).master(suite);
        let mut out = Outbound::new(&key);
        let mut latest = Vec::new();
        for n in (0..3 * 65_536 + 77u32).step_by(7) {
            latest = sealed(&mut out, &packet(n as u16, 9, b"speech"));
        }
        let short = opened(&mut Inbound::new(&key, 2), &latest);
        assert_eq!(short, Err(Unsafe::Forged));
        let mut inbound = Inbound::new(&key, 5);
        assert!(opened(&mut inbound, &latest).is_ok(), "{suite:?}");
        assert_eq!(inbound.turns(), 3);
        assert_eq!(opened(&mut inbound, &latest), Err(Unsafe::Replayed));
    }
}

#[test]
fn a_party_whose_numbers_turn_over_before_its_first_packet_arrives_is_heard() {
    for suite in [Suite::AesCm128Sha1_80, Suite::AesGcm128] {
        let key = KeySeed::derive(&[7; 32], &[]).master(suite);
        let mut out = Outbound::new(&key);
        let _lost = sealed(&mut out, &packet(65_535, 9, b"speech"));
        let mut inbound = Inbound::new(&key, 1);
        for n in 0..200 {
            let plain = packet(n, 9, b"speech");
            let secret = sealed(&mut out, &plain);
            assert_eq!(opened(&mut inbound, &secret), Ok(plain), "{suite:?} {n}");
        }
        assert_eq!(inbound.turns(), 1);
    }
}

#[test]
fn an_old_packet_that_comes_first_does_not_hold_the_count_back() {
    for suite in [Suite::AesCm128Sha1_80, Suite::AesGcm128] {
        let key = KeySeed::derive(&[8; 32], &[]).master(suite);
        let mut out = Outbound::new(&key);
        let mut all = std::collections::BTreeMap::new();
        for n in (0..3 * 65_536u32).step_by(50) {
            all.insert(n, sealed(&mut out, &packet(n as u16, 9, b"speech")));
        }
        let near = |n: u32| &all[&(n - n % 50)];
        // Its number below, above and far from those of the genuine packets, in the same turn and before.
        for old in [0, 100, 30_000, 60_000, 65_536, 65_636, 100_000, 131_100] {
            for new in [131_150, 160_000, 175_000, 196_000] {
                let mut inbound = Inbound::new(&key, 3);
                assert!(opened(&mut inbound, near(old)).is_ok());
                assert!(opened(&mut inbound, near(new)).is_ok(), "{old}, then {new}");
                assert_eq!(inbound.turns(), 2, "{old}, then {new}");
                for again in [old, 100, 65_636, new] {
                    let got = opened(&mut inbound, near(again));
                    assert!(got.is_err(), "{old}, {new}, {again} again");
                }
                assert!(opened(&mut inbound, near(196_200)).is_ok());
            }
        }
    }
}

#[test]
fn no_number_is_given_out_twice() {
    let key = KeySeed::derive(&[4; 32], &[]).master(Suite::AesCm128Sha1_80);
    let mut out = Outbound::new(&key);
    let mut given = std::collections::BTreeSet::new();
    // Forwards, with steps back as a relay that passes on reordered packets makes them.
    for n in 0..140_000u32 {
        for sequence in [n, n.saturating_sub(n % 90), n.saturating_sub(200)] {
            if let Some(index) = out.number(sequence as u16) {
                assert!(given.insert(index), "{index} given twice");
            }
        }
    }
    assert_eq!(given.len(), 140_000);
}

#[test]
fn strangers_cost_no_memory_and_streams_of_the_party_are_bounded() {
    let key = KeySeed::derive(&[5; 32], &[]).master(Suite::AesCm128Sha1_80);
    let mut inbound = Inbound::new(&key, 0);
    for ssrc in 0..1000u32 {
        let mut forged = packet(1, ssrc, b"speech");
        forged.extend([0; 10]);
        assert_eq!(opened(&mut inbound, &forged), Err(Unsafe::Forged));
    }
    let first = sealed(&mut Outbound::new(&key), &packet(1, 5000, b"speech"));
    assert!(opened(&mut inbound, &first).is_ok());
    for ssrc in 0..63u32 {
        let secret = sealed(&mut Outbound::new(&key), &packet(1, ssrc, b"speech"));
        assert!(opened(&mut inbound, &secret).is_ok());
    }
    assert_eq!(opened(&mut inbound, &first), Err(Unsafe::Replayed));
}

#[test]
fn keys_follow_from_their_seed_alone_and_differ_in_everything_else() {
    let mut seen = std::collections::HashSet::new();
    for which in [&[][..], &[0], &[1], &[0, 1], &[1, 0]] {
        let seed = KeySeed::derive(&[6; 32], which);
        assert_eq!(seed, KeySeed::derive(&[6; 32], which));
        for suite in Suite::ALL {
            let key = seed.master(suite);
            let text = key.to_base64();
            assert_eq!(Master::from_base64(suite, &text).as_ref(), Some(&key));
            let bare = text.trim_end_matches('=');
            assert_eq!(Master::from_base64(suite, bare).as_ref(), Some(&key));
            assert!(seen.insert(text), "a key twice");
        }
    }
    let seed = KeySeed::derive(&[6; 32], &[1]);
    let key = seed.master(Suite::AesCm128Sha1_80);
    assert_eq!(
        format!("{seed:?} {key:?}"),
        "KeySeed Master(AesCm128Sha1_80)"
    );
    let kept = serde_json::to_string(&(&seed, &key)).expect("plain data");
    let back: (KeySeed, Master) = serde_json::from_str(&kept).expect("its own words");
    assert_eq!(back, (seed, key));
    let short = kept.replacen("aes_cm128_sha1_80", "aes_cm256_sha1_80", 1);
    assert!(serde_json::from_str::<(KeySeed, Master)>(&short).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused_and_any_packet_comes_back(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        payload in prop::collection::vec(any::<u8>(), 0..400),
        sequence in any::<u16>(),
        which in 0..5usize,
    ) {
        let key = KeySeed::derive(&[8; 32], &[]).master(Suite::ALL[which]);
        let mut inbound = Inbound::new(&key, 1);
        prop_assert!(opened(&mut inbound, &bytes).is_err());
        prop_assert!(opened_report(&mut inbound, &bytes).is_err());
        let plain = packet(sequence, 77, &payload);
        let secret = sealed(&mut Outbound::new(&key), &plain);
        prop_assert!(secret.len() <= plain.len() + MAX_TAG);
        prop_assert_eq!(opened(&mut inbound, &secret), Ok(plain));
    }
}

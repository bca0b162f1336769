//! Digest by an implementation of the tests' own, so that the engine's is not tested against itself.

use super::Sent;

pub fn parameter<'a>(challenge: &'a str, name: &str) -> &'a str {
    let start = challenge.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
    challenge[start..].split('"').next().unwrap()
}

/// RFC 7616 §3.4.1 by the MD5 of the test's own dependency-free implementation.
pub fn digest(challenge: &str, method: &str, uri: &str, user: &str, password: &str) -> String {
    let (realm, nonce) = (parameter(challenge, "realm"), parameter(challenge, "nonce"));
    let (nc, cnonce) = ("00000001", "abcdef");
    let a1 = md5_hex(&format!("{user}:{realm}:{password}"));
    let a2 = md5_hex(&format!("{method}:{uri}"));
    let response = md5_hex(&format!("{a1}:{nonce}:{nc}:{cnonce}:auth:{a2}"));
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=MD5, \
         qop=auth, nc={nc}, cnonce=\"{cnonce}\", response=\"{response}\""
    )
}

pub fn md5_hex(text: &str) -> String {
    // RFC 1321, written out: the digest of the engine is not tested against itself.
    let mut message = text.as_bytes().to_vec();
    let bits = (message.len() as u64) * 8;
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&bits.to_le_bytes());
    let shifts = [
        [7, 12, 17, 22],
        [5, 9, 14, 20],
        [4, 11, 16, 23],
        [6, 10, 15, 21],
    ];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in message.chunks(64) {
        let words: Vec<u32> = block
            .chunks(4)
            .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
            .collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (f, g) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let k = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(f).wrapping_add(k).wrapping_add(words[g]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(shifts[i / 16][i % 4]));
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d]) {
            *old = old.wrapping_add(new);
        }
    }
    state
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .map(|b| format!("{b:02x}"))
        .collect()
}

pub fn md5_challenge(refused: &Sent) -> String {
    let lines = refused
        .text
        .lines()
        .filter(|l| l.starts_with("WWW-Authenticate:"));
    lines
        .into_iter()
        .find(|l| l.contains("algorithm=MD5"))
        .expect("MD5 is offered")
        .to_owned()
}

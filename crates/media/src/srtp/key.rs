//! Suites and master keys.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// Padding is written; telephones that leave it out are understood.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How packets are enciphered and authenticated: the suites of RFC 4568 §6.2, RFC 6188 §4 and RFC 7714
/// §14.2 that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suite {
    /// AES-128 in counter mode, HMAC-SHA1 of 80 bits: the one that everybody has.
    AesCm128Sha1_80,
    /// As before, the tag of RTP cut to 32 bits; that of RTCP has 80.
    AesCm128Sha1_32,
    /// AES-256 in counter mode, HMAC-SHA1 of 80 bits.
    AesCm256Sha1_80,
    /// As before, the tag of RTP cut to 32 bits; that of RTCP has 80.
    AesCm256Sha1_32,
    /// AES-128 in Galois/counter mode, tag of 128 bits.
    AesGcm128,
}

impl Suite {
    /// All of them.
    pub const ALL: [Suite; 5] = [
        Self::AesCm128Sha1_80,
        Self::AesCm128Sha1_32,
        Self::AesCm256Sha1_80,
        Self::AesCm256Sha1_32,
        Self::AesGcm128,
    ];
    /// What our offers name, in this order. Short tags are taken and not offered.
    pub const OFFERED: [Suite; 3] = [
        Self::AesCm128Sha1_80,
        Self::AesCm256Sha1_80,
        Self::AesGcm128,
    ];

    /// The name in `a=crypto`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AesCm128Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm256Sha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256Sha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AesGcm128 => "AEAD_AES_128_GCM",
        }
    }

    /// By its name; case counts not (RFC 4568 §9.1 takes names as ABNF strings).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Bytes of the master key.
    #[must_use]
    pub fn key_bytes(self) -> usize {
        match self {
            Self::AesCm256Sha1_80 | Self::AesCm256Sha1_32 => 32,
            _ => 16,
        }
    }

    /// Bytes of the master salt.
    #[must_use]
    pub fn salt_bytes(self) -> usize {
        match self {
            Self::AesGcm128 => 12,
            _ => 14,
        }
    }
}

/// A master key with its salt, one direction of one party.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Master {
    suite: Suite,
    /// As many as the suite says.
    bytes: Box<[u8]>,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    suite: Suite,
    bytes: Vec<u8>,
}

impl TryFrom<Raw> for Master {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        Self::new(raw.suite, raw.bytes).ok_or("a key of another length")
    }
}

impl From<Master> for Raw {
    fn from(master: Master) -> Self {
        Self {
            suite: master.suite,
            bytes: master.bytes.to_vec(),
        }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Master").field(&self.suite).finish()
    }
}

impl Master {
    /// Key and salt one after the other; `None` if they have not the suite's length.
    #[must_use]
    pub fn new(suite: Suite, bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        (bytes.len() == suite.key_bytes() + suite.salt_bytes()).then(|| Self {
            suite,
            bytes: bytes.as_slice().into(),
        })
    }

    /// From the text after `inline:` (RFC 4568 §6.1).
    #[must_use]
    pub fn from_base64(suite: Suite, text: &str) -> Option<Self> {
        Self::new(suite, BASE64.decode(text).ok()?)
    }

    /// As it stands after `inline:`. What is done with the text is the caller's to answer for.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.bytes)
    }

    /// What it is for.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub(super) fn key(&self) -> &[u8] {
        self.bytes.get(..self.suite.key_bytes()).unwrap_or_default()
    }

    pub(super) fn salt(&self) -> &[u8] {
        self.bytes.get(self.suite.key_bytes()..).unwrap_or_default()
    }
}

/// What the master keys of one description of ours follow from: one for each suite, so that a description
/// that names several needs to keep this alone until it is answered.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeySeed([u8; 32]);

impl Drop for KeySeed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySeed")
    }
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length; the error cannot come.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mac| {
        let mac = parts.iter().fold(mac, |mac, part| mac.chain_update(part));
        mac.finalize().into_bytes().into()
    })
}

impl KeySeed {
    /// A seed that follows from a secret and from `which` alone (HMAC-SHA256): whoever never names the same
    /// twice under one secret never has the same keys twice.
    #[must_use]
    pub fn derive(secret: &[u8; 32], which: &[u64]) -> Self {
        let words: Vec<[u8; 8]> = which.iter().map(|word| word.to_be_bytes()).collect();
        let mut parts: Vec<&[u8]> = vec![b"srtp key seed"];
        parts.extend(words.iter().map(<[u8; 8]>::as_slice));
        Self(hmac(secret, &parts))
    }

    /// The master key of one suite (HKDF-Expand, RFC 5869 §2.3, with the suite's name as info).
    #[must_use]
    pub fn master(&self, suite: Suite) -> Master {
        let name = suite.name().as_bytes();
        let first = Zeroizing::new(hmac(&self.0, &[name, &[1]]));
        let second = Zeroizing::new(hmac(&self.0, &[first.as_slice(), name, &[2]]));
        let length = suite.key_bytes() + suite.salt_bytes();
        let bytes = first.iter().chain(second.iter()).copied().take(length);
        Master {
            suite,
            bytes: bytes.collect(),
        }
    }
}

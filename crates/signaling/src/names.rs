//! Tags, branches and Call-IDs: unguessable names from a seed and a counter.
//!
//! ```text
//!   SHA-256(seed ‖ counter) ──▶ four words of 64 bits ──▶ 16 hex digits each
//!   tag      <leg in hex>-<word>          finds the leg without an index
//!   branch   z9hG4bK<word>                finds the client transaction without an index
//!   Call-ID  ~SSSS-<word><word>           names the shard (see crate::dispatch)
//! ```

use crate::push::hex;
use meishier_model::{LegId, ShardId};
use sha2::{Digest, Sha256};

/// What every branch begins with (RFC 3261 §8.1.1.7).
pub(crate) const COOKIE: &str = "z9hG4bK";

/// The source of names of one endpoint.
pub(crate) struct Names {
    seed: [u8; 32],
    shard: ShardId,
    counter: u64,
    words: [u64; 4],
    used: usize,
}

impl Names {
    /// A source whose names nobody can guess who does not know `seed`. The same seed gives the
    /// same names.
    pub(crate) fn new(seed: [u8; 32], shard: ShardId) -> Self {
        Self {
            seed,
            shard,
            counter: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// 64 bits that look random (RFC 3261 §19.3 asks for 32 at least).
    pub(crate) fn word(&mut self) -> u64 {
        if self.used >= self.words.len() {
            self.words = digest(&self.seed, b"next", self.counter);
            self.counter += 1;
            self.used = 0;
        }
        let word = self.words.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        word
    }

    /// The local tag of a leg.
    pub(crate) fn leg_tag(&mut self, leg: LegId) -> String {
        let mut tag = String::with_capacity(33);
        push(&mut tag, significant(&hex(leg.0)));
        tag.push('-');
        push(&mut tag, &hex(self.word()));
        tag
    }

    /// The To tag of a response that keeps no state: the same for the same request, so that its
    /// retransmissions get the same answer (RFC 3261 §8.2.7).
    pub(crate) fn stateless_tag(&self, request: u64) -> String {
        let mut tag = String::with_capacity(16);
        push(&mut tag, &hex(digest(&self.seed, b"tag!", request)[0]));
        tag
    }

    /// A Call-ID that leads every message of the call to this shard.
    pub(crate) fn call_id(&mut self) -> String {
        let mut id = String::with_capacity(38);
        id.push('~');
        push(&mut id, &hex(u64::from(self.shard.0))[12..]);
        id.push('-');
        push(&mut id, &hex(self.word()));
        push(&mut id, &hex(self.word()));
        id
    }
}

/// A word by which an engine knows its own calls when they come back: the same for all that share
/// `secret`, and guessed by nobody who does not know it.
#[must_use]
pub fn mark(secret: &[u8; 32]) -> String {
    let mut mark = String::with_capacity(16);
    push(&mut mark, &hex(digest(secret, b"mark", 0)[0]));
    mark
}

/// The leg that a local tag names; the caller compares the whole tag with the leg's.
pub(crate) fn leg_of_tag(tag: &str) -> Option<LegId> {
    let (leg, _) = tag.split_once('-')?;
    if leg.is_empty() || leg.len() > 16 {
        return None;
    }
    u64::from_str_radix(leg, 16).ok().map(LegId)
}

/// The branch that carries `word`.
pub(crate) fn branch(word: u64) -> String {
    let mut branch = String::with_capacity(COOKIE.len() + 16);
    branch.push_str(COOKIE);
    push(&mut branch, &hex(word));
    branch
}

/// Digits into a text.
fn push(out: &mut String, digits: &[u8]) {
    out.extend(digits.iter().map(|digit| char::from(*digit)));
}

/// Digits without leading zeros, one at least.
fn significant(digits: &[u8; 16]) -> &[u8] {
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(15);
    &digits[first..]
}

/// The word in a branch of ours; `None` if it is not one.
pub(crate) fn word_of_branch(branch: &str) -> Option<u64> {
    let word = branch.strip_prefix(COOKIE)?;
    let ours = word.len() == 16
        && word
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if ours {
        u64::from_str_radix(word, 16).ok()
    } else {
        None
    }
}

fn digest(seed: &[u8; 32], label: &[u8; 4], number: u64) -> [u64; 4] {
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(label);
    hash.update(number.to_be_bytes());
    let out = hash.finalize();
    let mut words = [0_u64; 4];
    for (word, chunk) in words.iter_mut().zip(out.chunks_exact(8)) {
        *word = chunk.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    }
    words
}

/// FNV-1a over several parts, 64 bits: a fixed hash, so that a run can be repeated and a
/// snapshot restored.
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds one part and an end mark, so that `ab|c` and `a|bc` differ.
    pub(crate) fn part(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.0 = (self.0 ^ 0x1ff).wrapping_mul(0x0000_0100_0000_01b3);
        self
    }

    /// As [`Fnv::part`], with ASCII letters in lower case.
    pub(crate) fn folded(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 =
                (self.0 ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.part(b"")
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}

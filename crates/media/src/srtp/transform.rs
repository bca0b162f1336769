//! What one master key does to packets: session keys (RFC 3711 §4.3), counter mode (§4.1.1), HMAC-SHA1
//! (§4.2), and AES-GCM in the place of both (RFC 7714).

use super::key::{Master, Suite};
use aes::cipher::typenum::U16;
use aes::cipher::{BlockCipherEncrypt, BlockSizeUser, KeyInit as _};
use aes::{Aes128, Aes256, Block};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInOut, Nonce};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Most bytes of a tag.
pub const MAX_TAG: usize = 16;
/// Most bytes by which SRTCP is longer than RTCP: a tag, and the index with its flag.
pub const MAX_TRAILER: usize = MAX_TAG + 4;
/// Bytes of the tag of RTCP under every suite with HMAC-SHA1 (RFC 4568 §6.2.2).
const LONG_TAG: usize = 10;
/// The bit beside an SRTCP index that says: enciphered (RFC 3711 §3.4).
const ENCIPHERED: u32 = 1 << 31;

/// A tag as it stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    bytes: [u8; MAX_TAG],
    length: usize,
}

impl Tag {
    fn of(bytes: &[u8], length: usize) -> Self {
        let mut out = [0; MAX_TAG];
        for (to, from) in out.iter_mut().zip(bytes).take(length) {
            *to = *from;
        }
        Self { bytes: out, length }
    }

    /// Its bytes, to stand behind the packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Which of the two protocols a key is for: labels of RFC 3711 §4.3.2.
#[derive(Clone, Copy)]
pub(super) enum Protocol {
    Rtp = 0,
    Rtcp = 3,
}

enum Cipher {
    Cm128(Aes128),
    Cm256(Aes256),
    Gcm(Box<Aes128Gcm>),
}

/// The session keys of one master key for RTP or RTCP.
pub(super) struct Transform {
    cipher: Cipher,
    salt: Zeroizing<[u8; 14]>,
    mac: Hmac<Sha1>,
    /// Bytes of its tag.
    pub tag: usize,
}

/// Adds the key stream that begins at `iv`, whose last two bytes count blocks. A packet has fewer than
/// 2^16 of them.
fn add_key_stream<C>(cipher: &C, iv: [u8; 16], data: &mut [u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    const AT_ONCE: usize = 8;
    let mut counter = u128::from_be_bytes(iv);
    for chunk in data.chunks_mut(16 * AT_ONCE) {
        let mut blocks: [Block; AT_ONCE] = std::array::from_fn(|_| {
            let block = Block::from(counter.to_be_bytes());
            counter = counter.wrapping_add(1);
            block
        });
        let needed = chunk.len().div_ceil(16);
        cipher.encrypt_blocks(blocks.get_mut(..needed).unwrap_or_default());
        let stream = blocks.iter().flatten();
        chunk
            .iter_mut()
            .zip(stream)
            .for_each(|(to, from)| *to ^= from);
    }
}

/// A salt or nonce with the same bytes changed: `value` is added without carry from byte `at` on.
fn xor<const N: usize>(mut bytes: [u8; N], at: usize, value: &[u8]) -> [u8; N] {
    let places = bytes.iter_mut().skip(at);
    places.zip(value).for_each(|(to, from)| *to ^= from);
    bytes
}

/// The bytes of one session key (§4.3.3): no key derivation rate, so the index plays no part.
fn derive(master: &Master, label: u8, out: &mut [u8]) {
    let salt = xor([0; 16], 0, master.salt());
    let iv = xor(salt, 7, &[label]);
    out.fill(0);
    if let Ok(cipher) = Aes128::new_from_slice(master.key()) {
        add_key_stream(&cipher, iv, out);
    } else if let Ok(cipher) = Aes256::new_from_slice(master.key()) {
        add_key_stream(&cipher, iv, out);
    }
}

impl Transform {
    pub fn new(master: &Master, protocol: Protocol) -> Self {
        let label = protocol as u8;
        let suite = master.suite();
        let mut key = Zeroizing::new([0; 32]);
        derive(master, label, key.as_mut_slice());
        let mut auth = Zeroizing::new([0; 20]);
        derive(master, label + 1, auth.as_mut_slice());
        let mut salt = Zeroizing::new([0; 14]);
        let length = suite.salt_bytes();
        derive(
            master,
            label + 2,
            salt.get_mut(..length).unwrap_or_default(),
        );
        let short: [u8; 16] = std::array::from_fn(|i| key[i]);
        let short = Zeroizing::new(short);
        let cipher = match (suite, suite.key_bytes()) {
            (Suite::AesGcm128, _) => Cipher::Gcm(Box::new(Aes128Gcm::new(&(*short).into()))),
            (_, 32) => Cipher::Cm256(Aes256::new(&(*key).into())),
            (_, _) => Cipher::Cm128(Aes128::new(&(*short).into())),
        };
        let tag = match (suite, protocol) {
            (Suite::AesGcm128, _) => MAX_TAG,
            (Suite::AesCm128Sha1_32 | Suite::AesCm256Sha1_32, Protocol::Rtp) => 4,
            _ => LONG_TAG,
        };
        Self {
            cipher,
            salt,
            mac: <Hmac<Sha1> as hmac::KeyInit>::new(&block_of(&auth)),
            tag,
        }
    }

    /// Counter mode over `data`.
    fn stream(&self, ssrc: u32, index: u64, data: &mut [u8]) {
        let iv = xor([0; 16], 0, self.salt.as_slice());
        let iv = xor(iv, 4, &ssrc.to_be_bytes());
        let iv = xor(iv, 8, &(index << 16).to_be_bytes());
        match &self.cipher {
            Cipher::Cm128(cipher) => add_key_stream(cipher, iv, data),
            Cipher::Cm256(cipher) => add_key_stream(cipher, iv, data),
            Cipher::Gcm(_) => {}
        }
    }

    /// RFC 7714 §8.1, §9.1: two zeros, the source, the index.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce<Aes128Gcm> {
        let salt: [u8; 12] = std::array::from_fn(|i| self.salt[i]);
        let nonce = xor(salt, 2, &ssrc.to_be_bytes());
        let [_, _, index @ ..] = index.to_be_bytes();
        xor(nonce, 6, &index).into()
    }

    /// Enciphers a packet of RTP behind its header in place and gives its tag.
    pub fn seal_rtp(&self, ssrc: u32, index: u64, header: usize, packet: &mut [u8]) -> Tag {
        let (head, body) = packet.split_at_mut(header.min(packet.len()));
        if let Cipher::Gcm(key) = &self.cipher {
            let nonce = self.nonce(ssrc, index);
            let tag = key.encrypt_inout_detached(&nonce, head, body.into());
            // It fails for packets of gigabytes alone; a tag of zeros proves nothing to anybody.
            return Tag::of(tag.as_ref().map_or(&[], |tag| tag.as_slice()), self.tag);
        }
        self.stream(ssrc, index, body);
        let turns = ((index >> 16) as u32).to_be_bytes();
        let mac = self.mac.clone().chain_update(&*packet).chain_update(turns);
        Tag::of(&mac.finalize().into_bytes(), self.tag)
    }

    /// Checks a packet of RTP against one of these indices, the first that proves right, and deciphers it
    /// in place; gives the index. `packet` is without its tag.
    pub fn open_rtp(
        &self,
        ssrc: u32,
        indices: impl Iterator<Item = u64>,
        header: usize,
        packet: &mut [u8],
        tag: &[u8],
    ) -> Option<u64> {
        if let Cipher::Gcm(key) = &self.cipher {
            return self.open_gcm(key, ssrc, indices, header, packet, tag);
        }
        let mac = self.mac.clone().chain_update(&*packet);
        let right = |index: &u64| {
            let turns = ((index >> 16) as u32).to_be_bytes();
            let mac = mac.clone().chain_update(turns).finalize().into_bytes();
            mac.get(..self.tag).is_some_and(|mac| mac.ct_eq(tag).into())
        };
        let index = { indices }.find(right)?;
        self.stream(ssrc, index, packet.get_mut(header..)?);
        Some(index)
    }

    fn open_gcm(
        &self,
        key: &Aes128Gcm,
        ssrc: u32,
        indices: impl Iterator<Item = u64>,
        header: usize,
        packet: &mut [u8],
        tag: &[u8],
    ) -> Option<u64> {
        let tag: [u8; MAX_TAG] = tag.try_into().ok()?;
        let (head, body) = packet.split_at_mut_checked(header)?;
        // The tag is compared before anything is deciphered (RFC 7714 §7.2), so what does not prove right
        // can be tried again.
        { indices }.find(|&index| {
            let nonce = self.nonce(ssrc, index);
            let body = &mut *body;
            key.decrypt_inout_detached(&nonce, head, body.into(), &tag.into())
                .is_ok()
        })
    }

    /// Enciphers a packet of RTCP; gives what is to stand behind it, in order: for GCM tag and index, else
    /// index and tag.
    pub fn seal_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> ([u8; 4], Tag) {
        let word = (index | ENCIPHERED).to_be_bytes();
        let (head, body) = packet.split_at_mut(8.min(packet.len()));
        if let Cipher::Gcm(key) = &self.cipher {
            let nonce = self.nonce(ssrc, index.into());
            let tag = key.encrypt_inout_detached(&nonce, &aad_of(head, word), body.into());
            let tag = tag.as_ref().map_or(&[][..], |tag| tag.as_slice());
            return (word, Tag::of(tag, MAX_TAG));
        }
        self.stream(ssrc, index.into(), body);
        let mac = self.mac.clone().chain_update(&*packet).chain_update(word);
        (word, Tag::of(&mac.finalize().into_bytes(), self.tag))
    }

    /// True if the index of SRTCP stands behind the tag, and not before it.
    pub fn index_is_last(&self) -> bool {
        matches!(self.cipher, Cipher::Gcm(_))
    }

    /// Checks a packet of RTCP and deciphers it in place. `packet` is without what [`Self::seal_rtcp`] gave.
    pub fn open_rtcp(&self, ssrc: u32, word: [u8; 4], packet: &mut [u8], tag: &[u8]) -> Option<()> {
        let index = u32::from_be_bytes(word);
        let enciphered = index & ENCIPHERED != 0;
        let index = u64::from(index & !ENCIPHERED);
        if let Cipher::Gcm(key) = &self.cipher {
            // RFC 7714 §9.3 knows plain bodies; nobody sends them, and none is taken.
            let tag: [u8; MAX_TAG] = tag.try_into().ok().filter(|_| enciphered)?;
            let (head, body) = packet.split_at_mut_checked(8)?;
            let (nonce, aad) = (self.nonce(ssrc, index), aad_of(head, word));
            key.decrypt_inout_detached(&nonce, &aad, body.into(), &tag.into())
                .ok()?;
            return Some(());
        }
        let mac = self.mac.clone().chain_update(&*packet).chain_update(word);
        let mac = mac.finalize().into_bytes();
        let right = mac.get(..self.tag)?.ct_eq(tag);
        if !bool::from(right) {
            return None;
        }
        if enciphered {
            self.stream(ssrc, index, packet.get_mut(8..)?);
        }
        Some(())
    }
}

/// What GCM authenticates of a packet of RTCP beside its body (RFC 7714 §9.2).
fn aad_of(head: &[u8], word: [u8; 4]) -> [u8; 12] {
    xor(xor([0; 12], 0, head), 8, &word)
}

/// A short key as HMAC takes it: filled up with zeros to a block (RFC 2104 §2).
fn block_of(key: &[u8; 20]) -> hmac::digest::Key<Hmac<Sha1>> {
    let mut block = hmac::digest::Key::<Hmac<Sha1>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    block
}

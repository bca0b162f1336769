//! Key files, the data key of a recording, and what both do to bytes.

use crate::RecordingError;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a tag of GCM.
pub(crate) const TAG: usize = 16;
/// Bytes of a data key as it stands in a header: nonce, key, tag.
pub(crate) const WRAPPED: usize = 12 + KEY + TAG;

/// By which a recording names the key file that it needs: no secret, it follows from the key one way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Key {
    id: KeyId,
    cipher: Aes256Gcm,
}

/// The key files: the first one encrypts, all of them decrypt.
pub struct Keys(Vec<Key>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|it| it.id))
            .finish()
    }
}

/// The key that one recording alone has.
pub(crate) struct DataKey {
    key: Zeroizing<[u8; KEY]>,
    cipher: Aes256Gcm,
}

impl Keys {
    /// Reads key files, the newest first. `folders` are those of data, in which none may lie, whatever
    /// they are called by; an empty name is the working directory.
    ///
    /// # Errors
    /// [`RecordingError::NoKey`] without any, [`RecordingError::File`], [`RecordingError::NotAKey`],
    /// [`RecordingError::KeyExposed`], [`RecordingError::KeyInside`] by the first file that is at fault.
    pub fn read(files: &[PathBuf], folders: &[&Path]) -> Result<Self, RecordingError> {
        let folders = folders.iter().map(|folder| match folder.as_os_str() {
            it if it.is_empty() => fs::canonicalize("."),
            _ => fs::canonicalize(folder),
        });
        // What is not there has nothing in it.
        let folders: Vec<PathBuf> = folders.flatten().collect();
        let mut keys = Vec::with_capacity(files.len());
        for path in files {
            let fault = RecordingError::file(path);
            let real = fs::canonicalize(path).map_err(fault)?;
            if folders.iter().any(|folder| real.starts_with(folder)) {
                return Err(RecordingError::KeyInside(path.clone()));
            }
            keys.push(read_key(path)?);
        }
        if keys.is_empty() {
            return Err(RecordingError::NoKey);
        }
        Ok(Self(keys))
    }

    /// The key of this identifier, if it is here.
    pub(crate) fn find(&self, id: KeyId) -> Option<&Aes256Gcm> {
        let mut keys = self.0.iter();
        keys.find(|key| key.id == id).map(|key| &key.cipher)
    }

    /// The identifiers, the one that encrypts first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.0.iter().map(|key| key.id)
    }

    pub(crate) fn newest(&self) -> Option<KeyId> {
        self.ids().next()
    }

    /// The data key as it stands in a header whose beginning is `head`.
    pub(crate) fn wrap(
        &self,
        data: &DataKey,
        nonce: [u8; 12],
        head: &[u8],
    ) -> Option<[u8; WRAPPED]> {
        let cipher = &self.0.first()?.cipher;
        let mut out = [0; WRAPPED];
        let (at, rest) = out.split_at_mut(12);
        let (key, to) = rest.split_at_mut(KEY);
        at.copy_from_slice(&nonce);
        key.copy_from_slice(data.key.as_slice());
        let tag = cipher.encrypt_inout_detached(&nonce.into(), head, key.into());
        to.copy_from_slice(tag.ok()?.as_slice());
        Some(out)
    }

    pub(crate) fn unwrap(
        &self,
        id: KeyId,
        wrapped: &[u8; WRAPPED],
        head: &[u8],
    ) -> Result<DataKey, RecordingError> {
        let cipher = self
            .find(id)
            .ok_or_else(|| RecordingError::OtherKey(id.to_string()))?;
        let nonce: [u8; 12] = std::array::from_fn(|i| wrapped[i]);
        let tag: [u8; TAG] = std::array::from_fn(|i| wrapped[12 + KEY + i]);
        let mut key: Zeroizing<[u8; KEY]> =
            Zeroizing::new(std::array::from_fn(|i| wrapped[12 + i]));
        cipher
            .decrypt_inout_detached(&nonce.into(), head, key.as_mut_slice().into(), &tag.into())
            .map_err(|_| RecordingError::Damaged { chunk: None })?;
        Ok(DataKey::new(key))
    }
}

impl DataKey {
    pub(crate) fn new(key: Zeroizing<[u8; KEY]>) -> Self {
        let cipher = Aes256Gcm::new(&(*key).into());
        Self { key, cipher }
    }

    /// Enciphers a chunk in place and gives its tag. No number comes twice under one key.
    pub(crate) fn seal(&self, number: u64, head: &[u8], chunk: &mut [u8]) -> Option<[u8; TAG]> {
        let nonce = nonce(number);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), head, chunk.into());
        Some(tag.ok()?.into())
    }

    pub(crate) fn open(&self, number: u64, head: &[u8], chunk: &mut [u8], tag: [u8; TAG]) -> bool {
        let nonce = nonce(number);
        self.cipher
            .decrypt_inout_detached(&nonce.into(), head, chunk.into(), &tag.into())
            .is_ok()
    }
}

fn nonce(number: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

fn read_key(path: &Path) -> Result<Key, RecordingError> {
    let mut file = File::open(path).map_err(RecordingError::file(path))?;
    let about = file.metadata().map_err(RecordingError::file(path))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(RecordingError::KeyExposed(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    // One byte more than any key file has, so that a device is not read for ever.
    let read = (&mut file).take(256).read_to_string(&mut text);
    read.map_err(RecordingError::file(path))?;
    let key = parse(text.trim()).ok_or_else(|| RecordingError::NotAKey(path.to_owned()))?;
    let mut hash = Sha256::new();
    hash.update(b"meishier recording key");
    hash.update(key.as_slice());
    let hash: [u8; 32] = hash.finalize().into();
    Ok(Key {
        id: KeyId(std::array::from_fn(|i| hash[i])),
        cipher: Aes256Gcm::new(&(*key).into()),
    })
}

fn parse(text: &str) -> Option<Zeroizing<[u8; KEY]>> {
    if text.len() != KEY * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY]);
    for (i, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(key)
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, RecordingError> {
    let path = Path::new("/dev/urandom");
    let mut out = Zeroizing::new([0; N]);
    let mut file = File::open(path).map_err(RecordingError::file(path))?;
    let read = file.read_exact(out.as_mut_slice());
    read.map_err(RecordingError::file(path))?;
    Ok(out)
}

/// Makes a key file that only its owner may read; one that is there stays.
///
/// # Errors
/// [`RecordingError::File`], also if the file is there.
pub fn new_key(path: &Path) -> Result<KeyId, RecordingError> {
    let key = random::<KEY>()?;
    let mut text = Zeroizing::new(String::with_capacity(KEY * 2 + 1));
    for byte in key.iter() {
        text.push_str(&format!("{byte:02x}"));
    }
    text.push('\n');
    let mut options = OpenOptions::new();
    let options = options.write(true).create_new(true).mode(0o600);
    let file = options.open(path);
    let mut file = file.map_err(RecordingError::file(path))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(RecordingError::file(path))?;
    read_key(path).map(|key| key.id)
}

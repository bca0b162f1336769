//! What can go wrong with recordings, by whose doing.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why a recording, a key or a ledger could not be read or written.
#[derive(Debug)]
pub enum RecordingError {
    /// The system refused: a folder is missing, the disk is full.
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A key file does not hold 64 hexadecimal digits.
    NotAKey(PathBuf),
    /// Others than its owner may read a key file.
    KeyExposed(PathBuf),
    /// A key file lies in a folder of data: whoever takes the one has the other.
    KeyInside(PathBuf),
    /// No key at all.
    NoKey,
    /// None of the keys is the one that this recording was made with.
    OtherKey(String),
    /// Not a recording, or one of a later format.
    Foreign(PathBuf),
    /// The recording was deleted; its key is destroyed.
    Deleted(PathBuf),
    /// The bytes were changed, or the key is not the one it says: this chunk and all after it.
    Damaged {
        /// Which chunk, from 0; `None`: the header.
        chunk: Option<u64>,
    },
    /// No recording of this name.
    Unknown,
    /// The recording has no such track.
    NoTrack,
}

impl RecordingError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// What happened, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::File { path, source } => format!("{}：{source}", path.display()),
            Self::NotAKey(path) => format!("{} 不是密钥：应为 64 位十六进制数字", path.display()),
            Self::KeyExposed(path) => {
                format!("密钥 {} 不止属主一人可读：请执行 chmod 600", path.display())
            }
            Self::KeyInside(path) => {
                format!("密钥 {} 放在数据的文件夹里：请移到别处", path.display())
            }
            Self::NoKey => "没有录音密钥".to_owned(),
            Self::OtherKey(id) => format!("没有这份录音的密钥（编号 {id}）"),
            Self::Foreign(path) => format!("{} 不是录音文件", path.display()),
            Self::Deleted(path) => format!("{} 已删除，密钥已销毁", path.display()),
            Self::Damaged { chunk: None } => "文件头被改动过，或密钥不对".to_owned(),
            Self::Damaged { chunk: Some(chunk) } => format!("第 {chunk} 块起被改动过"),
            Self::Unknown => "没有这份录音".to_owned(),
            Self::NoTrack => "这份录音没有这一轨".to_owned(),
        }
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::NotAKey(path) => write!(
                f,
                "{} is no key: 64 hexadecimal digits are expected",
                path.display()
            ),
            Self::KeyExposed(path) => write!(
                f,
                "others than its owner may read the key {}: chmod 600 it",
                path.display()
            ),
            Self::KeyInside(path) => write!(
                f,
                "the key {} lies in a folder of data: move it elsewhere",
                path.display()
            ),
            Self::NoKey => f.write_str("there is no key for recordings"),
            Self::OtherKey(id) => write!(f, "the key of this recording ({id}) is not here"),
            Self::Foreign(path) => write!(f, "{} is no recording", path.display()),
            Self::Deleted(path) => {
                write!(f, "{} was deleted, its key is destroyed", path.display())
            }
            Self::Damaged { chunk: None } => {
                f.write_str("the header was changed, or the key is not its key")
            }
            Self::Damaged { chunk: Some(chunk) } => {
                write!(f, "changed from chunk {chunk} on")
            }
            Self::Unknown => f.write_str("there is no such recording"),
            Self::NoTrack => f.write_str("the recording has no such track"),
        }
    }
}

impl std::error::Error for RecordingError {}

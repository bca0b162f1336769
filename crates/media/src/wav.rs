//! WAV files: 8000 Hz, one channel, 16-bit PCM, and nothing else. An error says what is wrong and
//! what would be right, in Chinese and in English.

use std::fmt;

/// Most bytes of one file.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Why a file is not a prompt. The file is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WavError {
    /// More than [`MAX_BYTES`].
    TooLarge(usize),
    /// Does not begin with `RIFF`…`WAVE`.
    NotWav,
    /// Ends before what its headers promise.
    Truncated,
    /// No `fmt ` chunk before the audio.
    NoFormat,
    /// No `data` chunk, or an empty one.
    NoAudio,
    /// Not linear PCM; the format tag (1 is PCM, 6 A-law, 7 mu-law, 85 MP3).
    NotPcm(u16),
    /// Not one channel.
    Channels(u16),
    /// Not 8000 samples a second.
    Rate(u32),
    /// Not 16 bits a sample.
    Bits(u16),
    /// Longer than allowed, both in seconds.
    TooLong {
        /// Length of the file.
        seconds: u32,
        /// The limit.
        limit: u32,
    },
}

impl WavError {
    /// What is wrong and what would be right, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::TooLarge(n) => format!("文件有 {n} 字节，最多 {MAX_BYTES} 字节"),
            Self::NotWav => "不是 WAV 文件（开头应为 RIFF 和 WAVE）".into(),
            Self::Truncated => "文件不完整：内容比文件头声明的短".into(),
            Self::NoFormat => "缺少 fmt 块".into(),
            Self::NoAudio => "没有音频数据".into(),
            Self::NotPcm(tag) => format!("编码格式号为 {tag}，应为线性 PCM（1）"),
            Self::Channels(n) => format!("有 {n} 个声道，应为单声道"),
            Self::Rate(n) => format!("采样率为 {n} Hz，应为 8000 Hz"),
            Self::Bits(n) => format!("采样位数为 {n}，应为 16 位"),
            Self::TooLong { seconds, limit } => format!("时长 {seconds} 秒，最长 {limit} 秒"),
        }
    }

    /// What is wrong and what would be right, in English.
    #[must_use]
    pub fn message_en(&self) -> String {
        match self {
            Self::TooLarge(n) => format!("the file has {n} bytes, at most {MAX_BYTES} are allowed"),
            Self::NotWav => "not a WAV file (it should begin with RIFF and WAVE)".into(),
            Self::Truncated => "the file is incomplete: shorter than its headers say".into(),
            Self::NoFormat => "the fmt chunk is missing".into(),
            Self::NoAudio => "there is no audio in it".into(),
            Self::NotPcm(tag) => format!("its format tag is {tag}, it should be linear PCM (1)"),
            Self::Channels(n) => format!("it has {n} channels, it should be mono"),
            Self::Rate(n) => format!("its sample rate is {n} Hz, it should be 8000 Hz"),
            Self::Bits(n) => format!("its samples have {n} bits, they should have 16"),
            Self::TooLong { seconds, limit } => {
                format!("it lasts {seconds} s, at most {limit} s are allowed")
            }
        }
    }
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_zh())
    }
}

impl std::error::Error for WavError {}

const PCM: u16 = 1;
/// The real tag follows 24 bytes into the chunk (WAVE_FORMAT_EXTENSIBLE).
const EXTENSIBLE: u16 = 0xfffe;

/// The samples of a WAV file.
///
/// # Errors
/// See [`WavError`].
pub fn parse(bytes: &[u8]) -> Result<Vec<i16>, WavError> {
    if bytes.len() > MAX_BYTES {
        return Err(WavError::TooLarge(bytes.len()));
    }
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(WavError::NotWav);
    }
    let mut format_seen = false;
    let mut rest = &bytes[12..];
    while !rest.is_empty() {
        let (Some(name), Some(size)) = (rest.get(..4), u32_at(rest, 4)) else {
            return Err(if format_seen {
                WavError::NoAudio
            } else {
                WavError::NoFormat
            });
        };
        let size = size as usize;
        let Some(body) = rest[8..].get(..size) else {
            return Err(WavError::Truncated);
        };
        match name {
            b"fmt " => {
                check_format(body)?;
                format_seen = true;
            }
            b"data" if !format_seen => return Err(WavError::NoFormat),
            b"data" if body.len() < 2 => return Err(WavError::NoAudio),
            b"data" => {
                return Ok(body
                    .chunks_exact(2)
                    .map(|b| i16::from_le_bytes([b[0], b[1]]))
                    .collect());
            }
            _ => {}
        }
        // Chunks begin at even offsets; the last may lack its padding byte.
        rest = rest.get(8 + size + (size & 1)..).unwrap_or_default();
    }
    Err(if format_seen {
        WavError::NoAudio
    } else {
        WavError::NoFormat
    })
}

fn check_format(body: &[u8]) -> Result<(), WavError> {
    let (Some(mut tag), Some(channels), Some(rate), Some(bits)) = (
        u16_at(body, 0),
        u16_at(body, 2),
        u32_at(body, 4),
        u16_at(body, 14),
    ) else {
        return Err(WavError::Truncated);
    };
    if tag == EXTENSIBLE {
        tag = u16_at(body, 24).ok_or(WavError::Truncated)?;
    }
    match () {
        () if tag != PCM => Err(WavError::NotPcm(tag)),
        () if channels != 1 => Err(WavError::Channels(channels)),
        () if rate != 8000 => Err(WavError::Rate(rate)),
        () if bits != 16 => Err(WavError::Bits(bits)),
        () => Ok(()),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A WAV file of these samples, as [`parse`] reads it.
#[must_use]
pub fn write(samples: &[i16]) -> Vec<u8> {
    let data = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&data.saturating_add(36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&PCM.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&8000u32.to_le_bytes());
    out.extend_from_slice(&16_000u32.to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&data.to_le_bytes());
    for sample in samples {
        out.extend_from_slice(&sample.to_le_bytes());
    }
    out
}

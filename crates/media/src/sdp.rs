//! Offer and answer (RFC 3264) over SDP (RFC 8866): one stream of G.711 audio and key presses.
//!
//! ```text
//!   we call:      offer() ──► INVITE ──► 200 ──► accept() ──► Negotiated
//!   we are called: INVITE ──► answer() ──► 200 + Negotiated
//! ```

mod crypto;
mod read;

use crate::srtp::Protection;
use crate::{Codec, Direction, Negotiated, Rtcp, SessionId};
pub use crypto::Guard;
use read::{Audio, Reading};
use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

/// Most bytes of a description that is read.
pub const MAX_BYTES: usize = 16 * 1024;
/// Most m-lines of a description that is read.
pub const MAX_STREAMS: usize = 16;
/// The payload type of telephone-event in our offers (RFC 4733; dynamic, RFC 3551 §6).
pub const TELEPHONE_EVENT: u8 = 101;
/// RTCP at the port of RTP (RFC 5761 §5.1.3).
const MUX: &str = "a=rtcp-mux\r\n";

/// A codec that is offered and not spoken here. A fixed list, for names come from strangers and end
/// in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// Narrow-band AMR of mobile networks (RFC 4867).
    Amr,
    /// Wide-band AMR (RFC 4867).
    AmrWb,
    /// Enhanced Voice Services of VoLTE and VoNR (3GPP TS 26.445).
    Evs,
    /// G.722.
    G722,
    /// G.729.
    G729,
    /// Opus (RFC 7587).
    Opus,
    /// G.711 in the law that is not configured, or at another rate.
    G711,
    /// Another one.
    Other,
    /// No codec of speech at all.
    Nothing,
}

impl Foreign {
    /// All of them, in a fixed order (for counters).
    pub const ALL: [Foreign; 9] = [
        Self::Amr,
        Self::AmrWb,
        Self::Evs,
        Self::G722,
        Self::G729,
        Self::Opus,
        Self::G711,
        Self::Other,
        Self::Nothing,
    ];

    /// By the encoding name of `a=rtpmap`, in any case of letters.
    fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "AMR" => Self::Amr,
            "AMR-WB" => Self::AmrWb,
            "EVS" => Self::Evs,
            "G722" => Self::G722,
            "G729" => Self::G729,
            "OPUS" => Self::Opus,
            "PCMA" | "PCMU" => Self::G711,
            _ => Self::Other,
        }
    }

    /// The name used in metrics, logs and warnings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amr => "AMR",
            Self::AmrWb => "AMR-WB",
            Self::Evs => "EVS",
            Self::G722 => "G722",
            Self::G729 => "G729",
            Self::Opus => "opus",
            Self::G711 => "G711",
            Self::Other => "other",
            Self::Nothing => "none",
        }
    }
}

/// Why there is no agreement. [`SdpError::status`] says what to reply to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdpError {
    /// The party's fault: more than [`MAX_BYTES`]; the length.
    TooLarge(usize),
    /// The party's fault: more than [`MAX_STREAMS`] m-lines.
    TooManyStreams,
    /// The party's fault: not SDP.
    Malformed {
        /// Line from 1; 0 if the body as a whole is meant.
        line: usize,
        /// What was expected there.
        what: &'static str,
    },
    /// The party can not do what we can: no audio stream, or it is disabled by port 0.
    NoAudio,
    /// The party can not do what we can: audio is offered over another transport alone, such as DTLS, or
    /// SRTP where that is switched off.
    Transport,
    /// The party can not do what we can: no line of `a=crypto` that is understood.
    Crypto,
    /// The party can not do what we want: plain RTP, where SRTP is required.
    Unprotected,
    /// The party can not do what we can: its address is missing, a name, or multicast.
    Address,
    /// The party can not do what we can: IPv6 against IPv4.
    AddressFamily,
    /// The party can not do what we can: no codec in common; the first that it names.
    NoCommonCodec(Foreign),
}

impl SdpError {
    /// The SIP status that answers an offer of this kind (RFC 3261 §21.4).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge(_) | Self::TooManyStreams => 413,
            Self::Malformed { .. } => 400,
            _ => 488,
        }
    }

    /// The value of the Warning header that explains a 488, with `agent` (a token or host) as who
    /// warns (RFC 3261 §20.43); `None` where no code of that list says it.
    #[must_use]
    pub fn warning(self, agent: &str) -> Option<String> {
        let (code, text) = match self {
            Self::TooLarge(_) | Self::TooManyStreams | Self::Malformed { .. } => return None,
            Self::AddressFamily => (300, "Incompatible network protocol"),
            Self::Address => (301, "Incompatible network address formats"),
            Self::Transport => (302, "Incompatible transport protocol"),
            Self::Unprotected => (302, "Incompatible transport protocol: SRTP wanted"),
            Self::Crypto => (306, "Media attribute not understood: crypto"),
            Self::NoAudio => (304, "Media type not available: audio wanted"),
            Self::NoCommonCodec(offered) => {
                let offered = offered.as_str();
                return Some(format!(
                    "305 {agent} \"Incompatible media format: {offered} offered, G.711 wanted\""
                ));
            }
        };
        Some(format!("{code} {agent} \"{text}\""))
    }
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(n) => write!(f, "SDP of {n} bytes, at most {MAX_BYTES} are read"),
            Self::TooManyStreams => write!(f, "SDP with more than {MAX_STREAMS} streams"),
            Self::Malformed { line, what } => write!(f, "malformed SDP in line {line}: {what}"),
            Self::NoAudio => f.write_str("no audio stream in SDP"),
            Self::Transport => f.write_str("audio is over another transport"),
            Self::Crypto => f.write_str("no usable a=crypto in SDP"),
            Self::Unprotected => f.write_str("plain RTP where SRTP is required"),
            Self::Address => f.write_str("no usable address in SDP"),
            Self::AddressFamily => f.write_str("IPv4 against IPv6"),
            Self::NoCommonCodec(offered) => {
                write!(f, "no codec in common, {} is offered", offered.as_str())
            }
        }
    }
}

impl std::error::Error for SdpError {}

/// An offer of audio at `local`, both ways, with telephone-event 0-15 and 20 ms a packet, RTCP at the
/// same port if the party wants that too.
/// `codecs` in order of preference; PCMA if it is empty.
#[must_use]
pub fn offer(local: SocketAddr, session: SessionId, codecs: &[Codec]) -> Vec<u8> {
    offer_guarded(local, session, codecs, Guard::NONE)
}

/// As [`offer`]; of SRTP alone (RTP/SAVP, RFC 4568 §5.1.1) if that is required and there is a seed.
#[must_use]
pub fn offer_guarded(
    local: SocketAddr,
    session: SessionId,
    codecs: &[Codec],
    guard: Guard<'_>,
) -> Vec<u8> {
    let codecs = if codecs.is_empty() {
        &[Codec::Pcma]
    } else {
        codecs
    };
    let mut out = head(local.ip(), session, (0, 0));
    let profile = guard.offered().map_or("RTP/AVP", |_| "RTP/SAVP");
    let _ = write!(out, "m=audio {} {profile}", local.port());
    for codec in codecs {
        let _ = write!(out, " {}", codec.static_payload_type());
    }
    let _ = write!(out, " {TELEPHONE_EVENT}\r\n");
    for &codec in codecs {
        rtpmap(&mut out, codec.static_payload_type(), codec.encoding_name());
    }
    if let Some(seed) = guard.offered() {
        crypto::write_offer(&mut out, seed);
    }
    tail(&mut out, Some(TELEPHONE_EVENT), 20, Direction::SendRecv);
    out.push_str(MUX);
    out.into_bytes()
}

/// The answer to `offer`, with `local` as the address of our audio.
///
/// The first audio stream with a codec of ours is taken, every other stream is refused by port 0
/// in its place (RFC 3264 §6). Among the offered codecs ours come first in our order, so that both
/// parties of a call end up with the same one wherever they can.
///
/// # Errors
/// See [`SdpError`]; its status is the reply.
pub fn answer(
    offer: &[u8],
    local: SocketAddr,
    session: SessionId,
    codecs: &[Codec],
) -> Result<(Vec<u8>, Negotiated), SdpError> {
    answer_guarded(offer, local, session, codecs, Guard::NONE)
}

/// As [`answer`]; with SRTP as the guard says: the first stream with keys that are understood goes before
/// those without, and its first line that is understood is the one of the answer (RFC 4568 §5.1.2).
///
/// # Errors
/// As [`answer`].
pub fn answer_guarded(
    offer: &[u8],
    local: SocketAddr,
    session: SessionId,
    codecs: &[Codec],
    guard: Guard<'_>,
) -> Result<(Vec<u8>, Negotiated), SdpError> {
    let description = read::parse(offer)?;
    let reading = Reading::Offer(guard.policy);
    let audio = read::audio(&description, reading, codecs, |formats| {
        codecs
            .iter()
            .find_map(|&codec| formats.iter().copied().find(|f| f.1 == codec))
    })?;
    let negotiated = settle(&audio, guard)?;
    if !negotiated.remote.ip().is_unspecified()
        && negotiated.remote.ip().to_canonical().is_ipv4() != local.ip().to_canonical().is_ipv4()
    {
        return Err(SdpError::AddressFamily);
    }
    let mut out = head(local.ip(), session, read::times(&description));
    for (index, media) in description.medias.iter().enumerate() {
        if index != audio.index {
            let _ = write!(out, "m={} 0 {} {}\r\n", media.media, media.proto, media.fmt);
            continue;
        }
        let _ = write!(
            out,
            "m=audio {} {} {}",
            local.port(),
            media.proto,
            negotiated.payload_type
        );
        if let Some(event) = negotiated.telephone_event {
            let _ = write!(out, " {event}");
        }
        out.push_str("\r\n");
        rtpmap(
            &mut out,
            negotiated.payload_type,
            negotiated.codec.encoding_name(),
        );
        if let (Some(line), Some(protection)) = (&audio.crypto, &negotiated.protection) {
            crypto::write(&mut out, line.tag, &protection.ours);
        }
        tail(
            &mut out,
            negotiated.telephone_event,
            negotiated.ptime_ms,
            negotiated.direction,
        );
        if negotiated.rtcp == Rtcp::Muxed {
            out.push_str(MUX);
        }
    }
    Ok((out.into_bytes(), negotiated))
}

/// What the party's `answer` to our [`offer`] of `codecs` settles: its first codec that is ours.
///
/// # Errors
/// See [`SdpError`]; port 0 is [`SdpError::NoAudio`].
pub fn accept(answer: &[u8], codecs: &[Codec]) -> Result<Negotiated, SdpError> {
    accept_guarded(answer, codecs, Guard::NONE)
}

/// As [`accept`], with the guard that [`offer_guarded`] had. An answer of SRTP names one line of ours
/// (RFC 4568 §5.1.3).
///
/// # Errors
/// As [`accept`].
pub fn accept_guarded(
    answer: &[u8],
    codecs: &[Codec],
    guard: Guard<'_>,
) -> Result<Negotiated, SdpError> {
    let description = read::parse(answer)?;
    let secured = guard.offered().is_some();
    let reading = Reading::Answer { secured };
    let audio = read::audio(&description, reading, codecs, |formats| {
        formats.first().copied()
    })?;
    // The keys of this offer are new, whatever the party did with its own.
    let before = None;
    settle(&audio, Guard { before, ..guard })
}

/// What the party's answer to a repeated description of ours settles (a refresh, RFC 4028 §7.4): our keys
/// are those that hold, its own may be new.
///
/// # Errors
/// As [`accept`].
pub fn accept_again(
    answer: &[u8],
    codecs: &[Codec],
    holds: Option<&Protection>,
) -> Result<Negotiated, SdpError> {
    let description = read::parse(answer)?;
    let reading = Reading::Repeated(holds.map(|it| it.ours.suite()));
    let audio = read::audio(&description, reading, codecs, |formats| {
        formats.first().copied()
    })?;
    let protection = audio.crypto.as_ref().zip(holds);
    if protection.is_some_and(|(line, holds)| line.key == holds.ours) {
        return Err(SdpError::Crypto);
    }
    let protection = protection.map(|(line, holds)| {
        Box::new(Protection {
            theirs: line.key.clone(),
            ..holds.clone()
        })
    });
    Ok(Negotiated {
        protection,
        ..agreed(&audio)
    })
}

fn settle(audio: &Audio, guard: Guard<'_>) -> Result<Negotiated, SdpError> {
    let protection = match &audio.crypto {
        Some(line) => Some(guard.protection(&line.key).ok_or(SdpError::Crypto)?),
        None => None,
    };
    Ok(Negotiated {
        protection: protection.map(Box::new),
        ..agreed(audio)
    })
}

/// Everything but the keys.
fn agreed(audio: &Audio) -> Negotiated {
    // c=0.0.0.0 is the hold of RFC 2543: nothing is to be sent there (RFC 3264 §8.4).
    let ours = audio.direction.mirrored();
    let held = audio.remote.ip().is_unspecified();
    Negotiated {
        remote: audio.remote,
        codec: audio.codec,
        payload_type: audio.payload_type,
        telephone_event: audio.telephone_event,
        ptime_ms: audio.ptime_ms,
        direction: Direction::new(ours.sends() && !held, ours.receives()),
        rtcp: audio.rtcp,
        protection: None,
    }
}

fn head(local: IpAddr, session: SessionId, times: (u64, u64)) -> String {
    let family = if local.is_ipv4() { "IP4" } else { "IP6" };
    let mut out = String::with_capacity(320);
    let _ = write!(
        out,
        "v=0\r\no=- {} {} IN {family} {local}\r\ns=-\r\nc=IN {family} {local}\r\nt={} {}\r\n",
        session.id, session.version, times.0, times.1
    );
    out
}

fn rtpmap(out: &mut String, payload_type: u8, name: &str) {
    let _ = write!(out, "a=rtpmap:{payload_type} {name}/8000\r\n");
}

fn tail(out: &mut String, event: Option<u8>, ptime_ms: u16, direction: Direction) {
    if let Some(event) = event {
        rtpmap(out, event, "telephone-event");
        let _ = write!(out, "a=fmtp:{event} 0-15\r\n");
    }
    let _ = write!(out, "a=ptime:{ptime_ms}\r\na={}\r\n", direction.attribute());
}

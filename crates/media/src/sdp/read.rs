//! Reading a description: the one audio stream that can be used, or why there is none.

use super::crypto::{self, Line};
use super::{Foreign, MAX_BYTES, MAX_STREAMS, SdpError};
use crate::srtp::{Policy, Suite};
use crate::{Codec, Direction, Rtcp};
use sdp_types::{Attribute, Bandwidth, Connection, Media, ParserError, Session};
use std::net::SocketAddr;

/// The audio stream that is taken.
pub(super) struct Audio {
    /// Place among the m-lines.
    pub index: usize,
    pub remote: SocketAddr,
    pub codec: Codec,
    pub payload_type: u8,
    pub telephone_event: Option<u8>,
    pub ptime_ms: u16,
    /// As the party wrote it.
    pub direction: Direction,
    pub rtcp: Rtcp,
    /// The keys of the party, if the stream is SRTP.
    pub crypto: Option<Line>,
}

/// Whose description is read.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// An offer, of which this is taken.
    Offer(Policy),
    /// The answer to an offer of ours of SRTP, or of plain RTP.
    Answer { secured: bool },
    /// The answer to a description of ours that was repeated, of SRTP with this suite or of plain RTP.
    Repeated(Option<Suite>),
}

/// Payload type and codec of one format of an m-line.
pub(super) type Format = (u8, Codec);

/// Reads a body within the limits.
pub(super) fn parse(body: &[u8]) -> Result<Session, SdpError> {
    if body.len() > MAX_BYTES {
        return Err(SdpError::TooLarge(body.len()));
    }
    let session = Session::parse(body).map_err(|e| malformed(&e))?;
    if session.medias.len() > MAX_STREAMS {
        return Err(SdpError::TooManyStreams);
    }
    Ok(session)
}

/// Start and stop of the session, which an answer repeats (RFC 3264 §6).
pub(super) fn times(session: &Session) -> (u64, u64) {
    session
        .times
        .first()
        .map_or((0, 0), |t| (t.start_time, t.stop_time))
}

/// The first audio stream from which `choose` picks a format, one of SRTP before one without; formats
/// that are not `wanted` are left out before. The error is that of the first audio stream.
pub(super) fn audio(
    session: &Session,
    reading: Reading,
    wanted: &[Codec],
    choose: impl Fn(&[Format]) -> Option<Format>,
) -> Result<Audio, SdpError> {
    let mut plain = None;
    let mut error = None;
    for (index, media) in session.medias.iter().enumerate() {
        // Port 0: not wanted (RFC 3264 §5.1, §6).
        if !media.media.eq_ignore_ascii_case("audio") || media.port == 0 {
            continue;
        }
        match stream(session, media, reading, wanted, &choose) {
            Ok(audio) if audio.crypto.is_some() => return Ok(Audio { index, ..audio }),
            Ok(audio) => plain = plain.or(Some(Audio { index, ..audio })),
            Err(e) => error = error.or(Some(e)),
        }
    }
    plain.ok_or(error.unwrap_or(SdpError::NoAudio))
}

/// The keys of a stream, or that it has none; why neither will do.
fn protection(media: &Media, reading: Reading) -> Result<Option<Line>, SdpError> {
    let is = |names: [&str; 2]| names.iter().any(|n| media.proto.eq_ignore_ascii_case(n));
    let secure = is(["RTP/SAVP", "RTP/SAVPF"]);
    if !secure && !is(["RTP/AVP", "RTP/AVPF"]) {
        return Err(SdpError::Transport);
    }
    match (reading, secure) {
        (
            Reading::Offer(Policy::Off)
            | Reading::Answer { secured: false }
            | Reading::Repeated(None),
            _,
        ) => match secure {
            true => Err(SdpError::Transport),
            false => Ok(None),
        },
        // Many telephones write keys beside plain RTP, meaning: this if you can.
        (Reading::Offer(policy), _) => match crypto::first(media) {
            Some(line) => Ok(Some(line)),
            None if secure => Err(SdpError::Crypto),
            None if policy == Policy::Required => Err(SdpError::Unprotected),
            None => Ok(None),
        },
        (Reading::Answer { secured: true }, _) => {
            let ours = |line: &Line| Some(line.key.suite()) == crypto::offered(line.tag);
            crypto::taken_up(media, ours).map(Some)
        }
        (Reading::Repeated(Some(suite)), _) => {
            crypto::taken_up(media, |line| line.key.suite() == suite).map(Some)
        }
    }
}

fn stream(
    session: &Session,
    media: &Media,
    reading: Reading,
    wanted: &[Codec],
    choose: &impl Fn(&[Format]) -> Option<Format>,
) -> Result<Audio, SdpError> {
    let crypto = protection(media, reading)?;
    let connection = media.connections.first().or(session.connection.as_ref());
    let remote = SocketAddr::new(address(connection.ok_or(SdpError::Address)?)?, media.port);
    let payload_types = || {
        media
            .fmt
            .split_ascii_whitespace()
            .filter_map(|f| f.parse().ok())
            .filter(|&p: &u8| p < 128)
    };
    let formats: Vec<Format> = payload_types()
        .filter_map(|p| codec(media, p).map(|c| (p, c)))
        .filter(|f| wanted.contains(&f.1))
        .collect();
    let (payload_type, codec) =
        choose(&formats).ok_or_else(|| SdpError::NoCommonCodec(foreign(media, payload_types())))?;
    Ok(Audio {
        index: 0,
        remote,
        codec,
        payload_type,
        telephone_event: payload_types()
            .filter(|&p| p != payload_type)
            .find(|&p| rtpmap(media, p).is_some_and(|m| is_encoding(m, "telephone-event"))),
        ptime_ms: ptime(media),
        direction: direction(&media.attributes)
            .or_else(|| direction(&session.attributes))
            .unwrap_or(Direction::SendRecv),
        rtcp: rtcp(session, media, remote),
        crypto,
    })
}

/// The first codec that a stream names and that is none of ours.
fn foreign(media: &Media, payload_types: impl Iterator<Item = u8>) -> Foreign {
    let mut seen = Foreign::Nothing;
    for payload_type in payload_types {
        let name = match rtpmap(media, payload_type) {
            Some(map) => map.split('/').next().unwrap_or_default(),
            // RFC 3551 table 4.
            None => match payload_type {
                0 => "PCMU",
                8 => "PCMA",
                9 => "G722",
                18 => "G729",
                _ => "",
            },
        };
        let speech = !["telephone-event", "CN"]
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n));
        if speech {
            match Foreign::named(name) {
                // A name that says something goes before one that does not.
                Foreign::Other => seen = Foreign::Other,
                known => return known,
            }
        }
    }
    seen
}

/// Where the stream's RTCP goes: off without bandwidth (RFC 3556 §2), with RTP if both want that
/// (RFC 5761 §5.1.1; our own descriptions always do), else where `a=rtcp` says (RFC 3605 §2.1), else
/// one port above RTP's (RFC 3550 §11).
fn rtcp(session: &Session, media: &Media, remote: SocketAddr) -> Rtcp {
    let bandwidth = |name: &str| {
        let of = |all: &[Bandwidth]| {
            let found = all.iter().find(|b| b.bwtype.eq_ignore_ascii_case(name));
            found.map(|b| b.bandwidth)
        };
        of(&media.bandwidths).or_else(|| of(&session.bandwidths))
    };
    if bandwidth("RS") == Some(0) && bandwidth("RR") == Some(0) {
        return Rtcp::Off;
    }
    let named = |a: &Attribute| a.attribute.eq_ignore_ascii_case("rtcp-mux");
    if media.attributes.iter().any(named) {
        return Rtcp::Muxed;
    }
    let mut words = values(&media.attributes, "rtcp")
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace();
    let port = words.next().and_then(|p| p.parse::<u16>().ok());
    // `IN IP4 192.0.2.1` may follow; a name is nothing that could be sent to.
    let ip = match words.nth(2) {
        None => Some(remote.ip()),
        Some(text) => text.parse().ok().filter(|ip: &std::net::IpAddr| {
            !ip.is_multicast() && ip.is_ipv4() == remote.ip().is_ipv4()
        }),
    };
    let port = port.or_else(|| remote.port().checked_add(1));
    match (ip, port) {
        (Some(ip), Some(port)) if port != 0 => Rtcp::Apart(SocketAddr::new(ip, port)),
        _ => Rtcp::Off,
    }
}

fn address(connection: &Connection) -> Result<std::net::IpAddr, SdpError> {
    match connection.try_address() {
        Ok(address) if !address.ip.is_multicast() => Ok(address.ip),
        _ => Err(SdpError::Address),
    }
}

/// A static payload type needs no rtpmap (RFC 3551 §6); one that is there counts.
fn codec(media: &Media, payload_type: u8) -> Option<Codec> {
    let all = [Codec::Pcma, Codec::Pcmu];
    match rtpmap(media, payload_type) {
        Some(map) => all
            .into_iter()
            .find(|c| is_encoding(map, c.encoding_name())),
        None => all
            .into_iter()
            .find(|c| c.static_payload_type() == payload_type),
    }
}

/// `PCMA/8000` or `PCMA/8000/1` of `a=rtpmap:8 PCMA/8000/1`.
fn rtpmap(media: &Media, payload_type: u8) -> Option<&str> {
    values(&media.attributes, "rtpmap").find_map(|value| {
        let (number, map) = value.trim().split_once(' ')?;
        (number.parse() == Ok(payload_type)).then_some(map.trim())
    })
}

fn is_encoding(map: &str, name: &str) -> bool {
    let mut parts = map.split('/');
    parts.next().is_some_and(|n| n.eq_ignore_ascii_case(name))
        && parts.next().is_some_and(|rate| rate.trim() == "8000")
        && parts.next().is_none_or(|channels| channels.trim() == "1")
}

/// Within 10 to 60 ms and not above maxptime; 20 for want of a usable value (RFC 8866 §6.4).
fn ptime(media: &Media) -> u16 {
    let number = |name| values(&media.attributes, name).find_map(|v| v.trim().parse::<u16>().ok());
    let usable = |ms: u16| (10..=60).contains(&ms) && ms.is_multiple_of(10);
    let wished = number("ptime").filter(|&ms| usable(ms)).unwrap_or(20);
    match number("maxptime") {
        Some(most) if most >= 10 => wished.min(most / 10 * 10),
        _ => wished,
    }
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    let all = [
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ];
    attributes.iter().find_map(|a| {
        all.into_iter()
            .find(|d| a.attribute.trim().eq_ignore_ascii_case(d.attribute()))
    })
}

pub(super) fn values<'a>(
    attributes: &'a [Attribute],
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |a| a.attribute.eq_ignore_ascii_case(name))
        .filter_map(|a| a.value.as_deref())
}

/// The parser's complaint without a byte of the body, which may hold personal data.
fn malformed(error: &ParserError) -> SdpError {
    let (line, what) = match *error {
        ParserError::InvalidLineFormat(line, what)
        | ParserError::InvalidFieldEncoding(line, what)
        | ParserError::InvalidFieldFormat(line, what)
        | ParserError::MissingField(line, what)
        | ParserError::FieldTrailingData(line, what) => (line, what),
        ParserError::InvalidVersion(line, _) => (line, "version"),
        ParserError::NoVersion => (0, "no version line"),
        ParserError::MultipleVersions(line)
        | ParserError::MultipleOrigins(line)
        | ParserError::MultipleSessionNames(line)
        | ParserError::MultipleSessionDescription(line)
        | ParserError::MultipleUris(line)
        | ParserError::MultipleConnections(line)
        | ParserError::MultipleTimeZones(line)
        | ParserError::MultipleMediaTitles(line)
        | ParserError::MultipleKeys(line) => (line, "a line that may come once"),
        ParserError::RepeatWithoutTime(line) => (line, "repeat without time"),
        _ => (0, "structure"),
    };
    SdpError::Malformed { line, what }
}

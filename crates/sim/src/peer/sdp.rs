//! SDP of one audio stream in G.711 (RFC 8866), and what an offer and an answer settle (RFC 3264).

use super::{Codec, Stream};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Payload type of telephone-event in our offers; another one than the engine's own, so that mixed
/// up numbers show (RFC 4733, dynamic).
const EVENT: &str = "96";

impl Codec {
    fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
        }
    }
}

/// The first usable audio stream of a description.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description<'a> {
    text: &'a str,
    /// Which `m=` line it is.
    index: usize,
    remote: SocketAddr,
    formats: &'a str,
    /// The describing side sends and receives.
    sends: bool,
    receives: bool,
}

impl<'a> Description<'a> {
    /// Reads it; `None` if no audio stream over RTP/AVP with a port and an address is in it.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let lines = || text.lines().map(str::trim_end);
        let mut index = None;
        let (mut port, mut formats) = (0, "");
        for (at, line) in lines().filter(|l| l.starts_with("m=")).enumerate() {
            let mut words = line[2..].splitn(4, ' ');
            let (media, number) = (words.next()?, words.next()?);
            let (proto, rest) = (words.next()?, words.next()?);
            port = number.split('/').next()?.parse().ok()?;
            if media == "audio" && proto == "RTP/AVP" && port != 0 {
                (index, formats) = (Some(at), rest);
                break;
            }
        }
        let index = index?;
        // What stands before the first `m=` holds for all, what follows ours for it alone.
        let mut section = None;
        let (mut address, mut sends, mut receives) = (None, true, true);
        for line in lines() {
            if line.starts_with("m=") {
                section = Some(section.map_or(0, |s: usize| s + 1));
            } else if section.is_none_or(|s| s == index) {
                if let Some(rest) = line.strip_prefix("c=IN ") {
                    address = rest.get(4..).and_then(|a| a.split('/').next());
                }
                match line {
                    "a=sendrecv" => (sends, receives) = (true, true),
                    "a=sendonly" => (sends, receives) = (true, false),
                    "a=recvonly" => (sends, receives) = (false, true),
                    "a=inactive" => (sends, receives) = (false, false),
                    _ => {}
                }
            }
        }
        let ip: IpAddr = address?.trim().parse().ok()?;
        // 0.0.0.0 is the hold of RFC 2543: nothing is to be sent there (RFC 3264 §8.4).
        let receives = receives && !ip.is_unspecified();
        let remote = SocketAddr::new(ip, port);
        Some(Self {
            text,
            index,
            remote,
            formats,
            sends,
            receives,
        })
    }

    /// The codec of a payload type: the static ones, or as `a=rtpmap` says.
    fn codec(&self, format: &str) -> Option<Codec> {
        match format {
            "8" => Some(Codec::Pcma),
            "0" => Some(Codec::Pcmu),
            _ => [Codec::Pcma, Codec::Pcmu]
                .into_iter()
                .find(|c| self.is_mapped(format, c.name())),
        }
    }

    fn is_mapped(&self, format: &str, name: &str) -> bool {
        self.text.lines().any(|line| {
            let rest = line.strip_prefix("a=rtpmap:");
            let named = rest.and_then(|r| r.strip_prefix(format)?.strip_prefix(' '));
            named.is_some_and(|n| {
                n.split('/')
                    .next()
                    .is_some_and(|n| n.trim().eq_ignore_ascii_case(name))
            })
        })
    }

    fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.formats.split_ascii_whitespace()
    }
}

/// Our side of the media of a call.
///
/// ```text
///               offer sent or taken        answer taken or sent
///   unsettled ───────────────────► agreed on ───────────────────► settled
///                                       ▲                            │
///                                       └── hold, resume, re-INVITE ─┘
/// ```
#[derive(Debug)]
pub(crate) struct Session {
    local: SocketAddr,
    id: u64,
    version: u32,
    /// This end put the other on hold.
    pub held: bool,
    /// What was agreed on holds from now on: the answer was sent or came.
    pub settled: bool,
    remote: Option<SocketAddr>,
    codec: Option<Codec>,
    sends: bool,
    hears: bool,
}

impl Session {
    pub(crate) fn new(local: SocketAddr, id: u64) -> Self {
        Self {
            local,
            // Below 2^63 (RFC 8866 §5.2 has it numeric; some readers take it as signed).
            id: id >> 1,
            version: 0,
            held: false,
            settled: false,
            remote: None,
            codec: None,
            sends: false,
            hears: false,
        }
    }

    pub(crate) fn stream(&self) -> Stream {
        Stream {
            local: self.local,
            remote: self.remote,
            codec: self.codec,
            sends: self.settled && self.sends,
            hears: self.settled && self.hears,
        }
    }

    /// An offer of these codecs (RFC 3264 §5); held is `sendonly` (§8.4).
    pub(crate) fn offer(&mut self, codecs: &[Codec], held: bool) -> String {
        let mut out = self.head();
        let _ = write!(out, "m=audio {} RTP/AVP", self.local.port());
        for codec in codecs {
            let _ = write!(out, " {}", codec.payload_type());
        }
        let _ = write!(out, " {EVENT}\r\n");
        for codec in codecs {
            let _ = write!(
                out,
                "a=rtpmap:{} {}/8000\r\n",
                codec.payload_type(),
                codec.name()
            );
        }
        tail(&mut out, Some(EVENT), true, !held);
        out
    }

    /// The answer to an offer (RFC 3264 §6): our best codec among the offered ones. `None` if there
    /// is none in common.
    pub(crate) fn answer(&mut self, codecs: &[Codec], offer: &Description<'_>) -> Option<String> {
        let (codec, format) = codecs.iter().find_map(|&codec| {
            let format = offer.formats().find(|f| offer.codec(f) == Some(codec))?;
            Some((codec, format))
        })?;
        let event = offer
            .formats()
            .find(|f| offer.is_mapped(f, "telephone-event"));
        self.codec = Some(codec);
        self.remote = Some(offer.remote);
        self.sends = offer.receives;
        self.hears = offer.sends && !self.held;
        let mut out = self.head();
        let streams = offer.text.lines().filter(|l| l.starts_with("m="));
        for (index, line) in streams.enumerate() {
            if index != offer.index {
                let mut words = line[2..].trim_end().splitn(3, ' ');
                let (media, _, rest) = (words.next()?, words.next()?, words.next()?);
                let _ = write!(out, "m={media} 0 {rest}\r\n");
                continue;
            }
            let _ = write!(out, "m=audio {} RTP/AVP {format}", self.local.port());
            if let Some(event) = event {
                let _ = write!(out, " {event}");
            }
            let _ = write!(out, "\r\na=rtpmap:{format} {}/8000\r\n", codec.name());
            tail(&mut out, event, self.sends, self.hears);
        }
        Some(out)
    }

    /// True if both sides have said what they send.
    pub(crate) fn is_agreed(&self) -> bool {
        self.codec.is_some()
    }

    /// The answer to our offer (RFC 3264 §7). False if it settles nothing: refused, or no codec of
    /// ours.
    pub(crate) fn accept(&mut self, codecs: &[Codec], held: bool, answer: &str) -> bool {
        let found = Description::read(answer).and_then(|found| {
            let ours = |f| found.codec(f).filter(|c| codecs.contains(c));
            found.formats().find_map(ours).map(|codec| (found, codec))
        });
        self.settled = true;
        self.held = held;
        let Some((found, codec)) = found else {
            (self.remote, self.codec) = (None, None);
            (self.sends, self.hears) = (false, false);
            return false;
        };
        self.codec = Some(codec);
        self.remote = Some(found.remote);
        self.sends = found.receives;
        self.hears = found.sends && !held;
        true
    }

    fn head(&mut self) -> String {
        self.version += 1;
        let (ip, family) = (
            self.local.ip(),
            if self.local.is_ipv4() { "IP4" } else { "IP6" },
        );
        let mut out = String::with_capacity(256);
        let _ = write!(
            out,
            "v=0\r\no=- {} {} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n",
            self.id, self.version
        );
        out
    }
}

fn tail(out: &mut String, event: Option<&str>, sends: bool, receives: bool) {
    if let Some(event) = event {
        let _ = write!(out, "a=rtpmap:{event} telephone-event/8000\r\n");
    }
    out.push_str(match (sends, receives) {
        (true, true) => "a=sendrecv\r\n",
        (true, false) => "a=sendonly\r\n",
        (false, true) => "a=recvonly\r\n",
        (false, false) => "a=inactive\r\n",
    });
}

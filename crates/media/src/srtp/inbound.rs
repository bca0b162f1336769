//! Packets of a party: each is proved before anything is learned of it, and taken once.

use super::key::Master;
use super::transform::{Protocol, Transform};
use super::window::Window;
use smallvec::SmallVec;

/// Most streams of one party that are told apart; the one that was heard of longest ago makes room. A
/// stream takes a place only once it has proved right, so that only the party itself can use them up.
const MOST_STREAMS: usize = 64;
/// Indices of SRTP have 48 bits (RFC 3711 §3.3.1).
const END: u64 = 1 << 48;

/// Why a packet is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsafe {
    /// Too short or crooked to be one.
    Malformed,
    /// It was not made with the party's key, or was changed on its way.
    Forged,
    /// It was there before, or is too old to tell (RFC 3711 §3.3.2).
    Replayed,
}

struct Stream {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
    /// Of [`Inbound::taken`]; when it was last heard of.
    last: u64,
}

/// The receiving end of one master key.
pub struct Inbound {
    rtp: Transform,
    rtcp: Transform,
    streams: SmallVec<[Stream; 1]>,
    /// Packets that proved right.
    taken: u64,
    /// See [`super::Protection::turns`]; no stream is looked for beyond it, however it goes on.
    turns: u8,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").finish_non_exhaustive()
    }
}

/// Four bytes of a packet as a number.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Bytes of the header of an RTP packet, which stays readable: CSRCs and extension are part of it.
pub(super) fn header(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let fixed = 12 + 4 * usize::from(first & 0x0f);
    let length = if first & 0x10 == 0 {
        fixed
    } else {
        fixed + 4 + 4 * (word(packet, fixed)? as usize & 0xffff)
    };
    (first >> 6 == 2 && length <= packet.len()).then_some(length)
}

impl Inbound {
    /// For packets made with this key; `turns` as in [`super::Protection`].
    #[must_use]
    pub fn new(master: &Master, turns: u8) -> Self {
        Self {
            rtp: Transform::new(master, Protocol::Rtp),
            rtcp: Transform::new(master, Protocol::Rtcp),
            streams: SmallVec::new(),
            taken: 0,
            turns,
        }
    }

    /// How often any stream's sequence numbers have turned over, as far as is known.
    #[must_use]
    pub fn turns(&self) -> u8 {
        let most = self.streams.iter().map(|stream| stream.rtp.turns()).max();
        most.map_or(self.turns, |most| u8::try_from(most).unwrap_or(u8::MAX))
    }

    /// Proves a packet of RTP and deciphers it in place; gives the length of what is left.
    ///
    /// # Errors
    /// See [`Unsafe`]; then nothing is learned, and what stands in `bytes` is of no use.
    pub fn open_rtp(&mut self, bytes: &mut [u8]) -> Result<usize, Unsafe> {
        let length = bytes.len().checked_sub(self.rtp.tag);
        let (packet, tag) = length
            .and_then(|length| bytes.split_at_mut_checked(length))
            .ok_or(Unsafe::Malformed)?;
        let header = header(packet).ok_or(Unsafe::Malformed)?;
        let ssrc = word(packet, 8).ok_or(Unsafe::Malformed)?;
        let sequence = (word(packet, 0).unwrap_or_default() & 0xffff) as u16;
        let known = self.streams.iter().find(|stream| stream.ssrc == ssrc);
        let known = known.filter(|stream| stream.rtp.is_begun());
        let guess = known.map(|stream| stream.rtp.guess(sequence));
        let likely = guess
            .filter(|index| *index < END && known.is_some_and(|stream| stream.rtp.is_new(*index)));
        // An old packet that somebody kept may have come first, and hold the count where it was when it was
        // made. So a count that is further on is looked for too; going back is not to be had.
        let from = known.map_or(0, |stream| stream.rtp.turns());
        let further = from..=u64::from(self.turns);
        let further = further.map(|turn| turn << 16 | u64::from(sequence));
        let further = further.filter(|index| {
            Some(*index) != likely && known.is_none_or(|stream| stream.rtp.is_ahead(*index))
        });
        let all = likely.into_iter().chain(further);
        let index = self.rtp.open_rtp(ssrc, all, header, packet, tag);
        if index.is_none() && likely.is_none() && guess.is_some_and(|index| index < END) {
            return Err(Unsafe::Replayed);
        }
        let index = index.ok_or(Unsafe::Forged)?;
        let length = packet.len();
        self.stream(ssrc).rtp.note(index);
        Ok(length)
    }

    /// Proves a compound packet of RTCP and deciphers it in place; gives the length of what is left.
    ///
    /// # Errors
    /// As [`Self::open_rtp`].
    pub fn open_rtcp(&mut self, bytes: &mut [u8]) -> Result<usize, Unsafe> {
        let tag = self.rtcp.tag;
        let length = bytes.len().checked_sub(tag + 4).filter(|n| *n >= 8);
        let (packet, trailer) = length
            .and_then(|length| bytes.split_at_mut_checked(length))
            .ok_or(Unsafe::Malformed)?;
        let (word_at, tag_at) = if self.rtcp.index_is_last() {
            (tag, 0)
        } else {
            (0, 4)
        };
        let ssrc = word(packet, 4).ok_or(Unsafe::Malformed)?;
        let number = word(trailer, word_at).ok_or(Unsafe::Malformed)?;
        let index = u64::from(number & 0x7fff_ffff);
        let known = self.streams.iter().find(|stream| stream.ssrc == ssrc);
        if known.is_some_and(|stream| !stream.rtcp.is_new(index)) {
            return Err(Unsafe::Replayed);
        }
        let tag = trailer.get(tag_at..tag_at + tag).unwrap_or_default();
        self.rtcp
            .open_rtcp(ssrc, number.to_be_bytes(), packet, tag)
            .ok_or(Unsafe::Forged)?;
        let length = packet.len();
        self.stream(ssrc).rtcp.note(index);
        Ok(length)
    }

    /// The state of a stream that has proved right.
    fn stream(&mut self, ssrc: u32) -> &mut Stream {
        self.taken += 1;
        let found = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        let place = found.unwrap_or_else(|| {
            if self.streams.len() >= MOST_STREAMS {
                let oldest = (0..self.streams.len()).min_by_key(|i| self.streams[*i].last);
                oldest.map(|oldest| self.streams.swap_remove(oldest));
            }
            self.streams.push(Stream {
                ssrc,
                rtp: Window::default(),
                rtcp: Window::default(),
                last: 0,
            });
            self.streams.len() - 1
        });
        let stream = &mut self.streams[place];
        stream.last = self.taken;
        stream
    }
}

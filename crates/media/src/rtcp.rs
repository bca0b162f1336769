//! RTCP (RFC 3550 §6): reports about what was sent and received, read and written. What a session of
//! two parties needs and no more: one source reports, and about one source.

use crate::srtp;

/// Most bytes of a report that is written.
pub const MAX: usize = 128;
/// Bytes of the CNAME that is written.
pub const CNAME: usize = 24;

const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;

/// What a sender says of its own stream (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// When it wrote this: seconds since some beginning in the upper 32 bits, their fraction below.
    pub ntp: u64,
    /// The same moment by its RTP clock.
    pub timestamp: u32,
    /// Packets sent so far, wraps.
    pub packets: u32,
    /// Bytes of payload sent so far, wraps.
    pub octets: u32,
}

/// What a receiver says of another's stream (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose stream.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction: u8,
    /// Lost since the beginning: -2^23 to 2^23-1, below zero where packets came twice.
    pub lost: i32,
    /// The highest sequence number that came, with the turns of its counter above.
    pub highest: u32,
    /// Jitter of arrival, in samples.
    pub jitter: u32,
    /// The middle 32 bits of the last report's [`Sender::ntp`]; 0 if none came.
    pub last_report: u32,
    /// From that report to this one, in 1/65536 s.
    pub delay: u32,
}

/// What a packet of RTCP says that is of use here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Who wrote it.
    pub ssrc: u32,
    /// Of its own stream, if it sends.
    pub sender: Option<Sender>,
    /// Of the stream that was asked for.
    pub block: Option<Block>,
    /// It leaves (§6.6).
    pub bye: bool,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Reads a compound packet, of its blocks the one about `ours`; `None` if it breaks the rules of
/// §6.1 and appendix A.2: a report first, version 2, lengths that add up, padding in the last only.
#[must_use]
pub fn read(bytes: &[u8], ours: u32) -> Option<Report> {
    let mut report = Report::default();
    let mut rest = bytes;
    let mut first = true;
    while !rest.is_empty() {
        let &[flags, kind, high, low, ..] = rest else {
            return None;
        };
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let (packet, after) = rest.split_at_checked(length)?;
        let padded = flags & 0x20 != 0;
        let fits = flags >> 6 == 2 && (!padded || after.is_empty());
        if !fits || (first && !matches!(kind, SR | RR)) {
            return None;
        }
        let count = usize::from(flags & 0x1f);
        match kind {
            SR | RR => {
                report.ssrc = word(packet, 4)?;
                let mut at = 8;
                if kind == SR {
                    let ntp = u64::from(word(packet, 8)?) << 32 | u64::from(word(packet, 12)?);
                    report.sender = Some(Sender {
                        ntp,
                        timestamp: word(packet, 16)?,
                        packets: word(packet, 20)?,
                        octets: word(packet, 24)?,
                    });
                    at = 28;
                }
                for number in 0..count {
                    let block = read_block(packet, at + 24 * number)?;
                    if block.ssrc == ours {
                        report.block = Some(block);
                    }
                }
            }
            BYE => report.bye = true,
            _ => {}
        }
        first = false;
        rest = after;
    }
    (!first).then_some(report)
}

fn read_block(packet: &[u8], at: usize) -> Option<Block> {
    let losses = word(packet, at + 4)?;
    Some(Block {
        ssrc: word(packet, at)?,
        fraction: (losses >> 24) as u8,
        // 24 bits with a sign.
        lost: (losses << 8) as i32 >> 8,
        highest: word(packet, at + 8)?,
        jitter: word(packet, at + 12)?,
        last_report: word(packet, at + 16)?,
        delay: word(packet, at + 20)?,
    })
}

/// A compound packet as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    bytes: [u8; MAX],
    length: usize,
}

impl Written {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Lets the whole be changed, and puts so many bytes of what comes of it behind (SRTCP).
    pub(crate) fn seal(
        &mut self,
        seal: impl FnOnce(&mut [u8]) -> ([u8; srtp::MAX_TRAILER], usize),
    ) {
        let packet = self.bytes.get_mut(..self.length).unwrap_or_default();
        let (trailer, length) = seal(packet);
        self.put(trailer.get(..length).unwrap_or_default());
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        // What is written is below `MAX`: 28 + 24 + 36 + 8 + 20 bytes at most.
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }

    fn head(&mut self, count: usize, kind: u8, bytes: usize) {
        let words = (bytes / 4 - 1) as u16;
        let [high, low] = words.to_be_bytes();
        self.put(&[2 << 6 | count as u8, kind, high, low]);
    }
}

/// Writes a report of `ssrc` with its name for the session, as §6.1 wants it: SR if it sends, else
/// RR; a block if it hears somebody; CNAME; BYE if it leaves.
#[must_use]
pub fn write(
    ssrc: u32,
    cname: [u8; CNAME],
    sender: Option<Sender>,
    block: Option<Block>,
    bye: bool,
) -> Written {
    let mut out = Written {
        bytes: [0; MAX],
        length: 0,
    };
    let blocks = usize::from(block.is_some());
    let (kind, fixed) = if sender.is_some() { (SR, 28) } else { (RR, 8) };
    out.head(blocks, kind, fixed + 24 * blocks);
    out.put(&ssrc.to_be_bytes());
    if let Some(sender) = sender {
        out.put(&sender.ntp.to_be_bytes());
        for word in [sender.timestamp, sender.packets, sender.octets] {
            out.put(&word.to_be_bytes());
        }
    }
    if let Some(block) = block {
        let lost = block.lost.clamp(-(1 << 23), (1 << 23) - 1) as u32 & 0x00ff_ffff;
        let losses = u32::from(block.fraction) << 24 | lost;
        let (last, delay) = (block.last_report, block.delay);
        for word in [block.ssrc, losses, block.highest, block.jitter, last, delay] {
            out.put(&word.to_be_bytes());
        }
    }
    // One chunk: source, item 1 (CNAME) with its length, the end marked by two zeros up to the word.
    out.head(1, SDES, 4 + 4 + 2 + CNAME + 2);
    out.put(&ssrc.to_be_bytes());
    out.put(&[1, CNAME as u8]);
    out.put(&cname);
    out.put(&[0, 0]);
    if bye {
        out.head(1, BYE, 8);
        out.put(&ssrc.to_be_bytes());
    }
    out
}

//! RTP headers (RFC 3550 §5.1): read by rtp-rs, written here.

use rtp_rs::RtpReader;

/// Bytes of a header as it is written: no CSRC, no extension.
pub const HEADER: usize = 12;

/// One packet as it came; its padding, CSRC list and header extension are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// First packet after a silence, or of an event.
    pub marker: bool,
    /// Grows by one a packet, wraps.
    pub sequence: u16,
    /// In samples, wraps.
    pub timestamp: u32,
    /// The sender's stream.
    pub ssrc: u32,
    /// What it carries; may be empty.
    pub payload: &'a [u8],
}

/// Reads a packet; `None` if it is not RTP version 2 or is cut short. Tell RTCP apart first by
/// [`is_rtcp`].
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    let reader = RtpReader::new(bytes).ok()?;
    Some(Packet {
        payload_type: reader.payload_type(),
        marker: reader.mark(),
        sequence: reader.sequence_number().into(),
        timestamp: reader.timestamp(),
        ssrc: reader.ssrc(),
        payload: reader.payload(),
    })
}

/// True for RTCP on the same port: the second byte is a packet type of 192 to 223 (RFC 5761 §4).
#[must_use]
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 192..=223, ..] if first >> 6 == 2)
}

/// The header of a packet of ours.
#[must_use]
pub fn header(
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out[0] = 2 << 6;
    out[1] = u8::from(marker) << 7 | payload_type & 0x7f;
    out[2..4].copy_from_slice(&sequence.to_be_bytes());
    out[4..8].copy_from_slice(&timestamp.to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
    out
}

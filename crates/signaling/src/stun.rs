//! The Binding request by which a phone keeps its flow open over UDP and learns where it is seen (RFC 5626
//! §3.5.2, §4.4.2; RFC 5389): as little of STUN as that takes. Neither credentials nor fingerprints are
//! looked at; there is nothing to be won by a forged one.
//!
//! ```text
//!    0                   4                   8                        20
//!   ┌─────────┬─────────┬───────────────────┬─────────────────────────┐
//!   │ type    │ length  │ 0x2112A442        │ transaction, 12 bytes   │  attributes …
//!   └─────────┴─────────┴───────────────────┴─────────────────────────┘
//! ```

use std::net::{IpAddr, SocketAddr};

const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
/// Longest request that is answered, in bytes: phones send 20, or some more with their name.
const LONGEST: usize = 256;

/// The answer to a Binding request that came from `source`; `None` for anything else, SIP above all, whose
/// first byte is a letter.
#[must_use]
pub fn answer(request: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    let head: &[u8; HEADER] = request.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let sound = head[..2] == BINDING_REQUEST
        && head[4..8] == MAGIC
        && length % 4 == 0
        && HEADER + length == request.len()
        && request.len() <= LONGEST;
    if !sound {
        return None;
    }
    // RFC 5389 §15.2: the port and an IPv4 address are masked by the magic cookie, an IPv6 address by the
    // cookie and the transaction.
    let mask = &head[4..];
    let ip: Vec<u8> = match source.ip().to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let family = if ip.len() == 4 { 1 } else { 2 };
    let masked = |bytes: &[u8]| -> Vec<u8> { bytes.iter().zip(mask).map(|(b, m)| b ^ m).collect() };
    let value = 4 + ip.len();
    let mut out = Vec::with_capacity(HEADER + 4 + value);
    out.extend_from_slice(&BINDING_SUCCESS);
    out.extend_from_slice(&(4 + value as u16).to_be_bytes());
    out.extend_from_slice(&head[4..]);
    out.extend_from_slice(&XOR_MAPPED_ADDRESS);
    out.extend_from_slice(&(value as u16).to_be_bytes());
    out.extend_from_slice(&[0, family]);
    out.extend(masked(&source.port().to_be_bytes()));
    out.extend(masked(&ip));
    Some(out)
}

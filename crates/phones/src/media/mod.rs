//! The speech of a call: one UDP socket a call, one clock for all calls of a bank.
//!
//! What lives here: RTP built and read with `rtp-rs`, RFC 4733 digits, pacing. What may not: SIP.
//!
//! ```text
//!   clock (20 ms) ──► port ──RTP──► far side        one task for every port of the bank
//!   far side ──RTP──► port ──► ear, digits          one task a port
//! ```

pub mod clock;
pub mod digits;
pub mod port;

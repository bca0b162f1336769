//! What a phone says and hears, on samples: G.711, one sine tone, a listener for tones.
//!
//! What lives here: arithmetic on 8 kHz samples. What may not: sockets, timers, SIP.
//!
//! ```text
//!   tone::frame ──► g711 encode ──► (media sends)
//!   (media received) ──► g711 decode ──► ear::Ear ──► how long each tone was heard
//! ```

pub mod ear;
pub mod g711;
pub mod tone;

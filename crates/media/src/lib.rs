//! Media: what offer and answer agree on, RTP, RTCP, G.711, tones, prompts, mixing.
//!
//! What lives here: bytes in, bytes out; time is an argument. What may not: sockets, clocks,
//! threads, locks, random sources, and any knowledge of calls, queues or counsellors.
//!
//! ```text
//!  SDP bytes ──► sdp::{offer, answer, accept} ──► Negotiated ──┐
//!                                                              ▼
//!  MediaCommand ────────────────────────────────► ┌─────────  hub  ─────────┐ ──► MediaEvent
//!  RTP packets ── handle_packet ── rtp ── g711 ─► │ port ⇄ port  relay, mix │ ──► RTP packets
//!  time ───────── handle_timeout ───────────────► │ prompts  tone  music    │ ──► poll_timeout
//!                                                 │ tapes                   │ ──► Taped
//!                                                 └──────────▲──────────────┘
//!  WAV files ── wav ── prompts (encoded once a codec) ───────┘
//! ```

pub mod codec;
pub mod command;
pub mod dtmf;
pub mod g711;
pub mod hub;
pub mod prompts;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod srtp;
pub mod tone;
pub mod wav;

pub use codec::{Accept, Codec, Direction, Negotiated, Rtcp, SessionId};
pub use command::{MediaCommand, MediaEvent, Source, Taped};
pub use hub::{Hub, Outgoing, RtcpPath, RtpTotals};
pub use prompts::{FRAME, PromptId, PromptSet};
pub use sdp::{Foreign, SdpError};

//! SIP over UDP for the phones: messages by `rsip`, transactions and dialogs by hand.
//!
//! What lives here: one actor (`stack`) that owns a socket and everything that hangs on it.
//! What may not: the phones' API, scripts, anything of the engine.
//!
//! ```text
//!  datagram ─► message ─► client, server ─► stack ─┬ uac (dial, CANCEL, re-INVITE)
//!                                               ├ uas (ring, answer, refuse, BYE)
//!  command ────────────────────────────► stack ─┴ register (REGISTER with digest)
//!  timer ──────────────────────────────► stack
//! ```

pub(crate) mod client;
pub(crate) mod digest;
pub(crate) mod leg;
pub(crate) mod message;
pub(crate) mod register;
pub(crate) mod server;
pub(crate) mod stack;
pub(crate) mod timers;
pub(crate) mod uac;
pub(crate) mod uas;

pub use digest::Algorithm;
pub use timers::SipTimers;

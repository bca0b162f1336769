//! The far ends: telephones at seats, callers behind a carrier, dispatch centres. Each is a SIP
//! user agent of its own (RFC 3261), at one address, that always speaks to the engine.
//!
//! What lives here: reading and writing of SIP and SDP text, transactions, dialogs, digest and
//! registration as a telephone does them. What may not: anything of the engine's own signaling or
//! media code, for a mistake that both sides share is a mistake that nobody sees.
//!
//! ```text
//!   invite, bye, ring, …  ──┐                              ┌──► poll_event:  AgentEvent
//!   handle_packet ──────────┼──► Agent                     ├──► poll_packet: bytes to the engine
//!   handle_timeout ─────────┘     ├─ Call (one a dialog)   └──► poll_timeout
//!                                 │   ├─ InviteOut   INVITE client (§17.1.1)
//!                                 │   ├─ InviteIn    INVITE server (§17.2.1), 2xx (§13.3.1.4)
//!                                 │   ├─ OtherOut    BYE, CANCEL, UPDATE (§17.1.2)
//!                                 │   └─ Session     offer and answer (RFC 3264)
//!                                 ├─ OtherIn         what was answered, to be answered again (§17.2.2)
//!                                 └─ Registration    REGISTER and its refreshes (§10.2)
//! ```

mod agent;
mod api;
mod call;
mod carrier;
mod desk;
mod dialog;
mod digest;
mod hold;
mod inbound;
mod invite_in;
mod invite_out;
mod lasting;
mod other_in;
mod other_out;
mod register;
mod reliable;
mod sdp;
mod text;
mod timers;

pub use agent::Agent;
pub use api::{
    AgentEvent, AgentSettings, CallKey, Codec, Fired, NewCall, Quirks, Stream, Transport,
};
pub use carrier::{Carrier, CarrierFigures, Weather};

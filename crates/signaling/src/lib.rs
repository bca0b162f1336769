//! SIP without I/O: messages, transactions, dialogs, digest, registrar.
//!
//! What lives here: everything between the bytes of a datagram (or of a TCP stream) and the events
//! of a call leg. What may not: sockets, clocks, random sources, threads, locks, and any policy
//! about callers, seats or queues. Time, seeds and secrets are handed in; bytes and events are
//! polled out.
//!
//! ```text
//!            bytes + flow + now                                        events
//!                   │                                                     ▲
//!   TCP ─ framing ──┤                                                     │
//!                   ▼                                                     │
//!   scan ─ dispatch (which shard)                                         │
//!                   │                                                     │
//!        message ── index, header, via, address, uri, lex                 │
//!                   │      (offsets into the bytes; values read on demand)│
//!                   ├── field (handed on byte for byte)                   │
//!                   ├── body, multipart (session, location, parts)        │
//!                   ▼                                                     │
//!        refusal (what nobody hears of: 4xx and 5xx of RFC 3261 §8.2)     │
//!                   ▼                                                     │
//!        endpoint ── invite_client   invite_server   ┐ transactions       │
//!                 │  non_invite_client  non_invite_… ┘ (RFC 3261 §17, 6026)
//!                 └─ leg ── dialog (§12) ─────────────────────────────────┘
//!                   │
//!                   ▼
//!        builder ── bytes + flow to send
//!
//!        registrar ── auth (digest, RFC 7616/8760), slowdown (of those who guess)
//!                  └─ outbound (the way to a phone): bindings of the seats' phones
//!        stun ── where a phone behind NAT is seen
//!
//!        registration ── client_auth: we ourselves, at a carrier that wants it so
//! ```

mod address;
mod attached;
pub mod auth;
mod bindings;
pub mod body;
pub mod builder;
pub mod client_auth;
mod client_transactions;
pub mod counters;
mod defect;
mod dialog;
mod digest;
pub mod dispatch;
mod early;
pub mod endpoint;
mod endpoint_inbound;
mod endpoint_requests;
mod error;
pub mod event;
mod field;
pub mod flow;
pub mod framing;
pub mod header;
mod index;
pub mod invite_client;
pub mod invite_server;
mod keys;
pub mod leg;
mod leg_again;
mod leg_incoming;
mod leg_outgoing;
mod leg_reliable;
mod leg_responses;
mod leg_session;
mod leg_timer;
pub mod lex;
pub mod message;
mod method;
mod multipart;
mod names;
pub mod non_invite_client;
pub mod non_invite_server;
pub mod outbound;
mod phrases;
mod push;
mod refer;
mod refusal;
pub mod registrar;
pub mod registration;
mod registration_reply;
pub mod reliable;
pub mod scan;
mod server_transactions;
pub mod session_timer;
pub mod slowdown;
pub mod snapshot;
mod strangers;
pub mod stun;
pub mod terms;
pub mod timers;
mod transactions;
pub mod uri;
pub mod via;
mod write;

pub use attached::Attached;
pub use auth::{AuthConfig, AuthResult, Authenticator};
pub use client_auth::{Account, AccountId};
pub use counters::{Counters, Stats};
#[cfg(feature = "defects")]
pub use defect::Defect;
pub use dispatch::{shard_of, shard_of_name};
pub use endpoint::{Endpoint, EndpointConfig, Invite, Party};
pub use event::{EndCause, EndpointError, Event, LegError, Probed, RequestId};
pub use flow::{Flow, Transmit, Transport};
pub use leg::LegState;
pub use message::{HeaderName, Message, Method, NameAddr, ParseError};
pub use names::mark;
pub use registrar::{
    Binding, BindingChange, RegisterReply, Registrar, RegistrarConfig, RegistrarSnapshot,
};
pub use registration::{Registration, RegistrationConfig, RegistrationState};
pub use snapshot::{LegSnapshot, RestSnapshot};
pub use terms::{Reliability, Terms, Unfit};
pub use timers::Timers;
pub use uri::Uri;
pub use write::{ACCEPT, ALLOW};

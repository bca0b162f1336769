//! SIP phones for the demo and the tests, on `rsip` and `rtp-rs`.
//!
//! They share no code with the engine's own signaling and media: every call between them and the
//! engine proves interworking with another implementation.
//!
//! What lives here: phones (REGISTER, INVITE, RTP, tones), and the demo's cast of callers,
//! counsellors and police. What may not: anything of ours but `model`, fixed ports, the engine's API.
//!
//! ```text
//!   cast ──► call, phone ──► bank ──► sip (rsip) ──► UDP
//!                              └────► media (rtp-rs), audio ──► UDP
//! ```
//!
//! ```no_run
//! # async fn example(engine: std::net::SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
//! use meishier_phones::{Dial, PhoneBank, PhoneOptions};
//! use std::time::Duration;
//!
//! let bank = PhoneBank::open().await?;
//! let caller = bank.phone(PhoneOptions::new("13312345678", 600, &[1_000])).await?;
//! let call = caller.dial(Dial::new(engine, "12356")).await?;
//! if call.wait_answered(Duration::from_secs(30)).await {
//!     call.wait_heard(1_000, Duration::from_secs(1), Duration::from_secs(5)).await;
//!     call.hang_up().await;
//! }
//! println!("{:?} after {:?}", call.ended().await, call.heard(1_000));
//! # Ok(())
//! # }
//! ```

pub mod audio;
mod bank;
mod call;
pub mod cast;
pub mod media;
mod phone;
pub mod sdp;
mod sip;

pub use bank::PhoneBank;
pub use call::{Call, CallStatus, DialError, End, EndedBy, Phase};
pub use media::port::{Hearing, Voice};
pub use phone::{Behaviour, Dial, Phone, PhoneOptions, Register, RegisterError};
pub use sip::{Algorithm, SipTimers};

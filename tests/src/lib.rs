//! The program under test and everything that is played against it.
//!
//! What lives here: starting `meishier` as a process of its own, and small callers, seats and
//! readers that share no code with it. What may not: a dependency on any crate of the product, for
//! then a mistake could stand on both sides and cancel out.
//!
//! ```text
//!   tests/*.rs ─┬─ engine   a started `meishier serve` ◄─ plan (its configuration)
//!               ├─ http, metrics, process              what it says about itself
//!               ├─ line     one UDP socket that speaks SIP, call by call
//!               ├─ crowd    a thousand calls from one thread
//!               ├─ noise    seeded randomness, mutated messages
//!               ├─ sound    WAV files and the tones in them
//!               ├─ tree     the files of the checkout
//!               ├─ documents  the documents among them, and their fenced blocks
//!               ├─ talker   a party that speaks RTP
//!               └─ peers    SIPp, baresip, Kamailio, rtpengine and others
//! ```

pub mod binary;
pub mod crowd;
pub mod documents;
pub mod engine;
pub mod http;
pub mod line;
pub mod metrics;
pub mod noise;
pub mod peers;
pub mod plan;
pub mod process;
pub mod sip;
pub mod sound;
pub mod talker;
pub mod tree;

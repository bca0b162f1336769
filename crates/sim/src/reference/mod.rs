//! The reference: what the engine should know and do, from the file's text and from what crossed
//! its border, in code of its own.
//!
//! What lives here: a reader of the configuration, of SIP and of numbers, the calendar, and the
//! books of calls, legs, seats and lines. What may not: any code of the engine that decides
//! something, and any judgement (that is [`crate::invariants`]).

pub mod bids;
pub mod books;
pub mod calls;
mod cities;
pub mod claim;
pub mod decide;
pub mod dialogs;
mod entries;
pub mod hours;
pub mod known;
pub mod legs;
mod messages;
pub mod number;
pub mod parts;
pub mod place;
pub mod plan;
pub(crate) mod plan_read;
pub mod policy;
mod policy_read;
pub mod presses;
pub mod seats;
mod segments;
pub mod service;
mod settle;
pub mod sip;
pub mod standing;
mod unjudged;

pub use books::Books;
pub use plan::Plan;

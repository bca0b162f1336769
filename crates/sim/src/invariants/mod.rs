//! The judges: after every step they say whether the engine still keeps its promises.
//!
//! What lives here: the invariants of the architecture, each a function in a file of its own, over
//! the books that [`crate::reference`] keeps. What may not: any call of the engine's own logic to
//! find out what the engine should have done; the engine is judged by what reached it and by what
//! it did.

mod baseline;
mod checker;
mod claims;
mod dialogs;
mod fit;
mod leg_over;
mod lines;
mod notices;
mod one_offer;
mod one_place;
mod order;
mod overtaken;
mod record;
mod replies;
mod rings;
mod risk;
mod seen;
mod sip;
mod stranded;
mod table;
mod timeline;
mod transfer;

pub use checker::Checker;
pub use seen::{Inspection, Seen};
pub use table::{Invariant, Violation};

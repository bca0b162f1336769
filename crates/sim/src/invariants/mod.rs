//! The judges: after every step they say whether the engine still keeps its promises.
//!
//! What lives here: the invariants of the architecture, each a function in a file of its own, over
//! the books that [`crate::reference`] keeps. What may not: any call of the engine's own logic to
//! find out what the engine should have done; the engine is judged by what reached it and by what
//! it did.

mod checker;
mod seen;
mod table;

pub use checker::Checker;
pub use seen::{Inspection, Seen};
pub use table::{Invariant, Violation};

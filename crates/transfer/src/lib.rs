//! One-key transfer: whom a key reaches in a city, and the machine that hands a caller over.
//!
//! What lives here: the plan of keys, the hand-over of one call. The table of cities is of routing.
//! What may not: legs, sockets, clocks, prompts; the engine turns actions into those.
//!
//! ```text
//!   key "110" ┐
//!             ├─► Plan::target ─► Target 0851110 ─► Handover ─► actions: dial, join, tell, drop …
//!   city 贵阳 ┘        │                              ▲
//!                  CityTable                    presses, answers, failures, time
//! ```

mod handover;
mod plan;

pub use handover::{Action, Handover, Notice, Party, PressError, State};
pub use meishier_routing::{City, CityError, CityTable};
pub use plan::{Key, KeyKind, Plan, SERVICES, Service, Target, TargetError, service};

//! One-key transfer: whom a key reaches in a city, and the machines that hand a caller over.
//!
//! What lives here: the list of keys, the place of an event ([`Plan::choose`]), the use of one key
//! ([`Handover`]), who is still there ([`Conference`]), who hears whom ([`hears`]), what goes along with the
//! caller ([`Dossier`]), whether who hung up may be called back ([`call_back`]). The table of regions is of routing. What may not: legs, sockets, clocks, prompts; the engine turns actions into those.
//!
//! ```text
//!   key "110" ──────────┐                         one for each use of a key
//!   what is heard of    ├─► Plan::choose ─► Target ─► Handover ─► actions: dial, brief, meet, join …
//!   the place: words,   │        │             ▲         ▲             │
//!   cell, number ───────┘    Districts      answer to   presses,      ▼
//!                                           a question  answers …  Conference ─► orders: second line …
//!                                                            │
//!                       roles and modes ─► hears() ◄─────────┘
//! ```

pub mod call_back;
mod conference;
mod districts;
pub mod dossier;
mod handover;
mod jurisdiction;
mod keys;
mod matrix;
mod plan;
mod reading;

pub use call_back::CallBack;
pub use conference::{Conference, Leaving, Order, Standing, Third};
pub use districts::Districts;
pub use dossier::{Dossier, Facts};
pub use handover::{Action, Handover, InputError, Notice, State, Terms};
pub use jurisdiction::{Choice, Heard};
pub use keys::{Dial, Key, KeyKind, Manner, Reach, SERVICES, Service, service};
pub use matrix::{Mode, Role, ThirdId, hears};
pub use meishier_routing::{City, CityError, CityTable};
pub use plan::{PlaceRule, Plan, RuleOf, Target, TargetError};

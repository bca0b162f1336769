//! The engine on a virtual clock, among callers, seats and carriers that a seed throws together.
//!
//! What lives here: the far ends as small SIP machines of their own, the people behind them, the
//! wires between, the faults, and the judges that look after every step. What may not: clocks,
//! threads, sockets, true randomness (a run follows from its seed alone), and any use of the
//! engine's own code to decide what the engine should have done.
//!
//! ```text
//!   scenario ─► traffic ─► people ◄─► peer (SIP of their own) ◄─► wire ◄─► rig: the engine
//!                             faults ──────────────────────────────┴──────────┘   │ everything seen
//!                                                                                 ▼
//!                          reference (books of their own) ◄── invariants, stream, log, trace
//! ```

pub mod agenda;
mod defect;
pub mod dice;
pub mod faults;
pub mod figures;
pub mod invariants;
pub mod log;
pub mod media_scenario;
pub mod peer;
pub mod people;
pub mod reference;
pub mod registration_scenario;
pub mod rig;
pub mod run;
pub mod scenario;
pub mod stream;
pub mod study;
pub mod trace;
pub mod traffic;
pub mod wire;
mod world;

#[cfg(feature = "defects")]
pub use defect::Defect;
pub use faults::FaultLevel;
pub use rig::QueueKind;
#[cfg(feature = "defects")]
pub use run::run_broken;
#[doc(hidden)]
pub use run::run_forged;
pub use run::{Failure, PROVINCE_YEAR, RunOptions, RunReport, run};
pub use scenario::Scenario;
pub use world::WorldError;

//! The engine on a virtual clock, among callers, seats and carriers that a seed throws together.
//!
//! What lives here: the far ends as small SIP machines of their own, the people behind them, the
//! wires between, the faults, and the judges that look after every step. What may not: clocks,
//! threads, sockets, true randomness (a run follows from its seed alone), and any use of the
//! engine's own code to decide what the engine should have done.

pub mod dice;
pub mod media_scenario;
pub mod stream;

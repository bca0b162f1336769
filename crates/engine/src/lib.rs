//! The one composition: a call from its INVITE to its final record, without a socket or a clock.

pub mod api;

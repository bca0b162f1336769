//! Placeholder.

pub mod flow;

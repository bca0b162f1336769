//! Minds.

//! The HTTP side: probes, metrics page, and the API for seats, calls and records.
//!
//! What lives here: routes, checking of what is asked for, words for people (Chinese, English on
//! request), limits against whoever connects. What may not: decisions about calls (the engine's),
//! registrations, a number that is not masked.
//!
//! ```text
//!   GET  /                              page for people        ┐
//!   GET  /healthz  /readyz  /metrics    open to all            ┘ no token
//!   GET  /api/v1/seats                  POST /api/v1/seats/{name}/state     ┐
//!   GET  /api/v1/seats/{name}           POST /api/v1/calls/{id}/transfer    ├ bearer token,
//!   GET  /api/v1/calls                  DELETE /api/v1/calls/{id}/transfer  │ if there is one
//!   GET  /api/v1/records                                                    ┘
//!        │ Command                ▲ Reply
//!        ▼                        │
//!   trait Control ── implemented by whoever drives the shards
//! ```

mod access;
mod app;
mod calls;
mod error;
mod lang;
mod page;
mod probes;
mod records;
mod router;
mod seats;
mod serve;
mod wire;

pub use app::{App, Control, Directory, Reachable, Unavailable};
pub use router::router;
pub use serve::{ServeLimits, serve, serve_with};

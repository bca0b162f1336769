//! The HTTP side: probes, metrics page, and the API for seats, calls, pools, marks of numbers, the
//! configuration and records.
//!
//! What lives here: routes, checking of what is asked for, words for people (Chinese, English on
//! request), limits against whoever connects. What may not: decisions about calls (the engine's),
//! registrations, a number that is not masked.
//!
//! ```text
//!   GET  /  /desk                       pages for people       ┐
//!   GET  /healthz  /readyz  /metrics    open to all            ┘ no token
//!   GET  /api/v1/seats                  POST /api/v1/seats/{name}/state     ┐
//!   GET  /api/v1/seats/{name}           POST /api/v1/calls/{id}/transfer    ├ bearer token,
//!   GET  /api/v1/calls                  DELETE /api/v1/calls/{id}/transfer  │ if there is one
//!   GET  /api/v1/calls/{id}/why         POST /api/v1/calls/{id}/risk        │
//!   GET  /api/v1/pools                  POST /api/v1/calls/{id}/nuisance    │
//!   GET  /api/v1/trunks                                                     │
//!   GET  /api/v1/table                  PUT, DELETE /api/v1/pools/{name}/state
//!   GET  /api/v1/marks                  POST /api/v1/reload                 │
//!                                       PUT, DELETE /api/v1/marks           │
//!   GET  /api/v1/records                POST /api/v1/calls/{id}/thirds/{n}  │
//!   GET  /api/v1/keys                   POST …/parties/{who}/mode           │
//!   GET  /api/v1/keys/{name}/target     POST …/leave  …/alarms/seen         │
//!   GET  /api/v1/audit                  POST …/supervise  …/recording       ┘
//!        │ Command                ▲ Reply
//!        ▼                        │
//!   trait Control ── implemented by whoever drives the shards
//! ```

mod access;
mod app;
mod audit;
mod call_back;
mod calls;
mod desk;
mod dossier;
mod error;
mod keys;
mod lang;
mod marks;
mod page;
mod pools;
mod probes;
mod records;
mod reveal;
mod router;
mod seats;
mod serve;
mod table;
mod thirds;
mod trunks;
mod why;
mod wire;

pub use app::{
    App, Control, Directory, KeyInfo, Mistake, NotReloaded, Reachable, Reached, Reloaded,
    TableInfo, Tables, Unavailable,
};
pub use router::router;
pub use serve::{ServeLimits, serve, serve_with};

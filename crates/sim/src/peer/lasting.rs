//! How long a session lasts without a refresh (RFC 4028), as a caller behind a carrier keeps it.

use super::text::{Message, Writer};
use meishier_model::Mono;
use std::time::Duration;

/// The session timer of a call.
///
/// ```text
///   off ── 2xx or refresh with Session-Expires ──▶ lasts until then ── refresh: anew
///                                                     └─ nobody refreshed it: BYE (§10)
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lasting {
    end: Option<Mono>,
}

impl Lasting {
    /// A message that settles the session says how long it lasts from now on.
    pub(crate) fn hear(&mut self, now: Mono, message: &Message<'_>) {
        let seconds = message.header("Session-Expires");
        let seconds = seconds.and_then(|v| v.split(';').next()?.trim().parse().ok());
        self.end = seconds.map(|seconds| now + Duration::from_secs(seconds));
    }

    /// Writes into the answer what a refresh said, with the refresher that it named (§9).
    pub(crate) fn repeat(request: &Message<'_>, writer: Writer) -> Writer {
        match request.header("Session-Expires") {
            Some(value) => writer.header("Session-Expires", value),
            None => writer,
        }
    }

    /// True, once, if nobody has refreshed it in time.
    pub(crate) fn is_over(&mut self, now: Mono) -> bool {
        self.end.take_if(|end| *end <= now).is_some()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        self.end
    }

    /// There is no session any more.
    pub(crate) fn stop(&mut self) {
        self.end = None;
    }
}

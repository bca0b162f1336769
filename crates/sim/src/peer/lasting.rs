//! How long a session lasts without a refresh (RFC 4028), as a far end keeps it, and who refreshes.

use super::text::{Message, Writer};
use meishier_model::Mono;
use std::time::Duration;

/// A refresh that could not be sent, or was refused, is tried again after this.
const AGAIN: Duration = Duration::from_secs(3);

/// The session timer of a call.
///
/// ```text
///   off ── 2xx with Session-Expires ──▶ lasts until then ◀── refreshed by either ──┐
///    ▲                                    │  │ ours: half of it has passed: refresh │
///    └── 2xx without ─────────────────────┘  └────────────────────────────────────-─┘
///                                         └─ nobody refreshed it: BYE (§10)
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lasting {
    seconds: u32,
    end: Option<Mono>,
    /// This end refreshes.
    ours: bool,
    refresh: Option<Mono>,
}

impl Lasting {
    /// A message that settles the session says how long it lasts from now on: a 2xx to a request of
    /// ours, or (`asked` false) a request that we answer by what it said.
    pub(crate) fn hear(&mut self, now: Mono, message: &Message<'_>, asked: bool) {
        *self = Self::default();
        let Some(value) = message.header("Session-Expires") else {
            return;
        };
        let seconds = value.split(';').next().map(|v| v.trim().parse());
        let by_sender = !value.contains("refresher=uas");
        if let Some(Ok(seconds)) = seconds {
            self.begin(now, seconds, by_sender == asked);
        }
    }

    /// It lasts so long from now on; `ours`: this end refreshes.
    pub(crate) fn begin(&mut self, now: Mono, seconds: u32, ours: bool) {
        let whole = Duration::from_secs(u64::from(seconds));
        *self = Self {
            seconds,
            end: Some(now + whole),
            ours,
            // §7.2, §10.
            refresh: ours.then(|| now + whole / 2),
        };
    }

    /// Writes into a request of ours that it lasts on, with the refresher that it has (§7.4).
    pub(crate) fn claim(&self, writer: Writer) -> Writer {
        let who = if self.ours { "uac" } else { "uas" };
        let seconds = self.seconds;
        match self.end {
            Some(_) => writer
                .header("Supported", "timer")
                .format("Session-Expires", format_args!("{seconds};refresher={who}")),
            None => writer,
        }
    }

    /// Writes into the answer what a refresh said, with the refresher that it named (§9).
    pub(crate) fn repeat(request: &Message<'_>, writer: Writer) -> Writer {
        match request.header("Session-Expires") {
            Some(value) => writer.header("Session-Expires", value),
            None => writer,
        }
    }

    /// True, once, if it is this end's to refresh now.
    pub(crate) fn is_due(&mut self, now: Mono) -> bool {
        self.refresh.take_if(|at| *at <= now).is_some()
    }

    /// A refresh did not come to pass.
    pub(crate) fn retry(&mut self, now: Mono) {
        self.refresh = (self.ours && self.end.is_some()).then(|| now + AGAIN);
    }

    /// A change that was to refresh it as well was refused.
    pub(crate) fn retry_if_due(&mut self, now: Mono) {
        if self.refresh.is_none() {
            self.retry(now);
        }
    }

    /// True, once, if nobody has refreshed it in time.
    pub(crate) fn is_over(&mut self, now: Mono) -> bool {
        self.end.take_if(|end| *end <= now).is_some()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        super::timers::earlier(self.end, self.refresh)
    }

    /// There is no session any more.
    pub(crate) fn stop(&mut self) {
        *self = Self::default();
    }
}

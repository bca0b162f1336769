//! What dialogs agree on while they last, as the wire shows it: how long sessions stand (RFC 4028), and
//! which reliable ringing was acknowledged (RFC 3262).

use super::legs::hash;
use super::sip::{Sip, Start};
use meishier_model::Mono;
use std::time::Duration;

/// Early dialogs of one INVITE in which the engine acknowledges ringing.
const MOST_EARLY: usize = 8;

/// A session that stands for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// How long without a refresh.
    pub lasts: Duration,
    /// The engine refreshes; else the far end.
    pub by_engine: bool,
    /// When it was agreed on or refreshed.
    pub since: Mono,
}

impl Session {
    /// When whoever does not refresh may end it (RFC 4028 §10).
    #[must_use]
    pub fn end(&self) -> Mono {
        let before = Duration::from_secs(32).min(self.lasts / 3);
        self.since + self.lasts.saturating_sub(before)
    }
}

/// Reliable ringing that came: in which early dialog, its number, and the branch of the PRACK.
#[derive(Clone, Copy, Debug)]
pub struct Ringing {
    /// Hash of the far end's tag.
    pub tag: u64,
    /// RSeq.
    pub number: u32,
    /// Hash of the branch of the PRACK that named it.
    pub prack: Option<u64>,
}

/// What one leg has agreed on.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// How long its session stands.
    pub session: Option<Session>,
    /// CSeq of what settled it last, asked by the far end and by the engine.
    settled: [u32; 2],
    /// When the engine last asked for a change or a refresh.
    pub asked_anew: Option<Mono>,
    /// Since when a request of the engine in the dialog waits for its response.
    pub waits: Option<Mono>,
    /// Reliable ringing that came.
    pub ringing: Vec<Ringing>,
}

impl Keeping {
    /// A message came. Gives the tag and number of ringing that is to be acknowledged now.
    pub(super) fn came(&mut self, now: Mono, sip: &Sip<'_>) -> Option<(u64, u32)> {
        let Start::Response(status) = sip.start else {
            return None;
        };
        if status >= 200 {
            self.waits = None;
        }
        if (200..300).contains(&status) {
            self.settle(now, true, sip);
        }
        let rings = (101..200).contains(&status) && sip.reliable && sip.rseq > 0;
        if !rings || sip.method != "INVITE" {
            return None;
        }
        let (tag, number) = (hash(&[sip.to_tag()]), sip.rseq);
        let last = self.ringing.iter().rev().find(|it| it.tag == tag);
        let known = self
            .ringing
            .iter()
            .filter(|it| it.number == first(self, it.tag));
        let fits = match last {
            Some(last) => number == last.number + 1,
            None => known.count() < MOST_EARLY && !sip.to_tag().is_empty(),
        };
        fits.then(|| {
            let prack = None;
            self.ringing.push(Ringing { tag, number, prack });
            (tag, number)
        })
    }

    /// The engine sent a message.
    pub(super) fn left(&mut self, now: Mono, sip: &Sip<'_>) {
        match sip.start {
            Start::Response(200..300) => self.settle(now, false, sip),
            Start::Response(_) => {}
            Start::Request("ACK" | "BYE" | "CANCEL", _) => {}
            Start::Request(method, _) => {
                self.waits = self.waits.or(Some(now));
                if matches!(method, "INVITE" | "UPDATE") {
                    self.asked_anew = Some(now);
                }
                if let Some(it) = self.named(sip).and_then(|at| self.ringing.get_mut(at)) {
                    it.prack = Some(hash(&[sip.branch]));
                }
            }
        }
    }

    /// The ringing that a PRACK of the engine names.
    #[must_use]
    pub fn named(&self, sip: &Sip<'_>) -> Option<usize> {
        let number: u32 = sip.rack.split(' ').next()?.parse().ok()?;
        let tag = hash(&[sip.to_tag()]);
        let is = |it: &Ringing| it.tag == tag && it.number == number;
        self.ringing.iter().position(is)
    }

    fn settle(&mut self, now: Mono, by_engine: bool, sip: &Sip<'_>) {
        let last = &mut self.settled[usize::from(by_engine)];
        if !matches!(sip.method, "INVITE" | "UPDATE") || sip.cseq <= *last {
            return;
        }
        *last = sip.cseq;
        self.session = sip.expires.map(|(seconds, asker)| Session {
            lasts: Duration::from_secs(u64::from(seconds)),
            by_engine: asker == by_engine,
            since: now,
        });
    }
}

/// The first number that came with this tag.
fn first(keeping: &Keeping, tag: u64) -> u32 {
    let found = keeping.ringing.iter().find(|it| it.tag == tag);
    found.map_or(0, |it| it.number)
}

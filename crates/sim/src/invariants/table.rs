//! The invariants by number and name.

use std::fmt;

/// A promise of the engine. The number is the architecture's; `Sip` to `Replies` are rules beside
/// it, with number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// 1. Every accepted INVITE is in exactly one phase; none vanishes.
    OnePlace,
    /// 2. One live offer a caller, one call a seat, no offer to a seat that is not ready.
    OneOffer,
    /// 3. Risk, own seat, effective class, arrival.
    Order,
    /// 4. Skills, rings and who may sit where.
    Fit,
    /// 5. A risk caller is never rejected and never dropped.
    Risk,
    /// 6. A transfer ends in a known way in time, and the caller is not released first.
    Transfer,
    /// 7. One record a call, true and adding up.
    Record,
    /// 9. No waiting caller beside a ready seat that fits.
    Stranded,
    /// 8. Nobody hears whom they should not; both ends of a talk hear each other.
    Streams,
    /// 10. Nobody is overtaken without end; every phase has its limit.
    Overtaken,
    /// 11. What was taken is given back.
    Baseline,
    /// Lines in use never exceed the shift's number by a new offer, and none is lost.
    Lines,
    /// RFC 3261: what a message must have, how a dialog counts, how a transaction ends.
    Sip,
    /// A caller's INVITE is answered by one 200 only.
    AnsweredOnce,
    /// Every telephone that was made to ring is told when it is over.
    Rings,
    /// A record is written only when the caller's leg is over.
    LegOver,
    /// No personal data in notices; no notice of something unexpected.
    Notices,
    /// One answer for each command.
    Replies,
    /// Nobody is refused by routing; a record names table and rules, as the file has them.
    Route,
    /// Who calls again stands where the earlier call stood, and nobody else does.
    Kept,
    /// Whoever is flagged stands above all at once; nuisance is not held against them.
    Flag,
    /// Pools that take no calls delay nobody.
    Ladder,
    /// Reliable ringing is acknowledged, once.
    Pracks,
    /// A session that is the engine's to refresh is refreshed in time.
    Refreshed,
    /// Nobody in conversation is hung up by a timer that was kept.
    KeptUp,
}

impl Invariant {
    /// All of them with number, name and text.
    pub const ALL: [(Invariant, u8, &'static str, &'static str); 25] = [
        (
            Self::OnePlace,
            1,
            "one-place",
            "every accepted INVITE is at every instant in exactly one of: queued, offered, talking, transferring, wrapping up, ended",
        ),
        (
            Self::OneOffer,
            2,
            "one-offer",
            "a caller has at most one live offer, a seat at most one call, and no offer goes to a seat that is paused, resting or logged out",
        ),
        (
            Self::Order,
            3,
            "order",
            "risk class, own seat, effective class, arrival stamp among the callers whom a seat fits",
        ),
        (
            Self::Fit,
            4,
            "fit",
            "no required skill, ring or permission is violated; preferences widen only by rule",
        ),
        (
            Self::Risk,
            5,
            "risk",
            "a caller with a risk flag is never rejected and never dropped",
        ),
        (
            Self::Transfer,
            6,
            "transfer",
            "a transfer ends in a known way within its limit, an emergency that reached nobody is told, and the caller is never released first",
        ),
        (
            Self::Record,
            7,
            "record",
            "exactly one final record a call; times are monotonic and add up",
        ),
        (
            Self::Stranded,
            9,
            "stranded",
            "no waiting caller and ready seat that fit coexist for more than 100 ms",
        ),
        (
            Self::Streams,
            8,
            "streams",
            "media goes only where it was negotiated, both ends of a talk hear each other, and nobody hears another call",
        ),
        (
            Self::Overtaken,
            10,
            "overtaken",
            "a caller of higher priority waits for at most one offer cycle of a lower one",
        ),
        (
            Self::Baseline,
            11,
            "baseline",
            "ports, dialogs, timers and memory return to the baseline",
        ),
        (
            Self::Lines,
            0,
            "lines",
            "a new offer never takes a line beyond the shift's number, and no line is lost",
        ),
        (Self::Sip, 0, "sip", "what is sent is sound SIP"),
        (
            Self::AnsweredOnce,
            0,
            "answered-once",
            "an INVITE is answered by one 200 only",
        ),
        (Self::Rings, 0, "rings", "nothing is left ringing"),
        (
            Self::LegOver,
            0,
            "leg-over",
            "no record before the caller's leg is over",
        ),
        (
            Self::Notices,
            0,
            "notices",
            "no personal data and nothing unexpected in notices",
        ),
        (Self::Replies, 0, "replies", "one answer for each command"),
        (
            Self::Route,
            0,
            "route",
            "routing refuses nobody, and a record names the table and the rules that decided",
        ),
        (
            Self::Kept,
            0,
            "kept",
            "who calls again in time stands where the earlier call stood, and nobody takes a stranger's place",
        ),
        (
            Self::Flag,
            0,
            "flag",
            "whoever is flagged stands above all at once, and nuisance is not held against them",
        ),
        (
            Self::Ladder,
            0,
            "ladder",
            "a pool that takes no calls does not delay those after it",
        ),
        (
            Self::Pracks,
            0,
            "pracks",
            "reliable ringing is acknowledged, and once",
        ),
        (
            Self::Refreshed,
            0,
            "refreshed",
            "a session that is the engine's to refresh is refreshed in time",
        ),
        (
            Self::KeptUp,
            0,
            "kept-up",
            "nobody in conversation is hung up by a timer that was kept",
        ),
    ];

    fn row(self) -> (u8, &'static str, &'static str) {
        let found = Self::ALL.iter().find(|row| row.0 == self);
        found.map_or((0, "", ""), |row| (row.1, row.2, row.3))
    }

    /// The architecture's number; 0 for the rules beside it.
    #[must_use]
    pub fn number(self) -> u8 {
        self.row().0
    }

    /// A short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What is promised.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.row().2
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            0 => f.write_str(self.name()),
            number => write!(f, "{number} {}", self.name()),
        }
    }
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// SIP Call-ID of the caller concerned, if one is.
    pub call: Option<String>,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl std::error::Error for Violation {}

impl Invariant {
    /// The verdict that it is broken.
    pub(super) fn broken<T>(self, call: Option<&str>, what: String) -> Result<T, Violation> {
        Err(Violation {
            invariant: self,
            call: call.map(str::to_owned),
            what,
        })
    }
}

//! Sequences of keys on a counsellor's telephone: which one has been typed, and when it is certain.
//!
//! ```text
//!             `*` or `#`             a digit with which a sequence goes on
//!   Idle ──────────────────▶ Typing ◀──┐
//!    ▲                         │ └─────┘
//!    │ no sequence goes on so: │
//!    │ Unknown; or BETWEEN     │ a sequence is there to its end
//!    │◀────────────────────────┤──────────────────────┬─────────────────────────────┐
//!    │                         │                      ▼ none goes on from it        ▼ another does
//!    │                         │                    Found                         Whole
//!    │                         │                      │     `#`, `*`, BETWEEN: Found │ a digit:
//!    │◀────────────────────────│──────────────────────┘◀─────────────────────────────┤ as Typing
//!    │                         │◀────────────────────────────────────────────────────┘
//! ```
//! Of two sequences of which one begins the other the longer wins while it is typed on. What is typed
//! beyond a sequence makes it another one, which nobody knows: rather nothing is done than what
//! somebody did not mean.

use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

/// Keys pressed further apart than this are not one after the other.
pub(crate) const BETWEEN: Duration = Duration::from_secs(3);

/// A sequence: `*` or `#` and digits; and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code<T> {
    pub(crate) keys: String,
    pub(crate) what: T,
}

/// What one more key, or the want of one, comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<T> {
    Nothing,
    Found(T),
    Unknown,
}

/// What has been typed of a sequence. Never longer than the longest of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Typed {
    keys: SmallVec<[u8; 12]>,
    at: Mono,
}

impl Typed {
    /// Another key; of two sequences that are alike the first of `codes` counts.
    pub(crate) fn press<T: Copy>(&mut self, now: Mono, key: char, codes: &[Code<T>]) -> Step<T> {
        let late = now.since(self.at) > BETWEEN;
        let whole = self.whole(codes);
        let begins = matches!(key, '*' | '#');
        self.at = now;
        if late || begins {
            self.keys.clear();
            // `#` after a sequence ends it and begins none.
            if begins && !(key == '#' && whole.is_some() && !late) {
                self.keys.push(key as u8);
            }
            return whole.map_or(Step::Nothing, Step::Found);
        }
        if self.keys.is_empty() {
            return Step::Nothing;
        }
        let Ok(byte) = u8::try_from(key) else {
            return Step::Nothing;
        };
        self.keys.push(byte);
        let goes_on = |code: &&Code<T>| code.keys.as_bytes().starts_with(&self.keys);
        let mut fits = codes.iter().filter(goes_on);
        if fits.next().is_none() {
            self.keys.clear();
            return Step::Unknown;
        }
        match self.whole(codes) {
            Some(what) if !self.may_go_on(codes) => {
                self.keys.clear();
                Step::Found(what)
            }
            _ => Step::Nothing,
        }
    }

    /// True while a sequence has begun.
    pub(crate) fn is_typing(&self) -> bool {
        !self.keys.is_empty()
    }

    /// When [`Typed::timeout`] is due: what has begun is not gone on with.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.is_typing().then(|| self.at + BETWEEN)
    }

    /// Time passed.
    pub(crate) fn timeout<T: Copy>(&mut self, now: Mono, codes: &[Code<T>]) -> Step<T> {
        if now.since(self.at) < BETWEEN {
            return Step::Nothing;
        }
        let whole = self.whole(codes);
        self.keys.clear();
        whole.map_or(Step::Nothing, Step::Found)
    }

    fn whole<T: Copy>(&self, codes: &[Code<T>]) -> Option<T> {
        let same = |code: &&Code<T>| *code.keys.as_bytes() == *self.keys;
        codes.iter().find(same).map(|code| code.what)
    }

    fn may_go_on<T>(&self, codes: &[Code<T>]) -> bool {
        let longer = |code: &Code<T>| {
            code.keys.len() > self.keys.len() && code.keys.as_bytes().starts_with(&self.keys)
        };
        codes.iter().any(longer)
    }
}

#[cfg(test)]
mod tests {
    use super::{BETWEEN, Code, Step, Typed};
    use meishier_model::Mono;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn codes() -> Vec<Code<&'static str>> {
        let all = ["*1", "*110", "*12", "*0", "#7", "*110", "*99"];
        let code = |keys: &&'static str| Code {
            keys: (*keys).to_owned(),
            what: *keys,
        };
        all.iter().map(code).collect()
    }

    /// Types with a second between keys; `,` waits for four.
    fn typed(keys: &str) -> Vec<Step<&'static str>> {
        let (codes, mut typed, mut now) = (codes(), Typed::default(), Mono(5_000_000));
        let mut out = Vec::new();
        for key in keys.chars() {
            if key == ',' {
                let until = now + SECOND * 4;
                if let Some(at) = typed.deadline().filter(|at| *at <= until) {
                    out.push(typed.timeout(at, &codes));
                }
                now = until;
                continue;
            }
            now = now + SECOND;
            out.push(typed.press(now, key, &codes));
        }
        out.retain(|step| *step != Step::Nothing);
        out
    }

    #[test]
    fn a_sequence_is_found_as_soon_as_no_other_goes_on_from_it() {
        for (keys, found) in [("*110", "*110"), ("*12", "*12"), ("*0", "*0"), ("#7", "#7")] {
            assert_eq!(typed(keys), [Step::Found(found)], "{keys}");
        }
    }

    #[test]
    fn the_longer_of_two_wins_unless_nothing_follows() {
        assert_eq!(typed("*1"), []);
        assert_eq!(typed("*1,"), [Step::Found("*1")], "a pause");
        assert_eq!(
            typed("*1#"),
            [Step::Found("*1")],
            "a hash, which begins nothing"
        );
        assert_eq!(typed("*1#7"), [Step::Found("*1")]);
        assert_eq!(typed("*1*0"), [Step::Found("*1"), Step::Found("*0")]);
        assert_eq!(typed("*11,"), [], "neither the one nor the other");
        assert_eq!(typed("*11#"), []);
    }

    #[test]
    fn what_nobody_knows_does_nothing() {
        assert_eq!(typed("*5"), [Step::Unknown]);
        assert_eq!(typed("*13"), [Step::Unknown], "not *1");
        assert_eq!(
            typed("*1109"),
            [Step::Found("*110")],
            "the last key is of no sequence"
        );
        assert_eq!(typed("*98"), [Step::Unknown]);
        assert_eq!(typed("*A"), [Step::Unknown]);
        assert_eq!(typed("110"), [], "keys without a star are not for us");
        assert_eq!(typed("*,110"), [], "too slow");
        assert_eq!(typed("**0"), [Step::Found("*0")]);
        assert_eq!(typed("*9*0"), [Step::Found("*0")]);
        assert_eq!(typed("*9#7"), [Step::Found("#7")]);
        assert_eq!(typed("*é0"), [Step::Unknown]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (codes, mut typed) = (codes(), Typed::default());
        for key in "*1*1*11*110110110******##########".chars() {
            typed.press(Mono(9), key, &codes);
            assert!(typed.keys.len() <= 4);
        }
    }

    #[test]
    fn a_timer_that_comes_late_still_finds() {
        let (codes, mut typed) = (codes(), Typed::default());
        typed.press(Mono(0), '*', &codes);
        typed.press(Mono(0), '1', &codes);
        let late = Mono(0) + BETWEEN + SECOND;
        assert_eq!(typed.press(late, '1', &codes), Step::Found("*1"));
        assert_eq!(typed.press(late, '0', &codes), Step::Nothing);
        assert_eq!(typed.deadline(), None);
    }
}

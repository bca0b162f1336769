//! What is remembered of numbers: what counts, how long, and that strangers cannot fill it.

use meishier_model::{CounsellorId, DialString, Mono, Now, Wall};
use meishier_routing::{
    Book, Fact, KeptPlace, Known, MOST_COUNTED, MOST_NUMBERS, Note, NuisanceWhy, Policies, RiskWhy,
};
use proptest::prelude::*;
use std::time::Duration;

const NOON: i64 = 1_780_279_200_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const CALLER: &str = "13312345678";

fn policies() -> Policies {
    let mut policies = Policies::default();
    policies.redial.within = Duration::from_secs(600);
    policies.risk.dropped_within = Duration::from_secs(600);
    policies.nuisance.calls_a_day = 5;
    policies.nuisance.short_calls = 3;
    policies.nuisance.short = Duration::from_secs(20);
    policies
}

/// A book with its policies, so that a test reads as what happened.
struct Shelf {
    book: Book,
    policies: Policies,
}

impl Shelf {
    fn new() -> Self {
        Self {
            book: Book::default(),
            policies: policies(),
        }
    }

    fn note(&mut self, caller: &str, at: i64, fact: Fact) {
        if let Some(note) = Note::new(&DialString::new(caller), Wall(at), fact) {
            self.book.write(&note, &self.policies);
        }
    }

    fn look(&self, caller: &str, at: i64) -> (Known, Option<KeptPlace>) {
        let now = Now {
            mono: Mono(0),
            wall: Wall(at),
        };
        self.book
            .known(&DialString::new(caller), now, &self.policies)
    }

    fn known(&self, at: i64) -> Known {
        self.look(CALLER, at).0
    }
}

fn place(left: i64) -> KeptPlace {
    KeptPlace {
        arrived: Mono(7),
        tie: 2,
        left: Wall(left),
    }
}

fn talked(seconds: u64, broke_off: bool) -> Fact {
    Fact::Talked {
        talked: Duration::from_secs(seconds),
        counsellor: CounsellorId(4),
        broke_off,
    }
}

fn flagged(until: i64) -> Fact {
    Fact::Flagged {
        until: Wall(until),
        counsellor: Some(CounsellorId(9)),
    }
}

fn marked(until: i64) -> Fact {
    Fact::Marked { until: Wall(until) }
}

#[test]
fn a_redial_keeps_the_place_once_and_for_a_time() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, Fact::Arrived);
    assert_eq!(shelf.look(CALLER, NOON), (Known::default(), None));
    shelf.note(CALLER, NOON, Fact::GaveUp(place(NOON)));
    for (after, kept) in [(0, true), (10 * MINUTE, true), (10 * MINUTE + 1, false)] {
        let (known, place) = shelf.look(CALLER, NOON + after);
        assert_eq!((known.redial, place.is_some()), (kept, kept), "{after}");
    }
    assert_eq!(shelf.look(CALLER, NOON + 1).1, Some(place(NOON)));
    // The same line however the trunk writes it, and nobody else's.
    assert!(shelf.look("+86 133-1234-5678", NOON + 1).0.redial);
    assert!(!shelf.look("13312345679", NOON + 1).0.redial);
    // Who comes back has the place; a third call in between has none.
    shelf.note(CALLER, NOON + MINUTE, Fact::Arrived);
    assert_eq!(shelf.look(CALLER, NOON + MINUTE).1, None);
    // Given up again, it is kept again.
    shelf.note(
        CALLER,
        NOON + 2 * MINUTE,
        Fact::GaveUp(place(NOON + 2 * MINUTE)),
    );
    assert!(shelf.known(NOON + 12 * MINUTE).redial);
    // A conversation is what the place was for.
    shelf.note(CALLER, NOON + 3 * MINUTE, talked(600, false));
    assert!(!shelf.known(NOON + 3 * MINUTE).redial);
}

#[test]
fn without_the_policy_no_place_is_kept() {
    let mut shelf = Shelf::new();
    shelf.policies.redial.within = Duration::ZERO;
    shelf.note(CALLER, NOON, Fact::GaveUp(place(NOON)));
    assert_eq!(shelf.look(CALLER, NOON), (Known::default(), None));
}

#[test]
fn who_withholds_the_number_is_never_in_it() {
    let mut shelf = Shelf::new();
    for withheld in [
        "",
        "anonymous",
        "sip:anonymous@anonymous.invalid",
        "匿名",
        "+86",
    ] {
        let caller = DialString::new(withheld);
        assert_eq!(
            Note::new(&caller, Wall(NOON), Fact::Arrived),
            None,
            "{withheld}"
        );
        shelf.note(withheld, NOON, flagged(NOON + DAY));
        // Even where one call a day is too many.
        shelf.policies.nuisance.calls_a_day = 1;
        assert_eq!(
            shelf.look(withheld, NOON),
            (Known::default(), None),
            "{withheld}"
        );
    }
    assert!(shelf.book.is_empty());
    let nuisance = Some(NuisanceWhy::CallsADay);
    assert_eq!(
        shelf.known(NOON).nuisance,
        nuisance,
        "a stranger's first call"
    );
}

#[test]
fn a_flag_lasts_until_its_end_and_names_who_knows_the_caller() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, flagged(NOON + 3 * DAY));
    // A shorter flag does not cut the longer one.
    shelf.note(CALLER, NOON + HOUR, flagged(NOON + DAY));
    let until = NOON + 3 * DAY;
    let known = shelf.known(until - 1);
    assert_eq!(
        (known.risk, known.last),
        (Some(RiskWhy::Flagged), Some(CounsellorId(9)))
    );
    // Who knows the caller is known as long as the book remembers the number.
    assert_eq!(
        (shelf.known(until).risk, shelf.known(until).last),
        (None, Some(CounsellorId(9)))
    );
    // A flag by key says nothing of counsellors: the last one stays.
    let by_key = Fact::Flagged {
        until: Wall(until + DAY),
        counsellor: None,
    };
    shelf.note(CALLER, NOON + 2 * HOUR, by_key);
    assert_eq!(shelf.known(until).last, Some(CounsellorId(9)));
}

#[test]
fn a_conversation_that_broke_off_counts_for_a_moment() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, talked(600, true));
    let known = shelf.known(NOON + 10 * MINUTE);
    assert_eq!(
        (known.risk, known.last),
        (Some(RiskWhy::Dropped), Some(CounsellorId(4)))
    );
    let knows = Known {
        last: Some(CounsellorId(4)),
        ..Known::default()
    };
    assert_eq!(shelf.known(NOON + 10 * MINUTE + 1), knows);
    // Ended well, it is over.
    shelf.note(CALLER, NOON + MINUTE, talked(600, false));
    assert_eq!(shelf.known(NOON + MINUTE), knows);
    shelf.note(CALLER, NOON + MINUTE, talked(600, true));
    shelf.policies.risk.dropped_within = Duration::ZERO;
    assert_eq!(shelf.known(NOON + MINUTE).risk, None, "without the policy");
}

#[test]
fn a_mark_lasts_until_its_end_is_taken_back_and_lifted_by_a_flag() {
    let mut shelf = Shelf::new();
    let until = NOON + 30 * DAY;
    shelf.note(CALLER, NOON, marked(until));
    assert_eq!(shelf.known(until - 1).nuisance, Some(NuisanceWhy::Marked));
    assert_eq!(shelf.known(until).nuisance, None);
    shelf.note(CALLER, NOON + HOUR, marked(NOON + HOUR));
    assert_eq!(shelf.known(NOON + HOUR).nuisance, None, "taken back");
    shelf.note(CALLER, NOON + HOUR, marked(until));
    shelf.note(CALLER, NOON + HOUR, flagged(NOON + 2 * HOUR));
    let known = shelf.known(NOON + HOUR);
    assert_eq!((known.risk, known.nuisance), (Some(RiskWhy::Flagged), None));
    // It does not come back with the flag's end.
    assert_eq!(shelf.known(NOON + 3 * HOUR).nuisance, None);
}

#[test]
fn a_flag_is_taken_back_at_once_and_nothing_else_with_it() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, talked(600, true));
    shelf.note(CALLER, NOON, flagged(NOON + DAY));
    assert_eq!(shelf.known(NOON).risk, Some(RiskWhy::Flagged));
    shelf.note(CALLER, NOON, Fact::Cleared);
    // That the conversation broke off is another reason, which nobody took back.
    assert_eq!(shelf.known(NOON).risk, Some(RiskWhy::Dropped));
    assert_eq!(shelf.known(NOON + HOUR).risk, None);
    // Said again, it counts again.
    shelf.note(CALLER, NOON + HOUR, flagged(NOON + DAY));
    assert_eq!(shelf.known(NOON + HOUR).risk, Some(RiskWhy::Flagged));
    let mut other = Shelf::new();
    other.note(CALLER, NOON, marked(NOON + DAY));
    other.note(CALLER, NOON, Fact::Cleared);
    assert_eq!(other.known(NOON).nuisance, Some(NuisanceWhy::Marked));
}

#[test]
fn calls_a_day_count_the_one_that_arrives() {
    let mut shelf = Shelf::new();
    for n in 0..4 {
        assert_eq!(shelf.known(NOON + n * HOUR).nuisance, None, "{n}");
        shelf.note(CALLER, NOON + n * HOUR, Fact::Arrived);
    }
    let nuisance = Some(NuisanceWhy::CallsADay);
    assert_eq!(shelf.known(NOON + 4 * HOUR).nuisance, nuisance);
    assert_eq!(shelf.known(NOON + DAY - 1).nuisance, nuisance);
    assert_eq!(
        shelf.known(NOON + DAY).nuisance,
        None,
        "the first is a day ago"
    );
    shelf.policies.nuisance.calls_a_day = 0;
    assert_eq!(
        shelf.known(NOON + 4 * HOUR).nuisance,
        None,
        "without the policy"
    );
}

#[test]
fn short_conversations_count_and_long_ones_do_not() {
    let mut shelf = Shelf::new();
    for (n, seconds) in [(0, 19), (1, 20), (2, 3_000), (3, 0)] {
        shelf.note(CALLER, NOON + n * HOUR, talked(seconds, false));
    }
    assert_eq!(shelf.known(NOON + 4 * HOUR).nuisance, None, "two of four");
    shelf.note(CALLER, NOON + 4 * HOUR, talked(19, false));
    let nuisance = Some(NuisanceWhy::ShortCalls);
    assert_eq!(shelf.known(NOON + DAY - 1).nuisance, nuisance);
    assert_eq!(shelf.known(NOON + DAY).nuisance, None);
}

#[test]
fn what_is_over_is_forgotten_with_the_next_note() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, Fact::Arrived);
    shelf.note("13900000001", NOON, flagged(NOON + 2 * DAY));
    shelf.note("13900000002", NOON, marked(NOON + 3 * DAY));
    // A mark taken back is not remembered as long as it would have held.
    shelf.note("13900000003", NOON, marked(NOON + 30 * DAY));
    shelf.note("13900000003", NOON, marked(NOON));
    let lengths = [
        (DAY - 1, 5),
        (DAY, 3),
        (2 * DAY - 1, 3),
        (2 * DAY, 2),
        (3 * DAY, 1),
    ];
    for (after, left) in lengths {
        shelf.note("13900000009", NOON + after, Fact::Arrived);
        assert_eq!(shelf.book.len(), left, "{after}");
    }
}

#[test]
fn a_clock_that_is_set_back_loses_nothing_and_counts_nothing_twice() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, Fact::Arrived);
    shelf.note(CALLER, NOON, Fact::GaveUp(place(NOON)));
    shelf.note("13900000001", NOON, talked(600, true));
    let earlier = NOON - 6 * HOUR;
    assert!(shelf.known(earlier).redial);
    assert_eq!(
        shelf.look("13900000001", earlier).0.risk,
        Some(RiskWhy::Dropped)
    );
    for n in 0..4 {
        assert_eq!(shelf.known(earlier + n).nuisance, None);
        shelf.note(CALLER, earlier + n, Fact::Arrived);
    }
    assert_eq!(
        shelf.known(earlier + 9).nuisance,
        Some(NuisanceWhy::CallsADay)
    );
    // The ends of time are no reason to panic.
    for at in [i64::MIN, i64::MAX] {
        shelf.note(CALLER, at, flagged(at));
        shelf.note(CALLER, at, Fact::GaveUp(place(at)));
        let _ = shelf.known(i64::MIN).redial | shelf.known(i64::MAX).redial;
    }
    assert_eq!(shelf.book.len(), 1);
}

fn stranger(n: usize) -> String {
    format!("139{n:08}")
}

#[test]
fn a_flood_pushes_out_strangers_and_never_those_at_risk() {
    let mut shelf = Shelf::new();
    // Flags and marks that end before the flood's entries do.
    shelf.note(CALLER, NOON, flagged(NOON + HOUR));
    shelf.note("13700000001", NOON, marked(NOON + HOUR));
    for n in 0..MOST_NUMBERS + 100 {
        shelf.note(&stranger(n), NOON + 1 + n as i64, Fact::Arrived);
        assert!(shelf.book.len() <= MOST_NUMBERS);
    }
    assert_eq!(shelf.book.len(), MOST_NUMBERS);
    let soon = NOON + 10 * MINUTE;
    assert_eq!(shelf.known(soon).risk, Some(RiskWhy::Flagged));
    assert_eq!(
        shelf.look("13700000001", soon).0.nuisance,
        Some(NuisanceWhy::Marked)
    );
    // The oldest strangers are gone, the youngest is there.
    shelf.policies.nuisance.calls_a_day = 2;
    assert_eq!(shelf.look(&stranger(0), soon).0.nuisance, None);
    let last = stranger(MOST_NUMBERS + 99);
    assert_eq!(
        shelf.look(&last, soon).0.nuisance,
        Some(NuisanceWhy::CallsADay)
    );
}

#[test]
fn a_flood_of_flags_pushes_out_what_would_end_soonest() {
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, flagged(NOON + 30 * DAY));
    for n in 0..MOST_NUMBERS {
        shelf.note(&stranger(n), NOON, flagged(NOON + 2 * DAY + n as i64));
    }
    assert_eq!(shelf.book.len(), MOST_NUMBERS);
    assert_eq!(shelf.look(&stranger(0), NOON).0.risk, None);
    assert_eq!(
        shelf.look(&stranger(1), NOON).0.risk,
        Some(RiskWhy::Flagged)
    );
    assert_eq!(shelf.known(NOON).risk, Some(RiskWhy::Flagged));
    // One more who is nobody's worry is not worth a flag.
    shelf.note("13600000000", NOON, Fact::Arrived);
    assert_eq!(shelf.book.len(), MOST_NUMBERS);
    assert_eq!(
        shelf.look(&stranger(1), NOON).0.risk,
        Some(RiskWhy::Flagged)
    );
}

#[test]
fn one_number_cannot_grow_without_end() {
    let mut shelf = Shelf::new();
    shelf.policies.nuisance.calls_a_day = 64;
    for n in 0..10_000 {
        shelf.note(CALLER, NOON + n, Fact::Arrived);
        shelf.note(CALLER, NOON + n, talked(1, false));
    }
    assert_eq!(
        shelf.known(NOON + DAY - 1).nuisance,
        Some(NuisanceWhy::CallsADay)
    );
    let text = serde_json::to_string(&shelf.book).unwrap();
    // Two lists of moments of 13 digits, a comma each, and little else.
    assert!(text.len() < MOST_COUNTED * 2 * 14 + 400, "{}", text.len());
}

#[test]
fn notes_say_no_number_in_debug() {
    let note = Note::new(&DialString::new(CALLER), Wall(NOON), Fact::Arrived).unwrap();
    assert!(!format!("{note:?}").contains("12345678"));
    let mut shelf = Shelf::new();
    shelf.note(CALLER, NOON, Fact::Arrived);
    assert!(!format!("{:?}", shelf.book).contains("12345678"));
}

fn any_fact() -> impl Strategy<Value = (usize, i64, Fact)> {
    let until = (-2 * DAY..4 * DAY).prop_map(|it| NOON + it);
    let fact = prop_oneof![
        Just(Fact::Arrived),
        until.clone().prop_map(|left| Fact::GaveUp(place(left))),
        (0u64..60, any::<bool>()).prop_map(|(seconds, broke_off)| talked(seconds, broke_off)),
        until.clone().prop_map(flagged),
        until.prop_map(marked),
    ];
    // Time mostly goes on, and now and then back.
    (0usize..12, -HOUR..4 * HOUR, fact)
}

proptest! {
    /// What is kept about the order of ends is exactly what the entries say, and a book that was
    /// written down and read again is the same book.
    #[test]
    fn ends_and_entries_agree(facts in prop::collection::vec(any_fact(), 1..120)) {
        let mut shelf = Shelf::new();
        let mut at = NOON;
        for (who, passed, fact) in facts {
            at += passed;
            shelf.note(&stranger(who), at, fact);
            prop_assert!((1..=12).contains(&shelf.book.len()));
            let json = serde_json::to_value(&shelf.book).unwrap();
            let entries = json["entries"].as_object().unwrap();
            let mut ends: Vec<(i64, String)> = Vec::new();
            for list in ["ends", "held"] {
                for end in json[list].as_array().unwrap() {
                    ends.push((end[0].as_i64().unwrap(), end[1].as_str().unwrap().to_owned()));
                }
            }
            prop_assert_eq!(ends.len(), entries.len());
            for (end, number) in ends {
                prop_assert_eq!(entries[&number]["end"].as_i64(), Some(end));
            }
        }
        let text = serde_json::to_string(&shelf.book).unwrap();
        let again = Shelf { book: serde_json::from_str(&text).unwrap(), policies: policies() };
        prop_assert_eq!(again.book.len(), shelf.book.len());
        for who in 0..12 {
            for after in [0, HOUR, DAY, 3 * DAY] {
                let number = stranger(who);
                prop_assert_eq!(again.look(&number, at + after), shelf.look(&number, at + after));
            }
        }
    }
}

//! Who may be called back, and when. Every moment is worked out by hand.

use meishier_model::Wall;
use meishier_routing::{Hours, Number};
use meishier_transfer::call_back::{Refused, Terms, is_subscriber};
use meishier_transfer::dossier::{Facts, FactsError};

/// 2026-03-04 00:00 in Beijing is 2026-03-03 16:00 UTC: 20 515 days and 16 hours after 1970.
const MIDNIGHT: i64 = (20_515 * 24 + 16) * 3_600_000;

/// The moment of this time of that day in Beijing; hours may be negative or beyond 24.
fn at(hour: i64, minute: i64) -> Wall {
    Wall(MIDNIGHT + (hour * 60 + minute) * 60_000)
}

fn hours(text: &str) -> Hours {
    Hours::parse(text).unwrap()
}

/// A caller with a number who agreed, and said nothing of hours.
fn agreed(house: &str) -> Terms {
    Terms {
        number: true,
        consent: true,
        own: None,
        house: hours(house),
    }
}

fn unsafe_until(next: Wall) -> Result<(), Refused> {
    Err(Refused::UnsafeHours { next })
}

#[test]
fn a_caller_who_agreed_is_called_back_within_the_hours_and_told_from_when_on_otherwise() {
    let day = agreed("09:00-21:00");
    for (now, said) in [
        (at(9, 0), Ok(())),
        (at(12, 0), Ok(())),
        (Wall(at(21, 0).0 - 1), Ok(())),
        (at(21, 0), unsafe_until(at(24 + 9, 0))),
        (at(23, 59), unsafe_until(at(24 + 9, 0))),
        (at(0, 0), unsafe_until(at(9, 0))),
        (Wall(at(9, 0).0 - 1), unsafe_until(at(9, 0))),
    ] {
        assert_eq!(day.allow(now), said, "{now:?}");
    }
}

#[test]
fn hours_across_midnight_hold_on_both_of_its_sides() {
    let night = agreed("22:30-01:15");
    for (now, said) in [
        (at(22, 29), unsafe_until(at(22, 30))),
        (at(22, 30), Ok(())),
        (at(24, 0), Ok(())),
        (at(0, 0), Ok(())),
        (at(1, 14), Ok(())),
        (at(1, 15), unsafe_until(at(22, 30))),
        (at(24 + 1, 15), unsafe_until(at(24 + 22, 30))),
    ] {
        assert_eq!(night.allow(now), said, "{now:?}");
    }
    for now in [at(0, 0), at(3, 0), at(23, 59)] {
        assert_eq!(agreed("00:00-24:00").allow(now), Ok(()));
    }
    // Until midnight, and not a moment longer.
    let late = agreed("20:00-24:00");
    assert_eq!(late.allow(Wall(at(24, 0).0 - 1)), Ok(()));
    assert_eq!(late.allow(at(24, 0)), unsafe_until(at(24 + 20, 0)));
}

#[test]
fn the_callers_own_hours_take_the_place_of_the_houses() {
    let worker = Terms {
        own: Some(hours("22:00-23:30")),
        ..agreed("09:00-21:00")
    };
    assert_eq!(worker.allow(at(22, 10)), Ok(()), "the house sleeps");
    assert_eq!(
        worker.allow(at(10, 0)),
        unsafe_until(at(22, 0)),
        "not alone"
    );
}

#[test]
fn nobody_is_called_back_without_consent_or_without_a_number() {
    let consent = Terms {
        consent: false,
        ..agreed("00:00-24:00")
    };
    assert_eq!(consent.allow(at(12, 0)), Err(Refused::NoConsent));
    let own = Terms {
        own: Some(hours("00:00-24:00")),
        ..consent
    };
    assert_eq!(
        own.allow(at(12, 0)),
        Err(Refused::NoConsent),
        "hours are none"
    );
    for consent in [false, true] {
        let withheld = Terms {
            number: false,
            consent,
            ..agreed("00:00-24:00")
        };
        assert_eq!(withheld.allow(at(12, 0)), Err(Refused::NoNumber));
    }
    // What weighs more is told first: at night nobody hears of hours who did not agree.
    let neither = Terms {
        consent: false,
        ..agreed("09:00-21:00")
    };
    assert_eq!(neither.allow(at(2, 0)), Err(Refused::NoConsent));
}

#[test]
fn times_before_1970_and_at_the_end_of_time_are_answered_too() {
    let day = agreed("09:00-21:00");
    // 1969-12-31 23:59 in Beijing.
    let before = Wall(-(8 * 60 + 1) * 60_000);
    assert_eq!(day.allow(before), unsafe_until(Wall(3_600_000)));
    for edge in [Wall(i64::MIN), Wall(i64::MAX)] {
        let _ = day.allow(edge);
    }
}

#[test]
fn only_subscribers_of_this_country_are_called() {
    for number in [
        "13300000001",
        "+8613300000001",
        "085112345678",
        "0101234567",
        "02012345678",
    ] {
        assert!(is_subscriber(&Number::new(number)), "{number}");
    }
    for number in [
        "",
        "anonymous",
        "110",
        "0851110",
        "12356",
        "085112356",
        "4008111111",
        "95588",
        "+85221234567",
        "0018005551234",
        "88888888",
        "*99#",
        "seat7",
        "0851123456789",
    ] {
        assert!(!is_subscriber(&Number::new(number)), "{number}");
    }
}

#[test]
fn what_is_written_down_of_it_is_read_and_nonsense_refused() {
    let read = |text: &str| serde_json::from_str::<Facts>(text);
    let whole =
        read(r#"{"call_back":{"consent":true,"from":"20:00","until":"06:30","note":"只找本人"}}"#);
    let whole = whole.unwrap();
    assert_eq!(whole.check(), Ok(()));
    assert_eq!(whole.names(), ["call_back"]);
    let said = whole.call_back.clone().unwrap();
    assert_eq!(
        (said.consent, said.hours()),
        (true, Some(hours("20:00-06:30")))
    );
    assert!(!format!("{whole:?} {said:?}").contains("本人"));
    let bare = read(r#"{"call_back":{"consent":false}}"#).unwrap();
    assert_eq!(
        (bare.check(), bare.call_back.unwrap().hours()),
        (Ok(()), None)
    );
    let long = "字".repeat(201);
    for said in [
        r#""from":"20:00""#,
        r#""until":"20:00""#,
        r#""from":"20:00","until":"20:00""#,
        r#""from":"25:00","until":"26:00""#,
        r#""from":"8","until":"9""#,
        r#""from":"20:00-21:00","until":"22:00""#,
        r#""from":"","until":"""#,
        r#""note":"a\nb""#,
        &format!(r#""note":"{long}""#),
    ] {
        let facts = read(&format!(r#"{{"call_back":{{"consent":true,{said}}}}}"#)).unwrap();
        assert_eq!(facts.check(), Err(FactsError::CallBack), "{said}");
    }
    assert!(
        read(r#"{"call_back":{}}"#).is_err(),
        "yes or no is to be said"
    );
    assert!(read(r#"{"call_back":{"consent":true,"number":"110"}}"#).is_err());
}

//! What is said to the target before it joins.

use crate::made::{dossier, nothing_known, place};
use meishier_model::DialString;
use meishier_routing::Confidence;
use meishier_transfer::dossier::{Caller, Dossier, Place, Spoken, Sure, Told};

fn said(dossier: &Dossier) -> String {
    let names: Vec<&str> = dossier.spoken().into_iter().map(Spoken::name).collect();
    names.join(" ")
}

#[test]
fn everything_is_said_in_the_order_in_which_it_is_needed() {
    assert_eq!(
        said(&dossier()),
        "brief_danger brief_acting \
         brief_place 0 8 5 yao brief_place_told \
         hazard_height hazard_blade \
         brief_number yao 3 3 0 0 0 0 0 0 0 yao \
         brief_callback 0 8 5 yao yao 2 3 4 5 6 7 \
         brief_battery 10 5 brief_stays brief_confirm"
    );
}

#[test]
fn what_is_not_known_is_said_to_be_so() {
    let mut nothing = Dossier {
        emergency: false,
        ..nothing_known()
    };
    assert_eq!(
        said(&nothing),
        "brief_help brief_place_unsure brief_no_number brief_stays brief_confirm"
    );
    assert_eq!(nothing.callback(), None);
    nothing.places = vec![Place {
        by: Told::Segment,
        sure: Confidence::Low,
        ..place()
    }];
    nothing.caller = Caller {
        number: DialString::new("085186000000"),
        sure: Sure::Switchboard,
        withheld: false,
    };
    nothing.risk.flagged = true;
    assert_eq!(
        said(&nothing),
        "brief_help brief_high brief_place 0 8 5 yao brief_place_number brief_place_unsure \
         brief_number 0 8 5 yao 8 6 0 0 0 0 0 0 brief_switchboard brief_stays brief_confirm"
    );
    assert_eq!(nothing.callback(), None, "many sit behind it");
    nothing.caller.sure = Sure::Claimed;
    assert!(said(&nothing).contains("brief_unproved"));
    assert_eq!(nothing.callback(), Some("085186000000"));
    // A place that the counsellor named, in doubt.
    let doubted = Dossier {
        doubt: "有两个同名的县".into(),
        ..dossier()
    };
    assert!(said(&doubted).contains("brief_place_told brief_place_unsure"));
}

#[test]
fn percentages_are_said_as_people_count() {
    for (percent, words) in [
        (0, "0"),
        (7, "7"),
        (10, "10"),
        (11, "10 1"),
        (20, "2 10"),
        (37, "3 10 7"),
        (100, "hundred"),
    ] {
        let mut dossier = dossier();
        dossier.facts.battery = Some(percent);
        let expected = format!("brief_battery {words} brief_stays");
        assert!(said(&dossier).contains(&expected), "{percent}");
    }
}

#[test]
fn a_number_of_any_length_is_read_out_to_a_limit() {
    let mut dossier = dossier();
    dossier.caller.number = DialString::new(&"9".repeat(64));
    let spoken = dossier.spoken();
    let nines = spoken.iter().filter(|it| **it == Spoken::Digit(9));
    assert_eq!(nines.count(), 20);
}

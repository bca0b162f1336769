//! A carrier that wants to be registered at, on its good and its bad days.

use meishier_sim::registration_scenario::{run, run_against};

#[test]
fn the_registration_comes_back_and_calls_show_who_we_are() {
    for seed in 0..12 {
        let figures = run(seed, 24).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        assert!(figures.outages > 5, "{figures:?}");
        assert!(figures.back > 5, "{figures:?}");
        assert!(figures.pressed > 100 && figures.dialled > 50, "{figures:?}");
        let carrier = figures.carrier;
        assert!(carrier.bound > 50 && carrier.stale > 5, "{figures:?}");
        // A challenge for each shard and each change; else credentials are shown at once.
        assert!(carrier.proved > 50, "{figures:?}");
        assert!(carrier.at_once * 2 > carrier.proved, "{figures:?}");
    }
}

#[test]
fn who_shows_a_wrong_password_is_found_out() {
    let found = run_against(1, 1, "another password").unwrap_err();
    assert_eq!(found, "REGISTER with credentials that prove nothing");
}

#[test]
fn the_same_seed_gives_the_same_day() {
    assert_eq!(run(77, 6), run(77, 6));
    assert_ne!(run(77, 6), run(78, 6));
}

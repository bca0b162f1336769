//! Single packets: nobody ever hears a stranger or another call, everybody hears whom it should.

use meishier_sim::dice::Dice;
use meishier_sim::media_scenario::{MediaFaults, MediaFigures, run};

fn passed(seed: u64, seconds: u64, faults: MediaFaults) -> MediaFigures {
    run(seed, seconds, faults.clone()).unwrap_or_else(|what| panic!("{what}\n{faults:?}"))
}

#[test]
fn on_a_clean_network_everybody_hears_everything() {
    for seed in 0..4 {
        let figures = passed(seed, 30, MediaFaults::none());
        assert!(figures.calls >= 12 && figures.seconds > 60, "{figures:?}");
        assert!(figures.heard > 20_000 && figures.digits > 5, "{figures:?}");
        assert_eq!(figures.attacks, 0);
    }
}

#[test]
fn strangers_and_ghosts_are_heard_by_nobody() {
    for seed in 100..104 {
        let figures = passed(seed, 30, MediaFaults::light());
        assert!(figures.attacks > 400 && figures.ghosts > 20, "{figures:?}");
        assert!(figures.seconds > 30, "{figures:?}");
    }
}

#[test]
fn any_part_of_all_faults() {
    for seed in 200..216 {
        let faults = MediaFaults::swarm(&mut Dice::new(seed));
        passed(seed, 20, faults);
    }
}

#[test]
fn ghosts_at_shared_addresses_take_nobodys_place() {
    for seed in 300..312 {
        let faults = MediaFaults {
            breaks: 0.1,
            rebinds: 0.2,
            ghosts: 1.0,
            ..MediaFaults::none()
        };
        let figures = passed(seed, 30, faults);
        assert!(figures.ghosts > 500, "{figures:?}");
    }
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let one = passed(7, 10, MediaFaults::light());
    assert_eq!(one, passed(7, 10, MediaFaults::light()));
    assert_ne!(
        one.log_sha256,
        passed(8, 10, MediaFaults::light()).log_sha256
    );
}

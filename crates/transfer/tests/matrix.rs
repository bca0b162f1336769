//! Who hears whom, written out by hand for every pair of modes.

use meishier_transfer::{Mode, Role, hears};

const MODES: [Mode; 7] = [
    Mode::Full,
    Mode::Aside,
    Mode::Listen,
    Mode::Whisper,
    Mode::Desk,
    Mode::Back,
    Mode::Held,
];

/// Rows listen, columns speak, in the order of [`MODES`]; not the counsellor.
#[rustfmt::skip]
const HEARD: [&str; 7] = [
    // Full Aside Listen Whisper Desk Back Held
    "x......", // Full
    ".x.....", // Aside
    "xx.....", // Listen
    "xx.....", // Whisper
    "x...xx.", // Desk
    "....xx.", // Back
    ".......", // Held
];

#[test]
fn every_pair_of_modes() {
    for (listener, row) in MODES.into_iter().zip(HEARD) {
        for (speaker, mark) in MODES.into_iter().zip(row.chars()) {
            let heard = hears((Role::Target, listener), (Role::SecondLine, speaker));
            assert_eq!(heard, mark == 'x', "{listener:?} hears {speaker:?}");
        }
    }
}

#[test]
fn the_counsellor_hears_whispers_and_nobody_else_does() {
    for mode in MODES {
        let whisper = (Role::Supervisor, Mode::Whisper);
        assert_eq!(hears((Role::Counsellor, mode), whisper), mode != Mode::Held);
        for role in [
            Role::Caller,
            Role::Target,
            Role::SecondLine,
            Role::Supervisor,
        ] {
            assert!(!hears((role, mode), whisper), "{role:?} {mode:?}");
        }
    }
}

#[test]
fn quiet_police_are_heard_by_the_desk_alone() {
    let (caller, counsellor) = ((Role::Caller, Mode::Full), (Role::Counsellor, Mode::Full));
    let (desk, police) = ((Role::SecondLine, Mode::Desk), (Role::Target, Mode::Back));
    for (listener, speaker, heard) in [
        (caller, counsellor, true),
        (caller, desk, false),
        (caller, police, false),
        (counsellor, caller, true),
        (counsellor, desk, false),
        (counsellor, police, false),
        (desk, caller, true),
        (desk, counsellor, true),
        (desk, police, true),
        (police, desk, true),
        (police, caller, false),
        (police, counsellor, false),
    ] {
        assert_eq!(hears(listener, speaker), heard, "{listener:?} {speaker:?}");
    }
}

#[test]
fn a_caller_takes_part_fully_or_is_on_hold() {
    for mode in MODES {
        let fits = matches!(mode, Mode::Full | Mode::Held);
        assert_eq!(mode.fits(Role::Caller), fits, "{mode:?}");
    }
}

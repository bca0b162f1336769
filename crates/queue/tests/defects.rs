//! The comparison with the reference model can fail: a queue that is broken does not pass.

mod fixtures;

use fixtures::shape::{DENSE, Shape};
use fixtures::twins::Twins;
use meishier_queue::Defect::*;

/// What is compared is enough to see each of the defects that the simulator knows.
#[test]
fn no_deliberate_defect_goes_unseen() {
    let shape = Shape {
        restarts: 0,
        ..DENSE
    };
    for defect in [
        LastComesFirst,
        RiskStandsBehind,
        WaitingLiftsNobody,
        SkillsIgnored,
        FullRefusesRisk,
        PutBackLosesPlace,
        AbandonTakesAnother,
        FreedLineUnmatched,
        OneLineTooMany,
        WithdrawnSeatStays,
    ] {
        let seen = std::panic::catch_unwind(|| {
            let mut twins = Twins::new(shape.clone(), 1, format!("with {defect:?}"));
            twins.break_deliberately(defect);
            twins.play(20_000, 64);
        });
        assert!(seen.is_err(), "{defect:?} makes no difference");
    }
}

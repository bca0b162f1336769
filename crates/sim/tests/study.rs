//! The document of callers who are answered is the one that the study writes.

#[path = "../src/bin/study/disk.rs"]
mod disk;

use disk::Disk;
use meishier_sim::study::{Nation, Setting, Way, block, play};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn a_day_played_again_has_the_figures_of_the_document() {
    let nation = Nation::read(&mut Disk(root().join("deploy/nation"))).unwrap();
    let text = std::fs::read_to_string(root().join("docs/callers-answered.md")).unwrap();
    let block = block(&nation).unwrap();
    assert!(
        text.contains(&format!("```text\n{block}```")),
        "not in docs/callers-answered.md; write it anew by cargo xtask study:\n{block}"
    );
}

#[test]
fn nobody_is_lost_and_pooling_answers_more() {
    let nation = Nation::read(&mut Disk(root().join("deploy/nation"))).unwrap();
    let of = |way| play(&nation, &Setting::of(way), 7, 1).unwrap();
    let (alone, pooled) = (of(Way::Alone), of(Way::Pooled));
    assert_eq!(alone.callers, pooled.callers, "the same people call");
    for it in [&alone, &pooled] {
        let answered: u64 = it.places.iter().sum();
        assert_eq!(answered + it.never.0, it.callers);
        assert_eq!(answered + it.busy + it.gave_up, it.attempts);
    }
    assert!(pooled.never.0 * 4 < alone.never.0);
    assert!(pooled.first.1 > alone.first.1);
}

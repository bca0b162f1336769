//! What is deleted, what is held, and how both are proved; and a disk that refuses.

mod support;

use meishier_model::{TapeForm, Wall};
use meishier_recordings::{Broken, Recorder, RecordingError, Swept};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use support::*;

const DAY: Duration = Duration::from_secs(86_400);
const KEEP: Duration = Duration::from_secs(3 * 366 * 86_400);

fn later(by: Duration) -> Wall {
    Wall(BEGUN.0 + by.as_millis() as i64)
}

#[test]
fn retention_deletes_what_is_past_its_time_and_proves_it() {
    let place = Place::new();
    let first = place.record(tape(1), TapeForm::Both, 50);
    place.record(tape(2), TapeForm::Mixed, 50);
    let shelf = place.shelf();
    let prints: Vec<String> = (1..=2)
        .map(|n| shelf.find(tape(n)).unwrap().header.fingerprint())
        .collect();
    let copy = fs::read(&first).unwrap();
    let swept = shelf.sweep(later(KEEP), KEEP, "keep 1098d").unwrap();
    assert_eq!(swept, Swept::default(), "a day is allowed for the call");
    let who = ("uid 1", "a court asks for it");
    shelf.hold(later(KEEP), tape(2), who).unwrap();
    let swept = shelf.sweep(later(KEEP + DAY), KEEP, "keep 1098d").unwrap();
    let wanted = Swept {
        deleted: 1,
        held: 1,
        failed: 0,
    };
    assert_eq!(swept, wanted);
    assert!(!first.exists());
    assert!(matches!(shelf.find(tape(1)), Err(RecordingError::Unknown)));
    let (rows, broken) = shelf.deletions().rows().unwrap();
    assert_eq!((rows.len(), broken), (1, None));
    assert_eq!(rows[0].header, prints[0]);
    assert_eq!(rows[0].tape, tape(1).to_string());
    assert_eq!((&*rows[0].what, &*rows[0].why), ("deleted", "keep 1098d"));
    // Released, it goes as well.
    shelf
        .release(later(KEEP + DAY), tape(2), ("uid 1", "the case is closed"))
        .unwrap();
    assert_eq!(
        shelf
            .sweep(later(KEEP + DAY), KEEP, "keep 1098d")
            .unwrap()
            .deleted,
        1
    );
    assert_eq!(shelf.list().unwrap().0.len(), 0);
    let (rows, broken) = shelf.deletions().rows().unwrap();
    assert_eq!((rows.len(), broken), (2, None));
    let (audit, _) = shelf.audit().rows().unwrap();
    let what: Vec<&str> = audit.iter().map(|row| &*row.what).collect();
    assert_eq!(what, ["held", "released"]);
    // A copy that comes back from somewhere is found out.
    assert!(shelf.undeleted().unwrap().is_empty());
    fs::write(&first, &copy).unwrap();
    assert_eq!(shelf.undeleted().unwrap(), [tape(1)]);
}

#[test]
fn a_row_that_was_changed_or_taken_out_breaks_the_chain() {
    let place = Place::new();
    let shelf = place.shelf();
    let ledger = shelf.deletions();
    for n in 1..=4 {
        let row = ledger.add(BEGUN, (tape(n), "ab"), ("deleted", "meishier", "keep 3y"));
        assert_eq!(row.unwrap().number, n);
    }
    let path = place.tapes().join("deletions.log");
    let good = fs::read_to_string(&path).unwrap();
    assert_eq!(ledger.rows().unwrap().1, None);
    fs::write(&path, good.replacen("keep 3y", "keep 2y", 2)).unwrap();
    assert_eq!(ledger.rows().unwrap().1, Some(Broken { line: 1 }));
    let mut lines: Vec<&str> = good.lines().collect();
    lines.remove(1);
    fs::write(&path, lines.join("\n")).unwrap();
    assert_eq!(ledger.rows().unwrap().1, Some(Broken { line: 2 }));
    // Half a row, from a machine that stopped, is made good for by the next.
    fs::write(&path, &good[..good.len() - 20]).unwrap();
    assert_eq!(ledger.rows().unwrap().1, Some(Broken { line: 4 }));
    ledger
        .add(BEGUN, (tape(4), "ab"), ("deleted", "meishier", "keep 3y"))
        .unwrap();
    let (rows, broken) = ledger.rows().unwrap();
    assert_eq!((rows.len(), broken), (4, None));
}

#[test]
fn a_deletion_that_stopped_half_way_is_finished_and_told_once() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, 50);
    let before = fs::read(&path).unwrap();
    let shelf = place.shelf();
    let print = shelf.find(tape(1)).unwrap().header.fingerprint();
    // The ledger cannot be written: the key is gone already, the file is still there.
    fs::create_dir(place.tapes().join("deletions.log")).unwrap();
    let swept = shelf.sweep(later(KEEP + DAY), KEEP, "keep").unwrap();
    assert_eq!((swept.deleted, swept.failed), (0, 1));
    let after = fs::read(&path).unwrap();
    assert_eq!(after.len(), before.len());
    let wrapped = &before[40..100];
    assert!(
        !after.windows(wrapped.len()).any(|it| it == wrapped),
        "the key is destroyed"
    );
    assert!(matches!(place.open(&path), Err(RecordingError::Deleted(_))));
    fs::remove_dir(place.tapes().join("deletions.log")).unwrap();
    assert_eq!(
        shelf
            .sweep(later(KEEP + DAY), KEEP, "keep")
            .unwrap()
            .deleted,
        1
    );
    let (rows, _) = shelf.deletions().rows().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].header, print, "the header's hash outlives the key");
    assert!(!path.exists());
}

#[test]
fn what_a_caller_refused_leaves_no_file_and_a_row() {
    let place = Place::new();
    let recorder = place.recorder();
    play(&recorder, tape(1), TapeForm::Both, 300);
    end(&recorder, tape(1), 300, false);
    recorder.close();
    let shelf = place.shelf();
    assert!(shelf.list().unwrap().0.is_empty());
    let (rows, _) = shelf.deletions().rows().unwrap();
    assert_eq!(rows[0].why, "refused by the caller");
    let counts = recorder.counts();
    assert_eq!((counts.open, counts.kept, counts.refused), (0, 0, 1));
}

#[test]
fn a_refusal_deletes_also_what_had_ended_and_been_kept() {
    let place = Place::new();
    let first = place.record(tape(1), TapeForm::Both, 50);
    let recorder = place.recorder();
    end(&recorder, tape(1), 0, false);
    recorder.close();
    assert!(!first.exists());
    let (rows, _) = place.shelf().deletions().rows().unwrap();
    assert_eq!(rows[0].tape, tape(1).to_string());
    assert_eq!((recorder.counts().refused, recorder.counts().owed), (1, 0));
}

#[test]
fn a_refused_recording_that_cannot_be_deleted_is_tried_again() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, 50);
    let log = place.tapes().join("deletions.log");
    fs::create_dir(&log).unwrap();
    let recorder = place.recorder();
    end(&recorder, tape(1), 0, false);
    while recorder.counts().owed == 0 || !recorder.counts().failing {
        std::thread::yield_now();
    }
    assert!(matches!(place.open(&path), Err(RecordingError::Deleted(_))));
    fs::remove_dir(&log).unwrap();
    recorder.close();
    assert!(!path.exists());
    assert_eq!((recorder.counts().refused, recorder.counts().owed), (1, 0));
    assert_eq!(place.shelf().deletions().rows().unwrap().0.len(), 1);
}

#[test]
fn a_panic_gives_up_what_is_open_and_the_recorder_goes_on() {
    let place = Place::new();
    place.record(tape(1), TapeForm::Both, 50);
    let first = AtomicBool::new(true);
    let wall = move || {
        assert!(!first.swap(false, Relaxed), "a defect");
        BEGUN
    };
    let recorder = Recorder::start(place.shelf(), place.read_keys(), wall).unwrap();
    play(&recorder, tape(2), TapeForm::Both, 300);
    end(&recorder, tape(1), 0, false);
    while !recorder.counts().failing {
        std::thread::yield_now();
    }
    let counts = recorder.counts();
    assert_eq!((counts.open, counts.failed, counts.owed), (0, 1, 1));
    play(&recorder, tape(3), TapeForm::Both, 300);
    end(&recorder, tape(3), 300, true);
    recorder.close();
    let counts = recorder.counts();
    let done = (counts.kept, counts.refused, counts.owed, counts.failing);
    assert_eq!(done, (1, 1, 0, false), "the refusal was not forgotten");
    let found: Vec<_> = place.shelf().list().unwrap().0;
    let found: Vec<_> = found.iter().map(|it| it.header.tape).collect();
    assert_eq!(found, [tape(2), tape(3)]);
}

#[test]
fn a_panic_at_the_end_does_not_keep_the_program_from_ending() {
    let place = Place::new();
    place.record(tape(1), TapeForm::Both, 50);
    let wall = || panic!("a defect");
    let recorder = Recorder::start(place.shelf(), place.read_keys(), wall).unwrap();
    end(&recorder, tape(1), 0, false);
    recorder.close();
    assert_eq!((recorder.counts().owed, recorder.counts().failed), (1, 2));
}

#[test]
fn a_deletion_reads_the_list_of_deletions_only_where_its_row_may_stand_in_it() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, 50);
    let shelf = place.shelf();
    let said = ("deleted", "meishier", "keep");
    shelf.deletions().add(BEGUN, (tape(9), "ab"), said).unwrap();
    // Nobody can read it from its beginning.
    let log = place.tapes().join("deletions.log");
    let rows = fs::read(&log).unwrap();
    fs::write(&log, [b"\xff\n", &rows[..]].concat()).unwrap();
    assert!(shelf.deletions().rows().is_err());
    let swept = shelf.sweep(later(KEEP + DAY), KEEP, "keep").unwrap();
    assert_eq!((swept.deleted, swept.failed), (1, 0));
    assert!(!path.exists());
}

#[test]
fn a_disk_that_refuses_stops_the_recording_and_raises_the_alarm_until_it_obeys() {
    let place = Place::new();
    let recorder = place.recorder();
    // A file where the folder of the day is to be.
    let day = place.tapes().join("2026-03-04");
    fs::write(&day, "").unwrap();
    play(&recorder, tape(1), TapeForm::Both, 300);
    end(&recorder, tape(1), 300, true);
    recorder.close();
    let counts = recorder.counts();
    assert_eq!((counts.failed, counts.kept, counts.failing), (1, 0, true));
    fs::remove_file(&day).unwrap();
    let recorder = place.recorder();
    play(&recorder, tape(2), TapeForm::Both, 300);
    end(&recorder, tape(2), 300, true);
    recorder.close();
    let counts = recorder.counts();
    assert_eq!((counts.failed, counts.kept, counts.failing), (0, 1, false));
    assert!(counts.bytes > 300 * 160 * 3);
}

#[test]
fn a_recording_of_the_same_name_is_not_written_over() {
    let place = Place::new();
    let recorder = place.recorder();
    play(&recorder, tape(3), TapeForm::Mixed, 10);
    end(&recorder, tape(3), 10, true);
    play(&recorder, tape(3), TapeForm::Mixed, 10);
    end(&recorder, tape(3), 10, true);
    recorder.close();
    let counts = recorder.counts();
    assert_eq!((counts.kept, counts.failed), (1, 1));
    let path = place.shelf().find(tape(3)).unwrap().path;
    let (entries, fault) = read(&mut place.open(&path).unwrap());
    assert!(fault.is_none() && entries.len() > 10);
}

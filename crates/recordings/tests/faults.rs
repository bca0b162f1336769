//! What goes wrong in the middle of a recording: a disk that is full, a file that is gone, a thread that is
//! too slow; and a refusal that another process did not get to.

mod support;

use meishier_media::{FRAME, Taped};
use meishier_model::{TapeForm, Wall};
use meishier_recordings::{Counts, End, Entry, Event, Loss, Recorder};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::{env, fs};
use support::*;

const FRAMES: u32 = 600;
/// Two parties say something in each frame.
const BLOCKS: u64 = FRAMES as u64 * 2;

fn wait(recorder: &Recorder, until: impl Fn(&Counts) -> bool) {
    while !until(&recorder.counts()) {
        std::thread::yield_now();
    }
}

/// Blocks of parties that can be read, and how the file ends.
fn readable(place: &Place, path: &Path) -> (u64, Option<End>) {
    let mut reader = place.open(path).unwrap();
    let (entries, fault) = read(&mut reader);
    assert!(fault.is_none(), "{fault:?}");
    let sounds = entries
        .iter()
        .filter(|it| matches!(it, Entry::Sound { track: 0 | 1, .. }));
    (sounds.count() as u64, reader.end())
}

#[test]
fn a_disk_that_is_full_in_mid_file_costs_what_follows_and_each_block_of_it_is_counted() {
    const INSIDE: &str = "MEISHIER_TEST_SMALL_DISK";
    if env::var_os(INSIDE).is_none() {
        // Files end at 80 or 160 KiB, as the shell counts, for a process that is this test again.
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "trap '' XFSZ; ulimit -f 160; exec \"$@\"", "sh"])
            .arg(env::current_exe().unwrap())
            .args([
                "--exact",
                "a_disk_that_is_full_in_mid_file_costs_what_follows_and_each_block_of_it_is_counted",
            ])
            .env(INSIDE, "1");
        let done = shell.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        return;
    }
    let place = Place::new();
    let recorder = place.recorder();
    play(&recorder, tape(1), TapeForm::Both, FRAMES);
    wait(&recorder, |counts| counts.failing);
    // Another call begins meanwhile, and is short.
    play(&recorder, tape(2), TapeForm::Mixed, 5);
    end(&recorder, tape(2), 5, true);
    end(&recorder, tape(1), FRAMES, true);
    recorder.close();
    let counts = recorder.counts();
    assert_eq!((counts.failed, counts.kept, counts.open), (1, 1, 0));
    assert!(!counts.failing, "the other one could be written");
    let path = place.shelf().find(tape(1)).unwrap().path;
    let (heard, end) = readable(&place, &path);
    assert_eq!(end, Some(End::CutOff));
    assert!(heard > 0 && counts.lost > 0);
    assert_eq!(heard + counts.lost, BLOCKS, "in the file, or counted");
    let loss = Loss {
        tape: tape(1),
        lost: counts.lost,
        given_up: true,
    };
    assert_eq!(recorder.losses(), [loss]);
    assert!(recorder.losses().is_empty(), "told once");
}

#[test]
fn a_file_that_somebody_removes_in_mid_recording_is_not_called_kept() {
    let place = Place::new();
    let recorder = place.recorder();
    play(&recorder, tape(1), TapeForm::Both, 100);
    let path = loop {
        if let Ok(found) = place.shelf().find(tape(1)) {
            break found.path;
        }
        std::thread::yield_now();
    };
    fs::remove_file(&path).unwrap();
    end(&recorder, tape(1), 100, true);
    recorder.close();
    let counts = recorder.counts();
    assert_eq!((counts.failed, counts.kept), (1, 0));
    assert_eq!(counts.lost, 200, "also what had been written");
    let loss = Loss {
        tape: tape(1),
        lost: 200,
        given_up: true,
    };
    assert_eq!(recorder.losses(), [loss]);
}

#[test]
fn a_thread_that_is_too_slow_costs_blocks_that_stand_in_the_file_and_are_told() {
    let place = Place::new();
    place.record(tape(1), TapeForm::Both, 10);
    let (go, gone) = mpsc::channel();
    let wall = move || {
        // The disk takes its time.
        gone.recv().unwrap();
        BEGUN
    };
    let recorder = Recorder::start(place.shelf(), place.read_keys(), wall).unwrap();
    play(&recorder, tape(2), TapeForm::Mixed, 5);
    end(&recorder, tape(1), 0, false);
    // What is not taken is dropped until the thread goes on.
    let block = |frame| Taped::Block {
        tape: tape(2),
        frame,
        track: 0,
        samples: [1000; FRAME],
    };
    let mut frame = 5;
    while recorder.counts().lost < 7 {
        recorder.take(block(frame)).unwrap();
        frame += 1;
    }
    go.send(()).unwrap();
    end(&recorder, tape(2), frame, true);
    recorder.close();
    let loss = Loss {
        tape: tape(2),
        lost: 7,
        given_up: false,
    };
    assert_eq!(recorder.losses(), [loss]);
    let path = place.shelf().find(tape(2)).unwrap().path;
    let (entries, _) = read(&mut place.open(&path).unwrap());
    let ended = Entry::Event {
        frame,
        event: Event::Ended { lost: 7 },
    };
    assert_eq!(entries.last(), Some(&ended));
}

#[test]
fn what_was_refused_and_not_deleted_is_gone_when_the_next_recorder_stands() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, 50);
    let kept = place.record(tape(2), TapeForm::Both, 50);
    let print = place.shelf().find(tape(1)).unwrap().header.fingerprint();
    let log = place.tapes().join("deletions.log");
    fs::create_dir(&log).unwrap();
    let recorder = place.recorder();
    end(&recorder, tape(1), 0, false);
    wait(&recorder, |counts| counts.owed == 1 && counts.failing);
    // The process is killed: nothing of it is asked again.
    std::mem::forget(recorder);
    let next = place.recorder();
    assert_eq!(next.counts().owed, 1, "it still cannot be deleted");
    next.close();
    fs::remove_dir(&log).unwrap();
    let next = place.recorder();
    let counts = next.counts();
    assert_eq!((counts.refused, counts.owed), (1, 0), "before it is used");
    next.close();
    assert!(!path.exists() && kept.exists());
    let (rows, broken) = place.shelf().deletions().rows().unwrap();
    assert_eq!((rows.len(), broken), (1, None));
    assert_eq!(
        (&*rows[0].header, &*rows[0].why),
        (&*print, "refused by the caller")
    );
    let left = fs::read_dir(kept.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "and no mark of it");
}

#[test]
fn calls_that_refused_are_marked_and_their_recordings_deleted_by_the_next_recorder() {
    let place = Place::new();
    let paths = [1, 2, 3].map(|n| place.record(tape(n), TapeForm::Mixed, 10));
    let shelf = place.shelf();
    shelf.hold(BEGUN, tape(1), ("uid 1", "a court")).unwrap();
    let calls = |numbers: &[u64]| -> BTreeSet<_> {
        numbers.iter().map(|number| tape(*number).call).collect()
    };
    shelf.mark_refused(&calls(&[1, 3, 4]), BEGUN).unwrap();
    // Of before that day there is nothing to be looked for.
    let next_day = Wall(BEGUN.0 + 86_400_000);
    shelf.mark_refused(&calls(&[2]), next_day).unwrap();
    let refused: Vec<bool> = [1, 2, 3]
        .map(|n| shelf.find(tape(n)).unwrap().refused)
        .into();
    assert_eq!(refused, [true, false, true]);
    place.recorder().close();
    assert_eq!(paths.map(|path| path.exists()), [false, true, false]);
    let (rows, _) = shelf.deletions().rows().unwrap();
    assert_eq!(rows.len(), 2);
}

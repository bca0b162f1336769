//! The file: what is written is read, what was changed is not, and without the key there is nothing.

mod support;

use meishier_media::tone;
use meishier_model::TapeForm;
use meishier_recordings::{
    End, Entry, Event, HEADER, Keys, MIX, RecordingError, Which, export, new_key,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use support::*;

/// Frames of the recordings here: several chunks.
const FRAMES: u32 = 600;

fn sounds(entries: &[Entry], wanted: u8) -> usize {
    let of = |entry: &&Entry| matches!(entry, Entry::Sound { track, .. } if *track == wanted);
    entries.iter().filter(of).count()
}

#[test]
fn each_form_holds_what_it_says_and_exports_as_tones() {
    for (form, tracks) in [
        (TapeForm::Mixed, [0, 0, 1]),
        (TapeForm::Parties, [1, 1, 0]),
        (TapeForm::Both, [1, 1, 1]),
    ] {
        let place = Place::new();
        let path = place.record(tape(1), form, FRAMES);
        let mut reader = place.open(&path).unwrap();
        let (entries, fault) = read(&mut reader);
        assert!(fault.is_none());
        assert_eq!(reader.end(), Some(End::Whole));
        let counts = [0, 1, MIX].map(|track| sounds(&entries, track));
        assert_eq!(
            counts,
            tracks.map(|there| there * FRAMES as usize),
            "{form:?}"
        );
        let wav = place.folder.path().join("mixed.wav");
        let mut reader = place.open(&path).unwrap();
        let (line, end) = export(&mut reader, Which::Mixed, &wav).unwrap();
        assert_eq!(end, End::Whole);
        let joined = Event::Joined {
            track: 1,
            party: "seat a01".into(),
        };
        assert!(line.contains(&(0, joined)));
        let sound = samples(&wav);
        assert_eq!(sound.len(), FRAMES as usize * 160);
        for tone in TONES {
            let level = tone::amplitude_at(&sound[8000..16_000], tone);
            assert!(
                (5500.0..6500.0).contains(&level),
                "{form:?} {tone}: {level}"
            );
        }
        let wav = place.folder.path().join("party.wav");
        let party = export(&mut place.open(&path).unwrap(), Which::Party(1), &wav);
        if form == TapeForm::Mixed {
            assert!(matches!(party, Err(RecordingError::NoTrack)));
            continue;
        }
        party.unwrap();
        let sound = samples(&wav);
        let levels = TONES.map(|tone| tone::amplitude_at(&sound[8000..16_000], tone));
        assert!(levels[0] < 100.0 && levels[1] > 5500.0, "{levels:?}");
        let none = export(
            &mut place.open(&path).unwrap(),
            Which::Party(9),
            &place.folder.path().join("none.wav"),
        );
        assert!(matches!(none, Err(RecordingError::NoTrack)));
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, FRAMES);
    let good = fs::read(&path).unwrap();
    let (whole, _) = read(&mut place.open(&path).unwrap());
    let places = (0..HEADER).chain((HEADER..good.len()).step_by(9973));
    let places = places
        .chain(HEADER..HEADER + 5)
        .chain(good.len() - 20..good.len());
    for at in places {
        // Between the wrapped key and the first chunk nothing stands.
        if (100..HEADER).contains(&at) {
            continue;
        }
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        match place.open(&path) {
            Err(error) => assert!(at < HEADER, "byte {at}: {error}"),
            Ok(mut reader) => {
                assert!(at >= HEADER, "byte {at} of the header");
                let (read, fault) = read(&mut reader);
                assert!(
                    fault.is_some() || reader.end() == Some(End::CutOff),
                    "byte {at}"
                );
                assert_eq!(read, whole[..read.len()], "only what is sound is given out");
                assert!(read.len() < whole.len());
            }
        }
    }
}

#[test]
fn what_is_cut_off_is_readable_up_to_there_and_known_as_cut_off() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, FRAMES);
    let good = fs::read(&path).unwrap();
    let (whole, _) = read(&mut place.open(&path).unwrap());
    let mut most = 0;
    for length in (HEADER..good.len()).step_by(1009) {
        fs::write(&path, &good[..length]).unwrap();
        let mut reader = place.open(&path).unwrap();
        let (read, fault) = read(&mut reader);
        assert!(fault.is_none(), "{length}: {fault:?}");
        assert_eq!(reader.end(), Some(End::CutOff), "{length}");
        assert_eq!(read, whole[..read.len()]);
        most = most.max(read.len());
    }
    assert!(most > whole.len() / 2);
    // A chunk taken out, and something behind the last one.
    let first = u32::from_be_bytes(good[HEADER..HEADER + 4].try_into().unwrap()) as usize;
    let mut bad = good[..HEADER].to_vec();
    bad.extend(&good[HEADER + 5 + first + 16..]);
    fs::write(&path, &bad).unwrap();
    let (none, fault) = read(&mut place.open(&path).unwrap());
    assert!(none.is_empty());
    assert!(matches!(
        fault,
        Some(RecordingError::Damaged { chunk: Some(0) })
    ));
    let mut bad = good.clone();
    bad.extend(&good[HEADER..HEADER + 5 + first + 16]);
    fs::write(&path, &bad).unwrap();
    let (_, fault) = read(&mut place.open(&path).unwrap());
    assert!(matches!(fault, Some(RecordingError::Damaged { .. })));
}

#[test]
fn what_was_not_ended_is_readable_up_to_its_last_chunk() {
    let place = Place::new();
    let recorder = place.recorder();
    play(&recorder, tape(1), TapeForm::Both, FRAMES);
    recorder.close();
    let path = place.shelf().find(tape(1)).unwrap().path;
    let mut reader = place.open(&path).unwrap();
    let (entries, fault) = read(&mut reader);
    assert!(fault.is_none());
    assert_eq!(reader.end(), Some(End::CutOff));
    assert_eq!(sounds(&entries, 0), FRAMES as usize);
}

#[test]
fn keys_rotate_and_another_key_opens_nothing() {
    let mut place = Place::new();
    let old = place.record(tape(1), TapeForm::Mixed, 10);
    place.rotate();
    let new = place.record(tape(2), TapeForm::Mixed, 10);
    let ids = [&old, &new].map(|path| place.open(path).unwrap().header().key);
    let keys: Vec<_> = place.read_keys().ids().collect();
    assert_eq!(keys, [ids[1], ids[0]], "the newest encrypts, both are read");
    // The old key file alone.
    let alone = Keys::read(&place.keys[1..], &[&place.tapes()]).unwrap();
    assert!(meishier_recordings::Reader::open(&old, &alone).is_ok());
    let other = meishier_recordings::Reader::open(&new, &alone);
    assert!(matches!(other, Err(RecordingError::OtherKey(_))));
}

#[test]
fn key_files_are_refused_where_they_are_no_secret() {
    let place = Place::new();
    let (shelf, tapes) = (place.shelf(), place.tapes());
    let read = |path: &std::path::Path| Keys::read(&[path.to_owned()], &[&tapes]);
    let inside = shelf.folder().join("in.key");
    new_key(&inside).unwrap();
    assert!(matches!(read(&inside), Err(RecordingError::KeyInside(_))));
    // A file of data whose name has no folder lies in the working directory, as this one does.
    let here = Keys::read(&["Cargo.toml".into()], &["".as_ref()]);
    assert!(matches!(here, Err(RecordingError::KeyInside(_))));
    let link = place.folder.path().join("link.key");
    std::os::unix::fs::symlink(&inside, &link).unwrap();
    assert!(matches!(read(&link), Err(RecordingError::KeyInside(_))));
    fs::set_permissions(&place.keys[0], fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = read(&place.keys[0]);
    assert!(matches!(exposed, Err(RecordingError::KeyExposed(_))));
    let short = place.folder.path().join("short.key");
    fs::write(&short, "abcd").unwrap();
    fs::set_permissions(&short, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(read(&short), Err(RecordingError::NotAKey(_))));
    assert!(matches!(
        Keys::read(&[], &[&tapes]),
        Err(RecordingError::NoKey)
    ));
    assert!(
        new_key(&short).is_err(),
        "a key that is there is not replaced"
    );
}

#[test]
fn nothing_of_what_was_said_stands_in_the_folder() {
    let place = Place::new();
    let path = place.record(tape(1), TapeForm::Both, FRAMES);
    let bytes = fs::read(&path).unwrap();
    let body = &bytes[HEADER..];
    for word in ["RIFF", "WAVE", "caller", "seat", "a01", "pool", "city"] {
        let found = bytes.windows(word.len()).any(|it| it == word.as_bytes());
        assert!(!found, "{word} is readable");
    }
    // A tone at 400 Hz comes again every 20 samples; what is enciphered never does.
    let again = body.windows(40).filter(|it| it[..20] == it[20..]).count();
    assert_eq!(again, 0);
    // Every byte is about as frequent as every other.
    let mut counts = [0usize; 256];
    body.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    let mean = body.len() / 256;
    assert!(
        *least > mean * 7 / 10 && *most < mean * 13 / 10,
        "{least} {most} {mean}"
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let mode = fs::metadata(place.tapes()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

//! Recording by a running `meishier serve`: real telephones, what lies on the disk, and out of it again.
#![allow(missing_docs)]

mod served;

use meishier_media::{FRAME, Taped, tone};
use meishier_model::{CallId, TapeForm, TapeId, Wall};
use meishier_phones::{Dial, Phone, PhoneBank, PhoneOptions};
use meishier_recordings::{Keys, Recorder, Shelf};
use meishier_records::Store;
use served::{Served, command, started};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const CALLER_HZ: u16 = 440;
const SEAT_HZ: u16 = 1000;
/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(40);

fn meishier(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command.args(args).output().unwrap()
}

struct Desk {
    served: Served,
    caller: Phone,
    _seats: (PhoneBank, Phone),
    _callers: PhoneBank,
}

fn keys(folder: &Path) -> PathBuf {
    folder.join("keys").join("one.key")
}

fn tapes(folder: &Path) -> PathBuf {
    folder.join("data").join("recordings")
}

/// A folder with a key of recordings in it, made by the program.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["keys", "data"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let key = keys(folder.path());
    let made = meishier(&["recordings", "new-key", key.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    folder
}

/// A configuration with its data in a folder of their own: what serves it, its file, its text.
fn configured(folder: &Path) -> (Command, PathBuf, String) {
    let command = command(folder, "127.0.0.1:0", 2);
    let file = folder.join("test.toml");
    let records = folder.join("records.db");
    let data = folder.join("data").join("records.db");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace(records.to_str().unwrap(), data.to_str().unwrap());
    (command, file, text)
}

/// The engine with one telephone at all seats, every call on the ground of `consent`.
async fn open(folder: tempfile::TempDir, consent: &str) -> Desk {
    open_with(folder, consent, |command| command).await
}

/// The engine as [`open`] has it, started by another command.
async fn open_with(
    folder: tempfile::TempDir,
    consent: &str,
    by: impl FnOnce(Command) -> Command,
) -> Desk {
    let seats = PhoneBank::open().await.unwrap();
    let options = PhoneOptions {
        max_calls: 4,
        ..PhoneOptions::new("*", SEAT_HZ, &[CALLER_HZ])
    };
    let seat = seats.phone(options).await.unwrap();
    let callers = PhoneBank::open().await.unwrap();
    let options = PhoneOptions::new("13800000000", CALLER_HZ, &[SEAT_HZ]);
    let caller = callers.phone(options).await.unwrap();
    let (command, file, mut text) = configured(folder.path());
    text = text.replace(":6100", &format!(":{}", seats.address().port()));
    text.push_str(&format!(
        "\n[recording]\nfolder = {:?}\nkey_files = [{:?}]\nmode = \"both\"\nconsent = \"{consent}\"\n",
        tapes(folder.path()),
        keys(folder.path()),
    ));
    std::fs::write(&file, text).unwrap();
    Desk {
        served: started(by(command), folder),
        caller,
        _seats: (seats, seat),
        _callers: callers,
    }
}

impl Desk {
    fn folder(&self) -> &Path {
        self.served.folder.path()
    }

    /// Waits until a series of the metrics page has this value.
    fn until(&self, series: &str, value: u64) {
        let wanted = format!("{series} {value}\n");
        let begun = Instant::now();
        while !self.served.get("/metrics").contains(&wanted) {
            assert!(begun.elapsed() < PATIENCE, "{series} never was {value}");
        }
    }

    /// What a series of the metrics page says.
    fn value(&self, series: &str) -> u64 {
        let page = self.served.get("/metrics");
        let mut lines = page.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap().parse().unwrap()
    }

    fn ask(&self, args: &[&str]) -> Output {
        let file = self.folder().join("test.toml");
        let common = [
            "recordings",
            "--lang",
            "en",
            "--config",
            file.to_str().unwrap(),
        ];
        meishier(&[&common, args].concat())
    }

    async fn call(&self) -> meishier_phones::Call {
        let dial = Dial::new(self.served.sip, "12356");
        let call = self.caller.dial(dial).await.unwrap();
        assert!(call.wait_answered(PATIENCE).await);
        call
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out
}

/// How loud caller and counsellor are where each is loudest in a WAV file: telephones pause in speaking.
fn levels(path: &Path) -> [f64; 2] {
    let bytes = std::fs::read(path).unwrap();
    let pairs = bytes[44..].chunks_exact(2);
    let samples: Vec<i16> = pairs.map(|it| i16::from_le_bytes([it[0], it[1]])).collect();
    let loudest = |hz: u16| {
        let levels = samples.chunks_exact(800);
        let levels = levels.map(|chunk| tone::amplitude_at(chunk, f64::from(hz)));
        levels.fold(0.0, f64::max)
    };
    [CALLER_HZ, SEAT_HZ].map(loudest)
}

fn tape_of(folder: &Path) -> PathBuf {
    let mut tapes = files(&tapes(folder)).into_iter();
    tapes
        .find(|path| path.extension().is_some_and(|it| it == "tape"))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_on_the_disk_enciphered_and_comes_out_with_a_reason_alone() {
    let desk = open(folder(), "announced").await;
    let call = desk.call().await;
    desk.until("meishier_recordings_open", 1);
    let least = call.heard(SEAT_HZ) + Duration::from_secs(3);
    assert!(call.wait_heard(SEAT_HZ, least, PATIENCE).await);
    call.hang_up().await;
    desk.until("meishier_recordings_total{result=\"kept\"}", 1);
    let listed = text(&desk.ask(&["list", "--json"]).stdout);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let id = listed["id"].as_str().unwrap();
    // Nothing of it can be read without the key.
    for path in files(&desk.folder().join("data")) {
        let bytes = std::fs::read(&path).unwrap();
        let is_tape = path.extension().is_some_and(|it| it == "tape");
        for word in [&b"RIFF"[..], b"WAVE", b"seat a0"] {
            let found = bytes.windows(word.len()).any(|it| it == word);
            assert!(!(found && is_tape), "{}", path.display());
        }
        // A tone is the same again and again; what is enciphered is not.
        let again = bytes
            .windows(40)
            .skip(128)
            .filter(|it| it[..20] == it[20..]);
        assert!(!is_tape || again.count() == 0);
    }
    let wav = |name: &str| desk.folder().join(name);
    let none = desk.ask(&["export", id, "--to", wav("no.wav").to_str().unwrap()]);
    assert_eq!(none.status.code(), Some(2), "without a reason: {none:?}");
    let mut heard = Vec::new();
    for (name, which) in [
        ("mix.wav", &["--mixed"][..]),
        ("caller.wav", &["--party", "0"]),
        ("seat.wav", &["--party", "1"]),
    ] {
        let to = wav(name);
        let args = [
            "export",
            id,
            "--reason",
            "a complaint",
            "--to",
            to.to_str().unwrap(),
        ];
        let done = desk.ask(&[&args, which].concat());
        assert!(done.status.success(), "{done:?}");
        let line = text(&done.stdout);
        for part in [
            "pool=all consent=announced",
            "+0 caller",
            "+1 seat a0",
            "end lost=0",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        heard.push(levels(&to));
    }
    let [mix, caller, seat] = [heard[0], heard[1], heard[2]];
    assert!(
        caller[0] > 1000.0 && caller[1] < caller[0] / 10.0,
        "{caller:?}"
    );
    assert!(seat[1] > 1000.0 && seat[0] < seat[1] / 10.0, "{seat:?}");
    assert!(
        mix[0] > caller[0] * 0.8 && mix[1] > seat[1] * 0.8,
        "{mix:?}"
    );
    let verified = desk.ask(&["verify"]);
    assert!(verified.status.success(), "{verified:?}");
    let said = text(&verified.stdout);
    assert!(said.contains("audit.log: 3 rows"), "{said}");
    assert!(
        said.contains("1 whole, 0 without an end, 0 wrong"),
        "{said}"
    );
    // The call's record knows of it.
    let record = record_of(&desk).await;
    let recording = record.recording.unwrap();
    assert_eq!(recording.tapes.len(), 1);
    assert!(recording.told.is_some() && recording.tapes[0].ended.is_some());
    let verified = desk.ask(&["verify"]);
    assert!(verified.status.success(), "{verified:?}");
    assert!(text(&verified.stdout).contains("recordings on record: 1"));
    // It is not where it should be, and nobody deleted it; or it is not as long as it was.
    let path = tape_of(desk.folder());
    let mut bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let verified = desk.ask(&["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(text(&verified.stderr).contains(&format!("{id}: is on record, is not here")));
    std::fs::write(&path, &bytes[..130]).unwrap();
    let verified = desk.ask(&["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(text(&verified.stderr).contains(&format!("{id}: ended, as the record says")));
    // One byte is enough.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let verified = desk.ask(&["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    desk.served.stop();
}

async fn record_of(desk: &Desk) -> meishier_model::CallRecord {
    desk.until("meishier_records_written_total", 1);
    let file = desk.folder().join("data").join("records.db");
    let store = Store::open(file).await.unwrap();
    let records = store.recent(1, 0).await.unwrap();
    store.close().await;
    records.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_refuses_leaves_no_file() {
    let desk = open(folder(), "asked").await;
    let call = desk.call().await;
    desk.until("meishier_recordings_open", 1);
    let path = tape_of(desk.folder());
    let copy = std::fs::read(&path).unwrap();
    call.send_digits("9");
    desk.until("meishier_recordings_total{result=\"refused\"}", 1);
    let least = call.heard(SEAT_HZ) + Duration::from_secs(1);
    assert!(
        call.wait_heard(SEAT_HZ, least, PATIENCE).await,
        "they talk on"
    );
    call.hang_up().await;
    let left: Vec<_> = files(&tapes(desk.folder()))
        .into_iter()
        .filter(|path| !path.ends_with("deletions.log"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let record = record_of(&desk).await;
    let recording = record.recording.unwrap();
    assert!(recording.refused.is_some() && recording.tapes.is_empty());
    let verified = desk.ask(&["verify"]);
    assert!(
        text(&verified.stdout).contains("deletions.log: 1 rows"),
        "{verified:?}"
    );
    assert!(verified.status.success());
    // As if it had never been deleted.
    std::fs::write(&path, copy).unwrap();
    std::fs::remove_file(tapes(desk.folder()).join("deletions.log")).unwrap();
    let verified = desk.ask(&["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(text(&verified.stderr).contains("was refused and is still here"));
    // The next one to start knows from the records.
    let folder = desk.served.stop();
    let desk = open(folder, "asked").await;
    assert!(!path.exists());
    assert!(desk.ask(&["verify"]).status.success());
    desk.served.stop();
}

/// A recording that began at this moment, as an engine of that time left it.
fn old(folder: &Path, number: u64, begun: Wall) -> TapeId {
    let tape = TapeId {
        call: CallId(number),
        segment: 0,
    };
    let shelf = Shelf::open(&tapes(folder)).unwrap();
    let keys = Keys::read(&[keys(folder)], &[shelf.folder()]).unwrap();
    let recorder = Recorder::start(shelf, keys, move || begun).unwrap();
    let parts = [
        Taped::Started {
            tape,
            form: TapeForm::Mixed,
            begun,
            about: String::new(),
        },
        Taped::Block {
            tape,
            frame: 0,
            track: 0,
            samples: [1000; FRAME],
        },
        Taped::Ended {
            tape,
            frame: 1,
            keep: true,
            lost: 0,
        },
    ];
    for part in parts {
        recorder.take(part).unwrap();
    }
    recorder.close();
    tape
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_past_its_time_is_deleted_unless_held_and_the_proof_holds() {
    let folder = folder();
    let long_ago = Wall(1_500_000_000_000);
    let [gone, held] = [1, 2].map(|number| old(folder.path(), number, long_ago));
    let shelf = Shelf::open(&tapes(folder.path())).unwrap();
    shelf.hold(long_ago, held, ("uid 0", "a court")).unwrap();
    let print = shelf.find(gone).unwrap().header.fingerprint();
    let desk = open(folder, "announced").await;
    desk.until("meishier_recordings_deleted_total", 1);
    desk.until("meishier_recordings_held", 1);
    let listed = text(&desk.ask(&["list"]).stdout);
    assert!(listed.contains(&held.to_string()) && !listed.contains(&gone.to_string()));
    let log = std::fs::read_to_string(tapes(desk.folder()).join("deletions.log")).unwrap();
    assert!(log.contains(&print) && log.contains("keep 1096d"), "{log}");
    assert!(desk.ask(&["verify"]).status.success());
    let (id, why) = (held.to_string(), ["--reason", "closed"]);
    for what in ["hold", "release"] {
        let asked = desk.ask(&[what, &id, "--reason", " "]);
        assert_eq!(asked.status.code(), Some(2), "{what}: {asked:?}");
    }
    assert_eq!(shelf.audit().rows().unwrap().0.len(), 1, "held once");
    assert!(
        desk.ask(&[&["release", &*id], &why[..]].concat())
            .status
            .success()
    );
    // A row that somebody changes is found.
    let file = tapes(desk.folder()).join("deletions.log");
    std::fs::write(&file, log.replace("1096d", "9d")).unwrap();
    assert_eq!(desk.ask(&["verify"]).status.code(), Some(1));
    desk.served.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_past_its_time_and_cannot_be_deleted_is_told() {
    let folder = folder();
    old(folder.path(), 1, Wall(1_500_000_000_000));
    std::fs::create_dir(tapes(folder.path()).join("deletions.log")).unwrap();
    let desk = open(folder, "announced").await;
    desk.until("meishier_recordings_undeleted", 1);
    assert!(
        desk.served
            .get("/metrics")
            .contains("meishier_recordings_deleted_total 0\n")
    );
    desk.served.stop();
}

/// The same program, whose log goes to a file.
fn logging_to(log: PathBuf) -> impl FnOnce(Command) -> Command {
    move |command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "log=$1; shift; exec \"$@\" 2>\"$log\"", "sh"]);
        shell.arg(log).arg(command.get_program());
        shell.args(command.get_args());
        shell
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_in_mid_call_ends_the_recording_and_nothing_else() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let folder = folder();
    let log = folder.path().join("log");
    let desk = open_with(folder, "announced", logging_to(log.clone())).await;
    let call = desk.call().await;
    desk.until("meishier_recordings_open", 1);
    let path = tape_of(desk.folder());
    let length = || std::fs::metadata(&path).unwrap().len();
    let begun = Instant::now();
    while length() <= 128 {
        assert!(begun.elapsed() < PATIENCE, "nothing is written");
        std::thread::yield_now();
    }
    // No file of the process grows beyond what the recording has.
    let full = length() + 1000;
    let at = |current| Rlimit {
        current,
        maximum: None,
    };
    let before = prlimit(Some(desk.served.id()), Resource::Fsize, at(Some(full))).unwrap();
    desk.until("meishier_recordings_failing", 1);
    prlimit(Some(desk.served.id()), Resource::Fsize, before).unwrap();
    desk.until("meishier_recordings_open", 0);
    let lost = desk.value("meishier_recordings_lost_blocks_total");
    assert!(lost > 0, "what was not written is counted");
    let least = call.heard(SEAT_HZ) + Duration::from_secs(2);
    assert!(
        call.wait_heard(SEAT_HZ, least, PATIENCE).await,
        "they talk on"
    );
    let more = desk.value("meishier_recordings_lost_blocks_total");
    assert!(more > lost, "and what is not tried any more");
    call.hang_up().await;
    let record = record_of(&desk).await;
    let id = record.call;
    let told = std::fs::read_to_string(&log).unwrap();
    assert_eq!(
        told.matches("a recording was given up").count(),
        1,
        "{told}"
    );
    // The record says so, a moment after it was written.
    let begun = Instant::now();
    let recording = loop {
        let recording = record_of(&desk).await.recording.unwrap();
        if recording.tapes[0].given_up {
            break recording;
        }
        assert!(begun.elapsed() < PATIENCE, "{recording:?}");
    };
    let all = desk.value("meishier_recordings_lost_blocks_total");
    assert_eq!(recording.tapes[0].lost, all);
    let verified = desk.ask(&["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    let said = text(&verified.stderr);
    let tape = TapeId {
        call: id,
        segment: 0,
    };
    let missing = format!("{tape}: was given up, for the disk refused: ");
    assert!(said.contains(&missing), "{said}");
    assert!(text(&verified.stdout).contains("0 whole, 1 without an end, 0 wrong"));
    // What there is of it can be heard.
    let to = desk.folder().join("rest.wav");
    let done = desk.ask(&[
        "export",
        &tape.to_string(),
        "--reason",
        "a complaint",
        "--mixed",
        "--to",
        to.to_str().unwrap(),
    ]);
    assert!(done.status.success(), "{done:?}");
    assert!(levels(&to).iter().any(|level| *level > 1000.0));
    desk.served.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_did_not_delete_of_a_refusal_is_gone_before_the_next_one_serves() {
    let desk = open(folder(), "asked").await;
    let call = desk.call().await;
    desk.until("meishier_recordings_open", 1);
    let log = tapes(desk.folder()).join("deletions.log");
    std::fs::create_dir(&log).unwrap();
    call.send_digits("9");
    desk.until("meishier_recordings_undeleted", 1);
    let tape = tape_of(desk.folder());
    let Desk { mut served, .. } = desk;
    served.signal(rustix::process::Signal::KILL);
    served.end();
    let folder = std::mem::replace(&mut served.folder, tempfile::tempdir().unwrap());
    assert!(tape.exists());
    std::fs::remove_dir(&log).unwrap();
    let desk = open(folder, "asked").await;
    // Serving begins after it: nothing is waited for.
    assert!(!tape.exists());
    let rows = std::fs::read_to_string(&log).unwrap();
    assert_eq!(rows.matches("refused by the caller").count(), 1, "{rows}");
    let verified = desk.ask(&["verify"]);
    assert!(verified.status.success(), "{verified:?}");
    desk.served.stop();
}

#[tokio::test]
async fn without_its_key_it_does_not_start_and_says_why() {
    let folder = folder();
    let key = keys(folder.path());
    let inside = tapes(folder.path()).join("one.key");
    let (_, file, first) = configured(folder.path());
    let with = |key: &Path| {
        let text = format!(
            "{first}\n[recording]\nfolder = {:?}\nkey_files = [{key:?}]\n",
            tapes(folder.path())
        );
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let checked = meishier(&["check", "--lang", "en", "--config", file]);
        let served = meishier(&["serve", "--lang", "en", "--config", file]);
        (checked, served)
    };
    let (checked, served) = with(&inside);
    assert!(!checked.status.success() && !served.status.success());
    assert!(text(&checked.stderr).contains("must not lie in a folder of data"));
    // A link from elsewhere into the folder of the records is found out at the start.
    let link = folder.path().join("keys").join("link.key");
    let beside = folder.path().join("data").join("two.key");
    std::fs::rename(&key, &beside).unwrap();
    std::os::unix::fs::symlink(&beside, &link).unwrap();
    let (checked, served) = with(&link);
    assert!(checked.status.success() && !served.status.success());
    assert!(text(&served.stderr).contains("lies in a folder of data"));
    let (_, served) = with(&key);
    assert!(!served.status.success());
    assert!(
        text(&served.stderr).contains("recording is not possible"),
        "{served:?}"
    );
}

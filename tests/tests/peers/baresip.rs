//! Two baresip telephones speak with each other through the engine: one is a registered seat, the
//! other a caller. Each plays a tone of its own and records what it hears.

use meishier_tests::engine::Engine;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use meishier_tests::sound::Sound;
use meishier_tests::tree;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const CALLER_TONE: f64 = 440.0;
pub const SEAT_TONE: f64 = 1000.0;
/// Seconds of the other's tone that each side must have heard.
pub const HEARD: f64 = 2.0;

/// A file with half a minute of a tone, made by sox.
pub fn tone(folder: &Path, frequency: f64) -> PathBuf {
    let file = folder.join(format!("{frequency}.wav"));
    let status = Command::new("sox")
        .args(["-q", "-n", "-r", "8000", "-b", "16", "-c", "1"])
        .arg(&file)
        .args(["synth", "30", "sine", &frequency.to_string(), "vol", "0.4"])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "sox makes a tone"
    );
    file
}

/// Starts a telephone with this account that plays this file; its recordings go into `folder`.
pub fn telephone(
    engine: &Engine,
    name: &str,
    account: &str,
    tone: &Path,
    commands: &[String],
) -> Peer {
    let port = free_port();
    let folder = engine.folder().join(name);
    fs::create_dir_all(&folder).unwrap();
    let recordings = folder.join("recordings");
    fs::create_dir_all(&recordings).unwrap();
    let config = format!(
        "poll_method poll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\n\
         audio_source aufile,{}\naudio_player aubridge,none\naudio_alert aubridge,none\n\
         ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
         module_path {}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\n\
         module sndfile.so\nmodule srtp.so\nsnd_path {}\nmodule_tmp account.so\nmodule_app menu.so\n",
        tone.display(),
        modules().display(),
        recordings.display(),
    );
    fs::write(folder.join("config"), config).unwrap();
    fs::write(
        folder.join("accounts"),
        account.replace("{port}", &port.to_string()),
    )
    .unwrap();
    fs::write(folder.join("contacts"), "").unwrap();
    let mut command = Command::new("baresip");
    command.arg("-f").arg(&folder).arg("-v").arg("-s");
    for words in commands {
        command.arg("-e").arg(words);
    }
    Peer::spawn(name, command, engine.folder(), port)
}

/// Where Debian puts baresip's modules: below the folder of libraries, in some releases below that
/// of the machine's kind.
fn modules() -> PathBuf {
    let libraries = fs::read_dir("/usr/lib").unwrap();
    let kinds = libraries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let folders = [PathBuf::from("/usr/lib")].into_iter().chain(kinds);
    let mut found = folders.map(|folder| folder.join("baresip/modules"));
    found
        .find(|folder| folder.join("g711.so").is_file())
        .unwrap_or_else(|| panic!("baresip has no modules"))
}

/// What a telephone recorded of the other side.
pub fn heard(engine: &Engine, name: &str) -> Sound {
    let folder = engine.folder().join(name).join("recordings");
    let files = tree::files(&folder, "-dec.wav");
    assert_eq!(files.len(), 1, "one recording of {name}: {files:?}");
    Sound::from_wav(&fs::read(&files[0]).unwrap()).unwrap()
}

#[test]
fn two_telephones_hear_each_other() {
    let mut plan = Plan::default();
    // Debian's baresip gives up at SHA-256 instead of taking MD5, which is offered as well.
    plan.digest = "md5";
    let seat_name = plan.add_phone("geheim-x", "ready");
    let engine = Engine::start(&plan);
    let sip = engine.udp();
    let seat = telephone(
        &engine,
        "seat",
        &format!(
            "<sip:{seat_name}@{sip}>;auth_user={seat_name};auth_pass=geheim-x;regint=60;answermode=auto;audio_codecs=PCMA\n"
        ),
        &tone(engine.folder(), SEAT_TONE),
        &[],
    );
    engine.await_gauge("meishier_registrations", &[], 1.0);
    engine.await_gauge("meishier_seats", &[("state", "ready")], 1.0);
    let caller = telephone(
        &engine,
        "caller",
        &format!(
            "<sip:13800001234@127.0.0.1:{{port}}>;regint=0;outbound=\"sip:{sip}\";audio_codecs=PCMA\n"
        ),
        &tone(engine.folder(), CALLER_TONE),
        &[format!("/dial sip:12356@{sip}")],
    );
    engine.await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    // 50 packets a second from each side; three seconds of them.
    engine.await_metrics("three seconds of speech", |page| {
        page.sum("meishier_rtp_packets_total", &[("direction", "received")]) >= 300.0
    });
    caller.end();
    let records = engine.await_records(1);
    seat.end();
    engine.await_gauge("meishier_registrations", &[], 0.0);

    assert_eq!(records[0]["outcome"], "answered");
    assert_eq!(records[0]["released_by"], "caller");
    assert_eq!(records[0]["seat"], seat_name);
    let (by_caller, by_seat) = (heard(&engine, "caller"), heard(&engine, "seat"));
    assert!(
        by_caller.seconds_of(SEAT_TONE) >= HEARD,
        "{}",
        by_caller.seconds_of(SEAT_TONE)
    );
    assert!(
        by_seat.seconds_of(CALLER_TONE) >= HEARD,
        "{}",
        by_seat.seconds_of(CALLER_TONE)
    );
    assert_eq!(
        by_caller.seconds_of(CALLER_TONE),
        0.0,
        "nobody hears itself"
    );
    assert_eq!(by_seat.seconds_of(SEAT_TONE), 0.0, "nobody hears itself");
    engine.check_log();
}

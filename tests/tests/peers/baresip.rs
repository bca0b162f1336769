//! Two baresip telephones speak with each other through the engine: one is a registered seat, the
//! other a caller. Each plays a tone of its own and records what it hears. A third is police.

use crate::stage;
use meishier_tests::engine::Engine;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use meishier_tests::sound::{Sound, hear_each_other};
use meishier_tests::tree;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CALLER_TONE: f64 = 440.0;
const SEAT_TONE: f64 = 1000.0;
const POLICE_TONE: f64 = 1640.0;
/// The share of a block's energy from which one of two tones is in it.
const IN_IT: f64 = 0.1;
/// Seconds of the other's tone that each side must have heard.
const HEARD: f64 = 2.0;

/// A file with half a minute of a tone, made by sox.
fn tone(folder: &Path, frequency: f64) -> PathBuf {
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

/// Starts a telephone at this port with this account that plays this file.
fn telephone_at(
    (engine, port): (&Engine, u16),
    name: &str,
    account: &str,
    tone: &Path,
    commands: &[String],
) -> Peer {
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

/// As [`telephone_at`], at any port.
fn telephone(engine: &Engine, name: &str, account: &str, tone: &Path, commands: &[String]) -> Peer {
    telephone_at((engine, free_port()), name, account, tone, commands)
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
fn heard(engine: &Engine, name: &str) -> Sound {
    let folder = engine.folder().join(name).join("recordings");
    let files = tree::files(&folder, "-dec.wav");
    assert_eq!(files.len(), 1, "one recording of {name}: {files:?}");
    Sound::from_wav(&fs::read(&files[0]).unwrap()).unwrap()
}

/// A seat's telephone and a caller, each with these further words in its account, speak with each
/// other through the engine and hear each other; `phones` is the seat's line of configuration. The record.
pub fn speak(phones: &'static str, caller: &str, seat: &str) -> Value {
    let mut plan = Plan::default();
    // Debian's baresip gives up at SHA-256 instead of taking MD5, which is offered as well.
    plan.digest = "md5";
    plan.phones = phones;
    let name = plan.add_phone("geheim-x", "ready");
    let engine = Engine::start(&plan);
    let sip = engine.udp();
    let seat = telephone(
        &engine,
        "seat",
        &format!(
            "<sip:{name}@{sip}>;auth_user={name};auth_pass=geheim-x;regint=60;answermode=auto;audio_codecs=PCMA{seat}\n"
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
            "<sip:13800001234@127.0.0.1:{{port}}>;regint=0;outbound=\"sip:{sip}\";audio_codecs=PCMA{caller}\n"
        ),
        &tone(engine.folder(), CALLER_TONE),
        &[format!("/dial sip:12356@{sip}")],
    );
    engine.await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    // 50 packets a second from each side; three seconds of them.
    engine.await_metrics("three seconds of speech", |page| {
        let dropped = [("reason", "forged")];
        assert_eq!(page.sum("meishier_rtp_dropped_total", &dropped), 0.0);
        page.sum("meishier_rtp_packets_total", &[("direction", "received")]) >= 300.0
    });
    caller.end();
    let record = engine.await_records(1).swap_remove(0);
    seat.end();
    engine.await_gauge("meishier_registrations", &[], 0.0);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["released_by"], "caller");
    assert_eq!(record["seat"], name);
    let (by_caller, by_seat) = (heard(&engine, "caller"), heard(&engine, "seat"));
    hear_each_other([(&by_caller, CALLER_TONE), (&by_seat, SEAT_TONE)], HEARD);
    engine.check_log();
    record
}

#[test]
fn two_telephones_hear_each_other() {
    let record = speak("", "", "");
    assert_eq!(record["rtp_seat"]["secured"], false, "{record}");
}

/// Seconds, by blocks of 50 ms, in which all of these tones were in the sound at once.
fn seconds_with(sound: &Sound, tones: &[f64]) -> f64 {
    let has = |block: &[f64]| {
        let mut tones = tones.iter();
        tones.all(|tone| Sound::share(block, sound.rate, *tone) > IN_IT)
    };
    let blocks = sound.samples.chunks_exact((sound.rate / 20) as usize);
    blocks.filter(|block| has(block)).count() as f64 / 20.0
}

#[test]
fn three_telephones_hear_each_other_when_a_key_has_brought_police() {
    let port = free_port();
    let mut plan = Plan::default();
    plan.digest = "md5";
    plan.trunk = format!("to = [\"127.0.0.1:{port}\"]\n");
    plan.add_tables(stage::KEYS);
    let name = plan.add_phone("geheim-x", "ready");
    let engine = Engine::start(&plan);
    let sip = engine.udp();
    let [caller_tone, seat_tone, police_tone] =
        [CALLER_TONE, SEAT_TONE, POLICE_TONE].map(|it| tone(engine.folder(), it));
    let account = format!(
        "<sip:{name}@{sip}>;auth_user={name};auth_pass=geheim-x;regint=60;answermode=auto;audio_codecs=PCMA\n"
    );
    let seat = telephone(&engine, "seat", &account, &seat_tone, &[]);
    engine.await_gauge("meishier_seats", &[("state", "ready")], 1.0);
    let account = "<sip:0851110@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=PCMA\n"
        .replace("{port}", &port.to_string());
    let police = telephone_at((&engine, port), "police", &account, &police_tone, &[]);
    police.await_words("baresip is ready");
    let account = format!(
        "<sip:13800001234@127.0.0.1:{{port}}>;regint=0;outbound=\"sip:{sip}\";audio_codecs=PCMA\n"
    );
    let dial = [format!("/dial sip:12356@{sip}")];
    let caller = telephone(&engine, "caller", &account, &caller_tone, &dial);
    stage::press(&engine, "110", "贵阳");
    stage::joined(&engine);
    // 50 packets a second from each of the three; three seconds of them.
    let received = [("direction", "received")];
    let before = engine
        .metrics()
        .sum("meishier_rtp_packets_total", &received);
    engine.await_metrics("three seconds of three", |page| {
        page.sum("meishier_rtp_packets_total", &received) >= before + 450.0
    });
    // Police first: a caller who hangs up leaves the others in talk.
    police.end();
    engine.await_gauge("meishier_transfer_parties", &[], 0.0);
    caller.end();
    let record = engine.await_records(1).swap_remove(0);
    seat.end();
    assert_eq!(record["transfers"][0]["outcome"], "joined", "{record}");
    assert_eq!(record["transfers"][0]["dialled"], "0851110", "{record}");
    let tones = [
        ("caller", CALLER_TONE, [SEAT_TONE, POLICE_TONE]),
        ("seat", SEAT_TONE, [CALLER_TONE, POLICE_TONE]),
        ("police", POLICE_TONE, [CALLER_TONE, SEAT_TONE]),
    ];
    for (who, own, others) in tones {
        let sound = heard(&engine, who);
        let seconds = seconds_with(&sound, &others);
        assert!(seconds >= HEARD, "{who} heard both for {seconds} s");
        assert_eq!(seconds_with(&sound, &[own]), 0.0, "{who} hears itself");
    }
    engine.check_log();
}

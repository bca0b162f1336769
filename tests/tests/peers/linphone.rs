//! linphone's command line as a counsellor's telephone and as a caller, without a sound card: it
//! plays a tone from a file, records what it hears, and presses keys.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::peers::rtpengine::audio;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use meishier_tests::sip::Dialog;
use meishier_tests::sound::{Sound, hear_each_other};
use meishier_tests::talker::{Talker, talk};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const LINPHONE_TONE: f64 = 440.0;
const OTHER_TONE: f64 = 1000.0;
/// Longest wait for a key.
const LIMIT: Duration = Duration::from_secs(30);

/// A linphone at work, and where its recording will be.
struct Telephone {
    peer: Peer,
    recording: PathBuf,
}

impl Telephone {
    /// Starts one with these further lines of its configuration.
    fn start(engine: &Engine, name: &str, config: &str, options: &[&str]) -> Self {
        let port = free_port();
        let folder = Peer::folder(name, engine.folder(), port);
        // Where it keeps what it remembers.
        fs::create_dir_all(folder.join(".local/share/linphone")).unwrap();
        let text = format!(
            "[sip]\nsip_port={port}\nsip_tcp_port=0\nsip_tls_port=0\n\
             bind_address=127.0.0.1\nuse_ipv6=0\n\n[rtp]\nbind_address=127.0.0.1\naudio_rtp_port={}\n\n\
             [video]\nautomatically_initiate=0\nautomatically_accept=0\n\n{config}",
            free_port() & !1
        );
        fs::write(folder.join("linphonerc"), text).unwrap();
        let status = Command::new("sox")
            .args(["-q", "-n", "-r", "8000", "-b", "16", "-c", "1"])
            .arg(folder.join("tone.wav"))
            .args([
                "synth",
                "60",
                "sine",
                &LINPHONE_TONE.to_string(),
                "vol",
                "0.4",
            ])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "sox");
        let mut command = Command::new("linphonec");
        command.arg("-c").arg(folder.join("linphonerc"));
        command.env("HOME", &folder).env_remove("XDG_DATA_HOME");
        command.args(options);
        let mut peer = Peer::spawn_told(name, command, engine.folder(), port);
        let recording = folder.join("heard.wav");
        peer.tell("ipv6 disable");
        peer.tell("soundcard use files");
        peer.tell(&format!("play {}", folder.join("tone.wav").display()));
        peer.tell(&format!("record {}", recording.display()));
        Self { peer, recording }
    }

    /// Ends it; what it heard.
    fn end(mut self) -> Sound {
        self.peer.tell("quit");
        assert!(self.peer.await_end().success(), "{}", self.peer.output());
        Sound::from_wav(&fs::read(&self.recording).unwrap()).unwrap()
    }
}

/// Speaks until the talker was told so many keys.
fn talk_until_keys(talker: &mut Talker, count: usize) {
    let start = Instant::now();
    while talker.keys().len() < count {
        assert!(start.elapsed() < LIMIT, "keys: {:?}", talker.keys());
        talk(&mut [&mut *talker], Duration::from_millis(100));
    }
}

fn heard(linphone: &Sound, other: &Sound) {
    hear_each_other([(linphone, LINPHONE_TONE), (other, OTHER_TONE)], 2.0);
}

#[test]
fn a_counsellors_telephone_registers_answers_and_presses_keys() {
    let mut plan = Plan::default();
    let name = plan.add_phone("geheim-l", "ready");
    let engine = Engine::start(&plan);
    let sip = engine.udp();
    let account = format!(
        "[auth_info_0]\nusername={name}\npasswd=geheim-l\nrealm=127.0.0.1\n\n\
         [proxy_0]\nreg_proxy=<sip:{sip}>\nreg_identity=sip:{name}@{sip}\nreg_expires=60\n\
         reg_sendregister=1\n"
    );
    let mut phone = Telephone::start(&engine, "linphone-seat", &account, &["-a"]);
    engine.await_gauge("meishier_registrations", &[], 1.0);
    engine.await_gauge("meishier_seats", &[("state", "ready")], 1.0);
    let mut caller = Line::new().towards(sip);
    let mut media = Talker::new(OTHER_TONE);
    let mut dialog = Dialog::new("13900000002", "linphone", caller.address(), sip);
    caller.send(dialog.request("INVITE", 1, "INVITE", &media.sdp()));
    let answer = caller.confirm(&mut dialog);
    media.towards(audio(answer.body()));
    talk(&mut [&mut media], Duration::from_secs(3));
    phone.peer.tell("4");
    talk_until_keys(&mut media, 1);
    phone.peer.tell("#");
    talk_until_keys(&mut media, 2);
    assert_eq!(media.keys(), [4, 11]);
    caller.hang_up(&dialog);
    let record = engine.await_records(1).remove(0);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["seat"], name);
    let by_phone = phone.end();
    engine.await_gauge("meishier_registrations", &[], 0.0);
    heard(&by_phone, &media.heard());
    engine.check_log();
}

#[test]
fn a_caller_is_answered_presses_keys_and_hangs_up() {
    let seat = Line::new();
    let plan = Plan::with_seats(1, seat.address(), "udp");
    let engine = Engine::start(&plan);
    let mut seat = seat.towards(engine.udp());
    let mut media = Talker::new(OTHER_TONE);
    let sip = engine.udp();
    let account = format!(
        "[proxy_0]\nreg_proxy=<sip:{sip}>\nreg_identity=sip:13900000001@{sip}\nreg_sendregister=0\n"
    );
    let mut phone = Telephone::start(&engine, "linphone-caller", &account, &[]);
    phone.peer.tell(&format!("call sip:12356@{}", engine.udp()));
    phone.peer.await_words("ringing");
    let invite = seat.request("INVITE");
    media.towards(audio(invite.body()));
    seat.reply(&invite, "200 OK", &media.sdp());
    seat.request("ACK");
    talk(&mut [&mut media], Duration::from_secs(3));
    phone.peer.tell("9");
    talk_until_keys(&mut media, 1);
    assert_eq!(media.keys(), [9]);
    phone.peer.tell("terminate");
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");
    let record = engine.await_records(1).remove(0);
    assert_eq!(record["outcome"], "answered");
    assert_eq!(record["released_by"], "caller");
    heard(&phone.end(), &media.heard());
    engine.check_log();
}

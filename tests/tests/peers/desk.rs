//! A caller and a counsellor in conversation, each with a tone of its own, and whomever keys bring.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::peers::rtpengine::audio;
use meishier_tests::plan::Plan;
use meishier_tests::sip::{Dialog, Sip, uri};
use meishier_tests::sound::Sound;
use meishier_tests::talker::{Talker, talk};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Tones of the caller, the counsellor, police, the second line and a supervisor, hertz. Multiples of
/// 20 Hz, so that blocks of 50 ms tell them apart, and between the notes of any music.
const TONES: [(char, f64); 5] = [
    ('C', 960.0),
    ('K', 1280.0),
    ('P', 1640.0),
    ('L', 1920.0),
    ('V', 2280.0),
];
/// The share of a block's energy from which a tone is in it. Of four that are mixed each has a quarter.
const IN_IT: f64 = 0.1;
/// Power from which a block is not silent: -50 dBFS, far above comfort noise.
const LOUD: f64 = 1e-5;
/// Frequency of the ringback tone (GB/T 3380).
const RINGBACK: f64 = 450.0;
/// What is listened to at a time.
const WINDOW: Duration = Duration::from_secs(1);
/// Windows within which everybody hears whom they should.
const WINDOWS: usize = 8;
/// Longest wait for a state.
const LIMIT: Duration = Duration::from_secs(40);

/// Somebody with a telephone that speaks a tone all the time.
pub struct Party {
    letter: char,
    line: Line,
    media: Talker,
    dialog: Option<Dialog>,
}

impl Party {
    /// The party of this letter, one of [`TONES`].
    pub fn new(letter: char) -> Self {
        let tone = TONES.iter().find(|(it, _)| *it == letter);
        Self {
            letter,
            line: Line::new(),
            media: Talker::new(tone.unwrap().1),
            dialog: None,
        }
    }

    /// Where its telephone is.
    pub fn address(&self) -> SocketAddr {
        self.line.address()
    }

    /// Names the engine.
    pub fn towards(self, engine: &Engine) -> Self {
        let line = self.line.towards(engine.udp());
        Self { line, ..self }
    }

    /// Calls the hotline.
    fn call(&mut self, engine: SocketAddr) {
        let dialog = Dialog::new("13900000001", "desk", self.address(), engine);
        let invite = dialog.request("INVITE", 1, "INVITE", &self.media.sdp());
        self.line.send(invite);
        self.dialog = Some(dialog);
    }

    /// Waits until the call is answered.
    fn is_answered(&mut self) {
        let answer = self.line.confirm(self.dialog.as_mut().unwrap());
        self.media.towards(audio(answer.body()));
    }

    /// Takes the next call; its INVITE.
    pub fn answer(&mut self) -> Sip {
        let invite = self.line.request("INVITE");
        self.media.towards(audio(invite.body()));
        self.line.reply(&invite, "180 Ringing", "");
        self.line.reply(&invite, "200 OK", &self.media.sdp());
        self.line.request("ACK");
        let header = |name: &str| invite.header(name).unwrap().to_owned();
        self.dialog = Some(Dialog {
            call_id: invite.call_id().to_owned(),
            // The tag of `Line::reply`.
            from: format!("{};tag=t{}", header("To"), invite.call_id().len()),
            to: header("From"),
            target: uri(&header("Contact")).to_owned(),
            local: self.address(),
        });
        invite
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        self.line.hang_up(&self.dialog.take().unwrap());
    }

    /// Waits until the engine has hung up.
    pub fn is_hung_up(&mut self) {
        let bye = self.line.request("BYE");
        self.line.reply(&bye, "200 OK", "");
        self.dialog = None;
    }

    /// True if it has never heard that party, however shortly.
    pub fn never_heard(&self, letter: char) -> bool {
        let tone = TONES.iter().find(|(it, _)| *it == letter).unwrap().1;
        blocks_with(&self.media.heard(), 0, tone) == 0
    }
}

/// Lets all of them speak for so long.
pub fn speak(parties: &mut [&mut Party], length: Duration) {
    let mut talkers: Vec<&mut Talker> = parties.iter_mut().map(|it| &mut it.media).collect();
    talk(&mut talkers, length);
}

fn blocks(sound: &Sound, from: usize) -> impl Iterator<Item = &[f64]> {
    let block = (sound.rate / 20) as usize;
    sound.samples[from..].chunks_exact(block)
}

fn blocks_with(sound: &Sound, from: usize, tone: f64) -> usize {
    let heard = |block: &&[f64]| Sound::share(block, sound.rate, tone) > IN_IT;
    blocks(sound, from).filter(heard).count()
}

/// What somebody heard from that sample on: the letters of those whose tone was in half of the blocks,
/// with `?` behind a letter whose tone was in fewer; else `music`, `ring` or, for next to nothing, `-`.
fn heard(sound: &Sound, from: usize) -> String {
    let count = blocks(sound, from).count();
    let mut out = String::new();
    for (letter, tone) in TONES {
        match blocks_with(sound, from, tone) {
            0 => {}
            some if 2 * some >= count => out.push(letter),
            _ => out.extend([letter, '?']),
        }
    }
    let power = |block: &[f64]| block.iter().map(|s| s * s).sum::<f64>() / block.len() as f64;
    let loud = blocks(sound, from).filter(|block| power(block) > LOUD);
    if !out.is_empty() {
        out
    } else if count == 0 || 2 * loud.count() < count {
        "-".to_owned()
    } else if 2 * blocks_with(sound, from, RINGBACK) > count {
        "ring".to_owned()
    } else {
        "music".to_owned()
    }
}

/// Lets all of them speak until they hear whom they should, as `C:KP K:CP P:CK`: each party in this
/// order, and behind it the letters of those whom it hears. Whoever hears itself stands there too.
///
/// # Panics
/// If that does not come.
pub fn ears(parties: &mut [&mut Party], expected: &str) {
    let mut last = String::new();
    for _ in 0..WINDOWS {
        let from: Vec<usize> = parties
            .iter()
            .map(|it| it.media.heard().samples.len())
            .collect();
        speak(parties, WINDOW);
        let told = parties.iter().zip(from).map(|(party, from)| {
            let heard = heard(&party.media.heard(), from);
            format!("{}:{heard}", party.letter)
        });
        last = told.collect::<Vec<_>>().join(" ");
        if last == expected {
            return;
        }
    }
    assert_eq!(last, expected);
}

/// A running engine, and a caller and a counsellor who talk.
pub struct Desk {
    pub engine: Engine,
    pub caller: Party,
    pub counsellor: Party,
}

impl Desk {
    /// Starts an engine of this plan with one more seat, at which a call is answered.
    pub fn talking(mut plan: Plan) -> Self {
        let (caller, counsellor) = (Party::new('C'), Party::new('K'));
        plan.add_seats(1, counsellor.address(), "udp", "ready");
        let engine = Engine::start(&plan);
        let mut desk = Self {
            caller: caller.towards(&engine),
            counsellor: counsellor.towards(&engine),
            engine,
        };
        desk.caller.call(desk.engine.udp());
        desk.counsellor.answer();
        desk.caller.is_answered();
        let talking = [("phase", "talking")];
        desk.engine.await_gauge("meishier_calls", &talking, 1.0);
        desk
    }

    /// The only call, as the API shows it.
    pub fn call(&self) -> Value {
        let calls = self.engine.get("/api/v1/calls").json();
        calls["calls"][0].clone()
    }

    /// Asks something of the call: the status and what stands in the answer.
    pub fn ask(&self, path: &str, wish: &Value) -> (u16, Value) {
        let call = self.call();
        let path = format!("/api/v1/calls/{}/{path}", call["id"].as_str().unwrap());
        let answer = self.engine.post(&path, &wish.to_string());
        let body = match answer.body.is_empty() {
            true => Value::Null,
            false => answer.json(),
        };
        (answer.status, body)
    }

    /// As [`Desk::ask`], for what is answered with 204.
    pub fn wish(&self, path: &str, wish: Value) {
        let (status, body) = self.ask(path, &wish);
        assert_eq!(status, 204, "{path} {wish}: {body}");
    }

    /// Presses a key in this manner (the usual one if empty), with Guiyang as the place; the number dialled.
    pub fn press(&self, key: &str, manner: &str) -> String {
        let mut wish = json!({ "key": key, "place": "贵阳" });
        if !manner.is_empty() {
            wish["manner"] = manner.into();
        }
        let (status, body) = self.ask("transfer", &wish);
        assert_eq!(status, 202, "{body}");
        body["dialled"].as_str().unwrap().to_owned()
    }

    /// Writes down what the caller says of being called back.
    pub fn says(&self, call_back: Value) {
        let call = self.call();
        let path = format!("/api/v1/calls/{}/facts", call["id"].as_str().unwrap());
        let facts = json!({ "call_back": call_back }).to_string();
        let answer = self.engine.ask("PUT", &path, &facts);
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    /// How a party is to take part.
    pub fn mode(&self, who: &str, mode: &str) {
        self.wish(&format!("parties/{who}/mode"), json!({ "mode": mode }));
    }

    /// Lets caller and counsellor talk until the call is as wished; the call.
    pub fn until(&mut self, what: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let call = self.call();
            if wished(&call) {
                return call;
            }
            assert!(start.elapsed() < LIMIT, "{what}: {call}");
            let pair = &mut [&mut self.caller, &mut self.counsellor];
            speak(pair, Duration::from_millis(40));
        }
    }

    /// As [`Desk::until`]: the third parties are in these states.
    pub fn until_thirds(&mut self, states: &[&str]) -> Value {
        self.until("states of third parties", |call| {
            let thirds = call["thirds"].as_array();
            let now = thirds.into_iter().flatten().map(|it| &it["state"]);
            now.eq(states.iter())
        })
    }

    /// Caller and counsellor hear each other.
    pub fn ears(&mut self) {
        ears(&mut [&mut self.caller, &mut self.counsellor], "C:K K:C");
    }

    /// The caller hangs up from the counsellor, with whom nobody else is.
    pub fn hang_up(&mut self) {
        self.caller.hang_up();
        self.counsellor.is_hung_up();
    }

    /// The record of the call that is over. Nothing is left of it, and no error in the log.
    pub fn over(&self) -> Value {
        crate::stage::finish(&self.engine, Vec::new(), 1).remove(0)
    }

    /// [`Desk::hang_up`] and [`Desk::over`].
    pub fn end(mut self) -> Value {
        self.hang_up();
        self.over()
    }
}

/// A pool whose only telephone, in this state (`ready`, `paused`), is this party's: seat `of-NAME`.
pub fn pool(name: &str, party: &Party, state: &str) -> String {
    let address = party.address();
    let pin = format!("2{:04}", address.port() % 10_000);
    format!(
        "[[pools]]\nname = \"{name}\"\ntitle = \"{name}\"\nstrategy = \"longest_idle\"\n\
         shifts = [{{ hours = \"00:00-24:00\", lines = 5 }}]\n\n\
         [[seats]]\nname = \"of-{name}\"\npools = [\"{name}\"]\ncontact = \"sip:{name}@{address}\"\n\
         transport = \"udp\"\n\n\
         [[counsellors]]\naccount = \"at-{name}\"\npin = \"{pin}\"\nseats = [\"of-{name}\"]\n\
         start = {{ seat = \"of-{name}\", state = \"{state}\" }}\n"
    )
}

/// A trunk that leads to this telephone, by which callers are called back.
pub fn mobile(address: &str) -> String {
    format!(
        "[[trunks]]\nname = \"mobile\"\npeers = [\"127.0.0.9\"]\nto = [\"{address}\"]\n\
         outgoing_number = \"085112356\"\n\n[care]\ncall_back_trunks = [\"mobile\"]\n"
    )
}

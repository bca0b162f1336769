//! Everybody around the engine, by the dice: callers, telephones, the police, counsellors, wires.

use crate::vanish::Vanished;
use crate::world::digest::{digest, md5_challenge};
use crate::world::{
    CARRIER, CONFIG, Caller, Post, Sent, TEN_O_CLOCK, World, addr, read, reply, sdp, seat_request,
};
use meishier_engine::config::Config;
use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::transfer::{Mode, ThirdId};
use meishier_engine::{Command, Input, Phase, SeatChange, Who};
use meishier_model::{CallId, CounsellorId, SeatId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const PHONE: &str = "10.0.3.1:5062";

/// Keys that call somebody of the second line in: of the province, and of whoever takes callers.
const SECOND_LINES: &str = r#"
[[transfer.keys]]
name = "2"
title = "second line"
kind = "second_line"
pool = "province"
limit = "40s"

[[transfer.keys]]
name = "3"
title = "another counsellor"
kind = "second_line"
pool = "city"
limit = "40s"
"#;

/// What changes from the first configuration to the second, and from that to the third.
const VARIANTS: [&[(&str, &str)]; 2] = [
    &[
        ("lines = 2", "lines = 1"),
        ("strategy = \"longest_idle\"", "strategy = \"round_robin\""),
        ("[\"pcma\", \"pcmu\"]", "[\"pcmu\", \"pcma\"]"),
        ("pools = [\"city\"]", "pools = [\"province\", \"city\"]"),
        ("[\"s0\", \"s1\", \"s2\", \"r0\"]", "[\"s1\", \"s2\"]"),
        ("backoff = \"5s\"", "backoff = \"0s\""),
        ("wrapup = \"10s\"", "wrapup = \"0s\""),
        ("max_waiting = 50", "max_waiting = 3"),
        (
            "password = \"secret-r0\"",
            "contact = \"sip:r0@10.0.3.1:5062\"",
        ),
    ],
    &[
        ("lines = 1", "lines = 3"),
        (
            "answer = \"on_seat\"\nearly = \"ringing\"\nanswer_after = \"30s\"",
            "answer = \"at_once\"\noptions_every = \"30s\"",
        ),
        (
            "[\"city\", { pool = \"province\", after = \"10s\" }]",
            "[\"province\", \"city\"]",
        ),
        ("[\"s1\", \"s2\"]", "\"any\""),
        ("ring = \"30s\"", "ring = \"10s\""),
        (
            "contact = \"sip:r0@10.0.3.1:5062\"",
            "password = \"another\"",
        ),
        ("max_waiting = 3", "max_waiting = 30"),
    ],
];

fn variant_config(variant: usize) -> Arc<Config> {
    let changes = VARIANTS.iter().take(variant).flat_map(|list| list.iter());
    let text = changes.fold(format!("{CONFIG}{SECOND_LINES}"), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    read(&text)
}

/// xorshift64*: numbers that follow from the seed alone.
pub struct Dice(u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// What goes wrong beside people.
#[derive(Clone, Copy, Default)]
pub struct Disorder {
    /// What shards and media tell a shard arrives later, each way in its order.
    pub late: bool,
    /// Messages are lost on the wire and flows fail.
    pub lossy: bool,
    /// Parties vanish without a word, and others are muted.
    pub vanish: bool,
    /// Now and then the whole engine ends and another one goes on from what was written.
    pub killed: bool,
}

#[derive(Default)]
pub struct Far {
    /// INVITEs of the engine without a final response, by Call-ID.
    ringing: BTreeMap<String, Sent>,
    /// INVITEs that were answered and whose call is up.
    pub talking: BTreeMap<String, Sent>,
    /// Call-IDs of those whose 200 was acknowledged.
    pub acknowledged: BTreeSet<String>,
    /// INVITEs that were ever answered.
    answered: BTreeMap<String, Sent>,
}

pub struct Scene {
    pub world: World,
    pub dice: Dice,
    pub disorder: Disorder,
    pub vanished: Vanished,
    pub callers: BTreeMap<String, Caller>,
    /// Callers who sent BYE or CANCEL, or were told that it is over.
    pub over: BTreeSet<String>,
    pub accepted: BTreeSet<CallId>,
    pub far: Far,
    /// Commands whose answer has to come.
    pub asked: Vec<u64>,
    born: u32,
    /// Numbers of requests within calls, and of REGISTER.
    cseq: u32,
}

impl Scene {
    pub fn new(seed: u64, disorder: Disorder) -> Self {
        let mut world = World::with(&format!("{CONFIG}{SECOND_LINES}"), TEN_O_CLOCK);
        if disorder.late {
            world.post = Some(Post::default());
        }
        Self {
            world,
            disorder,
            vanished: Vanished::default(),
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            callers: BTreeMap::new(),
            over: BTreeSet::new(),
            accepted: BTreeSet::new(),
            far: Far::default(),
            asked: Vec::new(),
            born: 0,
            cseq: 100,
        }
    }

    /// Everybody reads what came; nobody decides anything here.
    pub fn read_mail(&mut self) {
        while let Some(mail) = self.world.sent.pop_front() {
            let lost = self.disorder.lossy && self.dice.roll(6) == 0;
            let call_id = mail.header("Call-ID").to_owned();
            // A BYE that gets lost, and whose shard is made anew before it is repeated, was said.
            if self.vanished.swallows(&mail, &call_id) || lost {
                continue;
            }
            if mail.is("SIP/2.0") {
                self.response(&mail, &call_id);
            } else {
                self.request(mail, call_id);
            }
        }
    }

    fn response(&mut self, mail: &Sent, call_id: &str) {
        let status: u16 = mail.start()[8..11].parse().unwrap();
        let (number, method) = mail.header("CSeq").split_once(' ').unwrap();
        if mail.to == addr(PHONE) {
            return self.registration(mail, status, number.parse().unwrap());
        }
        if method != "INVITE" || status < 200 {
            return;
        }
        let cseq: u32 = number.parse().unwrap();
        let Some(name) = call_id.strip_suffix("@caller") else {
            // A change of the session that a telephone asked for; now and then its ACK is lost.
            if let Some(invite) = self.far.answered.get(call_id)
                && (status >= 300 || self.dice.roll(8) > 0)
            {
                let ack = seat_request(invite, "ACK", cseq, "");
                self.world.arrive(mail.to, &ack);
            }
            return;
        };
        let Some(caller) = self.callers.get_mut(name) else {
            return;
        };
        if cseq > 1 {
            let branch = if status < 300 { "ra" } else { "r" };
            let ack = caller.request("ACK", cseq, &format!("{branch}{cseq}"), "");
            let from = caller.from;
            return self.world.arrive(from, &ack);
        }
        if status < 300 {
            caller.answer = Some(mail.clone());
            caller.ack(&mut self.world);
            if self.over.contains(name) {
                // The 200 crossed the CANCEL.
                self.caller_bye(name);
            }
        } else {
            let ack = caller.request("ACK", 1, "i", "");
            let from = caller.from;
            self.over.insert(name.to_owned());
            self.world.arrive(from, &ack);
        }
    }

    fn caller_bye(&mut self, name: &str) {
        let caller = &self.callers[name];
        let bye = caller.request("BYE", 1_000_000, "b", "");
        let from = caller.from;
        self.world.arrive(from, &bye);
    }

    /// The telephone that registers answers the challenge.
    fn registration(&mut self, mail: &Sent, status: u16, cseq: u32) {
        if status == 401 {
            let challenge = md5_challenge(mail);
            let auth = digest(
                &challenge,
                "REGISTER",
                "sip:test.invalid",
                "r0",
                "secret-r0",
            );
            let expires = if cseq.is_multiple_of(3) { 0 } else { 60 };
            self.register(expires, &format!("Authorization: {auth}\r\n"));
        }
    }

    fn register(&mut self, expires: u32, authorization: &str) {
        self.cseq += 1;
        let n = self.cseq;
        let text = format!(
            "REGISTER sip:test.invalid SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bKr{n}\r\n\
             From: <sip:r0@test.invalid>;tag=r\r\nTo: <sip:r0@test.invalid>\r\nCall-ID: register\r\n\
             CSeq: {n} REGISTER\r\nContact: <sip:r0@10.0.3.2:5062>\r\nExpires: {expires}\r\n\
             Max-Forwards: 70\r\n{authorization}Content-Length: 0\r\n\r\n"
        );
        self.world.arrive(addr(PHONE), &text);
    }

    fn request(&mut self, mail: Sent, call_id: String) {
        if mail.is("OPTIONS") {
            reply(&mut self.world, &mail, "200 OK", "", "");
        } else if let Some(name) = call_id.strip_suffix("@caller") {
            self.over.insert(name.to_owned());
            reply(&mut self.world, &mail, "200 OK", "", "");
        } else if mail.is("INVITE") {
            if let Some(answered) = self.far.answered.get(&call_id) {
                // The 200 was lost, or the ACK: it is sent again.
                let again = answered.clone();
                reply(
                    &mut self.world,
                    &again,
                    "200 OK",
                    "seat",
                    &sdp(again.to, 6000),
                );
            } else {
                self.far.ringing.entry(call_id).or_insert(mail);
            }
        } else if mail.is("ACK") {
            self.far.acknowledged.insert(call_id);
        } else if mail.is("CANCEL") {
            reply(&mut self.world, &mail, "200 OK", "seat", "");
            if let Some(invite) = self.far.ringing.remove(&call_id) {
                reply(
                    &mut self.world,
                    &invite,
                    "487 Request Terminated",
                    "seat",
                    "",
                );
            }
        } else if mail.is("BYE") {
            self.far.talking.remove(&call_id);
            reply(&mut self.world, &mail, "200 OK", "", "");
        }
    }

    pub fn pick(&mut self, of: &[String]) -> Option<String> {
        if of.is_empty() {
            return None;
        }
        let index = self.dice.roll(of.len() as u64) as usize;
        of.get(index).cloned()
    }

    pub fn a_caller(&mut self) -> Option<String> {
        let alive: Vec<String> = self
            .callers
            .keys()
            .filter(|name| !self.over.contains(*name))
            .cloned()
            .collect();
        self.pick(&alive)
    }

    fn a_ringing(&mut self) -> Option<Sent> {
        let all: Vec<String> = self.far.ringing.keys().cloned().collect();
        self.pick(&all)
            .and_then(|id| self.far.ringing.get(&id).cloned())
    }

    pub fn hang_up(&mut self, name: &str) {
        self.over.insert(name.to_owned());
        let caller = &self.callers[name];
        let text = if caller.answer.is_some() {
            caller.request("BYE", 1_000_000, "b", "")
        } else {
            caller.request("CANCEL", 1, "i", "")
        };
        let from = caller.from;
        self.world.arrive(from, &text);
        if self.dice.roll(4) == 0 {
            self.world.arrive(from, &text);
        }
    }

    /// A party holds, resumes or moves.
    fn renegotiate(&mut self) {
        self.cseq += 1;
        let cseq = self.cseq;
        let body = sdp(addr("10.0.9.9:1"), 7000 + (cseq % 1000) as u16 * 2);
        let body = if self.dice.roll(2) == 0 {
            body.replace("sendrecv", "sendonly")
        } else {
            body
        };
        let method = if self.dice.roll(4) == 0 {
            "UPDATE"
        } else {
            "INVITE"
        };
        if self.dice.roll(2) == 0 {
            let all: Vec<String> = self.far.talking.keys().cloned().collect();
            let Some(id) = self.pick(&all) else { return };
            let text = seat_request(&self.far.talking[&id], method, cseq, &body);
            let from = self.far.talking[&id].to;
            self.world.arrive(from, &text);
        } else if let Some(name) = self.a_caller().filter(|n| self.callers[n].answer.is_some()) {
            let caller = &self.callers[&name];
            let text = caller.request(method, cseq, &format!("r{cseq}"), &body);
            let from = caller.from;
            self.world.arrive(from, &text);
        }
    }

    /// The way to a telephone or to the carrier fails.
    fn lose_a_flow(&mut self) {
        let remote = match self.dice.roll(6) {
            0 => addr(CARRIER),
            1 => addr(PHONE),
            n => addr(&format!("10.0.2.{}:5060", n % 3)),
        };
        let flow = Flow {
            transport: Transport::Udp,
            local: addr(crate::world::ENGINE),
            remote,
            connection: 0,
        };
        let shard = self.dice.roll(4) as usize;
        self.world.handle(shard, Input::FlowFailed { flow });
    }

    /// Another of the three configurations.
    pub fn configure(&mut self, variant: usize) {
        static ALL: OnceLock<Vec<Arc<Config>>> = OnceLock::new();
        let all = ALL.get_or_init(|| (0..=VARIANTS.len()).map(variant_config).collect());
        self.world.configure_with(Arc::clone(&all[variant]));
    }

    fn deliver_some(&mut self) {
        for _ in 0..self.dice.roll(6) {
            let ways = self.world.post.as_ref().map_or(0, Post::ways);
            if ways > 0 {
                let way = self.dice.roll(ways as u64) as usize;
                self.world.deliver(way);
            }
        }
    }

    fn arrive(&mut self) {
        self.born += 1;
        let name = format!("{}", self.born);
        let caller = Caller::new(CARRIER, &name);
        caller.invite(&mut self.world);
        if self.dice.roll(3) == 0 {
            caller.invite(&mut self.world);
        }
        self.callers.insert(name, caller);
    }

    fn far_end(&mut self) {
        let Some(invite) = self.a_ringing() else {
            return;
        };
        let id = invite.header("Call-ID").to_owned();
        match self.dice.roll(8) {
            0 => reply(&mut self.world, &invite, "180 Ringing", "seat", ""),
            1 | 2 => {
                let status = ["486 Busy Here", "480 Gone", "603 Decline", "503 Down"]
                    [self.dice.roll(4) as usize];
                self.far.ringing.remove(&id);
                reply(&mut self.world, &invite, status, "seat", "");
            }
            3 => {
                // An answer with media that fits nothing.
                self.far.ringing.remove(&id);
                let body = sdp(invite.to, 6000)
                    .replace("AVP 8 101", "AVP 99")
                    .replace("rtpmap:8 PCMA", "rtpmap:99 opus");
                reply(&mut self.world, &invite, "200 OK", "seat", &body);
            }
            _ => {
                self.far.ringing.remove(&id);
                reply(
                    &mut self.world,
                    &invite,
                    "200 OK",
                    "seat",
                    &sdp(invite.to, 6000),
                );
                self.far.answered.insert(id.clone(), invite.clone());
                self.far.talking.insert(id, invite);
            }
        }
    }

    fn people(&mut self) {
        let seat = SeatId(self.dice.roll(4) as u32);
        let change = match self.dice.roll(5) {
            0 => SeatChange::Pause {
                reason: String::new(),
            },
            1 => SeatChange::SignOff,
            2 => SeatChange::Ready,
            _ => {
                let who = CounsellorId(self.dice.roll(3) as u32);
                SeatChange::SignOn {
                    counsellor: who,
                    pin: None,
                }
            }
        };
        let token = self.world.ask(Command::Seat { seat, change });
        self.asked.push(token);
    }

    fn key(&mut self) {
        // Mostly where a key does something.
        let anywhere = self.dice.roll(8) == 0;
        let shards = self.world.shards.iter();
        let standings = shards.flat_map(|s| s.call_standings().collect::<Vec<_>>());
        let fits = |phase| anywhere || matches!(phase, Phase::Talking | Phase::Transferring);
        let calls: Vec<CallId> = standings
            .filter(|it| fits(it.phase))
            .map(|it| it.call)
            .collect();
        if calls.is_empty() {
            return;
        }
        let call = calls[self.dice.roll(calls.len() as u64) as usize];
        let command = match self.dice.roll(12) {
            0 | 1 => Command::take_back(call),
            2 | 3 => Command::press(call, "2", ""),
            4 | 5 => Command::press(call, "3", ""),
            6 => {
                let seat = SeatId(self.dice.roll(4) as u32);
                let mode = [Mode::Listen, Mode::Whisper, Mode::Full][self.dice.roll(3) as usize];
                Command::Supervise { call, seat, mode }
            }
            7 => {
                let who = Who::Third(ThirdId(1 + self.dice.roll(2) as u8));
                let mode = [Mode::Full, Mode::Back, Mode::Held][self.dice.roll(3) as usize];
                Command::Hear { call, who, mode }
            }
            8 if self.dice.roll(2) == 0 => Command::Leave { call },
            _ => Command::press(call, "110", "贵阳"),
        };
        let token = self.world.ask(command);
        self.asked.push(token);
    }

    pub fn step(&mut self) {
        match self.dice.roll(30) {
            0..=3 => self.arrive(),
            4..=6 => {
                if let Some(name) = self.a_caller() {
                    self.hang_up(&name);
                }
            }
            7..=11 | 27..=29 => self.far_end(),
            12 => {
                let all: Vec<String> = self.far.talking.keys().cloned().collect();
                if let Some(invite) = self.pick(&all).and_then(|id| self.far.talking.remove(&id)) {
                    let bye = seat_request(&invite, "BYE", 1_000_000, "");
                    self.world.arrive(invite.to, &bye);
                }
            }
            13 | 14 => self.people(),
            15 | 16 | 24..=26 => self.key(),
            17 => {
                let ms = self.dice.roll(25_000);
                self.world.pass(Duration::from_millis(ms));
            }
            18 => self.world.pass(Duration::from_millis(700)),
            19 if self.disorder.killed => self.world.restart(),
            19 => self.world.replace_by_snapshots(),
            20 => self.register(60, ""),
            21 if self.disorder.lossy => self.lose_a_flow(),
            22 if self.disorder.vanish => self.somebody_vanishes(),
            23 if self.disorder.vanish => self.somebody_is_muted(),
            22 if self.dice.roll(2) == 0 => {
                let variant = self.dice.roll(3) as usize;
                self.configure(variant);
            }
            _ => self.renegotiate(),
        }
        self.media_listens();
        if self.disorder.late {
            self.deliver_some();
        }
        self.read_mail();
        if self.dice.roll(8) == 0 {
            self.world.deliver_all();
            self.read_mail();
        }
        self.check();
    }
}

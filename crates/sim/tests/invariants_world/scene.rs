//! Callers, telephones and counsellors by the dice, over the rig.

use super::{CARRIER, ENGINE, Rig, Sent, addr, sdp};
use meishier_engine::{CallStanding, Command, Phase, SeatChange};
use meishier_model::{CallId, CounsellorId, SeatId, Wall};
use meishier_sim::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A caller behind the carrier.
#[derive(Clone, Debug)]
pub struct Caller {
    pub name: String,
    pub number: String,
    pub called: String,
    pub answer: Option<Sent>,
    pub over: bool,
}

impl Caller {
    pub fn new(name: &str, number: &str, called: &str) -> Self {
        Self {
            name: name.to_owned(),
            number: number.to_owned(),
            called: called.to_owned(),
            answer: None,
            over: false,
        }
    }

    fn request(&self, method: &str, cseq: u32, branch: &str, body: &str) -> String {
        let (name, number, called) = (&self.name, &self.number, &self.called);
        let to = self.answer.as_ref().map_or_else(
            || format!("<sip:{called}@{ENGINE}>"),
            |a| a.header("To").to_owned(),
        );
        let uri = self
            .answer
            .as_ref()
            .map_or_else(|| format!("sip:{called}@{ENGINE}"), Sent::contact);
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bK{name}{branch}\r\n\
             From: <sip:{number}@{CARRIER}>;tag=f{name}\r\nTo: {to}\r\nCall-ID: {name}@caller\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{number}@{CARRIER}>\r\nMax-Forwards: 70\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub fn invite(&self, rig: &mut Rig) {
        rig.arrive(addr(CARRIER), &self.request("INVITE", 1, "i", &sdp(4000)));
    }

    pub fn ack(&self, rig: &mut Rig, failed: bool) {
        let branch = if failed { "i" } else { "a" };
        rig.arrive(addr(CARRIER), &self.request("ACK", 1, branch, ""));
    }

    pub fn hang_up(&mut self, rig: &mut Rig) {
        self.over = true;
        let text = match self.answer {
            Some(_) => self.request("BYE", 2, "b", ""),
            None => self.request("CANCEL", 1, "i", ""),
        };
        rig.arrive(addr(CARRIER), &text);
    }
}

/// A response of a far end to a request of the engine.
pub fn reply(rig: &mut Rig, request: &Sent, status: &str, body: &str) {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        text.push_str(&format!("{name}: {}\r\n", request.header(name)));
    }
    let to = request.header("To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=far" };
    text.push_str(&format!(
        "To: {to}{tag}\r\nContact: <sip:phone@{}>\r\n",
        request.to
    ));
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    rig.arrive(request.to, &text);
}

/// The far end of an answered INVITE of the engine hangs up.
pub fn far_bye(rig: &mut Rig, invite: &Sent) {
    let call_id = invite.header("Call-ID");
    let text = format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKbye{call_id}\r\n\
         From: {};tag=far\r\nTo: {}\r\nCall-ID: {call_id}\r\nCSeq: 900 BYE\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        invite.contact(),
        invite.header("To"),
        invite.header("From"),
        at = invite.to,
    );
    rig.arrive(invite.to, &text);
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub loss: bool,
    pub lag: bool,
    pub restore: bool,
    pub reload: bool,
    pub jumps: bool,
}

/// Everybody around the engine.
pub struct Scene {
    pub rig: Rig,
    pub dice: Dice,
    pub faults: Faults,
    pub callers: BTreeMap<String, Caller>,
    ringing: BTreeMap<String, Sent>,
    talking: BTreeMap<String, Sent>,
    answered: BTreeSet<String>,
    born: u32,
}

impl Scene {
    pub fn new(seed: u64, faults: Faults) -> Self {
        let dice = Dice::new(seed);
        let mut scene = Self {
            rig: Rig::with(super::CONFIG, seed),
            dice,
            faults,
            callers: BTreeMap::new(),
            ringing: BTreeMap::new(),
            talking: BTreeMap::new(),
            answered: BTreeSet::new(),
            born: 0,
        };
        if faults.lag {
            scene.rig.slow(Duration::from_millis(400));
        }
        for seat in 0..3 {
            scene.sign_on(seat, seat);
        }
        scene
    }

    /// A quiet scene whose judges read another configuration than the engine.
    pub fn judged_by(judges: &str) -> Self {
        let mut scene = Self::new(1, Faults::default());
        scene.rig = Rig::judged_by(super::CONFIG, judges, 1);
        scene
    }

    pub fn call(&mut self, head: &str, called: &str) -> String {
        self.born += 1;
        let name = format!("c{}", self.born);
        let caller = Caller::new(&name, &format!("{head}{:08}", self.born), called);
        caller.invite(&mut self.rig);
        self.callers.insert(name.clone(), caller);
        self.mail();
        name
    }

    pub fn seat(&mut self, seat: u32, change: SeatChange) {
        self.rig.command(Command::Seat {
            seat: SeatId(seat),
            change,
        });
        self.rig.read_all();
        self.mail();
    }

    pub fn sign_on(&mut self, seat: u32, counsellor: u32) {
        let pin =
            Some(["1230", "1231", "1232", "1233", "2000", "3000"][counsellor as usize].to_owned());
        self.seat(
            seat,
            SeatChange::SignOn {
                counsellor: CounsellorId(counsellor),
                pin,
            },
        );
    }

    pub fn pause(&mut self, seat: u32) {
        self.seat(
            seat,
            SeatChange::Pause {
                reason: String::new(),
            },
        );
    }

    pub fn pass(&mut self, ms: u64) {
        self.rig.pass(Duration::from_millis(ms));
        self.mail();
    }

    /// A seat's telephone dials a star code.
    fn star(&mut self, seat: u32, code: &str) {
        self.born += 1;
        let text = self.star_request("INVITE", seat, code, self.born);
        self.rig.arrive(addr(&format!("10.0.2.{seat}:5060")), &text);
        self.mail();
    }

    fn star_request(&self, method: &str, seat: u32, code: &str, count: u32) -> String {
        let body = if method == "INVITE" {
            sdp(4000)
        } else {
            String::new()
        };
        format!(
            "{method} sip:{code}@{ENGINE} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 10.0.2.{seat}:5060;branch=z9hG4bKstar{count}{method}\r\n\
             From: <sip:s{seat}@test.invalid>;tag=f{seat}\r\nTo: <sip:{code}@{ENGINE}>\r\n\
             Call-ID: {count}-{seat}@star\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:s{seat}@10.0.2.{seat}:5060>\r\nContent-Type: application/sdp\r\n\
             Max-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Everybody reads what came.
    pub fn mail(&mut self) {
        loop {
            self.rig.read_all();
            let Some(mail) = self.rig.sent.pop_front() else {
                return;
            };
            if self.faults.loss && self.dice.roll(6) == 0 {
                continue;
            }
            let call_id = mail.header("Call-ID").to_owned();
            if mail.is("SIP/2.0") {
                self.response(&mail, &call_id);
            } else {
                self.request(mail, call_id);
            }
        }
    }

    fn response(&mut self, mail: &Sent, call_id: &str) {
        let status: u16 = mail.text[8..11].parse().unwrap();
        if !mail.header("CSeq").ends_with("INVITE") || status < 200 {
            return;
        }
        if let Some((count, seat)) = call_id
            .strip_suffix("@star")
            .and_then(|id| id.split_once('-'))
        {
            let text = self.star_request("ACK", seat.parse().unwrap(), "x", count.parse().unwrap());
            let to = format!("To: {}", mail.header("To"));
            let text = text.replace(&format!("To: <sip:x@{ENGINE}>"), &to);
            return self.rig.arrive(mail.to, &text);
        }
        let Some(caller) = call_id
            .strip_suffix("@caller")
            .and_then(|n| self.callers.get_mut(n))
        else {
            return;
        };
        if status < 300 {
            caller.answer = Some(mail.clone());
            let caller = caller.clone();
            caller.ack(&mut self.rig, false);
            if caller.over {
                caller.clone().hang_up(&mut self.rig);
            }
        } else {
            caller.over = true;
            caller.clone().ack(&mut self.rig, true);
        }
    }

    fn request(&mut self, mail: Sent, call_id: String) {
        if let Some(name) = call_id.strip_suffix("@caller") {
            if let Some(caller) = self.callers.get_mut(name) {
                caller.over = true;
            }
            reply(&mut self.rig, &mail, "200 OK", "");
        } else if mail.is("INVITE") {
            if self.answered.contains(&call_id) {
                reply(&mut self.rig, &mail, "200 OK", &sdp(6000));
            } else {
                reply(&mut self.rig, &mail, "180 Ringing", "");
                self.ringing.insert(call_id, mail);
            }
        } else if mail.is("CANCEL") {
            reply(&mut self.rig, &mail, "200 OK", "");
            if let Some(invite) = self.ringing.remove(&call_id) {
                reply(&mut self.rig, &invite, "487 Request Terminated", "");
            }
        } else if mail.is("BYE") {
            self.talking.remove(&call_id);
            reply(&mut self.rig, &mail, "200 OK", "");
        }
    }

    fn pick<T: Clone>(&mut self, of: &BTreeMap<String, T>) -> Option<(String, T)> {
        let index = self.dice.index(of.len());
        of.iter().nth(index).map(|(k, v)| (k.clone(), v.clone()))
    }

    /// Whoever rings answers, in the order of Call-IDs.
    pub fn answer_all(&mut self) {
        while let Some((id, invite)) = self.ringing.pop_first() {
            self.answered.insert(id.clone());
            self.talking.insert(id, invite.clone());
            reply(&mut self.rig, &invite, "200 OK", &sdp(6000));
            self.mail();
        }
    }

    pub fn ringing(&self) -> Vec<Sent> {
        self.ringing.values().cloned().collect()
    }

    pub fn talking(&self) -> Vec<Sent> {
        self.talking.values().cloned().collect()
    }

    /// Somebody does something.
    pub fn act(&mut self) {
        match self.dice.roll(22) {
            18..21 => self.answer_all(),
            0..4 => {
                let head = ["133", "139", "138", "137"][self.dice.index(4)];
                let called = ["12356", "01012356"][self.dice.index(2)];
                self.call(head, called);
            }
            4..7 => {
                let ringing = self.ringing.clone();
                if let Some((id, invite)) = self.pick(&ringing) {
                    self.ringing.remove(&id);
                    self.answered.insert(id.clone());
                    self.talking.insert(id, invite.clone());
                    reply(&mut self.rig, &invite, "200 OK", &sdp(6000));
                }
            }
            7 => {
                let ringing = self.ringing.clone();
                if let Some((id, invite)) = self.pick(&ringing) {
                    self.ringing.remove(&id);
                    let how = ["486 Busy Here", "603 Decline", "480 Gone"][self.dice.index(3)];
                    reply(&mut self.rig, &invite, how, "");
                }
            }
            8..10 => {
                let talking = self.talking.clone();
                if let Some((id, invite)) = self.pick(&talking) {
                    self.talking.remove(&id);
                    far_bye(&mut self.rig, &invite);
                }
            }
            10..12 => {
                let there: BTreeMap<String, Caller> = self
                    .callers
                    .iter()
                    .filter(|c| !c.1.over)
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                if let Some((name, _)) = self.pick(&there) {
                    let mut caller = self.callers.remove(&name).unwrap();
                    caller.hang_up(&mut self.rig);
                    self.callers.insert(name, caller);
                }
            }
            12..15 => self.counsellor(),
            15 => {
                let talking = |id: &CallStanding<'_>| {
                    matches!(id.phase, Phase::Talking | Phase::Transferring)
                };
                let shards = self.rig.shards.iter();
                let calls = shards
                    .flat_map(|shard| shard.call_standings())
                    .filter(talking);
                let calls: Vec<CallId> = calls.map(|standing| standing.call).collect();
                if let Some(call) = calls.get(self.dice.index(calls.len())).copied() {
                    let command = match self.dice.roll(4) {
                        0 => Command::take_back(call),
                        _ => Command::press(call, "110", "贵阳"),
                    };
                    self.rig.command(command);
                }
            }
            16 if self.faults.reload => {
                let text = match self.dice.roll(2) {
                    0 => super::CONFIG.to_owned(),
                    _ => super::CONFIG
                        .replace("wrapup = \"4s\"", "wrapup = \"2s\"")
                        .replace("ring = \"10s\"", "ring = \"7s\"")
                        .replace("lines = 2 }, {", "lines = 1 }, {"),
                };
                self.rig.reload(&text);
            }
            16 if self.faults.restore => self.rig.replace(),
            17 if self.faults.jumps => {
                let shift = self.dice.roll(36_000_000) as i64 - 18_000_000;
                let wall = Wall(self.rig.now.wall.0 + shift);
                self.rig.set_wall(wall);
            }
            _ => {
                let ms = [1, 20, 150, 1_000, 3_000, 9_000][self.dice.index(6)];
                self.rig.pass(Duration::from_millis(ms));
            }
        }
        self.mail();
    }

    fn counsellor(&mut self) {
        let seat = self.dice.roll(4) as u32;
        match self.dice.roll(6) {
            0 => self.pause(seat),
            1 => self.seat(seat, SeatChange::SignOff),
            2 => self.seat(seat, SeatChange::Ready),
            3 => {
                let code = [
                    "*12",
                    "*13",
                    "*14",
                    "*11*101*1231",
                    "*11*103*1233",
                    "*11*100*9999",
                ];
                let code = code[self.dice.index(6)];
                self.star(seat, code);
            }
            _ => {
                let who = self.dice.roll(6) as u32;
                self.sign_on(seat, who);
            }
        }
    }

    /// Everybody goes home; gives the last judgement.
    pub fn end(&mut self) {
        self.faults.loss = false;
        for name in self.callers.keys().cloned().collect::<Vec<_>>() {
            let mut caller = self.callers.remove(&name).unwrap();
            caller.hang_up(&mut self.rig);
            self.callers.insert(name, caller);
            self.mail();
        }
        // Who was called for a caller stays with the counsellor until one of them hangs up.
        while let Some((_, invite)) = self.talking.pop_first() {
            far_bye(&mut self.rig, &invite);
            self.mail();
        }
        for _ in 0..20 {
            self.pass(15_000);
        }
        if self.rig.found.is_none() {
            self.rig.found = self.rig.rest().err();
        }
    }
}

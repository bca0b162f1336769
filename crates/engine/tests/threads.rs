//! Four shards on four threads around one queue: what a single thread cannot show, since there every
//! shard sees the queue as it left it. Who runs when is the machine's choice; what must hold at the
//! end is not.

mod world;

use meishier_engine::media::{MediaCommand, MediaEvent};
use meishier_engine::queue::Queue;
use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::{
    BoundPort, Command, Input, Notice, Output, SeatChange, SeatState, Shard, ShardConfig,
    ShardMessage, config, dispatch, queue_config,
};
use meishier_model::{
    CallRecord, CounsellorId, Mono, Now, PortId, RtpStats, SeatId, ShardId, Wall,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use world::{CARRIER, CONFIG, Caller, ENGINE, Sent, TEN_O_CLOCK, addr, sdp};

const SHARDS: usize = 4;
const STEPS: usize = 6_000;
const ROUNDS: usize = 60;

enum Letter {
    Shard(ShardMessage),
    Wake,
}

struct Thread {
    index: usize,
    shard: Shard,
    config: Arc<config::Config>,
    clock: Arc<AtomicU64>,
    inbox: Receiver<Letter>,
    others: Vec<Sender<Letter>>,
    dice: u64,
    sent: VecDeque<Sent>,
    callers: BTreeMap<String, Caller>,
    ringing: BTreeMap<String, Sent>,
    talking: BTreeMap<String, Sent>,
    records: Vec<CallRecord>,
    accepted: usize,
    born: usize,
}

impl Thread {
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        (self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn handle(&mut self, input: Input<'_>) {
        let mono = Mono(self.clock.fetch_add(50, Ordering::SeqCst));
        let wall = Wall(TEN_O_CLOCK.0 + (mono.0 / 1000) as i64);
        self.shard.handle(Now { mono, wall }, input);
        let mut closed = Vec::new();
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Transmit(transmit) => self.sent.push_back(Sent {
                    to: transmit.flow.remote,
                    text: String::from_utf8(transmit.bytes).unwrap(),
                }),
                Output::Media(MediaCommand::Close { port }) => closed.push(port),
                Output::Shard { to, message } => {
                    let _ = self.others[usize::from(to.0)].send(Letter::Shard(message));
                }
                Output::Wake(shard) => {
                    let _ = self.others[usize::from(shard.0)].send(Letter::Wake);
                }
                Output::Record(record) => self.records.push(*record),
                Output::Notice(Notice::Arrived { .. }) => self.accepted += 1,
                Output::Notice(notice) => {
                    assert!(!matches!(notice, Notice::Unexpected(_)), "{notice:?}");
                }
                _ => {}
            }
        }
        for port in closed {
            let stats = RtpStats::default();
            self.handle(Input::Media(MediaEvent::Closed { port, stats }));
        }
    }

    fn arrive(&mut self, from: &str, text: &str) {
        let flow = Flow {
            transport: Transport::Udp,
            local: addr(ENGINE),
            remote: addr(from),
            connection: 0,
        };
        let bytes = text.as_bytes();
        self.handle(Input::Message { flow, bytes });
    }

    fn answer(&mut self, request: &Sent, status: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            text.push_str(&format!("{name}: {}\r\n", request.header(name)));
        }
        let to = request.header("To");
        let tag = if to.contains(";tag=") {
            ""
        } else {
            ";tag=seat"
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        text.push_str(&format!(
            "To: {to}{tag}\r\nContact: <sip:phone@{}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            request.to,
            body.len()
        ));
        self.arrive(&request.to.to_string(), &text);
    }

    fn read_mail(&mut self) {
        while let Some(mail) = self.sent.pop_front() {
            let id = mail.header("Call-ID").to_owned();
            if mail.is("SIP/2.0") {
                self.response(&mail, &id);
            } else if mail.is("INVITE") {
                self.ringing.insert(id, mail);
            } else if mail.is("CANCEL") {
                self.answer(&mail, "200 OK", "");
                if let Some(invite) = self.ringing.remove(&id) {
                    self.answer(&invite, "487 Request Terminated", "");
                }
            } else if mail.is("BYE") {
                self.talking.remove(&id);
                if let Some(name) = id.strip_suffix("@caller") {
                    self.callers.remove(name);
                }
                self.answer(&mail, "200 OK", "");
            }
        }
    }

    fn response(&mut self, mail: &Sent, id: &str) {
        let name = id.strip_suffix("@caller").unwrap_or("");
        let status: u16 = mail.start()[8..11].parse().unwrap();
        if status < 200 || !mail.header("CSeq").ends_with("INVITE") {
            return;
        }
        let known = self.callers.remove(name);
        let mut caller = known.unwrap_or_else(|| Caller::new(CARRIER, name));
        let branch = if status < 300 { "a" } else { "i" };
        if status < 300 {
            caller.answer = Some(mail.clone());
        }
        let ack = caller.request("ACK", 1, branch, "");
        if status < 300 {
            self.callers.insert(name.to_owned(), caller);
        }
        self.arrive(CARRIER, &ack);
    }

    fn new_caller(&mut self) {
        let name = loop {
            self.born += 1;
            let name = format!("{}x{}", self.index, self.born);
            let text = Caller::new(CARRIER, &name).request("INVITE", 1, "i", "");
            let home = dispatch(text.as_bytes(), &self.config, SHARDS as u16);
            if usize::from(home.0) == self.index {
                break name;
            }
        };
        let caller = Caller::new(CARRIER, &name);
        let text = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
        self.callers.insert(name, caller);
        self.arrive(CARRIER, &text);
    }

    fn hang_up(&mut self, name: &str) {
        let Some(caller) = self.callers.get(name) else {
            return;
        };
        let text = match caller.answer {
            Some(_) => caller.request("BYE", 9, "b", ""),
            None => caller.request("CANCEL", 1, "i", ""),
        };
        if caller.answer.is_some() {
            self.callers.remove(name);
        }
        self.arrive(CARRIER, &text);
    }

    fn letters(&mut self) -> bool {
        let mut any = false;
        while let Ok(letter) = self.inbox.try_recv() {
            any = true;
            match letter {
                Letter::Shard(message) => self.handle(Input::Shard(message)),
                Letter::Wake => self.handle(Input::Inbox),
            }
        }
        let now = Mono(self.clock.load(Ordering::SeqCst));
        if self.shard.poll_timeout().is_some_and(|at| at <= now) {
            self.handle(Input::Timeout);
        }
        any
    }

    fn step(&mut self) {
        match self.roll(10) {
            0..=2 if self.callers.len() < 12 => self.new_caller(),
            3 | 4 => {
                let names: Vec<String> = self.callers.keys().cloned().collect();
                if !names.is_empty() {
                    let name = &names[self.roll(names.len() as u64) as usize];
                    self.hang_up(name);
                }
            }
            5 | 6 => {
                if let Some((id, invite)) = self.ringing.pop_first() {
                    if self.roll(3) == 0 {
                        self.answer(&invite, "486 Busy Here", "");
                    } else {
                        self.answer(&invite, "200 OK", &sdp(invite.to, 6000));
                        self.talking.insert(id, invite);
                    }
                }
            }
            7 => {
                if let Some((_, invite)) = self.talking.pop_first() {
                    let bye = world::seat_request(&invite, "BYE", 9, "");
                    self.arrive(&invite.to.to_string(), &bye);
                }
            }
            8 => {
                let change = match self.roll(12) {
                    0 => SeatChange::Pause {
                        reason: String::new(),
                    },
                    1 => SeatChange::SignOff,
                    2 | 3 => SeatChange::Ready,
                    _ => SeatChange::SignOn {
                        counsellor: CounsellorId(self.roll(3) as u32),
                        pin: None,
                    },
                };
                let seat = SeatId(self.index as u32);
                let command = Command::Seat { seat, change };
                self.handle(Input::Command { token: 1, command });
            }
            _ => drop(self.clock.fetch_add(20_000, Ordering::SeqCst)),
        }
        self.letters();
        self.read_mail();
    }

    /// Everybody hangs up; then rounds in step with the others until all is told.
    fn end(&mut self, barrier: &Barrier) {
        for _ in 0..ROUNDS {
            let names: Vec<String> = self.callers.keys().cloned().collect();
            for name in names {
                self.hang_up(&name);
            }
            self.read_mail();
            barrier.wait();
            while self.letters() {
                self.read_mail();
            }
            self.read_mail();
            if barrier.wait().is_leader() {
                self.clock.fetch_add(2_000_000, Ordering::SeqCst);
            }
        }
    }
}

fn thread(
    index: usize,
    queue: &Arc<Queue>,
    config: &Arc<config::Config>,
    clock: &Arc<AtomicU64>,
    inbox: Receiver<Letter>,
    others: Vec<Sender<Letter>>,
) -> Thread {
    let ports = (0..200u16).map(|i| {
        let number = index as u16 * 200 + i;
        let at = std::net::SocketAddr::new(addr(ENGINE).ip(), 20000 + number * 2);
        BoundPort {
            id: PortId(u32::from(number)),
            address: at,
            network: None,
        }
    });
    let setup = ShardConfig {
        id: ShardId(index as u16),
        config: Arc::clone(config),
        queue: Arc::clone(queue),
        ports: ports.collect(),
        local: vec![(Transport::Udp, addr(ENGINE))],
        seed: [index as u8 + 1; 32],
        secret: [9; 32],
        boot: TEN_O_CLOCK,
    };
    let now = Now {
        mono: Mono(1_000_000),
        wall: TEN_O_CLOCK,
    };
    Thread {
        index,
        shard: Shard::new(setup, now),
        config: Arc::clone(config),
        clock: Arc::clone(clock),
        inbox,
        others,
        dice: 0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1) << 7,
        sent: VecDeque::new(),
        callers: BTreeMap::new(),
        ringing: BTreeMap::new(),
        talking: BTreeMap::new(),
        records: Vec::new(),
        accepted: 0,
        born: 0,
    }
}

#[test]
fn shards_on_threads_of_their_own_lose_no_call_no_seat_and_no_line() {
    let text = CONFIG
        .replace("wrapup = \"10s\"", "wrapup = \"0s\"")
        .replace("backoff = \"5s\"", "backoff = \"0s\"");
    let (config, _) = config::parse(&text, None).unwrap();
    let config = Arc::new(config);
    let queue = Arc::new(Queue::new(queue_config(&config, TEN_O_CLOCK)));
    let clock = Arc::new(AtomicU64::new(1_000_000));
    let (senders, inboxes): (Vec<_>, Vec<_>) = (0..SHARDS).map(|_| channel()).unzip();
    let barrier = Barrier::new(SHARDS);
    let threads: Vec<Thread> = (0..SHARDS)
        .zip(inboxes)
        .map(|(i, inbox)| thread(i, &queue, &config, &clock, inbox, senders.clone()))
        .collect();
    let ended: Vec<Thread> = std::thread::scope(|scope| {
        let running: Vec<_> = threads
            .into_iter()
            .map(|mut thread| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    for _ in 0..STEPS {
                        thread.step();
                    }
                    thread.end(barrier);
                    thread
                })
            })
            .collect();
        running.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let now = Now {
        mono: Mono(clock.load(Ordering::SeqCst)),
        wall: TEN_O_CLOCK,
    };
    let mut signed_on = 0;
    for thread in &ended {
        assert!(thread.accepted > 100, "something happened");
        assert_eq!(thread.accepted, thread.records.len(), "one record a call");
        assert!(thread.shard.idle());
        let gauges = thread.shard.gauges();
        assert_eq!((gauges.calls, gauges.legs, gauges.ports), (0, 0, 0));
        for seat in thread.shard.view(now).seats {
            assert_eq!(seat.call, None, "a seat without its call");
            assert!(!matches!(
                seat.state,
                SeatState::Offered | SeatState::Talking
            ));
            signed_on += usize::from(seat.state == SeatState::Ready);
        }
    }
    let counts = queue.counts();
    assert_eq!(counts.waiting, 0);
    assert_eq!(counts.ready as usize, signed_on);
    assert!(counts.lines_used.iter().all(|used| *used == 0));
}

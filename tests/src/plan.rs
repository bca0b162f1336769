//! The configuration that an engine under test gets: loopback, free ports, short timers.

use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a test may choose. Everything else is the same for all.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Shards of the engine.
    pub shards: u16,
    /// `answer` and `early` of the trunk, as lines of TOML.
    pub answer: &'static str,
    /// Hashes that phones are offered: `both`, `md5`.
    pub digest: &'static str,
    /// Most calls at one time.
    pub max_calls: usize,
    /// How long one seat rings; the program's least is 5 s.
    pub ring: &'static str,
    /// How long a seat that refused or rang out is kept out.
    pub backoff: &'static str,
    /// How long calls may go on after SIGTERM.
    pub shutdown_limit: &'static str,
    /// Further lines of seats whose telephones register.
    pub phones: &'static str,
    /// Log level of the program.
    pub log_level: &'static str,
    /// Log format of the program.
    pub log: &'static str,
    /// Where it listens, in the file's words.
    pub listen: Vec<String>,
    /// Its address for RTP, `127.0.0.1` or `::1`; trunk and domain have it too.
    pub host: &'static str,
    /// Further lines of the trunk.
    pub trunk: String,
    /// Further lines of `[offer]`.
    pub offer: &'static str,
    /// Music for whoever waits or is held.
    pub music: bool,
    seats: usize,
    tables: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            shards: 4,
            answer: "answer = \"on_seat\"\nearly = \"ringing\"\nanswer_after = \"59s\"",
            digest: "both",
            max_calls: 64,
            ring: "5s",
            backoff: "60s",
            shutdown_limit: "60s",
            phones: "",
            log_level: "info",
            log: "text",
            listen: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]
                .map(str::to_owned)
                .to_vec(),
            host: "127.0.0.1",
            trunk: String::new(),
            offer: "",
            music: false,
            seats: 0,
            tables: String::new(),
        }
    }
}

impl Plan {
    /// A plan with these ready seats, all at one fixed address.
    #[must_use]
    pub fn with_seats(count: usize, address: SocketAddr, transport: &str) -> Self {
        let mut plan = Self::default();
        plan.add_seats(count, address, transport, "ready");
        plan
    }

    /// Adds seats `s0000`, `s0001`… at a fixed address, a counsellor (`c0000`, PIN `10000`)… at
    /// each, in this state (`ready`, `paused`).
    pub fn add_seats(&mut self, count: usize, address: SocketAddr, transport: &str, state: &str) {
        let (first, last) = (self.seats, self.seats + count - 1);
        let range = format!("{{{first:04}..{last:04}}}");
        let contact = format!("contact = \"sip:s{{n}}@{address}\"\ntransport = \"{transport}\"");
        self.add(&format!("s{range}"), &contact, &range, state);
        self.seats += count;
    }

    /// Adds one seat whose telephone registers with this password.
    pub fn add_phone(&mut self, password: &str, state: &str) -> String {
        let number = format!("{:04}", self.seats);
        let contact = format!("password = \"{password}\"\n{}", self.phones);
        self.add(&format!("s{number}"), &contact, &number, state);
        self.seats += 1;
        format!("s{number}")
    }

    /// Adds whole tables of the file.
    pub fn add_tables(&mut self, tables: &str) {
        self.tables.push_str(tables);
        self.tables.push('\n');
    }

    fn add(&mut self, name: &str, contact: &str, range: &str, state: &str) {
        let number = if range.starts_with('{') { "{n}" } else { range };
        let _ = write!(
            self.tables,
            "[[seats]]\nname = \"{name}\"\npools = [\"all\"]\n{contact}\n\n\
             [[counsellors]]\naccount = \"c{range}\"\npin = \"1{number}\"\nseats = [\"s{number}\"]\n\
             start = {{ seat = \"s{number}\", state = \"{state}\" }}\n\n"
        );
    }

    /// The file, with a range of RTP ports that are free at this moment.
    #[must_use]
    pub fn text(&self, folder: &Path) -> String {
        let Self {
            shards,
            answer,
            digest,
            max_calls,
            ring,
            backoff,
            shutdown_limit,
            listen,
            host,
            trunk,
            offer,
            music,
            ..
        } = self;
        // One for every caller, one for every seat or third party that some of them may talk to.
        // A domain is a name or an address of IPv4.
        let domain = if host.contains(':') {
            "test.invalid"
        } else {
            host
        };
        let ports = 2 * max_calls + 2 * self.seats.min(*max_calls);
        let first = free_ports(host, ports);
        let last = first + 2 * ports as u16;
        format!(
            "name = \"test\"\nlang = \"en\"\nzone = \"Asia/Shanghai\"\nshards = {shards}\n\
             shutdown_limit = \"{shutdown_limit}\"\n\n\
             [sip]\nlisten = {listen:?}\ndomain = \"{domain}\"\n\
             max_calls = {max_calls}\nt1 = \"100ms\"\nt2 = \"800ms\"\nt4 = \"1s\"\ndigest = \"{digest}\"\n\n\
             [rtp]\naddress = \"{host}\"\nfirst_port = {first}\nlast_port = {last}\n\n\
             [http]\nlisten = \"127.0.0.1:0\"\n\n\
             [records]\npath = \"{}\"\n\n\
             [[trunks]]\nname = \"trunk\"\npeers = [\"{host}\"]\n{answer}\n\
             outgoing_number = \"12356\"\n{trunk}\n\n\
             [[pools]]\nname = \"all\"\ntitle = \"all\"\nstrategy = \"longest_idle\"\n\
             shifts = [{{ hours = \"00:00-24:00\", lines = 1000 }}]\n\n\
             [offer]\nring = \"{ring}\"\nbackoff = \"{backoff}\"\npause_after = 0\nwrapup = \"0s\"\n{offer}\n\n\
             [waiting]\ngreeting = false\nmusic = {music}\nannounce_every = \"0s\"\n\
             max_waiting = {max_calls}\n\n\
             [routing]\ndefault = \"all\"\n\n[[routes]]\nname = \"all\"\nrings = [\"all\"]\n\n{}",
            folder.join("records.db").display(),
            self.tables,
        )
    }
}

/// An even port from which `count` even ports are free, below those that the system gives out by
/// itself. Engines of one machine look in different places, by process and by turn.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_ports(host: &str, count: usize) -> u16 {
    const LOW: u32 = 10_000;
    const HIGH: u32 = 32_000;
    static TURN: AtomicU32 = AtomicU32::new(0);
    let room = HIGH - LOW - 2 * count as u32;
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let mut at = std::process::id()
        .wrapping_mul(2_654_435_761)
        .wrapping_add(turn * 4_099);
    for _ in 0..64 {
        let first = (LOW + at % room) as u16 & !1;
        let free = |n: usize| UdpSocket::bind((host, first + 2 * n as u16)).is_ok();
        if (0..=count).all(free) {
            return first;
        }
        at = at.wrapping_add(2 * count as u32 + 7_001);
    }
    panic!("no {count} RTP ports in a row are free on this machine");
}

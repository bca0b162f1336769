//! The engine under measurement: the release program on a configuration of deploy/, on free ports.

use crate::http::Http;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long it may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to end in order; then it is killed.
const END_LIMIT: Duration = Duration::from_secs(4);
/// Ports that SIP and HTTP are given.
const PORTS: std::ops::Range<u16> = 10_000..17_000;
/// The engine's log, in its folder.
const LOG: &str = "engine.log";
/// How often a start or an end is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// How the seats start.
#[derive(Clone, Copy)]
pub enum Seats {
    /// As in deploy/bench.toml.
    Ready,
    /// As in deploy/bench-paused.toml.
    Paused,
}

/// A started engine, ended when dropped.
pub struct Engine {
    child: Child,
    folder: PathBuf,
    /// Where SIP is.
    pub sip: SocketAddr,
    /// Where HTTP is.
    pub http: SocketAddr,
}

impl Engine {
    /// Starts `program` and waits until it says that it is ready. `seats_at` is where its seats are.
    ///
    /// # Errors
    /// What the system says, or that it does not start and what it says itself.
    pub fn start(program: &Path, seats: Seats, seats_at: SocketAddr) -> io::Result<Self> {
        Self::start_with(program, seats, seats_at, &[])
    }

    /// As [`Self::start`], with more texts of the configuration replaced; each must be there.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(
        program: &Path,
        seats: Seats,
        seats_at: SocketAddr,
        more: &[(&str, &str)],
    ) -> io::Result<Self> {
        let folder = folder()?;
        let udp = free(UdpSocket::bind)?;
        let tcp = free(TcpListener::bind)?;
        let web = free(TcpListener::bind)?;
        let (sip, sip_tcp, http) = (udp.local_addr()?, tcp.local_addr()?, web.local_addr()?);
        let records = folder.join("records.db");
        let mut changes = vec![
            ("\"udp:127.0.0.1:5060\"", format!("\"udp:{sip}\"")),
            ("\"tcp:127.0.0.1:5060\"", format!("\"tcp:{sip_tcp}\"")),
            ("\"127.0.0.1:8080\"", format!("\"{http}\"")),
            ("127.0.0.1:6100", seats_at.to_string()),
            ("\"bench-records.db\"", format!("{records:?}")),
        ];
        changes.extend(more.iter().map(|(from, to)| (*from, (*to).to_owned())));
        let config = folder.join("bench.toml");
        fs::write(&config, derived(seats, &changes)?)?;
        drop((udp, tcp, web));
        // To a file, as a service's log goes; at `info` it is three lines a call.
        let log = File::create(folder.join(LOG))?;
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let mut engine = Self {
            child,
            folder,
            sip,
            http,
        };
        engine.wait_until_ready()?;
        Ok(engine)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        let end = Instant::now() + START_LIMIT;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                let said = fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "the engine did not start: {status}\n{said}"
                )));
            }
            let page = Http::connect(self.http).and_then(|mut http| http.get("/readyz"));
            if page.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err(io::Error::other("the engine did not become ready"))
    }

    /// Asks it to end (SIGTERM) and waits.
    fn end(&mut self) -> io::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let end = Instant::now() + END_LIMIT;
        while Instant::now() < end {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) && self.end().is_err() {
            // Either may fail only because it has ended already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // A folder that stays behind in the temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The shipped configuration with these texts replaced; each must be there.
fn derived(seats: Seats, changes: &[(&str, String)]) -> io::Result<String> {
    let name = match seats {
        Seats::Ready => "bench.toml",
        Seats::Paused => "bench-paused.toml",
    };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(name);
    let mut text = fs::read_to_string(&shipped)
        .map_err(|error| io::Error::other(format!("{}: {error}", shipped.display())))?;
    for (from, to) in changes {
        if !text.contains(from) {
            return Err(io::Error::other(format!(
                "deploy/{name} no longer says {from}"
            )));
        }
        text = text.replace(from, to);
    }
    Ok(text)
}

/// Binds a free port of loopback below the configuration's RTP ports, in which SIP may not lie.
pub fn free<T>(bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    // Two runs at once begin at different places.
    let first = std::process::id().wrapping_mul(101);
    for _ in 0..PORTS.len() {
        let number = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + (number % PORTS.len() as u32) as u16;
        if let Ok(bound) = bind((Ipv4Addr::LOCALHOST, port).into()) {
            return Ok(bound);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// A new folder of our own.
fn folder() -> io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("meishier-bench-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder)?;
    Ok(folder)
}

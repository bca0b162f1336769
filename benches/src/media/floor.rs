//! The floor of relaying: one thread that waits with epoll, and for each packet one receive and one
//! send. It looks at nothing and counts nothing; what a relay costs above this is its own doing.

use rustix::event::epoll;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, ExitCode, Stdio};

/// Events taken from the system at once, as many as the program takes.
const EVENTS: usize = 1024;

/// The floor as a child process, ended when dropped.
pub struct Floor {
    child: Child,
    /// For each call where its caller and its seat send.
    pub calls: Vec<[Option<SocketAddr>; 2]>,
}

impl Floor {
    /// Starts it for so many calls, whose far ends hear at these places in turn.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(calls: usize, callers: &[SocketAddr], seats: &[SocketAddr]) -> io::Result<Self> {
        let list = |places: &[SocketAddr]| {
            let words: Vec<String> = places.iter().map(SocketAddr::to_string).collect();
            words.join(",")
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["relay-floor", &calls.to_string()]);
        command.args([list(callers), list(seats)]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut floor = Self {
            child: command.spawn()?,
            calls: Vec::new(),
        };
        let output = floor.child.stdout.take().map(BufReader::new);
        let mut line = String::new();
        output
            .ok_or_else(|| io::Error::other("the floor has no output"))?
            .read_line(&mut line)?;
        let ports: Result<Vec<u16>, _> = line.split_whitespace().map(str::parse).collect();
        let ports = ports.map_err(io::Error::other)?;
        if ports.len() != 2 * calls {
            return Err(io::Error::other("the floor did not start"));
        }
        let place = |port: u16| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let both = ports.chunks_exact(2);
        floor.calls = both.map(|two| [place(two[0]), place(two[1])]).collect();
        Ok(floor)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's part: prints the ports of all calls and relays until it is killed.
pub fn run(words: &[&str]) -> ExitCode {
    match serve(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(words: &[&str]) -> io::Result<()> {
    let [calls, callers, seats] = words else {
        return Err(io::Error::other("wrong arguments"));
    };
    let calls: usize = calls.parse().map_err(io::Error::other)?;
    let places = |words: &str| -> io::Result<Vec<SocketAddr>> {
        let each = words.split(',').map(str::parse);
        each.collect::<Result<_, _>>().map_err(io::Error::other)
    };
    let (callers, seats) = (places(callers)?, places(seats)?);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut sockets = Vec::new();
    let mut ports = String::new();
    for number in 0..2 * calls {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&epoll, &socket, data, epoll::EventFlags::IN)?;
        ports.push_str(&format!("{} ", socket.local_addr()?.port()));
        sockets.push(socket);
    }
    let mut output = io::stdout().lock();
    writeln!(output, "{}", ports.trim_end())?;
    output.flush()?;
    let mut events = Vec::with_capacity(EVENTS);
    let mut buffer = [0; 2048];
    loop {
        events.clear();
        match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let number = event.data.u64() as usize;
            let Ok((length, _)) = sockets[number].recv_from(&mut buffer) else {
                continue;
            };
            // What the caller of a call sends comes at its first socket and leaves by its second.
            let call = number / 2;
            let to = match number % 2 {
                0 => seats[call % seats.len()],
                _ => callers[call % callers.len()],
            };
            // A packet that is lost shows as loss.
            let _ = sockets[number ^ 1].send_to(&buffer[..length], to);
        }
    }
}

//! Who speaks and listens: the far ends of all calls, on a few sockets and one thread.
//!
//! ```text
//!   every 250 µs:  send what is due (sendmmsg) ──► read what came ──► sleep
//! ```
//!
//! The thread never sleeps on a socket, so that nobody pays for waking it. Each packet carries the
//! mark of its window; what comes back with it was relayed in that window.

use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use std::array::from_fn;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Sockets of each side.
const SOCKETS: usize = 8;
/// Where callers are; seats are at the next address. Loopback of its own, so that no port is taken
/// from the programs under test.
const CALLERS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SEATS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// What a socket may hold while the thread is busy, in bytes.
const SOCKET_BYTES: usize = 4 << 20;
/// From one look to the next.
const SLICE: Duration = Duration::from_micros(250);
/// Streams side by side that leave by one socket, and packets handed to the system at once.
const BATCH: usize = 32;
/// Packets read from one socket before the next stream is served.
const READ: usize = 512;
/// From one packet of a stream to its next.
const PERIOD: Duration = Duration::from_millis(20);
/// How long what is on its way may take.
const ON_THE_WAY: Duration = Duration::from_millis(200);
/// RTP header and 20 ms of G.711.
const BYTES: usize = 12 + 160;
/// How often the rest of this program is attended to.
const ATTEND: Duration = Duration::from_millis(20);

/// One direction of one call.
#[derive(Clone, Copy)]
pub struct Stream {
    socket: usize,
    to: SocketAddr,
    ssrc: u32,
    count: u32,
}

/// What came of a window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// Packets that were to be sent.
    pub planned: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets of this window that came back.
    pub relayed: u64,
    /// Packets that came before the last was sent, whoever made them.
    pub heard: u64,
    /// From the first to the last.
    pub length: Duration,
}

impl Played {
    /// Share of what was sent that did not come back.
    pub fn loss(&self) -> f64 {
        1.0 - self.relayed as f64 / (self.sent.max(1)) as f64
    }

    /// True if the generator did what it was to do; else the window says nothing of who is tested.
    pub fn kept_pace(&self) -> bool {
        self.sent * 100 >= self.planned * 99
    }
}

/// The sockets.
pub struct Generator {
    sockets: Vec<UdpSocket>,
    /// Where callers hear.
    pub callers: Vec<SocketAddr>,
    /// Where seats hear.
    pub seats: Vec<SocketAddr>,
    mark: u32,
}

impl Generator {
    /// Takes free ports.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let mut sockets = Vec::new();
        let mut places = [Vec::new(), Vec::new()];
        for (side, ip) in [CALLERS, SEATS].into_iter().enumerate() {
            for _ in 0..SOCKETS {
                let socket = UdpSocket::bind((ip, 0))?;
                socket.set_nonblocking(true)?;
                socket2::SockRef::from(&socket).set_recv_buffer_size(SOCKET_BYTES)?;
                places[side].push(socket.local_addr()?);
                sockets.push(socket);
            }
        }
        let [callers, seats] = places;
        Ok(Self {
            sockets,
            callers,
            seats,
            mark: 0,
        })
    }

    /// The streams of calls whose far ends hear and speak as [`Self::callers`] and [`Self::seats`]
    /// say, in turn; `to` says for each call where caller and seat send. A side without a place sends nothing.
    pub fn streams(to: &[[Option<SocketAddr>; 2]]) -> Vec<Stream> {
        let mut found = Vec::new();
        // Calls of one socket stand together, so that one call of the system sends many.
        for socket in 0..SOCKETS {
            let calls: Vec<_> = to
                .iter()
                .enumerate()
                .skip(socket)
                .step_by(SOCKETS)
                .collect();
            for chunk in calls.chunks(BATCH) {
                for side in 0..2 {
                    found.extend(chunk.iter().filter_map(|(number, places)| {
                        Some(Stream {
                            socket: side * SOCKETS + socket,
                            to: places[side]?,
                            ssrc: 0x1000_0000 * (side as u32 + 1) + *number as u32,
                            count: 0,
                        })
                    }));
                }
            }
        }
        found
    }

    /// Plays the streams for so long, then hears what is still on its way. `meanwhile` is called
    /// every 20 ms and must not wait; `over` once when the last packet was sent.
    ///
    /// # Errors
    /// What the system says.
    pub fn play(
        &mut self,
        streams: &mut [Stream],
        length: Duration,
        meanwhile: &mut dyn FnMut() -> io::Result<()>,
        over: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<Played> {
        self.mark += 1;
        let mut played = Played::default();
        let begun = Instant::now();
        let mut attended = begun;
        let due = |elapsed: Duration| {
            (elapsed.as_nanos() * streams.len() as u128 / PERIOD.as_nanos()) as u64
        };
        let all = due(length);
        let count = streams.len() as u64;
        loop {
            let now = Instant::now();
            if now - begun >= length {
                break;
            }
            let until = (((now - begun).as_nanos() * u128::from(count)) / PERIOD.as_nanos()) as u64;
            while played.planned < until {
                let first = (played.planned % count) as usize;
                let most = (until - played.planned).min(BATCH as u64) as usize;
                let batch = &mut streams[first..];
                let same = batch.iter().take(most);
                let same = same.take_while(|it| it.socket == batch[0].socket).count();
                played.planned += same as u64;
                played.sent += self.send(&mut batch[..same])? as u64;
            }
            self.hear(&mut played)?;
            if now - attended >= ATTEND {
                attended = now;
                meanwhile()?;
            }
            let left = SLICE.saturating_sub(now.elapsed());
            std::thread::sleep(left);
        }
        played.length = begun.elapsed();
        played.planned = all;
        over()?;
        let heard = played.heard;
        let end = Instant::now() + ON_THE_WAY;
        while Instant::now() < end {
            self.hear(&mut played)?;
            std::thread::sleep(SLICE);
        }
        played.heard = heard;
        Ok(played)
    }

    /// Sends the next packet of each of these, all of one socket; how many the system took.
    fn send(&self, streams: &mut [Stream]) -> io::Result<usize> {
        let Some(socket) = streams.first().map(|it| it.socket) else {
            return Ok(0);
        };
        let mut packets = [[0x55u8; BYTES]; BATCH];
        for (packet, stream) in packets.iter_mut().zip(&mut *streams) {
            stream.count = stream.count.wrapping_add(1);
            packet[0] = 0x80;
            packet[1] = 8; // PCMA
            packet[2..4].copy_from_slice(&(stream.count as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&stream.count.wrapping_mul(160).to_be_bytes());
            packet[8..12].copy_from_slice(&stream.ssrc.to_be_bytes());
            packet[12..16].copy_from_slice(&self.mark.to_be_bytes());
        }
        let to: [_; BATCH] =
            from_fn(|n| SocketAddrAny::from(streams.get(n).unwrap_or(&streams[0]).to));
        let slices: [_; BATCH] = from_fn(|n| [IoSlice::new(&packets[n])]);
        let mut controls: [_; BATCH] = from_fn(|_| SendAncillaryBuffer::default());
        let parts = to.iter().zip(&slices).zip(&mut controls);
        let mut headers: Vec<MMsgHdr<'_>> = parts
            .take(streams.len())
            .map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control))
            .collect();
        match sendmmsg(&self.sockets[socket], &mut headers, SendFlags::empty()) {
            Ok(sent) => Ok(sent),
            // What the system does not take now is late, and counted as not sent.
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::NOBUFS) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn hear(&self, played: &mut Played) -> io::Result<()> {
        let mut buffer = [0; 2048];
        for socket in &self.sockets {
            for _ in 0..READ {
                match socket.recv(&mut buffer) {
                    Ok(BYTES) => {
                        played.heard += 1;
                        played.relayed += u64::from(buffer[12..16] == self.mark.to_be_bytes());
                    }
                    // A report (RTCP) or something else that is no speech.
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

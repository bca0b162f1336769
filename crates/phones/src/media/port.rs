//! The RTP side of one call.

use super::digits::{DigitReceiver, DigitSender};
use crate::audio::ear::{Ear, ToneHeard};
use crate::audio::{g711, tone};
use rtp_rs::{RtpPacketBuilder, RtpReader};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// A codec of G.711 at 8 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// A-law, payload type 8 (RFC 3551 §6).
    Pcma,
    /// mu-law, payload type 0 (RFC 3551 §6).
    Pcmu,
}

impl Codec {
    /// The static payload type.
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcma => g711::alaw_encode(sample),
            Self::Pcmu => g711::ulaw_encode(sample),
        }
    }

    fn decode(self, code: u8) -> i16 {
        match self {
            Self::Pcma => g711::alaw_decode(code),
            Self::Pcmu => g711::ulaw_decode(code),
        }
    }
}

/// Where speech goes to and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The far side's address from its SDP.
    pub address: SocketAddr,
    /// Codec of both directions.
    pub codec: Codec,
    /// Payload type of telephone-event, if agreed.
    pub event_type: Option<u8>,
    /// True if the far side wants to receive.
    pub send: bool,
}

/// What one phone says and what it listens for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voice {
    /// Its own tone in hertz, on the grid of [`tone::grid`]; 0 sends silence.
    pub tone_hz: u16,
    /// Tones of others to listen for, hertz on the same grid.
    pub listen_hz: Vec<u16>,
    /// True to send no packet at all: the direction is cut.
    pub muted: bool,
}

/// What a call heard so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hearing {
    /// RTP packets received.
    pub packets_in: u64,
    /// RTP packets sent.
    pub packets_out: u64,
    /// Milliseconds of anything but silence.
    pub sound_ms: u64,
    /// Milliseconds of sound before the SIP answer: early media.
    pub sound_before_answer_ms: u64,
    /// Milliseconds of sound before the first tone that was listened for: music and prompts.
    pub sound_before_tones_ms: u64,
    /// Every tone that was listened for.
    pub tones: Vec<ToneHeard>,
    /// Digits received by RFC 4733.
    pub digits: String,
}

impl Hearing {
    /// Milliseconds for which the tone of `hz` was heard; 0 for one that was not listened for.
    #[must_use]
    pub fn tone_ms(&self, hz: u16) -> u64 {
        self.tones.iter().find(|t| t.hz == hz).map_or(0, |t| t.ms)
    }
}

struct State {
    socket: Option<Arc<UdpSocket>>,
    remote: Option<Remote>,
    muted: bool,
    tone_hz: u16,
    frame: [u8; tone::FRAME],
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    talking: bool,
    packets_in: u64,
    packets_out: u64,
    last_received: Option<u16>,
    sending_digits: DigitSender,
    digits: DigitReceiver,
    ear: Ear,
    sound_before_answer_ms: Option<u64>,
}

/// One RTP socket with a tone, an ear and a key pad.
pub struct MediaPort {
    local: SocketAddr,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    receiver: Mutex<Option<AbortHandle>>,
}

impl std::fmt::Debug for MediaPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaPort")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl MediaPort {
    /// Binds a free port of `address` and begins to listen. `ssrc` should be random.
    ///
    /// # Errors
    /// Those of the operating system: no free port, too many open files.
    pub fn open(address: IpAddr, voice: &Voice, ssrc: u32) -> io::Result<Arc<Self>> {
        let socket = std::net::UdpSocket::bind((address, 0))?;
        socket.set_nonblocking(true)?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let port = Arc::new(Self {
            local: socket.local_addr()?,
            state: Mutex::new(State::new(socket.clone(), voice, ssrc)),
            changed: watch::Sender::new(0),
            receiver: Mutex::new(None),
        });
        let task = tokio::spawn(receive(socket, Arc::downgrade(&port))).abort_handle();
        *port.receiver.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(port)
    }

    /// The address to name in SDP.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sets or changes the far side; sending begins with the next tick of the clock.
    pub fn connect(&self, remote: Remote) {
        let mut state = self.lock();
        state.remote = Some(remote);
        state.frame = tone::frame(state.tone_hz).map(|s| remote.codec.encode(s));
        state.talking = false;
    }

    /// From here on sound counts as after the answer.
    pub fn answered(&self) {
        let mut state = self.lock();
        let sound = state.ear.sound_ms();
        state.sound_before_answer_ms.get_or_insert(sound);
    }

    /// Cuts or restores the sending direction.
    pub fn set_muted(&self, muted: bool) {
        self.lock().muted = muted;
    }

    /// Queues digits for RFC 4733; without an agreed telephone-event they wait.
    pub fn send_digits(&self, digits: &str) {
        self.lock().sending_digits.push(digits);
    }

    /// What was heard so far.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        let state = self.lock();
        Hearing {
            packets_in: state.packets_in,
            packets_out: state.packets_out,
            sound_ms: state.ear.sound_ms(),
            sound_before_answer_ms: state.sound_before_answer_ms.unwrap_or(state.ear.sound_ms()),
            sound_before_tones_ms: state.ear.sound_before_tones_ms(),
            tones: state.ear.tones().collect(),
            digits: state.digits.digits().to_owned(),
        }
    }

    /// Changes each time a window of 100 ms was judged or a digit came.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Frees the socket; what was heard stays readable.
    pub fn close(&self) {
        if let Some(task) = self
            .receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            task.abort();
        }
        self.lock().socket = None;
        self.changed.send_modify(|n| *n += 1);
    }

    /// Sends one frame if there is somebody to send to; false once the port is closed.
    pub(crate) fn send_frame(&self) -> bool {
        self.lock().send_frame()
    }

    fn received(&self, packet: &[u8]) {
        if self.lock().received(packet, Instant::now()) {
            self.changed.send_modify(|n| *n += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MediaPort {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    fn new(socket: Arc<UdpSocket>, voice: &Voice, ssrc: u32) -> Self {
        Self {
            socket: Some(socket),
            remote: None,
            muted: voice.muted,
            tone_hz: voice.tone_hz,
            frame: [0; tone::FRAME],
            sequence: ssrc as u16,
            timestamp: ssrc.rotate_left(16),
            ssrc,
            talking: false,
            packets_in: 0,
            packets_out: 0,
            last_received: None,
            sending_digits: DigitSender::default(),
            digits: DigitReceiver::default(),
            ear: Ear::new(&voice.listen_hz),
            sound_before_answer_ms: None,
        }
    }

    fn send_frame(&mut self) -> bool {
        let Some(socket) = self.socket.clone() else {
            return false;
        };
        self.timestamp = self.timestamp.wrapping_add(tone::FRAME as u32);
        let Some(remote) = self.remote.filter(|r| r.send && !self.muted) else {
            self.talking = false;
            return true;
        };
        let event = remote
            .event_type
            .and_then(|pt| Some((pt, self.sending_digits.next(self.timestamp)?)));
        let builder = RtpPacketBuilder::new()
            .ssrc(self.ssrc)
            .sequence(self.sequence.into());
        let mut packet = [0u8; 12 + tone::FRAME];
        let built = match &event {
            Some((pt, event)) => builder
                .payload_type(*pt)
                .marked(event.marker)
                .timestamp(event.timestamp)
                .payload(&event.payload)
                .build_into(&mut packet),
            None => builder
                .payload_type(remote.codec.payload_type())
                .marked(!self.talking)
                .timestamp(self.timestamp)
                .payload(&self.frame)
                .build_into(&mut packet),
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.talking = true;
        // A full socket buffer loses the frame, as a network would.
        if let Ok(length) = built
            && socket
                .try_send_to(&packet[..length], remote.address)
                .is_ok()
        {
            self.packets_out += 1;
        }
        true
    }

    /// True if there is something new to know.
    fn received(&mut self, packet: &[u8], now: Instant) -> bool {
        // Second octets 192 to 223 are RTCP on the same port (RFC 5761 §4).
        if packet
            .get(1)
            .is_none_or(|octet| (192..=223).contains(octet))
        {
            return false;
        }
        let (Some(remote), Ok(rtp)) = (self.remote, RtpReader::new(packet)) else {
            return false;
        };
        let sequence = u16::from(rtp.sequence_number());
        let late = self
            .last_received
            .is_some_and(|last| sequence.wrapping_sub(last) as i16 <= 0);
        self.packets_in += 1;
        if late {
            return false;
        }
        self.last_received = Some(sequence);
        if remote.event_type == Some(rtp.payload_type()) {
            return self.digits.push(rtp.timestamp(), rtp.payload());
        }
        let codec = match rtp.payload_type() {
            8 => Codec::Pcma,
            0 => Codec::Pcmu,
            _ => return false,
        };
        let mut samples = [0i16; 4 * tone::FRAME];
        let payload = rtp.payload();
        let length = payload.len().min(samples.len());
        for (sample, code) in samples.iter_mut().zip(payload) {
            *sample = codec.decode(*code);
        }
        self.ear.push(&samples[..length], now)
    }
}

async fn receive(socket: Arc<UdpSocket>, port: std::sync::Weak<MediaPort>) {
    let mut buffer = [0u8; 2_048];
    loop {
        // Errors here are ICMP answers to what was sent before the far side was ready.
        let Ok((length, _)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let Some(port) = port.upgrade() else { return };
        port.received(&buffer[..length]);
    }
}

//! Mixes the speech of all parties: each hears the others.

use meishier_phones::audio::{g711, tone};
use rtp_rs::{RtpPacketBuilder, RtpReader};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Party {
    at: SocketAddr,
    socket: UdpSocket,
    /// The last frame: tones repeat every frame, so it may be used until the next comes.
    frame: Vec<i16>,
}

/// A handle; clones are the same mixer.
#[derive(Clone, Default)]
pub struct Mixer(Arc<Mutex<Vec<Party>>>);

impl Mixer {
    /// Starts mixing.
    pub fn start() -> Self {
        let mixer = Self::default();
        let parties = mixer.0.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            for sequence in 0u16.. {
                tick.tick().await;
                mix(&mut parties.lock().unwrap(), sequence);
            }
        });
        mixer
    }

    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Takes in the party whose SDP this is; the same SDP for the other side, naming a port of the mixer.
    pub fn instead_of(&self, sdp: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(sdp.to_vec()).unwrap();
        let port: u16 = text
            .split("m=audio ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let ours = self.add(SocketAddr::from(([127, 0, 0, 1], port)));
        text.replace(&format!("m=audio {port}"), &format!("m=audio {ours}"))
            .into_bytes()
    }

    /// Takes in a party that listens at `at`; speech for it comes from, and goes to, this port.
    ///
    /// Two parties at first: the port told to one receives the other, so each gets the other's entry.
    fn add(&self, at: SocketAddr) -> u16 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = socket.local_addr().unwrap().port();
        self.0.lock().unwrap().push(Party {
            at,
            socket,
            frame: vec![],
        });
        port
    }

    /// Takes in a third party: a port to name to it. It is sent nothing until [`Self::found`].
    pub fn add_third(&self) -> u16 {
        self.add(SocketAddr::from(([127, 0, 0, 1], 9)))
    }

    /// The third party listens at `port`.
    pub fn found(&self, port: u16) {
        self.0.lock().unwrap().last_mut().unwrap().at.set_port(port);
    }

    pub fn drop_third(&self) {
        self.0.lock().unwrap().pop();
    }
}

/// Party 0's socket receives from party 1 and the other way round: each was told the port
/// that was opened when the other came in.
fn speaker(index: usize) -> usize {
    match index {
        0 => 1,
        1 => 0,
        third => third,
    }
}

fn mix(parties: &mut [Party], sequence: u16) {
    let mut buffer = [0u8; 2_048];
    for index in 0..parties.len() {
        let from = speaker(index);
        while let Ok(length) = parties[index].socket.recv(&mut buffer) {
            let frame = RtpReader::new(&buffer[..length])
                .unwrap()
                .payload()
                .iter()
                .map(|c| g711::alaw_decode(*c))
                .collect();
            if let Some(party) = parties.get_mut(from) {
                party.frame = frame;
            }
        }
    }
    for index in 0..parties.len() {
        let mut payload = [0u8; tone::FRAME];
        for (sample, code) in payload.iter_mut().enumerate() {
            let others = parties
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            let sum: i32 = others
                .filter_map(|(_, p)| p.frame.get(sample))
                .map(|s| i32::from(*s))
                .sum();
            *code = g711::alaw_encode(sum.clamp(-32_768, 32_767) as i16);
        }
        let packet = RtpPacketBuilder::new()
            .payload_type(8)
            .ssrc(index as u32)
            .sequence(sequence.into())
            .timestamp(u32::from(sequence) * 160)
            .payload(&payload)
            .build()
            .unwrap();
        let _ = parties[index].socket.send_to(&packet, parties[index].at);
    }
}

//! Strangers: they know the ports, guess at addresses, and send whatever might get in.

use super::far_end::header;
use super::voice::{UNIT, Voice};
use super::{Due, PORTS, Scene};
use meishier_media::Codec;
use meishier_model::PortId;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Parties use no port above this.
const STRANGE_PORT: u16 = 50_002;

impl Scene {
    /// One packet that must not get in.
    pub(super) fn attack(&mut self) -> Result<(), String> {
        let mean = Duration::from_secs(1) / self.faults.attacks.max(1);
        let pause = self.strangers.exponential(mean);
        self.due(pause, Due::Attack);
        let port = PortId(self.strangers.roll(u64::from(PORTS) + 4) as u32);
        let from = self.stranger(port);
        let packet = self.forged();
        let before = self.hub.totals().received;
        self.hub.handle_packet(self.now, port, from, &packet);
        self.figures.attacks += 1;
        if self.hub.totals().received != before {
            return Err(format!("port {} let in the stranger {from}", port.0));
        }
        self.drain()
    }

    /// Where it comes from: elsewhere; or, once the party has been heard, another port of the very
    /// address of the party. Before that, whoever is at the party's address is taken for the party.
    fn stranger(&mut self, port: PortId) -> SocketAddr {
        let party = self.at.get(&port).and_then(|number| self.ends.get(number));
        let party = party.filter(|end| end.known).map(|end| end.source.ip());
        let low = self.strangers.roll(4) as u8 + 1;
        let away = IpAddr::V4(Ipv4Addr::new(203, 0, 113, low));
        let near = self.strangers.chance(0.5);
        let strange = STRANGE_PORT + 2 * self.strangers.roll(1000) as u16;
        SocketAddr::new(party.filter(|_| near).unwrap_or(away), strange)
    }

    fn forged(&mut self) -> Vec<u8> {
        let dice = &mut self.strangers;
        let (kind, codec) = if dice.chance(0.5) {
            (8, Codec::Pcma)
        } else {
            (0, Codec::Pcmu)
        };
        let voices = Voice::ATTACKERS;
        let voice = Voice::new(voices.start() + dice.roll(voices.len() as u64) as u8);
        let (sequence, timestamp) = (dice.bits() as u16, dice.bits() as u32);
        let ssrc = dice.bits() as u32;
        let mut packet = header(kind, dice.chance(0.5), sequence, timestamp, ssrc);
        packet.extend(voice.speak(codec, 2 * UNIT));
        match dice.roll(6) {
            // A key press (RFC 4733).
            0 => {
                packet = header(101, true, sequence, timestamp, ssrc);
                packet.extend([dice.roll(16) as u8, 10, 0, 160]);
            }
            // RTCP BYE (RFC 3550 §6.6).
            1 => packet = vec![0x81, 203, 0, 1, 0, 0, 0, 1],
            // Cut anywhere.
            2 => packet.truncate(dice.index(packet.len())),
            // Bytes of any kind.
            3 => packet
                .iter_mut()
                .for_each(|byte| *byte ^= dice.bits() as u8),
            _ => {}
        }
        packet
    }
}

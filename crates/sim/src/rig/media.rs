//! The media thread as the engine meets it: it confirms closings and says when prompts are over.
//! Packets are not played here; who hears whom is [`crate::stream`]'s.

use meishier_media::{Direction, Hub, MediaCommand, MediaEvent, Negotiated, Source};
use meishier_model::{Mono, PortId, RtpStats};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How long one prompt is taken to last.
const PROMPT: Duration = Duration::from_secs(3);
/// How long a closing takes.
const CLOSING: Duration = Duration::from_millis(1);
/// Packets a second each way of a G.711 stream at 20 ms.
const PACKETS: u64 = 50;

/// Open ports of all shards.
#[derive(Debug, Default)]
pub struct MediaThread {
    ports: BTreeMap<(usize, PortId), Port>,
    /// Ports whose closing is not told yet.
    closing: BTreeMap<(usize, PortId), ()>,
}

#[derive(Debug)]
struct Port {
    since: Mono,
    /// Token of the playlist that plays.
    playing: Option<u64>,
    /// Where the party wants its RTP: its name here.
    party: SocketAddr,
    /// The party may send.
    expected: bool,
    /// Its last packet, or the moment from which one was expected.
    last: Mono,
    /// What the engine was told last: `None` before the first packet.
    silent: Option<bool>,
}

fn expected(media: &Negotiated) -> bool {
    matches!(media.direction, Direction::SendRecv | Direction::RecvOnly)
}

impl MediaThread {
    /// True if this port is open: a telephone's digits are heard there.
    #[must_use]
    pub fn is_open(&self, shard: usize, port: PortId) -> bool {
        self.ports.contains_key(&(shard, port))
    }

    /// Takes a command; returns what media will say and after how long.
    pub fn obey(
        &mut self,
        now: Mono,
        shard: usize,
        command: &MediaCommand,
    ) -> Option<(Duration, MediaEvent)> {
        match command {
            MediaCommand::Open { port, media, .. } => {
                let fresh = Port {
                    since: now,
                    playing: None,
                    party: media.remote,
                    expected: expected(media),
                    last: now,
                    silent: None,
                };
                self.ports.insert((shard, *port), fresh);
                None
            }
            MediaCommand::Update { port, media, .. } => {
                let open = self.ports.get_mut(&(shard, *port))?;
                open.party = media.remote;
                open.expected = expected(media);
                open.last = now;
                None
            }
            MediaCommand::Hear { port, source } => {
                let open = self.ports.get_mut(&(shard, *port))?;
                let (prompts, token) = match source {
                    Source::Playlist { prompts, token, .. }
                    | Source::Over { prompts, token, .. } => (prompts.len(), *token),
                    _ => {
                        open.playing = None;
                        return None;
                    }
                };
                open.playing = Some(token);
                let lasts = PROMPT * u32::try_from(prompts).unwrap_or(u32::MAX);
                Some((lasts, MediaEvent::PlaylistDone { port: *port, token }))
            }
            MediaCommand::Close { port } => {
                let open = self.ports.remove(&(shard, *port))?;
                self.closing.insert((shard, *port), ());
                let packets = (now - open.since).as_secs() * PACKETS;
                let stats = RtpStats {
                    received: packets,
                    sent: packets,
                    ..RtpStats::default()
                };
                Some((CLOSING, MediaEvent::Closed { port: *port, stats }))
            }
            MediaCommand::StartTape { .. }
            | MediaCommand::Tape { .. }
            | MediaCommand::Untape { .. }
            | MediaCommand::NoteTape { .. }
            | MediaCommand::EndTape { .. } => None,
        }
    }

    /// True if the event is still true when it is told; a playlist that was replaced does not end.
    pub fn confirms(&mut self, shard: usize, event: &MediaEvent) -> bool {
        match event {
            MediaEvent::PlaylistDone { port, token } => self
                .ports
                .get_mut(&(shard, *port))
                .is_some_and(|open| open.playing.take_if(|it| it == token).is_some()),
            MediaEvent::Closed { port, .. } => self.closing.remove(&(shard, *port)).is_some(),
            _ => true,
        }
    }

    /// Looks whose packets come; `sends` says so of the party that wants its RTP there. What the
    /// engine is to be told, with the shard.
    pub fn look(
        &mut self,
        now: Mono,
        sends: &dyn Fn(SocketAddr) -> bool,
    ) -> Vec<(usize, MediaEvent)> {
        let mut news = Vec::new();
        for ((shard, port), open) in &mut self.ports {
            let port = *port;
            if !open.expected || sends(open.party) {
                open.last = now;
                let first = open.silent.is_none() && open.expected;
                if open.silent == Some(true) || first {
                    open.silent = Some(false);
                    news.push((*shard, MediaEvent::Heard { port }));
                }
            } else if open.silent != Some(true) && now - open.last >= Hub::SILENCE {
                open.silent = Some(true);
                news.push((*shard, MediaEvent::Silent { port }));
            }
        }
        news
    }

    /// The media of a replaced shard is gone.
    pub fn forget(&mut self, shard: usize) {
        self.ports.retain(|(of, _), _| *of != shard);
        self.closing.retain(|(of, _), ()| *of != shard);
    }

    /// How many ports are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.ports.len()
    }
}

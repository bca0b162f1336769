//! Media as the state of streams: who is sent what, by which agreement, since when.
//!
//! [`Streams`] keeps its own books from the orders that the engine gives to its media threads, and
//! judges them: caller and counsellor hear each other, who waits hears nobody, nobody hears another
//! call (invariant 8). It shares no code with the media crate's hub; the media scenario holds the
//! two against each other, packet by packet.
//!
//! A port, as the orders make it:
//!
//! ```text
//!             Open               Close               event Closed
//!   (none) ─────────► open ─────────────► closing ─────────────────► (none)
//!                     │  ▲
//!                     └──┘ Hear, Update, event PlaylistDone
//! ```
//!
//! Every other order is a fault: a port opened twice or before it was closed to the end would be
//! two parties', an order to a port that is not open would reach whoever has it next.

mod judge;

pub use judge::{AgentStream, CallStreams, PartyStream, Role};

use meishier_media::{Accept, MediaCommand, MediaEvent, Negotiated, Source};
use meishier_model::{Mono, PortId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// An RTP port: each shard has a media thread and numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The shard's number.
    pub shard: u16,
    /// The port there.
    pub port: PortId,
}

/// What a party is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hears {
    /// Nothing: no packet.
    Silence,
    /// Quiet noise.
    Comfort,
    /// The ringback tone.
    Ringback,
    /// Music.
    Music,
    /// Prompts; then music or silence.
    Playlist {
        /// What follows the last prompt.
        then_music: bool,
        /// Names the end of the list.
        token: u64,
    },
    /// One party as it is.
    Peer(PortId),
    /// The sum of parties; none once all have closed.
    Mix(Vec<PortId>),
    /// The sum of parties, with prompts; then the parties alone.
    Over {
        /// Who is heard.
        parties: Vec<PortId>,
        /// Names the end of the list.
        token: u64,
    },
}

impl Hears {
    /// The parties that are heard, each once, in the order of their numbers.
    #[must_use]
    pub fn parties(&self) -> &[PortId] {
        match self {
            Self::Peer(peer) => std::slice::from_ref(peer),
            Self::Mix(parties) | Self::Over { parties, .. } => parties,
            _ => &[],
        }
    }

    /// True if nothing at all is heard.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Silence => true,
            Self::Mix(parties) => parties.is_empty(),
            _ => false,
        }
    }

    fn new(listener: PortId, source: &Source) -> Self {
        match source {
            Source::Silence => Self::Silence,
            Source::Comfort => Self::Comfort,
            Source::Ringback => Self::Ringback,
            Source::Music => Self::Music,
            Source::Playlist {
                then_music, token, ..
            } => Self::Playlist {
                then_music: *then_music,
                token: *token,
            },
            Source::Peer(peer) => Self::Peer(*peer),
            Source::Mix(parties) => Self::Mix(others(listener, parties)),
            Source::Over { parties, token, .. } => Self::Over {
                parties: others(listener, parties),
                token: *token,
            },
        }
    }

    /// What is left when a party has closed.
    fn without(&mut self, party: PortId) {
        match self {
            Self::Peer(peer) if *peer == party => *self = Self::Silence,
            Self::Mix(parties) | Self::Over { parties, .. } => parties.retain(|p| *p != party),
            _ => {}
        }
    }

    /// What follows the prompts of this token; `None` if other prompts are played by now.
    fn after_prompts(&self, done: u64) -> Option<Self> {
        match self {
            Self::Playlist { then_music, token } if *token == done => Some(if *then_music {
                Self::Music
            } else {
                Self::Silence
            }),
            Self::Over { parties, token } if *token == done => Some(Self::Mix(parties.clone())),
            _ => None,
        }
    }
}

/// Nobody is part of what it hears itself.
fn others(listener: PortId, parties: &[PortId]) -> Vec<PortId> {
    let mut parties: Vec<PortId> = parties.iter().copied().filter(|p| *p != listener).collect();
    parties.sort_unstable();
    parties.dedup();
    parties
}

/// The stream of an open port.
#[derive(Clone, Debug)]
pub struct PortStream {
    /// When the port was opened.
    pub opened: Mono,
    /// What the engine agreed on with the party: where to, codec, direction as the engine sees it.
    pub media: Negotiated,
    /// Whose packets are the party's.
    pub accept: Accept,
    /// What the party is sent, direction apart.
    pub hears: Hears,
    /// Since when it has heard that.
    pub since: Mono,
}

#[derive(Clone, Debug)]
enum Standing {
    Open(Box<PortStream>),
    Closing,
}

/// The ports of one media thread.
#[derive(Clone, Debug, Default)]
struct Thread {
    ports: BTreeMap<PortId, Standing>,
    /// By party, who hears it.
    heard_by: BTreeMap<PortId, Vec<PortId>>,
}

/// The streams of all shards. Feed it every order and every event, then ask.
///
/// ```text
///   MediaCommand ─► on_command ─┐                    ┌─► check               orders that no engine gives
///   MediaEvent ──► on_event ────┼─► books ─ judges ──┼─► check_call          one call, as its agents see it
///   a shard replaced ► forget ──┘                    ├─► check_destinations  every address is an agent's
///                                                    └─► check_others        ports of no call
/// ```
#[derive(Clone, Debug, Default)]
pub struct Streams {
    places: BTreeMap<SocketAddr, Place>,
    threads: BTreeMap<u16, Thread>,
    /// The first order since the last [`Streams::check`] that no engine gives.
    fault: Option<String>,
    /// Ports whose agreement is new since the last [`Streams::check_destinations`].
    renewed: BTreeSet<Place>,
}

impl Streams {
    /// `ports`: the address that stands in the engine's SDP, and the port that it means.
    #[must_use]
    pub fn new(ports: impl IntoIterator<Item = (SocketAddr, Place)>) -> Self {
        Self {
            places: ports.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The port behind an address of the engine's SDP (an agent's `remote`).
    #[must_use]
    pub fn place_at(&self, engine: SocketAddr) -> Option<Place> {
        self.places.get(&engine).copied()
    }

    /// Takes note of an order of this shard to its media thread.
    pub fn on_command(&mut self, now: Mono, shard: u16, command: &MediaCommand) {
        match command {
            MediaCommand::Open {
                port,
                media,
                accept,
            } => self.open(now, Place { shard, port: *port }, media, *accept),
            MediaCommand::Update {
                port,
                media,
                accept,
            } => {
                let place = Place { shard, port: *port };
                if let Some(stream) = self.expect(place, "Update") {
                    (stream.media, stream.accept) = (media.clone(), *accept);
                    self.renewed.insert(place);
                }
            }
            MediaCommand::Hear { port, source } => {
                let place = Place { shard, port: *port };
                let hears = Hears::new(*port, source);
                if self.expect(place, "Hear").is_none() {
                    return;
                }
                for party in hears.parties() {
                    let party = Place {
                        port: *party,
                        shard,
                    };
                    if self.stream(party).is_none() {
                        self.blame(format!("{place} is to hear {party}, which is not open"));
                    }
                }
                self.set_hears(now, place, hears);
            }
            MediaCommand::Close { port } => self.close(now, Place { shard, port: *port }),
            // What is recorded is heard by nobody.
            MediaCommand::StartTape { .. }
            | MediaCommand::Tape { .. }
            | MediaCommand::Untape { .. }
            | MediaCommand::NoteTape { .. }
            | MediaCommand::EndTape { .. } => {}
        }
    }

    /// Takes note of what the media thread of this shard said.
    pub fn on_event(&mut self, now: Mono, shard: u16, event: &MediaEvent) {
        match *event {
            MediaEvent::PlaylistDone { port, token } => {
                let place = Place { shard, port };
                let next = self
                    .stream(place)
                    .and_then(|s| s.hears.after_prompts(token));
                if let Some(next) = next {
                    self.set_hears(now, place, next);
                }
            }
            MediaEvent::Closed { port, .. } => {
                let ports = &mut self.threads.entry(shard).or_default().ports;
                match ports.get(&port) {
                    Some(Standing::Closing) => {
                        ports.remove(&port);
                    }
                    _ => {
                        let place = Place { shard, port };
                        self.blame(format!("{place} was closed without an order"));
                    }
                }
            }
            // Whether packets flow is the world's; who would hear them is looked after here.
            MediaEvent::Digit { .. } | MediaEvent::Silent { .. } | MediaEvent::Heard { .. } => {}
        }
    }

    /// The process behind this shard is gone, and its media with it. Streams begin anew with the
    /// orders of the next one; events of the old one's media must not be fed any more.
    pub fn forget_shard(&mut self, shard: u16) {
        self.threads.remove(&shard);
        self.renewed.retain(|place| place.shard != shard);
    }

    /// The stream of an open port.
    #[must_use]
    pub fn stream(&self, place: Place) -> Option<&PortStream> {
        match self.threads.get(&place.shard)?.ports.get(&place.port)? {
            Standing::Open(stream) => Some(stream),
            Standing::Closing => None,
        }
    }

    /// All open ports, by shard and number.
    pub fn streams(&self) -> impl Iterator<Item = (Place, &PortStream)> {
        self.threads.iter().flat_map(|(shard, thread)| {
            thread
                .ports
                .iter()
                .filter_map(|(port, standing)| match standing {
                    Standing::Open(stream) => Some((
                        Place {
                            shard: *shard,
                            port: *port,
                        },
                        &**stream,
                    )),
                    Standing::Closing => None,
                })
        })
    }

    /// The ports of the same shard that hear this one, whether it is open or not.
    #[must_use]
    pub fn who_hears(&self, place: Place) -> &[PortId] {
        let thread = self.threads.get(&place.shard);
        let listeners = thread.and_then(|t| t.heard_by.get(&place.port));
        listeners.map_or(&[], Vec::as_slice)
    }

    /// How many ports are open or being closed: 0 at rest.
    #[must_use]
    pub fn live(&self) -> usize {
        self.threads.values().map(|thread| thread.ports.len()).sum()
    }

    fn open(&mut self, now: Mono, place: Place, media: &Negotiated, accept: Accept) {
        let thread = self.threads.entry(place.shard).or_default();
        let stream = PortStream {
            opened: now,
            media: media.clone(),
            accept,
            hears: Hears::Silence,
            since: now,
        };
        let open = Standing::Open(Box::new(stream));
        match thread.ports.insert(place.port, open) {
            None => {}
            Some(Standing::Open(_)) => self.blame(format!("{place} was opened twice")),
            Some(Standing::Closing) => {
                self.blame(format!(
                    "{place} was opened before it was closed to the end"
                ));
            }
        }
        self.renewed.insert(place);
    }

    fn close(&mut self, now: Mono, place: Place) {
        if self.expect(place, "Close").is_none() {
            return;
        }
        self.set_hears(now, place, Hears::Silence);
        let Some(thread) = self.threads.get_mut(&place.shard) else {
            return;
        };
        for listener in thread.heard_by.remove(&place.port).unwrap_or_default() {
            if let Some(Standing::Open(stream)) = thread.ports.get_mut(&listener) {
                stream.hears.without(place.port);
                stream.since = now;
            }
        }
        thread.ports.insert(place.port, Standing::Closing);
    }

    fn set_hears(&mut self, now: Mono, place: Place, hears: Hears) {
        let Some(thread) = self.threads.get_mut(&place.shard) else {
            return;
        };
        let Some(Standing::Open(stream)) = thread.ports.get_mut(&place.port) else {
            return;
        };
        if stream.hears == hears {
            return;
        }
        for party in stream.hears.parties() {
            if let Some(listeners) = thread.heard_by.get_mut(party) {
                listeners.retain(|l| *l != place.port);
            }
        }
        for party in hears.parties() {
            thread.heard_by.entry(*party).or_default().push(place.port);
        }
        stream.hears = hears;
        stream.since = now;
    }

    /// The stream that an order is about; a fault if there is none.
    fn expect(&mut self, place: Place, order: &str) -> Option<&mut PortStream> {
        if self.stream(place).is_none() {
            self.blame(format!("{order} for {place}, which is not open"));
            return None;
        }
        match self
            .threads
            .get_mut(&place.shard)?
            .ports
            .get_mut(&place.port)?
        {
            Standing::Open(stream) => Some(stream),
            Standing::Closing => None,
        }
    }

    fn blame(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "port {} of shard {}", self.port.0, self.shard)
    }
}

//! Who may stay on a connection that we did not ask for, and who gives way when there is no more room.
//!
//! ```text
//!   accept ─┬─ from a trunk's or a fixed telephone's address ─► Peer ────────────── certificate
//!           │                                                    │ of somebody else ─┐
//!           └─ from anywhere else ─► Stranger ◄──────────────────┼───────────────────┘
//!                                     │    ▲                     │
//!               holds a registration  ▼    │ no longer           │
//!                                    Phone ┘                     │
//!   connect ─► Ours                                              │
//!   Stranger ── silent too long, or crowded out ─► closed        └─ stay until they end, or until
//!                                                                   their place is wanted and idle
//! ```
//!
//! Nobody is asked who is registered until it matters: a telephone counts as a stranger until its
//! time is up or its place is wanted, and is recognised then. Nothing here touches a socket.

use meishier_model::Mono;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// How long a stranger may stay without a whole message; twice and more what a transaction of the
/// usual timers lasts (RFC 3261 §18: as long as the longest at least, Timer B, 32 s). Line ends do
/// not prolong it: RFC 5626 §4.4.1 keeps flows of a registration alive, and strangers have none.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(120);

/// How many connections of each kind one worker bears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// All together.
    pub all: usize,
    /// Of them kept for connections of ours and for peers.
    pub kept: usize,
    /// Strangers of one source.
    pub source: usize,
    /// Peers of one source: whoever else is behind a known address is taken for the peer.
    pub peers: usize,
}

/// What a connection is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// We asked for it.
    Ours,
    /// A trunk's peer, or a telephone of a fixed address.
    Peer,
    /// Somebody is registered on it.
    Phone,
    /// Nobody known.
    Stranger,
}

/// Whether there is room for another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// There is.
    Free,
    /// Once this one has been closed.
    Instead(u64),
    /// There is none.
    Full,
}

struct Guest {
    standing: Standing,
    source: IpAddr,
    /// When it last said something whole; of a peer also when it was last told something.
    heard: Mono,
    /// Of a peer: whether that ever was.
    used: bool,
}

/// In order of who gives way first: those that were never used, then whoever has been silent longest.
type Key = (bool, Mono, u64);

/// Connections of one standing.
#[derive(Default)]
struct List {
    all: BTreeSet<Key>,
    /// The same by source; no source without any.
    sources: HashMap<IpAddr, BTreeSet<Key>>,
}

impl List {
    fn insert(&mut self, source: IpAddr, key: Key) {
        self.all.insert(key);
        self.sources.entry(source).or_default().insert(key);
    }

    fn remove(&mut self, source: IpAddr, key: &Key) {
        self.all.remove(key);
        if let Some(list) = self.sources.get_mut(&source) {
            list.remove(key);
            if list.is_empty() {
                self.sources.remove(&source);
            }
        }
    }

    /// Those of one source, or all.
    fn of(&self, source: Option<IpAddr>) -> Option<&BTreeSet<Key>> {
        match source {
            Some(source) => self.sources.get(&source),
            None => Some(&self.all),
        }
    }

    fn crowd(&self, source: IpAddr) -> usize {
        self.sources.get(&source).map_or(0, BTreeSet::len)
    }
}

impl Guest {
    fn key(&self, connection: u64) -> Key {
        (self.used, self.heard, connection)
    }
}

/// The connections of one worker, as to their right to be there.
pub(crate) struct Room {
    limits: Limits,
    guests: HashMap<u64, Guest>,
    strangers: List,
    peers: List,
    /// How many are telephones.
    phones: usize,
}

impl Room {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            guests: HashMap::new(),
            strangers: List::default(),
            peers: List::default(),
            phones: 0,
        }
    }

    /// How many are strangers, as far as is known.
    #[cfg(test)]
    pub(crate) fn strangers(&self) -> usize {
        self.strangers.all.len()
    }

    /// Whether somebody of this standing may come in from `source`. `is_phone` says of a connection
    /// whether somebody is registered on it.
    pub(crate) fn entry(
        &mut self,
        now: Mono,
        standing: Standing,
        source: IpAddr,
        is_phone: impl Fn(u64) -> bool,
    ) -> Entry {
        let source = network(source);
        if standing == Standing::Peer && self.peers.crowd(source) >= self.limits.peers {
            return self.idle_peer(now, Some(source), &is_phone);
        }
        if matches!(standing, Standing::Ours | Standing::Peer) {
            if self.guests.len() < self.limits.all {
                return Entry::Free;
            }
            return match self.oldest(None, &is_phone) {
                Entry::Full => self.idle_peer(now, None, &is_phone),
                stranger => stranger,
            };
        }
        if self.strangers.crowd(source) >= self.limits.source {
            let oldest = self.oldest(Some(source), &is_phone);
            // Telephones behind one address are no longer counted by now.
            if self.strangers.crowd(source) >= self.limits.source {
                return oldest;
            }
        }
        let open = self.limits.all.saturating_sub(self.limits.kept);
        let others = self.strangers.all.len() + self.phones;
        match others < open && self.guests.len() < self.limits.all {
            true => Entry::Free,
            false => self.oldest(None, &is_phone),
        }
    }

    /// The stranger that has been silent longest, of one source or of all; telephones that are met on
    /// the way are recognised.
    fn oldest(&mut self, source: Option<IpAddr>, is_phone: &impl Fn(u64) -> bool) -> Entry {
        loop {
            let list = self.strangers.of(source);
            let Some((.., connection)) = list.and_then(BTreeSet::first).copied() else {
                return Entry::Full;
            };
            if !is_phone(connection) {
                return Entry::Instead(connection);
            }
            self.count_as(connection, Standing::Phone);
        }
    }

    /// A peer's connection on which nobody is registered and no transaction is under way: one never
    /// used, or the longest silent. A waiting caller hears of us every minute (RFC 3261 §13.3.1.1), and
    /// a dialog outlives its connection.
    fn idle_peer(
        &self,
        now: Mono,
        source: Option<IpAddr>,
        is_phone: &impl Fn(u64) -> bool,
    ) -> Entry {
        let list = self.peers.of(source).into_iter().flatten();
        let mut idle = list.take_while(|(used, heard, _)| !used || *heard + IDLE_LIMIT <= now);
        let found = idle.find(|(.., connection)| !is_phone(*connection));
        found.map_or(Entry::Full, |(.., connection)| Entry::Instead(*connection))
    }

    /// Takes a connection in.
    pub(crate) fn enter(&mut self, now: Mono, connection: u64, source: IpAddr, standing: Standing) {
        let guest = Guest {
            standing,
            source: network(source),
            heard: now,
            used: false,
        };
        self.note(connection, &guest);
        self.guests.insert(connection, guest);
    }

    /// It said something whole.
    pub(crate) fn spoke(&mut self, now: Mono, connection: u64) {
        let Some(guest) = self.guests.get_mut(&connection) else {
            return;
        };
        let before = guest.key(connection);
        guest.heard = now;
        let list = match guest.standing {
            Standing::Stranger => &mut self.strangers,
            Standing::Peer => &mut self.peers,
            Standing::Ours | Standing::Phone => return,
        };
        guest.used = guest.standing == Standing::Peer;
        list.remove(guest.source, &before);
        list.insert(guest.source, guest.key(connection));
    }

    /// It was told something. Whatever we answer to strangers earns them nothing.
    pub(crate) fn told(&mut self, now: Mono, connection: u64) {
        let standing = self.guests.get(&connection).map(|guest| guest.standing);
        if standing == Some(Standing::Peer) {
            self.spoke(now, connection);
        }
    }

    /// Says what a connection has turned out to be.
    pub(crate) fn count_as(&mut self, connection: u64, standing: Standing) {
        let Some(mut guest) = self.guests.remove(&connection) else {
            return;
        };
        self.strike(connection, &guest);
        guest.standing = standing;
        guest.used = false;
        self.note(connection, &guest);
        self.guests.insert(connection, guest);
    }

    /// Forgets a connection that has ended.
    pub(crate) fn leave(&mut self, connection: u64) {
        if let Some(guest) = self.guests.remove(&connection) {
            self.strike(connection, &guest);
        }
    }

    /// Whether a connection's time runs.
    pub(crate) fn is_limited(&self, connection: u64) -> bool {
        let standing = self.guests.get(&connection).map(|guest| guest.standing);
        matches!(standing, Some(Standing::Stranger | Standing::Phone))
    }

    /// Looks at a connection whose time is up: until when it may stay; `None` if it has to go.
    pub(crate) fn reprieve(&mut self, now: Mono, connection: u64, is_phone: bool) -> Option<Mono> {
        let standing = match is_phone {
            true => Standing::Phone,
            false => Standing::Stranger,
        };
        if !self.is_limited(connection) {
            return Some(now + IDLE_LIMIT);
        }
        self.count_as(connection, standing);
        let heard = self.guests.get(&connection)?.heard;
        let until = if is_phone { now } else { heard } + IDLE_LIMIT;
        (until > now).then_some(until)
    }

    fn note(&mut self, connection: u64, guest: &Guest) {
        match guest.standing {
            Standing::Stranger => self.strangers.insert(guest.source, guest.key(connection)),
            Standing::Peer => self.peers.insert(guest.source, guest.key(connection)),
            Standing::Phone => self.phones += 1,
            Standing::Ours => {}
        }
    }

    fn strike(&mut self, connection: u64, guest: &Guest) {
        match guest.standing {
            Standing::Stranger => {
                self.strangers.remove(guest.source, &guest.key(connection));
            }
            Standing::Peer => self.peers.remove(guest.source, &guest.key(connection)),
            Standing::Phone => self.phones -= 1,
            Standing::Ours => {}
        }
    }
}

/// What counts as one source: an address of IPv4, the network of one of IPv6, whose holder has all
/// the addresses in it (RFC 4291 §2.5.4).
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(prefix.into())
        }
        short => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        all: 10,
        kept: 4,
        source: 3,
        peers: 4,
    };

    /// Soon after everything.
    const AT: Mono = Mono(100);

    fn source(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn nobody(_: u64) -> bool {
        false
    }

    /// Strangers 1, 2, … of as many sources, who came in this order.
    fn with_strangers(count: u8) -> Room {
        let mut room = Room::new(LIMITS);
        for number in 1..=count {
            let at = Mono(u64::from(number));
            room.enter(at, u64::from(number), source(number), Standing::Stranger);
        }
        room
    }

    #[test]
    fn when_strangers_have_taken_their_share_the_one_longest_silent_gives_way() {
        let mut room = with_strangers(6);
        let comes = |room: &mut Room| room.entry(AT, Standing::Stranger, source(99), nobody);
        assert_eq!(comes(&mut room), Entry::Instead(1));
        room.spoke(Mono(50), 1);
        assert_eq!(comes(&mut room), Entry::Instead(2));
        room.leave(2);
        assert_eq!(comes(&mut room), Entry::Free);
    }

    #[test]
    fn ours_and_peers_have_room_of_their_own_and_may_take_that_of_strangers() {
        let mut room = with_strangers(6);
        for connection in 10..14 {
            assert_eq!(
                room.entry(AT, Standing::Ours, source(7), nobody),
                Entry::Free
            );
            room.enter(Mono(60), connection, source(7), Standing::Peer);
            room.spoke(AT, connection);
        }
        let full = room.entry(AT, Standing::Ours, source(7), nobody);
        assert_eq!(full, Entry::Instead(1));
        for connection in 1..=6 {
            room.leave(connection);
            room.enter(Mono(61), 20 + connection, source(7), Standing::Ours);
        }
        assert_eq!(
            room.entry(AT, Standing::Peer, source(7), nobody),
            Entry::Full,
            "who is known by that address has had its share"
        );
        let stranger = room.entry(AT, Standing::Stranger, source(99), nobody);
        assert_eq!(stranger, Entry::Full);
    }

    #[test]
    fn one_source_has_so_many_strangers_and_as_many_telephones_as_there_are() {
        let mut room = Room::new(LIMITS);
        for connection in 1..=3 {
            room.enter(Mono(connection), connection, source(1), Standing::Stranger);
        }
        let mut comes = |is_phone: fn(u64) -> bool| {
            let same = room.entry(AT, Standing::Stranger, source(1), is_phone);
            (
                same,
                room.entry(AT, Standing::Stranger, source(2), is_phone),
            )
        };
        assert_eq!(comes(nobody), (Entry::Instead(1), Entry::Free));
        // The first has registered meanwhile.
        assert_eq!(comes(|it| it == 1), (Entry::Free, Entry::Free));
        assert_eq!((room.phones, room.strangers()), (1, 2));
        assert_eq!(
            room.entry(AT, Standing::Peer, source(1), nobody),
            Entry::Free,
            "peers are not counted by source"
        );
    }

    #[test]
    fn nobody_registered_is_closed_for_a_stranger() {
        let mut room = with_strangers(6);
        let is_phone = |it: u64| it <= 5;
        let comes = room.entry(AT, Standing::Stranger, source(99), is_phone);
        assert_eq!(comes, Entry::Instead(6));
        let everybody = room.entry(AT, Standing::Stranger, source(99), |_| true);
        assert_eq!(everybody, Entry::Full);
        assert_eq!((room.phones, room.strangers()), (6, 0));
    }

    #[test]
    fn a_stranger_goes_after_its_silence_and_a_telephone_when_nobody_is_registered_any_more() {
        let mut room = with_strangers(1);
        let at = |seconds: u64| Mono(1) + Duration::from_secs(seconds);
        assert_eq!(room.reprieve(at(119), 1, false), Some(at(120)));
        room.spoke(at(100), 1);
        assert_eq!(room.reprieve(at(120), 1, false), Some(at(220)));
        assert_eq!(room.reprieve(at(220), 1, true), Some(at(340)));
        assert_eq!((room.phones, room.strangers()), (1, 0));
        assert_eq!(room.reprieve(at(340), 1, false), None);
        room.leave(1);
        assert!(room.guests.is_empty() && room.strangers.sources.is_empty() && room.phones == 0);
    }

    #[test]
    fn a_holder_of_a_network_of_ipv6_is_one_source() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::9"), of("2001:db8:1:3::9"));
        assert_eq!(of("::ffff:10.0.0.1"), source(1));
    }

    #[test]
    fn a_peer_that_turns_out_to_be_somebody_else_is_a_stranger() {
        let mut room = Room::new(LIMITS);
        room.enter(Mono(1), 1, source(1), Standing::Peer);
        assert!(!room.is_limited(1));
        room.count_as(1, Standing::Stranger);
        assert!(room.is_limited(1));
        assert_eq!(room.strangers(), 1);
    }

    #[test]
    fn peers_of_one_source_are_limited_and_the_idle_give_way_to_them_and_to_us() {
        let mut room = Room::new(LIMITS);
        let later = AT + IDLE_LIMIT;
        for connection in 1..=4 {
            let comes = room.entry(AT, Standing::Peer, source(1), nobody);
            assert_eq!(comes, Entry::Free);
            room.enter(Mono(connection), connection, source(1), Standing::Peer);
            room.spoke(Mono(connection), connection);
        }
        let comes = |room: &mut Room, now| room.entry(now, Standing::Peer, source(1), nobody);
        assert_eq!(comes(&mut room, AT), Entry::Full, "all may have calls");
        assert_eq!(comes(&mut room, later), Entry::Instead(1));
        room.told(AT, 1);
        assert_eq!(comes(&mut room, later), Entry::Instead(2));
        let registered = room.entry(later, Standing::Peer, source(1), |it| it <= 3);
        assert_eq!(registered, Entry::Instead(4));
        room.leave(4);
        room.enter(AT, 5, source(1), Standing::Peer);
        assert_eq!(comes(&mut room, AT), Entry::Instead(5), "nothing was said");
        // Others fill it up, and we want to connect.
        for connection in 11..=16 {
            let own = source(connection as u8);
            room.enter(AT, connection, own, Standing::Peer);
            room.told(AT, connection);
        }
        let ours = |room: &mut Room, now| room.entry(now, Standing::Ours, source(9), nobody);
        assert_eq!(ours(&mut room, AT), Entry::Instead(5));
        room.spoke(AT, 5);
        assert_eq!(ours(&mut room, AT), Entry::Full);
        assert_eq!(ours(&mut room, later), Entry::Instead(2));
        for connection in 1..=16 {
            room.leave(connection);
        }
        assert!(room.peers.all.is_empty() && room.peers.sources.is_empty());
    }
}

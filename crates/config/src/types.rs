//! What the program uses: every reference an index, every default filled in, every limit kept.

pub use crate::destinations::{Destination, To};
pub use crate::dns::Dns;
use crate::dossier::Dossiers;
pub use crate::hep::{Hep, HepNumbers};
pub use crate::network::{Listen, Tls, Transport};
pub use crate::networks::Network;
pub use crate::outgoing::{Channels, Tells};
pub use crate::recording::Recording;
use crate::registration::{Login, Register};
use crate::rule_places::RulePlaces;
pub use meishier_media::Codec;
pub use meishier_media::srtp::Policy as Srtp;
use meishier_model::{PoolId, SeatId, SkillId, TrunkId, Wall};
use meishier_routing::Hours;
pub use meishier_routing::{Form, MobileZero, NumberFormat, Trust};
use meishier_transfer::Plan;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The whole configuration of one engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which version of the files this is, see [`crate::Sources::hash`]; 16 hexadecimal digits.
    pub table_hash: String,
    /// Name of the service, shown to people.
    pub name: String,
    /// Shards of the engine, 1 to 64.
    pub shards: u16,
    /// SIP listeners, identity and timers.
    pub sip: Sip,
    /// RTP address and ports.
    pub rtp: Rtp,
    /// Networks with an address and RTP ports of their own.
    pub networks: Vec<Network>,
    /// Whom names are asked from.
    pub dns: Dns,
    /// The HTTP API and pages.
    pub http: Http,
    /// Where call records go.
    pub records: Records,
    /// Which conversations are recorded; none if absent.
    pub recording: Option<Recording>,
    /// Where copies of SIP messages go; nowhere if absent.
    pub hep: Option<Hep>,
    /// Who gets the dossiers of callers who are handed over.
    pub dossier: Dossiers,
    /// Trunks; [`TrunkId`] is the index.
    pub trunks: Vec<Trunk>,
    /// Pools; [`PoolId`] is the index. Their lines by schedule are in [`Config::routing`].
    pub pools: Vec<Pool>,
    /// Names of the skills; [`SkillId`] is the index. Those that the file implies stand last, see
    /// [`crate::FEMALE`], [`crate::MALE`] and [`Care::fresh`].
    pub skills: Vec<String>,
    /// Names of what may be noted of callers; the index is the bit in [`meishier_routing::Tags`].
    pub tags: Vec<String>,
    /// Seats; [`SeatId`] is the index.
    pub seats: Vec<Seat>,
    /// Counsellors; `CounsellorId` is the index.
    pub counsellors: Vec<Counsellor>,
    /// How calls are offered to seats.
    pub offer: Offer,
    /// What waiting callers hear, and how many may wait.
    pub waiting: Waiting,
    /// The keys that bring police, ambulance and other hotlines into a call.
    pub transfer: Plan,
    /// Routes, areas, policies, schedules and zone, compiled.
    pub routing: meishier_routing::Table,
    /// Where each rule of [`Config::routing`] stands in the file.
    pub rule_places: RulePlaces,
    /// What counsellors are spared.
    pub care: Care,
    /// Calling back who hung up, of `[care]`.
    pub call_backs: CallBacks,
    /// Language of messages to people.
    pub lang: Lang,
    /// Folder with the operator's own prompts; each file replaces the built-in one of its name.
    pub prompts_dir: Option<PathBuf>,
    /// How long a graceful shutdown waits for calls to finish.
    pub shutdown_limit: Duration,
}

impl Config {
    /// The trunk of this number; `None` if the configuration has none such.
    #[must_use]
    pub fn trunk(&self, id: TrunkId) -> Option<&Trunk> {
        self.trunks.get(usize::from(id.0))
    }
}

/// Language of text shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Chinese, the default.
    #[default]
    Zh,
    /// English.
    En,
}

/// SIP listeners, identity and timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip {
    /// Where the engine listens; at least one.
    pub listen: Vec<Listen>,
    /// Address written into Via and Contact when it differs from the listening one (carrier NAT).
    pub advertised: Option<IpAddr>,
    /// Code point of packets on connections of ours (RFC 2474), and of listeners that name no other.
    pub dscp: u8,
    /// Certificates of TLS; there if anything uses it.
    pub tls: Option<Tls>,
    /// Realm of the digest and host of the engine's own addresses.
    pub domain: String,
    /// User-Agent and Server header.
    pub user_agent: String,
    /// Hashes that phones are offered when they register.
    pub digest: Digest,
    /// Round-trip estimate, RFC 3261 §17.1.1.1; 100 ms to 5 s.
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and of 2xx; `t1` to 32 s.
    pub t2: Duration,
    /// Longest time a message stays in the network; 1 to 32 s.
    pub t4: Duration,
    /// How often a registered telephone behind NAT is asked for a sign of life over UDP, which keeps the
    /// way to it open; up to 5 min, zero for never.
    pub nat_keep_alive: Duration,
    /// Most calls at one time, waiting ones included; 1 to 100,000.
    pub max_calls: usize,
}

/// Hashes of digest authentication that phones are offered (RFC 8760).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Digest {
    /// SHA-256, then MD5: the phone takes the first that it knows. The default.
    #[default]
    Both,
    /// MD5 alone, for phones that give up at a hash that they do not know.
    Md5,
}

/// RTP address and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rtp {
    /// Address the RTP sockets are bound to.
    pub address: IpAddr,
    /// Address written into SDP when it differs (carrier NAT).
    pub advertised: Option<IpAddr>,
    /// Code point of the packets (RFC 2474), 0 to 63.
    pub dscp: u8,
    /// First port, even.
    pub first_port: u16,
    /// Last port, inclusive. Only even ports carry RTP.
    pub last_port: u16,
    /// Media threads, 1 to 64.
    pub threads: u16,
}

impl Rtp {
    /// How many even ports there are.
    #[must_use]
    pub fn ports(&self) -> usize {
        usize::from(self.last_port.saturating_sub(self.first_port)) / 2 + 1
    }
}

/// The HTTP API and pages.
#[derive(Clone, PartialEq, Eq)]
pub struct Http {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Bearer token that every request under `/api` must carry; none only on loopback.
    pub token: Option<String>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http")
            .field("listen", &self.listen)
            .field("token", &self.token.is_some())
            .finish()
    }
}

/// Where call records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// SQLite file; made if it is not there. A relative path counts from the working directory.
    pub path: PathBuf,
}

/// One SIP trunk to a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Name, unique.
    pub name: String,
    /// The network that it is in, by its place in [`Config::networks`]; `None`: the one of `[sip]` and
    /// `[rtp]`.
    pub network: Option<u8>,
    /// Addresses that may send calls; port 0 means any port of that address.
    pub peers: Vec<SocketAddr>,
    /// Names, in lower case, whose addresses may send calls as well, from any port.
    pub peer_names: Vec<String>,
    /// Where calls out and OPTIONS go: what the file says, else the registrar, else the first peer
    /// with a port; empty if nothing goes out by it.
    pub to: Vec<To>,
    /// How long one of [`Trunk::to`] is given for any response at all before the next is tried.
    pub try_for: Duration,
    /// Transport of the trunk, of which calls come; [`To::transport`] may differ from it.
    pub transport: Transport,
    /// True if the file itself says `transport = "udp"`: then no request goes by TCP, however large
    /// (RFC 3261 §18.1.1).
    pub udp_only: bool,
    /// What the file says of the trunk as a whole: the name in the certificate of who connects to us
    /// from an address of the trunk's (RFC 5922 §7.4), where [`Trunk::to`] names none.
    pub tls_name: Option<String>,
    /// When the caller's INVITE gets its 200.
    pub answer: AnswerMode,
    /// Codecs in order of preference; at least one.
    pub codecs: Vec<Codec>,
    /// Whether the caller's own number is the user part of From in calls out over this trunk;
    /// otherwise [`Trunk::outgoing_number`] is.
    pub keep_caller_user: bool,
    /// Interval of OPTIONS keep-alives; `None` sends none.
    pub options_every: Option<Duration>,
    /// The hotline's number shown in calls out.
    pub outgoing_number: String,
    /// What the trunk says of a call that is believed.
    pub trust: Trust,
    /// Area code with its 0 that local numbers on this trunk are of.
    pub area_code: Option<String>,
    /// Whether provisional responses on this trunk are acknowledged.
    pub reliable: Reliable,
    /// How long a session on this trunk may stand without a refresh, as we ask for it (RFC 4028), 90 s
    /// to a day; `None`: only what the other side asks for is kept.
    pub session_expires: Option<Duration>,
    /// When our OPTIONS make one of [`Trunk::to`] go down and up.
    pub hysteresis: Hysteresis,
    /// How many calls it carries at once; `None`: they are not limited here.
    pub channels: Option<Channels>,
    /// How numbers arrive; `None`: in any form, and they are kept as they came.
    pub numbers_in: Option<NumberFormat>,
    /// How numbers are sent; `None`: as they are.
    pub numbers_out: Option<NumberFormat>,
    /// What calls out say of us.
    pub tells: Tells,
    /// Resource-Priority of emergency keys, where [`Tells::PRIORITY`] is set.
    pub priority: String,
    /// What is taken and offered of SRTP.
    pub srtp: Srtp,
    /// How we register there; calls out go only while we are registered.
    pub register: Option<Register>,
    /// What challenges to our requests are answered with.
    pub login: Option<Login>,
}

/// After how many results of the same kind in a row a trunk's state changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hysteresis {
    /// OPTIONS without an answer until it is down, 1 to 20.
    pub down: u8,
    /// OPTIONS with an answer until it is up again, 1 to 20.
    pub up: u8,
}

/// Whether provisional responses are sent and taken reliably (100rel, RFC 3262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliable {
    /// Never; a call that requires it is refused with 420.
    Off,
    /// Where the other side can.
    #[default]
    Supported,
    /// Always; a call that does not name it is refused with 421.
    Required,
}

/// What counsellors are spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// After so many calls at risk in a shift a counsellor gets others first; 0: no cap.
    pub risk_calls: u16,
    /// After talking so long in a shift a counsellor is to rest; `None`: no cap.
    pub talk: Option<Duration>,
    /// Skill that every counsellor holds at level 1 as long as the cap of [`Care::risk_calls`] is
    /// not reached, and that calls at risk prefer above all. So the cap yields rather than letting
    /// a caller at risk wait for ever. `None` without a cap.
    pub fresh: Option<SkillId>,
    /// Longer rests after calls that weigh.
    pub recovery: Recovery,
    /// Keys of the telephone by which a counsellor marks a conversation for nuisance: `*` or `#` and one
    /// to five digits; `None`: only the console does.
    pub nuisance_key: Option<NuisanceKey>,
}

/// How callers who hung up are called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallBacks {
    /// Hours of the day, Beijing time, that hold for callers who named none themselves.
    pub hours: Hours,
    /// Trunks by which they are called, in order; empty: the one that the call came by.
    pub trunks: Vec<TrunkId>,
}

/// `*` or `#` and one to five digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NuisanceKey {
    keys: [u8; 6],
    count: u8,
}

impl NuisanceKey {
    /// The keys of this text; `None` if it is of another form.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (b'*' | b'#', digits) = text.as_bytes().split_first()? else {
            return None;
        };
        let fits = (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        let mut keys = [0; 6];
        for (key, byte) in keys.iter_mut().zip(text.bytes()).filter(|_| fits) {
            *key = byte;
        }
        fits.then_some(Self {
            keys,
            count: digits.len() as u8 + 1,
        })
    }

    /// The key that is to be pressed after so many; `None` if that was all.
    #[must_use]
    pub fn after(&self, pressed: u8) -> Option<char> {
        let key = self.keys.get(usize::from(pressed)).copied();
        key.filter(|_| pressed < self.count).map(char::from)
    }
}

/// Rest after calls that weigh, instead of [`Offer::wrapup`] if longer; the longest that holds counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// After a call at risk; zero: none.
    pub risk: Duration,
    /// After a call into which police, ambulance or fire brigade were brought; zero: none.
    pub emergency: Duration,
    /// After a long call; zero: none.
    pub long: Duration,
    /// From which length on a call is long.
    pub long_from: Duration,
}

/// When a trunk's INVITE gets its 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerMode {
    /// Before a counsellor is found: the caller hears prompts and pays from then on.
    AtOnce,
    /// When a counsellor answers, or after `answer_after`.
    OnSeat {
        /// What is sent at once.
        early: Early,
        /// When 200 is sent at the latest; 1 s up to below 60 s, so below the carrier's timer.
        answer_after: Duration,
    },
}

/// Provisional response of an [`AnswerMode::OnSeat`] trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// 180 Ringing: the carrier plays ring-back.
    Ringing180,
    /// 183 Session Progress with SDP: the engine's prompts are heard before 200.
    Progress183,
}

/// One pool of seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Name, unique.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Which ready seat gets the next call.
    pub strategy: Strategy,
}

/// Which of several fitting ready seats gets the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// The one that has been ready longest.
    LongestIdle,
    /// The one with the best levels in the skills asked for.
    BestSkill,
    /// The one that has talked least in this shift, the default.
    #[default]
    LeastTalk,
    /// In turn.
    RoundRobin,
}

/// One telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Name, unique; user part of its SIP address.
    pub name: String,
    /// Name for people; the name itself if the file gives none.
    pub title: String,
    /// How it is reached.
    pub contact: SeatContact,
    /// The network that it is in, as [`Trunk::network`].
    pub network: Option<u8>,
    /// Pools it serves, at least one, no pool twice.
    pub pools: Vec<PoolId>,
    /// What is taken and offered of SRTP.
    pub srtp: Srtp,
}

/// How a seat's telephone is reached.
#[derive(Clone, PartialEq, Eq)]
pub enum SeatContact {
    /// It registers with this password (digest).
    Register {
        /// The password, not empty.
        password: String,
    },
    /// It is always at this address.
    Static {
        /// Request-URI.
        uri: String,
        /// Where requests are sent.
        address: SocketAddr,
        /// By which transport.
        transport: Transport,
    },
}

impl std::fmt::Debug for SeatContact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Register { .. } => f.write_str("Register"),
            Self::Static {
                address, transport, ..
            } => f
                .debug_struct("Static")
                .field("address", address)
                .field("transport", transport)
                .finish(),
        }
    }
}

/// One person who answers calls.
#[derive(Clone, PartialEq, Eq)]
pub struct Counsellor {
    /// Account, unique; ASCII.
    pub account: String,
    /// Name for people.
    pub title: String,
    /// PIN for signing on by star code, 4 to 12 digits.
    pub pin: String,
    /// Skills with their levels 1 to 5, no skill twice, in order of [`SkillId`].
    pub skills: Vec<(SkillId, u8)>,
    /// Institution; empty if not given.
    pub institution: String,
    /// Gender, if given.
    pub gender: Option<Gender>,
    /// Qualification, if given.
    pub qualification: Option<Qualification>,
    /// Seats the counsellor may sign on at, ascending; every seat if the file says `"any"`. Shared
    /// among the counsellors of one entry.
    pub seats: Arc<[SeatId]>,
    /// Signed on when the engine starts.
    pub start: Option<Start>,
}

impl std::fmt::Debug for Counsellor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counsellor")
            .field("account", &self.account)
            .field("skills", &self.skills)
            .field("seats", &self.seats.len())
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// Gender of a counsellor, as callers may ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// 女
    Female,
    /// 男
    Male,
}

/// A counsellor's licence to practise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qualification {
    /// Its name.
    pub name: String,
    /// First moment at which it no longer holds: midnight after its last day, in the file's zone.
    pub expires: Wall,
}

/// A counsellor signed on when the engine starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// At which seat.
    pub seat: SeatId,
    /// In which state.
    pub state: StartState,
}

/// State of a counsellor signed on at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartState {
    /// Takes calls at once.
    Ready,
    /// Signed on, takes none until made ready.
    Paused,
}

/// How calls are offered to seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// How long a seat rings, 5 to 120 s.
    pub ring: Duration,
    /// How long a seat that refused or rang out is offered nothing, 0 to 10 min; the engine
    /// never takes it for less than a second.
    pub backoff: Duration,
    /// After how many offers in a row that rang out a seat is paused; 0 never.
    pub pause_after: u8,
    /// Rest after a call, 0 to 1 h.
    pub wrapup: Duration,
    /// Whether the seat's INVITE carries the caller's own user part in From.
    pub keep_caller_user: bool,
    /// As [`Trunk::session_expires`], for the seats' telephones.
    pub session_expires: Option<Duration>,
}

/// What waiting callers hear, and how many may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Play the greeting first.
    pub greeting: bool,
    /// Play music; otherwise silence.
    pub music: bool,
    /// Say the position every so often; `None` never. 10 s to 10 min.
    pub announce_every: Option<Duration>,
    /// Waiting that equals one class of priority; zero: classes do not matter. 0 to 24 h.
    pub ageing_step: Duration,
    /// Most callers waiting at one time; risk-flagged callers stand outside of it.
    pub max_waiting: usize,
}

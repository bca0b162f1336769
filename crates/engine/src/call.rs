//! One call: its parties, where it stands, and what it leaves.
//!
//! ```text
//!              seat found            200 of the seat            key
//!   Queued ────────────────► Offered ────────────────► Talking ─────► Transferring
//!     ▲ ▲  refused, rang out,  │                         │   ▲            │   │
//!     │ └──── unreachable ─────┘                         │   └ all left ──┘   │
//!     ├───────────── seat lost without BYE ──────────────┤                    │
//!     ├───────────── counsellor left and target failed ──┼────────────────────┤
//!     │ caller gone            │ caller gone             │ BYE                │ all left
//!     │                        │                         │ nuisance key: Parting (a prompt, then over)
//!     ▼                        ▼                         ▼                    ▼
//!   WrappingUp: dialogs released, RTP ports closing; ends with the one record
//! ```

use crate::api::{LegParty, Phase};
use meishier_media::srtp::{KeySeed, Policy};
use meishier_media::{Accept, Codec, Negotiated};
use meishier_model::{
    CallId, CounsellorId, DialString, LegId, LineId, Mono, Now, OfferRecord, Outcome, PoolId,
    PortId, ReleasedBy, RtpStats, SeatId, TransferRecord, TrunkId,
};
use meishier_queue::{Caller, OfferId};
use meishier_routing::Known;
use meishier_signaling::Binding;
use meishier_transfer::{Conference, Facts, Handover, Key, Mode, Role, Target, Third, ThirdId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;

use crate::call_back::CallBackState;
use crate::conference::standing;
use crate::dial::Attempt;
use crate::dossier::Words;
use crate::handed::Handed;
use crate::probe::Silence;
use crate::recording::Taping;
use crate::second::SeatCall;
use crate::timers::Timer;
use crate::typed::Typed;

/// One party's RTP: the port it uses and what was agreed with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Voice {
    pub(crate) port: PortId,
    /// Where the party's signalling comes from, if its media may come from there too (NAT).
    pub(crate) signalling: Option<std::net::IpAddr>,
    /// `None` until offer and answer are complete.
    pub(crate) agreed: Option<(Negotiated, Accept)>,
    /// True once the media thread was told of it.
    pub(crate) open: bool,
    /// What is taken and offered of SRTP; the party was promised it when it came.
    #[serde(default)]
    pub(crate) srtp: Policy,
    /// What the keys of our last offer follow from, until it is answered.
    #[serde(default)]
    pub(crate) keys: Option<KeySeed>,
    /// Since when the party sends with the key that it has.
    #[serde(default)]
    pub(crate) since: Mono,
}

/// A description of ours as it is sent; keys may stand in it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Description(pub(crate) Box<[u8]>);

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Description").field(&self.0.len()).finish()
    }
}

/// The caller's side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallerSide {
    pub(crate) leg: LegId,
    pub(crate) voice: Voice,
    /// Our SDP answer, kept until 200 was sent.
    pub(crate) answer: Description,
    /// True once 200 was sent.
    pub(crate) answered: bool,
    /// True once the leg is over, whoever ended it.
    pub(crate) gone: bool,
    /// True once its port was given up, before the call itself is over.
    #[serde(default)]
    pub(crate) closed: bool,
    /// How often our SDP was sent in a new version.
    pub(crate) version: u64,
}

/// The seat's side, from the offer on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SeatSide {
    pub(crate) seat: SeatId,
    pub(crate) counsellor: CounsellorId,
    pub(crate) line: LineId,
    pub(crate) offer: OfferId,
    /// `None` between the match and the INVITE.
    pub(crate) leg: Option<LegId>,
    pub(crate) voice: Option<Voice>,
    /// Where else the telephone may be, if it is not reached where it is tried now; the next one first.
    #[serde(default)]
    pub(crate) contacts: VecDeque<Binding>,
    /// When the INVITE left.
    pub(crate) offered: Now,
    /// When the seat answered.
    pub(crate) answered: Option<Mono>,
    pub(crate) version: u64,
    /// What the counsellor has pressed of a sequence of keys.
    #[serde(default)]
    pub(crate) typed: Typed,
    /// Whom the telephone asked for by REFER, the last time.
    #[serde(default)]
    pub(crate) referred: Option<ThirdId>,
}

/// A third party, from the key on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ThirdSide {
    pub(crate) id: ThirdId,
    pub(crate) role: Role,
    /// How it takes part, once it is present.
    pub(crate) mode: Mode,
    pub(crate) machine: Handover,
    /// Whom it is to reach, and why.
    pub(crate) target: Target,
    /// What the counsellor said of the place.
    #[serde(default)]
    pub(crate) given: Words,
    /// Of a key for emergencies.
    pub(crate) emergency: bool,
    /// By which trunk it is dialled now: its codecs are the ones offered.
    pub(crate) trunk: TrunkId,
    /// What that trunk spoke when it was dialled.
    pub(crate) codecs: SmallVec<[Codec; 2]>,
    pub(crate) leg: Option<LegId>,
    pub(crate) voice: Option<Voice>,
    /// How often our SDP was sent in a new version.
    pub(crate) version: u64,
    /// Index into [`Call::transfers`].
    pub(crate) record: usize,
    /// It answered and is heard, or may be.
    pub(crate) present: bool,
    /// How often whoever answered was told what is known once more.
    #[serde(default)]
    pub(crate) told: u8,
    /// It vanished without a word.
    #[serde(default)]
    pub(crate) lost: bool,
    /// Somebody was there to talk with it.
    #[serde(default = "yes")]
    pub(crate) met: bool,
    /// It has taken the caller over.
    #[serde(default)]
    pub(crate) confirmed: bool,
    /// An alarm was raised for it already.
    #[serde(default)]
    pub(crate) alarmed: bool,
    /// The key as it was pressed; none of a supervisor who was named.
    #[serde(default)]
    pub(crate) key: Option<Box<Key>>,
    /// Who is asked, and who is left.
    #[serde(default)]
    pub(crate) attempt: Attempt,
    /// It is a seat's telephone, and no trunk leads to it.
    #[serde(default)]
    pub(crate) seat: Option<Box<SeatCall>>,
}

impl ThirdSide {
    /// Somebody of this role who is about to be called by this trunk, with `record` to be written in.
    pub(crate) fn new(
        (id, role): (ThirdId, Role),
        machine: Handover,
        target: Target,
        (trunk, record): (TrunkId, usize),
    ) -> Self {
        Self {
            id,
            role,
            mode: Mode::Full,
            machine,
            target,
            given: Words::default(),
            emergency: false,
            trunk,
            codecs: SmallVec::new(),
            leg: None,
            voice: None,
            version: 1,
            record,
            present: false,
            told: 0,
            lost: false,
            met: false,
            confirmed: false,
            alarmed: false,
            key: None,
            attempt: Attempt::default(),
            seat: None,
        }
    }
}

/// Where the call stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum State {
    Queued,
    Offered(Box<SeatSide>),
    Talking(Box<SeatSide>),
    /// There are third parties. The seat's side is `None` once the counsellor has left; the caller may
    /// be gone while the counsellor still talks with them.
    Transferring(Option<Box<SeatSide>>),
    /// Nobody but the caller is left, who hears a prompt with this token; then the call ends.
    Parting(u64),
    WrappingUp,
}

impl State {
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::Queued => Phase::Queued,
            Self::Offered(_) => Phase::Offered,
            Self::Talking(_) => Phase::Talking,
            Self::Transferring(_) => Phase::Transferring,
            Self::Parting(_) | Self::WrappingUp => Phase::WrappingUp,
        }
    }
}

/// An emergency key by which nobody was reached; or nobody of this house is with those who are left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyAlarm {
    /// Who did not come; 0 if nobody was called at all.
    #[serde(default)]
    pub(crate) third: u8,
    /// The key, such as `110`.
    pub(crate) key: String,
    /// The city of the place, province first; empty if nothing tells of it.
    #[serde(default)]
    pub(crate) city: String,
    /// What a person may dial by hand; empty if somebody of this house is to come.
    pub(crate) number: String,
}

impl KeyAlarm {
    /// Of the second line, by this key, nobody came.
    pub(crate) fn of_this_house(third: ThirdId, key: String) -> Self {
        Self {
            third: third.0,
            key,
            city: String::new(),
            number: String::new(),
        }
    }

    /// True if it is over once somebody of this house is there.
    pub(crate) fn is_of_this_house(&self) -> bool {
        self.number.is_empty()
    }

    /// The same service of the same place.
    pub(crate) fn is_of(&self, key: &str, city: &str) -> bool {
        self.key == key && self.city == city
    }
}

/// How the call ended, known when wrapping up begins.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) at: Now,
    pub(crate) outcome: Outcome,
    pub(crate) by: ReleasedBy,
    pub(crate) status: u16,
}

/// Who answered, for the record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) at: Now,
    pub(crate) seat: SeatId,
    pub(crate) counsellor: CounsellorId,
    pub(crate) line: LineId,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) trunk: TrunkId,
    /// What its trunk spoke when the call arrived; the call speaks it to its end.
    pub(crate) codecs: SmallVec<[Codec; 2]>,
    pub(crate) caller: DialString,
    pub(crate) called: DialString,
    /// User part of the caller's From, for seats that are to see it.
    pub(crate) from_user: DialString,
    /// SIP Call-ID of the caller's leg.
    pub(crate) sip_call_id: Box<str>,
    pub(crate) arrived: Now,
    pub(crate) state: State,
    pub(crate) side: CallerSide,
    pub(crate) entry: Caller,
    /// When it entered the queue, the last time.
    pub(crate) enqueued: Mono,
    /// Rings that are not open yet: pool and moment.
    pub(crate) closed_rings: SmallVec<[(PoolId, Mono); 2]>,
    /// Pools and seconds, for the record.
    pub(crate) route: SmallVec<[(PoolId, u32); 3]>,
    pub(crate) route_reason: std::sync::Arc<str>,
    /// Rules that the route rests on, by name, and the version of the table.
    pub(crate) rules: Vec<String>,
    pub(crate) table: std::sync::Arc<str>,
    /// What was known of the caller, and what was said since.
    pub(crate) known: Known,
    /// The cell that a trusted trunk named.
    pub(crate) cell: Option<DialString>,
    /// What its trunk charges it under; goes with calls out by the same trunk.
    #[serde(default)]
    pub(crate) charging: Option<Box<str>>,
    /// The resource priorities that its trunk is trusted to tell.
    #[serde(default)]
    pub(crate) priority: Option<Box<str>>,
    /// Max-Forwards of the caller's INVITE.
    #[serde(default = "most_hops")]
    pub(crate) hops: u8,
    /// Why the caller's side, and the last seat's, say that they ended.
    #[serde(default)]
    pub(crate) causes: (Box<str>, Box<str>),
    /// The number is not to be shown to people.
    pub(crate) withheld: bool,
    /// The number is one that forwarded the call, or one without its area code: many sit behind it.
    pub(crate) switchboard: bool,
    /// A network that is trusted vouches for the number.
    #[serde(default)]
    pub(crate) asserted: bool,
    /// What the counsellor wrote down.
    #[serde(default)]
    pub(crate) facts: Facts,
    #[serde(default)]
    pub(crate) call_back: CallBackState,
    /// What settled the place by which a key went last: words or a name that mean one place.
    #[serde(default)]
    pub(crate) place: Words,
    /// What the counsellor said with it: a street, a house.
    #[serde(default)]
    pub(crate) place_words: Words,
    /// How many dossiers went out.
    #[serde(default)]
    pub(crate) dossiers: u32,
    /// For which targets: they get what is written down later.
    #[serde(default)]
    pub(crate) handed: Vec<Handed>,
    /// The network ended the caller's leg, and not the caller.
    #[serde(default)]
    pub(crate) cut_off: bool,
    /// Held for nuisance when it arrived, or marked since.
    pub(crate) nuisance: bool,
    pub(crate) offers: Vec<OfferRecord>,
    pub(crate) transfers: Vec<TransferRecord>,
    /// Third parties who are called or there.
    #[serde(default)]
    pub(crate) thirds: Vec<ThirdSide>,
    /// Third parties so far.
    #[serde(default)]
    pub(crate) third_count: u8,
    #[serde(default)]
    pub(crate) conference: Conference,
    /// How the caller and the counsellor take part.
    #[serde(default)]
    pub(crate) modes: (Mode, Mode),
    /// Emergencies that nobody could be reached for, until somebody has seen to them.
    #[serde(default)]
    pub(crate) alarms: Vec<KeyAlarm>,
    /// Police, ambulance or fire were dialled, whatever came of it.
    #[serde(default)]
    pub(crate) emergency: bool,
    /// What is recorded of it.
    #[serde(default)]
    pub(crate) taping: Taping,
    pub(crate) answer: Option<Answer>,
    pub(crate) talked_ms: u64,
    pub(crate) ending: Option<Ending>,
    pub(crate) rtp_caller: RtpStats,
    pub(crate) rtp_seat: RtpStats,
    /// Ports that the media thread has not closed yet.
    pub(crate) closing: SmallVec<[PortId; 2]>,
    /// Timers that are set for this call.
    pub(crate) timers: SmallVec<[(Mono, Timer); 3]>,
    /// Parties of whom media hears nothing.
    pub(crate) silences: SmallVec<[Silence; 1]>,
    /// Ports of parties who are heard, as far as media told. It tells again after a restart.
    #[serde(skip)]
    pub(crate) heard: SmallVec<[PortId; 2]>,
    /// Of whom nothing is heard although the other speaks, if that was told by this process.
    #[serde(skip)]
    pub(crate) one_way: Option<LegParty>,
}

fn yes() -> bool {
    true
}

/// What a caller who says nothing of it may have had (RFC 3261 §8.1.1.6).
pub(crate) fn most_hops() -> u8 {
    70
}

impl Call {
    pub(crate) fn seat_side(&self) -> Option<&SeatSide> {
        match &self.state {
            State::Offered(side) | State::Talking(side) | State::Transferring(Some(side)) => {
                Some(side)
            }
            _ => None,
        }
    }

    pub(crate) fn seat_side_mut(&mut self) -> Option<&mut SeatSide> {
        match &mut self.state {
            State::Offered(side) | State::Talking(side) | State::Transferring(Some(side)) => {
                Some(side)
            }
            _ => None,
        }
    }

    pub(crate) fn third(&self, id: ThirdId) -> Option<&ThirdSide> {
        self.thirds.iter().find(|it| it.id == id)
    }

    pub(crate) fn third_mut(&mut self, id: ThirdId) -> Option<&mut ThirdSide> {
        let mut thirds = self.thirds.iter_mut();
        thirds.find(|it| it.id == id)
    }

    /// The third party of this leg.
    pub(crate) fn third_of(&self, leg: LegId) -> Option<&ThirdSide> {
        let mut thirds = self.thirds.iter();
        thirds.find(|it| it.leg == Some(leg))
    }

    /// The seat's side while caller and counsellor have the conversation to themselves, whoever listens.
    pub(crate) fn pair(&self) -> Option<&SeatSide> {
        match &self.state {
            State::Talking(side) | State::Transferring(Some(side)) => {
                let listens = |it: &ThirdSide| standing(it) == Third::Bystander;
                (!self.side.gone && self.thirds.iter().all(listens)).then_some(side)
            }
            _ => None,
        }
    }

    /// True while the caller hears, or could hear, prompts and music.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Queued | State::Offered(_))
    }
}

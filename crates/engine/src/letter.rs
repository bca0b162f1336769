//! What shards write each other, and who is at home where.

use crate::api::{CommandError, SeatChange};
use crate::pressed::KeyLetter;
use crate::shown::SeatStatus;
use meishier_model::{CallId, CounsellorId, Mono, OfferOutcome, SeatId, ShardId, TrunkId};
use meishier_queue::OfferId;
use meishier_routing::Note;
use meishier_signaling::Transport;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// The shard that owns a seat's machine and timers.
#[must_use]
pub fn home_of_seat(seat: SeatId, shards: u16) -> ShardId {
    ShardId((seat.0 % u32::from(shards.max(1))) as u16)
}

/// The shard that knows where a counsellor is signed on.
#[must_use]
pub fn home_of_counsellor(counsellor: CounsellorId, shards: u16) -> ShardId {
    ShardId((counsellor.0 % u32::from(shards.max(1))) as u16)
}

/// From one shard to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ShardMessage {
    /// The call's shard to the seat's home: the offer ended without an answer.
    OfferEnded {
        /// The seat.
        seat: SeatId,
        /// Which offer.
        offer: OfferId,
        /// How it ended.
        outcome: OfferOutcome,
    },
    /// The call's shard to the seat's home: the seat answered.
    OfferAnswered {
        /// The seat.
        seat: SeatId,
        /// Which offer.
        offer: OfferId,
    },
    /// The call's shard to the seat's home: whom the seat rings for, where that is a conversation that
    /// runs. The queue knows it by the number of a request.
    OfferOf {
        /// The seat.
        seat: SeatId,
        /// Which offer.
        offer: OfferId,
        /// The conversation.
        call: CallId,
    },
    /// The call's shard to the seat's home: the conversation is over.
    SeatReleased {
        /// The seat.
        seat: SeatId,
        /// Which offer had led to it.
        offer: OfferId,
        /// Milliseconds of talk.
        talked_ms: u64,
        /// How hard it was.
        weight: TalkWeight,
    },
    /// The seat's home to the call's shard: take the offer back, the seat is no longer there.
    WithdrawOffer {
        /// The call.
        call: CallId,
        /// Which offer.
        offer: OfferId,
    },
    /// A star code dialled on another shard: change the seat's state.
    SeatCommand {
        /// Shard that waits for the answer.
        from: ShardId,
        /// Its token.
        token: u64,
        /// The seat.
        seat: SeatId,
        /// What is wanted.
        change: SeatChange,
    },
    /// A key of the desk, pressed on another line of the seat's telephone.
    Key(KeyLetter),
    /// Answer to `SeatCommand`.
    SeatCommandDone {
        /// The asker's token.
        token: u64,
        /// What came of it.
        result: Result<SeatStatus, CommandError>,
    },
    /// The seat's home to the counsellor's home: may this person sign on here?
    Claim {
        /// The person.
        counsellor: CounsellorId,
        /// The seat.
        seat: SeatId,
        /// Shard that waits for the answer.
        from: ShardId,
    },
    /// Answer to `Claim`.
    Claimed {
        /// The person.
        counsellor: CounsellorId,
        /// The seat.
        seat: SeatId,
        /// `None` if granted, else the seat where the person is signed on already.
        elsewhere: Option<SeatId>,
    },
    /// The seat's home to the counsellor's home: the person signed off.
    Unclaim {
        /// The person.
        counsellor: CounsellorId,
        /// The seat.
        seat: SeatId,
    },
    /// To every shard: what happened to a number.
    Noted(Note),
    /// The first shard to every other: a peer of a trunk answers, or no longer answers, OPTIONS.
    PeerHealth {
        /// The trunk.
        trunk: TrunkId,
        /// Where the peer is.
        address: SocketAddr,
        /// How it is spoken to.
        transport: Transport,
        /// True if it answers.
        up: bool,
    },
    /// To every other shard: a peer takes no calls for a while, as it said.
    PeerRests {
        /// The trunk.
        trunk: TrunkId,
        /// Where the peer is.
        address: SocketAddr,
        /// How it is spoken to.
        transport: Transport,
        /// For how long from now on.
        lasts: Duration,
        /// False: it said nothing at all, and is asked last.
        said: bool,
    },
    /// The first shard to every other: the schedule moved on.
    LinesChanged,
    /// The first shard to every other: a trunk that is to be registered is so, or is not.
    TrunkRegistered {
        /// The trunk.
        trunk: TrunkId,
        /// The Route of calls out, empty for none (Service-Route, RFC 3608); `None`: not registered.
        route: Option<String>,
        /// Who holds the binding: calls out prefer it.
        peer: Option<(SocketAddr, Transport)>,
    },
    /// The seat's home to every shard: who is there and whether calls may come.
    Staffing {
        /// The seat.
        seat: SeatId,
        /// How it stands.
        now: Staffed,
    },
}

/// Whether calls may come to a seat, now or after the present one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staffed {
    /// Who is signed on.
    pub counsellor: Option<CounsellorId>,
    /// That person takes calls: not paused.
    pub willing: bool,
    /// The telephone can be reached.
    pub reachable: bool,
    /// There is a conversation, which may last.
    pub talks: bool,
    /// When the rest after a call or an offer ends, unless the counsellor ends it sooner; the
    /// beginning of time if there is none.
    pub back: Mono,
}

/// What made a conversation hard, for the rest after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkWeight {
    /// The caller was at risk.
    pub risk: bool,
    /// Police, ambulance or fire were called.
    pub emergency: bool,
}

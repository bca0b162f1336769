//! What a far end is told and what it tells.

use std::net::SocketAddr;

/// How a far end reaches the engine. Over TCP nothing is retransmitted (RFC 3261 §17), and each
/// packet is one whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

/// A codec of ITU-T G.711 (RFC 3551 table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// A-law, payload type 8.
    Pcma,
    /// mu-law, payload type 0.
    Pcmu,
}

/// What a far end is.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// Its own address, named in Via and Contact; its media have the same IP address.
    pub address: SocketAddr,
    /// How it reaches the engine.
    pub transport: Transport,
    /// Where all its packets go.
    pub engine: SocketAddr,
    /// What it can speak, best first; PCMA alone if empty.
    pub codecs: Vec<Codec>,
    /// Its first RTP port, even; each call takes the next even one, and after 65000 the first again.
    pub media_port: u16,
}

/// One call of an [`crate::peer::Agent`], unique over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(pub u64);

/// A call to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCall {
    /// User part of the Request-URI: the number dialled, or a star code.
    pub to_user: String,
    /// User part of From; `anonymous` hides the number as RFC 3323 §4.1 does.
    pub caller: String,
    /// The number that the carrier asserts (P-Asserted-Identity, RFC 3325 §9.1).
    pub asserted: Option<String>,
    /// The cell from which the call is made, in P-Access-Network-Info (RFC 7315 §4.4); empty for none.
    pub cell: String,
    /// The INVITE has no SDP; the offer is awaited in the 200 and answered in the ACK
    /// (RFC 3261 §13.2.1).
    pub late_offer: bool,
    /// The INVITE does not name 100rel in Supported (RFC 3262 §4). Where it does, a reliable
    /// provisional response is answered by PRACK.
    pub no_100rel: bool,
    /// Seconds for which the session is to last without a refresh (RFC 4028 §7.1); `None`: no session
    /// timer.
    pub session: Option<u32>,
    /// This end refreshes; else the engine is asked to.
    pub refreshes: bool,
}

/// How a far end misbehaves: shares from 0 to 1, rolled anew at each occasion. All 0 by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quirks {
    /// A 2xx to INVITE, or a repetition of one, gets no ACK.
    pub lose_ack: f64,
    /// A second BYE, a request of its own, follows the first at once.
    pub duplicate_bye: f64,
    /// An INVITE that was just CANCELled is answered with 200 all the same, as if the two had
    /// crossed.
    pub late_answer: f64,
    /// A packet is sent twice.
    pub duplicate_any: f64,
    /// Hold and resume go by UPDATE (RFC 3311) instead of re-INVITE.
    pub hold_by_update: f64,
    /// 180 is sent until its PRACK comes, where the INVITE allows it (RFC 3262 §3).
    pub ring_reliably: f64,
    /// An answer takes up the session timer that the INVITE asks for (RFC 4028 §9), half of them as the
    /// one who refreshes.
    pub time_sessions: f64,
    /// A refresh goes by re-INVITE instead of UPDATE.
    pub refresh_by_invite: f64,
}

/// How often quirks showed; see [`Quirks`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// ACKs that were not sent.
    pub lost_acks: u64,
    /// BYEs that were followed by another one.
    pub doubled_byes: u64,
    /// INVITEs that were answered after their CANCEL.
    pub late_answers: u64,
    /// Refreshes of sessions that came (RFC 4028 §9).
    pub refreshed: u64,
    /// Refreshes of this end that were answered.
    pub refreshes: u64,
    /// Sessions that nobody refreshed in time.
    pub expired: u64,
    /// Ringing that was sent until its PRACK.
    pub reliable_rings: u64,
    /// PRACKs that acknowledged it.
    pub pracks: u64,
    /// Ringing whose PRACK never came, within 64·T1 of waiting for it.
    pub unheard_rings: u64,
}

/// Media of a call, as this end understands offer and answer (RFC 3264).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Where this end receives RTP.
    pub local: SocketAddr,
    /// Where this end sends RTP; `None` while not negotiated.
    pub remote: Option<SocketAddr>,
    /// What is spoken; `None` while not negotiated.
    pub codec: Option<Codec>,
    /// This end sends: both sides agreed that it may.
    pub sends: bool,
    /// This end plays what it receives.
    pub hears: bool,
}

/// Something that happened at a far end.
///
/// A call's life ends with at most one of `Refused`, `Cancelled`, `Ended` and `Failed`; with none
/// if this end rejected it or hung up an established call, except that `Failed` tells of a BYE that
/// nobody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// An INVITE came; 100 was not sent, ring, answer or reject it.
    Incoming {
        /// The call.
        key: CallKey,
        /// Its Call-ID.
        call_id: String,
        /// User part of From.
        from_user: String,
        /// User part of the Request-URI.
        to_user: String,
        /// Header `X-Meishier-Call`.
        engine_call: Option<String>,
        /// It holds an SDP offer.
        body: bool,
    },
    /// The incoming call was CANCELled before it was answered.
    Cancelled {
        /// The call.
        key: CallKey,
    },
    /// A provisional response above 100 came.
    Progress {
        /// The call.
        key: CallKey,
        /// 101 to 199.
        status: u16,
        /// It holds SDP.
        early_media: bool,
    },
    /// 200 came and was acknowledged.
    Answered {
        /// The call.
        key: CallKey,
    },
    /// The call was refused.
    Refused {
        /// The call.
        key: CallKey,
        /// 300 to 699; 487 after a CANCEL.
        status: u16,
    },
    /// The ACK to our 200 came.
    Confirmed {
        /// The call.
        key: CallKey,
    },
    /// The engine hung up; or the 200 that crossed our CANCEL was acknowledged and hung up by us.
    Ended {
        /// The call.
        key: CallKey,
    },
    /// Nobody answered: timer B, F or H (§17), or no ACK to our 200.
    Failed {
        /// The call.
        key: CallKey,
    },
    /// Registered, or with 0 unregistered.
    Registered {
        /// Seconds.
        expires: u32,
    },
    /// The registration was refused; 408 if nobody answered. After 408 and 5xx it is tried again.
    RegisterRefused {
        /// 300 to 699.
        status: u16,
    },
    /// Hold or resume came to its end.
    HoldDone {
        /// The call.
        key: CallKey,
        /// The final status; 408 if there was none.
        status: u16,
    },
}

//! Which datagrams the players got and sent, so that the floor can be given the same.

use crate::sip;

/// What the program under test sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 100 to the caller.
    Trying,
    /// Another provisional response to the caller.
    Ringing,
    /// 200 to the caller's INVITE.
    Answer,
    /// 200 to the caller's BYE.
    ByeOk,
    /// INVITE to the seat.
    SeatInvite,
    /// ACK to the seat.
    SeatAck,
    /// BYE to the seat.
    SeatBye,
    /// Anything else.
    Other,
}

impl Kind {
    /// All that the floor imitates, in the order in which it takes their sizes.
    pub const PLAYED: [Self; 7] = [
        Self::Trying,
        Self::Ringing,
        Self::Answer,
        Self::ByeOk,
        Self::SeatInvite,
        Self::SeatAck,
        Self::SeatBye,
    ];

    /// What a message to a caller is.
    pub fn to_caller(message: &str) -> Self {
        let of_invite = sip::header(message, "CSeq").is_some_and(|cseq| cseq.ends_with("INVITE"));
        match (sip::status(message), of_invite) {
            (Some(100), true) => Self::Trying,
            (Some(101..=199), true) => Self::Ringing,
            (Some(200), true) => Self::Answer,
            (Some(200), false) => Self::ByeOk,
            _ => Self::Other,
        }
    }

    /// What a message to a seat is.
    pub fn to_seat(message: &str) -> Self {
        match sip::method(message) {
            Some("INVITE") => Self::SeatInvite,
            Some("ACK") => Self::SeatAck,
            Some("BYE") => Self::SeatBye,
            _ => Self::Other,
        }
    }
}

/// Counts and bytes.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: [u64; 8],
    bytes: [u64; 8],
    /// Datagrams sent to the program under test.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
}

impl Tally {
    /// One more datagram got.
    pub fn add(&mut self, kind: Kind, length: usize) {
        self.counts[kind as usize] += 1;
        self.bytes[kind as usize] += length as u64;
    }

    /// How many of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// Mean length of a kind, 0 if there was none.
    pub fn mean(&self, kind: Kind) -> u64 {
        self.bytes[kind as usize]
            .checked_div(self.count(kind))
            .unwrap_or(0)
    }

    /// All datagrams got.
    pub fn got(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their bytes.
    pub fn got_bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }
}

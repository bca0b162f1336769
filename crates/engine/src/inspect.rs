//! The engine's own account of itself for judges that look after every step: read only, without
//! copying, names or clocks. People get [`crate::ShardView`] instead.

use crate::api::{Phase, SeatState};
use crate::call::State;
use crate::seat::Wish;
use crate::second::requests;
use crate::shard::Shard;
use meishier_model::{CallId, CounsellorId, LineId, Mono, SeatId, ShardId};
use meishier_transfer::ThirdId;

/// Where one call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallStanding<'a> {
    /// The call.
    pub call: CallId,
    /// Its phase.
    pub phase: Phase,
    /// The seat that rings for it or talks with it.
    pub seat: Option<SeatId>,
    /// The line that it holds.
    pub line: Option<LineId>,
    /// Flagged as at risk.
    pub risk: bool,
    /// SIP Call-ID of the caller's leg.
    pub sip_call_id: &'a str,
}

/// Where one seat stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatStanding {
    /// The seat.
    pub seat: SeatId,
    /// Its state as people see it.
    pub state: SeatState,
    /// Who is signed on.
    pub counsellor: Option<CounsellorId>,
    /// True if whoever is signed on wants no calls.
    pub paused: bool,
    /// True if the engine itself paused it.
    pub by_engine: bool,
    /// True if its telephone can be reached.
    pub reachable: bool,
    /// The call that it rings for or talks with.
    pub call: Option<CallId>,
    /// When its wrap-up or back-off ends.
    pub rests_until: Option<Mono>,
}

impl Shard {
    /// Which shard this is.
    #[must_use]
    pub fn id(&self) -> ShardId {
        self.id
    }

    /// The calls of this shard, in the order of their identifiers.
    pub fn call_standings(&self) -> impl Iterator<Item = CallStanding<'_>> + '_ {
        self.calls.values().map(|call| {
            let side = call.seat_side();
            CallStanding {
                call: call.id,
                phase: call.state.phase(),
                seat: side.map(|side| side.seat),
                line: match &call.state {
                    State::Queued | State::Parting(_) | State::WrappingUp => None,
                    _ => side.map(|side| side.line),
                },
                risk: call.entry.risk,
                sip_call_id: &call.sip_call_id,
            }
        })
    }

    /// Seats that were called into a conversation through the queue, ringing or talking, with the line
    /// that each holds. Those that were called by name hold none.
    pub fn called_in(&self) -> impl Iterator<Item = (CallId, SeatId, LineId)> + '_ {
        self.calls.values().flat_map(|call| {
            let found = requests(call).filter_map(|(_, request)| request.found());
            found.map(|found| (call.id, found.seat, found.line))
        })
    }

    /// Requests for the second line, ringing and talking ones included: the number that the queue knows,
    /// the conversation's, and which third party of it the seat is to be.
    pub fn requests(&self) -> impl Iterator<Item = (CallId, CallId, ThirdId)> + '_ {
        let all = self.requests.iter();
        all.map(|(request, (call, third))| (*request, *call, *third))
    }

    /// The seats at home on this shard, in the order of their numbers.
    pub fn seat_standings(&self) -> impl Iterator<Item = SeatStanding> + '_ {
        self.seats
            .keys()
            .filter_map(|seat| self.seat_standing(*seat))
    }

    /// One seat; `None` if it is not at home here.
    #[must_use]
    pub fn seat_standing(&self, seat: SeatId) -> Option<SeatStanding> {
        let machine = self.seats.get(&seat)?;
        let wish = machine.person.as_ref().map(|person| &person.wish);
        Some(SeatStanding {
            seat,
            state: machine.state(),
            counsellor: machine.person.as_ref().map(|person| person.counsellor),
            paused: matches!(wish, Some(Wish::Paused { .. })),
            by_engine: machine.paused_by_engine(),
            reachable: machine.reachable,
            call: machine.call(),
            rests_until: machine.deadline(),
        })
    }

    /// Numbers of which something is remembered.
    #[must_use]
    pub fn numbers_known(&self) -> usize {
        self.book.len()
    }

    /// RTP ports that nobody uses, and all that this shard has.
    #[must_use]
    pub fn ports(&self) -> (usize, usize) {
        self.ports.room()
    }

    /// Timers that stand while nothing happens: trunks' OPTIONS, the next change of lines, the next end
    /// of a state that was set by hand.
    #[must_use]
    pub fn standing_timers(&self) -> u64 {
        let trunks = self.config.trunks.iter();
        let pings = trunks.filter(|trunk| trunk.options_every.is_some()).count();
        let pings = if self.id == ShardId(0) { pings } else { 0 };
        let changes = [self.lines_timer, self.hands_timer];
        (pings + changes.iter().flatten().count()) as u64
    }
}

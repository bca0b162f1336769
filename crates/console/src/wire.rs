//! The JSON of the API: what comes in (unknown fields refused), what goes out (numbers masked).

use crate::call_back;
use meishier_engine::api::{
    AlarmView, Asks, CallView, Command, LateAlarm, Press, RecordingState, SeatChange, SeatStatus,
    ThirdView, TransferStarted,
};
use meishier_engine::transfer::{self, Manner};
use meishier_model::{
    CallId, CallRecord, CounsellorId, PeerTried, RecordingRecord, RtpStats, TapeId, TransferEvent,
    Wall,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest text of any field that comes in, in bytes.
const LONGEST: usize = 256;

/// What a seat is to become.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    Ready,
    Paused,
    SignedOff,
}

/// The body of `POST /api/v1/seats/{name}/state`. Without `Debug`: it holds a PIN.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRequest {
    pub(crate) state: Wanted,
    pub(crate) counsellor: Option<String>,
    pub(crate) pin: Option<String>,
    reason: Option<String>,
}

impl StateRequest {
    /// The change it asks for. `counsellor` is the person whom the account names, if one does.
    pub(crate) fn change(self, counsellor: Option<CounsellorId>) -> Result<SeatChange, String> {
        let too_long = [&self.counsellor, &self.pin, &self.reason]
            .into_iter()
            .any(|field| field.as_ref().is_some_and(|text| text.len() > LONGEST));
        if too_long {
            return Err(format!("field longer than {LONGEST} bytes"));
        }
        if self.state != Wanted::Ready && (self.counsellor.is_some() || self.pin.is_some()) {
            return Err("`counsellor` and `pin` go with state `ready`".to_owned());
        }
        if self.state != Wanted::Paused && self.reason.is_some() {
            return Err("`reason` goes with state `paused`".to_owned());
        }
        if self.pin.is_some() && self.counsellor.is_none() {
            return Err("`pin` goes with `counsellor`".to_owned());
        }
        Ok(match (self.state, counsellor) {
            (Wanted::Ready, Some(counsellor)) => SeatChange::SignOn {
                counsellor,
                pin: self.pin,
            },
            (Wanted::Ready, None) => SeatChange::Ready,
            (Wanted::Paused, _) => SeatChange::Pause {
                reason: self.reason.unwrap_or_default(),
            },
            (Wanted::SignedOff, _) => SeatChange::SignOff,
        })
    }
}

/// The body of `POST /api/v1/calls/{id}/transfer`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    key: String,
    place: Option<String>,
    /// Also taken as `place`.
    city: Option<String>,
    manner: Option<Manner>,
}

impl TransferRequest {
    /// The press that it asks for.
    pub(crate) fn press(self) -> Result<Press, String> {
        let place = match (self.place, self.city) {
            (Some(_), Some(_)) => return Err("`place` and `city` are the same field".to_owned()),
            (place, city) => place.or(city).unwrap_or_default(),
        };
        if self.key.is_empty() || self.key.len() > LONGEST || place.len() > LONGEST {
            return Err("`key` is empty, or `key` or `place` is too long".to_owned());
        }
        Ok(Press {
            key: self.key,
            place,
            manner: self.manner,
        })
    }
}

/// The body of `POST /api/v1/calls/{id}/nuisance`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NuisanceRequest {
    reason: String,
    days: Option<u32>,
    #[serde(default)]
    end: bool,
}

impl NuisanceRequest {
    /// Longest reason, in characters; the engine keeps so many.
    const REASON: usize = 200;

    pub(crate) fn command(self, call: CallId) -> Result<Command, String> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > Self::REASON {
            return Err(format!("`reason` has 1 to {} characters", Self::REASON));
        }
        if self.days.is_some_and(|days| !(1..=366).contains(&days)) {
            return Err("`days` is 1 to 366".to_owned());
        }
        let day = Duration::from_secs(24 * 3600);
        Ok(Command::Nuisance {
            call,
            lasts: self.days.map(|days| day * days),
            reason: reason.to_owned(),
            end: self.end,
        })
    }
}

/// A seat.
#[derive(Serialize)]
pub(crate) struct SeatBody<'a> {
    id: u32,
    name: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    counsellor: Option<&'a str>,
    call: Option<String>,
    since_ms: u64,
}

impl<'a> From<&'a SeatStatus> for SeatBody<'a> {
    fn from(seat: &'a SeatStatus) -> Self {
        Self {
            id: seat.seat.0,
            name: &seat.name,
            state: seat.state.as_str(),
            reason: seat.reason.as_deref(),
            counsellor: seat.counsellor.as_deref(),
            call: seat.call.map(hexadecimal),
            since_ms: seat.since_ms,
        }
    }
}

/// A running call.
#[derive(Serialize)]
pub(crate) struct CallBody<'a> {
    id: String,
    phase: &'static str,
    caller: &'a str,
    arrived_ms: i64,
    age_ms: u64,
    ahead: Option<u32>,
    seat: Option<&'a str>,
    counsellor: Option<&'a str>,
    pool: Option<&'a str>,
    transfer: Option<&'a str>,
    thirds: Vec<ThirdBody<'a>>,
    alarms: &'a [AlarmView],
    caller_gone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_back: Option<call_back::ViewBody>,
    recording: Option<&'static str>,
}

/// A third party of a running call.
#[derive(Serialize)]
struct ThirdBody<'a> {
    third: u8,
    role: &'static str,
    key: &'a str,
    dialled: &'a str,
    state: transfer::State,
    mode: &'static str,
}

impl<'a> From<&'a ThirdView> for ThirdBody<'a> {
    fn from(third: &'a ThirdView) -> Self {
        Self {
            third: third.third.0,
            role: third.role.as_str(),
            key: &third.key,
            dialled: &third.dialled,
            state: third.state,
            mode: third.mode.as_str(),
        }
    }
}

impl<'a> From<&'a CallView> for CallBody<'a> {
    fn from(call: &'a CallView) -> Self {
        Self {
            id: hexadecimal(call.call),
            phase: call.phase.as_str(),
            caller: &call.caller,
            arrived_ms: call.arrived.0,
            age_ms: call.age_ms,
            ahead: call.ahead,
            seat: call.seat.as_deref(),
            counsellor: call.counsellor.as_deref(),
            pool: call.pool.as_deref(),
            transfer: call.transfer.as_deref(),
            thirds: call.thirds.iter().map(ThirdBody::from).collect(),
            alarms: &call.alarms,
            caller_gone: call.caller_gone,
            call_back: call.call_back.map(call_back::ViewBody::from),
            recording: call.recording.map(RecordingState::as_str),
        }
    }
}

/// An emergency that reached nobody, of a call that is over.
#[derive(Serialize)]
pub(crate) struct AlarmBody<'a> {
    call: String,
    third: u8,
    key: &'a str,
    number: &'a str,
}

impl<'a> From<&'a LateAlarm> for AlarmBody<'a> {
    fn from(alarm: &'a LateAlarm) -> Self {
        Self {
            call: hexadecimal(alarm.call),
            third: alarm.third.0,
            key: &alarm.key,
            number: &alarm.number,
        }
    }
}

/// What a transfer key set going.
#[derive(Serialize)]
pub(crate) struct TransferBody {
    third: u8,
    dialled: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asks: Option<Asks>,
}

impl From<TransferStarted> for TransferBody {
    fn from(started: TransferStarted) -> Self {
        Self {
            third: started.third.0,
            dialled: started.dialled,
            reason: started.reason,
            asks: started.asks,
        }
    }
}

/// A finished call, its numbers masked.
#[derive(Serialize)]
pub(crate) struct RecordBody<'a> {
    id: String,
    trunk: &'a str,
    caller: String,
    called: String,
    arrived_ms: i64,
    answered_ms: Option<i64>,
    ended_ms: i64,
    waited_ms: u64,
    talked_ms: u64,
    outcome: &'static str,
    released_by: &'static str,
    status: u16,
    cause: &'a str,
    seat_cause: &'a str,
    pool: Option<&'a str>,
    line: Option<u16>,
    seat: Option<&'a str>,
    counsellor: Option<&'a str>,
    route: Vec<RingBody<'a>>,
    route_reason: &'a str,
    table: &'a str,
    rules: &'a [String],
    risk: bool,
    nuisance: bool,
    offers: Vec<OfferBody<'a>>,
    transfers: Vec<TransferRecordBody<'a>>,
    recordings: Vec<String>,
    rtp_caller: RtpStats,
    rtp_seat: RtpStats,
    recording: Option<&'a RecordingRecord>,
    call_back: Option<call_back::RecordBody<'a>>,
}

#[derive(Serialize)]
struct RingBody<'a> {
    pool: &'a str,
    after_s: u32,
}

#[derive(Serialize)]
struct OfferBody<'a> {
    seat: &'a str,
    counsellor: &'a str,
    pool: &'a str,
    at_ms: i64,
    rang_ms: u64,
    outcome: &'static str,
    status: u16,
    cause: &'a str,
}

#[derive(Serialize)]
struct TransferRecordBody<'a> {
    key: &'a str,
    city: &'a str,
    dialled: &'a str,
    reason: &'a str,
    at_ms: i64,
    answered_ms: Option<i64>,
    outcome: &'static str,
    status: u16,
    cause: &'a str,
    tried: &'a [PeerTried],
    events: Vec<EventBody<'a>>,
}

/// One line of the time line of a use of a key.
#[derive(Serialize)]
struct EventBody<'a> {
    at_ms: i64,
    what: &'a str,
    detail: &'a str,
}

impl<'a> From<&'a TransferEvent> for EventBody<'a> {
    fn from(event: &'a TransferEvent) -> Self {
        Self {
            at_ms: event.at.0,
            what: &event.what,
            detail: &event.detail,
        }
    }
}

impl<'a> From<&'a CallRecord> for RecordBody<'a> {
    fn from(record: &'a CallRecord) -> Self {
        let ring = |(pool, after): &'a (String, u32)| RingBody {
            pool,
            after_s: *after,
        };
        Self {
            id: hexadecimal(record.call),
            trunk: &record.trunk,
            caller: record.caller.masked(),
            called: record.called.masked(),
            arrived_ms: record.arrived.0,
            answered_ms: record.answered.map(milliseconds),
            ended_ms: record.ended.0,
            waited_ms: record.waited_ms,
            talked_ms: record.talked_ms,
            outcome: record.outcome.as_str(),
            released_by: record.released_by.as_str(),
            status: record.status,
            cause: &record.cause,
            seat_cause: &record.seat_cause,
            pool: record.pool.as_deref(),
            line: record.line,
            seat: record.seat.as_deref(),
            counsellor: record.counsellor.as_deref(),
            route: record.route.iter().map(ring).collect(),
            route_reason: &record.route_reason,
            table: &record.table,
            rules: &record.rules,
            risk: record.risk,
            nuisance: record.nuisance,
            offers: offers(record),
            transfers: transfers(record),
            recordings: recordings(record),
            rtp_caller: record.rtp_caller,
            rtp_seat: record.rtp_seat,
            recording: record.recording.as_deref(),
            call_back: record.call_back.as_deref().map(call_back::RecordBody::from),
        }
    }
}

fn offers(record: &CallRecord) -> Vec<OfferBody<'_>> {
    record
        .offers
        .iter()
        .map(|offer| OfferBody {
            seat: &offer.seat,
            counsellor: &offer.counsellor,
            pool: &offer.pool,
            at_ms: offer.at.0,
            rang_ms: offer.rang_ms,
            outcome: offer.outcome.as_str(),
            status: offer.status,
            cause: &offer.cause,
        })
        .collect()
}

/// The names of the call's recordings, as `meishier recordings` takes them.
fn recordings(record: &CallRecord) -> Vec<String> {
    let tapes = record.recording.iter().flat_map(|it| &it.tapes);
    let name = |segment| TapeId {
        call: record.call,
        segment,
    };
    tapes.map(|tape| name(tape.segment).to_string()).collect()
}

fn transfers(record: &CallRecord) -> Vec<TransferRecordBody<'_>> {
    record
        .transfers
        .iter()
        .map(|transfer| TransferRecordBody {
            key: &transfer.key,
            city: &transfer.city,
            dialled: &transfer.dialled,
            reason: &transfer.reason,
            at_ms: transfer.at.0,
            answered_ms: transfer.answered.map(milliseconds),
            outcome: transfer.outcome.as_str(),
            status: transfer.status,
            cause: &transfer.cause,
            tried: &transfer.tried,
            events: transfer.events.iter().map(EventBody::from).collect(),
        })
        .collect()
}

fn milliseconds(wall: Wall) -> i64 {
    wall.0
}

/// Calls are named by 16 hexadecimal digits; a number would lose bits in a browser.
fn hexadecimal(call: CallId) -> String {
    call.to_string()
}

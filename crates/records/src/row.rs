//! Rows back into records.

use crate::StoreError;
use meishier_model::{
    CallId, CallRecord, DialString, OfferOutcome, OfferRecord, Outcome, ReleasedBy, RtpStats,
    TransferOutcome, TransferRecord, Wall,
};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

type Column = &'static str;

pub(crate) fn call(row: &SqliteRow) -> Result<CallRecord, StoreError> {
    let route: String = row.try_get("route")?;
    let outcome: &str = row.try_get("outcome")?;
    let released: &str = row.try_get("released_by")?;
    let rules: &str = row.try_get("rules")?;
    let recording: Option<&str> = row.try_get("recording")?;
    let recording = recording.map(serde_json::from_str).transpose();
    let call_back: Option<&str> = row.try_get("call_back")?;
    let call_back = call_back.map(serde_json::from_str).transpose();
    Ok(CallRecord {
        call: id(row)?,
        trunk: row.try_get("trunk")?,
        caller: DialString::new(row.try_get("caller")?),
        called: DialString::new(row.try_get("called")?),
        sip_call_id: row.try_get("sip_call_id")?,
        arrived: Wall(row.try_get("arrived")?),
        answered: row.try_get::<Option<i64>, _>("answered")?.map(Wall),
        ended: Wall(row.try_get("ended")?),
        waited_ms: unsigned(row, "waited_ms")?,
        talked_ms: unsigned(row, "talked_ms")?,
        outcome: named(
            &[Outcome::Answered, Outcome::Abandoned, Outcome::Failed],
            Outcome::as_str,
            outcome,
            "outcome",
        )?,
        released_by: named(
            &[ReleasedBy::Caller, ReleasedBy::Seat, ReleasedBy::Engine],
            ReleasedBy::as_str,
            released,
            "released_by",
        )?,
        status: row.try_get("status")?,
        cause: row.try_get("cause")?,
        seat_cause: row.try_get("seat_cause")?,
        pool: row.try_get("pool")?,
        line: row.try_get("line")?,
        seat: row.try_get("seat")?,
        counsellor: row.try_get("counsellor")?,
        route: serde_json::from_str(&route).map_err(|_| StoreError::Damaged { column: "route" })?,
        route_reason: row.try_get("route_reason")?,
        table: row.try_get("routing_table")?,
        rules: serde_json::from_str(rules).map_err(|_| StoreError::Damaged { column: "rules" })?,
        risk: row.try_get("risk")?,
        nuisance: row.try_get("nuisance")?,
        offers: Vec::new(),
        transfers: Vec::new(),
        rtp_caller: rtp(
            row,
            [
                "caller_received",
                "caller_sent",
                "caller_wrong_source",
                "caller_malformed",
                "caller_lost",
                "caller_jitter_us",
                "caller_reports",
                "caller_peer_lost",
                "caller_peer_jitter_us",
                "caller_round_trip_us",
                "caller_unauthentic",
                "caller_secured",
            ],
        )?,
        rtp_seat: rtp(
            row,
            [
                "seat_received",
                "seat_sent",
                "seat_wrong_source",
                "seat_malformed",
                "seat_lost",
                "seat_jitter_us",
                "seat_reports",
                "seat_peer_lost",
                "seat_peer_jitter_us",
                "seat_round_trip_us",
                "seat_unauthentic",
                "seat_secured",
            ],
        )?,
        recording: recording.map_err(|_| StoreError::Damaged {
            column: "recording",
        })?,
        call_back: call_back.map_err(|_| StoreError::Damaged {
            column: "call_back",
        })?,
    })
}

pub(crate) fn offer(row: &SqliteRow) -> Result<OfferRecord, StoreError> {
    let outcome: &str = row.try_get("outcome")?;
    Ok(OfferRecord {
        seat: row.try_get("seat")?,
        counsellor: row.try_get("counsellor")?,
        pool: row.try_get("pool")?,
        at: Wall(row.try_get("at")?),
        rang_ms: unsigned(row, "rang_ms")?,
        outcome: named(
            &[
                OfferOutcome::Answered,
                OfferOutcome::NoAnswer,
                OfferOutcome::Refused,
                OfferOutcome::Unreachable,
                OfferOutcome::CallerGone,
                OfferOutcome::Withdrawn,
            ],
            OfferOutcome::as_str,
            outcome,
            "offers.outcome",
        )?,
        status: row.try_get("status")?,
        cause: row.try_get("cause")?,
    })
}

pub(crate) fn transfer(row: &SqliteRow) -> Result<TransferRecord, StoreError> {
    let tried: &str = row.try_get("tried")?;
    let events: &str = row.try_get("events")?;
    let outcome: &str = row.try_get("outcome")?;
    Ok(TransferRecord {
        key: row.try_get("key")?,
        city: row.try_get("city")?,
        dialled: row.try_get("dialled")?,
        reason: row.try_get("reason")?,
        at: Wall(row.try_get("at")?),
        answered: row.try_get::<Option<i64>, _>("answered")?.map(Wall),
        outcome: named(
            &[
                TransferOutcome::Joined,
                TransferOutcome::Failed,
                TransferOutcome::NoAnswer,
                TransferOutcome::Cancelled,
            ],
            TransferOutcome::as_str,
            outcome,
            "transfers.outcome",
        )?,
        status: row.try_get("status")?,
        cause: row.try_get("cause")?,
        tried: serde_json::from_str(tried).map_err(|_| StoreError::Damaged { column: "tried" })?,
        events: serde_json::from_str(events)
            .map_err(|_| StoreError::Damaged { column: "events" })?,
    })
}

/// The call that a row of any table belongs to.
pub(crate) fn id(row: &SqliteRow) -> Result<CallId, StoreError> {
    unsigned(row, "call").map(CallId)
}

fn unsigned(row: &SqliteRow, column: Column) -> Result<u64, StoreError> {
    Ok(row.try_get::<i64, _>(column)? as u64)
}

fn rtp(row: &SqliteRow, columns: [Column; 12]) -> Result<RtpStats, StoreError> {
    Ok(RtpStats {
        received: unsigned(row, columns[0])?,
        sent: unsigned(row, columns[1])?,
        wrong_source: unsigned(row, columns[2])?,
        malformed: unsigned(row, columns[3])?,
        lost: unsigned(row, columns[4])?,
        jitter_us: row.try_get(columns[5])?,
        reports: row.try_get(columns[6])?,
        peer_lost: unsigned(row, columns[7])?,
        peer_jitter_us: row.try_get(columns[8])?,
        round_trip_us: row.try_get(columns[9])?,
        unauthentic: unsigned(row, columns[10])?,
        secured: row.try_get(columns[11])?,
    })
}

pub(crate) fn named<T: Copy>(
    all: &[T],
    name: fn(T) -> &'static str,
    found: &str,
    column: Column,
) -> Result<T, StoreError> {
    all.iter()
        .copied()
        .find(|it| name(*it) == found)
        .ok_or(StoreError::Damaged { column })
}

//! One batch into the tables, in one transaction.

use crate::{Store, StoreError, tasks};
use meishier_model::{CallRecord, OfferRecord, TransferRecord};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};
use std::sync::{Arc, LazyLock};

type Statement = Query<'static, Sqlite, SqliteArguments>;

/// Rows in one statement: powers of two, so that a few prepared statements serve every batch.
const LARGEST: usize = 64;

/// The insert statements of one table, for 1, 2, 4 … [`LARGEST`] rows.
struct Inserts(Vec<Arc<str>>);

impl Inserts {
    fn new(head: &str, columns: usize) -> Self {
        let row = format!("({}?)", "?,".repeat(columns - 1));
        let statement = |power: u32| {
            let rows = vec![row.as_str(); 1 << power].join(",");
            format!("{head} VALUES {rows}").into()
        };
        Self((0..=LARGEST.ilog2()).map(statement).collect())
    }

    /// Inserts all rows; gives how many the table took.
    async fn run<T: Copy>(
        &self,
        connection: &mut SqliteConnection,
        mut rows: &[T],
        bind: fn(Statement, T) -> Result<Statement, StoreError>,
    ) -> Result<u64, StoreError> {
        let mut taken = 0;
        while !rows.is_empty() {
            let power = rows.len().min(LARGEST).ilog2();
            let (now, later) = rows.split_at(1 << power);
            // Composed of our own constants only.
            let sql = AssertSqlSafe(Arc::clone(&self.0[power as usize]));
            let mut statement = sqlx::query(sql);
            for row in now {
                statement = bind(statement, *row)?;
            }
            taken += statement.execute(&mut *connection).await?.rows_affected();
            rows = later;
        }
        Ok(taken)
    }
}

static CALLS: LazyLock<Inserts> = LazyLock::new(|| {
    Inserts::new(
        "INSERT OR IGNORE INTO calls (call, trunk, caller, called, sip_call_id, arrived, \
         answered, ended, waited_ms, talked_ms, outcome, released_by, status, pool, line, seat, \
         counsellor, route, route_reason, routing_table, rules, risk, nuisance, caller_received, caller_sent, \
         caller_wrong_source, caller_malformed, seat_received, seat_sent, seat_wrong_source, seat_malformed, \
         caller_lost, caller_jitter_us, caller_reports, caller_peer_lost, caller_peer_jitter_us, \
         caller_round_trip_us, seat_lost, seat_jitter_us, seat_reports, seat_peer_lost, \
         seat_peer_jitter_us, seat_round_trip_us, caller_secured, caller_unauthentic, seat_secured, \
         seat_unauthentic, cause, seat_cause, recording, call_back)",
        51,
    )
});

static OFFERS: LazyLock<Inserts> = LazyLock::new(|| {
    Inserts::new(
        "INSERT INTO offers (call, position, seat, counsellor, pool, at, rang_ms, outcome, status, \
         cause)",
        10,
    )
});

static TRANSFERS: LazyLock<Inserts> = LazyLock::new(|| {
    Inserts::new(
        "INSERT INTO transfers (call, position, key, city, dialled, reason, at, answered, \
         outcome, status, cause, tried, events)",
        13,
    )
});

/// Writes the batch or nothing of it; gives how many calls had a record already.
pub(crate) async fn batch(store: &Store, records: &[CallRecord]) -> Result<u64, StoreError> {
    let all: Vec<&CallRecord> = records.iter().collect();
    let mut transaction = store.write.begin_with("BEGIN IMMEDIATE").await?;
    let taken = CALLS.run(&mut transaction, &all, bind_call).await?;
    if taken == all.len() as u64 {
        details(&mut transaction, &all).await?;
        transaction.commit().await?;
        return Ok(0);
    }
    transaction.rollback().await?;
    one_by_one(store, &all).await
}

/// Tells which calls of a batch are there already, so that a second record of a call adds
/// nothing to the first one's offers.
async fn one_by_one(store: &Store, all: &[&CallRecord]) -> Result<u64, StoreError> {
    let mut transaction = store.write.begin_with("BEGIN IMMEDIATE").await?;
    let mut duplicates = 0;
    for record in all {
        match CALLS.run(&mut transaction, &[*record], bind_call).await? {
            0 => duplicates += 1,
            _ => details(&mut transaction, &[*record]).await?,
        }
    }
    transaction.commit().await?;
    Ok(duplicates)
}

/// A row of a call's list: the call, the place in the list, the thing.
type Item<'a, T> = (u64, usize, &'a T);

async fn details(connection: &mut SqliteConnection, all: &[&CallRecord]) -> Result<(), StoreError> {
    let offers: Vec<Item<'_, OfferRecord>> = all
        .iter()
        .flat_map(|r| {
            r.offers
                .iter()
                .enumerate()
                .map(|(n, offer)| (r.call.0, n, offer))
        })
        .collect();
    OFFERS.run(connection, &offers, bind_offer).await?;
    let transfers: Vec<Item<'_, TransferRecord>> = all
        .iter()
        .flat_map(|r| {
            r.transfers
                .iter()
                .enumerate()
                .map(|(n, transfer)| (r.call.0, n, transfer))
        })
        .collect();
    TRANSFERS.run(connection, &transfers, bind_transfer).await?;
    for record in all {
        if let Some(task) = tasks::call_back(record) {
            tasks::keep(connection, record.call, record.ended, task).await?;
        }
    }
    Ok(())
}

/// The signed integer with the same bits; see the schema.
fn bits(value: u64) -> i64 {
    value as i64
}

fn bind_call(statement: Statement, record: &CallRecord) -> Result<Statement, StoreError> {
    let route = serde_json::to_string(&record.route)
        .map_err(|_| StoreError::Damaged { column: "route" })?;
    let rules = serde_json::to_string(&record.rules)
        .map_err(|_| StoreError::Damaged { column: "rules" })?;
    let recording = record.recording.as_ref().map(serde_json::to_string);
    let recording = recording.transpose().map_err(|_| StoreError::Damaged {
        column: "recording",
    })?;
    let call_back = record.call_back.as_ref().map(serde_json::to_string);
    let call_back = call_back.transpose().map_err(|_| StoreError::Damaged {
        column: "call_back",
    })?;
    let (caller, seat) = (&record.rtp_caller, &record.rtp_seat);
    Ok(statement
        .bind(bits(record.call.0))
        .bind(record.trunk.clone())
        .bind(record.caller.reveal().to_owned())
        .bind(record.called.reveal().to_owned())
        .bind(record.sip_call_id.clone())
        .bind(record.arrived.0)
        .bind(record.answered.map(|wall| wall.0))
        .bind(record.ended.0)
        .bind(bits(record.waited_ms))
        .bind(bits(record.talked_ms))
        .bind(record.outcome.as_str())
        .bind(record.released_by.as_str())
        .bind(record.status)
        .bind(record.pool.clone())
        .bind(record.line)
        .bind(record.seat.clone())
        .bind(record.counsellor.clone())
        .bind(route)
        .bind(record.route_reason.clone())
        .bind(record.table.clone())
        .bind(rules)
        .bind(record.risk)
        .bind(record.nuisance)
        .bind(bits(caller.received))
        .bind(bits(caller.sent))
        .bind(bits(caller.wrong_source))
        .bind(bits(caller.malformed))
        .bind(bits(seat.received))
        .bind(bits(seat.sent))
        .bind(bits(seat.wrong_source))
        .bind(bits(seat.malformed))
        .bind(bits(caller.lost))
        .bind(caller.jitter_us)
        .bind(caller.reports)
        .bind(bits(caller.peer_lost))
        .bind(caller.peer_jitter_us)
        .bind(caller.round_trip_us)
        .bind(bits(seat.lost))
        .bind(seat.jitter_us)
        .bind(seat.reports)
        .bind(bits(seat.peer_lost))
        .bind(seat.peer_jitter_us)
        .bind(seat.round_trip_us)
        .bind(caller.secured)
        .bind(bits(caller.unauthentic))
        .bind(seat.secured)
        .bind(bits(seat.unauthentic))
        .bind(record.cause.clone())
        .bind(record.seat_cause.clone())
        .bind(recording)
        .bind(call_back))
}

fn bind_offer(
    statement: Statement,
    (call, position, offer): Item<'_, OfferRecord>,
) -> Result<Statement, StoreError> {
    Ok(statement
        .bind(bits(call))
        .bind(position as i64)
        .bind(offer.seat.clone())
        .bind(offer.counsellor.clone())
        .bind(offer.pool.clone())
        .bind(offer.at.0)
        .bind(bits(offer.rang_ms))
        .bind(offer.outcome.as_str())
        .bind(offer.status)
        .bind(offer.cause.clone()))
}

fn bind_transfer(
    statement: Statement,
    (call, position, transfer): Item<'_, TransferRecord>,
) -> Result<Statement, StoreError> {
    let tried = serde_json::to_string(&transfer.tried)
        .map_err(|_| StoreError::Damaged { column: "tried" })?;
    let events = serde_json::to_string(&transfer.events)
        .map_err(|_| StoreError::Damaged { column: "events" })?;
    Ok(statement
        .bind(bits(call))
        .bind(position as i64)
        .bind(transfer.key.clone())
        .bind(transfer.city.clone())
        .bind(transfer.dialled.clone())
        .bind(transfer.reason.clone())
        .bind(transfer.at.0)
        .bind(transfer.answered.map(|wall| wall.0))
        .bind(transfer.outcome.as_str())
        .bind(transfer.status)
        .bind(transfer.cause.clone())
        .bind(tried)
        .bind(events))
}

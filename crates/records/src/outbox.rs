//! What goes out to others of a caller who is handed over: kept until it was taken, over a restart; and
//! what that makes us owe, an entry in the audit and a task to tell the person.

use crate::tasks::{self, Task};
use crate::{Store, StoreError};
use meishier_model::{CallId, Wall};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::fmt;

/// Largest body, bytes.
pub const LARGEST_BODY: usize = 256 * 1024;
/// Most deliveries that are not over yet.
pub const MOST_PENDING: i64 = 10_000;

/// Something for several receivers, with what is written down of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Of which call.
    pub call: CallId,
    /// The same parcel has the same mark, and no other; ASCII.
    pub mark: String,
    /// A later parcel of the same call and document holds in place of this one; empty if none does.
    pub document: String,
    /// When it was made.
    pub made: Wall,
    /// Names of the receivers.
    pub receivers: Vec<String>,
    /// Names of those who got it already by another way: of them there is an entry in the audit alone.
    pub told: Vec<String>,
    /// Names of what stands in it, for the audit; no personal data.
    pub contents: String,
    /// The law that it goes out by.
    pub ground: String,
    /// What is to be done because of it.
    pub task: Option<Task>,
    /// The body. Personal data.
    pub body: Vec<u8>,
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel")
            .field("call", &self.call)
            .field("mark", &self.mark)
            .field("receivers", &self.receivers)
            .finish_non_exhaustive()
    }
}

/// One parcel on its way to one receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// The parcel's mark.
    pub mark: String,
    /// To whom.
    pub receiver: String,
    /// Of which call.
    pub call: CallId,
    /// When it was made; if it replaced another that was not taken, when that one was.
    pub made: Wall,
    /// When it is to be tried.
    pub due: Wall,
    /// How often it was tried.
    pub attempts: u32,
    /// The body. Personal data.
    pub body: Vec<u8>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("receiver", &self.receiver)
            .field("call", &self.call)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is tried until it is taken.
    Pending,
    /// It was taken.
    Sent,
    /// A later one of the same document is tried in its place.
    Superseded,
    /// It will not be tried any more.
    GivenUp,
}

impl Standing {
    /// The name used in the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Superseded => "superseded",
            Self::GivenUp => "given_up",
        }
    }
}

/// What is kept of a delivery when it is over; without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// To whom.
    pub receiver: String,
    /// How it stands.
    pub standing: Standing,
    /// How often it was tried.
    pub attempts: u32,
    /// The last HTTP status, 0 without any.
    pub status: u16,
    /// Why the last attempt failed; empty if it did not.
    pub fault: String,
    /// When it was over.
    pub done: Option<Wall>,
}

/// One use of personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// When.
    pub at: Wall,
    /// To whom it went.
    pub receiver: String,
    /// Names of what went.
    pub what: String,
    /// By which law.
    pub ground: String,
}

/// What is not over yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Deliveries.
    pub count: u64,
    /// When the oldest of them was made.
    pub oldest: Option<Wall>,
    /// How many were made at the moment asked for, or before.
    pub late: u64,
}

/// What there is for receivers that the configuration does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unclaimed {
    /// Names of the receivers.
    pub receivers: Vec<String>,
    /// Deliveries that wait for them.
    pub waiting: u64,
    /// Deliveries that were given up, for they have waited for too long.
    pub given_up: u64,
}

impl Store {
    /// Keeps a parcel: a delivery and an entry in the audit for each receiver, and its task, all or
    /// nothing. What is pending of the same document for a receiver is superseded. A mark that is there already for a receiver is the same parcel and not kept again. Gives
    /// how many receivers were left out because too much is pending.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn post(&self, parcel: &Parcel) -> Result<usize, StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let pending = sqlx::query("SELECT count(*) FROM deliveries WHERE state = 'pending'")
            .fetch_one(&mut *transaction)
            .await?
            .try_get::<i64, _>(0)?;
        let room = usize::try_from(MOST_PENDING.saturating_sub(pending)).unwrap_or(0);
        for receiver in parcel.receivers.iter().take(room) {
            keep(&mut transaction, parcel, receiver).await?;
        }
        for receiver in &parcel.told {
            note_use(&mut transaction, parcel, receiver).await?;
        }
        let gone = !(parcel.receivers.is_empty() && parcel.told.is_empty());
        if let Some(task) = parcel.task.filter(|_| gone) {
            tasks::keep(&mut transaction, parcel.call, parcel.made, task).await?;
        }
        transaction.commit().await?;
        Ok(parcel.receivers.len().saturating_sub(room))
    }

    /// The delivery to this receiver that is to be tried next, due or not: what was never tried goes
    /// before what failed, and the newest of it first.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn next_delivery(&self, receiver: &str) -> Result<Option<Delivery>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM deliveries WHERE state = 'pending' AND receiver = ? \
             ORDER BY attempts > 0, CASE attempts WHEN 0 THEN -id ELSE due END, id LIMIT 1",
        )
        .bind(receiver)
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(delivery).transpose()
    }

    /// An attempt failed: the delivery is tried again at `due`.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn put_off(
        &self,
        id: i64,
        due: Wall,
        (status, fault): (u16, &str),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE deliveries SET due = ?, attempts = attempts + 1, status = ?, fault = ? \
             WHERE id = ? AND state = 'pending'",
        )
        .bind(due.0)
        .bind(status)
        .bind(fault.to_owned())
        .bind(id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// A delivery is over: its receipt stays, its body does not. One that was taken is sent though it was
    /// superseded meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn conclude(
        &self,
        id: i64,
        (standing, at): (Standing, Wall),
        (status, fault): (u16, &str),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE deliveries SET state = ?, done = ?, body = NULL, attempts = attempts + 1, \
             status = ?, fault = ? WHERE id = ? \
             AND (state = 'pending' OR (state = 'superseded' AND ?))",
        )
        .bind(standing.as_str())
        .bind(at.0)
        .bind(status)
        .bind(fault.to_owned())
        .bind(id)
        .bind(standing == Standing::Sent)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// What is pending for receivers that are none of these: it stays, for one may be named again, unless it
    /// was made at `made_until` or before; that is given up.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read or written.
    pub async fn unclaimed(
        &self,
        known: &[String],
        (at, made_until): (Wall, Wall),
    ) -> Result<Unclaimed, StoreError> {
        let mut out = Unclaimed::default();
        let rows = sqlx::query(
            "SELECT receiver, count(*) FROM deliveries WHERE state = 'pending' GROUP BY receiver",
        )
        .fetch_all(&self.read)
        .await?;
        for row in rows {
            let receiver: String = row.try_get(0)?;
            if known.contains(&receiver) {
                continue;
            }
            let done = sqlx::query(
                "UPDATE deliveries SET state = 'given_up', done = ?, body = NULL, \
                 fault = 'receiver_gone' WHERE state = 'pending' AND receiver = ? AND made <= ?",
            )
            .bind(at.0)
            .bind(receiver.clone())
            .bind(made_until.0)
            .execute(&self.write)
            .await?;
            let pending = row.try_get::<i64, _>(1)?.unsigned_abs();
            out.given_up += done.rows_affected();
            out.waiting += pending.saturating_sub(done.rows_affected());
            out.receivers.push(receiver);
        }
        Ok(out)
    }

    /// How much is not over yet; `late_from`: what was made then or before counts as late.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn pending(&self, late_from: Wall) -> Result<Pending, StoreError> {
        let row = sqlx::query(
            "SELECT count(*), min(made), coalesce(sum(made <= ?), 0) FROM deliveries \
             WHERE state = 'pending'",
        )
        .bind(late_from.0)
        .fetch_one(&self.read)
        .await?;
        Ok(Pending {
            count: row.try_get::<i64, _>(0)?.unsigned_abs(),
            oldest: row.try_get::<Option<i64>, _>(1)?.map(Wall),
            late: row.try_get::<i64, _>(2)?.unsigned_abs(),
        })
    }

    /// The receipts of a call's deliveries, in the order in which they were made.
    ///
    /// # Errors
    /// As [`Self::marks`].
    pub async fn receipts(&self, call: CallId) -> Result<Vec<Receipt>, StoreError> {
        let rows = sqlx::query(
            "SELECT receiver, state, attempts, status, fault, done FROM deliveries \
             WHERE call = ? ORDER BY id",
        )
        .bind(call.0 as i64)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(receipt).collect()
    }

    /// The uses of personal data of a call, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn uses(&self, call: CallId) -> Result<Vec<Use>, StoreError> {
        let rows = sqlx::query(
            "SELECT at, receiver, what, ground FROM data_uses WHERE call = ? ORDER BY id",
        )
        .bind(call.0 as i64)
        .fetch_all(&self.read)
        .await?;
        let one = |row: &SqliteRow| {
            Ok(Use {
                at: Wall(row.try_get("at")?),
                receiver: row.try_get("receiver")?,
                what: row.try_get("what")?,
                ground: row.try_get("ground")?,
            })
        };
        rows.iter().map(one).collect()
    }
}

async fn keep(
    connection: &mut SqliteConnection,
    parcel: &Parcel,
    receiver: &str,
) -> Result<(), StoreError> {
    let added = sqlx::query(
        "INSERT INTO deliveries (mark, receiver, call, document, body, made, due) \
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(parcel.mark.clone())
    .bind(receiver.to_owned())
    .bind(parcel.call.0 as i64)
    .bind(parcel.document.clone())
    .bind(parcel.body.clone())
    .bind(parcel.made.0)
    .bind(parcel.made.0)
    .execute(&mut *connection)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    if !parcel.document.is_empty() {
        supersede(connection, parcel, (receiver, added.last_insert_rowid())).await?;
    }
    note_use(connection, parcel, receiver).await
}

/// What this receiver has not taken yet of the same document is not tried any more. Since when it lacks the
/// document is kept, so that one who takes nothing is noticed and given up however often something is added.
async fn supersede(
    connection: &mut SqliteConnection,
    parcel: &Parcel,
    (receiver, by): (&str, i64),
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET made = (SELECT min(made) FROM deliveries WHERE receiver = ?1 \
         AND call = ?2 AND document = ?3 AND (state = 'pending' OR id = ?4)) WHERE id = ?4",
    )
    .bind(receiver.to_owned())
    .bind(parcel.call.0 as i64)
    .bind(parcel.document.clone())
    .bind(by)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE deliveries SET state = 'superseded', done = ?, body = NULL WHERE state = 'pending' \
         AND receiver = ? AND call = ? AND document = ? AND id < ?",
    )
    .bind(parcel.made.0)
    .bind(receiver.to_owned())
    .bind(parcel.call.0 as i64)
    .bind(parcel.document.clone())
    .bind(by)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn note_use(
    connection: &mut SqliteConnection,
    parcel: &Parcel,
    receiver: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO data_uses (call, at, receiver, what, ground) VALUES (?, ?, ?, ?, ?)")
        .bind(parcel.call.0 as i64)
        .bind(parcel.made.0)
        .bind(receiver.to_owned())
        .bind(parcel.contents.clone())
        .bind(parcel.ground.clone())
        .execute(&mut *connection)
        .await?;
    Ok(())
}

fn delivery(row: &SqliteRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.try_get("id")?,
        mark: row.try_get("mark")?,
        receiver: row.try_get("receiver")?,
        call: crate::row::id(row)?,
        made: Wall(row.try_get("made")?),
        due: Wall(row.try_get("due")?),
        attempts: row.try_get("attempts")?,
        body: row
            .try_get::<Option<Vec<u8>>, _>("body")?
            .ok_or(StoreError::Damaged {
                column: "deliveries.body",
            })?,
    })
}

fn receipt(row: &SqliteRow) -> Result<Receipt, StoreError> {
    let all = [
        Standing::Pending,
        Standing::Sent,
        Standing::Superseded,
        Standing::GivenUp,
    ];
    let state: &str = row.try_get("state")?;
    Ok(Receipt {
        receiver: row.try_get("receiver")?,
        standing: crate::row::named(&all, Standing::as_str, state, "deliveries.state")?,
        attempts: row.try_get("attempts")?,
        status: row.try_get("status")?,
        fault: row.try_get("fault")?,
        done: row.try_get::<Option<i64>, _>("done")?.map(Wall),
    })
}

//! What people said of numbers: kept until it ends, read at start, reviewed by supervisors.
//!
//! One mark of a kind a number: a later one takes the place of the one before, under an id of its own,
//! so that whoever takes back what they saw never takes back what was said since. A risk lifts the
//! nuisance of the same number, as in the engine's own memory.

use crate::{Store, StoreError, row};
use meishier_model::{DialString, MarkKind, NumberMark, Wall};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Most marks that are read at once: as many numbers as the engine remembers.
const MOST: i64 = 65_536;

/// A mark in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMark {
    /// Its id, never used again for another.
    pub id: i64,
    /// What was said.
    pub mark: NumberMark,
}

impl Store {
    /// Keeps a mark in place of the one of the same number and kind; gives it as it is kept. A risk
    /// that is said again never ends sooner than was said before.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn put_mark(&self, mark: &NumberMark) -> Result<KeptMark, StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let (id, until) = put(&mut transaction, mark).await?;
        transaction.commit().await?;
        let mark = mark.clone();
        Ok(KeptMark {
            id,
            mark: NumberMark { until, ..mark },
        })
    }

    /// The mark of that id, whether or not it has ended.
    ///
    /// # Errors
    /// As [`Self::marks`].
    pub async fn mark(&self, id: i64) -> Result<Option<NumberMark>, StoreError> {
        let row = sqlx::query("SELECT * FROM number_marks WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        Ok(row.as_ref().map(kept).transpose()?.map(|it| it.mark))
    }

    /// Marks that hold at this moment, in the order in which they were said; 65,536 at most, those
    /// that end last.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read, [`StoreError::Damaged`] if a row holds
    /// no mark.
    pub async fn marks(&self, now: Wall) -> Result<Vec<KeptMark>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM (SELECT * FROM number_marks WHERE until > ? \
             ORDER BY until DESC, id DESC LIMIT ?) ORDER BY at, id",
        )
        .bind(now.0)
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(kept).collect()
    }

    /// Deletes a mark; gives what it was, or `None` if there is none of that id.
    ///
    /// # Errors
    /// As [`Self::marks`].
    pub async fn take_mark_back(&self, id: i64) -> Result<Option<NumberMark>, StoreError> {
        let row = sqlx::query("DELETE FROM number_marks WHERE id = ? RETURNING *")
            .bind(id)
            .fetch_optional(&self.write)
            .await?;
        Ok(row.as_ref().map(kept).transpose()?.map(|it| it.mark))
    }

    /// Deletes the marks that have ended; gives how many.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn forget_marks(&self, now: Wall) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM number_marks WHERE until <= ?")
            .bind(now.0)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected())
    }
}

/// Writes all marks or none.
pub(crate) async fn batch(store: &Store, marks: &[NumberMark]) -> Result<(), StoreError> {
    let mut transaction = store.write.begin_with("BEGIN IMMEDIATE").await?;
    for mark in marks {
        put(&mut transaction, mark).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Gives the id, and when the mark ends.
async fn put(
    connection: &mut SqliteConnection,
    mark: &NumberMark,
) -> Result<(i64, Wall), StoreError> {
    let number = mark.number.reveal();
    let (mut until, mut lifted) = (mark.until, "");
    if mark.kind == MarkKind::Risk {
        let before = sqlx::query("SELECT until FROM number_marks WHERE number = ? AND kind = ?")
            .bind(number)
            .bind(mark.kind.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(before) = before {
            until = until.max(Wall(before.try_get("until")?));
        }
        lifted = MarkKind::Nuisance.as_str();
    }
    sqlx::query("DELETE FROM number_marks WHERE number = ? AND kind IN (?, ?)")
        .bind(number)
        .bind(mark.kind.as_str())
        .bind(lifted)
        .execute(&mut *connection)
        .await?;
    let added = sqlx::query(
        "INSERT INTO number_marks (number, kind, at, until, reason, by, call) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(number)
    .bind(mark.kind.as_str())
    .bind(mark.at.0)
    .bind(until.0)
    .bind(mark.reason.as_str())
    .bind(mark.by.as_deref())
    .bind(mark.call.0 as i64)
    .execute(&mut *connection)
    .await?;
    Ok((added.last_insert_rowid(), until))
}

fn kept(row: &SqliteRow) -> Result<KeptMark, StoreError> {
    let kind: &str = row.try_get("kind")?;
    Ok(KeptMark {
        id: row.try_get("id")?,
        mark: NumberMark {
            number: DialString::new(row.try_get("number")?),
            kind: row::named(
                &[MarkKind::Risk, MarkKind::Nuisance],
                MarkKind::as_str,
                kind,
                "number_marks.kind",
            )?,
            at: Wall(row.try_get("at")?),
            until: Wall(row.try_get("until")?),
            reason: row.try_get("reason")?,
            by: row.try_get("by")?,
            call: row::id(row)?,
        },
    })
}

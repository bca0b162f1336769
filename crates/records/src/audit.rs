//! Who did what in a call that people must be able to look up afterwards: listening in, keys, leaving.
//!
//! Entries are only ever added; the data base itself refuses to change or delete one.

use crate::{Store, StoreError, row};
use meishier_model::{CallId, Wall};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Something that was done, or was asked for and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Wall,
    /// What, as a word of the API such as `supervise`.
    pub what: String,
    /// In which call; 0 if in none.
    pub call: CallId,
    /// Account of whoever did it, as far as it is known.
    pub by: Option<String>,
    /// More of it, a JSON object. No personal data of callers.
    pub detail: String,
}

/// An entry in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Its id; later ones are greater, and none is left out.
    pub id: i64,
    /// The entry.
    pub entry: AuditEntry,
}

impl Store {
    /// Adds an entry; it is on the disk when this returns. Gives its id.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn audit(&self, entry: &AuditEntry) -> Result<i64, StoreError> {
        let mut connection = self.write.acquire().await?;
        put(&mut connection, entry).await
    }

    /// Entries of one call or, without one, of all, the latest first.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn audited(
        &self,
        call: Option<CallId>,
        limit: u32,
        offset: u64,
    ) -> Result<Vec<KeptEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM audit WHERE ?1 IS NULL OR call = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3",
        )
        .bind(call.map(|call| call.0 as i64))
        .bind(limit)
        .bind(i64::try_from(offset).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(kept).collect()
    }
}

/// Writes all entries or none.
pub(crate) async fn batch(store: &Store, entries: &[AuditEntry]) -> Result<(), StoreError> {
    let mut transaction = store.write.begin_with("BEGIN IMMEDIATE").await?;
    for entry in entries {
        put(&mut transaction, entry).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Gives the id.
async fn put(connection: &mut SqliteConnection, entry: &AuditEntry) -> Result<i64, StoreError> {
    let added =
        sqlx::query("INSERT INTO audit (at, what, call, by, detail) VALUES (?, ?, ?, ?, ?)")
            .bind(entry.at.0)
            .bind(entry.what.clone())
            .bind(entry.call.0 as i64)
            .bind(entry.by.clone())
            .bind(entry.detail.clone())
            .execute(&mut *connection)
            .await?;
    Ok(added.last_insert_rowid())
}

fn kept(row: &SqliteRow) -> Result<KeptEntry, StoreError> {
    Ok(KeptEntry {
        id: row.try_get("id")?,
        entry: AuditEntry {
            at: Wall(row.try_get("at")?),
            what: row.try_get("what")?,
            call: row::id(row)?,
            by: row.try_get("by")?,
            detail: row.try_get("detail")?,
        },
    })
}

//! Reading records back, for the API and the tests.

use crate::{Store, StoreError, row};
use meishier_model::{CallId, CallRecord};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;

/// Records in one page at most.
const LARGEST_PAGE: u32 = 1000;

impl Store {
    /// How many calls have a record.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM calls")
            .fetch_one(&self.read)
            .await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// A page of records, the latest arrival first; `limit` is cut to 1,000.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read, [`StoreError::Damaged`] if a row
    /// holds no record.
    pub async fn recent(&self, limit: u32, offset: u64) -> Result<Vec<CallRecord>, StoreError> {
        let limit = i64::from(limit.min(LARGEST_PAGE));
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        // One transaction: the offers read are those of the calls read.
        let mut transaction = self.read.begin().await?;
        let rows =
            sqlx::query("SELECT * FROM calls ORDER BY arrived DESC, call DESC LIMIT ? OFFSET ?")
                .bind(limit)
                .bind(offset)
                .fetch_all(&mut *transaction)
                .await?;
        let mut records = rows.iter().map(row::call).collect::<Result<Vec<_>, _>>()?;
        let mut index: BTreeMap<CallId, &mut CallRecord> = records
            .iter_mut()
            .map(|record| (record.call, record))
            .collect();
        let offers = sqlx::query(
            "SELECT * FROM offers WHERE call IN (SELECT call FROM calls \
             ORDER BY arrived DESC, call DESC LIMIT ? OFFSET ?) ORDER BY call, position",
        )
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut *transaction)
        .await?;
        for found in &offers {
            if let Some(record) = index.get_mut(&row::id(found)?) {
                record.offers.push(row::offer(found)?);
            }
        }
        let transfers = sqlx::query(
            "SELECT * FROM transfers WHERE call IN (SELECT call FROM calls \
             ORDER BY arrived DESC, call DESC LIMIT ? OFFSET ?) ORDER BY call, position",
        )
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut *transaction)
        .await?;
        for found in &transfers {
            if let Some(record) = index.get_mut(&row::id(found)?) {
                record.transfers.push(row::transfer(found)?);
            }
        }
        transaction.commit().await?;
        Ok(records)
    }

    /// The record of one call; `None` if it has none.
    ///
    /// # Errors
    /// As [`Self::recent`].
    pub async fn get(&self, call: CallId) -> Result<Option<CallRecord>, StoreError> {
        let mut transaction = self.read.begin().await?;
        let record = one(&mut transaction, call.0 as i64).await?;
        transaction.commit().await?;
        Ok(record)
    }
}

async fn one(
    connection: &mut SqliteConnection,
    call: i64,
) -> Result<Option<CallRecord>, StoreError> {
    let found = sqlx::query("SELECT * FROM calls WHERE call = ?")
        .bind(call)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let mut record = row::call(&found)?;
    let offers = sqlx::query("SELECT * FROM offers WHERE call = ? ORDER BY position")
        .bind(call)
        .fetch_all(&mut *connection)
        .await?;
    record.offers = offers.iter().map(row::offer).collect::<Result<_, _>>()?;
    let transfers = sqlx::query("SELECT * FROM transfers WHERE call = ? ORDER BY position")
        .bind(call)
        .fetch_all(&mut *connection)
        .await?;
    record.transfers = transfers
        .iter()
        .map(row::transfer)
        .collect::<Result<_, _>>()?;
    Ok(Some(record))
}

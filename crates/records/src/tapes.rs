//! What the records say of recordings, and what is said of them after the call's record was written.

use crate::{Store, StoreError, row};
use meishier_model::{CallId, RecordingRecord, TapeId, Wall};
use sqlx::Row;

/// Calls in one page.
const PAGE: i64 = 1000;
/// So long before the newest record the last process that wrote any had work to do: a call lasts a day at
/// most, and a process that was killed may have been killed again as it started.
const LATELY_MS: i64 = 7 * 86_400_000;

const DAMAGED: StoreError = StoreError::Damaged {
    column: "recording",
};

impl Store {
    /// What the records say of recordings, call by call; `each` is given a page at a time.
    ///
    /// # Errors
    /// As [`Self::recent`].
    pub async fn recordings(
        &self,
        mut each: impl FnMut(CallId, RecordingRecord),
    ) -> Result<(), StoreError> {
        let mut after = i64::MIN;
        loop {
            let rows = sqlx::query(
                "SELECT call, recording FROM calls WHERE call > ? AND recording IS NOT NULL \
                 ORDER BY call LIMIT ?",
            )
            .bind(after)
            .bind(PAGE)
            .fetch_all(&self.read)
            .await?;
            for found in &rows {
                let call = row::id(found)?;
                let said = serde_json::from_str(found.try_get("recording")?);
                each(call, said.map_err(|_| DAMAGED)?);
                after = call.0 as i64;
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }

    /// Calls in which somebody refused to be recorded, and when each came: those of the last week in which
    /// there were any calls, however long ago that is.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be read.
    pub async fn refused_lately(&self) -> Result<Vec<(CallId, Wall)>, StoreError> {
        let rows = sqlx::query(
            "SELECT call, arrived, recording FROM calls WHERE recording IS NOT NULL \
             AND arrived >= (SELECT max(arrived) FROM calls) - ? \
             AND recording NOT LIKE '%\"refused\":null%'",
        )
        .bind(LATELY_MS)
        .fetch_all(&self.read)
        .await?;
        let mut out = Vec::new();
        for found in &rows {
            let said: Result<RecordingRecord, _> =
                serde_json::from_str(found.try_get("recording")?);
            // One that cannot be read keeps no hotline from starting; whoever verifies is told of it.
            if said.is_ok_and(|said| said.refused.is_some()) {
                out.push((row::id(found)?, Wall(found.try_get("arrived")?)));
            }
        }
        Ok(out)
    }

    /// Notes in the call's record what one of its recordings lacks; false if the call has no record yet.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written, [`StoreError::Damaged`] if the record is not
    /// as it was written.
    pub async fn tape_lacks(
        &self,
        tape: TapeId,
        (lost, given_up): (u64, bool),
    ) -> Result<bool, StoreError> {
        let call = tape.call.0 as i64;
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let found = sqlx::query("SELECT recording FROM calls WHERE call = ?")
            .bind(call)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(found) = found else {
            return Ok(false);
        };
        // Nothing is said of the recordings of a call in which somebody refused.
        let Some(said) = found.try_get::<Option<&str>, _>("recording")? else {
            return Ok(true);
        };
        let mut said: RecordingRecord = serde_json::from_str(said).map_err(|_| DAMAGED)?;
        let mut tapes = said.tapes.iter_mut();
        if let Some(record) = tapes.find(|it| it.segment == tape.segment) {
            (record.lost, record.given_up) = (lost, given_up);
        }
        sqlx::query("UPDATE calls SET recording = ? WHERE call = ?")
            .bind(serde_json::to_string(&said).map_err(|_| DAMAGED)?)
            .bind(call)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

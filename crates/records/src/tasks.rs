//! What people are to do after a call: one task of a kind a call.

use crate::{Store, StoreError, row};
use meishier_model::{CallId, CallRecord, Wall};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;
/// Most tasks that are read at once.
const MOST: i64 = 1000;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// What kind.
    pub kind: TaskKind,
    /// Until when.
    pub due: Wall,
}

/// Kinds of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// Tell the person that personal data went out in an emergency (Personal Information Protection
    /// Law of the PRC, article 18).
    Tell,
    /// Call back a caller who hung up while help was on the way, agreed to be called back, and was not
    /// reached within the call.
    CallBack,
}

impl TaskKind {
    /// All of them.
    const ALL: [TaskKind; 2] = [Self::Tell, Self::CallBack];

    /// The name used in the API and the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tell => "tell_person",
            Self::CallBack => "call_back",
        }
    }
}

/// A task in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTask {
    /// Its id.
    pub id: i64,
    /// What is to be done.
    pub task: Task,
    /// Of which call.
    pub call: CallId,
    /// When it was made.
    pub made: Wall,
    /// When it was done; `None` if it was not yet.
    pub done: Option<Wall>,
    /// Who did it.
    pub by: Option<String>,
}

impl Store {
    /// The tasks that are not done, those due first; with `all` those that are done too. 1,000 at most.
    ///
    /// # Errors
    /// As [`Self::marks`].
    pub async fn tasks(&self, all: bool) -> Result<Vec<KeptTask>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM tasks WHERE ? OR done IS NULL ORDER BY done IS NOT NULL, due, id LIMIT ?",
        )
        .bind(all)
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(kept).collect()
    }

    /// The task of that id, done or not; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::marks`].
    pub async fn task(&self, id: i64) -> Result<Option<KeptTask>, StoreError> {
        let found = sqlx::query("SELECT * FROM tasks WHERE id = ?").bind(id);
        let found = found.fetch_optional(&self.read).await?;
        found.as_ref().map(kept).transpose()
    }

    /// A task is done, by whom if that is known; false if there is none of that id, or it was done before.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written.
    pub async fn task_done(&self, id: i64, at: Wall, by: Option<&str>) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE tasks SET done = ?, by = ? WHERE id = ? AND done IS NULL")
            .bind(at.0)
            .bind(by.map(str::to_owned))
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// What a call's record leaves to be done: calling back, until the same time of the next day, so that
/// safe hours come once before.
pub(crate) fn call_back(record: &CallRecord) -> Option<Task> {
    let owed = record.call_back.as_ref().is_some_and(|it| it.is_owed());
    owed.then(|| Task {
        kind: TaskKind::CallBack,
        due: Wall(record.ended.0.saturating_add(DAY)),
    })
}

/// Makes a task unless the call has one of that kind.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    call: CallId,
    made: Wall,
    task: Task,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tasks (kind, call, made, due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(task.kind.as_str())
    .bind(call.0 as i64)
    .bind(made.0)
    .bind(task.due.0)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

fn kept(found: &SqliteRow) -> Result<KeptTask, StoreError> {
    let kind: &str = found.try_get("kind")?;
    Ok(KeptTask {
        id: found.try_get("id")?,
        task: Task {
            kind: row::named(&TaskKind::ALL, TaskKind::as_str, kind, "tasks.kind")?,
            due: Wall(found.try_get("due")?),
        },
        call: row::id(found)?,
        made: Wall(found.try_get("made")?),
        done: found.try_get::<Option<i64>, _>("done")?.map(Wall),
        by: found.try_get("by")?,
    })
}

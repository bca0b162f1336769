//! Opening the file: permissions, pragmas, migrations.

use crate::StoreError;
use crate::schema::{APPLICATION_ID, MIGRATIONS};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqlitePool};
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// The records file. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    /// One connection that writes, so that no two writers of this process wait for each other.
    pub(crate) write: SqlitePool,
    /// Read-only connections; in WAL mode they never wait for the writer.
    pub(crate) read: SqlitePool,
}

/// Limits of a store.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// How long a statement waits for a lock that another process holds. Default 2 s.
    pub busy_timeout: Duration,
    /// Connections that read, 1 to 16. Default 2.
    pub readers: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(2),
            readers: 2,
        }
    }
}

impl Store {
    /// Opens the file, creates it (mode 0600) if there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be created or opened, [`StoreError::Foreign`] and
    /// [`StoreError::TooNew`] if it is not for this program, else [`StoreError::Database`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, StoreOptions::default()).await
    }

    /// [`Self::open`] with limits of one's own.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(
        path: impl AsRef<Path>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        keep_private(path).map_err(|source| StoreError::File {
            path: path.to_owned(),
            source,
        })?;
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(options.busy_timeout)
            // Costs time at every statement, and the writer logs refusals by itself.
            .disable_statement_logging();
        let writing = connect
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            // A record that was counted as written survives a power failure.
            .synchronous(SqliteSynchronous::Full)
            // What is deleted, a delivered dossier above all, is overwritten and not left in free pages.
            .pragma("secure_delete", "ON");
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(options.busy_timeout.max(Duration::from_secs(1)))
            .test_before_acquire(false)
            .connect_with(writing)
            .await?;
        migrate(&write, path).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(options.readers.clamp(1, 16))
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(connect.read_only(true));
        Ok(Self { write, read })
    }

    /// Closes all connections; every later call fails. [`crate::Writer::close`] comes first.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Creates the file readable by nobody but its owner, and takes others' rights from an existing
/// one. SQLite gives its `-wal` and `-shm` files the same mode.
fn keep_private(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let found = pragma(&mut transaction, "PRAGMA user_version").await?;
    let owner = pragma(&mut transaction, "PRAGMA application_id").await?;
    let tables = pragma(&mut transaction, "SELECT count(*) FROM sqlite_schema").await?;
    if owner != APPLICATION_ID && (owner != 0 || found != 0 || tables != 0) {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    let known = MIGRATIONS.len() as i64;
    if !(0..=known).contains(&found) {
        return Err(StoreError::TooNew { found, known });
    }
    for script in &MIGRATIONS[found as usize..] {
        sqlx::raw_sql(*script).execute(&mut *transaction).await?;
    }
    // Pragmas take no parameters; both values are our own numbers.
    let stamp = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {known}");
    sqlx::raw_sql(AssertSqlSafe(stamp))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

async fn pragma(
    connection: &mut sqlx::SqliteConnection,
    sql: &'static str,
) -> Result<i64, StoreError> {
    Ok(sqlx::query(sql).fetch_one(connection).await?.try_get(0)?)
}

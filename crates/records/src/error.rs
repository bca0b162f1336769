//! What can go wrong with the store, by whose doing.

use std::path::PathBuf;
use std::{fmt, io};

/// Why the store could not be opened, read or written.
#[derive(Debug)]
pub enum StoreError {
    /// The operator's: the file or its directory cannot be created or opened.
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The operator's: the file is a data base of another program.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The operator's: a newer meishier wrote the file; this one knows versions up to `known`.
    TooNew {
        /// The version in the file.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// SQLite refused: locked, full, read-only, damaged, closed.
    Database(sqlx::Error),
    /// A row holds what this program never writes.
    Damaged {
        /// Which column.
        column: &'static str,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => {
                write!(
                    f,
                    "records file {} cannot be opened: {source}",
                    path.display()
                )
            }
            Self::Foreign { path } => {
                write!(f, "{} is a data base of another program", path.display())
            }
            Self::TooNew { found, known } => {
                write!(
                    f,
                    "records have version {found}, this program knows up to {known}"
                )
            }
            Self::Database(error) => write!(f, "records data base: {error}"),
            Self::Damaged { column } => write!(f, "records: column {column} holds no valid value"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Database(error) => Some(error),
            Self::Foreign { .. } | Self::TooNew { .. } | Self::Damaged { .. } => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

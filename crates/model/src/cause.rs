//! How a call ended and who ended it.

use serde::{Deserialize, Serialize};

/// What became of a call; exactly one a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Caller and counsellor spoke.
    Answered,
    /// The caller hung up (or sent CANCEL) before a counsellor answered.
    Abandoned,
    /// The engine could not serve the call (no media in common, the caller's side failed, shutdown).
    Failed,
}

impl Outcome {
    /// The name used in metrics and the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
        }
    }
}

/// Who released the call first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleasedBy {
    /// The caller's side.
    Caller,
    /// The counsellor's side.
    Seat,
    /// The engine (shutdown, timeout of a dialog, no answer to a request).
    Engine,
}

impl ReleasedBy {
    /// The name used in metrics and the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Seat => "seat",
            Self::Engine => "engine",
        }
    }
}

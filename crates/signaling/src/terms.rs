//! What a side of a call is to be spoken to with, as its operator and ours have agreed.

use serde::{Deserialize, Serialize};

/// Whether provisional responses are sent reliably (100rel, RFC 3262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reliability {
    /// Never: 100rel is not named in our INVITE. A call that requires it is to be refused with 420.
    Off,
    /// Where the other side can (Supported, §3).
    #[default]
    Supported,
    /// Our INVITE requires it. A call that does not name it is to be refused with 421.
    Required,
}

/// How the dialog of a leg is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Provisional responses.
    pub reliable: Reliability,
}

//! On which terms each side of a call is spoken to: what a trunk's operator has agreed, and what the
//! seats' telephones are known to do.

use crate::shard::Shard;
use meishier_config::{Reliable, Trunk};
use meishier_model::{LegId, Now, TrunkId};
use meishier_signaling::{Reliability, Terms};

/// The terms of a trunk.
pub(crate) fn of_trunk(trunk: &Trunk) -> Terms {
    let reliable = match trunk.reliable {
        Reliable::Off => Reliability::Off,
        Reliable::Supported => Reliability::Supported,
        Reliable::Required => Reliability::Required,
    };
    Terms {
        reliable,
        session: trunk.session_expires,
    }
}

/// The terms for one caller of a trunk. Ringing that is not acknowledged holds the answer up (RFC 3262
/// §3); nobody at risk is to wait for that, so that theirs is acknowledged only if the trunk or the
/// caller's side insists ([`Shard::stay_with`] is for those, and for who is found at risk later). Nor do we ask for a session timer, which ends a call when nobody answers.
pub(crate) fn for_caller(terms: Terms, risk: bool) -> Terms {
    if !risk {
        return terms;
    }
    let reliable = match terms.reliable {
        Reliability::Supported => Reliability::Off,
        other => other,
    };
    Terms {
        reliable,
        session: None,
    }
}

impl Shard {
    /// The call of somebody at risk is not refused for want of a PRACK, whenever that was found out: a
    /// reliable response is sent on until somebody acknowledges it or the caller is gone.
    pub(crate) fn stay_with(&mut self, now: Now, leg: LegId) {
        // An error means that the leg has just ended; its event follows.
        let _ = self.endpoint.be_patient(now.mono, leg);
    }

    /// The terms of a trunk by its index.
    pub(crate) fn terms(&self, trunk: TrunkId) -> Terms {
        let trunk = self.config.trunk(trunk);
        trunk.map_or_else(Terms::default, of_trunk)
    }

    /// The terms of the seats' telephones.
    pub(crate) fn phone_terms(&self) -> Terms {
        Terms {
            session: self.config.offer.session_expires,
            ..Terms::default()
        }
    }
}

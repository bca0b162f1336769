//! Where a call's emergency is: what the counsellor says and what the call itself tells.

use crate::call::Call;
use crate::dossier::Words;
use crate::shard::Shard;
use meishier_model::DialString;
use meishier_routing::{Confidence, Evidence, Number};
use meishier_transfer::dossier::LONGEST_FACT;
use meishier_transfer::{Choice, Heard, TargetError};

impl Shard {
    /// What the counsellor says of the place with a press: with nothing given what was settled last in
    /// this call, else what was written down, if it tells of a place.
    pub(crate) fn given_place(&self, call: &Call, given: &str) -> String {
        let written = call.facts.place.as_deref();
        let before = [Some(call.place.0.as_str()), written].into_iter().flatten();
        let mut before = before.filter(|it| self.config.transfer.districts.tells(it));
        match given.trim() {
            "" => before.next().unwrap_or_default().to_owned(),
            _ => given.to_owned(),
        }
    }

    /// A key went by this place, which is settled: the next goes by it too.
    pub(crate) fn keep_place(&self, call: &mut Call, given: &str) {
        if self.config.transfer.districts.tells(given) {
            call.place = Words(given.chars().take(LONGEST_FACT).collect());
        }
    }

    /// Whom a key reaches in this call; `given` is what the counsellor says of the place, empty if
    /// nothing. Nothing that the configuration does not list is reached.
    ///
    /// # Errors
    /// See [`meishier_transfer::Plan::choose`].
    pub(crate) fn choose_target(
        &self,
        call: &Call,
        key: &str,
        given: &str,
    ) -> Result<Choice, TargetError> {
        self.config.transfer.choose(key, &self.heard(call, given))
    }

    /// All that is heard of the place of a call's emergency.
    fn heard<'a>(&'a self, call: &Call, given: &'a str) -> Heard<'a> {
        let trunk = self.config.trunk(call.trunk);
        let own = trunk.and_then(|trunk| trunk.area_code.as_deref());
        let places = self.config.routing.gazetteer().places(&Evidence {
            trunk: call.trunk,
            caller: &Number::in_area(call.caller.reveal(), own),
            called: &Number::in_area(call.called.reveal(), own),
            cell: call.cell.as_ref().map(DialString::reveal),
        });
        let mut heard = Heard::of(given, &places, own);
        if call.switchboard {
            // Whoever sits behind the number may sit anywhere.
            for found in &mut heard.region {
                found.confidence = Confidence::Low;
            }
        }
        heard
    }
}

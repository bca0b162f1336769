//! Where a call's emergency is: what the counsellor says and what the call itself tells.

use crate::call::{Call, ThirdSide};
use crate::dossier::Words;
use crate::shard::Shard;
use meishier_model::DialString;
use meishier_routing::{Confidence, Evidence, Number};
use meishier_transfer::dossier::LONGEST_FACT;
use meishier_transfer::{Choice, Heard, Target, TargetError};

/// What the counsellor says of the place.
pub(crate) struct Given {
    /// The words.
    pub words: String,
    /// What settles the place of which they are; empty if they stand for themselves.
    pub answer: String,
}

impl Given {
    /// What settles the place, if anything does.
    pub(crate) fn settling(&self) -> &str {
        match self.answer.as_str() {
            "" => &self.words,
            answer => answer,
        }
    }
}

impl Shard {
    /// What the counsellor says of the place with a press: with nothing given what was settled last in
    /// this call, else what was written down, if it tells of a place.
    pub(crate) fn given_place(&self, call: &Call, given: &str) -> Given {
        let words = |text: &str| Given {
            words: text.to_owned(),
            answer: String::new(),
        };
        if !given.trim().is_empty() {
            return words(given);
        }
        if !call.place.0.is_empty() {
            return Given {
                answer: call.place.0.clone(),
                ..words(&call.place_words.0)
            };
        }
        let written = call.facts.place.as_deref();
        let written = written.filter(|it| self.config.transfer.districts.tells(it));
        words(written.unwrap_or_default())
    }

    /// The place of a press is answered: what was said with the press stays said.
    pub(crate) fn answered_place(&self, said: &str, answer: &str) -> Given {
        let whole = said.trim().is_empty() || answer.contains(said.trim());
        let words = match self.config.transfer.districts.is_name(answer) {
            _ if whole => answer.to_owned(),
            true => said.to_owned(),
            false => format!("{said}；{answer}"),
        };
        Given {
            words,
            answer: answer.to_owned(),
        }
    }

    /// A key went by this place, which is settled: the next goes by it too, and words that name no place
    /// are of it.
    pub(crate) fn keep_place(&self, call: &mut Call, given: &Given, target: &Target) {
        let told = target.located.as_ref().is_some_and(|it| it.told);
        if !told || !target.doubt.is_empty() {
            return;
        }
        let districts = &self.config.transfer.districts;
        let short = |text: &str| Words(text.chars().take(LONGEST_FACT).collect());
        if districts.settled(given.settling()).is_some() {
            call.place = short(given.settling());
        } else if !districts.may_mean(&call.place.0, &target.city) {
            call.place = short(&target.city);
        }
        call.place_words = short(&given.words);
    }

    /// Whom a key reaches in this call. Nothing that the configuration does not list is reached.
    ///
    /// # Errors
    /// See [`meishier_transfer::Plan::choose`].
    pub(crate) fn choose_target(
        &self,
        call: &Call,
        key: &str,
        given: &Given,
    ) -> Result<Choice, TargetError> {
        self.config.transfer.choose(key, &self.heard(call, given))
    }

    /// Whom a key reaches that is at work for the likely place already: where the words hint at another,
    /// that one is asked about, and the press is not a second one of the same.
    pub(crate) fn beside(&self, choice: Choice, key: &str, given: &Given, call: &Call) -> Choice {
        let runs =
            |it: &ThirdSide| it.key_name(call) == key && it.target.city == choice.target().city;
        if !matches!(choice, Choice::Asks { .. }) || !call.thirds.iter().any(runs) {
            return choice;
        }
        let words = Heard::given(given.settling());
        match self.config.transfer.choose(key, &words) {
            Ok(Choice::Asks {
                likely,
                others,
                within,
            }) if likely.city != choice.target().city
                && !others.contains(&choice.target().city) =>
            {
                Choice::Asks {
                    likely,
                    others,
                    within,
                }
            }
            _ => choice,
        }
    }

    /// All that is heard of the place of a call's emergency.
    fn heard<'a>(&'a self, call: &'a Call, given: &'a Given) -> Heard<'a> {
        let trunk = self.config.trunk(call.trunk);
        let own = trunk.and_then(|trunk| trunk.area_code.as_deref());
        let places = self.config.routing.gazetteer().places(&Evidence {
            trunk: call.trunk,
            caller: &Number::in_area(call.caller.reveal(), own),
            called: &Number::in_area(call.called.reveal(), own),
            cell: call.cell.as_ref().map(DialString::reveal),
        });
        let mut heard = Heard {
            answer: &given.answer,
            before: &call.place.0,
            ..Heard::of(&given.words, &places, own)
        };
        if call.switchboard {
            // Whoever sits behind the number may sit anywhere.
            for found in &mut heard.region {
                found.confidence = Confidence::Low;
            }
        }
        heard
    }
}

//! Where each rule stands in the file, so that whoever asks why a call went somewhere can look it up.

use meishier_routing::Rule;
use std::ops::Range;

/// Places of the rules, as bytes of the file like those of mistakes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulePlaces {
    pub(crate) routes: Vec<Range<usize>>,
    pub(crate) areas: Vec<Range<usize>>,
    pub(crate) aliases: Vec<Range<usize>>,
    pub(crate) preferences: Vec<Range<usize>>,
    pub(crate) listed: Vec<Range<usize>>,
    pub(crate) risk: Option<Range<usize>>,
    pub(crate) nuisance: Option<Range<usize>>,
    pub(crate) redial: Option<Range<usize>>,
}

impl RulePlaces {
    /// Where a rule stands: the name of a route or preference, the place that an area or the number
    /// that an alias or a list entry is of, the header of a policy. `None` if the file does not
    /// hold it, such as a policy that is left out.
    #[must_use]
    pub fn of(&self, rule: Rule) -> Option<Range<usize>> {
        let (list, at) = match rule {
            Rule::Route(at) | Rule::Default(at) => (&self.routes, at),
            Rule::Area(at) => (&self.areas, at),
            Rule::Alias(at) => (&self.aliases, at),
            Rule::Preference(at) => (&self.preferences, at),
            Rule::Listed(at) => (&self.listed, at),
            Rule::Risk(_) => return self.risk.clone(),
            Rule::Nuisance(_) => return self.nuisance.clone(),
            Rule::Redial => return self.redial.clone(),
            Rule::Ambiguous => return None,
        };
        list.get(usize::from(at)).cloned()
    }
}

//! Whose emergency service it is: the place of an event, from all that is heard of it.
//!
//! ```text
//!   given by the counsellor ──read──┬─ one place ─┬── in words, and the cell or
//!                                   │             │   a fixed line says another ► asks
//!                                   │             └── else ─────────────────────► dials
//!                                   ├─ several ──── one that the cell or a fixed
//!                                   │               line says too ────────────► dials
//!                                   │          └─── else ─────────────────────► asks
//!                                   ├─ a hint ─┬── what was settled before ───► dials
//!                                   │          └── else ───────────────────────► asks
//!                                   ├─ not there ─────────────────────────────► asks
//!                                   ├─ nothing, in words ─┬─ settled before ────► dials
//!                                   │                     └─ else ─────────────► asks
//!                                   └─ nothing ─┬── settled before ─────────────► dials
//!                                               ├── cell, fixed line ─────────► dials
//!                                               ├── mobile segment, trunk … ──► asks
//!                                               └── nothing at all ───────────► no target
//! ```
//!
//! Whoever is asked and does not answer in time has the most probable one dialled, and whoever answers
//! there is told of the doubt. A wrong place costs more than a question.

use crate::districts::{Districts, SpotId};
use crate::keys::Key;
use crate::plan::{Plan, Target, TargetError};
use crate::reading::Reading;
use meishier_routing::{CityId, Confidence, Found, Places, Source};
use smallvec::SmallVec;
use std::time::Duration;

/// Most places that a sentence names.
const NAMED: usize = 4;

/// All that is heard of the place of an event.
#[derive(Clone, Debug, Default)]
pub struct Heard<'a> {
    /// What the counsellor gives: a city, a code, an address; empty if nothing.
    pub given: &'a str,
    /// What the counsellor answers to the question which place that is: it settles the place in place
    /// of `given`, of which the rest stays true; empty if nothing.
    pub answer: &'a str,
    /// What settled a place in this call before; empty if nothing.
    pub before: &'a str,
    /// The place of a cell that a trusted trunk named.
    pub cell: Option<Found>,
    /// Places that the caller's number, the trunk and the number dialled tell, the best first.
    pub region: SmallVec<[Found; 3]>,
    /// The area code of the trunk over which the call came.
    pub own: Option<&'a str>,
}

impl<'a> Heard<'a> {
    /// What the counsellor says, and nothing else.
    #[must_use]
    pub fn given(given: &'a str) -> Self {
        Self {
            given,
            ..Self::default()
        }
    }

    /// What the counsellor says and what is known of the call. The area code that the caller dialled
    /// tells little of where somebody is, and comes last.
    #[must_use]
    pub fn of(given: &'a str, places: &Places, own: Option<&'a str>) -> Self {
        let is_cell = |found: &Found| found.by == Source::Cell;
        let called = places.called.map(|found| Found {
            confidence: Confidence::Low,
            ..found
        });
        let region = [places.here.filter(|it| !is_cell(it)), places.home, called];
        Self {
            given,
            answer: "",
            before: "",
            cell: places.here.filter(is_cell),
            region: region.into_iter().flatten().collect(),
            own,
        }
    }
}

/// Whom to dial, as far as the place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The place is settled.
    Dials(Target),
    /// Several places may be meant.
    Asks {
        /// The most probable one, to be dialled if nobody says anything else; its `doubt` is to be
        /// said to whoever answers.
        likely: Target,
        /// The other places, province first, the more probable first: each as a text that settles it.
        others: Vec<String>,
        /// How long to wait for an answer.
        within: Duration,
    },
}

impl Choice {
    /// The target, settled or not.
    #[must_use]
    pub fn target(&self) -> &Target {
        match self {
            Self::Dials(target) => target,
            Self::Asks { likely, .. } => likely,
        }
    }

    /// The target, settled or not.
    #[must_use]
    pub fn into_target(self) -> Target {
        match self {
            Self::Dials(target) => target,
            Self::Asks { likely, .. } => likely,
        }
    }

    /// The target if the place is settled.
    ///
    /// # Errors
    /// [`TargetError::Ambiguous`] with all places that may be meant, the likely one first.
    pub fn settled(self) -> Result<Target, TargetError> {
        match self {
            Self::Dials(target) => Ok(target),
            Self::Asks { likely, others, .. } => {
                let all = std::iter::once(likely.city).chain(others);
                Err(TargetError::Ambiguous(all.collect()))
            }
        }
    }
}

/// One thing that tells of the place.
struct Clue {
    /// The places that it may mean; never empty.
    spots: Vec<SpotId>,
    /// It is as good as the network knows.
    sure: bool,
    /// The counsellor settled it.
    settled: bool,
    /// Its area code, if a county's is not that of its place.
    code: Option<&'static str>,
    /// What it is, in Chinese.
    what: &'static str,
}

/// A place, and what says so.
pub(crate) struct Settled {
    pub spot: SpotId,
    /// Area code, if a county's is not that of its place.
    pub code: Option<&'static str>,
    /// For the record, in Chinese.
    pub why: String,
    /// In Chinese; empty if there is none.
    pub doubt: String,
    /// The counsellor's words say it, not only the network.
    pub told: bool,
}

impl Plan {
    /// Whom a key reaches, from all that is heard of the place. Nothing is reached but what the keys
    /// of the plan allow.
    ///
    /// # Errors
    /// [`TargetError::UnknownKey`], and [`TargetError::UnknownCity`] if nothing at all tells of the
    /// place of a key that needs one.
    pub fn choose(&self, key: &str, heard: &Heard<'_>) -> Result<Choice, TargetError> {
        let mut keys = self.keys.iter().enumerate();
        let found = keys.find(|(_, it)| it.name == key);
        let (index, key) = found.ok_or(TargetError::UnknownKey)?;
        let place = self.place(heard);
        if !key.by_place() {
            return Ok(Choice::Dials(self.anywhere(index, key, place)));
        }
        match place.ok_or(TargetError::UnknownCity)? {
            (settled, others) if settled.doubt.is_empty() && others.is_empty() => {
                Ok(Choice::Dials(self.there(index, key, settled, heard)))
            }
            (likely, others) => Ok(self.ask(index, key, heard, (likely, others))),
        }
    }

    fn ask(
        &self,
        index: usize,
        key: &Key,
        heard: &Heard<'_>,
        (likely, others): (Settled, Vec<SpotId>),
    ) -> Choice {
        let others = others.iter().map(|id| self.districts.full_name(*id));
        Choice::Asks {
            others: others.collect(),
            likely: self.there(index, key, likely, heard),
            within: key.ask_within,
        }
    }

    /// The place, and the others that may be meant; nothing if nothing tells of it.
    fn place(&self, heard: &Heard<'_>) -> Option<(Settled, Vec<SpotId>)> {
        let clues = self.clues(heard);
        let words = match heard.answer.trim() {
            "" => heard.given,
            answer => answer,
        };
        match self.districts.read(words) {
            Reading::One {
                spot,
                code,
                words,
                exact,
            } => Some(self.said((spot, code), &words, exact, &clues)),
            Reading::Several { spots, words } => Some(self.among(spots, &words, &clues, true)),
            Reading::Hinted { spots, words } => Some(self.among(spots, &words, &clues, false)),
            Reading::Denied { spots } => {
                let (not_there, mut left): (Vec<Clue>, Vec<Clue>) = (clues.into_iter())
                    .partition(|clue| clue.spots.iter().all(|id| spots.contains(id)));
                left.extend(not_there);
                for clue in &mut left {
                    (clue.sure, clue.settled) = (false, false);
                }
                self.by_clues(&left, false)
            }
            Reading::Empty => self.by_clues(&clues, true),
            Reading::Unknown => self.by_clues(&clues, false),
        }
    }

    /// The counsellor's words mean one place. What is read out of a sentence is asked about where the
    /// network is sure of another; who writes a name, or chose one before, meant it.
    fn said(
        &self,
        (spot, code): (SpotId, Option<&'static str>),
        words: &str,
        exact: bool,
        clues: &[Clue],
    ) -> (Settled, Vec<SpotId>) {
        let mut why = format!("咨询员给出“{words}”");
        let cell = clues.iter().find(|it| it.sure && !it.settled);
        let cell = cell.filter(|it| !it.spots.contains(&spot));
        let before = clues.iter().find(|it| it.settled);
        let again = before.is_some_and(|it| it.spots.contains(&spot));
        if let Some((what, elsewhere)) = cell.and_then(|it| Some((it.what, it.spots.first()?))) {
            why = format!("{why}，{what}则在{}", self.districts.full_name(*elsewhere));
        }
        match cell.filter(|_| !exact && !again) {
            Some(cell) => {
                let (likely, others) = self.doubtful(spot, why, cell.spots.clone());
                let told = true;
                (
                    Settled {
                        code,
                        told,
                        ..likely
                    },
                    others,
                )
            }
            None => {
                let settled = Settled {
                    spot,
                    code,
                    why,
                    doubt: String::new(),
                    told: true,
                };
                (settled, Vec::new())
            }
        }
    }

    /// One of several places that the counsellor's words may mean.
    fn among(
        &self,
        spots: Vec<SpotId>,
        words: &str,
        clues: &[Clue],
        said: bool,
    ) -> (Settled, Vec<SpotId>) {
        let said_so = format!("咨询员给出“{words}”");
        let fitting = clues.iter().find_map(|clue| {
            let both = clue.spots.iter().filter(|id| spots.contains(id));
            let both: Vec<SpotId> = both.copied().collect();
            (!both.is_empty()).then_some((clue, both))
        });
        // A hint is worth less than what the network is sure of.
        let best = clues.first().filter(|it| it.sure && !said);
        let (spot, why) = match (&fitting, best) {
            (Some((clue, both)), _) => (both.first(), format!("{said_so}，又据{}", clue.what)),
            (None, Some(best)) => {
                let why = format!("{said_so}，{}则不在那里", best.what);
                (best.spots.first(), why)
            }
            (None, None) => (spots.first(), said_so),
        };
        let spot = spot.copied().unwrap_or_default();
        if let Some((clue, both)) = &fitting
            && let (true, [_]) = (clue.settled || said && clue.sure, both.as_slice())
        {
            let settled = Settled {
                spot,
                code: clue.code,
                why,
                doubt: String::new(),
                told: true,
            };
            return (settled, Vec::new());
        }
        let sure = clues.iter().filter(|it| it.sure && fitting.is_none());
        let mut others: Vec<SpotId> = Vec::new();
        for id in spots
            .into_iter()
            .chain(sure.flat_map(|it| it.spots.clone()))
        {
            if id != spot && !others.contains(&id) {
                others.push(id);
            }
        }
        let code = match fitting {
            Some((clue, _)) => clue.code,
            None => best.and_then(|it| it.code),
        };
        let (likely, others) = self.doubtful(spot, why, others);
        (Settled { code, ..likely }, others)
    }

    /// The place by what the network tells.
    fn by_clues(&self, clues: &[Clue], unsaid: bool) -> Option<(Settled, Vec<SpotId>)> {
        let best = clues.first()?;
        let spot = *best.spots.first()?;
        let why = match unsaid {
            true => format!("据{}", best.what),
            false => format!("所给地点看不出城市，据{}", best.what),
        };
        let sure = best.settled || unsaid && best.sure;
        if let (true, [_]) = (sure, best.spots.as_slice()) {
            let settled = Settled {
                spot,
                code: best.code,
                why,
                doubt: String::new(),
                told: best.settled,
            };
            return Some((settled, Vec::new()));
        }
        let mut others: Vec<SpotId> = Vec::new();
        for id in clues.iter().flat_map(|clue| clue.spots.iter().copied()) {
            if id != spot && !others.contains(&id) {
                others.push(id);
            }
        }
        let (likely, others) = self.doubtful(spot, why, others);
        let code = best.code;
        Some((Settled { code, ..likely }, others))
    }

    fn doubtful(&self, spot: SpotId, why: String, others: Vec<SpotId>) -> (Settled, Vec<SpotId>) {
        let name = self.districts.full_name(spot);
        let mut doubt = format!("地点未核实：{why}，可能在{name}");
        let named = others.iter().take(NAMED);
        let named: Vec<String> = named.map(|id| self.districts.full_name(*id)).collect();
        if !named.is_empty() {
            let more = if others.len() > NAMED { "等" } else { "" };
            doubt = format!("{doubt}，也可能在{}{more}", named.join("、"));
        }
        let why = format!("{why}，未经核实");
        let settled = Settled {
            spot,
            code: None,
            why,
            doubt,
            told: false,
        };
        (settled, others)
    }

    /// What tells of the place beside the counsellor, the best first.
    fn clues(&self, heard: &Heard<'_>) -> SmallVec<[Clue; 4]> {
        let mut out = SmallVec::new();
        if let Reading::One { spot, code, .. } = self.districts.read(heard.before) {
            out.push(Clue {
                spots: vec![spot],
                sure: true,
                settled: true,
                code,
                what: "本次通话中已核实的地点",
            });
        }
        for found in heard.cell.iter().chain(&heard.region) {
            let spots = match found.city {
                Some(CityId(id)) => vec![id],
                None => found.code.map_or_else(Vec::new, |code| {
                    let code = self.atlas.code(code);
                    let cities = code.map_or(&[][..], |code| code.cities);
                    let ids: Vec<SpotId> = cities.iter().map(|id| id.0).collect();
                    self.districts.outermost(&ids)
                }),
            };
            let sure = found.confidence == Confidence::High;
            if !spots.is_empty() {
                let what = what(found.by, sure);
                out.push(Clue {
                    spots,
                    sure,
                    settled: false,
                    code: None,
                    what,
                });
            }
        }
        let own = heard
            .own
            .map_or(&[][..], |code| self.districts.of_code(code));
        let spots = self.districts.outermost(own);
        if !spots.is_empty() {
            let what = "来话中继的区号";
            out.push(Clue {
                spots,
                sure: false,
                settled: false,
                code: None,
                what,
            });
        }
        out
    }
}

fn what(by: Source, sure: bool) -> &'static str {
    match by {
        Source::Cell => "基站",
        Source::Block if sure => "号码所在的号段",
        Source::Block => "来话中继或号段",
        Source::AreaCode => "来电号码的区号",
        Source::CalledCode => "所拨的区号",
        Source::Segment => "手机号段",
    }
}

impl Districts {
    fn spots(&self, text: &str) -> Vec<SpotId> {
        match self.read(text) {
            Reading::One { spot, .. } => vec![spot],
            Reading::Several { spots, .. } | Reading::Hinted { spots, .. } => spots,
            Reading::Empty | Reading::Unknown | Reading::Denied { .. } => Vec::new(),
        }
    }

    /// True if a text tells of any place.
    #[must_use]
    pub fn tells(&self, text: &str) -> bool {
        !self.spots(text).is_empty()
    }

    /// True if the place with this full name, province first, is one of those that a text may mean.
    #[must_use]
    pub fn may_mean(&self, text: &str, place: &str) -> bool {
        let spots = self.spots(text);
        spots.iter().any(|id| self.full_name(*id) == place)
    }

    /// True if a text is the name or code of one place, and nothing more.
    #[must_use]
    pub fn is_name(&self, text: &str) -> bool {
        matches!(self.read(text), Reading::One { exact: true, .. })
    }

    /// The place that a configuration names, by its code; `None` if the text settles none.
    #[must_use]
    pub fn settled(&self, text: &str) -> Option<u32> {
        match self.read(text) {
            Reading::One { spot, .. } => self.spot(spot).map(|it| it.city.adcode),
            _ => None,
        }
    }
}

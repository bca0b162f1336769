//! A decision with every rule that was looked at, and its words for people.

use std::fmt::Write as _;

use crate::decide::{Decision, Pools, Query, Rule, Trace};
use crate::place::Places;
use crate::policy::{NuisanceWhy, RiskWhy, Which};
use crate::table::Table;
use crate::when::Miss;

/// One rule that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The rule.
    pub rule: Rule,
    /// Why it was passed over; `None` if it holds.
    pub miss: Option<Miss>,
}

/// A decision and how it came about.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The decision.
    pub decision: Decision,
    /// Every rule in the order in which it was looked at.
    pub looked: Vec<Looked>,
    /// What is known of the caller's place, and from what.
    pub places: Places,
}

#[derive(Default)]
struct Keeper {
    looked: Vec<Looked>,
    places: Places,
}

impl Trace for Keeper {
    fn looked(&mut self, rule: Rule, miss: Option<Miss>) {
        self.looked.push(Looked { rule, miss });
    }

    fn wants_all(&self) -> bool {
        true
    }

    fn places(&mut self, places: &Places) {
        self.places = *places;
    }
}

impl Table {
    /// Decides and tells every rule looked at. Allocates; for people, not for calls.
    #[must_use]
    pub fn explain(&self, query: &Query<'_>, pools: &impl Pools) -> Explained {
        let mut keeper = Keeper::default();
        let decision = self.run(query, pools, &mut keeper);
        Explained {
            decision,
            looked: keeper.looked,
            places: keeper.places,
        }
    }

    /// A rule by name, as records and tools show it: `route:qiannan`, `risk:dropped`. Holds no
    /// personal data: a listed number is named by its place in the list.
    #[must_use]
    pub fn rule_name(&self, rule: Rule) -> String {
        let route = |at: u16| self.routes.get(usize::from(at)).map_or("", |it| &it.name);
        match rule {
            Rule::Route(at) => format!("route:{}", route(at)),
            Rule::Default(at) => format!("default:{}", route(at)),
            Rule::Area(at) => format!("area:{}", at + 1),
            Rule::Alias(at) => {
                let alias = self.aliases.get(usize::from(at));
                format!("alias:{}", alias.map_or("", |it| &it.name))
            }
            Rule::Preference(at) => {
                let rule = self.preferences.get(usize::from(at));
                format!("preference:{}", rule.map_or("", |it| &it.name))
            }
            Rule::Listed(at) => format!("number:{}", at + 1),
            Rule::Risk(why) => format!("risk:{}", why.as_str()),
            Rule::Nuisance(why) => format!("nuisance:{}", why.as_str()),
            Rule::Redial => "redial".to_owned(),
            Rule::Ambiguous => "ambiguous".to_owned(),
        }
    }

    /// The names of all rules that a decision rests on.
    #[must_use]
    pub fn rule_names(&self, decision: &Decision) -> Vec<String> {
        decision
            .rules
            .iter()
            .map(|rule| self.rule_name(*rule))
            .collect()
    }

    /// The sentence for the record, without the caller's number: which place, which route, which
    /// pools after which wait, which of them take no calls now, and what else counted.
    #[must_use]
    pub fn reason(&self, decision: &Decision) -> String {
        let mut text = String::new();
        self.say_place(decision, &mut text);
        let name = self
            .routes
            .get(usize::from(decision.route.0))
            .map_or("", |it| &it.name);
        // Writing to a String cannot fail.
        let _ = match decision
            .rules
            .iter()
            .any(|rule| matches!(rule, Rule::Default(_)))
        {
            true => write!(text, "没有路由符合，用默认路由 {name}"),
            false => write!(text, "符合路由 {name}"),
        };
        for (at, ring) in decision.rings.iter().enumerate() {
            text.push_str(if at == 0 { "：" } else { "，" });
            let pool = self.pools.get(usize::from(ring.pool.0));
            text.push_str(pool.map_or("", |it| &it.name));
            let _ = match ring.after.as_secs() {
                _ if decision.taking & (1 << at) == 0 => write!(text, " 此刻不接"),
                0 => write!(text, " 立即"),
                seconds => write!(text, " {seconds} 秒后"),
            };
        }
        if decision.taking == 0 {
            text.push_str("，等候开班");
        }
        for rule in &decision.rules {
            if let Some(words) = words_of(*rule) {
                text.push('；');
                text.push_str(words);
            }
        }
        text
    }

    fn say_place(&self, decision: &Decision, text: &mut String) {
        let atlas = self.gazetteer.atlas();
        let place = &decision.place;
        let which = match place.which {
            Some(Which::Called) => "拨打的",
            Some(Which::Here) => "来电所在",
            Some(Which::Home) => "号码归属",
            None => return,
        };
        let _ = match (place.city, place.code) {
            (Some(city), _) => {
                let name = atlas.city(city).map_or("", |it| it.name);
                write!(text, "{which}城市 {name}；")
            }
            (None, Some(first)) => {
                let code = atlas.code(first).map_or("", |it| it.text);
                write!(text, "{which}区号 {code} 由多个城市共用；")
            }
            (None, None) => Ok(()),
        };
    }
}

/// What a rule adds to the sentence.
fn words_of(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::Risk(RiskWhy::Listed) => "高危：名单",
        Rule::Risk(RiskWhy::Flagged) => "高危：此前标记",
        Rule::Risk(RiskWhy::Dropped) => "高危：刚才通话中断",
        Rule::Risk(RiskWhy::Key) => "高危：来电者按键求助",
        Rule::Risk(RiskWhy::Route) => "高危：路由规定",
        Rule::Risk(RiskWhy::Person) => "高危：人工标记",
        Rule::Nuisance(NuisanceWhy::Listed) => "降低优先：名单",
        Rule::Nuisance(NuisanceWhy::Marked) => "降低优先：咨询员标记",
        Rule::Nuisance(NuisanceWhy::CallsADay) => "降低优先：一天内多次来电",
        Rule::Nuisance(NuisanceWhy::ShortCalls) => "降低优先：一天内多次短通话",
        Rule::Redial => "重拨，保留原来的位置",
        Rule::Preference(_) => "有偏好的技能",
        Rule::Route(_)
        | Rule::Default(_)
        | Rule::Area(_)
        | Rule::Alias(_)
        | Rule::Listed(_)
        | Rule::Ambiguous => return None,
    })
}

impl RiskWhy {
    /// The name used in records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Flagged => "flagged",
            Self::Dropped => "dropped",
            Self::Key => "key",
            Self::Route => "route",
            Self::Person => "person",
        }
    }
}

impl NuisanceWhy {
    /// The name used in records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Marked => "marked",
            Self::CallsADay => "calls_a_day",
            Self::ShortCalls => "short_calls",
        }
    }
}

impl Miss {
    /// The name used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Called => "called",
            Self::Callers => "callers",
            Self::Trunks => "trunks",
            Self::Cities => "cities",
            Self::Provinces => "provinces",
            Self::Hours => "hours",
            Self::State(_) => "state",
            Self::Risk => "risk",
            Self::Nuisance => "nuisance",
            Self::Tags => "tags",
            Self::Expired => "expired",
            Self::Later => "later",
        }
    }
}

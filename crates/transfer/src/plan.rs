//! Keys and places of one installation, and the numbers that a key stands for in a place.

use crate::districts::Districts;
use crate::jurisdiction::{Heard, Settled};
use crate::keys::{Dial, Key, Reach};
use meishier_model::TrunkId;
use meishier_routing::{Atlas, City};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// Keys, places and their names of one installation.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The keys, in the order of the desk. Nothing else can be dialled.
    pub keys: Vec<Key>,
    /// Where places have other numbers than area code and key.
    pub places: Vec<PlaceRule>,
    /// Cities and area codes.
    pub atlas: Arc<Atlas>,
    /// Every name of a place.
    pub districts: Arc<Districts>,
}

/// Of which place a line of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOf {
    /// The place with this GB/T 2260 code, and what lies in it.
    City(u32),
    /// The province with these first two digits.
    Province(u8),
}

/// A line that a place has instead of area code and key, or rather before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRule {
    /// Whose it is.
    pub of: RuleOf,
    /// It holds only if the counsellor's words say that it is here, such as a district; always if empty.
    pub district: String,
    /// Name of the key.
    pub key: String,
    /// What is dialled, in this order, before the number that the table gives.
    pub to: Vec<Dial>,
    /// By which trunk, if not by the key's.
    pub trunk: Option<TrunkId>,
}

/// Whom to dial, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where to call, in this order; none if a seat is looked for.
    pub dials: SmallVec<[Dial; 1]>,
    /// By which trunk each of them is called, if not by the key's; as long as `dials`, or shorter.
    #[serde(default)]
    pub trunks: SmallVec<[Option<TrunkId>; 1]>,
    /// City, province first; empty if nothing tells of the place and the key needs none.
    pub city: String,
    /// The same in parts; `None` with no city.
    #[serde(default)]
    pub located: Option<Located>,
    /// Index into [`Plan::keys`].
    pub key: usize,
    /// One sentence for the record, in Chinese.
    pub reason: String,
    /// What is not certain of the place, in Chinese, to be said to whoever answers; empty if nothing.
    #[serde(default)]
    pub doubt: String,
}

/// The place to which a target is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Province, without 省, 市 or 自治区.
    pub province: String,
    /// City or county, without 市, 州, 地区 or 盟.
    pub city: String,
    /// The area code with its 0 by which its services are called.
    pub area_code: String,
    /// The counsellor's words settle it, not only the network.
    pub told: bool,
}

impl Target {
    /// Where to call first; empty if a seat is looked for.
    #[must_use]
    pub fn first(&self) -> &str {
        self.dials.first().map_or("", Dial::as_str)
    }

    /// The trunk that the table names for one of the dials; none if it is the key's.
    #[must_use]
    pub fn trunk(&self, dial: usize) -> Option<TrunkId> {
        self.trunks.get(dial).copied().flatten()
    }

    fn push(&mut self, dial: Dial, trunk: Option<TrunkId>) {
        if !self.dials.contains(&dial) {
            self.dials.push(dial);
            self.trunks.push(trunk);
        }
    }
}

/// Why there is no number. The counsellor's input is at fault, and nothing is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// No such key.
    UnknownKey,
    /// No such city.
    UnknownCity,
    /// Several cities answer to that; they are named, province first.
    Ambiguous(Vec<String>),
}

impl TargetError {
    /// For the counsellor, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::UnknownKey => "没有这个转接键".to_owned(),
            Self::UnknownCity => "找不到这个城市，请写明省和市".to_owned(),
            Self::Ambiguous(names) => format!("不能确定是哪个城市，请选定：{}", names.join("、")),
        }
    }

    /// For the counsellor, in English.
    #[must_use]
    pub fn message_en(&self) -> String {
        match self {
            Self::UnknownKey => "there is no such transfer key".to_owned(),
            Self::UnknownCity => "no such city; name province and city".to_owned(),
            Self::Ambiguous(names) => format!(
                "several cities answer to that, choose one: {}",
                names.join(", ")
            ),
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_en())
    }
}

impl std::error::Error for TargetError {}

impl Plan {
    /// A plan of these keys over the names that are compiled in.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self {
            keys,
            places: Vec::new(),
            atlas: Arc::new(Atlas::builtin()),
            districts: Arc::new(Districts::builtin()),
        }
    }

    /// Whom `key` reaches if the place is what the words say, and nothing else is known.
    ///
    /// # Errors
    /// As [`Plan::choose`], and [`TargetError::Ambiguous`] if the words settle no place.
    pub fn target(&self, key: &str, given: &str) -> Result<Target, TargetError> {
        self.choose(key, &Heard::given(given))?.settled()
    }

    /// The target of a key by place, once the place is chosen: the lines of the table for a district,
    /// for the place, for its province; then area code and key, by which the service of a place is
    /// reached from everywhere.
    pub(crate) fn there(
        &self,
        index: usize,
        key: &Key,
        place: Settled,
        heard: &Heard<'_>,
    ) -> Target {
        let spot = self.districts.spot(place.spot).map(|it| it.city);
        let city = self.districts.full_name(place.spot);
        let located = self.located(&place);
        let mut target = Target {
            dials: SmallVec::new(),
            trunks: SmallVec::new(),
            city,
            located,
            key: index,
            reason: String::new(),
            doubt: place.doubt,
        };
        let Some(spot) = spot else { return target };
        let rules = self.rules(key, &spot, heard);
        let ruled = !rules.is_empty();
        for rule in rules {
            for dial in &rule.to {
                target.push(dial.clone(), rule.trunk);
            }
        }
        let code = place.code.unwrap_or(spot.area_code);
        target.push(Dial::Number(format!("{code}{}", key.name)), None);
        let table = format!("按事发地区号{code}拨打");
        let how = match ruled {
            true => format!("先拨配置为该地指定的{}，再{table}", target.first()),
            false => table,
        };
        target.reason = format!(
            "{}（{}）在{}（{}，{}），{how}",
            key.title, key.name, target.city, spot.adcode, place.why
        );
        target
    }

    /// The target of a key that is the same wherever it is pressed.
    pub(crate) fn anywhere(
        &self,
        index: usize,
        key: &Key,
        place: Option<(Settled, Vec<u16>)>,
    ) -> Target {
        let located = place.as_ref().and_then(|(place, _)| self.located(place));
        let city = place.map(|(place, _)| self.districts.full_name(place.spot));
        let (dials, how): (&[Dial], _) = match &key.reach {
            Reach::Fixed(dials) => (dials, "按配置的号码拨打"),
            Reach::Seats { .. } => (&[], "在坐席组里找人"),
            Reach::Place => (&[], ""),
        };
        Target {
            dials: dials.iter().cloned().collect(),
            trunks: SmallVec::new(),
            city: city.unwrap_or_default(),
            located,
            key: index,
            reason: format!("{}（{}），{how}", key.title, key.name),
            doubt: String::new(),
        }
    }

    fn located(&self, place: &Settled) -> Option<Located> {
        let city = self.districts.spot(place.spot)?.city;
        Some(Located {
            province: city.province.to_owned(),
            city: city.name.to_owned(),
            area_code: place.code.unwrap_or(city.area_code).to_owned(),
            told: place.told && place.doubt.is_empty(),
        })
    }

    /// The lines of the table that hold, the narrowest first; of two districts that first which is said
    /// first. What is answered to a question goes before what was said until then.
    fn rules(&self, key: &Key, spot: &City, heard: &Heard<'_>) -> Vec<&PlaceRule> {
        let code = spot.adcode;
        let here = |rule: &&PlaceRule| {
            let here = match rule.of {
                // A place within one has the outer's lines too.
                RuleOf::City(of) => {
                    of == code || of == code / 100 * 100 || of == code / 10_000 * 10_000
                }
                RuleOf::Province(of) => of == spot.province_code(),
            };
            here && rule.key == key.name
        };
        let rules = self.places.iter().filter(here);
        let said = |text: &str| {
            let narrow = rules.clone().filter(|rule| !rule.district.is_empty());
            let at =
                narrow.filter_map(|it| Some((self.districts.says_part(text, &it.district)?, it)));
            at.collect::<Vec<(usize, &PlaceRule)>>()
        };
        let mut out = said(heard.answer);
        for text in [heard.given, heard.before] {
            if out.is_empty() {
                out = said(text);
            }
        }
        out.extend(rules.filter(|it| it.district.is_empty()).map(|it| (0, it)));
        out.sort_by_key(|(at, rule)| {
            let own = rule.of == RuleOf::City(code);
            let province = matches!(rule.of, RuleOf::Province(_));
            (rule.district.is_empty(), *at, province, !own)
        });
        out.into_iter().map(|it| it.1).collect()
    }
}

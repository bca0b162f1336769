//! Callers of the nation in the mix in which they are measured, made before the clock is read.

use meishier_model::{CounsellorId, DialString, PoolId, TrunkId, Wall};
use meishier_routing::{
    Atlas, CityId, Known, NuisanceWhy, PoolNow, Pools, Query, RiskWhy, Service, Tags,
};

use crate::dice::Dice;
use crate::nation::{ALIASES, DAY, LISTED, Nation, TRUNKS, listed_number};

/// What a call is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A landline dials 12356.
    Landline,
    /// A mobile telephone dials 12356; a third of them with a cell.
    Mobile,
    /// Area code and 12356, from a mobile telephone or a landline elsewhere.
    AreaCode,
    /// The number is withheld.
    Anonymous,
    /// An old number is dialled.
    Alias,
    /// A number of which people have said something.
    Listed,
    /// From abroad, or something else is dialled.
    Unknown,
}

impl Kind {
    /// Every kind with its share in percent.
    pub const SHARES: [(Kind, usize); 7] = [
        (Kind::Landline, 20),
        (Kind::Mobile, 30),
        (Kind::AreaCode, 25),
        (Kind::Anonymous, 10),
        (Kind::Alias, 5),
        (Kind::Listed, 5),
        (Kind::Unknown, 5),
    ];
}

/// A call as the engine would ask about it.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it is like.
    pub kind: Kind,
    wall: Wall,
    trunk: TrunkId,
    caller: DialString,
    called: DialString,
    cell: Option<String>,
    known: Known,
}

impl Call {
    /// What the table is asked.
    #[must_use]
    pub fn query(&self) -> Query<'_> {
        Query {
            cell: self.cell.as_deref(),
            known: self.known,
            ..Query::new(self.wall, self.trunk, &self.caller, &self.called)
        }
    }
}

/// Every pool as it stands: one in twenty is full, one in twenty is in some other state.
#[derive(Clone, Debug)]
pub struct Standing(Vec<PoolNow>);

impl Standing {
    /// The same pools each time.
    #[must_use]
    pub fn new(pools: usize) -> Self {
        let mut dice = Dice(9);
        let now = |_| PoolNow {
            service: match dice.percent(5) {
                true => *dice.one(&Service::ALL),
                false => Service::Normal,
            },
            full: dice.percent(5),
        };
        Self((0..pools).map(now).collect())
    }
}

impl Pools for Standing {
    fn state(&self, pool: PoolId) -> PoolNow {
        let found = self.0.get(usize::from(pool.0)).copied();
        found.unwrap_or(PoolNow {
            service: Service::Down,
            full: true,
        })
    }
}

/// So many calls, half of them by night, in the shares of [`Kind::SHARES`].
#[must_use]
pub fn calls(nation: &Nation, count: usize) -> Vec<Call> {
    let mut dice = Dice(7);
    let mut shares: Vec<Kind> = Vec::with_capacity(100);
    for (kind, share) in Kind::SHARES {
        shares.extend(std::iter::repeat_n(kind, share));
    }
    let call = |_| one(*dice.one(&shares), nation, &mut dice.another());
    (0..count).map(call).collect()
}

impl Dice {
    /// A generator of its own for one call, so that calls do not depend on how many numbers another
    /// one took.
    fn another(&mut self) -> Dice {
        Dice(self.roll())
    }
}

fn one(kind: Kind, nation: &Nation, dice: &mut Dice) -> Call {
    let atlas = &nation.atlas;
    let city = CityId(dice.below(atlas.cities().len()) as u16);
    let mut called = "12356".to_owned();
    let caller = match kind {
        Kind::Landline => landline(atlas, city, dice),
        Kind::Mobile => mobile(dice),
        Kind::AreaCode => {
            let elsewhere = CityId(dice.below(atlas.cities().len()) as u16);
            called = format!("{}12356", code(atlas, city));
            match dice.percent(70) {
                true => mobile(dice),
                false => landline(atlas, elsewhere, dice),
            }
        }
        Kind::Anonymous => {
            (*dice.one(&["", "anonymous", "sip:anonymous@anonymous.invalid"])).into()
        }
        Kind::Alias => {
            let aliases = &nation.source.aliases;
            called.clone_from(&aliases[dice.below(ALIASES.min(aliases.len()))].number);
            mobile(dice)
        }
        Kind::Listed => listed_number(dice.below(LISTED)),
        Kind::Unknown => {
            if dice.percent(50) {
                called = "12399".to_owned();
            }
            format!("+852{}", 20_000_000 + dice.below(10_000_000))
        }
    };
    let minutes = dice.below(14 * 24 * 60) as i64;
    let cell =
        (kind == Kind::Mobile && dice.percent(33)).then(|| format!("46000{:04}ABCD", city.0));
    Call {
        kind,
        wall: Wall(DAY.0 + minutes * 60_000),
        trunk: TrunkId(dice.below(usize::from(TRUNKS)) as u16),
        caller: DialString::new(&shaped(caller, dice)),
        called: DialString::new(&shaped(called, dice)),
        cell,
        known: known(dice),
    }
}

fn code(atlas: &Atlas, city: CityId) -> &'static str {
    atlas.city(city).map_or("010", |it| it.area_code)
}

fn landline(atlas: &Atlas, city: CityId, dice: &mut Dice) -> String {
    format!(
        "{}{}",
        code(atlas, city),
        20_000_000 + dice.below(70_000_000)
    )
}

fn mobile(dice: &mut Dice) -> String {
    format!("1{}", 3_000_000_000 + dice.below(7_000_000_000) as u64)
}

/// The shapes in which carriers hand numbers on.
fn shaped(number: String, dice: &mut Dice) -> String {
    let digits = number.starts_with(|c: char| c.is_ascii_digit());
    let national = number.strip_prefix('0').unwrap_or(&number);
    match dice.below(5) {
        0 if digits => format!("+86{national}"),
        1 if digits => format!("0086{national}"),
        2 if digits => format!("sip:{number}@ims.example.cn;user=phone"),
        _ => number,
    }
}

fn known(dice: &mut Dice) -> Known {
    Known {
        risk: dice.percent(10).then_some(RiskWhy::Flagged),
        nuisance: dice.percent(20).then_some(NuisanceWhy::CallsADay),
        planned: None,
        last: dice.percent(10).then_some(CounsellorId(4)),
        redial: dice.percent(10),
        tags: Tags(if dice.percent(20) {
            dice.roll() & 0xff
        } else {
            0
        }),
    }
}

//! How the pools stand when no engine is asked: as their hours have it, everybody at work, unless the
//! operator says otherwise.

use meishier_model::{PoolId, Wall};
use meishier_routing::{PoolFacts, PoolNow, Pools, Service, Table};
use std::time::Duration;

/// The pools at one moment; index by [`PoolId`].
#[derive(PartialEq, Eq)]
pub struct Standing(Vec<PoolNow>);

/// A state that the operator asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supposed {
    /// A state of service.
    State(Service),
    /// Every line is in use.
    Full,
}

impl Supposed {
    /// Reads `down`, `going_down`, `full`, ….
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.replace(['_', '-'], "");
        if plain.eq_ignore_ascii_case("full") {
            return Some(Self::Full);
        }
        Service::parse(&plain).map(Self::State)
    }
}

impl Standing {
    /// The pools of a table by the same rules as in an engine where every telephone works, everybody
    /// is there and nobody waits.
    pub fn new(table: &Table, count: usize, wall: Wall, supposed: &[(PoolId, Supposed)]) -> Self {
        let pools = (0u16..).take(count).map(PoolId);
        Self(
            pools
                .map(|pool| state(table, pool, wall, supposed))
                .collect(),
        )
    }
}

fn state(table: &Table, pool: PoolId, wall: Wall, supposed: &[(PoolId, Supposed)]) -> PoolNow {
    let rules = table.service_rules(pool).copied().unwrap_or_default();
    let lines = table.lines(pool, wall);
    let within = rules.going_down.unwrap_or(Duration::ZERO);
    // The last one that is said of a pool counts.
    let of_pool = supposed.iter().rev().filter(|(it, _)| *it == pool);
    let mut by_hand = of_pool.clone().filter_map(|(_, it)| match it {
        Supposed::State(state) => Some(*state),
        Supposed::Full => None,
    });
    let facts = PoolFacts {
        lines,
        staffed: u32::from(lines),
        reachable: u32::from(lines),
        closes_in: table.closes_in(pool, wall, within),
        by_hand: by_hand.next(),
        ..PoolFacts::default()
    };
    PoolNow {
        service: Service::of(&facts, &rules),
        full: of_pool.into_iter().any(|(_, it)| *it == Supposed::Full),
    }
}

impl Pools for Standing {
    fn state(&self, pool: PoolId) -> PoolNow {
        self.0.get(usize::from(pool.0)).copied().unwrap_or(PoolNow {
            service: Service::Down,
            full: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_in_any_hand() {
        let down = Some(Supposed::State(Service::Down));
        let going = Some(Supposed::State(Service::GoingDown));
        assert_eq!(
            [Supposed::parse("down"), Supposed::parse("Down")],
            [down; 2]
        );
        assert_eq!(
            [Supposed::parse("going_down"), Supposed::parse("GoingDown")],
            [going; 2]
        );
        assert_eq!(Supposed::parse("FULL"), Some(Supposed::Full));
        assert_eq!(Supposed::parse("asleep"), None);
    }
}

//! Skills that rules ask for and nobody who could answer has.

use crate::directory::Directory;
use crate::ladders::Ladders;
use crate::sink::{Sink, both};
use crate::table::Read;
use meishier_model::{PoolId, SeatId};
use meishier_routing::Preference;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Skills, as bits, of those who may sit in each pool.
struct Held {
    pools: Vec<u64>,
    all: u64,
}

impl Held {
    fn new(directory: &Directory) -> Self {
        // Most counsellors share their list of seats, so each list is walked once.
        let mut lists: BTreeMap<*const SeatId, (&Arc<[SeatId]>, u64)> = BTreeMap::new();
        for counsellor in &directory.counsellors {
            let seats = &counsellor.seats;
            let (_, skills) = lists.entry(seats.as_ptr()).or_insert((seats, 0));
            for (skill, _) in &counsellor.skills {
                *skills |= 1 << skill.index();
            }
        }
        let mut out = Self {
            pools: vec![0; directory.pools.len()],
            all: 0,
        };
        for (seats, skills) in lists.into_values() {
            out.all |= skills;
            let seats = seats
                .iter()
                .filter_map(|id| directory.seats.get(id.0 as usize));
            for pool in seats.flat_map(|seat| &seat.pools) {
                if let Some(held) = out.pools.get_mut(usize::from(pool.0)) {
                    *held |= skills;
                }
            }
        }
        out
    }

    fn in_any(&self, pools: &BTreeSet<PoolId>) -> u64 {
        let held = pools
            .iter()
            .filter_map(|pool| self.pools.get(usize::from(pool.0)));
        held.fold(0, |all, held| all | held)
    }
}

pub(super) fn skills(sink: &Sink, directory: &Directory, read: &Read, ladders: &Ladders<'_>) {
    let held = Held::new(directory);
    for (route, span) in read.routes.routes.iter().zip(&read.routes.spans) {
        if route.required.0 == 0 && route.preferred.is_empty() {
            continue;
        }
        let chain = ladders.chain(route);
        let mut pools = BTreeSet::new();
        for spot in ladders.spots_of(&route.when) {
            pools.extend(ladders.pools(&chain, spot, spot.city));
        }
        let here = held.in_any(&pools);
        required(sink, directory, span, route.required.0 & !here, held.all);
        preferred(sink, directory, span, &route.preferred, here);
    }
    let rules = read
        .policies
        .preferences
        .iter()
        .zip(&read.rule_places.preferences);
    for (rule, span) in rules {
        preferred(sink, directory, span, &rule.prefer, held.all);
    }
    if let Some(span) = &read.rule_places.risk {
        preferred(sink, directory, span, &read.policies.risk.prefer, held.all);
    }
}

fn name_of(directory: &Directory, lacking: u64) -> Option<&String> {
    let bit = (0..64).find(|bit| lacking & (1 << bit) != 0)?;
    directory.skills.get(bit)
}

fn required(sink: &Sink, directory: &Directory, span: &Range<usize>, lacking: u64, all: u64) {
    let Some(name) = name_of(directory, lacking) else {
        return;
    };
    let message = if name_of(directory, lacking & !all) == Some(name) {
        both!(
            "没有咨询员具备技能 {name:?}，来电者会一直等",
            "no counsellor has skill {name:?}: callers would wait for ever"
        )
    } else {
        both!(
            "这些坐席组里没有咨询员具备技能 {name:?}，来电者会一直等",
            "no counsellor of these pools has skill {name:?}: callers would wait for ever"
        )
    };
    let help = both!(
        "给咨询员加上该技能，或改用 prefer",
        "give it to a counsellor, or use prefer"
    );
    sink.warn(span, message, help);
}

fn preferred(
    sink: &Sink,
    directory: &Directory,
    span: &Range<usize>,
    preferred: &[Preference],
    here: u64,
) {
    let asked = preferred
        .iter()
        .fold(0, |all, it| all | 1 << it.skill.index());
    if let Some(name) = name_of(directory, asked & !here) {
        sink.warn(
            span,
            both!(
                "优先要技能 {name:?}，但能接听的咨询员都没有",
                "skill {name:?} is preferred, but no counsellor who could answer has it"
            ),
            both!(
                "给咨询员加上该技能，或删去",
                "give it to a counsellor, or remove it"
            ),
        );
    }
}

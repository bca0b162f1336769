//! What rules and keys refer to: skills, tags, pools, trunks, seats, counsellors, each with its names.

use crate::limits::MOST_SEATS;
use crate::names::Known;
use crate::places::Places;
use crate::section::Section;
use crate::sink::both;
use crate::types::{Counsellor, Seat, Trunk};
use crate::when::Names;
use crate::{counsellors, networks, pools, routes, seats, trunks};
use meishier_model::Wall;
use meishier_routing::Table;

/// Everything with a name.
pub(crate) struct Directory {
    pub skills: Vec<String>,
    pub tags: Vec<String>,
    pub pools: Vec<pools::PoolEntry>,
    pub networks: Vec<networks::Entry>,
    pub trunks: Vec<Trunk>,
    pub seats: Vec<Seat>,
    pub counsellors: Vec<Counsellor>,
    pub places: Places,
    /// The file's zone and nothing else.
    pub clock: Table,
    known_skills: Known,
    known_tags: Known,
    known_pools: Known,
    known_trunks: Known,
    known_accounts: Known,
}

impl Directory {
    /// True if a trunk or a seat names no network.
    pub fn uses_common_rtp(&self) -> bool {
        let trunks = self.trunks.iter().map(|trunk| trunk.network);
        let mut all = trunks.chain(self.seats.iter().map(|seat| seat.network));
        all.any(|network| network.is_none())
    }

    /// The names, for those who refer to them.
    pub fn names(&self) -> Names<'_> {
        Names {
            pools: &self.known_pools,
            trunks: &self.known_trunks,
            skills: &self.known_skills,
            tags: &self.known_tags,
            accounts: &self.known_accounts,
            places: &self.places,
        }
    }
}

/// Reads everything with a name.
pub(crate) fn directory(top: &Section<'_>, zone: &str, today: Option<Wall>) -> Option<Directory> {
    let mut known_skills = Known::new("技能", "skill");
    let mut known_tags = Known::new("标签", "tag");
    let mut known_pools = Known::new("坐席组", "pool");
    let mut known_trunks = Known::new("中继", "trunk");
    let mut known_seats = Known::new("坐席", "seat");
    let places = Places::new();
    let skills = pools::skills(top, &mut known_skills);
    let tags = pools::tags(top, &mut known_tags);
    let sections = need(top, "pools", "[[pools]]", pools::MAX_POOLS);
    let pools = pools::pools(sections, &mut known_pools);
    let mut known_networks = Known::new("网络", "network");
    let networks = networks::networks(top, &mut known_networks);
    let sections = need(top, "trunks", "[[trunks]]", trunks::MAX_TRUNKS);
    let trunks = trunks::trunks(sections, &mut known_trunks, &places, &known_networks);
    let sections = need(top, "seats", "[[seats]]", MOST_SEATS);
    let seats = seats::seats(sections, &mut known_seats, &known_pools, &known_networks);

    let clock = routes::clock(zone, &places)?;
    let midnight = |date| clock.wall_on(date, 0);
    let most = counsellors::MAX_COUNSELLORS;
    let sections = need(top, "counsellors", "[[counsellors]]", most);
    let people = counsellors::People::new(&known_skills, &known_seats, today, &midnight);
    let (counsellors, known_accounts) = people.read(sections);
    Some(Directory {
        skills,
        tags,
        pools,
        networks,
        trunks,
        seats,
        counsellors,
        places,
        clock,
        known_skills,
        known_tags,
        known_pools,
        known_trunks,
        known_accounts,
    })
}

/// The tables of an array that must have at least one.
pub(crate) fn need<'f>(
    top: &Section<'f>,
    key: &'static str,
    label: &'static str,
    most: usize,
) -> Vec<Section<'f>> {
    let before = top.sink().count();
    let sections = top.tables(key, label, most);
    if sections.is_empty() && top.sink().count() == before {
        top.sink().error(
            &(0..0),
            both!("至少要有一个 {label}", "there must be at least one {label}"),
            both!(
                "加上一段 {label}，写法见随程序附带的 guizhou.toml",
                "add a {label}; the shipped guizhou.toml shows how"
            ),
        );
    }
    sections
}

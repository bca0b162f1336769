//! Everything of the routing table: read in the order in which it refers to itself, and compiled.

use crate::areas::{self, Areas};
use crate::directory::{Directory, need};
use crate::numbers::{self, Numbers};
use crate::pools::PoolEntry;
use crate::routes::{self, Routes};
use crate::rule_places::RulePlaces;
use crate::section::Section;
use crate::sink::{Sink, both, no_help};
use crate::types::Gender;
use crate::{exceptional, policies};
use meishier_model::Wall;
use meishier_routing::{
    Alias, Block, CityId, Exceptional, GazetteerError, Policies, PoolSource, Table, TableError,
    TableSource,
};
use std::ops::Range;
use std::sync::Arc;

/// The table as the file says it.
pub(crate) struct Read {
    pub routes: Routes,
    pub areas: Areas,
    pub aliases: Vec<Alias>,
    pub blocks: Vec<Block>,
    pub cells: Vec<(String, CityId)>,
    pub exceptional: Vec<Exceptional>,
    pub policies: Policies,
    /// Preferences (by index) that ask for a woman or a man, with the place.
    pub genders: Vec<(usize, Gender, Range<usize>)>,
    /// Where the cap of calls at risk stands.
    pub care_span: Range<usize>,
    pub rule_places: RulePlaces,
}

/// Reads every section of the table.
pub(crate) fn read(top: &Section<'_>, directory: &Directory, today: Option<Wall>) -> Read {
    let names = directory.names();
    let clock = &directory.clock;
    let list = |key, label, most| top.tables(key, label, most);
    let sections = need(top, "routes", "[[routes]]", routes::MAX_ROUTES);
    let routes = routes::routes(top, sections, &names);
    let areas = areas::areas(list("areas", "[[areas]]", areas::MAX_AREAS), &names);
    let sections = list("aliases", "[[aliases]]", areas::MAX_ALIASES);
    let (aliases, alias_spans) = areas::aliases(sections, &names);
    let blocks = areas::blocks(list("blocks", "[[blocks]]", areas::MAX_BLOCKS), &names);
    let cells = areas::cells(list("cells", "[[cells]]", areas::MAX_CELLS), &names);
    let sections = list("exceptional", "[[exceptional]]", exceptional::MAX_ENTRIES);
    let exceptional = exceptional::exceptional(sections, names.pools, clock);
    let (risk, risk_span) = policies::risk(top, &names);
    let (nuisance, nuisance_span) = policies::nuisance(top, &names);
    let (redial, redial_span) = policies::redial(top);
    let sections = list("preferences", "[[preferences]]", policies::MAX_PREFERENCES);
    let preferences = policies::preferences(sections, &names);
    let sections = list("numbers", "[[numbers]]", numbers::MAX_NUMBERS);
    let Numbers { listed, spans } = numbers::numbers(sections, &names, clock, today);
    Read {
        rule_places: RulePlaces {
            routes: routes.spans.clone(),
            areas: areas.spans.clone(),
            aliases: alias_spans,
            preferences: preferences.spans,
            listed: spans,
            risk: risk_span,
            nuisance: nuisance_span,
            redial: redial_span,
        },
        policies: Policies {
            first: routes.first.clone(),
            risk,
            nuisance,
            redial,
            preferences: preferences.rules,
            listed,
        },
        genders: preferences.genders,
        care_span: 0..0,
        routes,
        areas,
        aliases,
        blocks,
        cells,
        exceptional,
    }
}

/// Compiles the table once the file has no mistake left.
pub(crate) fn compile(
    sink: &Sink,
    zone: String,
    directory: &Directory,
    read: Read,
) -> Option<(Table, RulePlaces)> {
    let named = |entry: &PoolEntry| PoolSource {
        name: entry.pool.name.clone(),
        schedule: entry.schedule.clone(),
        rules: entry.rules,
    };
    let gazetteer = match directory.places.gazetteer(&read.blocks, read.cells) {
        Ok(gazetteer) => Arc::new(gazetteer),
        Err(error) => {
            note_places(sink, &error);
            return None;
        }
    };
    let trunks = directory.trunks.iter();
    let source = TableSource {
        zone,
        calendar: read.routes.calendar,
        exceptional: read.exceptional,
        pools: directory.pools.iter().map(named).collect(),
        trunk_codes: trunks.map(|trunk| trunk.area_code.clone()).collect(),
        gazetteer,
        aliases: read.aliases,
        areas: read.areas.areas,
        routes: read.routes.routes,
        default: read.routes.default?,
        policies: read.policies,
    };
    match Table::compile(source) {
        Ok(table) => Some((table, read.rule_places)),
        Err(error) => {
            note(sink, &error, &read.rule_places);
            None
        }
    }
}

/// The reader found all of these before; should one slip by, it is said rather than lost.
fn note(sink: &Sink, error: &TableError, places: &RulePlaces) {
    let route = |id: usize| places.routes.get(id).cloned();
    let span = match error {
        TableError::NoRing(id)
        | TableError::UnknownPool(Some(id), _)
        | TableError::FallingWait(id)
        | TableError::Loop(id)
        | TableError::TooManyHops(id)
        | TableError::UnknownRoute(id) => route(usize::from(id.0)),
        TableError::AreaTwice(at) => places.areas.get(*at).cloned(),
        _ => None,
    };
    let message = both!(
        "路由表无法使用：{error}",
        "the routing table cannot be used: {error}"
    );
    sink.error(&span.unwrap_or(0..0), message, no_help());
}

fn note_places(sink: &Sink, error: &GazetteerError) {
    let message = both!(
        "[[blocks]] 或 [[cells]] 无法使用：{error:?}",
        "[[blocks]] or [[cells]] cannot be used: {error:?}"
    );
    sink.error(&(0..0), message, no_help());
}

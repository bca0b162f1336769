//! Places of a call from the atlas, the segments, and the blocks and cells that are configured.

use meishier_model::TrunkId;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::atlas::{AreaCode, Atlas, CityId};
use super::prefixes::{Key, Prefixes};
use super::segments::Segments;
use super::{Confidence, Evidence, Found, Places, Source};
use crate::number::{Called, Kind};

/// Longest prefix of a number block or a cell, in bytes.
const LONGEST: usize = 64;

/// A trunk, numbers, or numbers on a trunk, and their city. Of those that hold for a call the one
/// with the longest prefix wins, then one that names the trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Trunks over which it holds; any if there is none.
    pub trunks: Vec<TrunkId>,
    /// First digits of callers' numbers in their form, such as `0731222`; every caller of the
    /// trunks if there is none.
    pub callers: Vec<String>,
    /// Their city.
    pub city: CityId,
}

/// Why blocks and cells are not taken. Whoever wrote them is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GazetteerError {
    /// A block (by its index) names a city that the atlas has not.
    UnknownCity(usize),
    /// A cell (by its index) names a city that the atlas has not.
    UnknownCellCity(usize),
    /// A prefix of a block (by its index) or of a cell is empty or longer than 64 bytes.
    BadPrefix(usize),
    /// A cell's prefix (by the cell's index) is empty or longer than 64 bytes.
    BadCell(usize),
    /// Two blocks (by their indices) give one prefix on one trunk to two cities.
    TwoCities(usize, usize),
    /// Two cells (by their indices) with one prefix and two cities.
    TwoCellCities(usize, usize),
}

/// Finds the places of a call. Built once, then only read. The default one knows no place at all.
#[derive(Clone, Default)]
pub struct Gazetteer {
    atlas: Arc<Atlas>,
    segments: Arc<Segments>,
    /// By prefix of the caller's number; the empty one is of whole trunks.
    blocks: Prefixes<OfTrunks>,
    /// By prefix in capitals.
    cells: Prefixes<CityId>,
}

/// The cities of one prefix.
#[derive(Clone, Debug, Default)]
struct OfTrunks {
    /// Ascending.
    trunks: Vec<(TrunkId, CityId)>,
    any: Option<CityId>,
}

/// What is known of the caller's side without looking at area codes.
struct Signs {
    /// By the caller's number.
    block: Option<CityId>,
    cell: Option<CityId>,
    /// By the trunk alone.
    trunk: Option<CityId>,
}

impl std::fmt::Debug for Gazetteer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gazetteer")
            .field("atlas", &self.atlas)
            .finish_non_exhaustive()
    }
}

impl Gazetteer {
    /// Compiles blocks and cells: the first digits of cell identities (`utran-cell-id-3gpp`,
    /// `cgi-3gpp`; capitals and small letters are the same), of which the longest that fits wins.
    ///
    /// # Errors
    /// The first thing that is wrong; see [`GazetteerError`].
    pub fn new(
        atlas: Arc<Atlas>,
        segments: Arc<Segments>,
        blocks: &[Block],
        cells: Vec<(String, CityId)>,
    ) -> Result<Self, GazetteerError> {
        Ok(Self {
            blocks: compile_blocks(&atlas, blocks)?,
            cells: compile_cells(&atlas, &cells)?,
            atlas,
            segments,
        })
    }

    /// Cities, provinces and area codes.
    #[must_use]
    pub fn atlas(&self) -> &Arc<Atlas> {
        &self.atlas
    }

    /// Mobile segments.
    #[must_use]
    pub fn segments(&self) -> &Arc<Segments> {
        &self.segments
    }

    /// The places of a call; see the module's description.
    #[must_use]
    pub fn places(&self, evidence: &Evidence<'_>) -> Places {
        let caller = evidence.caller;
        let kind = caller.kind();
        let signs = Signs {
            block: self.block(evidence.trunk, caller.as_bytes()),
            cell: evidence.cell.and_then(|cell| self.cell(cell)),
            trunk: self.trunk(evidence.trunk),
        };
        let segment = match kind {
            Kind::Mobile => self.segments.find(caller.as_bytes()),
            _ => None,
        };
        let own = match kind {
            Kind::Landline { .. } => self.atlas.code_of(caller.as_bytes()),
            _ => None,
        };
        let dialled = evidence.called.called();
        let called = match dialled {
            Called::HotlineOf(code) => self.atlas.find_code(code),
            Called::Hotline | Called::Other => None,
        };
        let of_code = |code: AreaCode<'_>, by| self.of_code(code, by, &signs, segment);
        let called = called.map(|code| of_code(code, Source::CalledCode));
        let line = self.line(kind, &signs, own, dialled);
        let home = match kind {
            Kind::Mobile => self.mobile_home(&signs, segment),
            Kind::Landline { .. } | Kind::Local => self.fixed_home(kind, &signs, own),
            _ => None,
        };
        let first = called.or(line).or(home);
        Places {
            called,
            here: line,
            home,
            ambiguous: first.and_then(|found| found.code.filter(|_| found.is_ambiguous())),
        }
    }

    /// Where the call is made.
    fn line(
        &self,
        kind: Kind,
        signs: &Signs,
        own: Option<AreaCode<'_>>,
        dialled: Called<'_>,
    ) -> Option<Found> {
        let fixed = kind != Kind::Mobile;
        if let Some(city) = signs.block.filter(|_| fixed) {
            return Some(self.found(city, Source::Block, Confidence::High));
        }
        if let Some(city) = signs.cell {
            return Some(self.found(city, Source::Cell, Confidence::High));
        }
        if let Some(code) = own {
            return Some(self.of_code(code, Source::AreaCode, signs, None));
        }
        // Who dials 12356 alone is where the trunk is; who dials an area code may be anywhere.
        let confidence = match dialled {
            Called::HotlineOf(_) => Confidence::Low,
            Called::Hotline | Called::Other => Confidence::Middle,
        };
        let city = signs.trunk?;
        Some(self.found(city, Source::Block, confidence))
    }

    fn mobile_home(&self, signs: &Signs, segment: Option<CityId>) -> Option<Found> {
        match signs.block {
            Some(city) => Some(self.found(city, Source::Block, Confidence::Middle)),
            None => segment.map(|city| self.found(city, Source::Segment, Confidence::Low)),
        }
    }

    /// The home of a fixed line is where it is; a cell may only settle its area code.
    fn fixed_home(&self, kind: Kind, signs: &Signs, own: Option<AreaCode<'_>>) -> Option<Found> {
        match (signs.block, own, signs.trunk) {
            (Some(city), _, _) => Some(self.found(city, Source::Block, Confidence::High)),
            (None, Some(code), _) => Some(self.of_code(code, Source::AreaCode, signs, None)),
            (None, None, Some(city)) if kind == Kind::Local => {
                Some(self.found(city, Source::Block, Confidence::Middle))
            }
            _ => None,
        }
    }

    /// The place of an area code. A sign settles a shared one only if its city is among those of
    /// the code, so that no sign sends a caller where the code cannot mean.
    fn of_code(
        &self,
        code: AreaCode<'_>,
        by: Source,
        signs: &Signs,
        segment: Option<CityId>,
    ) -> Found {
        if let Some(city) = code.city {
            return self.found(city, by, Confidence::High);
        }
        let settled = [
            (signs.block, Source::Block, Confidence::Middle),
            (signs.cell, Source::Cell, Confidence::Middle),
            (signs.trunk, Source::Block, Confidence::Middle),
            (segment, Source::Segment, Confidence::Low),
        ];
        let mut settled = settled.into_iter().filter_map(|(city, by, confidence)| {
            let city = city.filter(|city| code.cities.contains(city))?;
            Some(self.found(city, by, confidence))
        });
        settled.next().unwrap_or(Found {
            city: None,
            province: code.province,
            code: Some(code.id),
            by,
            confidence: Confidence::High,
        })
    }

    fn found(&self, city: CityId, by: Source, confidence: Confidence) -> Found {
        Found {
            city: Some(city),
            province: self.atlas.province_of(city),
            code: self.atlas.code_of_city(city),
            by,
            confidence,
        }
    }

    /// The city of the longest block that the number and the trunk fit.
    fn block(&self, trunk: TrunkId, caller: &[u8]) -> Option<CityId> {
        let mut of_numbers = self.blocks.of(Key::new(caller)).filter(|(len, _)| *len > 0);
        of_numbers.find_map(|(_, cities)| cities.of(trunk))
    }

    /// The city of the trunk, whoever calls.
    fn trunk(&self, trunk: TrunkId) -> Option<CityId> {
        self.blocks.get(Key::new(b""))?.of(trunk)
    }

    fn cell(&self, cell: &str) -> Option<CityId> {
        let mut key = [0; LONGEST];
        let len = cell.len().min(LONGEST);
        key[..len].copy_from_slice(&cell.as_bytes()[..len]);
        key.make_ascii_uppercase();
        self.cells
            .of(Key::new(&key[..len]))
            .next()
            .map(|(_, city)| *city)
    }
}

impl OfTrunks {
    fn of(&self, trunk: TrunkId) -> Option<CityId> {
        let at = self.trunks.binary_search_by_key(&trunk, |&(id, _)| id);
        let bound = at.ok().and_then(|at| self.trunks.get(at));
        bound.map(|&(_, city)| city).or(self.any)
    }
}

/// Cities by prefix and trunk, each with the index of the block that said so.
type Said = BTreeMap<Box<[u8]>, BTreeMap<Option<TrunkId>, (CityId, usize)>>;

fn compile_blocks(atlas: &Atlas, blocks: &[Block]) -> Result<Prefixes<OfTrunks>, GazetteerError> {
    let mut said = Said::new();
    for (at, block) in blocks.iter().enumerate() {
        atlas
            .city(block.city)
            .ok_or(GazetteerError::UnknownCity(at))?;
        let mut prefixes: Vec<&[u8]> = block.callers.iter().map(|p| p.as_bytes()).collect();
        if prefixes.iter().any(|p| p.is_empty() || p.len() > LONGEST) {
            return Err(GazetteerError::BadPrefix(at));
        }
        if prefixes.is_empty() {
            prefixes.push(b"");
        }
        let mut trunks: Vec<Option<TrunkId>> = block.trunks.iter().copied().map(Some).collect();
        if trunks.is_empty() {
            trunks.push(None);
        }
        for prefix in prefixes {
            let of_prefix = said.entry(prefix.into()).or_default();
            for trunk in &trunks {
                let (city, first) = *of_prefix.entry(*trunk).or_insert((block.city, at));
                if city != block.city {
                    return Err(GazetteerError::TwoCities(first, at));
                }
            }
        }
    }
    Ok(Prefixes::new(said.into_iter().map(|(prefix, cities)| {
        let mut of_trunks = OfTrunks::default();
        for (trunk, (city, _)) in cities {
            match trunk {
                Some(trunk) => of_trunks.trunks.push((trunk, city)),
                None => of_trunks.any = Some(city),
            }
        }
        (prefix, of_trunks)
    })))
}

fn compile_cells(
    atlas: &Atlas,
    cells: &[(String, CityId)],
) -> Result<Prefixes<CityId>, GazetteerError> {
    let mut said: BTreeMap<Box<[u8]>, (CityId, usize)> = BTreeMap::new();
    for (at, (prefix, city)) in cells.iter().enumerate() {
        let known = atlas.city(*city);
        known.ok_or(GazetteerError::UnknownCellCity(at))?;
        if prefix.is_empty() || prefix.len() > LONGEST {
            return Err(GazetteerError::BadCell(at));
        }
        let key = prefix.to_ascii_uppercase().into_bytes().into();
        let (other, first) = *said.entry(key).or_insert((*city, at));
        if other != *city {
            return Err(GazetteerError::TwoCellCities(first, at));
        }
    }
    let pairs = said.into_iter();
    Ok(Prefixes::new(pairs.map(|(key, (city, _))| (key, city))))
}

//! Mobile segments: the first seven digits of a mobile number, and the city it was given out in.
//!
//! Origin: a public table of segments, data of December 2023. Segments 190, 196 and 197 are thin,
//! people keep their number when they move, and since number portability also when they change
//! the carrier, so what it says is a hint. Of the 203 ranges that the table gives to 莱芜, a city until
//! 2019, the city is 济南 here.
//!
//! `data/segments.bin` holds the table's 136,121 ranges, one after the other. All numbers are
//! little-endian:
//!
//! ```text
//!   "SEG1"  ranges u32  segments u32  FNV-1a of all that follows u32  places u16
//!   places × { adcode u32, area code u16 }
//!   ranges × { word u16, [length u16], [gap u16] }
//!       word: bits 0-8 place, bits 9-14 length - 1 or 63 if it follows, bit 15 a gap follows
//! ```
//!
//! A range begins where the one before ended, or after a gap; the first after 1299999. The example
//! `segments` writes the file from lines `first,last,adcode,area_code`.

use super::atlas::{Atlas, CityId};

/// First segment there is.
const FIRST: u32 = 1_300_000;

/// Segments from `130…` to `199…`.
const ALL: u32 = 700_000;

/// Segments of one block of the index.
const BLOCK: u32 = 100;

const BUILTIN: &[u8] = include_bytes!("../../data/segments.bin");

/// No city: a gap between ranges.
const NOWHERE: u16 = u16::MAX;

/// Mobile segments, ready to be looked up: within each block of a hundred, where a run of segments
/// of one city begins, and the city. About half a megabyte.
#[derive(Clone, Default)]
pub struct Segments {
    /// Index of each block's first run, one more at the end.
    blocks: Box<[u32]>,
    /// Offset of each run within its block; the first of a block is 0.
    starts: Box<[u8]>,
    cities: Box<[u16]>,
    ranges: u32,
    segments: u32,
}

/// Why bytes are not a table of segments. Whoever made them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentsError {
    /// They end too early, or do not begin as such a table does.
    Form,
    /// They were changed since they were written.
    Checksum,
    /// A range names a place that is not there, or lies outside `1300000` to `1999999`.
    Range,
    /// Fewer or more ranges or segments than the head says.
    Count,
    /// The atlas has no city for a place.
    UnknownPlace {
        /// Its GB/T 2260 code.
        adcode: u32,
    },
}

impl std::fmt::Debug for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments")
            .field("ranges", &self.ranges)
            .finish_non_exhaustive()
    }
}

impl Segments {
    /// The table that is compiled in; empty if its bytes were broken, which a test excludes.
    #[must_use]
    pub fn builtin(atlas: &Atlas) -> Self {
        Self::read(BUILTIN, atlas).unwrap_or_else(|_| Builder::default().finish(0))
    }

    /// Reads the form of the module's description.
    ///
    /// # Errors
    /// See [`SegmentsError`].
    pub fn read(bytes: &[u8], atlas: &Atlas) -> Result<Self, SegmentsError> {
        let mut input = Input { bytes };
        if input.take::<4>()? != *b"SEG1" {
            return Err(SegmentsError::Form);
        }
        let (ranges, segments) = (input.u32()?, input.u32()?);
        if input.u32()? != fnv(input.bytes) {
            return Err(SegmentsError::Checksum);
        }
        let count = input.u16()?;
        let mut places = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            places.push(place(atlas, input.u32()?, input.u16()?)?);
        }
        let mut builder = Builder::default();
        for _ in 0..ranges {
            let word = input.u16()?;
            let length = match word >> 9 & 63 {
                63 => u32::from(input.u16()?),
                less => u32::from(less) + 1,
            };
            let gap = if word >> 15 == 1 { input.u16()? } else { 0 };
            let city = places.get(usize::from(word & 511));
            let city = city.ok_or(SegmentsError::Range)?;
            builder.run(u32::from(gap), NOWHERE)?;
            builder.run(length, city.0)?;
        }
        if !input.bytes.is_empty() || builder.covered != segments {
            return Err(SegmentsError::Count);
        }
        Ok(builder.finish(ranges))
    }

    /// The city in which a mobile number in its form (`133…`, eleven digits) was given out.
    #[must_use]
    pub fn find(&self, number: &[u8]) -> Option<CityId> {
        if number.len() != 11 || !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let head = number.iter().take(7);
        let segment = head.fold(0, |sum, b| sum * 10 + u32::from(b - b'0'));
        let at = segment.checked_sub(FIRST)?;
        let (block, offset) = (usize::try_from(at / BLOCK).ok()?, at % BLOCK);
        let from = usize::try_from(*self.blocks.get(block)?).ok()?;
        let to = usize::try_from(*self.blocks.get(block + 1)?).ok()?;
        let runs = self.starts.get(from..to)?;
        let run = runs.partition_point(|&start| u32::from(start) <= offset);
        let city = *self.cities.get(from + run.checked_sub(1)?)?;
        (city != NOWHERE).then_some(CityId(city))
    }

    /// Ranges that were read.
    #[must_use]
    pub fn ranges(&self) -> u32 {
        self.ranges
    }

    /// Segments that have a city.
    #[must_use]
    pub fn segments(&self) -> u32 {
        self.segments
    }

    /// Memory that the table takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of_val(&*self.blocks) + size_of_val(&*self.starts) + size_of_val(&*self.cities)
    }
}

/// The city of a place. 220000 is a province to GB/T 2260 and 吉林市 to the table of segments, so a
/// code that names no city is taken by its area code, then by the city in which it would lie.
fn place(atlas: &Atlas, adcode: u32, area: u16) -> Result<CityId, SegmentsError> {
    let by_area = || {
        let mut codes = atlas.codes();
        let code = codes.find(|code| code.text.parse() == Ok(area))?;
        let city = code.city?;
        let province = u32::from(atlas.city(city)?.province_code());
        (province == adcode / 10_000).then_some(city)
    };
    atlas
        .city_of_adcode(adcode)
        .or_else(by_area)
        .or_else(|| atlas.city_of_adcode(adcode / 100 * 100))
        .ok_or(SegmentsError::UnknownPlace { adcode })
}

/// FNV-1a, 32 bits.
fn fnv(bytes: &[u8]) -> u32 {
    let step = |hash: u32, &b: &u8| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step)
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SegmentsError> {
        let (head, rest) = self.bytes.split_first_chunk().ok_or(SegmentsError::Form)?;
        self.bytes = rest;
        Ok(*head)
    }

    fn u16(&mut self) -> Result<u16, SegmentsError> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, SegmentsError> {
        self.take().map(u32::from_le_bytes)
    }
}

#[derive(Default)]
struct Builder {
    blocks: Vec<u32>,
    starts: Vec<u8>,
    cities: Vec<u16>,
    /// Segments so far, gaps among them.
    end: u32,
    covered: u32,
}

impl Builder {
    /// Adds a run, cut at the borders of blocks; neighbours of one city become one.
    fn run(&mut self, length: u32, city: u16) -> Result<(), SegmentsError> {
        let end = self.end + length;
        if end > ALL {
            return Err(SegmentsError::Range);
        }
        if city != NOWHERE {
            self.covered += length;
        }
        while self.end < end {
            let offset = self.end % BLOCK;
            if offset == 0 {
                self.blocks.push(self.starts.len() as u32);
            }
            if offset == 0 || self.cities.last() != Some(&city) {
                // Offsets are below BLOCK.
                self.starts.push(offset as u8);
                self.cities.push(city);
            }
            self.end = end.min(self.end - offset + BLOCK);
        }
        Ok(())
    }

    fn finish(mut self, ranges: u32) -> Segments {
        // A last run without a city, so that nothing after the last range belongs to it; it ends
        // where all segments end, so it fits.
        let _ = self.run(ALL - self.end, NOWHERE);
        self.blocks.push(self.starts.len() as u32);
        Segments {
            blocks: self.blocks.into(),
            starts: self.starts.into(),
            cities: self.cities.into(),
            ranges,
            segments: self.covered,
        }
    }
}

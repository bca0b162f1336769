//! Skills that the file implies, behind those that it names: so their indices move no other.

/// Held by counsellors who are women, if some preference asks for them.
pub const FEMALE: &str = "女咨询员";
/// Held by counsellors who are men, if some preference asks for them.
pub const MALE: &str = "男咨询员";
/// Held by every counsellor whose cap of calls at risk is not reached ([`crate::Care::fresh`]).
pub const FRESH: &str = "可接高危";

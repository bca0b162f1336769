//! A word: a small value and the number of the change that wrote it.

/// Bits of a value.
const VALUE_BITS: u32 = 22;

/// Values are below this.
pub(crate) const VALUES: u32 = 1 << VALUE_BITS;

/// Packs a value with the number of the change that writes it. At 10,000 changes a second the 42
/// bits of the number last for 13 years without a restart.
pub(super) fn pack(value: u32, number: u64) -> u64 {
    debug_assert!(value < VALUES, "a value has 22 bits");
    (number << VALUE_BITS) | u64::from(value & (VALUES - 1))
}

/// The value.
pub(super) fn value(raw: u64) -> u32 {
    (raw & u64::from(VALUES - 1)) as u32
}

/// The number of the change that wrote it.
pub(super) fn number(raw: u64) -> u64 {
    raw >> VALUE_BITS
}

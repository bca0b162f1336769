//! How much one queue holds: what the file may ask of it. The engine checks at compile time that its
//! queue does.

/// Most calls that one engine may be told to take, and most callers that may wait.
pub const MOST_CALLS: usize = 65_536;

/// Most seats.
pub const MOST_SEATS: usize = 8192;

/// Most pools of one seat.
pub const MOST_POOLS_OF_A_SEAT: usize = 8;

/// Most lines of a pool.
pub const MOST_LINES: u16 = 4096;

/// Most rings of a route.
pub const MOST_RINGS: usize = 8;

/// Most skills that a route prefers.
pub const MOST_PREFERENCES: usize = 8;

//! Public holidays and make-up workdays of mainland China. A table, exempt from the limit on length.
//!
//! Origin: the yearly notices of the General Office of the State Council on the arrangement of
//! holidays (国务院办公厅关于部分节假日安排的通知), here for 2025 and 2026. The next year's is
//! announced each autumn; a year that is not here must be said aloud, never guessed.

use crate::calendar::Exception::{self, Holiday, Workday};

/// Year, month, day and what the day is, ascending.
#[rustfmt::skip]
pub(crate) const SHIPPED: &[(i16, i8, i8, Exception)] = &[
    (2025, 1, 1, Holiday), // New Year's Day
    (2025, 1, 26, Workday), // Spring Festival
    (2025, 1, 28, Holiday), // Spring Festival
    (2025, 1, 29, Holiday), // Spring Festival
    (2025, 1, 30, Holiday), // Spring Festival
    (2025, 1, 31, Holiday), // Spring Festival
    (2025, 2, 1, Holiday), // Spring Festival
    (2025, 2, 2, Holiday), // Spring Festival
    (2025, 2, 3, Holiday), // Spring Festival
    (2025, 2, 4, Holiday), // Spring Festival
    (2025, 2, 8, Workday), // Spring Festival
    (2025, 4, 4, Holiday), // Tomb-sweeping Day
    (2025, 4, 5, Holiday), // Tomb-sweeping Day
    (2025, 4, 6, Holiday), // Tomb-sweeping Day
    (2025, 4, 27, Workday), // Labour Day
    (2025, 5, 1, Holiday), // Labour Day
    (2025, 5, 2, Holiday), // Labour Day
    (2025, 5, 3, Holiday), // Labour Day
    (2025, 5, 4, Holiday), // Labour Day
    (2025, 5, 5, Holiday), // Labour Day
    (2025, 5, 31, Holiday), // Dragon Boat Festival
    (2025, 6, 1, Holiday), // Dragon Boat Festival
    (2025, 6, 2, Holiday), // Dragon Boat Festival
    (2025, 9, 28, Workday), // National Day
    (2025, 10, 1, Holiday), // National Day
    (2025, 10, 2, Holiday), // National Day
    (2025, 10, 3, Holiday), // National Day
    (2025, 10, 4, Holiday), // National Day
    (2025, 10, 5, Holiday), // National Day
    (2025, 10, 6, Holiday), // Mid-autumn Festival
    (2025, 10, 7, Holiday), // National Day
    (2025, 10, 8, Holiday), // National Day
    (2025, 10, 11, Workday), // National Day
    (2026, 1, 1, Holiday), // New Year's Day
    (2026, 1, 2, Holiday), // New Year's Day
    (2026, 1, 3, Holiday), // New Year's Day
    (2026, 1, 4, Workday), // New Year's Day
    (2026, 2, 14, Workday), // Spring Festival
    (2026, 2, 15, Holiday), // Spring Festival
    (2026, 2, 16, Holiday), // Spring Festival
    (2026, 2, 17, Holiday), // Spring Festival
    (2026, 2, 18, Holiday), // Spring Festival
    (2026, 2, 19, Holiday), // Spring Festival
    (2026, 2, 20, Holiday), // Spring Festival
    (2026, 2, 21, Holiday), // Spring Festival
    (2026, 2, 22, Holiday), // Spring Festival
    (2026, 2, 23, Holiday), // Spring Festival
    (2026, 2, 28, Workday), // Spring Festival
    (2026, 4, 4, Holiday), // Tomb-sweeping Day
    (2026, 4, 5, Holiday), // Tomb-sweeping Day
    (2026, 4, 6, Holiday), // Tomb-sweeping Day
    (2026, 5, 1, Holiday), // Labour Day
    (2026, 5, 2, Holiday), // Labour Day
    (2026, 5, 3, Holiday), // Labour Day
    (2026, 5, 4, Holiday), // Labour Day
    (2026, 5, 5, Holiday), // Labour Day
    (2026, 5, 9, Workday), // Labour Day
    (2026, 6, 19, Holiday), // Dragon Boat Festival
    (2026, 6, 20, Holiday), // Dragon Boat Festival
    (2026, 6, 21, Holiday), // Dragon Boat Festival
    (2026, 9, 20, Workday), // National Day
    (2026, 9, 25, Holiday), // Mid-autumn Festival
    (2026, 9, 26, Holiday), // Mid-autumn Festival
    (2026, 9, 27, Holiday), // Mid-autumn Festival
    (2026, 10, 1, Holiday), // National Day
    (2026, 10, 2, Holiday), // National Day
    (2026, 10, 3, Holiday), // National Day
    (2026, 10, 4, Holiday), // National Day
    (2026, 10, 5, Holiday), // National Day
    (2026, 10, 6, Holiday), // National Day
    (2026, 10, 7, Holiday), // National Day
    (2026, 10, 10, Workday), // National Day
];

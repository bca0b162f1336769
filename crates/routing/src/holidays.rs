//! Public holidays and make-up workdays of mainland China. A table, exempt from the limit on length.
//!
//! Origin: the yearly notices of the General Office of the State Council on the arrangement of
//! holidays (国务院办公厅关于部分节假日安排的通知), here for 2025 and 2026. The next year's is
//! announced each autumn; a year that is not here must be said aloud, never guessed.

use crate::calendar::Exception::{self, Holiday, Workday};
use Festival::{DragonBoat, Labour, MidAutumn, National, NewYear, Spring, TombSweeping};

/// The festival for which a day is free, or for which a make-up workday is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Festival {
    NewYear,
    Spring,
    TombSweeping,
    Labour,
    DragonBoat,
    MidAutumn,
    National,
}

impl Festival {
    /// Its name in Chinese and in English.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            NewYear => ("元旦", "New Year's Day"),
            Spring => ("春节", "Spring Festival"),
            TombSweeping => ("清明节", "Tomb-sweeping Day"),
            Labour => ("劳动节", "Labour Day"),
            DragonBoat => ("端午节", "Dragon Boat Festival"),
            MidAutumn => ("中秋节", "Mid-autumn Festival"),
            National => ("国庆节", "National Day"),
        }
    }
}

/// Year, month, day, what the day is and for which festival, ascending.
#[rustfmt::skip]
pub(crate) const SHIPPED: &[(i16, i8, i8, Exception, Festival)] = &[
    (2025, 1, 1, Holiday, NewYear),
    (2025, 1, 26, Workday, Spring),
    (2025, 1, 28, Holiday, Spring),
    (2025, 1, 29, Holiday, Spring),
    (2025, 1, 30, Holiday, Spring),
    (2025, 1, 31, Holiday, Spring),
    (2025, 2, 1, Holiday, Spring),
    (2025, 2, 2, Holiday, Spring),
    (2025, 2, 3, Holiday, Spring),
    (2025, 2, 4, Holiday, Spring),
    (2025, 2, 8, Workday, Spring),
    (2025, 4, 4, Holiday, TombSweeping),
    (2025, 4, 5, Holiday, TombSweeping),
    (2025, 4, 6, Holiday, TombSweeping),
    (2025, 4, 27, Workday, Labour),
    (2025, 5, 1, Holiday, Labour),
    (2025, 5, 2, Holiday, Labour),
    (2025, 5, 3, Holiday, Labour),
    (2025, 5, 4, Holiday, Labour),
    (2025, 5, 5, Holiday, Labour),
    (2025, 5, 31, Holiday, DragonBoat),
    (2025, 6, 1, Holiday, DragonBoat),
    (2025, 6, 2, Holiday, DragonBoat),
    (2025, 9, 28, Workday, National),
    (2025, 10, 1, Holiday, National),
    (2025, 10, 2, Holiday, National),
    (2025, 10, 3, Holiday, National),
    (2025, 10, 4, Holiday, National),
    (2025, 10, 5, Holiday, National),
    (2025, 10, 6, Holiday, MidAutumn),
    (2025, 10, 7, Holiday, National),
    (2025, 10, 8, Holiday, National),
    (2025, 10, 11, Workday, National),
    (2026, 1, 1, Holiday, NewYear),
    (2026, 1, 2, Holiday, NewYear),
    (2026, 1, 3, Holiday, NewYear),
    (2026, 1, 4, Workday, NewYear),
    (2026, 2, 14, Workday, Spring),
    (2026, 2, 15, Holiday, Spring),
    (2026, 2, 16, Holiday, Spring),
    (2026, 2, 17, Holiday, Spring),
    (2026, 2, 18, Holiday, Spring),
    (2026, 2, 19, Holiday, Spring),
    (2026, 2, 20, Holiday, Spring),
    (2026, 2, 21, Holiday, Spring),
    (2026, 2, 22, Holiday, Spring),
    (2026, 2, 23, Holiday, Spring),
    (2026, 2, 28, Workday, Spring),
    (2026, 4, 4, Holiday, TombSweeping),
    (2026, 4, 5, Holiday, TombSweeping),
    (2026, 4, 6, Holiday, TombSweeping),
    (2026, 5, 1, Holiday, Labour),
    (2026, 5, 2, Holiday, Labour),
    (2026, 5, 3, Holiday, Labour),
    (2026, 5, 4, Holiday, Labour),
    (2026, 5, 5, Holiday, Labour),
    (2026, 5, 9, Workday, Labour),
    (2026, 6, 19, Holiday, DragonBoat),
    (2026, 6, 20, Holiday, DragonBoat),
    (2026, 6, 21, Holiday, DragonBoat),
    (2026, 9, 20, Workday, National),
    (2026, 9, 25, Holiday, MidAutumn),
    (2026, 9, 26, Holiday, MidAutumn),
    (2026, 9, 27, Holiday, MidAutumn),
    (2026, 10, 1, Holiday, National),
    (2026, 10, 2, Holiday, National),
    (2026, 10, 3, Holiday, National),
    (2026, 10, 4, Holiday, National),
    (2026, 10, 5, Holiday, National),
    (2026, 10, 6, Holiday, National),
    (2026, 10, 7, Holiday, National),
    (2026, 10, 10, Workday, National),
];

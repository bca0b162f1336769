//! Measures routing on a table as large as the nation: decisions, loading, mobile segments.
//!
//! What lives here: a made-up nation, its callers, clocks and tables. What may not: anything that
//! looks inside the table.
//!
//! ```text
//!   shipped files ──config──► Config ───► load_ms        (files)
//!   atlas ──nation──► TableSource ──────► compile_ms     (measure)
//!                          │
//!                        Table ◄──calls── a mix of callers by day and by night
//!                          │
//!            decide_among, decide_linearly by turns ──► decision_ns, linear_over_compiled
//! ```

pub mod calls;
pub mod clock;
pub mod dice;
pub mod files;
pub mod goals;
pub mod measure;
pub mod nation;
pub mod options;
pub mod report;

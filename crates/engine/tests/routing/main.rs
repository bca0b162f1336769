//! Where calls go and what is remembered of callers, told as a person would.

mod care;
mod full;
mod hands;
mod known;
mod nuisance;
mod opening;
mod pools;
mod preferences;
mod redial;
#[path = "../world/mod.rs"]
mod world;

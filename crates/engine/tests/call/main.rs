//! Calls from INVITE to record, told as a person would.

mod end;
mod full;
mod key;
mod offer;
mod restart;
mod vanish;
mod wait;
#[path = "../world/mod.rs"]
mod world;

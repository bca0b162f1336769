//! Calls from INVITE to record, told as a person would.

mod dossier;
mod end;
mod full;
mod key;
mod offer;
mod place;
mod restart;
mod tape;
mod told;
mod vanish;
mod wait;
#[path = "../world/mod.rs"]
mod world;

//! Third parties in a conversation: the second line, supervisors, police who are not to be heard, and
//! every way in which these fail.

mod bereft;
mod call_back;
mod call_in;
mod desk;
mod fails;
mod guard;
mod many;
mod place;
mod queue;
mod quiet;
mod restart;
mod supervise;
#[path = "../world/mod.rs"]
mod world;

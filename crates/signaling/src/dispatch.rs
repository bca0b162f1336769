//! Which shard a message belongs to, without parsing it.
//!
//! A Call-ID that we made begins with `~`, the shard in four hex digits, and `-`; so the messages
//! of a call that a shard started come back to it. Any other Call-ID is hashed: all messages of a
//! call share it, so a call stays on one shard for life. After a restart with another number of
//! shards a restored call may hash elsewhere: the number may change only without calls.

use crate::names::Fnv;
use crate::scan;
use meishier_model::ShardId;

/// The shard, below `shards` (at least 1), that owns the call of these bytes. Bytes without a
/// Call-ID, which the parser will refuse, go to shard 0.
#[must_use]
pub fn shard_of(bytes: &[u8], shards: u16) -> ShardId {
    let shards = shards.max(1);
    let Some(call_id) = scan::call_id(bytes) else {
        return ShardId(0);
    };
    if let Some(ours) = ours(call_id).filter(|shard| *shard < shards) {
        return ShardId(ours);
    }
    shard_of_name(call_id, shards)
}

/// The shard, below `shards` (at least 1), of all that bears this name: the same every time.
#[must_use]
pub fn shard_of_name(name: &[u8], shards: u16) -> ShardId {
    let hash = Fnv::new().part(name).finish();
    // The low bits of FNV vary most; folding in the high half costs nothing.
    ShardId(((hash ^ hash >> 32) % u64::from(shards.max(1))) as u16)
}

/// The shard in a Call-ID of ours.
fn ours(call_id: &[u8]) -> Option<u16> {
    let [b'~', digits @ ..] = call_id else {
        return None;
    };
    let (digits, rest) = digits.split_at_checked(4)?;
    if rest.first() != Some(&b'-') {
        return None;
    }
    digits.iter().try_fold(0_u16, |n, digit| {
        Some(n << 4 | u16::from(crate::lex::hex_digit(*digit)?))
    })
}

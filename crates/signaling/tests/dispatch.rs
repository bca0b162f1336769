//! Which shard a message goes to.

mod wire;

use meishier_model::ShardId;
use meishier_signaling::{Endpoint, shard_of};
use wire::*;

#[test]
fn calls_of_ours_come_back_to_their_shard() {
    for shard in [0_u16, 1, 9, 63] {
        let mut config = config();
        config.shard = ShardId(shard);
        let mut end = Endpoint::new(config);
        end.invite(ms(1), invite(flow(meishier_signaling::Transport::Udp)))
            .unwrap();
        let bytes = end.poll_transmit().unwrap().bytes;
        assert_eq!(shard_of(&bytes, 64), ShardId(shard));
        let text = String::from_utf8(bytes).unwrap();
        let compact = text.replace("Call-ID:", "i :");
        assert_eq!(shard_of(compact.as_bytes(), 64), ShardId(shard));
    }
}

#[test]
fn everything_of_a_call_goes_to_one_shard_and_calls_spread_evenly() {
    let mut counts = [0_u32; 7];
    for n in 0..7000 {
        let mut caller = Caller::new(n);
        let shard = shard_of(caller.invite().as_bytes(), 7);
        assert_eq!(shard, shard_of(caller.cancel().as_bytes(), 7));
        caller.to_tag = "x".into();
        assert_eq!(shard, shard_of(caller.bye().as_bytes(), 7));
        counts[usize::from(shard.0)] += 1;
    }
    assert!(counts.iter().all(|n| (800..1200).contains(n)), "{counts:?}");
}

#[test]
fn forged_and_broken_call_ids_stay_within_bounds() {
    let message = |id: &str| format!("BYE sip:a SIP/2.0\r\nCall-ID: {id}\r\n\r\n");
    for id in ["~ffff-x", "~0002", "~00g1-x", "~", "~é€-", "", "~0001-x"] {
        for shards in [0, 1, 2, 64] {
            let shard = shard_of(message(id).as_bytes(), shards);
            assert!(shard.0 < shards.max(1));
        }
    }
    assert_eq!(shard_of(message("~0001-x").as_bytes(), 2), ShardId(1));
    assert_eq!(shard_of(b"rubbish", 8), ShardId(0));
    assert_eq!(shard_of(b"", 8), ShardId(0));
}

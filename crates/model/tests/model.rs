//! Identifiers, numbers and time.

use meishier_model::{CallId, Class, DialString, Mono, ShardId, SkillId, SkillSet, Wall};
use std::time::Duration;

#[test]
fn a_call_names_its_shard_and_is_read_back() {
    let call = CallId::new(ShardId(3), 77);
    assert_eq!(call.shard(), ShardId(3));
    assert_eq!(CallId::parse(&call.to_string()), Some(call));
    for bad in [
        "",
        "0",
        "zz00000000000000",
        "00000000000000001",
        "0003000000000 4d",
    ] {
        assert_eq!(CallId::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_restart_a_millisecond_later_repeats_no_identifier() {
    let first = CallId::first_count(Wall(1_772_589_600_000));
    let second = CallId::first_count(Wall(1_772_589_600_001));
    assert_eq!(second - first, 128);
    let far = CallId::first_count(Wall(2_145_888_000_000));
    assert!(far > second, "until 2039 at least the count does not wrap");
}

#[test]
fn a_number_is_never_shown_whole() {
    let number = DialString::new("13360096745");
    assert_eq!(number.to_string(), "133****6745");
    assert_eq!(format!("{number:?}"), "133****6745");
    assert_eq!(DialString::new("8001").to_string(), "****01");
    assert_eq!(DialString::new("").to_string(), "");
    assert_eq!(number.reveal(), "13360096745");
    assert_eq!(DialString::new(&"长".repeat(100)).reveal().len(), 63);
}

#[test]
fn skills_and_classes_keep_their_limits() {
    assert!(SkillId::new(63).is_some() && SkillId::new(64).is_none());
    assert!(Class::new(7).is_some() && Class::new(8).is_none());
    let set = SkillSet::EMPTY
        .with(SkillId::new(0).unwrap())
        .with(SkillId::new(63).unwrap());
    assert!(set.covers(SkillSet::EMPTY.with(SkillId::new(63).unwrap())));
    assert!(!SkillSet::EMPTY.covers(set));
}

#[test]
fn monotonic_time_never_underflows() {
    assert_eq!(Mono(5).since(Mono(9)), Duration::ZERO);
    assert_eq!(Mono(u64::MAX) + Duration::from_secs(1), Mono(u64::MAX));
}

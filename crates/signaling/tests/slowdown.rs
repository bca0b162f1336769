//! Whom an office's own telephones with old passwords must not keep out.

use meishier_model::Mono;
use meishier_signaling::slowdown::Slowdown;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const OFFICE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
/// Somebody of the office who has not failed.
const NEIGHBOUR: u64 = 999;

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

#[test]
fn one_telephone_with_an_old_password_keeps_nobody_else_of_its_office_out() {
    let mut slow = Slowdown::default();
    let mut tries = 0;
    // A whole day, as often as it is let, and seldom enough to be forgotten in between.
    for (every, until) in [(1, 43_200), (1000, 86_400)] {
        for second in (until - 43_200..until).step_by(every) {
            if slow.wait(at(second), OFFICE, 7).is_none() {
                slow.failed(at(second), OFFICE, 7);
                tries += 1;
            }
            assert_eq!(slow.wait(at(second), OFFICE, NEIGHBOUR), None);
        }
    }
    assert!(tries > 100, "{tries}");
}

#[test]
fn some_telephones_that_fail_now_and_then_never_add_up() {
    let mut slow = Slowdown::default();
    // Ten of them, each every twenty minutes: always one within the last quarter of an hour.
    for n in 0..720 {
        let now = at(n * 120);
        slow.failed(now, OFFICE, n % 10);
        assert_eq!(slow.wait(now, OFFICE, NEIGHBOUR), None, "after {n}");
    }
}

#[test]
fn who_has_tried_many_users_is_free_again_by_and_by() {
    let mut slow = Slowdown::default();
    for user in 0..52 {
        slow.failed(at(0), OFFICE, user);
    }
    let two = Duration::from_secs(2);
    assert_eq!(slow.wait(at(0), OFFICE, NEIGHBOUR), Some(two));
    // Three minutes later it is 49 and this one.
    slow.failed(at(180), OFFICE, 52);
    assert_eq!(slow.wait(at(180), OFFICE, NEIGHBOUR), None);
    slow.failed(at(180), OFFICE, 53);
    let one = Duration::from_secs(1);
    assert_eq!(slow.wait(at(180), OFFICE, NEIGHBOUR), Some(one));
}

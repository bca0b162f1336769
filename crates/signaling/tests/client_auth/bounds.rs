//! Carriers that never have enough, challenges without sense, and what is printed.

use crate::verifier::*;
use crate::wire::*;
use crate::{account, bench, call, proxy, refuse, stale, www};
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn nothing_that_is_printed_tells_the_password() {
    let account = account();
    let text = format!("{account:?}");
    assert!(!text.contains(PASSWORD) && !text.contains(USER), "{text}");
}

#[test]
fn a_carrier_that_never_has_enough_gets_a_bounded_number_of_requests() {
    // Always another realm; always stale; both; many at once.
    type Next = fn(u32) -> String;
    let carriers: [(Next, usize); 4] = [
        (|n| www(&format!("r{n}"), &format!("n{n}")), 5),
        (|n| stale(&www("r", &format!("n{n}"))), 3),
        (|n| stale(&www(&format!("r{}", n % 3), &format!("n{n}"))), 7),
        (
            |n| {
                (0..40)
                    .map(|i| proxy(&format!("r{i}-{n}"), "n"))
                    .collect::<String>()
            },
            1,
        ),
    ];
    for (next, most) in carriers {
        let mut b = bench();
        let (mut request, _) = call(&mut b);
        let mut sent = 1;
        for n in 0..50 {
            refuse(&mut b, &request, 401, &next(n));
            match b.sent.last() {
                Some(last) if last.method_str() == "INVITE" => request = last.clone(),
                _ => break,
            }
            sent += 1;
        }
        assert!(sent <= most, "{sent} INVITEs of {most}");
        assert_eq!(b.take_events(), ["Failed 401", "Gone"]);
        b.assert_empty_after(Duration::from_secs(60));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever stands in the challenges, the call ends or goes on, within a bound, and every message
    /// of ours can be read.
    #[test]
    fn mutated_challenges_neither_panic_nor_loop(
        values in proptest::collection::vec(
            (0_usize..4, 0_usize..200, proptest::collection::vec(any::<u8>(), 0..12)),
            1..12,
        ),
        cut in 0_usize..160,
    ) {
        let mut b = bench();
        let (mut request, _) = call(&mut b);
        let mut rounds = 0;
        for (kind, at, noise) in values {
            let base = match kind {
                0 => www("r", "n"),
                1 => stale(&www("r", "n2")),
                2 => proxy("q \\\" x", "n"),
                _ => format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{}\"\r\n", "n".repeat(cut)),
            };
            let mut bytes = base.trim_end().as_bytes().to_vec();
            let at = at.min(bytes.len());
            bytes.splice(at..at, noise.into_iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0)));
            bytes.truncate(bytes.len().max(20) - cut.min(3));
            let mut text = reply(&request, if kind == 2 { 407 } else { 401 }, "t", "", "").into_bytes();
            let end = text.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
            bytes.extend_from_slice(b"\r\n");
            text.splice(end..end, bytes);
            b.sent.clear();
            b.end.handle_message(b.now, b.flow, &text);
            b.drain();
            if let Some(last) = b.sent.last().filter(|m| m.method_str() == "INVITE") {
                request = last.clone();
                rounds += 1;
            }
        }
        prop_assert!(rounds <= 8);
    }
}

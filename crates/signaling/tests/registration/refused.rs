//! Refusals and failures: how long we wait, and what becomes of the binding meanwhile.

use crate::wire::*;
use crate::{Line, s, seen};
use meishier_model::Mono;
use meishier_signaling::RegistrationState::*;
use meishier_signaling::registration::ContactMode;
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn refusals_that_stay_are_tried_again_rarely() {
    for status in [300, 400, 403, 404, 405, 420, 482, 600, 603] {
        let mut line = Line::started();
        line.answer(status, "");
        assert_eq!((line.it.state(), line.it.status()), (Refused, status));
        let wait = line.until_next(s(1201));
        assert!((s(600)..=s(1201)).contains(&wait), "{status}: {wait:?}");
        assert_eq!(line.it.state(), Registering);
        line.answer(200, "");
        assert_eq!(line.it.state(), Registered, "and taken again once it is");
    }
    // A wrong password: the second challenge is final, and nothing is hammered.
    let mut line = Line::started();
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
    line.answer(401, challenge);
    line.answer(401, challenge);
    assert_eq!((line.it.state(), line.it.status()), (Refused, 401));
    assert!(line.until_next(s(1201)) >= s(600));
}

#[test]
fn failures_that_pass_are_tried_again_at_growing_distance() {
    let mut line = Line::started();
    let mut least = s(15);
    for n in 0..10 {
        match n % 3 {
            0 => line.answer(503, ""),
            1 => line.answer(500, ""),
            // Nobody answers: timer F.
            _ => {
                line.pass(s(32));
                assert_eq!(line.it.status(), 408);
            }
        }
        assert_eq!(line.it.state(), Waiting, "try {n}");
        let wait = line.until_next(s(1801));
        assert!(
            wait >= least && wait <= least * 2 + s(1),
            "try {n}: {wait:?} of {least:?}"
        );
        least = (least * 2).min(s(900));
    }
    line.answer(200, "");
    assert_eq!(line.it.state(), Registered);
    line.until_next(s(3001));
    line.answer(503, "");
    let wait = line.until_next(s(60));
    assert!(wait <= s(31), "counted from the start again: {wait:?}");
}

#[test]
fn retry_after_is_kept_within_reason() {
    for (header, least, most) in [
        ("Retry-After: 300\r\n", 300, 301),
        ("Retry-After: 120 (back soon);duration=5\r\n", 120, 121),
        ("Retry-After: 120;duration=5\r\n", 120, 121),
        ("Retry-After: 99999999\r\n", 1800, 1801),
    ] {
        let mut line = Line::started();
        line.answer(503, header);
        let wait = line.until_next(s(2000));
        assert!((s(least)..=s(most)).contains(&wait), "{header}: {wait:?}");
    }
}

#[test]
fn a_refresh_that_fails_leaves_the_binding_until_it_runs_out() {
    let mut line = Line::bound("Expires: 120\r\n");
    line.until_next(s(61));
    line.answer(503, "");
    assert_eq!(line.it.state(), Overdue);
    assert!(line.it.state().is_bound());
    let wait = line.until_next(s(31));
    assert!(wait >= s(5));
    line.answer(200, "Expires: 120\r\n");
    assert_eq!(line.it.state(), Registered, "it came back in time");
    // Now nobody answers any more: 60 s to the refresh, 60 s to the end.
    line.pass(s(119));
    assert!(line.it.state().is_bound());
    line.pass(s(2));
    assert!(!line.it.state().is_bound(), "{:?}", line.it);
    line.pass(s(300));
    assert!(!line.it.state().is_bound());
}

#[test]
fn a_refresh_that_is_refused_leaves_the_binding_until_it_runs_out() {
    for status in [302, 400, 403, 404, 420, 600] {
        let mut line = Line::bound("Expires: 3600\r\nService-Route: <sip:edge.example;lr>\r\n");
        line.until_next(s(3001));
        line.answer(status, "");
        assert_eq!((line.it.state(), line.it.status()), (Overdue, status));
        assert_eq!(line.it.route(), "<sip:edge.example;lr>");
        // The carrier's bad hour is over soon, and nobody waits twenty minutes for it.
        let wait = line.until_next(s(31));
        assert!(wait >= s(15), "{status}: {wait:?}");
        line.answer(200, "Expires: 120\r\n");
        assert_eq!(line.it.state(), Registered);
        // Now it is refused to the end.
        let mut tries = 0;
        while line.it.state().is_bound() {
            line.until_next(s(61));
            if line.it.state().is_bound() {
                line.answer(status, "");
                tries += 1;
            }
        }
        assert!((2..10).contains(&tries), "{tries}");
        line.answer(status, "");
        assert_eq!(line.it.state(), Refused);
        assert!(line.until_next(s(1201)) >= s(600), "and then rarely");
    }
}

#[test]
fn no_number_is_used_again_after_an_answer_to_a_challenge_that_nobody_answered() {
    let mut line = Line::started();
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
    line.answer(401, challenge);
    line.answer(
        401,
        &challenge
            .replace("qop", "stale=true, qop")
            .replace("\"n\"", "\"m\""),
    );
    let used = line.last().cseq().0;
    line.pass(s(32));
    assert_eq!((line.it.state(), line.it.status()), (Waiting, 408));
    line.until_next(s(31));
    let next = line.last().cseq().0;
    assert!(next > used, "§10.2: {next} after {used}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a registrar answers, requests stay apart, and once it behaves the binding comes back
    /// within its longest wait.
    #[test]
    fn no_registrar_makes_us_hammer_and_the_binding_comes_back(
        answers in proptest::collection::vec((0_usize..9, 0_u32..5000), 1..60),
    ) {
        let mut line = Line::with(|config| config.contact = ContactMode::AsSeen);
        line.start();
        let mut sent: Vec<Mono> = Vec::new();
        for (kind, number) in answers {
            if line.it.pending().is_some() {
                let request = line.last();
                sent.push(line.b.now);
                let text = match kind {
                    0 => reply(&request, 503, "r", &format!("Retry-After: {number}\r\n"), ""),
                    1 => reply(&request, 423, "r", &format!("Min-Expires: {number}\r\n"), ""),
                    2 => reply(&request, 401, "r", &format!("WWW-Authenticate: Digest realm=\"{}\", nonce=\"{number}\", stale={}\r\n", number % 3, number % 2 == 0), ""),
                    3 => reply(&request, 403, "r", "", ""),
                    4 => seen(&request, 200, &format!("received=203.0.113.7;rport={number}"), &format!("Expires: {number}\r\n")),
                    5 => reply(&request, 200, "r", &format!("Contact: <sip:x>;expires={number}\r\n"), ""),
                    6 => reply(&request, 200, "r", "Contact: *\r\nExpires: -1\r\nService-Route: <sip:\r\n", ""),
                    7 => reply(&request, 699, "r", "", ""),
                    _ => reply(&request, 200, "r", "", ""),
                };
                line.b.receive(&text);
                line.drain();
            } else {
                line.pass(Duration::from_millis(u64::from(number)));
            }
        }
        // No second with more than a chain of challenges and of two tries at once.
        for window in sent.windows(24) {
            prop_assert!(window[23].0 - window[0].0 >= 1_000_000, "too many at {:?}", window[0]);
        }
        let limit = line.b.now + s(1800 + 1200 + 64);
        while !line.it.state().is_bound() && line.b.now < limit {
            match line.it.pending() {
                Some(_) => {
                    let text = reply(&line.last(), 200, "r", "Expires: 3600\r\n", "");
                    line.b.receive(&text);
                    line.drain();
                }
                None => line.pass(s(1)),
            }
        }
        prop_assert!(line.it.state().is_bound());
    }
}

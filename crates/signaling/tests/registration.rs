//! We ourselves as a registrar's client: intervals, refusals, back-off, NAT, and taking leave.

mod verifier;
mod wire;

use meishier_model::Mono;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::registration::ContactMode;
use meishier_signaling::{
    Account, AccountId, Event, Registration, RegistrationConfig, RegistrationState, Transport,
};
use proptest::prelude::*;
use std::time::Duration;
use verifier::*;
use wire::*;

use RegistrationState::*;

const US: AccountId = AccountId(0);

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A registration, its endpoint and a registrar made of text.
struct Line {
    b: Bench,
    it: Registration,
    way: bool,
}

impl Line {
    fn with(change: impl FnOnce(&mut RegistrationConfig)) -> Self {
        let mut b = Bench::udp();
        b.end.set_account(
            US,
            Some(Account {
                user: USER.into(),
                password: PASSWORD.into(),
            }),
        );
        let mut config = RegistrationConfig {
            registrar: "sip:ims.example".into(),
            aor: "sip:+8685112356@ims.example".into(),
            contact_user: "12356".into(),
            contact: ContactMode::Own,
            expires: s(3600),
            account: Some(US),
        };
        change(&mut config);
        let it = Registration::new(config);
        Self { b, it, way: true }
    }

    fn started() -> Self {
        let mut line = Self::with(|_| ());
        line.start();
        line
    }

    /// Bound for an hour, or for what `headers` say.
    fn bound(headers: &str) -> Self {
        let mut line = Self::started();
        line.answer(200, headers);
        assert_eq!(line.it.state(), Registered);
        line.b.sent.clear();
        line
    }

    fn flow(&self) -> Option<meishier_signaling::Flow> {
        self.way.then_some(self.b.flow)
    }

    fn start(&mut self) {
        let flow = self.flow();
        self.it.start(self.b.now, &mut self.b.end, flow);
        self.drain();
    }

    fn leave(&mut self) {
        let flow = self.flow();
        self.it.leave(self.b.now, &mut self.b.end, flow);
        self.drain();
    }

    fn drain(&mut self) {
        self.b.drain();
        let flow = self.flow();
        for event in std::mem::take(&mut self.b.events) {
            let Event::RegisterDone { id, status, reply } = event else {
                panic!("{event:?}");
            };
            let done = (id, status, reply.as_ref());
            let ours = self.it.handle_done(self.b.now, &mut self.b.end, flow, done);
            assert!(ours);
        }
        self.b.drain();
    }

    fn last(&self) -> Message {
        self.b.last().clone()
    }

    fn answer(&mut self, status: u16, headers: &str) {
        let text = reply(&self.last(), status, "r", headers, "");
        self.b.receive(&text);
        self.drain();
    }

    /// Lets time pass to the microsecond of everything that is due.
    fn pass(&mut self, time: Duration) {
        let until = self.b.now + time;
        loop {
            let next = [self.it.poll_timeout(), self.b.end.poll_timeout()];
            let next = next.into_iter().flatten().min().filter(|at| *at <= until);
            let Some(at) = next else { break };
            self.b.now = self.b.now.max(at);
            self.b.end.handle_timeout(self.b.now);
            self.drain();
            let flow = self.flow();
            self.it.handle_timeout(self.b.now, &mut self.b.end, flow);
            self.drain();
        }
        self.b.now = until;
    }

    /// How long until the next REGISTER leaves.
    fn until_next(&mut self, most: Duration) -> Duration {
        self.b.sent.clear();
        let start = self.b.now;
        while self.b.sent.is_empty() {
            self.pass(Duration::from_millis(500));
            assert!(
                self.b.now.0 - start.0 <= most.as_micros() as u64,
                "nothing within {most:?}"
            );
        }
        Duration::from_micros(self.b.now.0 - start.0)
    }
}

fn expires_of(request: &Message) -> Vec<String> {
    let contacts = request.contacts().map(|it| it.unwrap());
    contacts
        .map(|it| format!("{} {}", it.uri, it.params.value("expires").unwrap()))
        .collect()
}

#[test]
fn the_first_register_says_what_the_rfc_asks_for() {
    let line = Line::started();
    let register = line.last();
    assert_eq!(register.method_str(), "REGISTER");
    assert_eq!(register.request_uri(), "sip:ims.example", "§10.2: no user");
    assert_eq!(
        register.to_addr().unwrap().uri,
        "sip:+8685112356@ims.example"
    );
    assert_eq!(
        register.from_addr().unwrap().uri,
        "sip:+8685112356@ims.example"
    );
    assert!(register.from_tag().is_some() && register.to_tag().is_none());
    assert_eq!(expires_of(&register), ["sip:12356@192.0.2.1:5060 3600"]);
    assert_eq!(register.header(HeaderName::Expires), Some("3600"));
    assert_eq!(
        register.header(HeaderName::Supported),
        Some("path"),
        "RFC 3327 §5.1"
    );
    assert_eq!(line.it.state(), Registering);
    assert!(!line.it.state().is_bound());
}

#[test]
fn it_is_bound_after_a_challenge_and_refreshed_with_the_nonce_at_hand() {
    let mut line = Line::started();
    let first = line.last();
    line.answer(401, "WWW-Authenticate: Digest realm=\"ims.example\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n");
    let second = line.last();
    assert_eq!(
        shown(&second, "Authorization"),
        [("ims.example".into(), "n1".into(), 1)]
    );
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.cseq().0, first.cseq().0 + 1);
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=600\r\n");
    assert_eq!(line.it.state(), Registered);
    assert_eq!(line.until_next(s(301)), s(300), "half of a short interval");
    assert_eq!(line.it.state(), Refreshing);
    assert!(line.it.state().is_bound(), "until the old one runs out");
    let third = line.last();
    assert_eq!(third.call_id(), first.call_id(), "§10.2: the same Call-ID");
    assert_eq!(third.cseq().0, second.cseq().0 + 1, "§10.2: rising by one");
    assert_eq!(third.from_tag(), first.from_tag());
    assert_eq!(
        shown(&third, "Authorization"),
        [("ims.example".into(), "n1".into(), 2)]
    );
    // The nonce has grown old: one more round, and bound all the time.
    line.answer(401, "WWW-Authenticate: Digest realm=\"ims.example\", nonce=\"n2\", stale=true, qop=\"auth\", algorithm=SHA-256\r\n");
    assert_eq!(
        shown(&line.last(), "Authorization"),
        [("ims.example".into(), "n2".into(), 1)]
    );
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=600\r\n");
    // Another realm from one day to the next.
    line.until_next(s(301));
    line.answer(
        401,
        "WWW-Authenticate: Digest realm=\"other\", nonce=\"n3\", qop=\"auth\"\r\n",
    );
    assert_eq!(
        shown(&line.last(), "Authorization"),
        [("other".into(), "n3".into(), 1)]
    );
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=600\r\n");
    assert_eq!(line.it.state(), Registered);
}

#[test]
fn the_interval_is_the_contacts_own_then_that_of_the_header_then_ours() {
    for (headers, first) in [
        (
            "Contact: <sip:12356@192.0.2.1:5060>;expires=100\r\nExpires: 900\r\n",
            50,
        ),
        (
            "Contact: <sip:12356@192.0.2.1:5060>\r\nExpires: 900\r\n",
            450,
        ),
        ("Expires: 900\r\n", 450),
        ("", 3000),
        ("Contact: <sip:12356@192.0.2.1:5060>;expires=1201\r\n", 601),
        ("Contact: <sip:12356@192.0.2.1:5060>;expires=1200\r\n", 600),
        // Others are bound there too.
        (
            "Contact: <sip:x@192.0.2.77:5060>;expires=4, <sip:12356@192.0.2.1:5060>;expires=100\r\n",
            50,
        ),
        // Somebody on the way wrote another address.
        ("Contact: <sip:12356@10.0.0.9:6060>;expires=100\r\n", 50),
        ("Contact: <sip:12356@192.0.2.1>;expires=100\r\n", 50),
        (
            "Contact: <sip:12356@192.0.2.1:5060>;expires=99999999999\r\n",
            85_800,
        ),
        ("Contact: <sip:12356@192.0.2.1:5060>;expires=1\r\n", 1),
    ] {
        let mut line = Line::bound(headers);
        assert_eq!(line.until_next(s(90_000)), s(first), "{headers}");
    }
    // Granted nothing: then nothing is bound.
    let mut line = Line::started();
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=0\r\n");
    assert_eq!(line.it.state(), Waiting);
}

#[test]
fn an_interval_too_brief_is_made_longer_as_the_423_says_and_not_for_ever() {
    let mut line = Line::with(|config| config.expires = s(60));
    line.start();
    line.answer(423, "Min-Expires: 1800\r\n");
    assert_eq!(expires_of(&line.last()), ["sip:12356@192.0.2.1:5060 1800"]);
    line.answer(423, "Min-Expires: 3600\r\n");
    assert_eq!(expires_of(&line.last()), ["sip:12356@192.0.2.1:5060 3600"]);
    line.answer(423, "Min-Expires: 7200\r\n");
    assert_eq!(line.it.state(), Refused);
    // One that asks for less than was asked, or for more than a day, or for nothing.
    for header in [
        "Min-Expires: 30\r\n",
        "Min-Expires: 86401\r\n",
        "Min-Expires: x\r\n",
        "",
    ] {
        let mut line = Line::with(|config| config.expires = s(60));
        line.start();
        line.answer(423, header);
        assert_eq!(line.it.state(), Refused, "{header}");
        assert_eq!(line.it.status(), 423);
    }
}

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

#[test]
fn leaving_takes_the_binding_back() {
    let mut line = Line::bound("");
    line.leave();
    let register = line.last();
    assert_eq!(
        expires_of(&register),
        ["sip:12356@192.0.2.1:5060 0"],
        "§10.2.2: ours alone"
    );
    assert_eq!(register.header(HeaderName::Expires), Some("0"));
    assert_eq!(line.it.state(), Leaving);
    line.answer(
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
    );
    assert_eq!(
        shown(&line.last(), "Authorization").len(),
        1,
        "with credentials if asked"
    );
    line.answer(200, "");
    assert_eq!(line.it.state(), Unregistered);
    assert_eq!(line.it.poll_timeout(), None);
    // It may begin again, with numbers that go on.
    let before = line.last();
    line.start();
    assert_eq!(line.last().call_id(), before.call_id());
    assert_eq!(line.last().cseq().0, before.cseq().0 + 1);
}

#[test]
fn leaving_waits_for_the_request_under_way_and_for_nothing_else() {
    // §10.2: no new request before the final response to the one before.
    let mut line = Line::started();
    line.b.sent.clear();
    line.leave();
    assert!(line.b.sent.is_empty());
    let pending = line.it.pending();
    assert!(pending.is_some());
    line.pass(Duration::from_millis(400));
    line.b.now = line.b.now + Duration::from_millis(200);
    line.b.end.handle_timeout(line.b.now);
    line.drain();
    line.answer(200, "");
    assert_eq!(expires_of(&line.last())[0], "sip:12356@192.0.2.1:5060 0");
    line.pass(s(33));
    assert_eq!(line.it.state(), Unregistered, "without an answer too");
    // Nothing was bound: nothing is sent.
    let mut line = Line::started();
    line.answer(503, "");
    line.b.sent.clear();
    line.leave();
    assert_eq!(line.it.state(), Unregistered);
    assert!(line.b.sent.is_empty());
    let mut line = Line::bound("");
    line.way = false;
    line.leave();
    assert_eq!(line.it.state(), Unregistered, "nor where there is no way");
}

/// As [`reply`], with what the registrar saw in Via.
fn seen(request: &Message, status: u16, via: &str, headers: &str) -> String {
    let text = reply(request, status, "r", headers, "");
    text.replacen(";rport", &format!(";{via}"), 1)
}

#[test]
fn the_address_that_a_nat_shows_becomes_the_contact() {
    let mut line = Line::with(|config| config.contact = ContactMode::AsSeen);
    line.start();
    let first = line.last();
    line.b.receive(&seen(
        &first,
        200,
        "received=203.0.113.7;rport=40123",
        "Expires: 600\r\n",
    ));
    line.drain();
    let second = line.last();
    assert_eq!(second.cseq().0, first.cseq().0 + 1, "at once");
    assert_eq!(
        expires_of(&second),
        [
            "sip:12356@203.0.113.7:40123 3600",
            "sip:12356@192.0.2.1:5060 0"
        ],
        "the new one in the place of the old"
    );
    line.b.receive(&seen(
        &second,
        200,
        "received=203.0.113.7;rport=40123",
        "Contact: <sip:12356@203.0.113.7:40123>;expires=600\r\n",
    ));
    line.drain();
    assert_eq!(line.it.state(), Registered);
    assert_eq!(line.until_next(s(301)), s(300));
    assert_eq!(
        expires_of(&line.last()),
        ["sip:12356@203.0.113.7:40123 3600"]
    );
    line.answer(200, "");
    line.leave();
    assert_eq!(expires_of(&line.last()), ["sip:12356@203.0.113.7:40123 0"]);
}

#[test]
fn a_nat_that_shows_another_port_every_time_does_not_make_us_hammer() {
    let mut line = Line::with(|config| config.contact = ContactMode::AsSeen);
    line.start();
    let mut sent = 0;
    for port in 40_000..40_050 {
        let before = line.last();
        line.b.receive(&seen(
            &before,
            200,
            &format!("received=203.0.113.7;rport={port}"),
            "Expires: 600\r\n",
        ));
        line.drain();
        if line.last().cseq() == before.cseq() {
            break;
        }
        sent += 1;
    }
    assert_eq!(sent, 2);
    assert_eq!(line.it.state(), Registered);
    // Without as_seen nothing of it is looked at.
    let mut line = Line::started();
    let first = line.last();
    line.b
        .receive(&seen(&first, 200, "received=203.0.113.7;rport=40123", ""));
    line.drain();
    assert_eq!(line.last().cseq(), first.cseq());
}

#[test]
fn a_service_route_is_kept_as_long_as_the_binding() {
    let route = "<sip:s1.ims.example;lr>, <sip:s2.ims.example:5070;lr;x=1>";
    let mut line = Line::bound(&format!("Service-Route: {route}\r\nExpires: 120\r\n"));
    assert_eq!(line.it.route(), route);
    line.until_next(s(61));
    line.answer(
        200,
        "Service-Route: <sip:s3.ims.example;lr>\r\nExpires: 120\r\n",
    );
    assert_eq!(
        line.it.route(),
        "<sip:s3.ims.example;lr>",
        "RFC 3608 §6.1: the newest"
    );
    line.until_next(s(61));
    line.answer(403, "");
    assert_eq!(line.it.route(), "<sip:s3.ims.example;lr>", "still bound");
    line.pass(s(61));
    assert_eq!(line.it.route(), "");
    for bad in ["<sip:strict.example>", "nonsense", "<sip:a;lr>, <mailto:x>"] {
        let line = Line::bound(&format!("Service-Route: {bad}\r\n"));
        assert_eq!(line.it.route(), "", "{bad}");
    }
}

#[test]
fn without_a_way_to_the_registrar_it_waits() {
    let mut line = Line::with(|_| ());
    line.way = false;
    line.start();
    assert_eq!((line.it.state(), line.it.status()), (Waiting, 503));
    assert!(line.b.sent.is_empty());
    line.way = true;
    line.until_next(s(31));
    assert_eq!(line.it.state(), Registering);
}

#[test]
fn a_connection_that_fails_is_tried_again_on_a_new_one() {
    let mut line = Line::with(|_| ());
    line.b.flow = flow(Transport::Tcp);
    line.start();
    assert_eq!(
        expires_of(&line.last()),
        ["sip:12356@192.0.2.1:5060;transport=tcp 3600"]
    );
    line.b.end.handle_flow_failed(line.b.now, line.b.flow);
    line.drain();
    assert_eq!((line.it.state(), line.it.status()), (Waiting, 503));
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

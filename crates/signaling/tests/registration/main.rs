//! We ourselves as a registrar's client: intervals, refusals, back-off, NAT, and taking leave.

mod bound;
mod paths;
mod refused;
#[path = "../verifier/mod.rs"]
mod verifier;
#[path = "../wire/mod.rs"]
mod wire;

use meishier_signaling::RegistrationState::*;
use meishier_signaling::message::Message;
use meishier_signaling::registration::ContactMode;
use meishier_signaling::{Account, AccountId, Event, Registration, RegistrationConfig};
use std::time::Duration;
use verifier::*;
use wire::*;

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

/// As [`reply`], with what the registrar saw in Via.
fn seen(request: &Message, status: u16, via: &str, headers: &str) -> String {
    let text = reply(request, status, "r", headers, "");
    text.replacen(";rport", &format!(";{via}"), 1)
}

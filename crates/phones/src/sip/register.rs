//! REGISTER with digest, renewed before it expires (RFC 3261 §10.2, §22.2).

use super::client::Owner;
use super::digest::{Challenge, Credentials};
use super::message::{self, RequestParts};
use super::stack::Stack;
use super::timers::Due;
use super::uac::challenges;
use crate::phone::{Register, RegisterError};
use rsip::prelude::HeadersExt;
use rsip::{Header, Method, Response};
use std::time::Duration;
use tokio::sync::oneshot;

/// Whoever waits for the outcome of a REGISTER: the time granted, zero after unregistering.
pub(crate) type Waiting = oneshot::Sender<Result<Duration, RegisterError>>;

/// A phone's registration, from the first REGISTER to the end of the bank.
pub(crate) struct Registration {
    wanted: Register,
    call_id: String,
    tag: String,
    cseq: u32,
    challenge: Option<Challenge>,
    /// How many challenges were answered for the request under way.
    answered: u8,
    /// Expires of the request under way.
    asked: u32,
    /// False after unregistering: the refresh that is due then does nothing.
    on: bool,
    waiting: Option<Waiting>,
}

impl Stack {
    pub(crate) fn register(&mut self, phone: u64, wanted: Register, waiting: Waiting) {
        let Some(entry) = self.phones.get_mut(&phone) else {
            return;
        };
        entry.shared.set_credentials(Credentials {
            user: entry.shared.user.clone(),
            password: wanted.password.clone(),
            algorithm: wanted.algorithm,
        });
        let asked = wanted.expires.as_secs().clamp(1, u64::from(u32::MAX)) as u32;
        entry.registration = Some(Registration {
            wanted,
            call_id: format!("{}@{}", message::token(), self.local.ip()),
            tag: message::token(),
            cseq: 0,
            challenge: None,
            answered: 0,
            asked,
            on: true,
            waiting: Some(waiting),
        });
        self.send_register(phone);
    }

    pub(crate) fn unregister(&mut self, phone: u64, waiting: Waiting) {
        let registration = self
            .phones
            .get_mut(&phone)
            .and_then(|entry| entry.registration.as_mut());
        match registration {
            None => drop(waiting.send(Err(RegisterError::NotRegistered))),
            Some(registration) => {
                registration.on = false;
                registration.asked = 0;
                registration.answered = 0;
                registration.waiting = Some(waiting);
                self.send_register(phone);
            }
        }
    }

    /// The binding is about to expire.
    pub(crate) fn refresh(&mut self, phone: u64) {
        let registration = self
            .phones
            .get_mut(&phone)
            .and_then(|entry| entry.registration.as_mut());
        if let Some(registration) = registration.filter(|r| r.on) {
            registration.answered = 0;
            self.send_register(phone);
        }
    }

    fn send_register(&mut self, phone: u64) {
        let local = self.local;
        let Some(entry) = self.phones.get_mut(&phone) else {
            return;
        };
        let credentials = entry.shared.credentials();
        let user = entry.shared.user.clone();
        let Some(registration) = &mut entry.registration else {
            return;
        };
        registration.cseq += 1;
        let domain = registration
            .wanted
            .domain
            .clone()
            .unwrap_or_else(|| registration.wanted.registrar.to_string());
        let aor = message::uri(&user, &domain);
        let uri = message::uri("", &domain);
        let contact = message::uri(&user, &local.to_string());
        let mut headers = vec![
            message::other("Contact", format!("<{contact}>")),
            rsip::headers::Expires::from(registration.asked).into(),
        ];
        let usable = registration
            .challenge
            .as_mut()
            .filter(|c| c.reusable() || registration.answered > 0);
        if let (Some(challenge), Some(who)) = (usable, &credentials) {
            headers.push(message::other(
                "Authorization",
                challenge.answer(who, Method::Register, &uri),
            ));
        }
        let branch = message::branch();
        let request = RequestParts {
            method: Method::Register,
            uri,
            local,
            branch: &branch,
            from: &format!("<{aor}>;tag={}", registration.tag),
            to: &format!("<{aor}>"),
            call_id: &registration.call_id,
            cseq: registration.cseq,
            routes: &[],
        }
        .build(headers, None);
        let to = registration.wanted.registrar;
        self.start(request, &branch, to, Owner::Registration(phone));
    }

    pub(crate) fn register_response(&mut self, phone: u64, response: &Response, status: u16) {
        let Some(entry) = self.phones.get_mut(&phone) else {
            return;
        };
        let Some(registration) = &mut entry.registration else {
            return;
        };
        match status {
            ..200 => {}
            200..300 => {
                let granted = granted(response, registration.asked);
                registration.answered = 0;
                entry.shared.set_registered(registration.on);
                if let Some(waiting) = registration.waiting.take() {
                    let _ = waiting.send(Ok(granted));
                }
                if registration.on {
                    self.after(granted * 4 / 5, Due::Refresh(phone));
                }
            }
            401 | 407 => {
                let algorithm = registration.wanted.algorithm;
                let found =
                    challenges(response, status == 407).find_map(|c| Challenge::read(c, algorithm));
                // A second challenge means a wrong password, unless the nonce was merely too old.
                match found {
                    Some(challenge)
                        if registration.answered == 0
                            || (challenge.stale && registration.answered < 3) =>
                    {
                        registration.challenge = Some(challenge);
                        registration.answered += 1;
                        self.send_register(phone);
                    }
                    _ => self.register_failed(phone, RegisterError::Refused(status)),
                }
            }
            423 => {
                let least = response.headers.iter().find_map(|header| match header {
                    Header::MinExpires(value) => value
                        .to_string()
                        .split(':')
                        .nth(1)?
                        .trim()
                        .parse::<u32>()
                        .ok(),
                    _ => None,
                });
                match least.filter(|least| *least > registration.asked) {
                    Some(least) => {
                        registration.asked = least;
                        self.send_register(phone);
                    }
                    None => self.register_failed(phone, RegisterError::Refused(status)),
                }
            }
            _ => self.register_failed(phone, RegisterError::Refused(status)),
        }
    }

    pub(crate) fn register_timed_out(&mut self, phone: u64) {
        self.register_failed(phone, RegisterError::NoResponse);
    }

    fn register_failed(&mut self, phone: u64, error: RegisterError) {
        let Some(entry) = self.phones.get_mut(&phone) else {
            return;
        };
        entry.shared.set_registered(false);
        let Some(registration) = &mut entry.registration else {
            return;
        };
        match registration.waiting.take() {
            Some(waiting) => drop(waiting.send(Err(error))),
            // A refresh that failed: tried again, a person is not there to be told.
            None if registration.on => self.after(self.times.t2, Due::Refresh(phone)),
            None => {}
        }
    }
}

/// What the registrar granted: the Contact's expires, else Expires, else what was asked for (§10.2.4).
fn granted(response: &Response, asked: u32) -> Duration {
    let contact = response
        .contact_header()
        .ok()
        .and_then(|c| c.params().ok())
        .and_then(|params| {
            params.iter().find_map(|param| match param {
                rsip::Param::Expires(value) => value
                    .to_string()
                    .trim_start_matches(";expires=")
                    .parse::<u32>()
                    .ok(),
                _ => None,
            })
        });
    let header = response.expires_header().and_then(|e| e.seconds().ok());
    Duration::from_secs(u64::from(contact.or(header).unwrap_or(asked)))
}

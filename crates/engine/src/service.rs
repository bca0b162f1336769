//! Star codes: a counsellor changes the seat's state, or presses a key, by dialling from its telephone.
//!
//! | code | meaning |
//! | --- | --- |
//! | `*11*ACCOUNT*PIN` | sign on and be ready (签入) |
//! | `*12` | ready (恢复接听) |
//! | `*13` | pause (暂停) |
//! | `*14` | sign off (签出) |
//! | `*20*KEY` | press a key in the conversation that the seat is in (转接): its name or its `star` |
//! | `*STAR` | the same, by the key's `star` |
//!
//! ```text
//!   INVITE *… ─ 401 until the digest fits ─► Asking ── home shard answers ──► Telling ─ prompt done ─► BYE
//! ```

use crate::api::{Refusal, SeatChange, ShardMessage, home_of_seat};
use crate::arrival::session;
use crate::call::{Description, Voice};
use crate::ports::PortOwner;
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use meishier_config::{Config, SeatContact};
use meishier_media::{Codec, MediaCommand, PromptId, Source};
use meishier_model::{CallId, CounsellorId, LegId, Mono, Now, SeatId};
use meishier_signaling::auth::Sender;
use meishier_signaling::{AuthResult, Flow, Message, Uri, body};
use std::sync::Arc;
use std::time::Duration;

/// A star-code call is over after this, whatever happens.
const LIMIT: Duration = Duration::from_secs(15);
/// Star-code calls that one shard serves at a time.
const MOST: usize = 256;

/// A star-code call.
#[derive(Debug)]
pub(crate) struct ServiceCall {
    pub(crate) leg: LegId,
    voice: Voice,
    answer: Description,
    done: PromptId,
    /// What is said instead if it could not be done.
    failed: PromptId,
    deadline: Mono,
    prompt: Option<u64>,
}

/// What a star code asks for.
#[derive(Debug, PartialEq, Eq)]
enum StarCode<'a> {
    SignOn { account: &'a str, pin: &'a str },
    Ready,
    Pause,
    SignOff,
    Press { key: &'a str },
    Star { star: &'a str },
}

/// What is asked of the seat's home.
enum Asked {
    Change(SeatChange),
    Press(String),
}

fn parse(user: &str) -> Option<StarCode<'_>> {
    let mut parts = user.strip_prefix('*')?.trim_end_matches('#').split('*');
    let code = parts.next()?;
    let rest: Vec<&str> = parts.collect();
    match (code, rest.as_slice()) {
        ("11", [account, pin]) if !account.is_empty() && !pin.is_empty() => {
            Some(StarCode::SignOn { account, pin })
        }
        ("12", []) => Some(StarCode::Ready),
        ("13", []) => Some(StarCode::Pause),
        ("14", []) => Some(StarCode::SignOff),
        ("20", [key]) if !key.is_empty() => Some(StarCode::Press { key }),
        (star, []) if !star.is_empty() => Some(StarCode::Star { star }),
        _ => None,
    }
}

/// What a star code asks for, and what is said once it is done and if it cannot be.
fn asked_by(config: &Config, code: StarCode<'_>) -> Option<(Asked, (PromptId, PromptId))> {
    let (change, done) = match code {
        StarCode::Press { key } | StarCode::Star { star: key } => {
            let by_name = matches!(code, StarCode::Press { .. });
            let keys = &config.transfer.keys;
            let named = keys.iter().find(|it| by_name && it.name == key);
            let named = named.or_else(|| keys.iter().find(|it| it.star == key))?;
            let said = (PromptId::TransferDialling, PromptId::TransferFailed);
            return Some((Asked::Press(named.name.clone()), said));
        }
        StarCode::SignOn { account, pin } => {
            let found = (0u32..)
                .zip(&config.counsellors)
                .find(|(_, c)| c.account == account);
            // An unknown account goes the way of a wrong PIN.
            let counsellor = CounsellorId(found.map_or(u32::MAX, |(i, _)| i));
            let pin = Some(pin.to_owned());
            (SeatChange::SignOn { counsellor, pin }, PromptId::SignedOn)
        }
        StarCode::Ready => (SeatChange::Ready, PromptId::Resumed),
        StarCode::Pause => (
            SeatChange::Pause {
                reason: String::new(),
            },
            PromptId::Paused,
        ),
        StarCode::SignOff => (SeatChange::SignOff, PromptId::SignedOff),
    };
    Some((Asked::Change(change), (done, PromptId::PinWrong)))
}

impl Shard {
    /// The seat whose telephone this is: a static one by its address, else by digest.
    fn star_seat(
        &mut self,
        now: Now,
        flow: Flow,
        request: &Message,
    ) -> Result<SeatId, (u16, Vec<(String, String)>)> {
        let from = request
            .from_addr()
            .ok()
            .and_then(|a| Uri::parse(a.uri).ok());
        let name = from
            .and_then(|uri| uri.user.map(str::to_owned))
            .unwrap_or_default();
        let seat = self.seat_names.get(&name).copied();
        let contact = seat
            .and_then(|s| self.config.seats.get(s.0 as usize))
            .map(|s| s.contact.clone());
        // From elsewhere it is challenged like any other, and like one that does not exist.
        if let (Some(seat), Some(SeatContact::Static { address, .. })) = (seat, contact)
            && address.ip().to_canonical() == flow.remote.ip().to_canonical()
        {
            return Ok(seat);
        }
        let (config, names) = (&self.config, &self.seat_names);
        let password = |user: &str| Self::password(config, names, user);
        let sender = Sender {
            from: flow.remote.ip(),
            // Where telephones are registered is known to their seats' homes alone.
            is_home: &|_| false,
        };
        let checked = (self.authenticator).check_from(now.mono, sender, request, &password);
        match checked {
            AuthResult::Ok { user } => match (seat, user == name) {
                (Some(seat), true) => Ok(seat),
                _ => Err((403, Vec::new())),
            },
            AuthResult::Challenge { headers } => Err((401, headers)),
            AuthResult::Refused => Err((403, Vec::new())),
            AuthResult::Malformed => Err((400, Vec::new())),
            AuthResult::Later { wait } => {
                let seconds = wait.as_secs().max(1).to_string();
                Err((503, vec![("Retry-After".to_owned(), seconds)]))
            }
        }
    }

    pub(crate) fn on_star_invite(&mut self, now: Now, leg: LegId, flow: Flow, request: &Message) {
        let seat = match self.star_seat(now, flow, request) {
            Ok(seat) => seat,
            Err((status, headers)) => {
                let headers: Vec<(&str, &str)> = headers
                    .iter()
                    .map(|(n, v)| (n.as_str(), v.as_str()))
                    .collect();
                match status {
                    401 => {}
                    503 => self.refuse(Refusal::SlowedDown),
                    _ => self.refuse(Refusal::NotAdmitted),
                }
                return self.turn_away(now, leg, status, &headers);
            }
        };
        let uri = Uri::parse(request.request_uri()).ok();
        let config = Arc::clone(&self.config);
        let code = uri.as_ref().map(Uri::user_unescaped);
        // A telephone writes `#` as `%23` (RFC 3261 §25.1).
        let asked = code
            .as_deref()
            .and_then(parse)
            .and_then(|code| asked_by(&config, code));
        match asked {
            Some((asked, prompts)) => {
                self.begin_service(now, leg, flow, request, seat, asked, prompts)
            }
            None => self.reject(now, leg, 404, &[], Refusal::NotAllowed),
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one caller; the parts of one request"
    )]
    fn begin_service(
        &mut self,
        now: Now,
        leg: LegId,
        flow: Flow,
        request: &Message,
        seat: SeatId,
        asked: Asked,
        (done, failed): (PromptId, PromptId),
    ) {
        if self.services.len() >= MOST {
            return self.reject(now, leg, 503, &[], Refusal::Overload);
        }
        let home = self.config.seats.get(seat.0 as usize);
        let network = home.and_then(|seat| seat.network);
        let Some((port, address)) = self.ports.take_spare(network) else {
            return self.reject(now, leg, 503, &[], Refusal::Overload);
        };
        let token = self.token();
        let id = session(CallId::new(self.id, token), 3, 1);
        let offer = body::sdp(request).unwrap_or_default();
        let signalling = Some(flow.remote.ip());
        let srtp = self.config.seats.get(seat.0 as usize).map(|seat| seat.srtp);
        let mut voice = Voice::new(port, signalling, srtp.unwrap_or_default());
        let codecs = [Codec::Pcma, Codec::Pcmu];
        let answer = match self.answer_offer(now, &mut voice, offer, (address, id), &codecs) {
            Ok(answer) => answer,
            Err(error) => {
                self.ports.give_back(port);
                return self.reject_media(now, leg, error, None);
            }
        };
        let deadline = now.mono + LIMIT;
        self.timers.set(deadline, Timer::Service(token));
        self.legs.insert(leg, LegOwner::Service(token));
        self.ports.own(port, PortOwner::Service(token));
        let service = ServiceCall {
            leg,
            voice,
            answer: Description(answer.into()),
            done,
            failed,
            deadline,
            prompt: None,
        };
        self.services.insert(token, service);
        match asked {
            Asked::Press(key) => self.ask_to_press(token, seat, key),
            Asked::Change(change) => {
                let from = self.id;
                let message = ShardMessage::SeatCommand {
                    from,
                    token,
                    seat,
                    change,
                };
                self.send(home_of_seat(seat, self.shards), message);
            }
        }
    }

    pub(crate) fn on_star_done(&mut self, now: Now, id: u64, done: bool) {
        let prompt = self.token();
        let Some(mut service) = self.services.remove(&id) else {
            return;
        };
        let answer = std::mem::take(&mut service.answer);
        if self
            .endpoint
            .answer(now.mono, service.leg, &answer.0)
            .is_ok()
        {
            self.open_voice(&mut service.voice);
            let said = if done { service.done } else { service.failed };
            service.prompt = Some(prompt);
            let source = Source::Playlist {
                prompts: vec![said],
                then_music: false,
                token: prompt,
            };
            self.hear(&service.voice, source);
        }
        self.services.insert(id, service);
    }

    pub(crate) fn on_service_prompt_done(&mut self, now: Now, id: u64, token: u64) {
        if self
            .services
            .get(&id)
            .is_some_and(|s| s.prompt == Some(token))
        {
            self.end_service(now, id);
        }
    }

    pub(crate) fn end_service(&mut self, now: Now, id: u64) {
        let Some(service) = self.services.remove(&id) else {
            return;
        };
        self.timers.cancel(service.deadline, Timer::Service(id));
        self.release_leg(now, service.leg, None);
        if service.voice.open {
            self.media(MediaCommand::Close {
                port: service.voice.port,
            });
        } else {
            self.free_port(service.voice.port);
        }
    }
}

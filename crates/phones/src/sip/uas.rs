//! What a phone is asked for: INVITE, ACK, CANCEL, BYE, re-INVITE (RFC 3261 §9.2, §13.3, §14.2, §15.1.2).

use super::leg::{Leg, LegState, TheirInvite, Unacknowledged};
use super::message::{self, Essentials};
use super::server::ServerTx;
use super::stack::Stack;
use super::timers::Due;
use crate::call::{Call, CallStatus, EndedBy};
use crate::media::port::MediaPort;
use crate::phone::{Behaviour, PhoneShared};
use crate::sdp::Direction;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::prelude::HeadersExt;
use rsip::{Method, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

impl Stack {
    pub(crate) fn invited(
        &mut self,
        request: Request,
        of: Essentials,
        from: SocketAddr,
        key: String,
    ) {
        if let Some(tag) = &of.to_tag {
            return match self.leg_of(&of.call_id, tag) {
                Some(leg) => self.invited_again(leg, &request, &of, from, &key),
                None => self.reply(&request, from, &key, 481, vec![]),
            };
        }
        let Some((phone, shared)) = self.phone_for(&request) else {
            return self.reply(&request, from, &key, 404, vec![]);
        };
        let behaviour = shared.behaviour();
        if behaviour == Behaviour::Silent {
            return;
        }
        let busy = self
            .legs
            .values()
            .filter(|l| l.phone == phone && l.state != LegState::Ended)
            .count();
        if busy >= shared.max_calls || !self.has_room() {
            let status = if busy >= shared.max_calls { 486 } else { 503 };
            return self.reply(&request, from, &key, status, vec![]);
        }
        let Ok(media) = MediaPort::open(self.local.ip(), &shared.voice(), message::random_u32())
        else {
            return self.reply(&request, from, &key, 500, vec![]);
        };
        let Some(mut leg) = self.new_leg(phone, &request, &of, from, &key, media) else {
            return self.reply(&request, from, &key, 400, vec![]);
        };
        // A full clock would leave the phone dumb: better refused than unheard.
        leg.answer = if request.body.is_empty() {
            Some(leg.offer(Direction::SendRecv))
        } else {
            leg.take_offer(&request.body)
                .filter(|_| self.clock.add(&leg.media))
        };
        if leg.answer.is_none() {
            return self.reply(&request, from, &key, 488, vec![]);
        }
        if request.body.is_empty() && !self.clock.add(&leg.media) {
            return self.reply(&request, from, &key, 503, vec![]);
        }
        let id = leg.id;
        self.tell_script(&shared, &leg, &request);
        self.add_leg(leg);
        self.behave(id, &behaviour);
    }

    fn new_leg(
        &mut self,
        phone: u64,
        request: &Request,
        of: &Essentials,
        from: SocketAddr,
        key: &str,
        media: Arc<MediaPort>,
    ) -> Option<Leg> {
        let local_tag = message::token();
        let to = request.to_header().ok()?.typed().ok()?;
        let routes = message::record_routes(&request.headers);
        let target = message::contact(request)?;
        let route = routes.first().and_then(|r| first_uri(r));
        let destination = route
            .as_ref()
            .or(Some(&target))
            .and_then(message::address_of)
            .unwrap_or(from);
        Some(Leg {
            id: self.next_id(),
            phone,
            state: LegState::Ringing,
            call_id: of.call_id.clone(),
            local: format!("<{}>;tag={local_tag}", to.uri),
            remote: request.from_header().ok()?.value().to_owned(),
            local_tag,
            remote_tag: Some(of.from_tag.clone()),
            target,
            destination,
            routes,
            local_cseq: 0,
            remote_cseq: of.cseq,
            own: None,
            theirs: Some(TheirInvite {
                request: request.clone(),
                source: from,
                key: key.to_owned(),
            }),
            unacknowledged: None,
            ack: None,
            bye_wanted: false,
            talk: None,
            sdp: self.own_sdp(&media),
            media,
            answer: None,
            status: watch::Sender::new(CallStatus::begun()),
        })
    }

    /// The phone with the user of the request URI or of To; else the one that takes every number.
    fn phone_for(&self, request: &Request) -> Option<(u64, Arc<PhoneShared>)> {
        let to = request.to_header().ok()?.uri().ok()?;
        let id = [request.uri.user(), to.user(), Some("*")]
            .into_iter()
            .flatten()
            .find_map(|u| self.users.get(u))?;
        Some((*id, self.phones.get(id)?.shared.clone()))
    }

    /// The script may be slow or absent: the phone behaves as it was told to, whether it listens or not.
    fn tell_script(&self, shared: &PhoneShared, leg: &Leg, request: &Request) {
        let Some(commands) = self.commands.upgrade() else {
            return;
        };
        let caller = request.from_header().ok().and_then(|f| f.uri().ok());
        let caller = caller
            .as_ref()
            .and_then(|u| u.user())
            .unwrap_or_default()
            .to_owned();
        let dialled = request.uri.user().unwrap_or_default().to_owned();
        let _ = shared
            .incoming
            .try_send(Call::new(leg, commands, caller, dialled));
    }

    fn behave(&mut self, id: u64, behaviour: &Behaviour) {
        match behaviour {
            Behaviour::Silent => {}
            Behaviour::Manual | Behaviour::Ignore => self.ring(id, false),
            Behaviour::Answer {
                after,
                talk,
                early_media,
            } => {
                self.ring(id, *early_media);
                self.with_leg(id, |_, leg| leg.talk = *talk);
                self.after(*after, Due::Answer(id));
            }
            Behaviour::Reject { status, after } => {
                self.ring(id, false);
                self.after(*after, Due::Reject(id, *status));
            }
        }
    }

    /// 180, or 183 with SDP.
    pub(crate) fn ring(&mut self, id: u64, early_media: bool) {
        self.with_leg(id, |stack, leg| {
            if leg.state == LegState::Ringing {
                let status = if early_media { 183 } else { 180 };
                let sdp = leg.answer.clone().filter(|_| early_media);
                stack.respond_invite(leg, status, sdp.as_deref());
                leg.provisional(status, early_media);
            }
        });
    }

    fn respond_invite(&mut self, leg: &Leg, status: u16, sdp: Option<&str>) -> Option<Vec<u8>> {
        let theirs = leg.theirs.as_ref()?;
        let mut more = Vec::new();
        if status < 300 {
            more.push(self.contact_header(leg));
            more.push(message::other("Allow", message::ALLOW));
        }
        let response = message::response(
            &theirs.request,
            theirs.source,
            status,
            Some(&leg.local_tag),
            more,
            sdp,
        );
        let bytes = message::bytes(response);
        self.respond(
            Method::Invite,
            &theirs.key,
            theirs.source,
            Some(leg.id),
            status,
            bytes.clone(),
        );
        Some(bytes)
    }

    /// 200 to the INVITE that rings here.
    pub(crate) fn answer(&mut self, id: u64) {
        self.with_leg(id, |stack, leg| {
            if leg.state != LegState::Ringing {
                return;
            }
            let sdp = leg.answer.take();
            let Some(bytes) = stack.respond_invite(leg, 200, sdp.as_deref()) else {
                return;
            };
            let Some(theirs) = leg.theirs.take() else {
                return;
            };
            leg.state = LegState::Answered;
            stack.await_ack(leg, bytes, theirs.source, theirs.request.body.is_empty());
            leg.answered();
            if let Some(talk) = leg.talk {
                stack.after(talk, Due::HangUp(id));
            }
        });
    }

    fn await_ack(&mut self, leg: &mut Leg, bytes: Vec<u8>, to: SocketAddr, answer_in_ack: bool) {
        leg.unacknowledged = Some(Unacknowledged {
            cseq: leg.remote_cseq,
            bytes,
            to,
            interval: self.times.t1,
            until: Instant::now() + self.times.limit(),
            answer_in_ack,
        });
        self.after(self.times.t1, Due::AnswerRetransmit(leg.id));
    }

    pub(crate) fn reject(&mut self, id: u64, status: u16) {
        self.with_leg(id, |stack, leg| {
            if leg.state == LegState::Ringing {
                stack.refuse(leg, status, EndedBy::Local);
            }
        });
    }

    /// A final response other than 2xx to the INVITE that rings here.
    pub(crate) fn refuse(&mut self, leg: &mut Leg, status: u16, by: EndedBy) {
        self.respond_invite(leg, status, None);
        self.end_leg(leg, by, status);
    }

    pub(crate) fn acknowledged(&mut self, request: &Request, of: &Essentials) {
        let key = ServerTx::key(&of.branch, &of.sent_by, Method::Invite);
        if let Some(tx) = self.servers.get_mut(&key) {
            tx.acknowledged();
        }
        let Some(id) = of
            .to_tag
            .as_ref()
            .and_then(|tag| self.leg_of(&of.call_id, tag))
        else {
            return;
        };
        self.with_leg(id, |stack, leg| {
            let Some(waiting) = leg.unacknowledged.take_if(|w| w.cseq == of.cseq) else {
                return;
            };
            if waiting.answer_in_ack {
                leg.take_answer(&request.body);
            }
            if leg.state == LegState::Answered {
                leg.state = LegState::Established;
                leg.status.send_modify(|s| s.confirmed = true);
                if leg.bye_wanted {
                    stack.send_bye(leg);
                }
            }
        });
    }

    pub(crate) fn cancelled(
        &mut self,
        request: &Request,
        of: &Essentials,
        from: SocketAddr,
        key: String,
    ) {
        let invite = ServerTx::key(&of.branch, &of.sent_by, Method::Invite);
        let leg = self.servers.get(&invite).map(|tx| tx.leg);
        self.reply(
            request,
            from,
            &key,
            if leg.is_some() { 200 } else { 481 },
            vec![],
        );
        if let Some(id) = leg.flatten() {
            self.with_leg(id, |stack, leg| {
                // §9.2: it has no effect once a final response was sent.
                if leg.state == LegState::Ringing {
                    stack.refuse(leg, 487, EndedBy::Remote);
                }
            });
        }
    }

    pub(crate) fn bye(
        &mut self,
        request: &Request,
        of: &Essentials,
        from: SocketAddr,
        key: String,
    ) {
        let leg = of
            .to_tag
            .as_ref()
            .and_then(|tag| self.leg_of(&of.call_id, tag));
        let known = leg
            .and_then(|id| self.legs.get(&id))
            .is_some_and(|l| l.state != LegState::Ended);
        self.reply(request, from, &key, if known { 200 } else { 481 }, vec![]);
        let Some(id) = leg else { return };
        self.with_leg(id, |stack, leg| match leg.state {
            // §15.1.2: what is still pending is answered 487.
            LegState::Ringing => stack.refuse(leg, 487, EndedBy::Remote),
            LegState::Leaving | LegState::Cancelling => stack.end_leg(leg, EndedBy::Local, 200),
            _ => stack.end_leg(leg, EndedBy::Remote, 200),
        });
    }

    fn invited_again(
        &mut self,
        id: u64,
        request: &Request,
        of: &Essentials,
        from: SocketAddr,
        key: &str,
    ) {
        self.with_leg(id, |stack, leg| {
            let state = leg.state;
            let refusal = match state {
                LegState::Established if leg.own.is_some() => Some(491),
                LegState::Established if !leg.in_order(of.cseq) => Some(500),
                LegState::Established => None,
                LegState::Answered => Some(500),
                _ => Some(481),
            };
            if let Some(status) = refusal {
                return stack.reply(request, from, key, status, vec![]);
            }
            let sdp = if request.body.is_empty() {
                Some(leg.offer(Direction::SendRecv))
            } else {
                leg.take_offer(&request.body)
            };
            let Some(sdp) = sdp else {
                return stack.reply(request, from, key, 488, vec![]);
            };
            if let Some(target) = message::contact(request) {
                leg.target = target;
            }
            let more = vec![
                stack.contact_header(leg),
                message::other("Allow", message::ALLOW),
            ];
            let bytes = message::bytes(message::response(
                request,
                from,
                200,
                None,
                more,
                Some(&sdp),
            ));
            stack.respond(Method::Invite, key, from, Some(id), 200, bytes.clone());
            stack.await_ack(leg, bytes, from, request.body.is_empty());
            leg.status.send_modify(|s| s.reinvites += 1);
        });
    }

    /// UPDATE (RFC 3311) in an established dialog: as a re-INVITE without ACK.
    pub(crate) fn updated(
        &mut self,
        request: &Request,
        of: &Essentials,
        from: SocketAddr,
        key: String,
    ) {
        let leg = of
            .to_tag
            .as_ref()
            .and_then(|tag| self.leg_of(&of.call_id, tag));
        let done = leg.and_then(|id| {
            self.with_leg(id, |stack, leg| {
                let empty = request.body.is_empty();
                let sdp = if empty {
                    None
                } else {
                    leg.take_offer(&request.body)
                };
                let status = if empty || sdp.is_some() { 200 } else { 488 };
                let more = vec![stack.contact_header(leg)];
                let bytes = message::bytes(message::response(
                    request,
                    from,
                    status,
                    None,
                    more,
                    sdp.as_deref(),
                ));
                stack.respond(Method::Update, &key, from, None, status, bytes);
            })
        });
        if done.is_none() {
            self.reply(request, from, &key, 481, vec![]);
        }
    }
}

/// The URI of one Route or Record-Route entry.
pub(crate) fn first_uri(route: &str) -> Option<rsip::Uri> {
    rsip::headers::Contact::new(route).uri().ok()
}

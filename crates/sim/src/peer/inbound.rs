//! What a packet is for: a call, the registration, or nothing that is known.

use super::call::{Call, Phase};
use super::dialog::{Dialog, contact};
use super::invite_in::InviteIn;
use super::text::{Message, Start, tag_of, uri_of, user_of};
use super::{Agent, AgentEvent};
use meishier_model::Mono;
use std::net::SocketAddr;

impl Agent {
    /// Takes one whole SIP message. What cannot be read is dropped.
    pub fn handle_packet(&mut self, now: Mono, from: SocketAddr, bytes: &[u8]) {
        if !self.powered() {
            return;
        }
        let Some(message) = Message::read(bytes) else {
            return;
        };
        if self.stopped.iter().any(|id| **id == *message.call_id) {
            return;
        }
        match message.start {
            Start::Response { status } => self.on_response(now, &message, status),
            Start::Request { method, uri } => {
                // §8.1.1.5: the methods must be the same.
                if method == message.cseq.1 {
                    self.on_request(now, &message, uri, from, bytes);
                }
            }
        }
    }

    fn on_response(&mut self, now: Mono, response: &Message<'_>, status: u16) {
        if let Some(key) = self.by_call_id.get(response.call_id).copied() {
            self.with(now, key, |call, cx| {
                call.handle_response(cx, response, status)
            });
            return;
        }
        if let Some(mut registration) = self.registration.take() {
            if *registration.call_id == *response.call_id {
                registration.handle_response(&mut self.context(now), response, status);
            }
            self.registration = Some(registration);
        }
        let branch = response.own_branch();
        for one in &mut self.asked {
            if one.owns(branch, response.cseq.1) {
                one.handle_response(status);
            }
        }
        self.asked.retain(|one| !one.is_over());
    }

    fn on_request(
        &mut self,
        now: Mono,
        request: &Message<'_>,
        uri: &str,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        let key = self.by_call_id.get(request.call_id).copied();
        match (request.cseq.1, key) {
            ("ACK", Some(key)) => {
                self.with(now, key, |call, cx| call.on_ack(cx, request));
            }
            ("ACK", None) => {}
            ("INVITE", Some(key)) => self.on_invite_again(now, key, request, from, bytes),
            ("INVITE", None) => self.on_invite(now, request, uri, from, bytes),
            (method, key) => {
                if let Some(again) = self.desk.answered.again(request) {
                    let again = again.to_vec();
                    return self.context(now).send(again);
                }
                match (method, key) {
                    ("CANCEL", key) => self.on_cancel(now, key, request, from),
                    (_, Some(key)) if self.owns(key, request) => {
                        self.with(now, key, |call, cx| call.handle_request(cx, request, from));
                    }
                    _ => self.on_stray(now, request, from),
                }
            }
        }
    }

    fn owns(&self, key: super::CallKey, request: &Message<'_>) -> bool {
        self.calls
            .get(&key)
            .is_some_and(|call| call.dialog.owns(request))
    }

    /// Requests of no dialog that is known (§12.2.2, §11.2).
    fn on_stray(&mut self, now: Mono, request: &Message<'_>, from: SocketAddr) {
        let outside = tag_of(request.to).is_empty();
        let status = match request.cseq.1 {
            "OPTIONS" if outside => 200,
            "BYE" | "UPDATE" | "INFO" | "PRACK" => 481,
            _ if outside => 501,
            _ => 481,
        };
        self.context(now).reply_stray(request, from, status);
    }

    /// A CANCEL is answered for itself, then by what becomes of its INVITE (§9.2).
    fn on_cancel(
        &mut self,
        now: Mono,
        key: Option<super::CallKey>,
        cancel: &Message<'_>,
        from: SocketAddr,
    ) {
        let found = key.and_then(|key| self.calls.get_mut(&key));
        if found.is_none_or(|call| call.invite_in(cancel).is_none()) {
            return self.context(now).reply_stray(cancel, from, 481);
        }
        self.context(now).reply(cancel, from, 200, None);
        if let Some(key) = key {
            self.with(now, key, Call::on_cancel);
        }
    }

    fn on_invite_again(
        &mut self,
        now: Mono,
        key: super::CallKey,
        request: &Message<'_>,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        let status = self.with(now, key, |call, cx| {
            if let Some(invite) = call.invite_in(request) {
                invite.handle_again(cx);
                None
            } else if call.dialog.owns(request) {
                call.on_reinvite(cx, request, bytes, from);
                None
            } else {
                // §8.2.2.2: the same call by another way; or a dialog that is not this one.
                Some(if tag_of(request.to).is_empty() {
                    482
                } else {
                    481
                })
            }
        });
        if let Some(status) = status.flatten() {
            self.context(now).reply_stray(request, from, status);
        }
    }

    /// A call comes in (§13.3.1).
    fn on_invite(
        &mut self,
        now: Mono,
        request: &Message<'_>,
        uri: &str,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        if !tag_of(request.to).is_empty() {
            return self.context(now).reply_stray(request, from, 481);
        }
        let to_user = user_of(uri);
        let tag = self.desk.dice.bits();
        let dialog = Dialog {
            call_id: request.call_id.into(),
            local: format!("{};tag={tag:016x}", request.to).into(),
            remote: request.from.into(),
            target: request
                .contact()
                .unwrap_or_else(|| uri_of(request.from))
                .into(),
            contact: contact(&self.desk, to_user),
            seq: self.desk.dice.roll(1000) as u32,
            remote_seq: Some(request.cseq.0),
        };
        let mut session = self.new_session();
        let mut invite = InviteIn::new(request, bytes, from, tag).opening();
        let key = self.new_key();
        let mut cx = self.context(now);
        let fits = invite.prepare(&cx, &mut session, request.body);
        if !fits {
            invite.respond(&mut cx, 488, "", false);
        }
        let phase = if fits { Phase::Ringing } else { Phase::Over };
        let mut call = Call::new(key, phase, dialog, session);
        call.invites_in.push(invite);
        self.keep(call);
        if fits {
            self.tell(AgentEvent::Incoming {
                key,
                call_id: request.call_id.to_owned(),
                from_user: user_of(uri_of(request.from)).to_owned(),
                to_user: to_user.to_owned(),
                engine_call: request.header("X-Meishier-Call").map(str::to_owned),
                body: !request.body.is_empty(),
            });
        }
    }
}

//! What a phone asks for: INVITE, ACK, CANCEL, BYE, re-INVITE (RFC 3261 §9, §13.2, §14.1, §15.1.1).

use super::client::{ClientTx, Owner};
use super::digest::Challenge;
use super::leg::{CODECS, Leg, LegState, OwnInvite};
use super::message::{self, Essentials, RequestParts};
use super::stack::Stack;
use super::timers::Due;
use crate::call::{Call, CallStatus, DialError, EndedBy};
use crate::media::port::MediaPort;
use crate::phone::Dial;
use crate::sdp::{Direction, LocalSdp};
use rsip::headers::UntypedHeader;
use rsip::{Header, Method, Request, Response};
use tokio::sync::{oneshot, watch};

/// Our payload type for telephone-event.
pub(crate) const EVENT_TYPE: u8 = 101;

impl Stack {
    /// Sends the INVITE of a new call.
    pub(crate) fn dial(&mut self, phone: u64, dial: &Dial) -> Result<Call, DialError> {
        let commands = self.commands.upgrade().ok_or(DialError::BankGone)?;
        let entry = self.phones.get(&phone).ok_or(DialError::BankGone)?;
        if !self.has_room() {
            return Err(DialError::TooManyCalls);
        }
        let shared = entry.shared.clone();
        let media = MediaPort::open(self.local.ip(), &shared.voice(), message::random_u32())
            .map_err(DialError::Media)?;
        if !self.clock.add(&media) {
            return Err(DialError::TooManyCalls);
        }
        let id = self.next_id();
        let local_tag = message::token();
        let us = message::uri(
            dial.from_user.as_ref().unwrap_or(&shared.user),
            &dial
                .from_host
                .clone()
                .unwrap_or_else(|| self.local.to_string()),
        );
        let target = message::uri(&dial.number, &dial.to.to_string());
        let mut leg = Leg {
            id,
            phone,
            state: LegState::Calling,
            call_id: format!("{}@{}", message::token(), self.local.ip()),
            local: format!("<{us}>;tag={local_tag}"),
            remote: format!("<{target}>"),
            local_tag,
            remote_tag: None,
            target,
            destination: dial.to,
            routes: Vec::new(),
            local_cseq: 0,
            remote_cseq: 0,
            own: None,
            theirs: None,
            unacknowledged: None,
            ack: None,
            bye_wanted: false,
            talk: dial.talk,
            sdp: self.own_sdp(&media),
            media,
            answer: None,
            status: watch::Sender::new(CallStatus::begun()),
        };
        let call = Call::new(&leg, commands, dial.number.clone(), dial.number.clone());
        let headers = dial.headers.iter();
        let headers = headers.map(|(name, value)| message::other(name, value.as_str()));
        self.send_invite(&mut leg, Direction::SendRecv, headers.collect(), None);
        self.add_leg(leg);
        Ok(call)
    }

    /// Our SDP before anything was negotiated.
    pub(crate) fn own_sdp(&self, media: &MediaPort) -> LocalSdp {
        LocalSdp {
            address: media.local(),
            session: u64::from(message::random_u32()),
            version: 0,
            codecs: CODECS.to_vec(),
            event_type: Some(EVENT_TYPE),
            direction: Direction::SendRecv,
        }
    }

    pub(crate) fn contact_header(&self, leg: &Leg) -> Header {
        let user = self
            .phones
            .get(&leg.phone)
            .map_or("", |p| p.shared.user.as_str());
        rsip::headers::Contact::new(format!("<{}>", message::uri(user, &self.local.to_string())))
            .into()
    }

    /// A request inside (or about to open) the leg's dialog.
    fn request_of(
        &self,
        leg: &Leg,
        method: Method,
        branch: &str,
        cseq: u32,
        more: Vec<Header>,
        sdp: Option<&str>,
    ) -> Request {
        RequestParts {
            method,
            uri: leg.target.clone(),
            local: self.local,
            branch,
            from: &leg.local,
            to: &leg.remote,
            call_id: &leg.call_id,
            cseq,
            routes: &leg.routes,
        }
        .build(more, sdp)
    }

    fn send_invite(
        &mut self,
        leg: &mut Leg,
        direction: Direction,
        more: Vec<Header>,
        again: Option<oneshot::Sender<u16>>,
    ) {
        let sdp = leg.offer(direction);
        let branch = message::branch();
        leg.local_cseq += 1;
        let mut headers = vec![
            self.contact_header(leg),
            message::other("Allow", message::ALLOW),
        ];
        headers.extend(more);
        let request = self.request_of(
            leg,
            Method::Invite,
            &branch,
            leg.local_cseq,
            headers,
            Some(&sdp),
        );
        self.start(
            request.clone(),
            &branch,
            leg.destination,
            Owner::Leg(leg.id),
        );
        leg.own = Some(OwnInvite {
            branch,
            cseq: leg.local_cseq,
            request,
            provisional: false,
            cancel_sent: false,
            authorized: false,
            again,
        });
    }

    /// Starts a re-INVITE; the status of its final response goes to `reply` (481 or 491 if it cannot be sent).
    pub(crate) fn reinvite(&mut self, id: u64, direction: Direction, reply: oneshot::Sender<u16>) {
        self.with_leg(id, |stack, leg| match (leg.state, &leg.own) {
            (LegState::Established, None) => {
                stack.send_invite(leg, direction, Vec::new(), Some(reply));
            }
            (LegState::Established, Some(_)) => drop(reply.send(491)),
            _ => drop(reply.send(481)),
        });
    }

    /// A response to an INVITE or re-INVITE of ours.
    pub(crate) fn invite_response(&mut self, id: u64, response: &Response, of: &Essentials) {
        let status = response.status_code.code();
        self.with_leg(id, |stack, leg| {
            if leg.own.as_ref().is_none_or(|own| own.cseq != of.cseq) {
                return;
            }
            match status {
                ..200 => stack.progress(leg, response, status),
                200..300 => stack.accepted(leg, response, of),
                _ => stack.refused(leg, response, status),
            }
        });
    }

    fn progress(&mut self, leg: &mut Leg, response: &Response, status: u16) {
        let Some(own) = &mut leg.own else { return };
        own.provisional = true;
        if own.again.is_some() {
            return;
        }
        if leg.state == LegState::Cancelling {
            self.send_cancel(leg);
        }
        let early = status > 100 && !response.body.is_empty() && leg.take_answer(&response.body);
        leg.provisional(status, early);
    }

    fn accepted(&mut self, leg: &mut Leg, response: &Response, of: &Essentials) {
        let Some(own) = leg.own.take() else { return };
        let first = own.again.is_none();
        if first {
            leg.remote_tag = of.to_tag.clone();
            if let Some(tag) = &of.to_tag {
                leg.remote = format!("<{}>;tag={tag}", leg.target);
            }
            leg.routes = message::record_routes(&response.headers);
            leg.routes.reverse();
        }
        if let Some(target) = message::contact(response) {
            leg.target = target;
            let route = leg.routes.first().and_then(|r| super::uas::first_uri(r));
            leg.destination = route
                .as_ref()
                .or(Some(&leg.target))
                .and_then(message::address_of)
                .unwrap_or(leg.destination);
        }
        self.send_ack(leg, own.cseq);
        let spoken = leg.take_answer(&response.body);
        if let Some(waiting) = own.again {
            let _ = waiting.send(of_status(response));
            return;
        }
        // §9.1: the 2xx crossed our CANCEL. An answer without speech in common is ended too.
        if leg.state == LegState::Cancelling || !spoken {
            self.send_bye(leg);
            return;
        }
        leg.state = LegState::Established;
        leg.answered();
        if let Some(talk) = leg.talk {
            self.after(talk, Due::HangUp(leg.id));
        }
    }

    fn send_ack(&mut self, leg: &mut Leg, cseq: u32) {
        let request = self.request_of(leg, Method::Ack, &message::branch(), cseq, vec![], None);
        let bytes = message::bytes(request);
        self.send(&bytes, leg.destination);
        leg.ack = Some((cseq, bytes, leg.destination));
    }

    /// A 2xx without a transaction: its ACK was lost (RFC 3261 §13.2.2.4).
    pub(crate) fn answer_repeated(&mut self, of: &Essentials) {
        let Some(leg) = self
            .leg_of(&of.call_id, &of.from_tag)
            .and_then(|id| self.legs.get(&id))
        else {
            return;
        };
        if let Some((cseq, bytes, to)) = &leg.ack
            && *cseq == of.cseq
        {
            self.send(bytes, *to);
        }
    }

    /// A final response other than 2xx: ACK in the same transaction (RFC 3261 §17.1.1.3).
    fn refused(&mut self, leg: &mut Leg, response: &Response, status: u16) {
        let Some(mut own) = leg.own.take() else {
            return;
        };
        self.acknowledge_refusal(&own, response);
        if own.again.is_none()
            && matches!(status, 401 | 407)
            && !own.authorized
            && leg.state == LegState::Calling
        {
            match self.authorize(leg, &own.request, response, status) {
                Some((request, branch)) => {
                    self.start(
                        request.clone(),
                        &branch,
                        leg.destination,
                        Owner::Leg(leg.id),
                    );
                    own = OwnInvite {
                        branch,
                        cseq: leg.local_cseq,
                        request,
                        authorized: true,
                        provisional: false,
                        ..own
                    };
                    leg.own = Some(own);
                    return;
                }
                None => return self.end_leg(leg, EndedBy::Remote, status),
            }
        }
        if let Some(waiting) = own.again {
            let _ = waiting.send(status);
            // §12.2.1.2: the far side does not know the dialog any more.
            if matches!(status, 408 | 481) {
                self.send_bye(leg);
            }
            return;
        }
        let by = if leg.state == LegState::Cancelling {
            EndedBy::Local
        } else {
            EndedBy::Remote
        };
        self.end_leg(leg, by, status);
    }

    fn acknowledge_refusal(&mut self, own: &OwnInvite, response: &Response) {
        let mut ack = own.request.clone();
        ack.method = Method::Ack;
        ack.body.clear();
        let keep = |header: &Header| {
            matches!(
                header,
                Header::Via(_)
                    | Header::From(_)
                    | Header::CallId(_)
                    | Header::MaxForwards(_)
                    | Header::Route(_)
            )
        };
        ack.headers.retain(keep);
        ack.headers.push(
            rsip::typed::CSeq {
                seq: own.cseq,
                method: Method::Ack,
            }
            .into(),
        );
        let to = response.headers.iter().find(|h| matches!(h, Header::To(_)));
        ack.headers.extend(to.cloned().into_iter().collect());
        ack.headers
            .push(rsip::headers::ContentLength::default().into());
        let bytes = message::bytes(ack);
        if let Some(tx) = self
            .clients
            .get_mut(&ClientTx::key(&own.branch, Method::Invite))
        {
            tx.ack = Some(bytes.clone());
            let to = tx.to;
            self.send(&bytes, to);
        }
    }

    /// The INVITE again, with an answer to the challenge (RFC 3261 §22.2, §22.3).
    fn authorize(
        &mut self,
        leg: &mut Leg,
        request: &Request,
        response: &Response,
        status: u16,
    ) -> Option<(Request, String)> {
        let credentials = self.phones.get(&leg.phone)?.shared.credentials()?;
        let proxy = status == 407;
        let mut challenge =
            challenges(response, proxy).find_map(|c| Challenge::read(c, credentials.algorithm))?;
        let value = challenge.answer(&credentials, Method::Invite, &request.uri);
        let name = if proxy {
            "Proxy-Authorization"
        } else {
            "Authorization"
        };
        let branch = message::branch();
        leg.local_cseq += 1;
        let sdp = String::from_utf8_lossy(&request.body).into_owned();
        let headers = vec![
            self.contact_header(leg),
            message::other("Allow", message::ALLOW),
            message::other(name, value),
        ];
        Some((
            self.request_of(
                leg,
                Method::Invite,
                &branch,
                leg.local_cseq,
                headers,
                Some(&sdp),
            ),
            branch,
        ))
    }

    /// Whatever the state asks for: CANCEL, a refusal, or BYE.
    pub(crate) fn hang_up(&mut self, id: u64) {
        self.with_leg(id, |stack, leg| match leg.state {
            LegState::Calling => {
                leg.state = LegState::Cancelling;
                // §9.1: CANCEL waits for a provisional response.
                if leg.own.as_ref().is_some_and(|own| own.provisional) {
                    stack.send_cancel(leg);
                }
            }
            LegState::Ringing => stack.refuse(leg, 480, EndedBy::Local),
            // §15: the callee must not send BYE before the ACK.
            LegState::Answered => leg.bye_wanted = true,
            LegState::Established => stack.send_bye(leg),
            LegState::Cancelling | LegState::Leaving | LegState::Ended => {}
        });
    }

    fn send_cancel(&mut self, leg: &mut Leg) {
        let Some(own) = leg.own.as_mut().filter(|own| !own.cancel_sent) else {
            return;
        };
        own.cancel_sent = true;
        let (branch, cseq) = (own.branch.clone(), own.cseq);
        let request = self.request_of(leg, Method::Cancel, &branch, cseq, vec![], None);
        self.start(request, &branch, leg.destination, Owner::Leg(leg.id));
        self.after(self.times.limit(), Due::LegLimit(leg.id));
    }

    pub(crate) fn send_bye(&mut self, leg: &mut Leg) {
        leg.state = LegState::Leaving;
        leg.local_cseq += 1;
        let branch = message::branch();
        let request = self.request_of(leg, Method::Bye, &branch, leg.local_cseq, vec![], None);
        self.start(request, &branch, leg.destination, Owner::Leg(leg.id));
    }

    /// Sends OPTIONS outside a dialog; the status of its final response goes to `reply`.
    pub(crate) fn options(
        &mut self,
        phone: u64,
        to: std::net::SocketAddr,
        reply: oneshot::Sender<u16>,
    ) {
        let Some(user) = self.phones.get(&phone).map(|p| p.shared.user.clone()) else {
            return;
        };
        let us = message::uri(&user, &self.local.to_string());
        let target = message::uri("", &to.to_string());
        let branch = message::branch();
        let request = RequestParts {
            method: Method::Options,
            uri: target.clone(),
            local: self.local,
            branch: &branch,
            from: &format!("<{us}>;tag={}", message::token()),
            to: &format!("<{target}>"),
            call_id: &format!("{}@{}", message::token(), self.local.ip()),
            cseq: 1,
            routes: &[],
        }
        .build(vec![], None);
        self.start(request, &branch, to, Owner::Options(Some(reply)));
    }
}

fn of_status(response: &Response) -> u16 {
    response.status_code.code()
}

/// The values of WWW-Authenticate, or of Proxy-Authenticate.
pub(crate) fn challenges(response: &Response, proxy: bool) -> impl Iterator<Item = &str> {
    response
        .headers
        .iter()
        .filter_map(move |header| match header {
            Header::WwwAuthenticate(value) if !proxy => Some(value.value()),
            Header::ProxyAuthenticate(value) if proxy => Some(value.value()),
            _ => None,
        })
}

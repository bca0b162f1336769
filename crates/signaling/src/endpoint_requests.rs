//! Requests outside dialogs: our answers to those that came, and OPTIONS and REGISTER of ours.

use crate::builder::Builder;
use crate::client_auth::{AccountId, Attempts, Credentials};
use crate::endpoint::Endpoint;
use crate::event::{EndpointError, Event, RequestId};
use crate::flow::Flow;
use crate::keys::{ClientKey, Owner, Purpose};
use crate::message::Message;
use crate::names::branch;
use crate::write;
use meishier_model::Mono;

/// One REGISTER.
pub(crate) struct Register<'a> {
    pub flow: Flow,
    pub registrar: &'a str,
    pub aor: &'a str,
    pub tag: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    /// Each with the seconds that it is to stand.
    pub contacts: &'a [(String, u64)],
    pub account: Option<AccountId>,
}

impl Endpoint {
    /// Answers the request of [`crate::Event::Request`] with a status of 100 to 699.
    ///
    /// # Errors
    /// [`EndpointError::UnknownRequest`]: answered already, or 64·T1 have passed.
    pub fn respond(
        &mut self,
        now: Mono,
        id: RequestId,
        status: u16,
        headers: &[(&str, &str)],
        body: Option<(&str, &[u8])>,
    ) -> Result<(), EndpointError> {
        self.last = now;
        if !(100..=699).contains(&status) {
            return Err(EndpointError::Status);
        }
        let key = *self
            .requests
            .get(&id)
            .ok_or(EndpointError::UnknownRequest)?;
        let head = self.tx.head(key).ok_or(EndpointError::UnknownRequest)?;
        let mut out = write::response(head, status).header("Server", &self.config.user_agent);
        for (name, value) in headers {
            out = out.header(name, value);
        }
        let bytes = match body {
            Some((kind, body)) => out.body(kind, body).finish(),
            None => out.finish(),
        };
        if status >= 200 {
            self.requests.remove(&id);
        }
        if self.tx.respond(now, key, status, bytes) {
            Ok(())
        } else {
            Err(EndpointError::UnknownRequest)
        }
    }

    /// Asks a peer for a sign of life. [`crate::Event::Response`] follows.
    ///
    /// # Errors
    /// [`EndpointError::Full`] at the limit, [`EndpointError::Uri`] if the URI cannot be written.
    pub fn options(
        &mut self,
        now: Mono,
        flow: Flow,
        uri: &str,
    ) -> Result<RequestId, EndpointError> {
        self.options_as(now, None, flow, uri)
    }

    /// As [`Endpoint::options`]; challenges are answered for this account.
    ///
    /// # Errors
    /// As [`Endpoint::options`].
    pub fn options_as(
        &mut self,
        now: Mono,
        account: Option<AccountId>,
        flow: Flow,
        uri: &str,
    ) -> Result<RequestId, EndpointError> {
        self.last = now;
        if self.tx.clients.len() >= self.config.max_transactions {
            self.tx.counters.limited += 1;
            return Err(EndpointError::Full);
        }
        if !write::is_uri(uri) {
            return Err(EndpointError::Uri);
        }
        let id = self.take_request_id();
        let word = self.names.word();
        let shown = self.wallet.carry(account, ("OPTIONS", uri));
        let out = write::Request {
            method: "OPTIONS",
            uri,
            flow: &flow,
            branch: &branch(word),
            route: "",
            from: &format!("<sip:{}>;tag={:016x}", flow.local, self.names.word()),
            to: &format!("<{uri}>"),
            call_id: &self.names.call_id(),
            cseq: 1,
            hops: write::MAX_FORWARDS,
        }
        .builder()
        .header_with("Contact", |out| write::contact(out, "", &flow))
        .header("Accept", write::ACCEPT)
        .header("User-Agent", &self.config.user_agent);
        self.start_request(
            now,
            (id, word, flow),
            Purpose::Options,
            (account, out, shown),
        );
        Ok(id)
    }

    /// Sends a REGISTER of ours. [`crate::Event::RegisterDone`] follows.
    pub(crate) fn register(
        &mut self,
        now: Mono,
        register: &Register<'_>,
    ) -> Result<RequestId, EndpointError> {
        self.last = now;
        let (flow, account) = (register.flow, register.account);
        if !write::is_uri(register.registrar) || !write::is_uri(register.aor) {
            return Err(EndpointError::Uri);
        }
        let id = self.take_request_id();
        let word = self.names.word();
        let shown = self.wallet.carry(account, ("REGISTER", register.registrar));
        let mut out = write::Request {
            method: "REGISTER",
            uri: register.registrar,
            flow: &flow,
            branch: &branch(word),
            route: "",
            from: &format!("<{}>;tag={}", register.aor, register.tag),
            to: &format!("<{}>", register.aor),
            call_id: register.call_id,
            cseq: register.cseq,
            hops: write::MAX_FORWARDS,
        }
        .builder();
        for (contact, expires) in register.contacts {
            out = out.header("Contact", &format!("{contact};expires={expires}"));
        }
        // Registrars there are that read the header alone.
        if let [(_, expires), ..] = register.contacts {
            out = out.header("Expires", &expires.to_string());
        }
        // RFC 3327 §5.1: whoever stands between may have us called through it.
        out = out
            .header("Supported", "path")
            .header("Allow", write::ALLOW)
            .header("User-Agent", &self.config.user_agent);
        self.start_request(
            now,
            (id, word, flow),
            Purpose::Register,
            (account, out, shown),
        );
        Ok(id)
    }

    /// Call-ID and From tag of a registration.
    pub(crate) fn register_names(&mut self) -> (String, String) {
        (self.names.call_id(), format!("{:016x}", self.names.word()))
    }

    fn start_request(
        &mut self,
        now: Mono,
        (id, word, flow): (RequestId, u64, Flow),
        purpose: Purpose,
        (account, mut out, shown): (Option<AccountId>, Builder<'_>, Credentials),
    ) {
        for (name, value) in &shown {
            out = out.header(name, value);
        }
        let key = ClientKey {
            word,
            cancel: false,
        };
        let bytes = out.finish();
        self.tx
            .start(now, key, purpose, Owner::Request(id), flow, bytes);
        self.tx.attribute(key, Attempts::of(account));
    }

    /// The final response to a request of ours outside dialogs came, or none will.
    pub(crate) fn on_request_done(
        &mut self,
        id: RequestId,
        purpose: Purpose,
        status: u16,
        reply: Option<&Message>,
    ) {
        self.events.push_back(match purpose {
            Purpose::Register => Event::RegisterDone {
                id,
                status,
                reply: reply.cloned(),
            },
            _ => Event::Response { id, status },
        });
    }
}

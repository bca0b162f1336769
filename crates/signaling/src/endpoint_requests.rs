//! Requests outside dialogs: our answers to those that came, and OPTIONS of ours.

use crate::endpoint::Endpoint;
use crate::event::{EndpointError, RequestId};
use crate::flow::Flow;
use crate::keys::{ClientKey, Owner, Purpose};
use crate::names::branch;
use crate::write;
use meishier_model::Mono;

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
        let bytes = write::Request {
            method: "OPTIONS",
            uri,
            flow: &flow,
            branch: &branch(word),
            route: "",
            from: &format!("<sip:{}>;tag={:016x}", flow.local, self.names.word()),
            to: &format!("<{uri}>"),
            call_id: &self.names.call_id(),
            cseq: 1,
        }
        .builder()
        .header_with("Contact", |out| write::contact(out, "", &flow))
        .header("Accept", write::ACCEPT)
        .header("User-Agent", &self.config.user_agent)
        .finish();
        let key = ClientKey {
            word,
            cancel: false,
        };
        self.tx
            .start(now, key, Purpose::Options, Owner::Request(id), flow, bytes);
        Ok(id)
    }
}

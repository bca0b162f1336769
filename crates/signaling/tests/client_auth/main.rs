//! Challenges that others put to us: vectors, every request of a call, realms and nonces that change,
//! and carriers that never have enough.

mod bounds;
mod challenges;
mod requests;
#[path = "../verifier/mod.rs"]
mod verifier;
#[path = "../wire/mod.rs"]
mod wire;

use meishier_model::LegId;
use meishier_signaling::message::Message;
use meishier_signaling::{Account, AccountId};
use verifier::*;
use wire::*;

const US: AccountId = AccountId(4);
const CONTACT: &str = "Contact: <sip:seat1@192.0.2.9:5070>\r\n";

fn account() -> Account {
    Account {
        user: USER.into(),
        password: PASSWORD.into(),
    }
}

fn bench() -> Bench {
    let mut b = Bench::udp();
    b.end.set_account(US, Some(account()));
    b
}

fn call(b: &mut Bench) -> (Message, LegId) {
    let leg = b.end.invite_as(b.now, Some(US), invite(b.flow)).unwrap();
    b.drain();
    (b.last().clone(), leg)
}

/// A challenge header of the end itself.
fn www(realm: &str, nonce: &str) -> String {
    format!(
        "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"\r\n"
    )
}

fn proxy(realm: &str, nonce: &str) -> String {
    www(realm, nonce).replace("WWW-", "Proxy-")
}

fn stale(header: &str) -> String {
    header.replace("\r\n", ", stale=true\r\n")
}

fn refuse(b: &mut Bench, request: &Message, status: u16, headers: &str) {
    b.sent.clear();
    b.receive(&reply(request, status, "t", headers, ""));
}

/// The request that answered, after the ACK if there was one.
fn again(b: &Bench, method: &str) -> Message {
    let last = b.last();
    assert_eq!(last.method_str(), method, "{:?}", b.sent);
    last.clone()
}

fn shown_verbatim(message: &Message, header: &str) -> Vec<String> {
    let lines = message.lines().filter(|line| line.0 == header);
    lines.map(|line| line.1.to_owned()).collect()
}

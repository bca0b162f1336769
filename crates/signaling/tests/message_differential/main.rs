//! Three readings of one message: what its maker put into it, what this crate reads and what rsip
//! reads. Ours must be the maker's, always. Rsip is a second opinion on the maker: wherever it can
//! read a thing it must read the same, but for the faults of its own that stand in [`FAULTS`].

mod faults;
mod maker;

use faults::{FAULTS, Miss};
use maker::{Made, made};
use meishier_signaling::message::{HeaderName, Message, NameAddr};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rsip::SipMessage;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::{HasHeaders, HeadersExt};
use std::collections::BTreeMap;

/// Messages that are made and read; the same at every run.
const MESSAGES: u32 = 20_000;

/// Something that can be read out of a message, and its value.
type Facts = BTreeMap<&'static str, String>;

fn number(port: Option<u16>) -> String {
    port.map_or(String::new(), |port| port.to_string())
}

fn ours(message: &Message) -> Facts {
    let mut out = Facts::new();
    let mut uri = |names: [&'static str; 3], text: &str| {
        let uri = meishier_signaling::uri::Uri::parse(text).unwrap();
        if uri.is_sip() {
            out.insert(names[0], uri.user.unwrap_or("").to_owned());
            out.insert(names[1], uri.host.to_owned());
            out.insert(names[2], number(uri.port));
        }
    };
    let address = |a: NameAddr<'_>| a.uri.to_owned();
    uri(
        ["from user", "from host", "from port"],
        &address(message.from_addr().unwrap()),
    );
    uri(
        ["to user", "to host", "to port"],
        &address(message.to_addr().unwrap()),
    );
    if let Some(contact) = message.contacts().next() {
        uri(
            ["contact user", "contact host", "contact port"],
            &address(contact.unwrap()),
        );
    }
    if message.is_request() {
        uri(["uri user", "uri host", "uri port"], message.request_uri());
        out.insert("method", message.method_str().to_owned());
    }
    out.extend(
        message
            .status()
            .map(|status| ("status", status.to_string())),
    );
    let via = message.top_via();
    out.insert("via transport", via.transport.to_owned());
    out.insert("via host", via.host.to_owned());
    out.insert("via port", number(via.port));
    out.insert("via branch", via.branch.unwrap_or("").to_owned());
    out.insert("vias", message.values(HeaderName::Via).count().to_string());
    out.insert("from tag", message.from_tag().unwrap_or("").to_owned());
    out.insert("to tag", message.to_tag().unwrap_or("").to_owned());
    out.insert("call-id", message.call_id().to_owned());
    out.insert("cseq", format!("{} {}", message.cseq().0, message.cseq().1));
    out.extend(
        message
            .max_forwards()
            .map(|n| ("max-forwards", n.to_string())),
    );
    out.insert("body", String::from_utf8_lossy(message.body()).into_owned());
    out
}

fn their_uri(names: [&'static str; 3], uri: &rsip::Uri, out: &mut Facts) {
    if matches!(uri.scheme, Some(rsip::Scheme::Other(_))) {
        return;
    }
    out.insert(names[0], uri.user().unwrap_or("").to_owned());
    out.insert(names[1], uri.host().to_string());
    out.insert(names[2], number(uri.port().map(|port| *port.value())));
}

/// What rsip can read; what it cannot is not there.
fn theirs(message: &SipMessage) -> Facts {
    let mut out = Facts::new();
    match message {
        SipMessage::Request(request) => {
            out.insert("method", request.method.to_string());
            their_uri(["uri user", "uri host", "uri port"], &request.uri, &mut out);
        }
        SipMessage::Response(response) => {
            let status = u16::from(response.status_code.clone());
            out.insert("status", status.to_string());
        }
    }
    if let Ok(Ok(via)) = message.via_header().map(|h| h.typed()) {
        out.insert("via transport", via.transport.to_string());
        out.insert("via host", via.uri.host().to_string());
        out.insert("via port", number(via.uri.port().map(|port| *port.value())));
        let branch = via.branch().map(|b| b.value().to_owned());
        out.insert("via branch", branch.unwrap_or_default());
    }
    let vias = message
        .headers()
        .iter()
        .filter(|h| matches!(h, rsip::Header::Via(_)));
    out.insert("vias", vias.count().to_string());
    if let Ok(Ok(from)) = message.from_header().map(|h| h.typed()) {
        their_uri(["from user", "from host", "from port"], &from.uri, &mut out);
        let tag = from.tag().map(|t| t.value().to_owned());
        out.insert("from tag", tag.unwrap_or_default());
    }
    if let Ok(Ok(to)) = message.to_header().map(|h| h.typed()) {
        their_uri(["to user", "to host", "to port"], &to.uri, &mut out);
        let tag = to.tag().map(|t| t.value().to_owned());
        out.insert("to tag", tag.unwrap_or_default());
    }
    if let Ok(Ok(contact)) = message.contact_header().map(|h| h.typed()) {
        their_uri(
            ["contact user", "contact host", "contact port"],
            &contact.uri,
            &mut out,
        );
    }
    if let Ok(id) = message.call_id_header() {
        out.insert("call-id", id.value().to_owned());
    }
    if let Ok(Ok(cseq)) = message.cseq_header().map(|h| h.typed()) {
        out.insert("cseq", format!("{} {}", cseq.seq, cseq.method));
    }
    if let Ok(n) = message.max_forwards_header() {
        out.insert("max-forwards", n.value().to_owned());
    }
    out.insert("body", String::from_utf8_lossy(message.body()).into_owned());
    out
}

/// One message: what is missed, and how.
fn misses(made: &Made, text: &str) -> (usize, Vec<(&'static str, Miss)>) {
    let truth = made.facts();
    let message = Message::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(ours(&message), truth, "{text}");
    let Ok(other) = SipMessage::try_from(text.as_bytes()) else {
        return (0, vec![("message", Miss::Message)]);
    };
    let read = theirs(&other);
    let same = read
        .iter()
        .filter(|(name, value)| truth.get(*name) == Some(value))
        .count();
    let wrong = read
        .iter()
        .filter(|(name, value)| truth.get(*name) != Some(value));
    let wrong = wrong.map(|(name, _)| (*name, Miss::Other));
    let absent = truth.keys().filter(|name| !read.contains_key(*name));
    (
        same,
        wrong
            .chain(absent.map(|name| (*name, Miss::Nothing)))
            .collect(),
    )
}

#[test]
fn both_parsers_read_what_was_written_but_for_the_faults_that_are_named() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[17; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = made();
    let (mut agreed, mut unexplained) = (0, BTreeMap::<_, (usize, String)>::new());
    let mut explained = vec![0; FAULTS.len()];
    for _ in 0..MESSAGES {
        let made = strategy.new_tree(&mut runner).unwrap().current();
        let text = made.text();
        let (same, missed) = misses(&made, &text);
        agreed += same;
        for (fact, miss) in missed {
            let why = FAULTS
                .iter()
                .position(|fault| (fault.explains)(&made, fact, miss));
            match why {
                Some(at) => explained[at] += 1,
                None => {
                    let entry = unexplained.entry((fact, format!("{miss:?}")));
                    entry.or_insert_with(|| (0, text.clone())).0 += 1;
                }
            }
        }
    }
    for (fault, count) in FAULTS.iter().zip(&explained) {
        // With --nocapture this is the list of what rsip cannot do.
        println!("{count:6} {} ({})", fault.name, fault.clause);
        assert!(*count > 0, "no fault any more: {}", fault.name);
    }
    for ((fact, miss), (count, text)) in &unexplained {
        println!("{fact} {miss}: {count}, such as\n{text}");
    }
    assert!(unexplained.is_empty(), "differences without a reason");
    println!("{agreed} facts read alike");
    assert!(agreed > 100_000, "{agreed}");
}

//! A far end against text written by hand: what it sends when, to the letter.

mod peer_net;

use meishier_model::Mono;
use meishier_sim::peer::{Agent, AgentEvent};
use peer_net::{A, B, SECOND, addr, agent, call, events, packets};

const START: Mono = Mono(1_000_000);
const SILENCE: [&str; 0] = [];

fn header<'a>(text: &'a str, name: &str) -> &'a str {
    let value = text
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

/// A response to a request of the far end.
fn response(request: &str, status: &str, extra: &str) -> Vec<u8> {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        text.push_str(&format!("{name}: {}\r\n", header(request, name)));
    }
    let to = header(request, "To");
    text.push_str(&format!(
        "To: {to};tag=b\r\nContact: <sip:b@{B}>\r\n{extra}\r\n"
    ));
    text.into_bytes()
}

fn request(method: &str, branch: &str, cseq: u32, to: &str, body: &str) -> String {
    format!(
        "{method} sip:s0@{A} SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9:5070;branch={branch};rport\r\n\
         From: \"B > A\" <sip:b@{B}>;tag=f\r\nTo: {to}\r\nCall-ID: by-hand\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:b@{B}>\r\nX-Meishier-Call: 7\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.1.0.2\r\ns=-\r\nc=IN IP4 10.1.0.2\r\nt=0 0\r\n\
                   m=video 4000 RTP/AVP 99\r\nm=audio 4002 RTP/AVP 18 0 8 101\r\na=sendonly\r\n\
                   a=rtpmap:101 telephone-event/8000\r\n";

fn hear(agent: &mut Agent, now: Mono, text: &str) -> Vec<String> {
    agent.handle_packet(now, addr(B), text.as_bytes());
    packets(agent)
}

/// When it sends something within a minute, in milliseconds.
fn times(agent: &mut Agent) -> Vec<u64> {
    let mut times = Vec::new();
    while let Some(at) = agent.poll_timeout() {
        agent.handle_timeout(at);
        let sent = packets(agent).len();
        times.extend(std::iter::repeat_n((at.0 - START.0) / 1000, sent));
    }
    times
}

#[test]
fn an_invite_is_repeated_with_doubled_pauses_and_fails_after_64_t1() {
    let mut far = agent(A, B, 1);
    let key = far.invite(START, call("12356", "1330"));
    assert_eq!(packets(&mut far).len(), 1);
    assert_eq!(times(&mut far), [500, 1500, 3500, 7500, 15500, 31500]);
    assert_eq!(events(&mut far), [AgentEvent::Failed { key }]);
    assert_eq!(far.live(), 0);
}

#[test]
fn other_requests_are_repeated_at_most_every_t2() {
    let mut far = agent(A, B, 1);
    far.options(START);
    assert_eq!(packets(&mut far).len(), 1);
    let pauses = [
        500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500,
    ];
    assert_eq!(times(&mut far), pauses);
    assert_eq!(far.live(), 0);
}

#[test]
fn a_provisional_response_ends_the_repetition_and_frees_the_cancel() {
    let mut far = agent(A, B, 1);
    let key = far.invite(START, call("12356", "1330"));
    let invite = packets(&mut far).remove(0);
    assert!(far.cancel(START, key));
    assert!(!far.cancel(START, key));
    assert_eq!(packets(&mut far), SILENCE, "§9.1: not yet");
    far.handle_packet(START, addr(B), &response(&invite, "100 Trying", ""));
    let cancel = packets(&mut far).remove(0);
    assert!(cancel.starts_with("CANCEL sip:12356@10.1.0.2:5060 SIP/2.0\r\n"));
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(header(&cancel, name), header(&invite, name));
    }
    let seq = header(&invite, "CSeq").trim_end_matches("INVITE");
    assert_eq!(header(&cancel, "CSeq"), format!("{seq}CANCEL"));
    far.handle_packet(START, addr(B), &response(&cancel, "200 OK", ""));
    let refused = response(&invite, "487 Request Terminated", "");
    for _ in 0..2 {
        far.handle_packet(START, addr(B), &refused);
        let ack = packets(&mut far).remove(0);
        assert!(ack.starts_with("ACK sip:12356@10.1.0.2:5060 SIP/2.0\r\n"));
        assert_eq!(header(&ack, "Via"), header(&invite, "Via"));
        assert!(header(&ack, "To").ends_with(";tag=b"));
    }
    let end = AgentEvent::Refused { key, status: 487 };
    assert_eq!(events(&mut far), [end]);
    assert_eq!(times(&mut far), [0; 0]);
    assert_eq!(far.live(), 0);
}

#[test]
fn an_invite_is_answered_and_the_200_repeated_until_its_ack() {
    let mut far = agent(A, B, 1);
    let invite = request("INVITE", "z9hG4bKx", 5, "<sip:s0@test>", SDP);
    assert_eq!(hear(&mut far, START, &invite), SILENCE);
    let AgentEvent::Incoming {
        key,
        from_user,
        to_user,
        engine_call,
        body,
        ..
    } = events(&mut far).remove(0)
    else {
        panic!("no call");
    };
    assert_eq!((from_user.as_str(), to_user.as_str()), ("b", "s0"));
    assert_eq!((engine_call.as_deref(), body), (Some("7"), true));
    // Nothing was said yet: 100. Then whatever was said last.
    assert!(hear(&mut far, START, &invite)[0].starts_with("SIP/2.0 100 "));
    far.ring(START, key, 180);
    let ringing = packets(&mut far).remove(0);
    assert_eq!(hear(&mut far, START, &invite), [ringing.as_str()]);
    let via = header(&ringing, "Via");
    assert_eq!(
        via,
        "SIP/2.0/UDP 10.9.9.9:5070;branch=z9hG4bKx;received=10.1.0.2;rport=5060"
    );
    far.answer(START, key);
    let ok = packets(&mut far).remove(0);
    assert!(ok.contains("m=video 0 RTP/AVP 99\r\nm=audio 30000 RTP/AVP 8 101\r\n"));
    assert!(ok.ends_with("a=recvonly\r\n"), "{ok}");
    assert_eq!(header(&ok, "To"), header(&ringing, "To"));
    let stream = far.stream(key).unwrap();
    assert_eq!(stream.remote, Some(addr("10.1.0.2:4002")));
    assert!(stream.hears && !stream.sends);
    // The INVITE again is absorbed; the 200 comes again by itself.
    assert_eq!(hear(&mut far, START, &invite), SILENCE);
    let at = far.poll_timeout().unwrap();
    assert_eq!(at, START + SECOND / 2);
    far.handle_timeout(at);
    assert_eq!(packets(&mut far), [ok.as_str()]);
    let ack = request("ACK", "z9hG4bKy", 5, header(&ok, "To"), "");
    hear(&mut far, at, &ack);
    assert_eq!(events(&mut far), [AgentEvent::Confirmed { key }]);
    assert_eq!(far.live(), 2, "the dialog, and the transaction until L");
    in_the_dialog(&mut far, at, header(&ok, "To"));
    assert_eq!(events(&mut far), [AgentEvent::Ended { key }]);
    assert_eq!(times(&mut far), [0; 0]);
    assert_eq!(far.live(), 0);
}

/// Known methods, order, and the same answer to the same request.
fn in_the_dialog(far: &mut Agent, at: Mono, to: &str) {
    let options = request("OPTIONS", "z9hG4bKo", 6, to, "");
    let first = hear(far, at, &options);
    assert!(first[0].starts_with("SIP/2.0 200 "));
    assert_eq!(hear(far, at, &options), first);
    let old = request("INFO", "z9hG4bKi", 3, to, "");
    assert!(hear(far, at, &old)[0].starts_with("SIP/2.0 500 "));
    let refer = request("REFER", "z9hG4bKr", 8, to, "");
    assert!(hear(far, at, &refer)[0].starts_with("SIP/2.0 501 "));
    let hold = request(
        "INVITE",
        "z9hG4bKh",
        9,
        to,
        &SDP.replace("sendonly", "inactive"),
    );
    let held = hear(far, at, &hold).remove(0);
    assert!(held.starts_with("SIP/2.0 200 ") && held.ends_with("a=inactive\r\n"));
    hear(far, at, &request("ACK", "z9hG4bKz", 9, to, ""));
    let bye = request("BYE", "z9hG4bKb", 10, to, "");
    let over = hear(far, at, &bye);
    assert!(over[0].starts_with("SIP/2.0 200 "));
    assert_eq!(hear(far, at, &bye), over);
    let late = request("BYE", "z9hG4bKc", 11, to, "");
    assert!(hear(far, at, &late)[0].starts_with("SIP/2.0 481 "));
}

#[test]
fn strangers_get_what_the_rfc_says() {
    let mut far = agent(A, B, 1);
    let expected = [
        ("OPTIONS", "<sip:a@x>", "200"),
        ("OPTIONS", "<sip:a@x>;tag=t", "481"),
        ("BYE", "<sip:a@x>;tag=t", "481"),
        ("CANCEL", "<sip:a@x>", "481"),
        ("REFER", "<sip:a@x>", "501"),
        ("INVITE", "<sip:a@x>;tag=t", "481"),
    ];
    for (index, (method, to, status)) in expected.into_iter().enumerate() {
        let text = request(method, &format!("z9hG4bK{index}"), 1, to, "");
        let reply = hear(&mut far, START, &text).remove(0);
        let start = format!("SIP/2.0 {status} ");
        assert_eq!(hear(&mut far, START, &text), [reply.as_str()]);
        assert!(reply.starts_with(&start), "{method} {to}: {reply}");
    }
    assert_eq!(far.live(), 0);
    for junk in [
        "",
        "\r\n\r\n",
        "INVITE",
        "ACK sip:a SIP/2.0\r\n\r\n",
        "\u{4f60}: \r\n\r\n",
    ] {
        assert_eq!(hear(&mut far, START, junk), SILENCE);
    }
    far.handle_packet(START, addr(B), &[0xff, 0xfe, b'\n']);
    let unknown = request(
        "INVITE",
        "z9hG4bKn",
        1,
        "<sip:a@x>",
        "v=0\r\nm=audio 1 RTP/AVP 18\r\n",
    );
    assert!(hear(&mut far, START, &unknown)[0].starts_with("SIP/2.0 488 "));
    assert_eq!(events(&mut far), []);
}

#[test]
fn compact_and_folded_headers_are_read() {
    let mut far = agent(A, B, 1);
    let text = format!(
        "INVITE sip:s0@{A} SIP/2.0\nv: SIP/2.0/UDP {B}\n ;branch=z9hG4bKx\nV: SIP/2.0/UDP second\n\
         f: <tel:13300000001>;tag=f\nt: sip:s0@test\ni: x\nCSEQ:  5   INVITE\nm: <sip:b@{B}>\nl: 0\n\n"
    );
    hear(&mut far, START, &text);
    let Some(AgentEvent::Incoming {
        key,
        from_user,
        body: false,
        ..
    }) = far.poll_event()
    else {
        panic!("no call");
    };
    assert_eq!(from_user, "13300000001");
    far.reject(START, key, 603);
    let reply = packets(&mut far).remove(0);
    assert!(reply.starts_with("SIP/2.0 603 Decline\r\n"));
    assert_eq!(reply.matches("Via: ").count(), 2);
    assert!(header(&reply, "To").starts_with("sip:s0@test;tag="));
}

#[test]
fn a_reliable_provisional_response_gets_its_prack() {
    let mut far = agent(A, B, 1);
    far.invite(START, call("12356", "1330"));
    let invite = packets(&mut far).remove(0);
    assert_eq!(header(&invite, "Supported"), "100rel");
    let ringing = response(&invite, "180 Ringing", "Require: 100rel\r\nRSeq: 17\r\n");
    far.handle_packet(START, addr(B), &ringing);
    let prack = packets(&mut far).remove(0);
    assert!(prack.starts_with("PRACK sip:b@10.1.0.2:5060 SIP/2.0\r\n"));
    let rack = format!("17 {}", header(&invite, "CSeq"));
    assert_eq!(header(&prack, "RAck"), rack);
}

#[test]
fn a_registration_is_lengthened_tried_again_and_given_up() {
    let mut far = agent(A, B, 1);
    far.register(START, "r0", "test", "secret", 60);
    let first = packets(&mut far).remove(0);
    far.handle_packet(
        START,
        addr(B),
        &response(&first, "423 Interval Too Brief", "Min-Expires: 120\r\n"),
    );
    let second = packets(&mut far).remove(0);
    assert_eq!(header(&second, "Expires"), "120");
    far.handle_packet(
        START,
        addr(B),
        &response(&second, "503 Service Unavailable", ""),
    );
    let again = far.poll_timeout().unwrap();
    assert!((START + SECOND * 30..START + SECOND * 60).contains(&again));
    far.handle_timeout(again);
    let third = packets(&mut far).remove(0);
    let granted = format!("Contact: <sip:r0@{A}>;expires=100\r\n");
    let ok = String::from_utf8(response(&third, "200 OK", "")).unwrap();
    let ok = ok.replace("Contact: <sip:b@10.1.0.2:5060>\r\n", &granted);
    far.handle_packet(again, addr(B), ok.as_bytes());
    assert_eq!(far.poll_timeout(), Some(again + SECOND * 80));
    assert_eq!(far.live(), 0);
    far.handle_timeout(again + SECOND * 80);
    let fourth = packets(&mut far).remove(0);
    assert_eq!(header(&fourth, "Call-ID"), header(&first, "Call-ID"));
    // A challenge is taken up; the same once more means that the password is wrong.
    let challenge = "WWW-Authenticate: Digest realm=\"test\", nonce=\"n\", qop=\"auth\"\r\n";
    let now = again + SECOND * 80;
    far.handle_packet(
        now,
        addr(B),
        &response(&fourth, "401 Unauthorized", challenge),
    );
    let fifth = packets(&mut far).remove(0);
    assert!(header(&fifth, "Authorization").contains("nonce=\"n\""));
    far.handle_packet(
        now,
        addr(B),
        &response(&fifth, "401 Unauthorized", challenge),
    );
    assert!(packets(&mut far).is_empty());
    assert_eq!(far.poll_timeout(), None);
    let told = [
        AgentEvent::RegisterRefused { status: 503 },
        AgentEvent::Registered { expires: 100 },
        AgentEvent::RegisterRefused { status: 401 },
    ];
    assert_eq!(events(&mut far), told);
}

#[test]
fn a_refresh_uses_the_nonce_again_until_it_is_stale() {
    let challenge = |nonce: &str, stale: &str| {
        format!(
            "WWW-Authenticate: Digest realm=\"test\", nonce=\"{nonce}\", qop=\"auth\"{stale}\r\n"
        )
    };
    let mut far = agent(A, B, 1);
    far.register(START, "r0", "test", "secret", 100);
    let first = packets(&mut far).remove(0);
    let refused = response(&first, "401 Unauthorized", &challenge("n1", ""));
    far.handle_packet(START, addr(B), &refused);
    let mut now = START;
    for count in ["nc=00000001", "nc=00000002", "nc=00000003"] {
        let request = packets(&mut far).remove(0);
        let authorization = header(&request, "Authorization");
        assert!(authorization.contains("nonce=\"n1\"") && authorization.contains(count));
        far.handle_packet(now, addr(B), &response(&request, "200 OK", ""));
        assert_eq!(far.poll_timeout(), Some(now + SECOND * 80));
        now = now + SECOND * 80;
        far.handle_timeout(now);
    }
    let request = packets(&mut far).remove(0);
    let stale = response(
        &request,
        "401 Unauthorized",
        &challenge("n2", ", stale=true"),
    );
    far.handle_packet(now, addr(B), &stale);
    let request = packets(&mut far).remove(0);
    let authorization = header(&request, "Authorization");
    assert!(authorization.contains("nonce=\"n2\"") && authorization.contains("nc=00000001"));
}

//! SIP over TLS with a running `meishier serve`: a phone, a caller, other certificates.
#![allow(missing_docs)]

#[path = "../../net/tests/support/papers.rs"]
mod papers;
mod served;

use papers::{Authority, Files, Paper, Stream, client, connect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use served::{Served, command, started};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::SocketAddr;

const PASSWORD: &str = "a-password-of-the-test";

/// An engine whose seats register, and where it listens for TLS.
fn serve(files: &Files) -> (Served, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let command = command(folder.path(), "127.0.0.1:0", 2);
    let file = folder.path().join("test.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let contact = "contact = \"sip:a{n}@127.0.0.1:6100\"";
    let text = text
        .replace(contact, &format!("password = {PASSWORD:?}"))
        .replace("listen = [\"udp:", "listen = [\"tls:127.0.0.1:0\", \"udp:");
    assert!(text.contains(PASSWORD) && text.contains("tls:"));
    std::fs::write(&file, text + "\n" + &files.section()).unwrap();
    let served = started(command, folder);
    let tls = served.ready.split("tls:").nth(1).unwrap();
    let end = tls.find(',').unwrap();
    let tls = tls[..end].parse().unwrap();
    (served, tls)
}

/// The next message: head and body.
fn message(stream: &mut Stream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).unwrap(),
            1,
            "the connection was closed"
        );
        text.push(byte[0]);
    }
    let mut text = String::from_utf8(text).unwrap();
    let length = field(&text, "Content-Length: ").parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    text.push_str(std::str::from_utf8(&body).unwrap());
    text
}

/// The next message that begins so.
fn expect(stream: &mut Stream, start: &str) -> String {
    loop {
        let text = message(stream);
        if text.starts_with(start) {
            return text;
        }
        assert!(text.starts_with("SIP/2.0 1"), "{text}");
    }
}

fn field<'a>(text: &'a str, before: &str) -> &'a str {
    let rest = text
        .split(before)
        .nth(1)
        .unwrap_or_else(|| panic!("{before} in {text}"));
    rest.split(['\r', '"', ',']).next().unwrap()
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut out, byte| {
            write!(out, "{byte:02x}").unwrap();
            out
        })
}

fn send(stream: &mut Stream, start: &str, cseq: &str, extra: &str, body: &str) {
    let from = stream.sock.local_addr().unwrap();
    let text = format!(
        "{start} SIP/2.0\r\nVia: SIP/2.0/TLS {from};branch=z9hG4bK-{};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a0000@127.0.0.1>;tag=one\r\nTo: <sip:a0000@127.0.0.1>\r\nCall-ID: {from}\r\n\
         CSeq: {cseq}\r\nContact: <sip:a0000@{from};transport=tls>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
        cseq.replace(' ', "-"),
        body.len()
    );
    stream.write_all(text.as_bytes()).unwrap();
}

/// Registers seat a0000 (RFC 7616 with SHA-256).
fn register(phone: &mut Stream) {
    let uri = "sip:127.0.0.1";
    send(phone, &format!("REGISTER {uri}"), "1 REGISTER", "", "");
    let refused = expect(phone, "SIP/2.0 401 ");
    let challenge = refused
        .lines()
        .find(|line| line.contains("SHA-256"))
        .unwrap();
    let (realm, nonce) = (field(challenge, "realm=\""), field(challenge, "nonce=\""));
    let secret = sha256(&format!("a0000:{realm}:{PASSWORD}"));
    let asked = sha256(&format!("REGISTER:{uri}"));
    let response = sha256(&format!("{secret}:{nonce}:00000001:abc:auth:{asked}"));
    let proof = format!(
        "Authorization: Digest username=\"a0000\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"abc\"\r\n"
    );
    send(phone, &format!("REGISTER {uri}"), "2 REGISTER", &proof, "");
    expect(phone, "SIP/2.0 200 ");
}

/// Answers a request with its own headers.
fn respond(phone: &mut Stream, request: &str, status: &str, body: &str) {
    let from = phone.sock.local_addr().unwrap();
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines().take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap();
        match name {
            "To" => write!(text, "{line};tag=phone\r\n").unwrap(),
            "Via" | "From" | "Call-ID" | "CSeq" => write!(text, "{line}\r\n").unwrap(),
            _ => {}
        }
    }
    write!(
        text,
        "Contact: <sip:a0000@{from};transport=tls>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    phone.write_all(text.as_bytes()).unwrap();
}

fn shown(stream: &Stream) -> CertificateDer<'static> {
    stream.conn.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

fn der(paper: &Paper) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(paper.certificate.as_bytes()).unwrap()
}

#[test]
fn a_phone_registers_and_is_called_over_tls_and_certificates_are_renewed() {
    let (ours, phones) = (Authority::new(), Authority::new());
    let (first, second) = (ours.sign(&["127.0.0.1"]), ours.sign(&["127.0.0.1"]));
    let files = Files::new(&first, Some(&phones.pem), None);
    let (mut served, tls) = serve(&files);
    let trusts = client(&ours, Some(&phones.sign(&["phone"])));
    let reach = || connect(&trusts, tls, "127.0.0.1");
    let mut phone = reach();
    register(&mut phone);
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let kind = "Content-Type: application/sdp\r\n";
    let mut caller = reach();
    send(
        &mut caller,
        "INVITE sip:12356@127.0.0.1",
        "1 INVITE",
        kind,
        sdp,
    );
    let invite = expect(&mut phone, "INVITE sip:a0000@");
    assert!(
        invite.contains("Via: SIP/2.0/TLS ") && invite.contains(";transport=tls>"),
        "{invite}"
    );
    respond(&mut phone, &invite, "200 OK", sdp);
    expect(&mut phone, "ACK ");
    let answered = expect(&mut caller, "SIP/2.0 200 ");
    assert!(answered.contains("m=audio "), "{answered}");
    assert_eq!(shown(&caller), der(&first));

    // A bad file changes nothing, and is named.
    std::fs::write(files.path("ours.key"), "no key").unwrap();
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("not configured anew"));
    let (status, refused) = served.json("POST", "/api/v1/reload?lang=en", "");
    let told = refused["error"]["mistakes"][0].to_string();
    assert_eq!(status, 422);
    assert!(
        told.contains("ours.key") && told.contains("private key"),
        "{told}"
    );
    let mut newer = reach();
    send(
        &mut newer,
        "OPTIONS sip:12356@127.0.0.1",
        "1 OPTIONS",
        "",
        "",
    );
    expect(&mut newer, "SIP/2.0 200 ");
    assert_eq!(shown(&newer), der(&first));

    // Good ones hold for whoever connects from now on; who talks goes on talking.
    files.put(&second);
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("configured anew"));
    let mut newest = reach();
    send(
        &mut newest,
        "OPTIONS sip:12356@127.0.0.1",
        "1 OPTIONS",
        "",
        "",
    );
    expect(&mut newest, "SIP/2.0 200 ");
    assert_eq!(shown(&newest), der(&second));
    let to = format!("To: {}", field(&answered, "To: "));
    let from = caller.sock.local_addr().unwrap();
    let bye = format!(
        "BYE sip:12356@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS {from};branch=z9hG4bK-bye;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a0000@127.0.0.1>;tag=one\r\n{to}\r\nCall-ID: {from}\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    );
    caller.write_all(bye.as_bytes()).unwrap();
    expect(&mut caller, "SIP/2.0 200 ");
    expect(&mut phone, "BYE ");

    let page = served.get("/metrics");
    assert!(page.contains("meishier_tls_handshakes_total 4"), "{page}");
    served.stop();
}

#[test]
fn a_bad_certificate_keeps_it_from_starting_and_check_says_so() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign(&["127.0.0.1"]), None, None);
    std::fs::write(files.path("ours.pem"), "nothing").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut serve = command(folder.path(), "127.0.0.1:0", 1);
    let file = folder.path().join("test.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "\n" + &files.section()).unwrap();
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_meishier"))
        .args(["check", "--lang", "zh", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(check.stderr).unwrap();
    assert!(
        !check.status.success() && said.contains("没有可用的 PEM 证书"),
        "{said}"
    );
    let output = serve.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("holds no certificate"),
        "{said}"
    );
}

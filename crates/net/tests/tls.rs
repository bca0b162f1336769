//! SIP over TLS: who gets in, who is believed, and that nobody waits for anybody.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use meishier_net::{CertificateFault, Certificates, Running, StartError, TlsFailure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use support::papers::{Authority, Files, Paper, Stream, client, connect, server};
use support::{
    PATIENCE, Wanted, address, config, invite, options, receive, socket, start, stranger,
};

/// An engine that listens for TLS and, to be compared with, for TCP.
fn wanted(files: &Files) -> Wanted {
    Wanted {
        listen: vec![
            "tls:127.0.0.1:0".into(),
            "tcp:127.0.0.1:0".into(),
            "udp:127.0.0.1:0".into(),
        ],
        tls: files.section(),
        ..Wanted::default()
    }
}

/// Reads until a head has come.
fn head(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).unwrap(),
            1,
            "the connection was closed"
        );
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn asks(stream: &mut Stream, call: &str) -> String {
    let from = stream.sock.local_addr().unwrap();
    stream
        .write_all(options("TLS", from, call).as_bytes())
        .unwrap();
    head(stream)
}

/// True if the engine lets nothing through: the handshake or the first request fails.
fn is_refused(mut stream: Stream) -> bool {
    let from = stream.sock.local_addr().unwrap();
    let sent = stream.write_all(options("TLS", from, "refused").as_bytes());
    sent.is_err() || !matches!(stream.read(&mut [0; 16]), Ok(1..))
}

async fn failures(running: &Running, why: TlsFailure) -> u64 {
    let at = TlsFailure::ALL.iter().position(|it| *it == why).unwrap();
    running.control().stats().await.sip.tls_failed[at]
}

/// The certificate that the engine shows.
fn shown(stream: &Stream) -> CertificateDer<'static> {
    stream.conn.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

fn der(paper: &Paper) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(paper.certificate.as_bytes()).unwrap()
}

#[test]
fn a_call_comes_over_tls_and_every_header_says_so() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign(&["127.0.0.1"]), None, None);
    let seat = socket();
    let (running, _notices) = start(&Wanted {
        seats: vec![seat.local_addr().unwrap()],
        ..wanted(&files)
    });
    let mut caller = connect(
        &client(&authority, None),
        address(&running, Transport::Tls),
        "127.0.0.1",
    );
    let from = caller.sock.local_addr().unwrap();
    caller
        .write_all(invite("TLS", from, "tls-call").as_bytes())
        .unwrap();
    let ringing = loop {
        let response = head(&mut caller);
        if response.starts_with("SIP/2.0 180 ") {
            break response;
        }
        assert!(response.starts_with("SIP/2.0 100 "), "{response}");
    };
    assert!(ringing.contains("Via: SIP/2.0/TLS "), "{ringing}");
    assert!(ringing.contains(";transport=tls>"), "{ringing}");
    assert!(receive(&seat).starts_with("INVITE sip:a0@"));
}

#[tokio::test]
async fn with_client_ca_only_its_holders_get_in() {
    let (ours, seats, stranger) = (Authority::new(), Authority::new(), Authority::new());
    let files = Files::new(&ours.sign(&["127.0.0.1"]), Some(&seats.pem), None);
    let (running, _notices) = start(&wanted(&files));
    let engine = address(&running, Transport::Tls);
    let reach = |paper: Option<&Paper>| connect(&client(&ours, paper), engine, "127.0.0.1");
    assert!(is_refused(reach(None)));
    assert!(is_refused(reach(Some(&stranger.sign(&["phone"])))));
    assert!(asks(&mut reach(Some(&seats.sign(&["phone"]))), "in").starts_with("SIP/2.0 200 "));
    assert_eq!(failures(&running, TlsFailure::NoCertificate).await, 1);
    assert_eq!(failures(&running, TlsFailure::BadCertificate).await, 1);
    assert_eq!(running.control().stats().await.sip.tls_handshakes, 1);
}

#[tokio::test]
async fn who_has_a_trunks_address_and_another_certificate_is_a_stranger() {
    let (ours, all) = (Authority::new(), Authority::new());
    let files = Files::new(&ours.sign(&["127.0.0.1"]), Some(&all.pem), Some(&all.pem));
    let (running, _notices) = start(&Wanted {
        trunk: "peers = [\"127.0.0.1\"]\ntransport = \"tls\"\ntls_name = \"sip.carrier.example\""
            .into(),
        ..wanted(&files)
    });
    let engine = address(&running, Transport::Tls);
    let reach =
        |names: &[&str]| connect(&client(&ours, Some(&all.sign(names))), engine, "127.0.0.1");
    let strangers = [
        &["phone.example"][..],
        &["127.0.0.1"],
        &["*.carrier.example"],
        // SIP names go before those of hosts.
        &["sip.carrier.example", "sip:other.example"],
    ];
    for names in strangers {
        let mut stream = reach(names);
        let from = stream.sock.local_addr().unwrap();
        assert!(
            asks(&mut stream, "options").starts_with("SIP/2.0 403 "),
            "{names:?}"
        );
        let call = invite("TLS", from, names[0]);
        stream.write_all(call.as_bytes()).unwrap();
        assert!(head(&mut stream).starts_with("SIP/2.0 403 "), "{names:?}");
    }
    for names in [&["sip.carrier.example"][..], &["sip:sip.carrier.example"]] {
        let mut stream = reach(names);
        assert!(
            asks(&mut stream, "options").starts_with("SIP/2.0 200 "),
            "{names:?}"
        );
    }
    assert_eq!(failures(&running, TlsFailure::Unnamed).await, 4);
}

#[tokio::test]
async fn other_certificates_hold_for_new_connections_and_open_ones_stay() {
    let authority = Authority::new();
    let (first, second) = (
        authority.sign(&["127.0.0.1"]),
        authority.sign(&["127.0.0.1"]),
    );
    let files = Files::new(&first, None, None);
    let config = config(&wanted(&files));
    let (running, _notices) = start(&wanted(&files));
    let reach = || {
        connect(
            &client(&authority, None),
            address(&running, Transport::Tls),
            "127.0.0.1",
        )
    };
    let mut old = reach();
    assert!(asks(&mut old, "o1").starts_with("SIP/2.0 200 "));
    files.put(&second);
    running
        .control()
        .secure_with(Certificates::read(&config).unwrap());
    let mut new = reach();
    assert!(asks(&mut new, "n1").starts_with("SIP/2.0 200 "));
    assert_eq!((shown(&old), shown(&new)), (der(&first), der(&second)));
    assert!(asks(&mut old, "o2").starts_with("SIP/2.0 200 "));
}

#[test]
fn bad_files_are_told_by_name_and_kind() {
    let authority = Authority::new();
    let ours = authority.sign(&["127.0.0.1"]);
    let files = Files::new(&ours, Some(&authority.pem), None);
    let config = config(&wanted(&files));
    let fault = |file: &str, text: Option<&str>| {
        match text {
            Some(text) => std::fs::write(files.path(file), text).unwrap(),
            None => std::fs::remove_file(files.path(file)).unwrap(),
        }
        let error = Certificates::read(&config).unwrap_err();
        assert_eq!(error.file, files.path(file));
        assert!(!error.to_string().contains("PRIVATE") && !error.message_zh().is_empty());
        files.put(&ours);
        error.fault
    };
    assert_eq!(fault("ours.pem", None), CertificateFault::Unreadable);
    assert_eq!(
        fault("ours.pem", Some("nothing")),
        CertificateFault::NoCertificate
    );
    assert_eq!(
        fault("ours.pem", Some(&ours.key)),
        CertificateFault::NoCertificate
    );
    assert_eq!(
        fault("ours.key", Some(&ours.certificate)),
        CertificateFault::NoKey
    );
    let other = authority.sign(&["127.0.0.1"]).key;
    assert_eq!(fault("ours.key", Some(&other)), CertificateFault::DoNotFit);
    assert_eq!(
        fault("client_ca.pem", Some("")),
        CertificateFault::NoCertificate
    );
    let started = support::try_start(config, true).err().unwrap();
    assert!(matches!(started, StartError::Certificate(_)), "{started}");
}

#[tokio::test]
async fn what_is_no_tls_and_who_does_not_finish_stalls_nobody() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign(&["127.0.0.1"]), None, None);
    let (running, _notices) = start(&wanted(&files));
    let engine = address(&running, Transport::Tls);
    let mut plain = TcpStream::connect(engine).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain
        .write_all(options("TCP", plain.local_addr().unwrap(), "plain").as_bytes())
        .unwrap();
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = plain.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"SIP"));
    assert_eq!(failures(&running, TlsFailure::Protocol).await, 1);
    // Half of a handshake each, more than are allowed at a time, from no more than one address may.
    let slow: Vec<TcpStream> = (0..600_u16)
        .map(|number| {
            let mut stream = stranger(engine, 2 + (number % 3) as u8);
            stream.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
            stream
        })
        .collect();
    let mut honest = connect(&client(&authority, None), engine, "127.0.0.1");
    for number in 0..50 {
        assert!(asks(&mut honest, &format!("h{number}")).starts_with("SIP/2.0 200 "));
    }
    let crowded = failures(&running, TlsFailure::Crowded).await;
    let late = failures(&running, TlsFailure::Late).await;
    assert!(crowded + late >= 600 - 512, "{crowded} {late}");
    // All of them go by themselves; the honest one stays.
    for mut stream in slow {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(
            !matches!(stream.read(&mut [0; 64]), Ok(1..)),
            "an answer to half a greeting"
        );
    }
    assert!(asks(&mut honest, "after").starts_with("SIP/2.0 200 "));
}

#[tokio::test]
async fn a_peer_that_does_not_read_loses_its_connection_and_stalls_nobody() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign(&["127.0.0.1"]), None, None);
    let (running, _notices) = start(&wanted(&files));
    let engine = address(&running, Transport::Tls);
    let trusts = client(&authority, None);
    let mut blocked = connect(&trusts, engine, "127.0.0.1");
    assert!(asks(&mut blocked, "first").starts_with("SIP/2.0 200 "));
    let from = blocked.sock.local_addr().unwrap();
    let writer = std::thread::spawn(move || {
        let mut written = 0_u64;
        // Only the writing half of TLS: what comes is left in the socket.
        loop {
            let request = options("TLS", from, &format!("b{written}"));
            if blocked.conn.writer().write_all(request.as_bytes()).is_err() {
                return written;
            }
            while blocked.conn.wants_write() {
                if blocked.conn.write_tls(&mut blocked.sock).is_err() {
                    return written;
                }
            }
            written += 1;
        }
    });
    let mut other = connect(&trusts, engine, "127.0.0.1");
    for number in 0..200 {
        assert!(asks(&mut other, &format!("o{number}")).starts_with("SIP/2.0 200 "));
    }
    assert!(writer.join().unwrap() > 0);
    let stats = running.control().stats().await.sip;
    assert_eq!((stats.tcp_blocked, stats.tcp_connections), (1, 1));
}

/// What the engine says to a trunk that shows a certificate for `names`; `None` if it will not.
async fn said_to_trunk(names: &[&str], meant: Option<&str>) -> Option<String> {
    let (ours, carrier) = (Authority::new(), Authority::new());
    let files = Files::new(&ours.sign(&["engine.example"]), None, Some(&carrier.pem));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer: SocketAddr = listener.local_addr().unwrap();
    let name = meant
        .map(|name| format!("\ntls_name = {name:?}"))
        .unwrap_or_default();
    let (running, _notices) = start(&Wanted {
        trunk: format!("peers = [\"{peer}\"]\ntransport = \"tls\"\noptions_every = \"1s\"{name}"),
        ..wanted(&files)
    });
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let tls = ServerConnection::new(server(&carrier.sign(names), &ours)).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    let mut first = [0; 8];
    if stream.read_exact(&mut first).is_err() {
        assert!(failures(&running, TlsFailure::BadCertificate).await >= 1);
        return None;
    }
    Some(String::from_utf8_lossy(&first).into_owned() + &head(&mut stream))
}

#[tokio::test]
async fn a_trunk_is_spoken_to_if_its_certificate_names_it() {
    let by_address = said_to_trunk(&["127.0.0.1"], None).await.unwrap();
    assert!(by_address.starts_with("OPTIONS "), "{by_address}");
    assert!(
        by_address.contains("Via: SIP/2.0/TLS 127.0.0.1:"),
        "{by_address}"
    );
    let name = Some("sip.carrier.example");
    for good in [&["sip.carrier.example"][..], &["sip:sip.carrier.example"]] {
        assert!(said_to_trunk(good, name).await.is_some(), "{good:?}");
    }
    for bad in [
        &["127.0.0.1"][..],
        &["*.carrier.example"],
        // Who names a domain of SIP is that one and no other.
        &["sip:other.example", "sip.carrier.example"],
        &["sip:someone@sip.carrier.example"],
    ] {
        assert_eq!(said_to_trunk(bad, name).await, None, "{bad:?}");
    }
    assert_eq!(said_to_trunk(&["127.0.0.2"], None).await, None);
}

//! An engine that stands in two networks, each with an address of its own on loopback.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use meishier_net::Running;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use support::{PATIENCE, Wanted, receive, request, start};

const TO_CARRIER: &str = "127.0.0.2";
const TO_OFFICE: &str = "127.0.0.3";
const SEAT: &str = "127.0.0.4";

fn at(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn engine(seat: SocketAddr, trunk: &str) -> Running {
    let networks = format!(
        "[[networks]]\nname = \"carrier\"\naddress = \"{TO_CARRIER}\"\nrtp = {{ first_port = 31000, last_port = 31126, dscp = 0 }}\n\
         [[networks]]\nname = \"office\"\naddress = \"{TO_OFFICE}\"\nrtp = {{ first_port = 31000, last_port = 31126 }}\n"
    );
    let listen = [TO_CARRIER, TO_OFFICE];
    let wanted = Wanted {
        listen: listen
            .iter()
            .flat_map(|ip| [format!("udp:{ip}:0"), format!("tcp:{ip}:0")])
            .collect(),
        tls: networks,
        trunk: format!("network = \"carrier\"\n{trunk}"),
        seats: vec![seat],
        seat: "network = \"office\"\n".into(),
        ..Wanted::default()
    };
    start(&wanted).0
}

/// Where the engine listens in a network.
fn reached(running: &Running, transport: Transport, ip: &str) -> SocketAddr {
    let ip: IpAddr = ip.parse().unwrap();
    let mut all = running.sip_addresses().iter();
    let fits = |it: &&(Transport, SocketAddr)| it.0 == transport && it.1.ip() == ip;
    all.find(fits).unwrap().1
}

/// The address that a description names.
fn described(message: &str) -> SocketAddr {
    let line = |start: &str| {
        message
            .lines()
            .find_map(|it| it.strip_prefix(start))
            .unwrap()
    };
    let ip: IpAddr = line("c=IN IP4 ").parse().unwrap();
    let port = line("m=audio ").split(' ').next().unwrap().parse().unwrap();
    SocketAddr::new(ip, port)
}

fn line<'a>(message: &'a str, start: &str) -> &'a str {
    message.lines().find(|it| it.starts_with(start)).unwrap()
}

fn speech(number: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(number.to_be_bytes());
    packet.extend((u32::from(number) * 160).to_be_bytes());
    packet.extend([1, 2, 3, 4]);
    packet.extend([0xd5; 160]);
    packet
}

#[test]
fn signalling_and_speech_of_each_side_come_from_the_address_in_its_network() {
    let (caller, seat) = (at("127.0.0.1"), at(SEAT));
    let (caller_rtp, seat_rtp) = (at("127.0.0.1"), at(SEAT));
    let running = engine(seat.local_addr().unwrap(), "peers = [\"127.0.0.1\"]");
    let to_carrier = reached(&running, Transport::Udp, TO_CARRIER);
    let to_office = reached(&running, Transport::Udp, TO_OFFICE);
    let from = caller.local_addr().unwrap();
    let sdp = |rtp: &UdpSocket| {
        let rtp = rtp.local_addr().unwrap();
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n",
            ip = rtp.ip(),
            port = rtp.port()
        )
    };
    let kind = "Content-Type: application/sdp\r\n";
    let invite = request("INVITE", "UDP", from, "two", kind, &sdp(&caller_rtp));
    caller.send_to(invite.as_bytes(), to_carrier).unwrap();
    let mut buffer = [0; 4096];
    let (length, source) = seat.recv_from(&mut buffer).unwrap();
    let offer = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert_eq!(source, to_office, "{offer}");
    assert!(
        line(&offer, "Via:").contains(&to_office.to_string()),
        "{offer}"
    );
    assert!(
        line(&offer, "Contact:").contains(&to_office.to_string()),
        "{offer}"
    );
    let engine_for_seat = described(&offer);
    assert_eq!(engine_for_seat.ip().to_string(), TO_OFFICE);
    let body = sdp(&seat_rtp);
    let copied: String = offer
        .lines()
        .filter(|it| {
            ["Via:", "From:", "Call-ID:", "CSeq:"]
                .iter()
                .any(|name| it.starts_with(name))
        })
        .map(|it| format!("{it}\r\n"))
        .collect();
    let answer = format!(
        "SIP/2.0 200 OK\r\n{copied}{};tag=seat\r\nContact: <sip:a0@{}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        line(&offer, "To:"),
        seat.local_addr().unwrap(),
        body.len()
    );
    seat.send_to(answer.as_bytes(), to_office).unwrap();
    let answered = loop {
        let (length, source) = caller.recv_from(&mut buffer).unwrap();
        assert_eq!(source, to_carrier);
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with("SIP/2.0 200 ") {
            break text;
        }
    };
    assert!(
        line(&answered, "Contact:").contains(&to_carrier.to_string()),
        "{answered}"
    );
    let engine_for_caller = described(&answered);
    assert_eq!(engine_for_caller.ip().to_string(), TO_CARRIER);
    assert!(receive(&seat).starts_with("ACK "));
    // Speech both ways: until the first packet has come through, for the ports open when they do.
    let heard = |from: &UdpSocket, to: SocketAddr, at: &UdpSocket, source: SocketAddr| {
        at.set_read_timeout(Some(std::time::Duration::from_millis(20)))
            .unwrap();
        let mut buffer = [0; 2048];
        let found = (0..1500_u16).find_map(|number| {
            from.send_to(&speech(number), to).unwrap();
            at.recv_from(&mut buffer).ok()
        });
        assert_eq!(found.expect("nothing was heard").1, source);
    };
    heard(&caller_rtp, engine_for_caller, &seat_rtp, engine_for_seat);
    heard(&seat_rtp, engine_for_seat, &caller_rtp, engine_for_caller);
}

#[test]
fn a_connection_of_ours_leaves_from_the_address_in_the_trunks_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let trunk = listener.local_addr().unwrap();
    let running = engine(
        at(SEAT).local_addr().unwrap(),
        &format!(
            "peers = [\"127.0.0.1\"]\nout = \"{trunk}\"\ntransport = \"tcp\"\noptions_every = \"1s\""
        ),
    );
    let (mut stream, source) = listener.accept().unwrap();
    assert_eq!(source.ip().to_string(), TO_CARRIER);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    let ours = reached(&running, Transport::Tcp, TO_CARRIER);
    assert!(
        line(&text, "Via:").contains(&format!("SIP/2.0/TCP {ours}")),
        "{text}"
    );
    stream.write_all(b"\r\n\r\n").unwrap();
}

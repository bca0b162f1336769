//! Offers and answers, by tables: what is settled, and what the answer says.

#[path = "support/bodies.rs"]
mod bodies;

use bodies::*;
use meishier_media::sdp::{self, SdpError};
use meishier_media::{Codec, Direction, Foreign, Negotiated, Rtcp, SessionId};
use std::net::SocketAddr;

const BOTH: &[Codec] = &[Codec::Pcma, Codec::Pcmu];
const SESSION: SessionId = SessionId { id: 42, version: 3 };
const LOCAL: &str = "192.0.2.1:20000";
const LOCAL6: &str = "[2001:db8::1]:20000";

fn negotiated(
    remote: &str,
    codec: Codec,
    payload_type: u8,
    event: Option<u8>,
    ptime_ms: u16,
    direction: Direction,
) -> Negotiated {
    let remote: SocketAddr = remote.parse().unwrap();
    Negotiated {
        remote,
        codec,
        payload_type,
        telephone_event: event,
        ptime_ms,
        direction,
        rtcp: Rtcp::Apart(SocketAddr::new(remote.ip(), remote.port() + 1)),
        protection: None,
    }
}

fn answer(offer: &str, local: &str, codecs: &[Codec]) -> Result<(String, Negotiated), SdpError> {
    let (body, media) = sdp::answer(offer.as_bytes(), local.parse().unwrap(), SESSION, codecs)?;
    Ok((String::from_utf8(body).unwrap(), media))
}

#[test]
fn real_bodies_settle_as_their_authors_meant() {
    use Codec::*;
    use Direction::*;
    let table = [
        (
            LINPHONE,
            LOCAL,
            BOTH,
            Negotiated {
                rtcp: Rtcp::Muxed,
                ..negotiated("198.51.100.7:7078", Pcma, 8, Some(100), 20, SendRecv)
            },
        ),
        (
            BARESIP,
            LOCAL,
            BOTH,
            negotiated("203.0.113.20:16550", Pcma, 8, Some(101), 20, SendRecv),
        ),
        (
            BARESIP,
            LOCAL,
            &[Pcmu, Pcma],
            negotiated("203.0.113.20:16550", Pcmu, 0, Some(101), 20, SendRecv),
        ),
        (
            SIPP,
            LOCAL,
            BOTH,
            negotiated("127.0.0.1:6000", Pcmu, 0, None, 20, SendRecv),
        ),
        (
            CARRIER_IMS,
            LOCAL,
            BOTH,
            negotiated("10.20.30.40:30504", Pcma, 8, Some(100), 20, SendRecv),
        ),
        (
            IPV6,
            LOCAL6,
            BOTH,
            negotiated("[2001:db8::7]:5004", Pcma, 8, Some(101), 30, SendOnly),
        ),
        (
            GATEWAY,
            LOCAL,
            BOTH,
            negotiated("192.0.2.10:5000", Pcma, 8, Some(96), 20, RecvOnly),
        ),
    ];
    for (offer, local, codecs, expected) in table {
        let (_, media) = answer(offer, local, codecs).unwrap_or_else(|e| panic!("{e}: {offer}"));
        assert_eq!(media, expected, "{offer}");
    }
}

#[test]
fn the_answer_reads_word_for_word() {
    let (body, _) = answer(CARRIER_IMS, LOCAL, BOTH).unwrap();
    assert_eq!(
        body,
        "v=0\r\no=- 42 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 100\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:100 telephone-event/8000\r\n\
         a=fmtp:100 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let (body, _) = answer(GATEWAY, LOCAL, BOTH).unwrap();
    assert_eq!(
        body,
        "v=0\r\no=- 42 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=3034423619 3042462419\r\n\
         m=image 0 udptl t38\r\n\
         m=audio 20000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n\
         a=fmtp:96 0-15\r\na=ptime:20\r\na=recvonly\r\n"
    );
    let (body, _) = answer(LINPHONE, LOCAL, BOTH).unwrap();
    assert!(body.ends_with("m=video 0 RTP/AVP 96 97\r\n"), "{body}");
}

#[test]
fn the_offer_reads_word_for_word() {
    let body = sdp::offer(LOCAL6.parse().unwrap(), SESSION, BOTH);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        "v=0\r\no=- 42 3 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n\
         a=rtcp-mux\r\n"
    );
}

#[test]
fn our_offer_our_answer_and_our_acceptance_agree() {
    for codecs in [
        BOTH,
        &[Codec::Pcmu],
        &[Codec::Pcma],
        &[Codec::Pcmu, Codec::Pcma],
    ] {
        let offer = sdp::offer(LOCAL.parse().unwrap(), SESSION, codecs);
        let (body, there) =
            sdp::answer(&offer, "192.0.2.2:30000".parse().unwrap(), SESSION, codecs).unwrap();
        let here = sdp::accept(&body, codecs).unwrap();
        assert_eq!(
            (here.codec, here.payload_type),
            (codecs[0], codecs[0].static_payload_type())
        );
        assert_eq!(here.telephone_event, Some(101));
        assert_eq!((here.rtcp, there.rtcp), (Rtcp::Muxed, Rtcp::Muxed));
        assert_eq!(here.direction, Direction::SendRecv);
        assert_eq!(here.remote, "192.0.2.2:30000".parse().unwrap());
        assert_eq!(
            (there.codec, there.remote),
            (here.codec, LOCAL.parse().unwrap())
        );
    }
}

fn audio(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n{lines}")
}

#[test]
fn directions_are_mirrored_and_holds_stop_our_sending() {
    use Direction::*;
    let table = [
        ("m=audio 4000 RTP/AVP 8\r\n", "sendrecv", SendRecv),
        (
            "m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n",
            "recvonly",
            RecvOnly,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\na=recvonly\r\n",
            "sendonly",
            SendOnly,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\na=inactive\r\n",
            "inactive",
            Inactive,
        ),
        (
            "a=sendonly\r\nm=audio 4000 RTP/AVP 8\r\n",
            "recvonly",
            RecvOnly,
        ),
        (
            "a=inactive\r\nm=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n",
            "sendrecv",
            SendRecv,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n",
            "recvonly",
            RecvOnly,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n",
            "inactive",
            Inactive,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\nc=IN IP6 ::\r\na=sendonly\r\n",
            "recvonly",
            RecvOnly,
        ),
    ];
    for (lines, attribute, direction) in table {
        let (body, media) = answer(&audio(lines), LOCAL, BOTH).unwrap();
        assert_eq!(media.direction, direction, "{lines}");
        assert!(
            body.ends_with(&format!("a={attribute}\r\n")),
            "{lines}: {body}"
        );
    }
}

#[test]
fn ptime_and_payload_types_are_taken_as_offered() {
    let table = [
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:10\r\n", 8, 10),
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:20\r\n", 8, 20),
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:30\r\n", 8, 30),
        (
            "m=audio 4000 RTP/AVP 8\r\na=ptime:60\r\na=maxptime:40\r\n",
            8,
            40,
        ),
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:0\r\n", 8, 20),
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:25\r\n", 8, 20),
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:99999999999\r\n", 8, 20),
        ("m=audio 4000 RTP/AVP 8\r\na=ptime:\r\n", 8, 20),
        (
            "m=audio 4000 RTP/AVP 112\r\na=rtpmap:112 pcma/8000\r\n",
            112,
            20,
        ),
        ("m=audio 4000 RTP/AVP 300 x 8\r\n", 8, 20),
        ("m=audio 4000/2 RTP/AVPF 8\r\n", 8, 20),
        // A static number that says it is something else is something else.
        ("m=audio 4000 RTP/AVP 8 0\r\na=rtpmap:8 L16/8000\r\n", 0, 20),
        (
            "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:8 PCMA/16000\r\n",
            0,
            20,
        ),
    ];
    for (lines, payload_type, ptime) in table {
        let (_, media) =
            answer(&audio(lines), LOCAL, BOTH).unwrap_or_else(|e| panic!("{e}: {lines}"));
        assert_eq!(
            (media.payload_type, media.ptime_ms),
            (payload_type, ptime),
            "{lines}"
        );
    }
}

#[test]
fn what_cannot_be_agreed_says_why() {
    let many = "m=video 4000 RTP/AVP 31\r\n".repeat(sdp::MAX_STREAMS + 1);
    let table = [
        (
            audio("m=audio 4000 RTP/AVP 18\r\n"),
            SdpError::NoCommonCodec(Foreign::G729),
            488,
        ),
        (
            audio("m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
            SdpError::NoCommonCodec(Foreign::Nothing),
            488,
        ),
        (audio("m=audio 0 RTP/AVP 8\r\n"), SdpError::NoAudio, 488),
        (audio("m=video 4000 RTP/AVP 31\r\n"), SdpError::NoAudio, 488),
        (audio(""), SdpError::NoAudio, 488),
        (
            audio("m=audio 4000 RTP/SAVP 8\r\n"),
            SdpError::Transport,
            488,
        ),
        (WEBRTC.to_owned(), SdpError::Transport, 488),
        (
            audio("m=audio 4000 RTP/AVP 8\r\nc=IN IP4 phone.example\r\n"),
            SdpError::Address,
            488,
        ),
        (
            audio("m=audio 4000 RTP/AVP 8\r\nc=IN IP4 224.1.1.1/127\r\n"),
            SdpError::Address,
            488,
        ),
        (
            audio("m=audio 4000 RTP/AVP 8\r\n").replace("c=IN IP4 192.0.2.5\r\n", ""),
            SdpError::Address,
            488,
        ),
        (IPV6.to_owned(), SdpError::AddressFamily, 488),
        (audio(&many), SdpError::TooManyStreams, 413),
        (
            audio(&"a=x\r\n".repeat(5000)),
            SdpError::TooLarge(audio("").len() + 25_000),
            413,
        ),
    ];
    for (offer, error, status) in table {
        let got = answer(&offer, LOCAL, BOTH).unwrap_err();
        assert_eq!(got, error, "{offer}");
        assert_eq!(got.status(), status);
    }
    for body in [
        "",
        "hello",
        "v=1\r\n",
        "v=0\r\nm=audio x RTP/AVP 8\r\n",
        "\r\n\r\n",
        "v=0\r\nc=IN\r\n",
    ] {
        let error = answer(body, LOCAL, BOTH).unwrap_err();
        assert!(
            matches!(error, SdpError::Malformed { .. } | SdpError::NoAudio),
            "{body:?}: {error:?}"
        );
        assert!(error.status() == 400 || error.status() == 488);
    }
    assert_eq!(
        sdp::accept(audio("m=audio 0 RTP/AVP 8\r\n").as_bytes(), BOTH),
        Err(SdpError::NoAudio)
    );
    assert_eq!(
        sdp::accept(BARESIP.as_bytes(), &[]),
        Err(SdpError::NoCommonCodec(Foreign::G711))
    );
}

#[test]
fn an_answer_takes_the_partys_first_codec_that_we_offered() {
    let body = audio("m=audio 4000 RTP/AVP 0 8 97\r\na=rtpmap:97 telephone-event/8000\r\n");
    let media = sdp::accept(body.as_bytes(), BOTH).unwrap();
    assert_eq!(
        (media.codec, media.telephone_event),
        (Codec::Pcmu, Some(97))
    );
    let media = sdp::accept(body.as_bytes(), &[Codec::Pcma]).unwrap();
    assert_eq!(media.codec, Codec::Pcma);
}

#[test]
fn what_was_settled_survives_serde() {
    let (_, media) = answer(BARESIP, LOCAL, BOTH).unwrap();
    let text = serde_json::to_string(&media).unwrap();
    assert_eq!(serde_json::from_str::<Negotiated>(&text).unwrap(), media);
}

/// Offers that fail for want of a codec, and what is said of them (RFC 3261 §20.43).
#[test]
fn an_offer_without_a_codec_of_ours_is_refused_by_name() {
    let amr = "m=audio 4000 RTP/AVP 104 102 105\r\na=rtpmap:104 AMR-WB/16000/1\r\n\
               a=rtpmap:102 AMR/8000/1\r\na=rtpmap:105 telephone-event/16000\r\n";
    let table = [
        (amr, Foreign::AmrWb),
        (
            "m=audio 4000 RTP/AVP 102\r\na=rtpmap:102 amr/8000\r\na=fmtp:102 octet-align=1\r\n",
            Foreign::Amr,
        ),
        (
            "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 EVS/16000/1\r\n",
            Foreign::Evs,
        ),
        ("m=audio 4000 RTP/AVP 9 18\r\n", Foreign::G722),
        (
            "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
            Foreign::Opus,
        ),
        (
            "m=audio 4000 RTP/AVP 96 18\r\na=rtpmap:96 sneaky\"name/8000\r\n",
            Foreign::G729,
        ),
        (
            "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 x\"y/8000\r\n",
            Foreign::Other,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/16000\r\n",
            Foreign::G711,
        ),
        (
            "m=audio 4000 RTP/AVP 13\r\na=rtpmap:13 CN/8000\r\n",
            Foreign::Nothing,
        ),
    ];
    for (lines, offered) in table {
        let error = answer(&audio(lines), LOCAL, BOTH).unwrap_err();
        assert_eq!(error, SdpError::NoCommonCodec(offered), "{lines}");
        assert_eq!(error.status(), 488);
        let name = offered.as_str();
        assert_eq!(
            error.warning("meishier").unwrap(),
            format!("305 meishier \"Incompatible media format: {name} offered, G.711 wanted\"")
        );
    }
    // Of several streams, the complaint is about the first that is audio.
    let two = format!("m=video 4002 RTP/AVP 31\r\n{amr}m=audio 4004 RTP/AVP 18\r\n");
    assert_eq!(
        answer(&audio(&two), LOCAL, BOTH).unwrap_err(),
        SdpError::NoCommonCodec(Foreign::AmrWb)
    );
}

#[test]
fn every_refusal_with_488_has_its_warning_and_no_other() {
    let table = [
        (SdpError::AddressFamily, Some("300 ")),
        (SdpError::Address, Some("301 ")),
        (SdpError::Transport, Some("302 ")),
        (SdpError::Unprotected, Some("302 ")),
        (SdpError::Crypto, Some("306 ")),
        (SdpError::NoAudio, Some("304 ")),
        (SdpError::NoCommonCodec(Foreign::Amr), Some("305 ")),
        (SdpError::TooLarge(1), None),
        (SdpError::TooManyStreams, None),
        (SdpError::Malformed { line: 1, what: "x" }, None),
    ];
    for (error, code) in table {
        let warning = error.warning("meishier");
        assert_eq!(warning.is_some(), error.status() == 488, "{error}");
        assert_eq!(warning.as_deref().map(|w| &w[..4]), code, "{error}");
        assert!(warning.is_none_or(|w| w.ends_with('"')), "{error}");
    }
}

#[test]
fn one_of_several_streams_is_taken_and_the_rest_refused_in_place() {
    let ours = "m=audio 20000 RTP/AVP 8\r\n";
    let table: &[(&str, &[&str])] = &[
        (
            "m=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\n",
            &[ours, "m=audio 0 RTP/AVP 8\r\n"],
        ),
        (
            "m=audio 4000 RTP/AVP 18\r\nm=audio 4002 RTP/AVP 8\r\n",
            &["m=audio 0 RTP/AVP 18\r\n", ours],
        ),
        (
            "m=audio 0 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\n",
            &["m=audio 0 RTP/AVP 8\r\n", ours],
        ),
        (
            "m=audio 4000 RTP/SAVP 8\r\nm=audio 4000 RTP/AVP 8\r\nm=video 4004 RTP/AVP 31 32\r\n\
             m=message 4006 TCP/MSRP *\r\n",
            &[
                "m=audio 0 RTP/SAVP 8\r\n",
                ours,
                "m=video 0 RTP/AVP 31 32\r\n",
                "m=message 0 TCP/MSRP *\r\n",
            ],
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 224.0.0.9/3\r\nm=audio 4002 RTP/AVP 8\r\n",
            &["m=audio 0 RTP/AVP 8\r\n", ours],
        ),
    ];
    for (offer, lines) in table {
        let (body, _) = answer(&audio(offer), LOCAL, BOTH).unwrap();
        let got: Vec<&str> = body
            .split_inclusive("\r\n")
            .filter(|l| l.starts_with("m="))
            .collect();
        assert_eq!(&got, lines, "{offer}");
    }
}

#[test]
fn rtcp_goes_where_both_agreed() {
    let port = |text: &str| Rtcp::Apart(text.parse().unwrap());
    let table = [
        ("", port("192.0.2.5:4001")),
        ("a=rtcp:5003\r\n", port("192.0.2.5:5003")),
        ("a=rtcp:5003 IN IP4 192.0.2.6\r\n", port("192.0.2.6:5003")),
        ("a=rtcp-mux\r\n", Rtcp::Muxed),
        ("a=rtcp:5003\r\na=RTCP-MUX\r\n", Rtcp::Muxed),
        ("b=RS:0\r\nb=RR:0\r\n", Rtcp::Off),
        ("b=RS:0\r\nb=RR:0\r\na=rtcp-mux\r\n", Rtcp::Off),
        ("b=RS:0\r\nb=RR:300\r\n", port("192.0.2.5:4001")),
        ("a=rtcp:0\r\n", Rtcp::Off),
        ("a=rtcp:99999\r\n", port("192.0.2.5:4001")),
        ("a=rtcp:5003 IN IP4 phone.example\r\n", Rtcp::Off),
        ("a=rtcp:5003 IN IP4 224.0.0.9\r\n", Rtcp::Off),
        ("a=rtcp:5003 IN IP6 2001:db8::1\r\n", Rtcp::Off),
    ];
    for (lines, rtcp) in table {
        let offer = audio(&format!("m=audio 4000 RTP/AVP 8\r\n{lines}"));
        let (body, media) = answer(&offer, LOCAL, BOTH).unwrap();
        assert_eq!(media.rtcp, rtcp, "{lines}");
        assert_eq!(
            body.contains("a=rtcp-mux\r\n"),
            rtcp == Rtcp::Muxed,
            "{lines}: {body}"
        );
    }
    let session = format!("b=RS:0\r\nb=RR:0\r\n{}", "t=0 0\r\n");
    let offer = audio("m=audio 4000 RTP/AVP 8\r\n").replace("t=0 0\r\n", &session);
    assert_eq!(answer(&offer, LOCAL, BOTH).unwrap().1.rtcp, Rtcp::Off);
    let offer = audio("m=audio 65535 RTP/AVP 8\r\n");
    assert_eq!(answer(&offer, LOCAL, BOTH).unwrap().1.rtcp, Rtcp::Off);
}

#[test]
fn both_families_settle_among_themselves_only() {
    let six = "v=0\r\no=- 1 1 IN IP6 2001:db8::5\r\ns=-\r\nc=IN IP6 2001:db8::5\r\nt=0 0\r\n\
               m=audio 4000 RTP/AVP 8\r\n";
    let four = audio("m=audio 4000 RTP/AVP 8\r\n");
    let table = [
        (six, LOCAL6, Ok("[2001:db8::5]:4000")),
        (&*four, LOCAL, Ok("192.0.2.5:4000")),
        (six, LOCAL, Err(SdpError::AddressFamily)),
        (&*four, LOCAL6, Err(SdpError::AddressFamily)),
    ];
    for (offer, local, expected) in table {
        let got = answer(offer, local, BOTH).map(|(body, media)| {
            let family = if local == LOCAL6 {
                "c=IN IP6 2001:db8::1"
            } else {
                "c=IN IP4 192.0.2.1"
            };
            assert!(body.contains(family), "{body}");
            media.remote
        });
        assert_eq!(got, expected.map(|text| text.parse().unwrap()), "{offer}");
    }
}

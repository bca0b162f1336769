//! Messages cut out of a stream, whole, in pieces, several at once; keep-alives; limits.

use meishier_signaling::framing::{FramingError, TcpFramer};
use meishier_signaling::message::Message;

const ONE: &[u8] = b"OPTIONS sip:a@h SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody";
const TWO: &[u8] = b"BYE sip:a@h SIP/2.0\r\nl:\r\n 0\r\n\r\n";

/// All messages that come out, with pushes of `step` bytes.
fn cut(stream: &[u8], step: usize) -> (Vec<Vec<u8>>, u32, Option<FramingError>) {
    let mut framer = TcpFramer::new();
    let mut messages = Vec::new();
    let mut pings = 0;
    for part in stream.chunks(step) {
        framer.push(part);
        loop {
            match framer.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, pings, Some(error)),
            }
        }
        pings += framer.take_pings();
    }
    (messages, pings, None)
}

#[test]
fn messages_come_out_whole_however_they_came_in() {
    let stream = [b"\r\n\r\n", ONE, TWO, b"\r\n\r\n", ONE].concat();
    for step in 1..=stream.len() {
        let (messages, pings, error) = cut(&stream, step);
        assert_eq!(messages, [ONE, TWO, ONE], "{step}");
        assert_eq!((pings, error), (2, None), "{step}");
    }
}

#[test]
fn pings_are_counted_and_single_line_ends_are_not() {
    assert_eq!(cut(b"\r\n\r\n\r\n\r\n", 3).1, 2);
    assert_eq!(cut(b"\r\n", 1).1, 0);
    assert_eq!(cut(&[b"\r\n", ONE, b"\r\n", ONE].concat(), 1000).1, 0);
}

#[test]
fn what_cannot_be_framed_ends_the_stream() {
    for (text, error) in [
        ("\u{16}\u{3}\u{1}".to_owned(), FramingError::NotSip),
        ("X".repeat(Message::MAX_BYTES + 1), FramingError::TooLarge),
        (
            "X".repeat(TcpFramer::MAX_BUFFERED + 1),
            FramingError::Overrun,
        ),
    ] {
        let mut framer = TcpFramer::new();
        framer.push(text.as_bytes());
        assert_eq!(framer.next(), Err(error));
        framer.push(ONE);
        assert_eq!((framer.next(), framer.buffered()), (Err(error), 0));
    }
}

#[test]
fn a_head_whose_body_has_no_end_is_given_out_and_the_rest_dropped() {
    for header in [
        "Call-ID: 1",
        "Content-Length: -1",
        "Content-Length: 1\r\nl: 2",
        "Content-Length: 99999999999",
        "Content-Length: 65535",
    ] {
        let head = format!("OPTIONS sip:a@h SIP/2.0\r\n{header}\r\n\r\n");
        let mut framer = TcpFramer::new();
        framer.push(ONE);
        framer.push(head.as_bytes());
        framer.push(ONE);
        assert_eq!(framer.next().unwrap().as_deref(), Some(ONE), "{header}");
        assert_eq!(framer.next().unwrap(), Some(head.into_bytes()), "{header}");
        framer.push(TWO);
        assert_eq!(framer.next(), Ok(None), "{header}");
        assert!(framer.buffered() > 0, "never finished: {header}");
        framer.push(&vec![b'x'; TcpFramer::MAX_BUFFERED]);
        assert_eq!(framer.next(), Err(FramingError::Overrun), "{header}");
    }
}

#[test]
fn a_slow_sender_costs_no_more_than_a_fast_one() {
    // Quadratic searching would make this take minutes.
    let stream = [
        b"OPTIONS sip:a@h SIP/2.0\r\nX: ".as_slice(),
        &[b'x'; 60_000],
        b"\r\nl: 0\r\n\r\n",
    ]
    .concat();
    assert_eq!(cut(&stream, 1).0, [stream]);
}

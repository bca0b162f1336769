//! Connections of one worker, on real sockets and a clock that is told.

use super::*;
use std::io::{Read, Write};
use std::net::IpAddr;

#[test]
fn many_who_take_nothing_share_what_there_is_and_give_it_back() {
    let poll = mio::Poll::new().unwrap();
    let registry = poll.registry();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap();
    let mut all = Connections::new(0, 0);
    // On their way, so that nothing leaves.
    let mut connect = || {
        all.connect(registry, Mono(0), (peer, peer, None), None)
            .unwrap()
    };
    let open: Vec<u64> = (0..300).map(|_| connect()).collect();
    let mut send =
        |connection: u64, length: usize| all.send(registry, Mono(0), connection, vec![0; length]);
    let large = 250 << 10;
    assert_eq!(send(open[0], large), Ok(()));
    assert_eq!(
        send(open[0], large),
        Err(Closed::Blocked),
        "its own share is full"
    );
    let taken = open[1..].iter().take_while(|it| send(**it, large).is_ok());
    assert_eq!(1 + taken.count(), OUTGOING_TOGETHER.div_ceil(large));
    // An honest peer still gets its responses.
    assert_eq!(send(open[299], 1000), Ok(()));
    assert_eq!(send(open[299], OUTGOING_IN_NEED), Err(Closed::Blocked));
    for connection in &open[..100] {
        all.close(registry, *connection, Closed::Blocked);
    }
    assert_eq!(
        all.send(registry, Mono(0), open[299], vec![0; large]),
        Ok(())
    );
    for connection in &open[100..] {
        all.close(registry, *connection, Closed::Blocked);
    }
    assert_eq!((all.queued, all.len()), (0, 0));
}

/// Connections that have been accepted, and the peers at their other ends.
struct Hall {
    poll: mio::Poll,
    listener: std::net::TcpListener,
    all: Connections,
}

impl Hall {
    fn new(known: &str) -> Self {
        let mut all = Connections::new(0, 0);
        all.follow(Known::of_hosts([known.parse::<IpAddr>().unwrap()]));
        Self {
            poll: mio::Poll::new().unwrap(),
            listener: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
            all,
        }
    }

    /// A peer at `from`, and the number of its connection.
    fn accept(&mut self, now: Mono, from: &str) -> (std::net::TcpStream, u64) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let from: SocketAddr = format!("{from}:0").parse().unwrap();
        socket.bind(&from.into()).unwrap();
        let local = self.listener.local_addr().unwrap();
        socket.connect(&local.into()).unwrap();
        let (stream, remote) = self.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let beginning = Beginning {
            stream: TcpStream::from_std(stream),
            local,
            remote,
            session: None,
        };
        let adopted = self.all.adopt(self.poll.registry(), now, beginning);
        (socket.into(), adopted.unwrap())
    }

    /// Writes at the peer, and reads at the connection until all of it is there.
    fn say(
        &mut self,
        now: Mono,
        peer: &mut std::net::TcpStream,
        connection: u64,
        text: &str,
    ) -> usize {
        peer.write_all(text.as_bytes()).unwrap();
        let mut events = mio::Events::with_capacity(8);
        self.poll
            .poll(&mut events, Some(Duration::from_secs(30)))
            .unwrap();
        assert!(!events.is_empty(), "what was written did not arrive");
        let registry = self.poll.registry();
        self.all.readable(registry, now, connection).messages.len()
    }

    fn overdue(&mut self, now: Mono) -> Vec<(u64, Closed)> {
        let mut late = self.all.overdue(now, |_| false);
        late.sort_by_key(|(connection, _)| *connection);
        late
    }
}

const REQUEST: &str = "OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n";

fn after(seconds: u64) -> Mono {
    Mono(0) + Duration::from_secs(seconds)
}

#[test]
fn a_stranger_that_has_spoken_goes_after_its_silence_and_pings_do_not_keep_it() {
    let mut hall = Hall::new("127.0.0.1");
    let (mut stranger, first) = hall.accept(after(0), "127.0.0.2");
    let (mut peer, second) = hall.accept(after(0), "127.0.0.1");
    assert_eq!(hall.say(after(10), &mut stranger, first, REQUEST), 1);
    assert_eq!(hall.say(after(10), &mut peer, second, REQUEST), 1);
    assert_eq!(hall.say(after(100), &mut stranger, first, "\r\n\r\n"), 0);
    let mut pong = [0; 2];
    stranger.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n", "the ping is answered all the same");
    assert_eq!(hall.overdue(after(121)), []);
    assert_eq!(hall.overdue(after(131)), [(first, Closed::Idle)]);
    hall.all.close(hall.poll.registry(), first, Closed::Idle);
    assert_eq!(stranger.read(&mut pong).unwrap(), 0, "an orderly end");
    assert_eq!(hall.overdue(after(1_000_000)), [], "a peer may be silent");
    assert_eq!(hall.all.room.strangers(), 0);
}

#[test]
fn a_stranger_that_says_nothing_goes_at_once_and_a_peer_may_begin_when_it_likes() {
    let mut hall = Hall::new("127.0.0.1");
    let (_stranger, first) = hall.accept(after(0), "127.0.0.2");
    let (_peer, second) = hall.accept(after(0), "127.0.0.1");
    assert_eq!(hall.overdue(after(29)), []);
    assert_eq!(hall.overdue(after(31)), [(first, Closed::Unfit)]);
    assert!(hall.all.flow(second).is_some());
}

#[test]
fn who_is_registered_stays_and_is_a_stranger_again_afterwards() {
    let mut hall = Hall::new("127.0.0.1");
    let (mut phone, connection) = hall.accept(after(0), "127.0.0.2");
    assert_eq!(hall.say(after(1), &mut phone, connection, REQUEST), 1);
    for minutes in (2..60).step_by(2) {
        let late = hall
            .all
            .overdue(after(60 * minutes + 2), |it| it == connection);
        assert_eq!(late, []);
    }
    assert_eq!(hall.overdue(after(3602)), [(connection, Closed::Idle)]);
}

#[test]
fn what_has_begun_and_does_not_end_is_closed_whoever_began_it() {
    let mut hall = Hall::new("127.0.0.1");
    let (mut peer, connection) = hall.accept(after(0), "127.0.0.1");
    assert_eq!(
        hall.say(after(50), &mut peer, connection, &REQUEST[..20]),
        0
    );
    assert_eq!(hall.overdue(after(79)), []);
    assert_eq!(hall.overdue(after(80)), [(connection, Closed::Unfit)]);
}

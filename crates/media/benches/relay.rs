//! What relaying a packet of 20 ms costs inside the hub, plain and with SRTP on either side: nanoseconds
//! a packet, without sockets. `cargo bench -p meishier-media --bench relay`.

use meishier_media::srtp::{KeySeed, Outbound, Protection, Suite};
use meishier_media::{
    Accept, Codec, Direction, Hub, MediaCommand, Negotiated, PromptSet, Rtcp, Source, rtp,
};
use meishier_model::{Mono, PortId};
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Few enough to be done between two turns of the scheduler.
const PACKETS: u32 = 2_000;
const ROUNDS: usize = 200;

fn address(port: u32) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4000 + port as u16))
}

fn protection(suite: Suite, port: u32) -> Protection {
    let key = |way| KeySeed::derive(&[7; 32], &[port.into(), way]).master(suite);
    Protection {
        ours: key(0),
        theirs: key(1),
        turns: 0,
    }
}

fn open(hub: &mut Hub, port: u32, suite: Option<Suite>) {
    let media = Negotiated {
        remote: address(port),
        codec: Codec::Pcma,
        payload_type: 8,
        telephone_event: Some(101),
        ptime_ms: 20,
        direction: Direction::SendRecv,
        rtcp: Rtcp::Off,
        protection: suite.map(|suite| Box::new(protection(suite, port))),
    };
    let accept = Accept {
        sdp: address(port).ip(),
        signalling: None,
    };
    let port = PortId(port);
    hub.handle_command(
        Mono(0),
        MediaCommand::Open {
            port,
            media,
            accept,
        },
    );
}

/// The packets of a telephone, made before the clock runs.
fn packets(suite: Option<Suite>) -> Vec<Vec<u8>> {
    let mut outbound = suite.map(|suite| Outbound::new(&protection(suite, 0).theirs));
    (0..PACKETS)
        .map(|n| {
            let mut out = rtp::header(8, n == 0, n as u16, n * 160, 77).to_vec();
            out.extend((0..160u32).map(|i| (i * n) as u8));
            if let Some(outbound) = &mut outbound {
                let index = outbound.number(n as u16).expect("a free number");
                let tag = outbound.seal_rtp(index, &mut out);
                out.extend(tag.as_bytes());
            }
            out
        })
        .collect()
}

/// The least time of all rounds, by packet.
fn cost(prompts: &Arc<PromptSet>, from: Option<Suite>, to: Option<Suite>) -> f64 {
    let packets = packets(from);
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let mut hub = Hub::new(Arc::clone(prompts), 1);
        open(&mut hub, 0, from);
        open(&mut hub, 1, to);
        let source = Source::Peer(PortId(0));
        let port = PortId(1);
        hub.handle_command(Mono(0), MediaCommand::Hear { port, source });
        let mut sent = 0;
        let begun = Instant::now();
        for (n, packet) in (0..).zip(&packets) {
            hub.handle_packet(Mono(n * 20_000), PortId(0), address(0), packet);
            while let Some((_, _, bytes)) = hub.poll_send() {
                black_box(bytes);
                sent += 1;
            }
        }
        let took = begun.elapsed().as_nanos() as f64 / f64::from(PACKETS);
        assert_eq!(sent, PACKETS, "every packet is relayed");
        best = best.min(took);
    }
    best
}

fn main() {
    let prompts = Arc::new(PromptSet::embedded());
    let plain = cost(&prompts, None, None);
    let line = |name: &str, ns: f64| {
        println!(
            "{name:44} {ns:7.0} ns a packet, {:5.1} times plain",
            ns / plain
        );
    };
    line("plain to plain", plain);
    for suite in Suite::ALL {
        let name = suite.name();
        line(
            &format!("{name} to plain"),
            cost(&prompts, Some(suite), None),
        );
        line(
            &format!("plain to {name}"),
            cost(&prompts, None, Some(suite)),
        );
        line(
            &format!("{name} both ways"),
            cost(&prompts, Some(suite), Some(suite)),
        );
    }
}

//! Bytes of strangers, 200,000 of each kind, from one seed: nothing panics, limits hold.

#[path = "support/bodies.rs"]
mod bodies;
mod support;

use meishier_media::{Codec, SessionId, Source, rtp, sdp};
use meishier_model::PortId;
use support::*;

const COUNT: usize = 200_000;

#[test]
fn mutated_descriptions_never_panic_and_answers_can_be_read() {
    let mut random = Random(12356);
    let local = "192.0.2.1:20000".parse().unwrap();
    let codecs = [Codec::Pcma, Codec::Pcmu];
    let mut answered = 0;
    for i in 0..COUNT {
        let mut body = bodies::ALL[i % bodies::ALL.len()].as_bytes().to_vec();
        random.mutate(&mut body);
        let session = SessionId {
            id: 1,
            version: i as u64,
        };
        if let Ok((answer, media)) = sdp::answer(&body, local, session, &codecs) {
            answered += 1;
            assert!(answer.len() < body.len() + 400);
            assert!(media.payload_type < 128 && (10..=60).contains(&media.ptime_ms));
            // Any parser must be able to read what we write; ours takes it for an answer.
            if i % 16 == 0 {
                let own = sdp::accept(&answer, &codecs).unwrap();
                assert_eq!((own.codec, own.ptime_ms), (media.codec, media.ptime_ms));
            }
        }
        let _ = sdp::accept(&body, &codecs);
    }
    assert!(
        answered > COUNT / 8,
        "only {answered} of {COUNT} were understood"
    );
}

#[test]
fn mutated_packets_never_panic_and_every_one_is_counted() {
    let mut random = Random(110);
    let mut wire = Wire::new();
    for port in 0..3 {
        wire.open(port, Codec::Pcma);
    }
    wire.peers(0, 1);
    wire.hear(2, Source::Mix(vec![PortId(0), PortId(1)]));
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    for i in 0..COUNT {
        let mut bytes = if i % 5 == 0 {
            phone.event(101, (i % 20) as u8, i % 3 == 0, 160, true)
        } else {
            phone.next(160)
        };
        random.mutate(&mut bytes);
        let _ = rtp::parse(&bytes);
        wire.packet(0, &bytes);
        if i % 4 == 0 {
            wire.run_to(ms(1000 + i as u64 * 5));
        }
        wire.sent.clear();
        wire.events.clear();
    }
    let totals = wire.hub.totals();
    assert_eq!(
        totals.received + totals.malformed + totals.rtcp,
        COUNT as u64
    );
    assert!(
        totals.received > COUNT as u64 / 4 && totals.malformed > COUNT as u64 / 20,
        "{totals:?}"
    );
    assert_eq!(totals.unsent, 0);
}

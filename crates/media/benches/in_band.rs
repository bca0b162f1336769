//! What listening for keys in the sound costs: nanoseconds for a packet of 20 ms of A-law.
//! `cargo bench -p meishier-media`.

use meishier_media::dtmf::Detector;
use meishier_media::{Codec, PromptId, PromptSet, g711};
use std::hint::black_box;
use std::time::Instant;

const PACKET: usize = 160;

/// The least time of nine runs, by packet.
fn cost(name: &str, sound: &[u8], tables: &g711::Tables) {
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..9 {
        let mut detector = Detector::new();
        let begun = Instant::now();
        for packet in sound.chunks_exact(PACKET) {
            let samples = packet.iter().map(|b| tables.linear(Codec::Pcma, *b));
            detector.hear(black_box(samples), |_| found += 1);
        }
        let packets = (sound.len() / PACKET) as f64;
        best = best.min(begun.elapsed().as_nanos() as f64 / packets);
    }
    println!("{name:20} {best:8.0} ns a packet of 20 ms; {found} keys");
}

fn main() {
    let tables = g711::Tables::new();
    let set = PromptSet::embedded();
    let speech = set.encoded(PromptId::Guidance, Codec::Pcma);
    let turn = |n: usize, hertz: f64| (n as f64 * hertz / 8000.0 * std::f64::consts::TAU).sin();
    let key: Vec<u8> = (0..80_000)
        .map(|n| ((turn(n, 697.0) + turn(n, 1209.0)) * 8000.0) as i16)
        .map(|s| g711::encode(Codec::Pcma, s))
        .collect();
    cost("silence", &vec![0xd5; 80_000], &tables);
    cost("speech", speech, &tables);
    cost("a key held", &key, &tables);
}

//! The paths that run for every packet do not allocate.

mod support;

use meishier_media::{Codec, Hub, MediaCommand, Source};
use meishier_model::PortId;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;
use support::*;

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[allow(unsafe_code)]
// SAFETY: hands everything on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn relay_transcoding_key_presses_music_and_mixing_allocate_nothing_once_warm() {
    let mut hub = Hub::new(prompts(), 1);
    let mut now = ms(1000);
    for port in 0..6 {
        let codec = if port % 2 == 0 {
            Codec::Pcma
        } else {
            Codec::Pcmu
        };
        let mut media = media(port, codec);
        media.ptime_ms = if port == 5 { 30 } else { 20 };
        hub.handle_command(
            now,
            MediaCommand::Open {
                port: PortId(port),
                media,
                accept: accept(port),
            },
        );
    }
    let sources = [
        Source::Peer(PortId(1)),
        Source::Peer(PortId(0)),
        Source::Peer(PortId(0)),
        Source::Mix(vec![PortId(0), PortId(1)]),
        Source::Music,
        Source::Music,
    ];
    for (port, source) in sources.into_iter().enumerate() {
        hub.handle_command(
            now,
            MediaCommand::Hear {
                port: PortId(port as u32),
                source,
            },
        );
    }
    let mut phones = [
        Phone::new(Codec::Pcma, 0, 400.0),
        Phone::new(Codec::Pcmu, 1, 800.0),
    ];
    let packets: Vec<[Vec<u8>; 3]> = (0..600u32)
        .map(|_| {
            let event = phones[0].event(101, 5, false, 160, false);
            [phones[0].next(160), phones[1].next(160), event]
        })
        .collect();
    let (mut sent, mut warm) = (0, 0);
    for (i, [from_a, from_b, event]) in packets.iter().enumerate() {
        if i == 100 {
            warm = COUNT.with(Cell::get);
            sent = 0;
        }
        hub.handle_packet(now, PortId(0), address(0), event);
        hub.handle_packet(now, PortId(0), address(0), from_a);
        hub.handle_packet(now, PortId(1), address(1), from_b);
        hub.handle_timeout(now);
        while hub.poll_send().is_some() {
            sent += 1;
        }
        while hub.poll_event().is_some() {}
        now = now + Duration::from_millis(20);
    }
    assert_eq!(COUNT.with(Cell::get) - warm, 0);
    assert!(sent > 500 * 6, "{sent} packets");
}

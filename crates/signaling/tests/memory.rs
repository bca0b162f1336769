//! What a waiting caller costs. Fifty thousand may wait; each may take 4 KiB here.
#![allow(unsafe_code)] // counting what the allocator hands out takes a global allocator

mod wire;

use meishier_signaling::{Event, Transport};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use wire::*;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged; the count is on the side.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLERS: u32 = 2000;

/// An INVITE as an IMS core sends it: three hops, long headers.
fn carrier_invite(caller: &Caller) -> String {
    let hops = "Via: SIP/2.0/UDP sbc-core-03.gz.carrier.example:5060;branch=z9hG4bK77a8e1b2c3d4e5f60718293a4b5c6d7e;received=10.11.12.13\r\n\
                Via: SIP/2.0/TCP pcscf07.ims.mnc000.mcc460.3gppnetwork.org:5060;branch=z9hG4bK0123456789abcdef0123456789abcdef\r\n\
                Record-Route: <sip:sbc-core-03.gz.carrier.example:5060;lr;transport=udp;ob=1234567890>\r\n\
                Record-Route: <sip:10.11.12.13:5060;lr;did=a1b.c2d3>\r\n\
                P-Asserted-Identity: <tel:+8613300001111>\r\n\
                P-Charging-Vector: icid-value=\"0123456789abcdef0123456789abcdef\";orig-ioi=carrier\r\n\
                Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO\r\nMax-Forwards";
    caller.invite().replacen("Max-Forwards", hops, 1)
}

fn cost(act: impl Fn(&mut Bench, meishier_model::LegId, &Caller)) -> usize {
    let mut config = config();
    config.max_legs = 100_000;
    config.max_transactions = 100_000;
    let mut b = Bench::with(config, Transport::Udp);
    let before = HELD.load(Ordering::Relaxed);
    for n in 0..CALLERS {
        let mut caller = Caller::new(n);
        b.end
            .handle_message(b.now, b.flow, carrier_invite(&caller).as_bytes());
        let Some(Event::Invite { leg, .. }) = b.end.poll_event() else {
            panic!()
        };
        while let Some(out) = b.end.poll_transmit() {
            drop(out);
        }
        caller.to_tag = String::new();
        act(&mut b, leg, &caller);
        while b.end.poll_transmit().is_some() || b.end.poll_event().is_some() {}
    }
    let held = (HELD.load(Ordering::Relaxed) - before) / CALLERS as usize;
    assert_eq!(b.end.stats().legs, CALLERS as usize);
    drop(b);
    held
}

/// One test, as the count is of the whole process.
#[test]
fn a_waiting_caller_takes_less_than_4_kib() {
    let ringing = cost(|b, leg, _| b.end.ring(b.now, leg, 180, None).unwrap());
    let early_media = cost(|b, leg, _| {
        b.end
            .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
            .unwrap()
    });
    let up = cost(|b, leg, caller| {
        b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
        let mut caller = caller.clone();
        let mut tag = None;
        while let Some(out) = b.end.poll_transmit() {
            tag = meishier_signaling::message::Message::parse(&out.bytes)
                .unwrap()
                .to_tag()
                .map(str::to_owned);
        }
        caller.to_tag = tag.unwrap();
        let ack = caller.ack(true);
        b.end.handle_message(b.now, b.flow, ack.as_bytes());
    });
    println!("bytes a caller: ringing {ringing}, early media {early_media}, up {up}");
    for (what, bytes) in [
        ("ringing", ringing),
        ("early media", early_media),
        ("up", up),
    ] {
        assert!(bytes < 4096, "{what}: {bytes}");
    }
}

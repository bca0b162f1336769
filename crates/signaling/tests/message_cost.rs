//! What reading costs in allocations: one for the bytes, one for the index, none to look at values.

// An allocator cannot be counted without `unsafe`; this one only counts and passes on.
#![allow(unsafe_code)]

use meishier_signaling::message::{HeaderName, Message};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations `work` makes on this thread.
fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.with(Cell::get);
    let done = work();
    (COUNT.with(Cell::get) - before, done)
}

/// An INVITE as a carrier's IMS sends it, about 1.4 kB.
fn ims_invite() -> Vec<u8> {
    let mut text = String::from(
        "INVITE sip:12356@192.0.2.1:5060;user=phone SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK0g7d1x30b8l1ac5vk4s0.1;rport\r\n\
         Record-Route: <sip:198.51.100.7:5060;transport=udp;lr;Hpt=8f52_116>\r\n\
         Call-ID: asbcX9k2Vb7Jd0Qm4Rz1Tt6Ywe3Us8Pa@198.51.100.7\r\n\
         From: \"+8613800000000\"<sip:+8613800000000@bj.ims.example;user=phone>;tag=p65540t1\r\n\
         To: \"12356\"<sip:12356@bj.ims.example;user=phone>\r\nCSeq: 1 INVITE\r\nMax-Forwards: 66\r\n\
         Allow: INVITE,ACK,OPTIONS,BYE,CANCEL,REGISTER,INFO,PRACK,SUBSCRIBE,NOTIFY,UPDATE,MESSAGE,REFER\r\n\
         Supported: timer,100rel,histinfo,early-session\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 600\r\n\
         Contact: <sip:198.51.100.7:5060;transport=udp;Hpt=8f52_16;CxtId=4;TRC=ffffffff-ffffffff>;+g.3gpp.icsi-ref=\"urn%3Aurn-7\"\r\n\
         P-Asserted-Identity: <sip:+8613800000000@bj.ims.example;user=phone>\r\n\
         P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=460001234ABCDEF0\r\n\
         P-Charging-Vector: icid-value=\"0123456789abcdef\";orig-ioi=bj.ims.example\r\nP-Early-Media: supported\r\n\
         Privacy: none\r\nUser-Agent: Example-SBC\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n",
    );
    let padding = "a=rtpmap:8 PCMA/8000\r\n".repeat(16);
    text = text.replace(
        "Content-Length: 4",
        &format!("Content-Length: {}", padding.len()),
    );
    let head = text.trim_end_matches("v=0\n").to_owned();
    (head + &padding).into_bytes()
}

#[test]
fn an_invite_takes_two_allocations_and_its_values_none() {
    let bytes = ims_invite();
    assert!((1300..1800).contains(&bytes.len()), "{}", bytes.len());
    let (count, message) = allocations(|| Message::parse(&bytes).unwrap());
    assert!(count <= 2, "{count}");
    let (count, sum) = allocations(|| {
        message.top_via().host.len()
            + message.from_tag().map_or(0, str::len)
            + message.contact().map_or(0, |c| c.uri.len())
            + message.values(HeaderName::Allow).count()
            + message
                .from_addr()
                .map_or(0, |a| a.uri().map_or(0, |u| u.dial_string().len()))
    });
    assert!(sum > 0);
    assert_eq!(count, 0);
}

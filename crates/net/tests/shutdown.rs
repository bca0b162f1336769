//! Alone in its process, since it counts the process's descriptors and threads.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use std::io::Write;
use support::{Wanted, address, options, receive, socket, start};

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn an_end_gives_back_every_socket_and_thread() {
    let (descriptors, threads) = (count("/proc/self/fd"), count("/proc/self/task"));
    for _ in 0..2 {
        let wanted = Wanted {
            shards: 4,
            ..Wanted::default()
        };
        let (running, notices) = start(&wanted);
        assert!(count("/proc/self/fd") > descriptors + running.rtp_ports_bound());
        assert!(count("/proc/self/task") > threads);
        let phone = socket();
        let request = options("UDP", phone.local_addr().unwrap(), "before-the-end");
        phone
            .send_to(request.as_bytes(), address(&running, Transport::Udp))
            .unwrap();
        assert!(receive(&phone).starts_with("SIP/2.0 200 "));
        let mut stream = std::net::TcpStream::connect(address(&running, Transport::Tcp)).unwrap();
        stream.write_all(b"OPTIONS").unwrap();
        running.shutdown();
        drop((notices, phone, stream));
        assert_eq!(count("/proc/self/fd"), descriptors);
        // The kernel takes a joined thread off the list a moment after the join.
        while count("/proc/self/task") > threads {
            std::thread::yield_now();
        }
    }
}

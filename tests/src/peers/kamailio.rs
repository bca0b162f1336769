//! Kamailio as a carrier's edge, with the configuration `tests/scenarios/kamailio.cfg`.

use super::{Peer, free_port};
use crate::tree;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An edge that has not been started yet.
#[derive(Clone, Debug)]
pub struct Edge {
    folder: PathBuf,
    transport: &'static str,
    world: u16,
    near: u16,
    far_end: SocketAddr,
    hides: bool,
    registrar: Option<&'static str>,
}

impl Edge {
    /// Speaks `udp`, `tcp` or `tls` with the engine; calls out go to `far_end`. It works in a folder
    /// of its own below this one.
    #[must_use]
    pub fn new(folder: &Path, transport: &'static str, far_end: SocketAddr) -> Self {
        Self {
            folder: folder.to_path_buf(),
            transport,
            world: free_port(),
            near: free_port(),
            far_end,
            hides: false,
            registrar: None,
        }
    }

    /// Addresses of one side are not told to the other.
    #[must_use]
    pub fn hiding(mut self) -> Self {
        self.hides = true;
        self
    }

    /// The engine has to register, and to prove itself by this hash, `MD5` or `SHA-256`.
    #[must_use]
    pub fn registering(mut self, hash: &'static str) -> Self {
        self.registrar = Some(hash);
        self
    }

    /// Where it takes calls.
    #[must_use]
    pub fn world(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.world))
    }

    /// Where it speaks with the engine.
    #[must_use]
    pub fn near(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.near))
    }

    /// Starts it in front of this engine's address and waits until it listens. With TLS it shows
    /// `edge.pem` with `edge.key` of its folder's parent, and wants a certificate of `authority.pem`.
    ///
    /// # Panics
    /// If its files cannot be written.
    #[must_use]
    pub fn start(&self, engine: SocketAddr) -> Peer {
        let Self {
            folder, transport, ..
        } = self;
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            match fs::write(&file, text) {
                Ok(()) => format!("\"{}\"", file.display()),
                Err(error) => panic!("{}: {error}", file.display()),
            }
        };
        let list = write(
            "engine.list",
            &format!("1 sip:{engine};transport={transport}\n"),
        );
        let place = |port: u16, transport: &str| format!("{transport}:127.0.0.1:{port}");
        let (world, near) = (place(self.world, "udp"), place(self.near, transport));
        let mut command = Command::new("kamailio");
        command
            .arg("-f")
            .arg(tree::root().join("tests/scenarios/kamailio.cfg"));
        command.args(["-DD", "-E", "-m", "32", "-M", "8"]);
        command.arg("-Y").arg(folder).arg("-w").arg(folder);
        command.args(["-l", &world, "-l", &near]);
        let mut define = |name: &str, value: &str| {
            command.args(["-A", &format!("{name}={value}")]);
        };
        define("WORLD", &format!("\"{world}\""));
        define("WORLD_PORT", &self.world.to_string());
        define("NEAR", &format!("\"{near}\""));
        define("ENGINE_LIST", &list);
        define("FAR_END", &format!("\"sip:{}\"", self.far_end));
        if *transport == "tls" {
            let at = folder.display();
            let own = format!(
                "method = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\n\
                 certificate = {at}/edge.pem\nprivate_key = {at}/edge.key\n\
                 ca_list = {at}/authority.pem\n"
            );
            let text = format!("[server:default]\n{own}\n[client:default]\n{own}");
            define("TLS_FILE", &write("edge-tls.cfg", &text));
        }
        if let Some(hash) = self.registrar {
            define("REGISTRAR", &format!("\"{hash}\""));
        }
        if self.hides {
            command.args(["-A", "HIDES"]);
        }
        let peer = Peer::spawn("kamailio", command, folder, self.near);
        peer.await_port(if *transport == "udp" { "udp" } else { "tcp" });
        peer
    }
}

//! TLS of one connection: bytes of the stream on one side, plain bytes on the other. Nothing here
//! waits: what the socket will not take or give is asked for again at its next event.
//!
//! ```text
//!   Handshaking ──finished──► Talking          failed, late, crowded out ─► closed, counted
//! ```

use crate::stats::TlsFailure;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ClientConnection, Connection, Error};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// The TLS state of a connection.
pub(crate) struct Session {
    tls: Connection,
    /// Why it failed, once it has.
    failure: Option<TlsFailure>,
}

impl Session {
    /// For a connection that was accepted.
    pub(crate) fn accepted(config: Arc<ServerConfig>) -> Option<Box<Self>> {
        let tls = ServerConnection::new(config).ok()?;
        Some(Self::boxed(tls.into()))
    }

    /// For a connection of ours to whoever must be `name`.
    pub(crate) fn opened(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Option<Box<Self>> {
        let tls = ClientConnection::new(config, name).ok()?;
        Some(Self::boxed(tls.into()))
    }

    fn boxed(tls: Connection) -> Box<Self> {
        Box::new(Self { tls, failure: None })
    }

    /// True until both sides have finished.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// True if something is to be sent that the socket has not taken.
    pub(crate) fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    /// The certificate that the peer has shown, if it was asked for one.
    pub(crate) fn peer(&self) -> Option<&CertificateDer<'static>> {
        self.tls.peer_certificates()?.first()
    }

    /// Why it failed, if it was not the network.
    pub(crate) fn failure(&self) -> Option<TlsFailure> {
        self.failure
    }

    /// Reads plain bytes; one read of the stream at most. 0 at its end.
    ///
    /// # Errors
    /// `WouldBlock` if the stream has no more, `Interrupted` if it may have but no plain bytes have
    /// come of it yet, `InvalidData` if it broke the rules; [`Self::failure`] then says how.
    pub(crate) fn read(&mut self, stream: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
        if let Some(length) = self.read_plain(into)? {
            return Ok(length);
        }
        if self.tls.read_tls(stream)? == 0 {
            return Ok(0);
        }
        if let Err(error) = self.tls.process_new_packets() {
            self.failure = Some(failure_of(&error));
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = self.read_plain(into)?;
        length.ok_or_else(|| io::ErrorKind::Interrupted.into())
    }

    fn read_plain(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match self.tls.reader().read(into) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // An end without a farewell is an end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }

    /// Takes plain bytes to be sent, as many as fit; how many.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tls.writer().write(bytes)
    }

    /// Sends what there is to send.
    ///
    /// # Errors
    /// What the stream says, `WouldBlock` if it takes no more for now.
    pub(crate) fn flush(&mut self, stream: &mut impl Write) -> io::Result<()> {
        while self.tls.wants_write() {
            if self.tls.write_tls(stream)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}

fn failure_of(error: &Error) -> TlsFailure {
    match error {
        Error::NoCertificatesPresented => TlsFailure::NoCertificate,
        Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_) => {
            TlsFailure::BadCertificate
        }
        Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => TlsFailure::OursRefused,
        _ => TlsFailure::Protocol,
    }
}

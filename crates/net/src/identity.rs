//! Whether the peer of a connection is the one that it should be (RFC 5922 §7), whichever side began.
//!
//! The chain is checked by the library; the name by the rules of SIP, which are stricter than those
//! of the web: if the certificate names SIP domains (`URI:sip:…`), one of these must be the name
//! (§7.1), and a name with a wildcard never is (§7.2).

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Checks a trunk's certificate.
#[derive(Debug)]
pub(crate) struct PeerIdentity {
    /// For the signatures of the handshake.
    signatures: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl PeerIdentity {
    pub(crate) fn new(
        signatures: Arc<WebPkiServerVerifier>,
        roots: Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Self {
        Self {
            signatures,
            roots,
            provider: provider.clone(),
        }
    }
}

impl ServerCertVerifier for PeerIdentity {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        if names(&parsed, end_entity, server_name)? {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_verify_schemes()
    }
}

/// Whether a certificate names somebody, by the rules of RFC 5922 §7; its chain is checked elsewhere.
///
/// # Errors
/// It cannot be read.
fn names(
    parsed: &ParsedCertificate<'_>,
    certificate: &CertificateDer<'_>,
    wanted: &ServerName<'_>,
) -> Result<bool, Error> {
    let names = webpki::EndEntityCert::try_from(certificate)
        .map_err(|_| Error::from(CertificateError::BadEncoding))?;
    let shown = match wanted {
        ServerName::DnsName(name) => Some(name.as_ref()),
        _ => None,
    };
    let domains: Vec<&str> = names.valid_uri_names().filter_map(sip_domain).collect();
    let meant = |name: &str| shown.is_some_and(|shown| name.eq_ignore_ascii_case(shown));
    Ok(match (domains.is_empty(), shown) {
        (false, _) => domains.iter().any(|domain| meant(domain)),
        (true, Some(_)) => names.valid_dns_names().any(meant),
        (true, None) => verify_server_name(parsed, wanted).is_ok(),
    })
}

/// Whether the certificate that a peer showed when it connected to us names `wanted` (§7.4). The
/// library has checked who signed it.
pub(crate) fn is_of(certificate: &CertificateDer<'_>, wanted: &ServerName<'_>) -> bool {
    let parsed = ParsedCertificate::try_from(certificate);
    parsed.is_ok_and(|parsed| names(&parsed, certificate, wanted).unwrap_or(false))
}

/// The domain of a `sip:` URI that stands for one: no user part (RFC 5922 §7.1).
fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    let domain = scheme.eq_ignore_ascii_case("sip") && !rest.contains('@');
    domain.then(|| rest.split([':', ';', '?']).next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::sip_domain;

    #[test]
    fn only_uris_that_stand_for_a_domain_count() {
        assert_eq!(sip_domain("sip:carrier.example"), Some("carrier.example"));
        assert_eq!(sip_domain("SIP:carrier.example;x"), Some("carrier.example"));
        assert_eq!(sip_domain("sip:someone@carrier.example"), None);
        assert_eq!(sip_domain("https:carrier.example"), None);
    }
}

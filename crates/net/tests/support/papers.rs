//! Certificates made for a test, and a TLS client that trusts them.
#![allow(dead_code, missing_docs, reason = "each test file uses a part of it")]

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Paper {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for these host names and addresses; `sip:…` becomes a URI.
    pub fn sign(&self, names: &[&str]) -> Paper {
        let key = KeyPair::generate().unwrap();
        let (uris, names): (Vec<&str>, Vec<&str>) = names
            .iter()
            .copied()
            .partition(|name| name.starts_with("sip:"));
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).unwrap();
        for uri in uris {
            params
                .subject_alt_names
                .push(SanType::URI(uri.try_into().unwrap()));
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Paper {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap())
            .unwrap();
        roots
    }
}

impl Paper {
    fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        (chain.map(Result::unwrap).collect(), key)
    }
}

/// The files that `[sip.tls]` names.
pub struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub fn new(ours: &Paper, client_ca: Option<&str>, trusted_ca: Option<&str>) -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        files.put(ours);
        let named = [("client_ca.pem", client_ca), ("trusted_ca.pem", trusted_ca)];
        for (name, text) in named {
            if let Some(text) = text {
                std::fs::write(files.path(name), text).unwrap();
            }
        }
        files
    }

    /// Replaces our certificate and key.
    pub fn put(&self, ours: &Paper) {
        std::fs::write(self.path("ours.pem"), &ours.certificate).unwrap();
        std::fs::write(self.path("ours.key"), &ours.key).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The section of the configuration that names them.
    pub fn section(&self) -> String {
        let line = |key: &str, name: &str| {
            let path = self.path(name);
            match path.exists() {
                true => format!("{key} = {path:?}\n"),
                false => String::new(),
            }
        };
        [
            "[sip.tls]\n".to_owned(),
            line("certificate", "ours.pem"),
            line("key", "ours.key"),
            line("client_ca", "client_ca.pem"),
            line("trusted_ca", "trusted_ca.pem"),
        ]
        .concat()
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts an authority and shows a certificate if it has one.
pub fn client(trusts: &Authority, shows: Option<&Paper>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(trusts.roots());
    Arc::new(match shows {
        None => builder.with_no_client_auth(),
        Some(paper) => {
            let (chain, key) = paper.parts();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

/// A peer that waits for connections and asks for certificates of an authority.
pub fn server(paper: &Paper, asks: &Authority) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let roots = Arc::new(asks.roots());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider());
    let (chain, key) = paper.parts();
    let builder = builder.with_client_cert_verifier(verifier.build().unwrap());
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

/// Connects; the handshake happens with the first byte.
pub fn connect(config: &Arc<ClientConfig>, engine: SocketAddr, name: &str) -> Stream {
    let stream = TcpStream::connect(engine).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let tls = ClientConnection::new(config.clone(), name).unwrap();
    StreamOwned::new(tls, stream)
}

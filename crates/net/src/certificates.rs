//! Certificates and keys: read from files, all or nothing, and changed while connections run.
//!
//! ```text
//!   start, reload ─► Certificates::read ──┬─► a file is bad: said which; what was in force stays
//!                                         └─► Keyring ─► connections from now on
//! ```
//!
//! A connection keeps the certificate that it began with.

use crate::identity::PeerIdentity;
use meishier_engine::config::{Config, Tls, Transport};
use meishier_engine::{Target, signaling};
use meishier_model::TrunkId;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What is wrong with a file of `[sip.tls]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// It cannot be read.
    Unreadable,
    /// It holds no certificate in PEM, or one that is none.
    NoCertificate,
    /// It holds no private key in PEM.
    NoKey,
    /// Key and certificate do not belong together, or are of a kind that TLS has no use for.
    DoNotFit,
}

/// Why certificates were not taken. Whoever runs the engine is to mend the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateError {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: CertificateFault,
    /// What the library said of it, in English; nothing of the key.
    pub detail: String,
}

impl CertificateError {
    pub(crate) fn new(file: &Path, fault: CertificateFault, detail: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            fault,
            detail: detail.to_string(),
        }
    }

    /// What happened, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        let what = match self.fault {
            CertificateFault::Unreadable => "无法读取",
            CertificateFault::NoCertificate => "里没有可用的 PEM 证书",
            CertificateFault::NoKey => "里没有可用的 PEM 私钥",
            CertificateFault::DoNotFit => "里的私钥与证书不配套，或种类不能用于 TLS",
        };
        format!("TLS 文件 {} {what}（{}）", self.file.display(), self.detail)
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            CertificateFault::Unreadable => "cannot be read",
            CertificateFault::NoCertificate => "holds no certificate in PEM that can be used",
            CertificateFault::NoKey => "holds no private key in PEM that can be used",
            CertificateFault::DoNotFit => {
                "holds a key that does not belong to the certificate, or is of no use for TLS"
            }
        };
        write!(
            f,
            "the TLS file {} {what} ({})",
            self.file.display(),
            self.detail
        )
    }
}

impl std::error::Error for CertificateError {}

/// What TLS connections are made with. `Debug` shows nothing of the keys.
pub struct Certificates {
    server: Arc<ServerConfig>,
    client: Option<Arc<ClientConfig>>,
    /// Whom the peer behind an address must show itself to be, if not that address.
    names: HashMap<SocketAddr, ServerName<'static>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads the files of `[sip.tls]`; `None` if the configuration has no such section.
    ///
    /// # Errors
    /// [`CertificateError`] for the first file that is of no use.
    pub fn read(config: &Config) -> Result<Option<Self>, CertificateError> {
        let Some(tls) = &config.sip.tls else {
            return Ok(None);
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Calls out and REGISTER may go two ways to one carrier.
        let registrars = config.trunks.iter().filter_map(|trunk| {
            let by_tls = trunk.transport == Transport::Tls;
            let name = trunk.tls_name.clone().filter(|_| by_tls)?;
            let registrar = trunk.register.as_ref()?.registrar?;
            Some((registrar, ServerName::try_from(name).ok()?))
        });
        let all = config.trunks.iter().flat_map(|trunk| &trunk.to);
        let names = all.filter_map(|to| {
            let name = to.tls_name.clone()?;
            let by_tls = to.transport() == Transport::Tls;
            let (out, name) = (to.address()?, ServerName::try_from(name).ok()?);
            by_tls.then_some((out, name))
        });
        Ok(Some(Self {
            server: server(tls, &provider)?,
            client: match &tls.trusted_ca {
                Some(file) => Some(client(tls, file, &provider)?),
                None => None,
            },
            names: registrars.chain(names).collect(),
        }))
    }
}

type Provider = Arc<CryptoProvider>;

fn server(tls: &Tls, provider: &Provider) -> Result<Arc<ServerConfig>, CertificateError> {
    let bad =
        |error: rustls::Error| CertificateError::new(&tls.key, CertificateFault::DoNotFit, error);
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(bad)?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(roots(file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
            let verifier = verifier.build().map_err(|error| {
                CertificateError::new(file, CertificateFault::NoCertificate, error)
            })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let (chain, key) = (chain(&tls.certificate)?, key(&tls.key)?);
    let config = builder.with_single_cert(chain, key).map_err(bad)?;
    Ok(Arc::new(config))
}

fn client(
    tls: &Tls,
    trusted: &Path,
    provider: &Provider,
) -> Result<Arc<ClientConfig>, CertificateError> {
    let bad =
        |error: rustls::Error| CertificateError::new(&tls.key, CertificateFault::DoNotFit, error);
    let none = |error: rustls::client::VerifierBuilderError| {
        CertificateError::new(trusted, CertificateFault::NoCertificate, error)
    };
    let roots = Arc::new(roots(trusted)?);
    let chains = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone());
    let chains = chains.build().map_err(none)?;
    let verifier = PeerIdentity::new(chains, roots, provider);
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(bad)?;
    // "Dangerous" as any verifier of one's own is; this one asks for more than the library's.
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let (chain, key) = (chain(&tls.certificate)?, key(&tls.key)?);
    let config = builder.with_client_auth_cert(chain, key).map_err(bad)?;
    Ok(Arc::new(config))
}

fn read(file: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(file)
        .map_err(|error| CertificateError::new(file, CertificateFault::Unreadable, error))
}

pub(crate) fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let none = |what: &dyn fmt::Display| {
        CertificateError::new(file, CertificateFault::NoCertificate, what)
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file)?).collect();
    let chain = chain.map_err(|error| none(&error))?;
    match chain.first() {
        None => Err(none(&"no section CERTIFICATE")),
        Some(ours) => match webpki::EndEntityCert::try_from(ours) {
            Ok(_) => Ok(chain),
            Err(error) => Err(none(&error)),
        },
    }
}

pub(crate) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_slice(&read(file)?)
        .map_err(|error| CertificateError::new(file, CertificateFault::NoKey, error))
}

pub(crate) fn roots(file: &Path) -> Result<RootCertStore, CertificateError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(file)? {
        roots
            .add(certificate)
            .map_err(|error| CertificateError::new(file, CertificateFault::NoCertificate, error))?;
    }
    Ok(roots)
}

/// The certificates in force, for all workers. The lock is held for the copy of a pointer only,
/// once a connection.
#[derive(Default)]
pub(crate) struct Keyring {
    certificates: Mutex<Option<Arc<Certificates>>>,
    /// By trunk: who must be at the addresses that DNS gives of its names.
    found: Mutex<BTreeMap<TrunkId, Vec<Target>>>,
}

impl Keyring {
    /// Puts others in force, for connections from now on.
    pub(crate) fn change(&self, certificates: Option<Certificates>) {
        let mut current = self
            .certificates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *current = certificates.map(Arc::new);
    }

    fn current(&self) -> Option<Arc<Certificates>> {
        let current = self
            .certificates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Takes note of where a trunk's names are now.
    pub(crate) fn expect(&self, trunk: TrunkId, targets: &[Target]) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(trunk, targets.to_vec());
    }

    fn found(&self, remote: SocketAddr) -> Option<ServerName<'static>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = found.values().flatten();
        let target =
            all.find(|it| it.transport == signaling::Transport::Tls && it.address == remote)?;
        ServerName::try_from(target.tls_name.clone()?).ok()
    }

    /// What connections to us are made with.
    pub(crate) fn server(&self) -> Option<Arc<ServerConfig>> {
        Some(self.current()?.server.clone())
    }

    /// What a connection to `remote` is made with, and who must be there.
    pub(crate) fn client(
        &self,
        remote: SocketAddr,
    ) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let current = self.current()?;
        let name = current.names.get(&remote).cloned();
        let name = name.or_else(|| self.found(remote));
        let name = name.unwrap_or_else(|| ServerName::from(remote.ip()));
        Some((current.client.clone()?, name))
    }
}

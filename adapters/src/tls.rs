//! [`Tls`]: whom to trust at the other end of `https`, and who we are there.

mod verifier;

pub(crate) use verifier::SelfSigned;

use std::sync::{Arc, OnceLock};

use lavapool_core::TlsError;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use verifier::Verifier;

/// Whom to trust at the other end of `https`, and who we are there.
///
/// Without any setting a node must show a certificate for its host that an authority of the
/// platform has signed (those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, where these are set).
/// Hosts that are addresses need a certificate that names the address. TLS 1.2 and 1.3 are
/// spoken, with HTTP/1.1 as the application's protocol (RFC 7301). Nodes that share one of these,
/// or a clone, share their tickets too: a connection made again resumes TLS.
///
/// It is given to [`Builder::tls`](crate::Builder::tls) for all nodes, or by
/// [`Transport::tls`](crate::Transport::tls) for one.
///
/// ```no_run
/// use lavapool::{Client, NodeConfig, Tls, UserId};
///
/// let authority = std::fs::read("authority.pem")?;
/// let builder = Client::builder("170939974227541168".parse::<UserId>()?)
///     .tls(Tls::new().root_pem(authority)?)
///     .node(NodeConfig::new("eu", "https://eu.example", "youshallnotpass")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tls {
    source: Source,
    server_name: Option<ServerName<'static>>,
    /// What was made of it; what could not be made is tried again.
    built: Arc<OnceLock<Arc<ClientConfig>>>,
}

#[derive(Clone, Debug)]
enum Source {
    Settings(Settings),
    Whole(Arc<ClientConfig>),
}

#[derive(Debug)]
struct Settings {
    with_platform: bool,
    roots: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    provider: Option<Arc<CryptoProvider>>,
}

impl Tls {
    /// The platform's authorities and no certificate of our own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in a PEM text too.
    ///
    /// The certificate of a server that has signed itself
    /// ([`TlsFailure::SelfSigned`](lavapool_core::TlsFailure::SelfSigned)) is trusted in the same
    /// way, unless it is marked as an authority: `openssl req -x509` marks it so without
    /// `-addext basicConstraints=critical,CA:FALSE`, and no server may show one, trusted or not.
    /// Given here, such a one leads to
    /// [`TlsFailure::InvalidCertificate`](lavapool_core::TlsFailure::InvalidCertificate), and is to
    /// be made anew.
    ///
    /// # Errors
    /// [`TlsError::NoCertificate`] and [`TlsError::InvalidCertificate`].
    pub fn root_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        for root in certificates(pem.as_ref())? {
            self = self.root_der(root.as_ref())?;
        }
        Ok(self)
    }

    /// Trusts an authority, whose certificate is DER, too.
    ///
    /// # Errors
    /// [`TlsError::InvalidCertificate`].
    pub fn root_der(self, der: impl Into<Vec<u8>>) -> Result<Self, TlsError> {
        let root = CertificateDer::from(der.into());
        let added = RootCertStore::empty().add(root.clone());
        added.map_err(|_| TlsError::InvalidCertificate)?;
        Ok(self.changed(|settings| settings.roots.push(root)))
    }

    /// Trusts no authority but those that were given.
    #[must_use]
    pub fn without_platform_roots(self) -> Self {
        self.changed(|settings| settings.with_platform = false)
    }

    /// Shows servers that ask for one a certificate: a PEM text with it and its intermediates,
    /// and one with its private key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// [`TlsError::NoCertificate`], [`TlsError::InvalidCertificate`] and
    /// [`TlsError::InvalidKey`]. That they belong together is found when TLS is first used, or
    /// by [`check`](Self::check).
    pub fn client_certificate_pem(
        self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, TlsError> {
        let chain = certificates(chain.as_ref())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref()).map_err(|_| TlsError::InvalidKey)?;
        Ok(self.changed(|settings| settings.identity = Some((chain, key))))
    }

    /// As [`client_certificate_pem`](Self::client_certificate_pem), from DER: the certificate
    /// first, then its intermediates.
    ///
    /// # Errors
    /// [`TlsError::NoCertificate`] and [`TlsError::InvalidKey`]. That the certificate decodes, and
    /// that they belong together, is found as there.
    pub fn client_certificate_der(
        self,
        chain: impl IntoIterator<Item = Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Result<Self, TlsError> {
        let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::try_from(key.into()).map_err(|_| TlsError::InvalidKey)?;
        Ok(self.changed(|settings| settings.identity = Some((chain, key))))
    }

    /// Uses this cryptography. Default: the one that the process has installed
    /// ([`CryptoProvider::install_default`]), else ring, which the feature `tls` brings, else that
    /// of AWS-LC, which the feature `aws-lc-rs` brings.
    #[must_use]
    pub fn provider(self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        let provider = provider.into();
        self.changed(|settings| settings.provider = Some(provider))
    }

    /// Expects a certificate for this name, or address, in place of the node's host: for a node
    /// that is reached by another name than it has.
    ///
    /// # Errors
    /// [`TlsError::InvalidServerName`].
    pub fn server_name(mut self, name: &str) -> Result<Self, TlsError> {
        let name = ServerName::try_from(name).map_err(|_| TlsError::InvalidServerName)?;
        self.server_name = Some(name.to_owned());
        Ok(self)
    }

    /// Finds out whether these settings work, as the start of a client does for each node with
    /// TLS. It reads the platform's authorities from disk, once for this and all later clones; if
    /// they do not work, the next call tries again.
    ///
    /// # Errors
    /// [`TlsError::NoRoots`], [`TlsError::NoProvider`], [`TlsError::InvalidCertificate`],
    /// [`TlsError::InvalidKey`], [`TlsError::KeyMismatch`] and [`TlsError::NoVersion`].
    pub fn check(&self) -> Result<(), TlsError> {
        self.config().map(drop)
    }

    /// What a handshake needs, made at the first call that can.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(built) = self.built.get() {
            return Ok(built.clone());
        }
        let built = match &self.source {
            Source::Settings(settings) => settings.build()?.into(),
            Source::Whole(config) => config.clone(),
        };
        // Of those that were made at once the first counts, so that all share its tickets.
        Ok(self.built.get_or_init(|| built).clone())
    }

    /// The name that the certificate must have.
    pub(crate) fn name_for(&self, host: &str) -> Option<ServerName<'static>> {
        let own = || ServerName::try_from(host.to_owned()).ok();
        self.server_name.clone().or_else(own)
    }

    /// The same with a setting changed, which shares nothing with what was built before. Of a
    /// whole configuration nothing is left: the setting begins a new one.
    fn changed(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = match &self.source {
            Source::Settings(settings) => settings.clone(),
            Source::Whole(_) => Settings::default(),
        };
        change(&mut settings);
        self.source = Source::Settings(settings);
        self.built = Arc::default();
        self
    }
}

impl From<Arc<ClientConfig>> for Tls {
    /// Everything as this configuration has it: authorities, certificates, cryptography,
    /// tickets and protocols. If it names protocols for ALPN, `http/1.1` must be one.
    fn from(config: Arc<ClientConfig>) -> Self {
        Self {
            source: Source::Whole(config),
            ..Self::default()
        }
    }
}

impl Settings {
    fn build(&self) -> Result<ClientConfig, TlsError> {
        let provider = self.provider.clone().or_else(default_provider);
        let provider = provider.ok_or(TlsError::NoProvider)?;
        let mut roots = RootCertStore::empty();
        if self.with_platform {
            // Those that cannot be read are as those that are not there.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        roots.add_parsable_certificates(self.roots.iter().cloned());
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let roots = Arc::new(roots);
        let checks = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone())
            .build()
            .map_err(|_| TlsError::NoRoots)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::NoVersion)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { checks, roots }));
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => TlsError::KeyMismatch,
                    rustls::Error::InvalidCertificate(_) => TlsError::InvalidCertificate,
                    _ => TlsError::InvalidKey,
                })?,
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl Clone for Settings {
    fn clone(&self) -> Self {
        let identity = self.identity.as_ref();
        Self {
            with_platform: self.with_platform,
            roots: self.roots.clone(),
            identity: identity.map(|(chain, key)| (chain.clone(), key.clone_key())),
            provider: self.provider.clone(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            with_platform: true,
            roots: Vec::new(),
            identity: None,
            provider: None,
        }
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::Settings(Settings::default())
    }
}

/// The cryptography of those that were told none.
pub(crate) fn default_provider() -> Option<Arc<CryptoProvider>> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Some(installed.clone());
    }
    #[cfg(feature = "tls")]
    return Some(rustls::crypto::ring::default_provider().into());
    #[cfg(all(feature = "aws-lc-rs", not(feature = "tls")))]
    return Some(rustls::crypto::aws_lc_rs::default_provider().into());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "tls")))]
    None
}

/// The certificates of a PEM text, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|_| TlsError::InvalidCertificate)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    Ok(certificates)
}

#[cfg(all(
    test,
    feature = "tokio",
    not(any(feature = "aws-lc-rs", feature = "tls"))
))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rustls::SignatureScheme;
    use rustls::crypto::{GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms};
    use rustls::sign::SigningKey;

    use super::*;
    use crate::{Client, ConnectError, NodeConfig, UserId};

    #[tokio::test]
    async fn without_cryptography_a_node_is_refused_until_some_is_there() {
        let own = rcgen::generate_simple_self_signed(["main".to_owned()]).unwrap();
        let tls = Tls::new().without_platform_roots();
        let tls = tls.root_der(own.cert.der().as_ref()).unwrap();
        let given = tls.clone().provider(none());
        let node = NodeConfig::new("main", "https://main", "youshallnotpass").unwrap();
        let builder = Client::builder(UserId::new(42).unwrap()).node(node);

        let started = builder.tls(tls.clone()).start().map(drop);

        let refused = ConnectError::Tls {
            node: "main".into(),
            error: TlsError::NoProvider,
        };
        assert_eq!(started, Err(refused));
        // What is given, or installed, is asked, and says that it has no cipher.
        assert_eq!(given.check(), Err(TlsError::NoVersion));
        assert_eq!(tls.check(), Err(TlsError::NoProvider));
        none().install_default().unwrap();
        assert_eq!(tls.check(), Err(TlsError::NoVersion));
    }

    /// A cryptography that can nothing.
    fn none() -> CryptoProvider {
        CryptoProvider {
            cipher_suites: Vec::new(),
            kx_groups: Vec::new(),
            signature_verification_algorithms: WebPkiSupportedAlgorithms {
                all: &[],
                mapping: &[(SignatureScheme::ED25519, &[])],
            },
            secure_random: &Nothing,
            key_provider: &Nothing,
        }
    }

    #[derive(Debug)]
    struct Nothing;

    impl SecureRandom for Nothing {
        fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
            Err(GetRandomFailed)
        }
    }

    impl KeyProvider for Nothing {
        fn load_private_key(
            &self,
            _: PrivateKeyDer<'static>,
        ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
            Err(rustls::Error::General("there are no keys".into()))
        }
    }
}

#[cfg(all(test, feature = "aws-lc-rs", not(feature = "tls")))]
mod aws_lc_rs_tests {
    #![allow(clippy::unwrap_used)]

    use rustls::crypto::aws_lc_rs::default_provider;

    use super::*;

    #[test]
    fn without_ring_the_cryptography_is_that_of_aws_lc() {
        let own = rcgen::generate_simple_self_signed(["main".to_owned()]).unwrap();
        let tls = Tls::new().without_platform_roots();
        let tls = tls.root_der(own.cert.der().as_ref()).unwrap();
        let config = tls.config().unwrap();
        let groups = |provider: &CryptoProvider| {
            let groups = provider.kx_groups.iter();
            groups.map(|group| group.name()).collect::<Vec<_>>()
        };
        assert_eq!(
            groups(config.crypto_provider()),
            groups(&default_provider())
        );
    }
}

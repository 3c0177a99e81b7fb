//! TLS before a test node, with certificates that were made a moment ago.
//!
//! ```
//! use lavapool_tests::node::NodeConfig;
//! use lavapool_tests::tls::{Authority, TlsServer};
//!
//! let authority = Authority::new("the tests");
//! let mut config = NodeConfig::new("main");
//! config.front = Some(TlsServer::new(authority.issue(&["main"])).front());
//! assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
//! ```

pub mod faults;

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS12;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

use crate::node::{Front, Fronts, How, Passed};

/// Somebody who signs certificates.
pub struct Authority {
    name: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate, as PEM.
    pub pem: String,
    /// The private key, as PEM.
    pub key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// An authority of this name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key);
        Self {
            name: name.to_owned(),
            issuer: issuer.expect("a certificate can be made"),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its certificate, as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its certificate, as DER.
    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// Signs a certificate for these names and addresses.
    pub fn issue(&self, hosts: &[&str]) -> Identity {
        self.issue_with(hosts, |_| ())
    }

    /// Signs a certificate for these hosts after a change of it.
    pub fn issue_with(
        &self,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = params(hosts);
        change(&mut params);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer);
        Identity::new(&certificate.expect("a certificate can be made"), &key)
    }

    /// A list of certificates that it has taken back, as DER, with the one of this number.
    pub fn revoking(&self, serial: u64) -> Vec<u8> {
        let revoked = RevokedCertParams {
            serial_number: serial.into(),
            revocation_time: date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2001, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer);
        list.expect("a list can be made").der().to_vec()
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let added = roots.add(self.issuer.der().clone());
        added.expect("an authority can be trusted");
        roots.into()
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Identity {
    /// A certificate that nobody but itself has signed.
    pub fn self_signed(hosts: &[&str]) -> Self {
        Self::self_signed_with(hosts, |_| ())
    }

    /// As [`self_signed`](Self::self_signed), marked as an authority: what openssl makes unless
    /// it is told otherwise.
    pub fn self_signed_authority(hosts: &[&str]) -> Self {
        Self::self_signed_with(hosts, |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        })
    }

    /// As [`self_signed`](Self::self_signed), after a change.
    pub fn self_signed_with(hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(hosts);
        change(&mut params);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.self_signed(&key);
        Self::new(&certificate.expect("a certificate can be made"), &key)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let der = PrivateKeyDer::try_from(key.serialize_der());
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            key: der.expect("a new key decodes"),
        }
    }
}

fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("the hosts are names or addresses");
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "a node of the tests");
    params
}

/// What speaks TLS before a node.
pub struct TlsServer {
    config: ServerConfig,
    says_goodbye: bool,
    log: TlsLog,
}

/// What clients did at a [`TlsServer`], by connection.
#[derive(Clone, Debug, Default)]
pub struct TlsLog(Arc<Records>);

#[derive(Debug, Default)]
struct Records {
    all: Mutex<Vec<TlsRecord>>,
    changed: Condvar,
}

/// What a client did on one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsRecord {
    /// Whether TLS was agreed on.
    pub agreed: bool,
    /// Whether it began with a ticket of an earlier connection.
    pub resumed: bool,
    /// The name that the client asked for; none if it is an address.
    pub name: Option<String>,
    /// The protocol that was chosen by ALPN.
    pub protocol: Option<String>,
    /// Whether the client showed a certificate.
    pub has_certificate: bool,
    /// Whether the client announced its end.
    pub said_goodbye: bool,
}

impl TlsServer {
    /// Shows this certificate.
    pub fn new(identity: Identity) -> Self {
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions();
        let config = config.expect("ring speaks tls").with_no_client_auth();
        Self::of(config.with_single_cert(vec![identity.der], identity.key))
    }

    /// Shows this certificate, and speaks nothing newer than TLS 1.2.
    pub fn tls12(identity: Identity) -> Self {
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_protocol_versions(&[&TLS12]);
        let config = config.expect("ring speaks tls").with_no_client_auth();
        Self::of(config.with_single_cert(vec![identity.der], identity.key))
    }

    /// Shows this certificate, and wants one of this authority from clients.
    pub fn with_clients_of(identity: Identity, authority: &Authority) -> Self {
        let verifier = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider());
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions();
        let config = config.expect("ring speaks tls");
        let verifier = verifier.build().expect("there is an authority");
        let config = config.with_client_cert_verifier(verifier);
        Self::of(config.with_single_cert(vec![identity.der], identity.key))
    }

    fn of(config: Result<ServerConfig, rustls::Error>) -> Self {
        let mut config = config.expect("the key belongs to the certificate");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            config,
            says_goodbye: true,
            log: TlsLog::default(),
        }
    }

    /// Ends connections without a word of TLS, as one that was cut off does.
    #[must_use]
    pub fn without_goodbye(mut self) -> Self {
        self.says_goodbye = false;
        self
    }

    /// Speaks these protocols only.
    #[must_use]
    pub fn protocols(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        self.config.alpn_protocols = protocols.collect();
        self
    }

    /// What clients do there.
    pub fn log(&self) -> TlsLog {
        self.log.clone()
    }

    /// The front for a [`NodeConfig`](crate::node::NodeConfig).
    pub fn front(self) -> Fronts {
        let (config, log) = (Arc::new(self.config), self.log);
        let says_goodbye = self.says_goodbye;
        Fronts::new(move || {
            let connection = ServerConnection::new(config.clone());
            log.records().push(TlsRecord::default());
            Box::new(TlsFront {
                connection: connection.expect("the configuration works"),
                says_goodbye,
                log: log.clone(),
                index: log.records().len() - 1,
            })
        })
    }
}

impl std::fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TlsServer").field(&self.log).finish()
    }
}

impl TlsLog {
    /// The connections in the order in which they were made.
    pub fn to_vec(&self) -> Vec<TlsRecord> {
        self.records().clone()
    }

    /// Blocks until a connection is like that, or for ten seconds; returns whether one is.
    pub fn wait_for(&self, is_it: impl Fn(&TlsRecord) -> bool) -> bool {
        let is_missing = |records: &mut Vec<TlsRecord>| !records.iter().any(&is_it);
        let Records { changed, .. } = &*self.0;
        let waited = changed.wait_timeout_while(self.records(), WAITED_MAX, is_missing);
        !waited
            .expect("nothing panics with a lock held")
            .1
            .timed_out()
    }

    fn records(&self) -> MutexGuard<'_, Vec<TlsRecord>> {
        let records = self.0.all.lock();
        records.expect("nothing panics with a lock held")
    }
}

struct TlsFront {
    connection: ServerConnection,
    says_goodbye: bool,
    log: TlsLog,
    index: usize,
}

impl TlsFront {
    /// What is encrypted.
    fn sendable(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            let written = self.connection.write_tls(&mut bytes);
            written.expect("memory takes everything");
        }
        bytes
    }

    fn record(&self, said_goodbye: bool) {
        let connection = &self.connection;
        let protocol = connection.alpn_protocol().map(String::from_utf8_lossy);
        let record = TlsRecord {
            agreed: !connection.is_handshaking(),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            name: connection.server_name().map(str::to_owned),
            protocol: protocol.map(String::from),
            has_certificate: connection.peer_certificates().is_some(),
            said_goodbye,
        };
        if let Some(place) = self.log.records().get_mut(self.index) {
            *place = record;
            self.log.0.changed.notify_all();
        }
    }
}

impl Front for TlsFront {
    fn client_sent(&mut self, mut bytes: &[u8]) -> Passed {
        let mut passed = Passed::default();
        while !bytes.is_empty() {
            let read = self.connection.read_tls(&mut bytes);
            let is_read = matches!(read, Ok(1..));
            let Ok(state) = self.connection.process_new_packets() else {
                passed.ends = Some(How::Fin);
                break;
            };
            let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
            let count = self.connection.reader().read(&mut plaintext).unwrap_or(0);
            passed.to_node.extend(plaintext.drain(..count));
            self.record(state.peer_has_closed());
            if !is_read {
                break;
            }
        }
        passed.to_client = self.sendable();
        passed
    }

    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.connection.set_buffer_limit(None);
        let written = self.connection.writer().write_all(&bytes);
        written.expect("memory takes everything");
        self.sendable()
    }

    fn node_ended(&mut self) -> Vec<u8> {
        if self.says_goodbye {
            self.connection.send_close_notify();
        }
        self.sendable()
    }
}

/// What a busy machine may take to do what a client asked for.
const WAITED_MAX: Duration = Duration::from_secs(10);

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    rustls::crypto::ring::default_provider().into()
}

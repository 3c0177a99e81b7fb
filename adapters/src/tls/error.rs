//! [`TlsError`]: settings of TLS that cannot work.

use thiserror::Error;

/// Settings of TLS that cannot work.
///
/// What goes wrong with a server later is a
/// [`TlsFailure`](lavapool_core::TlsFailure) of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The PEM text, or the chain, holds no certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// What was given as a certificate does not decode.
    #[error("the certificate does not decode")]
    InvalidCertificate,
    /// The private key does not decode, or is of a kind that the provider cannot use.
    #[error("the private key cannot be used")]
    InvalidKey,
    /// The private key is that of another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The expected name is neither a name nor an address.
    #[error("the server name is neither a name nor an address")]
    InvalidServerName,
    /// The platform has no authorities (a container without `ca-certificates`, for one), and
    /// none were given.
    #[error("no certificate authority is known")]
    NoRoots,
    /// The feature `tls` is off, and neither was a provider given nor did the process install
    /// one.
    #[error("no cryptography was given")]
    NoProvider,
    /// The provider has no cipher for TLS 1.2 or 1.3.
    #[error("the cryptography has no cipher for tls")]
    NoVersion,
}

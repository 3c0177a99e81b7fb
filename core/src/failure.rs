//! What a driver can meet between the socket and the node: [`DialFailure`], [`TlsFailure`] with
//! [`TlsError`], and [`ProxyFailure`].

use std::fmt;

use thiserror::Error;

/// Why a connection could not be made, to a node or to a proxy.
///
/// The order is by how far it came: of those that the addresses of a host failed with, the greatest
/// says most of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum DialFailure {
    /// Any other failure of the operating system.
    #[error("the connection failed")]
    Failed,
    /// The name could not be looked up, which says nothing of whether it is there.
    #[error("the host name could not be looked up")]
    LookupFailed,
    /// The name has no address.
    #[error("the host name does not resolve")]
    NameNotFound,
    /// The network does not reach the address.
    #[error("the host cannot be reached")]
    Unreachable,
    /// The operating system forbids it.
    #[error("the system does not permit the connection")]
    Denied,
    /// The operating system gave up waiting.
    #[error("the connection timed out")]
    TimedOut,
    /// The peer reset the connection.
    #[error("the connection was reset")]
    Reset,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
}

/// Why TLS could not be agreed on, or broke.
///
/// The pool speaks no TLS: its driver does, and says by this what went wrong. All of them count
/// as any other loss of a connection: the node is dialled again on its schedule, since
/// certificates are renewed and servers are set right while a bot runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TlsFailure {
    /// Nobody who is trusted has signed the certificate.
    #[error("the certificate is from an unknown authority")]
    UnknownAuthority,
    /// The certificate names itself as its authority, and is not trusted, whatever else is wrong
    /// with it.
    #[error("the certificate is self-signed")]
    SelfSigned,
    /// The certificate is not valid any more.
    #[error("the certificate has expired")]
    Expired,
    /// The certificate is not valid yet, or the clock of this machine is late.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate is for other hosts.
    #[error("the certificate is for another host")]
    WrongHost,
    /// The authority has taken the certificate back.
    #[error("the certificate was revoked")]
    Revoked,
    /// The certificate does not decode, is signed wrongly, or is not one for a server, such as one
    /// that is trusted and marked as an authority.
    #[error("the certificate cannot be used for a server")]
    InvalidCertificate,
    /// What listens there does not speak TLS: the node is perhaps one for `http`.
    #[error("the server does not speak tls")]
    NotTls,
    /// What listens there speaks nothing but TLS: the node is one for `https`. It said so by an
    /// alert or, as nginx, Apache and servers in Go do, by a page with the status 400.
    #[error("the server speaks tls, and was addressed without")]
    OnlyTls,
    /// There is no version or cipher that both sides have.
    #[error("the server supports no version or cipher of tls that is safe")]
    Incompatible,
    /// The server gave up with a fatal alert.
    #[error("the server refused with tls alert {alert}{}", AlertName(*.alert))]
    Refused {
        /// The code of the alert (RFC 8446 §6).
        alert: u8,
    },
    /// What came breaks the protocol, or was changed on its way.
    #[error("the server broke the tls protocol")]
    Violation,
    /// The connection ended before TLS was agreed on.
    #[error("the connection ended during the tls handshake")]
    HandshakeCut,
    /// The connection ended without the alert that announces its end (RFC 8446 §6.1): somebody
    /// on the way may have cut it.
    #[error("the connection was cut off")]
    Truncated,
    /// The host's name is none that a certificate could be for.
    #[error("the host name cannot be that of a certificate")]
    InvalidHost,
    /// What the driver was told about TLS contradicts itself or is not enough.
    #[error("tls cannot work as it is configured: {0}")]
    Misconfigured(TlsError),
    /// Anything else on this side, such as a lack of randomness.
    #[error("tls failed")]
    Failed,
}

/// Settings of TLS that cannot work, whoever the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TlsError {
    /// The PEM text, or the chain, holds no certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// What was given as a certificate does not decode.
    #[error("the certificate does not decode")]
    InvalidCertificate,
    /// The private key does not decode, or is of a kind that the cryptography cannot use.
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
    /// There is no cryptography: the driver was built without any, and was given none.
    #[error("no cryptography was given")]
    NoProvider,
    /// The cryptography has no cipher for TLS 1.2 or 1.3.
    #[error("the cryptography has no cipher for tls")]
    NoVersion,
}

/// Why a proxy did not let a connection through to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ProxyFailure {
    /// The proxy itself could not be reached.
    #[error("the proxy cannot be reached: {0}")]
    Unreachable(DialFailure),
    /// It wants other credentials, or any.
    #[error("the proxy refuses the credentials")]
    Unauthorized,
    /// An HTTP proxy answered `CONNECT` with this status (RFC 9110 §9.3.6).
    #[error("the proxy refused with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A SOCKS proxy answered the request with this code (RFC 1928 §6).
    #[error("the proxy refused with socks reply {reply}{}", ReplyName(*.reply))]
    Reply {
        /// The code of the reply.
        reply: u8,
    },
    /// It ended the connection before the node was reached.
    #[error("the proxy ended the connection")]
    Ended,
    /// What it answers is not the protocol that it was configured with.
    #[error("the proxy broke its protocol")]
    Violation,
}

struct AlertName(u8);

impl fmt::Display for AlertName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            20 => "bad record",
            22 => "record overflow",
            40 => "handshake failure",
            42 => "bad certificate",
            43 => "unsupported certificate",
            44 => "certificate revoked",
            45 => "certificate expired",
            46 => "certificate unknown",
            47 => "illegal parameter",
            48 => "unknown authority",
            49 => "access denied",
            50 => "decode error",
            51 => "decrypt error",
            70 => "protocol version",
            71 => "insufficient security",
            80 => "internal error",
            90 => "user canceled",
            109 => "missing extension",
            112 => "unrecognized name",
            116 => "certificate required",
            120 => "no application protocol",
            _ => return Ok(()),
        };
        write!(f, " ({name})")
    }
}

struct ReplyName(u8);

impl fmt::Display for ReplyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1 => "general failure",
            2 => "not allowed",
            3 => "network unreachable",
            4 => "host unreachable",
            5 => "connection refused",
            6 => "ttl expired",
            7 => "command not supported",
            8 => "address type not supported",
            _ => return Ok(()),
        };
        write!(f, " ({name})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_what_is_known_of_it() {
        let table = [
            (
                TlsFailure::Refused { alert: 116 }.to_string(),
                "the server refused with tls alert 116 (certificate required)",
            ),
            (
                TlsFailure::Refused { alert: 7 }.to_string(),
                "the server refused with tls alert 7",
            ),
            (
                TlsFailure::Misconfigured(TlsError::KeyMismatch).to_string(),
                "tls cannot work as it is configured: \
                    the private key does not belong to the certificate",
            ),
            (
                ProxyFailure::Unreachable(DialFailure::Refused).to_string(),
                "the proxy cannot be reached: the connection was refused",
            ),
            (
                ProxyFailure::Reply { reply: 5 }.to_string(),
                "the proxy refused with socks reply 5 (connection refused)",
            ),
            (
                ProxyFailure::Reply { reply: 9 }.to_string(),
                "the proxy refused with socks reply 9",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(text, expected);
        }
    }
}

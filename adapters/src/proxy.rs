//! [`Proxy`]: what stands between a bot and its nodes.

use std::str::FromStr;

use lavapool_core::{Endpoint, Secret};
use thiserror::Error;

/// A proxy that makes connections for us: by `CONNECT` of HTTP (RFC 9110 §9.3.6) or SOCKS 5
/// (RFC 1928). It looks up the names of nodes itself. TLS is spoken with the node, through it.
///
/// It is parsed from `http://host:port` or `socks5://host:port` (`socks5h` is the same), with
/// `user:password@` before the host where it wants credentials, percent-encoded:
///
/// ```
/// use lavapool::{Proxy, ProxyError};
///
/// let proxy: Proxy = "socks5://bot:pass%40word@proxy.example:1080".parse()?;
/// assert_eq!(format!("{proxy:?}"), "Proxy(Socks5, \"proxy.example\", 1080)");
/// assert_eq!("proxy.example".parse::<Proxy>().unwrap_err().to_string(),
///     "the proxy's uri is malformed: the scheme is none of http, socks5, socks5h");
/// # Ok::<(), ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    pub(crate) credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Socks5,
}

/// A name and a password; the name may say as much as the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

/// A proxy that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The URI does not parse.
    #[error("the proxy's uri is malformed: {reason}")]
    InvalidUri {
        /// What is wrong with it; the text itself may hold a password.
        reason: &'static str,
    },
    /// The protocol cannot carry them: SOCKS takes 1 to 255 bytes of each (RFC 1929 §2), and
    /// HTTP's user holds no colon (RFC 7617 §2).
    #[error("the proxy's protocol cannot carry these credentials")]
    InvalidCredentials,
}

impl Proxy {
    /// The same proxy with credentials.
    ///
    /// # Errors
    /// [`ProxyError::InvalidCredentials`].
    pub fn credentials(
        mut self,
        user: impl Into<Secret>,
        password: impl Into<Secret>,
    ) -> Result<Self, ProxyError> {
        let (user, password) = (user.into(), password.into());
        let is_carried = |text: &Secret| match self.kind {
            Kind::Http => !text.expose().chars().any(char::is_control),
            Kind::Socks5 => (1..=255).contains(&text.expose().len()),
        };
        let is_split = self.kind == Kind::Http && user.expose().contains(':');
        if !is_carried(&user) || !is_carried(&password) || is_split {
            return Err(ProxyError::InvalidCredentials);
        }
        self.credentials = Some(Credentials { user, password });
        Ok(self)
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(uri: &str) -> Result<Self, ProxyError> {
        let invalid = |reason| ProxyError::InvalidUri { reason };
        let scheme = uri.split_once("://").map(|(scheme, rest)| {
            let scheme = scheme.to_ascii_lowercase();
            (scheme, rest)
        });
        let (kind, rest) = match &scheme {
            Some((scheme, rest)) if scheme == "http" => (Kind::Http, *rest),
            Some((scheme, rest)) if scheme == "socks5" || scheme == "socks5h" => {
                (Kind::Socks5, *rest)
            }
            _ => return Err(invalid("the scheme is none of http, socks5, socks5h")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (userinfo, place) = match rest.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, rest),
        };
        let after_host = place.rsplit_once(']').map_or(place, |(_, rest)| rest);
        if !after_host.contains(':') {
            return Err(invalid("the port is missing"));
        }
        let no_place = "what follows the scheme is no host:port";
        let endpoint: Endpoint = format!("http://{place}")
            .parse()
            .map_err(|_| invalid(no_place))?;
        if !endpoint.path_prefix().is_empty() {
            return Err(invalid(no_place));
        }
        let proxy = Self {
            kind,
            host: endpoint.host().into(),
            port: endpoint.port(),
            credentials: None,
        };
        let Some(userinfo) = userinfo else {
            return Ok(proxy);
        };
        let (user, password) = userinfo
            .split_once(':')
            .ok_or_else(|| invalid("the credentials are not user:password"))?;
        let broken = "a percent sign is not followed by two hexadecimal digits of UTF-8";
        let decode = |text| percent_decode(text).ok_or_else(|| invalid(broken));
        proxy.credentials(decode(user)?, decode(password)?)
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({:?}, {:?}, {})", self.kind, self.host, self.port)
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_taken_apart() {
        let proxy = |kind, host: &str, port| Proxy {
            kind,
            host: host.into(),
            port,
            credentials: None,
        };
        let credentials = Some(Credentials {
            user: "bo@t".into(),
            password: "a:b".into(),
        });
        let with = |proxy| Proxy {
            credentials,
            ..proxy
        };
        let table = [
            ("socks5h://host:1080", proxy(Kind::Socks5, "host", 1080)),
            ("socks5://[::1]:1", proxy(Kind::Socks5, "::1", 1)),
        ];
        for (uri, expected) in table {
            assert_eq!(uri.parse(), Ok(expected));
        }
        let uri = "HTTP://bo%40t:a:b@10.0.0.1:3128/";
        assert_eq!(uri.parse(), Ok(with(proxy(Kind::Http, "10.0.0.1", 3128))));
    }

    #[test]
    fn a_malformed_proxy_says_what_is_wrong() {
        let place = "what follows the scheme is no host:port";
        let percent = "a percent sign is not followed by two hexadecimal digits of UTF-8";
        let table = [
            ("https://h:1", "the scheme is none of http, socks5, socks5h"),
            ("http://host", "the port is missing"),
            ("http://[::1]", "the port is missing"),
            ("http://host:1/x", place),
            ("http://:1", place),
            ("http://user@h:1", "the credentials are not user:password"),
            ("http://%zz:x@h:1", percent),
        ];
        for (uri, reason) in table {
            let invalid = Err(ProxyError::InvalidUri { reason });
            assert_eq!(uri.parse::<Proxy>(), invalid, "{uri}");
        }
        let long = format!("socks5://{}:x@h:1", "u".repeat(256));
        for uri in [
            "http://a%3Ab:c@h:1",
            "socks5://:x@h:1",
            "http://a:%0a@h:1",
            &long,
        ] {
            let invalid = Err(ProxyError::InvalidCredentials);
            assert_eq!(uri.parse::<Proxy>(), invalid, "{uri}");
        }
    }
}

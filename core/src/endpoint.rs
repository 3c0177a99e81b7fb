//! [`Endpoint`]: where a node is, parsed from what a person writes.

use std::fmt;

use crate::error::ConfigError;
use crate::secret::Secret;

/// The address of a node: host, port, TLS or not, and a path prefix.
///
/// ```
/// use lavapool_core::Endpoint;
///
/// let endpoint: Endpoint = "https://music.example/lavalink".parse()?;
/// assert_eq!(endpoint.port(), 443);
/// assert_eq!(endpoint.path_prefix(), "/lavalink");
///
/// // What has no scheme is `host:port` without TLS; Lavalink's own port is the default.
/// let endpoint: Endpoint = "localhost".parse()?;
/// assert_eq!(endpoint.to_string(), "http://localhost:2333");
/// # Ok::<(), lavapool_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "recording", serde(into = "String", try_from = "String"))]
pub struct Endpoint {
    secure: bool,
    host: Box<str>,
    port: u16,
    path_prefix: Box<str>,
}

/// What a URI holds beside the endpoint.
pub(crate) struct Userinfo {
    pub(crate) password: Option<Secret>,
    pub(crate) region: Option<String>,
}

impl Endpoint {
    /// Whether the connection is by TLS (`https`, `wss`).
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The same place with TLS on or off.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// The host name or address; IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path that a reverse proxy puts before Lavalink's own, such as `/lavalink`; empty
    /// without one, never with a slash at its end.
    pub fn path_prefix(&self) -> &str {
        &self.path_prefix
    }

    /// Host and port, as in `localhost:2333` or `[::1]:2333` (Moonlink: address).
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The value of the `Host` header: the port is left out where it is the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let default_port = if self.secure { 443 } else { 80 };
        match (self.host.contains(':'), self.port == default_port) {
            (true, true) => format!("[{}]", self.host),
            (true, false) => format!("[{}]:{}", self.host, self.port),
            (false, true) => self.host.to_string(),
            (false, false) => format!("{}:{}", self.host, self.port),
        }
    }

    /// Parses a URI, taking the password out of its userinfo and the region out of its query.
    pub(crate) fn parse(text: &str) -> Result<(Self, Userinfo), ConfigError> {
        let invalid = |reason| ConfigError::InvalidUri { reason };
        let (secure, default_port, rest) = match text.split_once("://") {
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "http" | "ws" => (false, 80, rest),
                "https" | "wss" => (true, 443, rest),
                _ => return Err(invalid("the scheme is none of http, https, ws, wss")),
            },
            None => (false, 2333, text),
        };
        if rest.contains('#') {
            return Err(invalid("a node has no fragment"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo), host_port),
            None => (None, authority),
        };
        let (host, port) = split_port(host_port, default_port).map_err(invalid)?;
        check_host(host).map_err(invalid)?;
        let path_prefix = path.trim_end_matches('/');
        if !path_prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid(
                "the path holds a character that must be percent-encoded",
            ));
        }
        let endpoint = Self {
            secure,
            host: host.into(),
            port,
            path_prefix: path_prefix.into(),
        };
        let password = userinfo
            .map(password)
            .transpose()
            .map_err(invalid)?
            .flatten();
        let region = region(query).map_err(invalid)?;
        Ok((endpoint, Userinfo { password, region }))
    }
}

impl std::str::FromStr for Endpoint {
    type Err = ConfigError;

    /// Parses `scheme://host:port/prefix` or `host:port`; a password does not belong here.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let (endpoint, userinfo) = Self::parse(text)?;
        if userinfo.password.is_some() || userinfo.region.is_some() {
            return Err(ConfigError::InvalidUri {
                reason: "an endpoint is a place only",
            });
        }
        Ok(endpoint)
    }
}

impl fmt::Display for Endpoint {
    /// The URI, with its port, without any password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        if self.host.contains(':') {
            write!(
                f,
                "{scheme}://[{}]:{}{}",
                self.host, self.port, self.path_prefix
            )
        } else {
            write!(
                f,
                "{scheme}://{}:{}{}",
                self.host, self.port, self.path_prefix
            )
        }
    }
}

fn split_port(text: &str, default_port: u16) -> Result<(&str, u16), &'static str> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or("the IPv6 address has no closing bracket")?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("what stands in brackets is no IPv6 address");
        }
        match rest {
            "" => (host, None),
            _ => (
                host,
                Some(
                    rest.strip_prefix(':')
                        .ok_or("what follows the host is no port")?,
                ),
            ),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None => default_port,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
            .parse()
            .map_err(|_| "the port is not between 1 and 65535")?,
        Some(_) => return Err("the port is not a number"),
    };
    if port == 0 {
        return Err("the port is not between 1 and 65535");
    }
    Ok((host, port))
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("the host is missing");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.len() > 253 || !host.bytes().all(allowed) {
        return Err("the host is neither a name nor an address");
    }
    Ok(())
}

/// The password of `user:password` or of `password` alone, percent-decoded.
fn password(userinfo: &str) -> Result<Option<Secret>, &'static str> {
    let encoded = userinfo
        .split_once(':')
        .map_or(userinfo, |(_, password)| password);
    let decoded = percent_decode(encoded)?;
    Ok((!decoded.is_empty()).then(|| Secret::from(decoded)))
}

fn region(query: &str) -> Result<Option<String>, &'static str> {
    let mut region = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("region", value)) => region = Some(percent_decode(value)?),
            Some(_) | None => return Err("the query holds something other than region=LABEL"),
        }
    }
    Ok(region)
}

fn percent_decode(text: &str) -> Result<String, &'static str> {
    const BROKEN: &str = "a percent sign is not followed by two hexadecimal digits of UTF-8";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(BROKEN);
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| BROKEN)?);
    }
    String::from_utf8(bytes).map_err(|_| BROKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_taken_apart() {
        let table = [
            (
                "http://localhost:2333",
                "http://localhost:2333",
                "localhost:2333",
            ),
            (
                "https://music.example",
                "https://music.example:443",
                "music.example",
            ),
            (
                "wss://music.example/a/b/",
                "https://music.example:443/a/b",
                "music.example",
            ),
            ("ws://[::1]:80", "http://[::1]:80", "[::1]"),
            ("10.0.0.1", "http://10.0.0.1:2333", "10.0.0.1:2333"),
            ("HTTP://Host:1", "http://Host:1", "Host:1"),
        ];
        for (text, uri, authority) in table {
            let (endpoint, _) = Endpoint::parse(text).unwrap();
            assert_eq!(
                (endpoint.to_string(), endpoint.authority()),
                (uri.into(), authority.into())
            );
        }
    }

    #[test]
    fn the_password_and_the_region_are_taken_out_of_the_uri() {
        let (endpoint, info) = Endpoint::parse("http://:p%40ss@host:1/x?region=us-east").unwrap();
        assert_eq!(endpoint.to_string(), "http://host:1/x");
        assert_eq!(info.password.unwrap().expose(), "p@ss");
        assert_eq!(info.region.unwrap(), "us-east");
    }

    #[test]
    fn a_malformed_uri_says_what_is_wrong() {
        let table = [
            ("ftp://host", "the scheme is none of http, https, ws, wss"),
            ("http://", "the host is missing"),
            ("http://host:port", "the port is not a number"),
            ("http://host:70000", "the port is not between 1 and 65535"),
            ("http://host:0", "the port is not between 1 and 65535"),
            ("http://[::1", "the IPv6 address has no closing bracket"),
            ("http://[x]", "what stands in brackets is no IPv6 address"),
            ("http://[::1]80", "what follows the host is no port"),
            ("http://ho st", "the host is neither a name nor an address"),
            (
                "http://host/a b",
                "the path holds a character that must be percent-encoded",
            ),
            ("http://host#x", "a node has no fragment"),
            (
                "http://host?x=1",
                "the query holds something other than region=LABEL",
            ),
            (
                "http://%zz@host",
                "a percent sign is not followed by two hexadecimal digits of UTF-8",
            ),
        ];
        for (text, reason) in table {
            assert_eq!(
                Endpoint::parse(text).err(),
                Some(ConfigError::InvalidUri { reason })
            );
        }
    }
}

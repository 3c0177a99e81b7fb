//! [`Link`]: a connection to a node, with whatever lies between it and the socket.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use lavapool_core::{Closed, Endpoint, ProxyFailure, TlsFailure};

use super::dial::{Dial, cause, dial};
use super::proxy::Tunnel;
#[cfg(feature = "rustls")]
use super::tls::Session;
use crate::runtime::{Runtime, Socket};
use crate::transport::{Route, Way};

/// A connection to a node.
pub(super) enum Link<S> {
    Plain(Plain<S>),
    #[cfg(feature = "rustls")]
    Tls(Box<Session<S>>),
}

/// A connection without TLS.
pub(super) struct Plain<S> {
    socket: S,
    /// Whether anything came from the node.
    heard: bool,
}

/// Connects to a node by its route: the socket, the proxy's consent, then TLS. All of it counts
/// into the pool's connect deadline, and is dropped with the future.
pub(super) fn open<R: Runtime>(
    runtime: Arc<R>,
    endpoint: &Endpoint,
    route: Route,
) -> Dial<Link<R::Socket>> {
    let (host, port) = (endpoint.host(), endpoint.port());
    let secured = match Secured::new(endpoint, &route) {
        Ok(secured) => secured,
        Err(closed) => return Box::pin(std::future::ready(Err(closed))),
    };
    let socket = match &route.way {
        Way::Direct => {
            let dialled = dial(runtime, host, port);
            Box::pin(async move { dialled.await.map_err(Closed::from) })
        }
        Way::Unix(path) => unix(&*runtime, path),
        Way::Proxy(proxy) => {
            let dialled = dial(runtime, &proxy.host, proxy.port);
            let tunnel = Tunnel::new(proxy, host, port);
            Box::pin(async move {
                let unreachable = |why| Closed::Proxy(ProxyFailure::Unreachable(why));
                let mut socket = dialled.await.map_err(unreachable)?;
                pass(&mut socket, tunnel).await.map(|()| socket)
            })
        }
    };
    Box::pin(async move { secured.link(socket.await?).await })
}

fn unix<R: Runtime>(runtime: &R, path: &Path) -> Dial<R::Socket> {
    let connected = runtime.connect_unix(path);
    Box::pin(async move { connected.await.map_err(|error| unix_failure(&error)) })
}

fn unix_failure(error: &io::Error) -> Closed {
    match error.kind() {
        io::ErrorKind::Unsupported => Closed::UnixUnavailable,
        // Nobody listens there, whether or not somebody once did.
        io::ErrorKind::NotFound => Closed::Refused,
        _ => cause(error),
    }
}

/// What a connection needs to become one with TLS, if it is to.
#[cfg(feature = "rustls")]
struct Secured(Option<rustls::ClientConnection>);

#[cfg(not(feature = "rustls"))]
struct Secured;

#[cfg(feature = "rustls")]
impl Secured {
    fn new(endpoint: &Endpoint, route: &Route) -> Result<Self, Closed> {
        let begin = || super::tls::begin(&route.tls, endpoint.host());
        let connection = endpoint.is_secure().then(begin).transpose();
        connection.map(Self).map_err(Closed::Tls)
    }

    async fn link<S: Socket>(self, socket: S) -> Result<Link<S>, Closed> {
        let Some(connection) = self.0 else {
            return Ok(Link::plain(socket));
        };
        let mut session = Box::new(Session::new(connection, socket));
        poll_fn(|cx| session.poll_handshake(cx)).await?;
        Ok(Link::Tls(session))
    }
}

#[cfg(not(feature = "rustls"))]
impl Secured {
    fn new(endpoint: &Endpoint, _: &Route) -> Result<Self, Closed> {
        if endpoint.is_secure() {
            return Err(Closed::TlsUnavailable);
        }
        Ok(Self)
    }

    async fn link<S: Socket>(self, socket: S) -> Result<Link<S>, Closed> {
        Ok(Link::plain(socket))
    }
}

/// Speaks with a proxy until it lets us through.
async fn pass<S: Socket>(socket: &mut S, mut tunnel: Tunnel) -> Result<(), Closed> {
    let mut buffer = [0; PROXY_READ_BYTES];
    while !tunnel.is_open() {
        while !tunnel.outgoing().is_empty() {
            let written = poll_fn(|cx| socket.poll_write(cx, tunnel.outgoing())).await;
            match written {
                Ok(0) => return Err(Closed::Proxy(ProxyFailure::Ended)),
                Ok(count) => tunnel.wrote(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        match poll_fn(|cx| socket.poll_read(cx, &mut buffer)).await {
            Ok(0) => return Err(Closed::Proxy(ProxyFailure::Ended)),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                tunnel.receive(bytes).map_err(Closed::Proxy)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Closed::Proxy(ProxyFailure::Ended)),
        }
    }
    Ok(())
}

impl<S> Link<S> {
    const fn plain(socket: S) -> Self {
        let heard = false;
        Self::Plain(Plain { socket, heard })
    }
}

impl<S: Socket> Socket for Link<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(plain) => plain.poll_read(cx, buffer),
            #[cfg(feature = "rustls")]
            Self::Tls(session) => session.poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(plain) => plain.socket.poll_write(cx, bytes),
            #[cfg(feature = "rustls")]
            Self::Tls(session) => session.poll_write(cx, bytes),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(plain) => plain.socket.poll_close(cx),
            #[cfg(feature = "rustls")]
            Self::Tls(session) => session.poll_close(cx),
        }
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        match self {
            Self::Plain(plain) => plain.socket.set_quiet(is_quiet),
            #[cfg(feature = "rustls")]
            Self::Tls(session) => session.set_quiet(is_quiet),
        }
    }
}

impl<S: Socket> Plain<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let count = ready!(self.socket.poll_read(cx, buffer))?;
        let is_first = !std::mem::replace(&mut self.heard, true);
        if is_first && asks_for_tls(buffer.get(..count).unwrap_or_default()) {
            return Poll::Ready(Err(carried(Closed::Tls(TlsFailure::OnlyTls))));
        }
        Poll::Ready(Ok(count))
    }
}

/// Whether this is what a server of TLS says first to who speaks without it: an alert, or a page in
/// plain HTTP. Such a page is so short that it comes in one piece.
fn asks_for_tls(answer: &[u8]) -> bool {
    let is_alert = answer.first() == Some(&TLS_ALERT);
    let is_refusal = answer.starts_with(b"HTTP/1.") && answer.get(8..12) == Some(b" 400");
    let says = |text: &[u8]| answer.windows(text.len()).any(|part| part == text);
    is_alert || (is_refusal && ONLY_TLS_TEXTS.iter().any(|text| says(text.as_bytes())))
}

/// An error that [`cause`] takes the end of a connection out of again.
pub(super) fn carried(closed: Closed) -> io::Error {
    io::Error::other(closed)
}

/// What a TLS server says to a request without TLS (RFC 8446 §5.1); HTTP begins otherwise.
const TLS_ALERT: u8 = 21;
/// How servers say it that answer such a request with 400 and a page: nginx, Apache, and those in
/// Go (Caddy, Traefik).
const ONLY_TLS_TEXTS: [&str; 3] = [
    "The plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
    "Client sent an HTTP request to an HTTPS server",
];
/// The most that is read from a proxy at once.
const PROXY_READ_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_that_cannot_be_connected_says_why() {
        let table = [
            (io::ErrorKind::Unsupported, Closed::UnixUnavailable),
            (io::ErrorKind::NotFound, Closed::Refused),
            (io::ErrorKind::ConnectionRefused, Closed::Refused),
            (io::ErrorKind::PermissionDenied, Closed::Denied),
        ];
        for (kind, expected) in table {
            assert_eq!(unix_failure(&kind.into()), expected);
        }
    }
}

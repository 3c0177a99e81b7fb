//! [`dial`]: a connection to whichever address of a host answers first.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lavapool_core::{Closed, DialFailure};

use crate::runtime::{Runtime, Timer};

/// A connection on its way.
pub(super) type Dial<S, E = Closed> = Pin<Box<dyn Future<Output = Result<S, E>> + Send>>;

/// A connection to one address on its way.
type Trial<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// Looks up the host and tries its addresses, the families [by turns](by_turns), each as soon as
/// the one before it has failed or [`HEAD_START`] has passed: an address that never answers must
/// not use up the time of the others (RFC 8305 §5). The first connection counts, the other
/// attempts are dropped. If all fail, that [which came furthest](DialFailure) is told.
///
/// A resolver answers for both families at once, as getaddrinfo does, so there is no answer for
/// one of them to wait for (the Resolution Delay of RFC 8305 §3).
pub(super) fn dial<R: Runtime>(
    runtime: Arc<R>,
    host: &str,
    port: u16,
) -> Dial<R::Socket, DialFailure> {
    let resolve = runtime.resolve(host, port);
    Box::pin(async move {
        let resolved = resolve.await;
        let addresses = resolved.map_err(|error| lookup_failure(&error))?;
        let race = Race {
            timer: runtime.timer(),
            runtime,
            addresses: by_turns(addresses).into_iter(),
            attempts: Vec::new(),
            told: None,
        };
        race.await
    })
}

/// The attempts to reach one host.
struct Race<R: Runtime> {
    runtime: Arc<R>,
    /// Those that were not tried yet.
    addresses: std::vec::IntoIter<SocketAddr>,
    attempts: Vec<Trial<R::Socket>>,
    /// The end of the head start of the latest attempt.
    timer: R::Timer,
    /// The most telling of the failures.
    told: Option<DialFailure>,
}

impl<R: Runtime> Race<R> {
    /// Goes on with every attempt, and takes out those that failed.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Poll<R::Socket> {
        let mut connected = None;
        let told = &mut self.told;
        self.attempts.retain_mut(|attempt| {
            if connected.is_some() {
                return false;
            }
            match attempt.as_mut().poll(cx) {
                Poll::Pending => return true,
                Poll::Ready(Ok(socket)) => connected = Some(socket),
                Poll::Ready(Err(error)) => *told = (*told).max(Some(failure(&error))),
            }
            false
        });
        connected.map_or(Poll::Pending, Poll::Ready)
    }

    fn is_next_due(&mut self, has_failed: bool, cx: &mut Context<'_>) -> bool {
        self.attempts.is_empty()
            || (self.addresses.len() > 0 && (has_failed || self.timer.poll(cx).is_ready()))
    }

    /// Begins the next attempt; returns false if every address was tried.
    fn start_next(&mut self) -> bool {
        let Some(address) = self.addresses.next() else {
            return false;
        };
        self.attempts.push(Box::pin(self.runtime.connect(address)));
        self.timer.reset(self.runtime.now() + HEAD_START);
        true
    }
}

impl<R: Runtime> Future for Race<R> {
    type Output = Result<R::Socket, DialFailure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            let before = this.attempts.len();
            if let Poll::Ready(socket) = this.poll_attempts(cx) {
                return Poll::Ready(Ok(socket));
            }
            let has_failed = this.attempts.len() < before;
            if !this.is_next_due(has_failed, cx) {
                return Poll::Pending;
            }
            if !this.start_next() {
                return Poll::Ready(Err(this.told.unwrap_or(DialFailure::NameNotFound)));
            }
        }
    }
}

/// The addresses with IPv6 and IPv4 by turns, beginning with the family that the resolver
/// prefers: a family that leads nowhere costs one head start, and not one for each of its
/// addresses (RFC 8305 §4, with a First Address Family Count of 1). Each family keeps its order.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let count = addresses.len();
    let starts_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == starts_v6);
    let mut families = [first.into_iter(), second.into_iter()];
    let mut turns = Vec::with_capacity(count);
    while turns.len() < count {
        turns.extend(families.iter_mut().filter_map(Iterator::next));
    }
    turns
}

/// What an error of the operating system, or of what lies above its sockets, means to the pool.
pub(super) fn cause(error: &io::Error) -> Closed {
    let carried = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(closed) = carried {
        return *closed;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Closed::EndOfStream,
        _ => failure(error).into(),
    }
}

fn failure(error: &io::Error) -> DialFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialFailure::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => DialFailure::Reset,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => DialFailure::Unreachable,
        io::ErrorKind::PermissionDenied => DialFailure::Denied,
        io::ErrorKind::TimedOut => DialFailure::TimedOut,
        _ => DialFailure::Failed,
    }
}

/// What an error of a resolver means: that it failed, unless it says that there is no such name.
fn lookup_failure(error: &io::Error) -> DialFailure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if says_that_there_is_no_name(error) {
            return DialFailure::NameNotFound;
        }
        cause = error.source();
    }
    DialFailure::LookupFailed
}

fn says_that_there_is_no_name(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        if let Some(code) = error.raw_os_error() {
            return NAME_NOT_FOUND_CODES.contains(&code);
        }
        if error.kind() == io::ErrorKind::NotFound {
            return true;
        }
    }
    let text = error.to_string();
    NAME_NOT_FOUND_TEXTS.iter().any(|told| text.contains(told))
}

/// How long an address is tried before the next one is too (RFC 8305 §8).
const HEAD_START: Duration = Duration::from_millis(250);
/// How systems say `EAI_NONAME` and `EAI_NODATA` (RFC 3493 §6.1): glibc, musl, the BSDs with macOS.
/// The standard library has a kind for none of getaddrinfo's errors, and keeps but their text.
const NAME_NOT_FOUND_TEXTS: [&str; 5] = [
    "Name or service not known",
    "No address associated with",
    "Name does not resolve",
    "Name has no usable address",
    "nor servname provided, or not known",
];
/// Windows' `WSAHOST_NOT_FOUND` and `WSANO_DATA`. Elsewhere a code is that of a system call which
/// failed during the lookup.
const NAME_NOT_FOUND_CODES: [i32; 2] = [11001, 11004];

#[cfg(test)]
mod tests;

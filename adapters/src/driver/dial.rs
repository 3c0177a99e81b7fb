//! [`dial`]: a connection to whichever address of a host answers first.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lavapool_core::Closed;

use crate::runtime::{Runtime, Timer};

/// A connection on its way.
pub(super) type Dial<S> = Pin<Box<dyn Future<Output = Result<S, Closed>> + Send>>;

/// A connection to one address on its way.
type Trial<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// Looks up the host and tries its addresses, the families [by turns](by_turns), each as soon as
/// the one before it has failed or [`HEAD_START`] has passed: an address that never answers must
/// not use up the time of the others (RFC 8305 §5). The first connection counts, the other
/// attempts are dropped.
///
/// A resolver answers for both families at once, as getaddrinfo does, so there is no answer for
/// one of them to wait for (the Resolution Delay of RFC 8305 §3).
pub(super) fn dial<R: Runtime>(runtime: Arc<R>, host: &str, port: u16) -> Dial<R::Socket> {
    let resolve = runtime.resolve(host, port);
    Box::pin(async move {
        // What a resolver says when it finds nothing differs from system to system.
        let addresses = resolve.await.map_err(|_| Closed::NameNotFound)?;
        let race = Race {
            timer: runtime.timer(),
            runtime,
            addresses: by_turns(addresses).into_iter(),
            attempts: Vec::new(),
            last: Closed::NameNotFound,
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
    /// Why the latest attempt to fail did so.
    last: Closed,
}

impl<R: Runtime> Race<R> {
    /// Goes on with every attempt, and takes out those that failed.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Poll<R::Socket> {
        let mut connected = None;
        let last = &mut self.last;
        self.attempts.retain_mut(|attempt| {
            if connected.is_some() {
                return false;
            }
            match attempt.as_mut().poll(cx) {
                Poll::Pending => return true,
                Poll::Ready(Ok(socket)) => connected = Some(socket),
                Poll::Ready(Err(error)) => *last = cause(&error),
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
    type Output = Result<R::Socket, Closed>;

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
                return Poll::Ready(Err(this.last));
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
        io::ErrorKind::ConnectionRefused => Closed::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => Closed::Reset,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Closed::Unreachable,
        io::ErrorKind::TimedOut => Closed::TimedOut,
        io::ErrorKind::UnexpectedEof => Closed::EndOfStream,
        _ => Closed::Failed,
    }
}

/// How long an address is tried before the next one is too (RFC 8305 §8).
const HEAD_START: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_keep_their_order() {
        let cases = [
            ("6a 6b 6c 4a 4b", "6a 4a 6b 4b 6c"),
            ("4a 4b 4c 6a", "4a 6a 4b 4c"),
            ("6a 4a 6b 4b", "6a 4a 6b 4b"),
            ("4a 4b", "4a 4b"),
            ("6a", "6a"),
            ("", ""),
        ];
        for (resolved, expected) in cases {
            assert_eq!(by_turns(addresses(resolved)), addresses(expected));
        }
    }

    /// An address for each word: its family, and a letter that tells it from others.
    fn addresses(words: &str) -> Vec<SocketAddr> {
        let address = |word: &str| {
            let text = match word.split_at(1) {
                ("6", letter) => format!("[2001:db8::{letter}]:2333"),
                (_, letter) => format!("192.0.2.{}:2333", letter.as_bytes()[0]),
            };
            text.parse().expect("it is an address")
        };
        words.split_whitespace().map(address).collect()
    }
}

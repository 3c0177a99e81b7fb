//! Which failure of many is told, and the order of addresses.

#![allow(clippy::unwrap_used)]

use std::task::Waker;

use lavapool_core::Timestamp;

use super::*;
use crate::runtime::{Attempt, Socket};

/// A network on which nothing can be connected, and why, by the ports of the addresses.
struct Nowhere(Vec<io::ErrorKind>);

#[derive(Debug)]
enum Never {}

impl Runtime for Nowhere {
    type Socket = Never;
    type Timer = Silent;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO
    }

    fn timer(&self) -> Silent {
        Silent
    }

    fn resolve(&self, _: &str, _: u16) -> impl Attempt<Vec<SocketAddr>> {
        let ports = 0..u16::try_from(self.0.len()).expect("there are few");
        let addresses = ports.map(|port| ([127, 0, 0, 1], port).into()).collect();
        std::future::ready(Ok(addresses))
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<Never> {
        std::future::ready(Err(self.0[usize::from(address.port())].into()))
    }

    fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}
}

struct Silent;

impl Timer for Silent {
    fn reset(&mut self, _: Timestamp) {}

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Socket for Never {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

#[test]
fn of_the_failures_that_of_the_address_which_came_furthest_is_told() {
    use io::ErrorKind::{ConnectionRefused, NetworkUnreachable, Other, PermissionDenied, TimedOut};
    let table = [
        (vec![], DialFailure::NameNotFound),
        (
            vec![ConnectionRefused, TimedOut, NetworkUnreachable],
            DialFailure::Refused,
        ),
        (
            vec![NetworkUnreachable, ConnectionRefused],
            DialFailure::Refused,
        ),
        (vec![TimedOut, PermissionDenied], DialFailure::TimedOut),
        (
            vec![PermissionDenied, NetworkUnreachable],
            DialFailure::Denied,
        ),
        (vec![NetworkUnreachable, Other], DialFailure::Unreachable),
        (vec![Other], DialFailure::Failed),
    ];
    for (kinds, expected) in table {
        let told = format!("{kinds:?}");
        let mut dial = dial(Arc::new(Nowhere(kinds)), "node", 2333);

        let dialled = dial.as_mut().poll(&mut Context::from_waker(Waker::noop()));

        let Poll::Ready(Err(failure)) = dialled else {
            panic!("{told}: {dialled:?}");
        };
        assert_eq!(failure, expected, "{told}");
    }
}

#[test]
fn a_resolver_that_gave_no_answer_is_told_from_a_name_that_is_not_there() {
    let std_says =
        |reason: &str| io::Error::other(format!("failed to lookup address information: {reason}"));
    let wrapped = |error| io::Error::other(Wrapped(error));
    let (none, failed) = (DialFailure::NameNotFound, DialFailure::LookupFailed);
    let table = [
        (io::ErrorKind::NotFound.into(), none),
        (io::ErrorKind::TimedOut.into(), failed),
        (std_says("Name or service not known"), none),
        (std_says("No address associated with hostname"), none),
        (std_says("Name does not resolve"), none),
        (wrapped(std_says("Name does not resolve")), none),
        (
            std_says("nodename nor servname provided, or not known"),
            none,
        ),
        (std_says("Temporary failure in name resolution"), failed),
        (wrapped(std_says("Try again")), failed),
        // Whatever nobody thought of says nothing of the name.
        (std_says("Der Nameserver schweigt"), failed),
        (io::Error::other("the resolver is gone"), failed),
        // A system call failed: of these, 2 is for a file that is not there.
        (io::Error::from_raw_os_error(24), failed),
        (io::Error::from_raw_os_error(2), failed),
        (io::Error::from_raw_os_error(11001), none),
        (io::Error::from_raw_os_error(11002), failed),
    ];
    for (error, expected) in table {
        assert_eq!(lookup_failure(&error), expected, "{error:?}");
    }
}

/// An error with a sentence of its own, as some runtimes make it of one of the system.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve the address")]
struct Wrapped(#[source] io::Error);

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

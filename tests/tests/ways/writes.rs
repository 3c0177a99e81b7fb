//! How often requests are written: as often with TLS as without.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime, Socket};
use lavapool_tests::sim::{SimSocket, SimTimer};
use lavapool_tests::tls::TlsServer;

use super::*;

#[test]
fn what_is_one_write_without_tls_is_one_with_it() {
    let ours = Authority::new("ours");
    for (scheme, front) in [
        ("http", None),
        ("https", Some(TlsServer::new(ours.issue(&["main"])).front())),
    ] {
        let client = client_of(&format!("{scheme}://main:2333"), &ours);
        SimRuntime::run(|sim| async move {
            let mut config = node::NodeConfig::new("main");
            config.front = front;
            sim.add_node("main", config);
            let writes: Arc<Writes> = Arc::default();
            let on = Counted(sim.clone(), writes.clone());
            let client = client.connect_on(on).await.unwrap();
            // The first requests connect what later ones use.
            for _ in 0..2 {
                burst(&client).await;
                // What they are answered does not matter here.
                let _ = client.decode_tracks(["no blob"]).await;
                writes.take();
            }

            burst(&client).await;
            let (calls, bytes) = writes.take();
            assert_eq!(calls, 100, "{scheme}: {bytes} bytes");

            let blob = "a".repeat(BLOB_BYTES);
            let _ = client.decode_tracks(vec![blob; BLOBS]).await;
            let (calls, bytes) = writes.take();
            assert!(bytes > 2 * RECORD_BYTES_MAX, "{scheme}: {bytes} bytes");
            assert_eq!(calls, 1, "{scheme}: {bytes} bytes");
        });
    }
}

/// A hundred commands at once, each a request of its own.
async fn burst(client: &Client) {
    let guilds = (1..=100).map(|number| GuildId::new(number).unwrap());
    let waits: Vec<_> = guilds
        .map(|guild| client.player(guild).update(song()))
        .collect();
    for wait in waits {
        wait.await.unwrap();
    }
}

/// What was written, in how many calls.
#[derive(Default)]
struct Writes {
    calls: AtomicUsize,
    bytes: AtomicUsize,
}

impl Writes {
    fn take(&self) -> (usize, usize) {
        let take = |number: &AtomicUsize| number.swap(0, Ordering::SeqCst);
        (take(&self.calls), take(&self.bytes))
    }
}

struct Counted(SimRuntime, Arc<Writes>);

struct CountedSocket(SimSocket, Arc<Writes>);

impl Runtime for Counted {
    type Socket = CountedSocket;
    type Timer = SimTimer;

    fn now(&self) -> Timestamp {
        Runtime::now(&self.0)
    }

    fn timer(&self) -> SimTimer {
        self.0.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        self.0.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<CountedSocket> {
        let (socket, writes) = (self.0.connect(address), self.1.clone());
        async move { Ok(CountedSocket(socket.await?, writes)) }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}

impl Socket for CountedSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.0.poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.1.calls.fetch_add(1, Ordering::SeqCst);
            self.1.bytes.fetch_add(count, Ordering::SeqCst);
        }
        written
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

/// The most that one record of TLS carries (RFC 8446 §5.1).
const RECORD_BYTES_MAX: usize = 16 * 1024;
const BLOBS: usize = 175;
const BLOB_BYTES: usize = 200;

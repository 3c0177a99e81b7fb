//! Peers that take little at a time.

use std::net::SocketAddr;
use std::time::Duration;

use lavapool::protocol::RawJson;
use lavapool::runtime::Runtime;
use lavapool::{NodeConfig, Source, Timing, Update};
use lavapool_tests::node::TestNode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::observed::{NoDelay, Observed};
use crate::{Servers, builder, guild, hosts};

hosts::on_each_runtime! {
    a_request_passes_by_bits: a_request_passes_by_bits by Plain,
    a_request_passes_by_bits_behind_tls: a_request_passes_by_bits by Tls,
    what_nobody_waits_for_is_not_left_half_sent: nobody_waits by Plain,
    what_nobody_waits_for_is_not_left_half_sent_behind_tls: nobody_waits by Tls,
    what_every_handle_is_dropped_amid_is_sent_whole: nobody_is_left by Plain,
    what_every_handle_is_dropped_amid_is_sent_whole_behind_tls: nobody_is_left by Tls,
}

/// Who is there when half of a request is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Somebody who waits for the answer.
    Waiting,
    /// Somebody who has dropped the wait.
    Careless,
    /// No handle at all.
    Nobody,
}

/// More than a loopback interface holds between two sockets (`net.ipv4.tcp_wmem`).
const TEXT_BYTES: usize = 6 << 20;
/// What the peer's socket holds of it.
const WINDOW_BYTES: u32 = 64 * 1024;
/// How much of a connection passes before its peer stops reading.
const PASSED_BYTES: usize = 64 * 1024;

async fn a_request_passes_by_bits<R: Runtime<Socket: NoDelay>>(runtime: R, servers: &Servers) {
    passes_by_bits(runtime, servers, Left::Waiting).await;
}

async fn nobody_waits<R: Runtime<Socket: NoDelay>>(runtime: R, servers: &Servers) {
    passes_by_bits(runtime, servers, Left::Careless).await;
}

async fn nobody_is_left<R: Runtime<Socket: NoDelay>>(runtime: R, servers: &Servers) {
    passes_by_bits(runtime, servers, Left::Nobody).await;
}

/// A request that is too large to be sent at once, half of which is sent when the others go.
async fn passes_by_bits<R>(runtime: R, servers: &Servers, left: Left)
where
    R: Runtime<Socket: NoDelay>,
{
    let (reads, reading) = watch::channel(false);
    let to = servers.first.address();
    let door = servers.tokio.spawn(async move { narrow(to, reading) });
    let door = door.await.unwrap();
    let uri = servers.uri(&servers.first);
    let (scheme, _) = uri.split_once("://").unwrap();
    let node = NodeConfig::from_uri("first", &format!("{scheme}://{door}")).unwrap();
    let runtime = Observed::new(runtime);
    let seen = runtime.seen.clone();
    let client = servers.lead(builder()).timing(patient());
    let client = client.nodes([node, servers.config("second")]);
    let client = client.connect_on(runtime).await.unwrap();
    let second = client.node("second").unwrap();
    second.version().await.unwrap();
    second.drain().await.unwrap();
    let first = client.node("first").unwrap();
    // What becomes of its player without a client is seen only where the session is kept.
    while !first.view().resumable {
        first.ping().await.unwrap();
    }

    // Nothing of it repeats, so that a byte at a wrong place would show.
    let text: String = (0..TEXT_BYTES / 8).map(|n| format!("{n:08}")).collect();
    let data = RawJson::parse(&format!(r#"{{"text":"{text}"}}"#)).unwrap();
    let song = Source::identifier("https://tracks.test/song");
    let update = Update::play(song).without_voice().user_data(data);
    let player = client.player(guild(817));
    let mut played = Some(player.update(update));
    seen.full.notified().await;
    played.take_if(|_| left != Left::Waiting);
    if left == Left::Nobody {
        // What was asked for before is done all the same.
        drop((player.pause(), player, first, second, client));
        reads.send(true).unwrap();
        while !servers
            .first
            .with(|node| node.connections().is_empty())
            .await
        {}
    } else {
        reads.send(true).unwrap();
        if let Some(played) = played {
            played.await.unwrap();
        }
        // What is asked after it is answered after it.
        player.pause().await.unwrap();
    }

    let look = |node: &mut TestNode| (node.players(node.now()), node.log().violations.clone());
    let (theirs, violations) = servers.first.with(look).await;
    assert_eq!(violations, []);
    assert!(theirs[0].paused);
    let track = theirs[0].track.as_ref().unwrap();
    assert!(track.user_data["text"] == text, "it arrived as it was sent");
    assert!(*seen.partial.lock().unwrap() > 0);
}

/// What is slow here is the peer; a machine that has much else to do must not add to that.
fn patient() -> Timing {
    Timing {
        request_deadline: Duration::from_secs(60),
        command_deadline: Duration::from_secs(60),
        close_deadline: Duration::from_secs(60),
        ..Timing::default()
    }
}

/// A port that leads to a node, and reads little at a time; after a while only if it is to.
fn narrow(to: SocketAddr, reading: watch::Receiver<bool>) -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(WINDOW_BYTES).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let node = TcpStream::connect(to).await.unwrap();
            node.set_nodelay(true).unwrap();
            let (mut asks, mut hears) = client.into_split();
            let (mut answers, mut takes) = node.into_split();
            // Each ends when its connection does.
            tokio::spawn(async move { copy(&mut answers, &mut hears).await });
            let mut reading = reading.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 16 * 1024];
                let mut passed = 0;
                while let Ok(count @ 1..) = asks.read(&mut buffer).await {
                    takes.write_all(&buffer[..count]).await.unwrap();
                    passed += count;
                    if passed > PASSED_BYTES {
                        reading.wait_for(|reads| *reads).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

//! lavapool on a runtime that it knows nothing of: here, one that is put together from an executor
//! (async-executor) and a reactor (async-io).
//!
//! `cargo run --release --example custom_runtime` plays in thirty guilds on three nodes, kills
//! the one with the most players, and counts who was lost.

use std::error::Error;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use async_executor::Executor;
use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use lavapool::runtime::{Attempt, Runtime, Socket, Timer};
use lavapool::{Client, Event, Kinds, Leaving, NodeConfig, Source, Timestamp};
use lavapool_examples::{Music, Nodes, bot, conclude};

/// The runtime: an executor that the program runs, and a clock.
struct Own {
    executor: Arc<Executor<'static>>,
    origin: Instant,
}

/// A socket of the reactor; a type of its own, so that the trait can be implemented for it.
struct OwnSocket(Async<TcpStream>);

/// A timer of the reactor, and the origin of the clock.
struct OwnTimer(async_io::Timer, Instant);

impl Runtime for Own {
    type Socket = OwnSocket;
    type Timer = OwnTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.origin.elapsed()
    }

    fn timer(&self) -> OwnTimer {
        OwnTimer(async_io::Timer::never(), self.origin)
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        let host = host.to_owned();
        blocking::unblock(move || Ok((host, port).to_socket_addrs()?.collect()))
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<OwnSocket> {
        async move {
            let socket = Async::<TcpStream>::connect(address).await?;
            socket.get_ref().set_nodelay(true)?;
            Ok(OwnSocket(socket))
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(future).detach();
    }
}

impl Socket for OwnSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get_ref().shutdown(Shutdown::Write))
    }
}

impl Timer for OwnTimer {
    fn reset(&mut self, at: Timestamp) {
        self.0.set_at(self.1 + at.since(Timestamp::ZERO));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let nodes = Nodes::start()?;
    let executor = Arc::new(Executor::new());
    let runtime = Own {
        executor: executor.clone(),
        origin: Instant::now(),
    };
    async_io::block_on(executor.run(run(runtime, nodes)))
}

async fn run(runtime: Own, mut nodes: Nodes) -> Result<(), Box<dyn Error>> {
    let mut builder = Client::builder(bot());
    for (name, uri) in nodes.uris() {
        let node = NodeConfig::new(name, uri, "youshallnotpass")?;
        builder = builder.node(node.region(name));
    }
    let client = builder.connect_on(runtime).await?;
    println!("{}", client.report());

    let music: Vec<_> = (0..30).map(Music::of).collect();
    let mut plays = Vec::new();
    for music in &music {
        let (state, server) = music.voice();
        client.voice_state_update(state);
        client.voice_server_update(server);
        let update = music.update(Source::identifier(music.identifier()));
        plays.push(client.player(music.guild).update(update));
    }
    for play in plays {
        play.await?;
    }

    let mut events = client.events_of(Kinds::PLAYERS);
    let nodes_of_client = client.nodes();
    let victim = nodes_of_client
        .iter()
        .max_by_key(|node| node.view().players);
    let victim = victim.ok_or("there is no node")?;
    let count = victim.view().players;
    println!("{} is killed with its {count} players", victim.name());
    nodes.kill(victim.name())?;

    let mut gaps = Vec::new();
    while gaps.len() < count {
        let event = events.next().await.ok_or("the client has ended")?;
        if let Event::PlayerMoved { guild, to, gap, .. } = event {
            println!("  {guild} went on at {to} after {gap:?}");
            gaps.push(gap);
        }
    }
    let lost = nodes.lost(&music, |guild| {
        let player = client.player(guild);
        Some((player.node()?.name().to_owned(), player.content_position()?))
    })?;
    client.close(Leaving::Destroy).await?;
    conclude(&gaps, lost)
}

//! lavapool without a runtime: the pure machine of `lavapool-core`, one thread, and `std::net`.
//!
//! `cargo run --release --example manual_loop` plays in thirty guilds on three nodes, kills the one
//! with the most players, and counts who was lost.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::ErrorKind::{Interrupted, WouldBlock};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lavapool_core::node::NodeConfig;
use lavapool_core::{Closed, Command, Endpoint, Event, Input, Leaving, Output};
use lavapool_core::{Pool, PoolConfig, Seed, SocketId, Timestamp};
use lavapool_examples::{Music, Nodes, bot, conclude};

struct Loop {
    pool: Pool,
    sockets: BTreeMap<SocketId, TcpStream>,
    origin: Instant,
    /// How many commands were answered well.
    done: usize,
    /// From the loss of a player's node to its going on, for each that moved.
    gaps: Vec<Duration>,
}

impl Loop {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.origin.elapsed()
    }

    /// Goes round until all of these are answered.
    fn ask(&mut self, commands: Vec<Command>) -> Result<(), Box<dyn Error>> {
        let done = self.done + commands.len();
        for command in commands {
            self.pool.submit(command, self.now())?;
        }
        self.run(|it| it.done == done)
    }

    /// Goes round until `is_done`. A larger program waits for its sockets, or for what
    /// `poll_timeout` says, instead of a millisecond.
    fn run(&mut self, is_done: impl Fn(&Self) -> bool) -> Result<(), Box<dyn Error>> {
        let until = Instant::now() + Duration::from_secs(15);
        while !is_done(self) {
            self.move_bytes();
            let now = self.now();
            if self.pool.poll_timeout().is_some_and(|(at, _)| at <= now) {
                self.pool.handle(Input::Timeout, now);
            }
            self.hand_out()?;
            assert!(Instant::now() < until, "it takes too long");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Writes to and reads from every socket once.
    fn move_bytes(&mut self) {
        let now = self.now();
        let mut bytes = [0; 16 * 1024];
        self.sockets.retain(|&id, socket| {
            if let Ok(count) = socket.write(self.pool.outgoing(id)) {
                self.pool.handle(Input::Wrote(id, count), now);
            }
            let input = match socket.read(&mut bytes) {
                Ok(0) => Input::Closed(id, Closed::EndOfStream),
                Ok(count) => Input::Received(id, &bytes[..count]),
                Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => return true,
                Err(_) => Input::Closed(id, Closed::Reset),
            };
            self.pool.handle(input, now);
            // The pool says nothing more of a socket that the peer has closed.
            !matches!(input, Input::Closed(..))
        });
    }

    /// Does what the pool wants, and hears what it tells.
    fn hand_out(&mut self) -> Result<(), Box<dyn Error>> {
        while let Some(output) = self.pool.poll_output() {
            match output {
                // A thread of its own could wait for that; on one machine it takes no time.
                Output::Connect(id, endpoint) => {
                    let connected = connect(&endpoint).map(|new| self.sockets.insert(id, new));
                    let refused = Input::Closed(id, Closed::Refused);
                    let input = connected.map_or(refused, |_| Input::Connected(id));
                    self.pool.handle(input, self.now());
                }
                Output::Close(id) => drop(self.sockets.remove(&id)),
                Output::Answer(_, answer) => self.done += answer.map(|_| 1)?,
                // Each round writes whatever there is to write.
                _ => {}
            }
        }
        while let Some(event) = self.pool.poll_event() {
            if let Event::PlayerMoved { guild, to, gap, .. } = event {
                println!("  {guild} went on at {to} after {gap:?}");
                self.gaps.push(gap);
            }
        }
        Ok(())
    }
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((endpoint.host(), endpoint.port()))?;
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true).map(|()| socket)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut nodes = Nodes::start()?;
    let mut config = PoolConfig::new(bot());
    for (name, uri) in nodes.uris() {
        config
            .nodes
            .push(NodeConfig::new(name, uri, "youshallnotpass")?.region(name));
    }
    let mut it = Loop {
        pool: Pool::new(config, Seed::from(getrandom::u64()?), Timestamp::ZERO)?,
        sockets: BTreeMap::new(),
        origin: Instant::now(),
        done: 0,
        gaps: Vec::new(),
    };
    it.run(|it| it.pool.report().connected() == 3)?;

    let music: Vec<_> = (0..30).map(Music::of).collect();
    it.ask(music.iter().flat_map(Music::commands).collect())?;

    let fullest = it.pool.nodes().max_by_key(|node| node.players);
    let victim = fullest.ok_or("there is no node")?;
    println!("{} is killed with {} players", victim.node, victim.players);
    nodes.kill(&victim.node.name)?;
    it.run(|it| it.gaps.len() == victim.players)?;
    nodes.restart(&victim.node.name)?;
    it.ask(vec![Command::Reconnect(victim.node.id)])?;

    let lost = nodes.lost(&music, |guild| {
        let player = it.pool.player(guild)?;
        let place = player.position.content_at(it.now());
        Some((player.node()?.name.to_string(), place))
    })?;
    it.ask(vec![Command::Close(Leaving::Destroy)])?;
    it.run(|it| it.pool.is_finished())?;
    assert!(it.sockets.is_empty(), "no socket is left open");
    conclude(&it.gaps, lost)
}

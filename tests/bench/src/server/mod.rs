//! [`Server`]: nodes that say as much as a client can take, in a process of their own.
//!
//! One thread, one list of ready sockets, answers that are mostly constants: the figure "reads
//! only" of the bench shows how far it is from being the limit.

mod connection;
mod node;
mod pour;
mod rest;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use connection::{Connection, Progress};
use node::Node;
use pour::Paced;

/// Runs nodes until standard input ends; the first line printed is their ports.
pub(crate) fn serve(nodes: usize) -> io::Result<()> {
    let mut server = Server::new(nodes)?;
    let ports: Vec<_> = server.ports.iter().map(u16::to_string).collect();
    println!("{}", ports.join(" "));
    std::thread::spawn(|| {
        // The parent holds the other end: it is gone when that is.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    // Without the usual 50 µs of slack, a message can be sent when it is due.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    loop {
        server.turn()?;
    }
}

struct Server {
    poll: Poll,
    ready: Events,
    ports: Vec<u16>,
    nodes: Vec<Node>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Answers that wait for their time, which comes in this order.
    late: VecDeque<(Instant, usize, Vec<u8>)>,
    paced: Option<Paced>,
}

impl Server {
    fn new(count: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let (mut nodes, mut ports) = (Vec::new(), Vec::new());
        for index in 0..count {
            let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            ports.push(listener.local_addr()?.port());
            poll.registry()
                .register(&mut listener, Token(index), Interest::READABLE)?;
            nodes.push(Node::new(listener));
        }
        Ok(Self {
            poll,
            ready: Events::with_capacity(1024),
            ports,
            nodes,
            connections: Vec::new(),
            free: Vec::new(),
            late: VecDeque::new(),
            paced: None,
        })
    }

    fn turn(&mut self) -> io::Result<()> {
        let wait = self.wait();
        if let Some(wait) = wait {
            // The poll waits whole milliseconds only.
            std::thread::sleep(wait);
        }
        let timeout = wait.map(|_| Duration::ZERO);
        let mut ready = std::mem::replace(&mut self.ready, Events::with_capacity(0));
        match self.poll.poll(&mut ready, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        for event in &ready {
            self.look_at(event)?;
        }
        self.ready = ready;
        self.answer_late();
        self.pace();
        Ok(())
    }

    /// How long there is nothing to do unless a socket is ready; `None` if only sockets matter.
    fn wait(&self) -> Option<Duration> {
        let late = self.late.front().map(|(at, ..)| *at);
        let paced = self.paced.as_ref().map(Paced::due);
        let at = late.into_iter().chain(paced).min()?;
        let wait = at.saturating_duration_since(Instant::now());
        Some(wait.min(WAIT_MAX))
    }

    fn look_at(&mut self, event: &Event) -> io::Result<()> {
        let Token(token) = event.token();
        match token.checked_sub(self.nodes.len()) {
            None => self.accept(token),
            Some(place) => {
                self.go_on(place);
                Ok(())
            }
        }
    }

    fn accept(&mut self, node: usize) -> io::Result<()> {
        loop {
            let mut stream = match self.nodes[node].listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if self.nodes[node].is_dead {
                continue;
            }
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or(self.connections.len());
            if place == self.connections.len() {
                self.connections.push(None);
            }
            let token = Token(self.nodes.len() + place);
            let interests = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, token, interests)?;
            self.connections[place] = Some(Connection::new(stream, node));
        }
    }

    /// Reads what a socket has, answers it, and writes what it takes.
    fn go_on(&mut self, place: usize) {
        let Some(mut connection) = self.connections[place].take() else {
            return;
        };
        let progress = connection.read();
        while let Some(request) = connection.next_request() {
            let answer = self.answer(&mut connection, place, &request);
            if let Some((late, answer)) = answer {
                match late {
                    None => connection.send(&answer),
                    Some(late) => self.late.push_back((Instant::now() + late, place, answer)),
                }
            }
        }
        let written = connection.write();
        if progress == Progress::Ended || written == Progress::Ended {
            self.nodes[connection.node].forget(place);
            self.free.push(place);
        } else {
            self.connections[place] = Some(connection);
        }
    }

    fn answer_late(&mut self) {
        let now = Instant::now();
        while self.late.front().is_some_and(|(at, ..)| *at <= now) {
            if let Some((_, place, answer)) = self.late.pop_front()
                && let Some(connection) = &mut self.connections[place]
            {
                self.nodes[connection.node].count_answer();
                connection.send(&answer);
                self.go_on(place);
            }
        }
    }

    /// Sends the messages that are due, each with a write of its own.
    fn pace(&mut self) {
        let Some(paced) = &mut self.paced else {
            return;
        };
        let now = Instant::now();
        while let Some((place, bytes)) = paced.next_due(now) {
            if let Some(connection) = &mut self.connections[place] {
                connection.send(&bytes);
                connection.write();
            }
        }
        if paced.is_done() {
            self.paced = None;
        }
    }

    /// A node dies: its sockets are reset, and nobody is let in any more.
    fn kill(&mut self, node: usize) {
        self.nodes[node].is_dead = true;
        for place in 0..self.connections.len() {
            let is_its = |connection: &mut Connection| connection.node == node;
            if let Some(connection) = self.connections[place].take_if(is_its) {
                connection.reset();
                self.free.push(place);
            }
        }
        let now = Instant::now();
        for other in &mut self.nodes {
            other.tally = BTreeMap::new();
            other.begin_count(now);
        }
    }
}

/// How long a socket that becomes ready meanwhile waits at most.
const WAIT_MAX: Duration = Duration::from_micros(200);

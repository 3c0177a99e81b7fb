//! What a driver does for a pool, and what it may expect of it: the contract of the core.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use lavapool_core::player::PlayerView;
use lavapool_core::protocol::GuildId;
use lavapool_core::{Changed, CommandId, Input, Limits, Output, SocketId, Timestamp};

use super::network::Happening;
use super::{World, stamp};

/// What a driver knows of the pool that it drives.
#[derive(Debug)]
pub(super) struct Driver {
    sockets: BTreeMap<SocketId, Socket>,
    /// Every socket that there was, as ids are never reused.
    known: BTreeSet<SocketId>,
    /// The commands without an answer, and when each must have one.
    pub(super) open: BTreeMap<CommandId, Duration>,
    /// The views, as they were published last.
    pub(super) published: BTreeMap<GuildId, PlayerView>,
    limits: Limits,
    /// How many timeouts in a row were handled at the same moment.
    timeouts_at: (Duration, u32),
}

#[derive(Debug)]
struct Socket {
    host: usize,
    is_connected: bool,
    /// Whether the pool has said that there is something to write, and it was not all taken.
    is_asked: bool,
}

impl Driver {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            sockets: BTreeMap::new(),
            known: BTreeSet::new(),
            open: BTreeMap::new(),
            published: BTreeMap::new(),
            limits,
            timeouts_at: (Duration::ZERO, 0),
        }
    }

    /// Everything that one call may have to ask for, given what is open.
    fn outputs_max(&self, hosts: usize) -> usize {
        let sockets_max = (self.sockets_max() + 1) * hosts;
        3 * self.sockets.len() + 2 * sockets_max + self.open.len() + 1
    }

    /// A WebSocket and both lanes.
    fn sockets_max(&self) -> usize {
        1 + self.limits.control_sockets_max + self.limits.lookup_sockets_max
    }

    fn sockets_of(&self, host: usize) -> usize {
        let theirs = self.sockets.values().filter(|socket| socket.host == host);
        theirs.count()
    }
}

impl World {
    /// Tells the pool what happened, and does what it wants.
    pub(super) fn give(&mut self, input: Input<'_>) {
        match input {
            Input::Connected(socket) => {
                if let Some(socket) = self.driver.sockets.get_mut(&socket) {
                    socket.is_connected = true;
                }
            }
            Input::Closed(socket, _) => {
                self.driver.sockets.remove(&socket);
            }
            Input::Timeout | Input::Received(..) | Input::Wrote(..) => {}
        }
        let now = stamp(self.now);
        self.pool.handle(input, now);
        if input == Input::Timeout {
            self.check_next_timeout(now);
        }
        self.obey();
    }

    /// After a timeout, the next one is later: a pool that is always due would spin.
    fn check_next_timeout(&self, now: Timestamp) {
        if let Some((at, timer)) = self.pool.poll_timeout() {
            assert!(
                at > now,
                "{timer:?} is due at {at}, which is not after {now}"
            );
        }
    }

    /// Does everything that the pool wants, and takes what it has to say.
    pub(super) fn obey(&mut self) {
        let mut outputs = VecDeque::new();
        self.take_outputs(&mut outputs);
        while let Some(output) = outputs.pop_front() {
            self.perform(output);
            self.take_outputs(&mut outputs);
        }
        self.publish();
        if !self.records.holds_events {
            while let Some(event) = self.pool.poll_event() {
                self.records.event(self.now, event);
            }
        }
    }

    /// Takes what one call has left to do; that is bounded by what is open.
    fn take_outputs(&mut self, outputs: &mut VecDeque<Output>) {
        let outputs_max = self.driver.outputs_max(self.hosts.len());
        let mut taken = Vec::new();
        while let Some(output) = self.pool.poll_output() {
            taken.push(output);
            let count = taken.len();
            assert!(count <= outputs_max, "{count} outputs of one call");
        }
        for output in &taken {
            self.records.output(self.now, output);
            // A socket may be closed by the very call that had something to write before.
            let is_last_word = |socket| taken.contains(&Output::Close(socket));
            self.check_output(output, is_last_word);
        }
        outputs.extend(taken);
    }

    /// What can be said of an output as soon as it is there.
    fn check_output(&mut self, output: &Output, closes: impl Fn(SocketId) -> bool) {
        match output {
            Output::Connect(socket, endpoint) => {
                let host = self.host(endpoint.host());
                assert!(
                    self.driver.known.insert(*socket),
                    "{socket:?} was used before"
                );
                let socket_new = Socket {
                    host,
                    is_connected: false,
                    is_asked: false,
                };
                self.driver.sockets.insert(*socket, socket_new);
                let (open, max) = (self.driver.sockets_of(host), self.driver.sockets_max());
                assert!(open <= max, "{open} sockets to {:?}", self.hosts[host].name);
            }
            Output::Close(socket) => {
                let closed = self.driver.sockets.remove(socket);
                assert!(closed.is_some(), "{socket:?} is closed twice");
                assert_eq!(
                    self.pool.outgoing(*socket),
                    b"",
                    "bytes for a closed socket"
                );
            }
            Output::Write(socket) => {
                let found = self.driver.sockets.get_mut(socket);
                let found = found.expect("only an open socket is written to");
                assert!(
                    found.is_connected,
                    "{socket:?} is written to before it is connected"
                );
                assert!(!found.is_asked, "{socket:?} is asked for twice");
                found.is_asked = true;
                let is_empty = self.pool.outgoing(*socket).is_empty();
                assert!(
                    !is_empty || closes(*socket),
                    "nothing to write to {socket:?}"
                );
            }
            Output::Gateway(_) => {}
            Output::Answer(command, _) => {
                let was_open = self.driver.open.remove(command).is_some();
                assert!(
                    was_open,
                    "{command:?} was answered before, or never submitted"
                );
            }
            other => panic!("a driver does not know {other:?}"),
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Connect(socket, endpoint) => {
                let host = self.host(endpoint.host());
                self.records.dial(host, self.now);
                self.network
                    .dial(socket, host, self.now + self.hosts[host].latency);
            }
            Output::Close(socket) => self.send(socket, Happening::EndAtNode(socket)),
            Output::Write(socket) => self.write(socket),
            Output::Gateway(payload) => self.send_gateway(payload),
            Output::Answer(command, answer) => self.records.answer(command, self.now, answer),
            other => panic!("a driver does not know {other:?}"),
        }
    }

    /// Takes all that there is to write, in pieces if there are to be pieces.
    fn write(&mut self, socket: SocketId) {
        let bytes = self.pool.outgoing(socket).to_vec();
        // The socket may have been closed by what was done for the same call.
        if bytes.is_empty() {
            return;
        }
        if let Some(socket) = self.driver.sockets.get_mut(&socket) {
            socket.is_asked = false;
        }
        self.records.wrote(self.now, socket, &bytes);
        let count = bytes.len();
        self.send(socket, Happening::ToNode(socket, bytes));
        self.pool
            .handle(Input::Wrote(socket, count), stamp(self.now));
    }

    fn send(&mut self, socket: SocketId, happening: Happening) {
        if let Some(pipe) = self.network.pipe(socket) {
            let arrives_at = self.now + self.hosts[pipe.host].latency;
            self.network.depart(happening, arrives_at);
        }
    }

    /// Publishes the views that changed, as handles would read them.
    fn publish(&mut self) {
        while let Some(changed) = self.pool.poll_changed() {
            match changed {
                Changed::Player(guild) => {
                    match self.pool.player(guild) {
                        Some(view) => self.driver.published.insert(guild, view),
                        None => self.driver.published.remove(&guild),
                    };
                }
                Changed::Node(_) => {}
            }
        }
    }

    /// What must hold whenever a test looks: nothing was missed, and nothing was broken.
    pub(super) fn judge(&self) {
        for host in &self.hosts {
            let violations = &host.node.log().violations;
            assert_eq!(violations[..], [], "violations seen by {:?}", host.name);
        }
        for (command, deadline) in &self.driver.open {
            assert!(*deadline > self.now, "{command:?} was due at {deadline:?}");
        }
        for player in self.pool.players() {
            let published = self.driver.published.get(&player.guild);
            assert_eq!(
                published,
                Some(&player),
                "a view changed and was not published"
            );
        }
        let (published, players) = (self.driver.published.len(), self.pool.players().count());
        assert_eq!(published, players, "players are gone whose views are not");
    }

    /// Counts the timeouts of one moment.
    pub(super) fn count_timeout(&mut self) {
        let (at, count) = self.driver.timeouts_at;
        let count = if at == self.now { count + 1 } else { 1 };
        assert!(count <= TIMEOUTS_MAX, "the pool spins at {:?}", self.now);
        self.driver.timeouts_at = (self.now, count);
    }
}

/// How often a pool may be due again at one moment because of what others did at that moment.
const TIMEOUTS_MAX: u32 = 1_000;

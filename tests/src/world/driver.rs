//! What a driver does for a pool, and what it may expect of it: the contract of the core.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use lavapool_core::node::NodeView;
use lavapool_core::player::{PackedView, Position};
use lavapool_core::protocol::GuildId;
use lavapool_core::{Changed, CommandId, Input, Limits, NodeId, Output, SocketId, Timestamp};

use crate::invariant::{Broken, Invariant};

use super::network::Happening;
use super::{Given, World};

/// What a driver knows of the pool that it drives.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) sockets: BTreeMap<SocketId, Socket>,
    /// Every socket that there was, as ids are never reused.
    known: BTreeSet<SocketId>,
    /// The commands without an answer, and when each must have one.
    pub(super) open: BTreeMap<CommandId, Duration>,
    /// The deadlines of those that were cancelled.
    pub(super) cancelled: Vec<Duration>,
    /// The views, as they were published last.
    pub(super) published: BTreeMap<GuildId, PackedView>,
    nodes: BTreeMap<NodeId, NodeView>,
    limits: Limits,
    /// How many timeouts were handled since when, within a second.
    timeouts_since: (Duration, usize),
}

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) host: usize,
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
            cancelled: Vec::new(),
            published: BTreeMap::new(),
            nodes: BTreeMap::new(),
            limits,
            timeouts_since: (Duration::ZERO, 0),
        }
    }

    /// Everything that one call may have to ask for, given what is open.
    fn outputs_max(&self, hosts: usize) -> usize {
        let sockets_max = (self.sockets_max() + 1) * hosts;
        3 * self.sockets.len() + 2 * sockets_max + self.open.len() + 1
    }

    /// A WebSocket beside one that is closing, and both lanes.
    fn sockets_max(&self) -> usize {
        2 + self.limits.control_sockets_max + self.limits.lookup_sockets_max
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
        let now = self.stamp();
        self.note(input);
        let was_due = self.pool.poll_timeout().is_some_and(|(at, _)| at <= now);
        self.pool.handle(input, now);
        if input == Input::Timeout || !was_due {
            self.check_next_timeout(now);
        }
        self.obey();
    }

    /// Writes down what goes in.
    fn note(&mut self, input: Input<'_>) {
        self.records.given(self.now, || match input {
            Input::Timeout => Given::Timeout,
            Input::Connected(socket) => Given::Connected(socket),
            Input::Received(socket, bytes) => Given::Received(socket, bytes.to_vec()),
            Input::Closed(socket, closed) => Given::Closed(socket, closed),
            Input::Wrote(..) => unreachable!("what was taken is noted as written"),
        });
    }

    /// Something must hold.
    ///
    /// # Panics
    /// If it does not, unless the world is watched: then the first that did not hold is kept.
    #[track_caller]
    pub(super) fn require(
        &mut self,
        holds: bool,
        invariant: Invariant,
        detail: impl FnOnce() -> String,
    ) {
        if holds {
            return;
        }
        let broken = Broken {
            invariant,
            detail: detail(),
        };
        assert!(self.records.is_watched, "{broken}");
        self.broken.get_or_insert(broken);
    }

    /// After a timeout the next one is later, and after anything else if none was due before: a
    /// pool that is always due would spin.
    fn check_next_timeout(&mut self, now: Timestamp) {
        if let Some((at, timer)) = self.pool.poll_timeout() {
            self.require(at > now, Invariant::TimeoutLater, || {
                format!("{timer:?} is due at {at}, which is not after {now}")
            });
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
            self.require(count <= outputs_max, Invariant::OutputsBounded, || {
                format!("{count} outputs of one call")
            });
            if self.broken.is_some() {
                return;
            }
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
                self.check_connect(*socket, host);
            }
            Output::Close(socket) => {
                let was_open = self.driver.sockets.remove(socket).is_some();
                self.require(was_open, Invariant::SocketUsedOpen, || {
                    format!("{socket:?} is closed twice")
                });
                let left_bytes = self.pool.outgoing(*socket).len();
                self.require(left_bytes == 0, Invariant::ClosedIsFreed, || {
                    format!("{left_bytes} bytes for the closed {socket:?}")
                });
            }
            Output::Write(socket) => self.check_write(*socket, closes(*socket)),
            Output::Gateway(_) => {}
            Output::Answer(command, answer) => {
                let deadline = self.driver.open.remove(command);
                self.require(deadline.is_some(), Invariant::AnsweredOnce, || {
                    format!("{command:?} does not wait for {answer:?}")
                });
                let is_late = deadline.is_some_and(|deadline| deadline <= self.now);
                self.require(!is_late, Invariant::AnsweredInTime, || {
                    format!("{command:?} was due at {deadline:?}")
                });
            }
            other => panic!("a driver does not know {other:?}"),
        }
    }

    fn check_connect(&mut self, socket: SocketId, host: usize) {
        let is_new = self.driver.known.insert(socket);
        self.require(is_new, Invariant::SocketIdsNew, || {
            format!("{socket:?} was used before")
        });
        let opened = Socket {
            host,
            is_connected: false,
            is_asked: false,
        };
        self.driver.sockets.insert(socket, opened);
        let (open, max) = (self.driver.sockets_of(host), self.driver.sockets_max());
        let name = self.hosts[host].name.clone();
        self.require(open <= max, Invariant::SocketsBounded, || {
            format!("{open} sockets to {name:?}")
        });
    }

    fn check_write(&mut self, socket: SocketId, closes: bool) {
        let found = self.driver.sockets.get_mut(&socket);
        let (is_connected, was_asked) = found.map_or((false, false), |found| {
            let was_asked = std::mem::replace(&mut found.is_asked, true);
            (found.is_connected, was_asked)
        });
        self.require(is_connected, Invariant::SocketUsedOpen, || {
            format!("{socket:?} is written to and not connected")
        });
        self.require(!was_asked, Invariant::WriteOnce, || {
            format!("{socket:?} is asked for twice")
        });
        let has_bytes = !self.pool.outgoing(socket).is_empty();
        self.require(has_bytes || closes, Invariant::WriteOnce, || {
            format!("nothing to write to {socket:?}")
        });
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Connect(socket, endpoint) => {
                let host = self.host(endpoint.host());
                self.records.dial(host, self.now);
                self.network.dial(socket, host, self.now);
            }
            Output::Close(socket) => {
                self.send(socket, Happening::EndAtNode { reset: false });
            }
            Output::Write(socket) => self.write(socket),
            Output::Gateway(payload) => self.send_gateway(payload),
            Output::Answer(command, answer) => self.records.answer(command, self.now, answer),
            other => panic!("a driver does not know {other:?}"),
        }
    }

    /// Takes all that there is to write, or a part of it, and the rest a while later.
    pub(super) fn write(&mut self, socket: SocketId) {
        let mut bytes = self.pool.outgoing(socket).to_vec();
        // The socket may have been closed by what was done for the same call.
        let Some(open) = self.driver.sockets.get(&socket) else {
            return;
        };
        if bytes.is_empty() {
            return;
        }
        let host = open.host;
        let (part, again_at) = self.taken(bytes.len(), host);
        if part == bytes.len() {
            if let Some(open) = self.driver.sockets.get_mut(&socket) {
                open.is_asked = false;
            }
        } else if let Some(pipe) = self.network.pipe_of(socket) {
            bytes.truncate(part);
            self.network.later(pipe, again_at);
        }
        if part == 0 {
            return;
        }
        self.records.wrote(self.now, socket, &bytes);
        self.send(socket, Happening::ToNode(bytes));
        let now = self.stamp();
        self.pool.handle(Input::Wrote(socket, part), now);
    }

    /// How many of so many bytes a socket takes, and when it takes more if that is not all.
    fn taken(&mut self, count: usize, host: usize) -> (usize, Duration) {
        let stalled_until = self.network.ways[host].stalled_until;
        if stalled_until > self.now {
            let part = if self.chance.toss() {
                0
            } else {
                self.chance.part(count)
            };
            return (part, stalled_until);
        }
        if !self.weather.has_partial_writes {
            return (count, self.now);
        }
        let part = self.chance.part(count);
        if part == count {
            return (part, self.now);
        }
        (part, self.now + self.chance.below(BLOCKED_MAX))
    }

    fn send(&mut self, socket: SocketId, happening: Happening) {
        if let Some(pipe) = self.network.pipe_of(socket) {
            self.network.depart(pipe, happening, self.now);
        }
    }

    /// Publishes the views that changed, as handles would read them.
    fn publish(&mut self) {
        while let Some(changed) = self.pool.poll_changed() {
            match changed {
                Changed::Player(guild) => {
                    match self.pool.player(guild) {
                        Some(view) => self.driver.published.insert(guild, view.into()),
                        None => self.driver.published.remove(&guild),
                    };
                }
                Changed::Motion(motion) => {
                    let published = self.driver.published.get_mut(&motion.guild);
                    published.expect("it was published whole").follow(&motion);
                }
                Changed::Node(node) => {
                    match self.pool.node(node) {
                        Some(view) => self.driver.nodes.insert(node, view),
                        None => self.driver.nodes.remove(&node),
                    };
                }
            }
        }
    }

    /// What must hold whenever a test looks: nothing was missed, and nothing was broken.
    pub(crate) fn judge(&mut self) {
        for index in 0..self.hosts.len() {
            let violations = &self.hosts[index].node.log().violations;
            if let Some(first) = violations.first().copied() {
                let name = self.hosts[index].name.clone();
                self.require(false, Invariant::BytesValid, || {
                    format!("{name:?} saw {first:?}")
                });
            }
        }
        let open = self.driver.open.iter();
        let late = open.filter(|(_, deadline)| **deadline <= self.now);
        if let Some((command, deadline)) = late.map(|(id, at)| (*id, *at)).next() {
            self.require(false, Invariant::AnsweredInTime, || {
                format!("{command:?} was due at {deadline:?}")
            });
        }
        self.judge_views();
        self.judge_bounds();
    }

    /// What was published last is what is so.
    fn judge_views(&mut self) {
        let published = &self.driver.published;
        let mut stale: Option<String> = None;
        let mut players = 0;
        for mut player in self.pool.players() {
            players += 1;
            if !player.playing {
                // Not kept: there is no track to be anywhere in.
                player.position = Position::default();
            }
            let shown = published.get(&player.guild).map(PackedView::unpack);
            if stale.is_none() && shown.as_ref() != Some(&player) {
                let shown = shown.map(|shown| format!("{shown:?}")).unwrap_or_default();
                let difference = first_difference(&shown, &format!("{player:?}"));
                stale = Some(format!("{}: {difference}", player.guild));
            }
        }
        let gone = published.len() - players.min(published.len());
        self.require(
            stale.is_none() && gone == 0,
            Invariant::ViewsPublished,
            || format!("{stale:?}, {gone} players are gone whose views are not"),
        );
        self.judge_nodes();
    }

    /// A node that has views as they are: those that read them choose by them.
    fn judge_nodes(&mut self) {
        let nodes = &self.driver.nodes;
        let is_old = |node: &NodeView| nodes.get(&node.node.id) != Some(node);
        let old = self.pool.nodes().find(is_old);
        let broken = old.map(|node| {
            let shown = nodes.get(&node.node.id).map(|shown| format!("{shown:?}"));
            first_difference(&shown.unwrap_or_default(), &format!("{node:?}"))
        });
        let holds = broken.is_none();
        self.require(holds, Invariant::NodesPublished, || {
            broken.unwrap_or_default()
        });
    }

    /// What grows with what others do has a bound.
    fn judge_bounds(&mut self) {
        let limits = &self.driver.limits;
        let counts = [
            ("commands", self.driver.open.len(), limits.commands_max),
            ("players", self.pool.players().count(), limits.players_max),
            ("nodes", self.pool.nodes().count(), limits.nodes_max),
            (
                "results",
                self.pool.cached_results(),
                self.pool.cache_capacity().unwrap_or(0),
            ),
        ];
        let unwritten = self.driver.sockets.keys();
        let unwritten = unwritten.map(|socket| self.pool.outgoing(*socket).len());
        let unwritten = (
            "bytes to write",
            unwritten.max().unwrap_or(0),
            UNWRITTEN_BYTES_MAX,
        );
        let over = counts
            .into_iter()
            .chain([unwritten])
            .find(|(_, count, max)| count > max);
        self.require(over.is_none(), Invariant::WithinLimits, || {
            format!("{over:?}")
        });
    }

    /// A pool that is finished owes nothing to anybody.
    pub(crate) fn judge_finished(&mut self) {
        let open: Vec<_> = self.driver.open.keys().copied().collect();
        let sockets = self.open_sockets();
        self.require(
            open.is_empty() && sockets.is_empty(),
            Invariant::ClosedOwesNothing,
            || format!("{open:?} have no answer, {sockets:?} are open"),
        );
    }

    /// Counts the timeouts of a second.
    pub(super) fn count_timeout(&mut self) {
        let now = self.now;
        let (since, count) = &mut self.driver.timeouts_since;
        if now > *since + Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        let (since, count) = (*since, *count);
        let max = TIMEOUTS_MAX + 4 * self.driver.published.len();
        self.require(count <= max, Invariant::NoSpin, || {
            format!("due {count} times from {since:?} to {now:?}")
        });
    }
}

/// How often a pool may be due within a second, but for a few times more for each player.
const TIMEOUTS_MAX: usize = 200;

/// How long a socket that took only a part may take no more.
const BLOCKED_MAX: Duration = Duration::from_millis(50);

/// The most that a socket may have to write: a request about one player, its filters and its track.
const UNWRITTEN_BYTES_MAX: usize = 64 * 1024;

/// Where two texts begin to differ, and how they go on there.
fn first_difference(one: &str, another: &str) -> String {
    let same = one.bytes().zip(another.bytes());
    let place = same.take_while(|(one, another)| one == another).count();
    let around = |text: &str| {
        let shown = text.bytes().skip(place.saturating_sub(30)).take(80);
        String::from_utf8_lossy(&shown.collect::<Vec<_>>()).into_owned()
    };
    format!("{:?} is shown, {:?} is so", around(one), around(another))
}

#[cfg(test)]
mod tests;

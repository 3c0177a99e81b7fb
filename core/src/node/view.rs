//! [`NodeView`] and [`Report`]: the nodes as the application sees them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::node::{Loss, NodeConfig, NodeRef, Stopped};
use crate::protocol::{Info, Stats};
use crate::secret::Secret;

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Dialled for the first time.
    Connecting,
    /// Ready for players.
    Connected,
    /// Lost, and being dialled again or waiting for the next try.
    Reconnecting,
    /// Not dialled: removed, closed, refused, or given up.
    Disconnected,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Disconnected => "disconnected",
        })
    }
}

/// A node as the application sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeView {
    /// Its id and name.
    pub node: NodeRef,
    /// Its address, without the password.
    pub uri: Arc<str>,
    /// Its region, as configured.
    pub region: Option<Arc<str>>,
    /// What it is doing.
    pub status: Status,
    /// Why it is not dialled any more.
    pub stopped: Option<Stopped>,
    /// Why its last connection, or the last try to make one, ended; `None` while connected.
    pub loss: Option<Loss>,
    /// The session, for a store: it resumes the players of this process in the next one.
    pub session_id: Option<Secret>,
    /// Whether the session may be resumed after a loss.
    pub resumable: bool,
    /// The latest round trip of a WebSocket ping.
    pub latency: Option<Duration>,
    /// The latest stats.
    pub stats: Option<Stats>,
    /// What the node said about itself.
    pub info: Option<Arc<Info>>,
    /// Players of this pool on it or on their way to it.
    pub players: usize,
    /// Those of them that play something.
    pub playing: usize,
    /// Whether it is being emptied.
    pub draining: bool,
    /// Whether it failed to answer several times in a row, and is given no more players for a
    /// while.
    pub failing: bool,
    /// Players that were put on it and that its stats do not show yet.
    pub reserved: usize,
    /// The number of the latest [`Strategy::RoundRobin`](crate::Strategy::RoundRobin) choice that
    /// fell on it; 0 if none did.
    pub turn: u64,
    /// What it was configured with.
    pub config: Arc<NodeConfig>,
    /// The penalty; the lowest is chosen. 9e30 unless connected.
    pub penalty: f64,
}

/// How the nodes of a pool stand (Voltricx: Connecting Nodes).
///
/// It prints as the guide shows it:
///
/// ```text
/// [Lavalink] Node connection report (1/2 connected)
/// [CONNECTED] US http://us.node:2333 region=us
/// [FAILED] EU http://eu.node:2333 region=eu (the password is wrong (401))
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The nodes, in the order of configuration.
    pub nodes: Vec<ReportedNode>,
}

/// One line of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedNode {
    /// Its id and name.
    pub node: NodeRef,
    /// Its address, without the password.
    pub uri: Arc<str>,
    /// Its region, as configured.
    pub region: Option<Arc<str>>,
    /// What it is doing.
    pub status: Status,
    /// Why it is not connected, if it was tried.
    pub cause: Option<Arc<str>>,
}

impl Report {
    /// How many nodes are connected.
    pub fn connected(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_connected()).count()
    }
}

impl ReportedNode {
    /// Whether the node is connected.
    pub fn is_connected(&self) -> bool {
        self.status == Status::Connected
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connected, total) = (self.connected(), self.nodes.len());
        write!(
            f,
            "[Lavalink] Node connection report ({connected}/{total} connected)"
        )?;
        self.nodes.iter().try_for_each(|node| write!(f, "\n{node}"))
    }
}

impl fmt::Display for ReportedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = if self.is_connected() {
            "[CONNECTED]"
        } else {
            "[FAILED]"
        };
        write!(f, "{tag} {} {}", self.node, self.uri)?;
        if let Some(region) = &self.region {
            write!(f, " region={region}")?;
        }
        self.cause
            .as_ref()
            .map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

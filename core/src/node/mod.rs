//! Nodes: the status machine, the session, reconnecting, heartbeat, load.
//!
//! What happens in each state of a connection; everything that is not named leaves the state as
//! it is:
//!
//! | state | input | next |
//! |---|---|---|
//! | stopped | reconnect | dialling |
//! | waiting | delay over, reconnect | dialling |
//! | dialling | connected | opening |
//! | dialling | closed, deadline | waiting, or stopped when the tries are used up |
//! | opening | `ready` | ready |
//! | opening | 400, 401, 403, 200, another API version | stopped |
//! | opening | any other refusal, closed, violation, deadline | waiting, or stopped |
//! | ready | closed, violation, silence, session unknown | waiting; its players freeze |
//! | stopped, waiting | connect | dialling |
//! | ready | reconnect | parting |
//! | parting | closed | dialling |
//! | ready | remove, close | leaving |
//! | leaving | closed | stopped |
//! | any | remove, close | stopped |

mod breaker;
mod config;
mod doubt;
mod lane;
mod ledger;
mod loss;
mod penalty;
mod pulse;
mod view;

pub use config::{NodeConfig, NodeRef, ReconnectPolicy};
pub use loss::{Loss, Stopped};
pub use penalty::{PenaltyWeights, UNAVAILABLE};
pub use view::{NodeView, Report, ReportedNode, Status};

pub(crate) use breaker::Breaker;
pub(crate) use doubt::{Doubt, Own};
pub(crate) use lane::{Job, Lane, LaneKind};
pub(crate) use ledger::{Ledger, Telling};
pub(crate) use pulse::{Last, Pulse};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::http::HeaderBlock;
use crate::id::{CommandId, NodeId, SocketId};
use crate::pool::TimerKey;
use crate::protocol::plugins::KnownPlugin;
use crate::protocol::{GuildId, Info, Stats};
use crate::secret::Secret;
use crate::slab::Entry;
use crate::time::Timestamp;

/// One node of the pool.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) node: NodeRef,
    /// The place in the order of configuration, which breaks ties.
    pub(crate) order: u32,
    pub(crate) config: Arc<NodeConfig>,
    pub(crate) uri: Arc<str>,
    /// The headers of every REST request, rendered once.
    pub(crate) headers: HeaderBlock,
    pub(crate) pulse: Pulse,
    pub(crate) state: State,
    pub(crate) schedule: Schedule,
    /// Kept through a loss, until the server says that it is over.
    pub(crate) session: Option<Session>,
    pub(crate) loss: Option<Loss>,
    pub(crate) latency: Option<Duration>,
    pub(crate) stats: Option<Stats>,
    /// What the stats and the latency weigh in its penalty.
    pub(crate) load: Option<f64>,
    pub(crate) info: Option<Arc<Info>>,
    /// The names of its sources, as results are found by them.
    pub(crate) sources: Option<Arc<str>>,
    pub(crate) breaker: Breaker,
    pub(crate) control: Lane,
    pub(crate) lookup: Lane,
    /// What the players of a lost node wait for.
    pub(crate) outage: Option<Outage>,
    /// Players that this node must not have: their DELETE is not confirmed yet.
    pub(crate) tombstones: BTreeMap<GuildId, Tombstone>,
    /// What its plugins were told of players.
    pub(crate) plugins: Ledger,
    /// The guilds of the PATCHes that are on their way.
    pub(crate) patching: BTreeSet<GuildId>,
    /// Whether a request is on its way that changes how the session is kept. The next one waits
    /// for its answer, so that the server's last word is the last that was asked for.
    pub(crate) changing_session: bool,
    /// The guilds of the session's PATCHes and DELETEs that were never answered, or refused: such a
    /// one may take effect at any time, and make a player again that is gone.
    pub(crate) doubted: BTreeSet<GuildId>,
    /// Those of them that are yet to be looked at.
    pub(crate) doubts: BTreeMap<GuildId, Doubt>,
    /// Armed while there is one.
    pub(crate) doubt_timer: Option<TimerKey>,
    /// Whether the session is one of before this client, and what players it has is not known.
    pub(crate) is_inherited: bool,
    /// Whether such a session did not list its players, and is asked for them again and again.
    pub(crate) is_unlisted: bool,
    /// Armed while new players wait for that to be known.
    pub(crate) inherits_by: Option<TimerKey>,
    /// Whether the server's players are being compared with ours: none is sent anything before.
    pub(crate) reconciling: bool,
    /// Whether the session hands out what it kept while it was away: its stats are old.
    pub(crate) replaying: bool,
    pub(crate) duty: Duty,
    /// Players that the node's stats do not show yet, and whether the node has confirmed them.
    pub(crate) reserved: BTreeMap<GuildId, bool>,
    /// How many players it has, or is to have.
    pub(crate) players: PlayerCount,
    /// Its latest turns, where each node has one.
    pub(crate) turns: Turns,
    /// When the node last answered a request.
    pub(crate) answered_at: Timestamp,
    /// What the pool asks again, and when.
    pub(crate) postponed: Vec<(Timestamp, Job)>,
    /// Armed while something is postponed.
    pub(crate) postponed_timer: Option<TimerKey>,
    /// How often in a row the pool's own requests were not answered.
    pub(crate) setbacks: u32,
    /// How often in a row it did not list its players.
    pub(crate) unlisted: u8,
    /// Armed while players that no other node could take are to leave it.
    pub(crate) evacuation: Option<TimerKey>,
    /// The status that was last told.
    pub(crate) told: Status,
    /// How the session is kept, on this server and on every one that takes its place.
    pub(crate) keeping: Keeping,
    /// Whether its view waits to be published.
    pub(crate) changed: bool,
    /// Commands that wait for it to be ready.
    pub(crate) awaiting: Vec<CommandId>,
    /// Commands that wait for the next pong.
    pub(crate) pings: Vec<CommandId>,
    /// Commands that wait until it has no player left.
    pub(crate) drains: Vec<CommandId>,
}

/// How many players a node has, or is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlayerCount {
    pub(crate) all: usize,
    /// Those that have a track.
    pub(crate) playing: usize,
}

/// What a node's connection is doing.
#[derive(Debug)]
pub(crate) enum State {
    /// Not dialled.
    Stopped(Stopped),
    /// To be dialled before the present call returns.
    Due,
    /// The old connection is being closed; then the node is dialled.
    Parting { socket: SocketId },
    /// Between two tries.
    Waiting { redial: TimerKey },
    /// The socket is being connected.
    Dialling {
        socket: SocketId,
        deadline: TimerKey,
    },
    /// The upgrade is on its way, or `ready` is.
    Opening {
        socket: SocketId,
        deadline: TimerKey,
    },
    /// Ready for players.
    Ready(Ready),
    /// On its way out: its resuming is being switched off, then its socket closed.
    Leaving { socket: SocketId },
}

/// What only a ready node has.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) socket: SocketId,
    pub(crate) heartbeat: TimerKey,
    /// The ping on its way: when it was sent, its number, and the deadline of its pong.
    pub(crate) ping: Option<(Timestamp, u64, TimerKey)>,
    /// Armed until the connection has been ready for long enough.
    pub(crate) stable: Option<TimerKey>,
    /// Whether the session is an earlier one that goes on.
    pub(crate) resumed: bool,
}

/// Where a node is on its reconnect schedule.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// The number of the next try.
    pub(crate) attempt: u32,
    /// How many tries failed in a row.
    pub(crate) failures: u32,
    /// Whether it was ever ready.
    pub(crate) was_ready: bool,
}

/// A session on the server (Lavalink: Session resuming).
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: Secret,
    pub(crate) kept: Kept,
}

/// Whether a server keeps a session when its connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    No,
    /// It was asked to, and its answer did not come yet, or never will.
    Perhaps,
    Yes,
}

impl Kept {
    /// What the server said.
    pub(crate) const fn by_word(is_kept: bool) -> Self {
        if is_kept { Self::Yes } else { Self::No }
    }
}

/// How a session is kept after the loss of its connection, as configured or as
/// [`Request::UpdateSession`](crate::rest::Request::UpdateSession) has changed it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keeping {
    pub(crate) resuming: bool,
    pub(crate) timeout: Option<Duration>,
    /// Whether a new session must be told even if it is not to be kept.
    pub(crate) is_changed: bool,
}

impl Keeping {
    /// For so long, if at all.
    pub(crate) const fn configured(time: Option<Duration>) -> Self {
        Self {
            resuming: time.is_some(),
            timeout: time,
            is_changed: false,
        }
    }
}

/// The numbers of the latest choices that fell on a node, where each has its turn.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turns {
    pub(crate) player: u64,
    /// The one before.
    pub(crate) last_player: u64,
    pub(crate) lookup: u64,
}

/// The loss of a node that had players.
#[derive(Debug)]
pub(crate) struct Outage {
    /// Armed while the session may come back.
    pub(crate) grace: Option<TimerKey>,
    /// Armed while a healthy node is waited for.
    pub(crate) healthy: Option<TimerKey>,
}

/// A player that a node must not have.
#[derive(Debug, Default)]
pub(crate) struct Tombstone {
    /// Whether its DELETE is in the lane or on its way.
    pub(crate) queued: bool,
    /// How often the node has answered its DELETE with 500 or the like.
    pub(crate) refusals: u8,
    /// Answered when it is confirmed.
    pub(crate) commands: Vec<CommandId>,
    /// Whether the player is gone, and only what plugins know of it is left.
    pub(crate) is_gone: bool,
    /// The plugins that may still know something of it.
    pub(crate) leftovers: Vec<KnownPlugin>,
}

/// What the application wants of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Takes players.
    Serving,
    /// Takes no more players, and gives away those that it has.
    Draining,
    /// Drains, and goes when its socket is closed: then the command is answered.
    Removed { command: CommandId },
    /// Goes with the pool.
    Closing,
    /// Has gone with the pool.
    Gone,
}

impl Duty {
    /// Whether the node is on its way out, or gone.
    pub(crate) const fn is_over(self) -> bool {
        match self {
            Self::Removed { .. } | Self::Closing | Self::Gone => true,
            Self::Serving | Self::Draining => false,
        }
    }

    /// Whether its players are to go to other nodes.
    pub(crate) const fn gives_away(self) -> bool {
        match self {
            Self::Draining | Self::Removed { .. } => true,
            Self::Serving | Self::Closing | Self::Gone => false,
        }
    }
}

impl Entry for Node {
    fn generation(&self) -> u32 {
        self.node.id.generation
    }
}

impl Node {
    /// The session's socket, if the node is ready.
    pub(crate) const fn ready(&self) -> Option<&Ready> {
        match &self.state {
            State::Ready(ready) => Some(ready),
            State::Stopped(_)
            | State::Due
            | State::Parting { .. }
            | State::Waiting { .. }
            | State::Dialling { .. }
            | State::Opening { .. }
            | State::Leaving { .. } => None,
        }
    }

    pub(crate) const fn is_ready(&self) -> bool {
        self.ready().is_some()
    }

    /// Whether its players are to go to others while it plays them.
    pub(crate) fn is_emptied(&self) -> bool {
        self.duty.gives_away() && self.is_ready()
    }

    /// Whether requests may go out.
    pub(crate) const fn may_ask(&self) -> bool {
        matches!(self.state, State::Ready(_) | State::Leaving { .. })
    }

    /// The WebSocket of the present connection or try.
    pub(crate) const fn socket(&self) -> Option<SocketId> {
        match &self.state {
            State::Dialling { socket, .. }
            | State::Opening { socket, .. }
            | State::Parting { socket }
            | State::Leaving { socket }
            | State::Ready(Ready { socket, .. }) => Some(*socket),
            State::Stopped(_) | State::Due | State::Waiting { .. } => None,
        }
    }

    /// Whether the session that it was lost with goes on.
    pub(crate) fn has_resumed(&self) -> bool {
        self.ready().is_some_and(|ready| ready.resumed)
    }

    /// Whether the server says that it is NodeLink.
    pub(crate) fn is_nodelink(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.is_nodelink)
    }

    /// Whether new players may be put here.
    pub(crate) const fn is_eligible(&self) -> bool {
        matches!(self.duty, Duty::Serving) && self.is_ready() && !self.breaker.is_open()
    }

    pub(crate) const fn status(&self) -> Status {
        match &self.state {
            State::Ready(_) => Status::Connected,
            State::Stopped(_) | State::Leaving { .. } => Status::Disconnected,
            State::Due
            | State::Parting { .. }
            | State::Waiting { .. }
            | State::Dialling { .. }
            | State::Opening { .. } => {
                if self.duty.is_over() {
                    Status::Disconnected
                } else if self.schedule.was_ready {
                    Status::Reconnecting
                } else {
                    Status::Connecting
                }
            }
        }
    }

    /// The session's id, while requests can name it.
    pub(crate) fn session_id(&self) -> Option<&Secret> {
        self.session.as_ref().map(|session| &session.id)
    }

    pub(crate) const fn id(&self) -> NodeId {
        self.node.id
    }

    pub(crate) const fn lane(&mut self, kind: LaneKind) -> &mut Lane {
        match kind {
            LaneKind::Control => &mut self.control,
            LaneKind::Lookup => &mut self.lookup,
        }
    }
}

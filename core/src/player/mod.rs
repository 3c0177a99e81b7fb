//! Players: what each should be, what is confirmed of it, and where it is.
//!
//! A player alone owns what is unsent. Failover, resume, move and recreate are all one thing:
//! mark every field unsent and let one PATCH make the node's player equal to the wanted one.

mod busy;
mod desired;
mod fields;
pub(crate) mod play_tag;
mod position;
mod stage;
mod update;
mod view;
mod voice;

pub use position::Position;
pub use update::{Source, Update, Volume};
pub use view::{Place, PlayerView};

pub(crate) use busy::{Busy, Waiting};
pub(crate) use desired::{Choice, Desired};
pub(crate) use fields::Fields;
pub(crate) use stage::Stage;
pub(crate) use voice::{Voice, VoiceChange};

use crate::id::{CommandId, NodeId};
use crate::protocol::GuildId;
use crate::time::Timestamp;

/// A player of the pool: a slot and its generation. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayerId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl std::fmt::Debug for PlayerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "player {}.{}", self.slot, self.generation)
    }
}

/// Where a player is; whatever is not its present node is ignored when it speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// New, and no node has been there to take it.
    Unplaced,
    On(NodeId),
    /// Its node is lost, and is waited for or replaced by another.
    Frozen {
        old: NodeId,
    },
    /// On its way: every field goes to `to`.
    Moving {
        from: NodeId,
        to: NodeId,
        why: Move,
        began_at: Timestamp,
    },
    /// Its node is lost and no other could take it.
    Stranded {
        from: NodeId,
    },
}

/// Why a player moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Its node was lost: the music stands still.
    Lost,
    /// It was asked to: the music goes on where it was until the new node confirms.
    Ordered,
}

/// One guild's player.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) id: PlayerId,
    pub(crate) guild: GuildId,
    pub(crate) place: Placement,
    pub(crate) wanted: Desired,
    /// Discord's halves; the complete state is part of what is wanted.
    pub(crate) voice: Option<Box<Voice>>,
    /// The fields that a node has yet to be sent.
    pub(crate) unsent: Fields,
    /// How far those are on their way.
    pub(crate) stage: Stage,
    /// Whether the node has yet to say that the present play started there: until then its
    /// positions are those of a player without a track (it reports 0 first).
    pub(crate) awaits_start: bool,
    /// The node's word: whether it has a voice connection.
    pub(crate) connected: bool,
    /// The node's word: milliseconds to the voice server, -1 without a connection.
    pub(crate) ping_ms: i32,
    /// The node that it was lost from, and goes back to if the pool is told to.
    pub(crate) home: Option<NodeId>,
    /// Whether its view waits to be published.
    pub(crate) changed: bool,
    /// Whether a node was ever sent anything about it.
    pub(crate) was_sent: bool,
    /// Whether the application chose its node.
    pub(crate) pinned: bool,
    /// Whether the present play was sent once more after a cleanup.
    pub(crate) replayed: bool,
    /// When the music stopped, if its node was lost.
    pub(crate) lost_at: Option<Timestamp>,
    /// What only a player that waits for something needs.
    pub(crate) busy: Option<Box<Busy>>,
}

impl Player {
    /// A player whose plays are numbered from after `plays`.
    pub(crate) fn new(id: PlayerId, guild: GuildId, plays: u32) -> Self {
        let wanted = Desired {
            plays,
            ..Desired::default()
        };
        Self {
            id,
            guild,
            place: Placement::Unplaced,
            wanted,
            voice: None,
            unsent: Fields::NONE,
            stage: Stage::Idle,
            awaits_start: false,
            connected: false,
            ping_ms: -1,
            home: None,
            changed: false,
            was_sent: false,
            pinned: false,
            replayed: false,
            lost_at: None,
            busy: None,
        }
    }

    /// The node that the player's state goes to.
    pub(crate) const fn target(&self) -> Option<NodeId> {
        match self.place {
            Placement::On(node) | Placement::Moving { to: node, .. } => Some(node),
            Placement::Unplaced | Placement::Frozen { .. } | Placement::Stranded { .. } => None,
        }
    }

    /// The node whose word counts: the one that the sound comes from.
    pub(crate) const fn speaker(&self) -> Option<NodeId> {
        match self.place {
            Placement::On(node)
            | Placement::Moving {
                from: node,
                why: Move::Ordered,
                ..
            } => Some(node),
            Placement::Unplaced
            | Placement::Moving {
                why: Move::Lost, ..
            }
            | Placement::Frozen { .. }
            | Placement::Stranded { .. } => None,
        }
    }

    /// Whether the music plays on an old node while a new one is being prepared.
    pub(crate) const fn is_led_over(&self) -> bool {
        matches!(
            self.place,
            Placement::Moving {
                why: Move::Ordered,
                ..
            }
        )
    }

    /// The fields that its node has yet to confirm.
    pub(crate) const fn pending(&self) -> Fields {
        self.unsent.with(self.stage.in_flight())
    }

    /// Whether everything wanted is confirmed.
    pub(crate) const fn is_synced(&self) -> bool {
        self.pending().is_empty() && matches!(self.place, Placement::On(_))
    }

    /// Whether the next PATCH must wait for Discord's voice updates.
    pub(crate) fn awaits_voice(&self) -> bool {
        self.busy
            .as_ref()
            .is_some_and(|busy| busy.voice_timer.is_some())
    }

    /// What only a busy player has; it begins with the state that is confirmed now.
    pub(crate) fn busy(&mut self) -> &mut Busy {
        let base = &self.wanted;
        self.busy
            .get_or_insert_with(|| Box::new(Busy::new(base.clone())))
    }

    /// Drops what only a busy player needs, if nothing is waited for.
    pub(crate) fn settle(&mut self) {
        let is_settled = self.pending().is_empty() && !matches!(self.stage, Stage::Resting(_));
        if is_settled && self.busy.as_ref().is_some_and(|busy| busy.is_idle()) {
            self.busy = None;
        }
    }

    /// The fields that a node without this player must be sent.
    pub(crate) fn substance(&self) -> Fields {
        let wanted = &self.wanted;
        let mut fields = Fields::NONE;
        if wanted.track.is_some() {
            fields = fields.with(Fields::TRACK).with(Fields::POSITION);
            if wanted.end_time_ms.is_some() {
                fields = fields.with(Fields::END_TIME);
            }
        }
        if wanted.paused {
            fields = fields.with(Fields::PAUSED);
        }
        if wanted.volume != Volume::default() {
            fields = fields.with(Fields::VOLUME);
        }
        if wanted.filters.is_some() {
            fields = fields.with(Fields::FILTERS);
        }
        if self
            .voice
            .as_ref()
            .is_some_and(|voice| voice.complete().is_some())
        {
            fields = fields.with(Fields::VOICE);
        }
        fields
    }

    /// The commands that wait for it to arrive at the node that it was ordered to.
    pub(crate) fn take_movers(&mut self) -> Vec<CommandId> {
        self.busy
            .as_mut()
            .map(|busy| std::mem::take(&mut busy.movers))
            .unwrap_or_default()
    }

    /// Marks everything unsent that a node without this player must be sent, and remembers what
    /// the node that it leaves has not been sent. Returns the commands that are done by that:
    /// those that took away what the new node never had.
    pub(crate) fn pack(&mut self) -> Vec<Waiting> {
        let left = self.unsent;
        // A value that equals the default is sent only if somebody waits for it.
        let plain = Fields::VOLUME.with(Fields::PAUSED).with(Fields::FILTERS);
        self.unsent = self.substance().with(left.and(plain));
        self.awaits_start = self.wanted.track.is_some();
        let pending = self.unsent;
        let busy = self.busy();
        busy.left = left;
        busy.refusals = 0;
        busy.refused = Fields::NONE;
        busy.failures = 0;
        busy.doubtful = Fields::NONE;
        busy.settle_except(pending)
    }

    /// Turns back to the node that it was leaving: that has yet to be sent what it had not been
    /// sent before, and what was set since.
    pub(crate) fn unpack(&mut self) {
        self.recall();
        self.unsent = self.busy.as_ref().map_or(Fields::NONE, |busy| busy.left);
    }

    /// The node that it leaves does not have it any more: to turn back is to be made again there.
    pub(crate) fn burn_bridges(&mut self) {
        let substance = self.substance();
        let busy = self.busy();
        busy.left = busy.left.with(substance);
    }

    /// The music stopped then.
    pub(crate) fn stand(&mut self, lost_at: Timestamp) {
        self.wanted.clock.run(false, lost_at);
        self.connected = false;
        self.lost_at = Some(lost_at);
    }

    /// Forgets that a PATCH is on its way: whether it arrived is not known.
    pub(crate) fn recall(&mut self) {
        let fields = self.stage.answered();
        self.unsent = self.unsent.with(fields);
        if let Some(busy) = &mut self.busy {
            busy.recall();
        }
    }

    /// Sets the clock going or standing, as all that is known of the player says.
    pub(crate) fn regulate(&mut self, now: Timestamp) {
        let running = self.speaker().is_some() && self.is_audible() && self.heeds_positions();
        self.wanted.clock.run(running, now);
    }

    /// Whether sound goes from the node to Discord: only then does the track pass.
    pub(crate) const fn is_audible(&self) -> bool {
        self.wanted.track.is_some() && !self.wanted.paused && self.connected
    }

    /// Whether the node's reports of a position are about the present play and place in it.
    pub(crate) fn heeds_positions(&self) -> bool {
        let awaits_place = self.pending().has(Fields::TRACK.with(Fields::POSITION));
        self.is_led_over() || (!self.awaits_start && !awaits_place)
    }
}

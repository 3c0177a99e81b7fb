//! [`Placement`]: where a player is.

use crate::id::NodeId;
use crate::player::Player;
use crate::time::Timestamp;

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

impl Placement {
    /// The node that was lost, of a player on its way from there.
    pub(crate) const fn lost_from(&self) -> Option<NodeId> {
        match *self {
            Self::Moving {
                from,
                why: Move::Lost,
                ..
            } => Some(from),
            Self::Unplaced
            | Self::On(_)
            | Self::Frozen { .. }
            | Self::Stranded { .. }
            | Self::Moving {
                why: Move::Ordered, ..
            } => None,
        }
    }
}

impl Player {
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

    /// Whether it is on its way to a node.
    pub(crate) const fn is_moving(&self) -> bool {
        matches!(self.place, Placement::Moving { .. })
    }

    /// Whether its node is lost, and no other has confirmed it.
    const fn is_lost(&self) -> bool {
        match self.place {
            Placement::Frozen { .. } | Placement::Stranded { .. } => true,
            Placement::Unplaced | Placement::On(_) | Placement::Moving { .. } => {
                self.place.lost_from().is_some()
            }
        }
    }

    /// It is without its node from then on, or on its way to another; unless it has been lost
    /// already, so this comes before its place is another one.
    pub(crate) const fn begin_away(&mut self, since: Timestamp) {
        if !self.is_lost() {
            self.away_since = since;
        }
    }

    /// Whether it is lost, and on its way to the node.
    pub(crate) fn is_lost_to(&self, id: NodeId) -> bool {
        self.target() == Some(id) && self.place.lost_from().is_some()
    }

    /// Whether the node that it is lost and on its way to has failed it, and is not being asked.
    pub(crate) fn is_held_up(&self) -> bool {
        let busy = self.busy.as_ref();
        let has_failed = |target: &NodeId| busy.is_some_and(|busy| busy.tried.contains(target));
        let target = self.target().filter(has_failed);
        target.is_some_and(|target| self.is_lost_to(target)) && self.stage.exchange().is_none()
    }

    /// Whether it has nothing to do with the node: it is on another one, or between others.
    pub(crate) fn is_elsewhere(&self, id: NodeId) -> bool {
        match self.place {
            Placement::On(node) => node != id,
            Placement::Moving { from, to, .. } => from != id && to != id,
            Placement::Unplaced | Placement::Frozen { .. } | Placement::Stranded { .. } => false,
        }
    }

    /// Whether its place names the node.
    pub(crate) fn is_about(&self, id: NodeId) -> bool {
        match self.place {
            Placement::Unplaced => false,
            Placement::On(node)
            | Placement::Frozen { old: node }
            | Placement::Stranded { from: node } => node == id,
            Placement::Moving { from, to, .. } => from == id || to == id,
        }
    }

    /// Whether the node has it, is to have it, or had it last and no other is to.
    pub(crate) fn is_of(&self, id: NodeId) -> bool {
        self.is_at(id) || (!self.is_moving() && self.is_about(id))
    }

    /// Whether it was lost with the node, and has neither come to another yet nor been stranded.
    pub(crate) fn may_return_to(&self, id: NodeId) -> bool {
        self.place == Placement::Frozen { old: id } || self.place.lost_from() == Some(id)
    }

    /// Whether the node has it, or is to have it.
    pub(crate) fn is_at(&self, id: NodeId) -> bool {
        let is_left = |from| from == id && self.is_led_over();
        match self.place {
            Placement::Moving { from, to, .. } => to == id || is_left(from),
            Placement::On(node) => node == id,
            Placement::Unplaced | Placement::Frozen { .. } | Placement::Stranded { .. } => false,
        }
    }
}

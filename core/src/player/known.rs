//! What is known of a player elsewhere: by who reads its view, and by the nodes that count it.

use crate::id::NodeId;
use crate::player::Player;

/// What of a player's view waits to be published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unpublished {
    #[default]
    Nothing,
    /// What moves by itself.
    Motion,
    All,
}

/// How its nodes count a player: two of them, while it plays on one and is on its way to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) at: [Option<NodeId>; 2],
    pub(crate) plays: bool,
}

impl Player {
    /// How it is to be counted as it stands.
    pub(crate) fn count(&self) -> Counted {
        let target = self.target();
        let left = self.speaker().filter(|node| Some(*node) != target);
        Counted {
            at: [target, left],
            plays: self.plays(),
        }
    }
}

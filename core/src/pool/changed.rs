//! Which views the driver has to publish.

use super::tables::Tables;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::player::PlayerId;
use crate::protocol::GuildId;

/// A view that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// [`Pool::player`](crate::Pool::player) of this guild; `None` there means that it is gone.
    Player(GuildId),
    /// [`Pool::node`](crate::Pool::node) of this id; `None` there means that it is gone.
    Node(NodeId),
}

impl Tables {
    /// Takes what changed first, each view once: a player or node that waits in the queue knows it.
    pub(super) fn pop_changed(&mut self) -> Option<Changed> {
        let changed = self.changed.pop_front()?;
        match changed {
            Changed::Player(guild) => {
                let player = self.player_of(guild);
                if let Some(player) = player.and_then(|id| self.player_mut(id)) {
                    player.changed = false;
                }
            }
            Changed::Node(id) => {
                if let Some(node) = self.node_mut(id) {
                    node.changed = false;
                }
            }
        }
        Some(changed)
    }

    pub(super) fn player_changed(&mut self, id: PlayerId) {
        self.attend_voice(id);
        self.attend_activity(id);
        if let Some(player) = self.players.get_mut(id.slot, id.generation)
            && !std::mem::replace(&mut player.changed, true)
        {
            self.changed.push_back(Changed::Player(player.guild));
        }
        self.watch_end(id);
    }

    /// The view of a node changed, and perhaps its score.
    pub(super) fn node_changed(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.slot, id.generation)
            && !std::mem::replace(&mut node.changed, true)
        {
            self.changed.push_back(Changed::Node(id));
        }
        self.tell_status(id);
        self.rescore(id);
    }

    /// Says so if the node's status is another one than before.
    pub(super) fn tell_status(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        let new = node.status();
        let old = std::mem::replace(&mut node.told, new);
        if old != new {
            let node = node.node.clone();
            self.emit(Kinds::STATUSES, || Event::NodeStatus { node, old, new });
        }
    }

    /// Something that is in no table any more had a view.
    pub(super) fn gone(&mut self, changed: Changed) {
        self.changed.push_back(changed);
    }
}

//! Which views the driver has to publish.

use super::tables::Tables;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::player::{Motion, PlayerId, Unpublished};
use crate::protocol::GuildId;
use crate::room::{self, ROOM_KEPT};

/// A view that changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Changed {
    /// [`Pool::player`](crate::Pool::player) of this guild; `None` there means that it is gone.
    Player(GuildId),
    /// Only what moves by itself: the view that was published last is to
    /// [`follow`](crate::player::PlayerView::follow) it.
    Motion(Motion),
    /// [`Pool::node`](crate::Pool::node) of this id; `None` there means that it is gone.
    Node(NodeId),
}

/// A view to publish.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    Player(PlayerId),
    Node(NodeId),
    /// Something that is in no table any more had a view.
    Gone(Changed),
}

impl Tables {
    /// Takes what changed first, each view once: a player or node that waits in the queue knows it.
    pub(super) fn pop_changed(&mut self) -> Option<Changed> {
        while let Some(news) = room::pop_front(&mut self.changed, ROOM_KEPT) {
            match news {
                News::Player(id) => {
                    // One that is gone has news of its own.
                    let Some(player) = self.player_mut(id) else {
                        continue;
                    };
                    match std::mem::take(&mut player.unpublished) {
                        Unpublished::Nothing => {}
                        Unpublished::Motion => return Some(Changed::Motion(player.motion())),
                        Unpublished::All => return Some(Changed::Player(player.guild)),
                    }
                }
                News::Node(id) => {
                    if let Some(node) = self.node_mut(id) {
                        node.changed = false;
                    }
                    return Some(Changed::Node(id));
                }
                News::Gone(changed) => return Some(changed),
            }
        }
        None
    }

    pub(super) fn player_changed(&mut self, id: PlayerId) {
        self.attend_voice(id);
        self.attend_activity(id);
        if let Some(player) = self.players.get_mut(id.slot, id.generation) {
            let before = std::mem::replace(&mut player.unpublished, Unpublished::All);
            if before == Unpublished::Nothing {
                self.changed.push_back(News::Player(id));
            }
            if !std::mem::replace(&mut player.uncounted, true) {
                self.uncounted.push(id);
            }
        }
        self.watch_end(id);
    }

    /// The node said where the player is, and nothing else of it changed.
    pub(super) fn player_moved(&mut self, id: PlayerId) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        if player.unpublished == Unpublished::Nothing {
            player.unpublished = Unpublished::Motion;
            self.changed.push_back(News::Player(id));
        }
        if player.wishes.is_some() {
            self.watch_end(id);
        }
    }

    /// The view of a node changed, and perhaps its score.
    pub(super) fn node_changed(&mut self, id: NodeId) {
        self.view_changed(id);
        self.tell_status(id);
        self.rescore(id);
    }

    /// The view of a node changed, and nothing that goes into its score.
    pub(super) fn view_changed(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id)
            && !std::mem::replace(&mut node.changed, true)
        {
            self.changed.push_back(News::Node(id));
        }
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
        self.changed.push_back(News::Gone(changed));
    }
}

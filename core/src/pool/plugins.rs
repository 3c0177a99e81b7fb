//! What the well-known plugins are told of a player, and what they say of it.

use super::tables::Tables;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::protocol::plugins::PluginMessage;
use crate::time::Timestamp;

impl Tables {
    /// A plugin of the node said something of a player; only the node that the sound comes from,
    /// or is to come from, is listened to.
    pub(super) fn plugin_event(&mut self, id: NodeId, message: PluginMessage, _now: Timestamp) {
        let PluginMessage { guild_id, event } = message;
        let Some(player) = self.player_of(guild_id).and_then(|id| self.player(id)) else {
            return;
        };
        if player.speaker().or(player.target()) != Some(id) {
            return;
        }
        if let Some(node) = self.node_ref(id) {
            self.emit(Kinds::PLUGINS, || Event::Plugin {
                guild: guild_id,
                node,
                event,
            });
        }
    }
}

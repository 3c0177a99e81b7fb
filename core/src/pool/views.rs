//! What the application can see.

use std::sync::Arc;
use std::time::Duration;

use super::tables::Tables;
use crate::id::NodeId;
use crate::node::{Kept, Node, NodeRef, NodeView, Report, ReportedNode, State, Stopped};
use crate::player::{Place, Placement, Player, PlayerView};

impl Tables {
    pub(super) fn node_view(&self, node: &Node) -> NodeView {
        self.judge_count(node);
        NodeView {
            node: node.node.clone(),
            uri: node.uri.clone(),
            region: node.config.region_label().cloned(),
            status: node.status(),
            stopped: stopped(node).cloned(),
            loss: node.loss.clone(),
            session_id: node.session_id().cloned(),
            resumable: node
                .session
                .as_ref()
                .is_some_and(|session| session.kept == Kept::Yes),
            latency: node.latency,
            stats: node.stats,
            info: node.info.clone(),
            players: node.players.all,
            playing: node.players.playing,
            draining: node.duty.gives_away(),
            failing: node.breaker.is_open(),
            reserved: node.reserved.len(),
            turn: node.turns.player,
            config: node.config.clone(),
            penalty: self.penalty(node),
        }
    }

    pub(super) fn player_view(&self, player: &Player) -> PlayerView {
        let wanted = &player.wanted;
        let wishes = player.wishes.as_ref();
        PlayerView {
            guild: player.guild,
            place: self.place(player),
            track: wanted.known_track().cloned(),
            playing: wanted.track.is_some(),
            paused: wanted.paused,
            volume: wanted.volume,
            end_time: wanted.end_time_ms.map(Duration::from_millis),
            filters: wanted.filters.clone(),
            channel: player.voice.as_ref().and_then(|voice| voice.channel()),
            connected: player.connected,
            ping: player.ping(),
            skipped: wishes.and_then(|wishes| wishes.categories().cloned()),
            live_lyrics: wishes.and_then(|wishes| wishes.lyrics()),
            synced: player.is_synced(),
            position: wanted.clock,
        }
    }

    fn place(&self, player: &Player) -> Place {
        let known = |id: NodeId| {
            let gone = || NodeRef {
                id,
                name: Arc::from("removed node"),
            };
            self.last_ref(id).unwrap_or_else(gone)
        };
        match player.place {
            Placement::Unplaced => Place::Unplaced,
            Placement::On(node) => Place::On(known(node)),
            Placement::Frozen { old } => Place::Frozen(known(old)),
            Placement::Moving { from, to, .. } => Place::Moving {
                from: known(from),
                to: known(to),
            },
            Placement::Stranded { from } => Place::Stranded(known(from)),
        }
    }

    pub(super) fn report(&self) -> Report {
        let nodes = self.order.iter().filter_map(|id| self.node(*id));
        let nodes = nodes.map(|node| ReportedNode {
            node: node.node.clone(),
            uri: node.uri.clone(),
            region: node.config.region_label().cloned(),
            status: node.status(),
            cause: cause(node),
        });
        Report {
            nodes: nodes.collect(),
        }
    }
}

const fn stopped(node: &Node) -> Option<&Stopped> {
    match &node.state {
        State::Stopped(cause) => Some(cause),
        State::Due
        | State::Parting { .. }
        | State::Waiting { .. }
        | State::Dialling { .. }
        | State::Opening { .. }
        | State::Ready(_)
        | State::Leaving { .. } => None,
    }
}

/// Why the node is not connected, in words.
fn cause(node: &Node) -> Option<Arc<str>> {
    if node.is_ready() {
        return None;
    }
    let words = match stopped(node) {
        Some(cause) => cause.to_string(),
        None => node.loss.as_ref()?.to_string(),
    };
    Some(words.into())
}

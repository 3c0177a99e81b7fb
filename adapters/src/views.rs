//! [`Views`]: what handles read without asking the driver, which writes it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lavapool_core::node::{NodeRef, NodeView, Report, Status};
use lavapool_core::player::PlayerView;
use lavapool_core::protocol::GuildId;
use lavapool_core::{Changed, NodeId, Pool};

use crate::lock::lock;

/// The latest views of a pool, published after each of the driver's turns and before its answers
/// and events.
#[derive(Debug)]
pub(crate) struct Views {
    /// In the order of configuration.
    nodes: Mutex<Vec<Arc<NodeCell>>>,
    players: Mutex<BTreeMap<GuildId, Arc<PlayerCell>>>,
    report: Mutex<Report>,
}

/// A node's view.
#[derive(Debug)]
pub(crate) struct NodeCell {
    pub(crate) node: NodeRef,
    view: Mutex<NodeView>,
    removed: AtomicBool,
}

/// A player's view, if there is a player.
#[derive(Debug)]
pub(crate) struct PlayerCell {
    pub(crate) guild: GuildId,
    view: Mutex<Option<PlayerView>>,
}

impl Views {
    pub(crate) fn new(pool: &Pool) -> Self {
        Self {
            nodes: Mutex::default(),
            players: Mutex::default(),
            report: Mutex::new(pool.report()),
        }
    }

    /// Copies everything that changed.
    pub(crate) fn publish(&self, pool: &mut Pool) {
        let mut nodes_changed = false;
        while let Some(changed) = pool.poll_changed() {
            match changed {
                Changed::Player(guild) => self.publish_player(guild, pool.player(guild)),
                Changed::Node(id) => {
                    self.publish_node(id, pool.node(id));
                    nodes_changed = true;
                }
            }
        }
        if nodes_changed {
            *lock(&self.report) = pool.report();
        }
    }

    fn publish_player(&self, guild: GuildId, view: Option<PlayerView>) {
        let mut players = lock(&self.players);
        if view.is_none() && players.get(&guild).is_none_or(|cell| cell.is_unshared()) {
            players.remove(&guild);
            return;
        }
        let cell = players
            .entry(guild)
            .or_insert_with(|| PlayerCell::new(guild));
        *lock(&cell.view) = view;
    }

    fn publish_node(&self, id: NodeId, view: Option<NodeView>) {
        let mut nodes = lock(&self.nodes);
        let place = nodes.iter().position(|cell| cell.node.id == id);
        match (place, view) {
            (Some(place), Some(view)) => {
                if let Some(cell) = nodes.get(place) {
                    *lock(&cell.view) = view;
                }
            }
            (None, Some(view)) => nodes.push(NodeCell::new(view)),
            (Some(place), None) => nodes.remove(place).remove(),
            (None, None) => {}
        }
    }

    pub(crate) fn nodes(&self) -> Vec<Arc<NodeCell>> {
        lock(&self.nodes).clone()
    }

    pub(crate) fn node(&self, is_it: impl Fn(&NodeRef) -> bool) -> Option<Arc<NodeCell>> {
        let nodes = lock(&self.nodes);
        nodes.iter().find(|cell| is_it(&cell.node)).cloned()
    }

    pub(crate) fn report(&self) -> Report {
        lock(&self.report).clone()
    }

    /// The guild's cell, made if there is none.
    pub(crate) fn player(&self, guild: GuildId) -> Arc<PlayerCell> {
        let mut players = lock(&self.players);
        let cell = players
            .entry(guild)
            .or_insert_with(|| PlayerCell::new(guild));
        cell.clone()
    }

    /// The cells that have a player, in the order of their guilds.
    pub(crate) fn players(&self) -> Vec<Arc<PlayerCell>> {
        let players = lock(&self.players);
        let exists = |cell: &&Arc<PlayerCell>| lock(&cell.view).is_some();
        players.values().filter(exists).cloned().collect()
    }

    /// A handle lets go of its cell: nothing remembers a guild that has neither handle nor
    /// player.
    pub(crate) fn release(&self, cell: &Arc<PlayerCell>) {
        let mut players = lock(&self.players);
        // The map and the handle: nobody else can clone it while the map is locked.
        if Arc::strong_count(cell) <= 2 && lock(&cell.view).is_none() {
            players.remove(&cell.guild);
        }
    }
}

impl NodeCell {
    fn new(view: NodeView) -> Arc<Self> {
        Arc::new(Self {
            node: view.node.clone(),
            view: Mutex::new(view),
            removed: AtomicBool::new(false),
        })
    }

    pub(crate) fn view(&self) -> NodeView {
        lock(&self.view).clone()
    }

    /// Reads one part of the view.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&NodeView) -> T) -> T {
        read(&lock(&self.view))
    }

    /// Whether the node was removed from the pool.
    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    fn remove(&self) {
        let mut view = lock(&self.view);
        view.status = Status::Disconnected;
        self.removed.store(true, Ordering::Release);
    }
}

impl PlayerCell {
    fn new(guild: GuildId) -> Arc<Self> {
        let view = Mutex::new(None);
        Arc::new(Self { guild, view })
    }

    /// Whether the map alone holds it.
    fn is_unshared(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1
    }

    pub(crate) fn view(&self) -> Option<PlayerView> {
        lock(&self.view).clone()
    }

    /// Reads one part of the view.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&PlayerView) -> T) -> Option<T> {
        lock(&self.view).as_ref().map(read)
    }
}

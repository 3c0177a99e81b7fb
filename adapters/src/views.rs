//! [`Views`]: what handles read without asking the driver, which writes it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lavapool_core::node::{NodeRef, NodeView, Report, Status, Stopped, UNAVAILABLE};
use lavapool_core::player::{Motion, PackedView, PlayerView};
use lavapool_core::protocol::GuildId;
use lavapool_core::{Changed, NodeId, Pool};

use crate::lock::lock;

/// The latest views of a pool, published after each of the driver's turns and before its answers
/// and events.
#[derive(Debug)]
pub(crate) struct Views {
    /// In the order of configuration.
    nodes: Mutex<Vec<Arc<NodeCell>>>,
    /// Nothing remembers a guild that has neither lease nor player.
    players: Mutex<HashMap<GuildId, Arc<PlayerCell>>>,
    report: Mutex<Report>,
    /// 0 if the cache is off.
    cache_capacity: AtomicUsize,
}

/// A node's view.
#[derive(Debug)]
pub(crate) struct NodeCell {
    pub(crate) node: NodeRef,
    view: Mutex<NodeView>,
    removed: AtomicBool,
}

/// The cells of players by the slots of these, for the one who publishes: what moves is published
/// without a search.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    cells: Vec<Option<Arc<PlayerCell>>>,
}

/// A player's view, if there is a player.
#[derive(Debug)]
pub(crate) struct PlayerCell {
    pub(crate) guild: GuildId,
    /// How often a handle asked for another track, for a stop or for the player's end. Held from
    /// the count to the submission, so that the last to count is the last to be heard.
    pub(crate) turn: Mutex<u32>,
    /// How often one asked for a track that gives way to what plays. Whether it did is not known
    /// before it is answered, so it is no turn.
    pub(crate) tries: AtomicU32,
    view: Mutex<Option<PackedView>>,
    /// How many leases of it there are, changed under the lock of all players. References are no
    /// such count: two that go at once would each see the other's.
    leases: AtomicU32,
    /// Where it is among the [`Slots`], if it is there.
    slot: AtomicU32,
}

impl Views {
    pub(crate) fn new(pool: &Pool) -> Self {
        Self {
            nodes: Mutex::default(),
            players: Mutex::default(),
            report: Mutex::new(pool.report()),
            cache_capacity: AtomicUsize::new(pool.cache_capacity().unwrap_or(0)),
        }
    }

    /// Copies up to `views_max` of the views that changed; returns how many, so fewer if those were
    /// all.
    pub(crate) fn publish(&self, pool: &mut Pool, slots: &mut Slots, views_max: usize) -> usize {
        let mut nodes_changed = false;
        let mut count = 0;
        while count < views_max
            && let Some(changed) = pool.poll_changed()
        {
            count += 1;
            match changed {
                Changed::Player(guild) => self.publish_player(guild, pool.player(guild), slots),
                Changed::Motion(motion) => self.publish_motion(&motion, slots),
                Changed::Node(id) => {
                    self.publish_node(id, pool.node(id));
                    nodes_changed = true;
                }
            }
        }
        if nodes_changed {
            *lock(&self.report) = pool.report();
        }
        let capacity = pool.cache_capacity().unwrap_or(0);
        self.cache_capacity.store(capacity, Ordering::Relaxed);
        count
    }

    pub(crate) fn cache_capacity(&self) -> Option<usize> {
        let capacity = self.cache_capacity.load(Ordering::Relaxed);
        Some(capacity).filter(|capacity| *capacity > 0)
    }

    fn publish_player(&self, guild: GuildId, view: Option<PlayerView>, slots: &mut Slots) {
        let mut players = lock(&self.players);
        if let Some(view) = view {
            let cell = players
                .entry(guild)
                .or_insert_with(|| PlayerCell::new(guild));
            cell.show(view);
        } else if let Some(cell) = players.get(&guild) {
            slots.clear(cell);
            *lock(&cell.view) = None;
            if cell.leases() == 0 {
                players.remove(&guild);
            }
        }
    }

    fn publish_motion(&self, motion: &Motion, slots: &mut Slots) {
        if slots
            .cell(motion.slot)
            .is_some_and(|cell| cell.follow(motion))
        {
            return;
        }
        let players = lock(&self.players);
        if let Some(cell) = players.get(&motion.guild)
            && cell.follow(motion)
        {
            slots.put(motion.slot, cell);
        }
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

    /// The driver is gone, and every connection with it.
    pub(crate) fn end(&self) {
        lock(&self.nodes).iter().for_each(|cell| cell.close());
        for node in &mut lock(&self.report).nodes {
            if node.status != Status::Disconnected {
                node.status = Status::Disconnected;
                node.cause = Some(Stopped::Closed.to_string().into());
            }
        }
    }

    /// Leases the guild's cell, made if there is none; to be [released](Self::release).
    pub(crate) fn player(&self, guild: GuildId) -> Arc<PlayerCell> {
        let mut players = lock(&self.players);
        let cell = players
            .entry(guild)
            .or_insert_with(|| PlayerCell::new(guild));
        cell.lease()
    }

    /// Leases the cells that have a player, in the order of their guilds.
    pub(crate) fn players(&self) -> Vec<Arc<PlayerCell>> {
        self.players_where(|_| true)
    }

    /// Leases the cells of the players that the node has or is to have, in the order of their
    /// guilds.
    pub(crate) fn players_of(&self, node: NodeId) -> Vec<Arc<PlayerCell>> {
        self.players_where(|view| view.node().is_some_and(|place| place.id == node))
    }

    fn players_where(&self, is_meant: impl Fn(&PackedView) -> bool) -> Vec<Arc<PlayerCell>> {
        let players = lock(&self.players);
        let is_meant = |cell: &&Arc<PlayerCell>| lock(&cell.view).as_ref().is_some_and(&is_meant);
        let cells = players.values().filter(is_meant);
        let mut leased: Vec<_> = cells.map(|cell| cell.lease()).collect();
        drop(players);
        leased.sort_unstable_by_key(|cell| cell.guild);
        leased
    }

    /// Ends a lease.
    pub(crate) fn release(&self, guild: GuildId) {
        let mut players = lock(&self.players);
        let Some(cell) = players.get(&guild) else {
            return;
        };
        let left = cell.leases().saturating_sub(1);
        cell.leases.store(left, Ordering::Relaxed);
        if left == 0 && lock(&cell.view).is_none() {
            players.remove(&guild);
        }
    }
}

impl Slots {
    fn cell(&self, slot: u32) -> Option<&PlayerCell> {
        self.cells.get(place(slot))?.as_deref()
    }

    fn put(&mut self, slot: u32, cell: &Arc<PlayerCell>) {
        let place = place(slot);
        if self.cells.len() <= place {
            self.cells.resize(place + 1, None);
        }
        if let Some(old) = self.cells.get_mut(place) {
            cell.slot.store(slot, Ordering::Relaxed);
            *old = Some(cell.clone());
        }
    }

    /// The player is gone, and the next one in its slot has another cell.
    fn clear(&mut self, cell: &Arc<PlayerCell>) {
        let slot = cell.slot.swap(NO_SLOT, Ordering::Relaxed);
        let is_it = |own: &mut Arc<PlayerCell>| Arc::ptr_eq(own, cell);
        if let Some(place) = self.cells.get_mut(place(slot)) {
            place.take_if(is_it);
        }
    }
}

fn place(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
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

    fn close(&self) {
        let mut view = lock(&self.view);
        disconnect(&mut view);
        view.stopped.get_or_insert(Stopped::Closed);
    }

    fn remove(&self) {
        disconnect(&mut lock(&self.view));
        self.removed.store(true, Ordering::Release);
    }
}

const fn disconnect(view: &mut NodeView) {
    view.status = Status::Disconnected;
    view.latency = None;
    view.penalty = UNAVAILABLE;
}

impl PlayerCell {
    fn new(guild: GuildId) -> Arc<Self> {
        Arc::new(Self {
            guild,
            turn: Mutex::new(0),
            tries: AtomicU32::new(0),
            view: Mutex::new(None),
            leases: AtomicU32::new(0),
            slot: AtomicU32::new(NO_SLOT),
        })
    }

    fn lease(self: &Arc<Self>) -> Arc<Self> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }

    fn leases(&self) -> u32 {
        self.leases.load(Ordering::Relaxed)
    }

    fn show(&self, view: PlayerView) {
        match &mut *lock(&self.view) {
            Some(shown) => shown.replace(view),
            none => *none = Some(view.into()),
        }
    }

    /// Takes over what moved; false if this is not the player's.
    fn follow(&self, motion: &Motion) -> bool {
        if self.guild != motion.guild {
            return false;
        }
        match &mut *lock(&self.view) {
            Some(view) => {
                view.follow(motion);
                true
            }
            None => false,
        }
    }

    pub(crate) fn view(&self) -> Option<PlayerView> {
        lock(&self.view).as_ref().map(PackedView::unpack)
    }
}

/// No table is as long.
const NO_SLOT: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use lavapool_core::protocol::UserId;
    use lavapool_core::{PoolConfig, Seed, Timestamp};

    use super::*;

    #[test]
    fn two_leases_of_no_player_that_end_at_once_leave_nothing_behind() {
        let user = UserId::new(1).expect("not zero");
        let pool = Pool::new(PoolConfig::new(user), Seed::new([0; 32]), Timestamp::ZERO);
        let views = Views::new(&pool.expect("nothing is wrong with it"));
        let guild = GuildId::new(1).expect("not zero");

        // Both end before either lets go of its reference, as on two threads.
        let leased = [views.player(guild), views.player(guild)];
        views.release(guild);
        assert_eq!(lock(&views.players).len(), 1);
        views.release(guild);

        assert_eq!(lock(&views.players).len(), 0);
        drop(leased);
    }
}

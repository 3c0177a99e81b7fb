//! [`ChangedList`]: the views that the driver has to publish, each once.

use std::collections::{BTreeSet, VecDeque};

use crate::id::NodeId;
use crate::protocol::GuildId;

/// A view that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// [`Pool::player`](crate::Pool::player) of this guild; `None` there means that it is gone.
    Player(GuildId),
    /// [`Pool::node`](crate::Pool::node) of this id; `None` there means that it is gone.
    Node(NodeId),
}

/// What changed since it was last asked for, in the order of the first change.
#[derive(Debug, Default)]
pub(super) struct ChangedList {
    queue: VecDeque<Changed>,
    queued: BTreeSet<Changed>,
}

impl ChangedList {
    pub(super) fn note(&mut self, changed: Changed) {
        if self.queued.insert(changed) {
            self.queue.push_back(changed);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Changed> {
        let changed = self.queue.pop_front()?;
        self.queued.remove(&changed);
        Some(changed)
    }
}

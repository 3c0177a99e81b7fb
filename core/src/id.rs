//! The names of things inside one pool: [`NodeId`], [`SocketId`] and [`CommandId`].

use std::fmt;

/// A node of the pool: a slot and its generation.
///
/// Ids are never reused: adding a removed name again makes a node with another id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct NodeId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// A socket that the driver holds for the pool: a slot and its generation.
///
/// Ids are never reused: input that names a closed socket is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct SocketId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl SocketId {
    /// The index of the socket in a table of open sockets.
    ///
    /// Small and dense: it is taken again after the socket is closed, then with another
    /// generation.
    pub const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// A submitted command, in the order of submission. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct CommandId(pub(crate) u64);

impl CommandId {
    /// The pool's own wish: nobody waits for it. Real ids begin with 1.
    pub(crate) const NOBODY: Self = Self(0);
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}.{}", self.slot, self.generation)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "socket {}.{}", self.slot, self.generation)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {}", self.0)
    }
}

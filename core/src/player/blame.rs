//! [`Blame`]: why a lost player's targets refuse it.

use crate::id::NodeId;

/// What is known of why a lost player's targets refuse it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Blame {
    /// None has.
    #[default]
    Nothing,
    /// This node has refused its track, perhaps for the voice connection that went with it.
    Track(NodeId),
    /// The target is asked for the rest without the voice connection, which shows which it is.
    Either,
    /// This node took all but the voice connection.
    Voice(NodeId),
}

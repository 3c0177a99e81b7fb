//! [`Plight`]: what only a player has with which not all is well.

use crate::id::NodeId;
use crate::player::{Move, Player, Rejoining};
use crate::pool::TimerKey;
use crate::time::Timestamp;

/// What only a player has with which not all is well. Most have none of it, so it is kept apart
/// and takes no room of those.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plight {
    /// When the music stopped, if its node was lost.
    pub(crate) lost_at: Option<Timestamp>,
    /// When it began to move, if it does.
    pub(crate) moves_since: Option<Timestamp>,
    /// The node that it was lost from, and goes back to: the pool is told to bring it there.
    pub(crate) home: Option<NodeId>,
    /// Armed from when the node that the application chose was not there.
    pub(crate) pinned: Option<TimerKey>,
    /// Armed while it plays and its node has no voice connection, for no reason that is known.
    pub(crate) silence: Option<TimerKey>,
    /// What is being done for a voice connection.
    pub(crate) rejoining: Option<Rejoining>,
}

impl Plight {
    const NONE: Self = Self {
        lost_at: None,
        moves_since: None,
        home: None,
        pinned: None,
        silence: None,
        rejoining: None,
    };

    /// The armed timers.
    pub(crate) fn timers(&self) -> impl Iterator<Item = TimerKey> + use<> {
        let step = self.rejoining.and_then(|rejoining| rejoining.step.timer());
        [self.pinned, self.silence, step].into_iter().flatten()
    }
}

impl Player {
    pub(crate) fn plight(&self) -> &Plight {
        self.plight.as_deref().unwrap_or(&Plight::NONE)
    }

    /// It begins to move; if its node was lost, it has been without one since then.
    pub(crate) fn set_out(&mut self, why: Move, now: Timestamp) {
        self.change_plight(|plight| {
            plight.moves_since = Some(match why {
                Move::Lost => *plight.lost_at.get_or_insert(now),
                Move::Ordered => now,
            });
        });
    }

    /// It is on a node; returns since when it moved, if it did.
    pub(crate) fn settle_down(&mut self) -> Option<Timestamp> {
        let moves_since = self.plight().moves_since;
        self.change_plight(|plight| {
            plight.lost_at = None;
            plight.moves_since = None;
        });
        moves_since
    }

    /// Changes it, and keeps none of a player with which all is well.
    pub(crate) fn change_plight(&mut self, change: impl FnOnce(&mut Plight)) {
        let mut plight = *self.plight();
        change(&mut plight);
        match &mut self.plight {
            Some(kept) if plight != Plight::NONE => **kept = plight,
            kept => *kept = (plight != Plight::NONE).then(|| Box::new(plight)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::PlayerId;
    use crate::protocol::GuildId;

    #[test]
    fn a_player_with_which_all_is_well_again_keeps_nothing_of_what_was_not() {
        let id = PlayerId {
            slot: 0,
            generation: 0,
        };
        let guild = GuildId::new(1).expect("not zero");
        let mut player = Player::new(id, guild, 0);
        let home = NodeId {
            slot: 0,
            generation: 0,
        };

        player.change_plight(|plight| plight.lost_at = None);
        assert_eq!(player.plight, None);
        player.change_plight(|plight| plight.lost_at = Some(Timestamp::ZERO));
        player.change_plight(|plight| plight.home = Some(home));
        player.change_plight(|plight| plight.lost_at = None);
        assert_eq!(
            (player.plight().lost_at, player.plight().home),
            (None, Some(home))
        );
        player.change_plight(|plight| plight.home = None);
        assert_eq!(player.plight, None);
    }
}

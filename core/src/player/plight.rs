//! [`Plight`]: what only a player has with which not all is well.

use crate::id::NodeId;
use crate::player::{Player, Rejoining};
use crate::pool::TimerKey;

/// What only a player has with which not all is well. Most have none of it, so it is kept apart
/// and takes no room of those.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plight {
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

    /// Changes it, and keeps none of a player with which all is well.
    pub(crate) fn change_plight(&mut self, change: impl FnOnce(&mut Plight)) {
        let mut plight = *self.plight();
        change(&mut plight);
        self.plight = (plight != Plight::NONE).then(|| Box::new(plight));
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

        player.change_plight(|plight| plight.home = None);
        assert_eq!(player.plight, None);
        player.change_plight(|plight| plight.home = Some(home));
        assert_eq!(player.plight().home, Some(home));
        player.change_plight(|plight| plight.home = None);
        assert_eq!(player.plight, None);
    }
}

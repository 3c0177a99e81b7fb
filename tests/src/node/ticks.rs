//! What players do as time goes by, and what is known of those that are no more.

use super::log::{LostPlayer, PlayerFate};
use super::{PlayerView, TestNode, Timer};

impl TestNode {
    /// Lets a player do what is due, and takes note of when something is due again.
    pub(super) fn tick_player(&mut self, id: &str, guild: i64) {
        let now = self.now;
        let session = self.sessions.get_mut(id);
        if let Some(player) = session.and_then(|session| session.players.get_mut(&guild)) {
            let before = player.view(id, now);
            let messages = player.tick(now);
            let has_ended = before.track.is_some() && !player.has_track();
            self.deliver(id, messages);
            if has_ended {
                self.note_lost(PlayerFate::TrackOver, before);
            }
        }
        self.arm_player(id, guild);
    }

    /// Arms the timer of a player after anything about it has changed.
    pub(super) fn arm_player(&mut self, id: &str, guild: i64) {
        let player = self
            .sessions
            .get(id)
            .and_then(|session| session.players.get(&guild));
        if let Some(at) = player.and_then(|player| player.due(self.now)) {
            self.arm(at, Timer::Player(id.to_owned(), guild));
        }
    }

    /// A player is no more, or plays its track no more.
    pub(super) fn note_lost(&mut self, fate: PlayerFate, player: PlayerView) {
        let at = self.now();
        self.log.lost.push(LostPlayer { at, fate, player });
    }
}

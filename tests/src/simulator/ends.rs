//! What the end of a track says of the guild's player.

use lavapool_core::Event;
use lavapool_core::protocol::GuildId;

use super::Simulation;
use crate::invariant::Invariant;

impl Simulation {
    /// Whether the pool has deleted a copy that played this just now, and plays on: that the copy
    /// was stopped by that may be told, though it is news of nothing (seed 0xa3).
    pub(super) fn plays_on(&self, guild: GuildId, track: &str) -> bool {
        let view = self.world.pool().player(guild);
        let plays = view.is_some_and(|view| view.playing);
        plays && self.copies.was_just_deleted(guild, track, self.world.now())
    }

    /// Judges whether a queue may go on: what was played meanwhile would be lost.
    pub(super) fn judge_end(&mut self, event: &Event) {
        let Event::TrackEnd {
            guild,
            track,
            reason,
        } = event
        else {
            return;
        };
        let ended = Some(track.info.identifier.clone());
        let intent = self.application.intents.get(guild);
        if let Some(wanted) = intent.map(|intent| &intent.track)
            && reason.may_start_next()
            && wanted.wanted.is_some()
            && !wanted.allows(&ended)
        {
            let detail = format!("{ended:?} in {guild} has ended, wanted {wanted:?}");
            self.fail(Invariant::EndOfTheLatest, || detail);
        }
    }
}

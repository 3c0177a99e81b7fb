//! The end time of tracks whose segments SponsorBlock skips.
//!
//! A Lavalink server keeps an end time as the one marker of a track, and SponsorBlock takes that
//! marker for its segments: the track would play to its very end. So the pool watches the end
//! time of such a player itself. When the position has passed it, the track is stopped on the node
//! and told to be over as the server would have told it: finished.
//!
//! The node is left [`END_GRACE`] to do it by itself, as it does for a track without segments.

use std::time::Duration;

use super::tables::Tables;
use super::timers::Timer;
use crate::event::{Event, Kinds};
use crate::id::CommandId;
use crate::player::{Player, PlayerId, Update, play_tag};
use crate::protocol::{TrackEndReason, WireTrack};
use crate::time::Timestamp;

/// How long after an end time the pool takes it that the node does not end the track.
const END_GRACE: Duration = Duration::from_millis(250);

impl Tables {
    /// Arms the timer for the player's end time, as what is known of the player says.
    pub(super) fn watch_end(&mut self, id: PlayerId) {
        let now = self.now;
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let due = player.end_due_at(now);
        let Some(wishes) = &mut player.wishes else {
            return;
        };
        let armed = wishes.end_timer;
        if armed.and_then(|key| self.timers.due_at(key)) == due {
            return;
        }
        self.timers.clear(&mut wishes.end_timer);
        wishes.end_timer = due.map(|at| self.timers.arm(at, Timer::EndTime(id)));
    }

    /// The track should be over by now.
    pub(super) fn end_time_due(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let due = player.end_due_at(now);
        let Some(wishes) = &mut player.wishes else {
            return;
        };
        wishes.end_timer = None;
        let (Some(choice), true) = (
            player.wanted.track.as_ref(),
            due.is_some_and(|at| at <= now),
        ) else {
            return self.watch_end(id);
        };
        wishes.ended = Some(choice.play);
        let track = choice.track().cloned();
        let guild = player.guild;
        // Past any barrier: this is not asked for by anybody.
        self.apply_update(CommandId::NOBODY, id, Update::stop(), now);
        if let Some(track) = track {
            self.emit(Kinds::TRACKS, || Event::TrackEnd {
                guild,
                track,
                reason: TrackEndReason::Finished,
            });
        }
    }
}

impl Player {
    /// When the pool ends the track, unless the node does before: only while it runs, has an end
    /// time, and segments are skipped.
    fn end_due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let wanted = &self.wanted;
        let wishes = self.wishes.as_ref()?;
        wishes.categories()?;
        let end_ms = wanted.end_time_ms?;
        let choice = wanted.track.as_ref()?;
        let has_ended = wishes.ended == Some(choice.play);
        if has_ended || !wanted.clock.is_running() || end_ms >= choice.length_ms() {
            return None;
        }
        let position_ms = wanted.clock.position_ms(now);
        let left = Duration::from_millis(end_ms.saturating_sub(position_ms));
        let over = Duration::from_millis(position_ms.saturating_sub(end_ms));
        Some(now + left + END_GRACE.saturating_sub(over))
    }

    /// Whether the application knows already that this play is over: the pool ended it.
    pub(super) fn has_ended(&self, track: &WireTrack<'_>) -> bool {
        let ended = self.wishes.as_ref().and_then(|wishes| wishes.ended);
        let present = self.wanted.track.as_ref().map(|choice| choice.play);
        let play = track.user_data;
        let play = play.and_then(|data| play_tag::play_of(data.get()));
        play.is_some() && play == ended && play != present
    }
}

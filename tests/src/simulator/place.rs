//! [`Place`]: where in its track the application wants a player to be.

use std::time::Duration;

use lavapool_core::CommandId;
use lavapool_core::protocol::GuildId;

use super::Simulation;
use super::intent::Intent;
use crate::invariant::Invariant;
use crate::node::PlayerView as Copy;

/// Where in its track the application wants a player to be, from a moment on.
#[derive(Clone, Debug)]
pub(super) struct Place {
    track: String,
    position: Duration,
    asked_at: Duration,
    /// The command that asked for it, until a node has confirmed it.
    by: Option<CommandId>,
}

impl Place {
    /// What a command asks for: a place in what is wanted to play, or its beginning.
    pub(super) fn asked(
        intent: &Intent,
        position: Option<Duration>,
        by: CommandId,
        at: Duration,
    ) -> Option<Self> {
        let track = intent.track.wanted.clone();
        track.filter(|_| intent.track.is_certain).map(|track| Self {
            track,
            position: position.unwrap_or_default(),
            asked_at: at,
            by: Some(by),
        })
    }

    /// A command was answered: a node has the player there, or nobody knows where it is.
    pub(super) fn answered(place: &mut Option<Self>, by: CommandId, is_done: bool) {
        if let Some(asked) = place.as_mut().filter(|asked| asked.by == Some(by)) {
            asked.by = None;
            if !is_done {
                *place = None;
            }
        }
    }
}

impl Simulation {
    /// Where a copy should be, at the earliest and at the latest: nothing that goes wrong takes it
    /// back before the place that was asked for, or lets it play faster than time passes.
    pub(super) fn wanted_place(
        &self,
        guild: GuildId,
        intent: &Intent,
        copy: &Copy,
    ) -> Option<(Duration, Duration)> {
        let place = intent.place.as_ref().filter(|place| place.by.is_none())?;
        let plays = copy.track.as_ref()?;
        let is_it = plays.identifier == place.track && !intent.was_scaled;
        if !is_it || self.oracle.may_seek_late(guild, place.asked_at) {
            return None;
        }
        let passed = self.world.now().saturating_sub(place.asked_at);
        // Nobody goes beyond the end of a track: where it stands then, if it is paused.
        let length = Duration::from_millis(u64::try_from(plays.length_ms).unwrap_or(0));
        let earliest = place.position.min(length).saturating_sub(ROUNDED_MAX);
        Some((earliest, place.position + passed + ROUNDED_MAX))
    }

    /// What differs from the place that the application asked for.
    pub(super) fn place_is_another(
        &self,
        guild: GuildId,
        intent: &Intent,
        copy: &Copy,
    ) -> Option<(Invariant, String)> {
        let (earliest, latest) = self.wanted_place(guild, intent, copy)?;
        let real = Duration::from_millis(u64::try_from(copy.content_ms).unwrap_or(0));
        (real < earliest || real > latest).then(|| {
            let detail = format!("it is at {real:?}, wanted {earliest:?} to {latest:?}");
            (Invariant::PlaceWanted, detail)
        })
    }
}

/// Each time that a player goes on elsewhere its place is rounded down to a millisecond.
const ROUNDED_MAX: Duration = Duration::from_millis(100);

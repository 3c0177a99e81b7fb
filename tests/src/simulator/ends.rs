//! What the end of a track says of the guild's player.

use std::time::Duration;

use lavapool_core::Event;
use lavapool_core::protocol::{GuildId, TrackEndReason};

use super::Simulation;
use super::parts::Part;
use crate::invariant::Invariant;
use crate::world::Traced;

impl Simulation {
    /// Takes note of the guilds in which a track may have ended without news: those whose players
    /// are in a session that was resumed, as long as no server plays it.
    pub(super) fn note_resumed(&mut self, at: Duration, traced: &Traced) {
        match traced {
            Traced::Event(Event::NodeReady {
                node,
                resumed: true,
                ..
            }) => {
                for guild in self.guilds_of(&node.name) {
                    self.oracle.tellings.looked_at(guild, at);
                }
            }
            Traced::Event(Event::TrackEnd { guild, track, .. }) => {
                let copies = self.world.copies(*guild);
                let plays_it = copies.iter().any(|(_, copy)| {
                    let track_there = copy.track.as_ref();
                    track_there.is_some_and(|there| there.identifier == track.info.identifier)
                });
                if plays_it {
                    self.oracle.tellings.goes_on(*guild);
                }
            }
            _ => {}
        }
    }

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
        if *reason == TrackEndReason::Stopped {
            self.judge_stopped(*guild, &track.info.identifier);
        }
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

    /// Judges whether what is wanted was stopped, which nobody asked for.
    fn judge_stopped(&mut self, guild: GuildId, stopped: &str) {
        let intent = self.application.intents.get(&guild);
        let is_wanted = intent.is_some_and(|intent| {
            let wanted = intent.track.wanted.as_deref();
            wanted == Some(stopped) && !intent.track.allows(&None)
        });
        let orphans = &self.oracle.orphans;
        let may_have_been =
            orphans.may_have_changed(guild, Part::Track) || orphans.may_remove(guild);
        let is_doubted = self.oracle.is_in_doubt(guild, self.world.now());
        let is_known = !self.application.is_asked_of(guild) && !may_have_been && !is_doubted;
        if is_wanted && is_known && !self.plays_on(guild, stopped) {
            let detail = format!("{stopped:?} in {guild} was stopped, and is wanted");
            self.fail(Invariant::TrackWanted, || detail);
        }
    }
}

//! [`Place`]: where in its track the application wants a player to be.

use std::time::Duration;

use lavapool_core::CommandId;
use lavapool_core::player::Place as Placement;
use lavapool_core::protocol::GuildId;

use super::Simulation;
use super::audio::{GoesOn, UNDER_WAY_MAX};
use super::intent::Intent;
use crate::invariant::Invariant;
use crate::node::{PlayerView as Copy, RequestRecord};

/// Where in its track the application wants a player to be, from a moment on.
#[derive(Clone, Debug)]
pub(super) struct Place {
    track: String,
    position: Duration,
    asked_at: Duration,
    /// The command that asked for it, until a node has confirmed it.
    by: Option<CommandId>,
    /// When that was.
    answered_at: Duration,
    /// How far it has come as the pool was told.
    heard: Option<HeardAt>,
}

/// What the pool was told of a place, while nothing else was asked of the player.
#[derive(Clone, Copy, Debug)]
struct HeardAt {
    at: Duration,
    /// What was said.
    position: Duration,
    /// Where the player was when that came.
    real: Duration,
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
            answered_at: at,
            heard: None,
        })
    }

    /// A command was answered: a node has the player there, or nobody knows where it is.
    pub(super) fn answered(place: &mut Option<Self>, by: CommandId, is_done: bool, at: Duration) {
        if let Some(asked) = place.as_mut().filter(|asked| asked.by == Some(by)) {
            (asked.by, asked.answered_at) = (None, at);
            if !is_done {
                *place = None;
            }
        }
    }

    /// The pool was told of it.
    fn hears(&mut self, heard: HeardAt) {
        let position = heard.position.max(self.earliest());
        self.heard = Some(HeardAt { position, ..heard });
    }

    /// The earliest place that the player may be at by what the pool was told.
    fn earliest(&self) -> Duration {
        let heard = self.heard.map(|heard| heard.position);
        self.position.max(heard.unwrap_or_default())
    }

    /// The latest place: nothing lets it play faster than time passes.
    fn latest(&self, apart: Duration, now: Duration) -> Duration {
        let since = |at: Duration| now.saturating_sub(at);
        let latest = self.position + since(self.asked_at);
        let heard = self.heard;
        heard.map_or(latest, |heard| {
            latest.min(heard.real + since(heard.at) + apart)
        })
    }
}

impl Simulation {
    /// Where a copy should be, at the earliest and at the latest: nothing that goes wrong takes it
    /// back before the place that was asked for, or that the pool was told of, or lets it play
    /// faster than time passes.
    pub(super) fn wanted_place(
        &self,
        guild: GuildId,
        intent: &Intent,
        copy: &Copy,
    ) -> Option<(Duration, Duration)> {
        let place = self.place_known(guild, intent)?;
        let plays = copy.track.as_ref()?;
        if plays.identifier != place.track {
            return None;
        }
        // Nobody goes beyond the end of a track: where it stands then, if it is paused.
        let length = Duration::from_millis(u64::try_from(plays.length_ms).unwrap_or(0));
        let earliest = place.earliest().min(length).saturating_sub(ROUNDED_MAX);
        let now = self.world.now();
        let latest = if intent.was_scaled {
            place.position + now.saturating_sub(place.asked_at) * FASTEST
        } else {
            place.latest(self.apart, now)
        };
        Some((earliest, latest + ROUNDED_MAX))
    }

    /// The place that a node has confirmed, if no other can have put the player elsewhere since.
    fn place_known<'a>(&self, guild: GuildId, intent: &'a Intent) -> Option<&'a Place> {
        let place = intent.place.as_ref().filter(|place| place.by.is_none())?;
        let times = (place.asked_at, place.answered_at);
        let may_be_another = self.oracle.may_seek_late(guild, times);
        (!may_be_another).then_some(place)
    }

    /// What differs from the place that the application asked for.
    pub(super) fn place_is_another(
        &self,
        guild: GuildId,
        intent: &Intent,
        copy: &Copy,
    ) -> Option<(Invariant, String)> {
        let (earliest, latest) = self.wanted_place(guild, intent, copy)?;
        let real = real_place(copy);
        (real < earliest || real > latest).then(|| {
            let detail = format!("it is at {real:?}, wanted {earliest:?} to {latest:?}");
            (Invariant::PlaceWanted, detail)
        })
    }

    /// Takes note of where servers have just said that players are, and judges whether that may be.
    pub(super) fn note_places(&mut self) {
        for (host, guild) in std::mem::take(&mut self.oracle.reported) {
            let guild = guild.parse().ok().and_then(GuildId::new);
            let Some((guild, heard)) = guild.and_then(|guild| {
                let heard = self.hears_place(host, guild)?;
                Some((guild, heard))
            }) else {
                continue;
            };
            let intent = self.application.intents.get_mut(&guild);
            let Some(place) = intent.and_then(|intent| intent.place.as_mut()) else {
                continue;
            };
            let earliest = place.earliest().saturating_sub(ROUNDED_MAX);
            let latest = place.latest(self.apart, heard.at) + ROUNDED_MAX;
            let detail = format!("{guild} is at {heard:?}, wanted {place:?}");
            place.hears(heard);
            self.tally.places_heard += 1;
            if heard.real < earliest || heard.real > latest {
                self.fail(Invariant::PlaceWanted, || detail);
            }
        }
    }

    /// What a server has just said of a place, if the pool has to believe it: the player is there
    /// and nowhere else, is heard, and nothing is asked of it.
    fn hears_place(&self, host: usize, guild: GuildId) -> Option<HeardAt> {
        let at = self.world.now();
        let view = self.world.pool().player(guild)?;
        let is_there = view
            .node()
            .is_some_and(|node| *node.name == *self.names[host]);
        let is_asked = self.application.is_asked_of(guild) || !self.oracle.leaves_alone(guild, at);
        let is_going = matches!(view.place, Placement::On(_)) && view.playing && !view.paused;
        if !is_there || !is_going || is_asked || self.oracle.is_in_doubt(guild, at) {
            return None;
        }
        let intent = self.application.intents.get(&guild)?;
        let place = self.place_known(guild, intent)?;
        let mut copies = self.world.copies(guild);
        let (_, copy) = copies.pop().filter(|_| copies.is_empty())?;
        let is_it = copy.track.as_ref()?.identifier == place.track && !intent.was_scaled;
        let is_live = self.oracle.live_session(host) == Some(&copy.session);
        let position_ms = self.oracle.told_place(host, guild, at)?;
        let position = Duration::from_millis(u64::try_from(position_ms).ok()?);
        let real = real_place(&copy);
        let is_heard = copy.audible && copy.connected && is_live;
        // What was said of a place before the present one may come late.
        (is_it && is_heard && position <= real).then_some(HeardAt { at, position, real })
    }

    /// A PATCH that brings a track says where it goes on: not before the place that the pool was
    /// told of when that was written.
    pub(super) fn judge_begun(&mut self, host: usize, request: &RequestRecord) {
        let Some(goes_on) = GoesOn::read(request.path(), &request.body) else {
            return;
        };
        let guild = goes_on.guild;
        let written_at = self.oracle.patched_at(host, guild);
        let intent = self.application.intents.get(&guild);
        let place = intent.and_then(|intent| self.place_known(guild, intent));
        let heard = place.and_then(|place| place.heard);
        let (Some(written_at), Some(place), Some(heard)) = (written_at, place, heard) else {
            return;
        };
        let is_latest = written_at + UNDER_WAY_MAX >= request.at && heard.at < written_at;
        let is_it = goes_on.identifier == place.track && !goes_on.is_over;
        let is_asked = self.application.is_asked_of(guild);
        let is_doubted = self.oracle.is_in_doubt(guild, request.at);
        let position = Duration::from_millis(u64::try_from(goes_on.position).unwrap_or(0));
        let is_before = position + ROUNDED_MAX < heard.position;
        if is_latest && is_it && is_before && !is_asked && !is_doubted {
            let detail = format!("{guild} begins again at {position:?}, wanted {place:?}");
            self.fail(Invariant::PlaceWanted, || detail);
        }
    }
}

fn real_place(copy: &Copy) -> Duration {
    Duration::from_millis(u64::try_from(copy.content_ms).unwrap_or(0))
}

/// Each time that a player goes on elsewhere its place is rounded down to a millisecond.
const ROUNDED_MAX: Duration = Duration::from_millis(100);

/// The highest speed that is asked for.
const FASTEST: u32 = 2;

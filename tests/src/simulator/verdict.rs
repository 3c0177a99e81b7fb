//! Whether all is as it should be once nothing goes wrong any more.

use std::time::Duration;

use lavapool_core::node::Status;
use lavapool_core::player::{PlayerView, Position};
use lavapool_core::protocol::GuildId;

use super::Simulation;
use super::intent::Intent;
use crate::invariant::{Broken, Invariant};
use crate::node::PlayerView as Copy;

impl Simulation {
    /// The first thing that is not as it should be; none if all is.
    pub(super) fn unsettled(&self) -> Option<Broken> {
        let broken = self.nodes_missing().or_else(|| self.players_differ());
        broken.or_else(|| {
            let intents = self.application.intents.iter();
            intents
                .map(|(guild, intent)| self.guild_differs(*guild, intent))
                .find_map(Option::from)
        })
    }

    fn nodes_missing(&self) -> Option<Broken> {
        for (host, name) in self.names.iter().enumerate() {
            if !self.plan.options.healed[host] || !self.application.known[host] {
                continue;
            }
            let pool = self.world.pool();
            let node = pool.node_named(name).and_then(|id| pool.node(id));
            let status = node.map(|node| node.status);
            if status != Some(Status::Connected) {
                return broken(Invariant::NodesReturn, format!("{name} is {status:?}"));
            }
        }
        None
    }

    /// Every player is wanted, and on no server is one that the pool does not know.
    fn players_differ(&self) -> Option<Broken> {
        let pool = self.world.pool();
        for view in pool.players() {
            if !self.application.intents.contains_key(&view.guild) {
                let detail = format!("{} has a player in the pool", view.guild);
                return broken(Invariant::DestroyedIsGone, detail);
            }
        }
        for (host, name) in self.names.iter().enumerate() {
            if !self.plan.options.healed[host] {
                continue;
            }
            for number in self.world.guilds_on(name) {
                let guild = GuildId::new(number)?;
                if pool.player(guild).is_none() && !self.oracle.orphans.may_change(guild) {
                    let detail = format!("{guild} has a player on {name}");
                    return broken(Invariant::DestroyedIsGone, detail);
                }
            }
        }
        None
    }

    fn guild_differs(&self, guild: GuildId, intent: &Intent) -> Option<Broken> {
        let Some(view) = self.world.pool().player(guild) else {
            if intent.may_be_gone {
                return None;
            }
            return broken(Invariant::PlayersKept, format!("{guild} has no player"));
        };
        let copies = self.world.copies(guild);
        let healed = copies.into_iter().filter(|(name, _)| {
            let host = self.names.iter().position(|known| known == name);
            host.is_some_and(|host| self.plan.options.healed[host])
        });
        let mut healed: Vec<_> = healed.collect();
        if healed.len() > 1 {
            healed.retain(|(_, copy)| !self.is_leftover(guild, copy));
        }
        // What an earlier client had asked last may have been to destroy it.
        if healed.is_empty() && (is_idle(&view) || self.oracle.orphans.may_remove(guild)) {
            return None;
        }
        if healed.len() != 1 {
            let places: Vec<_> = healed.iter().map(|(name, _)| *name).collect();
            return broken(Invariant::PlaysOnce, format!("{guild} is on {places:?}"));
        }
        let (name, copy) = healed.remove(0);
        let node = view.node().map(|node| node.name.to_string());
        if node.as_deref() != Some(name) || !view.synced {
            let detail = format!(
                "{guild} is on {name}, the pool says {:?}, synced {}",
                view.place, view.synced
            );
            return broken(Invariant::Agreed, detail);
        }
        if self.oracle.orphans.may_change(guild) {
            return None;
        }
        let (track, state) = (
            self.track_differs(&view, &copy, intent),
            self.state_differs(&view, &copy, intent),
        );
        let voice = || self.voice_differs(&view, &copy);
        let found = track.or(state);
        let (invariant, detail) = match found {
            None if intent.is_strange => return None,
            found => found.or_else(voice)?,
        };
        broken(invariant, format!("{guild} on {name}: {detail}"))
    }

    /// An empty player that plays nothing to nobody, made by what an earlier client had asked last.
    fn is_leftover(&self, guild: GuildId, copy: &Copy) -> bool {
        self.oracle.orphans.may_change(guild) && copy.track.is_none() && copy.voice.is_none()
    }

    fn track_differs(
        &self,
        view: &PlayerView,
        copy: &Copy,
        intent: &Intent,
    ) -> Option<(Invariant, String)> {
        let playing = copy.track.as_ref();
        let found = playing.map(|track| track.identifier.clone());
        if !intent.track.allows(&found) || view.playing != found.is_some() {
            let detail = format!(
                "it plays {found:?}, wanted {:?}, the pool says {}",
                intent.track, view.playing
            );
            return Some((Invariant::TrackWanted, detail));
        }
        let track = playing?;
        let data = track.user_data.as_object().map(|object| {
            let mut object = object.clone();
            object.shift_remove("lavapool");
            object
        });
        let data = data.filter(|object| !object.is_empty());
        let data = data.map(|object| serde_json::Value::Object(object).to_string());
        if !intent.user_data.allows(&data) {
            let detail = format!("user data {data:?}, wanted {:?}", intent.user_data);
            return Some((Invariant::UserDataWanted, detail));
        }
        // What clears an end time on a server is one that never comes.
        let end_time = copy.end_time_ms.filter(|end| *end < i64::MAX);
        let end_time = end_time.and_then(|end| u64::try_from(end).ok());
        // A move makes an end that was passed the next moment: such a track ends once it sounds.
        let is_passed = |wanted: u64| u64::try_from(copy.content_ms).is_ok_and(|at| at >= wanted);
        let is_over = intent.end_time.wanted.is_some_and(is_passed);
        if !intent.was_scaled && !is_over && !intent.end_time.allows(&end_time) {
            let detail = format!("end time {end_time:?}, wanted {:?}", intent.end_time);
            return Some((Invariant::EndTimeWanted, detail));
        }
        // With a flipped bit the pool may have asked for another place than it meant.
        if self.oracle.is_in_doubt(self.world.now()) {
            return None;
        }
        self.place_differs(view.position, copy)
    }

    fn place_differs(&self, position: Position, copy: &Copy) -> Option<(Invariant, String)> {
        let shown = position.at(self.world.stamp());
        let real = u64::try_from(copy.position_ms).unwrap_or(0);
        // At a low speed a track takes longer than it is; what is shown ends at its length.
        let length = copy.track.as_ref().map_or(0, |track| track.length_ms);
        let real = Duration::from_millis(real.min(u64::try_from(length).unwrap_or(0)));
        let off = shown.abs_diff(real);
        (copy.audible && off > CLOCKS_APART_MAX).then(|| {
            let detail = format!("{shown:?} shown, {real:?} in truth");
            (Invariant::PositionTrue, detail)
        })
    }

    fn state_differs(
        &self,
        view: &PlayerView,
        copy: &Copy,
        intent: &Intent,
    ) -> Option<(Invariant, String)> {
        let volume = u16::try_from(copy.volume).ok();
        if view.paused != copy.paused || !intent.paused.allows(&copy.paused) {
            let detail = format!(
                "paused {}, wanted {:?}, the pool says {}",
                copy.paused, intent.paused, view.paused
            );
            return Some((Invariant::PauseWanted, detail));
        }
        let wanted = intent.volume.wanted.unwrap_or(100);
        if Some(view.volume.get()) != volume || (intent.volume.is_certain && Some(wanted) != volume)
        {
            let detail = format!(
                "volume {volume:?}, wanted {:?}, the pool says {:?}",
                intent.volume, view.volume
            );
            return Some((Invariant::VolumeWanted, detail));
        }
        let mut names = copy
            .filters
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys());
        let filter = names.next().cloned();
        if !intent.filters.allows(&filter) || view.filters.is_some() != filter.is_some() {
            let detail = format!("filter {filter:?}, wanted {:?}", intent.filters);
            return Some((Invariant::FiltersWanted, detail));
        }
        None
    }

    /// Whether Discord ever named this voice server to a client in this guild.
    fn was_given(&self, guild: GuildId, token: &str) -> bool {
        let given = self.given.get(&guild);
        given.is_some_and(|given| given.iter().any(|known| known.expose() == token))
    }

    fn voice_differs(&self, view: &PlayerView, copy: &Copy) -> Option<(Invariant, String)> {
        let token = copy.voice.as_ref().map(|voice| &*voice.token);
        let told = self.tokens.get(&view.guild);
        // A client that was told none goes on with what it found, which an earlier one was told.
        let is_latest = match told {
            Some(told) => token == Some(told.expose()),
            None => token.is_some_and(|token| self.was_given(view.guild, token)),
        };
        let is_audible = copy.track.is_some() && !copy.paused;
        if is_audible && !is_latest {
            return Some((
                Invariant::VoiceWanted,
                "it has an old voice server".to_owned(),
            ));
        }
        (copy.audible != is_audible).then(|| {
            let detail = format!("it is heard: {}, should be: {is_audible}", copy.audible);
            (Invariant::VoiceWanted, detail)
        })
    }
}

/// Whether there is nothing that a node would have to know.
fn is_idle(view: &PlayerView) -> bool {
    !view.playing && !view.paused && view.volume.get() == 100 && view.filters.is_none()
}

fn broken(invariant: Invariant, detail: String) -> Option<Broken> {
    Some(Broken { invariant, detail })
}

/// How far the pool's idea of a position may be from the truth: the way there and back.
const CLOCKS_APART_MAX: Duration = Duration::from_millis(25);

//! Whether all is as it should be once nothing goes wrong any more.

use std::time::Duration;

use lavapool_core::node::Status;
use lavapool_core::player::{PlayerView, Position};
use lavapool_core::protocol::GuildId;
use serde_json::json;

use super::Simulation;
use super::intent::{Found, Intent};
use super::parts::Part;
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
        let found = self.track_differs(&view, &copy, intent);
        let found = found.or_else(|| self.state_differs(&view, &copy, intent));
        let found = found.or_else(|| intent.is_torn(&Found::read(&copy)));
        let found = found.or_else(|| {
            let is_judged = self.judges(guild, intent, Part::Voice);
            is_judged
                .then(|| self.voice_differs(&view, &copy))
                .flatten()
        });
        let (invariant, detail) = found?;
        broken(invariant, format!("{guild} on {name}: {detail}"))
    }

    /// How many parts of players are judged in the end, and of how many.
    pub(super) fn parts_judged(&self) -> (u64, u64) {
        let (mut judged, mut all) = (0, 0);
        for (guild, intent) in &self.application.intents {
            let Some(view) = self.world.pool().player(*guild) else {
                continue;
            };
            let of_playing = Part::OF_PLAYING.into_iter().filter(|_| view.playing);
            for part in Part::OF_ALL.into_iter().chain(of_playing) {
                all += 1;
                judged += u64::from(self.judges(*guild, intent, part));
            }
        }
        (judged, all)
    }

    /// How many places are compared with what was asked for in the end.
    pub(super) fn places_judged(&self) -> u64 {
        let intents = self.application.intents.iter();
        let judged = intents.filter(|(guild, intent)| {
            let copies = self.world.copies(**guild);
            copies
                .iter()
                .any(|(_, copy)| self.wanted_place(**guild, intent, copy).is_some())
        });
        u64::try_from(judged.count()).unwrap_or(0)
    }

    /// Whether this part of the guild's player is compared with what is wanted.
    fn judges(&self, guild: GuildId, intent: &Intent, part: Part) -> bool {
        intent.is_certain(part) && !self.may_have_changed(guild, part)
    }

    fn may_have_changed(&self, guild: GuildId, part: Part) -> bool {
        self.oracle.orphans.may_have_changed(guild, part)
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
        let may_differ = |part| self.may_have_changed(view.guild, part);
        let found = Found::read(copy);
        if may_differ(Part::Track) {
            return None;
        }
        if !intent.track.allows(&found.track) || view.playing != found.track.is_some() {
            let detail = format!(
                "it plays {:?}, wanted {:?}, the pool says {}",
                found.track, intent.track, view.playing
            );
            return Some((Invariant::TrackWanted, detail));
        }
        found.track.as_ref()?;
        if !may_differ(Part::UserData) && !intent.user_data.allows(&found.user_data) {
            let detail = format!(
                "user data {:?}, wanted {:?}",
                found.user_data, intent.user_data
            );
            return Some((Invariant::UserDataWanted, detail));
        }
        // A move makes an end that was passed the next moment: such a track ends once it sounds.
        let is_passed = |wanted: u64| u64::try_from(copy.content_ms).is_ok_and(|at| at >= wanted);
        let is_over = intent.end_time.wanted.is_some_and(is_passed);
        let is_judged = !intent.was_scaled && !is_over && !may_differ(Part::EndTime);
        if is_judged && !intent.end_time.allows(&found.end_time) {
            let detail = format!(
                "end time {:?}, wanted {:?}",
                found.end_time, intent.end_time
            );
            return Some((Invariant::EndTimeWanted, detail));
        }
        // With a flipped bit the pool may have asked for another place than it meant.
        if self.oracle.is_in_doubt(view.guild, self.world.now()) {
            return None;
        }
        self.place_is_another(view.guild, intent, copy)
            .or_else(|| self.place_differs(view.position, copy))
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
        let may_differ = |part| self.may_have_changed(view.guild, part);
        let found = Found::read(copy);
        let agrees = view.paused == found.paused && intent.paused.allows(&found.paused);
        if !agrees && !may_differ(Part::Paused) {
            let detail = format!(
                "paused {}, wanted {:?}, the pool says {}",
                found.paused, intent.paused, view.paused
            );
            return Some((Invariant::PauseWanted, detail));
        }
        let agrees = view.volume.get() == found.volume.0 && intent.volume.allows(&found.volume);
        if !agrees && !may_differ(Part::Volume) {
            let detail = format!(
                "volume {:?}, wanted {:?}, the pool says {:?}",
                found.volume, intent.volume, view.volume
            );
            return Some((Invariant::VolumeWanted, detail));
        }
        let shown = view.filters.as_deref().map(|filters| json!(filters));
        let agrees = shown == found.filters && intent.filters.allows(&found.filters);
        if !agrees && !may_differ(Part::Filters) {
            let (found, wanted) = (found.filters, &intent.filters);
            let detail = format!("filters {found:?}, wanted {wanted:?}, the pool says {shown:?}");
            return Some((Invariant::FiltersWanted, detail));
        }
        None
    }

    fn voice_differs(&self, view: &PlayerView, copy: &Copy) -> Option<(Invariant, String)> {
        let differs = match &copy.voice {
            Some(voice) => self.voices.differs(view.guild, voice),
            None => Some("voice connection"),
        };
        let is_audible = copy.track.is_some() && !copy.paused;
        if let Some(half) = differs.filter(|_| is_audible) {
            let detail = format!("it has not the latest {half}: {:?}", copy.voice);
            return Some((Invariant::VoiceWanted, detail));
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

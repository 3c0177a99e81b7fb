//! Whether the application is told what nodes say of its players.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_core::player::Place;
use lavapool_core::protocol::GuildId;
use lavapool_core::{Command, Event};

use super::Simulation;
use super::tellings::{Told, about};
use crate::invariant::Invariant;
use crate::world::{Given, Traced};

/// What the application has to be told, and what it was.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What came in the latest piece, and must be told before anything else goes in.
    owed: Vec<Told>,
    /// The tracks that the present client was asked to play.
    asked: BTreeSet<(GuildId, String)>,
    /// What each guild's player began last, and on which server.
    heard: BTreeMap<GuildId, (usize, String)>,
    /// Those of which it was told that they began.
    begun: BTreeSet<(GuildId, String)>,
    /// When the guild's player came to another node last.
    moved: BTreeMap<GuildId, Duration>,
    /// When the guild's player was last destroyed by the present client: it was asked to, the bot
    /// has left the channel, or the player went with a node that was removed.
    destroyed: BTreeMap<GuildId, Duration>,
}

impl News {
    /// Another client has asked for nothing yet.
    pub(super) fn new_client(&mut self) {
        *self = Self::default();
    }

    /// The application asks for a track.
    pub(super) fn asked(&mut self, guild: GuildId, track: Option<String>) {
        self.asked.extend(track.map(|track| (guild, track)));
    }

    fn hears(&mut self, said: &Told) {
        if said.kind == "TrackStartEvent" {
            let begun = (said.host, said.track.clone());
            self.heard.insert(said.guild, begun);
        }
    }

    /// Whether the application was told that a track began, which that server began last.
    fn has_begun(&self, guild: GuildId, host: usize, track: &str) -> bool {
        let heard = self.heard.get(&guild);
        let is_there = heard.is_some_and(|(there, begun)| *there == host && begun == track);
        is_there && self.begun.contains(&(guild, track.to_owned()))
    }

    /// The present client has destroyed the guild's player.
    pub(super) fn destroyed(&mut self, guild: GuildId, at: Duration) {
        self.destroyed.insert(guild, at);
    }

    fn told(&mut self, event: &Event, at: Duration) {
        match event {
            // A node that did not answer when it was told of voice gets the player anew, and its
            // copy is deleted.
            Event::PlayerMoved { guild, .. } | Event::VoiceFailed { guild } => {
                self.moved.insert(*guild, at);
            }
            Event::VoiceLeft {
                guild,
                destroyed: true,
            } => self.destroyed(*guild, at),
            _ => {}
        }
        let Some((guild, kind, track)) = about(event) else {
            return;
        };
        let is_it = |owed: &Told| owed.guild == guild && owed.kind == kind && owed.track == track;
        let place = self.owed.iter().position(is_it);
        place.map(|place| self.owed.remove(place));
        if let Event::TrackStart { .. } = event {
            self.begun.insert((guild, track.to_owned()));
        }
    }
}

impl Simulation {
    /// Judges whether what a node says of a player is told at once.
    pub(super) fn judge_news(&mut self, at: Duration, traced: &Traced) {
        match traced {
            Traced::Given(given) => {
                self.judge_owed();
                if let Given::Submitted(Command::Destroy(guild), Some(_)) = given {
                    self.news.destroyed(*guild, at);
                }
                for said in self.oracle.tellings.take_fresh() {
                    let is_owed = self.is_owed(&said, at);
                    self.news.hears(&said);
                    if is_owed {
                        self.tally.news_judged += 1;
                        self.news.owed.push(said);
                    }
                }
            }
            Traced::Event(event) => self.news.told(event, at),
            Traced::Output(_) | Traced::Wrote(..) => {}
        }
    }

    /// Whatever came before has been told by now.
    pub(super) fn judge_owed(&mut self) {
        if let Some(Told {
            guild,
            kind,
            track,
            host,
            ..
        }) = self.news.owed.pop()
        {
            let name = self.name(host);
            self.fail(Invariant::NewsTold, || {
                format!("{name} said {kind} of {track:?} in {guild}, and nobody was told")
            });
        }
    }

    /// Whether the application must be told of this: it is of the player that the node has, and not
    /// of a copy that it was told to delete.
    fn is_owed(&self, said: &Told, at: Duration) -> bool {
        let Told { guild, host, .. } = *said;
        let intent = self.application.intents.get(&guild);
        let view = self.world.pool().player(guild);
        let (Some(intent), Some(view)) = (intent, view) else {
            return false;
        };
        let Place::On(node) = &view.place else {
            return false;
        };
        let destroyed_at = self.news.destroyed.get(&guild);
        let was_destroyed = destroyed_at.is_some_and(|then| *then + DELETED_WITHIN > at);
        let is_deleted = was_destroyed || self.oracle.is_deleted(host, guild, at);
        let is_there = *node.name == *self.names[host] && !self.oracle.is_new(host, at);
        if self.application.is_closing() || !is_there || is_deleted {
            return false;
        }
        let play = (guild, said.track.clone());
        match said.kind {
            // A start is told once, wherever else the track is begun after that.
            "TrackStartEvent" => {
                let is_wanted = intent.track.wanted.as_ref() == Some(&said.track);
                let is_first = !self.news.begun.contains(&play);
                intent.track.is_certain && is_wanted && is_first && self.news.asked.contains(&play)
            }
            "TrackExceptionEvent" | "TrackStuckEvent" => self.news.asked.contains(&play),
            // It may be of a copy that was there before, and is to be deleted yet.
            "WebSocketClosedEvent" => {
                let moved_at = self.news.moved.get(&guild);
                moved_at.is_none_or(|moved| *moved + SETTLES_WITHIN < at)
            }
            "TrackEndEvent" => self.is_end_owed(said),
            _ => false,
        }
    }

    /// Whether the application must be told of an end at once: of what it wants to play, that it
    /// ended by itself, while nothing else is asked for; of what it played before, that it was
    /// replaced or stopped.
    fn is_end_owed(&self, said: &Told) -> bool {
        let Told { guild, host, .. } = *said;
        let Some(intent) = self.application.intents.get(&guild) else {
            return false;
        };
        let is_wanted = intent.track.wanted.as_ref() == Some(&said.track);
        let has_begun = self.news.has_begun(guild, host, &said.track);
        let is_known = has_begun && intent.track.is_certain;
        match said.reason.as_deref() {
            Some("finished" | "loadFailed") => {
                is_known && is_wanted && !self.application.is_asked_of(guild)
            }
            Some("replaced" | "stopped") => is_known && !is_wanted,
            _ => false,
        }
    }
}

/// So long after a player came to a node, what it says of voice may be of an older copy.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);

/// So long after a player was destroyed a node may speak of what it had.
const DELETED_WITHIN: Duration = Duration::from_secs(70);

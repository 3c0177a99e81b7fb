//! What the application does in a world: commands, and Discord's voice updates.

use std::time::Duration;

use lavapool_core::node::{NodeRef, NodeView};
use lavapool_core::player::{PlayerView, Update};
use lavapool_core::protocol::{ChannelId, GuildId, Track, TrackInfo, UserId};
use lavapool_core::{Command, CommandId, NodeId, SubmitError, VoiceServerUpdate, VoiceStateUpdate};

use super::World;
use super::builder::USER_ID;
use super::records::{Answered, Given};
use crate::node::catalogue;

/// The guild of this number.
pub fn guild(number: u64) -> GuildId {
    GuildId::new(number).expect("a guild's number is not zero")
}

/// A track of three minutes that every test node can play, as a load would have given it.
pub fn track(name: &str) -> Track {
    track_of(name, Duration::from_secs(180))
}

/// A track of this length that every test node can play.
pub fn track_of(name: &str, length: Duration) -> Track {
    let identifier = format!("https://tracks.test/{name}");
    let length_ms = i64::try_from(length.as_millis()).expect("a track is not that long");
    let blob = catalogue::track(&identifier, &format!("Track {name}"), length_ms);
    let mut info = TrackInfo::default();
    info.is_seekable = !blob.is_stream;
    info.source_name.clone_from(&blob.source);
    info.author.clone_from(&blob.author);
    info.title.clone_from(&blob.title);
    info.uri.clone_from(&blob.uri);
    info.length = length_ms;
    info.identifier = identifier;
    Track::new(blob.encode(), info)
}

impl World {
    /// Submits a command that the pool must take.
    #[track_caller]
    pub fn submit(&mut self, command: Command) -> CommandId {
        self.try_submit(command)
            .expect("the pool takes the command")
    }

    /// Submits a command that the pool may refuse.
    ///
    /// # Errors
    /// Whatever the pool says.
    pub fn try_submit(&mut self, command: Command) -> Result<CommandId, SubmitError> {
        let now = self.stamp();
        let noted = self.records.is_watched.then(|| command.clone());
        let submitted = self.pool.submit(command, now);
        if let Some(command) = noted {
            let id = submitted.as_ref().ok().copied();
            self.records
                .given(self.now, || Given::Submitted(command, id));
        }
        if let Ok(id) = submitted {
            // The deadline itself is the last moment for an answer.
            let deadline = self.now
                + self.command_deadline
                + self.weather.timer_lag_max
                + Duration::from_nanos(1);
            self.driver.open.insert(id, deadline);
        }
        self.obey();
        submitted
    }

    /// Gives up the wait for a command.
    pub fn cancel(&mut self, command: CommandId) {
        let now = self.stamp();
        self.pool.cancel(command, now);
        self.records.given(self.now, || Given::Cancelled(command));
        let deadline = self.driver.open.remove(&command);
        self.driver.cancelled.extend(deadline);
        self.obey();
    }

    /// How many commands may wait for an answer: those that do, and those that were cancelled on
    /// their way.
    pub fn unanswered(&self) -> usize {
        let cancelled = self.driver.cancelled.iter();
        let on_their_way = cancelled.filter(|deadline| **deadline > self.now).count();
        self.driver.open.len() + on_their_way
    }

    /// What the command was answered, if it was.
    pub fn answer(&self, command: CommandId) -> Option<&Answered> {
        self.records.answers.get(&command).map(|(_, answer)| answer)
    }

    /// When the command was answered.
    pub fn answered_at(&self, command: CommandId) -> Option<Duration> {
        self.records.answers.get(&command).map(|(at, _)| *at)
    }

    /// Changes what the guild's player should be.
    #[track_caller]
    pub fn update(&mut self, guild: GuildId, update: Update) -> CommandId {
        self.submit(Command::Update {
            guild,
            node: None,
            update,
        })
    }

    /// Plays a track from its start.
    #[track_caller]
    pub fn play(&mut self, guild: GuildId, track: &Track) -> CommandId {
        self.update(guild, Update::play(track))
    }

    /// Lets Discord say that the bot is in the guild's voice channel, on a voice server of this
    /// region, such as `us-east` or `frankfurt`. Each join has a token of its own.
    pub fn join(&mut self, guild: GuildId, region: &str) {
        self.voice_state(guild, ChannelId::new(guild.get() + CHANNELS));
        self.voice_server(guild, Some(region));
    }

    /// Lets Discord say where the bot is.
    pub fn voice_state(&mut self, guild: GuildId, channel: Option<ChannelId>) {
        self.tell(Command::VoiceState(VoiceStateUpdate {
            guild,
            user: UserId::new(USER_ID).expect("an id is not zero"),
            channel,
            session_id: self.voice_session(guild).into(),
        }));
    }

    /// Lets Discord say which voice server it is, or that there is none at the moment.
    pub fn voice_server(&mut self, guild: GuildId, region: Option<&str>) {
        self.joins += 1;
        self.tell(Command::VoiceServer(VoiceServerUpdate {
            guild,
            token: format!("token-{}", self.joins).into(),
            endpoint: region.map(|region| format!("{region}1234.discord.media:443").into()),
        }));
    }

    /// Joins a voice channel in each of these guilds and plays a track there, and lets all of
    /// them be confirmed.
    #[track_caller]
    pub fn fill(&mut self, guilds: impl IntoIterator<Item = u64>) {
        for number in guilds {
            self.join(guild(number), "us-east");
            self.play(guild(number), &track(&number.to_string()));
        }
        let is_settled = |world: &Self| world.pool.players().all(|player| player.synced);
        self.run_until(is_settled, Duration::from_secs(10));
    }

    /// Discord says something to the bot; a pool that is closed, or has too much to do, does not
    /// hear it.
    #[track_caller]
    fn tell(&mut self, command: Command) {
        match self.try_submit(command) {
            Ok(_) | Err(SubmitError::Closed | SubmitError::TooManyCommands { .. }) => {}
            Err(error) => panic!("the pool hears whatever Discord says: {error}"),
        }
    }

    /// The guild's player as the application sees it.
    #[track_caller]
    pub fn player(&self, guild: GuildId) -> PlayerView {
        self.pool.player(guild).expect("the guild has a player")
    }

    /// The position of the guild's player at this moment, as the application sees it.
    #[track_caller]
    pub fn position(&self, guild: GuildId) -> Duration {
        self.player(guild).position.at(self.stamp())
    }

    /// The pool's name for a node.
    #[track_caller]
    pub fn id(&self, name: &str) -> NodeId {
        self.pool.node_named(name).expect("the pool has the node")
    }

    /// The pool's name for a node, as events show it.
    #[track_caller]
    pub fn reference(&self, name: &str) -> NodeRef {
        let node = self.pool.node(self.id(name));
        node.expect("the pool has the node").node
    }

    /// What the pool thinks of a node.
    #[track_caller]
    pub fn view(&self, name: &str) -> NodeView {
        let node = self.pool.node(self.id(name));
        node.expect("the pool has the node")
    }

    /// Adds a server to the pool that it did not begin with, or that was removed.
    pub fn add_node(&mut self, name: &str) -> CommandId {
        let config = self.hosts[self.host(name)].pool_side.clone();
        self.submit(Command::AddNode(config))
    }
}

/// The channel of a guild has the guild's number and this.
pub const CHANNELS: u64 = 1_000_000;

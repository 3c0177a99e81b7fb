//! [`Application`]: the bot, which wants things and remembers what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_core::node::{NodeConfig, NodeView, Status};
use lavapool_core::player::PlayerView;
use lavapool_core::protocol::{GuildId, TrackEndReason};
use lavapool_core::{
    Command, CommandId, ConfigError, Event, Leaving, NodeId, RequestError, SubmitError,
};

use super::change::Change;
use super::intent::{Found, Intent};
use super::order::Order;
use super::order::OrderKind;
use super::place::Place;
use super::{Plan, Simulation};
use crate::invariant::Invariant;
use crate::world::{Answered, guild};

/// What the bot remembers.
#[derive(Debug, Default)]
pub(super) struct Application {
    /// What it wants, by guild.
    pub(super) intents: BTreeMap<GuildId, Intent>,
    /// What it waits for, and the guild that it is about.
    pub(super) open: BTreeMap<CommandId, Asked>,
    /// Which servers are nodes of the pool, by their index.
    pub(super) known: Vec<bool>,
    /// Some server blames it, at some time, for what it asks to be changed.
    may_be_blamed: bool,
    /// This is not the first process, and until then it may find players on its nodes; for ever
    /// if it has not seen all of them yet.
    blind_until: Option<Duration>,
    /// The guilds whose players it may find.
    unseen: BTreeSet<GuildId>,
    /// The client is closing: until when, and with which nodes another one starts.
    pub(super) closing: Option<(Duration, Vec<NodeConfig>)>,
}

/// A command that was not answered yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub(super) guild: Option<GuildId>,
    /// The server that it removes.
    removes: Option<usize>,
    /// Whether it says where in a track the player is to be.
    sets_place: bool,
}

impl Application {
    /// One that knows of the servers of a plan, all of them nodes of the pool.
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            known: vec![true; plan.options.hosts],
            may_be_blamed: plan.blames_changes(),
            ..Self::default()
        }
    }

    /// Whether something that was asked about a guild is not answered.
    pub(super) fn is_asked_of(&self, guild: GuildId) -> bool {
        self.open.values().any(|asked| asked.guild == Some(guild))
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// The client's host is suspended: what it was about to do, it does later.
    pub(super) fn sleeps_for(&mut self, time: Duration) {
        if let Some((by, _)) = &mut self.closing {
            *by += time;
        }
    }

    /// The moment by which a client that closes must have done so.
    pub(super) fn closes_by(&self) -> Option<Duration> {
        self.closing.as_ref().map(|(at, _)| *at)
    }
}

impl Simulation {
    /// Plays something, in a voice channel.
    pub(super) fn play(&mut self, guild: GuildId, play: &Change) {
        let known = self.application.intents.contains_key(&guild);
        if !known || self.world.pool().player(guild).is_none() {
            self.join(guild, guild.get());
        }
        self.update(guild, play);
    }

    /// Changes a player, and remembers how it should be.
    pub(super) fn update(&mut self, guild: GuildId, change: &Change) {
        let is_playing = self
            .world
            .pool()
            .player(guild)
            .is_some_and(|view| view.playing);
        let is_blind = self.is_blind(guild);
        let command = Command::Update {
            guild,
            node: None,
            update: change.update(),
        };
        let asked = Asked {
            guild: Some(guild),
            removes: None,
            sets_place: change.sets_place(),
        };
        let Some(id) = self.submit_about(command, asked) else {
            return;
        };
        let intent = self.wanted(guild);
        if change.if_idle && is_playing {
            return;
        }
        change.apply(intent, id);
        let track = change.track.as_ref();
        let track = track.and_then(|_| intent.track.wanted.clone());
        self.news.asked(guild, track);
        let now = self.world.now();
        let intent = self.wanted(guild);
        let place = Place::asked(intent, change.position, id, now);
        intent.is_strange = false;
        intent.may_be_gone = false;
        if change.sets_place() {
            (intent.place_is_known, intent.placed_by) = (false, Some(id));
            intent.place = place;
        }
        if change.if_idle && is_blind {
            // The node may play something, and that is heard later.
            intent.doubt_play();
        }
    }

    pub(super) fn destroy(&mut self, guild: GuildId) {
        if self.world.pool().player(guild).is_none() {
            return;
        }
        let asked = Asked {
            guild: Some(guild),
            ..Asked::default()
        };
        if self.submit_about(Command::Destroy(guild), asked).is_some() {
            self.application.intents.remove(&guild);
        }
    }

    /// The pool's name for a server.
    pub(super) fn node_of(&self, host: usize) -> Option<NodeId> {
        let known = self.application.known[host];
        let name = &self.names[host];
        known.then(|| self.world.pool().node_named(name)).flatten()
    }

    /// Makes a server a node of the pool, unless it is still being removed.
    pub(super) fn add_node(&mut self, host: usize) {
        let config = self.world.node_config(&self.names[host], None);
        let added = self.submit_about(Command::AddNode(config), Asked::default());
        if added.is_some() {
            self.application.known[host] = true;
            self.oracle.becomes(host, self.node_of(host));
            self.expect_dial(host);
        }
    }

    /// The oracle is told which nodes there are in another pool.
    pub(super) fn name_nodes(&mut self) {
        for host in 0..self.names.len() {
            self.oracle.becomes(host, self.node_of(host));
        }
    }

    /// A server may be dialled at once.
    pub(super) fn expect_dial(&mut self, host: usize) {
        let now = self.world.now();
        self.oracle.expect_dial(host, now);
    }

    pub(super) fn remove_node(&mut self, order: Order, node: NodeId) {
        let is_with_players = order.kind == OrderKind::RemoveWithPlayers;
        let players = [Leaving::Keep, Leaving::Destroy][usize::from(is_with_players)];
        // Which ones that are is the pool's word at this moment.
        let there = |view: &PlayerView| super::spread::names(&view.place, node);
        let views: Vec<_> = self.world.pool().players().filter(there).collect();
        let asked = Asked {
            removes: Some(order.host),
            ..Asked::default()
        };
        let command = Command::RemoveNode { node, players };
        if self.submit_about(command, asked).is_none() {
            return;
        }
        self.application.known[order.host] = false;
        self.oracle.leaves(order.host);
        for view in views.iter().filter(|_| is_with_players) {
            let intents = &mut self.application.intents;
            let intent = intents.entry(view.guild).or_insert_with(Intent::unknown);
            intent.may_be_gone = true;
            intent.doubt();
            if self.world.pool().player(view.guild).is_none() {
                self.news.destroyed(view.guild, self.world.now());
                self.voices.forget(view.guild);
            }
        }
    }

    /// Whether the pool has a player for the guild, or had no reason to make none.
    pub(super) fn has_room_for(&self, guild: GuildId) -> bool {
        let is_bounded = self.plan.options.limits.is_some();
        !is_bounded || self.world.pool().player(guild).is_some()
    }

    pub(super) fn submit(&mut self, command: Command, guild: Option<GuildId>) {
        let asked = Asked {
            guild,
            ..Asked::default()
        };
        self.submit_about(command, asked);
    }

    pub(super) fn submit_about(&mut self, command: Command, asked: Asked) -> Option<CommandId> {
        match self.world.try_submit(command) {
            Ok(id) => {
                if let Some(guild) = asked.guild {
                    self.gaps.asked(guild, self.world.now());
                }
                self.application.open.insert(id, asked);
                Some(id)
            }
            Err(
                SubmitError::NoSuchPlayer
                | SubmitError::NoSuchNode
                // It was removed a moment ago, and is not gone yet.
                | SubmitError::Config(ConfigError::DuplicateName { .. }),
            ) => None,
            Err(SubmitError::TooManyCommands { max }) if self.world.unanswered() >= max => None,
            Err(SubmitError::TooManyPlayers { max })
                if self.world.pool().players().count() >= max =>
            {
                None
            }
            Err(error) => {
                self.fail(Invariant::OrderTaken, || format!("refused: {error}"));
                None
            }
        }
    }

    /// Gives up the wait for one of the open commands.
    pub(super) fn cancel(&mut self, number: u64) {
        let open = &self.application.open;
        if open.is_empty() {
            return;
        }
        let place = super::fault::index(number, open.len());
        let Some((id, asked)) = open.iter().nth(place).map(|(id, asked)| (*id, *asked)) else {
            return;
        };
        // Whether it is refused will not be heard of.
        if let Some(intent) = asked
            .guild
            .and_then(|guild| self.application.intents.get_mut(&guild))
        {
            intent.take_back(id);
        }
        if let Some(guild) = asked.guild {
            self.oracle.tellings.unheard(guild, id);
        }
        self.application.open.remove(&id);
        self.world.cancel(id);
    }

    /// What is wanted of a guild's player. One that nobody asked for may be there from before.
    pub(super) fn wanted(&mut self, guild: GuildId) -> &mut Intent {
        let is_blind = self.is_blind(guild);
        self.application.intents.entry(guild).or_insert_with(|| {
            let mut intent = Intent::default();
            if is_blind {
                intent.doubt();
            }
            intent
        })
    }

    /// Whether another process of the client may find the guild's player yet, as an earlier one
    /// left it.
    fn is_blind(&mut self, guild: GuildId) -> bool {
        let now = self.world.now();
        if self.application.blind_until == Some(Duration::MAX) {
            let mut nodes = self.world.pool().nodes();
            if nodes.all(|node| node.status == Status::Connected) {
                self.application.blind_until = Some(now + LISTED_WITHIN);
            }
        }
        let until = self.application.blind_until;
        if until.is_none_or(|until| until <= now) {
            self.application.unseen.clear();
        }
        self.application.unseen.contains(&guild)
    }

    /// Hears what became of a command.
    pub(super) fn hear_answer(&mut self, id: CommandId, answer: &Answered) {
        let Some(asked) = self.application.open.remove(&id) else {
            return;
        };
        self.tally.answer(answer);
        if let Some(host) = asked.removes {
            self.oracle.removed(host);
        }
        let now = self.world.now();
        let may_be_blamed = self.application.may_be_blamed;
        let intents = &mut self.application.intents;
        let guild_and_intent = asked
            .guild
            .and_then(|guild| Some((guild, intents.get_mut(&guild)?)));
        let Some((guild, intent)) = guild_and_intent else {
            return;
        };
        match answer {
            Ok(_) => {
                let parts = intent.confirm(id);
                self.oracle.orphans.settled(guild, &parts, now);
            }
            Err(RequestError::Rejected { .. }) => {
                self.tally.refusals_judged += intent.refuse(id);
            }
            Err(RequestError::VoiceTimeout | RequestError::TrackUnplayable) => {
                intent.take_back(id);
            }
            // Whether it is refused later will not be heard of.
            Err(RequestError::Unconfirmed(_)) => intent.doubt_refused(id, may_be_blamed),
            Err(_) => {}
        }
        if asked.sets_place {
            intent.placed(id, answer.is_ok(), now);
        }
        self.oracle.tellings.answered(guild, id, answer, now);
        if asked.sets_place && answer.is_ok() {
            self.oracle.orphans.played(guild, now);
        }
    }

    /// Hears what the pool has to say.
    pub(super) fn hear(&mut self, event: &Event) {
        self.tally.event(event);
        self.judge_end(event);
        match event {
            Event::TrackEnd {
                guild,
                track,
                reason,
            } => {
                let is_of_a_copy = *reason == TrackEndReason::Stopped
                    && self.plays_on(*guild, &track.info.identifier);
                if let Some(intent) = self.application.intents.get_mut(guild) {
                    match reason {
                        _ if is_of_a_copy => {}
                        TrackEndReason::Replaced => intent.replaced(&track.info.identifier),
                        _ => intent.ended(&track.info.identifier),
                    }
                }
            }
            Event::TrackUnplayable { guild, track } => {
                if let Some(intent) = self.application.intents.get_mut(guild) {
                    intent.ended(&track.info.identifier);
                }
            }
            Event::PlayerAdopted { guild, .. } => {
                let is_found = self.is_blind(*guild);
                let intents = &mut self.application.intents;
                let intent = intents.entry(*guild).or_insert_with(Intent::unknown);
                intent.may_be_gone = false;
                if !is_found {
                    intent.doubt();
                }
            }
            // What a node has of a play that it refuses, it may have shown in the meantime.
            Event::NodeDisconnected { node, .. } | Event::NodeReady { node, .. } => {
                let theirs = self.guilds_of(&node.name);
                for guild in theirs {
                    if let Some(intent) = self.application.intents.get_mut(&guild) {
                        intent.forget_before();
                    }
                }
            }
            Event::VoiceLeft {
                guild,
                destroyed: true,
            } => drop(self.application.intents.remove(guild)),
            Event::VoiceFailed { guild } | Event::VoiceLost { guild, .. } => {
                self.rejoins.push((self.world.now(), *guild));
            }
            _ => {}
        }
    }

    /// Closes the client; another one starts when it has closed.
    pub(super) fn close(&mut self, players: Leaving) {
        let nodes = self.nodes_to_resume();
        let closes_by = self.world.now() + CLOSES_WITHIN + self.plan.options.weather.timer_lag_max;
        if self
            .submit_about(Command::Close(players), Asked::default())
            .is_none()
        {
            return;
        }
        self.oracle.told.closes();
        self.application.closing = Some((closes_by, nodes));
        if players == Leaving::Destroy {
            self.tally.closed_with_players += 1;
        }
    }

    /// Starts another client if the present one has closed.
    pub(super) fn follow_closing(&mut self) {
        if self.world.pool().is_finished() {
            let Some((_, nodes)) = self.application.closing.take() else {
                return;
            };
            self.world.judge_finished();
            self.start_client(nodes, false);
        } else if self
            .application
            .closes_by()
            .is_some_and(|by| by < self.world.now())
        {
            let sockets = self.world.open_sockets();
            self.fail(Invariant::CloseEnds, || format!("still open: {sockets:?}"));
        }
    }

    /// Ends the process of the client, and starts another one.
    pub(super) fn restart_client(&mut self, by_force: bool) {
        let nodes = self.nodes_to_resume();
        self.start_client(nodes, by_force);
    }

    fn start_client(&mut self, nodes: Vec<NodeConfig>, by_force: bool) {
        self.tally.restarts += 1;
        self.application.open.clear();
        self.application.blind_until = Some(Duration::MAX);
        // It knows the voice servers that it is told of, and those of players that it finds.
        self.voices.new_client();
        self.news.new_client();
        self.gaps.new_client();
        self.heirs.new_client();
        for number in 1..=self.plan.options.guilds {
            self.world.renew_voice_session(guild(number));
        }
        self.oracle.new_client(self.world.now());
        self.outlive();
        self.world.restart_client(nodes, by_force);
        self.name_nodes();
        for guild in self.application.intents.keys() {
            self.rejoins.push((self.world.now(), *guild));
        }
    }

    /// The nodes as the next process is told of them.
    fn nodes_to_resume(&self) -> Vec<NodeConfig> {
        let views: Vec<NodeView> = self.world.pool().nodes().collect();
        let nodes = self.names.iter().zip(&self.application.known);
        let nodes = nodes.filter(|(_, is_known)| **is_known);
        nodes
            .map(|(name, _)| {
                let view = views.iter().find(|view| *view.node.name == **name);
                self.world.node_config(name, view)
            })
            .collect()
    }

    /// What another process finds: the players that are there, or none.
    fn outlive(&mut self) {
        for (guild, intent) in &mut self.application.intents {
            let copies = self.world.copies(*guild);
            let copies = copies.iter().map(|(_, copy)| Found::read(copy));
            intent.outlive(&copies.collect::<Vec<_>>());
        }
        let guilds = (1..=self.plan.options.guilds).map(guild);
        let may_be_there = |guild: &GuildId| {
            !self.world.copies(*guild).is_empty() || self.oracle.orphans.may_change(*guild)
        };
        self.application.unseen = guilds.filter(may_be_there).collect();
    }
}

/// A close frame is answered within 2 s or not at all, and a player destroyed before within a
/// request's deadline.
const CLOSES_WITHIN: Duration = Duration::from_secs(40);

/// How long after a session was resumed its players may be unknown: an answer's deadline and more.
const LISTED_WITHIN: Duration = Duration::from_secs(20);

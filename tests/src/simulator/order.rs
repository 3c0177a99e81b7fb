//! [`Order`]: one thing that the application does, and how it does it.

use std::time::Duration;

use lavapool_core::node::Status;
use lavapool_core::protocol::SessionUpdate;
use lavapool_core::rest::Request;
use lavapool_core::{Command, Leaving, NodeId, Target};

use super::Simulation;
use super::change::{Change, Choice, Sound};
use super::fault::{index, kinds};
use super::intent::{REFUSED, UNKNOWN};
use crate::world::{guild, track};

/// One thing that the application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub kind: OrderKind,
    /// In which guild, if it is about one.
    pub guild: u64,
    /// With which server, if it is about one.
    pub host: usize,
    /// How much, where to: what else there is to say.
    pub number: u64,
}

kinds! {
    /// What the application can do.
    OrderKind {
        /// Plays a track that lasts for longer than the run.
        Play = 12,
        /// Plays a track that soon ends by itself.
        PlayShort = 6,
        /// Plays a part of a track: from a place to an end time.
        PlayPart = 4,
        /// Plays, paused and with all that a play can say.
        PlayPaused = 3,
        /// Plays what an identifier leads to.
        PlayIdentifier = 2,
        /// Plays if nothing plays.
        PlayIfIdle = 3,
        /// Plays a track that some nodes refuse, or all.
        PlayRefused = 0,
        /// Plays what an identifier should lead to, which leads to nothing.
        PlayUnknown = 0,
        /// Plays a track that cannot be played, which its node says when it is to begin.
        PlayFailing = 0,
        /// Plays without waiting for voice.
        PlayWithoutVoice = 1,
        /// Stops.
        Stop = 4,
        /// Pauses.
        Pause = 6,
        /// Goes on.
        Resume = 8,
        /// Seeks.
        Seek = 6,
        /// Sets the volume.
        Volume = 8,
        /// Sets filters.
        Filters = 6,
        /// Sets the speed.
        Speed = 4,
        /// Sets or clears the end time.
        EndTime = 4,
        /// Attaches data to the track.
        UserData = 4,
        /// Sets much at once.
        Many = 4,
        /// Destroys the player.
        Destroy = 4,
        /// Joins a voice channel again, maybe in another region.
        Join = 5,
        /// Lets Discord look for another voice server for a moment.
        VoiceServerGone = 2,
        /// Moves the bot to another voice channel.
        MoveChannel = 0,
        /// Leaves the voice channel, and joins it again later.
        LeaveChannel = 0,
        /// Connects to Discord's gateway anew.
        NewGateway = 0,
        /// Moves the player to a node.
        Move = 6,
        /// Drains a node.
        Drain = 2,
        /// Takes that back.
        Undrain = 3,
        /// Adds a node that was removed.
        AddNode = 5,
        /// Removes a node, and keeps its players.
        RemoveNode = 2,
        /// Removes a node with its players.
        RemoveWithPlayers = 1,
        /// Dials a node again, whatever its state.
        Reconnect = 2,
        /// Dials a node unless it is connected.
        Connect = 3,
        /// Waits for a node.
        Await = 1,
        /// Changes for how long a session outlives its connection.
        UpdateSession = 2,
        /// Asks something of a node that is quickly answered.
        Ask = 3,
        /// Loads tracks.
        Load = 3,
        /// Fetches tracks by the cache.
        Fetch = 3,
        /// Measures a round trip.
        Ping = 2,
        /// Gives up the wait for a command.
        Cancel = 4,
        /// Closes the client, and starts another process with the session ids that it had.
        Close = 1,
        /// Closes the client with all players.
        CloseWithPlayers = 1,
        /// Kills the process, and starts another one with the session ids that it had.
        KillClient = 1,
    }
}

impl Order {
    /// How long a track lasts that soon ends by itself.
    pub(super) fn short_length(self) -> Duration {
        Duration::from_millis(500 + self.number % 40_000)
    }
}

impl Simulation {
    /// Does what the application wants to do next.
    pub(super) fn obey(&mut self, order: Order) {
        if self.world.is_suspended() || self.application.is_closing() {
            return;
        }
        self.tally.order(order.kind);
        self.note_ordered_silence(&order);
        if let Some(play) = self.play_of(order) {
            return self.play(guild(order.guild), &play);
        }
        if let Some(change) = Self::change_of(order) {
            return self.change(order, &change);
        }
        if !self.obey_for_guild(order) && !self.obey_for_node(order) {
            self.obey_for_process(order);
        }
    }

    /// The play that an order asks for.
    fn play_of(&mut self, order: Order) -> Option<Change> {
        self.plays += 1;
        let number = self.plays;
        let part = Duration::from_millis(order.number % 30_000);
        let mut play = Change {
            track: Some(Choice::Track(format!("long-{number}"), LONG)),
            ..Change::default()
        };
        match order.kind {
            OrderKind::Play => {}
            OrderKind::PlayShort => {
                let length = order.short_length();
                play.track = Some(Choice::Track(format!("short-{number}"), length));
            }
            OrderKind::PlayPart => {
                let end = part + Duration::from_millis(1 + order.number / 7 % 50_000);
                play.position = Some(part);
                play.end_time = Some(Some(end));
            }
            OrderKind::PlayPaused => with_all(&mut play, order),
            OrderKind::PlayRefused => {
                let name = format!("{REFUSED}{number}");
                self.refuse(order, &name);
                play.track = Some(Choice::Track(name, LONG));
                if !order.number.is_multiple_of(3) {
                    with_all(&mut play, order);
                }
            }
            OrderKind::PlayFailing => {
                let name = format!("failing-{number}?fails");
                play.track = Some(Choice::Track(name, LONG));
            }
            OrderKind::PlayUnknown => {
                play.track = Some(Choice::Identifier(format!("{UNKNOWN}{number}")));
                if !order.number.is_multiple_of(3) {
                    with_all(&mut play, order);
                }
            }
            OrderKind::PlayIdentifier => {
                let length_ms = LONG.as_millis();
                let text = format!("https://tracks.test/named-{number}?length={length_ms}");
                play.track = Some(Choice::Identifier(text));
            }
            OrderKind::PlayIfIdle => play.if_idle = true,
            OrderKind::PlayWithoutVoice => play.without_voice = true,
            _ => return None,
        }
        Some(play)
    }

    /// Makes servers refuse a track for ever: all, one, or the one that has the player.
    fn refuse(&mut self, order: Order, name: &str) {
        let view = self.world.pool().player(guild(order.guild));
        let present = view.and_then(|view| view.node().map(|node| node.name.clone()));
        let present = present.filter(|_| order.number.is_multiple_of(2));
        let is_everywhere = index(order.number / 2, 3) == 0;
        let identifier = track(name).info.identifier;
        for host in 0..self.names.len() {
            let is_it = match &present {
                Some(present) => **present == *self.names[host],
                None => host == order.host,
            };
            if is_it || is_everywhere {
                let node = self.world.node(&self.names[host]);
                node.faults().rejected_tracks.insert(identifier.clone());
            }
        }
    }

    /// The change that an order asks for.
    fn change_of(order: Order) -> Option<Change> {
        let place = Duration::from_secs(order.number % 3_000);
        let mut change = Change::default();
        match order.kind {
            OrderKind::Stop => change.track = Some(Choice::Stop),
            OrderKind::Pause => change.paused = Some(true),
            OrderKind::Resume => change.paused = Some(false),
            OrderKind::Seek => change.position = Some(place),
            OrderKind::Volume => change.volume = Some(volume(order)),
            OrderKind::Filters => change.filters = Some(sound(order)),
            OrderKind::Speed => {
                let speed = [50, 100, 125, 200][index(order.number, 4)];
                change.filters = Some(Sound::Fast(speed));
            }
            OrderKind::EndTime => {
                let end = (!order.number.is_multiple_of(3)).then_some(place + FAR);
                change.end_time = Some(end);
            }
            OrderKind::UserData => change.user_data = Some(order.number % 1_000),
            OrderKind::Many => {
                change.paused = Some(order.number.is_multiple_of(5));
                change.volume = Some(volume(order));
                change.position = Some(place);
                change.filters = Some(sound(order));
            }
            _ => return None,
        }
        Some(change)
    }

    /// Changes a guild's player; without one, something is played instead.
    fn change(&mut self, order: Order, change: &Change) {
        let guild = guild(order.guild);
        if self.application.intents.contains_key(&guild) {
            self.update(guild, change);
            return;
        }
        let play = Order {
            kind: OrderKind::Play,
            ..order
        };
        if let Some(play) = self.play_of(play) {
            self.play(guild, &play);
        }
    }

    fn obey_for_guild(&mut self, order: Order) -> bool {
        let guild = guild(order.guild);
        match order.kind {
            OrderKind::Destroy => self.destroy(guild),
            OrderKind::Join => self.join(guild, order.number),
            OrderKind::VoiceServerGone => {
                // Discord names another one in the end.
                self.world.voice_server(guild, None);
                self.rejoins
                    .push((self.world.now() + Duration::from_secs(2), guild));
            }
            OrderKind::MoveChannel => self.move_channel(order),
            OrderKind::LeaveChannel => self.leave_channel(order),
            OrderKind::Move => {
                if let Some(node) = self.node_of(order.host) {
                    self.submit(Command::Move { guild, node }, Some(guild));
                }
            }
            _ => return false,
        }
        true
    }

    fn obey_for_node(&mut self, order: Order) -> bool {
        let Some(node) = self.node_of(order.host) else {
            if order.kind == OrderKind::AddNode {
                self.add_node(order.host);
            }
            return order.kind.is_for_node();
        };
        let command = match order.kind {
            OrderKind::Drain => Command::Drain(node),
            OrderKind::Undrain => Command::Undrain(node),
            OrderKind::RemoveNode | OrderKind::RemoveWithPlayers => {
                self.remove_node(order, node);
                return true;
            }
            OrderKind::Reconnect => {
                self.expect_dial(order.host);
                Command::Reconnect(node)
            }
            OrderKind::Connect => {
                let view = self.world.pool().node(node);
                if view.is_none_or(|view| view.status != Status::Connected) {
                    self.expect_dial(order.host);
                }
                Command::Connect(node)
            }
            OrderKind::Await => Command::AwaitNode(node),
            OrderKind::Ping => Command::Ping(node),
            _ => match self.request_of(order, node) {
                Some(command) => command,
                None => return order.kind.is_for_node(),
            },
        };
        self.submit(command, None);
        true
    }

    /// What is asked of a node, or of the best one.
    fn request_of(&self, order: Order, node: NodeId) -> Option<Command> {
        Some(match order.kind {
            OrderKind::UpdateSession => {
                let timeout = Duration::from_secs(10 + order.number % 50);
                let request = Request::UpdateSession(SessionUpdate {
                    resuming: Some(true),
                    timeout: Some(timeout),
                });
                Command::Rest {
                    node: Target::Node(node),
                    request,
                }
            }
            OrderKind::Ask => {
                let request = match order.number % 6 {
                    0 => Request::Version,
                    1 => Request::Info,
                    2 => Request::Stats,
                    3 => Request::Players,
                    4 => Request::Player(guild(order.guild)),
                    _ => Request::RoutePlannerStatus,
                };
                Command::Rest {
                    node: self.target(order, node),
                    request,
                }
            }
            OrderKind::Load => {
                let identifier = query(order.number);
                let request = Request::LoadTracks { identifier };
                Command::Rest {
                    node: self.target(order, node),
                    request,
                }
            }
            OrderKind::Fetch => Command::FetchTracks {
                node: self.target(order, node),
                query: query(order.number).into(),
            },
            _ => return None,
        })
    }

    fn target(&self, order: Order, node: NodeId) -> Target {
        if order.number.is_multiple_of(2) {
            Target::Best
        } else {
            Target::Node(node)
        }
    }

    fn obey_for_process(&mut self, order: Order) {
        match order.kind {
            OrderKind::NewGateway => self.begin_gateway(),
            OrderKind::Cancel => self.cancel(order.number),
            OrderKind::Close => self.close(Leaving::Keep),
            OrderKind::CloseWithPlayers => self.close(Leaving::Destroy),
            OrderKind::KillClient => self.restart_client(true),
            _ => unreachable!("every other kind is obeyed before"),
        }
    }
}

impl OrderKind {
    /// Whether another process of the client follows.
    pub(super) const fn ends_client(self) -> bool {
        matches!(
            self,
            Self::Close | Self::CloseWithPlayers | Self::KillClient
        )
    }

    const fn is_for_node(self) -> bool {
        matches!(
            self,
            Self::Drain
                | Self::Undrain
                | Self::AddNode
                | Self::RemoveNode
                | Self::RemoveWithPlayers
                | Self::Reconnect
                | Self::Connect
                | Self::Await
                | Self::Ping
                | Self::UpdateSession
                | Self::Ask
                | Self::Load
                | Self::Fetch
        )
    }
}

/// All that a play can say beside its track.
fn with_all(play: &mut Change, order: Order) {
    play.position = Some(Duration::from_millis(order.number % 30_000));
    play.paused = Some(true);
    play.volume = Some(volume(order));
    play.filters = Some(sound(order));
    play.user_data = Some(order.number % 1_000);
}

fn volume(order: Order) -> u16 {
    u16::try_from(order.number / 3 % 201).unwrap_or(100)
}

fn sound(order: Order) -> Sound {
    let which = index(order.number / 33, 3);
    let (percent, smoothing) = ([25, 50, 75][which], [5, 20, 40][which]);
    let all = [Sound::Clear, Sound::Quiet(percent), Sound::Soft(smoothing)];
    all[index(order.number / 11, 3)]
}

fn query(number: u64) -> String {
    let which = number / 8 % 5;
    match number % 4 {
        0 => format!("https://tracks.test/query-{which}"),
        1 => format!("ytsearch:words {which}"),
        2 => format!("https://tracks.test/playlist/list-{which}?tracks=3"),
        _ => "https://tracks.test/error".to_owned(),
    }
}

/// Longer than any run.
const LONG: Duration = Duration::from_secs(100_000);

/// An end time that no run comes to.
const FAR: Duration = Duration::from_secs(50_000);

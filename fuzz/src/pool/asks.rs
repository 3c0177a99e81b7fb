//! [`Ask`]: what the application asks for.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use http::Method;
use lavapool_core::player::{PluginWish, Source, Update};
use lavapool_core::protocol::plugins::{Category, LyricsFrom};
use lavapool_core::protocol::{
    ChannelId, Filters, GuildId, Preset, RawJson, SessionUpdate, VoiceState,
};
use lavapool_core::rest::Request;
use lavapool_core::{Command, Leaving, NodeId, Shard, Target, VoiceServerUpdate, VoiceStateUpdate};

use super::setup::{CACHED_MAX, SECRET, USER};

/// What the application asks for.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Ask {
    Play {
        guild: u8,
        position_ms: u16,
        end_ms: Option<u16>,
        how: How,
    },
    PlayWords {
        guild: u8,
    },
    Stop {
        guild: u8,
    },
    Seek {
        guild: u8,
        position_ms: u32,
    },
    EndTime {
        guild: u8,
        end_ms: Option<u16>,
    },
    Volume {
        guild: u8,
        volume: u16,
    },
    Pause {
        guild: u8,
        paused: bool,
    },
    Filter {
        guild: u8,
        is_fast: bool,
    },
    UserData {
        guild: u8,
        number: u8,
    },
    Voice {
        guild: u8,
        channel: u8,
        server: u8,
    },
    VoiceState {
        guild: u8,
        channel: u8,
    },
    VoiceServer {
        guild: u8,
        server: u8,
    },
    Join {
        guild: u8,
        channel: u8,
    },
    GatewayReady,
    Alone {
        guild: u8,
        alone: bool,
    },
    InactiveAfter {
        guild: u8,
        seconds: Option<u8>,
    },
    Move {
        guild: u8,
        node: u8,
    },
    Destroy {
        guild: u8,
    },
    Drain {
        node: u8,
    },
    Undrain {
        node: u8,
    },
    Connect {
        node: u8,
    },
    Reconnect {
        node: u8,
    },
    AwaitNode {
        node: u8,
    },
    Add {
        name: u8,
    },
    Remove {
        node: u8,
        destroy: bool,
    },
    Ping {
        node: u8,
    },
    Load {
        node: Option<u8>,
    },
    Fetch {
        node: Option<u8>,
        query: u8,
    },
    SetCache {
        capacity: Option<u8>,
    },
    Players {
        node: u8,
    },
    Session {
        node: u8,
        seconds: u8,
    },
    Raw {
        node: Option<u8>,
        guild: u8,
        verb: u8,
    },
    Categories {
        guild: u8,
        on: bool,
    },
    Lyrics {
        guild: u8,
        on: bool,
    },
}

/// How a track is played.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum How {
    Plainly,
    WithoutVoice,
    Politely,
    Paused,
}

impl Ask {
    /// The command, if the nodes that it names are there.
    pub(super) fn command(self, nodes: &[NodeId], add: impl Fn(u8) -> Command) -> Option<Command> {
        let node = |number: u8| at(nodes, number);
        let target = |number: Option<u8>| number.and_then(node).map_or(Target::Best, Target::Node);
        Some(match self {
            Self::Move {
                guild: of,
                node: to,
            } => Command::Move {
                guild: guild(of),
                node: node(to)?,
            },
            Self::Destroy { guild: of } => Command::Destroy(guild(of)),
            Self::Drain { node: number } => Command::Drain(node(number)?),
            Self::Undrain { node: number } => Command::Undrain(node(number)?),
            Self::Connect { node: number } => Command::Connect(node(number)?),
            Self::Reconnect { node: number } => Command::Reconnect(node(number)?),
            Self::AwaitNode { node: number } => Command::AwaitNode(node(number)?),
            Self::Ping { node: number } => Command::Ping(node(number)?),
            Self::Add { name } => add(name),
            Self::Remove {
                node: number,
                destroy,
            } => {
                let players = leaving(destroy);
                Command::RemoveNode {
                    node: node(number)?,
                    players,
                }
            }
            Self::Load { node: number } => rest(
                target(number),
                Request::LoadTracks {
                    identifier: "ytsearch:a b/ä".into(),
                },
            ),
            Self::Players { node: number } => rest(Target::Node(node(number)?), Request::Players),
            Self::Session {
                node: number,
                seconds,
            } => {
                let timeout = Some(Duration::from_secs(seconds.into()));
                let update = SessionUpdate {
                    resuming: Some(seconds > 0),
                    timeout,
                };
                rest(Target::Node(node(number)?), Request::UpdateSession(update))
            }
            Self::Raw {
                node: number,
                guild: of,
                verb,
            } => rest(target(number), raw(of, verb)),
            Self::Fetch {
                node: number,
                query,
            } => Command::FetchTracks {
                node: target(number),
                query: format!("query {}", query % 4).into(),
            },
            Self::SetCache { capacity } => {
                Command::SetCacheCapacity(capacity.map(|most| usize::from(most) % (CACHED_MAX + 1)))
            }
            other => other.about_player().or_else(|| other.about_voice())?,
        })
    }

    /// What the player should be.
    fn about_player(self) -> Option<Command> {
        let millis = |of: u16| Duration::from_millis(of.into());
        let (of, update) = match self {
            Self::Play {
                guild,
                position_ms,
                end_ms,
                how,
            } => {
                let play = Update::play(Source::encoded("QAAA")).position(millis(position_ms));
                let play = match end_ms {
                    Some(end) => play.end_time(millis(end)),
                    None => play,
                };
                let play = match how {
                    How::Plainly => play,
                    How::WithoutVoice => play.without_voice(),
                    How::Politely => play.no_replace(),
                    How::Paused => play.paused(true),
                };
                (guild, play)
            }
            Self::PlayWords { guild } => (
                guild,
                Update::play(Source::identifier("ytsearch:x")).without_voice(),
            ),
            Self::Stop { guild } => (guild, Update::stop()),
            Self::Seek { guild, position_ms } => (
                guild,
                Update::default().position(Duration::from_millis(position_ms.into())),
            ),
            Self::EndTime { guild, end_ms } => {
                (guild, Update::default().end_time(end_ms.map(millis)))
            }
            Self::Volume { guild, volume } => (guild, Update::default().volume(volume)),
            Self::Pause { guild, paused } => (guild, Update::default().paused(paused)),
            Self::Filter { guild, is_fast } => {
                let preset = if is_fast {
                    Preset::Nightcore
                } else {
                    Preset::BassBoostLow
                };
                (guild, Update::default().filters(Filters::from(preset)))
            }
            Self::UserData { guild, number } => {
                let data = RawJson::parse(&format!(r#"{{"number":{number}}}"#)).ok()?;
                (guild, Update::default().user_data(data))
            }
            Self::Categories { guild: of, on } => {
                let wish = PluginWish::Categories(on.then(|| Arc::from([Category::Sponsor])));
                return Some(Command::Plugin {
                    guild: guild(of),
                    wish,
                });
            }
            Self::Lyrics { guild: of, on } => {
                let wish = PluginWish::Lyrics(on.then_some(LyricsFrom::Any));
                return Some(Command::Plugin {
                    guild: guild(of),
                    wish,
                });
            }
            _ => return None,
        };
        Some(Command::Update {
            guild: guild(of),
            node: None,
            update,
        })
    }

    /// What Discord says, or is to be told.
    fn about_voice(self) -> Option<Command> {
        Some(match self {
            Self::Voice {
                guild: of,
                channel,
                server,
            } => Command::Voice {
                guild: guild(of),
                voice: VoiceState {
                    token: token(server),
                    endpoint: endpoint(server).into(),
                    session_id: session(channel),
                    channel_id: channel_id(channel)?,
                },
            },
            Self::VoiceState { guild: of, channel } => Command::VoiceState(VoiceStateUpdate {
                guild: guild(of),
                user: USER,
                channel: channel_id(channel),
                session_id: session(channel),
            }),
            Self::VoiceServer { guild: of, server } => Command::VoiceServer(VoiceServerUpdate {
                guild: guild(of),
                token: token(server),
                endpoint: (server > 0).then(|| endpoint(server)),
            }),
            Self::Join { guild: of, channel } => Command::Join {
                guild: guild(of),
                channel: channel_id(channel)?,
                self_mute: false,
                self_deaf: true,
            },
            Self::GatewayReady => Command::GatewayReady(Shard::ALONE),
            Self::Alone { guild: of, alone } => Command::Alone {
                guild: guild(of),
                alone,
            },
            Self::InactiveAfter { guild: of, seconds } => Command::InactiveAfter {
                guild: guild(of),
                after: seconds.map(|seconds| Duration::from_secs(seconds.into())),
            },
            _ => return None,
        })
    }
}

fn rest(node: Target, request: Request) -> Command {
    Command::Rest { node, request }
}

/// A request of the application's own: one that changes a player, or one about nothing known.
fn raw(of: u8, verb: u8) -> Request {
    let player = format!("/v4/sessions/{{session}}/players/{}", guild(of));
    let (method, path, body) = match verb % 4 {
        0 => (Method::GET, player, None),
        1 => (Method::PATCH, player, Some(r#"{"volume":7}"#)),
        2 => (Method::DELETE, player, None),
        _ => (Method::POST, "/v4/else where?a=\r\n".to_owned(), Some("[]")),
    };
    let body = body.and_then(|body| RawJson::parse(body).ok());
    Request::Raw { method, path, body }
}

/// The item of this number, modulo how many there are.
pub(super) fn at<T: Copy>(items: &[T], number: u8) -> Option<T> {
    let place = usize::from(number).checked_rem(items.len())?;
    items.get(place).copied()
}

pub(super) fn guild(number: u8) -> GuildId {
    GuildId::new(u64::from(number % 8) + 1).expect("it is not zero")
}

/// No channel for 0.
fn channel_id(number: u8) -> Option<ChannelId> {
    ChannelId::new(u64::from(number % 4))
}

fn session(channel: u8) -> lavapool_core::Secret {
    format!("{SECRET}-voice-session-{channel}").into()
}

fn token(server: u8) -> lavapool_core::Secret {
    format!("{SECRET}-token-{server}").into()
}

/// Voice servers of two regions.
fn endpoint(server: u8) -> Box<str> {
    let region = if server.is_multiple_of(2) {
        "frankfurt"
    } else {
        "us-east"
    };
    format!("{region}{server}.discord.media:443").into()
}

pub(super) const fn leaving(destroy: bool) -> Leaving {
    if destroy {
        Leaving::Destroy
    } else {
        Leaving::Keep
    }
}

//! What the tests of the guides share: the real client on a [`SimRuntime`], in a few words.

use std::ops::RangeInclusive;
use std::time::Duration;

use lavapool::{
    Builder, ChannelId, Client, Event, EventStream, GuildId, Node, NodeConfig, Secret, Source,
    Update, UserId, VoiceServerUpdate, VoiceStateUpdate,
};

use crate::node::{self, TestNode};
use crate::sim::SimRuntime;

/// A builder that always draws the same.
///
/// # Panics
/// Never: 42 is an id.
pub fn builder() -> Builder {
    Client::builder(UserId::new(42).expect("not zero")).seed(7)
}

/// A node at `http://NAME:2333` with the password of every test node.
///
/// # Panics
/// If a URI cannot hold the name.
pub fn config(name: &str) -> NodeConfig {
    let uri = format!("http://{name}:2333");
    NodeConfig::new(name, &uri, "youshallnotpass").expect("a name is a host")
}

/// Starts a node of this name.
pub fn add(sim: &SimRuntime, name: &str) {
    sim.add_node(name, node::NodeConfig::new(name));
}

/// Starts a node of this name and changes it before anybody connects.
pub fn add_with(sim: &SimRuntime, name: &str, change: impl FnOnce(&mut TestNode)) {
    add(sim, name);
    sim.with(name, change);
}

/// A client of nodes of these names, which are started.
///
/// # Panics
/// If none is connected.
pub async fn connected<const COUNT: usize>(sim: &SimRuntime, names: [&str; COUNT]) -> Client {
    names.iter().for_each(|name| add(sim, name));
    connect(sim, builder().nodes(names.map(config))).await
}

/// Connects, and lets the nodes say what they are.
///
/// # Panics
/// If no node is connected.
pub async fn connect(sim: &SimRuntime, builder: Builder) -> Client {
    let client = builder.connect_on(sim.clone()).await;
    sim.sleep(Duration::from_millis(100)).await;
    client.expect("a node is there")
}

/// Whole seconds.
pub const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A guild.
///
/// # Panics
/// If it is 0.
pub fn guild(id: u64) -> GuildId {
    GuildId::new(id).expect("not zero")
}

/// A play of a track of some minutes.
pub fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song"))
}

/// Makes these guilds play, each where the client puts it.
///
/// # Panics
/// If one does not.
pub async fn play(client: &Client, guilds: RangeInclusive<u64>) {
    for id in guilds {
        let playing = client.player(guild(id)).update(song());
        join_voice(client, id, "frankfurt");
        playing.await.expect("a node is there to play it");
    }
}

/// Makes these guilds play on this node.
///
/// # Panics
/// If one does not.
pub async fn play_on(client: &Client, node: &Node, guilds: RangeInclusive<u64>) {
    for id in guilds {
        let playing = client.player(guild(id)).update_on(node, song());
        join_voice(client, id, "frankfurt");
        playing.await.expect("the node is there to play it");
    }
}

/// Joins a voice channel whose server is in this region.
///
/// # Panics
/// If the guild is 0.
pub fn join_voice(client: &Client, id: u64, server: &str) {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(id),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(id),
        token: Secret::from("voice token"),
        endpoint: Some(format!("{server}.discord.media:443").into()),
    });
}

/// The guilds that really have a player on a node.
pub fn guilds_on(sim: &SimRuntime, name: &str) -> Vec<i64> {
    sim.with(name, |node| {
        let players = node.players(node.now()).into_iter();
        players.map(|player| player.guild).collect()
    })
}

/// What a node was asked: method, path, query and body, with `SESSION` for the session's id.
pub fn asked(sim: &SimRuntime, name: &str) -> Vec<String> {
    sim.with(name, |node| {
        let requests = node.log().requests.iter();
        let line = |request: &node::RequestRecord| {
            let target = without_session(&request.target);
            let body = String::from_utf8_lossy(&request.body);
            format!("{} {target} {body}", request.method)
                .trim_end()
                .to_owned()
        };
        requests.map(line).collect()
    })
}

/// How often a node's WebSocket was dialled.
pub fn handshakes(sim: &SimRuntime, name: &str) -> usize {
    sim.with(name, |node| node.log().handshakes.len())
}

/// Takes the events that are there already.
pub fn taken(events: &mut EventStream) -> Vec<Event> {
    std::iter::from_fn(|| events.try_next()).collect()
}

fn without_session(target: &str) -> String {
    let mut parts: Vec<_> = target.split('/').collect();
    if let Some(id) = parts
        .iter()
        .position(|part| *part == "sessions")
        .and_then(|at| parts.get_mut(at + 1))
    {
        *id = "SESSION";
    }
    parts.join("/")
}

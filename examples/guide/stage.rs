//! [`Stage`]: the nodes of a chapter, and what bots do with every client.

use std::time::Duration;

use lavapool::{
    Builder, ChannelId, Client, ConfigError, Event, EventStream, GuildId, Node, NodeConfig, Secret,
    Source, Timing, Update, UserId, VoiceServerUpdate, VoiceStateUpdate,
};
use lavapool_tests::node::{self, Listener, TestNode};

pub(crate) const PASSWORD: &str = "youshallnotpass";

/// How long anything may take that is to happen soon.
const SOON: Duration = Duration::from_secs(10);

/// Test nodes on ports of this machine. A real bot has servers in their place.
pub(crate) struct Stage {
    servers: Vec<(&'static str, Listener)>,
}

impl Stage {
    /// Starts nodes of these names.
    pub(crate) async fn new<const COUNT: usize>(
        names: [&'static str; COUNT],
    ) -> std::io::Result<Self> {
        let mut servers = Vec::new();
        for name in names {
            let config = node::NodeConfig::new(name).with_plugins();
            servers.push((name, Listener::start(config).await?));
        }
        Ok(Self { servers })
    }

    /// The server of a node.
    ///
    /// # Panics
    /// If there is none of this name.
    pub(crate) fn server(&self, name: &str) -> &Listener {
        let found = self.servers.iter().find(|(other, _)| *other == name);
        &found.expect("the chapter started it").1
    }

    /// Changes a server before anybody connects.
    pub(crate) async fn set(&self, name: &str, set: impl FnOnce(&mut TestNode) + Send + 'static) {
        self.server(name).with(set).await;
    }

    /// How to reach a node.
    pub(crate) fn config(&self, name: &str) -> Result<NodeConfig, ConfigError> {
        NodeConfig::new(name, &self.server(name).uri(), PASSWORD)
    }

    /// A client of all nodes that is to be.
    pub(crate) fn builder(&self) -> Result<Builder, ConfigError> {
        let configs = self.servers.iter().map(|(name, _)| self.config(name));
        let configs: Vec<_> = configs.collect::<Result<_, _>>()?;
        Ok(builder().nodes(configs))
    }

    /// The guilds that a server really has players of.
    pub(crate) async fn guilds(&self, name: &str) -> Vec<i64> {
        let players = self.server(name).with(|node| node.players(node.now()));
        players.await.iter().map(|player| player.guild).collect()
    }
}

/// A client without nodes that is to be.
pub(crate) fn builder() -> Builder {
    let user = UserId::new(170_939_974_227_541_168).expect("not zero");
    // A node that is lost within ten seconds is not dialled at once, as others are. Nobody wants
    // to wait that long here.
    let timing = Timing {
        stable_after: Duration::ZERO,
        ..Timing::default()
    };
    Client::builder(user).timing(timing)
}

pub(crate) fn guild(id: u64) -> GuildId {
    GuildId::new(id).expect("not zero")
}

pub(crate) fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song"))
}

/// Plays in a guild, on the node of choice, with the voice server of this name.
pub(crate) async fn play(
    client: &Client,
    node: Option<&Node>,
    id: u64,
    voice: &str,
) -> Result<(), lavapool::Error> {
    let player = client.player(guild(id));
    let playing = match node {
        Some(node) => player.update_on(node, song()),
        None => player.update(song()),
    };
    // A bot hands in what Discord's gateway sends; here nobody else does.
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(id),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(id),
        token: Secret::from("voice token"),
        endpoint: Some(format!("{voice}.discord.media:443").into()),
    });
    playing.await
}

/// Waits until something is so; tells whether it came to that soon.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) -> bool {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.is_ok()
}

/// Waits for the first event that is looked for.
pub(crate) async fn event<T>(
    events: &mut EventStream,
    mut look: impl FnMut(Event) -> Option<T>,
) -> Result<T, String> {
    let wait = async {
        while let Some(event) = events.next().await {
            if let Some(found) = look(event) {
                return Ok(found);
            }
        }
        Err("the client is closed".to_owned())
    };
    let in_time = tokio::time::timeout(SOON, wait).await;
    in_time.unwrap_or_else(|_| Err("an event did not come in time".to_owned()))
}

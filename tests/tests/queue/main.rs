//! Players whose tracks follow each other: the queue and autoplay on the real driver and handles,
//! in virtual time.

#![allow(clippy::unwrap_used)]

mod autoplay;
mod ends;
mod races;
mod silences;

use std::sync::Arc;
use std::time::Duration;

use lavapool::{
    ChannelId, Client, Error, Event, EventStream, GuildId, LoadResult, NodeConfig, Player, Queue,
    QueueLimits, QueuedPlayer, Secret, Track, UserId, VoiceServerUpdate, VoiceStateUpdate,
};
use lavapool_tests::node;
use lavapool_tests::sim::SimRuntime;

/// A queue on a client, and what came of the events so far.
struct Stage {
    sim: SimRuntime,
    client: Client,
    events: EventStream,
    queue: QueuedPlayer,
    player: Player,
    /// The titles of the tracks that started.
    started: Vec<String>,
    /// What the queue answered to events, but for those that led to nothing.
    answers: Vec<Result<Option<Arc<Track>>, Error>>,
}

impl Stage {
    /// With nodes of these names.
    async fn new<const COUNT: usize>(sim: &SimRuntime, names: [&str; COUNT]) -> Self {
        let nodes = names.map(|name| (name, node::NodeConfig::new(name)));
        Self::with(sim, nodes, QueueLimits::default()).await
    }

    async fn with<const COUNT: usize>(
        sim: &SimRuntime,
        nodes: [(&str, node::NodeConfig); COUNT],
        limits: QueueLimits,
    ) -> Self {
        let mut builder = Client::builder(UserId::new(42).unwrap()).seed(7);
        for (name, config) in nodes {
            sim.add_node(name, config);
            let uri = format!("http://{name}:2333");
            builder = builder.node(NodeConfig::from_uri(name, &uri).unwrap());
        }
        let client = builder.connect_on(sim.clone()).await.unwrap();
        join(&client, guild());
        let player = client.player(guild());
        Self {
            sim: sim.clone(),
            events: client.events(),
            queue: QueuedPlayer::new(player.clone(), Queue::with_limits(3, limits)),
            client,
            player,
            started: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Loads tracks of the `http` source, by their names and hints.
    async fn load<const COUNT: usize>(&self, names: [&str; COUNT]) -> Vec<Track> {
        let mut tracks = Vec::new();
        for name in names {
            let identifier = format!("https://tracks.test/{name}");
            let result = self.client.load_tracks(identifier).await.unwrap();
            let LoadResult::Track(track) = result else {
                panic!("{result:?}");
            };
            tracks.push(track);
        }
        tracks
    }

    /// Loads tracks, adds them, and begins to play.
    async fn add<const COUNT: usize>(&self, names: [&str; COUNT]) {
        let tracks = self.load(names).await;
        self.queue.add(tracks).unwrap().await.unwrap();
    }

    /// Lets time pass, and hands the queue every event meanwhile.
    async fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.sim.sleep(Duration::from_millis(100)).await;
            self.hand_over().await;
        }
    }

    /// Lets time pass while nobody reads events.
    async fn pass_unread(&self, seconds: u64) {
        self.sim.sleep(Duration::from_secs(seconds)).await;
    }

    /// Hands the queue what was not read.
    async fn hand_over(&mut self) {
        while let Some(event) = self.events.try_next() {
            self.hand(event).await;
        }
    }

    async fn hand(&mut self, event: Event) {
        if let Event::TrackStart { track, .. } = &event {
            self.started.push(track.info.title.clone());
        }
        let answer = self.queue.handle(&event).await;
        if answer != Ok(None) {
            self.answers.push(answer);
        }
    }

    /// How many tracks wait.
    fn waiting(&self) -> usize {
        self.queue.with(|queue| queue.len())
    }
}

fn guild() -> GuildId {
    GuildId::new(817).unwrap()
}

fn join(client: &Client, guild: GuildId) {
    client.voice_state_update(VoiceStateUpdate {
        guild,
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild,
        token: Secret::from("voice token"),
        endpoint: Some("frankfurt.discord.media:443".into()),
    });
}

//! What a bot does in its life, over real sockets, the same on every runtime.

use std::time::Duration;

use lavapool::runtime::Runtime;
use lavapool::{
    ChannelId, Client, Error, Event, EventStream, Kinds, Leaving, LoadResult, NodeConfig, Player,
    RequestError, Secret, Stopped, Timing, VoiceServerUpdate, VoiceStateUpdate,
};
use lavapool_tests::node::Listener;

use crate::{Servers, builder, guild};

/// Goes through the whole life.
pub(crate) async fn a_bots_life<R: Runtime>(runtime: R, servers: &Servers) {
    let Servers { first, second, .. } = servers;
    // So that a connection that is lost early is redialled at once all the same, and resumed
    // however long a machine takes for that which has much else to do.
    let timing = Timing {
        stable_after: Duration::ZERO,
        resume_grace: Duration::from_secs(30),
        ..Timing::default()
    };
    let client = servers
        .lead(builder())
        .timing(timing)
        .nodes(["first", "second"].map(|name| servers.config(name)))
        .connect_on(runtime)
        .await
        .unwrap();
    assert_eq!(client.report().connected(), 2);
    let mut events = client.events_of(Kinds::PLAYERS | Kinds::NODES | Kinds::TRACKS);
    let player = play(&client, &mut events).await;
    pause(&player, first).await;
    blip(&client, &player, first, &mut events).await;
    fail_over(&client, &player, servers, &mut events).await;
    come_back(&client, &player, first).await;
    refuse(&client, &servers.uri(second)).await;

    client.close(Leaving::Destroy).await.unwrap();
    while events.next().await.is_some() {}
    servers.assert_goodbye();
    assert_eq!(player.pause().await, Err(Error::Closed));
    for listener in [first, second] {
        let (players, violations) = listener
            .with(|node| (node.players(node.now()), node.log().violations.clone()))
            .await;
        assert_eq!((players, violations), (vec![], vec![]));
    }
}

async fn play(client: &Client, events: &mut EventStream) -> Player {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(817),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(817),
        token: Secret::from("voice token"),
        endpoint: Some("frankfurt1234.discord.media:443".into()),
    });
    let loaded = client.load_tracks("https://tracks.test/song").await;
    let Ok(LoadResult::Track(track)) = loaded else {
        panic!("{loaded:?}");
    };
    let player = client.player(guild(817));
    player.play(&track).await.unwrap();
    let is_start = |event: &Event| matches!(event, Event::TrackStart { .. });
    until(events, is_start).await;
    assert_eq!(player.node(), client.node("first"));
    player
}

async fn pause(player: &Player, on: &Listener) {
    player.seek(Duration::from_secs(60)).await.unwrap();
    player.pause().await.unwrap();
    let theirs = on.with(|node| node.players(node.now())).await;
    assert!(theirs[0].paused && theirs[0].position_ms >= 60_000);
    player.resume().await.unwrap();
    assert!(!on.with(|node| node.players(node.now())).await[0].paused);
}

/// A connection that is lost for a moment moves nothing: its session is resumed.
async fn blip(client: &Client, player: &Player, on: &Listener, events: &mut EventStream) {
    let node = client.node("first").unwrap();
    // What a node was not asked to keep yet, or has not agreed to, it does not.
    while !node.view().resumable {
        node.ping().await.unwrap();
    }
    let session = node.session_id();
    on.drop_connections().await;
    let ready = |event: &Event| matches!(event, Event::NodeReady { resumed: true, .. });
    let before = until(events, ready).await;
    let is_move = |event: &Event| matches!(event, Event::PlayerMoved { .. });
    assert!(!before.iter().any(is_move), "{before:?}");
    assert_eq!(client.node("first").unwrap().session_id(), session);
    assert_eq!(player.node(), client.node("first"));
}

/// A node that dies hands its player over, at the same place.
async fn fail_over(client: &Client, player: &Player, servers: &Servers, events: &mut EventStream) {
    servers.first.kill().await;
    let is_move = |event: &Event| matches!(event, Event::PlayerMoved { .. });
    until(events, is_move).await;
    assert_eq!(player.node(), client.node("second"));
    let theirs = servers.second.with(|node| node.players(node.now())).await;
    assert!(theirs[0].position_ms >= 60_000, "{theirs:?}");
    assert!(theirs[0].connected);
}

/// The dead node starts again, without a memory, and gets its player back.
async fn come_back(client: &Client, player: &Player, first: &Listener) {
    first.restart().await;
    let home = client.node("first").unwrap();
    home.reconnect().await.unwrap();
    player.move_to(&home).await.unwrap();
    assert_eq!(player.node(), Some(home));
    assert_eq!(first.with(|node| node.players(node.now()).len()).await, 1);
}

async fn refuse(client: &Client, uri: &str) {
    let wrong = NodeConfig::new("wrong", uri, "not the password").unwrap();
    let refused = RequestError::Refused {
        node: "wrong".into(),
        cause: Stopped::Unauthorized,
    };
    let added = client.add_node(wrong).await;
    assert_eq!(added.unwrap_err(), Error::Request(refused));
}

/// Takes events until the one that is waited for; returns those before it.
async fn until(events: &mut EventStream, is_it: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut before = Vec::new();
    loop {
        let event = events.next().await.expect("the client is open");
        if is_it(&event) {
            return before;
        }
        before.push(event);
    }
}

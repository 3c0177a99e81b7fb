//! What is waited for, by whom, and what happens when nobody does.

use std::time::Duration;

use lavapool::runtime::Tokio;
use lavapool::{Error, Event, Kinds, Leaving, Limits, RequestError, Source, Volume};
use lavapool_tests::node::{AnswerKind, Disturbance, TestNode};

use crate::{builder, config, drained, guild, listen, one_node, requests, song};

#[tokio::test]
async fn each_stream_has_its_own_events_and_says_what_it_lost() {
    let listener = listen("main").await;
    let limits = Limits {
        events_max: 4,
        ..Limits::default()
    };
    let builder = builder().limits(limits).node(config("main", &listener));
    let mut from_the_start = builder.events();
    let client = builder.connect().await.unwrap();
    let mut nodes_only = client.events_of(Kinds::NODES);
    let mut slow = client.events_of(Kinds::UNKNOWN);
    let mut prompt = client.events_of(Kinds::UNKNOWN);

    assert!(matches!(
        from_the_start.next().await,
        Some(Event::NodeReady { resumed: false, .. })
    ));
    for _ in 0..10 {
        let disturb = |node: &mut TestNode| {
            node.disturb(&Disturbance::UnknownOp, node.now());
        };
        listener.with(disturb).await;
        assert!(matches!(prompt.next().await, Some(Event::Unknown { .. })));
    }

    assert_eq!(slow.try_next(), Some(Event::Lagged { dropped: 6 }));
    assert_eq!(drained(&mut slow).len(), 4);
    assert_eq!(nodes_only.try_next(), None);
}

#[tokio::test]
async fn a_dropped_wait_does_not_take_back_what_was_asked() {
    let (_listener, client) = one_node().await;
    let player = client.player(guild());

    drop(player.update(song().without_voice()));
    drop(player.set_volume(30));
    player.pause().await.unwrap();

    let view = player.view().unwrap();
    assert_eq!(
        (view.playing, view.volume, view.synced),
        (true, Volume::from(30), true)
    );
}

#[tokio::test]
async fn a_lookup_that_nobody_waits_for_is_never_sent() {
    let (listener, client) = one_node().await;
    // Leaves a free socket, on which a lookup would be sent at once.
    client.node("main").unwrap().version().await.unwrap();

    drop(client.load_tracks("https://tracks.test/unwanted"));
    client.load_tracks("https://tracks.test/a").await.unwrap();

    let targets = requests(&listener, "loadtracks").await;
    assert_eq!(
        targets,
        ["/v4/loadtracks?identifier=https%3A%2F%2Ftracks.test%2Fa"]
    );
}

#[tokio::test]
async fn a_lookup_in_a_full_lane_is_taken_out_of_it() {
    let listener = listen("main").await;
    let limits = Limits {
        lookup_sockets_max: 1,
        ..Limits::default()
    };
    let builder = builder().limits(limits).node(config("main", &listener));
    let client = builder.connect().await.unwrap();
    let node = client.node("main").unwrap();
    node.version().await.unwrap();
    let slow = |node: &mut TestNode| {
        let delay = Duration::from_millis(200);
        node.faults().slow.insert(AnswerKind::Load, delay);
    };
    listener.with(slow).await;

    let first = node.load_tracks("first");
    let second = node.load_tracks("second");
    // The pong comes after the driver has submitted both.
    node.ping().await.unwrap();
    drop(second);
    first.await.unwrap();
    node.load_tracks("third").await.unwrap();

    let targets = requests(&listener, "loadtracks").await;
    let names: Vec<_> = targets
        .iter()
        .map(|t| t.rsplit('=').next().unwrap())
        .collect();
    assert_eq!(names, ["first", "third"]);
}

#[tokio::test]
async fn a_deadline_is_kept_and_named() {
    let (listener, client) = one_node().await;
    let mute = |node: &mut TestNode| {
        node.faults().unanswered.insert(AnswerKind::Load);
    };
    listener.with(mute).await;

    let hasty = client.within(Duration::from_millis(50));
    let error = hasty.load_tracks("x").await.unwrap_err();

    let failure = lavapool::NodeFailure::TimedOut;
    assert_eq!(error, Error::Request(RequestError::NodeFailed(failure)));
}

#[tokio::test]
async fn dropping_every_handle_closes_politely_and_deletes_nothing() {
    let (listener, client) = one_node().await;
    let mut events = client.events();
    let player = client.player(guild());
    player.update(song().without_voice()).await.unwrap();
    let node = client.node("main").unwrap();

    drop((client, node));
    player.set_volume(50).await.unwrap();
    drop(player);
    while events.next().await.is_some() {}

    let (frames, players, sessions) = listener
        .with(|node| {
            let players = node.players(node.now()).len();
            (node.log().frames, players, node.sessions())
        })
        .await;
    assert_eq!((frames.close, players), (1, 1));
    assert_eq!((sessions[0].connection, sessions[0].resuming), (None, true));
}

#[tokio::test]
async fn a_closed_client_refuses_everything() {
    let (listener, client) = one_node().await;
    let mut events = client.events();
    let player = client.player(guild());
    player.update(song().without_voice()).await.unwrap();

    client.close(Leaving::Destroy).await.unwrap();

    while events.next().await.is_some() {}
    assert_eq!(player.pause().await, Err(Error::Closed));
    assert_eq!(client.close(Leaving::Keep).await, Err(Error::Closed));
    assert_eq!(client.events().next().await, None);
    assert_eq!(client.report().connected(), 0);
    assert_eq!(listener.with(|node| node.players(node.now())).await, []);
}

#[tokio::test]
async fn a_driver_that_is_dropped_answers_everybody() {
    let listener = listen("main").await;
    let builder = builder().node(config("main", &listener));
    let (client, driver) = builder.build_on(Tokio::current()).unwrap();
    let mut events = client.events();
    let driver = tokio::spawn(driver);
    let node = client.node("main").unwrap();
    node.ready().await.unwrap();
    let waiting = client.player(guild()).play(Source::identifier("x"));
    node.ping().await.unwrap();

    driver.abort();

    assert_eq!(waiting.await, Err(Error::Closed));
    while events.next().await.is_some() {}
    assert_eq!(node.ping().await, Err(Error::Closed));
}

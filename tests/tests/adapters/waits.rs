//! What is waited for, by whom, and what happens when nobody does.

use std::time::Duration;

use lavapool::protocol::{PlayerPatchBuf, SessionUpdate};
use lavapool::rest::Request;
use lavapool::runtime::Tokio;
use lavapool::{Error, Event, Kinds, Leaving, Limits, Node, RequestError, Source, Status, Volume};
use lavapool_tests::node::{AnswerKind, Disturbance, Listener, RequestRecord, TestNode};

use crate::{builder, config, drained, guild, listen, one_node, requests, song};

#[tokio::test]
async fn each_stream_has_its_own_events_and_says_what_it_lost() {
    let listener = listen("main").await;
    let limits = Limits {
        events_max: 4,
        ..Limits::default()
    };
    let builder = builder().node(config("main", &listener));
    let mut from_the_start = builder.events();
    let client = builder.limits(limits).connect().await.unwrap();
    let mut nodes_only = client.events_of(Kinds::NODES);
    let mut slow = client.events_of(Kinds::UNKNOWN);
    let mut prompt = client.events_of(Kinds::UNKNOWN);

    for old in [Status::Disconnected, Status::Connecting] {
        let told = from_the_start.next().await;
        assert!(
            matches!(told, Some(Event::NodeStatus { old: was, .. }) if was == old),
            "{told:?}"
        );
    }
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
    let lost = from_the_start.try_next();
    assert!(matches!(lost, Some(Event::Lagged { .. })), "{lost:?}");
    assert_eq!(drained(&mut from_the_start).len(), 4);
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
async fn a_detached_lookup_is_sent_and_answered_to_nobody() {
    let (listener, client) = one_node().await;
    // Leaves a free socket, on which a lookup is sent at once.
    client.node("main").unwrap().version().await.unwrap();

    client.load_tracks("early").detach();
    let late = client.load_tracks("late");
    // The pong comes after the driver has submitted both.
    client.node("main").unwrap().ping().await.unwrap();
    late.detach();
    client.load_tracks("last").await.unwrap();

    let mut targets = requests(&listener, "loadtracks").await;
    targets.sort();
    let target = |name| format!("/v4/loadtracks?identifier={name}");
    assert_eq!(targets, ["early", "last", "late"].map(target));
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
async fn a_request_that_changes_something_is_sent_though_nobody_waits_for_it() {
    let (listener, client) = one_node().await;
    let node = client.node("main").unwrap();

    drop(ask_for_every_change(&node));

    assert_every_change_arrives(&listener).await;
}

#[tokio::test]
async fn a_change_that_waits_in_a_full_lane_stays_there_when_its_wait_is_dropped() {
    let listener = listen("main").await;
    let limits = Limits {
        lookup_sockets_max: 1,
        ..Limits::default()
    };
    let builder = builder().limits(limits).node(config("main", &listener));
    let client = builder.connect().await.unwrap();
    let node = client.node("main").unwrap();
    let slow = |node: &mut TestNode| {
        let delay = Duration::from_millis(200);
        node.faults().slow.insert(AnswerKind::Load, delay);
    };
    listener.with(slow).await;

    let first = node.load_tracks("first");
    let changes = ask_for_every_change(&node);
    // The pong comes after the driver has submitted all of them.
    node.ping().await.unwrap();
    drop(changes);
    first.await.unwrap();

    assert_every_change_arrives(&listener).await;
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

    assert!(!events.is_ended());
    client.close(Leaving::Destroy).await.unwrap();

    while events.next().await.is_some() {}
    assert!(events.is_ended() && client.events().is_ended());
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

/// Makes every request that changes something at the node.
#[must_use]
fn ask_for_every_change(node: &Node) -> [Box<dyn Send>; 6] {
    let update = SessionUpdate {
        resuming: Some(true),
        timeout: Some(Duration::from_secs(9)),
    };
    let raw = Request::Raw {
        method: http::Method::POST,
        path: "/youtube".into(),
        body: None,
    };
    let patch = Request::UpdatePlayer {
        guild: guild(),
        no_replace: false,
        patch: PlayerPatchBuf {
            volume: Some(30),
            ..PlayerPatchBuf::default()
        },
    };
    [
        Box::new(node.free_address("10.0.0.1")),
        Box::new(node.free_all_addresses()),
        Box::new(node.update_session(update)),
        Box::new(node.request(raw)),
        Box::new(node.request(patch)),
        Box::new(node.request(Request::DestroyPlayer(guild()))),
    ]
}

async fn assert_every_change_arrives(listener: &Listener) {
    let mut seen = Vec::new();
    for _ in 0..100 {
        let of = |record: &RequestRecord| {
            let end = record.path().rsplit('/').next().unwrap_or_default();
            format!("{} {end}", record.method)
        };
        seen = listener
            .with(move |node| node.log().requests.iter().map(of).collect())
            .await;
        seen.retain(|line| !line.starts_with("GET"));
        // The client itself sets up resuming, with a PATCH of the session.
        if seen.len() >= 7 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let count = |is_it: &dyn Fn(&String) -> bool| seen.iter().filter(|line| is_it(line)).count();
    let player = format!(" {}", guild());
    assert_eq!(count(&|line| line == "POST address"), 1, "{seen:?}");
    assert_eq!(count(&|line| line == "POST all"), 1, "{seen:?}");
    assert_eq!(count(&|line| line == "POST youtube"), 1, "{seen:?}");
    assert_eq!(count(&|line| line.ends_with(&player)), 2, "{seen:?}");
    let is_session = |line: &String| line.starts_with("PATCH") && !line.ends_with(&player);
    assert_eq!(count(&is_session), 2, "{seen:?}");
}

//! What a node is asked, and how it comes and goes.

use std::time::Duration;

use lavapool::lavapool_core::Closed;
use lavapool::protocol::SessionUpdate;
use lavapool::{
    ConfigError, Error, Leaving, LoadHandler, LoadResult, Loss, NodeConfig, RequestError, Status,
    SubmitError,
};

use crate::{config, listen, one_node, refusing};

#[tokio::test]
async fn a_node_answers_every_question() {
    let (_listener, client) = one_node().await;
    let node = client.node("main").unwrap();

    assert_eq!(node.version().await.unwrap(), "4.2.2");
    let info = node.fetch_info().await.unwrap();
    assert_eq!(info.version.semver, "4.2.2");
    assert_eq!(node.fetch_stats().await.unwrap().players, 0);
    assert!(node.ping().await.unwrap() < Duration::from_secs(5));
    assert!(node.latency().is_some());
    assert_eq!(node.route_planner().await.unwrap(), None);
    let update = SessionUpdate {
        resuming: Some(true),
        timeout: Some(Duration::from_secs(9)),
    };
    let session = node.update_session(update).await.unwrap();
    assert_eq!(session.timeout, Duration::from_secs(9));

    let LoadResult::Search(found) = node.load_tracks("ytsearch:words").await.unwrap() else {
        panic!("a search finds something");
    };
    let decoded = node.decode_track(found[0].encoded.clone()).await.unwrap();
    assert_eq!(decoded.info, found[0].info);
    let blobs = found.iter().map(|track| track.encoded.clone());
    assert_eq!(
        client.decode_tracks(blobs).await.unwrap().len(),
        found.len()
    );
}

#[tokio::test]
async fn a_removed_node_refuses_what_is_asked_of_its_handle() {
    let (_listener, client) = one_node().await;
    let second = listen("second").await;
    let node = client.add_node(config("second", &second)).await.unwrap();
    assert!(node.is_connected());

    client.remove_node("second", Leaving::Keep).await.unwrap();

    assert!(node.is_removed() && client.node("second").is_none());
    assert_eq!(node.status(), Status::Disconnected);
    assert_eq!(node.name(), "second");
    let refused = Error::Submit(SubmitError::NoSuchNode);
    assert_eq!(node.ping().await.unwrap_err(), refused);
    assert_eq!(
        client.remove_node("second", Leaving::Keep).await,
        Err(refused)
    );
    let again = client.add_node(config("second", &second)).await.unwrap();
    assert_ne!(again, node);
}

#[tokio::test]
async fn a_node_is_added_without_waiting_for_it() {
    let (_listener, client) = one_node().await;
    let (_reserved, address) = refusing();
    let dead = NodeConfig::new("dead", &format!("http://{address}"), "x").unwrap();

    let node = client.add_node_detached(dead.clone()).await.unwrap();
    assert_eq!(node.status(), Status::Connecting);
    let name = "dead".into();
    assert_eq!(
        client.add_node_detached(dead).await.unwrap_err(),
        Error::Submit(ConfigError::DuplicateName { name }.into())
    );

    let hasty = node.within(Duration::from_millis(50));
    let last = Some(Loss::Socket(Closed::Refused));
    let node = "dead".into();
    let error = Error::Request(RequestError::NotConnected { node, last });
    assert_eq!(hasty.ready().await.unwrap_err(), error);
}

#[tokio::test]
async fn a_handler_says_what_an_identifier_led_to() {
    let (_listener, client) = one_node().await;
    let handler = || {
        LoadHandler::new()
            .track_loaded(|_| "track")
            .playlist_loaded(|_| "playlist")
            .search_result(|_| "search")
            .no_matches(|| "nothing")
            .load_failed(|_| "failed")
    };
    for (identifier, expected) in [
        ("https://tracks.test/song", "track"),
        ("https://tracks.test/playlist/a?tracks=2", "playlist"),
        ("ytsearch:words", "search"),
        ("ytsearch:nothing", "nothing"),
        ("https://tracks.test/error", "failed"),
    ] {
        let said = client.load_tracks_with(identifier, handler()).await;
        assert_eq!(said.unwrap(), Some(expected), "{identifier}");
    }
    let node = client.node("main").unwrap();
    let silent = LoadHandler::<()>::new();
    let said = node.load_tracks_with("ytsearch:words", silent).await;
    assert_eq!(said.unwrap(), None);
}

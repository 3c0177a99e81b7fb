//! What a player does, and what becomes of it when its node is lost.

use std::time::Duration;

use lavapool::{Event, Kinds, LoadResult, SubmitError, Volume};

use crate::{builder, config, guild, join_voice, listen, one_node, song};

#[tokio::test]
async fn a_track_is_loaded_played_paused_and_sought() {
    let (listener, client) = one_node().await;
    let mut events = client.events_of(Kinds::TRACKS);
    join_voice(&client);

    let loaded = client.load_tracks("https://tracks.test/song").await;
    let Ok(LoadResult::Track(track)) = loaded else {
        panic!("{loaded:?}");
    };
    let player = client.player(guild());
    player.play(&track).await.unwrap();

    assert!(player.is_playing());
    assert_eq!(player.track().unwrap().info.title, track.info.title);
    assert_eq!(player.node(), client.node("main"));
    let Some(Event::TrackStart { track: begun, .. }) = events.next().await else {
        panic!("the track begins");
    };
    assert_eq!(begun.info, track.info);

    let sought = player.seek(Duration::from_secs(60));
    let paused = player.pause();
    let louder = player.set_volume(150);
    assert_eq!(
        (sought.await, paused.await, louder.await),
        (Ok(()), Ok(()), Ok(()))
    );

    let view = player.view().unwrap();
    assert_eq!(
        (view.paused, view.volume, view.synced),
        (true, Volume::from(150), true)
    );
    assert!(player.position().unwrap() >= Duration::from_secs(60));
    let theirs = listener.with(|node| node.players(node.now())).await;
    assert_eq!(
        (theirs[0].paused, theirs[0].volume, theirs[0].connected),
        (true, 150, true)
    );
    assert!(theirs[0].position_ms >= 60_000);
    assert_eq!(
        listener.with(|node| node.log().violations.clone()).await,
        []
    );
}

#[tokio::test]
async fn a_stop_keeps_the_player_and_a_destroy_takes_it_away() {
    let (listener, client) = one_node().await;
    let player = client.player(guild());
    assert!(!player.exists());
    assert_eq!(
        player.destroy().await,
        Err(SubmitError::NoSuchPlayer.into())
    );

    player.update(song().without_voice()).await.unwrap();
    player.stop().await.unwrap();
    assert!(player.exists() && !player.is_playing());
    assert_eq!(client.players().len(), 1);

    player.destroy().await.unwrap();
    assert!(!player.exists());
    assert_eq!(client.players().len(), 0);
    assert_eq!(listener.with(|node| node.players(node.now())).await, []);

    player.update(song().without_voice()).await.unwrap();
    assert!(player.is_playing(), "the handle is good for a new player");
}

#[tokio::test]
async fn a_node_of_another_client_is_no_place_for_a_player() {
    let (_listener, client) = one_node().await;
    let (_other_listener, other) = one_node().await;
    let player = client.player(guild());
    player.update(song().without_voice()).await.unwrap();

    let foreign = other.node("main").unwrap();
    assert_eq!(foreign.id(), client.node("main").unwrap().id());

    let refused = Err(SubmitError::NoSuchNode.into());
    assert_eq!(player.update_on(&foreign, song()).await, refused);
    assert_eq!(player.move_to(&foreign).await, refused);
}

#[tokio::test]
async fn a_killed_node_hands_its_player_to_the_other_one() {
    let (first, second) = (listen("first").await, listen("second").await);
    let client = builder()
        .nodes([config("first", &first), config("second", &second)])
        .connect()
        .await
        .unwrap();
    let mut events = client.events_of(Kinds::PLAYERS);
    let player = client.player(guild());
    join_voice(&client);
    let home = client.node("first").unwrap();
    player.update_on(&home, song()).await.unwrap();

    first.kill().await;
    let moved = events.next().await;

    assert!(
        matches!(moved, Some(Event::PlayerMoved { .. })),
        "{moved:?}"
    );
    assert_eq!(player.node(), client.node("second"));
    assert_eq!(second.with(|node| node.players(node.now()).len()).await, 1);
    first.restart().await;
    home.reconnect().await.unwrap();
    player.move_to(&home).await.unwrap();
    assert_eq!(player.node(), Some(home));
}

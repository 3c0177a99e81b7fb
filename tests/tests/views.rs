//! What nodes report reaches the views of its players, whoever was shown there before.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lavapool::Client;
use lavapool_tests::guide::{connected, guild, play, secs};
use lavapool_tests::node::Disturbance;
use lavapool_tests::sim::SimRuntime;

#[test]
fn what_a_node_reports_of_a_player_is_shown_of_that_player() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=3).await;

        for (id, place, ping) in [(1, 31, 11), (2, 32, 12), (3, 33, 13), (1, 41, 14)] {
            report(&sim, id, place, ping).await;
        }

        let shown = [1, 2, 3].map(|id| shown(&client, id));
        assert_eq!(shown, [(41, 14), (32, 12), (33, 13)]);
    });
}

#[test]
fn a_node_shows_how_many_of_its_players_play_as_soon_as_that_changes() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=3).await;
        // Its stats show them by now: from here on nothing is reserved.
        sim.sleep(secs(61)).await;
        let counts = || {
            let view = client.node("main").unwrap().view();
            (view.players, view.playing)
        };
        assert_eq!(counts(), (3, 3));
        client.player(guild(1)).stop().await.unwrap();
        assert_eq!(counts(), (3, 2));
        client.player(guild(2)).destroy().await.unwrap();
        assert_eq!(counts(), (2, 1));
    });
}

#[test]
fn a_player_in_the_place_of_one_that_is_gone_has_a_view_of_its_own() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=1).await;
        let first = client.player(guild(1));
        report(&sim, 1, 31, 11).await;

        // The second takes the place of the first, which has another one when it is back.
        first.destroy().await.unwrap();
        client.player(guild(2)).set_volume(50).await.unwrap();
        assert!(first.view().is_none());
        play(&client, 1..=2).await;
        report(&sim, 1, 33, 13).await;
        report(&sim, 2, 42, 14).await;
        assert_eq!([1, 2].map(|id| shown(&client, id)), [(33, 13), (42, 14)]);

        client.player(guild(2)).destroy().await.unwrap();
        report(&sim, 1, 45, 15).await;
        // A handle of the player that was there before shows the one that is there.
        assert_eq!(first.view().unwrap().ping, Some(Duration::from_millis(15)));
        assert!(client.player(guild(2)).view().is_none());
    });
}

/// Has the node say where a player is, and lets that be read.
async fn report(sim: &SimRuntime, id: u64, place_s: u64, ping: u64) {
    let position = place_s * 1000;
    let text = format!(
        r#"{{"op":"playerUpdate","guildId":"{id}","state":{{"time":1,"position":{position},"#
    ) + &format!(r#""connected":true,"ping":{ping}}}}}"#);
    sim.with("main", |node| {
        node.disturb(&Disturbance::Text(text), node.now());
    });
    sim.sleep(Duration::from_millis(100)).await;
}

/// The place in whole seconds, and the ping in milliseconds.
fn shown(client: &Client, id: u64) -> (u64, u128) {
    let player = client.player(guild(id));
    let place = player.position().unwrap();
    assert!(place < secs(60), "nothing else moved it: {place:?}");
    let ping = player.view().unwrap().ping.unwrap();
    (place.as_secs(), ping.as_millis())
}

//! Nodes: one or several, their three statuses, and who takes the players of a lost one.

use lavapool::{Event, Kinds, Status};
use lavapool_tests::guide::{
    add, add_with, builder, config, connect, connected, guilds_on, handshakes, play, play_on, secs,
    taken,
};
use lavapool_tests::sim::SimRuntime;

#[test]
fn one_node_is_enough() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;

        play(&client, 1..=2).await;

        assert_eq!(
            (guilds_on(&sim, "main"), handshakes(&sim, "main")),
            (vec![1, 2], 1)
        );
        let headers = sim.with("main", |node| {
            let handshake = &node.log().handshakes[0];
            ["authorization", "user-id"].map(|name| handshake.header(name).map(str::to_owned))
        });
        assert_eq!(headers.map(Option::unwrap), ["youshallnotpass", "42"]);
    });
}

#[test]
fn a_node_is_connected_connecting_or_disconnected() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        ["silent", "locked"].iter().for_each(|name| add(&sim, name));
        sim.cut_off("silent", true);
        sim.with("locked", |node| node.config().password = "right".into());
        for name in ["silent", "locked"] {
            client.add_node_detached(config(name)).await.unwrap();
        }
        sim.sleep(secs(1)).await;

        let statuses = ["main", "silent", "locked"].map(|name| client.node(name).unwrap().status());

        let expected = [Status::Connected, Status::Connecting, Status::Disconnected];
        assert_eq!(statuses, expected);
        let words = statuses.map(|status| status.to_string());
        assert_eq!(words, ["connected", "connecting", "disconnected"]);
    });
}

#[test]
fn players_of_a_lost_node_go_one_by_one_to_the_lowest_penalty_of_that_moment() {
    SimRuntime::run(|sim| async move {
        ["main", "one", "two"]
            .iter()
            .for_each(|name| add(&sim, name));
        add_with(&sim, "busy", |node| node.stats().players = Some((90, 90)));
        let nodes = ["main", "busy", "one", "two"].map(config);
        let client = connect(&sim, builder().nodes(nodes)).await;
        play_on(&client, &client.node("main").unwrap(), 1..=6).await;
        let mut events = client.events_of(Kinds::PLAYERS);

        sim.kill("main");
        sim.sleep(secs(3)).await;

        let counts = ["busy", "one", "two"].map(|name| guilds_on(&sim, name).len());
        assert_eq!(counts, [0, 3, 3]);
        let moved = taken(&mut events)
            .into_iter()
            .filter_map(|event| match event {
                Event::PlayerMoved { guild, from, .. } => Some((guild.get(), from.to_string())),
                _ => None,
            });
        let mut moved: Vec<_> = moved.collect();
        moved.sort();
        let expected: Vec<_> = (1..=6).map(|id| (id, "main".to_owned())).collect();
        assert_eq!(moved, expected);
    });
}

//! How nodes are chosen, by the client's own strategies and by those of an application.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lavapool::{
    Candidate, Event, Kinds, Leaving, Needs, PenaltyWeights, Score, Strategy, Update, Verdict,
};
use lavapool_core::region::{Region, RegionFit, RegionMap, matches};
use lavapool_tests::guide::{
    add, add_with, asked, builder, config, connect, connected, guild, guilds_on, join_voice, play,
    secs, song, taken,
};
use lavapool_tests::node::NodeStats;
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::world::World;

#[test]
fn a_function_of_the_application_chooses_the_node() {
    SimRuntime::run(|sim| async move {
        ["a", "b", "c"].iter().for_each(|name| add(&sim, name));
        // The last name first.
        let strategy = Strategy::custom(|candidate, _| {
            let letter = candidate.node.name.as_bytes()[0];
            Score::new(-f64::from(letter))
        });
        let nodes = ["a", "b", "c"].map(config);
        let client = connect(&sim, builder().strategy(strategy).nodes(nodes)).await;

        assert_eq!(client.best_node(), client.node("c"));
        play(&client, 1..=2).await;
        assert_eq!(guilds_on(&sim, "c"), [1, 2]);
        client.load_tracks("ytsearch:words").await.unwrap();
        assert!(asked(&sim, "c").last().unwrap().contains("loadtracks"));
        // It chooses the targets of a failover, too, and never one that is not eligible.
        sim.kill("c");
        sim.sleep(secs(2)).await;
        assert_eq!(guilds_on(&sim, "b"), [1, 2]);
    });
}

#[test]
fn a_score_gives_back_its_number() {
    let numbers = [-1.5, 0.0, 1.0, 2.5];
    let scores = numbers.map(|number| Score::new(number).map(Score::get));
    assert_eq!(scores, numbers.map(Some));
    assert_eq!(Score::new(f64::NAN), None);
}

#[test]
fn a_node_without_stats_is_judged_by_the_nodes_that_are_there() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "bare", |node| {
            node.config().stats_interval = Duration::MAX
        });
        add(&sim, "light");
        add_with(&sim, "heavy", |node| node.stats().system_load = 0.9);
        let client = connect(
            &sim,
            builder().nodes(["bare", "light", "heavy"].map(config)),
        )
        .await;
        // The median of two is the greater.
        play(&client, 1..=1).await;
        assert_eq!(guilds_on(&sim, "light"), [1]);
        client.player(guild(1)).destroy().await.unwrap();
        sim.kill("heavy");
        sim.sleep(secs(1)).await;
        play(&client, 2..=2).await;
        assert_eq!(guilds_on(&sim, "bare"), [2]);
    });
}

#[test]
fn a_function_is_told_what_is_known_of_the_node_and_of_the_player() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "a", |node| node.stats().players = Some((9, 8)));
        add(&sim, "b");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = seen.clone();
        let strategy = Strategy::custom(move |candidate, needs| {
            let stats = candidate.stats.as_ref()?;
            note.lock().unwrap().push((
                candidate.node.to_string(),
                stats.playing_players,
                candidate
                    .info
                    .as_ref()
                    .is_some_and(|info| info.has_source("youtube")),
                candidate.verdict == Verdict::Eligible,
                needs.guild,
                needs.region.map(|region| region.coarse.to_string()),
            ));
            Score::new(candidate.penalty)
        });
        let nodes = ["a", "b"].map(config);
        let client = connect(&sim, builder().strategy(strategy).nodes(nodes)).await;
        seen.lock().unwrap().clear();

        let playing = client.player(guild(7)).update(song());
        join_voice(&client, 7, "frankfurt");
        playing.await.unwrap();

        let seen = seen.lock().unwrap().clone();
        let of = |name: &str, playing| (name.to_owned(), playing, true, true, Some(guild(7)));
        let without_region =
            |(name, playing, info, verdict, guild, _)| (name, playing, info, verdict, guild);
        let asked: Vec<_> = seen.iter().cloned().map(without_region).collect();
        assert_eq!(asked[..2], [of("a", 8), of("b", 0)]);
        assert_eq!(guilds_on(&sim, "b"), [7]);
    });
}

#[test]
fn a_function_that_panics_or_has_no_score_leaves_the_choice_to_the_penalty_and_says_so() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "busy", |node| node.stats().players = Some((9, 9)));
        add(&sim, "idle");
        let strategies = [
            Strategy::custom(|candidate, _| match &*candidate.node.name {
                "idle" => panic!("this is the panic of a test"),
                _ => Score::new(0.0),
            }),
            Strategy::custom(|_, _| Score::new(f64::NAN)),
        ];
        for (strategy, failed) in strategies.into_iter().zip(["idle", "busy"]) {
            let nodes = ["busy", "idle"].map(config);
            let builder = builder().strategy(strategy.clone()).nodes(nodes);
            let client = connect(&sim, builder).await;
            let mut events = client.events_of(Kinds::NODES);

            let play = song().without_voice();
            client.player(guild(1)).update(play).await.unwrap();

            assert_eq!(guilds_on(&sim, "idle"), [1]);
            let node = client.node(failed).unwrap().node_ref().clone();
            let event = Event::StrategyFailed { node };
            assert_eq!(taken(&mut events), std::slice::from_ref(&event));
            // Asked from a handle it is the same, and so with the pool's own strategy.
            assert_eq!(client.best_node_by(&strategy), client.node("idle"));
            assert_eq!(client.best_node(), client.node("idle"));
            assert_eq!(taken(&mut events), [event.clone(), event]);
            client.close(Leaving::Destroy).await.unwrap();
        }
    });
}

#[test]
fn equal_scores_go_to_the_node_that_was_configured_first_and_negative_ones_are_lower() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["a", "b", "c"]).await;
        let best = |score: fn(&str) -> f64| {
            let strategy = Strategy::custom(move |node, _| Score::new(score(&node.node.name)));
            client.best_node_by(&strategy).unwrap().name().to_owned()
        };

        assert_eq!(best(|_| 5.0), "a");
        assert_eq!(best(|name| if name == "a" { 0.0 } else { -0.0 }), "a");
        assert_eq!(best(|name| if name == "b" { -1.0 } else { 0.0 }), "b");
        assert_eq!(best(|name| if name == "c" { -2.0 } else { -1.0 }), "c");
        assert_eq!(best(|name| if name == "c" { 1e-300 } else { 2e-300 }), "c");
        assert_eq!(
            best(|name| if name == "b" { f64::MAX } else { f64::INFINITY }),
            "b"
        );
        assert_eq!(
            best(|name| if name == "b" {
                f64::NEG_INFINITY
            } else {
                f64::MIN
            }),
            "b"
        );
    });
}

#[test]
fn another_strategy_can_be_asked_than_that_of_the_pool() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "loaded", |node| node.stats().lavalink_load = 0.9);
        add_with(&sim, "crowded", |node| node.stats().players = Some((9, 9)));
        add(&sim, "far");
        let client = connect(
            &sim,
            builder().nodes(["loaded", "crowded", "far"].map(config)),
        )
        .await;
        sim.set_latency(Duration::from_millis(90));
        client.node("far").unwrap().ping().await.unwrap();
        sim.set_latency(Duration::from_millis(1));
        client.node("crowded").unwrap().ping().await.unwrap();
        let best = |strategy| client.best_node_by(&strategy).unwrap().name().to_owned();

        // The default does not look at the load of Lavalink itself.
        assert_eq!(best(Strategy::default()), "loaded");
        assert_eq!(best(Strategy::LeastLoaded), "crowded");
        assert_eq!(best(Strategy::LeastPlayers), "loaded");
        assert_eq!(best(Strategy::Latency), "crowded");
        assert_eq!(best(Strategy::RoundRobin), "loaded");
    });
}

#[test]
fn the_least_loaded_node_is_told_by_lavalink_then_by_memory_then_by_the_system() {
    SimRuntime::run(|sim| async move {
        let loads = [
            ("fifth", 0.9, 0, 0.0),
            ("fourth", 0.2, 900, 0.0),
            ("third", 0.2, 300, 0.9),
            ("second", 0.2, 300, 0.4),
            ("first", 0.1, 900, 0.9),
        ];
        for (name, lavalink_load, used, system_load) in loads {
            add_with(&sim, name, |node| {
                *node.stats() = NodeStats {
                    lavalink_load,
                    used,
                    reservable: 1_000,
                    system_load,
                    ..NodeStats::default()
                };
            });
        }
        let nodes = loads.map(|(name, ..)| config(name));
        let client = connect(&sim, builder().nodes(nodes)).await;

        for (name, ..) in loads.iter().rev() {
            let best = client.best_node_by(&Strategy::LeastLoaded);
            assert_eq!(best, client.node(name));
            sim.kill(name);
            sim.sleep(secs(1)).await;
        }
    });
}

#[test]
fn in_a_round_robin_players_take_turns_and_so_do_lookups_each_by_themselves() {
    SimRuntime::run(|sim| async move {
        ["a", "b", "c"].iter().for_each(|name| add(&sim, name));
        let builder = builder().strategy(Strategy::RoundRobin);
        let client = connect(&sim, builder.nodes(["a", "b", "c"].map(config))).await;

        for id in 1..=6 {
            let next = client.best_node();
            client.load_tracks("ytsearch:words").await.unwrap();
            let player = client.player(guild(id));
            player.update(song().without_voice()).await.unwrap();
            assert_eq!(player.node(), next);
        }

        let guilds = ["a", "b", "c"].map(|name| guilds_on(&sim, name));
        assert_eq!(guilds, [[1, 4], [2, 5], [3, 6]]);
        let is_lookup = |line: &&String| line.contains("loadtracks");
        let lookups =
            ["a", "b", "c"].map(|name| asked(&sim, name).iter().filter(is_lookup).count());
        assert_eq!(lookups, [2, 2, 2]);
    });
}

#[test]
fn a_player_whose_voice_server_becomes_known_after_it_was_placed_takes_one_turn_only() {
    SimRuntime::run(|sim| async move {
        ["a", "b"].iter().for_each(|name| add(&sim, name));
        let builder = builder().strategy(Strategy::RoundRobin);
        let client = connect(&sim, builder.nodes(["a", "b"].map(config))).await;

        play(&client, 1..=6).await;

        let guilds = ["a", "b"].map(|name| guilds_on(&sim, name));
        assert_eq!(guilds, [[1, 3, 5], [2, 4, 6]]);
    });
}

#[test]
fn the_pool_itself_answers_the_same_questions() {
    let mut world = World::builder()
        .node("busy", |host| {
            host.region = Some("frankfurt".to_owned());
            host.latency = Duration::from_millis(10);
        })
        .node("us", |host| host.region = Some("us".to_owned()))
        .connected();
    world.fill(1..=3);
    // Until both have been pinged.
    world.run_for(secs(31));
    let (busy, us) = (world.id("busy"), world.id("us"));
    let pool = world.pool();

    let latency = pool.best_node_by(&Strategy::Latency, &Needs::default());
    assert_eq!((pool.best_node(), latency.node), (Some(busy), Some(us)));
    let mut weights = PenaltyWeights::default();
    weights.latency = 10.0;
    let by_latency = Strategy::Penalty(weights);
    let far = pool.best_node_by(&by_latency, &Needs::default());
    assert_eq!(far.node, Some(us));
    let in_region = ["eu", "us", "asia"].map(|region| pool.best_node_in(region).node);
    assert_eq!(in_region, [Some(busy), Some(us), pool.best_node()]);
    let mut needs = Needs::default();
    let except = [busy];
    needs.except = &except;
    let first = Strategy::custom(|_, _| Score::new(0.0));
    assert_eq!(
        pool.best_node_by(&first, &Needs::default()).node,
        Some(busy)
    );
    assert_eq!(pool.best_node_by(&first, &needs).node, Some(us));
    let none = pool.best_node_by(&Strategy::custom(|_, _| None), &Needs::default());
    assert_eq!(
        (none.node, none.failed),
        (pool.best_node(), Some(world.reference("busy")))
    );
}

#[test]
fn the_pool_explains_the_choice_for_the_region_of_the_player() {
    let mut world = World::builder()
        .node("eu", |host| host.region = Some("frankfurt".to_owned()))
        .node("us", |host| host.region = Some("us".to_owned()))
        .connected();
    for (number, region) in [(1, "frankfurt"), (2, "us-east")] {
        world.join(guild(number), region);
        world.update(guild(number), Update::default().paused(true));
    }
    world.run_for(secs(1));

    let chosen = |number| {
        let candidates = world.pool().explain(Some(guild(number))).into_iter();
        let chosen = candidates.filter(|one| one.verdict == Verdict::Chosen);
        chosen
            .map(|one| one.node.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!([chosen(1), chosen(2)], [["eu"], ["us"]]);
    let fits = world.pool().explain(Some(guild(1))).into_iter();
    let fits: Vec<_> = fits.map(|one| one.region).collect();
    assert_eq!(fits, [Some(RegionFit::Fine), None]);
}

/// The pool chooses by what it has kept of each node; `select` looks at the nodes themselves.
#[test]
fn what_the_pool_kept_chooses_as_a_look_at_the_nodes_does() {
    let strategies = [
        Strategy::default(),
        Strategy::LeastLoaded,
        Strategy::LeastPlayers,
        Strategy::Latency,
        Strategy::RoundRobin,
    ];
    let regions = RegionMap::default();
    let map = &regions;
    let mut chosen = std::collections::BTreeSet::new();
    for strategy in strategies {
        let mut world = crowd(&strategy);
        world.drop_connections("node3");
        world.fill(1..=20);
        world.run_for(Duration::from_secs(3));
        let views: Vec<_> = world.pool().nodes().collect();
        let endpoints = ["frankfurt1", "us-east1", "c-syd01-1a", "nowhere1", ""];
        let named = endpoints.map(|endpoint| map.region(endpoint));
        let own = Some(Region {
            coarse: "eu".into(),
            fine: "made up".into(),
        });
        for region in named.into_iter().chain([own]) {
            for source in [None, Some("youtube"), Some("deezer"), Some("none has it")] {
                let mut needs = Needs::default();
                needs.region = region.as_ref();
                needs.source = source;
                let candidates: Vec<_> = views
                    .iter()
                    .map(|view| {
                        let label = view.region.as_deref().zip(region.as_ref());
                        Candidate::new(view, label.and_then(|(label, of)| matches(label, of)))
                    })
                    .collect();
                let looked = strategy.select(&candidates, &needs);
                let kept = world.pool().best_node_by(&strategy, &needs);
                assert_eq!(kept, looked, "{strategy:?}, {region:?}, {source:?}");
                chosen.insert(kept.node);
            }
        }
    }
    assert!(chosen.len() > 4, "{chosen:?}");
}

/// Nodes that differ in all that a choice looks at.
fn crowd(strategy: &Strategy) -> World {
    let regions = ["us-east", "eu", "sydney", "eu-west-1", "Frankfurt", "mars"];
    let mut builder = World::builder().config(|config| config.strategy = strategy.clone());
    for number in 0..12 {
        builder = builder.node(&format!("node{number}"), |host| {
            host.region = (number != 7).then(|| regions[number % regions.len()].to_owned());
            host.latency = Duration::from_millis(number as u64 % 5);
            host.server.stats_interval = Duration::from_secs(1);
            if number % 2 == 0 {
                host.server.sources.retain(|source| source != "youtube");
            }
            if number % 3 == 0 {
                host.server.sources.push("deezer".to_owned());
            }
        });
    }
    let mut world = builder.connected();
    for number in 0..12_u8 {
        let stats = NodeStats {
            system_load: f64::from(number * 7 % 12) / 20.0,
            lavalink_load: f64::from(number * 5 % 12) / 20.0,
            players: Some((50, i32::from(number * 11 % 12))),
            ..NodeStats::default()
        };
        *world.node(&format!("node{number}")).stats() = stats;
    }
    world
}

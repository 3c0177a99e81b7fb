//! A node is lost, and its players go on elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use lavapool_core::node::{Loss, Status};
use lavapool_core::player::{self, Place, Update};
use lavapool_core::protocol::{Filters, GuildId, RawJson, Timescale};
use lavapool_core::{Closed, Command, Event};
use lavapool_tests::node::{PlayerView, TrackView, VoiceState};
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{crowded, millis, moves_since, remove, secs};

#[test]
fn a_node_dies_with_100_players() {
    let mut world = crowded(1..=100, ["b", "c"]);
    assert_eq!(world.guilds_on("a"), Vec::from_iter(1..=100));
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(2));

    let mut guilds = [world.guilds_on("b"), world.guilds_on("c")].concat();
    guilds.sort_unstable();
    assert_eq!(guilds, Vec::from_iter(1..=100));
    for number in 1..=100 {
        let (_, player) = world.only_copy(guild(number));
        let identifier = player.track.map(|track| track.identifier);
        let expected = format!("https://tracks.test/{number}");
        assert_eq!((identifier, player.audible), (Some(expected), true));
    }
    let moved: BTreeSet<_> = moves_since(&world, lost_at)
        .into_iter()
        .map(|(guild, ..)| guild.get())
        .collect();
    assert_eq!(moved, (1..=100).collect());
    let gap_max = world.events_since(lost_at).filter_map(|event| match event {
        Event::PlayerMoved { gap, .. } => Some(*gap),
        _ => None,
    });
    assert!(gap_max.max() < Some(millis(200)));
}

#[test]
fn the_moved_players_spread_over_the_nodes_left() {
    let mut world = crowded(1..=100, ["b", "c", "d", "e"]);

    world.kill("a");
    world.run_for(secs(2));

    let counts = ["b", "c", "d", "e"].map(|name| world.guilds_on(name).len());
    assert_eq!(counts, [25; 4]);
}

#[test]
fn a_failover_is_told_though_one_of_its_players_was_destroyed_on_the_way() {
    let mut world = crowded(1..=2, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let lost_at = world.now();
    world.kill("a");
    world.run_for(millis(100));

    world.submit(Command::Destroy(guild(2)));
    world.run_for(secs(5));

    assert_eq!(failed_over_since(&world, lost_at), [vec![guild(1)]]);
}

#[test]
fn a_failover_is_told_though_its_target_is_removed_before_all_have_come() {
    let mut world = crowded(1..=40, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let lost_at = world.now();
    world.kill("a");
    world.run_for(millis(700));
    let came: BTreeSet<_> = moves_since(&world, lost_at)
        .into_iter()
        .map(|(guild, ..)| guild)
        .collect();
    assert!((1..40).contains(&came.len()), "{came:?}");

    remove(&mut world, "b");
    world.run_for(secs(5));

    let told = world.events_since(lost_at);
    let told: Vec<_> = told
        .filter_map(|event| match event {
            Event::Failover { players, .. } => Some(BTreeSet::from_iter(players.to_vec())),
            _ => None,
        })
        .collect();
    assert_eq!(told, [came]);
    // Whoever had not come is as stranded as those that had.
    let is_stranded = |view: player::PlayerView| matches!(view.place, Place::Stranded(_));
    assert!(world.pool().players().all(is_stranded));
    world.restart("a");
    world.run_for(secs(40));
    assert_eq!(world.guilds_on("a"), Vec::from_iter(1..=40));
    assert_eq!(world.guilds_on("b"), Vec::<u64>::new());
}

#[test]
fn the_failover_of_players_whose_source_dies_on_their_way_is_told_when_all_have_come() {
    let mut world = crowded(1..=2, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let node = world.id("b");
    for guild in [guild(1), guild(2)] {
        world.submit(Command::Move { guild, node });
        world.run_for(millis(100));
    }
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(2));

    assert_eq!(failed_over_since(&world, lost_at), [[guild(1), guild(2)]]);
}

#[test]
fn the_failover_of_each_target_is_told_with_all_its_guilds() {
    let mut world = crowded(1..=20, ["b", "c"]);
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(2));

    let [a, b, c] = ["a", "b", "c"].map(|name| world.reference(name));
    let (on_b, on_c) = (world.guilds_on("b"), world.guilds_on("c"));
    let mut told: Vec<_> = world
        .events_since(lost_at)
        .filter_map(|event| match event {
            Event::Failover { old, new, players } => {
                let mut players: Vec<_> = players.iter().map(|guild| guild.get()).collect();
                players.sort_unstable();
                Some((old.clone(), new.clone(), players))
            }
            _ => None,
        })
        .collect();
    told.sort();
    assert_eq!(told, [(a.clone(), b, on_b), (a, c, on_c)]);
}

#[test]
fn the_dead_node_is_sent_nothing_while_its_players_move() {
    let mut world = crowded(1..=20, ["b"]);
    let lost_at = world.now();
    world.node("a").config().latency.handshake = secs(4);

    // It can be dialled, but takes its time: the players do not wait for that.
    world.restart("a");
    world.run_for(secs(3));

    assert_eq!(world.guilds_on("b"), Vec::from_iter(1..=20));
    assert_eq!(world.requests_since("a", lost_at), Vec::<String>::new());
}

#[test]
fn a_blip_that_resumes_moves_nobody() {
    let mut world = crowded(1..=20, ["b"]);
    let lost_at = world.now();

    world.drop_connections("a");
    world.run_for(secs(2));

    assert_eq!(world.guilds_on("a"), Vec::from_iter(1..=20));
    assert_eq!(world.guilds_on("b"), Vec::<u64>::new());
    assert_eq!(moves_since(&world, lost_at), []);
    let a = world.reference("a");
    let told: Vec<_> = world
        .events_since(lost_at)
        .filter(|event| !matches!(event, Event::PlayerUpdate { .. } | Event::NodeStats { .. }))
        .cloned()
        .collect();
    let loss = Loss::Socket(Closed::Reset);
    let expected = [
        Event::NodeDisconnected {
            node: a.clone(),
            loss: loss.clone(),
        },
        Event::NodeReconnecting {
            node: a.clone(),
            attempt: 0,
            delay: secs(0),
            loss,
        },
        Event::NodeStatus {
            node: a.clone(),
            old: Status::Connected,
            new: Status::Reconnecting,
        },
        Event::NodeStatus {
            node: a.clone(),
            old: Status::Reconnecting,
            new: Status::Connected,
        },
        Event::NodeReady {
            node: a,
            resumed: true,
        },
    ];
    assert_eq!(told, expected);
    // Nothing was sent to the players: they played on.
    let heard = world.requests_since("a", lost_at);
    assert_eq!(heard, ["GET players"]);
}

#[test]
fn everything_wanted_arrives_on_the_new_node() {
    let mut world = crowded(1..=1, ["b"]);
    let filters = Filters::new().with_timescale(Timescale {
        speed: 2.0,
        ..Timescale::default()
    });
    let data = RawJson::parse(r#"{"requester":"42"}"#).unwrap();
    world.update(
        guild(1),
        Update::play(track("two"))
            .position(secs(30))
            .end_time(secs(150))
            .volume(65)
            .filters(filters)
            .user_data(data),
    );
    world.run_for(secs(10));
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    let (_, before) = world.only_copy(guild(1));

    world.kill("a");
    world.run_for(secs(2));

    let (name, after) = world.only_copy(guild(1));
    // Ten seconds at twice the speed, from 30 s on.
    assert!((49_990..=50_000).contains(&before.content_ms), "{before:?}");
    let expected = PlayerView {
        session: world.server("b").sessions()[0].id.clone(),
        guild: 1,
        track: Some(TrackView {
            encoded: after.track.as_ref().unwrap().encoded.clone(),
            identifier: "https://tracks.test/two".to_owned(),
            title: "Track two".to_owned(),
            length_ms: 180_000,
            user_data: json!({"lavapool": {"play": 2}, "requester": "42"}),
        }),
        position_ms: after.position_ms,
        content_ms: after.content_ms,
        paused: true,
        volume: 65,
        end_time_ms: after.end_time_ms,
        filters: before.filters.clone(),
        voice: Some(VoiceState {
            token: "token-1".to_owned(),
            endpoint: "us-east1234.discord.media:443".to_owned(),
            session_id: "voice-session-1".to_owned(),
            channel_id: "1000001".to_owned(),
        }),
        connected: true,
        audible: false,
    };
    assert_eq!((name, &after), ("b", &expected));
    // On the server's clock, which begins at the place in the track; as much sound is left.
    let left_ms = after.end_time_ms.unwrap() - after.content_ms;
    let cut_ms = 150_000 - before.position_ms - left_ms;
    assert!((-5..=0).contains(&cut_ms), "{cut_ms} ms");
    let skipped_ms = after.content_ms - before.content_ms;
    assert!((-5..=0).contains(&skipped_ms), "{skipped_ms} ms");
}

#[test]
fn no_audio_is_skipped_and_none_repeated_beyond_a_few_milliseconds() {
    let mut world = crowded(1..=10, ["b", "c"]);
    world.run_for(millis(12_345));
    let lost_at = world.now();
    let heard_until: Vec<_> = (1..=10)
        .map(|number| world.only_copy(guild(number)).1.content_ms)
        .collect();

    world.kill("a");
    world.run_for(secs(2));

    let mut goes_on_from = [None; 10];
    for name in ["b", "c"] {
        for patch in world.heard_since(name, lost_at) {
            if let Some(number) = patch.what.strip_prefix("PATCH players/") {
                let number: usize = number.parse().unwrap();
                goes_on_from[number - 1] = patch.body["position"].as_i64();
            }
        }
    }
    for (until_ms, from_ms) in heard_until.iter().zip(goes_on_from) {
        let repeated_ms = until_ms - from_ms.expect("every player was moved");
        assert!((0..=5).contains(&repeated_ms), "{repeated_ms} ms repeated");
    }
}

#[test]
fn a_silent_node_is_found_out_by_its_missing_pong_and_nothing_since_its_last_byte_is_skipped() {
    let mut world = crowded(1..=1, ["b"]);
    let half_open_at = world.now();
    let last_heard_at = last_update_at(&world);
    let heard_until_ms = world.only_copy(guild(1)).1.content_ms;

    world.cut_off("a");
    world.run_for(secs(45));

    let lost: Vec<_> = world
        .events()
        .iter()
        .filter_map(|(at, event)| match event {
            Event::NodeDisconnected { loss, .. } => Some((*at, loss.clone())),
            _ => None,
        })
        .collect();
    let [(lost_at, Loss::Silent)] = lost[..] else {
        panic!("{lost:?}")
    };
    // A ping each 30 s, and 10 s for its pong.
    assert!(lost_at - half_open_at <= secs(40), "{lost_at:?}");
    let moved = world.heard_since("b", half_open_at);
    let from_ms = moved[0].body["position"].as_i64().unwrap();
    let unheard = half_open_at - last_heard_at;
    let unheard_ms = i64::try_from(unheard.as_millis()).unwrap();
    // Frozen at the last byte that came.
    assert!(
        (heard_until_ms - unheard_ms - from_ms).abs() <= 5,
        "{from_ms} {heard_until_ms}"
    );
}

#[test]
fn no_healthy_node_for_5_s_strands_players_and_the_first_node_back_restores_them() {
    let mut world = crowded(1..=10, ["b"]);
    world.kill("b");
    world.run_for(secs(12));
    let lost_at = world.now();
    let heard_until_ms = world.only_copy(guild(1)).1.content_ms;

    world.kill("a");
    world.run_for(secs(6));

    let a = world.reference("a");
    let stranded: Vec<_> = world
        .events()
        .iter()
        .filter_map(|(at, event)| match event {
            Event::PlayersStranded { from, players } => {
                Some((*at - lost_at, from.clone(), players.to_vec()))
            }
            _ => None,
        })
        .collect();
    // The loss is known a millisecond after it.
    let guilds: Vec<_> = (1..=10).map(guild).collect();
    assert_eq!(stranded, [(millis(5_001), a, guilds)]);

    world.run_for(secs(20));
    let restored_at = world.now();
    world.restart("b");
    world.run_for(secs(31));

    assert_eq!(world.guilds_on("b"), Vec::from_iter(1..=10));
    assert_eq!(moves_since(&world, restored_at).len(), 10);
    let heard = world.heard_since("b", restored_at);
    let first = heard.iter().find(|heard| heard.what == "PATCH players/1");
    let from_ms = first.unwrap().body["position"].as_i64().unwrap();
    assert!(
        (0..=5).contains(&(heard_until_ms - from_ms)),
        "{from_ms} {heard_until_ms}"
    );
}

#[test]
fn players_prefer_their_region_and_then_the_lowest_penalty() {
    let mut world = World::builder()
        .node("a", |_| {})
        .node("eu-busy", |node| {
            node.region = Some("eu".to_owned());
            node.is_known = false;
        })
        .node("us-far", |node| {
            node.region = Some("us".to_owned());
            node.is_known = false;
        })
        .node("eu-free", |node| {
            node.region = Some("eu".to_owned());
            node.is_known = false;
        })
        .connected();
    for (number, region) in [(1, "frankfurt"), (2, "us-west"), (3, "sydney")] {
        world.join(guild(number), region);
        world.play(guild(number), &track("song"));
    }
    world.run_for(secs(1));
    for (name, load) in [("eu-busy", 0.9), ("us-far", 0.5), ("eu-free", 0.1)] {
        world.node(name).stats().system_load = load;
        world.add_node(name);
    }
    world.run_for(secs(11));

    world.kill("a");
    world.run_for(secs(2));

    // Nobody is in Australia: there the lowest penalty is all that counts.
    let places = [1, 2, 3].map(|number| world.only_copy(guild(number)).0);
    assert_eq!(places, ["eu-free", "us-far", "eu-free"]);
}

fn last_update_at(world: &World) -> Duration {
    let updates = world.events().iter().rev();
    let mut updates = updates.filter(|(_, event)| matches!(event, Event::PlayerUpdate { .. }));
    updates.next().expect("a playing player is updated").0
}

#[test]
fn players_go_to_nodes_that_have_the_source_of_their_track_while_there_are_any() {
    let mut world = crowded(1..=6, ["b", "c"]);
    world
        .node("b")
        .config()
        .sources
        .retain(|source| source != "http");
    world.node("c").stats().system_load = 0.9;
    world.restart("b");
    world.run_for(secs(60));
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(5));

    assert_eq!(world.requests_since("b", lost_at), [""; 0]);
    assert_eq!(world.guilds_on("c"), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_player_that_waits_to_be_sent_again_does_not_wait_when_its_node_is_lost() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("a").faults().fail_matching("/players/", 502);
    world.update(guild(1), Update::default().volume(50));
    // The pauses have grown to seconds.
    world.run_for(secs(20));
    world.kill("a");
    world.run_for(millis(500));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.volume), ("b", 50));
}

#[test]
fn a_node_that_is_back_takes_no_player_of_another_that_is_waited_for() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world.fill(1..=2);
    world.run_for(secs(11));
    let since = world.now();
    ["a", "b"]
        .iter()
        .for_each(|name| world.drop_connections(name));
    world.run_for(millis(2));
    world.set_latency("b", millis(200));
    world.run_for(secs(5));
    assert_eq!(moves_since(&world, since), []);
    for (name, number) in [("a", 1), ("b", 2)] {
        assert_eq!(world.guilds_on(name), [number]);
        let asked = world.requests_since(name, since);
        let is_other = |what: &&String| what.ends_with(&format!("players/{}", 3 - number));
        assert_eq!(asked.iter().find(is_other), None);
    }
}

/// The players of each failover that was told since a moment.
fn failed_over_since(world: &World, since: Duration) -> Vec<Vec<GuildId>> {
    let told = world.events_since(since);
    told.filter_map(|event| match event {
        Event::Failover { players, .. } => Some(players.to_vec()),
        _ => None,
    })
    .collect()
}

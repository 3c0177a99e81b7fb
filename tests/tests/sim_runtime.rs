//! The real driver and the real handles in virtual time, where hours pass in a moment.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lavapool::lavapool_core::Closed;
use lavapool::{
    Builder, ChannelId, Client, ConnectError, Event, GuildId, Kinds, Leaving, Limits, Loss,
    NodeConfig, Secret, Source, Status, Update, UserId, VoiceServerUpdate, VoiceStateUpdate,
    Volume,
};
use lavapool_tests::node;
use lavapool_tests::sim::SimRuntime;

#[test]
fn a_client_stays_connected_for_a_day_and_sleeps_through_most_of_it() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let polls = sim.polls();

        sim.sleep(DAY).await;

        assert_eq!(client.report().connected(), 1);
        assert!(client.node("main").unwrap().latency().is_some());
        let pings = sim.with("main", |node| node.log().frames.ping);
        assert_eq!(pings, 24 * 60 * 2 - 1);
        // A ping wakes for its timer and for the pong; stats come once a minute.
        let per_ping = (sim.polls() - polls) / pings;
        assert!(per_ping <= 4, "{per_ping} polls for each ping");
        client.close(Leaving::Keep).await.unwrap();
    });
}

#[test]
fn the_position_runs_with_the_runtimes_clock() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        join_voice(&client, "frankfurt");
        let player = client.player(guild());
        player.update(song()).await.unwrap();
        let start = player.position().unwrap();

        sim.sleep(Duration::from_millis(1_500)).await;

        assert_eq!(
            player.position().unwrap() - start,
            Duration::from_millis(1_500)
        );
        let theirs = sim.with("main", |node| node.players(node.now())[0].position_ms);
        let ours = i64::try_from(player.position().unwrap().as_millis()).unwrap();
        assert!((theirs - ours).abs() <= 2, "{theirs} and {ours}");
    });
}

#[test]
fn a_lost_node_hands_its_player_over_at_the_same_place() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["a", "b"]).await;
        let mut events = client.events_of(Kinds::PLAYERS | Kinds::NODES);
        join_voice(&client, "frankfurt");
        let player = client.player(guild());
        player.update(song()).await.unwrap();
        assert_eq!(player.node(), client.node("a"));
        sim.sleep(Duration::from_secs(60)).await;

        sim.kill("a");
        let mut moved = None;
        while moved.is_none() {
            let event = events.next().await.unwrap();
            if let Event::PlayerMoved { position, gap, .. } = event {
                moved = Some((position, gap));
            }
        }

        let (position, gap) = moved.unwrap();
        assert!(gap < Duration::from_millis(100), "{gap:?}");
        assert!(position.abs_diff(Duration::from_secs(60)) < Duration::from_millis(10));
        assert_eq!(player.node(), client.node("b"));
        assert_eq!(client.node("a").unwrap().status(), Status::Reconnecting);
        let loss = client.node("a").unwrap().view().loss;
        assert_eq!(loss, Some(Loss::Socket(Closed::Refused)));
        sim.restart("a");
        client.node("a").unwrap().ready().await.unwrap();
    });
}

#[test]
fn a_pipe_of_one_byte_carries_everything() {
    SimRuntime::run(|sim| async move {
        sim.set_window(1);
        let client = connected(&sim, ["main"]).await;
        join_voice(&client, "frankfurt");
        let player = client.player(guild());

        player.update(song().volume(30)).await.unwrap();
        client.load_tracks("ytsearch:words").await.unwrap();
        player.destroy().await.unwrap();
        client.close(Leaving::Keep).await.unwrap();

        let (violations, frames) = sim.with("main", |node| {
            (node.log().violations.clone(), node.log().frames)
        });
        assert_eq!((violations, frames.close), (vec![], 1));
    });
}

#[test]
fn a_node_that_never_answers_costs_the_connect_deadline_and_no_more() {
    SimRuntime::run(|sim| async move {
        add(&sim, "silent");
        sim.cut_off("silent", true);

        let builder = builder().node(config("silent"));
        let error = builder.connect_on(sim.clone()).await.unwrap_err();

        assert_eq!(sim.elapsed(), Duration::from_secs(5));
        let ConnectError::NoNode { report } = &error else {
            panic!("{error}");
        };
        assert_eq!(report.nodes[0].status, Status::Connecting);
        let sentence = "no node is connected: silent (http://silent:2333): no answer yet";
        assert_eq!(error.to_string(), sentence);
    });
}

#[test]
fn a_host_without_an_address_is_said_to_be_one() {
    SimRuntime::run(|sim| async move {
        let builder = builder().node(config("nowhere"));
        let error = builder.connect_on(sim).await.unwrap_err();

        let cause = "nowhere (http://nowhere:2333): the host name does not resolve";
        assert!(error.to_string().ends_with(cause), "{error}");
    });
}

#[test]
fn the_addresses_of_a_host_are_tried_in_order() {
    SimRuntime::run(|sim| async move {
        for name in ["first", "second", "third"] {
            add(&sim, name);
        }
        sim.add_alias("cluster", &["first", "second", "third"]);
        sim.kill("first");

        let builder = builder().node(config("cluster"));
        builder.connect_on(sim.clone()).await.unwrap();

        let handshakes =
            ["second", "third"].map(|name| sim.with(name, |node| node.log().handshakes.len()));
        assert_eq!(handshakes, [1, 0]);
    });
}

#[test]
fn an_address_that_never_answers_holds_up_the_next_one_for_a_moment_only() {
    SimRuntime::run(|sim| async move {
        for name in ["silent", "mute", "refusing", "good"] {
            add(&sim, name);
        }
        sim.add_alias("cluster", &["silent", "mute", "refusing", "good"]);
        sim.cut_off("silent", true);
        sim.cut_off("mute", true);
        sim.kill("refusing");

        let builder = builder().node(config("cluster"));
        let client = builder.connect_on(sim.clone()).await.unwrap();

        assert_eq!(client.report().connected(), 1);
        // Two head starts, one refusal, one handshake.
        let elapsed = sim.elapsed();
        let (least, most) = (Duration::from_millis(500), Duration::from_millis(520));
        assert!(least < elapsed && elapsed < most, "{elapsed:?}");
    });
}

#[test]
fn a_family_that_leads_nowhere_costs_one_head_start() {
    SimRuntime::run(|sim| async move {
        for name in ["six", "other six", "yet another six", "four"] {
            add(&sim, name);
            sim.cut_off(name, name != "four");
            if name != "four" {
                sim.give_ipv6(name);
            }
        }
        sim.add_alias("cluster", &["six", "other six", "yet another six", "four"]);

        let builder = builder().node(config("cluster"));
        let client = builder.connect_on(sim.clone()).await.unwrap();

        assert_eq!(client.report().connected(), 1);
        let elapsed = sim.elapsed();
        let (least, most) = (Duration::from_millis(250), Duration::from_millis(270));
        assert!(least < elapsed && elapsed < most, "{elapsed:?}");
    });
}

#[test]
fn the_first_address_to_answer_counts_however_late_it_was_tried() {
    SimRuntime::run(|sim| async move {
        for name in ["slow", "slower"] {
            add(&sim, name);
        }
        sim.add_alias("cluster", &["slow", "slower"]);
        sim.set_latency(Duration::from_millis(200));

        let builder = builder().node(config("cluster"));
        let client = builder.connect_on(sim.clone()).await.unwrap();
        sim.sleep(Duration::from_secs(2)).await;

        assert_eq!(client.report().connected(), 1);
        let handshakes =
            ["slow", "slower"].map(|name| sim.with(name, |node| node.log().handshakes.len()));
        assert_eq!(handshakes, [1, 0]);
    });
}

#[test]
fn of_many_voice_updates_the_latest_of_each_kind_is_sent() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let player = client.player(guild());
        let mut stranger = voice_state(&client);
        stranger.user = UserId::new(7).unwrap();
        stranger.channel = None;

        for number in 0..100_000 {
            join_voice(&client, &format!("frankfurt{number}"));
        }
        client.voice_state_update(stranger);
        player.update(song()).await.unwrap();

        let endpoints = sim.with("main", |node| {
            let players = node.players(node.now()).into_iter();
            let voice = players.filter_map(|player| player.voice);
            voice.map(|voice| voice.endpoint).collect::<Vec<_>>()
        });
        assert_eq!(endpoints, ["frankfurt99999.discord.media:443"]);
        let patches = patches(&sim);
        assert_eq!(patches.len(), 1, "{patches:?}");
    });
}

#[test]
fn voice_updates_are_sent_though_the_pool_is_full() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        sim.with("main", |node| {
            let delay = Duration::from_secs(10);
            node.faults().slow.insert(node::AnswerKind::Load, delay);
        });
        let limits = Limits {
            commands_max: 1,
            ..Limits::default()
        };
        let builder = builder().limits(limits).node(config("main"));
        let client = builder.connect_on(sim.clone()).await.unwrap();
        let player = client.player(guild());
        player.update(song().without_voice()).await.unwrap();

        let slow = client.load_tracks("ytsearch:words");
        for number in 0..100 {
            join_voice(&client, &format!("frankfurt{number}"));
        }
        sim.sleep(Duration::from_millis(50)).await;

        let sent = &patches(&sim)[1..];
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].contains("frankfurt99.discord.media"), "{sent:?}");
        slow.await.unwrap();
    });
}

#[test]
fn updates_that_wait_for_each_other_are_sent_as_one() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let player = client.player(guild());
        player.update(song().without_voice()).await.unwrap();

        let louder = player.set_volume(10);
        let waits: Vec<_> = (11..=50_u16)
            .map(|volume| player.set_volume(volume))
            .collect();
        let paused = player.pause();
        let latest = waits.into_iter().last().unwrap();

        assert_eq!((latest.await, paused.await), (Ok(()), Ok(())));
        drop(louder);
        assert_eq!(player.volume(), Volume::from(50));
        let sent = &patches(&sim)[1..];
        assert_eq!(sent, [r#"{"volume":10}"#, r#"{"volume":50,"paused":true}"#]);
    });
}

#[test]
fn the_same_program_gives_the_same_bytes_at_the_same_times() {
    let run = || {
        SimRuntime::run(|sim| async move {
            let client = connected(&sim, ["a", "b"]).await;
            for number in 1..=20 {
                let player = client.player(GuildId::new(number).unwrap());
                drop(player.update(song().without_voice()));
            }
            sim.sleep(Duration::from_secs(30)).await;
            sim.kill("a");
            sim.sleep(Duration::from_secs(30)).await;
            let log = |name| sim.with(name, |node| format!("{:?}", node.log()));
            (log("a"), log("b"), sim.polls())
        })
    };

    assert_eq!(run(), run());
}

#[test]
fn a_wait_for_an_event_that_is_dropped_loses_none() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let mut events = client.events_of(Kinds::TRACKS);
        let player = client.player(guild());
        let mut taken = Vec::new();
        for number in 0..3_u64 {
            let played =
                player.update(song().position(Duration::from_secs(number)).without_voice());
            let mut next = Box::pin(events.next());
            let waker = std::task::Waker::noop();
            let polled = next
                .as_mut()
                .poll(&mut std::task::Context::from_waker(waker));
            assert!(polled.is_pending());
            drop(next);
            played.await.unwrap();
            sim.sleep(Duration::from_secs(1)).await;
            taken.extend(std::iter::from_fn(|| events.try_next()));
        }
        client.close(Leaving::Keep).await.unwrap();

        while let Some(event) = events.next().await {
            taken.push(event);
        }
        let is_start = |event: &&Event| matches!(event, Event::TrackStart { .. });
        let starts = taken.iter().filter(is_start).count();
        assert_eq!((starts, taken.len()), (3, 5), "{taken:?}");
    });
}

const DAY: Duration = Duration::from_secs(86_400);

async fn connected<const COUNT: usize>(sim: &SimRuntime, names: [&str; COUNT]) -> Client {
    names.iter().for_each(|name| add(sim, name));
    let builder = builder().nodes(names.map(config));
    builder.connect_on(sim.clone()).await.unwrap()
}

fn add(sim: &SimRuntime, name: &str) {
    sim.add_node(name, node::NodeConfig::new(name));
}

fn builder() -> Builder {
    Client::builder(UserId::new(42).unwrap()).seed(7)
}

fn config(name: &str) -> NodeConfig {
    NodeConfig::from_uri(name, &format!("http://{name}:2333")).unwrap()
}

fn guild() -> GuildId {
    GuildId::new(817).unwrap()
}

fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song"))
}

fn join_voice(client: &Client, server: &str) {
    client.voice_state_update(voice_state(client));
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(),
        token: Secret::from("voice token"),
        endpoint: Some(format!("{server}.discord.media:443").into()),
    });
}

fn voice_state(client: &Client) -> VoiceStateUpdate {
    VoiceStateUpdate {
        guild: guild(),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    }
}

/// The bodies of the players' PATCHes.
fn patches(sim: &SimRuntime) -> Vec<String> {
    sim.with("main", |node| {
        let requests = node.log().requests.iter();
        let patches = requests.filter(|request| request.path().contains("/players/"));
        let body = |request: &node::RequestRecord| String::from_utf8(request.body.clone()).unwrap();
        patches.map(body).collect()
    })
}

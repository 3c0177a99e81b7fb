//! The player, complete: what DisGoLink's `Player.Update` and its neighbours do.

use std::time::Duration;

use lavapool::lavapool_core::protocol::{FilterError, Timescale, Tremolo};
use lavapool::{
    ChannelId, Client, Error, Event, Filters, Kinds, LoadResult, Player, Preset, RawJson,
    RequestError, Secret, Source, SubmitError, Track, VoiceServerUpdate, VoiceStateUpdate, Volume,
};
use lavapool_tests::guide::{
    asked, connected, guild, guilds_on, join_voice, play, secs, song, taken,
};
use lavapool_tests::node::PlayerView;
use lavapool_tests::sim::SimRuntime;
use serde_json::json;

#[test]
fn a_player_plays_an_encoded_a_named_and_a_loaded_track() {
    SimRuntime::run(|sim| async move {
        let (client, player) = joined(&sim).await;
        let track = load(&client, "https://tracks.test/loaded").await;
        let blob = load(&client, "https://tracks.test/encoded").await.encoded;

        for (source, title) in [
            (Source::from(track), "Track loaded"),
            (Source::encoded(blob), "Track encoded"),
            (
                Source::identifier("https://tracks.test/named"),
                "Track named",
            ),
        ] {
            player.play(source).await.unwrap();
            sim.sleep(secs(1)).await;
            assert_eq!(theirs(&sim).track.unwrap().title, title);
            assert_eq!(player.track().unwrap().info.title, title);
        }
    });
}

#[test]
fn a_play_may_have_a_start_an_end_a_volume_a_pause_filters_and_user_data() {
    SimRuntime::run(|sim| async move {
        let (client, player) = joined(&sim).await;
        let mut events = client.events_of(Kinds::TRACKS);
        let filters = Filters::new().with_volume(0.5);
        let update = song()
            .position(secs(30))
            .end_time(secs(40))
            .volume(55)
            .paused(true)
            .filters(filters)
            .user_data(RawJson::object(r#"{"by":"me"}"#).unwrap());

        player.update(update).await.unwrap();

        let paused = theirs(&sim);
        assert_eq!(
            (paused.position_ms, paused.end_time_ms),
            (30_000, Some(40_000))
        );
        assert_eq!((paused.volume, paused.paused), (55, true));
        assert_eq!(paused.filters, json!({ "volume": 0.5 }));
        assert_eq!(paused.track.unwrap().user_data["by"], "me");
        player.resume().await.unwrap();
        sim.sleep(secs(11)).await;
        let told = taken(&mut events);
        let Some(Event::TrackEnd { track, .. }) = told.last() else {
            panic!("{told:?}");
        };
        assert_eq!(track.user_data.as_ref().unwrap().get(), r#"{"by":"me"}"#);
    });
}

#[test]
fn a_play_that_is_to_replace_nothing_leaves_what_plays() {
    SimRuntime::run(|sim| async move {
        let (client, player) = joined(&sim).await;
        let other = load(&client, "https://tracks.test/other").await;
        player.play_if_idle(&other).await.unwrap();

        let refused = player.update(song().volume(3).no_replace()).await;

        assert_eq!(refused, Err(Error::Request(RequestError::NotReplaced)));
        let playing = theirs(&sim);
        assert_eq!(playing.track.unwrap().title, "Track other");
        assert_eq!(playing.volume, 100, "nothing of the update is applied");
    });
}

#[test]
fn a_player_pauses_goes_on_seeks_changes_its_volume_and_stops() {
    SimRuntime::run(|sim| async move {
        let (_client, player) = joined(&sim).await;
        player.update(song()).await.unwrap();

        player.pause().await.unwrap();
        assert!(player.is_paused() && theirs(&sim).paused);
        player.resume().await.unwrap();
        assert!(!player.is_paused() && !theirs(&sim).paused);
        player.seek(secs(60)).await.unwrap();
        assert!(theirs(&sim).position_ms >= 60_000);
        player.set_volume(250).await.unwrap();
        assert_eq!(
            (player.volume(), theirs(&sim).volume),
            (Volume::from(250), 250)
        );
        player.set_end_time(secs(90)).await.unwrap();
        assert_eq!(theirs(&sim).end_time_ms, Some(90_000));
        player.stop().await.unwrap();

        assert!(!player.is_playing() && player.exists());
        assert_eq!(theirs(&sim).track, None);
        player.destroy().await.unwrap();
        assert!(!player.exists() && guilds_on(&sim, "main").is_empty());
    });
}

#[test]
fn filters_are_built_and_what_a_server_would_choke_on_is_refused() {
    SimRuntime::run(|sim| async move {
        let (_client, player) = joined(&sim).await;
        player.update(song()).await.unwrap();
        let fast = |speed| {
            let timescale = Timescale {
                speed,
                ..Timescale::default()
            };
            Filters::new().with_timescale(timescale)
        };
        let tremolo = Tremolo {
            depth: f32::NAN,
            ..Tremolo::default()
        };
        let echo = RawJson::parse(r#"{"delay":1.5}"#).unwrap();

        player
            .set_filters(fast(1.25).with_plugin_filter("echo", echo))
            .await
            .unwrap();
        let still = player.set_filters(fast(0.0)).await;
        let nan = player
            .set_filters(Filters::new().with_tremolo(tremolo))
            .await;

        let of = |error| matches!(error, Err(Error::Submit(SubmitError::Filters(_))));
        assert!(of(still.clone()) && of(nan), "{still:?}");
        let Err(Error::Submit(SubmitError::Filters(FilterError::OutOfRange { field, .. }))) = still
        else {
            panic!("{still:?}");
        };
        assert_eq!(field, "timescale.speed");
        let kept = theirs(&sim).filters;
        assert_eq!(kept["timescale"]["speed"], 1.25);
        let echo = r#""pluginFilters":{"echo":{"delay":1.5}}"#;
        assert!(asked(&sim, "main").iter().any(|line| line.contains(echo)));
        player.set_filters(Filters::default()).await.unwrap();
        assert_eq!(theirs(&sim).filters, json!({}));
    });
}

#[test]
fn filters_may_be_sounds_with_a_name() {
    SimRuntime::run(|sim| async move {
        let (_client, player) = joined(&sim).await;
        player.update(song()).await.unwrap();
        let filters = Filters::from(Preset::Nightcore).with_preset(Preset::BassBoostLow);

        player.set_filters(filters).await.unwrap();

        let kept = theirs(&sim).filters;
        assert!(kept["timescale"]["speed"].as_f64().unwrap() > 1.0, "{kept}");
        assert!(
            kept["equalizer"]
                .as_array()
                .is_some_and(|bands| !bands.is_empty()),
            "{kept}"
        );
    });
}

#[test]
fn what_no_server_should_be_told_is_refused_at_once() {
    SimRuntime::run(|sim| async move {
        let (_client, player) = joined(&sim).await;
        let text = RawJson::parse("\"text\"").unwrap();

        let no_end = player.update(song().end_time(Duration::ZERO)).await;
        let no_object = player.update(song().user_data(text)).await;

        assert_eq!(no_end, Err(Error::Submit(SubmitError::InvalidEndTime)));
        assert_eq!(no_object, Err(Error::Submit(SubmitError::InvalidUserData)));
        assert!(!player.is_playing() && guilds_on(&sim, "main").is_empty());
    });
}

#[test]
fn the_position_is_known_between_two_reports() {
    SimRuntime::run(|sim| async move {
        let (_client, player) = joined(&sim).await;
        player.update(song()).await.unwrap();
        for _ in 0..20 {
            sim.sleep(Duration::from_millis(700)).await;
            let (ours, real) = (player.position().unwrap(), theirs(&sim).position_ms);
            let real = Duration::from_millis(real.try_into().unwrap());
            assert!(
                ours.abs_diff(real) < Duration::from_millis(50),
                "{ours:?} {real:?}"
            );
        }
        player.pause().await.unwrap();
        let paused = player.position();
        sim.sleep(secs(3)).await;
        assert_eq!(player.position(), paused, "it stands still in a pause");
    });
}

#[test]
fn discords_two_voice_updates_may_come_in_any_order() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        for (id, is_state_first) in [(1, true), (2, false)] {
            let playing = client.player(guild(id)).update(song());
            for is_state in [is_state_first, !is_state_first] {
                tell(&client, id, is_state);
                sim.sleep(secs(1)).await;
            }
            playing.await.unwrap();
        }
        let voices = sim.with("main", |node| {
            let players = node.players(node.now()).into_iter();
            players
                .filter_map(|player| player.voice)
                .collect::<Vec<_>>()
        });
        assert_eq!(voices.len(), 2);
        for voice in voices {
            assert_eq!(
                (&*voice.session_id, &*voice.token),
                ("voice session", "voice token")
            );
            assert_eq!(
                (&*voice.endpoint, &*voice.channel_id),
                ("fra.discord.media:443", "5")
            );
        }
    });
}

#[test]
fn a_voice_connection_that_closes_is_an_event_with_its_code() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=1).await;
        let mut events = client.events_of(Kinds::VOICE);
        let message = json!({
            "op": "event", "type": "WebSocketClosedEvent", "guildId": "1",
            "code": 4014, "reason": "Disconnected.", "byRemote": true,
        });
        let message = lavapool_tests::node::Disturbance::Text(message.to_string());
        sim.with("main", |node| node.disturb(&message, node.now()));
        sim.sleep(secs(1)).await;

        let closed = Event::VoiceClosed {
            guild: guild(1),
            code: 4014,
            reason: "Disconnected.".into(),
            by_remote: true,
        };
        assert!(taken(&mut events).contains(&closed));
    });
}

#[test]
fn joining_and_leaving_are_messages_for_discords_gateway_and_its_answers_may_be_raw() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let player = client.player(guild(1));
        let join = player.join(ChannelId::new(5).unwrap(), false, true);
        let message = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let data = json!({
            "guild_id": "1", "channel_id": "5", "self_mute": false, "self_deaf": true,
        });
        assert_eq!(message(join.to_json()), json!({ "op": 4, "d": data }));

        let playing = player.update(song());
        for (kind, data) in [
            (
                "VOICE_SERVER_UPDATE",
                json!({
                    "guild_id": "1", "token": "raw", "endpoint": "fra.discord.media:443",
                }),
            ),
            (
                "VOICE_STATE_UPDATE",
                json!({
                    "guild_id": "1", "user_id": "42", "channel_id": "5", "session_id": "s",
                }),
            ),
        ] {
            let event = json!({ "op": 0, "s": 1, "t": kind, "d": data });
            client.gateway_event(&event.to_string()).unwrap();
        }
        playing.await.unwrap();

        assert_eq!(theirs(&sim).voice.unwrap().token, "raw");
        let leave = message(player.leave().to_json());
        assert_eq!(
            (&leave["op"], &leave["d"]["channel_id"]),
            (&json!(4), &json!(null))
        );
        client.gateway_event("{").unwrap_err();
    });
}

/// A client of one node, and the player of a guild whose voice channel was joined.
async fn joined(sim: &SimRuntime) -> (Client, Player) {
    let client = connected(sim, ["main"]).await;
    join_voice(&client, 1, "frankfurt");
    let player = client.player(guild(1));
    (client, player)
}

/// The only player of the node, as the node has it.
fn theirs(sim: &SimRuntime) -> PlayerView {
    sim.with("main", |node| node.players(node.now()).remove(0))
}

async fn load(client: &Client, identifier: &str) -> Track {
    match client.load_tracks(identifier).await.unwrap() {
        LoadResult::Track(track) => track,
        other => panic!("{other:?}"),
    }
}

/// Hands in one of Discord's two updates.
fn tell(client: &Client, id: u64, is_state: bool) {
    if is_state {
        client.voice_state_update(VoiceStateUpdate {
            guild: guild(id),
            user: client.user_id(),
            channel: ChannelId::new(5),
            session_id: Secret::from("voice session"),
        });
    } else {
        client.voice_server_update(VoiceServerUpdate {
            guild: guild(id),
            token: Secret::from("voice token"),
            endpoint: Some("fra.discord.media:443".into()),
        });
    }
}

//! Voice connections, and what Discord says of them.

use lavapool_core::protocol::ChannelId;
use lavapool_core::{Command, Event, GatewayEvent, Shard};
use lavapool_tests::node::Voice;
use lavapool_tests::world::{Discord, World, guild, track_of};

use super::{millis, patches_since, playing, secs};

/// The two halves of a voice state come in either order (discord.js issue 11581), without an
/// endpoint while a server is looked for (discord-api-docs issue 1739), and the half that is left
/// after a leave belongs to nothing.
#[test]
fn a_voice_state_is_sent_when_both_of_its_halves_are_there_and_of_one_join() {
    let mut world = World::builder().nodes(["a"]).connected();
    let mut sent = Vec::new();
    let mut then = |world: &mut World, change: fn(&mut World)| {
        let since = world.now();
        change(world);
        world.run_for(secs(1));
        sent.extend(voices_since(world, since));
        std::mem::take(&mut sent)
    };
    let server = |world: &mut World| world.voice_server(guild(1), Some("us-east"));
    let state = |world: &mut World| world.voice_state(guild(1), ChannelId::new(1_000_001));
    assert_eq!(then(&mut world, server), NOTHING);
    assert_eq!(then(&mut world, state), ["token-1"]);

    // The server is gone, and which is the next one is not known yet.
    assert_eq!(
        then(&mut world, |world| world.voice_server(guild(1), None)),
        NOTHING
    );
    assert_eq!(then(&mut world, server), ["token-3"]);

    // What the next join does not say anew must not be taken from the one before.
    world.play(guild(1), &track_of("long", secs(3_600)));
    assert_eq!(
        then(&mut world, |world| world.voice_state(guild(1), None)),
        NOTHING
    );
    let elsewhere = |world: &mut World| world.voice_state(guild(1), ChannelId::new(77));
    assert_eq!(then(&mut world, elsewhere), NOTHING);
    assert_eq!(then(&mut world, server), ["token-4"]);
}

/// Clients sent the voice state again on every close and every update of their own state, and each
/// time closed the connection that they had (Lavalink issue 307).
#[test]
fn a_voice_state_is_not_sent_again_for_a_mute_nor_without_end_for_closes() {
    let mut world = long();
    let since = world.now();
    for _ in 0..20 {
        // Muted, deafened and back: the four values stay as they are.
        world.voice_state(guild(1), ChannelId::new(1_000_001));
        world.run_for(millis(100));
    }
    assert_eq!(voices_since(&world, since), NOTHING);

    // The server closes the old connection itself when it is given a new one.
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(60));
    assert_eq!(voices_since(&world, since).len(), 1);

    let since = world.now();
    world.node("a").config().voice = Voice::Closes {
        after: millis(100),
        code: 4006,
        reason: "Session is no longer valid.",
    };
    world.node("a").close_voice(1, 4006, "", since);
    world.run_for(secs(3_600));
    let (sent, joins) = (voices_since(&world, since), world.payloads_since(since));
    assert!((1..=6).contains(&sent.len()), "{sent:?}");
    assert!(joins.len() <= 12, "{joins:?}");
}

/// A PATCH of a voice server that does not answer hangs, and keeps a thread of the server; a
/// connection may also die without any event.
#[test]
fn voice_that_hangs_is_asked_for_once_and_voice_that_died_silently_is_missed() {
    let mut world = long();
    world.node("a").config().voice = Voice::Unreachable;
    let since = world.now();
    for _ in 0..5 {
        world.voice_server(guild(1), Some("us-east"));
        world.run_for(millis(500));
    }
    // The newest waits until the first is given up.
    assert_eq!(voices_since(&world, since).len(), 1);
    world.run_for(secs(600));
    let sent = voices_since(&world, since);
    assert!((2..40).contains(&sent.len()), "{sent:?}");

    let mut world = long();
    let since = world.now();
    world.node("a").lose_voice(1, since);
    world.run_for(secs(30));
    let told = world.events_since(since);
    let told = told.filter(|event| matches!(event, Event::VoiceRejoining { .. }));
    assert_eq!(told.count(), 1);
    assert!(world.only_copy(guild(1)).1.audible);
}

/// Discord closes with 4014 when a bot is kicked, and just so when it is moved: whoever destroys
/// the player then destroys it in front of a channel that it is about to play in (lavalink-client
/// for Java, issue 30).
#[test]
fn a_4014_of_a_move_to_another_channel_costs_neither_player_nor_track() {
    let mut world = long();
    world.set_discord(Discord::Silent);
    let since = world.now();
    world.node("a").close_voice(1, 4014, "Disconnected.", since);
    world.run_for(millis(1_500));
    world.voice_state(guild(1), ChannelId::new(77));
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(30));

    let requests = world.requests_since("a", since);
    assert!(
        !requests.iter().any(|what| what.starts_with("DELETE")),
        "{requests:?}"
    );
    let (_, player) = world.only_copy(guild(1));
    let channel = player.voice.map(|voice| voice.channel_id);
    assert_eq!((channel.as_deref(), player.audible), (Some("77"), true));
    let lost = world.events_since(since).find(|event| {
        matches!(
            event,
            Event::VoiceLost { .. } | Event::VoiceLeft { .. } | Event::TrackEnd { .. }
        )
    });
    assert_eq!(lost, None);
}

/// With a new session on the gateway the voice sessions of the old one are over; one that joins
/// all channels at once is disconnected for it (Discord: Gateway, rate limiting).
#[test]
fn a_new_gateway_session_joins_every_channel_again_within_the_limit() {
    let mut world = playing(1..=150, []);
    world.set_discord(Discord::Answers);
    let since = world.now();
    let resumed = r#"{"op":0,"t":"RESUMED","s":9,"d":{}}"#;
    assert_eq!(GatewayEvent::parse(resumed), Ok(GatewayEvent::Other));

    world.submit(Command::GatewayReady(Shard::ALONE));
    world.run_for(secs(120));
    let payloads = world.payloads_since(since);
    let joined = payloads.iter().filter(|(_, join)| join.channel.is_some());
    let mut joined: Vec<_> = joined.map(|(_, join)| join.guild.get()).collect();
    joined.sort_unstable();
    assert_eq!(joined, Vec::from_iter(1..=150));
    for window in payloads.windows(120) {
        let (first, last) = (window[0].0, window[119].0);
        assert!(
            last - first >= secs(60),
            "120 payloads in {:?}",
            last - first
        );
    }
    for number in 1..=150 {
        let (_, player) = world.only_copy(guild(number));
        let token = player.voice.map(|voice| voice.token).unwrap();
        let join: u64 = token.trim_start_matches("token-").parse().unwrap();
        assert!(player.connected && join > 150, "{number} has {token}");
    }
}

/// A world in which guild 1 plays on `a` for an hour, and Discord answers.
fn long() -> World {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("long", secs(36_000)));
    world.run_for(secs(10));
    world.set_discord(Discord::Answers);
    world
}

/// The tokens of the voice states that `a` was sent since a moment.
fn voices_since(world: &World, since: std::time::Duration) -> Vec<String> {
    let patches = patches_since(world, "a", since).into_iter();
    let tokens = patches.filter_map(|patch| patch["voice"]["token"].as_str().map(str::to_owned));
    tokens.collect()
}

const NOTHING: [&str; 0] = [];

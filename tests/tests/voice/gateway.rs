//! A gateway connection that is made anew.

use lavapool_core::protocol::ChannelId;
use lavapool_core::{Command, GatewayPayload, Shard};
use lavapool_tests::world::{CHANNELS, Discord, World, guild};

use super::{millis, playing, secs, told_since};

#[test]
fn after_a_new_identify_every_guild_with_a_player_is_joined_again_within_the_limit() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill(1..=200);
    world.set_discord(Discord::Answers);
    let since = world.now();
    world.submit(Command::GatewayReady(Shard::ALONE));
    world.run_for(secs(150));

    let payloads = world.payloads_since(since);
    let mut guilds: Vec<_> = payloads.iter().map(|(_, p)| p.guild.get()).collect();
    guilds.sort_unstable();
    assert_eq!(guilds, (1..=200).collect::<Vec<_>>());
    let first = payloads[0].1;
    let channel = ChannelId::new(first.guild.get() + CHANNELS).unwrap();
    assert_eq!(
        first,
        GatewayPayload::join(first.guild, channel, false, false)
    );
    for window in payloads.windows(101) {
        let (from, to) = (window[0].0, window[100].0);
        assert!(to - from >= secs(60), "101 payloads in {:?}", to - from);
    }
    for number in 1..=200 {
        assert!(world.only_copy(guild(number)).1.audible, "{number}");
    }
    assert_eq!(told_since(&world, since), []);
}

#[test]
fn no_node_is_told_the_session_of_an_old_gateway_connection_whichever_half_comes_first() {
    let mut world = playing();
    world.set_discord(Discord::Silent);
    let since = world.now();
    world.submit(Command::GatewayReady(Shard::ALONE));
    world.run_for(millis(100));
    world.renew_voice_session(guild(1));
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(millis(300));
    assert_eq!(world.requests_since("a", since), [""; 0]);

    world.voice_state(guild(1), ChannelId::new(1 + CHANNELS));
    world.run_for(secs(1));

    assert_eq!(world.requests_since("a", since), ["PATCH players/1"]);
    assert!(world.only_copy(guild(1)).1.audible);
}

#[test]
fn a_channel_is_not_joined_again_for_a_player_that_was_destroyed_before_its_turn() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill(1..=3);
    world.set_discord(Discord::Answers);
    let since = world.now();
    world.submit(Command::GatewayReady(Shard::ALONE));
    world.submit(Command::Destroy(guild(2)));
    world.run_for(secs(5));

    let payloads = world.payloads_since(since);
    let joined: Vec<_> = payloads.iter().map(|(_, p)| p.guild.get()).collect();
    assert_eq!(joined, [1, 3]);
    assert_eq!(world.pool().players().count(), 2);
}

#[test]
fn only_the_guilds_of_the_shard_are_joined_again() {
    let mut world = World::builder().nodes(["a"]).connected();
    let guilds = [1 << 22, 2 << 22, 3 << 22];
    for number in guilds {
        world.join(guild(number), "us-east");
    }
    world.run_for(secs(1));
    let since = world.now();
    world.submit(Command::GatewayReady(Shard::new(1, 2).unwrap()));
    world.run_for(secs(5));
    let joined: Vec<_> = world
        .payloads_since(since)
        .iter()
        .map(|(_, payload)| payload.guild.get())
        .collect();
    assert_eq!(joined, [1 << 22, 3 << 22]);
}

#[test]
fn a_shard_that_is_ready_again_joins_each_channel_once_and_keeps_no_other_shard_from_it() {
    let mut world = World::builder().nodes(["a"]).connected();
    for number in [1 << 22, 2 << 22, 3 << 22] {
        world.join(guild(number), "us-east");
    }
    world.run_for(secs(1));
    let since = world.now();
    world.submit(Command::GatewayReady(Shard::ALONE));
    // The first is on its way, and the others wait for their turn.
    world.submit(Command::GatewayReady(Shard::new(1, 2).unwrap()));
    world.run_for(secs(5));
    let payloads = world.payloads_since(since);
    let joined: Vec<_> = payloads.iter().map(|(_, p)| p.guild.get() >> 22).collect();
    assert_eq!(joined, [1, 2, 1, 3]);
}

#[test]
fn a_voice_connection_that_is_gone_before_it_is_sent_again_is_not_sent() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.set_discord(Discord::Silent);
    world.node("a").faults().fail_next(503, 1);
    world.node("a").config().latency.voice = millis(500);
    let since = world.now();
    world.join(guild(1), "us-east");
    world.run_for(millis(100));

    world.submit(Command::GatewayReady(Shard::ALONE));
    world.run_for(secs(5));

    assert_eq!(world.requests_since("a", since), ["PATCH players/1"]);
    assert!(world.player(guild(1)).synced);
}

#[test]
fn the_end_of_the_old_voice_session_does_not_undo_the_new_one() {
    let mut world = playing();
    let since = world.now();
    world.set_discord(Discord::Silent);
    world.submit(Command::GatewayReady(Shard::ALONE));
    world.node("a").close_voice(1, 4014, "", since);
    // Discord says that the bot is out before it says that it is back.
    world.voice_state(guild(1), None);
    world.run_for(millis(200));
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    assert_eq!(told_since(&world, since), []);
    assert!(super::is_connected(&world));
    assert!(world.player(guild(1)).playing);
}

#[test]
fn the_voice_session_of_an_old_gateway_connection_is_told_to_no_other_node() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    super::play(&mut world);
    let (here, there) = super::here_and_there(&world);
    world.set_discord(Discord::Silent);
    let since = world.now();
    world.submit(Command::GatewayReady(Shard::ALONE));
    world.run_for(secs(1));
    world.kill(here);
    world.run_for(secs(5));
    let heard = world.heard_since(there, since);
    assert!(heard.iter().any(|heard| heard.what == "PATCH players/1"));
    let told = heard.iter().filter(|heard| heard.body["voice"].is_object());
    assert_eq!(told.count(), 0, "{heard:?}");
}

#[test]
fn a_bot_without_players_joins_nothing() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.submit(Command::GatewayReady(Shard::ALONE));
    world.run_for(secs(60));
    assert_eq!(world.payloads_since(secs(0)), []);
}

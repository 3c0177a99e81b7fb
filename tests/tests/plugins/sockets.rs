//! What is told on sockets that end, and to nodes that are left.

use lavapool_core::player::Update;
use lavapool_core::protocol::GuildId;
use lavapool_core::protocol::plugins::Category;
use lavapool_core::rest::Request;
use lavapool_core::{Answer, Command, CommandId, Leaving, Target};
use lavapool_tests::node::Disturbance;
use lavapool_tests::world::{Answered, World, guild, track};

use super::{SET, SUBSCRIBE, UNSUBSCRIBE, millis, plugged, secs, sing, skip, told_since};

#[test]
fn categories_are_told_again_where_the_keep_alive_socket_died_under_them() {
    let (told, answer) =
        told_on_a_dead_socket(|world, guild| skip(world, guild, &[Category::Intro]));
    assert_eq!(answer, Some(Ok(Answer::Done)));
    assert_eq!(told, [SET, SET]);
}

#[test]
fn a_subscription_is_made_again_where_the_keep_alive_socket_died_under_it() {
    let (told, answer) = told_on_a_dead_socket(sing);
    assert_eq!(answer, Some(Ok(Answer::Done)));
    // The first may have arrived, and a second one would change nothing.
    assert_eq!(told, [SUBSCRIBE, UNSUBSCRIBE, SUBSCRIBE]);
}

#[test]
fn a_subscription_that_waits_behind_a_search_is_not_told_a_node_that_is_left() {
    let builder = plugged(["a"]).config(|c| c.limits.lookup_sockets_max = 1);
    let mut world = builder.connected();
    world.fill([1]);
    world.node("a").config().latency.load = millis(100);
    search(&mut world);
    sing(&mut world, guild(1));
    // The node is slow to close.
    world.set_latency("a", secs(1));
    let since = world.now();

    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(5));

    assert_eq!(told_since(&world, "a", since), [""; 0]);
}

#[test]
fn what_waits_behind_a_search_is_not_told_of_a_guild_whose_player_is_still_to_be_destroyed() {
    let builder = plugged(["a"]).config(|c| c.limits.lookup_sockets_max = 1);
    let mut world = builder.connected();
    world.fill([1]);
    world.node("a").config().latency.load = millis(100);
    world.node("a").config().latency.player = secs(1);
    search(&mut world);
    sing(&mut world, guild(1));
    let since = world.now();

    world.submit(Command::Destroy(guild(1)));
    let wish = sing(&mut world, guild(1));
    world.run_for(millis(500));
    assert_eq!(told_since(&world, "a", since), [""; 0]);
    world.run_for(secs(2));

    assert_eq!(world.answer(wish), Some(&Ok(Answer::Done)));
    assert_eq!(told_since(&world, "a", since), [SUBSCRIBE]);
}

#[test]
fn what_is_on_its_way_to_a_plugin_is_cut_off_when_the_node_is_lost() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    world.node("a").config().latency.other = secs(10);
    sing(&mut world, guild(1));
    world.run_for(millis(50));

    world.refuse("a", true);
    world.disturb("a", &Disturbance::InvalidUtf8);
    world.run_for(millis(50));

    assert_eq!(world.open_sockets(), [""; 0]);
}

fn search(world: &mut World) {
    world.submit(Command::Rest {
        node: Target::Best,
        request: Request::LoadTracks {
            identifier: "https://tracks.test/song".to_owned(),
        },
    });
}

/// What plugins hear, and what is answered, where a reused socket ends with the request on its way.
fn told_on_a_dead_socket(
    mut tell: impl FnMut(&mut World, GuildId) -> CommandId,
) -> (Vec<String>, Option<Answered>) {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    tell(&mut world, guild(2));
    world.run_for(secs(1));
    world.node("a").config().latency.other = millis(100);
    let since = world.now();
    let wish = tell(&mut world, guild(1));
    world.run_for(millis(50));

    world.end_rest("a");
    world.run_for(secs(1));

    let answer = world.answer(wish).cloned();
    (told_since(&world, "a", since), answer)
}

#[test]
fn what_a_play_is_told_with_waits_behind_the_voice_connections_before_it() {
    let mut world = plugged(["a"])
        .config(|config| config.limits.control_sockets_max = 2)
        .connected();
    world.fill(1..=3);
    world.node("a").config().latency.player = millis(100);
    let since = world.now();
    for number in 1..=2 {
        world.update(guild(number), Update::default().volume(50));
    }
    world.voice_server(guild(3), Some("us-west"));
    world.join(guild(4), "us-east");
    world.play(guild(4), &track("song"));
    skip(&mut world, guild(4), &[Category::Intro]);
    world.run_for(secs(2));
    let told = [
        "PATCH players/3",
        "PUT players/4/sponsorblock/categories",
        "PATCH players/4",
    ];
    assert_eq!(world.requests_since("a", since)[2..], told);
}

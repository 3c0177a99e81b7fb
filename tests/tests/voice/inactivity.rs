//! Players without a track, and players without anybody to hear them.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::{Command, Event, Fate, PoolConfig, SubmitError};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track, track_of};

use super::{playing, secs};

#[test]
fn a_player_without_a_track_is_inactive_after_five_minutes_and_that_is_said_once() {
    let mut world = playing();
    world.update(guild(1), Update::stop());
    let since = world.now();
    world.run_for(secs(299));
    assert_eq!(inactive_since(&world, since), []);
    world.run_for(secs(1_800));
    // Whatever Discord says meanwhile.
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(1_800));
    assert_eq!(inactive_since(&world, since), [(secs(300), false)]);
    assert_eq!(world.pool().players().count(), 1);
}

#[test]
fn a_track_that_ends_begins_the_time() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(30)));
    world.run_for(secs(5));
    let since = world.now();
    world.run_for(secs(400));
    let [(at, _)] = inactive_since(&world, since)[..] else {
        panic!("{:?}", world.events())
    };
    assert!(at > secs(324) && at < secs(327), "{at:?}");
}

#[test]
fn whatever_is_asked_of_a_player_begins_the_time_anew() {
    let mut world = playing();
    world.update(guild(1), Update::stop());
    world.run_for(secs(250));
    world.update(guild(1), Update::default().volume(50));
    let since = world.now();
    world.run_for(secs(299));
    assert_eq!(inactive_since(&world, since), []);
    world.run_for(secs(2));
    assert_eq!(inactive_since(&world, since), [(secs(300), false)]);

    // After a track there is a new time, and it is said again.
    world.play(guild(1), &track("song"));
    world.run_for(secs(1));
    world.update(guild(1), Update::stop());
    let since = world.now();
    world.run_for(secs(301));
    assert_eq!(inactive_since(&world, since), [(secs(300), false)]);
}

#[test]
fn a_player_that_plays_is_active_for_as_long_as_it_does() {
    let mut world = playing();
    world.run_for(secs(3_600));
    assert_eq!(inactive_since(&world, secs(0)), []);
}

#[test]
fn a_player_whose_stop_is_refused_is_as_active_as_it_was() {
    let mut world = configured(|_| {});
    let since = world.now();
    world.node("a").faults().fail_next(400, 1);
    world.update(guild(1), Update::stop());
    world.run_for(secs(400));
    assert!(world.player(guild(1)).playing);
    assert_eq!(inactive_since(&world, since), []);
}

#[test]
fn a_player_that_nobody_hears_is_inactive_though_it_plays() {
    let mut world = playing();
    let since = world.now();
    alone(&mut world, true);
    world.run_for(secs(200));
    alone(&mut world, false);
    world.run_for(secs(600));
    assert_eq!(inactive_since(&world, since), []);
    let since = world.now();
    alone(&mut world, true);
    world.run_for(secs(301));
    assert_eq!(inactive_since(&world, since), [(secs(300), false)]);
}

#[test]
fn an_inactive_player_is_destroyed_and_leaves_if_the_configuration_says_so() {
    let mut world = configured(|config| config.on_inactive = Fate::Destroy);
    world.update(guild(1), Update::stop());
    let since = world.now();
    world.run_for(secs(301));
    assert_eq!(inactive_since(&world, since), [(secs(300), true)]);
    assert_eq!(super::asked_since(&world, since), [("leave", secs(300))]);
    assert_eq!(world.pool().players().count(), 0);
    assert_eq!(world.copies(guild(1)), []);
}

#[test]
fn a_player_has_its_own_time_if_it_is_given_one() {
    for (after, expected) in [(Some(secs(60)), vec![(secs(60), false)]), (None, vec![])] {
        let mut world = playing();
        world.update(guild(1), Update::stop());
        let since = world.now();
        let guild = guild(1);
        world.submit(Command::InactiveAfter { guild, after });
        world.run_for(secs(1_000));
        assert_eq!(inactive_since(&world, since), expected);
    }
}

#[test]
fn no_player_is_ever_inactive_if_the_pool_has_no_time_for_that() {
    let mut world = configured(|config| config.inactive_after = None);
    world.update(guild(1), Update::stop());
    world.run_for(secs(3_600));
    assert_eq!(inactive_since(&world, secs(0)), []);
}

#[test]
fn a_player_that_something_was_asked_of_is_kept_though_it_was_never_in_a_channel() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder.config(|c| c.inactive_after = None).connected();
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(3_600));
    assert_eq!(world.player(guild(1)).volume.get(), 50);
}

#[test]
fn the_time_goes_on_while_the_node_is_away_and_the_player_elsewhere() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    super::play(&mut world);
    world.update(guild(1), Update::stop());
    let since = world.now();
    world.run_for(secs(100));
    for name in ["a", "b"] {
        world.kill(name);
        world.run_for(secs(50));
        world.restart(name);
        world.run_for(secs(50));
    }
    world.run_for(secs(50));
    assert_eq!(inactive_since(&world, since), [(secs(300), false)]);
}

#[test]
fn a_guild_without_a_player_is_neither_alone_nor_inactive() {
    let mut world = World::builder().nodes(["a"]).connected();
    let guild = guild(1);
    let refused = [
        Command::Alone { guild, alone: true },
        Command::InactiveAfter { guild, after: None },
    ]
    .map(|command| world.try_submit(command).unwrap_err());
    assert_eq!(
        refused,
        [SubmitError::NoSuchPlayer, SubmitError::NoSuchPlayer]
    );
}

fn configured(configure: impl FnOnce(&mut PoolConfig)) -> World {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder.config(configure).connected();
    super::play(&mut world);
    world
}

fn alone(world: &mut World, alone: bool) {
    let guild = guild(1);
    world.submit(Command::Alone { guild, alone });
}

/// When guild 1 was said to be inactive since a moment, and whether it was destroyed.
fn inactive_since(world: &World, since: Duration) -> Vec<(Duration, bool)> {
    let events = world.events().iter().filter(|(at, _)| *at >= since);
    let inactive = events.filter_map(|(at, event)| match event {
        Event::PlayerInactive { destroyed, .. } => Some((*at - since, *destroyed)),
        _ => None,
    });
    inactive.collect()
}

#[test]
fn a_player_that_plays_on_after_a_stop_that_took_long_to_be_refused_is_inactive_when_it_ends() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.inactive_after = Some(secs(5)))
        .connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(40)));
    world.run_for(secs(1));
    let since = world.now();
    let faults = world.node("a").faults();
    faults.slow.insert(AnswerKind::Player, secs(8));
    faults.fail_next(400, 1);
    world.update(guild(1), Update::stop());
    world.run_for(secs(10));
    assert!(world.player(guild(1)).playing);
    assert_eq!(inactive_since(&world, since), [(secs(5), false)]);
    world.run_for(secs(60));
    assert_eq!(inactive_since(&world, since).len(), 2);
}

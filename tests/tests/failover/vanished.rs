//! Plays that a node does not have any more: what is told of them.

use lavapool_core::player::Update;
use lavapool_core::{Command, Event};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{Direction, World, guild, track, track_of};

use super::refused::{refuse_bad, told_since};
use super::{crowded, secs, title};

#[test]
fn the_end_of_a_track_that_its_node_has_lost_is_told_when_the_next_is_refused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    forget_player(&mut world);
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(10));
    world.run_for(secs(1));
    assert!(!world.player(guild(1)).playing);
    let told = told_since(&world, since);
    assert_eq!(told.last(), Some(&(false, "Track new".into())), "{told:?}");
}

#[test]
fn the_end_of_a_track_that_nobody_heard_end_is_told_when_the_next_is_refused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.play(guild(1), &track_of("short", secs(5)));
    world.run_for(secs(2));
    let since = world.now();
    world.mute("a", Direction::ToPool);
    world.run_until(|world| title(world).is_none(), secs(10));
    world.drop_connections("a");
    world.submit(Command::Reconnect(world.id("a")));
    // Its node is back, and says that it plays nothing.
    world.run_for(secs(3));
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(10));
    world.run_for(secs(1));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(told_since(&world, since), [(false, "Track short".into())]);
}

#[test]
fn a_track_that_cannot_be_begun_again_with_fresh_voice_is_told_to_be_over() {
    let mut world = crowded(1..=2, []);
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Voice, secs(40));
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(secs(5));
    // The node answers others.
    world.update(guild(2), Update::default().volume(50));
    let is_failed = |world: &World| {
        let mut events = world.events().iter();
        events.any(|(_, event)| matches!(event, Event::VoiceFailed { .. }))
    };
    world.run_until(is_failed, secs(15));
    world.node("a").faults().slow.clear();
    let refused = "https://tracks.test/1".to_owned();
    world.node("a").faults().rejected_tracks.insert(refused);
    let since = world.now();
    world.join(guild(1), "us-west");
    world.run_for(secs(5));
    assert!(!world.player(guild(1)).playing);
    let told = world.events_since(since).filter(|event| {
        matches!(
            event,
            Event::TrackUnplayable { .. } | Event::TrackEnd { .. }
        )
    });
    assert_eq!(told.count(), 1);
}

/// The only node is lost, and does not have the player of guild 1 any more, which plays a new
/// track: nobody heard how it did what it had been asked long before.
pub(super) fn forget_player(world: &mut World) {
    vanish(world);
    world.drop_connections("a");
    world.submit(Command::Reconnect(world.id("a")));
}

/// The first node does not have the player of guild 1 any more, which nobody hears.
pub(super) fn vanish(world: &mut World) {
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, secs(20));
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(16));
    world.node("a").faults().slow.clear();
    let node = Some(world.id("a"));
    world.submit(Command::Update {
        guild: guild(1),
        node,
        update: Update::play(track("new")),
    });
    world.join(guild(1), "us-east");
    world.run_for(secs(3));
    assert_eq!(title(world), Some("Track new".into()));
    world.mute("a", Direction::ToPool);
    world.run_until(|world| world.guilds_on("a").is_empty(), secs(5));
}

//! What a server does long after it was asked, and nobody waits for it any more.

use std::sync::Arc;

use lavapool_core::player::Update;
use lavapool_core::protocol::{Filters, TrackEndReason};
use lavapool_core::{Command, Event, Leaving};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track};

use super::{crowded, secs};

#[test]
fn a_volume_that_is_set_late_does_not_stay_over_a_newer_one() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.update(guild(1), Update::default().volume(80));
    world.run_for(secs(17));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
    // The server is done with the first request 20 s after it was asked.
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(5));
    world.run_for(secs(15));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
}

#[test]
fn a_play_that_begins_late_gives_way_to_the_one_since() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::play(track("old")));
    world.play(guild(1), &track("new"));
    world.run_for(secs(17));
    assert_eq!(title(&world), Some("Track new".into()));
    let began = world.now();
    world.run_for(secs(5));
    // It was seen to be replaced, which nobody had asked for; to the application it goes on.
    assert_eq!(title(&world), Some("Track new".into()));
    assert_eq!(ends_since(&world, began), []);
    world.run_for(secs(10));
    let (shown, copy) = (world.position(guild(1)), world.only_copy(guild(1)).1);
    let truth_ms = u128::try_from(copy.content_ms).unwrap();
    assert!(shown.as_millis().abs_diff(truth_ms) < 100, "{shown:?}");
}

#[test]
fn a_stop_that_is_done_late_does_not_stop_the_play_since() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::stop());
    world.play(guild(1), &track("new"));
    world.run_for(secs(17));
    let began = world.now();
    world.run_for(secs(10));
    assert_eq!(title(&world), Some("Track new".into()));
    assert_eq!(ends_since(&world, began), []);
}

#[test]
fn an_empty_player_that_is_made_late_is_destroyed() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::stop());
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(16));
    assert_eq!(world.guilds_on("a"), [0; 0]);
    world.run_until(|world| world.guilds_on("a") == [1], secs(5));
    world.run_for(secs(15));
    assert_eq!(world.guilds_on("a"), [0; 0]);
}

#[test]
fn a_player_that_is_made_late_where_it_has_left_is_destroyed_there() {
    let mut world = crowded(1..=1, ["b"]);
    late(&mut world, Update::default().volume(50));
    let node = world.id("b");
    let order = Command::Move {
        guild: guild(1),
        node,
    };
    world.submit(order);
    world.run_until(|world| world.copies(guild(1)).len() == 2, secs(25));
    world.run_until(|world| world.guilds_on("a").is_empty(), secs(25));
    world.run_for(secs(30));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_guild_that_is_destroyed_before_its_session_is_resumed_is_not_adopted() {
    let mut world = inherited(Update::default());
    let destroy = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(5));
    assert!(world.answer(destroy).is_some());
    assert_eq!(world.guilds_on("a"), [0; 0]);
    assert!(world.pool().player(guild(1)).is_none());
}

#[test]
fn a_player_of_before_keeps_what_nobody_asks_it_to_change() {
    let mut filters = Filters::default();
    filters.volume = Some(0.5);
    let mut world = inherited(Update::default().volume(70).filters(filters.clone()));
    // Discord speaks of the guild before its session is resumed.
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!((view.volume.get(), copy.volume), (70, 70));
    assert_eq!(view.filters.map(Arc::unwrap_or_clone), Some(filters));
    assert_eq!(copy.filters["volume"], 0.5);
    assert_eq!(title(&world), Some("Track 1".into()));
}

#[test]
fn a_play_that_comes_before_a_player_of_before_is_known_takes_its_place() {
    let mut world = inherited(Update::default());
    world.join(guild(1), "us-east");
    // Both clients number their plays from 1.
    world.play(guild(1), &track("mine"));
    world.run_for(secs(5));
    assert_eq!(title(&world), Some("Track mine".into()));
}

#[test]
fn a_delete_that_is_done_late_does_not_end_the_play_since() {
    let mut world = crowded(1..=1, []);
    late_command(&mut world, Command::Destroy(guild(1)));
    world.run_for(secs(16));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("new"));
    world.run_for(secs(25));
    assert_eq!(title(&world), Some("Track new".into()));
}

#[test]
fn what_a_new_player_has_anyway_is_set_on_one_of_before() {
    let mut world = inherited(Update::default().volume(70).paused(true));
    world.update(guild(1), Update::default().volume(100).paused(false));
    world.run_for(secs(5));
    let copy = world.only_copy(guild(1)).1;
    assert_eq!((copy.volume, copy.paused), (100, false));
}

#[test]
fn a_player_of_before_is_stopped_by_a_stop_that_comes_before_it_is_known() {
    let mut world = inherited(Update::default());
    world.update(guild(1), Update::stop());
    world.run_for(secs(5));
    assert_eq!(title(&world), None);
}

/// As [`late_command`], for an update.
fn late(world: &mut World, update: Update) {
    let update = Command::Update {
        guild: guild(1),
        node: None,
        update,
    };
    late_command(world, update);
}

/// Asks the only node for something that it does 20 s later, when the pool has given it up.
fn late_command(world: &mut World, command: Command) {
    let slow = AnswerKind::Player;
    world.node("a").faults().slow.insert(slow, secs(20));
    world.submit(command);
    world.run_for(secs(1));
    world.node("a").faults().slow.clear();
}

/// A client that has just started, and resumes the session of one before it, whose player was
/// changed so.
fn inherited(update: Update) -> World {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), update);
    world.run_for(secs(1));
    let node = world.node_config("a", Some(&world.view("a")));
    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(1));
    world.restart_client(vec![node], false);
    world
}

fn title(world: &World) -> Option<String> {
    world.only_copy(guild(1)).1.track.map(|track| track.title)
}

/// The ends that were told of the newer track.
fn ends_since(world: &World, since: std::time::Duration) -> Vec<TrackEndReason> {
    let events = world.events_since(since);
    let ends = events.filter_map(|event| match event {
        Event::TrackEnd { track, reason, .. } if track.info.title == "Track new" => {
            Some(reason.clone())
        }
        _ => None,
    });
    ends.collect()
}

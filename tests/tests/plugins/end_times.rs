//! End times of tracks in which SponsorBlock skips segments.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::protocol::TrackEndReason;
use lavapool_core::protocol::plugins::Category;
use lavapool_core::{Answer, Event};
use lavapool_tests::world::{World, guild, track};

use super::{millis, plugged, secs, skip};

#[test]
fn a_track_with_segments_ends_at_its_end_time_all_the_same() {
    let mut world = ending_at(secs(30), &[Category::Sponsor]);
    let since = world.now();

    // The ten seconds of the sponsor are not played.
    world.run_for(secs(19));
    assert_eq!(ends_since(&world, since), []);
    let server_end = world.only_copy(guild(1)).1.end_time_ms;
    assert_eq!(server_end, None, "SponsorBlock took the marker");
    world.run_for(millis(1_500));

    assert_eq!(ends_since(&world, since), [TrackEndReason::Finished]);
    assert!(world.only_copy(guild(1)).1.track.is_none());
    world.run_for(secs(20));
    assert_eq!(ends_since(&world, since), [TrackEndReason::Finished]);
}

#[test]
fn the_next_track_may_follow_at_once() {
    let mut world = ending_at(secs(30), &[Category::Sponsor]);
    let since = world.now();
    let has_ended = |world: &World| !ends_since(world, since).is_empty();
    world.run_until(has_ended, secs(21));

    let play = world.play(guild(1), &track("next"));
    world.run_for(secs(8));

    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert_eq!(ends_since(&world, since), [TrackEndReason::Finished]);
    assert!(world.only_copy(guild(1)).1.audible);
}

#[test]
fn a_track_without_segments_is_ended_by_its_node() {
    let mut world = ending_at(secs(30), &[Category::Filler]);
    let since = world.now();

    world.run_for(secs(31));

    assert_eq!(ends_since(&world, since), [TrackEndReason::Finished]);
    assert_eq!(world.requests_since("a", since), [""; 0]);
}

#[test]
fn a_track_that_is_paused_when_its_play_is_told_does_not_end() {
    let mut world = plugged(["a"]).connected();
    skip(&mut world, guild(1), &[Category::Sponsor]);
    world.join(guild(1), "us-east");
    let play = Update::play(track("song")).end_time(secs(30)).paused(true);
    world.update(guild(1), play);
    let since = world.now();
    world.run_for(secs(60));
    assert_eq!(ends_since(&world, since), []);
}

#[test]
fn a_pause_moves_the_end_and_a_new_end_time_replaces_it() {
    let mut world = ending_at(secs(30), &[Category::Sponsor]);
    let since = world.now();
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(30));
    world.update(guild(1), Update::default().paused(false).end_time(secs(40)));

    world.run_for(secs(28));
    assert_eq!(ends_since(&world, since), []);
    world.run_for(secs(3));

    assert_eq!(ends_since(&world, since), [TrackEndReason::Finished]);
}

#[test]
fn a_track_that_is_paused_behind_its_end_time_ends_when_it_goes_on() {
    let mut world = ending_at(secs(5), &[Category::Sponsor]);
    let since = world.now();
    let behind = Update::default().paused(true).position(secs(8));
    world.update(guild(1), behind);
    world.run_for(secs(10));
    assert_eq!(ends_since(&world, since), []);

    world.update(guild(1), Update::default().paused(false));
    world.run_for(secs(1));
    assert_eq!(ends_since(&world, since), [TrackEndReason::Finished]);
}

/// A track plays from its beginning to this place.
fn ending_at(end_time: Duration, categories: &[Category]) -> World {
    let mut world = plugged(["a"]).connected();
    skip(&mut world, guild(1), categories);
    world.join(guild(1), "us-east");
    world.update(guild(1), Update::play(track("song")).end_time(end_time));
    world.run_for(millis(10));
    assert!(world.only_copy(guild(1)).1.audible);
    world
}

fn ends_since(world: &World, since: Duration) -> Vec<TrackEndReason> {
    let ends = world.events_since(since).filter_map(|event| match event {
        Event::TrackEnd { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    ends.collect()
}

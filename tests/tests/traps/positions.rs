//! Where in a track a player is.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::protocol::{Filters, Timescale, TrackBlob, same_track};
use lavapool_core::{Answer, Command, Event};
use lavapool_tests::world::{World, guild, track, track_of};

use super::{millis, patches_since, playing, secs, update_of};

/// The blob of a track in an event holds the position at that moment: it equals no other blob of
/// that track, and played as it is it would begin in the middle.
#[test]
fn a_track_from_an_event_is_the_same_track_and_is_played_from_its_start() {
    let mut world = playing(1..=1, []);
    let since = world.now();
    world.play(guild(1), &track("other"));
    world.run_for(secs(1));
    let ended = world.events_since(since).find_map(|event| match event {
        Event::TrackEnd { track, .. } => Some(track.clone()),
        _ => None,
    });
    let loaded = track("1");
    assert_eq!(ended.unwrap().encoded, loaded.encoded);

    let blob = TrackBlob::decode(&loaded.encoded).unwrap();
    let ended = blob.with_position(90_000).to_track().unwrap();
    assert_ne!(ended.encoded, loaded.encoded);
    assert!(same_track(&ended.encoded, &loaded.encoded));
    world.play(guild(1), &ended);
    world.run_for(millis(100));

    let patches = patches_since(&world, "a", since);
    assert_eq!(patches.last().unwrap()["position"], 0);
    assert!(world.only_copy(guild(1)).1.content_ms <= 100);
}

/// The clock of a server may be wrong, and reports come every five seconds only: in between a
/// position runs, unless the player is paused or speaks to nobody, and never past the end.
#[test]
fn a_position_runs_on_the_own_clock_and_stands_when_no_sound_goes_out() {
    let mut world = World::builder()
        .node("a", |node| node.server.epoch_ms = 12)
        .connected();
    world.fill(1..=1);
    let filters = Filters::new().with_timescale(Timescale {
        speed: 2.0,
        ..Timescale::default()
    });
    world.update(
        guild(1),
        Update::default().position(secs(10)).filters(filters),
    );
    world.run_for(millis(7_300));
    assert_near(&world, "while it plays");

    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(3));
    let paused_at = world.position(guild(1));
    world.run_for(secs(20));
    assert_eq!(world.position(guild(1)), paused_at);
    world.update(guild(1), Update::default().paused(false));
    world.run_for(millis(3_300));
    assert_near(&world, "after a pause");

    // Voice is gone: the next report says so.
    let now = world.now();
    world.node("a").lose_voice(1, now);
    world.run_for(secs(6));
    let silent_at = world.position(guild(1));
    world.run_for(secs(4));
    assert_eq!(world.position(guild(1)), silent_at);
}

/// A client that only adds up time goes past the end of a track whose end is late.
#[test]
fn a_position_never_passes_the_length_of_its_track() {
    let mut world = playing(1..=1, []);
    world.play(guild(1), &track_of("short", secs(5)));
    world.run_for(secs(4));
    world.cut_off("a");
    world.run_for(secs(8));
    assert_eq!(world.position(guild(1)), secs(5));
}

/// A player that was made again or moved reports position 0 at first, wherever it was told to
/// start (Lavalink: `playerUpdate`).
#[test]
fn the_first_reports_of_a_new_node_do_not_send_the_position_back_to_the_start() {
    let mut world = playing(1..=1, ["b"]);
    world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(secs(5));
    world.node("b").config().latency.voice = secs(1);
    let moved = world.submit(Command::Move {
        guild: guild(1),
        node: world.id("b"),
    });

    for _ in 0..30 {
        world.run_for(millis(50));
        world.disturb("b", &update_of(1, 0));
        world.run_for(millis(50));
        if world.answer(moved).is_some() {
            break;
        }
        assert!(world.position(guild(1)) >= secs(64));
    }

    world.run_for(millis(10));
    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    world.run_for(secs(6));
    assert!(world.position(guild(1)) >= secs(70));
}

/// Clients let a position run on while its node was gone, and skipped that much of the track.
#[test]
fn a_position_stands_still_through_an_outage_and_goes_on_from_what_was_heard() {
    let mut world = playing(1..=1, []);
    let since = world.now();
    let heard_until = world.position(guild(1));
    world.kill("a");
    world.run_for(secs(40));
    assert!(world.position(guild(1)) <= heard_until + millis(5));

    world.restart("a");
    world.run_for(secs(31));

    let patches = patches_since(&world, "a", since);
    let from_ms = patches[0]["position"].as_u64().unwrap();
    let skipped = Duration::from_millis(from_ms).saturating_sub(heard_until);
    assert!(skipped <= millis(5), "{skipped:?} were skipped");
    assert!(heard_until.saturating_sub(Duration::from_millis(from_ms)) <= millis(5));
}

/// Both clocks of the pool are within a few milliseconds of the server's.
#[track_caller]
fn assert_near(world: &World, when: &str) {
    let server = world.only_copy(guild(1)).1;
    let view = world.player(guild(1)).position;
    let ours = [view.at(world.stamp()), view.content_at(world.stamp())];
    for (ours, theirs) in ours
        .into_iter()
        .zip([server.position_ms, server.content_ms])
    {
        let theirs = Duration::from_millis(theirs.try_into().unwrap());
        assert!(
            ours.abs_diff(theirs) <= millis(10),
            "{when}: {ours:?} for {theirs:?}"
        );
    }
}

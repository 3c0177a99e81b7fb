//! Where a track is that goes on after a refused play.

use std::time::Duration;

use lavapool_core::RequestError;
use lavapool_core::player::Update;
use lavapool_core::protocol::{Filters, Timescale};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track};

use super::refused::{refuse_bad, refuse_bad_on};
use super::{crowded, millis, secs, send_to, title};

#[test]
fn a_track_that_goes_on_after_a_refused_play_has_the_speed_of_the_filters_since() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.play(guild(1), &track("bad"));
    world.update(guild(1), Update::default().filters(twice_as_fast()));
    world.run_for(secs(12));
    assert_in_place(&world);
}

#[test]
fn filters_of_a_play_for_which_no_voice_came_set_the_speed_of_the_next() {
    let mut world = World::builder().nodes(["a"]).connected();
    let play = Update::play(track("mute")).filters(twice_as_fast());
    let play = world.update(guild(1), play);
    world.run_for(secs(20));
    assert_eq!(world.answer(play), Some(&Err(RequestError::VoiceTimeout)));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("next"));
    world.run_for(secs(12));
    assert_in_place(&world);
}

#[test]
fn a_track_that_goes_on_paused_after_a_refused_play_is_where_it_was_paused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    slow_down(&mut world, secs(1));
    world.update(guild(1), Update::default().paused(true));
    world.run_for(millis(500));
    // To begin it paused keeps the node from going on with the one before.
    world.update(guild(1), Update::play(track("bad")).paused(true));
    world.run_for(secs(8));
    assert_in_place(&world);
}

#[test]
fn a_track_that_began_late_and_goes_on_after_a_refused_play_is_where_it_is_heard() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    slow_down(&mut world, secs(2));
    world.play(guild(1), &track("next"));
    world.run_for(secs(1));
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(10));
    assert_eq!(title(&world), Some("Track next".into()));
    assert_in_place(&world);
}

#[test]
fn a_track_that_moved_and_goes_on_after_a_refused_play_is_where_it_is_heard() {
    let mut world = crowded(1..=1, ["b"]);
    refuse_bad_on(&mut world, "b");
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(1));
    slow.insert(AnswerKind::Player, secs(1));
    send_to(&mut world, "b");
    world.run_for(millis(500));
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(10));
    assert_eq!(title(&world), Some("Track 1".into()));
    assert_in_place(&world);
}

/// The only node takes this much longer to answer, and to do what it is asked.
fn slow_down(world: &mut World, time: Duration) {
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, time);
}

pub(super) fn twice_as_fast() -> Filters {
    Filters::new().with_timescale(Timescale {
        speed: 2.0,
        ..Timescale::default()
    })
}

/// The player is where its copy really is in the track.
#[track_caller]
pub(super) fn assert_in_place(world: &World) {
    let shown = world.player(guild(1)).position.content_at(world.stamp());
    let truth_ms = u128::try_from(world.only_copy(guild(1)).1.content_ms).unwrap();
    assert!(
        shown.as_millis().abs_diff(truth_ms) < 100,
        "{shown:?}, not {truth_ms} ms"
    );
}

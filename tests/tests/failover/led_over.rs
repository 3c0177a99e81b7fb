//! What else happens to a player while it is led over from one node to another, or has just been.

use lavapool_core::player::{Place, Update};
use lavapool_core::protocol::{ChannelId, Filters};
use lavapool_core::{Command, RequestError};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{CHANNELS, World, guild, track};

use super::clocks::{assert_in_place, twice_as_fast};
use super::{away_for, crowded, millis, remove, secs, send_to, unanswered};

#[test]
fn a_track_whose_old_node_is_lost_while_the_new_one_takes_it_is_in_place_at_any_speed() {
    let mut world = under_way_to_b(twice_as_fast());

    world.kill("a");
    world.run_for(secs(12));

    assert_in_place(&world);
}

#[test]
fn a_track_that_turns_out_to_have_come_is_in_place_at_any_speed() {
    let mut world = at_speed(twice_as_fast());
    take_without_answer(&mut world);

    send_to(&mut world, "b");
    world.run_for(secs(12));

    let view = world.player(guild(1));
    assert_eq!(view.node().unwrap().name.as_ref(), "b");
    assert_in_place(&world);
}

#[test]
fn the_speed_that_was_set_during_a_move_is_that_of_the_track_afterwards() {
    for (before, after) in [
        (twice_as_fast(), Filters::new()),
        (Filters::new(), twice_as_fast()),
    ] {
        let mut world = under_way_to_b(before);

        world.update(guild(1), Update::default().filters(after));
        world.run_for(secs(12));

        assert_in_place(&world);
    }
}

#[test]
fn what_was_asked_of_a_track_that_has_ended_is_asked_of_no_node() {
    let asked: [fn() -> Update; 2] = [
        || Update::default().position(secs(10)),
        || Update::default().end_time(secs(179)),
    ];
    for asked in asked {
        let mut world = crowded(1..=1, ["b"]);
        world.update(guild(1), Update::default().position(secs(178)));
        world.run_for(millis(500));
        world.node("b").config().latency.voice = secs(10);
        send_to(&mut world, "b");
        world.run_for(millis(100));
        let since = world.now();
        world.update(guild(1), asked());
        world.run_for(secs(3));
        assert!(!world.player(guild(1)).playing);

        world.kill("b");
        world.run_for(secs(2));

        assert!(world.heard_since("a", since).is_empty());
    }
}

#[test]
fn a_player_that_comes_home_before_it_is_known_whether_it_had_come_elsewhere_plays_once() {
    let mut world = crowded(1..=1, ["b"]);
    take_without_answer(&mut world);
    // Nor does it say so when it is asked again.
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Player, secs(10));

    away_for(&mut world, "a", millis(200));
    let is_home = |world: &World| matches!(&world.player(guild(1)).place, Place::On(_));
    world.run_until(is_home, secs(8));
    world.node("b").faults().slow.clear();
    world.run_for(millis(100));

    assert_eq!(world.only_copy(guild(1)).0, "a");
}

#[test]
fn a_move_is_not_done_if_the_player_comes_to_another_node_than_it_was_ordered_to() {
    let mut world = crowded(1..=1, ["b", "c"]);
    unanswered(&mut world, "b", AnswerKind::Voice);
    world.kill("a");
    let moved = send_to(&mut world, "b");

    world.run_for(secs(60));

    assert_eq!(world.only_copy(guild(1)).0, "c");
    let answer = world.answer(moved);
    assert!(
        matches!(answer, Some(Err(RequestError::NodeFailed(_)))),
        "{answer:?}"
    );
}

#[test]
fn nothing_is_skipped_of_a_track_whose_node_was_removed_while_the_next_one_waited_for_voice() {
    let mut world = crowded(1..=1, []);
    world.voice_server(guild(1), None);
    world.play(guild(1), &track("next"));
    world.run_for(secs(1));
    let heard = world.only_copy(guild(1)).1.content_ms;
    remove(&mut world, "a");
    world.run_for(secs(20));
    assert!(!world.player(guild(1)).connected);

    let place = world.player(guild(1)).position.content_at(world.stamp());
    let place_ms = i64::try_from(place.as_millis()).unwrap();
    assert!((place_ms - heard).abs() < 1_000, "{place_ms}, not {heard}");
}

#[test]
fn a_voice_state_that_discord_repeats_during_a_move_is_told_where_the_player_stays() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(10);
    send_to(&mut world, "b");
    world.run_for(millis(100));
    let channel = ChannelId::new(CHANNELS + 1).unwrap();
    world.submit(Command::Join {
        guild: guild(1),
        channel,
        self_mute: false,
        self_deaf: true,
    });
    world.voice_state(guild(1), Some(channel));
    world.run_for(secs(2));
    let since = world.now();

    world.kill("b");
    world.run_for(secs(2));

    let heard = world.heard_since("a", since);
    let voices = heard.iter().filter(|heard| heard.body["voice"].is_object());
    assert_eq!(voices.count(), 1, "{heard:?}");
}

#[test]
fn a_pause_that_is_over_while_a_player_is_led_over_lasts_until_it_comes() {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    world.node("b").config().latency.voice = secs(5);
    send_to(&mut world, "b");
    world.run_for(millis(100));
    world.update(guild(1), Update::default().paused(false));
    world.run_for(secs(3));

    assert_in_place(&world);
}

/// `b` takes the player that comes next, and does not say so. A socket that has served a request
/// may have died idle: what came of that is looked up.
fn take_without_answer(world: &mut World) {
    let node = Some(world.id("b"));
    world.submit(Command::Update {
        guild: guild(2),
        node,
        update: Update::play(track("song")).without_voice(),
    });
    world.run_for(secs(1));
    world.node("b").faults().lost.insert(AnswerKind::Voice);
}

/// Guild 1 plays on `a` with these filters, and `b` has nobody yet.
fn at_speed(filters: Filters) -> World {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), Update::default().filters(filters));
    world.run_for(secs(10));
    world
}

/// The same, and the player is on its way to `b`, which answers half a second from now.
fn under_way_to_b(filters: Filters) -> World {
    let mut world = at_speed(filters);
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(1));
    send_to(&mut world, "b");
    world.run_for(millis(500));
    world
}

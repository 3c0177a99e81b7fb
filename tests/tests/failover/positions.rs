//! Where in its track a player goes on, whatever servers said about that before.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::node::Loss;
use lavapool_core::player::Update;
use lavapool_core::protocol::{Filters, Timescale};
use lavapool_core::{Command, Event, Leaving};
use lavapool_tests::node::{AnswerKind, Disturbance};
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{away_for, crowded, millis, report, secs, send_to, unanswered};

/// A `playerUpdate` of a player that no sound was taken from.
fn nothing_heard() -> Disturbance {
    report(0)
}

/// Where the player of the only guild really is, in seconds.
fn place_s(world: &World) -> i64 {
    let (_, player) = world.only_copy(guild(1));
    player.content_ms / 1_000
}

#[test]
fn nothing_is_skipped_of_a_track_whose_node_stood_still_and_is_shut_down() {
    let mut world = crowded(1..=1, ["b"]);
    world.stand_still("a");
    world.run_for(secs(8));
    let heard_ms = world.only_copy(guild(1)).1.content_ms;
    world.shut_down_gracefully("a");
    let is_there = |world: &World| !world.players_on("b").is_empty();
    world.run_until(is_there, secs(5));

    let skipped_ms = world.players_on("b")[0].content_ms - heard_ms;
    assert!(skipped_ms <= 0, "{skipped_ms}");
}

#[test]
fn a_play_that_is_asked_for_amid_a_move_begins_at_its_start() {
    let mut world = crowded(1..=1, ["b"]);
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(2));
    send_to(&mut world, "b");
    world.run_for(millis(500));
    let since = world.now();
    world.play(guild(1), &track("next"));
    world.run_for(secs(5));
    let heard = world.heard_since("b", since);
    let places: Vec<_> = heard.iter().map(|heard| &heard.body["position"]).collect();
    assert_eq!(places, [&json!(0)]);
}

#[test]
fn a_report_before_any_sound_does_not_send_the_next_node_too_far() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(secs(1));
    world.kill("a");
    world.run_for(secs(2));
    let (second, _) = world.only_copy(guild(1));
    let second = second.to_owned();
    world.disturb(&second, &nothing_heard());
    world.run_for(secs(10));
    assert_eq!(place_s(&world), 72);

    world.kill(&second);
    world.run_for(millis(500));

    assert_eq!(place_s(&world), 73);
}

#[test]
fn a_report_of_a_paused_player_does_not_count_before_the_node_lets_it_go_on() {
    let mut world = crowded(1..=1, ["b"]);
    let paused = Update::default().position(secs(60)).paused(true);
    world.update(guild(1), paused);
    world.run_for(secs(1));
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().paused(false));
    world.disturb("a", &nothing_heard());
    world.run_for(millis(100));

    world.kill("a");
    world.run_for(secs(2));

    assert_eq!(place_s(&world), 61);
}

#[test]
fn nothing_is_skipped_that_was_not_heard_before_a_session_turned_out_to_be_over() {
    let mut world = crowded(1..=1, ["b"]);
    let heard_s = place_s(&world);
    // The process dies and comes back, and its WebSocket hangs.
    world.end_rest("a");
    world.run_for(millis(10));
    world.half_open("a");
    world.restart("a");
    world.run_for(secs(10));
    world.update(guild(1), Update::default().volume(40));
    world.run_for(secs(5));

    let since_loss = world.events().iter().rev().find_map(|(at, event)| {
        let is_loss =
            matches!(event, Event::NodeDisconnected { loss, .. } if *loss == Loss::SessionNotFound);
        is_loss.then_some(world.now() - *at)
    });
    let played_s = i64::try_from(since_loss.unwrap().as_secs()).unwrap();
    let goes_on_s = place_s(&world) - played_s;
    assert!(
        (heard_s - 5..=heard_s).contains(&goes_on_s),
        "{heard_s} {goes_on_s}"
    );
}

/// The host of `a` is gone without a word, and the pool thinks for this long that it plays on.
/// Returns where its player was, in seconds.
fn power_lost(world: &mut World, time: Duration) -> i64 {
    let heard_s = place_s(world);
    let_go_dark(world, time);
    heard_s
}

fn let_go_dark(world: &mut World, time: Duration) {
    world.cut_off("a");
    world.kill("a");
    world.run_for(time);
}

/// Where the player is told to go on after a moment, in seconds, once it is on `b`.
fn goes_on_s(world: &mut World, since: Duration) -> i64 {
    let is_told = |world: &World| !world.players_on("b").is_empty();
    world.run_until(is_told, secs(60));
    let told = world.heard_since("b", since).into_iter();
    let mut places = told.filter_map(|heard| heard.body["position"].as_i64());
    places.next_back().unwrap() / 1_000
}

/// The player goes on where it was heard last, in seconds, or up to one report before.
#[track_caller]
fn goes_on_where_heard(world: &mut World, since: Duration, heard_s: i64) {
    let goes_on_s = goes_on_s(world, since);
    let is_heard = (heard_s - 5..=heard_s).contains(&goes_on_s);
    assert!(is_heard, "heard {heard_s}, goes on {goes_on_s}");
}

#[test]
fn nothing_is_skipped_when_the_bot_has_left_the_channel_before_its_node_is_known_to_be_gone() {
    let mut world = crowded(1..=1, ["b"]);
    let heard_s = power_lost(&mut world, secs(10));
    world.voice_state(guild(1), None);
    world.run_for(secs(2));
    let since = world.now();
    world.join(guild(1), "us-west");

    goes_on_where_heard(&mut world, since, heard_s);
}

#[test]
fn nothing_is_skipped_by_a_pause_that_the_node_was_gone_for() {
    let mut world = crowded(1..=1, ["b"]);
    let heard_s = power_lost(&mut world, secs(10));
    let since = world.now();
    world.update(guild(1), Update::default().paused(true));

    goes_on_where_heard(&mut world, since, heard_s);
}

#[test]
fn nothing_is_skipped_when_a_player_leaves_a_node_that_nobody_knows_to_be_gone_yet() {
    let orders: [fn(&World) -> Command; 4] = [
        |world| Command::Drain(world.id("a")),
        |world| Command::RemoveNode {
            node: world.id("a"),
            players: Leaving::Keep,
        },
        |world| Command::Reconnect(world.id("a")),
        |world| Command::Move {
            guild: guild(1),
            node: world.id("b"),
        },
    ];
    for order in orders {
        let mut world = crowded(1..=1, ["b"]);
        let heard_s = power_lost(&mut world, secs(10));
        let since = world.now();
        let order = order(&world);
        world.submit(order.clone());

        let goes_on_s = goes_on_s(&mut world, since);
        assert!(
            (heard_s - 5..=heard_s).contains(&goes_on_s),
            "{order:?}: {heard_s} {goes_on_s}"
        );
    }
}

#[test]
fn nothing_is_skipped_however_long_a_player_was_without_voice_before_its_node_fell_silent() {
    let mut world = crowded(1..=1, ["b"]);
    let now = world.now();
    world.node("a").lose_voice(1, now);
    world.run_for(secs(40));
    world.join(guild(1), "us-west");
    world.run_for(secs(12));
    assert!(world.only_copy(guild(1)).1.audible);
    let heard_s = power_lost(&mut world, secs(10));
    let since = world.now();
    send_to(&mut world, "b");

    goes_on_where_heard(&mut world, since, heard_s);
}

#[test]
fn nothing_is_skipped_by_a_move_after_a_pause_that_nobody_confirmed() {
    let mut world = crowded(1..=1, ["b"]);
    let heard_s = power_lost(&mut world, secs(10));
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    let since = world.now();
    send_to(&mut world, "b");

    goes_on_where_heard(&mut world, since, heard_s);
}

#[test]
fn players_that_wait_for_their_turn_in_a_drain_skip_nothing_when_the_node_dies_meanwhile() {
    let mut world = crowded(1..=64, ["b"]);
    world.node("b").config().latency.voice = secs(4);
    let a = world.id("a");
    world.submit(Command::Drain(a));
    world.run_for(secs(1));
    let since = world.now();
    let copies = world.players_on("a").into_iter();
    let heard: BTreeMap<_, _> = copies.map(|copy| (copy.guild, copy.content_ms)).collect();
    world.cut_off("a");
    world.kill("a");
    world.run_for(secs(30));

    let mut late = 0;
    for told in world.heard_since("b", since + secs(6)) {
        let Some(position_ms) = told.body["position"].as_i64() else {
            continue;
        };
        let number: i64 = told.what.rsplit('/').next().unwrap().parse().unwrap();
        let skipped_ms = position_ms - heard[&number];
        assert!((-6_000..=0).contains(&skipped_ms), "{number}: {skipped_ms}");
        late += 1;
    }
    assert!(late > 10, "{late}");
}

#[test]
fn nothing_is_repeated_when_a_player_leaves_a_node_that_reports_seldom() {
    let mut world = World::builder()
        .node("a", |node| {
            node.server.player_update_interval = secs(20);
        })
        .nodes(["b"])
        .connected();
    world.fill(1..=1);
    send_to(&mut world, "a");
    world.run_for(secs(55));
    let played_s = place_s(&world);
    let since = world.now();
    send_to(&mut world, "b");

    let goes_on_s = goes_on_s(&mut world, since);
    assert!(
        (played_s..=played_s + 1).contains(&goes_on_s),
        "{played_s} {goes_on_s}"
    );
}

#[test]
fn what_was_sought_while_the_node_was_gone_is_where_a_player_goes_on() {
    let mut world = crowded(1..=1, ["b"]);
    power_lost(&mut world, secs(10));
    let since = world.now();
    world.update(guild(1), Update::default().position(secs(60)));

    assert_eq!(goes_on_s(&mut world, since), 60);
}

#[test]
fn a_pause_that_the_node_has_confirmed_is_not_set_back_when_it_turns_out_to_be_gone() {
    let mut world = crowded(1..=1, ["b"]);
    // Nothing comes on the WebSocket any more, and requests are answered.
    world.end_rest("a");
    world.run_for(millis(10));
    world.half_open("a");
    world.run_for(secs(10));
    let paused = world.update(guild(1), Update::default().paused(true));
    world.run_until(|world| world.answer(paused).is_some(), secs(1));
    let since = world.now();
    let paused_s = power_lost(&mut world, secs(1));

    assert_eq!(goes_on_s(&mut world, since), paused_s);
}

#[test]
fn an_answer_does_not_say_that_a_track_played_on_which_the_node_has_no_more() {
    let mut world = crowded(1..=1, ["b"]);
    let end_s = place_s(&world) + 2;
    let end_at = |end_s: i64| Update::default().end_time(secs(end_s.unsigned_abs()));
    world.update(guild(1), end_at(end_s));
    world.run_for(secs(1));
    // Nothing comes on the WebSocket any more, and requests are answered.
    world.end_rest("a");
    world.run_for(millis(10));
    world.half_open("a");
    world.run_for(millis(1_500));
    assert_eq!(world.only_copy(guild(1)).1.track, None);
    world.update(guild(1), end_at(end_s + 60));
    world.run_for(secs(2));
    let paused = world.update(guild(1), Update::default().paused(true));
    world.run_until(|world| world.answer(paused).is_some(), secs(1));
    let since = world.now();
    let_go_dark(&mut world, secs(1));

    goes_on_where_heard(&mut world, since, end_s);
}

#[test]
fn a_play_that_turns_out_to_have_arrived_is_where_the_node_has_it() {
    let mut world = crowded(1..=1, []);
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.play(guild(1), &track("next"));
    world.run_for(millis(100));
    world.node("a").faults().lost.clear();
    // It is asked after its pause, and has reported nothing by then.
    world.run_for(secs(3));

    let known = world.position(guild(1)).as_secs();
    assert_eq!(i64::try_from(known).unwrap(), place_s(&world));
}

/// Seed 0x19f2 of the simulator: the voice connection is told over and over, and never confirmed.
#[test]
fn a_play_that_ended_a_pause_goes_on_where_it_was_heard_though_its_answer_was_lost() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("a").faults().lost.insert(AnswerKind::Voice);
    world.join(guild(1), "frankfurt");
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    world.play(guild(1), &track("next"));
    world.run_for(secs(20));
    let heard_s = place_s(&world);
    let since = world.now();
    world.kill("a");

    assert_eq!(goes_on_s(&mut world, since), heard_s);
}

#[test]
fn a_player_that_stays_after_all_is_where_its_copy_has_played_to() {
    for speed in [1.0, 2.0] {
        let mut world = crowded(1..=1, ["b"]);
        let filters = Filters::new().with_timescale(Timescale {
            speed,
            ..Timescale::default()
        });
        world.update(guild(1), Update::default().filters(filters));
        world.run_for(secs(60));
        world.node("b").config().latency.voice = secs(10);
        away_for(&mut world, "a", millis(200));
        world.run_for(secs(8));
        world.kill("b");
        world.run_for(secs(1));

        let (node, copy) = world.only_copy(guild(1));

        let known = world.player(guild(1)).position.content_at(world.stamp());
        assert_eq!(node, "a");
        let off = copy
            .content_ms
            .abs_diff(i64::try_from(known.as_millis()).unwrap());
        assert!(off < 100, "at {speed}: {known:?} is known, {copy:?}");
    }
}

#[test]
fn a_move_changes_nothing_of_the_place_that_is_shown_before_the_player_has_come() {
    let mut world = crowded(1..=1, ["b"]);
    let double = Timescale {
        speed: 2.0,
        ..Timescale::default()
    };
    let filters = Filters::new().with_timescale(double);
    world.update(guild(1), Update::default().filters(filters));
    world.run_for(secs(11));
    world.node("b").config().latency.voice = secs(3);
    let before = world.position(guild(1));
    send_to(&mut world, "b");
    world.run_for(millis(100));
    let shown = world.position(guild(1)) - before;
    assert!(shown <= millis(110), "{shown:?}");
}

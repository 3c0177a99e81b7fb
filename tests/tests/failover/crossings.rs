//! What happens while something else is still on its way.

use std::time::Duration;

use lavapool_core::player::{Place, Update};
use lavapool_core::protocol::{Filters, RawJson, Timescale};
use lavapool_core::rest::Request;
use lavapool_core::{Command, Event, Target};
use lavapool_tests::node::{Accepting, AnswerKind, Failure};
use lavapool_tests::world::{World, guild, track, track_of};

use super::{away_for, crowded, millis, remove, secs, send_to, unanswered};

#[test]
fn a_late_failure_of_the_old_node_does_not_undo_an_ordered_move() {
    let mut world = crowded(1..=1, ["b"]);
    unanswered(&mut world, "a", AnswerKind::Player);
    // The PATCH to a is never answered, and times out after 15 s.
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(14_500));
    world.node("a").faults().unanswered.clear();
    world.node("b").config().latency.voice = secs(3);
    send_to(&mut world, "b");
    world.run_for(secs(20));
    assert_eq!(world.only_copy(guild(1)).0, "b");
    assert!(world.only_copy(guild(1)).1.audible);
}

#[test]
fn a_late_answer_of_the_old_node_confirms_nothing_on_the_new() {
    let mut world = crowded(1..=1, ["b"]);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(1));
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(500));
    world
        .node("b")
        .faults()
        .slow
        .insert(AnswerKind::Voice, secs(5));
    send_to(&mut world, "b");
    let u = world.update(guild(1), Update::default().volume(60));
    world.run_for(secs(2));
    // Nothing is confirmed by b yet.
    assert_eq!(world.answer(u), None);
}

#[test]
fn an_end_time_that_is_taken_back_during_a_move_is_taken_back_on_the_new_node() {
    let mut world = crowded(1..=1, ["b"]);
    let end_time = |end| Update::default().end_time(end);
    world.update(guild(1), end_time(Some(secs(600))));
    world.run_for(secs(1));
    world.node("b").config().latency.voice = secs(1);
    send_to(&mut world, "b");
    world.run_for(millis(500));
    world.update(guild(1), end_time(None));
    world.run_for(secs(5));
    let (name, copy) = world.only_copy(guild(1));
    let end = copy.end_time_ms.filter(|end| *end < i64::MAX);
    assert_eq!((name, end), ("b", None));
}

#[test]
fn removing_a_node_that_cannot_be_emptied_in_time_leaves_no_player_in_limbo() {
    let mut world = crowded(1..=1, ["b"]);
    unanswered(&mut world, "b", AnswerKind::Voice);
    remove(&mut world, "a");
    world.run_for(secs(40));
    world.node("b").faults().unanswered.clear();
    world.run_for(secs(60));
    assert_eq!(world.guilds_on("b"), [1]);
}

#[test]
fn a_503_to_info_is_not_asked_again_without_a_pause() {
    let mut world = World::builder().node("a", |_| {}).build();
    world.node("a").faults().fail_matching("/v4/info", 503);
    world.run_for(secs(10));
    let n = world
        .requests_since("a", Duration::ZERO)
        .iter()
        .filter(|r| r.contains("info"))
        .count();
    assert!(n < 20, "{n} requests in 10 s");
}

#[test]
fn refused_rest_dials_are_not_repeated_without_a_pause() {
    let mut world = crowded(1..=1, ["b"]);
    world.end_rest("a");
    world.refuse("a", true);
    let before = world.dials("a").len();
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(10));
    let n = world.dials("a").len() - before;
    assert!(n < 20, "{n} dials in 10 s");
}

#[test]
fn a_player_with_nothing_left_to_send_still_arrives() {
    let mut world = crowded(2..=2, ["b"]);
    world.play(guild(1), &track("one")); // no voice: waits 15 s
    world.run_for(secs(1));
    let name = world.player(guild(1)).node().unwrap().name.to_string();
    world.kill(&name);
    world.run_for(secs(60));
    let p = world.player(guild(1));
    assert!(
        matches!(p.place, Place::On(_)),
        "{:?} synced={}",
        p.place,
        p.synced
    );
}

#[test]
fn the_end_of_the_old_track_counts_after_a_rejected_play() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(20)));
    world.run_for(secs(1));
    world
        .node("a")
        .faults()
        .rejected_tracks
        .insert("https://tracks.test/bad".into());
    world.play(guild(1), &track("bad"));
    world.run_for(secs(2));
    world.run_for(secs(60));
    assert!(
        !world.player(guild(1)).playing,
        "a has {:?}",
        world.players_on("a")
    );
}

#[test]
fn one_node_behind_a_403_does_not_cost_every_track() {
    let mut world = crowded(1..=3, ["b"]);
    world.node("b").faults().fail_matching("/players/", 403);
    let since = world.now();
    world.kill("a");
    world.run_for(secs(10));
    let n = world.requests_since("b", since).len();
    let un = world
        .events_since(since)
        .filter(|e| matches!(e, Event::TrackUnplayable { .. }))
        .count();
    assert_eq!((un, n < 60), (0, true), "{n} requests in 10 s");
}

#[test]
fn a_player_pinned_to_a_node_that_is_still_connecting_plays_there() {
    let mut world = World::builder().node("a", |_| {}).build();
    let node = world.id("a");
    world.submit(Command::Update {
        guild: guild(1),
        node: Some(node),
        update: Update::play(track("x")).without_voice(),
    });
    world.run_for(secs(60));
    assert_eq!(
        world.guilds_on("a"),
        [1],
        "{:?}",
        world.player(guild(1)).place
    );
}

#[test]
fn a_destroyed_player_whose_play_was_on_its_way_does_not_stay() {
    let mut world = World::builder().nodes(["a"]).connected();
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Voice, millis(300));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("x"));
    world.run_for(millis(100));
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(30));
    assert_eq!(
        world.guilds_on("a"),
        Vec::<u64>::new(),
        "{:?}",
        world.requests_since("a", Duration::ZERO)
    );
}

#[test]
fn fresh_voice_after_a_voice_timeout_does_not_end_the_music() {
    let mut world = crowded(1..=2, []);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Voice, secs(40));
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(secs(5));
    world.update(guild(2), Update::default().volume(50)); // the node answers others
    world.run_for(secs(12));
    world.node("a").faults().slow.clear();
    assert!(
        world
            .events()
            .iter()
            .any(|(_, e)| matches!(e, Event::VoiceFailed { .. }))
    );
    world.join(guild(1), "us-west");
    world.run_for(secs(10));
    assert!(
        world.player(guild(1)).playing,
        "{:?}",
        world.events().iter().rev().take(6).collect::<Vec<_>>()
    );
}

#[test]
fn a_move_with_a_timescale_keeps_the_content_position() {
    let mut world = crowded(1..=1, ["b", "c"]);
    let ts = Timescale {
        speed: 2.0,
        ..Timescale::default()
    };
    world.update(
        guild(1),
        Update::default()
            .filters(Filters::new().with_timescale(ts))
            .position(Duration::ZERO),
    );
    world.run_for(secs(20));
    world.node("b").config().latency.voice = secs(8);
    let before = world.player(guild(1)).position.content_at(world.stamp());
    send_to(&mut world, "b");
    world.run_for(secs(18));
    let after = world.player(guild(1)).position.content_at(world.stamp());
    // at most 18 s of sound at double speed
    assert!(after - before <= secs(37), "{before:?} -> {after:?}");
}

#[test]
fn the_loss_of_the_source_does_not_send_the_move_twice() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(2);
    let since = world.now();
    send_to(&mut world, "b");
    world.run_for(millis(500));
    world.kill("a");
    world.run_for(secs(10));
    assert_eq!(world.requests_since("b", since), ["PATCH players/1"]);
}

#[test]
fn removing_a_lost_node_strands_nobody_while_another_is_healthy() {
    let mut world = crowded(1..=1, ["b"]);
    world.cut_off("a");
    world.drop_connections("a");
    let node = world.id("a");
    world.submit(Command::Reconnect(node));
    world.run_for(millis(2500));
    remove(&mut world, "a");
    world.run_for(secs(60));
    assert_eq!(
        world.player(guild(1)).node().map(|n| n.name.to_string()),
        Some("b".into()),
        "{:?}",
        world.player(guild(1)).place
    );
}

#[test]
fn a_grace_longer_than_the_wait_for_a_healthy_node_strands_nobody() {
    let mut world = World::builder()
        .nodes(["a", "b"])
        .config(|c| c.timing.resume_grace = secs(8))
        .connected();
    world.fill(1..=1);
    let name = world.only_copy(guild(1)).0.to_owned();
    world.cut_off(&name);
    world.drop_connections(&name);
    world.run_for(secs(120));
    assert!(
        matches!(world.player(guild(1)).place, Place::On(_)),
        "{:?}",
        world.player(guild(1)).place
    );
}

#[test]
fn a_pause_never_waits_for_a_failover() {
    let mut world = crowded(1..=100, ["b"]);
    world.submit(Command::Update {
        guild: guild(200),
        node: Some(world.id("b")),
        update: Update::play(track("x")).without_voice(),
    });
    world.run_for(secs(1));
    world.node("b").config().latency.voice = secs(1);
    world.kill("a");
    world.run_for(millis(50));
    let since = world.now();
    let c = world.update(guild(200), Update::default().paused(true));
    world.run_for(secs(30));
    let took = world.answered_at(c).unwrap() - since;
    assert!(took < millis(100), "{took:?}");
}

#[test]
fn an_unreadable_list_of_players_leaves_no_tombstone_forever() {
    let mut world = crowded(1..=2, []);
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".into()),
        path: Some("/players".into()),
        times: Some(1),
        ..Failure::always(500)
    });
    world.drop_connections("a");
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(10));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("new"));
    world.run_for(secs(20));
    assert!(
        world.player(guild(1)).synced,
        "{:?}",
        world
            .requests_since("a", Duration::ZERO)
            .iter()
            .rev()
            .take(6)
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_target_that_is_drained_while_players_move_to_it_is_emptied() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.node("b").config().latency.voice = millis(500);
    send_to(&mut world, "b");
    world.run_for(millis(100));
    let node = world.id("b");
    let d = world.submit(Command::Drain(node));
    world.run_for(secs(29));
    assert!(
        world.answer(d).is_some() && world.guilds_on("b").is_empty(),
        "{:?} {:?}",
        world.answer(d),
        world.player(guild(1)).place
    );
}

#[test]
fn a_lookup_is_sent_when_the_breaker_closes() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill(1..=4);
    world.node("a").faults().fail_matching("/players/", 503);
    for g in 1..=4 {
        world.update(guild(g), Update::default().volume(10));
    }
    world.run_for(millis(100));
    world.node("a").faults().failures.clear();
    let since = world.now();
    let l = world.submit(Command::Rest {
        node: Target::Best,
        request: Request::LoadTracks {
            identifier: "https://tracks.test/x".into(),
        },
    });
    world.run_for(secs(29));
    assert!(
        world.answer(l).is_some(),
        "since {since:?}: {:?}",
        world.requests_since("a", since)
    );
}

#[test]
fn user_data_that_a_play_replaces_is_superseded() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(300);
    world.update(guild(1), Update::default().volume(10));
    let d = world.update(
        guild(1),
        Update::default().user_data(RawJson::parse("{\"a\":1}").unwrap()),
    );
    world.play(guild(1), &track("next"));
    world.run_for(secs(20));
    assert!(world.answer(d).is_some());
}

#[test]
fn a_failed_target_leaves_the_player_on_the_old_node_that_is_back() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.node("c").stats().system_load = 0.9;
    world.run_for(secs(60));
    world.node("b").config().latency.voice = secs(10);
    away_for(&mut world, "a", millis(200));
    world.run_for(secs(4));
    let since = world.now();
    world.kill("b");
    world.run_for(secs(5));
    // It plays on there, as a look shows: nothing is begun again.
    let asked = ["a", "c"].map(|name| world.requests_since(name, since));
    let look = vec!["GET players/1".to_owned()];
    assert_eq!(
        (world.only_copy(guild(1)).0, asked),
        ("a", [look, vec![]]),
        "{:?}",
        world.player(guild(1)).place
    );
}

#[test]
fn an_idle_player_does_not_weigh_forever() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.update(guild(1), Update::default().volume(100));
    world.run_for(secs(180));
    assert_eq!(world.pool().explain(None)[0].reserved, 0);
}

#[test]
fn a_player_weighs_for_itself_until_the_stats_of_its_node_show_it() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.run_for(secs(61));
    let weight = |world: &World| {
        let node = &world.pool().explain(None)[0];
        (node.reserved, node.penalty.round())
    };
    assert_eq!(weight(&world), (0, 0.0));
    world.fill(1..=4);
    assert_eq!(weight(&world), (4, 6.0));
    world.run_for(secs(61));
    assert_eq!(weight(&world), (0, 6.0));
}

#[test]
fn removing_a_lost_node_in_its_grace_strands_nobody() {
    let mut world = crowded(1..=1, ["b"]);
    world.cut_off("a");
    world.drop_connections("a");
    let mut n = 0;
    while !matches!(world.player(guild(1)).place, Place::Frozen(_)) && n < 200 {
        world.run_for(millis(10));
        n += 1;
    }
    remove(&mut world, "a");
    world.run_for(secs(60));
    assert_eq!(
        world.player(guild(1)).node().map(|n| n.name.to_string()),
        Some("b".into()),
        "{:?}",
        world.player(guild(1)).place
    );
}

#[test]
fn players_that_wait_for_a_removed_node_go_to_another() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("a").faults().accepting = Accepting::Silence;
    world.drop_connections("a");
    world.run_for(millis(300));
    remove(&mut world, "a");
    world.run_for(secs(60));
    assert_eq!(
        world.player(guild(1)).node().map(|n| n.name.to_string()),
        Some("b".into()),
        "{:?}",
        world.player(guild(1)).place
    );
}

//! Nodes that are NodeLink, and refuse a pause without a voice connection.

use lavapool_core::player::Update;
use lavapool_core::{Answer, Event, RequestError};
use lavapool_tests::node::{AnswerKind, Voice};
use lavapool_tests::world::{Discord, HostConfig, World, guild, track};

use super::barriers::raw_volume;
use super::late::late;
use super::{millis, moves_since, secs, title, unanswered};

#[test]
fn a_paused_player_keeps_its_track_where_no_node_reaches_the_voice_server() {
    let mut world = paused_after(|_| {});
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(5));

    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 0);
    assert_eq!(title(&world), Some("Track 1".into()));
    assert!(world.player(guild(1)).paused);

    voice_works(&mut world, ["b", "c"]);

    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert!(view.synced && copy.connected && copy.paused, "{view:?}");
    assert_eq!(title(&world), Some("Track 1".into()));
}

#[test]
fn a_play_that_begins_paused_before_there_is_a_voice_connection_is_paused_with_that() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    let play = Update::play(track("one")).without_voice().paused(true);
    world.update(guild(1), play);
    world.run_for(secs(1));
    assert_eq!(title(&world), Some("Track one".into()));

    world.join(guild(1), "us-east");
    world.run_for(secs(1));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert!(view.synced && copy.connected && copy.paused, "{view:?}");
}

#[test]
fn a_play_is_not_refused_for_the_end_of_a_pause_that_was_asked_for_beside_it() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    let play = Update::play(track("one")).without_voice();
    let commands = [play, Update::default().paused(false)];
    let commands = commands.map(|update| world.update(guild(1), update));
    world.run_for(secs(1));

    for command in commands {
        assert_eq!(world.answer(command), Some(&Ok(Answer::Done)));
    }
    assert_eq!(title(&world), Some("Track one".into()));
}

#[test]
fn an_idle_paused_player_arrives_where_no_node_reaches_the_voice_server() {
    let mut world = idle_and_paused();
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(20));

    let moves = moves_since(&world, lost_at);
    assert_eq!(moves.len(), 1, "{moves:?}");
    assert!(world.player(guild(1)).paused);
    let (tried, since) = (moves[0].2.clone(), world.now());
    world.run_for(secs(20));
    assert_eq!(world.requests_since(&tried, since), Vec::<String>::new());

    voice_works(&mut world, ["b", "c"]);
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert!(view.synced && copy.connected && copy.paused, "{view:?}");
}

#[test]
fn an_idle_paused_player_that_nobody_would_hear_is_not_sent_from_node_to_node() {
    let mut world = idle_and_paused();
    world.voice_state(guild(1), None);
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(60));

    assert_eq!(moves_since(&world, lost_at).len(), 1);
    let asked = ["b", "c"].map(|name| world.requests_since(name, lost_at));
    assert_eq!(asked.concat(), Vec::<String>::new());
    assert!(world.player(guild(1)).paused);
}

#[test]
fn the_end_of_a_pause_is_not_told_to_a_node_that_was_told_of_none() {
    let mut world = idle_and_paused();
    unanswered(&mut world, "a", AnswerKind::Player);
    let command = world.update(guild(1), Update::default().paused(false));
    world.run_for(secs(1));
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(20));

    assert_eq!(moves_since(&world, lost_at).len(), 1);
    assert_eq!(world.answer(command), Some(&Ok(Answer::Done)));
    assert!(!world.player(guild(1)).paused);
}

#[test]
fn a_pause_is_not_refused_for_the_voice_connection_beside_which_it_was_asked_for() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    world.node("a").config().voice = Voice::Fails;
    world.node("a").config().latency.player = millis(200);
    world.update(guild(1), Update::default().volume(10));
    world.join(guild(1), "us-east");
    let pause = world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(10));
    assert_eq!(world.answer(pause), None);

    voice_works(&mut world, ["a"]);
    assert_eq!(world.answer(pause), Some(&Ok(Answer::Done)));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert!(view.synced && copy.connected && copy.paused, "{view:?}");
}

#[test]
fn a_request_past_the_pool_does_not_wait_for_a_pause_that_waits_for_a_voice_connection() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    let play = Update::play(track("one")).without_voice().paused(true);
    world.update(guild(1), play);
    // One waits for the play; the other need wait for nothing.
    for volume in [20, 30] {
        let raw = raw_volume(&mut world, volume);
        world.run_for(secs(1));
        assert!(matches!(world.answer(raw), Some(Ok(Answer::Rest(_)))));
        assert_eq!(world.only_copy(guild(1)).1.volume, volume);
    }
}

#[test]
fn a_player_is_looked_at_while_its_pause_waits_for_a_voice_connection() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    let play = Update::play(track("one")).without_voice().paused(true);
    world.update(guild(1), play);
    world.run_for(secs(1));
    late(&mut world, Update::default().volume(50));
    world.update(guild(1), Update::default().volume(80));
    // The server is done with the first request 20 s after it was asked.
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 80, secs(17));
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(21));
    world.run_for(secs(15));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
}

#[test]
fn a_pause_that_no_node_was_told_of_is_ended_without_a_word() {
    let mut world = idle_and_paused();
    world.update(guild(1), Update::default().volume(70));
    world.run_for(secs(1));
    world.kill("a");
    world.run_for(secs(20));
    assert_eq!(world.only_copy(guild(1)).1.volume, 70);

    let command = world.update(guild(1), Update::default().paused(false));
    world.run_for(secs(2));
    assert_eq!(world.answer(command), Some(&Ok(Answer::Done)));
}

#[test]
fn a_pause_that_waited_goes_with_the_voice_connection() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    let play = Update::play(track("one")).without_voice().paused(true);
    world.update(guild(1), play);
    world.run_for(secs(1));
    let since = world.now();
    world.join(guild(1), "us-east");
    world.run_for(secs(1));

    let heard = world.heard_since("a", since);
    let bodies: Vec<_> = heard.iter().map(|heard| heard.body.to_string()).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies[0].contains(r#""paused":true"#), "{bodies:?}");
    let copy = world.only_copy(guild(1)).1;
    assert!(copy.connected && copy.paused);
}

#[test]
fn a_pause_goes_beside_what_it_was_asked_for_with_where_there_is_a_voice_connection() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    world.fill(1..=1);
    let since = world.now();
    let command = world.update(guild(1), Update::default().volume(50).paused(true));
    world.run_for(secs(1));
    assert_eq!(world.answer(command), Some(&Ok(Answer::Done)));
    assert_eq!(world.requests_since("a", since), ["PATCH players/1"]);
    assert!(world.only_copy(guild(1)).1.paused);
}

#[test]
fn a_pause_alone_is_refused_where_there_is_no_voice_connection() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    world.update(guild(1), Update::play(track("one")).without_voice());
    world.run_for(secs(1));
    let command = world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    let refused = world.answer(command);
    assert!(matches!(refused, Some(Err(RequestError::Rejected { .. }))));
    assert!(!world.player(guild(1)).paused);
}

#[test]
fn the_end_of_a_pause_is_told_to_a_node_that_may_have_begun_it_unanswered() {
    let mut world = World::builder().node("a", is_nodelink).connected();
    world.fill(1..=1);
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(millis(100));
    assert!(world.only_copy(guild(1)).1.paused);
    world.node("a").faults().lost.clear();
    world.update(guild(1), Update::default().paused(false));
    world.run_for(secs(5));
    assert!(!world.only_copy(guild(1)).1.paused);
}

/// A paused player without a track on `a`, and two nodes that do not reach the voice server.
fn idle_and_paused() -> World {
    paused_after(|world| {
        world.update(guild(1), Update::stop());
        world.run_for(secs(1));
    })
}

/// A player on `a` that plays, and is paused once something has happened, and two nodes that do not
/// reach the voice server.
fn paused_after(before: impl FnOnce(&mut World)) -> World {
    let mut world = World::builder()
        .node("a", is_nodelink)
        .node("b", is_nodelink)
        .node("c", is_nodelink)
        .connected();
    world.fill(1..=1);
    before(&mut world);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    assert_eq!(world.only_copy(guild(1)).0, "a");
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    world
}

/// The voice server is reached again, and Discord answers.
fn voice_works<const COUNT: usize>(world: &mut World, names: [&str; COUNT]) {
    for name in names {
        world.node(name).config().voice = Voice::Connects;
    }
    world.set_discord(Discord::Answers);
    world.run_for(secs(60));
}

fn is_nodelink(host: &mut HostConfig) {
    host.server.is_nodelink = true;
}

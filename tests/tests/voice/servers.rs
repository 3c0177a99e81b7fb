//! Voice servers that Discord takes away, to name others in a while.

use lavapool_core::player::Update;
use lavapool_core::rest::Request;
use lavapool_core::{Answer, Command, Event, PoolConfig, Target};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track};

use super::{asked_since, is_connected, millis, secs};

#[test]
fn a_player_that_is_lost_while_there_is_no_voice_server_takes_no_old_one_along() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world.fill([1]);
    world.voice_server(guild(1), None);
    world.run_for(millis(100));
    let since = world.now();
    let (name, other) = super::here_and_there(&world);
    world.kill(name);
    world.run_for(secs(2));

    let voices = |world: &World| -> Vec<_> {
        let heard = world.heard_since(other, since);
        let token = heard
            .iter()
            .map(|heard| heard.body["voice"]["token"].clone());
        token.filter(|token| !token.is_null()).collect()
    };
    assert_eq!(world.only_copy(guild(1)).0, other);
    assert_eq!(voices(&world), [] as [&str; 0]);

    world.voice_server(guild(1), Some("frankfurt"));
    world.run_for(secs(1));
    assert_eq!(voices(&world), ["token-3"]);
    assert!(is_connected(&world));
}

#[test]
fn a_play_while_there_is_no_voice_server_waits_for_the_next_one() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill([1]);
    world.voice_server(guild(1), None);
    let since = world.now();
    let play = world.play(guild(1), &track("next"));
    world.run_for(secs(14));
    assert_eq!(world.answer(play), None);
    assert!(world.heard_since("a", since).is_empty());

    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(1));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    let heard = world.heard_since("a", since);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].body["voice"]["token"], "token-3");
}

#[test]
fn a_player_with_nothing_but_a_voice_server_arrives_though_that_is_taken_away() {
    let builder = World::builder().nodes(["a", "b"]);
    let one = |config: &mut PoolConfig| config.limits.voice_sockets_max = 1;
    let mut world = builder.config(one).connected();
    world.join(guild(1), "us-east");
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(1));
    world.update(guild(1), Update::default().volume(100));
    world.run_for(secs(1));
    let name = world.player(guild(1)).node().unwrap().name.to_string();
    let (to, node) = match &*name {
        "a" => ("b", world.id("b")),
        _ => ("a", world.id("a")),
    };
    // Its target takes one player at a time, and is busy with another.
    world.node(to).config().latency.voice = secs(3);
    world.submit(Command::Update {
        guild: guild(2),
        node: Some(node),
        update: Update::play(track("song")),
    });
    world.join(guild(2), "us-east");
    world.run_for(millis(10));
    let moved = world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(millis(10));
    world.voice_server(guild(1), None);
    world.run_for(secs(15));
    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
}

#[test]
fn a_player_that_nobody_hears_is_joined_again_though_its_voice_server_was_taken_away() {
    let mut world = super::playing();
    world.voice_server(guild(1), None);
    let since = world.now();
    world.node("a").lose_voice(1, since);
    world.run_for(secs(60));
    assert!(!asked_since(&world, since).is_empty());
}

#[test]
fn a_voice_server_that_is_taken_away_before_it_was_sent_is_not_sent() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill([1]);
    let since = world.now();
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Voice, millis(200));
    // The first is on its way when the second is named, and taken away.
    world.voice_server(guild(1), Some("frankfurt"));
    world.run_for(millis(50));
    world.voice_server(guild(1), Some("london"));
    world.voice_server(guild(1), None);
    world.run_for(secs(2));
    let tokens = world.heard_since("a", since);
    let tokens = tokens
        .iter()
        .map(|heard| heard.body["voice"]["token"].clone());
    assert_eq!(tokens.collect::<Vec<_>>(), ["token-2"]);
    assert!(world.player(guild(1)).synced);
}

#[test]
fn voice_servers_that_do_not_answer_are_not_held_against_their_node() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill(1..=4);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Voice, secs(40));
    for number in 1..=3 {
        world.voice_server(guild(number), Some("us-west"));
    }
    world.run_for(secs(5));
    // The node answers others.
    world.update(guild(4), Update::default().volume(50));
    world.run_for(millis(10_500));
    assert_eq!(failed(&world), 3);
    assert!(!world.view("a").failing);
}

#[test]
fn a_node_that_has_answered_nothing_since_is_to_blame_and_not_its_voice_server() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill([1]);
    world.node("a").config().latency.player = millis(100);
    world.update(guild(1), Update::default().volume(50));
    // It is told of as soon as that is answered.
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(millis(50));
    let kinds = [AnswerKind::Voice, AnswerKind::Player, AnswerKind::Other];
    world.node("a").faults().unanswered.extend(kinds);
    world.run_for(secs(16));
    assert_eq!(failed(&world), 0);
}

/// How many voice servers were told not to answer.
fn failed(world: &World) -> usize {
    let failed = |event: &Event| matches!(event, Event::VoiceFailed { .. });
    world
        .events()
        .iter()
        .filter(|(_, event)| failed(event))
        .count()
}

#[test]
fn a_voice_server_is_heeded_however_many_commands_wait() {
    let mut world = World::builder()
        .nodes(["a"])
        .config(|config| config.limits.commands_max = 2)
        .connected();
    world.join(guild(1), "us-east");
    world.run_for(secs(1));
    world.node("a").faults().unanswered.insert(AnswerKind::Load);
    let load = Request::LoadTracks {
        identifier: "https://tracks.test/song".to_owned(),
    };
    let lookup = Command::Rest {
        node: Target::Best,
        request: load,
    };
    for _ in 0..2 {
        world.submit(lookup.clone());
    }
    assert!(world.try_submit(lookup).is_err());
    let since = world.now();

    world.voice_server(guild(1), Some("frankfurt"));
    world.run_for(secs(1));

    let told = world.heard_since("a", since);
    let mut endpoints = told.iter().map(|told| &told.body["voice"]["endpoint"]);
    assert!(endpoints.any(|endpoint| endpoint.to_string().contains("frankfurt")));
}

#[test]
fn a_voice_server_that_is_named_while_another_does_not_answer_is_told_when_that_has_failed() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill(1..=2);
    let slow = AnswerKind::Voice;
    world.node("a").faults().slow.insert(slow, secs(40));
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(secs(5));
    // The node answers others.
    world.update(guild(2), Update::default().volume(50));
    world.voice_server(guild(1), Some("frankfurt"));
    world.run_for(secs(1));
    world.node("a").faults().slow.clear();
    world.run_for(secs(14));
    assert_eq!(failed(&world), 0);
    let voice = world.only_copy(guild(1)).1.voice;
    assert!(voice.unwrap().endpoint.contains("frankfurt"));
}

#[test]
fn a_player_whose_voice_server_does_not_answer_goes_on_from_where_it_was_deleted() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill(1..=2);
    world.run_for(secs(1));
    let unanswered = |world: &mut World, kind| {
        world.node("a").faults().unanswered.insert(kind);
    };
    unanswered(&mut world, AnswerKind::Voice);
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(secs(1));
    // The node answers others.
    world.update(guild(2), Update::default().volume(50));
    world.run_for(secs(1));
    unanswered(&mut world, AnswerKind::Player);
    let has_failed = |world: &World| failed(world) == 1;
    world.run_until(has_failed, secs(15));
    // It is to be deleted there, and made anew; until that is done it plays on.
    let since = world.now();
    world.run_for(secs(12));
    let heard_ms = world.only_copy(guild(1)).1.content_ms;
    world.node("a").faults().unanswered.clear();
    world.join(guild(1), "us-west");
    let goes_on = |world: &World| {
        let heard = world.heard_since("a", since);
        let mut places = heard.iter().map(|heard| heard.body["position"].as_i64());
        places.find_map(|place| place)
    };
    world.run_until(|world| goes_on(world).is_some(), secs(20));
    let place_ms = goes_on(&world).unwrap();
    assert!(place_ms + 100 >= heard_ms, "{place_ms} {heard_ms}");
    let gone_at_ms = heard_ms + 5_000;
    assert!(place_ms <= gone_at_ms, "{place_ms} {gone_at_ms}");
}

//! What is wanted of plugins for a player goes where the player goes.

use std::time::Duration;

use lavapool_core::node::Status;
use lavapool_core::player::{PluginWish, Update};
use lavapool_core::protocol::plugins::{Category, KnownPlugin, LyricsFrom, PluginEvent};
use lavapool_core::{Answer, Command, Event, RequestError};
use lavapool_tests::node::{AnswerKind, Disturbance};
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{
    CLEAR, SET, SUBSCRIBE, UNSUBSCRIBE, install, millis, plugged, secs, sing, skip, told_since,
};

#[test]
fn categories_reach_the_node_before_the_play_that_they_are_for() {
    let mut world = plugged(["a"]).connected();
    let since = world.now();
    let wish = skip(&mut world, guild(1), &[Category::Intro]);
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("song"));

    world.run_for(secs(1));

    assert_eq!(world.answer(wish), Some(&Ok(Answer::Done)));
    let heard = world.heard_since("a", since);
    let heard: Vec<_> = heard
        .iter()
        .map(|heard| (&*heard.what, &heard.body))
        .collect();
    let [(SET, body), ("PATCH players/1", patch)] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!(**body, json!(["intro"]));
    assert!(patch["track"].is_object(), "{patch}");
    assert_eq!(skips_since(&world, since), 1);
    assert!(world.position(guild(1)) > secs(2));
}

#[test]
fn a_new_session_is_told_again() {
    let mut world = wishful(["a"]);
    let since = world.now();

    world.restart("a");
    world.run_for(secs(5));

    assert_told(&world, "a", since);
    assert_plays_on(&world, "a");
}

#[test]
fn a_resumed_session_is_told_again() {
    let mut world = wishful(["a"]);
    let since = world.now();

    world.drop_connections("a");
    world.run_for(secs(5));

    assert!(
        world
            .events_since(since)
            .any(|event| { matches!(event, Event::NodeReady { resumed: true, .. }) })
    );
    assert_told(&world, "a", since);
    assert_plays_on(&world, "a");
}

#[test]
fn a_resumed_session_is_told_nothing_before_its_players_are_known() {
    let mut world = wishful(["a"]);
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, secs(2));
    let since = world.now();
    world.drop_connections("a");
    world.run_for(secs(1));
    assert_eq!(world.view("a").status, Status::Connected);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(500));
    assert_eq!(world.requests_since("a", since), ["GET players"]);
    world.run_for(secs(10));
    assert_told(&world, "a", since);
}

#[test]
fn a_failover_tells_the_next_node_before_it_plays_there() {
    let mut world = wishful(["a", "b"]);
    // It counts only once it is answered.
    world.node("b").config().latency.other = millis(100);
    let since = world.now();

    world.kill("a");
    world.run_for(secs(5));

    let is_loaded = |event: &Event| match event {
        Event::Plugin { node, event, .. } => {
            &*node.name == "b" && matches!(event, PluginEvent::SegmentsLoaded(_))
        }
        _ => false,
    };
    assert_eq!(
        world
            .events_since(since)
            .filter(|event| is_loaded(event))
            .count(),
        1
    );
    assert_told(&world, "b", since);
    let requests = world.requests_since("b", since);
    let at = |what: &str| requests.iter().position(|other| other == what).unwrap();
    assert!(at(SET) < at("PATCH players/1"), "{requests:?}");
    assert_plays_on(&world, "b");
}

#[test]
fn a_move_tells_the_new_node_and_leaves_nothing_on_the_old_one() {
    let mut world = wishful(["a", "b"]);
    let since = world.now();
    let (guild, node) = (guild(1), world.id("b"));

    let moved = world.submit(Command::Move { guild, node });
    world.run_for(secs(5));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    assert_told(&world, "b", since);
    let old = world.requests_since("a", since);
    assert_eq!(old, ["DELETE players/1", UNSUBSCRIBE, CLEAR]);
    assert_eq!(world.server("a").plugin_state(), (vec![], vec![]));

    let back = world.now();
    let node = world.id("a");
    world.submit(Command::Move { guild, node });
    world.run_for(secs(5));
    assert_told(&world, "a", back);
}

#[test]
fn a_player_that_has_never_played_is_told_of_all_the_same() {
    let mut world = plugged(["a", "b"]).connected();
    skip(&mut world, guild(1), &[Category::Sponsor]);
    sing(&mut world, guild(1));
    world.run_for(secs(1));
    assert_told(&world, "a", Duration::ZERO);
    let since = world.now();

    world.kill("a");
    world.run_for(secs(5));

    assert_told(&world, "b", since);
    assert_eq!(world.guilds_on("b"), [0; 0]);
}

#[test]
fn a_node_without_the_plugins_is_not_asked_and_the_next_one_is() {
    let mut world = plugged(["a"]).node("bare", |_| {}).connected();
    world.fill([1]);
    skip(&mut world, guild(1), &[Category::Sponsor]);
    sing(&mut world, guild(1));
    world.run_for(secs(1));
    let since = world.now();

    world.kill("a");
    world.run_for(secs(2));
    assert_eq!(world.guilds_on("bare"), [1]);
    let wish = skip(&mut world, guild(1), &[Category::Filler]);
    world.run_for(secs(1));

    let plugin = KnownPlugin::SponsorBlock;
    assert_eq!(
        world.answer(wish),
        Some(&Err(RequestError::PluginMissing { plugin }))
    );
    assert_eq!(told_since(&world, "bare", since), [""; 0]);
    assert_eq!(
        world.player(guild(1)).skipped.as_deref(),
        Some(&[Category::Filler][..])
    );

    world.restart("a");
    world.run_until(
        |world| world.view("a").status == Status::Connected,
        secs(60),
    );
    let (guild, node) = (guild(1), world.id("a"));
    world.submit(Command::Move { guild, node });
    world.run_for(secs(5));
    let (sung, skipped) = world.server("a").plugin_state();
    assert_eq!(
        (sung, skipped),
        (vec![1], vec![(1, vec!["filler".to_owned()])])
    );
}

#[test]
fn a_plugin_that_answers_404_is_asked_once_for_each_connection() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    world.node("a").faults().fail_matching("sponsorblock", 404);
    let since = world.now();

    let wish = skip(&mut world, guild(1), &[Category::Sponsor]);
    world.run_for(secs(20));

    let plugin = KnownPlugin::SponsorBlock;
    assert_eq!(
        world.answer(wish),
        Some(&Err(RequestError::PluginMissing { plugin }))
    );
    assert_eq!(told_since(&world, "a", since), [SET]);
    let again = world.now();
    world.drop_connections("a");
    world.run_for(secs(20));
    assert_eq!(told_since(&world, "a", again), [SET]);
}

#[test]
fn a_plugin_that_does_not_answer_holds_up_no_music_and_is_told_later() {
    let mut world = plugged(["a"]).connected();
    world.node("a").faults().fail_matching("sponsorblock", 503);
    let since = world.now();
    let wish = skip(&mut world, guild(1), &[Category::Sponsor]);
    world.join(guild(1), "us-east");
    let play = world.play(guild(1), &track("song"));

    world.run_for(millis(500));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert_eq!(world.answer(wish), None);
    world.node("a").faults().failures.clear();
    world.run_for(secs(10));

    assert_eq!(world.answer(wish), Some(&Ok(Answer::Done)));
    assert_eq!(told_since(&world, "a", since), [SET, SET]);
}

#[test]
fn a_plugin_that_fails_is_not_held_against_its_node() {
    let mut world = plugged(["a"]).connected();
    world.fill(1..=12);
    world.node("a").faults().fail_matching("lyrics", 503);

    for number in 1..=12 {
        sing(&mut world, guild(number));
    }
    world.run_for(millis(500));

    let node = world.id("a");
    assert!(world.requests_since("a", Duration::ZERO).len() > 24);
    assert_eq!(world.pool().best_node(), Some(node));
}

#[test]
fn a_destroyed_player_leaves_nothing_after_its_music_has_stopped() {
    let mut world = wishful(["a"]);
    let since = world.now();

    let gone = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));

    assert_eq!(world.answer(gone), Some(&Ok(Answer::Done)));
    let requests = world.requests_since("a", since);
    assert_eq!(requests, ["DELETE players/1", UNSUBSCRIBE, CLEAR]);
    assert_eq!(world.server("a").plugin_state(), (vec![], vec![]));
}

#[test]
fn categories_on_their_way_to_a_destroyed_player_do_not_outlive_it() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    world.node("a").config().latency.other = millis(200);
    let wish = skip(&mut world, guild(1), &[Category::Intro]);
    world.run_for(millis(50));
    world.node("a").config().latency.other = Duration::ZERO;
    let since = world.now();

    let gone = world.submit(Command::Destroy(guild(1)));
    assert_eq!(world.answer(wish), Some(&Err(RequestError::Destroyed)));
    world.run_for(secs(1));

    assert_eq!(world.answer(gone), Some(&Ok(Answer::Done)));
    assert_eq!(
        world.requests_since("a", since),
        ["DELETE players/1", CLEAR]
    );
    assert_eq!(world.server("a").plugin_state(), (vec![], vec![]));
}

#[test]
fn a_player_that_is_made_again_has_its_own_wishes() {
    let mut world = wishful(["a"]);

    world.submit(Command::Destroy(guild(1)));
    let wish = skip(&mut world, guild(1), &[Category::Filler]);
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("another"));
    world.run_for(secs(2));

    assert_eq!(world.answer(wish), Some(&Ok(Answer::Done)));
    let (sung, skipped) = world.server("a").plugin_state();
    assert_eq!(
        (sung, skipped),
        (vec![], vec![(1, vec!["filler".to_owned()])])
    );
}

#[test]
fn a_wish_that_was_not_sent_is_superseded_by_the_next_one() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    world.node("a").config().latency.other = millis(200);
    let first = skip(&mut world, guild(1), &[Category::Intro]);
    world.run_for(millis(50));
    let second = skip(&mut world, guild(1), &[Category::Outro]);
    let third = skip(&mut world, guild(1), &[Category::Filler]);

    world.run_for(secs(2));

    assert_eq!(world.answer(first), Some(&Ok(Answer::Done)));
    assert_eq!(world.answer(second), Some(&Err(RequestError::Superseded)));
    assert_eq!(world.answer(third), Some(&Ok(Answer::Done)));
    let skipped = world.server("a").plugin_state().1;
    assert_eq!(skipped, [(1, vec!["filler".to_owned()])]);
}

#[test]
fn what_is_not_wanted_any_more_is_taken_back_and_not_told_again() {
    let mut world = wishful(["a"]);
    let since = world.now();
    for wish in [PluginWish::Categories(None), PluginWish::Lyrics(None)] {
        let guild = guild(1);
        world.submit(Command::Plugin { guild, wish });
    }
    world.run_for(secs(1));
    let mut told = told_since(&world, "a", since);
    told.sort();
    assert_eq!(told, [UNSUBSCRIBE, CLEAR]);
    let view = world.player(guild(1));
    assert_eq!((view.skipped, view.live_lyrics), (None, None));

    let since = world.now();
    world.drop_connections("a");
    world.run_for(secs(5));

    assert_eq!(told_since(&world, "a", since), [""; 0]);
}

#[test]
fn a_subscription_is_changed_by_making_it_anew() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    sing(&mut world, guild(1));
    world.run_for(secs(1));
    let since = world.now();

    let wish = PluginWish::Lyrics(Some(LyricsFrom::OtherSources));
    let guild = guild(1);
    let changed = world.submit(Command::Plugin { guild, wish });
    world.run_for(secs(1));

    assert_eq!(world.answer(changed), Some(&Ok(Answer::Done)));
    assert_eq!(told_since(&world, "a", since), [UNSUBSCRIBE, SUBSCRIBE]);
    let requests = &world.server("a").log().requests;
    let target = &requests.last().unwrap().target;
    assert!(
        target.ends_with("/lyrics/subscribe?skipTrackSource=true"),
        "{target}"
    );
}

#[test]
fn each_of_many_players_is_told_of_once_before_it_plays_on() {
    let guilds = 1..=80;
    let mut world = plugged(["a"])
        .node("b", |host| {
            install(&mut host.server);
            host.is_known = false;
        })
        .connected();
    world.fill(guilds.clone());
    for number in guilds.clone() {
        skip(&mut world, guild(number), &[Category::Sponsor]);
    }
    world.run_for(secs(2));
    world.add_node("b");
    world.run_for(secs(11));
    let since = world.now();

    world.kill("a");
    world.run_for(secs(20));

    assert_eq!(world.guilds_on("b"), guilds.clone().collect::<Vec<_>>());
    let requests = world.requests_since("b", since);
    for number in guilds {
        let put = format!("PUT players/{number}/sponsorblock/categories");
        let patch = format!("PATCH players/{number}");
        let at = |what: &str| requests.iter().position(|other| other == what).unwrap();
        assert!(at(&put) < at(&patch), "{number}");
        assert_eq!(requests.iter().filter(|other| **other == put).count(), 1);
    }
}

#[test]
fn only_the_node_of_the_player_is_listened_to() {
    let mut world = wishful(["a", "b"]);
    let since = world.now();
    let lines = |world: &World, since| {
        let lines = world.events_since(since).filter_map(|event| match event {
            Event::Plugin {
                guild,
                node,
                event: PluginEvent::LyricsLine { line, .. },
            } => Some((guild.get(), node.to_string(), line.line.clone())),
            _ => None,
        });
        lines.collect::<Vec<_>>()
    };
    world.play(guild(1), &track("again"));
    world.run_for(secs(3));
    let expected = (1, "a".to_owned(), "one".to_owned());
    assert_eq!(lines(&world, since), [expected]);

    let since = world.now();
    let line = r#"{"op":"event","type":"LyricsLineEvent","guildId":"1","lineIndex":0,
        "line":{"timestamp":0,"duration":null,"line":"late","plugin":{}},"skipped":false}"#;
    world.disturb("b", &Disturbance::Text(line.to_owned()));
    world.run_for(secs(1));
    assert_eq!(lines(&world, since), []);
    world.disturb("a", &Disturbance::Text(line.to_owned()));
    world.run_for(millis(500));
    let expected = (1, "a".to_owned(), "late".to_owned());
    assert_eq!(lines(&world, since), [expected]);
}

/// A world in which a track plays on the first node, segments are skipped and lyrics are sung.
pub(super) fn wishful<const COUNT: usize>(names: [&str; COUNT]) -> World {
    let mut world = plugged(names).connected();
    skip(&mut world, guild(1), &[Category::Sponsor]);
    sing(&mut world, guild(1));
    world.fill([1]);
    world.run_for(secs(2));
    assert_eq!(world.guilds_on(names[0]), [1]);
    world
}

/// The node's plugins were told what is wanted, each once, and know it.
#[track_caller]
fn assert_told(world: &World, name: &str, since: Duration) {
    let mut told = told_since(world, name, since);
    told.sort();
    assert_eq!(told, [SUBSCRIBE, SET]);
    let (sung, skipped) = world.server(name).plugin_state();
    assert_eq!(
        (sung, skipped),
        (vec![1], vec![(1, vec!["sponsor".to_owned()])])
    );
}

#[track_caller]
fn assert_plays_on(world: &World, name: &str) {
    let (node, copy) = world.only_copy(guild(1));
    assert_eq!((node, copy.audible), (name, true));
}

fn skips_since(world: &World, since: Duration) -> usize {
    let skips = world.events_since(since).filter(|event| {
        let Event::Plugin { event, .. } = event else {
            return false;
        };
        matches!(event, PluginEvent::SegmentSkipped(_))
    });
    skips.count()
}

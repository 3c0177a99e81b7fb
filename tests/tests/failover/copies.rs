//! Copies of a player that a node must not have, or has to make again.

use lavapool_core::player::{Place, Update};
use lavapool_core::protocol::{RawJson, TrackEndReason};
use lavapool_core::rest::{Method, Request};
use lavapool_core::{Command, CommandId, Event, RequestError, Target};
use lavapool_tests::node::{AnswerKind, Failure, Voice};
use lavapool_tests::world::{Answered, World, guild, track, track_of};

use super::clocks::{assert_in_place, twice_as_fast};
use super::{away_for, crowded, millis, report, secs, unanswered};

#[test]
fn a_delete_that_is_answered_500_is_sent_again() {
    let mut world = crowded(1..=1, []);
    fail_deletes(&mut world, Some(1));
    let destroy = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(5));
    assert_eq!(world.guilds_on("a"), [0; 0]);
    assert!(matches!(world.answer(destroy), Some(Answered::Ok(_))));
}

#[test]
fn a_player_that_was_destroyed_meanwhile_goes_though_its_node_does_not_list_its_players() {
    let mut world = crowded(1..=2, []);
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".into()),
        path: Some("/players".into()),
        ..Failure::always(400)
    });
    world.refuse("a", true);
    world.drop_connections("a");
    world.run_for(millis(100));
    let destroy = world.submit(Command::Destroy(guild(1)));
    world.refuse("a", false);
    world.run_for(secs(3));
    assert!(matches!(world.answer(destroy), Some(Answered::Ok(_))));
    assert_eq!(world.guilds_on("a"), [2]);
}

#[test]
fn the_list_of_a_resumed_node_is_asked_for_again_however_many_deletes_wait_for_it() {
    let mut world = crowded(1..=41, []);
    let list = |failure| Failure {
        method: Some("GET".into()),
        path: Some("/players".into()),
        times: Some(1),
        ..failure
    };
    let faults = world.node("a").faults();
    faults.failures.push(list(Failure::always(503)));
    world.drop_connections("a");
    let since = world.now();
    let is_asked = |world: &World| {
        world
            .requests_since("a", since)
            .contains(&"GET players".into())
    };
    world.run_until(is_asked, secs(10));
    world.run_for(millis(50));
    for number in 1..=40 {
        world.submit(Command::Destroy(guild(number)));
    }
    world.run_for(secs(5));
    assert_eq!(world.guilds_on("a"), [41]);
}

#[test]
fn a_delete_that_is_refused_for_good_is_told_so_and_holds_up_no_play() {
    let mut world = crowded(1..=1, []);
    fail_deletes(&mut world, None);
    let since = world.now();
    let destroy = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("next"));
    world.run_for(secs(12));
    let refused = RequestError::Rejected {
        status: 500,
        message: Some("No message available".into()),
    };
    assert_eq!(world.answer(destroy), Some(&Answered::Err(refused)));
    let asked = world.requests_since("a", since);
    let deletes = asked.iter().filter(|what| what.starts_with("DELETE"));
    assert_eq!(deletes.count(), 3, "{asked:?}");
    assert_eq!(playing_on(&world, "a"), ["1: Track next"]);
}

#[test]
fn a_delete_that_was_refused_is_tried_again_when_the_refusal_may_have_passed() {
    let mut world = crowded(1..=1, []);
    // Another password is wanted of new requests, while the session goes on.
    let password = std::mem::replace(&mut world.node("a").config().password, "new".into());
    let destroy = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));
    assert!(matches!(world.answer(destroy), Some(Answered::Err(_))));
    assert_eq!(world.guilds_on("a"), [1]);
    world.node("a").config().password = password;
    world.run_for(secs(15));
    assert_eq!(world.guilds_on("a"), [0; 0]);
}

#[test]
fn the_stop_of_a_copy_that_is_made_again_ends_no_track() {
    let mut world = crowded(1..=1, ["b"]);
    let faults = world.node("b").faults();
    faults.slow.insert(AnswerKind::Voice, secs(20));
    faults.unanswered.insert(AnswerKind::Player);
    world.kill("a");
    // The PATCH takes effect when it was given up, and before the DELETE that follows it.
    world.run_until(|world| world.guilds_on("b") == [1], secs(25));
    let faults = world.node("b").faults();
    faults.slow.clear();
    faults.unanswered.clear();
    world.run_for(secs(60));
    assert_eq!(world.guilds_on("b"), [1]);
    assert!(world.player(guild(1)).playing);
    assert_eq!(ends(&world), []);
}

#[test]
fn a_player_that_a_node_did_not_delete_leaves_nothing_to_the_next_one_of_its_guild() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::default().volume(70));
    world.node("a").faults().failures.push(Failure {
        method: Some("DELETE".into()),
        ..Failure::always(403)
    });
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));
    world.refuse("a", true);
    world.drop_connections("a");
    world.run_for(secs(5));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("next"));
    world.refuse("a", false);
    world.run_for(secs(5));

    assert_eq!(world.player(guild(1)).volume.get(), 100);
    let (_, copy) = world.only_copy(guild(1));
    assert_eq!(
        (copy.volume, copy.track.unwrap().title),
        (100, "Track next".into())
    );
}

#[test]
fn what_a_node_says_of_a_copy_that_it_has_yet_to_delete_is_not_about_the_next_player() {
    let mut world = crowded(1..=1, []);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));
    world.update(guild(1), Update::default().volume(70));
    let since = world.now();

    world.disturb("a", &report(60_000));
    world.run_for(secs(1));

    let mut updates = world.events_since(since);
    let update = updates.find(|event| matches!(event, Event::PlayerUpdate { .. }));
    assert_eq!(update, None);
    assert!(!world.player(guild(1)).connected);
}

#[test]
fn a_player_that_a_node_did_not_delete_leaves_no_speed_to_the_next_one_of_its_guild() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::default().filters(twice_as_fast()));
    world.run_for(secs(1));
    world.node("a").faults().failures.push(Failure {
        method: Some("DELETE".into()),
        ..Failure::always(403)
    });
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("next"));
    world.run_for(secs(2));

    assert_in_place(&world);
}

#[test]
fn a_play_that_is_taken_back_during_a_move_leaves_the_track_before_it() {
    let mut world = crowded(2..=2, ["b"]);
    let play = play_two_after_one(&mut world);
    world.run_for(secs(5));
    world.kill("a");
    world.run_for(secs(15));
    let timeout = RequestError::VoiceTimeout;
    assert_eq!(world.answer(play), Some(&Answered::Err(timeout)));
    assert_eq!(playing_on(&world, "b"), ["1: Track one", "2: Track 2"]);
}

#[test]
fn a_play_that_is_taken_back_after_two_nodes_were_lost_leaves_the_track_before_it() {
    let mut world = World::builder().nodes(["a", "b", "c"]).connected();
    let play = play_two_after_one(&mut world);
    world.kill("a");
    world.run_for(secs(2));
    // It has lost what it had.
    world.restart("a");
    world.run_for(secs(5));
    let place = world.player(guild(1)).place;
    assert!(matches!(place, Place::Moving { .. }), "{place:?}");
    let target = place.node().unwrap().name.to_string();
    world.kill(&target);

    world.run_for(secs(15));

    let timeout = RequestError::VoiceTimeout;
    assert_eq!(world.answer(play), Some(&Answered::Err(timeout)));
    let (_, copy) = world.only_copy(guild(1));
    assert_eq!(copy.track.unwrap().title, "Track one");
    assert_eq!(ends(&world), []);
}

#[test]
fn a_track_that_ended_while_the_session_was_away_is_told_to_be_over() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(20)));
    world.run_for(millis(19_900));
    away_for(&mut world, "a", secs(5));
    world.run_for(secs(20));
    assert_eq!(ends(&world), [TrackEndReason::Finished]);
    assert!(!world.player(guild(1)).playing);
}

fn ends(world: &World) -> Vec<TrackEndReason> {
    let events = world.events().iter();
    let ends = events.filter_map(|(_, event)| match event {
        Event::TrackEnd { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    ends.collect()
}

fn playing_on(world: &World, name: &str) -> Vec<String> {
    let players = world.players_on(name).into_iter();
    let playing = players.filter_map(|player| Some((player.guild, player.track?.title)));
    playing
        .map(|(guild, title)| format!("{guild}: {title}"))
        .collect()
}

fn fail_deletes(world: &mut World, times: Option<u32>) {
    let failure = Failure {
        method: Some("DELETE".into()),
        times,
        ..Failure::always(500)
    };
    world.node("a").faults().failures.push(failure);
}

/// Guild 1 plays a track on `a` without voice, and then another, which waits for that.
fn play_two_after_one(world: &mut World) -> CommandId {
    let update = Update::play(track("one")).without_voice();
    world.submit(Command::Update {
        guild: guild(1),
        node: Some(world.id("a")),
        update,
    });
    world.run_for(secs(1));
    world.play(guild(1), &track("two"))
}

#[test]
fn a_lost_target_does_not_keep_what_it_made_of_a_player_that_was_destroyed_since() {
    let mut world = World::builder()
        .node("a", |_| {})
        .node("b", |node| node.is_known = false)
        .config(|config| {
            config.limits.control_sockets_max = 2;
            config.limits.voice_sockets_max = 1;
        })
        .connected();
    world.fill(1..=4);
    world.add_node("b");
    world.run_for(secs(11));
    // It makes each player before it turns out that voice fails there, and then both sockets are
    // taken by the first of those that are sent without it.
    let config = world.node("b").config();
    config.voice = Voice::Fails;
    (config.latency.voice, config.latency.player) = (millis(100), secs(5));
    world.kill("a");
    world.run_until(|world| world.guilds_on("b") == [1, 2, 3, 4], secs(5));
    world.run_for(millis(200));
    world.drop_connections("b");
    world.refuse("b", true);
    world.run_for(secs(1));
    for number in 1..=4 {
        world.submit(Command::Destroy(guild(number)));
    }
    world.refuse("b", false);
    world.run_for(secs(30));
    assert_eq!(world.guilds_on("b"), Vec::<u64>::new());
}

#[test]
fn a_copy_that_is_found_where_a_player_is_on_its_way_to_leaves_nothing_to_it() {
    let mut world = crowded(1..=1, ["b"]);
    let session = world.view("b").session_id.unwrap();
    let copied = world.submit(Command::Rest {
        node: Target::Node(world.id("b")),
        request: Request::Raw {
            method: Method::PATCH,
            path: format!("/v4/sessions/{}/players/1", session.expose()),
            body: Some(RawJson::parse(r#"{"volume": 30}"#).unwrap()),
        },
    });
    world.run_for(secs(1));
    assert!(matches!(world.answer(copied), Some(Ok(_))));
    assert_eq!(world.guilds_on("b"), [1]);
    world.kill("a");
    world.drop_connections("b");
    world.run_for(secs(10));
    let (_, copy) = world.only_copy(guild(1));
    assert_eq!((copy.volume, copy.audible), (100, true));
}

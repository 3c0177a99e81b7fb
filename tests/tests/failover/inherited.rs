//! Players of a client before this one, whose session goes on.

use std::sync::Arc;

use lavapool_core::node::Status;
use lavapool_core::player::Update;
use lavapool_core::protocol::{Filters, RawJson};
use lavapool_core::{Answer, Command, Leaving, PoolConfig, RequestError, Strangers};
use lavapool_tests::node::{AnswerKind, Failure};
use lavapool_tests::world::{World, guild, track};

use super::{crowded, millis, remove, secs, send_to, title};

#[test]
fn a_guild_that_is_destroyed_before_its_session_is_resumed_is_not_adopted() {
    let mut world = inherited(Update::default());
    let destroy = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(5));
    assert!(world.answer(destroy).is_some());
    assert_eq!(world.guilds_on("a"), [0; 0]);
    assert!(world.pool().player(guild(1)).is_none());
}

#[test]
fn a_player_of_before_keeps_what_nobody_asks_it_to_change() {
    let mut filters = Filters::default();
    filters.volume = Some(0.5);
    let mut world = inherited(Update::default().volume(70).filters(filters.clone()));
    // Discord speaks of the guild before its session is resumed.
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!((view.volume.get(), copy.volume), (70, 70));
    assert_eq!(view.filters.map(Arc::unwrap_or_clone), Some(filters));
    assert_eq!(copy.filters["volume"], 0.5);
    assert_eq!(title(&world), Some("Track 1".into()));
}

#[test]
fn a_play_that_comes_before_a_player_of_before_is_known_takes_its_place() {
    let mut world = inherited(Update::default());
    world.join(guild(1), "us-east");
    // Both clients number their plays from 1.
    world.play(guild(1), &track("mine"));
    world.run_for(secs(5));
    assert_eq!(title(&world), Some("Track mine".into()));
}

#[test]
fn a_player_of_before_goes_on_when_the_first_play_that_is_asked_of_it_is_refused() {
    let mut world = inherited(Update::default());
    let refused = "https://tracks.test/bad".to_owned();
    world.node("a").faults().rejected_tracks.insert(refused);
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert_eq!(title(&world), Some("Track 1".into()));
    let shown = world.player(guild(1)).track;
    let shown = shown.map(|track| track.info.title.clone());
    assert_eq!(shown, Some("Track 1".into()));
}

#[test]
fn a_player_of_before_goes_on_when_a_play_is_refused_that_was_asked_for_once_it_was_known() {
    let mut world = inherited(Update::default());
    let refused = "https://tracks.test/bad".to_owned();
    world.node("a").faults().rejected_tracks.insert(refused);
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Voice, secs(1));
    world.join(guild(1), "us-east");
    let is_known = |world: &World| world.player(guild(1)).track.is_some();
    world.run_until(is_known, secs(5));
    world.node("a").faults().slow.clear();
    world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert_eq!(title(&world), Some("Track 1".into()));
    let shown = world.player(guild(1)).track;
    let shown = shown.map(|track| track.info.title.clone());
    assert_eq!(shown, Some("Track 1".into()));
}

#[test]
fn what_a_new_player_has_anyway_is_set_on_one_of_before() {
    let mut world = inherited(Update::default().volume(70).paused(true));
    world.update(guild(1), Update::default().volume(100).paused(false));
    world.run_for(secs(5));
    let copy = world.only_copy(guild(1)).1;
    assert_eq!((copy.volume, copy.paused), (100, false));
}

#[test]
fn a_player_of_before_is_stopped_by_a_stop_that_comes_before_it_is_known() {
    let mut world = inherited(Update::default());
    world.update(guild(1), Update::stop());
    world.run_for(secs(5));
    assert_eq!(title(&world), None);
}

#[test]
fn what_is_asked_of_a_play_of_before_is_set_though_it_is_not_known_yet() {
    let mut world = inherited(Update::default());
    let data = |text: &str| RawJson::parse(text).unwrap();
    let first = world.update(guild(1), Update::default().user_data(data(r#"{"by":1}"#)));
    let since = Update::default().position(secs(90)).volume(50);
    let second = world.update(guild(1), since.user_data(data(r#"{"by":2}"#)));
    world.run_for(secs(5));

    assert_eq!(world.answer(first), Some(&Err(RequestError::Superseded)));
    assert_eq!(world.answer(second), Some(&Ok(Answer::Done)));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    let shown = view.track.as_ref().unwrap();
    assert_eq!(shown.user_data, Some(data(r#"{"by":2}"#)));
    assert_eq!(copy.track.unwrap().user_data["by"], 2);
    assert_eq!((copy.volume, view.synced), (50, true));
    let place = world.position(guild(1));
    assert!((secs(90)..secs(96)).contains(&place), "{place:?}");
}

#[test]
fn a_play_of_before_ends_no_earlier_if_that_is_asked_for_before_it_is_known() {
    let mut world = inherited(Update::default().end_time(secs(90)));
    let ends = world.update(guild(1), Update::default().end_time(None));
    world.run_for(secs(5));

    assert_eq!(world.answer(ends), Some(&Ok(Answer::Done)));
    assert_ne!(world.only_copy(guild(1)).1.end_time_ms, Some(90_000));
}

#[test]
fn what_is_asked_of_a_play_that_turns_out_not_to_be_there_is_done_without_it() {
    for update in [Update::default(), Update::stop()] {
        let mut world = inherited(update.clone());
        if update.sets_track() {
            assert_eq!(title(&world), None);
        }
        let other = if update.sets_track() {
            guild(1)
        } else {
            guild(2)
        };
        let seek = world.update(other, Update::default().position(secs(90)));
        world.run_for(secs(5));
        assert_eq!(world.answer(seek), Some(&Ok(Answer::Done)));
        assert!(world.player(other).synced);
    }
}

#[test]
fn a_play_takes_the_place_of_what_was_asked_of_one_of_before() {
    let mut world = inherited(Update::default());
    world.join(guild(1), "us-east");
    let end = Update::default().end_time(secs(30));
    let ends = world.update(guild(1), end);
    world.play(guild(1), &track("mine"));
    world.run_for(secs(40));
    assert_eq!(world.answer(ends), Some(&Err(RequestError::Superseded)));
    assert_eq!(title(&world), Some("Track mine".into()));
}

#[test]
fn a_player_of_before_stays_where_it_plays_though_another_node_is_ready_first() {
    let mut world = late_heir();
    // Discord speaks of the guild while only the other node is there.
    world.join(guild(1), "us-east");
    world.run_for(secs(4));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
    assert_eq!(
        world
            .requests_since("b", secs(0))
            .iter()
            .filter(is_of_player)
            .count(),
        0
    );
    assert_eq!(title(&world), Some("Track 1".into()));
    assert!(world.player(guild(1)).synced);
}

#[test]
fn what_is_asked_of_a_player_of_before_waits_for_its_session() {
    let mut world = late_heir();
    let volume = world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(4));
    assert_eq!(world.answer(volume), Some(&Ok(Answer::Done)));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.volume), ("a", 50));
    assert_eq!(title(&world), Some("Track 1".into()));
}

#[test]
fn what_a_session_of_before_does_not_have_goes_to_a_node_once_that_is_known() {
    let mut world = late_heir();
    world.join(guild(2), "us-east");
    let play = world.play(guild(2), &track("new"));
    world.run_for(millis(500));
    assert_eq!(world.copies(guild(2)).len(), 0);
    world.run_for(secs(3));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert_eq!(world.copies(guild(2)).len(), 1);
}

#[test]
fn a_session_of_before_that_is_not_there_is_waited_for_no_longer_than_a_healthy_node() {
    let mut world = heir(|world| world.kill("a"));
    world.join(guild(1), "us-east");
    let play = world.play(guild(1), &track("new"));
    world.run_for(millis(4_700));
    assert_eq!(world.guilds_on("b"), [0; 0]);
    world.run_for(secs(1));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert_eq!(world.guilds_on("b"), [1]);
    // Nobody waits for it a second time.
    world.join(guild(2), "us-east");
    world.play(guild(2), &track("new"));
    world.run_for(secs(1));
    assert_eq!(world.guilds_on("b"), [1, 2]);
}

#[test]
fn a_session_of_before_that_is_over_keeps_nobody_waiting_once_its_node_is_there() {
    let mut world = heir(|world| {
        world.restart("a");
        world.set_latency("a", millis(300));
    });
    world.join(guild(1), "us-east");
    let play = world.play(guild(1), &track("new"));
    world.run_until(|world| is_ready(world, "a"), secs(3));
    world.run_for(secs(1));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
}

#[test]
fn a_session_of_before_is_not_waited_for_at_a_node_that_refuses_the_client_or_is_removed() {
    let refused = |world: &mut World| world.node("a").faults().failures.push(Failure::always(401));
    let removed = |world: &mut World| {
        remove(world, "a");
    };
    for (before, after) in [
        (refused as fn(&mut World), (|_| {}) as fn(&mut World)),
        (|world| world.refuse("a", true), removed),
    ] {
        let mut world = heir(before);
        world.join(guild(1), "us-east");
        world.play(guild(1), &track("new"));
        after(&mut world);
        world.run_for(secs(1));
        assert_eq!(world.guilds_on("b"), [1]);
    }
}

#[test]
fn a_session_of_before_that_does_not_list_its_players_keeps_nobody_waiting() {
    let mut world = heir(|world| {
        world.node("a").faults().failures.push(Failure {
            method: Some("GET".into()),
            path: Some("/players".into()),
            ..Failure::always(400)
        });
    });
    world.join(guild(2), "us-east");
    let play = world.play(guild(2), &track("new"));
    world.run_for(secs(1));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
}

/// A client that has just started, and resumes the session of one before it, whose player was
/// changed so.
fn inherited(update: Update) -> World {
    inherited_after(update, |_| {})
}

/// The same, when something has happened between the two clients.
fn inherited_after(update: Update, between: impl FnOnce(&mut World)) -> World {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), update);
    world.run_for(secs(1));
    let node = world.node_config("a", Some(&world.view("a")));
    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(1));
    between(&mut world);
    world.restart_client(vec![node], false);
    world
}

/// As [`inherited`], beside another node that is ready at once; something has happened before.
fn heir(before: impl FnOnce(&mut World)) -> World {
    heir_of(Update::default(), before)
}

/// The same, where the player of before was changed so.
fn heir_of(update: Update, before: impl FnOnce(&mut World)) -> World {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), update);
    world.run_for(secs(1));
    let nodes = vec![
        world.node_config("a", Some(&world.view("a"))),
        world.node_config("b", None),
    ];
    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(1));
    before(&mut world);
    world.restart_client(nodes, false);
    world.run_for(millis(200));
    assert!(is_ready(&world, "b"));
    world
}

/// The same, where the session of before is resumed a second later.
fn late_heir() -> World {
    let world = heir(|world| world.set_latency("a", millis(300)));
    assert!(!is_ready(&world, "a"));
    world
}

fn is_ready(world: &World, name: &str) -> bool {
    world.view(name).status == Status::Connected
}

fn is_of_player(request: &&String) -> bool {
    request.contains("players/")
}

/// A node answers so in place of its list of players, so often.
fn unlisted(world: &mut World, times: u32, status: u16) {
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".into()),
        path: Some("/players".into()),
        times: Some(times),
        ..Failure::always(status)
    });
}

#[test]
fn a_list_of_players_that_is_not_there_at_first_is_asked_for_again() {
    let mut world = inherited_after(Update::default(), |world| unlisted(world, 3, 503));
    world.run_for(secs(10));
    assert_eq!(title(&world), Some("Track 1".into()));
    assert!(world.player(guild(1)).playing);
}

#[test]
fn a_player_of_before_is_found_though_pages_come_in_place_of_the_first_lists() {
    let mut world = inherited_after(Update::default(), |world| unlisted(world, 4, 200));
    world.run_for(secs(5));
    assert!(world.pool().player(guild(1)).is_none());
    world.run_for(secs(20));
    assert!(world.player(guild(1)).playing);
}

#[test]
fn a_player_of_before_is_known_when_it_is_listed_at_last() {
    let volume = Update::default().volume(70);
    let mut world = inherited_after(volume, |world| pages_for_lists(world, 5));
    world.join(guild(1), "us-east");
    world.run_for(secs(10));
    // It has been told of the voice connection, and nobody knows what it plays.
    assert!(!world.player(guild(1)).playing);
    world.run_for(secs(25));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!(title(&world), Some("Track 1".into()));
    assert!(view.playing);
    assert_eq!((view.volume.get(), copy.volume), (70, 70));
}

#[test]
fn a_copy_of_before_goes_when_it_is_listed_at_last_where_its_player_is_not() {
    // Of one that plays nothing the node says nothing by itself.
    let mut world = heir_of(Update::stop(), |world| pages_for_lists(world, 5));
    world.submit(Command::Drain(world.id("a")));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("new"));
    world.run_for(secs(10));
    assert_eq!(world.copies(guild(1)).len(), 2);
    world.run_for(secs(25));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

/// Something before `a` answers so many questions for its players with a page of its own.
fn pages_for_lists(world: &mut World, times: u32) {
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".into()),
        path: Some("/players".into()),
        times: Some(times),
        ..Failure::always(200)
    });
}

#[test]
fn strangers_are_destroyed_if_they_are_to_be() {
    let builder = World::builder().node("a", |_| {});
    let config = |config: &mut PoolConfig| config.strangers = Strangers::Destroy;
    let mut world = builder.config(config).connected();
    world.fill(1..=2);
    let node = world.node_config("a", Some(&world.view("a")));
    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(1));
    world.restart_client(vec![node], false);
    // What was asked for by then is no stranger.
    world.update(guild(2), Update::default().volume(50));
    world.run_for(secs(5));
    assert_eq!(world.guilds_on("a"), [2]);
    assert!(world.pool().player(guild(1)).is_none());
}

#[test]
fn a_copy_of_before_does_not_stay_where_its_player_neither_comes_from_nor_goes() {
    let mut world = crowded(1..=1, ["b", "c"]);
    let nodes = vec![
        world.node_config("a", Some(&world.view("a"))),
        world.node_config("b", None),
        world.node_config("c", None),
    ];
    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(1));
    world.refuse("a", true);
    world.restart_client(nodes, false);
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("new"));
    // The session of before is not waited for any longer.
    world.run_for(secs(6));
    let (here, there) = if world.guilds_on("b") == [1] {
        ("b", "c")
    } else {
        ("c", "b")
    };
    world.node(there).config().latency.voice = secs(20);
    send_to(&mut world, there);
    world.refuse("a", false);
    world.run_until(|world| is_ready(world, "a"), secs(12));
    world.run_for(millis(500));
    assert_eq!(world.guilds_on("a"), [0; 0]);
    assert_eq!(world.only_copy(guild(1)).0, here);
}

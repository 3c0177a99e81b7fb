//! A node that was lost comes back.

use lavapool_core::node::Status;
use lavapool_core::player::Update;
use lavapool_core::rest::{Method, Request};
use lavapool_core::{Closed, Command, Event, Target};
use lavapool_tests::node::{AnswerKind, Failure};
use lavapool_tests::world::{Dialled, World, guild, track};

use super::{away_for, crowded, millis, moves_since, secs, unanswered};

#[test]
fn a_node_that_restarts_without_memory_gets_all_its_players_back() {
    let mut world = crowded(1..=50, []);
    world.run_for(secs(10));
    let lost_at = world.now();
    let heard_until_ms = world.only_copy(guild(7)).1.content_ms;

    world.restart("a");
    world.run_for(secs(2));

    assert_eq!(world.guilds_on("a"), Vec::from_iter(1..=50));
    for number in 1..=50 {
        let (_, player) = world.only_copy(guild(number));
        let identifier = player.track.map(|track| track.identifier);
        let expected = format!("https://tracks.test/{number}");
        assert_eq!((identifier, player.audible), (Some(expected), true));
    }
    assert_eq!(moves_since(&world, lost_at).len(), 50);
    let heard = world.heard_since("a", lost_at);
    let patch = heard.iter().find(|heard| heard.what == "PATCH players/7");
    let from_ms = patch.unwrap().body["position"].as_i64().unwrap();
    assert!(
        (0..=5).contains(&(heard_until_ms - from_ms)),
        "{from_ms} {heard_until_ms}"
    );
}

#[test]
fn a_node_that_restarts_is_asked_anew_what_it_can_do() {
    let mut world = crowded(1..=1, []);
    let sources = |world: &World| {
        world
            .view("a")
            .info
            .map(|info| info.source_managers.clone())
    };
    world.node("a").config().sources = vec!["http".to_owned()];
    away_for(&mut world, "a", millis(100));
    world.run_for(secs(5));
    assert!(sources(&world).is_some_and(|sources| sources.len() > 1));
    world.restart("a");
    world.run_for(secs(5));
    assert_eq!(sources(&world), Some(vec!["http".to_owned()]));
}

#[test]
fn a_node_that_resumes_during_the_moves_keeps_what_was_not_sent_and_loses_what_was() {
    let mut world = crowded(1..=40, ["b"]);
    world.node("b").config().latency.voice = secs(1);
    let lost_at = world.now();

    // The next try is after two seconds. Four moves begin at once and take a second; each of their
    // answers makes room for another, so eight are on their way when the node is back.
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(100));
    world.refuse("a", false);
    world.run_for(secs(20));

    let (on_a, on_b) = (world.guilds_on("a"), world.guilds_on("b"));
    assert_eq!((on_a.len(), on_b.len()), (28, 12));
    assert_eq!(moves_since(&world, lost_at).len(), 12);
    // Of the others it was told nothing, and there is nothing to take back.
    let asked = world.requests_since("b", lost_at);
    assert!(
        asked.iter().all(|what| what.starts_with("PATCH")),
        "{asked:?}"
    );
    for number in 1..=40 {
        let (name, player) = world.only_copy(guild(number));
        assert!(player.audible, "{number} on {name}");
        let place = world.player(guild(number)).node().cloned();
        assert_eq!(place, Some(world.reference(name)), "{number}");
        assert!(world.player(guild(number)).synced, "{number}");
    }
}

#[test]
fn a_player_that_is_being_made_again_waits_for_its_node_when_that_blinks() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("a").config().latency.voice = secs(12);
    world.restart("a");
    world.run_for(secs(11));
    let since = world.now();
    world.drop_connections("a");
    world.run_for(secs(30));
    assert_eq!(world.requests_since("b", since), [""; 0]);
    assert_eq!(world.only_copy(guild(1)).0, "a");
    assert!(world.player(guild(1)).synced);
}

#[test]
fn a_node_that_is_dialled_again_within_its_grace_is_waited_for_and_no_other() {
    for (step, is_waited_for) in [(millis(500), true), (secs(2), false)] {
        let builder = World::builder().nodes(["a"]);
        let builder = builder.node("b", |node| node.is_known = false);
        let mut world = builder.config(|c| c.reconnect.step = step).connected();
        world.fill(1..=1);
        world.add_node("b");
        world.run_for(secs(11));
        world.drop_connections("a");
        world.run_for(millis(500));
        let since = world.now();
        // This time it is dialled again only after a pause.
        world.drop_connections("a");
        world.run_for(millis(400));
        let asked = world.requests_since("b", since);
        assert_eq!(asked.is_empty(), is_waited_for, "{step:?}");
    }
}

#[test]
fn a_node_that_is_back_is_not_taken_for_that_of_a_player_which_another_was_lost_with() {
    let mut world = crowded(1..=40, ["b", "c"]);
    // Most wait for their turn.
    world.node("b").config().latency.voice = secs(1);
    let since = world.now();
    world.refuse("c", true);
    world.drop_connections("c");
    world.kill("a");
    world.run_for(millis(500));
    world.refuse("c", false);
    world.run_for(secs(2));
    assert!(world.view("c").status == Status::Connected);
    assert!(world.guilds_on("b").len() < 40);
    let asked = world.requests_since("c", since);
    let is_of_player = |what: &&String| what.contains("players/");
    assert_eq!(asked.iter().find(is_of_player), None);
    world.run_until(|world| world.guilds_on("b").len() == 40, secs(20));
}

#[test]
fn a_node_that_resumes_after_the_moves_is_rid_of_its_old_copies() {
    let mut world = crowded(1..=10, ["b"]);

    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(secs(1));
    assert_eq!(world.guilds_on("b"), Vec::from_iter(1..=10));
    // They play on there, unheard: a detached session keeps its players.
    assert_eq!(world.guilds_on("a"), Vec::from_iter(1..=10));
    world.refuse("a", false);
    let back_at = world.now();
    world.run_for(secs(5));

    assert_eq!(world.guilds_on("b"), Vec::from_iter(1..=10));
    assert_eq!(world.guilds_on("a"), Vec::<u64>::new());
    assert_eq!(moves_since(&world, back_at), []);
}

#[test]
fn a_target_that_refused_a_player_once_keeps_nothing_of_it_when_its_node_is_back() {
    let mut world = crowded(1..=1, ["b"]);
    let refused = "https://tracks.test/1".to_owned();
    let faults = world.node("b").faults();
    faults.rejected_tracks.insert(refused);
    // It says so just before the next try to dial, and would be asked again just after it.
    faults.slow.insert(AnswerKind::Voice, millis(1_900));
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(100));
    world.refuse("a", false);
    world.run_for(secs(20));

    assert_eq!(world.guilds_on("a"), [1]);
    assert_eq!(world.guilds_on("b"), [0; 0]);
}

#[test]
fn a_node_that_is_back_is_believed_where_a_player_is_that_was_on_its_way_elsewhere() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(1);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(100));
    world.kill("b");

    // It takes long to list what it has, and tells of the player all the while.
    let lists = AnswerKind::Player;
    world.node("a").faults().slow.insert(lists, secs(10));
    world.refuse("a", false);
    world.run_for(secs(8));

    let (shown, copy) = (world.position(guild(1)), world.only_copy(guild(1)).1);
    let truth_ms = u128::try_from(copy.content_ms).unwrap();
    assert!(
        shown.as_millis().abs_diff(truth_ms) < 100,
        "{shown:?}, not {truth_ms} ms"
    );
}

#[test]
fn a_player_that_came_to_no_other_node_goes_on_from_where_its_copy_was_when_that_is_lost_too() {
    // Its node is back without it before the other one has failed, or after that.
    for away in [millis(100), secs(10)] {
        let mut world = crowded(1..=1, ["b"]);
        unanswered(&mut world, "b", AnswerKind::Voice);
        world.drop_connections("a");
        world.next_dial("a", Dialled::Fails(Closed::Refused));
        world.run_for(secs(12));
        let heard_until_ms = world.only_copy(guild(1)).1.content_ms;
        let lost_at = world.now();
        world.restart("a");
        away_for(&mut world, "a", away);
        world.run_for(secs(30));
        let heard = world.heard_since("a", lost_at);
        let patch = heard.iter().find(|heard| heard.what == "PATCH players/1");
        let from_ms = patch.unwrap().body["position"].as_i64().unwrap();
        let twice_ms = heard_until_ms - from_ms;
        assert!((0..=5).contains(&twice_ms), "{away:?}: {twice_ms} ms");
    }
}

#[test]
fn a_player_destroyed_while_its_node_was_away_is_gone_when_it_is_back() {
    let mut world = crowded(1..=3, []);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(100));

    let destroyed = world.submit(Command::Destroy(guild(2)));
    world.run_for(secs(1));
    assert_eq!(world.answer(destroyed), None);
    world.refuse("a", false);
    world.run_for(secs(3));

    assert_eq!(world.guilds_on("a"), [1, 3]);
    assert_eq!(
        world.answer(destroyed),
        Some(&Ok(lavapool_core::Answer::Done))
    );
    assert_eq!(world.pool().player(guild(2)), None);
}

#[test]
fn what_was_asked_while_the_node_was_away_counts_after_a_resume() {
    let mut world = crowded(1..=4, []);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(100));

    let play = world.play(guild(1), &track("later"));
    let pause = world.update(guild(2), Update::default().paused(true));
    let volume = world.update(guild(3), Update::default().volume(20));
    let stop = world.update(guild(4), Update::stop());
    world.refuse("a", false);
    world.run_for(secs(5));

    for command in [play, pause, volume, stop] {
        assert_eq!(
            world.answer(command),
            Some(&Ok(lavapool_core::Answer::Done))
        );
    }
    let tracks = [1, 2, 3, 4].map(|number| {
        let (_, player) = world.only_copy(guild(number));
        let identifier = player.track.map(|track| track.identifier);
        (identifier, player.paused, player.volume)
    });
    let named = |name: &str| Some(format!("https://tracks.test/{name}"));
    let expected = [
        (named("later"), false, 100),
        (named("2"), true, 100),
        (named("3"), false, 20),
        (None, false, 100),
    ];
    assert_eq!(tracks, expected);
}

#[test]
fn a_node_that_does_not_know_the_session_patch_cannot_resume_and_its_players_move_at_once() {
    let mut world = World::builder().nodes(["b"]).node("a", |_| {}).build();
    // NodeLink answers so.
    world.node("a").faults().failures.push(Failure {
        method: Some("PATCH".to_owned()),
        times: Some(1),
        ..Failure::always(404)
    });
    world.run_for(secs(11));
    let to_a = Command::Drain(world.id("b"));
    world.submit(to_a);
    world.fill(1..=5);
    let to_both = Command::Undrain(world.id("b"));
    world.submit(to_both);
    assert_eq!(world.guilds_on("a"), [1, 2, 3, 4, 5]);
    assert!(!world.view("a").resumable);
    let lost_at = world.now();

    world.drop_connections("a");
    world.run_for(millis(4));

    // The word of the loss takes one millisecond, a new socket two and the PATCH another.
    let heard = world.heard_since("b", lost_at);
    assert!(heard[0].at <= lost_at + millis(4), "{heard:?}");
    world.run_for(secs(2));
    assert_eq!(world.guilds_on("b"), [1, 2, 3, 4, 5]);
    let handshake = world.server("a").log().handshakes.last().unwrap();
    assert_eq!(handshake.header("Session-Id"), None);
}

#[test]
fn the_end_of_an_old_copy_does_not_end_the_music_on_the_node_that_it_returns_to() {
    let mut world = crowded(1..=3, ["b"]);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(secs(1));
    assert_eq!(world.guilds_on("b"), [1, 2, 3]);

    // Back, with a copy of each; those are deleted just before the players themselves return.
    world.refuse("a", false);
    world.kill("b");
    world.run_for(secs(20));

    for number in 1..=3 {
        let (name, player) = world.only_copy(guild(number));
        assert_eq!((name, player.audible), ("a", true));
        assert!(world.player(guild(number)).playing);
    }
}

#[test]
fn a_target_of_a_failover_that_dies_leaves_nothing_forgotten_that_was_asked_for() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(1);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(500));
    let stop = world.update(guild(1), Update::stop());

    world.kill("b");
    world.refuse("a", false);
    world.run_for(secs(5));

    assert_eq!(world.answer(stop), Some(&Ok(lavapool_core::Answer::Done)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.track), ("a", None));
}

#[test]
fn a_player_destroyed_while_its_node_lists_it_is_not_adopted() {
    let mut world = crowded(1..=2, []);
    world.node("a").config().latency.player = millis(500);
    world.drop_connections("a");
    world.run_for(millis(100));

    let destroyed = world.submit(Command::Destroy(guild(2)));
    world.run_for(secs(5));

    assert_eq!(
        world.answer(destroyed),
        Some(&Ok(lavapool_core::Answer::Done))
    );
    assert_eq!(world.guilds_on("a"), [1]);
    assert_eq!(world.pool().player(guild(2)), None);
}

#[test]
fn a_destroyed_player_that_a_late_patch_made_again_is_not_adopted() {
    let mut world = crowded(1..=1, []);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(20));
    // Its deadline passes before it takes effect, and the DELETE overtakes it.
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(16));
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(10));
    assert_eq!(world.guilds_on("a"), [1]);
    world.node("a").faults().slow.clear();

    world.drop_connections("a");
    world.run_for(secs(10));

    assert_eq!(world.guilds_on("a"), Vec::<u64>::new());
    assert_eq!(world.pool().players().count(), 0);
}

#[test]
fn a_player_that_waits_paused_keeps_its_place_when_its_session_is_resumed() {
    let mut world = crowded(1..=1, []);
    // No sound has been taken from it: the server says 0, wherever it was told to begin.
    let paused = Update::play(track("other")).position(secs(30)).paused(true);
    world.update(guild(1), paused);
    world.run_for(secs(1));

    world.drop_connections("a");
    world.run_for(secs(10));

    assert_eq!(world.position(guild(1)), secs(30));
}

#[test]
fn a_player_that_its_node_lost_is_made_again_when_the_session_is_resumed_and_no_other_is() {
    let mut world = crowded(1..=2, []);
    lose_player(&mut world, 2);
    let since = world.now();
    away_for(&mut world, "a", millis(100));
    world.run_for(secs(5));

    assert_eq!(world.guilds_on("a"), [1, 2]);
    let copy = world.only_copy(guild(2)).1;
    assert!(copy.audible && copy.content_ms > 11_000, "{copy:?}");
    let asked = world.requests_since("a", since);
    let patches: Vec<_> = asked.iter().filter(|what| what.contains("/")).collect();
    assert_eq!(patches, ["PATCH players/2"], "{asked:?}");
}

#[test]
fn a_player_that_turns_back_to_a_node_that_lost_it_is_made_there_again() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(5);
    lose_player(&mut world, 1);
    away_for(&mut world, "a", millis(100));
    world.run_for(secs(3));
    assert_eq!(world.copies(guild(1)).len(), 0);

    world.kill("b");
    world.run_for(secs(2));

    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
}

#[test]
fn a_place_that_was_sought_while_the_node_was_away_counts_after_a_resume() {
    let mut world = crowded(1..=1, []);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(millis(100));
    let seek = world.update(guild(1), Update::default().position(secs(100)));
    world.refuse("a", false);
    world.run_for(secs(5));

    assert_eq!(world.answer(seek), Some(&Ok(lavapool_core::Answer::Done)));
    let copy = world.only_copy(guild(1)).1;
    assert!(copy.content_ms > 100_000, "{copy:?}");
}

#[test]
fn a_second_loss_is_waited_for_as_long_as_the_first() {
    let mut world = crowded(1..=1, []);
    away_for(&mut world, "a", millis(100));
    world.run_for(secs(3));
    assert!(world.player(guild(1)).synced);
    world.refuse("a", true);
    world.drop_connections("a");
    let lost_at = world.now();
    world.run_for(secs(10));

    let stranded = world.events().iter();
    let mut stranded = stranded.filter(|(_, event)| matches!(event, Event::PlayersStranded { .. }));
    let at = stranded.next().map(|(at, _)| *at);
    assert_eq!(at, Some(lost_at + secs(5) + millis(1)));
}

/// The only node destroys a player of which the pool thinks that it is there.
fn lose_player(world: &mut World, number: u64) {
    let request = Request::Raw {
        method: Method::DELETE,
        path: format!("/v4/sessions/{{session}}/players/{number}"),
        body: None,
    };
    let node = Target::Node(world.id("a"));
    world.submit(Command::Rest { node, request });
    world.run_for(millis(100));
    assert_eq!(world.copies(guild(number)).len(), 0);
}

//! Updates of players: merged, in order, answered once, never sent twice where that would hurt.

use lavapool_core::player::{Source, Update};
use lavapool_core::{Answer, Command, RequestError};
use lavapool_tests::node::{AnswerKind, Failure};
use lavapool_tests::world::{Dialled, World, guild, track};
use serde_json::json;

use super::{crowded, millis, secs, unanswered};

const DONE: Option<&Result<Answer, RequestError>> = Some(&Ok(Answer::Done));

#[test]
fn a_play_before_voice_waits_for_it() {
    let mut world = World::builder().nodes(["a"]).connected();
    let play = world.play(guild(1), &track("song"));
    world.run_for(secs(10));
    assert_eq!((world.answer(play), world.guilds_on("a")), (None, vec![]));

    world.join(guild(1), "us-east");
    world.run_for(millis(100));

    assert_eq!(world.answer(play), DONE);
    assert!(world.only_copy(guild(1)).1.audible);
}

#[test]
fn a_play_before_voice_waits_for_it_though_its_player_was_lined_up_before() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|c| c.limits.control_sockets_max = 2)
        .connected();
    world.fill(1..=2);
    world.node("a").config().latency.player = secs(1);
    for number in 1..=3 {
        world.update(guild(number), Update::default().volume(50));
    }
    let play = world.play(guild(3), &track("song"));
    world.run_for(secs(5));
    assert_eq!(
        (world.answer(play), world.guilds_on("a")),
        (None, vec![1, 2])
    );

    world.join(guild(3), "us-east");
    world.run_for(secs(5));

    assert_eq!(world.answer(play), DONE);
    let copy = world.only_copy(guild(3)).1;
    assert_eq!((copy.audible, copy.volume), (true, 50));
}

#[test]
fn a_play_whose_voice_does_not_come_fails_after_15_s_and_is_taken_back() {
    let mut world = World::builder().nodes(["a"]).connected();
    let since = world.now();
    let play = world.play(guild(1), &track("song"));

    world.run_for(secs(20));

    assert_eq!(world.answer(play), Some(&Err(RequestError::VoiceTimeout)));
    assert_eq!(world.answered_at(play), Some(since + secs(15)));
    assert!(!world.player(guild(1)).playing);
    world.join(guild(1), "us-east");
    world.run_for(secs(1));
    assert_eq!(world.only_copy(guild(1)).1.track, None);
}

#[test]
fn a_play_without_voice_does_not_wait() {
    let mut world = World::builder().nodes(["a"]).connected();
    let play = world.update(guild(1), Update::play(track("song")).without_voice());

    world.run_for(millis(10));

    assert_eq!(world.answer(play), DONE);
    let (_, player) = world.only_copy(guild(1));
    assert_eq!((player.track.is_some(), player.audible), (true, false));
}

#[test]
fn many_changes_while_a_patch_is_on_its_way_become_one() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(200);
    let since = world.now();

    let first = world.update(guild(1), Update::default().volume(1));
    let middle: Vec<_> = (2..=50)
        .map(|volume| world.update(guild(1), Update::default().volume(volume)))
        .collect();
    let paused = world.update(guild(1), Update::default().paused(true));
    let last = world.update(guild(1), Update::default().volume(77));
    world.run_for(secs(1));

    let heard = world.heard_since("a", since).into_iter();
    let bodies: Vec<_> = heard.map(|heard| heard.body).collect();
    let expected = [json!({"volume": 1}), json!({"volume": 77, "paused": true})];
    assert_eq!(bodies, expected);
    assert_eq!([first, paused, last].map(|id| world.answer(id)), [DONE; 3]);
    for command in middle {
        assert_eq!(world.answer(command), Some(&Err(RequestError::Superseded)));
    }
}

#[test]
fn what_is_confirmed_already_is_answered_without_a_request() {
    let mut world = crowded(1..=1, []);
    let volume = world.update(guild(1), Update::default().volume(30));
    world.run_for(secs(1));
    assert_eq!(world.answer(volume), DONE);
    let since = world.now();

    let again = world.update(guild(1), Update::default().volume(30).paused(false));

    assert_eq!(
        (world.answer(again), world.answered_at(again)),
        (DONE, Some(since))
    );
    world.run_for(secs(1));
    assert_eq!(world.requests_since("a", since), Vec::<String>::new());
}

#[test]
fn a_stop_ends_the_pause_of_a_player_that_plays_nothing() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::stop());
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    assert!(world.only_copy(guild(1)).1.paused);
    world.update(guild(1), Update::stop());
    world.run_for(secs(1));
    assert!(!world.only_copy(guild(1)).1.paused);
    assert!(!world.player(guild(1)).paused);
}

#[test]
fn the_same_track_and_the_same_place_twice_are_sent_twice() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    for _ in 0..2 {
        world.update(guild(1), Update::default().position(secs(30)));
        world.run_for(secs(1));
        world.play(guild(1), &track("1"));
        world.run_for(secs(1));
    }

    let heard = world.heard_since("a", since).into_iter();
    let positions: Vec<_> = heard.map(|heard| heard.body["position"].clone()).collect();
    assert_eq!(positions, [30_000, 0, 30_000, 0]);
}

#[test]
fn updates_of_a_guild_take_effect_in_the_order_in_which_they_were_asked_for() {
    let mut world = crowded(1..=8, []);
    for volume in 1..=40 {
        for number in 1..=8 {
            world.update(guild(number), Update::default().volume(volume));
        }
        world.run_for(millis(u64::from(volume) % 3));
    }
    world.run_for(secs(1));

    for number in 1..=8 {
        assert_eq!(world.only_copy(guild(number)).1.volume, 40);
        let heard = world.heard_since("a", secs(0)).into_iter();
        let what = format!("PATCH players/{number}");
        let volumes: Vec<_> = heard
            .filter(|heard| heard.what == what)
            .filter_map(|heard| heard.body["volume"].as_u64())
            .collect();
        assert!(volumes.is_sorted(), "{volumes:?}");
    }
}

#[test]
fn a_keep_alive_socket_that_died_is_replaced_and_the_request_repeated_at_once() {
    let mut world = crowded(1..=1, []);
    // Only the idle REST sockets die, and with the request already on its way.
    world.node("a").config().latency.player = millis(100);
    let volume = world.update(guild(1), Update::default().volume(30));
    world.run_for(millis(50));
    world.end_rest("a");
    world.run_for(millis(200));

    assert_eq!(world.answer(volume), DONE);
    assert_eq!(world.only_copy(guild(1)).1.volume, 30);
}

/// Seed 0x395 of the simulator: what leads to nothing shows nowhere, and the look before it is the
/// first that its fresh socket carries.
#[test]
fn a_play_under_which_every_socket_ends_is_not_repeated_over_and_over() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    world.node("a").faults().lost.insert(AnswerKind::Voice);
    world.join(guild(1), "frankfurt");
    world.update(guild(1), Update::play(Source::identifier("nothing-here")));
    world.run_for(secs(10));

    let requests = world.requests_since("a", since);
    let plays = requests.iter().filter(|what| what.starts_with("PATCH"));
    let count = plays.count();
    assert!((2..=8).contains(&count), "{count}");
}

#[test]
fn a_play_whose_answer_was_lost_is_not_sent_again_if_it_had_arrived() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(100);
    let since = world.now();
    let play = world.play(guild(1), &track("new"));
    world.run_for(millis(50));

    // The request takes effect all the same, after its connection is gone.
    world.end_rest("a");
    world.run_for(secs(5));

    assert_eq!(world.answer(play), DONE);
    let requests = world.requests_since("a", since);
    let plays = requests.iter().filter(|what| what.starts_with("PATCH"));
    assert_eq!(
        (
            plays.count(),
            requests.contains(&"GET players/1".to_owned())
        ),
        (1, true)
    );
    let starts = world
        .events_since(since)
        .filter(|event| matches!(event, lavapool_core::Event::TrackStart { .. }));
    assert_eq!(starts.count(), 1);
}

#[test]
fn a_play_that_had_not_arrived_is_sent_again_after_a_look() {
    let mut world = crowded(1..=1, []);
    unanswered(&mut world, "a", AnswerKind::Player);
    let since = world.now();
    let play = world.play(guild(1), &track("new"));
    world.run_for(secs(1));
    world.node("a").faults().unanswered.clear();

    world.run_for(secs(25));

    assert_eq!(world.answer(play), DONE);
    let expected = ["PATCH players/1", "GET players/1", "PATCH players/1"];
    assert_eq!(world.requests_since("a", since), expected);
}

#[test]
fn a_node_that_says_when_to_come_back_is_left_alone_until_then() {
    let mut world = crowded(1..=1, []);
    world.node("a").faults().failures.push(Failure {
        method: Some("PATCH".to_owned()),
        times: Some(2),
        ..Failure::always(503)
    });
    world.node("a").faults().retry_after_s = Some(7);
    let since = world.now();

    let volume = world.update(guild(1), Update::default().volume(30));
    world.run_for(secs(20));

    assert_eq!(world.answer(volume), DONE);
    let heard = world.heard_since("a", since);
    let tries: Vec<_> = heard.iter().map(|heard| heard.status).collect();
    assert_eq!(tries, [Some(503), Some(503), Some(200)]);
    let pauses: Vec<_> = heard
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    // And two milliseconds for the word and the request.
    assert_eq!(pauses, [secs(7) + millis(2); 2]);
}

#[test]
fn an_identifier_is_played_and_its_details_are_learnt() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    let source = Source::identifier("https://tracks.test/song");
    let play = world.update(guild(1), Update::play(source));

    world.run_for(secs(1));

    assert_eq!(world.answer(play), DONE);
    let track = world
        .player(guild(1))
        .track
        .map(|track| track.info.title.clone());
    assert_eq!(track.as_deref(), Some("Track song"));
    // Its length among them, which no position passes.
    let position = world.player(guild(1)).position;
    assert_eq!(position.at(world.stamp() + secs(600)), secs(180));
}

#[test]
fn a_destroyed_player_is_gone_everywhere_and_its_commands_are_answered() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(100);
    world.update(guild(1), Update::default().volume(1));
    let waiting = world.update(guild(1), Update::default().volume(2));

    let destroyed = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));

    assert_eq!(world.answer(waiting), Some(&Err(RequestError::Destroyed)));
    assert_eq!(world.answer(destroyed), DONE);
    assert_eq!(
        (world.guilds_on("a"), world.pool().player(guild(1))),
        (vec![], None)
    );
}

#[test]
fn a_player_made_again_while_the_old_one_is_being_destroyed_lives() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(100);
    world.submit(Command::Destroy(guild(1)));
    world.join(guild(1), "us-east");
    let play = world.play(guild(1), &track("again"));

    world.run_for(secs(10));

    assert_eq!(world.answer(play), DONE);
    let playing = world.only_copy(guild(1)).1.track.unwrap();
    // Its plays have numbers of their own, so that no end of the old one is taken for its.
    let expected = json!({"lavapool": {"play": 2}});
    assert_eq!(
        (&*playing.title, &playing.user_data),
        ("Track again", &expected)
    );
}

#[test]
fn a_command_without_any_node_is_unconfirmed_at_its_deadline_and_kept() {
    let mut world = crowded(1..=1, []);
    world.kill("a");
    world.run_for(secs(1));
    let since = world.now();
    let volume = world.update(guild(1), Update::default().volume(30));

    world.run_for(secs(31));

    let unconfirmed = RequestError::Unconfirmed(lavapool_core::Unconfirmed::NoNode);
    assert_eq!(world.answer(volume), Some(&Err(unconfirmed)));
    assert_eq!(world.answered_at(volume), Some(since + secs(30)));
    world.restart("a");
    world.run_for(secs(31));
    assert_eq!(world.only_copy(guild(1)).1.volume, 30);
}

#[test]
fn a_left_channel_is_joined_again_with_what_plays() {
    let mut world = crowded(1..=1, []);
    world.voice_state(guild(1), None);
    world.run_for(secs(1));

    world.join(guild(1), "us-east");
    world.run_for(secs(1));

    let (_, player) = world.only_copy(guild(1));
    assert!(player.audible);
}

#[test]
fn an_update_does_not_wait_for_ever_for_a_connection_that_nobody_answers() {
    let mut world = crowded(1..=1, []);
    world.end_rest("a");
    world.next_dial("a", Dialled::Never);
    let volume = world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(25));
    assert_eq!(world.answer(volume), DONE);
    assert_eq!(world.only_copy(guild(1)).1.volume, 50);
}

#[test]
fn a_stop_whose_answer_was_lost_is_sent_again() {
    let mut world = crowded(1..=1, []);
    unanswered(&mut world, "a", AnswerKind::Player);
    let since = world.now();
    let stop = world.update(guild(1), Update::stop());
    world.run_for(secs(1));
    world.node("a").faults().unanswered.clear();

    world.run_for(secs(25));

    assert_eq!(world.answer(stop), DONE);
    assert_eq!(world.only_copy(guild(1)).1.track, None);
    let expected = ["PATCH players/1", "PATCH players/1"];
    assert_eq!(world.requests_since("a", since), expected);
}

#[test]
fn a_destroy_does_not_overtake_an_update_that_is_on_its_way() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.voice = secs(2);
    world.join(guild(1), "frankfurt");
    world.run_for(millis(100));
    let since = world.now();

    let destroyed = world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(5));

    assert_eq!(world.answer(destroyed), DONE);
    assert_eq!(world.guilds_on("a"), Vec::<u64>::new());
    let heard = world.heard_since("a", since);
    assert!(heard[0].at >= since + millis(1_900), "{heard:?}");
}

#[test]
fn a_seek_while_a_lost_play_is_looked_for_is_sent() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(100);
    world.play(guild(1), &track("new"));
    world.run_for(millis(50));
    world.end_rest("a");
    world.run_for(millis(20));

    let seek = world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(secs(5));

    assert_eq!(world.answer(seek), DONE);
    let (_, player) = world.only_copy(guild(1));
    assert!(player.position_ms > 60_000, "{player:?}");
}

#[test]
fn a_lookup_waits_as_long_as_its_node_asks_for() {
    let mut world = crowded(1..=1, []);
    world.node("a").faults().retry_after_s = Some(7);
    world.node("a").faults().fail_next(503, 1);
    let asked_at = world.now();
    let node = lavapool_core::Target::Node(world.id("a"));
    let request = lavapool_core::rest::Request::Version;
    let version = world.submit(Command::Rest { node, request });

    world.run_for(secs(20));

    let waited = world.answered_at(version).map(|at| at - asked_at);
    let waited = waited.expect("it is answered");
    assert!((secs(7)..secs(8)).contains(&waited), "{waited:?}");
}

#[test]
fn what_is_asked_again_waits_for_its_own_pause_and_no_other() {
    let mut world = crowded(1..=3, []);
    let faults = world.node("a").faults();
    faults.retry_after_s = Some(8);
    for (number, status) in [(1, 500), (2, 503), (3, 500)] {
        let path = Some(format!("players/{number}"));
        let times = Some(1);
        faults.failures.push(Failure {
            path,
            times,
            ..Failure::always(status)
        });
    }
    for number in 1..=3 {
        world.submit(Command::Destroy(guild(number)));
        world.run_for(millis(100));
    }
    world.run_for(secs(2));
    assert_eq!(world.guilds_on("a"), [2]);
    world.run_for(millis(5_500));
    assert_eq!(world.guilds_on("a"), [2]);
    world.run_for(secs(1));
    assert_eq!(world.guilds_on("a"), [0; 0]);
}

#[test]
fn an_answer_that_tells_of_the_track_before_says_nothing_of_the_next_one() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = secs(1);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(100));
    world.update(
        guild(1),
        Update::play(Source::identifier("https://tracks.test/next")),
    );
    world.run_for(secs(5));
    let track = world.player(guild(1)).track;
    assert_eq!(track.unwrap().info.title, "Track next");
}

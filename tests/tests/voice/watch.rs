//! Voice connections that die without a word.

use lavapool_core::player::Update;
use lavapool_core::{Event, VoiceTrouble};
use lavapool_tests::node::{AnswerKind, Voice};
use lavapool_tests::world::guild;

use super::{asked_since, is_connected, playing, secs, told_since};

#[test]
fn a_player_that_plays_without_a_connection_joins_again() {
    let mut world = playing();
    let since = world.now();
    world.node("a").lose_voice(1, since);
    world.run_for(secs(14));
    assert_eq!(asked_since(&world, since), []);
    world.run_for(secs(12));
    let told = told_since(&world, since);
    assert!(
        matches!(
            told[..],
            [Event::VoiceRejoining {
                trouble: VoiceTrouble::Silent,
                ..
            }]
        ),
        "{told:?}"
    );
    assert!(is_connected(&world));
    assert!(world.only_copy(guild(1)).1.audible);
    // It was not destroyed for that.
    assert!(
        !world
            .requests_since("a", since)
            .contains(&"DELETE players/1".to_owned())
    );
}

#[test]
fn reports_of_a_silence_do_not_prolong_it() {
    let mut world = playing();
    let since = world.now();
    world.node("a").lose_voice(1, since);
    // Five at most until the first report, and fifteen from there.
    world.run_for(secs(21));
    assert_eq!(asked_since(&world, since).len(), 1);
}

#[test]
fn whatever_is_asked_of_a_silent_player_does_not_prolong_its_silence() {
    let mut world = playing();
    let since = world.now();
    world.node("a").lose_voice(1, since);
    for volume in 30..50 {
        world.update(guild(1), Update::default().volume(volume));
        world.run_for(secs(1));
    }
    world.run_for(secs(1));
    assert_eq!(asked_since(&world, since).len(), 1);
}

#[test]
fn a_silence_after_a_pause_is_another_one() {
    let mut world = playing();
    let since = world.now();
    world.node("a").lose_voice(1, since);
    world.run_for(secs(6));
    for paused in [true, false] {
        world.update(guild(1), Update::default().paused(paused));
        world.run_for(secs(1));
    }

    world.run_for(secs(13));
    assert_eq!(asked_since(&world, since), []);
    world.run_for(secs(7));
    assert_eq!(asked_since(&world, since).len(), 1);
}

#[test]
fn a_player_that_is_paused_or_has_nothing_to_play_needs_no_connection() {
    for update in [Update::default().paused(true), Update::stop()] {
        let mut world = playing();
        world.update(guild(1), update);
        world.run_for(secs(1));
        let since = world.now();
        world.node("a").lose_voice(1, since);
        world.run_for(secs(120));
        assert_eq!(asked_since(&world, since), []);
        assert_eq!(told_since(&world, since), []);
    }
}

#[test]
fn a_connection_that_dies_again_and_again_is_given_up() {
    let mut world = playing();
    let since = world.now();
    // Less than the minute after which the node gives up the track, and is sent all anew.
    for _ in 0..10 {
        let now = world.now();
        world.node("a").lose_voice(1, now);
        world.run_for(secs(20));
    }
    let told = told_since(&world, since);
    assert_eq!(asked_since(&world, since).len(), 5);
    assert!(
        matches!(told.last(), Some(Event::VoiceLost { .. })),
        "{told:?}"
    );
}

#[test]
fn a_node_that_answers_nothing_any_more_is_not_taken_for_a_voice_server_that_does_not() {
    let mut world = playing();
    let faults = world.node("a").faults();
    faults.slow.insert(AnswerKind::Player, secs(1));
    faults.unanswered.insert(AnswerKind::Voice);
    let since = world.now();
    world.update(guild(1), Update::default().volume(50));
    // It goes out at the moment of that answer, which is the last.
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(18));
    assert_eq!(told_since(&world, since), []);
}

#[test]
fn a_voice_server_that_does_not_answer_the_node_is_replaced() {
    let mut world = playing();
    world.node("a").config().voice = Voice::Unreachable;
    let since = world.now();
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(5));
    // The node itself is well.
    world.update(guild(1), Update::default().volume(50));
    world.play(guild(2), &lavapool_tests::world::track("other"));
    world.join(guild(3), "us-east");
    world.run_for(secs(8));
    world.submit(lavapool_core::Command::Rest {
        node: lavapool_core::Target::Best,
        request: lavapool_core::rest::Request::Version,
    });
    world.run_for(secs(1));
    world.node("a").config().voice = Voice::Connects;
    world.run_for(secs(30));
    let told = told_since(&world, since);
    let is_unanswered = |event: &Event| {
        matches!(
            event,
            Event::VoiceRejoining {
                trouble: VoiceTrouble::Unanswered,
                guild: of,
                ..
            } if *of == guild(1)
        )
    };
    assert!(told.iter().any(is_unanswered), "{told:?}");
    assert!(is_connected(&world));
}

#[test]
fn a_silence_is_counted_from_when_it_began_whatever_was_asked_before() {
    for updates in 0..4 {
        let mut world = playing();
        for volume in 0..updates {
            world.update(guild(1), Update::default().volume(50 + volume));
            world.run_for(secs(1));
        }
        world.update(guild(1), Update::default().volume(30));
        world.run_for(secs(7));
        let since = world.now();
        world.node("a").lose_voice(1, since);
        world.run_for(secs(14));
        assert_eq!(asked_since(&world, since), [], "{updates}");
    }
}

//! What a refused play leaves of a player: everything that it did not ask for.

use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::{Filters, RawJson};
use lavapool_core::{Answer, CommandId, Event, RequestError};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::refused::{begin_unanswered, refuse_bad};
use super::{crowded, millis, secs, title, unanswered};

#[test]
fn what_a_node_may_play_is_stopped_when_neither_the_track_before_nor_the_next_is_taken() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    begin_unanswered(&mut world, "between");
    let before = "https://tracks.test/1".to_owned();
    world.node("a").faults().rejected_tracks.insert(before);
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(10));
    // The track before is refused once by then.
    world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(title(&world), None);
}

#[test]
fn a_refused_play_leaves_a_paused_player_paused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    world.play(guild(1), &track("bad"));
    world.run_for(secs(2));
    assert_eq!(title(&world), Some("Track 1".into()));
    assert!(world.player(guild(1)).paused);
    assert!(world.only_copy(guild(1)).1.paused);
}

#[test]
fn what_took_effect_with_a_play_that_found_nothing_is_set_back() {
    let mut world = crowded(1..=1, []);
    let found_nothing = Update::play(Source::identifier("nowhere:x"))
        .volume(50)
        .filters(Filters::new().with_volume(0.5))
        .paused(true);
    let play = world.update(guild(1), found_nothing);
    world.run_for(secs(2));
    assert!(is_refused(&world, play), "{:?}", world.answer(play));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!(
        (view.volume.get(), view.filters, view.paused),
        (100, None, false)
    );
    assert_eq!(
        (copy.volume, copy.filters, copy.paused),
        (100, json!({}), false)
    );
}

#[test]
fn what_took_effect_with_two_plays_that_found_nothing_is_set_back() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    world.update(guild(1), Update::play(Source::identifier("nowhere:1")));
    let second = Update::play(Source::identifier("nowhere:2")).volume(50);
    world.update(guild(1), second);
    world.run_for(secs(2));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!((view.paused, copy.paused), (true, true));
    assert_eq!((view.volume.get(), copy.volume), (100, 100));
}

#[test]
fn a_pause_that_was_asked_for_behind_a_refused_play_counts() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.play(guild(1), &track("bad"));
    let pause = world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(2));
    assert_eq!(world.answer(pause), Some(&Ok(Answer::Done)));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!((view.paused, copy.paused), (true, true));
}

#[test]
fn a_play_that_was_asked_for_behind_a_refused_one_is_not_paused_with_that() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    world.node("a").config().latency.player = millis(100);
    let found_nothing = Update::play(Source::identifier("nowhere:x")).paused(true);
    world.update(guild(1), found_nothing);
    world.run_for(millis(50));
    world.play(guild(1), &track("next"));
    world.run_for(secs(2));
    assert_eq!(title(&world), Some("Track next".into()));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!((view.paused, copy.paused), (false, false));
}

#[test]
fn a_place_an_end_and_user_data_of_a_refused_play_are_refused_with_it() {
    let data = RawJson::parse(r#"{"of":"bad"}"#).unwrap();
    for update in [
        Update::default().position(secs(60)),
        Update::default().end_time(secs(90)),
        Update::default().user_data(data),
    ] {
        let mut world = crowded(1..=1, []);
        refuse_bad(&mut world);
        world.play(guild(1), &track("bad"));
        let asked = world.update(guild(1), update);
        world.run_for(secs(2));
        assert!(is_refused(&world, asked), "{:?}", world.answer(asked));
        assert_eq!(title(&world), Some("Track 1".into()));
    }
}

#[test]
fn a_refused_play_is_not_blamed_on_the_voice_connection_that_went_with_it() {
    let mut world = World::builder().nodes(["a"]).connected();
    refuse_bad(&mut world);
    let play = world.play(guild(1), &track("bad"));
    world.run_for(secs(1));
    let since = world.now();
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    assert!(is_refused(&world, play), "{:?}", world.answer(play));
    let is_rejoin = |event: &&Event| matches!(event, Event::VoiceRejoining { .. });
    assert_eq!(world.events_since(since).find(is_rejoin), None);
    assert_eq!(world.payloads_since(since), []);
    assert!(world.player(guild(1)).connected);
}

#[test]
fn a_play_behind_one_that_was_refused_with_its_voice_connection_is_heard() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder.config(|config| config.rejoin = None).connected();
    refuse_bad(&mut world);
    world.play(guild(1), &track("bad"));
    world.run_for(secs(1));
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    let play = world.play(guild(1), &track("next"));
    world.run_for(secs(20));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert!(world.only_copy(guild(1)).1.audible);
}

fn is_refused(world: &World, command: CommandId) -> bool {
    matches!(
        world.answer(command),
        Some(Err(RequestError::Rejected { .. }))
    )
}

#[test]
fn what_is_asked_for_beside_a_play_without_voice_is_done_though_the_play_is_not() {
    // A play is not paused anyway.
    let resume = Update::default().paused(false);
    for (update, volume) in [(resume.clone(), 100), (resume.volume(40), 40)] {
        let mut world = World::builder().nodes(["a"]).connected();
        world.update(guild(1), Update::default().paused(true));
        world.run_for(secs(1));
        let play = world.play(guild(1), &track("song"));
        let asked = world.update(guild(1), update);
        world.run_for(secs(10));
        assert_eq!(world.answer(asked), None);

        world.run_for(secs(10));

        let timeout = RequestError::VoiceTimeout;
        assert_eq!(world.answer(play), Some(&Err(timeout)));
        assert_eq!(world.answer(asked), Some(&Ok(Answer::Done)));
        let copy = world.only_copy(guild(1)).1;
        assert_eq!((copy.paused, copy.volume), (false, volume));
    }
}

#[test]
fn what_is_asked_for_beside_a_play_that_is_refused_is_done_though_the_play_is_not() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    let play = world.update(guild(1), Update::play(Source::identifier("nowhere:x")));
    world.run_for(millis(1));
    let asked = world.update(guild(1), Update::default().paused(false).volume(40));
    world.run_for(secs(2));

    assert!(is_refused(&world, play), "{:?}", world.answer(play));
    assert_eq!(world.answer(asked), Some(&Ok(Answer::Done)));
    let copy = world.only_copy(guild(1)).1;
    assert_eq!((copy.paused, copy.volume), (false, 40));
}

#[test]
fn what_stands_already_is_done_during_a_move() {
    let mut world = crowded(1..=1, ["b"]);
    let b = world.node("b").faults();
    b.slow.insert(AnswerKind::Voice, secs(5));
    super::send_to(&mut world, "b");
    world.run_for(secs(1));

    let resume = world.update(guild(1), Update::default().paused(false).volume(100));

    assert_eq!(world.answer(resume), Some(&Ok(Answer::Done)));
}

#[test]
fn what_is_set_of_a_play_without_voice_is_answered_with_that_play_on_whatever_node() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world.play(guild(1), &track("song"));
    let marked = RawJson::parse(r#"{"by":"me"}"#).unwrap();
    let mark = world.update(guild(1), Update::default().user_data(marked));
    world.kill("a");
    world.run_for(secs(10));
    assert_eq!(world.answer(mark), None);

    world.run_for(secs(10));

    assert_eq!(world.answer(mark), Some(&Err(RequestError::VoiceTimeout)));
}

#[test]
fn what_is_set_of_a_play_is_confirmed_by_the_node_that_the_player_moves_to() {
    let mut world = crowded(1..=1, ["b"]);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.node("b").config().latency.voice = secs(3);
    let marked = RawJson::parse(r#"{"by":"me"}"#).unwrap();
    let mark = world.update(guild(1), Update::default().user_data(marked));
    world.kill("a");
    world.run_for(secs(2));
    assert_eq!(world.answer(mark), None);

    world.run_for(secs(3));

    assert_eq!(world.answer(mark), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn what_is_set_back_and_refused_too_is_not_set_back_for_ever() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(1));
    let since = world.now();
    world.node("a").faults().fail_matching("players/1", 500);
    world.update(guild(1), Update::default().volume(70));
    world.run_for(secs(60));
    let heard = world.heard_since("a", since);
    let volumes = heard.iter().map(|heard| heard.body["volume"].as_i64());
    let expected = [70, 70, 50, 50, 50, 50, 50, 50, 50, 50].map(Some);
    assert_eq!(volumes.collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_set_back_and_refused_too_is_set_back_when_the_refusal_may_have_passed() {
    for status in [405, 500] {
        let mut world = crowded(1..=1, []);
        world.node("a").config().latency.player = millis(10);
        let found_nothing = Update::play(Source::identifier("nowhere:x")).volume(50);
        world.update(guild(1), found_nothing);
        world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(1));
        world.node("a").faults().fail_matching("players/1", status);
        world.run_for(secs(3));
        world.node("a").faults().failures.clear();
        assert_eq!(world.only_copy(guild(1)).1.volume, 50);

        world.run_for(secs(10));

        assert_eq!(world.only_copy(guild(1)).1.volume, 100);
    }
}

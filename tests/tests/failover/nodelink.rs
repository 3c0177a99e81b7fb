//! Nodes that are NodeLink, and refuse a pause without a voice connection.

use lavapool_core::player::Update;
use lavapool_core::{Answer, Event};
use lavapool_tests::node::Voice;
use lavapool_tests::world::{Discord, HostConfig, World, guild, track};

use super::{secs, title};

#[test]
fn a_paused_player_keeps_its_track_where_no_node_reaches_the_voice_server() {
    let mut world = World::builder()
        .node("a", is_nodelink)
        .node("b", is_nodelink)
        .node("c", is_nodelink)
        .connected();
    world.fill(1..=1);
    assert_eq!(world.only_copy(guild(1)).0, "a");
    world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(5));

    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 0);
    assert_eq!(title(&world), Some("Track 1".into()));
    assert!(world.player(guild(1)).paused);

    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Connects;
    }
    world.set_discord(Discord::Answers);
    world.run_for(secs(60));

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

fn is_nodelink(host: &mut HostConfig) {
    host.server.is_nodelink = true;
}

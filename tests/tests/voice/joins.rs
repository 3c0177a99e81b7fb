//! Channels that are joined, and channels that cannot be.

use lavapool_core::player::Update;
use lavapool_core::protocol::{ChannelId, VoiceState};
use lavapool_core::{Answer, Command, Event, Fate, VoiceTrouble};
use lavapool_tests::node::{Failure, Voice};
use lavapool_tests::world::{CHANNELS, Discord, World, guild, track};

use super::{asked_since, is_connected, millis, playing, secs, told_since};

#[test]
fn a_full_channel_is_told_after_the_deadline_and_leaves_no_player() {
    let mut world = World::builder().nodes(["a"]).connected();
    let since = world.now();
    join(&mut world, 9);
    world.run_for(secs(14));
    assert_eq!(told_since(&world, since), []);
    world.run_for(secs(2));
    let timed_out = Event::VoiceJoinTimedOut {
        guild: guild(1),
        channel: ChannelId::new(9).unwrap(),
    };
    assert_eq!(told_since(&world, since), [timed_out]);
    assert_eq!(world.pool().players().count(), 0);
    assert_eq!(asked_since(&world, since), []);
}

#[test]
fn a_full_channel_costs_no_player_that_something_was_asked_of() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.update(guild(1), Update::default().volume(50));
    join(&mut world, 9);
    world.run_for(secs(20));
    assert_eq!(world.player(guild(1)).volume.get(), 50);
}

#[test]
fn a_join_that_is_answered_times_out_of_nothing() {
    let mut world = World::builder().nodes(["a"]).connected();
    let since = world.now();
    join(&mut world, CHANNELS + 1);
    world.join(guild(1), "us-east");
    world.run_for(secs(60));
    assert_eq!(told_since(&world, since), []);
    assert_eq!(world.pool().players().count(), 1);
}

#[test]
fn a_join_while_the_pool_has_the_bot_leave_loses_nothing() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.on_leave = Fate::Destroy)
        .connected();
    super::play(&mut world);
    let since = world.now();
    world.node("a").close_voice(1, 4006, "", since);
    world.run_for(millis(20));
    assert_eq!(asked_since(&world, since), [("leave", millis(1))]);
    // Discord has yet to say that the bot left.
    join(&mut world, CHANNELS + 1);
    world.run_for(secs(14));
    assert_eq!(world.pool().players().count(), 1);
    let left = |event: &Event| matches!(event, Event::VoiceLeft { .. });
    assert!(!told_since(&world, since).iter().any(left));
    world.run_for(secs(10));
    let timed_out = |event: &Event| matches!(event, Event::VoiceJoinTimedOut { .. });
    assert!(told_since(&world, since).iter().any(timed_out));
}

#[test]
fn a_bot_that_moves_to_a_full_channel_plays_on_in_the_old_one() {
    let mut world = playing();
    let since = world.now();
    join(&mut world, 9);
    world.run_for(secs(60));
    assert!(matches!(
        told_since(&world, since)[..],
        [Event::VoiceJoinTimedOut { .. }]
    ));
    assert!(is_connected(&world));
}

#[test]
fn the_bot_shows_itself_as_it_did_when_it_joined() {
    let mut world = World::builder().nodes(["a"]).connected();
    join(&mut world, CHANNELS + 1);
    super::play(&mut world);
    let since = world.now();
    world.node("a").close_voice(1, 1006, "", since);
    world.run_for(secs(1));
    let payloads = world.payloads_since(since);
    let [(_, payload)] = payloads[..] else {
        panic!("{payloads:?}")
    };
    assert_eq!((payload.self_mute, payload.self_deaf), (false, true));
}

#[test]
fn where_a_join_brings_nothing_the_next_try_leaves_first() {
    let mut world = playing();
    world.set_discord(Discord::Full);
    let since = world.now();
    world.node("a").close_voice(1, 1006, "", since);
    world.run_for(secs(25));
    let asked: Vec<_> = asked_since(&world, since)
        .into_iter()
        .map(|(what, _)| what)
        .collect();
    assert_eq!(asked, ["join", "leave", "join"]);
    world.set_discord(Discord::Answers);
    world.run_for(secs(60));
    assert!(is_connected(&world));
    assert!(world.player(guild(1)).playing);
}

#[test]
fn a_channel_that_stays_closed_is_given_up() {
    let mut world = playing();
    world.set_discord(Discord::Full);
    let since = world.now();
    world.node("a").close_voice(1, 1006, "", since);
    world.run_for(secs(600));
    let told = told_since(&world, since);
    let timeouts = told
        .iter()
        .filter(|event| matches!(event, Event::VoiceJoinTimedOut { .. }));
    assert_eq!(timeouts.count(), 5, "{told:?}");
    assert!(matches!(told.last(), Some(Event::VoiceLost { .. })));
    // It is kept, and another join lets it go on.
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    assert!(is_connected(&world));
}

#[test]
fn an_answer_that_brings_nothing_new_is_sent_to_the_node_again() {
    let mut world = playing();
    world.set_discord(Discord::AnswersHalf);
    let since = world.now();
    world.node("a").close_voice(1, 4015, "", since);
    world.run_for(secs(3));
    assert_eq!(asked_since(&world, since).len(), 1);
    assert!(is_connected(&world));
    assert_eq!(world.requests_since("a", since), ["PATCH players/1"]);
}

#[test]
fn what_discord_says_again_once_the_bot_has_joined_is_not_sent_to_the_node() {
    let mut world = playing();
    let since = world.now();
    world.node("a").close_voice(1, 1006, "", since);
    world.run_for(secs(5));
    assert!(is_connected(&world));
    let since = world.now();
    let channel = world.player(guild(1)).channel;
    world.voice_state(guild(1), channel);
    world.run_for(secs(5));
    assert_eq!(world.requests_since("a", since), [""; 0]);
}

#[test]
fn a_voice_state_that_the_node_refuses_is_renewed() {
    let mut world = playing();
    world.node("a").config().voice = Voice::Fails;
    let since = world.now();
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(1));
    world.node("a").config().voice = Voice::Connects;
    world.run_for(secs(10));
    let told = told_since(&world, since);
    assert!(
        matches!(
            told[..],
            [Event::VoiceRejoining {
                trouble: VoiceTrouble::Refused,
                ..
            }]
        ),
        "{told:?}"
    );
    assert!(is_connected(&world));
}

fn join(world: &mut World, channel: u64) {
    world.submit(Command::Join {
        guild: guild(1),
        channel: ChannelId::new(channel).unwrap(),
        self_mute: false,
        self_deaf: true,
    });
}

#[test]
fn a_voice_state_that_the_application_puts_together_itself_is_as_good() {
    let mut world = World::builder().nodes(["a"]).connected();
    let voice = VoiceState {
        token: "a token".into(),
        endpoint: "us-east1.discord.media:443".into(),
        session_id: "a session".into(),
        channel_id: ChannelId::new(7).unwrap(),
    };
    world.submit(Command::Voice {
        guild: guild(1),
        voice,
    });
    world.play(guild(1), &track("song"));
    world.run_for(secs(1));
    let copy = world.only_copy(guild(1)).1;
    assert_eq!(
        (copy.audible, copy.voice.unwrap().token),
        (true, "a token".into())
    );
    assert_eq!(world.player(guild(1)).channel, ChannelId::new(7));
}

#[test]
fn a_play_is_not_refused_for_the_voice_connection_that_went_with_it() {
    let mut world = World::builder()
        .node("a", |node| node.is_known = false)
        .connected();
    world.set_discord(Discord::Answers);
    world.join(guild(1), "us-east");
    let play = world.play(guild(1), &track("song"));
    world.add_node("a");
    world.node("a").config().voice = Voice::Fails;
    world.run_for(secs(2));
    world.node("a").config().voice = Voice::Connects;
    world.run_for(secs(20));

    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    let (_, copy) = world.only_copy(guild(1));
    assert_eq!(copy.track.unwrap().title, "Track song");
    assert!(copy.audible);
}

#[test]
fn a_voice_state_that_the_node_refuses_again_is_renewed_though_it_has_an_older_connection() {
    let mut world = playing();
    world.node("a").faults().failures.push(Failure {
        method: Some("PATCH".to_owned()),
        ..Failure::always(403)
    });
    let since = world.now();
    world.voice_server(guild(1), Some("us-east"));
    // The node tells of the connection that it has.
    world.run_for(secs(6));
    world.node("a").faults().failures.clear();
    world.run_for(secs(20));

    let heard = world.heard_since("a", since);
    let statuses: Vec<_> = heard.iter().map(|heard| heard.status).collect();
    assert_eq!(statuses, [Some(403), Some(403), Some(403), Some(200)]);
    assert!(is_connected(&world));
}

//! Moves between channels, and the end of being in one.

use lavapool_core::protocol::ChannelId;
use lavapool_core::{Answer, Command, Event, Fate, VoiceTrouble};
use lavapool_tests::world::{Discord, World, guild, track};

use super::{asked_since, is_connected, millis, play, playing, secs, told_since};

#[test]
fn a_move_to_another_channel_is_no_loss_in_whatever_order_its_parts_come() {
    // What Discord and the node say of a move: the state, the server, and the close.
    const ORDERS: [[usize; 3]; 6] = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for code in [1000, 4014, 4022] {
        for order in ORDERS {
            let mut world = playing();
            let since = world.now();
            for part in order {
                let now = world.now();
                match part {
                    0 => world.voice_state(guild(1), ChannelId::new(77)),
                    1 => world.voice_server(guild(1), Some("us-east")),
                    _ => world.node("a").close_voice(1, code, "", now),
                }
                world.run_for(millis(300));
            }
            world.run_for(secs(30));
            let context = (code, order);
            // At worst the last word of the old connection hit the new one, and is healed.
            assert!(is_connected(&world), "{context:?}");
            assert_eq!(world.player(guild(1)).channel, ChannelId::new(77));
            let told = told_since(&world, since);
            let is_healed = |event: &Event| {
                matches!(
                    event,
                    Event::VoiceRejoining {
                        trouble: VoiceTrouble::Silent,
                        ..
                    }
                )
            };
            assert!(told.iter().all(is_healed), "{context:?}: {told:?}");
        }
    }
}

#[test]
fn the_end_of_a_connection_on_a_node_that_the_player_leaves_is_of_no_interest() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    play(&mut world);
    let (from, to) = super::here_and_there(&world);
    world.node(to).config().latency.voice = secs(2);
    let since = world.now();
    let node = world.id(to);
    let moved = world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(secs(1));
    let now = world.now();
    world.node(from).close_voice(1, 4006, "", now);
    world.run_for(secs(60));
    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    assert_eq!(asked_since(&world, since), []);
    assert!(is_connected(&world));
}

#[test]
fn a_kick_parks_the_player_until_the_bot_joins_again() {
    let mut world = playing();
    let since = world.now();
    world.node("a").close_voice(1, 4014, "", since);
    world.voice_state(guild(1), None);
    world.run_for(secs(60));

    let left = Event::VoiceLeft {
        guild: guild(1),
        destroyed: false,
    };
    assert_eq!(told_since(&world, since), [left]);
    assert_eq!(asked_since(&world, since), []);
    assert_eq!(world.player(guild(1)).channel, None);
    world.join(guild(1), "us-east");
    world.run_for(secs(5));
    assert!(is_connected(&world));
    assert!(world.only_copy(guild(1)).1.audible);
}

#[test]
fn a_kick_destroys_the_player_if_the_configuration_says_so() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.on_leave = Fate::Destroy)
        .connected();
    play(&mut world);
    let since = world.now();
    world.voice_state(guild(1), None);
    world.run_for(secs(1));

    let left = Event::VoiceLeft {
        guild: guild(1),
        destroyed: true,
    };
    assert_eq!(told_since(&world, since), [left]);
    assert_eq!(world.copies(guild(1)), []);
    assert_eq!(world.pool().players().count(), 0);
}

#[test]
fn a_kick_is_one_though_the_pool_is_joining_again() {
    let mut world = playing();
    world.set_discord(Discord::Silent);
    let since = world.now();
    world.node("a").close_voice(1, 1006, "", since);
    world.run_for(secs(1));
    assert_eq!(asked_since(&world, since).len(), 1);
    world.voice_state(guild(1), None);
    world.run_for(secs(60));
    let told = told_since(&world, since);
    let is_left = |event: &Event| matches!(event, Event::VoiceLeft { .. });
    assert!(told.iter().any(is_left), "{told:?}");
    assert_eq!(asked_since(&world, since).len(), 1);
    assert_eq!(world.player(guild(1)).channel, None);
}

/// Seed 0x1816 of the simulator: the move is heard first, and the pool's own leave is done then.
#[test]
fn a_bot_that_is_moved_when_the_pool_has_it_leave_joins_again_where_it_was_moved_to() {
    let mut world = playing();
    let since = world.now();
    let other = ChannelId::new(2);
    world.node("a").close_voice(1, 4006, "", since);
    world.run_for(millis(20));
    world.voice_state(guild(1), other);
    world.voice_server(guild(1), Some("us-west"));
    world.run_for(secs(20));

    let asked = asked_since(&world, since).into_iter();
    let asked: Vec<_> = asked.map(|(what, _)| what).collect();
    assert_eq!(asked, ["leave", "join"]);
    assert_eq!(world.player(guild(1)).channel, other);
    assert!(is_connected(&world));
}

#[test]
fn a_player_that_nobody_asked_for_goes_when_the_bot_leaves() {
    let mut world = World::builder().nodes(["a"]).connected();
    for number in 1..=20 {
        world.join(guild(number), "us-east");
    }
    world.run_for(secs(1));
    assert_eq!(world.guilds_on("a").len(), 20);
    for number in 1..=20 {
        world.voice_state(guild(number), None);
    }
    world.run_for(secs(1));
    assert_eq!(world.pool().players().count(), 0);
    assert_eq!(world.guilds_on("a"), Vec::<u64>::new());
}

#[test]
fn half_a_voice_state_that_nobody_completes_is_forgotten() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(299));
    assert_eq!(world.pool().players().count(), 1);
    world.run_for(secs(2));
    assert_eq!(world.pool().players().count(), 0);
    assert_eq!(world.payloads_since(secs(0)), []);
}

#[test]
fn a_new_player_does_not_wait_for_ever_for_a_node_that_never_connects() {
    let mut world = World::builder()
        .nodes(["a"])
        .node("b", |node| node.is_known = false)
        .connected();
    world.refuse("b", true);
    world.add_node("b");
    world.join(guild(1), "us-east");
    // The guild is known only once something is asked of it.
    world.voice_state(guild(1), None);
    let node = Some(world.id("b"));
    let update = lavapool_core::player::Update::play(track("one")).without_voice();
    let played = world.submit(Command::Update {
        guild: guild(1),
        node,
        update,
    });
    world.run_for(secs(4));
    assert_eq!(world.answer(played), None);
    world.run_for(secs(2));
    assert_eq!(world.answer(played), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "a");
}

#[test]
fn a_new_player_gets_the_node_that_was_chosen_if_that_connects_in_time() {
    let mut world = with_a_node_that_is_away();
    let node = Some(world.id("b"));
    let update = lavapool_core::player::Update::play(track("one")).without_voice();
    let played = world.submit(Command::Update {
        guild: guild(1),
        node,
        update,
    });
    world.run_for(secs(1));
    world.refuse("b", false);
    world.run_for(secs(20));
    assert_eq!(world.answer(played), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_new_player_that_has_nothing_to_say_stays_on_the_node_that_was_chosen() {
    let mut world = with_a_node_that_is_away();
    let node = Some(world.id("b"));
    let update = lavapool_core::player::Update::default().volume(100);
    world.submit(Command::Update {
        guild: guild(1),
        node,
        update,
    });
    world.run_for(secs(1));
    world.refuse("b", false);
    world.run_for(secs(20));
    assert_eq!(world.player(guild(1)).node(), Some(&world.reference("b")));
}

/// A world with `a`, and with `b`, which cannot be dialled.
fn with_a_node_that_is_away() -> World {
    let mut world = World::builder()
        .nodes(["a"])
        .node("b", |node| node.is_known = false)
        .connected();
    world.refuse("b", true);
    world.add_node("b");
    world
}

//! Voice connections that close: the table of [`VoiceCloseCode`], row by row.

use lavapool_core::player::Update;
use lavapool_core::{Command, Event, VoiceCloseCode, VoiceTrouble};
use lavapool_tests::node::{AnswerKind, Disturbance, Voice};
use lavapool_tests::world::{Discord, World, guild};
use serde_json::json;

use super::{asked_since, is_connected, millis, playing, secs, told_since};

/// What the pool has the bot do.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Nothing, and says so after this many seconds.
    GivesUpAfter(u64),
    /// Joins again, after this many seconds.
    JoinsAfter(u64),
    /// Leaves and joins.
    Renews,
}

use Does::{GivesUpAfter, JoinsAfter, Renews};

/// The code, what comes of the first close, and how often the channel is joined in all if each
/// new connection is closed in the same way.
const TABLE: &[(u16, Does, usize)] = &[
    (1000, GivesUpAfter(5), 0),
    (1001, JoinsAfter(0), 5),
    (1006, JoinsAfter(0), 5),
    (4000, JoinsAfter(0), 5),
    (4001, JoinsAfter(0), 1),
    (4002, JoinsAfter(0), 1),
    (4003, JoinsAfter(0), 1),
    (4004, Renews, 1),
    (4005, JoinsAfter(0), 1),
    (4006, Renews, 5),
    (4009, Renews, 5),
    (4011, JoinsAfter(0), 5),
    (4012, JoinsAfter(0), 1),
    (4014, GivesUpAfter(5), 0),
    (4015, JoinsAfter(0), 5),
    (4016, JoinsAfter(0), 1),
    (4017, GivesUpAfter(0), 0),
    (4020, JoinsAfter(0), 1),
    (4021, JoinsAfter(60), 1),
    (4022, JoinsAfter(5), 1),
    (5001, JoinsAfter(0), 5),
    (4999, JoinsAfter(0), 5),
];

#[test]
fn each_close_code_is_answered_as_the_table_says() {
    for &(code, does, _) in TABLE {
        let mut world = playing();
        let since = close(&mut world, code);
        world.run_for(secs(120));

        let asked = asked_since(&world, since);
        let latency = millis(1);
        let (expected, ends_well) = match does {
            GivesUpAfter(_) => (vec![], false),
            JoinsAfter(after) => (vec![("join", secs(after) + latency)], true),
            Renews => (
                vec![("leave", latency), ("join", latency + millis(700))],
                true,
            ),
        };
        assert_eq!(asked, expected, "{code}");
        assert_eq!(is_connected(&world), ends_well, "{code}");
        let channel = world.player(guild(1)).channel.unwrap();
        let trouble = VoiceTrouble::Closed(VoiceCloseCode::from(i32::from(code)));
        let told = match does {
            GivesUpAfter(_) => Event::VoiceLost {
                guild: guild(1),
                trouble,
            },
            Renews | JoinsAfter(_) => Event::VoiceRejoining {
                guild: guild(1),
                channel,
                attempt: 1,
                delay: match does {
                    JoinsAfter(60) => secs(60),
                    GivesUpAfter(_) | JoinsAfter(_) | Renews => secs(0),
                },
                trouble,
            },
        };
        assert_eq!(told_since(&world, since), [told], "{code}");
        if let GivesUpAfter(after) = does {
            let lost = world.events().iter().rev();
            let mut lost = lost.filter(|(_, event)| matches!(event, Event::VoiceLost { .. }));
            assert_eq!(
                lost.next().unwrap().0 - since,
                secs(after) + latency,
                "{code}"
            );
        }
    }
}

#[test]
fn each_close_code_that_comes_again_and_again_ends_as_the_table_says() {
    for &(code, _, joins) in TABLE {
        let mut world = playing();
        // Late enough that the close is not taken for that of the connection before.
        world.node("a").config().voice = Voice::Closes {
            after: secs(6),
            code,
            reason: "",
        };
        let since = close(&mut world, code);
        world.run_for(secs(600));

        let asked = asked_since(&world, since);
        let joined = asked.iter().filter(|(what, _)| *what == "join").count();
        assert_eq!(joined, joins, "{code}: {asked:?}");
        let told = told_since(&world, since);
        let trouble = VoiceTrouble::Closed(VoiceCloseCode::from(i32::from(code)));
        let lost = Event::VoiceLost {
            guild: guild(1),
            trouble,
        };
        assert_eq!(told.last(), Some(&lost), "{code}: {told:?}");
        let losses = told.iter().filter(|event| **event == lost).count();
        assert_eq!(losses, 1, "{code}: {told:?}");
    }
}

#[test]
fn the_pauses_before_repeated_joins_grow() {
    let mut world = playing();
    world.node("a").config().voice = Voice::Closes {
        after: millis(100),
        code: 4015,
        reason: "",
    };
    let since = close(&mut world, 4015);
    world.run_for(secs(60));

    let asked = asked_since(&world, since);
    let at: Vec<_> = asked.iter().map(|(_, at)| at.as_secs()).collect();
    assert_eq!(at, [0, 2, 6, 14, 30], "{asked:?}");
}

#[test]
fn a_connection_that_held_for_a_minute_begins_a_new_row_of_tries() {
    let mut world = playing();
    for _ in 0..4 {
        let since = close(&mut world, 4004);
        world.run_for(secs(90));
        assert_eq!(asked_since(&world, since).len(), 2);
        assert!(is_connected(&world));
    }
}

#[test]
fn a_close_that_the_node_made_itself_is_of_no_interest() {
    let mut world = playing();
    let since = world.now();
    // Another token: the node closes the old connection with 1000.
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(60));
    assert_eq!(asked_since(&world, since), []);
    assert_eq!(told_since(&world, since), []);
    assert!(is_connected(&world));
}

#[test]
fn without_rejoining_the_pool_asks_for_nothing() {
    for &(code, ..) in TABLE {
        let builder = World::builder().nodes(["a"]);
        let mut world = builder.config(|config| config.rejoin = None).connected();
        super::play(&mut world);
        let since = close(&mut world, code);
        world.run_for(secs(120));
        assert_eq!(asked_since(&world, since), [], "{code}");
        assert_eq!(told_since(&world, since), [], "{code}");
    }
}

#[test]
fn one_rejoin_is_in_flight_however_often_the_connection_closes() {
    let mut world = playing();
    world.set_discord(Discord::Silent);
    let since = close(&mut world, 1006);
    for code in [1006, 4006, 4015, 4004] {
        world.run_for(secs(2));
        // Each time of a connection that the node has made by itself.
        let closed = json!({
            "op": "event",
            "type": "WebSocketClosedEvent",
            "guildId": "1",
            "code": code,
            "reason": "",
            "byRemote": true,
        });
        world.disturb("a", &Disturbance::Text(closed.to_string()));
    }
    world.run_for(secs(1));
    assert_eq!(asked_since(&world, since).len(), 1);
    assert_eq!(told_since(&world, since).len(), 1);
}

#[test]
fn the_end_of_a_connection_while_the_node_waits_to_be_told_of_the_next_is_of_no_interest() {
    for code in [1006, 4006] {
        let mut world = playing();
        let slow = AnswerKind::Player;
        world.node("a").faults().slow.insert(slow, secs(1));
        world.update(guild(1), Update::default().volume(50));
        world.voice_server(guild(1), Some("us-east"));
        world.run_for(millis(500));
        let since = close(&mut world, code);
        world.run_for(secs(60));
        assert_eq!(asked_since(&world, since), [], "{code}");
        assert_eq!(told_since(&world, since), [], "{code}");
        assert!(is_connected(&world), "{code}");
    }
}

#[test]
fn the_end_of_the_connection_of_a_node_that_is_left_is_of_no_interest() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    super::play(&mut world);
    let here = world.only_copy(guild(1)).0.to_owned();
    let there = if here == "a" { "b" } else { "a" };
    world.node(there).config().latency.voice = secs(1);
    let (guild, node) = (guild(1), world.id(there));
    world.submit(Command::Move { guild, node });
    world.run_for(millis(500));
    let since = world.now();
    world.node(&here).close_voice(1, 4006, "", since);
    world.run_for(secs(60));
    assert_eq!(asked_since(&world, since), []);
    assert!(is_connected(&world));
}

#[test]
fn a_voice_session_that_is_over_is_told_to_no_other_node() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    super::play(&mut world);
    let (here, there) = super::here_and_there(&world);
    world.set_discord(Discord::Silent);
    let since = world.now();
    world.node(here).close_voice(1, 4006, "", since);
    world.run_for(secs(1));
    world.kill(here);
    world.run_for(secs(5));

    let heard = world.heard_since(there, since);
    let told: Vec<_> = heard
        .iter()
        .filter(|heard| heard.body["voice"].is_object())
        .collect();
    assert!(
        heard.iter().any(|heard| heard.what == "PATCH players/1"),
        "{heard:?}"
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn the_music_goes_on_where_it_was_when_the_connection_is_back() {
    let mut world = playing();
    let before = world.position(guild(1));
    let since = close(&mut world, 4006);
    world.run_for(secs(20));
    let passed = world.position(guild(1)) - before;
    assert!(passed > secs(18) && passed <= secs(20), "{passed:?}");
    let (_, theirs) = world.only_copy(guild(1));
    let real = millis(u64::try_from(theirs.position_ms).unwrap());
    assert!(world.position(guild(1)).abs_diff(real) <= millis(5));
    assert!(theirs.audible);
    assert_eq!(world.requests_since("a", since), ["PATCH players/1"]);
}

/// Lets Discord close the connection of guild 1; returns when.
fn close(world: &mut World, code: u16) -> std::time::Duration {
    let now = world.now();
    world.node("a").close_voice(1, code, "", now);
    now
}

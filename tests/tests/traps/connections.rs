//! Making connections, and making them again.

use lavapool_core::node::{Loss, Status, Stopped};
use lavapool_core::{Answer, Command, Event, Leaving};
use lavapool_tests::node::Failure;
use lavapool_tests::world::{World, guild};

use super::{millis, playing, secs};

/// Clients gave up when the first connect failed, or tried again each moment and for each failure
/// once more (lavalink-client issues 102 and 161, Lavalink4NET issue 22).
#[test]
fn a_node_that_is_down_is_dialled_with_growing_pauses_until_it_is_up() {
    let mut world = World::builder().nodes(["a"]).build();
    world.kill("a");
    for _ in 0..2 {
        let since = world.now();
        world.run_for(secs(1_800));
        let dials = world.dials("a").iter().copied();
        let dials: Vec<_> = dials.filter(|at| *at >= since).collect();
        let pauses: Vec<_> = dials.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!((30..90).contains(&dials.len()), "{} dials", dials.len());
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert!(*pauses.last().unwrap() <= secs(31), "{pauses:?}");

        world.restart("a");
        world.run_until(World::is_connected, secs(61));
        world.run_for(secs(60));
        // What fails after a success is tried again just the same.
        world.kill("a");
        world.run_for(millis(10));
    }
}

/// A socket can be dead without a word. Dialling again before the server has noticed gets a new
/// session, while the old one still sends audio with the same voice token.
#[test]
fn a_half_open_connection_is_found_out_and_the_new_session_has_the_voice() {
    let mut world = playing(1..=1, []);
    let since = world.now();

    world.half_open("a");
    world.run_for(secs(45));

    let lost = world.events_since(since).find_map(|event| match event {
        Event::NodeDisconnected { loss, .. } => Some(loss.clone()),
        _ => None,
    });
    assert_eq!(lost, Some(Loss::Silent));
    let own = world.view("a").session_id.unwrap();
    let copies = world.copies(guild(1));
    let taken = copies
        .iter()
        .find(|(_, player)| player.session == own.expose())
        .map(|(_, player)| (player.voice.is_some(), player.audible));
    // The orphan is there still, and the player of the new session has voice of its own.
    assert_eq!((copies.len(), taken), (2, Some((true, true))));

    let now = world.now();
    world.node("a").end_frozen(now);
    world.run_for(secs(61));
    assert!(world.only_copy(guild(1)).1.audible);
    assert!(world.player(guild(1)).synced);
}

/// A client kept the error of its first try, and took the success of the second for a failure.
#[test]
fn a_connect_that_succeeds_after_a_failed_try_is_a_success() {
    let mut world = World::builder().nodes(["a"]).build();
    world.refuse("a", true);
    let a = world.id("a");
    let waiting = world.submit(Command::AwaitNode(a));
    world.run_for(secs(1));
    world.refuse("a", false);

    world.run_for(secs(5));

    assert_eq!(
        world.answer(waiting),
        Some(&Ok(Answer::Node(world.reference("a"))))
    );
    let view = world.view("a");
    assert_eq!(
        (view.status, view.loss, view.stopped),
        (Status::Connected, None, None)
    );
}

/// Clients were silent about an upgrade that was refused: nothing was thrown and no event said so.
#[test]
fn an_upgrade_that_is_refused_is_told_with_its_status() {
    let mut told = Vec::new();
    for status in [401, 502] {
        let mut world = World::builder().nodes(["a"]).build();
        world.node("a").faults().failures = vec![Failure::always(status)];
        world.run_for(secs(1));
        told.extend(world.events().iter().filter_map(|(_, event)| match event {
            Event::NodeStopped { cause, .. } => Some(Err(cause.clone())),
            Event::NodeReconnecting { loss, .. } => Some(Ok(loss.clone())),
            _ => None,
        }));
    }
    let location = None;
    let bad_gateway = Loss::UpgradeRefused {
        status: 502,
        location,
    };
    // No other try makes a password right; a gateway may find its server again.
    assert_eq!(told, [Err(Stopped::Unauthorized), Ok(bad_gateway)]);
}

/// A close code that a client did not know ended the node, and all music on it.
#[test]
fn a_close_code_that_nobody_knows_costs_a_reconnect_and_no_music() {
    let mut world = playing(1..=3, ["b"]);
    let since = world.now();

    let now = world.now();
    world.node("a").close_websockets(4321, "whatever", now);
    world.run_for(secs(5));

    let losses = world.events_since(since).filter_map(|event| match event {
        Event::NodeDisconnected { loss, .. } => Some(loss.to_string()),
        _ => None,
    });
    assert_eq!(
        losses.collect::<Vec<_>>(),
        ["closed with code 4321: whatever"]
    );
    assert!(world.is_connected());
    assert_eq!(world.guilds_on("a"), [1, 2, 3]);
    assert!((1..=3).all(|number| world.only_copy(guild(number)).1.audible));
}

/// A node that was destroyed while it waited to be dialled again came back.
#[test]
fn a_removed_node_is_not_dialled_by_what_was_scheduled_before() {
    let mut world = playing(1..=1, ["b"]);
    world.kill("a");
    world.run_for(secs(3));
    let node = world.id("a");
    let players = Leaving::Keep;
    world.submit(Command::RemoveNode { node, players });
    world.run_for(millis(10));
    let dials = world.dials("a").len();

    world.restart("a");
    world.run_for(secs(600));

    assert_eq!(world.dials("a").len(), dials);
    assert_eq!(world.server("a").connections(), []);
}

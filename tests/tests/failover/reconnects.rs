//! A node is dialled again, or is not.

use std::collections::BTreeSet;

use std::time::Duration;

use lavapool_core::node::{Loss, ReconnectPolicy, Status, Stopped};
use lavapool_core::{Answer, Closed, Command, Event, Leaving, RequestError};
use lavapool_tests::node::{AnswerKind, Failure, RequestRecord};
use lavapool_tests::world::{World, guild};

use super::{crowded, millis, moves_since, remove, secs};

#[test]
fn a_wrong_password_ends_in_a_typed_error_and_no_further_dial() {
    let mut world = World::builder()
        .node("a", |node| node.password = "wrong".to_owned())
        .build();
    let a = world.id("a");
    let waiting = world.submit(Command::AwaitNode(a));

    world.run_for(secs(3_600));

    assert_eq!(world.dials("a"), [secs(0)]);
    let refused = Err(RequestError::Refused {
        node: "a".into(),
        cause: Stopped::Unauthorized,
    });
    assert_eq!(world.answer(waiting), Some(&refused));
    let view = world.view("a");
    assert_eq!(
        (view.status, view.stopped),
        (Status::Disconnected, Some(Stopped::Unauthorized))
    );
    let stopped = Event::NodeStopped {
        node: world.reference("a"),
        cause: Stopped::Unauthorized,
    };
    let told = [
        (
            secs(0),
            status(&world, Status::Disconnected, Status::Connecting),
        ),
        (millis(4), stopped),
        (
            millis(4),
            status(&world, Status::Connecting, Status::Disconnected),
        ),
    ];
    assert_eq!(world.events(), told);
}

#[test]
fn a_reconnect_dials_a_node_again_that_was_refused() {
    let mut world = World::builder()
        .node("a", |node| node.server.password = "right".to_owned())
        .build();
    world.run_for(secs(60));
    world.node("a").config().password = "youshallnotpass".to_owned();

    let id = world.id("a");
    let reconnected = world.submit(Command::Reconnect(id));
    world.run_for(secs(1));

    let ready = Ok(Answer::Node(world.reference("a")));
    assert_eq!(world.answer(reconnected), Some(&ready));
}

#[test]
fn the_delays_of_seventeen_tries_follow_the_schedule_exactly() {
    let mut world = crowded(1..=1, []);
    world.kill("a");
    let lost_at = world.now() + millis(1);

    world.run_for(secs(600));

    // A refusal takes two milliseconds, there and back; the first dial is that at the start.
    let dials: Vec<_> = world
        .dials("a")
        .iter()
        .filter(|at| **at >= lost_at)
        .collect();
    let delays: Vec<_> = dials
        .windows(2)
        .map(|pair| *pair[1] - *pair[0] - millis(2))
        .collect();
    assert_eq!(*dials[0], lost_at);
    let scheduled = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 30].map(secs);
    assert_eq!(delays[..16], scheduled);
    let told: Vec<_> = world
        .events_since(lost_at)
        .filter_map(|event| match event {
            Event::NodeReconnecting { attempt, delay, .. } => Some((*attempt, *delay)),
            _ => None,
        })
        .take(17)
        .collect();
    let expected: Vec<_> = (0..).zip([secs(0)].into_iter().chain(scheduled)).collect();
    assert_eq!(told, expected);
}

#[test]
fn chance_shortens_each_delay_by_its_share_at_most() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.reconnect.jitter_percent = 50)
        .connected();
    world.kill("a");
    let since = world.now();

    world.run_for(secs(600));

    let reconnect = ReconnectPolicy::default();
    let told = world.events_since(since).filter_map(|event| match event {
        Event::NodeReconnecting { attempt, delay, .. } if *attempt > 0 => {
            Some(delay.div_duration_f64(reconnect.delay(*attempt)))
        }
        _ => None,
    });
    let shares: Vec<_> = told.collect();
    assert!(shares.len() > 16, "{shares:?}");
    assert!(
        shares.iter().all(|share| (0.5..=1.0).contains(share)),
        "{shares:?}"
    );
    let has = |wanted: fn(f64) -> bool| shares.iter().any(|share| wanted(*share));
    assert!(
        has(|share| share < 0.6) && has(|share| share > 0.9),
        "{shares:?}"
    );
}

#[test]
fn the_whole_share_is_for_chance_to_take() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.reconnect.jitter_percent = 1)
        .connected();
    world.kill("a");
    let since = world.now();
    world.run_for(secs(600));
    let told = world.events_since(since).filter_map(|event| match event {
        Event::NodeReconnecting { attempt, delay, .. } if *attempt > 0 => {
            let full = ReconnectPolicy::default().delay(*attempt);
            Some(delay.as_millis() * 100 / full.as_millis())
        }
        _ => None,
    });
    assert_eq!(BTreeSet::from_iter(told), BTreeSet::from([99, 100]));
}

#[test]
fn the_counter_resets_only_after_ten_stable_seconds() {
    let mut world = crowded(1..=1, []);
    let attempts_of = |world: &World, since| {
        let told = world.events_since(since).filter_map(|event| match event {
            Event::NodeReconnecting { attempt, .. } => Some(*attempt),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };

    let flapping_since = world.now();
    for _ in 0..3 {
        world.drop_connections("a");
        world.run_for(millis(10));
        world.run_until(World::is_connected, secs(60));
        world.run_for(secs(9));
    }
    assert_eq!(attempts_of(&world, flapping_since), [0, 1, 2]);

    world.run_for(secs(2));
    let stable_since = world.now();
    world.drop_connections("a");
    world.run_for(secs(1));
    assert_eq!(attempts_of(&world, stable_since), [0]);
}

#[test]
fn a_ready_that_never_comes_is_a_failed_try() {
    let mut world = World::builder().nodes(["a"]).build();
    world.node("a").faults().never_ready = true;

    world.run_for(secs(11));

    // Two for the connection to be made, and ten from then on.
    let reconnecting = Event::NodeReconnecting {
        node: world.reference("a"),
        attempt: 1,
        delay: secs(2),
        loss: Loss::NeverReady,
    };
    // To whoever looks on it is still its first connection.
    let dialled = status(&world, Status::Disconnected, Status::Connecting);
    let told = [(secs(0), dialled), (millis(10_002), reconnecting)];
    assert_eq!(world.events(), told);

    world.node("a").faults().never_ready = false;
    world.run_for(secs(3));
    assert!(world.is_connected());
    assert_eq!(world.server("a").connections().len(), 3);
}

#[test]
fn a_dial_that_nobody_answers_is_a_failed_try() {
    let mut world = World::builder().nodes(["a"]).build();
    world.cut_off("a");

    world.run_for(secs(11));

    let reconnecting = Event::NodeReconnecting {
        node: world.reference("a"),
        attempt: 1,
        delay: secs(2),
        loss: Loss::ConnectTimedOut,
    };
    let dialled = status(&world, Status::Disconnected, Status::Connecting);
    let told = [(secs(0), dialled), (secs(10), reconnecting)];
    assert_eq!(world.events(), told);
}

#[test]
fn an_upgrade_refused_with_404_or_503_is_tried_again() {
    for status in [404, 503] {
        let mut world = World::builder().nodes(["a"]).build();
        world.node("a").faults().failures.push(Failure {
            times: Some(2),
            ..Failure::always(status)
        });

        world.run_for(secs(20));

        let location = None;
        let refused = Loss::UpgradeRefused { status, location };
        let told: Vec<_> = world
            .events()
            .iter()
            .filter_map(|(_, event)| match event {
                Event::NodeReconnecting { attempt, loss, .. } => Some((*attempt, loss.clone())),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(1, refused.clone()), (2, refused)]);
        assert!(world.is_connected());
    }
}

#[test]
fn what_no_other_try_would_change_is_terminal() {
    let table = [
        (400, Stopped::BadRequest),
        (401, Stopped::Unauthorized),
        (403, Stopped::Forbidden),
    ];
    for (status, cause) in table {
        assert_eq!(terminal_by(status), Some(cause), "{status}");
    }
    let Some(Stopped::Incompatible { .. }) = terminal_by(200) else {
        panic!("200 to an upgrade is no Lavalink")
    };
}

#[test]
fn another_version_of_the_api_is_terminal() {
    let mut world = World::builder().nodes(["a"]).build();
    world.node("a").faults().api_version = Some(3);

    world.run_for(secs(600));

    let version = Some(3);
    assert_eq!(
        world.view("a").stopped,
        Some(Stopped::Incompatible { version })
    );
    assert_eq!(world.dials("a"), [Duration::ZERO]);
    assert_eq!(world.server("a").connections(), []);
}

#[test]
fn a_pool_gives_up_after_as_many_tries_as_it_was_allowed() {
    let mut world = World::builder()
        .nodes(["a"])
        .config(|config| config.reconnect.retries = Some(3))
        .build();
    world.kill("a");
    let a = world.id("a");
    let waiting = world.submit(Command::AwaitNode(a));

    world.run_for(secs(120));

    let gave_up = Stopped::GaveUp {
        attempts: 4,
        last: Box::new(Loss::Socket(Closed::Refused)),
    };
    assert_eq!(world.view("a").stopped, Some(gave_up.clone()));
    assert_eq!(world.dials("a").len(), 4);
    let refused = Err(RequestError::Refused {
        node: "a".into(),
        cause: gave_up,
    });
    assert_eq!(world.answer(waiting), Some(&refused));
}

#[test]
fn a_removed_node_never_dials_again() {
    for is_dead in [false, true] {
        let mut world = crowded(1..=5, ["b"]);
        if is_dead {
            world.kill("a");
            world.run_for(secs(5));
        }
        let node = world.id("a");
        let removed = remove(&mut world, "a");
        world.run_for(secs(10));
        assert_eq!(world.answer(removed), Some(&Ok(Answer::Done)));
        let dials = world.dials("a").len();

        world.kill("a");
        world.restart("a");
        world.run_for(secs(3_600));

        assert_eq!(world.dials("a").len(), dials, "{is_dead}");
        assert_eq!(world.server("a").connections(), []);
        assert_eq!(world.guilds_on("b"), [1, 2, 3, 4, 5]);
        assert_eq!(world.pool().node(node), None);
    }
}

#[test]
fn a_removed_node_has_no_socket_left() {
    let mut world = crowded(1..=5, ["b"]);
    assert!(world.server("a").connections().len() > 1);
    remove(&mut world, "a");

    world.run_for(secs(1));

    assert_eq!(world.server("a").connections(), []);
    world.submit(Command::Close(Leaving::Keep));
    world.run_for(secs(1));
    assert!(world.pool().is_finished());
}

#[test]
fn a_removed_node_that_has_lost_its_session_has_no_socket_left() {
    let mut world = crowded(1..=5, ["b"]);
    remove(&mut world, "a");
    world.node("a").faults().sessions_unknown = true;

    world.run_for(secs(5));

    assert_eq!(world.server("a").connections(), []);
}

#[test]
fn a_removed_node_can_destroy_its_players() {
    let mut world = crowded(1..=5, ["b"]);
    let node = world.id("a");
    let players = Leaving::Destroy;
    let removed = world.submit(Command::RemoveNode { node, players });

    world.run_for(secs(5));

    assert_eq!(world.answer(removed), Some(&Ok(Answer::Done)));
    assert_eq!(
        (world.guilds_on("a"), world.guilds_on("b")),
        (vec![], vec![])
    );
    assert_eq!(world.pool().players().count(), 0);
}

#[test]
fn a_removed_node_is_left_by_its_rest_sockets_as_well() {
    let mut world = crowded(1..=5, ["b"]);
    let removed = remove(&mut world, "a");

    world.run_until(|world| world.answer(removed).is_some(), secs(5));
    world.run_for(secs(1));

    assert_eq!(world.server("a").connections(), []);
}

#[test]
fn a_departure_that_crosses_the_request_to_keep_the_session_ends_the_session_all_the_same() {
    let removal: fn(&World) -> Command = |world| Command::RemoveNode {
        node: world.id("a"),
        players: Leaving::Destroy,
    };
    for leave in [|_: &World| Command::Close(Leaving::Destroy), removal] {
        let mut world = World::builder().nodes(["a"]).build();
        let is_kept = |world: &World| {
            let sessions = world.server("a").sessions();
            sessions.iter().any(|session| session.resuming)
        };
        world.run_until(is_kept, secs(5));
        assert!(!world.view("a").resumable, "the answer is on its way");

        let left = world.submit(leave(&world));
        world.run_for(secs(5));

        assert_eq!(world.answer(left), Some(&Ok(Answer::Done)));
        assert_eq!(world.server("a").sessions(), []);
    }
}

#[test]
fn a_session_is_not_told_to_end_before_it_has_answered_whether_it_is_kept() {
    for delay in (0..10).map(millis) {
        let mut world = World::builder().nodes(["a"]).build();
        world
            .node("a")
            .faults()
            .slow
            .insert(AnswerKind::Other, delay);
        let is_patch = |request: &RequestRecord| request.method == "PATCH";
        let is_asked = |world: &World| world.server("a").log().requests.iter().any(is_patch);
        world.run_until(is_asked, secs(5));
        // Anything later would take effect before this one.
        world.node("a").faults().slow.clear();

        let closed = world.submit(Command::Close(Leaving::Destroy));
        world.run_for(secs(5));

        assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
        assert_eq!(world.server("a").sessions(), [], "{delay:?}");
    }
}

#[test]
fn a_session_404_of_a_detached_session_does_not_throw_it_away() {
    let mut world = crowded(1..=3, ["b"]);
    let lost_at = world.now();
    let session = world.server("a").sessions()[0].id.clone();

    // The WebSocket of the session is gone on the server's side alone, and REST says so.
    world.node("a").faults().sessions_unknown = true;
    world.update(
        guild(1),
        lavapool_core::player::Update::default().volume(30),
    );
    world.run_for(millis(3));
    world.node("a").faults().sessions_unknown = false;
    world.run_for(secs(3));

    assert_eq!(world.view("a").session_id, Some(session.as_str().into()));
    let handshake = world.server("a").log().handshakes.last().unwrap();
    assert_eq!(
        (handshake.header("Session-Id"), handshake.resumed),
        (Some(&*session), true)
    );
    assert_eq!(moves_since(&world, lost_at), []);
    assert_eq!(world.guilds_on("a"), [1, 2, 3]);
    assert_eq!(world.only_copy(guild(1)).1.volume, 30);
}

#[test]
fn a_session_that_stays_unknown_after_a_resume_makes_no_loop_without_delay() {
    let mut world = crowded(1..=3, []);
    let since = world.now();
    world.node("a").faults().sessions_unknown = true;
    world.update(
        guild(1),
        lavapool_core::player::Update::default().volume(30),
    );

    world.run_for(secs(60));

    let handshakes = world.server("a").log().handshakes.iter();
    let tries = handshakes.filter(|handshake| handshake.at >= since).count();
    // At once, then after 2, 4, 6 … s.
    assert!((6..=9).contains(&tries), "{tries} tries");
    world.node("a").faults().sessions_unknown = false;
    world.run_for(secs(40));
    assert_eq!(world.only_copy(guild(1)).1.volume, 30);
}

/// Why a node is not dialled again whose upgrade is answered with a status.
fn terminal_by(status: u16) -> Option<Stopped> {
    let mut world = World::builder().nodes(["a"]).build();
    let faults = world.node("a").faults();
    faults.failures.push(Failure::always(status));
    world.run_for(secs(600));
    assert_eq!(world.dials("a"), [Duration::ZERO]);
    world.view("a").stopped
}

/// The event of a change of the status of `a`.
fn status(world: &World, old: Status, new: Status) -> Event {
    let node = world.reference("a");
    Event::NodeStatus { node, old, new }
}

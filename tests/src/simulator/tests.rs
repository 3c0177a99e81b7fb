//! What a run shows of a pool that is broken, made by hand: each is found.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::{Command, Event};

use super::application::Asked;
use super::intent::{Found, Intent, Loudness};
use super::{Order, OrderKind, Plan, Simulation};
use crate::invariant::{Invariant, finds};
use crate::node::RequestRecord;
use crate::world::{Traced, Weather, guild};

#[test]
fn a_quiet_run_breaks_nothing() {
    let mut simulation = playing();
    simulation.look();
    assert_eq!(simulation.broken, None);
    assert_eq!(simulation.unsettled(), None);
}

#[test]
fn a_command_that_is_refused_for_no_reason_is_found() {
    let mut simulation = playing();
    let update = Update::default().end_time(Some(Duration::ZERO));
    let command = Command::Update {
        guild: guild(1),
        node: None,
        update,
    };
    simulation.submit_about(command, Asked::default());
    finds(Invariant::OrderTaken, simulation.broken.as_ref());
}

#[test]
fn a_client_that_does_not_come_to_its_end_is_found() {
    let mut simulation = playing();
    simulation.application.closing = Some((Duration::from_secs(1), Vec::new()));
    simulation.follow_closing();
    finds(Invariant::CloseEnds, simulation.broken.as_ref());
}

#[test]
fn load_that_is_not_told_is_found() {
    let mut simulation = playing();
    let now = simulation.world.now();
    simulation.oracle.told.hear(0, now, true);
    let later = now + Duration::from_nanos(1);
    simulation.judge_told(
        later,
        &Traced::Event(Event::VoiceFailed { guild: guild(1) }),
    );
    finds(Invariant::LoadTold, simulation.broken.as_ref());
}

#[test]
fn a_player_that_begins_anew_after_a_move_is_found() {
    let mut simulation = playing();
    let (to, patch) = begins_anew(&mut simulation);
    simulation.judge_patch(to, &patch);
    finds(Invariant::LittleRepeated, simulation.broken.as_ref());
}

#[test]
fn a_player_that_begins_before_the_place_that_was_told_of_it_is_found() {
    let mut simulation = playing();
    let (to, patch) = begins_anew(&mut simulation);
    simulation.judge_begun(to, &patch);
    finds(Invariant::PlaceWanted, simulation.broken.as_ref());
}

#[test]
fn a_track_that_is_stopped_though_it_is_wanted_is_found() {
    let mut simulation = playing();
    stop(&mut simulation);
    finds(Invariant::TrackWanted, simulation.broken.as_ref());
}

#[test]
fn what_another_process_finds_must_stay_as_it_was() {
    let mut simulation = playing();
    simulation.restart_client(true);
    simulation.run_to(simulation.world.now() + Duration::from_secs(10));
    assert_eq!(simulation.tally.found_judged, 1);
    assert_eq!(simulation.unsettled(), None);
    let intents = &mut simulation.application.intents;
    let intent = intents.get_mut(&guild(1)).expect("it is wanted");
    assert!(!intent.track.allows(&None));
    assert!(!intent.may_be_gone);
}

#[test]
fn what_one_process_has_made_anew_is_what_the_next_one_finds() {
    let found = |volume| Found {
        track: None,
        paused: false,
        volume: Loudness(volume),
        end_time: None,
        filters: None,
        user_data: None,
    };
    let mut intent = Intent::default();
    intent.volume.became(Loudness(60));
    intent.outlive(&[found(60)]);
    let allowed = |intent: &Intent| [60, 100].map(|volume| intent.volume.allows(&Loudness(volume)));
    assert_eq!(allowed(&intent), [true, true]);
    intent.outlive(&[found(100)]);
    assert_eq!(allowed(&intent), [false, true]);
}

/// The application stops what plays, and the oracle does not know.
fn stop(simulation: &mut Simulation) {
    let command = Command::Update {
        guild: guild(1),
        node: None,
        update: Update::stop(),
    };
    let stopped = simulation.world.try_submit(command);
    assert!(stopped.is_ok(), "{stopped:?}");
    simulation.run_to(simulation.world.now() + Duration::from_secs(1));
}

/// The player of the first guild begins anew on the other server.
fn begins_anew(simulation: &mut Simulation) -> (usize, RequestRecord) {
    let player = simulation.world.player(guild(1));
    let node = player.node().map(|node| node.name.clone());
    let from = usize::from(node.as_deref() == Some("b"));
    let mut patch = simulation
        .world
        .server(&simulation.names[from])
        .log()
        .requests
        .iter()
        .find(|request| request.method == "PATCH" && request.target.contains("/players/1"))
        .expect("it was played there")
        .clone();
    let identifier = &player.track.expect("it plays").info.identifier;
    let track = serde_json::json!({ "identifier": identifier });
    let body = serde_json::json!({ "track": track, "position": 0 });
    patch.at = simulation.world.now();
    patch.body = body.to_string().into_bytes();
    patch.target = "/v4/sessions/another/players/1".to_owned();
    let to = 1 - from;
    simulation.oracle.judge_sparing(to, "1", "PATCH", patch.at);
    (to, patch)
}

#[test]
fn a_player_that_is_not_there_is_found() {
    let mut simulation = playing();
    let intents = &mut simulation.application.intents;
    intents.insert(guild(2), Intent::default());
    finds(Invariant::PlayersKept, simulation.unsettled().as_ref());
}

#[test]
fn a_track_that_is_not_the_latest_is_found() {
    let mut simulation = playing();
    let intents = &mut simulation.application.intents;
    let intent = intents.get_mut(&guild(1)).expect("it is wanted");
    intent.track.became(Some("another".to_owned()));
    finds(Invariant::TrackWanted, simulation.unsettled().as_ref());
}

/// Two servers that are well, and a track that has been playing on one of them for half a minute.
fn playing() -> Simulation {
    let mut plan = Plan::draw(1);
    plan.faults.clear();
    let play = Order {
        kind: OrderKind::Play,
        guild: 1,
        host: 0,
        number: 7,
    };
    plan.orders = vec![(Duration::from_secs(15), play)];
    let options = &mut plan.options;
    (options.hosts, options.guilds) = (2, 2);
    options.healed = vec![true; 2];
    options.weather = Weather::default();
    (options.limits, options.cached_max, options.cuts) = (None, None, None);
    options.latency = Duration::from_millis(1);
    options.safety_for = Duration::from_secs(45);
    let mut simulation = Simulation::new(plan, false, false);
    simulation.be_unsafe();
    assert_eq!(simulation.broken, None);
    simulation
}

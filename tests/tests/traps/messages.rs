//! What nodes say, in every spelling.

use lavapool_core::node::Status;
use lavapool_core::protocol::{ErrorBody, LoadResult, LoadType, TrackEndReason};
use lavapool_core::{Event, RequestError};
use lavapool_tests::node::Disturbance;
use lavapool_tests::world::guild;
use serde_json::json;

use super::requests::{load, loaded};
use super::{ends_since, event, message, playing, secs};

/// Nothing is told as `null`, as an empty object or as nothing at all, and servers have kinds of
/// results of their own (NodeLink).
#[test]
fn a_load_of_nothing_and_a_load_of_an_unknown_kind_are_read() {
    for data in [r#","data":null"#, r#","data":{}"#, r#","data":[]"#, ""] {
        let text = format!(r#"{{"loadType":"empty"{data}}}"#);
        assert_eq!(LoadResult::decode(&text), Ok(LoadResult::Empty), "{text}");
    }
    let text = r#"{"data":{"uri":7,"tracks":"none"},"loadType":"hologram"}"#;
    let Ok(LoadResult::Unknown { load_type, data }) = LoadResult::decode(text) else {
        panic!("{:?}", LoadResult::decode(text));
    };
    assert_eq!(
        (&*load_type, data.get()),
        ("hologram", r#"{"uri":7,"tracks":"none"}"#)
    );
    assert_ne!(LoadType::from("hologram"), LoadType::Empty);

    let mut world = playing(1..=1, []);
    assert_eq!(loaded(&mut world, "ytsearch:nothing"), LoadResult::Empty);
}

/// Frame statistics are `null`, absent or an object, other keys may be missing, numbers may be
/// text, and a stream is as long as a long can be, or -1 (Lavalink: `stats`; NodeLink).
#[test]
fn stats_and_lengths_are_read_however_they_are_written() {
    let mut world = playing(1..=1, []);
    let stats = [
        json!({"op": "stats", "playingPlayers": 1}),
        json!({"op": "stats", "frameStats": null, "playingPlayers": "1", "cpu": null}),
        json!({
            "op": "stats",
            "frameStats": {"sent": "3000", "deficit": null},
            "playingPlayers": 1,
            "memory": {"used": 9_000_000_000_u64},
            "cpu": {"cores": "2", "systemLoad": "0.5"},
        }),
    ];
    for text in stats {
        let since = world.now();
        world.disturb("a", &message(&text));
        world.run_for(secs(1));
        let told = world.events_since(since).any(
            |event| matches!(event, Event::NodeStats { stats, .. } if stats.playing_players == 1),
        );
        assert!(told, "{text}");
    }
    let stats = world.view("a").stats.unwrap();
    assert_eq!(
        (stats.cpu.cores, stats.frame_stats.unwrap().sent),
        (2, 3000)
    );
    assert_eq!(stats.memory.used, 9_000_000_000);

    for length in [i64::MAX, -1] {
        let text = json!({"loadType": "track", "data": {
            "encoded": "QAAA", "info": {"identifier": "x", "isStream": true, "length": length},
        }});
        let Ok(LoadResult::Track(track)) = LoadResult::decode(&text.to_string()) else {
            panic!("{text}")
        };
        assert_eq!(track.info.length, length);
        world.play(guild(1), &track);
        assert!(world.position(guild(1)) <= secs(1));
    }
}

/// Every list of words in the protocol has grown: operations, types of events, reasons,
/// severities, close codes.
#[test]
fn words_and_codes_that_nobody_knows_are_handed_on_and_break_nothing() {
    let mut world = playing(1..=2, []);
    let since = world.now();
    let odd = [
        Disturbance::UnknownOp,
        Disturbance::UnknownEvent(1),
        event(
            &world,
            1,
            "TrackExceptionEvent",
            &json!({"exception": {"message": "x", "severity": "apocalyptic", "cause": "y"}}),
        ),
        message(&json!({
            "op": "event", "type": "WebSocketClosedEvent", "guildId": "2", "code": 4999,
            "reason": "New", "byRemote": true,
        })),
        event(&world, 1, "TrackEndEvent", &json!({"reason": "boredom"})),
    ];
    for odd in &odd {
        world.disturb("a", odd);
        world.run_for(secs(1));
    }

    assert_eq!(world.view("a").status, Status::Connected);
    let told = world.events_since(since).filter_map(|event| match event {
        Event::Unknown { kind, .. } => Some(kind.to_string()),
        Event::TrackException { exception, .. } => Some(exception.severity.to_string()),
        Event::VoiceClosed { code, .. } => Some(code.to_string()),
        Event::Undecodable { error, .. } => Some(error.to_string()),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let [op, kind, severity, code] = &told[..] else {
        panic!("{told:?}")
    };
    assert!(!op.is_empty() && !kind.is_empty() && op != kind);
    assert_eq!((&**severity, &**code), ("apocalyptic", "4999"));
    let boredom = TrackEndReason::Unknown("boredom".into());
    assert_eq!(ends_since(&world, since), [(guild(1), boredom)]);
    assert!(world.only_copy(guild(2)).1.track.is_some());
}

/// The body of an error is empty for 401 and 403, a page of HTML from a proxy, or without `error`.
#[test]
fn an_error_without_a_readable_body_is_told_by_its_status() {
    for body in [
        "",
        "<html>502 Bad Gateway</html>",
        "[]",
        "\"no\"",
        "{\"error\":",
    ] {
        assert!(ErrorBody::decode(body.as_bytes()).is_empty(), "{body}");
    }
    let bare = ErrorBody::decode(br#"{"status":400,"message":"No."}"#);
    assert_eq!((bare.status, bare.error), (400, None));

    let mut world = playing(1..=1, []);
    world.node("a").config().password = "another".to_owned();
    let lookup = world.submit(load("https://tracks.test/song"));
    world.run_for(secs(1));
    let Some(Err(RequestError::Rejected {
        status: 403,
        message: None,
    })) = world.answer(lookup)
    else {
        panic!("{:?}", world.answer(lookup))
    };
}

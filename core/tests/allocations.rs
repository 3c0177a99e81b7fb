//! What arrives several times a second is read without allocating.

use allocation_counter::measure;
use lavapool_core::protocol::{EventKind, Message};

const PLAYER_UPDATE: &str = r#"{"op":"playerUpdate","state":{"time":1795224390499,
    "position":5000,"connected":true,"ping":3},"guildId":"817327181659111454"}"#;
const STATS: &str = r#"{"op":"stats","frameStats":{"sent":2990,"nulled":10,"deficit":0},
    "players":1,"playingPlayers":1,"uptime":623575,"memory":{"free":20428536,"used":46680328,
    "allocated":67108864,"reservable":268435456},"cpu":{"cores":2,
    "systemLoad":0.12656597588104437,"lavalinkLoad":0.02905832503646762}}"#;
const TRACK_START: &str = r#"{"op":"event","type":"TrackStartEvent","guildId":"817327181659111454",
    "track":{"encoded":"QAAA","info":{"title":"Test Tone"},"pluginInfo":{},"userData":{"n":1}}}"#;

#[test]
fn a_player_update_allocates_nothing_wherever_its_op_stands() {
    let reordered = PLAYER_UPDATE.replacen(r#""op":"playerUpdate","#, "", 1);
    let reordered = reordered.replacen(r#"454"}"#, r#"454","op":"playerUpdate"}"#, 1);
    for text in [PLAYER_UPDATE, &reordered] {
        let mut is_update = false;
        let count = measure(|| {
            is_update = matches!(Message::decode(text), Ok(Message::PlayerUpdate(_)));
        });
        assert_eq!((is_update, count.count_total), (true, 0), "{text}");
    }
}

#[test]
fn stats_allocate_nothing() {
    let mut is_stats = false;
    let count = measure(|| is_stats = matches!(Message::decode(STATS), Ok(Message::Stats(_))));
    assert_eq!((is_stats, count.count_total), (true, 0));
}

#[test]
fn the_start_of_a_track_allocates_nothing() {
    let mut is_start = false;
    let count = measure(|| {
        let message = Message::decode(TRACK_START);
        is_start = matches!(message, Ok(Message::Event(event))
            if matches!(event.kind, EventKind::TrackStart { .. }));
    });
    assert_eq!((is_start, count.count_total), (true, 0));
}

#[test]
fn the_counter_counts() {
    let count = measure(|| drop(vec![1]));
    assert_eq!(count.count_total, 1);
}

//! What arrives several times a second is read without allocating.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::sync::Arc;

use allocation_counter::measure;
use lavapool_core::node::NodeConfig;
use lavapool_core::player::{Source, Update};
use lavapool_core::pool::{Needs, Strategy};
use lavapool_core::protocol::{EventKind, Message, Track, TrackInfo, UserId};
use lavapool_core::region::RegionMap;
use lavapool_core::{Command, Input, Output, Pool, PoolConfig, Seed, SocketId, Timestamp};
use tungstenite::handshake::derive_accept_key;

const PLAYER_UPDATE: &str = r#"{"op":"playerUpdate","state":{"time":1795224390499,
    "position":5000,"connected":true,"ping":3},"guildId":"817327181659111454"}"#;
const STATS: &str = r#"{"op":"stats","frameStats":{"sent":2990,"nulled":10,"deficit":0},
    "players":1,"playingPlayers":1,"uptime":623575,"memory":{"free":20428536,"used":46680328,
    "allocated":67108864,"reservable":268435456},"cpu":{"cores":2,
    "systemLoad":0.12656597588104437,"lavalinkLoad":0.02905832503646762}}"#;
const TRACK_START: &str = r#"{"op":"event","type":"TrackStartEvent","guildId":"817327181659111454",
    "track":{"encoded":"QAAA","info":{"title":"Test Tone"},"pluginInfo":{},"userData":{"n":1}}}"#;

/// Whether serde_json itself allocates for each number: its feature `arbitrary_precision` does
/// that, wherever in the build it was turned on. What is left to count then is not ours.
fn numbers_allocate() -> bool {
    let count = measure(|| drop(serde_json::from_str::<serde_json::Number>("1")));
    count.count_total > 0
}

#[test]
fn a_player_update_allocates_nothing_wherever_its_op_stands() {
    if numbers_allocate() {
        return println!("not counted: serde_json was built with arbitrary_precision");
    }
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
    if numbers_allocate() {
        return println!("not counted: serde_json was built with arbitrary_precision");
    }
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

/// From the socket's bytes to the player's state, the event in its queue and the changed view.
#[test]
fn player_updates_and_stats_go_through_the_whole_pool_without_allocating() {
    if numbers_allocate() {
        return println!("not counted: serde_json was built with arbitrary_precision");
    }
    for text in [PLAYER_UPDATE, STATS] {
        let (mut pool, socket) = playing_pool();
        let frame = frame(text);
        let mut receive = |millis| receive(&mut pool, socket, &frame, millis);
        assert!(receive(1), "it is handed out: {text}");
        let mut is_told = true;
        let count = measure(|| is_told = (2..100).all(&mut receive));
        assert_eq!((is_told, count.count_total), (true, 0), "{text}");
    }
}

#[test]
fn a_choice_of_a_node_allocates_nothing() {
    let (pool, _) = ready_pool();
    let region = RegionMap::default().region("frankfurt1.discord.media");
    let mut needs = Needs::default();
    needs.region = region.as_ref();
    needs.source = Some("youtube");
    let strategy = Strategy::default();
    let mut node = None;
    let count = measure(|| node = pool.best_node_by(&strategy, &needs).node);
    assert!(node.is_some() && count.count_total == 0, "{count:?}");
}

/// The track that the event is about is the player's own, and shared with it.
#[test]
fn the_start_and_the_end_of_a_players_track_allocate_next_to_nothing() {
    let (mut pool, socket) = playing_pool();
    let start = TRACK_START.replace(r#"{"n":1}"#, r#"{"lavapool":{"play":1}}"#);
    let end = start.replace("TrackStartEvent", "TrackEndEvent");
    let end = end.replace(r#""track":"#, r#""reason":"finished","track":"#);
    for (millis, text) in [(1, start), (2, end)] {
        let frame = frame(&text);
        let mut is_told = false;
        let count = measure(|| is_told = receive(&mut pool, socket, &frame, millis));
        assert!(is_told && count.count_total <= 4, "{count:?}: {text}");
    }
}

/// As when somebody skips, or stops: the end comes before the answer to the request.
#[test]
fn the_end_of_the_track_before_allocates_next_to_nothing() {
    let next = Track::new("QAAB", TrackInfo::default());
    let skip = Update::play(Source::Track(Arc::new(next))).without_voice();
    for (update, reason) in [(skip, "replaced"), (Update::stop(), "stopped")] {
        let (mut pool, socket) = playing_pool();
        let end = TRACK_START.replace(r#"{"n":1}"#, r#"{"lavapool":{"play":1}}"#);
        let end = end.replace("TrackStartEvent", "TrackEndEvent");
        let end = end.replace(r#""track":"#, &format!(r#""reason":"{reason}","track":"#));
        let guild = "817327181659111454".parse().unwrap();
        let node = None;
        let update = Command::Update {
            guild,
            node,
            update,
        };
        pool.submit(update, Timestamp::from_millis(1)).unwrap();
        let frame = frame(&end);
        let mut is_told = false;
        let count = measure(|| is_told = receive(&mut pool, socket, &frame, 2));
        assert!(is_told && count.count_total <= 4, "{count:?}: {reason}");
    }
}

/// Whether an event and a changed view came of it.
fn receive(pool: &mut Pool, socket: SocketId, frame: &[u8], millis: u64) -> bool {
    pool.handle(
        Input::Received(socket, frame),
        Timestamp::from_millis(millis),
    );
    let is_told = pool.poll_event().is_some() && pool.poll_changed().is_some();
    while pool.poll_event().is_some() || pool.poll_changed().is_some() {}
    is_told
}

fn frame(text: &str) -> Vec<u8> {
    let text = text.replace("\n    ", "");
    let length = u16::try_from(text.len()).unwrap();
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A pool whose node has the player of the guild that the messages are about, with its track.
fn playing_pool() -> (Pool, SocketId) {
    let (mut pool, socket) = ready_pool();
    let guild = "817327181659111454".parse().expect("an id");
    let mut track = Track::new("QAAA", TrackInfo::default());
    track.info.title = "Test Tone".to_owned();
    let update = Update::play(Source::Track(Arc::new(track))).without_voice();
    let command = Command::Update {
        guild,
        node: None,
        update,
    };
    pool.submit(command, Timestamp::ZERO).expect("not refused");
    confirm(&mut pool);
    while pool.poll_event().is_some() || pool.poll_changed().is_some() {}
    (pool, socket)
}

/// Answers the PATCH of the player.
fn confirm(pool: &mut Pool) {
    let now = Timestamp::ZERO;
    let mut is_asked = false;
    while let Some(output) = pool.poll_output() {
        match output {
            Output::Connect(socket, _) => pool.handle(Input::Connected(socket), now),
            Output::Write(socket) => {
                let request = pool.outgoing(socket);
                let (count, is_patch) = (request.len(), request.starts_with(b"PATCH"));
                is_asked |= is_patch;
                pool.handle(Input::Wrote(socket, count), now);
                if is_patch {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                    pool.handle(Input::Received(socket, answer), now);
                }
            }
            _ => {}
        }
    }
    assert!(is_asked, "the player is sent");
}

fn ready_pool() -> (Pool, SocketId) {
    let mut config = PoolConfig::new(UserId::new(1).unwrap());
    let node = NodeConfig::new("main", "localhost", "secret").unwrap();
    config.nodes.push(node);
    let now = Timestamp::ZERO;
    let mut pool = Pool::new(config, Seed::from(1), now).unwrap();
    let Some(Output::Connect(socket, _)) = pool.poll_output() else {
        panic!("the node is dialled");
    };
    pool.handle(Input::Connected(socket), now);
    let request = String::from_utf8(pool.outgoing(socket).to_vec()).unwrap();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let ready = r#"{"op":"ready","resumed":false,"sessionId":"abcdefgh"}"#;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let length = u8::try_from(ready.len()).unwrap();
    let bytes = [answer.as_bytes(), &[0x81, length], ready.as_bytes()].concat();
    pool.handle(Input::Received(socket, &bytes), now);
    (pool, socket)
}

#[test]
fn the_counter_counts() {
    let count = measure(|| drop(std::hint::black_box(vec![1])));
    assert_eq!(count.count_total, 1);
}

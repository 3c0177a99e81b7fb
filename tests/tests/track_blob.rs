//! `TrackBlob` against the blobs of recorded servers, and against the test node's own codec.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lavapool_core::protocol::{BlobError, BlobTail, BlobVersion, Track, TrackBlob};
use lavapool_core::rest::Answer;
use lavapool_tests::node::blob::TrackBlob as NodeBlob;
use lavapool_tests::recording::{Line, Message, Outcome, Recording, Reply};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng as _};

#[test]
fn every_recorded_blob_says_what_the_server_said_beside_it() {
    let mut blobs = BTreeSet::new();
    for path in recordings() {
        let is_lavalink = path.to_str().unwrap().contains("lavalink-4.2.2");
        let outcome = Recording::open(&path).unwrap().replay([]);
        for track in tracks(&outcome) {
            let encoded = &*track.encoded;
            let blob = TrackBlob::decode(encoded).unwrap();
            let mut info = blob.info();
            if !is_lavalink {
                // Not in a blob, and NodeLink has a mind of its own.
                info.is_seekable = track.info.is_seekable;
            }
            assert_eq!(info, track.info, "{encoded}");
            assert_eq!(blob.encode().as_deref(), Ok(encoded));
            assert_eq!(blob.version, BlobVersion::V3);
            if is_lavalink {
                let read = Track::from_encoded(encoded).unwrap();
                assert_eq!(read.info, track.info);
                assert_eq!(blob.tail == BlobTail::None, blob.source_name == "fake");
            }
            blobs.insert(encoded.to_owned());
        }
    }
    // Whatever the server's bytes hold as text, and no chunk of HTTP divides, is among them.
    let whole = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
    let said: BTreeSet<String> = recordings()
        .iter()
        .flat_map(|path| said(path, "s2c"))
        .collect();
    let missed: Vec<_> = said.difference(&blobs).filter(|text| whole(text)).collect();
    assert_eq!(missed, Vec::<&String>::new());
    assert_eq!(blobs.len(), BLOBS);
}

#[test]
fn what_recorded_clients_sent_is_read_where_the_server_took_it() {
    let sent: BTreeSet<String> = recordings()
        .iter()
        .flat_map(|path| said(path, "c2s"))
        .collect();
    let (read, refused): (Vec<_>, Vec<_>) = sent
        .iter()
        .map(|text| (&**text, TrackBlob::decode(text)))
        .partition(|(_, blob)| blob.is_ok());
    let refused: BTreeMap<_, _> = refused
        .into_iter()
        .map(|(text, blob)| (text, blob.unwrap_err()))
        .collect();
    let cut = |field, needed, found| BlobError::CutShort {
        field,
        needed,
        found,
    };
    let expected = [
        ("!!", BlobError::NotBase64 { at: 0 }),
        ("AAAA", cut("header", 4, 3)),
        (
            "QAAAgwMADVVua25vd24gdGl0bGUADlVua25vd24g",
            cut("body", 131, 26),
        ),
    ];
    assert_eq!(refused, BTreeMap::from(expected));
    for (text, blob) in &read {
        assert_eq!(blob.as_ref().unwrap().encode().as_deref(), Ok(*text));
    }
    assert_eq!(read.len(), SENT);
}

#[test]
fn the_test_node_reads_what_is_written_and_writes_what_is_read() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..20_000 {
        let theirs = random(&mut rng);
        let encoded = theirs.encode();
        let ours = TrackBlob::decode(&encoded).unwrap();
        assert_eq!(as_node(&ours), theirs, "{encoded}");
        assert_eq!(ours.encode().as_deref(), Ok(&*encoded));
        let moved = ours.with_position(rng.next_u64().cast_signed());
        let again = NodeBlob::decode(&moved.encode().unwrap()).unwrap();
        assert_eq!(as_node(&moved), again, "{encoded}");
    }
}

#[test]
fn the_test_node_takes_no_less_and_reads_the_same_of_damaged_bytes() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut counts = [0; 2];
    for _ in 0..20_000 {
        let mut bytes = STANDARD.decode(random(&mut rng).encode()).unwrap();
        for _ in 0..=rng.next_u32() % 3 {
            let at = usize::try_from(rng.next_u32()).unwrap() % bytes.len();
            bytes[at] = rng.next_u32().to_le_bytes()[0];
        }
        let encoded = STANDARD.encode(&bytes);
        let ours = TrackBlob::decode(&encoded);
        match (&ours, NodeBlob::decode(&encoded)) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(as_node(ours), theirs, "{encoded}");
                counts[0] += 1;
            }
            (Err(_), Err(_)) => counts[1] += 1,
            // Plain UTF-8 of four bytes, which NodeLink writes and Java refuses.
            (Ok(_), Err(error)) => assert!(bytes.iter().any(|byte| *byte >= 0xf0), "{error:?}"),
            (Err(error), Ok(_)) => panic!("{error} where the node reads {encoded}"),
        }
    }
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}

#[test]
fn a_tail_that_leaves_no_room_is_refused_before_it_is_copied() {
    // Zeroed pages of a fresh allocation: never touched, so they cost nothing.
    let longest = TrackBlob::BODY_BYTES_MAX - EMPTY_BODY_BYTES;
    let blob = TrackBlob::default().with_tail(BlobTail::Other(vec![0; longest + 1]));
    let error = BlobError::BodyTooLong {
        bytes: TrackBlob::BODY_BYTES_MAX + 1,
    };
    assert_eq!(blob.encode(), Err(error));
    let message = "the body of 1073741824 bytes exceeds 1073741823";
    assert_eq!(error.to_string(), message);
    let empty = STANDARD.decode(TrackBlob::default().encode().unwrap());
    assert_eq!(empty.unwrap().len(), 4 + EMPTY_BODY_BYTES);
}

/// Every file of every server.
fn recordings() -> Vec<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/recordings"));
    let servers = ["lavalink-4.2.2", "nodelink-2.3"].map(|server| root.join(server));
    let files = servers
        .iter()
        .flat_map(|server| fs::read_dir(server).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|name| name == "jsonl"))
        .collect()
}

/// The tracks in all that the server said.
fn tracks(outcome: &Outcome) -> Vec<&Track> {
    let mut found = Vec::new();
    for line in outcome.lines() {
        match line {
            Line::Message(message) => match &**message {
                Message::TrackStart { track, .. }
                | Message::TrackEnd { track, .. }
                | Message::TrackException { track, .. }
                | Message::TrackStuck { track, .. } => found.push(track),
                _ => {}
            },
            Line::Response(response) => match &response.reply {
                Reply::Answer(Answer::Loaded(result)) => found.extend(result.tracks()),
                Reply::Answer(Answer::Track(track)) => found.push(track),
                Reply::Answer(Answer::Tracks(tracks)) => found.extend(tracks),
                Reply::Answer(Answer::Players(players)) => {
                    found.extend(players.iter().filter_map(|player| player.track.as_ref()));
                }
                Reply::Answer(Answer::Player(player)) => found.extend(&player.track),
                _ => {}
            },
            _ => {}
        }
    }
    found
}

/// What stands behind `"encoded":` and `encodedTrack=` in the bytes of one direction.
fn said(path: &PathBuf, direction: &str) -> BTreeSet<String> {
    let mut bytes = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["dir"] == direction
            && let Some(text) = line["b64"].as_str()
        {
            bytes.extend(STANDARD.decode(text).unwrap());
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let quoted = text.split("\"encoded\"").skip(1).filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        rest.strip_prefix('"')?.split('"').next()
    });
    let asked = text.split("encodedTrack=").skip(1);
    let asked = asked.filter_map(|rest| rest.split([' ', '&']).next());
    let plain = |text: &str| {
        let text = text.replace("%21", "!").replace("%2B", "+");
        text.replace("%2F", "/").replace("%3D", "=")
    };
    quoted.chain(asked).map(plain).collect()
}

fn as_node(blob: &TrackBlob) -> NodeBlob {
    let mut text = TrackBlob::default();
    text.tail = blob.tail.clone();
    text.source_name = blob.source_name.clone();
    let bytes = STANDARD.decode(text.encode().unwrap()).unwrap();
    let begin = 4 + EMPTY_BODY_BYTES - POSITION_BYTES + java_bytes(&blob.source_name);
    NodeBlob {
        title: blob.title.clone(),
        author: blob.author.clone(),
        length_ms: blob.length,
        identifier: blob.identifier.clone(),
        is_stream: blob.is_stream,
        uri: blob.uri.clone(),
        artwork_url: blob.artwork_url.clone(),
        isrc: blob.isrc.clone(),
        source: blob.source_name.clone(),
        tail: bytes[begin..bytes.len() - POSITION_BYTES].to_vec(),
        position_ms: blob.position,
    }
}

/// Bytes in modified UTF-8: a character above U+FFFF takes two surrogates of three bytes.
fn java_bytes(text: &str) -> usize {
    let bytes = |character: char| match character.len_utf8() {
        4 => 6,
        1 if character == '\0' => 2,
        bytes => bytes,
    };
    text.chars().map(bytes).sum()
}

fn random(rng: &mut impl Rng) -> NodeBlob {
    let sources = ["http", "local", "youtube", "spotify", ""];
    let source = sources[usize::try_from(rng.next_u32() % 5).unwrap()];
    let tail = match rng.next_u32() % 4 {
        0 => Vec::new(),
        1 => NodeBlob::probe_tail(&string(rng)),
        // Five absent texts, and no preview.
        2 => vec![0; 6],
        _ => rng.next_u64().to_le_bytes().to_vec(),
    };
    NodeBlob {
        title: string(rng),
        author: string(rng),
        length_ms: rng.next_u64().cast_signed(),
        identifier: string(rng),
        is_stream: rng.next_u32().is_multiple_of(2),
        uri: maybe(rng),
        artwork_url: maybe(rng),
        isrc: maybe(rng),
        source: source.to_owned(),
        tail,
        position_ms: rng.next_u64().cast_signed(),
    }
}

fn maybe(rng: &mut impl Rng) -> Option<String> {
    rng.next_u32().is_multiple_of(2).then(|| string(rng))
}

/// Up to 15 characters of one to four bytes, U+0000 among them.
fn string(rng: &mut impl Rng) -> String {
    let count = rng.next_u32() % 16;
    let mut character = || {
        let bits = [7, 11, 16, 21][usize::try_from(rng.next_u32() % 4).unwrap()];
        char::from_u32(rng.next_u32() & ((1 << bits) - 1)).unwrap_or('\0')
    };
    (0..count).map(|_| character()).collect()
}

/// The different blobs in all that the servers said.
const BLOBS: usize = 184;

/// The different blobs in all that the clients said, save those that are none.
const SENT: usize = 11;

/// A version, four texts of no bytes, two numbers, a flag, and three texts that are absent.
const EMPTY_BODY_BYTES: usize = 1 + 4 * 2 + 2 * POSITION_BYTES + 1 + 3;

const POSITION_BYTES: usize = 8;

const SEED: u64 = 0x1a7a_9002;

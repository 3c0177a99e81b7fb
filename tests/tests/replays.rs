//! Recordings of the driver do again what was recorded, and hold no secrets.
//!
//! A bug report becomes a test when its recording is put into `tests/replays`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use lavapool::protocol::RawJson;
use lavapool::rest::Request;
use lavapool::{
    Builder, ChannelId, Client, ConnectError, Leaving, NodeConfig, RecordingState, Score, Secret,
    Strategy, VoiceServerUpdate, VoiceStateUpdate,
};
use lavapool_core::recording::{Header, Line};
use lavapool_core::{Command, PoolConfig};
use lavapool_tests::guide::{add_with, builder, guild, secs, song};
use lavapool_tests::node::{self, TestNode};
use lavapool_tests::replay::{Cut, Outcome, Replay, ReplayError, names};
use lavapool_tests::sim::SimRuntime;

#[test]
fn every_recording_of_a_bug_report_does_what_is_expected_of_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("replays");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        count += 1;
        let replay = Replay::open(&path).unwrap();
        let outcome = replay.run(Cut::AsRecorded).unwrap();
        let name = path.display();
        if let Some(difference) = outcome.differences.first() {
            panic!(
                "{name}: {difference}\nIf that is meant: cargo run --release -p lavapool-tests \
                 --bin replay -- --accept {name}"
            );
        }
        for most in [1, 7] {
            let cut = replay.run(Cut::Each(most)).unwrap();
            assert_eq!(texts(&cut), texts(&outcome), "{name} cut each {most}");
        }
    }
    assert!(count > 0, "there is nothing to replay");
}

#[test]
fn what_a_client_did_is_done_again_to_the_byte() {
    let (file, secrets) = recorded("again", |builder| builder);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();

    let replay = Replay::read(text.as_bytes()).unwrap();
    let outcome = replay.run(Cut::AsRecorded).unwrap();

    if let Some(difference) = outcome.differences.first() {
        panic!("{difference}");
    }
    assert_eq!(replay.end(), Some("closed"));
    for name in [
        "NodeReady",
        "Failover",
        "PlayerMoved",
        "TrackStart",
        "NodeDisconnected",
    ] {
        let is_there = |happening: &&str| happening.starts_with(name);
        assert!(
            texts(&outcome).iter().any(|text| is_there(&text.as_str())),
            "{name}"
        );
    }
    assert!(secrets.len() > 8, "{secrets:?}");
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
    for open in [
        "\"name\":\"a\"",
        "https://tracks.test/song",
        "frankfurt.discord.media",
    ] {
        assert!(text.contains(open), "{open}");
    }
    let accepted = replay.accepted(&outcome).unwrap();
    assert_eq!(accepted, text, "what is the same is accepted as it is");
}

#[test]
fn what_a_custom_strategy_said_is_said_again() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let (file, _) = recorded("scores", |builder| {
        // Not pure: only what was recorded leads to the same nodes.
        builder.strategy(Strategy::custom(move |candidate, _| {
            let turn = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(turn != 5, "a panic is no score");
            Score::new(f64::from(turn * 7 % 10) + candidate.penalty / 1e9)
        }))
    });
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(text.contains("{\"score\":null}"), "the panic");
    let replay = Replay::read(text.as_bytes()).unwrap();

    assert_eq!(replay.run(Cut::AsRecorded).unwrap().differences, []);

    // A score for which this pool does not ask is not one of the next call.
    let is_score = |line: &&str| line.starts_with("{\"score\"");
    let mut lines: Vec<_> = text.lines().collect();
    let first = lines.iter().position(is_score).unwrap();
    let count = lines[first..]
        .iter()
        .take_while(|line| is_score(line))
        .count();
    lines.insert(first + count, "{\"score\":0}");
    let more = lines.join("\n") + "\n";
    let replay = Replay::read(more.as_bytes()).unwrap();
    assert_eq!(replay.run(Cut::AsRecorded).unwrap().differences, []);

    let without: String = text
        .lines()
        .filter(|line| !line.starts_with("{\"score\""))
        .flat_map(|line| [line, "\n"])
        .collect();
    let replay = Replay::read(without.as_bytes()).unwrap();
    assert_ne!(replay.run(Cut::AsRecorded).unwrap().differences, []);
}

#[test]
fn a_replay_says_where_it_differs_and_takes_the_new_way_when_told() {
    let (file, _) = recorded("differs", |builder| builder);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("tracks.test/song"))
        .unwrap();
    let changed = text.replacen("tracks.test/song", "tracks.test/gong", 1);

    let replay = Replay::read(changed.as_bytes()).unwrap();
    let outcome = replay.run(Cut::AsRecorded).unwrap();

    let first = outcome.differences.first().unwrap();
    assert!(first.line > line + 1, "{first}");
    assert!(first.recorded.contains("tracks.test/song"), "{first}");
    assert!(first.replayed.contains("tracks.test/gong"), "{first}");
    let accepted = replay.accepted(&outcome).unwrap();
    let replay = Replay::read(accepted.as_bytes()).unwrap();
    assert_eq!(replay.run(Cut::AsRecorded).unwrap().differences, []);
}

#[test]
fn what_a_pool_does_after_the_last_line_is_a_difference() {
    let (file, _) = recorded("left", |builder| builder);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let end = format!("{}\n", lines.last().unwrap());
    for (kind, left) in [
        ("{\"wrote\"", "sends "),
        ("{\"output\":\"Close", "Close "),
        ("{\"event\"", "NodeStatus "),
    ] {
        let last = lines
            .iter()
            .rposition(|line| line.starts_with(kind))
            .unwrap();
        let before: String = lines[..last].iter().flat_map(|line| [line, "\n"]).collect();

        let replay = Replay::read((before + &end).as_bytes()).unwrap();
        let outcome = replay.run(Cut::AsRecorded).unwrap();

        let found: Vec<_> = outcome
            .differences
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            found.iter().any(|found| found.contains(left)),
            "{kind} {found:?}"
        );
        assert!(
            outcome
                .differences
                .iter()
                .all(|found| found.line == last + 1),
            "{found:?}"
        );
        let accepted = replay.accepted(&outcome).unwrap();
        assert_eq!(accepted.contains("{\"unsent\""), left == "sends ");
        let replay = Replay::read(accepted.as_bytes()).unwrap();
        assert_eq!(replay.run(Cut::AsRecorded).unwrap().differences, []);
    }
}

#[test]
fn a_recording_that_breaks_off_is_replayed_to_its_last_whole_line() {
    let (file, _) = recorded("broken", |builder| builder);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let half = &text[..text.len() / 2];

    let replay = Replay::read(half.as_bytes()).unwrap();
    assert_eq!(replay.run(Cut::AsRecorded).unwrap().differences, []);
    assert_eq!(
        (replay.end(), replay.len() + 2),
        (None, half.split('\n').count())
    );

    assert!(matches!(Replay::read(b""), Err(ReplayError::Empty)));
    let other = text.replacen("\"version\":1", "\"version\":2", 1);
    let error = Replay::read(other.as_bytes()).unwrap_err();
    assert!(matches!(error, ReplayError::Version { found: 2 }));
    let error = Replay::read((half.to_owned() + "\n").as_bytes()).unwrap_err();
    assert!(matches!(error, ReplayError::Line { .. }), "{error}");
}

#[test]
fn any_word_of_the_format_may_be_a_password() {
    let mut words = names::<Header>();
    words.extend(names::<PoolConfig>());
    words.extend(names::<Line>());
    words.extend(names::<Command>());
    assert!(words.len() > 200, "{words:?}");
    let body = serde_json::to_string(&words).unwrap();
    let nodes = words.iter().enumerate().map(|(number, word)| {
        NodeConfig::new(format!("n{number}"), "http://nowhere:2333", *word).unwrap()
    });
    let file = std::env::temp_dir().join(format!("lavapool-words-{}", std::process::id()));
    let recording = SimRuntime::run(|sim| {
        let builder = builder().nodes(nodes).node(config("a")).record(&file);
        let body = body.clone();
        async move {
            add_with(&sim, "a", |node| *node.config() = node_config("a"));
            let client = builder.connect_on(sim.clone()).await.unwrap();
            join(&client, 1, "5e5510abcdef", "t0k1n-99887766");
            let request = Request::Raw {
                method: "POST".parse().unwrap(),
                path: "/v4/plugin".to_owned(),
                body: Some(RawJson::parse(&body).unwrap()),
            };
            // What comes of it is of no account.
            let _ = client.node("a").unwrap().request(request).await;
            client.close(Leaving::Destroy).await.unwrap();
            client.recording().unwrap()
        }
    });
    assert_eq!(
        smol::block_on(recording.finished()),
        RecordingState::Complete
    );
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();

    for secret in ["5e5510abcdef", "t0k1n-99887766"] {
        assert!(!text.contains(secret), "{secret}");
    }
    for word in &words {
        // It is replaced where it is the password, and else it gives the line its form.
        assert!(
            !text.contains(&format!("{{\"secret\":\"{word}\"}}")),
            "{word}"
        );
    }
    let told = text
        .lines()
        .find(|line| line.contains("\"/v4/plugin\""))
        .unwrap();
    let missing: Vec<_> = words
        .iter()
        .filter(|word| !told.contains(&format!("\"{word}\"")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let replay = Replay::read(text.as_bytes()).unwrap();
    assert_eq!(replay.run(Cut::AsRecorded).unwrap().differences, []);
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_of_the_start() {
    SimRuntime::run(|sim| async move {
        let started = builder().record("/no/such/folder/x").start_on(sim);
        let Err(ConnectError::Recording { error, .. }) = started else {
            panic!("{started:?}");
        };
        assert_eq!(error, std::io::ErrorKind::NotFound);
    });
}

/// Records a client through the loss of a node, a resume, and requests with secrets in them.
/// Returns the file, and what must not be in it.
fn recorded(name: &str, change: impl FnOnce(Builder) -> Builder) -> (PathBuf, Vec<String>) {
    let file = format!("lavapool-replay-{name}-{}.jsonl", std::process::id());
    let file = std::env::temp_dir().join(file);
    let (recording, secrets) = SimRuntime::run(|sim| async move {
        for name in ["a", "b"] {
            add_with(&sim, name, |node| *node.config() = node_config(name));
        }
        let builder = change(builder().nodes(["a", "b"].map(config)).record(&file));
        // Events that nobody listens for are not built.
        let _events = builder.events();
        let client = builder.connect_on(sim.clone()).await.unwrap();
        let recording = client.recording().unwrap();
        assert_eq!(recording.state(), RecordingState::Running);
        sim.sleep(secs(1)).await;
        let mut secrets = story(&sim, &client).await;
        secrets.extend([PASSWORD, HEADER].map(str::to_owned));
        client.close(Leaving::Destroy).await.unwrap();
        (recording, secrets)
    });
    let file = format!("lavapool-replay-{name}-{}.jsonl", std::process::id());
    let finished = smol::block_on(recording.finished());
    assert_eq!(finished, RecordingState::Complete);
    (std::env::temp_dir().join(file), secrets)
}

/// What happens while it is recorded; returns the secrets that came up.
async fn story(sim: &SimRuntime, client: &Client) -> Vec<String> {
    let mut secrets = Vec::new();
    for id in 1..=6 {
        let (session, token) = (format!("5e5510{id}abcdef"), format!("t0k{id}n-99887766"));
        join(client, id, &session, &token);
        client.player(guild(id)).update(song()).await.unwrap();
        secrets.extend([session, token]);
    }
    let node = client.node("b").unwrap();
    let youtube = node.youtube();
    // What comes of it is of no account.
    let _ = youtube.set_refresh_token("1//refresh-0123456789").await;
    let _ = youtube.access_token("1//other-0123456789").await;
    let body = RawJson::object(r#"{"apiKey":"k3y-of-a-plugin"}"#).unwrap();
    let _ = node
        .request(Request::Raw {
            method: "POST".parse().unwrap(),
            path: "/v4/plugin?token=qu3ry-token&x=1".to_owned(),
            body: Some(body),
        })
        .await;
    secrets.extend(
        [
            "1//refresh-0123456789",
            "1//other-0123456789",
            "k3y-of-a-plugin",
            "qu3ry-token",
        ]
        .map(str::to_owned),
    );
    let sessions = |node: &mut TestNode| node.sessions().into_iter().map(|session| session.id);
    for name in ["a", "b"] {
        secrets.extend(sim.with(name, sessions));
    }
    sim.cut_off("b", true);
    sim.sleep(secs(20)).await;
    sim.cut_off("b", false);
    sim.sleep(secs(40)).await;
    sim.kill("a");
    sim.sleep(secs(30)).await;
    sim.restart("a");
    sim.sleep(secs(60)).await;
    for name in ["a", "b"] {
        secrets.extend(sim.with(name, sessions));
    }
    let _ = client.player(guild(2)).destroy().await;
    secrets
}

fn join(client: &Client, id: u64, session: &str, token: &str) {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(id),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from(session),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(id),
        token: Secret::from(token),
        endpoint: Some("frankfurt.discord.media:443".into()),
    });
}

fn node_config(name: &str) -> node::NodeConfig {
    node::NodeConfig {
        password: PASSWORD.to_owned(),
        ..node::NodeConfig::new(name).with_plugins()
    }
}

fn config(name: &str) -> NodeConfig {
    let node = NodeConfig::new(name, &format!("http://{name}:2333"), PASSWORD);
    node.and_then(|node| node.header("X-Team", HEADER)).unwrap()
}

fn texts(outcome: &Outcome) -> Vec<String> {
    outcome
        .happenings
        .iter()
        .map(|happening| happening.text.clone())
        .collect()
}

const PASSWORD: &str = "corr3ct/horse battery";
const HEADER: &str = "a-team-of-7";

//! Runs the examples as a person would, against test nodes that they take for real ones.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use lavapool_tests::node::{Listener, NodeConfig};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// The example that was built along with this test.
fn example() -> PathBuf {
    built("failover")
}

fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("it lies in a target folder");
    folder
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

async fn run(arguments: &[String]) -> Output {
    let run = Command::new(example())
        .args(arguments)
        .env("NO_COLOR", "1")
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), run).await;
    output.expect("it ends in time").expect("it was built")
}

async fn start(password: &str) -> Listener {
    let mut config = NodeConfig::new("node");
    config.password = password.to_owned();
    Listener::start(config).await.expect("a port")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn node(name: &str, listener: &Listener, password: &str) -> [String; 2] {
    let address = listener.address();
    [
        "--node".to_owned(),
        format!("{name}=http://:{password}@{address}"),
    ]
}

#[tokio::test]
async fn a_wrong_password_is_one_clear_sentence() {
    let listener = start("right").await;
    let output = run(&node("main", &listener, "wrong")).await;
    let uri = listener.uri();
    assert_eq!(
        (
            output.status.success(),
            text(&output.stdout),
            text(&output.stderr)
        ),
        (
            false,
            String::new(),
            format!("failover: no node is connected: main ({uri}): the password is wrong (401)")
        )
    );
}

#[tokio::test]
async fn the_embedded_nodes_lose_nobody() {
    let output = run(&[]).await;
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.contains("[Lavalink] Node connection report (3/3 connected)"),
        "{printed}"
    );
    let last = printed.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("failover: 10 players moved, 0 lost, longest gap "),
        "{last}"
    );
}

#[tokio::test]
async fn no_runtime_loses_anybody() {
    for runtime in ["async-std", "smol"] {
        let output = run(&["--runtime", runtime].map(str::to_owned)).await;
        assert_nobody_was_lost(&output);
    }
}

#[tokio::test]
async fn a_runtime_of_ones_own_and_a_loop_without_one_lose_nobody() {
    for name in ["custom_runtime", "manual_loop"] {
        // Outside of `cargo run`, the nodes are those that lie beside the example.
        let run = Command::new(built(name)).env_remove("CARGO").output();
        let output = tokio::time::timeout(Duration::from_secs(60), run).await;
        assert_nobody_was_lost(&output.expect("it ends in time").expect("it was built"));
    }
}

#[tokio::test]
async fn the_nodes_for_trying_a_bot_obey_their_input() {
    let mut nodes = Command::new(built("nodes"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it was built");
    let mut orders = nodes.stdin.take().expect("piped");
    let asked = "judge 0 us\nkill us\nrestart us\nkill nobody\n";
    orders.write_all(asked.as_bytes()).await.expect("it reads");
    drop(orders);
    let output = tokio::time::timeout(Duration::from_secs(60), nodes.wait_with_output()).await;
    let printed = text(
        &output
            .expect("it ends with its input")
            .expect("it ran")
            .stdout,
    );
    let (nodes, answers) = printed.split_once("\n\n").expect("an empty line");
    let names: Vec<_> = nodes
        .lines()
        .filter_map(|line| line.split_once(" http://127.0.0.1:"))
        .collect();
    assert_eq!(names.len(), 3, "{nodes}");
    assert_eq!(answers, "0 nobody plays it\nkilled\nrestarted\nunknown");
}

fn assert_nobody_was_lost(output: &Output) {
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    let last = printed.lines().last().unwrap_or_default();
    let expected = "failover: 10 players moved, 0 lost, longest gap ";
    assert!(last.starts_with(expected), "{last}");
}

#[tokio::test]
async fn a_named_node_can_be_drained() {
    let (one, two) = (start("secret").await, start("secret").await);
    let mut arguments = node("one", &one, "secret").to_vec();
    arguments.extend(node("two", &two, "secret"));
    let more = [
        "--track",
        "https://tracks.test/a",
        "--no-kill",
        "--guilds",
        "10",
    ];
    arguments.extend(more.map(str::to_owned));
    let output = run(&arguments).await;
    let printed = text(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}\n{}",
        text(&output.stderr)
    );
    let last = printed.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("failover: 5 players moved, 0 lost"),
        "{last}"
    );
}

#[tokio::test]
async fn a_named_node_can_be_killed_by_hand() {
    let (one, two) = (start("secret").await, start("secret").await);
    let mut arguments = node("one", &one, "secret").to_vec();
    arguments.extend(node("two", &two, "secret"));
    arguments.extend(["--track", "https://tracks.test/a"].map(str::to_owned));
    let mut command = Command::new(example());
    command.args(&arguments).env("NO_COLOR", "1");
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut example = command.spawn().expect("it was built");
    let mut lines = BufReader::new(example.stdout.take().expect("piped")).lines();
    let mut last = String::new();
    let read = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.starts_with("Now kill a node") {
                one.kill().await;
            }
            last = line;
        }
        example.wait().await.expect("it ends")
    };
    let status = tokio::time::timeout(Duration::from_secs(60), read).await;
    assert!(status.expect("it ends in time").success(), "{last}");
    assert!(
        last.starts_with("failover: 6 players moved, 0 lost"),
        "{last}"
    );
}

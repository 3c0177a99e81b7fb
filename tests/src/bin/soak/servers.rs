//! [`Servers`]: the nodes, in a process of their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lavapool_tests::node::{Listener, NodeConfig};

/// How many nodes there are.
const NODES: usize = 50;

/// The nodes, as this process sees them: a line for each order, a line for each answer.
pub(crate) struct Servers {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) uris: Vec<String>,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut servers = Self {
            orders: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
            uris: Vec::new(),
        };
        let uris = servers.ask("uris");
        servers.uris = uris.split(' ').map(str::to_owned).collect();
        servers
    }

    pub(crate) fn kill(&mut self, index: usize) {
        self.ask(&format!("kill {}", index % NODES));
    }

    pub(crate) fn restart(&mut self, index: usize) {
        self.ask(&format!("restart {}", index % NODES));
    }

    /// How many guilds one node, and no other, plays the guild's own track in.
    pub(crate) fn playing(&mut self) -> usize {
        self.ask("playing").parse().unwrap()
    }

    /// How often clients have broken the protocol so far.
    pub(crate) fn violations(&mut self) -> usize {
        self.ask("violations").parse().unwrap()
    }

    fn ask(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the identifier of a guild's track is.
pub(crate) fn track_of(guild: u64) -> String {
    format!("https://tracks.test/{guild}?length=864000000")
}

/// Serves until nobody orders any more.
pub(crate) fn serve() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let start = |index| {
        let config = NodeConfig::new(format!("node{index}"));
        tokio.block_on(Listener::start(config)).unwrap()
    };
    let nodes: Vec<_> = (0..NODES).map(start).collect();
    let mut violations = 0;
    for order in stdin().lines() {
        let order = order.unwrap();
        let mut words = order.split(' ');
        let verb = words.next().unwrap();
        let node = words
            .next()
            .map(|index| &nodes[index.parse::<usize>().unwrap()]);
        let answer = match (verb, node) {
            ("uris", None) => {
                let uris: Vec<_> = nodes.iter().map(Listener::uri).collect();
                uris.join(" ")
            }
            ("kill", Some(node)) => {
                tokio.block_on(node.kill());
                // Each node dies once in a round, so no log is longer than a round.
                violations += tokio.block_on(forget(node));
                "dead".to_owned()
            }
            ("restart", Some(node)) => {
                tokio.block_on(node.restart());
                "alive".to_owned()
            }
            ("playing", None) => tokio.block_on(playing(&nodes)).to_string(),
            ("violations", None) => {
                for node in &nodes {
                    violations += tokio.block_on(forget(node));
                }
                violations.to_string()
            }
            _ => panic!("no such order: {order}"),
        };
        println!("{answer}");
    }
}

/// Takes a node's log away, and counts what clients did wrong in it.
async fn forget(node: &Listener) -> usize {
    node.with(|node| node.take_log().violations.len()).await
}

async fn playing(nodes: &[Listener]) -> usize {
    let mut copies: BTreeMap<i64, Vec<Option<String>>> = BTreeMap::new();
    for node in nodes {
        for player in node.with(|node| node.players(node.now())).await {
            let identifier = player.track.map(|track| track.identifier);
            copies.entry(player.guild).or_default().push(identifier);
        }
    }
    let is_right = |(guild, tracks): &(&i64, &Vec<Option<String>>)| {
        let own = track_of(u64::try_from(**guild).unwrap());
        **tracks == [Some(own)]
    };
    copies.iter().filter(is_right).count()
}

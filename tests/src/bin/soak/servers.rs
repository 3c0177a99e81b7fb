//! [`Servers`]: the nodes, in a process of their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lavapool_tests::node::{Listener, NodeConfig, PlayerView};
use lavapool_tests::tls::{Authority, TlsServer};

use crate::wish::Wish;

/// How many nodes there are.
const NODES: usize = 50;

/// How many of what is wrong are told.
const TOLD_MAX: usize = 5;

/// Which nodes are behind TLS.
#[derive(Clone, Copy)]
pub(crate) enum Secured {
    None,
    Half,
    All,
}

impl FromStr for Secured {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "none" => Ok(Self::None),
            "half" => Ok(Self::Half),
            "all" => Ok(Self::All),
            _ => Err(()),
        }
    }
}

impl Secured {
    fn has(self, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::Half => index % 2 == 1,
            Self::All => true,
        }
    }
}

/// The nodes, as this process sees them: a line for each order, a line for each answer.
pub(crate) struct Servers {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) uris: Vec<String>,
    /// Who has signed their certificates, as DER.
    pub(crate) authority: Vec<u8>,
}

impl Servers {
    pub(crate) fn start(secured: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["serve", secured])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut servers = Self {
            orders: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
            uris: Vec::new(),
            authority: Vec::new(),
        };
        let uris = servers.ask("uris");
        servers.uris = uris.split(' ').map(str::to_owned).collect();
        servers.authority = BASE64_STANDARD.decode(servers.ask("authority")).unwrap();
        servers
    }

    pub(crate) fn kill(&mut self, index: usize) {
        self.ask(&format!("kill {}", index % NODES));
    }

    pub(crate) fn restart(&mut self, index: usize) {
        self.ask(&format!("restart {}", index % NODES));
    }

    /// What is wrong with players: each is to be on one node and no other, all of its [`Wish`].
    pub(crate) fn wrong(&mut self) -> Option<String> {
        Some(self.ask("wrong")).filter(|wrong| wrong != "0")
    }

    /// Where in their tracks the players are, in milliseconds, in the order of their guilds.
    pub(crate) fn positions(&mut self) -> Vec<Option<i64>> {
        let positions = self.ask("positions");
        positions.split(' ').map(|text| text.parse().ok()).collect()
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

/// Serves until nobody orders any more.
pub(crate) fn serve(secured: Secured) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new("the soak");
    let start = |index| {
        let mut config = NodeConfig::new(format!("node{index}"));
        // As an operator may set it, so that positions are as well known as they can be.
        config.player_update_interval = Duration::from_secs(1);
        let server = || TlsServer::new(authority.issue(&["127.0.0.1"]));
        config.front = secured.has(index).then(|| server().front());
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
                let scheme = |index| if secured.has(index) { "https" } else { "http" };
                let uri = |(index, node): (usize, &Listener)| {
                    format!("{}://{}", scheme(index), node.address())
                };
                nodes
                    .iter()
                    .enumerate()
                    .map(uri)
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            ("authority", None) => BASE64_STANDARD.encode(authority.der()),
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
            ("wrong", None) => wrong(&tokio.block_on(players(&nodes))),
            ("positions", None) => positions(&tokio.block_on(players(&nodes))),
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

/// The players of each guild, on all nodes.
async fn players(nodes: &[Listener]) -> BTreeMap<i64, Vec<PlayerView>> {
    let mut copies: BTreeMap<i64, Vec<PlayerView>> = BTreeMap::new();
    for node in nodes {
        for player in node.with(|node| node.players(node.now())).await {
            copies.entry(player.guild).or_default().push(player);
        }
    }
    copies
}

fn of(wish: Wish, players: &BTreeMap<i64, Vec<PlayerView>>) -> &[PlayerView] {
    let copies = players.get(&i64::try_from(wish.0).unwrap());
    copies.map_or(&[], Vec::as_slice)
}

fn wrong(players: &BTreeMap<i64, Vec<PlayerView>>) -> String {
    let fault = |wish: Wish| match of(wish, players) {
        [one] if wish.is_met(one) => None,
        [one] => Some(format!("not as it is to be: {one:?}")),
        copies => Some(format!("guild {} is on {} nodes", wish.0, copies.len())),
    };
    let faults: Vec<_> = Wish::all().filter_map(fault).collect();
    let count = faults.len();
    let told: Vec<_> = faults.into_iter().take(TOLD_MAX).collect();
    format!("{count} {}", told.join("; ")).trim_end().to_owned()
}

fn positions(players: &BTreeMap<i64, Vec<PlayerView>>) -> String {
    let position = |wish| match of(wish, players) {
        [one] => one.position_ms.to_string(),
        _ => "-".to_owned(),
    };
    Wish::all().map(position).collect::<Vec<_>>().join(" ")
}

//! The command line.

use clap::{Parser, ValueEnum};
use lavapool::NodeConfig;

/// Shows what becomes of the music when a node dies.
///
/// Without options three nodes run in this process, and one of them is killed.
#[derive(Clone, Debug, Parser)]
#[command(name = "failover")]
pub(crate) struct Options {
    /// A real node, as NAME=URI; the URI may hold the password and the region, as in
    /// `http://:PASSWORD@HOST:PORT?region=eu`. Repeated for each node.
    #[arg(long = "node", value_name = "NAME=URI", value_parser = parse_node)]
    pub nodes: Vec<Named>,
    /// The password of a node, as NAME=PASSWORD, where its URI has none.
    #[arg(long = "password", requires = "nodes")]
    #[arg(value_name = "NAME=PASSWORD", value_parser = parse_pair)]
    pub passwords: Vec<(String, String)>,
    /// The region of a node, as NAME=REGION, where its URI has none.
    #[arg(long = "region", requires = "nodes")]
    #[arg(value_name = "NAME=REGION", value_parser = parse_pair)]
    pub regions: Vec<(String, String)>,
    /// What real nodes play: a URL or a search that one of their sources knows.
    #[arg(long, requires = "nodes", value_name = "IDENTIFIER")]
    pub track: Option<String>,
    /// How many guilds play on real nodes.
    #[arg(long, value_name = "COUNT", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub guilds: u32,
    /// Drains a real node, where otherwise you are asked to kill one.
    #[arg(long)]
    pub no_kill: bool,
    /// What the client and this program run on.
    #[arg(long, value_enum, default_value_t = Kind::Tokio)]
    pub runtime: Kind,
}

/// The runtimes that the client comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The usual one.
    Tokio,
    /// No longer maintained.
    AsyncStd,
    /// A small one.
    Smol,
}

/// A node of the command line.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    name: String,
    uri: String,
}

impl Options {
    /// The nodes with their passwords and regions, or a sentence that says what is wrong.
    pub(crate) fn configs(&self) -> Result<Vec<NodeConfig>, String> {
        let find = |pairs: &[(String, String)], name: &str| {
            pairs
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value.clone())
        };
        let known = |name: &String| self.nodes.iter().any(|node| node.name == *name);
        let named = self
            .passwords
            .iter()
            .chain(&self.regions)
            .map(|(name, _)| name);
        if let Some(name) = named.into_iter().find(|name| !known(name)) {
            return Err(format!("no --node is called {name:?}"));
        }
        let configs = self.nodes.iter().map(|node| {
            let password = find(&self.passwords, &node.name);
            let config = match password {
                Some(password) => NodeConfig::new(&*node.name, &node.uri, password),
                None => NodeConfig::from_uri(&*node.name, &node.uri),
            };
            let config = config.map_err(|error| format!("--node {}: {error}", node.name))?;
            Ok(match find(&self.regions, &node.name) {
                Some(region) => config.region(region),
                None => config,
            })
        });
        configs.collect()
    }
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some(_) | None => Err("it is not of the form NAME=VALUE".to_owned()),
    }
}

fn parse_node(text: &str) -> Result<Named, String> {
    let (name, uri) = parse_pair(text)?;
    NodeConfig::from_uri(&*name, &uri).map_err(|error| error.to_string())?;
    Ok(Named { name, uri })
}

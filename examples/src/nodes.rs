//! [`Nodes`]: test nodes for programs that are not on tokio, and the [`Song`]s to play there.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use lavapool_tests::node::{Listener, NodeConfig, PlayerView};
use tokio::runtime::{Builder, Runtime};

/// Three test nodes on ports of the loopback interface, in a thread of their own. They stand for
/// servers elsewhere: nothing of how they run matters to who uses them.
#[derive(Debug)]
pub struct Nodes {
    listeners: BTreeMap<&'static str, Listener>,
    thread: Runtime,
}

impl Nodes {
    /// Starts the nodes `asia`, `eu` and `us`.
    pub fn start() -> io::Result<Self> {
        let thread = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let start = |name| {
            let listener = thread.block_on(Listener::start(NodeConfig::new(name)))?;
            Ok((name, listener))
        };
        let listeners = ["asia", "eu", "us"].into_iter().map(start);
        Ok(Self {
            listeners: listeners.collect::<io::Result<_>>()?,
            thread,
        })
    }

    /// Their names and URIs; the password is `youshallnotpass`.
    pub fn uris(&self) -> impl Iterator<Item = (&'static str, String)> {
        let uri = |(name, listener): (&&'static str, &Listener)| (*name, listener.uri());
        self.listeners.iter().map(uri)
    }

    /// Kills a node: its connections are reset, its players lost.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn kill(&self, name: &str) {
        self.thread.block_on(self.listeners[name].kill());
    }

    /// Asks the nodes themselves what they play: in how many guilds is there not exactly one
    /// player, with the guild's song?
    pub fn lost(&self, songs: &[Song]) -> usize {
        let mut playing = Vec::new();
        for listener in self.listeners.values() {
            let players = listener.with(|node| node.players(node.now()));
            playing.extend(self.thread.block_on(players));
        }
        let is_lost = |song: &&Song| {
            let of_guild = |player: &&PlayerView| player.guild == song.guild as i64;
            let copies: Vec<_> = playing.iter().filter(of_guild).collect();
            let [player] = copies.as_slice() else {
                return true;
            };
            let track = player.track.as_ref().map(|track| &track.identifier);
            track != Some(&song.track) || player.volume != i32::from(song.volume)
        };
        songs.iter().filter(is_lost).count()
    }
}

/// What plays in a guild.
#[derive(Clone, Debug)]
pub struct Song {
    /// The id of the guild.
    pub guild: u64,
    /// What the nodes know the track by.
    pub track: String,
    /// The volume, in percent.
    pub volume: u16,
}

impl Song {
    /// A song for each of the guilds from 1 to `count`.
    pub fn several(count: u16) -> Vec<Self> {
        let song = |number: u16| Self {
            guild: number.into(),
            track: format!("https://tracks.test/{number}"),
            volume: 40 + number % 60,
        };
        (1..=count).map(song).collect()
    }
}

/// The last line of an example, which fails if somebody was lost.
pub fn conclude(gaps: &[Duration], lost: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (moved, longest) = (gaps.len(), gaps.iter().max().copied());
    let gap_ms = longest.unwrap_or_default().as_millis();
    println!("\nfailover: {moved} players moved, {lost} lost, longest gap {gap_ms} ms");
    match lost {
        0 => Ok(()),
        _ => Err(format!("{lost} players were lost").into()),
    }
}

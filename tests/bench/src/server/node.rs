//! [`Node`]: what one of the nodes knows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpListener;

use lavapool_bench_core::messages::Play;

use super::rest;
use crate::mix::{Guild, guilds};

/// What one of the nodes knows.
pub(super) struct Node {
    pub(super) listener: TcpListener,
    pub(super) is_dead: bool,
    /// The places of its WebSockets, the latest last.
    pub(super) sessions: Vec<usize>,
    pub(super) players: BTreeMap<u64, Player>,
    /// The frames of a burst to come.
    pub(super) prepared: Arc<Vec<u8>>,
    /// The answers to look-ups.
    pub(super) track: Vec<u8>,
    pub(super) playlist: Vec<u8>,
    /// How long an answer to a PATCH takes.
    pub(super) delay: Option<Duration>,
    /// Whether it says nothing of a track that is played until it is asked for messages.
    pub(super) is_silent: bool,
    /// How many PATCHes each guild had since the count began.
    pub(super) tally: BTreeMap<u64, u32>,
    since: Instant,
    last_after: Duration,
    in_flight: usize,
    in_flight_max: usize,
}

/// What the node knows of a player.
#[derive(Clone, Debug, Default)]
pub(super) struct Player {
    pub(super) present: Option<Play>,
    /// What it played before that.
    pub(super) previous: Option<Play>,
    /// As JSON.
    pub(super) voice: Option<Box<str>>,
    pub(super) volume: u16,
    pub(super) paused: bool,
}

impl Player {
    /// What the server says of it, if it plays.
    pub(super) fn guild(&self, id: u64) -> Option<Guild> {
        let present = self.present.clone()?;
        let previous = self.previous.clone();
        Some(Guild {
            id,
            present,
            previous,
        })
    }
}

impl Node {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            is_dead: false,
            sessions: Vec::new(),
            players: BTreeMap::new(),
            prepared: Arc::default(),
            track: rest::track(),
            playlist: rest::playlist(),
            delay: None,
            is_silent: false,
            tally: BTreeMap::new(),
            since: Instant::now(),
            last_after: Duration::ZERO,
            in_flight: 0,
            in_flight_max: 0,
        }
    }

    /// The socket in this place is gone.
    pub(super) fn forget(&mut self, place: usize) {
        self.sessions.retain(|other| *other != place);
    }

    /// The guilds to speak of: those that play, or all where a client has none play.
    pub(super) fn guilds(&self) -> Vec<Guild> {
        let players = self.players.iter();
        let playing = players.filter_map(|(id, player)| player.guild(*id));
        let playing: Vec<_> = playing.collect();
        if playing.is_empty() {
            return guilds();
        }
        playing
    }

    pub(super) fn begin_count(&mut self, now: Instant) {
        self.since = now;
        self.last_after = Duration::ZERO;
        self.in_flight_max = 0;
    }

    pub(super) fn count_patch(&mut self, guild: u64) {
        *self.tally.entry(guild).or_default() += 1;
        self.in_flight += 1;
        self.in_flight_max = self.in_flight_max.max(self.in_flight);
    }

    pub(super) fn count_answer(&mut self) {
        self.in_flight -= 1;
        self.last_after = self.since.elapsed();
    }

    /// What was counted, as JSON.
    pub(super) fn count(&self) -> String {
        let patches: u32 = self.tally.values().sum();
        let guild_max = self.tally.values().max().copied().unwrap_or(0);
        format!(
            r#"{{"guilds":{},"patches":{patches},"guild_max":{guild_max},"in_flight_max":{},"#,
            self.tally.len(),
            self.in_flight_max,
        ) + &format!(r#""last_after_us":{}}}"#, self.last_after.as_micros())
    }
}

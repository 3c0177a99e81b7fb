//! What a test node is told before it starts.

use std::fmt;
use std::time::Duration;

use super::catalogue::Catalogue;
use super::front::Fronts;
use super::plugins::{Knowledge, PLUGINS};

/// The settings of a [`TestNode`](super::TestNode), with the defaults of a Lavalink 4.2.2.
#[derive(Clone)]
pub struct NodeConfig {
    /// The name of the node in traces; no client ever sees it.
    pub label: String,
    /// The password that `Authorization` must equal, byte for byte.
    pub password: String,
    /// What `GET /version` says, and `version` of `GET /v4/info`.
    pub version: String,
    /// The host and port that the node believes to have, for the check of `Origin`.
    pub authority: String,
    /// Whether `GET /v4/info` says that this is NodeLink. Then it does a pause last, and refuses it
    /// without a voice connection; nothing else becomes different.
    pub is_nodelink: bool,
    /// The names of the source managers; a track of another source cannot be decoded.
    pub sources: Vec<String>,
    /// The enabled filters; a PATCH that sets another one is answered 400.
    pub filters: Vec<String>,
    /// Name and version of each plugin in `GET /v4/info`; those of
    /// [`plugins::PLUGINS`](super::plugins::PLUGINS) work.
    pub plugins: Vec<(String, String)>,
    /// What the plugins know.
    pub knowledge: Knowledge,
    /// The time between two `playerUpdate` messages of a playing player.
    pub player_update_interval: Duration,
    /// The time between two `stats` messages of a session; [`Duration::MAX`] for none at all.
    pub stats_interval: Duration,
    /// The time without audio after which a track is stuck.
    pub stuck_threshold: Duration,
    /// The audio that was decoded ahead, which new filters do not reach any more. A real server
    /// has 5 s; the default is none, so that a timescale works at once.
    pub frame_buffer: Duration,
    /// How far audio is sent ahead when it begins to flow, at a start from silence, after a pause
    /// and on a new voice connection. 320 to 400 ms on a real server; the default is none, so that
    /// positions are round.
    pub sent_ahead: Duration,
    /// Whether a track advances in a player that has no voice connection. Never so on a real
    /// server; convenient where voice is not what a test is about.
    pub plays_without_voice: bool,
    /// Whether messages that two threads of a real server race for are reordered, drawn from the
    /// seed: `stats` before `ready` (1 in 10), `playerUpdate` before `TrackStartEvent` (4 in 10),
    /// `TrackEndEvent` before its `TrackExceptionEvent` (1 in 3).
    pub races: bool,
    /// How long answers take.
    pub latency: Latency,
    /// What happens to voice connections.
    pub voice: Voice,
    /// What `GET /v4/routeplanner/status` shows; none if there is no route planner.
    pub route_planner: Option<serde_json::Value>,
    /// What identifiers load.
    pub catalogue: Catalogue,
    /// What stands before the node on each new connection, such as TLS.
    pub front: Option<Fronts>,
    /// Unix time in milliseconds of the origin of the node's time.
    pub epoch_ms: u64,
}

impl NodeConfig {
    /// Returns a configuration with this label and the defaults for everything else.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// Installs every plugin that works.
    #[must_use]
    pub fn with_plugins(mut self) -> Self {
        let plugin = |name: &str| (name.to_owned(), "1.0.0".to_owned());
        self.plugins = PLUGINS.map(plugin).into();
        self
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            label: "node".to_owned(),
            password: "youshallnotpass".to_owned(),
            version: "4.2.2".to_owned(),
            authority: "127.0.0.1:2333".to_owned(),
            is_nodelink: false,
            sources: owned(&SOURCES),
            filters: owned(&FILTERS),
            plugins: Vec::new(),
            knowledge: Knowledge::default(),
            player_update_interval: Duration::from_secs(5),
            stats_interval: Duration::from_secs(60),
            stuck_threshold: Duration::from_secs(10),
            frame_buffer: Duration::ZERO,
            sent_ahead: Duration::ZERO,
            plays_without_voice: false,
            races: false,
            latency: Latency::default(),
            voice: Voice::Connects,
            route_planner: None,
            catalogue: Catalogue::default(),
            front: None,
            epoch_ms: 1_795_224_302_000,
        }
    }
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeConfig")
            .field("label", &self.label)
            .field("password", &"***")
            .field("version", &self.version)
            .field("voice", &self.voice)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

/// The time between the end of a request and its answer. The request takes effect when its answer
/// is written, whether or not anyone is left to read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// For the upgrade of a WebSocket.
    pub handshake: Duration,
    /// For `GET /v4/loadtracks` and the decoding of tracks.
    pub load: Duration,
    /// For a PATCH of a player that carries `voice`.
    pub voice: Duration,
    /// For every other request to players.
    pub player: Duration,
    /// For everything else.
    pub other: Duration,
}

impl Latency {
    /// Returns the latency of a kind of answer.
    pub fn of(&self, kind: AnswerKind) -> Duration {
        match kind {
            AnswerKind::Handshake => self.handshake,
            AnswerKind::Load => self.load,
            AnswerKind::Voice => self.voice,
            AnswerKind::Player => self.player,
            AnswerKind::Other => self.other,
        }
    }
}

/// The kinds of answers that can be slow, silent or wrong apart from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerKind {
    /// The upgrade of a WebSocket.
    Handshake,
    /// `GET /v4/loadtracks`, `/v4/decodetrack` and `POST /v4/decodetracks`.
    Load,
    /// A PATCH of a player that carries `voice`.
    Voice,
    /// Every other request to players.
    Player,
    /// Everything else: version, info, stats, sessions, route planner, unknown paths.
    Other,
}

/// What happens when a player is given a voice state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The voice WebSocket opens, and voice is ready at once.
    Connects,
    /// The voice WebSocket opens, and is closed by the remote after this time with this code. If
    /// that is no time at all, voice never becomes ready.
    Closes {
        /// The time from the PATCH to the close.
        after: Duration,
        /// The close code of Discord's voice gateway.
        code: u16,
        /// What Discord says beside the code.
        reason: &'static str,
    },
    /// TLS or HTTP fails: the PATCH is answered 500.
    Fails,
    /// TCP is refused: the PATCH is never answered, and nothing behind `voice` in it takes effect
    /// (seen on 4.2.2).
    Unreachable,
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const SOURCES: [&str; 8] = [
    "youtube",
    "bandcamp",
    "soundcloud",
    "twitch",
    "vimeo",
    "nico",
    "local",
    "http",
];

/// In the order in which `GET /v4/info` of a Lavalink 4.2.2 lists them.
const FILTERS: [&str; 10] = [
    "volume",
    "equalizer",
    "karaoke",
    "timescale",
    "tremolo",
    "vibrato",
    "distortion",
    "rotation",
    "channelMix",
    "lowPass",
];

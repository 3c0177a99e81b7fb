//! A Lavalink v4 client for Discord bots: one pool of nodes, with players that survive what a
//! node or a network can do to them.
//!
//! ```no_run
//! use lavapool::{Client, Event, GuildId, LoadResult, NodeConfig, UserId};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("170939974227541168".parse::<UserId>()?)
//!     .node(NodeConfig::new("eu", "http://eu.example:2333", "youshallnotpass")?.region("eu"))
//!     .node(NodeConfig::new("us", "http://us.example:2333", "youshallnotpass")?.region("us"))
//!     .connect()
//!     .await?;
//! println!("{}", client.report());
//!
//! // Hand in Discord's voice updates as your gateway library receives them: as raw JSON,
//! // client.gateway_event(…), or typed, client.voice_state_update(…) and
//! // client.voice_server_update(…). `Builder::gateway` takes what the client wants sent.
//!
//! let player = client.player("817327181659111454".parse::<GuildId>()?);
//! if let LoadResult::Search(tracks) = client.load_tracks("ytsearch:never gonna").await?
//!     && let Some(track) = tracks.first()
//! {
//!     player.play(track).await?;
//! }
//!
//! let mut events = client.events();
//! while let Some(event) = events.next().await {
//!     if let Event::TrackEnd { guild, reason, .. } = event
//!         && reason.may_start_next()
//!     {
//!         println!("{guild} is ready for the next track");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does by itself
//!
//! A lost node is dialled again, first at once and then ever more rarely. If its session can be
//! resumed it is, and nothing moves; if not, each of its players goes on at the same place on the
//! best other node: track, position, volume, filters, pause and voice. [`Event::PlayerMoved`]
//! says so. What a bot asked of a player while no node was there is applied when one is.
//!
//! # Handles
//!
//! [`Client`], [`Node`] and [`Player`] are cheap to clone and do no IO. What they show is read
//! from memory, and is never older than the event or the answer that told you to look. What they
//! do is queued when the method is called; the [`Pending`] that it returns need not be awaited.
//! When the last handle goes, connections are closed, and the music plays on for as long as the
//! nodes keep the sessions ([`Builder::resume_for`]).
//!
//! # Queue
//!
//! A bot may keep its own list of tracks, or let a [`QueuedPlayer`] (for all its guilds:
//! [`Queues`]) drive its players from the ends of tracks, with [autoplay](Player::autoplay)
//! behind.
//!
//! # Bug reports
//!
//! [`Builder::record`] writes all that the client is told and sends to a file, with pseudonyms for
//! secrets. What a client did can be done again from it, bit for bit: with such a file a fault is
//! understood, and becomes a test.
//!
//! # TLS
//!
//! A node at `https` or `wss` is reached by TLS, and must show a certificate for its host that an
//! authority of the platform has signed; `Tls` changes that for all nodes
//! (`Builder::tls`) or for one (`Transport::tls`). What goes wrong with a server is a
//! [`TlsFailure`] in [`Closed::Tls`]; the node is dialled on, since certificates get renewed.
//!
//! The feature `tls` (on by default) brings TLS with the cryptography of ring, the feature
//! `aws-lc-rs` with that of AWS-LC (beside `tls`, ring is used), and the feature `rustls` TLS
//! alone, for a provider of your own. Without all of them, a node with TLS is refused with
//! an error that names it, [`ConnectError::TlsUnavailable`] or [`Error::TlsUnavailable`].
//!
//! # Behind a reverse proxy, or through a proxy
//!
//! A path in the URI of a node stands before Lavalink's own, as a reverse proxy has it, and
//! [`NodeConfig::header`] comes with the handshake of the WebSocket and with every request.
//! [`Builder::proxy`] sends all nodes through a [`Proxy`], of HTTP or SOCKS 5, which looks up their
//! names; [`Builder::transport`] sends one node through another, past it, or through a Unix socket.
//!
//! ```
//! use lavapool::{Client, NodeConfig, Proxy, Transport, UserId};
//!
//! let eu = NodeConfig::new("eu", "https://music.example/eu", "youshallnotpass")?
//!     .header("X-Team", "music")?;
//! let us = NodeConfig::new("us", "https://us.example", "youshallnotpass")?;
//! let here = NodeConfig::new("here", "http://localhost", "youshallnotpass")?;
//! let builder = Client::builder("170939974227541168".parse::<UserId>()?)
//!     .proxy("http://user:password@proxy.example:3128".parse::<Proxy>()?)
//!     .transport("us", Transport::new().direct())
//!     .transport("here", Transport::new().unix("/run/lavalink/socket"))
//!     .nodes([eu, us, here]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Why such a node is not connected is a [`Loss`]: in [`ConnectError`], in
//! [`Event::NodeReconnecting`] and in [`NodeView::loss`]. Redirects are reported, not followed.
//!
//! | what is there | what it is told as |
//! |---|---|
//! | a redirect (301, 302, 307, 308) | [`Loss::UpgradeRefused`] with its `location` |
//! | a reverse proxy without that path, or its node | [`Loss::UpgradeRefused`] with 404, or 502 |
//! | a reverse proxy that does not pass `Upgrade` on | [`Stopped::BadRequest`] |
//! | a plain node, and the URI says `https` | [`TlsFailure::NotTls`] |
//! | a port of TLS, and the URI says `http` | [`TlsFailure::OnlyTls`] |
//! | a certificate that only itself has signed | [`TlsFailure::SelfSigned`]: `Tls::root_pem` |
//! | a certificate for another name | [`TlsFailure::WrongHost`]: `Tls::server_name` |
//! | no proxy at that place | [`ProxyFailure::Unreachable`] with the reason |
//! | a proxy that wants credentials, or others | [`ProxyFailure::Unauthorized`] |
//! | a proxy that cannot reach the node | [`ProxyFailure::Status`] or [`ProxyFailure::Reply`] |
//! | something that is no such proxy | [`ProxyFailure::Violation`], or [`ProxyFailure::Status`] |
//! | a proxy or a server that says nothing | [`Loss::ConnectTimedOut`] |
//! | no Unix socket at that path | [`Closed::Refused`] |
//!
//! # Slow, careless and failing programs
//!
//! What a program does, and what comes of it:
//!
//! - Reads no events: nothing is delayed; its [`EventStream`] loses the oldest, and
//!   [`Event::Lagged`] says how many.
//! - Asks faster than the driver takes, past [`Limits::commands_max`]: refused at once,
//!   [`SubmitError::TooManyCommands`]; voice updates are never refused, the latest counts.
//! - Drops a [`Pending`]: only the wait is gone: what was asked for is sent whole, but for a
//!   lookup that was not sent yet.
//! - Drops the future of a start: the connections that were made are closed.
//! - Drops a wait for an event: no event is lost.
//! - Drops every handle: what was asked for is done, as with [`Client::close`]; then connections
//!   are closed with a close frame, and the music plays on.
//! - Drops the [`Driver`]: connections are dropped, nodes shown as closed, calls answered with
//!   [`Error::Closed`], streams end.
//! - Blocks the thread that the driver is polled on: everything waits; then what came meanwhile
//!   counts before the deadlines that passed: no pong is missed, but for one behind 16 MiB.
//! - Panics in a [`Strategy::Custom`]: the node has no score: [`Event::StrategyFailed`].
//! - Panics in the function of [`Builder::gateway`]: that payload is lost, but for
//!   [`Event::Gateway`]; the next one comes.
//! - Panics in a callback of a [`LoadHandler`]: so does the task that awaits it, and nothing else.
//! - Has a waker that panics: that task is not woken; all others are.
//! - Panics in a task: the handles of that task are dropped.
//! - Has a [`Runtime`](runtime::Runtime) of its own that panics: so does the [`Driver`], with the
//!   end described there.
//!
//! Each of these is a test on every runtime. A panic can be caught only where panics unwind.
//!
//! # Runtimes
//!
//! | feature | runtime | to name it |
//! |---|---|---|
//! | `tokio` (default) | [tokio](https://tokio.rs) | `runtime::Tokio` |
//! | `smol` | [smol](https://docs.rs/smol) | `runtime::Smol` |
//! | `async-std` | async-std, [no longer maintained][unmaintained] | `runtime::AsyncStd` |
//!
//! Any of these can be on together, and the handles are the same types on each.
//! [`Builder::connect_on`], [`Builder::start_on`] and [`Builder::build_on`] take the runtime that
//! you name. `Builder::connect` and `Builder::start` are there with at least one of the features,
//! and find the runtime that they are called in: with one feature it is that one; with more it is
//! tokio inside a tokio runtime, async-std inside an async-std task, else smol, else async-std.
//! So a feature that another crate turns on takes no task off its own runtime; a program that has
//! several and starts the client from outside of all of them does better to name one.
//!
//! tokio lets a task read only so often in one poll, and then shows it every socket as empty. The
//! driver bounds its own work and is spawned out of that (`tokio::task::unconstrained`); whoever
//! spawns it after [`Builder::build_on`] does the same, or pongs may be missed by it after all.
//!
//! On anything else, or with none of the features, implement [`Runtime`](runtime::Runtime), about
//! a hundred lines; the example `custom_runtime` does. All decisions are made by
//! [`lavapool_core`], which does no IO and can be driven, simulated and replayed without this
//! crate; the example `manual_loop` does.
//!
//! [unmaintained]: https://rustsec.org/advisories/RUSTSEC-2025-0052.html

mod answer;
mod autoplay;
mod builder;
mod client;
mod driver;
mod error;
mod events;
mod gateway;
mod inbox;
mod lock;
mod node;
mod pending;
mod player;
mod playing;
pub mod plugins;
mod proxy;
mod queue;
mod queues;
mod recording;
mod room;
pub mod runtime;
mod shared;
mod strategy;
#[cfg(feature = "rustls")]
mod tls;
mod transport;
mod views;
mod wake;

pub use lavapool_core;
pub use lavapool_core::node::{
    Loss, NodeConfig, NodeRef, NodeView, PenaltyWeights, ReconnectPolicy, Report, ReportedNode,
    Status, Stopped,
};
pub use lavapool_core::player::{Place, PlayerView, Source, Update, Volume};
pub use lavapool_core::protocol::{
    ChannelId, Exception, Filters, GuildId, Info, LoadHandler, LoadResult, Playlist, Preset,
    RawJson, RoutePlanner, SearchSource, SessionState, SessionUpdate, Severity, Stats, Track,
    TrackEndReason, TrackInfo, UserId, VoiceState,
};
pub use lavapool_core::queue::{Queue, QueueError, QueueLimits, QueueSnapshot, Repeat};
pub use lavapool_core::{
    Candidate, Closed, ConfigError, CustomStrategy, DialFailure, Endpoint, Event, Fate,
    FetchFailure, GatewayEvent, GatewayPayload, Kinds, Leaving, Limits, Needs, NodeFailure, NodeId,
    PoolConfig, ProxyFailure, Rejoin, RequestError, Score, Secret, Seed, Shard, Strangers,
    Strategy, SubmitError, Timestamp, Timing, TlsError, TlsFailure, Unconfirmed, Verdict,
    VoiceCloseCode, VoiceRecovery, VoiceServerUpdate, VoiceStateUpdate, VoiceTrouble,
};
pub use lavapool_core::{protocol, region, rest};

pub use builder::Builder;
pub use client::Client;
pub use driver::Driver;
pub use error::{ConnectError, Error};
pub use events::EventStream;
pub use node::Node;
pub use pending::Pending;
pub use player::Player;
pub use playing::Playing;
pub use proxy::{Proxy, ProxyError};
pub use queue::QueuedPlayer;
pub use queues::Queues;
pub use recording::{Recording, RecordingFailure, RecordingState};
#[cfg(feature = "rustls")]
pub use tls::Tls;
pub use transport::Transport;

/// The code of the README, compiled.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../README.md")]
struct Readme;

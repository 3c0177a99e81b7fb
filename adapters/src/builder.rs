//! [`Builder`]: everything a client is told before it starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lavapool_core::node::{NodeConfig, ReconnectPolicy};
use lavapool_core::protocol::UserId;
use lavapool_core::recording::Header;
use lavapool_core::region::RegionMap;
use lavapool_core::{
    Fate, GatewayPayload, Kinds, Limits, Pool, PoolConfig, Rejoin, Seed, Strangers, Strategy,
    Timing,
};

use crate::client::Client;
use crate::driver::{Driver, Ready};
use crate::error::ConnectError;
use crate::events::{EventStream, Publisher};
use crate::gateway::GatewaySender;
use crate::inbox::Inbox;
use crate::proxy::Proxy;
use crate::recording::{Machine, Recorder, create};
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
use crate::runtime::Present;
use crate::runtime::{Clock, Runtime};
use crate::shared::{Handle, Shared};
use crate::strategy::guarded;
#[cfg(feature = "rustls")]
use crate::tls::Tls;
use crate::transport::{State, Transport, Transports};
use crate::views::Views;

/// Everything a client is told before it starts; made by [`Client::builder`].
///
/// What is not set has the defaults of [`PoolConfig`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    config: PoolConfig,
    seed: Option<Seed>,
    connect_deadline: Duration,
    transports: State,
    ready: Arc<Ready>,
    publisher: Publisher,
    gateway: Option<GatewaySender>,
    record: Option<PathBuf>,
}

impl Builder {
    pub(crate) fn new(user_id: UserId) -> Self {
        let ready = Arc::new(Ready::default());
        Self {
            config: PoolConfig::new(user_id),
            seed: None,
            connect_deadline: Duration::from_secs(5),
            transports: State::default(),
            publisher: Publisher::new(ready.clone()),
            ready,
            gateway: None,
            record: None,
        }
    }

    /// Adds a node. The order of nodes breaks ties. One with TLS (`https`, `wss`) needs the feature
    /// `tls`.
    pub fn node(mut self, node: NodeConfig) -> Self {
        self.config.nodes.push(node);
        self
    }

    /// Adds nodes.
    pub fn nodes(mut self, nodes: impl IntoIterator<Item = NodeConfig>) -> Self {
        self.config.nodes.extend(nodes);
        self
    }

    /// Sets whom TLS trusts, for all nodes that have no [`transport`](Self::transport) with
    /// another. Default [`Tls::new`].
    #[cfg(feature = "rustls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.transports.default = self.transports.default.tls(tls);
        self
    }

    /// Reaches all nodes by a proxy, but those that have a [`transport`](Self::transport) with
    /// another way. Default none.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.transports.default = self.transports.default.proxy(proxy);
        self
    }

    /// Sets by which way the node of this name is reached, whether it is configured here or added
    /// later.
    pub fn transport(mut self, node: impl Into<Arc<str>>, transport: Transport) -> Self {
        self.transports.nodes.insert(node.into(), transport);
        self
    }

    /// Sets how a node is chosen for a player. Default [`Strategy::Penalty`]. A panic of a
    /// [`Strategy::Custom`] is caught, and counts as no score.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.config.strategy = strategy;
        self
    }

    /// Sets for how long a node keeps the session, and the music, of a lost connection. Default
    /// 60 s; `None` switches resuming off (Lavalink: Session resuming).
    pub fn resume_for(mut self, resume_for: impl Into<Option<Duration>>) -> Self {
        self.config.resume_for = resume_for.into();
        self
    }

    /// Sets when a lost node is dialled again.
    pub fn reconnect(mut self, policy: ReconnectPolicy) -> Self {
        self.config.reconnect = policy;
        self
    }

    /// Sets what becomes of players in a resumed session that nobody here knows. Default: they
    /// are adopted.
    pub fn strangers(mut self, strangers: Strangers) -> Self {
        self.config.strangers = strangers;
        self
    }

    /// Sets whether a player moves back when the node that it was lost from is ready again.
    /// Default off.
    pub fn return_home(mut self, return_home: bool) -> Self {
        self.config.return_home = return_home;
        self
    }

    /// Sets how many results of [`Client::fetch_tracks`] are kept; the one that was used least
    /// often makes room for another (RevvLink: Cache). Default none, as `None` and 0 say.
    /// [`Client::set_cache_capacity`] changes it later.
    pub fn cache_capacity(mut self, capacity: impl Into<Option<usize>>) -> Self {
        self.config.cache_capacity = capacity.into();
        self
    }

    /// Sets how long such a result is kept. Default 1 h.
    pub fn cache_for(mut self, cache_for: Duration) -> Self {
        self.config.cache_for = cache_for;
        self
    }

    /// Takes what is to be sent on Discord's gateway when the client wants the bot to join a
    /// voice channel again, or to leave one; [`GatewayPayload`] serialises to the message. The
    /// same comes as [`Event::Gateway`](lavapool_core::Event::Gateway): use one of the two.
    ///
    /// It is called by the driver and must not block: a channel to the shard's task is a good
    /// place for it. It comes no faster than one each
    /// [`Timing::gateway_interval`](lavapool_core::Timing::gateway_interval).
    pub fn gateway(mut self, send: impl Fn(GatewayPayload) + Send + Sync + 'static) -> Self {
        self.gateway = Some(GatewaySender::new(send));
        self
    }

    /// Sets how the client joins a voice channel again when its connection there failed; see
    /// [`VoiceCloseCode`](lavapool_core::VoiceCloseCode). Default on; `None` leaves it to the
    /// bot.
    pub fn rejoin(mut self, rejoin: impl Into<Option<Rejoin>>) -> Self {
        self.config.rejoin = rejoin.into();
        self
    }

    /// Sets what becomes of a player when the bot left its voice channel, or was made to.
    /// Default: it is kept, and goes on when the bot joins again.
    pub fn on_leave(mut self, fate: Fate) -> Self {
        self.config.on_leave = fate;
        self
    }

    /// Sets after what time a player without a track, or without anybody to hear it, counts as
    /// inactive, and what becomes of it then. Default 300 s, and it is kept; `None` for never.
    pub fn inactive_after(mut self, after: impl Into<Option<Duration>>, fate: Fate) -> Self {
        self.config.inactive_after = after.into();
        self.config.on_inactive = fate;
        self
    }

    /// Sets the regions of Discord's voice servers.
    pub fn regions(mut self, regions: RegionMap) -> Self {
        self.config.regions = regions;
        self
    }

    /// Sets the `Client-Name` that nodes are told, of the form `NAME/VERSION`. Default
    /// `lavapool/` and its version.
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.config.client_name = name.into();
        self
    }

    /// Sets the bounds on memory and work.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Sets the delays and deadlines.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.config.timing = timing;
        self
    }

    /// Sets the source of all chance, for a test. Default: drawn from the system.
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = Some(seed.into());
        self
    }

    /// Records all that the client is told and sends, for a bug report: the `replay` program of
    /// lavapool's repository shows from the file what the client did, and a test can do it again.
    ///
    /// Passwords, session ids, voice tokens, the values of extra headers and what else is named as
    /// a secret are replaced by pseudonyms; names, addresses, ids of users, guilds and channels,
    /// and what was searched and played are not: see to it whom you give the file. Nobody but your
    /// user can read it (on Unix). One that is there is replaced.
    ///
    /// A secret is replaced wherever it stands: as it is, escaped in JSON, percent-encoded, and
    /// passwords and the values of extra headers also in base64, alone or behind `user:`. One that
    /// is encoded twice, or compressed, is not found. Nor is one that says nothing by itself, of
    /// fewer than six bytes, digits only, a word of the protocol such as `password`, or a part of
    /// a node's address: that is replaced only where a secret is expected.
    ///
    /// It is written by a thread of its own, and nothing waits for that: when the disk is full or
    /// too slow, or the file has reached 1 GiB, the recording stops, and
    /// [`Client::recording`] says so.
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// Sets how long [`connect_on`](Self::connect_on) and `connect` wait for the nodes. Default
    /// 5 s.
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.connect_deadline = deadline;
        self
    }

    /// Subscribes before the start, so that not even the first connection is missed. The
    /// [`limits`](Self::limits) of the start count, also those that are set after this.
    pub fn events(&self) -> EventStream {
        let events_max = self.config.limits.events_max;
        self.publisher
            .subscribers()
            .subscribe(Kinds::ALL, events_max)
    }

    /// As [`connect_on`](Self::connect_on), on the [runtime that it is called
    /// in](crate#runtimes). Cancel safe, as that.
    ///
    /// # Errors
    /// As [`connect_on`](Self::connect_on).
    ///
    /// # Panics
    /// Outside a tokio runtime, if `tokio` is the only one of the features that is on.
    #[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let deadline = self.connect_deadline;
        connected(self.start()?, deadline).await
    }

    /// As [`start_on`](Self::start_on), on the [runtime that it is called in](crate#runtimes).
    ///
    /// # Errors
    /// As [`build_on`](Self::build_on).
    ///
    /// # Panics
    /// Outside a tokio runtime, if `tokio` is the only one of the features that is on.
    #[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
    pub fn start(self) -> Result<Client, ConnectError> {
        match Present::find() {
            #[cfg(feature = "tokio")]
            Present::Tokio(runtime) => self.start_on(runtime),
            #[cfg(feature = "async-std")]
            Present::AsyncStd(runtime) => self.start_on(runtime),
            #[cfg(feature = "smol")]
            Present::Smol(runtime) => self.start_on(runtime),
        }
    }

    /// Starts the client, dials all nodes at once, and returns when each is ready or has refused
    /// for good, or when [`connect_deadline`](Self::connect_deadline) has passed. One connected
    /// node is enough: the others are dialled on, and [`Client::report`] tells how they stand.
    ///
    /// Cancel safe: the client is dropped with the future, and its connections are closed.
    ///
    /// # Errors
    /// Those of [`build_on`](Self::build_on) before anything is tried, and
    /// [`ConnectError::NoNode`] if not one node is connected in time.
    pub async fn connect_on<R: Runtime>(self, runtime: R) -> Result<Client, ConnectError> {
        let deadline = self.connect_deadline;
        connected(self.start_on(runtime)?, deadline).await
    }

    /// Starts the client and returns at once; the nodes are being dialled.
    ///
    /// # Errors
    /// As [`build_on`](Self::build_on).
    pub fn start_on<R: Runtime>(self, runtime: R) -> Result<Client, ConnectError> {
        let (client, driver) = self.build_on(runtime)?;
        driver.spawn();
        Ok(client)
    }

    /// Makes the client and the future that runs it, and leaves it to you to run that.
    ///
    /// # Errors
    /// [`ConnectError::Config`], [`ConnectError::TlsUnavailable`] and `ConnectError::Tls`: what can
    /// be known to be wrong with the configuration. [`ConnectError::Recording`] if the file of
    /// [`record`](Self::record) cannot be made.
    pub fn build_on<R: Runtime>(self, runtime: R) -> Result<(Client, Driver<R>), ConnectError> {
        let transports = Transports::new(self.transports);
        for node in &self.config.nodes {
            if let Some(refusal) = transports.refusal(node) {
                return Err(ConnectError::of_tls(node.name().clone(), refusal));
            }
        }
        let runtime = Arc::new(runtime);
        let seed = self.seed.unwrap_or_else(drawn_seed);
        let mut config = self.config;
        config.strategy = guarded(config.strategy);
        let (user_id, limits) = (config.user_id, config.limits.clone());
        let (strategy, regions) = (config.strategy.clone(), config.regions.clone());
        let now = Runtime::now(&*runtime);
        let recorder = self.record.map(|path| begin(&path)).transpose()?;
        if let Some(recorder) = &recorder {
            recorder.header(Header::new(config.clone(), seed, now));
            config.strategy = recorder.tap(config.strategy);
        }
        let pool = Pool::new(config, seed, now)?;
        self.publisher.set_events_max(limits.events_max);
        let shared = Arc::new(Shared {
            user_id,
            events_max: limits.events_max,
            strategy,
            regions,
            clock: runtime.clone() as Arc<dyn Clock>,
            gateway: self.gateway,
            inbox: Inbox::new(limits.commands_max, self.ready.clone()),
            views: Views::new(&pool),
            transports,
            subscribers: self.publisher.subscribers().clone(),
            recording: recorder.as_ref().map(Recorder::handle),
        });
        let pool = Machine::new(pool, recorder);
        let driver = Driver::new(runtime, pool, shared.clone(), self.publisher, self.ready);
        Ok((Client::new(Handle::new(shared)), driver))
    }
}

/// Waits until each node is ready or has refused, or has had its time.
async fn connected(client: Client, deadline: Duration) -> Result<Client, ConnectError> {
    let nodes = client.within(deadline).nodes();
    let waits: Vec<_> = nodes.iter().map(crate::Node::ready).collect();
    for wait in waits {
        // Why a node is not ready is in the report.
        let _ = wait.await;
    }
    let report = client.report();
    if report.connected() == 0 {
        return Err(ConnectError::NoNode { report });
    }
    Ok(client)
}

/// Makes the file of a recording, and begins to write it.
fn begin(path: &Path) -> Result<Recorder, ConnectError> {
    let recorder = create(path).and_then(Recorder::start);
    recorder.map_err(|error| ConnectError::Recording {
        path: path.into(),
        error: error.kind(),
    })
}

/// A seed from the system.
pub(crate) fn drawn_seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    Seed::new(bytes)
}

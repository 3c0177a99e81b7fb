//! [`Transport`]: by which way nodes are reached.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lavapool_core::node::NodeConfig;

use crate::lock::lock;
use crate::proxy::Proxy;
#[cfg(feature = "rustls")]
use crate::tls::Tls;

/// By which way a node is reached: whom TLS trusts, and what lies between.
///
/// It belongs to a node by name, with [`Builder::transport`](crate::Builder::transport) or
/// [`Client::set_transport`](crate::Client::set_transport). What it does not set is as
/// `Builder::tls` and [`Builder::proxy`](crate::Builder::proxy) say for
/// all nodes.
///
/// ```
/// use lavapool::{Client, NodeConfig, Proxy, Transport, UserId};
///
/// // All nodes by a proxy, but for the one on this machine.
/// let builder = Client::builder("170939974227541168".parse::<UserId>()?)
///     .proxy("socks5://user:password@proxy.example:1080".parse::<Proxy>()?)
///     .transport("here", Transport::new().unix("/run/lavalink/socket"))
///     .node(NodeConfig::new("eu", "https://eu.example", "youshallnotpass")?)
///     .node(NodeConfig::new("here", "http://localhost", "youshallnotpass")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transport {
    #[cfg(feature = "rustls")]
    tls: Option<Tls>,
    way: Option<Way>,
}

/// What lies between us and a node.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    Direct,
    Proxy(Proxy),
    Unix(PathBuf),
}

impl Transport {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whom TLS trusts.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Reaches the node by a proxy, which also looks up its name.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.way = Some(Way::Proxy(proxy));
        self
    }

    /// Reaches the node by a Unix socket. Its URI says only whether TLS is spoken there and what
    /// the host is called. On a runtime without Unix sockets the node is dialled on its schedule
    /// in vain, and says so:
    /// [`Closed::UnixUnavailable`](lavapool_core::Closed::UnixUnavailable).
    #[must_use]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.way = Some(Way::Unix(path.into()));
        self
    }

    /// Reaches the node by TCP, whatever is said for all nodes.
    #[must_use]
    pub fn direct(mut self) -> Self {
        self.way = Some(Way::Direct);
        self
    }
}

/// The transports of a client's nodes.
#[derive(Debug, Default)]
pub(crate) struct Transports {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What counts for all.
    pub(crate) default: Transport,
    pub(crate) nodes: BTreeMap<Arc<str>, Transport>,
}

/// The way to one node, with nothing left open.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) way: Way,
    #[cfg(feature = "rustls")]
    pub(crate) tls: Tls,
}

impl Transports {
    pub(crate) fn new(mut state: State) -> Self {
        #[cfg(feature = "rustls")]
        // One for all, so that they share what it builds.
        state.default.tls.get_or_insert_default();
        state.default.way.get_or_insert(Way::Direct);
        let state = Mutex::new(state);
        Self { state }
    }

    /// From the next dial on. What TLS needs is made before that, by whoever calls this: it may
    /// be read from disk, which the driver does not wait for.
    pub(crate) fn set(&self, node: Arc<str>, transport: Option<Transport>) -> Result<(), Refusal> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = self.news(&node, transport.as_ref()) {
            tls.check()?;
        }
        let nodes = &mut lock(&self.state).nodes;
        match transport {
            Some(transport) => drop(nodes.insert(node, transport)),
            None => drop(nodes.remove(&node)),
        }
        Ok(())
    }

    /// The TLS that a node would have by this transport, unless it has that already.
    #[cfg(feature = "rustls")]
    fn news(&self, node: &str, transport: Option<&Transport>) -> Option<Tls> {
        if let Some(own) = transport.and_then(|transport| transport.tls.clone()) {
            return Some(own);
        }
        let state = lock(&self.state);
        let has_own = |transport: &Transport| transport.tls.is_some();
        let had_own = state.nodes.get(node).is_some_and(has_own);
        state.default.tls.clone().filter(|_| had_own)
    }

    pub(crate) fn route(&self, node: &str) -> Route {
        let state = lock(&self.state);
        let own = state.nodes.get(node);
        let way = own.and_then(|own| own.way.clone());
        let way = way.or_else(|| state.default.way.clone());
        #[cfg(feature = "rustls")]
        let tls = own.and_then(|own| own.tls.clone());
        Route {
            way: way.unwrap_or(Way::Direct),
            #[cfg(feature = "rustls")]
            tls: tls
                .or_else(|| state.default.tls.clone())
                .unwrap_or_default(),
        }
    }

    /// Why a node cannot be dialled, if that is known already.
    pub(crate) fn refusal(&self, config: &NodeConfig) -> Option<Refusal> {
        if !config.endpoint().is_secure() {
            return None;
        }
        #[cfg(feature = "rustls")]
        return self.route(config.name()).tls.check().err();
        #[cfg(not(feature = "rustls"))]
        Some(Refusal)
    }
}

/// What is wrong with the TLS of a node.
#[cfg(feature = "rustls")]
pub(crate) type Refusal = lavapool_core::TlsError;

/// There is no TLS.
#[cfg(not(feature = "rustls"))]
pub(crate) struct Refusal;

#[cfg(all(test, feature = "tokio", not(feature = "rustls")))]
mod tests {
    use lavapool_core::node::NodeConfig;
    use lavapool_core::protocol::UserId;

    use crate::{Client, ConnectError, Error};

    #[tokio::test]
    async fn without_tls_a_node_that_asks_for_it_is_refused_by_name() {
        let node = |uri| NodeConfig::new("main", uri, "youshallnotpass").unwrap();
        let builder = || Client::builder(UserId::new(42).unwrap());
        let name = || "main".into();

        let started = builder().node(node("https://localhost")).start();
        let client = builder().start().unwrap();
        let added = client.add_node(node("wss://localhost")).await;

        let refused = ConnectError::TlsUnavailable { node: name() };
        assert_eq!(started.map(drop).unwrap_err(), refused);
        assert_eq!(added.unwrap_err(), Error::TlsUnavailable { node: name() });
    }
}

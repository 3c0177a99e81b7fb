//! [`Servers`]: test nodes on real sockets, by each way that leads to a node.

#[cfg(unix)]
use std::path::PathBuf;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering};

use lavapool::runtime::Runtime;
use lavapool::{Builder, Event, Loss, NodeConfig, Tls};
use lavapool_tests::node::{self, Listener};
use lavapool_tests::proxy::{Proxy, ProxyServer};
use lavapool_tests::tls::{Authority, TlsLog, TlsRecord, TlsServer};
#[cfg(unix)]
use tokio::io::copy_bidirectional;
#[cfg(unix)]
use tokio::net::{TcpStream, UnixListener};

#[cfg(unix)]
use crate::nginx::{self, Nginx};

/// Test nodes on ports that the system chose, whichever runtime their client is on.
pub(crate) struct Servers {
    pub(crate) tokio: tokio::runtime::Runtime,
    pub(crate) first: Listener,
    pub(crate) second: Listener,
    way: Way,
    authority: Authority,
    tls: [TlsLog; 2],
    proxy: Option<ProxyServer>,
    #[cfg(unix)]
    nginx: Option<Nginx>,
    /// Unix sockets, if those lead to the nodes.
    doors: Vec<Door>,
}

/// What leads to the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Tls,
    #[cfg(unix)]
    UnixAndTls,
    Http,
    HttpAndTls,
    Socks,
    SocksAndTls,
    #[cfg(unix)]
    Nginx,
}

impl Way {
    /// Whether all is installed that it takes.
    pub(crate) fn is_open(self) -> bool {
        #[cfg(unix)]
        return self != Self::Nginx || nginx::program().is_some();
        #[cfg(not(unix))]
        true
    }

    /// Whether nodes speak TLS themselves.
    fn has_tls(self) -> bool {
        match self {
            Self::Plain | Self::Http | Self::Socks => false,
            Self::Tls | Self::HttpAndTls | Self::SocksAndTls => true,
            #[cfg(unix)]
            Self::UnixAndTls => true,
            #[cfg(unix)]
            Self::Nginx => false,
        }
    }

    /// The proxy, and the scheme of its URI.
    fn proxy(self) -> Option<(Proxy, &'static str)> {
        match self {
            Self::Http | Self::HttpAndTls => Some((Proxy::http(), "http")),
            Self::Socks | Self::SocksAndTls => Some((Proxy::socks(), "socks5")),
            Self::Plain | Self::Tls => None,
            #[cfg(unix)]
            Self::UnixAndTls | Self::Nginx => None,
        }
    }
}

impl Servers {
    pub(crate) fn start(way: Way) -> Self {
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let authority = Authority::new("the tests");
        let start = |name| {
            let server = TlsServer::new(authority.issue(&HOSTS));
            let (log, mut config) = (server.log(), node::NodeConfig::new(name));
            config.front = way.has_tls().then(|| server.front());
            (tokio.block_on(Listener::start(config)).unwrap(), log)
        };
        let [(first, first_log), (second, second_log)] = ["first", "second"].map(start);
        Self {
            doors: doors(way, &tokio, [&first, &second]),
            proxy: way.proxy().map(|(proxy, _)| {
                let names = ["second.test:80", "second.test:443"];
                let names = names.map(|name| (name.to_owned(), second.address()));
                tokio.block_on(ProxyServer::start(&proxy, names)).unwrap()
            }),
            #[cfg(unix)]
            nginx: (way == Way::Nginx).then(|| {
                let identity = authority.issue(&["127.0.0.1"]);
                Nginx::start(&identity, [first.address(), second.address()])
            }),
            tokio,
            first,
            second,
            way,
            authority,
            tls: [first_log, second_log],
        }
    }

    /// The first node, or the second.
    pub(crate) fn config(&self, name: &str) -> NodeConfig {
        let listener = match name {
            "first" => &self.first,
            _ => &self.second,
        };
        NodeConfig::from_uri(name, &self.uri(listener)).unwrap()
    }

    /// Where a node is, each on a host of its own name, since TLS keeps tickets by those.
    pub(crate) fn uri(&self, listener: &Listener) -> String {
        let scheme = if self.way.has_tls() { "https" } else { "http" };
        let is_second = listener.address() == self.second.address();
        let name = if is_second { "second" } else { "first" };
        #[cfg(unix)]
        if let Some(nginx) = &self.nginx {
            return nginx.uri(name);
        }
        // Nobody else would find the host by its name. A proxy is given an address too.
        if !self.doors.is_empty() || (self.proxy.is_some() && is_second) {
            return format!("{scheme}://{name}.test");
        }
        let port = listener.address().port();
        let host = if is_second { "localhost" } else { "127.0.0.1" };
        format!("{scheme}://{host}:{port}")
    }

    /// A client that knows the way to `first`, to `second`, and to the second as `wrong`.
    pub(crate) fn lead(&self, builder: Builder) -> Builder {
        let tls = Tls::new().without_platform_roots();
        let mut builder = builder.tls(tls.root_pem(self.authority.pem()).unwrap());
        if let (Some(proxy), Some((_, scheme))) = (&self.proxy, self.way.proxy()) {
            let uri = format!("{scheme}://bot:secret@{}", proxy.address());
            builder = builder.proxy(uri.parse().unwrap());
        }
        #[cfg(unix)]
        if let [first, second] = &*self.doors {
            let unix = |door: &Door| lavapool::Transport::new().unix(&door.0);
            let builder = builder.transport("first", unix(first));
            let builder = builder.transport("second", unix(second));
            return builder.transport("wrong", unix(second));
        }
        builder
    }

    /// Fails unless the client came by this way, and by no other.
    pub(crate) fn assert_way(&self) {
        for log in &self.tls {
            let mut agreed = log.to_vec();
            agreed.retain(|record| record.agreed);
            // A WebSocket and a REST socket at least, and one of them with a ticket of another.
            assert_eq!(agreed.len() >= 2, self.way.has_tls(), "{log:?}");
            let resumes = agreed.iter().any(|record| record.resumed);
            assert_eq!(resumes, self.way.has_tls(), "{log:?}");
            let is_http = |record: &TlsRecord| record.protocol.as_deref() == Some("http/1.1");
            assert!(agreed.iter().all(is_http), "{log:?}");
        }
        #[cfg(unix)]
        if self.nginx.is_some() {
            self.assert_nginx();
        }
        if let Some(proxy) = &self.proxy {
            let asked = proxy.asked();
            let port = if self.way.has_tls() { 443 } else { 80 };
            for host in [
                self.first.address().to_string(),
                format!("second.test:{port}"),
            ] {
                let times = asked.iter().filter(|asked| **asked == host).count();
                assert!(times >= 2, "{times} connections to {host}: {asked:?}");
            }
        }
        #[cfg(unix)]
        for door in &self.doors {
            let passed = door.1.load(Ordering::SeqCst);
            assert!(passed >= 2, "{passed} connections through a socket");
        }
    }

    /// Fails if anybody but nginx came, which calls nodes as its configuration does.
    #[cfg(unix)]
    fn assert_nginx(&self) {
        for (name, listener) in [("first", &self.first), ("second", &self.second)] {
            let strangers = listener.with(move |node| {
                let mut handshakes = node.log().handshakes.clone();
                handshakes.retain(|handshake| handshake.header("host") != Some(name));
                handshakes
            });
            assert_eq!(self.tokio.block_on(strangers), []);
        }
    }

    /// Fails unless a connection with TLS to each node was ended by the client as TLS has it.
    pub(crate) fn assert_goodbye(&self) {
        for log in self.tls.iter().filter(|_| self.way.has_tls()) {
            assert!(log.wait_for(|record| record.said_goodbye), "{log:?}");
        }
    }
}

/// Why a node behind a Unix socket that is not there cannot be reached.
#[cfg(unix)]
pub(crate) async fn absent<R: Runtime>(runtime: R) -> Loss {
    let transport = lavapool::Transport::new().unix("/nonexistent/lavalink");
    let builder = crate::builder().transport("main", transport);
    let node = NodeConfig::from_uri("main", "http://main").unwrap();
    loss_of(runtime, builder.node(node)).await
}

/// Why the client's only node cannot be reached.
pub(crate) async fn loss_of<R: Runtime>(runtime: R, builder: Builder) -> Loss {
    let client = builder.start_on(runtime).unwrap();
    let mut events = client.events();
    loop {
        let event = events.next().await.unwrap();
        if let Event::NodeReconnecting { loss, .. } = event {
            return loss;
        }
    }
}

/// By what names nodes are called.
const HOSTS: [&str; 4] = ["127.0.0.1", "localhost", "first.test", "second.test"];

#[cfg(not(unix))]
type Door = std::convert::Infallible;

#[cfg(not(unix))]
fn doors(_: Way, _: &tokio::runtime::Runtime, _: [&Listener; 2]) -> Vec<Door> {
    Vec::new()
}

/// A Unix socket that leads to a node, and how many connections went through.
#[cfg(unix)]
struct Door(PathBuf, Arc<AtomicUsize>);

#[cfg(unix)]
fn doors(way: Way, tokio: &tokio::runtime::Runtime, to: [&Listener; 2]) -> Vec<Door> {
    let _entered = tokio.enter();
    match way {
        Way::UnixAndTls => to.map(Door::open).into(),
        _ => Vec::new(),
    }
}

#[cfg(unix)]
impl Door {
    fn open(to: &Listener) -> Self {
        let address = to.address();
        let name = format!("lavapool-runtimes-{}", address.port());
        let door = Self(std::env::temp_dir().join(name), Arc::default());
        let (unix, passed) = (UnixListener::bind(&door.0).unwrap(), door.1.clone());
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = unix.accept().await {
                passed.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // Behind the door of a dead node there is nobody, and the client hears of it.
                    if let Ok(mut outside) = TcpStream::connect(address).await {
                        outside.set_nodelay(true).unwrap();
                        // It ends when both ends have, or when one is reset.
                        let _ = copy_bidirectional(&mut inside, &mut outside).await;
                    }
                });
            }
        });
        door
    }
}

#[cfg(unix)]
impl Drop for Door {
    fn drop(&mut self) {
        // Whoever cleans the folder may have been faster.
        let _ = std::fs::remove_file(&self.0);
    }
}

//! A runtime in virtual time: the real driver and the real handles, without a port or a sleep.
//!
//! [`SimRuntime`] implements the client's [`Runtime`] with one thread, pipes in memory, and a
//! clock that jumps to whatever happens next once every task waits. [`TestNode`]s are at the other
//! end of the pipes. The same program gives the same bytes at the same times.
//!
//! ```
//! use lavapool::{Client, NodeConfig, UserId};
//! use lavapool_tests::node;
//! use lavapool_tests::sim::SimRuntime;
//!
//! SimRuntime::run(|sim| async move {
//!     sim.add_node("main", node::NodeConfig::new("main"));
//!     let config = NodeConfig::from_uri("main", "http://main:2333")?;
//!     let client = Client::builder(UserId::new(42).expect("42 is not zero"))
//!         .node(config)
//!         .connect_on(sim.clone())
//!         .await?;
//!     sim.sleep(std::time::Duration::from_secs(86_400)).await;
//!     assert_eq!(client.report().connected(), 1);
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })
//! # .expect("the node is there");
//! ```

mod executor;
mod network;
mod pipe;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime, Timer};

pub use self::pipe::SimSocket;

use self::executor::Executor;
use self::network::Network;
use crate::node::{Accepting, NodeConfig, TestNode};

/// A runtime in virtual time, with its network and the nodes there. Clones are the same runtime.
#[derive(Clone)]
pub struct SimRuntime {
    executor: Arc<Executor>,
    network: Arc<Mutex<Network>>,
}

impl SimRuntime {
    /// Runs a program to its end, and drops what it has spawned.
    ///
    /// # Panics
    /// When the program waits for something that will never happen, or goes round in circles
    /// while no time passes.
    pub fn run<T, F: Future<Output = T>>(program: impl FnOnce(Self) -> F) -> T {
        let sim = Self {
            executor: Arc::default(),
            network: Arc::default(),
        };
        let executor = sim.executor.clone();
        let network = sim.network.clone();
        let result = executor.run(program(sim), || lock(&network).advance());
        executor.clear();
        result
    }

    /// Starts a node that `http://NAME:2333` leads to.
    pub fn add_node(&self, name: &str, config: NodeConfig) {
        self.network().add_node(name, config);
    }

    /// Lets a name lead to several nodes, to be tried in this order.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn add_alias(&self, alias: &str, names: &[&str]) {
        self.network().add_alias(alias, names);
    }

    /// Gives a node an IPv6 address in place of its IPv4 one.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn give_ipv6(&self, name: &str) {
        self.network().give_ipv6(name);
    }

    /// Runs a closure on a node, after everything that was due. [`TestNode::now`] is the present
    /// there.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn with<T>(&self, name: &str, use_node: impl FnOnce(&mut TestNode) -> T) -> T {
        self.network().with(name, use_node)
    }

    /// Kills a node: connections are reset, new ones refused, sessions and players lost.
    pub fn kill(&self, name: &str) {
        self.with(name, |node| {
            node.faults().accepting = Accepting::Refuse;
            node.restart(node.now());
        });
    }

    /// Starts a killed node anew, without any memory.
    pub fn restart(&self, name: &str) {
        self.with(name, |node| {
            node.faults().accepting = Accepting::Serve;
            node.restart(node.now());
        });
    }

    /// Lets connections to a node be neither accepted nor refused, or takes that back.
    pub fn cut_off(&self, name: &str, is_cut_off: bool) {
        self.network().cut_off(name, is_cut_off);
    }

    /// Sets how many bytes a pipe takes before its reader has had them, and hands out at once.
    /// Default 64 KiB.
    pub fn set_window(&self, bytes: usize) {
        self.network().window_bytes = bytes.max(1);
    }

    /// Sets how long bytes are on their way. Default 1 ms.
    pub fn set_latency(&self, latency: Duration) {
        self.network().latency = latency;
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.network().now
    }

    /// Lets time pass.
    pub async fn sleep(&self, time: Duration) {
        let mut timer = self.timer();
        timer.reset(Runtime::now(self) + time);
        poll_fn(|cx| timer.poll(cx)).await;
    }

    /// How often a task was polled since the start.
    pub fn polls(&self) -> u64 {
        self.executor.polls()
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }
}

impl Runtime for SimRuntime {
    type Socket = SimSocket;
    type Timer = SimTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.elapsed()
    }

    fn timer(&self) -> SimTimer {
        SimTimer {
            number: self.network().timer(),
            at: Duration::ZERO,
            sim: self.clone(),
        }
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        std::future::ready(self.network().resolve(host, port))
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<SimSocket> {
        let network = self.network.clone();
        async move {
            let pipe = lock(&network).dial(address)?;
            // Given up with the future, if that is dropped.
            let socket = SimSocket::new(network.clone(), pipe);
            poll_fn(|cx| lock(&network).poll_dial(pipe, cx)).await?;
            Ok(socket)
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(Box::pin(future));
    }
}

impl std::fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimRuntime")
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}

/// A timer of a [`SimRuntime`].
#[derive(Debug)]
pub struct SimTimer {
    number: u64,
    at: Duration,
    sim: SimRuntime,
}

impl Timer for SimTimer {
    fn reset(&mut self, at: Timestamp) {
        self.sim.network().disarm(self.at, self.number);
        self.at = at.since(Timestamp::ZERO);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut network = self.sim.network();
        if self.at <= network.now {
            return Poll::Ready(());
        }
        network.arm(self.at, self.number, cx.waker());
        Poll::Pending
    }
}

impl Drop for SimTimer {
    fn drop(&mut self) {
        self.sim.network().disarm(self.at, self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics with a lock held")
}

/// The error of a connection that the peer has reset.
fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

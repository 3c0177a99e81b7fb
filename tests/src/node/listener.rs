//! A test node on a real port of the loopback interface, for tests of whole programs.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use std::{fmt, io};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::{Accepting, Action, ConnectionId, How, NodeConfig, TestNode};

/// A [`TestNode`] that listens on a port of the loopback interface, which stays its own until it is
/// dropped.
///
/// One task owns the node; [`with`](Self::with) runs a closure in it. The handle needs a tokio
/// runtime to start, and none to be used.
pub struct Listener {
    address: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    driver: AbortHandle,
}

impl Listener {
    /// Starts a node with seed 0 on a port of `127.0.0.1` that the system chooses.
    pub async fn start(config: NodeConfig) -> io::Result<Self> {
        Self::start_seeded(config, 0).await
    }

    /// Starts a node with a seed on a port of `127.0.0.1` that the system chooses.
    pub async fn start_seeded(config: NodeConfig, seed: u64) -> io::Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), config, seed).await
    }

    /// Starts a node with a seed on a port of this address that the system chooses.
    pub async fn start_at(ip: IpAddr, mut config: NodeConfig, seed: u64) -> io::Result<Self> {
        let socket = bound((ip, 0).into())?;
        let address = socket.local_addr()?;
        config.authority = address.to_string();
        let node = TestNode::new(config, seed, Duration::ZERO);
        let (commands, received) = mpsc::unbounded_channel();
        let (inputs, arrived) = mpsc::channel(INPUTS_MAX);
        let driver = Driver {
            node,
            origin: Instant::now(),
            address,
            port: Port::Listening(socket.listen(BACKLOG)?),
            sockets: BTreeMap::new(),
            tasks: JoinSet::new(),
            inputs,
        };
        let driver = tokio::spawn(driver.run(received, arrived)).abort_handle();
        Ok(Self {
            address,
            commands,
            driver,
        })
    }

    /// Returns the address as a client is configured with it, such as `http://127.0.0.1:PORT`.
    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs a closure on the node, after everything that was due, and returns its result when
    /// the network has been told what came of it. [`TestNode::now`] is the present there.
    pub async fn with<T: Send + 'static>(
        &self,
        use_node: impl FnOnce(&mut TestNode) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = oneshot::channel();
        let command: Command = Box::new(move |node| {
            let result = use_node(node);
            // Nobody waits if the caller's future was dropped.
            Box::new(move || drop(answer.send(result)))
        });
        self.commands
            .send(command)
            .expect("the driver lives as long as its listener");
        answered.await.expect("the driver answers every command")
    }

    /// Kills the node: connections are reset, new ones refused, sessions and players lost.
    pub async fn kill(&self) {
        self.with(|node| {
            node.faults().accepting = Accepting::Refuse;
            node.restart(node.now());
        })
        .await;
    }

    /// Starts the node anew on the same port, without any memory, whether or not it was killed.
    pub async fn restart(&self) {
        self.with(|node| {
            node.faults().accepting = Accepting::Serve;
            node.restart(node.now());
        })
        .await;
    }

    /// Resets every connection; sessions that can be resumed wait for it.
    pub async fn drop_connections(&self) {
        self.with(|node| node.drop_connections(How::Reset, node.now()))
            .await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Runs on the node, and returns what is to be done when the network was told.
type Command = Box<dyn FnOnce(&mut TestNode) -> Box<dyn FnOnce() + Send> + Send>;

/// What a connection has to say.
enum Input {
    Received(ConnectionId, Vec<u8>),
    Closed(ConnectionId, bool),
}

/// What a connection is to do.
enum Order {
    Send(Vec<u8>),
    Close(How),
}

/// A port that is listened on, or kept so that nobody else takes it while the node is dead.
enum Port {
    Listening(TcpListener),
    Reserved(TcpSocket),
    /// Between the two.
    Changing,
}

struct Driver {
    node: TestNode,
    origin: Instant,
    address: SocketAddr,
    port: Port,
    sockets: BTreeMap<ConnectionId, mpsc::UnboundedSender<Order>>,
    /// Aborted with the driver, which resets the connections.
    tasks: JoinSet<()>,
    inputs: mpsc::Sender<Input>,
}

impl Driver {
    async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        mut arrived: mpsc::Receiver<Input>,
    ) {
        loop {
            let deadline = self.node.poll_timeout().map(|at| self.origin + at);
            tokio::select! {
                biased;
                command = commands.recv() => {
                    let Some(command) = command else { return };
                    self.node.handle_timeout(self.origin.elapsed());
                    let answer = command(&mut self.node);
                    self.settle();
                    answer();
                }
                Some(input) = arrived.recv() => self.take(input),
                stream = self.port.accept() => self.open(stream),
                () = sleep_until(deadline) => self.node.handle_timeout(self.origin.elapsed()),
                Some(_) = self.tasks.join_next() => {}
            }
            self.settle();
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.origin.elapsed();
        match input {
            Input::Received(connection, bytes) => self.node.receive(connection, &bytes, now),
            Input::Closed(connection, reset) => {
                self.node.peer_closed(connection, reset, now);
                if reset {
                    self.sockets.remove(&connection);
                }
            }
        }
    }

    fn open(&mut self, stream: TcpStream) {
        let connection = self.node.accept(self.origin.elapsed());
        let (orders, ordered) = mpsc::unbounded_channel();
        self.sockets.insert(connection, orders);
        self.tasks
            .spawn(serve(connection, stream, ordered, self.inputs.clone()));
    }

    /// Tells the network what the node wants, and opens or closes the port as it wishes.
    fn settle(&mut self) {
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Send(connection, bytes) => self.order(connection, Order::Send(bytes)),
                Action::Close(connection, how) => {
                    self.order(connection, Order::Close(how));
                    self.sockets.remove(&connection);
                }
            }
        }
        let port = std::mem::replace(&mut self.port, Port::Changing);
        let changed = port.turn(self.node.accepts(), self.address);
        self.port = changed.expect("the port of a test node stays its own");
    }

    fn order(&self, connection: ConnectionId, order: Order) {
        if let Some(orders) = self.sockets.get(&connection) {
            // A connection that has just ended takes no more orders.
            let _ = orders.send(order);
        }
    }
}

impl Port {
    async fn accept(&self) -> TcpStream {
        match self {
            Self::Listening(listener) => loop {
                // What fails here is one client's connection, not the listener.
                if let Ok((stream, _)) = listener.accept().await {
                    return stream;
                }
            },
            Self::Reserved(_) | Self::Changing => std::future::pending().await,
        }
    }

    fn turn(self, accepts: bool, address: SocketAddr) -> io::Result<Self> {
        match (self, accepts) {
            (Self::Reserved(socket), true) => socket.listen(BACKLOG).map(Self::Listening),
            (Self::Listening(listener), false) => {
                drop(listener);
                bound(address).map(Self::Reserved)
            }
            (port, _) => Ok(port),
        }
    }
}

/// Binds an address that connections of an earlier socket may still use.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Moves the bytes of one connection. Whatever drops it without a word resets it.
async fn serve(
    connection: ConnectionId,
    mut stream: TcpStream,
    mut orders: mpsc::UnboundedReceiver<Order>,
    inputs: mpsc::Sender<Input>,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut is_open = stream.set_zero_linger().is_ok() && stream.set_nodelay(true).is_ok();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(bytes)) => {
                    if stream.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
                Some(Order::Close(How::Fin)) => {
                    finish(stream).await;
                    return;
                }
                Some(Order::Close(How::Reset)) | None => return,
            },
            read = stream.read(&mut buffer), if is_open => {
                let input = match read {
                    Ok(0) => {
                        is_open = false;
                        Input::Closed(connection, false)
                    }
                    Ok(count) => Input::Received(connection, buffer[..count].to_vec()),
                    Err(_) => break,
                };
                if inputs.send(input).await.is_err() {
                    return;
                }
            }
        }
    }
    // The driver may be gone already.
    let _ = inputs.send(Input::Closed(connection, true)).await;
}

/// Sends a FIN and reads on until the peer has closed too: a socket that is closed with unread
/// bytes resets the connection, and the peer would lose what was sent last.
async fn finish(mut stream: TcpStream) {
    let mut ignored = [0; 1024];
    if stream.shutdown().await.is_ok() {
        let drained = async { while matches!(stream.read(&mut ignored).await, Ok(1..)) {} };
        // Nothing depends on whether the peer closes in time.
        let _ = tokio::time::timeout(LINGER_MAX, drained).await;
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

const BACKLOG: u32 = 1024;
const INPUTS_MAX: usize = 1024;
const BUFFER_BYTES: usize = 16 * 1024;
const LINGER_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_killed_node_refuses_connections_until_it_is_restarted() -> io::Result<()> {
        let listener = Listener::start(NodeConfig::new("a")).await?;
        let mut stream = TcpStream::connect(listener.address()).await?;
        assert_eq!(ask_version(&mut stream).await?, "4.2.2");
        listener.kill().await;
        let ended = stream
            .read(&mut [0; 16])
            .await
            .map_err(|error| error.kind());
        assert_eq!(ended, Err(io::ErrorKind::ConnectionReset));
        let refused = TcpStream::connect(listener.address())
            .await
            .map_err(|error| error.kind());
        assert_eq!(refused.map(|_| ()), Err(io::ErrorKind::ConnectionRefused));
        listener.restart().await;
        let mut stream = TcpStream::connect(listener.address()).await?;
        assert_eq!(ask_version(&mut stream).await?, "4.2.2");
        let requests = listener.with(|node| node.log().requests.len()).await;
        assert_eq!(requests, 2);
        Ok(())
    }

    #[tokio::test]
    async fn a_closed_connection_delivers_what_was_sent_before() -> io::Result<()> {
        let listener = Listener::start(NodeConfig::new("a")).await?;
        let mut stream = TcpStream::connect(listener.address()).await?;
        stream.write_all(b"\x16\x03\x01\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        assert!(answer.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
        Ok(())
    }

    #[tokio::test]
    async fn a_timer_of_the_node_is_kept() -> io::Result<()> {
        let mut config = NodeConfig::new("a");
        config.latency.other = Duration::from_millis(30);
        let listener = Listener::start(config).await?;
        let asked_at = Instant::now();
        let mut stream = TcpStream::connect(listener.address()).await?;
        assert_eq!(ask_version(&mut stream).await?, "4.2.2");
        assert!(asked_at.elapsed() >= Duration::from_millis(30));
        Ok(())
    }

    async fn ask_version(stream: &mut TcpStream) -> io::Result<String> {
        let request = b"GET /version HTTP/1.1\r\nHost: a\r\nAuthorization: youshallnotpass\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            answer.push(stream.read_u8().await?);
        }
        let mut body = [0; 5];
        stream.read_exact(&mut body).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

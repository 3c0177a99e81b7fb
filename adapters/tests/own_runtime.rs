//! The client on a runtime of the program's own, as it is built with no feature at all:
//! `cargo test -p lavapool --no-default-features --test own_runtime`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

use async_executor::Executor;
use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use lavapool::runtime::{Attempt, Runtime, Socket, Timer};
use lavapool::{Client, Closed, Event, Leaving, Loss, NodeConfig, Timestamp, UserId};
use tungstenite::handshake::derive_accept_key;

#[test]
fn a_client_connects_asks_and_leaves() {
    let uri = format!("http://{}", serve().unwrap());
    run(async |on| {
        let client = connect(on, &uri).await;

        assert_eq!(client.report().connected(), 1);
        let version = client.node("own").unwrap().version().await;
        assert_eq!(version.as_deref(), Ok("4.2.2"));
        assert_eq!(client.close(Leaving::Keep).await, Ok(()));
    });
}

#[test]
fn what_the_runtime_does_not_have_is_said() {
    let uri = format!("http://{}", serve().unwrap());
    run(async |on| {
        let unix = lavapool::Transport::new().unix("/nonexistent/lavalink");
        let node = NodeConfig::from_uri("own", &uri).unwrap();
        let builder = builder().node(node).transport("own", unix);
        let client = builder.start_on(on).unwrap();
        let mut events = client.events();

        let loss = loop {
            let event = events.next().await.unwrap();
            if let Event::NodeReconnecting { loss, .. } = event {
                break loss;
            }
        };
        assert_eq!(loss, Loss::Socket(Closed::UnixUnavailable));
    });
}

fn builder() -> lavapool::Builder {
    Client::builder(UserId::new(42).unwrap())
}

async fn connect(on: Own, uri: &str) -> Client {
    let node = NodeConfig::from_uri("own", uri).unwrap();
    builder().node(node).connect_on(on).await.unwrap()
}

/// Runs something on a runtime of its own, with the client's tasks beside it.
fn run(program: impl AsyncFnOnce(Own)) {
    let executor = Arc::new(Executor::new());
    let on = Own(executor.clone(), Instant::now());
    async_io::block_on(executor.run(program(on)));
}

/// An executor, and the origin of a clock.
struct Own(Arc<Executor<'static>>, Instant);

struct OwnSocket(Async<TcpStream>);

struct OwnTimer(async_io::Timer, Instant);

impl Runtime for Own {
    type Socket = OwnSocket;
    type Timer = OwnTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.1.elapsed()
    }

    fn timer(&self) -> OwnTimer {
        OwnTimer(async_io::Timer::never(), self.1)
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        // Of an address nobody has to be asked.
        std::future::ready((host, port).to_socket_addrs().map(Iterator::collect))
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<OwnSocket> {
        async move {
            let socket = Async::<TcpStream>::connect(address).await?;
            socket.get_ref().set_nodelay(true)?;
            Ok(OwnSocket(socket))
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future).detach();
    }
}

impl Socket for OwnSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get_ref().shutdown(Shutdown::Write))
    }
}

impl Timer for OwnTimer {
    fn reset(&mut self, at: Timestamp) {
        self.0.set_at(self.1 + at.since(Timestamp::ZERO));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

/// A node that knows as little as it can; the test node of the project would bring its features.
fn serve() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // It ends when the client leaves.
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Answers what is asked on one connection, until it ends or becomes a WebSocket.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    loop {
        let mut target = String::new();
        if requests.read_line(&mut target)? == 0 {
            return Ok(());
        }
        let (key, body_bytes) = read_headers(&mut requests)?;
        io::copy(&mut (&mut requests).take(body_bytes), &mut io::sink())?;
        if let Some(key) = key {
            return hold_websocket(stream, requests, &key);
        }
        let body = match target.split(' ').nth(1).unwrap_or_default() {
            "/version" => "4.2.2",
            _ => r#"{"resuming":true,"timeout":60}"#,
        };
        let bytes = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n{body}"
        )?;
    }
}

/// The key of a WebSocket, if that is asked for, and the length of the body.
fn read_headers(requests: &mut impl BufRead) -> io::Result<(Option<String>, u64)> {
    let (mut key, mut body_bytes) = (None, 0);
    for line in requests.lines() {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        match &*name.to_ascii_lowercase() {
            "sec-websocket-key" => key = Some(value.to_owned()),
            "content-length" => body_bytes = value.parse().map_err(io::Error::other)?,
            _ => {}
        }
    }
    Ok((key, body_bytes))
}

/// Says that it is ready, and says goodbye as soon as the client does.
fn hold_websocket(mut stream: TcpStream, mut frames: impl Read, key: &str) -> io::Result<()> {
    let accept = derive_accept_key(key.as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    let ready = r#"{"op":"ready","resumed":false,"sessionId":"0123456789abcdef"}"#;
    let bytes = u8::try_from(ready.len()).map_err(io::Error::other)?;
    stream.write_all(&[TEXT, bytes])?;
    stream.write_all(ready.as_bytes())?;
    let mut buffer = [0; 1024];
    while frames.read(&mut buffer)? > 0 {
        if buffer[0] == CLOSE {
            return stream.write_all(&[CLOSE, 0]);
        }
    }
    Ok(())
}

/// The first byte of a whole frame that is a text, and of one that ends (RFC 6455 §5.2).
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

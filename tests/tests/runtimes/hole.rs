//! [`Hole`]: an address that never answers.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

/// A port whose queue is full: Linux drops what asks for a connection then, without a word.
pub(crate) struct Hole {
    listener: TcpListener,
    /// Whom nobody accepts.
    _waiting: Vec<TcpStream>,
}

impl Hole {
    /// Needs a tokio runtime.
    pub(crate) fn open() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        loop {
            match TcpStream::connect_timeout(&address, FULL_AFTER) {
                Ok(stream) => waiting.push(stream),
                Err(error) if error.kind() == ErrorKind::TimedOut => break,
                Err(error) => panic!("{error}"),
            }
            assert!(waiting.len() < 16, "its queue is not bounded");
        }
        Self {
            listener,
            _waiting: waiting,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

/// How long a connection over loopback may take that is made at all.
const FULL_AFTER: Duration = Duration::from_millis(200);

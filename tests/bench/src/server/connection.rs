//! [`Connection`]: one socket of a client, first HTTP, and then perhaps a WebSocket.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;

/// One socket of a client.
pub(super) struct Connection {
    stream: TcpStream,
    pub(super) node: usize,
    received: Vec<u8>,
    /// How much of `received` was taken.
    taken: usize,
    outgoing: Vec<u8>,
    written: usize,
    /// What is sent behind `outgoing`, and how much of it was.
    poured: Option<(Arc<Vec<u8>>, usize)>,
    is_websocket: bool,
}

/// Whether the socket lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Open,
    Ended,
}

/// What a client asked for, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// `Sec-WebSocket-Key`.
    pub(super) key: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Connection {
    pub(super) const fn new(stream: TcpStream, node: usize) -> Self {
        Self {
            stream,
            node,
            received: Vec::new(),
            taken: 0,
            outgoing: Vec::new(),
            written: 0,
            poured: None,
            is_websocket: false,
        }
    }

    /// Reads all that is there.
    pub(super) fn read(&mut self) -> Progress {
        self.received.drain(..self.taken);
        self.taken = 0;
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Progress::Ended,
                Ok(count) => self.received.extend(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Progress::Ended,
            }
        }
    }

    /// Takes the next whole request.
    pub(super) fn next_request(&mut self) -> Option<Request> {
        if self.is_websocket {
            self.answer_pings();
            return None;
        }
        let bytes = self.received.get(self.taken..)?;
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(head_bytes)) = head.parse(bytes) else {
            return None;
        };
        let mut request = Request {
            method: head.method?.to_owned(),
            path: head.path?.to_owned(),
            ..Request::default()
        };
        let mut body_bytes = 0;
        for header in head.headers {
            let value = std::str::from_utf8(header.value).unwrap_or_default();
            if header.name.eq_ignore_ascii_case("content-length") {
                body_bytes = value.parse().unwrap_or(0);
            } else if header.name.eq_ignore_ascii_case("sec-websocket-key") {
                request.key = Some(value.to_owned());
            }
        }
        request.body = bytes.get(head_bytes..head_bytes + body_bytes)?.to_vec();
        self.taken += head_bytes + body_bytes;
        Some(request)
    }

    /// Answers the pings that came on a WebSocket; its other frames mean nothing here.
    fn answer_pings(&mut self) {
        // Clients send short frames only, each with a mask (RFC 6455 §5.2).
        while let Some([first, length, rest @ ..]) = self.received.get(self.taken..)
            && let Some((mask, rest)) = rest.split_first_chunk::<4>()
            && let length = usize::from(length & 0x7f)
            && let Some(masked) = rest.get(..length)
        {
            if first & 0x0f == PING {
                let payload = masked.iter().zip(mask.iter().cycle());
                self.outgoing.extend([0x80 | PONG, length as u8]);
                self.outgoing
                    .extend(payload.map(|(byte, mask)| byte ^ mask));
            }
            self.taken += 2 + mask.len() + length;
        }
    }

    /// From here on it is a WebSocket.
    pub(super) const fn upgrade(&mut self) {
        self.is_websocket = true;
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.outgoing.extend(bytes);
    }

    /// Sends all of this, at the client's pace.
    pub(super) fn pour(&mut self, bytes: Arc<Vec<u8>>) {
        self.poured = Some((bytes, 0));
    }

    /// Writes as much as the socket takes.
    pub(super) fn write(&mut self) -> Progress {
        // What is poured is not cut by what came up meanwhile.
        let is_pouring = self
            .poured
            .as_ref()
            .is_some_and(|(_, written)| *written > 0);
        let written = match is_pouring {
            true => self.write_poured().and_then(|()| self.write_outgoing()),
            false => self.write_outgoing().and_then(|()| self.write_poured()),
        };
        match written {
            Ok(()) => Progress::Open,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Open,
            Err(_) => Progress::Ended,
        }
    }

    fn write_outgoing(&mut self) -> io::Result<()> {
        while let Some(bytes) = self.outgoing.get(self.written..).filter(|b| !b.is_empty()) {
            self.written += self.stream.write(bytes)?;
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(())
    }

    fn write_poured(&mut self) -> io::Result<()> {
        while let Some((all, written)) = &mut self.poured {
            let end = all.len().min(*written + WRITE_BYTES);
            *written += self.stream.write(&all[*written..end])?;
            if *written == all.len() {
                self.poured = None;
            }
        }
        Ok(())
    }

    /// Closes it as the system does for a process that was killed with bytes unread.
    pub(super) fn reset(self) {
        let _ =
            rustix::net::sockopt::set_socket_linger(&self.stream, Some(std::time::Duration::ZERO));
    }
}

/// The opcodes of RFC 6455 §5.2.
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// The most that is written at once.
const WRITE_BYTES: usize = 256 * 1024;

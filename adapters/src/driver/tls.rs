//! [`Session`]: TLS between a socket and the pool, with all its bytes in memory.

use std::io::{self, IoSlice, Read, Write};
use std::task::{Context, Poll, ready};

use lavapool_core::{Closed, TlsFailure};
use rustls::{CertificateError, ClientConnection, Error};

use super::dial::cause;
use super::link::carried;
use crate::runtime::Socket;
use crate::tls::{SelfSigned, Tls};

/// A socket with TLS on it.
///
/// It takes bytes of the pool only while fewer than [`OUTGOING_BYTES_MAX`] encrypted ones wait
/// for the socket, and reads on only when everything that it has decrypted was taken.
pub(super) struct Session<S> {
    connection: ClientConnection,
    socket: S,
    /// Whether anything came from the server.
    heard: bool,
    /// Why nothing is written any more. What the server sent before is still read.
    broken: Option<Closed>,
    /// Why nothing is decrypted any more.
    failed: Option<Closed>,
    /// Whether the end was announced to the server (RFC 8446 §6.1).
    said_goodbye: bool,
}

/// The beginning of TLS with a host.
pub(super) fn begin(tls: &Tls, host: &str) -> Result<ClientConnection, TlsFailure> {
    let name = tls.name_for(host).ok_or(TlsFailure::InvalidHost)?;
    let config = tls.config().map_err(TlsFailure::Misconfigured)?;
    let connection = ClientConnection::new(config, name);
    let mut connection = connection.map_err(|error| failure(&error))?;
    connection.set_buffer_limit(Some(OUTGOING_BYTES_MAX));
    Ok(connection)
}

impl<S: Socket> Session<S> {
    pub(super) const fn new(connection: ClientConnection, socket: S) -> Self {
        Self {
            connection,
            socket,
            heard: false,
            broken: None,
            failed: None,
            said_goodbye: false,
        }
    }

    /// Ready once both sides have agreed, or cannot.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        for _ in 0..FILLS_MAX {
            let _ = self.poll_flush(cx);
            if let Some(failed) = self.failed {
                return Poll::Ready(Err(failed));
            }
            if !self.connection.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(Closed::Tls(TlsFailure::HandshakeCut)));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Passes on what is encrypted; ready when nothing of it is left, or nothing can be written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.broken.is_none() && self.connection.wants_write() {
            let socket = &mut self.socket;
            match self.connection.write_tls(&mut Outbound { socket, cx }) {
                Ok(0) => self.broken = Some(Closed::Reset),
                Ok(_) => {}
                Err(error) if is_pending(&error, cx) => return Poll::Pending,
                Err(error) => self.broken = Some(cause(&error)),
            }
        }
        Poll::Ready(())
    }

    /// Reads and decrypts; 0 is the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Closed>> {
        let inbound = &mut Inbound {
            socket: &mut self.socket,
            cx,
            heard: &mut self.heard,
        };
        let count = match self.connection.read_tls(inbound) {
            Ok(count) => count,
            Err(error) if is_pending(&error, cx) => {
                return self
                    .broken
                    .map_or(Poll::Pending, |broken| Poll::Ready(Err(broken)));
            }
            Err(error) => return Poll::Ready(Err(self.broken.unwrap_or_else(|| cause(&error)))),
        };
        if let Err(error) = self.connection.process_new_packets() {
            self.failed = Some(Closed::Tls(failure(&error)));
            // The alert tells the server, if it is still there and listens.
            let _ = self.poll_flush(cx);
        }
        Poll::Ready(Ok(count))
    }

    fn say_goodbye(&mut self) {
        if !std::mem::replace(&mut self.said_goodbye, true) {
            self.connection.send_close_notify();
        }
    }
}

impl<S: Socket> Socket for Session<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        for _ in 0..FILLS_MAX {
            match self.connection.reader().read(buffer) {
                Ok(0) => {
                    self.say_goodbye();
                    let _ = self.poll_flush(cx);
                    return Poll::Ready(Ok(0));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    let end = self.failed.unwrap_or(Closed::Tls(TlsFailure::Truncated));
                    return Poll::Ready(Err(carried(end)));
                }
                read => return Poll::Ready(read),
            }
            if let Some(failed) = self.failed {
                return Poll::Ready(Err(carried(failed)));
            }
            let _ = self.poll_flush(cx);
            ready!(self.poll_fill(cx)).map_err(carried)?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // What still waits for the socket leaves with these, if there is room for any.
        for _ in 0..2 {
            if let Some(broken) = self.broken.or(self.failed) {
                return Poll::Ready(Err(carried(broken)));
            }
            let taken = self.connection.writer().write(bytes)?;
            let _ = self.poll_flush(cx);
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
        // There is no room, so the socket takes nothing, and wakes when it does.
        Poll::Pending
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.say_goodbye();
        ready!(self.poll_flush(cx));
        self.socket.poll_close(cx)
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        self.socket.set_quiet(is_quiet)
    }
}

/// A socket as rustls reads it.
struct Inbound<'a, 'b, S> {
    socket: &'a mut S,
    cx: &'a mut Context<'b>,
    heard: &'a mut bool,
}

impl<S: Socket> Read for Inbound<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.poll_read(self.cx, buffer);
        let count = blocking(read)?;
        let is_first = !std::mem::replace(self.heard, true);
        let begins_a_record = |byte: &u8| RECORD_TYPES.contains(byte);
        if is_first && count > 0 && !buffer.first().is_some_and(begins_a_record) {
            return Err(carried(Closed::Tls(TlsFailure::NotTls)));
        }
        Ok(count)
    }
}

/// A socket as rustls writes to it.
struct Outbound<'a, 'b, S> {
    socket: &'a mut S,
    cx: &'a mut Context<'b>,
}

impl<S: Socket> Write for Outbound<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        blocking(self.socket.poll_write(self.cx, bytes))
    }

    /// Several records leave in one write. They are joined for that: to copy 35 000 bytes takes
    /// 0.3 µs longer than a vectored write of them, where each further write would take 2.5 µs;
    /// and a runtime's socket needs no second way to write.
    fn write_vectored(&mut self, records: &[IoSlice<'_>]) -> io::Result<usize> {
        match records {
            [record] => self.write(record),
            records => {
                let records: Vec<&[u8]> = records.iter().map(|record| &**record).collect();
                self.write(&records.concat())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn blocking<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Whether to come back later; the waker is or will be called then.
fn is_pending(error: &io::Error, cx: &Context<'_>) -> bool {
    let is_interrupted = error.kind() == io::ErrorKind::Interrupted;
    if is_interrupted {
        cx.waker().wake_by_ref();
    }
    is_interrupted || error.kind() == io::ErrorKind::WouldBlock
}

/// What an error of rustls means to a bot.
fn failure(error: &Error) -> TlsFailure {
    match error {
        Error::InvalidCertificate(error) => certificate_failure(error),
        Error::NoCertificatesPresented => TlsFailure::InvalidCertificate,
        Error::AlertReceived(alert) => {
            let alert = u8::from(*alert);
            TlsFailure::Refused { alert }
        }
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => TlsFailure::Incompatible,
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidMessage(_)
        | Error::DecryptError
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord => TlsFailure::Violation,
        _ => TlsFailure::Failed,
    }
}

fn certificate_failure(error: &CertificateError) -> TlsFailure {
    match error {
        CertificateError::UnknownIssuer => TlsFailure::UnknownAuthority,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongHost
        }
        CertificateError::Revoked => TlsFailure::Revoked,
        CertificateError::Other(other) if other.0.is::<SelfSigned>() => TlsFailure::SelfSigned,
        _ => TlsFailure::InvalidCertificate,
    }
}

/// How many encrypted bytes may wait for the socket before the pool's are left with it. One
/// record more fits in, so that a byte can always be taken once the socket has taken all. A burst
/// of 180 commands fits.
const OUTGOING_BYTES_MAX: usize = 64 * 1024;
/// How often a socket is read, a few kilobytes each, until something has come of it.
const FILLS_MAX: usize = 16;
/// The types of records that a server may begin with: an alert, or the handshake
/// (RFC 8446 §5.1).
const RECORD_TYPES: [u8; 2] = [21, 22];

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "tls")))]
mod tests;

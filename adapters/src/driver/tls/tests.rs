//! How much a session holds, against a server in memory.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::task::Waker;

use lavapool_core::TlsError;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

use super::*;
use crate::tls::default_provider;

/// A socket that leads to a server.
#[derive(Clone)]
struct Wire(Arc<Mutex<Server>>);

struct Server {
    connection: ServerConnection,
    heard: Vec<u8>,
    /// Whether the wire takes anything.
    takes: bool,
    /// How often it took something.
    writes: usize,
}

impl Socket for Wire {
    fn poll_read(&mut self, _: &mut Context<'_>, mut buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut server = self.0.lock().unwrap();
        if server.connection.wants_write() {
            return Poll::Ready(server.connection.write_tls(&mut buffer));
        }
        Poll::Pending
    }

    fn poll_write(&mut self, _: &mut Context<'_>, mut bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut server = self.0.lock().unwrap();
        if !server.takes {
            return Poll::Pending;
        }
        server.writes += 1;
        let count = bytes.len();
        while !bytes.is_empty() {
            server.connection.read_tls(&mut bytes)?;
            let state = server.connection.process_new_packets().unwrap();
            let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
            server.connection.reader().read_exact(&mut plaintext)?;
            server.heard.extend(plaintext);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn connected() -> (Session<Wire>, Wire) {
    let certified = generate_simple_self_signed(["main".to_owned()]);
    let CertifiedKey { cert, signing_key } = certified.unwrap();
    let provider = default_provider().unwrap();
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = config
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key);
    let server = Wire(Arc::new(Mutex::new(Server {
        connection: ServerConnection::new(config.unwrap().into()).unwrap(),
        heard: Vec::new(),
        takes: true,
        writes: 0,
    })));
    let tls = Tls::new().without_platform_roots();
    let tls = tls.root_der(cert.der().as_ref()).unwrap();
    let mut session = Session::new(begin(&tls, "main").unwrap(), server.clone());
    let cx = &mut Context::from_waker(Waker::noop());
    for _ in 0..20 {
        if let Poll::Ready(agreed) = session.poll_handshake(cx) {
            agreed.unwrap();
            // The tickets, after which nothing more comes.
            assert!(session.poll_read(cx, &mut [0; 16]).is_pending());
            return (session, server);
        }
    }
    panic!("the handshake takes a few turns");
}

#[test]
fn a_socket_that_takes_nothing_leaves_the_bytes_with_the_pool() {
    let (mut session, server) = connected();
    let cx = &mut Context::from_waker(Waker::noop());
    let bytes: Vec<u8> = (0..200_000_u32)
        .map(|at| at.to_le_bytes()[at as usize % 3])
        .collect();
    server.0.lock().unwrap().takes = false;

    let mut taken = 0;
    while let Poll::Ready(count) = session.poll_write(cx, &bytes[taken..]) {
        taken += count.unwrap();
    }

    assert!((1..=OUTGOING_BYTES_MAX).contains(&taken), "{taken} bytes");
    assert!(
        session.poll_close(cx).is_pending(),
        "what was taken is not written"
    );
}

#[test]
fn a_burst_of_several_records_is_written_at_once() {
    let (mut session, server) = connected();
    let cx = &mut Context::from_waker(Waker::noop());
    let bytes = vec![7; 35_000];
    server.0.lock().unwrap().writes = 0;

    let taken = session.poll_write(cx, &bytes).map(Result::unwrap);

    assert_eq!(taken, Poll::Ready(bytes.len()));
    let server = server.0.lock().unwrap();
    assert_eq!((&server.heard, server.writes), (&bytes, 1));
}

#[test]
fn what_waited_for_the_socket_leaves_with_what_comes_then() {
    let (mut session, server) = connected();
    let cx = &mut Context::from_waker(Waker::noop());
    server.0.lock().unwrap().takes = false;
    assert!(session.poll_write(cx, b"fir").is_ready());
    server.0.lock().unwrap().takes = true;
    server.0.lock().unwrap().writes = 0;

    assert!(session.poll_write(cx, b"st").is_ready());

    let server = server.0.lock().unwrap();
    assert_eq!((&*server.heard, server.writes), (&b"first"[..], 1));
}

#[test]
fn what_a_session_took_is_passed_on_by_its_reads() {
    let (mut session, server) = connected();
    let cx = &mut Context::from_waker(Waker::noop());
    let bytes = vec![7; 200_000];
    let mut taken = 0;
    while taken < bytes.len() {
        let takes = !server.0.lock().unwrap().takes;
        server.0.lock().unwrap().takes = takes;
        if let Poll::Ready(count) = session.poll_write(cx, &bytes[taken..]) {
            taken += count.unwrap();
        }
    }
    server.0.lock().unwrap().takes = true;

    assert!(session.poll_read(cx, &mut [0; 16]).is_pending());

    assert_eq!(server.0.lock().unwrap().heard, bytes);
}

#[test]
fn a_server_that_sends_without_end_gets_its_turn_and_no_more() {
    let (mut session, server) = connected();
    let cx = &mut Context::from_waker(Waker::noop());
    server.0.lock().unwrap().connection.set_buffer_limit(None);
    let bytes = vec![7; 1_000_000];
    let written = server.0.lock().unwrap().connection.writer().write(&bytes);
    assert_eq!(written.unwrap(), bytes.len());

    let mut read = 0;
    let mut buffer = vec![0; 64 * 1024];
    while let Poll::Ready(count) = session.poll_read(cx, &mut buffer) {
        let count = count.unwrap();
        assert!(count <= 32 * 1024, "{count} decrypted bytes were held");
        read += count;
    }

    assert_eq!(read, bytes.len());
}

#[test]
fn settings_that_cannot_work_are_told_by_their_fault() {
    let nobody = Tls::new().without_platform_roots();
    let key = rcgen::KeyPair::generate().unwrap().serialize_der();
    let own = || generate_simple_self_signed(["main".to_owned()]).unwrap();
    let tls = || nobody.clone().root_der(own().cert.der().as_ref()).unwrap();
    let mixed = tls().client_certificate_der([own().cert.der().to_vec()], key.clone());
    let broken = tls().client_certificate_der([vec![7]], key);
    for (tls, error) in [
        (nobody, TlsError::NoRoots),
        (mixed.unwrap(), TlsError::KeyMismatch),
        (broken.unwrap(), TlsError::InvalidCertificate),
    ] {
        let begun = begin(&tls, "main").map(drop);
        assert_eq!(begun, Err(TlsFailure::Misconfigured(error)));
    }
}

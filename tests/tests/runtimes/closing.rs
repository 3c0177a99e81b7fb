//! What closing a socket does: the peer hears the end after all of it, and may still speak.

use std::future::poll_fn;

use lavapool::runtime::{Runtime, Socket};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::{Servers, hosts};

hosts::on_each_runtime! {
    closing_ends_one_direction: closing_ends_one_direction by Plain,
    #[cfg(unix)]
    closing_a_unix_socket_does_too: closing_a_unix_socket_does_too by Plain,
}

async fn closing_ends_one_direction<R: Runtime>(on: R, servers: &Servers) {
    let bound = servers.tokio.spawn(TcpListener::bind("127.0.0.1:0")).await;
    let listener = bound.unwrap().unwrap();
    let address = listener.local_addr().unwrap();
    let peer = async move { answer(listener.accept().await.unwrap().0).await };
    let peer = servers.tokio.spawn(peer);

    let heard = close(on.connect(address).await.unwrap()).await;

    assert_eq!((peer.await.unwrap(), heard), (SAID.into(), ANSWER.into()));
}

#[cfg(unix)]
async fn closing_a_unix_socket_does_too<R: Runtime>(on: R, servers: &Servers) {
    let number = servers.first.address().port();
    let path = std::env::temp_dir().join(format!("lavapool-closing-{number}"));
    let of = path.clone();
    let bound = servers.tokio.spawn(async { UnixListener::bind(of) }).await;
    let listener = bound.unwrap().unwrap();
    let peer = async move { answer(listener.accept().await.unwrap().0).await };
    let peer = servers.tokio.spawn(peer);
    let socket = on.connect_unix(&path).await.unwrap();
    std::fs::remove_file(&path).unwrap();

    let heard = close(socket).await;

    assert_eq!((peer.await.unwrap(), heard), (SAID.into(), ANSWER.into()));
}

/// Says something, closes, and returns what is heard after that.
async fn close(mut socket: impl Socket) -> Vec<u8> {
    let written = poll_fn(|cx| socket.poll_write(cx, SAID)).await.unwrap();
    assert_eq!(written, SAID.len());
    poll_fn(|cx| socket.poll_close(cx)).await.unwrap();

    let mut heard = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match poll_fn(|cx| socket.poll_read(cx, &mut buffer)).await {
            Ok(0) => return heard,
            Ok(count) => heard.extend(&buffer[..count]),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Returns what is heard until its end, which is answered.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Vec<u8> {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    stream.write_all(ANSWER).await.unwrap();
    heard
}

const SAID: &[u8] = b"goodbye";
const ANSWER: &[u8] = b"and to you";

//! What a driver tells the pool out of turn.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use lavapool_core::node::NodeConfig;
use lavapool_core::protocol::UserId;
use lavapool_core::{Input, Output, Pool, PoolConfig, Seed, Timestamp};

#[test]
fn bytes_from_a_socket_that_is_not_connected_are_dropped() {
    let now = Timestamp::ZERO;
    let mut config = PoolConfig::new(UserId::new(1).unwrap());
    let node = NodeConfig::new("main", "localhost", "secret").unwrap();
    config.nodes.push(node);
    let mut pool = Pool::new(config, Seed::from(1), now).unwrap();
    let Some(Output::Connect(socket, _)) = pool.poll_output() else {
        panic!("the node is dialled");
    };

    pool.handle(Input::Received(socket, b"this is no HTTP"), now);
    assert_eq!(pool.poll_output(), None);

    pool.handle(Input::Connected(socket), now);
    assert_eq!(pool.poll_output(), Some(Output::Write(socket)));
    assert!(pool.outgoing(socket).starts_with(b"GET /v4/websocket"));
}

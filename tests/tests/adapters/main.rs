//! The client as a bot uses it: on tokio, with sockets of the loopback interface, against test
//! nodes on ports that the system chose.

#![allow(clippy::unwrap_used)]

mod connect;
mod nodes;
mod players;
mod waits;
mod ways;

use std::net::{Ipv4Addr, SocketAddr};

use lavapool::{
    Builder, ChannelId, Client, Event, EventStream, GuildId, NodeConfig, Secret, Source, Update,
    UserId, VoiceServerUpdate, VoiceStateUpdate,
};
use lavapool_tests::node::{Listener, NodeConfig as TestConfig, TestNode};
use tokio::net::TcpSocket;

async fn one_node() -> (Listener, Client) {
    let listener = listen("main").await;
    let client = builder().node(config("main", &listener)).connect().await;
    (listener, client.unwrap())
}

async fn listen(label: &str) -> Listener {
    Listener::start(TestConfig::new(label)).await.unwrap()
}

fn builder() -> Builder {
    Client::builder(UserId::new(42).unwrap()).seed(7)
}

fn config(name: &str, listener: &Listener) -> NodeConfig {
    NodeConfig::from_uri(name, &listener.uri()).unwrap()
}

fn guild() -> GuildId {
    GuildId::new(817).unwrap()
}

fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song"))
}

fn join_voice(client: &Client) {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(),
        token: Secret::from("voice token"),
        endpoint: Some("frankfurt1234.discord.media:443".into()),
    });
}

/// A port that is taken and refuses connections for as long as the socket lives.
fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// The targets of the requests that the node has seen, of those that contain `part`.
async fn requests(listener: &Listener, part: &'static str) -> Vec<String> {
    let targets = move |node: &mut TestNode| {
        let targets = node.log().requests.iter().map(|sent| sent.target.clone());
        targets.filter(|target| target.contains(part)).collect()
    };
    listener.with(targets).await
}

fn drained(events: &mut EventStream) -> Vec<Event> {
    std::iter::from_fn(|| events.try_next()).collect()
}

/// Everything at once, next to paths of the language's own `core`.
mod prelude {
    use lavapool::*;

    #[test]
    fn a_glob_import_hides_nothing_of_the_language() {
        let deadline = Timing::default().command_deadline;
        assert_eq!(deadline, core::time::Duration::from_secs(30));
    }
}

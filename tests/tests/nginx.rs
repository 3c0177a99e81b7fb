//! A client whose nodes are behind a real nginx, with TLS and a path prefix for each.
//!
//! Where nginx is not installed the test says so and passes: `apt-get install nginx`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use lavapool::{
    Client, Closed, Event, EventStream, GuildId, Leaving, Loss, NodeConfig, Source, Tls,
    TlsFailure, Update, UserId,
};
use lavapool_tests::node::{Listener, NodeConfig as TestConfig};
use lavapool_tests::tell;
use lavapool_tests::tls::{Authority, Identity};

#[tokio::test]
async fn players_behind_nginx_play_and_move_when_their_node_dies() {
    let Some(program) = nginx() else {
        tell("skipped: nginx is not installed");
        return;
    };
    let one = Listener::start(TestConfig::new("one")).await.unwrap();
    let two = Listener::start(TestConfig::new("two")).await.unwrap();
    let authority = Authority::new("the tests");
    let identity = authority.issue(&["127.0.0.1"]);
    let proxy = Nginx::start(&program, &identity, [one.address(), two.address()]);
    let client = Client::builder(UserId::new(42).unwrap())
        .tls(
            Tls::new()
                .without_platform_roots()
                .root_pem(authority.pem())
                .unwrap(),
        )
        .nodes(["one", "two"].map(|name| proxy.node(name)))
        .connect_deadline(Duration::from_secs(20))
        .connect()
        .await
        .unwrap();
    assert_eq!(client.report().connected(), 2);
    let mut events = client.events();

    let player = client.player(GuildId::new(817).unwrap());
    let song = Source::identifier("https://tracks.test/song");
    player
        .update(Update::play(song).without_voice())
        .await
        .unwrap();
    assert_eq!(player.node(), client.node("one"));
    one.kill().await;

    let (loss, to) = moved(&mut events).await;
    assert_eq!(to, "two");
    let is_gateways = matches!(loss, Loss::UpgradeRefused { status: 502, .. });
    assert!(is_gateways, "what nginx says of a dead node: {loss:?}");
    let playing = two
        .with(|node| node.players(node.now())[0].track.is_some())
        .await;
    assert!(playing);
    one.restart().await;
    client.node("one").unwrap().reconnect().await.unwrap();
    let handshake = one.with(|node| node.log().handshakes[0].clone()).await;
    let header = |name: &str| handshake.header(name).map(str::to_owned);
    assert_eq!(header("x-team").as_deref(), Some("music"));
    client.close(Leaving::Keep).await.unwrap();
}

#[tokio::test]
async fn a_port_of_tls_that_is_addressed_without_says_so() {
    let Some(program) = nginx() else {
        tell("skipped: nginx is not installed");
        return;
    };
    let node = Listener::start(TestConfig::new("one")).await.unwrap();
    let identity = Authority::new("the tests").issue(&["127.0.0.1"]);
    let proxy = Nginx::start(&program, &identity, [node.address(); 2]);
    let uri = format!("http://{}/one", proxy.address);
    let config = NodeConfig::from_uri("one", &uri).unwrap();
    let client = Client::builder(UserId::new(42).unwrap()).node(config);
    let client = client.start().unwrap();
    let mut events = client.events();

    let mut losses = Vec::new();
    while losses.len() < 2 {
        match events.next().await.unwrap() {
            Event::NodeReconnecting { loss, .. } => losses.push(loss),
            Event::NodeStopped { cause, .. } => panic!("it is dialled no more: {cause}"),
            _ => {}
        }
    }

    let only_tls = Loss::Socket(Closed::Tls(TlsFailure::OnlyTls));
    assert_eq!(losses, [only_tls.clone(), only_tls]);
    let requests = node.with(|node| node.log().handshakes.len()).await;
    assert_eq!(requests, 0);
}

/// Why the lost node could not be dialled again, and where its player went.
async fn moved(events: &mut EventStream) -> (Loss, String) {
    let (mut failed, mut target) = (None, None);
    loop {
        match events.next().await.unwrap() {
            // A connection that was not stable yet goes on with the schedule at try 1.
            Event::NodeReconnecting {
                attempt: 2, loss, ..
            } => failed = Some(loss),
            Event::PlayerMoved { to, .. } => target = Some(to.to_string()),
            _ => {}
        }
        if let (Some(loss), Some(to)) = (&failed, &target) {
            return (loss.clone(), to.clone());
        }
    }
}

/// A running nginx, and its folder.
struct Nginx {
    program: PathBuf,
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Nginx {
    /// Starts it on a port that the system chose and that was never free since: nginx gets the
    /// listening socket itself, as its standard input.
    fn start(program: &Path, identity: &Identity, nodes: [SocketAddr; 2]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let folder = env::temp_dir().join(format!("lavapool-nginx-{}", address.port()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("certificate.pem", &identity.pem);
        write("key.pem", &identity.key_pem);
        write("nginx.conf", &configuration(address, nodes));
        let process = command(program, &folder)
            .env("NGINX", "0;")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .spawn()
            .unwrap();
        Self {
            program: program.to_owned(),
            process,
            folder,
            address,
        }
    }

    fn node(&self, name: &str) -> NodeConfig {
        let uri = format!("https://{}/{name}", self.address);
        let config = NodeConfig::new(name, &uri, "youshallnotpass").unwrap();
        config.header("X-Team", "music").unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends the workers; killed, it would leave them behind.
        let stopped = command(&self.program, &self.folder)
            .args(["-s", "stop"])
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-e", "error.log"]);
    command
}

fn nginx() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut programs = folders.map(|folder| folder.join("nginx"));
    programs.find(|program| program.is_file())
}

fn configuration(address: SocketAddr, [one, two]: [SocketAddr; 2]) -> String {
    format!(
        "daemon off;
        worker_processes 1;
        pid nginx.pid;
        events {{ worker_connections 256; }}
        http {{
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            map $http_upgrade $connection_upgrade {{
                default upgrade;
                '' '';
            }}
            upstream one {{ server {one}; keepalive 8; }}
            upstream two {{ server {two}; keepalive 8; }}
            server {{
                listen {address} ssl;
                ssl_certificate certificate.pem;
                ssl_certificate_key key.pem;
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                location /one/ {{ proxy_pass http://one/; }}
                location /two/ {{ proxy_pass http://two/; }}
            }}
        }}
        "
    )
}

//! A real nginx before both nodes, with TLS and a path prefix for each.
//!
//! Where it is not installed the tests say so and pass: `apt-get install nginx`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use lavapool::runtime::Runtime;
use lavapool::{Closed, Event, EventStream, Leaving, Loss, NodeConfig, Source, TlsFailure, Update};
use lavapool_tests::node::TestNode;
use lavapool_tests::tls::Identity;

use crate::{Servers, builder, guild, hosts};

hosts::on_each_runtime! {
    what_it_says_of_a_dead_node_is_told: a_node_dies by Nginx,
    its_port_of_tls_that_is_addressed_without_says_so: without_tls by Nginx,
}

async fn a_node_dies<R: Runtime>(on: R, servers: &Servers) {
    let nodes = ["first", "second"].map(|name| {
        let node = servers.config(name);
        node.header("X-Team", "music").unwrap()
    });
    let client = servers.lead(builder()).nodes(nodes);
    let client = client.connect_on(on).await.unwrap();
    assert_eq!(client.report().connected(), 2);
    let mut events = client.events();
    let player = client.player(guild(817));
    let song = Source::identifier("https://tracks.test/song");
    player
        .update(Update::play(song).without_voice())
        .await
        .unwrap();
    assert_eq!(player.node(), client.node("first"));
    servers.first.kill().await;

    let (loss, to) = moved(&mut events).await;

    assert_eq!(to, "second");
    let is_gateways = matches!(loss, Loss::UpgradeRefused { status: 502, .. });
    assert!(is_gateways, "what nginx says of a dead node: {loss:?}");
    let plays = |node: &mut TestNode| node.players(node.now())[0].track.is_some();
    assert!(servers.second.with(plays).await);
    let handshake = |node: &mut TestNode| node.log().handshakes[0].clone();
    let handshake = servers.second.with(handshake).await;
    let header = |name: &str| handshake.header(name).map(str::to_owned);
    assert_eq!(header("x-team").as_deref(), Some("music"));
    client.close(Leaving::Keep).await.unwrap();
}

async fn without_tls<R: Runtime>(on: R, servers: &Servers) {
    let uri = servers.uri(&servers.first).replace("https:", "http:");
    let node = NodeConfig::from_uri("first", &uri).unwrap();
    let client = builder().node(node).start_on(on).unwrap();
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
    let count = |node: &mut TestNode| node.log().handshakes.len();
    assert_eq!(servers.first.with(count).await, 0);
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
pub(crate) struct Nginx {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Nginx {
    /// Starts it on a port that the system chose and that was never free since: nginx gets the
    /// listening socket itself, as its standard input.
    pub(crate) fn start(identity: &Identity, nodes: [SocketAddr; 2]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let folder = env::temp_dir().join(format!("lavapool-nginx-{}", address.port()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("certificate.pem", &identity.pem);
        write("key.pem", &identity.key_pem);
        write("nginx.conf", &configuration(address, nodes));
        let process = command(&folder)
            .env("NGINX", "0;")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .spawn()
            .unwrap();
        Self {
            process,
            folder,
            address,
        }
    }

    /// Where it leads to this node, by TLS.
    pub(crate) fn uri(&self, name: &str) -> String {
        format!("https://{}/{name}", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends the workers; killed, it would leave them behind.
        let stopped = command(&self.folder).args(["-s", "stop"]).status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(program().expect("it was looked for"));
    command
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-e", "error.log"]);
    command
}

/// Where it is installed, if it is.
pub(crate) fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut programs = folders.map(|folder| folder.join("nginx"));
    programs.find(|program| program.is_file())
}

fn configuration(address: SocketAddr, [first, second]: [SocketAddr; 2]) -> String {
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
            upstream first {{ server {first}; keepalive 8; }}
            upstream second {{ server {second}; keepalive 8; }}
            server {{
                listen {address} ssl;
                ssl_certificate certificate.pem;
                ssl_certificate_key key.pem;
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                location /first/ {{ proxy_pass http://first/; }}
                location /second/ {{ proxy_pass http://second/; }}
            }}
        }}
        "
    )
}

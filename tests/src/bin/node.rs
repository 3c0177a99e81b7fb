//! A test node for programs in other languages: `node` prints its port on a line of its own and
//! then obeys its standard input, a line for each order and a line for each answer, until that
//! ends.
//!
//! | Order | Answer |
//! |---|---|
//! | `player GUILD` | `TRACK running voice`, `- paused mute` and so on, or `none` |
//! | `position GUILD` | the position in milliseconds, or `none` |
//! | `volume GUILD` | the volume in percent, or `none` |
//! | `sessions` | `1 attached, 0 detached, 1 resumed`: now, now, and in all handshakes |
//! | `violations` | what clients did against HTTP and the WebSocket protocol, or `none` |
//! | `drop` | `dropped`: every connection is reset, and sessions wait if they can be resumed |
//! | `restart` | `restarted`: the same, and all sessions are lost |
//! | `voice CODE` | `closing`: voice connections made from here on are closed with that code |
//!
//! What is no order is answered `unknown`.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use lavapool_tests::node::{Listener, NodeConfig, PlayerView, TestNode, Voice};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads what is wrong either, the status says it.
            let _ = writeln!(io::stderr(), "node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let tokio = tokio::runtime::Runtime::new()?;
    let mut config = NodeConfig::new("node");
    // As an operator may set it: `lavalink.server.playerUpdateInterval: 1`.
    config.player_update_interval = Duration::from_secs(1);
    let listener = tokio.block_on(Listener::start(config))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", listener.address().port())?;
    out.flush()?;
    for order in io::stdin().lock().lines() {
        let answer = tokio.block_on(obey(&listener, order?));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

async fn obey(listener: &Listener, order: String) -> String {
    let words: Vec<_> = order.split_whitespace().collect();
    match words[..] {
        ["drop"] => {
            listener.drop_connections().await;
            "dropped".to_owned()
        }
        ["restart"] => {
            listener.restart().await;
            "restarted".to_owned()
        }
        ["sessions"] => listener.with(|node| sessions(node)).await,
        ["violations"] => listener.with(|node| violations(node)).await,
        ["voice", code] => match code.parse() {
            Ok(code) => close_voice(listener, code).await,
            Err(_) => "unknown".to_owned(),
        },
        [what, guild] => match (field(what), guild.parse()) {
            (Some(field), Ok(guild)) => {
                let players = listener.with(move |node| node.players_of(guild, node.now()));
                match &players.await[..] {
                    [player] => field(player),
                    [] => "none".to_owned(),
                    several => format!("{} players", several.len()),
                }
            }
            (None, _) | (_, Err(_)) => "unknown".to_owned(),
        },
        _ => "unknown".to_owned(),
    }
}

/// What an order asks of a player.
fn field(name: &str) -> Option<fn(&PlayerView) -> String> {
    match name {
        "player" => Some(|player| {
            let track = player.track.as_ref();
            let track = track.map_or("-", |track| &track.identifier);
            let runs = if player.paused { "paused" } else { "running" };
            let voice = if player.connected { "voice" } else { "mute" };
            format!("{track} {runs} {voice}")
        }),
        "position" => Some(|player| player.position_ms.to_string()),
        "volume" => Some(|player| player.volume.to_string()),
        _ => None,
    }
}

fn sessions(node: &TestNode) -> String {
    let sessions = node.sessions();
    let attached = sessions
        .iter()
        .filter(|session| session.connection.is_some());
    let attached = attached.count();
    let detached = sessions.len() - attached;
    let handshakes = &node.log().handshakes;
    let resumed = handshakes.iter().filter(|handshake| handshake.resumed);
    let resumed = resumed.count();
    format!("{attached} attached, {detached} detached, {resumed} resumed")
}

fn violations(node: &TestNode) -> String {
    let violations = &node.log().violations;
    let names: Vec<_> = violations
        .iter()
        .map(|record| format!("{:?}", record.violation))
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

async fn close_voice(listener: &Listener, code: u16) -> String {
    let closes = Voice::Closes {
        after: Duration::from_millis(50),
        code,
        reason: "told to",
    };
    listener
        .with(move |node| node.config().voice = closes)
        .await;
    "closing".to_owned()
}

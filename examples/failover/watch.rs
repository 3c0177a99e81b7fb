//! Waiting for what the nodes and the players do.

use std::time::Duration;

use lavapool::{Client, Event, EventStream, GuildId};
use lavapool_examples::Terminal;
use tokio::time::{Instant, timeout_at};

/// What a failover did, as its events told it.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// Each player that went elsewhere: its guild, the node that took it, and the gap.
    pub players: Vec<(GuildId, String, Duration)>,
}

impl Moves {
    pub(crate) fn longest_gap(&self) -> Duration {
        self.players
            .iter()
            .map(|(_, _, gap)| *gap)
            .max()
            .unwrap_or_default()
    }
}

/// Prints events as they come, until `count` players have moved off a node, or the time is over.
pub(crate) async fn moves(
    terminal: Terminal,
    events: &mut EventStream,
    off: &str,
    count: usize,
    within: Duration,
    is_failover: bool,
) -> Moves {
    let deadline = Instant::now() + within;
    let mut moves = Moves::default();
    // The word that closes a part of the failover comes right behind its last move.
    let mut closed = if is_failover { 0 } else { count };
    while moves.players.len() < count || closed < count {
        let Ok(Some(event)) = timeout_at(deadline, events.next()).await else {
            break;
        };
        match &event {
            Event::PlayerMoved {
                guild,
                from,
                to,
                gap,
                ..
            } if &*from.name == off => {
                moves.players.push((*guild, to.to_string(), *gap));
                terminal.progress(format!("{} of {count} players moved", moves.players.len()));
            }
            Event::NodeDisconnected { node, loss } => {
                terminal.progress_over();
                terminal.bad(format!("node {node} is lost: {loss}"));
            }
            Event::Lagged { dropped } => {
                terminal.progress_over();
                terminal.bad(format!(
                    "{dropped} events were lost: the events were read too slowly"
                ));
            }
            Event::NodeReconnecting {
                node,
                attempt,
                delay,
                loss,
            } => {
                terminal.progress_over();
                terminal.line(format!("node {node}: try {attempt} in {delay:?} ({loss})"));
            }
            Event::Failover { old, new, players } => {
                terminal.progress_over();
                terminal.good(format!("{} players of {old} go on at {new}", players.len()));
                closed += players.len();
            }
            _ => {}
        }
    }
    terminal.progress_over();
    moves
}

/// Waits for the next word of a node on where in its track a guild's player is.
pub(crate) async fn report(events: &mut EventStream, of: GuildId, within: Duration) {
    let deadline = Instant::now() + within;
    while let Ok(Some(event)) = timeout_at(deadline, events.next()).await {
        if matches!(event, Event::PlayerUpdate { guild, .. } if guild == of) {
            break;
        }
    }
}

/// Waits until the nodes have confirmed what every player should be.
pub(crate) async fn synced(client: &Client, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        let is_synced = |player: &lavapool::Player| player.view().is_some_and(|view| view.synced);
        if client.players().iter().all(is_synced) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

//! A node dies with all players on it: how long it takes until each plays again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::lavapool::{builder, connect, name, play};
use super::memory::in_turns;
use super::on::On;
use super::{Outcome, WITHIN, Who};
use crate::measure::Stopwatch;
use crate::orders::order;
use lavapool::{Event, EventStream, NodeConfig};

/// What a failover took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failover {
    pub(crate) players: u64,
    pub(crate) delay_ms: u64,
    /// From the node's death to the last event that says a player plays again.
    pub(crate) ms: f64,
    /// From the node's death to the last answer to a PATCH, by the server's clock.
    pub(crate) server_ms: f64,
    pub(crate) cpu_us_each: f64,
    pub(crate) patches: u64,
    /// The most PATCHes that one player took.
    pub(crate) patches_max: u64,
    pub(crate) in_flight_max: u64,
}

impl Failover {
    /// From the node's death until each player plays again, and its PATCH is answered.
    pub(crate) fn lasted_ms(&self) -> f64 {
        self.ms.max(self.server_ms)
    }
}

/// What the server counted.
#[derive(Deserialize)]
struct Counted {
    guilds: u64,
    patches: u64,
    guild_max: u64,
    in_flight_max: u64,
    last_after_us: u64,
}

pub(super) fn run(who: Who, ports: &[u16], players: u64, delay_ms: u64) -> Outcome<Failover> {
    let &[first, other] = ports else {
        return Err("a failover takes two nodes".into());
    };
    let on = On::of(who)?;
    // All play on the one node that there is, before there is another.
    let builder = builder(&[first])?.resume_for(None);
    let mut events = builder.events();
    let client = connect(&on, builder)?;
    in_turns(players, |range| on.block_on(play(&client, range)))?;
    let uri = format!("http://127.0.0.1:{other}");
    let node = client.add_node(NodeConfig::new(name(1), &uri, "youshallnotpass")?);
    on.block_on(node)?;
    while events.try_next().is_some() {}
    if delay_ms > 0 {
        order(other, &format!("delay/{delay_ms}"))?;
    }

    let stopwatch = Stopwatch::start();
    let (done, is_done) = std::sync::mpsc::channel();
    on.spawn(async move {
        let _ = done.send(all_moved(&mut events, players).await);
    });
    order(other, "kill/0")?;
    let within = WITHIN + Duration::from_millis(players);
    let done_at = is_done
        .recv_timeout(within)?
        .ok_or("the client is closed")?;
    let elapsed = done_at - stopwatch.began_at();
    let sample = stopwatch.stop_after(players, elapsed);
    let counted: Counted = serde_json::from_str(&order(other, "count")?)?;
    if counted.guilds != players {
        return Err(format!("{} of {players} players moved", counted.guilds).into());
    }
    Ok(Failover {
        players,
        delay_ms,
        ms: elapsed.as_secs_f64() * 1e3,
        server_ms: Duration::from_micros(counted.last_after_us).as_secs_f64() * 1e3,
        cpu_us_each: sample.cpu_us(),
        patches: counted.patches,
        patches_max: counted.guild_max,
        in_flight_max: counted.in_flight_max,
    })
}

async fn all_moved(events: &mut EventStream, players: u64) -> Option<Instant> {
    let mut moved = BTreeSet::new();
    while moved.len() as u64 != players {
        match events.next().await? {
            Event::PlayerMoved { guild, .. } => drop(moved.insert(guild)),
            // What the stream lost is told once more, for all players together.
            Event::Failover { players, .. } => moved.extend(players.iter().copied()),
            _ => {}
        }
    }
    Some(Instant::now())
}

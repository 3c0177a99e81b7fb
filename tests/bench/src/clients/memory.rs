//! Many players, many nodes, and what they take of memory.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::lavapool::{builder, connect, guild, name, play};
use super::on::On;
use super::{Outcome, Who};
use crate::counting;
use crate::measure::resident_bytes;
use lavapool::{Client, NodeConfig, Update};

/// What there is many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// Players without a track.
    Idle,
    /// Players that play a track of their own to a voice channel.
    Playing,
    /// Connected nodes without players.
    Nodes,
}

/// Bytes for each of many.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) what: What,
    pub(crate) count: u64,
    /// Asked for and not given back.
    pub(crate) live_bytes: f64,
    /// In RAM.
    pub(crate) resident_bytes: f64,
}

pub(super) fn run(who: Who, ports: &[u16], what: What, count: u64) -> Outcome<Memory> {
    counting::begin();
    let on = On::of(who)?;
    // What the first node takes is that of the client: its code, its threads, its tables.
    let (first, others) = ports.split_first().ok_or("no port is named")?;
    let client = connect(&on, builder(&[*first])?)?;
    let since = now();
    match what {
        What::Idle => in_turns(count, |range| on.block_on(idle(&client, range)))?,
        What::Playing => in_turns(count, |range| on.block_on(play(&client, range)))?,
        What::Nodes => on.block_on(add(&client, others))?,
    }
    let (live, resident) = now();
    Ok(Memory {
        what,
        count,
        live_bytes: (live - since.0) / count as f64,
        resident_bytes: (resident - since.1) / count as f64,
    })
}

fn now() -> (f64, f64) {
    (
        counting::counts().live_bytes as f64,
        resident_bytes() as f64,
    )
}

/// Adds nodes, and waits until they are connected and have said what they are.
async fn add(client: &Client, ports: &[u16]) -> Outcome {
    for (number, port) in (1..).zip(ports) {
        let uri = format!("http://127.0.0.1:{port}");
        let config = NodeConfig::new(name(number), &uri, "youshallnotpass")?;
        let node = client.add_node(config).await?;
        node.fetch_info().await?;
    }
    Ok(())
}

/// Makes players that have no track.
async fn idle(client: &Client, numbers: std::ops::Range<u64>) -> Outcome {
    let mut answers = Vec::new();
    for number in numbers {
        let player = client.player(guild(number)?);
        answers.push(player.update(Update::default().volume(50)));
    }
    for answer in answers {
        answer.await?;
    }
    Ok(())
}

/// Makes players, not more at once than the client's queue of commands holds.
pub(super) fn in_turns(count: u64, make: impl Fn(std::ops::Range<u64>) -> Outcome) -> Outcome {
    let mut start = 0;
    while start < count {
        let end = count.min(start + AT_ONCE);
        make(start..end)?;
        start = end;
    }
    Ok(())
}

const AT_ONCE: u64 = 10_000;

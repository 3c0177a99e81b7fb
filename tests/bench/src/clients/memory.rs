//! Many players, many nodes, and what they take of memory.

use std::ops::Range;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::lavapool::{builder, connect, guild, name, play, voice};
use super::on::On;
use super::{Outcome, WITHIN, Who};
use crate::counting;
use crate::measure::resident_bytes;
use crate::mix::REPORTED_PING_MS;
use crate::orders::order;
use lavapool::{Client, NodeConfig, Update};

/// What there is many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// Players that were told something, and of which nothing was heard.
    Bare,
    /// Players in a voice channel, with a report of where they are, without a track.
    Idle,
    /// Players that play a track of their own to a voice channel.
    Playing,
    /// Connected nodes without players.
    Nodes,
}

impl What {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "idle players that nothing was heard of",
            Self::Idle => "idle players",
            Self::Playing => "playing players",
            Self::Nodes => "connected idle nodes",
        }
    }
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
        What::Bare => in_turns(count, |range| on.block_on(make(&client, range)))?,
        What::Idle => {
            in_turns(count, |range| {
                range.clone().try_for_each(|number| join(&client, number))?;
                on.block_on(make(&client, range))
            })?;
            hear(&client, *first, count)?;
        }
        What::Playing => {
            in_turns(count, |range| on.block_on(play(&client, range)))?;
            hear(&client, *first, count)?;
        }
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
async fn make(client: &Client, numbers: Range<u64>) -> Outcome {
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

/// Joins a voice channel.
fn join(client: &Client, number: u64) -> Outcome {
    let guild = guild(number)?;
    client.voice(guild, voice(guild));
    Ok(())
}

/// Has the node say of each player where it is, and waits for the last of that.
fn hear(client: &Client, port: u16, count: u64) -> Outcome {
    let last = client.player(guild(count - 1)?);
    let told = Some(Duration::from_millis(REPORTED_PING_MS));
    let is_heard = || last.view().is_some_and(|view| view.ping == told);
    order(port, "report")?;
    let until = Instant::now() + WITHIN;
    while !is_heard() {
        if Instant::now() > until {
            return Err("not all reports came".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Makes players, not more at once than the client's queue of commands holds.
pub(super) fn in_turns(count: u64, make: impl Fn(Range<u64>) -> Outcome) -> Outcome {
    let mut start = 0;
    while start < count {
        let end = count.min(start + AT_ONCE);
        make(start..end)?;
        start = end;
    }
    Ok(())
}

const AT_ONCE: u64 = 10_000;

//! A steady load from many nodes: how long a message takes from the socket to the application.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::lavapool::{builder, play};
use super::memory::in_turns;
use super::observed::{Observed, Reads};
use super::on::On;
use super::{Outcome, WITHIN, Who};
use crate::idleness::Taken;
use crate::latencies::{Latencies, Percentiles};
use crate::measure::{Arrivals, Stopwatch, resident_bytes};
use crate::mix::FIRST_MARK;
use crate::orders::order;
use lavapool::runtime::Tokio;
use lavapool::{Event, EventStream, Limits};

/// What a load cost, and how late its events came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) nodes: u64,
    pub(crate) players: u64,
    pub(crate) messages: u64,
    pub(crate) lost: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_us_each: f64,
    /// From the socket's read to the event, of the positions.
    pub(crate) late: Percentiles,
    pub(crate) resident_mib: f64,
    /// What others took of the machine right before and after.
    #[serde(default)]
    pub(crate) taken: Taken,
}

pub(super) fn run(ports: &[u16], players: u64, rate: u64, seconds: u64) -> Outcome<Load> {
    let on = On::of(Who::Tokio)?;
    let On::Tokio(runtime) = &on else {
        return Err("this is measured on tokio".into());
    };
    let observed = Observed::new(Tokio::from(runtime.handle().clone()), ports);
    // As a bot has them: a queue of events that is short, and may lose some.
    let builder = builder(ports)?.limits(Limits::default());
    let nodes = ports.len() as u64;
    let count = rate * seconds / nodes * nodes;
    let reads: Vec<_> = ports
        .iter()
        .filter_map(|port| observed.reads(*port))
        .collect();
    let arrivals = Arc::new(Arrivals::default());
    let late = Arc::new(Latencies::default());
    let heard = (arrivals.clone(), late.clone());
    on.spawn(listen(
        builder.events(),
        heard,
        reads.clone(),
        count / nodes,
    ));
    let client = on.block_on(builder.connect_on(observed))?;
    for port in ports {
        order(*port, "silence")?;
    }
    in_turns(players, |range| on.block_on(play(&client, range)))?;
    reads.iter().for_each(|node| node.begin());
    arrivals.expect(count);

    let stopwatch = Stopwatch::start();
    order(ports[0], &format!("paced/{count}/{rate}"))?;
    let within = WITHIN + Duration::from_secs(seconds);
    let elapsed = arrivals
        .wait(within)
        .map_or(within, |at| at - stopwatch.began_at());
    let sample = stopwatch.stop_after(count, elapsed);
    Ok(Load {
        nodes,
        players,
        messages: count,
        lost: count - arrivals.seen().min(count),
        seconds: elapsed.as_secs_f64(),
        cpu_us_each: sample.cpu_us(),
        late: late.percentiles(),
        resident_mib: resident_bytes() as f64 / 1024.0 / 1024.0,
        taken: Taken::default(),
    })
}

async fn listen(
    mut events: EventStream,
    (arrivals, late): (Arc<Arrivals>, Arc<Latencies>),
    reads: Vec<Arc<Reads>>,
    each: u64,
) {
    while let Some(event) = events.next().await {
        match event {
            Event::PlayerUpdate { ping, .. } => {
                let now = Instant::now();
                // The mark of the message is its ping.
                let mark = ping.map_or(0, |ping| ping.as_millis() as u64) - FIRST_MARK;
                let read_at = reads[(mark / each) as usize].read_at(mark % each);
                late.add(now - read_at.expect("what is heard was read"));
                arrivals.count();
            }
            Event::NodeStats { .. } | Event::TrackStart { .. } | Event::TrackEnd { .. } => {
                arrivals.count();
            }
            _ => {}
        }
    }
}

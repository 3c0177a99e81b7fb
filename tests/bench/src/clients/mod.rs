//! The clients, each run in a process of its own: [`Who`] and what it is asked to do.

mod by_hand;
mod failover;
mod lavalink_rs;
mod lavapool;
mod load;
mod memory;
mod observed;
mod on;
mod twilight;

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::counting;
use crate::latencies::Latencies;
use crate::measure::{Arrivals, Sample, Stopwatch};
use crate::mix::MESSAGES_MAX;
use crate::orders::order;
use on::On;

pub(crate) use failover::Failover;
pub(crate) use load::Load;
pub(crate) use memory::{Memory, What};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Who {
    /// Reads and looks at the heads of frames: what the server can do.
    Reads,
    /// Frames by hand, `op` first, typed and borrowed serde_json.
    ByHand,
    /// tungstenite, and serde_json with an internal tag.
    Tungstenite,
    /// twilight-lavalink.
    Twilight,
    /// lavalink-rs.
    LavalinkRs,
    /// lavapool on tokio.
    Tokio,
    /// lavapool on smol.
    Smol,
    /// lavapool on async-std.
    AsyncStd,
}

impl Who {
    /// Who it is, with the version of those that others wrote.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reads => "nothing but reads",
            Self::ByHand => "the loop by hand",
            Self::Tungstenite => "tungstenite 0.30 + serde_json",
            Self::Twilight => "twilight-lavalink 0.18",
            Self::LavalinkRs => "lavalink-rs 0.15",
            Self::Tokio => "lavapool on tokio",
            Self::Smol => "lavapool on smol",
            Self::AsyncStd => "lavapool on async-std",
        }
    }
}

/// What a client does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Job {
    /// Takes this many messages, as fast as they come or so many a second.
    Messages {
        #[arg(long)]
        count: u64,
        #[arg(long)]
        rate: Option<u64>,
    },
    /// Makes requests, some of them at once.
    Rest {
        #[arg(long)]
        count: u64,
        #[arg(long)]
        at_once: u64,
        #[arg(long)]
        playlist: bool,
    },
    /// Loses a node with all players.
    Failover {
        #[arg(long)]
        players: u64,
        #[arg(long)]
        delay_ms: u64,
    },
    /// Has players and nodes, and looks at its memory.
    Memory {
        what: What,
        #[arg(long)]
        count: u64,
    },
    /// Takes messages from many nodes for a while.
    Load {
        #[arg(long)]
        players: u64,
        #[arg(long)]
        rate: u64,
        #[arg(long)]
        seconds: u64,
    },
}

/// Does the job and prints what came of it, as JSON.
pub(crate) fn run(who: Who, ports: &[u16], counted: bool, job: &Job) -> Outcome {
    if counted {
        counting::begin();
    }
    let port = *ports.first().ok_or("no port is named")?;
    let text = match *job {
        Job::Messages { count, rate } => serde_json::to_string(&messages(who, port, count, rate)?)?,
        Job::Rest {
            count,
            at_once,
            playlist,
        } => serde_json::to_string(&rest(who, port, count, at_once, playlist)?)?,
        Job::Failover { players, delay_ms } => {
            serde_json::to_string(&failover::run(who, ports, players, delay_ms)?)?
        }
        Job::Memory { what, count } => {
            serde_json::to_string(&memory::run(who, ports, what, count)?)?
        }
        Job::Load {
            players,
            rate,
            seconds,
        } => serde_json::to_string(&load::run(ports, players, rate, seconds)?)?,
    };
    println!("{text}");
    Ok(())
}

/// A client that is ready for messages, and lives as long as this does.
struct Running {
    /// Has all its players play a track each, if it has any.
    play_again: Box<dyn Fn() -> Outcome>,
}

impl Running {
    /// Of a client without players.
    fn idly(alive: impl Any) -> Self {
        Self {
            play_again: Box::new(move || {
                let _ = &alive;
                Ok(())
            }),
        }
    }
}

fn messages(who: Who, port: u16, count: u64, rate: Option<u64>) -> Outcome<Sample> {
    let arrivals = Arc::new(Arrivals::default());
    // Where messages come one by one, lavapool also says how late it tells of them.
    let late = rate.map(|_| Arc::new(Latencies::default()));
    let running: Running = match who {
        Who::Reads => by_hand::start(port, arrivals.clone(), by_hand::skip)?,
        Who::ByHand => by_hand::start(port, arrivals.clone(), by_hand::read_text)?,
        Who::Tungstenite => by_hand::start_tungstenite(port, arrivals.clone())?,
        Who::Twilight => twilight::start(port, arrivals.clone())?,
        Who::LavalinkRs => lavalink_rs::start(port, &arrivals)?,
        Who::Tokio | Who::Smol | Who::AsyncStd => {
            lavapool::start(On::of(who)?, port, arrivals.clone(), late.clone())?
        }
    };
    // The first stats of the session may still be on their way: they come before what is asked
    // for, and a round trip of it lets them pass.
    (running.play_again)()?;
    let warm = told(port, &arrivals, count.min(MESSAGES_MAX) / 10, None)?;
    if warm.lost > 0 {
        return Err(format!(
            "{} of {} messages to warm up were lost",
            warm.lost, warm.count
        )
        .into());
    }
    // What they said is not a time.
    late.iter().for_each(|late| late.clear());
    let mut sample = Sample::default();
    while sample.count < count {
        (running.play_again)()?;
        let part = (count - sample.count).min(MESSAGES_MAX);
        sample.add(&told(port, &arrivals, part, rate)?);
    }
    let is_lavapool = matches!(who, Who::Tokio | Who::Smol | Who::AsyncStd);
    sample.late = late.filter(|_| is_lavapool).map(|late| late.percentiles());
    drop(running);
    Ok(sample)
}

/// Has the node say so many messages, at once or so many a second.
fn told(port: u16, arrivals: &Arrivals, count: u64, rate: Option<u64>) -> Outcome<Sample> {
    arrivals.expect(count);
    if rate.is_none() {
        order(port, &format!("prepare/{count}"))?;
    }
    let stopwatch = Stopwatch::start();
    match rate {
        None => order(port, "burst")?,
        Some(rate) => order(port, &format!("timed/{count}/{rate}"))?,
    };
    let within = WITHIN + Duration::from_secs(count / rate.unwrap_or(count));
    let done_at = arrivals.wait(within);
    let elapsed = done_at.map_or(within, |at| at - stopwatch.began_at());
    let mut sample = stopwatch.stop_after(count, elapsed);
    sample.lost = count - arrivals.seen().min(count);
    Ok(sample)
}

fn rest(who: Who, port: u16, count: u64, at_once: u64, playlist: bool) -> Outcome<Sample> {
    match who {
        Who::ByHand => by_hand::rest(port, count, at_once, playlist),
        Who::LavalinkRs => lavalink_rs::rest(port, count, at_once, playlist),
        Who::Tokio | Who::Smol | Who::AsyncStd => {
            lavapool::rest(On::of(who)?, port, count, at_once, playlist)
        }
        Who::Reads | Who::Tungstenite | Who::Twilight => {
            Err(io::Error::from(io::ErrorKind::Unsupported).into())
        }
    }
}

/// What Discord says of a voice connection, in texts as long as its own: those that tell one guild
/// from another are different in each.
struct VoiceTexts {
    token: String,
    endpoint: String,
    session_id: String,
}

impl VoiceTexts {
    fn of(guild: u64) -> Self {
        Self {
            token: format!("{guild:016x}"),
            endpoint: format!("frankfurt{}.discord.media:443", 1_000 + guild % 1_000),
            session_id: format!("{guild:032x}"),
        }
    }
}

/// What to look up, another thing each time.
fn identifier(number: u64, playlist: bool) -> String {
    let kind = if playlist { "playlist" } else { "track" };
    format!("https://music.example/{kind}/{number}")
}

/// How many tracks an answer must have.
const fn tracks(playlist: bool) -> usize {
    if playlist { 100 } else { 1 }
}

/// How long anything may take before it counts as failed.
const WITHIN: Duration = Duration::from_secs(30);

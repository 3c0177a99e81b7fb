//! Three Lavalinks to try a bot on, whose tracks are called `https://tracks.test/ANYTHING`.
//!
//! `cargo run --release --example nodes` prints the name and URI of each, and an empty line. The
//! password is `youshallnotpass`. Then it obeys its standard input until that ends, a line for each
//! order and a line for each answer:
//!
//! | Order | Answer |
//! |---|---|
//! | `kill NAME` | `killed`: connections are reset, players lost |
//! | `restart NAME` | `restarted`: without any memory, on the same port |
//! | `judge NUMBER NODE` | where a guild of the other examples is, in ms, and what is wrong |

mod judge;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, Write};

use judge::Verdict;
use lavapool_examples::{Music, REGIONS};
use lavapool_tests::node::{Listener, NodeConfig};

type Listeners = BTreeMap<&'static str, Listener>;

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mut listeners = Listeners::new();
    for (name, _) in REGIONS {
        let listener = Listener::start(NodeConfig::new(name)).await?;
        println!("{name} {}", listener.uri());
        listeners.insert(name, listener);
    }
    println!();
    // The nodes run on other threads.
    for order in io::stdin().lock().lines() {
        let answer = obey(&listeners, &order?).await;
        println!("{}", answer.as_deref().unwrap_or("unknown"));
        io::stdout().flush()?;
    }
    Ok(())
}

async fn obey(listeners: &Listeners, order: &str) -> Option<String> {
    let words: Vec<_> = order.split_whitespace().collect();
    match words[..] {
        ["kill", name] => {
            listeners.get(name)?.kill().await;
            Some("killed".to_owned())
        }
        ["restart", name] => {
            listeners.get(name)?.restart().await;
            Some("restarted".to_owned())
        }
        ["judge", number, node] => {
            let music = Music::of(number.parse().ok()?);
            let verdict = judge(listeners, &music, node).await;
            let place = verdict.place.as_millis();
            Some(format!("{place} {}", verdict.fault.unwrap_or_default()))
        }
        _ => None,
    }
}

async fn judge(listeners: &Listeners, music: &Music, node: &str) -> Verdict {
    let guild = i64::try_from(music.guild.get()).unwrap_or(0);
    let mut copies = Vec::new();
    for (&name, listener) in listeners {
        let found = listener.with(move |node| node.players_of(guild, node.now()));
        copies.extend(found.await.into_iter().map(|player| (name, player)));
    }
    Verdict::of(music, &copies, node)
}

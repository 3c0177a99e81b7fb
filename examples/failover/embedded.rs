//! The nodes in this process: what they really play is there to be looked at.

use std::time::Duration;

use lavapool::{Client, Leaving, NodeConfig, Source};
use lavapool_examples::{Music, REGIONS, Terminal, bot, is_misplaced};
use lavapool_tests::node::{self, Listener};

use crate::judge::Verdict;
use crate::options::Kind;
use crate::{Outcome, table, watch};

const GUILDS: u32 = 30;

/// A node of this process.
struct Server {
    name: &'static str,
    listener: Listener,
}

pub(crate) async fn run(
    terminal: Terminal,
    runtime: Kind,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    terminal.step("Three nodes in this process");
    let mut servers = Vec::new();
    for (name, _) in REGIONS {
        let listener = Listener::start(node::NodeConfig::new(name)).await?;
        terminal.line(format!("{name} listens at {}", listener.uri()));
        servers.push(Server { name, listener });
    }
    let client = connect(&servers, runtime).await?;
    terminal.report(&client.report());

    let music: Vec<_> = (0..GUILDS).map(Music::of).collect();
    play(terminal, &client, &music).await?;
    show_positions(terminal, &client).await;

    let mut events = client.events();
    let before = table::places(&client);
    let victim = fullest(&servers, &before);
    let count = before
        .iter()
        .filter(|place| place.node == victim.name)
        .count();
    terminal.step(format!("Killing {} with its {count} players", victim.name));
    victim.listener.kill().await;
    let within = Duration::from_secs(15);
    let moves = watch::moves(terminal, &mut events, victim.name, count, within, true).await;
    watch::synced(&client, Duration::from_secs(5)).await;
    let after = table::places(&client);
    table::print(terminal, victim.name, &before, &after);
    terminal.line(format!("now playing: {}", table::spread(&after)));

    terminal.step(format!("{} comes back", victim.name));
    victim.listener.restart().await;
    let back = client.node(victim.name).ok_or("the node is gone")?;
    back.reconnect().await?;
    terminal.good(format!("node {} is ready for players again", back.name()));
    terminal.report(&client.report());

    let lost = check(terminal, &client, &servers, &music).await;
    let outcome = Outcome {
        moved: moves.players.len(),
        lost,
        longest_gap: moves.longest_gap(),
    };
    client.close(Leaving::Destroy).await?;
    if outcome.moved != count {
        return Err(format!("{} of {count} players moved", outcome.moved).into());
    }
    Ok(outcome)
}

async fn connect(servers: &[Server], runtime: Kind) -> Result<Client, Box<dyn std::error::Error>> {
    let mut builder = Client::builder(bot());
    for server in servers {
        let config = NodeConfig::new(server.name, &server.listener.uri(), "youshallnotpass")?;
        builder = builder.node(config.region(server.name));
    }
    Ok(crate::connect(builder, runtime).await?)
}

/// Joins the voice channels of all guilds and plays a track of its own in each.
async fn play(
    terminal: Terminal,
    client: &Client,
    music: &[Music],
) -> Result<(), Box<dyn std::error::Error>> {
    terminal.step(format!(
        "Playing in {} guilds of {} regions",
        music.len(),
        REGIONS.len()
    ));
    let mut plays = Vec::new();
    for music in music {
        let loaded = client.load_tracks(music.identifier()).await?;
        let track = loaded.tracks().first().ok_or("the node found no track")?;
        let (state, server) = music.voice();
        client.voice_state_update(state);
        client.voice_server_update(server);
        let player = client.player(music.guild);
        plays.push(player.update(music.update(Source::from(track))));
        terminal.progress(format!("{} tracks loaded", plays.len()));
    }
    for play in plays {
        play.await?;
    }
    terminal.progress_over();
    terminal.good(format!(
        "playing: {}",
        table::spread(&table::places(client))
    ));
    Ok(())
}

async fn show_positions(terminal: Terminal, client: &Client) {
    terminal.step("Positions");
    let first = table::places(client);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let second = table::places(client);
    for (first, second) in first.iter().zip(&second).take(6) {
        let (was, is) = (
            table::seconds(first.position),
            table::seconds(second.position),
        );
        let paused = if first.paused { "  paused" } else { "" };
        terminal.line(format!(
            "{} on {:<5} {was:>8} -> {is:>8}{paused}",
            first.guild, first.node
        ));
    }
}

/// The node with the most players.
fn fullest<'a>(servers: &'a [Server], places: &[table::Place]) -> &'a Server {
    let players = |server: &&Server| {
        places
            .iter()
            .filter(|place| place.node == server.name)
            .count()
    };
    servers.iter().max_by_key(players).expect("there are three")
}

/// Asks the nodes themselves what they play. Returns how many guilds have not what they should.
async fn check(terminal: Terminal, client: &Client, servers: &[Server], music: &[Music]) -> usize {
    terminal.step("What the nodes really play");
    let mut events = client.events();
    let mut lost = 0;
    for music in music {
        let mut fault = fault(client, servers, music).await;
        if fault.as_deref() == Some(MISPLACED) {
            // A node that was kept from running began later than the client counts from: its next
            // report tells.
            watch::report(&mut events, music.guild, Duration::from_secs(10)).await;
            fault = self::fault(client, servers, music).await;
        }
        if let Some(fault) = fault {
            terminal.bad(format!("{}: {fault}", music.guild));
            lost += 1;
        }
    }
    if lost == 0 {
        terminal.good(format!(
            "{} guilds, each on one node, each as it should be",
            music.len()
        ));
    }
    lost
}

/// What is wrong with the music of a guild, if anything is.
async fn fault(client: &Client, servers: &[Server], music: &Music) -> Option<String> {
    let guild = i64::try_from(music.guild.get()).unwrap_or(0);
    let player = client.player(music.guild);
    let position = || player.content_position().unwrap_or_default();
    let before = position();
    let mut copies = Vec::new();
    for server in servers {
        let found = server
            .listener
            .with(move |node| node.players_of(guild, node.now()))
            .await;
        copies.extend(found.into_iter().map(|player| (server.name, player)));
    }
    let supposed = before..=position();
    let node = player.node().map(|node| node.name().to_owned());
    let verdict = Verdict::of(music, &copies, &node.unwrap_or_default());
    let is_misplaced = is_misplaced(verdict.place, &supposed);
    verdict
        .fault
        .or_else(|| is_misplaced.then(|| MISPLACED.to_owned()))
}

const MISPLACED: &str = "wrong: the position";

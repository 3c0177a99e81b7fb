//! Real nodes, which nobody can look into: what they play is asked of them.

use std::time::Duration;

use lavapool::rest::{Answer, Request};
use lavapool::{Client, Event, Leaving, LoadResult, Source, Track};
use lavapool_examples::{Music, Terminal, bot};

use crate::options::Options;
use crate::{Outcome, table, watch};

/// How long a person has to kill a node.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn run(
    terminal: Terminal,
    options: &Options,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let configs = options.configs()?;
    let alone = configs.len() == 1;
    terminal.progress(format!("connecting to {} nodes", configs.len()));
    let builder = Client::builder(bot()).nodes(configs);
    let connected = crate::connect(builder, options.runtime).await;
    terminal.progress_over();
    let client = connected?;
    terminal.report(&client.report());
    if alone {
        return Err("one node alone has nowhere to move players to: name another --node".into());
    }
    let identifier = options
        .track
        .as_ref()
        .ok_or("real nodes need a --track to play")?;
    let track = load(&client, identifier).await?;

    let music: Vec<_> = (0..options.guilds).map(Music::of).collect();
    let mut events = client.events();
    play(terminal, &client, &music, &track).await?;
    let before = table::places(&client);
    let victim = if options.no_kill {
        fullest(&before).ok_or("nobody plays")?
    } else {
        ask_for_a_loss(terminal, &mut events).await?
    };
    let count = before.iter().filter(|place| place.node == victim).count();
    let drained = options.no_kill.then(|| {
        terminal.step(format!("Draining {victim} with its {count} players"));
        client.node(&victim).map(|node| node.drain())
    });
    let within = Duration::from_secs(60);
    let moves = watch::moves(
        terminal,
        &mut events,
        &victim,
        count,
        within,
        !options.no_kill,
    )
    .await;
    if let Some(Some(drained)) = drained {
        drained.await?;
    }
    watch::synced(&client, Duration::from_secs(15)).await;
    let after = table::places(&client);
    table::print(terminal, &victim, &before, &after);
    terminal.report(&client.report());

    let lost = check(terminal, &client, &music, &track).await;
    client.close(Leaving::Destroy).await?;
    if moves.players.len() != count {
        return Err(format!("{} of {count} players moved", moves.players.len()).into());
    }
    Ok(Outcome {
        moved: moves.players.len(),
        lost,
        longest_gap: moves.longest_gap(),
    })
}

async fn load(client: &Client, identifier: &str) -> Result<Track, Box<dyn std::error::Error>> {
    let loaded = client.load_tracks(identifier).await?;
    if let LoadResult::Error(exception) = &loaded {
        let message = exception.message.as_deref().unwrap_or("no reason given");
        return Err(format!("the node cannot load {identifier}: {message}").into());
    }
    let track = loaded
        .tracks()
        .first()
        .ok_or("the node found nothing under --track")?;
    Ok(track.clone())
}

/// Plays without voice: there is no Discord here.
async fn play(
    terminal: Terminal,
    client: &Client,
    music: &[Music],
    track: &Track,
) -> Result<(), Box<dyn std::error::Error>> {
    terminal.step(format!(
        "Playing {:?} in {} guilds",
        track.info.title,
        music.len()
    ));
    let guilds = music.len();
    terminal.line("without a voice connection: positions stand still where they were started");
    for music in music {
        let start = start_of(music, track);
        let update = music
            .update(Source::from(track))
            .position(start)
            .without_voice();
        client.player(music.guild).update(update).await?;
        terminal.progress(format!("guild {} of {guilds}", music.number + 1));
    }
    terminal.progress_over();
    terminal.good(format!(
        "playing: {}",
        table::spread(&table::places(client))
    ));
    Ok(())
}

/// Each guild starts somewhere else, so that a position that survives is seen to.
fn start_of(music: &Music, track: &Track) -> Duration {
    let length = track
        .info
        .length()
        .filter(|_| track.info.is_seekable)
        .unwrap_or_default();
    (length / 4).min(Duration::from_secs(u64::from(music.number)))
}

fn fullest(places: &[table::Place]) -> Option<String> {
    let players = |node: &String| places.iter().filter(|place| place.node == *node).count();
    places
        .iter()
        .map(|place| place.node.clone())
        .max_by_key(players)
}

/// Waits for the person to kill a node; returns its name.
async fn ask_for_a_loss(
    terminal: Terminal,
    events: &mut lavapool::EventStream,
) -> Result<String, Box<dyn std::error::Error>> {
    terminal.step("Now kill a node (five minutes; --no-kill drains one instead)");
    let lost = async {
        loop {
            match events.next().await {
                Some(Event::NodeDisconnected { node, loss }) => {
                    terminal.bad(format!("node {node} is lost: {loss}"));
                    return Some(node.to_string());
                }
                Some(_) => {}
                None => return None,
            }
        }
    };
    let lost = tokio::time::timeout(PATIENCE, lost).await;
    lost.map_err(|_| "no node was killed")?
        .ok_or_else(|| "the client was closed".into())
}

/// Asks the nodes what they play. Returns how many guilds have not what they should.
async fn check(terminal: Terminal, client: &Client, music: &[Music], track: &Track) -> usize {
    terminal.step("What the nodes say that they play");
    let mut lost = 0;
    for music in music {
        if let Some(fault) = differs(client, music, track).await {
            terminal.bad(format!("{}: {fault}", music.guild));
            lost += 1;
        }
    }
    if lost == 0 {
        terminal.good(format!("{} guilds, each as it should be", music.len()));
    }
    lost
}

/// What is not as it should be, in words.
async fn differs(client: &Client, music: &Music, track: &Track) -> Option<String> {
    let player = client.player(music.guild);
    let Some(view) = player.view() else {
        return Some("there is no player".to_owned());
    };
    let Some(name) = view.node() else {
        return Some("it has no node".to_owned());
    };
    let Some(node) = client.node(&name.name) else {
        return Some("its node is gone".to_owned());
    };
    let answer = node.request(Request::Player(music.guild)).await;
    let theirs = match answer {
        Ok(Answer::Player(theirs)) => theirs,
        Ok(_) => return Some("the node answered something else".to_owned()),
        Err(error) => return Some(error.to_string()),
    };
    let Some(playing) = &theirs.track else {
        return Some("its track is gone".to_owned());
    };
    // A server that sends no sound soon reports 0, wherever it was told to start.
    let position = player.content_position().unwrap_or_default();
    let filters = music.filters.clone().unwrap_or_default();
    let faults = [
        (
            playing.info.identifier != track.info.identifier,
            "another track",
        ),
        (theirs.paused != music.paused, "the pause"),
        (theirs.volume != music.volume, "the volume"),
        (theirs.filters.decode().ok() != Some(filters), "the filters"),
        (
            position.abs_diff(start_of(music, track)) > Duration::from_secs(1),
            "the position",
        ),
    ];
    let named: Vec<_> = faults
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| *name)
        .collect();
    if named.is_empty() {
        None
    } else {
        Some(format!("wrong: {}", named.join(", ")))
    }
}

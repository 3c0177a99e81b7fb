//! Moonlink's guide: properties, connect and reconnect, pings, penalties, autoplay, eject.

use std::time::Duration;

use lavapool::{
    Client, Event, EventStream, Kinds, Leaving, Queue, QueuedPlayer, Source, TrackEndReason,
};

use crate::Outcome;
use crate::ledger::Ledger;
use crate::stage::{Stage, event, guild, play, until};

pub(crate) async fn walk(ledger: &mut Ledger) -> Outcome {
    ledger.chapter("Moonlink: Node");
    let stage = Stage::new(["main", "other"]).await?;
    stage
        .set("other", |node| node.stats().players = Some((9, 9)))
        .await;
    let client = stage.builder()?.connect().await?;
    describe(ledger, &stage, &client).await?;
    connect(ledger, &client).await?;
    play_on_and_on(ledger, &client).await?;
    leave(ledger, &stage, &client).await?;
    Ok(client.close(Leaving::Destroy).await?)
}

async fn describe(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    until(async || node.info().is_some() && node.stats().is_some()).await;
    let (config, address) = (node.config(), stage.server("main").address());
    let endpoint = config.endpoint();
    ledger.same("manager", node.client().nodes().len(), 2);
    ledger.same("identifier", node.name(), "main");
    let place = (endpoint.host().to_owned(), endpoint.port());
    ledger.same(
        "host, port",
        place,
        (address.ip().to_string(), address.port()),
    );
    ledger.same("address", endpoint.address(), address.to_string());
    ledger.same("connected", node.is_connected(), true);
    let uptime = node.stats().map(|stats| stats.uptime);
    ledger.note(
        "stats",
        format_args!("up for {uptime:?} ms"),
        uptime.is_some(),
    );
    let session = node.session_id();
    ledger.note("sessionId", format_args!("{session:?}"), session.is_some());
    let capabilities = node.capabilities();
    let has_source = capabilities.contains("source:youtube");
    let promise = "capabilities, such as source:spotify";
    ledger.note(
        promise,
        format_args!("{} of them", capabilities.len()),
        has_source,
    );
    let penalty = |name: &str| client.node(name).map(|node| node.penalty());
    let (main, other) = (penalty("main"), penalty("other"));
    let promise = "getPenalties(), higher is more load";
    ledger.note(
        promise,
        format_args!("{main:?} and {other:?}"),
        main < other,
    );
    Ok(())
}

async fn connect(ledger: &mut Ledger, client: &Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    let latency = node.ping().await?;
    ledger.note(
        "ping(), the round trip",
        format_args!("{latency:?}"),
        latency.as_secs() < 1,
    );
    ledger.same("latency, -1 if disconnected", node.latency(), Some(latency));
    let before = node.session_id();
    ledger.same("connect()", node.connect().await?.is_connected(), true);
    let mut statuses = client.statuses();
    node.reconnect().await?;
    ledger.same(
        "reconnect() forces a try",
        node.session_id() == before,
        true,
    );
    let change = event(&mut statuses, |event| match event {
        Event::NodeStatus { old, new, .. } => Some(format!("{old} to {new}")),
        _ => None,
    });
    let promise = "event nodeStateChange with the old and the new state";
    ledger.same(promise, change.await?, "connected to reconnecting");
    Ok(())
}

/// Autoplay: a track that ends by itself is followed by one that resembles it.
async fn play_on_and_on(ledger: &mut Ledger, client: &Client) -> Outcome {
    let main = client.node("main").ok_or("it was configured")?;
    play(client, Some(&main), 1, "frankfurt").await?;
    let player = client.player(guild(1));
    let first = client.load_tracks("ytsearch:a song").await?.tracks()[0].clone();
    player.stop().await?;
    let is_playing = player.autoplay(&first, [], 7).await?;
    let next = player.track().ok_or("nothing plays")?;
    let title = &next.info.title;
    let is_other = next.info.identifier != first.info.identifier;
    ledger.note(
        "handleAutoPlay is true if something plays",
        is_playing,
        is_playing,
    );
    let promise =
        "handleAutoPlay(player, previousTrack): YouTube mix, Spotify, Deezer, Apple Music";
    ledger.note(promise, title, next.info.source_name == "youtube");
    let promise = "never the previous track, nor what is queued";
    ledger.note(
        promise,
        format_args!("after {}: {title}", first.info.title),
        is_other,
    );

    let queue = QueuedPlayer::new(player.clone(), Queue::new(7));
    queue.set_autoplay(true);
    let mut events = client.events_of(Kinds::TRACKS);
    player
        .play(Source::identifier("https://tracks.test/short?length=300"))
        .await?;
    let mut followed = Vec::new();
    for is_stopped in [false, true] {
        if is_stopped {
            player.stop().await?;
        }
        followed.push(is_followed(&queue, &mut events).await?);
    }
    let promise = "only after a track that just finished";
    ledger.same(promise, followed, vec![true, false]);
    Ok(())
}

/// Hands a queue its events until a track ends; tells whether another one follows.
async fn is_followed(
    queue: &QueuedPlayer,
    events: &mut EventStream,
) -> Result<bool, Box<dyn std::error::Error>> {
    loop {
        let told = event(events, Some).await?;
        let next = queue.handle(&told).await?;
        if let Event::TrackEnd { reason, .. } = told
            && reason != TrackEndReason::Replaced
        {
            return Ok(next.is_some());
        }
    }
}

async fn leave(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let (main, other) = (client.node("main"), client.node("other"));
    let (main, other) = (main.ok_or("configured")?, other.ok_or("configured")?);
    play(client, Some(&main), 2, "frankfurt").await?;
    main.within(Duration::from_secs(5)).eject().await?;
    let moved = stage.guilds("other").await;
    ledger.note(
        "NodeManager.eject()",
        format_args!("{moved:?} moved"),
        moved.contains(&2),
    );
    other.destroy().await?;
    let promise = "destroy(), which moves no player";
    ledger.same(promise, client.players().len() + client.nodes().len(), 0);
    Ok(())
}

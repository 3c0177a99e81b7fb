//! DisGoLink's guide: configuration, statuses, connections, sessions, load balancing, information.

use std::time::Duration;

use lavapool::protocol::PlayerPatchBuf;
use lavapool::{
    Client, Error, Event, Kinds, Leaving, Node, NodeConfig, ReconnectPolicy, RequestError,
    SessionUpdate, Status, Strategy,
};

use crate::Outcome;
use crate::ledger::Ledger;
use crate::stage::{PASSWORD, Stage, builder, event, guild, play, until};

pub(crate) async fn walk(ledger: &mut Ledger) -> Outcome {
    ledger.chapter("DisGoLink: Node");
    let stage = Stage::new(["main", "other"]).await?;
    for (name, load) in [("main", 0.5), ("other", 0.1)] {
        stage
            .set(name, move |node| node.stats().lavalink_load = load)
            .await;
    }
    let client = configure(ledger, &stage).await?;
    add_and_remove(ledger, &stage, &client).await?;
    lose_and_regain(ledger, &stage, &client).await?;
    inform(ledger, &stage, &client).await?;
    balance(ledger, &client).await?;
    ask_directly(ledger, &client).await?;
    resume(ledger, &stage, client).await
}

async fn configure(
    ledger: &mut Ledger,
    stage: &Stage,
) -> Result<Client, Box<dyn std::error::Error>> {
    let address = stage.server("main").address().to_string();
    let config = NodeConfig::new("main", &address, PASSWORD)?;
    ledger.same(
        "NodeConfig.Name, required and unique",
        &**config.name(),
        "main",
    );
    let endpoint = config.endpoint();
    ledger.same(
        "NodeConfig.Address in host:port form",
        endpoint.address(),
        address,
    );
    ledger.same(
        "NodeConfig.Secure, default false",
        endpoint.is_secure(),
        false,
    );
    let shown = format!("{:?}", config.password());
    let is_hidden = !shown.contains(PASSWORD);
    ledger.note("NodeConfig.Password", shown, is_hidden);

    let builder = builder().strategy(Strategy::LeastLoaded);
    Ok(builder.node(config).connect().await?)
}

async fn add_and_remove(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let other = client.add_node(stage.config("other")?).await?;
    let promise = "client.AddNode(ctx, config) returns once connected";
    ledger.same(promise, other.status(), Status::Connected);
    ledger.note(
        "node.Status()",
        other.status(),
        other.status() == Status::Connected,
    );

    // Nobody listens there.
    let nobody = NodeConfig::new("nobody", "127.0.0.1:1", PASSWORD)?;
    let added = client
        .within(Duration::from_millis(300))
        .add_node(nobody)
        .await;
    let Err(error) = added else {
        return Err("somebody listens at port 1".into());
    };
    let is_typed = matches!(error, Error::Request(RequestError::NotConnected { .. }));
    ledger.note(
        "the error of AddNode when its context ends",
        error,
        is_typed,
    );
    client.remove_node("nobody", Leaving::Keep).await?;
    let promise = "client.RemoveNode(name) closes and removes";
    ledger.same(promise, client.node("nobody"), None);
    Ok(())
}

async fn lose_and_regain(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let other = client.node("other").ok_or("it was added")?;
    let mut events = client.events_of(Kinds::NODES | Kinds::STATUSES);
    stage.server("other").kill().await;
    let (mut delays, mut statuses) = (Vec::new(), Vec::new());
    while delays.len() < 2 {
        match event(&mut events, Some).await? {
            Event::NodeReconnecting { delay, .. } => delays.push(delay.as_secs()),
            Event::NodeStatus { new, .. } => statuses.push(new),
            _ => {}
        }
    }
    ledger.same(
        "reconnect delay min(try * 2s, 30s), from 0 s",
        &delays,
        &vec![0, 2],
    );
    let promise = "reconnection happens asynchronously: check node.Status()";
    ledger.same(promise, other.status(), Status::Reconnecting);
    let endless = ReconnectPolicy::default().retries;
    ledger.same(
        "unlimited retries, until successful or closed",
        endless,
        None,
    );

    stage.server("other").restart().await;
    let opened = |event| match event {
        Event::NodeReady { node, .. } => Some(node.to_string()),
        _ => None,
    };
    let mut nodes = client.events_of(Kinds::NODES);
    other.reconnect().await?;
    let name = event(&mut nodes, opened).await?;
    ledger.same("plugin hooks OnNodeOpen, OnNodeClose", name, "other");
    while statuses.last() != Some(&Status::Connected) {
        if let Event::NodeStatus { new, .. } = event(&mut events, Some).await? {
            statuses.push(new);
        }
    }
    let promise = "beyond: the statuses as a stream";
    let expected = [Status::Reconnecting, Status::Connected];
    ledger.same(promise, statuses, expected.to_vec());
    Ok(())
}

async fn inform(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    until(async || node.info().is_some() && node.stats().is_some()).await;
    let stats = node.stats().ok_or("no stats came")?;
    let (cpu, memory) = (stats.cpu, stats.memory);
    let loads = format!(
        "{:.0}% and {:.0}%",
        cpu.lavalink_load * 100.0,
        cpu.system_load * 100.0
    );
    let is_set = (cpu.lavalink_load - 0.5).abs() < 1e-9;
    ledger.note("node.Stats(): CPU of Lavalink and system", loads, is_set);
    let promise = "node.Stats(): memory used, free, allocated, reservable";
    let bytes = [
        memory.used,
        memory.free,
        memory.allocated,
        memory.reservable,
    ];
    ledger.note(
        promise,
        format_args!("{bytes:?}"),
        bytes.iter().all(|count| *count > 0),
    );
    ledger.same(
        "node.Stats(): players",
        (stats.players, stats.playing_players),
        (0, 0),
    );

    let theirs = stage
        .server("main")
        .with(|node| node.sessions()[0].id.clone())
        .await;
    let ours = node.session_id().ok_or("there is no session")?;
    // What prints a session id hides it.
    ledger.note("node.SessionID()", &ours, ours.expose() == theirs);
    ledger.same("node.Config()", &**node.config().name(), "main");
    ledger.same(
        "the parent client instance",
        node.client().user_id(),
        client.user_id(),
    );
    ledger.same("node.Version(ctx)", node.version().await?, "4.2.2");
    let info = node.fetch_info().await?;
    let (plugins, sources) = (info.plugins.len(), info.source_managers.len());
    let counts = format!(
        "{plugins} plugins, {sources} sources, {} filters",
        info.filters.len()
    );
    let promise = "node.Info(ctx): version, plugins, sources, filters";
    ledger.note(promise, counts, plugins > 0 && info.has_source("youtube"));
    Ok(())
}

async fn balance(ledger: &mut Ledger, client: &Client) -> Outcome {
    let best = client
        .best_node_by(&Strategy::LeastLoaded)
        .ok_or("no node")?;
    let promise = "client.BestNode(): CPU, memory, system load, first";
    ledger.same(promise, best.name(), "other");
    let main = client.node("main").ok_or("it was configured")?;
    play(client, Some(&main), 1, "frankfurt").await?;
    let on = |id| client.player(guild(id)).node();
    let promise = "client.PlayerOnNode(node, guildID)";
    ledger.same(promise, on(1), Some(main));
    play(client, None, 2, "frankfurt").await?;
    ledger.same(
        "client.Player(guildID) uses the best node",
        on(2),
        client.node("other"),
    );
    Ok(())
}

async fn ask_directly(ledger: &mut Ledger, client: &Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    let players = node.fetch_players().await?.len();
    ledger.same("node.Rest(): every endpoint", players, 1);
    let quiet = PlayerPatchBuf {
        volume: Some(7),
        ..PlayerPatchBuf::default()
    };
    let theirs = node.update_player(guild(1), true, quiet).await?.volume;
    let ours = client.player(guild(1)).volume().get();
    let promise = "direct calls bypass the player's state";
    ledger.same(promise, (theirs, ours), (7, 100));
    Ok(())
}

/// The process ends and starts anew; the music never stops.
async fn resume(ledger: &mut Ledger, stage: &Stage, client: Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    let state = node.update_session(SessionUpdate {
        resuming: Some(true),
        timeout: Some(Duration::from_secs(90)),
    });
    let state = state.await?;
    let promise = "node.Update(ctx, SessionUpdate)";
    ledger.same(
        promise,
        (state.resuming, state.timeout.as_secs()),
        (true, 90),
    );
    let stored = node.session_id().ok_or("there is no session")?;
    client.close(Leaving::Keep).await?;

    let config = stage.config("main")?.session_id(stored)?;
    let builder = builder().node(config);
    let mut events = builder.events();
    let client = builder.connect().await?;
    let resumed = event(&mut events, |event| match event {
        Event::NodeReady { resumed, .. } => Some(resumed),
        _ => None,
    });
    let promise = "resuming after a restart with a stored session id";
    ledger.same(promise, resumed.await?, true);
    let player = client.player(guild(1));
    let is_synced = until(async || player.is_playing()).await;
    let title = player.track().map(|track| track.info.title.clone());
    let promise = "all player states are synced from the server";
    ledger.note(promise, title.unwrap_or_default(), is_synced);
    close(
        ledger,
        stage,
        &client.node("main").ok_or("it was configured")?,
    )
    .await
}

async fn close(ledger: &mut Ledger, stage: &Stage, node: &Node) -> Outcome {
    node.destroy().await?;
    let is_gone = until(async || stage.guilds("main").await.is_empty()).await;
    ledger.note("node.Close()", node.status(), is_gone && node.is_removed());
    Ok(())
}

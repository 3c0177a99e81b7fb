//! RevvLink's guide: what a node is told, moving by hand, events, failover and session resume.

use std::time::Duration;

use lavapool::{Client, Event, Kinds, Leaving, Loss};

use crate::Outcome;
use crate::ledger::Ledger;
use crate::stage::{Stage, builder, event, guild, play, until};

pub(crate) async fn walk(ledger: &mut Ledger) -> Outcome {
    ledger.chapter("RevvLink: Node & Pool");
    let stage = Stage::new(["main", "eu-west"]).await?;
    let client = connect(ledger, &stage).await?;
    choose(ledger, &client).await?;
    drop_for_a_moment(ledger, &stage, &client).await?;
    lose(ledger, &stage, &client).await?;
    client.close(Leaving::Destroy).await?;
    ledger.same("Pool.close()", client.report().connected(), 0);
    Ok(())
}

async fn connect(ledger: &mut Ledger, stage: &Stage) -> Result<Client, Box<dyn std::error::Error>> {
    let main = stage.config("main")?;
    let main = main
        .heartbeat(Duration::from_secs(30))?
        .retries(3)
        .region("us-east");
    let eu = stage.config("eu-west")?.region("eu-west");
    ledger.same("Node(uri, password, identifier)", &**main.name(), "main");
    let heartbeat = main.own_heartbeat();
    ledger.same(
        "Node(heartbeat=…), the ping interval",
        heartbeat,
        Some(Duration::from_secs(30)),
    );
    ledger.same(
        "Node(retries=…), tries before giving up",
        main.own_retries(),
        Some(Some(3)),
    );
    let client = builder()
        .nodes([main, eu])
        .cache_capacity(200)
        .connect()
        .await?;
    let promise = "Pool.connect(nodes, client, cache_capacity)";
    ledger.same(
        promise,
        (client.nodes().len(), client.cache_capacity()),
        (2, Some(200)),
    );
    Ok(client)
}

async fn choose(ledger: &mut Ledger, client: &Client) -> Outcome {
    let main = client.node("main").ok_or("it was configured")?;
    let eu = client.node("eu-west").ok_or("it was configured")?;
    ledger.same("Pool.get_node(identifier=…)", main.name(), "main");
    ledger.same("Pool.get_best_node()", client.best_node().is_some(), true);
    ledger.same("Pool.nodes", client.nodes(), vec![main.clone(), eu.clone()]);
    until(async || main.stats().is_some()).await;
    let stats = main.stats().ok_or("no stats came")?;
    let megabytes = stats.memory.used / 1024 / 1024;
    let seen = format!("{} playing, {megabytes} MB", stats.playing_players);
    ledger.note(
        "node.stats: playing_players, cpu, memory, uptime",
        seen,
        megabytes > 0,
    );

    play(client, None, 1, "c-fra05-1a2b3c4d").await?;
    let player = client.player(guild(1));
    let promise = "Node(region=…), such as us-east, eu-west, ap-south";
    ledger.same(promise, player.node(), Some(eu));
    player.move_to(&main).await?;
    ledger.same("player.move_to(node)", player.node(), Some(main));
    Ok(())
}

/// The connection breaks, and the node keeps the session: nobody hears anything of it.
async fn drop_for_a_moment(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let main = client.node("main").ok_or("it was configured")?;
    // A node that has not agreed to keep the session yet does not.
    until(async || main.view().resumable).await;
    let before = main.session_id();
    let mut events = client.events_of(Kinds::NODES);
    let server = stage.server("main");
    server
        .with(|node| node.close_websockets(1001, "bye", node.now()))
        .await;
    let loss = event(&mut events, |event| match event {
        Event::NodeDisconnected { loss, .. } => Some(loss),
        _ => None,
    });
    let loss = loss.await?;
    let is_coded = matches!(loss, Loss::Closed { code: 1001, .. });
    let promise = "NodeDisconnectedEventPayload.node, code, and the reason";
    ledger.note(promise, loss, is_coded);
    let ready = event(&mut events, |event| match event {
        Event::NodeReady { node, resumed } => Some((node.to_string(), resumed)),
        _ => None,
    });
    let promise = "NodeReadyEventPayload.node, resumed";
    ledger.same(promise, ready.await?, ("main".to_owned(), true));
    let is_same = main.session_id() == before;
    ledger.note("NodeReadyEventPayload.session_id", "the same", is_same);
    // What a player has left is told so after the answer to its move.
    until(async || stage.guilds("eu-west").await.is_empty()).await;
    let guilds = (stage.guilds("main").await, stage.guilds("eu-west").await);
    ledger.same(
        "session resume within the timeout",
        guilds,
        (vec![1], vec![]),
    );
    Ok(())
}

async fn lose(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let main = client.node("main").ok_or("it was configured")?;
    let mut events = client.events_of(Kinds::PLAYERS);
    stage.server("main").kill().await;
    let moved = event(&mut events, |event| match event {
        Event::PlayerMoved { to, gap, .. } => Some((to.to_string(), gap)),
        _ => None,
    });
    let (to, gap) = moved.await?;
    let promise = "failover marks the node as unavailable";
    ledger.same(promise, main.is_connected(), false);
    let promise = "failover moves all players to the next best node";
    ledger.note(promise, format_args!("to {to} in {gap:?}"), to == "eu-west");
    let is_playing = client.player(guild(1)).is_playing();
    ledger.same("failover resumes playback", is_playing, true);
    stage.server("main").restart().await;
    let is_back = until(async || main.is_connected()).await;
    ledger.note("failover goes on reconnecting", main.status(), is_back);
    Ok(())
}

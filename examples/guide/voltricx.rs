//! Voltricx's guide: connecting many nodes, choosing one, failover, information, route planner.

use lavapool::{
    Client, ConnectError, Event, Kinds, Leaving, NodeConfig, PenaltyWeights, Status, Strategy,
};
use serde_json::json;

use crate::Outcome;
use crate::ledger::Ledger;
use crate::stage::{PASSWORD, Stage, builder, event, guild, play, until};

pub(crate) async fn walk(ledger: &mut Ledger) -> Outcome {
    ledger.chapter("Voltricx: Connecting Nodes");
    let stage = Stage::new(["us", "eu", "asia"]).await?;
    stage
        .set("asia", |node| node.stats().players = Some((9, 4)))
        .await;
    let client = connect(ledger, &stage).await?;
    choose(ledger, &client).await?;
    inform(ledger, &stage, &client).await?;
    fail_over(ledger, &stage, &client).await?;
    list(ledger, &client);
    client.close(Leaving::Destroy).await?;
    let left = stage.guilds("us").await.len() + stage.guilds("asia").await.len();
    ledger.same("Pool.close(): players destroyed, sockets closed", left, 0);
    Ok(())
}

async fn connect(ledger: &mut Ledger, stage: &Stage) -> Result<Client, Box<dyn std::error::Error>> {
    let nobody = || NodeConfig::new("nobody", "127.0.0.1:1", PASSWORD);
    let alone = builder().node(nobody()?.retries(0)).connect().await;
    let error = alone.err().ok_or("somebody listens at port 1")?;
    let is_typed = matches!(error, ConnectError::NoNode { .. });
    ledger.note("Pool.connect without any node that works", error, is_typed);

    let mut builder = builder().strategy(Strategy::Penalty(PenaltyWeights::classic()));
    for region in ["us", "eu", "asia"] {
        builder = builder.node(stage.config(region)?.region(region));
    }
    let client = builder.node(nobody()?.retries(0)).connect().await?;
    let report = client.report();
    ledger.same("Pool.connect with several nodes", report.connected(), 3);
    let first = report
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let expected = "[Lavalink] Node connection report (3/4 connected)";
    ledger.same("the node connection report", first, expected);
    let failed = report.nodes.iter().find(|node| !node.is_connected());
    let failed = failed.ok_or("nobody failed")?;
    ledger.note(
        "which nodes failed, and why",
        failed,
        failed.cause.is_some(),
    );
    let status = client.node("nobody").map(|node| node.status());
    let promise = "NodeStatus.connected, connecting, disconnected";
    ledger.same(promise, status, Some(Status::Disconnected));
    client.remove_node("nobody", Leaving::Keep).await?;
    Ok(client)
}

async fn choose(ledger: &mut Ledger, client: &Client) -> Outcome {
    let name = |node: Option<lavapool::Node>| node.map(|node| node.name().to_owned());
    let asia = client.node("asia").ok_or("it was configured")?;
    // Its stats follow `ready`.
    until(async || asia.stats().is_some()).await;
    ledger.same(
        "Pool.get_node(), the lowest penalty",
        name(client.best_node()),
        Some("us".into()),
    );
    ledger.same(
        "Pool.get_node(\"EU\")",
        name(client.node("eu")),
        Some("eu".into()),
    );
    let promise = "Pool.get_node(region=\"eu\"), the closest healthy one";
    ledger.same(promise, name(client.node_in("eu")), Some("eu".into()));
    let promise = "penalty: CPU, frame deficit, frames nulled, players";
    let is_formula = (asia.penalty() - 4.0 * 1.5).abs() < 1e-9;
    ledger.note(promise, asia.penalty(), is_formula);
    Ok(())
}

async fn inform(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let node = client.node("us").ok_or("it was configured")?;
    let info = node.fetch_info().await?;
    ledger.same("node.fetch_info()", info.version.semver, "4.2.2");
    ledger.same("node.fetch_stats()", node.fetch_stats().await?.players, 0);
    ledger.same("node.fetch_version()", node.version().await?, "4.2.2");

    let off = node.route_planner().await?;
    let promise = "node.fetch_routeplanner_status(), none if it is off";
    ledger.note(promise, format_args!("{off:?}"), off.is_none());
    let planner = json!({ "class": "NanoIpRoutePlanner", "details": {
        "ipBlock": { "type": "Inet6Address", "size": "256" },
        "failingAddresses": [], "currentAddressIndex": "3",
    }});
    stage
        .set("us", |node| node.config().route_planner = Some(planner))
        .await;
    let planner = node.route_planner().await?.ok_or("there is a planner")?;
    ledger.same(
        "status.cls, of all four kinds",
        planner.class(),
        "NanoIpRoutePlanner",
    );
    let freed = node.free_address("1.2.3.4").await;
    ledger.same("node.free_address(address)", freed, Ok(()));
    let freed = node.free_all_addresses().await;
    ledger.same("node.free_all_addresses()", freed, Ok(()));
    Ok(())
}

async fn fail_over(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let eu = client.node("eu").ok_or("it was configured")?;
    for (id, voice) in [(1, "us-east12"), (2, "us-east12"), (3, "c-sin02-7bd4a2e1")] {
        play(client, Some(&eu), id, voice).await?;
    }
    let position = |id| client.player(guild(id)).position().unwrap_or_default();
    until(async || position(1).as_millis() > 200).await;
    let before = position(1);
    let mut events = client.events_of(Kinds::PLAYERS | Kinds::NODES);

    stage.server("eu").kill().await;

    let lost = event(&mut events, |event| match event {
        Event::NodeDisconnected { node, loss } => Some(format!("{node}: {loss}")),
        _ => None,
    });
    let lost = lost.await?;
    let is_named = lost.starts_with("eu: ");
    ledger.note("on_voltricx_node_disconnected", lost, is_named);
    ledger.note(
        "penalty 9e30 of a disconnected node",
        eu.penalty(),
        eu.penalty() >= 9e30,
    );
    let mut moves = Vec::new();
    while moves.len() < 2 {
        moves.push(
            event(&mut events, |event| match event {
                Event::Failover { old, new, players } => {
                    Some(format!("{} from {old} to {new}", players.len()))
                }
                _ => None,
            })
            .await?,
        );
    }
    moves.sort();
    let expected = ["1 from eu to asia", "2 from eu to us"].map(str::to_owned);
    let promise = "on_voltricx_failover(old_node, new_node, players)";
    ledger.same(promise, moves, expected.to_vec());
    let guilds = (stage.guilds("us").await, stage.guilds("asia").await);
    let promise = "failover player by player, with its region";
    ledger.same(promise, guilds, (vec![1, 2], vec![3]));
    let (after, promise) = (position(1), "failover resumes from the current position");
    ledger.note(
        promise,
        format_args!("{before:?}, then {after:?}"),
        after >= before,
    );
    Ok(())
}

fn list(ledger: &mut Ledger, client: &Client) {
    let nodes = client.nodes().into_iter();
    let line = |node: lavapool::Node| {
        format!(
            "{}: {} ({} players)",
            node.name(),
            node.status(),
            node.players().len()
        )
    };
    let lines: Vec<_> = nodes.map(line).collect();
    let is_shown = lines.contains(&"us: connected (2 players)".to_owned());
    let promise = "Pool.nodes() with identifier, status and len(node.players)";
    ledger.note(promise, lines.join(", "), is_shown);
}

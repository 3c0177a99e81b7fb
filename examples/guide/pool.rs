//! RevvLink's reference of the pool: regions, errors, reconnect, and tracks through the cache.

use std::time::Duration;

use lavapool::region::{RegionMap, region_from_endpoint};
use lavapool::{
    Client, ConfigError, ConnectError, Error, Event, Kinds, LoadResult, RequestError, Stopped,
    SubmitError,
};

use crate::Outcome;
use crate::ledger::Ledger;
use crate::stage::{Stage, builder, event};

pub(crate) async fn walk(ledger: &mut Ledger) -> Outcome {
    ledger.chapter("RevvLink: Pool");
    let stage = Stage::new(["first", "second", "locked"]).await?;
    stage
        .set("locked", |node| node.config().password = "right".to_owned())
        .await;
    name_regions(ledger);
    let client = connect(ledger, &stage).await?;
    refuse(ledger, &stage, &client).await?;
    reconnect(ledger, &stage, &client).await?;
    fetch(ledger, &client).await
}

fn name_regions(ledger: &mut Ledger) {
    let endpoints = [
        "c-fra05-7bd4a2e1.discord.media:2087",
        "nowhere.discord.media",
        "",
    ];
    let regions = endpoints.map(|endpoint| region_from_endpoint(endpoint).map(|one| one.coarse));
    let promise = "region_from_endpoint(endpoint): region, global or none";
    ledger.same(
        promise,
        regions,
        [Some("eu".into()), Some("global".into()), None],
    );
    let map = RegionMap::from_iter([("north", vec!["fra"])]);
    let region = map.region(endpoints[0]).map(|region| region.coarse);
    let promise = "connect(regions=…), in place of the built-in map";
    ledger.same(promise, region, Some("north".into()));
}

async fn connect(ledger: &mut Ledger, stage: &Stage) -> Result<Client, Box<dyn std::error::Error>> {
    let nodes = || ["first", "second"].map(|name| stage.config(name));
    let [first, second] = nodes();
    let client = builder().nodes([first?, second?]).connect().await?;
    let nodes = client.nodes();
    let names: Vec<_> = nodes.iter().map(lavapool::Node::name).collect();
    let promise = "connect(nodes=…) gives the nodes by identifier";
    ledger.same(promise, names, vec!["first", "second"]);
    let promise = "connect(cache_capacity=…), default none";
    ledger.same(promise, client.cache_capacity(), None);
    Ok(client)
}

async fn refuse(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let twice = client.add_node(stage.config("first")?).await.err();
    let is_typed = matches!(
        twice,
        Some(Error::Submit(SubmitError::Config(
            ConfigError::DuplicateName { .. }
        )))
    );
    let promise = "connect with an identifier that is taken";
    ledger.note(promise, shown(twice), is_typed);
    let locked = client.add_node(stage.config("locked")?).await.err();
    let unauthorized = Error::Request(RequestError::Refused {
        node: "locked".into(),
        cause: Stopped::Unauthorized,
    });
    let is_typed = locked.as_ref() == Some(&unauthorized);
    ledger.note("AuthorizationFailedException", shown(locked), is_typed);
    client
        .node("locked")
        .ok_or("it was added")?
        .destroy()
        .await?;
    let invalid = stage
        .builder()?
        .client_name("no version")
        .connect()
        .await
        .err();
    let is_typed = invalid == Some(ConnectError::Config(ConfigError::InvalidClientName));
    ledger.note("InvalidClientException", shown(invalid), is_typed);
    let unknown = client
        .remove_node("moon", lavapool::Leaving::Keep)
        .await
        .err();
    let is_typed = unknown == Some(Error::Submit(SubmitError::NoSuchNode));
    ledger.note("InvalidNodeException", shown(unknown), is_typed);
    Ok(())
}

async fn reconnect(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let second = client.node("second").ok_or("it was configured")?;
    let mut events = client.events_of(Kinds::NODES);
    stage.server("second").kill().await;
    // The dial that follows at once has failed as well, and would not be for two seconds.
    let waits = |event| match event {
        Event::NodeReconnecting { attempt: 1, .. } => Some(()),
        _ => None,
    };
    event(&mut events, waits).await?;
    stage.server("second").restart().await;
    let report = client.within(Duration::from_secs(5)).reconnect().await;
    let promise = "reconnect() of all that are disconnected";
    ledger.same(promise, report.connected(), 2);
    ledger.same("get_node(identifier)", second.is_connected(), true);
    client.nodes().clear();
    ledger.same("nodes(), a copy", client.nodes().len(), 2);
    Ok(())
}

async fn fetch(ledger: &mut Ledger, client: &Client) -> Outcome {
    client.set_cache_capacity(200).await?;
    let cache = (client.has_cache(), client.cache_capacity());
    ledger.same("has_cache()", cache, (true, Some(200)));
    let found = client.fetch_tracks("ytsearch:never gonna").await?;
    ledger.same(
        "fetch_tracks(query) by the best node",
        found.tracks().len(),
        10,
    );
    let again = client.fetch_tracks("ytsearch:never gonna").await?;
    let is_cached = std::sync::Arc::ptr_eq(&found, &again);
    let second = client.node("second").ok_or("it was configured")?;
    let list = second
        .fetch_tracks("https://tracks.test/playlist/mix")
        .await?;
    let is_list = matches!(&*list, LoadResult::Playlist(_));
    ledger.note("fetch_tracks(query, node=…)", "a playlist", is_list);
    let failed = client.fetch_tracks("https://tracks.test/error").await.err();
    let is_typed = matches!(
        failed,
        Some(Error::Request(RequestError::FetchFailed { .. }))
    );
    ledger.note("LavalinkLoadException", shown(failed), is_typed);
    client.set_cache_capacity(None).await?;
    let promise = "cache(capacity), resizing or switching off";
    ledger.note(
        promise,
        client.has_cache(),
        is_cached && !client.has_cache(),
    );
    client.close(lavapool::Leaving::Destroy).await?;
    ledger.same("close() of each node", client.report().connected(), 0);
    Ok(())
}

/// An error as a person reads it.
fn shown(error: Option<impl std::fmt::Display>) -> String {
    error.map_or_else(|| "no error".to_owned(), |error| error.to_string())
}

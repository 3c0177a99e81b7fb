//! DisGoLink's guide, continued: what identifiers lead to, and what plugins say.

use lavapool::{Client, Error, Event, Kinds, LoadHandler, LoadResult, RequestError, SearchSource};
use lavapool_tests::node::Disturbance;

use crate::Outcome;
use crate::ledger::Ledger;
use crate::stage::{Stage, event};

pub(crate) async fn walk(ledger: &mut Ledger) -> Outcome {
    let stage = Stage::new(["main"]).await?;
    let client = stage.builder()?.connect().await?;
    load(ledger, &client).await?;
    decode(ledger, &client).await?;
    listen(ledger, &stage, &client).await
}

async fn load(ledger: &mut Ledger, client: &Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    let mut seen = Vec::new();
    for identifier in [
        "https://tracks.test/song",
        "https://tracks.test/playlist/mix?tracks=4",
        "ytsearch:never gonna give you up",
        "ytsearch:nothing",
        "https://tracks.test/error",
    ] {
        seen.push(match node.load_tracks(identifier).await? {
            LoadResult::Track(_) => "track",
            LoadResult::Playlist(_) => "playlist",
            LoadResult::Search(_) => "search",
            LoadResult::Empty => "empty",
            LoadResult::Error(_) => "error",
            _ => "something else",
        });
    }
    let expected = vec!["track", "playlist", "search", "empty", "error"];
    ledger.same(
        "node.LoadTracks(ctx, identifier): the five results",
        seen,
        expected,
    );
    let handler = LoadHandler::new()
        .search_result(|tracks| format!("{} found", tracks.len()))
        .no_matches(|| "nothing found".to_owned());
    let said = node.load_tracks_with("ytsearch:a song", handler).await?;
    let promise = "node.LoadTracksHandler(ctx, identifier, handler)";
    ledger.same(promise, said.as_deref(), Some("10 found"));
    let search = SearchSource::SOUNDCLOUD.identifier("never gonna give you up");
    let found = client.load_tracks(search).await?;
    let sources = found.tracks().iter().map(|track| &*track.info.source_name);
    let promise = "ytsearch: and the other search prefixes";
    ledger.same(promise, sources.collect::<Vec<_>>(), vec!["soundcloud"; 10]);
    Ok(())
}

async fn decode(ledger: &mut Ledger, client: &Client) -> Outcome {
    let node = client.node("main").ok_or("it was configured")?;
    let found = node.load_tracks("ytsearch:songs").await?;
    let blobs = found.tracks().iter().map(|track| track.encoded.clone());
    let decoded = node.decode_tracks(blobs).await?;
    ledger.same("node.DecodeTracks(ctx, encoded)", decoded.len(), 10);
    let first = node.decode_track(decoded[0].encoded.clone()).await?;
    let title = first.info.title.clone();
    ledger.note("node.DecodeTrack(ctx, encoded)", title, first == decoded[0]);

    let refused = node
        .decode_track("nonsense")
        .await
        .err()
        .ok_or("it was decoded")?;
    let is_typed = matches!(refused, Error::Request(RequestError::Rejected { .. }));
    ledger.note("the error of LoadTracks", refused, is_typed);
    Ok(())
}

async fn listen(ledger: &mut Ledger, stage: &Stage, client: &Client) -> Outcome {
    let mut events = client.events_of(Kinds::UNKNOWN);
    let say = |what: Disturbance| {
        let server = stage.server("main");
        server.with(move |node| node.disturb(&what, node.now()))
    };
    say(Disturbance::UnknownOp).await;
    let unknown = event(&mut events, |event| match event {
        Event::Unknown { kind, raw, .. } => Some((kind, raw)),
        _ => None,
    });
    let (kind, raw) = unknown.await?;
    let promise = "plugin hooks for other operations and events, with the JSON";
    ledger.note(promise, raw, *kind == *"fakeOp");
    say(Disturbance::MalformedJson).await;
    let undecodable = event(&mut events, |event| match event {
        Event::Undecodable { error, .. } => Some(error),
        _ => None,
    });
    let error = undecodable.await?;
    let is_connected = client.node("main").is_some_and(|node| node.is_connected());
    ledger.note("messages that do not decode", error, is_connected);
    Ok(())
}

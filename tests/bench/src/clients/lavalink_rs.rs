//! lavalink-rs, as its documentation says.

use std::sync::{Arc, OnceLock};

use lavalink_rs::model::events::Events;
use lavalink_rs::model::player::ConnectionInfo;
use lavalink_rs::model::track::TrackLoadData;
use lavalink_rs::model::{ChannelId, GuildId, UserId};
use lavalink_rs::prelude::{LavalinkClient, NodeBuilder, NodeDistributionStrategy};
use lavapool_bench_core::messages::guild_id;

use super::on::On;
use super::{Outcome, Running, VoiceTexts, Who, identifier, tracks};
use crate::measure::{Arrivals, Sample};
use crate::mix::GUILDS;

/// The handlers of lavalink-rs are functions without a state of their own.
static ARRIVALS: OnceLock<Arc<Arrivals>> = OnceLock::new();
static READY: OnceLock<std::sync::mpsc::SyncSender<()>> = OnceLock::new();

pub(super) fn start(port: u16, arrivals: &Arc<Arrivals>) -> Outcome<Running> {
    let (on, client) = connected(port, arrivals)?;
    on.block_on(async {
        for number in 0..GUILDS {
            let guild = guild_id(number);
            let texts = VoiceTexts::of(guild);
            let voice = ConnectionInfo {
                endpoint: texts.endpoint,
                token: texts.token,
                session_id: texts.session_id,
                channel_id: Some(ChannelId(guild + 1)),
            };
            let guild = GuildId(guild);
            client.create_player_context(guild, voice).await?;
        }
        Ok::<_, lavalink_rs::error::LavalinkError>(())
    })?;
    Ok(Running::idly((on, client)))
}

pub(super) fn rest(port: u16, count: u64, at_once: u64, playlist: bool) -> Outcome<Sample> {
    let (on, client) = connected(port, &Arc::default())?;
    let look_up = move |number| {
        let client = client.clone();
        async move {
            let loaded = client
                .load_tracks(GuildId(1), &identifier(number, playlist))
                .await;
            let found = match loaded.expect("the server answers").data {
                Some(TrackLoadData::Track(_)) => 1,
                Some(TrackLoadData::Playlist(list)) => list.tracks.len(),
                Some(TrackLoadData::Search(_) | TrackLoadData::Error(_)) | None => 0,
            };
            assert_eq!(found, tracks(playlist));
        }
    };
    on.measure(count.div_ceil(10), at_once, look_up.clone())?;
    on.measure(count, at_once, look_up)
}

fn connected(port: u16, arrivals: &Arc<Arrivals>) -> Outcome<(On, LavalinkClient)> {
    let on = On::of(Who::LavalinkRs)?;
    ARRIVALS.get_or_init(|| arrivals.clone());
    let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
    READY.get_or_init(|| ready);
    let node = NodeBuilder {
        hostname: format!("127.0.0.1:{port}"),
        password: "youshallnotpass".to_owned(),
        user_id: UserId(170_939_974_227_541_168),
        ..NodeBuilder::default()
    };
    let strategy = NodeDistributionStrategy::sharded();
    let client = on.block_on(LavalinkClient::new(events(), vec![node], strategy));
    is_ready.recv_timeout(super::WITHIN)?;
    Ok((on, client))
}

fn events() -> Events {
    Events {
        ready: Some(|_, _, _| {
            let sent = READY.get().map(|ready| ready.try_send(()));
            debug_assert!(sent.is_some(), "it is set before the client is made");
            Box::pin(async {})
        }),
        player_update: Some(|_, _, _| {
            count();
            Box::pin(async {})
        }),
        stats: Some(|_, _, _| {
            count();
            Box::pin(async {})
        }),
        track_start: Some(|_, _, _| {
            count();
            Box::pin(async {})
        }),
        track_end: Some(|_, _, _| {
            count();
            Box::pin(async {})
        }),
        ..Events::default()
    }
}

fn count() {
    if let Some(arrivals) = ARRIVALS.get() {
        arrivals.count();
    }
}

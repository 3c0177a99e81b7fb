//! lavapool on a runtime, as its documentation says.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use lavapool::runtime::{AsyncStd, Smol, Tokio};
use lavapool::{
    Builder, ChannelId, Client, Event, EventStream, GuildId, Limits, NodeConfig, Secret, Source,
    Update, UserId, VoiceState,
};
use lavapool_bench_core::messages::{encoded, guild_id};

use super::on::On;
use super::{Outcome, Running, VoiceTexts, identifier, tracks};
use crate::latencies::{Latencies, shared_clock_us};
use crate::measure::{Arrivals, Sample};
use crate::mix::{GUILDS, mark, marked_later};
use crate::orders::order;

pub(super) fn start(
    on: On,
    port: u16,
    arrivals: Arc<Arrivals>,
    late: Option<Arc<Latencies>>,
) -> Outcome<Running> {
    let builder = builder(&[port])?;
    on.spawn(count(builder.events(), arrivals, late));
    let client = connect(&on, builder)?;
    order(port, "silence")?;
    Ok(Running {
        play_again: Box::new(move || on.block_on(play(&client, 0..GUILDS))),
    })
}

pub(super) fn rest(on: On, port: u16, count: u64, at_once: u64, playlist: bool) -> Outcome<Sample> {
    let client = connect(&on, builder(&[port])?)?;
    let look_up = move |number| {
        let client = client.clone();
        async move {
            let loaded = client.load_tracks(identifier(number, playlist)).await;
            let loaded = loaded.expect("the server answers");
            assert_eq!(loaded.tracks().len(), tracks(playlist));
        }
    };
    on.measure(count.div_ceil(10), at_once, look_up.clone())?;
    on.measure(count, at_once, look_up)
}

pub(super) fn builder(ports: &[u16]) -> Outcome<Builder> {
    let user = UserId::new(170_939_974_227_541_168).ok_or("not an id")?;
    // The peers' queues are without a bound. With one, a burst on a busy machine would end in
    // fewer positions, each the latest of its guild, and less work.
    let limits = Limits {
        events_max: EVENTS_MAX,
        ..Limits::default()
    };
    let mut builder = Client::builder(user).limits(limits);
    for (number, port) in ports.iter().enumerate() {
        let uri = format!("http://127.0.0.1:{port}");
        builder = builder.node(NodeConfig::new(name(number), &uri, "youshallnotpass")?);
    }
    Ok(builder)
}

pub(super) fn name(number: usize) -> String {
    format!("node {number}")
}

pub(super) fn connect(on: &On, builder: Builder) -> Outcome<Client> {
    let client = on.block_on(async {
        match on {
            On::Tokio(runtime) => {
                builder
                    .connect_on(Tokio::from(runtime.handle().clone()))
                    .await
            }
            On::Smol => builder.connect_on(Smol::global()).await,
            On::AsyncStd => builder.connect_on(AsyncStd::global()).await,
        }
    })?;
    Ok(client)
}

/// Has players play, a track each.
pub(super) async fn play(client: &Client, numbers: Range<u64>) -> Outcome {
    let mut answers = Vec::new();
    for number in numbers {
        let guild = guild(number)?;
        client.voice(guild, voice(guild));
        let track = Source::encoded(encoded(guild.get()));
        answers.push(client.player(guild).update(Update::play(track)));
    }
    for answer in answers {
        answer.await?;
    }
    Ok(())
}

pub(super) fn guild(number: u64) -> Outcome<GuildId> {
    Ok(GuildId::new(guild_id(number)).ok_or("not an id")?)
}

pub(super) fn voice(guild: GuildId) -> VoiceState {
    let texts = VoiceTexts::of(guild.get());
    VoiceState {
        token: Secret::from(texts.token),
        endpoint: texts.endpoint.into(),
        session_id: Secret::from(texts.session_id),
        channel_id: ChannelId::new(guild.get() + 1).expect("not zero"),
    }
}

async fn count(mut events: EventStream, arrivals: Arc<Arrivals>, late: Option<Arc<Latencies>>) {
    while let Some(event) = events.next().await {
        match event {
            Event::PlayerUpdate { ping, .. } => {
                if let Some(late) = &late {
                    let written = ping.map_or(0, |ping| ping.as_millis() as u64);
                    let micros = marked_later(written, mark(shared_clock_us()));
                    late.add(Duration::from_micros(micros));
                }
                arrivals.count();
            }
            Event::NodeStats { .. } | Event::TrackStart { .. } | Event::TrackEnd { .. } => {
                arrivals.count();
            }
            _ => {}
        }
    }
}

const EVENTS_MAX: usize = 1_000_000;

//! What waits for a driver that has no time yet, and what of that is never sent: on each runtime,
//! over real sockets.

use lavapool::runtime::Runtime;
use lavapool::{
    ChannelId, Client, Error, GuildId, Limits, Secret, SubmitError, VoiceServerUpdate,
    VoiceStateUpdate,
};
use lavapool_tests::node::TestNode;

use crate::careless::{beside, now};
use crate::hosts::on_each_runtime;
use crate::{Servers, builder, guild, song};

on_each_runtime! {
    of_voice_updates_none_is_refused_and_the_latest_counts,
    a_lookup_that_is_dropped_before_it_is_sent_never_is,
}

async fn of_voice_updates_none_is_refused_and_the_latest_counts<R: Runtime>(
    on: R,
    servers: &Servers,
) {
    let limits = Limits {
        commands_max: 4,
        ..Limits::default()
    };
    let builder = servers.lead(builder().limits(limits));
    let (client, driver) = builder.node(servers.config("first")).build_on(on).unwrap();
    let mut driver = Box::pin(driver);
    let player = client.player(guild(1));
    let node = client.node("first").unwrap();
    beside(&mut driver, node.ready()).await.unwrap();
    beside(&mut driver, player.update(song())).await.unwrap();

    for number in 1..=100 {
        speak(&client, guild(1), number);
        speak(&client, guild(number), number);
    }
    speak(&client, guild(1), 101);
    let mut waits: Vec<_> = (0..5).map(|_| player.pause()).collect();

    let answers: Vec<_> = waits.iter_mut().map(now).collect();
    let full = Error::Submit(SubmitError::TooManyCommands { max: 4 });
    assert_eq!(answers, [None, None, None, None, Some(Err(full))]);
    let voices = loop {
        // The pool, which has as little room as the way to it, may refuse this one.
        let _ = beside(&mut driver, node.ping()).await;
        let voices = servers.first.with(voices).await;
        if !voices.is_empty() {
            break voices;
        }
    };
    assert_eq!(voices.len(), 1, "{voices:?}");
    assert!(voices[0].contains("token 101"), "{voices:?}");
}

async fn a_lookup_that_is_dropped_before_it_is_sent_never_is<R: Runtime>(on: R, servers: &Servers) {
    let builder = servers.lead(builder()).node(servers.config("first"));
    let (client, driver) = builder.build_on(on).unwrap();
    let mut driver = Box::pin(driver);
    let player = client.player(guild(1));
    beside(&mut driver, client.node("first").unwrap().ready())
        .await
        .unwrap();
    beside(&mut driver, player.update(song())).await.unwrap();

    drop(client.load_tracks("https://tracks.test/dropped"));
    drop(player.set_volume(30));

    let kept = client.load_tracks("https://tracks.test/song");
    beside(&mut driver, kept).await.unwrap();
    beside(&mut driver, player.pause()).await.unwrap();
    let (lookups, volume) = servers.first.with(lookups_and_volume).await;
    assert_eq!(lookups.len(), 1, "{lookups:?}");
    assert!(lookups[0].contains("song"), "{lookups:?}");
    assert_eq!(volume, 30);
}

/// What Discord says of a guild's voice, told apart by a number.
fn speak(client: &Client, guild: GuildId, number: u64) {
    client.voice_state_update(VoiceStateUpdate {
        guild,
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild,
        token: Secret::from(format!("token {number}")),
        endpoint: Some("frankfurt1234.discord.media:443".into()),
    });
}

/// The bodies of the requests that told of the first guild's voice connection.
fn voices(node: &mut TestNode) -> Vec<String> {
    let path = |target: &str| target.split('?').next().map(str::to_owned);
    let is_first = |target: &str| path(target).is_some_and(|path| path.ends_with("/players/1"));
    let requests = node.log().requests.iter();
    let requests = requests.filter(|sent| is_first(&sent.target));
    let bodies = requests.map(|sent| String::from_utf8_lossy(&sent.body).into_owned());
    bodies.filter(|body| body.contains("voice")).collect()
}

fn lookups_and_volume(node: &mut TestNode) -> (Vec<String>, i32) {
    let requests = node.log().requests.iter();
    let targets = requests.map(|sent| sent.target.clone());
    let lookups = targets.filter(|target| target.contains("loadtracks"));
    (lookups.collect(), node.players(node.now())[0].volume)
}

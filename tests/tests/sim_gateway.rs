//! Discord's gateway as a bot's client sees it: raw JSON in, payloads out, in virtual time.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lavapool::{
    ChannelId, Client, Error, Event, Fate, GatewayEvent, GatewayPayload, GuildId, Kinds,
    NodeConfig, Source, SubmitError, Update, UserId,
};
use lavapool_tests::node;
use lavapool_tests::sim::SimRuntime;

#[test]
fn a_bot_that_hands_in_all_that_its_gateway_says_plays_and_is_asked_to_join_again() {
    SimRuntime::run(|sim| async move {
        let (client, sent) = connected(&sim).await;
        let player = client.player(guild());
        let join = player.join(channel(), false, true);
        assert_eq!(
            join.to_json(),
            r#"{"op":4,"d":{"guild_id":"817","channel_id":"5","self_mute":false,"#.to_owned()
                + r#""self_deaf":true}}"#
        );

        answer(&client, "first");
        player.update(song()).await.unwrap();
        sim.sleep(Duration::from_secs(10)).await;
        sim.with("main", |node| node.close_voice(817, 4006, "", node.now()));
        sim.sleep(Duration::from_secs(2)).await;
        let payloads: Vec<GatewayPayload> = std::mem::take(&mut sent.lock().unwrap());
        assert_eq!(payloads, [player.leave(), join]);

        answer(&client, "second");
        sim.sleep(Duration::from_secs(1)).await;
        let theirs = sim.with("main", |node| node.players(node.now()).remove(0));
        assert_eq!(
            (theirs.connected, theirs.voice.unwrap().token),
            (true, "second".to_owned())
        );

        let ready = r#"{"t":"READY","s":1,"op":0,"d":{"v":10,"session_id":"x"}}"#;
        assert!(matches!(
            client.gateway_event(ready),
            Ok(GatewayEvent::Ready(_))
        ));
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(*sent.lock().unwrap(), [join]);
    });
}

#[test]
fn a_gateway_that_is_not_understood_changes_nothing() {
    SimRuntime::run(|sim| async move {
        let (client, _) = connected(&sim).await;
        // Another user's, another event, and none at all.
        let other = r#"{"guild_id":"817","user_id":"43","channel_id":"5","session_id":"s"}"#;
        client.voice_state_json(other).unwrap();
        assert_eq!(
            client.gateway_event(r#"{"op":11}"#),
            Ok(GatewayEvent::Other)
        );
        client.gateway_event("{").unwrap_err();
        client.voice_server_json(other).unwrap_err();
        sim.sleep(Duration::from_secs(1)).await;
        assert!(client.players().is_empty());
        let refused = client.player(guild()).set_alone(true).await;
        assert_eq!(refused, Err(Error::Submit(SubmitError::NoSuchPlayer)));
    });
}

#[test]
fn a_player_that_nobody_hears_goes_and_the_bot_with_it() {
    SimRuntime::run(|sim| async move {
        let (client, sent) = connected(&sim).await;
        let mut events = client.events_of(Kinds::PLAYERS | Kinds::GATEWAY);
        let player = client.player(guild());
        answer(&client, "first");
        player.update(song()).await.unwrap();
        player.set_alone(true).await.unwrap();
        player
            .set_inactive_after(Duration::from_secs(60))
            .await
            .unwrap();

        let inactive = Event::PlayerInactive {
            guild: guild(),
            after: Duration::from_secs(60),
            destroyed: true,
        };
        assert_eq!(events.next().await, Some(inactive));
        assert_eq!(events.next().await, Some(Event::Gateway(player.leave())));
        assert_eq!(*sent.lock().unwrap(), [player.leave()]);
        sim.sleep(Duration::from_secs(1)).await;
        assert!(!player.exists());
        assert!(sim.with("main", |node| node.players(node.now()).is_empty()));
    });
}

#[test]
fn a_sender_that_panics_costs_the_client_nothing() {
    SimRuntime::run(|sim| async move {
        sim.add_node("main", node::NodeConfig::new("main"));
        let client = Client::builder(UserId::new(42).unwrap())
            .node(NodeConfig::from_uri("main", "http://main:2333").unwrap())
            .gateway(|payload| panic!("no shard for {payload:?}"))
            .connect_on(sim.clone())
            .await
            .unwrap();
        answer(&client, "first");
        let player = client.player(guild());
        player.update(song()).await.unwrap();
        sim.sleep(Duration::from_secs(10)).await;
        sim.with("main", |node| node.close_voice(817, 1006, "", node.now()));
        sim.sleep(Duration::from_secs(1)).await;
        player.set_volume(50).await.unwrap();
    });
}

type Sent = Arc<Mutex<Vec<GatewayPayload>>>;

/// A client whose payloads are kept, and whose inactive players are destroyed.
async fn connected(sim: &SimRuntime) -> (Client, Sent) {
    sim.add_node("main", node::NodeConfig::new("main"));
    let sent = Sent::default();
    let keep = sent.clone();
    let client = Client::builder(UserId::new(42).unwrap())
        .seed(7)
        .node(NodeConfig::from_uri("main", "http://main:2333").unwrap())
        .inactive_after(Duration::from_secs(300), Fate::Destroy)
        .gateway(move |payload| keep.lock().unwrap().push(payload))
        .connect_on(sim.clone())
        .await
        .unwrap();
    (client, sent)
}

/// Discord answers a join, the server first.
fn answer(client: &Client, token: &str) {
    let server = r#"{"t":"VOICE_SERVER_UPDATE","s":2,"op":0,"d":{"token":"TOKEN",
        "guild_id":"817","endpoint":"frankfurt1.discord.media:443"}}"#;
    let state = r#"{"t":"VOICE_STATE_UPDATE","s":3,"op":0,"d":{"user_id":"42","guild_id":"817",
        "channel_id":"5","session_id":"voice session","self_mute":false}}"#;
    client
        .gateway_event(&server.replace("TOKEN", token))
        .unwrap();
    client.gateway_event(state).unwrap();
}

fn guild() -> GuildId {
    GuildId::new(817).unwrap()
}

fn channel() -> ChannelId {
    ChannelId::new(5).unwrap()
}

fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song"))
}

//! The plugins as a bot uses them: the real driver and handles in virtual time.

use std::time::Duration;

use lavapool::plugins::{
    Category, KnownPlugin, LyricsFrom, PluginEvent, RefreshToken, SearchKind, YoutubeUpdate,
};
use lavapool::{
    ChannelId, Client, Error, Event, GuildId, Kinds, NodeConfig, RequestError, Secret, Source,
    UserId, VoiceServerUpdate, VoiceStateUpdate,
};
use lavapool_tests::node;
use lavapool_tests::sim::SimRuntime;
use serde_json::json;

use super::install;

#[test]
fn a_search_finds_what_was_asked_for() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim).await;
        let kinds = [SearchKind::Album, SearchKind::Text];

        let found = client
            .lava_search("spsearch:words", kinds)
            .await
            .unwrap()
            .unwrap();
        let nothing = client.lava_search("spsearch:nothing", []).await.unwrap();

        assert_eq!(found.albums[0].info.name, "album words");
        assert_eq!(
            (found.artists.len(), found.texts[0].text.as_str()),
            (0, "words")
        );
        assert_eq!(nothing, None);
        let full = client.node("full").unwrap();
        assert!(
            full.lava_search("spsearch:words", [])
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(full.has_plugin(KnownPlugin::LavaSearch), Some(true));
    });
}

#[test]
fn lyrics_are_fetched_and_sung() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim).await;
        let mut events = client.events_of(Kinds::PLUGINS);
        let player = client.player(guild());
        let refused = player.lyrics().current(LyricsFrom::Any).await;
        assert_eq!(refused, Err(Error::Request(RequestError::NoNode)));

        player.lyrics().subscribe(LyricsFrom::Any).await.unwrap();
        join_voice(&client);
        player
            .play(Source::identifier("https://tracks.test/song"))
            .await
            .unwrap();

        let lyrics = player
            .lyrics()
            .current(LyricsFrom::Any)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(lyrics.lines[1].line, "two");
        assert_eq!(
            client.lyrics("QAAA", LyricsFrom::Any).await.unwrap(),
            Some(lyrics)
        );
        assert_eq!(player.lyrics().wanted(), Some(LyricsFrom::Any));
        let mut said = Vec::new();
        while said.len() < 3 {
            if let Some(Event::Plugin {
                guild: of,
                node,
                event,
            }) = events.next().await
            {
                assert_eq!((of, &*node.name), (guild(), "full"));
                said.push(event);
            }
        }
        assert!(matches!(&said[0], PluginEvent::LyricsFound(lyrics) if lyrics.lines.len() == 2));
        let lines = said[1..].iter().map(|event| match event {
            PluginEvent::LyricsLine { index, line, .. } => (*index, line.line.as_str()),
            other => panic!("{other:?}"),
        });
        assert_eq!(lines.collect::<Vec<_>>(), [(0, "one"), (1, "two")]);
    });
}

#[test]
fn categories_are_set_shown_and_cleared() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim).await;
        let block = client.player(guild()).sponsor_block();
        block.clear().await.unwrap();
        assert!(
            !client.player(guild()).exists(),
            "nothing was there to clear"
        );

        block
            .set_categories([Category::Intro, Category::Outro])
            .await
            .unwrap();
        let both = vec![Category::Intro, Category::Outro];
        assert_eq!(block.wanted().as_deref(), Some(&both[..]));
        assert_eq!(block.categories().await.unwrap(), Some(both));
        block.clear().await.unwrap();

        assert_eq!(
            (block.categories().await.unwrap(), block.wanted()),
            (None, None)
        );
    });
}

#[test]
fn youtube_is_logged_in_and_asked() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim).await;
        let youtube = client.node("full").unwrap().youtube();
        youtube.set_refresh_token("1//r").await.unwrap();
        let body = sim.with("full", |node| node.config().knowledge.youtube.1.clone());
        let expected = json!({
            "refreshToken": "1//r", "skipInitialization": true, "poToken": "", "visitorData": "",
        });
        assert_eq!(body, expected);

        let token = youtube.config().await.unwrap().refresh_token.unwrap();
        assert_eq!(token.expose(), "1//r");
        let access = youtube.access_token(token).await.unwrap();
        assert_eq!(access.access_token.expose(), "access-1//r");
        assert_eq!(access.expires_in, Duration::from_secs(3_599));
        let media = youtube
            .stream("dQw4w9WgXcQ", Some(140), None)
            .await
            .unwrap();
        assert_eq!(&*media.body, b"media of dQw4w9WgXcQ 140");
        let update = YoutubeUpdate {
            refresh_token: RefreshToken::Forget,
            ..YoutubeUpdate::default()
        };
        youtube.update(update).await.unwrap();
        assert_eq!(youtube.config().await.unwrap().refresh_token, None);
    });
}

#[test]
fn a_node_without_plugins_says_which_it_lacks() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim).await;
        let bare = client.node("bare").unwrap();
        let missing = |plugin| Error::Request(RequestError::PluginMissing { plugin });

        let lyrics = bare.lyrics("QAAA", LyricsFrom::Any).await.unwrap_err();
        let youtube = bare.youtube().config().await.unwrap_err();

        assert_eq!(lyrics, missing(KnownPlugin::LavaLyrics));
        assert_eq!(youtube, missing(KnownPlugin::YoutubeSource));
        let sentence = "the node does not have the plugin youtube-plugin";
        assert_eq!(youtube.to_string(), sentence);
        let asked = sim.with("bare", |node| node.log().requests.len());
        assert_eq!(asked, 2, "the session and the information");
    });
}

/// A client of a node with every plugin and of one with none.
async fn connected(sim: &SimRuntime) -> Client {
    let mut full = node::NodeConfig::new("full");
    install(&mut full);
    sim.add_node("full", full);
    sim.add_node("bare", node::NodeConfig::new("bare"));
    let config = |name: &str| NodeConfig::from_uri(name, &format!("http://{name}:2333")).unwrap();
    let builder = Client::builder(UserId::new(42).unwrap()).nodes(["full", "bare"].map(config));
    let client = builder.connect_on(sim.clone()).await.unwrap();
    sim.sleep(Duration::from_secs(1)).await;
    client
}

fn guild() -> GuildId {
    GuildId::new(817).unwrap()
}

fn join_voice(client: &Client) {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(),
        token: Secret::from("voice token"),
        endpoint: Some("frankfurt.discord.media:443".into()),
    });
}

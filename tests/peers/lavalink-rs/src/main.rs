//! Drives lavalink-rs against a test node, whose program is the one argument. It prints a line for
//! each step.

mod node;

use std::sync::OnceLock;
use std::time::Duration;

use lavalink_rs::error::LavalinkError;
use lavalink_rs::model::events::{
    Events, PlayerUpdate, Ready, TrackEnd, TrackEndReason, TrackStart, WebSocketClosed,
};
use lavalink_rs::model::http::ResumingState;
use lavalink_rs::model::track::{TrackData, TrackLoadData, TrackLoadType};
use lavalink_rs::model::{ChannelId, GuildId, UserId};
use lavalink_rs::prelude::{LavalinkClient, NodeBuilder, NodeDistributionStrategy, PlayerContext};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use node::{Outcome, TestNode, WITHIN, step};

const USER: UserId = UserId(42);
const GUILD: GuildId = GuildId(817);
const CHANNEL: ChannelId = ChannelId(5);
const SONG: &str = "https://tracks.test/song";

/// What the client is told.
enum Told {
    Ready(Ready),
    Update(PlayerUpdate),
    Start(TrackStart),
    End(TrackEnd),
    Closed(WebSocketClosed),
}

/// The handlers of lavalink-rs are functions without a state of their own.
static TELLS: OnceLock<UnboundedSender<Told>> = OnceLock::new();

fn tell(told: Told) {
    if let Some(tells) = TELLS.get() {
        // The driver has seen enough once it does not listen.
        let _ = tells.send(told);
    }
}

struct Bot {
    server: TestNode,
    client: LavalinkClient,
    told: UnboundedReceiver<Told>,
    track: Option<TrackData>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let program = std::env::args().nth(1).ok_or("no test node is named")?;
    let server = TestNode::start(&program).await?;
    let (tells, told) = unbounded_channel();
    TELLS.get_or_init(|| tells);
    let client = client(server.port).await;
    let mut bot = Bot {
        server,
        client,
        told,
        track: None,
    };
    step("connect", bot.connect().await);
    step("load", bot.load().await);
    step("voice", bot.voice().await);
    step("play", bot.play().await);
    step("change", bot.change().await);
    step("resume", bot.resume().await);
    step("stop", bot.stop().await);
    step("voice lost", bot.lose_voice().await);
    step("leave", bot.leave().await);
    step("manners", bot.server.until("violations", "none").await);
    Ok(())
}

async fn client(port: u16) -> LavalinkClient {
    let events = Events {
        ready: Some(|_, _, event| {
            tell(Told::Ready(event.clone()));
            Box::pin(async {})
        }),
        player_update: Some(|_, _, event| {
            tell(Told::Update(event.clone()));
            Box::pin(async {})
        }),
        track_start: Some(|_, _, event| {
            tell(Told::Start(event.clone()));
            Box::pin(async {})
        }),
        track_end: Some(|_, _, event| {
            tell(Told::End(event.clone()));
            Box::pin(async {})
        }),
        websocket_closed: Some(|_, _, event| {
            tell(Told::Closed(event.clone()));
            Box::pin(async {})
        }),
        ..Events::default()
    };
    let node = NodeBuilder {
        hostname: format!("127.0.0.1:{port}"),
        password: "youshallnotpass".to_owned(),
        user_id: USER,
        ..NodeBuilder::default()
    };
    let strategy = NodeDistributionStrategy::sharded();
    LavalinkClient::new(events, vec![node], strategy).await
}

impl Bot {
    /// What comes first that is meant.
    async fn next<T>(&mut self, what: &str, meant: impl Fn(Told) -> Option<T>) -> Outcome<T> {
        let waiting = async {
            loop {
                let told = self.told.recv().await?;
                if let Some(found) = meant(told) {
                    return Some(found);
                }
            }
        };
        let found = timeout(WITHIN, waiting).await;
        let found = found.map_err(|_| format!("no {what} comes"))?;
        Ok(found.ok_or("nothing comes any more")?)
    }

    async fn ready(&mut self) -> Outcome<Ready> {
        let ready = |told| match told {
            Told::Ready(ready) => Some(ready),
            _ => None,
        };
        self.next("ready", ready).await
    }

    fn player(&self) -> Outcome<PlayerContext> {
        Ok(self
            .client
            .get_player_context(GUILD)
            .ok_or("there is no player")?)
    }

    async fn connect(&mut self) -> Outcome {
        let ready = self.ready().await?;
        let (version, info) = (
            self.client.request_version(GUILD).await?,
            self.client.request_info(GUILD).await?,
        );
        if ready.resumed || info.version.semver != version {
            return Err(format!("{ready:?}, {version}, {info:?}").into());
        }
        let node = self.client.get_node_for_guild(GUILD).await;
        let resuming = ResumingState {
            resuming: Some(true),
            timeout: Some(60),
        };
        let set = node
            .http
            .set_resuming_state(&ready.session_id, &resuming)
            .await?;
        if set != resuming {
            return Err(format!("it sets {set:?}").into());
        }
        self.server
            .until("sessions", "1 attached, 0 detached, 0 resumed")
            .await
    }

    async fn load(&mut self) -> Outcome {
        let wanted = [
            (SONG, TrackLoadType::Track),
            ("https://tracks.test/playlist/a", TrackLoadType::Playlist),
            ("ytsearch:song", TrackLoadType::Search),
            ("ytsearch:nothing", TrackLoadType::Empty),
        ];
        for (identifier, wanted) in wanted {
            let result = self.client.load_tracks(GUILD, identifier).await?;
            if result.load_type != wanted {
                return Err(format!("{identifier} is {:?}", result.load_type).into());
            }
            if let Some(TrackLoadData::Track(track)) = result.data {
                self.track = Some(track);
            }
        }
        let failed = self
            .client
            .load_tracks(GUILD, "https://tracks.test/error")
            .await;
        if !matches!(failed, Err(LavalinkError::TrackError(_))) {
            return Err(format!("an error is {failed:?}").into());
        }
        let track = self.track.as_ref().ok_or("there is no track")?;
        let decoded = self.client.decode_track(GUILD, &track.encoded).await?;
        if decoded.info.identifier != SONG {
            return Err(format!("it decodes as {}", decoded.info.identifier).into());
        }
        Ok(())
    }

    async fn voice(&mut self) -> Outcome {
        let session = "voice session".to_owned();
        self.client
            .handle_voice_state_update(GUILD, Some(CHANNEL), USER, session);
        self.serve_voice("voice token");
        let within = Duration::from_secs(1);
        let voice = self.client.get_connection_info(GUILD, within).await?;
        self.client.create_player_context(GUILD, voice).await?;
        self.server.until("player 817", "- running voice").await
    }

    fn serve_voice(&self, token: &str) {
        let endpoint = Some("frankfurt1234.discord.media:443".to_owned());
        self.client
            .handle_voice_server_update(GUILD, token.to_owned(), endpoint);
    }

    async fn play(&mut self) -> Outcome {
        let track = self.track.clone().ok_or("there is no track")?;
        self.player()?.play_now(&track).await?;
        let start = |told| match told {
            Told::Start(start) => Some(start),
            _ => None,
        };
        let start = self.next("track start", start).await?;
        if start.track.info.identifier != SONG {
            return Err(format!("{} starts", start.track.info.identifier).into());
        }
        self.server
            .until("player 817", &format!("{SONG} running voice"))
            .await
    }

    async fn change(&mut self) -> Outcome {
        let player = self.player()?;
        player.set_pause(true).await?;
        player.set_position(Duration::from_secs(60)).await?;
        player.set_volume(40).await?;
        self.server
            .until("player 817", &format!("{SONG} paused voice"))
            .await?;
        self.server.until("position 817", "60000").await?;
        self.server.until("volume 817", "40").await?;
        player.set_pause(false).await?;
        self.server
            .until("player 817", &format!("{SONG} running voice"))
            .await
    }

    async fn resume(&mut self) -> Outcome {
        let node = self.client.get_node_for_guild(GUILD).await;
        let session = node.session_id.load_full();
        self.server.ask("drop").await?;
        let ready = self.ready().await?;
        if !ready.resumed || ready.session_id != *session {
            return Err(format!("after {session}: {ready:?}").into());
        }
        self.server
            .until("sessions", "1 attached, 0 detached, 1 resumed")
            .await?;
        let update = |told| match told {
            Told::Update(update) => Some(update),
            _ => None,
        };
        let update = self.next("player update", update).await?;
        if update.state.position < 60_000 || !update.state.connected {
            return Err(format!("the player is at {:?}", update.state).into());
        }
        self.server
            .until("player 817", &format!("{SONG} running voice"))
            .await
    }

    async fn stop(&mut self) -> Outcome {
        self.player()?.stop_now().await?;
        let end = |told| match told {
            Told::End(end) => Some(end),
            _ => None,
        };
        let end = self.next("track end", end).await?;
        if end.reason != TrackEndReason::Stopped {
            return Err(format!("the track ends because of {:?}", end.reason).into());
        }
        self.server.until("player 817", "- running voice").await
    }

    async fn lose_voice(&mut self) -> Outcome {
        self.server.ask("voice 4006").await?;
        self.serve_voice("another token");
        let within = Duration::from_secs(1);
        let voice = self.client.get_connection_info(GUILD, within).await?;
        let update = lavalink_rs::model::http::UpdatePlayer {
            voice: Some(voice),
            ..Default::default()
        };
        self.client.update_player(GUILD, &update, true).await?;
        let closed = |told| match told {
            Told::Closed(closed) if closed.by_remote => Some(closed),
            _ => None,
        };
        let closed = self.next("close of voice", closed).await?;
        if closed.code != 4006 {
            return Err(format!("it was closed by {closed:?}").into());
        }
        self.server.until("player 817", "- running mute").await
    }

    async fn leave(&mut self) -> Outcome {
        self.client.delete_player(GUILD).await?;
        self.server.until("player 817", "none").await
    }
}

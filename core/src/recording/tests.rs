//! What is written is read again as it was.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use super::*;
use crate::node::{NodeConfig, PenaltyWeights, ReconnectPolicy};
use crate::player::{PluginWish, Source, Update};
use crate::pool::Strategy;
use crate::protocol::plugins::{
    Category, LyricsFrom, PoToken, RefreshToken, SearchKind, YoutubeUpdate,
};
use crate::protocol::{
    ChannelId, Filters, GuildId, PlayerPatchBuf, RawJson, SessionUpdate, Timescale, Track,
    TrackInfo, TrackPatchBuf, UserId, VoiceState,
};
use crate::region::RegionMap;
use crate::rest::{PluginRequest, Request};
use crate::{
    DialFailure, Fate, Leaving, NodeId, Pool, ProxyFailure, Secret, Shard, Strangers, Target,
    TlsError, TlsFailure, VoiceServerUpdate, VoiceStateUpdate,
};

#[test]
fn every_command_is_read_as_it_was_written() {
    for command in commands() {
        let at = Timestamp::from_nanos(1);
        let line = Line::Submit {
            at,
            by: Some(at),
            command: Box::new(command.clone()),
        };

        let text = serde_json::to_string(&line).unwrap();
        let Line::Submit { command: read, .. } = serde_json::from_str(&text).unwrap() else {
            panic!("{text}");
        };

        assert_eq!(format!("{read:?}"), format!("{command:?}"), "{text}");
        // What `Debug` hides shows in the text.
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            serde_json::to_string(&command).unwrap()
        );
    }
}

#[test]
fn every_line_is_read_as_it_was_written() {
    let at = Timestamp::from_nanos(u64::MAX);
    let socket = SocketId {
        slot: 3,
        generation: 4,
    };
    let bytes = Bytes((0..=255).collect());
    let table = [
        (
            Line::Timeout { at },
            r#"{"timeout":{"at":18446744073709551615}}"#,
        ),
        (
            Line::Connected { at, socket },
            r#"{"connected":{"at":18446744073709551615,"socket":{"slot":3,"generation":4}}}"#,
        ),
        (
            Line::Score(Some((-0.5_f64).to_bits())),
            r#"{"score":13826050856027422720}"#,
        ),
        (Line::Score(None), r#"{"score":null}"#),
        (
            Line::Listen { kinds: Kinds::ALL },
            r#"{"listen":{"kinds":1023}}"#,
        ),
        (Line::End("closed".into()), r#"{"end":"closed"}"#),
        (
            Line::Event(Trace::of("Lagged { dropped: 1 }")),
            r#"{"event":"Lagged d38f22456558c294"}"#,
        ),
        (
            Line::Cancel {
                at: Timestamp::ZERO,
                command: CommandId(7),
            },
            r#"{"cancel":{"at":0,"command":7}}"#,
        ),
        (
            Line::Closed {
                at: Timestamp::ZERO,
                socket,
                why: Closed::Reset,
            },
            r#"{"closed":{"at":0,"socket":{"slot":3,"generation":4},"why":"Reset"}}"#,
        ),
    ];
    for (line, text) in table {
        assert_eq!(serde_json::to_string(&line).unwrap(), text);
        let read: Line = serde_json::from_str(text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{line:?}"));
    }
    for why in [
        Closed::Tls(TlsFailure::Refused { alert: 48 }),
        Closed::Tls(TlsFailure::Misconfigured(TlsError::NoRoots)),
        Closed::Proxy(ProxyFailure::Status { status: 407 }),
        Closed::Proxy(ProxyFailure::Unreachable(DialFailure::Refused)),
    ] {
        let text = serde_json::to_string(&why).unwrap();
        assert_eq!(serde_json::from_str::<Closed>(&text).unwrap(), why);
    }
    let text = serde_json::to_string(&bytes).unwrap();
    assert_eq!(serde_json::from_str::<Bytes>(&text).unwrap(), bytes);
    assert!(serde_json::from_str::<Bytes>(r#""\u0100""#).is_err());
}

#[test]
fn a_configuration_is_read_as_it_was_written() {
    let mut config = PoolConfig::new(UserId::new(1).unwrap());
    config.nodes.push(node());
    config.strategy = Strategy::Penalty(PenaltyWeights {
        cpu: 0.1 + 0.2,
        memory: f64::INFINITY,
        ..PenaltyWeights::default()
    });
    config.strangers = Strangers::Destroy;
    config.on_leave = Fate::Destroy;
    config.regions = RegionMap::default().with("here", "home", ["abc", "def"]);
    config.reconnect = ReconnectPolicy {
        retries: Some(3),
        ..ReconnectPolicy::default()
    };
    let header = Header::new(config, Seed::from(42), Timestamp::from_nanos(5));

    let text = serde_json::to_string(&header).unwrap();
    let read: Header = serde_json::from_str(&text).unwrap();

    assert_eq!(format!("{read:?}"), format!("{header:?}"));
    assert_eq!(read.seed, header.seed);
    assert_eq!(read.config.nodes, header.config.nodes);
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert!(Pool::new(read.config, read.seed, read.now).is_ok());
}

#[test]
fn what_a_pool_would_refuse_is_refused_when_it_is_read() {
    let mut config = PoolConfig::new(UserId::new(1).unwrap());
    config.nodes.push(node());
    let text = serde_json::to_string(&Header::new(config, Seed::from(1), Timestamp::ZERO));
    let text = text.unwrap();
    for (part, wrong) in [
        ("hunter2", "hunter2\\n"),
        ("http://localhost:2333", "ftp://localhost"),
        ("x-team", "authorization"),
        ("0100000", "01000"),
    ] {
        assert!(text.contains(part), "{text}");
        let text = text.replacen(part, wrong, 1);
        assert!(serde_json::from_str::<Header>(&text).is_err(), "{text}");
    }
}

#[test]
fn a_custom_strategy_is_read_as_one_that_knows_no_node() {
    let custom = Strategy::custom(|_, _| crate::Score::new(1.0));
    let text = serde_json::to_string(&custom).unwrap();
    assert_eq!(text, r#"{"Custom":null}"#);
    assert!(matches!(
        serde_json::from_str(&text).unwrap(),
        Strategy::Custom(_)
    ));
}

fn node() -> NodeConfig {
    NodeConfig::new("main", "http://localhost:2333", "hunter2")
        .and_then(|node| node.region("eu").session_id("session"))
        .and_then(|node| node.header("X-Team", "music"))
        .and_then(|node| node.heartbeat(Duration::from_secs(3)))
        .unwrap()
        .retries(None)
        .resume_for(None)
}

fn commands() -> Vec<Command> {
    let guild = GuildId::new(1).unwrap();
    let node = NodeId {
        slot: 1,
        generation: 2,
    };
    let mut commands = vec![
        Command::AddNode(self::node()),
        Command::AwaitNode(node),
        Command::RemoveNode {
            node,
            players: Leaving::Destroy,
        },
        Command::Reconnect(node),
        Command::Connect(node),
        Command::Ping(node),
        Command::Drain(node),
        Command::Undrain(node),
        Command::Move { guild, node },
        Command::Destroy(guild),
        Command::GatewayReady(Shard::new(1, 2).unwrap()),
        Command::Alone { guild, alone: true },
        Command::InactiveAfter { guild, after: None },
        Command::SetCacheCapacity(Some(5)),
        Command::FetchTracks {
            node: Target::Best,
            query: "ytsearch:é".into(),
        },
        Command::Close(Leaving::Keep),
    ];
    commands.extend(voices(guild));
    commands.extend(updates().into_iter().map(|update| Command::Update {
        guild,
        node: Some(node),
        update,
    }));
    let categories = Some([Category::Sponsor, Category::from("else")].into());
    commands.extend(
        [
            PluginWish::Categories(categories),
            PluginWish::Categories(None),
            PluginWish::Lyrics(Some(LyricsFrom::OtherSources)),
        ]
        .map(|wish| Command::Plugin { guild, wish }),
    );
    commands.extend(requests(guild).into_iter().map(|request| Command::Rest {
        node: Target::Node(node),
        request,
    }));
    commands
}

fn voices(guild: GuildId) -> [Command; 4] {
    let channel = ChannelId::new(2).unwrap();
    [
        Command::VoiceState(VoiceStateUpdate {
            guild,
            user: UserId::new(3).unwrap(),
            channel: None,
            session_id: Secret::from("s"),
        }),
        Command::VoiceServer(VoiceServerUpdate {
            guild,
            token: Secret::from("t"),
            endpoint: Some("e".into()),
        }),
        Command::Voice {
            guild,
            voice: voice(),
        },
        Command::Join {
            guild,
            channel,
            self_mute: true,
            self_deaf: false,
        },
    ]
}

fn voice() -> VoiceState {
    VoiceState {
        token: "t".into(),
        endpoint: "e".into(),
        session_id: "s".into(),
        channel_id: ChannelId::new(2).unwrap(),
    }
}

fn updates() -> Vec<Update> {
    let track = Track::new("QAAA", TrackInfo::default());
    let timescale = Timescale {
        speed: 1.2,
        pitch: 0.9,
        rate: 1.0,
    };
    vec![
        Update::default(),
        Update::stop(),
        Update::play(Source::identifier("x")).without_voice(),
        Update::play(Source::encoded("QAAA")).no_replace(),
        Update::play(track.with_user_data(json(r#"{"a": 1}"#)))
            .position(Duration::from_secs(1))
            .end_time(Duration::from_secs(2))
            .volume(55)
            .paused(true)
            .filters(Filters::new().with_timescale(timescale).with_volume(0.1))
            .user_data(json(r#"{"b":"\u00e9"}"#)),
        Update::default().end_time(None),
    ]
}

fn requests(guild: GuildId) -> Vec<Request> {
    let track = TrackPatchBuf {
        encoded: Some(None),
        identifier: Some("i".into()),
        user_data: Some(json("{}")),
    };
    let patch = PlayerPatchBuf {
        track: Some(track),
        end_time: Some(None),
        filters: Some(Filters::new().into()),
        voice: Some(voice().into()),
        ..PlayerPatchBuf::default()
    };
    let timeout = Some(Duration::from_millis(1_500));
    let mut requests = vec![
        Request::LoadTracks {
            identifier: "i".into(),
        },
        Request::DecodeTracks(vec!["QAAA".into()]),
        Request::Player(guild),
        Request::UpdatePlayer {
            guild,
            no_replace: true,
            patch,
        },
        Request::UpdateSession(SessionUpdate {
            resuming: None,
            timeout,
        }),
        Request::FreeAddress("1.2.3.4".into()),
        Request::Stats,
    ];
    requests.extend(
        [None, Some(json("null")), Some(json("[ 1]"))].map(|body| Request::Raw {
            method: ::http::Method::from_bytes(b"BREW").unwrap(),
            path: "/x".into(),
            body,
        }),
    );
    let update = YoutubeUpdate {
        refresh_token: RefreshToken::Use("1//r".into()),
        po_token: PoToken::Use {
            po_token: "p".into(),
            visitor_data: "v".into(),
        },
    };
    let plugins = [
        PluginRequest::Search {
            query: "q".into(),
            kinds: vec![SearchKind::Album],
        },
        PluginRequest::UpdateYoutube(update),
        PluginRequest::UpdateYoutube(YoutubeUpdate {
            refresh_token: RefreshToken::LogIn,
            po_token: PoToken::Forget,
        }),
        PluginRequest::YoutubeToken {
            refresh_token: "1//r".into(),
        },
    ];
    requests.extend(plugins.map(Request::Plugin));
    requests
}

fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

//! Values of note in the recordings, whole and to the last digit.

use lavapool_core::protocol::{
    Band, ChannelId, ChannelMix, Distortion, Exception, Filters, GuildId, Karaoke, LoadResult,
    LowPass, PlayerSnapshot, PlayerState, RawJson, Rotation, Severity, Timescale, Track,
    TrackEndReason, Tremolo, Vibrato,
};
use lavapool_core::rest::{Answer, Refusal};
use lavapool_core::websocket::{CloseCode, CloseFrame};
use lavapool_tests::recording::{Line, Message, Outcome, Recording, Reply};

#[test]
fn stats_come_to_the_last_digit() {
    let outcome = replay("lavalink-4.2.2/17-stats-before-ready.ws.jsonl");
    let messages = messages(&outcome);
    let Message::Stats(stats) = messages[0] else {
        panic!("{messages:?}");
    };
    assert_eq!(stats.frame_stats, None);
    assert_eq!(
        (stats.players, stats.playing_players, stats.uptime),
        (0, 0, 794_798)
    );
    let memory = stats.memory;
    assert_eq!((memory.free, memory.used), (15_625_928, 51_482_936));
    assert_eq!(
        (memory.allocated, memory.reservable),
        (67_108_864, 268_435_456)
    );
    assert_eq!(stats.cpu.cores, 2);
    let loads = (stats.cpu.system_load, stats.cpu.lavalink_load);
    assert_eq!(loads, (0.749_184_305_195_348_4, 0.014_666_911_115_185_253));
    // Written as 8.905776880603218E-4.
    let outcome = replay("lavalink-4.2.2/04-handshake-query.jsonl");
    let messages = self::messages(&outcome);
    let Message::Stats(stats) = messages[1] else {
        panic!("{messages:?}");
    };
    assert_eq!(stats.cpu.lavalink_load, 8.905_776_880_603_218e-4);
}

#[test]
fn a_session_id_is_read_and_never_printed() {
    let outcome = replay("lavalink-4.2.2/06-resume.ws2.jsonl");
    let Message::Ready {
        resumed,
        session_id,
    } = messages(&outcome)[0]
    else {
        panic!("{outcome}");
    };
    assert!(resumed);
    assert_eq!(session_id.expose(), "bwj6kk22pgsuzt48");
    assert!(!outcome.to_string().contains("bwj6kk22pgsuzt48"));
    assert!(!format!("{outcome:?}").contains("bwj6kk22pgsuzt48"));
}

#[test]
fn the_voice_of_a_player_is_read_and_its_secrets_are_never_printed() {
    let outcome = replay("lavalink-4.2.2/02-voice.rest.jsonl");
    let player = players(&outcome)[14];
    let voice = player.voice.as_ref().unwrap();
    assert_eq!(&*voice.token, "ok");
    assert_eq!(&*voice.endpoint, "127.0.0.1:8444");
    assert_eq!(&*voice.session_id, "b1ba1f1c5f5d4d5e9a3b");
    assert_eq!(voice.channel_id, ChannelId::new(81_384_788_765_712_384));
    let expected = PlayerState {
        time: 1_795_224_413_270,
        position: 27_600,
        connected: true,
        ping: 1,
    };
    assert_eq!(player.state, expected);
    let slow = Timescale {
        speed: 2.0,
        ..Timescale::default()
    };
    let filters = Filters::new().with_volume(0.5).with_timescale(slow);
    assert_eq!(player.filters.decode::<Filters>(), Ok(filters));
    let printed = format!("{outcome}{outcome:?}");
    for secret in [
        "b1ba1f1c5f5d4d5e9a3b",
        "close=4014",
        "closeident=4006",
        "drop=1",
    ] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[test]
fn all_filters_come_back_as_they_were_set() {
    let outcome = replay("lavalink-4.2.2/05-rest-filters.jsonl");
    let distortion = Distortion {
        sin_offset: 0.0,
        sin_scale: 1.0,
        cos_offset: 0.0,
        cos_scale: 1.0,
        tan_offset: 0.0,
        tan_scale: 1.0,
        offset: 0.0,
        scale: 1.0,
    };
    let expected = Filters::new()
        .with_volume(1.0)
        .with_equalizer([band(0, 0.2), band(14, -0.25)])
        .with_karaoke(Karaoke {
            level: 1.0,
            mono_level: 1.0,
            filter_band: 220.0,
            filter_width: 100.0,
        })
        .with_timescale(Timescale {
            speed: 1.1,
            pitch: 1.2,
            rate: 0.9,
        })
        .with_tremolo(Tremolo {
            frequency: 2.0,
            depth: 0.5,
        })
        .with_vibrato(Vibrato {
            frequency: 2.0,
            depth: 0.5,
        })
        .with_rotation(Rotation { rotation_hz: 0.2 })
        .with_distortion(distortion)
        .with_channel_mix(ChannelMix {
            left_to_left: 1.0,
            left_to_right: 0.5,
            right_to_left: 0.5,
            right_to_right: 1.0,
        })
        .with_low_pass(LowPass { smoothing: 20.0 });
    let players = players(&outcome);
    assert_eq!(players[0].guild_id, GuildId::new(66).unwrap());
    assert_eq!(players[0].filters.decode::<Filters>(), Ok(expected));
    assert_eq!(players[1].filters.get(), "{}");
    assert_eq!(players[2].filters.get(), r#"{"volume":5.0}"#);
}

#[test]
fn a_title_keeps_its_astral_and_control_characters() {
    let outcome = replay("lavalink-4.2.2/15-plugin.rest.jsonl");
    let LoadResult::Track(track) = loaded(&outcome)[6] else {
        panic!("{outcome}");
    };
    let info = &track.info;
    assert_eq!(
        info.title,
        "Юникод 🎵 日本語 \"quoted\" \\ / <b>&amp;</b> \t tab"
    );
    assert_eq!(info.author, "Äé\u{2028}\u{2029}\u{1}");
    assert_eq!((&*info.identifier, &*info.source_name), ("uni-1", "fake"));
    assert_eq!((info.length, info.position), (1071, 0));
    assert!(info.is_seekable && !info.is_stream);
    assert_eq!(info.uri.as_deref(), Some("https://fake.invalid/uni-1"));
    assert_eq!((&info.artwork_url, &info.isrc), (&None, &None));
    let plugin = r#"{"albumName":"Fake Album","isPreview":false,"n":1500.0,"none":null}"#;
    assert_eq!(track.plugin_info.as_ref().map(RawJson::get), Some(plugin));
    assert_eq!(track.user_data.as_ref().map(RawJson::get), Some("{}"));
}

#[test]
fn a_stream_is_as_long_as_a_number_can_be() {
    let outcome = replay("lavalink-4.2.2/15-plugin.rest.jsonl");
    let LoadResult::Track(track) = loaded(&outcome)[7] else {
        panic!("{outcome}");
    };
    assert_eq!((track.info.length, track.info.is_stream), (i64::MAX, true));
    assert_eq!(track.info.length(), None);
    let outcome = replay("nodelink-2.3/rest_loadtracks_http_h2c.jsonl");
    let LoadResult::Track(track) = loaded(&outcome)[0] else {
        panic!("{outcome}");
    };
    assert_eq!((track.info.length, track.info.is_stream), (-1, false));
    assert_eq!(track.user_data, None);
}

#[test]
fn playlists_and_searches_have_all_their_tracks() {
    let outcome = replay("lavalink-4.2.2/15-plugin.rest.jsonl");
    let results = loaded(&outcome);
    let titles = [
        "Title 0",
        "Юникод 🎵 日本語 \"quoted\" \\ / <b>&amp;</b> \t tab",
        "Live",
    ];
    let LoadResult::Search(found) = results[0] else {
        panic!("{outcome}");
    };
    let begin: Vec<_> = found[..3].iter().map(|track| &*track.info.title).collect();
    assert_eq!((begin, found.len()), (titles.to_vec(), 5));
    let first = &found[0].info;
    assert_eq!(
        first.artwork_url.as_deref(),
        Some("https://fake.invalid/art/0.jpg")
    );
    assert_eq!(first.isrc.as_deref(), Some("USAAA2600000"));
    let LoadResult::Playlist(playlist) = results[2] else {
        panic!("{outcome}");
    };
    assert_eq!(playlist.info.name, "Playlist 😀");
    assert_eq!(playlist.selected(), playlist.tracks.get(1));
    let plugin = r#"{"type":"playlist","url":"https://fake.invalid/p","totalTracks":5}"#;
    assert_eq!(
        playlist.plugin_info.as_ref().map(RawJson::get),
        Some(plugin)
    );

    let outcome = replay("lavalink-4.2.2/15-plugin-big-playlist.jsonl");
    let tracks = loaded(&outcome)[0].tracks();
    let found: Vec<_> = tracks
        .iter()
        .map(|track| track.info.title.clone())
        .collect();
    let expected = (0..150).map(|number| match number % 5 {
        0 => format!("Title {number}"),
        kind @ 1..=2 => titles[kind].to_owned(),
        3 => "Fails to play".to_owned(),
        _ => String::new(),
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn user_data_of_70_kb_comes_in_one_frame() {
    let outcome = replay("lavalink-4.2.2/15-plugin.ws.jsonl");
    let expected = format!(
        r#"{{"name":"Жук 🎵 {}","big":"{}"}}"#,
        '\u{2028}',
        "x".repeat(70_000)
    );
    assert_eq!(expected.len(), 70_035);
    let messages = messages(&outcome);
    let (
        Message::TrackStart { track: start, .. },
        Message::TrackEnd {
            track: end, reason, ..
        },
    ) = (messages[5], messages[7])
    else {
        panic!("{outcome}");
    };
    for track in [start, end] {
        assert_eq!(track.user_data.as_ref().map(RawJson::get), Some(&*expected));
    }
    assert_eq!(reason, &TrackEndReason::Stopped);
}

#[test]
fn an_exception_says_whose_fault_it_is_and_why() {
    let outcome = replay("lavalink-4.2.2/03-exceptions.ws.jsonl");
    let exceptions: Vec<(&GuildId, &Exception)> = messages(&outcome)
        .into_iter()
        .filter_map(|message| match message {
            Message::TrackException {
                guild, exception, ..
            } => Some((guild, exception)),
            _ => None,
        })
        .collect();
    let said: Vec<_> = exceptions
        .iter()
        .map(|(guild, exception)| {
            let message = exception.message.as_deref().unwrap();
            let cause = exception.cause.as_deref().unwrap();
            (guild.get(), &exception.severity, message, cause)
        })
        .collect();
    let (guild, broke) = (
        817_327_181_659_111_454,
        "Something broke when playing the track.",
    );
    let missing = "java.lang.RuntimeException: Not success status code: 404";
    let gone = "java.io.FileNotFoundException: /tmp/tracks/gone.mp3 (No such file or directory)";
    let inner = "java.io.IOException: inner cause";
    assert_eq!(
        said,
        [
            (guild, &Severity::Fault, broke, missing),
            (guild, &Severity::Fault, broke, gone),
            (
                guild,
                &Severity::Suspicious,
                "This track always fails",
                inner
            ),
            (2, &Severity::Fault, broke, missing),
        ]
    );
    for (_, exception) in exceptions {
        let trace = exception.cause_stack_trace.as_deref().unwrap();
        assert!(trace.starts_with(exception.cause.as_deref().unwrap()));
    }
}

#[test]
fn a_refusal_is_read_with_its_trace_and_without_session_ids() {
    let outcome = replay("lavalink-4.2.2/05-rest-errors.jsonl");
    let refusals = refusals(&outcome);
    let body = &refusals[1].body;
    assert_eq!((body.timestamp, body.status), (1_795_224_313_142, 404));
    assert_eq!(body.error.as_deref(), Some("Not Found"));
    assert_eq!(
        body.message.as_deref(),
        Some("No endpoint GET /v4/nothing.")
    );
    assert_eq!(body.path.as_deref(), Some("/v4/nothing"));
    let trace = body.trace.as_deref().unwrap();
    assert!(trace.starts_with("org.springframework.web.servlet.NoHandlerFoundException: No "));
    assert!(refusals[4].body.is_session_not_found());
    assert_eq!(
        refusals[4].body.path.as_deref(),
        Some("/v4/sessions/***/players")
    );

    let outcome = replay("nodelink-2.3/rest_unknown_session.jsonl");
    let refusal = self::refusals(&outcome)[0];
    assert!(refusal.body.is_session_not_found());
    assert_eq!(refusal.body.error, None);
    let message = "The provided session Id doesn't exist.";
    assert_eq!(refusal.body.message.as_deref(), Some(message));
}

#[test]
fn a_close_is_read_with_its_reason() {
    let close = |name| {
        let outcome = replay(name);
        let found = outcome.lines().find_map(|line| match line {
            Line::Close(frame) => Some(frame.clone()),
            _ => None,
        });
        found.unwrap()
    };
    let expected = CloseFrame {
        code: Some(CloseCode::UNSUPPORTED),
        reason: "Binary messages not supported".to_owned(),
    };
    assert_eq!(close("lavalink-4.2.2/10-binary-frame.ws.jsonl"), expected);
    let expected = CloseFrame {
        code: Some(CloseCode::NORMAL),
        reason: "bye".to_owned(),
    };
    assert_eq!(close("lavalink-4.2.2/01-ws-novoice.ws.jsonl"), expected);
}

#[test]
fn a_hundred_tracks_are_decoded_at_once() {
    let outcome = replay("lavalink-4.2.2/05-rest-decode.jsonl");
    let lists: Vec<&Vec<Track>> = answers(&outcome)
        .filter_map(|answer| match answer {
            Answer::Tracks(tracks) => Some(tracks),
            _ => None,
        })
        .collect();
    let counts: Vec<_> = lists.iter().map(|tracks| tracks.len()).collect();
    assert_eq!(counts, [3, 100]);
    let titles: Vec<_> = lists[0].iter().map(|track| &*track.info.title).collect();
    assert_eq!(titles, ["Unknown title", "Test Tone", "Unknown title"]);
}

fn replay(name: &str) -> Outcome {
    let recording = Recording::open(super::root().join(name)).unwrap();
    recording.replay([])
}

fn messages(outcome: &Outcome) -> Vec<&Message> {
    let messages = outcome.lines().filter_map(|line| match line {
        Line::Message(message) => Some(&**message),
        _ => None,
    });
    messages.collect()
}

fn replies(outcome: &Outcome) -> impl Iterator<Item = &Reply> {
    outcome.lines().filter_map(|line| match line {
        Line::Response(response) => Some(&response.reply),
        _ => None,
    })
}

fn answers(outcome: &Outcome) -> impl Iterator<Item = &Answer> {
    replies(outcome).filter_map(|reply| match reply {
        Reply::Answer(answer) => Some(answer),
        _ => None,
    })
}

fn refusals(outcome: &Outcome) -> Vec<&Refusal> {
    let refusals = replies(outcome).filter_map(|reply| match reply {
        Reply::Refused(refusal) => Some(refusal),
        _ => None,
    });
    refusals.collect()
}

fn players(outcome: &Outcome) -> Vec<&PlayerSnapshot> {
    let players = answers(outcome).filter_map(|answer| match answer {
        Answer::Player(player) => Some(&**player),
        _ => None,
    });
    players.collect()
}

fn loaded(outcome: &Outcome) -> Vec<&LoadResult> {
    let results = answers(outcome).filter_map(|answer| match answer {
        Answer::Loaded(result) => Some(&**result),
        _ => None,
    });
    results.collect()
}

fn band(band: u8, gain: f32) -> Band {
    Band { band, gain }
}

//! The expectations, and the words they are written in.
//!
//! `G` is the guild that most scenarios use, `~` the path of the session, `load` the path of a
//! look-up, and `H` the server of the recorder's tracks. A track is `title@position/length`, with
//! `+bytes` of its user data; a player `volume% [paused] position voice/ping [at endpoint]
//! [filters] track`.

use lavapool_core::protocol::{
    Exception, GuildId, LoadResult, PlayerSnapshot, PlayerState, Stats, Track,
};
use lavapool_core::rest::{Answer, Refusal};
use lavapool_tests::recording::{Asked, EndedBy, Line, Meaning, Message, Reply, Response};

/// The name of each recording, and what it says.
pub(crate) fn entries() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    [
        include_str!("lavalink-4.2.2.txt"),
        include_str!("nodelink-2.3.txt"),
    ]
    .into_iter()
    .flat_map(|text| text.split("== ").skip(1))
    .map(|entry| {
        let mut lines = entry.trim_end().lines();
        (lines.next().unwrap(), lines.collect())
    })
}

pub(crate) fn words(line: &Line) -> String {
    match line {
        Line::Interim { status } => status.to_string(),
        Line::Response(response) => self::response(response),
        Line::NoAnswer(asked) => format!("no answer: {}", self::asked(asked)),
        Line::Upgraded {
            session_resumed,
            api_version,
            is_nodelink,
        } => {
            let resumed =
                session_resumed.map_or_else(|| "-".to_owned(), |resumed| resumed.to_string());
            let version = api_version.map_or_else(|| "-".to_owned(), |version| version.to_string());
            let server = if *is_nodelink { " NodeLink" } else { "" };
            format!("upgraded {resumed} {version}{server}")
        }
        Line::Message(message) => self::message(message),
        Line::Pong { payload } => format!("pong {}", payload.len()),
        Line::Close(frame) => {
            format!("close {} \"{}\"", frame.code.unwrap(), frame.reason)
        }
        Line::Ended(by) => ended(*by).to_owned(),
        Line::EndedWithoutClose(by) => format!("{} without close", ended(*by)),
        other => format!("{other:?}"),
    }
}

fn response(response: &Response) -> String {
    let Response {
        asked,
        status,
        reusable,
        reply,
    } = response;
    let reply = match reply {
        Reply::Answer(answer) => self::answer(answer, &asked.target),
        Reply::Refused(refusal) => format!("refused {}", self::refusal(refusal)),
        Reply::NotUpgraded(refusal) => format!("not upgraded {}", self::refusal(refusal)),
        Reply::Encoded { coding, bytes } => format!("{coding} {bytes}"),
        other => format!("{other:?}"),
    };
    let last = if *reusable { "" } else { " (last)" };
    format!("{} {}: {reply}{last}", status.as_u16(), self::asked(asked))
}

fn asked(asked: &Asked) -> String {
    let target = asked
        .target
        .replace("/v4/sessions/***", "~")
        .replace("817327181659111454", "G")
        .replace("http%3A%2F%2F127.0.0.1%3A8333", "H")
        .replace("/v4/loadtracks?identifier=", "load ");
    let target = text(&target, 60);
    assert!(asked.is_whole);
    match asked.meaning {
        Meaning::Garbage { bytes } => format!("{bytes} bytes of no HTTP"),
        Meaning::Upgrade { key } => {
            assert_eq!(key, Some(*b"the sample nonce"));
            format!("upgrade {target}")
        }
        _ => format!("{} {target}", asked.method),
    }
}

fn answer(answer: &Answer, target: &str) -> String {
    match answer {
        Answer::Loaded(result) => loaded(result),
        Answer::Track(track) => self::track(Some(track)),
        Answer::Tracks(tracks) => self::tracks(tracks),
        Answer::Players(players) => {
            let each = players
                .iter()
                .map(|player| format!("; {} {}", guild(player.guild_id), self::player(player)));
            format!("{} players{}", players.len(), each.collect::<String>())
        }
        Answer::Player(player) => {
            assert!(target.contains(&format!("/players/{}", player.guild_id)));
            self::player(player)
        }
        Answer::Session(session) => {
            format!(
                "session {} {}s",
                session.resuming,
                session.timeout.as_secs()
            )
        }
        Answer::Info(info) => format!(
            "info {} {} {} filters {} plugins",
            info.version.semver,
            info.source_managers.join("+"),
            info.filters.len(),
            info.plugins.len(),
        ),
        Answer::Stats(stats) => self::stats(stats),
        Answer::Version(version) => format!("version {version}"),
        Answer::RoutePlanner(None) => "no route planner".to_owned(),
        Answer::Done => "done".to_owned(),
        Answer::Raw(raw) => format!("raw {}", raw.body.len()),
        other => format!("{other:?}"),
    }
}

fn loaded(result: &LoadResult) -> String {
    match result {
        LoadResult::Track(track) => format!("track {}", self::track(Some(track))),
        LoadResult::Playlist(playlist) => {
            let selected = playlist.info.selected_track;
            let selected = selected.map_or_else(|| "-".to_owned(), |index| index.to_string());
            let name = text(&playlist.info.name, 48);
            format!(
                "playlist {name} selected {selected} {}",
                tracks(&playlist.tracks)
            )
        }
        LoadResult::Search(tracks) => format!("search {}", self::tracks(tracks)),
        LoadResult::Empty => "empty".to_owned(),
        LoadResult::Error(exception) => format!("error {}", self::exception(exception)),
        other => format!("{other:?}"),
    }
}

fn message(message: &Message) -> String {
    match message {
        Message::Ready { resumed, .. } => {
            format!("ready {}", if *resumed { "resumed" } else { "new" })
        }
        Message::Stats(stats) => self::stats(stats),
        Message::PlayerUpdate(update) => {
            format!("update {} {}", guild(update.guild_id), state(update.state))
        }
        Message::TrackStart { guild, track } => {
            format!("start {} {}", self::guild(*guild), self::track(Some(track)))
        }
        Message::TrackEnd {
            guild,
            track,
            reason,
        } => {
            let guild = self::guild(*guild);
            format!("end {guild} {reason} {}", self::track(Some(track)))
        }
        Message::TrackException {
            guild,
            track,
            exception,
        } => format!(
            "exception {} {} {}",
            self::guild(*guild),
            self::exception(exception),
            self::track(Some(track)),
        ),
        Message::TrackStuck {
            guild,
            track,
            threshold_ms,
        } => {
            let guild = self::guild(*guild);
            format!("stuck {guild} {threshold_ms} {}", self::track(Some(track)))
        }
        Message::WebSocketClosed {
            guild,
            code,
            reason,
            by_remote,
        } => {
            let side = if *by_remote { "there" } else { "here" };
            let reason = text(reason, 48);
            format!(
                "voice closed {} {code} {side} \"{reason}\"",
                self::guild(*guild)
            )
        }
        Message::UnknownEvent { guild, kind } => {
            format!("unknown event {kind} {}", guild.map(self::guild).unwrap())
        }
        Message::Unknown { op } => format!("unknown op {op}"),
        other => format!("{other:?}"),
    }
}

fn player(player: &PlayerSnapshot) -> String {
    let paused = if player.paused { "paused " } else { "" };
    let voice = player.voice.as_ref();
    let voice = voice.map_or(String::new(), |voice| format!(" at {}", voice.endpoint));
    let filters: serde_json::Map<String, serde_json::Value> = player.filters.decode().unwrap();
    let filters: Vec<_> = filters.keys().map(String::as_str).collect();
    let filters = match filters.as_slice() {
        [] => String::new(),
        _ => format!(" {}", filters.join("+")),
    };
    let state = state(player.state);
    let track = track(player.track.as_ref());
    format!("{}% {paused}{state}{voice}{filters} {track}", player.volume)
}

fn state(state: PlayerState) -> String {
    let voice = if state.connected { "joined" } else { "apart" };
    format!("{}ms {voice}/{}", state.position, state.ping)
}

fn stats(stats: &Stats) -> String {
    let frames = stats.frame_stats;
    let frames = frames.map_or_else(
        || "-".to_owned(),
        |frames| {
            format!(
                "frames {}/{}/{}",
                frames.sent, frames.nulled, frames.deficit
            )
        },
    );
    format!(
        "stats {}/{} up {} used {} load {} {frames}",
        stats.playing_players,
        stats.players,
        stats.uptime,
        stats.memory.used,
        stats.cpu.system_load,
    )
}

fn tracks(tracks: &[Track]) -> String {
    format!("{} tracks {}", tracks.len(), track(tracks.first()))
}

fn track(track: Option<&Track>) -> String {
    let Some(track) = track else {
        return "-".to_owned();
    };
    let user_data = track.user_data.as_ref().map_or("{}", |data| data.get());
    let user_data = match user_data {
        "{}" => String::new(),
        data => format!("+{}", data.len()),
    };
    let info = &track.info;
    let title = text(&info.title, 40);
    format!("{title}@{}/{}{user_data}", info.position, info.length)
}

fn exception(exception: &Exception) -> String {
    let message = text(exception.message.as_deref().unwrap_or("-"), 30);
    let cause = text(exception.cause.as_deref().unwrap(), 30);
    format!("{} \"{message}\" \"{cause}\"", exception.severity)
}

fn refusal(refusal: &Refusal) -> String {
    let body = &refusal.body;
    let said = body.message.as_deref().or(body.error.as_deref());
    let said = said.or(refusal.excerpt.as_deref());
    said.map_or_else(|| "-".to_owned(), |said| format!("\"{}\"", text(said, 48)))
}

fn ended(by: EndedBy) -> &'static str {
    match by {
        EndedBy::Server { reset: false } => "server ends",
        EndedBy::Server { reset: true } => "server resets",
        EndedBy::Client { reset: false } => "client ends",
        EndedBy::Client { reset: true } => "client resets",
        EndedBy::Recording => "recording ends",
    }
}

fn guild(guild: GuildId) -> String {
    if guild.get() == 817_327_181_659_111_454 {
        return "G".to_owned();
    }
    guild.to_string()
}

/// The first characters of a text, with those outside of ASCII escaped.
fn text(text: &str, chars_max: usize) -> String {
    let mut chars = text.chars();
    let mut shown = String::new();
    for char in chars.by_ref().take(chars_max) {
        match char {
            ' '..='~' => shown.push(char),
            _ => shown.extend(char.escape_unicode()),
        }
    }
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

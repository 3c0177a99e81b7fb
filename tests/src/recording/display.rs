//! How an [`Outcome`] prints: one line for each entry, and no secrets.

use std::fmt;

use lavapool_core::protocol::{Exception, Filters, LoadResult, PlayerSnapshot, Stats, Track};
use lavapool_core::rest::{Answer, Refusal};
use lavapool_core::websocket::CloseFrame;

use super::outcome::{EndedBy, Entry, Fault, Line, Message, Outcome, Reply};

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{}", self.secrets.hide(&entry.to_string()))?;
        }
        for (number, error) in &self.bad_lines {
            writeln!(f, "line {number}: {error}")?;
        }
        Ok(())
    }
}

impl Outcome {
    /// The fault as it may be printed.
    pub fn show(&self, fault: &Fault<'_>) -> String {
        self.secrets.hide(&fault.to_string())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.1} ms  {}", self.t_ms, self.line)
    }
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { number, error } => write!(f, "line {number}: {error}"),
            Self::Bytes { offset, t_ms, what } => {
                write!(f, "byte {offset} of the server, {t_ms:.1} ms: {what}")
            }
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interim { status } => write!(f, "{status}, an interim response"),
            Self::Response(response) => {
                let status = response.status.as_u16();
                write!(f, "{status} to {}: {}", response.asked, response.reply)?;
                if response.reusable {
                    return Ok(());
                }
                f.write_str("; the last on this connection")
            }
            Self::NoAnswer(asked) => write!(f, "no answer to {asked}"),
            Self::Upgraded {
                session_resumed,
                api_version,
                is_nodelink,
            } => {
                let server = if *is_nodelink {
                    "NodeLink"
                } else {
                    "no NodeLink"
                };
                write!(f, "101, a WebSocket: {server}, ")?;
                write!(f, "session resumed {}, ", Maybe(session_resumed.as_ref()))?;
                write!(f, "API version {}", Maybe(api_version.as_ref()))
            }
            Self::Message(message) => message.fmt(f),
            Self::Binary { bytes } => write!(f, "binary message of {bytes} bytes"),
            Self::Ping { payload } => write!(f, "ping of {} bytes, answered", payload.len()),
            Self::Pong { payload } => write!(f, "pong of {} bytes", payload.len()),
            Self::Close(frame) => close(frame, f),
            Self::Dropped { bytes } => {
                write!(f, "{bytes} bytes behind the close frame, dropped")
            }
            Self::Ended(by) => write!(f, "closed {by}"),
            Self::EndedWithoutClose(by) => write!(f, "closed {by}, no close frame came"),
            Self::Misunderstood(what) => write!(f, "NOT UNDERSTOOD: {what}"),
        }
    }
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server { reset: false } => "by the server",
            Self::Server { reset: true } => "by the server with a reset",
            Self::Client { reset: false } => "by the client",
            Self::Client { reset: true } => "by the client with a reset",
            Self::Recording => "by nobody: the recording stops",
        })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => self::answer(answer, f),
            Self::Refused(refusal) => {
                f.write_str("refused")?;
                self::refusal(refusal, f)
            }
            Self::NotUpgraded(refusal) => {
                f.write_str("not upgraded")?;
                self::refusal(refusal, f)
            }
            Self::Encoded { coding, bytes } => {
                write!(f, "encoded body, {}, {bytes} bytes", Shown(coding))
            }
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready {
                resumed,
                session_id,
            } => write!(f, "ready: session {session_id}, resumed {resumed}"),
            Self::Stats(stats) => self::stats(stats, f),
            Self::PlayerUpdate(update) => {
                let state = update.state;
                write!(f, "playerUpdate of {}: ", update.guild_id)?;
                write!(f, "position {} ms, ", state.position)?;
                write!(f, "connected {}, ping {} ms", state.connected, state.ping)
            }
            Self::TrackStart { guild, track } => {
                write!(f, "TrackStartEvent of {guild}: {}", Title(track))
            }
            Self::TrackEnd {
                guild,
                track,
                reason,
            } => {
                let reason = Shown(reason.as_str());
                write!(f, "TrackEndEvent of {guild}: {reason}, {}", Title(track))
            }
            Self::TrackException {
                guild,
                track,
                exception,
            } => {
                write!(f, "TrackExceptionEvent of {guild}: ")?;
                self::exception(exception, f)?;
                write!(f, ", {}", Title(track))
            }
            Self::TrackStuck {
                guild,
                track,
                threshold_ms,
            } => {
                write!(f, "TrackStuckEvent of {guild}: ")?;
                write!(f, "nothing for {threshold_ms} ms, {}", Title(track))
            }
            Self::WebSocketClosed {
                guild,
                code,
                reason,
                by_remote,
            } => {
                write!(f, "WebSocketClosedEvent of {guild}: ")?;
                write!(f, "{code} \"{}\", by remote {by_remote}", Shown(reason))
            }
            Self::UnknownEvent { guild, kind } => {
                write!(f, "unknown event {} ", Shown(kind))?;
                write!(f, "of {}", Maybe(guild.as_ref()))
            }
            Self::Unknown { op } => write!(f, "unknown op {}", Shown(op)),
        }
    }
}

fn answer(answer: &Answer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match answer {
        Answer::Loaded(result) => loaded(result, f),
        Answer::Track(track) => write!(f, "{}", Title(track)),
        Answer::Tracks(tracks) => titles(tracks, f),
        Answer::Players(players) => {
            write!(f, "{} players", players.len())?;
            for one in players {
                f.write_str("; ")?;
                player(one, f)?;
            }
            Ok(())
        }
        Answer::Player(one) => player(one, f),
        Answer::Session(session) => {
            let seconds = session.timeout.as_secs();
            write!(f, "resuming {}, timeout {seconds} s", session.resuming)
        }
        Answer::Info(info) => {
            let kind = if info.is_nodelink {
                "NodeLink"
            } else {
                "Lavalink"
            };
            write!(f, "{kind} {}, ", Shown(&info.version.semver))?;
            write!(f, "sources {}, ", Shown(&info.source_managers.join(" ")))?;
            write!(f, "{} filters, ", info.filters.len())?;
            write!(f, "{} plugins", info.plugins.len())
        }
        Answer::Stats(stats) => self::stats(stats, f),
        Answer::Version(version) => write!(f, "version {}", Shown(version)),
        Answer::RoutePlanner(None) => f.write_str("no route planner"),
        Answer::RoutePlanner(Some(planner)) => {
            write!(f, "route planner of {} ", Shown(&planner.ip_block.kind))?;
            write!(f, "{} addresses, ", Shown(&planner.ip_block.size))?;
            write!(f, "{} failing", planner.failing_addresses.len())
        }
        Answer::Done => f.write_str("done"),
        Answer::Raw(raw) => write!(f, "{} bytes of an endpoint without a type", raw.body.len()),
        _ => f.write_str("an answer without a text"),
    }
}

fn loaded(result: &LoadResult, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match result {
        LoadResult::Track(track) => write!(f, "track {}", Title(track)),
        LoadResult::Short(track) => write!(f, "short {}", Title(track)),
        LoadResult::Playlist(playlist) => {
            write!(
                f,
                "{} \"{}\", ",
                Shown(playlist.kind.as_str()),
                Shown(&playlist.info.name)
            )?;
            write!(
                f,
                "selected {}, ",
                Maybe(playlist.info.selected_track.as_ref())
            )?;
            titles(&playlist.tracks, f)
        }
        LoadResult::Search(tracks) => {
            f.write_str("search, ")?;
            titles(tracks, f)
        }
        LoadResult::Empty => f.write_str("empty"),
        LoadResult::Error(exception) => {
            f.write_str("error, ")?;
            self::exception(exception, f)
        }
        LoadResult::Unknown { load_type, .. } => {
            write!(f, "unknown load type {}", Shown(load_type))
        }
        _ => f.write_str("a load result without a text"),
    }
}

fn titles(tracks: &[Track], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} tracks", tracks.len())?;
    let Some(first) = tracks.first() else {
        return Ok(());
    };
    write!(f, ", the first {}", Title(first))
}

fn player(player: &PlayerSnapshot, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let state = player.state;
    write!(
        f,
        "player of {}: volume {}, ",
        player.guild_id, player.volume
    )?;
    write!(
        f,
        "paused {}, position {} ms, ",
        player.paused, state.position
    )?;
    write!(f, "connected {}, ping {} ms, ", state.connected, state.ping)?;
    match &player.voice {
        Some(voice) => write!(f, "voice at {}, ", Shown(&voice.endpoint))?,
        None => f.write_str("no voice, ")?,
    }
    match player.filters.decode::<Filters>() {
        Ok(filters) if filters.is_empty() => f.write_str("no filters, ")?,
        Ok(_) => write!(f, "filters {}, ", Shown(player.filters.get()))?,
        Err(error) => write!(f, "filters: {}, ", error)?,
    }
    match &player.track {
        Some(track) => write!(f, "{}", Title(track)),
        None => f.write_str("no track"),
    }
}

fn stats(stats: &Stats, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "stats: {} players, ", stats.players)?;
    write!(
        f,
        "{} playing, up {} ms, ",
        stats.playing_players, stats.uptime
    )?;
    write!(
        f,
        "memory {} of {}, ",
        stats.memory.used, stats.memory.reservable
    )?;
    write!(
        f,
        "load {:.3} of {} cores, ",
        stats.cpu.system_load, stats.cpu.cores
    )?;
    match stats.frame_stats {
        Some(frames) => {
            write!(f, "frames {} sent, ", frames.sent)?;
            write!(f, "{} nulled, {} lacking", frames.nulled, frames.deficit)
        }
        None => f.write_str("no frames"),
    }
}

fn exception(exception: &Exception, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let message = exception.message.as_deref().unwrap_or("no message");
    write!(
        f,
        "{} \"{}\"",
        Shown(exception.severity.as_str()),
        Shown(message)
    )?;
    match &exception.cause {
        Some(cause) => write!(f, " by \"{}\"", Shown(cause)),
        None => Ok(()),
    }
}

fn refusal(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let body = &refusal.body;
    let text = body.message.as_deref().or(body.error.as_deref());
    match text.or(refusal.excerpt.as_deref()) {
        Some(text) => write!(f, ", \"{}\"", Shown(text)),
        None => f.write_str(", no reason"),
    }
}

fn close(frame: &CloseFrame, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match frame.code {
        Some(code) => write!(f, "close {code} \"{}\"", Shown(&frame.reason)),
        None => f.write_str("close without a code"),
    }
}

/// What is known of a track.
struct Title<'a>(&'a Track);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = &self.0.info;
        write!(
            f,
            "\"{}\" by \"{}\" ",
            Shown(&info.title),
            Shown(&info.author)
        )?;
        write!(f, "({}, {} ms", Shown(&info.source_name), info.length)?;
        if info.is_stream {
            f.write_str(", a stream")?;
        }
        match &self.0.user_data {
            Some(data) if data.get() != "{}" => {
                write!(f, ", {} bytes of user data)", data.get().len())
            }
            Some(_) | None => f.write_str(")"),
        }
    }
}

/// A text on one line, and not too much of it.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 160;
        let mut chars = self.0.chars();
        for shown in chars.by_ref().take(CHARS_MAX) {
            if shown.is_control() {
                write!(f, "{}", shown.escape_default())?;
            } else {
                write!(f, "{shown}")?;
            }
        }
        if chars.next().is_some() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

struct Maybe<'a, T>(Option<&'a T>);

impl<T: fmt::Display> fmt::Display for Maybe<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("unsaid"),
        }
    }
}

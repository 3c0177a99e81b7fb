//! The JSON of tracks, events and updates, with keys in the order of a real server.

use serde_json::{Value, json};

use super::blob::TrackBlob;
use super::catalogue::LoadResult;

/// A track at a position, with user data.
pub(super) fn track(blob: &TrackBlob, position_ms: i64, user_data: &Value) -> Value {
    let blob = TrackBlob {
        position_ms,
        ..blob.clone()
    };
    let has_probe = matches!(blob.source.as_str(), "http" | "local");
    let plugin_info = match blob.probe().filter(|_| has_probe) {
        Some(probe) => json!({"probeInfo": probe}),
        None => json!({}),
    };
    json!({
        "encoded": blob.encode(),
        "info": {
            "identifier": blob.identifier,
            "isSeekable": !blob.is_stream,
            "author": blob.author,
            "length": blob.length_ms,
            "isStream": blob.is_stream,
            "position": position_ms,
            "title": blob.title,
            "uri": blob.uri,
            "sourceName": blob.source,
            "artworkUrl": blob.artwork_url,
            "isrc": blob.isrc,
        },
        "pluginInfo": plugin_info,
        "userData": user_data,
    })
}

/// The answer to a request to load something.
pub(super) fn load_result(result: &LoadResult) -> Value {
    let plain = |blob: &TrackBlob| track(blob, blob.position_ms, &json!({}));
    let plain_all = |blobs: &[TrackBlob]| Value::Array(blobs.iter().map(plain).collect());
    let (kind, data) = match result {
        LoadResult::Track(blob) => ("track", plain(blob)),
        LoadResult::Playlist {
            name,
            selected,
            tracks,
        } => (
            "playlist",
            json!({
                "info": {"name": name, "selectedTrack": selected},
                "pluginInfo": {},
                "tracks": plain_all(tracks),
            }),
        ),
        LoadResult::Search(blobs) => ("search", plain_all(blobs)),
        LoadResult::Empty => ("empty", Value::Null),
        LoadResult::Error(message) => {
            let class = "com.sedmelluq.discord.lavaplayer.tools.FriendlyException";
            (
                "error",
                exception(message, "fault", &format!("{class}: {message}")),
            )
        }
    };
    json!({"loadType": kind, "data": data})
}

/// What went wrong, with a stack trace that is long enough to be one.
pub(super) fn exception(message: &str, severity: &str, cause: &str) -> Value {
    let frames = "\n\tat com.sedmelluq.discord.lavaplayer.track.Playback.run(Playback.java:1)";
    json!({
        "message": message,
        "severity": severity,
        "cause": cause,
        "causeStackTrace": format!("{cause}{}", frames.repeat(20)),
    })
}

/// A `playerUpdate`.
pub(super) fn update(guild: i64, state: &Value) -> Value {
    json!({"op": "playerUpdate", "state": state, "guildId": guild.to_string()})
}

/// A `TrackStartEvent`.
pub(super) fn track_start(guild: i64, track: &Value) -> Value {
    json!({
        "op": "event",
        "type": "TrackStartEvent",
        "guildId": guild.to_string(),
        "track": track,
    })
}

/// A `TrackEndEvent`.
pub(super) fn track_end(guild: i64, track: &Value, reason: &str) -> Value {
    json!({
        "op": "event",
        "type": "TrackEndEvent",
        "guildId": guild.to_string(),
        "track": track,
        "reason": reason,
    })
}

/// A `TrackExceptionEvent`.
pub(super) fn track_exception(guild: i64, track: &Value, cause: &str) -> Value {
    json!({
        "op": "event",
        "type": "TrackExceptionEvent",
        "guildId": guild.to_string(),
        "track": track,
        "exception": exception("Something broke when playing the track.", "fault", cause),
    })
}

/// A `TrackStuckEvent`.
pub(super) fn track_stuck(guild: i64, track: &Value, threshold_ms: u64) -> Value {
    json!({
        "op": "event",
        "type": "TrackStuckEvent",
        "guildId": guild.to_string(),
        "track": track,
        "thresholdMs": threshold_ms,
    })
}

/// A `WebSocketClosedEvent` of a voice connection.
pub(super) fn voice_closed(guild: i64, code: u16, reason: &str, by_remote: bool) -> Value {
    json!({
        "op": "event",
        "type": "WebSocketClosedEvent",
        "guildId": guild.to_string(),
        "code": code,
        "reason": reason,
        "byRemote": by_remote,
    })
}

/// A message of a plugin, with an `op` of its own.
pub(super) fn unknown_op(data: &str) -> Value {
    json!({"op": "fakeOp", "data": data})
}

/// An event of a plugin.
pub(super) fn unknown_event(guild: i64) -> Value {
    json!({
        "op": "event",
        "type": "FakePluginEvent",
        "guildId": guild.to_string(),
        "extra": {"nested": [1, 2.5, null, true]},
    })
}

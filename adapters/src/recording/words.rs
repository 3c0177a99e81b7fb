//! Words that name secrets, and words that a message has without meaning any.

/// Whether a text with this name is secret, in JSON and in a query.
pub(super) fn is_secret_name(name: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    let name: Vec<u8> = letters.map(|byte| byte.to_ascii_lowercase()).collect();
    NAMES.iter().any(|other| name == other.as_bytes())
        || NAME_ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
}

/// Whether the text may also be found where no secret is meant.
pub(super) fn is_word(text: &str) -> bool {
    text.len() < DISTINCT_BYTES_MIN
        || text.bytes().all(|byte| byte.is_ascii_digit())
        || [WORDS, FORMAT]
            .iter()
            .any(|words| words.contains(&text.to_ascii_lowercase()))
}

/// A shorter text may be part of anything.
const DISTINCT_BYTES_MIN: usize = 6;

/// Names of secrets.
const NAMES: [&str; 5] = ["authorization", "visitordata", "arl", "spdc", "signature"];
/// How other names of secrets end.
const NAME_ENDS: [&str; 7] = [
    "secret",
    "token",
    "sessionid",
    "password",
    "apikey",
    "cookie",
    "accesskey",
];

/// What a message may hold without meaning any secret: a password or a header may well be one of
/// these.
const WORDS: &str = "\
    http/1.1 100 continue 101 switching protocols 200 ok 204 no content 400 bad request 401 \
    unauthorized 403 forbidden 404 not found 429 too many requests 500 internal server error 502 \
    gateway 503 service unavailable content-type: application/json; charset=utf-8 text/plain \
    text/html content-length: transfer-encoding: chunked connection: keep-alive close upgrade: \
    websocket sec-websocket-accept: sec-websocket-key: sec-websocket-version: session-resumed: \
    lavalink-api-version: authorization: user-id: client-name: session-id: host: accept: date: \
    server: vary: retry-after: location: true false null op ready resumed sessionid playerupdate \
    guildid state time position connected ping stats players playingplayers uptime memory free \
    used allocated reservable cpu cores systemload lavalinkload framestats sent nulled deficit \
    event type trackstartevent trackendevent trackexceptionevent trackstuckevent \
    websocketclosedevent track encoded info identifier isseekable author length isstream title uri \
    artworkurl isrc sourcename plugininfo userdata reason finished loadfailed stopped replaced \
    cleanup exception message severity common suspicious fault cause causestacktrace thresholdms \
    code byremote voice token endpoint channelid volume paused filters equalizer karaoke timescale \
    tremolo vibrato rotation distortion channelmix lowpass pluginfilters loadtype playlist search \
    empty error data tracks selectedtrack timestamp status path trace version semver major minor \
    patch prerelease build git branch commit committime buildtime jvm lavaplayer sourcemanagers \
    plugins name resuming timeout v4 sessions loadtracks decodetrack decodetracks routeplanner \
    youtube soundcloud bandcamp twitch vimeo local spotify applemusic deezer lavalink lavapool \
    nodelink music noreplace endtime albumname encodedtrack totaltracks ispreview isnodelink \
    probeinfo nodejs refreshtoken potoken visitordata accesstoken access_token token_type \
    expires_in segments chapters sponsorblock";

/// What fields and variants are called in the lines of a recording.
const FORMAT: &str = "\
    addnode artist awaitnode clearcategories denied destroyplayer endofstream expired fetchtracks \
    forget freeaddress freealladdresses gatewayready handshakecut inactiveafter incompatible \
    invalidcertificate invalidhost invalidkey invalidservername keymismatch lookupfailed \
    misconfigured namenotfound nocertificate noprovider noroots noversion nottls notyetvalid \
    onlytls othersources playinglyrics reconnect refused removenode revoked routeplannerstatus \
    selfsigned setcachecapacity setcategories timedout tlsunavailable truncated undrain \
    unixunavailable unknownauthority unreachable unsubscribelyrics updateplayer updatesession \
    updateyoutube violation voiceserver voicestate wronghost youtubestream youtubetoken cancel \
    cosoffset cosscale end_time_ms filterband filterwidth frequency generation headers heartbeat \
    lefttoleft lefttoright listen method monolevel no_replace number origin output password \
    po_token position_ms received refresh_token resume_for retries righttoleft righttoright \
    rotationhz secret self_deaf self_mute session_id sinoffset sinscale smoothing submitted unsent \
    tanoffset tanscale user_data visitor_data without_voice custom latency leastloaded \
    leastplayers penalty roundrobin body_bytes_max cache_capacity cache_for clamped client_name \
    close_deadline coarse command_deadline commands_max connect_deadline control_sockets_max \
    delay_max events_max exponential gateway_interval header_bytes_max healthy_within \
    inactive_after jitter_percent join_deadline keep_alive limits lookup_sockets_max \
    message_bytes_max nodes_max on_inactive on_leave players_max pong_deadline ready_deadline \
    regions rejoin request_deadline resume_grace return_home stable_after stopped_grace strangers \
    strategy timing user_id voice_deadline voice_grace voice_silence voice_sockets_max";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in [
            "sessionId",
            "session_id",
            "access_token",
            "refreshToken",
            "X-Api-Key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["op", "tokens", "key", "sessionIdentifier", ""] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}

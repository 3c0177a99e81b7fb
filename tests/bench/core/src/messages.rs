//! What a server says on its WebSocket, as the bytes of frames, and the mix of it.

use std::sync::Arc;

use lavapool_core::protocol::{GuildId, RawJson, Track, TrackBlob, TrackInfo};

/// The name of a WebSocket's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where a player is.
    PlayerUpdate,
    /// The load of the node.
    Stats,
    /// A track starts.
    TrackStart,
    /// A track comes to its end.
    TrackEnd,
}

/// The mix: eight updates, a report and an event about a track in ten, the events by turns a
/// start and an end.
pub const MIX: [Kind; 20] = {
    use Kind::{PlayerUpdate as P, Stats as S, TrackEnd, TrackStart};
    [
        P, P, P, P, S, P, P, P, P, TrackStart, //
        P, P, P, P, S, P, P, P, P, TrackEnd,
    ]
};

/// The guild of a number, spread as Discord's are.
pub fn guild(number: usize) -> GuildId {
    let number = number as u64;
    GuildId::new(817_327_181_659_111_454 + number * 4_194_304_123).expect("not zero")
}

/// A track with a blob of 300 bytes.
pub fn track(number: usize) -> Arc<Track> {
    let mut info = TrackInfo::default();
    info.identifier = format!("dQw4w9Wg{number:03}");
    info.is_seekable = true;
    info.author = "Rick Astley and the strolling orchestra".to_owned();
    info.length = 212_000;
    info.title = "Never Gonna Give You Up (remaster)".to_owned();
    info.uri = Some(format!(
        "https://www.youtube.com/watch?v=dQw4w9Wg{number:03}"
    ));
    info.source_name = "youtube".to_owned();
    info.artwork_url = Some(format!("https://i.ytimg.com/vi/dQw4w9Wg{number:03}/m.jpg"));
    info.isrc = Some("GBARL9300135".to_owned());
    let encoded = TrackBlob::from_info(&info).encode().expect("short texts");
    assert_eq!(encoded.len(), 300, "the blob of the bench");
    let mut track = Track::new(encoded, info);
    track.plugin_info = Some(RawJson::object(PLUGIN_INFO).expect("an object"));
    Arc::new(track)
}

/// What a plugin for a streaming service adds to a track.
const PLUGIN_INFO: &str = concat!(
    r#"{"albumName":"Whenever You Need Somebody","#,
    r#""albumUrl":"https://open.spotify.com/album/6XhjNHCyCDyyGJRM5mg40G","#,
    r#""artistUrl":"https://open.spotify.com/artist/0gxyHStUsqpMadRV0Di1Qt","#,
    r#""artistArtworkUrl":"https://i.scdn.co/image/ab6761610000e5ebc5fbd2d1fd2a2a6e","#,
    r#""previewUrl":"https://p.scdn.co/mp3-preview/b8a5c4dd7d6b9c5b0b1f2c","#,
    r#""isPreview":false}"#
);

/// A track as servers write it, with the number of its play.
pub fn track_json(track: &Track, play: u32) -> String {
    let tagged = RawJson::object(&format!(r#"{{"lavapool":{{"play":{play}}}}}"#));
    let tagged = track.clone().with_user_data(tagged.expect("an object"));
    serde_json::to_string(&tagged).expect("a track serialises")
}

/// A player says where it is.
pub fn player_update(guild: GuildId, position_ms: u64) -> String {
    format!(r#"{{"op":"playerUpdate","state":{{"time":1795224390499,"position":{position_ms},"#)
        + &format!(r#""connected":true,"ping":24}},"guildId":"{guild}"}}"#)
}

/// A node says how loaded it is.
pub fn stats(playing: usize) -> String {
    let players = format!(r#""players":{playing},"playingPlayers":{playing},"uptime":623575"#);
    let frames = r#""frameStats":{"sent":2990,"nulled":10,"deficit":0}"#;
    let memory = concat!(
        r#""memory":{"free":20428536,"used":46680328,"#,
        r#""allocated":67108864,"reservable":268435456}"#
    );
    let cpu = concat!(
        r#""cpu":{"cores":2,"#,
        r#""systemLoad":0.12656597588104437,"lavalinkLoad":0.02905832503646762}"#
    );
    format!(r#"{{"op":"stats",{frames},{players},{memory},{cpu}}}"#)
}

/// A track starts.
pub fn track_start(guild: GuildId, track: &Track, play: u32) -> String {
    let track = track_json(track, play);
    format!(r#"{{"op":"event","type":"TrackStartEvent","guildId":"{guild}","track":{track}}}"#)
}

/// A track came to its end.
pub fn track_end(guild: GuildId, track: &Track, play: u32) -> String {
    let track = track_json(track, play);
    format!(r#"{{"op":"event","type":"TrackEndEvent","guildId":"{guild}","track":{track},"#)
        + r#""reason":"finished"}"#
}

/// Appends a server's text frame.
pub fn frame(text: &str, out: &mut Vec<u8>) {
    out.push(0x81);
    match text.len() {
        short @ 0..126 => out.push(short as u8),
        long @ 126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(long as u16).to_be_bytes());
        }
        _ => unreachable!("no message of the bench is that long"),
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_244_bytes_on_average() {
        let track = track(0);
        let text = |kind| match kind {
            Kind::PlayerUpdate => player_update(guild(1), 60_000),
            Kind::Stats => stats(200),
            Kind::TrackStart => track_start(guild(1), &track, 1),
            Kind::TrackEnd => track_end(guild(1), &track, 1),
        };
        let bytes: usize = MIX.iter().map(|kind| text(*kind).len()).sum();
        assert_eq!(bytes / MIX.len(), 244);
    }
}

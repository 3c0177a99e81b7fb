//! What a server says on its WebSocket: the mix of messages, the tracks in it, and the frames
//! around it. Both benches have it from here.

use std::sync::Arc;

use lavapool_core::protocol::{GuildId, Track};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where a player is.
    PlayerUpdate,
    /// The load of the node.
    Stats,
    /// A track comes to its end.
    TrackEnd,
    /// A track starts.
    TrackStart,
}

impl Kind {
    /// The kind of the message of this number: of twenty, sixteen are positions, two are reports of
    /// the node's load, and two the end of a track and the start of another, with nothing between
    /// them, as servers write both when one is played in place of the other.
    pub const fn of(serial: u64) -> Self {
        match serial % 20 {
            3 | 13 => Self::Stats,
            7 => Self::TrackEnd,
            8 => Self::TrackStart,
            _ => Self::PlayerUpdate,
        }
    }
}

/// The id of a guild, spread as Discord's are.
pub const fn guild_id(number: u64) -> u64 {
    817_327_181_659_111_454 + number * 4_194_304_123
}

/// The guild of a number.
pub fn guild(number: usize) -> GuildId {
    GuildId::new(guild_id(number as u64)).expect("not zero")
}

/// A play of a track, as a server repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Play {
    /// The number of the track.
    pub track: u64,
    /// The JSON that came with it.
    pub user_data: Box<str>,
}

impl Play {
    /// The play of this number in a guild: two tracks by turns, tagged as lavapool does it.
    pub fn of(guild_number: usize, play: u32) -> Self {
        let track = guild_number as u64 % 1_000 + 1_000 * u64::from(play % 2);
        let user_data = format!(r#"{{"lavapool":{{"play":{play}}}}}"#).into();
        Self { track, user_data }
    }

    /// A track that nobody said anything with.
    pub fn untagged(track: u64) -> Self {
        let user_data = "{}".into();
        Self { track, user_data }
    }

    /// The track as servers write it.
    pub fn json(&self) -> String {
        let number = self.track;
        let (encoded, user_data) = (encoded(number), &self.user_data);
        let mut text =
            format!(r#"{{"encoded":"{encoded}","info":{{"identifier":"dQw4w9WgXcQ{number:018}","#);
        text += r#""isSeekable":true,"author":"An Artist With A Name","#;
        text += &format!(r#""length":{LENGTH_MS},"isStream":false,"position":0,"#);
        text += r#""title":"A Song With A Title (Official Music Video) [Remastered] [4K] "#;
        text += &format!(
            r#"{number:018}","uri":"https://music.example/watch?v=dQw4w9WgXcQ{number:018}","#
        );
        text += r#""sourceName":"http","artworkUrl":"https://images.example/vi/dQw4w9WgXcQ"#;
        text += &format!(r#"{number:018}/maxresdefault.jpg","isrc":"GBARL9300135"}},"#);
        text + &format!(r#""pluginInfo":{PLUGIN_INFO},"userData":{user_data}}}"#)
    }
}

/// The track of a number, as the application has it.
pub fn track(number: u64) -> Arc<Track> {
    let mut track: Track = serde_json::from_str(&Play::untagged(number).json()).expect("it is one");
    track.user_data = None;
    Arc::new(track)
}

/// The blob of the track of this number: 300 bytes of base64, whose header says so.
pub fn encoded(number: u64) -> String {
    let rest = ENCODED_BYTES - ENCODED_HEAD.len() - ENCODED_DIGITS;
    format!("{ENCODED_HEAD}{number:0ENCODED_DIGITS$}{:A<rest$}", "")
}

/// The number of the track of a blob.
pub fn number_of(encoded: &str) -> Option<u64> {
    encoded
        .strip_prefix(ENCODED_HEAD)?
        .get(..ENCODED_DIGITS)?
        .parse()
        .ok()
}

/// How long the blob of a track is.
const ENCODED_BYTES: usize = 300;
const ENCODED_HEAD: &str = "QAAA3QMA";
const ENCODED_DIGITS: usize = 20;

/// A long track, so that no position of the mix lies behind its end.
const LENGTH_MS: u64 = 90_000_000;

/// What a source that knows albums says beside the track.
const PLUGIN_INFO: &str = concat!(
    r#"{"albumName":"An Album With A Name","#,
    r#""albumUrl":"https://music.example/album/4aawyAB9vmqN3","#,
    r#""artistUrl":"https://music.example/artist/0gxyHStUsqpMadRV0","artistArtworkUrl":null,"#,
    r#""previewUrl":null,"isPreview":false}"#
);

/// A player says where it is, in the order of Lavalink (`tests/recordings`).
pub fn player_update(guild: u64, position_ms: u64, ping_ms: u64) -> String {
    format!(r#"{{"op":"playerUpdate","state":{{"time":1795224390499,"position":{position_ms},"#)
        + &format!(r#""connected":true,"ping":{ping_ms}}},"guildId":"{guild}"}}"#)
}

/// A node says how loaded it is.
pub fn stats(playing: usize) -> String {
    let frames = r#""frameStats":{"sent":2994,"nulled":6,"deficit":0}"#;
    let players = format!(r#""players":{playing},"playingPlayers":{playing},"uptime":623575123"#);
    let memory = concat!(
        r#""memory":{"free":20428536,"used":466803280,"#,
        r#""allocated":671088640,"reservable":2684354560}"#
    );
    let cpu = concat!(
        r#""cpu":{"cores":8,"#,
        r#""systemLoad":0.12656597588104437,"lavalinkLoad":0.02905832503646762}"#
    );
    format!(r#"{{"op":"stats",{frames},{players},{memory},{cpu}}}"#)
}

/// A track starts.
pub fn track_start(guild: u64, play: &Play) -> String {
    let track = play.json();
    format!(r#"{{"op":"event","type":"TrackStartEvent","guildId":"{guild}","track":{track}}}"#)
}

/// A track came to its end.
pub fn track_end(guild: u64, play: &Play, reason: &str) -> String {
    let track = play.json();
    format!(r#"{{"op":"event","type":"TrackEndEvent","guildId":"{guild}","track":{track},"#)
        + &format!(r#""reason":"{reason}"}}"#)
}

/// Appends a server's text frame, which has no mask (RFC 6455 §5.2).
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
    fn the_mix_is_four_fifths_positions_and_244_bytes_a_message() {
        let play = Play::untagged(1);
        let mut counts = [0; 4];
        let mut bytes = 0;
        for serial in 0..20 {
            let kind = Kind::of(serial);
            counts[kind as usize] += 1;
            let text = match kind {
                Kind::PlayerUpdate => player_update(guild_id(1), 100_000, 1_000_000),
                Kind::Stats => stats(1_000),
                Kind::TrackEnd => track_end(guild_id(1), &play, "replaced"),
                Kind::TrackStart => track_start(guild_id(1), &play),
            };
            bytes += text.len();
        }

        assert_eq!(counts, [16, 2, 1, 1]);
        assert_eq!((bytes + 10) / 20, 244, "{bytes} bytes");
    }

    #[test]
    fn a_blob_says_how_long_it_is_and_which_track_it_is_of() {
        assert_eq!(encoded(7).len(), 300);
        assert_eq!(number_of(&encoded(7)), Some(7));
        assert_eq!(track(7).encoded.as_ref(), encoded(7));
    }
}

//! What the server says: the mix of messages, the tracks in it, and the frames around it.

use std::fmt::Write;

/// How many guilds a session without players is told of.
pub(crate) const GUILDS: u64 = 1_000;
/// The first guild.
pub(crate) const FIRST_GUILD: u64 = 100_000_000_000_000_000;
/// A long track, so that no position of the mix lies behind its end.
pub(crate) const LENGTH_MS: u64 = 90_000_000;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Position,
    Stats,
    Start,
    End,
}

impl Kind {
    /// The kind of the message of this number: of ten, eight are positions, one is a report of
    /// the node's load, and one is about a track.
    pub(crate) const fn of(serial: u64) -> Self {
        match serial % 20 {
            3 | 13 => Self::Stats,
            7 => Self::Start,
            17 => Self::End,
            _ => Self::Position,
        }
    }
}

/// Which of `count` guilds the message of this number is about.
pub(crate) const fn guild_of(serial: u64, count: u64) -> u64 {
    // A multiplication by the golden ratio spreads what follows upon each other.
    (serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % count
}

/// A guild that the server speaks of.
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: u64,
    /// The JSON that came with its track.
    pub(crate) user_data: Box<str>,
}

/// The guilds of a session that has no players.
pub(crate) fn guilds() -> Vec<Guild> {
    let guild = |number| Guild {
        id: FIRST_GUILD + number,
        user_data: "{}".into(),
    };
    (0..GUILDS).map(guild).collect()
}

/// Writes one message. `mark` is of seven digits; a position has it as its place and its ping.
pub(crate) fn write_message(text: &mut String, kind: Kind, guild: &Guild, mark: u64) {
    let id = guild.id;
    let written = match kind {
        Kind::Position => write!(
            text,
            r#"{{"op":"playerUpdate","guildId":"{id}","state":{{"time":1795224390499,"#
        )
        .and_then(|()| {
            write!(
                text,
                r#""position":{mark},"connected":true,"ping":{mark}}}}}"#
            )
        }),
        Kind::Stats => {
            text.push_str(STATS);
            Ok(())
        }
        Kind::Start => write!(
            text,
            r#"{{"op":"event","type":"TrackStartEvent","guildId":"{id}","track":"#
        )
        .map(|()| write_track(text, id, &guild.user_data))
        .map(|()| text.push('}')),
        Kind::End => write!(
            text,
            r#"{{"op":"event","type":"TrackEndEvent","guildId":"{id}","track":"#
        )
        .map(|()| write_track(text, id, &guild.user_data))
        .map(|()| text.push_str(r#","reason":"replaced"}"#)),
    };
    written.expect("a string takes all that is written");
}

/// Writes the track of this number.
pub(crate) fn write_track(text: &mut String, number: u64, user_data: &str) {
    let encoded = encoded(number);
    write!(
        text,
        r#"{{"encoded":"{encoded}","info":{{"identifier":"dQw4w9WgXcQ{number}","isSeekable":true,"#
    )
    .and_then(|()| {
        write!(
            text,
            r#""author":"An Artist With A Name","length":{LENGTH_MS},"isStream":false,"#
        )
    })
    .and_then(|()| text.write_str(r#""position":0,"#))
    .and_then(|()| {
        write!(
            text,
            r#""title":"A Song With A Title (Official Music Video) [Remastered] [4K] {number}","#
        )
    })
    .and_then(|()| {
        write!(
            text,
            r#""uri":"https://music.example/watch?v=dQw4w9WgXcQ{number}","sourceName":"http","#
        )
    })
    .and_then(|()| {
        write!(
            text,
            r#""artworkUrl":"https://images.example/vi/dQw4w9WgXcQ{number}/maxresdefault.jpg","#
        )
    })
    .and_then(|()| {
        write!(
            text,
            r#""isrc":"GBARL9300135"}},"pluginInfo":{PLUGIN_INFO},"userData":{user_data}}}"#
        )
    })
    .expect("a string takes all that is written");
}

/// The blob of the track of this number: 300 bytes of base64, whose header says so.
pub(crate) fn encoded(number: u64) -> String {
    let head = "QAAA3QMA";
    let digits = format!("{number:020}");
    let rest = ENCODED_BYTES - head.len() - digits.len();
    format!("{head}{digits}{:A<rest$}", "")
}

/// What a source that knows albums says beside the track.
const PLUGIN_INFO: &str = concat!(
    r#"{"albumName":"An Album With A Name","#,
    r#""albumUrl":"https://music.example/album/4aawyAB9vmqN3","#,
    r#""artistUrl":"https://music.example/artist/0gxyHStUsqpMadRV0","artistArtworkUrl":null,"#,
    r#""previewUrl":null,"isPreview":false}"#
);

/// How long the blob of a track is.
const ENCODED_BYTES: usize = 300;

/// A text frame without a mask, as a server sends it (RFC 6455 §5.2).
pub(crate) fn write_frame(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(0x81);
    let length = text.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => bytes.push(short),
        (_, Ok(medium)) => {
            bytes.push(126);
            bytes.extend(medium.to_be_bytes());
        }
        (_, Err(_)) => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
}

pub(crate) const STATS: &str = concat!(
    r#"{"op":"stats","frameStats":{"sent":2994,"nulled":6,"deficit":0},"players":1000,"#,
    r#""playingPlayers":1000,"uptime":623575123,"memory":{"free":20428536,"used":466803280,"#,
    r#""allocated":671088640,"reservable":2684354560},"cpu":{"cores":8,"#,
    r#""systemLoad":0.12656597588104437,"lavalinkLoad":0.02905832503646762}}"#
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_four_fifths_positions_and_244_bytes_a_message() {
        let guilds = guilds();
        let mut text = String::new();
        let mut counts = [0; 4];
        for serial in 0..20_000 {
            let kind = Kind::of(serial);
            counts[kind as usize] += 1;
            let guild = &guilds[guild_of(serial, GUILDS) as usize];
            write_message(&mut text, kind, guild, 1_000_000 + serial);
        }

        assert_eq!(counts, [16_000, 2_000, 1_000, 1_000]);
        assert_eq!(text.len() / 20_000, 244, "{text:.300}");
    }
}

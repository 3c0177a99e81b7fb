//! What the well-known plugins say on the WebSocket: [`PluginEvent`].

use std::sync::Arc;

use serde::Deserialize;

use super::super::json::decode;
use super::super::{GuildId, lenient};
use super::{Chapter, Lyrics, LyricsLine, Segment};

/// Something that a plugin says of a guild's player.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PluginEvent {
    /// SponsorBlock knows segments of the track that began; never empty.
    SegmentsLoaded(Arc<[Segment]>),
    /// SponsorBlock skipped a segment: the player is at its end.
    SegmentSkipped(Segment),
    /// The track that began has chapters; never empty (SponsorBlock).
    ChaptersLoaded(Arc<[Chapter]>),
    /// A chapter begins (SponsorBlock).
    ChapterStarted(Chapter),
    /// There are lyrics of the track that plays (LavaLyrics).
    LyricsFound(Arc<Lyrics>),
    /// There are no lyrics with times of the track that plays (LavaLyrics).
    LyricsNotFound,
    /// A line of the lyrics begins (LavaLyrics).
    LyricsLine {
        /// Its index in [`Lyrics::lines`].
        index: usize,
        /// The line.
        line: LyricsLine,
        /// Whether it was passed over by a seek.
        skipped: bool,
    },
}

/// A [`PluginEvent`] with its guild.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PluginMessage {
    /// The guild.
    pub guild_id: GuildId,
    /// What the plugin says.
    pub event: PluginEvent,
}

impl PluginMessage {
    /// Reads an event of this type; none if the type is not known, or means something else to a
    /// plugin that is not known.
    pub(in super::super) fn decode(text: &str, kind: &str) -> Option<Self> {
        match kind {
            "SegmentsLoaded" => read(text, |event: SegmentsLoaded| {
                PluginEvent::SegmentsLoaded(event.segments.into())
            }),
            "SegmentSkipped" => read(text, |event: SegmentSkipped| {
                PluginEvent::SegmentSkipped(event.segment)
            }),
            "ChaptersLoaded" => read(text, |event: ChaptersLoaded| {
                PluginEvent::ChaptersLoaded(event.chapters.into())
            }),
            "ChapterStarted" => read(text, |event: ChapterStarted| {
                PluginEvent::ChapterStarted(event.chapter)
            }),
            "LyricsFoundEvent" => read(text, |event: LyricsFound| {
                PluginEvent::LyricsFound(Arc::new(event.lyrics))
            }),
            "LyricsNotFoundEvent" => read(text, |_: Nothing| PluginEvent::LyricsNotFound),
            "LyricsLineEvent" => read(text, |event: LyricsLineBegins| PluginEvent::LyricsLine {
                index: usize::try_from(event.line_index).unwrap_or(0),
                line: event.line,
                skipped: event.skipped,
            }),
            _ => None,
        }
    }
}

fn read<'a, T: Deserialize<'a>>(
    text: &'a str,
    event: impl FnOnce(T) -> PluginEvent,
) -> Option<PluginMessage> {
    let guild: Guild = decode(text, "plugin event").ok()?;
    let wire = decode(text, "plugin event").ok()?;
    Some(PluginMessage {
        guild_id: guild.guild_id,
        event: event(wire),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Guild {
    guild_id: GuildId,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct SegmentsLoaded {
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
struct SegmentSkipped {
    segment: Segment,
}

#[derive(Deserialize)]
struct ChaptersLoaded {
    chapters: Vec<Chapter>,
}

#[derive(Deserialize)]
struct ChapterStarted {
    chapter: Chapter,
}

#[derive(Deserialize)]
struct LyricsFound {
    lyrics: Lyrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LyricsLineBegins {
    #[serde(default, deserialize_with = "lenient::u32_or_zero")]
    line_index: u32,
    line: LyricsLine,
    #[serde(default, deserialize_with = "lenient::or_default")]
    skipped: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::plugins::Category;
    use crate::protocol::{Message, RawJson, UnknownEvent};

    fn event(tail: &str) -> PluginEvent {
        let text = format!(r#"{{"op":"event","guildId":"2",{tail}}}"#).leak();
        match Message::decode(text) {
            Ok(Message::Plugin(message)) => {
                assert_eq!(Some(message.guild_id), GuildId::new(2));
                message.event
            }
            other => panic!("{other:?}"),
        }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn sponsor_block_names_segments_and_chapters() {
        let segment = Segment {
            category: Category::MusicOfftopic,
            start: ms(0),
            end: ms(3_000),
        };
        let json = r#"{"category":"music_offtopic","start":0,"end":"3000"}"#;
        assert_eq!(
            event(&format!(r#""type":"SegmentsLoaded","segments":[{json}]"#)),
            PluginEvent::SegmentsLoaded([segment.clone()].into())
        );
        assert_eq!(
            event(&format!(r#""type":"SegmentSkipped","segment":{json}"#)),
            PluginEvent::SegmentSkipped(segment)
        );
        let chapter = Chapter {
            name: "One".into(),
            start: ms(0),
            end: ms(60_000),
            duration: ms(60_000),
        };
        // Its README shows the duration as text.
        for duration in ["60000", "\"60000\""] {
            let json = format!(r#"{{"name":"One","start":0,"end":60000,"duration":{duration}}}"#);
            assert_eq!(
                event(&format!(r#""chapters":[{json}],"type":"ChaptersLoaded""#)),
                PluginEvent::ChaptersLoaded([chapter.clone()].into())
            );
            assert_eq!(
                event(&format!(r#""type":"ChapterStarted","chapter":{json}"#)),
                PluginEvent::ChapterStarted(chapter.clone())
            );
        }
    }

    #[test]
    fn lava_lyrics_names_lyrics_and_their_lines() {
        let line = r#"{"timestamp":5,"duration":null,"line":"la","plugin":{}}"#;
        let found = event(&format!(
            r#""type":"LyricsFoundEvent","lyrics":{{"sourceName":"s","provider":"p",
            "text":null,"lines":[{line}],"plugin":{{}}}}"#
        ));
        let expected_line = LyricsLine {
            timestamp: ms(5),
            duration: None,
            line: "la".into(),
            plugin: RawJson::parse("{}").ok(),
        };
        let PluginEvent::LyricsFound(lyrics) = found else {
            panic!("{found:?}");
        };
        assert_eq!(lyrics.lines, std::slice::from_ref(&expected_line));
        assert_eq!(
            event(r#""type":"LyricsNotFoundEvent""#),
            PluginEvent::LyricsNotFound
        );
        assert_eq!(
            event(&format!(
                r#""type":"LyricsLineEvent","lineIndex":7,"line":{line},"skipped":true"#
            )),
            PluginEvent::LyricsLine {
                index: 7,
                line: expected_line,
                skipped: true
            }
        );
    }

    #[test]
    fn an_event_that_means_something_else_keeps_the_whole_message() {
        for tail in [
            r#""segments":[]"#,
            r#""guildId":"2","segments":{"a":1}"#,
            r#""guildId":null,"segments":[]"#,
        ] {
            let raw = format!(r#"{{"op":"event","type":"SegmentsLoaded",{tail}}}"#);
            let guild_id = GuildId::new(2).filter(|_| tail.contains(r#""2""#));
            let expected = UnknownEvent {
                guild_id,
                kind: "SegmentsLoaded".into(),
                raw: &raw,
            };
            assert_eq!(Message::decode(&raw), Ok(Message::UnknownEvent(expected)));
        }
    }
}

//! What LavaLyrics finds: [`Lyrics`].

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::super::{RawJson, lenient};
use super::millis;

/// Where lyrics are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LyricsFrom {
    /// The source of the track first, then those that the server is configured with.
    #[default]
    Any,
    /// Only those that the server is configured with (`skipTrackSource`).
    OtherSources,
}

/// The lyrics of a track (LavaLyrics: Lyrics Object).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Lyrics {
    /// The source that they came from.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub source_name: String,
    /// Who provides them to the source.
    #[serde(default)]
    pub provider: Option<String>,
    /// All of them as one text.
    #[serde(default)]
    pub text: Option<String>,
    /// The lines with their times; empty if the source knows no times.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub lines: Vec<LyricsLine>,
    /// What another plugin adds to them, an object.
    #[serde(default)]
    pub plugin: Option<RawJson>,
}

/// One line of [`Lyrics`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct LyricsLine {
    /// Where in the track it begins.
    #[serde(default, deserialize_with = "millis")]
    pub timestamp: Duration,
    /// How long it lasts, if the source knows.
    #[serde(default, deserialize_with = "millis_or_none")]
    pub duration: Option<Duration>,
    /// The words.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub line: String,
    /// What another plugin adds to it, an object.
    #[serde(default)]
    pub plugin: Option<RawJson>,
}

/// What is negative or no number is none.
fn millis_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let millis = u64::try_from(lenient::i64_or_minus_one(from)?);
    Ok(millis.ok().map(Duration::from_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lyrics_may_lack_all_but_their_braces() {
        let lyrics: Lyrics = serde_json::from_str("{}").unwrap();
        assert_eq!(
            (lyrics.source_name.as_str(), lyrics.lines.as_slice()),
            ("", &[][..])
        );
        let text = r#"{"sourceName":"spotify","provider":null,"text":null,"lines":[
            {"timestamp":"1500","duration":null,"line":"la","plugin":{"a":1}}],"plugin":{}}"#;
        let lyrics: Lyrics = serde_json::from_str(text).unwrap();
        let line = LyricsLine {
            timestamp: Duration::from_millis(1_500),
            duration: None,
            line: "la".into(),
            plugin: RawJson::parse(r#"{"a":1}"#).ok(),
        };
        assert_eq!(lyrics.lines, [line]);
        assert_eq!((lyrics.provider, lyrics.text), (None, None));
    }
}

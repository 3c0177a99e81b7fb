//! What SponsorBlock skips: [`Category`], [`Segment`] and [`Chapter`].

use std::time::Duration;

use serde::Deserialize;

use super::super::lenient;
use super::super::open_enum::open_enum;
use super::millis;

open_enum! {
    /// What a segment of a video is (SponsorBlock: Categories).
    pub enum Category {
        /// A paid promotion.
        Sponsor = "sponsor",
        /// The video's makers promote themselves.
        SelfPromo = "selfpromo",
        /// A reminder to like or subscribe.
        Interaction = "interaction",
        /// An intro without content.
        Intro = "intro",
        /// Credits at the end.
        Outro = "outro",
        /// A preview of what is to come, or a recap.
        Preview = "preview",
        /// The part of a music video that is no music.
        MusicOfftopic = "music_offtopic",
        /// A tangent.
        Filler = "filler",
    }
}

/// A part of a video that is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// What it is.
    pub category: Category,
    /// Where it begins.
    #[serde(deserialize_with = "millis")]
    pub start: Duration,
    /// Where it ends.
    #[serde(deserialize_with = "millis")]
    pub end: Duration,
}

/// A chapter of a video.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Chapter {
    /// Its name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Where it begins.
    #[serde(deserialize_with = "millis")]
    pub start: Duration,
    /// Where it ends.
    #[serde(default, deserialize_with = "millis")]
    pub end: Duration,
    /// How long it is.
    #[serde(default, deserialize_with = "millis")]
    pub duration: Duration,
}

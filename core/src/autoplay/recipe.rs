//! Which identifiers lead to tracks that resemble another one, by source and by server.

use std::collections::VecDeque;

use crate::protocol::{Info, TrackInfo};

/// An identifier, and what to do with what it loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// One of its tracks is to be played.
    Choose(String),
    /// The mix of its first track is to be tried.
    Seed(String),
}

impl Attempt {
    pub(super) fn identifier(&self) -> &str {
        match self {
            Self::Choose(identifier) | Self::Seed(identifier) => identifier,
        }
    }
}

/// What to look up, in order.
pub(super) fn attempts(previous: &TrackInfo, node: &Info) -> VecDeque<Attempt> {
    let mut identifiers = recommendations(previous, node);
    if let Some(isrc) = previous.isrc.as_deref().filter(|isrc| is_plain(isrc))
        && node.has_source("spotify")
        && !node.is_nodelink
    {
        // LavaSrc: Spotify. NodeLink takes no such seed.
        identifiers.push(format!("sprec:mix:isrc:{isrc}"));
    }
    let mut attempts: VecDeque<_> = identifiers.into_iter().map(Attempt::Choose).collect();
    let (title, author) = (one_line(&previous.title), one_line(&previous.author));
    let both = format!("{title} {author}");
    if node.has_source("youtube") && !both.trim().is_empty() {
        attempts.push_back(Attempt::Seed(format!("ytsearch:{}", both.trim())));
    }
    let words = if author.is_empty() { title } else { author };
    let search = SEARCHES.iter().find(|(source, _)| node.has_source(source));
    if let Some((_, prefix)) = search
        && !words.is_empty()
    {
        attempts.push_back(Attempt::Choose(format!("{prefix}:{words}")));
    }
    attempts
}

/// YouTube's mix of a track, if it is one of YouTube's.
pub(super) fn mix_of(track: &TrackInfo) -> Option<String> {
    let id = &track.identifier;
    let is_video = source_of(track) == "youtube" && is_plain(id);
    is_video.then(|| format!("https://www.youtube.com/watch?v={id}&list=RD{id}"))
}

/// What the source of a track recommends with it, if the node offers that source.
fn recommendations(previous: &TrackInfo, node: &Info) -> Vec<String> {
    let source = source_of(previous);
    if !node.has_source(source) {
        return Vec::new();
    }
    if source == "soundcloud" {
        let author = one_line(&previous.author);
        let search = (!author.is_empty()).then(|| format!("scsearch:{author}"));
        return search.into_iter().collect();
    }
    let id = &previous.identifier;
    if !is_plain(id) {
        return Vec::new();
    }
    match source {
        "youtube" => mix_of(previous).into_iter().collect(),
        // NodeLink: sources/spotify. LavaSrc has had the mixes since 4.8; the other form needs
        // an account with Spotify's extended quota.
        "spotify" if node.is_nodelink => vec![format!("sprec:seed_tracks={id}")],
        "spotify" => vec![
            format!("sprec:mix:track:{id}"),
            format!("sprec:seed_tracks={id}"),
        ],
        // LavaSrc has none for Apple Music.
        "applemusic" if node.is_nodelink => vec![format!("amrec:{id}")],
        source => {
            let own = RECOMMENDATIONS.iter().find(|(name, _)| *name == source);
            own.map(|(_, prefix)| format!("{prefix}:{id}"))
                .into_iter()
                .collect()
        }
    }
}

/// The source of a track by the name that `GET /v4/info` has for it.
fn source_of(track: &TrackInfo) -> &str {
    match track.source_name.as_str() {
        // NodeLink names some tracks of YouTube so.
        "ytmusic" => "youtube",
        source => source,
    }
}

/// Sources that recommend by the id of a track, on NodeLink and with LavaSrc alike.
const RECOMMENDATIONS: [(&str, &str); 6] = [
    ("deezer", "dzrec"),
    ("yandexmusic", "ymrec"),
    ("vkmusic", "vkrec"),
    ("tidal", "tdrec"),
    ("qobuz", "qbrec"),
    ("jiosaavn", "jsrec"),
];

/// Sources that can be searched, the likeliest to find something first.
const SEARCHES: [(&str, &str); 6] = [
    ("youtube", "ytsearch"),
    ("soundcloud", "scsearch"),
    ("spotify", "spsearch"),
    ("deezer", "dzsearch"),
    ("applemusic", "amsearch"),
    ("yandexmusic", "ymsearch"),
];

/// Whether a text may stand in an identifier without meaning anything else there.
fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= ID_BYTES_MAX
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The words of a text with one space between them, as many as a search may have.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() >= WORDS_BYTES_MAX {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

const ID_BYTES_MAX: usize = 128;
const WORDS_BYTES_MAX: usize = 256;

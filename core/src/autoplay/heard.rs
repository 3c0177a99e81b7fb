//! [`Heard`]: the tracks that autoplay does not choose, by everything that names them.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::protocol::{Track, TrackInfo, blob_stem};

/// The tracks that are not to be chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(BTreeSet<Key>);

/// Something that names a track (Moonlink: autoplay).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Identifier(String, String),
    /// The body of the blob without its last 8 bytes, which are the position.
    Blob(Vec<u8>),
    Uri(String),
    Isrc(String),
    /// In lower case.
    Words(String, String),
}

impl Heard {
    /// Adds a track.
    pub(super) fn insert(&mut self, track: &Track) {
        self.0.extend(keys(track));
    }

    /// Whether a track has a key of one that was added.
    pub(super) fn knows(&self, track: &Track) -> bool {
        keys(track).any(|key| self.0.contains(&key))
    }
}

fn keys(track: &Track) -> impl Iterator<Item = Key> {
    let info = &track.info;
    let filled = |text: &str| !text.is_empty();
    let identifier = (filled(&info.source_name) && filled(&info.identifier))
        .then(|| Key::Identifier(info.source_name.clone(), info.identifier.clone()));
    let uri = info.uri.clone().filter(|uri| filled(uri)).map(Key::Uri);
    let isrc = info.isrc.as_deref().filter(|isrc| filled(isrc));
    let isrc = isrc.map(|isrc| Key::Isrc(isrc.to_ascii_uppercase()));
    [identifier, blob(&track.encoded), uri, isrc, words(info)]
        .into_iter()
        .flatten()
}

fn blob(encoded: &str) -> Option<Key> {
    if blob_stem(encoded).is_none() {
        return (!encoded.is_empty()).then(|| Key::Blob(encoded.into()));
    }
    let digits = encoded.trim_end_matches('=');
    let mut bytes = STANDARD_NO_PAD.decode(digits).ok()?;
    bytes.truncate(bytes.len().saturating_sub(POSITION_BYTES));
    Some(Key::Blob(bytes))
}

/// Title and author, unless they say only that nobody knows them (lavaplayer: AudioTrackInfo).
fn words(info: &TrackInfo) -> Option<Key> {
    let [title, author] = [&info.title, &info.author].map(|text| text.trim().to_lowercase());
    let is_known = !title.is_empty() && !author.is_empty() && title != "unknown title";
    is_known.then_some(Key::Words(title, author))
}

const POSITION_BYTES: usize = 8;

//! Where a search looks: [`SearchSource`].

use std::borrow::Cow;
use std::fmt;

/// The prefix of an identifier that makes it a search, such as `ytsearch` (Lavalink: Track
/// Loading; LavaSrc; NodeLink).
///
/// A node without the source or plugin finds nothing. Any other prefix can be made with
/// [`SearchSource::custom`].
///
/// ```
/// use lavapool_core::protocol::SearchSource;
///
/// let source = SearchSource::YOUTUBE;
/// assert_eq!(source.identifier("never gonna"), "ytsearch:never gonna");
/// assert_eq!(source.identifier("scsearch:never gonna"), "scsearch:never gonna");
/// assert_eq!(source.identifier("https://youtu.be/dQw4w9WgXcQ"), "https://youtu.be/dQw4w9WgXcQ");
/// assert_eq!(source.identifier("Queen: Innuendo"), "ytsearch:Queen: Innuendo");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchSource(Cow<'static, str>);

macro_rules! known {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {
        impl SearchSource {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($prefix));)+

            /// All that have a name here.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

known! {
    /// YouTube.
    YOUTUBE = "ytsearch";
    /// YouTube Music.
    YOUTUBE_MUSIC = "ytmsearch";
    /// SoundCloud.
    SOUNDCLOUD = "scsearch";
    /// Spotify (LavaSrc).
    SPOTIFY = "spsearch";
    /// What Spotify recommends for its seeds (LavaSrc).
    SPOTIFY_RECOMMENDATIONS = "sprec";
    /// The preview of a Spotify track by its id (LavaSrc).
    SPOTIFY_PREVIEW = "spprev";
    /// Apple Music (LavaSrc).
    APPLE_MUSIC = "amsearch";
    /// The preview of an Apple Music track by its id (LavaSrc).
    APPLE_MUSIC_PREVIEW = "amprev";
    /// Deezer (LavaSrc).
    DEEZER = "dzsearch";
    /// A Deezer track by its recording code (LavaSrc).
    DEEZER_ISRC = "dzisrc";
    /// The preview of a Deezer track by its id (LavaSrc).
    DEEZER_PREVIEW = "dzprev";
    /// What Deezer recommends for `artist=` or `track=` and an id (LavaSrc).
    DEEZER_RECOMMENDATIONS = "dzrec";
    /// Yandex Music (LavaSrc).
    YANDEX_MUSIC = "ymsearch";
    /// What Yandex Music recommends for a track's id (LavaSrc).
    YANDEX_MUSIC_RECOMMENDATIONS = "ymrec";
    /// VK Music (LavaSrc).
    VK_MUSIC = "vksearch";
    /// What VK Music recommends for a track's id (LavaSrc).
    VK_MUSIC_RECOMMENDATIONS = "vkrec";
    /// Tidal (LavaSrc).
    TIDAL = "tdsearch";
    /// What Tidal recommends for a track's id (LavaSrc).
    TIDAL_RECOMMENDATIONS = "tdrec";
    /// Qobuz (LavaSrc).
    QOBUZ = "qbsearch";
    /// A Qobuz track by its recording code (LavaSrc).
    QOBUZ_ISRC = "qbisrc";
    /// What Qobuz recommends for a track's id (LavaSrc).
    QOBUZ_RECOMMENDATIONS = "qbrec";
    /// JioSaavn (LavaSrc).
    JIOSAAVN = "jssearch";
    /// What JioSaavn recommends for a track's id (LavaSrc).
    JIOSAAVN_RECOMMENDATIONS = "jsrec";
    /// The preview of a JioSaavn track by its id (LavaSrc).
    JIOSAAVN_PREVIEW = "jsprev";
    /// Bandcamp (NodeLink).
    BANDCAMP = "bcsearch";
}

impl SearchSource {
    /// The most bytes of a prefix.
    pub const PREFIX_BYTES_MAX: usize = 32;

    /// A source of another plugin, by its prefix without the colon.
    ///
    /// None unless that is 1 to [`Self::PREFIX_BYTES_MAX`] ASCII letters, digits, `_` and `-`.
    pub fn custom(prefix: impl Into<String>) -> Option<Self> {
        let prefix = prefix.into();
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let is_short = (1..=Self::PREFIX_BYTES_MAX).contains(&prefix.len());
        (is_short && prefix.bytes().all(is_legal)).then(|| Self(prefix.into()))
    }

    /// The prefix without its colon.
    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// What to load for what a person typed: this prefix before plain words.
    ///
    /// What begins with a scheme and `://`, with a prefix of [`Self::KNOWN`] or with this one goes
    /// through unchanged, save white space around it. Prefixes are told by their case, as nodes
    /// do. A colon alone makes no prefix: titles have colons.
    pub fn identifier(&self, typed: &str) -> String {
        let typed = typed.trim();
        if is_url(typed) || Self::has_prefix(typed, self) {
            return typed.to_owned();
        }
        format!("{self}{typed}")
    }

    fn has_prefix(typed: &str, own: &Self) -> bool {
        let Some((prefix, _)) = typed.split_once(':') else {
            return false;
        };
        Self::KNOWN
            .iter()
            .chain([own])
            .any(|known| known.0 == prefix)
    }
}

impl fmt::Display for SearchSource {
    /// With the colon, as an identifier begins.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.0)
    }
}

/// RFC 3986 §3.1, and the `//` of an authority.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(is_legal)
        && !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_get_the_prefix_and_all_else_stays() {
        let source = SearchSource::DEEZER;
        for plain in [
            "words",
            "AC/DC: Live",
            "a b://c",
            "http://",
            "://x",
            "Ytsearch:a",
            "é:a",
        ] {
            assert_eq!(source.identifier(plain), format!("dzsearch:{plain}"));
        }
        for url in ["https://a.test/b?c", "ftts://hello world", "a+b-c.1://x"] {
            assert_eq!(source.identifier(&format!(" {url}\n")), url);
        }
        for known in SearchSource::KNOWN {
            let prefixed = format!("{known}words");
            assert_eq!(source.identifier(&prefixed), prefixed);
            assert_eq!(known.identifier("words"), prefixed);
        }
    }

    #[test]
    fn every_known_prefix_is_one_that_could_be_made_and_stands_once() {
        let all: std::collections::BTreeSet<_> = SearchSource::KNOWN.iter().collect();
        assert_eq!(all.len(), SearchSource::KNOWN.len());
        for known in SearchSource::KNOWN {
            assert_eq!(SearchSource::custom(known.prefix()).as_ref(), Some(known));
        }
    }

    #[test]
    fn another_prefix_is_known_to_its_own_source_alone() {
        let custom = SearchSource::custom("mysearch").unwrap();
        assert_eq!(custom.identifier("mysearch:x"), "mysearch:x");
        assert_eq!(custom.identifier("x"), "mysearch:x");
        assert_eq!(
            SearchSource::YOUTUBE.identifier("mysearch:x"),
            "ytsearch:mysearch:x"
        );
        for bad in ["", "a:", "a b", "é", &"a".repeat(33)] {
            assert_eq!(SearchSource::custom(bad), None, "{bad}");
        }
    }
}

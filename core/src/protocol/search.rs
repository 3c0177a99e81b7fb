//! Where a search looks: [`SearchSource`].

use std::borrow::Cow;
use std::fmt;

/// The prefix of an identifier that makes it a search, such as `ytsearch` (Lavalink: Track
/// Loading; LavaSrc: Supported URLs and Queries; NodeLink: sources).
///
/// A node without the source or plugin finds nothing: each prefix says who takes it. NodeLink 3
/// takes many of LavaSrc's as well. Any other prefix can be made with [`SearchSource::custom`],
/// such as those that two sources of NodeLink share: `mcsearch` and `ncsearch`.
///
/// ```
/// use lavapool_core::protocol::SearchSource;
///
/// let source = SearchSource::YOUTUBE;
/// assert_eq!(source.identifier("never gonna"), "ytsearch:never gonna");
/// assert_eq!(source.identifier("scsearch:never gonna"), "scsearch:never gonna");
/// assert_eq!(source.identifier("https://youtu.be/dQw4w9WgXcQ"), "https://youtu.be/dQw4w9WgXcQ");
/// assert_eq!(source.identifier("Queen: Innuendo"), "ytsearch:Queen: Innuendo");
///
/// let preview = SearchSource::DEEZER_PREVIEW;
/// assert_eq!(preview.identifier("never gonna"), "dzprev:dzsearch:never gonna");
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
    /// Words for YouTube, or a recording code in quotes (youtube-source, NodeLink).
    YOUTUBE = "ytsearch";
    /// Words for YouTube Music (youtube-source, NodeLink).
    YOUTUBE_MUSIC = "ytmsearch";
    /// What YouTube recommends for the id of a video (NodeLink).
    YOUTUBE_RECOMMENDATIONS = "ytrec";
    /// Words for SoundCloud (Lavalink, NodeLink).
    SOUNDCLOUD = "scsearch";
    /// Words for Bandcamp (Lavalink from 4.0.6, NodeLink).
    BANDCAMP = "bcsearch";
    /// Words for Spotify (LavaSrc, NodeLink).
    SPOTIFY = "spsearch";
    /// What Spotify recommends: `seed_tracks=` and the like as in a query, or `mix:` with `track:`,
    /// `artist:`, `album:` or `isrc:` and an id (LavaSrc).
    SPOTIFY_RECOMMENDATIONS = "sprec";
    /// Previews of what an address or a search of [`Self::SPOTIFY`] finds (LavaSrc).
    SPOTIFY_PREVIEW = "spprev";
    /// Words for Apple Music (LavaSrc).
    APPLE_MUSIC = "amsearch";
    /// Previews of what an address or a search of [`Self::APPLE_MUSIC`] finds (LavaSrc).
    APPLE_MUSIC_PREVIEW = "amprev";
    /// Words for Deezer (LavaSrc, NodeLink).
    DEEZER = "dzsearch";
    /// The recording code of a track at Deezer (LavaSrc).
    DEEZER_ISRC = "dzisrc";
    /// Previews of what an address or a search of [`Self::DEEZER`] finds (LavaSrc).
    DEEZER_PREVIEW = "dzprev";
    /// What Deezer recommends for the id of a track, or one behind `track=` or `artist=` (LavaSrc).
    DEEZER_RECOMMENDATIONS = "dzrec";
    /// Words for Yandex Music (LavaSrc).
    YANDEX_MUSIC = "ymsearch";
    /// What Yandex Music recommends for the id of a track (LavaSrc).
    YANDEX_MUSIC_RECOMMENDATIONS = "ymrec";
    /// Words for VK Music (LavaSrc).
    VK_MUSIC = "vksearch";
    /// What VK Music recommends for the id of a track (LavaSrc).
    VK_MUSIC_RECOMMENDATIONS = "vkrec";
    /// Words for Tidal (LavaSrc).
    TIDAL = "tdsearch";
    /// What Tidal recommends for the id of a track (LavaSrc).
    TIDAL_RECOMMENDATIONS = "tdrec";
    /// Words for Qobuz (LavaSrc).
    QOBUZ = "qbsearch";
    /// The recording code of a track at Qobuz (LavaSrc).
    QOBUZ_ISRC = "qbisrc";
    /// What Qobuz recommends for the id of a track (LavaSrc).
    QOBUZ_RECOMMENDATIONS = "qbrec";
    /// Words for JioSaavn (LavaSrc, NodeLink).
    JIOSAAVN = "jssearch";
    /// What JioSaavn recommends for the id of a track (LavaSrc, NodeLink).
    JIOSAAVN_RECOMMENDATIONS = "jsrec";
    /// Previews of what an address or a search of [`Self::JIOSAAVN`] finds (LavaSrc).
    JIOSAAVN_PREVIEW = "jsprev";
    /// Words for Pandora (NodeLink).
    PANDORA = "pdsearch";
    /// Words for Audiomack (NodeLink).
    AUDIOMACK = "admsearch";
    /// Words for Gaana (NodeLink).
    GAANA = "gaanasearch";
    /// Words for Shazam (NodeLink).
    SHAZAM = "szsearch";
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
    /// do. A colon alone makes no prefix: titles have colons. The prefix of previews goes before
    /// whatever its source would load, an address too.
    pub fn identifier(&self, typed: &str) -> String {
        let typed = typed.trim();
        if let Some(source) = self.previewed() {
            let own = typed.strip_prefix(self.prefix());
            let typed = own.and_then(|rest| rest.strip_prefix(':')).unwrap_or(typed);
            return format!("{self}{}", source.identifier(typed));
        }
        if is_url(typed) || Self::has_prefix(typed, self) {
            return typed.to_owned();
        }
        format!("{self}{typed}")
    }

    /// The source whose previews it takes, if it takes any.
    fn previewed(&self) -> Option<Self> {
        let previews = [
            (Self::SPOTIFY_PREVIEW, Self::SPOTIFY),
            (Self::APPLE_MUSIC_PREVIEW, Self::APPLE_MUSIC),
            (Self::DEEZER_PREVIEW, Self::DEEZER),
            (Self::JIOSAAVN_PREVIEW, Self::JIOSAAVN),
        ];
        let found = previews.into_iter().find(|(preview, _)| preview == self);
        found.map(|(_, source)| source)
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
            if known.previewed().is_none() {
                assert_eq!(known.identifier("words"), prefixed);
            }
        }
    }

    #[test]
    fn previews_are_of_an_address_or_a_search() {
        for (preview, words) in [
            (SearchSource::SPOTIFY_PREVIEW, "spprev:spsearch:words"),
            (SearchSource::APPLE_MUSIC_PREVIEW, "amprev:amsearch:words"),
            (SearchSource::DEEZER_PREVIEW, "dzprev:dzsearch:words"),
            (SearchSource::JIOSAAVN_PREVIEW, "jsprev:jssearch:words"),
        ] {
            assert_eq!(preview.identifier("words"), words);
            assert_eq!(preview.identifier(words), words);
            let address = format!("{preview}https://a.test/b");
            assert_eq!(preview.identifier("https://a.test/b"), address);
            assert_eq!(preview.identifier(&address), address);
        }
        let isrc = SearchSource::DEEZER_PREVIEW.identifier("dzisrc:USEP42058010");
        assert_eq!(isrc, "dzprev:dzisrc:USEP42058010");
        let found = SearchSource::KNOWN
            .iter()
            .filter(|known| known.previewed().is_some());
        assert_eq!(found.count(), 4);
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

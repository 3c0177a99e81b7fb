//! What to do with each kind of a load result: [`LoadHandler`].

use std::fmt;

use super::{Exception, LoadResult, Playlist, Severity, Track};

/// Five callbacks, each optional, one of which takes a [`LoadResult`].
///
/// The answer of the callback is that of [`LoadHandler::handle`]; a kind without a callback has
/// none. A short video counts as a track; a search that found nothing as no matches; and a kind of
/// result that the core does not know as a failure that says so.
///
/// ```
/// use lavapool_core::protocol::{LoadHandler, LoadResult};
///
/// let said = LoadHandler::new()
///     .track_loaded(|track| format!("Playing {}", track.info.title))
///     .playlist_loaded(|playlist| format!("Playing {} tracks", playlist.tracks.len()))
///     .search_result(|tracks| format!("Found {} tracks", tracks.len()))
///     .no_matches(|| "Nothing found".to_owned())
///     .load_failed(|exception| format!("Failed: {:?}", exception.message))
///     .handle(LoadResult::Empty);
/// assert_eq!(said.as_deref(), Some("Nothing found"));
/// ```
#[must_use = "a handler does nothing until it is given a result"]
pub struct LoadHandler<'a, T = ()> {
    track_loaded: Callback<'a, Track, T>,
    playlist_loaded: Callback<'a, Playlist, T>,
    search_result: Callback<'a, Vec<Track>, T>,
    no_matches: Callback<'a, (), T>,
    load_failed: Callback<'a, Exception, T>,
}

type Callback<'a, A, T> = Option<Box<dyn FnOnce(A) -> T + Send + 'a>>;

impl<'a, T> LoadHandler<'a, T> {
    /// A handler without callbacks.
    pub fn new() -> Self {
        Self {
            track_loaded: None,
            playlist_loaded: None,
            search_result: None,
            no_matches: None,
            load_failed: None,
        }
    }

    /// Calls this with the one track that was loaded.
    pub fn track_loaded(mut self, callback: impl FnOnce(Track) -> T + Send + 'a) -> Self {
        self.track_loaded = Some(Box::new(callback));
        self
    }

    /// Calls this with a playlist, or what is like one.
    pub fn playlist_loaded(mut self, callback: impl FnOnce(Playlist) -> T + Send + 'a) -> Self {
        self.playlist_loaded = Some(Box::new(callback));
        self
    }

    /// Calls this with what a search found: at least one track.
    pub fn search_result(mut self, callback: impl FnOnce(Vec<Track>) -> T + Send + 'a) -> Self {
        self.search_result = Some(Box::new(callback));
        self
    }

    /// Calls this when nothing was found.
    pub fn no_matches(mut self, callback: impl FnOnce() -> T + Send + 'a) -> Self {
        self.no_matches = Some(Box::new(|()| callback()));
        self
    }

    /// Calls this with what the node says of a failure.
    ///
    /// That the node was not reached is none: it is the error of the request.
    pub fn load_failed(mut self, callback: impl FnOnce(Exception) -> T + Send + 'a) -> Self {
        self.load_failed = Some(Box::new(callback));
        self
    }

    /// Gives a result to its callback; none if it has none.
    pub fn handle(self, result: LoadResult) -> Option<T> {
        match result {
            LoadResult::Track(track) | LoadResult::Short(track) => call(self.track_loaded, track),
            LoadResult::Playlist(playlist) => call(self.playlist_loaded, playlist),
            LoadResult::Search(tracks) if tracks.is_empty() => call(self.no_matches, ()),
            LoadResult::Search(tracks) => call(self.search_result, tracks),
            LoadResult::Empty => call(self.no_matches, ()),
            LoadResult::Error(exception) => call(self.load_failed, exception),
            LoadResult::Unknown { load_type, data: _ } => {
                call(self.load_failed, unknown(&load_type))
            }
        }
    }
}

impl<T> Default for LoadHandler<'_, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for LoadHandler<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadHandler")
            .field("track_loaded", &self.track_loaded.is_some())
            .field("playlist_loaded", &self.playlist_loaded.is_some())
            .field("search_result", &self.search_result.is_some())
            .field("no_matches", &self.no_matches.is_some())
            .field("load_failed", &self.load_failed.is_some())
            .finish()
    }
}

fn call<A, T>(callback: Callback<'_, A, T>, argument: A) -> Option<T> {
    callback.map(|callback| callback(argument))
}

fn unknown(load_type: &str) -> Exception {
    Exception {
        message: Some(format!("unknown load type {load_type}")),
        severity: Severity::Suspicious,
        cause: None,
        cause_stack_trace: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::TrackInfo;

    fn track() -> Track {
        Track::new("QAAA", TrackInfo::default())
    }

    /// A result of each kind, with the callback that takes it.
    fn results() -> Vec<(LoadResult, &'static str)> {
        let playlist = r#"{"loadType":"album","data":{"info":{"name":"P"},"tracks":[]}}"#;
        let lyrics = r#"{"loadType":"lyricsSingle","data":{}}"#;
        let decode = |text| LoadResult::decode(text).unwrap();
        let found = LoadResult::Search(vec![track(), track()]);
        vec![
            (LoadResult::Track(track()), "track QAAA"),
            (LoadResult::Short(track()), "track QAAA"),
            (decode(playlist), "playlist P"),
            (found, "search 2"),
            (LoadResult::Search(Vec::new()), "nothing"),
            (LoadResult::Empty, "nothing"),
            (
                LoadResult::Error(unknown("x")),
                "failed unknown load type x",
            ),
            (decode(lyrics), "failed unknown load type lyricsSingle"),
        ]
    }

    fn full<'a>() -> LoadHandler<'a, String> {
        LoadHandler::new()
            .track_loaded(|track| format!("track {}", track.encoded))
            .playlist_loaded(|playlist| format!("playlist {}", playlist.info.name))
            .search_result(|tracks| format!("search {}", tracks.len()))
            .no_matches(|| "nothing".to_owned())
            .load_failed(|exception| format!("failed {}", exception.message.unwrap()))
    }

    #[test]
    fn each_kind_of_result_has_its_callback() {
        for (result, expected) in results() {
            assert_eq!(full().handle(result).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_kind_without_its_callback_answers_nothing_and_the_others_do() {
        type Without = fn(LoadHandler<'static, String>) -> LoadHandler<'static, String>;
        let without: [(&str, Without); 5] = [
            ("track", |all| LoadHandler {
                track_loaded: None,
                ..all
            }),
            ("playlist", |all| LoadHandler {
                playlist_loaded: None,
                ..all
            }),
            ("search", |all| LoadHandler {
                search_result: None,
                ..all
            }),
            ("nothing", |all| LoadHandler {
                no_matches: None,
                ..all
            }),
            ("failed", |all| LoadHandler {
                load_failed: None,
                ..all
            }),
        ];
        for (missing, without) in without {
            for (result, answer) in results() {
                let expected = (!answer.starts_with(missing)).then_some(answer);
                assert_eq!(
                    without(full()).handle(result).as_deref(),
                    expected,
                    "{missing}"
                );
            }
        }
    }

    #[test]
    fn callbacks_may_borrow() {
        let mut titles = Vec::new();
        let handler = LoadHandler::new().track_loaded(|track| titles.push(track.encoded));
        assert_eq!(handler.handle(LoadResult::Track(track())), Some(()));
        assert_eq!(titles, ["QAAA".into()]);
    }
}

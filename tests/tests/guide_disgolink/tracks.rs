//! Loading and decoding tracks.

use lavapool::protocol::{LoadType, TrackBlob};
use lavapool::{Error, LoadHandler, LoadResult, RequestError, SearchSource, Severity};
use lavapool_tests::guide::{add_with, asked, builder, config, connect, connected};
use lavapool_tests::sim::SimRuntime;

#[test]
fn an_identifier_leads_to_a_track_a_playlist_a_search_nothing_or_an_error() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();

        let track = node.load_tracks("https://tracks.test/song").await.unwrap();
        let list = "https://tracks.test/playlist/mix?tracks=4";
        let playlist = node.load_tracks(list).await.unwrap();
        let search = node.load_tracks("ytsearch:never gonna give you up").await;
        let nothing = node.load_tracks("ytsearch:nothing").await.unwrap();
        let failed = node.load_tracks("https://tracks.test/error").await.unwrap();

        assert!(matches!(&track, LoadResult::Track(track) if track.info.title == "Track song"));
        let LoadResult::Playlist(playlist) = playlist else {
            panic!("{playlist:?}");
        };
        assert_eq!(
            (&*playlist.info.name, playlist.tracks.len()),
            ("Playlist mix", 4)
        );
        assert_eq!(playlist.kind, LoadType::Playlist);
        assert_eq!(playlist.selected(), playlist.tracks.first());
        assert!(matches!(search, Ok(LoadResult::Search(found)) if found.len() == 10));
        assert_eq!((&nothing, nothing.tracks().len()), (&LoadResult::Empty, 0));
        let LoadResult::Error(exception) = failed else {
            panic!("{failed:?}");
        };
        let message = "Something went wrong while looking up the track.";
        assert_eq!(exception.message.as_deref(), Some(message));
        assert_eq!(exception.severity, Severity::Fault);
    });
}

#[test]
fn a_lookup_that_the_node_refuses_is_an_error_with_its_status() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            node.faults().fail_matching("/v4/loadtracks", 400);
        });
        let client = connect(&sim, builder().node(config("main"))).await;

        let refused = client.node("main").unwrap().load_tracks("ytsearch:a").await;

        let is_refusal = |error: &Error| {
            matches!(
                error,
                Error::Request(RequestError::Rejected { status: 400, .. })
            )
        };
        assert!(refused.as_ref().is_err_and(is_refusal), "{refused:?}");
    });
}

#[test]
fn each_result_goes_to_its_own_callback_of_a_handler() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        let handler = || {
            LoadHandler::new()
                .track_loaded(|track| format!("track {}", track.info.title))
                .playlist_loaded(|playlist| format!("playlist {}", playlist.info.name))
                .search_result(|tracks| format!("{} found", tracks.len()))
                .no_matches(|| "nothing".to_owned())
                .load_failed(|exception| format!("failed: {:?}", exception.severity))
        };
        for (identifier, expected) in [
            ("https://tracks.test/song", "track Track song"),
            ("https://tracks.test/playlist/mix", "playlist Playlist mix"),
            ("ytsearch:words", "10 found"),
            ("ytsearch:nothing", "nothing"),
            ("https://tracks.test/error", "failed: Fault"),
        ] {
            let said = node.load_tracks_with(identifier, handler()).await;
            assert_eq!(said, Ok(Some(expected.to_owned())), "{identifier}");
        }
        let deaf = LoadHandler::new().no_matches(|| ());
        assert_eq!(
            node.load_tracks_with("ytsearch:words", deaf).await,
            Ok(None)
        );
    });
}

#[test]
fn a_search_prefix_says_where_to_search() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        for (search, prefix, source) in [
            (SearchSource::YOUTUBE, "ytsearch", "youtube"),
            (SearchSource::YOUTUBE_MUSIC, "ytmsearch", "youtube"),
            (SearchSource::SOUNDCLOUD, "scsearch", "soundcloud"),
        ] {
            let result = client.load_tracks(search.identifier("a song & more")).await;
            let result = result.unwrap();
            assert_eq!(result.tracks()[0].info.source_name, source, "{prefix}");
            let last = asked(&sim, "main").pop();
            let expected =
                format!("GET /v4/loadtracks?identifier={prefix}%3Aa%20song%20%26%20more");
            assert_eq!(last, Some(expected));
        }
    });
}

#[test]
fn an_encoded_track_is_read_and_written_without_a_node() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let result = client
            .load_tracks("https://tracks.test/song")
            .await
            .unwrap();
        let theirs = &result.tracks()[0];

        let blob = TrackBlob::decode(&theirs.encoded).unwrap();

        assert_eq!(blob.info().title, theirs.info.title);
        assert_eq!(blob.encode().as_deref(), Ok(&*theirs.encoded));
        let later = blob.with_position(5_000).encode().unwrap();
        let decoded = client.decode_track(later).await.unwrap();
        assert_eq!(
            (decoded.info.title, decoded.info.position),
            ("Track song".to_owned(), 5_000)
        );
        assert!(TrackBlob::decode("nonsense").is_err());
    });
}

#[test]
fn encoded_tracks_are_decoded_one_by_one_and_many_at_once() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        let result = node.load_tracks("scsearch:songs").await.unwrap();
        let found = result.tracks();
        let blobs = found.iter().map(|track| track.encoded.clone());

        let decoded = node.decode_tracks(blobs).await.unwrap();
        let first = node.decode_track(found[0].encoded.clone()).await.unwrap();
        let nonsense = node.decode_track("nonsense").await;

        assert_eq!((decoded.len(), &decoded[0]), (10, &first));
        assert!(
            decoded
                .iter()
                .zip(found)
                .all(|(one, other)| one.info == other.info)
        );
        let Err(Error::Request(RequestError::Rejected { status, .. })) = nonsense else {
            panic!("{nonsense:?}");
        };
        // Lavalink's own word for what it cannot read.
        assert_eq!(status, 500);
    });
}

//! Which identifiers are tried, in which order, and which of their tracks is chosen.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::protocol::{Exception, Playlist, TrackInfo};

const MIX: &str = "https://www.youtube.com/watch?v=ID-1_x&list=RDID-1_x";

/// Source of the track, sources of the node, whether that is NodeLink, identifiers.
type Row = (
    &'static str,
    &'static [&'static str],
    bool,
    &'static [&'static str],
);

const TABLE: [Row; 19] = [
    (
        "youtube",
        &["youtube"],
        false,
        &[MIX, "ytsearch:T A", "ytsearch:A"],
    ),
    (
        "ytmusic",
        &["youtube"],
        true,
        &[MIX, "ytsearch:T A", "ytsearch:A"],
    ),
    (
        "spotify",
        &["spotify"],
        true,
        &["sprec:seed_tracks=ID-1_x", "spsearch:A"],
    ),
    (
        "spotify",
        &["spotify"],
        false,
        &[
            "sprec:mix:track:ID-1_x",
            "sprec:seed_tracks=ID-1_x",
            "spsearch:A",
        ],
    ),
    (
        "deezer",
        &["deezer"],
        false,
        &["dzrec:ID-1_x", "dzsearch:A"],
    ),
    ("deezer", &["deezer"], true, &["dzrec:ID-1_x", "dzsearch:A"]),
    (
        "applemusic",
        &["applemusic"],
        true,
        &["amrec:ID-1_x", "amsearch:A"],
    ),
    ("applemusic", &["applemusic"], false, &["amsearch:A"]),
    (
        "yandexmusic",
        &["yandexmusic"],
        false,
        &["ymrec:ID-1_x", "ymsearch:A"],
    ),
    ("vkmusic", &["vkmusic"], false, &["vkrec:ID-1_x"]),
    ("tidal", &["tidal"], false, &["tdrec:ID-1_x"]),
    ("qobuz", &["qobuz"], true, &["qbrec:ID-1_x"]),
    ("jiosaavn", &["jiosaavn"], true, &["jsrec:ID-1_x"]),
    ("soundcloud", &["soundcloud"], false, &["scsearch:A"]),
    (
        "spotify",
        &["youtube", "spotify"],
        true,
        &["sprec:seed_tracks=ID-1_x", "ytsearch:T A", "ytsearch:A"],
    ),
    // What the node does not offer is not asked for.
    (
        "spotify",
        &["youtube"],
        true,
        &["ytsearch:T A", "ytsearch:A"],
    ),
    ("youtube", &["soundcloud"], false, &["scsearch:A"]),
    (
        "http",
        &["http", "youtube"],
        false,
        &["ytsearch:T A", "ytsearch:A"],
    ),
    ("http", &["http"], false, &[]),
];

#[test]
fn every_source_has_its_own_way_on() {
    for (source, sources, is_nodelink, expected) in TABLE {
        let previous = track(source, "ID-1_x");
        let mut search = Autoplay::new(&previous, &node(sources, is_nodelink), 1);
        assert_eq!(tried(&mut search), expected, "{source} on {sources:?}");
    }
}

#[test]
fn an_isrc_leads_from_any_source_to_the_mixes_of_lavasrc() {
    let mut previous = track("applemusic", "1");
    previous.info.isrc = Some("GBARL9300135".to_owned());
    let tried = |is_nodelink| {
        let node = node(&["spotify", "applemusic"], is_nodelink);
        tried(&mut Autoplay::new(&previous, &node, 1))
    };
    assert_eq!(tried(false), ["sprec:mix:isrc:GBARL9300135", "spsearch:A"]);
    assert_eq!(tried(true), ["amrec:1", "spsearch:A"]);
}

#[test]
fn nothing_of_a_track_can_break_out_of_an_identifier() {
    for id in [
        "a&b",
        "a=b",
        "a b",
        "a:b",
        "",
        "é",
        "../x",
        &"x".repeat(129),
    ] {
        let mut previous = track("spotify", id);
        previous.info.title = "T\r\n  x\u{a0}y ".to_owned();
        previous.info.author = " ".to_owned();
        let node = node(&["spotify", "youtube"], true);
        let expected = ["ytsearch:T x y", "ytsearch:T x y"];
        // The second of the two is the same, so it is not asked for again.
        assert_eq!(
            tried(&mut Autoplay::new(&previous, &node, 1)),
            expected[..1],
            "{id}"
        );
    }
    let mut previous = track("http", "x");
    previous.info.title = "word ".repeat(10_000);
    let tried = tried(&mut Autoplay::new(&previous, &node(&["youtube"], false), 1));
    assert!(
        tried.iter().all(|identifier| identifier.len() < 600),
        "{tried:?}"
    );
}

#[test]
fn a_track_of_which_nothing_is_known_leads_to_nothing() {
    let previous = Track::new("x", TrackInfo::default());
    let node = node(&["youtube", "spotify"], true);
    assert_eq!(Autoplay::new(&previous, &node, 1).next(), Step::Nothing);
}

#[test]
fn the_first_hit_of_a_search_leads_to_its_mix() {
    let mut search = Autoplay::new(&track("http", "x"), &node(&["youtube"], false), 1);
    assert_eq!(search.next(), load("ytsearch:T A"));
    let hits = vec![
        track("http", "first"),
        track("youtube", "hit"),
        track("youtube", "no"),
    ];
    let mix = load("https://www.youtube.com/watch?v=hit&list=RDhit");
    assert_eq!(search.loaded(&LoadResult::Search(hits)), mix);
    let next = titled("youtube", "other", "Other");
    let step = search.loaded(&LoadResult::Search(vec![next.clone()]));
    assert_eq!(step, Step::Play(next.into()));
}

#[test]
fn a_mix_that_gave_nothing_is_not_looked_up_again() {
    let previous = track("youtube", "ID-1_x");
    let mut search = Autoplay::new(&previous, &node(&["youtube"], false), 1);
    assert_eq!(search.next(), load(MIX));
    assert_eq!(search.loaded(&LoadResult::Empty), load("ytsearch:T A"));
    // The search finds the track itself.
    let step = search.loaded(&LoadResult::Search(vec![previous]));
    assert_eq!(step, load("ytsearch:A"));
    assert_eq!(search.loaded(&LoadResult::Empty), Step::Nothing);
    assert_eq!(search.next(), Step::Nothing);
}

#[test]
fn failures_of_every_kind_lead_on() {
    let exception: Exception = serde_json::from_str("{}").unwrap();
    let unknown = LoadResult::decode(r#"{"loadType":"new","data":1}"#).unwrap();
    for result in [LoadResult::Empty, LoadResult::Error(exception), unknown] {
        let previous = track("deezer", "1");
        let mut search = Autoplay::new(&previous, &node(&["deezer"], false), 1);
        assert_eq!(search.next(), load("dzrec:1"));
        assert_eq!(search.loaded(&result), load("dzsearch:A"), "{result:?}");
    }
}

#[test]
fn a_track_that_was_heard_is_never_chosen_by_whatever_names_it() {
    const START: &str =
        "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAAAAA=";
    const LATER: &str =
        "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAABNI=";
    let edits: [fn(&mut Track); 5] = [
        |track| (track.info.source_name, track.info.identifier) = ("deezer".into(), "9".into()),
        |track| {
            track.encoded = if track.info.title == "old" {
                START
            } else {
                LATER
            }
            .into()
        },
        |track| track.info.uri = Some("https://x.test/1".into()),
        |track| track.info.isrc = Some("GBARL9300135".into()),
        |track| (track.info.title, track.info.author) = ("Same ".into(), "A".into()),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let [mut old, mut again, other] =
            ["old", "again", "other"].map(|name| titled("deezer", name, name));
        edit(&mut old);
        edit(&mut again);
        let previous = track("deezer", "1");
        for avoided in [false, true] {
            let mut search = Autoplay::new(&previous, &node(&["deezer"], false), 1);
            if avoided {
                search = search.avoiding([&old]);
            }
            search.next();
            let found = LoadResult::Search(vec![previous.clone(), again.clone()]);
            let expected = Step::Play(again.clone().into());
            let step = search.loaded(&found);
            assert_eq!(step == expected, !avoided, "edit {number}");
        }
        let mut search = Autoplay::new(&previous, &node(&["deezer"], false), 1).avoiding([&old]);
        search.next();
        let step = search.loaded(&playlist(vec![again, other.clone()]));
        assert_eq!(step, Step::Play(other.into()), "edit {number}");
    }
}

#[test]
fn the_choice_is_among_the_first_ten_new_ones_and_follows_from_the_seed() {
    let previous = titled("deezer", "0", "0");
    let tracks: Vec<_> = (0..40)
        .map(|number| titled("deezer", &(number / 2).to_string(), &number.to_string()))
        .collect();
    let choose = |seed: u64| {
        let mut search = Autoplay::new(&previous, &node(&["deezer"], false), seed);
        search.next();
        match search.loaded(&playlist(tracks.clone())) {
            Step::Play(track) => track.info.identifier.parse::<u32>().unwrap(),
            step => panic!("{step:?}"),
        }
    };
    let chosen: BTreeSet<_> = (0..300).map(choose).collect();
    // Of each two that are one the first counts, and the track before does not.
    assert_eq!(chosen, (1..=10).collect());
    assert_eq!(choose(3), choose(3));
}

#[test]
fn lookups_are_bounded() {
    let mut previous = track("spotify", "1");
    previous.info.isrc = Some("GBARL9300135".to_owned());
    let node = node(&["spotify", "youtube"], false);
    let mut search = Autoplay::new(&previous, &node, 1);
    search.attempts = (0..50).map(|n| Attempt::Seed(n.to_string())).collect();
    let mut lookups = 0;
    let mut step = search.next();
    while let Step::Load(_) = step {
        lookups += 1;
        step = search.loaded(&LoadResult::Search(vec![track(
            "youtube",
            &lookups.to_string(),
        )]));
    }
    assert_eq!(lookups, Autoplay::LOOKUPS_MAX);
}

/// Everything that is tried while nothing is found.
fn tried(search: &mut Autoplay) -> Vec<String> {
    std::iter::from_fn(|| match search.next() {
        Step::Load(identifier) => Some(identifier),
        Step::Play(_) | Step::Nothing => None,
    })
    .collect()
}

fn load(identifier: &str) -> Step {
    Step::Load(identifier.to_owned())
}

fn node(sources: &[&str], is_nodelink: bool) -> Info {
    let source_managers = sources.iter().map(|source| (*source).to_owned()).collect();
    Info {
        source_managers,
        is_nodelink,
        ..Info::default()
    }
}

fn track(source: &str, identifier: &str) -> Track {
    titled(source, identifier, "T")
}

fn titled(source: &str, identifier: &str, title: &str) -> Track {
    let info = TrackInfo {
        source_name: source.to_owned(),
        identifier: identifier.to_owned(),
        title: title.to_owned(),
        author: "A".to_owned(),
        ..TrackInfo::default()
    };
    Track::new(format!("{source} {identifier} {title}"), info)
}

fn playlist(tracks: Vec<Track>) -> LoadResult {
    let mut playlist: Playlist = serde_json::from_str("{}").unwrap();
    playlist.tracks = tracks;
    LoadResult::Playlist(playlist)
}

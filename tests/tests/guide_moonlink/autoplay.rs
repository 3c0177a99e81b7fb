//! `handleAutoPlay`: what is played when a track has finished and nothing waits.

use std::time::Duration;

use lavapool::{Client, Event, Queue, QueuedPlayer, Track, TrackInfo};
use lavapool_tests::guide::{builder, config, connect, guild, join_voice, secs};
use lavapool_tests::node::{self, catalogue};
use lavapool_tests::sim::SimRuntime;

#[test]
fn autoplay_asks_for_what_the_source_of_the_track_recommends() {
    for (source, is_nodelink, expected) in [
        (
            "youtube",
            false,
            "https://www.youtube.com/watch?v=ID&list=RDID",
        ),
        ("spotify", true, "sprec:seed_tracks=ID"),
        ("spotify", false, "sprec:mix:track:ID"),
        ("deezer", false, "dzrec:ID"),
        ("applemusic", true, "amrec:ID"),
        ("soundcloud", false, "scsearch:Test artist"),
    ] {
        SimRuntime::run(|sim| async move {
            let (client, previous) = stage(&sim, source, &[source], is_nodelink).await;
            let player = client.player(guild(1));

            let is_playing = player.autoplay(&previous, [], 1).await;

            assert_eq!(is_playing, Ok(true), "{source}");
            assert_eq!(looked_up(&sim), [expected], "{source}");
            let playing = player.track().unwrap();
            assert_eq!(playing.info.source_name, source);
            assert_ne!(playing.info.identifier, "ID", "never the track itself");
        });
    }
}

#[test]
fn autoplay_without_the_capability_goes_by_a_search_and_the_mix_of_its_first_hit() {
    SimRuntime::run(|sim| async move {
        let (client, previous) = stage(&sim, "spotify", &["youtube"], false).await;

        let is_playing = client.player(guild(1)).autoplay(&previous, [], 1).await;

        assert_eq!(is_playing, Ok(true));
        let id = "The-seed-Test-artist-0";
        let mix = format!("https://www.youtube.com/watch?v={id}&list=RD{id}");
        assert_eq!(looked_up(&sim), ["ytsearch:The seed Test artist", &*mix]);
    });
}

#[test]
fn autoplay_is_false_if_nothing_resembles_the_track() {
    SimRuntime::run(|sim| async move {
        let (client, previous) = stage(&sim, "http", &["http"], false).await;
        let player = client.player(guild(1));
        let nameless = Track::new("QAAA", TrackInfo::default());

        for track in [&previous, &nameless] {
            assert_eq!(player.autoplay(track, [], 1).await, Ok(false));
        }

        assert!(!player.is_playing());
    });
}

#[test]
fn autoplay_plays_nothing_that_was_heard_or_that_waits() {
    SimRuntime::run(|sim| async move {
        let (client, previous) = stage(&sim, "deezer", &["deezer"], false).await;
        let player = client.player(guild(1));
        let found = client.load_tracks("dzrec:ID").await.unwrap();
        let (left, avoided) = found.tracks().split_last().unwrap();

        for seed in 0..20 {
            let is_playing = player.autoplay(&previous, avoided, seed).await;
            assert_eq!((is_playing, &*player.track().unwrap()), (Ok(true), left));
            player.stop().await.unwrap();
        }
    });
}

#[test]
fn autoplay_of_a_queue_repeats_none_of_the_last_ten() {
    SimRuntime::run(|sim| async move {
        let (client, first) = stage(&sim, "youtube", &["youtube"], false).await;
        let queue = QueuedPlayer::new(client.player(guild(1)), Queue::new(3));
        queue.set_autoplay(true);
        let mut events = client.events();
        queue.add([first]).unwrap().await.unwrap();

        let mut heard = Vec::new();
        while heard.len() < 40 {
            let event = events.next().await.unwrap();
            if let Event::TrackStart { track, .. } = &event {
                heard.push(track.info.identifier.clone());
            }
            queue.handle(&event).await.unwrap();
        }

        for (at, track) in heard.iter().enumerate() {
            let last_ten = &heard[at.saturating_sub(10)..at];
            assert!(!last_ten.contains(track), "{track} at {at}: {heard:?}");
        }
    });
}

#[test]
fn only_a_track_that_finished_is_followed_and_a_stop_never_is() {
    for (identifier, is_stopped, follows) in [
        ("seed", false, true),
        ("seed", true, false),
        ("https://tracks.test/broken?fails", false, false),
    ] {
        SimRuntime::run(|sim| async move {
            let sources = ["youtube", "http"];
            let (client, _) = stage(&sim, "youtube", &sources, false).await;
            let track = client.load_tracks(identifier).await.unwrap().tracks()[0].clone();
            let queue = QueuedPlayer::new(client.player(guild(1)), Queue::new(3));
            queue.set_autoplay(true);
            let mut events = client.events();
            queue.add([track]).unwrap().await.unwrap();
            let before = looked_up(&sim).len();
            sim.sleep(secs(1)).await;
            if is_stopped {
                client.player(guild(1)).stop().await.unwrap();
            }

            for _ in 0..100 {
                sim.sleep(Duration::from_millis(100)).await;
                while let Some(event) = events.try_next() {
                    queue.handle(&event).await.unwrap();
                }
            }

            let is_playing = client.player(guild(1)).is_playing();
            let asked = looked_up(&sim).len() > before;
            assert_eq!(
                (is_playing, asked),
                (follows, follows),
                "{identifier} {is_stopped}"
            );
        });
    }
}

/// A client of a node with these sources, in a voice channel, and a track of one of them.
async fn stage(
    sim: &SimRuntime,
    source: &str,
    sources: &[&str],
    is_nodelink: bool,
) -> (Client, Track) {
    let mut blob = catalogue::track("ID", "The seed", 5_000);
    blob.source = source.to_owned();
    if source != "http" {
        blob.tail = Vec::new();
    }
    let mut theirs = node::NodeConfig::new("main");
    theirs.is_nodelink = is_nodelink;
    theirs.sources = sources.iter().map(|&name| name.to_owned()).collect();
    theirs
        .catalogue
        .insert("seed", catalogue::LoadResult::Track(blob));
    sim.add_node("main", theirs);
    let client = connect(sim, builder().node(config("main"))).await;
    let seed = client.load_tracks("seed").await.unwrap().tracks()[0].clone();
    join_voice(&client, 1, "frankfurt");
    (client, seed)
}

/// The identifiers that the node was asked for since the first.
fn looked_up(sim: &SimRuntime) -> Vec<String> {
    sim.with("main", |node| {
        let requests = node.log().requests.iter();
        let identifiers = requests.filter_map(|request| request.query("identifier"));
        identifiers.skip(1).collect()
    })
}

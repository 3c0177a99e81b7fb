//! The bodies of updates.

use lavapool_core::player::Update;
use lavapool_core::protocol::{Band, Filters, LowPass, Timescale};
use lavapool_core::{Answer, Command, RequestError, SubmitError};
use lavapool_tests::world::{World, guild, track};
use serde_json::{Value, json};

use super::{millis, patches_since, playing, secs};

/// Lavalink refuses a voice state without its channel since 4.2 with 400, and clients that had
/// forgotten it fell silent.
#[test]
fn every_voice_state_that_is_sent_names_its_channel() {
    let mut world = playing(1..=2, ["b"]);
    world.kill("a");
    world.run_for(secs(3));
    world.join(guild(1), "frankfurt");
    world.run_for(secs(1));

    let sent = ["a", "b"].map(|name| patches_since(&world, name, secs(0)));
    let voices: Vec<_> = sent
        .iter()
        .flatten()
        .filter_map(|patch| patch.get("voice"))
        .collect();
    assert_eq!(voices.len(), 5);
    for voice in voices {
        let channel = voice["channelId"].as_str().unwrap_or_default();
        assert!(["1000001", "1000002"].contains(&channel), "{voice}");
    }
}

/// A play ends a pause on the server, `null` is refused where the type does not have it, and so
/// are numbers with a fraction (Lavalink: Update player).
#[test]
fn a_play_agrees_on_the_pause_and_no_body_has_a_null_or_a_fraction_to_choke_on() {
    let mut world = playing(1..=1, []);
    let since = world.now();
    let updates = [
        Update::default().paused(true),
        Update::play(track("two")).position(millis(1_500)),
        Update::default().volume(33).end_time(millis(9_500)),
        Update::default().end_time(None),
        Update::default().filters(Filters::new().with_volume(0.5)),
        Update::default().filters(Filters::new()),
        Update::stop(),
    ];
    for update in updates {
        world.update(guild(1), update);
        world.run_for(millis(100));
        let (server, view) = (world.only_copy(guild(1)).1, world.player(guild(1)));
        assert_eq!(server.paused, view.paused);
    }

    let patches = patches_since(&world, "a", since);
    assert_eq!(patches.len(), 7, "{patches:?}");
    for patch in &patches {
        for (key, value) in patch.as_object().unwrap() {
            assert!(!value.is_null() || key == "endTime", "{patch}");
            assert!(!value.is_f64(), "{patch}");
        }
        let track = patch.get("track").and_then(Value::as_object);
        let null = track
            .into_iter()
            .flatten()
            .find(|(_, value)| value.is_null());
        assert!(null.is_none_or(|(key, _)| key == "encoded"), "{patch}");
    }
}

/// With `noReplace` a server ignores a stop and a pause beside it for as long as something plays.
#[test]
fn a_play_that_gives_way_never_carries_a_stop_or_a_pause_away() {
    let mut world = playing(1..=1, []);
    let gives_way = Update::play(track("two")).paused(true).no_replace();
    assert!(gives_way.sets_track() && !Update::default().sets_track());
    let declined = world.update(guild(1), gives_way.clone());
    let pause = world.update(guild(1), Update::default().paused(true));
    world.run_for(millis(100));
    assert_eq!(
        world.answer(declined),
        Some(&Err(RequestError::NotReplaced))
    );
    assert_eq!(world.answer(pause), Some(&Ok(Answer::Done)));
    assert!(world.only_copy(guild(1)).1.paused);

    world.update(guild(1), Update::stop());
    world.update(guild(1), gives_way);
    world.run_for(millis(100));
    let (_, player) = world.only_copy(guild(1));
    let title = player.track.map(|track| track.title);
    assert_eq!((title.as_deref(), player.paused), (Some("Track two"), true));
    let asked = &world.server("a").log().requests;
    let swallowed = asked.iter().filter(|request| {
        let body = String::from_utf8_lossy(&request.body);
        let is_lost = body.contains("paused") || body.contains("null");
        is_lost && request.query("noReplace").as_deref() == Some("true")
    });
    assert_eq!(swallowed.count(), 0);
}

/// Filters in a PATCH replace all that were set, and one that is out of range costs a 400.
#[test]
fn a_filter_that_is_added_keeps_the_others_and_a_wrong_one_is_not_sent() {
    let mut world = playing(1..=1, ["b"]);
    let bands = [Band {
        band: 3,
        gain: 0.25,
    }];
    let first = Filters::new()
        .with_equalizer(bands)
        .with_timescale(Timescale {
            speed: 1.25,
            ..Timescale::default()
        });
    world.update(guild(1), Update::default().filters(first));
    world.run_for(millis(100));
    let shown = world.player(guild(1)).filters.unwrap();
    let more = Filters::clone(&shown).with_low_pass(LowPass { smoothing: 20.0 });
    world.update(guild(1), Update::default().filters(more));
    world.update(guild(1), Update::default().volume(40));
    world.run_for(millis(100));
    let on_server = world.only_copy(guild(1)).1.filters;
    assert_eq!(on_server["equalizer"], json!([{"band": 3, "gain": 0.25}]));
    assert_eq!(on_server["timescale"]["speed"], 1.25);
    assert_eq!(on_server["lowPass"]["smoothing"], 20.0);

    let since = world.now();
    let wrong = Update::default().filters(Filters::new().with_equalizer([Band {
        band: 15,
        gain: 0.25,
    }]));
    let refused = world.try_submit(Command::Update {
        guild: guild(1),
        node: None,
        update: wrong,
    });
    assert!(
        matches!(refused, Err(SubmitError::Filters(_))),
        "{refused:?}"
    );
    world.run_for(secs(1));
    assert_eq!(world.requests_since("a", since), Vec::<String>::new());
    assert_eq!(world.only_copy(guild(1)).1.filters, on_server);
}

/// Objects in the cache of a client were the ones that it handed out, and changed under whoever
/// held them, or for all guilds when one changed them.
#[test]
fn what_was_handed_out_does_not_change_and_changes_nothing_when_it_is_changed() {
    let mut world: World = playing(1..=2, []);
    let song = track("song");
    let data = lavapool_core::protocol::RawJson::parse(r#"{"by":"one"}"#).unwrap();
    world.play(guild(1), &song.clone().with_user_data(data));
    world.play(guild(2), &song);
    world.run_for(millis(100));
    let before = [1, 2].map(|number| world.player(guild(number)));
    let mut held = before[1].track.clone().unwrap();
    std::sync::Arc::make_mut(&mut held).info.title = "Another".to_owned();
    assert_eq!(before[1].track.as_deref(), Some(&song));
    assert_eq!(world.player(guild(2)).track.as_deref(), Some(&song));

    world.update(guild(1), Update::default().volume(5));
    world.run_for(millis(100));
    assert_eq!(before.map(|view| view.volume.get()), [100, 100]);
    let on_server = [1, 2].map(|number| world.only_copy(guild(number)).1.track.unwrap());
    assert_eq!(on_server[0].user_data["by"], "one");
    assert_eq!(on_server[1].user_data.get("by"), None);
}

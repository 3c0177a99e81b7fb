//! Who wants something of a plugin is answered, whatever comes between.

use std::time::Duration;

use lavapool_core::player::{PluginWish, Update};
use lavapool_core::protocol::plugins::{Category, KnownPlugin, LyricsFrom};
use lavapool_core::{Answer, Command, PoolConfig, RequestError};
use lavapool_tests::node::Disturbance;
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::wishes::wishful;
use super::{SUBSCRIBE, UNSUBSCRIBE, millis, plugged, secs, sing, skip, told_since};

#[test]
fn a_node_that_turns_out_to_lack_a_plugin_before_it_was_told_answers_so_and_is_not_asked() {
    let builder = World::builder().node("bare", |_| {});
    let config = |config: &mut PoolConfig| config.limits.control_sockets_max = 2;
    let mut world = builder.config(config).build();
    world.node("bare").config().latency.other = secs(2);
    world.node("bare").config().latency.player = secs(5);
    world.run_for(millis(100));
    for number in 2..=3 {
        let update = Update::play(track("song")).without_voice();
        world.update(guild(number), update);
    }
    let since = world.now();
    let wish = skip(&mut world, guild(1), &[Category::Intro]);
    world.run_for(secs(10));

    let plugin = KnownPlugin::SponsorBlock;
    assert_eq!(
        world.answer(wish),
        Some(&Err(RequestError::PluginMissing { plugin }))
    );
    assert_eq!(told_since(&world, "bare", since), [""; 0]);
}

#[test]
fn a_player_that_is_made_again_while_its_old_subscription_is_on_its_way_has_its_own() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    world.node("a").config().latency.other = secs(5);
    sing(&mut world, guild(1));
    world.run_for(millis(100));
    world.node("a").config().latency.other = Duration::ZERO;
    world.submit(Command::Destroy(guild(1)));
    world.run_for(millis(100));
    let wish = sing(&mut world, guild(1));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("song"));
    world.run_for(secs(10));

    assert_eq!(world.answer(wish), Some(&Ok(Answer::Done)));
}

#[test]
fn what_a_plugin_skipped_before_the_node_knew_of_a_seek_does_not_move_the_player() {
    let mut world = wishful(["a"]);
    world.node("a").config().latency.player = millis(100);
    world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(millis(50));
    let segment = json!({"category": "sponsor", "start": 10_000, "end": 20_000});
    let skipped = json!({
        "op": "event",
        "type": "SegmentSkipped",
        "guildId": "1",
        "segment": segment,
    });
    world.disturb("a", &Disturbance::Text(skipped.to_string()));
    world.run_for(millis(10));
    assert!(world.position(guild(1)) >= secs(60));
}

#[test]
fn one_who_gives_a_wish_up_keeps_nobody_else_waiting() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    world.node("a").config().latency.other = millis(100);
    let given_up = skip(&mut world, guild(1), &[Category::Sponsor]);
    let other = sing(&mut world, guild(1));
    world.cancel(given_up);
    world.run_for(secs(1));
    assert_eq!(world.answer(other), Some(&Ok(Answer::Done)));
}

#[test]
fn who_takes_a_wish_back_is_answered_though_another_has_come_since() {
    let mut world = wishful(["a"]);
    world.node("a").config().latency.other = millis(200);
    for wishes in [
        [
            PluginWish::Categories(None),
            PluginWish::Categories(Some([Category::Filler].into())),
        ],
        [
            PluginWish::Lyrics(None),
            PluginWish::Lyrics(Some(LyricsFrom::Any)),
        ],
    ] {
        let asked = wishes.map(|wish| {
            let guild = guild(1);
            let asked = world.submit(Command::Plugin { guild, wish });
            world.run_for(millis(50));
            asked
        });
        world.run_for(secs(2));
        for asked in asked {
            assert_eq!(world.answer(asked), Some(&Ok(Answer::Done)));
        }
    }
    let (sung, skipped) = world.server("a").plugin_state();
    assert_eq!(
        (sung, skipped),
        (vec![1], vec![(1, vec!["filler".to_owned()])])
    );
}

#[test]
fn a_subscription_that_is_changed_again_while_the_old_one_ends_is_superseded() {
    let mut world = wishful(["a"]);
    world.node("a").config().latency.other = millis(200);
    let since = world.now();
    let asked = [LyricsFrom::OtherSources, LyricsFrom::Any].map(|from| {
        let (guild, wish) = (guild(1), PluginWish::Lyrics(Some(from)));
        let asked = world.submit(Command::Plugin { guild, wish });
        world.run_for(millis(50));
        asked
    });
    world.run_for(secs(2));
    assert_eq!(
        asked.map(|asked| world.answer(asked)),
        [
            Some(&Err(RequestError::Superseded)),
            Some(&Ok(Answer::Done))
        ]
    );
    assert_eq!(told_since(&world, "a", since), [UNSUBSCRIBE, SUBSCRIBE]);
}

//! Players that change their node.

use lavapool_core::player::{PluginWish, Update};
use lavapool_core::protocol::plugins::Category;
use lavapool_core::protocol::{Filters, TrackEndReason};
use lavapool_core::{Answer, Command, Event};
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{ends_since, event, millis, patches_since, playing, secs};

/// After a move both nodes have the player for a moment, and what the old one says of its copy is
/// no news of the player.
#[test]
fn a_moved_player_is_made_before_it_is_deleted_and_hears_the_new_node_only() {
    let mut world = playing(1..=1, ["b"]);
    let late = event(&world, 1, "TrackEndEvent", &json!({"reason": "finished"}));
    let since = world.now();
    let node = world.id("b");
    let guild_1 = guild(1);
    let moved = world.submit(Command::Move {
        guild: guild_1,
        node,
    });
    world.run_for(secs(1));
    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));

    let made = world.heard_since("b", since);
    let deleted = world.heard_since("a", since);
    assert!(made[0].body["voice"].is_object(), "{made:?}");
    assert!(made.iter().any(|heard| heard.body["track"].is_object()));
    assert_eq!(deleted[0].what, "DELETE players/1");
    assert!(made.last().unwrap().at < deleted[0].at);

    world.disturb("a", &late);
    world.disturb("a", &super::update_of(1, 170_000));
    world.run_for(millis(100));
    assert_eq!(ends_since(&world, since), []);
    assert!(world.player(guild_1).playing && world.position(guild_1) < secs(60));
}

/// SponsorBlock and LavaLyrics forget a session with its WebSocket, and SponsorBlock takes the
/// marker of the end time for its own.
#[test]
fn plugins_are_told_again_after_a_resume_and_an_end_time_holds_beside_them() {
    let mut world = World::builder()
        .node("a", |host| {
            let bare = std::mem::take(&mut host.server);
            host.server = bare.with_plugins();
            let sponsor = ("sponsor".to_owned(), 10_000, 12_000);
            host.server.knowledge.segments = vec![sponsor];
        })
        .connected();
    world.submit(Command::Plugin {
        guild: guild(1),
        wish: PluginWish::Categories(Some([Category::Sponsor].into())),
    });
    world.join(guild(1), "us-east");
    let since = world.now();
    world.update(guild(1), Update::play(track("song")).end_time(secs(30)));
    world.run_for(secs(2));

    let resumed_at = world.now();
    world.drop_connections("a");
    world.run_for(secs(3));
    let told = world.requests_since("a", resumed_at);
    let set = "PUT players/1/sponsorblock/categories".to_owned();
    assert!(told.contains(&set), "{told:?}");

    // Thirty seconds of the track without the two of the sponsor.
    world.run_for(secs(22));
    assert_eq!(ends_since(&world, since), []);
    world.run_for(secs(2));
    assert_eq!(
        ends_since(&world, since),
        [(guild(1), TrackEndReason::Finished)]
    );
}

/// When one node went down, a client moved the players of all nodes.
#[test]
fn the_loss_of_one_node_moves_its_own_players_only() {
    let mut world = World::builder().nodes(["a", "b", "c"]).connected();
    world.fill(1..=9);
    world.run_for(secs(5));
    let since = world.now();
    let of_a = world.guilds_on("a");
    let stay: Vec<_> = ["b", "c"].map(|name| world.guilds_on(name)).concat();
    assert!(!of_a.is_empty() && stay.len() > 3, "{of_a:?} {stay:?}");

    world.kill("a");
    world.run_for(secs(5));

    let moved = world.events_since(since).filter_map(|event| match event {
        Event::PlayerMoved { guild, .. } => Some(guild.get()),
        _ => None,
    });
    let mut moved: Vec<_> = moved.collect();
    moved.sort_unstable();
    assert_eq!(moved, of_a);
    for number in stay {
        let what = format!("PATCH players/{number}");
        let heard = ["b", "c"]
            .map(|name| world.requests_since(name, since))
            .concat();
        assert!(!heard.contains(&what), "{what}");
    }
}

/// After a move a client sent the DELETE that was for the old node to the new one.
#[test]
fn the_delete_of_a_move_goes_to_the_node_that_the_player_left() {
    let mut world = playing(1..=1, ["b"]);
    let mut since = world.now();
    for (from, to) in [("a", "b"), ("b", "a")] {
        let node = world.id(to);
        world.submit(Command::Move {
            guild: guild(1),
            node,
        });
        world.run_for(secs(1));
        let delete = "DELETE players/1".to_owned();
        assert!(world.requests_since(from, since).contains(&delete));
        assert!(!world.requests_since(to, since).contains(&delete));
        assert_eq!(world.only_copy(guild(1)).0, to);
        since = world.now();
    }
}

/// Clients played the track on the new node and forgot the pause, the volume and the filters.
#[test]
fn a_moved_player_is_as_paused_loud_and_filtered_as_before() {
    let mut world = playing(1..=1, ["b", "c"]);
    let filters = Filters::new().with_volume(0.5);
    let set = Update::default().paused(true).volume(65).filters(filters);
    world.update(guild(1), set);
    world.run_for(secs(1));
    let state = |world: &World| {
        let (_, player) = world.only_copy(guild(1));
        (player.paused, player.volume, player.filters)
    };
    let before = state(&world);
    assert_eq!((before.0, before.1), (true, 65));

    let node = world.id("b");
    world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(secs(1));
    assert_eq!(state(&world), before);
    world.kill("b");
    world.run_for(secs(3));
    assert_eq!(state(&world), before);
    assert!(!patches_since(&world, "b", secs(0)).is_empty());
}

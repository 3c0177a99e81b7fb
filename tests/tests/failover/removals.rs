//! Nodes that are removed, or lost for good, while players are on their way from or to them.

use lavapool_core::Event;
use lavapool_core::player::Place;
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild};

use super::{crowded, millis, moves_since, remove, secs, unanswered};

#[test]
fn nothing_is_skipped_of_a_lost_player_whose_old_node_was_back_and_is_removed_before_it_has_come() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.node("c").stats().system_load = 0.9;
    world.run_for(secs(60));
    for kind in [AnswerKind::Voice, AnswerKind::Player] {
        unanswered(&mut world, "b", kind);
    }
    world.refuse("a", true);
    world.drop_connections("a");
    world.run_until(|world| is_on_its_way_to(world, "b"), secs(10));
    world.refuse("a", false);
    world.run_for(secs(4));
    let (_, copy) = world.only_copy(guild(1));
    let heard = millis(copy.position_ms.unsigned_abs());

    remove(&mut world, "a");
    world.run_until(|world| !world.guilds_on("c").is_empty(), secs(60));
    world.run_for(secs(1));

    let copies = world.copies(guild(1));
    let (_, copy) = copies.iter().find(|(name, _)| *name == "c").unwrap();
    let position = millis(copy.position_ms.unsigned_abs());
    assert!(
        (heard..heard + secs(2)).contains(&position),
        "{heard:?} was heard, and it is at {position:?} a second later"
    );
}

#[test]
fn a_player_that_goes_on_after_its_node_was_removed_is_told_to_have_moved() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let since = world.now();
    world.kill("a");
    world.run_until(|world| is_on_its_way_to(world, "b"), secs(10));
    remove(&mut world, "a");
    world.run_for(secs(2));

    let moved = (guild(1), "a".to_owned(), "b".to_owned());
    assert_eq!(moves_since(&world, since), [moved]);
    let failovers = world
        .events_since(since)
        .filter(|event| matches!(event, Event::Failover { old, .. } if &*old.name == "a"));
    assert_eq!(failovers.count(), 1);
}

#[test]
fn a_player_that_waits_for_another_node_is_told_to_have_moved_there_from_the_one_that_was_removed()
{
    let mut world = World::builder()
        .node("a", |_| {})
        .node("b", |node| node.is_known = false)
        .connected();
    world.fill(1..=1);
    remove(&mut world, "a");
    world.run_for(secs(1));
    let Place::Stranded(from) = world.player(guild(1)).place else {
        panic!("{:?}", world.player(guild(1)).place);
    };
    assert_eq!(&*from.name, "a");

    let since = world.now();
    world.add_node("b");
    world.run_for(secs(2));

    let moved = (guild(1), "a".to_owned(), "b".to_owned());
    assert_eq!(moves_since(&world, since), [moved]);
}

#[test]
fn players_whose_next_node_dies_after_the_wait_are_told_to_be_stranded() {
    let mut world = crowded(1..=1, ["b"]);
    for kind in [AnswerKind::Voice, AnswerKind::Player] {
        unanswered(&mut world, "b", kind);
    }
    let since = world.now();
    world.kill("a");
    // Nobody waits for it any more.
    world.run_for(secs(8));
    assert!(is_on_its_way_to(&world, "b"));
    world.kill("b");
    world.run_for(secs(30));

    let told = world.events_since(since).filter_map(|event| match event {
        Event::PlayersStranded { players, .. } => Some(players.to_vec()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [vec![guild(1)]]);
}

fn is_on_its_way_to(world: &World, name: &str) -> bool {
    matches!(&world.player(guild(1)).place, Place::Moving { to, .. } if &*to.name == name)
}

//! Requests to plugins: which node is asked, and what becomes of them where none has the plugin.

use lavapool_core::protocol::plugins::{KnownPlugin, LyricsFrom};
use lavapool_core::rest::{self, PluginAnswer, PluginRequest, Request};
use lavapool_core::{Answer, Command, CommandId, RequestError, Target};
use lavapool_tests::world::{World, guild};

use super::{plugged, secs};

const SEARCH: &str = "GET /v4/loadsearch";
const MISSING: RequestError = RequestError::PluginMissing {
    plugin: KnownPlugin::LavaSearch,
};

#[test]
fn a_search_goes_to_a_node_that_has_the_plugin() {
    let mut world = World::builder().node("bare", |_| {});
    world = world.node("full", |host| super::install(&mut host.server));
    let mut world = world.connected();
    let since = world.now();

    let found = search(&mut world, Target::Best);
    world.run_for(secs(1));

    assert_found(&world, found);
    assert_eq!(world.requests_since("bare", since), [""; 0]);
    assert_eq!(world.requests_since("full", since), [SEARCH]);
}

#[test]
fn where_no_node_has_the_plugin_nothing_is_asked() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    let since = world.now();
    let node = Target::Node(world.id("a"));

    for target in [Target::Best, node] {
        let found = search(&mut world, target);
        assert_eq!(world.answer(found), Some(&Err(MISSING)));
    }
    assert_eq!(world.requests_since("a", since), [""; 0]);
}

#[test]
fn a_node_that_answers_404_leads_to_the_next_one() {
    let mut world = plugged(["a", "b"]).connected();
    world
        .node("a")
        .faults()
        .fail_matching("/v4/loadsearch", 404);
    let since = world.now();

    let found = search(&mut world, Target::Best);
    world.run_for(secs(1));
    assert_found(&world, found);
    assert_eq!(world.requests_since("a", since), [SEARCH]);
    assert_eq!(world.requests_since("b", since), [SEARCH]);

    let node = Target::Node(world.id("a"));
    let missing = search(&mut world, node);
    world
        .node("b")
        .faults()
        .fail_matching("/v4/loadsearch", 404);
    let nowhere = search(&mut world, Target::Best);
    world.run_for(secs(1));
    assert_eq!(world.answer(missing), Some(&Err(MISSING)));
    assert_eq!(world.answer(nowhere), Some(&Err(MISSING)));
}

#[test]
fn only_the_word_that_a_guild_has_no_categories_is_taken_for_that() {
    let mut world = plugged(["a"]).connected();
    world.fill([1]);
    let mut ask = |request| {
        let node = Target::Node(world.id("a"));
        let request = Request::Plugin(request);
        let asked = world.submit(Command::Rest { node, request });
        world.run_for(secs(1));
        world.answer(asked).cloned()
    };
    let unset = ask(PluginRequest::Categories(guild(1)));
    assert!(matches!(unset, Some(Ok(_))), "{unset:?}");
    let none = ask(PluginRequest::PlayingLyrics {
        guild: guild(2),
        from: LyricsFrom::Any,
    });
    assert!(
        matches!(none, Some(Err(RequestError::Rejected { .. }))),
        "{none:?}"
    );
    world.node("a").faults().fail_matching("sponsorblock", 403);
    let node = Target::Node(world.id("a"));
    let request = Request::Plugin(PluginRequest::Categories(guild(1)));
    let refused = world.submit(Command::Rest { node, request });
    world.run_for(secs(1));
    let refused = world.answer(refused);
    assert!(
        matches!(refused, Some(Err(RequestError::Rejected { .. }))),
        "{refused:?}"
    );
}

fn search(world: &mut World, node: Target) -> CommandId {
    let request = Request::Plugin(PluginRequest::Search {
        query: "spsearch:words".to_owned(),
        kinds: Vec::new(),
    });
    world.submit(Command::Rest { node, request })
}

#[track_caller]
fn assert_found(world: &World, command: CommandId) {
    let Some(Ok(Answer::Rest(answer))) = world.answer(command) else {
        panic!("{:?}", world.answer(command));
    };
    let rest::Answer::Plugin(answer) = &**answer else {
        panic!("{answer:?}");
    };
    let PluginAnswer::Found(Some(found)) = &**answer else {
        panic!("{answer:?}");
    };
    assert_eq!(found.albums[0].info.name, "album words");
}

//! What DisGoLink hands to the hooks of plugins: here each is an event of its own type.

use lavapool::lavapool_core::protocol::DecodeCause;
use lavapool::plugins::{Category, PluginEvent};
use lavapool::{Event, EventStream, Kinds};
use lavapool_tests::guide::{
    add_with, builder, config, connect, connected, guild, handshakes, play, secs, taken,
};
use lavapool_tests::node::Disturbance;
use lavapool_tests::sim::SimRuntime;
use serde_json::{Value, json};

#[test]
fn a_node_that_opens_and_closes_is_an_event() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        sim.sleep(secs(11)).await;
        let mut events = client.events_of(Kinds::NODES);
        sim.with("main", |node| {
            node.close_websockets(1001, "bye", node.now())
        });
        sim.sleep(secs(3)).await;

        let told = taken(&mut events);
        let order = told.iter().filter_map(|event| match event {
            Event::NodeDisconnected { node, .. } => Some(("closed", &*node.name)),
            Event::NodeReady { node, .. } => Some(("opened", &*node.name)),
            _ => None,
        });
        let expected = [("closed", "main"), ("opened", "main")];
        assert_eq!(order.collect::<Vec<_>>(), expected);
    });
}

#[test]
fn an_event_of_a_well_known_plugin_has_a_type_of_its_own() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            *node.config() = node.config().clone().with_plugins();
        });
        let client = connect(&sim, builder().node(config("main"))).await;
        play(&client, 1..=1).await;
        let mut events = client.events_of(Kinds::PLUGINS);
        let message = json!({
            "op": "event", "type": "SegmentSkipped", "guildId": "1",
            "segment": { "category": "intro", "start": 0, "end": 5_000 },
        });

        say(&sim, &Disturbance::Text(message.to_string())).await;

        let [
            Event::Plugin {
                guild: of,
                node,
                event,
            },
        ] = &taken(&mut events)[..]
        else {
            panic!("one event");
        };
        assert_eq!((*of, &*node.name), (guild(1), "main"));
        let PluginEvent::SegmentSkipped(segment) = event else {
            panic!("{event:?}");
        };
        assert_eq!(
            (&segment.category, segment.end),
            (&Category::Intro, secs(5))
        );
    });
}

#[test]
fn an_operation_and_an_event_that_nobody_knows_come_with_their_json() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=1).await;
        let mut events = client.events_of(Kinds::UNKNOWN);

        say(&sim, &Disturbance::UnknownOp).await;
        say(&sim, &Disturbance::UnknownEvent(1)).await;

        let operation = json!({ "op": "fakeOp", "data": "unknown op" });
        let event = json!({
            "op": "event", "type": "FakePluginEvent", "guildId": "1",
            "extra": { "nested": [1, 2.5, null, true] },
        });
        let expected = [
            ("fakeOp".to_owned(), None, operation),
            ("FakePluginEvent".to_owned(), Some(guild(1)), event),
        ];
        assert_eq!(unknown(&mut events), expected);
    });
}

#[test]
fn a_message_that_does_not_decode_costs_only_itself() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=1).await;
        let mut events = client.events_of(Kinds::UNKNOWN | Kinds::POSITIONS);

        say(&sim, &Disturbance::MalformedJson).await;
        say(&sim, &Disturbance::WithoutOp).await;
        sim.sleep(secs(10)).await;

        let told = taken(&mut events);
        let causes = told.iter().filter_map(|event| match event {
            Event::Undecodable { node, error } => Some((&*node.name, error.cause)),
            _ => None,
        });
        let expected = [
            ("main", DecodeCause::Truncated),
            ("main", DecodeCause::Shape),
        ];
        assert_eq!(causes.collect::<Vec<_>>(), expected);
        assert!(matches!(told.last(), Some(Event::PlayerUpdate { .. })));
        assert_eq!(handshakes(&sim, "main"), 1, "the connection goes on");
    });
}

/// Lets the node say something odd, and the client hear it.
async fn say(sim: &SimRuntime, what: &Disturbance) {
    sim.with("main", |node| node.disturb(what, node.now()));
    sim.sleep(secs(1)).await;
}

/// Kind, guild and JSON of the unknown messages.
fn unknown(events: &mut EventStream) -> Vec<(String, Option<lavapool::GuildId>, Value)> {
    let told = taken(events).into_iter();
    told.filter_map(|event| match event {
        Event::Unknown {
            guild, kind, raw, ..
        } => Some((
            kind.to_string(),
            guild,
            serde_json::from_str(raw.get()).ok()?,
        )),
        _ => None,
    })
    .collect()
}

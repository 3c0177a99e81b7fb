//! How a client starts: all nodes, some, or none.

use std::time::Duration;

use lavapool::runtime::Tokio;
use lavapool::{ConfigError, ConnectError, Error, NodeConfig, RequestError, Status, Stopped};

use crate::{builder, config, listen, refusing};

#[tokio::test]
async fn a_client_connects_and_reports_its_nodes_in_order() {
    let (first, second) = (listen("first").await, listen("second").await);

    let client = builder()
        .node(config("first", &first).region("eu"))
        .node(config("second", &second))
        .connect()
        .await
        .unwrap();

    let expected = format!(
        "[Lavalink] Node connection report (2/2 connected)\n\
         [CONNECTED] first {} region=eu\n[CONNECTED] second {}",
        first.uri(),
        second.uri(),
    );
    assert_eq!(client.report().to_string(), expected);
    let names: Vec<_> = client.nodes().iter().map(|n| n.name().to_owned()).collect();
    assert_eq!(names, ["first", "second"]);
    let node = client.node("second").unwrap();
    assert_eq!(node.status(), Status::Connected);
    let session = node.session_id().unwrap();
    let sessions = second.with(|node| node.sessions()).await;
    assert_eq!(sessions[0].id, session.expose());
    assert_eq!(sessions[0].user_id, 42);
}

#[tokio::test]
async fn one_connected_node_is_enough_and_the_others_say_what_is_wrong() {
    let (good, locked) = (listen("good").await, listen("locked").await);
    let wrong = NodeConfig::new("locked", &locked.uri(), "wrong").unwrap();

    let client = builder()
        .nodes([wrong, config("good", &good)])
        .connect()
        .await
        .unwrap();

    let report = client.report();
    assert_eq!(report.connected(), 1);
    assert_eq!(
        report.nodes[0].cause.as_deref(),
        Some("the password is wrong (401)")
    );
    let refused = Error::Request(RequestError::Refused {
        node: "locked".into(),
        cause: Stopped::Unauthorized,
    });
    let locked = client.node("locked").unwrap();
    assert_eq!(locked.ready().await.unwrap_err(), refused);
}

#[tokio::test]
async fn without_any_node_the_error_names_each_with_its_cause() {
    let locked = listen("locked").await;
    let wrong = NodeConfig::new("locked", &locked.uri(), "wrong").unwrap();
    let (_reserved, address) = refusing();
    let dead = NodeConfig::new("dead", &format!("http://{address}"), "x").unwrap();

    let connected = builder()
        .nodes([wrong, dead])
        .connect_deadline(Duration::from_millis(300))
        .connect()
        .await;

    let expected = format!(
        "no node is connected: locked ({}): the password is wrong (401); \
         dead (http://{address}): the connection was refused",
        locked.uri()
    );
    assert_eq!(connected.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn without_a_node_configured_there_is_nothing_to_wait_for() {
    let error = builder().connect().await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "no node is connected: none is configured"
    );
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_before_anything_is_dialled() {
    let node = listen("a").await;
    let twice = [config("a", &node), config("a", &node)];

    let error = builder().nodes(twice).connect().await.unwrap_err();

    let name = "a".into();
    assert_eq!(
        error,
        ConnectError::Config(ConfigError::DuplicateName { name })
    );
    assert_eq!(node.with(|node| node.log().handshakes.len()).await, 0);
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // `localhost` may be ::1 first, where nobody listens.
    let node = listen("main").await;
    let uri = format!("http://localhost:{}", node.address().port());
    let by_name = NodeConfig::from_uri("main", &uri).unwrap();

    let client = builder().node(by_name).connect().await.unwrap();

    assert_eq!(client.report().connected(), 1);
}

#[test]
fn a_client_starts_from_outside_of_the_runtime_that_runs_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let node = runtime.block_on(listen("main"));

    let on = Tokio::from(runtime.handle().clone());
    let builder = builder().node(config("main", &node));
    let client = builder.start_on(on).unwrap();

    let ready = client.node("main").unwrap().ready();
    assert!(runtime.block_on(ready).unwrap().is_connected());
}

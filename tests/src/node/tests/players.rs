//! Players: what a PATCH does, and what time does.

use super::*;
use crate::node::{PlayerFate, Voice};

#[test]
fn a_new_player_with_everything_reports_zero_before_its_position() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    let settings = json!({"position": 5000, "volume": 50, "filters": {"volume": 0.5}});
    let body = merged(
        merged(play("a"), voice("t")),
        merged(settings, json!({"paused": true})),
    );
    client.patch(&session, &body);
    let messages = client
        .hear(websocket)
        .into_iter()
        .filter_map(|heard| match heard {
            Heard::Message(message) => {
                Some((name(&message), message["state"]["position"].as_i64()))
            }
            Heard::Http(..) | Heard::Frame(_) | Heard::Closed(_) => None,
        });
    let expected = [
        ("playerUpdate", Some(0)),
        ("playerUpdate", Some(0)),
        ("playerUpdate", Some(5000)),
        ("TrackStartEvent", None),
        ("playerUpdate", Some(5000)),
    ];
    let expected = expected.map(|(name, position)| (name.to_owned(), position));
    assert_eq!(messages.collect::<Vec<_>>(), expected);
}

#[test]
fn a_track_plays_from_its_voice_connection_to_its_end() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &play("a?length=2000"));
    client.wait(secs(10));
    client.patch(&session, &voice("t"));
    client.wait(ms(1999));
    let [player] = &client.node.players(client.now)[..] else {
        panic!("one player")
    };
    assert_eq!(
        (player.position_ms, player.audible, player.connected),
        (1999, true, true)
    );
    client.hear(websocket);
    client.wait(ms(1));
    assert_eq!(client.names(websocket), ["TrackEndEvent finished"]);
}

#[test]
fn an_end_time_ends_a_track_and_a_pause_delays_it() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(
        &session,
        &merged(merged(play("a"), voice("t")), json!({"endTime": 1500})),
    );
    client.wait(secs(1));
    client.patch(&session, &json!({"paused": true}));
    client.wait(secs(3));
    client.patch(&session, &json!({"paused": false}));
    client.wait(ms(499));
    client.hear(websocket);
    client.wait(ms(1));
    assert_eq!(client.names(websocket), ["TrackEndEvent finished"]);
}

#[test]
fn a_timescale_ends_a_track_early() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    let filters = json!({"filters": {"timescale": {"speed": 2.0}}});
    client.patch(
        &session,
        &merged(merged(play("a?length=3000"), voice("t")), filters),
    );
    client.wait(ms(1000));
    let [player] = &client.node.players(client.now)[..] else {
        panic!("one player")
    };
    assert_eq!((player.position_ms, player.content_ms), (1000, 2000));
    client.hear(websocket);
    client.wait(ms(500));
    assert_eq!(client.names(websocket), ["TrackEndEvent finished"]);
}

#[test]
fn a_failed_track_ends_only_when_somebody_listens() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &play("a?fails"));
    let opening = [
        "TrackStartEvent",
        "playerUpdate",
        "playerUpdate",
        "TrackExceptionEvent",
    ];
    assert_eq!(client.names(websocket), opening);
    client.wait(secs(1));
    assert_eq!(client.names(websocket), [""; 0]);
    client.patch(&session, &voice("t"));
    client.wait(ms(0));
    assert_eq!(
        client.names(websocket),
        ["playerUpdate", "TrackEndEvent loadFailed"]
    );
}

#[test]
fn a_filter_out_of_range_breaks_the_track_that_plays() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a"), voice("t")));
    client.wait(secs(1));
    client.hear(websocket);
    let asked = client.patch(&session, &json!({"filters": {"volume": 6.0}}));
    client.wait(ms(0));
    assert_eq!(
        client
            .node
            .log()
            .requests
            .last()
            .and_then(|request| request.status),
        Some(200)
    );
    let expected = [
        "playerUpdate",
        "TrackExceptionEvent",
        "TrackEndEvent finished",
    ];
    assert_eq!(client.names(websocket), expected, "{asked:?}");
}

#[test]
fn a_track_that_nobody_hears_is_cleaned_up() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &play("a"));
    client.wait(ms(61_699));
    client.hear(websocket);
    client.wait(ms(1));
    assert_eq!(client.names(websocket), ["TrackEndEvent cleanup"]);
}

#[test]
fn a_stalled_track_is_stuck_and_stays_where_it_is() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a?stalls=1000"), voice("t")));
    client.wait(ms(10_999));
    client.hear(websocket);
    client.wait(ms(1));
    assert_eq!(client.names(websocket), ["TrackStuckEvent", "playerUpdate"]);
    client.wait(secs(30));
    assert_eq!(client.node.players(client.now)[0].position_ms, 1000);
}

#[test]
fn a_voice_connection_that_the_remote_closes_goes_on_taking_frames() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a"), voice("t")));
    client
        .node
        .close_voice(1, 4014, "Disconnected.", client.now);
    client.wait(secs(2));
    client.hear(websocket);
    let [player] = &client.node.players(client.now)[..] else {
        panic!("one player")
    };
    assert_eq!((player.position_ms, player.connected), (2000, false));
    client.node.lose_voice(1, client.now);
    client.wait(secs(2));
    assert_eq!(client.node.players(client.now)[0].position_ms, 2000);
}

#[test]
fn a_voice_server_out_of_reach_keeps_the_request_for_ever() {
    let mut client = Client::with(|config| config.voice = Voice::Unreachable);
    let (_, session) = client.open_session();
    let asked = client.patch(&session, &merged(json!({"volume": 9}), voice("t")));
    client.wait(secs(600));
    assert_eq!(client.hear(asked), []);
    let [player] = &client.node.players(client.now)[..] else {
        panic!("one player")
    };
    assert_eq!((player.volume, player.connected), (100, false));
}

#[test]
fn a_voice_server_that_fails_is_an_error() {
    let mut client = Client::with(|config| config.voice = Voice::Fails);
    let (_, session) = client.open_session();
    let asked = client.patch(&session, &voice("t"));
    let heard = client.hear(asked);
    let [Heard::Http(500, text)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert!(text.contains("Failed to connect to voice server"));
}

#[test]
fn what_was_applied_before_a_failure_stays() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    let broken = json!({"volume": 30, "paused": true, "track": {"encoded": "AAAA"}});
    let asked = client.patch(&session, &broken);
    let heard = client.hear(asked);
    assert!(matches!(&heard[..], [Heard::Http(500, _)]), "{heard:?}");
    let [player] = &client.node.players(client.now)[..] else {
        panic!("one player")
    };
    assert_eq!(
        (player.volume, player.paused, &player.track),
        (30, true, &None)
    );
}

#[test]
fn no_replace_keeps_the_track_and_takes_the_rest() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    client.patch(&session, &play("a"));
    let path = format!("/v4/sessions/{session}/players/1?noReplace=yes");
    client.ask(
        "PATCH",
        &path,
        &merged(play("b"), json!({"volume": 7, "paused": true})),
    );
    client.ask("PATCH", &path, &json!({"track": {"encoded": null}}));
    let [player] = &client.node.players(client.now)[..] else {
        panic!("one player")
    };
    let title = player.track.as_ref().map(|track| track.title.as_str());
    assert_eq!(
        (title, player.volume, player.paused),
        (Some("Track a"), 7, false)
    );
}

#[test]
fn an_end_time_may_come_later_but_not_too_late() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a"), voice("t")));
    client.wait(secs(1));
    client.patch(&session, &json!({"endTime": 1000}));
    client.wait(secs(1));
    assert_eq!(client.node.players(client.now)[0].end_time_ms, None);
    client.patch(&session, &json!({"endTime": 2500}));
    client.wait(ms(499));
    client.hear(websocket);
    client.wait(ms(1));
    assert_eq!(client.names(websocket), ["TrackEndEvent finished"]);
}

#[test]
fn the_ping_of_a_voice_connection_outlives_it() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    let mut pings = Vec::new();
    for wait in [ms(0), secs(1)] {
        client.patch(&session, &merged(play("a"), voice(&format!("{wait:?}"))));
        client.wait(wait);
        client.hear(websocket);
        client.node.close_voice(1, 4006, "", client.now);
        client.wait(secs(5));
        let heard = client.hear(websocket);
        let Some(Heard::Message(update)) = heard.last() else {
            panic!("{heard:?}")
        };
        pings.push((
            update["state"]["connected"].clone(),
            update["state"]["ping"].clone(),
        ));
    }
    assert_eq!(pings, [(json!(false), json!(0)), (json!(false), json!(1))]);
}

#[test]
fn the_log_says_where_players_were_that_are_no_more() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a?length=7000"), voice("t")));
    client.wait(secs(8));
    client.patch(&session, &play("b"));
    client.wait(secs(2));
    let player = format!("/v4/sessions/{session}/players/1");
    client.ask("DELETE", &player, &Value::Null);
    client.patch(&session, &merged(play("c"), voice("t")));
    client.wait(secs(1));
    client.node.peer_closed(websocket, true, client.now);

    let lost = client.node.log().lost.iter();
    let lost = lost.map(|lost| (lost.fate, lost.player.content_ms));
    assert_eq!(
        lost.collect::<Vec<_>>(),
        [
            (PlayerFate::TrackOver, 7_000),
            (PlayerFate::Deleted, 2_000),
            (PlayerFate::SessionOver, 1_000)
        ]
    );
}

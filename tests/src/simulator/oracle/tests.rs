//! What the oracle hears of a pool that is broken, made by hand: each is found.

use std::time::Duration;

use lavapool_core::node::{Loss, NodeRef, Stopped};
use lavapool_core::player::Update;
use lavapool_core::protocol::{Track, TrackEndReason};
use lavapool_core::{Command, Event, Output, RequestError, SocketId};
use serde_json::json;

use super::{Oracle, Tellings};
use crate::invariant::{Invariant, finds};
use crate::simulator::wire::Message;
use crate::world::{Given, Traced, World, guild, track};

#[test]
fn a_request_to_a_node_without_a_websocket_is_found() {
    let mut ear = Ear::new();
    ear.connects(1);
    ear.asks(1, "GET /v4/info");
    finds(Invariant::DeadNodeLeftAlone, ear.broken());
}

#[test]
fn a_second_websocket_is_found() {
    let mut ear = Ear::ready();
    ear.connects(2);
    ear.asks(2, "GET /v4/websocket");
    finds(Invariant::OneWebSocket, ear.broken());
}

#[test]
fn a_player_that_is_sent_over_and_over_is_found() {
    let mut ear = Ear::ready();
    ear.connects(2);
    for _ in 0..30 {
        ear.orders();
        ear.patches(2);
    }
    assert_eq!(ear.broken(), None);
    // One is sent again as soon as it is answered, a round trip of 0.4 s later.
    for _ in 0..25 {
        ear.passes(Duration::from_millis(400));
        ear.patches(2);
    }
    finds(Invariant::AskedSparingly, ear.broken());
}

#[test]
fn a_socket_that_outlives_the_session_of_its_players_is_found() {
    let mut ear = Ear::ready();
    ear.connects(2);
    ear.patches(2);
    ear.ends(1);
    ear.passes(Duration::from_millis(1));
    ear.says(2, b"HTTP/1.1 200 OK\r\n\r\n");
    finds(Invariant::LostIsLetGo, ear.broken());
}

#[test]
fn a_session_that_is_resumed_though_another_was_later_is_found() {
    let mut ear = Ear::ready();
    ear.ends(1);
    ear.connects(2);
    ear.asks_with(2, "GET /v4/websocket", "Session-Id: another\r\n");
    finds(Invariant::ResumesLatest, ear.broken());
}

#[test]
fn a_dial_before_its_time_is_found() {
    let mut ear = Ear::ready();
    ear.ends(1);
    ear.tells(Event::NodeReconnecting {
        node: node(),
        attempt: 1,
        delay: Duration::from_secs(2),
        loss: Loss::Requested,
    });
    ear.passes(Duration::from_secs(1));
    ear.connects(2);
    finds(Invariant::DialsOnSchedule, ear.broken());
}

#[test]
fn a_node_that_is_given_up_is_found_unless_it_refused_the_pool_or_its_tries_are_used_up() {
    let upgrade_is_answered = |head: &[u8]| {
        let mut ear = Ear::new();
        ear.connects(1);
        ear.asks(1, "GET /v4/websocket");
        ear.says(1, head);
        ear
    };
    for (head, is_found) in [
        (&b"HTTP/1.1 401 Unauthorized\r\n\r\n"[..], false),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", true),
        (b"HTTP/1.1 101 X\r\nLavalink-Api-Version: 3\r\n\r\n", false),
        (b"HTTP/1.1 101 X\r\nLavalink-Api-Version: 4\r\n\r\n", true),
    ] {
        let mut ear = upgrade_is_answered(head);
        ear.stops(Stopped::Unauthorized);
        ear.judges(Invariant::StoppedForAReason, is_found);
    }
    for (failed, attempts, is_found) in [(2, 3, false), (2, 2, true), (1, 3, true)] {
        let mut ear = Ear::new();
        for attempt in 1..=failed {
            ear.tells(Event::NodeReconnecting {
                node: node(),
                attempt,
                delay: Duration::from_secs(2 * u64::from(attempt)),
                loss: Loss::ConnectTimedOut,
            });
        }
        let last = Box::new(Loss::ConnectTimedOut);
        ear.stops(Stopped::GaveUp { attempts, last });
        ear.judges(Invariant::StoppedForAReason, is_found);
    }
}

#[test]
fn a_node_that_is_lost_as_silent_is_found_unless_it_owes_a_pong_or_said_nothing_for_long() {
    const PING: [u8; 8] = [0x89, 0x82, 1, 2, 3, 4, 5, 6];
    for (pinged, waits_s, ponged, is_found) in [
        (false, 58, false, true),
        (false, 59, false, false),
        (true, 9, false, true),
        (true, 10, false, false),
        (true, 10, true, true),
    ] {
        let mut ear = Ear::ready();
        ear.passes(Duration::from_millis(999));
        if pinged {
            ear.sees(&Traced::Wrote(socket(1), PING.to_vec()));
        }
        ear.passes(Duration::from_secs(waits_s));
        if ponged {
            ear.says(1, &[0x8a, 0]);
        } else if pinged {
            // A server that reports is heard, and has not answered.
            ear.frames(r#"{"op":"stats"}"#);
        }
        ear.tells(Event::NodeDisconnected {
            node: node(),
            loss: Loss::Silent,
        });
        ear.judges(Invariant::SilentIsSilent, is_found);
    }
}

#[test]
fn an_event_of_a_node_that_was_there_before_under_this_name_is_found() {
    let mut ear = Ear::new();
    let ready = |node| Event::NodeReady {
        node,
        resumed: false,
    };
    ear.oracle.becomes(0, Some(node().id));
    ear.tells(ready(node()));
    assert_eq!(ear.broken(), None);
    let next = json!({ "slot": 0, "generation": 2 });
    let next = serde_json::from_value(next).expect("it is an id");
    ear.oracle.becomes(0, Some(next));
    ear.tells(ready(node()));
    finds(Invariant::NodeIsThePresentOne, ear.broken());
}

#[test]
fn an_event_that_no_message_was_is_found() {
    let mut ear = Ear::ready();
    ear.tells(starts("one"));
    finds(Invariant::EventsInOrder, ear.broken());
}

#[test]
fn events_in_another_order_are_found() {
    let mut ear = Ear::ready();
    ear.hears_start("one");
    ear.hears_start("another");
    ear.tells(starts("another"));
    assert_eq!(ear.broken(), None);
    ear.tells(starts("one"));
    finds(Invariant::EventsInOrder, ear.broken());
}

#[test]
fn an_event_of_a_session_that_is_over_is_found() {
    let mut ear = Ear::ready();
    ear.hears_start("one");
    ear.passes(Duration::from_secs(1));
    ear.ends(1);
    ear.tells(starts("one"));
    finds(Invariant::EventsNotStale, ear.broken());
}

#[test]
fn an_end_without_news_is_believed_in_the_guild_whose_session_was_resumed_if_nothing_goes_on() {
    let (of_this, of_another) = (guild(1), guild(2));
    for (resumed, goes_on, is_found) in [
        (of_this, None, false),
        (of_this, Some(of_another), false),
        (of_this, Some(of_this), true),
        (of_another, None, true),
    ] {
        let mut ear = Ear::ready();
        ear.oracle.tellings.looked_at(resumed, ear.now);
        if let Some(guild) = goes_on {
            ear.oracle.tellings.goes_on(guild);
        }
        ear.passes(Duration::from_secs(5));
        ear.tells(ends("one"));
        ear.judges_order(is_found);
    }
}

#[test]
fn an_end_of_a_session_that_is_over_is_found_though_another_guild_has_resumed_its_own() {
    let mut ear = Ear::ready();
    ear.oracle.tellings.looked_at(guild(2), ear.now);
    ear.hears("TrackEndEvent", "one", Some("finished"));
    ear.passes(Duration::from_secs(1));
    ear.ends(1);
    ear.tells(ends("one"));
    finds(Invariant::EventsNotStale, ear.broken());
}

#[test]
fn an_end_without_news_is_believed_of_a_track_that_was_lost_when_the_next_is_refused() {
    for (session, plays, is_refused, is_found) in [
        ("session0", [1, 2], true, false),
        ("session0", [1, 1], true, true),
        ("session0", [1, 2], false, true),
        ("over", [1, 1], true, false),
        ("over", [1, 1], false, true),
    ] {
        let mut ear = Ear::ready();
        let tellings = &mut ear.oracle.tellings;
        for play in plays {
            let track = track("one").info.identifier;
            tellings.begins(guild(1), session.into(), track, play);
        }
        if is_refused {
            ear.refuses_the_next();
        }
        ear.tells(ends("one"));
        ear.judges_order(is_found);
    }
}

#[test]
fn an_end_without_news_is_believed_of_a_track_that_was_to_go_when_the_next_is_refused() {
    type Then = fn(&mut Tellings, String);
    let begins_anew: Then = |tellings, one| {
        tellings.goes_out(guild(1), "session0".into(), one, 2);
    };
    let is_sent_twice: Then = |tellings, one| {
        tellings.goes_out(guild(1), "session0".into(), one, 1);
    };
    let is_deleted: Then = |tellings, _| tellings.deletes(guild(1), "session0");
    let others_are: Then = |tellings, _| {
        tellings.deletes(guild(1), "session1");
        tellings.deletes(guild(2), "session0");
    };
    let is_back: Then = |tellings, one| {
        tellings.deletes(guild(1), "session0");
        tellings.begins(guild(1), "session0".into(), one, 1);
    };
    for (then, is_found) in [
        (begins_anew, false),
        (is_sent_twice, true),
        (is_deleted, false),
        (others_are, true),
        (is_back, true),
    ] {
        let mut ear = Ear::ready();
        let (tellings, one) = (&mut ear.oracle.tellings, track("one").info.identifier);
        tellings.begins(guild(1), "session0".into(), one.clone(), 1);
        then(tellings, one);
        ear.refuses_the_next();
        ear.tells(ends("one"));
        ear.judges_order(is_found);
    }
}

#[test]
fn a_track_that_ends_twice_is_found() {
    let mut ear = Ear::ready();
    for _ in 0..2 {
        assert_eq!(ear.broken(), None);
        ear.hears("TrackEndEvent", "one", Some("finished"));
        ear.tells(ends("one"));
    }
    finds(Invariant::EndsOnce, ear.broken());
}

#[test]
fn a_secret_that_is_told_is_found() {
    for secret in ["token-1", "password-of-0", "session0"] {
        let mut ear = Ear::ready();
        ear.hears_start(secret);
        ear.tells(starts(secret));
        finds(Invariant::SecretsHidden, ear.broken());
    }
}

/// An oracle of one server, and the time.
struct Ear {
    oracle: Oracle,
    now: Duration,
}

impl Ear {
    fn new() -> Self {
        let oracle = Oracle::new(&["a".to_owned()], Duration::ZERO, Some(2));
        let now = Duration::from_secs(10);
        Self { oracle, now }
    }

    /// One that has heard of a WebSocket, socket 1, that is ready.
    fn ready() -> Self {
        let mut ear = Self::new();
        ear.connects(1);
        ear.asks(1, "GET /v4/websocket");
        ear.says(
            1,
            b"HTTP/1.1 101 Switching Protocols\r\nLavalink-Api-Version: 4\r\n\r\n",
        );
        ear.frames(r#"{"op":"ready","resumed":false,"sessionId":"session0"}"#);
        ear.passes(Duration::from_millis(1));
        assert_eq!(ear.broken(), None);
        ear
    }

    fn broken(&self) -> Option<&crate::invariant::Broken> {
        self.oracle.broken.as_ref()
    }

    /// Events are out of order, or nothing is amiss.
    #[track_caller]
    fn judges_order(&self, is_found: bool) {
        self.judges(Invariant::EventsInOrder, is_found);
    }

    /// This is broken, or nothing is.
    #[track_caller]
    fn judges(&self, invariant: Invariant, is_found: bool) {
        if is_found {
            finds(invariant, self.broken());
        } else {
            assert_eq!(self.broken(), None);
        }
    }

    /// The node is given up.
    fn stops(&mut self, cause: Stopped) {
        self.tells(Event::NodeStopped {
            node: node(),
            cause,
        });
    }

    /// A play is refused.
    fn refuses_the_next(&mut self) {
        let (status, message) = (400, None);
        let mut world = World::builder().nodes(["a"]).connected();
        let command = world.play(guild(1), &track("next"));
        let refused = Err(RequestError::Rejected { status, message });
        let tellings = &mut self.oracle.tellings;
        tellings.answered(guild(1), command, &refused, self.now);
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
    }

    fn sees(&mut self, traced: &Traced) {
        self.oracle.see(self.now, traced);
    }

    fn tells(&mut self, event: Event) {
        self.sees(&Traced::Event(event));
    }

    fn connects(&mut self, number: u32) {
        let endpoint = "http://a:2333".parse().expect("it is one");
        self.sees(&Traced::Output(Output::Connect(socket(number), endpoint)));
    }

    fn ends(&mut self, number: u32) {
        self.sees(&Traced::Output(Output::Close(socket(number))));
    }

    fn says(&mut self, number: u32, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.sees(&Traced::Given(Given::Received(socket(number), bytes)));
    }

    /// The server says something on the WebSocket.
    fn frames(&mut self, text: &str) {
        let length = u8::try_from(text.len()).expect("it is short");
        self.says(1, &[&[0x81, length], text.as_bytes()].concat());
    }

    /// A message of a player arrived.
    fn hears(&mut self, kind: &str, name: &str, reason: Option<&str>) {
        let message = json!({
            "op": "event",
            "type": kind,
            "guildId": "1",
            "reason": reason,
            "track": { "info": { "identifier": called(name).info.identifier } },
        });
        let message: Message = serde_json::from_value(message).expect("it is one");
        let session = "session0".to_owned();
        self.oracle.tellings.arrived(0, session, message, self.now);
    }

    fn hears_start(&mut self, name: &str) {
        self.hears("TrackStartEvent", name, None);
    }

    fn asks(&mut self, number: u32, what: &str) {
        self.asks_with(number, what, "");
    }

    fn asks_with(&mut self, number: u32, what: &str, fields: &str) {
        let head = format!("{what} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        self.sees(&Traced::Wrote(socket(number), head.into_bytes()));
    }

    /// The player is changed, and that is confirmed.
    fn patches(&mut self, number: u32) {
        self.asks(number, "PATCH /v4/sessions/session0/players/1");
        self.says(number, b"HTTP/1.1 200 OK\r\n\r\n");
    }

    /// The application asks for a change of the player.
    fn orders(&mut self) {
        let update = Command::Update {
            guild: guild(1),
            node: None,
            update: Update::default(),
        };
        let id = serde_json::from_value(json!(1)).expect("it is a number");
        self.sees(&Traced::Given(Given::Submitted(update, Some(id))));
    }
}

fn socket(number: u32) -> SocketId {
    let id = json!({ "slot": number, "generation": 1 });
    serde_json::from_value(id).expect("it is an id")
}

fn node() -> NodeRef {
    let id = json!({ "slot": 0, "generation": 1 });
    NodeRef {
        id: serde_json::from_value(id).expect("it is an id"),
        name: "a".into(),
    }
}

fn called(name: &str) -> Track {
    track(name)
}

fn starts(name: &str) -> Event {
    Event::TrackStart {
        guild: guild(1),
        track: called(name).into(),
    }
}

fn ends(name: &str) -> Event {
    Event::TrackEnd {
        guild: guild(1),
        track: called(name).into(),
        reason: TrackEndReason::Finished,
    }
}

//! Programs that are slow, give up, or panic, and what the client makes of that: on each runtime,
//! over real sockets.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use lavapool::runtime::Runtime;
use lavapool::{
    Builder, ChannelId, Client, Error, Event, Kinds, Leaving, Limits, LoadHandler, Player, Secret,
    Shard, Status, Stopped, Strategy, SubmitError, VoiceServerUpdate, VoiceStateUpdate, Volume,
};
use lavapool_tests::node::{AnswerKind, Disturbance, Listener, RequestRecord, TestNode};
use tokio::sync::oneshot;

use crate::hosts::on_each_runtime;
use crate::panicking::Panicking;
use crate::{Servers, builder, guild, song};

on_each_runtime! {
    an_application_that_reads_no_event_delays_nothing_and_is_told_what_it_missed,
    a_full_inbox_refuses_at_once_and_is_free_again_later,
    waits_that_are_dropped_leave_what_was_asked_whole,
    a_start_that_is_given_up_leaves_no_connection,
    a_wait_for_an_event_that_is_dropped_loses_none,
    handles_that_are_dropped_amid_requests_leave_politely,
    handles_that_are_dropped_leave_the_music_playing,
    a_driver_that_is_dropped_answers_everybody_and_drops_its_connections,
    a_strategy_that_panics_is_none,
    a_gateway_that_panics_is_spoken_to_again,
    a_load_handler_that_panics_takes_only_its_own_task,
    a_waker_that_panics_takes_only_its_own_task,
    a_task_that_panics_takes_nothing_but_its_own_handles,
    a_runtime_that_panics_ends_the_client_with_an_answer_to_everybody,
}

async fn an_application_that_reads_no_event_delays_nothing_and_is_told_what_it_missed<
    R: Runtime,
>(
    on: R,
    servers: &Servers,
) {
    let limits = Limits {
        events_max: 16,
        ..Limits::default()
    };
    let (client, player) = playing(builder().limits(limits), on, servers).await;
    let mut unread = client.events_of(Kinds::UNKNOWN);
    for _ in 0..20 {
        let disturb = |node: &mut TestNode| {
            (0..50).for_each(|_| node.disturb(&Disturbance::UnknownOp, node.now()));
        };
        servers.first.with(disturb).await;
        client.node("first").unwrap().ping().await.unwrap();
        player.pause().await.unwrap();
        player.resume().await.unwrap();
    }

    let dropped = unread.try_next();
    let left = std::iter::from_fn(|| unread.try_next()).count();
    let Some(Event::Lagged { dropped }) = dropped else {
        panic!("{dropped:?}");
    };
    assert!((1..=16).contains(&left), "{left}");
    assert_eq!(dropped + left as u64, 1_000);
    well(&client, &servers.first).await;
}

async fn a_full_inbox_refuses_at_once_and_is_free_again_later<R: Runtime>(
    on: R,
    servers: &Servers,
) {
    let limits = Limits {
        commands_max: 4,
        ..Limits::default()
    };
    let (client, player) = playing(builder().limits(limits), on, servers).await;

    let waits: Vec<_> = (0..10_000).map(|_| player.pause()).collect();
    let full = Err(Error::Submit(SubmitError::TooManyCommands { max: 4 }));
    let mut refused = 0;
    let mut accepted = Vec::new();
    for mut wait in waits {
        match now(&mut wait) {
            Some(answer) => refused += usize::from(answer == full),
            None => accepted.push(wait),
        }
    }
    assert!(refused > 0);
    for wait in accepted {
        // The pool has as little room as the way to it.
        let answer = wait.await;
        assert!(answer == Ok(()) || answer == full, "{answer:?}");
    }
    player.resume().await.unwrap();
    well(&client, &servers.first).await;
}

async fn waits_that_are_dropped_leave_what_was_asked_whole<R: Runtime>(on: R, servers: &Servers) {
    let (client, player) = playing(builder(), on, servers).await;
    for round in 0..200_u16 {
        let volume = 30 + round;
        let mut wait = player.set_volume(volume);
        let mut lookup = client.load_tracks("https://tracks.test/song");
        // At whatever moment of the request this is.
        for _ in 0..round % 8 {
            let polled = (now(&mut wait), now(&mut lookup));
            if polled.0.is_some() || polled.1.is_some() {
                break;
            }
            servers.first.with(|_| ()).await;
        }
        drop((wait, lookup));
        if round % 10 == 9 {
            player.pause().await.unwrap();
            player.resume().await.unwrap();
            assert_eq!(player.volume(), Volume::from(volume));
            let theirs = servers.first.with(|node| node.players(node.now())).await;
            assert_eq!((theirs[0].volume, theirs.len()), (i32::from(volume), 1));
        }
    }
    well(&client, &servers.first).await;
}

async fn a_start_that_is_given_up_leaves_no_connection<R: Runtime + Clone>(
    on: R,
    servers: &Servers,
) {
    for polls in 1..20 {
        let builder = servers.lead(builder()).node(servers.config("first"));
        let mut start = Box::pin(builder.connect_on(on.clone()));
        let waker = Waker::noop();
        for _ in 0..polls {
            if start
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_ready()
            {
                break;
            }
            servers.first.with(|_| ()).await;
        }
        drop(start);
    }

    while !gone(&servers.first).await {}
    let violations = servers.first.with(|node| node.log().violations.clone());
    assert_eq!(violations.await, []);
}

async fn a_wait_for_an_event_that_is_dropped_loses_none<R: Runtime>(on: R, servers: &Servers) {
    let (client, _player) = playing(builder(), on, servers).await;
    let mut events = client.events_of(Kinds::UNKNOWN);
    client.node("first").unwrap().ping().await.unwrap();
    let mut taken = 0;
    for _ in 0..100 {
        let next = pin!(events.next());
        let polled = next.poll(&mut Context::from_waker(Waker::noop()));
        taken += usize::from(polled.is_ready());
        let disturb = |node: &mut TestNode| node.disturb(&Disturbance::UnknownOp, node.now());
        servers.first.with(disturb).await;
    }
    while taken < 100 {
        events.next().await.unwrap();
        taken += 1;
    }
    assert_eq!(events.try_next(), None);
}

async fn handles_that_are_dropped_amid_requests_leave_politely<R: Runtime + Clone>(
    on: R,
    servers: &Servers,
) {
    for round in 0..20 {
        let (client, player) = playing(builder(), on.clone(), servers).await;
        drop(player.set_volume(30));
        let _lookup = client.load_tracks("https://tracks.test/song");
        for _ in 0..round % 7 {
            servers.first.with(|_| ()).await;
        }
        drop((client, player, _lookup));

        while !gone(&servers.first).await {}
        let is_asked_for = |request: &&RequestRecord| request.body == br#"{"volume":30}"#;
        let look = move |node: &mut TestNode| {
            let log = node.log();
            let quieter = log.requests.iter().filter(is_asked_for).count();
            (log.frames.close, quieter as u64, log.violations.clone())
        };
        let seen = servers.first.with(look).await;
        assert_eq!(seen, (round + 1, round + 1, vec![]));
    }
}

async fn handles_that_are_dropped_leave_the_music_playing<R: Runtime>(on: R, servers: &Servers) {
    let (client, player) = playing(builder(), on, servers).await;
    speak(&client);
    let node = client.node("first").unwrap();
    // What a node was not asked to keep yet, or has not agreed to, it does not.
    while !node.view().resumable {
        node.ping().await.unwrap();
    }
    player.pause().await.unwrap();
    player.resume().await.unwrap();
    drop((client, player, node));
    while !gone(&servers.first).await {}

    let look = |node: &mut TestNode| node.players(node.now());
    let left = servers.first.with(look).await;
    assert_eq!(left.len(), 1);
    let mut later = left.clone();
    while later[0].position_ms <= left[0].position_ms {
        later = servers.first.with(look).await;
        assert!(later[0].audible && !later[0].paused, "{later:?}");
    }
    let sessions = servers.first.with(|node| node.sessions()).await;
    assert!(matches!(&*sessions, [kept] if kept.expires_at.is_some()));
}

async fn a_driver_that_is_dropped_answers_everybody_and_drops_its_connections<R: Runtime>(
    on: R,
    servers: &Servers,
) {
    let builder = servers.lead(builder()).node(servers.config("first"));
    let (client, driver) = builder.build_on(on).unwrap();
    let mut events = client.events();
    let mut driver = Box::pin(driver);
    let node = client.node("first").unwrap();
    beside(&mut driver, node.ready()).await.unwrap();
    // One poll of the driver may be time enough for an answer.
    let mute = |node: &mut TestNode| node.faults().unanswered.insert(AnswerKind::Player);
    servers.first.with(mute).await;
    let wait = client.player(guild(1)).update(song());
    assert!(now(&mut driver).is_none());

    assert_eq!(client.report().connected(), 1);
    drop(driver);

    assert_closed(&client);
    assert_eq!(wait.await, Err(Error::Closed));
    while events.next().await.is_some() {}
    while !gone(&servers.first).await {}
}

async fn a_strategy_that_panics_is_none<R: Runtime>(on: R, servers: &Servers) {
    let panics = || Strategy::custom(|_, _| panic!("a strategy with a bug"));
    let client = builder().strategy(panics()).node(servers.config("first"));
    let client = servers.lead(client).connect_on(on).await.unwrap();
    let mut events = client.events();

    client.player(guild(1)).update(song()).await.unwrap();

    let is_failure = |event: &Event| matches!(event, Event::StrategyFailed { .. });
    while !is_failure(&events.next().await.unwrap()) {}
    assert_eq!(client.best_node_by(&panics()), client.node("first"));
    well(&client, &servers.first).await;
}

async fn a_gateway_that_panics_is_spoken_to_again<R: Runtime>(on: R, servers: &Servers) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let builder = builder().gateway(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        panic!("a gateway with a bug");
    });
    let (client, _player) = playing(builder, on, servers).await;
    speak(&client);
    let mut events = client.events_of(Kinds::GATEWAY);
    for round in 1..=2 {
        client.gateway_ready(Shard::ALONE).await.unwrap();
        events.next().await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), round);
        speak(&client);
    }
    well(&client, &servers.first).await;
}

async fn a_load_handler_that_panics_takes_only_its_own_task<R: Runtime>(on: R, servers: &Servers) {
    let (client, _player) = playing(builder(), on, servers).await;
    let handler = LoadHandler::new().track_loaded(|_| -> () { panic!("a handler with a bug") });
    let mut load = Box::pin(client.load_tracks_with("https://tracks.test/song", handler));

    let panicked = panic_of(|cx| load.as_mut().poll(cx).map(drop)).await;

    assert_eq!(panicked, "a handler with a bug");
    well(&client, &servers.first).await;
}

async fn a_waker_that_panics_takes_only_its_own_task<R: Runtime>(on: R, servers: &Servers) {
    let (client, player) = playing(builder(), on, servers).await;
    let bomb = Arc::new(Bomb(AtomicUsize::new(0)));
    let bombs = Waker::from(bomb.clone());
    let mut events = client.events_of(Kinds::UNKNOWN);
    let mut next = pin!(events.next());
    let mut wait = player.set_volume(40);
    for _ in 0..2 {
        let cx = &mut Context::from_waker(&bombs);
        assert!(next.as_mut().poll(cx).is_pending());
    }
    let polled = Pin::new(&mut wait).poll(&mut Context::from_waker(&bombs));
    let is_answered = polled.is_ready();

    let disturb = |node: &mut TestNode| node.disturb(&Disturbance::UnknownOp, node.now());
    servers.first.with(disturb).await;
    player.pause().await.unwrap();

    assert_eq!(player.volume(), Volume::from(40));
    while bomb.0.load(Ordering::SeqCst) < 2 - usize::from(is_answered) {
        client.node("first").unwrap().ping().await.unwrap();
    }
    well(&client, &servers.first).await;
}

async fn a_task_that_panics_takes_nothing_but_its_own_handles<R: Runtime + Clone>(
    on: R,
    servers: &Servers,
) {
    let (client, player) = playing(builder(), on.clone(), servers).await;
    let (told, over) = oneshot::channel::<()>();
    let handles = (client.clone(), player.clone());
    on.spawn(async move {
        // Dropped after the handles.
        let _told = told;
        let (of, owned) = handles;
        let _stream = of.events();
        let _wait = owned.set_volume(40);
        let _lookup = of.load_tracks("never waited for");
        panic!("the bot has a bug");
    });
    assert!(over.await.is_err(), "nothing was told");

    player.pause().await.unwrap();
    assert_eq!(player.volume(), Volume::from(40));
    servers.first.kill().await;
    servers.first.restart().await;
    client.node("first").unwrap().reconnect().await.unwrap();
    well(&client, &servers.first).await;
}

async fn a_runtime_that_panics_ends_the_client_with_an_answer_to_everybody<R: Runtime>(
    on: R,
    servers: &Servers,
) {
    let panics = Arc::new(AtomicBool::new(false));
    let builder = servers.lead(builder()).node(servers.config("first"));
    let client = builder.start_on(Panicking(on, panics.clone())).unwrap();
    client.node("first").unwrap().ready().await.unwrap();
    let mut events = client.events();
    let mute = |node: &mut TestNode| node.faults().unanswered.insert(AnswerKind::Load);
    servers.first.with(mute).await;
    let wait = client.load_tracks("never answered");

    assert_eq!(client.report().connected(), 1);
    panics.store(true, Ordering::SeqCst);
    drop(client.add_node_detached(servers.config("second")));

    assert_eq!(wait.await.unwrap_err(), Error::Closed);
    assert_closed(&client);
    while events.next().await.is_some() {}
    assert!(events.is_ended());
    let late = client.load_tracks("late").await;
    assert_eq!(late.unwrap_err(), Error::Closed);
    while !gone(&servers.first).await {}
}

/// A client with a player on the first node.
async fn playing<R: Runtime>(builder: Builder, on: R, servers: &Servers) -> (Client, Player) {
    let builder = servers.lead(builder).node(servers.config("first"));
    let client = builder.connect_on(on).await.unwrap();
    let player = client.player(guild(1));
    player.update(song()).await.unwrap();
    (client, player)
}

/// Fails unless the client does as it should to its end.
async fn well(client: &Client, on: &Listener) {
    let player = client.player(guild(2));
    player.update(song()).await.unwrap();
    client.close(Leaving::Destroy).await.unwrap();
    let (players, violations) = on
        .with(|node| (node.players(node.now()), node.log().violations.clone()))
        .await;
    assert_eq!((players, violations), (vec![], vec![]));
}

/// Fails unless the handles show that the first node is not connected any more, and why.
fn assert_closed(client: &Client) {
    let view = client.node("first").unwrap().view();
    let shown = (view.status, view.stopped, client.report().connected());
    assert_eq!(shown, (Status::Disconnected, Some(Stopped::Closed), 0));
}

/// Whether nobody is connected to a node any more.
async fn gone(from: &Listener) -> bool {
    from.with(|node| node.connections().is_empty()).await
}

/// Waits for something with a driver that nobody else polls.
pub(crate) async fn beside<T>(
    driver: &mut (impl Future<Output = ()> + Unpin),
    wait: impl Future<Output = T>,
) -> T {
    let mut wait = pin!(wait);
    poll_fn(|cx| {
        let is_over = Pin::new(&mut *driver).poll(cx).is_ready();
        assert!(!is_over, "the client is open");
        wait.as_mut().poll(cx)
    })
    .await
}

/// Lets Discord say where the bot is.
fn speak(client: &Client) {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(1),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
    client.voice_server_update(VoiceServerUpdate {
        guild: guild(1),
        token: Secret::from("voice token"),
        endpoint: Some("frankfurt1234.discord.media:443".into()),
    });
}

/// What is there already.
pub(crate) fn now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let polled = Pin::new(future).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Polls until that panics, and returns with which words.
async fn panic_of(mut poll: impl FnMut(&mut Context<'_>) -> Poll<()>) -> &'static str {
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| poll(cx)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready("it did not panic"),
            Err(words) => Poll::Ready(*words.downcast().unwrap()),
        }
    })
    .await
}

/// A waker of a runtime with a bug, and how often it was called.
struct Bomb(AtomicUsize);

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a waker with a bug");
    }
}

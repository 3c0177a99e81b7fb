//! What one poll of the driver does at most, on each runtime and over real sockets. What the order
//! is in which it becomes visible, `turns` tests in virtual time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use lavapool::runtime::Runtime;
use lavapool::{Leaving, Limits, Pending, Player};

use crate::careless::now;
use crate::hosts::on_each_runtime;
use crate::{Servers, builder, guild, song};

on_each_runtime! {
    a_poll_takes_asks_and_shows_no_more_than_it_may,
}

const PLAYERS: usize = 6_000;
/// What the documentation of [`lavapool::Driver`] says of one poll.
const TAKEN_MAX: usize = 4 * 256;
const HANDED_MAX: usize = 4 * 1024;

async fn a_poll_takes_asks_and_shows_no_more_than_it_may<R: Runtime>(on: R, servers: &Servers) {
    let limits = Limits {
        commands_max: 4 * PLAYERS,
        ..Limits::default()
    };
    servers.first.kill().await;
    let builder = servers.lead(builder().limits(limits));
    let (client, driver) = builder.node(servers.config("first")).build_on(on).unwrap();
    let mut driver = Box::pin(driver);

    let players: Vec<_> = (1..)
        .take(PLAYERS)
        .map(|id| client.player(guild(id)))
        .collect();
    // No node is there to play, so these wait; those after them are answered by who takes them.
    let mut plays: Vec<_> = players.iter().map(|player| player.update(song())).collect();
    let mut waits: Vec<_> = players
        .iter()
        .map(|_| client.set_cache_capacity(1))
        .collect();
    let taken = steps(&mut driver, || answered(&mut waits)).await;
    assert_bounded(&taken, TAKEN_MAX);
    assert_eq!(answered(&mut plays), 0);

    // All of them get their place at once.
    servers.first.restart().await;
    drop(client.node("first").unwrap().reconnect());
    let is_placed = |player: &&Player| player.node().is_some();
    let placed = || players.iter().filter(is_placed).count();
    assert_eq!(placed(), 0);
    let shown = steps(&mut driver, placed).await;
    assert_bounded(&shown, HANDED_MAX);

    drop(client.close(Leaving::Keep));
    let before = answered(&mut plays);
    let mut handed = steps(&mut driver, || answered(&mut plays)).await;
    handed.push(before);
    assert_bounded(&handed, HANDED_MAX);
}

/// How much of what is counted each poll brought, until it is all.
async fn steps(
    driver: &mut (impl Future<Output = ()> + Unpin),
    mut count: impl FnMut() -> usize,
) -> Vec<usize> {
    let mut counts = vec![count()];
    poll_fn(|cx| {
        let polled = Pin::new(&mut *driver).poll(cx);
        counts.push(count());
        let is_all = counts.last() == Some(&(PLAYERS));
        assert!(
            is_all || polled.is_pending(),
            "it ended too early: {counts:?}"
        );
        if is_all {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    counts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// How many of these are answered.
fn answered<T>(waits: &mut Vec<Pending<T>>) -> usize {
    waits.retain_mut(|wait| now(wait).is_none());
    PLAYERS - waits.len()
}

fn assert_bounded(steps: &[usize], max: usize) {
    assert_eq!(steps.iter().sum::<usize>(), PLAYERS, "{steps:?}");
    assert!(steps.iter().all(|step| *step <= max), "{steps:?}");
}

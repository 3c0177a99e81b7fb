//! The runtimes that every scenario is run on.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use lavapool::runtime::{AsyncStd, Runtime, Smol, Timer, Tokio};
use lavapool_tests::tell;

use crate::{Servers, Way};

/// Makes a test of each of these scenarios for each runtime, with a name of its own where the way
/// to the nodes is not the plain one.
macro_rules! on_each_runtime {
    ($($scenario:ident),+ $(,)?) => {
        $crate::hosts::on_each_runtime! { $($scenario: $scenario by Plain),+ }
    };
    ($($(#[$meta:meta])* $name:ident: $scenario:ident by $way:ident),+ $(,)?) => {
        mod on_tokio {
            $($(#[$meta])* #[test] fn $name() {
                crate::hosts::tokio(stringify!($scenario), crate::Way::$way, super::$scenario);
            })+
        }
        mod on_async_std {
            $($(#[$meta])* #[test] fn $name() {
                crate::hosts::async_std(stringify!($scenario), crate::Way::$way, super::$scenario);
            })+
        }
        mod on_smol {
            $($(#[$meta])* #[test] fn $name() {
                crate::hosts::smol(stringify!($scenario), crate::Way::$way, super::$scenario);
            })+
        }
    };
}
pub(crate) use on_each_runtime;

pub(crate) fn tokio(name: &str, way: Way, scenario: impl AsyncFnOnce(Tokio, &Servers)) {
    with_servers(
        &format!("{name} on tokio by {way:?}"),
        way,
        |name, servers| {
            servers.tokio.block_on(async {
                let on = Tokio::current();
                within(name, on.clone(), scenario(on, servers)).await;
            });
        },
    );
}

pub(crate) fn async_std(name: &str, way: Way, scenario: impl AsyncFnOnce(AsyncStd, &Servers)) {
    let name = format!("{name} on async-std by {way:?}");
    with_servers(&name, way, |name, servers| {
        let on = AsyncStd::global();
        async_std::task::block_on(within(name, on.clone(), scenario(on, servers)));
    });
}

pub(crate) fn smol(name: &str, way: Way, scenario: impl AsyncFnOnce(Smol, &Servers)) {
    let name = format!("{name} on smol by {way:?}");
    with_servers(&name, way, |name, servers| {
        let on = Smol::global();
        ::smol::block_on(within(name, on.clone(), scenario(on, servers)));
    });
}

/// Runs a scenario with nodes that this way leads to, and fails if another one was taken.
fn with_servers(name: &str, way: Way, run: impl FnOnce(&str, &Servers)) {
    if !way.is_open() {
        tell(&format!("skipped: {name}: nginx is not installed"));
        return;
    }
    let servers = Servers::start(way);
    run(name, &servers);
    servers.assert_way();
}

/// Runs a scenario to its end, or panics after a minute.
pub(crate) async fn within<R: Runtime>(name: &str, runtime: R, scenario: impl Future<Output = ()>) {
    let mut timer = runtime.timer();
    timer.reset(runtime.now() + WITHIN);
    let mut scenario = pin!(scenario);
    poll_fn(|cx| match scenario.as_mut().poll(cx) {
        Poll::Pending if timer.poll(cx).is_ready() => panic!("{name}: it takes too long"),
        polled => polled,
    })
    .await;
    tell(&format!("ran: {name}"));
}

const WITHIN: Duration = Duration::from_secs(60);

//! The runtimes that every scenario is run on.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use lavapool::runtime::{AsyncStd, Runtime, Smol, Timer, Tokio};

use crate::{Servers, Way};

/// Makes a test of each of these scenarios for each runtime.
macro_rules! on_each_runtime {
    ($($scenario:ident),+ $(,)?) => {
        mod on_tokio {
            $(#[test] fn $scenario() {
                crate::hosts::tokio(stringify!($scenario), crate::Way::Plain, super::$scenario);
            })+
        }
        mod on_async_std {
            $(#[test] fn $scenario() {
                crate::hosts::async_std(stringify!($scenario), crate::Way::Plain, super::$scenario);
            })+
        }
        mod on_smol {
            $(#[test] fn $scenario() {
                crate::hosts::smol(stringify!($scenario), crate::Way::Plain, super::$scenario);
            })+
        }
    };
}
pub(crate) use on_each_runtime;

pub(crate) fn tokio(name: &str, way: Way, scenario: impl AsyncFnOnce(Tokio, &Servers)) {
    let servers = Servers::start(way);
    servers.tokio.block_on(async {
        let on = Tokio::current();
        let scenario = scenario(on.clone(), &servers);
        within(&format!("{name} on tokio, {way:?}"), on, scenario).await;
    });
    servers.assert_way();
}

pub(crate) fn async_std(name: &str, way: Way, scenario: impl AsyncFnOnce(AsyncStd, &Servers)) {
    let (servers, on) = (Servers::start(way), AsyncStd::global());
    let name = format!("{name} on async-std, {way:?}");
    let scenario = scenario(on.clone(), &servers);
    async_std::task::block_on(within(&name, on, scenario));
    servers.assert_way();
}

pub(crate) fn smol(name: &str, way: Way, scenario: impl AsyncFnOnce(Smol, &Servers)) {
    let (servers, on) = (Servers::start(way), Smol::global());
    let name = format!("{name} on smol, {way:?}");
    let scenario = scenario(on.clone(), &servers);
    ::smol::block_on(within(&name, on, scenario));
    servers.assert_way();
}

/// Runs a scenario to its end, or panics after a minute.
pub(crate) async fn within<R: Runtime>(name: &str, runtime: R, scenario: impl Future<Output = ()>) {
    println!("runs: {name}");
    let mut timer = runtime.timer();
    timer.reset(runtime.now() + WITHIN);
    let mut scenario = pin!(scenario);
    poll_fn(|cx| match scenario.as_mut().poll(cx) {
        Poll::Pending if timer.poll(cx).is_ready() => panic!("{name}: it takes too long"),
        polled => polled,
    })
    .await;
    println!("went well: {name}");
}

const WITHIN: Duration = Duration::from_secs(60);

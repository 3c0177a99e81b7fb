//! A driver that is given no time, in virtual time: what came meanwhile counts before the
//! deadlines that have passed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lavapool::{Error, LoadResult, NodeFailure, RequestError};
use lavapool_tests::node::{AnswerKind, Disturbance, TestNode};
use lavapool_tests::sim::SimRuntime;

use crate::flooding::{Flood, Flooding};
use crate::watch::{Watch, watched_on};
use crate::{add, builder, config};

#[test]
fn what_came_while_the_driver_had_no_time_counts_before_the_deadline_that_has_passed() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched_on(&sim, sim.clone(), builder()).await;
        let node = client.node("main").unwrap();
        sim.sleep(Duration::from_secs(1)).await;

        // The pong finds nobody until long after its deadline.
        let ping = node.ping();
        hold_for(&sim, &watch, Duration::from_secs(20)).await;

        ping.await.unwrap();
        assert_eq!(node.view().loss, None);
    });
}

#[test]
fn the_pongs_of_many_nodes_are_all_heard() {
    SimRuntime::run(|sim| async move {
        let names: Vec<_> = (0..300).map(|number| format!("node-{number}")).collect();
        names.iter().for_each(|name| add(&sim, name));
        let builder = builder().nodes(names.iter().map(|name| config(name)));
        let (client, watch) = watched_on(&sim, sim.clone(), builder).await;
        sim.sleep(Duration::from_secs(1)).await;
        let nodes = client.nodes();
        assert_eq!(client.report().connected(), 301);

        let pings: Vec<_> = nodes.iter().map(|node| node.ping()).collect();
        hold_for(&sim, &watch, Duration::from_secs(20)).await;

        for ping in pings {
            ping.await.unwrap();
        }
        let lost = nodes.iter().filter(|node| node.view().loss.is_some());
        assert_eq!(lost.count(), 0);
    });
}

#[test]
fn a_long_answer_is_heard_and_its_request_goes_out_once() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched_on(&sim, sim.clone(), builder()).await;
        sim.sleep(Duration::from_secs(1)).await;

        let lookup = client.load_tracks("https://tracks.test/playlist/long?tracks=10000");
        hold_for(&sim, &watch, Duration::from_secs(40)).await;

        let LoadResult::Playlist(long) = lookup.await.unwrap() else {
            panic!("it is a playlist");
        };
        assert_eq!(long.tracks.len(), 10_000);
        let asked = sim.with("main", |node| {
            let is_lookup = |path: &str| path.ends_with("/loadtracks");
            let requests = node.log().requests.iter();
            requests.filter(|sent| is_lookup(sent.path())).count()
        });
        assert_eq!(asked, 1);
    });
}

#[test]
fn a_deadline_is_kept_beside_a_socket_that_is_never_read_dry() {
    SimRuntime::run(|sim| async move {
        let flood = Arc::new(Flood::default());
        let on = Flooding(sim.clone(), flood.clone());
        let (client, watch) = watched_on(&sim, on, builder()).await;
        let mute = |node: &mut TestNode| node.faults().unanswered.insert(AnswerKind::Load);
        sim.with("main", mute);
        sim.sleep(Duration::from_secs(1)).await;

        let within = client.within(Duration::from_secs(10));
        let lookup = within.load_tracks("never answered");
        flood.lasts.store(true, Ordering::SeqCst);
        let disturb = |node: &mut TestNode| node.disturb(&Disturbance::UnknownOp, node.now());
        sim.with("main", disturb);
        hold_for(&sim, &watch, Duration::from_secs(20)).await;
        let answer = lookup.await;
        flood.lasts.store(false, Ordering::SeqCst);

        let late = RequestError::NodeFailed(NodeFailure::TimedOut);
        assert_eq!(answer, Err(Error::Request(late)));
        let looks = flood.bytes.load(Ordering::SeqCst) / LOOK_BYTES;
        assert!((LOOKS..LOOKS + 16).contains(&looks), "{looks}");
        assert_eq!(client.node("main").unwrap().view().loss, None);
    });
}

/// Lets what was asked for leave, and gives the driver no time from then on.
async fn hold_for(sim: &SimRuntime, watch: &Watch, time: Duration) {
    sim.sleep(Duration::from_nanos(1)).await;
    watch.hold(true);
    sim.sleep(time).await;
    watch.hold(false);
}

/// What the documentation of [`lavapool::Driver`] says of a peer that sends without end.
const LOOKS: usize = 256;
const LOOK_BYTES: usize = 64 * 1024;

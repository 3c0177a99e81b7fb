//! How long workloads take beside what they are compared with, and what they may take at most.

use std::hint::black_box;
use std::time::Instant;

use lavapool_core::protocol::LoadResult;

use crate::workloads::{self, Choosing, Failover, MessageMix, RawLoop, Work};
use crate::{plain, server};

/// How often each is measured; the shortest counts, which is the one that was disturbed least.
const ROUNDS: usize = 15;

/// Measures everything and prints it.
pub fn print() {
    compare_with_raw_loop();
    choices();
    failovers();
    playlist();
}

fn compare_with_raw_loop() {
    let (mut mix, mut raw) = (MessageMix::new(), RawLoop::new());
    let times = shortest(&mut [&mut mix, &mut raw], ROUNDS);
    let ratio = times[0] / times[1];
    println!("message mix: {ratio:.2} x the time of the raw loop (1.3 at most)");
}

fn choices() {
    for (nodes, nanos_max) in [(10, 100), (1_000, 4_000)] {
        let choosing = Choosing::among(nodes);
        let choices = 100_000 / nodes;
        workloads::choose(&choosing, choices);
        let times = (0..ROUNDS).map(|_| {
            let start = Instant::now();
            workloads::choose(&choosing, choices);
            start.elapsed().as_nanos() as f64 / choices as f64
        });
        let nanos = times.fold(f64::MAX, f64::min);
        println!("a choice among {nodes} nodes: {nanos:.0} ns ({nanos_max} at most)");
    }
}

fn failovers() {
    let each = [1_000, 10_000].map(|players| {
        let mut failover = Failover::of(players);
        let nanos = shortest(&mut [&mut failover], 5)[0];
        let micros = nanos / 1_000.0 / players as f64;
        println!("failover of {players} players: {micros:.1} us a player (10 at most)");
        nanos
    });
    let ratio = each[1] / each[0];
    println!("failover of ten times the players: {ratio:.1} x the time");
}

fn playlist() {
    let (mut own, mut plain) = (Own(server::playlist()), Plain(server::playlist()));
    let mut exchange = (workloads::workload("chunked_playlist")
        .expect("it is one")
        .make)();
    let works: &mut [&mut dyn Work] = &mut [&mut own, exchange.as_mut(), &mut plain];
    let times = shortest(works, ROUNDS);
    let decode = times[0] / times[2];
    let exchange = times[1] / workloads::PLAYLISTS as f64 / times[2];
    println!("decode of a playlist of 100 tracks: {decode:.2} x serde's own (1.2 at most)");
    println!("the same with its request and its chunks: {exchange:.2} x serde's own decode alone");
}

/// The body of the playlist, read as the core reads it.
struct Own(String);

impl Work for Own {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        black_box(LoadResult::decode(&self.0).expect("it is one"));
    }
}

/// The same, read as serde derives it.
struct Plain(String);

impl Work for Plain {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        black_box(plain::LoadResult::decode(&self.0).expect("it is one"));
    }
}

/// The shortest time of each in nanoseconds, measured by turns.
fn shortest(works: &mut [&mut dyn Work], rounds: usize) -> Vec<f64> {
    let mut times = vec![f64::MAX; works.len()];
    for _ in 0..rounds {
        for (work, time) in works.iter_mut().zip(&mut times) {
            work.prepare();
            let start = Instant::now();
            work.run();
            *time = time.min(start.elapsed().as_nanos() as f64);
        }
    }
    times
}

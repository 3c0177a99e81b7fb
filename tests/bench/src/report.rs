//! The results as tables.

use crate::clients::{What, Who};
use crate::results::{Figures, Part, Results};

/// Prints the results.
pub(crate) fn print(results: &Results) {
    let machine = &results.machine;
    println!(
        "{} cores of {}, {}, {}, {}; {} rounds, medians",
        machine.cores,
        machine.processor,
        machine.system,
        machine.rustc,
        machine.date,
        results.rounds
    );
    if !results.clients.is_empty() {
        print_clients(results);
        print_ratios(results);
    }
    print_failover(results);
    print_memory(results);
    if let Some(load) = &results.load {
        println!(
            "\nload: {} messages from {} nodes to {} players in {:.1} s, {} lost, CPU {:.1} us a \
             message, {:.0} MiB",
            load.messages,
            load.nodes,
            load.players,
            load.seconds,
            load.lost,
            load.cpu_us_each,
            load.resident_mib
        );
        println!(
            "from the socket's read to the event: 50 % {:.0} us, 99 % {:.0} us, 99.9 % {:.0} us, \
             all {:.0} us",
            load.p50_us, load.p99_us, load.p999_us, load.max_us
        );
    }
    if let Some(build) = &results.build {
        println!(
            "\nbuild: {} crates with tokio and TLS; the manual loop has {:.2} MiB stripped",
            build.crates,
            build.manual_loop_bytes as f64 / MIB
        );
    }
}

fn print_clients(results: &Results) {
    println!("\n{:37}|{:^38}|{:^17}|", "", "burst", "20 000 a second");
    print!("{:37}|", "");
    print!(
        "{:>11} {:>8} {:>8} {:>8}|",
        "messages/s", "CPU us", "allocs", "bytes"
    );
    print!("{:>8} {:>8}|", "CPU us", "allocs");
    for part in ["REST", "32 at once", "100 tracks"] {
        print!("{part:>11} {:>8}|", "CPU us");
    }
    println!();
    for who in results.clients.keys() {
        let figures = |part| results.figures(part, *who);
        print!("{:37}|", name(*who));
        print_burst(figures(Part::Burst));
        match figures(Part::Steady) {
            Some(f) => print!("{:8.2} {:8.2}|", f.cpu_us, f.allocations),
            None => print!("{:17}|", ""),
        }
        for part in [Part::RestAlone, Part::RestAtOnce, Part::Playlist] {
            match figures(part) {
                Some(f) => print!("{:9.0}/s {:8.1}|", f.per_second, f.cpu_us),
                None => print!("{:20}|", ""),
            }
        }
        println!();
    }
}

fn print_burst(figures: Option<&Figures>) {
    match figures {
        Some(f) => {
            let (each, bytes) = (f.allocations, f.allocated_bytes);
            print!(
                "{:11.0} {:8.3} {each:8.2} {bytes:8.0}|",
                f.per_second, f.cpu_us
            );
        }
        None => print!("{:38}|", ""),
    }
}

/// How many times more lavapool on tokio does, and how many times less CPU it takes.
fn print_ratios(results: &Results) {
    println!("\nlavapool on tokio beside the others: messages or requests a second, and CPU each");
    for who in results.clients.keys().filter(|who| **who != Who::Tokio) {
        print!("{:37}", name(*who));
        for part in Part::ALL {
            let own = results.figures(part, Who::Tokio);
            let other = results.figures(part, *who);
            if let (Some(own), Some(other)) = (own, other) {
                let speed = own.per_second / other.per_second;
                let cpu = own.cpu_us / other.cpu_us;
                print!("| {part:?} {speed:.2} x, CPU {cpu:.2} x ");
            }
        }
        println!();
    }
}

fn print_failover(results: &Results) {
    for f in &results.failover {
        println!(
            "\nfailover of {} players, {} ms a PATCH: {:.0} ms to the last event, {:.0} ms to the \
             last answer, CPU {:.1} us a player, {} PATCHes, at most {} a player, {} at once",
            f.players,
            f.delay_ms,
            f.ms,
            f.server_ms,
            f.cpu_us_each,
            f.patches,
            f.patches_max,
            f.in_flight_max
        );
    }
}

fn print_memory(results: &Results) {
    for memory in &results.memory {
        let what = match memory.what {
            What::Idle => "idle players",
            What::Playing => "playing players",
            What::Nodes => "connected idle nodes",
        };
        println!(
            "\nmemory of {} {what}: {:.0} bytes each allocated, {:.0} in RAM",
            memory.count, memory.live_bytes, memory.resident_bytes
        );
    }
}

/// Who it is, with the version of those that others wrote.
const fn name(who: Who) -> &'static str {
    match who {
        Who::Reads => "nothing but reads: the server's limit",
        Who::ByHand => "by hand, typed borrowed serde_json",
        Who::Tungstenite => "tungstenite 0.30 + serde_json",
        Who::Twilight => "twilight-lavalink 0.18.0",
        Who::LavalinkRs => "lavalink-rs 0.15.0",
        Who::Tokio => "lavapool on tokio",
        Who::Smol => "lavapool on smol",
        Who::AsyncStd => "lavapool on async-std",
    }
}

const MIB: f64 = 1024.0 * 1024.0;

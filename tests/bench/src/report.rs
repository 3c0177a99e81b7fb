//! The results as tables.

use crate::bounds::{Bound, Limit, Unit, Verdict};
use crate::results::{Figures, Part, Ratio, Results};

/// Prints the results, and what they are judged by.
pub(crate) fn print(results: &Results, bounds: &[Bound]) {
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
    let taken = &results.taken;
    println!(
        "while the bench only looked at the clock, others took up to {:.1} % of the cores, \
         {:.1} ms at once",
        taken.percent, taken.longest_ms
    );
    if !results.clients.is_empty() {
        print_clients(results);
        print_ratios(&results.ratios());
        print_delays(results);
    }
    print_failover(results);
    print_memory(results);
    print_load(results);
    if let Some(build) = &results.build {
        println!(
            "\nbuild: {} crates with tokio and TLS; the manual loop has {:.2} MiB stripped",
            build.crates,
            build.manual_loop_bytes as f64 / MIB
        );
    }
    print_bounds(bounds);
    for failure in &results.failures {
        println!("\nnot measured: {failure}");
    }
}

fn print_bounds(bounds: &[Bound]) {
    if bounds.is_empty() {
        return;
    }
    println!(
        "\n{:<75}{:>13}{:>22}",
        "what must hold", "measured", "bound"
    );
    for bound in bounds {
        let (side, limit) = match bound.limit {
            Limit::AtLeast(limit) => ("at least", limit),
            Limit::AtMost(limit) => ("at most", limit),
        };
        let verdict = match bound.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "NOT MET",
            Verdict::NotJudged => "not judged: the machine is not idle",
        };
        let measured = with_unit(bound.measured, bound.unit);
        let limit = format!("{side} {}", with_unit(limit, bound.unit));
        println!("{:<75}{measured:>13}{limit:>22}  {verdict}", bound.what);
    }
}

fn with_unit(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::Times => format!("{figure:.2} x"),
        Unit::Count => format!("{figure:.0}"),
        Unit::Milliseconds if figure < 10.0 => format!("{figure:.2} ms"),
        Unit::Milliseconds => format!("{figure:.1} ms"),
        Unit::Bytes => format!("{figure:.0} bytes"),
        Unit::Mebibytes => format!("{figure:.2} MiB"),
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
        print!("{:37}|", who.name());
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
fn print_ratios(ratios: &[Ratio]) {
    println!("\nlavapool on tokio beside the others: messages or requests a second, and CPU each");
    for others in ratios.chunk_by(|one, other| one.beside == other.beside) {
        print!("{:37}", others[0].beside.name());
        for ratio in others {
            let part = ratio.part.name();
            print!("| {part}: {:.2} x, CPU {:.2} x ", ratio.speed, ratio.cpu);
        }
        println!();
    }
}

/// How late lavapool tells of messages that come one by one.
fn print_delays(results: &Results) {
    for who in results.clients.keys() {
        let Some(late) = results.figures(Part::Steady, *who).and_then(Figures::late) else {
            continue;
        };
        println!(
            "\n{}, 20 000 a second: from the server's write to the event 50 % {:.0} us, 99.9 % \
             {:.0} us",
            who.name(),
            late.p50_us,
            late.p999_us
        );
    }
}

fn print_failover(results: &Results) {
    for f in &results.failover {
        println!(
            "\nfailover of {} players, {} ms a PATCH: {:.1} ms to the last event, {:.1} ms to the \
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
        println!(
            "\nmemory of {} {}: {:.0} bytes each allocated, {:.0} in RAM",
            memory.count,
            memory.what.name(),
            memory.live_bytes,
            memory.resident_bytes
        );
    }
}

fn print_load(results: &Results) {
    let Some(load) = &results.load else {
        return;
    };
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
    let late = &load.late;
    println!(
        "from the socket's read to the event: 50 % {:.0} us, 99 % {:.0} us, 99.9 % {:.0} us, all \
         {:.0} us",
        late.p50_us, late.p99_us, late.p999_us, late.max_us
    );
}

const MIB: f64 = 1024.0 * 1024.0;

//! How long the workloads take:
//! `cargo bench --manifest-path tests/bench/core/Cargo.toml --features criterion`.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use lavapool_bench_core::workloads::{WORKLOADS, Workload};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for workload in &WORKLOADS {
        measure(&mut criterion, workload);
    }
    criterion.final_summary();
}

/// Times the runs of a workload, without what makes them ready.
fn measure(criterion: &mut Criterion, workload: &Workload) {
    let mut work = (workload.make)();
    let mut group = criterion.benchmark_group("core");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(
        workload.units.try_into().expect("not that many"),
    ));
    group.bench_function(workload.name, |bencher| {
        bencher.iter_custom(|runs| {
            let mut time = Duration::ZERO;
            for _ in 0..runs {
                work.prepare();
                let start = Instant::now();
                work.run();
                time += start.elapsed();
            }
            time
        });
    });
    group.finish();
}
